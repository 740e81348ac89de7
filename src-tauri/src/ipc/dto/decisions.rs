//! Many conflicts at once, answered conflicts, their undoing, and the offer of a standing rule.

use super::{ConflictView, ResolutionInput, SeenView, ValueView};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// One of several answers given together.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct ConflictAnswer {
    /// Which conflict.
    pub id: String,
    /// The state that was shown.
    pub seen: SeenView,
    /// The answer.
    pub resolution: ResolutionInput,
}

/// What became of one of several things done together.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Outcome {
    /// Which conflict, history line or appointment.
    pub id: String,
    /// `done`, or the stable code of why not: `stale`, `gone`, `not_possible`, `too_close` …
    pub result: String,
}

/// A conflict that was answered in the last 30 days. Both versions are kept in it.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct AnsweredConflict {
    /// As it was when answered.
    pub conflict: ConflictView,
    /// `keep_platform`, `keep_calendar`, `most_recent`, `merge`, `stop_syncing`, `create`, `dismiss`.
    pub resolution: String,
    /// By a standing policy.
    pub by_policy: bool,
    /// When.
    pub at: DateTime<Utc>,
    /// What undoing it would do.
    pub undo: UndoView,
}

/// What undoing an answer would do. It is a new edit: nothing is taken back behind anybody's back.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct UndoView {
    /// The admin is told again.
    pub tells_admin: bool,
    /// Time now, where a time changes.
    pub from: Option<ValueView>,
    /// Time afterwards.
    pub to: Option<ValueView>,
    /// Stable code of why it cannot be undone: `gone`, `over`, `changed_since`, `not_editable`, `same`, `text_not_kept`,
    /// `left_out`.
    pub not_possible: Option<String>,
}

/// "Always do this?", offered after the third equal answer to the same kind of field.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct RuleOffer {
    /// `time` or `text`: which policy it would set.
    pub about: String,
    /// `keep_platform`, `keep_calendar`, `most_recent`.
    pub policy: String,
    /// The answers it is drawn from, newest first.
    pub cases: Vec<RuleCase>,
}

/// One answer behind an offered rule.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct RuleCase {
    /// Shown name of the appointment.
    pub title: String,
    /// When it was answered.
    pub at: DateTime<Utc>,
}
