//! Sign-in to the platform: RFC 8414 metadata, the page where a person is picked, token and revocation endpoints.

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Form, Json};
use chrono::TimeDelta;
use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::state::Person;
use super::types::{Metadata, Role, TokenAnswer, TokenProblem};
use super::{CLIENT_ID, NAME, Platform, SCOPES};
use crate::faults::Service;
use crate::faults::{ActiveFaults, Fault};
use crate::oauth::{
    self, AuthorizeError, AuthorizeRequest, Client, Loopback, TokenError, TokenRequest, ValidRequest,
};

/// Whom `auto_consent` signs in when the app expects nobody.
const DEFAULT_PERSON: &str = "usr_7";
const PAGE: &str = include_str!("../pages/signin.html");

pub(super) fn server_config(auto_consent: bool) -> oauth::Config {
    oauth::Config {
        service: Service::Platform,
        clients: vec![Client {
            id: CLIENT_ID.to_owned(),
            secret: None,
            loopback: Loopback::Path("/callback".to_owned()),
            redirects: vec!["roundtrip://signin/platform".to_owned()],
        }],
        scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
        rotation: true,
        revoke_whole_grant: false,
        auto_consent,
        max_sessions: None,
        code_ttl: TimeDelta::minutes(5),
        access_ttl: TimeDelta::hours(1),
        code_prefix: "lac_".to_owned(),
        access_prefix: "laa_".to_owned(),
        refresh_prefix: "lar_".to_owned(),
    }
}

/// What the platform's authorization server can do.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "sign-in",
    responses((status = 200, description = "RFC 8414 metadata", body = Metadata)))]
pub(super) async fn metadata(State(platform): State<Platform>) -> Json<Metadata> {
    let base = platform.base_url();
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    Json(Metadata {
        issuer: base.to_owned(),
        authorization_endpoint: format!("{base}/oauth/authorize"),
        token_endpoint: format!("{base}/oauth/token"),
        revocation_endpoint: format!("{base}/oauth/revoke"),
        scopes_supported: texts(&SCOPES),
        response_types_supported: texts(&["code"]),
        grant_types_supported: texts(&["authorization_code", "refresh_token"]),
        code_challenge_methods_supported: texts(&["S256"]),
        token_endpoint_auth_methods_supported: texts(&["none"]),
        roundtrip_platform_name: NAME.to_owned(),
    })
}

pub(super) async fn authorize(
    State(platform): State<Platform>,
    Query(request): Query<AuthorizeRequest>,
) -> Response {
    let valid = match platform.oauth().validate(&request) {
        Ok(valid) => valid,
        Err(error) => return refused(error),
    };
    let people = platform.people();
    let expected = valid.login_hint.as_deref().map(|hint| find(&people, hint));
    if platform.oauth().auto_consent() {
        // A hint that names nobody is left to the page: signing in somebody else would hide the mistake.
        let person = match expected {
            Some(person) => person,
            None => find(&people, DEFAULT_PERSON),
        };
        if let Some(person) = person {
            return approve(&platform, &valid, &person.id);
        }
    }
    let expected = expected.flatten().map(|person| person.id.clone());
    Html(page(&request, &people, expected.as_deref())).into_response()
}

/// The form of the sign-in page.
#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    /// The person picked; none = declined.
    person: Option<String>,
    #[serde(flatten)]
    request: AuthorizeRequest,
}

pub(super) async fn decide(State(platform): State<Platform>, Form(decision): Form<Decision>) -> Response {
    let valid = match platform.oauth().validate(&decision.request) {
        Ok(valid) => valid,
        Err(error) => return refused(error),
    };
    let people = platform.people();
    match decision
        .person
        .as_deref()
        .and_then(|person| find(&people, person))
    {
        Some(person) => approve(&platform, &valid, &person.id),
        None => Redirect::to(&platform.oauth().deny(&valid)).into_response(),
    }
}

fn approve(platform: &Platform, valid: &ValidRequest, person: &str) -> Response {
    Redirect::to(&platform.oauth().approve(valid, person, &valid.scopes, &[])).into_response()
}

fn find<'a>(people: &'a [Person], hint: &str) -> Option<&'a Person> {
    people
        .iter()
        .find(|person| person.id == hint || person.email.eq_ignore_ascii_case(hint))
}

fn refused(error: AuthorizeError) -> Response {
    match error {
        AuthorizeError::Redirect(address) => Redirect::to(&address).into_response(),
        AuthorizeError::Page { code, message } => {
            let text = format!(
                "<p class=\"error\" data-error=\"{code}\">{}</p>",
                escaped(&message)
            );
            let html = PAGE
                .replace("{{title}}", "This sign-in cannot go on")
                .replace("{{body}}", &text);
            (StatusCode::BAD_REQUEST, Html(html)).into_response()
        }
    }
}

fn page(request: &AuthorizeRequest, people: &[Person], expected: Option<&str>) -> String {
    let fields = request.fields().into_iter().map(|(name, value)| {
        format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escaped(value)
        )
    });
    let buttons = people.iter().map(|person| {
        let role = match person.role {
            Role::Admin => "Admin",
            Role::Trainer => "Trainer",
        };
        let class = if expected == Some(person.id.as_str()) { "person expected" } else { "person" };
        let initials: String = person.name.split(' ').filter_map(|part| part.chars().next()).collect();
        format!(
            "<button class=\"{class}\" name=\"person\" value=\"{id}\" data-person=\"{id}\"><span class=\"avatar\" \
             aria-hidden=\"true\">{initials}</span><span><b>{name}</b><small>{email} · {role}</small></span></button>",
            id = escaped(&person.id),
            initials = escaped(&initials),
            name = escaped(&person.name),
            email = escaped(&person.email),
        )
    });
    let body = format!(
        "<p>Roundtrip asks to read and move your appointments and to report on your calendar sync.</p>\
         <form method=\"post\" action=\"/oauth/authorize\">{}{}\
         <button class=\"deny\" data-action=\"deny\">Do not allow</button></form>",
        fields.collect::<String>(),
        buttons.collect::<String>()
    );
    PAGE.replace("{{title}}", &format!("Sign in to {NAME}"))
        .replace("{{body}}", &body)
}

/// Text for HTML, in elements and quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// Redeems a code or refreshes.
#[utoipa::path(post, path = "/oauth/token", tag = "sign-in",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded",
        description = "`grant_type` `authorization_code` (with `code`, `redirect_uri`, `code_verifier`) or \
            `refresh_token` (with `refresh_token`), and `client_id`"),
    responses(
        (status = 200, description = "Tokens", body = TokenAnswer),
        (status = 400, description = "`invalid_grant`, `invalid_request`, …", body = TokenProblem),
        (status = 401, description = "`invalid_client`", body = TokenProblem)))]
pub(super) async fn token(
    State(platform): State<Platform>,
    faults: ActiveFaults,
    Form(request): Form<TokenRequest>,
) -> Response {
    if faults.has(&Fault::TokenRevoked)
        && let Some(token) = &request.refresh_token
    {
        platform.oauth().revoke(token);
    }
    match platform.oauth().token(&request) {
        Ok(grant) => {
            let answer = TokenAnswer {
                access_token: grant.access_token,
                token_type: "Bearer".to_owned(),
                expires_in: grant.expires_in,
                refresh_token: grant.refresh_token.unwrap_or_default(),
                scope: grant.scopes.join(" "),
            };
            uncached(Json(answer).into_response())
        }
        Err(error) => token_problem(error),
    }
}

/// RFC 7009: ends the session a token belongs to. Unknown tokens are fine.
#[utoipa::path(post, path = "/oauth/revoke", tag = "sign-in",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded",
        description = "`token`, `client_id`"),
    responses(
        (status = 200, description = "The token does not work any more"),
        (status = 400, description = "`token` is missing", body = TokenProblem)))]
pub(super) async fn revoke(State(platform): State<Platform>, Form(request): Form<RevokeRequest>) -> Response {
    let Some(token) = request.token else {
        return token_problem(TokenError::Missing("token"));
    };
    platform.oauth().revoke(&token);
    uncached(StatusCode::OK.into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct RevokeRequest {
    token: Option<String>,
}

fn token_problem(error: TokenError) -> Response {
    let description = match error {
        TokenError::UnknownClient => "This app is not known here.".to_owned(),
        TokenError::WrongSecret => "The client secret is wrong.".to_owned(),
        TokenError::UnsupportedGrantType => "This grant type is not supported.".to_owned(),
        TokenError::Missing(name) => format!("The parameter {name} is missing."),
        TokenError::BadCode => {
            "The code is unknown, used, too old, or for another redirect address.".to_owned()
        }
        TokenError::MissingVerifier => "The parameter code_verifier is missing.".to_owned(),
        TokenError::WrongVerifier => "The code verifier does not match.".to_owned(),
        TokenError::BadRefreshToken => "The session has ended. Please sign in again.".to_owned(),
        TokenError::ScopeExceeded => "More rights were asked for than were granted.".to_owned(),
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = TokenProblem {
        error: error.code().to_owned(),
        error_description: description,
    };
    uncached((status, Json(body)).into_response())
}

fn uncached(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
        .headers_mut()
        .insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
