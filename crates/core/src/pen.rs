//! The holding pen: a deletion that nobody said, that only follows from something, waits where the trainer sees it.
//!
//! | row | deletion | result |
//! |---|---|---|
//! | H1 | the platform said that the appointment is cancelled, given away or deleted | at once |
//! | H2 | the trainer confirmed it, or said "remove now" | at once |
//! | H3 | absent from a full listing, and a direct question says 404 or `not_assigned` | held |
//! | H4 | left out by rules that changed, and the appointment did not, or in nothing that they go by | held |
//! | H5 | left out because the appointment changed | at once: an event that tells the old time is worse than none; held where the trainer moved it and it tells the new one |
//! | H6 | held for [`HOLD_HOURS`], and, if absent, asked for once more since | goes by itself, if the guard lets it |
//! | H7 | its cause is gone | withdrawn |
//! | H8 | another cause than the one it is held for | held anew |
//! | H9 | the trainer said "keep" | stays, until the platform says something itself or the rules let it in |
//! | H10 | the trainer said yes, and an edit of the event, or own text in it, came to light that was not known then | held anew |
//! | H11 | the event was changed after the platform was last heard | waits until it is heard again |
//!
//! The guard counts what is held (see [`crate::guard`]): too many wait for an answer, however long they have been held.

use crate::appointment::Appointment;
use crate::bug::{self, Bug};
use crate::filter;
use crate::ids::AppointmentId;
use crate::outbox::{DeleteReason, Intent};
use crate::reconcile::{Context, Decision, Standing};
use crate::record::{LinkState, Record, Value};
use crate::time::{EventTime, TimeSpan};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// So long an inferred deletion is held before it goes by itself.
pub const HOLD_HOURS: i64 = 24;

/// So long the app was awake, without a sleep or a start, before a held deletion goes: one that ran out while the laptop
/// slept could not have been seen by anybody.
pub const SEEN_MINUTES: i64 = 30;

/// What an inferred deletion follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The trainer's rules changed and leave it out now.
    RulesChanged,
    /// The appointment was missing from a full listing, and could not be found singly.
    Absent,
}

/// A deletion that is held, as the record keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What it follows from.
    pub cause: Cause,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The trainer said yes to it: it does not wait.
    pub confirmed: bool,
    /// The latest edit of its event in the calendar that was known when the trainer said yes.
    #[serde(default, skip_serializing_if = "crate::record::is_default")]
    pub edited_at: Option<DateTime<Utc>>,
}

impl Held {
    /// When it goes by itself.
    pub fn until(&self) -> DateTime<Utc> {
        self.since + Duration::hours(HOLD_HOURS)
    }
}

/// A held deletion as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose event it is.
    pub appointment: AppointmentId,
    /// Title of the event.
    pub title: String,
    /// When the event is, if it has hours and minutes.
    pub time: Option<TimeSpan>,
    /// What it follows from.
    pub cause: Cause,
    /// When it goes by itself.
    pub until: DateTime<Utc>,
}

/// What is held of a decision, if something is and the trainer has not said yes to it.
pub fn shown(decision: &Decision) -> Option<Shown> {
    let record = &decision.record;
    let held = record.held.filter(|held| !held.confirmed)?;
    let event = record.event.as_ref()?;
    Some(Shown {
        appointment: record.appointment_id.clone(),
        title: event.title.clone(),
        time: event.time.timed(),
        cause: held.cause,
        until: held.until(),
    })
}

/// Holds the deletion of a decision back if it is only inferred, and forgets what was held if its cause is gone.
pub(crate) fn hold(mut decision: Decision, ctx: &Context) -> Decision {
    let Some(cause) = cause_of(&decision, ctx) else {
        // What cannot be decided yet is no answer: neither its day nor the trainer's yes is forgotten over it.
        if decision.standing != Standing::Unknown {
            decision.record.held = None;
        }
        return decision;
    };
    let known = decision.record.held.filter(|held| held.cause == cause);
    let held = known
        .filter(|held| is_meant(&decision.record, held))
        .unwrap_or(Held {
            cause,
            since: ctx.now,
            confirmed: false,
            edited_at: None,
        });
    decision.record.held = Some(held);
    if bug::is_on(Bug::NoPen) {
        return decision;
    }
    if held.confirmed || is_over(&decision.record, held, ctx.now) && ctx.now >= over_at(held, ctx) {
        return decision;
    }
    decision.intents.retain(|intent| !is_deletion(intent));
    decision.standing = Standing::Held;
    // What is overdue waits for something else than time.
    decision.due_at = Some(over_at(held, ctx)).filter(|until| *until > ctx.now);
    decision
}

/// H10. A yes was said to the event as it was known: an edit that was read only since would go with it unseen.
fn is_meant(record: &Record, held: &Held) -> bool {
    !held.confirmed || record.edited_at() <= held.edited_at
}

/// When a held deletion goes by itself: after its day, and once the trainer could see it.
fn over_at(held: Held, ctx: &Context) -> DateTime<Utc> {
    let seen = ctx
        .awake_since
        .map(|since| since + Duration::minutes(SEEN_MINUTES));
    seen.map_or(held.until(), |seen| seen.max(held.until()))
}

/// H6. What is absent must have been asked for again after it was held for so long.
fn is_over(record: &Record, held: Held, now: DateTime<Utc>) -> bool {
    let asked_again = record
        .removal
        .is_none_or(|removal| removal.at >= held.until() && removal.at <= now);
    now >= held.until() && (held.cause != Cause::Absent || asked_again)
}

/// True if the platform is to be asked once more before this held deletion goes by itself.
pub fn is_to_be_asked_again(record: &Record, now: DateTime<Utc>) -> bool {
    record.held.is_some_and(|held| {
        held.cause == Cause::Absent && !held.confirmed && now >= held.until() && !is_over(record, held, now)
    })
}

/// The services tell the time in whole seconds, and so far off the times of two of them may be.
const SAME_TIME_SECONDS: i64 = 5;
/// What is changed later than so long from now was noted by a wrong clock.
const AHEAD_SECONDS: i64 = 60;

/// H11. Whoever changed an event, or took it from the bin, after the platform was last heard may know that the visit was given back
/// (simulation seed 3000402). For what nobody asks about: the guard counts such a deletion like any other.
pub fn unless_changed_since(mut decision: Decision, ctx: &Context) -> Decision {
    if waits_for_a_word(&decision, ctx) {
        decision.intents.retain(|intent| !is_deletion(intent));
        decision.standing = Standing::Unknown;
        decision.due_at = None;
    }
    decision
}

fn waits_for_a_word(decision: &Decision, ctx: &Context) -> bool {
    let record = &decision.record;
    // A direct question was answered after the last reading, perhaps. What a wrong clock noted for a time to come does not count.
    let said_at = record
        .removal
        .map(|removal| removal.at)
        .filter(|said| *said <= ctx.now);
    // A later reading may have told that it was given back, in words that could not be read. Where nothing is said but what it is
    // like, that was heard when it was last changed, or after.
    let known_at = said_at.or(record
        .appointment
        .as_ref()
        .map(|appointment| appointment.updated_at));
    let heard = match record.unread_on_platform {
        true => known_at,
        false => said_at.max(ctx.platform_asked_at),
    };
    let changed = record.event.as_ref().and_then(|event| event.updated);
    let since = |(heard, changed): (DateTime<Utc>, DateTime<Utc>)| {
        let changed = changed - ctx.calendar_ahead;
        heard + Duration::seconds(SAME_TIME_SECONDS) < changed
            && changed <= ctx.now + Duration::seconds(AHEAD_SECONDS)
    };
    decision.intents.iter().any(is_deletion) && heard.zip(changed).is_some_and(since)
}

fn is_deletion(intent: &Intent) -> bool {
    match intent {
        Intent::Delete { reason, .. } => match reason {
            DeleteReason::LeftOut
            | DeleteReason::Cancelled
            | DeleteReason::Unassigned
            | DeleteReason::Deleted => true,
            DeleteReason::Duplicate | DeleteReason::Asked => false,
        },
        Intent::Insert { .. }
        | Intent::Patch { .. }
        | Intent::Move { .. }
        | Intent::Notes { .. }
        | Intent::Create { .. } => false,
    }
}

/// What the deletion of a decision follows from; none if it was said, or if there is none.
fn cause_of(decision: &Decision, ctx: &Context) -> Option<Cause> {
    if !decision.intents.iter().any(is_deletion) {
        return None;
    }
    let record = &decision.record;
    match record.removal {
        Some(removal) => removal.inferred.then_some(Cause::Absent),
        None => rules_changed(record, ctx).then_some(Cause::RulesChanged),
    }
}

/// H4 and H5. Where nothing is known of an earlier passing (a rebuild, another laptop's event), it is the rules.
fn rules_changed(record: &Record, ctx: &Context) -> bool {
    let Some(appointment) = &record.appointment else {
        return true;
    };
    let unchanged = record.passed.is_none_or(|passed| passed == appointment.version);
    // What is held already stays held through lesser changes, as long as the event tells the right time. So does what changed
    // together with the rules, if nothing that changed is the reason.
    let held = record.held.is_some_and(|held| held.cause == Cause::RulesChanged);
    let agreed =
        Some(&Value::Time(EventTime::Timed(appointment.span()))) == record.base.platform.time.as_ref();
    unchanged
        || ((held || moved_by_hand(record, appointment) || failed_before(record, appointment, ctx)) && agreed)
}

/// The trainer moved it out of the rules in the calendar, and the platform took the move: the visit is then and there, and the
/// event says so.
fn moved_by_hand(record: &Record, appointment: &Appointment) -> bool {
    let span = appointment.span();
    let shown = record
        .event
        .as_ref()
        .is_some_and(|event| event.time == EventTime::Timed(span));
    shown
        && record
            .passed_as
            .as_ref()
            .is_some_and(|before| before.span() != span)
}

/// True if every rule that leaves the appointment out now would have left it out as it was when it last passed them.
fn failed_before(record: &Record, appointment: &Appointment, ctx: &Context) -> bool {
    let Some(passed) = &record.passed_as else {
        return false;
    };
    let checks = |of: &Appointment| filter::checks(of, &ctx.settings.filters, ctx.connected_at);
    let mut both = checks(appointment).into_iter().zip(checks(passed));
    both.all(|(now, before)| now.passed || !before.passed)
}

/// The trainer's answer to a held deletion. True if there was one.
pub fn answer(record: &mut Record, remove: bool) -> bool {
    let known = record.edited_at();
    let Some(held) = &mut record.held else {
        return false;
    };
    if remove {
        held.confirmed = true;
        held.edited_at = known;
    } else {
        record.link = LinkState::Kept;
        record.held = None;
    }
    true
}

/// The trainer confirmed a change of rules with the number of its removals, this one among them.
pub fn confirm_left_out(record: &mut Record, now: DateTime<Utc>) {
    record.held = Some(Held {
        cause: Cause::RulesChanged,
        since: now,
        confirmed: true,
        edited_at: record.edited_at(),
    });
}

#[cfg(test)]
#[path = "pen_tests.rs"]
mod tests;
