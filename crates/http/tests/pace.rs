//! The pace of an account, on a clock that is moved by hand.

use chrono::DateTime;
use roundtrip_engine::ports::{Clock as _, PortError};
use roundtrip_http::Pace;
use roundtrip_http::testing::HandClock;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn clock() -> Arc<HandClock> {
    HandClock::at(DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time"))
}

#[tokio::test]
async fn no_window_holds_more_turns_than_the_limit() {
    let clock = clock();
    let pace = Pace::new(clock.clone(), 10, MINUTE);
    let mut turns = Vec::new();
    for _ in 0..95 {
        pace.turn().await.expect("no hold");
        turns.push(clock.monotonic());
        clock.advance(Duration::from_millis(700));
    }
    for window in turns.windows(11) {
        assert!(window[10] - window[0] >= MINUTE, "{window:?}");
    }
    // Nor does it wait longer than it must: after 10 turns one minute has passed, after 95 nine have.
    assert!(turns[94] < MINUTE * 10, "{:?}", turns[94]);
    assert!(turns[9] < Duration::from_secs(10), "{:?}", turns[9]);
}

#[tokio::test]
async fn a_quiet_account_waits_for_nothing() {
    let clock = clock();
    let pace = Pace::new(clock.clone(), 2, MINUTE);
    for _ in 0..20 {
        let before = clock.monotonic();
        pace.turn().await.expect("no hold");
        assert_eq!(clock.monotonic(), before);
        clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn retry_after_wins_and_ends() {
    let clock = clock();
    let pace = Pace::new(clock.clone(), 10, MINUTE);
    pace.hold(Duration::from_secs(40));
    pace.hold(Duration::from_secs(10)); // a shorter one does not shorten it
    clock.advance(Duration::from_secs(15));
    let left = PortError::Throttled {
        retry_after: Some(Duration::from_secs(25)),
    };
    assert_eq!(pace.turn().await, Err(left));
    clock.advance(Duration::from_secs(25));
    assert_eq!(pace.turn().await, Ok(()));
}

#[tokio::test]
async fn a_hold_ends_by_the_wall_clock_too_after_a_sleep_of_the_laptop() {
    let clock = clock();
    let pace = Pace::new(clock.clone(), 10, MINUTE);
    pace.hold(Duration::from_secs(3600));
    clock.set(clock.now() + chrono::Duration::hours(8)); // the monotonic clock stood still
    assert_eq!(pace.turn().await, Ok(()));
}

#[tokio::test]
async fn a_senseless_retry_after_is_cut_to_a_day() {
    let clock = clock();
    let pace = Pace::new(clock.clone(), 10, MINUTE);
    pace.hold(Duration::from_secs(u64::MAX));
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(
        pace.turn().await,
        Err(PortError::Throttled {
            retry_after: Some(day)
        })
    );
    clock.advance(day);
    assert_eq!(pace.turn().await, Ok(()));
}
