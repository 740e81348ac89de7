//! What the checker is given: a world whose faults have stopped and whose laptops have had their quiet rounds.

use crate::witness::Witnessed;
use roundtrip_core::conflict::Conflict;
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::DeviceId;
use roundtrip_core::outbox::OutboxRow;
use roundtrip_core::question::Question;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::AppointmentStatus;
use roundtrip_engine::ledger::{HistoryItem, Run, SyncState};
use roundtrip_sandbox::Sandbox;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The end of one seed.
pub struct Ended<'a> {
    /// Which seed.
    pub seed: u64,
    /// Both services, with their own histories.
    pub sandbox: &'a Sandbox,
    /// Id of the trainer on the platform.
    pub user: &'a str,
    /// Address of the trainer at Google; also the id of the calendar that is written.
    pub account: &'a str,
    /// Every event of every calendar before Roundtrip came, by account, calendar and event id.
    pub before: &'a BTreeMap<(String, String, String), Value>,
    /// Number of the last request before the faults stopped (`shared.log()`).
    pub faults_until: u64,
    /// Number of the last request before the quiet rounds that must send no write (I2).
    pub quiet_from: u64,
    /// Number of entries of [`Google::audit`](roundtrip_sandbox::google::Google::audit) at `quiet_from`.
    pub quiet_audit: usize,
    /// Number of the platform's writes at `quiet_from`.
    pub quiet_writes: usize,
    /// What every laptop knows, in the order of their numbers.
    pub laptops: Vec<EndedLaptop>,
    /// Every request as it left a laptop, with what its wire did to it.
    pub requests: &'a [WireRecord],
    /// What was seen in passing.
    pub witnessed: Witnessed,
}

/// One laptop at the end.
pub struct EndedLaptop {
    /// Its device id: what `idempotency` and lease name.
    pub device: DeviceId,
    /// Whose appointments, whose calendar: gives the ids of its events.
    pub identity: Identity,
    /// The folder of its database.
    pub folder: PathBuf,
    /// True if its database was lost at some time: what the ledger knows begins there.
    pub database_was_lost: bool,
    /// True if this laptop holds the writer lease at the end.
    pub writes: bool,
    /// True if the trainer left it disconnected: it need not agree with anything.
    pub disconnected: bool,
    /// Settings.
    pub settings: SyncSettings,
    /// Sync state.
    pub state: SyncState,
    /// Every record.
    pub records: Vec<Record>,
    /// What the window says of every appointment: the engine's opinion, to be held against the services.
    pub statuses: Vec<AppointmentStatus>,
    /// Writes that wait.
    pub outbox: Vec<OutboxRow>,
    /// Open conflicts.
    pub conflicts: Vec<Conflict>,
    /// Those that were answered.
    pub answered: Vec<Conflict>,
    /// Open questions.
    pub questions: Vec<Question>,
    /// The whole history, oldest first, with what lost databases said.
    pub history: Vec<HistoryItem>,
    /// All runs, oldest first, those of lost databases too.
    pub runs: Vec<Run>,
}

/// One request as it left a laptop.
#[derive(Clone, Debug)]
pub struct WireRecord {
    /// Which laptop, from 0.
    pub laptop: usize,
    /// Another number whenever the app has started anew or its clock was set: a wait may be forgotten with that.
    pub era: u64,
    /// When, by the services' time.
    pub at: chrono::DateTime<chrono::Utc>,
    /// True for Google, false for the platform.
    pub google: bool,
    /// Method and address without credentials.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// `Idempotency-Key`, if it has one.
    pub idempotency_key: Option<String>,
    /// The faults put on it, in words.
    pub faults: Vec<&'static str>,
    /// Status as the laptop heard it; `None` if it heard nothing.
    pub status: Option<u16>,
    /// Seconds of a `Retry-After` that the laptop heard.
    pub retry_after: Option<u64>,
    /// How far the time that the laptop heard of the service was ahead of the real one: zero unless that service's clock was wrong.
    pub told_ahead: chrono::TimeDelta,
}

/// One promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// `I1` to `I15`, a promise (`P8`), `undo` or `switch`.
    pub invariant: &'static str,
    /// What was found; may name ids, never a token.
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}
