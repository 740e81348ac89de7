//! Deliberate bugs stay where tests are: no package that ships can switch them on, and no shipped program holds their names.

use super::Rule;
use super::files::Source;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The feature that compiles them in.
const FEATURE: &str = "deliberate-bugs";
/// Where they are declared.
const DECLARED: &str = "crates/core/src/bug.rs";
/// The only way in which a package of tests may have them: by choice, under the same name.
const BY_CHOICE: &str = "deliberate-bugs = [\"roundtrip-core/deliberate-bugs\"]";

/// Who may name the feature.
pub(super) fn rule(sources: &[Source]) -> Rule {
    let broken = sources
        .iter()
        .filter_map(|source| Some(format!("{}:{}", source.path, names_feature(source)?)))
        .collect();
    Rule {
        name: "nothing that ships can switch a deliberate bug on, and tests only by choice".into(),
        broken,
    }
}

fn names_feature(source: &Source) -> Option<usize> {
    let path = source.path.as_str();
    let tests = path.starts_with("tests/");
    let manifest = path.ends_with("Cargo.toml");
    let tool = path == DECLARED
        || path.starts_with("xtask/")
        || path.starts_with("docs/")
        || path.starts_with(".ci/");
    if (tool || tests) && !manifest {
        return None;
    }
    let declared = format!("{FEATURE} = []");
    let allowed = |line: &str| {
        let core = path == "crates/core/Cargo.toml" && line == declared;
        (manifest && line.starts_with('#')) || core || (tests && line == BY_CHOICE)
    };
    let found = source
        .text
        .lines()
        .position(|line| line.contains(FEATURE) && !allowed(line.trim()));
    found.map(|line| line + 1)
}

/// Looks through a program for their names.
///
/// # Errors
/// If one is in it, or if either file cannot be read.
pub fn not_in(program: &Path) -> Result<()> {
    let declared = crate::project::root().join(DECLARED);
    let declared = fs::read_to_string(&declared).with_context(|| format!("couldn't read {DECLARED}"))?;
    let bytes = fs::read(program).with_context(|| format!("couldn't read {}", program.display()))?;
    let names = names(&declared);
    if names.is_empty() {
        bail!("{DECLARED} declares nothing that could be looked for");
    }
    let found = found(&bytes, &names);
    if !found.is_empty() {
        let found: Vec<&str> = found.into_iter().collect();
        bail!(
            "{} holds deliberate bugs: {}",
            program.display(),
            found.join(", ")
        );
    }
    Ok(())
}

/// The names as `bug.rs` declares them: `Bug = "name",`.
fn names(declared: &str) -> Vec<&str> {
    let name = |line: &'_ str| -> Option<(usize, usize)> {
        let end = line.strip_suffix("\",")?;
        Some((end.rfind('"')? + 1, end.len()))
    };
    declared
        .lines()
        .filter(|line| line.contains(" = \""))
        .filter_map(|line| name(line).map(|(from, to)| &line[from..to]))
        .collect()
}

/// Which of them are in there; in one pass, as a program has many millions of bytes.
fn found<'a>(bytes: &[u8], names: &[&'a str]) -> BTreeSet<&'a str> {
    let start = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    let mut starts = vec![false; 1 << 16];
    for name in names {
        starts[start(name.as_bytes())] = true;
    }
    bytes
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| starts[start(pair)])
        .flat_map(|(at, _)| {
            let rest = &bytes[at..];
            names
                .iter()
                .copied()
                .filter(move |name| rest.starts_with(name.as_bytes()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_shipping_package_that_switches_them_on_is_named() {
        let word = "roundtrip-core = { workspace = true, features = [\"deliberate-bugs\"] }\n";
        for path in [
            "Cargo.toml",
            "crates/engine/Cargo.toml",
            "tests/simulation/Cargo.toml",
        ] {
            assert_eq!(names_feature(&source(path, word)), Some(1), "{path}");
        }
        let default = "[features]\ndefault = [\"deliberate-bugs\"]\ndeliberate-bugs = []\n";
        assert_eq!(names_feature(&source("crates/core/Cargo.toml", default)), Some(2));
        assert_eq!(
            names_feature(&source(
                "src-tauri/src/main.rs",
                "#[cfg(feature = \"deliberate-bugs\")]"
            )),
            Some(1)
        );
    }

    #[test]
    fn tests_may_have_them_by_choice() {
        let text = "[features]\n# Lets a run switch one on.\ndeliberate-bugs = [\"roundtrip-core/deliberate-bugs\"]\n";
        assert_eq!(names_feature(&source("tests/planner/Cargo.toml", text)), None);
        assert_eq!(names_feature(&source("crates/google/Cargo.toml", text)), Some(3));
    }

    #[test]
    fn names_are_found_in_a_program() {
        let declared = "    /// One.\n    NoGuard = \"no-guard\",\n    BaseSkipped = \"base-skipped\",\n}\n";
        let names = names(declared);
        assert_eq!(names, ["no-guard", "base-skipped"]);
        assert!(found(b"\x7fELF nothing of it, no-guar", &names).is_empty());
        assert_eq!(
            found(b"\0\0xno-guardx", &names).into_iter().collect::<Vec<_>>(),
            ["no-guard"]
        );
    }

    #[test]
    fn the_declared_ones_can_be_read() -> Result<()> {
        let declared = fs::read_to_string(crate::project::root().join(DECLARED))?;
        assert!(names(&declared).len() >= 30);
        Ok(())
    }
}
