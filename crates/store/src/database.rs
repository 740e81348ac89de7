//! The open database, and what belongs to no single connection.

use crate::boundary;
use crate::directory::{self, DirectoryLock};
use crate::error::{OpenError, Stored};
use crate::integrations::Integrations;
use crate::ledger::SqliteLedger;
use crate::open;
use crate::table::audit_log::{self, AuditEntry};
use crate::table::user_integrations::Provider;
use crate::table::{self, settings};
use crate::tokens::key::KeySource;
use crate::tokens::vault::Vault;
use chrono::{DateTime, Utc};
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::ledger::LedgerError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longer than a refresh takes with all its tries.
const LONGEST_REFRESH: Duration = Duration::from_secs(90);

/// The database of one data directory. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
    recovered: Option<PathBuf>,
    vault: Vault,
    /// Something was deleted whose bytes still lie in the write-ahead log, because somebody was reading.
    owes_erasing: AtomicBool,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("dir", &self.inner.dir)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the database in `data_dir`, making both if need be and bringing the schema up to date. A damaged file is put
    /// aside under a name with `now` in it and a fresh one is made: see [`Self::recovered`].
    pub async fn open(data_dir: &Path, keys: KeySource, now: DateTime<Utc>) -> Result<Self, OpenError> {
        let database = Self::of(data_dir, keys, open::open(data_dir, Some(now)).await?);
        let recovered = database.inner.recovered.as_deref().and_then(Path::file_name);
        let name = match recovered {
            Some(name) => Some(name.to_string_lossy().into_owned()),
            None => database.replaced_unsaid().await,
        };
        if let Some(name) = name {
            database
                .remember_put_aside(Some(&name))
                .await
                .map_err(LedgerError::from)?;
        }
        Ok(database)
    }

    /// Opens the database beside the process that has the right to sync, and leaves the file as that one has it: nothing is made,
    /// put aside or brought up to date.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`]; [`OpenError::InUse`] if there is no file, or one of an older schema.
    pub async fn open_beside(data_dir: &Path, keys: KeySource) -> Result<Self, OpenError> {
        Ok(Self::of(data_dir, keys, open::open(data_dir, None).await?))
    }

    fn of(data_dir: &Path, keys: KeySource, opened: open::Opened) -> Self {
        Self {
            inner: Arc::new(Inner {
                dir: data_dir.to_owned(),
                writer: opened.writer,
                readers: opened.readers,
                recovered: opened.recovered,
                vault: Vault::new(keys),
                owes_erasing: AtomicBool::new(false),
            }),
        }
    }

    /// The damaged file whose place a database took that nobody has used yet: a process that dies between the rename and the commit
    /// that tells of it leaves nothing else to know it by.
    async fn replaced_unsaid(&self) -> Option<String> {
        // What cannot be read is there: a row of later times is no reason not to start.
        if !self.is_unused().await.unwrap_or(false) {
            return None;
        }
        let dir = self.inner.dir.clone();
        let newest = directory::blocking(move || open::newest_put_aside(&dir)).await;
        newest.unwrap_or_else(|error| {
            tracing::warn!(%error, "whether a damaged database was put aside is not known");
            None
        })
    }

    /// Nobody has signed in yet, nothing was synced, and neither damage nor an emptying is kept.
    async fn is_unused(&self) -> Result<bool, LedgerError> {
        Ok(self.audit_log(1).await?.is_empty()
            && self.connections().await?.is_empty()
            && self.integrations().list().await?.is_empty()
            && self.put_aside().await?.is_none()
            && settings::wiping(self.readers()).await?.is_none())
    }

    /// Where the damaged file lies now, if opening found one. Links are then rebuilt from the calendar, and the trainer
    /// signs in again.
    pub fn recovered(&self) -> Option<PathBuf> {
        self.inner.recovered.clone()
    }

    /// Name of the damaged file whose place this database took, also after a restart, until [`Self::is_rebuilt`].
    pub async fn put_aside(&self) -> Result<Option<String>, LedgerError> {
        Ok(settings::put_aside(self.readers()).await?)
    }

    /// What the damaged file held is here again. The file itself stays until its time is over.
    pub async fn is_rebuilt(&self) -> Result<(), LedgerError> {
        Ok(self.remember_put_aside(None).await?)
    }

    async fn remember_put_aside(&self, name: Option<&str>) -> Stored<()> {
        let mut tx = self.begin().await?;
        settings::remember_put_aside(&mut tx, name).await?;
        commit(tx).await
    }

    /// Closes all connections; the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    /// What the engine keeps about one connection.
    pub fn ledger(&self, connection: ConnectionId) -> SqliteLedger {
        SqliteLedger::new(self.clone(), connection)
    }

    /// Signed-in accounts and their tokens.
    pub fn integrations(&self) -> Integrations {
        Integrations::new(self.clone())
    }

    /// Connections of which anything is kept, signed in or not.
    pub async fn connections(&self) -> Result<Vec<ConnectionId>, LedgerError> {
        Ok(table::sync_state::connections(self.readers()).await?)
    }

    /// Deletes everything about a connection, its sign-in included, and overwrites it on the disk. Damaged files that were
    /// put aside go too, as they may hold the same. The audit log stays: it has no content.
    ///
    /// # Errors
    /// The database's; [`LedgerError::Unavailable`] also if all is deleted, but another process was reading and its bytes still
    /// lie on the disk. It can be asked for again.
    pub async fn forget_connection(&self, connection: &ConnectionId) -> Result<(), LedgerError> {
        self.integrations().forget_volatile(connection).await;
        let mut tx = self.begin().await?;
        table::outbox::forget(&mut tx, connection).await?;
        table::calendar_sync_mappings::forget(&mut tx, connection).await?;
        table::calendar_sync_conflicts::forget(&mut tx, connection).await?;
        table::calendar_sync_marked::forget(&mut tx, connection).await?;
        table::push_channels::forget(&mut tx, connection).await?;
        table::calendar_sync_questions::forget(&mut tx, connection).await?;
        table::calendar_sync_history::forget(&mut tx, connection).await?;
        table::calendar_sync_runs::forget(&mut tx, connection).await?;
        table::calendar_sync_configs::forget(&mut tx, connection).await?;
        table::external_calendars::forget(&mut tx, connection).await?;
        table::sync_state::forget(&mut tx, connection).await?;
        table::silence_watch::forget(&mut tx, connection).await?;
        table::daily_counts::forget(&mut tx, connection).await?;
        table::user_integrations::forget(&mut tx, connection).await?;
        commit(tx).await?;
        let erased = self.erase().await;
        self.delete_put_aside(None).await?;
        Ok(erased?)
    }

    /// A setting of the app as a whole.
    pub async fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, LedgerError> {
        Ok(settings::get(self.readers(), key).await?)
    }

    /// Writes a setting of the app as a whole. Keys that begin with `store.` are the store's own and refused.
    pub async fn put_setting<T: Serialize + Sync>(&self, key: &str, value: &T) -> Result<(), LedgerError> {
        refuse_own(key)?;
        let mut tx = self.begin().await?;
        settings::put(&mut tx, key, value).await?;
        Ok(commit(tx).await?)
    }

    /// Takes a setting away, so that its default counts again.
    pub async fn delete_setting(&self, key: &str) -> Result<(), LedgerError> {
        refuse_own(key)?;
        let mut tx = self.begin().await?;
        settings::delete(&mut tx, key).await?;
        Ok(commit(tx).await?)
    }

    /// Adds to the audit log: a stable word, and details without content.
    pub async fn audit(
        &self,
        connection: Option<&ConnectionId>,
        event: &str,
        details: &serde_json::Value,
        at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let mut tx = self.begin().await?;
        audit_log::append(&mut tx, connection, event, details, at).await?;
        Ok(commit(tx).await?)
    }

    /// The audit log, newest first, at most `limit` entries.
    pub async fn audit_log(&self, limit: u32) -> Result<Vec<AuditEntry>, LedgerError> {
        self.audit_page(None, limit).await
    }

    /// The entries of the audit log before the one with this sequence, newest first, at most `limit`; from the newest on
    /// without one.
    pub async fn audit_page(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, LedgerError> {
        Ok(audit_log::list(self.readers(), before, limit).await?)
    }

    /// Waits for the right to refresh a provider's tokens, which one process at a time has in a data directory. Read the
    /// tokens again after getting it: somebody else may just have refreshed them.
    ///
    /// # Errors
    /// Also if somebody keeps it for longer than any refresh takes: a process that is stopped must not end syncing for good. What
    /// the caller can do: try again with the next run.
    pub async fn refresh_lock(&self, provider: Provider) -> Result<DirectoryLock, OpenError> {
        let dir = self.inner.dir.clone();
        let name = format!("refresh-{provider}");
        directory::blocking(move || DirectoryLock::acquire_within(&dir, &name, LONGEST_REFRESH)).await
    }

    /// The right to run the sync in this data directory, or `None` if another process has it. The second barrier behind
    /// "one instance of the app".
    pub async fn try_sync_lock(&self) -> Result<Option<DirectoryLock>, OpenError> {
        Self::sync_lock_of(&self.inner.dir).await
    }

    /// As [`Self::try_sync_lock`], before the database is opened: opening changes what another process may be at work with.
    pub async fn sync_lock_of(data_dir: &Path) -> Result<Option<DirectoryLock>, OpenError> {
        let dir = data_dir.to_owned();
        directory::blocking(move || {
            directory::prepare_directory(&dir)?;
            DirectoryLock::try_acquire(&dir, "sync")
        })
        .await
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// The one writing transaction. `IMMEDIATE`, so that it waits at its beginning and never fails half-way because
    /// another process wrote first.
    pub(crate) async fn begin(&self) -> Stored<Transaction<'static, Sqlite>> {
        Ok(self.inner.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Folds the write-ahead log into the file and empties it, so that deleted content is gone from both. SQLite waits for
    /// whoever reads as long as for any lock (10 s).
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] if somebody still reads then. The bytes lie in the log until [`Self::erase_what_is_owed`], or
    /// until the last process closes the file.
    pub(crate) async fn erase(&self) -> Stored<()> {
        self.inner.owes_erasing.store(true, Ordering::SeqCst);
        boundary::at("before the log is folded in");
        // That somebody reads is answered in the row's first column instead of failing.
        let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.inner.writer)
            .await?;
        boundary::at("after the log was folded in");
        if busy != 0 {
            return Err(LedgerError::Unavailable("the database is being read".into()).into());
        }
        self.inner.owes_erasing.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Does what an earlier [`Self::erase`] could not.
    pub(crate) async fn erase_what_is_owed(&self) {
        if self.inner.owes_erasing.load(Ordering::SeqCst)
            && let Err(error) = self.erase().await
        {
            tracing::warn!(error = %LedgerError::from(error), "what was deleted still lies in the log of the database");
        }
    }

    pub(crate) async fn delete_put_aside(&self, before: Option<DateTime<Utc>>) -> Result<u64, LedgerError> {
        let dir = self.inner.dir.clone();
        directory::blocking(move || open::delete_put_aside(&dir, before))
            .await
            .map_err(|error| LedgerError::Unavailable(error.to_string()))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The one connection that writes, for what cannot happen inside a transaction.
    pub(crate) fn writing(&self) -> &SqlitePool {
        &self.inner.writer
    }

    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.inner.writer
    }
}

fn refuse_own(key: &str) -> Result<(), LedgerError> {
    if key.starts_with(settings::OWN_PREFIX) {
        return Err(LedgerError::Unavailable(format!(
            "settings under {} are the store's own",
            settings::OWN_PREFIX
        )));
    }
    Ok(())
}

pub(crate) async fn commit(tx: Transaction<'static, Sqlite>) -> Stored<()> {
    boundary::at("before a commit");
    tx.commit().await?;
    boundary::at("after a commit");
    Ok(())
}

#[cfg(test)]
#[path = "erasing_tests.rs"]
mod tests;
