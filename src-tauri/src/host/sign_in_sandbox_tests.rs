//! Signing in and out against the sandbox, over HTTP: what is refused is not kept, and what is given back is gone.

use super::*;
use crate::host::clock::SystemClock;
use crate::host::leaving::tests::{Folder, connected};
use bytes::Bytes;
use roundtrip_engine::EngineEvent;
use roundtrip_engine::ledger::LedgerError;
use roundtrip_engine::ports::Clock as _;
use roundtrip_google::GoogleConfig;
use roundtrip_http::{HttpError, HttpPort};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::platform::PauseReason;
use roundtrip_sandbox::{Config, Running, serve};
use roundtrip_store::{Database, IntegrationError, IntegrationStatus, KeySource, TokenError};
use std::path::Path;

/// The trainer as the sandbox signs them in.
const USER: &str = "usr_7";

/// A laptop on which nobody is signed in, and both services.
async fn at_the_sandbox(name: &str) -> (Arc<Host>, Running, Folder) {
    let config = Config {
        auto_consent: true,
        appointments: 2,
        ..Config::default()
    };
    let clock = Arc::new(roundtrip_sandbox::shared::SystemClock);
    let services = serve(config, clock, 0).await.expect("free ports on this machine");
    let (mut host, folder) = connected(name).await;
    host.stop().await;
    for (service, account) in [(Provider::Platform, "trn_1"), (Provider::Google, "kim")] {
        let deleted = host.database.integrations().delete(service, account).await;
        assert_eq!(deleted, Ok(true));
    }
    let environment = services.environment();
    let google = GoogleConfig::from_settings(|name| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    });
    Arc::get_mut(&mut host).expect("nobody else has it").google = google.expect("the sandbox's addresses");
    (host, services, folder)
}

/// Signs in as a person does, with a browser whose pages answer at once.
async fn sign_in(host: &Arc<Host>, services: &Running, service: Provider) -> SignInView {
    let ended = answered(host, services, service).await;
    ended.await.expect("it ends")
}

/// Signs in as far as the answer of the browser.
async fn answered(
    host: &Arc<Host>,
    services: &Running,
    service: Provider,
) -> tokio::sync::oneshot::Receiver<SignInView> {
    let address = (service == Provider::Platform).then_some(services.platform_url.as_str());
    let begun = host.begin_sign_in(service, address).await.expect("begun");
    let mut next = Some(begun.url);
    while let Some(address) = next {
        let request = http::Request::get(&address).body(Bytes::new());
        let answer = host.http.send(request.expect("an address")).await;
        let answer = answer.expect("it can be reached");
        let location = answer.headers().get("location");
        next = location.map(|location| location.to_str().expect("an address").to_owned());
    }
    begun.ended
}

fn all_bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).expect("the data folder");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("a file"))
        })
        .collect()
}

fn place_of(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|part| part == needle)
}

fn holding(folder: &Path, needle: &[u8]) -> Vec<String> {
    let files = all_bytes(folder).into_iter();
    files
        .filter(|(_, bytes)| place_of(bytes, needle).is_some())
        .map(|(name, _)| name)
        .collect()
}

/// The beginning of an account's sealed tokens as they lie on the disk: in its row they come right after `extra`.
async fn sealed(host: &Host, folder: &Path, service: Provider) -> Vec<u8> {
    let accounts = host.accounts().await;
    let account = accounts.of(service).expect("signed in");
    let before = serde_json::to_vec(&account.extra).expect("JSON");
    let mut files = all_bytes(folder);
    // The newest version of the row is the last one in the write-ahead log.
    files.sort_by_key(|(name, _)| !name.ends_with("-wal"));
    let found = files.iter().find_map(|(_, bytes)| {
        let at = bytes.windows(before.len()).rposition(|part| part == before)?;
        bytes[at + before.len()..].get(..64).map(<[u8]>::to_vec)
    });
    let found = found.expect("the row is on the disk");
    assert_sealed(folder, &found, account).await;
    found
}

/// These bytes are what the tokens are opened from: in a copy with one of them changed they open no more.
async fn assert_sealed(folder: &Path, bytes: &[u8], account: &Integration) {
    let copy = tempfile::tempdir().expect("a folder");
    for (name, bytes) in all_bytes(folder) {
        if !name.ends_with("-shm") {
            std::fs::write(copy.path().join(name), bytes).expect("copied");
        }
    }
    let opened = async || {
        let key = format!("{}=", "A".repeat(43));
        let keys = KeySource::choose(Some(&key), copy.path()).expect("the test's key");
        let now = SystemClock::new().now();
        let database = Database::open(copy.path(), keys, now).await.expect("a copy");
        let integrations = database.integrations();
        let tokens = integrations.tokens(account.provider, &account.account_id).await;
        // Folds the write-ahead log into the file.
        database.close().await;
        tokens.map(|tokens| tokens.is_some())
    };
    assert_eq!(opened().await, Ok(true));
    let holds = holding(copy.path(), bytes);
    let [file] = holds.as_slice() else {
        panic!("one file of a closed database has them: {holds:?}")
    };
    let file = copy.path().join(file);
    let mut changed = std::fs::read(&file).expect("a file");
    let at = place_of(&changed, bytes).expect("they are in it");
    changed[at + 40] ^= 1;
    std::fs::write(&file, changed).expect("written");
    let undecryptable = IntegrationError::Tokens(TokenError::Undecryptable);
    assert_eq!(opened().await, Err(undecryptable));
}

/// Both services, with a first run behind it.
async fn syncing(name: &str) -> (Arc<Host>, Running, Folder) {
    let (host, services, folder) = at_the_sandbox(name).await;
    for service in [Provider::Platform, Provider::Google] {
        assert_eq!(sign_in(&host, &services, service).await.state, "done");
    }
    let engine = host.running().await.expect("both are signed in").engine;
    engine.cycle(Trigger::Start).await.expect("the ledger works");
    engine.start_syncing().await.expect("the ledger works");
    let report = engine.cycle(Trigger::Manual).await.expect("the ledger works");
    assert_eq!((report.platform, report.calendar), (None, None));
    (host, services, folder)
}

fn lives(server: &roundtrip_sandbox::oauth::Server) -> Vec<bool> {
    server.sessions().iter().map(|session| session.live).collect()
}

/// Nothing that a service ever handed out lies in a file as it is.
fn assert_no_secret(folder: &Path, services: &Running) {
    let oauth = [services.sandbox.google.oauth(), services.sandbox.platform.oauth()];
    for secret in oauth.into_iter().flat_map(|server| server.secrets()) {
        assert_eq!(holding(folder, secret.as_bytes()), [""; 0]);
    }
}

#[tokio::test]
async fn a_sign_in_without_the_right_to_the_calendar_is_refused_and_nothing_of_it_is_kept() {
    let (host, services, folder) = at_the_sandbox("partial-consent").await;
    let google = &services.sandbox.google;
    let unticked = || google.set_auto_grant(Some(vec!["openid".into(), "email".into()]));
    let refused = ("failed".to_owned(), Some("calendar_right_missing".to_owned()));

    unticked();
    let view = sign_in(&host, &services, Provider::Google).await;
    assert_eq!((view.state, view.problem), refused);
    // The service did hand out tokens: what was refused is what came of them.
    assert_eq!(lives(google.oauth()), [true]);
    let kept = host.database.integrations().list().await.expect("a database");
    assert_eq!(kept, []);
    assert!(host.sign_in().other.is_none(), "nothing waits for a word");
    let said = host.database.audit_log(100).await.expect("the log");
    assert!(said.iter().all(|entry| entry.event != "sign_in"), "{said:?}");
    assert_no_secret(&folder.0, &services);

    // With the right it is kept, and a later sign-in without it leaves that one as it was.
    google.set_auto_grant(None);
    let view = sign_in(&host, &services, Provider::Google).await;
    assert_eq!((view.state.as_str(), view.problem), ("done", None));
    let before = sealed(&host, &folder.0, Provider::Google).await;
    unticked();
    let view = sign_in(&host, &services, Provider::Google).await;
    assert_eq!((view.state, view.problem), refused);
    assert_eq!(sealed(&host, &folder.0, Provider::Google).await, before);
    host.close().await;
}

#[tokio::test]
async fn disconnecting_google_revokes_it_tells_the_platform_and_erases_even_the_sealed_tokens() {
    let (host, services, folder) = syncing("disconnect-google").await;
    let (google, platform) = (&services.sandbox.google, &services.sandbox.platform);
    let gone = sealed(&host, &folder.0, Provider::Google).await;
    let stays = sealed(&host, &folder.0, Provider::Platform).await;
    assert!(platform.writer(USER, "google").is_some(), "this laptop writes");

    let left = host.disconnect(Provider::Google, false, false, false).await;

    assert!(left.expect("it works").revoked);
    assert_eq!(lives(google.oauth()), [false]);
    assert!(
        platform.writer(USER, "google").is_none(),
        "another laptop may write"
    );
    let told = platform.integrations().pop().expect("a laptop");
    assert_eq!(format!("{:?}", told.report.status), "Disconnected");
    let accounts = host.accounts().await;
    assert!(accounts.google.is_none() && accounts.platform.is_some());
    assert_eq!(holding(&folder.0, &gone), [""; 0]);
    assert_ne!(
        holding(&folder.0, &stays),
        [""; 0],
        "only what was disconnected is erased"
    );
    assert_eq!(lives(platform.oauth()), [true]);
    assert_no_secret(&folder.0, &services);
    host.close().await;
}

#[tokio::test]
async fn disconnecting_the_platform_revokes_it_and_erases_even_the_sealed_tokens() {
    let (host, services, folder) = syncing("disconnect-platform").await;
    let gone = sealed(&host, &folder.0, Provider::Platform).await;

    let left = host.disconnect(Provider::Platform, false, false, false).await;

    assert!(left.expect("it works").revoked);
    assert_eq!(lives(services.sandbox.platform.oauth()), [false]);
    assert_eq!(
        lives(services.sandbox.google.oauth()),
        [true],
        "the other one stays"
    );
    assert!(host.accounts().await.platform.is_none());
    assert_eq!(holding(&folder.0, &gone), [""; 0]);
    assert_no_secret(&folder.0, &services);
    host.close().await;
}

#[tokio::test]
async fn whoever_disconnects_from_this_laptop_only_is_revoked_nowhere_and_erased_here() {
    let (host, services, folder) = syncing("disconnect-here").await;
    let gone = sealed(&host, &folder.0, Provider::Google).await;

    let left = host.disconnect(Provider::Google, false, true, false).await;

    let left = left.expect("it works");
    assert!(!left.revoked && !left.grant_left, "it was to stay");
    assert_eq!(
        lives(services.sandbox.google.oauth()),
        [true],
        "for other laptops"
    );
    assert_eq!(holding(&folder.0, &gone), [""; 0]);
    host.close().await;
}

#[tokio::test]
async fn a_permission_that_could_not_be_given_back_is_told() {
    let (host, services, _folder) = syncing("disconnect-not-revoked").await;
    let gone = FaultRule::new(Service::Google, Fault::DropBefore).times(0);
    services.sandbox.shared.faults().add(gone);

    let left = host.disconnect(Provider::Google, false, false, false).await;

    let left = left.expect("it goes through all the same");
    assert!(!left.revoked && left.grant_left);
    assert_eq!(lives(services.sandbox.google.oauth()), [true]);
    assert!(host.accounts().await.google.is_none());
    let audit = host.database.audit_log(10).await.expect("the log");
    assert!(audit.iter().any(|entry| entry.details["grant_left"] == true));
    host.close().await;
}

#[tokio::test]
async fn whoever_disconnects_one_after_the_other_leaves_no_grant_behind() {
    for [first, second] in [
        [Provider::Google, Provider::Platform],
        [Provider::Platform, Provider::Google],
    ] {
        let (host, services, folder) = syncing("disconnect-both").await;
        let gone = sealed(&host, &folder.0, second).await;
        for service in [first, second] {
            let left = host.disconnect(service, false, false, false).await;
            assert!(left.expect("it works").revoked, "{service:?} after {first:?}");
        }
        assert_eq!(lives(services.sandbox.google.oauth()), [false]);
        assert_eq!(lives(services.sandbox.platform.oauth()), [false]);
        assert_eq!(holding(&folder.0, &gone), [""; 0]);
        host.close().await;
    }
}

#[tokio::test]
async fn while_sync_is_off_the_way_out_is_named_and_works_without_the_platform() {
    let (host, services, _folder) = syncing("leave-while-off").await;
    let platform = &services.sandbox.platform;
    platform.pause_everybody(Some(PauseReason::KillSwitch));
    let engine = host.running().await.expect("both are signed in").engine;
    engine.cycle(Trigger::Manual).await.expect("the ledger works");
    drop(engine);
    // From here on the platform is gone for good.
    let gone = FaultRule::new(Service::Platform, Fault::DropBefore).times(0);
    services.sandbox.shared.faults().add(gone);

    let refused = host.disconnect(Provider::Google, true, false, true).await;
    assert_eq!(refused.expect_err("nothing may be written").code, "deletion_off");
    let plan = host.deletion_plan().await.expect("the ledger works");
    assert!(plan.events > 0);
    let report = host
        .delete_everything(plan.events, true)
        .await
        .expect("it is looked at");
    assert_eq!(report.problem.as_deref(), Some("deletion_off"));

    let left = host.disconnect(Provider::Google, false, false, false).await;
    assert!(left.expect("the events stay").revoked);
    assert!(host.accounts().await.google.is_none());
    host.close().await;
}

#[tokio::test]
async fn the_doctor_tells_a_calendar_that_may_only_be_read_from_a_sign_in_that_lacks_a_right() {
    let (host, services, _folder) = syncing("doctor-rights").await;
    let problem = async |check: &str| host.check(check).await.expect("a check").problem;
    assert_eq!(problem("calendar_rights").await, None);
    assert_eq!(problem("platform_sign_in").await, None);
    let read_only = Fault::RawBody {
        body: r#"{"accessRole":"reader","timeZone":"Europe/Berlin","items":[]}"#.into(),
        content_type: "application/json".into(),
    };
    let faults = services.sandbox.shared.faults();
    faults.add(
        FaultRule::new(Service::Google, read_only)
            .path("/events")
            .times(0),
    );
    faults.add(
        FaultRule::new(Service::Platform, Fault::ScopeMissing)
            .path("/v1/me")
            .times(0),
    );
    // Signing in again would help the one and not the other.
    assert_eq!(
        problem("calendar_rights").await.as_deref(),
        Some("calendar_read_only")
    );
    assert_eq!(
        problem("platform_sign_in").await.as_deref(),
        Some("platform_right_missing")
    );
    host.close().await;
}

#[tokio::test]
async fn a_calendar_that_may_only_be_read_is_not_taken() {
    let (host, services, _folder) = syncing("read-only-calendar").await;
    let listed = serde_json::json!({ "accessRole": "reader", "timeZone": "Europe/Berlin", "items": [] });
    let read_only = Fault::Status {
        status: 200,
        body: Some(listed),
        headers: Vec::new(),
    };
    let faults = services.sandbox.shared.faults();
    faults.add(
        FaultRule::new(Service::Google, read_only)
            .path("/events")
            .times(0),
    );
    let refused = host.choose_calendar("team@example.com", true, |settings| settings);
    let refused = refused.await.expect_err("nothing could ever be written to it");
    assert_eq!(
        (refused.code.as_str(), refused.field.as_deref()),
        ("calendar_read_only", Some("calendar_id"))
    );
    assert!(!host.other_calendar("primary").await, "the one before is in use");
    host.close().await;
}

/// Lets nobody list the calendar until it is told to, and notes in which order a list was let go and a goodbye was said.
struct Held {
    services: Arc<dyn HttpPort>,
    held: tokio::sync::watch::Sender<bool>,
    asked: tokio::sync::watch::Sender<bool>,
    order: tokio::sync::watch::Sender<Vec<&'static str>>,
}

#[async_trait::async_trait]
impl HttpPort for Held {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        if request.uri().path().ends_with("/events") {
            self.asked.send_replace(true);
            let mut held = self.held.subscribe();
            held.wait_for(|held| !held).await.expect("the test holds it");
            self.order.send_modify(|order| order.push("list"));
        }
        if place_of(request.body(), b"disconnected").is_some() {
            self.order.send_modify(|order| order.push("goodbye"));
        }
        self.services.send(request).await
    }
}

/// Syncing, with a cycle under way that lists the calendar until it is let go.
async fn listing(
    name: &str,
) -> (
    Arc<Host>,
    Running,
    Folder,
    Arc<Held>,
    tokio::task::JoinHandle<Result<(), LedgerError>>,
) {
    let (mut host, services, folder) = syncing(name).await;
    let held = Arc::new(Held {
        services: host.http.clone(),
        held: tokio::sync::watch::Sender::new(true),
        asked: tokio::sync::watch::Sender::new(false),
        order: tokio::sync::watch::Sender::default(),
    });
    Arc::get_mut(&mut host).expect("nobody else has it").http = held.clone();
    host.rebuild().await;
    let engine = host.running().await.expect("both are signed in").engine;
    let cycle = tokio::spawn(async move { engine.cycle(Trigger::Manual).await.map(|_| ()) });
    let mut asked = held.asked.subscribe();
    asked.wait_for(|asked| *asked).await.expect("it lists");
    (host, services, folder, held, cycle)
}

#[tokio::test]
async fn a_disconnect_says_goodbye_after_the_cycle_under_way_and_the_lease_stays_free() {
    let (host, services, _folder, held, cycle) = listing("disconnect-in-a-cycle").await;
    let running = host.running().await.expect("both are signed in");
    let left = tokio::join!(host.disconnect(Provider::Google, false, true, false), async {
        running.stop.cancelled().await;
        // Long enough for whoever does not wait: the database answers from a thread of its own.
        for _ in 0..20_000 {
            tokio::task::yield_now().await;
        }
        held.held.send_replace(false);
    });

    left.0.expect("it works");
    cycle.await.expect("it ends").expect("the ledger works");
    assert_eq!(*held.order.borrow(), ["list", "goodbye"]);
    assert!(services.sandbox.platform.writer(USER, "google").is_none());
    host.close().await;
}

#[tokio::test]
async fn a_laptop_is_emptied_after_the_cycle_under_way_which_leaves_nothing_in_it() {
    let (host, _services, _folder, held, cycle) = listing("emptied-in-a-cycle").await;
    let running = host.running().await.expect("both are signed in");
    let emptied = host.finish_everything(None);
    let ((), known) = tokio::join!(emptied, async {
        running.stop.cancelled().await;
        // Long enough for whoever does not wait.
        for _ in 0..20_000 {
            tokio::task::yield_now().await;
        }
        let known = host.known_accounts().await;
        held.held.send_replace(false);
        known
    });

    assert!(known.expect("not yet emptied").connection().is_some());
    cycle.await.expect("it ends").expect("the ledger still works");
    assert!(host.accounts().await.connection().is_none());
    assert_eq!(host.database.connections().await, Ok(Vec::new()));
    host.close().await;
}

/// Longer than any test. What answers at once is never waited for so long.
const FOR_EVER: std::time::Duration = std::time::Duration::from_secs(60);

#[tokio::test]
async fn who_cancels_a_sign_in_that_is_being_kept_stops_nothing_and_is_told_that_it_was_kept() {
    let (host, services, _folder, held, cycle) = listing("cancel-while-kept").await;
    let before = host.running().await.expect("both are signed in");
    let ended = answered(&host, &services, Provider::Google).await;
    // The tokens are kept, and the cycle under way is waited for.
    before.stop.cancelled().await;

    host.cancel_sign_in();
    // Long enough for whoever would end now.
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    held.held.send_replace(false);

    assert_eq!(ended.await.expect("it ends").state, "done");
    cycle.await.expect("it ends").expect("the ledger works");
    let after = host.running().await.expect("syncing goes on");
    assert!(
        !Arc::ptr_eq(&after.engine, &before.engine),
        "with the new sign-in"
    );
    assert!(!after.stop.is_cancelled());
    host.close().await;
}

#[tokio::test]
async fn while_a_cycle_is_waited_for_everybody_else_is_answered() {
    let (host, _services, _folder, held, cycle) = listing("looked-at-in-a-rebuild").await;
    let before = host.running().await.expect("both are signed in");
    let rebuilt = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.rebuild().await }
    });
    before.stop.cancelled().await;

    let shown = tokio::time::timeout(FOR_EVER, host.overview()).await;
    let shown = shown.expect("it is answered").expect("the ledger works");
    assert_ne!(shown.state, crate::ipc::dto::OverallState::NotConnected);
    assert!(shown.started, "what is known is shown");
    assert!(!rebuilt.is_finished(), "the cycle is still under way");

    held.held.send_replace(false);
    rebuilt.await.expect("it ends");
    cycle.await.expect("it ends").expect("the ledger works");
    host.close().await;
}

#[tokio::test]
async fn what_is_asked_for_while_another_engine_takes_its_place_is_asked_of_that_one() {
    let (host, _services, _folder, held, cycle) = listing("asked-in-a-rebuild").await;
    let before = host.running().await.expect("both are signed in");
    let rebuilt = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.rebuild().await }
    });
    before.stop.cancelled().await;

    let asked = crate::ipc::commands::connected(&host);
    let (asked, ()) = tokio::join!(asked, async {
        // Long enough for whoever is content with the one before.
        for _ in 0..20_000 {
            tokio::task::yield_now().await;
        }
        held.held.send_replace(false);
    });

    let asked = asked.expect("both are signed in");
    assert!(!Arc::ptr_eq(&asked.engine, &before.engine));
    assert!(!asked.stop.is_cancelled());
    rebuilt.await.expect("it ends");
    cycle.await.expect("it ends").expect("the ledger works");
    // One that is stopped and that none takes the place of is not waited for without end.
    asked.stop.cancel();
    let late = host.running_soon().await.err().expect("none is there");
    assert_eq!((late.code.as_str(), late.retryable), ("not_now", true));
    host.close().await;
}

#[tokio::test]
async fn an_engine_that_is_out_for_a_moment_is_not_called_not_connected() {
    let (host, _folder) = connected("engine-out").await;
    let running = host.running().await.expect("both are signed in");
    for started in [false, true] {
        if started {
            running.engine.start_syncing().await.expect("the ledger works");
        }
        host.stop_and_wait().await;
        let shown = host.overview().await.expect("the database works");
        assert_eq!(shown.state, crate::ipc::dto::OverallState::Starting);
        assert_eq!(shown.started, started, "nobody is thrown back to the beginning");
    }
    host.close().await;
}

#[tokio::test]
async fn whoever_quits_waits_for_the_answer_of_what_is_under_way_and_it_is_written_down() {
    let (host, _services, _folder, held, cycle) = listing("quit-in-a-cycle").await;
    let running = host.running().await.expect("both are signed in");
    let closing = async {
        host.close().await;
        held.order.send_modify(|order| order.push("closed"));
    };
    tokio::join!(closing, async {
        running.stop.cancelled().await;
        // Long enough for whoever does not wait: the database answers from a thread of its own.
        for _ in 0..20_000 {
            tokio::task::yield_now().await;
        }
        held.held.send_replace(false);
    });
    cycle.await.expect("it ends").expect("the ledger still works");
    assert_eq!(*held.order.borrow(), ["list", "closed"]);
}

#[tokio::test]
async fn that_a_sign_in_is_kept_is_told_before_what_is_under_way_has_ended() {
    let (host, services, _folder, held, cycle) = listing("kept-in-a-cycle").await;
    let before = host.running().await.expect("both are signed in");
    let account = host.accounts().await.google.expect("signed in").0;
    let integrations = host.database.integrations();
    let (lost, now) = (IntegrationStatus::NeedsReauth, host.clock.now());
    integrations
        .update_status(Provider::Google, &account.account_id, lost, now)
        .await
        .expect("the database works");
    let mut events = host.events();
    let ended = answered(&host, &services, Provider::Google).await;
    // The tokens are kept, and the cycle under way is waited for.
    before.stop.cancelled().await;

    let mut told = false;
    while let Ok(event) = events.try_recv() {
        told |= matches!(event, HostEvent::Changed);
    }
    assert!(told, "the window asks anew");
    let shown = host.overview().await.expect("the ledger works");
    assert_eq!(shown.calendar.expect("signed in").status, "active");
    held.held.send_replace(false);
    assert_eq!(ended.await.expect("it ends").state, "done");
    cycle.await.expect("it ends").expect("the ledger works");
    host.close().await;
}

#[tokio::test]
async fn after_a_sign_in_it_is_looked_at_once_though_the_window_is_in_the_background() {
    let (host, services, _folder) = syncing("looks-after-a-sign-in").await;
    assert_eq!(sign_in(&host, &services, Provider::Google).await.state, "done");
    let running = host.running().await.expect("both are signed in");
    let mut events = running.engine.events();
    let driven = tokio::spawn({
        let (engine, stop) = (Arc::clone(&running.engine), running.stop.clone());
        async move { engine.drive(stop).await }
    });

    // Both were read just now: a start by itself would be put off, by up to ten minutes.
    let looked = async { while !matches!(events.recv().await, Ok(EngineEvent::CycleEnded)) {} };
    tokio::time::timeout(FOR_EVER, looked).await.expect("it looks");
    running.stop.cancel();
    driven.await.expect("it ends");
    host.close().await;
}
