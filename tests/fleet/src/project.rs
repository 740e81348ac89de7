//! The quota of one project, as Google publishes it: so many requests in any minute, what is more is refused.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Done,
    /// The project was too fast.
    Refused,
    /// Nobody answered.
    Nothing,
}

/// Requests of all laptops.
pub struct Project {
    allowed: u32,
    outage: Option<(DateTime<Utc>, DateTime<Utc>)>,
    minute: VecDeque<(DateTime<Utc>, u32)>,
    in_minute: u32,
    /// After each request: how many the last minute held, refused ones included.
    load: Vec<(DateTime<Utc>, u32)>,
    wanted: VecDeque<(DateTime<Utc>, u32)>,
    in_wanted: u32,
    seconds: Vec<(DateTime<Utc>, u32)>,
    counted: u64,
    refused: u64,
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);

impl Project {
    /// A project that may so much, and answers nobody during the outage.
    pub fn new(allowed: u32, outage: Option<(DateTime<Utc>, DateTime<Utc>)>) -> Self {
        Self {
            allowed,
            outage,
            minute: VecDeque::new(),
            in_minute: 0,
            load: Vec::new(),
            wanted: VecDeque::new(),
            in_wanted: 0,
            seconds: Vec::new(),
            counted: 0,
            refused: 0,
        }
    }

    /// So many requests of one laptop. One refusal refuses all of them: it is tried again as a whole.
    pub fn ask(&mut self, now: DateTime<Utc>, many: u32) -> Answer {
        if self
            .outage
            .is_some_and(|(from, until)| (from..until).contains(&now))
        {
            return Answer::Nothing;
        }
        slide(&mut self.minute, &mut self.in_minute, now);
        slide(&mut self.wanted, &mut self.in_wanted, now);
        self.wanted.push_back((now, many));
        self.in_wanted += many;
        self.load.push((now, self.in_wanted));
        if self.in_minute + many > self.allowed {
            self.refused += u64::from(many);
            return Answer::Refused;
        }
        self.minute.push_back((now, many));
        self.in_minute += many;
        self.counted += u64::from(many);
        self.seconds.push((now, many));
        Answer::Done
    }

    /// Requests of the busiest sliding minute that ends at such a time, refused ones included.
    pub fn busiest(&self, when: impl Fn(DateTime<Utc>) -> bool) -> u32 {
        self.load
            .iter()
            .filter(|(at, _)| when(*at))
            .map(|(_, many)| *many)
            .max()
            .unwrap_or(0)
    }

    /// Requests per minute that were carried out, on average over the minutes at such times.
    pub fn mean(&self, when: impl Fn(DateTime<Utc>) -> bool) -> f64 {
        let (mut minutes, mut sum) = (std::collections::BTreeSet::new(), 0u64);
        for (at, many) in self.seconds.iter().filter(|(at, _)| when(*at)) {
            minutes.insert(at.timestamp() / 60);
            sum += u64::from(*many);
        }
        sum as f64 / minutes.len().max(1) as f64
    }

    /// Requests that were carried out.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    /// Requests that were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

fn slide(stamps: &mut VecDeque<(DateTime<Utc>, u32)>, sum: &mut u32, now: DateTime<Utc>) {
    while let Some((at, many)) = stamps.front().copied() {
        if at > now - MINUTE {
            return;
        }
        *sum -= many;
        stamps.pop_front();
    }
}
