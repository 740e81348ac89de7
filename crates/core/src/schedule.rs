//! When is the next check?
//!
//! A *check* reads one side or both. Each side has its own time, counted from its last reading; sides whose times lie close
//! together are read in one check.
//!
//! | a side … | is read again after |
//! |---|---|
//! | tells changes by itself (*pushed*) | [`NET`]: hints may be lost |
//! | could not be reached | a third of the time it has been so, [`SOONEST_RETRY`] to [`LATEST_RETRY`]; soon just after a wake-up |
//! | while the window is in use | a minute, then longer: [`Allowance`] |
//! | just after an own edit | two minutes, then longer: from the same allowance |
//! | in working hours | what the trainer set |
//! | else | an hour |
//!
//! Every time is drawn from ±25 % of that ([`Chance`]), so that laptops which once checked together drift apart within a few
//! checks. What would set all of them off at one moment is spread by the device: the start of the working hours, the full
//! reconcile of the night, the start of the process when nothing is owed.

use crate::time::resolve_local;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// Working hours begin, in the trainer's zone.
pub const WORK_BEGINS: NaiveTime = at_hour(8);
/// Working hours end.
pub const WORK_ENDS: NaiveTime = at_hour(18);
/// They begin so much sooner and end so much later, by the device: when the trainers' day begins, the laptops are at it already,
/// one after the other.
const WORK_SPREAD: TimeDelta = TimeDelta::minutes(30);
/// Outside working hours.
pub const SLOW: TimeDelta = TimeDelta::minutes(60);
/// While somebody looks, at the fastest.
pub const FAST: TimeDelta = TimeDelta::seconds(60);
/// After an own edit, at the fastest: the look when it has settled was one already. Every minute, mornings would be busier for
/// everybody than any other time, because all fast checks are there then.
const EDITING_FAST: TimeDelta = TimeDelta::minutes(2);
/// So long after an own edit more of them are likely.
pub const EDITING: TimeDelta = TimeDelta::minutes(3);
/// A side that tells changes by itself is read nevertheless, because what it tells may be lost.
pub const NET: TimeDelta = TimeDelta::hours(8);
/// A side that could not be reached is tried again at the soonest after this …
pub const SOONEST_RETRY: TimeDelta = TimeDelta::seconds(20);
/// … and at the latest after this.
pub const LATEST_RETRY: TimeDelta = TimeDelta::minutes(20);
/// Just after a wake-up a network may take some time to come: for so long …
const AWAKENING: TimeDelta = TimeDelta::minutes(5);
/// … it is tried at least this often.
const AWAKENING_RETRY: TimeDelta = TimeDelta::seconds(30);
/// The platform was to be told again how this laptop does, and could not be: not before this.
pub const TOLD_AGAIN: TimeDelta = TimeDelta::minutes(5);
/// Least and most minutes that can be set.
pub const MINUTES: (u32, u32) = (5, 60);
/// The full reconcile runs between this hour …
const NIGHT_BEGINS: NaiveTime = at_hour(1);
/// … and so much later, by the device.
const NIGHT: TimeDelta = TimeDelta::hours(4);
/// A laptop that slept through its time catches up within this time after waking up, by the device.
const CATCH_UP: TimeDelta = TimeDelta::minutes(60);
/// Without a full reconcile for so long, the next check is one.
const TOO_LONG_AGO: TimeDelta = TimeDelta::hours(36);
/// A process that starts while nothing is owed looks within this time.
const START: TimeDelta = TimeDelta::minutes(10);
/// Checks of both sides that are closer together than this are one.
const TOGETHER: TimeDelta = TimeDelta::minutes(3);
/// No interval is drawn longer than this share of itself.
const LONGEST: f64 = 1.25;
/// Fast checks of a day.
const FAST_A_DAY: i32 = 8;
const DAY: TimeDelta = TimeDelta::hours(24);

const fn at_hour(hour: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, 0, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

/// One thing for each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides<T> {
    /// The platform.
    pub platform: T,
    /// The calendar.
    pub calendar: T,
}

impl Sides<bool> {
    /// Both sides.
    pub const BOTH: Self = Self {
        platform: true,
        calendar: true,
    };
}

/// What is known of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// When it was last tried, with or without success. Never: at once.
    pub tried_at: Option<DateTime<Utc>>,
    /// Since when it cannot be reached, if it cannot.
    pub lost_since: Option<DateTime<Utc>>,
    /// It tells changes by itself.
    pub pushed: bool,
    /// When it last ceased to: from then on its checks are spread, for it may have ceased for thousands at once.
    pub unpushed_at: Option<DateTime<Utc>>,
    /// When the system last said that there is a network: what could not be reached before that is worth a try.
    pub network_back_at: Option<DateTime<Utc>>,
}

/// Chance, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    /// Drawn anew for every check.
    pub random: u64,
    /// Of this device, always the same.
    pub device: u64,
}

impl Chance {
    /// From 0.75 up to [`LONGEST`].
    fn jitter(self) -> f64 {
        0.75 + fraction(self.random) / 2.0
    }

    /// How much of an interval is left to somebody who comes in the middle of one: drawn so that the first minutes of many are
    /// as busy as all later ones, neither more nor less. Long intervals are met more often than short ones, hence the root.
    fn rest(self) -> f64 {
        let met = (0.75_f64.powi(2) + fraction(self.random)).sqrt();
        met * fraction(self.random ^ 0x5DEE_CE66_D1CE_4E5B)
    }

    /// From 0 up to 1, always the same on one device.
    fn phase(self) -> f64 {
        fraction(self.device)
    }
}

/// A number of a device that is always the same, from its name (FNV-1a).
pub fn device_number(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// From 0 up to, but not including, 1.
fn fraction(random: u64) -> f64 {
    // The upper 53 bits are what a float holds exactly. Mixed first: a device's number need not be random in all its bits.
    let mixed = (random ^ (random >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1u64 << 53) as f64
}

fn part(of: TimeDelta, share: f64) -> TimeDelta {
    // No interval here is longer than days: whole milliseconds are exact.
    TimeDelta::milliseconds((of.num_milliseconds() as f64 * share) as i64)
}

/// How many fast checks are left: [`FAST_A_DAY`] at most, one more every three hours. The more of them are used, the slower
/// they become, so that they last for half an hour in one go and a day never costs more than its budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// When all would be there again.
    full_at: Option<DateTime<Utc>>,
}

impl Allowance {
    fn each() -> TimeDelta {
        DAY / FAST_A_DAY
    }

    /// Used up so far; a share of one counts as none.
    fn used(&self, now: DateTime<Utc>) -> i32 {
        let owed = self.full_at.map_or(TimeDelta::zero(), |at| at - now);
        // A clock that was set back by more than a day owes nothing.
        if owed <= TimeDelta::zero() || owed > DAY + Self::each() {
            return 0;
        }
        i32::try_from(owed.num_milliseconds() / Self::each().num_milliseconds()).unwrap_or(FAST_A_DAY)
    }

    /// How long to wait for the next fast check; none are left with `None`.
    pub fn interval(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let used = self.used(now);
        (used < FAST_A_DAY).then(|| FAST * (1 << (used * 4 / FAST_A_DAY)))
    }

    /// A fast check was made.
    #[must_use]
    pub fn after_one(self, now: DateTime<Utc>) -> Self {
        let from = match self.used(now) {
            0 => now.max(self.full_at.filter(|at| *at - now <= DAY).unwrap_or(now)),
            _ => self.full_at.unwrap_or(now),
        };
        Self {
            // One that was made though none was left owes no more than all.
            full_at: Some((from + Self::each()).min(now + DAY + Self::each())),
        }
    }
}

/// What the next time depends on. All times are the services'.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Now.
    pub now: DateTime<Utc>,
    /// Where the trainer is.
    pub zone: Tz,
    /// The trainer's setting; taken as [`MINUTES`] allow.
    pub every_minutes: u32,
    /// The platform wants to be read no more often than this.
    pub min_poll_seconds: u32,
    /// Somebody looks at the window.
    pub in_use: bool,
    /// When an own edit was last seen.
    pub edited_at: Option<DateTime<Utc>>,
    /// The sides.
    pub sides: Sides<Known>,
    /// The last full reconcile.
    pub full_at: Option<DateTime<Utc>>,
    /// The last try of one.
    pub full_tried_at: Option<DateTime<Utc>>,
    /// Since when the laptop has been awake.
    pub awake_since: Option<DateTime<Utc>>,
    /// Fast checks that are left.
    pub allowance: Allowance,
}

/// The next check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// When. May have passed already: then at once.
    pub at: DateTime<Utc>,
    /// What is read.
    pub sides: Sides<bool>,
    /// It counts against the [`Allowance`].
    pub fast: bool,
}

/// A side's time.
#[derive(Clone, Copy)]
struct Due {
    at: DateTime<Utc>,
    fast: bool,
}

/// When to look next, and at what.
pub fn next(situation: &Situation, chance: Chance) -> Check {
    let platform = due(
        situation,
        situation.sides.platform,
        chance,
        situation.min_poll_seconds,
    );
    let calendar = due(situation, situation.sides.calendar, chance, 0);
    let mut at = platform.at.min(calendar.at);
    let mut sides = Sides {
        platform: platform.at - at <= TOGETHER,
        calendar: calendar.at - at <= TOGETHER,
    };
    // The platform's wish counts for what it would be read along with, too. Its own time respects it already.
    let soonest = situation
        .sides
        .platform
        .tried_at
        .map(|tried| tried + seconds(situation.min_poll_seconds));
    sides.platform &= soonest.is_none_or(|soonest| soonest <= at);
    let mut fast = (sides.platform && platform.fast) || (sides.calendar && calendar.fast);
    let mut night = next_night(situation, chance);
    if night <= situation.now {
        // It was tried and did not work, or only in part: it comes with the next try, and no sooner than any check.
        let lost = situation
            .sides
            .platform
            .lost_since
            .or(situation.sides.calendar.lost_since);
        // Checks of single sides in between, of which hints may make many, do not put it off.
        let tried = situation.full_tried_at.filter(|tried| *tried <= situation.now);
        night = match (lost, tried) {
            (None, Some(tried)) => tried + part(minutes(situation.every_minutes), chance.jitter()),
            (None, None) => situation.now,
            (Some(_), _) => at + TimeDelta::seconds(1),
        };
    }
    if night <= at {
        at = night;
        sides = Sides::BOTH;
        fast = false;
    }
    Check { at, sides, fast }
}

/// When a process that starts looks first. `owed`: a run was cut off, or writes wait. At once, but if it looked not long ago
/// and nobody waits for it: an update starts thousands of laptops in one minute.
pub fn first(situation: &Situation, owed: bool, chance: Chance) -> DateTime<Utc> {
    let Sides { platform, calendar } = situation.sides;
    // A side that told its changes by itself was left alone for as long as the net allows.
    let recent = platform
        .tried_at
        .max(calendar.tried_at)
        .is_some_and(|at| at <= situation.now && situation.now - at < part(NET, 1.25));
    let known = platform.tried_at.is_some() && calendar.tried_at.is_some();
    if owed || situation.in_use || !recent || !known {
        return situation.now;
    }
    situation.now + part(START, fraction(chance.random))
}

/// Whether somebody who came back to the laptop, by unlocking its screen, counts as looking: until the first check has had time to come.
pub fn counts_as_looking(came_back_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    came_back_at.is_some_and(|at| at <= now && now - at <= part(FAST, 1.25))
}

/// Whether a side is left to its hints. One in trouble is not: what could not be written or read there waits for no hint.
pub fn is_left_to_hints(hinted_at: bool, in_trouble: bool) -> bool {
    hinted_at && !in_trouble
}

fn seconds(of: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(of))
}

fn minutes(set: u32) -> TimeDelta {
    TimeDelta::minutes(i64::from(set.clamp(MINUTES.0, MINUTES.1)))
}

/// What a side that does not tell its changes is read after, before chance has its part; and, outside of the working hours, their
/// begin, which ends an hour sooner.
fn usual(
    after: DateTime<Utc>,
    zone: Tz,
    every: TimeDelta,
    shift: TimeDelta,
) -> (TimeDelta, Option<DateTime<Utc>>) {
    if is_working(after, zone, shift) {
        return (every, None);
    }
    let begin = next_time(after + shift, zone, WORK_BEGINS) - shift;
    (SLOW.max(every), Some(begin))
}

/// When the second check in a row after one at `after` is late, even if chance drew the longest intervals, as long as a side does not
/// tell its changes. A gap that is shorter needs no explanation. `every_minutes` is the trainer's setting, `device` a
/// [`device_number`].
pub fn missed_after(after: DateTime<Utc>, zone: Tz, every_minutes: u32, device: u64) -> DateTime<Utc> {
    let shift = work_shift(Chance { random: 0, device });
    let every = minutes(every_minutes);
    let latest = |after| {
        let (interval, begin) = usual(after, zone, every, shift);
        let at = after + part(interval, LONGEST);
        begin.map_or(at, |begin| at.min(begin + part(every, LONGEST)))
    };
    latest(latest(after))
}

fn due(situation: &Situation, known: Known, chance: Chance, min_poll_seconds: u32) -> Due {
    // A time in the future was noted by a wrong clock.
    let tried = known.tried_at.filter(|tried| *tried <= situation.now);
    let Some(tried) = tried else {
        return Due {
            at: situation.now,
            fast: false,
        };
    };
    let jittered = |interval: TimeDelta| tried + part(interval, chance.jitter());
    let soonest = tried + seconds(min_poll_seconds);
    if let Some(since) = known.lost_since {
        let wait = ((tried - since) / 3).clamp(SOONEST_RETRY, LATEST_RETRY);
        // Who looks at the window sees it come back.
        let wait = if situation.in_use { wait.min(FAST) } else { wait };
        let awakening = situation
            .awake_since
            .is_some_and(|since| since <= situation.now && situation.now - since <= AWAKENING);
        let wait = if awakening {
            wait.min(AWAKENING_RETRY)
        } else {
            wait
        };
        if known
            .network_back_at
            .is_some_and(|at| at <= situation.now && at + SOONEST_RETRY > tried)
        {
            // Two tries for each time that it is said, for a network is often there before it carries anything; and no more, for one
            // that changes while the service is away says so again and again.
            return Due {
                at: (tried + SOONEST_RETRY).max(soonest),
                fast: false,
            };
        }
        return Due {
            at: jittered(wait).max(soonest),
            fast: false,
        };
    }
    if known.pushed {
        return Due {
            at: jittered(NET),
            fast: false,
        };
    }
    let every = minutes(situation.every_minutes);
    let (interval, begin) = usual(tried, situation.zone, every, work_shift(chance));
    let slow = match begin {
        None => jittered(interval),
        Some(begin) => {
            // Who looked just before them goes on from there.
            let first = match jittered(every) {
                at if at > begin => at,
                _ => begin + part(every, chance.rest()),
            };
            jittered(interval).min(first)
        }
    };
    let slow = slow.max(soonest);
    let slow = match known.unpushed_at {
        // It was left alone for hours, and so were all the others.
        Some(at) if at > tried && at <= situation.now && !situation.in_use => {
            slow.max(at + part(minutes(situation.every_minutes), fraction(chance.random)))
        }
        _ => slow,
    };
    let quick = situation.allowance.interval(situation.now);
    let looking = quick.filter(|_| situation.in_use).map(jittered);
    // The same answer whenever it is asked for: what would come after these minutes does not count, rather than not any more.
    let edited = situation.edited_at.filter(|at| *at <= situation.now);
    let editing = quick.map(|interval| jittered(interval.max(EDITING_FAST)));
    let editing = editing.filter(|at| edited.is_some_and(|edited| *at - edited <= EDITING));
    match looking.or(editing).map(|quick| quick.max(soonest)) {
        Some(quick) if quick < slow => Due {
            at: quick,
            fast: true,
        },
        _ => Due {
            at: slow,
            fast: false,
        },
    }
}

/// Working hours begin for everybody at once; those of a device do not.
fn work_shift(chance: Chance) -> TimeDelta {
    part(WORK_SPREAD, chance.phase())
}

/// Working hours of a device, which are longer by `shift` at both ends (less than the hours to midnight).
fn is_working(at: DateTime<Utc>, zone: Tz, shift: TimeDelta) -> bool {
    let time = |at: DateTime<Utc>| at.with_timezone(&zone).time();
    time(at + shift) >= WORK_BEGINS && time(at - shift) < WORK_ENDS
}

/// The first time after `after` at which it is `time` in the zone.
fn next_time(after: DateTime<Utc>, zone: Tz, time: NaiveTime) -> DateTime<Utc> {
    let today = after.with_timezone(&zone).date_naive();
    let found = today
        .iter_days()
        .take(3)
        .map(|day| resolve_local(day.and_time(time), zone))
        .find(|at| *at > after);
    // The calendar ends in the year 262142.
    found.unwrap_or(after + DAY)
}

/// This device's time of the night, the last one not after `now`.
fn last_night(now: DateTime<Utc>, zone: Tz, chance: Chance) -> DateTime<Utc> {
    let shift = part(NIGHT, chance.phase());
    let begin = next_time(now - shift - DAY - TimeDelta::hours(2), zone, NIGHT_BEGINS);
    let next = next_time(begin, zone, NIGHT_BEGINS);
    if next + shift <= now {
        next + shift
    } else {
        begin + shift
    }
}

/// When the next full reconcile is due, in time or caught up. Never in the past by more than it is owed.
fn next_night(situation: &Situation, chance: Chance) -> DateTime<Utc> {
    let Situation { now, zone, .. } = *situation;
    if full_is_due(situation.full_at, now, zone, situation.awake_since, chance) {
        return now;
    }
    let last = last_night(now, zone, chance);
    if situation.full_at.is_some_and(|at| at < last) {
        // Slept through: the time to catch up has not come yet.
        return situation.awake_since.unwrap_or(now) + part(CATCH_UP, chance.phase());
    }
    next_time(last - part(NIGHT, chance.phase()), zone, NIGHT_BEGINS) + part(NIGHT, chance.phase())
}

/// Is a full reconcile due? At first contact, each night at this device's own time, and after a wake-up if the laptop slept
/// through that.
pub fn full_is_due(
    full_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Tz,
    awake_since: Option<DateTime<Utc>>,
    chance: Chance,
) -> bool {
    // One in the future was noted by a wrong clock.
    let Some(full_at) = full_at.filter(|at| *at - now <= TimeDelta::hours(1)) else {
        return true;
    };
    if now - full_at > TOO_LONG_AGO {
        return true;
    }
    let night = last_night(now, zone, chance);
    if full_at >= night {
        return false;
    }
    let caught_up = awake_since.map(|since| since + part(CATCH_UP, chance.phase()));
    match awake_since {
        Some(since) if since > night => caught_up.is_none_or(|at| at <= now),
        _ => true,
    }
}

/// A burst of changes becomes one check: it is over when none has come for [`Burst::QUIET`], and it is cut at
/// [`Burst::MOST`] after the first. Times are those of a running clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    first: std::time::Duration,
    last: std::time::Duration,
}

impl Burst {
    /// Nothing for so long, and it is over.
    pub const QUIET: std::time::Duration = std::time::Duration::from_secs(2);
    /// It is not waited for longer than this.
    pub const MOST: std::time::Duration = std::time::Duration::from_secs(10);

    /// The first change.
    pub fn begin(now: std::time::Duration) -> Self {
        Self {
            first: now,
            last: now,
        }
    }

    /// One more.
    pub fn more(&mut self, now: std::time::Duration) {
        self.last = self.last.max(now);
    }

    /// When it counts as over.
    pub fn ends_at(&self) -> std::time::Duration {
        (self.last + Self::QUIET).min(self.first + Self::MOST)
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
