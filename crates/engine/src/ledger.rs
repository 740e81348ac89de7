//! The ledger port: what the engine keeps. Every change of one outcome goes into ONE [`Ledger::commit`], which either
//! happens as a whole or not at all, also when the power goes.

use crate::figures::{DayCount, Took};
use crate::ports::PortError;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use roundtrip_core::channel::Channel;
use roundtrip_core::conflict::Conflict;
use roundtrip_core::ids::{
    AppointmentId, CalendarId, ChannelId, ConflictId, Cursor, EventId, OutboxId, QuestionId, RunId, SyncToken,
};
use roundtrip_core::marked::Marked;
use roundtrip_core::outbox::{OutboxRow, Side};
use roundtrip_core::question::Question;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::Watch;
use serde::{Deserialize, Serialize};

/// The ledger could not be read or written. What the caller can do: stop the run, say so, try again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The file is locked, read-only or not reachable.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The file is damaged.
    #[error("the database is damaged")]
    Damaged,
    /// A stored value could not be read by this version.
    #[error("a stored value could not be read: {0}")]
    Unreadable(String),
}

/// Where the next listings start, and what is known about time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncState {
    /// Platform feed.
    pub cursor: Option<Cursor>,
    /// For `If-None-Match`.
    pub feed_etag: Option<String>,
    /// Calendar feed.
    pub sync_token: Option<SyncToken>,
    /// The calendar the token belongs to.
    pub calendar: Option<CalendarId>,
    /// When the connection was first made: nothing that began before is ever written (P11).
    pub connected_at: Option<DateTime<Utc>>,
    /// Last successful reading of the platform.
    pub platform_read_at: Option<DateTime<Utc>>,
    /// When that reading of the platform began, by the platform's time and rather too early than too late: what changed later
    /// need not be in it.
    pub platform_asked_at: Option<DateTime<Utc>>,
    /// Last successful reading of the calendar.
    pub calendar_read_at: Option<DateTime<Utc>>,
    /// Last full reconcile without cursors.
    pub full_at: Option<DateTime<Utc>>,
    /// Last run without problems.
    pub last_success_at: Option<DateTime<Utc>>,
    /// When another laptop was last seen to hold the writer lease.
    pub other_writer_at: Option<DateTime<Utc>>,
    /// Live events of ours in the last full listing, to notice a sudden drop.
    pub last_full_count: Option<u32>,
    /// Deletions are frozen because a reading shrank by more than half.
    pub deletions_frozen: bool,
    /// Not before this time is the calendar asked anything (`Retry-After`, or no quota left for reading).
    pub calendar_wait_until: Option<DateTime<Utc>>,
    /// Not before this time is it written: a write was refused because its quota is gone, which says nothing of reading.
    pub calendar_writes_wait_until: Option<DateTime<Utc>>,
    /// Not before this time is the platform asked anything.
    pub platform_wait_until: Option<DateTime<Utc>>,
    /// Paused by the trainer until then ([`for_ever`]: until resumed).
    pub paused_until: Option<DateTime<Utc>>,
    /// The trainer has seen the preview and said "Start syncing".
    pub started: bool,
    /// Who writes, as last heard, so that a restart does not ask for the lease again.
    pub writer: Option<crate::ports::Writer>,
    /// When the status was last told to the platform, and what.
    pub reported: Option<(DateTime<Utc>, crate::ports::LaptopStatus)>,
    /// What the platform last said on sync, so that neither a restart nor an outage lifts a pause of its.
    pub policy: Option<crate::ports::SyncPolicy>,
}

impl SyncState {
    /// Until when the trainer wants no syncing: a pause, or the switch, which has no end of its own ([`for_ever`]). None: it is
    /// wanted. `now` is the services' time.
    pub fn rests_until(&self, settings: &SyncSettings, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match settings.enabled {
            true => self.paused_until.filter(|until| *until > now),
            false => Some(for_ever()),
        }
    }

    /// Not before this time is a side written.
    pub fn writes_wait_until(&self, side: Side) -> Option<DateTime<Utc>> {
        match side {
            Side::Platform => self.platform_wait_until,
            Side::Calendar => self.calendar_wait_until.max(self.calendar_writes_wait_until),
        }
    }

    /// The wait that this answer to a write concerns.
    pub(crate) fn wait_of_write(&mut self, side: Side, error: &PortError) -> &mut Option<DateTime<Utc>> {
        match (side, error) {
            (Side::Platform, _) => &mut self.platform_wait_until,
            (Side::Calendar, PortError::QuotaGone) => &mut self.calendar_writes_wait_until,
            (Side::Calendar, _) => &mut self.calendar_wait_until,
        }
    }
}

/// "Until resumed", as a time. A day short of the end, so that every zone can say it.
pub fn for_ever() -> DateTime<Utc> {
    DateTime::<Utc>::MAX_UTC - chrono::Duration::days(1)
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Still going.
    Running,
    /// Everything went well.
    Success,
    /// Some items did not.
    Partial,
    /// Nothing could be done.
    Failed,
}

/// Why a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The timer.
    Timer,
    /// "Sync now".
    Manual,
    /// A setting changed, a conflict was resolved, a question answered.
    Changed,
    /// The laptop woke up.
    WakeUp,
    /// The network came back.
    NetworkBack,
    /// Just connected or started.
    Start,
    /// A push said "look now".
    Hint,
    /// Something waiting became due (settle time, retry).
    Due,
}

impl Trigger {
    /// True if a run for this reason tries at once again what failed. Hints come every few seconds, and a failure may be what one follows.
    pub fn retries_at_once(self) -> bool {
        !matches!(self, Self::Hint | Self::Due)
    }

    /// True if a run for this reason goes on at once with what the trainer stopped. What only follows something up does not, nor does
    /// what looks for a lost network every few seconds.
    pub fn ends_a_stop(self) -> bool {
        match self {
            Self::Hint | Self::Due | Self::NetworkBack => false,
            Self::Timer | Self::Manual | Self::Changed | Self::WakeUp | Self::Start => true,
        }
    }
}

/// One cycle in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Why.
    pub trigger: Trigger,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How.
    pub result: RunResult,
    /// What was done.
    pub counts: Counts,
    /// Stable code of what stopped it.
    pub problem: Option<String>,
    /// A row of checks without changes stands for each of these, oldest first; any other row stands for itself alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// One check without changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// When it began.
    pub at: DateTime<Utc>,
    /// Why.
    pub trigger: Trigger,
}

impl Run {
    /// When it looked, and why: each check of a row of checks, or the run itself.
    pub fn looks(&self) -> Vec<Check> {
        match self.checks.is_empty() {
            true => vec![Check {
                at: self.started_at,
                trigger: self.trigger,
            }],
            false => self.checks.clone(),
        }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Events made.
    pub added: u32,
    /// Events changed.
    pub changed: u32,
    /// Events deleted.
    pub removed: u32,
    /// Moves reported and taken.
    pub moved_back: u32,
    /// Notes reported and taken.
    pub notes_back: u32,
    /// Appointments made of marked events.
    pub created: u32,
    /// Conflicts raised.
    pub conflicts: u32,
    /// Writes that did not succeed.
    pub problems: u32,
    /// Requests to the platform.
    pub platform_requests: u64,
    /// Requests to the calendar.
    pub calendar_requests: u64,
}

impl Counts {
    /// Writes that went through.
    pub fn written(&self) -> u32 {
        self.added + self.changed + self.removed + self.moved_back + self.notes_back + self.created
    }
}

/// One thing that happened, in the history. Titles are kept for the window only, exports mask them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryItem {
    /// Unique id.
    pub id: String,
    /// In which run; none for what happened outside one.
    pub run_id: Option<RunId>,
    /// When.
    pub at: DateTime<Utc>,
    /// Whose, if it is about one.
    pub appointment_id: Option<AppointmentId>,
    /// Shown name of the appointment at that time.
    pub title: Option<String>,
    /// What.
    pub what: HistoryWhat,
    /// Who began it.
    pub source: HistorySource,
    /// `ok`, `waiting`, `problem`.
    pub result: HistoryResult,
    /// Stable code of the problem.
    pub problem: Option<String>,
    /// Request id at the service, for support.
    pub request_id: Option<String>,
    /// For a write: at which side, and how long the change took until it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<(Side, Took)>,
}

/// Who began what the history tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistorySource {
    /// The trainer, in the calendar or in the window.
    You,
    /// The platform.
    Platform,
    /// Roundtrip itself.
    Roundtrip,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryResult {
    /// Done.
    Ok,
    /// Will be tried again by itself.
    Waiting,
    /// Needs somebody.
    Problem,
}

/// What happened. Each has its sentence in the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum HistoryWhat {
    /// An event was made.
    Added {
        /// Its time.
        time: roundtrip_core::time::TimeSpan,
    },
    /// An event was changed.
    Changed {
        /// Fields written.
        fields: Vec<roundtrip_core::record::Field>,
        /// Time before, if it was moved.
        from: Option<roundtrip_core::time::TimeSpan>,
        /// Time now, if it was moved.
        to: Option<roundtrip_core::time::TimeSpan>,
    },
    /// An event was deleted.
    Deleted {
        /// Why.
        reason: roundtrip_core::outbox::DeleteReason,
        /// True if the trainer had edited it at the same time, or written own text into it.
        edit_lost: bool,
        /// True if the platform did not say so: the appointment was only absent.
        #[serde(default)]
        inferred: bool,
        /// When the event was, if it had hours and minutes.
        #[serde(default)]
        time: Option<roundtrip_core::time::TimeSpan>,
    },
    /// An existing event of ours was found and linked again.
    Adopted,
    /// A move was reported and taken.
    MovedBack {
        /// Before.
        from: roundtrip_core::time::TimeSpan,
        /// Now.
        to: roundtrip_core::time::TimeSpan,
        /// True if the admin was told.
        admin_notified: bool,
    },
    /// Edited notes were reported and taken.
    NotesBack {
        /// True if the admin was told.
        admin_notified: bool,
    },
    /// An appointment was made of an event that the trainer marked.
    CreatedFromEvent {
        /// Its time.
        time: roundtrip_core::time::TimeSpan,
    },
    /// The platform said no.
    Refused {
        /// What it said no to: a move, or edited notes. Lines from before it was kept tell of moves.
        #[serde(default = "time_field")]
        field: roundtrip_core::record::Field,
        /// Stable reason.
        reason: String,
        /// Its words.
        detail: Option<String>,
    },
    /// The event was deleted in the calendar; the appointment stays.
    RemovedInCalendar {
        /// True if it can only have been the trainer.
        by_trainer: bool,
    },
    /// The appointment changed after its event was removed.
    ChangedSinceRemoved,
    /// "Put back".
    PutBack,
    /// A conflict was raised.
    ConflictRaised {
        /// Kind.
        kind: roundtrip_core::conflict::ConflictKind,
        /// Fields that it is about; none in lines from before they were kept.
        #[serde(default)]
        fields: Vec<roundtrip_core::record::Field>,
        /// Which.
        conflict: ConflictId,
    },
    /// A conflict was answered.
    ConflictResolved {
        /// Which.
        conflict: ConflictId,
        /// How: `keep_platform`, `keep_calendar`, `most_recent`, `merge`, `stop_syncing`, `create`, `dismiss`.
        resolution: String,
        /// By a standing policy.
        by_policy: bool,
    },
    /// An answer was undone, by a new edit the other way round.
    Undone {
        /// Which conflict.
        conflict: ConflictId,
        /// Time before the undoing, if one changes.
        from: Option<roundtrip_core::time::TimeSpan>,
        /// Time after it.
        to: Option<roundtrip_core::time::TimeSpan>,
    },
    /// A line of the history was restored, by a new edit.
    Restored {
        /// Time before, if one changes or an event goes.
        from: Option<roundtrip_core::time::TimeSpan>,
        /// Time after; none where the appointment was left out.
        to: Option<roundtrip_core::time::TimeSpan>,
    },
    /// A deletion that is only inferred is held: the trainer can keep the event.
    Held {
        /// What it follows from.
        cause: roundtrip_core::pen::Cause,
        /// When it goes by itself.
        until: DateTime<Utc>,
    },
    /// The trainer answered what is held.
    HeldAnswered {
        /// `GoOn`: removed now; `Leave`: kept.
        answer: roundtrip_core::question::Answer,
    },
    /// Different fields changed on both sides and were merged.
    Merged,
    /// A time chosen in the window, or wanted back, no longer counts: a later change says another one.
    Overtaken {
        /// The time that was wanted.
        wanted: roundtrip_core::time::TimeSpan,
    },
    /// The guard asked.
    Asked {
        /// What.
        question: roundtrip_core::question::QuestionKind,
        /// How many.
        count: u32,
    },
    /// The guard was answered.
    Answered {
        /// What.
        question: roundtrip_core::question::QuestionKind,
        /// How.
        answer: roundtrip_core::question::Answer,
    },
    /// Signed in.
    Connected {
        /// `platform`, `google` …
        service: String,
    },
    /// Disconnected.
    Disconnected {
        /// `platform`, `google` …
        service: String,
    },
    /// A write did not succeed.
    WriteFailed {
        /// `insert`, `patch`, `delete`, `move`, `notes`, `create`.
        intent: String,
    },
    /// Something could not be read; it marks its own link only.
    Unreadable {
        /// Which field.
        field: String,
    },
    /// Links were rebuilt from the calendar.
    Rebuilt {
        /// How many.
        count: u32,
    },
    /// A reading shrank by more than half: deletions are held.
    ReadingShrank,
    /// At one side nothing had succeeded for two hours in which the laptop was awake.
    SilenceBegan {
        /// Which.
        side: Side,
    },
    /// Something succeeded there again.
    SilenceEnded {
        /// Which.
        side: Side,
        /// The last success before, or when the silence was first said if there was none.
        since: DateTime<Utc>,
    },
}

fn time_field() -> roundtrip_core::record::Field {
    roundtrip_core::record::Field::Time
}

impl HistoryWhat {
    /// A write that went through.
    pub fn is_write(&self) -> bool {
        matches!(
            self,
            Self::Added { .. }
                | Self::Changed { .. }
                | Self::Deleted { .. }
                | Self::MovedBack { .. }
                | Self::NotesBack { .. }
                | Self::CreatedFromEvent { .. }
        )
    }
}

/// One change of the ledger.
#[derive(Clone, Debug)]
pub enum Change {
    /// Writes a record (insert or replace, by appointment).
    PutRecord(Box<Record>),
    /// Forgets a record: removed on the platform and no event left.
    DeleteRecord(AppointmentId),
    /// Writes an outbox row (insert or replace, by id).
    PutOutbox(Box<OutboxRow>),
    /// Removes an outbox row: its outcome is recorded in the same commit.
    DeleteOutbox(OutboxId),
    /// Writes a conflict (insert or replace, by id).
    PutConflict(Box<Conflict>),
    /// Writes what is remembered of a marked event (insert or replace, by event).
    PutMarked(Box<Marked>),
    /// Forgets a marked event.
    DeleteMarked(EventId),
    /// Writes a channel of the calendar's notices (insert or replace, by id).
    PutChannel(Box<Channel>),
    /// Forgets a channel: it has ended.
    DeleteChannel(ChannelId),
    /// Writes a question (insert or replace, by id).
    PutQuestion(Question),
    /// Writes a run (insert or replace, by id).
    PutRun(Run),
    /// Adds to the history.
    AddItem(Box<HistoryItem>),
    /// Replaces the sync state.
    PutSyncState(Box<SyncState>),
    /// Replaces the watch over silence.
    PutWatch(Box<Watch>),
    /// Adds to what was counted on its day.
    CountDay(Box<DayCount>),
    /// Replaces the settings.
    PutSettings(Box<SyncSettings>),
    /// Adds to the audit log: event word and details without content.
    Audit {
        /// Stable word: `sign_in`, `refresh_failed`, `revoke`, `settings`, `deletion` …
        event: String,
        /// Details, no content.
        details: serde_json::Value,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Which part of the history is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only this result.
    pub result: Option<HistoryResult>,
    /// Only this appointment.
    pub appointment_id: Option<AppointmentId>,
    /// Only this run.
    pub run_id: Option<RunId>,
    /// Only what this side began.
    pub source: Option<HistorySource>,
    /// Only these (`what` as it is stored, see [`HistoryWhat`]); empty for all.
    pub kinds: &'static [&'static str],
    /// Only from this instant on.
    pub since: Option<DateTime<Utc>>,
    /// Only before this instant (paging).
    pub before: Option<DateTime<Utc>>,
    /// At most so many.
    pub limit: u32,
}

/// Durable storage of one connection.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// All records.
    async fn records(&self) -> Result<Vec<Record>, LedgerError>;
    /// One record.
    async fn record(&self, id: &AppointmentId) -> Result<Option<Record>, LedgerError>;
    /// All outbox rows, oldest first.
    async fn outbox(&self) -> Result<Vec<OutboxRow>, LedgerError>;
    /// Open conflicts.
    async fn open_conflicts(&self) -> Result<Vec<Conflict>, LedgerError>;
    /// Conflicts that were answered at or after `since`, newest first.
    async fn answered_conflicts(&self, since: DateTime<Utc>) -> Result<Vec<Conflict>, LedgerError>;
    /// Events that the trainer marked, as they are remembered.
    async fn marked(&self) -> Result<Vec<Marked>, LedgerError>;
    /// Channels of the calendar's notices, as they are remembered.
    async fn channels(&self) -> Result<Vec<Channel>, LedgerError>;
    /// One conflict.
    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, LedgerError>;
    /// Questions: the open ones, and answered ones that were answered after `since`.
    async fn questions(&self, since: DateTime<Utc>) -> Result<Vec<Question>, LedgerError>;
    /// One question.
    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, LedgerError>;
    /// The sync state.
    async fn sync_state(&self) -> Result<SyncState, LedgerError>;
    /// How long both sides have been without a success.
    async fn watch(&self) -> Result<Watch, LedgerError>;
    /// What was counted from this day on, oldest first.
    async fn days(&self, since: NaiveDate) -> Result<Vec<DayCount>, LedgerError>;
    /// The settings.
    async fn settings(&self) -> Result<SyncSettings, LedgerError>;
    /// Runs that began at or after `since`, newest first, at most `limit`.
    async fn runs(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Run>, LedgerError>;
    /// History items, newest first.
    async fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryItem>, LedgerError>;
    /// History items by id, newest first.
    async fn history_items(&self, ids: &[String]) -> Result<Vec<HistoryItem>, LedgerError>;
    /// Writes all changes or none.
    async fn commit(&self, changes: Vec<Change>) -> Result<(), LedgerError>;
}
