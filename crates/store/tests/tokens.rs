//! Tokens: sealed on the disk, bound to their place, and what happens without a key.

use crate::common;

use common::*;
use roundtrip_engine::ledger::Ledger;
use roundtrip_store::{
    Database, EnvKey, Integration, IntegrationError, IntegrationStatus, Key, KeyError, KeyKind, KeyProvider,
    KeySource, Provider, Rotated, TokenError, TokenSet,
};
use secrecy::ExposeSecret;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tempfile::tempdir;

const ACCESS: &str = "ya29.CANARY-access-1f3870be274f6c49";
const REFRESH: &str = "1//CANARY-refresh-b3e31a0c88dbef";

fn tokens(mark: &str) -> TokenSet {
    TokenSet {
        access: format!("{ACCESS}{mark}").into(),
        refresh: Some(format!("{REFRESH}{mark}").into()),
        expires_at: Some(now()),
        scopes: vec!["openid".into()],
    }
}

fn google(account_id: &str) -> Integration {
    Integration {
        email: Some("trainer@example.org".into()),
        display_name: Some("Trainer".into()),
        scopes: vec!["openid".into(), "email".into()],
        extra: serde_json::json!({ "calendar": "primary" }),
        ..Integration::new(Provider::Google, account_id)
    }
}

async fn open_with(dir: &Path, keys: KeySource) -> Database {
    Database::open(dir, keys, now()).await.expect("database opens")
}

async fn access(database: &Database, account_id: &str) -> Result<Option<String>, IntegrationError> {
    let tokens = database
        .integrations()
        .tokens(Provider::Google, account_id)
        .await?;
    Ok(tokens.map(|tokens| tokens.access.expose_secret().to_owned()))
}

fn undecryptable() -> Result<Option<String>, IntegrationError> {
    Err(IntegrationError::Tokens(TokenError::Undecryptable))
}

/// A keychain that can be locked, keeps a key per version, and counts how often it is asked.
#[derive(Clone, Default)]
struct Keychain {
    locked: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
    forgotten: Arc<AtomicU32>,
}

impl KeyProvider for Keychain {
    fn kind(&self) -> KeyKind {
        KeyKind::Keychain
    }
    fn key(&self, version: u32) -> Result<Key, KeyError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.locked.load(Ordering::SeqCst) {
            true => Err(KeyError::Locked),
            false => Ok(Key::new([u8::try_from(version).expect("a small version"); 32])),
        }
    }
    fn forget(&self, version: u32) -> Result<(), KeyError> {
        self.forgotten.store(version, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn accounts_are_kept_with_their_tokens() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let accounts = database.integrations();
    let platform = Integration {
        extra: serde_json::json!({ "url": "https://platform.example", "name": "Platform" }),
        ..Integration::new(Provider::Platform, "t-1")
    };
    accounts.put(&platform, now()).await.expect("put");
    accounts
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    database.close().await;

    let database = open(dir.path()).await;
    let accounts = database.integrations();
    assert_eq!(
        accounts.get(Provider::Google, "105").await,
        Ok(Some(google("105")))
    );
    assert_eq!(accounts.get(Provider::Platform, "105").await, Ok(None));
    let mut all = accounts.list().await.expect("list");
    all.sort_by_key(|account| account.provider);
    assert_eq!(all, [platform, google("105")]);
    assert_eq!(google("105").connection(), connection());
    let back = accounts
        .tokens(Provider::Google, "105")
        .await
        .expect("tokens")
        .expect("some");
    assert_eq!(back.access.expose_secret(), ACCESS);
    assert_eq!(back.refresh.expect("refresh").expose_secret(), REFRESH);
    assert_eq!(
        (back.expires_at, back.scopes),
        (Some(now()), vec!["openid".to_owned()])
    );
    assert!(
        accounts
            .tokens(Provider::Platform, "t-1")
            .await
            .expect("tokens")
            .is_none()
    );

    accounts.put(&google("105"), now()).await.expect("put");
    assert_eq!(
        access(&database, "105").await,
        Ok(Some(ACCESS.into())),
        "put leaves tokens alone"
    );
    let nobody = accounts
        .put_tokens(Provider::Google, "999", &tokens(""), now())
        .await;
    assert_eq!(nobody, Err(IntegrationError::NoSuchAccount));
}

#[tokio::test]
async fn what_else_is_kept_of_an_account_is_written_only_where_that_account_is_as_it_was_seen() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let accounts = database.integrations();
    let of = |issuer: &str, me: &str| serde_json::json!({ "issuer": issuer, "me": me });
    let signed_in = |id: &str, issuer: &str| Integration {
        extra: of(issuer, "before"),
        ..Integration::new(Provider::Platform, id)
    };
    let (first, second) = (signed_in("t-1", "one"), signed_in("t-2", "one"));
    for account in [&first, &second] {
        accounts
            .put_with_tokens(account, &tokens(""), now())
            .await
            .expect("signed in");
    }
    // The other account has taken its place: it does not come back without its tokens.
    let kept = accounts.replace_extra(&first, &of("one", "after"), now()).await;
    assert_eq!(kept, Ok(false));
    assert_eq!(accounts.list().await, Ok(vec![second.clone()]));

    // A sign-in is lost meanwhile: that is not taken back.
    let lost = IntegrationStatus::NeedsReauth;
    accounts
        .update_status(Provider::Platform, "t-2", lost, now())
        .await
        .expect("written");
    let kept = accounts.replace_extra(&second, &of("one", "after"), now()).await;
    assert_eq!(kept, Ok(true));
    let known = accounts.get(Provider::Platform, "t-2").await.expect("read");
    let known = known.expect("an account");
    assert_eq!((known.status, &known.extra), (lost, &of("one", "after")));

    // The same trainer at another platform since.
    let elsewhere = signed_in("t-2", "two");
    accounts
        .put_with_tokens(&elsewhere, &tokens(""), now())
        .await
        .expect("signed in");
    let kept = accounts.replace_extra(&known, &of("one", "again"), now()).await;
    assert_eq!(kept, Ok(false));
    assert_eq!(accounts.list().await, Ok(vec![elsewhere]));
}

#[tokio::test]
async fn the_status_says_what_follows_from_it() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let accounts = database.integrations();
    accounts
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    let set = async |status| {
        accounts
            .update_status(Provider::Google, "105", status, now())
            .await
            .expect("status");
        accounts
            .get(Provider::Google, "105")
            .await
            .expect("get")
            .expect("account")
    };
    assert_eq!(set(IntegrationStatus::Error).await.error_count, 1);
    assert_eq!(set(IntegrationStatus::Error).await.error_count, 2);
    assert_eq!(set(IntegrationStatus::NeedsReauth).await.error_count, 2);
    assert_eq!(set(IntegrationStatus::Active).await.error_count, 0);
    assert_eq!(access(&database, "105").await, Ok(Some(ACCESS.into())));
    assert_eq!(set(IntegrationStatus::Revoked).await.revoked_at, Some(now()));
    assert_eq!(
        access(&database, "105").await,
        Ok(None),
        "revoked tokens are gone"
    );
    assert_eq!(set(IntegrationStatus::Active).await.revoked_at, None);
    let nobody = accounts
        .update_status(Provider::Google, "999", IntegrationStatus::Error, now())
        .await;
    assert_eq!(nobody, Err(IntegrationError::NoSuchAccount));
}

#[tokio::test]
async fn no_token_lies_in_any_file() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let accounts = database.integrations();
    accounts
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    for round in 0..5 {
        let next = tokens(&format!("-{round}"));
        accounts
            .put_tokens(Provider::Google, "105", &next, now())
            .await
            .expect("refreshed");
    }
    let scan = |when: &str| {
        let files = all_bytes(dir.path());
        for (name, bytes) in &files {
            assert!(!contains(bytes, b"CANARY"), "{name} {when}");
            assert!(!contains(bytes, b"Q0FOQVJZ"), "{name} in base64 {when}");
        }
        let of_account = files
            .iter()
            .any(|(_, bytes)| contains(bytes, b"trainer@example.org"));
        assert!(of_account, "the scan sees what is plain, {when}");
    };
    scan("while open");
    database.close().await;
    scan("after closing");
}

#[tokio::test]
async fn deleted_and_revoked_tokens_are_gone_from_the_disk_even_sealed() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let accounts = database.integrations();
    for account_id in ["105", "106", "107"] {
        keep_beside(&database, &google(account_id), &tokens("")).await;
    }
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar("SELECT tokens FROM user_integrations ORDER BY account_id")
        .fetch_all(&mut raw(dir.path()).await)
        .await
        .expect("sealed");
    let on_disk = |needle: &[u8]| {
        all_bytes(dir.path())
            .iter()
            .any(|(_, bytes)| contains(bytes, needle))
    };
    assert!(sealed.iter().all(|sealed| on_disk(sealed)));
    assert_eq!(accounts.delete(Provider::Google, "105").await, Ok(true));
    assert_eq!(accounts.delete(Provider::Google, "105").await, Ok(false));
    accounts
        .update_status(Provider::Google, "106", IntegrationStatus::Revoked, now())
        .await
        .expect("revoked");
    database
        .forget_connection(&google("107").connection())
        .await
        .expect("forgotten");
    assert!(!sealed.iter().any(|sealed| on_disk(sealed)));
}

#[tokio::test]
async fn whoever_signs_in_is_the_only_account_of_that_service_from_then_on() {
    for keys in [fixed_key(), KeySource::memory()] {
        let dir = tempdir().expect("directory");
        let database = open_with(dir.path(), keys).await;
        let accounts = database.integrations();
        let platform = Integration::new(Provider::Platform, "105");
        let later = now() + chrono::TimeDelta::days(1);
        for account in [&platform, &google("105"), &google("106")] {
            keep_beside(&database, account, &tokens("-before")).await;
        }
        let sealed: Vec<Option<Vec<u8>>> =
            sqlx::query_scalar("SELECT tokens FROM user_integrations WHERE provider = 'google'")
                .fetch_all(&mut raw(dir.path()).await)
                .await
                .expect("sealed");
        // A clock that was set back puts it before the others; that must not matter.
        accounts.put(&google("108"), later).await.expect("put");
        accounts
            .put_with_tokens(&google("107"), &tokens("-new"), now())
            .await
            .expect("signed in");

        let mut kept = accounts.list().await.expect("list");
        kept.sort_by_key(|account| account.provider);
        assert_eq!(kept, [platform, google("107")]);
        assert_eq!(access(&database, "107").await, Ok(Some(format!("{ACCESS}-new"))));
        for before in ["105", "106", "108"] {
            assert_eq!(access(&database, before).await, Ok(None), "{before}");
        }
        let of_platform = accounts.tokens(Provider::Platform, "105").await;
        assert!(of_platform.expect("tokens").is_some(), "the other service's stay");
        for sealed in sealed.iter().flatten() {
            let found = all_bytes(dir.path());
            assert!(!found.iter().any(|(_, bytes)| contains(bytes, sealed)));
        }
    }
}

#[tokio::test]
async fn a_row_does_not_open_in_the_place_of_another() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    for account_id in ["105", "106"] {
        keep_beside(&database, &google(account_id), &tokens(account_id)).await;
    }
    let mut raw = raw(dir.path()).await;
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar("SELECT tokens FROM user_integrations ORDER BY account_id")
        .fetch_all(&mut raw)
        .await
        .expect("sealed");
    for (account_id, of_other) in [("105", &sealed[1]), ("106", &sealed[0])] {
        sqlx::query("UPDATE user_integrations SET tokens = ?1 WHERE account_id = ?2")
            .bind(of_other)
            .bind(account_id)
            .execute(&mut raw)
            .await
            .expect("swapped");
    }
    for account_id in ["105", "106"] {
        assert_eq!(access(&database, account_id).await, undecryptable());
    }
}

#[tokio::test]
async fn a_changed_bit_is_an_error_and_nothing_else_is_lost() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    database
        .integrations()
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    let mut raw = raw(dir.path()).await;
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT tokens FROM user_integrations")
        .fetch_one(&mut raw)
        .await
        .expect("sealed");
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 0x10;
        sqlx::query("UPDATE user_integrations SET tokens = ?1")
            .bind(changed)
            .execute(&mut raw)
            .await
            .expect("changed");
        assert_eq!(access(&database, "105").await, undecryptable(), "byte {index}");
    }
    assert_eq!(
        database.integrations().get(Provider::Google, "105").await,
        Ok(Some(google("105")))
    );
    assert!(database.ledger(connection()).records().await.is_ok());
}

#[tokio::test]
async fn another_key_is_told_apart_and_a_new_sign_in_heals_it() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    database
        .integrations()
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    database.close().await;
    let other = || KeySource::with_provider(EnvKey::fixed(Key::new([8; 32])));
    let database = open_with(dir.path(), other()).await;
    assert_eq!(access(&database, "105").await, undecryptable());
    database
        .integrations()
        .put_with_tokens(&google("105"), &tokens("-new"), now())
        .await
        .expect("put");
    assert_eq!(access(&database, "105").await, Ok(Some(format!("{ACCESS}-new"))));
}

#[tokio::test]
async fn rotation_seals_everything_anew_and_forgets_the_old_key() {
    let dir = tempdir().expect("directory");
    let keychain = Keychain::default();
    let database = open_with(dir.path(), KeySource::with_provider(keychain.clone())).await;
    let accounts = database.integrations();
    for account_id in ["105", "106", "107"] {
        keep_beside(&database, &google(account_id), &tokens(account_id)).await;
    }
    let sealed_now = async || -> Vec<(i64, Vec<u8>)> {
        sqlx::query_as(
            "SELECT key_version, tokens FROM user_integrations WHERE tokens IS NOT NULL ORDER BY account_id",
        )
        .fetch_all(&mut raw(dir.path()).await)
        .await
        .expect("sealed")
    };
    sqlx::query("UPDATE user_integrations SET tokens = x'01' WHERE account_id = '107'")
        .execute(&mut raw(dir.path()).await)
        .await
        .expect("spoiled");
    let before = sealed_now().await;

    assert_eq!(
        database.rotate_key(keychain.clone(), now()).await,
        Ok(Rotated {
            sealed: 2,
            lost: 1,
            erased: true
        })
    );
    let after = sealed_now().await;
    assert_eq!(
        after.iter().map(|(version, _)| *version).collect::<Vec<_>>(),
        [2, 2]
    );
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|((_, before), (_, after))| before != after)
    );
    assert_eq!(keychain.forgotten.load(Ordering::SeqCst), 1);
    for (_, old) in &before[..2] {
        assert!(
            !all_bytes(dir.path())
                .iter()
                .any(|(_, bytes)| contains(bytes, old)),
            "sealed with the old key"
        );
    }
    let lost = accounts
        .get(Provider::Google, "107")
        .await
        .expect("get")
        .expect("account");
    assert_eq!(lost.status, IntegrationStatus::NeedsReauth);
    assert_eq!(access(&database, "105").await, Ok(Some(format!("{ACCESS}105"))));

    // After a restart too, and new tokens are sealed with the new key.
    database.close().await;
    let database = open_with(dir.path(), KeySource::with_provider(keychain)).await;
    assert_eq!(access(&database, "106").await, Ok(Some(format!("{ACCESS}106"))));
    database
        .integrations()
        .put_tokens(Provider::Google, "105", &tokens("-2"), now())
        .await
        .expect("put");
    assert_eq!(sealed_now().await[0].0, 2);
    assert_eq!(access(&database, "105").await, Ok(Some(format!("{ACCESS}-2"))));
}

#[tokio::test]
async fn a_rotation_that_fails_leaves_the_old_key_in_force() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    database
        .integrations()
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    let fail = "CREATE TRIGGER fail BEFORE INSERT ON settings BEGIN SELECT RAISE(ABORT, 'fail'); END";
    sqlx::query(fail)
        .execute(&mut raw(dir.path()).await)
        .await
        .expect("trigger");
    let next = Keychain::default();
    assert!(matches!(
        database.rotate_key(next.clone(), now()).await,
        Err(IntegrationError::Ledger(_))
    ));
    assert_eq!(access(&database, "105").await, Ok(Some(ACCESS.into())));
    let locked = Keychain {
        locked: Arc::new(AtomicBool::new(true)),
        ..next
    };
    let refused = database.rotate_key(locked, now()).await;
    assert_eq!(
        refused,
        Err(IntegrationError::Tokens(TokenError::KeyUnavailable(
            KeyError::Locked
        )))
    );
    database.close().await;
    assert_eq!(
        access(&open(dir.path()).await, "105").await,
        Ok(Some(ACCESS.into()))
    );
}

#[tokio::test]
async fn without_a_key_tokens_live_in_memory_only() {
    let dir = tempdir().expect("directory");
    let database = open_with(dir.path(), KeySource::memory()).await;
    assert_eq!(
        database.tokens_are_volatile().await,
        Ok(Some(KeyError::MemoryOnly))
    );
    assert_eq!(database.key_kind().await, Ok(KeyKind::Memory));
    database
        .integrations()
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    assert_eq!(access(&database, "105").await, Ok(Some(ACCESS.into())));
    let stored: Option<Vec<u8>> = sqlx::query_scalar("SELECT tokens FROM user_integrations")
        .fetch_one(&mut raw(dir.path()).await)
        .await
        .expect("row");
    assert_eq!(stored, None);
    assert!(
        !all_bytes(dir.path())
            .iter()
            .any(|(_, bytes)| contains(bytes, b"CANARY"))
    );
    database
        .integrations()
        .update_status(Provider::Google, "105", IntegrationStatus::Revoked, now())
        .await
        .expect("set");
    assert_eq!(access(&database, "105").await, Ok(None));
    database
        .integrations()
        .put_tokens(Provider::Google, "105", &tokens(""), now())
        .await
        .expect("put");
    database.close().await;

    let database = open_with(dir.path(), KeySource::memory()).await;
    assert_eq!(access(&database, "105").await, Ok(None), "gone with the process");
    assert_eq!(
        database.integrations().list().await.expect("list").len(),
        1,
        "the account itself is kept"
    );
}

#[tokio::test]
async fn a_locked_keychain_hides_tokens_until_it_is_asked_again() {
    let dir = tempdir().expect("directory");
    let keychain = Keychain::default();
    let database = open_with(dir.path(), KeySource::with_provider(keychain.clone())).await;
    assert_eq!(database.tokens_are_volatile().await, Ok(None));
    for account_id in ["105", "106"] {
        keep_beside(&database, &google(account_id), &tokens(account_id)).await;
    }
    database.close().await;

    keychain.locked.store(true, Ordering::SeqCst);
    keychain.asked.store(0, Ordering::SeqCst);
    let database = open_with(dir.path(), KeySource::with_provider(keychain.clone())).await;
    assert_eq!(
        keychain.asked.load(Ordering::SeqCst),
        0,
        "opening alone asks for nothing"
    );
    assert_eq!(database.tokens_known_volatile(), None, "nothing is known yet");
    assert_eq!(
        keychain.asked.load(Ordering::SeqCst),
        0,
        "nor does whoever shows what is known"
    );
    let hidden = Err(IntegrationError::Tokens(TokenError::KeyUnavailable(
        KeyError::Locked,
    )));
    assert_eq!(access(&database, "105").await, hidden);
    assert_eq!(access(&database, "106").await, hidden);
    assert_eq!(
        keychain.asked.load(Ordering::SeqCst),
        1,
        "a person is asked once, not at each use"
    );
    assert_eq!(database.tokens_are_volatile().await, Ok(Some(KeyError::Locked)));
    assert_eq!(database.tokens_known_volatile(), Some(KeyError::Locked));
    database
        .integrations()
        .put_tokens(Provider::Google, "106", &tokens("-new"), now())
        .await
        .expect("in memory");
    assert_eq!(access(&database, "106").await, Ok(Some(format!("{ACCESS}-new"))));

    keychain.locked.store(false, Ordering::SeqCst);
    assert_eq!(database.retry_key(now()).await, Ok(KeyKind::Keychain));
    assert_eq!(database.tokens_known_volatile(), None);
    assert_eq!(database.tokens_are_volatile().await, Ok(None));
    assert_eq!(access(&database, "105").await, Ok(Some(format!("{ACCESS}105"))));
    database.close().await;
    let database = open_with(dir.path(), KeySource::with_provider(keychain)).await;
    assert_eq!(
        access(&database, "106").await,
        Ok(Some(format!("{ACCESS}-new"))),
        "stored at last"
    );
}

#[test]
fn the_environment_variable_holds_a_key_or_is_refused_by_name() {
    let dir = tempdir().expect("directory");
    let good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert!(KeySource::choose(Some(good), dir.path()).is_ok());
    assert!(KeySource::choose(Some(&format!(" {good}\n")), dir.path()).is_ok());
    let long = format!("{}=", &good[..43].replace('=', "A"));
    for bad in [
        "",
        "secret",
        "c2VjcmV0",
        &good[4..],
        &format!("AAAA{good}"),
        &long[1..],
    ] {
        let Err(refused) = KeySource::choose(Some(bad), dir.path()) else {
            panic!("{bad:?} was taken")
        };
        assert_eq!(
            refused,
            KeyError::BadEnvironment {
                variable: "TOKEN_ENCRYPTION_KEY"
            }
        );
        let said = refused.to_string();
        assert!(
            said.contains("TOKEN_ENCRYPTION_KEY") && (bad.is_empty() || !said.contains(bad)),
            "{said}"
        );
    }
    assert_eq!(Key::LENGTH, 32);
}

#[tokio::test]
async fn the_environment_key_opens_what_it_sealed() {
    let dir = tempdir().expect("directory");
    let keys =
        || KeySource::choose(Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), dir.path()).expect("key");
    let database = open_with(dir.path(), keys()).await;
    assert_eq!(database.key_kind().await, Ok(KeyKind::Environment));
    database
        .integrations()
        .put_with_tokens(&google("105"), &tokens(""), now())
        .await
        .expect("put");
    database.close().await;
    assert_eq!(
        access(&open_with(dir.path(), keys()).await, "105").await,
        Ok(Some(ACCESS.into()))
    );
}
