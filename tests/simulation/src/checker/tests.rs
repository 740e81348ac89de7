//! A small agreed world, and one planted violation after the other: each must be found, and the world itself is in order.

use super::check;
use crate::ended::{Ended, EndedLaptop, Violation, WireRecord};
use crate::witness::Witnessed;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use roundtrip_core::appointment::{Appointment, AppointmentKind, AppointmentStatus as Status, Editable};
use roundtrip_core::badge::Badge;
use roundtrip_core::event::Event;
use roundtrip_core::event_id::Identity;
use roundtrip_core::filter;
use roundtrip_core::ids::{
    AppointmentId, CalendarId, ConflictId, DeviceId, Etag, EventId, IdempotencyKey, OutboxId, RunId,
    TrainerId,
};
use roundtrip_core::outbox::{DeleteReason, Intent, OutboxRow, OutboxState, Side};
use roundtrip_core::reconcile::Standing;
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::settings::{Language, SyncSettings, TextSettings};
use roundtrip_core::text::render;
use roundtrip_core::time::{EventTime, TimeSpan};
use roundtrip_engine::AppointmentStatus;
use roundtrip_engine::ledger::{HistoryItem, HistoryResult, HistorySource, HistoryWhat, SyncState};
use roundtrip_sandbox::faults::Service;
use roundtrip_sandbox::history::{
    Actor, AppRequest, AppointmentState, Change, EventLife, EventState, State, Subject,
};
use roundtrip_sandbox::log::LoggedRequest;
use roundtrip_sandbox::platform::NewAppointment;
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_sandbox::{Config, Sandbox};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

mod asked;
mod excused;
mod plants;
mod promised;

const USER: &str = "usr_7";
const ACCOUNT: &str = "mara.vogt@gmail.example";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
}

fn identity() -> Identity {
    Identity {
        platform: "https://platform.example".into(),
        trainer: TrainerId::new(USER),
        account: "1057".into(),
        account_email: ACCOUNT.into(),
        calendar: CalendarId::new("primary"),
        former: Vec::new(),
    }
}

/// One laptop, appointments in agreement, and the hands to spoil it.
struct World {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    laptop: Laptop,
    requests: Vec<WireRecord>,
    witnessed: Witnessed,
    folder: tempfile::TempDir,
    quiet_from: u64,
}

/// What is changed about the laptop before it is looked at.
#[derive(Default)]
struct Laptop {
    state: SyncState,
    settings: SyncSettings,
    records: Vec<Record>,
    statuses: Vec<AppointmentStatus>,
    history: Vec<HistoryItem>,
    outbox: Vec<OutboxRow>,
    questions: Vec<roundtrip_core::question::Question>,
    disconnected: bool,
}

fn app() -> Actor {
    Actor::App(AppRequest {
        request: 1,
        request_id: Some("run-1".into()),
        send_updates: Some("none".into()),
        ..AppRequest::default()
    })
}

/// Hours on 1 December.
fn event_at(hour: i64) -> EventState {
    let start = at("2026-12-01T00:00:00Z") + TimeDelta::hours(hour);
    EventState {
        life: EventLife::Live,
        tentative: false,
        start,
        end: start + TimeDelta::minutes(90),
        all_day: false,
        series: false,
        title: Some("Linden-Apotheke".into()),
        location: None,
        description: Some("my own words".into()),
        etag: format!("\"{hour}\""),
        updated: start,
        mark: BTreeMap::from([("rt_version".to_owned(), "1".to_owned())]),
        attendees: 0,
    }
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(at("2026-11-21T08:00:00Z")));
        let config = Config {
            appointments: 0,
            sample_events: false,
            ..Config::default()
        };
        let sandbox = Sandbox::new(&config, clock.clone());
        sandbox.platform.sign_in_directly(USER);
        let mut world = Self {
            sandbox,
            clock,
            laptop: Laptop::default(),
            requests: Vec::new(),
            witnessed: Witnessed::default(),
            folder: tempfile::tempdir().expect("a folder"),
            quiet_from: 0,
        };
        world.laptop.state.started = true;
        world.laptop.state.connected_at = Some(at("2026-11-21T08:00:00Z"));
        world
    }

    /// The laptop hears the answer to each of its requests.
    fn hears(&mut self) {
        self.requests
            .extend([true, false].map(|google| first_request(google, Some(200))));
    }

    /// An appointment at this hour of 1 December with its event, known to the laptop.
    fn agreed(&mut self, hour: i64) -> String {
        let id = self.planned(hour);
        self.wrote(&id, 1, None, Some(event_at(hour)));
        let item = HistoryWhat::Added { time: span(hour) };
        self.told(&id, item);
        self.know(&id);
        id
    }

    fn planned(&mut self, hour: i64) -> String {
        let start = at("2026-12-01T00:00:00Z") + TimeDelta::hours(hour);
        let new = NewAppointment::new(USER, "Linden-Apotheke", start, 90, Berlin);
        self.sandbox.platform.create_appointment(new).id
    }

    fn event_id(&self, appointment: &str, generation: u32) -> String {
        identity()
            .event_id(&AppointmentId::new(appointment), generation)
            .0
    }

    fn put(&self, actor: Actor, event: String, before: Option<EventState>, after: Option<EventState>) {
        self.clock.advance(TimeDelta::seconds(1));
        let state = |event: EventState| State::Event(Arc::new(event));
        let subject = Subject::Event {
            calendar: ACCOUNT.into(),
            id: event,
        };
        let when = (Service::Google, self.sandbox.shared.now());
        self.sandbox
            .shared
            .history()
            .add(when, actor, subject, before.map(state), after.map(state));
    }

    /// The app writes an event.
    fn wrote(&self, appointment: &str, nth: u32, before: Option<EventState>, after: Option<EventState>) {
        self.put(app(), self.event_id(appointment, nth), before, after);
    }

    /// The trainer does something to an event.
    fn hand(&self, appointment: &str, nth: u32, before: Option<EventState>, after: Option<EventState>) {
        self.put(Actor::Trainer, self.event_id(appointment, nth), before, after);
    }

    /// The app reports a move to this hour, and the admins are told so often.
    fn reported(&self, appointment: &str, hour: i64, notifications: usize) {
        self.reported_by(app(), appointment, hour, notifications);
    }

    fn reported_by(&self, actor: Actor, appointment: &str, hour: i64, notifications: usize) {
        let last: Vec<Change> = self.sandbox.platform.history();
        let before = last
            .iter()
            .rev()
            .filter(|change| matches!(&change.subject, Subject::Appointment { id } if id == appointment))
            .find_map(Change::appointment_after)
            .expect("planned")
            .clone();
        let start = at("2026-12-01T00:00:00Z") + TimeDelta::hours(hour);
        let to = (start, start + TimeDelta::minutes(90));
        let after = AppointmentState {
            version: before.version + 1,
            start: to.0,
            end: Some(to.1),
            ..before.clone()
        };
        let history = self.sandbox.shared.history();
        let when = (Service::Platform, self.sandbox.shared.now());
        let subject = Subject::Appointment {
            id: appointment.into(),
        };
        let state = |state| Some(State::Appointment(Arc::new(state)));
        history.add(when, actor.clone(), subject, state(before), state(after));
        for number in 0..notifications {
            let subject = Subject::Notification {
                id: format!("ntf_{number}"),
                appointment: appointment.into(),
            };
            let told = roundtrip_sandbox::history::NotificationState {
                kind: "moved",
                from: None,
                to,
            };
            history.add(
                when,
                actor.clone(),
                subject,
                None,
                Some(State::Notification(Arc::new(told))),
            );
        }
    }

    fn told(&mut self, appointment: &str, what: HistoryWhat) {
        let item = HistoryItem {
            id: format!("{}", self.laptop.history.len()),
            run_id: None,
            at: self.sandbox.shared.now(),
            appointment_id: Some(AppointmentId::new(appointment)),
            title: None,
            what,
            source: HistorySource::Roundtrip,
            result: HistoryResult::Ok,
            problem: None,
            request_id: None,
            took: None,
        };
        self.laptop.history.push(item);
    }

    /// The laptop's record says what the services' histories say now.
    fn know(&mut self, appointment: &str) {
        let changes = self.sandbox.shared.history().all();
        let said = changes
            .iter()
            .rev()
            .filter(|change| matches!(&change.subject, Subject::Appointment { id } if id == appointment))
            .find_map(Change::appointment_after)
            .expect("planned");
        let mut record = Record::new(AppointmentId::new(appointment));
        let known = Appointment {
            id: AppointmentId::new(appointment),
            version: said.version,
            status: Status::Scheduled,
            kind: AppointmentKind {
                id: "pharmacy_visit".into(),
                name: "Pharmacy visit".into(),
            },
            title: said.title.clone(),
            topic: None,
            place: None,
            start: said.start,
            end: said.end,
            zone: Berlin,
            notes: None,
            client: None,
            private: false,
            editable: Editable::default(),
            url: String::new(),
            created_at: said.start,
            updated_at: said.start,
            updated_by: None,
        };
        let rendered = render(&known, &TextSettings::default(), Language::En, false);
        let checks = filter::checks(&known, &SyncSettings::default().filters, known.created_at);
        record.appointment = Some(known);
        let id = self.event_id(appointment, 1);
        let live = changes
            .iter()
            .rev()
            .filter(|change| matches!(&change.subject, Subject::Event { id: event, .. } if *event == id))
            .find_map(Change::event_after);
        if let Some(event) = live.filter(|event| event.is_live()) {
            record.link = LinkState::Linked;
            record.generation = 1;
            record.event_id = Some(EventId(id.clone()));
            record.event = Some(Event {
                id: EventId(id),
                etag: Etag(event.etag.clone()),
                updated: None,
                time: EventTime::Timed(TimeSpan::new(event.start, Some(event.end), Berlin)),
                title: String::new(),
                location: String::new(),
                description: String::new(),
                recurring: false,
                free: false,
                declined: false,
                organised_by_me: true,
                mark: None,
                html_link: None,
            });
        }
        let same = |other: &AppointmentId| other.as_str() == appointment;
        self.laptop.records.retain(|known| !same(&known.appointment_id));
        self.laptop
            .statuses
            .retain(|status| !same(&status.record.appointment_id));
        self.laptop.statuses.push(AppointmentStatus {
            record: record.clone(),
            standing: Standing::InSync,
            badge: Badge::Synced,
            reason: None,
            due_at: None,
            checks,
            rendered,
        });
        self.laptop.records.push(record);
    }

    fn found(&self) -> Vec<Violation> {
        let before = BTreeMap::new();
        let laptop = EndedLaptop {
            device: DeviceId("laptop-1".into()),
            identity: identity(),
            folder: PathBuf::from(self.folder.path()),
            database_was_lost: false,
            writes: true,
            disconnected: self.laptop.disconnected,
            settings: self.laptop.settings.clone(),
            state: self.laptop.state.clone(),
            records: self.laptop.records.clone(),
            statuses: self.laptop.statuses.clone(),
            outbox: self.laptop.outbox.clone(),
            conflicts: Vec::new(),
            answered: Vec::new(),
            questions: self.laptop.questions.clone(),
            history: self.laptop.history.clone(),
            runs: Vec::new(),
        };
        check(&Ended {
            seed: 1,
            sandbox: &self.sandbox,
            user: USER,
            account: ACCOUNT,
            before: &before,
            faults_until: 0,
            quiet_from: self.quiet_from,
            quiet_audit: 0,
            quiet_writes: 0,
            laptops: vec![laptop],
            requests: &self.requests,
            witnessed: self.witnessed.clone(),
        })
    }

    /// The names of what is found.
    #[track_caller]
    fn finds(&self, wanted: &str) {
        let found = self.found();
        assert!(
            found.iter().any(|violation| violation.invariant == wanted),
            "{wanted} was planted, found: {found:#?}"
        );
    }

    #[track_caller]
    fn is_in_order(&self) {
        let found: Vec<String> = self.found().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

fn span(hour: i64) -> TimeSpan {
    let event = event_at(hour);
    TimeSpan::new(event.start, Some(event.end), Berlin)
}

fn deleted(event: EventState) -> EventState {
    EventState {
        life: EventLife::Deleted,
        ..event
    }
}

/// The first request of a run to one of the services.
fn first_request(google: bool, status: Option<u16>) -> WireRecord {
    WireRecord {
        laptop: 0,
        era: 1,
        at: at("2026-11-21T08:00:00Z"),
        google,
        method: String::new(),
        path: String::new(),
        request_id: Some("run-1".into()),
        idempotency_key: None,
        faults: Vec::new(),
        status,
        retry_after: None,
        told_ahead: TimeDelta::zero(),
    }
}

/// A row of the outbox that was sent and not answered.
fn unanswered_deletion(appointment: &str, event: String) -> OutboxRow {
    OutboxRow {
        id: OutboxId("1".into()),
        appointment_id: AppointmentId::new(appointment),
        side: Side::Calendar,
        intent: Intent::Delete {
            event_id: EventId(event),
            generation: 1,
            expected: None,
            reason: DeleteReason::Cancelled,
        },
        key: IdempotencyKey("1".into()),
        state: OutboxState::Sent,
        attempts: 1,
        due_at: at("2026-11-21T08:00:00Z"),
        created_at: at("2026-11-21T08:00:00Z"),
        last_problem: None,
        noticed: None,
        left_at: None,
    }
}
