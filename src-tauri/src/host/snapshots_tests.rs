use super::{Snapshots, USED_AGAIN_FOR};
use crate::host::leaving::tests::connected;
use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use roundtrip_engine::ports::Clock;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// A running clock that stands still until it is moved. Who sleeps is woken by hand, in order of falling asleep.
struct Stopwatch {
    running: Mutex<std::time::Duration>,
    slept: Mutex<Vec<std::time::Duration>>,
    woken: Semaphore,
}

impl Stopwatch {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            slept: Mutex::default(),
            woken: Semaphore::new(0),
        })
    }
    fn pass(&self, time: std::time::Duration) {
        *self.running.lock().unwrap() += time;
    }
    /// The one that has slept longest wakes up and does what it woke up for.
    async fn wake_one(&self) {
        self.woken.add_permits(1);
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Clock for Stopwatch {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
    fn monotonic(&self) -> std::time::Duration {
        *self.running.lock().unwrap()
    }
    async fn sleep(&self, time: std::time::Duration) {
        self.slept.lock().unwrap().push(time);
        self.woken.acquire().await.expect("never closed").forget();
    }
    fn random(&self) -> u64 {
        0
    }
}

#[tokio::test]
async fn a_snapshot_is_used_again_for_three_seconds_and_then_its_memory_is_given_back() {
    let (host, _folder) = connected("snapshots-end").await;
    let engine = host.running().await.expect("an engine").engine;
    let clock = Stopwatch::new();
    let snapshots = Snapshots::new(clock.clone());
    let first = snapshots.of(&engine).await.expect("a ledger");
    clock.pass(USED_AGAIN_FOR - std::time::Duration::from_millis(1));
    let again = snapshots.of(&engine).await.expect("a ledger");
    assert!(Arc::ptr_eq(&first, &again));

    // Nobody woke the one who tidies up, as on a busy machine: what is old is not shown for it.
    clock.pass(std::time::Duration::from_millis(1));
    let second = snapshots.of(&engine).await.expect("a ledger");
    assert!(!Arc::ptr_eq(&first, &second));

    let (first_is, second_is) = (Arc::downgrade(&first), Arc::downgrade(&second));
    drop((first, again, second));
    assert!(first_is.upgrade().is_none(), "two are never kept");
    tokio::task::yield_now().await;
    assert_eq!(*clock.slept.lock().unwrap(), [USED_AGAIN_FOR; 2]);
    clock.wake_one().await;
    assert!(second_is.upgrade().is_some(), "that was the first one's end");
    clock.wake_one().await;
    assert!(second_is.upgrade().is_none());
    host.close().await;
}

#[tokio::test]
async fn who_asks_within_a_moment_shares_one_snapshot_until_something_changes() {
    let (host, _folder) = connected("snapshots").await;
    let running = host.running().await.expect("an engine");
    let (one, two) = tokio::join!(running.snapshot(), running.snapshot());
    let (one, two) = (one.expect("a ledger"), two.expect("a ledger"));
    assert!(Arc::ptr_eq(&one, &two));

    let until = host.clock.now() + Duration::hours(1);
    running.engine.pause_until(Some(until)).await.expect("a ledger");
    let after = running.snapshot().await.expect("a ledger");
    assert_eq!(after.state.paused_until, Some(until), "an answer shows at once");
    assert!(!Arc::ptr_eq(&one, &after));
    host.close().await;
}
