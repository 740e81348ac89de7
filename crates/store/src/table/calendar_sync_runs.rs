//! Runs: one row per cycle.

use crate::encoding::{from_documents, micros, to_document};
use crate::error::Stored;
use chrono::{DateTime, Utc};
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::ledger::Run;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "calendar_sync_runs";

/// Those that began at or after `since`, newest first.
pub(crate) async fn list(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    since: DateTime<Utc>,
    limit: u32,
) -> Stored<Vec<Run>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_runs WHERE connection = ?1 AND started_at_us >= ?2
         ORDER BY started_at_us DESC, rowid DESC LIMIT ?3",
    )
    .bind(connection.as_str())
    .bind(micros(since))
    .bind(limit)
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

pub(crate) async fn put(db: &mut SqliteConnection, connection: &ConnectionId, run: &Run) -> Stored<()> {
    sqlx::query(
        "INSERT INTO calendar_sync_runs (connection, id, started_at_us, document) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (connection, id) DO UPDATE SET started_at_us = excluded.started_at_us, document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(run.id.as_str())
    .bind(micros(run.started_at))
    .bind(to_document(WHAT, run)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete_before(db: &mut SqliteConnection, before: DateTime<Utc>) -> Stored<u64> {
    let done = sqlx::query("DELETE FROM calendar_sync_runs WHERE started_at_us < ?1")
        .bind(micros(before))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_runs WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
