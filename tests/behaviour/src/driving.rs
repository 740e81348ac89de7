//! The engine running by itself, as in the app.

use crate::Laptop;
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_engine::ledger::Trigger;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// An engine that runs its cycles by itself.
pub struct Driving<'a> {
    laptop: &'a Laptop,
    stop: CancellationToken,
    task: JoinHandle<()>,
    limit: DateTime<Utc>,
}

impl Laptop {
    /// Lets the engine run by itself; it has had its first cycle when this returns. Time passes only in
    /// [`Driving::let_pass`].
    pub async fn drive(&self) -> Driving<'_> {
        // A start is put off while nothing is owed; this one is not.
        self.engine.ask_for(Trigger::Start);
        let mut driving = self.drive_as_it_is();
        driving.let_pass(0).await;
        driving
    }

    /// Lets the engine run by itself, and its first cycle when it comes.
    pub fn drive_as_it_is(&self) -> Driving<'_> {
        let limit = self.clock.world_now();
        self.clock.stop_at(limit);
        let stop = CancellationToken::new();
        let (engine, stopped) = (self.engine.clone(), stop.clone());
        let task = tokio::spawn(async move { engine.drive(stopped).await });
        Driving {
            laptop: self,
            stop,
            task,
            limit,
        }
    }
}

impl Driving<'_> {
    /// So many seconds pass, with all that becomes due in them.
    pub async fn let_pass(&mut self, seconds: i64) {
        // Never twice the same limit: the clock tells by it whether somebody has come there.
        self.limit = self.limit.max(self.laptop.clock.world_now())
            + TimeDelta::seconds(seconds)
            + TimeDelta::milliseconds(1);
        self.laptop.clock.let_pass_until(self.limit).await;
    }

    /// Lets time pass bit by bit until something has become true. For where somebody else sleeps beside the engine, which is
    /// then on the network while time passes already: what it waits for afterwards needs time of its own.
    ///
    /// # Panics
    /// If it has not within a minute of the engine's time.
    pub async fn until(&mut self, what: impl AsyncFn() -> bool) {
        let end = self.limit + TimeDelta::minutes(1);
        while !what().await {
            assert!(self.limit < end, "it has not become true within a minute");
            // The network is given more of a chance than the clock.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.limit += TimeDelta::milliseconds(20);
            self.laptop.clock.let_pass_until(self.limit).await;
        }
    }

    /// Stops it.
    ///
    /// # Panics
    /// If it panicked itself.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the engine ends by itself");
    }
}

/// An engine that listens to the platform's stream and keeps the calendar's notices coming.
pub struct Listening<'a> {
    laptop: &'a Laptop,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Laptop {
    /// Lets the engine listen by itself. No time passes for it but in [`Listening::wake`].
    pub fn listen(&self) -> Listening<'_> {
        self.clock.stop_at(self.clock.world_now());
        let stop = CancellationToken::new();
        let (engine, stopped) = (self.engine.clone(), stop.clone());
        let task = tokio::spawn(async move { engine.listen(stopped).await });
        Listening {
            laptop: self,
            stop,
            task,
        }
    }
}

impl Listening<'_> {
    /// Waits until something has become true. What is waited for comes over the network, so time does not pass meanwhile.
    pub async fn until(&self, what: impl AsyncFn() -> bool) {
        while !what().await {
            tokio::task::yield_now().await;
        }
    }

    /// Lets whoever sleeps see what time it has become.
    pub fn wake(&self, seconds_from_now: i64) {
        let until = self.laptop.clock.world_now() + TimeDelta::seconds(seconds_from_now);
        self.laptop.clock.stop_at(until);
    }

    /// Waits for a hint; answers the sides hinted at, platform and calendar.
    pub async fn hinted(&self) -> [bool; 2] {
        self.until(async || self.laptop.engine.live().hinted != [false; 2])
            .await;
        self.laptop.engine.live().hinted
    }

    /// Waits until both sides are hinted at, and has what was hinted at so far looked at.
    pub async fn ready(&self) {
        self.until(async || self.laptop.engine.live().pushed.calendar)
            .await;
        self.laptop.cycle(roundtrip_engine::ledger::Trigger::Hint).await;
        // Our own writes, if there were some, are told of, too.
        while self.laptop.engine.live().hinted != [false; 2] {
            self.laptop.cycle(roundtrip_engine::ledger::Trigger::Hint).await;
        }
    }

    /// Stops it.
    ///
    /// # Panics
    /// If it panicked itself.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the engine ends by itself");
    }
}
