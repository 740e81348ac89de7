//! What a change of settings would do is said before it is applied.

use roundtrip_behaviour_tests::World;
use roundtrip_core::outbox::Intent;
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
