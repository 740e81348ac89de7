//! Builders for tests: one appointment, its event, and a linked record in agreement.

use crate::appointment::{Actor, Appointment, AppointmentKind, AppointmentStatus, Client, Editable, Place};
use crate::event::{Event, EventBody};
use crate::event_id::Identity;
use crate::ids::{AppointmentId, CalendarId, Etag, EventId, TrainerId};
use crate::reconcile::Context;
use crate::record::{LinkState, Record};
use crate::settings::SyncSettings;
use crate::time::EventTime;
use chrono::{DateTime, Utc};

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own time")
}

/// "Linden-Apotheke", Tuesday 1 December 2026, 9:00 to 10:30 in Berlin.
pub fn appointment() -> Appointment {
    Appointment {
        id: AppointmentId::new("apt_41"),
        version: 7,
        status: AppointmentStatus::Scheduled,
        kind: AppointmentKind { id: "pharmacy_visit".into(), name: "Pharmacy visit".into() },
        title: Some("Visit Linden".into()),
        topic: Some("Vaccination refresher".into()),
        place: Some(Place {
            name: Some("Linden-Apotheke".into()),
            address: Some("Lindenstr. 5, 10969 Berlin".into()),
        }),
        start: at("2026-12-01T08:00:00Z"),
        end: Some(at("2026-12-01T09:30:00Z")),
        zone: chrono_tz::Europe::Berlin,
        notes: Some("Bring the handouts.".into()),
        client: Some(Client {
            id: "cli_3".into(),
            name: Some("Ada Klein".into()),
            email: Some("ada@example.org".into()),
            phone: Some("+49 30 1234567".into()),
        }),
        private: false,
        editable: Editable { time: true, notes: false },
        url: "https://platform.example/appointments/apt_41".into(),
        created_at: at("2026-11-02T12:00:00Z"),
        updated_at: at("2026-11-20T09:12:44Z"),
        updated_by: Some(Actor { kind: "admin".into(), name: Some("Jana Roth".into()) }),
    }
}

pub fn identity() -> Identity {
    Identity {
        platform: "https://platform.example".into(),
        trainer: TrainerId::new("usr_7"),
        account: "1057".into(),
        account_email: "mara@gmail.example".into(),
        calendar: CalendarId::new("primary"),
    }
}

pub fn context(now: &str) -> Context {
    Context {
        now: at(now),
        settings: SyncSettings::default(),
        identity: identity(),
        connected_at: at("2026-11-01T00:00:00Z"),
        platform_name: "Linden Akademie".into(),
        client_names_allowed: true,
        other_writer_at: None,
    }
}

pub fn event_saying(description: &str) -> Event {
    let span = appointment().span();
    Event {
        id: EventId::new("e"),
        etag: Etag::new("\"1\""),
        updated: None,
        time: EventTime::Timed(span),
        title: "Linden-Apotheke".into(),
        location: String::new(),
        description: description.into(),
        recurring: false,
        free: false,
        declined: false,
        mark: None,
        html_link: None,
    }
}

/// What a calendar stores for a body.
pub fn stored(id: &EventId, body: &EventBody, etag: &str, updated: DateTime<Utc>) -> Event {
    Event {
        id: id.clone(),
        etag: Etag::new(etag),
        updated: Some(updated),
        time: EventTime::Timed(body.time),
        title: body.title.clone(),
        location: body.location.clone(),
        description: body.description.clone(),
        recurring: false,
        free: false,
        declined: false,
        mark: Some(body.mark.clone()),
        html_link: None,
    }
}

/// A record whose two sides agree.
pub fn linked(ctx: &Context) -> Record {
    let appointment = appointment();
    let mut record = Record::new(appointment.id.clone());
    record.appointment = Some(appointment);
    record.generation = 1;
    let id = ctx.identity.event_id(&record.appointment_id, 1);
    record.event_id = Some(id.clone());
    let body = crate::reconcile::body(&record, ctx, 1).expect("the record has an appointment");
    crate::absorb::written(&mut record, stored(&id, &body, "\"1\"", ctx.now), &body, crate::event::PatchMask::ALL, ctx);
    assert_eq!(record.link, LinkState::Linked);
    record
}
