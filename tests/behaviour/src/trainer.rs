//! What the trainer does in the calendar.

use crate::{Person, at};
use chrono::{DateTime, SecondsFormat, Utc};
use roundtrip_sandbox::google::Google;
use serde_json::{Value, json};

/// The trainer in their main calendar.
pub struct Trainer {
    google: Google,
    person: Person,
}

impl Trainer {
    pub(crate) fn new(google: Google, person: Person) -> Self {
        Self { google, person }
    }

    /// The calendar service itself, for everything that has no shorter word here.
    pub fn google(&self) -> &Google {
        &self.google
    }

    /// The trainer's address, which is also the id of the main calendar.
    pub fn address(&self) -> &'static str {
        self.person.google
    }

    /// Everything in the main calendar, tombstones too.
    ///
    /// # Panics
    /// If the calendar is gone.
    pub fn everything(&self) -> Vec<Value> {
        self.google
            .list_all(self.person.google, "primary")
            .expect("the trainer's own calendar")
    }

    /// The live events that carry our mark, copies too.
    pub fn marked(&self) -> Vec<Value> {
        self.everything()
            .into_iter()
            .filter(|event| is_live(event) && appointment_of(event).is_some())
            .collect()
    }

    /// The live marked events of one appointment.
    pub fn events(&self, appointment: &str) -> Vec<Value> {
        self.marked()
            .into_iter()
            .filter(|event| appointment_of(event) == Some(appointment))
            .collect()
    }

    /// True if the appointment has a live event.
    pub fn has(&self, appointment: &str) -> bool {
        !self.events(appointment).is_empty()
    }

    /// The one event of an appointment.
    ///
    /// # Panics
    /// If there is none, or more than one.
    pub fn event(&self, appointment: &str) -> Value {
        let mut found = self.events(appointment);
        assert_eq!(found.len(), 1, "events of {appointment}: {found:#?}");
        found.remove(0)
    }

    /// The id of the one event of an appointment.
    pub fn event_id(&self, appointment: &str) -> String {
        text(&self.event(appointment), "id").to_owned()
    }

    /// Title of the one event of an appointment.
    pub fn title(&self, appointment: &str) -> String {
        text(&self.event(appointment), "summary").to_owned()
    }

    /// Description of the one event of an appointment.
    pub fn description(&self, appointment: &str) -> String {
        text(&self.event(appointment), "description").to_owned()
    }

    /// When the one event of an appointment starts.
    pub fn start(&self, appointment: &str) -> DateTime<Utc> {
        start_of(&self.event(appointment))
    }

    /// When the one event of an appointment ends.
    pub fn end(&self, appointment: &str) -> DateTime<Utc> {
        end_of(&self.event(appointment))
    }

    /// Edits the one event of an appointment.
    ///
    /// # Panics
    /// If the service refuses it.
    pub fn edit(&self, appointment: &str, patch: &Value) -> Value {
        let id = self.event_id(appointment);
        self.google
            .patch_event(self.person.google, "primary", &id, patch)
            .expect("the trainer may edit")
    }

    /// Drags the event of an appointment to another time, keeping its length.
    pub fn drag(&self, appointment: &str, start: &str) {
        let event = self.event(appointment);
        let start = at(start);
        let end = start + (end_of(&event) - start_of(&event));
        let zone = event["start"]["timeZone"].clone();
        let side = |at: DateTime<Utc>| json!({"dateTime": at.to_rfc3339_opts(SecondsFormat::Secs, true), "timeZone": zone});
        self.edit(appointment, &json!({"start": side(start), "end": side(end)}));
    }

    /// Pulls the lower edge of the event to another time.
    pub fn drag_end(&self, appointment: &str, end: &str) {
        let end = at(end).to_rfc3339_opts(SecondsFormat::Secs, true);
        self.edit(appointment, &json!({"end": {"dateTime": end}}));
    }

    /// Writes another title.
    pub fn rename(&self, appointment: &str, title: &str) {
        self.edit(appointment, &json!({"summary": title}));
    }

    /// Deletes the event of an appointment.
    ///
    /// # Panics
    /// If the service refuses it.
    pub fn delete(&self, appointment: &str) -> String {
        let id = self.event_id(appointment);
        self.google
            .delete_event(self.person.google, "primary", &id)
            .expect("the trainer may delete");
        id
    }

    /// Takes an event out of the bin.
    ///
    /// # Panics
    /// If the service refuses it.
    pub fn restore(&self, event: &str) {
        self.google
            .restore_event(self.person.google, "primary", event)
            .expect("the trainer may restore");
    }
}

/// The appointment an event is marked for.
pub(crate) fn appointment_of(event: &Value) -> Option<&str> {
    event["extendedProperties"]["private"]["rt_appointment"].as_str()
}

pub(crate) fn is_live(event: &Value) -> bool {
    event["status"].as_str() != Some("cancelled")
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_default()
}

fn instant(event: &Value, side: &str) -> DateTime<Utc> {
    let told = event[side]["dateTime"]
        .as_str()
        .expect("an event with hours and minutes");
    DateTime::parse_from_rfc3339(told).expect("an instant").to_utc()
}

/// When an event starts.
///
/// # Panics
/// If it is all-day.
pub fn start_of(event: &Value) -> DateTime<Utc> {
    instant(event, "start")
}

/// When an event ends.
///
/// # Panics
/// If it is all-day.
pub fn end_of(event: &Value) -> DateTime<Utc> {
    instant(event, "end")
}
