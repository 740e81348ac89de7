//! Another calendar: its ledger has the settings, and the one before keeps its own.

use super::*;
use crate::host::accounts::Accounts;
use crate::host::clock::SystemClock;
use crate::host::sign_in;
use roundtrip_core::settings::Direction;
use roundtrip_google::GoogleConfig;
use roundtrip_http::{HttpOptions, ReqwestHttp};
use roundtrip_store::{Database, Integration, KeySource};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Mutex;
use tokio::sync::{RwLock, broadcast};

/// A folder that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn account(provider: Provider, id: &str, extra: serde_json::Value) -> Integration {
    Integration {
        provider,
        account_id: id.into(),
        email: Some(format!("{id}@example.com")),
        display_name: None,
        scopes: Vec::new(),
        status: IntegrationStatus::Active,
        revoked_at: None,
        error_count: 0,
        extra,
    }
}

/// Signed in on both sides, with no network to speak of and nothing that runs by itself.
pub(crate) async fn connected(name: &str) -> (Arc<Host>, Folder) {
    let folder = std::env::temp_dir().join(format!("roundtrip-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let key = format!("{}=", "A".repeat(43));
    let keys = KeySource::choose(Some(&key), &folder).expect("32 bytes in base64");
    let clock: Arc<dyn roundtrip_engine::ports::Clock> = Arc::new(SystemClock::new());
    let database = Database::open(&folder, keys.clone(), clock.now())
        .await
        .expect("a new database");
    let platform = json!({
        "metadata": {
            "base": "http://127.0.0.1:9/v1", "issuer": "http://127.0.0.1:9",
            "authorize_url": "http://127.0.0.1:9/authorize", "token_url": "http://127.0.0.1:9/token",
            "revoke_url": null, "names_itself": true, "name": null,
        },
        "me": {
            "id": "trn_1", "name": "Kim", "email": "kim@example.com", "role": "trainer",
            "platform_name": "Linden", "time_zone": "Europe/Berlin",
            "policy": { "enabled": true, "reason": null }, "client_names_allowed": true,
            "min_poll_seconds": 60, "features": [],
        },
    });
    for account in [
        account(Provider::Platform, "trn_1", platform),
        account(Provider::Google, "kim", json!({})),
    ] {
        let kept = database.integrations().put(&account, clock.now()).await;
        kept.expect("the account is kept");
    }
    let host = Arc::new(Host {
        database,
        http: Arc::new(ReqwestHttp::new(HttpOptions::default()).expect("the network library")),
        clock,
        google: GoogleConfig::from_settings(|_| None).expect("the defaults"),
        keys,
        data_dir: folder.clone(),
        device_id: Mutex::new(None),
        running: RwLock::new(None),
        sign_in: Mutex::new(sign_in::Current::default()),
        events: broadcast::channel(16).0,
        saved: Mutex::default(),
        departed: Mutex::default(),
        drives: false,
        _lock: None,
    });
    host.rebuild().await;
    (host, Folder(folder))
}

async fn settings_of(host: &Host, accounts: Accounts) -> SyncSettings {
    let connection = accounts.connection().expect("both are signed in");
    let ledger = host.database.ledger(connection.id);
    let settings = roundtrip_engine::ledger::Ledger::settings(&ledger).await;
    settings.expect("the ledger works")
}

#[tokio::test]
async fn what_is_changed_with_the_calendar_is_changed_in_the_new_one_only() {
    let (host, _folder) = connected("another-calendar").await;
    let running = host.running().await.expect("both are signed in");
    let before = SyncSettings {
        every_minutes: 30,
        ..SyncSettings::default()
    };
    running
        .engine
        .change_settings(before.clone(), Vec::new())
        .await
        .expect("the ledger works");
    let old = host.accounts().await;
    let after = SyncSettings {
        direction: Direction::Push,
        ..before.clone()
    };

    host.keep_calendar(&running, "work@example.com", Some(after.clone()))
        .await
        .expect("the database works");

    // Before anything is put together anew, the new ledger has them: its first cycle runs under them.
    let new = host.accounts().await;
    assert_eq!(
        new.google
            .as_ref()
            .and_then(|(_, extra)| extra.calendar.as_deref()),
        Some("work@example.com")
    );
    assert_eq!(settings_of(&host, new.clone()).await, after);
    assert_eq!(
        settings_of(&host, old.clone()).await,
        before,
        "nothing reaches the old calendar"
    );

    // Back again without a word about settings: those of today come along.
    host.rebuild().await;
    let running = host.running().await.expect("both are signed in");
    host.keep_calendar(&running, "primary", None)
        .await
        .expect("the database works");
    assert_eq!(settings_of(&host, old).await, after);
    assert!(
        !host.other_calendar("kim@example.com").await,
        "the main calendar by its address"
    );
    host.close().await;
}
