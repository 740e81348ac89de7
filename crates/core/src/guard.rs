//! No mass change goes unasked (P8), counted over the last 60 minutes, not per run.

use crate::bug::{self, Bug};
use crate::ids::AppointmentId;
use crate::outbox::{DeleteReason, Intent};
use crate::question::{Answer, Question, QuestionKind};
use crate::reconcile::{Decision, Remark};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Questions to ask or to extend: all appointments they are about.
    pub ask: BTreeMap<QuestionKind, Vec<AppointmentId>>,
}

/// Inferred deletions that go without asking, for so many links: max(3, min(10, 20 %)).
pub fn inferred_deletions_max(links: usize) -> usize {
    (links / 5).clamp(3, 10)
}

/// Which kind of mass change a decision could be part of.
pub fn kind_of(decision: &Decision) -> Option<QuestionKind> {
    for intent in &decision.intents {
        match intent {
            Intent::Delete { reason, .. } => match reason {
                DeleteReason::LeftOut => return Some(QuestionKind::InferredDeletions),
                DeleteReason::Cancelled | DeleteReason::Unassigned | DeleteReason::Deleted => {
                    let inferred = decision.record.removal.is_some_and(|removal| removal.inferred);
                    return Some(if inferred {
                        QuestionKind::InferredDeletions
                    } else {
                        QuestionKind::Cancellations
                    });
                }
                // Asked for with its number, or one too many: no second question.
                DeleteReason::Duplicate | DeleteReason::Asked => {}
            },
            // A move that the trainer confirmed one by one is no part of a mass.
            Intent::Move { time, .. } => {
                let record = &decision.record;
                let confirmed = [record.confirmed_time, record.requested_time].contains(&Some(*time));
                return (!confirmed).then_some(QuestionKind::Moves);
            }
            // A creation was confirmed one by one.
            Intent::Insert { .. } | Intent::Patch { .. } | Intent::Notes { .. } | Intent::Create { .. } => {}
        }
    }
    decision
        .remarks
        .contains(&Remark::RemovedInCalendar)
        .then_some(QuestionKind::RemovedInCalendar)
}

/// Judges a plan. `links` is the number of links before it; `questions` are the open ones and those answered lately.
pub fn judge(decisions: &[Decision], recent: Recent, links: usize, questions: &[Question]) -> Verdict {
    let mut candidates: BTreeMap<QuestionKind, Vec<&AppointmentId>> = BTreeMap::new();
    for decision in decisions {
        if let Some(kind) = kind_of(decision) {
            candidates
                .entry(kind)
                .or_default()
                .push(&decision.record.appointment_id);
        }
    }
    let mut verdict = Verdict::default();
    if bug::is_on(Bug::NoGuard) {
        return verdict;
    }
    for (kind, ids) in candidates {
        let answered = |answer: Answer| -> BTreeSet<&AppointmentId> {
            questions
                .iter()
                .filter(|question| question.kind == kind && question.answer == Some(answer))
                .filter(|_| !bug::is_on(Bug::AnswerForgotten))
                .flat_map(|question| &question.appointments)
                .collect()
        };
        let allowed = answered(Answer::GoOn);
        let left = answered(Answer::Leave);
        let asked: BTreeSet<&AppointmentId> = questions
            .iter()
            .filter(|question| question.kind == kind && question.answer.is_none())
            .flat_map(|question| &question.appointments)
            .collect();
        let fresh: Vec<&AppointmentId> = ids
            .iter()
            .copied()
            .filter(|id| !allowed.contains(id) && !left.contains(id))
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
        for id in &ids {
            let waits = asked.contains(id) || (too_many && fresh.contains(id));
            if left.contains(id) || waits {
                verdict.held.insert((*id).clone(), kind);
            }
        }
        if too_many && fresh.iter().any(|id| !asked.contains(id)) {
            verdict.ask.insert(kind, fresh.into_iter().cloned().collect());
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
