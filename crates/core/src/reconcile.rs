//! The decision for one appointment: field by field, three-way.
//!
//! Rules (architecture, section 5), with b = base, p = platform, c = calendar:
//!
//! | row | case | result |
//! |---|---|---|
//! | R1 | p = c | agreed: base follows |
//! | R2 | p ≠ b, c = b | write p to the calendar |
//! | R3 | p = b, c ≠ b, may be changed there | report c to the platform after the settle time |
//! | R4 | p = b, c ≠ b, may not be changed there | a text stays as the trainer's own wording; a time is asked about |
//! | R5 | p ≠ b, c ≠ b, p ≠ c | conflict on that field; the others go on |
//! | R6 | cancelled, unassigned, deleted | delete the event; held first where it is only inferred ([`pen`]) |
//! | R7 | left out by a filter | delete or keep the event, as chosen; held first where only the rules changed ([`pen`]) |
//! | R8 | event deleted | unlink, never cancel (P4) |
//! | R9 | direction push | calendar edits are put back |
//! | R10 | direction pull | the calendar is never written |
//! | R11 | the appointment has ended | closed; an event that stands ahead is brought back first |
//!
//! Where the event's mark tells a newer version of the appointment than the one we have heard of, nothing is written or deleted
//! before we have heard it, or a direct question said that it is not the trainer's: another laptop was told sooner.

mod existence;
mod policy;
mod remember;
mod report;
mod settled;
pub(crate) mod verdict;

use crate::appointment::Appointment;
use crate::bug::{self, Bug};
use crate::conflict::{ConflictCause, ConflictKind, FieldConflict, Resolution};
use crate::event::{Event, EventBody, Mark, PatchMask};
use crate::event_id::Identity;
use crate::filter::{self, LeftOut};
use crate::ids::Generation;
use crate::outbox::{DeleteReason, Intent};
use crate::pen;
use crate::record::{EventNote, Field, LinkState, Record, Value};
use crate::settings::SyncSettings;
use crate::text::{self, Rendered, hashes, observed, render};
use crate::time::{EventTime, TimeSpan};
use chrono::{DateTime, Duration, Utc};
use existence::{
    give_up_late_wish, is_overtaken, may_be_deleted, may_show_a_time, moved_into_future, moved_too_late,
    on_left_out, on_removal, shows_an_old_time_ahead, without_event,
};
use policy::policy_answer;
pub use policy::{follow_policy, most_recent};
use remember::remember_base;
use report::{Move, NotesReport, move_to_report, notes_to_report};
pub use settled::{is_settled, unless_settled};
use verdict::{Fields, Sides, Verdict, forget_outdated_wishes, verdict, was_replaced};

/// A drag is often two drags: so long after the last edit a move is reported.
pub const SETTLE_SECONDS: i64 = 20;
/// So long after a resolution a further change waits.
pub const COOL_DOWN_SECONDS: i64 = 60;
/// A move by more than this is asked about.
pub const UNUSUAL_MOVE_DAYS: i64 = 14;
/// So many writes to one link …
pub const PING_PONG_WRITES: usize = 5;
/// … in so many minutes mean that the two sides chase each other.
pub const PING_PONG_MINUTES: i64 = 10;
/// "Most recent" asks when the two were said within this time.
pub const MOST_RECENT_ASKS_SECONDS: i64 = 120;

/// Everything beside the record that a decision depends on.
#[derive(Clone, Debug)]
pub struct Context {
    /// The service's time, not the laptop's.
    pub now: DateTime<Utc>,
    /// The trainer's settings.
    pub settings: SyncSettings,
    /// Whose appointments, whose calendar.
    pub identity: Identity,
    /// When the connection was made (P11).
    pub connected_at: DateTime<Utc>,
    /// The platform's name, shown as the event's source.
    pub platform_name: String,
    /// The platform allows client names in calendars.
    pub client_names_allowed: bool,
    /// When another laptop was last seen to be the one that writes: a deletion since then may have been its doing.
    pub other_writer_at: Option<DateTime<Utc>>,
    /// The platform sees to it that one laptop writes at a time.
    pub one_writes: bool,
    /// Since when the app runs on a laptop that is awake; none if that does not count (a single command).
    pub awake_since: Option<DateTime<Utc>>,
    /// When the last reading of the platform's appointments that came to its end began; none if that is not to be looked at.
    pub platform_asked_at: Option<DateTime<Utc>>,
    /// How far the calendar service's clock, by which events say when they were changed, is ahead of the one of `now`.
    pub calendar_ahead: Duration,
}

/// What is decided for one appointment.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The record with the local consequences (base followed, unlinked, closed …).
    pub record: Record,
    /// At most one write per side.
    pub intents: Vec<Intent>,
    /// The disagreement that now needs an answer, if any.
    pub conflict: Option<ConflictDraft>,
    /// A policy answered it already.
    pub by_policy: Option<(ConflictDraft, Resolution)>,
    /// What the history should tell.
    pub remarks: Vec<Remark>,
    /// Something becomes due then.
    pub due_at: Option<DateTime<Utc>>,
    /// Where the appointment stands if nothing else happens.
    pub standing: Standing,
}

/// A conflict before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictDraft {
    /// Kind.
    pub kind: ConflictKind,
    /// Cause.
    pub cause: ConflictCause,
    /// Fields.
    pub fields: Vec<FieldConflict>,
}

/// What happened locally, for the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The event was deleted in the calendar.
    RemovedInCalendar,
    /// The appointment changed after its event was removed.
    ChangedSinceRemoved,
    /// Different fields changed on both sides and were merged.
    Merged,
    /// A move in the calendar, or a time chosen in the window, was over before anybody could report it or ask about it.
    MoveTooLate,
    /// A time chosen in the window, or wanted back, no longer counts: a later word says another one.
    Overtaken {
        /// The time that was wanted.
        wanted: TimeSpan,
    },
}

/// Where an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Both sides agree (also with the trainer's own wording kept).
    InSync,
    /// A write is decided.
    ToWrite,
    /// A report waits for the settle time.
    Settling,
    /// A further change waits after a resolution.
    CoolDown,
    /// Left out by the trainer's rules.
    LeftOut(LeftOut),
    /// Left out or gone, but kept in the calendar.
    Kept,
    /// Its event would be deleted, but that is only inferred: it is held, and the trainer sees it.
    Held,
    /// Waits for an answer.
    Conflict,
    /// Its event was deleted in the calendar.
    Removed {
        /// It can only have been the trainer.
        by_trainer: bool,
        /// The appointment changed since.
        changed_since: bool,
    },
    /// Over.
    Ended,
    /// The trainer stopped syncing it.
    Stopped,
    /// The direction does not let it be written.
    DirectionPull,
    /// The event answers 404 without a tombstone; it is looked at again.
    Missing,
    /// Nothing is known of the appointment yet, or the calendar knows something later than the platform's last word.
    Unknown,
    /// Gone on the platform and not in the calendar: can be forgotten.
    Gone,
}

impl Decision {
    fn local(record: Record, standing: Standing) -> Self {
        Self {
            record,
            intents: Vec::new(),
            conflict: None,
            by_policy: None,
            remarks: Vec::new(),
            due_at: None,
            standing,
        }
    }

    fn write(mut self, intent: Intent) -> Self {
        self.intents.push(intent);
        self.standing = Standing::ToWrite;
        self
    }
}

/// Decides one appointment. Pure: the same record and context give the same decision, and a record that is in agreement
/// gives one without writes. A deletion that is only inferred is held back ([`pen`]).
pub fn reconcile(record: &Record, ctx: &Context) -> Decision {
    pen::hold(wanted(record, ctx), ctx)
}

/// As [`reconcile`], with what is held back, for a preview that the trainer is to confirm.
pub fn wanted(record: &Record, ctx: &Context) -> Decision {
    let known = record;
    let mut record = known.clone();
    if record.link == LinkState::Stopped {
        return Decision::local(record, Standing::Stopped);
    }
    if let Some(duplicate) = record
        .duplicates
        .iter()
        .find(|id| record.event_id.as_ref() != Some(id))
        .cloned()
        .filter(|_| may_be_deleted(&record, ctx) && !bug::is_on(Bug::DuplicatesKept))
    {
        let intent = existence::delete_duplicate(&record, duplicate);
        return Decision::local(record, Standing::ToWrite).write(intent);
    }
    if let Some(removal) = record.removal {
        return on_removal(record, removal, ctx);
    }
    let Some(appointment) = &known.appointment else {
        return Decision::local(record, Standing::Unknown);
    };
    let left_out = filter::left_out(appointment, &ctx.settings.filters, ctx.connected_at);
    let over = appointment.span().end <= ctx.now && !bug::is_on(Bug::PastIsWritten);
    let wish_too_late = over && give_up_late_wish(&mut record, appointment, ctx);
    let mut decision = as_it_lies(record, known, appointment, left_out, over, ctx);
    if wish_too_late && !decision.remarks.contains(&Remark::MoveTooLate) {
        decision.remarks.push(Remark::MoveTooLate);
    }
    decision
}

/// The decision for what is the trainer's, over or not. `known` is the record as it came.
fn as_it_lies(
    mut record: Record,
    known: &Record,
    appointment: &Appointment,
    left_out: Option<LeftOut>,
    over: bool,
    ctx: &Context,
) -> Decision {
    let ahead = shows_an_old_time_ahead(&record, appointment, ctx);
    if over && !ahead && (left_out.is_some() || !moved_into_future(&record, ctx)) {
        if let Some(event) = record.event.as_ref().filter(|_| bug::is_on(Bug::EndedIsDeleted)) {
            let intent = existence::delete(&record, event, DeleteReason::LeftOut);
            return Decision::local(record, Standing::Ended).write(intent);
        }
        let too_late = left_out.is_none() && moved_too_late(&record, appointment, ctx);
        if record.link == LinkState::Linked {
            record.link = LinkState::Closed;
        }
        // Given up for a later word, it has left its promise, until both sides agree. What the platform says is kept.
        let no_longer = is_overtaken(&record) || record.requested_time.is_none();
        let promised = record.promised_time.filter(|_| no_longer);
        let overtaken = promised.filter(|promised| *promised != appointment.span());
        if no_longer || !may_show_a_time(&record) {
            record.requested_time = None;
            record.promised_time = None;
        }
        let mut decision = Decision::local(record, Standing::Ended);
        let remark = overtaken.map(|wanted| Remark::Overtaken { wanted });
        decision.remarks.extend(remark);
        decision.remarks.extend(too_late.then_some(Remark::MoveTooLate));
        return decision;
    }
    if record.link == LinkState::Closed {
        // The admin moved it into the future again, or a clock that was ahead had closed it. An event that was being looked
        // for is looked for again.
        record.link = if record.event.is_some() || record.missing_since.is_some() {
            LinkState::Linked
        } else {
            LinkState::Unlinked
        };
    }
    if let Some(reason) = left_out {
        return on_left_out(record, reason, ctx);
    }
    record.passed = Some(appointment.version);
    record.passed_as = None;
    if record.link == LinkState::Kept {
        // Deleted while it was kept, it is the trainer's deletion all the same (R8).
        let known = record.event.is_some() || record.tombstone_at.is_some() || record.missing_since.is_some();
        record.link = if known {
            LinkState::Linked
        } else {
            LinkState::Unlinked
        };
    }
    match &known.event {
        // What another laptop wrote tells of a newer version than ours: nothing is written before we have heard it too.
        Some(_) if record.event_knows_more() => Decision::local(record, Standing::Unknown),
        Some(event) => three_way(record, appointment, event, ctx),
        None => without_event(record, appointment, ctx),
    }
}

/// Until when a further change waits after a resolution. An end further ahead than any can be was set by a wrong clock.
fn cooling(record: &Record, ctx: &Context) -> Option<DateTime<Utc>> {
    let longest = ctx.now + Duration::seconds(COOL_DOWN_SECONDS);
    record
        .cool_down_until
        .filter(|until| (ctx.now < *until) && (*until <= longest))
}

/// Renders under the context's settings.
pub fn rendered(appointment: &Appointment, ctx: &Context) -> Rendered {
    render(
        appointment,
        &ctx.settings.text,
        ctx.settings.language,
        ctx.client_names_allowed,
    )
}

/// The whole content of an event for a generation, with the trainer's own text kept. `None` without an appointment.
pub fn body(record: &Record, ctx: &Context, generation: Generation) -> Option<EventBody> {
    let appointment = record.appointment.as_ref()?;
    let rendered = rendered(appointment, ctx);
    let existing = record.event.as_ref().map(|event| event.description.as_str());
    let existing = existing.filter(|_| !bug::is_on(Bug::OwnTextOverwritten));
    let existing =
        existing.filter(|text| !crate::marked::is_told_by_notes(record, appointment, &rendered, text));
    let words = |field: Field, said: &str| match record.requested_text.get(field) {
        Some(Value::Text(wanted)) => wanted.clone(),
        Some(Value::Time(_) | Value::Hash(_)) | None => said.to_owned(),
    };
    Some(EventBody {
        time: rendered.time,
        title: words(Field::Title, &rendered.title),
        location: words(Field::Location, &rendered.location),
        description: text::compose(existing, &words(Field::Notes, &rendered.block)),
        tentative: rendered.tentative,
        private: rendered.private,
        was_private: record.mark().is_some_and(|mark| mark.private),
        color: rendered.color.clone(),
        source_url: rendered.source_url.clone(),
        source_title: ctx.platform_name.clone(),
        mark: Mark {
            appointment: appointment.id.clone(),
            platform: ctx.identity.platform_fingerprint(),
            schema: 1,
            generation,
            version: appointment.version,
            time: Some(rendered.time),
            platform_hashes: Some(hashes(&rendered.canonical())),
            written_hashes: Some(hashes(&rendered.written())),
            private: rendered.private,
            origin: None,
        },
    })
}

/// Both sides are there.
fn three_way(mut record: Record, appointment: &Appointment, event: &Event, ctx: &Context) -> Decision {
    if matches!(record.link, LinkState::Unlinked | LinkState::Removed { .. }) {
        record.link = LinkState::Linked;
    }
    let rendered = &rendered(appointment, ctx);
    let sides = Sides {
        rendered,
        said: rendered.canonical(),
        shown: observed(event),
    };
    if event.recurring && !bug::is_on(Bug::SeriesIsWritten) {
        let fields = vec![field_conflict(&record, Field::Time, &sides)];
        let draft = ConflictDraft {
            kind: ConflictKind::DataMismatch,
            cause: ConflictCause::MadeSeries,
            fields,
        };
        return raise(Decision::local(record, Standing::Conflict), draft, ctx.now);
    }
    let mut overtaken = None;
    if record.requested_time == Some(rendered.time) {
        // Where the event is still to be brought there, the promise lasts until it is (simulation seed 1006113).
        if record.calendar_moved_at.is_some() || !ctx.settings.direction.writes_calendar() {
            record.promised_time = record.promised_time.filter(|at| *at != rendered.time);
        }
        crate::absorb::request_taken(&mut record, &sides.shown);
    } else if is_overtaken(&record) {
        // It was wanted in place of a time that the platform has changed since.
        record.requested_time = None;
        if !ctx.settings.direction.writes_calendar() {
            // The two will not agree, which is when it is told otherwise.
            overtaken = record.promised_time.take().filter(|at| *at != rendered.time);
        }
    }
    if record.looks.is_none() {
        // Found by its mark: what it looks like cannot be read, so only a later change of it is written.
        record.looks = Some(rendered.looks());
    }
    forget_outdated_wishes(&mut record, &sides);
    let mut fields = Fields::default();
    for field in Field::ALL {
        let verdict = match verdict(&record, field, &sides, ctx) {
            Verdict::ToCalendar if !ctx.one_writes && was_replaced(&record, field, appointment, &sides) => {
                Verdict::Nothing
            }
            other => other,
        };
        if verdict == Verdict::Agreed {
            record.base.platform.follow(field, sides.said.get(field));
            record.base.calendar.follow(field, sides.shown.get(field));
            if field == Field::Time {
                record.calendar_moved_at = None;
                record.refusal = record
                    .refusal
                    .take()
                    .filter(|refusal| refusal.field != Field::Time);
                record.confirmed_time = None;
                record.requested_time = None;
                let promised = record.promised_time.take();
                overtaken = overtaken.or(promised.filter(|promised| *promised != rendered.time));
                record.ask_moves = false;
            }
        }
        fields.set(field, verdict);
    }
    record.note = note(event, &fields);
    let mut decision = carry_out(record, appointment, event, &sides, fields, ctx);
    decision
        .remarks
        .extend(overtaken.map(|wanted| Remark::Overtaken { wanted }));
    decision
}

fn note(event: &Event, fields: &Fields) -> Option<EventNote> {
    let wording = [fields.title, fields.location, fields.notes].contains(&Verdict::OwnWording);
    match (wording, event.declined, event.free) {
        (true, _, _) => Some(EventNote::OwnWording),
        (false, true, _) => Some(EventNote::Declined),
        (false, false, true) => Some(EventNote::MarkedFree),
        (false, false, false) => None,
    }
}

/// Turns the verdicts into at most one write per side and at most one conflict.
fn carry_out(
    record: Record,
    appointment: &Appointment,
    event: &Event,
    sides: &Sides<'_>,
    fields: Fields,
    ctx: &Context,
) -> Decision {
    let mut decision = Decision::local(record, Standing::InSync);
    let mut conflicts: Vec<(ConflictKind, ConflictCause, FieldConflict)> = Vec::new();

    for field in Field::ALL {
        if fields.get(field) == Verdict::Both {
            let unknown = decision.record.base.platform.get(field).is_none()
                && decision.record.base.calendar.get(field).is_none();
            let cause = if unknown {
                ConflictCause::NoBase
            } else {
                ConflictCause::BothChanged
            };
            let kind = if field == Field::Time {
                ConflictKind::TimeChange
            } else {
                ConflictKind::DataMismatch
            };
            conflicts.push((kind, cause, field_conflict(&decision.record, field, sides)));
        }
    }

    let looks_differ = ctx.settings.direction.writes_calendar()
        && decision
            .record
            .looks
            .as_ref()
            .is_some_and(|looks| *looks != sides.rendered.looks());
    // After the end only a move into the future still goes on, and an event that stands ahead is brought back; it is never
    // rewritten otherwise (R11).
    let open = appointment.span().end > ctx.now;
    let ahead = shows_an_old_time_ahead(&decision.record, appointment, ctx);
    let mask = PatchMask {
        time: (open || ahead) && fields.time == Verdict::ToCalendar,
        title: open && fields.title == Verdict::ToCalendar,
        location: open && fields.location == Verdict::ToCalendar,
        description: open && fields.notes == Verdict::ToCalendar,
        looks: open && looks_differ,
    };
    let mask = match bug::is_on(Bug::AllFieldsPatched) && !mask.is_empty() {
        true => PatchMask::ALL,
        false => mask,
    };

    let mut report = None;
    if fields.time == Verdict::ToPlatform {
        match move_to_report(&decision.record, appointment, event, ctx) {
            Move::Report(intent) => report = Some(intent),
            Move::Wait(due_at, standing) => {
                decision.due_at = Some(due_at);
                decision.standing = standing;
            }
            Move::Ask(kind, cause) => {
                conflicts.push((kind, cause, field_conflict(&decision.record, Field::Time, sides)));
            }
        }
    }
    // One write per side at a time: notes follow in the next cycle when a move is under way.
    if fields.notes == Verdict::ToPlatform && report.is_none() && decision.due_at.is_none() {
        match notes_to_report(&decision.record, appointment, sides.rendered, ctx) {
            NotesReport::Report(intent) => report = Some(intent),
            NotesReport::Wait(due_at, standing) => {
                decision.due_at = Some(due_at);
                decision.standing = standing;
            }
            NotesReport::Ask(cause) => {
                let conflict = field_conflict(&decision.record, Field::Notes, sides);
                conflicts.push((ConflictKind::Refused, cause, conflict));
            }
        }
    }

    let wants_write = !mask.is_empty() || report.is_some();
    let chased = is_chased(&decision.record, &conflicts, ctx.now);
    decision.record.chase_held = chased && wants_write && !conflicts.is_empty();
    if chased && wants_write && conflicts.is_empty() {
        let writes = |field: &Field| matches!(fields.get(*field), Verdict::ToCalendar | Verdict::ToPlatform);
        let mut chasing: Vec<Field> = Field::ALL.into_iter().filter(writes).collect();
        if chasing.is_empty() {
            chasing.push(Field::Time);
        }
        for field in chasing {
            let conflict = field_conflict(&decision.record, field, sides);
            conflicts.push((ConflictKind::DataMismatch, ConflictCause::PingPong, conflict));
        }
    }
    if !chased {
        if !mask.is_empty() {
            let newest = decision.record.generation;
            // An older event taken from the bin keeps its own: under another one nobody would know it for ours (seed 1100917).
            let own = ctx.identity.generation_of(&event.id, &appointment.id, newest);
            // Of a calendar that was in use before and is not known any more: its mark goes on telling what its id was made from.
            let marked = event
                .mark
                .as_ref()
                .filter(|mark| mark.origin.is_none() && mark.appointment == appointment.id);
            let own = own.or(marked.map(|mark| mark.generation));
            if let Some(mut body) = body(&decision.record, ctx, own.unwrap_or(newest)) {
                remember_base(&mut body.mark, &decision.record, mask);
                // Not one of the ids we choose: the trainer made it.
                body.mark.origin = own.is_none().then(|| ctx.identity.origin(&event.id));
                let intent = Intent::Patch {
                    event_id: event.id.clone(),
                    expected: event.etag.clone(),
                    body: Box::new(body),
                    mask,
                };
                decision = decision.write(intent);
            }
        }
        if let Some(intent) = report {
            decision = decision.write(intent);
        }
    }
    // Words wanted back are the trainer's own doing, not the platform's.
    let said = |field: &Field| {
        fields.get(*field) == Verdict::ToCalendar && decision.record.requested_text.get(*field).is_none()
    };
    if open
        && Field::ALL.iter().any(said)
        && (fields.any(Verdict::ToPlatform) || fields.any(Verdict::OwnWording))
    {
        decision.remarks.push(Remark::Merged);
    }
    if fields.any(Verdict::NotWritten) && decision.standing == Standing::InSync {
        decision.standing = Standing::DirectionPull;
    }
    settle_conflicts(decision, appointment, event, conflicts, ctx)
}

/// A conflict is asked about, answered by a standing policy, or held while the link cools down.
fn settle_conflicts(
    decision: Decision,
    appointment: &Appointment,
    event: &Event,
    conflicts: Vec<(ConflictKind, ConflictCause, FieldConflict)>,
    ctx: &Context,
) -> Decision {
    let Some((kind, cause, _)) = conflicts.first().cloned() else {
        return decision;
    };
    let both_changed = conflicts
        .iter()
        .all(|(_, cause, _)| *cause == ConflictCause::BothChanged);
    let fields: Vec<FieldConflict> = conflicts.into_iter().map(|(_, _, field)| field).collect();
    let draft = ConflictDraft { kind, cause, fields };
    let mut decision = decision;
    if let (Some(until), None) = (cooling(&decision.record, ctx), &decision.record.conflict) {
        decision.due_at = Some(decision.due_at.map_or(until, |due| due.min(until)));
        if decision.intents.is_empty() {
            decision.standing = Standing::CoolDown;
        }
        return decision;
    }
    // What is unusual or was refused is asked about under any policy.
    if both_changed && !decision.record.ask_moves {
        let answer = policy_answer(&decision.record, appointment, event, &draft.fields, ctx);
        if let Some(resolution) = answer {
            decision.by_policy = Some((draft, resolution));
            decision.standing = Standing::ToWrite;
            return decision;
        }
    }
    raise(decision, draft, ctx.now)
}

fn raise(mut decision: Decision, draft: ConflictDraft, now: DateTime<Utc>) -> Decision {
    if draft.cause != ConflictCause::PingPong {
        // An old chase is not what waits for this answer.
        decision.record.recent_writes.retain(|at| is_recent(*at, now));
    }
    decision.conflict = Some(draft);
    decision.standing = Standing::Conflict;
    decision
}

fn is_chased(
    record: &Record,
    others: &[(ConflictKind, ConflictCause, FieldConflict)],
    now: DateTime<Utc>,
) -> bool {
    let recent = record.recent_writes.iter().filter(|at| is_recent(**at, now));
    // While the question is open no write is made, so the old ones stay: that time passes is no answer. With another reason to
    // ask it is that one which is open, and what is held beside it stays so.
    let asked = match others.is_empty() {
        true => record.recent_writes.len() > PING_PONG_WRITES,
        false => record.chase_held,
    };
    recent.count() > PING_PONG_WRITES || (record.conflict.is_some() && asked)
}

fn is_recent(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - at < Duration::minutes(PING_PONG_MINUTES)
}

/// A time chosen in the window or wanted back speaks for the calendar, which does not show it yet, until the event is moved again.
pub(crate) fn wanted_time(record: &Record) -> Option<TimeSpan> {
    let current = record.calendar_moved_at.is_none() && !is_overtaken(record);
    record.requested_time.filter(|_| current)
}

fn field_conflict(record: &Record, field: Field, sides: &Sides<'_>) -> FieldConflict {
    let unknown = || Value::Text(String::new());
    let shown = sides.shown.get(field);
    let wanted = wanted_time(record).filter(|_| field == Field::Time);
    let wanted = wanted.map(|time| Value::Time(EventTime::Timed(time)));
    FieldConflict {
        field,
        before: record
            .base
            .platform
            .get(field)
            .filter(|value| !matches!(value, Value::Hash(_)))
            .cloned(),
        platform: sides
            .rendered
            .written()
            .get(field)
            .cloned()
            .unwrap_or_else(unknown),
        calendar: wanted.or(shown.cloned()).unwrap_or_else(unknown),
    }
}

/// The time a value holds, if it is one with hours and minutes.
pub fn span_of(value: &Value) -> Option<TimeSpan> {
    match value {
        Value::Time(EventTime::Timed(span)) => Some(*span),
        Value::Time(EventTime::AllDay { .. }) | Value::Text(_) | Value::Hash(_) => None,
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
