//! Sign-in to the platform over its endpoints and pages.

use crate::platform_support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform_support::World;
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "http://127.0.0.1:50123/callback";

fn fields(redirect_uri: &str) -> Vec<(&'static str, String)> {
    vec![
        ("response_type", "code".to_owned()),
        ("client_id", "roundtrip-desktop".to_owned()),
        ("redirect_uri", redirect_uri.to_owned()),
        (
            "scope",
            "appointments.read appointments.write calendar_sync".to_owned(),
        ),
        ("state", "st&te".to_owned()),
        ("code_challenge", URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))),
        ("code_challenge_method", "S256".to_owned()),
    ]
}

fn authorize(redirect_uri: &str, more: &[(&'static str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields(redirect_uri)).extend_pairs(more);
    format!("/oauth/authorize?{}", query.finish())
}

fn parameter(address: &str, name: &str) -> String {
    let url = Url::parse(address).expect("an address");
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

async fn redeem(world: &World, code: &str, redirect_uri: &str) -> platform_support::Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("client_id", "roundtrip-desktop"),
        ("code_verifier", VERIFIER),
    ];
    world.form("/oauth/token", &form).await
}

async fn refresh(world: &World, token: &str) -> platform_support::Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "roundtrip-desktop"),
    ];
    world.form("/oauth/token", &form).await
}

async fn me(world: &World, token: &str) -> platform_support::Answer {
    world
        .request(
            "GET",
            "/v1/me",
            &[("authorization", &format!("Bearer {token}"))],
            None,
        )
        .await
}

#[tokio::test]
async fn metadata_leads_to_every_endpoint() {
    let world = World::empty();
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json;
    assert_eq!(metadata["issuer"], "http://127.0.0.1:4800");
    assert_eq!(
        metadata["authorization_endpoint"],
        "http://127.0.0.1:4800/oauth/authorize"
    );
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["roundtrip_platform_name"], "Linden Akademie");
}

#[tokio::test]
async fn a_person_is_picked_on_the_page() {
    let world = World::empty();
    let page = world
        .get(&authorize(REDIRECT, &[("login_hint", "ben@example.org")]))
        .await;
    assert_eq!(page.status, 200);
    for person in ["usr_1", "usr_7", "usr_8", "usr_9"] {
        assert!(page.text.contains(&format!("data-person=\"{person}\"")));
    }
    assert!(
        page.text
            .contains("class=\"person expected\" name=\"person\" value=\"usr_8\"")
    );
    assert!(page.text.contains("value=\"st&amp;te\""));

    let mut form: Vec<(&str, String)> = fields(REDIRECT);
    form.push(("person", "usr_8".to_owned()));
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = world.form("/oauth/authorize", &form).await;
    assert_eq!(answer.status, 303);
    let address = answer.header("location");
    assert!(
        address.starts_with("http://127.0.0.1:50123/callback?"),
        "{address}"
    );
    assert_eq!(parameter(address, "state"), "st&te");
    let tokens = redeem(&world, &parameter(address, "code"), REDIRECT).await;
    assert_eq!((tokens.status, tokens.header("cache-control")), (200, "no-store"));
    assert_eq!(
        tokens.json["scope"],
        "appointments.read appointments.write calendar_sync"
    );
    let token = tokens.json["access_token"].as_str().expect("a token");
    assert_eq!(me(&world, token).await.json["name"], "Ben Adler");

    // Declined.
    let answer = world.form("/oauth/authorize", &form[..form.len() - 1]).await;
    let address = answer.header("location");
    assert_eq!(
        (parameter(address, "error"), parameter(address, "state")),
        ("access_denied".into(), "st&te".into())
    );
}

#[tokio::test]
async fn auto_consent_redirects_at_once() {
    let world = World::empty();
    world.sandbox.platform.oauth().set_auto_consent(true);
    for (hint, name) in [
        (None, "Mara Vogt"),
        (Some("usr_9"), "Lena West"),
        (Some("jana@example.org"), "Jana Roth"),
    ] {
        let more: Vec<_> = hint.map(|hint| ("login_hint", hint)).into_iter().collect();
        let answer = world.get(&authorize("roundtrip://signin/platform", &more)).await;
        let address = answer.header("location");
        assert!(address.starts_with("roundtrip://signin/platform?"), "{address}");
        let tokens = redeem(&world, &parameter(address, "code"), "roundtrip://signin/platform").await;
        let token = tokens.json["access_token"].as_str().expect("a token");
        assert_eq!(me(&world, token).await.json["name"], name);
    }
    let unknown = world
        .get(&authorize(REDIRECT, &[("login_hint", "nobody@example.org")]))
        .await;
    assert_eq!(unknown.status, 200);
}

#[tokio::test]
async fn a_foreign_redirect_gets_a_page_without_a_code() {
    let world = World::empty();
    world.sandbox.platform.oauth().set_auto_consent(true);
    let answer = world.get(&authorize("https://evil.example/callback", &[])).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
    assert!(answer.text.contains("data-error=\"redirect_uri_mismatch\""));
    let script = world.get(&authorize("http://127.0.0.1:1/<script>", &[])).await;
    assert!(!script.text.contains("/<script>"));
}

#[tokio::test]
async fn tokens_rotate_and_a_lost_answer_can_be_asked_for_again() {
    let world = World::empty();
    let first = world.sandbox.platform.sign_in_directly("usr_7");
    let first = first.refresh_token.expect("a token");
    // The first answer is lost after the platform has committed it.
    let lost = FaultRule::new(Service::Platform, Fault::DropAfter).path("/oauth/token");
    world.sandbox.shared.faults().add(lost);
    assert_eq!(refresh(&world, &first).await.status, 599);
    let second = refresh(&world, &first).await;
    assert_eq!(second.status, 200);
    let access = second.json["access_token"].as_str().expect("a token");
    assert_eq!(me(&world, access).await.status, 200);
    // Now the first one is used up: its reuse ends the session.
    assert_eq!(refresh(&world, &first).await.json["error"], "invalid_grant");
    assert_eq!(me(&world, access).await.refusal(), (401, "unauthorized"));
    let second = second.json["refresh_token"].as_str().expect("a token");
    assert_eq!(refresh(&world, second).await.status, 400);
}

#[tokio::test]
async fn revoking_ends_the_session_and_unknown_tokens_are_fine() {
    let world = World::empty();
    let grant = world.sandbox.platform.sign_in_directly("usr_7");
    assert_eq!(
        world
            .form("/oauth/revoke", &[("token", "unheard-of")])
            .await
            .status,
        200
    );
    assert_eq!(world.form("/oauth/revoke", &[]).await.status, 400);
    let token = grant.refresh_token.expect("a token");
    assert_eq!(
        world.form("/oauth/revoke", &[("token", &token)]).await.status,
        200
    );
    let answer = me(&world, &grant.access_token).await;
    assert_eq!(answer.refusal(), (401, "unauthorized"));
    assert!(answer.header("www-authenticate").contains("invalid_token"));
    assert_eq!(refresh(&world, &token).await.json["error"], "invalid_grant");
}

#[tokio::test]
async fn an_expired_access_token_is_refreshed() {
    let world = World::empty();
    let grant = world.sandbox.platform.sign_in_directly("usr_7");
    world.sandbox.platform.oauth().expire_access_tokens();
    assert_eq!(me(&world, &grant.access_token).await.status, 401);
    let fresh = refresh(&world, &grant.refresh_token.expect("a token")).await;
    assert_eq!(
        me(&world, fresh.json["access_token"].as_str().expect("a token"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_fault_can_end_a_session_or_take_a_right_away() {
    let world = World::empty();
    let grant = world.sandbox.platform.sign_in_directly("usr_7");
    let faults = world.sandbox.shared.faults();
    faults.add(FaultRule::new(Service::Platform, Fault::ScopeMissing));
    assert_eq!(
        me(&world, &grant.access_token).await.refusal(),
        (403, "insufficient_scope")
    );
    assert_eq!(me(&world, &grant.access_token).await.status, 200);
    faults.add(FaultRule::new(Service::Platform, Fault::TokenRevoked));
    assert_eq!(me(&world, &grant.access_token).await.status, 401);
    assert_eq!(
        refresh(&world, &grant.refresh_token.expect("a token")).await.json["error"],
        "invalid_grant"
    );
    let read_only =
        world
            .sandbox
            .platform
            .oauth()
            .sign_in_directly("roundtrip-desktop", "usr_7", &["appointments.read"]);
    let bearer = format!("Bearer {}", read_only.access_token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("idempotency-key", "key-00001"),
    ];
    let body =
        platform_support::move_body("2026-12-01T11:00:00+01:00", "2026-12-01T12:00:00+01:00").to_string();
    let refused = world
        .request("POST", "/v1/appointments/apt_1/move", &headers, Some(&body))
        .await;
    assert_eq!(
        (refused.refusal(), &refused.json["reason"]),
        ((403, "insufficient_scope"), &json!("appointments.write"))
    );
}
