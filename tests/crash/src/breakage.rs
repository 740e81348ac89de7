//! What is broken beside the power: disks, databases, clocks.

mod clocks;
mod databases;
mod disks;

use crate::ending::Ending;
use crate::leaks;
use crate::stage::{Hardship, Ran, Scene, Stage};
use crate::stories::{SYNC, Story};
use anyhow::{Context, Result, bail, ensure};
use std::fmt;

/// Nothing was tried, because of what this machine is. It counts neither as passed nor as failed.
#[derive(Debug)]
pub struct LeftOut(&'static str);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for LeftOut {}

/// One case: a name, and what must hold. A case that cannot be tried here ends with [`LeftOut`].
pub type Case = (&'static str, fn(&Stage) -> Result<String>);

/// All cases.
pub fn all() -> impl Iterator<Item = Case> {
    let disks = disks::ALL.into_iter().chain(leaks::ALL);
    clocks::ALL.into_iter().chain(databases::ALL).chain(disks)
}

/// How a story ends when nothing is broken.
fn unbroken(stage: &Stage, story: &Story) -> Result<Ending> {
    stage.go_back(&story.scene)?;
    stage.run_well(story.verb)?;
    Ending::of(stage, story.scene.at())
}

/// Runs the sync until it goes well, and compares.
fn ends_like(stage: &Stage, scene: &Scene, wanted: &Ending, parts: impl Fn(Ending) -> Ending) -> Result<()> {
    let mut last = None;
    for _ in 0..4 {
        let ran = stage.run(SYNC, &Hardship::default())?;
        let well = ran.went_well();
        last = Some(ran);
        if well {
            break;
        }
    }
    let last = last.context("never run")?;
    ensure!(last.went_well(), "it does not go on: {}{}", last.out, last.err);
    let ending = parts(Ending::of(stage, scene.at())?);
    match ending.difference(&parts(wanted.clone())) {
        None => Ok(()),
        Some(difference) => bail!("another ending:{difference}"),
    }
}

/// The one line on standard error holds these words.
fn says(ran: &Ran, words: &[&str]) -> Result<()> {
    ensure!(
        words.iter().all(|word| ran.err.contains(word)),
        "it does not say {words:?}, but: {}{}",
        ran.out,
        ran.err
    );
    Ok(())
}
