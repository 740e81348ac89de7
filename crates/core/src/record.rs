//! What the ledger knows about one appointment: both sides as last seen, the base, and what is decided so far.
//!
//! A record is the whole input of [`crate::reconcile`] for one appointment. Facts are written into it as they are read
//! (see [`crate::absorb`]); decisions are always taken from it, never from an answer in flight, so that a crash between
//! the two loses nothing.

use crate::appointment::{Appointment, Removal};
use crate::conflict::Refusal;
use crate::event::{Event, FieldHashes, Mark};
use crate::ids::{AppointmentId, ConflictId, EventId, Generation, Version};
use crate::time::{EventTime, TimeSpan};
use chrono::{DateTime, Utc};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// A field that is compared and carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Start, end and zone.
    Time,
    /// Title.
    Title,
    /// Location.
    Location,
    /// Notes, inside our block.
    Notes,
}

impl Field {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Time, Self::Title, Self::Location, Self::Notes];
}

/// Value of a field, normalised for comparison and fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// A time.
    Time(EventTime),
    /// A text, normalised.
    Text(String),
    /// A text of which only the short hash is known (base rebuilt from an event's mark).
    Hash(String),
}

/// The two bases of one link, per field; `None` means unknown, which differs from everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenBase")]
pub struct Base {
    /// What the platform said when both last agreed (rendered in the canonical wording, so that another language or app
    /// version is no change).
    pub platform: FieldValues,
    /// What the calendar answered when read back.
    pub calendar: FieldValues,
}

/// A base as it is written down. The calendar mostly answers what was written to it: then there is one value for both.
#[derive(Deserialize)]
struct WrittenBase {
    #[serde(default)]
    platform: FieldValues,
    calendar: Option<FieldValues>,
}

impl From<WrittenBase> for Base {
    fn from(written: WrittenBase) -> Self {
        let platform = written.platform;
        Self {
            calendar: written.calendar.unwrap_or_else(|| platform.clone()),
            platform,
        }
    }
}

impl Serialize for Base {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let zone = |side: &FieldValues| match side.time {
            Some(Value::Time(EventTime::Timed(span))) => Some(span.zone),
            _ => None,
        };
        // Times are equal by their instants; where people speak of them is kept, too.
        let alike = self.platform == self.calendar && zone(&self.platform) == zone(&self.calendar);
        let mut written = serializer.serialize_struct("Base", 2 - usize::from(alike))?;
        written.serialize_field("platform", &self.platform)?;
        if !alike {
            written.serialize_field("calendar", &self.calendar)?;
        }
        written.end()
    }
}

/// True for what need not be written down: reading gives it back by itself.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Words that were written to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    /// Of this version of the appointment.
    pub version: Version,
    /// What was written.
    pub hashes: FieldHashes,
}

/// A value per field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldValues {
    /// Time.
    #[serde(skip_serializing_if = "is_default")]
    pub time: Option<Value>,
    /// Title.
    #[serde(skip_serializing_if = "is_default")]
    pub title: Option<Value>,
    /// Location.
    #[serde(skip_serializing_if = "is_default")]
    pub location: Option<Value>,
    /// Notes.
    #[serde(skip_serializing_if = "is_default")]
    pub notes: Option<Value>,
}

impl FieldValues {
    /// The value of one field.
    pub fn get(&self, field: Field) -> Option<&Value> {
        match field {
            Field::Time => self.time.as_ref(),
            Field::Title => self.title.as_ref(),
            Field::Location => self.location.as_ref(),
            Field::Notes => self.notes.as_ref(),
        }
    }
    /// Sets the value of one field.
    pub fn set(&mut self, field: Field, value: Option<Value>) {
        match field {
            Field::Time => self.time = value,
            Field::Title => self.title = value,
            Field::Location => self.location = value,
            Field::Notes => self.notes = value,
        }
    }
    /// Sets the value of one field to a copy, which is made only where it differs.
    pub fn follow(&mut self, field: Field, value: Option<&Value>) {
        if self.get(field) != value {
            self.set(field, value.cloned());
        }
    }
}

/// How an appointment and its event stand to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LinkState {
    /// No event yet (to be added, or left out).
    Unlinked,
    /// Appointment and event belong together.
    Linked,
    /// The event was deleted; the appointment lives on. "Put back" makes the next generation.
    Removed {
        /// True if it can only have been the trainer.
        by_trainer: bool,
        /// When we learned it.
        at: DateTime<Utc>,
        /// Platform version at that time; a later one is said ("changed since you removed it").
        version: u64,
    },
    /// The appointment has ended: never rewritten, never deleted.
    Closed,
    /// Kept in the calendar though a filter leaves it out, at the trainer's choice.
    Kept,
    /// The trainer said "stop syncing this one": nothing is written on either side.
    Stopped,
}

/// All that is known about one appointment in one connection. What is usual is left out where it is written down: of most
/// records that is about 30 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose.
    pub appointment_id: AppointmentId,
    /// The platform's side as last said. `None` only after a rebuild from the calendar, before the platform was read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub appointment: Option<Appointment>,
    /// Set once the platform no longer assigns it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub removal: Option<Removal>,
    /// How the two stand.
    pub link: LinkState,
    /// nth event; 0 before the first.
    pub generation: Generation,
    /// Id of the event of this generation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub event_id: Option<EventId>,
    /// The calendar's side as last seen.
    #[serde(default, skip_serializing_if = "is_default")]
    pub event: Option<Event>,
    /// Last agreement.
    pub base: Base,
    /// Generations whose event we deleted ourselves.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted_by_us: Vec<Generation>,
    /// When the calendar's time was first seen to differ from the base (for the settle time and "most recent").
    #[serde(default, skip_serializing_if = "is_default")]
    pub calendar_moved_at: Option<DateTime<Utc>>,
    /// When each text field was first seen to differ in the calendar, newest.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calendar_edited_at: Option<DateTime<Utc>>,
    /// When the trainer's own text outside our block was last seen to change. It is nothing to sync, but goes with the event.
    #[serde(default, skip_serializing_if = "is_default")]
    pub own_text_at: Option<DateTime<Utc>>,
    /// A time in the calendar that the trainer confirmed although it is unusual.
    #[serde(default, skip_serializing_if = "is_default")]
    pub confirmed_time: Option<TimeSpan>,
    /// A time the trainer chose in the window, to be reported (an event made all-day has none of its own).
    #[serde(default, skip_serializing_if = "is_default")]
    pub requested_time: Option<TimeSpan>,
    /// The time that an answer or an undo in the window said would come, until both sides agree: on another one, a later word
    /// took its place, and the history tells it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub promised_time: Option<TimeSpan>,
    /// Words the trainer wants back in the event, by an undo: written as if typed there, unless either side says something
    /// newer first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub requested_text: FieldValues,
    /// The trainer confirmed that this event may be deleted (a cancelled appointment made a series).
    #[serde(default, skip_serializing_if = "is_default")]
    pub delete_confirmed: bool,
    /// The trainer kept the event though the platform said that the visit will not be; until it says that it will.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kept_though_said: bool,
    /// An inferred deletion of its event that is held ([`crate::pen`]).
    #[serde(default, skip_serializing_if = "is_default")]
    pub held: Option<crate::pen::Held>,
    /// The version of the appointment that last passed the trainer's rules: a later one that does not is the platform's
    /// doing, the same one that does not is the rules'.
    #[serde(default, skip_serializing_if = "is_default")]
    pub passed: Option<crate::ids::Version>,
    /// The appointment as it was in the version `passed`, while another is known that has not passed them yet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub passed_as: Option<Box<Appointment>>,
    /// The time of `confirmed_time` that a standing policy confirmed, not the trainer: such moves are counted together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub policy_time: Option<TimeSpan>,
    /// Moves of this link are asked about one by one, because a mass of them was held back and left.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ask_moves: bool,
    /// An explicit tombstone was seen for the current event, with the time the service says.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tombstone_at: Option<DateTime<Utc>>,
    /// It was said once that the appointment changed after its event was removed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub change_told: bool,
    /// While the event answers 404, its id was found to be taken: a longer wait before the next generation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_id_taken: bool,
    /// Live events for the same appointment beside the one that stays; they are deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicates: Vec<EventId>,
    /// The words that this laptop last wrote to the event.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wrote: Option<Wrote>,
    /// Looks (tentative, private, colour, source) as last written, as a short hash.
    #[serde(default, skip_serializing_if = "is_default")]
    pub looks: Option<String>,
    /// The platform's last "no" to a move or an edit, with what was refused.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refusal: Option<Refusal>,
    /// The open conflict, if any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conflict: Option<ConflictId>,
    /// After a resolution: a further change waits until then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cool_down_until: Option<DateTime<Utc>>,
    /// Times of our last writes to this link (both sides), newest last, for the ping-pong stop.
    #[serde(default, skip_serializing_if = "is_default")]
    pub recent_writes: Vec<DateTime<Utc>>,
    /// Writes are held because the two sides chased each other while another question was open; until that one is answered, or
    /// there is nothing to write.
    #[serde(default, skip_serializing_if = "is_default")]
    pub chase_held: bool,
    /// Since when a linked event answers 404 without a tombstone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_since: Option<DateTime<Utc>>,
    /// When this device last saw the event or wrote it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub event_seen_at: Option<DateTime<Utc>>,
    /// What went wrong last with a write of it, as a stable code; cleared by the next success, and once no write waits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub problem: Option<String>,
    /// Its event could not be read as it is now; cleared by the next reading of it that can.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unreadable: bool,
    /// What the platform said of it last could not be read; cleared by its next word that can. Until then it is asked for by itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unread_on_platform: bool,
    /// Something about the event that is left alone and shown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub note: Option<EventNote>,
}

/// What a trainer did to an event that is left alone and said in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventNote {
    /// Title, location or notes in the trainer's own wording.
    OwnWording,
    /// Marked as free.
    MarkedFree,
    /// Declined.
    Declined,
}

impl Record {
    /// A record of which nothing is known but its id.
    pub fn new(appointment_id: AppointmentId) -> Self {
        Self {
            appointment_id,
            appointment: None,
            removal: None,
            link: LinkState::Unlinked,
            generation: 0,
            event_id: None,
            event: None,
            base: Base::default(),
            deleted_by_us: Vec::new(),
            calendar_moved_at: None,
            calendar_edited_at: None,
            own_text_at: None,
            confirmed_time: None,
            requested_time: None,
            promised_time: None,
            requested_text: FieldValues::default(),
            delete_confirmed: false,
            kept_though_said: false,
            held: None,
            passed: None,
            passed_as: None,
            policy_time: None,
            ask_moves: false,
            tombstone_at: None,
            change_told: false,
            missing_id_taken: false,
            duplicates: Vec::new(),
            wrote: None,
            looks: None,
            refusal: None,
            conflict: None,
            cool_down_until: None,
            recent_writes: Vec::new(),
            chase_held: false,
            missing_since: None,
            event_seen_at: None,
            problem: None,
            unreadable: false,
            unread_on_platform: false,
            note: None,
        }
    }

    /// True while the platform may still give a removed appointment back, or repeat an older word of it (the feed may): until
    /// it is over we must know the version of its removal, and that its event's ids are dead by our own hand.
    pub fn may_come_back(&self, now: DateTime<Utc>) -> bool {
        self.appointment
            .as_ref()
            .is_some_and(|appointment| appointment.span().end > now)
    }

    /// The latest edit of its event in the calendar that the platform does not know of, own text outside our block included.
    pub fn edited_at(&self) -> Option<DateTime<Utc>> {
        self.calendar_moved_at
            .max(self.calendar_edited_at)
            .max(self.own_text_at)
    }

    /// Whether something of the trainer's goes with its event that the platform does not know of.
    pub fn is_edited(&self) -> bool {
        // The time of the own text is not known where an earlier version read it.
        let has_own_text = |event: &Event| !crate::text::own_text(&event.description).is_empty();
        self.edited_at().is_some() || self.event.as_ref().is_some_and(has_own_text)
    }

    /// Whether the mark of its event was written from a newer version of the appointment than the known one: another laptop was
    /// told sooner.
    pub fn event_knows_more(&self) -> bool {
        let known = self.appointment.as_ref().map(|appointment| appointment.version);
        known
            .zip(self.written_from())
            .is_some_and(|(known, told)| told > known)
    }

    /// The version of the appointment that the mark of its event was written from, whoever wrote it.
    pub fn written_from(&self) -> Option<crate::ids::Version> {
        self.mark().map(|mark| mark.version)
    }

    /// Mark on its event, if it is linked and carries one.
    pub fn mark(&self) -> Option<&Mark> {
        self.event.as_ref().and_then(|event| event.mark.as_ref())
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
