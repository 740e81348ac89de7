//! The sync cycle of Roundtrip.
//!
//! # Key concepts
//! - A *cycle* reads both sides, writes the facts into the ledger, lets [`roundtrip_core`] decide, records the decided
//!   writes in the *outbox* and carries them out. Its record in the history is a *run*.
//! - A *port* is what the engine asks of the outside: [`ports::PlatformPort`], [`ports::CalendarPort`],
//!   [`ledger::Ledger`], [`ports::Clock`].
//!
//! # What it must not do
//! No SQL, no HTTP, no Tauri. It decides nothing about a single appointment: that is core's.
#![forbid(unsafe_code)]

mod answers;
mod channels;
mod checks;
mod cycle;
mod driver;
mod engine;
mod execute;
pub mod figures;
mod leaving;
pub mod ledger;
mod live;
mod look_up;
mod marked;
mod outcome;
mod past;
mod plan;
mod policy;
pub mod ports;
mod push;
mod questions;
mod read;
mod status;
mod telling;
mod transmit;
mod unanswered;
mod undo;
mod watch;

pub use answers::{AnswerError, Preview, Removals};
pub use channels::ChannelView;
pub use cycle::CycleReport;
pub use engine::{Config, Engine, EngineEvent, Health, Live, ME_MINUTES};
pub use leaving::{DepartError, Departure, LeavingPlan};
pub use live::Connection;
pub use marked::FEATURE as CREATE_APPOINTMENTS;
pub use outcome::error_code;
pub use past::{PastCalendar, PastEvent, Since};
pub use plan::{resolution_word, title_of};
pub use status::{AppointmentStatus, Snapshot};
pub use undo::{Answered, Confirmed, Restoring, is_restorable};
