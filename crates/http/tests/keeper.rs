//! The token keeper: fresh tokens, one refresh at a time, nothing lost.

use crate::common;

use chrono::Duration;
use common::{config, start};
use roundtrip_engine::ports::{Clock as _, PortError};
use roundtrip_http::oauth::{StoredTokens, TokenKeeper, TokenSet, TokenStatus};
use roundtrip_http::testing::{HandClock, MemoryVault, ScriptedHttp};
use roundtrip_http::{HttpError, HttpErrorKind, Metered, Pace, SignedHttp};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

const REVOKED: &str = r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;

fn granted(n: u32) -> String {
    format!(
        r#"{{"access_token":"access-{n}","expires_in":3599,"scope":"events openid","token_type":"Bearer"}}"#
    )
}

fn rotated(n: u32) -> String {
    format!(
        r#"{{"access_token":"access-{n}","refresh_token":"refresh-{n}","expires_in":3600,"token_type":"bearer"}}"#
    )
}

struct World {
    http: Arc<ScriptedHttp>,
    clock: Arc<HandClock>,
    vault: Arc<MemoryVault>,
    keeper: Arc<TokenKeeper>,
}

fn world() -> World {
    let (http, clock) = (ScriptedHttp::new(), HandClock::at(start()));
    let vault = MemoryVault::signed_in(start(), &["events"]);
    let keeper = Arc::new(TokenKeeper::new(
        config(),
        http.clone(),
        clock.clone(),
        vault.clone(),
    ));
    World {
        http,
        clock,
        vault,
        keeper,
    }
}

impl World {
    fn minutes(&self, minutes: u64) {
        self.clock.advance(std::time::Duration::from_secs(minutes * 60));
    }

    async fn token(&self) -> Result<String, PortError> {
        Ok(self.keeper.access_token().await?.expose_secret().to_owned())
    }

    fn kept_refresh_token(&self) -> String {
        let token = self
            .vault
            .kept()
            .expect("kept")
            .refresh_token
            .expect("a refresh token");
        token.expose_secret().to_owned()
    }
}

#[tokio::test]
async fn a_token_is_used_until_80_to_90_percent_of_its_life() {
    let world = world();
    for minutes in [0, 20, 20, 7] {
        world.minutes(minutes);
        assert_eq!(world.token().await.as_deref(), Ok("access-1"));
    }
    assert_eq!(world.http.asked().len(), 0);
    world.minutes(8); // 55 of 60
    world.http.then(200, &granted(2));
    assert_eq!(world.token().await.as_deref(), Ok("access-2"));
    let asked = world.http.asked();
    let form = std::str::from_utf8(asked[0].body()).expect("text");
    for part in [
        "grant_type=refresh_token",
        "refresh_token=refresh-1",
        "client_id=app",
        "client_secret=public-secret",
    ] {
        assert!(form.split('&').any(|pair| pair == part), "{part} in {form}");
    }
    // Google does not rotate: the old one stays.
    assert_eq!(world.kept_refresh_token(), "refresh-1");
    assert_eq!(
        world.keeper.scopes().await,
        Ok(["events".to_owned(), "openid".to_owned()].into())
    );
}

#[tokio::test]
async fn a_hundred_tasks_cause_one_refresh() {
    let world = world();
    world.minutes(59);
    world.http.then(200, &rotated(2));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let keeper = world.keeper.clone();
            tokio::spawn(async move { keeper.access_token().await })
        })
        .collect();
    for task in tasks {
        let token = task.await.expect("no panic").expect("a token");
        assert_eq!(token.expose_secret(), "access-2");
    }
    assert_eq!(world.http.asked().len(), 1);
    assert_eq!(world.kept_refresh_token(), "refresh-2");
}

#[tokio::test]
async fn a_hundred_refused_requests_cause_one_refresh() {
    let world = world();
    world.http.then(200, &rotated(2));
    let refused = SecretString::from("access-1");
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (keeper, refused) = (world.keeper.clone(), refused.clone());
            tokio::spawn(async move { keeper.replace(&refused).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(
            task.await.expect("no panic").expect("a token").expose_secret(),
            "access-2"
        );
    }
    assert_eq!(world.http.asked().len(), 1);
}

#[tokio::test]
async fn two_processes_of_one_data_folder_refresh_once() {
    let world = world();
    let other = TokenKeeper::new(
        config(),
        world.http.clone(),
        world.clock.clone(),
        world.vault.clone(),
    );
    // Both know the first token before it ends.
    assert_eq!(world.token().await.as_deref(), Ok("access-1"));
    assert!(other.access_token().await.is_ok());
    world.minutes(59);
    world.http.then(200, &rotated(2));
    let (one, two) = tokio::join!(world.keeper.access_token(), other.access_token());
    assert_eq!(one.expect("a token").expose_secret(), "access-2");
    assert_eq!(two.expect("a token").expose_secret(), "access-2");
    assert_eq!(world.http.asked().len(), 1);
    // And after a 401 the one that did not refresh looks into the vault first.
    world.http.then(200, &rotated(3));
    assert!(
        world
            .keeper
            .replace(&SecretString::from("access-2"))
            .await
            .is_ok()
    );
    let refused = other.replace(&SecretString::from("access-2")).await;
    assert_eq!(refused.expect("a token").expose_secret(), "access-3");
    assert_eq!(world.http.asked().len(), 2);
}

#[tokio::test]
async fn a_dead_refresh_token_is_asked_about_once_and_reconnecting_goes_on() {
    let world = world();
    world.minutes(61);
    world.http.then(400, REVOKED);
    for _ in 0..5 {
        assert_eq!(world.token().await, Err(PortError::SignInExpired));
    }
    assert_eq!(world.http.asked().len(), 1);
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::NeedsReauth)
    );
    // A new process does not ask either.
    let other = TokenKeeper::new(
        config(),
        world.http.clone(),
        world.clock.clone(),
        world.vault.clone(),
    );
    assert_eq!(other.access_token().await.err(), Some(PortError::SignInExpired));
    assert_eq!(world.http.asked().len(), 1);
    // Reconnected in the other process: this one sees it.
    let now = world.clock.now();
    world.vault.put(StoredTokens {
        access_token: SecretString::from("access-9"),
        refresh_token: Some(SecretString::from("refresh-9")),
        issued_at: now,
        expires_at: now + Duration::hours(1),
        scopes: ["events".to_owned()].into(),
        status: TokenStatus::Active,
    });
    assert_eq!(world.token().await.as_deref(), Ok("access-9"));
    assert_eq!(world.http.asked().len(), 1);
}

#[tokio::test]
async fn a_new_sign_in_is_kept_and_used_at_once() {
    let world = world();
    assert_eq!(world.token().await.as_deref(), Ok("access-1"));
    let now = world.clock.now();
    let tokens = TokenSet {
        access_token: SecretString::from("access-5"),
        refresh_token: Some(SecretString::from("refresh-5")),
        issued_at: now,
        expires_at: now + Duration::hours(1),
        scopes: ["events".to_owned()].into(),
        id_token: None,
    };
    world.keeper.adopt(tokens).await.expect("a vault that works");
    assert_eq!(world.token().await.as_deref(), Ok("access-5"));
    assert_eq!(world.kept_refresh_token(), "refresh-5");
    assert_eq!(world.http.asked().len(), 0);
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_never_kills_a_token() {
    let cut = HttpError::maybe_sent(HttpErrorKind::Cut);
    let world = world();
    world.minutes(61);
    world
        .http
        .then_with(
            503,
            &[("content-type", "text/html"), ("retry-after", "30")],
            "<html>",
        )
        .then(500, REVOKED)
        .then(429, "{}")
        .then_fail(cut)
        .then_with(400, &[("content-type", "text/html")], "<html>")
        .then(200, "{\"access_token\":")
        .then(200, "{}")
        .then(401, r#"{"error":"invalid_client"}"#)
        .then(400, r#"{"error":"admin_policy_enforced"}"#)
        .then(200, &granted(2));
    let retry_after = Some(std::time::Duration::from_secs(30));
    let bad = || PortError::BadAnswer {
        what: "token answer".into(),
    };
    for expected in [
        PortError::ServerTrouble {
            status: 503,
            retry_after,
        },
        PortError::ServerTrouble {
            status: 500,
            retry_after: None,
        },
        PortError::Throttled { retry_after: None },
        PortError::Unreachable { nothing_sent: false },
        bad(),
        bad(),
        bad(),
        PortError::Rejected {
            reason: "invalid_client".into(),
        },
        PortError::Rejected {
            reason: "admin_policy_enforced".into(),
        },
    ] {
        assert_eq!(world.token().await, Err(expected));
        assert_eq!(
            world.vault.kept().map(|kept| kept.status),
            Some(TokenStatus::Active)
        );
        assert_eq!(world.kept_refresh_token(), "refresh-1");
    }
    assert_eq!(world.token().await.as_deref(), Ok("access-2"));
}

#[tokio::test]
async fn trouble_before_the_end_of_a_token_goes_unnoticed() {
    let world = world();
    world.minutes(55);
    world.http.then(503, "");
    assert_eq!(world.token().await.as_deref(), Ok("access-1"));
    world.http.then(200, &rotated(2));
    assert_eq!(world.token().await.as_deref(), Ok("access-2"));
}

#[tokio::test]
async fn a_new_refresh_token_is_used_only_once_it_is_kept() {
    let world = world();
    world.minutes(61);
    world.vault.fail_writes(true);
    world.http.then(200, &rotated(2));
    let error = PortError::Rejected {
        reason: "vault_full".into(),
    };
    assert_eq!(world.token().await, Err(error));
    assert_eq!(world.kept_refresh_token(), "refresh-1");
    // Not having been used, the new one leaves the old one valid: it is what is sent again.
    world.vault.fail_writes(false);
    world.http.then(200, &rotated(3));
    assert_eq!(world.token().await.as_deref(), Ok("access-3"));
    let asked = world.http.asked();
    assert!(
        std::str::from_utf8(asked[1].body())
            .expect("text")
            .contains("refresh_token=refresh-1")
    );
    assert_eq!(world.kept_refresh_token(), "refresh-3");
}

#[tokio::test]
async fn nobody_signed_in_is_said_without_a_request() {
    let (http, clock) = (ScriptedHttp::new(), HandClock::at(start()));
    let keeper = TokenKeeper::new(config(), http.clone(), clock, MemoryVault::empty());
    assert_eq!(keeper.access_token().await.err(), Some(PortError::NotConnected));
    assert_eq!(keeper.revoke().await, Ok(()));
    assert_eq!(http.asked().len(), 0);
}

#[tokio::test]
async fn revoking_ends_the_grant_and_marks_the_vault() {
    let world = world();
    world.http.then(503, "");
    assert!(matches!(
        world.keeper.revoke().await,
        Err(PortError::ServerTrouble { .. })
    ));
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::Active)
    );
    world.http.then(200, "");
    assert_eq!(world.keeper.revoke().await, Ok(()));
    let asked = world.http.asked();
    assert_eq!(asked[1].uri(), "https://sign.example/revoke");
    let form = std::str::from_utf8(asked[1].body()).expect("text");
    assert!(form.split('&').any(|pair| pair == "token=refresh-1"), "{form}");
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::Revoked)
    );
    assert_eq!(world.token().await, Err(PortError::NotConnected));
    assert_eq!(world.keeper.revoke().await, Ok(()), "a second time is fine");
    assert_eq!(world.http.asked().len(), 2);
}

#[tokio::test]
async fn a_token_that_is_dead_already_counts_as_revoked() {
    let world = world();
    world.http.then(
        400,
        r#"{"error":"invalid_token","error_description":"Token expired or revoked"}"#,
    );
    assert_eq!(world.keeper.revoke().await, Ok(()));
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::Revoked)
    );
}

fn signed(world: &World) -> SignedHttp {
    let metered = Arc::new(Metered::new(world.http.clone(), world.clock.clone(), ""));
    let pace = Pace::new(world.clock.clone(), roundtrip_core::quota::PLATFORM);
    SignedHttp::new(metered, world.keeper.clone(), pace, world.clock.clone())
}

fn request() -> http::Request<bytes::Bytes> {
    http::Request::get("https://api.example/x")
        .body(bytes::Bytes::new())
        .expect("a test's own request")
}

#[tokio::test]
async fn a_401_causes_one_refresh_and_one_more_try() {
    let world = world();
    let signed = signed(&world);
    world
        .http
        .then(401, "{}")
        .then(200, &rotated(2))
        .then(200, "hello");
    let answer = signed.send(request()).await.expect("an answer");
    assert_eq!(answer.body(), "hello");
    let tokens: Vec<_> = world
        .http
        .asked()
        .iter()
        .filter(|request| request.uri() == "https://api.example/x")
        .map(|request| {
            request.headers()["authorization"]
                .to_str()
                .expect("text")
                .to_owned()
        })
        .collect();
    assert_eq!(tokens, ["Bearer access-1", "Bearer access-2"]);
}

#[tokio::test]
async fn a_second_401_is_the_end_of_this_try() {
    let world = world();
    let signed = signed(&world);
    world.http.then(401, "{}").then(200, &rotated(2)).then(401, "{}");
    assert_eq!(signed.send(request()).await.err(), Some(PortError::SignInExpired));
    assert_eq!(world.http.asked().len(), 3);
}

#[tokio::test]
async fn a_stream_that_is_refused_opens_with_a_new_token_once() {
    let world = world();
    let signed = signed(&world);
    world
        .http
        .then(401, "")
        .then(200, &granted(2))
        .then(200, "event: hello\n\n");
    assert_eq!(
        signed
            .open(request())
            .await
            .map(|answer| answer.status().as_u16())
            .ok(),
        Some(200)
    );
    assert_eq!(world.http.asked().len(), 3);
    world.http.then(401, "").then(200, &granted(3)).then(401, "");
    assert_eq!(signed.open(request()).await.err(), Some(PortError::SignInExpired));
    assert_eq!(world.http.asked().len(), 6);
    // One that is taken at once asks for no token.
    world.http.then(200, "");
    assert!(signed.open(request()).await.is_ok());
    assert_eq!(world.http.asked().len(), 7);
}

#[tokio::test]
async fn what_cannot_be_sent_as_a_token_takes_no_ones_place() {
    for answer in [
        r#"{"access_token":"access-2","expires_in":3600,"token_type":"mac"}"#,
        r#"{"access_token":"access 2\n","expires_in":3600,"token_type":"bearer"}"#,
        r#"{"access_token":"access-2","refresh_token":"refresh 2\n","expires_in":3600,"token_type":"bearer"}"#,
    ] {
        let world = world();
        world.minutes(61);
        world.http.then(200, answer);
        assert!(world.token().await.is_err(), "{answer}");
        assert_eq!(world.kept_refresh_token(), "refresh-1");
        world.http.then(200, &granted(3));
        assert_eq!(world.token().await.as_deref(), Ok("access-3"));
    }
}

#[tokio::test]
async fn a_token_is_not_believed_to_live_longer_than_a_month() {
    let world = world();
    world.minutes(61);
    let answer = r#"{"access_token":"access-2","expires_in":99999999,"token_type":"bearer"}"#;
    world.http.then(200, answer);
    assert_eq!(world.token().await.as_deref(), Ok("access-2"));
    world.minutes(23 * 24 * 60); // 77 percent of 30 days
    assert_eq!(world.token().await.as_deref(), Ok("access-2"));
    world.minutes(5 * 24 * 60); // 93 percent
    world.http.then(200, &granted(3));
    assert_eq!(world.token().await.as_deref(), Ok("access-3"));
}

#[tokio::test]
async fn retry_after_keeps_further_requests_back() {
    let world = world();
    let signed = signed(&world);
    world.http.then_with(429, &[("retry-after", "20")], "");
    let throttled = |seconds| PortError::Throttled {
        retry_after: Some(std::time::Duration::from_secs(seconds)),
    };
    assert_eq!(signed.send(request()).await.err(), Some(throttled(20)));
    world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(signed.send(request()).await.err(), Some(throttled(15)));
    assert_eq!(world.http.asked().len(), 1);
    world.clock.advance(std::time::Duration::from_secs(15));
    world.http.then(200, "");
    assert!(signed.send(request()).await.is_ok());
}

#[tokio::test]
async fn requests_are_counted_named_and_tell_the_time() {
    let world = world();
    let metered = Metered::new(world.http.clone(), world.clock.clone(), "gzip");
    use roundtrip_http::HttpPort as _;
    let date = |minutes| {
        (start() + Duration::minutes(minutes))
            .format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    };
    world
        .http
        .then(200, "")
        .then_with(200, &[("date", &date(7))], "")
        .then_with(200, &[("date", &date(0))], "");
    assert_eq!((metered.requests_sent(), metered.clock_offset()), (0, None));
    assert!(metered.send(request()).await.is_ok());
    assert_eq!(metered.clock_offset(), None);
    assert!(metered.send(request()).await.is_ok());
    assert_eq!(metered.clock_offset(), Some(Duration::minutes(7)));
    assert!(metered.send(request()).await.is_ok());
    assert_eq!(metered.clock_offset(), Some(Duration::zero()));
    assert!(metered.send(request()).await.is_err());
    assert_eq!(metered.requests_sent(), 4, "one without an answer counts too");
    let asked = world.http.asked();
    let header = |n: usize, name| asked[n].headers()[name].to_str().expect("text").to_owned();
    let version = concat!(
        env!("CARGO_PKG_VERSION_MAJOR"),
        ".",
        env!("CARGO_PKG_VERSION_MINOR")
    );
    assert_eq!(
        header(0, "user-agent"),
        format!("Roundtrip/{version} ({}) gzip", std::env::consts::OS)
    );
    assert_ne!(header(0, "x-request-id"), header(1, "x-request-id"));

    metered.name_requests(Some("rt-7f".into()));
    world.http.then_with(200, &[], "");
    assert!(metered.send(request()).await.is_ok());
    let named = world.http.asked()[4].headers()["x-request-id"].clone();
    assert_eq!(named, "rt-7f-4");
}

#[tokio::test]
async fn a_clock_that_is_set_is_no_sleep() {
    use roundtrip_http::HttpPort as _;
    let world = world();
    let metered = Metered::new(world.http.clone(), world.clock.clone(), "");
    let date = start().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    world.http.then_with(200, &[("date", &date)], "");
    assert!(metered.send(request()).await.is_ok());
    assert_eq!(metered.clock_offset(), Some(Duration::zero()));

    let ten_years = Duration::days(3_652);
    for by in [ten_years, -ten_years, Duration::hours(-1)] {
        world.clock.set(start() + by);
        assert_eq!(metered.clock_offset(), Some(-by), "the services' time stays");
    }
    // Asleep for a weekend: the running clock stood still, and the wall clock is right.
    world.clock.set(start() + Duration::days(3));
    assert_eq!(metered.clock_offset(), Some(Duration::zero()));
}

#[test]
fn no_secret_is_shown() {
    let vault = MemoryVault::signed_in(start(), &[]);
    let shown = format!("{:?} {:?}", vault.kept(), config());
    for secret in ["access-1", "refresh-1", "public-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
