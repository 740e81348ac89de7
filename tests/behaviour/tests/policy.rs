//! Who may stop the sync: the admin, and the trainer.

use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::badge::Badge;
use roundtrip_sandbox::platform::{IntegrationStatus, PauseReason};

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

#[tokio::test]
async fn an_admin_turns_sync_off_and_all_writes_stop_and_come_back_later() {
    let (world, visit) = with_visit().await;
    let (platform, user) = (world.admin().platform().clone(), world.person().user);
    platform
        .pause(user, Some(PauseReason::DisabledByAdmin))
        .expect("Mara is known");
    world.admin().rename(&visit, "Rosen-Apotheke");
    let new = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    let mark = world.mark();
    for _ in 0..3 {
        world.settle().await;
    }
    assert!(world.writes_since(mark).is_empty());
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.held_back, Some("sync_disabled"));
    assert_eq!(
        snapshot.live.policy.and_then(|policy| policy.reason).as_deref(),
        Some("disabled_by_admin")
    );
    assert_eq!(
        world.badge(&new).await,
        (Badge::Waiting, Some("sync_disabled".into()))
    );

    platform.pause(user, None).expect("Mara is known");
    world.settle().await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert!(world.trainer().has(&new));
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_idle_check_is_enough_to_hear_that_sync_is_off() {
    let (world, _) = with_visit().await;
    world.sync().await;
    let (platform, user) = (world.admin().platform().clone(), world.person().user);
    platform
        .pause(user, Some(PauseReason::Maintenance))
        .expect("Mara is known");
    let mark = world.mark();
    world.sync().await;

    let asked: Vec<_> = world
        .requests_since(mark)
        .into_iter()
        .filter(|request| request.path.starts_with("/v1/"))
        .collect();
    assert!(
        asked.iter().any(|request| request.status == Some(304)),
        "{asked:?}"
    );
    let policy = world.snapshot().await.live.policy.expect("it was said");
    assert_eq!(
        (policy.enabled, policy.reason.as_deref()),
        (false, Some("maintenance"))
    );
    platform.pause(user, None).expect("Mara is known");
    world.check_invariants().await;
}

#[tokio::test]
async fn sync_turned_off_while_a_move_is_on_its_way_keeps_the_move() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.sync().await;
    world.advance(30);
    // The feed still says "enabled": the refusal of the move itself is the first that the laptop hears.
    let (platform, user) = (world.admin().platform().clone(), world.person().user);
    platform
        .pause(user, Some(PauseReason::KillSwitch))
        .expect("Mara is known");
    let unchanged = roundtrip_sandbox::faults::Fault::Status {
        status: 304,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_platform(unchanged, |rule| rule.method("GET").path("/v1/appointments?"));
    world.sync().await;
    world.repair();
    assert_eq!(world.admin().writes(), []);
    assert_eq!(world.conflicts().await, [], "that is no refusal of the move");

    platform.pause(user, None).expect("Mara is known");
    world.settle().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn the_trainer_pauses_and_resumes() {
    let (mut world, visit) = with_visit().await;
    let until = world.now() + chrono::TimeDelta::hours(2);
    world
        .engine
        .pause_until(Some(until))
        .await
        .expect("the ledger works");
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.trainer().drag(&visit, "2026-12-01 15:00");
    let mark = world.mark();
    world.sync().await;
    world.restart().await;
    world.sync().await;
    assert!(
        world.writes_since(mark).is_empty(),
        "a restart does not end a pause"
    );
    assert_eq!(world.badge(&visit).await.0, Badge::Waiting);
    assert_eq!(world.snapshot().await.held_back, Some("paused"));

    world.engine.pause_until(None).await.expect("the ledger works");
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_pause_ends_by_itself() {
    let (world, visit) = with_visit().await;
    world
        .engine
        .pause_until(Some(world.now() + chrono::TimeDelta::hours(1)))
        .await
        .expect("the ledger works");
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.sync().await;
    assert_eq!(world.trainer().title(&visit), "Linden-Apotheke");

    world.advance(3_601);
    world.sync().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn the_trainers_own_switch_stops_everything() {
    let (world, visit) = with_visit().await;
    world.set(|settings| settings.enabled = false).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let mark = world.mark();
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());

    world.set(|settings| settings.enabled = true).await;
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn the_admin_sees_how_the_laptop_does_and_no_title() {
    let (world, visit) = with_visit().await;
    world.admin().visits(3);
    world.settle().await;
    let seen = world.admin().platform().integrations();
    let [laptop] = seen.as_slice() else {
        panic!("one laptop: {seen:?}")
    };
    assert_eq!(
        (laptop.report.status, laptop.report.linked, laptop.writer),
        (IntegrationStatus::Active, 4, true)
    );
    assert!(!format!("{laptop:?}").contains("Apotheke"));

    world.admin().lock(&visit);
    world.trainer().drag(&visit, "2026-12-01 18:00");
    world
        .engine
        .pause_until(Some(at("2026-11-22 09:00")))
        .await
        .expect("the ledger works");
    world.sync().await;
    let laptop = world.admin().platform().integrations().pop().expect("one laptop");
    assert_eq!(laptop.report.status, IntegrationStatus::Paused);
    world.engine.pause_until(None).await.expect("the ledger works");
    world.settle().await;
    let laptop = world.admin().platform().integrations().pop().expect("one laptop");
    assert_eq!(
        (laptop.report.status, laptop.report.conflicts),
        (IntegrationStatus::Active, 1)
    );
    world.check_invariants().await;
}
