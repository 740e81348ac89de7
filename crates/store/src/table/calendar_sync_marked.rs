//! Events that the trainer marked: one row per event and connection.

use crate::encoding::{from_documents, to_document};
use crate::error::Stored;
use roundtrip_core::ids::{ConnectionId, EventId};
use roundtrip_core::marked::Marked;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "calendar_sync_marked";

pub(crate) async fn list(db: impl SqliteExecutor<'_>, connection: &ConnectionId) -> Stored<Vec<Marked>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_marked WHERE connection = ?1 ORDER BY event_id",
    )
    .bind(connection.as_str())
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

pub(crate) async fn put(db: &mut SqliteConnection, connection: &ConnectionId, marked: &Marked) -> Stored<()> {
    sqlx::query(
        "INSERT INTO calendar_sync_marked (connection, event_id, document) VALUES (?1, ?2, ?3)
         ON CONFLICT (connection, event_id) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(marked.event_id.as_str())
    .bind(to_document(WHAT, marked)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(db: &mut SqliteConnection, connection: &ConnectionId, id: &EventId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_marked WHERE connection = ?1 AND event_id = ?2")
        .bind(connection.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_marked WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
