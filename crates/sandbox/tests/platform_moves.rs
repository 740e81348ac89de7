//! Moves, edits and creations: every rule of the contract.

use crate::platform_support;

use chrono::TimeDelta;
use platform_support::{BEN, World, move_body};
use roundtrip_sandbox::faults::{ConnectionDropped, Fault, FaultRule, Service};
use roundtrip_sandbox::platform::{AdminEdit, EditableField, PauseReason, Rules};
use serde_json::json;

/// Tuesday.
const START: &str = "2026-12-01T09:00:00+01:00";
const NEW_START: &str = "2026-12-01T11:00:00+01:00";
const NEW_END: &str = "2026-12-01T12:30:00+01:00";

#[tokio::test]
async fn a_move_changes_version_feed_and_tells_the_admin_once() {
    let world = World::empty();
    let appointment = world.appointment(START);
    let cursor = world.get("/v1/appointments").await.json["next_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    let answer = world
        .move_to(&appointment.id, 1, "key-00001", NEW_START, NEW_END)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("etag"), "\"2\"");
    assert_eq!(answer.json["admin_notified"], true);
    assert_eq!(answer.json["appointment"]["version"], 2);
    assert_eq!(answer.json["appointment"]["start"], NEW_START);
    assert_eq!(
        answer.json["appointment"]["updated_by"],
        json!({"kind": "trainer", "name": "Mara Vogt"})
    );

    let told = world.sandbox.platform.notifications();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0]
            .from
            .as_ref()
            .map(|slot| slot.start.to_rfc3339())
            .as_deref(),
        Some(START)
    );
    assert_eq!(told[0].to.start.to_rfc3339(), NEW_START);
    let changes = world.get(&format!("/v1/appointments?cursor={cursor}")).await;
    assert_eq!(changes.json["items"][0]["appointment"]["version"], 2);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_for_seven_days() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let first = world.move_to(&id, 1, "key-00001", NEW_START, NEW_END).await;
    // Meanwhile the appointment goes on; the key is looked up before If-Match.
    world
        .sandbox
        .platform
        .edit_appointment(
            &id,
            AdminEdit {
                locked: Some(true),
                ..AdminEdit::default()
            },
        )
        .expect("edit");
    let again = world.move_to(&id, 1, "key-00001", NEW_START, NEW_END).await;
    assert_eq!((again.status, &again.json), (200, &first.json));
    // Without If-Match, from another laptop, in other words for the same instants: still the same.
    let body = json!({
        "start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:30:00Z", "time_zone": "Europe/Berlin",
        "source": {"provider": "google", "device": "Second laptop"}
    });
    let path = format!("/v1/appointments/{id}/move");
    let headers = [("idempotency-key", "key-00001")];
    let again = world
        .request("POST", &path, &headers, Some(&body.to_string()))
        .await;
    assert_eq!((again.status, &again.json), (200, &first.json));
    assert_eq!(world.sandbox.platform.notifications().len(), 1);
    assert_eq!(world.sandbox.platform.writes().len(), 1);

    let other = world
        .move_to(&id, 1, "key-00001", "2026-12-01T11:15:00+01:00", NEW_END)
        .await;
    assert_eq!(other.refusal(), (422, "key_reused"));
    let later = world.appointment("2026-12-02T09:00:00+01:00").id;
    let other = world.move_to(&later, 1, "key-00001", NEW_START, NEW_END).await;
    assert_eq!(other.refusal(), (422, "key_reused"));

    world.advance(TimeDelta::days(7));
    let world = world.seen_by("usr_7");
    let forgotten = world.move_to(&id, 1, "key-00001", NEW_START, NEW_END).await;
    assert_eq!(forgotten.refusal(), (412, "version_mismatch"));
}

#[tokio::test]
async fn only_successes_are_remembered() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let stale = world.move_to(&id, 7, "key-00001", NEW_START, NEW_END).await;
    assert_eq!(stale.refusal(), (412, "version_mismatch"));
    assert_eq!(stale.json["current"]["version"], 1);
    let fresh = world.move_to(&id, 1, "key-00001", NEW_START, NEW_END).await;
    assert_eq!(fresh.status, 200);
}

#[tokio::test]
async fn a_move_to_the_time_already_stored_changes_nothing() {
    let world = World::empty();
    let appointment = world.appointment(START);
    let answer = world
        .move_to(
            &appointment.id,
            1,
            "key-00001",
            "2026-12-01T08:00:00Z",
            "2026-12-01T10:30:00+01:00",
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["admin_notified"], false);
    assert_eq!(answer.json["appointment"], json!(appointment));
    assert_eq!(world.sandbox.platform.notifications(), []);
}

#[tokio::test]
async fn preconditions_and_keys_are_required() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let path = format!("/v1/appointments/{id}/move");
    let body = move_body(NEW_START, NEW_END).to_string();
    let no_match = world
        .request("POST", &path, &[("idempotency-key", "key-00001")], Some(&body))
        .await;
    assert_eq!(no_match.refusal(), (428, "precondition_required"));
    let no_key = world
        .request("POST", &path, &[("if-match", "\"1\"")], Some(&body))
        .await;
    assert_eq!(no_key.refusal(), (400, "invalid"));
    let long = "k".repeat(129);
    for key in ["short", &long] {
        assert_eq!(
            world.move_to(&id, 1, key, NEW_START, NEW_END).await.refusal(),
            (400, "invalid")
        );
    }
    let weak = [("idempotency-key", "key-00001"), ("if-match", "W/\"1\"")];
    assert_eq!(
        world.request("POST", &path, &weak, Some(&body)).await.refusal(),
        (412, "version_mismatch")
    );
    let cut = world
        .request(
            "POST",
            &path,
            &[("idempotency-key", "key-00001")],
            Some("{\"start\":"),
        )
        .await;
    assert_eq!(cut.refusal(), (400, "invalid"));
    let bare = world.write("POST", &path, 1, "key-00001", &json!({})).await;
    assert_eq!(
        (bare.refusal(), &bare.json["fields"]),
        ((422, "invalid"), &json!(["start"]))
    );
    let backwards = world.move_to(&id, 1, "key-00001", NEW_END, NEW_START).await;
    assert_eq!(backwards.refusal(), (422, "invalid"));
}

#[tokio::test]
async fn refusals_carry_their_reason() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let cases = [
        (
            "2026-12-01T05:00:00+01:00",
            "2026-12-01T06:00:00+01:00",
            "outside_hours",
        ),
        (
            "2026-12-06T10:00:00+01:00",
            "2026-12-06T11:00:00+01:00",
            "outside_hours",
        ),
        (
            "2026-12-25T10:00:00+01:00",
            "2026-12-25T11:00:00+01:00",
            "holiday",
        ),
        (
            "2026-11-20T10:00:00+01:00",
            "2026-11-20T11:00:00+01:00",
            "in_past",
        ),
    ];
    for (start, end, reason) in cases {
        let answer = world.move_to(&id, 1, "key-00001", start, end).await;
        assert_eq!(answer.refusal(), (422, "move_refused"), "{start}");
        assert_eq!(answer.json["reason"], reason);
        assert!(
            answer.json["detail"]
                .as_str()
                .is_some_and(|detail| detail.ends_with(['.', ')'])),
            "{}",
            answer.text
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let platform = &world.sandbox.platform;
    platform
        .edit_appointment(
            &id,
            AdminEdit {
                locked: Some(true),
                ..AdminEdit::default()
            },
        )
        .expect("edit");
    assert_eq!(
        world.move_to(&id, 2, "key-00001", NEW_START, NEW_END).await.json["reason"],
        "locked"
    );
    let edit = AdminEdit {
        locked: Some(false),
        ..AdminEdit::default()
    };
    platform.edit_appointment(&id, edit).expect("edit");
    platform.cancel_appointment(&id).expect("cancel");
    assert_eq!(
        world.move_to(&id, 4, "key-00001", NEW_START, NEW_END).await.json["reason"],
        "other"
    );
    assert_eq!(platform.notifications(), []);
    assert_eq!(
        platform.appointment(&id).map(|record| record.appointment.version),
        Some(4)
    );
}

#[tokio::test]
async fn an_overlap_says_with_what() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let other = world.appointment("2026-12-01T12:00:00+01:00");
    let answer = world.move_to(&id, 1, "key-00001", NEW_START, NEW_END).await;
    assert_eq!(answer.refusal(), (409, "overlap"));
    assert_eq!(answer.json["current"]["id"], json!(id));
    let conflicting = json!({"id": other.id, "start": other.start, "end": other.end});
    assert_eq!(answer.json["conflicting"], conflicting);
    // Back to back is fine, and so is somebody else's appointment.
    let answer = world
        .move_to(
            &id,
            1,
            "key-00002",
            "2026-12-01T10:30:00+01:00",
            "2026-12-01T12:00:00+01:00",
        )
        .await;
    assert_eq!(answer.status, 200);
    world
        .sandbox
        .platform
        .reassign_appointment(&other.id, Some(BEN))
        .expect("reassign");
    assert_eq!(
        world
            .move_to(&id, 2, "key-00003", NEW_START, NEW_END)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_is_not_the_trainers_is_refused() {
    let world = World::empty();
    let platform = &world.sandbox.platform;
    let id = world.appointment(START).id;
    let ben = world.seen_by(BEN);
    assert_eq!(
        ben.move_to(&id, 1, "key-00001", NEW_START, NEW_END)
            .await
            .refusal(),
        (403, "not_assigned")
    );
    assert_eq!(
        ben.get(&format!("/v1/appointments/{id}")).await.refusal(),
        (403, "not_assigned")
    );
    assert_eq!(
        world
            .move_to("apt_999", 1, "key-00001", NEW_START, NEW_END)
            .await
            .refusal(),
        (404, "not_found")
    );
    assert_eq!(
        world
            .move_to("apt_+1", 1, "key-00001", NEW_START, NEW_END)
            .await
            .refusal(),
        (404, "not_found")
    );

    let fixed = AdminEdit {
        editable: Some(vec![EditableField::Notes]),
        ..AdminEdit::default()
    };
    platform.edit_appointment(&id, fixed).expect("edit");
    assert_eq!(
        world
            .move_to(&id, 2, "key-00001", NEW_START, NEW_END)
            .await
            .refusal(),
        (403, "not_editable")
    );

    platform
        .pause("usr_7", Some(PauseReason::DisabledByAdmin))
        .expect("pause");
    let paused = world.move_to(&id, 2, "key-00001", NEW_START, NEW_END).await;
    assert_eq!(paused.refusal(), (403, "sync_disabled"));
    assert_eq!(
        paused.header("calendar-sync"),
        "disabled; reason=disabled_by_admin"
    );

    platform.delete_appointment(&id).expect("delete");
    assert_eq!(
        world.get(&format!("/v1/appointments/{id}")).await.refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn a_move_whose_answer_was_lost_is_done_once() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let faults = world.sandbox.shared.faults();
    faults.add(
        FaultRule::new(Service::Platform, Fault::DropAfter)
            .method("POST")
            .path("/move"),
    );
    let path = format!("/v1/appointments/{id}/move");
    let headers = [("if-match", "\"1\""), ("idempotency-key", "key-00001")];
    let body = move_body(NEW_START, NEW_END).to_string();
    let lost = world.raw("POST", &path, &headers, Some(&body)).await;
    assert!(lost.extensions().get::<ConnectionDropped>().is_some());
    let again = world.move_to(&id, 1, "key-00001", NEW_START, NEW_END).await;
    assert_eq!((again.status, &again.json["admin_notified"]), (200, &json!(true)));
    assert_eq!(world.sandbox.platform.notifications().len(), 1);

    faults.add(FaultRule::new(Service::Platform, Fault::DropBefore).method("POST"));
    let never = world.raw("POST", &path, &headers, Some(&body)).await;
    assert!(never.extensions().get::<ConnectionDropped>().is_some());
    let log = world.sandbox.shared.log().since(0);
    let statuses: Vec<_> = log
        .iter()
        .map(|request| (request.status, request.dropped))
        .collect();
    assert_eq!(statuses, [(None, true), (Some(200), false), (None, true)]);
    assert!(
        log.iter()
            .all(|request| request.route == "/v1/appointments/{id}/move")
    );
}

#[tokio::test]
async fn notes_are_edited_where_allowed() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let path = format!("/v1/appointments/{id}");
    let edit = json!({"notes": "Bring the handouts."});
    assert_eq!(
        world.write("PATCH", &path, 1, "key-00001", &edit).await.refusal(),
        (403, "not_editable")
    );
    let both = AdminEdit {
        editable: Some(vec![EditableField::Time, EditableField::Notes]),
        ..AdminEdit::default()
    };
    world.sandbox.platform.edit_appointment(&id, both).expect("edit");
    let answer = world.write("PATCH", &path, 2, "key-00001", &edit).await;
    assert_eq!(
        (answer.status, &answer.json["appointment"]["notes"]),
        (200, &edit["notes"])
    );
    assert_eq!(
        world.write("PATCH", &path, 2, "key-00001", &edit).await.json,
        answer.json
    );
    assert_eq!(
        world.write("PATCH", &path, 2, "key-00002", &edit).await.refusal(),
        (412, "version_mismatch")
    );
    let other = json!({"notes": "Other"});
    assert_eq!(
        world
            .write("PATCH", &path, 3, "key-00001", &other)
            .await
            .refusal(),
        (422, "key_reused")
    );
    assert_eq!(
        world
            .write("PATCH", &path, 3, "key-00003", &json!({}))
            .await
            .refusal(),
        (422, "invalid")
    );
    let long = json!({"notes": "ö".repeat(10_001)});
    assert_eq!(
        world.write("PATCH", &path, 3, "key-00003", &long).await.refusal(),
        (422, "invalid")
    );
    let cleared = world
        .write("PATCH", &path, 3, "key-00003", &json!({"notes": null}))
        .await;
    assert_eq!(
        (cleared.status, &cleared.json["appointment"]["notes"]),
        (200, &json!(null))
    );
}

#[tokio::test]
async fn creating_from_a_calendar() {
    let world = World::empty();
    let body = json!({
        "title": "Extra visit", "start": START, "end": "2026-12-01T10:00:00+01:00", "time_zone": "Europe/Berlin",
        "location": {"name": null, "address": "Lindenstr. 5, 10969 Berlin"}, "notes": null, "notify_admin": true,
        "source": {"provider": "google", "event_id": "abc"}
    });
    let create = async |key: &str, body: &serde_json::Value| {
        let headers = [("idempotency-key", key)];
        world
            .request("POST", "/v1/appointments", &headers, Some(&body.to_string()))
            .await
    };
    let answer = create("key-00001", &body).await;
    assert_eq!((answer.status, answer.header("etag")), (201, "\"1\""));
    assert_eq!(create("key-00001", &body).await.json, answer.json);
    assert_eq!(world.sandbox.platform.notifications().len(), 1);
    assert_eq!(create("key-00002", &body).await.refusal(), (409, "overlap"));
    // The key stands for one appointment; it is looked up before anything else is judged.
    let mut other = body.clone();
    other["title"] = json!("Another visit");
    assert_eq!(create("key-00001", &other).await.refusal(), (422, "key_reused"));
    let source = world
        .sandbox
        .platform
        .writes()
        .pop()
        .and_then(|write| write.source);
    assert_eq!(source.and_then(|source| source.event_id).as_deref(), Some("abc"));
    for (field, value) in [
        ("time_zone", json!("Berlin")),
        ("end", json!(START)),
        ("title", json!("x".repeat(201))),
        ("notes", json!("x".repeat(10_001))),
    ] {
        let mut wrong = body.clone();
        wrong["start"] = json!("2026-12-03T09:00:00+01:00");
        wrong["end"] = json!("2026-12-03T10:00:00+01:00");
        wrong[field] = value;
        let answer = create("key-00005", &wrong).await;
        assert_eq!(answer.refusal(), (422, "invalid"), "{field}");
        let fields = answer.json["fields"].as_array().expect("the fields are named");
        assert!(fields.contains(&json!(field)), "{field}: {fields:?}");
    }
    let mut untitled = body.clone();
    untitled["title"] = json!(" ");
    let untitled = create("key-00003", &untitled).await;
    assert_eq!(
        (untitled.refusal(), &untitled.json["fields"]),
        ((422, "invalid"), &json!(["title"]))
    );
    world
        .sandbox
        .platform
        .change_person("usr_7", |person| person.may_create = false)
        .expect("Mara");
    assert_eq!(create("key-00004", &body).await.refusal(), (403, "not_allowed"));
}

#[tokio::test]
async fn rules_can_be_loosened_for_simulations() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let rules = Rules {
        holidays: false,
        ..Rules::default()
    };
    world.sandbox.platform.set_rules(rules);
    let answer = world
        .move_to(
            &id,
            1,
            "key-00001",
            "2026-12-25T10:00:00+01:00",
            "2026-12-25T11:00:00+01:00",
        )
        .await;
    assert_eq!(answer.status, 200);
}
