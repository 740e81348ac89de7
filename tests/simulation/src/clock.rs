//! The clock of a laptop: virtual time, wrong by its skew, standing still while the lid is closed.

use crate::executor::{Time, lock};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_engine::ports::Clock;
use roundtrip_sandbox::shared::SeededRandom;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A laptop's clock. It lives as long as the laptop; restarts do not change it.
pub struct LaptopClock {
    time: Arc<Time>,
    state: Mutex<State>,
}

struct State {
    random: SeededRandom,
    skew: TimeDelta,
    slept: TimeDelta,
    settings: u64,
    began: DateTime<Utc>,
}

impl LaptopClock {
    /// A right clock.
    pub fn new(time: Arc<Time>, seed: u64) -> Self {
        let began = time.now();
        Self {
            time,
            state: Mutex::new(State {
                random: SeededRandom::new(seed),
                skew: TimeDelta::zero(),
                slept: TimeDelta::zero(),
                settings: 0,
                began,
            }),
        }
    }

    /// Makes the wall clock wrong by so much from now on.
    pub fn set_skew(&self, skew: TimeDelta) {
        let mut state = lock(&self.state);
        state.skew = skew;
        state.settings += 1;
    }

    /// How often it was set.
    pub fn settings(&self) -> u64 {
        lock(&self.state).settings
    }

    /// The laptop slept for so long.
    pub fn has_slept(&self, time: TimeDelta) {
        lock(&self.state).slept += time;
    }

    /// How long it slept in all.
    pub fn slept(&self) -> TimeDelta {
        lock(&self.state).slept
    }
}

#[async_trait]
impl Clock for LaptopClock {
    fn now(&self) -> DateTime<Utc> {
        self.time.now() + lock(&self.state).skew
    }

    fn monotonic(&self) -> Duration {
        let state = lock(&self.state);
        (self.time.now() - state.began - state.slept)
            .to_std()
            .unwrap_or_default()
    }

    async fn sleep(&self, time: Duration) {
        let target = self.monotonic().saturating_add(time);
        loop {
            let left = target.saturating_sub(self.monotonic());
            if left.is_zero() {
                return;
            }
            let left = TimeDelta::from_std(left).unwrap_or(TimeDelta::days(36_500));
            self.time.until(self.time.now() + left).await;
        }
    }

    fn random(&self) -> u64 {
        lock(&self.state).random.next_u64()
    }
}
