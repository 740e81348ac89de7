//! The guard over a plan, as the engine keeps it, and the account by which P8 is judged.

use crate::law::Law;
use crate::world::World;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::guard::{self, Recent, Verdict};
use roundtrip_core::ids::{AppointmentId, QuestionId};
use roundtrip_core::outbox::{DeleteReason, Intent};
use roundtrip_core::question::{Answer, Question, QuestionKind};
use roundtrip_core::reconcile::{Decision, Remark, reconcile};
use roundtrip_core::record::LinkState;
use roundtrip_core::resolve;
use std::collections::BTreeSet;

/// What the guard remembers.
#[derive(Clone, Default)]
pub struct Guarding {
    /// Questions, open and answered.
    pub questions: Vec<Question>,
    /// What was done, of a kind that could be part of a mass.
    done: Vec<(DateTime<Utc>, QuestionKind, AppointmentId)>,
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
        let asked = |id: &AppointmentId| {
            let mut answered = questions.iter().filter(|question| question.answer.is_some());
            answered.any(|question| question.appointments.contains(id))
        };
        let decided = |id: &AppointmentId| {
            kind == QuestionKind::Moves
                && self
                    .decided
                    .iter()
                    .any(|(at, decided)| *at >= since && decided == id)
        };
        let of_kind = self
            .done
            .iter()
            .filter(|(at, done, _)| *at >= since && *done == kind);
        of_kind.filter(|(_, _, id)| !asked(id) && !decided(id)).count()
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
            .filter(|record| record.event.is_some())
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
                    let fresh = ids.iter().filter(|id| !known.appointments.contains(id)).cloned();
                    let fresh: Vec<AppointmentId> = fresh.collect();
                    known.appointments.extend(fresh);
                }
                None => {
                    let number = self.guarding.questions.len();
                    self.guarding.questions.push(Question {
                        id: QuestionId::new(format!("q{number}")),
                        kind: *kind,
                        appointments: ids.clone(),
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

    /// An answer is remembered: the same is not asked again.
    fn asks_once(&mut self, kind: QuestionKind, ids: &[AppointmentId], questions: &[Question]) {
        let answered = questions
            .iter()
            .filter(|question| question.kind == kind && question.answer.is_some())
            .flat_map(|question| &question.appointments)
            .find(|id| ids.contains(id));
        if let Some(id) = answered.cloned() {
            self.broken(Law::AnswerRemembered, format!("{kind:?} asked again about {id}"));
        }
    }

    /// Counts what is about to be done, and judges P8 by it.
    pub fn count_for_guard(&mut self, decision: &Decision) {
        let Some(kind) = guarded_kind(decision) else {
            return;
        };
        let now = self.ctx.now;
        let id = decision.record.appointment_id.clone();
        self.guarding.done.push((now, kind, id));
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
                        if answer == Answer::GoOn && resolve::put_back(record) {
                            self.gone_by_trainer.remove(&id);
                        }
                    }
                    (QuestionKind::Moves, Answer::Leave) => record.ask_moves = true,
                    (QuestionKind::InferredDeletions | QuestionKind::Cancellations, Answer::Leave) => {
                        record.link = LinkState::Stopped;
                    }
                    (
                        QuestionKind::Moves | QuestionKind::InferredDeletions | QuestionKind::Cancellations,
                        Answer::GoOn,
                    ) => {}
                }
            }
        }
        any
    }
}

/// What a decision is, told without the guard.
fn guarded_kind(decision: &Decision) -> Option<QuestionKind> {
    let removed = decision.remarks.contains(&Remark::RemovedInCalendar);
    let of = |intent: &Intent| match intent {
        Intent::Delete {
            reason: DeleteReason::LeftOut,
            ..
        } => Some(QuestionKind::InferredDeletions),
        Intent::Delete {
            reason: DeleteReason::Cancelled | DeleteReason::Unassigned | DeleteReason::Deleted,
            ..
        } => Some(QuestionKind::Cancellations),
        Intent::Move { time, .. } => {
            let record = &decision.record;
            let chosen = [record.confirmed_time, record.requested_time].contains(&Some(*time));
            (!chosen).then_some(QuestionKind::Moves)
        }
        Intent::Delete { .. } | Intent::Insert { .. } | Intent::Patch { .. } => None,
        Intent::Notes { .. } | Intent::Create { .. } => None,
    };
    let kind = decision.intents.iter().find_map(of);
    kind.or(removed.then_some(QuestionKind::RemovedInCalendar))
}
