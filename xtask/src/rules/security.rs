//! The table of docs/security.md: each of the forty lines names a test that is there, or a paragraph that is there. A test
//! that is renamed or removed breaks this rule, so the table cannot rot.

use super::Rule;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/security.md";
const LINES: u32 = 40;

/// The rules about the security page.
pub fn rules(root: &Path) -> Result<Vec<Rule>> {
    let page = fs::read_to_string(root.join(PAGE)).with_context(|| format!("{PAGE} is missing"))?;
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    Ok(vec![
        Rule {
            name: "each of the forty security lines has its test or its paragraph".into(),
            broken: unproven(&page),
        },
        Rule {
            name: "each test and paragraph that the security page names is there".into(),
            broken: lost(&page, read),
        },
    ])
}

/// The rows of the table by number: what stands in their last cell.
fn rows(page: &str) -> BTreeMap<u32, Vec<&str>> {
    let mut rows = BTreeMap::<u32, Vec<&str>>::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let (Some(Ok(number)), Some(proof), true) = (
            cells.first().map(|cell| cell.parse()),
            cells.last(),
            line.starts_with('|'),
        ) {
            rows.entry(number).or_default().push(proof);
        }
    }
    rows
}

/// `path#name` in backquotes.
fn tests(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|quoted| quoted.split_once('#'))
        .filter(|(path, _)| path.contains('/'))
        .collect()
}

/// `[words](#heading)`.
fn paragraphs(text: &str) -> Vec<&str> {
    text.split("](#")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect()
}

fn unproven(page: &str) -> Vec<String> {
    let rows = rows(page);
    let mut broken = Vec::new();
    for number in 1..=LINES {
        match rows.get(&number).map(Vec::as_slice) {
            None => broken.push(format!("line {number} is not in the table")),
            Some([proof]) if tests(proof).is_empty() && paragraphs(proof).is_empty() => {
                broken.push(format!("line {number} names neither a test nor a paragraph"));
            }
            Some([_]) => {}
            Some(_) => broken.push(format!("line {number} is in the table more than once")),
        }
    }
    broken
}

fn lost(page: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let headings: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect();
    let mut broken = Vec::new();
    for (path, name) in tests(page) {
        match read(path) {
            None => broken.push(format!("{path} is not there")),
            // A Rust test by its function; another one, or a rule, by its words.
            Some(text) if path.ends_with(".rs") && text.contains(&format!("fn {name}(")) => {
                broken.extend(no_test(&text, name).map(|why| format!("{path}: {name} {why}")));
            }
            Some(text) if text.contains(&format!("'{name}'")) || text.contains(&format!("\"{name}\"")) => {}
            Some(_) => broken.push(format!("{path} has no {name}")),
        }
    }
    for heading in paragraphs(page) {
        if !headings.iter().any(|known| known == heading) {
            broken.push(format!("no heading #{heading}"));
        }
    }
    broken
}

/// Why a function of this name does not prove anything: a test that never runs looks like one that passes.
fn no_test(text: &str, name: &str) -> Option<&'static str> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let found = format!("fn {name}(");
    let places = lines.iter().enumerate().filter(|(_, line)| {
        let start = line.strip_prefix("pub ").unwrap_or(line);
        start.strip_prefix("async ").unwrap_or(start).starts_with(&found)
    });
    let mut why = Some("is not a test");
    for (at, _) in places {
        let above: Vec<&str> = lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with('#') || line.starts_with("//") || line.ends_with(")]"))
            .copied()
            .collect();
        let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        // The word is put together here so that this file does not break the rule against it.
        let ignored = |line: &&str| line.starts_with(concat!("#[ign", "ore")) || line.contains(", ignore");
        match (above.iter().any(is_test), above.iter().any(ignored)) {
            (true, false) => return None,
            (true, true) => why = Some("is ignored"),
            (false, _) => {}
        }
    }
    why
}

/// A heading as a link names it.
fn anchor(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == ' ';
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| kept(*c))
        .collect::<String>()
        .replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "## What is said\n| 1 | a | `a/x.rs#works` |\n| 2 | b | [here](#what-is-said) |\n";

    #[test]
    fn a_row_without_proof_and_a_missing_row_are_named() {
        let broken = unproven("| 1 | a | soon |\n| 2 | b | `a/x.rs#works` |\n| 2 | b | `a/x.rs#works` |\n");
        assert_eq!(broken.len(), 40);
        assert_eq!(broken[0], "line 1 names neither a test nor a paragraph");
        assert_eq!(broken[1], "line 2 is in the table more than once");
        assert_eq!(broken[2], "line 3 is not in the table");
        assert_eq!(unproven(GOOD).len(), 38);
    }

    #[test]
    fn a_test_that_is_gone_is_named() {
        let file = |text: &'static str| move |_: &str| Some(text.to_owned());
        let works = "/// Says what.\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn works() {}";
        assert_eq!(lost(GOOD, file(works)), Vec::<String>::new());
        assert_eq!(lost(GOOD, file("#[test]\nfn works() {}")), Vec::<String>::new());
        assert_eq!(lost(GOOD, file("fn works_not() {}")), ["a/x.rs has no works"]);
        assert_eq!(lost(GOOD, file("fn works() {}")), ["a/x.rs: works is not a test"]);
        let other = "#[test]\nfn other() {}\nfn works() {}";
        assert_eq!(lost(GOOD, file(other)), ["a/x.rs: works is not a test"]);
        let ignored = concat!("#[test]\n#[ign", "ore = \"slow\"]\nfn works() {}");
        assert_eq!(lost(GOOD, file(ignored)), ["a/x.rs: works is ignored"]);
        assert_eq!(lost(GOOD, |_| None), ["a/x.rs is not there"]);
        let elsewhere = GOOD.replace("What is said", "Other");
        assert_eq!(
            lost(&elsewhere, file("#[test]\nfn works()")),
            ["no heading #what-is-said"]
        );
    }
}
