//! The trainer's settings of one connection, but for the filters, which have a table of their own.

use super::calendar_sync_filters;
use crate::encoding::{from_document, to_document};
use crate::error::Stored;
use roundtrip_core::ids::ConnectionId;
use roundtrip_core::settings::{Filters, SyncSettings};
use sqlx::{Row, SqliteConnection, SqliteExecutor};

const WHAT: &str = "calendar_sync_configs";

/// The defaults where nothing was chosen yet. One statement, so that settings and filters are of the same moment.
pub(crate) async fn get(db: impl SqliteExecutor<'_>, connection: &ConnectionId) -> Stored<SyncSettings> {
    let row = sqlx::query(
        "SELECT config.document AS config, filter.document AS filter
         FROM calendar_sync_configs AS config LEFT JOIN calendar_sync_filters AS filter USING (connection)
         WHERE connection = ?1",
    )
    .bind(connection.as_str())
    .fetch_optional(db)
    .await?;
    let Some(row) = row else {
        return Ok(SyncSettings::default());
    };
    let mut settings: SyncSettings = from_document(WHAT, row.try_get("config")?)?;
    if let Some(filters) = row.try_get::<Option<&str>, _>("filter")? {
        settings.filters = calendar_sync_filters::read(filters)?;
    }
    Ok(settings)
}

pub(crate) async fn put(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    settings: &SyncSettings,
) -> Stored<()> {
    let config = SyncSettings {
        filters: Filters::default(),
        ..settings.clone()
    };
    sqlx::query(
        "INSERT INTO calendar_sync_configs (connection, document) VALUES (?1, json_remove(?2, '$.filters'))
         ON CONFLICT (connection) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(to_document(WHAT, &config)?)
    .execute(&mut *db)
    .await?;
    calendar_sync_filters::put(db, connection, &settings.filters).await
}

/// The filters go with it.
pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM calendar_sync_configs WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
