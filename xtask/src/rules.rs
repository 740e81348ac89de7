//! The lines of the architecture that a program can hold: who may depend on whom, and what no file may contain.

pub mod bugs;
mod files;
mod graph;
mod security;
mod supply;

use crate::counts::Counts;
use crate::run::{cargo, read};
use anyhow::{Context, Result};
use serde_json::Value;

/// One rule and what breaks it.
pub struct Rule {
    /// What must hold, as a sentence.
    pub name: String,
    /// Each place that breaks it.
    pub broken: Vec<String>,
}

/// Checks all rules and says what is broken.
pub fn check() -> Result<Counts> {
    // For this system only: what another system's builds need (web assembly, say) says nothing about ours.
    let host = host()?;
    let metadata = read(cargo().args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--all-features",
        "--filter-platform",
        &host,
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata sent no JSON")?;
    let mut rules = graph::rules(&graph::Graph::read(&metadata)?);
    rules.extend(files::rules(&crate::project::root())?);
    rules.extend(security::rules(&crate::project::root())?);
    rules.extend(supply::rules(&crate::project::root())?);
    let mut counts = Counts::default();
    for rule in &rules {
        counts += Counts::one(rule.broken.is_empty());
        let mark = if rule.broken.is_empty() {
            "ok    "
        } else {
            "BROKEN"
        };
        println!("{mark} {}", rule.name);
        for place in &rule.broken {
            println!("         {place}");
        }
    }
    Ok(counts)
}

/// The name of the system that we build for.
fn host() -> Result<String> {
    let version = read(std::process::Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}
