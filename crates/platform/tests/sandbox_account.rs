//! Sign-in, policy and status, against the stand-in of the platform.

use crate::world;

use chrono::Duration;
use chrono_tz::Europe::Berlin;
use roundtrip_core::ids::DeviceId;
use roundtrip_engine::ports::{LaptopStatus, PlatformPort as _, PortError};
use roundtrip_http::oauth::{SignInAttempt, SignInError, TokenStatus};
use roundtrip_platform::{DEEP_LINK_REDIRECT, DiscoveryError, discover};
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::PauseReason;
use world::*;

#[tokio::test]
async fn who_is_signed_in_is_told() {
    let world = World::new().await;
    assert_eq!(world.metadata.shown_name(), "Linden Akademie");
    let me = world.client.me().await.expect("read");
    assert_eq!(
        (me.id.as_str(), me.name.as_str(), me.platform_name.as_str()),
        (MARA, "Mara Vogt", "Linden Akademie")
    );
    assert_eq!(me.time_zone, Berlin);
    assert!(me.policy.enabled && me.features.iter().any(|word| word == "writer_lease"));
    assert_eq!(world.client.clock_offset(), Some(Duration::zero()));
}

#[tokio::test]
async fn a_deep_link_ends_a_sign_in_too() {
    let world = World::new().await;
    let mut attempt =
        SignInAttempt::begin(world.metadata.sign_in(), DEEP_LINK_REDIRECT, start()).expect("safe");
    let link = redirect_of(&*world.http, attempt.authorize_url().as_str()).await;
    assert!(link.starts_with("roundtrip://signin/platform?"), "{link}");
    let code = attempt
        .complete_from_url(&link, start())
        .expect("the right answer");
    assert_eq!(
        attempt.complete_from_url(&link, start()).err(),
        Some(SignInError::AlreadyAnswered)
    );
    let tokens = attempt
        .exchange(code, &*world.http, &*world.clock)
        .await
        .expect("signed in");
    assert!(tokens.refresh_token.is_some());
    // The same link in another attempt is somebody else's.
    let mut other =
        SignInAttempt::begin(world.metadata.sign_in(), DEEP_LINK_REDIRECT, start()).expect("safe");
    assert_eq!(
        other.complete_from_url(&link, start()).err(),
        Some(SignInError::StateMismatch)
    );
}

#[tokio::test]
async fn an_address_that_is_no_platform_is_told_apart() {
    let world = World::new().await;
    let google = discover(&*world.http, &world.running.google_url).await;
    assert_eq!(google.err(), Some(DiscoveryError::NotAPlatform));
    let part = "/.well-known/";
    for (fault, expected) in [
        (
            Fault::CutPage,
            DiscoveryError::BadAnswer {
                what: "metadata".into(),
            },
        ),
        (
            Fault::BigBody { bytes: 50_000_000 },
            DiscoveryError::BadAnswer {
                what: "too large".into(),
            },
        ),
        (Fault::DropBefore, DiscoveryError::NotReachable),
        (
            Fault::Status {
                status: 502,
                body: None,
                headers: vec![],
            },
            DiscoveryError::Trouble { status: 502 },
        ),
        (
            Fault::RawBody {
                body: "<h1>Shop</h1>".into(),
                content_type: "text/html".into(),
            },
            DiscoveryError::NotAPlatform,
        ),
    ] {
        world.fault(part, fault.clone());
        assert_eq!(
            discover(&*world.http, &world.running.platform_url).await.err(),
            Some(expected),
            "{fault:?}"
        );
    }
    let World { running, http, .. } = world;
    let url = running.platform_url.clone();
    running.shutdown().await;
    assert_eq!(
        discover(&*http, &url).await.err(),
        Some(DiscoveryError::NotReachable)
    );
}

#[tokio::test]
async fn turning_sync_off_is_told_with_every_answer_and_stops_writes() {
    let world = World::new().await;
    let id = world.plan("2026-12-01T09:00:00Z", |_| ());
    let known = world.listing(None).await;
    world
        .platform()
        .pause(MARA, Some(PauseReason::DisabledByAdmin))
        .expect("turned off");
    let listing = world.listing(Some(&known.next_cursor)).await;
    assert_eq!(
        (listing.policy.enabled, listing.policy.reason.as_deref()),
        (false, Some("disabled_by_admin"))
    );
    let refused = world.report(&id, 1, "key-00001", "2026-12-01T12:00:00Z").await;
    assert_eq!(
        refused,
        Err(PortError::SyncDisabled {
            reason: "disabled_by_admin".into()
        })
    );
    assert!(!world.client.me().await.expect("read").policy.enabled);
    world.platform().pause(MARA, None).expect("turned on");
    assert!(world.listing(Some(&known.next_cursor)).await.policy.enabled);
    assert!(
        world
            .report(&id, 1, "key-00001", "2026-12-01T12:00:00Z")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn one_laptop_writes_at_a_time() {
    let world = World::new().await;
    let status = |device: &str, take_over| LaptopStatus {
        status: "active".into(),
        last_success_at: Some(start()),
        linked: 3,
        waiting: 0,
        conflicts: 0,
        problem: None,
        app_version: "0.1.0".into(),
        device: format!("{device}'s laptop"),
        device_id: DeviceId::new(device),
        take_over,
    };
    let writer = async |device: &str, take_over: bool| {
        let answer = world
            .client
            .report_status("google", &status(device, take_over))
            .await
            .expect("taken");
        answer.writer.map(|writer| writer.device_id.0)
    };
    assert_eq!(writer("device-one", false).await.as_deref(), Some("device-one"));
    assert_eq!(writer("device-two", false).await.as_deref(), Some("device-one"));
    assert_eq!(writer("device-two", true).await.as_deref(), Some("device-two"));
    assert_eq!(writer("device-one", false).await.as_deref(), Some("device-two"));
    assert!(!world.platform().integrations().is_empty());
    assert_eq!(world.client.end_integration("google").await, Ok(()));
    assert_eq!(world.client.end_integration("google").await, Ok(()));
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_lost_reply_costs_nothing() {
    let world = World::new().await;
    let refresh_token = || {
        use secrecy::ExposeSecret as _;
        let kept = world
            .vault
            .kept()
            .expect("kept")
            .refresh_token
            .expect("a refresh token");
        kept.expose_secret().to_owned()
    };
    let first = refresh_token();
    world.platform().oauth().expire_access_tokens();
    // The reply with the new tokens is lost: the old one still works, for the new one was never used.
    world.fault("/oauth/token", Fault::DropAfter);
    assert_eq!(
        world.client.me().await.err(),
        Some(PortError::Unreachable { nothing_sent: true }),
        "the question was not sent, whatever became of the token"
    );
    assert_eq!(refresh_token(), first);
    assert!(world.client.me().await.is_ok());
    let second = refresh_token();
    assert_ne!(second, first);
    // 5xx at the token endpoint is no reason to give up a sign-in.
    world.platform().oauth().expire_access_tokens();
    world.fault(
        "/oauth/token",
        Fault::Status {
            status: 503,
            body: None,
            headers: vec![],
        },
    );
    assert!(matches!(
        world.client.me().await,
        Err(PortError::Unreachable { nothing_sent: true })
    ));
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::Active)
    );
    let before = world.requests("/oauth/token");
    // No more than may be sent in one second: this clock does not wait.
    world.clock.advance(std::time::Duration::from_secs(2));
    let looks = futures::future::join_all((0..24).map(|_| world.client.me())).await;
    assert!(looks.iter().all(Result::is_ok));
    assert_eq!(world.requests("/oauth/token"), before + 1);
    assert!(![first, second].contains(&refresh_token()));
}

#[tokio::test]
async fn an_ended_session_asks_for_reconnecting_once() {
    let world = World::new().await;
    world.platform().oauth().revoke_all();
    let before = world.requests("/oauth/token");
    for _ in 0..3 {
        assert_eq!(
            world.client.changes(None, None).await,
            Err(PortError::SignInExpired)
        );
    }
    assert_eq!(world.requests("/oauth/token"), before + 1);
    world.sign_in().await;
    assert!(world.client.me().await.is_ok());
    assert_eq!(world.client.revoke().await, Ok(()));
    assert!(
        world
            .platform()
            .oauth()
            .sessions()
            .iter()
            .all(|session| !session.live)
    );
    assert_eq!(world.client.me().await.err(), Some(PortError::NotConnected));
}

#[tokio::test]
async fn too_many_requests_are_told_with_a_time_and_held_back() {
    let world = World::new().await;
    world.fault("/v1/me", Fault::RateLimited);
    for _ in 0..3 {
        assert!(matches!(
            world.client.me().await,
            Err(PortError::Throttled { retry_after: Some(_) })
        ));
    }
    assert_eq!(
        world.requests("/v1/me"),
        1,
        "nothing is sent while the platform asked to wait"
    );
}

#[tokio::test]
async fn what_the_platform_says_is_left_is_not_overstepped() {
    let world = World::new().await;
    world.platform().set_requests_per_minute(2);
    for _ in 0..2 {
        assert!(world.client.me().await.is_ok());
    }
    let third = world.client.me().await;
    assert!(
        matches!(third, Err(PortError::Throttled { retry_after: Some(_) })),
        "{third:?}"
    );
    assert_eq!(world.requests("/v1/me"), 2);
}
