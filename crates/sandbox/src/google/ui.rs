//! The page of a week calendar and its private routes. The page knows wall-clock times in the calendar's zone only;
//! instants are made here.

use super::Google;
use super::error::GoogleError;
use super::list::{self, Asked, Spoiling};
use super::model::{Calendar, Entry, Life};
use super::query::{ListQuery, Pairs};
use super::when::{When, instant_of};
use super::{palette, render};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Format of a wall-clock time between page and server.
const WALL: &str = "%Y-%m-%dT%H:%M";

/// The routes of the page.
pub fn router() -> Router<Google> {
    Router::new()
        .route(
            "/",
            get(|| async { Html(include_str!("../pages/calendar.html")) }),
        )
        .route(
            "/ui/calendar.css",
            get(|| async { asset("text/css", include_str!("../pages/calendar.css")) }),
        )
        .route(
            "/ui/calendar.js",
            get(|| async { asset("text/javascript", include_str!("../pages/calendar.js")) }),
        )
        .route("/ui/state", get(state))
        .route("/ui/act", post(act))
        .route("/event", get(open_event))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// What `htmlLink` leads to: the page at the right week.
async fn open_event(State(google): State<Google>, RawQuery(query): RawQuery) -> Response {
    let pairs = Pairs::read(query.as_deref());
    let eid = pairs.get("eid").and_then(|eid| URL_SAFE_NO_PAD.decode(eid).ok());
    let text = eid
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    let (event, calendar) = text.split_once(' ').unwrap_or_default();
    let found = {
        let state = google.state();
        let calendar = state.calendars.get(calendar);
        let entry = calendar.and_then(|calendar| calendar.entries.get(event).map(|entry| (calendar, entry)));
        entry.map(|(calendar, entry)| {
            let day = entry
                .span()
                .start
                .instant(calendar.zone)
                .with_timezone(&calendar.zone)
                .date_naive();
            (calendar.owner.clone(), day)
        })
    };
    let Some((account, day)) = found else {
        return Redirect::to("/").into_response();
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("account", &account)
        .append_pair("calendar", calendar);
    query
        .append_pair("date", &day.to_string())
        .append_pair("event", event);
    Redirect::to(&format!("/?{}", query.finish())).into_response()
}

async fn state(State(google): State<Google>, RawQuery(query): RawQuery) -> Result<Response, GoogleError> {
    let pairs = Pairs::read(query.as_deref());
    let now = google.now();
    let state = google.state();
    let first = state
        .accounts
        .first()
        .map(|account| account.email.clone())
        .unwrap_or_default();
    let account = pairs
        .get("account")
        .filter(|email| state.account(email).is_some())
        .unwrap_or(&first);
    let viewer = state.account(account).ok_or_else(GoogleError::not_found)?;
    let calendar = pairs
        .get("calendar")
        .filter(|id| state.calendar(account, id).is_ok())
        .unwrap_or("primary");
    let accounts: Vec<Value> = state
        .accounts
        .iter()
        .map(|one| json!({"email": one.email, "name": one.name}))
        .collect();
    let present = viewer.list.iter().filter(|(_, entry)| !entry.deleted);
    let calendars: Vec<Value> = present
        .filter_map(|(id, entry)| {
            let shown = render::list_entry(viewer, id, entry, Some(state.calendars.get(id)?));
            let (name, role) = (&shown["summary"], &shown["accessRole"]);
            Some(json!({"id": id, "name": name, "role": role, "color": palette::calendar_color(entry.color_id).0,
                "primary": id == account}))
        })
        .collect();
    let mut answer = json!({
        "version": format!("{}:{account}:{calendar}:{}", state.marks.latest_change(), pairs.get("from").unwrap_or_default()),
        "account": account, "accounts": accounts, "calendars": calendars, "events": [], "bin": [],
    });
    let Ok((calendar, role)) = state.calendar(account, calendar) else {
        return Ok(Json(answer).into_response());
    };
    let today = now.with_timezone(&calendar.zone);
    let from = pairs
        .get("from")
        .and_then(|day| day.parse::<NaiveDate>().ok())
        .unwrap_or(today.date_naive());
    answer["calendar"] = json!(calendar.id);
    answer["zone"] = json!(calendar.zone.name());
    answer["writable"] = json!(role.name() != "reader");
    answer["now"] = json!(today.format(WALL).to_string());
    if pairs.get("version") == answer["version"].as_str() {
        return Ok(Json(json!({"unchanged": true, "now": answer["now"]})).into_response());
    }
    let bounds = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("singleEvents", "true")
        .append_pair("maxResults", "2500")
        .append_pair("timeMin", &midnight(from, calendar.zone))
        .append_pair("timeMax", &midnight(from + Days::new(7), calendar.zone))
        .finish();
    let asked = Asked {
        account: &viewer.email,
        now,
        latest_change: state.marks.latest_change(),
        again: false,
        spoiling: Spoiling::default(),
    };
    let page = list::page(calendar, &ListQuery::read(&Pairs::read(Some(&bounds)))?, &asked)?;
    answer["events"] = page.items.iter().map(|entry| shown(entry, calendar)).collect();
    let mut bin: Vec<&Entry> = calendar
        .entries
        .values()
        .filter(|entry| entry.life == Life::Deleted && !lost_with_series(entry, calendar))
        .collect();
    bin.sort_by_key(|entry| std::cmp::Reverse(entry.mark.change));
    answer["bin"] = bin.into_iter().map(|entry| shown(entry, calendar)).collect();
    Ok(Json(answer).into_response())
}

/// An exception comes back with its series, not by itself.
fn lost_with_series(entry: &Entry, calendar: &Calendar) -> bool {
    let Some(series) = &entry.series else { return false };
    calendar
        .entries
        .get(&series.master)
        .is_none_or(|master| master.life != Life::Live)
}

fn midnight(day: NaiveDate, zone: Tz) -> String {
    super::when::seconds(When::Day(day).instant(zone))
}

fn shown(entry: &Entry, calendar: &Calendar) -> Value {
    let span = entry.span();
    let wall = |when: &When| {
        when.instant(calendar.zone)
            .with_timezone(&calendar.zone)
            .format(WALL)
            .to_string()
    };
    let text = |name: &str| entry.body.get(name).and_then(Value::as_str).unwrap_or_default();
    let marked = entry
        .body
        .get("extendedProperties")
        .and_then(|sides| sides.get("private"))
        .is_some();
    let master = entry.series.as_ref().map(|series| series.master.as_str());
    let rules = master
        .and_then(|master| calendar.entries.get(master))
        .map_or_else(|| entry.recurrence(), Entry::recurrence);
    let guests = entry
        .body
        .get("attendees")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let guests: Vec<&Value> = guests.filter_map(|guest| guest.get("email")).collect();
    json!({
        "id": entry.id,
        "title": text("summary"),
        "description": text("description"),
        "location": text("location"),
        "all_day": span.start.is_day(),
        "start": wall(&span.start),
        "end": wall(&span.end),
        "tentative": entry.tentative,
        "free": entry.body.contains_key("transparency"),
        "private": text("visibility") == "private",
        "marked": marked,
        "series": master,
        "rules": rules,
        "guests": guests,
        "invited_by": entry.invited_by.as_ref().map(|(email, _)| email),
    })
}

/// What the page asks for.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    Create {
        account: String,
        calendar: String,
        fields: Fields,
    },
    Edit {
        account: String,
        calendar: String,
        id: String,
        fields: Fields,
    },
    Delete {
        account: String,
        calendar: String,
        id: String,
    },
    Restore {
        account: String,
        calendar: String,
        id: String,
    },
    Copy {
        account: String,
        calendar: String,
        id: String,
    },
    Move {
        account: String,
        calendar: String,
        id: String,
        destination: String,
    },
}

/// The fields of the dialog; what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    title: Option<String>,
    description: Option<String>,
    location: Option<String>,
    start: Option<String>,
    end: Option<String>,
    #[serde(default)]
    all_day: bool,
    /// Weeks of a weekly series; 0 = no series.
    weekly: Option<u32>,
    add_guest: Option<String>,
    tentative: Option<bool>,
    free: Option<bool>,
}

async fn act(State(google): State<Google>, Json(action): Json<Action>) -> Result<Response, GoogleError> {
    let done = match &action {
        Action::Create {
            account,
            calendar,
            fields,
        } => {
            let event = fields.patch(&google, account, calendar, None)?;
            google.insert_event(account, calendar, &event)?
        }
        Action::Edit {
            account,
            calendar,
            id,
            fields,
        } => {
            let patch = fields.patch(&google, account, calendar, Some(id))?;
            google.patch_event(account, calendar, id, &patch)?
        }
        Action::Delete {
            account,
            calendar,
            id,
        } => google.delete_event(account, calendar, id)?,
        Action::Restore {
            account,
            calendar,
            id,
        } => google.restore_event(account, calendar, id)?,
        Action::Copy {
            account,
            calendar,
            id,
        } => google.copy_event(account, calendar, id)?,
        Action::Move {
            account,
            calendar,
            id,
            destination,
        } => google.move_event_to_calendar(account, calendar, id, destination)?,
    };
    Ok(Json(json!({"id": done["id"]})).into_response())
}

impl Fields {
    /// The patch these fields mean for an event (or the body of a new one).
    fn patch(
        &self,
        google: &Google,
        account: &str,
        calendar: &str,
        id: Option<&str>,
    ) -> Result<Value, GoogleError> {
        let zone = google.state().calendar(account, calendar)?.0.zone;
        let before = match id {
            Some(id) => google.event(account, calendar, id)?,
            None => json!({}),
        };
        let mut patch = Map::new();
        for (name, value) in [
            ("summary", &self.title),
            ("description", &self.description),
            ("location", &self.location),
        ] {
            if let Some(text) = value {
                patch.insert(name.to_owned(), json!(text));
            }
        }
        let weekly = self.weekly.filter(|weeks| *weeks > 0);
        for (name, value) in [("start", &self.start), ("end", &self.end)] {
            if let Some(wall) = value {
                patch.insert(name.to_owned(), self.time(name, wall, zone, &before)?);
            } else if weekly.is_some() && before[name].get("dateTime").is_some() {
                patch.insert(name.to_owned(), json!({"timeZone": before[name]["timeZone"]}));
            }
        }
        match (self.weekly, weekly) {
            (_, Some(weeks)) => {
                patch.insert(
                    "recurrence".to_owned(),
                    json!([format!("RRULE:FREQ=WEEKLY;COUNT={weeks}")]),
                );
            }
            (Some(_), None) => {
                patch.insert("recurrence".to_owned(), Value::Null);
            }
            (None, None) => {}
        }
        if let Some(guest) = self
            .add_guest
            .as_deref()
            .map(str::trim)
            .filter(|guest| !guest.is_empty())
        {
            let mut guests = before["attendees"].as_array().cloned().unwrap_or_default();
            guests.push(json!({"email": guest}));
            patch.insert("attendees".to_owned(), Value::Array(guests));
        }
        if let Some(tentative) = self.tentative {
            patch.insert(
                "status".to_owned(),
                json!(if tentative { "tentative" } else { "confirmed" }),
            );
        }
        if let Some(free) = self.free {
            patch.insert(
                "transparency".to_owned(),
                json!(if free { "transparent" } else { "opaque" }),
            );
        }
        Ok(Value::Object(patch))
    }

    fn time(&self, name: &str, wall: &str, zone: Tz, before: &Value) -> Result<Value, GoogleError> {
        let invalid = || GoogleError::invalid(format!("Invalid {name} time."));
        let wall = NaiveDateTime::parse_from_str(wall, WALL).map_err(|_| invalid())?;
        if self.all_day {
            return Ok(json!({"date": wall.date().to_string(), "dateTime": null, "timeZone": null}));
        }
        // A dragged event keeps the zone it was made in.
        let own_zone = before[name]
            .get("timeZone")
            .and_then(Value::as_str)
            .unwrap_or(zone.name());
        let at = super::when::seconds(instant_of(wall, zone));
        Ok(json!({"date": null, "dateTime": at, "timeZone": own_zone}))
    }
}
