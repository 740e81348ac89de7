//! Secrets of a sign-in that a kill leaves readable, in any form in which they could have been written down.

use crate::breakage::Case;
use crate::stage::{Hardship, Ran, Stage};
use anyhow::{Context, Result, ensure};
use scan::{Hit, Scan};
use std::fs;

/// The canary scan's own search.
#[path = "../../canary/scan.rs"]
mod scan;

/// All cases.
pub(crate) const ALL: [Case; 1] = [("tokens that lie about are found", planted)];

/// No code, verifier or token that either service knows is readable in the data folder, or in what this run said.
///
/// # Errors
/// What is, by its form and place; never the secret.
pub(crate) fn none(stage: &Stage, ran: &Ran) -> Result<()> {
    let found = search(stage, ran);
    ensure!(found.is_empty(), "a secret is readable: {found:?}");
    Ok(())
}

fn search(stage: &Stage, ran: &Ran) -> Vec<Hit> {
    let sandbox = stage.sandbox();
    let secrets = [
        ("platform", sandbox.platform.oauth().secrets()),
        ("google", sandbox.google.oauth().secrets()),
    ];
    let marks = secrets
        .iter()
        .flat_map(|(service, secrets)| secrets.iter().map(|secret| (*service, secret.as_str())));
    let scan = Scan::of(marks);
    let mut found = scan.bytes("standard output", ran.out.as_bytes());
    found.extend(scan.bytes("standard error", ran.err.as_bytes()));
    // Killed before it made its folder: nothing can lie there.
    if stage.data().exists() {
        found.extend(scan.folder(&stage.data()));
    }
    found
}

/// The search itself: it has secrets to look for, and finds each where it is put.
fn planted(stage: &Stage) -> Result<String> {
    stage.sign_in()?;
    let sandbox = stage.sandbox();
    let secrets = [
        sandbox.platform.oauth().secrets(),
        sandbox.google.oauth().secrets(),
    ]
    .concat();
    ensure!(
        secrets.len() >= 8,
        "two sign-ins have more secrets: {}",
        secrets.len()
    );
    let ran = stage.run(&["status", "--json"], &Hardship::default())?;
    none(stage, &ran)?;
    let file = stage.data().join("planted");
    for secret in &secrets {
        fs::write(&file, secret).context("planting")?;
        ensure!(
            none(stage, &ran).is_err(),
            "a secret that was planted was not found"
        );
        fs::remove_file(&file)?;
        let loud = Ran {
            err: format!("because of {secret}"),
            out: String::new(),
            moments: Vec::new(),
            ..ran
        };
        ensure!(
            none(stage, &loud).is_err(),
            "a secret that was said was not found"
        );
    }
    none(stage, &ran)?;
    Ok(format!("{} secrets", secrets.len()))
}
