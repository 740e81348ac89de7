//! Every change of an appointment. The API, the admin page and the control API all come through here, so that
//! versions, feed and hints always agree.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::faults::Service;
use crate::history::{self, NotificationState, Subject};

use super::problem::Problem;
use super::state::{By, Notification, NotificationKind, Record, State, in_zone};
use super::types::{
    Appointment, AppointmentStatus, AppointmentType, Client, EditableField, FeedItem, Location,
    RemovalReason, Slot, Source,
};

/// A new appointment as an admin plans it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAppointment {
    /// Whose it is to be.
    pub assignee: Option<String>,
    /// Kind.
    pub kind: AppointmentType,
    /// Status.
    pub status: AppointmentStatus,
    /// Title.
    pub title: Option<String>,
    /// Topic.
    pub topic: Option<String>,
    /// Place.
    pub location: Option<Location>,
    /// Start.
    pub start: DateTime<Utc>,
    /// End.
    pub end: Option<DateTime<Utc>>,
    /// Zone.
    pub time_zone: Tz,
    /// Notes.
    pub notes: Option<String>,
    /// For whom.
    pub client: Option<Client>,
    /// Nobody else's business.
    pub private: bool,
    /// What the trainer may change.
    pub editable: Vec<EditableField>,
    /// Its time is fixed.
    pub locked: bool,
}

impl NewAppointment {
    /// A plain pharmacy visit that its trainer may move.
    pub fn new(assignee: &str, title: &str, start: DateTime<Utc>, minutes: i64, time_zone: Tz) -> Self {
        Self {
            assignee: Some(assignee.to_owned()),
            kind: AppointmentType {
                id: "pharmacy_visit".to_owned(),
                name: "Pharmacy visit".to_owned(),
            },
            status: AppointmentStatus::Scheduled,
            title: Some(title.to_owned()),
            topic: None,
            location: None,
            start,
            end: Some(start + TimeDelta::minutes(minutes)),
            time_zone,
            notes: None,
            client: None,
            private: false,
            editable: vec![EditableField::Time],
            locked: false,
        }
    }
}

/// What an admin changes besides the time; fields that are `None` stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminEdit {
    /// Title.
    #[serde(
        deserialize_with = "super::types::given",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<Option<String>>,
    /// Topic.
    #[serde(
        deserialize_with = "super::types::given",
        skip_serializing_if = "Option::is_none"
    )]
    pub topic: Option<Option<String>>,
    /// Notes.
    #[serde(
        deserialize_with = "super::types::given",
        skip_serializing_if = "Option::is_none"
    )]
    pub notes: Option<Option<String>>,
    /// Place.
    #[serde(
        deserialize_with = "super::types::given",
        skip_serializing_if = "Option::is_none"
    )]
    pub location: Option<Option<Location>>,
    /// For whom.
    #[serde(
        deserialize_with = "super::types::given",
        skip_serializing_if = "Option::is_none"
    )]
    pub client: Option<Option<Client>>,
    /// Kind.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<AppointmentType>,
    /// `scheduled` or `tentative` (cancelling is an action of its own).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<AppointmentStatus>,
    /// Nobody else's business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// What the trainer may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editable: Option<Vec<EditableField>>,
    /// Its time is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
}

/// The number in an appointment's id.
pub(super) fn number_of(id: &str) -> Option<u64> {
    id.strip_prefix("apt_")?.parse().ok()
}

/// When an appointment is taken to end: without an end it lasts an hour.
pub(super) fn end_of(appointment: &Appointment) -> DateTime<FixedOffset> {
    appointment.end.unwrap_or(appointment.start + TimeDelta::hours(1))
}

/// The time an appointment takes.
pub(super) fn slot_of(appointment: &Appointment) -> Slot {
    Slot {
        id: appointment.id.clone(),
        start: appointment.start,
        end: end_of(appointment),
    }
}

impl State {
    /// An appointment that has not been deleted.
    pub fn record(&self, id: &str) -> Option<&Record> {
        self.records
            .get(&number_of(id)?)
            .filter(|record| !record.deleted && record.appointment.id == id)
    }

    /// An appointment of `user`, or why it is none.
    pub fn assigned(&self, user: &str, id: &str) -> Result<&Record, Problem> {
        let record = self.record(id).ok_or_else(|| Problem::not_found("appointment"))?;
        if record.assignee.as_deref() == Some(user) {
            Ok(record)
        } else {
            Err(Problem::not_assigned())
        }
    }

    /// Adds an appointment.
    pub fn create(&mut self, new: NewAppointment, base_url: &str, by: By, now: DateTime<Utc>) -> Appointment {
        self.last_number += 1;
        self.revision += 1;
        let id = format!("apt_{}", self.last_number);
        let appointment = Appointment {
            url: format!("{base_url}/appointments/{id}"),
            id,
            version: 1,
            status: new.status,
            kind: new.kind,
            title: new.title,
            topic: new.topic,
            location: new.location,
            start: in_zone(new.start, new.time_zone),
            end: new.end.map(|end| in_zone(end, new.time_zone)),
            time_zone: new.time_zone.name().to_owned(),
            notes: new.notes,
            client: new.client,
            private: new.private,
            editable: new.editable,
            created_at: now,
            updated_at: now,
            updated_by: by.actor,
        };
        let record = Record {
            appointment: appointment.clone(),
            assignee: new.assignee,
            locked: new.locked,
            deleted: false,
            source: None,
        };
        let subject = Subject::Appointment {
            id: appointment.id.clone(),
        };
        let state = Some(record.state());
        self.history
            .add((Service::Platform, now), by.hand, subject, None, state);
        self.records.insert(self.last_number, record);
        self.announce(self.last_number, now);
        appointment
    }

    /// Changes an appointment: its version grows, and its trainer's feed and streams hear of it.
    pub fn change(
        &mut self,
        id: &str,
        by: By,
        now: DateTime<Utc>,
        edit: impl FnOnce(&mut Record),
    ) -> Result<Appointment, Problem> {
        self.record(id).ok_or_else(|| Problem::not_found("appointment"))?;
        let number = number_of(id).ok_or_else(|| Problem::not_found("appointment"))?;
        let record = self
            .records
            .get_mut(&number)
            .ok_or_else(|| Problem::not_found("appointment"))?;
        let before = Some(record.state());
        edit(record);
        record.appointment.version += 1;
        record.appointment.updated_at = now;
        record.appointment.updated_by = by.actor;
        let subject = Subject::Appointment { id: id.to_owned() };
        let state = Some(record.state());
        self.history
            .add((Service::Platform, now), by.hand, subject, before, state);
        let appointment = record.appointment.clone();
        self.revision += 1;
        self.announce(number, now);
        Ok(appointment)
    }

    /// Gives an appointment to somebody else, or to nobody.
    pub fn reassign(
        &mut self,
        id: &str,
        assignee: Option<String>,
        by: By,
        now: DateTime<Utc>,
    ) -> Result<Appointment, Problem> {
        let before = self
            .record(id)
            .ok_or_else(|| Problem::not_found("appointment"))?
            .assignee
            .clone();
        let appointment = self.change(id, by, now, |record| record.assignee.clone_from(&assignee))?;
        if let Some(before) = before.filter(|before| Some(before) != assignee.as_ref()) {
            self.announce_removal(&before, &appointment, RemovalReason::Unassigned, now);
        }
        Ok(appointment)
    }

    /// Deletes an appointment for good.
    pub fn delete(&mut self, id: &str, by: By, now: DateTime<Utc>) -> Result<(), Problem> {
        let assignee = self
            .record(id)
            .ok_or_else(|| Problem::not_found("appointment"))?
            .assignee
            .clone();
        let appointment = self.change(id, by, now, |record| {
            record.deleted = true;
            record.assignee = None;
        })?;
        if let Some(assignee) = assignee {
            self.announce_removal(&assignee, &appointment, RemovalReason::Deleted, now);
        }
        Ok(())
    }

    /// Tells an appointment's trainer how it is now.
    fn announce(&mut self, number: u64, now: DateTime<Utc>) {
        let Some(record) = self.records.get(&number) else {
            return;
        };
        let Some(user) = record.assignee.clone() else {
            return;
        };
        let appointment = &record.appointment;
        let item = if appointment.status == AppointmentStatus::Cancelled {
            let (id, version) = (appointment.id.clone(), appointment.version);
            FeedItem::Removed {
                id,
                version,
                reason: RemovalReason::Cancelled,
                at: now,
            }
        } else {
            FeedItem::Upsert {
                appointment: Box::new(appointment.clone()),
            }
        };
        self.feed.push(now, &user, item);
        self.hints.send(now, &user, "appointments", json!({}));
    }

    fn announce_removal(
        &mut self,
        user: &str,
        appointment: &Appointment,
        reason: RemovalReason,
        now: DateTime<Utc>,
    ) {
        let (id, version) = (appointment.id.clone(), appointment.version);
        self.feed.push(
            now,
            user,
            FeedItem::Removed {
                id,
                version,
                reason,
                at: now,
            },
        );
        self.hints.send(now, user, "appointments", json!({}));
    }

    /// The first other appointment of `user` that takes some of that time.
    pub fn overlapping(
        &self,
        user: &str,
        except: Option<&str>,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Option<Slot> {
        let taken = self.records.values().filter(|record| {
            let appointment = &record.appointment;
            record.assignee.as_deref() == Some(user)
                && !record.deleted
                && appointment.status != AppointmentStatus::Cancelled
                && Some(appointment.id.as_str()) != except
        });
        let mut slots = taken.map(|record| slot_of(&record.appointment));
        slots.find(|slot| slot.start < end && slot.end > start)
    }

    /// Tells the admins what a trainer did.
    pub fn notify_admins(
        &mut self,
        kind: NotificationKind,
        user: &str,
        appointment: &Appointment,
        from: Option<Slot>,
        source: Option<Source>,
        (hand, now): (history::Actor, DateTime<Utc>),
    ) {
        self.last_notification += 1;
        self.revision += 1;
        let title = appointment.title.clone().or_else(|| appointment.topic.clone());
        let notification = Notification {
            id: format!("ntf_{}", self.last_notification),
            at: now,
            kind,
            appointment_id: appointment.id.clone(),
            title: title.unwrap_or_else(|| "Appointment without a title".to_owned()),
            trainer_id: user.to_owned(),
            trainer: self
                .people
                .get(user)
                .map(|person| person.name.clone())
                .unwrap_or_default(),
            from,
            to: slot_of(appointment),
            source,
        };
        let time = |slot: &Slot| (slot.start.to_utc(), slot.end.to_utc());
        let state = NotificationState {
            kind: match kind {
                NotificationKind::Moved => "moved",
                NotificationKind::Created => "created",
            },
            from: notification.from.as_ref().map(time),
            to: time(&notification.to),
        };
        let subject = Subject::Notification {
            id: notification.id.clone(),
            appointment: appointment.id.clone(),
        };
        let state = Some(history::State::Notification(Arc::new(state)));
        self.history
            .add((Service::Platform, now), hand, subject, None, state);
        self.notifications.push(notification);
    }
}
