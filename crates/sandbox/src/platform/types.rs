//! The wire types of the platform's contract. The OpenAPI document is generated from them.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An appointment as its trainer sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Appointment {
    /// Its id; never used again.
    #[schema(example = "apt_41")]
    pub id: String,
    /// Grows by at least 1 with every change.
    pub version: u64,
    /// How firm it is.
    pub status: AppointmentStatus,
    /// What kind of appointment it is.
    #[serde(rename = "type")]
    pub kind: AppointmentType,
    /// To 200 characters.
    #[schema(required, max_length = 200)]
    pub title: Option<String>,
    /// What it is about.
    #[schema(required)]
    pub topic: Option<String>,
    /// Where it takes place.
    #[schema(required)]
    pub location: Option<Location>,
    /// When it begins.
    pub start: DateTime<FixedOffset>,
    /// When it ends, if known.
    #[schema(required)]
    pub end: Option<DateTime<FixedOffset>>,
    /// IANA name of the zone it is planned in.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// To 10,000 characters; may hold HTML.
    #[schema(required, max_length = 10000)]
    pub notes: Option<String>,
    /// Whom it is for.
    #[schema(required)]
    pub client: Option<Client>,
    /// Whether it is nobody else's business.
    pub private: bool,
    /// What the trainer may change.
    pub editable: Vec<EditableField>,
    /// Its page on the platform.
    pub url: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who changed it last.
    pub updated_by: Actor,
}

/// How firm an appointment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// Firm.
    Scheduled,
    /// Not yet firm.
    Tentative,
    /// Called off.
    Cancelled,
}

/// A kind of appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppointmentType {
    /// Stable id.
    #[schema(example = "pharmacy_visit")]
    pub id: String,
    /// What people call it.
    #[schema(example = "Pharmacy visit")]
    pub name: String,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Its name.
    #[serde(default)]
    #[schema(required)]
    pub name: Option<String>,
    /// Its postal address.
    #[serde(default)]
    #[schema(required)]
    pub address: Option<String>,
}

/// Whom an appointment is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Client {
    /// Stable id.
    pub id: String,
    /// Name.
    #[serde(default)]
    #[schema(required)]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default)]
    #[schema(required)]
    pub email: Option<String>,
    /// Phone number.
    #[serde(default)]
    #[schema(required)]
    pub phone: Option<String>,
}

/// A field the trainer may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditableField {
    /// Start, end and zone.
    Time,
    /// Notes.
    Notes,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// In which role.
    pub kind: ActorKind,
    /// Name.
    pub name: String,
}

/// In which role something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// An admin, on the platform.
    Admin,
    /// The trainer, mostly through a calendar.
    Trainer,
    /// The platform itself.
    System,
}

/// `GET /v1/me`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Id of the caller.
    #[schema(example = "usr_7")]
    pub id: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Role.
    pub role: Role,
    /// BCP 47 locale.
    #[schema(example = "de-DE")]
    pub locale: String,
    /// IANA name of the caller's zone.
    pub time_zone: String,
    /// Whether and how calendars may be synced.
    pub calendar_sync: CalendarSync,
    /// What this platform can do beyond the core.
    #[schema(example = json!(["stream", "writer_lease"]))]
    pub features: Vec<String>,
    /// The platform itself.
    pub platform: PlatformInfo,
    /// The platform's clock.
    pub server_time: DateTime<Utc>,
}

/// What the platform calls itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlatformInfo {
    /// Its name.
    pub name: String,
}

/// Role of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Has appointments.
    Trainer,
    /// Plans them, and may have some too.
    Admin,
}

/// The policy on calendar sync for one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CalendarSync {
    /// `false` pauses all writes at once.
    pub enabled: bool,
    /// Why it is off.
    #[schema(required)]
    pub reason: Option<PauseReason>,
    /// Whether client names may be written to calendars.
    pub client_names_allowed: bool,
    /// Shortest time between two looks at the feed.
    pub min_poll_seconds: u32,
}

/// Why calendar sync is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// An admin turned it off for this person.
    DisabledByAdmin,
    /// The platform is being worked on.
    Maintenance,
    /// Turned off for everybody.
    KillSwitch,
}

impl PauseReason {
    /// As it is written in JSON and in the `Calendar-Sync` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DisabledByAdmin => "disabled_by_admin",
            Self::Maintenance => "maintenance",
            Self::KillSwitch => "kill_switch",
        }
    }
}

/// A page of the change feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeedPage {
    /// The changes, oldest first; of one appointment the highest version counts.
    pub items: Vec<FeedItem>,
    /// Where to go on.
    #[schema(example = "c_98431")]
    pub next_cursor: String,
    /// Whether another page is ready now.
    pub has_more: bool,
    /// Whether this page belongs to a snapshot.
    pub snapshot: bool,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum FeedItem {
    /// New, changed, or newly assigned to the caller.
    Upsert {
        /// The appointment.
        appointment: Box<Appointment>,
    },
    /// No longer an appointment of the caller.
    Removed {
        /// Its id.
        id: String,
        /// Its version after the removal.
        version: u64,
        /// Why.
        reason: RemovalReason,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why an appointment is no longer the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// Called off.
    Cancelled,
    /// Given to somebody else.
    Unassigned,
    /// Deleted from the platform.
    Deleted,
}

/// Body of a move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MoveRequest {
    /// New start.
    pub start: DateTime<FixedOffset>,
    /// New end.
    pub end: DateTime<FixedOffset>,
    /// IANA name of the zone.
    pub time_zone: String,
    /// Whether the admin is told.
    #[serde(default = "yes")]
    pub notify_admin: bool,
    /// Where the move was made.
    #[serde(default)]
    pub source: Option<Source>,
}

fn yes() -> bool {
    true
}

/// Where a change was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// The calendar service.
    #[schema(example = "google")]
    pub provider: String,
    /// The event.
    #[serde(default)]
    pub event_id: Option<String>,
    /// When the trainer made it.
    #[serde(default)]
    pub moved_at: Option<DateTime<Utc>>,
    /// The laptop that reports it.
    #[serde(default)]
    pub device: Option<String>,
}

/// Answer to a move or an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// The appointment now.
    pub appointment: Appointment,
    /// Whether the admin was told.
    pub admin_notified: bool,
}

/// Body of an edit; only the fields in `editable` may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EditRequest {
    /// New notes; `null` clears them.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub notes: Option<Option<String>>,
}

/// Tells a field that is `null` from one that is not there.
pub(crate) fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Body of a creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CreateRequest {
    /// To 200 characters.
    #[schema(max_length = 200)]
    pub title: String,
    /// Start.
    pub start: DateTime<FixedOffset>,
    /// End.
    pub end: DateTime<FixedOffset>,
    /// IANA name of the zone.
    pub time_zone: String,
    /// Place.
    #[serde(default)]
    pub location: Option<Location>,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 10000)]
    pub notes: Option<String>,
    /// Where it was made.
    #[serde(default)]
    pub source: Option<Source>,
    /// Whether the admin is told.
    #[serde(default = "yes")]
    pub notify_admin: bool,
}

/// A stretch of time taken by an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Slot {
    /// The appointment.
    pub id: String,
    /// From.
    pub start: DateTime<FixedOffset>,
    /// To.
    pub end: DateTime<FixedOffset>,
}

/// State of a laptop's sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Works.
    Active,
    /// Paused by the trainer.
    Paused,
    /// The trainer has to sign in again.
    NeedsReauth,
    /// Does not work.
    Error,
    /// Ended by the trainer.
    Disconnected,
}

/// What the admin sees of one laptop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntegrationReport {
    /// State.
    pub status: IntegrationStatus,
    /// Last run without a problem.
    #[serde(default)]
    pub last_success_at: Option<DateTime<Utc>>,
    /// Number of links.
    #[serde(default)]
    pub linked: u32,
    /// Number of writes that wait.
    #[serde(default)]
    pub waiting: u32,
    /// Number of open conflicts.
    #[serde(default)]
    pub conflicts: u32,
    /// A problem in one sentence.
    #[serde(default)]
    pub problem: Option<String>,
    /// Version of the app.
    #[serde(default)]
    pub app_version: Option<String>,
    /// Name of the laptop.
    pub device: String,
    /// Lasting id of the installation.
    pub device_id: String,
    /// Ask for the writer lease even if another laptop holds it.
    #[serde(default)]
    pub take_over: bool,
}

/// Answer to an [`IntegrationReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntegrationAnswer {
    /// The policy.
    pub calendar_sync: CalendarSync,
    /// Who may write; absent when nobody asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<Writer>,
}

/// The one laptop that writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Writer {
    /// Lasting id of its installation.
    pub device_id: String,
    /// Its name.
    pub device: String,
    /// Since when it writes.
    pub since: DateTime<Utc>,
    /// Until when, unless it renews.
    pub expires_at: DateTime<Utc>,
}

/// Body of `PUT /v1/me/busy-blocks/{source}`: times only, nothing else is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BusyBlocks {
    /// What is replaced.
    pub window: Block,
    /// The busy times in it.
    pub blocks: Vec<Block>,
}

/// From and to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// From.
    pub start: DateTime<FixedOffset>,
    /// To.
    pub end: DateTime<FixedOffset>,
}

/// Body of `POST /v1/calendar-relay/channels`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelRequest {
    /// The calendar service.
    #[schema(example = "google")]
    pub provider: String,
}

/// What is handed to the calendar service's watch call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Id of the channel.
    pub channel_id: String,
    /// Where the calendar service sends its notifications.
    pub address: String,
    /// What it must send along.
    pub token: String,
    /// When the relay forgets the channel.
    pub expires_at: DateTime<Utc>,
}

/// RFC 8414 metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// The platform's address.
    pub issuer: String,
    /// Where a person signs in.
    pub authorization_endpoint: String,
    /// Where codes are redeemed.
    pub token_endpoint: String,
    /// Where tokens are revoked.
    pub revocation_endpoint: String,
    /// Scopes.
    pub scopes_supported: Vec<String>,
    /// `code`.
    pub response_types_supported: Vec<String>,
    /// `authorization_code`, `refresh_token`.
    pub grant_types_supported: Vec<String>,
    /// `S256`.
    pub code_challenge_methods_supported: Vec<String>,
    /// `none`: the client is public.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// What the platform calls itself.
    pub roundtrip_platform_name: String,
}

/// Answer of the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds.
    pub expires_in: i64,
    /// For the next refresh; the one before stays valid until this is used.
    pub refresh_token: String,
    /// What was granted, separated by spaces.
    pub scope: String,
}

/// RFC 6749 error of the token and revocation endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenProblem {
    /// The code.
    pub error: String,
    /// A sentence.
    pub error_description: String,
}
