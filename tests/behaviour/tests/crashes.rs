//! The power goes, the database is lost: nothing is doubled, nothing is forgotten.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use http::{Method, Request, Response};
use roundtrip_behaviour_tests::{BEN, Cut, Setup, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::ConflictKind;
use roundtrip_engine::ledger::{HistoryWhat, RunResult, Trigger};
use roundtrip_http::{HttpError, HttpPort};
use roundtrip_sandbox::platform::NewAppointment;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};

#[tokio::test]
async fn killed_in_the_middle_of_a_first_sync_of_200_it_finishes_after_the_restart() {
    let mut world = World::of(Setup {
        started: false,
        ..Setup::default()
    })
    .await;
    let visits = world.admin().visits(200);
    world.sync().await;
    world.engine.start_syncing().await.expect("the ledger works");

    world.lose_power(97, Cut::After).await;
    let made = world.trainer().marked().len();
    assert!((90..=110).contains(&made), "{made}");
    let mark = world.mark();
    let report = world.settle().await;

    assert_eq!(report.waiting, 0);
    assert_eq!(world.trainer().marked().len(), 200);
    // What was written before is not written again; only the few that were under way are looked at.
    let writes = world.calendar_writes_since(mark);
    assert!(
        writes <= 200 - made + 8,
        "{writes} writes for the last {}",
        200 - made
    );
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    world.check_invariants().await;
}

#[tokio::test]
async fn wherever_the_power_goes_the_end_is_the_same() {
    // One of each: add, change, delete, move back. The power goes at the first, second, … write.
    for writes in 0..4 {
        for cut in [Cut::Before, Cut::After] {
            let mut world = World::new().await;
            let visits = world.admin().visits(3);
            world.sync().await;
            world.admin().rename(&visits[0], "Rosen-Apotheke");
            world.admin().cancel(&visits[1]);
            world.trainer().drag(&visits[2], "2026-12-03 15:00");
            let new = world.admin().visit("Adler-Apotheke", "2026-12-04 09:00");
            world.advance(60);

            world.lose_power(writes, cut).await;
            world.settle().await;

            assert_eq!(
                world.trainer().title(&visits[0]),
                "Rosen-Apotheke",
                "{writes} {cut:?}"
            );
            assert!(!world.trainer().has(&visits[1]), "{writes} {cut:?}");
            assert_eq!(
                world.admin().start(&visits[2]),
                at("2026-12-03 15:00"),
                "{writes} {cut:?}"
            );
            assert!(world.trainer().has(&new), "{writes} {cut:?}");
            assert_eq!(world.admin().told_of(&visits[2]).len(), 1, "{writes} {cut:?}");
            assert_eq!(world.conflicts().await, [], "{writes} {cut:?}");
            let own_deletion_taken_for_the_trainers = world
                .story(&visits[1])
                .await
                .iter()
                .any(|what| matches!(what, HistoryWhat::RemovedInCalendar { .. }));
            assert!(!own_deletion_taken_for_the_trainers, "{writes} {cut:?}");
            world.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_change_on_the_platform_while_the_laptop_was_dark_is_not_lost() {
    for cut in [Cut::Before, Cut::After] {
        let mut world = World::new().await;
        let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
        world.lose_power(0, cut).await;
        world.admin().move_to(&visit, "2026-12-02 14:00");
        world.settle().await;

        assert_eq!(world.trainer().start(&visit), at("2026-12-02 14:00"), "{cut:?}");
        assert_eq!(world.admin().writes(), [], "{cut:?}");
        assert_eq!(world.conflicts().await, [], "{cut:?}");
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn an_edit_in_the_calendar_while_the_laptop_was_dark_is_not_lost() {
    let mut world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.lose_power(0, Cut::After).await;
    world.advance(60);
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.trainer().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_cancellation_while_an_insert_was_on_its_way_leaves_nothing_behind() {
    for cut in [Cut::Before, Cut::After] {
        let mut world = World::new().await;
        let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
        world.lose_power(0, cut).await;
        world.admin().cancel(&visit);
        world.settle().await;

        assert!(!world.trainer().has(&visit), "{cut:?}");
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn a_lost_database_is_rebuilt_from_the_calendar_without_a_duplicate() {
    let mut world = World::new().await;
    let visits = world.admin().visits(30);
    world.sync().await;
    let ids: Vec<String> = visits
        .iter()
        .map(|visit| world.trainer().event_id(visit))
        .collect();

    world.lose_database().await;
    let mark = world.mark();
    world.start().await;
    world.settle().await;

    assert_eq!(
        world.calendar_writes_since(mark),
        0,
        "nothing needs to be written"
    );
    for (visit, id) in visits.iter().zip(&ids) {
        assert_eq!(&world.trainer().event_id(visit), id);
        assert_eq!(world.badge(visit).await.0, Badge::Synced);
    }
    let rebuilt = world
        .history()
        .await
        .into_iter()
        .any(|item| item.what == HistoryWhat::Rebuilt { count: 30 });
    assert!(rebuilt, "the history says so");
    world.check_invariants().await;
}

/// A platform may plan to the millisecond (a time that came from `now()`); a calendar stores whole seconds.
#[tokio::test]
async fn a_fraction_of_a_second_is_no_move_after_a_lost_database() {
    let mut world = World::new().await;
    let start = at("2026-12-01 09:00") + TimeDelta::milliseconds(482);
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let end = Some(start + TimeDelta::milliseconds(5_400_917));
    let visit = world.admin().plan(NewAppointment { start, end, ..draft });
    world.settle().await;
    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));

    world.lose_database().await;
    let mark = world.mark();
    world.start().await;
    world.settle().await;

    assert_eq!(
        (world.admin().writes(), world.calendar_writes_since(mark)),
        (vec![], 0)
    );
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    assert_eq!(world.admin().start(&visit), start);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_lost_database_loses_no_move_no_wording_and_no_change() {
    let mut world = World::new().await;
    let visits = world.admin().visits(5);
    world.sync().await;
    world.trainer().rename(&visits[4], "Meine Apotheke");
    world.settle().await;
    world.advance(60);
    world.lose_database().await;
    // All of it happens while nobody remembers anything.
    world.trainer().drag(&visits[0], "2026-12-09 15:00");
    world.admin().move_to(&visits[1], "2026-12-10 15:00");
    world.trainer().drag(&visits[2], "2026-12-11 15:00");
    world.admin().move_to(&visits[2], "2026-12-11 18:00");
    world.trainer().delete(&visits[3]);
    world.advance(60);
    world.start().await;
    world.settle().await;

    assert_eq!(
        world.admin().start(&visits[0]),
        at("2026-12-09 15:00"),
        "the trainer's move is reported"
    );
    assert_eq!(world.admin().told_of(&visits[0]).len(), 1);
    assert_eq!(
        world.trainer().start(&visits[1]),
        at("2026-12-10 15:00"),
        "the admin's move is written"
    );
    assert_eq!(world.conflict(&visits[2]).await.kind, ConflictKind::TimeChange);
    assert_eq!(world.badge(&visits[3]).await.0, Badge::Removed);
    assert_eq!(world.trainer().title(&visits[4]), "Meine Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn after_a_lost_database_what_was_called_off_meanwhile_leaves_the_calendar() {
    let mut world = World::new().await;
    let visits = world.admin().visits(10);
    world.sync().await;
    world.advance(60);
    world.lose_database().await;
    world.admin().cancel(&visits[0]);
    world.admin().reassign(&visits[1], BEN);
    world.admin().delete(&visits[2]);
    world.start().await;
    world.settle().await;
    // What nobody says any more is held for a day.
    world.advance(24 * 3_600 + 60);
    world.settle().await;

    assert_eq!(world.trainer().marked().len(), 7);
    assert!(visits[..3].iter().all(|visit| !world.trainer().has(visit)));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_lost_database_does_not_write_what_began_before_it_was_made() {
    let mut world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-11-21 10:00");
    world.sync().await;
    world.set_time(at("2026-11-21 10:30"));
    world.lose_database().await;
    let mark = world.mark();
    world.start().await;
    world.settle().await;

    assert_eq!(world.calendar_writes_since(mark), 0);
    assert!(world.trainer().has(&visit), "and it is not deleted either");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_damaged_database_is_put_aside_and_rebuilt() {
    let mut world = World::new().await;
    let visits = world.admin().visits(5);
    world.sync().await;
    world.database.close().await;
    std::fs::write(world.folder().join("roundtrip.db"), b"this is no database at all")
        .expect("a writable folder");
    for part in ["roundtrip.db-wal", "roundtrip.db-shm"] {
        let _ = std::fs::remove_file(world.folder().join(part));
    }

    world.restart().await;
    assert!(world.database.recovered().is_some());
    world.reconnect_google().await;
    world.reconnect_platform().await;
    let mark = world.mark();
    world.start().await;
    world.settle().await;

    assert_eq!(world.calendar_writes_since(mark), 0);
    for visit in &visits {
        assert_eq!(world.badge(visit).await.0, Badge::Synced);
    }
    world.check_invariants().await;
}

/// Where a mistake of ours ends the cycle: at one of its later writes to the calendar.
struct Breaking(Arc<dyn HttpPort>, AtomicU32);

#[async_trait]
impl HttpPort for Breaking {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let writes = *request.method() == Method::POST && request.uri().path().ends_with("/events");
        let before = self.1.fetch_add(u32::from(writes), Ordering::Relaxed);
        assert!(!writes || before < 25, "a mistake of ours");
        self.0.send(request).await
    }
}

#[tokio::test]
async fn after_a_mistake_of_ours_no_run_goes_on_and_the_next_ends_the_one_it_broke() {
    let world = World::new().await;
    let visits = world.admin().visits(30);
    let breaking = Breaking(world.wire.services(), AtomicU32::new(0));
    world.wire.divert(Some(Arc::new(breaking)));
    let engine = world.engine.clone();
    let broken = tokio::spawn(async move { engine.cycle(Trigger::Manual).await.map(|_| ()) }).await;
    assert!(broken.is_err_and(|ended| ended.is_panic()));
    assert!(
        world.snapshot().await.live.progress.is_some(),
        "its bar stands still"
    );

    world.engine.has_broken();
    assert_eq!(world.snapshot().await.live.progress, None);
    world.wire.divert(None);
    world.settle().await;
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    let runs = world.engine.ledger().runs(DateTime::UNIX_EPOCH, 10).await;
    let runs = runs.expect("the ledger works");
    let going_on = runs.iter().filter(|run| run.result == RunResult::Running);
    assert_eq!(going_on.count(), 0, "{runs:?}");
    assert!(
        runs.iter().any(|run| run.result == RunResult::Partial),
        "{runs:?}"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn what_broke_tells_no_next_check_and_is_begun_anew_at_the_trainer_s_word_alone() {
    let world = World::new().await;
    let driving = world.drive().await;
    assert!(world.engine.next_check_at().is_some());
    world.engine.has_broken();
    assert_eq!(world.engine.next_check_at(), None);
    driving.stop().await;

    let mut context = Context::from_waker(Waker::noop());
    let mut asked = std::pin::pin!(world.engine.asked_for());
    let mut heard = || asked.as_mut().poll(&mut context).is_ready();
    assert!(!heard());
    world.engine.ask_for(Trigger::Hint);
    assert!(
        !heard(),
        "a platform that hints without end breaks nothing without end"
    );
    world.engine.ask_for(Trigger::Manual);
    assert!(heard());
    // It broke again before it came to that: what was asked for once is begun anew once.
    let mut again = std::pin::pin!(world.engine.asked_for());
    assert!(again.as_mut().poll(&mut context).is_pending());
}
