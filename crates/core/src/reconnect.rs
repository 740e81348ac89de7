//! When a stream of hints that broke is opened again, and what is no stream at all.
//!
//! A broken connection is everyday life and tried again within seconds; an answer that is no stream of hints will not
//! become one within seconds, so it is left alone for minutes, then hours. Both grow with each failure, and the moment is
//! drawn from the whole time up to the limit ("full jitter"), so that thousands of laptops do not come back together.
//!
//! A stream is open with its first sign of life, and stood until its last one: a proxy that gathers answers opens streams
//! that never say anything.
//!
//! When hints may have been missed, both sides are looked at; not at once by all laptops that were told together.

use std::time::Duration;

/// A stream says something at least this often (the contract has a comment every 25 s); else it is dead.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// A stream that said something for so long was a good one: the next failure counts as the first.
pub const STOOD: Duration = Duration::from_secs(60);
/// More in one minute is no hints.
pub const MOST_BYTES: usize = 512 * 1024;
/// More lines in one minute that belong to no event, and it is something else.
pub const MOST_NONSENSE: u32 = 20;

/// The looks of all laptops at both sides are spread over so long: a relay that was away comes back to all of them at once.
pub const SPREAD: Duration = Duration::from_secs(5 * 60);
/// Both sides are looked at because of streams that came back at most this often.
pub const BACK_APART: Duration = Duration::from_secs(5 * 60);
/// … and at most this often because the platform says so.
pub const TOLD_APART: Duration = Duration::from_secs(60);

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
    opened_at: Duration,
    /// The last sign of life.
    alive_at: Option<Duration>,
}

impl Flow {
    /// A stream that was opened now.
    pub fn new(now: Duration) -> Self {
        Self {
            minute: now,
            bytes: 0,
            nonsense: 0,
            opened_at: now,
            alive_at: None,
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
            self.alive_at = Some(now);
        }
        self.bytes <= MOST_BYTES && self.nonsense <= MOST_NONSENSE
    }

    /// How long it may still be silent. What drips without ever saying anything counts as silence.
    pub fn silence_left(&self, now: Duration) -> Duration {
        let since = self.alive_at.unwrap_or(self.opened_at);
        LONGEST_SILENCE.saturating_sub(now.saturating_sub(since))
    }

    /// How long it stood, up to its last sign of life; none if there was none: then it never was a stream.
    pub fn stood(&self) -> Option<Duration> {
        Some(self.alive_at?.saturating_sub(self.opened_at))
    }
}

/// Why hints may have been missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// This is the first stream of the process: what was before was told to nobody.
    First,
    /// A stream is back, and nobody knows from where it goes on.
    Back,
    /// The platform says that it has lost hints.
    Told,
}

/// When both sides are looked at because hints may have been missed. Times are those of a running clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchUp {
    looked_at: Option<Duration>,
    /// It may not come before, whoever waits.
    soonest: Duration,
    due_at: Option<Duration>,
}

impl CatchUp {
    /// Hints may have been missed up to now. What is due already stays when it is. `in_use`: somebody looks at the window,
    /// and does not wait for the sake of others; `random` drawn by the caller.
    pub fn missed(&mut self, gap: Gap, now: Duration, in_use: bool, random: u64) {
        let apart = match gap {
            Gap::First => Duration::ZERO,
            Gap::Back => BACK_APART,
            Gap::Told => TOLD_APART,
        };
        let spread = match gap {
            Gap::Back | Gap::Told if !in_use => SPREAD.mul_f64(fraction(random)),
            _ => Duration::ZERO,
        };
        let soonest = self.looked_at.map_or(now, |looked| looked + apart);
        let at = soonest.max(now + spread);
        self.soonest = match self.due_at {
            Some(_) => self.soonest.min(soonest),
            None => soonest,
        };
        self.due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
    }

    /// Somebody looks at the window from now on: what was put off for the sake of others is not any more.
    pub fn hurry(&mut self) {
        self.due_at = self.due_at.map(|due| due.min(self.soonest));
    }

    /// How long until it is time; none if nothing was missed.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        Some(self.due_at?.saturating_sub(now))
    }

    /// True, once, when it is time to look at both sides.
    pub fn is_due(&mut self, now: Duration) -> bool {
        let due = self.due_at.is_some_and(|due| due <= now);
        if due {
            (self.looked_at, self.due_at) = (Some(now), None);
        }
        due
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
            [2, 4, 8, 150]
        );
        assert_eq!(
            [1, 2, 20].map(|failures| seconds(Trouble::Nonsense, failures)),
            [300, 600, 10_800]
        );
        assert_eq!(seconds(Trouble::Wait(Duration::from_secs(90)), 1), 92);
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

    #[test]
    fn a_stream_stood_from_its_opening_to_its_last_sign_of_life() {
        let at = Duration::from_secs;
        // What a proxy does that gathers answers: headers, and then nothing, or nothing that is anything.
        let mut gathered = Flow::new(at(10));
        assert!(gathered.came(at(69), 1, 0, false));
        assert_eq!(gathered.stood(), None);
        assert_eq!(gathered.silence_left(at(69)), at(1));
        let mut fallen_silent = Flow::new(at(10));
        assert!(fallen_silent.came(at(11), 10, 0, true));
        assert_eq!(fallen_silent.silence_left(at(71)), Duration::ZERO);
        assert!(fallen_silent.stood().is_some_and(|stood| stood < STOOD));
        assert!(fallen_silent.came(at(70), 10, 0, true));
        assert_eq!(fallen_silent.stood(), Some(at(60)));
    }

    #[test]
    fn both_sides_are_looked_at_soon_but_not_over_and_over() {
        let at = Duration::from_secs;
        let mut catch_up = CatchUp::default();
        assert_eq!(catch_up.left(at(0)), None);
        catch_up.missed(Gap::First, at(0), true, 0);
        assert!(catch_up.is_due(at(0)) && !catch_up.is_due(at(0)));
        catch_up.missed(Gap::Back, at(10), true, 0);
        assert_eq!(catch_up.left(at(10)), Some(at(290)));
        // The platform's word counts for more, but not every second either.
        catch_up.missed(Gap::Told, at(20), true, 0);
        assert_eq!(catch_up.left(at(20)), Some(at(40)));
        assert!(!catch_up.is_due(at(59)) && catch_up.is_due(at(60)));
        catch_up.missed(Gap::Back, at(1_000), true, 0);
        assert!(catch_up.is_due(at(1_000)));
    }

    #[test]
    fn laptops_that_are_told_together_look_one_after_the_other() {
        let now = Duration::from_secs(1_000);
        let left = |gap, in_use, random| {
            let mut catch_up = CatchUp::default();
            catch_up.missed(gap, now, in_use, random);
            catch_up.left(now).map(|left| left.as_secs())
        };
        for gap in [Gap::Back, Gap::Told] {
            let drawn = [0, u64::MAX / 2, u64::MAX].map(|random| left(gap, false, random));
            assert_eq!(drawn, [Some(0), Some(150), Some(300)]);
            assert_eq!(left(gap, true, u64::MAX), Some(0));
        }
        // Processes do not start together.
        assert_eq!(left(Gap::First, false, u64::MAX), Some(0));
    }

    #[test]
    fn who_looks_at_the_window_does_not_wait_for_the_sake_of_others() {
        let at = Duration::from_secs;
        let mut catch_up = CatchUp::default();
        catch_up.hurry();
        assert_eq!(catch_up.left(at(0)), None);
        catch_up.missed(Gap::Back, at(10), false, u64::MAX / 2);
        assert_eq!(catch_up.left(at(10)), Some(at(150)));
        catch_up.hurry();
        assert!(catch_up.is_due(at(10)));
        // It does not make looks come more often than they may.
        catch_up.missed(Gap::Back, at(20), false, u64::MAX);
        catch_up.hurry();
        assert_eq!(catch_up.left(at(20)), Some(at(290)));
    }

    proptest! {
        /// Whatever breaks and comes back: what was missed is looked at in time, and a day has its limit.
        #[test]
        fn what_was_missed_is_looked_at_in_time_and_seldom(
            gaps in prop::collection::vec((0..400u64, any::<bool>(), any::<bool>(), any::<u64>()), 1..50),
        ) {
            let mut catch_up = CatchUp::default();
            let (mut now, mut looks) = (Duration::ZERO, Vec::new());
            for (pause, told, in_use, random) in gaps {
                now += Duration::from_secs(pause);
                if catch_up.is_due(now) {
                    looks.push(now);
                }
                let gap = if told { Gap::Told } else { Gap::Back };
                catch_up.missed(gap, now, in_use, random);
                let most = if told && in_use { TOLD_APART } else { BACK_APART.max(SPREAD) };
                prop_assert!(catch_up.left(now).is_some_and(|left| left <= most));
            }
            prop_assert!(looks.windows(2).all(|two| two[1] - two[0] >= TOLD_APART));
        }
    }
}
