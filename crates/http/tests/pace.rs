//! The pace of an account, on a clock that is moved by hand. What is decided is tested in `core::quota`.

use chrono::DateTime;
use roundtrip_core::quota::{Limit, Limits, Refusal, Urgency};
use roundtrip_engine::ports::{Clock as _, PortError};
use roundtrip_http::Pace;
use roundtrip_http::testing::HandClock;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn clock() -> Arc<HandClock> {
    HandClock::at(DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time"))
}

fn ten_a_minute(clock: &Arc<HandClock>) -> Pace {
    let limits = Limits {
        user: Limit::a_minute(10),
        project: None,
        burst: Limit::a_second(10),
    };
    Pace::new(clock.clone(), limits)
}

async fn send(pace: &Pace) -> Result<(), PortError> {
    pace.turn(Urgency::Interactive).await.map(drop)
}

fn throttled(seconds: u64) -> Result<(), PortError> {
    Err(PortError::Throttled {
        retry_after: Some(Duration::from_secs(seconds)),
    })
}

#[tokio::test]
async fn no_window_holds_more_turns_than_the_limit() {
    let clock = clock();
    let pace = ten_a_minute(&clock);
    let mut turns = Vec::new();
    for _ in 0..95 {
        let pass = pace.turn(Urgency::Interactive).await.expect("no hold");
        turns.push(clock.monotonic());
        clock.advance(Duration::from_millis(700));
        drop(pass);
    }
    for window in turns.windows(11) {
        assert!(window[10] - window[0] >= MINUTE, "{window:?}");
    }
    // Nor does it wait longer than it must: the last journey of each window is all that is lost.
    assert!(turns[94] < MINUTE * 10, "{:?}", turns[94]);
    assert!(turns[9] < Duration::from_secs(10), "{:?}", turns[9]);
}

#[tokio::test]
async fn who_gives_up_waiting_makes_room_for_the_next() {
    let clock = clock();
    let pace = ten_a_minute(&clock);
    let mut passes = Vec::new();
    for _ in 0..10 {
        passes.push(pace.turn(Urgency::Interactive).await.expect("no hold"));
    }
    // All places are taken by requests under way: there is no time to wait for.
    let mut given_up = Box::pin(pace.turn(Urgency::Interactive));
    assert!(futures::poll!(given_up.as_mut()).is_pending());
    let mut next = Box::pin(pace.turn(Urgency::Interactive));
    assert!(futures::poll!(next.as_mut()).is_pending());
    drop(given_up);
    drop(passes);
    clock.advance(MINUTE);
    assert!(next.await.is_ok());
}

#[tokio::test]
async fn accounts_of_one_project_share_it() {
    let clock = clock();
    let limits = Limits {
        user: Limit::a_minute(10),
        project: Some(Limit::a_minute(2)),
        burst: Limit::a_second(10),
    };
    let one = Pace::new(clock.clone(), limits);
    let other = one.of_account(1);
    let began = clock.monotonic();
    send(&one).await.expect("no hold");
    send(&other).await.expect("no hold");
    assert_eq!(clock.monotonic(), began);
    send(&other).await.expect("no hold");
    assert_eq!(clock.monotonic() - began, MINUTE);
    one.hold(MINUTE);
    assert_eq!(send(&one).await, throttled(60));
    assert_eq!(send(&other).await, Ok(()), "the other was not asked to wait");
}

#[tokio::test]
async fn retry_after_wins_and_ends() {
    let clock = clock();
    let pace = ten_a_minute(&clock);
    pace.hold(Duration::from_secs(40));
    pace.hold(Duration::from_secs(10)); // a shorter one does not shorten it
    clock.advance(Duration::from_secs(15));
    assert_eq!(send(&pace).await, throttled(25));
    clock.advance(Duration::from_secs(25));
    assert_eq!(send(&pace).await, Ok(()));
}

#[tokio::test]
async fn without_retry_after_pauses_become_longer() {
    let clock = clock();
    let pace = ten_a_minute(&clock);
    let mut before = Duration::ZERO;
    for _ in 0..3 {
        let said = pace.refused(Refusal::User, None);
        let Err(PortError::Throttled {
            retry_after: Some(left),
        }) = send(&pace).await
        else {
            panic!("it is left alone");
        };
        assert_eq!(
            said,
            PortError::Throttled {
                retry_after: Some(left)
            }
        );
        assert!(left > before, "{left:?} after {before:?}");
        before = left;
        clock.advance(left);
    }
    assert_eq!(send(&pace).await, Ok(()));
}

#[tokio::test]
async fn a_hold_ends_by_the_wall_clock_too_after_a_sleep_of_the_laptop() {
    let clock = clock();
    let pace = ten_a_minute(&clock);
    pace.hold(Duration::from_secs(3600));
    clock.set(clock.now() + chrono::Duration::hours(8)); // the monotonic clock stood still
    assert_eq!(send(&pace).await, Ok(()));
}

#[tokio::test]
async fn a_senseless_retry_after_is_cut_to_a_day() {
    let clock = clock();
    let pace = ten_a_minute(&clock);
    pace.hold(Duration::from_secs(u64::MAX));
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(send(&pace).await, throttled(24 * 3600));
    clock.advance(day);
    assert_eq!(send(&pace).await, Ok(()));
}
