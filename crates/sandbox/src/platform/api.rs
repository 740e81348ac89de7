//! The routes, and those about appointments: the change feed, one appointment, and the three writes.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, delete, get, post, put};
use axum::{Json, Router, middleware};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::feed::PageFault;
use super::guard::{self, Caller, JsonBody, header, idempotency_key};
use super::problem::{Problem, ProblemDetails};
use super::state::Reply;
use super::types::{Appointment, Changed, CreateRequest, EditRequest, FeedPage, MoveRequest};
use super::writes::Ask;
use super::{Platform, admin, auth, hooks, me, openapi, stream};
use crate::faults::{ActiveFaults, Fault};

const LIMIT_DEFAULT: usize = 200;
const LIMIT_MAX: usize = 500;
const BODY_MAX: usize = 1024 * 1024;

pub(super) fn router(platform: Platform) -> Router {
    let for_trainers = Router::new()
        .route("/v1/me", get(me::me))
        .route(
            "/v1/me/integrations/{provider}",
            put(me::report).delete(me::end_integration),
        )
        .route(
            "/v1/me/busy-blocks/{source}",
            put(me::put_busy_blocks).delete(me::delete_busy_blocks),
        )
        .route("/v1/me/synced-data", delete(me::delete_synced_data))
        .route("/v1/appointments", get(list).post(create))
        .route("/v1/appointments/{id}", get(one).patch(edit))
        .route("/v1/appointments/{id}/move", post(move_appointment))
        .route("/v1/stream", get(stream::stream))
        .route("/v1/calendar-relay/channels", post(hooks::open_channel))
        .route(
            "/v1/calendar-relay/channels/{channel_id}",
            delete(hooks::close_channel),
        )
        .route("/v1/{*rest}", any(guard::no_such_route))
        .layer(middleware::from_fn_with_state(platform.clone(), guard::guard));
    Router::new()
        .route("/", get(|| async { Redirect::to("/admin") }))
        .route("/admin", get(admin::page))
        .route("/appointments/{id}", get(appointment_page))
        .route("/.well-known/oauth-authorization-server", get(auth::metadata))
        .route("/oauth/authorize", get(auth::authorize).post(auth::decide))
        .route("/oauth/token", post(auth::token))
        .route("/oauth/revoke", post(auth::revoke))
        .route("/openapi.json", get(openapi::serve))
        .route("/v1/hooks/google", post(hooks::google))
        .route("/v1/hooks/outlook", post(hooks::outlook))
        .merge(for_trainers)
        .with_state(platform.clone())
        .nest("/admin/api", admin::router(platform))
        .fallback(guard::no_such_route)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn(guard::echo_request_id))
}

/// An appointment's page on the platform: where the link in a calendar leads.
async fn appointment_page(Path(id): Path<String>) -> Redirect {
    let id: String = id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    Redirect::to(&format!("/admin#{id}"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FeedQuery {
    /// Where to go on; without it a snapshot begins.
    cursor: Option<String>,
    /// 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 200)]
    limit: Option<String>,
}

/// The change feed of what is assigned to the caller.
#[utoipa::path(get, path = "/v1/appointments", tag = "appointments", params(FeedQuery,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the same page")),
    responses(
        (status = 200, description = "A page", body = FeedPage, headers(("ETag" = String))),
        (status = 304, description = "Nothing new"),
        (status = 400, description = "`invalid`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 410, description = "`cursor_expired`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`", body = ProblemDetails, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Query(query): Query<FeedQuery>,
    faults: ActiveFaults,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require("appointments.read")?;
    let limit = match &query.limit {
        None => LIMIT_DEFAULT,
        Some(text) => {
            let number = text
                .parse()
                .ok()
                .filter(|number| (1..=LIMIT_MAX).contains(number));
            number.ok_or_else(|| Problem::invalid(400, &["limit"], "The limit must be between 1 and 500."))?
        }
    };
    if faults.has(&Fault::ExpiredSyncToken) {
        return Err(Problem::cursor_expired());
    }
    let fault = PageFault {
        empty: faults.has(&Fault::EmptyPage),
        short: faults.has(&Fault::ShortList),
        repeat: faults.has(&Fault::RepeatPage),
    };
    let now = platform.now();
    let page = platform
        .state()
        .feed_page(&caller.user, query.cursor.as_deref(), limit, fault, now)?;
    let body = serde_json::to_vec(&page).unwrap_or_default();
    let digest = Sha256::digest(&body);
    Ok(tagged(
        &headers,
        &format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..12])),
        body.into(),
    ))
}

/// One appointment of the caller.
#[utoipa::path(get, path = "/v1/appointments/{id}", tag = "appointments",
    params(("id" = String, Path),
        ("If-None-Match" = Option<String>, Header, description = "The version known, in quotes")),
    responses(
        (status = 200, description = "The appointment", body = Appointment,
            headers(("ETag" = String, description = "Its version, in quotes"))),
        (status = 304, description = "Still at that version"),
        (status = 403, description = "`not_assigned`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = ProblemDetails, content_type = "application/problem+json")))]
pub(super) async fn one(
    State(platform): State<Platform>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require("appointments.read")?;
    let appointment = platform.state().assigned(&caller.user, &id)?.appointment.clone();
    let body = serde_json::to_vec(&appointment).unwrap_or_default();
    Ok(tagged(
        &headers,
        &format!("\"{}\"", appointment.version),
        body.into(),
    ))
}

/// A JSON answer with this etag, or 304 if the caller has it already.
fn tagged(request: &HeaderMap, etag: &str, body: Bytes) -> Response {
    let known = header(request, "if-none-match").is_some_and(|known| {
        known
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == etag || tag == "*")
    });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    };
    if let Ok(etag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Moves an appointment, once for each idempotency key.
#[utoipa::path(post, path = "/v1/appointments/{id}/move", tag = "appointments", request_body = MoveRequest,
    params(("id" = String, Path),
        ("If-Match" = String, Header, description = "The version known, in quotes"),
        ("Idempotency-Key" = String, Header, description = "8 to 128 characters, remembered for 7 days")),
    responses(
        (status = 200, description = "Moved, or already at that time", body = Changed,
            headers(("ETag" = String, description = "The version in the answer, in quotes"))),
        (status = 400, description = "`invalid`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "`not_assigned`, `sync_disabled`, `not_editable`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "`overlap`, with `current` and `conflicting`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 412, description = "`version_mismatch`, with `current`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 422, description = "`move_refused` (with `reason`), `key_reused`, `invalid`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 428, description = "`precondition_required`", body = ProblemDetails,
            content_type = "application/problem+json")))]
pub(super) async fn move_appointment(
    State(platform): State<Platform>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<MoveRequest>,
) -> Result<Response, Problem> {
    caller.require("appointments.write")?;
    let ask = asked(&caller, &headers, &platform)?;
    Ok(replied(platform.state().move_by_trainer(ask, &id, &request)?))
}

/// Changes the fields in `editable` other than the time.
#[utoipa::path(patch, path = "/v1/appointments/{id}", tag = "appointments", request_body = EditRequest,
    params(("id" = String, Path),
        ("If-Match" = String, Header, description = "The version known, in quotes"),
        ("Idempotency-Key" = String, Header, description = "8 to 128 characters, remembered for 7 days")),
    responses(
        (status = 200, description = "Changed, or already so", body = Changed,
            headers(("ETag" = String, description = "The version in the answer, in quotes"))),
        (status = 400, description = "`invalid`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "`not_assigned`, `sync_disabled`, `not_editable`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "`version_mismatch`, with `current`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 422, description = "`key_reused`, `invalid`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 428, description = "`precondition_required`", body = ProblemDetails,
            content_type = "application/problem+json")))]
pub(super) async fn edit(
    State(platform): State<Platform>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<EditRequest>,
) -> Result<Response, Problem> {
    caller.require("appointments.write")?;
    let ask = asked(&caller, &headers, &platform)?;
    Ok(replied(platform.state().edit_by_trainer(ask, &id, &request)?))
}

/// Creates an appointment (feature `create_appointments`).
#[utoipa::path(post, path = "/v1/appointments", tag = "appointments", request_body = CreateRequest,
    params(("Idempotency-Key" = String, Header, description = "8 to 128 characters, remembered for 7 days")),
    responses(
        (status = 201, description = "Created", body = Appointment,
            headers(("ETag" = String, description = "Its version, in quotes"))),
        (status = 400, description = "`invalid`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "`not_allowed`, `sync_disabled`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 409, description = "`overlap`, with `conflicting`", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid` with `fields`, `key_reused`", body = ProblemDetails,
            content_type = "application/problem+json")))]
pub(super) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<CreateRequest>,
) -> Result<Response, Problem> {
    caller.require("appointments.write")?;
    let ask = asked(&caller, &headers, &platform)?;
    Ok(replied(platform.state().create_by_trainer(
        ask,
        platform.base_url(),
        &request,
    )?))
}

fn asked<'a>(caller: &'a Caller, headers: &'a HeaderMap, platform: &Platform) -> Result<Ask<'a>, Problem> {
    Ok(Ask {
        user: &caller.user,
        idempotency_key: idempotency_key(headers)?,
        if_match: header(headers, "if-match"),
        now: platform.now(),
        said: &caller.said,
    })
}

fn replied(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Json(reply.body)).into_response();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", reply.version)) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}
