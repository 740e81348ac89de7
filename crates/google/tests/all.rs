//! All tests of this folder in one program; each file says what it is about.

mod config;
mod reading;
mod sandbox_events;
mod sandbox_sign_in;
mod script;
mod world;
mod writing;
