//! Sign-in, refresh and revocation, against the stand-in of Google.

use crate::world;

use chrono::Duration;
use futures::future::join_all;
use roundtrip_core::ids::EventId;
use roundtrip_engine::ports::{CalendarPort as _, EventLookup, PortError};
use roundtrip_google::{Account, CALENDAR_SCOPE, GoogleConfig};
use roundtrip_http::oauth::{LoopbackSignIn, SignInError, TokenStatus};
use roundtrip_sandbox::faults::Fault;
use world::*;

#[tokio::test]
async fn signing_in_tells_who_it_is_and_what_was_granted() {
    let world = World::new().await;
    let tokens = world.sign_in(world.config.sign_in()).await.expect("signed in");
    let account = Account::of(&tokens, &world.config).expect("known");
    assert!(!account.subject.is_empty());
    assert_eq!(account.email.as_deref(), Some(MARA));
    assert!(Account::missing_rights(&tokens).is_empty());
    assert!(tokens.refresh_token.is_some());
    // Another account is another subject.
    let other = world
        .sign_in(world.config.sign_in_again("ben.adler@gmail.example"))
        .await
        .expect("signed in");
    assert_ne!(
        Account::of(&other, &world.config).expect("known").subject,
        account.subject
    );
    // A right that was unticked is noticed at once, and named if it is used all the same.
    world
        .google()
        .set_auto_grant(Some(vec!["openid".into(), "email".into()]));
    let tokens = world
        .sign_in(world.config.sign_in())
        .await
        .expect("the sign-in itself succeeds");
    assert_eq!(Account::missing_rights(&tokens), [CALENDAR_SCOPE]);
    world.calendar.keeper().adopt(tokens).await.expect("kept");
    let missing = PortError::RightMissing {
        right: CALENDAR_SCOPE.into(),
    };
    assert_eq!(
        world.calendar.changes(&primary(), None).await,
        Err(missing.clone())
    );
    assert_eq!(world.calendar.calendar(&primary()).await, Err(missing));
}

#[tokio::test]
async fn a_wrong_secret_or_code_is_refused_in_one_word() {
    let world = World::new().await;
    let wrong = GoogleConfig {
        client_secret: Some("wrong".into()),
        ..world.config.clone()
    };
    let refused = PortError::Rejected {
        reason: "invalid_client".into(),
    };
    assert_eq!(
        world.sign_in(wrong.sign_in()).await.err(),
        Some(SignInError::Service(refused))
    );
    let sign_in = LoopbackSignIn::begin(world.config.sign_in(), world.clock.clone())
        .await
        .expect("a port");
    let state = sign_in
        .authorize_url()
        .query_pairs()
        .find(|(key, _)| key == "state")
        .expect("asked")
        .1
        .into_owned();
    let made_up = format!("http://{}/callback?state={state}&code=made-up", sign_in.address());
    let (outcome, _) = tokio::join!(sign_in.wait(&*world.http), world.http.send(get(&made_up)));
    assert_eq!(outcome.err(), Some(SignInError::CodeNotAccepted));
}

#[tokio::test]
async fn many_requests_at_once_cause_one_refresh() {
    // With each sent twice no more than may be sent in one second: this clock does not wait.
    let world = World::new().await;
    world.insert("rt0abc").await;
    let tokens = world.requests("POST", "/token");
    world.google().oauth().expire_access_tokens();
    let id = EventId::new("rt0abc");
    let calendar = primary();
    let answers = join_all((0..24).map(|_| world.calendar.get(&calendar, &id))).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Ok(EventLookup::Live { .. })))
    );
    assert_eq!(world.requests("POST", "/token"), tokens + 1);
    // And before a token ends, without any refusal.
    world.clock.advance(std::time::Duration::from_secs(3_300));
    let refused = world.calendar.requests_sent();
    let answers = join_all((0..24).map(|_| world.calendar.get(&calendar, &id))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.calendar.requests_sent(), refused + 25);
    assert_eq!(world.requests("POST", "/token"), tokens + 2);
}

#[tokio::test]
async fn a_revoked_grant_is_asked_about_once_and_reconnecting_goes_on() {
    let world = World::new().await;
    world.insert("rt0abc").await;
    let tokens = world.requests("POST", "/token");
    world.google().revoke_all_tokens();
    for _ in 0..3 {
        assert_eq!(
            world.calendar.changes(&primary(), None).await,
            Err(PortError::SignInExpired)
        );
    }
    assert_eq!(world.requests("POST", "/token"), tokens + 1);
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::NeedsReauth)
    );
    let again = world
        .sign_in(world.config.sign_in_again(MARA))
        .await
        .expect("signed in");
    world.calendar.keeper().adopt(again).await.expect("kept");
    assert_eq!(
        world
            .calendar
            .changes(&primary(), None)
            .await
            .map(|listing| listing.items.len()),
        Ok(1)
    );
}

#[tokio::test]
async fn disconnecting_revokes_and_leaves_the_events() {
    let world = World::new().await;
    world.insert("rt0abc").await;
    assert_eq!(world.calendar.revoke().await, Ok(()));
    assert!(
        world
            .google()
            .oauth()
            .sessions()
            .iter()
            .all(|session| !session.live)
    );
    assert_eq!(
        world.calendar.changes(&primary(), None).await,
        Err(PortError::NotConnected)
    );
    assert_eq!(world.google().list_all(MARA, "primary").expect("there").len(), 1);
}

#[tokio::test]
async fn the_services_clock_is_noticed() {
    let world = World::new().await;
    assert!(world.calendar.calendar(&primary()).await.is_ok());
    assert_eq!(world.calendar.clock_offset(), Some(Duration::zero()));
    world.fault("GET", Fault::ClockSkew { seconds: 600 });
    assert!(world.calendar.calendar(&primary()).await.is_ok());
    assert_eq!(world.calendar.clock_offset(), Some(Duration::minutes(10)));
}
