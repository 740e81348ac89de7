//! One virtual trainer: a day of changes, a window that is looked at, and a laptop that decides by the real code.

use crate::project::Answer;
use crate::relay::{NOTICE, Relay};
use crate::{Random, midnight};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use roundtrip_core::quota::{self, Refusal};
use roundtrip_core::schedule::{self, Allowance, Chance, Known, Sides, Situation};
use serde::Serialize;

/// Changes of a day, half of them made in the calendar.
const CHANGES: u64 = 20;
/// Changes are made from this hour …
const FROM: i64 = 8;
/// … until this.
const UNTIL: i64 = 20;
/// An edit in the calendar is looked at once more when it has settled.
const SETTLE: TimeDelta = TimeDelta::seconds(20);
/// Two calendars: one is written, the other one is read for busy times.
const CALENDARS: u32 = 2;

/// How a laptop decides when to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Habit {
    /// The real schedule, without notices of the calendar.
    Schedule,
    /// The same with a relay: both sides tell their changes.
    Relay,
    /// The contrast: at :00, :15, :30 and :45, and once a minute while nobody answers or one was refused.
    LockStep,
}

/// What a trainer's laptop does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing at Google.
    Nothing,
    /// So many requests.
    Requests(u32),
}

#[derive(Clone, Copy)]
struct Change {
    at: DateTime<Utc>,
    in_calendar: bool,
    seen: bool,
    settled_at: Option<DateTime<Utc>>,
}

/// A laptop that is never off.
pub struct Trainer {
    habit: Habit,
    random: Random,
    drawn: u64,
    device: u64,
    situation: Situation,
    changes: Vec<Change>,
    /// The window is looked at from then to then.
    looks: [(DateTime<Utc>, DateTime<Utc>); 2],
    opened: u8,
    closes_at: Option<DateTime<Utc>>,
    settles_at: Option<DateTime<Utc>>,
    /// Nothing is sent before; refusals in a row.
    held: Option<DateTime<Utc>>,
    refusals: u32,
    start_at: Option<DateTime<Utc>>,
    asked: Asked,
    relay: Option<Relay>,
}

#[derive(Clone, Copy, Default)]
struct Asked {
    reads: bool,
    fast: bool,
    both: bool,
    settling: bool,
}

impl Trainer {
    /// A laptop that was last read not so long ago that it would be due.
    /// `relay_away`: from when until when its relay, if it has one, is gone.
    pub fn new(
        number: u32,
        habit: Habit,
        seed: u64,
        relay_away: Option<(DateTime<Utc>, DateTime<Utc>)>,
    ) -> Self {
        let mut random = Random::new(seed);
        let seconds = |random: &mut Random, from: i64, until: i64| {
            midnight()
                + TimeDelta::hours(from)
                + TimeDelta::milliseconds(random.below(((until - from) * 3_600_000) as u64) as i64)
        };
        let mut changes: Vec<Change> = (0..CHANGES)
            .map(|of| Change {
                at: seconds(&mut random, FROM, UNTIL),
                in_calendar: of % 2 == 0,
                seen: false,
                settled_at: None,
            })
            .collect();
        changes.sort_unstable_by_key(|change| change.at);
        // Twice a day for five minutes.
        let mut looks = [seconds(&mut random, 8, 12), seconds(&mut random, 13, 19)]
            .map(|at| (at, at + TimeDelta::minutes(5)));
        looks.sort_unstable();
        let relay = (habit == Habit::Relay).then(|| {
            let mut relay = Relay::new(midnight(), relay_away);
            let edits = changes.iter().filter(|change| change.in_calendar);
            edits.for_each(|change| relay.edited(change.at));
            relay
        });
        let read = Known {
            tried_at: Some(midnight() - TimeDelta::milliseconds(random.below(2_700_000) as i64)),
            ..Known::default()
        };
        let situation = Situation {
            now: midnight(),
            zone: Berlin,
            every_minutes: 15,
            min_poll_seconds: 60,
            in_use: false,
            edited_at: None,
            // The platform has a quota of its own: it is not asked here.
            sides: Sides {
                platform: Known { pushed: true, ..read },
                calendar: Known {
                    pushed: relay.is_some(),
                    ..read
                },
            },
            full_at: Some(midnight() - TimeDelta::hours(20)),
            full_tried_at: None,
            awake_since: None,
            allowance: Allowance::default(),
        };
        Self {
            habit,
            drawn: random.draw(),
            device: schedule::device_number(&format!("device-{number}")),
            random,
            situation,
            changes,
            looks,
            opened: 0,
            closes_at: None,
            settles_at: None,
            held: None,
            refusals: 0,
            start_at: None,
            asked: Asked::default(),
            relay,
        }
    }

    /// The next change on the platform that is hinted at.
    fn hinted_at(&self) -> Option<DateTime<Utc>> {
        self.relay.as_ref().filter(|relay| relay.is_open())?;
        let mut waiting = self.changes.iter();
        let waiting = waiting.find(|change| !change.in_calendar && change.settled_at.is_none());
        Some(waiting?.at + NOTICE)
    }

    fn chance(&self) -> Chance {
        Chance {
            random: self.drawn,
            device: self.device,
        }
    }

    /// When the laptop does something next.
    pub fn next_at(&self) -> DateTime<Utc> {
        if let Some(start) = self.start_at {
            return start;
        }
        let check = match self.habit {
            Habit::Schedule | Habit::Relay => {
                let opens = self.looks.get(usize::from(self.opened)).map(|(from, _)| *from);
                let check = schedule::next(&self.situation, self.chance()).at;
                [opens, self.closes_at]
                    .into_iter()
                    .flatten()
                    .fold(check, DateTime::min)
            }
            Habit::LockStep => {
                let tried = self.situation.sides.calendar.tried_at.unwrap_or(midnight());
                let step = if self.situation.sides.calendar.lost_since.is_some() || self.held.is_some() {
                    60
                } else {
                    900
                };
                DateTime::from_timestamp((tried.timestamp() / step + 1) * step, 0).unwrap_or(tried)
            }
        };
        let relay = self
            .relay
            .as_ref()
            .and_then(|relay| relay.next_at(self.situation.now));
        let at = [self.settles_at, relay, self.hinted_at()]
            .into_iter()
            .flatten()
            .fold(check, DateTime::min);
        let held = self.held.filter(|_| self.habit != Habit::LockStep);
        held.map_or(at, |held| at.max(held))
    }

    /// What it does then.
    pub fn act(&mut self, now: DateTime<Utc>) -> Act {
        self.start_at = None;
        let check = schedule::next(&self.situation, self.chance());
        self.situation.now = now;
        if let Some((from, until)) = self.looks.get(usize::from(self.opened))
            && *from <= now
            && self.habit != Habit::LockStep
        {
            self.opened += 1;
            self.situation.in_use = true;
            self.closes_at = Some(*until);
            return Act::Nothing;
        }
        // A window that is closed is a reason to think again, like one that is opened.
        if self.closes_at.take_if(|at| *at <= now).is_some() {
            self.situation.in_use = false;
            return Act::Nothing;
        }
        let hinted = self.hinted_at().is_some_and(|at| at <= now);
        let mut told = false;
        if let Some(relay) = &mut self.relay {
            told = relay.passes(now, self.situation.in_use, &mut self.random);
            let calendar = &mut self.situation.sides.calendar;
            if calendar.pushed && !relay.is_open() {
                calendar.unpushed_at = Some(now);
            }
            calendar.pushed = relay.is_open();
        }
        let settling = self.settles_at.is_some_and(|at| at <= now);
        let is_time = check.at <= now && check.sides.calendar;
        if self.habit == Habit::Relay && !is_time {
            if check.at <= now {
                // The platform alone.
                self.situation.sides.platform.tried_at = Some(now);
                self.drawn = self.random.draw();
            }
            return self.act_by_hints(now, told, hinted, settling);
        }
        if self.habit != Habit::LockStep && !settling && check.at <= now && !check.sides.calendar {
            // The platform alone.
            self.situation.sides.platform.tried_at = Some(now);
            self.drawn = self.random.draw();
            return Act::Nothing;
        }
        let fast = check.fast && self.habit != Habit::LockStep;
        self.asked = Asked {
            reads: true,
            fast,
            both: check.sides.platform,
            settling,
        };
        let reads = if fast || settling { 1 } else { CALENDARS };
        // What was made on the platform is written; what was made in the calendar is reported when it has settled, and the
        // event says it already (`what_a_change_costs_at_google`).
        let writes = self.writes(now);
        if let Some(relay) = &mut self.relay {
            relay.looks();
            relay.wrote(now, writes);
        }
        Act::Requests(reads + writes)
    }

    fn writes(&self, now: DateTime<Utc>) -> u32 {
        let changes = self.changes.iter();
        let writes = changes.filter(|change| !change.in_calendar && self.is_written(change, now));
        u32::try_from(writes.count()).unwrap_or(u32::MAX)
    }

    /// What is done though it is not time for a check: what was told is looked at, what was hinted at is written, and what has
    /// settled is reported, for which a calendar that tells its changes is not asked.
    fn act_by_hints(&mut self, now: DateTime<Utc>, told: bool, hinted: bool, settling: bool) -> Act {
        let unheard = settling && !self.situation.sides.calendar.pushed;
        let reads = told || unheard;
        self.asked = Asked {
            reads,
            settling: true,
            ..Asked::default()
        };
        let writes = if hinted || reads || settling {
            self.writes(now)
        } else {
            0
        };
        if let Some(relay) = &mut self.relay {
            if reads {
                relay.looks();
            }
            relay.wrote(now, writes);
        }
        match u32::from(reads) + writes {
            0 if settling => {
                self.answered(now, Answer::Done);
                Act::Nothing
            }
            0 => Act::Nothing,
            many => Act::Requests(many),
        }
    }

    fn is_written(&self, change: &Change, now: DateTime<Utc>) -> bool {
        let ready = !change.in_calendar || change.seen && self.settles_at.is_none_or(|at| at <= now);
        change.settled_at.is_none() && change.at <= now && ready
    }

    /// What Google said.
    pub fn answered(&mut self, now: DateTime<Utc>, answer: Answer) {
        if self.asked.reads {
            self.situation.sides.calendar.tried_at = Some(now);
        }
        if self.asked.both {
            self.situation.sides.platform.tried_at = Some(now);
        }
        self.drawn = self.random.draw();
        if self.asked.fast && !self.asked.settling {
            self.situation.allowance = self.situation.allowance.after_one(now);
        }
        match answer {
            Answer::Nothing => {
                let calendar = &mut self.situation.sides.calendar;
                calendar.lost_since = calendar.lost_since.or(Some(now));
                self.settles_at = None;
            }
            Answer::Refused => {
                self.refusals += 1;
                let pause = quota::pause(self.refusals, Refusal::Project, self.random.draw());
                self.held = Some(now + TimeDelta::from_std(pause).unwrap_or_default());
                self.settles_at = self.held;
            }
            Answer::Done => {
                (self.held, self.refusals) = (None, 0);
                self.situation.sides.calendar.lost_since = None;
                let written: Vec<bool> = self
                    .changes
                    .iter()
                    .map(|change| self.is_written(change, now))
                    .collect();
                for (change, written) in self.changes.iter_mut().zip(written) {
                    if written {
                        change.settled_at = Some(now);
                    }
                }
                self.settles_at = self.settles_at.filter(|at| *at > now);
                for change in &mut self.changes {
                    if self.asked.reads && change.in_calendar && !change.seen && change.at <= now {
                        change.seen = true;
                        self.situation.edited_at = Some(now);
                        self.settles_at = Some(now + SETTLE);
                    }
                }
                let chance = Chance {
                    random: 0,
                    device: self.device,
                };
                if schedule::full_is_due(self.situation.full_at, now, Berlin, None, chance) {
                    self.situation.full_at = Some(now);
                    self.situation.full_tried_at = Some(now);
                }
            }
        }
    }

    /// The process starts anew.
    pub fn restart(&mut self, now: DateTime<Utc>) {
        self.situation.now = now;
        self.situation.allowance = Allowance::default();
        self.drawn = self.random.draw();
        let owed = self.settles_at.take().is_some();
        self.start_at = Some(match self.habit {
            Habit::Schedule | Habit::Relay => schedule::first(&self.situation, owed, self.chance()),
            Habit::LockStep => now,
        });
    }

    /// Changes of the day.
    pub fn changes(&self) -> u64 {
        self.changes.len() as u64
    }

    /// Changes that reached the other side.
    pub fn settled(&self) -> u64 {
        self.changes
            .iter()
            .filter(|change| change.settled_at.is_some())
            .count() as u64
    }

    /// Of changes made between these times: how many minutes after the latter they had arrived.
    pub fn back_minutes(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<f64> {
        let within = |change: &&Change| change.at >= from && change.at < until;
        let late = |change: &Change| {
            change
                .settled_at
                .map(|at| (at - until).as_seconds_f64().max(0.0) / 60.0)
        };
        self.changes.iter().filter(within).filter_map(late).collect()
    }
}
