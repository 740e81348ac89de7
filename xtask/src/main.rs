//! `cargo xtask …`: see `cargo xtask --help`.

#![forbid(unsafe_code)]

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::lanes::{self, Lane};
use xtask::project::Profile;
use xtask::setup::{self, Need};
use xtask::{
    bench, bindings, browse, building, coverage, crash, demo, fuzz, icons, mutants, planner, process,
    reproduce, sbom, screens, sim,
};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what building and testing need (apt on Debian and Ubuntu, npm, tauri-driver).
    Setup,
    /// Build the window, the app and the sandbox.
    Build {
        /// As shipped.
        #[arg(long)]
        release: bool,
    },
    /// Show the main job with the real app against a sandbox on this machine.
    Demo(demo::Options),
    /// Run every test.
    Test {
        /// Only this lane (may be given several times).
        #[arg(long)]
        only: Vec<Lane>,
    },
    /// Kill the real program at every write, commit and request, and run it on broken disks, databases and clocks.
    Crash(crash::Options),
    /// Format, lint and architecture rules.
    Check,
    /// Run the whole engine under seeded faults: `cargo xtask sim --seeds 0..5000`; `--help` says more.
    #[command(disable_help_flag = true)]
    Sim {
        /// For `simulate`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure: requests, time, memory, lines.
    Bench(bench::Options),
    /// Which lines of core, engine, store and connectors the tests run; writes the README's number.
    Coverage(coverage::Options),
    /// Change the code in many small ways and see whether the tests notice (cargo-mutants).
    Mutants(mutants::Options),
    /// Attack the decisions of the core with generated histories.
    Planner(planner::Options),
    /// Generate the window's view of the app's commands (ui/src/lib/bindings.ts).
    Bindings,
    /// Fuzz everything that reads what comes from outside (needs a nightly compiler and cargo-fuzz).
    Fuzz(fuzz::Options),
    /// Render the icons from their drawings.
    Icons,
    /// Build what ships twice, in two folders, and compare.
    Reproduce,
    /// List everything that is in the app, for both worlds, as CycloneDX (target/sbom).
    Sbom,
    /// Take the pictures of every screen and state (docs/screens/).
    Screens(screens::Options),
    /// Follow a sign-in address to its end (what a browser would do where the sandbox consents by itself).
    #[command(hide = true)]
    Browse {
        /// The address.
        url: String,
    },
}

fn main() -> ExitCode {
    let task = Arguments::parse().command;
    let outcome = process::end_children_on_signals().and_then(|()| run(task));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True if all went well.
fn run(task: Task) -> Result<bool> {
    match task {
        Task::Setup => setup::setup(Need::Everything).map(|()| true),
        Task::Build { release } => {
            setup::setup(Need::Build)?;
            building::build(if release { Profile::Release } else { Profile::Debug }).map(|()| true)
        }
        Task::Demo(options) => demo::demo(&options),
        Task::Test { only } => lanes::test(&only),
        Task::Sim { arguments } => sim::sim(&arguments),
        Task::Crash(options) => crash::crash(&options),
        Task::Check => lanes::check(),
        Task::Bench(options) => bench::bench(&options).map(|()| true),
        Task::Coverage(options) => coverage::measure(&options).map(|()| true),
        Task::Mutants(options) => mutants::test(&options).map(|()| true),
        Task::Planner(options) => planner::check(&options),
        Task::Fuzz(options) => fuzz::fuzz(&options),
        Task::Bindings => bindings::generate().map(|()| true),
        Task::Screens(options) => screens::take(&options).map(|()| true),
        Task::Icons => icons::render().map(|()| true),
        Task::Reproduce => reproduce::reproduce(),
        Task::Sbom => sbom::write().map(|()| true),
        Task::Browse { url } => browse::follow(&url).map(|_| true),
    }
}
