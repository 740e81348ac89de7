//! What connectors send their requests through: signed, counted, named and held back.

use crate::common;

use chrono::Duration;
use common::start;
use common::world::{World, granted, rotated, world};
use roundtrip_engine::ports::PortError;
use roundtrip_http::{HttpError, HttpErrorKind, Metered, Pace, SignedHttp};
use std::sync::Arc;

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
    let why = r#"{"error":{"code":401}}"#;
    world.http.then(401, "{}").then(200, &rotated(2)).then(401, why);
    assert_eq!(signed.send(request()).await.err(), Some(PortError::SignInExpired));
    assert_eq!(world.http.asked().len(), 3);
}

#[tokio::test]
async fn what_has_no_token_for_trouble_of_the_token_endpoint_was_not_sent() {
    let html = ("content-type", "text/html");
    let unreachable = || PortError::Unreachable { nothing_sent: true };
    let wait = |seconds: Option<u64>| PortError::Throttled {
        retry_after: seconds.map(std::time::Duration::from_secs),
    };
    let said = [
        (200, vec![html], "<html>Welcome</html>", unreachable()),
        (400, vec![html], "<html>Welcome</html>", unreachable()),
        (401, vec![], r#"{"error":"invalid_client"}"#, unreachable()),
        (400, vec![], r#"{"error":"admin_policy_enforced"}"#, unreachable()),
        (500, vec![], "", unreachable()),
        (503, vec![("retry-after", "70")], "", wait(Some(70))),
        (429, vec![("retry-after", "70")], "", wait(Some(70))),
        (429, vec![], "", wait(None)),
    ];
    for (status, headers, body, expected) in said {
        // The token ended here, and was refused there.
        for refused in [false, true] {
            let world = world();
            let signed = signed(&world);
            match refused {
                true => world.http.then(401, "{}"),
                false => {
                    world.minutes(61);
                    &world.http
                }
            };
            world.http.then_with(status, &headers, body);
            let answer = signed.send(request()).await.err();
            assert_eq!(answer, Some(expected.clone()), "{status} {body} {refused}");
            assert_eq!(world.http.asked().len(), 1 + usize::from(refused));
        }
    }
    let world = world();
    let signed = signed(&world);
    let cut = HttpError::maybe_sent(HttpErrorKind::Cut);
    world.http.then(401, "{}").then_fail(cut);
    assert_eq!(signed.send(request()).await.err(), Some(unreachable()));
    // What the vault says is told as it is.
    world.vault.fail_writes(true);
    world.http.then(401, "{}").then(200, &rotated(2));
    let full = PortError::Rejected {
        reason: "vault_full".into(),
    };
    assert_eq!(signed.send(request()).await.err(), Some(full));
}

#[tokio::test]
async fn only_the_services_own_401_says_that_the_sign_in_has_expired() {
    let html = ("content-type", "text/html");
    let own = [
        (vec![("www-authenticate", "Bearer error=\"invalid_token\"")], ""),
        (
            vec![
                ("www-authenticate", "Basic"),
                ("www-authenticate", "bearer"),
                html,
            ],
            "<html>",
        ),
        (
            vec![],
            r#"{"error":{"errors":[{"reason":"authError"}],"code":401}}"#,
        ),
        (vec![], r#"{"title":"Not signed in","code":"unauthorized"}"#),
    ];
    let others = [
        (vec![html], "<html><title>Sign in to the guest network</title>"),
        (vec![("www-authenticate", "Basic realm=\"Proxy\""), html], ""),
        (vec![], "{}"),
        (vec![], r#"{"message":"Unauthorized","code":401,"error":"x"}"#),
        (vec![], "[]"),
    ];
    let own = own.into_iter().map(|answer| (answer, true));
    for ((headers, body), expired) in own.chain(others.into_iter().map(|answer| (answer, false))) {
        let world = world();
        let signed = signed(&world);
        let refuse = || world.http.then_with(401, &headers, body);
        refuse();
        world.http.then(200, &rotated(2));
        refuse();
        let expected = match expired {
            true => PortError::SignInExpired,
            false => PortError::BadAnswer {
                what: "status 401 without a reason".into(),
            },
        };
        assert_eq!(
            signed.send(request()).await.err(),
            Some(expected),
            "{headers:?} {body}"
        );
    }
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
    let html = [("content-type", "text/html")];
    world
        .http
        .then(401, "")
        .then(200, &granted(4))
        .then_with(401, &html, "<html>");
    let bad = signed.open(request()).await.err();
    assert!(matches!(bad, Some(PortError::BadAnswer { .. })), "{bad:?}");
    assert_eq!(world.http.asked().len(), 9);
    // One that is taken at once asks for no token.
    world.http.then(200, "");
    assert!(signed.open(request()).await.is_ok());
    assert_eq!(world.http.asked().len(), 10);
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
async fn an_answer_that_a_cache_kept_for_a_week_sets_no_clock_back() {
    use roundtrip_http::HttpPort as _;
    let world = world();
    let metered = Metered::new(world.http.clone(), world.clock.clone(), "");
    let week = Duration::days(7);
    let date = (start() - week).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let age = week.num_seconds().to_string();
    world.http.then_with(200, &[("date", &date), ("age", &age)], "");
    assert!(metered.send(request()).await.is_ok());
    assert_eq!(metered.clock_offset(), Some(Duration::zero()));
    for nonsense in ["-5", "soon", "99999999999999999999"] {
        world
            .http
            .then_with(200, &[("date", &date), ("age", nonsense)], "");
        assert!(metered.send(request()).await.is_ok());
        assert_eq!(metered.clock_offset(), Some(-week), "{nonsense}");
    }
}

#[tokio::test]
async fn a_date_at_the_end_of_the_calendar_tells_no_time() {
    use roundtrip_http::HttpPort as _;
    let world = world();
    let metered = Metered::new(world.http.clone(), world.clock.clone(), "");
    for year in ["262142", "9999", "0004"] {
        let date = format!("31 Dec {year} 23:59:59 GMT");
        world
            .http
            .then_with(200, &[("date", &date), ("age", "86400")], "");
        assert!(metered.send(request()).await.is_ok());
        assert_eq!(metered.clock_offset(), None, "{year}");
    }
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
