//! What holds for every request to the API: sign-in, pace, and the headers each answer carries.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;

use super::Platform;
use super::problem::{Code, Problem};
use super::state::State as Model;
use crate::faults::{ActiveFaults, Fault};
use crate::history::AppRequest;
use crate::oauth::AccessError;

const CALENDAR_SYNC: HeaderName = HeaderName::from_static("calendar-sync");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The window in which requests are counted.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Whoever made the request.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub user: String,
    /// What the request said about itself.
    pub said: AppRequest,
    scopes: Vec<String>,
}

impl Caller {
    pub fn require(&self, scope: &str) -> Result<(), Problem> {
        if self.scopes.iter().any(|granted| granted == scope) {
            Ok(())
        } else {
            Err(Problem::insufficient_scope(scope))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::unauthorized("Please sign in."))
    }
}

/// What is left of the minute's requests.
#[derive(Debug, Clone, Copy)]
struct Quota {
    limit: usize,
    remaining: usize,
    reset: TimeDelta,
}

/// Lets a request to `/v1` in, or answers in its place; stamps the answer.
pub(super) async fn guard(State(platform): State<Platform>, mut request: Request, next: Next) -> Response {
    let faults = request
        .extensions()
        .get::<ActiveFaults>()
        .cloned()
        .unwrap_or_default();
    let mut user = None;
    let mut quota = None;
    let mut response = match admit(&platform, &request, &faults) {
        Err(problem) => problem.into_response(),
        Ok(caller) => {
            user = Some(caller.user.clone());
            let counted = count(&mut platform.state(), &caller.user, &faults, platform.now());
            quota = Some(counted.0);
            match counted.1 {
                Some(problem) => problem.into_response(),
                None => {
                    request.extensions_mut().insert(caller);
                    next.run(request).await
                }
            }
        }
    };
    let headers = response.headers_mut();
    let reason = {
        let state = platform.state();
        user.map_or(state.paused, |user| state.policy(&user).reason)
    };
    let calendar_sync = match reason {
        None => "enabled".to_owned(),
        Some(reason) => format!("disabled; reason={}", reason.as_str()),
    };
    insert(headers, CALENDAR_SYNC, &calendar_sync);
    if let Some(Quota {
        limit,
        remaining,
        reset,
    }) = quota
    {
        let window = WINDOW.num_seconds();
        insert(
            headers,
            RATE_LIMIT_POLICY,
            &format!("\"default\";q={limit};w={window}"),
        );
        insert(
            headers,
            RATE_LIMIT,
            &format!("\"default\";r={remaining};t={}", reset.num_seconds()),
        );
    }
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn admit(platform: &Platform, request: &Request, faults: &ActiveFaults) -> Result<Caller, Problem> {
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = token
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim);
    let token = token.ok_or_else(|| Problem::unauthorized("Please sign in."))?;
    if faults.has(&Fault::TokenRevoked) {
        platform.oauth().revoke(token);
    }
    let access = platform.oauth().verify(token).map_err(|error| match error {
        AccessError::Unknown => Problem::unauthorized("This sign-in is not known."),
        AccessError::Expired => Problem::unauthorized("This access token has expired."),
        AccessError::Revoked => Problem::unauthorized("This sign-in has been ended."),
    })?;
    if faults.has(&Fault::ScopeMissing) {
        return Err(Problem::insufficient_scope(
            access.scopes.first().map_or("appointments.read", String::as_str),
        ));
    }
    Ok(Caller {
        user: access.account,
        said: AppRequest {
            session: Some(access.session),
            ..request.extensions().get().cloned().unwrap_or_default()
        },
        scopes: access.scopes,
    })
}

/// Counts a request in the sliding window; the problem, if it is one too many.
fn count(
    state: &mut Model,
    user: &str,
    faults: &ActiveFaults,
    now: DateTime<Utc>,
) -> (Quota, Option<Problem>) {
    let limit = state.requests_per_minute;
    let made = state.requests.entry(user.to_owned()).or_default();
    while made.front().is_some_and(|at| now - *at >= WINDOW) {
        made.pop_front();
    }
    let reset = made.front().map_or(WINDOW, |at| WINDOW - (now - *at));
    let forced = faults.has(&Fault::RateLimited) || faults.has(&Fault::QuotaExceeded);
    if forced || made.len() >= limit {
        let wait = if faults.has(&Fault::RateLimited) {
            TimeDelta::seconds(1)
        } else {
            reset
        };
        return (
            Quota {
                limit,
                remaining: 0,
                reset,
            },
            Some(Problem::rate_limited(wait)),
        );
    }
    made.push_back(now);
    (
        Quota {
            limit,
            remaining: limit - made.len(),
            reset,
        },
        None,
    )
}

/// Echoes `X-Request-Id`, on every answer of the platform.
pub(super) async fn echo_request_id(request: Request, next: Next) -> Response {
    let id = request.headers().get(&REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A JSON body; what is wrong with it is said as a [`Problem`].
pub(crate) struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let unreadable = |_| Problem::invalid(400, &[], "The body of the request cannot be read.");
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let message = error.to_string();
            if !error.is_data() {
                return Problem::invalid(400, &[], format!("The body is not valid JSON: {message}."));
            }
            // serde names the field between backticks.
            let field: Vec<&str> = message.split('`').skip(1).take(1).collect();
            Problem::invalid(
                422,
                &field,
                format!("The body is not as it should be: {message}."),
            )
        })
    }
}

/// A header as text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The idempotency key that a write must carry.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<&str, Problem> {
    let key = header(headers, "idempotency-key").unwrap_or_default();
    if (8..=128).contains(&key.chars().count()) {
        Ok(key)
    } else {
        let detail = "The header Idempotency-Key needs 8 to 128 characters.";
        Err(Problem::invalid(400, &["Idempotency-Key"], detail))
    }
}

pub(super) async fn no_such_route() -> Problem {
    Problem::not_found("resource")
}

pub(super) async fn no_such_method() -> Problem {
    Problem::new(
        405,
        Code::MethodNotAllowed,
        "Method not allowed",
        "This resource does not know that method.",
    )
}

/// A problem as the error of a handler that answers JSON.
pub(super) type Answer<T> = Result<Json<T>, Problem>;
