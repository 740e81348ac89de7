//! `xtask crash`: the real program, killed at every write, commit and request, and run on broken disks, databases and clocks.

use crate::counts::{self, Counts};
use crate::project::{self, Profile};
use crate::run::{cargo, run, run_and_read, say};
use crate::{building, process};
use anyhow::Result;
use std::time::Duration;

/// In `xtask test` so many moments are passed over for each one that is tried.
const QUICK: u64 = 12;
/// Which of those are tried changes every day, so that in time all of them are.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is tried.
#[derive(clap::Args)]
pub struct Options {
    /// Only every so many moments.
    #[arg(long)]
    every: Option<u64>,
    /// As few as `cargo xtask test` tries.
    #[arg(long)]
    quick: bool,
    /// Only stories and cases whose name holds this.
    #[arg(long)]
    only: Option<String>,
}

/// Builds the program that can be told to die, and kills it.
pub fn crash(options: &Options) -> Result<bool> {
    let every = options.every.unwrap_or(if options.quick { QUICK } else { 1 });
    Ok(kill(every, 1, options.only.as_deref())?.failed == 0)
}

/// The share of `xtask test`.
pub fn quick() -> Result<Counts> {
    let days = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let day = days.as_secs() / DAY.as_secs();
    kill(QUICK, 1 + day % QUICK, None)
}

fn kill(every: u64, first: u64, only: Option<&str>) -> Result<Counts> {
    building::window_once()?;
    say("building the program that can be told to die");
    // In debug only: with this feature a release build does not compile.
    run(cargo()
        .args(["build", "--locked", "-p", "roundtrip", "--bin", "roundtrip-crash"])
        .args(["--features", "crash-points,custom-protocol"]))?;
    run(cargo().args(["build", "--locked", "-p", "roundtrip-crash-tests"]))?;
    let mut command = process::guarded(project::binary("crash", Profile::Debug));
    command
        .arg(project::binary("roundtrip-crash", Profile::Debug))
        .arg(project::target().join("crash"))
        .args(["--every", &every.to_string(), "--first", &first.to_string()]);
    if let Some(only) = only {
        command.args(["--only", only]);
    }
    let (well, text) = run_and_read(&mut command)?;
    Ok(counts::own(&text).unwrap_or_default().with_end(well))
}
