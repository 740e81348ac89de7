//! Is the whole file sound? The quick look at opening leaves out what takes long; support and tests ask for all of it.

use crate::database::Database;
use roundtrip_engine::ledger::LedgerError;
use sqlx::Row;

/// SQLite is asked for so many faults at most: one is enough to know.
const MOST: usize = 20;

impl Database {
    /// What is wrong with the file, in SQLite's words: pages, indexes and rows (`integrity_check`), and rows that refer to
    /// nothing (`foreign_key_check`). Names tables, never values. Empty if all is well.
    ///
    /// # Errors
    /// If the file cannot be read at all.
    pub async fn faults(&self) -> Result<Vec<String>, LedgerError> {
        let verdicts: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)")
            .fetch_all(self.readers())
            .await
            .map_err(crate::error::Fault::from)?;
        let mut faults: Vec<String> = verdicts.into_iter().filter(|verdict| verdict != "ok").collect();
        let orphans = sqlx::query("PRAGMA foreign_key_check")
            .fetch_all(self.readers())
            .await
            .map_err(crate::error::Fault::from)?;
        for orphan in orphans.iter().take(MOST) {
            let table: String = orphan.try_get(0).unwrap_or_default();
            let parent: String = orphan.try_get(2).unwrap_or_default();
            faults.push(format!("a row of {table} refers to none of {parent}"));
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Database, KeySource};
    use chrono::DateTime;

    #[tokio::test]
    async fn a_row_that_refers_to_nothing_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        let database = Database::open(dir.path(), KeySource::memory(), DateTime::UNIX_EPOCH)
            .await
            .expect("a fresh database");
        assert_eq!(database.faults().await, Ok(vec![]));
        for statement in [
            "PRAGMA foreign_keys = OFF",
            "INSERT INTO calendar_sync_filters (connection, document) VALUES ('nobody', '{}')",
        ] {
            sqlx::query(statement)
                .execute(database.writer())
                .await
                .expect("a statement of the test");
        }
        assert_eq!(
            database.faults().await,
            Ok(vec![
                "a row of calendar_sync_filters refers to none of calendar_sync_configs".to_owned()
            ])
        );
    }
}
