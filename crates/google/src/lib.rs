//! Google sign-in and Google Calendar v3, behind the engine's [`CalendarPort`](roundtrip_engine::ports::CalendarPort).
//!
//! # Key concepts
//! - [`GoogleConfig`] says where Google is and as which client we sign in; every address can be replaced by that of a
//!   stand-in.
//! - An [`Account`] is who signed in; its `sub` identifies it for ever, its address does not.
//! - [`GoogleCalendar`] reads whole listings (all pages), and writes single events under ids that we chose.
//! - A *mark* is the set of private extended properties on each of our events.
//!
//! # What it must not do
//! It never writes or reads guests, never writes reminders, and lets Google mail nobody: every write says
//! `sendUpdates=none`. No storage, no retry, no decision. The shapes of the wire stay in here.
#![forbid(unsafe_code)]

mod account;
mod body;
mod client;
mod config;
mod error;
mod mark;
mod wire;

pub use account::Account;
pub use client::GoogleCalendar;
pub use config::{CALENDAR_SCOPE, GoogleConfig, SCOPES, WrongAddress};
