//! R3 and R4: what is done about a move, or about notes edited in the calendar.

use super::verdict::reportable_notes;
use super::{Context, SETTLE_SECONDS, Standing, UNUSUAL_MOVE_DAYS};
use crate::appointment::Appointment;
use crate::bug::{self, Bug};
use crate::conflict::{ConflictCause, ConflictKind, Refusal};
use crate::event::Event;
use crate::outbox::Intent;
use crate::record::{Field, Record};
use crate::text::Rendered;
use crate::time::TimeSpan;
use chrono::{DateTime, Duration, Utc};

pub(super) enum Move {
    Report(Intent),
    Wait(DateTime<Utc>, Standing),
    Ask(ConflictKind, ConflictCause),
}

/// R3 and R4 for the time: what to do about a move in the calendar.
pub(super) fn move_to_report(
    record: &Record,
    appointment: &Appointment,
    event: &Event,
    ctx: &Context,
) -> Move {
    let from = appointment.span();
    let chosen = record.requested_time;
    let Some(to) = chosen.or_else(|| event.time.timed()) else {
        return Move::Ask(ConflictKind::UnusualMove, ConflictCause::MadeAllDay);
    };
    let to = to.in_zone(appointment.zone);
    let confirmed = chosen.is_some() || record.confirmed_time == Some(to);
    if !appointment.editable.time {
        return Move::Ask(ConflictKind::Refused, ConflictCause::NotEditable);
    }
    if let Some(refusal) = record
        .refusal
        .as_ref()
        .filter(|_| !bug::is_on(Bug::RefusedIsRepeated))
    {
        // The platform has said no to exactly this; asking again would only tell the admin twice.
        if refusal.field == Field::Time && refusal.time == Some(to) && refusal.version == appointment.version
        {
            return Move::Ask(ConflictKind::Refused, ConflictCause::Refused(refusal.clone()));
        }
    }
    let moved_at = record
        .calendar_moved_at
        .or(event.updated)
        .unwrap_or(ctx.now)
        .min(ctx.now);
    if !confirmed {
        let due_at = moved_at + Duration::seconds(SETTLE_SECONDS);
        if ctx.now < due_at && !bug::is_on(Bug::NoSettleTime) {
            return Move::Wait(due_at, Standing::Settling);
        }
        if let Some(until) = super::cooling(record, ctx) {
            return Move::Wait(until, Standing::CoolDown);
        }
        if let Some(cause) = unusual(from, to, ctx.now) {
            return Move::Ask(ConflictKind::UnusualMove, cause);
        }
        if record.ask_moves {
            return Move::Ask(ConflictKind::UnusualMove, ConflictCause::ManyMoves);
        }
    }
    Move::Report(Intent::Move {
        version: appointment.version,
        time: to,
        from,
        moved_at,
        event_id: event.id.clone(),
    })
}

/// Why a move is asked about first, if it is.
pub(super) fn unusual(from: TimeSpan, to: TimeSpan, now: DateTime<Utc>) -> Option<ConflictCause> {
    if to.is_empty() {
        return Some(ConflictCause::MadeAllDay);
    }
    // What already runs may be made longer or shorter.
    let starts_in_past = to.start < now && to.start != from.start;
    if starts_in_past || to.end <= now {
        return Some(ConflictCause::MovedIntoPast);
    }
    let far = (to.start - from.start).num_seconds().abs() > Duration::days(UNUSUAL_MOVE_DAYS).num_seconds();
    far.then_some(ConflictCause::MovedFar)
}

pub(super) enum NotesReport {
    Report(Intent),
    Wait(DateTime<Utc>, Standing),
    Ask(ConflictCause),
}

pub(super) fn notes_to_report(
    record: &Record,
    appointment: &Appointment,
    rendered: &Rendered,
    ctx: &Context,
) -> NotesReport {
    let notes = reportable_notes(record, rendered).unwrap_or_default();
    // The platform has said no to exactly this; other words are offered again.
    let refused = |refusal: &&Refusal| {
        refusal.field == Field::Notes
            && refusal.version == appointment.version
            && refusal.notes.as_ref().is_none_or(|refused| *refused == notes)
    };
    if let Some(refusal) = record.refusal.as_ref().filter(refused) {
        return NotesReport::Ask(ConflictCause::Refused(refusal.clone()));
    }
    let updated = record.event.as_ref().and_then(|event| event.updated);
    let edited_at = record
        .calendar_edited_at
        .or(updated)
        .unwrap_or(ctx.now)
        .min(ctx.now);
    let due_at = edited_at + Duration::seconds(SETTLE_SECONDS);
    if ctx.now < due_at {
        return NotesReport::Wait(due_at, Standing::Settling);
    }
    if let Some(until) = super::cooling(record, ctx) {
        return NotesReport::Wait(until, Standing::CoolDown);
    }
    NotesReport::Report(Intent::Notes {
        version: appointment.version,
        notes,
    })
}
