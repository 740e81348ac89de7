//! Emptying the whole data directory, for "delete everything". The files stay open, so that the app goes on as fresh.

use crate::database::{Database, commit};
use crate::directory;
use crate::error::Stored;
use crate::table::settings;
use roundtrip_engine::ledger::LedgerError;
use sqlx::AssertSqlSafe;

/// Every table that holds something, those first that refer to others.
const EMPTY: [&str; 14] = [
    "DELETE FROM outbox",
    "DELETE FROM calendar_sync_filters",
    "DELETE FROM calendar_sync_mappings",
    "DELETE FROM calendar_sync_conflicts",
    "DELETE FROM calendar_sync_questions",
    "DELETE FROM calendar_sync_history",
    "DELETE FROM calendar_sync_runs",
    "DELETE FROM calendar_sync_configs",
    "DELETE FROM external_availability_blocks",
    "DELETE FROM external_calendars",
    "DELETE FROM sync_state",
    "DELETE FROM user_integrations",
    "DELETE FROM settings",
    "DELETE FROM audit_log",
];

impl Database {
    /// Deletes everything that is kept in this data directory: accounts and their tokens, links, history, settings, the
    /// audit log, files put aside, and the entries in the keychain. Deleted rows are overwritten, and the file is written
    /// anew without them. Answers whether the keychain's entries are gone, too.
    ///
    /// # Errors
    /// If the database could not be emptied; then nothing of it is.
    pub async fn wipe(&self) -> Result<bool, LedgerError> {
        let mut vault = self.vault().lock().await;
        let key_version = settings::key_version(self.readers()).await?;
        self.empty().await?;
        self.compact().await?;
        self.delete_put_aside(None).await?;
        let provider = vault.forget();
        let dir = self.dir().to_owned();
        let gone = directory::blocking(move || {
            let mut gone = true;
            let uses_keychain = provider
                .as_ref()
                .is_some_and(|provider| provider.kind() == crate::KeyKind::Keychain);
            for version in 1..=key_version {
                gone &= provider
                    .as_ref()
                    .is_none_or(|provider| provider.forget(version).is_ok());
            }
            gone &= directory::forget_ids(&dir, uses_keychain)?;
            Ok(gone)
        })
        .await;
        gone.map_err(|error| LedgerError::Unavailable(error.to_string()))
    }

    async fn empty(&self) -> Stored<()> {
        let mut tx = self.begin().await?;
        // The audit log defends itself against being shortened. Here it goes with everything it could be about.
        let triggers: Vec<(String, String)> = sqlx::query_as(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit_log'",
        )
        .fetch_all(&mut *tx)
        .await?;
        for (name, _) in &triggers {
            sqlx::query(AssertSqlSafe(format!("DROP TRIGGER \"{name}\"")))
                .execute(&mut *tx)
                .await?;
        }
        for statement in EMPTY {
            sqlx::query(statement).execute(&mut *tx).await?;
        }
        sqlx::query("DELETE FROM sqlite_sequence")
            .execute(&mut *tx)
            .await?;
        for (_, sql) in triggers {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
        }
        commit(tx).await
    }

    async fn compact(&self) -> Stored<()> {
        self.erase().await?;
        sqlx::query("VACUUM").execute(self.writing()).await?;
        self.erase().await
    }
}

#[cfg(test)]
mod tests {
    use crate::{Database, EnvKey, Integration, Key, KeySource, Provider, TokenSet};
    use chrono::Utc;
    use roundtrip_core::ids::ConnectionId;

    const SECRET: &str = "mara-lindner-4711";

    #[tokio::test]
    async fn nothing_of_what_was_kept_is_left_and_the_database_goes_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = KeySource::with_provider(EnvKey::fixed(Key::new([7; 32])));
        let database = Database::open(dir.path(), keys.clone(), Utc::now())
            .await
            .expect("a fresh database");
        let mut account = Integration::new(Provider::Google, SECRET);
        account.email = Some(format!("{SECRET}@example.org"));
        let tokens = TokenSet {
            access: SECRET.into(),
            refresh: None,
            expires_at: None,
            scopes: Vec::new(),
        };
        let now = Utc::now();
        database
            .integrations()
            .put_with_tokens(&account, &tokens, now)
            .await
            .expect("kept");
        database.put_setting("theme", &SECRET).await.expect("kept");
        let connection = ConnectionId::new(SECRET);
        database
            .audit(
                Some(&connection),
                "sign_in",
                &serde_json::json!({ "a": SECRET }),
                now,
            )
            .await
            .expect("kept");
        std::fs::write(dir.path().join("roundtrip.damaged-20260101T000000Z.db"), SECRET).expect("written");
        let before = crate::device_id(dir.path(), &keys).await.expect("an id");

        assert!(database.wipe().await.expect("wiped"));

        for found in std::fs::read_dir(dir.path()).expect("the folder") {
            let path = found.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a file");
            let secret = SECRET.as_bytes();
            assert!(
                !bytes.windows(secret.len()).any(|part| part == secret),
                "{}",
                path.display()
            );
        }
        assert!(database.integrations().list().await.expect("read").is_empty());
        assert!(database.audit_log(10).await.expect("read").is_empty());
        assert_eq!(database.setting::<String>("theme").await.expect("read"), None);
        assert_ne!(crate::device_id(dir.path(), &keys).await.expect("an id"), before);

        // It goes on as fresh, and the audit log defends itself as before.
        database
            .integrations()
            .put_with_tokens(&account, &tokens, now)
            .await
            .expect("kept");
        database
            .audit(None, "sign_in", &serde_json::json!({}), now)
            .await
            .expect("kept");
        assert!(
            sqlx::query("DELETE FROM audit_log")
                .execute(database.writing())
                .await
                .is_err()
        );
        database.close().await;
        Database::open(dir.path(), keys, Utc::now())
            .await
            .expect("opens again");
    }
}
