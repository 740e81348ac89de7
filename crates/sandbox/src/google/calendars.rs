//! The public API apart from events: calendar list, calendars, settings, colours, free/busy.

use super::Google;
use super::body::Object;
use super::error::GoogleError;
use super::list;
use super::model::{Calendar, Entry, Life, Mark, Role, etag_matches, quoted};
use super::query::Pairs;
use super::scopes;
use super::tokens::{self, SyncToken};
use super::when::{millis, seconds};
use super::wire::{Call, check_fields, object};
use super::{fields, palette, render};
use crate::history::Actor;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

type Answer = Result<Response, GoogleError>;

/// `calendarList.list`.
pub async fn calendar_list(State(google): State<Google>, call: Call) -> Answer {
    call.need(scopes::CALENDAR_LIST)?;
    let limit = call.pairs.number("maxResults")?.unwrap_or(100).min(250);
    let floor = match call.pairs.get("minAccessRole") {
        None | Some("freeBusyReader" | "reader") => Role::Reader,
        Some("writer" | "writerWithoutPrivateAccess") => Role::Writer,
        Some("owner") => Role::Owner,
        Some(_) => return Err(GoogleError::invalid_value("minAccessRole")),
    };
    let state = google.state();
    let account = state.account(&call.account).ok_or_else(GoogleError::not_found)?;
    let since = match call.pairs.get("syncToken") {
        None => None,
        Some(_) if call.pairs.get("minAccessRole").is_some() => {
            return Err(GoogleError::not_with_sync_token("minAccessRole"));
        }
        Some(text) => {
            let token: SyncToken = tokens::decode(text, "syncToken")?;
            if token.source != list_source(&call.account) || call.sync_token_expired() {
                return Err(GoogleError::full_sync_required());
            }
            Some(token.since)
        }
    };
    let deleted_too = call.pairs.flag("showDeleted")?.unwrap_or(false) || since.is_some();
    let begin: usize = match call.pairs.get("pageToken") {
        None => 0,
        Some(text) => tokens::decode(text, "pageToken")?,
    };
    let shown = account.list.iter().filter(|(id, entry)| {
        let properties = state
            .calendars
            .get(*id)
            .map_or(0, |calendar| calendar.mark.change);
        (deleted_too || !entry.deleted)
            && entry.role >= floor
            && since.is_none_or(|since| entry.mark.change.max(properties) > since)
    });
    let all: Vec<Value> = shown
        .map(|(id, entry)| render::list_entry(account, id, entry, state.calendars.get(id)))
        .collect();
    let items: Vec<&Value> = all.iter().skip(begin).take(limit).collect();
    let latest = account
        .list
        .values()
        .map(|entry| entry.mark.etag)
        .max()
        .unwrap_or(0);
    let mut answer =
        json!({"kind": "calendar#calendarList", "etag": format!("\"p{latest}\""), "items": items});
    if begin + limit < all.len() {
        answer["nextPageToken"] = json!(tokens::encode(&(begin + limit)));
    } else {
        let token = SyncToken {
            source: list_source(&call.account),
            parameters: String::new(),
            since: state.marks.latest_change(),
            epoch: 0,
        };
        answer["nextSyncToken"] = json!(tokens::encode(&token));
    }
    call.answer(&answer, fields::LIST)
}

fn list_source(account: &str) -> String {
    format!("calendarList {account}")
}

/// `calendarList.get`.
pub async fn calendar_list_get(
    State(google): State<Google>,
    Path(calendar): Path<String>,
    call: Call,
) -> Answer {
    call.need(scopes::CALENDAR_LIST)?;
    let state = google.state();
    let (calendar, _) = state.calendar(&call.account, &calendar)?;
    let account = state.account(&call.account).ok_or_else(GoogleError::not_found)?;
    let entry = account
        .list
        .get(&calendar.id)
        .ok_or_else(GoogleError::not_found)?;
    call.answer(
        &render::list_entry(account, &calendar.id, entry, Some(calendar)),
        fields::LIST_ENTRY,
    )
}

/// `calendars.get`.
pub async fn calendars_get(State(google): State<Google>, Path(calendar): Path<String>, call: Call) -> Answer {
    call.need_for(&google, scopes::CALENDARS_READ, &calendar)?;
    calendar_answer(&google, &call, &calendar)
}

fn calendar_answer(google: &Google, call: &Call, calendar: &str) -> Answer {
    let state = google.state();
    let (calendar, _) = state.calendar(&call.account, calendar)?;
    call.answer(
        &state.view(&call.account, calendar, None)?.calendar(),
        fields::CALENDAR,
    )
}

/// `calendars.insert`.
pub async fn calendars_insert(State(google): State<Google>, call: Call, body: Bytes) -> Answer {
    call.need(scopes::CALENDARS_INSERT)?;
    check_fields(&call, fields::CALENDAR)?;
    let sent = object(&body)?;
    let id = format!("{}@group.calendar.google.com", google.shared().random_id("c_"));
    {
        let now = google.now();
        let mut state = google.state();
        let mut calendar = Calendar {
            id: id.clone(),
            owner: call.account.clone(),
            summary: String::new(),
            description: None,
            location: None,
            zone: state
                .account(&call.account)
                .map_or(Tz::UTC, |account| account.zone),
            made_by_client: Some(call.client.clone()),
            mark: Mark { etag: 0, change: 0 },
            sync_epoch: 0,
            entries: std::collections::BTreeMap::new(),
        };
        set_properties(&mut calendar, &sent)?;
        calendar.mark = state.marks.next(now);
        state.add_calendar(calendar, 14);
    }
    calendar_answer(&google, &call, &id)
}

fn set_properties(calendar: &mut Calendar, sent: &Object) -> Result<(), GoogleError> {
    let text = |name: &str| match sent.get(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(String::new())),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(GoogleError::parse_error()),
    };
    let zone = text("timeZone")?.filter(|name| !name.is_empty());
    let zone = zone.map(|name| {
        name.parse::<Tz>()
            .map_err(|_| GoogleError::invalid("Invalid time zone."))
    });
    let zone = zone.transpose()?.unwrap_or(calendar.zone);
    let summary = text("summary")?.unwrap_or_else(|| calendar.summary.clone());
    if summary.trim().is_empty() {
        return Err(GoogleError::required("Missing title."));
    }
    let (description, location) = (text("description")?, text("location")?);
    calendar.zone = zone;
    calendar.summary = summary;
    let keep = |new: Option<String>, old: Option<String>| match new {
        None => old,
        Some(text) => Some(text).filter(|text| !text.is_empty()),
    };
    calendar.description = keep(description, calendar.description.take());
    calendar.location = keep(location, calendar.location.take());
    Ok(())
}

/// `calendars.patch`.
pub async fn calendars_patch(
    State(google): State<Google>,
    Path(calendar): Path<String>,
    call: Call,
    body: Bytes,
) -> Answer {
    change_calendar(&google, &call, &calendar, &body, false)
}

/// `calendars.update`.
pub async fn calendars_update(
    State(google): State<Google>,
    Path(calendar): Path<String>,
    call: Call,
    body: Bytes,
) -> Answer {
    change_calendar(&google, &call, &calendar, &body, true)
}

fn change_calendar(google: &Google, call: &Call, calendar: &str, body: &[u8], whole: bool) -> Answer {
    call.need_for(google, scopes::CALENDARS_WRITE, calendar)?;
    check_fields(call, fields::CALENDAR)?;
    let mut sent = object(body)?;
    if whole {
        for name in ["summary", "description", "location"] {
            sent.entry(name).or_insert(Value::Null);
        }
    }
    let id = owned_calendar(google, call, calendar)?;
    {
        let now = google.now();
        let mut state = google.state();
        let state = &mut *state;
        let calendar = state.calendars.get_mut(&id).ok_or_else(GoogleError::not_found)?;
        set_properties(calendar, &sent)?;
        calendar.mark = state.marks.next(now);
    }
    calendar_answer(google, call, &id)
}

fn owned_calendar(google: &Google, call: &Call, calendar: &str) -> Result<String, GoogleError> {
    let state = google.state();
    let (calendar, role) = state.calendar(&call.account, calendar)?;
    if role < Role::Owner {
        return Err(GoogleError::forbidden());
    }
    if call
        .if_match()
        .is_some_and(|wanted| !etag_matches(wanted, &quoted(calendar.mark.etag)))
    {
        return Err(GoogleError::condition_not_met());
    }
    Ok(calendar.id.clone())
}

/// `calendars.delete`; not of the primary one.
pub async fn calendars_delete(
    State(google): State<Google>,
    Path(calendar): Path<String>,
    call: Call,
) -> Answer {
    call.need_for(&google, scopes::CALENDARS_WRITE, &calendar)?;
    let id = owned_calendar(&google, &call, &calendar)?;
    if id == call.account {
        return Err(GoogleError::forbidden());
    }
    let now = google.now();
    google
        .state()
        .remove_calendar(&id, Actor::App(call.said.clone()), now);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn settings(google: &Google, account: &str) -> Result<Vec<Value>, GoogleError> {
    let state = google.state();
    let account = state.account(account).ok_or_else(GoogleError::not_found)?;
    let pairs = [
        ("autoAddHangouts", "false"),
        ("dateFieldOrder", "DMY"),
        ("defaultEventLength", "60"),
        ("format24HourTime", "true"),
        ("hideInvitations", "false"),
        ("hideWeekends", "false"),
        ("locale", "de"),
        ("remindOnRespondedEventsOnly", "false"),
        ("showDeclinedEvents", "true"),
        ("timezone", account.zone.name()),
        ("useKeyboardShortcuts", "true"),
        ("weekStart", "1"),
    ];
    let shown = pairs.iter().map(|(id, value)| {
        let etag = format!("\"{}\"", list::digest(&format!("{id}{value}")));
        json!({"kind": "calendar#setting", "etag": etag, "id": id, "value": value})
    });
    Ok(shown.collect())
}

/// `settings.list`.
pub async fn settings_list(State(google): State<Google>, call: Call) -> Answer {
    call.need(scopes::SETTINGS)?;
    let items = settings(&google, &call.account)?;
    let etag = format!("\"p{}\"", list::digest(&json!(items).to_string()));
    let token = SyncToken {
        source: "settings".into(),
        parameters: String::new(),
        since: 0,
        epoch: 0,
    };
    let answer = json!({
        "kind": "calendar#settings", "etag": etag, "items": items, "nextSyncToken": tokens::encode(&token),
    });
    call.answer(
        &answer,
        "kind,etag,nextPageToken,nextSyncToken,items(kind,etag,id,value)",
    )
}

/// `settings.get`.
pub async fn settings_get(State(google): State<Google>, Path(name): Path<String>, call: Call) -> Answer {
    call.need(scopes::SETTINGS)?;
    let found = settings(&google, &call.account)?
        .into_iter()
        .find(|setting| setting["id"] == name.as_str());
    call.answer(&found.ok_or_else(GoogleError::not_found)?, "kind,etag,id,value")
}

/// `colors.get`.
pub async fn colors(State(google): State<Google>, call: Call) -> Answer {
    call.need(&[
        "calendar",
        "calendar.readonly",
        "calendar.events",
        "calendar.app.created",
    ])?;
    call.answer(
        &palette::colors(google.started_at()),
        "kind,updated,calendar(*),event(*)",
    )
}

/// The longest range of a free/busy query.
const FREE_BUSY_REACH: TimeDelta = TimeDelta::days(92);

/// `freebusy.query`.
pub async fn free_busy(State(google): State<Google>, call: Call, body: Bytes) -> Answer {
    call.need(scopes::FREE_BUSY)?;
    let sent = object(&body)?;
    let bound = |name: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(name, sent.get(name).and_then(Value::as_str).unwrap_or_default())
            .finish();
        let at = Pairs::read(Some(&query)).instant(name)?;
        at.ok_or_else(|| GoogleError::required(format!("Missing {name} parameter.")))
    };
    let (min, max) = (bound("timeMin")?, bound("timeMax")?);
    if min >= max {
        return Err(GoogleError::time_range_empty(Some("timeMax")));
    }
    if max - min > FREE_BUSY_REACH {
        return Err(GoogleError::time_range_too_long());
    }
    let zone = sent
        .get("timeZone")
        .and_then(Value::as_str)
        .and_then(|name| name.parse::<Tz>().ok());
    let state = google.state();
    let mut calendars = Map::new();
    for item in sent.get("items").and_then(Value::as_array).into_iter().flatten() {
        let Some(id) = item.get("id").and_then(Value::as_str) else {
            continue;
        };
        let busy = match state.calendar(&call.account, id) {
            Err(_) => json!({"busy": [], "errors": [{"domain": "global", "reason": "notFound"}]}),
            Ok((calendar, _)) => {
                let show = |at: DateTime<Utc>| match zone {
                    Some(zone) => at
                        .with_timezone(&zone)
                        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                    None => seconds(at),
                };
                let blocks = busy_blocks(calendar, &call.account, min, max);
                let blocks: Vec<Value> = blocks
                    .iter()
                    .map(|(start, end)| json!({"start": show(*start), "end": show(*end)}))
                    .collect();
                json!({ "busy": blocks })
            }
        };
        calendars.insert(id.to_owned(), busy);
    }
    let answer = json!({
        "kind": "calendar#freeBusy", "timeMin": millis(min), "timeMax": millis(max), "calendars": calendars,
    });
    call.answer(&answer, "kind,timeMin,timeMax,calendars(*),groups(*)")
}

fn busy_blocks(
    calendar: &Calendar,
    account: &str,
    min: DateTime<Utc>,
    max: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut blocks = Vec::new();
    let mut add = |entry: &Entry| {
        let free = entry.body.get("transparency").is_some() || declined(entry, account);
        let span = entry.span();
        let (start, end) = (span.start.instant(calendar.zone), span.end.instant(calendar.zone));
        if !free && start < max && end > min {
            blocks.push((start.max(min), end.min(max)));
        }
    };
    for entry in calendar.entries.values().filter(|entry| entry.life == Life::Live) {
        if entry.is_series() {
            list::unchanged_occurrences(calendar, entry, max).for_each(|occurrence| add(&occurrence));
        } else {
            add(entry);
        }
    }
    blocks.sort_unstable();
    let mut merged: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for (start, end) in blocks {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn declined(entry: &Entry, account: &str) -> bool {
    let guests = entry
        .body
        .get("attendees")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    guests
        .into_iter()
        .any(|guest| guest["email"] == account && guest["responseStatus"] == "declined")
}
