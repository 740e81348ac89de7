//! Undoing answers and restoring lines of the history. What it does is decided by core; here it is recorded, as an edit of
//! the record and a line of its own.

use crate::answers::{AnswerError, RUN_LINES_MAX, changed_keys};
use crate::engine::Engine;
use crate::ledger::{Change, HistoryFilter, HistoryItem, HistorySource, HistoryWhat, LedgerError};
use crate::plan::title_of;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::conflict::Conflict;
use roundtrip_core::ids::{AppointmentId, ConflictId, RunId};
use roundtrip_core::outbox::{OutboxState, Side};
use roundtrip_core::pen;
use roundtrip_core::reconcile::Context;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::undo::{self, Effect, Why, Wish};
use std::collections::{BTreeMap, BTreeSet};

/// Both versions of a change are kept for so long.
pub(crate) const KEPT_DAYS: i64 = 30;

/// A conflict that was answered, and what undoing the answer would do now.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The conflict, with its answer.
    pub conflict: Conflict,
    /// Shown name of the appointment, if it is known.
    pub title: Option<String>,
    /// What undoing would do, or why it cannot be.
    pub undo: Result<Effect, Why>,
}

/// One line of the history, and what restoring it does.
#[derive(Clone, Debug)]
pub struct Restoring {
    /// Which line.
    pub history_id: String,
    /// Whose, if it is about one.
    pub appointment_id: Option<AppointmentId>,
    /// Shown name.
    pub title: Option<String>,
    /// `move`, `put_back`, `leave_out`, `let_in`, `answer`, `text`, or `none` for what never can be.
    pub action: &'static str,
    /// What it does, or why it cannot be.
    pub outcome: Result<Effect, Why>,
}

/// What restoring was seen to do when the trainer said yes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Lines that are restored.
    pub done: usize,
    /// Appointments whose admin is told.
    pub tells_admin: usize,
}

impl Confirmed {
    /// What these lines do.
    pub fn of(lines: &[Restoring]) -> Self {
        let told: BTreeSet<&AppointmentId> = lines
            .iter()
            .filter(|line| line.outcome.is_ok_and(|effect| effect.tells_admin))
            .filter_map(|line| line.appointment_id.as_ref())
            .collect();
        Self {
            done: lines.iter().filter(|line| line.outcome.is_ok()).count(),
            tells_admin: told.len(),
        }
    }
}

/// True if a line is of a kind, and young enough, that restoring it may do something.
pub fn is_restorable(item: &HistoryItem, now: DateTime<Utc>) -> bool {
    let alone = |action| !matches!(action, "let_in" | "text");
    action(&item.what).is_some_and(alone) && is_young(item, now)
}

fn is_young(item: &HistoryItem, now: DateTime<Utc>) -> bool {
    item.at >= now - Duration::days(KEPT_DAYS)
}

fn action(what: &HistoryWhat) -> Option<&'static str> {
    match what {
        HistoryWhat::MovedBack { .. }
        | HistoryWhat::Changed {
            from: Some(_),
            to: Some(_),
            ..
        } => Some("move"),
        HistoryWhat::RemovedInCalendar { .. } => Some("put_back"),
        HistoryWhat::Added { .. } => Some("leave_out"),
        HistoryWhat::ConflictResolved { .. } => Some("answer"),
        HistoryWhat::Deleted { .. } => Some("let_in"),
        HistoryWhat::Changed { .. } | HistoryWhat::NotesBack { .. } => Some("text"),
        _ => None,
    }
}

/// As [`undo::bring_back`], where reports of some appointments may be on their way: such a one tells the admin of the time
/// that is given up now, and the time wanted back has to be told after it.
fn bring_back(
    record: &mut Record,
    wish: &Wish,
    ctx: &Context,
    on_the_way: &BTreeSet<AppointmentId>,
) -> Result<Effect, Why> {
    let mut effect = undo::bring_back(record, wish, ctx)?;
    let again = matches!(wish, Wish::Back { .. } | Wish::Answer(_)) && effect.to.is_some();
    effect.tells_admin |= again && on_the_way.contains(&record.appointment_id);
    Ok(effect)
}

/// What is changed while lines are restored one after the other.
struct Edits {
    ctx: Context,
    on_the_way: BTreeSet<AppointmentId>,
    before: SyncSettings,
    records: BTreeMap<AppointmentId, Record>,
    left_out: Vec<AppointmentId>,
    items: Vec<Change>,
}

impl Engine {
    /// Conflicts answered in the last 30 days, newest first, each with what undoing it would do now.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn answered_conflicts(&self) -> Result<Vec<Answered>, LedgerError> {
        let ctx = self.present().await?;
        let since = ctx.now - Duration::days(KEPT_DAYS);
        let records: BTreeMap<AppointmentId, Record> = self
            .ledger
            .records()
            .await?
            .into_iter()
            .map(|record| (record.appointment_id.clone(), record))
            .collect();
        let on_the_way = self.on_the_way().await?;
        let answered = self.ledger.answered_conflicts(since).await?;
        Ok(answered
            .into_iter()
            .map(|conflict| {
                let record = records.get(&conflict.appointment_id);
                let wish = Wish::Answer(Box::new(conflict.clone()));
                let undo = match record {
                    Some(record) => bring_back(&mut record.clone(), &wish, &ctx, &on_the_way),
                    None => Err(Why::Gone),
                };
                Answered {
                    conflict,
                    title: record.and_then(title_of),
                    undo,
                }
            })
            .collect())
    }

    /// Conflicts answered in the last 30 days whose answer was not undone, newest first.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn standing_answers(&self) -> Result<Vec<Conflict>, LedgerError> {
        let since = self.now() - Duration::days(KEPT_DAYS);
        let filter = HistoryFilter {
            source: Some(HistorySource::You),
            since: Some(since),
            limit: u32::MAX,
            ..HistoryFilter::default()
        };
        let undone: BTreeSet<ConflictId> = self
            .ledger
            .history(&filter)
            .await?
            .into_iter()
            .filter_map(|item| match item.what {
                HistoryWhat::Undone { conflict, .. } => Some(conflict),
                _ => None,
            })
            .collect();
        let mut answered = self.ledger.answered_conflicts(since).await?;
        answered.retain(|conflict| !undone.contains(&conflict.id));
        Ok(answered)
    }

    /// Undoes the answer to a conflict by a new edit the other way round.
    ///
    /// # Errors
    /// [`AnswerError::Undo`] with why it cannot be; nothing is changed then.
    pub async fn undo_conflict(&self, id: &ConflictId) -> Result<Effect, AnswerError> {
        let _turn = self.turn.lock().await;
        let ctx = self.present().await?;
        let conflict = self.ledger.conflict(id).await?.ok_or(AnswerError::Gone)?;
        let record = self.ledger.record(&conflict.appointment_id).await?;
        let mut record = record.ok_or(AnswerError::Gone)?;
        let wish = Wish::Answer(Box::new(conflict));
        let effect = bring_back(&mut record, &wish, &ctx, &self.on_the_way().await?)?;
        let what = HistoryWhat::Undone {
            conflict: id.clone(),
            from: effect.from,
            to: effect.to,
        };
        let item = self.outside_item(&record, what);
        self.ledger
            .commit(vec![item, Change::PutRecord(Box::new(record))])
            .await?;
        self.after_answer();
        Ok(effect)
    }

    /// What restoring these lines would do, or every line of a run that can be. Nothing is written.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn preview_restore(
        &self,
        ids: &[String],
        run: Option<&RunId>,
    ) -> Result<Vec<Restoring>, LedgerError> {
        let items = match run {
            Some(run) => {
                let filter = HistoryFilter {
                    run_id: Some(run.clone()),
                    limit: RUN_LINES_MAX,
                    ..HistoryFilter::default()
                };
                let now = self.now();
                let mut items = self.ledger.history(&filter).await?;
                items.retain(|item| is_restorable(item, now));
                items
            }
            None => self.ledger.history_items(ids).await?,
        };
        Ok(self.try_restore(items).await?.0)
    }

    /// Restores these lines, newest first, so that a chain of moves goes back step by step. The trainer has seen and
    /// confirmed what it does, so the guard does not ask about it.
    ///
    /// # Errors
    /// [`AnswerError::Stale`] if it does something else by now than was confirmed; nothing is changed then.
    pub async fn restore(&self, ids: &[String], confirmed: Confirmed) -> Result<Vec<Restoring>, AnswerError> {
        let _turn = self.turn.lock().await;
        let items = self.ledger.history_items(ids).await?;
        self.restore_in_turn(items, confirmed).await
    }

    /// What undoing a run would do: every write of Roundtrip in it, newest first, each with what becomes of it, or with why
    /// it cannot be had back. Nothing is written.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn preview_undo_run(&self, run: &RunId) -> Result<Vec<Restoring>, LedgerError> {
        let items = self.writes_of(run).await?;
        Ok(self.try_restore(items).await?.0)
    }

    /// Undoes a run: what it wrote into the calendar and reported to the platform is had back, as far as it can be, each by
    /// a new edit through the same outbox, preconditions and rules. What was confirmed with its number is not asked about
    /// again.
    ///
    /// # Errors
    /// [`AnswerError::Stale`] if it does something else by now than was confirmed; nothing is changed then.
    pub async fn undo_run(&self, run: &RunId, confirmed: Confirmed) -> Result<Vec<Restoring>, AnswerError> {
        let _turn = self.turn.lock().await;
        let items = self.writes_of(run).await?;
        self.restore_in_turn(items, confirmed).await
    }

    /// What Roundtrip wrote in a run, newest first.
    async fn writes_of(&self, run: &RunId) -> Result<Vec<HistoryItem>, LedgerError> {
        let filter = HistoryFilter {
            run_id: Some(run.clone()),
            limit: RUN_LINES_MAX,
            ..HistoryFilter::default()
        };
        let mut items = self.ledger.history(&filter).await?;
        items.retain(|item| {
            matches!(
                item.what,
                HistoryWhat::Added { .. }
                    | HistoryWhat::Changed { .. }
                    | HistoryWhat::Deleted { .. }
                    | HistoryWhat::MovedBack { .. }
                    | HistoryWhat::NotesBack { .. }
                    | HistoryWhat::CreatedFromEvent { .. }
            )
        });
        Ok(items)
    }

    async fn restore_in_turn(
        &self,
        items: Vec<HistoryItem>,
        confirmed: Confirmed,
    ) -> Result<Vec<Restoring>, AnswerError> {
        let (restored, edits) = self.try_restore(items).await?;
        if Confirmed::of(&restored) != confirmed {
            return Err(AnswerError::Stale);
        }
        if restored.iter().all(|one| one.outcome.is_err()) {
            return Ok(restored);
        }
        let mut changes = edits.items;
        let records = edits.records.values().filter(|_| !bug::is_on(Bug::UndoForgotten));
        changes.extend(records.map(|record| Change::PutRecord(Box::new(record.clone()))));
        if edits.before != edits.ctx.settings {
            let now = edits.ctx.now;
            let details = changed_keys(&edits.before, &edits.ctx.settings);
            changes.push(Change::PutSettings(Box::new(edits.ctx.settings)));
            changes.push(Change::Audit {
                event: "settings".into(),
                details,
                at: now,
            });
            let left_out = edits.left_out.iter().filter_map(|id| edits.records.get(id));
            changes.push(self.confirmed_with_number(left_out, now));
        }
        self.ledger.commit(changes).await?;
        self.after_answer();
        Ok(restored)
    }

    /// Appointments with a report that was sent and whose outcome is not known yet.
    async fn on_the_way(&self) -> Result<BTreeSet<AppointmentId>, LedgerError> {
        let rows = self.ledger.outbox().await?.into_iter();
        let sent = rows.filter(|row| row.side == Side::Platform && row.state == OutboxState::Sent);
        Ok(sent.map(|row| row.appointment_id).collect())
    }

    async fn present(&self) -> Result<Context, LedgerError> {
        let settings = self.ledger.settings().await?;
        let state = self.ledger.sync_state().await?;
        Ok(self.context(settings, &state))
    }

    async fn try_restore(&self, items: Vec<HistoryItem>) -> Result<(Vec<Restoring>, Edits), LedgerError> {
        let ctx = self.present().await?;
        let mut edits = Edits {
            before: ctx.settings.clone(),
            on_the_way: self.on_the_way().await?,
            ctx,
            records: BTreeMap::new(),
            left_out: Vec::new(),
            items: Vec::new(),
        };
        let mut restored = Vec::with_capacity(items.len());
        for item in items {
            let outcome = self.restore_one(&item, &mut edits).await?;
            let known = item.appointment_id.as_ref().and_then(|id| edits.records.get(id));
            restored.push(Restoring {
                title: known.and_then(title_of).or(item.title),
                action: action(&item.what).unwrap_or("none"),
                history_id: item.id,
                appointment_id: item.appointment_id,
                outcome,
            });
        }
        Ok((restored, edits))
    }

    async fn restore_one(
        &self,
        item: &HistoryItem,
        edits: &mut Edits,
    ) -> Result<Result<Effect, Why>, LedgerError> {
        let Some(id) = item
            .appointment_id
            .as_ref()
            .filter(|_| is_young(item, edits.ctx.now))
        else {
            return Ok(Err(Why::Nothing));
        };
        let wish = match &item.what {
            HistoryWhat::MovedBack { from, to, .. }
            | HistoryWhat::Changed {
                from: Some(from),
                to: Some(to),
                ..
            } => Wish::Back { from: *to, to: *from },
            HistoryWhat::RemovedInCalendar { .. } => Wish::PutBack,
            HistoryWhat::Added { .. } => Wish::LeaveOut,
            HistoryWhat::Deleted { .. } => Wish::LetIn,
            // What the words were before is not kept.
            HistoryWhat::Changed { .. } | HistoryWhat::NotesBack { .. } => return Ok(Err(Why::TextNotKept)),
            // An appointment is cancelled on the platform only.
            HistoryWhat::CreatedFromEvent { .. } => return Ok(Err(Why::NotEditable)),
            HistoryWhat::ConflictResolved { conflict, .. } => match self.ledger.conflict(conflict).await? {
                Some(conflict) => Wish::Answer(Box::new(conflict)),
                None => return Ok(Err(Why::Gone)),
            },
            _ => return Ok(Err(Why::Nothing)),
        };
        if !edits.records.contains_key(id) {
            let Some(record) = self.ledger.record(id).await? else {
                return Ok(Err(Why::Gone));
            };
            edits.records.insert(id.clone(), record);
        }
        let Some(record) = edits.records.get_mut(id) else {
            return Ok(Err(Why::Gone));
        };
        let effect = match bring_back(record, &wish, &edits.ctx, &edits.on_the_way) {
            Ok(effect) => effect,
            Err(why) => return Ok(Err(why)),
        };
        let (from, to) = (effect.from, effect.to);
        let what = match &wish {
            Wish::Answer(conflict) => HistoryWhat::Undone {
                conflict: conflict.id.clone(),
                from,
                to,
            },
            Wish::PutBack | Wish::LetIn => HistoryWhat::PutBack,
            Wish::Back { .. } | Wish::LeaveOut => HistoryWhat::Restored { from, to },
        };
        edits.items.push(self.outside_item(record, what));
        if wish == Wish::LetIn {
            edits.ctx.settings.filters.excluded.remove(id);
        }
        if wish == Wish::LeaveOut {
            pen::confirm_left_out(record, edits.ctx.now);
            edits.ctx.settings.filters.excluded.insert(id.clone());
            edits.left_out.push(id.clone());
        }
        Ok(Ok(effect))
    }
}
