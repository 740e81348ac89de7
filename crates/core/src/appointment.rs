//! The platform's side.

use crate::ids::{AppointmentId, Version};
use crate::record::is_default;
use crate::time::TimeSpan;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// What the trainer has on the booking platform (`docs/platform-api.md`, "An appointment").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// The platform's id.
    pub id: AppointmentId,
    /// Grows with every change.
    pub version: Version,
    /// Scheduled, tentative, cancelled.
    pub status: AppointmentStatus,
    /// Kind of visit, for filters.
    pub kind: AppointmentKind,
    /// Title as the admin wrote it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: Option<String>,
    /// Subject of the training.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topic: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "is_default")]
    pub place: Option<Place>,
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after it; missing means one hour.
    #[serde(default, skip_serializing_if = "is_default")]
    pub end: Option<DateTime<Utc>>,
    /// Zone in which the admin thinks of it.
    pub zone: Tz,
    /// Notes; plain text or HTML, to 10,000 characters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub notes: Option<String>,
    /// The client, whose name and contact are shown only if the trainer turned that on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub client: Option<Client>,
    /// Left out of the calendar unless chosen.
    #[serde(default, skip_serializing_if = "is_default")]
    pub private: bool,
    /// What may be changed from the calendar.
    pub editable: Editable,
    /// Link back to the appointment on the platform.
    pub url: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who changed it last.
    #[serde(default, skip_serializing_if = "is_default")]
    pub updated_by: Option<Actor>,
}

impl Appointment {
    /// Its time, with the missing end filled in.
    pub fn span(&self) -> TimeSpan {
        TimeSpan::new(self.start, self.end, self.zone)
    }
}

/// State of an appointment. An unknown one is kept as `Other` and treated as scheduled: a platform may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// It takes place.
    Scheduled,
    /// Not sure yet; shown as such.
    Tentative,
    /// It does not take place.
    Cancelled,
    /// A state this version does not know.
    Other,
}

/// Kind of an appointment, as the platform names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentKind {
    /// Stable id, used by filters.
    pub id: String,
    /// Shown name.
    pub name: String,
}

/// Where an appointment takes place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Pharmacy or place.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: Option<String>,
    /// Postal address.
    #[serde(default, skip_serializing_if = "is_default")]
    pub address: Option<String>,
}

/// The client of an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Stable id, used by filters.
    pub id: String,
    /// Name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "is_default")]
    pub email: Option<String>,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "is_default")]
    pub phone: Option<String>,
}

/// Which fields the platform lets a trainer change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editable {
    /// Start and end.
    pub time: bool,
    /// Notes.
    pub notes: bool,
}

/// Who changed an appointment last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `admin`, `trainer`, `system` or whatever the platform says.
    pub kind: String,
    /// Shown name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: Option<String>,
}

/// Why an appointment is no longer the trainer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// The admin cancelled it.
    Cancelled,
    /// It was given to somebody else.
    Unassigned,
    /// It was deleted.
    Deleted,
    /// A reason this version does not know.
    Other,
}

/// How we know that an appointment is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Why.
    pub reason: RemovalReason,
    /// False if the platform said so itself; true if it was missing in a snapshot and then answered 404 or
    /// `not_assigned` when asked singly. Inferred ones are guarded more strictly (P8).
    pub inferred: bool,
    /// When the platform was asked for what told it, or a little before (the services' time).
    pub at: DateTime<Utc>,
}
