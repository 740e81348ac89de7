//! Whether there is to be an event at all: R6, R7, R8 and R11, and which generation the next one is.

use super::{ConflictDraft, Context, Decision, Remark, Standing, body, raise};
use crate::absorb;
use crate::appointment::{Appointment, Removal, RemovalReason};
use crate::bug::{self, Bug};
use crate::conflict::{ConflictCause, ConflictKind, FieldConflict};
use crate::event::Event;
use crate::filter::LeftOut;
use crate::ids::{EventId, Generation};
use crate::outbox::{DeleteReason, Intent};
use crate::record::{Field, FieldValues, LinkState, Record, Value};
use crate::settings::LeftOutPolicy;
use crate::time::{EventTime, TimeSpan, resolve_local};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

/// What has ended or began before the connection keeps its events, also one too many (R11, P11).
pub(super) fn may_be_deleted(record: &Record, ctx: &Context) -> bool {
    let marked = record.mark().and_then(|mark| mark.time);
    let span = record.appointment.as_ref().map(Appointment::span).or(marked);
    // Where the newer one is gone in the meantime, the older one is no longer one too many: it is found again, and held where
    // it is only inferred that none is to be there.
    let none_is_to_be_there = record.removal.is_some_and(|removal| !removal.inferred);
    let one_too_many = record.event.is_some() || none_is_to_be_there;
    one_too_many
        && ctx.settings.direction.writes_calendar()
        && span.is_none_or(|span| span.end > ctx.now && span.start >= ctx.connected_at)
}

/// A move that was not reported before the old time was over is not lost.
pub(super) fn moved_into_future(record: &Record, ctx: &Context) -> bool {
    let event = record
        .event
        .as_ref()
        .filter(|_| record.calendar_moved_at.is_some());
    let moved = event.map(|event| end_of(event.time, record));
    let wanted = record
        .requested_time
        .filter(|_| may_show_a_time(record) && !is_overtaken(record));
    ctx.settings.direction.reports()
        && wanted
            .map(|time| time.end)
            .or(moved)
            .is_some_and(|end| end > ctx.now)
}

/// A move that is over together with the visit, and that nobody heard of: the laptop was asleep from before it was made. What was
/// asked about was said then, and what is moved when all is over is not for the platform.
pub(super) fn moved_too_late(record: &Record, appointment: &Appointment, ctx: &Context) -> bool {
    let said = appointment.span();
    let (Some(event), Some(moved_at)) = (&record.event, record.calendar_moved_at) else {
        return false;
    };
    record.link == LinkState::Linked
        && record.conflict.is_none()
        && ctx.settings.direction.reports()
        && event.time != EventTime::Timed(said)
        && moved_at < said.end.max(end_of(event.time, record))
}

/// A time chosen in the window or wanted back that is over, as the visit is: nobody can be told of it any more. Its event stays
/// where it is or, should it stand ahead, comes back to the visit's time. True if it was promised, and is to be told. What is
/// overtaken is told as that.
pub(super) fn give_up_late_wish(record: &mut Record, appointment: &Appointment, ctx: &Context) -> bool {
    let said = appointment.span();
    let late = |wanted: TimeSpan| wanted.end <= ctx.now;
    if !record.requested_time.is_some_and(late) || !may_show_a_time(record) || is_overtaken(record) {
        return false;
    }
    record.requested_time = None;
    if record.calendar_moved_at.is_none() {
        // As the answer for the platform's time: the one that is shown is no move of its own.
        let shown = record.event.as_ref().map(|event| event.time);
        record.base.calendar.time = shown.map(Value::Time);
        if shown.is_some_and(|time| time.timed().is_some_and(|time| time.end > ctx.now)) {
            record.base.platform.time = None;
        }
    }
    // A "no" to it was told when it came.
    let promised = record.promised_time.take();
    promised.is_some_and(|promised| promised != said)
}

/// The platform says another time than the one that a time was wanted in place of.
pub(super) fn is_overtaken(record: &Record) -> bool {
    let said = record.appointment.as_ref().map(Appointment::span);
    let said = said.map(|span| Value::Time(EventTime::Timed(span)));
    !absorb::same(record.base.platform.time.as_ref(), said.as_ref())
}

/// When an event ends. Whole days end where the appointment is, as far as that is known.
fn end_of(time: EventTime, record: &Record) -> DateTime<Utc> {
    match time {
        EventTime::Timed(span) => span.end,
        EventTime::AllDay { end, .. } => midnight(end, record),
    }
}

/// When an event begins, likewise.
fn start_of(time: EventTime, record: &Record) -> DateTime<Utc> {
    match time {
        EventTime::Timed(span) => span.start,
        EventTime::AllDay { start, .. } => midnight(start, record),
    }
}

fn midnight(day: NaiveDate, record: &Record) -> DateTime<Utc> {
    let zone = record.appointment.as_ref().map_or(Tz::UTC, |known| known.zone);
    resolve_local(day.and_time(NaiveTime::MIN), zone)
}

/// The event stands ahead at a time that the platform, or the trainer's answer, has taken back, though the visit is over by what
/// the platform says now: somebody would drive there. What the trainer moved there is another matter.
pub(super) fn shows_an_old_time_ahead(record: &Record, appointment: &Appointment, ctx: &Context) -> bool {
    let said = Value::Time(EventTime::Timed(appointment.span()));
    let shown = record.event.as_ref().and_then(|event| event.time.timed());
    shown.is_some_and(|time| time.end > ctx.now)
        && record.calendar_moved_at.is_none()
        && ctx.settings.direction.writes_calendar()
        && !absorb::same(record.base.platform.time.as_ref(), Some(&said))
}

/// There is an event, or one is being looked for. To a deleted one no time that the trainer wants can be brought.
pub(super) fn may_show_a_time(record: &Record) -> bool {
    record.event.is_some() || record.missing_since.is_some()
}

/// R6. After a rebuild from the calendar nothing may be known of the appointment but that it is gone; then the event's
/// mark tells when it was.
pub(super) fn on_removal(mut record: Record, removal: Removal, ctx: &Context) -> Decision {
    let Some(event) = record.event.clone() else {
        // Who deletes the event of a visit that will not be, says nothing of one that is given back.
        let open = record.link == LinkState::Linked || record.kept_though_said;
        if record.tombstone_at.is_some() && open && !removal.inferred {
            record.link = LinkState::Unlinked;
        }
        return Decision::local(record, Standing::Gone);
    };
    let said = record.appointment.as_ref().map(Appointment::span);
    let marked = || event.mark.as_ref().and_then(|mark| mark.time);
    let Some(span) = said.or_else(marked).or_else(|| event.time.timed()) else {
        return Decision::local(record, Standing::Unknown);
    };
    // Closed for good is what is over on both sides; a wrong clock may have closed more. An event that the trainer moved into
    // the future shows a visit that there will not be.
    let event_is_over = end_of(event.time, &record) <= ctx.now;
    if event_is_over && (span.end <= ctx.now || record.link == LinkState::Closed) {
        // What the trainer kept is kept, should it be dragged ahead later.
        if record.link != LinkState::Kept {
            record.link = LinkState::Closed;
        }
        let ahead = |wanted: &TimeSpan| wanted.end > ctx.now;
        record.requested_time = record.requested_time.filter(ahead);
        record.promised_time = record.promised_time.filter(ahead);
        return Decision::local(record, Standing::Ended);
    }
    // An event that stands after the connection's beginning is none from before it, whatever the platform says the visit was.
    let from_before = event_is_over || start_of(event.time, &record) < ctx.connected_at;
    if span.start < ctx.connected_at && from_before {
        return Decision::local(record, Standing::LeftOut(LeftOut::BeforeConnection));
    }
    if !ctx.settings.direction.writes_calendar() {
        return Decision::local(record, Standing::DirectionPull);
    }
    if !removal.inferred && record.event_knows_more() {
        // It may have been given back since: the feed will tell, or a direct question, whose answer is no older word.
        return Decision::local(record, Standing::Unknown);
    }
    if record.kept_though_said || (record.link == LinkState::Kept && removal.inferred) {
        // The trainer said "keep": to something that nobody said (H9), or to many cancellations at once.
        return Decision::local(record, Standing::Kept);
    }
    if event.recurring && !record.delete_confirmed {
        let before = record.base.platform.time.clone();
        let platform = Value::Time(EventTime::Timed(span));
        let fields = vec![FieldConflict {
            field: Field::Time,
            before,
            platform,
            calendar: Value::Time(event.time),
        }];
        let draft = ConflictDraft {
            kind: ConflictKind::DataMismatch,
            cause: ConflictCause::SeriesCancelled,
            fields,
        };
        return raise(Decision::local(record, Standing::Conflict), draft, ctx.now);
    }
    let reason = match removal.reason {
        RemovalReason::Cancelled | RemovalReason::Other => DeleteReason::Cancelled,
        RemovalReason::Unassigned => DeleteReason::Unassigned,
        RemovalReason::Deleted => DeleteReason::Deleted,
    };
    let intent = delete(&record, &event, reason);
    Decision::local(record, Standing::ToWrite).write(intent)
}

/// R7, and P11 for what began before the connection.
pub(super) fn on_left_out(mut record: Record, reason: LeftOut, ctx: &Context) -> Decision {
    let standing = Standing::LeftOut(reason);
    let Some(event) = record.event.clone() else {
        // Only what is deleted asks what it was before.
        record.passed_as = None;
        if record.tombstone_at.is_some() && matches!(record.link, LinkState::Linked | LinkState::Kept) {
            unlink(&mut record, ctx);
        }
        return Decision::local(record, standing);
    };
    // What the platform moved to before the connection leaves an event ahead that nothing else would ever bring back.
    let stays_ahead = start_of(event.time, &record) >= ctx.connected_at
        && (record.appointment.as_ref())
            .is_some_and(|appointment| shows_an_old_time_ahead(&record, appointment, ctx));
    let from_before = reason == LeftOut::BeforeConnection && !stays_ahead;
    let untouchable = from_before || !ctx.settings.direction.writes_calendar();
    // An event that became a series is never written to, and deleting it would take more than was made.
    // One that the trainer made was there before us, and stays.
    let made_by_trainer = !ctx
        .identity
        .chose(&event.id, &record.appointment_id, record.generation);
    if untouchable || made_by_trainer || event.recurring {
        return Decision::local(record, standing);
    }
    // What the setting keeps is no answer of the trainer's: it stays as long as the setting does.
    if ctx.settings.filters.left_out == LeftOutPolicy::Keep || record.link == LinkState::Kept {
        return Decision::local(record, Standing::Kept);
    }
    if record.event_knows_more() {
        return Decision::local(record, Standing::Unknown);
    }
    let intent = delete(&record, &event, DeleteReason::LeftOut);
    Decision::local(record, standing).write(intent)
}

pub(super) fn delete(record: &Record, event: &Event, reason: DeleteReason) -> Intent {
    Intent::Delete {
        event_id: event.id.clone(),
        generation: record.generation,
        expected: Some(event.etag.clone()),
        reason,
    }
}

pub(super) fn delete_duplicate(record: &Record, event_id: EventId) -> Intent {
    Intent::Delete {
        event_id,
        generation: record.generation,
        expected: None,
        reason: DeleteReason::Duplicate,
    }
}

pub(super) fn unlink(record: &mut Record, ctx: &Context) {
    let last_seen = record.event_seen_at.unwrap_or(ctx.connected_at);
    record.link = LinkState::Removed {
        by_trainer: ctx.other_writer_at.is_none_or(|other| other < last_seen),
        at: record.tombstone_at.unwrap_or(ctx.now),
        version: record
            .appointment
            .as_ref()
            .map_or(0, |appointment| appointment.version),
    };
    record.change_told = false;
    record.note = None;
    record.calendar_moved_at = None;
    record.calendar_edited_at = None;
    record.own_text_at = None;
    record.confirmed_time = None;
    record.requested_time = None;
    record.promised_time = None;
    record.requested_text = FieldValues::default();
    record.refusal = None;
}

/// No live event: add one, or respect that it was removed (R8).
pub(super) fn without_event(mut record: Record, appointment: &Appointment, ctx: &Context) -> Decision {
    if let LinkState::Removed {
        by_trainer, version, ..
    } = record.link
    {
        let changed_since = appointment.version > version;
        let first_time = changed_since && !record.change_told;
        record.change_told |= changed_since;
        let mut decision = Decision::local(
            record,
            Standing::Removed {
                by_trainer,
                changed_since,
            },
        );
        if first_time {
            decision.remarks.push(Remark::ChangedSinceRemoved);
        }
        return decision;
    }
    let gone = record.tombstone_at.is_some() && record.link == LinkState::Linked;
    if gone && !bug::is_on(Bug::DeletionIsUndone) {
        unlink(&mut record, ctx);
        let by_trainer = matches!(record.link, LinkState::Removed { by_trainer: true, .. });
        let mut decision = Decision::local(
            record,
            Standing::Removed {
                by_trainer,
                changed_since: false,
            },
        );
        decision.remarks.push(Remark::RemovedInCalendar);
        return decision;
    }
    if let Some(since) = record.missing_since {
        // A clock that was ahead may have noted a day that is still to come.
        record.missing_since = Some(since.min(ctx.now));
        return Decision::local(record, Standing::Missing);
    }
    if !ctx.settings.direction.writes_calendar() {
        return Decision::local(record, Standing::DirectionPull);
    }
    // An older event that came back meanwhile would be a second one beside the next: it goes first.
    let older = record.duplicates.first().cloned();
    if let Some(older) = older.filter(|_| !bug::is_on(Bug::DuplicatesKept)) {
        let intent = delete_duplicate(&record, older);
        return Decision::local(record, Standing::ToWrite).write(intent);
    }
    let generation = next_generation(&record);
    let Some(body) = body(&record, ctx, generation) else {
        return Decision::local(record, Standing::Unknown);
    };
    let event_id = ctx.identity.event_id(&record.appointment_id, generation);
    Decision::local(record, Standing::ToWrite).write(Intent::Insert {
        event_id,
        generation,
        body: Box::new(body),
    })
}

/// A deleted id is dead for ever: the next one is taken.
pub(super) fn next_generation(record: &Record) -> Generation {
    let mut generation = record.generation.max(1);
    if bug::is_on(Bug::DeadIdRevived) {
        return generation;
    }
    let buried = record.tombstone_at.is_some();
    while record.deleted_by_us.contains(&generation) || (buried && generation == record.generation) {
        generation += 1;
    }
    generation
}
