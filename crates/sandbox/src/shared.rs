//! What every part of the sandbox is handed: the clock, the seeded randomness, the fault rules, the request log.
//!
//! Nothing else in this crate reads the machine's clock or its randomness, so that a run can be replayed from its
//! seed.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::faults::Faults;
use crate::history::History;
use crate::log::RequestLog;

/// A source of time. Injected, so that tests and the simulation decide what time it is.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// Waits as long as the clock's own time says. Used for injected latency.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Sets the clock; `false` if this clock cannot be set.
    fn set(&self, at: DateTime<Utc>) -> bool {
        let _ = at;
        false
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that stands still until it is moved. Waiting on it moves it and takes no time.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<DateTime<Utc>>,
}

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self { now: Mutex::new(at) }
    }

    /// Shows `at` from now on.
    pub fn set(&self, at: DateTime<Utc>) {
        *lock(&self.now) = at;
    }

    /// Moves the clock; a negative `by` moves it back.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = lock(&self.now);
        *now = now.checked_add_signed(by).unwrap_or(*now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.now)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.advance(TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX));
        Box::pin(std::future::ready(()))
    }

    fn set(&self, at: DateTime<Utc>) -> bool {
        ManualClock::set(self, at);
        true
    }
}

/// Locks a mutex of the model. A panic elsewhere while it was held has already failed that request; the model's
/// own data is plain and stays usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SplitMix64: small, and its values never change with the version of a library, so that a seed stays meaningful.
#[derive(Debug, Clone)]
pub struct SeededRandom {
    state: u64,
}

impl SeededRandom {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed ^ 0x5DEE_CE66_D1CE_4E5B,
        }
    }

    /// The next value.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A value below `bound` (0 for a bound of 0).
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            0
        } else {
            (self.next_u64() % bound as u64) as usize
        }
    }

    /// One of `items`, or `None` of an empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

struct Inner {
    clock: Arc<dyn Clock>,
    seed: u64,
    random: Mutex<SeededRandom>,
    faults: Faults,
    log: RequestLog,
    history: History,
}

/// The handle every part of the sandbox holds. Cloning shares the same state.
#[derive(Clone)]
pub struct Shared {
    inner: Arc<Inner>,
}

impl Shared {
    /// A fresh state: no faults, an empty log, randomness at the start of `seed`.
    pub fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        let inner = Inner {
            clock,
            seed,
            random: Mutex::new(SeededRandom::new(seed)),
            faults: Faults::default(),
            log: RequestLog::default(),
            history: History::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The present instant. A `clock_skew` fault changes only what answers say, never this.
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    /// The clock itself.
    pub fn clock(&self) -> &dyn Clock {
        self.inner.clock.as_ref()
    }

    /// The seed of this run.
    pub fn seed(&self) -> u64 {
        self.inner.seed
    }

    /// `prefix` followed by 26 characters of `[0-9a-v]` (130 bits): good for ids and tokens alike.
    pub fn random_id(&self, prefix: &str) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        let mut random = lock(&self.inner.random);
        let mut id = String::with_capacity(prefix.len() + 26);
        id.push_str(prefix);
        let mut bits = 0_u64;
        for position in 0..26 {
            // 12 characters of 5 bits fit into one draw.
            if position % 12 == 0 {
                bits = random.next_u64();
            }
            id.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        id
    }

    /// The next value of the seeded randomness.
    pub fn random_u64(&self) -> u64 {
        lock(&self.inner.random).next_u64()
    }

    /// The fault rules.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// The log of all requests.
    pub fn log(&self) -> &RequestLog {
        &self.inner.log
    }

    /// What changed in the services, and by whose hand.
    pub fn history(&self) -> &History {
        &self.inner.history
    }

    /// Back to the state right after [`Shared::new`]; the clock keeps its time.
    pub fn reset(&self) {
        *lock(&self.inner.random) = SeededRandom::new(self.inner.seed);
        self.inner.faults.clear();
        self.inner.log.clear();
        self.inner.history.clear();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("seed", &self.inner.seed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_reset_starts_over() {
        let clock = || Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let (one, two, other) = (
            Shared::new(clock(), 7),
            Shared::new(clock(), 7),
            Shared::new(clock(), 8),
        );
        let ids: Vec<_> = (0..3).map(|_| one.random_id("x_")).collect();
        assert_eq!(ids, (0..3).map(|_| two.random_id("x_")).collect::<Vec<_>>());
        assert_ne!(ids[0], other.random_id("x_"));
        assert_ne!(ids[0], ids[1]);
        one.reset();
        assert_eq!(one.random_id("x_"), ids[0]);
    }
}
