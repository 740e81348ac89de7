//! Events that the trainer moved by hand out of a calendar that was in use before. Such an event keeps its id, and the id is made
//! from the calendar: ours is one of a calendar in [`Identity::former`]. Where its appointment has no event it is taken up; beside
//! one of the present calendar it is left alone, neither followed nor deleted, as long as that one is there.

use crate::absorb;
use crate::event::{Event, EventChange};
use crate::event_id::Identity;
use crate::ids::EventId;
use crate::record::{LinkState, Record};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// True if the live event of this record is one that the trainer moved here out of a former calendar.
pub(crate) fn was_moved_here(known: &Record, identity: &Identity) -> bool {
    let id = known.event.as_ref().map(|event| &event.id);
    let of = |id: &EventId| {
        let mut generations = 1..=known.generation.max(1);
        generations.any(|nth| identity.chose_formerly(id, &known.appointment_id, nth))
    };
    !identity.former.is_empty() && id.is_some_and(of)
}

/// As [`absorb::adopt`], for an event of this calendar: what was moved here beside it is left to the trainer, and not deleted as one too many.
pub fn adopt_here(record: &mut Record, seen: Event, identity: &Identity, now: DateTime<Utc>) {
    if was_moved_here(record, identity) {
        record.event = None;
    }
    absorb::adopt(record, seen, now);
}

/// True if sync leaves this event alone though it is ours: moved here out of a former calendar, beside what is known.
pub fn is_left_beside(event: &Event, identity: &Identity, records: &[Record]) -> bool {
    let Some(mark) = &event.mark else { return false };
    identity.chose_formerly(&event.id, &mark.appointment, mark.generation)
        && records
            .iter()
            .any(|known| known.appointment_id == mark.appointment && !awaits_event(known))
}

/// True if an event that was moved here may become this appointment's.
pub(crate) fn awaits_event(known: &Record) -> bool {
    known.event.is_none() && !matches!(known.link, LinkState::Stopped | LinkState::Kept)
}

/// Puts what the trainer moved here out of a former calendar behind everything else of a listing, which keeps its order: of two
/// events of one appointment this calendar's own is the one to know. All that is said of one event stays in its order.
pub fn moved_here_last(items: &mut [EventChange], identity: &Identity) {
    if identity.former.is_empty() {
        return;
    }
    let moved = |item: &EventChange| {
        let EventChange::Live(event) = item else {
            return None;
        };
        let mark = event.mark.as_ref()?;
        let moved = identity.chose_formerly(&event.id, &mark.appointment, mark.generation);
        moved.then(|| event.id.clone())
    };
    let moved: BTreeSet<EventId> = items.iter().filter_map(moved).collect();
    if moved.is_empty() {
        return;
    }
    items.sort_by_key(|item| match item {
        EventChange::Live(event) | EventChange::Foreign(event) => moved.contains(&event.id),
        EventChange::Deleted { id, .. } => moved.contains(id),
        EventChange::Unreadable { id, .. } => id.as_ref().is_some_and(|id| moved.contains(id)),
    });
}

#[cfg(test)]
#[path = "former_tests.rs"]
mod tests;
