//! What the platform knows. All of it lives here, behind one mutex; nothing awaits while holding it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::faults::Service;
use crate::history::{self, History};

use super::calendar_rules::Rules;
use super::feed::Feed;
use super::hints::Hints;
use super::types::{
    Actor, ActorKind, Appointment, AppointmentStatus, Block, CalendarSync, Channel, EditableField,
    IntegrationReport, PauseReason, Role, Slot, Source, Writer,
};

/// How long the answer to an idempotency key is remembered.
pub(super) const KEY_MEMORY: TimeDelta = TimeDelta::days(7);
/// How long the writer lease holds without a renewal.
pub(super) const LEASE_TIME: TimeDelta = TimeDelta::hours(2);
/// How long the relay keeps a channel.
pub(super) const CHANNEL_TIME: TimeDelta = TimeDelta::days(7);

/// Somebody with an account on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `usr_` and a number.
    pub id: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Role.
    pub role: Role,
    /// BCP 47 locale.
    pub locale: String,
    /// Zone in which appointments of this person are planned.
    pub time_zone: Tz,
    /// Whether the public holidays of Berlin apply.
    pub german_holidays: bool,
    /// Whether this person may create appointments from a calendar.
    pub may_create: bool,
    /// Set by an admin: calendar sync is off for this person.
    pub paused: Option<PauseReason>,
    /// Whether client names may be written to this person's calendar.
    pub client_names_allowed: bool,
    /// Shortest time between two looks at the feed.
    pub min_poll_seconds: u32,
}

impl Person {
    pub(super) fn actor(&self, kind: ActorKind) -> Actor {
        Actor {
            kind,
            name: self.name.clone(),
        }
    }
}

/// An appointment with what only the admin sees.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// As the trainer sees it.
    pub appointment: Appointment,
    /// Whose it is.
    pub assignee: Option<String>,
    /// Whether the admin has fixed its time: a move is refused as `locked`.
    pub locked: bool,
    /// Deleted: its id is not used again.
    pub deleted: bool,
    /// Where a trainer's last change of it was made.
    pub source: Option<Source>,
}

/// What the admins were told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notification {
    /// `ntf_` and a number.
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What the trainer did.
    pub kind: NotificationKind,
    /// With which appointment.
    pub appointment_id: String,
    /// Its title, or its topic.
    pub title: String,
    /// The trainer.
    pub trainer_id: String,
    /// The trainer's name.
    pub trainer: String,
    /// When it was before (of a move).
    pub from: Option<Slot>,
    /// When it is now.
    pub to: Slot,
    /// Where the change was made.
    pub source: Option<Source>,
}

/// What an admin is told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// Moved by its trainer.
    Moved,
    /// Created by its trainer.
    Created,
}

/// One laptop as the admin sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Integration {
    /// The trainer.
    pub user: String,
    /// The calendar service.
    pub provider: String,
    /// When it last reported.
    pub reported_at: DateTime<Utc>,
    /// Its last report.
    pub report: IntegrationReport,
    /// Whether it holds the writer lease now.
    pub writer: bool,
}

/// A write that took effect through the API, for tests that count.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Write {
    /// When.
    pub at: DateTime<Utc>,
    /// `move`, `edit` or `create`.
    pub operation: &'static str,
    /// By whom.
    pub user: String,
    /// The appointment.
    pub appointment_id: String,
    /// Its version afterwards.
    pub version: u64,
    /// Its idempotency key.
    pub idempotency_key: String,
    /// Where the change was made.
    pub source: Option<Source>,
    /// Whether the admin was told.
    pub admin_notified: bool,
}

/// What an idempotency key stands for: another request under the same key is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub operation: &'static str,
    pub appointment_id: Option<String>,
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
    pub text: Option<String>,
}

/// A 2xx answer that is given again under the same key.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub at: DateTime<Utc>,
    pub fingerprint: Fingerprint,
    pub reply: Reply,
}

/// A successful answer to a write.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub status: u16,
    pub version: u64,
    pub body: Value,
}

/// A relay channel and whose it is.
#[derive(Debug, Clone)]
pub(super) struct RelayChannel {
    pub user: String,
    pub provider: String,
    pub channel: Channel,
}

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Grows with everything the admin page shows.
    pub revision: u64,
    /// Features that it does not say it has.
    pub withheld: BTreeSet<&'static str>,
    pub people: BTreeMap<String, Person>,
    pub paused: Option<PauseReason>,
    pub records: BTreeMap<u64, Record>,
    pub last_number: u64,
    pub feed: Feed,
    pub hints: Hints,
    pub remembered: BTreeMap<(String, String), Remembered>,
    pub notifications: Vec<Notification>,
    pub last_notification: u64,
    pub writes: Vec<Write>,
    /// By user, provider and device id.
    pub integrations: BTreeMap<(String, String, String), Integration>,
    /// By user and provider.
    pub leases: BTreeMap<(String, String), Writer>,
    /// By user and source.
    pub busy_blocks: BTreeMap<(String, String), Vec<Block>>,
    pub channels: BTreeMap<String, RelayChannel>,
    pub rules: Rules,
    pub requests: BTreeMap<String, VecDeque<DateTime<Utc>>>,
    pub requests_per_minute: usize,
    /// What changed, and by whose hand.
    pub history: History,
    /// Seed, and how many of 100 pages of the feed repeat older items and come in another order.
    pub feed_repeats: (u64, u8),
}

impl State {
    /// The policy on calendar sync for one person; what holds for everybody comes first.
    pub fn policy(&self, user: &str) -> CalendarSync {
        let person = self.people.get(user);
        let reason = self.paused.or_else(|| person.and_then(|person| person.paused));
        CalendarSync {
            enabled: reason.is_none(),
            reason,
            client_names_allowed: person.is_some_and(|person| person.client_names_allowed),
            min_poll_seconds: person.map_or(60, |person| person.min_poll_seconds),
        }
    }

    /// The lease if it still holds.
    pub fn writer(&self, user: &str, provider: &str, now: DateTime<Utc>) -> Option<&Writer> {
        let key = (user.to_owned(), provider.to_owned());
        self.leases.get(&key).filter(|writer| now < writer.expires_at)
    }

    /// The lease as the history tells it, run out or not.
    pub fn lease_state(&self, user: &str, provider: &str) -> Option<history::State> {
        let writer = self.leases.get(&(user.to_owned(), provider.to_owned()))?;
        Some(history::State::Lease {
            device: writer.device_id.clone(),
            expires_at: writer.expires_at,
        })
    }

    /// Records what became of a lease.
    pub fn record_lease(
        &self,
        (user, provider): (&str, &str),
        before: Option<history::State>,
        by: history::Actor,
        now: DateTime<Utc>,
    ) {
        let subject = history::Subject::Lease {
            user: user.to_owned(),
            provider: provider.to_owned(),
        };
        let after = self.lease_state(user, provider);
        self.history
            .add((Service::Platform, now), by, subject, before, after);
    }

    /// Records the policy that holds for one person from now on.
    pub fn record_policy(&self, user: &str, now: DateTime<Utc>) {
        let reason = self.policy(user).reason.map_or("enabled", PauseReason::as_str);
        let subject = history::Subject::Policy {
            user: Some(user.to_owned()),
        };
        let word = Some(history::State::Word(reason));
        self.history.add(
            (Service::Platform, now),
            history::Actor::Admin,
            subject,
            None,
            word,
        );
    }

    /// An answer remembered under this key, unless it is too old.
    pub fn recall(&self, user: &str, key: &str, now: DateTime<Utc>) -> Option<&Remembered> {
        let found = self.remembered.get(&(user.to_owned(), key.to_owned()))?;
        (now - found.at < KEY_MEMORY).then_some(found)
    }
}

/// Who changes something: the name that answers show, and the hand for the history.
#[derive(Debug, Clone)]
pub(super) struct By {
    pub actor: Actor,
    pub hand: history::Actor,
}

impl By {
    /// An admin.
    pub fn admin(name: &str) -> Self {
        let name = name.to_owned();
        Self {
            actor: Actor {
                kind: ActorKind::Admin,
                name,
            },
            hand: history::Actor::Admin,
        }
    }
}

impl Record {
    /// For the history.
    pub(super) fn state(&self) -> history::State {
        let appointment = &self.appointment;
        history::State::Appointment(Arc::new(history::AppointmentState {
            version: appointment.version,
            status: match appointment.status {
                AppointmentStatus::Scheduled => "scheduled",
                AppointmentStatus::Tentative => "tentative",
                AppointmentStatus::Cancelled => "cancelled",
            },
            deleted: self.deleted,
            assignee: self.assignee.clone(),
            start: appointment.start.to_utc(),
            end: appointment.end.map(|end| end.to_utc()),
            zone: appointment.time_zone.clone(),
            title: appointment.title.clone(),
            notes: appointment.notes.clone(),
            locked: self.locked,
            time_editable: appointment.editable.contains(&EditableField::Time),
            private: appointment.private,
        }))
    }
}

/// `instant` as the clocks of `zone` show it.
pub(super) fn in_zone(instant: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    instant.with_timezone(&zone).fixed_offset()
}
