//! What is kept for how long.

use crate::database::{Database, commit};
use crate::table::{
    audit_log, calendar_sync_conflicts, calendar_sync_history, calendar_sync_questions, calendar_sync_runs,
};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_engine::ledger::LedgerError;

/// Both versions of a change can be restored for so long.
const HISTORY_KEPT: TimeDelta = TimeDelta::days(30);

/// How much a retention deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Runs.
    pub runs: u64,
    /// History items.
    pub items: u64,
    /// Conflicts that were resolved or superseded. Open ones stay, however old.
    pub conflicts: u64,
    /// Answered questions. Open ones stay.
    pub questions: u64,
    /// Entries of the audit log.
    pub audit_entries: u64,
    /// Damaged databases that had been put aside.
    pub damaged_files: u64,
}

impl Database {
    /// Deletes history, closed conflicts and answered questions of more than 30 days ago, and audit entries of more than
    /// a year ago.
    pub async fn retention(&self, now: DateTime<Utc>) -> Result<Retained, LedgerError> {
        let before = now - HISTORY_KEPT;
        let mut tx = self.begin().await?;
        let mut retained = Retained {
            runs: calendar_sync_runs::delete_before(&mut tx, before).await?,
            items: calendar_sync_history::delete_before(&mut tx, before).await?,
            conflicts: calendar_sync_conflicts::delete_closed_before(&mut tx, before).await?,
            questions: calendar_sync_questions::delete_answered_before(&mut tx, before).await?,
            audit_entries: audit_log::retain(&mut tx, now).await?,
            damaged_files: 0,
        };
        commit(tx).await?;
        self.erase_what_is_owed().await;
        retained.damaged_files = self.delete_put_aside(Some(before)).await?;
        Ok(retained)
    }
}
