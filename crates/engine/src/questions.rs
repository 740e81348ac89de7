//! What the guard asks and what is held: asked, withdrawn, remembered and answered.

use crate::answers::AnswerError;
use crate::engine::Engine;
use crate::ledger::{Change, HistoryItem, HistoryResult, HistorySource, HistoryWhat, LedgerError};
use crate::read::Records;
use chrono::{DateTime, Utc};
use roundtrip_core::guard;
use roundtrip_core::ids::{AppointmentId, Generation, QuestionId, RunId};
use roundtrip_core::outbox::DeleteReason;
use roundtrip_core::pen;
use roundtrip_core::question::{Answer, Cause, Question, QuestionKind};
use roundtrip_core::reconcile::Decision;
use roundtrip_core::record::Record;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Writes the open questions anew from what is held and what is to be asked: one whose cause is gone is taken back, one
    /// whose cause has shrunk or grown is about what is there now.
    pub(crate) async fn ask_or_withdraw(
        &self,
        held: &BTreeMap<AppointmentId, QuestionKind>,
        mut ask: BTreeMap<QuestionKind, BTreeMap<AppointmentId, Cause>>,
        run: &RunId,
        changes: &mut Vec<Change>,
    ) -> Result<(), LedgerError> {
        let now = self.now();
        let open = self.ledger.questions(now).await?;
        for question in open.into_iter().filter(|question| question.answer.is_none()) {
            let still = |id: &AppointmentId| held.get(id) == Some(&question.kind);
            let fresh = ask.remove(&question.kind).unwrap_or_default();
            let known = question.appointments.iter().filter(|id| still(id));
            let all: BTreeSet<AppointmentId> = known.chain(fresh.keys()).cloned().collect();
            let mut causes = question.causes.clone();
            causes.retain(|id, _| still(id));
            causes.extend(fresh);
            let before: BTreeSet<AppointmentId> = question.appointments.iter().cloned().collect();
            if all == before && causes == question.causes {
                continue;
            }
            let gone = all.is_empty();
            changes.push(Change::PutQuestion(Question {
                appointments: all.into_iter().collect(),
                causes,
                answer: gone.then_some(Answer::Leave),
                answered_at: gone.then_some(now),
                ..question
            }));
        }
        for (kind, causes) in ask {
            self.tally().day.questions += 1;
            let what = HistoryWhat::Asked {
                question: kind,
                count: u32::try_from(causes.len()).unwrap_or(u32::MAX),
            };
            let mut item = self.item(run, None, what, HistorySource::Roundtrip);
            item.result = HistoryResult::Problem;
            changes.push(Change::AddItem(Box::new(item)));
            changes.push(Change::PutQuestion(Question {
                id: QuestionId(self.fresh_id()),
                kind,
                appointments: causes.keys().cloned().collect(),
                causes,
                asked_at: now,
                answer: None,
                answered_at: None,
            }));
        }
        Ok(())
    }

    /// The history tells once that a deletion is held.
    pub(crate) fn tell_held(
        &self,
        known: Option<&Record>,
        decision: &Decision,
        run: &RunId,
        changes: &mut Vec<Change>,
    ) {
        // What the trainer said yes to is told once more if that no longer counts.
        let before = known
            .and_then(|record| record.held)
            .filter(|held| !held.confirmed);
        if let Some(shown) = pen::shown(decision)
            && before.map(|held| held.cause) != Some(shown.cause)
        {
            let what = HistoryWhat::Held {
                cause: shown.cause,
                until: shown.until,
            };
            changes.push(self.tell_item(run, &decision.record, what, HistorySource::Roundtrip));
        }
    }

    /// The trainer confirmed these removals with their number: what becomes of them is no part of the next mass.
    pub(crate) fn confirmed_with_number<'a>(
        &self,
        held: impl Iterator<Item = &'a Record>,
        now: DateTime<Utc>,
    ) -> Change {
        let causes: BTreeMap<AppointmentId, Cause> = held
            .filter_map(|record| Some((record.appointment_id.clone(), guard::cause_of_held(record)?)))
            .collect();
        Change::PutQuestion(Question {
            id: QuestionId(self.fresh_id()),
            kind: QuestionKind::InferredDeletions,
            appointments: causes.keys().cloned().collect(),
            causes,
            asked_at: now,
            answer: Some(Answer::GoOn),
            answered_at: Some(now),
        })
    }

    /// Answers held deletions ([`pen`]): `GoOn` removes the events with the next cycle, `Leave` keeps them. Answers for
    /// how many it was taken; one that is not held any more is passed over.
    ///
    /// # Errors
    /// [`AnswerError::Gone`] if none of them is held any more.
    pub async fn answer_held(&self, ids: &[AppointmentId], answer: Answer) -> Result<usize, AnswerError> {
        let _turn = self.turn.lock().await;
        let mut records = Records::new(self.ledger.records().await?);
        let mut changes = Vec::new();
        let ids: BTreeSet<&AppointmentId> = ids.iter().collect();
        for id in ids.iter().copied() {
            let Some(mut record) = records.get(id).cloned() else {
                continue;
            };
            if pen::answer(&mut record, answer == Answer::GoOn) {
                changes.push(self.outside_item(&record, HistoryWhat::HeldAnswered { answer }));
                records.put(record);
            }
        }
        let taken = changes.len();
        if taken == 0 {
            return Err(AnswerError::Gone);
        }
        if answer == Answer::GoOn {
            let held = ids.into_iter().filter_map(|id| records.get(id));
            changes.push(self.confirmed_with_number(held, self.now()));
        }
        changes.extend(records.take_changes());
        self.ledger.commit(changes).await?;
        self.after_answer();
        Ok(taken)
    }
}

/// True for what the trainer said "go on" to: it is no part of the next mass. `generation` is the one of the event
/// that it happened to, if it is still known: what happened to a later event was not confirmed with an earlier one.
pub(crate) fn confirmed(questions: &[Question], item: &HistoryItem, generation: Option<Generation>) -> bool {
    let Some(id) = &item.appointment_id else {
        return false;
    };
    // A removal that is told outside of any run was asked about: it is told with the answer, whichever that was.
    if item.run_id.is_none() && matches!(item.what, HistoryWhat::RemovedInCalendar { .. }) {
        return true;
    }
    let mark = generation.map(|generation| format!("g{generation}"));
    let this_one = |cause: &Cause| match &item.what {
        HistoryWhat::MovedBack { to, .. } => cause.mark == guard::moved_to(to),
        _ => mark.as_ref().is_none_or(|mark| *mark == cause.mark),
    };
    questions.iter().any(|question| {
        question.answer == Some(Answer::GoOn)
            && question.answered_at.is_some_and(|answered| answered <= item.at)
            && kind_of(&item.what) == Some(question.kind)
            && match question.causes.get(id) {
                Some(cause) => this_one(cause),
                // Asked before causes were kept.
                None => question.causes.is_empty() && question.appointments.contains(id),
            }
    })
}

/// What the guard's hour is counted from, as it is stored: lines that are part of a mass, and those that take one out of it.
pub(crate) const COUNTED: [&str; 6] = [
    "deleted",
    "moved_back",
    "removed_in_calendar",
    "conflict_resolved",
    "undone",
    "restored",
];

/// Which kind of mass a line of the history is part of.
pub(crate) fn kind_of(what: &HistoryWhat) -> Option<QuestionKind> {
    match what {
        HistoryWhat::Deleted { reason, inferred, .. } => match reason {
            DeleteReason::LeftOut => Some(QuestionKind::InferredDeletions),
            DeleteReason::Cancelled | DeleteReason::Unassigned | DeleteReason::Deleted if *inferred => {
                Some(QuestionKind::InferredDeletions)
            }
            DeleteReason::Cancelled | DeleteReason::Unassigned | DeleteReason::Deleted => {
                Some(QuestionKind::Cancellations)
            }
            DeleteReason::Duplicate | DeleteReason::Asked => None,
        },
        HistoryWhat::MovedBack { .. } => Some(QuestionKind::Moves),
        HistoryWhat::RemovedInCalendar { .. } => Some(QuestionKind::RemovedInCalendar),
        _ => None,
    }
}

#[cfg(test)]
#[path = "questions_tests.rs"]
mod tests;
