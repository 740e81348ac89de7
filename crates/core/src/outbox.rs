//! Intents: remote writes as they are recorded before they are sent.

use crate::appointment::Appointment;
use crate::event::{Event, EventBody, PatchMask};
use crate::ids::{AppointmentId, Etag, EventId, Generation, IdempotencyKey, OutboxId, Version};
use crate::marked::MarkedEvent;
use crate::text;
use crate::time::TimeSpan;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// An event that was last changed so long before a row was recorded was not made by it. Less says nothing: services stamp in steps of
/// their own, and our time follows their `Date`, which has whole seconds.
const SURELY_BEFORE: Duration = Duration::minutes(1);
/// An event's two times, made and last changed, are this much apart at most if nobody changed it since: Google tells the first one in
/// whole seconds.
const STAMPED_WITHIN: Duration = Duration::seconds(2);

/// A platform answers a repeated idempotency key as before for seven days (docs/platform-teams.md, "Same key, same answer"). A day
/// less, for it began to count by its own clock.
const KEY_SURELY_KNOWN: Duration = Duration::days(6);

/// The two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The booking platform.
    Platform,
    /// The calendar.
    Calendar,
}

/// One remote write, complete: sent again after a crash it has the same body and the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Intent {
    /// Make the event.
    Insert {
        /// Id chosen by us.
        event_id: EventId,
        /// Which generation the id belongs to.
        generation: Generation,
        /// Content.
        body: Box<EventBody>,
    },
    /// Change parts of the event, only if it is still at `expected`.
    Patch {
        /// Which.
        event_id: EventId,
        /// State it was planned for.
        expected: Etag,
        /// Content.
        body: Box<EventBody>,
        /// Which parts.
        mask: PatchMask,
    },
    /// Delete the event, only if it is still at `expected`.
    Delete {
        /// Which.
        event_id: EventId,
        /// Which generation it is.
        generation: Generation,
        /// State it was planned for; `None` for a duplicate whose state does not matter.
        expected: Option<Etag>,
        /// Why, for the history.
        reason: DeleteReason,
    },
    /// Report a move to the platform.
    Move {
        /// Version it was planned for.
        version: Version,
        /// New time, in the appointment's own zone.
        time: TimeSpan,
        /// Where it was moved from, for the history.
        from: TimeSpan,
        /// When the trainer did it.
        moved_at: DateTime<Utc>,
        /// The event it was seen on.
        event_id: EventId,
    },
    /// Make an appointment of an event that the trainer marked.
    Create {
        /// The event.
        event_id: EventId,
        /// As it was shown when the trainer said yes.
        event: Box<MarkedEvent>,
    },
    /// Report edited notes to the platform.
    Notes {
        /// Version it was planned for.
        version: Version,
        /// New notes.
        notes: String,
    },
}

impl Intent {
    /// Where it is written.
    pub fn side(&self) -> Side {
        match self {
            Self::Insert { .. } | Self::Patch { .. } | Self::Delete { .. } => Side::Calendar,
            Self::Move { .. } | Self::Notes { .. } | Self::Create { .. } => Side::Platform,
        }
    }
    /// Stable word for history and logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Insert { .. } => "insert",
            Self::Patch { .. } => "patch",
            Self::Delete { .. } => "delete",
            Self::Move { .. } => "move",
            Self::Notes { .. } => "notes",
            Self::Create { .. } => "create",
        }
    }
}

impl Intent {
    /// The idempotency key of a report: the same for the same change from any laptop, so that two of them report one
    /// move once. `None` for calendar writes, whose key is only for our own record.
    pub fn shared_key(&self, appointment: &AppointmentId) -> Option<IdempotencyKey> {
        let parts = match self {
            Self::Move { version, time, .. } => {
                let (start, end) = (time.start.timestamp_millis(), time.end.timestamp_millis());
                [
                    "move".to_owned(),
                    version.to_string(),
                    start.to_string(),
                    end.to_string(),
                ]
            }
            Self::Notes { version, notes } => [
                "notes".to_owned(),
                version.to_string(),
                notes.clone(),
                String::new(),
            ],
            // The same event with the same content is one appointment, whoever asks for it and however often.
            Self::Create { event, .. } => [
                "create".to_owned(),
                event.time.start.timestamp_millis().to_string(),
                event.time.end.timestamp_millis().to_string(),
                event.title.clone(),
            ],
            Self::Insert { .. } | Self::Patch { .. } | Self::Delete { .. } => return None,
        };
        let [kind, version, first, second] = &parts;
        let hash = crate::event_id::digest(&[appointment.as_str(), kind, version, first, second]);
        Some(IdempotencyKey(crate::event_id::hex_prefix(&hash, 40)))
    }
}

/// Why an event is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteReason {
    /// The platform cancelled the appointment.
    Cancelled,
    /// The platform gave it to somebody else.
    Unassigned,
    /// The platform deleted it.
    Deleted,
    /// A filter leaves it out.
    LeftOut,
    /// A second live event for the same appointment.
    Duplicate,
    /// The trainer asked for it (disconnect or delete everything).
    Asked,
}

/// A row of the outbox: at most one sent and one waiting per appointment and side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its id.
    pub id: OutboxId,
    /// Whose.
    pub appointment_id: AppointmentId,
    /// Where.
    pub side: Side,
    /// What.
    pub intent: Intent,
    /// One value for every try.
    pub key: IdempotencyKey,
    /// Waiting, sent or parked.
    pub state: OutboxState,
    /// Tries so far.
    pub attempts: u32,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// When it was first recorded.
    pub created_at: DateTime<Utc>,
    /// Stable code of what went wrong at the last try.
    pub last_problem: Option<String>,
    /// The change that it carries on, if it is one that was noticed as it happened.
    #[serde(default)]
    pub noticed: Option<Noticed>,
    /// When a try of it last left that may have arrived, as far as is known; if none is known, it counts as sent when it was
    /// recorded ([`crate::unanswered`]).
    #[serde(default)]
    pub left_at: Option<DateTime<Utc>>,
}

impl OutboxRow {
    /// True if a report that was turned away, because the appointment changed meanwhile, is itself that change. A platform
    /// remembers a key for seven days; then a repeated report is judged by its version. So this is asked only where an
    /// earlier try may have arrived (`Sent`): the appointment has to say what was reported, and a single change must not be
    /// known as somebody else's.
    pub fn has_arrived(&self, now: &Appointment) -> bool {
        let (planned_for, is_said) = match &self.intent {
            Intent::Move { version, time, .. } => {
                let said = now.span();
                (*version, (said.start, said.end) == (time.start, time.end))
            }
            Intent::Notes { version, notes } => {
                let said = now.notes.as_deref().unwrap_or_default();
                (*version, text::normalise(said) == text::normalise(notes))
            }
            Intent::Insert { .. } | Intent::Patch { .. } | Intent::Delete { .. } | Intent::Create { .. } => {
                return false;
            }
        };
        let by_somebody_else =
            now.version == planned_for + 1 && now.updated_by.as_ref().is_some_and(|by| by.kind != "trainer");
        self.state == OutboxState::Sent && now.version > planned_for && is_said && !by_somebody_else
    }

    /// True if the appointment has changed since this report of a change was planned: a "no" for that reason is then explained by it.
    pub fn is_overtaken_by(&self, now: &Appointment) -> bool {
        match &self.intent {
            Intent::Move { version, .. } | Intent::Notes { version, .. } => now.version > *version,
            Intent::Insert { .. } | Intent::Patch { .. } | Intent::Delete { .. } | Intent::Create { .. } => {
                false
            }
        }
    }

    /// True for a creation that may have arrived, so long ago that the platform may have forgotten its key: sent again, it would
    /// be another one. Reports of changes are safe from that by their version.
    pub fn may_be_forgotten(&self, now: DateTime<Utc>) -> bool {
        self.is_a_creation_sent() && now - self.created_at > KEY_SURELY_KNOWN
    }

    /// True for a creation that may have arrived. No later answer but its own outcome takes that back: what the platform says
    /// to another try is about that try.
    pub fn is_a_creation_sent(&self) -> bool {
        matches!(self.intent, Intent::Create { .. }) && self.state == OutboxState::Sent
    }

    /// True for a deletion that may have arrived. It is not sent again before it is known what became of it: its visit may have been
    /// given back since, and no reading of that is decided by while the outcome is unknown.
    pub fn is_a_deletion_sent(&self) -> bool {
        matches!(self.intent, Intent::Delete { .. }) && self.state == OutboxState::Sent
    }

    /// Whether a "no" may set it aside for a while. A creation or deletion that may have arrived is looked for until it is known: set
    /// aside, its own result would be taken for somebody else's.
    pub fn may_be_set_aside(&self) -> bool {
        !self.is_a_creation_sent() && !self.is_a_deletion_sent()
    }

    /// True if this deletion, of an event that turned out to be there still, waits to be decided again, with the tries it has had: each
    /// makes the next one wait longer. One that a leaving asked for is over with it.
    pub fn is_decided_again(&self) -> bool {
        match self.intent {
            Intent::Delete { reason, .. } => reason != DeleteReason::Asked,
            Intent::Insert { .. }
            | Intent::Patch { .. }
            | Intent::Move { .. }
            | Intent::Create { .. }
            | Intent::Notes { .. } => false,
        }
    }

    /// True if an event that lives under the id of this insert was not made by it, as far as the service's times tell: another
    /// laptop made it, or this one did before it lost its database. To say that it was added now would be untrue. It was there
    /// before the row, or it was changed since it was made (`created`, if said): nobody changes what waits for its first answer.
    pub fn comes_after(&self, found: &Event, created: Option<DateTime<Utc>>) -> bool {
        let Some(updated) = found.updated else {
            return false;
        };
        let changed_since = created.is_some_and(|created| created + STAMPED_WITHIN < updated);
        created.unwrap_or(updated) + SURELY_BEFORE < self.created_at || changed_since
    }
}

/// When a change was made at one side, and when this laptop read of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// By the side's own word.
    pub changed_at: DateTime<Utc>,
    /// When it was read here.
    pub seen_at: DateTime<Utc>,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// Not sent yet: a newer intent may take its place.
    Waiting,
    /// Sent, outcome unknown: it is learned before anything else is sent.
    Sent,
    /// Five tries failed: waits for the next run and is shown.
    Parked,
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
