//! Silence: at one side nothing has succeeded for two hours in which the laptop was awake.
//!
//! Only awake time counts. While a laptop sleeps the running clock stands still on some systems and goes on on others, so
//! both clocks are compared: what the wall clock has more than the running clock was slept, and looks that lie further apart
//! than any waking laptop lets them were slept through too. A wall clock that is set counts nothing, because the running
//! clock alone is added up. After waking up and after a start a side first has a chance to answer.

use crate::bug::{self, Bug};
use crate::outbox::Side;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Stable code of the problem, for the window and for the platform.
pub const CODE: &str = "no_success_2h";
/// So much awake time without a success is a silence.
pub const SILENT_AFTER: TimeDelta = TimeDelta::hours(2);
/// So much awake time a side has after a start, a wake-up or the end of a pause, before its silence is said.
pub const CHANCE: TimeDelta = TimeDelta::minutes(5);
/// So much more wall-clock time than running time means that the laptop slept, or that its clock was set.
const SLEPT: TimeDelta = TimeDelta::seconds(60);
/// Looks are half a minute apart, four where the system tells of a wake-up by itself; two of them that are further apart than
/// this were slept through.
const LOOKS_APART: TimeDelta = TimeDelta::minutes(5);

/// What both clocks say has passed between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// By the wall clock; negative if it was set back.
    pub wall: TimeDelta,
    /// By the running clock.
    pub running: TimeDelta,
}

/// How long one side has been without a success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quiet {
    /// Last time that something succeeded there, by the services' time.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// Awake time since then, in milliseconds.
    pub awake_ms: i64,
    /// When its silence was first said; none while it is not silent.
    pub silent_since: Option<DateTime<Utc>>,
}

/// What is remembered about both sides, across restarts too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// The platform.
    pub platform: Quiet,
    /// The calendar.
    pub calendar: Quiet,
    /// The trainer was notified of the silence that lasts: not again before it has ended.
    pub notified: bool,
    /// A silence of which the platform has not heard yet.
    pub owed: bool,
    /// Awake time since the last start, wake-up or end of a pause, in milliseconds. Begins anew with the process.
    #[serde(skip)]
    pub up_ms: i64,
}

/// A silence that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Whose; none if both sides are silent.
    pub side: Option<Side>,
    /// Last success of that side, of the longer silent one if it is both; none if there never was one.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When it was first said.
    pub since: DateTime<Utc>,
}

impl Watch {
    /// One side.
    pub fn side(&self, side: Side) -> &Quiet {
        match side {
            Side::Platform => &self.platform,
            Side::Calendar => &self.calendar,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Quiet {
        match side {
            Side::Platform => &mut self.platform,
            Side::Calendar => &mut self.calendar,
        }
    }

    /// Time has passed. `counts`: something was to be done in it (started, not paused, not turned off by the platform).
    /// Answers which sides have fallen silent with this look.
    pub fn look(&mut self, passed: Passed, counts: bool, now: DateTime<Utc>) -> Vec<Side> {
        let running = passed.running.max(TimeDelta::zero());
        let slept_through = running > LOOKS_APART;
        if slept_through || !counts || passed.wall - running > SLEPT {
            self.up_ms = 0;
        }
        if slept_through || !counts {
            return Vec::new();
        }
        let awake = running.num_milliseconds();
        self.up_ms += awake;
        let had_its_chance = self.up_ms >= CHANCE.num_milliseconds();
        let mut fresh = Vec::new();
        for side in [Side::Platform, Side::Calendar] {
            let quiet = self.side_mut(side);
            quiet.awake_ms += awake;
            let long = quiet.awake_ms >= SILENT_AFTER.num_milliseconds() && !bug::is_on(Bug::SilenceIsKept);
            if long && had_its_chance && quiet.silent_since.is_none() {
                quiet.silent_since = Some(now);
                fresh.push(side);
            }
        }
        self.owed |= !fresh.is_empty();
        fresh
    }

    /// Something succeeded at a side. Answers since when nothing had, if its silence ends with this.
    pub fn succeeded(&mut self, side: Side, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let quiet = self.side_mut(side);
        let before = quiet.succeeded_at.replace(now);
        quiet.awake_ms = 0;
        let said = quiet.silent_since.take();
        if self.silence().is_none() {
            self.notified = false;
        }
        said.map(|said| before.unwrap_or(said))
    }

    /// The silence that lasts, if one does.
    pub fn silence(&self) -> Option<Silence> {
        let of = |quiet: &Quiet, side| {
            quiet.silent_since.map(|since| Silence {
                side,
                succeeded_at: quiet.succeeded_at,
                since,
            })
        };
        let platform = of(&self.platform, Some(Side::Platform));
        let calendar = of(&self.calendar, Some(Side::Calendar));
        match (platform, calendar) {
            (Some(one), Some(other)) => Some(Silence {
                side: None,
                succeeded_at: one.succeeded_at.min(other.succeeded_at),
                since: one.since.min(other.since),
            }),
            (one, other) => one.or(other),
        }
    }
}

#[cfg(test)]
#[path = "silence_tests.rs"]
mod tests;
