//! What the guard asks before a mass change (P8), and the answers.

use crate::ids::{AppointmentId, QuestionId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Which kind of mass change is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Deletions that are inferred: absent from a full list, left out by a filter, another account.
    InferredDeletions,
    /// Cancellations the platform said one by one, but unusually many.
    Cancellations,
    /// More moves than one would make by hand.
    Moves,
    /// Many of our events were deleted in the calendar: put back or leave?
    RemovedInCalendar,
}

/// A question as stored and shown. The held changes are listed by appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id.
    pub id: QuestionId,
    /// Kind.
    pub kind: QuestionKind,
    /// Which appointments it is about.
    pub appointments: Vec<AppointmentId>,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
    /// The answer, once given. An answer is remembered for these appointments.
    pub answer: Option<Answer>,
    /// When it was given.
    pub answered_at: Option<DateTime<Utc>>,
}

/// Answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Do it (for `RemovedInCalendar`: put them back).
    GoOn,
    /// Leave everything as it is.
    Leave,
}
