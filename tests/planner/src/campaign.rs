//! Many stories, on some threads, until one breaks a law or all are told.

use crate::law::Law;
use crate::live::{live, tell};
use crate::rows;
use crate::shrink::shrink;
use crate::steps::draw;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Threads take so many stories at a time.
const BATCH: u64 = 64;

/// What is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Seed of the first story; the next one has the next seed.
    pub first: u64,
    /// So many stories.
    pub cases: u64,
    /// On so many threads.
    pub threads: usize,
    /// Also after a law is broken: the first story for each law is kept.
    pub to_the_end: bool,
}

/// What was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// So many stories.
    pub cases: u64,
    /// Decisions by row of the rules table.
    pub rows: [u64; 11],
    /// Stories that met each row.
    pub stories: [u64; 11],
    /// The earliest story that breaks each law.
    pub broken: BTreeMap<Law, u64>,
}

/// Tells them all, or until one breaks a law, or until `stop` says so. `tick` hears how many have been told.
pub fn run(plan: Plan, stop: impl Fn() -> bool + Sync, tick: impl Fn(u64) + Sync) -> Told {
    let next = AtomicU64::new(0);
    let broke = AtomicBool::new(false);
    let whole = Mutex::new(Told::default());
    let work = || {
        let mut mine = Told::default();
        loop {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            if from >= plan.cases || broke.load(Ordering::Relaxed) || stop() {
                break;
            }
            for seed in (from..plan.cases.min(from + BATCH)).map(|at| plan.first.wrapping_add(at)) {
                let world = live(&draw(seed));
                mine.cases += 1;
                for (row, hits) in world.rows.into_iter().enumerate() {
                    mine.rows[row] += hits as u64;
                    mine.stories[row] += u64::from(hits > 0);
                }
                if let Some((law, _)) = world.violations.first() {
                    mine.broken.entry(*law).or_insert(seed);
                    if !plan.to_the_end {
                        broke.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            }
            tick(from);
        }
        let mut whole = whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        whole.cases += mine.cases;
        for row in 0..whole.rows.len() {
            whole.rows[row] += mine.rows[row];
            whole.stories[row] += mine.stories[row];
        }
        for (law, seed) in mine.broken {
            let known = whole.broken.entry(law).or_insert(seed);
            if seed.wrapping_sub(plan.first) < known.wrapping_sub(plan.first) {
                *known = seed;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..plan.threads.max(1) {
            scope.spawn(work);
        }
    });
    whole
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A broken story as a person reads it: shrunk, step by step, with what was decided at each.
pub fn describe(seed: u64) -> String {
    let story = draw(seed);
    let shrunk = shrink(&story);
    let world = tell(&shrunk);
    let mut text = String::new();
    for (law, what) in &world.violations {
        _ = writeln!(text, "{law:?}: {what}");
    }
    _ = writeln!(
        text,
        "\nHow it came (seed {seed}, shrunk from {} to {} steps, {} appointments agreed, answers lost {:?}, at last {:?}):",
        story.steps.len(),
        shrunk.steps.len(),
        shrunk.appointments,
        shrunk.lost,
        shrunk.at_last
    );
    for step in &shrunk.steps {
        _ = writeln!(text, "  {step:?}");
    }
    _ = writeln!(text, "\nIn full:");
    for line in &world.log {
        _ = writeln!(text, "  {line}");
    }
    _ = writeln!(text, "\nAgain: cargo xtask planner --seed {seed} --cases 1");
    text
}

/// How often each row of the rules was met.
pub fn table(told: &Told) -> String {
    let mut text = format!("{:<46} {:>11} {:>16}\n", "row", "decisions", "of all stories");
    for (row, name) in rows::NAMES.iter().enumerate() {
        let share = 100.0 * told.stories[row] as f64 / told.cases.max(1) as f64;
        _ = writeln!(text, "{name:<46} {:>11} {share:>14.1} %", told.rows[row]);
    }
    text
}
