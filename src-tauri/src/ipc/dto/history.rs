//! Restoring from the history, the calendar as it was, and files that were saved.

use super::ValueView;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// What restoring one or more history lines would do.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct RestorePreview {
    /// One per line that was asked for.
    pub items: Vec<RestoreItem>,
    /// About how many appointments the admin is told again.
    pub tells_admin: u32,
}

/// What the trainer saw in the preview and said yes to. If it is something else by now, nothing is restored.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct RestoreConfirmed {
    /// How many lines can be restored.
    pub done: u32,
    /// About how many appointments the admin is told again.
    pub tells_admin: u32,
}

/// What restoring one history line would do. It is a new edit through the same outbox.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct RestoreItem {
    /// Which line.
    pub history_id: String,
    /// Whose.
    pub appointment_id: String,
    /// Shown name.
    pub title: String,
    /// `move` (back to the earlier time), `put_back` (the event), `leave_out` (an added event goes), `let_in` (a removed
    /// event comes again), `answer` (an answered conflict the other way round), `text` and `none` (never possible).
    pub action: String,
    /// Time now, where it changes.
    pub from: Option<ValueView>,
    /// Time afterwards.
    pub to: Option<ValueView>,
    /// The admin is told again.
    pub tells_admin: bool,
    /// Stable code of why this one cannot be restored: `gone`, `over`, `changed_since`, `not_editable`, `same`,
    /// `text_not_kept`, `left_out`, `nothing`.
    pub not_possible: Option<String>,
}

/// The calendar as it was at some moment, as far as the history knows.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct PastCalendar {
    /// The moment.
    pub at: DateTime<Utc>,
    /// The earliest moment the history can tell.
    pub earliest: DateTime<Utc>,
    /// Events then, by start.
    pub events: Vec<PastEvent>,
}

/// One event then, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct PastEvent {
    /// Whose.
    pub appointment_id: String,
    /// Shown name.
    pub title: String,
    /// Start then.
    pub start: DateTime<Utc>,
    /// End then.
    pub end: DateTime<Utc>,
    /// Zone.
    pub zone: String,
    /// `same`, `moved`, `gone` since then.
    pub since: String,
    /// Start now, if it moved.
    pub now_start: Option<DateTime<Utc>>,
    /// The history line whose restoring brings this back, if one does.
    pub history_id: Option<String>,
}

/// A file that was saved in the folder for downloads.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct SavedFile {
    /// Its name, without the folder.
    pub name: String,
    /// How many lines it holds.
    pub lines: u32,
}
