//! Where the next listings start.

use crate::encoding::{from_document, to_document};
use crate::error::Stored;
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::ledger::SyncState;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "sync_state";

/// The empty state where nothing was written yet.
pub(crate) async fn get(db: impl SqliteExecutor<'_>, connection: &ConnectionId) -> Stored<SyncState> {
    let document: Option<String> =
        sqlx::query_scalar("SELECT document FROM sync_state WHERE connection = ?1")
            .bind(connection.as_str())
            .fetch_optional(db)
            .await?;
    document.map_or_else(
        || Ok(SyncState::default()),
        |document| from_document(WHAT, &document),
    )
}

pub(crate) async fn put(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    state: &SyncState,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO sync_state (connection, document) VALUES (?1, ?2)
         ON CONFLICT (connection) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(to_document(WHAT, state)?)
    .execute(db)
    .await?;
    Ok(())
}

/// Connections of which anything is kept, in order.
pub(crate) async fn connections(db: impl SqliteExecutor<'_>) -> Stored<Vec<ConnectionId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT connection FROM sync_state
         UNION SELECT connection FROM calendar_sync_configs
         UNION SELECT connection FROM calendar_sync_mappings
         UNION SELECT connection FROM outbox
         ORDER BY connection",
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ConnectionId::new).collect())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM sync_state WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
