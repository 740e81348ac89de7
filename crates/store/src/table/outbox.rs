//! Durable pending writes.

use crate::encoding::{from_documents, micros, to_document};
use crate::error::Stored;
use roundtrip_core::ids::{ConnectionId, OutboxId};
use roundtrip_core::outbox::OutboxRow;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "outbox";

/// Oldest first; rows of one instant in the order in which they were recorded.
pub(crate) async fn list(db: impl SqliteExecutor<'_>, connection: &ConnectionId) -> Stored<Vec<OutboxRow>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM outbox WHERE connection = ?1 ORDER BY created_at_us, sequence",
    )
    .bind(connection.as_str())
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

/// Writes a row without a slot; [`settle`] gives it one at the end of the commit.
pub(crate) async fn put(db: &mut SqliteConnection, connection: &ConnectionId, row: &OutboxRow) -> Stored<()> {
    sqlx::query(
        "INSERT INTO outbox (connection, id, slot, due_at_us, created_at_us, document) VALUES (?1, ?2, NULL, ?3, ?4, ?5)
         ON CONFLICT (connection, id) DO UPDATE SET
            slot = NULL, due_at_us = excluded.due_at_us, created_at_us = excluded.created_at_us, document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(row.id.as_str())
    .bind(micros(row.due_at))
    .bind(micros(row.created_at))
    .bind(to_document(WHAT, row)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    id: &OutboxId,
) -> Stored<()> {
    sqlx::query("DELETE FROM outbox WHERE connection = ?1 AND id = ?2")
        .bind(connection.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Holds the rule that a link and side have at most one row per state. Fails if the commit broke it.
pub(crate) async fn settle(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("UPDATE outbox SET slot = state WHERE connection = ?1 AND slot IS NULL")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM outbox WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
