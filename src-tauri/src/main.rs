//! Starts Roundtrip: the window without arguments, a command-line verb with one.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    roundtrip_app::run()
}
