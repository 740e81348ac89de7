//! Any bytes at all, given to everything that reads what comes from outside.
//!
//! # Words
//! - A *target* is a function of bytes that panics if something does not hold. [`TARGETS`] lists them; `fuzz/` calls each
//!   from libFuzzer, and `tests/corpora.rs` runs each over the committed corpus and seeded mutations of it.
//! - A *corpus* is `fuzz/corpus/<target>/`: answers of the stand-ins, hostile answers, and every input that once failed.
//!
//! # What it must not do
//! No network and no clock: a target does the same for the same bytes.
#![forbid(unsafe_code)]

mod calendar;
mod doors;
pub mod mutate;
mod platform;
mod relay;
mod services;
mod text;

/// The parser of `roundtrip://` links, as the app has it: it stands by itself, so it is read from there.
#[path = "../../../src-tauri/src/gui/links.rs"]
mod links;

/// A function of bytes that panics if something does not hold.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("google_list", calendar::list),
    ("google_event", calendar::event),
    ("google_calendar", calendar::facts),
    ("google_watch", calendar::watch),
    ("google_error", calendar::error),
    ("google_token", calendar::token),
    ("google_id_token", calendar::id_token),
    ("platform_feed", platform::feed),
    ("platform_appointment", platform::appointment),
    ("platform_problem", platform::problem),
    ("platform_me", platform::me),
    ("platform_status", platform::status),
    ("platform_channel", platform::channel),
    ("platform_headers", platform::headers),
    ("platform_metadata", platform::metadata),
    ("platform_hints", platform::hints),
    ("relay", relay::request),
    ("deep_link", doors::deep_link),
    ("loopback", doors::loopback),
    ("address", doors::address),
    ("event_text", text::event_text),
    ("html", text::html),
];

/// Calls one target.
///
/// # Panics
/// If there is none of that name, or if something does not hold.
pub fn run(name: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.unwrap_or_else(|| panic!("no target {name}"));
    target(input);
}
