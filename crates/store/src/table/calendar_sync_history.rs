//! History items: what happened.

use crate::encoding::{from_documents, micros, to_document};
use crate::error::Stored;
use chrono::{DateTime, Utc};
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::ledger::{HistoryFilter, HistoryItem, HistoryResult, HistorySource};
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "calendar_sync_history";

/// Newest first; items of one instant in the reverse of the order in which they were added.
pub(crate) async fn list(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    filter: &HistoryFilter,
) -> Stored<Vec<HistoryItem>> {
    let result = filter.result.map(|result| match result {
        HistoryResult::Ok => "ok",
        HistoryResult::Waiting => "waiting",
        HistoryResult::Problem => "problem",
    });
    let source = filter.source.map(|source| match source {
        HistorySource::You => "you",
        HistorySource::Platform => "platform",
        HistorySource::Roundtrip => "roundtrip",
    });
    let kinds = match filter.kinds {
        [] => None,
        kinds => Some(to_document(WHAT, &kinds)?),
    };
    let documents = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_history
         WHERE connection = ?1
           AND (?2 IS NULL OR result = ?2)
           AND (?3 IS NULL OR appointment_id = ?3)
           AND (?4 IS NULL OR run_id = ?4)
           AND (?5 IS NULL OR at_us < ?5)
           AND (?7 IS NULL OR document ->> '$.source' = ?7)
           AND (?8 IS NULL OR at_us >= ?8)
           AND (?9 IS NULL OR document ->> '$.what.what' IN (SELECT value FROM json_each(?9)))
         ORDER BY at_us DESC, sequence DESC LIMIT ?6",
    )
    .bind(connection.as_str())
    .bind(result)
    .bind(filter.appointment_id.as_ref().map(|id| id.as_str()))
    .bind(filter.run_id.as_ref().map(|id| id.as_str()))
    .bind(filter.before.map(micros))
    .bind(filter.limit)
    .bind(source)
    .bind(filter.since.map(micros))
    .bind(kinds)
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

/// Newest first; an id that is not there is left out.
pub(crate) async fn by_ids(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    ids: &[String],
) -> Stored<Vec<HistoryItem>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_history
         WHERE connection = ?1 AND id IN (SELECT value FROM json_each(?2)) ORDER BY at_us DESC, sequence DESC",
    )
    .bind(connection.as_str())
    .bind(to_document(WHAT, &ids)?)
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

/// Adding an item again (a repeated commit) changes nothing but its content.
pub(crate) async fn add(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    item: &HistoryItem,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO calendar_sync_history (connection, id, at_us, document) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (connection, id) DO UPDATE SET at_us = excluded.at_us, document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(item.id.as_str())
    .bind(micros(item.at))
    .bind(to_document(WHAT, item)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete_before(db: &mut SqliteConnection, before: DateTime<Utc>) -> Stored<u64> {
    let done = sqlx::query("DELETE FROM calendar_sync_history WHERE at_us < ?1")
        .bind(micros(before))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_history WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
