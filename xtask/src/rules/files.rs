//! What no source file may contain, and what each must.

use super::Rule;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A file with more lines than this is several topics.
const LONGEST_FILE: usize = 700;

/// A source file.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

/// The rules about files.
pub fn rules(root: &Path) -> Result<Vec<Rule>> {
    let sources = read_sources(root)?;
    Ok(vec![
        super::bugs::rule(&sources),
        Rule {
            name: "each file of tests is part of a program".into(),
            broken: left_out(&sources),
        },
        rule("each library forbids unsafe code", &sources, |source| {
            (is_library(source) && !source.text.contains("#![forbid(unsafe_code)]")).then_some(1)
        }),
        rule("each library opens with what it is for", &sources, |source| {
            (is_library(source) && !source.text.starts_with("//!")).then_some(1)
        }),
        rule(
            "each crate takes its lints from the workspace",
            &sources,
            |source| {
                (source.path.ends_with("Cargo.toml") && !takes_workspace_lints(&source.text)).then_some(1)
            },
        ),
        // The words are put together here so that this file does not break its own rule.
        rule("nothing is left for later in a comment", &sources, |source| {
            line_with(
                source,
                &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")],
            )
        }),
        rule("no machine's paths", &sources, |source| {
            line_with(
                source,
                &[
                    concat!("/ro", "ot/"),
                    concat!("/ho", "me/"),
                    concat!("/wo", "rk/"),
                    concat!("/Us", "ers/"),
                ],
            )
        }),
        rule("core reads no clock", &sources, |source| {
            let clocks = ["Utc::now", "Local::now", "SystemTime::now", "Instant::now"];
            source
                .path
                .starts_with("crates/core/src")
                .then(|| line_with(source, &clocks))
                .flatten()
        }),
        rule("SQL appears in the store only", &sources, |source| {
            let outside = is_rust(source)
                && !source.path.starts_with("crates/store")
                && !source.path.starts_with("xtask");
            outside
                .then(|| line_with(source, &["sqlx::query", "SELECT * FROM", "INSERT INTO "]))
                .flatten()
        }),
        rule("SQL is put together by hand in two files only", &sources, by_hand),
        rule("nothing that ships can be told to die", &sources, |source| {
            // Its own command builds it; in a release build it does not compile.
            let knows = [
                "Cargo.toml",
                "crates/store/",
                "src-tauri/src/",
                "tests/crash/",
                "xtask/src/crash.rs",
            ];
            let elsewhere = !knows.iter().any(|place| source.path.starts_with(place));
            let word = [concat!("crash-", "points")];
            (elsewhere && !source.path.ends_with(".md"))
                .then(|| line_with(source, &word))
                .flatten()
        }),
        rule("no test is switched off", &sources, |source| {
            let words = [
                concat!("#[ign", "ore"),
                concat!("it.sk", "ip("),
                concat!("test.sk", "ip("),
                concat!("describe.sk", "ip("),
            ];
            line_with(source, &words)
        }),
        rule(
            "text from outside is never put into the window as HTML",
            &sources,
            as_html,
        ),
        rule("no file is longer than one topic", &sources, |source| {
            let code = is_rust(source) || source.path.ends_with(".svelte") || source.path.ends_with(".ts");
            let made = source.path.ends_with("bindings.ts");
            let lines = source.text.lines().count();
            (code && !made && lines > LONGEST_FILE).then_some(lines)
        }),
    ])
}

/// What makes HTML of a text. Tests build pages of their own by it.
const MAKES_HTML: [&str; 9] = [
    "{@html",
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "createContextualFragment",
    "setHTMLUnsafe",
    "srcdoc",
    "document.write",
    "DOMParser",
];

fn as_html(source: &Source) -> Option<usize> {
    let code = source.path.ends_with(".svelte") || source.path.ends_with(".ts");
    let test = source.path.ends_with(".test.ts");
    (code && !test).then(|| line_with(source, &MAKES_HTML)).flatten()
}

/// These write names of tables and triggers, and a list of columns, into a statement: nothing else can be bound in their place,
/// and none of it comes from outside.
const SQL_BY_HAND: [&str; 2] = [
    "crates/store/src/wipe.rs",
    "crates/store/src/table/calendar_sync_mappings.rs",
];

/// Whatever gets a text that is not in the source past sqlx.
fn by_hand(source: &Source) -> Option<usize> {
    let may = SQL_BY_HAND.contains(&source.path.as_str()) || source.path.starts_with("crates/store/tests/");
    // The words are put together here so that this file does not break its own rule.
    let words = [concat!("Assert", "SqlSafe"), concat!("Query", "Builder")];
    (is_rust(source) && !may)
        .then(|| line_with(source, &words))
        .flatten()
}

/// Files in a folder of tests whose `all.rs` does not name them, and which are no program of their own: they would never run.
fn left_out(sources: &[Source]) -> Vec<String> {
    let text_of = |path: &str| {
        let found = sources.iter().find(|source| source.path == path);
        found.map_or("", |source| source.text.as_str())
    };
    let mut broken = Vec::new();
    for all in sources {
        let Some(package) = all.path.strip_suffix("/tests/all.rs") else {
            continue;
        };
        let manifest = text_of(&format!("{package}/Cargo.toml"));
        let folder = format!("{package}/tests/");
        for source in sources {
            let file = source.path.strip_prefix(&folder);
            let Some(name) = file.and_then(|file| file.strip_suffix(".rs")) else {
                continue;
            };
            // A file further down is a part of its folder's `mod.rs` or `main.rs`.
            let module = name.strip_suffix("/mod").unwrap_or(name);
            if module == "all" || (module.contains('/') && !module.ends_with("/main")) {
                continue;
            }
            let named = all.text.lines().any(|line| line == format!("mod {module};"));
            let own = manifest.contains(&format!("path = \"tests/{name}.rs\""));
            if !named && !own {
                broken.push(source.path.clone());
            }
        }
    }
    broken
}

/// `find` answers the line that breaks the rule.
fn rule(name: &str, sources: &[Source], find: impl Fn(&Source) -> Option<usize>) -> Rule {
    let broken = sources
        .iter()
        .filter_map(|source| Some(format!("{}:{}", source.path, find(source)?)))
        .collect();
    Rule {
        name: name.to_owned(),
        broken,
    }
}

fn line_with(source: &Source, words: &[&str]) -> Option<usize> {
    let found = source
        .text
        .lines()
        .position(|line| words.iter().any(|word| line.contains(word)));
    found.map(|line| line + 1)
}

fn is_rust(source: &Source) -> bool {
    source.path.ends_with(".rs")
}

fn is_library(source: &Source) -> bool {
    source.path.ends_with("src/lib.rs")
}

fn takes_workspace_lints(manifest: &str) -> bool {
    let after = manifest.split("[lints]").nth(1).unwrap_or_default();
    after.trim_start().starts_with("workspace = true")
}

const FOLDERS: [&str; 7] = ["crates", "src-tauri", "tests", "ui/src", "xtask", "docs", ".ci"];
const ENDINGS: [&str; 9] = ["rs", "toml", "ts", "svelte", "css", "html", "md", "sql", "json"];
/// Generated, or not ours.
const LEFT_OUT: [&str; 7] = [
    "node_modules",
    "target",
    "gen",
    "dist",
    "dist-mock",
    "paraglide",
    "schemas",
];

fn read_sources(root: &Path) -> Result<Vec<Source>> {
    let mut files = vec![root.join("Cargo.toml")];
    for folder in FOLDERS {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    files
        .iter()
        .map(|file| {
            let path = file
                .strip_prefix(root)
                .unwrap_or(file)
                .to_string_lossy()
                .replace('\\', "/");
            let text = fs::read_to_string(file).with_context(|| format!("couldn't read {path}"))?;
            Ok(Source { path, text })
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                collect(&path, files)?;
            }
        } else if ENDINGS.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
            files.push(path);
        }
    }
    Ok(())
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
    fn a_broken_line_is_named() {
        let sources = [source("crates/core/src/x.rs", "fn a() {}\nlet t = Utc::now();\n")];
        let found = rule("clock", &sources, |source| line_with(source, &["Utc::now"]));
        assert_eq!(found.broken, ["crates/core/src/x.rs:2"]);
    }

    #[test]
    fn html_of_a_text_is_found_in_the_window_s_code_and_not_in_its_tests() {
        for word in MAKES_HTML {
            let text = format!("const a = 1;\nelement.{word} = title;\n");
            for path in [
                "ui/src/lib/Row.svelte",
                "ui/src/lib/row.ts",
                "ui/src/lib/row.svelte.ts",
            ] {
                assert_eq!(as_html(&source(path, &text)), Some(2), "{path} {word}");
            }
            assert_eq!(as_html(&source("ui/src/lib/row.test.ts", &text)), None, "{word}");
        }
    }

    #[test]
    fn sql_that_is_put_together_elsewhere_is_found() {
        let text = concat!("use sqlx::Assert", "SqlSafe;\n");
        for path in SQL_BY_HAND.iter().chain(&["crates/store/tests/ledger.rs"]) {
            assert_eq!(by_hand(&source(path, text)), None, "{path}");
        }
        let builder = concat!("\nsqlx::Query", "Builder::new(title)");
        for path in [
            "crates/store/src/retention.rs",
            "crates/engine/src/cycle.rs",
            "src-tauri/src/lib.rs",
        ] {
            assert_eq!(by_hand(&source(path, text)), Some(1), "{path}");
            assert_eq!(by_hand(&source(path, builder)), Some(2), "{path}");
        }
    }

    #[test]
    fn a_file_of_tests_that_no_program_names_is_found() {
        let sources = [
            source("crates/x/Cargo.toml", "[[test]]\npath = \"tests/own.rs\"\n"),
            source("crates/x/tests/all.rs", "mod named;\nmod support;\n"),
            source("crates/x/tests/named.rs", ""),
            source("crates/x/tests/own.rs", ""),
            source("crates/x/tests/support/mod.rs", ""),
            source("crates/x/tests/support/part.rs", ""),
            source("crates/x/tests/program/main.rs", ""),
            source("crates/x/tests/forgotten.rs", ""),
            source("crates/y/tests/alone.rs", ""),
        ];
        assert_eq!(
            left_out(&sources),
            ["crates/x/tests/program/main.rs", "crates/x/tests/forgotten.rs"]
        );
    }

    #[test]
    fn lints_must_come_from_the_workspace() {
        assert!(takes_workspace_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!takes_workspace_lints("[package]\nname = \"x\"\n"));
        assert!(!takes_workspace_lints(
            "[lints.rust]\nunused = \"allow\"\n[features]\nworkspace = true"
        ));
    }
}
