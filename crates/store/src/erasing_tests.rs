//! Deleted bytes while another process reads: they are erased, or it is said that they are not.

use crate::{
    Database, EnvKey, Integration, IntegrationError, IntegrationStatus, Key, KeySource, Provider, TokenSet,
};
use chrono::{DateTime, Utc};
use roundtrip_engine::ledger::LedgerError;
use sqlx::{Sqlite, Transaction};
use std::path::Path;

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn keys() -> KeySource {
    KeySource::with_provider(EnvKey::fixed(Key::new([7; 32])))
}

async fn open(dir: &Path) -> Database {
    Database::open(dir, keys(), now()).await.expect("a database")
}

/// Accounts with tokens, and what their rows hold of them.
async fn signed_in(database: &Database, accounts: &[&str]) -> Vec<Vec<u8>> {
    for account in accounts {
        let tokens = TokenSet {
            access: format!("access of {account}").into(),
            refresh: None,
            expires_at: None,
            scopes: Vec::new(),
        };
        let account = Integration::new(Provider::Google, *account);
        let accounts = database.integrations();
        accounts.put(&account, now()).await.expect("kept");
        let kept = accounts.put_tokens(Provider::Google, &account.account_id, &tokens, now());
        kept.await.expect("kept");
    }
    // The test need not wait for what will not come.
    sqlx::query("PRAGMA busy_timeout = 0")
        .execute(database.writing())
        .await
        .expect("set");
    sqlx::query_scalar("SELECT tokens FROM user_integrations ORDER BY account_id")
        .fetch_all(database.readers())
        .await
        .expect("sealed")
}

/// Somebody who reads from now on until it is dropped: as another process would, with a handle of their own.
async fn reading(other: &Database) -> Transaction<'static, Sqlite> {
    let mut reading = other.readers().begin().await.expect("begun");
    let _: i64 = sqlx::query_scalar("SELECT count(*) FROM user_integrations")
        .fetch_one(&mut *reading)
        .await
        .expect("read");
    reading
}

async fn no_longer(reading: Transaction<'static, Sqlite>) {
    reading.rollback().await.expect("read to the end");
}

fn lies_on_the_disk(dir: &Path, needle: &[u8]) -> bool {
    let files = std::fs::read_dir(dir).expect("the folder").flatten();
    files
        .map(|file| std::fs::read(file.path()).expect("a file"))
        .any(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
}

fn not_erased<T: std::fmt::Debug>(answer: Result<T, LedgerError>) -> bool {
    matches!(answer, Err(LedgerError::Unavailable(_)))
}

#[tokio::test]
async fn tokens_are_called_erased_only_once_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let (database, other) = (open(dir.path()).await, open(dir.path()).await);
    let sealed = signed_in(&database, &["105", "106", "107"]).await;
    let accounts = database.integrations();
    let revoke = || accounts.update_status(Provider::Google, "105", IntegrationStatus::Revoked, now());
    let connection = Integration::new(Provider::Google, "107").connection();

    let reader = reading(&other).await;
    assert!(matches!(
        revoke().await,
        Err(IntegrationError::Ledger(LedgerError::Unavailable(_)))
    ));
    assert!(not_erased(accounts.delete(Provider::Google, "106").await));
    assert!(not_erased(database.forget_connection(&connection).await));
    // It is true: no row holds them, and the disk does.
    for account in ["105", "106", "107"] {
        let kept = accounts.tokens(Provider::Google, account).await.expect("read");
        assert!(kept.is_none(), "{account}");
    }
    assert!(sealed.iter().all(|sealed| lies_on_the_disk(dir.path(), sealed)));

    no_longer(reader).await;
    revoke().await.expect("erased now");
    assert!(!sealed.iter().any(|sealed| lies_on_the_disk(dir.path(), sealed)));
    assert_eq!(database.forget_connection(&connection).await, Ok(()));
}

#[tokio::test]
async fn a_grant_that_has_ended_has_ended_while_somebody_reads() {
    let dir = tempfile::tempdir().expect("a folder");
    let (database, other) = (open(dir.path()).await, open(dir.path()).await);
    let sealed = signed_in(&database, &["105"]).await;
    let accounts = database.integrations();

    let reader = reading(&other).await;
    let ended = accounts.grant_has_ended(Provider::Google, "105", now());
    ended.await.expect("it is written down");
    let account = accounts.get(Provider::Google, "105").await.expect("read");
    assert_eq!(account.map(|it| it.status), Some(IntegrationStatus::Revoked));
    assert!(lies_on_the_disk(dir.path(), &sealed[0]), "that is owed");
    no_longer(reader).await;
    database.retention(now()).await.expect("and made good");
    assert!(!lies_on_the_disk(dir.path(), &sealed[0]));
}

#[tokio::test]
async fn an_account_whose_tokens_were_erased_is_deleted_while_somebody_reads() {
    let dir = tempfile::tempdir().expect("a folder");
    let (database, other) = (open(dir.path()).await, open(dir.path()).await);
    signed_in(&database, &["105"]).await;
    let accounts = database.integrations();
    let revoked = accounts.update_status(Provider::Google, "105", IntegrationStatus::Revoked, now());
    revoked.await.expect("erased");

    let reader = reading(&other).await;
    assert_eq!(accounts.delete(Provider::Google, "105").await, Ok(true));
    no_longer(reader).await;
}

#[tokio::test]
async fn what_could_not_be_erased_is_erased_with_what_is_old() {
    let dir = tempfile::tempdir().expect("a folder");
    let (database, other) = (open(dir.path()).await, open(dir.path()).await);
    let sealed = signed_in(&database, &["105"]).await;

    let reader = reading(&other).await;
    assert!(not_erased(
        database.integrations().delete(Provider::Google, "105").await
    ));
    database.retention(now()).await.expect("it goes on without");
    assert!(lies_on_the_disk(dir.path(), &sealed[0]));
    no_longer(reader).await;
    database.retention(now()).await.expect("and with it");
    assert!(!lies_on_the_disk(dir.path(), &sealed[0]));
}

#[tokio::test]
async fn a_rotation_that_cannot_erase_is_a_rotation_all_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let (database, other) = (open(dir.path()).await, open(dir.path()).await);
    let sealed = signed_in(&database, &["105"]).await;

    let reader = reading(&other).await;
    let next = EnvKey::fixed(Key::new([8; 32]));
    let rotated = database.rotate_key(next, now()).await.expect("rotated");
    assert_eq!((rotated.sealed, rotated.lost, rotated.erased), (1, 0, false));
    assert!(lies_on_the_disk(dir.path(), &sealed[0]));
    let log = database.audit_log(10).await.expect("the log");
    let said: Vec<_> = log.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(said, ["not_erased", "key_rotated"], "the newest first");
    let accounts = database.integrations();
    let kept = accounts.tokens(Provider::Google, "105").await;
    assert!(kept.expect("opened with the new key").is_some());
    no_longer(reader).await;
}
