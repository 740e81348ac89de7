//! The keychain of the system. The tests of a real Secret Service run only where the runner has started one; see
//! `in_the_keychain_lane`. By hand, with a keyring of its own:
//!
//! ```sh
//! XDG_DATA_HOME=$(mktemp -d) ROUNDTRIP_TEST_KEYCHAIN=1 dbus-run-session -- bash -c \
//!   'echo | gnome-keyring-daemon --unlock --components=secrets; cargo test -p roundtrip-store --test keychain'
//! ```
//! The line break matters: given nothing at all to unlock with, the daemon makes no keyring, and it counts as locked.
#![cfg(all(unix, not(target_os = "macos")))]

mod common;

use common::*;
use roundtrip_store::{
    Database, Integration, IntegrationError, KeyError, KeyKind, KeyProvider, KeySource, KeychainKey,
    Provider, TokenError, TokenSet, device_id,
};
use secrecy::ExposeSecret;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::tempdir;

/// Set by the runner inside a D-Bus session of its own with an unlocked keyring. Anywhere else these tests would write
/// into the keychain of whoever runs them.
const LANE: &str = "ROUNDTRIP_TEST_KEYCHAIN";
/// Tells this program that it was started by one of its own tests, and in which directory to work.
const CHILD: &str = "ROUNDTRIP_TEST_KEYCHAIN_CHILD";
/// Where the real bus is, for a child that begins without one.
const REAL_BUS: &str = "ROUNDTRIP_TEST_REAL_BUS";

fn in_the_keychain_lane() -> bool {
    let there = std::env::var_os(LANE).is_some_and(|value| value == "1");
    if !there {
        println!("left to the keychain lane ({LANE} is not set)");
    }
    there
}

/// Runs one test of this program in a process whose D-Bus is elsewhere: an environment cannot be changed safely while
/// other tests run.
fn run_child(test: &str, dir: &Path, environment: &[(&str, String)]) -> Output {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, dir)
        .env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", dir.join("bus").display()),
        )
        .env("XDG_RUNTIME_DIR", dir)
        .env_remove("DISPLAY")
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .output()
        .expect("child")
}

fn assert_passed(output: &Output) {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && out.contains("child is done"),
        "{out}\n{err}"
    );
}

fn tokens() -> TokenSet {
    TokenSet {
        access: "CANARY".into(),
        refresh: None,
        expires_at: None,
        scopes: vec![],
    }
}

#[test]
fn without_a_secret_service_tokens_stay_in_memory() {
    let dir = tempdir().expect("directory");
    assert_passed(&run_child("child_without_a_secret_service", dir.path(), &[]));
    assert!(dir.path().join("data").join("roundtrip.db").exists());
    for (name, bytes) in all_bytes(&dir.path().join("data")) {
        assert!(!contains(&bytes, b"CANARY"), "{name}");
    }
}

#[tokio::test]
async fn child_without_a_secret_service() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let data = Path::new(&dir).join("data");
    let keys = KeySource::choose(None, &data).expect("no variable, no error");
    let device = device_id(&data, &keys).await.expect("device id");
    let database = Database::open(&data, keys.clone(), now())
        .await
        .expect("database opens");
    let account = Integration::new(Provider::Google, "105");
    database
        .integrations()
        .put_with_tokens(&account, &tokens(), now())
        .await
        .expect("put");
    assert!(matches!(
        database.tokens_are_volatile().await,
        Ok(Some(KeyError::Unavailable(_)))
    ));
    let kept = database
        .integrations()
        .tokens(Provider::Google, "105")
        .await
        .expect("tokens")
        .expect("kept");
    assert_eq!(kept.access.expose_secret(), "CANARY");
    assert_eq!(
        device_id(&data, &keys).await.expect("device id"),
        device,
        "a file keeps it"
    );
    database.close().await;
    println!("child is done");
}

#[test]
fn a_secret_service_that_comes_up_late_is_found() {
    if !in_the_keychain_lane() {
        return;
    }
    let address = std::env::var("DBUS_SESSION_BUS_ADDRESS").expect("the lane has a bus");
    let path = address
        .split([',', ';'])
        .find_map(|part| part.strip_prefix("unix:path="));
    let bus = path.unwrap_or_else(|| panic!("{address} is no path")).to_owned();
    let dir = tempdir().expect("directory");
    assert_passed(&run_child(
        "child_with_a_late_secret_service",
        dir.path(),
        &[(REAL_BUS, bus)],
    ));
}

#[tokio::test]
async fn child_with_a_late_secret_service() {
    let (Some(dir), Some(bus)) = (std::env::var_os(CHILD), std::env::var_os(REAL_BUS)) else {
        return;
    };
    let data = Path::new(&dir).join("data");
    let keys = KeySource::choose(None, &data).expect("key source");
    let database = Database::open(&data, keys, now()).await.expect("database opens");
    let account = Integration::new(Provider::Google, "105");
    database
        .integrations()
        .put_with_tokens(&account, &tokens(), now())
        .await
        .expect("put");
    assert_eq!(database.key_kind().await, Ok(KeyKind::Memory));

    std::os::unix::fs::symlink(bus, Path::new(&dir).join("bus")).expect("the bus comes up");
    assert_eq!(database.retry_key(now()).await, Ok(KeyKind::Keychain));
    database.close().await;
    let keys = KeySource::choose(None, &data).expect("key source");
    let database = Database::open(&data, keys, now()).await.expect("database opens");
    assert!(
        database
            .integrations()
            .tokens(Provider::Google, "105")
            .await
            .expect("tokens")
            .is_some()
    );
    KeychainKey::new(&data).forget(1).expect("removed");
    println!("child is done");
}

#[tokio::test]
async fn tokens_survive_a_restart_with_the_key_in_the_keychain() {
    if !in_the_keychain_lane() {
        return;
    }
    let (dir, other) = (tempdir().expect("directory"), tempdir().expect("directory"));
    let open = async |dir: &Path| {
        let keys = KeySource::choose(None, dir).expect("key source");
        Database::open(dir, keys, now()).await.expect("database opens")
    };
    let database = open(dir.path()).await;
    assert_eq!(
        (database.key_kind().await, database.tokens_are_volatile().await),
        (Ok(KeyKind::Keychain), Ok(None))
    );
    let account = Integration::new(Provider::Google, "105");
    database
        .integrations()
        .put_with_tokens(&account, &tokens(), now())
        .await
        .expect("put");
    database.close().await;

    let database = open(dir.path()).await;
    let kept = database
        .integrations()
        .tokens(Provider::Google, "105")
        .await
        .expect("tokens")
        .expect("kept");
    assert_eq!(kept.access.expose_secret(), "CANARY");
    for (name, bytes) in all_bytes(dir.path()) {
        assert!(!contains(&bytes, b"CANARY"), "{name}");
    }

    // The next version of the key, in the same keychain.
    let rotated = database
        .rotate_key(KeychainKey::new(dir.path()), now())
        .await
        .expect("rotated");
    assert_eq!((rotated.sealed, rotated.lost), (1, 0));
    database.close().await;
    let database = open(dir.path()).await;
    assert!(
        database
            .integrations()
            .tokens(Provider::Google, "105")
            .await
            .expect("tokens")
            .is_some()
    );
    database.close().await;

    // Another data directory has another key: the same file there does not open.
    std::fs::copy(dir.path().join("roundtrip.db"), other.path().join("roundtrip.db")).expect("copied");
    let copy = open(other.path()).await;
    assert!(copy.integrations().tokens(Provider::Google, "105").await.is_err());

    for dir in [dir.path(), other.path()] {
        KeychainKey::new(dir).forget(2).expect("removed");
    }
    // With its key gone from the keychain, it does not open any more.
    let database = open(dir.path()).await;
    assert!(
        database
            .integrations()
            .tokens(Provider::Google, "105")
            .await
            .is_err()
    );
    assert_eq!(database.integrations().list().await.expect("list").len(), 1);
    KeychainKey::new(dir.path()).forget(2).expect("removed");
}

/// In a session of its own, because a keyring that is locked is locked for everybody.
#[test]
fn a_keychain_that_is_locked_is_no_lost_sign_in() {
    if !in_the_keychain_lane() {
        return;
    }
    let dir = tempdir().expect("directory");
    let program = std::env::current_exe().expect("this program");
    let script = format!(
        "{UNLOCK} >&2; exec \"{}\" --exact child_with_a_locked_keychain --nocapture",
        program.display()
    );
    let output = Command::new("dbus-run-session")
        .args(["--", "bash", "-c", &script])
        .env(CHILD, dir.path())
        .env("HOME", dir.path())
        .env("XDG_DATA_HOME", dir.path().join("share"))
        .env("XDG_RUNTIME_DIR", dir.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .output()
        .expect("a session");
    assert_passed(&output);
}

/// Opens the login keyring, whose password is empty; makes it where there is none. A daemon that runs gives way: it would
/// ask its person, and here is none.
const UNLOCK: &str = "echo | gnome-keyring-daemon --replace --unlock --components=secrets";

#[tokio::test]
async fn child_with_a_locked_keychain() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let data = Path::new(&dir).join("data");
    let open = async || {
        let keys = KeySource::choose(None, &data).expect("key source");
        Database::open(&data, keys, now()).await.expect("database opens")
    };
    let access = async |database: &Database| {
        let kept = database.integrations().tokens(Provider::Google, "105").await;
        kept.map(|kept| kept.map(|kept| kept.access.expose_secret().to_owned()))
    };
    let database = open().await;
    let account = Integration::new(Provider::Google, "105");
    database
        .integrations()
        .put_with_tokens(&account, &tokens(), now())
        .await
        .expect("put");
    assert_eq!(database.key_kind().await, Ok(KeyKind::Keychain));
    database.close().await;

    let locked = Command::new("dbus-send")
        .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets"])
        .args(["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock"])
        .arg("array:objpath:/org/freedesktop/secrets/collection/login")
        .output()
        .expect("dbus-send runs");
    assert!(
        locked.status.success(),
        "{}",
        String::from_utf8_lossy(&locked.stderr)
    );
    let database = open().await;
    let hidden = access(&database).await;
    assert!(
        matches!(
            hidden,
            Err(IntegrationError::Tokens(TokenError::KeyUnavailable(_)))
        ),
        "{hidden:?}"
    );
    assert!(
        database
            .tokens_are_volatile()
            .await
            .is_ok_and(|why| why.is_some())
    );
    assert_eq!(database.integrations().list().await.expect("accounts").len(), 1);

    let unlocked = Command::new("bash")
        .args(["-c", UNLOCK])
        .output()
        .expect("bash runs");
    assert!(unlocked.status.success());
    assert_eq!(database.retry_key(now()).await, Ok(KeyKind::Keychain));
    assert_eq!(access(&database).await, Ok(Some("CANARY".into())));
    database.close().await;
    for (name, bytes) in all_bytes(&data) {
        assert!(!contains(&bytes, b"CANARY"), "{name}");
    }
    println!("child is done");
}

#[tokio::test]
async fn first_starts_at_once_agree_on_one_key() {
    if !in_the_keychain_lane() {
        return;
    }
    let dir = tempdir().expect("directory");
    let starts: Vec<_> = (0..4)
        .map(|index| {
            let dir = dir.path().to_owned();
            tokio::spawn(async move {
                let keys = KeySource::choose(None, &dir).expect("key source");
                let database = Database::open(&dir, keys, now()).await.expect("database opens");
                let account = Integration::new(Provider::Google, index.to_string());
                keep_beside(&database, &account, &tokens()).await;
            })
        })
        .collect();
    for start in starts {
        start.await.expect("start");
    }
    let keys = KeySource::choose(None, dir.path()).expect("key source");
    let database = Database::open(dir.path(), keys, now())
        .await
        .expect("database opens");
    for index in 0..4 {
        assert!(
            database
                .integrations()
                .tokens(Provider::Google, &index.to_string())
                .await
                .expect("opens")
                .is_some()
        );
    }
    KeychainKey::new(dir.path()).forget(1).expect("removed");
}

#[tokio::test]
async fn the_device_id_survives_the_loss_of_the_whole_directory() {
    if !in_the_keychain_lane() {
        return;
    }
    let parent = tempdir().expect("directory");
    let data = parent.path().join("data");
    let keys = KeySource::choose(None, &data).expect("key source");
    let first = device_id(&data, &keys).await.expect("device id");
    std::fs::remove_dir_all(&data).expect("lost");
    assert_eq!(device_id(&data, &keys).await.expect("device id"), first);
    let other = parent.path().join("other");
    assert_ne!(device_id(&other, &keys).await.expect("device id"), first);
}
