//! The relay: passes the push notifications of calendar services on to trainers' laptops, for platforms that want this part of
//! the contract ready-made.
//!
//! A calendar service can call a public address, not a laptop. The relay has that address. It knows nothing of
//! appointments, and no trainer's token ever reaches it: the platform checks who asks and passes the request on with the
//! trainer's id and a key of its own.
//!
//! # Words
//! - A [`channel`] is one push subscription of one laptop at a calendar service. All that must be known of it is in its
//!   token, sealed by a key that every node has: nodes share no table.
//! - A *mailbox* is where the hints for one trainer lie: a keyed hash of the trainer's id, so that neither the calendar
//!   service nor the message system between nodes learns who it is.
//! - A [`hub`] keeps hints for an hour and hands them to the streams that are open: in memory for one node, over NATS
//!   JetStream for more.
//! - A *stream* is what a laptop holds open (`GET /v1/stream`); it resumes at any node with `Last-Event-ID`.
//!
//! # What it must not do
//! It passes on nothing but channel and state, logs no id of a trainer, and takes no request that carries an `Authorization`
//! header.
#![forbid(unsafe_code)]

mod backlog;
pub mod channel;
pub mod config;
pub mod hooks;
pub mod hub;
mod limits;
mod memory;
mod metrics;
mod nats;
mod platform;
mod problem;
mod ring;
pub mod serve;
mod stream;

pub use config::{Config, Given};
pub use memory::MemoryHub;
pub use nats::{NatsHub, NatsOptions};
pub use serve::{Running, serve};
