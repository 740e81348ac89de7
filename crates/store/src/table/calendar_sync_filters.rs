//! Which appointments go into the calendar.

use crate::encoding::{from_document, to_document};
use crate::error::Stored;
use roundtrip_core::ids::ConnectionId;
use roundtrip_core::settings::Filters;
use sqlx::SqliteConnection;

const WHAT: &str = "calendar_sync_filters";

pub(crate) fn read(document: &str) -> Stored<Filters> {
    from_document(WHAT, document)
}

pub(crate) async fn put(
    db: &mut SqliteConnection,
    connection: &ConnectionId,
    filters: &Filters,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO calendar_sync_filters (connection, document) VALUES (?1, ?2)
         ON CONFLICT (connection) DO UPDATE SET document = excluded.document",
    )
    .bind(connection.as_str())
    .bind(to_document(WHAT, filters)?)
    .execute(db)
    .await?;
    Ok(())
}
