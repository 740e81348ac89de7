//! What is learned from every request: how many, and what time the service thinks it is.

use crate::port::{HttpError, HttpPort};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use http::HeaderValue;
use http::header::{DATE, HeaderName, USER_AGENT};
use roundtrip_engine::ports::Clock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const UNKNOWN: i64 = i64::MIN;

/// `Roundtrip/x.y (os)`.
pub fn user_agent() -> String {
    let version = concat!(
        env!("CARGO_PKG_VERSION_MAJOR"),
        ".",
        env!("CARGO_PKG_VERSION_MINOR")
    );
    format!("Roundtrip/{version} ({})", std::env::consts::OS)
}

/// An [`HttpPort`] that counts what goes through it, says who asks, and gives every request an id for support.
pub struct Metered {
    inner: Arc<dyn HttpPort>,
    clock: Arc<dyn Clock>,
    agent: HeaderValue,
    sent: AtomicU64,
    offset_ms: AtomicI64,
    /// How the ids of requests begin during a run.
    prefix: Mutex<Option<String>>,
}

impl Metered {
    /// Counts from zero. `suffix` is appended to the user agent; Google asks for `gzip` in it.
    pub fn new(inner: Arc<dyn HttpPort>, clock: Arc<dyn Clock>, suffix: &str) -> Self {
        let agent = HeaderValue::from_str(format!("{} {suffix}", user_agent()).trim_end())
            .unwrap_or(HeaderValue::from_static("Roundtrip"));
        Self {
            inner,
            clock,
            agent,
            sent: AtomicU64::new(0),
            offset_ms: AtomicI64::new(UNKNOWN),
            prefix: Mutex::new(None),
        }
    }

    /// Requests sent since this was made, answered or not.
    pub fn requests_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The ids of requests begin so from now on; with `None` each is made by chance alone.
    pub fn name_requests(&self, prefix: Option<String>) {
        *self.prefix.lock().unwrap_or_else(PoisonError::into_inner) = prefix;
    }

    fn next_id(&self, number: u64) -> String {
        match &*self.prefix.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(prefix) => format!("{prefix}-{number}"),
            None => format!("rt-{:016x}", self.clock.random()),
        }
    }

    /// How far the service's clock is ahead of ours, as the last `Date` header told.
    pub fn clock_offset(&self) -> Option<Duration> {
        match self.offset_ms.load(Ordering::Relaxed) {
            UNKNOWN => None,
            millis => Some(Duration::milliseconds(millis)),
        }
    }

    fn learn_offset(&self, response: &http::Response<Bytes>, before: DateTime<Utc>) {
        let Some(date) = response.headers().get(DATE).and_then(|value| value.to_str().ok()) else {
            return;
        };
        let Ok(date) = DateTime::parse_from_rfc2822(date) else {
            return;
        };
        // The answer was dated at some moment of its journey, and a laptop may sleep in the middle of one: what the
        // journey itself explains says nothing against what is known. The header has whole seconds.
        let noise = Duration::seconds(2);
        let date = date.with_timezone(&Utc);
        let (least, most) = (date - self.clock.now() - noise, date - before + noise);
        let known = self.clock_offset().unwrap_or_default();
        let offset = if (least..=most).contains(&known) {
            known
        } else {
            let middle = least + (most - least) / 2;
            if middle.abs() <= noise {
                Duration::zero()
            } else {
                middle
            }
        };
        self.offset_ms.store(offset.num_milliseconds(), Ordering::Relaxed);
    }
}

#[async_trait]
impl HttpPort for Metered {
    async fn send(&self, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.agent.clone());
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let id = self.next_id(number);
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.entry(REQUEST_ID).or_insert(id);
        }
        let (before, began) = (self.clock.now(), self.clock.monotonic());
        let answer = self.inner.send(request).await;
        let millis = self.clock.monotonic().saturating_sub(began).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        match &answer {
            Ok(response) => {
                tracing::debug!(request = %id, status = response.status().as_u16(), millis, "answered");
                self.learn_offset(response, before);
            }
            Err(error) => tracing::debug!(request = %id, %error, millis, "no answer"),
        }
        answer
    }
}
