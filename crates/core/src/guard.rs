//! No mass change goes unasked (P8), counted over the last 60 minutes, not per run.
//!
//! A question names the cause of each change. What the trainer let go on is never asked again for the same cause; a new cause
//! (another event, another time moved to) is. What was to be left is remembered by the records.

use crate::bug::{self, Bug};
use crate::ids::AppointmentId;
use crate::outbox::{DeleteReason, Intent};
use crate::pen;
use crate::question::{Answer, Cause, Question, QuestionKind, Why};
use crate::reconcile::{Decision, Remark};
use crate::record::Record;
use crate::time::TimeSpan;
use std::collections::BTreeMap;

/// More moves than this are asked about.
pub const MOVES_MAX: usize = 5;
/// More cancellations than this, and …
pub const CANCELLATIONS_MAX: usize = 10;
/// More of our events removed in the calendar than this are one question instead of many notes.
pub const REMOVED_MAX: usize = 5;

/// What already happened in the last 60 minutes, without what was confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Inferred deletions.
    pub inferred_deletions: usize,
    /// Deletions the platform asked for one by one.
    pub cancellations: usize,
    /// Moves reported.
    pub moves: usize,
    /// Events of ours found removed in the calendar.
    pub removed_in_calendar: usize,
}

/// What the guard says about a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Appointments whose writes are held, by reason.
    pub held: BTreeMap<AppointmentId, QuestionKind>,
    /// Questions to ask or to extend: all appointments they are about, each with its cause.
    pub ask: BTreeMap<QuestionKind, BTreeMap<AppointmentId, Cause>>,
}

/// Inferred deletions that go without asking, for so many links: max(3, min(10, 20 %)).
pub fn inferred_deletions_max(links: usize) -> usize {
    (links / 5).clamp(3, 10)
}

/// Which kind of mass change a decision could be part of, and why.
pub fn part_of(decision: &Decision) -> Option<(QuestionKind, Cause)> {
    let record = &decision.record;
    let of = |why, mark| Cause { why, mark };
    let event = || format!("g{}", record.generation);
    if let Some(held) = record.held {
        // Counted while it is held, too: a mass is asked about at once, and not when it is due.
        let cause = cause_of_held(record).filter(|_| !held.confirmed);
        return cause.map(|cause| (QuestionKind::InferredDeletions, cause));
    }
    for intent in &decision.intents {
        match intent {
            Intent::Delete { reason, .. } => {
                let (kind, why) = match reason {
                    DeleteReason::LeftOut => (QuestionKind::InferredDeletions, Why::AppointmentChanged),
                    DeleteReason::Cancelled => (QuestionKind::Cancellations, Why::Cancelled),
                    DeleteReason::Unassigned => (QuestionKind::Cancellations, Why::Unassigned),
                    DeleteReason::Deleted => (QuestionKind::Cancellations, Why::Deleted),
                    // Asked for with its number, or one too many: no second question.
                    DeleteReason::Duplicate | DeleteReason::Asked => continue,
                };
                return Some((kind, of(why, event())));
            }
            Intent::Move { time, .. } => {
                // A move that the trainer confirmed one by one is no part of a mass; one that a rule confirmed is.
                let by_rule = record.policy_time == Some(*time);
                let confirmed = [record.confirmed_time, record.requested_time].contains(&Some(*time));
                if confirmed && !by_rule {
                    return None;
                }
                let why = if by_rule { Why::MovedByRule } else { Why::Moved };
                return Some((QuestionKind::Moves, of(why, moved_to(time))));
            }
            // A creation was confirmed one by one.
            Intent::Insert { .. } | Intent::Patch { .. } | Intent::Notes { .. } | Intent::Create { .. } => {}
        }
    }
    let removed = decision.remarks.contains(&Remark::RemovedInCalendar);
    removed.then(|| {
        (
            QuestionKind::RemovedInCalendar,
            of(Why::RemovedInCalendar, event()),
        )
    })
}

/// The cause of the deletion that is held of a record, if one is.
pub fn cause_of_held(record: &Record) -> Option<Cause> {
    let why = match record.held?.cause {
        pen::Cause::RulesChanged => Why::RulesChanged,
        pen::Cause::Absent => Why::Absent,
    };
    Some(Cause {
        why,
        mark: format!("g{}", record.generation),
    })
}

/// The mark of a move, in instants.
pub fn moved_to(time: &TimeSpan) -> String {
    format!("{}/{}", time.start.timestamp(), time.end.timestamp())
}

/// Judges a plan. `links` is the number of links before it, without those of visits that are over; `questions` are the open ones and those answered lately.
pub fn judge(decisions: &[Decision], recent: Recent, links: usize, questions: &[Question]) -> Verdict {
    let mut candidates: BTreeMap<QuestionKind, BTreeMap<&AppointmentId, Cause>> = BTreeMap::new();
    for decision in decisions {
        if let Some((kind, cause)) = part_of(decision) {
            candidates
                .entry(kind)
                .or_default()
                .insert(&decision.record.appointment_id, cause);
        }
    }
    let mut verdict = Verdict::default();
    if bug::is_on(Bug::NoGuard) {
        return verdict;
    }
    for (kind, causes) in candidates {
        let questions = || questions.iter().filter(move |question| question.kind == kind);
        // "Leave" is kept by the records themselves, for as long as it holds: decided all the same, it is another change, be its cause
        // the same once more.
        let answered = |id: &AppointmentId, cause: &Cause| {
            let given = |question: &Question| {
                question.answer == Some(Answer::GoOn) && !bug::is_on(Bug::AnswerForgotten)
            };
            questions().any(|question| given(question) && question.is_about(id, cause))
        };
        let open = || questions().filter(|question| question.answer.is_none());
        let fresh: BTreeMap<&AppointmentId, &Cause> = causes
            .iter()
            .filter(|(id, cause)| !answered(id, cause))
            .map(|(id, cause)| (*id, cause))
            .collect();
        let count = fresh.len() + recent_of(kind, recent);
        let too_many = match kind {
            QuestionKind::InferredDeletions => {
                count > inferred_deletions_max(links) && !bug::is_on(Bug::RemovalsNotAsked)
            }
            QuestionKind::Cancellations => count > CANCELLATIONS_MAX && count * 2 > links,
            QuestionKind::Moves => count > MOVES_MAX,
            QuestionKind::RemovedInCalendar => count > REMOVED_MAX,
        };
        for id in causes.keys() {
            let asked = open().any(|question| question.appointments.contains(id));
            let waits = (asked || (too_many && fresh.contains_key(id))) && !bug::is_on(Bug::GuardDoesNotWait);
            if waits {
                verdict.held.insert((*id).clone(), kind);
            }
        }
        let asked = |id: &AppointmentId, cause: &Cause| open().any(|question| question.is_about(id, cause));
        if too_many && fresh.iter().any(|(id, cause)| !asked(id, cause)) {
            let all = fresh.into_iter().map(|(id, cause)| (id.clone(), cause.clone()));
            verdict.ask.insert(kind, all.collect());
        }
    }
    verdict
}

fn recent_of(kind: QuestionKind, recent: Recent) -> usize {
    match kind {
        QuestionKind::InferredDeletions => recent.inferred_deletions,
        QuestionKind::Cancellations => recent.cancellations,
        QuestionKind::Moves => recent.moves,
        QuestionKind::RemovedInCalendar => recent.removed_in_calendar,
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
