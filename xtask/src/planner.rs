//! `xtask planner`: the decisions of the core under generated histories.

use crate::run::{cargo, run, run_and_read};
use anyhow::Result;

/// What can be chosen.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// So many histories.
    #[arg(long, default_value_t = 100_000)]
    pub cases: u64,
    /// Seed of the first one; each next history has the next seed.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// At most so long.
    #[arg(long)]
    pub minutes: Option<u64>,
    /// On so many threads.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Also after a law is broken: the first history for each law is told.
    #[arg(long)]
    pub to_the_end: bool,
    /// With this deliberate bug (crates/core/src/bug.rs has the names).
    #[arg(long)]
    pub bug: Option<String>,
    /// With each deliberate bug in turn: after how many histories is it found?
    #[arg(long)]
    pub bugs: bool,
}

/// Builds the check as fast code with every assertion, and runs it. True if every law holds.
pub fn check(options: &Options) -> Result<bool> {
    let package = ["--locked", "--profile", "sim", "-p", "roundtrip-planner-check"];
    let with_bugs = options.bugs || options.bug.is_some();
    let feature: &[&str] = match with_bugs {
        true => &["--features", "deliberate-bugs"],
        false => &[],
    };
    run(cargo().arg("build").args(package).args(feature))?;
    let mut command = cargo();
    command
        .args(["run", "--quiet"])
        .args(package)
        .args(feature)
        .arg("--");
    for (name, value) in [
        ("--cases", Some(options.cases)),
        ("--seed", Some(options.seed)),
        ("--minutes", options.minutes),
        ("--threads", u64::try_from(options.threads).ok()),
    ] {
        if let Some(value) = value {
            command.args([name, &value.to_string()]);
        }
    }
    if options.to_the_end {
        command.arg("--to-the-end");
    }
    if options.bugs {
        command.arg("--bugs");
    }
    if let Some(bug) = &options.bug {
        command.args(["--bug", bug]);
    }
    let (well, _) = run_and_read(&mut command)?;
    Ok(well)
}
