//! Staying below a service's quota: the edge of [`roundtrip_core::quota`], which decides, to clocks and tasks.

use crate::limits;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::future::select;
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::quota::{AccountNumber, Governor, Limits, Refusal, Ticket, Turn, Urgency};
use roundtrip_engine::ports::{Clock, PortError};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Longest `Retry-After` that is believed; a larger one is a mistake or malice.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// The turns of one account at one service.
///
/// This is a window of our own rather than the `governor` crate: turns end when the service has answered, some go before
/// others, and turns and holds must pass on the engine's [`Clock`], virtual in the simulation; `governor` waits on a timer
/// of its own and gives turns without knowing when they end.
pub struct Pace {
    shared: Arc<Shared>,
    account: AccountNumber,
    /// Until when the service asked to wait, by the wall clock: the running one may stand still while a laptop sleeps. What
    /// ends first counts.
    held: Mutex<Option<DateTime<Utc>>>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    governor: Mutex<Governor>,
    /// Somebody was answered, or gave up waiting: others may go.
    more: Notify,
}

impl Shared {
    fn governor(&self) -> MutexGuard<'_, Governor> {
        // Every change of it is whole: a panic elsewhere leaves nothing half done.
        self.governor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn, or the wait for one. Dropping it says that the request was answered, or is not sent any more.
pub struct Pass {
    shared: Arc<Shared>,
    ticket: Ticket,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let now = self.shared.clock.monotonic();
        self.shared.governor().withdraw(self.ticket, now);
        self.shared.more.notify_waiters();
    }
}

impl Pace {
    /// Of the only account at a service that publishes these limits.
    pub fn new(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        let shared = Shared {
            clock,
            governor: Mutex::new(Governor::new(limits)),
            more: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            account: 0,
            held: Mutex::default(),
        }
    }

    /// Of another account of the same project: both share what the project may.
    #[must_use]
    pub fn of_account(&self, account: AccountNumber) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            account,
            held: Mutex::default(),
        }
    }

    /// Waits until it is this request's turn; the pass is kept until the answer is there. [`PortError::Throttled`] at once
    /// while the service asked to wait: the engine decides what to do with that time.
    pub async fn turn(&self, urgency: Urgency) -> Result<Pass, PortError> {
        let ticket = self.shared.governor().ask(self.account, urgency);
        let pass = Pass {
            shared: Arc::clone(&self.shared),
            ticket,
        };
        loop {
            let mut more = pin!(self.shared.more.notified());
            // From here on nothing is missed.
            more.as_mut().enable();
            let by_wall = self.left_by_wall();
            let turn = {
                let mut governor = self.shared.governor();
                if by_wall == Some(Duration::ZERO) {
                    governor.release(self.account);
                }
                governor.turn(ticket, self.shared.clock.monotonic())
            };
            match turn {
                Turn::Go => return Ok(pass),
                Turn::Held(left) => {
                    let left = by_wall.map_or(left, |by_wall| by_wall.min(left));
                    return Err(PortError::Throttled {
                        retry_after: Some(left),
                    });
                }
                Turn::Wait(None) => more.await,
                Turn::Wait(Some(wait)) => {
                    // Never in vain: a wait of nothing would be asked again at once.
                    let sleep = self.shared.clock.sleep(wait.max(Duration::from_millis(1)));
                    drop(select(more, sleep).await);
                }
            }
        }
    }

    fn left_by_wall(&self) -> Option<Duration> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let left = ((*held)? - self.shared.clock.now()).to_std().unwrap_or_default();
        if left.is_zero() {
            *held = None;
        }
        Some(left)
    }

    fn hold_by_wall(&self, time: Duration) {
        let Ok(time) = chrono::Duration::from_std(time) else {
            return;
        };
        let until = self.shared.clock.now() + time;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |known| known.max(until)));
    }

    /// The service asked to wait: nothing is sent until then.
    pub fn hold(&self, time: Duration) {
        if bug::is_on(Bug::RetryAfterIgnored) {
            return;
        }
        let time = time.min(LONGEST_HOLD);
        let now = self.shared.clock.monotonic();
        self.shared.governor().hold(self.account, time, now);
        self.hold_by_wall(time);
    }

    /// The service refused for speed: nothing is sent for as long as it said, else for longer each time in a row. What is to
    /// be said about it.
    pub fn refused(&self, why: Refusal, retry_after: Option<Duration>) -> PortError {
        if bug::is_on(Bug::RetryAfterIgnored) {
            return PortError::Throttled { retry_after };
        }
        let clock = &self.shared.clock;
        let retry_after = retry_after.map(|time| time.min(LONGEST_HOLD));
        let wait =
            self.shared
                .governor()
                .refused(self.account, why, retry_after, clock.monotonic(), clock.random());
        self.hold_by_wall(wait);
        PortError::Throttled {
            retry_after: Some(wait),
        }
    }

    /// The service answered and refused nothing for speed; perhaps it said what is left.
    pub fn answered(&self, response: &http::Response<Bytes>) {
        let now = self.shared.clock.monotonic();
        let mut governor = self.shared.governor();
        // Some services say it with a 403: who knows its body says more.
        if response.status() != http::StatusCode::FORBIDDEN {
            governor.went_well(self.account, now);
        }
        if let Some(told) = limits::told(response.headers()) {
            governor.told(self.account, told, now);
        }
    }
}
