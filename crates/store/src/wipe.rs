//! Emptying the whole data directory, for "delete everything". The files stay open, so that the app goes on as fresh.

use crate::database::{Database, commit};
use crate::directory;
use crate::error::Stored;
use crate::table::{settings, user_integrations};
use crate::tokens::vault::State;
use roundtrip_engine::ledger::LedgerError;
use sqlx::AssertSqlSafe;

/// Every table of the schema as it is, so that a new one cannot be forgotten.
const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
     AND name <> '_sqlx_migrations'";

/// What emptying the data directory did beside emptying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wiped {
    /// The database's file was written anew without the deleted rows. If not, they were overwritten in place as far as
    /// SQLite does so by itself, and the file keeps its size.
    pub compacted: bool,
    /// The keychain's entries are gone, and with them the key; files put aside and the installation's ids, too.
    pub key_removed: bool,
}

impl Database {
    /// Deletes everything that is kept in this data directory: accounts and their tokens, links, history, settings, the
    /// audit log, files put aside, and the entries in the keychain. Deleted rows are overwritten, and the file is written
    /// anew without them. Once the tables are empty every further step is tried, whatever became of the one before; what
    /// did not work is answered. What a crash leaves of it is for [`Self::finish_wipe`].
    ///
    /// # Errors
    /// If the tables could not be emptied; then nothing is deleted.
    pub async fn wipe(&self) -> Result<Wiped, LedgerError> {
        let mut vault = self.vault().lock().await;
        let key_version = settings::key_version(self.readers()).await?;
        self.empty(key_version).await?;
        Ok(self.remove_the_rest(&mut vault, key_version).await)
    }

    /// Does what is left of a [`Self::wipe`] that a crash ended after the tables were emptied: files put aside, keys and ids would
    /// stay for ever, for nothing else knows of them. Answers whether there was one. Only for the process that has the sync lock,
    /// before anybody signs in.
    ///
    /// # Errors
    /// If it cannot be read whether there is one.
    pub async fn finish_wipe(&self) -> Result<bool, LedgerError> {
        let Some(key_version) = settings::wiping(self.readers()).await? else {
            return Ok(false);
        };
        let mut vault = self.vault().lock().await;
        if user_integrations::list(self.readers()).await?.is_empty() {
            self.remove_the_rest(&mut vault, key_version).await;
        } else {
            // Somebody signed in since: its end could not be kept, and these keys are theirs.
            self.wipe_has_ended().await;
        }
        Ok(true)
    }

    /// Everything outside the tables, and that this is done.
    async fn remove_the_rest(&self, vault: &mut State, key_version: u32) -> Wiped {
        let compacted = match self.compact().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(error = %LedgerError::from(error), "the emptied database could not be written anew");
                false
            }
        };
        let put_aside = self.delete_put_aside(None).await;
        if let Err(error) = &put_aside {
            tracing::warn!(%error, "files put aside could not be removed");
        }
        let provider = vault.forget();
        let dir = self.dir().to_owned();
        let key_removed = directory::blocking(move || {
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
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "the ids of this installation could not be removed");
            false
        });
        self.wipe_has_ended().await;
        Wiped {
            compacted,
            key_removed: key_removed && put_aside.is_ok(),
        }
    }

    /// What did not work is answered once and not tried at each start: somebody may have signed in by then.
    async fn wipe_has_ended(&self) {
        let ended = async {
            let mut tx = self.begin().await?;
            settings::remember_wiping(&mut tx, None).await?;
            commit(tx).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(error = %LedgerError::from(error), "the end of emptying the data folder could not be kept");
        }
    }

    /// In the same transaction it is kept that the rest is still to be removed.
    async fn empty(&self, key_version: u32) -> Stored<()> {
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
        let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut *tx).await?;
        // All of them go, so who refers to whom matters only at the end.
        sqlx::query("PRAGMA defer_foreign_keys = ON")
            .execute(&mut *tx)
            .await?;
        for table in tables {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM \"{table}\"")))
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM sqlite_sequence")
            .execute(&mut *tx)
            .await?;
        for (_, sql) in triggers {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
        }
        settings::remember_wiping(&mut tx, Some(key_version)).await?;
        commit(tx).await
    }

    async fn compact(&self) -> Stored<()> {
        sqlx::query("VACUUM").execute(self.writing()).await?;
        self.erase().await
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Database, EnvKey, Integration, Key, KeyError, KeyKind, KeyProvider, KeySource, Provider, TokenSet,
    };
    use chrono::Utc;
    use roundtrip_core::ids::ConnectionId;
    use sqlx::AssertSqlSafe;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

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
        let marked = serde_json::json!({ "step": { "kind": "dismissed" }, "title": SECRET });
        sqlx::query("INSERT INTO calendar_sync_marked (connection, event_id, document) VALUES (?, ?, ?)")
            .bind(SECRET)
            .bind(SECRET)
            .bind(marked.to_string())
            .execute(database.writing())
            .await
            .expect("kept");
        let before = crate::device_id(dir.path(), &keys).await.expect("an id");

        let wiped = database.wipe().await.expect("wiped");
        assert_eq!((wiped.compacted, wiped.key_removed), (true, true));

        let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .fetch_all(database.writing())
            .await
            .expect("read");
        assert!(tables.iter().any(|table| table == "calendar_sync_marked"));
        for table in tables.iter().filter(|table| *table != "_sqlx_migrations") {
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM \"{table}\"")))
                .fetch_one(database.writing())
                .await
                .expect("read");
            assert_eq!(rows, 0, "{table}");
        }

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

    /// Counts the keys that are forgotten.
    struct Keys(Arc<AtomicU32>);

    impl KeyProvider for Keys {
        fn kind(&self) -> KeyKind {
            KeyKind::Environment
        }
        fn key(&self, _: u32) -> Result<Key, KeyError> {
            Ok(Key::new([7; 32]))
        }
        fn forget(&self, _: u32) -> Result<(), KeyError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_a_crash_leaves_of_it_is_removed_at_the_next_start() {
        for signed_in_since in [false, true] {
            let dir = tempfile::tempdir().expect("a folder");
            let forgotten = Arc::new(AtomicU32::new(0));
            let open = async || {
                let keys = KeySource::with_provider(Keys(Arc::clone(&forgotten)));
                let database = Database::open(dir.path(), keys, Utc::now()).await;
                database.expect("a database")
            };
            let database = open().await;
            database.put_setting("theme", &SECRET).await.expect("kept");
            let aside = dir.path().join("roundtrip.damaged-20260101T000000Z.db");
            std::fs::write(&aside, SECRET).expect("written");
            assert_eq!(database.finish_wipe().await, Ok(false), "nothing was begun");
            // The power goes right after the tables are empty. Three keys had been in use.
            database.empty(3).await.expect("emptied");
            if signed_in_since {
                let account = Integration::new(Provider::Google, "105");
                let kept = database.integrations().put(&account, Utc::now()).await;
                kept.expect("kept");
            }
            database.close().await;

            let database = open().await;
            assert_eq!(database.put_aside().await, Ok(None), "damage is no news here");
            assert!(aside.exists());
            assert_eq!(database.finish_wipe().await, Ok(true));
            assert_eq!(aside.exists(), signed_in_since);
            let keys = if signed_in_since { 0 } else { 3 };
            assert_eq!(forgotten.load(Ordering::SeqCst), keys);
            assert_eq!(database.finish_wipe().await, Ok(false), "once");
            database.close().await;
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_anew_keeps_no_key_alive() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = KeySource::with_provider(EnvKey::fixed(Key::new([7; 32])));
        let database = Database::open(dir.path(), keys.clone(), Utc::now())
            .await
            .expect("a fresh database");
        database.put_setting("theme", &SECRET).await.expect("kept");
        let aside = dir.path().join("roundtrip.damaged-20260101T000000Z.db");
        std::fs::write(&aside, SECRET).expect("written");
        let before = crate::device_id(dir.path(), &keys).await.expect("an id");
        // The test need not wait for what will not come.
        sqlx::query("PRAGMA busy_timeout = 0")
            .execute(database.writing())
            .await
            .expect("set");
        // Somebody is reading all the while, so the old pages stay in the write-ahead log.
        let mut reading = database.readers().begin().await.expect("begun");
        let read: i64 = sqlx::query_scalar("SELECT count(*) FROM settings")
            .fetch_one(&mut *reading)
            .await
            .expect("read");
        assert_eq!(read, 1);

        let wiped = database.wipe().await.expect("emptied");

        assert_eq!((wiped.compacted, wiped.key_removed), (false, true));
        drop(reading);
        assert!(!aside.exists());
        assert_ne!(crate::device_id(dir.path(), &keys).await.expect("an id"), before);
        assert_eq!(database.setting::<String>("theme").await.expect("read"), None);
    }
}
