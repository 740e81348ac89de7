//! The planner check: are the decisions of the core lawful, whatever happens on both sides?
//!
//! # Key concepts
//! - A *story* is drawn from one number, its *seed*: what the admin, the trainer and time do to **one agreed state**.
//!   Two states drawn independently of each other hardly ever disagree in the interesting ways.
//! - A *world* holds a platform, a calendar and the records between them. Its cycle is the engine's in small:
//!   absorb, reconcile, guard, apply; each batch of facts comes shuffled and with the last one's repeated, so order must not
//!   matter.
//! - A [`Law`] is judged by what the world itself knows to have happened, never by what records say.
//! - A story that breaks a law is *shrunk* to the steps that it takes.
//!
//! # What it must not do
//! No IO, no clock, no chance but the seed's: the same seed is the same story for ever.
#![forbid(unsafe_code)]

mod back;
pub mod campaign;
mod chance;
mod facts;
mod guarding;
mod hands;
mod law;
mod live;
mod losing;
mod marking;
mod rows;
mod shrink;
mod steps;
mod things;
mod wishes;
mod world;

pub use law::Law;
