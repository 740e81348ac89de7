//! From what a person types to where the platform is.

use roundtrip_http::testing::ScriptedHttp;
use roundtrip_http::{HttpError, HttpErrorKind};
use roundtrip_platform::{DiscoveryError, PlatformMetadata, discover, parse_address};
use serde_json::{Value, json};

fn metadata() -> Value {
    json!({"issuer":"https://linden.example","authorization_endpoint":"https://sign.linden.example/authorize",
        "token_endpoint":"https://sign.linden.example/token","revocation_endpoint":"https://sign.linden.example/revoke",
        "code_challenge_methods_supported":["S256"],"roundtrip_platform_name":" Linden Akademie ","more":1})
}

fn with(name: &str, value: Value) -> Value {
    let mut metadata = metadata();
    metadata[name] = value;
    metadata
}

async fn found(typed: &str, status: u16, kind: &str, body: &str) -> Result<PlatformMetadata, DiscoveryError> {
    let http = ScriptedHttp::new();
    http.then_with(status, &[("content-type", kind)], body);
    discover(&*http, typed).await
}

async fn found_json(body: Value) -> Result<PlatformMetadata, DiscoveryError> {
    found("linden.example", 200, "application/json", &body.to_string()).await
}

#[test]
fn what_a_person_types_is_understood() {
    for (typed, meant) in [
        ("linden.example", "https://linden.example/"),
        ("  https://Linden.Example/  ", "https://linden.example/"),
        ("linden.example:8443/team/", "https://linden.example:8443/team"),
        ("https://linden.example/?utm=1#x", "https://linden.example/"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("localhost:8080", "http://localhost:8080/"),
        ("[::1]:8080", "http://[::1]:8080/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("büro.example", "https://xn--bro-hoa.example/"),
    ] {
        assert_eq!(
            parse_address(typed).map(|url| url.to_string()),
            Ok(meant.to_owned()),
            "{typed}"
        );
    }
    let long = "a".repeat(600);
    for typed in [
        "",
        "   ",
        "linden example",
        "linden\n.example",
        "http://linden.example",
        "ftp://linden.example",
        "file:///etc/passwd",
        "https://",
        "javascript://x",
        "https://me:secret@linden.example",
        "mara@linden.example",
        &long,
    ] {
        assert_eq!(parse_address(typed), Err(DiscoveryError::BadAddress), "{typed}");
    }
}

#[tokio::test]
async fn a_platform_is_found_and_tells_how_to_sign_in() {
    let http = ScriptedHttp::new();
    http.then(200, &metadata().to_string());
    let found = discover(&*http, "linden.example").await.expect("found");
    assert_eq!(
        http.asked()[0].uri(),
        "https://linden.example/.well-known/oauth-authorization-server"
    );
    assert_eq!(found.shown_name(), "Linden Akademie");
    let sign_in = found.sign_in();
    assert_eq!(sign_in.client_id, "roundtrip-desktop");
    assert_eq!(
        sign_in.scopes,
        ["appointments.read", "appointments.write", "calendar_sync"]
    );
    assert_eq!(sign_in.token_url.as_str(), "https://sign.linden.example/token");
    assert_eq!(sign_in.issuer.map(|issuer| issuer.always_said), Some(false));
    let kept = serde_json::to_string(&found).expect("JSON");
    assert_eq!(serde_json::from_str::<PlatformMetadata>(&kept).ok(), Some(found));
    // With a path, the well-known part stands before it (RFC 8414).
    http.then(
        200,
        &with("issuer", json!("https://linden.example/team")).to_string(),
    );
    assert!(discover(&*http, "https://linden.example/team/").await.is_ok());
    assert_eq!(
        http.asked()[1].uri(),
        "https://linden.example/.well-known/oauth-authorization-server/team"
    );
}

#[tokio::test]
async fn what_is_no_platform_is_told_apart() {
    use DiscoveryError::NotAPlatform;
    let bad = |what: &str| DiscoveryError::BadAnswer { what: what.into() };
    let text = metadata().to_string();
    for (status, kind, body, expected) in [
        (404, "text/html", "<h1>Not Found</h1>", NotAPlatform),
        (404, "application/json", "{}", NotAPlatform),
        (301, "text/html", "", NotAPlatform),
        (403, "text/html", "", NotAPlatform),
        (200, "text/html", "<h1>Welcome to our pharmacy</h1>", NotAPlatform),
        (200, "application/json", "{\"hello\":1}", NotAPlatform),
        (200, "application/json", &text[..50], bad("metadata")),
        (200, "application/json", "", bad("metadata")),
        (503, "text/html", "", DiscoveryError::Trouble { status: 503 }),
        (429, "text/html", "", DiscoveryError::Trouble { status: 429 }),
    ] {
        assert_eq!(
            found("linden.example", status, kind, body).await.err(),
            Some(expected),
            "{status} {kind} {body}"
        );
    }
    for (error, expected) in [
        (
            HttpError::not_sent(HttpErrorKind::Connect),
            DiscoveryError::NotReachable,
        ),
        (
            HttpError::maybe_sent(HttpErrorKind::Timeout),
            DiscoveryError::NotReachable,
        ),
        (
            HttpError::maybe_sent(HttpErrorKind::Cut),
            DiscoveryError::NotReachable,
        ),
        (
            HttpError::not_sent(HttpErrorKind::Tls),
            DiscoveryError::WrongCertificate,
        ),
        (HttpError::maybe_sent(HttpErrorKind::TooLarge), bad("too large")),
    ] {
        let http = ScriptedHttp::new();
        http.then_fail(error);
        assert_eq!(discover(&*http, "linden.example").await.err(), Some(expected));
    }
}

/// Four million names of no letter are twelve MiB, and would be hundreds of MB once they are read.
#[tokio::test]
async fn metadata_that_would_fill_the_memory_is_not_read() {
    let bad = DiscoveryError::BadAnswer {
        what: "metadata".into(),
    };
    let large = |piece: &str, times: usize| {
        let list = "\"code_challenge_methods_supported\":[";
        let text = metadata().to_string();
        text.replace(list, &format!("{list}{}", piece.repeat(times)))
    };
    for (times, expected) in [(1_000, None), (4 << 20, Some(bad))] {
        let body = large("\"\",", times);
        assert_eq!(
            found("linden.example", 200, "application/json", &body)
                .await
                .err(),
            expected
        );
    }
}

#[tokio::test]
async fn a_sign_in_that_is_not_safe_is_refused() {
    let not_safe = |what: &str| Some(DiscoveryError::Unsafe { what: what.into() });
    let methods = "code_challenge_methods_supported";
    for value in [json!(["plain"]), json!([]), json!(["s256"])] {
        assert_eq!(found_json(with(methods, value)).await.err(), not_safe(methods));
    }
    let mut silent = metadata();
    silent.as_object_mut().expect("an object").remove(methods);
    assert_eq!(found_json(silent).await.err(), not_safe(methods));
    assert!(found_json(with(methods, json!(["plain", "S256"]))).await.is_ok());
    for name in ["authorization_endpoint", "token_endpoint", "revocation_endpoint"] {
        for value in [
            "http://linden.example/x",
            "http://127.0.0.1:9/x",
            "https://127.0.0.1:9/x",
            "roundtrip://x",
        ] {
            assert_eq!(
                found_json(with(name, json!(value))).await.err(),
                not_safe(name),
                "{name} {value}"
            );
        }
    }
    for issuer in [
        "https://evil.example",
        "http://linden.example",
        "https://linden.example/other",
    ] {
        let bad = DiscoveryError::BadAnswer {
            what: "issuer".into(),
        };
        assert_eq!(
            found_json(with("issuer", json!(issuer))).await.err(),
            Some(bad),
            "{issuer}"
        );
    }
}

#[tokio::test]
async fn a_server_that_promises_to_name_itself_must() {
    let promised = found_json(with(
        "authorization_response_iss_parameter_supported",
        json!(true),
    ))
    .await;
    let issuer = promised.expect("found").sign_in().issuer.expect("known");
    assert_eq!(
        (issuer.name.as_str(), issuer.always_said),
        ("https://linden.example", true)
    );
}
