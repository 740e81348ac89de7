//! `xtask setup`: what a bare Debian or Ubuntu needs, said before it is installed; elsewhere: what to install.

pub mod node;
pub mod system;

use crate::app::tauri_driver;
use crate::project;
use crate::run::{cargo, npm, read, run, say};
use anyhow::{Context, Result};
use std::fs;

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
    // Not `npm ci`: it refuses a lock in which optional packages for other systems are missing because the registry at
    // hand did not have them. `--no-save` leaves manifest and lock as they are; the versions are the lock's.
    run(npm(&ui).args(["install", "--no-save", "--no-audit", "--no-fund"]))?;
    if let Some(folder) = stamp.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(stamp, lock)?;
    Ok(())
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
    let installed = fs::read_to_string(project::tools().join(".crates.toml")).unwrap_or_default();
    if tauri_driver().exists() && installed.contains(&format!("tauri-driver {TAURI_DRIVER} ")) {
        return Ok(());
    }
    say(&format!(
        "installing tauri-driver {TAURI_DRIVER} into {}",
        project::tools().display()
    ));
    run(cargo()
        .args([
            "install",
            "tauri-driver",
            "--version",
            TAURI_DRIVER,
            "--locked",
            "--root",
        ])
        .arg(project::tools()))
}
