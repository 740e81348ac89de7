//! What a standing policy answers when both sides changed something: one policy for the time, one for texts.

use super::report::unusual;
use super::{Context, Decision, MOST_RECENT_ASKS_SECONDS, reconcile};
use crate::appointment::Appointment;
use crate::conflict::{Choice, Conflict, FieldConflict, Resolution};
use crate::event::Event;
use crate::record::{Field, Record};
use crate::resolve;
use crate::settings::ConflictPolicy;
use chrono::Duration;

/// Carries out what a standing policy answered: the decision that follows, which still names the answer. The answer as a
/// conflict is `conflict`. None if it cannot be followed; then it is a question like any other.
pub fn follow_policy(decision: &Decision, conflict: &Conflict, ctx: &Context) -> Option<Decision> {
    let (_, resolution) = decision.by_policy.as_ref()?;
    let mut record = decision.record.clone();
    let shown = resolve::seen(&record);
    resolve::resolve(&mut record, conflict, resolution, &shown, ctx).ok()?;
    // A standing rule has nothing to cool down from.
    record.cool_down_until = None;
    record.policy_time = record.confirmed_time;
    let mut followed = reconcile(&record, ctx);
    followed.by_policy = decision.by_policy.clone();
    Some(followed)
}

/// The answer of the policies to all of these fields together; `None` if one of them is to be asked about, as nobody is
/// asked about half a conflict.
pub(super) fn policy_answer(
    record: &Record,
    appointment: &Appointment,
    event: &Event,
    fields: &[FieldConflict],
    ctx: &Context,
) -> Option<Resolution> {
    let latest: Vec<FieldConflict> = fields
        .iter()
        .filter(|conflict| policy_for(conflict.field, ctx) == ConflictPolicy::MostRecent)
        .cloned()
        .collect();
    let latest = most_recent(record, appointment, &latest);
    let mut choices = Vec::new();
    for conflict in fields {
        let answer = match policy_for(conflict.field, ctx) {
            ConflictPolicy::Ask => None,
            ConflictPolicy::KeepPlatform => Some(Choice::Platform),
            ConflictPolicy::KeepCalendar => Some(Choice::Calendar),
            ConflictPolicy::MostRecent => match &latest {
                Some(Resolution::KeepPlatform) => Some(Choice::Platform),
                Some(Resolution::KeepCalendar) => Some(Choice::Calendar),
                Some(_) | None => None,
            },
        }?;
        choices.push((conflict.field, answer));
    }
    let usual = |to| unusual(appointment.span(), to, ctx.now).is_none();
    let reportable = appointment.editable.time && event.time.timed().is_some_and(usual);
    if choices.contains(&(Field::Time, Choice::Calendar)) && !reportable {
        return None;
    }
    let all = |wanted: &Choice| choices.iter().all(|(_, choice)| choice == wanted);
    Some(if all(&Choice::Platform) {
        Resolution::KeepPlatform
    } else if all(&Choice::Calendar) {
        Resolution::KeepCalendar
    } else {
        Resolution::Merge { choices }
    })
}

fn policy_for(field: Field, ctx: &Context) -> ConflictPolicy {
    match field {
        Field::Time => ctx.settings.time_policy,
        Field::Title | Field::Location | Field::Notes => ctx.settings.text_policy,
    }
}

/// Whichever side spoke last about these fields; `None` if that was within two minutes, is not known, or differs from
/// field to field, and then it is asked.
pub fn most_recent(
    record: &Record,
    appointment: &Appointment,
    fields: &[FieldConflict],
) -> Option<Resolution> {
    let mut answer = None;
    for conflict in fields {
        let calendar = match conflict.field {
            Field::Time => record.calendar_moved_at,
            Field::Title | Field::Location | Field::Notes => record.calendar_edited_at,
        }?;
        let between = calendar - appointment.updated_at;
        if between.num_seconds().abs() < MOST_RECENT_ASKS_SECONDS {
            return None;
        }
        let keep = if between > Duration::zero() {
            Resolution::KeepCalendar
        } else {
            Resolution::KeepPlatform
        };
        if answer.as_ref().is_some_and(|answer| *answer != keep) {
            return None;
        }
        answer = Some(keep);
    }
    answer
}
