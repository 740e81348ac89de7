//! Who sees what, and leaving without a trace.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// What somebody sees of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Sight {
    /// Title; none where only "busy" is seen.
    pub title: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Notes, as the event carries them.
    pub notes: Option<String>,
}

/// One appointment of the next seven days, as three people see it.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct MirrorRow {
    /// Whose.
    pub appointment_id: String,
    /// Start.
    pub start: DateTime<Utc>,
    /// End.
    pub end: DateTime<Utc>,
    /// Zone.
    pub zone: String,
    /// It is left out: nobody sees it in the calendar.
    pub left_out: bool,
    /// The trainer marked the event as free or declined it: a stranger sees nothing of it, not even "busy".
    pub free: bool,
    /// Somebody who only sees free and busy.
    pub stranger: Sight,
    /// Somebody with whom the calendar is shared in full.
    pub shared: Sight,
    /// The trainer: what the platform knows.
    pub you: Sight,
}

/// What "delete everything" would take, and what it would not.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct DeletePlan {
    /// Events in the calendar that would be deleted.
    pub events: u32,
    /// Events that stay: those of visits that are over, as the trainer's record, and those that the trainer made.
    pub kept: u32,
    /// Moves and notes that the platform does not have yet. Sync first, or they are lost.
    pub unreported: u32,
    /// Events in calendars used earlier, which are not deleted.
    pub elsewhere: u32,
    /// Not both sides are signed in: only this laptop can be emptied, and events are not looked at.
    pub local_only: bool,
    /// Address of the calendar account.
    pub calendar: Option<String>,
    /// Name of the platform.
    pub platform: Option<String>,
    /// Lines of the history that go.
    pub history: u32,
}

/// Proof of what "delete everything" did.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct DeleteReport {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Ids of the events that were deleted.
    pub deleted: Vec<String>,
    /// Events that stay: of visits that are over, and those that the trainer made.
    pub kept: u32,
    /// Events in calendars used earlier, as far as was known; they were not deleted.
    pub elsewhere: u32,
    /// Only this laptop was emptied; events were not looked at.
    pub local_only: bool,
    /// Our events that a fresh full reading still found, beside those that stay; none if it could not be read.
    pub left: Option<u32>,
    /// The calendar's grant was revoked at the service.
    pub calendar_revoked: bool,
    /// The platform's grant was revoked.
    pub platform_revoked: bool,
    /// The platform knows that the connection ended.
    pub platform_told: bool,
    /// Tokens, links, history and settings are gone from this laptop.
    pub local_data_removed: bool,
    /// The database's file was written anew, so that not even remains of deleted lines are in it.
    pub file_compacted: bool,
    /// The key is gone from the keychain.
    pub key_removed: bool,
    /// Syncing is paused, so that what was deleted stays deleted until the trainer resumes it.
    pub paused: bool,
    /// Stable code of what stopped it; what was done until then stands above.
    pub problem: Option<String>,
    /// SHA-256 over the lines above, as hexadecimal digits: shows that a saved report was not changed afterwards by accident.
    pub checksum: String,
}
