//! `xtask coverage`: which lines of core, engine, store and connectors the tests run; the README's number is made here.

use crate::project;
use crate::run::{cargo, read, run, say};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// The rooms whose lines count.
const ROOMS: [&str; 6] = ["core", "engine", "store", "http", "platform", "google"];
/// No room may have less, in percent.
const LEAST: f64 = 90.0;
/// Beside the rooms' own tests: those that run them together.
const ALSO: [&str; 1] = ["roundtrip-behaviour-tests"];
/// Between these marks the README says the number.
const MARKS: (&str, &str) = ("<!-- coverage -->", "<!-- /coverage -->");

/// Options of the measurement.
#[derive(clap::Args)]
pub struct Options {
    /// Leave the README alone.
    #[arg(long)]
    no_readme: bool,
}

#[derive(Clone, Copy, Default)]
struct Lines {
    all: u64,
    covered: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        if self.all == 0 {
            return 100.0;
        }
        self.covered as f64 * 100.0 / self.all as f64
    }
}

/// Measures, prints a table, writes `target/coverage/summary.json` and the README's line.
pub fn measure(options: &Options) -> Result<()> {
    if read(cargo().args(["llvm-cov", "--version"])).is_err() {
        bail!(
            "cargo-llvm-cov is missing: `cargo install --locked cargo-llvm-cov` and `rustup component add llvm-tools`"
        );
    }
    let folder = project::target().join("coverage");
    fs::create_dir_all(&folder)?;
    let file = folder.join("llvm-cov.json");
    let mut command = cargo();
    command.args(["llvm-cov", "nextest", "--locked", "--no-fail-fast"]);
    for room in ROOMS {
        command.args(["-p", &format!("roundtrip-{room}")]);
    }
    for package in ALSO {
        command.args(["-p", package]);
    }
    command
        .args(["--json", "--summary-only", "--output-path"])
        .arg(&file);
    say("running the tests with counters");
    run(&mut command)?;
    let told: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    let rooms = by_room(&told)?;
    let mut total = Lines::default();
    println!(
        "\n{:<10} {:>7} {:>9} {:>8}",
        "room", "lines", "covered", "percent"
    );
    for (room, lines) in &rooms {
        total.all += lines.all;
        total.covered += lines.covered;
        println!(
            "{room:<10} {:>7} {:>9} {:>8.1}",
            lines.all,
            lines.covered,
            lines.percent()
        );
    }
    println!(
        "{:<10} {:>7} {:>9} {:>8.1}",
        "all",
        total.all,
        total.covered,
        total.percent()
    );
    let summary: BTreeMap<&str, f64> = rooms
        .iter()
        .map(|(room, lines)| (room.as_str(), round(lines.percent())))
        .chain([("all", round(total.percent()))])
        .collect();
    fs::write(
        folder.join("summary.json"),
        serde_json::to_string_pretty(&summary)?,
    )?;
    if !options.no_readme {
        tell_readme(&rooms, total)?;
    }
    match too_little(&rooms) {
        None => Ok(()),
        Some(complaint) => bail!(complaint),
    }
}

/// Which rooms have less than [`LEAST`] percent, or were not measured at all.
fn too_little(rooms: &BTreeMap<String, Lines>) -> Option<String> {
    let low: Vec<String> = ROOMS
        .iter()
        .filter_map(|room| match rooms.get(*room) {
            Some(lines) if lines.all > 0 && lines.percent() >= LEAST => None,
            Some(lines) if lines.all > 0 => Some(format!("{room} {:.1}", round(lines.percent()))),
            Some(_) | None => Some(format!("{room} was not measured")),
        })
        .collect();
    let is_low = !low.is_empty();
    is_low.then(|| format!("below {LEAST} % of the lines: {}", low.join(", ")))
}

fn round(percent: f64) -> f64 {
    (percent * 10.0).floor() / 10.0
}

/// Lines of each room. Files of tests don't count: they run by themselves.
fn by_room(told: &Value) -> Result<BTreeMap<String, Lines>> {
    let files = told["data"][0]["files"]
        .as_array()
        .context("llvm-cov names no files")?;
    let mut rooms = BTreeMap::<String, Lines>::new();
    for file in files {
        let Some(name) = file["filename"].as_str() else {
            continue;
        };
        let name = name.replace('\\', "/");
        let Some((_, rest)) = name.rsplit_once("/crates/") else {
            continue;
        };
        let Some((room, within)) = rest.split_once("/src/") else {
            continue;
        };
        if !ROOMS.contains(&room) || is_test(within) {
            continue;
        }
        let lines = &file["summary"]["lines"];
        let sum = rooms.entry(room.to_owned()).or_default();
        sum.all += lines["count"].as_u64().unwrap_or_default();
        sum.covered += lines["covered"].as_u64().unwrap_or_default();
    }
    Ok(rooms)
}

fn is_test(within: &str) -> bool {
    let first = within.split('/').next().unwrap_or(within);
    let stem = first.trim_end_matches(".rs");
    stem.ends_with("_tests")
        || stem == "testing"
        || within.ends_with("_tests.rs")
        || within.ends_with("/tests.rs")
}

fn tell_readme(rooms: &BTreeMap<String, Lines>, total: Lines) -> Result<()> {
    let path = project::root().join("README.md");
    let text = fs::read_to_string(&path)?;
    let (head, rest) = text
        .split_once(MARKS.0)
        .context("README.md has no place for the coverage")?;
    let (_, tail) = rest
        .split_once(MARKS.1)
        .context("README.md's place for the coverage has no end")?;
    let each: Vec<String> = rooms
        .iter()
        .map(|(room, lines)| format!("{room} {:.1}", round(lines.percent())))
        .collect();
    let sentence = format!(
        "Tests run {:.1} % of the lines of core, engine, store and connectors ({}), measured by `cargo xtask coverage`.",
        round(total.percent()),
        each.join(" · ")
    );
    fs::write(path, format!("{head}{}\n{sentence}\n{}{tail}", MARKS.0, MARKS.1))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_summed_by_room_and_tests_left_out() {
        let file = |name: &str, count: u64, covered: u64| serde_json::json!({"filename": name, "summary": {"lines": {"count": count, "covered": covered}}});
        let told = serde_json::json!({"data": [{"files": [
            file("/x/crates/core/src/guard.rs", 10, 9),
            file("/x/crates/core/src/reconcile/report.rs", 10, 6),
            file("/x/crates/core/src/guard_tests.rs", 100, 0),
            file("/x/crates/core/src/laws_tests/live.rs", 100, 0),
            file("/x/crates/core/src/testing.rs", 100, 0),
            file("/x/crates/sandbox/src/log.rs", 100, 0),
            file("/x/tests/behaviour/src/lib.rs", 100, 0),
        ]}]});
        let rooms = by_room(&told).expect("files are named");
        assert_eq!(rooms.len(), 1);
        assert_eq!((rooms["core"].all, rooms["core"].covered), (20, 15));
    }

    #[test]
    fn one_room_below_ninety_percent_or_without_a_number_is_too_little() {
        let mut rooms: BTreeMap<String, Lines> = ROOMS
            .iter()
            .map(|room| {
                let (all, covered) = (1_000, 900);
                ((*room).to_owned(), Lines { all, covered })
            })
            .collect();
        assert_eq!(too_little(&rooms), None, "just enough");
        let (all, covered) = (10_000, 8_999);
        rooms.insert("engine".to_owned(), Lines { all, covered });
        let complaint = too_little(&rooms).expect("one is below");
        // Not rounded up to what is wanted.
        assert_eq!(complaint, "below 90 % of the lines: engine 89.9");
        rooms.remove("store");
        rooms.insert("google".to_owned(), Lines::default());
        let complaint = too_little(&rooms).expect("two have no number");
        assert!(complaint.contains("store was not measured"), "{complaint}");
        assert!(complaint.contains("google was not measured"), "{complaint}");
    }
}
