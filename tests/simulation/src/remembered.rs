//! What a laptop read of its ledger, kept until a commit touches it.
//!
//! Six of seven operations on a ledger are readings, and most ask again what nothing has changed since. Each of them costs two
//! changes of thread and the JSON of every row. Only this start of the app writes to its connection, so the answer is the
//! same; seeds in which the files are searched ask SQLite all the same and compare.

use crate::executor::lock;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use roundtrip_core::channel::Channel;
use roundtrip_core::conflict::Conflict;
use roundtrip_core::ids::{AppointmentId, ConflictId, QuestionId};
use roundtrip_core::marked::Marked;
use roundtrip_core::outbox::OutboxRow;
use roundtrip_core::question::Question;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::Watch;
use roundtrip_engine::figures::DayCount;
use roundtrip_engine::ledger::{Change, HistoryFilter, HistoryItem, Ledger, LedgerError, Run, SyncState};
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};

/// A ledger whose readings are remembered.
pub struct Remembered<L> {
    inner: L,
    compares: bool,
    kept: Mutex<Kept>,
}

/// One answer, with the question that it belongs to.
type Slot<Q, T> = Option<(Q, Arc<T>)>;

#[derive(Default)]
struct Kept {
    records: Slot<(), Vec<Record>>,
    outbox: Slot<(), Vec<OutboxRow>>,
    open: Slot<(), Vec<Conflict>>,
    answered: Slot<DateTime<Utc>, Vec<Conflict>>,
    marked: Slot<(), Vec<Marked>>,
    questions: Slot<(), Vec<Question>>,
    state: Slot<(), SyncState>,
    watch: Slot<(), Watch>,
    days: Slot<NaiveDate, Vec<DayCount>>,
    settings: Slot<(), SyncSettings>,
    runs: Slot<(DateTime<Utc>, u32), Vec<Run>>,
}

impl Kept {
    /// Forgets what this change may have changed.
    fn forget(&mut self, change: &Change) {
        match change {
            Change::PutRecord(_) | Change::DeleteRecord(_) => self.records = None,
            Change::PutOutbox(_) | Change::DeleteOutbox(_) => self.outbox = None,
            Change::PutConflict(_) => (self.open, self.answered) = (None, None),
            Change::PutMarked(_) | Change::DeleteMarked(_) => self.marked = None,
            Change::PutQuestion(_) => self.questions = None,
            Change::PutRun(_) => self.runs = None,
            Change::PutSyncState(_) => self.state = None,
            Change::PutWatch(_) => self.watch = None,
            Change::CountDay(_) => self.days = None,
            Change::PutSettings(_) => self.settings = None,
            Change::AddItem(_)
            | Change::Audit { .. }
            // Channels are read from SQLite each time.
            | Change::PutChannel(_)
            | Change::DeleteChannel(_) => {}
        }
    }
}

impl<L: Ledger> Remembered<L> {
    /// Remembers readings of this ledger; `compares` asks it all the same.
    pub fn new(inner: L, compares: bool) -> Self {
        Self {
            inner,
            compares,
            kept: Mutex::default(),
        }
    }

    async fn ask<Q: PartialEq, T: Clone + PartialEq + Debug>(
        &self,
        slot: impl Fn(&mut Kept) -> &mut Slot<Q, T>,
        question: Q,
        read: impl Future<Output = Result<T, LedgerError>> + Send,
    ) -> Result<T, LedgerError> {
        let known = slot(&mut lock(&self.kept))
            .as_ref()
            .filter(|(asked, _)| *asked == question)
            .map(|(_, answer)| answer.clone());
        if let Some(known) = known {
            if self.compares {
                assert_eq!(read.await?, *known, "SQLite says something else than before");
            }
            return Ok((*known).clone());
        }
        let answer = read.await?;
        *slot(&mut lock(&self.kept)) = Some((question, Arc::new(answer.clone())));
        Ok(answer)
    }
}

#[async_trait]
impl<L: Ledger> Ledger for Remembered<L> {
    async fn records(&self) -> Result<Vec<Record>, LedgerError> {
        self.ask(|kept| &mut kept.records, (), self.inner.records()).await
    }
    async fn record(&self, id: &AppointmentId) -> Result<Option<Record>, LedgerError> {
        let records = lock(&self.kept).records.clone();
        let Some((_, records)) = records else {
            return self.inner.record(id).await;
        };
        let known = records
            .iter()
            .find(|record| record.appointment_id == *id)
            .cloned();
        if self.compares {
            assert_eq!(
                self.inner.record(id).await?,
                known,
                "SQLite says something else than before"
            );
        }
        Ok(known)
    }
    async fn outbox(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        self.ask(|kept| &mut kept.outbox, (), self.inner.outbox()).await
    }
    async fn open_conflicts(&self) -> Result<Vec<Conflict>, LedgerError> {
        self.ask(|kept| &mut kept.open, (), self.inner.open_conflicts())
            .await
    }
    async fn answered_conflicts(&self, since: DateTime<Utc>) -> Result<Vec<Conflict>, LedgerError> {
        self.ask(
            |kept| &mut kept.answered,
            since,
            self.inner.answered_conflicts(since),
        )
        .await
    }
    async fn marked(&self) -> Result<Vec<Marked>, LedgerError> {
        self.ask(|kept| &mut kept.marked, (), self.inner.marked()).await
    }
    async fn channels(&self) -> Result<Vec<Channel>, LedgerError> {
        self.inner.channels().await
    }
    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, LedgerError> {
        self.inner.conflict(id).await
    }
    async fn questions(&self, since: DateTime<Utc>) -> Result<Vec<Question>, LedgerError> {
        self.inner.questions(since).await
    }
    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, LedgerError> {
        self.inner.question(id).await
    }
    async fn sync_state(&self) -> Result<SyncState, LedgerError> {
        self.ask(|kept| &mut kept.state, (), self.inner.sync_state())
            .await
    }
    async fn watch(&self) -> Result<Watch, LedgerError> {
        self.ask(|kept| &mut kept.watch, (), self.inner.watch()).await
    }
    async fn days(&self, since: NaiveDate) -> Result<Vec<DayCount>, LedgerError> {
        self.ask(|kept| &mut kept.days, since, self.inner.days(since))
            .await
    }
    async fn settings(&self) -> Result<SyncSettings, LedgerError> {
        self.ask(|kept| &mut kept.settings, (), self.inner.settings())
            .await
    }
    async fn runs(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Run>, LedgerError> {
        self.ask(
            |kept| &mut kept.runs,
            (since, limit),
            self.inner.runs(since, limit),
        )
        .await
    }
    async fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryItem>, LedgerError> {
        self.inner.history(filter).await
    }
    async fn history_items(&self, ids: &[String]) -> Result<Vec<HistoryItem>, LedgerError> {
        self.inner.history_items(ids).await
    }
    async fn commit(&self, changes: Vec<Change>) -> Result<(), LedgerError> {
        {
            let mut kept = lock(&self.kept);
            for change in &changes {
                kept.forget(change);
            }
        }
        self.inner.commit(changes).await
    }
}
