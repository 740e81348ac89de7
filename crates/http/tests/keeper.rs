//! The token keeper: fresh tokens, one refresh at a time, nothing lost.

use crate::common;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Duration;
use common::world::{granted, rotated, world, world_that_draws};
use common::{config, start};
use roundtrip_engine::ports::{Clock as _, PortError};
use roundtrip_http::oauth::{StoredTokens, TokenKeeper, TokenSet, TokenStatus};
use roundtrip_http::testing::{HandClock, MemoryVault, ScriptedHttp};
use roundtrip_http::{HttpError, HttpErrorKind, HttpPort};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::{Arc, Mutex, PoisonError};

const REVOKED: &str = r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;

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
async fn whatever_is_drawn_a_token_is_renewed_between_80_and_90_percent_of_its_life() {
    for number in [0, 1, 9, 10, 11, u64::MAX] {
        let world = world_that_draws(number);
        world.minutes(47); // of 60: 78 percent
        assert_eq!(world.token().await.as_deref(), Ok("access-1"), "drawn {number}");
        world.minutes(7); // 90 percent
        world.http.then(200, &granted(2));
        assert_eq!(world.token().await.as_deref(), Ok("access-2"), "drawn {number}");
    }
}

#[tokio::test]
async fn what_another_process_left_is_renewed_in_its_turn() {
    let world = world_that_draws(10);
    assert_eq!(world.token().await.as_deref(), Ok("access-1"));
    // Renewed by the other one six minutes later; 54 minutes after that it is this one's turn.
    let issued_at = start() + Duration::minutes(6);
    world.vault.put(StoredTokens {
        access_token: SecretString::from("access-2"),
        refresh_token: Some(SecretString::from("refresh-2")),
        issued_at,
        expires_at: issued_at + Duration::hours(1),
        scopes: ["events".to_owned()].into(),
        status: TokenStatus::Active,
    });
    world.minutes(60);
    world.http.then(200, &rotated(3));
    assert_eq!(world.token().await.as_deref(), Ok("access-3"));
    assert_eq!(world.http.asked().len(), 1);
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

/// A token endpoint that is asked just before the trainer has signed in anew.
struct SignsInMeanwhile(Arc<ScriptedHttp>, Arc<MemoryVault>);

#[async_trait]
impl HttpPort for SignsInMeanwhile {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let mut fresh = self.1.kept().expect("signed in");
        fresh.access_token = SecretString::from("access-9");
        fresh.refresh_token = Some(SecretString::from("refresh-9"));
        fresh.expires_at += Duration::hours(2);
        self.1.put(fresh);
        self.0.send(request).await
    }
}

#[tokio::test]
async fn a_refresh_under_way_neither_ends_nor_replaces_a_sign_in_that_was_kept_meanwhile() {
    for (status, answer) in [(400, REVOKED), (200, rotated(2).as_str())] {
        let world = world();
        world.minutes(61);
        world.http.then(status, answer);
        let http = Arc::new(SignsInMeanwhile(world.http.clone(), world.vault.clone()));
        let keeper = TokenKeeper::new(config(), http, world.clock.clone(), world.vault.clone());
        let token = keeper.access_token().await.expect("signed in anew");
        assert_eq!(token.expose_secret(), "access-9", "{status}");
        assert_eq!(world.kept_refresh_token(), "refresh-9", "{status}");
        let kept = world.vault.kept().map(|kept| kept.status);
        assert_eq!(kept, Some(TokenStatus::Active), "{status}");
        assert_eq!(world.http.asked().len(), 1);
    }
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
async fn a_refresh_token_of_another_client_is_asked_about_once() {
    let world = world();
    world.minutes(61);
    let other = r#"{"error":"unauthorized_client","error_description":"Unauthorized"}"#;
    // As a 400 it says that the client may not renew at all just now.
    world.http.then(400, other);
    assert_ne!(world.token().await, Err(PortError::SignInExpired));
    let before = world.http.asked().len();
    world.http.then(401, other);
    for _ in 0..2 {
        assert_eq!(world.token().await, Err(PortError::SignInExpired));
    }
    assert_eq!(world.http.asked().len(), before + 1);
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::NeedsReauth)
    );
}

#[tokio::test]
async fn a_403_for_speed_is_a_wish_to_wait() {
    let world = world();
    world.minutes(61);
    for word in [
        "rate_limit_exceeded",
        "rateLimitExceeded",
        "userRateLimitExceeded",
    ] {
        let flat = format!(r#"{{"error":"{word}"}}"#);
        let nested = format!(r#"{{"error":{{"errors":[{{"reason":"{word}"}}],"code":403}}}}"#);
        for body in [flat, nested] {
            world.http.then(403, &body);
            let wait = PortError::Throttled { retry_after: None };
            assert_eq!(world.token().await, Err(wait), "{body}");
        }
    }
    world
        .http
        .then_with(403, &[("retry-after", "9")], r#"{"error":"rate_limit_exceeded"}"#);
    let retry_after = Some(std::time::Duration::from_secs(9));
    assert_eq!(world.token().await, Err(PortError::Throttled { retry_after }));
    // Another status, or another word, is none.
    for (status, word) in [(400, "rateLimitExceeded"), (403, "access_denied")] {
        world.http.then(status, &format!(r#"{{"error":"{word}"}}"#));
        let reason = word.into();
        assert_eq!(world.token().await, Err(PortError::Rejected { reason }));
    }
}

/// Keeps the codes that are written down as warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

impl tracing::field::Visit for Warnings {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        if field.name() == "code" {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(value.to_owned());
        }
    }
    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

#[tokio::test]
async fn why_there_is_no_token_is_written_down_once_for_each_reason() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let world = world();
    world.minutes(61);
    let deleted = r#"{"error":"deleted_client"}"#;
    world
        .http
        .then(401, deleted)
        .then(401, deleted)
        .then(400, r#"{"error":"admin_policy_enforced"}"#)
        .then(400, r#"{"error":"Ada Klein, Lindenstr. 5"}"#)
        .then(200, "<html>")
        .then_fail(HttpError::not_sent(HttpErrorKind::Connect))
        .then(200, "<html>")
        .then(503, "");
    for _ in 0..8 {
        assert!(world.token().await.is_err());
    }
    world.http.then(200, &granted(2));
    assert!(world.token().await.is_ok());
    world.minutes(61);
    world.http.then(503, "");
    assert!(world.token().await.is_err());
    let told = warnings.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(
        told,
        [
            "deleted_client",
            "admin_policy_enforced",
            "unknown",
            "bad_answer",
            "server_trouble",
            "server_trouble"
        ]
    );
}

#[tokio::test]
async fn trouble_before_the_end_of_a_token_goes_unnoticed() {
    let world = world();
    world.minutes(55);
    for (status, body) in [
        (503, ""),
        (200, "<html>"),
        (403, "<html>"),
        (401, r#"{"error":"invalid_client"}"#),
    ] {
        world.http.then(status, body);
        assert_eq!(world.token().await.as_deref(), Ok("access-1"), "{status}");
    }
    assert_eq!(world.http.asked().len(), 4);
    // Trouble with what is kept here is told.
    world.vault.fail_writes(true);
    world.http.then(200, &rotated(2));
    let error = PortError::Rejected {
        reason: "vault_full".into(),
    };
    assert_eq!(world.token().await, Err(error));
    world.vault.fail_writes(false);
    world.http.then(200, &rotated(2));
    assert_eq!(world.token().await.as_deref(), Ok("access-2"));
}

#[tokio::test]
async fn from_its_end_on_a_token_is_not_used_whatever_the_trouble() {
    let world = world();
    world.minutes(60);
    world.http.then(503, "");
    let trouble = PortError::ServerTrouble {
        status: 503,
        retry_after: None,
    };
    assert_eq!(world.token().await, Err(trouble));
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
    assert_eq!(
        keeper.revoke().await,
        Err(PortError::NotConnected),
        "nothing was given back"
    );
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
    world.vault.erase();
    assert_eq!(world.keeper.revoke().await, Ok(()), "it is known to be over");
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

/// Tokens are a few KiB. What is far larger would be read by a library that takes much memory for little text.
#[tokio::test]
async fn an_answer_far_larger_than_any_token_is_not_read_and_loses_nothing() {
    const MOST: usize = 64 * 1024;
    let answer = |length: usize| {
        let rest = r#"","expires_in":3600,"token_type":"bearer"}"#;
        let start = r#"{"access_token":"access-2","scope":""#;
        let room = length - start.len() - rest.len();
        format!("{start}{}{rest}", "a ".repeat(room).split_at(room).0)
    };
    let too_large = PortError::BadAnswer {
        what: "answer too large".into(),
    };
    let world = world();
    world.minutes(61);
    for status in [200, 400] {
        world.http.then(status, &answer(MOST + 1));
        assert_eq!(world.token().await, Err(too_large.clone()), "{status}");
    }
    // What has trouble says nothing of tokens, however much it says.
    world.http.then(503, &answer(MOST + 1));
    assert!(matches!(
        world.token().await,
        Err(PortError::ServerTrouble { status: 503, .. })
    ));
    assert_eq!(world.kept_refresh_token(), "refresh-1");
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::Active)
    );
    world.http.then(200, &answer(MOST));
    assert_eq!(world.token().await.as_deref(), Ok("access-2"));

    let error = format!("{{\"error\":\"invalid_token\",\"x\":\"{}\"}}", "x".repeat(MOST));
    world.http.then(400, &error);
    assert_eq!(world.keeper.revoke().await, Err(too_large));
    assert_eq!(
        world.vault.kept().map(|kept| kept.status),
        Some(TokenStatus::Active)
    );
}

#[test]
fn no_secret_is_shown() {
    let vault = MemoryVault::signed_in(start(), &[]);
    let shown = format!("{:?} {:?}", vault.kept(), config());
    for secret in ["access-1", "refresh-1", "public-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
