//! Builders for tests: one appointment, its event, and a linked record in agreement.
//!
//! [`Case`] tells a case as a picture: the base, what the platform did, what the calendar did, and in one line what is
//! decided.

use crate::absorb;
use crate::appointment::{
    Actor, Appointment, AppointmentKind, AppointmentStatus, Client, Editable, Place, Removal, RemovalReason,
};
use crate::conflict::{Choice, Conflict, ConflictCause, ConflictState, Refusal, Resolution};
use crate::event::{Event, EventBody, PatchMask};
use crate::event_id::Identity;
use crate::ids::{AppointmentId, CalendarId, ConflictId, Etag, EventId, TrainerId};
use crate::outbox::Intent;
use crate::reconcile::{ConflictDraft, Context, Decision, Remark, Standing, reconcile};
use crate::record::{Field, LinkState, Record};
use crate::resolve::{self, ResolveError};
use crate::settings::SyncSettings;
use crate::time::{EventTime, TimeSpan, resolve_local};
use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Europe::Berlin;

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
        organised_by_me: true,
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
        organised_by_me: true,
        mark: Some(body.mark.clone()),
        html_link: None,
    }
}

/// A record whose two sides agree.
pub fn linked(ctx: &Context) -> Record {
    linked_with(ctx, appointment())
}

/// A record of this appointment whose two sides agree.
pub fn linked_with(ctx: &Context, appointment: Appointment) -> Record {
    let mut record = Record::new(appointment.id.clone());
    record.appointment = Some(appointment);
    let body = crate::reconcile::body(&record, ctx, 1).expect("the record has an appointment");
    let id = ctx.identity.event_id(&record.appointment_id, 1);
    absorb::written(
        &mut record,
        stored(&id, &body, "\"1\"", ctx.now),
        &body,
        PatchMask::ALL,
        ctx,
    );
    record.recent_writes.clear();
    assert_eq!(record.link, LinkState::Linked);
    record
}

/// `"12-01 09:00-10:30"` as people in Berlin say it, in the winter of 2026/27.
pub fn span(text: &str) -> TimeSpan {
    let (day, hours) = text.split_once(' ').expect("a day and hours");
    let (from, to) = hours.split_once('-').expect("a start and an end");
    let year = if day < "07" { 2027 } else { 2026 };
    let local = |hour: &str| {
        let text = format!("{year}-{day} {hour}");
        let local = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M").expect("a test's own time");
        resolve_local(local, Berlin)
    };
    TimeSpan {
        start: local(from),
        end: local(to),
        zone: Berlin,
    }
}

/// The reverse of [`span`].
pub fn say(span: &TimeSpan) -> String {
    let (start, end) = (span.start.with_timezone(&Berlin), span.end.with_timezone(&Berlin));
    assert!(
        (2026..=2027).contains(&start.year()),
        "outside of the winter that span() speaks of"
    );
    format!("{}-{}", start.format("%m-%d %H:%M"), end.format("%H:%M"))
}

/// A whole day of December 2026.
pub fn all_day(day: u32) -> EventTime {
    let start = NaiveDate::from_ymd_opt(2026, 12, day).expect("a test's own day");
    EventTime::AllDay {
        start,
        end: start.succ_opt().expect("a day after it"),
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

/// A decision in one line: writes, question, what policy answered, what is told; else where it stands.
pub fn tell(decision: &Decision) -> String {
    let mut parts: Vec<String> = decision.intents.iter().map(tell_intent).collect();
    if let Some(draft) = &decision.conflict {
        parts.push(format!(
            "ask {:?} {} [{}]",
            draft.kind,
            tell_cause(&draft.cause),
            tell_fields(draft)
        ));
    }
    if let Some((draft, resolution)) = &decision.by_policy {
        parts.push(format!("policy {resolution:?} [{}]", tell_fields(draft)));
    }
    if parts.is_empty() {
        parts.push(format!("{:?}", decision.standing));
    } else {
        let expected = if decision.conflict.is_some() {
            Standing::Conflict
        } else {
            Standing::ToWrite
        };
        assert_eq!(
            decision.standing, expected,
            "what is said of it must be what is decided"
        );
    }
    parts.extend(
        decision
            .due_at
            .map(|due| format!("until {}", due.format("%H:%M:%S"))),
    );
    parts.extend(decision.record.note.map(|note| format!("note {note:?}")));
    parts.extend(decision.remarks.iter().map(|remark| match remark {
        Remark::Overtaken { wanted } => format!("tell Overtaken {}", say(wanted)),
        other => format!("tell {other:?}"),
    }));
    parts.join("; ")
}

fn tell_intent(intent: &Intent) -> String {
    match intent {
        Intent::Insert { generation, .. } => format!("insert g{generation}"),
        Intent::Patch { mask, .. } => {
            let parts = [
                (mask.time, " time"),
                (mask.title, " title"),
                (mask.location, " location"),
                (mask.description, " notes"),
                (mask.looks, " looks"),
            ];
            let named: String = parts
                .iter()
                .filter(|(written, _)| *written)
                .map(|(_, name)| *name)
                .collect();
            format!("patch{named}")
        }
        Intent::Delete {
            reason, generation, ..
        } => format!("delete {reason:?} g{generation}"),
        Intent::Move { time, version, .. } => format!("move {} v{version}", say(time)),
        Intent::Notes { notes, version } => format!("notes {notes:?} v{version}"),
        Intent::Create { event, .. } => format!("create {:?}", event.title),
    }
}

fn tell_cause(cause: &ConflictCause) -> String {
    match cause {
        ConflictCause::Refused(refusal) => format!("Refused({})", refusal.reason),
        other => format!("{other:?}"),
    }
}

fn tell_fields(draft: &ConflictDraft) -> String {
    let names: Vec<String> = draft
        .fields
        .iter()
        .map(|field| format!("{:?}", field.field))
        .collect();
    names.join(" ")
}

/// One case: a record, what happens to it on both sides, and what is decided.
#[derive(Clone)]
pub struct Case {
    /// Settings and time.
    pub ctx: Context,
    /// The appointment, its event and the base.
    pub record: Record,
}

impl Case {
    /// Both sides agree on [`appointment`]. It is Saturday 21 November 2026, 9:00:00 UTC.
    pub fn linked() -> Self {
        Self::linked_as(|_| {})
    }

    /// Both sides agree on an appointment that is a little different.
    pub fn linked_as(change: impl FnOnce(&mut Appointment)) -> Self {
        let ctx = context("2026-11-21T09:00:00Z");
        let mut agreed = appointment();
        change(&mut agreed);
        let record = linked_with(&ctx, agreed);
        Self { ctx, record }
    }

    /// The platform has just said it; there is no event yet.
    pub fn unlinked() -> Self {
        let ctx = context("2026-11-21T09:00:00Z");
        let mut record = Record::new(appointment().id);
        absorb::appointment(&mut record, appointment(), ctx.now);
        Self { ctx, record }
    }

    /// The platform says the next version.
    pub fn platform(mut self, change: impl FnOnce(&mut Appointment)) -> Self {
        let mut said = self.record.appointment.clone().expect("an appointment");
        said.version += 1;
        said.updated_at = self.ctx.now;
        change(&mut said);
        absorb::appointment(&mut self.record, said, self.ctx.now);
        self
    }

    /// The platform moves it.
    pub fn platform_moves(self, to: &str) -> Self {
        let to = span(to);
        self.platform(|a| (a.start, a.end) = (to.start, Some(to.end)))
    }

    /// The platform says that it is no longer the trainer's.
    pub fn platform_removes(mut self, reason: RemovalReason) -> Self {
        let version = self
            .record
            .appointment
            .as_ref()
            .map(|appointment| appointment.version + 1);
        let removal = Removal {
            reason,
            inferred: false,
            at: self.ctx.now,
        };
        absorb::removed(&mut self.record, version, removal);
        self
    }

    /// The trainer edits the event.
    pub fn calendar(mut self, change: impl FnOnce(&mut Event)) -> Self {
        let mut seen = touched(self.record.event.as_ref().expect("a live event"), self.ctx.now);
        change(&mut seen);
        absorb::event(&mut self.record, seen, self.ctx.now);
        self
    }

    /// The trainer moves the event.
    pub fn calendar_moves(self, to: &str) -> Self {
        let to = span(to);
        self.calendar(|e| e.time = EventTime::Timed(to))
    }

    /// The calendar shows a tombstone for the event.
    pub fn calendar_deletes(mut self) -> Self {
        let id = self.record.event_id.clone().expect("an event id");
        absorb::tombstone(&mut self.record, &id, Some(self.ctx.now), self.ctx.now);
        self
    }

    /// The trainer changes a setting.
    pub fn settings(mut self, change: impl FnOnce(&mut SyncSettings)) -> Self {
        change(&mut self.ctx.settings);
        self
    }

    /// Time passes.
    pub fn later(mut self, seconds: i64) -> Self {
        self.ctx.now += Duration::seconds(seconds);
        self
    }

    /// It is so late now.
    pub fn now(mut self, now: &str) -> Self {
        self.ctx.now = at(now);
        self
    }

    /// Something in the record is otherwise.
    pub fn with(mut self, change: impl FnOnce(&mut Record)) -> Self {
        change(&mut self.record);
        self
    }

    /// What is decided.
    pub fn decide(&self) -> Decision {
        reconcile(&self.record, &self.ctx)
    }

    /// This is decided, and the local consequences are kept.
    #[track_caller]
    pub fn expect(mut self, expected: &str) -> Self {
        let decision = self.decide();
        assert_eq!(tell(&decision), expected);
        self.keep(decision);
        self
    }

    fn keep(&mut self, decision: Decision) {
        self.record = decision.record;
        self.record.conflict = decision.conflict.map(|_| ConflictId::new("con_1"));
    }

    /// Both sides take what is decided.
    pub fn carried_out(mut self) -> Self {
        let decision = self.decide();
        let intents = decision.intents.clone();
        self.keep(decision);
        let now = self.ctx.now;
        for intent in &intents {
            match intent {
                Intent::Insert { event_id, body, .. } => {
                    let answer = stored(event_id, body, "\"1\"", now);
                    absorb::written(&mut self.record, answer, body, PatchMask::ALL, &self.ctx);
                }
                Intent::Patch { body, mask, .. } => {
                    let answer = patched(
                        self.record.event.as_ref().expect("a live event"),
                        body,
                        *mask,
                        now,
                    );
                    absorb::written(&mut self.record, answer, body, *mask, &self.ctx);
                }
                Intent::Delete { event_id, .. } => absorb::deleted(&mut self.record, event_id, now),
                Intent::Move { time, .. } => {
                    let answer = taken(
                        self.record.appointment.as_ref().expect("an appointment"),
                        intent,
                        now,
                    );
                    absorb::reported(&mut self.record, answer, absorb::Sent::Time(*time), &self.ctx);
                }
                Intent::Create { .. } => panic!("no decision about an appointment"),
                Intent::Notes { notes, .. } => {
                    let answer = taken(
                        self.record.appointment.as_ref().expect("an appointment"),
                        intent,
                        now,
                    );
                    absorb::reported(&mut self.record, answer, absorb::Sent::Notes(notes), &self.ctx);
                }
            }
        }
        self
    }

    /// The platform says no to the move that is decided.
    pub fn refused(mut self, reason: &str) -> Self {
        let decision = self.decide();
        let refusal = decision.intents.iter().find_map(|intent| match intent {
            Intent::Move { version, time, .. } => Some((Field::Time, Some(*time), None, *version)),
            Intent::Notes { version, notes } => Some((Field::Notes, None, Some(notes.clone()), *version)),
            Intent::Insert { .. } | Intent::Patch { .. } | Intent::Delete { .. } | Intent::Create { .. } => {
                None
            }
        });
        let (field, time, notes, version) = refusal.expect("something that can be refused");
        let at = self.ctx.now;
        self.keep(decision);
        self.record.refusal = Some(Refusal {
            field,
            time,
            notes,
            version,
            reason: reason.into(),
            detail: None,
            at,
        });
        self
    }

    /// The question that is asked now, as it is stored.
    pub fn question(&self) -> Conflict {
        let decision = self.decide();
        let draft = decision
            .conflict
            .or(decision.by_policy.map(|(draft, _)| draft))
            .expect("a question");
        raised(&self.record, &draft, self.ctx.now)
    }

    /// The trainer answers the question that is asked now.
    pub fn answer(&mut self, resolution: &Resolution) -> Result<(), ResolveError> {
        let conflict = self.question();
        let shown = resolve::seen(&self.record);
        resolve::resolve(&mut self.record, &conflict, resolution, &shown, &self.ctx)
    }

    /// The trainer answers, and the answer is taken.
    #[track_caller]
    pub fn answered(mut self, resolution: &Resolution) -> Self {
        self.answer(resolution).expect("an answer that can be taken");
        self
    }
}

/// "Another time" for a question about the time.
pub fn another_time(to: &str) -> Resolution {
    Resolution::Merge {
        choices: vec![(Field::Time, Choice::Time { time: span(to) })],
    }
}
