//! Audit log, rules of the trainer's own, and what only the settings need.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// An entry of the audit log: no content, no token.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct AuditRow {
    /// Its place in the order of writing: grows by one with each entry, and a page begins before one.
    pub sequence: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// Stable word: `sign_in`, `refresh_failed`, `revoke`, `disconnect`, `settings`, `deletion`, `export`, `key_unavailable`,
    /// `key_available`, `key_lost`, `key_rotated`, `not_erased`, `audit_log_shortened`.
    pub event: String,
    /// Details as JSON.
    pub details: String,
}

/// "Leave out what …".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct OwnRuleView {
    /// `title`, `location`, `notes`, `type`, `client`.
    pub field: String,
    /// `contains`, `starts_with`, `regex`.
    pub pattern: String,
    /// For what.
    pub text: String,
}

/// What a rule would do, while it is being typed.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct RuleCheck {
    /// `empty`, `too_long`, `bad_expression`; none if it can be used.
    pub problem: Option<String>,
    /// For a bad expression: what is wrong with it, in the library's words.
    pub detail: Option<String>,
    /// How many appointments it matches.
    pub matches: u32,
    /// Titles of the first of them.
    pub examples: Vec<String>,
}

/// Only appointments that start on or after `from` and on or before `until`, in the appointment's own zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DateWindow {
    /// First day; none means no bound.
    pub from: Option<NaiveDate>,
    /// Last day; none means no bound.
    pub until: Option<NaiveDate>,
}

/// Only appointments that lie wholly between these times of day, in the appointment's own zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DayHours {
    /// `HH:MM`; none means no bound.
    pub from: Option<String>,
    /// `HH:MM`; none means no bound.
    pub until: Option<String>,
}
