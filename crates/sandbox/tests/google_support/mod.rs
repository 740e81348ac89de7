//! A Google stand-in in this process, under a clock that stands still.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use roundtrip_sandbox::faults::{ConnectionDropped, Fault, FaultRule, Service};
use roundtrip_sandbox::google::{self, FIRST_ACCOUNT, Google, GoogleConfig};
use roundtrip_sandbox::oauth;
use roundtrip_sandbox::observe::observed;
use roundtrip_sandbox::shared::{ManualClock, Shared};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const MARA: &str = FIRST_ACCOUNT;
pub const LENA: &str = "lena.west@gmail.example";
pub const EVENTS: &str = "/calendar/v3/calendars/primary/events";
pub const HOLIDAYS: &str = "de.german%23holiday%40group.v.calendar.google.com";
pub const EVENTS_SCOPE: &str = "https://www.googleapis.com/auth/calendar.events";
pub const CALENDAR_SCOPE: &str = "https://www.googleapis.com/auth/calendar";

pub struct World {
    pub clock: Arc<ManualClock>,
    pub shared: Shared,
    pub google: Google,
    pub config: GoogleConfig,
    pub router: Router,
    pub token: String,
}

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub dropped: bool,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Status and first reason: what clients branch on.
    pub fn refusal(&self) -> (u16, String) {
        let reason = self.json()["error"]["errors"][0]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (self.status, reason)
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, reason: &str) {
        assert_eq!(self.refusal(), (status, reason.to_owned()), "{}", self.text());
    }
}

impl World {
    /// No sample events; a token for `calendar.events` of Mara.
    pub fn new() -> Self {
        Self::with(false)
    }

    pub fn with(sample_events: bool) -> Self {
        let start: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().expect("an instant");
        let clock = Arc::new(ManualClock::new(start));
        let shared = Shared::new(clock.clone(), 7);
        let config = GoogleConfig {
            sample_events,
            ..GoogleConfig::default()
        };
        let server = oauth::Server::new(shared.clone(), config.oauth(true));
        let google = Google::new(shared.clone(), server, config.clone());
        let router = google::compressed(observed(google.router(), &shared, Service::Google));
        let mut world = Self {
            clock,
            shared,
            google,
            config,
            router,
            token: String::new(),
        };
        world.token = world.token_for(MARA, &[EVENTS_SCOPE]);
        world
    }

    pub fn token_for(&self, account: &str, scopes: &[&str]) -> String {
        self.google
            .oauth()
            .sign_in_directly(&self.config.client_id, account, scopes)
            .access_token
    }

    pub fn sign_in(&mut self, account: &str, scopes: &[&str]) {
        self.token = self.token_for(account, scopes);
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    pub fn fault(&self, fault: Fault) {
        self.shared.faults().add(FaultRule::new(Service::Google, fault));
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let dropped = response.extensions().get::<ConnectionDropped>().is_some();
        let (parts, body) = response.into_parts();
        let bytes = body
            .collect()
            .await
            .map(|body| body.to_bytes().to_vec())
            .unwrap_or_default();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            dropped,
            bytes,
        }
    }

    /// An API call with the token.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        all.extend_from_slice(headers);
        self.send(
            method,
            path,
            &all,
            body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        )
        .await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[], None).await
    }

    pub async fn list(&self, query: &str) -> Reply {
        self.get(&format!("{EVENTS}?{query}")).await
    }

    pub async fn insert(&self, body: &Value) -> Reply {
        self.call("POST", EVENTS, &[], Some(body)).await
    }

    pub async fn patch(&self, id: &str, body: &Value) -> Reply {
        self.call("PATCH", &format!("{EVENTS}/{id}"), &[], Some(body))
            .await
    }

    pub async fn delete(&self, id: &str) -> Reply {
        self.call("DELETE", &format!("{EVENTS}/{id}"), &[], None).await
    }

    pub async fn read(&self, id: &str) -> Reply {
        self.get(&format!("{EVENTS}/{id}")).await
    }

    /// A full listing down to its sync token.
    pub async fn sync_token(&self, query: &str) -> String {
        let page = self.list(query).await.ok();
        page["nextSyncToken"]
            .as_str()
            .expect("a sync token on the last page")
            .to_owned()
    }

    /// What changed since a token.
    pub async fn changes(&self, token: &str, query: &str) -> Value {
        self.list(&format!("syncToken={}&{query}", encoded(token)))
            .await
            .ok()
    }

    pub async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", path, &[kind], form.finish().into_bytes()).await
    }
}

pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// An event of one hour in Berlin.
pub fn event(id: &str, start: &str) -> Value {
    let hour: u32 = start[11..13].parse().expect("an hour");
    let end = format!("{}{:02}{}", &start[..11], hour + 1, &start[13..]);
    json!({
        "id": id,
        "summary": "Visit",
        "start": {"dateTime": start, "timeZone": "Europe/Berlin"},
        "end": {"dateTime": end, "timeZone": "Europe/Berlin"},
    })
}

/// The ids of a page, sorted.
pub fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    let mut ids: Vec<String> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    ids.sort();
    ids
}
