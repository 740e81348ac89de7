//! The same program as `main.rs` under the name that `cargo xtask crash` starts, so that it never lies where the shipped one does.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    roundtrip_app::run()
}
