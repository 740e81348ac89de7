//! Client of the booking platform (`docs/platform-api.md`).
//!
//! # Key concepts
//! - An *address* is what a person types; [`discover`] turns it into [`PlatformMetadata`] (RFC 8414), or says in what
//!   way it is no platform.
//! - [`PlatformClient`] implements the engine's [`PlatformPort`](roundtrip_engine::ports::PlatformPort) for one
//!   signed-in trainer. It reads the whole feed since a cursor before it answers.
//! - A *policy* says whether calendar sync may run; it comes with every answer.
//! - A *hint* ([`hints`]) says "look now", without content. A *channel* of the *relay* lets a calendar service's notices
//!   come as such.
//!
//! # What it must not do
//! No storage, no retry, no decision about appointments. The shapes of the wire stay in here: an item that cannot be
//! read is handed on as such, and never hides the others.
#![forbid(unsafe_code)]

mod client;
mod discovery;
pub mod hints;
mod problem;
mod wire;

pub use client::PlatformClient;
pub use discovery::{DiscoveryError, PlatformMetadata, discover, parse_address};

/// Public id under which Roundtrip signs in.
pub const CLIENT_ID: &str = "roundtrip-desktop";
/// Rights it asks for.
pub const SCOPES: [&str; 3] = ["appointments.read", "appointments.write", "calendar_sync"];
/// Deep link that may end a sign-in instead of the loopback listener.
pub const DEEP_LINK_REDIRECT: &str = "roundtrip://signin/platform";
