//! What may be said about one appointment. A badge is true, or it is not shown (P13).

use crate::outbox::OutboxState;
use crate::question::QuestionKind;
use crate::reconcile::Standing;
use crate::record::{EventNote, Record};

/// The closed list of badges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    /// In the calendar as it should be, as of the last readings.
    Synced,
    /// A write waits.
    Waiting,
    /// Being written now.
    Syncing,
    /// Left out by the trainer's rules.
    LeftOut,
    /// Waits for a decision.
    Conflict,
    /// Could not be written.
    Problem,
    /// The event was deleted in the calendar.
    Removed,
    /// Over.
    Ended,
}

/// What beside the record and its standing a badge depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// A row in the outbox.
    pub outbox: Option<OutboxState>,
    /// What goes wrong with it, as a stable code, once it has been tried often enough to be called a problem.
    pub problem: Option<&'a str>,
    /// Held by the guard.
    pub question: Option<QuestionKind>,
    /// It may be what came of a marked event's creation, of which no answer came: nothing is made for it until that is known.
    pub perhaps_created: bool,
    /// Both sides were read since the last known change, and both readings worked.
    pub fresh: bool,
    /// Why nothing is written now, if so: `not_started`, `paused`, `sync_disabled`, `not_the_writer`, `offline` …
    pub held_back: Option<&'static str>,
}

/// The badge of one appointment and its reason.
pub fn badge(record: &Record, standing: Standing, facts: Facts<'_>) -> (Badge, Option<String>) {
    let reason = |code: &str| Some(code.to_owned());
    if facts.question.is_some() {
        return (Badge::Waiting, reason("question"));
    }
    if record.conflict.is_some() {
        return (Badge::Conflict, None);
    }
    if facts.perhaps_created && standing == Standing::ToWrite {
        return (Badge::Waiting, reason("perhaps_created"));
    }
    // Nothing is written of what is not synced (any more), whatever could not be read of it.
    let is_synced = !matches!(
        standing,
        Standing::Ended
            | Standing::Stopped
            | Standing::LeftOut(_)
            | Standing::Kept
            | Standing::Removed { .. }
    );
    if (record.unreadable || record.unread_on_platform) && is_synced {
        return (Badge::Problem, reason("unreadable"));
    }
    // Told by the row itself: what went wrong with a write is a problem as long as the write stands.
    if let Some(problem) = facts.problem.filter(|_| facts.outbox.is_some()) {
        return (Badge::Problem, reason(problem));
    }
    match facts.outbox {
        Some(OutboxState::Sent) => return (Badge::Syncing, None),
        Some(OutboxState::Parked) => return (Badge::Problem, reason("retrying")),
        Some(OutboxState::Waiting) => return (Badge::Waiting, reason(facts.held_back.unwrap_or("retrying"))),
        None => {}
    }
    match standing {
        Standing::InSync if facts.fresh => (Badge::Synced, in_sync_reason(record)),
        // In agreement as far as we know, but we do not know it of now: the window says "As of".
        Standing::InSync => (Badge::Waiting, reason(facts.held_back.unwrap_or("not_read"))),
        Standing::ToWrite => (Badge::Waiting, reason(facts.held_back.unwrap_or("writing"))),
        Standing::Settling => (Badge::Waiting, reason("settling")),
        Standing::CoolDown => (Badge::Waiting, reason("cool_down")),
        Standing::Missing => (Badge::Waiting, reason("looking_again")),
        Standing::LeftOut(left_out) => (Badge::LeftOut, reason(left_out.code())),
        Standing::Kept => (Badge::LeftOut, reason("kept")),
        Standing::Held => (Badge::Waiting, reason("held")),
        Standing::Stopped => (Badge::LeftOut, reason("stopped")),
        Standing::DirectionPull => (Badge::LeftOut, reason("direction_pull")),
        Standing::Conflict => (Badge::Conflict, None),
        Standing::Removed {
            changed_since: true, ..
        } => (Badge::Removed, reason("changed_since_removed")),
        Standing::Removed { by_trainer: true, .. } => (Badge::Removed, reason("removed_by_you")),
        Standing::Removed {
            by_trainer: false, ..
        } => (Badge::Removed, reason("removed")),
        Standing::Ended => (Badge::Ended, None),
        Standing::Unknown | Standing::Gone => (Badge::Waiting, reason("not_read")),
    }
}

fn in_sync_reason(record: &Record) -> Option<String> {
    let code = match record.note {
        Some(EventNote::OwnWording) => "own_wording",
        Some(EventNote::MarkedFree) => "marked_free",
        Some(EventNote::Declined) => "declined",
        None => return None,
    };
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::LeftOut;
    use crate::testing::{context, linked};

    fn of(standing: Standing, facts: Facts<'_>) -> (Badge, Option<String>) {
        let ctx = context("2026-11-21T08:00:00Z");
        badge(&linked(&ctx), standing, facts)
    }

    #[test]
    fn synced_needs_fresh_readings_of_both_sides() {
        let fresh = Facts {
            fresh: true,
            ..Facts::default()
        };
        assert_eq!(of(Standing::InSync, fresh), (Badge::Synced, None));
        assert_eq!(of(Standing::InSync, Facts::default()).0, Badge::Waiting);
    }

    #[test]
    fn synced_is_never_said_while_something_waits_or_is_asked() {
        for state in [OutboxState::Waiting, OutboxState::Sent, OutboxState::Parked] {
            let facts = Facts {
                fresh: true,
                outbox: Some(state),
                ..Facts::default()
            };
            assert_ne!(of(Standing::InSync, facts).0, Badge::Synced);
        }
        let asked = Facts {
            fresh: true,
            question: Some(QuestionKind::Moves),
            ..Facts::default()
        };
        assert_eq!(
            of(Standing::InSync, asked),
            (Badge::Waiting, Some("question".into()))
        );
    }

    fn with_row(state: OutboxState, problem: Option<&str>) -> Facts<'_> {
        Facts {
            fresh: true,
            outbox: Some(state),
            problem,
            ..Facts::default()
        }
    }

    const GONE: Facts<'static> = Facts {
        fresh: true,
        outbox: None,
        problem: None,
        question: None,
        perhaps_created: false,
        held_back: None,
    };

    #[test]
    fn a_write_that_goes_wrong_is_a_problem_as_long_as_it_stands() {
        let ctx = context("2026-11-21T08:00:00Z");
        let mut removed = linked(&ctx);
        removed.event = None;
        // What the record remembers of it is no reason to go on saying so.
        removed.problem = Some("rejected".into());
        let parked = with_row(OutboxState::Parked, Some("rejected"));
        let left_out = Standing::LeftOut(LeftOut::Excluded);
        assert_eq!(
            badge(&removed, Standing::ToWrite, parked),
            (Badge::Problem, Some("rejected".into()))
        );
        let excluded = Some("excluded".to_owned());
        assert_eq!(badge(&removed, left_out, GONE), (Badge::LeftOut, excluded));
        assert_eq!(badge(&removed, Standing::Ended, GONE), (Badge::Ended, None));
        // Another write of it that only waits is no problem.
        let waits = with_row(OutboxState::Waiting, None);
        assert_eq!(badge(&removed, Standing::ToWrite, waits).0, Badge::Waiting);
    }

    #[test]
    fn an_event_that_cannot_be_read_is_a_problem_until_it_can() {
        let ctx = context("2026-11-21T08:00:00Z");
        let mut record = linked(&ctx);
        record.unreadable = true;
        let unreadable = (Badge::Problem, Some("unreadable".to_owned()));
        assert_eq!(badge(&record, Standing::InSync, GONE), unreadable);
        assert_eq!(badge(&record, Standing::Ended, GONE), (Badge::Ended, None));
        let seen = record.event.clone().expect("a live event");
        crate::absorb::event(&mut record, seen, ctx.now);
        assert_eq!(badge(&record, Standing::InSync, GONE), (Badge::Synced, None));
    }

    #[test]
    fn a_visit_of_which_the_last_word_cannot_be_read_is_a_problem_until_one_can() {
        let ctx = context("2026-11-21T08:00:00Z");
        let mut record = linked(&ctx);
        let said = record.appointment.clone().expect("a known visit");
        record.unread_on_platform = true;
        let unreadable = (Badge::Problem, Some("unreadable".to_owned()));
        let seen = record.event.clone().expect("a live event");
        crate::absorb::event(&mut record, seen, ctx.now);
        assert_eq!(
            badge(&record, Standing::InSync, GONE),
            unreadable,
            "the calendar says nothing of it"
        );
        assert!(!crate::reconcile::is_settled(&record, &ctx));
        assert!(crate::absorb::is_unread(&record));
        let asked = |days| {
            let later = said.span().end + chrono::Duration::days(days);
            crate::absorb::is_asked_for_unread(&record, later)
        };
        assert!(asked(29) && !asked(30), "not for ever");
        let removed_by_hand = Standing::Removed {
            by_trainer: true,
            changed_since: false,
        };
        let left_out = Standing::LeftOut(LeftOut::Excluded);
        for standing in [Standing::Stopped, left_out, Standing::Kept, removed_by_hand] {
            assert_ne!(badge(&record, standing, GONE).0, Badge::Problem, "{standing:?}");
        }
        let mut older = said.clone();
        older.version -= 1;
        crate::absorb::appointment(&mut record, older, ctx.now);
        assert!(record.unread_on_platform, "an older word is none");
        let mut removed = record.clone();
        crate::absorb::appointment(&mut record, said, ctx.now);
        assert_eq!(badge(&record, Standing::InSync, GONE), (Badge::Synced, None));
        let removal = crate::appointment::Removal {
            reason: crate::appointment::RemovalReason::Deleted,
            inferred: true,
            at: ctx.now,
        };
        let version = removed.appointment.as_ref().map(|known| known.version);
        crate::absorb::removed(&mut removed, version, removal);
        assert!(removed.unread_on_platform, "it may be an older word");
        crate::absorb::removed(&mut removed, None, removal);
        assert!(!removed.unread_on_platform);
    }

    #[test]
    fn left_out_gives_its_reason() {
        let facts = Facts {
            fresh: true,
            ..Facts::default()
        };
        assert_eq!(
            of(Standing::LeftOut(LeftOut::TypeOff), facts),
            (Badge::LeftOut, Some("type_off".into()))
        );
    }
}
