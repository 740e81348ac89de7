//! Staying below a service's quota.

use roundtrip_core::bug::{self, Bug};
use roundtrip_engine::ports::{Clock, PortError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest `Retry-After` that is believed; a larger one is a mistake or malice.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// At most so many requests in any window of time, for one account at one service, first come first served.
///
/// This is a small sliding window of our own rather than the `governor` crate: the services publish their quotas as
/// sliding windows, and both turns and holds must pass on the engine's [`Clock`], virtual in the simulation.
/// `governor` waits on a timer of its own.
pub struct Pace {
    clock: Arc<dyn Clock>,
    limit: usize,
    window: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the last `limit` turns were or will be, oldest first, on the monotonic clock.
    turns: VecDeque<Duration>,
    hold: Option<Hold>,
}

/// Until when the service asked to wait. Told by both clocks: the monotonic one may stand still while a laptop
/// sleeps, the wall clock may be set; whichever ends first counts.
struct Hold {
    monotonic: Duration,
    wall: chrono::DateTime<chrono::Utc>,
}

impl Pace {
    /// At most `limit` requests in any `window`.
    pub fn new(clock: Arc<dyn Clock>, limit: usize, window: Duration) -> Self {
        Self {
            clock,
            limit: limit.max(1),
            window,
            state: Mutex::default(),
        }
    }

    /// Both services publish 600 requests a minute for a user. A tenth is left for the other things that share the
    /// account: a second laptop, the platform's own pages.
    pub fn below_published_quota(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, 540, Duration::from_secs(60))
    }

    /// Waits until it is this request's turn. [`PortError::Throttled`] at once while the service asked to wait: the
    /// engine decides what to do with that time.
    pub async fn turn(&self) -> Result<(), PortError> {
        let wait = {
            let now = self.clock.monotonic();
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(left) = self.hold_left(&mut state) {
                return Err(PortError::Throttled {
                    retry_after: Some(left),
                });
            }
            let free_at = match state.turns.front() {
                Some(oldest) if state.turns.len() >= self.limit => *oldest + self.window,
                _ => now,
            };
            // Never before the turn given out last, so that nobody is overtaken.
            let turn = free_at
                .max(now)
                .max(state.turns.back().copied().unwrap_or_default());
            if state.turns.len() >= self.limit {
                state.turns.pop_front();
            }
            state.turns.push_back(turn);
            turn.saturating_sub(now)
        };
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        Ok(())
    }

    /// The service asked to wait: nothing is sent until then.
    pub fn hold(&self, time: Duration) {
        if bug::is_on(Bug::RetryAfterIgnored) {
            return;
        }
        let time = time.min(LONGEST_HOLD);
        let Ok(delta) = chrono::Duration::from_std(time) else {
            return;
        };
        let hold = Hold {
            monotonic: self.clock.monotonic() + time,
            wall: self.clock.now() + delta,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .hold
            .as_ref()
            .is_none_or(|known| known.monotonic < hold.monotonic)
        {
            state.hold = Some(hold);
        }
    }

    fn hold_left(&self, state: &mut State) -> Option<Duration> {
        let hold = state.hold.as_ref()?;
        let by_monotonic = hold.monotonic.saturating_sub(self.clock.monotonic());
        let by_wall = (hold.wall - self.clock.now()).to_std().unwrap_or_default();
        let left = by_monotonic.min(by_wall);
        if left.is_zero() {
            state.hold = None;
            return None;
        }
        Some(left)
    }
}
