//! `xtask mutants`: cargo-mutants over a fixed random sample of core and over all of the token code.

use crate::project;
use crate::run::{cargo, read, run, say};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// What is mutated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// A fixed random sample of `crates/core`.
    Core,
    /// Sealing, keys, vaults and their table in `crates/store`.
    Store,
    /// Asking for, keeping, refreshing and exchanging tokens in `crates/http`.
    Http,
}

/// Options of a run.
#[derive(clap::Args)]
pub struct Options {
    /// What is mutated.
    #[arg(value_enum)]
    what: What,
    /// Size of the sample of core.
    #[arg(long, default_value_t = 200)]
    sample: usize,
    /// Seed of the sample.
    #[arg(long, default_value_t = 5)]
    seed: u64,
}

impl What {
    fn package(self) -> &'static str {
        match self {
            What::Core => "roundtrip-core",
            What::Store => "roundtrip-store",
            What::Http => "roundtrip-http",
        }
    }

    /// Whose tests are to notice. The laws of core's decisions are tried by the planner check, in a package of its own.
    fn tested_by(self) -> &'static str {
        match self {
            What::Core => "roundtrip-core,roundtrip-planner-check",
            What::Store | What::Http => self.package(),
        }
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            What::Core => &[],
            What::Store => &[
                "crates/store/src/tokens/**",
                "crates/store/src/table/user_integrations.rs",
                "crates/store/src/integrations.rs",
            ],
            What::Http => &[
                "crates/http/src/oauth/attempt.rs",
                "crates/http/src/oauth/keeper.rs",
                "crates/http/src/oauth/endpoint.rs",
                "crates/http/src/signed.rs",
            ],
        }
    }

    fn select(self, command: &mut Command) {
        command.args(["-p", self.package()]);
        for file in self.files() {
            command.args(["-f", file]);
        }
        // What switches bugs on for tests is in no build that anybody gets.
        command.args(["-e", "crates/core/src/bug.rs"]);
    }
}

/// Runs the mutants one after the other; the results lie in `target/mutants/<what>/mutants.out`.
pub fn test(options: &Options) -> Result<()> {
    if read(cargo().args(["mutants", "--version"])).is_err() {
        bail!("cargo-mutants is missing: `cargo install --locked cargo-mutants`");
    }
    let mut list = cargo();
    list.args(["mutants", "--list", "--json"]);
    options.what.select(&mut list);
    let listed: Value = serde_json::from_str(&read(&mut list)?)?;
    let mut names: Vec<String> = listed
        .as_array()
        .context("cargo-mutants lists nothing")?
        .iter()
        .filter_map(|mutant| mutant["name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    let all = names.len();
    if options.what == What::Core {
        names = sample(names, options.sample, options.seed);
    }
    let folder = project::target()
        .join("mutants")
        .join(format!("{:?}", options.what).to_lowercase());
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("chosen.txt"), names.join("\n"))?;
    say(&format!(
        "{} of {all} mutants of {}",
        names.len(),
        options.what.package()
    ));
    let mut command = cargo();
    command.args([
        "mutants",
        "--no-shuffle",
        "--colors",
        "never",
        "--timeout",
        "180",
        "-j",
        "1",
    ]);
    // The whole of the proptests and of the planner check for each mutant would take hours; what is broken shows early.
    command
        .env("PROPTEST_CASES", "64")
        .env("PLANNER_CASES", "500")
        .env_remove("CARGO_TARGET_DIR");
    options.what.select(&mut command);
    command.args(["--test-package", options.what.tested_by()]);
    let wanted: Vec<String> = names.iter().map(|name| escape(name)).collect();
    command.arg("--re").arg(format!("^({})$", wanted.join("|")));
    command.arg("--output").arg(&folder);
    run(&mut command)
}

/// The name without its line and column, so that code that only moved stays in the sample.
fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => format!("{file}:{what}"),
        _ => name.to_owned(),
    }
}

/// A sample that is the same for the same seed, however the list was ordered.
fn sample(mut names: Vec<String>, size: usize, seed: u64) -> Vec<String> {
    let weight = |name: &str| {
        // FNV-1a, then a finaliser: spreads names evenly, and no library's next version changes it.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^= hash >> 32;
        hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    names.sort_by_cached_key(|name| (weight(&without_place(name)), name.clone()));
    names.truncate(size);
    names.sort();
    names
}

/// The text as a regular expression that means just it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_depends_on_the_seed_alone() {
        let names = || {
            (0..50)
                .map(|number| format!("mutant {number}"))
                .collect::<Vec<_>>()
        };
        let mut turned = names();
        turned.reverse();
        assert_eq!(sample(names(), 10, 5), sample(turned, 10, 5));
        assert_ne!(sample(names(), 10, 5), sample(names(), 10, 6));
        assert_eq!(sample(names(), 10, 5).len(), 10);
    }

    #[test]
    fn the_laws_of_core_are_among_its_tests() {
        assert!(What::Core.tested_by().contains("roundtrip-planner-check"));
        assert!(What::Core.tested_by().contains(What::Core.package()));
        let laws = project::root().join("tests/planner/tests/laws.rs");
        let laws = fs::read_to_string(laws).expect("the planner's laws");
        assert!(laws.contains("\"PLANNER_CASES\""), "it takes the few cases");
    }

    #[test]
    fn all_of_the_token_code_is_mutated() {
        // What opens a port and shows pages touches no token: `loopback.rs`. `mod.rs` only names the others.
        let apart = ["loopback.rs", "mod.rs"];
        let files = What::Http.files();
        for entry in fs::read_dir(project::root().join("crates/http/src/oauth")).expect("a folder") {
            let name = entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned();
            let listed = files.contains(&format!("crates/http/src/oauth/{name}").as_str());
            let code = name.ends_with(".rs") && !name.ends_with("tests.rs");
            assert_eq!(listed, code && !apart.contains(&name.as_str()), "{name}");
        }
        for file in What::Store.files().iter().chain(files) {
            let path = project::root().join(file.trim_end_matches("/**"));
            assert!(path.exists(), "{file} is not there any more");
        }
    }

    #[test]
    fn code_that_only_moved_stays_in_the_sample() {
        assert_eq!(
            without_place("crates/core/src/a.rs:10:5: replace x -> bool with true"),
            without_place("crates/core/src/a.rs:99:7: replace x -> bool with true")
        );
    }

    #[test]
    fn names_are_taken_literally() {
        assert_eq!(
            escape("a.rs:1:2: replace + with -"),
            r"a\.rs:1:2: replace \+ with \-"
        );
    }
}
