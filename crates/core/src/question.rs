//! What the guard asks before a mass change (P8), and the answers.

use crate::ids::{AppointmentId, QuestionId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// Why one change is part of a mass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The trainer's rules changed and leave the appointment out now.
    RulesChanged,
    /// The appointment changed, and the rules leave it out now.
    AppointmentChanged,
    /// It was missing from a full listing and could not be found singly.
    Absent,
    /// The platform said that it is cancelled.
    Cancelled,
    /// The platform gave it to somebody else.
    Unassigned,
    /// The platform deleted it.
    Deleted,
    /// The trainer moved the event.
    Moved,
    /// Both sides moved it, and a standing rule of the trainer's keeps the calendar's time.
    MovedByRule,
    /// The event was deleted in the calendar.
    RemovedInCalendar,
}

/// Why one change is part of a mass, and which time it is: an answer is for exactly this, and a new cause is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// Why.
    pub why: Why,
    /// What tells it from an earlier one: the event's generation, or the time moved to.
    pub mark: String,
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
    /// Why, of each.
    #[serde(default)]
    pub causes: BTreeMap<AppointmentId, Cause>,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
    /// The answer, once given. An answer is remembered for these appointments and causes.
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

impl Question {
    /// True if it is about this appointment for this cause. One that was asked before causes were kept is about any.
    pub fn is_about(&self, id: &AppointmentId, cause: &Cause) -> bool {
        match self.causes.get(id) {
            Some(known) => known == cause,
            None => self.causes.is_empty() && self.appointments.contains(id),
        }
    }
}
