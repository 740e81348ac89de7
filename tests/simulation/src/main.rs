//! `simulate`: see `cargo xtask sim --help`.
#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use roundtrip_simulation::desk::Desk;
use roundtrip_simulation::faults;
use roundtrip_simulation::stage::Counts;
use roundtrip_simulation::world::{self, Outcome};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs the whole engine under seeded faults.
#[derive(Parser)]
#[command(name = "simulate", version)]
struct Arguments {
    /// Which seeds: `A..B` (without B), or one.
    #[arg(long, default_value = "0..500")]
    seeds: String,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Stop after so many minutes.
    #[arg(long)]
    minutes: Option<f64>,
    /// Run each seed twice and compare the hashes.
    #[arg(long)]
    twice: bool,
    /// Print what happened.
    #[arg(long)]
    trace: bool,
    /// Print each seed's hash.
    #[arg(long)]
    hashes: bool,
    /// Switch one deliberate bug on (needs the feature `deliberate-bugs`).
    #[arg(long)]
    bug: Option<String>,
    /// Switch every deliberate bug on in turn and run seeds until it is found.
    #[arg(long)]
    bugs: bool,
    /// Stop after so many failing seeds.
    #[arg(long, default_value_t = 10)]
    failures: usize,
}

#[derive(Default)]
struct Tally {
    counts: Counts,
    seeds: u64,
    failed: Vec<u64>,
    fewest_faults: Option<u64>,
}

fn parse(seeds: &str) -> Result<(u64, u64)> {
    Ok(match seeds.split_once("..") {
        Some((from, to)) => (from.parse()?, to.parse()?),
        None => {
            let seed: u64 = seeds.parse()?;
            (seed, seed + 1)
        }
    })
}

fn main() -> ExitCode {
    match simulate(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Switches a bug on by its name, or all off.
fn switch(bug: Option<&str>) -> Result<()> {
    #[cfg(feature = "deliberate-bugs")]
    {
        use roundtrip_core::bug::{Bug, switch_on};
        let found = bug.map(|name| Bug::from_name(name).context("there is no such bug"));
        switch_on(found.transpose()?);
    }
    #[cfg(not(feature = "deliberate-bugs"))]
    if bug.is_some() {
        bail!("built without the feature `deliberate-bugs`");
    }
    Ok(())
}

/// The names of all deliberate bugs; none without the feature.
fn bugs() -> Vec<&'static str> {
    #[cfg(feature = "deliberate-bugs")]
    return roundtrip_core::bug::Bug::ALL
        .iter()
        .map(|bug| bug.name())
        .collect();
    #[cfg(not(feature = "deliberate-bugs"))]
    Vec::new()
}

fn simulate(arguments: &Arguments) -> Result<bool> {
    let range = parse(&arguments.seeds).context("seeds are A..B")?;
    if range.0 >= range.1 || arguments.threads == 0 {
        bail!("there is nothing to run");
    }
    if !arguments.bugs {
        switch(arguments.bug.as_deref())?;
        let (tally, took) = campaign(arguments, range, arguments.failures)?;
        report(&tally, took);
        let complaint = faults::complaint(tally.seeds, &tally.counts.faults);
        if let Some(complaint) = &complaint {
            println!("{complaint}");
        }
        for seed in &tally.failed {
            println!("cargo xtask sim --seeds {seed} --trace");
        }
        return Ok(tally.failed.is_empty() && complaint.is_none());
    }
    let bugs = bugs();
    if bugs.is_empty() {
        bail!("built without the feature `deliberate-bugs`");
    }
    let mut found = 0;
    for bug in &bugs {
        switch(Some(bug))?;
        let (tally, took) = campaign(arguments, range, 1)?;
        let seconds = took.as_secs_f64();
        match tally.failed.first() {
            Some(seed) => {
                found += 1;
                let seeds = tally.seeds;
                println!("found     {bug:<28} after {seeds:>6} seeds (seed {seed}, {seconds:.1} s)");
            }
            None => println!(
                "not found {bug:<28} in    {:>6} seeds ({seconds:.1} s)",
                tally.seeds
            ),
        }
    }
    println!("{found} passed, {} failed", bugs.len() - found);
    Ok(found == bugs.len())
}

/// Runs seeds until they, the time or the patience with failures are used up.
fn campaign(arguments: &Arguments, (from, to): (u64, u64), failures: usize) -> Result<(Tally, Duration)> {
    let next = AtomicU64::new(from);
    let stop = AtomicBool::new(false);
    let tally = Mutex::new(Tally::default());
    let begun = Instant::now();
    let patience = arguments
        .minutes
        .map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let broke = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..arguments.threads)
            .map(|number| {
                let (next, stop, tally) = (&next, &stop, &tally);
                scope.spawn(move || {
                    stay_on_one_processor(number);
                    let course = Course {
                        arguments,
                        next,
                        to,
                        stop,
                        tally,
                        failures,
                    };
                    work(&course, || {
                        patience.is_none_or(|patience| begun.elapsed() < patience)
                    })
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| bail!("a thread broke")))
            .find_map(Result::err)
    });
    if let Some(error) = broke {
        return Err(error);
    }
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.failed.sort_unstable();
    Ok((tally, begun.elapsed()))
}

/// Keeps this thread, and the database's threads that it starts, on one processor: a seed goes back and forth between them
/// and never needs two at once, and waking a thread on another processor costs more than most statements.
fn stay_on_one_processor(number: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(allowed) = sched_getaffinity(None) else {
            return;
        };
        let ours: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
        if let Some(cpu) = ours.get(number % ours.len().max(1)) {
            let mut one = CpuSet::new();
            one.set(*cpu);
            // Only speed hangs on it.
            let _ = sched_setaffinity(None, &one);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = number;
}

/// What the threads of a campaign share.
struct Course<'a> {
    arguments: &'a Arguments,
    next: &'a AtomicU64,
    to: u64,
    stop: &'a AtomicBool,
    tally: &'a Mutex<Tally>,
    failures: usize,
}

fn work(course: &Course<'_>, in_time: impl Fn() -> bool) -> Result<()> {
    let arguments = course.arguments;
    let mut desk = Rc::new(Desk::new()?);
    while !course.stop.load(Ordering::Relaxed) && in_time() {
        let seed = course.next.fetch_add(1, Ordering::Relaxed);
        if seed >= course.to {
            break;
        }
        let once = || world::run(seed, &desk, arguments.trace);
        let Ok(outcome) = std::panic::catch_unwind(AssertUnwindSafe(once)) else {
            println!("seed {seed} panicked");
            desk = Rc::new(Desk::new()?);
            note(course, seed, None);
            continue;
        };
        let outcome = outcome?;
        let mut bad = !outcome.violations.is_empty();
        if arguments.twice {
            let again = world::run(seed, &Rc::new(Desk::new()?), arguments.trace)?;
            if again.hash != outcome.hash {
                bad = true;
                println!(
                    "seed {seed} differs from itself: {} and {}",
                    outcome.hash, again.hash
                );
                show_first_difference(&outcome.lines, &again.lines);
            }
        }
        tell(arguments, seed, &outcome);
        note(course, seed, Some((&outcome, bad)));
    }
    Ok(())
}

fn tell(arguments: &Arguments, seed: u64, outcome: &Outcome) {
    if arguments.trace && !arguments.twice {
        for line in &outcome.lines {
            println!("{line}");
        }
    }
    if arguments.hashes || arguments.trace {
        println!(
            "seed {seed} {} {} faults",
            outcome.hash,
            outcome.counts.all_faults()
        );
    }
    for violation in outcome.violations.iter().filter(|_| !arguments.bugs) {
        println!("seed {seed}: {violation}");
    }
}

fn show_first_difference(one: &[String], other: &[String]) {
    let at = one
        .iter()
        .zip(other)
        .position(|(one, other)| one != other)
        .unwrap_or(one.len().min(other.len()));
    for line in &one[at.saturating_sub(5)..at] {
        println!("  both  {line}");
    }
    println!("  one   {:?}\n  other {:?}", one.get(at), other.get(at));
}

fn note(course: &Course<'_>, seed: u64, outcome: Option<(&Outcome, bool)>) {
    let mut tally = course.tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.seeds += 1;
    if let Some((outcome, _)) = outcome {
        tally.counts.add(&outcome.counts);
        let faults = outcome.counts.all_faults();
        tally.fewest_faults = Some(tally.fewest_faults.map_or(faults, |fewest| fewest.min(faults)));
    }
    if outcome.is_none_or(|(_, bad)| bad) {
        tally.failed.push(seed);
        if tally.failed.len() >= course.failures {
            course.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn report(tally: &Tally, took: Duration) {
    let (counts, seeds) = (&tally.counts, tally.seeds.max(1));
    for (title, kinds) in [
        ("faults", &counts.faults),
        ("actions", &counts.actions),
        ("endings", &counts.endings),
    ] {
        println!("== {title}");
        for (kind, count) in kinds {
            println!("{count:>9}  {kind}");
        }
    }
    for kind in faults::missing(&counts.faults) {
        println!("        0  fault: {kind}");
    }
    println!(
        "{} seeds in {:.1} s, {:.1} seeds/s; per seed {:.1} faults (fewest {}), {:.0} requests, {:.0} ledger operations",
        tally.seeds,
        took.as_secs_f64(),
        tally.seeds as f64 / took.as_secs_f64(),
        counts.all_faults() as f64 / seeds as f64,
        tally.fewest_faults.unwrap_or(0),
        counts.requests as f64 / seeds as f64,
        counts.ledger as f64 / seeds as f64,
    );
    println!(
        "{} passed, {} failed",
        tally.seeds as usize - tally.failed.len(),
        tally.failed.len()
    );
}
