//! Answers to conflicts, "put back", and answers to the guard, as edits of the record.
//!
//! An answer never writes to a side. It edits the *base*, so that the ordinary rules come to the wanted write, with the
//! ordinary outbox, preconditions and guard: there is no second write path.

use crate::conflict::{Choice, Conflict, ConflictCause, Resolution, Seen};
use crate::reconcile::verdict::reportable_notes;
use crate::reconcile::{COOL_DOWN_SECONDS, Context, most_recent, rendered, wanted_time};
use crate::record::{Field, LinkState, Record};
use crate::settings::Direction;
use crate::text::{Rendered, observed};
use chrono::Duration;

/// An answer that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Either side changed since it was shown: show the new state.
    #[error("changed since it was shown")]
    Stale,
    /// This answer makes no sense here (an event made all-day has no time to report).
    #[error("not possible here")]
    NotPossible,
    /// Both were said within two minutes: choose one.
    #[error("both sides spoke at nearly the same time")]
    TooClose,
}

/// The states a person sees now.
pub fn seen(record: &Record) -> Seen {
    Seen {
        version: record.appointment.as_ref().map(|appointment| appointment.version),
        etag: record.event.as_ref().map(|event| event.etag.clone()),
    }
}

/// True if the calendar's value of this field goes to the platform where it is kept; else it stays in the calendar, beside the
/// platform's own.
pub fn is_reported(record: &Record, field: Field, rendered: &Rendered, direction: Direction) -> bool {
    let editable = record
        .appointment
        .as_ref()
        .map(|appointment| appointment.editable);
    direction.reports()
        && match field {
            Field::Time => editable.is_some_and(|editable| editable.time),
            Field::Notes => reportable_notes(record, rendered).is_some(),
            Field::Title | Field::Location => false,
        }
}

/// Edits the record so that the next decision carries the answer out.
///
/// # Errors
/// [`ResolveError::Stale`] if either side changed since `shown`; the record is then untouched.
pub fn resolve(
    record: &mut Record,
    conflict: &Conflict,
    resolution: &Resolution,
    shown: &Seen,
    ctx: &Context,
) -> Result<(), ResolveError> {
    if seen(record) != *shown {
        return Err(ResolveError::Stale);
    }
    let resolution = match resolution {
        Resolution::MostRecent => {
            let appointment = record.appointment.as_ref().ok_or(ResolveError::NotPossible)?;
            &most_recent(record, appointment, &conflict.fields).ok_or(ResolveError::TooClose)?
        }
        Resolution::KeepPlatform
        | Resolution::KeepCalendar
        | Resolution::Merge { .. }
        | Resolution::StopSyncing => resolution,
        // Of marked events only (`crate::marked`).
        Resolution::Create | Resolution::Dismiss => return Err(ResolveError::NotPossible),
    };
    let mut edited = record.clone();
    if *resolution == Resolution::StopSyncing {
        edited.link = LinkState::Stopped;
    } else if conflict.cause == ConflictCause::SeriesCancelled {
        match resolution {
            Resolution::KeepPlatform => edited.delete_confirmed = true,
            Resolution::KeepCalendar => edited.link = LinkState::Stopped,
            Resolution::MostRecent
            | Resolution::Merge { .. }
            | Resolution::StopSyncing
            | Resolution::Create
            | Resolution::Dismiss => {
                return Err(ResolveError::NotPossible);
            }
        }
    } else if conflict.cause == ConflictCause::MadeSeries {
        // Nothing is written to a series: it can only be left alone.
        return Err(ResolveError::NotPossible);
    } else {
        for field in conflict.fields.iter().map(|field| field.field) {
            let choice = match resolution {
                Resolution::KeepPlatform => Choice::Platform,
                Resolution::KeepCalendar => Choice::Calendar,
                Resolution::Merge { choices } => choices
                    .iter()
                    .find(|(chosen, _)| *chosen == field)
                    .map(|(_, choice)| choice.clone())
                    .ok_or(ResolveError::NotPossible)?,
                Resolution::MostRecent
                | Resolution::StopSyncing
                | Resolution::Create
                | Resolution::Dismiss => return Err(ResolveError::NotPossible),
            };
            choose(&mut edited, field, &choice, ctx)?;
        }
        if conflict.cause == ConflictCause::PingPong {
            edited.recent_writes.clear();
        }
    }
    edited.conflict = None;
    edited.cool_down_until = Some(ctx.now + Duration::seconds(COOL_DOWN_SECONDS));
    *record = edited;
    Ok(())
}

pub(crate) fn choose(
    record: &mut Record,
    field: Field,
    choice: &Choice,
    ctx: &Context,
) -> Result<(), ResolveError> {
    let appointment = record.appointment.as_ref().ok_or(ResolveError::NotPossible)?;
    let event = record.event.as_ref().ok_or(ResolveError::NotPossible)?;
    let editable = appointment.editable.time;
    let calendar_time = event.time.timed().map(|time| time.in_zone(appointment.zone));
    let platform = rendered(appointment, ctx).canonical().get(field).cloned();
    let calendar = observed(event).get(field).cloned();
    match (choice, field) {
        // The calendar's value is acknowledged, the platform's counts as new: it is written to the calendar.
        (Choice::Platform, _) => {
            record.base.platform.set(field, None);
            record.base.calendar.set(field, calendar);
            if field == Field::Time {
                record.calendar_moved_at = None;
                record.confirmed_time = None;
                record.requested_time = None;
                record.promised_time = None;
            }
        }
        (Choice::Calendar, Field::Time) => {
            let wanted = wanted_time(record);
            let time = wanted.or(calendar_time).ok_or(ResolveError::NotPossible)?;
            if !editable || time.is_empty() {
                return Err(ResolveError::NotPossible);
            }
            // One that was wanted in the window is wanted still: only the "no" to it is forgotten.
            record.confirmed_time = Some(time).filter(|_| wanted.is_none());
            record.requested_time = wanted;
            record.promised_time = wanted;
            record.base.platform.set(field, platform);
            record.base.calendar.set(field, None);
        }
        // The platform's value is acknowledged, the calendar's counts as new: it is reported, or stays as own wording.
        (Choice::Calendar, Field::Title | Field::Location | Field::Notes) => {
            record.base.platform.set(field, platform);
            record.base.calendar.set(field, None);
        }
        (Choice::Time { time }, Field::Time) => {
            if !editable || time.is_empty() {
                return Err(ResolveError::NotPossible);
            }
            record.requested_time = Some(time.in_zone(appointment.zone));
            record.promised_time = record.requested_time;
            record.confirmed_time = None;
            record.base.platform.set(field, platform);
            // Answered: only a move after this is one.
            record.base.calendar.set(field, None);
            record.calendar_moved_at = None;
        }
        (Choice::Time { .. }, Field::Title | Field::Location | Field::Notes) => {
            return Err(ResolveError::NotPossible);
        }
    }
    if field == Field::Time {
        record.policy_time = None;
    }
    record.requested_text.set(field, None);
    // Tried again is what was answered about; a "no" to another field stands.
    record.refusal = record.refusal.take().filter(|refusal| refusal.field != field);
    Ok(())
}

/// "Put back": the next generation is made. True if there was something to put back.
pub fn put_back(record: &mut Record) -> bool {
    if !matches!(record.link, LinkState::Removed { .. }) {
        return false;
    }
    // The id of the removed event is dead, so its generation counts as used.
    if !record.deleted_by_us.contains(&record.generation) {
        record.deleted_by_us.push(record.generation);
    }
    record.link = LinkState::Unlinked;
    record.tombstone_at = None;
    record.event = None;
    record.base = crate::record::Base::default();
    record.requested_text = crate::record::FieldValues::default();
    record.looks = None;
    record.problem = None;
    true
}

/// "Sync it again" after "stop syncing this one".
pub fn resume(record: &mut Record) {
    if record.link == LinkState::Stopped {
        // One that was not found is looked for again.
        record.link = if record.event.is_some() || record.missing_since.is_some() {
            LinkState::Linked
        } else {
            LinkState::Unlinked
        };
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
