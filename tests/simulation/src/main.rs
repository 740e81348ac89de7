//! `simulate`: see `cargo xtask sim --help`.
#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use roundtrip_simulation::desk::Desk;
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

fn simulate(arguments: &Arguments) -> Result<bool> {
    let (from, to) = parse(&arguments.seeds).context("seeds are A..B")?;
    if from >= to || arguments.threads == 0 {
        bail!("there is nothing to run");
    }
    let next = AtomicU64::new(from);
    let stop = AtomicBool::new(false);
    let tally = Mutex::new(Tally::default());
    let begun = Instant::now();
    let patience = arguments
        .minutes
        .map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let broke = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..arguments.threads)
            .map(|_| scope.spawn(|| work(arguments, &next, to, &stop, &tally, begun, patience)))
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
    report(&tally, begun.elapsed());
    tally.failed.sort_unstable();
    for seed in &tally.failed {
        println!("cargo xtask sim --seeds {seed} --trace");
    }
    Ok(tally.failed.is_empty())
}

fn work(
    arguments: &Arguments,
    next: &AtomicU64,
    to: u64,
    stop: &AtomicBool,
    tally: &Mutex<Tally>,
    begun: Instant,
    patience: Option<Duration>,
) -> Result<()> {
    let mut desk = Rc::new(Desk::new()?);
    while !stop.load(Ordering::Relaxed) && patience.is_none_or(|patience| begun.elapsed() < patience) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= to {
            break;
        }
        let once = |desk: &Rc<Desk>| {
            std::panic::catch_unwind(AssertUnwindSafe(|| world::run(seed, desk, arguments.trace)))
        };
        let Ok(outcome) = once(&desk) else {
            println!("seed {seed} panicked");
            desk = Rc::new(Desk::new()?);
            note(tally, seed, None, stop, arguments.failures);
            continue;
        };
        let outcome = outcome?;
        let mut bad = !outcome.violations.is_empty();
        if arguments.twice {
            let again = Rc::new(Desk::new()?);
            let again = world::run(seed, &again, arguments.trace)?;
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
        note(tally, seed, Some((&outcome, bad)), stop, arguments.failures);
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
    for violation in &outcome.violations {
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

fn note(
    tally: &Mutex<Tally>,
    seed: u64,
    outcome: Option<(&Outcome, bool)>,
    stop: &AtomicBool,
    failures: usize,
) {
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.seeds += 1;
    let bad = outcome.is_none_or(|(_, bad)| bad);
    if let Some((outcome, _)) = outcome {
        tally.counts.add(&outcome.counts);
        let faults = outcome.counts.all_faults();
        tally.fewest_faults = Some(tally.fewest_faults.map_or(faults, |fewest| fewest.min(faults)));
    }
    if bad {
        tally.failed.push(seed);
        if tally.failed.len() >= failures {
            stop.store(true, Ordering::Relaxed);
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
    let missing = roundtrip_simulation::faults::Kind::ALL
        .into_iter()
        .filter(|kind| !counts.faults.contains_key(kind.name()));
    for kind in missing {
        println!("        0  {}", kind.name());
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
