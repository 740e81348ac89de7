//! What the guard asked, and the answers it remembers.

use crate::encoding::{from_document, from_documents, micros, to_document};
use crate::error::Stored;
use chrono::{DateTime, Utc};
use roundtrip_core::ids::{ConnectionId, QuestionId};
use roundtrip_core::question::Question;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "calendar_sync_questions";

/// The open ones, and those answered after `since`; oldest first.
pub(crate) async fn list(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    since: DateTime<Utc>,
) -> Stored<Vec<Question>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM calendar_sync_questions
         WHERE connection = ?1 AND (answer IS NULL OR answered_at_us > ?2) ORDER BY asked_at_us, id",
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
    id: &QuestionId,
) -> Stored<Option<Question>> {
    let document: Option<String> =
        sqlx::query_scalar("SELECT document FROM calendar_sync_questions WHERE connection = ?1 AND id = ?2")
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
    question: &Question,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO calendar_sync_questions (connection, id, asked_at_us, answered_at_us, document)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (connection, id) DO UPDATE SET
            asked_at_us = excluded.asked_at_us, answered_at_us = excluded.answered_at_us, document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(question.id.as_str())
    .bind(micros(question.asked_at))
    .bind(question.answered_at.map(micros))
    .bind(to_document(WHAT, question)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete_answered_before(db: &mut SqliteConnection, before: DateTime<Utc>) -> Stored<u64> {
    let done = sqlx::query("DELETE FROM calendar_sync_questions WHERE answered_at_us < ?1")
        .bind(micros(before))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_questions WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
