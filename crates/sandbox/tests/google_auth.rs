//! Sign-in, scopes and quotas of the Google stand-in.

use crate::google_support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use google_support::*;
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::google::QuotaLimits;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

const VERIFIER: &str = "0123456789-abcdefghijklmnopqrstuvwxyz_ABCDEFG";
const REDIRECT: &str = "http://127.0.0.1:49152/callback";

fn authorize_query(world: &World, change: &[(&str, Option<&str>)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let scope = format!("{EVENTS_SCOPE} openid email");
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", world.config.client_id.as_str()),
        ("redirect_uri", REDIRECT),
        ("scope", scope.as_str()),
        ("state", "st/ate=1"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in change {
        pairs.retain(|(found, _)| found != name);
        if let Some(value) = value {
            pairs.push((*name, *value));
        }
    }
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

async fn authorize(world: &World, change: &[(&str, Option<&str>)]) -> Reply {
    let path = format!("/o/oauth2/v2/auth?{}", authorize_query(world, change));
    world.send("GET", &path, &[], Vec::new()).await
}

fn landed(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 302, "{}", reply.text());
    let url = Url::parse(reply.header("location")).expect("a redirect");
    assert!(url.as_str().starts_with(REDIRECT), "{url}");
    url.query_pairs().into_owned().collect()
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs
        .iter()
        .find(|(found, _)| found == name)
        .map_or("", |(_, value)| value)
}

async fn exchange(world: &World, code: &str, change: &[(&str, &str)]) -> Reply {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", world.config.client_id.as_str()),
        ("client_secret", world.config.client_secret.as_str()),
        ("code_verifier", VERIFIER),
        ("redirect_uri", REDIRECT),
    ];
    for (name, value) in change {
        pairs.retain(|(found, _)| found != name);
        if !value.is_empty() {
            pairs.push((*name, *value));
        }
    }
    world.form("/token", &pairs).await
}

async fn refresh(world: &World, token: &str) -> Reply {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", world.config.client_id.as_str()),
        ("client_secret", world.config.client_secret.as_str()),
    ];
    world.form("/token", &pairs).await
}

fn claims(answer: &Value) -> Value {
    let token = answer["id_token"].as_str().expect("an id token");
    let part = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

#[tokio::test]
async fn the_whole_flow_with_immediate_consent() {
    let world = World::new();
    let pairs = landed(&authorize(&world, &[("nonce", Some("n1"))]).await);
    assert_eq!(value(&pairs, "state"), "st/ate=1");
    assert!(value(&pairs, "code").starts_with("4/0A"));
    let scope = "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/userinfo.email openid";
    assert_eq!(
        value(&pairs, "scope"),
        scope,
        "named in full, in another order than asked"
    );
    let answer = exchange(&world, value(&pairs, "code"), &[]).await.ok();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"]),
        (&json!("Bearer"), &json!(3599))
    );
    assert_eq!(answer["scope"], scope);
    let claims = claims(&answer);
    assert_eq!(
        (&claims["email"], &claims["aud"], &claims["iss"], &claims["nonce"]),
        (
            &json!(MARA),
            &json!(world.config.client_id),
            &json!("https://accounts.google.com"),
            &json!("n1")
        )
    );
    let bearer = format!("Bearer {}", answer["access_token"].as_str().expect("a token"));
    let info = world
        .send("GET", "/v1/userinfo", &[("authorization", &bearer)], Vec::new())
        .await
        .ok();
    assert_eq!((&info["sub"], &info["email"]), (&claims["sub"], &json!(MARA)));
    assert_eq!(
        world
            .send("GET", EVENTS, &[("authorization", &bearer)], Vec::new())
            .await
            .status,
        200
    );

    let token = answer["refresh_token"].as_str().expect("a refresh token");
    let refreshed = refresh(&world, token).await.ok();
    assert!(refreshed.get("refresh_token").is_none(), "never rotated");
    assert_ne!(refreshed["access_token"], answer["access_token"]);
    assert!(refreshed["id_token"].is_string());

    assert_eq!(world.form("/revoke", &[("token", token)]).await.status, 200);
    let dead = refresh(&world, token).await;
    assert_eq!(dead.status, 400);
    assert_eq!(
        dead.json(),
        json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
    );
    world
        .send("GET", EVENTS, &[("authorization", &bearer)], Vec::new())
        .await
        .refused(401, "authError");
    assert_eq!(world.form("/revoke", &[("token", token)]).await.status, 400);
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_the_documented_words() {
    let world = World::new();
    let code = || async { value(&landed(&authorize(&world, &[]).await), "code").to_owned() };
    type Change<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Change<'_>, u16, &str, &str); 7] = [
        (
            &[("client_id", "other")],
            401,
            "invalid_client",
            "The OAuth client was not found.",
        ),
        (
            &[("client_secret", "wrong")],
            401,
            "invalid_client",
            "Unauthorized",
        ),
        (
            &[("client_secret", "")],
            400,
            "invalid_request",
            "client_secret is missing.",
        ),
        (
            &[("code_verifier", "")],
            400,
            "invalid_grant",
            "Missing code verifier.",
        ),
        (
            &[("code_verifier", &VERIFIER.replace('0', "1"))],
            400,
            "invalid_grant",
            "Invalid code verifier.",
        ),
        (
            &[("redirect_uri", "http://127.0.0.1:1/callback")],
            400,
            "invalid_grant",
            "Bad Request",
        ),
        (
            &[("grant_type", "password")],
            400,
            "unsupported_grant_type",
            "Invalid grant_type: password",
        ),
    ];
    for (change, status, error, description) in cases {
        let reply = exchange(&world, &code().await, change).await;
        assert_eq!(reply.status, status, "{change:?}");
        assert_eq!(
            reply.json(),
            json!({"error": error, "error_description": description})
        );
    }
    let used = code().await;
    exchange(&world, &used, &[]).await.ok();
    assert_eq!(
        exchange(&world, &used, &[]).await.json()["error"],
        "invalid_grant"
    );
    assert_eq!(
        exchange(&world, "rubbish", &[]).await.json()["error_description"],
        "Malformed auth code."
    );
    let late = code().await;
    world.advance(601);
    assert_eq!(
        exchange(&world, &late, &[]).await.json()["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn bad_authorization_requests() {
    let world = World::new();
    for (change, code) in [
        (("client_id", Some("other")), "invalid_client"),
        (
            ("redirect_uri", Some("https://evil.example/callback")),
            "redirect_uri_mismatch",
        ),
    ] {
        let reply = authorize(&world, &[change]).await;
        assert_eq!(reply.status, 400, "never redirected");
        assert!(reply.text().contains(code), "{}", reply.text());
    }
    for (change, error) in [
        (("code_challenge", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (
            ("scope", Some("https://www.googleapis.com/auth/everything")),
            "invalid_scope",
        ),
        (("response_type", Some("token")), "unsupported_response_type"),
    ] {
        let pairs = landed(&authorize(&world, &[change]).await);
        assert_eq!(
            (value(&pairs, "error"), value(&pairs, "state")),
            (error, "st/ate=1"),
            "{change:?}"
        );
    }
    let path = format!("/o/oauth2/v2/auth?{}", authorize_query(&world, &[]));
    let embedded = world
        .send(
            "GET",
            &path,
            &[("user-agent", "Mozilla/5.0 (Linux; Android 14; wv)")],
            Vec::new(),
        )
        .await;
    assert_eq!(embedded.status, 403);
    assert!(embedded.text().contains("disallowed_useragent"));
}

#[tokio::test]
async fn the_pages_let_one_choose_an_account_untick_a_scope_or_cancel() {
    let world = World::new();
    world.google.oauth().set_auto_consent(false);
    let picker = authorize(&world, &[]).await;
    assert_eq!(picker.status, 200);
    assert!(picker.text().contains(&format!("data-account=\"{MARA}\"")) && picker.text().contains(LENA));
    let consent = authorize(&world, &[("authuser", Some(LENA))]).await.text();
    assert!(
        consent.contains(&format!("data-scope=\"{EVENTS_SCOPE}\" checked")),
        "{consent}"
    );
    assert!(
        authorize(&world, &[("login_hint", Some(LENA))])
            .await
            .text()
            .contains("data-scope"),
        "a hint skips the picker"
    );

    let hidden = authorize_query(&world, &[]);
    let post = |more: &str| {
        let body = format!("{hidden}&account={}&{more}", encoded(LENA)).into_bytes();
        world.send(
            "POST",
            "/o/oauth2/consent",
            &[("content-type", "application/x-www-form-urlencoded")],
            body,
        )
    };
    let pairs = landed(&post("decision=deny").await);
    assert_eq!(
        (value(&pairs, "error"), value(&pairs, "code")),
        ("access_denied", "")
    );
    let pairs = landed(&post("decision=allow").await);
    assert_eq!(
        value(&pairs, "scope"),
        "https://www.googleapis.com/auth/userinfo.email openid",
        "unticked"
    );
    let answer = exchange(&world, value(&pairs, "code"), &[]).await.ok();
    assert_eq!(claims(&answer)["email"], LENA);
    let bearer = format!("Bearer {}", answer["access_token"].as_str().expect("a token"));
    let reply = world
        .send("GET", EVENTS, &[("authorization", &bearer)], Vec::new())
        .await;
    reply.refused(403, "insufficientPermissions");
    assert_eq!(
        reply.json()["error"]["details"][0]["reason"],
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    );
    assert!(reply.header("www-authenticate").contains("insufficient_scope"));
    let pairs = landed(&post(&format!("decision=allow&granted={}", encoded(EVENTS_SCOPE))).await);
    assert!(value(&pairs, "scope").contains(EVENTS_SCOPE));
}

#[tokio::test]
async fn immediate_consent_follows_the_hint_and_can_grant_less() {
    let world = World::new();
    let pairs = landed(&authorize(&world, &[("login_hint", Some(LENA))]).await);
    assert_eq!(
        claims(&exchange(&world, value(&pairs, "code"), &[]).await.ok())["email"],
        LENA
    );
    world.google.set_auto_grant(Some(Vec::new()));
    let pairs = landed(&authorize(&world, &[]).await);
    assert!(!value(&pairs, "scope").contains("calendar"));
}

#[tokio::test]
async fn discovery_names_this_stand_in() {
    let world = World::new();
    world.google.set_public_url("http://127.0.0.1:9/");
    let document = world
        .send("GET", "/.well-known/openid-configuration", &[], Vec::new())
        .await
        .ok();
    assert_eq!(document["token_endpoint"], "http://127.0.0.1:9/token");
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
}

#[tokio::test]
async fn tokens_expire_and_missing_ones_are_refused() {
    let world = World::new();
    world.list("").await.ok();
    world.advance(3_599);
    world.list("").await.refused(401, "authError");
    world
        .send("GET", EVENTS, &[], Vec::new())
        .await
        .refused(401, "required");
    world
        .send("GET", EVENTS, &[("authorization", "Bearer rubbish")], Vec::new())
        .await
        .refused(401, "authError");
}

#[tokio::test]
async fn each_method_needs_its_scope() {
    let mut world = World::new();
    let list = "/calendar/v3/users/me/calendarList";
    world.get(list).await.refused(403, "insufficientPermissions");
    world
        .get("/calendar/v3/calendars/primary")
        .await
        .refused(403, "insufficientPermissions");
    world.sign_in(
        MARA,
        &["https://www.googleapis.com/auth/calendar.events.readonly"],
    );
    world.list("").await.ok();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .refused(403, "insufficientPermissions");
    world.sign_in(MARA, &["https://www.googleapis.com/auth/calendar.app.created"]);
    world.list("").await.refused(403, "insufficientPermissions");
    let made = world
        .call(
            "POST",
            "/calendar/v3/calendars",
            &[],
            Some(&json!({"summary": "Roundtrip"})),
        )
        .await
        .ok();
    let id = made["id"].as_str().expect("an id");
    assert!(id.ends_with("@group.calendar.google.com"));
    let own = format!("/calendar/v3/calendars/{}/events", encoded(id));
    world
        .call(
            "POST",
            &own,
            &[],
            Some(&event("visit00001", "2026-11-23T09:00:00")),
        )
        .await
        .ok();
    world.sign_in(MARA, &[CALENDAR_SCOPE]);
    let page = world.get(list).await.ok();
    assert_eq!(
        page["items"].as_array().map(Vec::len),
        Some(4),
        "main, second, holidays, the new one"
    );
    let main = world.get(&format!("{list}/primary")).await.ok();
    assert_eq!(
        (&main["id"], &main["primary"], &main["accessRole"]),
        (&json!(MARA), &json!(true), &json!("owner"))
    );
    assert_eq!(
        world.get("/calendar/v3/calendars/primary").await.ok()["timeZone"],
        "Europe/Berlin"
    );
    let zone = world.get("/calendar/v3/users/me/settings/timezone").await.ok();
    assert_eq!(zone["value"], "Europe/Berlin");
    assert_eq!(
        world.get("/calendar/v3/colors").await.ok()["event"]
            .as_object()
            .map(serde_json::Map::len),
        Some(11)
    );
    let token = encoded(page["nextSyncToken"].as_str().expect("a token"));
    world
        .call(
            "DELETE",
            &format!("/calendar/v3/calendars/{}", encoded(id)),
            &[],
            None,
        )
        .await;
    world.get(&own).await.refused(404, "notFound");
    let changes = world.get(&format!("{list}?syncToken={token}")).await.ok();
    assert_eq!(
        (ids(&changes).len(), &changes["items"][0]["deleted"]),
        (1, &json!(true))
    );
}

#[tokio::test]
async fn free_busy_merges_blocks_and_hides_everything_else() {
    let mut world = World::new();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    world
        .insert(&event("visit00002", "2026-11-23T10:00:00"))
        .await
        .ok();
    let mut free = event("visit00003", "2026-11-23T15:00:00");
    free["transparency"] = json!("transparent");
    world.insert(&free).await.ok();
    world.sign_in(MARA, &["https://www.googleapis.com/auth/calendar.freebusy"]);
    let asked = json!({"timeMin": "2026-11-23T00:00:00Z", "timeMax": "2026-11-24T00:00:00Z",
        "items": [{"id": MARA}, {"id": "nobody@example.org"}]});
    let answer = world
        .call("POST", "/calendar/v3/freeBusy", &[], Some(&asked))
        .await
        .ok();
    let busy = json!([{"start": "2026-11-23T08:00:00Z", "end": "2026-11-23T10:00:00Z"}]);
    assert_eq!(answer["calendars"][MARA]["busy"], busy);
    assert_eq!(
        answer["calendars"]["nobody@example.org"]["errors"][0]["reason"],
        "notFound"
    );
}

#[tokio::test]
async fn quotas_slide_with_the_clock() {
    let world = World::new();
    world.google.set_quota(QuotaLimits {
        per_user_per_minute: Some(2),
        ..QuotaLimits::default()
    });
    world.list("").await.ok();
    world.advance(30);
    world.list("").await.ok();
    let reply = world.list("").await;
    reply.refused(403, "userRateLimitExceeded");
    assert_eq!(reply.json()["error"]["errors"][0]["domain"], "usageLimits");
    world.advance(30);
    world.list("").await.ok();
    assert_eq!(reply.header("retry-after"), "", "the service documents none");
    let slow = QuotaLimits {
        per_user_per_minute: Some(1),
        status: 429,
        retry_after: Some(7),
        ..QuotaLimits::default()
    };
    world.google.set_quota(slow);
    let reply = world.list("").await;
    reply.refused(429, "rateLimitExceeded");
    assert_eq!(reply.header("retry-after"), "7");
    world.google.set_quota(QuotaLimits {
        per_project_per_minute: Some(1),
        ..QuotaLimits::default()
    });
    world.list("").await.refused(403, "rateLimitExceeded");
}

#[tokio::test]
async fn writes_to_one_calendar_and_new_events_have_limits_of_their_own() {
    let world = World::new();
    world.google.set_quota(QuotaLimits {
        calendar_writes_per_minute: Some(1),
        ..QuotaLimits::default()
    });
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    world
        .patch("visit00001", &json!({"summary": "x"}))
        .await
        .refused(403, "rateLimitExceeded");
    world.list("").await.ok();
    world.google.set_quota(QuotaLimits {
        new_events_per_day: Some(1),
        ..QuotaLimits::default()
    });
    let reply = world.patch("visit00001", &json!({"summary": "x"})).await;
    reply.refused(403, "quotaExceeded");
    assert_eq!(
        reply.json()["error"]["message"],
        "Calendar usage limits exceeded."
    );
    world.clock.advance(chrono::TimeDelta::hours(25));
    let token = world.token_for(MARA, &[EVENTS_SCOPE]);
    let world = World { token, ..world };
    world.patch("visit00001", &json!({"summary": "x"})).await.ok();
}

#[tokio::test]
async fn semantic_faults_are_said_as_the_service_would() {
    let world = World::new();
    for (fault, status, reason) in [
        (Fault::ScopeMissing, 403, "insufficientPermissions"),
        (Fault::CalendarGone, 404, "notFound"),
        (Fault::QuotaExceeded, 403, "quotaExceeded"),
        (Fault::RateLimited, 403, "rateLimitExceeded"),
        (Fault::TokenRevoked, 401, "authError"),
    ] {
        world.fault(fault);
        world.list("").await.refused(status, reason);
    }
    world.list("").await.refused(401, "authError");
}
