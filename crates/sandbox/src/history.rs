//! The services' own record of everything that changed in them: append-only, in one order over both services.
//!
//! A checker reads it instead of asking the app: it says what an event, an appointment, a notification, a session or
//! the writer lease was before and after, when, and by whose hand. Tries that changed nothing are in
//! [`crate::google::Google::audit`] and in the request log, not here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use crate::faults::Service;
use crate::shared::lock;

/// Whose hand it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A client of the public API.
    App(AppRequest),
    /// The trainer, in the calendar's own page.
    Trainer,
    /// An admin, in the platform's own page.
    Admin,
    /// The service itself: sample data, expiry, a token that ended.
    Service,
}

impl Actor {
    /// Whether a client of the public API did it.
    pub fn is_app(&self) -> bool {
        matches!(self, Self::App(_))
    }
}

/// What a request of the app said about itself. Never a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppRequest {
    /// Its number in the request log; 0 if it did not come through there.
    pub request: u64,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `If-Match`.
    pub if_match: Option<String>,
    /// The `sendUpdates` parameter.
    pub send_updates: Option<String>,
    /// Whether the body named attendees.
    pub attendees_sent: bool,
    /// The laptop, where the request names it.
    pub device: Option<String>,
    /// The sign-in it used, by its number at that service.
    pub session: Option<u64>,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An event, series or exception.
    Event {
        /// Id of the calendar.
        calendar: String,
        /// Id of the event.
        id: String,
    },
    /// A calendar with everything in it.
    Calendar {
        /// Its id.
        id: String,
    },
    /// An appointment.
    Appointment {
        /// Its id.
        id: String,
    },
    /// What the admins were told.
    Notification {
        /// Its id.
        id: String,
        /// About which appointment.
        appointment: String,
    },
    /// A sign-in with its tokens.
    Session {
        /// Its number.
        id: u64,
    },
    /// The writer lease.
    Lease {
        /// Id of the person.
        user: String,
        /// The calendar service.
        provider: String,
    },
    /// The policy on calendar sync.
    Policy {
        /// For whom; `None` for everybody.
        user: Option<String>,
    },
    /// All cursors or sync tokens handed out so far.
    Cursors,
}

/// How it was before or after.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// An event.
    Event(Arc<EventState>),
    /// An appointment.
    Appointment(Arc<AppointmentState>),
    /// A notification.
    Notification(Arc<NotificationState>),
    /// A session: what happened to it (`signed_in`, `refreshed`, `ended`, `expired`), and whose it is.
    Session {
        /// What happened.
        what: &'static str,
        /// The account.
        account: String,
    },
    /// A lease.
    Lease {
        /// The laptop that writes.
        device: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// A word: the reason of a pause.
    Word(&'static str),
}

/// What there is of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventLife {
    /// It is there.
    Live,
    /// A tombstone.
    Deleted,
    /// Moved to another calendar.
    MovedAway,
    /// Only the id is left.
    Purged,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventState {
    /// What there is of it.
    pub life: EventLife,
    /// `status: tentative`.
    pub tentative: bool,
    /// Start; of an all-day event the midnight in the calendar's zone.
    pub start: DateTime<Utc>,
    /// End, exclusive.
    pub end: DateTime<Utc>,
    /// Without hours.
    pub all_day: bool,
    /// A series.
    pub series: bool,
    /// Title.
    pub title: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Etag with its quotes.
    pub etag: String,
    /// The `updated` of the answers.
    pub updated: DateTime<Utc>,
    /// The private extended properties.
    pub mark: BTreeMap<String, String>,
    /// Number of guests.
    pub attendees: usize,
}

impl EventState {
    /// Whether it is there.
    pub fn is_live(&self) -> bool {
        self.life == EventLife::Live
    }
}

/// An appointment.
#[derive(Debug, Clone, PartialEq)]
pub struct AppointmentState {
    /// Version.
    pub version: u64,
    /// `scheduled`, `tentative`, `cancelled`.
    pub status: &'static str,
    /// Deleted for good.
    pub deleted: bool,
    /// Whose it is.
    pub assignee: Option<String>,
    /// Start.
    pub start: DateTime<Utc>,
    /// End, if it has one.
    pub end: Option<DateTime<Utc>>,
    /// Zone.
    pub zone: String,
    /// Title.
    pub title: Option<String>,
    /// Notes.
    pub notes: Option<String>,
    /// Its time is fixed.
    pub locked: bool,
    /// Whether the trainer may move it.
    pub time_editable: bool,
    /// Nobody else's business.
    pub private: bool,
}

impl AppointmentState {
    /// Whether this person has to be there.
    pub fn is_assigned_to(&self, user: &str) -> bool {
        !self.deleted && self.status != "cancelled" && self.assignee.as_deref() == Some(user)
    }
}

/// What the admins were told.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationState {
    /// `moved` or `created`.
    pub kind: &'static str,
    /// When it was before (of a move).
    pub from: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When it is now.
    pub to: (DateTime<Utc>, DateTime<Utc>),
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Counts from 1 over both services.
    pub seq: u64,
    /// By the services' clock.
    pub at: DateTime<Utc>,
    /// Where.
    pub service: Service,
    /// By whom.
    pub actor: Actor,
    /// Of what.
    pub subject: Subject,
    /// Before; `None` if it did not exist.
    pub before: Option<State>,
    /// After; `None` if it does not exist any more.
    pub after: Option<State>,
}

impl Change {
    /// The event before, if it is about one that existed.
    pub fn event_before(&self) -> Option<&EventState> {
        event(self.before.as_ref())
    }

    /// The event after, if it is about one.
    pub fn event_after(&self) -> Option<&EventState> {
        event(self.after.as_ref())
    }

    /// The appointment before, if it is about one that existed.
    pub fn appointment_before(&self) -> Option<&AppointmentState> {
        appointment(self.before.as_ref())
    }

    /// The appointment after, if it is about one.
    pub fn appointment_after(&self) -> Option<&AppointmentState> {
        appointment(self.after.as_ref())
    }
}

fn event(state: Option<&State>) -> Option<&EventState> {
    match state {
        Some(State::Event(event)) => Some(event),
        _ => None,
    }
}

fn appointment(state: Option<&State>) -> Option<&AppointmentState> {
    match state {
        Some(State::Appointment(appointment)) => Some(appointment),
        _ => None,
    }
}

/// One line for a report.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match &self.actor {
            Actor::App(app) => format!("app(request {})", app.request),
            Actor::Trainer => "trainer".to_owned(),
            Actor::Admin => "admin".to_owned(),
            Actor::Service => "service".to_owned(),
        };
        let subject = match &self.subject {
            Subject::Event { id, .. } => format!("event {}", id.get(..10).unwrap_or(id)),
            Subject::Calendar { id } => format!("calendar {id}"),
            Subject::Appointment { id } => id.clone(),
            Subject::Notification { id, appointment } => format!("{id} about {appointment}"),
            Subject::Session { id } => format!("session {id}"),
            Subject::Lease { user, provider } => format!("lease of {user} at {provider}"),
            Subject::Policy { user } => format!("policy of {}", user.as_deref().unwrap_or("everybody")),
            Subject::Cursors => "cursors".to_owned(),
        };
        write!(
            f,
            "#{} {} {who} {subject}: ",
            self.seq,
            self.at.format("%m-%d %H:%M:%S%.3f")
        )?;
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{after}"),
            (Some(before), Some(after)) => write!(f, "{before} -> {after}"),
            (_, None) => write!(f, "gone"),
        }
    }
}

/// Times and marks only: titles and notes do not belong in a report.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |at: DateTime<Utc>| at.format("%m-%d %H:%M").to_string();
        match self {
            Self::Event(event) => write!(
                f,
                "{:?} {}–{} {}",
                event.life,
                at(event.start),
                at(event.end),
                event.etag
            ),
            Self::Appointment(appointment) => write!(
                f,
                "v{} {}{} {}–{} {}",
                appointment.version,
                if appointment.deleted { "deleted " } else { "" },
                appointment.status,
                at(appointment.start),
                appointment.end.map(at).unwrap_or_default(),
                appointment.assignee.as_deref().unwrap_or("nobody"),
            ),
            Self::Notification(told) => write!(f, "{} to {}", told.kind, at(told.to.0)),
            Self::Session { what, account } => write!(f, "{what} {account}"),
            Self::Lease { device, expires_at } => write!(f, "{device} until {}", at(*expires_at)),
            Self::Word(word) => f.write_str(word),
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    changes: Vec<Change>,
    last_seq: u64,
}

/// The record of both services. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct History {
    kept: Arc<Mutex<Kept>>,
}

impl History {
    /// Adds a change, unless nothing changed.
    pub fn add(
        &self,
        (service, at): (Service, DateTime<Utc>),
        actor: Actor,
        subject: Subject,
        before: Option<State>,
        after: Option<State>,
    ) {
        if before == after {
            return;
        }
        let mut kept = lock(&self.kept);
        kept.last_seq += 1;
        let seq = kept.last_seq;
        kept.changes.push(Change {
            seq,
            at,
            service,
            actor,
            subject,
            before,
            after,
        });
    }

    /// Everything, in order.
    pub fn all(&self) -> Vec<Change> {
        lock(&self.kept).changes.clone()
    }

    /// What one service recorded, in order.
    pub fn of(&self, service: Service) -> Vec<Change> {
        let kept = lock(&self.kept);
        let of_service = kept.changes.iter().filter(|change| change.service == service);
        of_service.cloned().collect()
    }

    /// The number of the last change (0 if none).
    pub fn last_seq(&self) -> u64 {
        lock(&self.kept).last_seq
    }

    /// Forgets everything; numbers go on.
    pub fn clear(&self) {
        lock(&self.kept).changes.clear();
    }
}
