//! What was counted on each day.

use crate::encoding::{from_document, from_documents, to_document};
use crate::error::Stored;
use chrono::{NaiveDate, TimeDelta};
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::figures::{DAYS_KEPT, DayCount};
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "daily_counts";

/// From this day on, oldest first.
pub(crate) async fn list(
    db: impl SqliteExecutor<'_>,
    connection: &ConnectionId,
    since: NaiveDate,
) -> Stored<Vec<DayCount>> {
    let documents = sqlx::query_scalar(
        "SELECT document FROM daily_counts WHERE connection = ?1 AND day >= ?2 ORDER BY day",
    )
    .bind(connection.as_str())
    .bind(since.to_string())
    .fetch_all(db)
    .await?;
    from_documents(WHAT, documents)
}

/// Adds to the day. Only the newest days stay, however far a wrong clock jumps; days of a clock that was ahead go once it
/// is right again, because later they could not be told from true ones.
pub(crate) async fn add(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    count: &DayCount,
) -> Stored<()> {
    let day = count.day.to_string();
    let known: Option<String> =
        sqlx::query_scalar("SELECT document FROM daily_counts WHERE connection = ?1 AND day = ?2")
            .bind(connection.as_str())
            .bind(&day)
            .fetch_optional(&mut *db)
            .await?;
    let mut sum: DayCount = match known {
        Some(document) => from_document(WHAT, &document)?,
        None => DayCount::default(),
    };
    sum.day = count.day;
    sum.add(count);
    sqlx::query(
        "INSERT INTO daily_counts (connection, day, document) VALUES (?1, ?2, ?3)
         ON CONFLICT (connection, day) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(&day)
    .bind(to_document(WHAT, &sum)?)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "DELETE FROM daily_counts WHERE connection = ?1 AND (day > ?2 OR day NOT IN
         (SELECT day FROM daily_counts WHERE connection = ?1 ORDER BY day DESC LIMIT ?3))",
    )
    .bind(connection.as_str())
    .bind((count.day + TimeDelta::days(1)).to_string())
    .bind(DAYS_KEPT)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM daily_counts WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
