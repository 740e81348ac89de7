//! From records to a plan: decisions, guard, conflicts, and what the outbox should hold.

use crate::engine::Engine;
use crate::ledger::{
    Change, Counts, HistoryItem, HistoryResult, HistorySource, HistoryWhat, LedgerError, SyncState,
};
use crate::marked::take_questions;
use crate::questions::{COUNTED, confirmed, kind_of};
use crate::read::Records;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::conflict::{Conflict, ConflictState, Resolution};
use roundtrip_core::guard::{self, Recent};
use roundtrip_core::ids::{AppointmentId, ConflictId, IdempotencyKey, OutboxId, RunId};
use roundtrip_core::outbox::{DeleteReason, Intent, OutboxRow, OutboxState, Side};
use roundtrip_core::pen;
use roundtrip_core::question::{Cause, Question, QuestionKind};
use roundtrip_core::reconcile::{self, ConflictDraft, Context, Decision, Remark, Standing};
use roundtrip_core::record::Record;
use roundtrip_core::resolve;
use roundtrip_core::text;
use std::collections::{BTreeMap, BTreeSet};

/// A plan: what a cycle wants to do, with reasons.
pub(crate) struct Plan {
    /// One decision per appointment that is not settled: of the others nothing is to be recorded.
    pub(crate) decisions: Vec<Decision>,
    /// Held by the guard.
    pub(crate) held: BTreeMap<AppointmentId, QuestionKind>,
    /// Questions to ask.
    pub(crate) ask: BTreeMap<QuestionKind, BTreeMap<AppointmentId, Cause>>,
    /// Answers of standing policies that the decisions follow.
    pub(crate) by_policy: BTreeMap<AppointmentId, Conflict>,
    /// A deletion waits for the platform to be heard again.
    pub(crate) unheard: bool,
}

/// The line that the history gets once it is known that a write went through, as far as the guard counts it.
fn as_if_told(row: &OutboxRow, record: Option<&Record>) -> Option<HistoryItem> {
    let what = match &row.intent {
        Intent::Delete { reason, .. } => HistoryWhat::Deleted {
            reason: *reason,
            edit_lost: false,
            inferred: record
                .and_then(|record| record.removal)
                .is_some_and(|removal| removal.inferred),
            time: None,
        },
        // A person decided it one by one, however long ago. What a rule decided counts.
        Intent::Move { time, .. }
            if record.is_some_and(|known| {
                [known.confirmed_time, known.requested_time].contains(&Some(*time))
                    && known.policy_time != Some(*time)
            }) =>
        {
            return None;
        }
        Intent::Move { time, from, .. } => HistoryWhat::MovedBack {
            from: *from,
            to: *time,
            admin_notified: false,
        },
        Intent::Insert { .. } | Intent::Patch { .. } | Intent::Create { .. } | Intent::Notes { .. } => {
            return None;
        }
    };
    Some(HistoryItem {
        id: row.id.0.clone(),
        run_id: None,
        at: row.created_at,
        appointment_id: Some(row.appointment_id.clone()),
        title: None,
        what,
        source: HistorySource::Roundtrip,
        result: HistoryResult::Waiting,
        problem: None,
        request_id: None,
        took: None,
    })
}

/// Appointments of which something is kept beside their records.
pub(crate) struct Beside {
    /// The outcome of a write is unknown: nothing new is decided.
    pub(crate) unknown: BTreeSet<AppointmentId>,
    /// A write waits, or a question is open: what becomes of it is recorded, however settled the record is.
    pub(crate) open: BTreeSet<AppointmentId>,
}

impl Engine {
    /// Decides all records but those that are settled. Pure but for fresh ids; nothing is written.
    pub(crate) fn decide(
        &self,
        records: &Records,
        ctx: &Context,
        beside: &Beside,
        recent: Recent,
        questions: &[Question],
        deletions_frozen: bool,
    ) -> Plan {
        let mut by_policy = BTreeMap::new();
        let decisions: Vec<Decision> = records
            .iter()
            .filter(|record| !beside.unknown.contains(&record.appointment_id))
            .filter_map(|record| match beside.open.contains(&record.appointment_id) {
                true => Some(reconcile::reconcile(record, ctx)),
                false => reconcile::unless_settled(record, ctx),
            })
            // Standing policies answer before the guard looks: what they lead to counts, too.
            .map(|decision| self.follow_policy(decision, &mut by_policy, ctx))
            .map(|decision| {
                if deletions_frozen {
                    without_inferred_deletions(decision)
                } else {
                    decision
                }
            })
            .collect();
        let verdict = guard::judge(&decisions, recent, records.open_links(), questions);
        // After the guard has counted them: what waits for the platform is asked about like what goes.
        let mut unheard = false;
        let at_its_time = |decision: Decision| {
            if verdict.held.contains_key(&decision.record.appointment_id) {
                return decision;
            }
            let wanted = decision.intents.len();
            let decision = pen::unless_changed_since(decision, ctx);
            // What the feed tells in a way that cannot be read is asked for by itself: one more reading tells nothing new.
            unheard |= decision.intents.len() < wanted && !decision.record.unread_on_platform;
            decision
        };
        let decisions = decisions.into_iter().map(at_its_time).collect();
        Plan {
            decisions,
            unheard,
            held: verdict.held,
            ask: verdict.ask,
            by_policy,
        }
    }

    /// How far the calendar service's clock is ahead of [`Engine::now`].
    pub(crate) fn calendar_ahead(&self) -> Duration {
        self.calendar
            .clock_offset()
            .map_or_else(Duration::zero, |offset| offset - self.clock_offset())
    }

    pub(crate) fn follow_policy(
        &self,
        mut decision: Decision,
        by_policy: &mut BTreeMap<AppointmentId, Conflict>,
        ctx: &Context,
    ) -> Decision {
        let Some((draft, resolution)) = decision.by_policy.clone() else {
            return decision;
        };
        let conflict = self.answered_by_policy(&decision.record, draft.clone(), &resolution, ctx);
        match reconcile::follow_policy(&decision, &conflict, ctx) {
            Some(followed) => {
                by_policy.insert(decision.record.appointment_id, conflict);
                followed
            }
            None => {
                // A rule that cannot be followed here does not hide the conflict.
                decision.by_policy = None;
                decision.conflict = Some(draft);
                decision
            }
        }
    }

    /// What already happened in the last 60 minutes, without what was confirmed. What was sent and is not answered counts as
    /// done: nothing is decided of it until its outcome is known, and then it is too late to ask.
    pub(crate) async fn recent(
        &self,
        questions: &[Question],
        rows: &[OutboxRow],
        records: &Records,
    ) -> Result<Recent, LedgerError> {
        let since = self.now() - Duration::minutes(60);
        // Of the kinds that are counted all lines, however much else happened in the hour.
        let lines = |kinds| crate::ledger::HistoryFilter {
            since: Some(since),
            limit: u32::MAX,
            kinds,
            ..Default::default()
        };
        let mut items = self.ledger.history(&lines(&COUNTED)).await?;
        let sent = rows.iter().filter(|row| row.state == OutboxState::Sent);
        items.extend(sent.filter_map(|row| as_if_told(row, records.get(&row.appointment_id))));
        if items.is_empty() {
            return Ok(Recent::default());
        }
        let mut made: BTreeMap<AppointmentId, Vec<DateTime<Utc>>> = BTreeMap::new();
        for item in self.ledger.history(&lines(&["added"])).await? {
            if let Some(id) = item.appointment_id {
                made.entry(id).or_default().push(item.at);
            }
        }
        // A move that a person decided one by one, or wanted back, is no part of a mass of them.
        let decided: BTreeSet<&AppointmentId> = items
            .iter()
            .filter(|item| {
                matches!(
                    item.what,
                    HistoryWhat::ConflictResolved { by_policy: false, .. }
                        | HistoryWhat::Undone { .. }
                        | HistoryWhat::Restored { .. }
                )
            })
            .filter_map(|item| item.appointment_id.as_ref())
            .collect();
        let mut recent = Recent::default();
        for item in &items {
            let among = |known: &BTreeSet<&AppointmentId>| {
                item.appointment_id.as_ref().is_some_and(|id| known.contains(id))
            };
            let record = item.appointment_id.as_ref().and_then(|id| records.get(id));
            // Each event that was made since has the next generation.
            let made = item.appointment_id.as_ref().and_then(|id| made.get(id));
            let made_since = made.map_or(0, |made| made.iter().filter(|at| **at > item.at).count());
            let made_since = u32::try_from(made_since).unwrap_or(u32::MAX);
            let generation = record.map(|record| record.generation.saturating_sub(made_since));
            if confirmed(questions, item, generation) {
                continue;
            }
            match kind_of(&item.what) {
                Some(QuestionKind::InferredDeletions) => recent.inferred_deletions += 1,
                Some(QuestionKind::Cancellations) => recent.cancellations += 1,
                Some(QuestionKind::Moves) if !among(&decided) => recent.moves += 1,
                Some(QuestionKind::RemovedInCalendar) => recent.removed_in_calendar += 1,
                Some(QuestionKind::Moves) | None => {}
            }
        }
        Ok(recent)
    }

    /// Records a plan: local consequences, conflicts, questions and outbox rows, in one transaction. `may_write` is false
    /// where another laptop writes, sync is off, or the trainer has not started it: then no write is recorded, and what waits and is
    /// not wanted any more is dropped all the same.
    pub(crate) async fn record_plan(
        &self,
        plan: Plan,
        records: &mut Records,
        ctx: &Context,
        may_write: bool,
        run: &RunId,
        counts: &mut Counts,
    ) -> Result<(), LedgerError> {
        let mut open: BTreeMap<AppointmentId, Conflict> = self
            .ledger
            .open_conflicts()
            .await?
            .into_iter()
            .map(|conflict| (conflict.appointment_id.clone(), conflict))
            .collect();
        let marked = take_questions(&mut open);
        let mut waiting: BTreeMap<(AppointmentId, Side), OutboxRow> = self
            .ledger
            .outbox()
            .await?
            .into_iter()
            .filter(|row| row.state != OutboxState::Sent)
            .map(|row| ((row.appointment_id.clone(), row.side), row))
            .collect();
        let mut changes = Vec::new();
        for mut decision in plan.decisions {
            let id = decision.record.appointment_id.clone();
            if plan.held.contains_key(&id) {
                for side in [Side::Platform, Side::Calendar] {
                    drop_waiting(&mut waiting, &id, side, &mut changes);
                }
                // Since when it is held is remembered while it is asked about, too.
                self.tell_held(records.get(&id), &decision, run, &mut changes);
                records.edit(&id, |record| {
                    record.held = decision.record.held;
                    record.problem = None;
                });
                continue;
            }
            if let (Some((_, resolution)), Some(conflict)) =
                (decision.by_policy.take(), plan.by_policy.get(&id))
            {
                let what = HistoryWhat::ConflictResolved {
                    conflict: conflict.id.clone(),
                    resolution: resolution_word(&resolution).into(),
                    by_policy: true,
                };
                changes.push(Change::PutConflict(Box::new(conflict.clone())));
                changes.push(self.tell_item(run, &decision.record, what, HistorySource::Roundtrip));
            }
            self.tell_held(records.get(&id), &decision, run, &mut changes);
            self.follow_conflict(&mut decision, open.remove(&id), ctx, run, counts, &mut changes);
            for remark in &decision.remarks {
                let (what, source) = match remark {
                    Remark::RemovedInCalendar => {
                        let by_trainer = matches!(
                            decision.record.link,
                            roundtrip_core::record::LinkState::Removed { by_trainer: true, .. }
                        );
                        let source = match by_trainer {
                            true => HistorySource::You,
                            false => HistorySource::Roundtrip,
                        };
                        (HistoryWhat::RemovedInCalendar { by_trainer }, source)
                    }
                    Remark::ChangedSinceRemoved => {
                        (HistoryWhat::ChangedSinceRemoved, HistorySource::Platform)
                    }
                    Remark::Merged => (HistoryWhat::Merged, HistorySource::Roundtrip),
                    Remark::MoveTooLate => {
                        let intent = "move".into();
                        (HistoryWhat::WriteFailed { intent }, HistorySource::Roundtrip)
                    }
                    Remark::Overtaken { wanted } => {
                        let wanted = *wanted;
                        (HistoryWhat::Overtaken { wanted }, HistorySource::Roundtrip)
                    }
                };
                // A merge is told with the write it leads to, once: not by a laptop that may not write now, at each reading.
                let told = may_write && !waiting.contains_key(&(id.clone(), Side::Calendar));
                if *remark != Remark::Merged || told {
                    let mut item = self.titled_item(run, &decision.record, what, source);
                    if *remark == Remark::MoveTooLate {
                        item.result = HistoryResult::Problem;
                        item.problem = Some("over".into());
                    }
                    changes.push(Change::AddItem(Box::new(item)));
                }
            }
            if decision.standing == Standing::Gone {
                for side in [Side::Platform, Side::Calendar] {
                    drop_waiting(&mut waiting, &id, side, &mut changes);
                }
                if decision.record.may_come_back(ctx.now) {
                    records.put(decision.record);
                } else {
                    records.forget(&id);
                    changes.push(Change::DeleteRecord(id));
                }
                continue;
            }
            // What is not wanted any more does not wait for the day on which it may be written.
            self.fill_outbox(&decision, may_write, &mut waiting, &mut changes);
            if decision.intents.is_empty() {
                // Nothing of it waits any more: what went wrong before is told again should it go wrong again.
                decision.record.problem = None;
            }
            records.put(decision.record);
        }
        self.plan_marked(marked, records, ctx, may_write, run, counts, &mut changes)
            .await?;
        // A conflict whose appointment is gone has nothing left to decide.
        let now = ctx.now;
        for (id, mut conflict) in open {
            if records.get(&id).is_none() {
                conflict.state = ConflictState::Superseded { at: now };
                changes.push(Change::PutConflict(Box::new(conflict)));
            }
        }
        self.ask_or_withdraw(&plan.held, plan.ask, run, &mut changes)
            .await?;
        changes.extend(records.take_changes());
        if changes.is_empty() {
            Ok(())
        } else {
            self.commit(changes).await
        }
    }

    fn fill_outbox(
        &self,
        decision: &Decision,
        may_write: bool,
        waiting: &mut BTreeMap<(AppointmentId, Side), OutboxRow>,
        changes: &mut Vec<Change>,
    ) {
        let id = &decision.record.appointment_id;
        for side in [Side::Platform, Side::Calendar] {
            let wanted = decision.intents.iter().find(|intent| intent.side() == side);
            let known = waiting.get(&(id.clone(), side));
            match (wanted, known) {
                (None, None) => {}
                (Some(wanted), Some(known)) if known.intent == *wanted => {}
                (Some(_), _) if !may_write => {}
                (Some(wanted), known) => {
                    // P6: only the waiting row is replaced by a newer intent.
                    if let Some(known) = known {
                        changes.push(Change::DeleteOutbox(known.id.clone()));
                    }
                    let mut row = self.row(id, wanted.clone(), OutboxState::Waiting);
                    row.noticed = self.noticed(&decision.record, wanted);
                    changes.push(Change::PutOutbox(Box::new(row)));
                }
                (None, Some(known)) => {
                    if !matches!(
                        known.intent,
                        Intent::Delete {
                            reason: DeleteReason::Asked,
                            ..
                        }
                    ) {
                        changes.push(Change::DeleteOutbox(known.id.clone()));
                    }
                }
            }
        }
    }

    pub(crate) fn row(&self, id: &AppointmentId, intent: Intent, state: OutboxState) -> OutboxRow {
        let fresh = self.fresh_id();
        let now = self.now();
        OutboxRow {
            id: OutboxId(fresh.clone()),
            appointment_id: id.clone(),
            side: intent.side(),
            key: intent.shared_key(id).unwrap_or(IdempotencyKey(fresh)),
            intent,
            state,
            attempts: 0,
            due_at: now,
            created_at: now,
            last_problem: None,
            noticed: None,
            left_at: None,
        }
    }

    /// Keeps, replaces, raises or closes the conflict of one appointment.
    fn follow_conflict(
        &self,
        decision: &mut Decision,
        open: Option<Conflict>,
        ctx: &Context,
        run: &RunId,
        counts: &mut Counts,
        changes: &mut Vec<Change>,
    ) {
        let seen = resolve::seen(&decision.record);
        let draft = decision.conflict.take();
        if let (Some(open), Some(draft)) = (&open, &draft)
            && (open.kind, &open.cause, &open.fields) == (draft.kind, &draft.cause, &draft.fields)
        {
            decision.record.conflict = Some(open.id.clone());
            if open.seen != seen {
                changes.push(Change::PutConflict(Box::new(Conflict { seen, ..open.clone() })));
            }
            return;
        }
        if let Some(mut open) = open {
            open.state = ConflictState::Superseded { at: ctx.now };
            changes.push(Change::PutConflict(Box::new(open)));
            decision.record.conflict = None;
        }
        if let Some(draft) = draft {
            let conflict = self.new_conflict(&decision.record, draft, ConflictState::Open, ctx);
            decision.record.conflict = Some(conflict.id.clone());
            counts.conflicts += 1;
            let what = HistoryWhat::ConflictRaised {
                kind: conflict.kind,
                fields: conflict.fields.iter().map(|field| field.field).collect(),
                conflict: conflict.id.clone(),
            };
            changes.push(self.tell_item(run, &decision.record, what, HistorySource::Roundtrip));
            changes.push(Change::PutConflict(Box::new(conflict)));
        }
    }

    fn answered_by_policy(
        &self,
        record: &Record,
        draft: ConflictDraft,
        resolution: &Resolution,
        ctx: &Context,
    ) -> Conflict {
        let state = ConflictState::Resolved {
            resolution: resolution.clone(),
            at: ctx.now,
            by_policy: true,
        };
        self.new_conflict(record, draft, state, ctx)
    }

    fn new_conflict(
        &self,
        record: &Record,
        draft: ConflictDraft,
        state: ConflictState,
        ctx: &Context,
    ) -> Conflict {
        let appointment = record.appointment.as_ref();
        Conflict {
            id: ConflictId(self.fresh_id()),
            appointment_id: record.appointment_id.clone(),
            kind: draft.kind,
            cause: draft.cause,
            fields: draft.fields,
            seen: resolve::seen(record),
            platform_changed_at: appointment.map(|appointment| appointment.updated_at),
            platform_changed_by: appointment
                .and_then(|appointment| appointment.updated_by.as_ref())
                .and_then(|actor| actor.name.clone()),
            calendar_changed_at: record.calendar_moved_at.or(record.calendar_edited_at),
            raised_at: ctx.now,
            state,
        }
    }

    pub(crate) fn tell_item(
        &self,
        run: &RunId,
        record: &Record,
        what: HistoryWhat,
        source: HistorySource,
    ) -> Change {
        Change::AddItem(Box::new(self.titled_item(run, record, what, source)))
    }

    pub(crate) fn titled_item(
        &self,
        run: &RunId,
        record: &Record,
        what: HistoryWhat,
        source: HistorySource,
    ) -> HistoryItem {
        let mut item = self.item(run, Some(record.appointment_id.clone()), what, source);
        item.title = title_of(record);
        item
    }

    /// A line about a write, with the id under which the service's support finds its requests.
    pub(crate) fn write_item(
        &self,
        run: &RunId,
        record: &Record,
        what: HistoryWhat,
        source: HistorySource,
    ) -> HistoryItem {
        let mut item = self.titled_item(run, record, what, source);
        item.request_id = Some(crate::ports::request_id(run));
        item
    }

    /// Is sync allowed to write now? The trainer started it and has not paused it, the platform has said to this
    /// process that it may, and this laptop is the one that writes.
    pub(crate) fn may_write(&self, state: &SyncState, enabled: bool) -> bool {
        self.is_to_write(state, enabled) && self.holds_lease()
    }

    /// As [`Engine::may_write`], whichever laptop writes.
    pub(crate) fn is_to_write(&self, state: &SyncState, enabled: bool) -> bool {
        let allowed = {
            let live = self.lock();
            live.policy_heard && live.policy.as_ref().is_some_and(|policy| policy.enabled)
        };
        let paused = state.paused_until.is_some_and(|until| until > self.now());
        enabled && state.started && allowed && !paused
    }
}

/// The name of an appointment as the history keeps it: never a client's.
pub fn title_of(record: &Record) -> Option<String> {
    let appointment = record.appointment.as_ref()?;
    let settings = roundtrip_core::settings::TextSettings::default();
    Some(
        text::render(
            appointment,
            &settings,
            roundtrip_core::settings::Language::En,
            false,
        )
        .title,
    )
}

fn without_inferred_deletions(mut decision: Decision) -> Decision {
    let inferred = decision.record.removal.is_some_and(|removal| removal.inferred);
    decision.intents.retain(|intent| match intent {
        Intent::Delete {
            reason: DeleteReason::LeftOut,
            ..
        } => false,
        Intent::Delete {
            reason: DeleteReason::Duplicate | DeleteReason::Asked,
            ..
        } => true,
        Intent::Delete { .. } => !inferred,
        Intent::Insert { .. }
        | Intent::Patch { .. }
        | Intent::Move { .. }
        | Intent::Notes { .. }
        | Intent::Create { .. } => true,
    });
    decision
}

fn drop_waiting(
    waiting: &mut BTreeMap<(AppointmentId, Side), OutboxRow>,
    id: &AppointmentId,
    side: Side,
    changes: &mut Vec<Change>,
) {
    if let Some(row) = waiting.remove(&(id.clone(), side)) {
        changes.push(Change::DeleteOutbox(row.id));
    }
}

/// Stable word of a resolution.
pub fn resolution_word(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::KeepPlatform => "keep_platform",
        Resolution::KeepCalendar => "keep_calendar",
        Resolution::MostRecent => "most_recent",
        Resolution::Merge { .. } => "merge",
        Resolution::StopSyncing => "stop_syncing",
        Resolution::Create => "create",
        Resolution::Dismiss => "dismiss",
    }
}
