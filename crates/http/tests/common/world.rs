//! A keeper over a scripted service, a clock that is moved by hand and a vault in memory.

use super::{config, start};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use roundtrip_engine::ports::{Clock, PortError};
use roundtrip_http::oauth::TokenKeeper;
use roundtrip_http::testing::{HandClock, MemoryVault, ScriptedHttp};
use secrecy::ExposeSecret as _;
use std::sync::Arc;

pub fn granted(n: u32) -> String {
    format!(
        r#"{{"access_token":"access-{n}","expires_in":3599,"scope":"events openid","token_type":"Bearer"}}"#
    )
}

pub fn rotated(n: u32) -> String {
    format!(
        r#"{{"access_token":"access-{n}","refresh_token":"refresh-{n}","expires_in":3600,"token_type":"bearer"}}"#
    )
}

pub struct World {
    pub http: Arc<ScriptedHttp>,
    pub clock: Arc<HandClock>,
    pub vault: Arc<MemoryVault>,
    pub keeper: Arc<TokenKeeper>,
}

pub fn world() -> World {
    let clock = HandClock::at(start());
    world_by(clock.clone(), clock)
}

/// A world whose keeper always draws this number.
pub fn world_that_draws(number: u64) -> World {
    let clock = HandClock::at(start());
    let hand = clock.clone();
    world_by(clock, Arc::new(Draws { hand, number }))
}

fn world_by(clock: Arc<HandClock>, of_keeper: Arc<dyn Clock>) -> World {
    let http = ScriptedHttp::new();
    let vault = MemoryVault::signed_in(start(), &["events"]);
    let keeper = Arc::new(TokenKeeper::new(config(), http.clone(), of_keeper, vault.clone()));
    World {
        http,
        clock,
        vault,
        keeper,
    }
}

/// A clock that is moved by hand and draws the same number each time.
struct Draws {
    hand: Arc<HandClock>,
    number: u64,
}

#[async_trait]
impl Clock for Draws {
    fn now(&self) -> DateTime<Utc> {
        self.hand.now()
    }
    fn monotonic(&self) -> std::time::Duration {
        self.hand.monotonic()
    }
    async fn sleep(&self, time: std::time::Duration) {
        self.hand.sleep(time).await;
    }
    fn random(&self) -> u64 {
        self.number
    }
}

impl World {
    pub fn minutes(&self, minutes: u64) {
        self.clock.advance(std::time::Duration::from_secs(minutes * 60));
    }

    pub async fn token(&self) -> Result<String, PortError> {
        Ok(self.keeper.access_token().await?.expose_secret().to_owned())
    }

    pub fn kept_refresh_token(&self) -> String {
        let token = self
            .vault
            .kept()
            .expect("kept")
            .refresh_token
            .expect("a refresh token");
        token.expose_secret().to_owned()
    }
}
