use std::sync::Arc;

use super::*;
use crate::faults::Service;
use crate::shared::ManualClock;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn server(rotation: bool) -> (Server, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let config = Config {
        service: Service::Platform,
        clients: vec![Client {
            id: "app".to_owned(),
            secret: None,
            loopback: Loopback::Path("/callback".to_owned()),
            redirects: vec!["app://done".to_owned()],
        }],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        rotation,
        revoke_whole_grant: false,
        auto_consent: false,
        max_sessions: None,
        code_ttl: TimeDelta::minutes(5),
        access_ttl: TimeDelta::hours(1),
        code_prefix: "c_".to_owned(),
        access_prefix: "a_".to_owned(),
        refresh_prefix: "r_".to_owned(),
    };
    (Server::new(Shared::new(clock.clone(), 1), config), clock)
}

fn ask(redirect_uri: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        response_type: Some("code".to_owned()),
        client_id: Some("app".to_owned()),
        redirect_uri: Some(redirect_uri.to_owned()),
        scope: Some("read write".to_owned()),
        state: Some("s t".to_owned()),
        code_challenge: Some(URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))),
        code_challenge_method: Some("S256".to_owned()),
        ..AuthorizeRequest::default()
    }
}

fn code_in(address: &str) -> String {
    let url = Url::parse(address).expect("redirect is a URL");
    let code = url
        .query_pairs()
        .find(|(name, _)| name == "code")
        .map(|(_, value)| value.into_owned());
    code.expect("a code")
}

fn redeem(code: &str, redirect_uri: &str, verifier: &str) -> TokenRequest {
    TokenRequest {
        grant_type: Some("authorization_code".to_owned()),
        code: Some(code.to_owned()),
        redirect_uri: Some(redirect_uri.to_owned()),
        client_id: Some("app".to_owned()),
        code_verifier: Some(verifier.to_owned()),
        ..TokenRequest::default()
    }
}

fn refresh_with(token: &str) -> TokenRequest {
    TokenRequest {
        grant_type: Some("refresh_token".to_owned()),
        client_id: Some("app".to_owned()),
        refresh_token: Some(token.to_owned()),
        ..TokenRequest::default()
    }
}

fn refreshed(server: &Server, token: &str) -> (String, String) {
    let grant = server.token(&refresh_with(token)).expect("a refresh");
    (grant.access_token, grant.refresh_token.expect("a rotated token"))
}

const HOME: &str = "http://127.0.0.1:4711/callback";

fn new_code(server: &Server) -> String {
    let request = server.validate(&ask(HOME)).expect("in order");
    code_in(&server.approve(&request, "mara", &request.scopes, &[]))
}

#[test]
fn a_code_is_redeemed_once_with_its_verifier_and_redirect() {
    let (server, _) = server(true);
    let request = server.validate(&ask(HOME)).expect("in order");
    let address = server.approve(&request, "mara", &request.scopes, &[]);
    assert!(
        address.starts_with("http://127.0.0.1:4711/callback?state=s+t&code=c_"),
        "{address}"
    );
    let code = code_in(&address);
    let wrong = "x".repeat(43);
    assert_eq!(
        server.token(&redeem(&code, HOME, &wrong)),
        Err(TokenError::WrongVerifier)
    );
    assert_eq!(
        server.token(&redeem(&code, "app://done", VERIFIER)),
        Err(TokenError::BadCode)
    );
    let grant = server.token(&redeem(&code, HOME, VERIFIER)).expect("tokens");
    assert_eq!(server.verify(&grant.access_token).expect("valid").account, "mara");
    // A second redemption also takes back what the first gave.
    assert_eq!(
        server.token(&redeem(&code, HOME, VERIFIER)),
        Err(TokenError::BadCode)
    );
    assert_eq!(server.verify(&grant.access_token), Err(AccessError::Revoked));
}

#[test]
fn a_code_and_an_access_token_grow_old() {
    let (server, clock) = server(true);
    let code = new_code(&server);
    clock.advance(TimeDelta::minutes(5));
    assert_eq!(
        server.token(&redeem(&code, HOME, VERIFIER)),
        Err(TokenError::BadCode)
    );
    let grant = server
        .token(&redeem(&new_code(&server), HOME, VERIFIER))
        .expect("tokens");
    clock.advance(TimeDelta::hours(1));
    assert_eq!(server.verify(&grant.access_token), Err(AccessError::Expired));
}

#[test]
fn redirects_other_than_the_registered_ones_get_a_page_not_a_redirect() {
    let (server, _) = server(true);
    let allowed = [
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:65535/callback",
        "app://done",
    ];
    for redirect_uri in allowed {
        assert!(server.validate(&ask(redirect_uri)).is_ok(), "{redirect_uri}");
    }
    let refused = [
        "",
        "http://localhost:4711/callback",
        "https://127.0.0.1:4711/callback",
        "http://127.0.0.1:4711/callback/",
        "http://127.0.0.1:4711/callback?x=1",
        "http://127.0.0.1:4711/callback#x",
        "http://127.0.0.1:4711/x/../callback",
        "http://127.0.0.1@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "app://done/x",
    ];
    for redirect_uri in refused {
        let answer = server.validate(&ask(redirect_uri));
        assert!(
            matches!(answer, Err(AuthorizeError::Page { .. })),
            "{redirect_uri}: {answer:?}"
        );
    }
}

#[test]
fn pkce_is_not_optional() {
    let (server, _) = server(true);
    for (challenge, method) in [
        (None, None),
        (Some("x"), Some("S256")),
        (Some(VERIFIER), Some("plain")),
    ] {
        let request = AuthorizeRequest {
            code_challenge: challenge.map(str::to_owned),
            code_challenge_method: method.map(str::to_owned),
            ..ask(HOME)
        };
        let Err(AuthorizeError::Redirect(address)) = server.validate(&request) else {
            panic!("accepted")
        };
        assert!(
            address.contains("error=invalid_request") && address.contains("state=s+t"),
            "{address}"
        );
    }
}

#[test]
fn the_token_before_stays_valid_until_the_new_one_is_used() {
    let (server, _) = server(true);
    let first = server
        .sign_in_directly("app", "mara", &["read"])
        .refresh_token
        .expect("a token");
    let (_, second) = refreshed(&server, &first);
    // The answer was lost: asking again gives the same successor.
    let (_, again) = refreshed(&server, &first);
    assert_eq!(second, again);
    let (_, third) = refreshed(&server, &second);
    assert_ne!(second, third);
    // Now the first one has been replaced for good; using it ends the session.
    assert_eq!(
        server.token(&refresh_with(&first)),
        Err(TokenError::BadRefreshToken)
    );
    assert_eq!(
        server.token(&refresh_with(&third)),
        Err(TokenError::BadRefreshToken)
    );
    assert!(!server.sessions()[0].live);
}

#[test]
fn the_token_before_stays_valid_until_an_access_token_of_the_new_one_is_used() {
    let (server, _) = server(true);
    let grant = server.sign_in_directly("app", "mara", &["read"]);
    let first = grant.refresh_token.expect("a token");
    let (lost, _) = refreshed(&server, &first);
    // An access token from before says nothing about the new refresh token having arrived.
    server.verify(&grant.access_token).expect("still valid");
    let (access, second) = refreshed(&server, &first);
    server.verify(&access).expect("valid");
    assert_eq!(
        server.token(&refresh_with(&first)),
        Err(TokenError::BadRefreshToken)
    );
    assert_eq!(server.verify(&access), Err(AccessError::Revoked));
    assert_eq!(server.verify(&lost), Err(AccessError::Revoked));
    assert_eq!(
        server.token(&refresh_with(&second)),
        Err(TokenError::BadRefreshToken)
    );
}

#[test]
fn without_rotation_one_refresh_token_serves_on() {
    let (server, _) = server(false);
    let token = server
        .sign_in_directly("app", "mara", &["read"])
        .refresh_token
        .expect("a token");
    for _ in 0..3 {
        let grant = server.token(&refresh_with(&token)).expect("a refresh");
        assert_eq!(grant.refresh_token, None);
        server.verify(&grant.access_token).expect("valid");
    }
    assert_eq!(server.sessions()[0].refreshes, 3);
}

#[test]
fn revoking_ends_one_session_or_the_whole_grant() {
    for whole_grant in [false, true] {
        let (server, _) = server(true);
        lock(&server.config).revoke_whole_grant = whole_grant;
        let laptop = server.sign_in_directly("app", "mara", &["read"]);
        let other_laptop = server.sign_in_directly("app", "mara", &["read"]);
        let other_person = server.sign_in_directly("app", "ben", &["read"]);
        assert!(server.revoke(&laptop.access_token));
        assert!(!server.revoke("unheard of"));
        assert_eq!(server.verify(&laptop.access_token), Err(AccessError::Revoked));
        assert_eq!(server.verify(&other_laptop.access_token).is_err(), whole_grant);
        assert!(server.verify(&other_person.access_token).is_ok());
    }
}

#[test]
fn a_refresh_may_narrow_but_not_widen() {
    let (server, _) = server(false);
    let token = server
        .sign_in_directly("app", "mara", &["read"])
        .refresh_token
        .expect("a token");
    let with_scope = |scope: &str| TokenRequest {
        scope: Some(scope.to_owned()),
        ..refresh_with(&token)
    };
    assert_eq!(
        server.token(&with_scope("read write")),
        Err(TokenError::ScopeExceeded)
    );
    assert_eq!(
        server.token(&with_scope("read")).expect("narrowed").scopes,
        ["read"]
    );
}
