//! Sample values and a way around the store, for all tests of this crate.
#![allow(dead_code, missing_docs)] // each test binary uses a part of it

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use roundtrip_core::appointment::{
    Actor, Appointment, AppointmentKind, AppointmentStatus, Client, Editable, Place,
};
use roundtrip_core::channel::Channel;
use roundtrip_core::conflict::{Conflict, ConflictCause, ConflictKind, ConflictState, FieldConflict, Seen};
use roundtrip_core::event::Event;
use roundtrip_core::ids::{
    AppointmentId, CalendarId, ChannelId, ConflictId, ConnectionId, Etag, EventId, IdempotencyKey, OutboxId,
    QuestionId, RunId,
};
use roundtrip_core::outbox::{Intent, OutboxRow, OutboxState, Side};
use roundtrip_core::question::{Question, QuestionKind};
use roundtrip_core::record::{Field, LinkState, Record, Value};
use roundtrip_core::time::{EventTime, TimeSpan};
use roundtrip_engine::ledger::{
    Counts, HistoryItem, HistoryResult, HistorySource, HistoryWhat, Run, RunResult, Trigger,
};
use roundtrip_store::{Database, EnvKey, Integration, Key, KeySource, SqliteLedger, TokenSet};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::path::Path;

pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text)
        .expect("a test's own time")
        .to_utc()
}

pub fn now() -> DateTime<Utc> {
    at("2026-11-21T08:00:00Z")
}

pub fn channel(id: &str) -> Channel {
    Channel {
        id: ChannelId::new(id),
        calendar: CalendarId::new("mine"),
        resource: Some("res".into()),
        opened_at: now(),
        expires_at: now() + TimeDelta::days(7),
        heard_at: None,
    }
}

pub fn connection() -> ConnectionId {
    ConnectionId::new("google:105")
}

pub fn fixed_key() -> KeySource {
    KeySource::with_provider(EnvKey::fixed(Key::new([7; 32])))
}

/// Keeps an account and its tokens beside others of the same service, as no sign-in does.
pub async fn keep_beside(database: &Database, account: &Integration, tokens: &TokenSet) {
    let accounts = database.integrations();
    accounts.put(account, now()).await.expect("the account is kept");
    let kept = accounts.put_tokens(account.provider, &account.account_id, tokens, now());
    kept.await.expect("its tokens are kept");
}

pub async fn open(dir: &Path) -> Database {
    Database::open(dir, fixed_key(), now())
        .await
        .expect("database opens")
}

pub async fn ledger(dir: &Path) -> SqliteLedger {
    open(dir).await.ledger(connection())
}

/// A connection past the store, to look at and to spoil what it wrote.
pub async fn raw(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(dir.join("roundtrip.db"))
        .create_if_missing(false)
        .connect()
        .await
        .expect("raw connection")
}

pub fn span() -> TimeSpan {
    TimeSpan::new(
        at("2026-12-01T09:00:00Z"),
        Some(at("2026-12-01T10:30:00.123456789Z")),
        Berlin,
    )
}

pub fn record(id: &str) -> Record {
    let mut record = Record::new(AppointmentId::new(id));
    record.appointment = Some(Appointment {
        id: AppointmentId::new(id),
        version: 3,
        status: AppointmentStatus::Scheduled,
        kind: AppointmentKind {
            id: "visit".into(),
            name: "Besuch".into(),
        },
        title: Some("Löwen-Apotheke 🦁".into()),
        topic: None,
        place: Some(Place {
            name: Some("Löwen-Apotheke".into()),
            address: Some("Hauptstraße 1".into()),
        }),
        start: span().start,
        end: Some(span().end),
        zone: Berlin,
        notes: Some("<b>Klingeln</b>\r\n\u{0}\"'; DROP TABLE outbox; --".into()),
        client: Some(Client {
            id: "c1".into(),
            name: Some("Frau Süß".into()),
            email: None,
            phone: None,
        }),
        private: false,
        editable: Editable {
            time: true,
            notes: false,
        },
        url: "https://platform.example/a/1".into(),
        created_at: now(),
        updated_at: now(),
        updated_by: Some(Actor {
            kind: "admin".into(),
            name: None,
        }),
    });
    record.event_id = Some(EventId::new(format!("ev{id}")));
    record.event = Some(Event {
        id: EventId::new(format!("ev{id}")),
        etag: Etag::new("\"3181161784712000\""),
        updated: Some(now()),
        time: EventTime::Timed(span()),
        title: "Löwen-Apotheke".into(),
        location: "Hauptstraße 1".into(),
        description: "mein Text".into(),
        recurring: false,
        free: false,
        declined: false,
        organised_by_me: false,
        mark: None,
        html_link: None,
    });
    record.link = LinkState::Linked;
    record.generation = 2;
    record
        .base
        .platform
        .set(Field::Time, Some(Value::Time(EventTime::Timed(span()))));
    record
        .base
        .calendar
        .set(Field::Title, Some(Value::Text("Löwen-Apotheke".into())));
    record.recent_writes = vec![now(), now() + TimeDelta::nanoseconds(1)];
    record
}

pub fn row(id: &str, appointment: &str, side: Side, state: OutboxState) -> OutboxRow {
    let intent = match side {
        Side::Platform => Intent::Notes {
            version: 3,
            notes: "neu".into(),
        },
        Side::Calendar => Intent::Patch {
            event_id: EventId::new("ev"),
            expected: Etag::new("\"1\""),
            body: Box::new(body(appointment)),
            mask: roundtrip_core::event::PatchMask::ALL,
        },
    };
    OutboxRow {
        id: OutboxId::new(id),
        appointment_id: AppointmentId::new(appointment),
        side,
        intent,
        key: IdempotencyKey::new(format!("key-{id}")),
        state,
        attempts: 1,
        due_at: now(),
        created_at: now(),
        noticed: None,
        left_at: None,
        last_problem: Some("throttled".into()),
    }
}

fn body(appointment: &str) -> roundtrip_core::event::EventBody {
    roundtrip_core::event::EventBody {
        time: span(),
        title: "Löwen-Apotheke".into(),
        location: String::new(),
        description: "Text".into(),
        tentative: false,
        private: true,
        was_private: false,
        color: None,
        source_url: None,
        source_title: "Plattform".into(),
        mark: roundtrip_core::event::Mark {
            appointment: AppointmentId::new(appointment),
            platform: "p".into(),
            schema: 1,
            generation: 1,
            version: 3,
            time: Some(span()),
            platform_hashes: None,
            written_hashes: None,
            private: false,
            origin: None,
        },
    }
}

pub fn conflict(id: &str, raised_at: DateTime<Utc>, state: ConflictState) -> Conflict {
    Conflict {
        id: ConflictId::new(id),
        appointment_id: AppointmentId::new("a1"),
        kind: ConflictKind::TimeChange,
        cause: ConflictCause::BothChanged,
        fields: vec![FieldConflict {
            field: Field::Time,
            before: None,
            platform: Value::Time(EventTime::Timed(span())),
            calendar: Value::Hash("ab12".into()),
        }],
        seen: Seen {
            version: Some(3),
            etag: Some(Etag::new("\"1\"")),
        },
        platform_changed_at: Some(raised_at),
        platform_changed_by: None,
        calendar_changed_at: None,
        raised_at,
        state,
    }
}

pub fn question(id: &str, asked_at: DateTime<Utc>) -> Question {
    Question {
        id: QuestionId::new(id),
        kind: QuestionKind::Moves,
        appointments: vec![AppointmentId::new("a1"), AppointmentId::new("a2")],
        causes: std::collections::BTreeMap::new(),
        asked_at,
        answer: None,
        answered_at: None,
    }
}

pub fn run(id: &str, started_at: DateTime<Utc>) -> Run {
    Run {
        id: RunId::new(id),
        trigger: Trigger::Timer,
        started_at,
        ended_at: None,
        result: RunResult::Running,
        counts: Counts {
            added: 2,
            ..Counts::default()
        },
        problem: None,
        checks: Vec::new(),
    }
}

pub fn item(id: &str, at: DateTime<Utc>) -> HistoryItem {
    HistoryItem {
        id: id.into(),
        run_id: Some(RunId::new("r1")),
        at,
        appointment_id: Some(AppointmentId::new("a1")),
        title: Some("Löwen-Apotheke".into()),
        what: HistoryWhat::Added { time: span() },
        source: HistorySource::Platform,
        result: HistoryResult::Ok,
        problem: None,
        took: None,
        request_id: None,
    }
}

/// All bytes that lie in the data directory, whatever the file.
pub fn all_bytes(dir: &Path) -> Vec<(String, Vec<u8>)> {
    std::fs::read_dir(dir)
        .expect("data directory")
        .map(|found| {
            let found = found.expect("entry");
            (
                found.file_name().to_string_lossy().into_owned(),
                std::fs::read(found.path()).expect("file"),
            )
        })
        .collect()
}

pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
