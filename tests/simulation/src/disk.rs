//! The disk of a laptop: the real store, with its completions in the schedule.
//!
//! SQLite works on a thread of its own, whose completions come in no fixed order. So an operation runs to its end the
//! moment it is polled, with everything else standing still, and its answer is handed over some turns later, as the seed
//! says. What a crash can meet is then either before an operation or after it: in between, the database's own word
//! counts (all or nothing), and the crash tests of the real process hold that.

use crate::executor::{lock, step_aside};
use crate::stage::Stage;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use roundtrip_core::channel::Channel;
use roundtrip_core::conflict::Conflict;
use roundtrip_core::ids::{AppointmentId, ConflictId, IdempotencyKey, OutboxId, QuestionId};
use roundtrip_core::marked::Marked;
use roundtrip_core::outbox::{Intent, OutboxRow, OutboxState, Side};
use roundtrip_core::question::Question;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::Watch;
use roundtrip_engine::figures::DayCount;
use roundtrip_engine::ledger::{Change, HistoryFilter, HistoryItem, Ledger, LedgerError, Run, SyncState};
use roundtrip_http::oauth::{StoredTokens, TokenStatus, TokenVault, VaultError};
use roundtrip_sandbox::shared::SeededRandom;
use std::any::Any;
use std::future::Future;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// The disk of one laptop.
pub struct Disk {
    laptop: usize,
    stage: Arc<Stage>,
    runtime: Arc<Runtime>,
    random: Mutex<SeededRandom>,
    /// Told when the power goes right after a commit.
    pub power_gone: tokio::sync::Notify,
    refreshing: [Arc<tokio::sync::Mutex<()>>; 2],
}

impl Disk {
    /// A disk that works.
    pub fn new(laptop: usize, stage: Arc<Stage>, runtime: Arc<Runtime>, seed: u64) -> Self {
        Self {
            laptop,
            stage,
            runtime,
            random: Mutex::new(SeededRandom::new(seed)),
            power_gone: tokio::sync::Notify::new(),
            refreshing: Default::default(),
        }
    }

    /// Runs an operation of the real store to its end, now.
    pub fn now<T>(&self, operation: impl Future<Output = T>) -> T {
        self.runtime.block_on(operation)
    }

    fn draw(&self, bound: usize) -> usize {
        lock(&self.random).below(bound)
    }

    async fn before(&self, writes: bool) -> Result<(), LedgerError> {
        self.stage.ledger_operation();
        step_aside(self.draw(6).saturating_sub(3)).await;
        if self.stage.is_calm() || self.draw(1_000) >= self.stage.weather.disk {
            return Ok(());
        }
        let laptop = self.laptop;
        match self.draw(3) {
            0 if writes => {
                self.stage.fault("disk full", format_args!("L{laptop}"));
                Err(LedgerError::Full)
            }
            1 => {
                self.stage.fault("database locked", format_args!("L{laptop}"));
                Err(LedgerError::Unavailable("locked".to_owned()))
            }
            _ => {
                self.stage.fault("slow disk", format_args!("L{laptop}"));
                let until = self.stage.now() + chrono::TimeDelta::milliseconds(50 + self.draw(8_000) as i64);
                self.stage.time.until(until).await;
                Ok(())
            }
        }
    }

    /// How many of so many changes reach the disk before the power goes, if it does.
    fn is_cut_short(&self, changes: usize) -> Option<usize> {
        let cut = !self.stage.is_calm() && changes > 1 && self.draw(1_000) < self.stage.weather.disk / 3;
        cut.then(|| 1 + self.draw(changes - 1))
    }

    /// The app ends here.
    async fn lose_power(&self, how: &'static str) {
        self.stage.fault(how, format_args!("L{}", self.laptop));
        self.power_gone.notify_one();
        std::future::pending::<()>().await;
    }

    async fn after(&self, writes: bool) {
        if writes && !self.stage.is_calm() && self.draw(1_000) < self.stage.weather.disk / 3 {
            self.lose_power("power gone after a commit").await;
        }
        step_aside(self.draw(6).saturating_sub(3)).await;
    }

    async fn read<T>(
        &self,
        operation: impl Future<Output = Result<T, LedgerError>> + Send,
    ) -> Result<T, LedgerError> {
        self.before(false).await?;
        let outcome = self.now(operation);
        self.after(false).await;
        outcome
    }
}

/// The ledger on that disk.
pub struct DiskLedger<L> {
    inner: L,
    disk: Arc<Disk>,
}

impl<L> DiskLedger<L> {
    /// This ledger on that disk.
    pub fn new(inner: L, disk: Arc<Disk>) -> Self {
        Self { inner, disk }
    }
}

fn word(change: &Change) -> (&'static str, &str) {
    match change {
        Change::PutRecord(record) => ("record", record.appointment_id.as_str()),
        Change::DeleteRecord(id) => ("forget", id.as_str()),
        Change::PutOutbox(row) => ("outbox", row.appointment_id.as_str()),
        Change::DeleteOutbox(_) => ("done", ""),
        Change::PutConflict(conflict) => ("conflict", conflict.appointment_id.as_str()),
        Change::PutMarked(_) => ("marked", ""),
        Change::DeleteMarked(_) => ("unmarked", ""),
        Change::PutChannel(channel) => ("channel", channel.id.as_str()),
        Change::DeleteChannel(id) => ("channel gone", id.as_str()),
        Change::PutQuestion(question) => ("question", question.id.0.as_str()),
        Change::PutRun(run) => ("run", run.id.0.as_str()),
        Change::AddItem(item) => ("item", item.id.as_str()),
        Change::PutSyncState(_) => ("state", ""),
        Change::PutWatch(_) => ("watch", ""),
        Change::CountDay(_) => ("count", ""),
        Change::PutSettings(_) => ("settings", ""),
        Change::Audit { event, .. } => ("audit", event.as_str()),
    }
}

struct Words<'a>(&'a [Change]);

impl std::fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for change in self.0 {
            let (what, whose) = word(change);
            write!(f, " {what} {whose}")?;
            if let Change::AddItem(item) = change {
                write!(f, " {:?}", item.what)?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl<L: Ledger> Ledger for DiskLedger<L> {
    async fn records(&self) -> Result<Vec<Record>, LedgerError> {
        self.disk.read(self.inner.records()).await
    }
    async fn record(&self, id: &AppointmentId) -> Result<Option<Record>, LedgerError> {
        self.disk.read(self.inner.record(id)).await
    }
    async fn outbox(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        self.disk.read(self.inner.outbox()).await
    }
    async fn open_conflicts(&self) -> Result<Vec<Conflict>, LedgerError> {
        self.disk.read(self.inner.open_conflicts()).await
    }
    async fn answered_conflicts(&self, since: DateTime<Utc>) -> Result<Vec<Conflict>, LedgerError> {
        self.disk.read(self.inner.answered_conflicts(since)).await
    }
    async fn marked(&self) -> Result<Vec<Marked>, LedgerError> {
        self.disk.read(self.inner.marked()).await
    }
    async fn channels(&self) -> Result<Vec<Channel>, LedgerError> {
        self.disk.read(self.inner.channels()).await
    }
    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, LedgerError> {
        self.disk.read(self.inner.conflict(id)).await
    }
    async fn questions(&self, since: DateTime<Utc>) -> Result<Vec<Question>, LedgerError> {
        self.disk.read(self.inner.questions(since)).await
    }
    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, LedgerError> {
        self.disk.read(self.inner.question(id)).await
    }
    async fn sync_state(&self) -> Result<SyncState, LedgerError> {
        self.disk.read(self.inner.sync_state()).await
    }
    async fn watch(&self) -> Result<Watch, LedgerError> {
        self.disk.read(self.inner.watch()).await
    }
    async fn days(&self, since: NaiveDate) -> Result<Vec<DayCount>, LedgerError> {
        self.disk.read(self.inner.days(since)).await
    }
    async fn settings(&self) -> Result<SyncSettings, LedgerError> {
        self.disk.read(self.inner.settings()).await
    }
    async fn runs(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Run>, LedgerError> {
        self.disk.read(self.inner.runs(since, limit)).await
    }
    async fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryItem>, LedgerError> {
        self.disk.read(self.inner.history(filter)).await
    }
    async fn history_items(&self, ids: &[String]) -> Result<Vec<HistoryItem>, LedgerError> {
        self.disk.read(self.inner.history_items(ids)).await
    }
    async fn commit(&self, changes: Vec<Change>) -> Result<(), LedgerError> {
        self.disk.before(true).await?;
        self.disk
            .stage
            .note(format_args!("L{} commit:{}", self.disk.laptop, Words(&changes)));
        if let Some(part) = self.disk.is_cut_short(changes.len()) {
            self.begin_only(&changes[..part]);
            self.disk.lose_power("power gone within a commit").await;
        }
        self.disk.stage.commits(self.disk.laptop, &changes);
        let outcome = self.disk.now(self.inner.commit(changes));
        self.disk.after(true).await;
        outcome
    }
}

impl<L: Ledger> DiskLedger<L> {
    /// The real store begins a commit of these changes and never ends it: two rows at its end contradict each other, so that
    /// SQLite takes all of it back, as it does for a power cut. What is left of it is the database's own word.
    fn begin_only(&self, changes: &[Change]) {
        let row = |id: &str| OutboxRow {
            id: OutboxId::new(id),
            appointment_id: AppointmentId::new("never"),
            side: Side::Platform,
            intent: Intent::Notes {
                version: 0,
                notes: String::new(),
            },
            key: IdempotencyKey::new(id),
            state: OutboxState::Waiting,
            attempts: 0,
            due_at: DateTime::UNIX_EPOCH,
            created_at: DateTime::UNIX_EPOCH,
            last_problem: None,
            noticed: None,
            left_at: None,
        };
        let contradiction = ["never-1", "never-2"].map(|id| Change::PutOutbox(Box::new(row(id))));
        let broken: Vec<Change> = changes.iter().cloned().chain(contradiction).collect();
        let refused = self.disk.now(self.inner.commit(broken)).is_err();
        debug_assert!(refused, "two rows in one slot were taken");
        let rows = ["never-1", "never-2"].map(|id| Change::DeleteOutbox(OutboxId::new(id)));
        let _ = self.disk.now(self.inner.commit(rows.to_vec()));
    }
}

/// A vault of tokens on that disk.
pub struct DiskVault<V> {
    inner: V,
    disk: Arc<Disk>,
    which: usize,
}

impl<V> DiskVault<V> {
    /// This vault on that disk; `which` is 0 for the platform's tokens, 1 for Google's.
    pub fn new(inner: V, disk: Arc<Disk>, which: usize) -> Self {
        Self { inner, disk, which }
    }

    async fn before(&self, writes: bool) -> Result<(), VaultError> {
        self.disk.before(writes).await.map_err(|_| VaultError {
            reason: "unavailable".to_owned(),
        })
    }
}

#[async_trait]
impl<V: TokenVault> TokenVault for DiskVault<V> {
    async fn load(&self) -> Result<Option<StoredTokens>, VaultError> {
        self.before(false).await?;
        let outcome = self.disk.now(self.inner.load());
        self.disk.after(false).await;
        outcome
    }

    async fn save(&self, tokens: &StoredTokens) -> Result<(), VaultError> {
        self.before(true).await?;
        let outcome = self.disk.now(self.inner.save(tokens));
        self.disk.after(true).await;
        outcome
    }

    async fn mark(&self, status: TokenStatus) -> Result<(), VaultError> {
        self.before(true).await?;
        let outcome = self.disk.now(self.inner.mark(status));
        self.disk.after(true).await;
        outcome
    }

    /// The lock between processes blocks its thread, which is everybody's here: this one waits in the schedule.
    async fn refresh_lock(&self) -> Result<Box<dyn Any + Send>, VaultError> {
        Ok(Box::new(
            self.disk.refreshing[self.which].clone().lock_owned().await,
        ))
    }
}
