//! Channels of the calendar's notices: one row per channel and connection. No token is among it.

use crate::encoding::{from_documents, to_document};
use crate::error::Stored;
use roundtrip_core::channel::Channel;
use roundtrip_core::ids::{ChannelId, ConnectionId};
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "push_channels";

pub(crate) async fn list(db: impl SqliteExecutor<'_>, connection: &ConnectionId) -> Stored<Vec<Channel>> {
    let documents =
        sqlx::query_scalar("SELECT document FROM push_channels WHERE connection = ?1 ORDER BY channel_id")
            .bind(connection.as_str())
            .fetch_all(db)
            .await?;
    from_documents(WHAT, documents)
}

pub(crate) async fn put(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    channel: &Channel,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO push_channels (connection, channel_id, document) VALUES (?1, ?2, ?3)
         ON CONFLICT (connection, channel_id) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(channel.id.as_str())
    .bind(to_document(WHAT, channel)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    id: &ChannelId,
) -> Stored<()> {
    sqlx::query("DELETE FROM push_channels WHERE connection = ?1 AND channel_id = ?2")
        .bind(connection.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM push_channels WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
