//! What was done with accounts and settings, without content. Entries are only ever added; see the migration for the
//! triggers that hold this.

use crate::encoding::{from_document, instant, micros, to_document};
use crate::error::Stored;
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::ledger::LedgerError;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqliteExecutor};

const WHAT: &str = "audit_log";
/// As long as entries are kept.
pub(crate) const KEPT: TimeDelta = TimeDelta::days(365);

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Grows by one with each entry.
    pub sequence: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Which connection it was about, if it was about one.
    pub connection: Option<ConnectionId>,
    /// Stable word: `sign_in`, `refresh_failed`, `revoke`, `disconnect`, `settings`, `deletion`, `export`, `key_unavailable`,
    /// `key_available`, `key_lost`, `key_rotated`, `not_erased`, `audit_log_shortened`.
    pub event: String,
    /// Details, no content.
    pub details: serde_json::Value,
}

pub(crate) async fn append(
    db: &mut SqliteConnection,
    connection: Option<&ConnectionId>,
    event: &str,
    details: &serde_json::Value,
    at: DateTime<Utc>,
) -> Stored<()> {
    sqlx::query("INSERT INTO audit_log (at_us, connection, event, details) VALUES (?1, ?2, ?3, ?4)")
        .bind(micros(at))
        .bind(connection.map(ConnectionId::as_str))
        .bind(event)
        .bind(to_document(WHAT, details)?)
        .execute(db)
        .await?;
    Ok(())
}

/// Newest first, in the order of writing: a clock that was set back does not reorder the log. Only entries older than
/// `before`, where it is given.
pub(crate) async fn list(
    db: impl SqliteExecutor<'_>,
    before: Option<i64>,
    limit: u32,
) -> Stored<Vec<AuditEntry>> {
    sqlx::query(
        "SELECT sequence, at_us, connection, event, details FROM audit_log WHERE sequence < ?1 \
         ORDER BY sequence DESC LIMIT ?2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(limit)
    .fetch_all(db)
    .await?
    .iter()
    .map(entry)
    .collect()
}

fn entry(row: &SqliteRow) -> Stored<AuditEntry> {
    Ok(AuditEntry {
        sequence: row.try_get("sequence")?,
        at: instant(row.try_get("at_us")?).ok_or_else(|| LedgerError::Unreadable(WHAT.into()))?,
        connection: row
            .try_get::<Option<String>, _>("connection")?
            .map(ConnectionId::new),
        event: row.try_get("event")?,
        details: from_document(WHAT, row.try_get("details")?)?,
    })
}

/// Deletes what is older than a year and writes an entry about it; without that entry the trigger would refuse.
pub(crate) async fn retain(db: &mut SqliteConnection, now: DateTime<Utc>) -> Stored<u64> {
    let before = now - KEPT;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log WHERE at_us < ?1")
        .bind(micros(before))
        .fetch_one(&mut *db)
        .await?;
    if count == 0 {
        return Ok(0);
    }
    append(
        db,
        None,
        "audit_log_shortened",
        &serde_json::json!({ "entries": count }),
        now,
    )
    .await?;
    let done = sqlx::query("DELETE FROM audit_log WHERE at_us < ?1")
        .bind(micros(before))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
