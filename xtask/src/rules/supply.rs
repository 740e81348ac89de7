//! What comes into the app from outside: nothing by itself, and nothing whose advisories nobody looks up.

use super::Rule;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const WORKFLOWS: &str = ".github/workflows";
const WORKFLOW: &str = ".github/workflows/ci.yml";
/// Crates and packages that fetch and run new versions.
const UPDATERS: [&str; 3] = [
    "tauri-plugin-updater",
    "@tauri-apps/plugin-updater",
    "self_update",
];
/// In these the word alone is an updater: a plugin's settings, artifacts for it, or a right to it.
const SETTINGS: [&str; 2] = ["tauri.", "Tauri."];

/// A file by its path below the top folder.
struct File {
    path: String,
    text: String,
}

/// The rules about what comes from outside.
pub fn rules(root: &Path) -> Result<Vec<Rule>> {
    let mut files = Vec::new();
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "tauri.conf.json",
        "ui/package.json",
        "ui/package-lock.json",
    ] {
        files.push(read(root, path)?);
    }
    // Another system's settings may lie beside those for all.
    for path in below(root, ".")? {
        let setting = SETTINGS.iter().any(|start| path.starts_with(start));
        if setting && files.iter().all(|file| file.path != path) {
            files.push(read(root, &path)?);
        }
    }
    for path in below(root, "capabilities")? {
        files.push(read(root, &path)?);
    }
    let workflow = read(root, WORKFLOW)?.text;
    let workflows = below(root, WORKFLOWS)?;
    let workflows = workflows
        .iter()
        .map(|path| read(root, path))
        .collect::<Result<Vec<_>>>()?;
    Ok(vec![
        Rule {
            name: "there is no updater".into(),
            broken: updaters(&files),
        },
        Rule {
            name: "advisories are looked up for each lock file".into(),
            broken: unwatched(&locks(root)?, &workflow),
        },
        Rule {
            name: "each package of others is one that somebody has looked at".into(),
            broken: unknown(&known(root)?, &named(root)?),
        },
        Rule {
            name: "each action of a workflow is named by its commit".into(),
            broken: unpinned(&workflows),
        },
    ])
}

/// The packages of others that somebody has looked at.
const KNOWN: &str = "docs/packages.txt";

fn known(root: &Path) -> Result<BTreeSet<String>> {
    let text = read(root, KNOWN)?.text;
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// The packages of others that the lock files name.
fn named(root: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        found.extend(crates_in(&read(root, lock)?.text));
    }
    found.extend(modules_in(&read(root, "ui/package-lock.json")?.text)?);
    Ok(found)
}

/// A package without a source is one of ours.
fn crates_in(lock: &str) -> impl Iterator<Item = String> {
    let packages = lock.split("[[package]]").skip(1);
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_matches('"').to_owned())
    };
    packages.filter_map(move |package| {
        value(package, "source = ")?;
        Some(format!("crate {}", value(package, "name = ")?))
    })
}

fn modules_in(lock: &str) -> Result<BTreeSet<String>> {
    let lock: serde_json::Value = serde_json::from_str(lock).context("package-lock.json is no JSON")?;
    let packages = lock["packages"].as_object().context("it names no packages")?;
    let names = packages
        .keys()
        .filter_map(|path| path.rsplit_once("node_modules/"));
    Ok(names.map(|(_, name)| format!("npm {name}")).collect())
}

fn unknown(known: &BTreeSet<String>, named: &BTreeSet<String>) -> Vec<String> {
    let new = named
        .difference(known)
        .map(|name| format!("{name} is new: see the head of {KNOWN}"));
    let gone = known
        .difference(named)
        .map(|name| format!("{name} is in {KNOWN} and in no lock file"));
    new.chain(gone).collect()
}

fn read(root: &Path, path: &str) -> Result<File> {
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("{path} is missing"))?;
    Ok(File {
        path: path.to_owned(),
        text,
    })
}

/// The files of a folder.
fn below(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root.join(folder)).with_context(|| format!("{folder} is missing"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() {
            paths.push(match folder {
                "." => name,
                _ => format!("{folder}/{name}"),
            });
        }
    }
    paths.sort();
    Ok(paths)
}

fn updaters(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files {
        let settings = SETTINGS.iter().any(|start| file.path.starts_with(start));
        let settings = settings || file.path.starts_with("capabilities/");
        for (number, line) in file.text.lines().enumerate() {
            let named = UPDATERS.iter().any(|name| line.contains(name));
            if named || (settings && line.to_lowercase().contains("updater")) {
                broken.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    broken
}

/// The lock files of our own workspaces: the one at the top, and those in folders of it.
fn locks(root: &Path) -> Result<Vec<String>> {
    let mut locks = vec!["Cargo.lock".to_owned()];
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let folder = entry.file_name().to_string_lossy().into_owned();
        if folder != "target" && entry.path().join("Cargo.lock").is_file() {
            locks.push(format!("{folder}/Cargo.lock"));
        }
    }
    locks.sort();
    Ok(locks)
}

fn unwatched(locks: &[String], workflow: &str) -> Vec<String> {
    let runs: Vec<&str> = workflow
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("run: "))
        .collect();
    let mut broken = Vec::new();
    for lock in locks {
        let audit = match lock.as_str() {
            "Cargo.lock" => "cargo audit".to_owned(),
            lock => format!("cargo audit -f {lock}"),
        };
        if !runs.contains(&audit.as_str()) {
            broken.push(format!("{WORKFLOW} does not run `{audit}`"));
        }
    }
    broken
}

/// Actions that a moved tag or branch could replace by other code. The version of a commit stands beside it for a person.
fn unpinned(workflows: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in workflows {
        for (number, line) in file.text.lines().enumerate() {
            let line = line.trim().trim_start_matches("- ");
            let Some(action) = line.strip_prefix("uses: ") else {
                continue;
            };
            let (name, version) = action.split_once(" # ").unwrap_or((action, ""));
            let commit = name.split_once('@').map_or("", |(_, commit)| commit.trim());
            let hex = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !hex || version.is_empty() {
                broken.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_package_that_nobody_has_looked_at_is_found_and_so_is_one_that_is_gone() {
        let lock = "[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"theirs\"\nsource = \"registry\"\n";
        let named: BTreeSet<String> = crates_in(lock).collect();
        assert_eq!(named, BTreeSet::from(["crate theirs".to_owned()]));
        let modules =
            r#"{"packages": {"": {}, "node_modules/a": {}, "node_modules/b/node_modules/@c/d": {}}}"#;
        let modules = modules_in(modules).expect("a lock file");
        assert_eq!(
            modules,
            BTreeSet::from(["npm @c/d".to_owned(), "npm a".to_owned()])
        );
        let known = BTreeSet::from(["crate theirs".to_owned(), "crate gone".to_owned()]);
        assert_eq!(unknown(&known, &named).len(), 1);
        assert!(unknown(&BTreeSet::new(), &named)[0].starts_with("crate theirs is new"));
    }

    #[test]
    fn an_updater_is_found_wherever_it_is_turned_on() {
        for (path, text) in [
            ("Cargo.toml", "[dependencies]\ntauri-plugin-updater = \"2\"\n"),
            ("Cargo.lock", "[[package]]\nname = \"tauri-plugin-updater\"\n"),
            ("ui/package.json", "{\n\"@tauri-apps/plugin-updater\": \"2\" }"),
            ("tauri.conf.json", "{\n\"plugins\": { \"updater\": {} } }"),
            ("tauri.linux.conf.json", "{\n\"createUpdaterArtifacts\": true }"),
            ("capabilities/main.json", "[\n\"updater:default\"]"),
        ] {
            assert_eq!(updaters(&[file(path, text)]), [format!("{path}:2")]);
        }
        // A package of another name is none.
        let other = file(
            "ui/package-lock.json",
            "{ \"node_modules/update-browserslist-db\": {} }",
        );
        assert_eq!(updaters(&[other]), [""; 0]);
    }

    #[test]
    fn a_lock_file_whose_advisories_nobody_looks_up_is_named() {
        let locks = ["Cargo.lock".to_owned(), "fuzz/Cargo.lock".to_owned()];
        let one = "    steps:\n      - run: cargo audit\n      # - run: cargo audit -f fuzz/Cargo.lock\n";
        assert_eq!(
            unwatched(&locks, one),
            [format!(
                "{WORKFLOW} does not run `cargo audit -f fuzz/Cargo.lock`"
            )]
        );
        let both = "      - run: cargo audit\n      - run: cargo audit -f fuzz/Cargo.lock\n";
        assert_eq!(unwatched(&locks, both), [""; 0]);
    }

    #[test]
    fn an_action_that_a_moved_tag_would_replace_is_named() {
        let text = "steps:\n  - uses: a/b@11d5960a326750d5838078e36cf38b85af677262 # v4\n  - uses: a/b@v4\n  \
                    - uses: a/b@main # v4\n  - uses: a/b@11d5960a326750d5838078e36cf38b85af677262\n  - uses: ./local\n";
        assert_eq!(
            unpinned(&[file("ci.yml", text)]),
            ["ci.yml:3", "ci.yml:4", "ci.yml:5", "ci.yml:6"]
        );
    }

    #[test]
    fn every_lock_file_of_ours_is_known() -> Result<()> {
        assert_eq!(locks(&crate::project::root())?, ["Cargo.lock", "fuzz/Cargo.lock"]);
        Ok(())
    }
}
