//! The database is damaged: it is kept aside, said, and rebuilt from both services without a duplicate.

use super::{Case, ends_like, says};
use crate::ending::{Ending, is_quiet};
use crate::stage::{Hardship, Stage};
use crate::stories::{self, SYNC};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;

/// All cases.
pub(super) const ALL: [Case; 5] = [
    ("database whose header is gone", |stage| {
        rebuilt(stage, |bytes| bytes[..32].fill(b'x'))
    }),
    ("database with a spoiled page in the middle", |stage| {
        rebuilt(stage, |bytes| {
            let middle = bytes.len() / 4096 / 2 * 4096;
            bytes[middle..middle + 4096].fill(0x5a);
        })
    }),
    ("database cut in half", |stage| {
        rebuilt(stage, |bytes| bytes.truncate(bytes.len() / 2))
    }),
    ("database overwritten with noise", |stage| {
        rebuilt(stage, |bytes| {
            for (place, byte) in bytes.iter_mut().enumerate() {
                *byte = (place.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()[0];
            }
        })
    }),
    ("write-ahead log that is garbage", log_is_garbage),
];

/// What both services know, and which event belongs to which appointment.
const OUTSIDE: [&str; 5] = [
    "appointments on the platform",
    "told to the admins",
    "events in the calendar",
    "writes that took effect in the calendar",
    "links",
];

/// What must be the same even if the last commits are lost.
const AFTER_FORGETTING: [&str; 6] = [
    "appointments on the platform",
    "told to the admins",
    "writes that took effect on the platform",
    "events in the calendar",
    "outbox",
    "open conflicts",
];

fn rebuilt(stage: &Stage, damage: fn(&mut Vec<u8>)) -> Result<String> {
    let story = stories::first_sync(stage)?;
    stage.run_well(story.verb)?;
    let before = Ending::of(stage, story.scene.at())?.only(&OUTSIDE);
    let file = stage.data().join("roundtrip.db");
    let mut bytes = fs::read(&file)?;
    damage(&mut bytes);
    fs::write(&file, &bytes)?;

    let ran = stage.run(SYNC, &Hardship::default())?;
    ensure!(!ran.went_well(), "it noticed nothing: {}", ran.out);
    says(&ran, &["damaged", "kept", "connect platform"])?;
    let aside = aside(stage)?.context("nothing was put aside")?;
    ensure!(
        fs::read(&aside)? == bytes,
        "what was put aside is not what was there"
    );
    let name = aside
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    // Said until it is mended, not only by the process that found it.
    for verb in [&["status"][..], &["doctor"], SYNC] {
        let ran = stage.run(verb, &Hardship::default())?;
        ensure!(
            format!("{}{}", ran.out, ran.err).contains(&name),
            "{verb:?} does not name {name}: {}{}",
            ran.out,
            ran.err
        );
    }
    let status = stage.run_well(&["status", "--json"])?.json()?;
    ensure!(
        status["problem"] == "database_rebuilt" && status["put_aside"] == name.as_str(),
        "{status}"
    );

    stage.sign_in()?;
    stage.run_well(SYNC)?;
    let after = Ending::of(stage, story.scene.at())?.only(&OUTSIDE);
    if let Some(difference) = after.difference(&before) {
        anyhow::bail!("rebuilt otherwise:{difference}");
    }
    is_quiet(stage)?;
    let status = stage.run_well(&["status", "--json"])?.json()?;
    ensure!(status["problem"].is_null(), "still said when mended: {status}");
    ensure!(aside.exists(), "what was put aside is gone");
    Ok(name)
}

/// The newest file that was put aside.
fn aside(stage: &Stage) -> Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(stage.data())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("roundtrip.damaged-") && name.ends_with(".db") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found.pop())
}

/// What was committed last is lost, as if a little earlier; nothing is doubled.
fn log_is_garbage(stage: &Stage) -> Result<String> {
    let story = stories::mixed(stage)?;
    let wanted = super::unbroken(stage, &story)?;
    let spoils: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes.fill(0x5a),
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle..].iter_mut().for_each(|byte| *byte ^= 0xff);
        },
        |bytes| bytes.truncate(bytes.len() * 2 / 3),
    ];
    let mut tried = 0;
    for moment in [24, 44, 64] {
        for spoil in spoils {
            stage.go_back(&story.scene)?;
            let ran = stage.run(story.verb, &Hardship::crash(moment))?;
            ensure!(ran.was_killed(), "no crash at {moment}");
            let log = stage.data().join("roundtrip.db-wal");
            let mut bytes = fs::read(&log)?;
            ensure!(!bytes.is_empty(), "an empty log at {moment}");
            spoil(&mut bytes);
            fs::write(&log, bytes)?;
            // A refresh token that was replaced and forgotten cannot be had again: then the trainer signs in.
            let ran = stage.run(SYNC, &Hardship::default())?;
            if ran.err.contains("sign-in is no longer accepted") {
                stage.sign_in()?;
            }
            // What was done and forgotten is in no history and leaves no record; both services know it all the same.
            ends_like(stage, &story.scene, &wanted, |ending| {
                ending.only(&AFTER_FORGETTING)
            })
            .with_context(|| format!("killed at {moment}"))?;
            tried += 1;
        }
    }
    Ok(format!("{tried} logs"))
}
