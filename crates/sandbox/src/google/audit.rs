//! The record of every write that was tried: who was mailed, and by which request.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Who made a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A client of the public API.
    Api,
    /// The person, in the page or through the control API.
    Person,
}

/// One write, refused ones too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Counts from 1.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub via: Via,
    /// Address of the account.
    pub account: String,
    /// The OAuth client, for API writes.
    pub client: Option<String>,
    /// `insert`, `patch`, `update`, `delete`, `move`.
    pub method: &'static str,
    /// Id of the calendar.
    pub calendar: String,
    /// Id of the event; of a refused insert the id that was sent.
    pub event: Option<String>,
    /// The `sendUpdates` parameter as it was sent.
    pub send_updates: Option<String>,
    /// Whether the body named attendees at all.
    pub attendees_sent: bool,
    /// Addresses in the body's attendees.
    pub attendees: Vec<String>,
    /// The `If-Match` header as it was sent.
    pub if_match: Option<String>,
    /// Names of the fields in the body.
    pub fields: Vec<String>,
    /// Addresses that were mailed because of it.
    pub mailed: Vec<String>,
    /// HTTP status of the outcome.
    pub status: u16,
}
