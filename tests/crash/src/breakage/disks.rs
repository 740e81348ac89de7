//! The disk is full, or may only be read.

use super::{Case, LeftOut, ends_like, says, unbroken};
use crate::stage::{Disk, Hardship, Ran, Stage, can_mount};
use crate::stories::{self, SYNC};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt as _;

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

/// A broken disk is a mount of the test's own. Some systems give a person none (Ubuntu since 24.04 asks AppArmor), which is then
/// said. Root is refused them by a container alone, and a check of the project that is root has been given its container for
/// this: there it is a failure, or nobody would notice that the disks are never tried.
fn mounts() -> Result<()> {
    refused(can_mount(), is_root(), std::env::var_os("CI").is_some())
}

fn refused(mounts: bool, root: bool, ci: bool) -> Result<()> {
    match (mounts, root && ci) {
        (true, _) => Ok(()),
        (false, true) => bail!("root may not mount here: the container needs the right to (CAP_SYS_ADMIN)"),
        (false, false) => Err(LeftOut("this machine gives no mounts of one's own").into()),
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

fn mounted(ran: Ran) -> Result<Ran> {
    ensure!(ran.status.code() != Some(99), "mounting failed: {}", ran.err);
    Ok(ran)
}

fn full(stage: &Stage) -> Result<String> {
    mounts()?;
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
    mounts()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_could_not_be_broken_is_left_out_and_never_passed() {
        let left_out = |root, ci| refused(false, root, ci).expect_err("not tried").is::<LeftOut>();
        assert!(refused(true, false, true).is_ok());
        assert!(left_out(false, false) && left_out(true, false) && left_out(false, true));
        assert!(!left_out(true, true), "a check that is root has to try it");
    }
}
