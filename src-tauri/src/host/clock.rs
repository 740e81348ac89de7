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
    /// The system tells when the wall clock jumps.
    #[cfg(target_os = "linux")]
    tells_jumps: bool,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            #[cfg(target_os = "linux")]
            tells_jumps: jumps::armed().is_ok(),
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
    #[cfg(target_os = "linux")]
    fn tells_jumps(&self) -> bool {
        self.tells_jumps
    }
    #[cfg(target_os = "linux")]
    async fn jump(&self) {
        if let Err(error) = jumps::next().await {
            tracing::debug!(%error, "jumps of the clock are not heard");
            std::future::pending().await
        }
    }
    /// For ids and jitter, never for secrets: each `RandomState` is seeded by the system.
    fn random(&self) -> u64 {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u128(self.started.elapsed().as_nanos());
        hasher.finish()
    }
}

/// Linux ends a timer of the wall clock early when that clock is set and when the laptop wakes up, if it is asked to.
#[cfg(target_os = "linux")]
mod jumps {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::io;
    use std::os::fd::OwnedFd;

    /// A timer that never ends by itself.
    pub fn armed() -> io::Result<OwnedFd> {
        let timer = timerfd_create(
            TimerfdClockId::Realtime,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let never = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: i64::MAX,
                tv_nsec: 0,
            },
        };
        timerfd_settime(
            &timer,
            TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET,
            &never,
        )?;
        Ok(timer)
    }

    /// Waits for the next jump from now on.
    pub async fn next() -> io::Result<()> {
        // What can be read is that the timer was ended.
        async_io::Async::new_nonblocking(armed()?)?.readable().await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::future::Future as _;
    use std::task::{Context, Poll, Waker};

    #[tokio::test]
    async fn a_clock_that_is_left_alone_does_not_jump() {
        let clock = SystemClock::new();
        assert!(clock.tells_jumps());
        let mut jump = std::pin::pin!(clock.jump());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(jump.as_mut().poll(&mut context), Poll::Pending);
        // The runtime has looked at its timers and files.
        tokio::task::yield_now().await;
        assert_eq!(jump.as_mut().poll(&mut context), Poll::Pending);
    }
}
