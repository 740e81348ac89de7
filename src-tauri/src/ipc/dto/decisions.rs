//! Many conflicts at once, answered conflicts, their undoing, the offer of a standing rule, and what the guard asks and holds.

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

/// A question of the guard.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct QuestionView {
    /// Its id.
    pub id: String,
    /// `inferred_deletions`, `cancellations`, `moves`, `removed_in_calendar`.
    pub kind: String,
    /// How many.
    pub count: u32,
    /// Reasons, each with its number, the most frequent first.
    pub groups: Vec<QuestionGroup>,
    /// The first of them, by reason and time.
    pub items: Vec<QuestionItem>,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
}

/// One line behind the number of a question.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct QuestionItem {
    /// Appointment.
    pub appointment_id: String,
    /// Shown name.
    pub title: String,
    /// Start, if known.
    pub start: Option<DateTime<Utc>>,
    /// Why it is part of the question: `rules_changed`, `appointment_changed`, `absent`, `cancelled`, `unassigned`,
    /// `deleted`, `moved`, `moved_by_rule`, `removed_in_calendar`; none if that was not kept.
    pub why: Option<String>,
}

/// A deletion that only follows from something, and is held so that the trainer can keep the event.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct HeldView {
    /// Appointment.
    pub appointment_id: String,
    /// Title of the event.
    pub title: String,
    /// Start of the event, if it has hours and minutes.
    pub start: Option<DateTime<Utc>>,
    /// `rules_changed` or `absent`.
    pub cause: String,
    /// When it goes by itself.
    pub until: DateTime<Utc>,
}

/// How many of a question have one reason.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct QuestionGroup {
    /// As [`QuestionItem::why`].
    pub why: String,
    /// How many.
    pub count: u32,
}
