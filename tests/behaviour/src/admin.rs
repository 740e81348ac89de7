//! What an admin does on the platform.

use crate::{MARA, Person, at};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_sandbox::platform::{
    AdminEdit, Appointment, Location, NewAppointment, Notification, NotificationKind, Platform, Write,
};

/// The admin of the platform.
pub struct Admin {
    platform: Platform,
    person: Person,
}

impl Admin {
    /// Plans for this person.
    pub(crate) fn new(platform: Platform, person: Person) -> Self {
        Self { platform, person }
    }

    /// The platform itself, for everything that has no shorter word here.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// A visit as it is planned by [`Admin::visit`], to be changed before it is given to [`Admin::plan`]: 90 minutes from
    /// this time in Berlin, with place and notes.
    pub fn draft(&self, name: &str, start: &str) -> NewAppointment {
        let zone = chrono_tz::Europe::Berlin;
        NewAppointment {
            topic: Some("Auffrischung Impfen".to_owned()),
            location: Some(Location {
                name: Some(name.to_owned()),
                address: Some("Lindenstr. 5, 10969 Berlin".to_owned()),
            }),
            notes: Some("Bitte die Handouts mitbringen.".to_owned()),
            ..NewAppointment::new(self.person.user, name, at(start), 90, zone)
        }
    }

    /// Plans an appointment and gives its id.
    pub fn plan(&self, new: NewAppointment) -> String {
        self.platform.create_appointment(new).id
    }

    /// Plans a plain visit and gives its id.
    pub fn visit(&self, name: &str, start: &str) -> String {
        self.plan(self.draft(name, start))
    }

    /// Plans visits on the working days from 1 December 2026, four a day, and gives their ids.
    pub fn visits(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        let mut day = at("2026-12-01 08:00");
        while ids.len() < count {
            for slot in 0..4 {
                if ids.len() < count {
                    let start = day + TimeDelta::hours(3 * slot);
                    let name = format!("Apotheke {}", ids.len() + 1);
                    ids.push(self.plan(NewAppointment {
                        start,
                        end: Some(start + TimeDelta::minutes(90)),
                        ..self.draft(&name, "2026-12-01 08:00")
                    }));
                }
            }
            day += TimeDelta::days(1);
        }
        ids
    }

    /// The appointment as it is now.
    ///
    /// # Panics
    /// If there is none.
    pub fn appointment(&self, id: &str) -> Appointment {
        self.platform
            .appointment(id)
            .expect("an appointment of the test")
            .appointment
    }

    /// When it starts.
    pub fn start(&self, id: &str) -> DateTime<Utc> {
        self.appointment(id).start.to_utc()
    }

    /// When it ends, if said.
    pub fn end(&self, id: &str) -> Option<DateTime<Utc>> {
        self.appointment(id).end.map(|end| end.to_utc())
    }

    /// Moves an appointment, keeping its length.
    ///
    /// # Panics
    /// If the platform refuses it.
    pub fn move_to(&self, id: &str, start: &str) {
        let known = self.appointment(id);
        let start = at(start);
        let end = known.end.map(|end| start + (end - known.start));
        self.platform
            .move_appointment(id, start, end, None)
            .expect("an admin may move");
    }

    /// Edits an appointment.
    ///
    /// # Panics
    /// If the platform refuses it.
    pub fn edit(&self, id: &str, edit: AdminEdit) {
        self.platform
            .edit_appointment(id, edit)
            .expect("an admin may edit");
    }

    /// Gives it another place of this name, which is what the event's title says.
    pub fn rename(&self, id: &str, name: &str) {
        let mut place = self.appointment(id).location;
        if let Some(place) = &mut place {
            place.name = Some(name.to_owned());
        }
        self.edit(
            id,
            AdminEdit {
                location: Some(place),
                ..AdminEdit::default()
            },
        );
    }

    /// Changes the notes.
    pub fn note(&self, id: &str, notes: &str) {
        self.edit(
            id,
            AdminEdit {
                notes: Some(Some(notes.to_owned())),
                ..AdminEdit::default()
            },
        );
    }

    /// Fixes the time, so that moves are refused.
    pub fn lock(&self, id: &str) {
        self.edit(
            id,
            AdminEdit {
                locked: Some(true),
                ..AdminEdit::default()
            },
        );
    }

    /// Calls it off.
    ///
    /// # Panics
    /// If the platform refuses it.
    pub fn cancel(&self, id: &str) {
        self.platform.cancel_appointment(id).expect("an admin may cancel");
    }

    /// Takes the cancellation back.
    ///
    /// # Panics
    /// If the platform refuses it.
    pub fn restore(&self, id: &str) {
        self.platform
            .restore_appointment(id)
            .expect("an admin may take it back");
    }

    /// Gives it to somebody else.
    ///
    /// # Panics
    /// If the platform refuses it.
    pub fn reassign(&self, id: &str, to: Person) {
        self.platform
            .reassign_appointment(id, Some(to.user))
            .expect("an admin may reassign");
    }

    /// Deletes it for good.
    ///
    /// # Panics
    /// If the platform refuses it.
    pub fn delete(&self, id: &str) {
        self.platform.delete_appointment(id).expect("an admin may delete");
    }

    /// What the admins were told about moves of this appointment.
    pub fn told_of(&self, id: &str) -> Vec<Notification> {
        let moved = |told: &Notification| told.kind == NotificationKind::Moved && told.appointment_id == id;
        self.platform.notifications().into_iter().filter(moved).collect()
    }

    /// What took effect through the API.
    pub fn writes(&self) -> Vec<Write> {
        self.platform.writes()
    }
}

impl Default for Person {
    fn default() -> Self {
        MARA
    }
}
