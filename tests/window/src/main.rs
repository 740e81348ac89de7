//! The real window, driven from outside as a person would, against the sandbox.
//!
//! Each *scenario* has a stage of its own (desk, sandbox, browser, app) and counts as one test. It acts by clicks in the
//! window and in the sandbox's pages; the control API only arranges trouble and counts. Run by `cargo xtask test --only
//! window`; `--only PART` picks scenarios by name. Ends with `N passed, N failed`.

#![forbid(unsafe_code)]

mod scenarios;

use anyhow::{Context, Result};
use clap::Parser;
use scenarios::{Act, Scenario};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use xtask::gallery::Gallery;
use xtask::play::Stage;
use xtask::{process, project};

/// Window tests.
#[derive(Parser)]
struct Arguments {
    /// Only scenarios whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Name the scenarios, run none.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let scenarios: Vec<Scenario> = scenarios::all()
        .into_iter()
        .filter(|scenario| {
            arguments
                .only
                .as_deref()
                .is_none_or(|part| scenario.name.contains(part))
        })
        .collect();
    if arguments.list {
        for scenario in scenarios {
            println!("{}", scenario.name);
        }
        return ExitCode::SUCCESS;
    }
    if let Err(error) = process::end_children_on_signals() {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    let (mut passed, mut failed) = (0, 0);
    for scenario in scenarios {
        let start = Instant::now();
        let outcome = run(&scenario);
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                passed += 1;
                println!("ok      {} ({seconds:.1} s)", scenario.name);
            }
            Err(error) => {
                failed += 1;
                println!("FAILED  {} ({seconds:.1} s)\n        {error:#}", scenario.name);
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs one, keeps pictures if it fails, and makes sure that nothing of it is left.
fn run(scenario: &Scenario) -> Result<()> {
    let folder = project::target().join("window").join(scenario.name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let (mark, outcome) = match scenario.act {
        Act::Real(act) => {
            let mut stage =
                Stage::open(&folder, scenario.appointments, scenario.sign_in).context("the stage")?;
            let outcome = act(&mut stage);
            if outcome.is_err() {
                keep_pictures(&stage, &folder);
                stage.keep_logs(&folder);
            }
            (stage.desk.mark().to_owned(), outcome)
        }
        Act::Alone(act) => {
            let gallery = Gallery::open(&folder).context("the gallery")?;
            let outcome = act(&gallery);
            if outcome.is_err() {
                // The page may be gone; the failure itself is the news.
                let _ = gallery.picture(&folder.join("failed.png"), None);
            }
            (gallery.mark().to_owned(), outcome)
        }
    };
    outcome.with_context(|| format!("see {}", folder.display()))?;
    let left = process::marked(&mark);
    anyhow::ensure!(left.is_empty(), "processes are left: {left:?}");
    Ok(())
}

fn keep_pictures(stage: &Stage, folder: &Path) {
    // The window may be gone; the picture of the whole desk still tells.
    if stage.pictures(folder, "failed").is_err() {
        let _ = stage.desk.screenshot(&folder.join("failed-desk.png"));
    }
}
