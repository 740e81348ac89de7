//! The part of the control API that acts in Google: as the trainer in their calendar, or as the service itself.

use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::TimeDelta;
use chrono_tz::Tz;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::google::{
    AuditEntry, Google, GoogleError, NoticeWeather, QuotaLimits, TombstoneDetail, WatchedChannel,
};
use crate::oauth::SessionInfo;
use crate::platform::{JsonBody, Problem};

pub(super) fn router(google: Google) -> Router {
    const CALENDARS: &str = "/accounts/{account}/calendars";
    const CALENDAR: &str = "/accounts/{account}/calendars/{calendar}";
    let event = |action: &str| format!("{CALENDAR}/events/{{event}}{action}");
    Router::new()
        .route(
            "/accounts",
            get(|State(google): State<Google>| async move { Json(google.accounts()) }),
        )
        .route(CALENDARS, get(calendars).post(add_calendar))
        .route(CALENDAR, axum::routing::delete(remove_calendar))
        .route(&format!("{CALENDAR}/events"), get(events).post(insert))
        .route(&event(""), get(one).patch(patch).delete(remove))
        .route(&event("/restore"), post(restore))
        .route(&event("/copy"), post(copy))
        .route(&event("/purge"), post(purge))
        .route(&event("/move"), post(move_to_calendar))
        .route("/audit", get(audit))
        .route("/quota", get(quota).put(set_quota))
        .route("/tombstones", put(set_tombstones))
        .route("/auto-grant", put(set_auto_grant))
        .route("/channels", get(channels).delete(forget_channels))
        .route("/notices", get(notices).put(set_notices))
        .route("/sync-tokens/expire", post(expire_sync_tokens))
        .route("/sessions", get(sessions))
        .route("/revoke-tokens", post(revoke_tokens))
        .route("/expire-access-tokens", post(expire_access_tokens))
        .route("/access-token-lifetime", put(set_lifetime))
        .with_state(google)
}

type Answer = Result<Json<Value>, GoogleError>;
/// Account and calendar.
type InCalendar = Path<(String, String)>;
/// Account, calendar and event.
type OfEvent = Path<(String, String, String)>;

async fn calendars(
    State(google): State<Google>,
    Path(account): Path<String>,
) -> Result<Json<Vec<Value>>, GoogleError> {
    google.calendars(&account).map(Json)
}

#[derive(Debug, Deserialize)]
struct NewCalendar {
    summary: String,
    time_zone: Option<Tz>,
}

async fn add_calendar(
    State(google): State<Google>,
    Path(account): Path<String>,
    JsonBody(new): JsonBody<NewCalendar>,
) -> Answer {
    let id = google.add_calendar(
        &account,
        &new.summary,
        new.time_zone.unwrap_or(chrono_tz::Europe::Berlin),
    )?;
    Ok(Json(json!({"id": id})))
}

async fn remove_calendar(
    State(google): State<Google>,
    Path((account, calendar)): InCalendar,
) -> Result<StatusCode, GoogleError> {
    google
        .remove_calendar(&account, &calendar)
        .map(|()| StatusCode::NO_CONTENT)
}

async fn events(
    State(google): State<Google>,
    Path((account, calendar)): InCalendar,
) -> Result<Json<Vec<Value>>, GoogleError> {
    google.list_all(&account, &calendar).map(Json)
}

async fn insert(
    State(google): State<Google>,
    Path((account, calendar)): InCalendar,
    JsonBody(event): JsonBody<Value>,
) -> Answer {
    google.insert_event(&account, &calendar, &event).map(Json)
}

async fn one(State(google): State<Google>, Path((account, calendar, event)): OfEvent) -> Answer {
    google.event(&account, &calendar, &event).map(Json)
}

async fn patch(
    State(google): State<Google>,
    Path((account, calendar, event)): OfEvent,
    JsonBody(patch): JsonBody<Value>,
) -> Answer {
    google.patch_event(&account, &calendar, &event, &patch).map(Json)
}

async fn remove(State(google): State<Google>, Path((account, calendar, event)): OfEvent) -> Answer {
    google.delete_event(&account, &calendar, &event).map(Json)
}

async fn restore(State(google): State<Google>, Path((account, calendar, event)): OfEvent) -> Answer {
    google.restore_event(&account, &calendar, &event).map(Json)
}

async fn copy(State(google): State<Google>, Path((account, calendar, event)): OfEvent) -> Answer {
    google.copy_event(&account, &calendar, &event).map(Json)
}

async fn purge(
    State(google): State<Google>,
    Path((account, calendar, event)): OfEvent,
) -> Result<StatusCode, GoogleError> {
    google
        .purge_event(&account, &calendar, &event)
        .map(|()| StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
struct Destination {
    destination: String,
}

async fn move_to_calendar(
    State(google): State<Google>,
    Path((account, calendar, event)): OfEvent,
    JsonBody(Destination { destination }): JsonBody<Destination>,
) -> Answer {
    google
        .move_event_to_calendar(&account, &calendar, &event, &destination)
        .map(Json)
}

async fn audit(State(google): State<Google>) -> Json<Vec<AuditEntry>> {
    Json(google.audit())
}

async fn quota(State(google): State<Google>) -> Json<QuotaLimits> {
    Json(google.quota())
}

async fn set_quota(State(google): State<Google>, JsonBody(limits): JsonBody<QuotaLimits>) -> StatusCode {
    google.set_quota(limits);
    StatusCode::NO_CONTENT
}

async fn channels(State(google): State<Google>) -> Json<Vec<WatchedChannel>> {
    Json(google.channels())
}

async fn forget_channels(State(google): State<Google>) -> StatusCode {
    google.forget_channels();
    StatusCode::NO_CONTENT
}

async fn notices(State(google): State<Google>) -> Json<Value> {
    Json(json!({"sent": google.notices_sent(), "weather": google.notice_weather()}))
}

async fn set_notices(State(google): State<Google>, JsonBody(weather): JsonBody<NoticeWeather>) -> StatusCode {
    google.set_notice_weather(weather);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tombstones {
    in_lists: TombstoneDetail,
    in_reads: TombstoneDetail,
}

async fn set_tombstones(State(google): State<Google>, JsonBody(detail): JsonBody<Tombstones>) -> StatusCode {
    google.set_tombstones(detail.in_lists, detail.in_reads);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct AutoGrant {
    scopes: Option<Vec<String>>,
}

async fn set_auto_grant(State(google): State<Google>, JsonBody(grant): JsonBody<AutoGrant>) -> StatusCode {
    google.set_auto_grant(grant.scopes);
    StatusCode::NO_CONTENT
}

async fn expire_sync_tokens(State(google): State<Google>) -> StatusCode {
    google.expire_sync_tokens();
    StatusCode::NO_CONTENT
}

async fn sessions(State(google): State<Google>) -> Json<Vec<SessionInfo>> {
    Json(google.oauth().sessions())
}

#[derive(Debug, Deserialize)]
struct SomeAccount {
    account: Option<String>,
}

async fn revoke_tokens(
    State(google): State<Google>,
    JsonBody(SomeAccount { account }): JsonBody<SomeAccount>,
) -> Result<Json<Value>, Problem> {
    let Some(account) = account else {
        return Ok(Json(json!({"ended": google.revoke_all_tokens()})));
    };
    // A sign-in is kept under the account's lasting number or its address.
    let known = google
        .accounts()
        .into_iter()
        .find(|one| one["email"] == account || one["sub"] == account);
    let known = known.ok_or_else(|| Problem::not_found("account"))?;
    let names = ["email", "sub"]
        .into_iter()
        .filter_map(|name| known[name].as_str());
    let ended: usize = names.map(|name| google.oauth().revoke_account(name)).sum();
    Ok(Json(json!({"ended": ended})))
}

async fn expire_access_tokens(State(google): State<Google>) -> StatusCode {
    google.oauth().expire_access_tokens();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Lifetime {
    seconds: u32,
}

async fn set_lifetime(
    State(google): State<Google>,
    JsonBody(Lifetime { seconds }): JsonBody<Lifetime>,
) -> StatusCode {
    google
        .oauth()
        .set_access_ttl(TimeDelta::seconds(i64::from(seconds)));
    StatusCode::NO_CONTENT
}
