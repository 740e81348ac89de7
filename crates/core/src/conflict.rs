//! Disagreements that a person decides, and their answers.

use crate::ids::{AppointmentId, ConflictId, Etag, Version};
use crate::record::{Field, Value};
use crate::time::TimeSpan;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a conflict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Both sides moved it.
    TimeChange,
    /// Title, location or notes differ on both sides, or the event became something we do not write to.
    DataMismatch,
    /// Deleted on one side in a way that needs an answer.
    Deleted,
    /// An event that the trainer marked could become an appointment.
    CreatedExternally,
    /// The platform said no.
    Refused,
    /// A move that is asked about first.
    UnusualMove,
}

/// Why a conflict was raised, beyond its kind. Stable codes for the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ConflictCause {
    /// Both sides changed the field.
    BothChanged,
    /// No base is known and the two differ.
    NoBase,
    /// Moved into the past.
    MovedIntoPast,
    /// Moved by more than 14 days.
    MovedFar,
    /// One of many moves at once, which the trainer did not want to report together.
    ManyMoves,
    /// Made an all-day event, or one without a length: which time is meant?
    MadeAllDay,
    /// Made a series: nothing is written to it.
    MadeSeries,
    /// The platform cancelled what the trainer made a series.
    SeriesCancelled,
    /// The platform refused, with its words.
    Refused(Refusal),
    /// More than five writes in ten minutes: the two sides chase each other.
    PingPong,
    /// The platform does not let this field be changed.
    NotEditable,
    /// The trainer marked an event that is no appointment yet.
    Marked,
}

/// A "no" of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was refused.
    pub field: Field,
    /// The time that was refused, for moves.
    pub time: Option<TimeSpan>,
    /// The notes that were refused, for notes.
    #[serde(default)]
    pub notes: Option<String>,
    /// Platform version it was said about.
    pub version: Version,
    /// Stable code: `overlap`, `outside_hours`, `locked`, `in_past`, `holiday`, `not_editable`, `not_allowed`,
    /// `invalid`, `other`.
    pub reason: String,
    /// The platform's own words for the trainer.
    pub detail: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// One field of a conflict, with all three values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// Which.
    pub field: Field,
    /// Last agreement, if known.
    pub before: Option<Value>,
    /// The platform's value.
    pub platform: Value,
    /// The calendar's value.
    pub calendar: Value,
}

/// The states a person saw when deciding. An answer given to other states is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Platform version.
    pub version: Option<Version>,
    /// The event's etag.
    pub etag: Option<Etag>,
}

/// A conflict as stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its id.
    pub id: ConflictId,
    /// Whose.
    pub appointment_id: AppointmentId,
    /// Kind.
    pub kind: ConflictKind,
    /// Cause.
    pub cause: ConflictCause,
    /// The fields that need an answer.
    pub fields: Vec<FieldConflict>,
    /// States it was raised about.
    pub seen: Seen,
    /// When the platform's value was said.
    pub platform_changed_at: Option<DateTime<Utc>>,
    /// Who said it there.
    pub platform_changed_by: Option<String>,
    /// When the calendar's value was first seen, or said by the event itself.
    pub calendar_changed_at: Option<DateTime<Utc>>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// Where it stands.
    pub state: ConflictState,
}

/// Where a conflict stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ConflictState {
    /// Waits for an answer.
    Open,
    /// Answered.
    Resolved {
        /// How.
        resolution: Resolution,
        /// When.
        at: DateTime<Utc>,
        /// True if a standing policy answered, not the trainer.
        by_policy: bool,
    },
    /// Gone without an answer: the sides agreed by themselves or changed again.
    Superseded {
        /// When.
        at: DateTime<Utc>,
    },
}

/// Which value a field gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Choice {
    /// The platform's.
    Platform,
    /// The calendar's.
    Calendar,
    /// Another time, for a move that needs one (an event made all-day).
    Time {
        /// The time meant.
        time: TimeSpan,
    },
}

/// The answer to a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Resolution {
    /// All fields as the platform says.
    KeepPlatform,
    /// All fields as the calendar says; confirms an unusual move, tries a refused one again.
    KeepCalendar,
    /// Whichever was said last.
    MostRecent,
    /// Per field.
    Merge {
        /// Field and choice.
        choices: Vec<(Field, Choice)>,
    },
    /// Nothing is written for this appointment on either side any more.
    StopSyncing,
    /// An appointment is made of the marked event.
    Create,
    /// The marked event is no appointment; it is not asked about again.
    Dismiss,
}
