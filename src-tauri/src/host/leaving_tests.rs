//! Another calendar: its ledger has the settings, and the one before keeps its own.

use super::*;
use crate::host::accounts::Accounts;
use crate::host::clock::SystemClock;
use crate::host::sign_in;
use crate::ipc::dto::OverallState;
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
    let lock = database.try_sync_lock().await.expect("a new folder");
    let host = Arc::new(Host {
        database,
        http: Arc::new(ReqwestHttp::new(HttpOptions::default()).expect("the network library")),
        clock,
        google: GoogleConfig::from_settings(|_| None).expect("the defaults"),
        keys,
        data_dir: folder.clone(),
        id_is_told: false.into(),
        device_id: Mutex::new(None),
        running: RwLock::new(None),
        rebuilding: tokio::sync::Mutex::default(),
        keeping: tokio::sync::Mutex::default(),
        sign_in: Mutex::new(sign_in::Current::default()),
        events: broadcast::channel(16).0,
        saved: Mutex::default(),
        departed: Mutex::default(),
        finished: Mutex::default(),
        drives: false,
        in_use: false.into(),
        closing: false.into(),
        may_begin: tokio_util::sync::CancellationToken::new(),
        tidied: Mutex::default(),
        reached: Mutex::default(),
        key_asked: Mutex::default(),
        lock,
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
        .change_settings(|_| before.clone(), Removals::Unconfirmed)
        .await
        .expect("the ledger works");
    let old = host.accounts().await;
    let after = SyncSettings {
        direction: Direction::Push,
        ..before.clone()
    };

    host.keep_calendar(&running, "work@example.com", |_| after.clone())
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
    host.keep_calendar(&running, "primary", |settings| settings)
        .await
        .expect("the database works");
    assert_eq!(settings_of(&host, old).await, after);
    assert!(
        !host.other_calendar("kim@example.com").await,
        "the main calendar by its address"
    );
    host.close().await;
}

/// How things stand in the calendar in use: whether syncing was started, the end of its pause, and what is said of it.
async fn standing(host: &Host) -> (bool, Option<chrono::DateTime<chrono::Utc>>, OverallState) {
    let running = host.running().await.expect("both are signed in");
    let state = running.engine.ledger().sync_state().await;
    let state = state.expect("the ledger works");
    let overview = host.overview().await.expect("the ledger works");
    (state.started, state.paused_until, overview.state)
}

#[tokio::test]
async fn syncing_that_was_started_or_paused_goes_on_so_in_another_calendar() {
    let (host, _folder) = connected("goes-on").await;
    let choose = async |id: &str| {
        let running = host.running().await.expect("both are signed in");
        let kept = host.keep_calendar(&running, id, |settings| settings).await;
        kept.expect("the database works");
        host.rebuild().await;
    };
    // Before the start nothing is written, and nobody is told that all is well.
    choose("first@example.com").await;
    assert_eq!(standing(&host).await, (false, None, OverallState::NeedsAttention));

    let running = host.running().await.expect("both are signed in");
    running.engine.start_syncing().await.expect("the ledger works");
    choose("work@example.com").await;
    assert_eq!(standing(&host).await, (true, None, OverallState::UpToDate));

    let until = Some(host.clock.now() + chrono::Duration::hours(1));
    let running = host.running().await.expect("both are signed in");
    running.engine.pause_until(until).await.expect("the ledger works");
    choose("third@example.com").await;
    assert_eq!(standing(&host).await, (true, until, OverallState::Paused));

    // The one that was left while it was paused knows that pause still; it ended in the one that is left now.
    let running = host.running().await.expect("both are signed in");
    running.engine.pause_until(None).await.expect("the ledger works");
    choose("work@example.com").await;
    assert_eq!(standing(&host).await, (true, None, OverallState::UpToDate));
    host.close().await;
}

#[tokio::test]
async fn the_main_calendar_by_its_address_is_kept_as_the_main_one() {
    let (host, _folder) = connected("main-by-address").await;
    let ledger = async |host: &Host| {
        let connection = host.accounts().await.connection().expect("both are signed in");
        (connection.id, connection.identity.calendar.to_string())
    };
    let main = ledger(&host).await;
    let running = host.running().await.expect("both are signed in");
    host.keep_calendar(&running, "Kim@example.com", |settings| settings)
        .await
        .expect("the database works");
    let kept = host.database.integrations().get(Provider::Google, "kim").await;
    let kept = kept.expect("a database").expect("signed in");
    assert_eq!(kept.extra["calendar"], json!(null));
    assert_eq!(ledger(&host).await, main);

    // As an earlier version kept it: it is the main one from the first start on, with the ledger that it had, and stays so
    // when the account gets another address.
    let mut google = account(Provider::Google, "kim", json!({ "calendar": "kim@example.com" }));
    let now = host.clock.now();
    let put = host.database.integrations().put(&google, now).await;
    put.expect("the account is kept");
    assert_eq!(ledger(&host).await, main);
    let extra = host.accounts().await.google.expect("signed in").1;
    google.extra = serde_json::to_value(extra).expect("JSON");
    google.email = Some("kim.lee@example.com".into());
    let put = host.database.integrations().put(&google, now).await;
    put.expect("the account is kept");
    assert_eq!(ledger(&host).await, main);
    host.close().await;
}

#[tokio::test]
async fn calendars_used_before_are_kept_with_the_account_and_change_no_ledger() {
    let (host, _folder) = connected("used-before").await;
    let choose = async |id: &str| {
        let running = host.running().await.expect("both are signed in");
        let kept = host.keep_calendar(&running, id, |settings| settings).await;
        kept.expect("the database works");
        host.rebuild().await;
        // As it is read at the next start.
        let accounts = Accounts::load(&host.database).await.expect("the database works");
        let connection = accounts.connection().expect("both are signed in");
        let running = host.running().await.expect("both are signed in");
        assert_eq!(running.engine.config().identity, connection.identity);
        let former: Vec<String> = (connection.identity.former.iter())
            .map(ToString::to_string)
            .collect();
        (connection.id, former)
    };
    let main = host.accounts().await.connection().expect("both are signed in");
    assert_eq!(main.identity.former, []);
    let (work, former) = choose("work@example.com").await;
    assert_eq!(former, ["primary"]);
    assert_eq!(choose("work@example.com").await, (work.clone(), former));
    assert_eq!(
        choose("third@example.com").await.1,
        ["primary", "work@example.com"]
    );
    let former = ["primary", "third@example.com"].map(str::to_owned).to_vec();
    assert_eq!(choose("work@example.com").await, (work.clone(), former));
    // The main one by its address, with the ledger that it had.
    let former = ["third@example.com", "work@example.com"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(choose("Kim@example.com").await, (main.id.clone(), former));

    // As an earlier version kept it, or a fresh laptop begins: the main one may have been in use.
    let kept = account(Provider::Google, "kim", json!({ "calendar": "work@example.com" }));
    let now = host.clock.now();
    let put = host.database.integrations().put(&kept, now).await;
    put.expect("the account is kept");
    let read = host.accounts().await.connection().expect("both are signed in");
    assert_eq!(
        read.identity.former,
        [roundtrip_core::ids::CalendarId::new("primary")]
    );
    assert_eq!(read.id, work);
    host.close().await;
}

/// An appointment ahead with an event of ours.
fn ahead(host: &Host) -> roundtrip_core::record::Record {
    let start = host.clock.now() + chrono::Duration::days(3);
    let end = start + chrono::Duration::hours(1);
    let event = json!({
        "id": "e1", "etag": "\"1\"", "updated": null, "time": {"kind": "timed", "start": start, "end": end,
        "zone": "Europe/Berlin"}, "title": "Visit", "location": "", "description": "", "recurring": false,
        "free": false, "declined": false, "mark": null, "html_link": null,
    });
    let mut record = roundtrip_core::record::Record::new(roundtrip_core::ids::AppointmentId::new("apt_1"));
    record.event = Some(serde_json::from_value(event).expect("an event"));
    record.event_id = Some(roundtrip_core::ids::EventId::new("e1"));
    record.link = roundtrip_core::record::LinkState::Linked;
    record
}

async fn link_one(host: &Host) {
    let running = host.running().await.expect("both are signed in");
    let record = roundtrip_engine::ledger::Change::PutRecord(Box::new(ahead(host)));
    running.engine.start_syncing().await.expect("the ledger works");
    let kept = running.engine.ledger().commit(vec![record]).await;
    kept.expect("the ledger works");
}

#[tokio::test]
async fn events_of_a_calendar_used_earlier_are_counted_and_stay() {
    let (host, _folder) = connected("several-calendars").await;
    link_one(&host).await;
    let running = host.running().await.expect("both are signed in");
    assert_eq!(host.deletion_plan().await.expect("a plan").elsewhere, 0);

    host.keep_calendar(&running, "work@example.com", |settings| settings)
        .await
        .expect("the database works");
    host.rebuild().await;

    let plan = host.deletion_plan().await.expect("a plan");
    assert_eq!((plan.events, plan.elsewhere, plan.local_only), (0, 1, false));
    host.close().await;
}

#[tokio::test]
async fn without_both_accounts_only_this_laptop_is_emptied_and_the_report_says_so() {
    let (host, folder) = connected("local-data-only").await;
    link_one(&host).await;
    let google = host.database.integrations().delete(Provider::Google, "kim").await;
    google.expect("the database works");
    host.rebuild().await;
    assert!(host.running().await.is_none());
    let plan = host.deletion_plan().await.expect("a plan");
    assert_eq!((plan.events, plan.elsewhere, plan.local_only), (0, 1, true));

    let report = host.delete_everything(0, false).await.expect("it works");

    assert!(report.local_only && report.local_data_removed && report.problem.is_none());
    assert_eq!(
        (report.deleted.len(), report.left, report.elsewhere),
        (0, None, 1)
    );
    assert!(host.accounts().await.platform.is_none());
    assert!(host.database.connections().await.expect("a database").is_empty());
    assert!(
        host.delete_report()
            .is_some_and(|text| text.contains("not looked at"))
    );
    drop(folder);
}

#[tokio::test]
async fn a_disconnect_that_does_not_work_leaves_the_connection_running() {
    let (host, _folder) = connected("failed-disconnect").await;
    link_one(&host).await;
    let before = host.running().await.expect("both are signed in");

    let refused = host.disconnect(Provider::Google, true, false, true).await;

    assert!(refused.is_err(), "there is no network");
    assert!(before.stop.is_cancelled());
    let after = host.running().await.expect("still connected");
    assert!(!after.stop.is_cancelled(), "put together anew");
    let google = host.accounts().await.google.expect("still signed in");
    assert_eq!(google.0.status, IntegrationStatus::Active);
    host.close().await;
}

#[tokio::test]
async fn a_verb_that_looks_says_where_it_stands_and_not_that_it_is_starting() {
    let (host, _folder) = connected("status-verb").await;
    let running = host.running().await.expect("both are signed in");
    running.engine.start_syncing().await.expect("the ledger works");
    let overview = host.overview().await.expect("the database works");
    assert_eq!(overview.state, OverallState::UpToDate);
    host.close().await;
}

/// As a crash leaves it after the revocation: the tokens are gone, syncing is paused for what was deleted.
async fn half_left(host: &Arc<Host>, leaving: Option<&Leaving>) {
    link_one(host).await;
    let running = host.running().await.expect("both are signed in");
    let far = host.clock.now() + chrono::Duration::days(9_999);
    running.engine.pause_until(Some(far)).await.expect("paused");
    if let Some(leaving) = leaving {
        let kept = host.keep_leaving(Provider::Google, leaving).await;
        kept.expect("the database works");
    }
    let now = host.clock.now();
    let revoked = IntegrationStatus::Revoked;
    let integrations = host.database.integrations();
    let marked = integrations.update_status(Provider::Google, "kim", revoked, now);
    marked.await.expect("the database works");
    host.stop().await;
}

async fn paused(host: &Host) -> Option<chrono::DateTime<chrono::Utc>> {
    let connections = host.database.connections().await.expect("a database");
    let ledger = host.database.ledger(connections[0].clone());
    let state = roundtrip_engine::ledger::Ledger::sync_state(&ledger).await;
    state.expect("the ledger works").paused_until
}

#[tokio::test]
async fn a_disconnect_that_a_crash_ended_is_finished_at_the_next_start() {
    let (host, _folder) = connected("half-left").await;
    let leaving = Leaving {
        deleted: Some(4),
        revoke: true,
        everything: false,
    };
    half_left(&host, Some(&leaving)).await;

    host.finish_leaving().await;
    host.rebuild().await;

    assert!(host.running().await.is_none(), "nothing is left that could sync");
    let accounts = host.accounts().await;
    assert!(accounts.google.is_none() && accounts.platform.is_some());
    assert_eq!(paused(&host).await, None, "whoever connects again starts afresh");
    // Asked for again, it says what came of it; once more, and nobody is there.
    let again = host.disconnect(Provider::Google, true, false, false).await;
    let again = again.expect("it is done");
    assert_eq!(again.deleted, 4);
    // Whether the crash came before the service was told is not known, and no tokens are left to tell it with.
    assert!(!again.revoked, "what is not known is not claimed");
    let again = host.disconnect(Provider::Google, true, false, false).await;
    assert_eq!(again.expect_err("nobody is there").code, "not_connected");
    host.close().await;
}

#[tokio::test]
async fn deleting_everything_that_a_crash_ended_is_finished_at_the_next_start() {
    let (host, _folder) = connected("half-deleted").await;
    let leaving = Leaving {
        deleted: Some(4),
        revoke: true,
        everything: true,
    };
    half_left(&host, Some(&leaving)).await;

    host.finish_leaving().await;

    let accounts = host.accounts().await;
    assert!(accounts.google.is_none() && accounts.platform.is_none());
    let left = host.database.connections().await.expect("a database");
    assert!(left.is_empty(), "no link, no history");
    host.close().await;
}

#[tokio::test]
async fn a_grant_that_was_taken_back_elsewhere_is_no_disconnect() {
    let (host, _folder) = connected("taken-back").await;
    half_left(&host, None).await;

    host.finish_leaving().await;

    let google = host.accounts().await.google.expect("the account stays");
    assert_eq!(google.0.status, IntegrationStatus::Revoked);
    assert!(paused(&host).await.is_some());
    host.close().await;
}
