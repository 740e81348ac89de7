//! Shared by the tests of sign-in.

pub mod world;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use roundtrip_engine::ports::Clock;
use roundtrip_http::oauth::OAuthConfig;
use secrecy::SecretString;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::Url;

pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time")
}

pub fn config() -> OAuthConfig {
    let url = |text| Url::parse(text).expect("a test's own address");
    OAuthConfig {
        authorize_url: url("https://sign.example/authorize"),
        token_url: url("https://sign.example/token"),
        revoke_url: Some(url("https://sign.example/revoke")),
        client_id: "app".into(),
        client_secret: Some(SecretString::from("public-secret")),
        scopes: vec!["openid".into(), "events".into()],
        extra: Vec::new(),
        issuer: None,
    }
}

/// A clock that stands still; waiting on it never ends, or ends at once. It remembers for how long it was to wait.
pub struct StandingClock {
    waits: bool,
    asked: Mutex<Vec<Duration>>,
}

impl StandingClock {
    /// Waiting never ends.
    pub fn that_waits() -> Self {
        Self::new(true)
    }

    /// Waiting ends at once.
    pub fn that_does_not_wait() -> Self {
        Self::new(false)
    }

    fn new(waits: bool) -> Self {
        Self {
            waits,
            asked: Mutex::default(),
        }
    }

    /// Each wait that was asked for, in order.
    pub fn waits_asked_for(&self) -> Vec<Duration> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> DateTime<Utc> {
        start()
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    async fn sleep(&self, time: Duration) {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(time);
        if self.waits {
            std::future::pending::<()>().await;
        }
    }
    fn random(&self) -> u64 {
        7
    }
}
