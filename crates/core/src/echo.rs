//! Notices that our own writes lead to.
//!
//! A calendar service tells of every change, ours too, and does not say of which. To look after each of them would cost one
//! list for each write, and find what we wrote. So notices are counted: as many as there were own writes just before may be
//! the *echoes* of these, and the look that they ask for is *put off*; one more than that is somebody else's, and is looked
//! after at once. Whatever looks at the calendar meanwhile is the look that was put off; at the latest it comes after
//! [`PUT_OFF`]. It is never dropped.
//!
//! # What this risks
//! As long as every change has its notice, whichever order they come in, the last notice after a change of the trainer's is
//! one too many, so nothing waits longer than until the echoes have come (`an_edit_is_looked_after_as_soon_as_all_notices_have_come`). But a notice may be lost,
//! and several may become one on their way. If that happens to the echo of a write, and the trainer changes something within
//! [`WINDOW`] of that write, their notice counts as its echo and they wait: until the next look, and [`PUT_OFF`] at most. A notice
//! of the trainer's that is itself lost waits longer than that, for the net ([`crate::schedule::NET`]). While somebody looks at the
//! window nothing is put off.

use std::collections::VecDeque;
use std::time::Duration;

/// So long after a write was sent its notice may be its echo. One that comes later costs a look.
pub const WINDOW: Duration = Duration::from_secs(15);
/// A look is put off no longer than this.
pub const PUT_OFF: Duration = Duration::from_secs(30 * 60);
/// After more writes than these nothing is put off: services make one notice of many, and one look serves all of them.
pub const FEW: usize = 3;

/// What a notice asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Somebody else changed something.
    AtOnce,
    /// It may be what we wrote.
    PutOff,
}

/// Own writes whose notices have not come, and the look that was put off. Times are those of a running clock.
#[derive(Clone, Debug, Default)]
pub struct Echoes {
    /// Until when the echo of each may come, in order.
    until: VecDeque<Duration>,
    /// When the look comes at the latest.
    look_at: Option<Duration>,
}

impl Echoes {
    /// A write is sent. Before its answer is there its notice may be.
    pub fn sent(&mut self, now: Duration) {
        self.forget_late(now);
        self.until.push_back(now + WINDOW);
    }

    /// A write did not change anything, or nobody knows whether it did: no notice counts as its echo.
    pub fn failed(&mut self) {
        self.until.pop_back();
    }

    /// A notice came. `in_use`: somebody looks at the window.
    pub fn heard(&mut self, now: Duration, in_use: bool) -> Look {
        self.forget_late(now);
        if self.until.len() > FEW {
            // The one look serves all of them: what comes later is nobody's echo.
            self.until.clear();
        }
        let is_echo = self.until.pop_front().is_some();
        if !is_echo || in_use {
            return Look::AtOnce;
        }
        let at = now + PUT_OFF;
        self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
        Look::PutOff
    }

    fn forget_late(&mut self, now: Duration) {
        while self.until.front().is_some_and(|until| *until < now) {
            self.until.pop_front();
        }
    }

    /// The calendar is being looked at: what was put off is done with it.
    pub fn looks(&mut self) {
        self.look_at = None;
    }

    /// How long until the look that was put off comes; none if none was.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        Some(self.look_at?.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn as_many_notices_as_own_writes_are_put_off_and_one_more_is_looked_after_at_once() {
        let mut echoes = Echoes::default();
        assert_eq!(echoes.heard(at(0), false), Look::AtOnce);
        echoes.sent(at(10));
        echoes.sent(at(11));
        assert_eq!(echoes.heard(at(12), false), Look::PutOff);
        assert_eq!(echoes.heard(at(13), false), Look::PutOff);
        assert_eq!(echoes.left(at(13)), Some(PUT_OFF - at(1)));
        assert_eq!(echoes.heard(at(14), false), Look::AtOnce);
        echoes.looks();
        assert_eq!(echoes.left(at(15)), None);
    }

    #[test]
    fn after_many_writes_nothing_is_put_off() {
        let mut echoes = Echoes::default();
        for _ in 0..=FEW {
            echoes.sent(at(10));
        }
        for _ in 0..=FEW {
            assert_eq!(echoes.heard(at(11), false), Look::AtOnce);
        }
    }

    #[test]
    fn a_late_notice_one_of_a_failed_write_and_one_that_somebody_watches_are_looked_after_at_once() {
        let mut echoes = Echoes::default();
        echoes.sent(at(0));
        assert_eq!(echoes.heard(at(16), false), Look::AtOnce);
        echoes.sent(at(20));
        echoes.failed();
        assert_eq!(echoes.heard(at(21), false), Look::AtOnce);
        echoes.sent(at(30));
        assert_eq!(echoes.heard(at(31), true), Look::AtOnce);
        assert_eq!(
            echoes.heard(at(32), false),
            Look::AtOnce,
            "the one before was the echo"
        );
        assert_eq!(echoes.left(at(32)), None);
    }

    proptest! {
        /// Every change has its notice, in whatever order: after each edit of the trainer's there is a look at once, no
        /// later than the last of the notices of what was changed before.
        #[test]
        fn an_edit_is_looked_after_as_soon_as_all_notices_have_come(
            changes in prop::collection::vec((0..60_000u64, any::<bool>(), 0..14_000u64), 1..40),
        ) {
            // When, what: 0 an own write, 1 an edit, 2 a notice.
            let mut story: Vec<(u64, u8)> = changes
                .iter()
                .flat_map(|(at, own, takes)| [(*at, u8::from(!own)), (at + takes, 2)])
                .collect();
            story.sort_unstable();
            let (mut echoes, mut looked) = (Echoes::default(), None);
            for (now, what) in story {
                match what {
                    0 => echoes.sent(Duration::from_millis(now)),
                    1 => {}
                    _ => if echoes.heard(Duration::from_millis(now), false) == Look::AtOnce {
                        looked = Some(now);
                    }
                }
            }
            let last_edit = changes.iter().filter(|(_, own, _)| !own).map(|(at, ..)| *at).max();
            prop_assert!(last_edit.is_none() || looked >= last_edit, "{:?} {:?}", looked, last_edit);
        }

        /// Lost, late or repeated: what was put off comes in time, whatever comes after it.
        #[test]
        fn a_look_that_was_put_off_is_never_dropped(
            story in prop::collection::vec((0..2_000u64, 0..5u8), 1..200),
        ) {
            let mut echoes = Echoes::default();
            let (mut now, mut owed): (Duration, Option<Duration>) = (Duration::ZERO, None);
            for (pause, what) in story {
                now += Duration::from_secs(pause) / 10;
                match what {
                    0 | 1 => echoes.sent(now),
                    2 => echoes.failed(),
                    3 => if echoes.heard(now, false) == Look::PutOff {
                        owed = owed.or(Some(now));
                    },
                    _ => {
                        echoes.looks();
                        owed = None;
                    }
                }
                prop_assert_eq!(echoes.left(now), owed.map(|since| (since + PUT_OFF).saturating_sub(now)));
            }
        }
    }
}
