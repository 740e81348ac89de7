//! How heavy a whole fleet of laptops is for one Google project.
//!
//! # Key concepts
//! - A [`Trainer`](trainer::Trainer) is a laptop with the real [`roundtrip_core::schedule`] and the real pauses of
//!   [`roundtrip_core::quota`]; what it does not have is an engine, a network or a ledger. Each of its acts is a number of
//!   requests.
//! - The [`Project`](project::Project) counts requests in a sliding minute and refuses what is too much, as Google publishes it.
//! - A [`Story`] is a day: steady, with an outage, with a restart of everybody at one moment.
//!
//! Time is virtual; the same seed tells the same day.
//!
//! # What it must not do
//! No clock, no network, no file; nothing here decides when a laptop looks.
#![forbid(unsafe_code)]

pub mod project;
mod relay;
pub mod trainer;

use chrono::{DateTime, TimeDelta, Utc};
use project::Project;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use trainer::{Act, Habit, Trainer};

/// What happens on the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Story {
    /// Nothing out of the ordinary.
    Steady,
    /// From 10:00 to 11:00 Google answers nobody.
    Outage,
    /// At 10:00 all processes start anew at the same moment, as after an update.
    Restart,
    /// From 10:00 to 11:00 there is no relay: all streams end at once, and nobody hears what changes meanwhile.
    RelayGone,
}

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Virtual trainers.
    pub trainers: u32,
    /// Everything follows from it.
    pub seed: u64,
    /// The day.
    pub story: Story,
    /// How laptops decide when to look.
    pub habit: Habit,
}

/// What came of it. Requests are Google's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Virtual trainers.
    pub trainers: u32,
    /// Seed.
    pub seed: u64,
    /// The day.
    pub story: Story,
    /// `schedule`, `relay` or `lock_step`.
    pub habit: Habit,
    /// What the project may per minute: 10,000 for 10,000 trainers, less for fewer.
    pub allowed_a_minute: u32,
    /// Requests of the busiest sliding minute in working hours, outages and the hour after them left out.
    pub steady_most: u32,
    /// The same in percent of what is allowed.
    pub steady_percent: f64,
    /// Mean of the working hours, in percent.
    pub mean_percent: f64,
    /// Requests that wanted to be sent in the busiest minute of the hour after the outage or restart, or from the relay's going until an hour after its return, in percent.
    pub after_percent: f64,
    /// Refused because the project was too fast.
    pub refused: u64,
    /// Requests of the day, per trainer.
    pub a_trainer_and_day: f64,
    /// Changes made.
    pub changes: u64,
    /// Changes that reached the other side by the end of the day.
    pub settled: u64,
    /// Half of the changes of the outage had arrived so many minutes after its end.
    pub back_p50_minutes: f64,
    /// 95 of 100 of them.
    pub back_p95_minutes: f64,
}

/// A small generator of our own: the same numbers on every machine and in every version (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// From 0 to `below`, without it.
    pub fn below(&mut self, below: u64) -> u64 {
        self.draw() % below.max(1)
    }
}

/// Midnight of the day, in Berlin (23:00 UTC of the day before).
pub fn midnight() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_388_400, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

fn hour(of: i64) -> DateTime<Utc> {
    midnight() + TimeDelta::hours(of)
}

/// Outages begin then, and everybody restarts then.
pub const TROUBLE_HOUR: i64 = 10;

/// Plays one day.
pub fn play(plan: &Plan) -> Outcome {
    // Fewer trainers get a smaller project, so that the shares stay the same.
    let allowed = (u64::from(plan.trainers) * 10_000 / 10_000).clamp(20, 10_000) as u32;
    let outage = (plan.story == Story::Outage).then(|| (hour(TROUBLE_HOUR), hour(TROUBLE_HOUR + 1)));
    let relay_away = (plan.story == Story::RelayGone).then(|| (hour(TROUBLE_HOUR), hour(TROUBLE_HOUR + 1)));
    let mut project = Project::new(allowed, outage);
    let mut random = Random::new(plan.seed);
    let mut trainers: Vec<Trainer> = (0..plan.trainers)
        .map(|number| Trainer::new(number, plan.habit, random.draw(), relay_away))
        .collect();
    let mut agenda: BinaryHeap<Reverse<(DateTime<Utc>, usize)>> = BinaryHeap::new();
    for (number, trainer) in trainers.iter().enumerate() {
        agenda.push(Reverse((trainer.next_at(), number)));
    }
    let mut restart = (plan.story == Story::Restart).then(|| hour(TROUBLE_HOUR));
    let end = hour(24);
    while let Some(Reverse((now, number))) = agenda.pop() {
        if let Some(at) = restart.filter(|at| now >= *at) {
            restart = None;
            for trainer in &mut trainers {
                trainer.restart(at);
            }
            agenda = (0..trainers.len())
                .map(|number| Reverse((trainers[number].next_at(), number)))
                .collect();
            continue;
        }
        if now >= end {
            break;
        }
        let trainer = &mut trainers[number];
        match trainer.act(now) {
            Act::Nothing => {}
            Act::Requests(many) => {
                let answer = project.ask(now, many);
                trainer.answered(now, answer);
            }
        }
        agenda.push(Reverse((trainer.next_at().max(now), number)));
    }
    outcome(plan, allowed, &project, &trainers)
}

fn outcome(plan: &Plan, allowed: u32, project: &Project, trainers: &[Trainer]) -> Outcome {
    let percent = |requests: f64| (requests * 10_000.0 / f64::from(allowed)).round() / 100.0;
    let trouble = (hour(TROUBLE_HOUR), hour(TROUBLE_HOUR + 2));
    let quiet = |at: DateTime<Utc>| plan.story == Story::Steady || at < trouble.0 || at >= trouble.1;
    let working = |at: DateTime<Utc>| at >= hour(8) && at < hour(18);
    let after_from = match plan.story {
        Story::Steady => hour(24),
        Story::Outage => hour(TROUBLE_HOUR + 1),
        Story::Restart | Story::RelayGone => hour(TROUBLE_HOUR),
    };
    let steady_most = project.busiest(|at| working(at) && quiet(at));
    // A relay that is gone is felt when it goes and when it is back.
    let hours = if plan.story == Story::RelayGone { 2 } else { 1 };
    let after = project.busiest(|at| at >= after_from && at < after_from + TimeDelta::hours(hours));
    let mean = project.mean(|at| working(at) && quiet(at));
    let mut back: Vec<f64> = trainers
        .iter()
        .flat_map(|trainer| trainer.back_minutes(trouble.0, hour(TROUBLE_HOUR + 1)))
        .collect();
    back.sort_by(f64::total_cmp);
    let rank = |share: f64| {
        let at = (back.len() as f64 * share).ceil() as usize;
        back.get(at.saturating_sub(1))
            .map_or(0.0, |minutes| (minutes * 10.0).round() / 10.0)
    };
    Outcome {
        trainers: plan.trainers,
        seed: plan.seed,
        story: plan.story,
        habit: plan.habit,
        allowed_a_minute: allowed,
        steady_most,
        steady_percent: percent(f64::from(steady_most)),
        mean_percent: percent(mean),
        after_percent: percent(f64::from(after)),
        refused: project.refused(),
        a_trainer_and_day: (project.counted() as f64 / f64::from(plan.trainers.max(1)) * 10.0).round() / 10.0,
        changes: trainers.iter().map(Trainer::changes).sum(),
        settled: trainers.iter().map(Trainer::settled).sum(),
        back_p50_minutes: rank(0.5),
        back_p95_minutes: rank(0.95),
    }
}
