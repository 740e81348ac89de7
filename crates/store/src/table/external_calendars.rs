//! Calendars with busy times of others, and those times (`external_availability_blocks`, which go with their calendar).
//! Nothing writes them yet; what is deleted with a connection must include them from the first day.

use crate::error::Stored;
use roundtrip_core::ids::ConnectionId;
use sqlx::SqliteConnection;

pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM external_calendars WHERE connection = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}
