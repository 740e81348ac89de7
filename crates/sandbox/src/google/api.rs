//! The routes of the public API, and its part about events.

use super::Google;
use super::audit::Via;
use super::error::GoogleError;
use super::list::{self, Asked};
use super::model::{Calendar, Found};
use super::push;
use super::query::ListQuery;
use super::render;
use super::scopes;
use super::service::{Op, Writer};
use super::when::millis;
use super::wire::{Call, check_fields, object};
use super::{calendars, fields};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use chrono::DateTime;
use serde_json::{Value, json};

type Answer = Result<Response, GoogleError>;

/// The routes below `/calendar/v3`.
pub fn router() -> Router<Google> {
    Router::new()
        .route("/users/me/calendarList", get(calendars::calendar_list))
        .route(
            "/users/me/calendarList/{calendar}",
            get(calendars::calendar_list_get),
        )
        .route("/users/me/settings", get(calendars::settings_list))
        .route("/users/me/settings/{name}", get(calendars::settings_get))
        .route("/calendars", post(calendars::calendars_insert))
        .route(
            "/calendars/{calendar}",
            get(calendars::calendars_get)
                .patch(calendars::calendars_patch)
                .put(calendars::calendars_update)
                .delete(calendars::calendars_delete),
        )
        .route(
            "/calendars/{calendar}/events",
            get(events_list).post(events_insert),
        )
        .route(
            "/calendars/{calendar}/events/{event}",
            get(events_get)
                .patch(events_patch)
                .put(events_update)
                .delete(events_delete),
        )
        .route("/calendars/{calendar}/events/{event}/move", post(events_move))
        .route(
            "/calendars/{calendar}/events/{event}/instances",
            get(events_instances),
        )
        .route("/calendars/{calendar}/events/watch", post(push::watch))
        .route("/channels/stop", post(push::stop))
        .route("/freeBusy", post(calendars::free_busy))
        .route("/colors", get(calendars::colors))
}

async fn events_list(State(google): State<Google>, Path(calendar): Path<String>, call: Call) -> Answer {
    call.need_for(&google, scopes::EVENTS_READ, &calendar)?;
    let query = ListQuery::read(&call.pairs)?;
    list_answer(&google, &call, &calendar, &query)
}

async fn events_instances(
    State(google): State<Google>,
    Path((calendar, event)): Path<(String, String)>,
    call: Call,
) -> Answer {
    call.need_for(&google, scopes::EVENTS_READ, &calendar)?;
    let known = {
        let state = google.state();
        let (calendar, _) = state.calendar(&call.account, &calendar)?;
        matches!(calendar.find(&event), Some(Found::Stored(entry)) if entry.is_series())
    };
    if !known {
        return Err(GoogleError::not_found());
    }
    let query = ListQuery {
        single_events: true,
        sync_token: None,
        only_series: Some(event),
        ..ListQuery::read(&call.pairs)?
    };
    list_answer(&google, &call, &calendar, &query)
}

fn list_answer(google: &Google, call: &Call, calendar: &str, query: &ListQuery) -> Answer {
    if query.sync_token.is_some() && call.sync_token_expired() {
        return Err(GoogleError::full_sync_required());
    }
    let now = google.now();
    let mut state = google.state();
    let replica = state.replica(google.shared(), call, calendar, query);
    let (calendar, role) = state.calendar(&call.account, calendar)?;
    let behind = replica.behind.then(|| calendar.as_of(replica.change));
    let calendar = behind.as_ref().unwrap_or(calendar);
    let mut spoiling = call.spoiling();
    spoiling.repeat |= replica.repeat;
    let asked = Asked {
        account: &call.account,
        now,
        latest_change: replica.change,
        again: replica.again,
        spoiling,
    };
    let page = list::page(calendar, query, &asked)?;
    let mut view = state.view(&call.account, calendar, query.zone)?;
    view.max_attendees = query.max_attendees;
    view.tombstones = state.tombstones_in_lists;
    let items: Vec<Value> = page.items.iter().map(|entry| view.event(entry)).collect();
    let updated = calendar
        .entries
        .values()
        .map(|entry| entry.updated)
        .max()
        .unwrap_or(DateTime::UNIX_EPOCH);
    let mut answer = json!({
        "kind": "calendar#events",
        "summary": calendar.summary,
        "updated": millis(updated),
        "timeZone": view.shown.name(),
        "accessRole": role.name(),
        "defaultReminders": render::default_reminders(calendar, role),
        "items": items,
    });
    if let Some(text) = &calendar.description {
        answer["description"] = json!(text);
    }
    if let Some(token) = page.next_page_token {
        answer["nextPageToken"] = json!(token);
    }
    if let Some(token) = page.next_sync_token {
        answer["nextSyncToken"] = json!(token);
    }
    let etag = format!("\"p{}\"", list::digest(&answer.to_string()));
    answer["etag"] = json!(etag);
    call.answer(&answer, fields::EVENTS)
}

async fn events_get(
    State(google): State<Google>,
    Path((calendar, event)): Path<(String, String)>,
    call: Call,
) -> Answer {
    call.need_for(&google, scopes::EVENTS_READ, &calendar)?;
    event_answer(&google, &call, &calendar, &event)
}

fn event_answer(google: &Google, call: &Call, calendar: &str, event: &str) -> Answer {
    let zone = call.pairs.zone("timeZone")?;
    let max_attendees = call.pairs.number("maxAttendees")?;
    let state = google.state();
    let (calendar, _) = state.calendar(&call.account, calendar)?;
    let mut view = state.view(&call.account, calendar, zone)?;
    view.max_attendees = max_attendees;
    let shown = match calendar.find(event).ok_or_else(GoogleError::not_found)? {
        Found::Stored(entry) => view.event(entry),
        Found::Occurrence(master, slot) => view.event(&Calendar::occurrence(master, &slot)),
    };
    call.answer(&shown, fields::EVENT)
}

fn write(google: &Google, call: &Call, calendar: &str, op: Op<'_>) -> Result<(String, String), GoogleError> {
    let send_updates = call.pairs.get("sendUpdates");
    if send_updates.is_some_and(|value| !["all", "externalOnly", "none"].contains(&value)) {
        return Err(GoogleError::invalid_value("sendUpdates"));
    }
    let writer = Writer {
        account: &call.account,
        via: Via::Api,
        client: Some(&call.client),
        if_match: call.if_match(),
        // The deprecated form of the same wish.
        send_updates: send_updates.or((call.pairs.get("sendNotifications") == Some("true")).then_some("all")),
        options: call.options(),
        now: google.now(),
        fresh_id: google.shared().random_id(""),
        said: Some(&call.said),
        realism: google.shared().realism(),
        draw: google.draw(),
    };
    let outcome = google.state().write(&writer, calendar, op);
    google.inner.notices_told.notify_one();
    outcome
}

async fn events_insert(
    State(google): State<Google>,
    Path(calendar): Path<String>,
    call: Call,
    body: Bytes,
) -> Answer {
    call.need_for(&google, scopes::EVENTS_WRITE, &calendar)?;
    check_fields(&call, fields::EVENT)?;
    let sent = object(&body)?;
    let (calendar, event) = write(&google, &call, &calendar, Op::Insert(&sent))?;
    event_answer(&google, &call, &calendar, &event)
}

async fn events_patch(
    State(google): State<Google>,
    Path((calendar, event)): Path<(String, String)>,
    call: Call,
    body: Bytes,
) -> Answer {
    call.need_for(&google, scopes::EVENTS_WRITE, &calendar)?;
    check_fields(&call, fields::EVENT)?;
    let sent = object(&body)?;
    let (calendar, event) = write(&google, &call, &calendar, Op::Patch(&event, &sent))?;
    event_answer(&google, &call, &calendar, &event)
}

async fn events_update(
    State(google): State<Google>,
    Path((calendar, event)): Path<(String, String)>,
    call: Call,
    body: Bytes,
) -> Answer {
    call.need_for(&google, scopes::EVENTS_WRITE, &calendar)?;
    check_fields(&call, fields::EVENT)?;
    let sent = object(&body)?;
    let (calendar, event) = write(&google, &call, &calendar, Op::Update(&event, &sent))?;
    event_answer(&google, &call, &calendar, &event)
}

async fn events_delete(
    State(google): State<Google>,
    Path((calendar, event)): Path<(String, String)>,
    call: Call,
) -> Answer {
    call.need_for(&google, scopes::EVENTS_WRITE, &calendar)?;
    write(&google, &call, &calendar, Op::Delete(&event))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn events_move(
    State(google): State<Google>,
    Path((calendar, event)): Path<(String, String)>,
    call: Call,
) -> Answer {
    call.need_for(&google, scopes::EVENTS_MOVE, &calendar)?;
    check_fields(&call, fields::EVENT)?;
    let destination = call.pairs.get("destination");
    let destination = destination.ok_or_else(|| GoogleError::required("Required parameter: destination"))?;
    call.need_for(&google, scopes::EVENTS_MOVE, destination)?;
    let (calendar, event) = write(&google, &call, &calendar, Op::Move(&event, destination))?;
    event_answer(&google, &call, &calendar, &event)
}
