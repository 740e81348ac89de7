//! A whole world to test Roundtrip in: the sandbox over HTTP on this machine, and laptops with the real database, the
//! real clients and the real engine.
//!
//! # Words
//! - A [`World`] is one sandbox with one clock that stands still until it is moved, and one laptop.
//! - A [`Laptop`] is one installation: database, device id, sign-ins, engine. It can lose its power and be started again.
//! - The *admin* ([`Admin`]) acts on the platform, the *trainer* ([`Trainer`]) in the calendar: both through the same
//!   model that answers the HTTP requests.
//! - [`World::check_invariants`] is the oracle that each test asks at its end.
//!
//! # What it must not do
//! Nothing here waits in real time, and nothing reaches past the ports: what a laptop knows it learned over HTTP.
#![forbid(unsafe_code)]

mod admin;
mod clock;
mod driving;
mod laptop;
mod oracle;
mod person;
mod trainer;
mod vault;
mod wire;
mod world;

pub use admin::Admin;
pub use clock::LaptopClock;
pub use driving::{Driving, Listening};
pub use laptop::Laptop;
pub use person::{BEN, JANA, LENA, MARA, Person};
pub use trainer::{Trainer, end_of, start_of};
pub use vault::StoreVault;
pub use wire::{Cut, Wire};
pub use world::{Setup, World};

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

/// An instant as RFC 3339 tells it, or a wall-clock time in Berlin: `2026-12-01 09:00`.
///
/// # Panics
/// If it is neither: the text is the test's own.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|_| local(text, Tz::Europe__Berlin))
}

/// A wall-clock time in a zone.
///
/// # Panics
/// If it is none: the text is the test's own.
pub fn local(text: &str, zone: Tz) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a test's own time");
    roundtrip_core::time::resolve_local(local, zone)
}
