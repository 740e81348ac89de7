//! The ports: what the engine asks of a platform, a calendar, a clock. In the words of the domain; HTTP stays behind.

pub use crate::push::{ChannelToken, Heard, Hint, HintStream, Hinted, Pushed, RelayChannel, Watched};
use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::appointment::{Appointment, RemovalReason};
use roundtrip_core::event::{Event, EventBody, EventChange, PatchMask};
use roundtrip_core::ids::{
    AppointmentId, CalendarId, Cursor, DeviceId, Etag, EventId, IdempotencyKey, RunId, SyncToken, TrainerId,
    Version,
};
use roundtrip_core::marked::MarkedEvent;
use roundtrip_core::time::TimeSpan;
use serde::{Deserialize, Serialize};

/// How the ids of all requests of a run begin; the history tells it with each write.
pub fn request_id(run: &RunId) -> String {
    format!("rt-{run}")
}

/// What went wrong at a service; each variant is something the engine does differently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// No account is connected. Sign in.
    #[error("not signed in")]
    NotConnected,
    /// The sign-in is no longer accepted. Ask the trainer to reconnect; nothing is lost.
    #[error("sign-in is no longer accepted")]
    SignInExpired,
    /// The sign-in works, but a right is missing. Ask for it.
    #[error("a right is missing: {right}")]
    RightMissing {
        /// Which, in the service's own word (a scope, or `writer` access to a calendar).
        right: String,
    },
    /// The platform turned calendar sync off for this trainer or for all.
    #[error("calendar sync is turned off: {reason}")]
    SyncDisabled {
        /// `disabled_by_admin`, `maintenance`, `kill_switch` or another word of the platform.
        reason: String,
    },
    /// Too many requests. Wait at least so long.
    #[error("asked to wait")]
    Throttled {
        /// From `Retry-After`, if the service said.
        retry_after: Option<std::time::Duration>,
    },
    /// A quota that does not come back within minutes is used up. Queue, and try again after an hour.
    #[error("quota is used up")]
    QuotaGone,
    /// No answer: offline, name not found, refused, timed out, connection cut. The write may have happened.
    #[error("could not be reached")]
    Unreachable {
        /// True if not even a connection could be made, so that surely nothing was written.
        nothing_sent: bool,
    },
    /// Somebody answered whose certificate is not trusted, or who speaks no common version of TLS: surely nothing was written.
    /// Tried again like [`PortError::Unreachable`].
    #[error("could not prove who it is")]
    WrongCertificate,
    /// 5xx. The write may have happened.
    #[error("has trouble (status {status})")]
    ServerTrouble {
        /// HTTP status.
        status: u16,
        /// From `Retry-After`, if said.
        retry_after: Option<std::time::Duration>,
    },
    /// The sync token or cursor is no longer valid. Take a full listing; never delete because of it.
    #[error("the place in the feed is no longer known")]
    FeedExpired,
    /// The thing is not there (404). Proves nothing by itself.
    #[error("not found")]
    NotFound,
    /// The calendar itself is not there. Ask for another one.
    #[error("calendar not found")]
    CalendarNotFound,
    /// The thing was deleted (410, or a tombstone where a live one was needed).
    #[error("already deleted")]
    AlreadyDeleted,
    /// An event with this id exists or existed (409 on insert). Look at it.
    #[error("id is already taken")]
    AlreadyExists,
    /// It changed since it was read (412). Read again, plan again.
    #[error("changed since it was read")]
    PreconditionFailed {
        /// The appointment as it is now, if the platform sent it.
        current: Option<Box<Appointment>>,
    },
    /// The platform understood and said no.
    #[error("refused: {reason}")]
    Refused {
        /// `overlap`, `outside_hours`, `locked`, `in_past`, `holiday`, `not_editable`, `key_reused`,
        /// `not_allowed`, `invalid`, `other`.
        reason: String,
        /// The platform's words for the trainer.
        detail: Option<String>,
        /// The appointment as it is now, if sent.
        current: Option<Box<Appointment>>,
    },
    /// The appointment is not this trainer's (403 `not_assigned`).
    #[error("not assigned")]
    NotAssigned,
    /// The service would not take the request (400 and kin). Retrying does not help.
    #[error("request was not accepted: {reason}")]
    Rejected {
        /// The service's stable reason word, no content.
        reason: String,
    },
    /// The answer could not be read: not JSON, too large, cut, a field missing. Treated like no answer.
    #[error("answer could not be read: {what}")]
    BadAnswer {
        /// Which part, no content.
        what: String,
    },
}

/// What a service without notices or hints says when it is asked for them.
fn not_offered() -> PortError {
    PortError::Rejected {
        reason: "not_offered".into(),
    }
}

/// Who is signed in at the platform, and what it allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// Id.
    pub id: TrainerId,
    /// Shown name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// `trainer`, `admin` or another word; all are treated alike.
    pub role: String,
    /// Shown name of the platform.
    pub platform_name: String,
    /// Zone in which the trainer's times are shown.
    pub time_zone: chrono_tz::Tz,
    /// Policy.
    pub policy: SyncPolicy,
    /// May client names be written into calendars?
    pub client_names_allowed: bool,
    /// Not more often than this, in seconds.
    pub min_poll_seconds: u32,
    /// Feature words (`stream`, `writer_lease` …).
    pub features: Vec<String>,
}

/// May calendar sync run?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPolicy {
    /// False pauses all writes at once.
    pub enabled: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// One item of the platform's change feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformChange {
    /// New or changed.
    Upsert(Box<Appointment>),
    /// No longer the trainer's; said by the platform itself.
    Removed {
        /// Which.
        id: AppointmentId,
        /// Version of the removal.
        version: Version,
        /// Why.
        reason: RemovalReason,
        /// When.
        at: DateTime<Utc>,
    },
    /// An item that could not be read; the rest still syncs.
    Unreadable {
        /// Which, if that could be read.
        id: Option<AppointmentId>,
        /// The field.
        field: String,
    },
}

/// All pages of the platform's feed since a cursor. The connector reads every page before it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformListing {
    /// Items in order; the higher version of one appointment wins.
    pub items: Vec<PlatformChange>,
    /// Where to go on. Saved with the items, in one transaction.
    pub next_cursor: Cursor,
    /// For the next `If-None-Match`.
    pub etag: Option<String>,
    /// True if it was a snapshot (no cursor was sent, or it had expired).
    pub snapshot: bool,
    /// Policy as told by the `Calendar-Sync` header.
    pub policy: SyncPolicy,
}

/// Answer of [`PlatformPort::changes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformFeed {
    /// 304: nothing new.
    Unchanged {
        /// Policy as told by the `Calendar-Sync` header.
        policy: SyncPolicy,
    },
    /// Something new, or a snapshot.
    Listing(PlatformListing),
}

/// A move to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveReport<'a> {
    /// Which.
    pub appointment: &'a AppointmentId,
    /// `If-Match`.
    pub version: Version,
    /// One value for every try.
    pub key: &'a IdempotencyKey,
    /// New time, in the appointment's own zone.
    pub time: TimeSpan,
    /// Calendar service (`google` …).
    pub provider: &'a str,
    /// Event it was seen on.
    pub event: &'a EventId,
    /// When the trainer did it.
    pub moved_at: DateTime<Utc>,
    /// This laptop's name.
    pub device: &'a str,
}

/// An appointment to be made of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFromEvent<'a> {
    /// One value for every try.
    pub key: &'a IdempotencyKey,
    /// What the event says.
    pub content: &'a MarkedEvent,
    /// Calendar service (`google` …).
    pub provider: &'a str,
    /// The event.
    pub event: &'a EventId,
    /// This laptop's name.
    pub device: &'a str,
}

/// The platform took a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The appointment as it is now.
    pub appointment: Appointment,
    /// True if the admin was told.
    pub admin_notified: bool,
}

/// What the admin sees of this laptop. No titles, no tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaptopStatus {
    /// `active`, `paused`, `needs_reauth`, `error` or `disconnected`.
    pub status: String,
    /// Last run without problems.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Linked appointments.
    pub linked: u32,
    /// Writes that wait.
    pub waiting: u32,
    /// Open conflicts.
    pub conflicts: u32,
    /// Stable code of the current problem.
    pub problem: Option<String>,
    /// Version of the app.
    pub app_version: String,
    /// This laptop's name.
    pub device: String,
    /// This installation.
    pub device_id: DeviceId,
    /// Take the writer lease from another laptop.
    pub take_over: bool,
}

/// Answer to a status report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusAnswer {
    /// The policy again.
    pub policy: SyncPolicy,
    /// Who writes (feature `writer_lease`).
    pub writer: Option<Writer>,
}

/// The one laptop that writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Which installation.
    pub device_id: DeviceId,
    /// Its name.
    pub device: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Until when, if it is not renewed.
    pub expires_at: DateTime<Utc>,
}

/// The booking platform.
#[async_trait]
pub trait PlatformPort: Send + Sync {
    /// Who is signed in.
    async fn me(&self) -> Result<Me, PortError>;
    /// Everything since the cursor, all pages; `None` asks for a snapshot. [`PortError::FeedExpired`] when the cursor is too old.
    async fn changes(&self, cursor: Option<&Cursor>, etag: Option<&str>) -> Result<PlatformFeed, PortError>;
    /// One appointment. `NotFound` and `NotAssigned` are the only answers that count as "gone".
    async fn appointment(&self, id: &AppointmentId) -> Result<Appointment, PortError>;
    /// Reports a move.
    async fn report_move(&self, report: &MoveReport<'_>) -> Result<Accepted, PortError>;
    /// Makes an appointment of an event (feature `create_appointments`). A "no" of any kind is [`PortError::Refused`].
    async fn create_appointment(&self, new: &NewFromEvent<'_>) -> Result<Appointment, PortError>;
    /// Reports edited notes.
    async fn report_notes(
        &self,
        id: &AppointmentId,
        version: Version,
        key: &IdempotencyKey,
        notes: &str,
    ) -> Result<Accepted, PortError>;
    /// Tells the platform how this laptop does; renews or takes the writer lease.
    async fn report_status(&self, provider: &str, status: &LaptopStatus) -> Result<StatusAnswer, PortError>;
    /// Ends the integration (disconnect).
    async fn end_integration(&self, provider: &str) -> Result<(), PortError>;
    /// Opens the stream of hints (feature `stream`), after the event of this id if one is given. It is waited for only
    /// until the platform has answered; what does not look like a stream is [`PortError::BadAnswer`].
    async fn hints(&self, _after: Option<&str>) -> Result<Box<dyn HintStream>, PortError> {
        Err(not_offered())
    }
    /// Opens a channel of the relay for the notices of a calendar service (feature `calendar_relay`).
    async fn open_channel(&self, _provider: &str) -> Result<RelayChannel, PortError> {
        Err(not_offered())
    }
    /// Closes a channel of the relay. `NotFound` if there is none.
    async fn close_channel(&self, _id: &str) -> Result<(), PortError> {
        Err(not_offered())
    }
    /// The platform's word on sync that came with an answer since this was last asked, if one did: an error's counts like any
    /// other. What [`PlatformPort::changes`] gives back may be what was said long before.
    fn take_policy(&self) -> Option<SyncPolicy> {
        None
    }
    /// How far the platform's clock is ahead of ours, as last seen in a `Date` header.
    fn clock_offset(&self) -> Option<Duration>;
    /// Requests sent since the start of the process.
    fn requests_sent(&self) -> u64;
    /// Names the requests from now on after a run, so that the service's support finds them by [`request_id`]; `None` ends
    /// that. One that names none need not.
    fn name_requests(&self, _run: Option<&RunId>) {}
}

/// All pages of one listing. The connector reads every page before it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventListing {
    /// Items; of one id the last one counts.
    pub items: Vec<EventChange>,
    /// Where the next incremental listing starts; saved last.
    pub next_token: SyncToken,
    /// True if it was a full listing.
    pub full: bool,
}

/// Answer to a direct question about one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventLookup {
    /// It exists.
    Live {
        /// As it is now.
        event: Box<Event>,
        /// When it was made, if said.
        created: Option<DateTime<Utc>>,
    },
    /// It is deleted, and the service remembers it.
    Deleted {
        /// When, if said.
        updated: Option<DateTime<Utc>>,
    },
    /// 404: never existed, gone long ago, or not propagated yet.
    NotFound,
}

/// A calendar that could be written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarInfo {
    /// Its id.
    pub id: CalendarId,
    /// Shown name.
    pub name: String,
    /// Its zone, if said.
    pub time_zone: Option<String>,
}

/// One calendar service.
#[async_trait]
pub trait CalendarPort: Send + Sync {
    /// Stable word: `google`, `outlook`, `caldav`.
    fn provider(&self) -> &'static str;
    /// Everything since the token, all pages; `None` asks for a full listing, unfiltered.
    async fn changes(
        &self,
        calendar: &CalendarId,
        token: Option<&SyncToken>,
    ) -> Result<EventListing, PortError>;
    /// One event.
    async fn get(&self, calendar: &CalendarId, id: &EventId) -> Result<EventLookup, PortError>;
    /// Makes an event under our id; [`PortError::AlreadyExists`] if it is taken. Answers what was stored.
    async fn insert(&self, calendar: &CalendarId, id: &EventId, body: &EventBody)
    -> Result<Event, PortError>;
    /// Changes parts of an event, only if it is still at `expected`. Answers what was stored.
    async fn patch(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        expected: &Etag,
        body: &EventBody,
        mask: PatchMask,
    ) -> Result<Event, PortError>;
    /// Deletes an event. Already gone is `AlreadyDeleted` or `NotFound`.
    async fn delete(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        expected: Option<&Etag>,
    ) -> Result<(), PortError>;
    /// The calendar itself: proves that it is there and may be read. Needs no more than the right to read events.
    async fn calendar(&self, calendar: &CalendarId) -> Result<CalendarInfo, PortError>;
    /// Asks for notices of every change in a calendar, sent to the relay's channel. They carry no content.
    async fn watch(&self, _calendar: &CalendarId, _channel: &RelayChannel) -> Result<Watched, PortError> {
        Err(not_offered())
    }
    /// Ends the notices of a channel. `NotFound` if the service knows none, or it has run out.
    async fn stop_watch(&self, _channel: &str, _resource: &str) -> Result<(), PortError> {
        Err(not_offered())
    }
    /// Revokes the grant at the service. [`PortError::NotConnected`] if there was nothing to give back.
    async fn revoke(&self) -> Result<(), PortError>;
    /// How far the service's clock is ahead of ours.
    fn clock_offset(&self) -> Option<Duration>;
    /// Requests sent since the start of the process.
    fn requests_sent(&self) -> u64;
    /// Names the requests from now on after a run, so that the service's support finds them by [`request_id`]; `None` ends
    /// that. One that names none need not.
    fn name_requests(&self, _run: Option<&RunId>) {}
}

/// Time and chance, as an argument: a simulation passes its own.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall clock.
    fn now(&self) -> DateTime<Utc>;
    /// Time since some start, not counting corrections of the wall clock. Stands still while a laptop sleeps on some
    /// systems; a gap between the two is a wake-up.
    fn monotonic(&self) -> std::time::Duration;
    /// Waits.
    async fn sleep(&self, time: std::time::Duration);
    /// Whether [`Clock::jump`] ever returns. Where it does not, the two clocks have to be compared often.
    fn tells_jumps(&self) -> bool {
        false
    }
    /// Returns once the wall clock has jumped, because it was set or because the laptop woke up, as far as the system tells.
    async fn jump(&self) {
        std::future::pending().await
    }
    /// A fresh random value, for ids and jitter.
    fn random(&self) -> u64;
}
