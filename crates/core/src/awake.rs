//! Whether the laptop slept between two looks at its clocks.
//!
//! While a laptop sleeps the running clock stands still on some systems (Linux, macOS) and goes on on others (Windows). So
//! there are two signs: the wall clock has gone on without the running one, or a look came later than any waking laptop
//! lets it. A wall clock that was set looks like the first one, also if it was set back, and is a reason to look as well.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// So much more than can be explained was slept.
pub const SLEPT: TimeDelta = TimeDelta::seconds(60);

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The wall clock.
    pub wall: DateTime<Utc>,
    /// The running clock.
    pub running: Duration,
}

/// One look at the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What they said.
    pub clocks: Clocks,
    /// The next look comes after so long at the latest, if that is known.
    pub next_within: Option<Duration>,
}

/// True if the laptop slept between a look and `now`.
pub fn slept(before: &Look, now: Clocks) -> bool {
    let span = |time: Duration| TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
    let running = span(now.running.saturating_sub(before.clocks.running));
    let wall = now.wall.signed_duration_since(before.clocks.wall);
    let apart = wall.checked_sub(&running).unwrap_or(TimeDelta::MAX);
    let late = |within: Duration| {
        running
            .checked_sub(&span(within))
            .is_some_and(|late| late > SLEPT)
    };
    apart.abs() > SLEPT || before.next_within.is_some_and(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds by the wall clock and by the running one since a look whose next one was to come within so many seconds.
    fn slept_after(wall: i64, running: u64, within: Option<u64>) -> bool {
        let began = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let at = |wall, running| Clocks {
            wall: began + TimeDelta::seconds(wall),
            running: Duration::from_secs(1_000 + running),
        };
        let before = Look {
            clocks: at(0, 0),
            next_within: within.map(Duration::from_secs),
        };
        slept(&before, at(wall, running))
    }

    #[test]
    fn a_sleep_shows_by_the_clocks_that_parted_or_by_a_look_that_came_late() {
        for (wall, running, within, expected) in [
            (30, 30, Some(30), false),
            (90, 90, Some(30), false),
            // The running clock stood still.
            (91, 30, Some(30), true),
            (91, 30, None, true),
            (90, 30, None, false),
            // It went on.
            (28_800, 28_800, Some(30), true),
            (91, 91, Some(30), true),
            // Nobody knows how long a cycle takes.
            (28_800, 28_800, None, false),
            // The wall clock was set.
            (-3_600, 30, Some(30), true),
            (-40, 10, Some(30), false),
        ] {
            let name = format!("{wall} {running} {within:?}");
            assert_eq!(slept_after(wall, running, within), expected, "{name}");
        }
    }

    #[test]
    fn clocks_that_are_out_of_their_minds_do_no_harm() {
        let look = |wall, running| Look {
            clocks: Clocks { wall, running },
            next_within: Some(Duration::MAX),
        };
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        for before in [look(first, Duration::ZERO), look(last, Duration::MAX)] {
            for now in [look(first, Duration::MAX), look(last, Duration::ZERO)] {
                slept(&before, now.clocks);
            }
        }
    }
}
