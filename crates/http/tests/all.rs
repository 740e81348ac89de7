//! All tests of this folder in one program; each file says what it is about.

mod common;
mod keeper;
mod loopback;
mod network;
mod pace;
mod secrets;
mod signed;
mod tls;
