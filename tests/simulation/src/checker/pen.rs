//! P8: a deletion that nobody said, that only follows from something, is held where the trainer can see it before it goes.

use super::deletions::{app_deletions, is_chosen};
use super::facts::Facts;
use super::mass::{mark_of, was_let_go};
use crate::ended::Violation;
use chrono::TimeDelta;
use roundtrip_core::outbox::DeleteReason;
use roundtrip_core::question::QuestionKind;
use roundtrip_engine::ledger::{HistoryItem, HistoryWhat};
use roundtrip_sandbox::history::Change;

/// So long it is held at least: a day, less what wrong clocks of the services may take off it.
const HELD: TimeDelta = TimeDelta::hours(23);

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (change, appointment, event) in app_deletions(facts) {
        let Some(laptop) = facts.laptop_of(change) else {
            continue;
        };
        // A clock that was set may let a day pass in a moment.
        let clock_was_set =
            facts.ended.requests.iter().any(|request| {
                request.laptop == laptop && request.at <= change.at && request.era % 1_000 != 0
            });
        if clock_was_set
            || !is_inferred(facts, laptop, appointment, event, change)
            || is_chosen(facts, appointment, change)
            || was_let_go(
                facts,
                (laptop, QuestionKind::InferredDeletions),
                (appointment, mark_of(facts, event).as_deref()),
                change.at,
            )
        {
            continue;
        }
        let waited = facts
            .ended
            .witnessed
            .held
            .iter()
            .any(|(by, at, whose, answered)| {
                let long_ago = change.at - *at >= HELD;
                *by == laptop && whose.as_str() == appointment && *at <= change.at && (*answered || long_ago)
            });
        if !waited {
            let what = format!(
                "an event went (#{}) though that was only inferred, and it was not held for a day",
                change.seq
            );
            facts.violates(found, "P8", appointment, &what);
        }
    }
}

/// Absent, by the laptop's own word; or left out by its rules although the platform never changed anything.
fn is_inferred(facts: &Facts<'_>, laptop: usize, appointment: &str, event: &str, deletion: &Change) -> bool {
    let row = row_of(facts, laptop, appointment, deletion);
    let Some(made) = facts.event(event).find(|change| change.actor.is_app()) else {
        return false;
    };
    // Whether it changed before or after the event was made: a laptop may have heard of it late.
    let said = facts.appointment(appointment);
    let unchanged = said.filter(|change| change.seq < deletion.seq).count() <= 1;
    // An event of a laptop with other rules goes by rules that were there before it.
    let new_rules = facts
        .ended
        .witnessed
        .settings
        .iter()
        .any(|(by, at, _)| *by == laptop && *at >= made.at);
    // One too many goes because the other one is there, whether or not that one is to stay (seed 503540).
    let one_is_left = facts.has_other_live(appointment, event, deletion.seq);
    row.is_some_and(|item| match item.what {
        HistoryWhat::Deleted {
            reason: DeleteReason::Duplicate,
            ..
        } if one_is_left => false,
        HistoryWhat::Deleted { inferred: true, .. } => true,
        HistoryWhat::Deleted {
            reason: DeleteReason::LeftOut,
            ..
        } => unchanged && new_rules,
        _ => false,
    })
}

/// What the laptop's history says of a deletion. An event that the trainer takes from the bin may go once more: the nearest line is
/// about this deletion (seed 16575).
pub(super) fn row_of<'a>(
    facts: &'a Facts<'_>,
    laptop: usize,
    appointment: &str,
    deletion: &Change,
) -> Option<&'a HistoryItem> {
    let about = |item: &&HistoryItem| {
        item.appointment_id
            .as_ref()
            .is_some_and(|id| id.as_str() == appointment)
            && matches!(item.what, HistoryWhat::Deleted { .. })
            && (item.at - deletion.at).abs() <= TimeDelta::minutes(30)
    };
    let lines = facts.ended.laptops[laptop].history.iter().filter(about);
    lines.min_by_key(|item| (item.at - deletion.at).abs())
}
