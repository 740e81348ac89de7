//! The engine's ledger port over SQLite.

use crate::database::{Database, commit};
use crate::error::Stored;
use crate::table::{
    audit_log, calendar_sync_configs, calendar_sync_conflicts, calendar_sync_history, calendar_sync_mappings,
    calendar_sync_marked, calendar_sync_questions, calendar_sync_runs, daily_counts, outbox, push_channels,
    silence_watch, sync_state,
};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::channel::Channel;
use roundtrip_core::conflict::Conflict;
use roundtrip_core::ids::{AppointmentId, ConflictId, ConnectionId, QuestionId};
use roundtrip_core::marked::Marked;
use roundtrip_core::outbox::OutboxRow;
use roundtrip_core::question::Question;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::Watch;
use roundtrip_engine::figures::DayCount;
use roundtrip_engine::ledger::{Change, HistoryFilter, HistoryItem, Ledger, LedgerError, Run, SyncState};
use sqlx::SqliteConnection;

/// Durable storage of one connection.
#[derive(Clone, Debug)]
pub struct SqliteLedger {
    database: Database,
    connection: ConnectionId,
}

impl SqliteLedger {
    pub(crate) fn new(database: Database, connection: ConnectionId) -> Self {
        Self { database, connection }
    }

    /// Whose ledger it is.
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    async fn apply(&self, tx: &mut SqliteConnection, change: &Change) -> Stored<()> {
        let connection = &self.connection;
        match change {
            Change::PutRecord(record) => calendar_sync_mappings::put_all(tx, connection, &[record]).await,
            Change::DeleteRecord(id) => calendar_sync_mappings::delete(tx, connection, id).await,
            Change::PutOutbox(row) => outbox::put(tx, connection, row).await,
            Change::DeleteOutbox(id) => outbox::delete(tx, connection, id).await,
            Change::PutConflict(conflict) => calendar_sync_conflicts::put(tx, connection, conflict).await,
            Change::PutMarked(marked) => calendar_sync_marked::put(tx, connection, marked).await,
            Change::DeleteMarked(id) => calendar_sync_marked::delete(tx, connection, id).await,
            Change::PutChannel(channel) => push_channels::put(tx, connection, channel).await,
            Change::DeleteChannel(id) => push_channels::delete(tx, connection, id).await,
            Change::PutQuestion(question) => calendar_sync_questions::put(tx, connection, question).await,
            Change::PutRun(run) => calendar_sync_runs::put(tx, connection, run).await,
            Change::AddItem(item) => calendar_sync_history::add(tx, connection, item).await,
            Change::PutSyncState(state) => sync_state::put(tx, connection, state).await,
            Change::PutWatch(watch) => silence_watch::put(tx, connection, watch).await,
            Change::CountDay(count) => daily_counts::add(tx, connection, count).await,
            Change::PutSettings(settings) => calendar_sync_configs::put(tx, connection, settings).await,
            Change::Audit { event, details, at } => {
                audit_log::append(tx, Some(connection), event, details, *at).await
            }
        }
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn records(&self) -> Result<Vec<Record>, LedgerError> {
        Ok(calendar_sync_mappings::list(self.database.readers(), &self.connection).await?)
    }

    async fn record(&self, id: &AppointmentId) -> Result<Option<Record>, LedgerError> {
        Ok(calendar_sync_mappings::get(self.database.readers(), &self.connection, id).await?)
    }

    async fn outbox(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        Ok(outbox::list(self.database.readers(), &self.connection).await?)
    }

    async fn open_conflicts(&self) -> Result<Vec<Conflict>, LedgerError> {
        Ok(calendar_sync_conflicts::list_open(self.database.readers(), &self.connection).await?)
    }

    async fn answered_conflicts(&self, since: DateTime<Utc>) -> Result<Vec<Conflict>, LedgerError> {
        Ok(calendar_sync_conflicts::list_answered(self.database.readers(), &self.connection, since).await?)
    }

    async fn marked(&self) -> Result<Vec<Marked>, LedgerError> {
        Ok(calendar_sync_marked::list(self.database.readers(), &self.connection).await?)
    }

    async fn channels(&self) -> Result<Vec<Channel>, LedgerError> {
        Ok(push_channels::list(self.database.readers(), &self.connection).await?)
    }

    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, LedgerError> {
        Ok(calendar_sync_conflicts::get(self.database.readers(), &self.connection, id).await?)
    }

    async fn questions(&self, since: DateTime<Utc>) -> Result<Vec<Question>, LedgerError> {
        Ok(calendar_sync_questions::list(self.database.readers(), &self.connection, since).await?)
    }

    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, LedgerError> {
        Ok(calendar_sync_questions::get(self.database.readers(), &self.connection, id).await?)
    }

    async fn sync_state(&self) -> Result<SyncState, LedgerError> {
        Ok(sync_state::get(self.database.readers(), &self.connection).await?)
    }

    async fn watch(&self) -> Result<Watch, LedgerError> {
        Ok(silence_watch::get(self.database.readers(), &self.connection).await?)
    }

    async fn days(&self, since: NaiveDate) -> Result<Vec<DayCount>, LedgerError> {
        Ok(daily_counts::list(self.database.readers(), &self.connection, since).await?)
    }

    async fn settings(&self) -> Result<SyncSettings, LedgerError> {
        Ok(calendar_sync_configs::get(self.database.readers(), &self.connection).await?)
    }

    async fn runs(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Run>, LedgerError> {
        Ok(calendar_sync_runs::list(self.database.readers(), &self.connection, since, limit).await?)
    }

    async fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryItem>, LedgerError> {
        Ok(calendar_sync_history::list(self.database.readers(), &self.connection, filter).await?)
    }

    async fn history_items(&self, ids: &[String]) -> Result<Vec<HistoryItem>, LedgerError> {
        Ok(calendar_sync_history::by_ids(self.database.readers(), &self.connection, ids).await?)
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), LedgerError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut tx = self.database.begin().await?;
        // Records that follow each other are written together; the order of all changes stays as it is.
        let both_are_records = |one: &Change, next: &Change| record_of(one).and(record_of(next)).is_some();
        for part in changes.chunk_by(both_are_records) {
            match part {
                [change] => self.apply(&mut tx, change).await?,
                records => {
                    let records: Vec<&Record> = records.iter().filter_map(record_of).collect();
                    calendar_sync_mappings::put_all(&mut tx, &self.connection, &records).await?;
                }
            }
            if bug::is_on(Bug::TransactionDropped) {
                commit(tx).await?;
                tx = self.database.begin().await?;
            }
        }
        if changes
            .iter()
            .any(|change| matches!(change, Change::PutOutbox(_)))
        {
            outbox::settle(&mut tx, &self.connection).await?;
        }
        Ok(commit(tx).await?)
    }
}

fn record_of(change: &Change) -> Option<&Record> {
    match change {
        Change::PutRecord(record) => Some(record),
        _ => None,
    }
}
