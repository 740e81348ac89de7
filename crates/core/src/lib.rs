//! The decisions of Roundtrip.
//!
//! # Key concepts
//! - A [`record::Record`] is everything known about one appointment: the platform's side, the calendar's side, and the
//!   *base*, the last value on which both agreed.
//! - [`absorb`] writes facts (what a side said) into records; [`reconcile`] turns a record into a [`reconcile::Decision`];
//!   [`guard`] holds back what is unusually large. A *plan* is the decisions of one cycle.
//! - A deletion that is only inferred is *held* in the [`pen`], where the trainer sees it, before it is written.
//! - [`awake`] says whether the laptop slept, [`schedule`] says when to look next, [`quota`] when a request may be sent.
//! - An [`outbox::Intent`] is a remote write as it is recorded before it is sent.
//!
//! # What it must not do
//! No IO, no async, no clock, no randomness: `now` and everything else that varies is an argument.
#![forbid(unsafe_code)]

pub mod absorb;
pub mod appointment;
pub mod awake;
pub mod badge;
pub mod bug;
pub mod channel;
pub mod conflict;
pub mod echo;
pub mod event;
pub mod event_id;
pub mod filter;
pub mod former;
pub mod guard;
pub mod ids;
pub mod leaving;
pub mod marked;
pub mod mirror;
pub mod offer;
pub mod outbox;
pub mod pen;
pub mod question;
pub mod quota;
pub mod reconcile;
pub mod reconnect;
pub mod record;
pub mod resolve;
pub mod schedule;
pub mod settings;
pub mod shrink;
pub mod silence;
#[cfg(test)]
mod testing;
pub mod text;
pub mod time;
pub mod turns;
pub mod unanswered;
pub mod undo;
