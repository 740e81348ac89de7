//! The laptop's clock is wrong: the services' time decides.

use super::{Case, ends_like, says, unbroken};
use crate::ending::Ending;
use crate::stage::{Hardship, Stage};
use crate::stories::{self, SYNC, Story};
use anyhow::{Context, Result, bail, ensure};
use chrono::TimeDelta;
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use serde_json::Value;

const TEN_YEARS: TimeDelta = TimeDelta::days(3_652);
/// A jump is tried at every so many moments.
const JUMP_EVERY: usize = 9;

/// By a wrong clock the daily full reading comes early. It is always safe, but tells of what is gone in other words: it shows a
/// cancelled appointment once more, and an event that was deleted with the time of that. Nothing else of a record may differ.
fn comparable(ending: Ending) -> Ending {
    ending.with("records", |record| {
        let cancelled = record["removal"]["reason"] == "cancelled" && record["link"]["kind"] == "unlinked";
        if let Some(shown) = record["appointment"].as_object_mut().filter(|_| cancelled) {
            shown.remove("status");
            shown.remove("updated_at");
        }
        if cancelled && let Some(record) = record.as_object_mut() {
            // What it was before: kept where the cancelled one was shown once more.
            record.remove("passed_as");
        }
        if record["link"]["kind"] == "removed" {
            record["link"]["at"] = Value::Null;
            record["tombstone_at"] = Value::Null;
        }
    })
}

/// All cases.
pub(super) const ALL: [Case; 4] = [
    ("clock ten years off at a first sync", first_sync),
    ("clock ten years off in a mixed run", mixed),
    ("clock ten years off without a network", offline),
    ("clock that jumps in the middle of a run", jumps),
];

fn first_sync(stage: &Stage) -> Result<String> {
    let story = stories::first_sync(stage)?;
    off_all_the_time(stage, &story)
}

fn mixed(stage: &Stage) -> Result<String> {
    let story = stories::mixed_said_outright(stage)?;
    off_all_the_time(stage, &story)
}

/// The same ending, and it is said.
fn off_all_the_time(stage: &Stage, story: &Story) -> Result<String> {
    let wanted = unbroken(stage, story)?;
    for clock_off in [TEN_YEARS, -TEN_YEARS] {
        let hardship = Hardship {
            clock_off,
            ..Hardship::default()
        };
        stage.go_back(&story.scene)?;
        for _ in 0..2 {
            let ran = stage.run(story.verb, &hardship)?;
            ensure!(ran.went_well(), "{clock_off}: {}{}", ran.out, ran.err);
            says(&ran, &["clock"]).with_context(|| format!("{clock_off}"))?;
        }
        let ending = comparable(Ending::of(stage, story.scene.at())?);
        if let Some(difference) = ending.difference(&comparable(wanted.clone())) {
            bail!("{} days off: another ending:{difference}", clock_off.num_days());
        }
        ends_like(stage, &story.scene, &wanted, comparable)
            .with_context(|| format!("after {} days off", clock_off.num_days()))?;
    }
    Ok(String::new())
}

/// Nothing is decided by a clock that nobody has vouched for.
fn offline(stage: &Stage) -> Result<String> {
    let story = stories::mixed_said_outright(stage)?;
    let wanted = unbroken(stage, &story)?;
    for clock_off in [TEN_YEARS, -TEN_YEARS] {
        stage.go_back(&story.scene)?;
        stage.forget_requests();
        let faults = stage.sandbox().shared.faults();
        for service in [Service::Google, Service::Platform] {
            faults.add(FaultRule::new(service, Fault::DropBefore).times(0));
        }
        let hardship = Hardship {
            clock_off,
            ..Hardship::default()
        };
        let ran = stage.run(SYNC, &hardship)?;
        ensure!(!ran.went_well(), "it went well without a network: {}", ran.out);
        says(&ran, &["could not be reached", "check the network"])?;
        // Nobody has vouched for another time, so nobody says that this one is wrong.
        ensure!(!ran.err.contains("clock"), "{clock_off}: {}", ran.err);
        let told = ran.json()?;
        ensure!(
            told["problem"] == "unreachable" && told["held_back"] == "offline",
            "{clock_off}: {told}"
        );
        ensure!(stage.writes().is_empty(), "it wrote: {:?}", stage.writes());
        faults.clear();
        ends_like(stage, &story.scene, &wanted, comparable)
            .with_context(|| format!("after {} days off without a network", clock_off.num_days()))?;
    }
    Ok(String::new())
}

fn jumps(stage: &Stage) -> Result<String> {
    let story = stories::mixed_said_outright(stage)?;
    stage.go_back(&story.scene)?;
    let moments = stage.run_well(story.verb)?.moments.len();
    let wanted = unbroken(stage, &story)?;
    let mut tried = 0;
    for moment in (1..=moments).step_by(JUMP_EVERY) {
        for by in [TEN_YEARS, -TEN_YEARS] {
            stage.go_back(&story.scene)?;
            let hardship = Hardship {
                jump: Some((u64::try_from(moment)?, by)),
                ..Hardship::default()
            };
            stage.run(story.verb, &hardship)?;
            ends_like(stage, &story.scene, &wanted, comparable)
                .with_context(|| format!("a jump of {} days at moment {moment}", by.num_days()))?;
            tried += 1;
        }
    }
    ensure!(tried > 0, "no moment at which it could jump");
    Ok(format!("{tried} jumps"))
}
