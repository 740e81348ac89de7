//! Ten thousand virtual trainers with the real schedule and quota in one project, in virtual time.

use super::{Bench, Figure};
use crate::project;
use crate::run::{cargo, read, run};
use anyhow::{Context, Result};
use serde_json::Value;
use std::process::Command;

/// A steady day, an outage of an hour, and all laptops started in one second; and the same in lock-step.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let mut build = cargo();
    // A debug build takes minutes for what takes seconds.
    build.args([
        "build",
        "--locked",
        "--quiet",
        "--release",
        "-p",
        "roundtrip-fleet",
    ]);
    run(&mut build)?;
    let binary = project::target()
        .join("release")
        .join(format!("fleet{}", std::env::consts::EXE_SUFFIX));
    let trainers = bench.times(10_000, 1_000);
    let text = read(Command::new(binary).args(["--trainers", &trainers.to_string()]))?;
    let told: Vec<Value> = serde_json::from_str(&text).context("the fleet's own words")?;
    let day = |story: &str, habit: &str| {
        told.iter()
            .find(|day| day["story"] == story && day["habit"] == habit)
            .with_context(|| format!("no day {story} {habit}"))
    };
    let number = |day: &Value, name: &str| day[name].as_f64().with_context(|| format!("no {name}"));
    let steady = day("steady", "schedule")?;
    let outage = day("outage", "schedule")?;
    let restart = day("restart", "schedule")?;
    let relay = day("steady", "relay")?;
    let relay_gone = day("relay_gone", "relay")?;
    let lock_step = day("steady", "lock_step")?;
    let percent = |what: &str, day: &Value, name: &str| -> Result<Figure> {
        let name = number(day, name)?;
        Ok(Figure::new(format!("{trainers} trainers: {what}"), name, "%").simulated())
    };
    let lost: f64 = [steady, outage, restart, relay, relay_gone]
        .into_iter()
        .map(|day| Ok(number(day, "changes")? - number(day, "settled")?))
        .sum::<Result<f64>>()?;
    Ok(vec![
        percent(
            "working hours, mean of what the project may",
            steady,
            "mean_percent",
        )?
        .at_most(20.0)
        .anchor("lock-step exceeds it"),
        percent("working hours, busiest minute", steady, "steady_percent")?.at_most(20.0),
        percent(
            "busiest minute of the hour after an outage of an hour",
            outage,
            "after_percent",
        )?
        .at_most(50.0),
        percent(
            "busiest minute after all started in one second",
            restart,
            "after_percent",
        )?,
        Figure::new("changes lost on these days", lost, "")
            .at_most(0.0)
            .simulated(),
        Figure::new(
            "95 of 100 changes of the outage are across after",
            number(outage, "back_p95_minutes")?,
            "min",
        )
        .simulated(),
        Figure::new(
            "Google requests per trainer and day, polling",
            number(steady, "a_trainer_and_day")?,
            "requests",
        )
        .at_most(160.0)
        .anchor("96 per calendar at 15 min, 9,600 naive")
        .simulated(),
        Figure::new(
            "Google requests per trainer and day, with a relay",
            number(relay, "a_trainer_and_day")?,
            "requests",
        )
        .at_most(30.0)
        .simulated(),
        percent(
            "busiest minute while the relay is gone for an hour, and in the hour after",
            relay_gone,
            "after_percent",
        )?
        .at_most(100.0),
        percent(
            "in lock-step (1,000): busiest minute",
            lock_step,
            "steady_percent",
        )?,
    ])
}
