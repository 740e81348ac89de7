//! Most appointments agree with their event, and go on doing so. To see that takes a comparison of what is there; a decision
//! takes copies of all of it.

use super::{Context, Decision, reconcile};
use crate::appointment::{Appointment, AppointmentStatus};
use crate::bug;
use crate::event::Event;
use crate::filter;
use crate::record::{EventNote, FieldValues, LinkState, Record, Value};
use crate::text::{looks_hash, plainly};
use crate::time::EventTime;

/// The decision for a record, as [`reconcile`] takes it; none for a record that [`is_settled`].
pub fn unless_settled(record: &Record, ctx: &Context) -> Option<Decision> {
    (!is_settled(record, ctx)).then(|| reconcile(record, ctx))
}

/// True only if [`reconcile`] would give the record back as it is and in sync ([`super::Standing::InSync`]), with nothing to
/// write, ask, tell or wait for. Where it is false, that may be so all the same: then it takes a decision to know.
pub fn is_settled(record: &Record, ctx: &Context) -> bool {
    let (Some(appointment), Some(event)) = (&record.appointment, &record.event) else {
        return false;
    };
    is_linked_with_nothing_open(record)
        && record.passed == Some(appointment.version)
        && !record.unread_on_platform
        && !record.event_knows_more()
        && !event.recurring
        && appointment.span().end > ctx.now
        && record.note == note_of(event)
        && both_say_the_base(record, appointment, event, ctx)
        && filter::left_out(appointment, &ctx.settings.filters, ctx.connected_at).is_none()
        // A deliberate bug sits in the decision.
        && !bug::any_is_on()
}

fn is_linked_with_nothing_open(record: &Record) -> bool {
    record.link == LinkState::Linked
        && record.removal.is_none()
        && record.duplicates.is_empty()
        && record.held.is_none()
        && record.conflict.is_none()
        && record.refusal.is_none()
        && record.calendar_moved_at.is_none()
        && record.confirmed_time.is_none()
        && record.requested_time.is_none()
        && record.promised_time.is_none()
        && record.requested_text == FieldValues::default()
        && !record.ask_moves
        && !record.chase_held
}

fn note_of(event: &Event) -> Option<EventNote> {
    match (event.declined, event.free) {
        (true, _) => Some(EventNote::Declined),
        (false, true) => Some(EventNote::MarkedFree),
        (false, false) => None,
    }
}

/// R1 for each field, with nothing to follow.
fn both_say_the_base(record: &Record, appointment: &Appointment, event: &Event, ctx: &Context) -> bool {
    let time = EventTime::Timed(appointment.span());
    if event.time != time {
        return false;
    }
    let settings = &ctx.settings.text;
    let Some(said) = plainly(appointment, event, settings, ctx.client_names_allowed) else {
        return false;
    };
    let text = |value: &Option<Value>, said: &str| matches!(value, Some(Value::Text(text)) if text == said);
    let is_base = |base: &FieldValues| {
        base.time == Some(Value::Time(time))
            && text(&base.title, said.title)
            && text(&base.location, said.location)
            && text(&base.notes, said.notes)
    };
    let tentative = appointment.status == AppointmentStatus::Tentative;
    is_base(&record.base.platform)
        && is_base(&record.base.calendar)
        && record.looks.as_ref().is_some_and(|looks| {
            *looks
                == looks_hash(
                    tentative,
                    appointment.private,
                    settings.color.as_deref(),
                    said.source_url,
                )
        })
}

#[cfg(test)]
#[path = "../settled_tests.rs"]
mod tests;
