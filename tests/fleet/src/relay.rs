//! What a relay means for one laptop: its stream, the notices that come over it, and what is done about those it missed.

use crate::Random;
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_core::echo::{Echoes, Look};
use roundtrip_core::reconnect::{self, CatchUp, Gap, Trouble};
use std::time::Duration;

/// A notice is on its way for so long, and the burst it may belong to ends.
pub(crate) const NOTICE: TimeDelta = TimeDelta::seconds(4);

/// A laptop's side of the relay.
pub(crate) struct Relay {
    began: DateTime<Utc>,
    /// From when until when the relay is away.
    away: Option<(DateTime<Utc>, DateTime<Utc>)>,
    open: bool,
    failures: u32,
    again_at: DateTime<Utc>,
    catch_up: CatchUp,
    echoes: Echoes,
    /// Notices that come over the stream, if it is open then.
    notices: Vec<DateTime<Utc>>,
    hinted: bool,
}

impl Relay {
    pub(crate) fn new(began: DateTime<Utc>, away: Option<(DateTime<Utc>, DateTime<Utc>)>) -> Self {
        Self {
            began,
            away,
            open: true,
            failures: 0,
            again_at: began,
            catch_up: CatchUp::default(),
            echoes: Echoes::default(),
            notices: Vec::new(),
            hinted: false,
        }
    }

    fn running(&self, now: DateTime<Utc>) -> Duration {
        (now - self.began).to_std().unwrap_or_default()
    }

    fn is_away(&self, now: DateTime<Utc>) -> bool {
        self.away
            .is_some_and(|(from, until)| (from..until).contains(&now))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// The trainer changes something in the calendar then.
    pub(crate) fn edited(&mut self, at: DateTime<Utc>) {
        self.notices.push(at + NOTICE);
        self.notices.sort_unstable();
    }

    /// So many own writes are sent.
    pub(crate) fn wrote(&mut self, now: DateTime<Utc>, many: u32) {
        for _ in 0..many {
            self.echoes.sent(self.running(now));
            self.edited(now);
        }
    }

    /// The calendar is looked at.
    pub(crate) fn looks(&mut self) {
        self.echoes.looks();
        self.hinted = false;
    }

    /// When something of the relay's happens next.
    pub(crate) fn next_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.hinted {
            return Some(now);
        }
        let after = |left: Duration| now + TimeDelta::from_std(left).unwrap_or_default();
        let breaks = self
            .away
            .map(|(from, _)| from)
            .filter(|_| self.open && !self.is_away(now));
        let breaks = breaks
            .filter(|from| *from > now)
            .or(self.is_away(now).then_some(now));
        let stream = if self.open { breaks } else { Some(self.again_at) };
        let running = self.running(now);
        let put_off = self.echoes.left(running).map(after);
        let missed = self.catch_up.left(running).filter(|_| self.open).map(after);
        let notice = self.notices.first().copied();
        [stream, put_off, missed, notice].into_iter().flatten().min()
    }

    /// What has happened by then. True if the calendar is to be looked at now.
    pub(crate) fn passes(&mut self, now: DateTime<Utc>, in_use: bool, random: &mut Random) -> bool {
        let running = self.running(now);
        if self.is_away(now) {
            if self.open || self.again_at <= now {
                self.failures = if self.open { 1 } else { self.failures + 1 };
                let wait = reconnect::wait(Trouble::Lost, self.failures, random.draw());
                self.again_at = now + TimeDelta::from_std(wait).unwrap_or_default();
                self.open = false;
            }
        } else if !self.open && self.again_at <= now {
            self.open = true;
            // It has forgotten what it knew.
            self.catch_up.missed(Gap::Told, running, in_use, random.draw());
        }
        while self.notices.first().is_some_and(|at| *at <= now) {
            self.notices.remove(0);
            // What is told to nobody is lost.
            self.hinted |= self.open && self.echoes.heard(running, in_use) == Look::AtOnce;
        }
        if self
            .echoes
            .left(running)
            .is_some_and(|left| left.is_zero() || in_use)
        {
            self.hinted = true;
        }
        if self.open && self.catch_up.is_due(running) {
            self.hinted = true;
        }
        self.hinted
    }
}
