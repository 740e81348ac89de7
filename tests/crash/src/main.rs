//! `crash`: kills the real program at every point and runs it on what is broken. `cargo xtask crash` builds the program first.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use clap::Parser;
use roundtrip_crash_tests::breakage::{self, LeftOut};
use roundtrip_crash_tests::stage::Stage;
use roundtrip_crash_tests::{campaign, stories};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Kills the real program at every point.
#[derive(Parser)]
struct Arguments {
    /// The program.
    program: PathBuf,
    /// A folder to work in; it is emptied.
    folder: PathBuf,
    /// Only every so many moments.
    #[arg(long, default_value_t = 1)]
    every: u64,
    /// The first moment.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Only stories and cases whose name holds this.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    let wanted = |name: &str| {
        arguments
            .only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    };
    let mut say = |name: &str, start: Instant, outcome: Result<String>| {
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(words) => {
                passed += 1;
                println!("ok      {name} ({seconds:.1} s) {words}");
            }
            Err(error) if error.is::<LeftOut>() => {
                left_out += 1;
                println!("LEFT OUT {name}: {error}");
            }
            Err(error) => {
                failed += 1;
                println!("FAILED  {name} ({seconds:.1} s)\n        {error:#}");
            }
        }
    };
    for (name, setting) in stories::ALL.into_iter().filter(|(name, _)| wanted(name)) {
        let start = Instant::now();
        say(name, start, story(&arguments, name, setting));
    }
    for (name, case) in breakage::all().filter(|(name, _)| wanted(name)) {
        let start = Instant::now();
        let outcome = stage(&arguments, name).and_then(|stage| case(&stage));
        say(name, start, outcome);
    }
    match left_out {
        0 => println!("{passed} passed, {failed} failed"),
        _ => println!("{passed} passed, {failed} failed, {left_out} left out"),
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn stage(arguments: &Arguments, name: &str) -> Result<Stage> {
    let folder = arguments.folder.join(Path::new(&name.replace(' ', "-")));
    Stage::open(&folder, &arguments.program, stories::beginning())
}

fn story(arguments: &Arguments, name: &str, setting: stories::Setting) -> Result<String> {
    let stage = stage(arguments, name)?;
    let story = setting(&stage).context("the scene")?;
    let found = campaign::run(&stage, &story, arguments.first, arguments.every.max(1))?;
    if let Some(first) = found.wrong.first() {
        // All of them are often the same one.
        let others: Vec<&str> = found
            .wrong
            .iter()
            .skip(1)
            .filter_map(|wrong| wrong.lines().next())
            .collect();
        anyhow::bail!("{first}\n  and {} more:\n  {}", others.len(), others.join("\n  "));
    }
    for (moment, count) in &found.by_name {
        println!("        {count:>4} {moment}");
    }
    Ok(format!(
        "killed at {} of {} moments, {} times again while it recovered; {} lines of the end compared",
        found.points, found.moments, found.second, found.compared
    ))
}
