//! Shared by the tests of sign-in.

pub mod world;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use roundtrip_engine::ports::Clock;
use roundtrip_http::oauth::OAuthConfig;
use secrecy::SecretString;
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

/// A clock that stands still; waiting on it never ends, or ends at once.
pub struct StandingClock {
    pub waits: bool,
}

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> DateTime<Utc> {
        start()
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    async fn sleep(&self, _: Duration) {
        if self.waits {
            std::future::pending::<()>().await;
        }
    }
    fn random(&self) -> u64 {
        7
    }
}
