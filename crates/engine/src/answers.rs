//! What the trainer does in the window: answers, settings, "put back", pause. None of it writes to a side by itself: it
//! edits records, and the next cycle carries it out through the same outbox, preconditions and guard.

use crate::engine::{Engine, EngineEvent};
use crate::ledger::{Change, HistoryFilter, HistoryResult, HistorySource, HistoryWhat, LedgerError, Trigger};
use crate::plan::resolution_word;
use crate::read::Records;
use crate::status::passes;
use chrono::{DateTime, Utc};
use roundtrip_core::conflict::{Conflict, ConflictKind, ConflictState, Resolution, Seen};
use roundtrip_core::filter;
use roundtrip_core::guard;
use roundtrip_core::ids::{AppointmentId, ConflictId, QuestionId, RunId};
use roundtrip_core::marked::Rule;
use roundtrip_core::outbox::{DeleteReason, Intent, OutboxState};
use roundtrip_core::pen;
use roundtrip_core::question::{Answer, Question, QuestionKind};
use roundtrip_core::reconcile::{self, Context, Decision};
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::resolve::{self, ResolveError};
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::undo::Why;
use std::collections::{BTreeMap, BTreeSet};

/// More lines than any run has.
pub(crate) const RUN_LINES_MAX: u32 = 5_000;

/// An answer that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is not there any more.
    #[error("not there any more")]
    Gone,
    /// Either side changed since it was shown. Show the new state.
    #[error("changed since it was shown")]
    Stale,
    /// It makes no sense here.
    #[error("not possible here")]
    NotPossible,
    /// Both sides spoke at nearly the same time: "most recent" cannot tell.
    #[error("both sides spoke at nearly the same time")]
    TooClose,
    /// It cannot be undone.
    #[error("cannot be undone: {0}")]
    Undo(#[from] Why),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<ResolveError> for AnswerError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Stale => Self::Stale,
            ResolveError::NotPossible => Self::NotPossible,
            ResolveError::TooClose => Self::TooClose,
        }
    }
}

/// Which removals the trainer has confirmed together with a change of the settings: the guard does not ask again about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Removals {
    /// None.
    #[default]
    Unconfirmed,
    /// Those of these appointments.
    Of(Vec<AppointmentId>),
    /// All that go by the change, if there are still so many of them; else none.
    Counted(u32),
}

/// What a cycle would do, without doing it.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// The decisions with a write or a report.
    pub decisions: Vec<Decision>,
    /// Left out, by stable code; without those whose events go now because of it.
    pub left_out: std::collections::BTreeMap<&'static str, u32>,
    /// Appointments that pass the filters, or were kept all the same.
    pub matching: u32,
    /// Appointments that are known and not over.
    pub total: u32,
}

impl Preview {
    fn of(decisions: Vec<Decision>, ctx: &Context) -> Self {
        let mut preview = Self::default();
        for decision in decisions {
            let checks = decision
                .record
                .appointment
                .as_ref()
                .map(|appointment| filter::checks(appointment, &ctx.settings.filters, ctx.connected_at));
            let deletes = leaves_out(&decision);
            if let Some(checks) = checks
                && let Some(passes) = passes(decision.standing, &checks)
            {
                preview.total += 1;
                preview.matching += u32::from(passes);
                let failed = checks.iter().find(|check| !check.passed);
                if let Some(check) = failed.filter(|_| !passes && !deletes) {
                    *preview.left_out.entry(check.reason.code()).or_default() += 1;
                }
            }
            if !decision.intents.is_empty() {
                preview.decisions.push(decision);
            }
        }
        preview
    }
}

impl Engine {
    /// Answers a conflict that was shown in the state `shown`.
    ///
    /// # Errors
    /// [`AnswerError::Stale`] if either side changed since; nothing is changed then.
    pub async fn resolve_conflict(
        &self,
        id: &ConflictId,
        shown: &Seen,
        resolution: &Resolution,
    ) -> Result<(), AnswerError> {
        let _turn = self.turn.lock().await;
        self.answer_in_turn(id, shown, resolution).await?;
        self.after_answer();
        Ok(())
    }

    /// Answers several conflicts. Each is taken or not by itself; one cycle carries all of them out.
    pub async fn resolve_conflicts(
        &self,
        answers: &[(ConflictId, Seen, Resolution)],
    ) -> Vec<Result<(), AnswerError>> {
        let _turn = self.turn.lock().await;
        let mut outcomes = Vec::with_capacity(answers.len());
        for (id, shown, resolution) in answers {
            outcomes.push(self.answer_in_turn(id, shown, resolution).await);
        }
        if outcomes.iter().any(Result::is_ok) {
            self.after_answer();
        }
        outcomes
    }

    async fn answer_in_turn(
        &self,
        id: &ConflictId,
        shown: &Seen,
        resolution: &Resolution,
    ) -> Result<(), AnswerError> {
        let conflict = self
            .ledger
            .conflict(id)
            .await?
            .filter(|conflict| conflict.state == ConflictState::Open);
        let conflict = conflict.ok_or(AnswerError::Gone)?;
        if conflict.kind == ConflictKind::CreatedExternally {
            return self.answer_marked(conflict, shown, resolution).await;
        }
        let mut record = self
            .ledger
            .record(&conflict.appointment_id)
            .await?
            .ok_or(AnswerError::Gone)?;
        let settings = self.ledger.settings().await?;
        let state = self.ledger.sync_state().await?;
        let ctx = self.context(settings, &state);
        resolve::resolve(&mut record, &conflict, resolution, shown, &ctx)?;
        let state = ConflictState::Resolved {
            resolution: resolution.clone(),
            at: ctx.now,
            by_policy: false,
        };
        let what = HistoryWhat::ConflictResolved {
            conflict: id.clone(),
            resolution: resolution_word(resolution).into(),
            by_policy: false,
        };
        let changes = vec![
            self.outside_item(&record, what),
            Change::PutRecord(Box::new(record)),
            Change::PutConflict(Box::new(Conflict { state, ..conflict })),
        ];
        Ok(self.ledger.commit(changes).await?)
    }

    /// Answers a question of the guard. The answer is remembered for the appointments it was about.
    ///
    /// # Errors
    /// [`AnswerError::Gone`] if it is not open any more.
    pub async fn answer_question(&self, id: &QuestionId, answer: Answer) -> Result<(), AnswerError> {
        let _turn = self.turn.lock().await;
        let question = self
            .ledger
            .question(id)
            .await?
            .filter(|question| question.answer.is_none());
        let question = question.ok_or(AnswerError::Gone)?;
        let settings = self.ledger.settings().await?;
        let state = self.ledger.sync_state().await?;
        let ctx = self.context(settings, &state);
        let mut records = Records::new(self.ledger.records().await?);
        let mut told = Vec::new();
        let mut answered = BTreeSet::new();
        for appointment in &question.appointments {
            let Some(known) = records.get(appointment).cloned() else {
                continue;
            };
            // What has changed since it was asked is not answered with it, nor what only looks so by a clock that is wrong.
            let decision = reconcile::reconcile(&known, &ctx);
            let decision = self.follow_policy(decision, &mut BTreeMap::new(), &ctx);
            let present = guard::part_of(&decision);
            let is_as_asked = present
                .is_some_and(|(kind, cause)| kind == question.kind && question.is_about(appointment, &cause));
            // To ask about each move alone is right whatever it is by now.
            let each_alone = (question.kind, answer) == (QuestionKind::Moves, Answer::Leave);
            if !is_as_asked && !each_alone {
                continue;
            }
            answered.insert(appointment.clone());
            match (question.kind, answer) {
                (QuestionKind::RemovedInCalendar, _) => {
                    // The unlinking that was held happens now; "put back" follows it.
                    let mut record = reconcile::reconcile(&known, &ctx).record;
                    let by_trainer = matches!(record.link, LinkState::Removed { by_trainer: true, .. });
                    let source = match by_trainer {
                        true => HistorySource::You,
                        false => HistorySource::Roundtrip,
                    };
                    let what = HistoryWhat::RemovedInCalendar { by_trainer };
                    told.push(self.outside_item_of(&record, what, source));
                    if answer == Answer::GoOn && resolve::put_back(&mut record) {
                        told.push(self.outside_item(&record, HistoryWhat::PutBack));
                    }
                    records.put(record);
                }
                (QuestionKind::Moves, Answer::Leave) => {
                    records.edit(appointment, |record| record.ask_moves = true)
                }
                (QuestionKind::Cancellations, Answer::Leave) => {
                    records.edit(appointment, |record| {
                        record.link = LinkState::Kept;
                        record.kept_though_said = true;
                    });
                }
                (QuestionKind::InferredDeletions, Answer::Leave) => {
                    records.edit(appointment, |record| {
                        record.link = LinkState::Kept;
                        record.held = None;
                    });
                }
                (QuestionKind::InferredDeletions, Answer::GoOn) => {
                    // What is held goes now; what is not was asked about all the same.
                    records.edit(appointment, |record| _ = pen::answer(record, true));
                }
                (QuestionKind::Moves | QuestionKind::Cancellations, Answer::GoOn) => {}
            }
        }
        let mut changes = records.take_changes();
        let what = HistoryWhat::Answered {
            question: question.kind,
            answer,
        };
        let mut item = self.item(&RunId::new(""), None, what, HistorySource::You);
        item.run_id = None;
        changes.push(Change::AddItem(Box::new(item)));
        changes.extend(told);
        // The answer is remembered for what it was given to; the rest is asked about anew.
        let Question {
            appointments, causes, ..
        } = question.clone();
        let is_answered = |id: &AppointmentId| answered.contains(id);
        changes.push(Change::PutQuestion(Question {
            appointments: appointments.into_iter().filter(is_answered).collect(),
            causes: causes.into_iter().filter(|(id, _)| is_answered(id)).collect(),
            answer: Some(answer),
            answered_at: Some(ctx.now),
            ..question
        }));
        self.ledger.commit(changes).await?;
        self.after_answer();
        Ok(())
    }

    /// "Put back" an event that was deleted in the calendar.
    ///
    /// # Errors
    /// [`AnswerError::Gone`] if there is nothing to put back.
    pub async fn put_back(&self, id: &AppointmentId) -> Result<(), AnswerError> {
        let _turn = self.turn.lock().await;
        let mut record = self.ledger.record(id).await?.ok_or(AnswerError::Gone)?;
        if !resolve::put_back(&mut record) {
            return Err(AnswerError::Gone);
        }
        let item = self.outside_item(&record, HistoryWhat::PutBack);
        self.ledger
            .commit(vec![item, Change::PutRecord(Box::new(record))])
            .await?;
        self.after_answer();
        Ok(())
    }

    /// Writes that wait or are parked become due at once: of one appointment, or all.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn retry(&self, id: Option<&AppointmentId>) -> Result<(), AnswerError> {
        let _turn = self.turn.lock().await;
        let mut changes = self.due_at_once(|known| id.is_none_or(|id| id == known)).await?;
        if let Some(mut record) = match id {
            Some(id) => self.ledger.record(id).await?,
            None => None,
        } {
            resolve::resume(&mut record);
            changes.push(Change::PutRecord(Box::new(record)));
        }
        self.ledger.commit(changes).await?;
        self.after_answer();
        Ok(())
    }

    /// Writes that wait or are parked become due at once: of the appointments with which this run had trouble.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn retry_run(&self, run: &RunId) -> Result<(), AnswerError> {
        let _turn = self.turn.lock().await;
        let filter = HistoryFilter {
            run_id: Some(run.clone()),
            limit: RUN_LINES_MAX,
            ..HistoryFilter::default()
        };
        let troubled: BTreeSet<AppointmentId> = self
            .ledger
            .history(&filter)
            .await?
            .into_iter()
            .filter(|item| item.result != HistoryResult::Ok)
            .filter_map(|item| item.appointment_id)
            .collect();
        let changes = self.due_at_once(|id| troubled.contains(id)).await?;
        self.ledger.commit(changes).await?;
        self.after_answer();
        Ok(())
    }

    async fn due_at_once(&self, which: impl Fn(&AppointmentId) -> bool) -> Result<Vec<Change>, LedgerError> {
        let now = self.now();
        let rows = self.ledger.outbox().await?.into_iter();
        let hurried = rows.filter(|row| which(&row.appointment_id)).map(|mut row| {
            // That one was sent before is not forgotten: what it may have brought about is looked for.
            row.attempts = u32::from(row.state == OutboxState::Sent);
            row.due_at = now;
            if row.state == OutboxState::Parked {
                row.state = OutboxState::Waiting;
            }
            Change::PutOutbox(Box::new(row))
        });
        Ok(hurried.collect())
    }

    /// Changes the settings. It may be minutes until it is a caller's turn, so `change` is given the settings as they are then:
    /// what others changed meanwhile stays. A change that changes nothing is not written.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn change_settings(
        &self,
        change: impl FnOnce(SyncSettings) -> SyncSettings + Send,
        confirmed: Removals,
    ) -> Result<(), AnswerError> {
        let _turn = self.turn.lock().await;
        let now = self.now();
        let before = self.ledger.settings().await?;
        let settings = change(before.clone());
        let confirmed = match confirmed {
            Removals::Unconfirmed => Vec::new(),
            Removals::Of(ids) => ids,
            Removals::Counted(count) => self.removed_by(&before, &settings, count).await?,
        };
        if settings == before && confirmed.is_empty() {
            return Ok(());
        }
        let mut changes = vec![
            Change::PutSettings(Box::new(settings.clone())),
            Change::Audit {
                event: "settings".into(),
                details: changed_keys(&before, &settings),
                at: now,
            },
        ];
        let rule = |settings| Rule::of(settings, &self.config.platform_name);
        if rule(&settings).is_some_and(|now| rule(&before) != Some(now)) {
            // What was marked before is only in a full listing.
            let mut state = self.ledger.sync_state().await?;
            state.full_at = None;
            changes.push(Change::PutSyncState(Box::new(state)));
        }
        if !confirmed.is_empty() {
            let mut records = Records::new(self.ledger.records().await?);
            let known: Vec<AppointmentId> = confirmed
                .into_iter()
                .filter(|id| records.get(id).is_some())
                .collect();
            for id in &known {
                records.edit(id, |record| pen::confirm_left_out(record, now));
            }
            let causes = known.iter().filter_map(|id| records.get(id));
            changes.push(self.confirmed_with_number(causes, now));
            changes.extend(records.take_changes());
        }
        self.ledger.commit(changes).await?;
        self.after_answer();
        Ok(())
    }

    /// The appointments whose events go by this change of the settings, if they are just so many.
    async fn removed_by(
        &self,
        before: &SyncSettings,
        after: &SyncSettings,
        count: u32,
    ) -> Result<Vec<AppointmentId>, LedgerError> {
        let preview = self.preview_change(before, after.clone()).await?;
        let removed = preview.decisions.into_iter().filter(leaves_out);
        let removed: Vec<AppointmentId> = removed.map(|decision| decision.record.appointment_id).collect();
        Ok(match u32::try_from(removed.len()) == Ok(count) {
            true => removed,
            false => Vec::new(),
        })
    }

    /// What the next cycle would do under these settings, from what is known now; what would be held first counts as
    /// done. Nothing is read or written.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn preview(&self, settings: SyncSettings) -> Result<Preview, LedgerError> {
        let state = self.ledger.sync_state().await?;
        let ctx = self.context(settings, &state);
        let decisions = self
            .ledger
            .records()
            .await?
            .iter()
            .map(|record| reconcile::wanted(record, &ctx))
            .collect();
        Ok(Preview::of(decisions, &ctx))
    }

    /// What a change of settings would do: what the next cycle would do anyway is left out.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn preview_change(
        &self,
        before: &SyncSettings,
        after: SyncSettings,
    ) -> Result<Preview, LedgerError> {
        let anyway = self.preview(before.clone()).await?;
        let anyway: BTreeMap<&AppointmentId, &Decision> = anyway
            .decisions
            .iter()
            .map(|decision| (&decision.record.appointment_id, decision))
            .collect();
        let mut preview = self.preview(after).await?;
        preview.decisions.retain(|decision| {
            anyway
                .get(&decision.record.appointment_id)
                .is_none_or(|known| !same_effect(&known.intents, &decision.intents))
        });
        Ok(preview)
    }

    /// What a first run into another, empty calendar would do. Events of this one stay where they are.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn preview_elsewhere(&self, settings: SyncSettings) -> Result<Preview, LedgerError> {
        let state = self.ledger.sync_state().await?;
        let ctx = self.context(settings, &state);
        let fresh = |record: Record| Record {
            appointment: record.appointment,
            removal: record.removal,
            ..Record::new(record.appointment_id)
        };
        let records = self.ledger.records().await?;
        let decide = |record| reconcile::wanted(&fresh(record), &ctx);
        let decisions = records.into_iter().map(decide).collect();
        Ok(Preview::of(decisions, &ctx))
    }

    /// "Start syncing": from now on it may write.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn start_syncing(&self) -> Result<(), LedgerError> {
        let _turn = self.turn.lock().await;
        let mut state = self.ledger.sync_state().await?;
        state.started = true;
        self.ledger
            .commit(vec![Change::PutSyncState(Box::new(state))])
            .await?;
        self.after_answer();
        Ok(())
    }

    /// Pauses until then, or resumes with `None`. On resuming a full check runs.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn pause_until(&self, until: Option<DateTime<Utc>>) -> Result<(), LedgerError> {
        self.cancel_cycle();
        let _turn = self.turn.lock().await;
        let mut state = self.ledger.sync_state().await?;
        state.paused_until = until;
        if until.is_none() {
            state.full_at = None;
        }
        let mut changes = vec![Change::PutSyncState(Box::new(state))];
        // A leaving that ended half-way is over with this: it is not gone on with behind the trainer's back.
        changes.extend(
            self.ledger
                .outbox()
                .await?
                .into_iter()
                .filter(|row| row.state != OutboxState::Sent && asked_away(&row.intent))
                .map(|row| Change::DeleteOutbox(row.id)),
        );
        self.ledger.commit(changes).await?;
        self.after_answer();
        Ok(())
    }

    /// Takes the writer lease over with the next cycle.
    pub fn take_over(&self) {
        self.lock().take_over = true;
        self.ask_for(Trigger::Manual);
    }

    pub(crate) fn outside_item(&self, record: &roundtrip_core::record::Record, what: HistoryWhat) -> Change {
        self.outside_item_of(record, what, HistorySource::You)
    }

    fn outside_item_of(
        &self,
        record: &roundtrip_core::record::Record,
        what: HistoryWhat,
        source: HistorySource,
    ) -> Change {
        let mut item = self.titled_item(&RunId::new(""), record, what, source);
        item.run_id = None;
        Change::AddItem(Box::new(item))
    }

    pub(crate) fn after_answer(&self) {
        // Started, paused or resumed perhaps: what there is to do is looked up again.
        self.lock().task = None;
        self.tell(EngineEvent::Changed);
        self.ask_for(Trigger::Changed);
    }
}

/// An event that is made anyway is made anyway, whatever it will say.
fn same_effect(one: &[Intent], other: &[Intent]) -> bool {
    let made = |intents: &[Intent]| matches!(intents, [Intent::Insert { .. }]);
    one == other || made(one) && made(other)
}

/// Names of the settings that changed, for the audit log: no content.
pub(crate) fn changed_keys(before: &SyncSettings, after: &SyncSettings) -> serde_json::Value {
    let value = |settings: &SyncSettings| serde_json::to_value(settings).unwrap_or_default();
    let (before, after) = (value(before), value(after));
    let keys: Vec<&String> = after
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| before.get(key.as_str()) != Some(value))
        .map(|(key, _)| key)
        .collect();
    serde_json::json!({ "changed": keys })
}

/// Its event goes because the trainer's rules leave it out.
fn leaves_out(decision: &Decision) -> bool {
    let left_out = |intent: &Intent| {
        matches!(
            intent,
            Intent::Delete {
                reason: DeleteReason::LeftOut,
                ..
            }
        )
    };
    decision.intents.iter().any(left_out)
}

fn asked_away(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::Delete {
            reason: DeleteReason::Asked,
            ..
        }
    )
}
