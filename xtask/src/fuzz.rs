//! `xtask fuzz`: libFuzzer over everything that reads what comes from outside. `xtask test` runs the same targets over
//! their corpora without it (`tests/inputs`).

use crate::project;
use crate::run::{cargo, read, run, run_and_read, say};
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub struct Options {
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only this target (may be given several times).
    #[arg(long)]
    only: Vec<String>,
}

/// Memory that a target may take, MB.
const MEMORY_MAX: u32 = 2048;
/// Longest input that is tried, bytes.
const INPUT_MAX: u32 = 65_536;

/// Runs the targets one after the other; true if none found anything. What is found lands in `fuzz/artifacts`, new inputs
/// in cargo's target folder: the committed corpus grows by hand.
pub fn fuzz(options: &Options) -> Result<bool> {
    read(cargo().args(["fuzz", "--version"])).context("`cargo install cargo-fuzz` is needed")?;
    let listed = read(nightly().args(["fuzz", "list", "--fuzz-dir", "fuzz"]))
        .context("a nightly compiler is needed (`rustup toolchain install nightly`)")?;
    let targets: Vec<&str> = listed
        .lines()
        .map(str::trim)
        .filter(|target| !target.is_empty())
        .filter(|target| options.only.is_empty() || options.only.iter().any(|only| only == target))
        .collect();
    if targets.is_empty() {
        bail!("no such target; there are: {}", listed.replace('\n', " "));
    }
    run(nightly().args(["fuzz", "build", "--fuzz-dir", "fuzz"]))?;
    let mut lines = Vec::new();
    let mut all_well = true;
    for target in targets {
        say(&format!("fuzz {target}"));
        let grown = project::target().join("fuzz-corpus").join(target);
        fs::create_dir_all(&grown).with_context(|| format!("couldn't make {}", grown.display()))?;
        let mut command = nightly();
        command
            .args(["fuzz", "run", "--fuzz-dir", "fuzz", target])
            .arg(&grown)
            .arg(project::root().join("fuzz/corpus").join(target))
            .arg("--")
            .args([
                format!("-max_total_time={}", options.seconds),
                format!("-rss_limit_mb={MEMORY_MAX}"),
                format!("-max_len={INPUT_MAX}"),
                "-timeout=10".to_owned(),
                "-print_final_stats=1".to_owned(),
            ]);
        let (well, text) = run_and_read(&mut command)?;
        all_well &= well;
        let word = if well { "nothing found" } else { "FOUND" };
        lines.push(format!(
            "{target:<22} {:>12} executions  {word}",
            executions(&text)
        ));
    }
    say("fuzz summary");
    lines.iter().for_each(|line| println!("{line}"));
    Ok(all_well)
}

/// The nightly compiler's cargo. The one that runs us knows no other toolchain; rustup's, by its name, does.
fn nightly() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(project::root()).arg("+nightly");
    command
}

/// The number of executions that libFuzzer tells at its end.
fn executions(text: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .filter_map(|number| number.trim().parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn executions_are_read_from_libfuzzers_own_words() {
        let text = "Done 41 runs\nstat::number_of_executed_units: 1234\nstat::peak_rss_mb: 7\n";
        assert_eq!(executions(text), 1234);
        assert_eq!(executions("nothing"), 0);
    }

    /// The three lists of targets (libFuzzer's, the stable tests', the corpora) are one.
    #[test]
    fn each_target_has_its_file_its_corpus_and_its_line() {
        let root = project::root();
        let names = |folder: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(root.join(folder)).expect("a folder of the project");
            let name =
                |path: std::path::PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            entries
                .filter_map(|entry| name(entry.expect("readable").path()))
                .collect()
        };
        let files = names("fuzz/fuzz_targets");
        assert_eq!(files, names("fuzz/corpus"));
        let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("readable");
        let list = fs::read_to_string(root.join("tests/inputs/src/lib.rs")).expect("readable");
        for name in &files {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(list.contains(&format!("(\"{name}\", ")), "{name}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), files.len());
    }
}
