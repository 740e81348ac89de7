//! What a story begins with, and what the two services make of a write.

use chrono::{DateTime, Duration, Utc};
use roundtrip_core::appointment::{
    Actor, Appointment, AppointmentKind, AppointmentStatus, Client, Editable, Place,
};
use roundtrip_core::conflict::{Conflict, ConflictState};
use roundtrip_core::event::{Event, EventBody, PatchMask};
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::{AppointmentId, CalendarId, ConflictId, Etag, EventId, TrainerId};
use roundtrip_core::outbox::Intent;
use roundtrip_core::reconcile::{ConflictDraft, Context};
use roundtrip_core::record::Record;
use roundtrip_core::resolve;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::time::EventTime;

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own time")
}

/// "Linden-Apotheke", Tuesday 1 December 2026, 9:00 to 10:30 in Berlin.
pub fn appointment() -> Appointment {
    Appointment {
        id: AppointmentId::new("apt_41"),
        version: 7,
        status: AppointmentStatus::Scheduled,
        kind: AppointmentKind {
            id: "pharmacy_visit".into(),
            name: "Pharmacy visit".into(),
        },
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
        editable: Editable {
            time: true,
            notes: false,
        },
        url: "https://platform.example/appointments/apt_41".into(),
        created_at: at("2026-11-02T12:00:00Z"),
        updated_at: at("2026-11-20T09:12:44Z"),
        updated_by: Some(Actor {
            kind: "admin".into(),
            name: Some("Jana Roth".into()),
        }),
    }
}

pub fn identity() -> Identity {
    Identity {
        platform: "https://platform.example".into(),
        trainer: TrainerId::new("usr_7"),
        account: "1057".into(),
        account_email: "mara@gmail.example".into(),
        calendar: CalendarId::new("primary"),
        former: Vec::new(),
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
        one_writes: false,
        awake_since: None,
        platform_asked_at: None,
        calendar_ahead: Duration::zero(),
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
        organised_by_me: true,
        mark: Some(body.mark.clone()),
        html_link: None,
    }
}

/// The same event after a patch, as a calendar stores it.
pub fn patched(event: &Event, body: &EventBody, mask: PatchMask, now: DateTime<Utc>) -> Event {
    let mut after = touched(event, now);
    if mask.time {
        after.time = EventTime::Timed(body.time);
    }
    if mask.title {
        after.title = body.title.clone();
    }
    if mask.location {
        after.location = body.location.clone();
    }
    if mask.description {
        after.description = body.description.clone();
    }
    after.mark = Some(body.mark.clone());
    after
}

/// The same event with the next etag.
pub fn touched(event: &Event, now: DateTime<Utc>) -> Event {
    let number: u64 = event
        .etag
        .as_str()
        .trim_matches('"')
        .parse()
        .expect("a test's own etag");
    Event {
        etag: Etag::new(format!("\"{}\"", number + 1)),
        updated: Some(now),
        ..event.clone()
    }
}

/// The appointment after the platform took a move or notes.
pub fn taken(appointment: &Appointment, intent: &Intent, now: DateTime<Utc>) -> Appointment {
    let mut after = Appointment {
        version: appointment.version + 1,
        updated_at: now,
        ..appointment.clone()
    };
    match intent {
        Intent::Move { time, .. } => (after.start, after.end) = (time.start, Some(time.end)),
        Intent::Notes { notes, .. } => after.notes = Some(notes.clone()),
        Intent::Insert { .. } | Intent::Patch { .. } | Intent::Delete { .. } | Intent::Create { .. } => {
            panic!("not for the platform")
        }
    }
    after
}

/// A conflict as it is stored when it is raised.
pub fn raised(record: &Record, draft: &ConflictDraft, now: DateTime<Utc>) -> Conflict {
    Conflict {
        id: ConflictId::new("con_1"),
        appointment_id: record.appointment_id.clone(),
        kind: draft.kind,
        cause: draft.cause.clone(),
        fields: draft.fields.clone(),
        seen: resolve::seen(record),
        platform_changed_at: record
            .appointment
            .as_ref()
            .map(|appointment| appointment.updated_at),
        platform_changed_by: None,
        calendar_changed_at: record.calendar_moved_at.or(record.calendar_edited_at),
        raised_at: now,
        state: ConflictState::Open,
    }
}
