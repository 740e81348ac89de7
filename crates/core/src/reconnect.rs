//! When a stream of hints that broke is opened again, and what is no stream at all.
//!
//! A broken connection is everyday life and tried again within seconds; an answer that is no stream of hints will not
//! become one within seconds, so it is left alone for minutes, then hours. Both grow with each failure, and the moment is
//! drawn from the whole time up to the limit ("full jitter"), so that thousands of laptops do not come back together.

use std::time::Duration;

/// A stream says something at least this often (the contract has a comment every 25 s); else it is dead.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// A stream that stood so long was a good one: the next failure counts as the first.
pub const STOOD: Duration = Duration::from_secs(60);
/// More in one minute is no hints.
pub const MOST_BYTES: usize = 512 * 1024;
/// More lines in one minute that belong to no event, and it is something else.
pub const MOST_NONSENSE: u32 = 20;

const SHORTEST: Duration = Duration::from_millis(200);
const MINUTE: Duration = Duration::from_secs(60);

/// Why there is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No connection, a cut one, a silent one, trouble at the platform.
    Lost,
    /// The platform asked to be left alone for so long.
    Wait(Duration),
    /// What answers is no stream of hints: not found, another type, garbage, endless.
    Nonsense,
}

/// How long to wait before the next try: `failures` in a row so far (this one included), `random` drawn by the caller.
pub fn wait(trouble: Trouble, failures: u32, random: u64) -> Duration {
    let (first, most) = match trouble {
        Trouble::Lost | Trouble::Wait(_) => (Duration::from_secs(4), 5 * MINUTE),
        Trouble::Nonsense => (10 * MINUTE, 360 * MINUTE),
    };
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let drawn = doubled.min(most).mul_f64(fraction(random)).max(SHORTEST);
    match trouble {
        // Never before the time that was asked for, and not all at that very moment.
        Trouble::Wait(asked) => asked.min(60 * MINUTE) + drawn,
        Trouble::Lost | Trouble::Nonsense => drawn,
    }
}

/// From 0 up to, but not including, 1.
fn fraction(random: u64) -> f64 {
    // The upper 53 bits are what a float holds exactly.
    (random >> 11) as f64 / (1u64 << 53) as f64
}

/// Watches over one open stream. Times are those of a running clock.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    minute: Duration,
    bytes: usize,
    nonsense: u32,
    alive_at: Duration,
}

impl Flow {
    /// A stream that was opened now.
    pub fn new(now: Duration) -> Self {
        Self {
            minute: now,
            bytes: 0,
            nonsense: 0,
            alive_at: now,
        }
    }

    /// Something came: so many bytes, so many lines that belong to nothing, and whether a comment or an event was among
    /// them. False if this is no stream of hints.
    pub fn came(&mut self, now: Duration, bytes: usize, nonsense: u32, alive: bool) -> bool {
        if now.saturating_sub(self.minute) >= MINUTE {
            (self.minute, self.bytes, self.nonsense) = (now, 0, 0);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.nonsense = self.nonsense.saturating_add(nonsense);
        if alive {
            self.alive_at = now;
        }
        self.bytes <= MOST_BYTES && self.nonsense <= MOST_NONSENSE
    }

    /// How long it may still be silent. What drips without ever saying anything counts as silence.
    pub fn silence_left(&self, now: Duration) -> Duration {
        LONGEST_SILENCE.saturating_sub(now.saturating_sub(self.alive_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lost_connection_is_back_within_seconds_and_nonsense_is_left_alone_for_minutes() {
        let middle = u64::MAX / 2;
        let seconds = |trouble, failures| wait(trouble, failures, middle).as_secs();
        assert_eq!(
            [1, 2, 3, 20].map(|failures| seconds(Trouble::Lost, failures)),
            [1, 3, 7, 149]
        );
        assert_eq!(
            [1, 2, 20].map(|failures| seconds(Trouble::Nonsense, failures)),
            [299, 599, 10_799]
        );
        assert_eq!(seconds(Trouble::Wait(Duration::from_secs(90)), 1), 91);
    }

    proptest! {
        #[test]
        fn the_moment_is_anywhere_up_to_a_limit_that_only_grows(failures in 1..100u32, random: u64) {
            for trouble in [Trouble::Lost, Trouble::Nonsense] {
                let drawn = wait(trouble, failures, random);
                let latest = wait(trouble, failures, u64::MAX);
                prop_assert!(SHORTEST <= drawn && drawn <= latest);
                prop_assert!(latest <= wait(trouble, failures + 1, u64::MAX));
                prop_assert_eq!(wait(trouble, failures, 0), SHORTEST);
                prop_assert!(latest <= 360 * MINUTE);
            }
        }

        #[test]
        fn a_wait_that_was_asked_for_is_kept(asked in 0..3_600u64, failures in 1..100u32, random: u64) {
            let asked = Duration::from_secs(asked);
            prop_assert!(wait(Trouble::Wait(asked), failures, random) > asked);
        }
    }

    #[test]
    fn a_stream_that_is_quiet_for_a_minute_is_dead_whatever_drips_from_it() {
        let at = Duration::from_secs;
        let mut flow = Flow::new(at(10));
        assert!(flow.came(at(35), 8, 0, true));
        assert_eq!(flow.silence_left(at(60)), at(35));
        assert!(flow.came(at(90), 1, 0, false));
        assert_eq!(flow.silence_left(at(95)), Duration::ZERO);
    }

    #[test]
    fn an_endless_stream_and_one_of_something_else_are_no_streams() {
        let at = Duration::from_secs;
        let mut endless = Flow::new(at(0));
        assert!(endless.came(at(1), MOST_BYTES, 0, true));
        assert!(!endless.came(at(2), 1, 0, true));
        // The next minute is a new one.
        let mut busy = Flow::new(at(0));
        assert!(busy.came(at(1), MOST_BYTES, 0, true) && busy.came(at(61), MOST_BYTES, 0, true));
        let mut page = Flow::new(at(0));
        assert!(page.came(at(1), 10, MOST_NONSENSE, false));
        assert!(!page.came(at(1), 10, 1, true));
    }
}
