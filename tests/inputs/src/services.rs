//! Clients of both services whose every answer is the input.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Response, StatusCode};
use roundtrip_engine::ports::PortError;
use roundtrip_google::{GoogleCalendar, GoogleConfig};
use roundtrip_http::testing::{HandClock, MemoryVault};
use roundtrip_http::{HttpError, HttpPort};
use roundtrip_platform::{PlatformClient, PlatformMetadata};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use url::Url;

/// More pages than a listing may have are never asked for.
const MOST_REQUESTS: usize = 201;

/// Gives the same answer to everything.
pub(crate) struct Always {
    answer: Response<Bytes>,
    asked: AtomicUsize,
}

impl Always {
    pub(crate) fn answer(answer: Response<Bytes>) -> Arc<Self> {
        Arc::new(Self {
            answer,
            asked: AtomicUsize::new(0),
        })
    }

    pub(crate) fn says(status: u16, body: &[u8]) -> Arc<Self> {
        let mut answer = Response::new(Bytes::copy_from_slice(body));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let json = http::HeaderValue::from_static("application/problem+json");
        answer.headers_mut().insert("content-type", json);
        Self::answer(answer)
    }
}

#[async_trait]
impl HttpPort for Always {
    async fn send(&self, _request: http::Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(nth < MOST_REQUESTS, "asked again and again");
        Ok(self.answer.clone())
    }
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_248_000, 0).unwrap_or_default()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|error| panic!("an address of the target's own: {error}"))
}

pub(crate) fn google_config() -> GoogleConfig {
    let setting = |name: &str| (name == "GOOGLE_CLIENT_ID").then(|| "app".to_owned());
    GoogleConfig::from_settings(setting).unwrap_or_else(|error| panic!("Google itself: {error}"))
}

pub(crate) fn google(http: Arc<dyn HttpPort>) -> GoogleCalendar {
    let vault = MemoryVault::signed_in(now(), &[]);
    GoogleCalendar::new(http, HandClock::at(now()), google_config(), vault)
}

pub(crate) fn metadata() -> PlatformMetadata {
    PlatformMetadata {
        base: url("https://linden.example"),
        issuer: "https://linden.example".into(),
        authorize_url: url("https://linden.example/authorize"),
        token_url: url("https://linden.example/token"),
        revoke_url: None,
        names_itself: true,
        name: None,
    }
}

pub(crate) fn platform(http: Arc<dyn HttpPort>) -> PlatformClient {
    let vault = MemoryVault::signed_in(now(), &[]);
    PlatformClient::new(http, HandClock::at(now()), metadata(), vault)
}

/// What an error says is bounded, and holds nothing of the input but plain words of it.
pub(crate) fn check_error(error: &PortError) {
    let said = format!("{error:?}");
    // A refusal carries the platform's sentence and the appointment, both for the trainer.
    if !matches!(
        error,
        PortError::Refused { .. } | PortError::PreconditionFailed { .. }
    ) {
        assert!(said.len() < 300, "{} bytes", said.len());
        assert!(said.is_ascii(), "{said}");
    }
    assert!(error.to_string().len() < 300);
}
