//! `xtask sbom`: what is in the app, as CycloneDX: the crates by cargo-cyclonedx, the window's packages by npm itself.

use crate::run::{npm, say};
use crate::{project, setup};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of the format; both tools write it.
const SPEC: &str = "1.5";

/// Writes both lists into target/sbom.
pub fn write() -> Result<()> {
    let folder = project::target().join("sbom");
    fs::create_dir_all(&folder)?;
    say("listing the crates");
    crates(&folder.join("roundtrip-crates.cdx.json"))?;
    say("listing the window's packages");
    packages(&folder.join("roundtrip-window.cdx.json"))
}

/// The tool writes one list beside each manifest of the workspace. The app's is kept.
fn crates(to: &Path) -> Result<()> {
    let name = format!("sbom-{}", std::process::id());
    let root = project::root();
    let status = Command::new(setup::cargo_cyclonedx()?)
        .current_dir(&root)
        .args([
            "cyclonedx",
            "--format",
            "json",
            "--spec-version",
            SPEC,
            "--target",
            "all",
        ])
        .args(["--quiet", "--override-filename", &name])
        .status()
        .context("couldn't start cargo-cyclonedx")?;
    let made = found(&root, &format!("{name}.json"))?;
    let list = fs::read_to_string(root.join(format!("{name}.json")));
    for path in made {
        fs::remove_file(path)?;
    }
    if !status.success() {
        bail!("cargo-cyclonedx ended with {status}");
    }
    // Our own crates are named by where they lie on this machine, which is nobody's business.
    let here = root.display().to_string();
    let text = list
        .context("cargo-cyclonedx wrote nothing")?
        .replace(&here, "/roundtrip");
    keep(to, &text, "roundtrip")
}

fn packages(to: &Path) -> Result<()> {
    let output = npm(&project::ui())
        .args([
            "sbom",
            "--sbom-format",
            "cyclonedx",
            "--package-lock-only",
            "--omit",
            "dev",
        ])
        .output()
        .context("couldn't start npm")?;
    if !output.status.success() {
        bail!("npm sbom: {}", String::from_utf8_lossy(&output.stderr));
    }
    keep(
        to,
        &String::from_utf8(output.stdout).context("npm wrote no text")?,
        "",
    )
}

/// A list that is none is an error here, not at whoever gets it.
fn keep(to: &Path, text: &str, name: &str) -> Result<()> {
    let list: Value = serde_json::from_str(text).context("the list is no JSON")?;
    let components = list["components"]
        .as_array()
        .context("the list has no components")?;
    let about = &list["metadata"]["component"]["name"];
    if components.is_empty() || list["bomFormat"] != "CycloneDX" || !name.is_empty() && about != name {
        bail!("this is no list of {name}");
    }
    fs::write(to, text)?;
    println!("{}: {} components", to.display(), components.len());
    Ok(())
}

/// Files of this name in the folder and one or two below it, where manifests of the workspace lie.
fn found(folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for pattern in ["", "crates", "tests"] {
        let within = folder.join(pattern);
        for entry in fs::read_dir(&within)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|found| found == name) {
                files.push(path);
            } else if path.join(name).is_file() {
                files.push(path.join(name));
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}
