//! Starts Roundtrip: the window without arguments, a command-line verb with one.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![forbid(unsafe_code)]

/// Gives memory back that a large reading took. The system's own keeps it for as long as the process lives, and this one
/// lives as long as the laptop is on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    roundtrip_app::run()
}
