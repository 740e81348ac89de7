//! `xtask sim`: the whole engine under seeded faults, as fast as it goes.

use crate::counts::{self, Counts};
use crate::run::{cargo, run_and_read};
use anyhow::Result;

/// The share of it in `xtask test`: in the profile that the other tests are built in, which a cold machine has already
/// paid for.
const LANE: [&str; 4] = ["--seeds", "0..500", "--minutes", "3"];

/// Runs it with these arguments; true if every seed kept every promise.
///
/// # Errors
/// If it cannot be built.
pub fn sim(arguments: &[String]) -> Result<bool> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "--profile", "sim"]);
    command.args(["-p", "roundtrip-simulation"]);
    let wants_bugs = arguments.iter().any(|argument| argument.starts_with("--bug"));
    if wants_bugs {
        command.args(["--features", "deliberate-bugs"]);
    }
    command.arg("--").args(arguments);
    Ok(run_and_read(&mut command)?.0)
}

/// 500 seeds, or as many as three minutes allow.
///
/// # Errors
/// If it cannot be built.
pub fn lane() -> Result<Counts> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "-p", "roundtrip-simulation", "--"]);
    let (well, text) = run_and_read(command.args(LANE))?;
    Ok(counts::own(&text).unwrap_or_default().with_end(well))
}
