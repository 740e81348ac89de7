//! The services' own histories: every change with its hand, before and after, in one order.

use crate::google_support;
use crate::platform_support;

use google_support::{EVENTS, World as GoogleWorld, event};
use platform_support::{MARA, World as PlatformWorld, move_body};
use roundtrip_sandbox::history::{Actor, Change, EventLife, State, Subject};
use serde_json::json;

/// The changes of one event.
fn of_event(world: &GoogleWorld, event: &str) -> Vec<Change> {
    let mut changes = world.google.history();
    changes.retain(|change| matches!(&change.subject, Subject::Event { id, .. } if id == event));
    changes
}

#[tokio::test]
async fn an_event_is_told_from_its_making_to_its_end_with_every_hand() {
    let world = GoogleWorld::new();
    let said = [("x-request-id", "run-1.4"), ("if-match", "*")];
    let body = event("visit00001", "2026-11-23T09:00:00");
    let path = format!("{EVENTS}?sendUpdates=none");
    world.call("POST", &path, &said, Some(&body)).await.ok();
    let moved = json!({"start": {"dateTime": "2026-11-23T11:00:00+01:00"}, "end": {"dateTime": "2026-11-23T12:00:00+01:00"}});
    world
        .google
        .patch_event(google_support::MARA, "primary", "visit00001", &moved)
        .expect("hers");
    world.delete("visit00001").await;
    world
        .google
        .purge_event(google_support::MARA, "primary", "visit00001")
        .expect("a tombstone");

    let changes = of_event(&world, "visit00001");
    let lives: Vec<_> = changes
        .iter()
        .map(|change| change.event_after().expect("an event").life)
        .collect();
    assert_eq!(
        lives,
        [
            EventLife::Live,
            EventLife::Live,
            EventLife::Deleted,
            EventLife::Purged
        ]
    );
    let Actor::App(app) = &changes[0].actor else {
        panic!("{:?}", changes[0]);
    };
    assert_eq!(
        (
            app.request_id.as_deref(),
            app.send_updates.as_deref(),
            app.attendees_sent
        ),
        (Some("run-1.4"), Some("none"), false)
    );
    assert!(app.request > 0 && app.session.is_some());
    assert!(changes[0].before.is_none());
    assert_eq!(changes[1].actor, Actor::Trainer);
    let (before, after) = (changes[1].event_before(), changes[1].event_after());
    let hours = |state: Option<&roundtrip_sandbox::history::EventState>| {
        state.expect("an event").start.format("%H").to_string()
    };
    assert_eq!((hours(before), hours(after)), ("08".to_owned(), "10".to_owned()));
    assert!(changes[2].actor.is_app());
    assert_eq!(changes[3].actor, Actor::Service);
    // Each begins where the one before ended, and their numbers grow.
    for pair in changes.windows(2) {
        assert_eq!(pair[0].after, pair[1].before);
        assert!(pair[0].seq < pair[1].seq);
    }
}

#[tokio::test]
async fn what_was_refused_or_changes_nothing_leaves_no_trace() {
    let world = GoogleWorld::new();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .refused(409, "duplicate");
    let stale = [("if-match", "\"1\"")];
    let path = format!("{EVENTS}/visit00001");
    world
        .call("PATCH", &path, &stale, Some(&json!({"summary": "x"})))
        .await
        .refused(412, "conditionNotMet");
    assert_eq!(of_event(&world, "visit00001").len(), 1);
}

#[tokio::test]
async fn a_deleted_series_tells_of_its_exceptions_and_a_moved_event_of_both_calendars() {
    let world = GoogleWorld::new();
    let mut series = event("series0001", "2026-11-23T09:00:00");
    series["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=3"]);
    world.insert(&series).await.ok();
    world
        .patch("series0001_20261130T080000Z", &json!({"summary": "other"}))
        .await
        .ok();
    let before = world.shared.history().last_seq();
    world.delete("series0001").await;
    let deleted = world
        .google
        .history()
        .into_iter()
        .filter(|change| change.seq > before);
    assert_eq!(deleted.count(), 2);

    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    let calendars = world.google.calendars(google_support::MARA).expect("hers");
    let other = calendars.iter().find(|calendar| calendar["summary"] == "Familie");
    let other = other.and_then(|calendar| calendar["id"].as_str()).expect("an id");
    world
        .google
        .move_event_to_calendar(google_support::MARA, "primary", "visit00001", other)
        .expect("hers");
    let lives: Vec<_> = of_event(&world, "visit00001")
        .iter()
        .skip(1)
        .filter_map(|change| change.event_after().map(|event| event.life))
        .collect();
    assert_eq!(lives.len(), 2);
    assert!(lives.contains(&EventLife::MovedAway) && lives.contains(&EventLife::Live));
}

#[tokio::test]
async fn an_appointment_its_notification_the_lease_and_the_sign_in_are_told() {
    let world = PlatformWorld::empty();
    let platform = &world.sandbox.platform;
    let made = world.appointment("2026-12-01T09:00:00+01:00");
    let body = move_body("2026-12-01T11:00:00+01:00", "2026-12-01T12:30:00+01:00");
    let path = format!("/v1/appointments/{}/move", made.id);
    for _ in 0..2 {
        // The same key twice: one change, one notification.
        assert_eq!(
            world.write("POST", &path, 1, "key-00000001", &body).await.status,
            200
        );
    }
    platform.cancel_appointment(&made.id).expect("there");
    let report = json!({"status": "active", "linked": 0, "waiting": 0, "conflicts": 0, "app_version": "1", "device": "x",
        "device_id": "laptop-1", "last_success_at": null, "problem": null});
    let answer = world.send("PUT", "/v1/me/integrations/google", &report).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let history = platform.history();
    let of = |wanted: &str| {
        let about = history.iter().filter(move |change| match &change.subject {
            Subject::Appointment { id } => id == wanted,
            _ => false,
        });
        about.cloned().collect::<Vec<_>>()
    };
    let changes = of(&made.id);
    assert_eq!(
        changes
            .iter()
            .map(|change| change.appointment_after().expect("one").version)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(changes[0].actor, Actor::Admin);
    let Actor::App(app) = &changes[1].actor else {
        panic!("{:?}", changes[1]);
    };
    assert_eq!(
        (app.idempotency_key.as_deref(), app.device.as_deref()),
        (Some("key-00000001"), Some("Mara's laptop"))
    );
    assert_eq!(changes[2].appointment_after().expect("one").status, "cancelled");
    let told: Vec<_> = history
        .iter()
        .filter_map(|change| match &change.after {
            Some(State::Notification(told)) => Some(told.to.0),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        ["2026-12-01T10:00:00Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .expect("an instant")]
    );
    let lease = history
        .iter()
        .find(|change| matches!(change.subject, Subject::Lease { .. }));
    let lease = lease.expect("a lease");
    assert!(matches!(&lease.actor, Actor::App(app) if app.device.as_deref() == Some("laptop-1")));
    let signed_in = history.iter().find_map(|change| match &change.after {
        Some(State::Session { what, account }) => Some((*what, account.as_str())),
        _ => None,
    });
    assert_eq!(signed_in, Some(("signed_in", MARA)));
}
