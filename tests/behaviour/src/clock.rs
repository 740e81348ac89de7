//! The clock of a laptop.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_engine::ports::Clock;
use roundtrip_sandbox::shared::{ManualClock, SeededRandom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Follows the sandbox's clock. Sleeping moves that clock and takes no time; a *limit* lets sleepers no further.
pub struct LaptopClock {
    world: Arc<ManualClock>,
    state: Mutex<State>,
    limit: watch::Sender<Option<DateTime<Utc>>>,
    /// The limit at which each sleeper waits now: there may be several, and the one that leaves says nothing of the others.
    parked: watch::Sender<Vec<DateTime<Utc>>>,
    /// How often the lid was opened; none on a system that does not tell.
    opened: watch::Sender<Option<u64>>,
}

struct State {
    random: SeededRandom,
    /// How far the laptop's wall clock is wrong.
    skew: TimeDelta,
    /// Wall-clock time that passed while the laptop slept: the running time does not count it.
    slept: TimeDelta,
    began: DateTime<Utc>,
    waits: Vec<Duration>,
}

impl LaptopClock {
    /// A right clock.
    pub fn new(world: Arc<ManualClock>, seed: u64) -> Self {
        let began = roundtrip_sandbox::shared::Clock::now(&*world);
        let state = State {
            random: SeededRandom::new(seed),
            skew: TimeDelta::zero(),
            slept: TimeDelta::zero(),
            began,
            waits: Vec::new(),
        };
        Self {
            world,
            state: Mutex::new(state),
            limit: watch::Sender::new(None),
            parked: watch::Sender::new(Vec::new()),
            opened: watch::Sender::new(None),
        }
    }

    /// Makes the laptop's wall clock wrong by so much.
    pub fn set_skew(&self, skew: TimeDelta) {
        self.lock().skew = skew;
    }

    /// The lid is closed for so long: time passes for the world, not for this laptop.
    pub fn close_lid(&self, time: TimeDelta) {
        self.lock().slept += time;
        self.world.advance(time);
        self.opened
            .send_modify(|opened| *opened = opened.map(|times| times + 1));
    }

    /// From now on the system says when the lid was opened.
    pub fn tell_jumps(&self) {
        self.opened.send_replace(Some(0));
    }

    /// What was slept so far, in order.
    pub fn waits(&self) -> Vec<Duration> {
        self.lock().waits.clone()
    }

    /// From now on sleepers stop here.
    pub fn stop_at(&self, limit: DateTime<Utc>) {
        self.limit.send_replace(Some(limit));
    }

    /// Lets time pass until then and waits until somebody sleeps beyond it, with nothing left to do before.
    ///
    /// # Panics
    /// If the sleeper is gone.
    pub async fn let_pass_until(&self, limit: DateTime<Utc>) {
        // A sleeper that somebody has just woken leaves its place first.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        let mut parked = self.parked.subscribe();
        self.stop_at(limit);
        parked
            .wait_for(|at| at.contains(&limit))
            .await
            .expect("the clock lives as long as its sleeper");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of the world, however wrong this laptop's clock is.
    pub(crate) fn world_now(&self) -> DateTime<Utc> {
        roundtrip_sandbox::shared::Clock::now(&*self.world)
    }
}

#[async_trait]
impl Clock for LaptopClock {
    fn now(&self) -> DateTime<Utc> {
        self.world_now() + self.lock().skew
    }

    fn monotonic(&self) -> Duration {
        let state = self.lock();
        (self.world_now() - state.began - state.slept)
            .to_std()
            .unwrap_or_default()
    }

    async fn sleep(&self, time: Duration) {
        let target = self.world_now() + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        let mut limit = self.limit.subscribe();
        loop {
            let until = *limit.borrow_and_update();
            match until {
                Some(until) if target > until => {
                    if self.world_now() < until {
                        self.world.set(until);
                    }
                    let _parked = Parked::at(until, &self.parked);
                    if limit.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                }
                _ => break,
            }
        }
        self.lock().waits.push(time);
        if self.world_now() < target {
            self.world.set(target);
        }
        tokio::task::yield_now().await;
    }

    fn tells_jumps(&self) -> bool {
        self.opened.borrow().is_some()
    }

    async fn jump(&self) {
        if self.opened.subscribe().changed().await.is_err() {
            std::future::pending().await
        }
    }

    fn random(&self) -> u64 {
        self.lock().random.next_u64()
    }
}

/// Says where a sleeper waits, for as long as it waits.
struct Parked<'a> {
    at: DateTime<Utc>,
    all: &'a watch::Sender<Vec<DateTime<Utc>>>,
}

impl<'a> Parked<'a> {
    fn at(at: DateTime<Utc>, all: &'a watch::Sender<Vec<DateTime<Utc>>>) -> Self {
        all.send_modify(|parked| parked.push(at));
        Self { at, all }
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.all.send_modify(|parked| {
            if let Some(place) = parked.iter().position(|at| *at == self.at) {
                parked.swap_remove(place);
            }
        });
    }
}

/// A right clock whose sleepers are never woken: for a sign-in, whose only sleep is its end of patience.
pub(crate) struct PatientClock(pub(crate) Arc<LaptopClock>);

#[async_trait]
impl Clock for PatientClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
    async fn sleep(&self, _time: Duration) {
        std::future::pending().await
    }
    fn random(&self) -> u64 {
        self.0.random()
    }
}
