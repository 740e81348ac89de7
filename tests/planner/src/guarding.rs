//! The guard over a plan, as the engine keeps it, and the account by which P8 is judged.

use crate::law::Law;
use crate::world::World;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::guard::{self, Recent, Verdict};
use roundtrip_core::ids::{AppointmentId, QuestionId};
use roundtrip_core::outbox::{DeleteReason, Intent};
use roundtrip_core::pen;
use roundtrip_core::question::{Answer, Cause, Question, QuestionKind};
use roundtrip_core::reconcile::{Decision, Remark, reconcile};
use roundtrip_core::record::LinkState;
use roundtrip_core::resolve;
use std::collections::{BTreeMap, BTreeSet};

/// Something that was done, of a kind that could be part of a mass.
#[derive(Clone)]
struct Done {
    at: DateTime<Utc>,
    kind: QuestionKind,
    id: AppointmentId,
    /// Where a move went.
    moved_to: Option<String>,
}

/// What the guard remembers.
#[derive(Clone, Default)]
pub struct Guarding {
    /// Questions, open and answered.
    pub questions: Vec<Question>,
    /// What was done, of a kind that could be part of a mass.
    done: Vec<Done>,
    /// When a person last decided about an appointment one by one.
    decided: Vec<(DateTime<Utc>, AppointmentId)>,
    /// Held at the last look.
    pub held: BTreeSet<AppointmentId>,
}

impl Guarding {
    /// A person decided about this one.
    pub fn decided(&mut self, id: &AppointmentId, now: DateTime<Utc>) {
        self.decided.push((now, id.clone()));
    }

    /// Questions as the engine gives them to the guard: the open ones, and those answered within a day.
    fn in_force(&self, now: DateTime<Utc>) -> Vec<Question> {
        let fresh = |at: &DateTime<Utc>| *at >= now - Duration::days(1);
        let questions = self.questions.iter();
        questions
            .filter(|question| question.answered_at.as_ref().is_none_or(fresh))
            .cloned()
            .collect()
    }

    fn unasked(&self, kind: QuestionKind, since: DateTime<Utc>, questions: &[Question]) -> usize {
        // What was done after the trainer said yes to it; of a move, to this very one.
        let asked = |done: &Done| {
            let said_yes = |question: &&Question| {
                let before = question.answered_at.is_some_and(|answered| answered <= done.at);
                question.answer == Some(Answer::GoOn) && before
            };
            let mut answered = questions.iter().filter(said_yes);
            answered.any(|question| {
                let cause = question.causes.get(&done.id);
                let this_one = match (&done.moved_to, cause) {
                    (Some(moved_to), Some(cause)) => *moved_to == cause.mark,
                    (Some(_), None) | (None, _) => true,
                };
                question.appointments.contains(&done.id) && this_one
            })
        };
        let decided = |id: &AppointmentId| {
            kind == QuestionKind::Moves
                && self
                    .decided
                    .iter()
                    .any(|(at, decided)| *at >= since && decided == id)
        };
        let done = self.done.iter();
        let of_kind = done.filter(|done| done.at >= since && done.kind == kind);
        of_kind.filter(|done| !asked(done) && !decided(&done.id)).count()
    }
}

impl World {
    /// What the guard holds of these decisions, and its questions brought up to date.
    pub fn guard(&mut self, decisions: &[Decision]) -> Verdict {
        let now = self.ctx.now;
        let questions = self.guarding.in_force(now);
        let since = now - Duration::minutes(60);
        let recent = |kind| self.guarding.unasked(kind, since, &questions);
        let recent = Recent {
            inferred_deletions: recent(QuestionKind::InferredDeletions),
            cancellations: recent(QuestionKind::Cancellations),
            moves: recent(QuestionKind::Moves),
            removed_in_calendar: recent(QuestionKind::RemovedInCalendar),
        };
        let links = self
            .records
            .values()
            .filter(|record| record.event.is_some() && record.link != LinkState::Closed)
            .count();
        let verdict = guard::judge(decisions, recent, links, &questions);
        // What is no longer held is no longer asked about.
        for question in self
            .guarding
            .questions
            .iter_mut()
            .filter(|question| question.answer.is_none())
        {
            question
                .appointments
                .retain(|id| verdict.held.get(id) == Some(&question.kind));
            question
                .causes
                .retain(|id, _| verdict.held.get(id) == Some(&question.kind));
            if question.appointments.is_empty() {
                (question.answer, question.answered_at) = (Some(Answer::Leave), Some(now));
            }
        }
        for (kind, ids) in &verdict.ask {
            self.asks_once(*kind, ids, &questions);
            let open = self.guarding.questions.iter_mut();
            let known = open
                .into_iter()
                .find(|question| question.kind == *kind && question.answer.is_none());
            match known {
                Some(known) => {
                    known.causes.extend(ids.clone());
                    let fresh = ids.keys().filter(|id| !known.appointments.contains(id)).cloned();
                    let fresh: Vec<AppointmentId> = fresh.collect();
                    known.appointments.extend(fresh);
                }
                None => {
                    let number = self.guarding.questions.len();
                    self.guarding.questions.push(Question {
                        id: QuestionId::new(format!("q{number}")),
                        kind: *kind,
                        appointments: ids.keys().cloned().collect(),
                        causes: ids.clone(),
                        asked_at: now,
                        answer: None,
                        answered_at: None,
                    });
                }
            }
        }
        self.guarding.held = verdict.held.keys().cloned().collect();
        verdict
    }

    /// The trainer said yes to this deletion with its number: it is no part of the next mass.
    pub fn confirmed_one_by_one(&mut self, id: &AppointmentId) {
        let Some(cause) = self.records.get(id).and_then(guard::cause_of_held) else {
            return;
        };
        let now = self.ctx.now;
        let number = self.guarding.questions.len();
        self.guarding.questions.push(Question {
            id: QuestionId::new(format!("q{number}")),
            kind: QuestionKind::InferredDeletions,
            appointments: vec![id.clone()],
            causes: BTreeMap::from([(id.clone(), cause)]),
            asked_at: now,
            answer: Some(Answer::GoOn),
            answered_at: Some(now),
        });
    }

    /// An answer is remembered: the same is not asked again for the same cause.
    fn asks_once(
        &mut self,
        kind: QuestionKind,
        ids: &BTreeMap<AppointmentId, Cause>,
        questions: &[Question],
    ) {
        let answered = |id: &AppointmentId, cause: &Cause| {
            let of_kind = questions.iter().filter(|question| question.kind == kind);
            of_kind
                .filter(|question| question.answer.is_some())
                .any(|question| question.is_about(id, cause))
        };
        let again = ids.iter().find(|(id, cause)| answered(id, cause));
        if let Some(id) = again.map(|(id, _)| id.clone()) {
            self.broken(Law::AnswerRemembered, format!("{kind:?} asked again about {id}"));
        }
    }

    /// Counts what is about to be done, and judges P8 by it.
    pub fn count_for_guard(&mut self, decision: &Decision) {
        let id = decision.record.appointment_id.clone();
        let kind = guarded_kind(decision, self.account.is_inferred(&id));
        let confirmed = kind == Some(QuestionKind::InferredDeletions) && self.account.is_confirmed(&id);
        let Some(kind) = kind.filter(|_| !confirmed) else {
            return;
        };
        let now = self.ctx.now;
        let moved_to = decision.intents.iter().find_map(|intent| match intent {
            Intent::Move { time, .. } => Some(guard::moved_to(time)),
            _ => None,
        });
        self.guarding.done.push(Done {
            at: now,
            kind,
            id,
            moved_to,
        });
        let questions = self.guarding.in_force(now);
        let count = self
            .guarding
            .unasked(kind, now - Duration::minutes(59), &questions);
        let most = match kind {
            // Never more than 15 links in this world: 20 % of them is the least that is asked about.
            QuestionKind::InferredDeletions => 3,
            QuestionKind::Cancellations => guard::CANCELLATIONS_MAX,
            QuestionKind::Moves => guard::MOVES_MAX,
            QuestionKind::RemovedInCalendar => guard::REMOVED_MAX,
        };
        if count > most {
            self.broken(Law::MassIsAsked, format!("{count} {kind:?} in an hour"));
        }
    }

    /// The trainer answers the guard, as the engine takes it. True if there was a question.
    pub fn answer_guard(&mut self, answer: Answer) -> bool {
        let now = self.ctx.now;
        let questions = self.guarding.questions.iter_mut();
        let open: Vec<&mut Question> = questions.filter(|question| question.answer.is_none()).collect();
        let mut answered = Vec::new();
        for question in open {
            (question.answer, question.answered_at) = (Some(answer), Some(now));
            answered.push((question.kind, question.appointments.clone()));
        }
        let any = !answered.is_empty();
        for (kind, ids) in answered {
            self.log.push(format!("{now} {kind:?} answered {answer:?}"));
            for id in ids {
                let Some(record) = self.records.get_mut(&id) else {
                    continue;
                };
                match (kind, answer) {
                    (QuestionKind::RemovedInCalendar, _) => {
                        *record = reconcile(record, &self.ctx).record;
                        if answer == Answer::GoOn {
                            // It may have been moved meanwhile, and waits for no answer of its own any more: the word stands.
                            resolve::put_back(record);
                            self.gone_by_trainer.remove(&id);
                        }
                    }
                    (QuestionKind::Moves, Answer::Leave) => record.ask_moves = true,
                    (QuestionKind::Cancellations, Answer::Leave) => {
                        (record.link, record.kept_though_said) = (LinkState::Kept, true);
                    }
                    (QuestionKind::InferredDeletions, Answer::Leave) => {
                        (record.link, record.held) = (LinkState::Kept, None);
                        self.account.answered(&id, false);
                    }
                    (QuestionKind::InferredDeletions, Answer::GoOn) => {
                        if pen::answer(record, true) {
                            self.account.answered(&id, true);
                        }
                    }
                    (QuestionKind::Moves | QuestionKind::Cancellations, Answer::GoOn) => {}
                }
            }
        }
        any
    }
}

/// What a decision is, told without the guard.
fn guarded_kind(decision: &Decision, inferred: bool) -> Option<QuestionKind> {
    let removed = decision.remarks.contains(&Remark::RemovedInCalendar);
    let of = |intent: &Intent| match intent {
        Intent::Delete {
            reason: DeleteReason::LeftOut,
            ..
        } => Some(QuestionKind::InferredDeletions),
        Intent::Delete {
            reason: DeleteReason::Cancelled | DeleteReason::Unassigned | DeleteReason::Deleted,
            ..
        } if inferred => Some(QuestionKind::InferredDeletions),
        Intent::Delete {
            reason: DeleteReason::Cancelled | DeleteReason::Unassigned | DeleteReason::Deleted,
            ..
        } => Some(QuestionKind::Cancellations),
        Intent::Move { time, .. } => {
            let record = &decision.record;
            let chosen = [record.confirmed_time, record.requested_time].contains(&Some(*time));
            // What a standing rule chose is no choice one by one.
            let by_rule = record.policy_time == Some(*time);
            (!chosen || by_rule).then_some(QuestionKind::Moves)
        }
        Intent::Delete { .. } | Intent::Insert { .. } | Intent::Patch { .. } => None,
        Intent::Notes { .. } | Intent::Create { .. } => None,
    };
    let kind = decision.intents.iter().find_map(of);
    kind.or(removed.then_some(QuestionKind::RemovedInCalendar))
}
