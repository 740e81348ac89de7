//! The life of the key: it is replaced, the power goes in the middle of that, it is locked away, it is lost.

use crate::common;

use common::*;
use roundtrip_core::ids::AppointmentId;
use roundtrip_engine::ledger::{Change, Ledger};
use roundtrip_store::{
    AuditEntry, Database, EnvKey, Integration, IntegrationError, Key, KeyError, KeyKind, KeyProvider,
    KeySource, Provider, Rotated, TokenError, TokenSet,
};
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::tempdir;

/// A keychain that can be locked, and that copies the data folder aside at each moment of a rotation: what a power cut
/// at that moment would leave.
#[derive(Clone, Default)]
struct Keychain {
    keys: Arc<Mutex<HashMap<u32, Key>>>,
    locked: Arc<AtomicBool>,
    removes_nothing: Arc<AtomicBool>,
    copy: Arc<Mutex<Option<(PathBuf, PathBuf)>>>,
}

impl Keychain {
    fn copy_to(&self, from: &Path, to: &Path) {
        *self.copy.lock().expect("copy") = Some((from.to_owned(), to.to_owned()));
    }
    fn copy_as(&self, name: &str) {
        if let Some((from, to)) = &*self.copy.lock().expect("copy") {
            let to = to.join(name);
            std::fs::create_dir_all(&to).expect("folder");
            #[cfg(unix)]
            std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o700))
                .expect("rights");
            for found in std::fs::read_dir(from).expect("the data folder") {
                let path = found.expect("entry").path();
                if path.is_file() {
                    std::fs::copy(&path, to.join(path.file_name().expect("name"))).expect("copied");
                }
            }
        }
    }
}

impl KeyProvider for Keychain {
    fn kind(&self) -> KeyKind {
        KeyKind::Keychain
    }
    fn key(&self, version: u32) -> Result<Key, KeyError> {
        if self.locked.load(Ordering::SeqCst) {
            return Err(KeyError::Locked);
        }
        let key = self
            .keys
            .lock()
            .expect("keys")
            .entry(version)
            .or_insert_with(|| Key::random().expect("randomness"))
            .clone();
        self.copy_as(&format!("asked for {version}"));
        Ok(key)
    }
    fn forget(&self, version: u32) -> Result<(), KeyError> {
        self.copy_as("before forgetting");
        if self.removes_nothing.load(Ordering::SeqCst) {
            return Err(KeyError::Locked);
        }
        self.keys.lock().expect("keys").remove(&version);
        Ok(())
    }
}

fn tokens(mark: &str) -> TokenSet {
    TokenSet {
        access: format!("access-{mark}").into(),
        refresh: Some(format!("refresh-{mark}").into()),
        expires_at: Some(now()),
        scopes: vec!["calendar.events".into()],
    }
}

async fn start(dir: &Path, keychain: &Keychain) -> Database {
    Database::open(dir, KeySource::with_provider(keychain.clone()), now())
        .await
        .expect("database opens")
}

async fn sign_in(database: &Database, account: &str, mark: &str) {
    keep_beside(
        database,
        &Integration::new(Provider::Google, account),
        &tokens(mark),
    )
    .await;
}

async fn access(database: &Database, account: &str) -> Result<Option<String>, IntegrationError> {
    let kept = database.integrations().tokens(Provider::Google, account).await?;
    Ok(kept.map(|kept| kept.access.expose_secret().to_owned()))
}

async fn log(database: &Database) -> Vec<(String, serde_json::Value)> {
    let entries: Vec<AuditEntry> = database.audit_log(100).await.expect("the log");
    entries
        .into_iter()
        .rev()
        .map(|entry| (entry.event, entry.details))
        .collect()
}

#[tokio::test]
async fn a_power_cut_at_any_moment_of_a_rotation_loses_no_sign_in() {
    let (dir, aside) = (tempdir().expect("directory"), tempdir().expect("directory"));
    let keychain = Keychain::default();
    let database = start(dir.path(), &keychain).await;
    for account in ["105", "106"] {
        sign_in(&database, account, account).await;
    }
    keychain.copy_to(dir.path(), aside.path());
    let rotated = database.rotate_key(keychain.clone(), now()).await;
    assert_eq!(
        rotated,
        Ok(Rotated {
            sealed: 2,
            lost: 0,
            erased: true
        })
    );
    *keychain.copy.lock().expect("copy") = None;
    // At the moments of the copies both keys were there: the old one goes last.
    let both = keychain.clone();
    both.keys
        .lock()
        .expect("keys")
        .entry(1)
        .or_insert_with(|| Key::new([0; 32]));
    let moments = ["asked for 2", "before forgetting"];
    for moment in moments {
        assert!(
            aside.path().join(moment).join("roundtrip.db").exists(),
            "{moment}"
        );
    }
    // After the commit the old key is not needed any more …
    let after = start(&aside.path().join("before forgetting"), &keychain).await;
    assert_eq!(access(&after, "106").await, Ok(Some("access-106".into())));
    assert!(log(&after).await.iter().any(|(event, _)| event == "key_rotated"));
}

#[tokio::test]
async fn before_the_commit_of_a_rotation_the_old_key_still_opens_everything() {
    let (dir, aside) = (tempdir().expect("directory"), tempdir().expect("directory"));
    let keychain = Keychain::default();
    let database = start(dir.path(), &keychain).await;
    for account in ["105", "106"] {
        sign_in(&database, account, account).await;
    }
    keychain.copy_to(dir.path(), aside.path());
    let old = keychain.keys.lock().expect("keys").clone();
    database
        .rotate_key(keychain.clone(), now())
        .await
        .expect("rotated");

    // The new key is in the keychain, nothing is sealed with it yet: the old one holds, and a second try goes through.
    let crashed = Keychain::default();
    crashed.keys.lock().expect("keys").extend(old);
    let new = keychain
        .keys
        .lock()
        .expect("keys")
        .get(&2)
        .cloned()
        .expect("the new key");
    crashed.keys.lock().expect("keys").insert(2, new);
    let again = start(&aside.path().join("asked for 2"), &crashed).await;
    for account in ["105", "106"] {
        assert_eq!(
            access(&again, account).await,
            Ok(Some(format!("access-{account}")))
        );
    }
    let rotated = again.rotate_key(crashed.clone(), now()).await;
    assert_eq!(
        rotated,
        Ok(Rotated {
            sealed: 2,
            lost: 0,
            erased: true
        })
    );
    assert_eq!(access(&again, "105").await, Ok(Some("access-105".into())));
    assert!(
        !crashed.keys.lock().expect("keys").contains_key(&1),
        "the old key is gone"
    );
}

#[tokio::test]
async fn after_a_rotation_to_another_source_the_new_one_is_in_use_at_once() {
    let dir = tempdir().expect("directory");
    let of = |byte| EnvKey::fixed(Key::new([byte; 32]));
    let database = Database::open(dir.path(), KeySource::with_provider(of(1)), now())
        .await
        .expect("database opens");
    sign_in(&database, "105", "old").await;
    let rotated = database.rotate_key(of(2), now()).await;
    assert_eq!(
        rotated,
        Ok(Rotated {
            sealed: 1,
            lost: 0,
            erased: true
        })
    );
    assert_eq!(access(&database, "105").await, Ok(Some("access-old".into())));
    sign_in(&database, "106", "new").await;
    database.close().await;

    let database = Database::open(dir.path(), KeySource::with_provider(of(2)), now())
        .await
        .expect("database opens");
    assert_eq!(access(&database, "105").await, Ok(Some("access-old".into())));
    assert_eq!(access(&database, "106").await, Ok(Some("access-new".into())));
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_old_key_that_stays_behind_after_a_rotation_is_told_of() {
    for removes_nothing in [true, false] {
        let dir = tempdir().expect("directory");
        let keychain = Keychain::default();
        keychain.removes_nothing.store(removes_nothing, Ordering::SeqCst);
        let database = start(dir.path(), &keychain).await;
        sign_in(&database, "105", "105").await;
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        let rotated = {
            // Whether a place logs at all is asked of all subscribers there are, once there are two; of one alone only by
            // the thread that comes by first.
            let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
            let _logged = tracing::dispatcher::set_default(&tracing::Dispatch::new(subscriber));
            database.rotate_key(keychain.clone(), now()).await
        };
        assert_eq!(
            rotated,
            Ok(Rotated {
                sealed: 1,
                lost: 0,
                erased: true
            })
        );
        let said = String::from_utf8(lines.0.lock().expect("lines").clone()).expect("text");
        assert_eq!(
            said.contains("the old key could not be removed"),
            removes_nothing,
            "{said}"
        );
        assert_eq!(access(&database, "105").await, Ok(Some("access-105".into())));
    }
}

/// A keychain during whose first answer something else happens.
struct Interrupted {
    keychain: Keychain,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl KeyProvider for Interrupted {
    fn kind(&self) -> KeyKind {
        self.keychain.kind()
    }
    fn key(&self, version: u32) -> Result<Key, KeyError> {
        if let Some(happens) = self.meanwhile.lock().expect("meanwhile").take() {
            happens();
        }
        self.keychain.key(version)
    }
    fn forget(&self, version: u32) -> Result<(), KeyError> {
        self.keychain.forget(version)
    }
}

#[tokio::test]
async fn a_rotation_by_another_process_while_tokens_are_read_loses_no_sign_in() {
    let dir = tempdir().expect("directory");
    let keychain = Keychain::default();
    let other = start(dir.path(), &keychain).await;
    sign_in(&other, "105", "105").await;
    let (runtime, rotates) = (tokio::runtime::Handle::current(), keychain.clone());
    let interrupted = Interrupted {
        keychain,
        meanwhile: Mutex::new(Some(Box::new(move || {
            let rotated = runtime.block_on(other.rotate_key(rotates, now()));
            assert_eq!(
                rotated,
                Ok(Rotated {
                    sealed: 1,
                    lost: 0,
                    erased: true
                })
            );
        }))),
    };
    let database = Database::open(dir.path(), KeySource::with_provider(interrupted), now())
        .await
        .expect("database opens");
    assert_eq!(access(&database, "105").await, Ok(Some("access-105".into())));
}

/// The same, but not of the kind for which the system's own keychain is asked to forget its entries, too.
struct NoKeychain(Keychain);

impl KeyProvider for NoKeychain {
    fn kind(&self) -> KeyKind {
        KeyKind::Environment
    }
    fn key(&self, version: u32) -> Result<Key, KeyError> {
        self.0.key(version)
    }
    fn forget(&self, version: u32) -> Result<(), KeyError> {
        self.0.forget(version)
    }
}

#[tokio::test]
async fn deleting_everything_leaves_no_key_and_the_next_sign_in_gets_a_fresh_one() {
    let dir = tempdir().expect("directory");
    let keychain = Keychain::default();
    let keys = KeySource::with_provider(NoKeychain(keychain.clone()));
    let database = Database::open(dir.path(), keys, now())
        .await
        .expect("database opens");
    sign_in(&database, "105", "old").await;
    database
        .rotate_key(NoKeychain(keychain.clone()), now())
        .await
        .expect("rotated");
    assert!(database.wipe().await.expect("emptied").key_removed);
    assert!(keychain.keys.lock().expect("keys").is_empty());

    sign_in(&database, "105", "new").await;
    assert_eq!(keychain.keys.lock().expect("keys").len(), 1);
    assert_eq!(access(&database, "105").await, Ok(Some("access-new".into())));
}

#[tokio::test]
async fn tokens_in_memory_go_with_their_connection_and_no_others_do() {
    let dir = tempdir().expect("directory");
    let database = Database::open(dir.path(), KeySource::memory(), now())
        .await
        .expect("database opens");
    for account in ["105", "106"] {
        sign_in(&database, account, account).await;
    }
    database
        .forget_connection(&connection())
        .await
        .expect("forgotten");
    assert_eq!(access(&database, "105").await, Ok(None));
    assert_eq!(access(&database, "106").await, Ok(Some("access-106".into())));
}

#[tokio::test]
async fn no_sealed_row_opens_in_any_other_place() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let places = [
        (Provider::Google, "105"),
        (Provider::Google, "106"),
        (Provider::Platform, "105"),
        (Provider::Platform, "usr_1"),
    ];
    for (provider, account) in places {
        let mark = format!("{}-{account}", provider.as_str());
        keep_beside(&database, &Integration::new(provider, account), &tokens(&mark)).await;
    }
    let mut raw = raw(dir.path()).await;
    let mut sealed = Vec::new();
    for (provider, account) in places {
        let row: Vec<u8> = sqlx::query_scalar(
            "SELECT tokens FROM user_integrations WHERE provider = ?1 AND account_id = ?2",
        )
        .bind(provider.as_str())
        .bind(account)
        .fetch_one(&mut raw)
        .await
        .expect("sealed");
        sealed.push(row);
    }
    let lost = Err(IntegrationError::Tokens(TokenError::Undecryptable));
    for (at, (provider, account)) in places.into_iter().enumerate() {
        for (of, row) in sealed.iter().enumerate() {
            for version in [1, 2] {
                sqlx::query(
                    "UPDATE user_integrations SET tokens = ?1, key_version = ?2 WHERE provider = ?3 AND account_id = ?4",
                )
                .bind(row)
                .bind(version)
                .bind(provider.as_str())
                .bind(account)
                .execute(&mut raw)
                .await
                .expect("swapped");
                let opened = database
                    .integrations()
                    .tokens(provider, account)
                    .await
                    .map(|kept| kept.map(|kept| kept.access.expose_secret().to_owned()));
                match (at == of, version) {
                    (true, 1) => assert_eq!(
                        opened,
                        Ok(Some(format!("access-{}-{account}", provider.as_str())))
                    ),
                    _ => assert_eq!(opened, lost, "row {of} in place {at}, version {version}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn with_the_key_lost_a_new_sign_in_is_all_that_is_needed() {
    let dir = tempdir().expect("directory");
    let database = start(dir.path(), &Keychain::default()).await;
    sign_in(&database, "105", "old").await;
    let ledger = database.ledger(connection());
    let link = record("apt_1");
    ledger
        .commit(vec![Change::PutRecord(Box::new(link.clone()))])
        .await
        .expect("kept");
    database.put_setting("theme", &"dark").await.expect("kept");
    let before = database.audit_log(100).await.expect("the log").len();
    database.close().await;

    // Another machine's keychain, or one that was reset: the entry is not there, and a fresh key is made.
    let empty = Keychain::default();
    let database = start(dir.path(), &empty).await;
    assert_eq!(
        access(&database, "105").await,
        Err(IntegrationError::Tokens(TokenError::Undecryptable))
    );
    let ledger = database.ledger(connection());
    assert_eq!(ledger.record(&AppointmentId::new("apt_1")).await, Ok(Some(link)));
    assert_eq!(database.setting::<String>("theme").await, Ok(Some("dark".into())));
    assert_eq!(database.integrations().list().await.expect("accounts").len(), 1);
    assert_eq!(database.audit_log(100).await.expect("the log").len(), before);
    sign_in(&database, "105", "new").await;
    assert_eq!(access(&database, "105").await, Ok(Some("access-new".into())));
    database.close().await;
    assert_eq!(
        access(&start(dir.path(), &empty).await, "105").await,
        Ok(Some("access-new".into()))
    );
}

#[tokio::test]
async fn what_becomes_of_the_key_is_in_the_audit_log_once() {
    let dir = tempdir().expect("directory");
    let keychain = Keychain::default();
    keychain.locked.store(true, Ordering::SeqCst);
    let database = start(dir.path(), &keychain).await;
    sign_in(&database, "105", "1").await;
    for round in 0..3 {
        database
            .integrations()
            .put_tokens(Provider::Google, "105", &tokens(&format!("{round}")), now())
            .await
            .expect("in memory");
    }
    let said = serde_json::json!({ "service": "google", "reason": "locked" });
    assert_eq!(log(&database).await, [("key_unavailable".to_owned(), said)]);

    keychain.locked.store(false, Ordering::SeqCst);
    assert_eq!(database.retry_key(now()).await, Ok(KeyKind::Keychain));
    let healed = ("key_available".to_owned(), serde_json::json!({ "sealed": 1 }));
    assert_eq!(log(&database).await.last(), Some(&healed));
    assert_eq!(database.retry_key(now()).await, Ok(KeyKind::Keychain));
    database
        .rotate_key(keychain.clone(), now())
        .await
        .expect("rotated");
    let events: Vec<String> = log(&database).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["key_unavailable", "key_available", "key_rotated"]);
    // Nothing that was sealed is in it, in no form.
    let whole = format!("{:?}", log(&database).await);
    assert!(
        !whole.contains("access-") && !whole.contains("refresh-"),
        "{whole}"
    );
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages_and_takes_no_change() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    for number in 0..7 {
        // A clock that is set back does not reorder the log.
        let at = now() - chrono::TimeDelta::hours(number);
        database
            .audit(None, "settings", &serde_json::json!({ "number": number }), at)
            .await
            .expect("written");
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = database.audit_page(before, 3).await.expect("a page");
        before = page.last().map(|entry| entry.sequence);
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|entry| entry.details["number"].as_i64()));
    }
    assert_eq!(seen, (0..7).rev().map(Some).collect::<Vec<_>>());
    let mut raw = raw(dir.path()).await;
    for change in [
        "UPDATE audit_log SET event = 'nothing'",
        "UPDATE audit_log SET at_us = 0 WHERE sequence = 1",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE sequence = 1",
        "INSERT OR REPLACE INTO audit_log (sequence, at_us, event, details) VALUES (1, 0, 'x', '{}')",
    ] {
        let refused = sqlx::query(change).execute(&mut raw).await;
        assert!(refused.is_err(), "{change}");
    }
    assert_eq!(database.audit_log(100).await.expect("the log").len(), 7);
}
