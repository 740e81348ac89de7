//! Reports whose answer is missing: whether they are still wanted.
//!
//! Sent again at once, a report with the same key tells nobody twice. Hours later the trainer may want something else: a report
//! that never arrived would then be the first of two that the admin is told of.

use crate::outbox::{Intent, OutboxRow, OutboxState};
use crate::reconcile::{Context, reconcile};
use crate::record::Record;
use chrono::{DateTime, Duration, Utc};

/// A write that is not known to have arrived so long after it was last sent will not arrive by itself any more: no service or
/// proxy holds a request longer.
const ON_ITS_WAY: Duration = Duration::minutes(10);

/// True for a report of a change, by which the admin is told something.
pub fn is_report(row: &OutboxRow) -> bool {
    matches!(row.intent, Intent::Move { .. } | Intent::Notes { .. })
}

/// True for a report that was sent so long ago that both sides are looked at before it is sent again.
pub fn is_looked_into(row: &OutboxRow, now: DateTime<Utc>) -> bool {
    let left_at = row.left_at.unwrap_or(row.created_at);
    is_report(row) && row.state == OutboxState::Sent && now - left_at >= ON_ITS_WAY
}

/// Until when a write that nobody answered may still take effect, if it may. `left_at` in the future was told by a wrong clock.
pub fn may_arrive_until(row: &OutboxRow, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let until = row.left_at? + ON_ITS_WAY;
    (now < until && until - now <= ON_ITS_WAY).then_some(until)
}

/// True if such a report is to be sent again, with its key. `record` has the platform's direct answer. Where the platform knows
/// another version than the one it was planned for, it may have arrived: key and version then see to it that it takes effect once,
/// and its answer is the base of what follows. Else it never arrived, and is given up unless it would be decided now, too: its
/// key is made of what it says, so that the same report planned anew is no second one.
pub fn is_sent_again(row: &OutboxRow, record: &Record, ctx: &Context) -> bool {
    let (Intent::Move { version, .. } | Intent::Notes { version, .. }) = row.intent else {
        return true;
    };
    let known = record.appointment.as_ref().map(|appointment| appointment.version);
    if known != Some(version) {
        return true;
    }
    let said = |intent: &Intent| intent.shared_key(&row.appointment_id);
    let decided = reconcile(record, ctx).intents;
    decided.iter().any(|intent| said(intent) == said(&row.intent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AppointmentId, IdempotencyKey, OutboxId};
    use crate::outbox::Side;
    use crate::record::LinkState;
    use crate::testing::Case;

    /// The visit dragged to the afternoon, and the report of it, sent at eight.
    fn reported() -> (Case, OutboxRow) {
        let dragged = Case::linked().calendar_moves("12-01 15:00-16:30").later(60);
        let intent = dragged.decide().intents.remove(0);
        let sent_at = dragged.ctx.now;
        let row = OutboxRow {
            id: OutboxId::new("row_1"),
            appointment_id: AppointmentId::new("apt_41"),
            side: Side::Platform,
            intent,
            key: IdempotencyKey::new("key_1"),
            state: OutboxState::Sent,
            attempts: 1,
            due_at: sent_at,
            created_at: sent_at,
            last_problem: None,
            noticed: None,
            left_at: None,
        };
        (dragged.later(36_000), row)
    }

    fn is_wanted(case: &Case, row: &OutboxRow) -> bool {
        is_sent_again(row, &case.record, &case.ctx)
    }

    #[test]
    fn a_report_is_looked_into_once_it_cannot_be_on_its_way_any_more() {
        let (_, row) = reported();
        let sent_at = row.created_at;
        assert!(!is_looked_into(&row, sent_at + Duration::minutes(9)));
        assert!(is_looked_into(&row, sent_at + Duration::minutes(10)));
        let again = OutboxRow {
            left_at: Some(sent_at + Duration::minutes(5)),
            ..row.clone()
        };
        assert!(!is_looked_into(&again, sent_at + Duration::minutes(10)));
        let waits = OutboxRow {
            state: OutboxState::Waiting,
            ..row
        };
        assert!(!is_looked_into(&waits, sent_at + Duration::hours(1)));
    }

    #[test]
    fn what_the_event_still_shows_is_sent_again_and_what_it_no_longer_shows_is_not() {
        let (case, row) = reported();
        assert!(is_wanted(&case, &row));
        let back = case.calendar_moves("12-01 09:00-10:30").later(60);
        assert!(!is_wanted(&back, &row));
        let elsewhere = back.calendar_moves("12-01 17:00-18:30").later(60);
        assert!(!is_wanted(&elsewhere, &row));
    }

    #[test]
    fn what_may_have_arrived_is_sent_again_whatever_is_wanted_now() {
        let (case, row) = reported();
        let arrived = case
            .platform_moves("12-01 15:00-16:30")
            .calendar_moves("12-01 09:00-10:30");
        assert!(is_wanted(&arrived.later(60), &row));
    }

    #[test]
    fn what_may_no_longer_be_reported_is_given_up() {
        let (case, row) = reported();
        let stopped = case.with(|record| record.link = LinkState::Stopped);
        assert!(!is_wanted(&stopped, &row));
        let (case, row) = reported();
        let over = case.now("2026-12-01T16:00:00Z");
        assert!(!is_wanted(&over, &row));
    }
}
