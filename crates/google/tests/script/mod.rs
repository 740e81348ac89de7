//! A client of Google over a script of answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::event::{EventBody, EventChange, Mark};
use roundtrip_core::ids::{AppointmentId, CalendarId, EventId};
use roundtrip_core::time::{EventTime, TimeSpan};
use roundtrip_engine::ports::CalendarPort as _;
use roundtrip_google::{GoogleCalendar, GoogleConfig, SCOPES};
use roundtrip_http::oauth::TokenSet;
use roundtrip_http::testing::{HandClock, MemoryVault, ScriptedHttp};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own time")
}

pub fn now() -> DateTime<Utc> {
    at("2026-11-21T08:00:00Z")
}

pub fn config() -> GoogleConfig {
    let setting = |name: &str| match name {
        "GOOGLE_CLIENT_ID" => Some("client-1".to_owned()),
        "GOOGLE_CLIENT_SECRET" => Some("public-secret".to_owned()),
        _ => None,
    };
    GoogleConfig::from_settings(setting).expect("Google's own addresses")
}

pub fn client() -> (Arc<ScriptedHttp>, GoogleCalendar) {
    let http = ScriptedHttp::new();
    let vault = MemoryVault::signed_in(now(), &SCOPES);
    let client = GoogleCalendar::new(http.clone(), HandClock::at(now()), config(), vault);
    (http, client)
}

pub fn primary() -> CalendarId {
    CalendarId::new("primary")
}

pub fn event_id() -> EventId {
    EventId::new("rt0abc")
}

pub fn stored(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({"id":"rt0abc","etag":"\"31\"","status":"confirmed","updated":"2026-11-21T07:00:00.000Z",
        "summary":"Linden-Apotheke","start":{"dateTime":"2026-12-01T09:00:00+01:00","timeZone":"Europe/Berlin"},
        "end":{"dateTime":"2026-12-01T10:30:00+01:00","timeZone":"Europe/Berlin"},
        "htmlLink":"https://www.google.com/calendar/event?eid=x",
        "extendedProperties":{"private":{"rt_appointment":"apt_41","rt_platform":"f00d","rt_generation":"2","theirs":"x"}}});
    change(&mut event);
    event
}

pub fn page(items: Vec<Value>, next: (&str, &str)) -> String {
    json!({"timeZone": "America/New_York", "items": items, next.0: next.1}).to_string()
}

pub fn body() -> EventBody {
    EventBody {
        time: TimeSpan::new(
            at("2026-12-01T08:00:00Z"),
            Some(at("2026-12-01T09:30:00Z")),
            chrono_tz::Europe::Berlin,
        ),
        title: "Linden-Apotheke 💊".into(),
        location: "Lindenstr. 5".into(),
        description: String::new(),
        tentative: false,
        private: false,
        was_private: false,
        color: None,
        source_url: Some("https://linden.example/appointments/apt_41".into()),
        source_title: "Linden Akademie".into(),
        mark: Mark {
            appointment: AppointmentId::new("apt_41"),
            platform: "f00d".into(),
            schema: 1,
            generation: 2,
            version: 7,
            time: None,
            platform_hashes: None,
            written_hashes: None,
            private: false,
            origin: None,
        },
    }
}

pub fn sent(request: &http::Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).expect("JSON")
}

pub fn query(request: &http::Request<Bytes>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

pub fn has(request: &http::Request<Bytes>, name: &str, value: &str) -> bool {
    query(request)
        .iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
        .eq([value])
}

pub fn google_error(status: u16, reason: &str) -> String {
    json!({"error":{"errors":[{"domain":"global","reason":reason,"message":"M"}],"code":status,"message":"M"}}).to_string()
}

/// Reads one item as a listing would give it.
pub async fn read(item: Value) -> Vec<EventChange> {
    let (http, client) = client();
    http.then(200, &page(vec![item], ("nextSyncToken", "s")));
    client.changes(&primary(), None).await.expect("a listing").items
}

pub async fn read_time(start: Value, end: Value) -> EventTime {
    let item = stored(|event| (event["start"], event["end"]) = (start, end));
    match read(item).await.remove(0) {
        EventChange::Live(event) => event.time,
        other => panic!("not read: {other:?}"),
    }
}

pub fn tokens(claims: Option<Value>, scopes: &[&str]) -> TokenSet {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    TokenSet {
        access_token: SecretString::from("a"),
        refresh_token: None,
        issued_at: now(),
        expires_at: now() + Duration::hours(1),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        id_token: claims
            .map(|claims| SecretString::from(format!("{}.{}.sig", part(&json!({})), part(&claims)))),
    }
}
