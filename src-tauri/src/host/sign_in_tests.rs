//! What the window hears of sign-ins: in order, and nothing of one that another has followed.

use super::*;
use crate::host::leaving::tests::{Folder, connected};
use roundtrip_google::GoogleConfig;
use tokio::sync::broadcast::Receiver;

/// A host that can sign in to Google as far as the page in the browser.
async fn signs_in(name: &str) -> (Arc<Host>, Receiver<HostEvent>, Folder) {
    let (mut host, folder) = connected(name).await;
    host.stop().await;
    let client = |name: &str| (name == "GOOGLE_CLIENT_ID").then(|| "a-test".to_owned());
    let google = GoogleConfig::from_settings(client).expect("a client id");
    Arc::get_mut(&mut host).expect("nobody else has it").google = google;
    let events = host.events();
    (host, events, folder)
}

fn told(events: &mut Receiver<HostEvent>) -> Vec<(String, Option<String>)> {
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let HostEvent::SignIn(view) = event {
            told.push((view.state, view.problem));
        }
    }
    told
}

fn waiting() -> (String, Option<String>) {
    ("waiting".into(), None)
}

#[tokio::test]
async fn nothing_is_heard_of_a_sign_in_that_another_has_followed() {
    let (host, mut events, _folder) = signs_in("two-sign-ins").await;
    let first = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    let number = host.sign_in().number;
    let second = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    let ended = first.ended.await.expect("it ends");
    assert_eq!(ended.state, "cancelled");
    assert_eq!(told(&mut events).last(), Some(&waiting()));

    // As if its task had come to its turn only now.
    let late = CancellationToken::new();
    late.cancel();
    host.sign_in_ended(number, &late, &ended);
    assert_eq!(told(&mut events), []);
    let shown = host.sign_in().view.clone().expect("the second one waits");
    assert_eq!(shown.url.as_deref(), Some(second.url.as_str()));

    host.cancel_sign_in();
    let ended = second.ended.await.expect("it ends");
    assert_eq!(ended.state, "cancelled");
    assert_eq!(told(&mut events), [("cancelled".into(), None)]);
    assert_eq!(host.sign_in().view, None);
    host.close().await;
}

#[tokio::test]
async fn a_browser_that_does_not_start_is_said_of_the_sign_in_that_waits() {
    let (host, mut events, _folder) = signs_in("no-browser").await;
    let first = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    let second = host.begin_sign_in(Provider::Google, None).await.expect("begun");
    first.ended.await.expect("it ends");
    told(&mut events);

    assert_eq!(host.say_no_browser(&first.url), None);
    let view = host.say_no_browser(&second.url).expect("it waits");
    assert_eq!(
        (view.state.as_str(), view.problem.as_deref()),
        ("waiting", Some("no_browser"))
    );
    // Whoever asks later hears of it, too: the window that was closed, the page that was on another screen.
    assert_eq!(host.sign_in().view, Some(view));
    assert_eq!(told(&mut events), [("waiting".into(), Some("no_browser".into()))]);

    host.cancel_sign_in();
    second.ended.await.expect("it ends");
    assert_eq!(host.say_no_browser(&second.url), None);
    host.close().await;
}

/// Signed in as trainer `trn_1` at a platform of this name.
fn at(base: &str) -> Finished {
    let extra = serde_json::json!({
        "metadata": {
            "base": format!("{base}/v1"), "issuer": base,
            "authorize_url": format!("{base}/authorize"), "token_url": format!("{base}/token"),
            "revoke_url": null, "names_itself": true, "name": null,
        },
        "me": {
            "id": "trn_1", "name": "Kim", "email": "kim@example.com", "role": "trainer",
            "platform_name": "Birke", "time_zone": "Europe/Berlin",
            "policy": { "enabled": true, "reason": null }, "client_names_allowed": true,
            "min_poll_seconds": 60, "features": [],
        },
    });
    let mut integration = Integration::new(Provider::Platform, "trn_1");
    integration.email = Some("trn_1@example.com".into());
    integration.extra = extra;
    let now = chrono::Utc::now();
    Finished {
        integration,
        tokens: StoredTokens {
            access_token: format!("of {base}").into(),
            refresh_token: None,
            issued_at: now,
            expires_at: now + chrono::Duration::hours(1),
            scopes: std::collections::BTreeSet::new(),
            status: roundtrip_http::oauth::TokenStatus::Active,
        },
        service: Provider::Platform,
    }
}

async fn platform_of(host: &Host) -> String {
    host.accounts()
        .await
        .platform
        .expect("signed in")
        .1
        .metadata
        .issuer
}

/// Its metadata may come to be written by another program one day.
#[tokio::test]
async fn a_platform_that_begins_to_end_its_name_with_a_slash_is_the_same_one() {
    let (plain, slashed) = (at("https://ahorn.example"), at("https://ahorn.example/"));
    assert!(is_same_account(&plain.integration, &slashed.integration));
    let other = at("https://ahorn.example/app").integration;
    assert!(!is_same_account(&plain.integration, &other));
    // Under another name its events would be another platform's, and be made once more.
    let (host, _folder) = connected("slash").await;
    let accounts = host.accounts().await;
    let google = accounts.google.expect("signed in");
    let named = |finished: Finished| {
        let extra = serde_json::from_value(finished.integration.extra).expect("as it is kept");
        crate::host::accounts::identity(&extra, &google.0, &google.1)
    };
    assert_eq!(named(plain), named(slashed));
}

/// A time that the trainer chose and the platform does not have.
async fn chosen_time(host: &Host) {
    use roundtrip_core::{ids::AppointmentId, record::Record, time::TimeSpan};
    let start = host.clock.now() + chrono::Duration::days(3);
    let mut record = Record::new(AppointmentId::new("apt_1"));
    record.requested_time = Some(TimeSpan {
        start,
        end: start + chrono::Duration::hours(1),
        zone: chrono_tz::Europe::Berlin,
    });
    let engine = host.running().await.expect("both are signed in").engine;
    let change = roundtrip_engine::ledger::Change::PutRecord(Box::new(record));
    let kept = engine.ledger().commit(vec![change]).await;
    kept.expect("the ledger works");
}

#[tokio::test]
async fn of_two_accounts_of_one_service_the_one_that_signed_in_is_kept_whatever_the_clock_says() {
    let (host, _folder) = connected("one-of-each").await;
    // Left by a process that died between two steps, and younger than today by a clock that was ahead then.
    let mut hidden = at("https://ahorn.example").integration;
    hidden.account_id = "trn_0".into();
    let ahead = host.clock.now() + chrono::Duration::days(1);
    let integrations = host.database.integrations();
    integrations.put(&hidden, ahead).await.expect("kept");

    assert_eq!(host.keep(at("https://birke.example")).await.state, "done");
    assert_eq!(platform_of(&host).await, "https://birke.example");
    let kept = integrations.list().await.expect("read");
    let of_platform = kept.iter().filter(|it| it.provider == Provider::Platform);
    assert_eq!(of_platform.count(), 1, "none is hidden");
    host.close().await;
}

#[tokio::test]
async fn moves_that_would_stay_behind_with_the_account_before_are_said_first() {
    let (host, _folder) = connected("stays-behind").await;
    chosen_time(&host).await;
    let before = platform_of(&host).await;
    let asked = host
        .keep_or_ask(at("https://birke.example"), &CancellationToken::new())
        .await;
    assert_eq!(asked.problem.as_deref(), Some("other_account"));

    for _ in 0..2 {
        let refused = host.confirm_other_account(true, false).await;
        let refused = refused.expect_err("a time would be lost");
        assert_eq!(
            (refused.code.as_str(), refused.detail.as_deref()),
            ("moves_waiting", Some("1"))
        );
        assert_eq!(platform_of(&host).await, before);
        let running = host.running().await.expect("still connected");
        let state = running.engine.ledger().sync_state().await;
        assert!(state.is_ok(), "put together anew");
    }
    let kept = host.confirm_other_account(true, true).await.expect("said so");
    assert_eq!(kept.expect("it was asked").state, "done");
    assert_eq!(platform_of(&host).await, "https://birke.example");
    host.close().await;
}

#[tokio::test]
async fn a_sign_in_that_is_given_up_while_both_sides_are_looked_at_is_not_kept() {
    let (host, _folder) = connected("given-up").await;
    let before = platform_of(&host).await;
    let asked = host
        .keep_or_ask(at("https://birke.example"), &CancellationToken::new())
        .await;
    assert_eq!(asked.problem.as_deref(), Some("other_account"));

    let accepted = host.confirm_other_account(true, false);
    tokio::pin!(accepted);
    // As far as it goes without waiting for the database.
    tokio::select! {
        biased;
        done = &mut accepted => panic!("nothing was looked at: {:?}", done.is_ok()),
        () = std::future::ready(()) => {}
    }
    for accept in [false, true] {
        let second = host.confirm_other_account(accept, false).await;
        assert_eq!(second.expect_err("the first goes on").code, "not_possible");
    }
    host.cancel_sign_in();
    let kept = accepted.await.expect("nothing waits").expect("it was asked");
    assert_eq!(kept.state, "cancelled");
    assert_eq!(platform_of(&host).await, before);
    assert_eq!(host.sign_in().view, None);
    let running = host.running().await.expect("still connected");
    assert!(!running.stop.is_cancelled(), "put together anew");
    let nobody = host.confirm_other_account(true, false).await;
    assert!(nobody.expect("nothing is under way").is_none());
    host.close().await;
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_kept_leaves_no_engine_that_was_stopped_for_it() {
    let (host, _folder) = connected("not-kept").await;
    let before = host.running().await.expect("both are signed in");
    // As the trainer's word on another account leaves it.
    before.stop.cancel();
    host.database.close().await;

    let view = host.keep(at("https://birke.example")).await;

    assert_eq!(
        (view.state.as_str(), view.problem.as_deref()),
        ("failed", Some("database_unavailable"))
    );
    assert!(
        host.running().await.is_none(),
        "it was put together anew as far as it goes"
    );
    host.close().await;
}

#[tokio::test]
async fn the_same_id_at_another_platform_is_another_account() {
    const HERE: &str = "http://127.0.0.1:9";
    let (host, _folder) = connected("two-platforms").await;
    assert_eq!(
        host.keep_or_ask(at(HERE), &CancellationToken::new()).await.state,
        "done",
        "signed in again"
    );
    let before = host.running().await.expect("both are signed in");
    let vault = |issuer: &str| {
        use crate::host::vault::StoreVault;
        let clock = Arc::clone(&host.clock);
        StoreVault::new(host.database.clone(), clock, Provider::Platform, "trn_1".into())
            .at(Some(issuer.to_owned()))
    };
    use roundtrip_http::oauth::TokenVault as _;
    assert!(vault(HERE).load().await.expect("the database works").is_some());

    let asked = host
        .keep_or_ask(at("https://birke.example"), &CancellationToken::new())
        .await;
    assert_eq!(asked.problem.as_deref(), Some("other_account"));
    let (here, there) = asked.accounts.expect("both are named");
    assert!(
        here.contains(HERE) && there.contains("birke.example"),
        "{here} {there}"
    );
    assert_eq!(platform_of(&host).await, HERE);

    let kept = host
        .confirm_other_account(true, false)
        .await
        .expect("nothing waits");
    let kept = kept.expect("it was asked");
    assert_eq!(kept.state, "done");
    assert_eq!(platform_of(&host).await, "https://birke.example");
    let after = host.running().await.expect("both are signed in");
    let platform = |running: &crate::host::Running| running.engine.config().identity.platform.clone();
    assert_eq!(
        (platform(&before), platform(&after)),
        (HERE.into(), "https://birke.example".into())
    );
    // Whoever still holds the engine of before finds nobody signed in, and can write over nothing.
    assert!(vault(HERE).load().await.expect("the database works").is_none());
    assert!(vault(HERE).save(&at(HERE).tokens).await.is_err());
    let tokens = vault("https://birke.example")
        .load()
        .await
        .expect("the database works");
    assert_eq!(
        secrecy::ExposeSecret::expose_secret(&tokens.expect("signed in").access_token),
        "of https://birke.example"
    );
    host.close().await;
}
