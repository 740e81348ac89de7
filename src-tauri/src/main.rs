//! Starts Roundtrip: the window without arguments, a command-line verb with one.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![forbid(unsafe_code)]

// The system's allocator on Linux keeps what a reading of thousands of appointments took for as long as the process lives, and this
// process lives for days. Those of Windows and macOS give it back.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    roundtrip_app::run()
}
