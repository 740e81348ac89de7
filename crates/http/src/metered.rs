//! What is learned from every request: how many, and what time the service thinks it is.

use crate::answer;
use crate::port::{HttpError, HttpPort, Pieces};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Datelike, Duration, Utc};
use http::header::{AGE, DATE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use roundtrip_engine::ports::Clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header has whole seconds, and an answer is on its way for some time.
const NOISE: Duration = Duration::seconds(2);

/// `Roundtrip/x.y (os)`.
pub fn user_agent() -> String {
    let version = concat!(
        env!("CARGO_PKG_VERSION_MAJOR"),
        ".",
        env!("CARGO_PKG_VERSION_MINOR")
    );
    format!("Roundtrip/{version} ({})", std::env::consts::OS)
}

/// What an answer told of the time.
#[derive(Clone, Copy)]
struct Told {
    /// The service's clock minus ours.
    offset: Duration,
    /// Our clocks when it was told.
    wall: DateTime<Utc>,
    running: std::time::Duration,
}

/// A laptop does not sleep that long: a wall clock that is so far ahead of the running one was set.
const LONGEST_SLEEP: Duration = Duration::days(180);

/// An [`HttpPort`] that counts what goes through it, says who asks, and gives every request an id for support.
pub struct Metered {
    inner: Arc<dyn HttpPort>,
    clock: Arc<dyn Clock>,
    agent: HeaderValue,
    sent: AtomicU64,
    told: Mutex<Option<Told>>,
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
            told: Mutex::new(None),
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

    /// How far the service's clock is ahead of ours, as the last `Date` header told. Should our wall clock have been set
    /// since, that is taken into account: it moved without the running clock, back or further than any sleep.
    pub fn clock_offset(&self) -> Option<Duration> {
        let told = (*self.told.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(told.offset - self.set_by(told.wall, told.running).unwrap_or_default())
    }

    /// By how much our wall clock was set since it showed `wall` and the running one `running`, if it was.
    fn set_by(&self, wall: DateTime<Utc>, running: std::time::Duration) -> Option<Duration> {
        let passed = self.clock.monotonic().saturating_sub(running);
        let moved = (self.clock.now() - wall) - Duration::from_std(passed).unwrap_or_default();
        (moved < -NOISE || moved > LONGEST_SLEEP).then_some(moved)
    }

    fn learn_offset(&self, headers: &HeaderMap, before: DateTime<Utc>, running: std::time::Duration) {
        let Some(date) = headers.get(DATE).and_then(|value| value.to_str().ok()) else {
            return;
        };
        let Ok(date) = DateTime::parse_from_rfc2822(date) else {
            return;
        };
        // Nothing can be reckoned with the ends of the calendar.
        if !answer::is_planned_year(date.year()) {
            return;
        }
        // The answer was dated at some moment of its journey, and a laptop may sleep in the middle of one: what the
        // journey itself explains says nothing against what is known. The header has whole seconds.
        let date = date.with_timezone(&Utc) + age(headers);
        // A clock that was set meanwhile says nothing of when the request left; the running one does.
        let before = before + self.set_by(before, running).unwrap_or_default();
        let (least, most) = (date - self.clock.now() - NOISE, date - before + NOISE);
        let known = self.clock_offset().unwrap_or_default();
        let offset = if (least..=most).contains(&known) {
            known
        } else {
            let middle = least + (most - least) / 2;
            if middle.abs() <= NOISE {
                Duration::zero()
            } else {
                middle
            }
        };
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(Told {
            offset,
            wall: self.clock.now(),
            running: self.clock.monotonic(),
        });
    }
}

/// How long ago an answer was given that a cache on the way kept (RFC 9111, section 5.1): its date is as old.
fn age(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(AGE).and_then(|value| value.to_str().ok());
    let seconds = seconds.and_then(|value| value.trim().parse::<u32>().ok());
    Duration::seconds(seconds.unwrap_or_default().into())
}

#[async_trait]
impl HttpPort for Metered {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        self.measured(request, |request| self.inner.send(request)).await
    }

    async fn open(&self, request: http::Request<Bytes>) -> Result<http::Response<Pieces>, HttpError> {
        self.measured(request, |request| self.inner.open(request)).await
    }
}

impl Metered {
    async fn measured<B, F>(
        &self,
        mut request: http::Request<Bytes>,
        send: impl FnOnce(http::Request<Bytes>) -> F,
    ) -> Result<http::Response<B>, HttpError>
    where
        F: Future<Output = Result<http::Response<B>, HttpError>>,
    {
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.agent.clone());
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let id = self.next_id(number);
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.entry(REQUEST_ID).or_insert(id);
        }
        let (before, running) = (self.clock.now(), self.clock.monotonic());
        let answer = send(request).await;
        let millis = self.clock.monotonic().saturating_sub(running).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        match &answer {
            Ok(response) => {
                tracing::debug!(request = %id, status = response.status().as_u16(), millis, "answered");
                self.learn_offset(response.headers(), before, running);
            }
            Err(error) => tracing::debug!(request = %id, %error, millis, "no answer"),
        }
        answer
    }
}
