//! A sandbox on a clock that stands still, called in-process.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use roundtrip_sandbox::platform::{Appointment, NewAppointment};
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_sandbox::{Config, Sandbox};
use serde_json::Value;
use tower::ServiceExt as _;

pub const MARA: &str = "usr_7";
pub const BEN: &str = "usr_8";
pub const JANA: &str = "usr_1";

/// A Saturday; all times in these tests hang on it.
pub const NOW: &str = "2026-11-21T08:00:00Z";

pub struct World {
    pub sandbox: Sandbox,
    pub clock: Arc<ManualClock>,
    router: Router,
    token: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// Status and problem code.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.json["code"].as_str().unwrap_or_default())
    }
}

pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
}

impl World {
    /// Mara is signed in and has no appointments.
    pub fn empty() -> Self {
        Self::with(0)
    }

    pub fn with(appointments: usize) -> Self {
        let clock = Arc::new(ManualClock::new(at(NOW)));
        let sandbox = Sandbox::new(
            &Config {
                appointments,
                ..Config::default()
            },
            clock.clone(),
        );
        let token = sandbox.platform.sign_in_directly(MARA).access_token;
        Self {
            router: sandbox.platform_router(),
            sandbox,
            clock,
            token,
        }
    }

    /// The same world, seen by somebody else.
    pub fn seen_by(&self, user: &str) -> Self {
        Self {
            sandbox: self.sandbox.clone(),
            clock: self.clock.clone(),
            router: self.router.clone(),
            token: self.sandbox.platform.sign_in_directly(user).access_token,
        }
    }

    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// An appointment of Mara's, 90 minutes long.
    pub fn appointment(&self, start: &str) -> Appointment {
        let zone = chrono_tz::Europe::Berlin;
        self.sandbox.platform.create_appointment(NewAppointment::new(
            MARA,
            "Linden-Apotheke",
            at(start),
            90,
            zone,
        ))
    }

    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let response = self.raw(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json,
            text,
        }
    }

    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> http::Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if path.starts_with("/v1") && !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |text| Body::from(text.to_owned()));
        let request = request.body(body).expect("a request");
        self.router.clone().oneshot(request).await.expect("infallible")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], None).await
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.request(method, path, &headers, Some(&body.to_string()))
            .await
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.request(
            "POST",
            path,
            &[("content-type", "application/x-www-form-urlencoded")],
            Some(&body),
        )
        .await
    }

    /// A move with everything it needs.
    pub async fn move_to(&self, id: &str, version: u64, key: &str, start: &str, end: &str) -> Answer {
        let body = move_body(start, end);
        self.write(
            "POST",
            &format!("/v1/appointments/{id}/move"),
            version,
            key,
            &body,
        )
        .await
    }

    pub async fn write(&self, method: &str, path: &str, version: u64, key: &str, body: &Value) -> Answer {
        let tag = format!("\"{version}\"");
        let headers = [
            ("if-match", tag.as_str()),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        self.request(method, path, &headers, Some(&body.to_string()))
            .await
    }
}

pub fn move_body(start: &str, end: &str) -> Value {
    serde_json::json!({
        "start": start, "end": end, "time_zone": "Europe/Berlin", "notify_admin": true,
        "source": {"provider": "google", "event_id": "abc", "moved_at": NOW, "device": "Mara's laptop"}
    })
}
