//! Death at the first moment, at the second, … until a run lives through all of them.

use crate::ending::{Ending, is_quiet};
use crate::leaks;
use crate::stage::{Hardship, Ran, Stage};
use crate::stories::Story;
use anyhow::{Context, Result, bail, ensure};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};

/// A verb that was killed is begun again so often at most until it goes through.
const BEGINNINGS: u32 = 6;
/// After so long nothing that was sent can still arrive (`roundtrip_core::unanswered`), and a little more.
const ON_ITS_WAY: TimeDelta = TimeDelta::minutes(11);
/// Every so many moments the recovery is killed, too …
const SECOND_EVERY: u64 = 10;
/// … at this many of its own moments, spread over it.
const SECOND_POINTS: u64 = 6;

/// Both sides go on side by side, so that two runs are not equally long: this part of the moments, in tenths, has to be met.
const AS_LONG: u64 = 9;

/// Where a moment is tried in any share, so many after it are, too: what one answer leads to on each side, up to its commit.
const AND_AFTER: usize = 5;

/// What a campaign found.
#[derive(Debug, Default)]
pub struct Found {
    /// Moments at which the program was killed.
    pub points: u64,
    /// Moments of the whole story.
    pub moments: u64,
    /// Kills during the recovery from a kill.
    pub second: u64,
    /// Lines that are compared.
    pub compared: usize,
    /// How many kills hit each kind of moment.
    pub by_name: BTreeMap<String, u64>,
    /// Where the end was another one, and how.
    pub wrong: Vec<String>,
}

/// Kills at every `every`-th moment, beginning with the `first`-th, and at those that no share leaves out.
///
/// # Errors
/// If the story cannot even be told without a kill, never comes to a moment that it is about, or is hardly ever killed: a
/// program that cannot be told to die would live through everything.
pub fn run(stage: &Stage, story: &Story, first: u64, every: u64) -> Result<Found> {
    let mut found = Found::default();
    let (untouched, ran) = untouched(stage, story)?;
    found.moments = u64::try_from(ran.moments.len())?;
    found.compared = untouched.size();
    let wanted = fewest(found.moments, first, every);
    let wanted = wanted.with_context(|| format!("{} has no moments", story.name))?;
    // A share that begins after the end of a short story begins within it.
    let first = within(first, found.moments);
    let mut moment = first;
    while kill(stage, story, &untouched, moment, &mut found)? {
        if ((moment - first) / every).is_multiple_of(SECOND_EVERY) {
            second(stage, story, &untouched, moment, &mut found)?;
        }
        moment += every;
    }
    ensure!(
        found.points >= wanted && found.second > 0,
        "{} was killed {} times and {} times again, which is hardly ever: it has {} moments, so {wanted} times at least",
        story.name,
        found.points,
        found.second,
        found.moments
    );
    for moment in always(story, &ran)? {
        let tried = moment >= first && (moment - first).is_multiple_of(every);
        if !tried {
            kill(stage, story, &untouched, moment, &mut found)?;
        }
    }
    Ok(found)
}

/// The moment with which a share begins: always one that the story has.
fn within(first: u64, moments: u64) -> u64 {
    1 + first.saturating_sub(1) % moments.max(1)
}

/// How many kills a share of that many moments has at least. None for a story without moments.
fn fewest(moments: u64, first: u64, every: u64) -> Option<u64> {
    let met = (moments * AS_LONG).div_ceil(10);
    (moments > 0).then(|| met.saturating_sub(within(first, moments)) / every.max(1) + 1)
}

/// Kills at this moment and recovers. False if the run was over before it.
fn kill(stage: &Stage, story: &Story, untouched: &Ending, moment: u64, found: &mut Found) -> Result<bool> {
    stage.go_back(&story.scene)?;
    let ran = stage.run(story.verb, &Hardship::crash(moment))?;
    if !ran.was_killed() {
        return Ok(false);
    }
    found.points += 1;
    let name = ran.moments.last().cloned().unwrap_or_default();
    *found.by_name.entry(name.clone()).or_default() += 1;
    let at = format!("{}: killed at {moment} ({name})", story.name);
    note(found, &at, leaks::none(stage, &ran));
    note(found, &at, recover(stage, story, untouched));
    Ok(true)
}

/// The moments that no share leaves out, counted from 1 as in the run without a kill. Both sides go on side by side, so that the
/// same number may be another moment the next time; a few more than needed are tried.
fn always(story: &Story, ran: &Ran) -> Result<BTreeSet<u64>> {
    let mut moments = BTreeSet::new();
    for name in story.always {
        let place = ran.moments.iter().position(|moment| moment == name);
        let place = place.with_context(|| format!("{} never comes to {name}", story.name))? + 1;
        for moment in place..=(place + AND_AFTER).min(ran.moments.len()) {
            moments.insert(u64::try_from(moment)?);
        }
    }
    Ok(moments)
}

/// The story without a kill.
fn untouched(stage: &Stage, story: &Story) -> Result<(Ending, Ran)> {
    stage.go_back(&story.scene)?;
    let ran = stage.run_well(story.verb).context(story.name)?;
    go_on(stage, story)?;
    let ending = Ending::of(stage, story.scene.at()).context(story.name)?;
    is_quiet_where_it_can(stage)?;
    Ok((ending, ran))
}

/// The recovery is killed as well, at moments spread over it.
fn second(stage: &Stage, story: &Story, untouched: &Ending, first: u64, found: &mut Found) -> Result<()> {
    stage.go_back(&story.scene)?;
    stage.run(story.verb, &Hardship::crash(first))?;
    let crashed = stage.keep("crashed")?;
    let length = u64::try_from(stage.run(story.verb, &Hardship::default())?.moments.len())?;
    let step = (length / SECOND_POINTS).max(1);
    // Another beginning each time, so that all kinds of moments have their turn.
    let mut moment = 1 + first % step;
    while moment <= length {
        stage.go_back(&crashed)?;
        let ran = stage.run(story.verb, &Hardship::crash(moment))?;
        if !ran.was_killed() {
            break;
        }
        found.second += 1;
        let at = format!(
            "{}: killed at {first}, and again at {moment} ({})",
            story.name,
            ran.moments.last().map(String::as_str).unwrap_or_default()
        );
        note(found, &at, leaks::none(stage, &ran));
        note(found, &at, recover(stage, story, untouched));
        moment += step;
    }
    Ok(())
}

fn note(found: &mut Found, at: &str, outcome: Result<()>) {
    if let Err(error) = outcome {
        found.wrong.push(format!("{at}\n  {error:#}"));
    }
}

/// Begins the verb again until it goes through, and compares.
fn recover(stage: &Stage, story: &Story, untouched: &Ending) -> Result<()> {
    let mut last = String::new();
    let mut through = false;
    if story.verb.contains(&"--wait") {
        // What was under way when it died is waited for as long as it may still arrive: nobody looks on for that long.
        stage.set_time(stage.now() + ON_ITS_WAY);
    }
    for _ in 0..BEGINNINGS {
        let ran = stage.run(story.verb, &Hardship::default())?;
        ensure!(!ran.was_killed(), "it died by itself: {}", ran.err);
        leaks::none(stage, &ran)?;
        last = format!("{}{}", ran.out, ran.err);
        if ran.went_well() || is_over(&ran) {
            through = true;
            break;
        }
    }
    if !through {
        bail!("it never went through: {last}");
    }
    go_on(stage, story)?;
    let ending = Ending::of(stage, story.scene.at())?;
    if let Some(difference) = ending.difference(untouched) {
        bail!("another ending:{difference}");
    }
    is_quiet_where_it_can(stage)
}

/// What was to be done had been done before the kill.
fn is_over(ran: &Ran) -> bool {
    ran.err.contains("not connected") || ran.err.contains("not signed in")
}

fn go_on(stage: &Stage, story: &Story) -> Result<()> {
    for verb in story.then {
        stage.run_well(verb)?;
    }
    Ok(())
}

fn is_quiet_where_it_can(stage: &Stage) -> Result<()> {
    let ran = stage.run(&["status", "--json"], &Hardship::default())?;
    ensure!(ran.went_well(), "status: {}", ran.err);
    if ran.json()?["google"].is_null() {
        return Ok(());
    }
    // Whatever was kept of both sign-ins can be renewed: the quiet cycle has to begin with that.
    stage.expire_access_tokens();
    is_quiet(stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_share_of_a_story_kills_about_its_part_of_the_moments() {
        assert_eq!(fewest(0, 1, 1), None, "nothing told of its moments");
        assert_eq!(fewest(1, 12, 12), Some(1));
        assert_eq!(fewest(100, 1, 1), Some(90));
        for moments in 1..300 {
            for first in 1..=12 {
                let begins = within(first, moments);
                assert!((1..=moments).contains(&begins), "{first} of {moments}");
                let all = (moments - begins) / 12 + 1;
                let wanted = fewest(moments, first, 12).expect("it has moments");
                assert!(wanted >= 1 && wanted <= all, "{wanted} of {all}");
                assert!(wanted + moments / 100 + 1 >= all, "{wanted} of {all}");
            }
        }
    }
}
