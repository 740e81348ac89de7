//! `simulate`: see `cargo xtask sim --help`.
#![forbid(unsafe_code)]

fn main() {}
