//! The disk is full, or may only be read.

use super::{Case, ends_like, says, unbroken};
use crate::stage::{Disk, Hardship, Ran, Stage, can_mount};
use crate::stories::{self, SYNC};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;

/// All cases.
pub(super) const ALL: [Case; 3] = [
    ("full disk", full),
    ("data folder that may only be read", |stage| {
        read_only(stage, Disk::ReadOnlyFolder, &["Read-only", "check the disk"])
    }),
    ("database that may only be read", |stage| {
        read_only(stage, Disk::ReadOnlyFile, &["Read-only", "check the disk"])
    }),
];

/// KiB of room beside what is there: from none at all to nearly enough for the whole run.
const ROOMS: [u64; 9] = [0, 8, 36, 48, 72, 112, 160, 240, 360];

fn with(disk: Disk) -> Hardship {
    Hardship {
        disk: Some(disk),
        ..Hardship::default()
    }
}

fn mounted(ran: Ran) -> Result<Ran> {
    ensure!(ran.status.code() != Some(99), "mounting failed: {}", ran.err);
    Ok(ran)
}

fn full(stage: &Stage) -> Result<String> {
    if !can_mount() {
        return Ok("left out: this machine gives no mounts of one's own".into());
    }
    let story = stories::mixed(stage)?;
    let wanted = unbroken(stage, &story)?;
    let mut full = 0;
    for room in ROOMS {
        stage.go_back(&story.scene)?;
        let ran = mounted(stage.run(SYNC, &with(Disk::Full { room }))?)?;
        if !ran.went_well() {
            full += 1;
            says(&ran, &["disk is full"]).with_context(|| format!("{room} KiB of room"))?;
        }
        ends_like(stage, &story.scene, &wanted, |ending| ending)
            .with_context(|| format!("after {room} KiB of room"))?;
    }
    ensure!(full >= 3, "the disk was full {full} times only");
    Ok(format!("full in {full} of {} sizes", ROOMS.len()))
}

fn read_only(stage: &Stage, disk: Disk, words: &[&str]) -> Result<String> {
    if !can_mount() {
        return Ok("left out: this machine gives no mounts of one's own".into());
    }
    let story = stories::mixed(stage)?;
    let wanted = unbroken(stage, &story)?;
    stage.go_back(&story.scene)?;
    let contents = |stage: &Stage| -> Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(stage.data())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "roundtrip.db" || name.ends_with("-id") || name.contains("damaged") {
                files.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(files)
    };
    let before = contents(stage)?;
    let ran = mounted(stage.run(SYNC, &with(disk))?)?;
    ensure!(!ran.went_well(), "it went well: {}", ran.out);
    says(&ran, words)?;
    ensure!(stage.writes().is_empty(), "it wrote: {:?}", stage.writes());
    ensure!(contents(stage)? == before, "something was changed");
    ends_like(stage, &story.scene, &wanted, |ending| ending)?;
    Ok(String::new())
}
