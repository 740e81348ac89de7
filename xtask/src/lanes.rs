//! `xtask test`: every kind of test in its lane, one after the other, with one summary.

use crate::building::{self, FEATURES};
use crate::counts::{self, Counts};
use crate::project::{self, Profile};
use crate::run::{cargo, npm, read, run, run_and_read, say};
use crate::sandbox::{self, Sandbox};
use crate::setup::{self, Need};
use crate::{crash, desk::Desk, rules};
use anyhow::Result;
use std::process::Command;
use std::time::{Duration, Instant};

/// One kind of test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lane {
    /// rustfmt.
    Format,
    /// clippy over everything, warnings are errors.
    Clippy,
    /// The lines of the architecture.
    Rules,
    /// The window's types, lint, format and component tests.
    Ui,
    /// All Rust tests.
    Rust,
    /// The whole engine under seeded faults.
    Sim,
    /// Each deliberate bug of the core is found by the laws.
    Planner,
    /// Google's own client library against the sandbox.
    Contract,
    /// The store against a real gnome-keyring.
    Keychain,
    /// The real program killed at a share of all points, and run on what is broken.
    Crash,
    /// The real window, driven from outside.
    Window,
    /// Licences, bans and sources of everything that comes in from outside.
    Deny,
}

/// In the order in which they run: what is quick to fail first.
const ALL: [Lane; 12] = [
    Lane::Format,
    Lane::Rules,
    Lane::Deny,
    Lane::Ui,
    Lane::Clippy,
    Lane::Rust,
    Lane::Sim,
    Lane::Planner,
    Lane::Contract,
    Lane::Keychain,
    Lane::Crash,
    Lane::Window,
];

impl Lane {
    fn name(self) -> &'static str {
        match self {
            Lane::Format => "format",
            Lane::Clippy => "clippy",
            Lane::Rules => "rules",
            Lane::Ui => "ui",
            Lane::Rust => "rust",
            Lane::Sim => "sim",
            Lane::Planner => "planner",
            Lane::Contract => "contract",
            Lane::Keychain => "keychain",
            Lane::Crash => "crash",
            Lane::Window => "window",
            Lane::Deny => "deny",
        }
    }

    fn only_on_linux(self) -> bool {
        // What comes in from outside is the same everywhere; deny.toml names all systems.
        matches!(self, Lane::Keychain | Lane::Crash | Lane::Window | Lane::Deny)
    }

    fn go(self) -> Result<Counts> {
        match self {
            Lane::Format => format(),
            Lane::Clippy => clippy(),
            Lane::Rules => rules::check(),
            Lane::Ui => ui(),
            Lane::Rust => rust(),
            Lane::Sim => crate::sim::lane(),
            Lane::Planner => planner(),
            Lane::Contract => contract(),
            Lane::Keychain => keychain(),
            Lane::Crash => crash::quick(),
            Lane::Window => window(),
            Lane::Deny => deny(),
        }
    }
}

/// What came out of a lane.
enum Outcome {
    Ran(Counts, Duration),
    Broke(String),
    Skipped(&'static str),
}

/// Runs all lanes, or one; true if nothing failed.
pub fn test(only: &[Lane]) -> Result<bool> {
    setup::setup(Need::Everything)?;
    run_lanes(
        ALL.into_iter()
            .filter(|lane| only.is_empty() || only.contains(lane)),
    )
}

/// Format, lint and rules: what a developer runs before a commit.
pub fn check() -> Result<bool> {
    run_lanes([Lane::Format, Lane::Rules, Lane::Clippy].into_iter())
}

fn run_lanes(lanes: impl Iterator<Item = Lane>) -> Result<bool> {
    let mut outcomes = Vec::new();
    for lane in lanes {
        say(&format!("lane {}", lane.name()));
        let start = Instant::now();
        let outcome = if lane.only_on_linux() && !cfg!(target_os = "linux") {
            Outcome::Skipped("on Linux only")
        } else {
            match lane.go() {
                Ok(counts) => Outcome::Ran(counts, start.elapsed()),
                Err(error) => Outcome::Broke(format!("{error:#}")),
            }
        };
        if let Outcome::Broke(why) = &outcome {
            println!("lane {} could not run: {why}", lane.name());
        }
        outcomes.push((lane, outcome));
    }
    Ok(summary(&outcomes))
}

fn summary(outcomes: &[(Lane, Outcome)]) -> bool {
    let mut total = Counts::default();
    println!("\n== summary");
    for (lane, outcome) in outcomes {
        let name = lane.name();
        match outcome {
            Outcome::Ran(counts, took) => {
                total += *counts;
                let seconds = took.as_secs_f64();
                println!(
                    "{name:<10} {:>5} passed {:>4} failed {seconds:>8.1} s",
                    counts.passed, counts.failed
                );
            }
            Outcome::Broke(why) => {
                total += Counts::one(false);
                println!("{name:<10} could not run: {why}");
            }
            Outcome::Skipped(why) => println!("{name:<10} skipped: {why}"),
        }
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    total.failed == 0
}

fn format() -> Result<Counts> {
    let (well, _) = run_and_read(cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Counts::one(well))
}

fn clippy() -> Result<Counts> {
    building::window_once()?;
    let mut command = cargo();
    command
        .args(["clippy", "--locked", "--workspace", "--all-targets"])
        .args(FEATURES)
        .args(["--", "-D", "warnings"]);
    let (well, _) = run_and_read(&mut command)?;
    Ok(Counts::one(well))
}

fn ui() -> Result<Counts> {
    let ui = project::ui();
    let mut sum = Counts::default();
    for script in ["check", "lint", "format:check"] {
        let (well, _) = run_and_read(npm(&ui).args(["run", "--silent", script]))?;
        if !well {
            println!("ui: `npm run {script}` failed");
        }
        sum += Counts::one(well);
    }
    let (well, text) = run_and_read(npm(&ui).args(["run", "--silent", "test"]))?;
    sum += counts::vitest(&text).unwrap_or_default().with_end(well);
    Ok(sum)
}

fn rust() -> Result<Counts> {
    building::window_once()?;
    let mut command = cargo();
    let with_nextest = read(cargo().args(["nextest", "--version"])).is_ok();
    if with_nextest {
        command
            .args(["nextest", "run", "--locked", "--workspace", "--no-fail-fast"])
            .args(FEATURES);
    } else {
        command
            .args([
                "test",
                "--locked",
                "--workspace",
                "--no-fail-fast",
                "--all-targets",
            ])
            .args(FEATURES);
    }
    let (well, text) = run_and_read(&mut command)?;
    let ran = if with_nextest {
        counts::nextest(&text)
    } else {
        Some(counts::cargo_test(&text))
    };
    let mut sum = ran.unwrap_or_default().with_end(well);
    // Examples in documentation are tests too, and nextest leaves them out.
    let (well, text) = run_and_read(
        cargo()
            .args(["test", "--locked", "--workspace", "--doc"])
            .args(FEATURES),
    )?;
    let docs = counts::cargo_test(&text);
    sum += if well { docs } else { docs.with_end(false) };
    Ok(sum)
}

/// In a build of its own: the packages that ship never know of the bugs. That every law holds without them is a Rust test.
fn planner() -> Result<Counts> {
    let package = ["test", "--locked", "-p", "roundtrip-planner-check"];
    let (well, text) = run_and_read(cargo().args(package).args(["--features", "deliberate-bugs"]))?;
    Ok(counts::cargo_test(&text).with_end(well))
}

fn contract() -> Result<Counts> {
    let folder = project::root().join("crates/sandbox/tests/stock_client");
    let environment = project::target().join("stock-client");
    let bin = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let wanted = std::fs::read(folder.join("requirements.txt"))?;
    let stamp = environment.join("requirements.installed.txt");
    if !std::fs::read(&stamp).is_ok_and(|last| last == wanted) {
        let python = if cfg!(windows) { "python" } else { "python3" };
        run(Command::new(python).args(["-m", "venv"]).arg(&environment))?;
        run(Command::new(bin.join("pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(folder.join("requirements.txt")))?;
        std::fs::write(stamp, wanted)?;
    }
    run(cargo().args(["build", "--locked", "-p", "roundtrip-sandbox"]))?;
    let options = sandbox::Options {
        appointments: 0,
        auto_consent: true,
        ..sandbox::Options::default()
    };
    let log = environment.join("sandbox.log");
    let sandbox = Sandbox::start(&options, &log, |binary| crate::process::guarded(binary))?;
    let mut command = Command::new(bin.join("python"));
    command
        .arg(folder.join("smoke.py"))
        .arg(sandbox.google_url()?)
        .envs(sandbox.environment());
    let (well, text) = run_and_read(&mut command)?;
    Ok(counts::checks(&text).unwrap_or_default().with_end(well))
}

fn keychain() -> Result<Counts> {
    let build = ["test", "--locked", "-p", "roundtrip-store", "--test", "keychain"];
    run(cargo().args(build).arg("--no-run"))?;
    // Cargo keeps the person's home (its registry is there); only the keychain is the desk's.
    let desk = Desk::open(&project::target().join("keychain"))?;
    let bus = desk.command("true");
    let mut command = cargo();
    command.args(build).env("ROUNDTRIP_TEST_KEYCHAIN", "1");
    for (key, value) in bus.get_envs() {
        if key == "DBUS_SESSION_BUS_ADDRESS" || key == crate::process::MARK {
            command.env(key, value.unwrap_or_default());
        }
    }
    let (well, text) = run_and_read(&mut command)?;
    Ok(counts::cargo_test(&text).with_end(well))
}

/// Advisories are not here: their database may be out of reach where this runs. The project's own CI checks them.
fn deny() -> Result<Counts> {
    let mut command = Command::new(setup::cargo_deny()?);
    command.current_dir(project::root()).args([
        "--locked",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    let (well, text) = run_and_read(&mut command)?;
    // It says each of the three in its last line.
    let mut sum = Counts::default();
    for kind in ["bans", "licenses", "sources"] {
        sum += Counts::one(text.contains(&format!("{kind} ok")));
    }
    Ok(sum.with_end(well))
}

fn window() -> Result<Counts> {
    building::build(Profile::Debug)?;
    let (well, text) =
        run_and_read(cargo().args(["run", "--quiet", "--locked", "-p", "roundtrip-window-tests"]))?;
    Ok(counts::own(&text).unwrap_or_default().with_end(well))
}
