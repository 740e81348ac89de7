//! The admin's page, and the JSON routes behind it. The control API serves the same routes.

use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::guard::{self, Answer, JsonBody};
use super::model::end_of;
use super::state::Record;
use super::types::{
    Appointment, AppointmentStatus, AppointmentType, CalendarSync, Client, EditableField, Location,
    PauseReason,
};
use super::{AdminEdit, Integration, NewAppointment, Notification, Person, Platform, Problem, Rules};

/// Rows the page shows unless it asks for more.
const ROWS: usize = 100;

pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("../pages/admin.html"))
}

pub(super) fn router(platform: Platform) -> Router {
    Router::new()
        .route(
            "/admin.css",
            get(|| async { asset("text/css", include_str!("../pages/admin.css")) }),
        )
        .route(
            "/admin.js",
            get(|| async { asset("text/javascript", include_str!("../pages/admin.js")) }),
        )
        .route("/overview", get(overview))
        .route(
            "/people",
            get(|State(platform): State<Platform>| async move { Json(platform.people()) }),
        )
        .route("/people/{id}", axum::routing::patch(change_person))
        .route("/policy", put(set_policy))
        .route("/appointments", get(list).post(create))
        .route("/appointments/{id}", get(one).patch(edit).delete(remove))
        .route("/appointments/{id}/move", post(move_appointment))
        .route("/appointments/{id}/cancel", post(cancel))
        .route("/appointments/{id}/restore", post(restore))
        .route("/appointments/{id}/reassign", post(reassign))
        .route("/seed", post(seed))
        .route("/notifications", get(notifications).delete(clear_notifications))
        .route(
            "/integrations",
            get(|State(platform): State<Platform>| async move { Json(platform.integrations()) }),
        )
        .route("/busy-blocks", get(busy_blocks))
        .route(
            "/writes",
            get(|State(platform): State<Platform>| async move { Json(platform.writes()) }),
        )
        .route("/leases/{user}/{provider}", delete(end_lease))
        .route("/rules", put(set_rules))
        .route("/requests-per-minute", put(set_requests_per_minute))
        .route("/cursors/expire", post(expire_cursors))
        .route("/streams", get(streams).delete(close_streams))
        .route("/hints", post(send_hint))
        .route(
            "/sessions",
            get(|State(platform): State<Platform>| async move { Json(platform.oauth().sessions()) }),
        )
        .route("/revoke-tokens", post(revoke_tokens))
        .route("/expire-access-tokens", post(expire_access_tokens))
        .route("/access-token-lifetime", put(set_lifetime))
        .route("/sign-in", post(sign_in))
        .fallback(guard::no_such_route)
        .with_state(platform)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

// What the page shows.

#[derive(Debug, Deserialize)]
struct OverviewQuery {
    /// Answered with 204 if nothing has changed since.
    revision: Option<u64>,
    assignee: Option<String>,
    q: Option<String>,
    when: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Overview {
    revision: u64,
    platform: &'static str,
    now: DateTime<Utc>,
    paused: Option<PauseReason>,
    people: Vec<PersonView>,
    total: usize,
    appointments: Vec<Record>,
    notifications: Vec<Notification>,
}

#[derive(Debug, Serialize)]
struct PersonView {
    #[serde(flatten)]
    person: Person,
    calendar_sync: CalendarSync,
    integrations: Vec<Integration>,
}

async fn overview(State(platform): State<Platform>, Query(query): Query<OverviewQuery>) -> Response {
    let revision = platform.revision();
    if query.revision == Some(revision) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let now = platform.now();
    let integrations = platform.integrations();
    let people = platform.people().into_iter().map(|person| {
        let integrations = integrations
            .iter()
            .filter(|integration| integration.user == person.id)
            .cloned()
            .collect();
        PersonView {
            calendar_sync: platform.policy(&person.id),
            person,
            integrations,
        }
    });
    let people = people.collect();
    let mut appointments = platform.appointments();
    appointments.retain(|record| wanted(record, &query, now));
    appointments.sort_by_key(|record| record.appointment.start);
    let total = appointments.len();
    appointments.truncate(query.limit.unwrap_or(ROWS));
    let mut notifications = platform.notifications();
    notifications.reverse();
    notifications.truncate(ROWS);
    let paused = platform.state().paused;
    let platform = super::NAME;
    Json(Overview {
        revision,
        platform,
        now,
        paused,
        people,
        total,
        appointments,
        notifications,
    })
    .into_response()
}

fn wanted(record: &Record, query: &OverviewQuery, now: DateTime<Utc>) -> bool {
    let assigned = match query.assignee.as_deref() {
        None | Some("") => true,
        Some("nobody") => record.assignee.is_none(),
        Some(user) => record.assignee.as_deref() == Some(user),
    };
    let over = end_of(&record.appointment) <= now;
    let in_time = match query.when.as_deref() {
        Some("past") => over,
        Some("all") => true,
        _ => !over,
    };
    let search = query.q.as_deref().unwrap_or_default().trim().to_lowercase();
    let appointment = &record.appointment;
    let place = appointment.location.as_ref();
    let texts = [
        Some(&appointment.id),
        appointment.title.as_ref(),
        appointment.topic.as_ref(),
        place.and_then(|place| place.name.as_ref()),
        place.and_then(|place| place.address.as_ref()),
    ];
    let found = search.is_empty()
        || texts
            .into_iter()
            .flatten()
            .any(|text| text.to_lowercase().contains(&search));
    assigned && in_time && found
}

// People.

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PersonChange {
    #[serde(deserialize_with = "super::types::given")]
    paused: Option<Option<PauseReason>>,
    client_names_allowed: Option<bool>,
    min_poll_seconds: Option<u32>,
    may_create: Option<bool>,
}

async fn change_person(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<PersonChange>,
) -> Answer<CalendarSync> {
    let policy = platform.change_person(&id, |person| {
        person.paused = change.paused.unwrap_or(person.paused);
        person.client_names_allowed = change.client_names_allowed.unwrap_or(person.client_names_allowed);
        person.min_poll_seconds = change.min_poll_seconds.unwrap_or(person.min_poll_seconds);
        person.may_create = change.may_create.unwrap_or(person.may_create);
    });
    policy.map(Json)
}

#[derive(Debug, Deserialize)]
struct Policy {
    reason: Option<PauseReason>,
}

async fn set_policy(State(platform): State<Platform>, JsonBody(policy): JsonBody<Policy>) -> StatusCode {
    platform.pause_everybody(policy.reason);
    StatusCode::NO_CONTENT
}

// Appointments.

/// A time as `2026-12-01T09:00:00+01:00`, or as `2026-12-01T09:00` by the clocks of a zone.
fn instant(text: &str, zone: Tz, field: &'static str) -> Result<DateTime<Utc>, Problem> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let refused = || Problem::invalid(422, &[field], format!("{text:?} is not a time."));
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let local = local.ok_or_else(refused)?;
    // In the hour that does not exist in spring, the clocks already show an hour more.
    let exact = zone.from_local_datetime(&local).earliest();
    let at = exact.or_else(|| {
        zone.from_local_datetime(&(local + TimeDelta::hours(1)))
            .earliest()
    });
    at.map(|at| at.to_utc()).ok_or_else(refused)
}

fn zone(name: &str) -> Result<Tz, Problem> {
    name.parse()
        .map_err(|_| Problem::invalid(422, &["time_zone"], "The time zone must be an IANA name."))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    #[serde(default)]
    assignee: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    topic: Option<String>,
    start: String,
    #[serde(default)]
    end: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    location: Option<Location>,
    #[serde(default)]
    notes: Option<String>,
    #[serde(default)]
    client: Option<Client>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    editable: Option<Vec<EditableField>>,
    #[serde(default)]
    status: Option<AppointmentStatus>,
    #[serde(default, rename = "type")]
    kind: Option<AppointmentType>,
    #[serde(default)]
    locked: bool,
}

async fn create(
    State(platform): State<Platform>,
    JsonBody(creation): JsonBody<Creation>,
) -> Result<(StatusCode, Json<Appointment>), Problem> {
    let people = platform.people();
    let person = match &creation.assignee {
        None => None,
        Some(id) => {
            let person = people.iter().find(|person| person.id == *id);
            Some(person.ok_or_else(|| Problem::invalid(422, &["assignee"], "There is no such person."))?)
        }
    };
    let zone = match &creation.time_zone {
        Some(name) => zone(name)?,
        None => person.map_or(chrono_tz::Europe::Berlin, |person| person.time_zone),
    };
    let start = instant(&creation.start, zone, "start")?;
    let end = creation
        .end
        .as_deref()
        .map(|end| instant(end, zone, "end"))
        .transpose()?;
    if end.is_some_and(|end| end <= start) {
        return Err(Problem::invalid(
            422,
            &["start", "end"],
            "An appointment must end after it begins.",
        ));
    }
    let plain = NewAppointment::new("", "", start, 0, zone);
    let new = NewAppointment {
        assignee: creation.assignee,
        kind: creation.kind.unwrap_or(plain.kind),
        status: creation.status.unwrap_or(plain.status),
        title: creation.title,
        topic: creation.topic,
        location: creation.location,
        start,
        end,
        time_zone: zone,
        notes: creation.notes,
        client: creation.client,
        private: creation.private,
        editable: creation.editable.unwrap_or(plain.editable),
        locked: creation.locked,
    };
    Ok((StatusCode::CREATED, Json(platform.create_appointment(new))))
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    assignee: Option<String>,
}

async fn list(State(platform): State<Platform>, Query(query): Query<ListQuery>) -> Json<Vec<Record>> {
    let mut appointments = platform.appointments();
    appointments.retain(|record| query.assignee.is_none() || record.assignee == query.assignee);
    Json(appointments)
}

async fn one(State(platform): State<Platform>, Path(id): Path<String>) -> Answer<Record> {
    platform
        .appointment(&id)
        .map(Json)
        .ok_or_else(|| Problem::not_found("appointment"))
}

async fn edit(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    JsonBody(edit): JsonBody<AdminEdit>,
) -> Answer<Appointment> {
    platform.edit_appointment(&id, edit).map(Json)
}

async fn remove(State(platform): State<Platform>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    platform.delete_appointment(&id).map(|()| StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    start: String,
    /// Absent: the length stays. `null`: without an end.
    #[serde(default, deserialize_with = "super::types::given")]
    end: Option<Option<String>>,
    #[serde(default)]
    time_zone: Option<String>,
}

async fn move_appointment(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<Move>,
) -> Answer<Appointment> {
    let record = platform
        .appointment(&id)
        .ok_or_else(|| Problem::not_found("appointment"))?;
    let appointment = record.appointment;
    let wanted = request.time_zone.as_deref().map(zone).transpose()?;
    let reading = match wanted {
        Some(zone) => zone,
        None => zone(&appointment.time_zone)?,
    };
    let start = instant(&request.start, reading, "start")?;
    let end = match request.end {
        Some(end) => end
            .as_deref()
            .map(|end| instant(end, reading, "end"))
            .transpose()?,
        None => appointment.end.map(|end| start + (end - appointment.start)),
    };
    platform.move_appointment(&id, start, end, wanted).map(Json)
}

async fn cancel(State(platform): State<Platform>, Path(id): Path<String>) -> Answer<Appointment> {
    platform.cancel_appointment(&id).map(Json)
}

async fn restore(State(platform): State<Platform>, Path(id): Path<String>) -> Answer<Appointment> {
    platform.restore_appointment(&id).map(Json)
}

#[derive(Debug, Deserialize)]
struct Assignee {
    assignee: Option<String>,
}

async fn reassign(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    JsonBody(to): JsonBody<Assignee>,
) -> Answer<Appointment> {
    platform
        .reassign_appointment(&id, to.assignee.as_deref())
        .map(Json)
}

#[derive(Debug, Deserialize)]
struct Seed {
    assignee: String,
    count: usize,
}

async fn seed(
    State(platform): State<Platform>,
    JsonBody(seed): JsonBody<Seed>,
) -> Result<StatusCode, Problem> {
    platform
        .seed(&seed.assignee, seed.count)
        .map(|()| StatusCode::NO_CONTENT)
}

// The rest.

async fn notifications(State(platform): State<Platform>) -> Json<Vec<Notification>> {
    Json(platform.notifications())
}

async fn clear_notifications(State(platform): State<Platform>) -> StatusCode {
    platform.clear_notifications();
    StatusCode::NO_CONTENT
}

async fn busy_blocks(State(platform): State<Platform>) -> Json<Vec<Value>> {
    let all = platform.busy_blocks().into_iter();
    Json(
        all.map(|(user, source, blocks)| json!({"user": user, "source": source, "blocks": blocks}))
            .collect(),
    )
}

async fn end_lease(
    State(platform): State<Platform>,
    Path((user, provider)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    if platform.end_lease(&user, &provider) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("lease"))
    }
}

async fn set_rules(State(platform): State<Platform>, JsonBody(rules): JsonBody<Rules>) -> StatusCode {
    platform.set_rules(rules);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Limit {
    limit: usize,
}

async fn set_requests_per_minute(
    State(platform): State<Platform>,
    JsonBody(Limit { limit }): JsonBody<Limit>,
) -> StatusCode {
    platform.set_requests_per_minute(limit);
    StatusCode::NO_CONTENT
}

async fn expire_cursors(State(platform): State<Platform>) -> StatusCode {
    platform.expire_cursors();
    StatusCode::NO_CONTENT
}

async fn streams(State(platform): State<Platform>) -> Json<Value> {
    Json(json!({"open": platform.open_streams()}))
}

async fn close_streams(State(platform): State<Platform>) -> StatusCode {
    platform.close_streams();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct User {
    user: String,
}

async fn send_hint(State(platform): State<Platform>, JsonBody(User { user }): JsonBody<User>) -> StatusCode {
    platform.send_hint(&user);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct SomeUser {
    user: Option<String>,
}

async fn revoke_tokens(
    State(platform): State<Platform>,
    JsonBody(SomeUser { user }): JsonBody<SomeUser>,
) -> Json<Value> {
    let ended = match user {
        Some(user) => platform.oauth().revoke_account(&user),
        None => platform.oauth().revoke_all(),
    };
    Json(json!({"ended": ended}))
}

async fn expire_access_tokens(State(platform): State<Platform>) -> StatusCode {
    platform.oauth().expire_access_tokens();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Lifetime {
    seconds: u32,
}

async fn set_lifetime(
    State(platform): State<Platform>,
    JsonBody(Lifetime { seconds }): JsonBody<Lifetime>,
) -> StatusCode {
    platform
        .oauth()
        .set_access_ttl(TimeDelta::seconds(i64::from(seconds)));
    StatusCode::NO_CONTENT
}

async fn sign_in(State(platform): State<Platform>, JsonBody(User { user }): JsonBody<User>) -> Answer<Value> {
    if !platform.people().iter().any(|person| person.id == user) {
        return Err(Problem::not_found("person"));
    }
    let grant = platform.sign_in_directly(&user);
    Ok(Json(json!({
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "expires_in": grant.expires_in,
        "scope": grant.scopes.join(" "),
    })))
}
