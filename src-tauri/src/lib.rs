//! The app: composition root, commands of the window, tray, notifications, links, and the verbs of the command line.
//!
//! # Key concepts
//! - The *host* ([`host`]) puts data folder, keychain, network, accounts and engine together; it has no window.
//! - The *gui* ([`gui`]) is the shell around it; *ipc* is what crosses to the window; the *cli* are the same verbs
//!   without a display.
//!
//! # What it must not do
//! No decision about sync: those are core's. Nothing of the sandbox. No token crosses to the window or into a log.
#![forbid(unsafe_code)]

pub mod cli;
#[cfg(feature = "crash-points")]
mod crash_points;
pub mod gui;
mod hardening;
pub mod host;
pub mod ipc;
mod log;

use std::process::ExitCode;

/// Runs a verb, or the window without one. Verbs are told apart before anything graphical starts.
pub fn run() -> ExitCode {
    #[cfg(feature = "crash-points")]
    crash_points::begin();
    hardening::apply();
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match cli::parse(&arguments) {
        cli::Parsed::Verb(verb) => cli::run(verb),
        cli::Parsed::Window => {
            let _log = log::to_file();
            gui::run(&arguments)
        }
        cli::Parsed::Said(code) => code,
    }
}
