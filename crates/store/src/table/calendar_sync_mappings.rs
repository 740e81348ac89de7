//! Records: one row per appointment and connection.

use crate::encoding::{from_document, to_document, to_values};
use crate::error::Stored;
use roundtrip_core::ids::{AppointmentId, ConnectionId};
use roundtrip_core::record::Record;
use sqlx::{Acquire, AssertSqlSafe, Sqlite, SqliteConnection, SqliteExecutor};
use std::fmt::Write as _;

const WHAT: &str = "calendar_sync_mappings";
/// So many records are read or written by one statement: a message to SQLite's thread and back costs more than a row. The texts of
/// all need not be in memory beside what was read from them.
const AT_ONCE: usize = 64;

/// All records of a connection, by appointment.
pub(crate) async fn list(
    db: impl Acquire<'_, Database = Sqlite>,
    connection: &ConnectionId,
) -> Stored<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    // One look for all parts: what is committed between two of them belongs to neither.
    let mut tx = db.begin().await?;
    let mut part = part_after(&mut tx, connection, i64::MIN).await?;
    while let (Some(last), Some(documents), rows) = part {
        // SQLite fetches the next part while this one is read.
        let next = part_after(&mut tx, connection, last);
        let read = async { to_values(WHAT, &documents, rows, &mut records) };
        let (next, read) = futures::join!(next, read);
        read?;
        part = next?;
    }
    tx.rollback().await?;
    // The records are large: their keys are sorted, and each of them is moved once.
    records.sort_by_cached_key(|record| record.appointment_id.clone());
    Ok(records)
}

/// The last of the next rows, their documents in the order in which they lie in the file, and how many rows they are. No document has a line
/// break in it: JSON writes one as an escape.
async fn part_after(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    row: i64,
) -> Result<(Option<i64>, Option<String>, i64), sqlx::Error> {
    sqlx::query_as(
        "SELECT max(row), group_concat(document, char(10)), count(*) FROM (
            SELECT rowid AS row, document FROM calendar_sync_mappings NOT INDEXED
            WHERE connection = ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3)",
    )
    .bind(connection.as_str())
    .bind(row)
    .bind(AT_ONCE as i64)
    .fetch_one(db)
    .await
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

/// Writes records (insert or replace, by appointment); of two of one appointment the later one counts.
pub(crate) async fn put_all(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    records: &[&Record],
) -> Stored<()> {
    for part in records.chunks(AT_ONCE) {
        // Two statements in all, for a full part and for one, stay prepared.
        match part.len() {
            AT_ONCE => put_part(db, connection, part).await?,
            _ => {
                for one in part.chunks(1) {
                    put_part(db, connection, one).await?;
                }
            }
        }
    }
    Ok(())
}

async fn put_part(db: &mut SqliteConnection, connection: &ConnectionId, records: &[&Record]) -> Stored<()> {
    let mut statement = String::from(
        "INSERT INTO calendar_sync_mappings (connection, appointment_id, document) VALUES (?1, ?2, ?3)",
    );
    for at in 1..records.len() {
        let (id, document) = (2 * at + 2, 2 * at + 3);
        let _ = write!(statement, ", (?1, ?{id}, ?{document})");
    }
    statement
        .push_str(" ON CONFLICT (connection, appointment_id) DO UPDATE SET document = excluded.document");
    // Only numbers of parameters were written into it.
    let mut query = sqlx::query(AssertSqlSafe(statement)).bind(connection.as_str());
    for record in records {
        query = query
            .bind(record.appointment_id.as_str())
            .bind(to_document(WHAT, record)?);
    }
    query.execute(db).await?;
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
