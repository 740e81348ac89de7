//! I10 no deletion without an explicit reason, P5 disconnecting leaves the events.

use super::events::own_text;
use super::facts::{Facts, moved_to, span_of};
use crate::ended::{EndedLaptop, Violation};
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use roundtrip_core::filter::{self, LeftOut};
use roundtrip_core::outbox::{DeleteReason, Intent};
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_sandbox::history::{Actor, AppointmentState, Change, EventState};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let deletions = deletions(facts);
    for deletion in &deletions {
        if deletion.why == Why::Nothing {
            let what = format!(
                "the app deleted its event (#{}) though nothing said so explicitly",
                deletion.change.seq
            );
            facts.violates(found, "I10", deletion.appointment, &what);
        }
    }
    nothing_goes_with_the_connection(facts, &deletions, found);
    no_edit_goes_unsaid(facts, found);
    no_own_text_goes_unsaid(facts, &deletions, found);
}

/// What the services' histories say for a deletion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// Cancelled, given to somebody else, deleted.
    Platform,
    /// A filter leaves it out.
    Filter,
    /// There was another live event for the same appointment.
    Duplicate,
    /// The trainer asked for it.
    Asked,
    /// Nothing.
    Nothing,
}

pub(super) struct Deletion<'a> {
    pub(super) change: &'a Change,
    pub(super) appointment: &'a str,
    pub(super) event: &'a str,
    pub(super) why: Why,
}

/// Every deletion of one of our events by the app, with its appointment and event.
pub(super) fn app_deletions<'a>(
    facts: &'a Facts<'_>,
) -> impl Iterator<Item = (&'a Change, &'a str, &'a str)> {
    facts.own_events().flat_map(|(event, appointment)| {
        let by_app = facts.event(event).filter(|change| change.actor.is_app());
        let gone = by_app.filter(|change| {
            change.event_before().is_some_and(EventState::is_live)
                && !change.event_after().is_some_and(EventState::is_live)
        });
        gone.map(move |change| (change, appointment, event))
    })
}

/// Every deletion by the app with its reason, in order.
pub(super) fn deletions<'a>(facts: &'a Facts<'_>) -> Vec<Deletion<'a>> {
    let mut deletions: Vec<Deletion<'a>> = app_deletions(facts)
        .map(|(change, appointment, event)| Deletion {
            change,
            appointment,
            event,
            why: why(facts, appointment, event, change),
        })
        .collect();
    deletions.sort_by_key(|deletion| deletion.change.seq);
    deletions
}

fn why(facts: &Facts<'_>, appointment: &str, event: &str, deletion: &Change) -> Why {
    // Since the app last wrote the event, somebody said that the trainer need not be there.
    let written = facts
        .event(event)
        .rfind(|change| change.seq < deletion.seq && change.actor.is_app())
        .map_or(0, |change| change.seq);
    if facts.was_free_of(appointment, written, deletion.seq)
        || was_not_heard_since(facts, appointment, deletion)
    {
        return Why::Platform;
    }
    if facts.has_other_live(appointment, event, deletion.seq) {
        return Why::Duplicate;
    }
    let said = |reason: DeleteReason| {
        facts.is_told(
            appointment,
            deletion.at,
            |item| matches!(&item.what, HistoryWhat::Deleted { reason: told, .. } if *told == reason),
        )
    };
    // Its own row may be lost with an answer; the click is not.
    if said(DeleteReason::Asked) || is_chosen(facts, appointment, deletion) {
        return Why::Asked;
    }
    // The row is lost with a database, or with an answer, where the trainer took the event from the bin before it was known
    // (seed 18370), or it is still to come. The rules are not lost.
    let untold = facts.a_database_was_lost()
        || !facts.was_heard(deletion)
        || is_still_to_be_told(facts, deletion, event);
    if (said(DeleteReason::LeftOut) || untold) && some_rules_left_it_out(facts, appointment, deletion) {
        return Why::Filter;
    }
    Why::Nothing
}

/// Somebody said once that the trainer need not be there, and since that was taken back the laptop has had no answer of the platform
/// about its appointments: it takes its event out of the calendar once more where the trainer took it from the bin (seed 801739).
fn was_not_heard_since(facts: &Facts<'_>, appointment: &str, deletion: &Change) -> bool {
    let (Some(laptop), Some(said)) = (
        facts.laptop_of(deletion),
        facts
            .appointment(appointment)
            .rfind(|change| change.seq < deletion.seq),
    ) else {
        return false;
    };
    let answered = facts.ended.requests.iter().any(|request| {
        request.laptop == laptop
            && !request.google
            && request.method == "GET"
            && (said.at..=deletion.at).contains(&request.at)
            && request.status.is_some_and(|status| status < 400)
    });
    facts.was_free_of(appointment, 0, said.seq) && !answered
}

/// Whether settings that the deleting laptop ever had before leave the appointment out, in any state that it had: worked out
/// from what the services say and the trainer set, not from what the ledger calls left out.
fn some_rules_left_it_out(facts: &Facts<'_>, appointment: &str, deletion: &Change) -> bool {
    rules_of_some_time(facts, appointment, facts.laptop_of(deletion), deletion.at)
}

/// As above, for a laptop (if it is known which) up to a time.
pub(super) fn rules_of_some_time(
    facts: &Facts<'_>,
    appointment: &str,
    laptop: Option<usize>,
    until: DateTime<Utc>,
) -> bool {
    let rules = facts
        .ended
        .witnessed
        .settings
        .iter()
        .filter(|(by, at, _)| laptop.is_none_or(|laptop| laptop == *by) && *at <= until)
        .map(|(_, _, settings)| settings.clone())
        // Nobody writes down what is so from the beginning, or again after a database was lost.
        .chain([SyncSettings::default()]);
    let states: Vec<&AppointmentState> = facts
        .appointment(appointment)
        .filter(|change| change.at <= until)
        .filter_map(Change::appointment_after)
        .collect();
    let connected = laptop.and_then(|number| facts.ended.laptops[number].state.connected_at);
    rules.into_iter().any(|settings| {
        states.iter().any(|state| {
            let zone: chrono_tz::Tz = state.zone.parse().unwrap_or(chrono_tz::Europe::Berlin);
            let day = state.start.with_timezone(&zone).weekday().num_days_from_monday() as u8;
            settings.filters.weekdays_off.contains(&day)
                || (state.private && !settings.filters.include_private)
                // The platform moved it to before the connection, and its event stood ahead.
                || connected.is_some_and(|connected| state.start < connected)
                || settings
                    .filters
                    .excluded
                    .iter()
                    .any(|id| id.as_str() == appointment)
        })
    })
}

/// Whether the filters of a laptop leave an appointment out, as they are at the end.
pub(super) fn leaves_out(laptop: &EndedLaptop, appointment: &str) -> Option<LeftOut> {
    let known = laptop
        .records
        .iter()
        .find(|record| record.appointment_id.as_str() == appointment)
        .and_then(|record| record.appointment.as_ref());
    let connected = laptop.state.connected_at.unwrap_or(DateTime::<Utc>::MIN_UTC);
    filter::left_out(known?, &laptop.settings.filters, connected)
}

/// P5: what is deleted after a laptop was disconnected was asked for.
fn nothing_goes_with_the_connection(
    facts: &Facts<'_>,
    deletions: &[Deletion<'_>],
    found: &mut Vec<Violation>,
) {
    for (number, laptop) in facts
        .ended
        .laptops
        .iter()
        .enumerate()
        .filter(|(_, laptop)| laptop.disconnected)
    {
        let left = laptop.history.iter().rev().find_map(|item| match &item.what {
            HistoryWhat::Disconnected { .. } => Some(item.at),
            _ => None,
        });
        let Some(left) = left else { continue };
        for deletion in deletions {
            let by_it = facts.laptop_of(deletion.change) == Some(number);
            if by_it && deletion.change.at > left && deletion.why != Why::Asked {
                let what = format!("an event went with the connection (#{})", deletion.change.seq);
                facts.violates(found, "P5", deletion.appointment, &what);
            }
        }
    }
}

/// Whether the trainer left out this very appointment.
pub(super) fn is_chosen(facts: &Facts<'_>, appointment: &str, deletion: &Change) -> bool {
    facts.is_told(appointment, deletion.at - TimeDelta::days(30), |item| {
        matches!(item.what, HistoryWhat::Restored { to: None, .. })
    })
}

/// I5: where an event goes with a move that nobody was told of, the history says that an edit was lost with it.
fn no_edit_goes_unsaid(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    if facts.a_database_was_lost() {
        return;
    }
    for (deletion, appointment, event) in app_deletions(facts) {
        let mut changes = facts.event(event).filter(|change| change.seq < deletion.seq);
        let last = changes.rfind(|change| moved_to(change).is_some());
        let Some((moved, Some(to))) = last.and_then(|change| Some((change, moved_to(change)?))) else {
            continue;
        };
        let known = facts
            .appointment(appointment)
            .filter_map(Change::appointment_after)
            .any(|state| span_of(state) == to);
        let others = facts.has_other_live(appointment, event, deletion.seq);
        let unheard = !facts.was_heard(deletion) && is_still_to_be_told(facts, deletion, event);
        if moved.actor != Actor::Trainer || known || others || unheard {
            continue;
        }
        let said = facts.is_told(appointment, moved.at, |item| {
            matches!(
                item.what,
                HistoryWhat::Deleted { edit_lost: true, .. }
                    | HistoryWhat::Refused { .. }
                    | HistoryWhat::ConflictRaised { .. }
                    | HistoryWhat::ConflictResolved { .. }
                    | HistoryWhat::Undone { .. }
                    | HistoryWhat::Restored { .. }
            )
        });
        if !said {
            let what = format!(
                "the trainer's move #{} went with its event (#{}), and nothing says so",
                moved.seq, deletion.seq
            );
            facts.violates(found, "I5", appointment, &what);
        }
    }
}

/// I5: where words outside our block go with an event, the history says that an edit was lost with it. The app deletes only what is
/// as it knows it, so it has read them. The trainer who asked to have all events deleted said so.
fn no_own_text_goes_unsaid(facts: &Facts<'_>, deletions: &[Deletion<'_>], found: &mut Vec<Violation>) {
    if facts.a_database_was_lost() {
        return;
    }
    for deletion in deletions {
        let (change, appointment, event) = (deletion.change, deletion.appointment, deletion.event);
        let words = change.event_before().map(own_text).unwrap_or_default();
        let by_hand = facts.event(event).any(|before| {
            let said = |state: Option<&EventState>| state.map(own_text).unwrap_or_default();
            before.seq < change.seq
                && before.actor == Actor::Trainer
                && said(before.event_after()) == words
                && said(before.event_before()) != words
        });
        let untold = !facts.was_heard(change) && is_still_to_be_told(facts, change, event);
        // Taken from the bin before anybody heard that it was gone: its words are there again (seed 1009379).
        let back = facts.event(event).any(|later| {
            later.seq > change.seq
                && !later.actor.is_app()
                && later.event_after().is_some_and(EventState::is_live)
        });
        let unheard = back && !facts.was_heard(change);
        let excused = matches!(deletion.why, Why::Asked | Why::Duplicate) || untold || unheard;
        // Half a marker line is no word of the trainer's.
        if words.is_empty() || words.contains("┈┈") || !by_hand || excused {
            continue;
        }
        let said = facts.is_told(appointment, change.at, |item| {
            matches!(item.what, HistoryWhat::Deleted { edit_lost: true, .. })
        });
        if !said {
            let what = format!(
                "the trainer's own text went with its event (#{}), and nothing says so",
                change.seq
            );
            facts.violates(found, "I5", appointment, &what);
        }
    }
}

/// Whether the deletion still waits in the laptop's outbox, because the answer was lost (seed 38761) or the power went while it
/// was written down (seed 864986): it is told once the laptop asks what became of it.
fn is_still_to_be_told(facts: &Facts<'_>, deletion: &Change, event: &str) -> bool {
    let waits = |number: usize| {
        let outbox = &facts.ended.laptops[number].outbox;
        outbox
            .iter()
            .any(|row| matches!(&row.intent, Intent::Delete { event_id, .. } if event_id.as_str() == event))
    };
    facts.laptop_of(deletion).is_some_and(waits)
}
