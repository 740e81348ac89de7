//! Records: one row per appointment and connection.

use crate::encoding::{from_document, to_document};
use crate::error::Stored;
use futures::TryStreamExt as _;
use roundtrip_core::ids::{AppointmentId, ConnectionId};
use roundtrip_core::record::Record;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "calendar_sync_mappings";

pub(crate) async fn list(db: impl SqliteExecutor<'_>, connection: &ConnectionId) -> Stored<Vec<Record>> {
    let mut documents = sqlx::query_scalar::<_, String>(
        "SELECT document FROM calendar_sync_mappings WHERE connection = ?1 ORDER BY appointment_id",
    )
    .bind(connection.as_str())
    .fetch(db);
    // Each is read while the next one comes: the texts of all need not be in memory beside what was read from them.
    let mut records = Vec::new();
    while let Some(document) = documents.try_next().await? {
        records.push(from_document(WHAT, &document)?);
    }
    Ok(records)
}

pub(crate) async fn get(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    id: &AppointmentId,
) -> Stored<Option<Record>> {
    let document: Option<String> = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_mappings WHERE connection = ?1 AND appointment_id = ?2",
    )
    .bind(connection.as_str())
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    document
        .map(|document| from_document(WHAT, &document))
        .transpose()
}

pub(crate) async fn put(db: &mut SqliteConnection, connection: &ConnectionId, record: &Record) -> Stored<()> {
    sqlx::query(
        "INSERT INTO calendar_sync_mappings (connection, appointment_id, document) VALUES (?1, ?2, ?3)
         ON CONFLICT (connection, appointment_id) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(record.appointment_id.as_str())
    .bind(to_document(WHAT, record)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    id: &AppointmentId,
) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_mappings WHERE connection = ?1 AND appointment_id = ?2")
        .bind(connection.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_mappings WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
