//! The real clock and the system's randomness.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use roundtrip_engine::ports::Clock;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

/// Wall clock, monotonic clock and sleep of this laptop.
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[cfg(feature = "crash-points")]
        return Utc::now() + crate::crash_points::clock_shift();
        #[cfg(not(feature = "crash-points"))]
        Utc::now()
    }
    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
    /// For ids and jitter, never for secrets: each `RandomState` is seeded by the system.
    fn random(&self) -> u64 {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u128(self.started.elapsed().as_nanos());
        hasher.finish()
    }
}
