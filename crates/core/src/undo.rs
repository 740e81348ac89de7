//! Undoing an answer and restoring what the history tells: always a new edit of the record, never a way back in time.
//!
//! What it comes to is decided by the ordinary rules afterwards: an earlier time is requested of the platform like any move,
//! so the admin is told again; words come back as the trainer's own. Trying it on a copy of a record tells what it would
//! do.

use crate::appointment::Appointment;
use crate::conflict::{Choice, Conflict, ConflictCause, ConflictState, FieldConflict, Resolution};
use crate::event::Event;
use crate::filter;
use crate::reconcile::{COOL_DOWN_SECONDS, Context, rendered, span_of};
use crate::record::{Field, LinkState, Record, Value};
use crate::resolve::{choose, put_back, resume};
use crate::settings::LeftOutPolicy;
use crate::text::{observed, tail_of};
use crate::time::TimeSpan;
use chrono::Duration;

/// What is wanted back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The time before a move.
    Back {
        /// Where it was moved to; another time now means that somebody has moved it since.
        from: TimeSpan,
        /// Where it was before.
        to: TimeSpan,
    },
    /// An event that was deleted in the calendar.
    PutBack,
    /// An event that was added is to go: its appointment is left out.
    LeaveOut,
    /// An event that was deleted because its appointment was left out is to come again.
    LetIn,
    /// The other way round of an answered conflict.
    Answer(Box<Conflict>),
}

/// What having it back does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Time now, where one changes or goes.
    pub from: Option<TimeSpan>,
    /// Time afterwards, where one changes or comes.
    pub to: Option<TimeSpan>,
    /// The platform is told, and with it the admin.
    pub tells_admin: bool,
}

/// Why it cannot be had back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The appointment or its event is not there any more.
    #[error("gone")]
    Gone,
    /// The appointment, or the time wanted back, is over.
    #[error("over")]
    Over,
    /// Somebody has changed it since.
    #[error("changed since")]
    ChangedSince,
    /// The platform, or the direction of the sync, does not let it be changed.
    #[error("not editable")]
    NotEditable,
    /// It is so already.
    #[error("the same already")]
    Same,
    /// The words were not kept in a form that can be written.
    #[error("text not kept")]
    TextNotKept,
    /// The appointment is left out of the sync.
    #[error("left out")]
    LeftOut,
    /// There is nothing to have back.
    #[error("nothing")]
    Nothing,
}

impl Why {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Over => "over",
            Self::ChangedSince => "changed_since",
            Self::NotEditable => "not_editable",
            Self::Same => "same",
            Self::TextNotKept => "text_not_kept",
            Self::LeftOut => "left_out",
            Self::Nothing => "nothing",
        }
    }
}

/// Edits the record so that the next decision brings it back. Leaving out and letting in edit nothing here: whether an
/// appointment is excluded is a setting.
///
/// # Errors
/// Why it cannot be; the record is then untouched.
pub fn bring_back(record: &mut Record, wish: &Wish, ctx: &Context) -> Result<Effect, Why> {
    let mut edited = record.clone();
    let effect = match wish {
        Wish::Back { from, to } => {
            syncing(&edited, ctx)?;
            move_back(&mut edited, *from, *to, ctx)
        }
        Wish::PutBack => put_event_back(&mut edited, ctx),
        Wish::LeaveOut => leave_out(&edited, ctx),
        Wish::LetIn => let_in(&mut edited, ctx),
        Wish::Answer(conflict) => other_way_round(&mut edited, conflict, ctx),
    }?;
    *record = edited;
    Ok(effect)
}

fn living<'a>(record: &'a Record, ctx: &Context) -> Result<&'a Appointment, Why> {
    let appointment = record
        .appointment
        .as_ref()
        .filter(|_| record.removal.is_none())
        .ok_or(Why::Gone)?;
    if appointment.span().end <= ctx.now {
        return Err(Why::Over);
    }
    let left_out = filter::left_out(appointment, &ctx.settings.filters, ctx.connected_at);
    if left_out.is_some() || record.link == LinkState::Stopped {
        return Err(Why::LeftOut);
    }
    Ok(appointment)
}

/// Appointment and event are there, are in the sync, and nothing about them waits for an answer.
fn syncing<'a>(record: &'a Record, ctx: &Context) -> Result<(&'a Appointment, &'a Event), Why> {
    let appointment = living(record, ctx)?;
    let event = record.event.as_ref().ok_or(Why::Gone)?;
    if record.conflict.is_some() || event.recurring {
        return Err(Why::ChangedSince);
    }
    Ok((appointment, event))
}

/// Requests the time `to`, if the appointment is at `expected` now or on its way there.
fn move_back(record: &mut Record, expected: TimeSpan, to: TimeSpan, ctx: &Context) -> Result<Effect, Why> {
    let (appointment, event) = syncing(record, ctx)?;
    let said = appointment.span();
    let shown = event.time.timed();
    let confirmed = record.confirmed_time.filter(|time| shown == Some(*time));
    let aimed = record.requested_time.or(confirmed);
    if aimed.is_none() && record.calendar_moved_at.is_some() && shown != Some(said) {
        return Err(Why::ChangedSince);
    }
    let now = aimed.unwrap_or(said);
    if now == to {
        return Err(Why::Same);
    }
    if now != expected {
        return Err(Why::ChangedSince);
    }
    let past = to.start < ctx.now && to.start != said.start;
    if past || to.end <= ctx.now {
        return Err(Why::Over);
    }
    let tells_admin = to != said;
    let direction = ctx.settings.direction;
    let possible = if tells_admin {
        appointment.editable.time && direction.reports()
    } else {
        direction.writes_calendar()
    };
    if !possible {
        return Err(Why::NotEditable);
    }
    choose(record, Field::Time, &Choice::Time { time: to }, ctx).map_err(|_| Why::NotEditable)?;
    Ok(Effect {
        from: Some(now),
        to: Some(to),
        tells_admin,
    })
}

fn put_event_back(record: &mut Record, ctx: &Context) -> Result<Effect, Why> {
    let time = living(record, ctx)?.span();
    if !ctx.settings.direction.writes_calendar() {
        return Err(Why::NotEditable);
    }
    if !put_back(record) {
        return Err(Why::Same);
    }
    Ok(Effect {
        to: Some(time),
        ..Effect::default()
    })
}

fn leave_out(record: &Record, ctx: &Context) -> Result<Effect, Why> {
    living(record, ctx)?;
    let event = record.event.as_ref().ok_or(Why::Same)?;
    if !ctx.settings.direction.writes_calendar() {
        return Err(Why::NotEditable);
    }
    if ctx.settings.filters.left_out == LeftOutPolicy::Keep || event.recurring {
        // It would stay in the calendar all the same.
        return Err(Why::Nothing);
    }
    if record.is_edited() {
        // What the trainer made of it since would go with it.
        return Err(Why::ChangedSince);
    }
    Ok(Effect {
        from: event.time.timed(),
        ..Effect::default()
    })
}

/// Only an exclusion of this one appointment can be taken back here: other rules are about more than it.
fn let_in(record: &mut Record, ctx: &Context) -> Result<Effect, Why> {
    let appointment = record.appointment.as_ref().filter(|_| record.removal.is_none());
    let appointment = appointment.ok_or(Why::Gone)?;
    let time = appointment.span();
    if time.end <= ctx.now {
        return Err(Why::Over);
    }
    if record.event.is_some() {
        return Err(Why::Same);
    }
    if !ctx.settings.direction.writes_calendar() {
        return Err(Why::NotEditable);
    }
    let mut filters = ctx.settings.filters.clone();
    let excluded = filters.excluded.remove(&appointment.id);
    if record.link == LinkState::Stopped
        || filter::left_out(appointment, &filters, ctx.connected_at).is_some()
    {
        return Err(Why::LeftOut);
    }
    if !put_back(record) && !excluded {
        // It comes by itself.
        return Err(Why::Same);
    }
    Ok(Effect {
        to: Some(time),
        ..Effect::default()
    })
}

fn other_way_round(record: &mut Record, conflict: &Conflict, ctx: &Context) -> Result<Effect, Why> {
    let ConflictState::Resolved { resolution, .. } = &conflict.state else {
        return Err(Why::Nothing);
    };
    let cancelled = conflict.cause == ConflictCause::SeriesCancelled;
    let stopped = *resolution == Resolution::StopSyncing;
    if stopped || (cancelled && *resolution == Resolution::KeepCalendar) {
        if record.removal.is_some() && !cancelled {
            return Err(Why::Gone);
        }
        if record.link != LinkState::Stopped {
            return Err(Why::Same);
        }
        resume(record);
        return Ok(Effect::default());
    }
    if cancelled {
        return Err(Why::Gone);
    }
    syncing(record, ctx)?;
    let mut effect = None;
    for field in &conflict.fields {
        let kept = kept(record, field, resolution, ctx)?;
        let done = match field.field {
            Field::Time => {
                let (now, other) = match &kept {
                    Choice::Platform => (&field.platform, &field.calendar),
                    Choice::Calendar | Choice::Time { .. } => (&field.calendar, &field.platform),
                };
                let now = match &kept {
                    Choice::Time { time } => Some(*time),
                    Choice::Platform | Choice::Calendar => span_of(now),
                };
                // Whole days are no time that could be requested.
                let (now, other) = now.zip(span_of(other)).ok_or(Why::NotEditable)?;
                move_back(record, now, other, ctx)
            }
            Field::Title | Field::Location | Field::Notes => words_back(record, field, &kept, ctx),
        };
        match done {
            Ok(done) => effect = Some(joined(effect.unwrap_or_default(), done)),
            Err(Why::Same) => {}
            Err(why) => return Err(why),
        }
    }
    record.cool_down_until = Some(ctx.now + Duration::seconds(COOL_DOWN_SECONDS));
    effect.ok_or(Why::Same)
}

fn joined(one: Effect, other: Effect) -> Effect {
    Effect {
        from: one.from.or(other.from),
        to: one.to.or(other.to),
        tells_admin: one.tells_admin || other.tells_admin,
    }
}

/// Which value of a field the answer kept. "Most recent" is told by what is there now.
fn kept(
    record: &Record,
    field: &FieldConflict,
    resolution: &Resolution,
    ctx: &Context,
) -> Result<Choice, Why> {
    match resolution {
        Resolution::KeepPlatform => Ok(Choice::Platform),
        Resolution::KeepCalendar => Ok(Choice::Calendar),
        Resolution::Merge { choices } => choices
            .iter()
            .find(|(chosen, _)| *chosen == field.field)
            .map(|(_, choice)| choice.clone())
            .ok_or(Why::Nothing),
        Resolution::MostRecent => {
            let (appointment, event) = syncing(record, ctx)?;
            let now = match field.field {
                Field::Time => {
                    let aimed = record.requested_time.or(record.confirmed_time);
                    Some(aimed.unwrap_or(appointment.span()))
                        .map(|time| Value::Time(crate::time::EventTime::Timed(time)))
                }
                Field::Title | Field::Location | Field::Notes => {
                    words_now(record, appointment, event, field.field, ctx)
                }
            };
            if now.as_ref() == Some(&field.platform) {
                Ok(Choice::Platform)
            } else if now.as_ref() == Some(&field.calendar) {
                Ok(Choice::Calendar)
            } else {
                Err(Why::ChangedSince)
            }
        }
        Resolution::StopSyncing | Resolution::Create | Resolution::Dismiss => Err(Why::Nothing),
    }
}

/// The words of the event, as they are or are about to be written.
fn words_now(
    record: &Record,
    appointment: &Appointment,
    event: &Event,
    field: Field,
    ctx: &Context,
) -> Option<Value> {
    if let Some(wanted) = record.requested_text.get(field) {
        return Some(wanted.clone());
    }
    let shown = observed(event).get(field).cloned();
    let given_way =
        record.base.platform.get(field).is_none() && record.base.calendar.get(field) == shown.as_ref();
    if given_way {
        rendered(appointment, ctx).written().get(field).cloned()
    } else {
        shown
    }
}

/// Brings back the words that an answer gave up.
fn words_back(
    record: &mut Record,
    field: &FieldConflict,
    kept: &Choice,
    ctx: &Context,
) -> Result<Effect, Why> {
    let (appointment, event) = syncing(record, ctx)?;
    let which = field.field;
    let (kept, other) = match kept {
        Choice::Platform => (&field.platform, &field.calendar),
        Choice::Calendar => (&field.calendar, &field.platform),
        Choice::Time { .. } => return Err(Why::Nothing),
    };
    let Value::Text(words) = other else {
        return Err(Why::TextNotKept);
    };
    let now = words_now(record, appointment, event, which, ctx);
    if now.as_ref() == Some(other) {
        return Err(Why::Same);
    }
    if now.as_ref() != Some(kept) {
        return Err(Why::ChangedSince);
    }
    let rendered = rendered(appointment, ctx);
    let said = rendered.written().get(which).cloned();
    let direction = ctx.settings.direction;
    if !direction.writes_calendar() {
        return Err(Why::NotEditable);
    }
    if said.as_ref() == Some(other) {
        choose(record, which, &Choice::Platform, ctx).map_err(|_| Why::Nothing)?;
        return Ok(Effect::default());
    }
    if said.as_ref() != Some(kept) {
        return Err(Why::ChangedSince);
    }
    if !direction.reports() {
        // Own words are put back at once where the platform has the only say.
        return Err(Why::NotEditable);
    }
    let mut tells_admin = false;
    if which == Field::Notes {
        let Some(Value::Text(block)) = &said else {
            return Err(Why::TextNotKept);
        };
        // Contact and link are written as the settings say today, not as they said then.
        if !rendered.notes_whole || tail_of(words) != tail_of(block) {
            return Err(Why::TextNotKept);
        }
        tells_admin = appointment.editable.notes;
    }
    let shown = observed(event).get(which).cloned();
    let written = shown.as_ref() == Some(other);
    let canonical = rendered.canonical().get(which).cloned();
    let wanted = Value::Text(words.clone());
    record.base.platform.set(which, canonical);
    // Where the words still stand, nothing is to be written: they are the trainer's own again.
    record.base.calendar.set(which, shown.filter(|_| !written));
    record.requested_text.set(which, Some(wanted));
    Ok(Effect {
        tells_admin,
        ..Effect::default()
    })
}

#[cfg(test)]
#[path = "undo_tests.rs"]
mod tests;
