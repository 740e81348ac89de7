//! `planner`: see `cargo xtask planner --help`.

#![forbid(unsafe_code)]

use clap::Parser;
use roundtrip_planner_check::campaign::{Plan, Told, describe, run, table};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Attacks the decisions of the core with generated histories.
#[derive(Parser)]
struct Options {
    /// So many histories.
    #[arg(long, default_value_t = 100_000)]
    cases: u64,
    /// Seed of the first one.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// At most so long.
    #[arg(long)]
    minutes: Option<u64>,
    /// On so many threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Also after a law is broken, and tell the first history for each law.
    #[arg(long)]
    to_the_end: bool,
    /// With this deliberate bug.
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long)]
    bug: Option<String>,
    /// With each deliberate bug in turn: after how many histories is it found?
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long)]
    bugs: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    #[cfg(feature = "deliberate-bugs")]
    {
        use roundtrip_core::bug::{self, Bug};
        if options.bugs {
            return each_bug(&options);
        }
        if let Some(name) = &options.bug {
            let Some(bug) = Bug::from_name(name) else {
                let names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
                eprintln!("there is no bug {name}: {}", names.join(", "));
                return ExitCode::FAILURE;
            };
            println!("{}:{}", bug.name(), bug.about());
            bug::switch_on(Some(bug));
        }
    }
    let begun = Instant::now();
    let told = campaign(&options);
    let seconds = begun.elapsed().as_secs_f64();
    print!("{}", table(&told));
    println!(
        "{} histories in {seconds:.1} s on {} threads: {:.0} a second",
        told.cases,
        options.threads,
        told.cases as f64 / seconds.max(0.001)
    );
    if told.broken.is_empty() {
        println!("every law holds");
        return ExitCode::SUCCESS;
    }
    for (law, seed) in &told.broken {
        println!(
            "\n{law:?} is broken by seed {seed}, after {} histories in all\n",
            told.cases
        );
        println!("{}", describe(*seed));
    }
    ExitCode::FAILURE
}

fn campaign(options: &Options) -> Told {
    let begun = Instant::now();
    let limit = options.minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let stop = || limit.is_some_and(|limit| begun.elapsed() >= limit);
    let plan = Plan {
        first: options.seed,
        cases: options.cases,
        threads: options.threads,
        to_the_end: options.to_the_end,
    };
    run(plan, stop, |_| {})
}

#[cfg(feature = "deliberate-bugs")]
fn each_bug(options: &Options) -> ExitCode {
    use roundtrip_core::bug::{self, Bug};
    let mut missed = 0;
    for bug in Bug::ALL {
        bug::switch_on(Some(*bug));
        let told = campaign(options);
        match told.broken.keys().next() {
            Some(law) => println!(
                "{:<26} found after {:>7} histories, by {law:?}",
                bug.name(),
                told.cases
            ),
            None => {
                missed += 1;
                println!("{:<26} not found in {:>6} histories", bug.name(), told.cases);
            }
        }
    }
    println!("{} of {} found", Bug::ALL.len() - missed, Bug::ALL.len());
    ExitCode::SUCCESS
}
