//! Deliberate bugs stay where tests are: no package that ships can switch them on, and no shipped program holds their marker.

use super::Rule;
use super::files::Source;
use anyhow::{Context, Result, bail};
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

/// Looks through a program for the marker that the feature leaves in it. Their names would not do: what is never called by
/// name, the linker drops, although the bugs are in.
///
/// # Errors
/// If it is in it, or if either file cannot be read.
pub fn not_in(program: &Path) -> Result<()> {
    let declared = crate::project::root().join(DECLARED);
    let declared = fs::read_to_string(&declared).with_context(|| format!("couldn't read {DECLARED}"))?;
    let bytes = fs::read(program).with_context(|| format!("couldn't read {}", program.display()))?;
    let marker = marker(&declared).with_context(|| format!("{DECLARED} has no marker to look for"))?;
    if holds(&bytes, marker.as_bytes()) {
        bail!("{} is built with the feature `{FEATURE}`", program.display());
    }
    Ok(())
}

/// The marker as `bug.rs` declares it: `static MARKER: [u8; 40] = *b"…";`.
fn marker(declared: &str) -> Option<&str> {
    let (_, rest) = declared.split_once("static MARKER: ")?;
    let (_, rest) = rest.split_once("b\"")?;
    let (marker, _) = rest.split_once('"')?;
    (marker.len() >= 16).then_some(marker)
}

fn holds(bytes: &[u8], marker: &[u8]) -> bool {
    bytes.windows(marker.len()).any(|window| window == marker)
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
    fn the_marker_is_found_in_a_program() {
        let declared = "#[used]\nstatic MARKER: [u8; 16] = *b\"bugs-are-in-here\";\n";
        let marker = marker(declared).expect("a marker").as_bytes();
        assert!(!holds(b"\x7fELF nothing of it, bugs-are-in-her", marker));
        assert!(holds(b"\0\0xbugs-are-in-herex", marker));
    }

    #[test]
    fn the_declared_one_stays_in_a_program() -> Result<()> {
        let declared = fs::read_to_string(crate::project::root().join(DECLARED))?;
        assert!(marker(&declared).is_some());
        let kept = format!("#[cfg(feature = \"{FEATURE}\")]\n#[used]\nstatic MARKER");
        assert!(declared.contains(&kept), "the linker would drop it");
        Ok(())
    }
}
