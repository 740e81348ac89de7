//! Lines of code per room: without blank lines and comments, tests apart.

use super::{Bench, Figure};
use crate::project;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Name and folder of each room.
const ROOMS: [(&str, &str); 11] = [
    ("core", "crates/core"),
    ("engine", "crates/engine"),
    ("store", "crates/store"),
    ("http", "crates/http"),
    ("platform", "crates/platform"),
    ("google", "crates/google"),
    ("sandbox", "crates/sandbox"),
    ("src-tauri", "src-tauri"),
    ("ui", "ui/src"),
    ("xtask", "xtask"),
    ("window tests", "tests/window"),
];

#[derive(Default)]
struct Lines {
    code: usize,
    tests: usize,
}

/// Counts all rooms.
pub(super) fn measure(_: &Bench) -> Result<Vec<Figure>> {
    count(&project::root())
}

fn count(root: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, folder) in ROOMS {
        let mut lines = Lines::default();
        walk(&root.join(folder), false, &mut lines)?;
        figures.push(Figure::new(
            format!("lines of {name}"),
            lines.code as f64,
            "lines",
        ));
        figures.push(Figure::new(
            format!("lines of {name}: tests"),
            lines.tests as f64,
            "lines",
        ));
    }
    Ok(figures)
}

fn walk(folder: &Path, in_tests: bool, lines: &mut Lines) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            // Generated or foreign.
            if !["node_modules", "target", "dist", "paraglide", "gen"].contains(&name.as_str()) {
                walk(
                    &path,
                    in_tests || name == "tests" || name.ends_with("_tests"),
                    lines,
                )?;
            }
            continue;
        }
        let ending = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !["rs", "ts", "svelte", "css", "sql", "html", "js"].contains(&ending.as_str())
            || name == "bindings.ts"
        {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let file_of_tests =
            in_tests || name.contains(".test.") || name == "tests.rs" || name.ends_with("_tests.rs");
        let (code, tests) = split(&text, file_of_tests);
        lines.code += code;
        lines.tests += tests;
    }
    Ok(())
}

/// Lines of code and of tests; a Rust file's tests begin at its `mod tests {`.
fn split(text: &str, all_tests: bool) -> (usize, usize) {
    let (mut code, mut tests, mut in_tests) = (0, 0, all_tests);
    for line in text.lines() {
        let line = line.trim();
        in_tests |= line.starts_with("mod tests {");
        let comment = ["//", "/*", "* ", "*/", "<!--", "-->", "--"]
            .iter()
            .any(|mark| line.starts_with(mark));
        if line.is_empty() || comment {
            continue;
        }
        if in_tests { tests += 1 } else { code += 1 }
    }
    (code, tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_apart() {
        let text = "//! Doc\nfn a() {}\n\n// why\nlet b = 1;\nmod tests {\n    use super::*;\n}\n";
        assert_eq!(split(text, false), (2, 3));
        assert_eq!(split("it('x', () => {})\n", true), (0, 1));
    }
}
