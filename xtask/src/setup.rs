//! `xtask setup`: what a bare Debian or Ubuntu needs, said before it is installed; elsewhere: what to install.

pub mod node;
pub mod system;

use crate::project;
use crate::run::{cargo, npm, read, run, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// How much is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To build the app and open its window on the person's own desktop.
    Build,
    /// Also to drive the window in a virtual desktop, and to run every test.
    Everything,
}

/// The driver between WebDriver and the app; newer ones belong to the next major version of Tauri.
const TAURI_DRIVER: &str = "2.1.0";
const CARGO_DENY: &str = "0.20.2";
const CARGO_CYCLONEDX: &str = "0.5.9";

/// Makes sure that everything needed is there.
pub fn setup(need: Need) -> Result<()> {
    system::install(need)?;
    node::install()?;
    window_packages()?;
    if need == Need::Everything {
        rust_parts()?;
        if cfg!(target_os = "linux") {
            driver()?;
        }
    }
    Ok(())
}

/// Installs what the lock file names, only when the lock file is another than at the last time.
fn window_packages() -> Result<()> {
    let ui = project::ui();
    let lock = fs::read(ui.join("package-lock.json")).context("ui/package-lock.json is missing")?;
    let stamp = project::target()
        .join("xtask")
        .join("package-lock.installed.json");
    if ui.join("node_modules").is_dir() && fs::read(&stamp).is_ok_and(|last| last == lock) {
        return Ok(());
    }
    say("installing the window's packages");
    packages_of(&ui)?;
    if let Some(folder) = stamp.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(stamp, lock)?;
    Ok(())
}

/// Installs what the lock file beside a manifest names.
pub fn packages_of(folder: &Path) -> Result<()> {
    // Not `npm ci`: it refuses a lock in which optional packages for other systems are missing because the registry at
    // hand did not have them. `--no-save` leaves manifest and lock as they are; the versions are the lock's.
    run(npm(folder).args(["install", "--no-save", "--no-audit", "--no-fund"]))
}

/// rustfmt and clippy, where rustup is there to add them.
fn rust_parts() -> Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if read(cargo().args([tool, "--version"])).is_ok() {
            continue;
        }
        say(&format!("adding {component} to the Rust toolchain"));
        run(std::process::Command::new("rustup").args(["component", "add", component]))
            .with_context(|| format!("`cargo {tool}` is missing; install {component} beside cargo"))?;
    }
    Ok(())
}

fn driver() -> Result<()> {
    tool("tauri-driver", TAURI_DRIVER, &[]).map(|_| ())
}

/// The checker of licences, bans and sources. A debug build of it checks in seconds and is built in half the time.
pub fn cargo_deny() -> Result<PathBuf> {
    tool("cargo-deny", CARGO_DENY, &["--debug", "--no-default-features"])
}

/// What writes the list of all crates in the app.
pub fn cargo_cyclonedx() -> Result<PathBuf> {
    tool("cargo-cyclonedx", CARGO_CYCLONEDX, &["--debug"])
}

/// Installs a program from crates.io into the target folder, unless this very version is there. Answers where it is.
fn tool(name: &str, version: &str, flags: &[&str]) -> Result<PathBuf> {
    let path = project::tools()
        .join("bin")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let installed = fs::read_to_string(project::tools().join(".crates.toml")).unwrap_or_default();
    if path.exists() && installed.contains(&format!("{name} {version} ")) {
        return Ok(path);
    }
    say(&format!(
        "installing {name} {version} into {}",
        project::tools().display()
    ));
    run(cargo()
        .args(["install", name, "--version", version, "--locked", "--root"])
        .arg(project::tools())
        .args(flags))?;
    Ok(path)
}
