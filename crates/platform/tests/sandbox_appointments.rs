//! Feed and moves, against the stand-in of the platform.

use crate::world;

use roundtrip_core::appointment::{AppointmentStatus, RemovalReason};
use roundtrip_core::ids::{AppointmentId, IdempotencyKey};
use roundtrip_engine::ports::{PlatformChange, PlatformFeed, PlatformPort as _, PortError};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::platform::EditableField;
use serde_json::json;
use world::*;

#[tokio::test]
async fn the_feed_tells_everything_once_and_an_idle_look_costs_one_request() {
    let world = World::new().await;
    let kept = world.plan("2026-12-01T09:00:00Z", |_| ());
    let gone = world.plan("2026-12-02T09:00:00Z", |_| ());
    let given = world.plan("2026-12-03T09:00:00Z", |_| ());
    let snapshot = world.listing(None).await;
    assert!(snapshot.snapshot && snapshot.policy.enabled);
    let ids = snapshot.items.iter().map(|item| match item {
        PlatformChange::Upsert(appointment) => appointment.id.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        ids.collect::<Vec<_>>(),
        [kept.clone(), gone.clone(), given.clone()]
    );
    // Nothing new: one request, and from the second look on without a body.
    let idle = world.listing(Some(&snapshot.next_cursor)).await;
    assert_eq!((idle.items.len(), &idle.next_cursor), (0, &snapshot.next_cursor));
    let before = world.client.requests_sent();
    let again = world
        .client
        .changes(Some(&idle.next_cursor), idle.etag.as_deref())
        .await;
    assert!(matches!(again, Ok(PlatformFeed::Unchanged { policy }) if policy.enabled));
    assert_eq!(world.client.requests_sent(), before + 1);
    // Something new comes although the old etag is sent.
    world
        .platform()
        .cancel_appointment(gone.as_str())
        .expect("cancelled");
    world
        .platform()
        .reassign_appointment(given.as_str(), None)
        .expect("given away");
    let later = Some(at("2026-12-01T12:00:00Z"));
    world
        .platform()
        .move_appointment(kept.as_str(), at("2026-12-01T11:00:00Z"), later, None)
        .expect("moved");
    let news = match world
        .client
        .changes(Some(&idle.next_cursor), idle.etag.as_deref())
        .await
    {
        Ok(PlatformFeed::Listing(listing)) => listing,
        other => panic!("{other:?}"),
    };
    assert!(!news.snapshot);
    let removed = |wanted: &AppointmentId, why: RemovalReason| {
        news.items.iter().any(|item| matches!(item, PlatformChange::Removed { id, reason, .. } if id == wanted && *reason == why))
    };
    assert!(
        removed(&gone, RemovalReason::Cancelled) && removed(&given, RemovalReason::Unassigned),
        "{news:?}"
    );
    let moved = news.items.iter().any(|item| {
        matches!(item, PlatformChange::Upsert(appointment) if appointment.id == kept && appointment.end == later)
    });
    assert!(moved, "{news:?}");
    // Asked singly, only the platform's own words count.
    assert_eq!(
        world
            .client
            .appointment(&kept)
            .await
            .map(|appointment| appointment.end),
        Ok(later)
    );
    assert_eq!(
        world.client.appointment(&given).await.err(),
        Some(PortError::NotAssigned)
    );
    assert_eq!(
        world
            .client
            .appointment(&AppointmentId::new("apt_none"))
            .await
            .err(),
        Some(PortError::NotFound)
    );
    world.platform().expire_cursors();
    let expired = world.client.changes(Some(&news.next_cursor), None).await;
    assert_eq!(expired, Err(PortError::FeedExpired));
    assert!(world.listing(None).await.snapshot);
}

#[tokio::test]
async fn a_feed_of_many_pages_comes_whole_and_a_broken_one_not_at_all() {
    let world = World::new().await;
    world.platform().seed(MARA, 1_200).expect("planned");
    let count = world
        .platform()
        .appointments()
        .iter()
        .filter(|record| record.assignee.as_deref() == Some(MARA))
        .count();
    assert!(count >= 1_200);
    let before = world.requests("/v1/appointments");
    let snapshot = world.listing(None).await;
    assert!(snapshot.items.len() >= 1_200, "{}", snapshot.items.len());
    assert!(world.requests("/v1/appointments") >= before + 3);
    let unreadable = snapshot
        .items
        .iter()
        .filter(|item| matches!(item, PlatformChange::Unreadable { .. }))
        .count();
    assert_eq!(unreadable, 0, "every sample appointment can be read");
    let odd = |status: AppointmentStatus| {
        snapshot
            .items
            .iter()
            .any(|item| matches!(item, PlatformChange::Upsert(found) if found.status == status))
    };
    assert!(odd(AppointmentStatus::Scheduled) && !odd(AppointmentStatus::Other));
    for fault in [
        Fault::CutPage,
        Fault::RepeatPage,
        Fault::BigBody { bytes: 50_000_000 },
    ] {
        let rule = FaultRule::new(Service::Platform, fault.clone())
            .path("/v1/appointments")
            .after(1)
            .times(0);
        let id = world.running.sandbox.shared.faults().add(rule);
        let broken = world.client.changes(None, None).await;
        assert!(
            matches!(broken, Err(PortError::BadAnswer { .. })),
            "{fault:?}: {broken:?}"
        );
        world.running.sandbox.shared.faults().remove(&id);
    }
    let rule = FaultRule::new(Service::Platform, Fault::DropAfter)
        .path("/v1/appointments")
        .after(2);
    world.running.sandbox.shared.faults().add(rule);
    let cut = world.client.changes(None, None).await;
    assert_eq!(cut, Err(PortError::Unreachable { nothing_sent: false }));
    assert_eq!(world.listing(None).await.items.len(), snapshot.items.len());
}

#[tokio::test]
async fn a_move_reaches_the_platform_once_with_one_notification() {
    let world = World::new().await;
    let id = world.plan("2026-12-01T09:00:00Z", |_| ());
    let version = world.client.appointment(&id).await.expect("there").version;
    world.fault("/move", Fault::DropAfter);
    let lost = world
        .report(&id, version, "key-00001", "2026-12-01T13:00:00Z")
        .await;
    assert_eq!(lost, Err(PortError::Unreachable { nothing_sent: false }));
    for _ in 0..2 {
        let taken = world
            .report(&id, version, "key-00001", "2026-12-01T13:00:00Z")
            .await
            .expect("taken");
        assert_eq!(
            (taken.appointment.start, taken.admin_notified),
            (at("2026-12-01T13:00:00Z"), true)
        );
        assert_eq!(taken.appointment.version, version + 1);
    }
    let told = world.platform().notifications();
    assert_eq!(told.len(), 1);
    let source = told[0].source.as_ref().expect("told from where");
    assert_eq!(json!(source)["device"], json!("Mara's laptop"));
    let reused = world
        .report(&id, version, "key-00001", "2026-12-01T14:00:00Z")
        .await;
    assert!(matches!(reused, Err(PortError::Refused { reason, .. }) if reason == "key_reused"));
}

#[tokio::test]
async fn a_no_comes_with_its_reason_and_words() {
    let world = World::new().await;
    let id = world.plan("2026-12-01T09:00:00Z", |_| ());
    let other = world.plan("2026-12-02T09:00:00Z", |_| ());
    let locked = world.plan("2026-12-03T09:00:00Z", |new| new.locked = true);
    let fixed = world.plan("2026-12-04T09:00:00Z", |new| new.editable = vec![]);
    let version = |id: &AppointmentId| {
        world
            .platform()
            .appointment(id.as_str())
            .expect("planned")
            .appointment
            .version
    };
    for (id, begins, expected) in [
        (&id, "2026-12-02T09:30:00Z", "overlap"),
        (&id, "2026-12-01T22:00:00Z", "outside_hours"),
        (&id, "2026-11-20T09:00:00Z", "in_past"),
        (&id, "2026-12-25T09:00:00Z", "holiday"),
        (&locked, "2026-12-03T12:00:00Z", "locked"),
        (&fixed, "2026-12-04T12:00:00Z", "not_editable"),
    ] {
        match world
            .report(id, version(id), &format!("key-{expected}"), begins)
            .await
        {
            Err(PortError::Refused {
                reason,
                detail,
                current,
            }) => {
                assert_eq!(reason, expected);
                assert!(detail.is_some_and(|words| !words.is_empty()), "{expected}");
                assert_eq!(current.is_some(), expected == "overlap", "{expected}");
            }
            answer => panic!("{expected}: {answer:?}"),
        }
    }
    // Somebody else changed it meanwhile: the state in the way comes along.
    let known = version(&id);
    let end = Some(at("2026-12-07T10:00:00Z"));
    world
        .platform()
        .move_appointment(id.as_str(), at("2026-12-07T09:00:00Z"), end, None)
        .expect("moved");
    match world
        .report(&id, known, "key-stale", "2026-12-01T12:00:00Z")
        .await
    {
        Err(PortError::PreconditionFailed {
            current: Some(current),
        }) => assert_eq!(current.end, end),
        answer => panic!("{answer:?}"),
    }
    world
        .platform()
        .reassign_appointment(other.as_str(), None)
        .expect("given away");
    let gone = world.report(&other, 1, "key-other", "2026-12-02T12:00:00Z").await;
    assert_eq!(gone, Err(PortError::NotAssigned));
    assert_eq!(
        world.platform().notifications().len(),
        0,
        "nothing was moved, nobody told"
    );
}

#[tokio::test]
async fn notes_go_back_where_they_may() {
    let world = World::new().await;
    let id = world.plan("2026-12-01T09:00:00Z", |new| {
        new.editable = vec![EditableField::Notes]
    });
    let fixed = world.plan("2026-12-02T09:00:00Z", |_| ());
    let known = world.client.appointment(&id).await.expect("there");
    assert!(known.editable.notes && !known.editable.time);
    let key = IdempotencyKey::new("notes-0001");
    let taken = world
        .client
        .report_notes(&id, known.version, &key, "Bring <b>cake</b> 🎂")
        .await
        .expect("taken");
    assert_eq!(taken.appointment.notes.as_deref(), Some("Bring <b>cake</b> 🎂"));
    let version = world.client.appointment(&fixed).await.expect("there").version;
    let refused = world
        .client
        .report_notes(&fixed, version, &IdempotencyKey::new("notes-0002"), "x")
        .await;
    assert!(matches!(refused, Err(PortError::Refused { reason, .. }) if reason == "not_editable"));
}
