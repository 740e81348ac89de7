//! Who may stop the sync: the admin, and the trainer.

use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::outbox::OutboxState;
use roundtrip_engine::ledger::Trigger;
use roundtrip_engine::ports::Hinted;
use roundtrip_sandbox::faults::Fault;
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
async fn while_paused_nothing_is_said_to_be_in_sync_once_a_side_has_told_of_a_change() {
    for side in [Hinted::Platform, Hinted::Calendar, Hinted::Everything] {
        let (world, visit) = with_visit().await;
        let until = world.now() + chrono::TimeDelta::hours(2);
        let pause = world.engine.pause_until(Some(until));
        pause.await.expect("the ledger works");
        assert_eq!(world.badge(&visit).await.0, Badge::Synced, "nothing is known");
        world.admin().move_to(&visit, "2026-12-01 15:00");
        let revision = world.engine.revision();
        world.engine.hint(side);
        assert_eq!(
            world.badge(&visit).await,
            (Badge::Waiting, Some("paused".into())),
            "{side:?}"
        );
        assert!(world.engine.revision() > revision, "the window is told");

        let resume = world.engine.pause_until(None);
        resume.await.expect("the ledger works");
        world.settle().await;
        assert_eq!(world.badge(&visit).await.0, Badge::Synced, "{side:?}");
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn a_hint_that_is_looked_after_at_once_shows_nothing_and_one_that_is_not_does() {
    let (world, visit) = with_visit().await;
    world.engine.hint(Hinted::Platform);
    assert_eq!(
        world.badge(&visit).await.0,
        Badge::Synced,
        "it is about to be read"
    );
    world.advance(31);
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Waiting, Some("not_read".into()))
    );
    world.cycle(Trigger::Hint).await;
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.advance(3_600);
    assert_eq!(
        world.badge(&visit).await.0,
        Badge::Synced,
        "that hint is dealt with"
    );
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

/// An answer in place of the platform's, which says this of sync or nothing.
fn instead(status: u16, said: Option<&str>) -> Fault {
    let said = said.map(|word| ("calendar-sync".to_owned(), word.to_owned()));
    Fault::Status {
        status,
        body: None,
        headers: said.into_iter().collect(),
    }
}

fn pause(world: &World, reason: Option<PauseReason>) {
    let user = world.person().user;
    world
        .admin()
        .platform()
        .pause(user, reason)
        .expect("Mara is known");
}

#[tokio::test]
async fn the_kill_switch_outlives_a_restart_while_the_platform_cannot_be_reached() {
    let (mut world, visit) = with_visit().await;
    pause(&world, Some(PauseReason::KillSwitch));
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.sync().await;
    world.spoil_platform(instead(503, None), |rule| rule.path("/v1/").times(0));
    world.restart().await;
    assert_eq!(world.snapshot().await.held_back, Some("sync_disabled"));
    let mark = world.mark();
    world.sync().await;
    world.restart().await;
    world.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.held_back, Some("sync_disabled"));
    assert_eq!(
        snapshot.live.policy.and_then(|policy| policy.reason).as_deref(),
        Some("kill_switch")
    );
    assert_eq!(world.trainer().title(&visit), "Linden-Apotheke");

    world.repair();
    pause(&world, None);
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_write_whose_outcome_is_unknown_is_not_sent_again_after_a_restart_while_sync_is_off() {
    let (mut world, _) = with_visit().await;
    let new = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.spoil_google(Fault::DropAfter, |rule| {
        rule.method("POST").path("/events").times(0)
    });
    world.sync().await;
    world.repair();
    let sent = world.outbox().await;
    assert!(
        matches!(sent.as_slice(), [row] if row.state == OutboxState::Sent),
        "{sent:?}"
    );
    // The platform's word is heard while nothing can be sent.
    pause(&world, Some(PauseReason::KillSwitch));
    world.wire.unplug(&world.running.google_url);
    world.sync().await;
    world.restart().await;
    let mark = world.mark();
    world.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);
    assert_eq!(world.outbox().await.len(), 1, "it is still to be learned");

    pause(&world, None);
    world.settle().await;
    assert!(world.trainer().has(&new));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_word_that_sync_is_off_counts_also_if_it_comes_with_an_error() {
    let (mut world, visit) = with_visit().await;
    world.wire.unplug(&world.running.google_url);
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.sync().await;
    world.wire.plug_in();
    let maintained = instead(503, Some("disabled; reason=maintenance"));
    world.spoil_platform(maintained, |rule| rule.path("/v1/").times(0));
    let mark = world.mark();
    world.sync().await;
    world.restart().await;
    world.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);
    let policy = world.snapshot().await.live.policy.expect("it was said");
    assert_eq!(
        (policy.enabled, policy.reason.as_deref()),
        (false, Some("maintenance"))
    );

    world.repair();
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_that_is_refused_because_sync_is_off_stops_the_calendar_s_writes_too() {
    let (mut world, visit) = with_visit().await;
    let other = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.sync().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.sync().await;
    world.wire.unplug(&world.running.google_url);
    world.admin().rename(&other, "Tannen-Apotheke");
    world.sync().await;
    world.sync().await;
    // The feed does not say it, and the status is not told anew: the refusal of the move itself is all that the laptop hears.
    pause(&world, Some(PauseReason::KillSwitch));
    world.spoil_platform(instead(304, None), |rule| {
        rule.method("GET").path("/v1/appointments?").times(0)
    });
    world.advance(30);
    let mark = world.mark();
    world.sync().await;
    let refused = world.writes_since(mark);
    assert!(
        refused.iter().any(|request| request.status == Some(403)),
        "{refused:?}"
    );
    world.repair();

    world.wire.plug_in();
    world.wire.unplug(&world.running.platform_url);
    let mark = world.mark();
    world.sync().await;
    world.restart().await;
    world.wire.unplug(&world.running.platform_url);
    world.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);
    assert_eq!(world.trainer().title(&other), "Adler-Apotheke");

    world.wire.plug_in();
    pause(&world, None);
    world.settle().await;
    assert_eq!(world.trainer().title(&other), "Tannen-Apotheke");
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn leaving_deletes_nothing_after_a_restart_while_sync_is_off() {
    let (mut world, visit) = with_visit().await;
    pause(&world, Some(PauseReason::DisabledByAdmin));
    world.sync().await;
    world.spoil_platform(instead(503, None), |rule| rule.path("/v1/").times(0));
    // Where there is a lease, it cannot be had now, and nothing is deleted for want of it.
    world.laptop = world.laptop.without_feature("writer_lease").await;
    let mark = world.mark();
    let gone = world
        .engine
        .depart(1, false)
        .await
        .expect("it could be looked at");
    assert_eq!((gone.left, gone.deleted.len()), (Some(1), 0));
    assert_eq!(world.calendar_writes_since(mark), 0);
    assert!(world.trainer().has(&visit));
    world.repair();
}

#[tokio::test]
async fn what_was_under_way_waits_after_a_restart_until_the_platform_has_said_that_it_may_go_on() {
    let (mut world, _) = with_visit().await;
    let new = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.spoil_google(Fault::DropBefore, |rule| {
        rule.method("POST").path("/events").times(0)
    });
    world.sync().await;
    world.repair();
    // While the laptop is off, with a lease that is still good.
    pause(&world, Some(PauseReason::KillSwitch));
    world.restart().await;
    let mark = world.mark();
    world.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);
    assert!(!world.trainer().has(&new));

    pause(&world, None);
    world.settle().await;
    assert!(world.trainer().has(&new));
    world.check_invariants().await;
}
