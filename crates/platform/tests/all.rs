//! All tests of this folder in one program; each file says what it is about.

mod discovery;
mod feed;
mod sandbox_account;
mod sandbox_appointments;
mod script;
mod world;
mod writes;
