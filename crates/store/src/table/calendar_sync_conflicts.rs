//! Conflicts, open and closed.

use crate::encoding::{from_document, from_documents, micros, to_document};
use crate::error::Stored;
use chrono::{DateTime, Utc};
use roundtrip_core::conflict::{Conflict, ConflictState};
use roundtrip_core::ids::{ConflictId, ConnectionId};
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "calendar_sync_conflicts";

/// Oldest first.
pub(crate) async fn list_open(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
) -> Stored<Vec<Conflict>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_conflicts WHERE connection = ?1 AND state = 'open' ORDER BY raised_at_us, id",
    )
    .bind(connection.as_str())
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

/// Answered at or after `since`, newest first.
pub(crate) async fn list_answered(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    since: DateTime<Utc>,
) -> Stored<Vec<Conflict>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_conflicts
         WHERE connection = ?1 AND state = 'resolved' AND closed_at_us >= ?2 ORDER BY closed_at_us DESC, id DESC",
    )
    .bind(connection.as_str())
    .bind(micros(since))
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

pub(crate) async fn get(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    id: &ConflictId,
) -> Stored<Option<Conflict>> {
    let document: Option<String> =
        sqlx::query_scalar("SELECT document FROM calendar_sync_conflicts WHERE connection = ?1 AND id = ?2")
            .bind(connection.as_str())
            .bind(id.as_str())
            .fetch_optional(db)
            .await?;
    document
        .map(|document| from_document(WHAT, &document))
        .transpose()
}

pub(crate) async fn put(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    conflict: &Conflict,
) -> Stored<()> {
    let closed_at = match &conflict.state {
        ConflictState::Open => None,
        ConflictState::Resolved { at, .. } | ConflictState::Superseded { at } => Some(*at),
    };
    sqlx::query(
        "INSERT INTO calendar_sync_conflicts (connection, id, raised_at_us, closed_at_us, document)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (connection, id) DO UPDATE SET
            raised_at_us = excluded.raised_at_us, closed_at_us = excluded.closed_at_us, document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(conflict.id.as_str())
    .bind(micros(conflict.raised_at))
    .bind(closed_at.map(micros))
    .bind(to_document(WHAT, conflict)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete_closed_before(db: &mut SqliteConnection, before: DateTime<Utc>) -> Stored<u64> {
    let done = sqlx::query("DELETE FROM calendar_sync_conflicts WHERE closed_at_us < ?1")
        .bind(micros(before))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_conflicts WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
