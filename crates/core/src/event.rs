//! The calendar's side.

use crate::ids::{AppointmentId, Etag, EventId, Generation, Version};
use crate::record::is_default;
use crate::time::{EventTime, TimeSpan};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An event as the calendar shows it now. Guests and conference data are never asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Id in its calendar.
    pub id: EventId,
    /// State mark for preconditions.
    pub etag: Etag,
    /// When the service last changed it. Orders two readings of one event, never two sides.
    #[serde(default, skip_serializing_if = "is_default")]
    pub updated: Option<DateTime<Utc>>,
    /// When it is.
    pub time: EventTime,
    /// Title as stored.
    pub title: String,
    /// Place as stored.
    pub location: String,
    /// Description as stored; may be HTML.
    pub description: String,
    /// True if it is the master of a series.
    #[serde(default, skip_serializing_if = "is_default")]
    pub recurring: bool,
    /// True if the trainer marked it as free.
    #[serde(default, skip_serializing_if = "is_default")]
    pub free: bool,
    /// True if the trainer declined it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub declined: bool,
    /// True if it is the trainer's own, not one they were invited to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub organised_by_me: bool,
    /// Our mark, if it carries one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mark: Option<Mark>,
    /// Link to it in the service's own calendar page.
    #[serde(default, skip_serializing_if = "is_default")]
    pub html_link: Option<String>,
}

/// The private extended properties on each of our events, so that links can be rebuilt from the calendar alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which appointment it stands for.
    pub appointment: AppointmentId,
    /// Fingerprint of platform and trainer, so that two platforms in one calendar never mix.
    pub platform: String,
    /// Version of this scheme, now 1.
    pub schema: u32,
    /// nth event made for the appointment.
    pub generation: Generation,
    /// Platform version at our last write.
    pub version: Version,
    /// Start and end at our last write.
    #[serde(default, skip_serializing_if = "is_default")]
    pub time: Option<TimeSpan>,
    /// Short hashes of title, location and notes at our last write: what the platform said …
    #[serde(default, skip_serializing_if = "is_default")]
    pub platform_hashes: Option<FieldHashes>,
    /// … and what was written into the event.
    #[serde(default, skip_serializing_if = "is_default")]
    pub written_hashes: Option<FieldHashes>,
    /// Our last write hid it from people who share the calendar.
    #[serde(default, skip_serializing_if = "is_default")]
    pub private: bool,
    /// On an event that the trainer made and marked: [`crate::event_id::Identity::origin`] of its own id, which no copy of
    /// it has.
    #[serde(default, skip_serializing_if = "is_default")]
    pub origin: Option<String>,
}

/// Short hashes of the three text fields (see [`crate::text::short_hash`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldHashes {
    /// Of the title.
    pub title: String,
    /// Of the location.
    pub location: String,
    /// Of the notes.
    pub notes: String,
}

/// One item of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventChange {
    /// It exists.
    Live(Box<Event>),
    /// It exists, and has neither our mark nor a `#` in its title, nor an id that could be one of ours: somebody's own event. Its
    /// place and text are left out, so that years of meetings fill no memory; whose record has it all the same asks for it.
    Foreign(Box<Event>),
    /// An explicit tombstone. Only this, or a direct and repeated 404/410, counts as deleted.
    Deleted {
        /// Which.
        id: EventId,
        /// When, if the service says so.
        updated: Option<DateTime<Utc>>,
    },
    /// One event that could not be read: it marks its own link, the rest still syncs.
    Unreadable {
        /// Which, if at least that could be read.
        id: Option<EventId>,
        /// The field that could not be read; no content.
        field: String,
    },
}

/// What is written into an event. It has no guests and never will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBody {
    /// When.
    pub time: TimeSpan,
    /// Title.
    pub title: String,
    /// Place.
    pub location: String,
    /// Whole description: the trainer's own text and our block.
    pub description: String,
    /// Shown as tentative.
    pub tentative: bool,
    /// Hidden from people who share the calendar.
    pub private: bool,
    /// It was hidden by us before: where it is not private any more it is shown again. What the trainer hid stays hidden.
    #[serde(default)]
    pub was_private: bool,
    /// The service's colour id, if the trainer chose one.
    pub color: Option<String>,
    /// Link back, also shown by the service as the event's source.
    pub source_url: Option<String>,
    /// Title of that source: the platform's name.
    pub source_title: String,
    /// Our mark.
    pub mark: Mark,
}

/// Which parts of an [`EventBody`] a patch writes. The mark is always written with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchMask {
    /// Start and end.
    pub time: bool,
    /// Title.
    pub title: bool,
    /// Location.
    pub location: bool,
    /// Description (own text kept, block replaced).
    pub description: bool,
    /// Tentative, private, colour, source.
    pub looks: bool,
}

impl PatchMask {
    /// Everything.
    pub const ALL: Self = Self {
        time: true,
        title: true,
        location: true,
        description: true,
        looks: true,
    };
    /// True if nothing is to be written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
