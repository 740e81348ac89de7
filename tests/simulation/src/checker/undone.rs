//! What the trainer wanted back (an undone run, answer or line) and was promised: it is there at the end, or a later hand, a
//! refusal or a conflict says why not. And it never goes over what a hand did after it.

use super::deletions::leaves_out;
use super::facts::{Facts, Span, hours_of, moved_to, span_of};
use crate::ended::{EndedLaptop, Violation};
use crate::witness::{Wanted, Wish};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_core::record::LinkState;
use roundtrip_engine::ledger::{HistoryItem, HistoryWhat};
use roundtrip_sandbox::history::{Change, EventState};

/// The services tell the time in whole seconds.
const CLOSE: TimeDelta = TimeDelta::seconds(5);

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let wishes = &facts.ended.witnessed.wishes;
    for (index, wish) in wishes.iter().enumerate() {
        let mut later = wishes[index + 1..].iter();
        let next = later.find(|other| other.appointment == wish.appointment);
        if let Wanted::Time(start, end) = wish.wanted {
            overwrites_nothing_newer(facts, wish, (start, end), next.map(|next| next.at), found);
        }
        if next.is_none() {
            holds(facts, wish, found);
        }
    }
}

/// What a hand did to the appointment or one of its events since then, and when.
fn hands<'a>(facts: &'a Facts<'_>, wish: &'a Wish) -> impl Iterator<Item = &'a Change> {
    let id = wish.appointment.as_str();
    let events = facts.events_of(id).into_iter();
    facts
        .appointment(id)
        .chain(events.flat_map(move |event| facts.event(event)))
        .filter(|change| change.at >= wish.at && !change.actor.is_app())
}

fn is_told(facts: &Facts<'_>, wish: &Wish, what: impl Fn(&HistoryWhat) -> bool) -> bool {
    let id = wish.appointment.as_str();
    let told = |item: &HistoryItem| what(&item.what);
    // Not with the slack of other checks: what led to the wish was told not long before it.
    facts
        .ended
        .laptops
        .iter()
        .flat_map(|laptop| &laptop.history)
        .any(|item| {
            item.appointment_id
                .as_ref()
                .is_some_and(|whose| whose.as_str() == id)
                && item.at >= wish.at - CLOSE
                && told(item)
        })
}

/// A question that came up after the wish was answered, though the answer's line bears an older time: nothing had told the laptop yet that
/// its clock was set back (seed 940922). A question comes before its answer, whatever the lines say.
fn is_chosen_by_a_clock_set_back(facts: &Facts<'_>, wish: &Wish) -> bool {
    let lines = || facts.ended.laptops.iter().flat_map(|laptop| &laptop.history);
    let raised = |item: &HistoryItem| match &item.what {
        HistoryWhat::ConflictRaised { conflict, .. } => Some(conflict.clone()),
        _ => None,
    };
    is_told(facts, wish, |what| {
        let HistoryWhat::ConflictRaised { conflict, .. } = what else {
            return false;
        };
        let first = lines()
            .filter(|item| raised(item).as_ref() == Some(conflict))
            .map(|item| item.at)
            .min();
        first.is_some_and(|first| first >= wish.at - CLOSE)
            && lines().any(
                |item| matches!(&item.what, HistoryWhat::ConflictResolved { conflict: answered, .. } if answered == conflict),
            )
    })
}

/// A report or a write of the wanted time takes the place of nothing that a hand did after the wish.
fn overwrites_nothing_newer(
    facts: &Facts<'_>,
    wish: &Wish,
    wanted: Span,
    next: Option<DateTime<Utc>>,
    found: &mut Vec<Violation>,
) {
    let id = wish.appointment.as_str();
    let chosen_since = is_told(facts, wish, |what| {
        matches!(what, HistoryWhat::ConflictResolved { .. })
    });
    if chosen_since || is_chosen_by_a_clock_set_back(facts, wish) {
        return;
    }
    let in_time = |change: &&Change| change.at > wish.at && next.is_none_or(|next| change.at < next);
    let span_before = |change: &Change| change.appointment_before().map(span_of);
    let hours_before = |change: &Change| change.event_before().and_then(hours_of);
    // Each write of the wanted time, with the time that it takes the place of.
    let reports = facts
        .appointment(id)
        .filter(in_time)
        .filter(|change| change.actor.is_app() && change.appointment_after().map(span_of) == Some(wanted))
        .map(|change| (change, span_before(change)));
    let reports: Vec<_> = reports.collect();
    let events = facts.events_of(id);
    let writes = events.iter().flat_map(|event| facts.event(event)).filter(in_time);
    let writes = writes
        .filter(|change| change.actor.is_app() && moved_to(change) == Some(Some(wanted)))
        .map(|change| (change, hours_before(change)));
    for (change, replaced) in reports.into_iter().chain(writes) {
        let by_hand =
            hands(facts, wish).filter(|hand| hand.seq < change.seq && hand.subject == change.subject);
        let newer = by_hand.last().filter(|hand| {
            let to = match hand.appointment_after() {
                // Notes or a title that were edited are no word about the time.
                Some(state) => Some(span_of(state)).filter(|now| span_before(hand) != Some(*now)),
                None => moved_to(hand).flatten(),
            };
            to.is_some() && to == replaced && to != Some(wanted)
        });
        // Where the platform itself says the wanted time by now, it is no longer only the wish.
        let said_since = hands(facts, wish)
            .any(|hand| hand.seq < change.seq && hand.appointment_after().map(span_of) == Some(wanted));
        if let Some(hand) = newer.filter(|_| !said_since) {
            let what = format!(
                "what was wanted back at {} went (#{}) over a later change by hand (#{})",
                wish.at, change.seq, hand.seq
            );
            facts.violates(found, "undo", id, &what);
        }
    }
}

/// At the end it is as it was wanted, or something says why not.
fn holds(facts: &Facts<'_>, wish: &Wish, found: &mut Vec<Violation>) {
    let id = wish.appointment.as_str();
    let laptop = &facts.ended.laptops[wish.laptop];
    let works = facts.working().any(|working| working.device == laptop.device) && laptop.writes;
    let Some(now) = facts.appointment_now(id) else {
        return;
    };
    if !works || laptop.database_was_lost || !laptop.settings.direction.writes_calendar() {
        // The wish is kept by the laptop that promised it, and carried out by the one that writes.
        return;
    }
    let events = facts.events_of(id);
    let live = || {
        let states = events.iter().filter_map(|event| facts.event_now(event));
        states.filter(|state| state.is_live())
    };
    let kept = match wish.wanted {
        Wanted::Time(start, end) => span_of(now) == (start, end),
        Wanted::Event => live().next().is_some(),
        Wanted::NoEvent => live().next().is_none(),
    };
    if kept || is_explained(facts, laptop, wish) || the_other_laptop_moved_on(facts, wish) {
        return;
    }
    let what = format!(
        "laptop {} promised at {} to bring back {:?}; it is not there, and nothing says why",
        wish.laptop, wish.at, wish.wanted
    );
    facts.violates(found, "undo", id, &what);
}

/// It came as it was wanted, and then the other laptop reported what was wanted or moved there; its own history says so (seed 801605).
fn the_other_laptop_moved_on(facts: &Facts<'_>, wish: &Wish) -> bool {
    let Wanted::Time(start, end) = wish.wanted else {
        return false;
    };
    let said = |change: &&Change| change.at >= wish.at && change.appointment_after().is_some();
    let mut changes = facts.appointment(wish.appointment.as_str()).filter(said);
    let came = changes.any(|change| change.appointment_after().map(span_of) == Some((start, end)));
    let mut moves = changes
        .filter(|change| change.appointment_after().map(span_of) != change.appointment_before().map(span_of));
    came && moves.next().is_some_and(|change| {
        facts
            .laptop_of(change)
            .is_some_and(|laptop| laptop != wish.laptop)
    })
}

fn is_explained(facts: &Facts<'_>, laptop: &EndedLaptop, wish: &Wish) -> bool {
    let id = wish.appointment.as_str();
    let told = is_told(facts, wish, |what| {
        matches!(
            what,
            HistoryWhat::Refused { .. }
                | HistoryWhat::ConflictRaised { .. }
                | HistoryWhat::ConflictResolved { .. }
                | HistoryWhat::RemovedInCalendar { .. }
                | HistoryWhat::HeldAnswered { .. }
                | HistoryWhat::WriteFailed { .. }
                | HistoryWhat::Overtaken { .. }
        )
    });
    let asked = laptop
        .conflicts
        .iter()
        .any(|conflict| conflict.appointment_id.as_str() == id)
        || (laptop.questions.iter())
            .any(|question| question.appointments.iter().any(|one| one.as_str() == id));
    let waits = laptop.outbox.iter().any(|row| row.appointment_id.as_str() == id);
    let record = laptop
        .records
        .iter()
        .find(|record| record.appointment_id.as_str() == id);
    let left = record.is_none_or(|record| {
        matches!(
            record.link,
            LinkState::Stopped | LinkState::Kept | LinkState::Closed | LinkState::Removed { .. }
        )
    });
    let left_out = wish.wanted != Wanted::NoEvent && leaves_out(laptop, id).is_some();
    let now = facts.appointment_now(id);
    let over = now.is_some_and(|now| span_of(now).1 <= facts.now)
        || matches!(wish.wanted, Wanted::Time(start, _) if start <= facts.now);
    let gone = now.is_none_or(|now| !now.is_assigned_to(facts.ended.user));
    hands(facts, wish).next().is_some()
        || was_behind(facts, wish)
        || told
        || asked
        || waits
        || left
        || left_out
        || over
        || gone
}

/// The laptop had not heard everything when it promised: the newer word then wins.
fn was_behind(facts: &Facts<'_>, wish: &Wish) -> bool {
    let id = wish.appointment.as_str();
    let before = |change: &&Change| change.at <= wish.at;
    let said = facts.appointment(id).rfind(before);
    let version = said
        .and_then(Change::appointment_after)
        .map(|state| state.version);
    let states = facts.events_of(id).into_iter().filter_map(|event| {
        let last = facts.event(event).rfind(before)?;
        last.event_after().filter(|state| EventState::is_live(state))
    });
    let etags: Vec<&str> = states.map(|state| state.etag.as_str()).collect();
    let known: Vec<&str> = wish.etag.as_deref().into_iter().collect();
    version != wish.version || etags != known
}
