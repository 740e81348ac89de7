//! An idle laptop leaves its disk alone, and what was only gathered in memory is told all the same.

use chrono::{DateTime, TimeDelta};
use roundtrip_behaviour_tests::{Laptop, World, at};
use roundtrip_engine::ledger::{Run, RunResult, Trigger};
use std::collections::BTreeMap;
use std::path::Path;

/// Every file of the data folder as it is on the disk: when it was written, and its bytes.
fn disk(folder: &Path) -> BTreeMap<String, (std::time::SystemTime, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the data folder") {
        let entry = entry.expect("a file");
        let name = entry.file_name().to_string_lossy().into_owned();
        let written = entry
            .metadata()
            .and_then(|about| about.modified())
            .expect("a time");
        // SQLite's index of the write-ahead log is shared memory, which readers mark; it is never synced to the disk.
        if entry.path().is_file() && !name.ends_with("-shm") {
            files.insert(name, (written, std::fs::read(entry.path()).expect("its bytes")));
        }
    }
    files
}

fn same(before: &BTreeMap<String, (std::time::SystemTime, Vec<u8>)>, folder: &Path) {
    let after = disk(folder);
    let names = |files: &BTreeMap<String, _>| files.keys().cloned().collect::<Vec<String>>();
    assert_eq!(names(before), names(&after));
    for (name, known) in before {
        let now = &after[name];
        assert!(known.1 == now.1, "{name} has other bytes");
        assert_eq!(known.0, now.0, "{name} was written");
    }
}

async fn stored(laptop: &Laptop) -> Vec<Run> {
    let ledger = laptop.engine.ledger();
    ledger
        .runs(DateTime::UNIX_EPOCH, 1_000)
        .await
        .expect("the ledger works")
}

/// A laptop that has nothing more to do.
async fn idle() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    // What was written is listed once more.
    world.advance(60);
    world.sync().await;
    (world, visit)
}

#[tokio::test]
async fn twenty_checks_without_changes_write_nothing() {
    let (world, _) = idle().await;
    let before = disk(world.folder());
    let rows = stored(&world).await;
    let counted = world.engine.figures().await.expect("figures").runs.of;
    for _ in 0..20 {
        world.advance(120);
        let report = world.cycle(Trigger::Timer).await;
        assert_eq!(report.result, Some(RunResult::Success));
        // Looking does not write either.
        world.snapshot().await;
    }
    same(&before, world.folder());
    assert_eq!(stored(&world).await, rows);

    // The window knows all the same when it was looked, and how often.
    let state = world.state().await;
    assert_eq!(state.platform_read_at, Some(world.now()));
    assert_eq!(state.calendar_read_at, Some(world.now()));
    let told = world.engine.runs(DateTime::UNIX_EPOCH, 10).await.expect("runs");
    assert_eq!(told[0].checks.len(), 20);
    assert_eq!(
        told[0].counts.platform_requests + told[0].counts.calendar_requests,
        42,
        "{told:?}"
    );
    assert_eq!(told[1..], rows);
    let figures = world.engine.figures().await.expect("figures");
    assert_eq!(figures.runs.of, counted + 20);

    world.engine.store_checks().await.expect("a disk");
    assert_eq!(stored(&world).await, told);
    assert_eq!(world.engine.figures().await.expect("figures"), figures);
    world.engine.store_checks().await.expect("nothing more to write");
    assert_eq!(stored(&world).await.len(), told.len());
}

#[tokio::test]
async fn after_an_hour_the_checks_are_one_row() {
    let (world, _) = idle().await;
    let rows = stored(&world).await.len();
    for _ in 0..6 {
        world.advance(10 * 60);
        world.cycle(Trigger::Timer).await;
    }
    assert_eq!(stored(&world).await.len(), rows);
    world.advance(10 * 60);
    world.cycle(Trigger::Timer).await;
    let after = stored(&world).await;
    assert_eq!(after.len(), rows + 1);
    assert_eq!(after[0].checks.len(), 7);
    let read = world
        .engine
        .ledger()
        .sync_state()
        .await
        .expect("the ledger works");
    assert_eq!(read.calendar_read_at, Some(world.now()));
}

#[tokio::test]
async fn a_change_takes_the_checks_before_it_along() {
    let (world, visit) = idle().await;
    let rows = stored(&world).await.len();
    for _ in 0..3 {
        world.advance(60);
        world.cycle(Trigger::Timer).await;
    }
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.advance(60);
    world.cycle(Trigger::Timer).await;
    let after = stored(&world).await;
    assert_eq!(after.len(), rows + 2);
    assert_eq!((after[0].counts.changed, after[0].checks.len()), (1, 0));
    assert_eq!(after[1].checks.len(), 3);
}

#[tokio::test]
async fn a_crash_forgets_checks_and_no_fact() {
    let (mut world, visit) = idle().await;
    for _ in 0..3 {
        world.advance(60);
        world.cycle(Trigger::Timer).await;
    }
    let stored_at = world
        .engine
        .ledger()
        .sync_state()
        .await
        .expect("state")
        .calendar_read_at;
    assert!(stored_at < world.state().await.calendar_read_at);
    world.trainer().drag(&visit, "2026-12-01 15:00");
    // Nothing is told before the end: as if the power had gone.
    world.restart().await;
    assert_eq!(world.state().await.calendar_read_at, stored_at);
    world.advance(60);
    world.settle().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn trouble_is_written_down_when_it_begins_and_when_it_ends() {
    let (world, _) = idle().await;
    world.cycle(Trigger::Timer).await;
    let rows = stored(&world).await.len();
    world.wire.unplug("");
    let mut failed = Vec::new();
    for _ in 0..5 {
        world.advance(20);
        world.cycle(Trigger::NetworkBack).await;
        failed.push(stored(&world).await.len() - rows);
    }
    assert_eq!(
        failed,
        [2, 2, 2, 2, 2],
        "the checks before, and the first that failed"
    );
    world.wire.plug_in();
    world.advance(20);
    world.cycle(Trigger::NetworkBack).await;
    let after = stored(&world).await;
    assert_eq!(after.len(), rows + 4);
    assert_eq!((after[1].result, after[1].checks.len()), (RunResult::Failed, 4));
    let since = world.now() - TimeDelta::hours(1);
    let told = world.engine.runs(since, 100).await.expect("runs");
    assert_eq!(told.len(), stored(&world).await.len());
}
