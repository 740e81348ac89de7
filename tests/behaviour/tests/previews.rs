//! What a change of settings would do is said before it is applied.

use roundtrip_behaviour_tests::{BEN, World};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::Resolution;
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::outbox::Intent;
use roundtrip_core::question::Answer;
use roundtrip_core::settings::{Direction, LeftOutPolicy, PrivacyLevel, SyncSettings};

async fn with_visits() -> World {
    let world = World::new().await;
    world.admin().visits(12);
    world.sync().await;
    world.settle().await;
    world
}

/// Events that would be added, changed and removed.
async fn change(world: &World, change: impl FnOnce(&mut SyncSettings)) -> (usize, usize, usize) {
    let before = world.engine.ledger().settings().await.expect("the ledger works");
    let mut after = before.clone();
    change(&mut after);
    let preview = world
        .engine
        .preview_change(&before, after)
        .await
        .expect("the ledger works");
    let count = |wanted: fn(&Intent) -> bool| {
        let intents = preview.decisions.iter().flat_map(|decision| &decision.intents);
        intents.filter(|intent| wanted(intent)).count()
    };
    (
        count(|intent| matches!(intent, Intent::Insert { .. })),
        count(|intent| matches!(intent, Intent::Patch { .. })),
        count(|intent| matches!(intent, Intent::Delete { .. })),
    )
}

#[tokio::test]
async fn every_setting_that_changes_events_says_how_many() {
    let world = with_visits().await;
    assert_eq!(change(&world, |_| {}).await, (0, 0, 0));
    assert_eq!(
        change(&world, |s| s.text.privacy = PrivacyLevel::Busy).await,
        (0, 12, 0)
    );
    assert_eq!(
        change(&world, |s| s.text.privacy = PrivacyLevel::TypeOnly).await,
        (0, 12, 0)
    );
    assert_eq!(change(&world, |s| s.text.notes = false).await, (0, 12, 0));
    assert_eq!(
        change(&world, |s| s.text.color = Some("3".into())).await,
        (0, 12, 0)
    );
    assert_eq!(change(&world, |s| s.direction = Direction::Push).await, (0, 0, 0));
    let early = chrono::NaiveTime::from_hms_opt(5, 0, 0);
    assert_eq!(change(&world, |s| s.filters.latest = early).await, (0, 0, 12));
    assert_eq!(
        change(&world, |s| {
            s.filters.latest = early;
            s.filters.left_out = LeftOutPolicy::Keep;
        })
        .await,
        (0, 0, 0)
    );
    // Nothing of all this was done.
    world.check_invariants().await;
    assert_eq!(world.trainer().marked().len(), 12);
}

#[tokio::test]
async fn what_happens_anyway_is_not_the_change_s_doing() {
    let world = with_visits().await;
    let new = world.admin().visit("Neue Apotheke", "2026-12-20 09:00");
    world.spoil_google(
        roundtrip_sandbox::faults::Fault::Status {
            status: 503,
            body: None,
            headers: Vec::new(),
        },
        |rule| rule.method("POST").times(0),
    );
    world.sync().await;
    assert!(!world.trainer().has(&new));
    assert_eq!(change(&world, |_| {}).await, (0, 0, 0));
    assert_eq!(
        change(&world, |s| s.text.color = Some("3".into())).await,
        (0, 12, 0)
    );
    world.repair();
}

/// The window's "so many of so many" and a preview's count the same, whatever became of an appointment, and each is in it once.
#[tokio::test]
async fn as_many_match_in_the_window_as_in_a_preview() {
    let world = World::new().await;
    let visits = world.admin().visits(12);
    world.sync().await;
    world.advance(3_700);
    let start_of = |visit: &String| world.admin().start(visit);
    // Stopped: the first two. Removed by the trainer: the next two.
    for visit in &visits[..2] {
        let later = start_of(visit) + chrono::TimeDelta::hours(1);
        world.admin().move_to(visit, &later.to_rfc3339());
        world
            .trainer()
            .drag(visit, &(later + chrono::TimeDelta::hours(1)).to_rfc3339());
    }
    for visit in &visits[2..4] {
        world.trainer().delete(visit);
    }
    world.settle().await;
    for visit in &visits[..2] {
        world
            .resolve(visit, Resolution::StopSyncing)
            .await
            .expect("as shown");
    }
    // Of each kind the second one, and three that are synced, fail a rule; one of those is kept, one is held.
    let excluded = [&visits[1], &visits[3], &visits[4], &visits[5]];
    world
        .set_unconfirmed(|settings| settings.filters.excluded.extend(excluded.map(AppointmentId::new)))
        .await;
    world.settle().await;
    let kept = [AppointmentId::new(&visits[4])];
    assert_eq!(world.engine.answer_held(&kept, Answer::Leave).await, Ok(1));
    // Absent, and not heard of as removed: held, and passes.
    world.admin().reassign(&visits[6], BEN);
    world.admin().platform().expire_cursors();
    // Left out before it was ever there.
    world
        .set(|settings| _ = settings.filters.types_off.insert("team_call".into()))
        .await;
    let mut call = world.admin().draft("Team", "2026-12-20 09:00");
    call.kind.id = "team_call".into();
    world.admin().plan(call);
    world.settle().await;
    let badges = [
        (0, Badge::LeftOut),
        (2, Badge::Removed),
        (4, Badge::LeftOut),
        (5, Badge::Waiting),
        (6, Badge::Waiting),
        (7, Badge::Synced),
    ];
    for (number, badge) in badges {
        assert_eq!(world.badge(&visits[number]).await.0, badge, "{number}");
    }

    let snapshot = world.snapshot().await;
    let preview = world
        .engine
        .preview(snapshot.settings.clone())
        .await
        .expect("the ledger works");
    assert_eq!(snapshot.matching(), (preview.matching, preview.total));
    // All but the stopped, the removed and the held one that fail a rule, and the call.
    assert_eq!(snapshot.matching(), (9, 13));
    assert_eq!(
        preview.left_out.values().sum::<u32>(),
        3,
        "{:?}",
        preview.left_out
    );
}

#[tokio::test]
async fn another_calendar_begins_empty() {
    let world = with_visits().await;
    let settings = world.engine.ledger().settings().await.expect("the ledger works");
    let preview = world
        .engine
        .preview_elsewhere(settings)
        .await
        .expect("the ledger works");
    assert_eq!(preview.decisions.len(), 12);
    assert!(
        preview
            .decisions
            .iter()
            .all(|decision| matches!(decision.intents.as_slice(), [Intent::Insert { .. }]))
    );
}
