//! What is kept of a bench: one file per group, a table of all of them, and `docs/benchmarks.md`.

use super::figure::number;
use crate::project;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::Path;

/// Between these two lines of `docs/benchmarks.md` the figures are written by `cargo xtask bench --docs`; what was tried
/// and what it gave is around them, by hand.
const MARKS: [&str; 2] = ["<!-- figures: begin -->", "<!-- figures: end -->"];

/// One group as it was measured.
pub(super) struct Measured {
    pub(super) group: &'static str,
    pub(super) title: &'static str,
    pub(super) build: &'static str,
    pub(super) quick: bool,
    pub(super) figures: Vec<Value>,
}

/// Keeps a group's figures; they stay until the group is measured again.
pub(super) fn keep(folder: &Path, measured: &Measured, machine: &Value) -> Result<()> {
    let kept = json!({
        "group": measured.group, "title": measured.title, "build": measured.build, "quick": measured.quick,
        "day": chrono::Utc::now().date_naive().to_string(), "machine": machine, "figures": measured.figures,
    });
    let file = folder.join(format!("{}.json", measured.group));
    std::fs::write(&file, serde_json::to_string_pretty(&kept)?)
        .with_context(|| format!("couldn't write {}", file.display()))
}

/// The groups that were measured so far, in the order of the names given.
pub(super) fn kept(folder: &Path, names: &[&str]) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for name in names {
        let Ok(text) = std::fs::read_to_string(folder.join(format!("{name}.json"))) else {
            continue;
        };
        all.push(serde_json::from_str(&text).with_context(|| format!("{name}.json is not readable"))?);
    }
    Ok(all)
}

/// A readable table of these groups.
pub(super) fn table(groups: &[Value]) -> String {
    let mut text = String::new();
    for group in groups {
        text.push_str(&format!("\n{}\n", title(group)));
        for figure in figures(group) {
            let goal = match (figure["goal"].as_str(), mark(figure)) {
                (Some(goal), mark) => format!("  (goal: {goal}{mark})"),
                _ => String::new(),
            };
            text.push_str(&format!(
                "  {:<72} {:>10} {}{}{goal}\n",
                word(figure, "name"),
                number(value(figure, "median")),
                word(figure, "unit"),
                spread(figure),
            ));
        }
    }
    text
}

/// Writes `figures.json` and `figures.txt`, and says them.
pub(super) fn tell(folder: &Path, groups: &[Value]) -> Result<()> {
    let table = table(groups);
    println!("{table}");
    std::fs::write(folder.join("figures.txt"), &table)?;
    std::fs::write(
        folder.join("figures.json"),
        serde_json::to_string_pretty(&json!({"groups": groups}))?,
    )?;
    println!("Also in {}", folder.join("figures.json").display());
    Ok(())
}

/// Puts the figures into `docs/benchmarks.md`, between its marks.
pub(super) fn document(groups: &[Value]) -> Result<()> {
    let file = project::root().join("docs/benchmarks.md");
    let text = std::fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
    let fresh = between(&text, &markdown(groups))?;
    std::fs::write(&file, fresh)?;
    println!("Written: {}", file.display());
    Ok(())
}

fn between(text: &str, figures: &str) -> Result<String> {
    let (before, rest) = text
        .split_once(MARKS[0])
        .context("docs/benchmarks.md has no first mark")?;
    let (_, after) = rest
        .split_once(MARKS[1])
        .context("docs/benchmarks.md has no second mark")?;
    Ok(format!("{before}{}\n{figures}{}{after}", MARKS[0], MARKS[1]))
}

fn markdown(groups: &[Value]) -> String {
    let mut text = String::new();
    let mut said = Value::Null;
    for group in groups {
        if group["machine"] != said {
            said = group["machine"].clone();
            text.push_str(&format!("\nMachine: {}.\n", machine(&said)));
        }
        text.push_str(&format!("\n### {}\n\n", title(group)));
        text.push_str("| figure | median | spread | goal | best seen elsewhere |\n|---|---|---|---|---|\n");
        for figure in figures(group) {
            let note = match figure["note"].as_str() {
                Some(note) => format!("<br>{note}"),
                None => String::new(),
            };
            let simulated = match figure["simulated"].as_bool() {
                Some(true) => " (simulated)",
                _ => "",
            };
            text.push_str(&format!(
                "| {}{simulated}{note} | {} {} | {} | {}{} | {} |\n",
                word(figure, "name").trim(),
                number(value(figure, "median")),
                word(figure, "unit"),
                spread(figure).trim().trim_matches(['(', ')']),
                word(figure, "goal"),
                mark(figure),
                word(figure, "anchor"),
            ));
        }
    }
    text.push('\n');
    text
}

fn machine(machine: &Value) -> String {
    format!(
        "{}, {} cores, {} GiB, {} (kernel {}), {}",
        machine["cpu"].as_str().unwrap_or("unknown processor"),
        machine["cores"],
        machine["memory_gib"],
        machine["os"].as_str().unwrap_or_default(),
        machine["kernel"].as_str().unwrap_or_default(),
        machine["rustc"].as_str().unwrap_or_default(),
    )
}

fn title(group: &Value) -> String {
    let quick = match group["quick"].as_bool() {
        Some(true) => ", quick",
        _ => "",
    };
    format!(
        "{} ({} build, {}{quick})",
        word(group, "title"),
        word(group, "build"),
        word(group, "day")
    )
}

fn figures(group: &Value) -> impl Iterator<Item = &Value> {
    group["figures"].as_array().into_iter().flatten()
}

fn word<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}

fn value(of: &Value, key: &str) -> f64 {
    of[key].as_f64().unwrap_or(f64::NAN)
}

fn spread(figure: &Value) -> String {
    match figure["times"].as_u64() {
        Some(times) if times > 1 => format!(
            " ({}–{}, {times} times)",
            number(value(figure, "least")),
            number(value(figure, "most"))
        ),
        _ => String::new(),
    }
}

fn mark(figure: &Value) -> &'static str {
    match figure["met"].as_bool() {
        Some(true) => " ✓",
        Some(false) => " ✗",
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::figure::Figure;
    use super::*;

    fn group() -> Value {
        let fast = Figure::of("a | b", vec![3.0, 1.0, 2.0], "ms")
            .at_most(2.0)
            .simulated();
        let slow = Figure::new("slow", 9.0, "s").at_most(5.0).anchor("15 min");
        json!({
            "group": "g", "title": "Group", "build": "release", "quick": false, "day": "2026-11-21",
            "machine": {"cpu": "A processor", "cores": 2, "memory_gib": 8.0, "os": "A system"},
            "figures": [fast.json(), slow.json()],
        })
    }

    #[test]
    fn the_table_shows_median_spread_goal_and_whether_it_is_met() {
        let text = table(&[group()]);
        assert!(text.contains("Group (release build, 2026-11-21)"), "{text}");
        assert!(text.contains("2 ms (1–3, 3 times)  (goal: ≤ 2 ✓)"), "{text}");
        assert!(text.contains("9 s  (goal: ≤ 5 ✗)"), "{text}");
    }

    #[test]
    fn only_what_lies_between_the_marks_is_remade() {
        let text = format!("by hand\n{}\nold\n{}\nby hand, too\n", MARKS[0], MARKS[1]);
        let fresh = between(&text, &markdown(&[group()])).expect("two marks");
        assert!(fresh.starts_with("by hand\n") && fresh.ends_with("by hand, too\n"));
        assert!(
            !fresh.contains("old\n") && fresh.contains("A processor, 2 cores"),
            "{fresh}"
        );
        assert!(
            fresh.contains("(simulated)") && fresh.contains("15 min"),
            "{fresh}"
        );
        assert!(between("no marks", "").is_err());
    }
}
