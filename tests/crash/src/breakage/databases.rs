//! The database is damaged: it is kept aside, said, and rebuilt from both services without a duplicate.

use super::{Case, ends_like, says};
use crate::ending::{Ending, is_quiet};
use crate::stage::{Hardship, Stage};
use crate::stories::{self, SYNC};
use anyhow::{Context, Result, ensure};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use std::fs;
use std::path::PathBuf;

/// All cases.
pub(super) const ALL: [Case; 7] = [
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
    ("database of a newer version", newer),
    ("database of each earlier version", older),
];

/// What takes a database of today back to the first schema, with the rows that it had room for.
const TO_THE_FIRST: &str = include_str!("to_the_first.sql");

/// The step that a newer version has taken: no step of ours has so high a number.
const FUTURE: (&str, &str) = (
    "9000_from_the_future.sql",
    "CREATE TABLE from_the_future (id TEXT PRIMARY KEY) STRICT;",
);

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

/// Nothing is touched, here or outside, and it is said why, although there is something to write on both sides.
fn newer(stage: &Stage) -> Result<String> {
    let story = stories::mixed(stage)?;
    stage.go_back(&story.scene)?;
    take_the_future_step(stage)?;
    let file = stage.data().join("roundtrip.db");
    let before = fs::read(&file)?;
    stage.forget_requests();
    let verbs = [
        SYNC,
        &["status"],
        &["doctor"],
        &["connect", "platform", "--print-url"],
        &["disconnect", "google", "--delete-events"],
    ];
    for verb in verbs {
        let ran = stage.run(verb, &Hardship::default())?;
        ensure!(!ran.went_well(), "{verb:?} went well: {}", ran.out);
        says(
            &ran,
            &["newer Roundtrip", "9000", "untouched", "install the newest"],
        )
        .with_context(|| format!("{verb:?}"))?;
        ensure!(fs::read(&file)? == before, "{verb:?} changed the file");
    }
    ensure!(aside(stage)?.is_none(), "it was taken for damage");
    let asked = stage.sandbox().shared.log().since(0);
    ensure!(asked.is_empty(), "it asked the services: {asked:?}");
    Ok(format!("{} verbs", verbs.len()))
}

/// Has the database carry what a newer version would have made of it, by the means that a newer version has.
fn take_the_future_step(stage: &Stage) -> Result<()> {
    let steps = stage.data().with_file_name("future");
    fs::create_dir_all(&steps)?;
    fs::write(steps.join(FUTURE.0), FUTURE.1)?;
    in_the_file(stage, async |database| {
        let mut migrator = Migrator::new(steps.as_path()).await?;
        Ok(migrator.set_ignore_missing(true).run(database).await?)
    })
}

/// The name of the moment at which the schema is as this version wants it.
const UP_TO_DATE: &str = "after the schema was brought up to date";
/// So many moments after it are tried, too: the first that the program sees of what was brought up to date.
const AND_AFTER: usize = 3;

/// What each earlier version left is brought up to date with all that it held and goes on where it was; from the first one also
/// if it dies on the way. Each step is a transaction, so that death between two of them leaves what the version in between left.
fn older(stage: &Stage) -> Result<String> {
    let story = stories::mixed(stage)?;
    let wanted = super::unbroken(stage, &story)?;
    let path = xtask::project::root().join("crates/store/migrations");
    let steps = in_the_file(stage, async |_| Ok(Migrator::new(path.as_path()).await?))?;
    let mut versions: Vec<i64> = steps.iter().map(|step| step.version).collect();
    versions.sort_unstable();
    let newest = versions.pop().context("the store has no schema")?;
    let same = |version: i64, moment: usize| {
        ends_like(stage, &story.scene, &wanted, |ending| ending)
            .with_context(|| format!("from schema {version} of {newest}, killed at {moment}"))
    };
    let mut killed = 0;
    for version in &versions {
        stage.go_back(&story.scene)?;
        in_the_file(stage, async |database| {
            sqlx::raw_sql(TO_THE_FIRST).execute(&mut *database).await?;
            Ok(steps.run_to(*version, database).await?)
        })
        .with_context(|| format!("schema {version}"))?;
        let old = stage.keep("older")?;
        let moments = stage.run_well(SYNC)?.moments;
        same(*version, 0)?;
        if *version > versions[0] {
            continue;
        }
        let place = moments.iter().position(|moment| moment == UP_TO_DATE);
        let last = place.with_context(|| format!("it never came to {UP_TO_DATE}"))? + 1 + AND_AFTER;
        for moment in 1..=last {
            stage.go_back(&old)?;
            let ran = stage.run(SYNC, &Hardship::crash(u64::try_from(moment)?))?;
            ensure!(ran.was_killed(), "no crash at {moment}");
            same(*version, moment)?;
            killed += 1;
        }
    }
    ensure!(aside(stage)?.is_none(), "an earlier version was taken for damage");
    Ok(format!("{} versions, killed {killed} times", versions.len()))
}

/// Does something with the program's file, past the store. Nobody else may have it open.
fn in_the_file<T>(stage: &Stage, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let file = SqliteConnectOptions::new().filename(stage.data().join("roundtrip.db"));
        let mut database = file.connect().await?;
        let done = work(&mut database).await?;
        database.close().await?;
        Ok(done)
    })
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
