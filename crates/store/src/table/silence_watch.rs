//! How long both sides have been without a success.

use crate::encoding::{from_document, to_document};
use crate::error::Stored;
use roundtrip_core::ids::ConnectionId;
use roundtrip_core::silence::Watch;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "silence_watch";

/// An empty watch where nothing was written yet.
pub(crate) async fn get(db: impl SqliteExecutor<'_>, connection: &ConnectionId) -> Stored<Watch> {
    let document: Option<String> =
        sqlx::query_scalar("SELECT document FROM silence_watch WHERE connection = ?1")
            .bind(connection.as_str())
            .fetch_optional(db)
            .await?;
    document.map_or_else(|| Ok(Watch::default()), |document| from_document(WHAT, &document))
}

pub(crate) async fn put(db: &mut SqliteConnection, connection: &ConnectionId, watch: &Watch) -> Stored<()> {
    sqlx::query(
        "INSERT INTO silence_watch (connection, document) VALUES (?1, ?2)
         ON CONFLICT (connection) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(to_document(WHAT, watch)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM silence_watch WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
