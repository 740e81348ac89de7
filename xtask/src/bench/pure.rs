//! Core, engine and store with ten thousand appointments, and a simulated day: measured by `roundtrip-bench`, which is built
//! as the app is.

use super::{Bench, Figure};
use crate::project::{self, Profile};
use crate::run::{cargo, read, run};
use anyhow::{Context, Result};
use serde_json::Value;
use std::process::Command;

/// Deciding, storing, being ready.
pub(super) fn core(bench: &Bench) -> Result<Vec<Figure>> {
    let appointments = bench.times(10_000, 1_000).to_string();
    let told = told(bench, &["core", &appointments, &bench.times(9, 3).to_string()])?;
    let named = |name: &str, what: &str| -> Result<Figure> {
        let (_, values, unit) = told
            .iter()
            .find(|(known, ..)| known == name)
            .context("a figure is missing")?;
        Ok(Figure::of(
            format!("{what}, {appointments} appointments"),
            values.clone(),
            unit,
        ))
    };
    Ok(vec![
        named("records", "in the database")?,
        named("plan", "plan all, one of a hundred changed")?.at_most(10.0),
        named("apply", "apply all rows in one transaction")?.at_most(150.0),
        named("ready", "core ready: from the disk to what the window shows")?.at_most(50.0),
        named(
            "ready: database and engine",
            "  of it: database open, engine put together",
        )?,
        named(
            "idle cycle",
            "a cycle with nothing to do, with both services' answers",
        )?
        .simulated(),
    ])
}

/// Requests of a trainer's day by polling.
pub(super) fn day(bench: &Bench) -> Result<Vec<Figure>> {
    let told = told(bench, &["day", "20"])?;
    let named = |name: &str, what: &str| -> Result<Figure> {
        let (_, values, unit) = told
            .iter()
            .find(|(known, ..)| known == name)
            .context("a figure is missing")?;
        Ok(Figure::of(what, values.clone(), unit).simulated())
    };
    let anchor = "96 per calendar at 15 min, 9,600 naive";
    Ok(vec![
        named(
            "day: Google",
            "Google, a trainer's day with 20 changes, polling one calendar",
        )?
        .at_most(160.0)
        .anchor(anchor),
        named("day: Google, reading", "  of it reading")?,
        named("day: platform", "the platform in that day")?,
    ])
}

/// What `roundtrip-bench` says to these arguments.
fn told(bench: &Bench, arguments: &[&str]) -> Result<Vec<(String, Vec<f64>, &'static str)>> {
    let binary = project::binary("roundtrip-bench", bench.profile);
    if std::env::var_os(project::BINARIES).is_none() {
        let mut build = cargo();
        build.args(["build", "--locked", "--quiet", "-p", "roundtrip-bench"]);
        if bench.profile == Profile::Release {
            build.arg("--release");
        }
        run(&mut build)?;
    }
    let text = read(Command::new(binary).args(arguments))?;
    let mut figures = Vec::new();
    for line in text.lines() {
        let one: Value = serde_json::from_str(line).with_context(|| format!("no figure: {line}"))?;
        let values = one["values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64);
        let unit = match one["unit"].as_str() {
            Some("ms") => "ms",
            Some("requests") => "requests",
            _ => "",
        };
        figures.push((
            one["name"].as_str().unwrap_or_default().to_owned(),
            values.collect(),
            unit,
        ));
    }
    Ok(figures)
}
