//! All tests of this folder in one program; each file says what it is about.

mod channels;
mod common;
mod key_life;
mod ledger;
mod many;
mod older;
mod open;
mod tokens;
mod values;
