//! Events of the Google stand-in: ids, times, preconditions, merging, limits.

use crate::google_support;

use google_support::*;
use serde_json::{Value, json};

#[tokio::test]
async fn an_event_is_answered_as_the_service_does() {
    let world = World::new();
    let mut sent = event("visit00001", "2026-11-23T09:00:00");
    sent["description"] = json!("<b>Bring</b> flyers<br>");
    sent["location"] = json!("");
    sent["nonsense"] = json!(1);
    let made = world.insert(&sent).await.ok();
    assert_eq!(made["kind"], "calendar#event");
    assert_eq!(made["status"], "confirmed");
    assert_eq!(
        made["start"],
        json!({"dateTime": "2026-11-23T09:00:00+01:00", "timeZone": "Europe/Berlin"})
    );
    assert_eq!(made["description"], "<b>Bring</b> flyers<br>");
    assert_eq!(made["iCalUID"], "visit00001@google.com");
    assert_eq!(made["updated"], "2026-11-21T08:00:00.000Z");
    assert_eq!(made["created"], made["updated"]);
    assert_eq!(made["reminders"], json!({"useDefault": true}));
    assert_eq!(made["eventType"], "default");
    assert_eq!(made["sequence"], 0);
    assert_eq!(made["organizer"], json!({"email": MARA, "self": true}));
    for absent in [
        "location",
        "nonsense",
        "attendees",
        "transparency",
        "visibility",
        "recurrence",
    ] {
        assert!(made.get(absent).is_none(), "{absent}: {made}");
    }
    let read = world.read("visit00001").await;
    assert_eq!(
        read.header("etag"),
        made["etag"],
        "the header repeats the body's etag with its quotes"
    );
    assert!(read.header("etag").starts_with('"') && read.header("etag").ends_with('"'));
    assert_eq!(read.json(), made);
}

#[tokio::test]
async fn times_are_rendered_with_the_zone_of_the_calendar_or_the_one_asked_for() {
    let mut world = World::new();
    world.sign_in(LENA, &[EVENTS_SCOPE]);
    let nine_in_los_angeles = json!({"id": "visit00001",
        "start": {"dateTime": "2026-11-23T09:00:00", "timeZone": "America/Los_Angeles"},
        "end": {"dateTime": "2026-11-23T18:00:00Z"}});
    let made = world.insert(&nine_in_los_angeles).await.ok();
    assert_eq!(
        made["start"],
        json!({"dateTime": "2026-11-23T12:00:00-05:00", "timeZone": "America/Los_Angeles"}),
        "the calendar is in New York"
    );
    assert_eq!(
        made["end"],
        json!({"dateTime": "2026-11-23T13:00:00-05:00", "timeZone": "America/New_York"})
    );
    let in_berlin = world
        .get(&format!("{EVENTS}/visit00001?timeZone=Europe/Berlin"))
        .await
        .ok();
    assert_eq!(in_berlin["start"]["dateTime"], "2026-11-23T18:00:00+01:00");
}

#[tokio::test]
async fn wall_clock_times_keep_their_hour_across_a_dst_change() {
    let world = World::new();
    let saturday = world
        .insert(&event("visit00001", "2027-03-27T09:00:00"))
        .await
        .ok();
    let sunday = world
        .insert(&event("visit00002", "2027-03-28T09:00:00"))
        .await
        .ok();
    assert_eq!(saturday["start"]["dateTime"], "2027-03-27T09:00:00+01:00");
    assert_eq!(sunday["start"]["dateTime"], "2027-03-28T09:00:00+02:00");
    let in_the_gap = world
        .insert(&event("visit00003", "2027-03-28T02:30:00"))
        .await
        .ok();
    assert_eq!(in_the_gap["start"]["dateTime"], "2027-03-28T03:30:00+02:00");
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused() {
    let world = World::new();
    let with = |name: &str, value: Value| {
        let mut sent = event("visit00001", "2026-11-23T09:00:00");
        sent[name] = value;
        sent
    };
    let cases = [
        (with("start", Value::Null), "required"),
        (with("end", Value::Null), "required"),
        (with("end", json!({"date": "2026-11-24"})), "invalid"),
        (
            with("end", json!({"dateTime": "2026-11-23T08:00:00+01:00"})),
            "timeRangeEmpty",
        ),
        (
            with("start", json!({"dateTime": "2026-11-23T09:00:00"})),
            "required",
        ),
        (
            with(
                "start",
                json!({"dateTime": "2026-11-23T09:00:00Z", "date": "2026-11-23"}),
            ),
            "invalid",
        ),
        (
            with(
                "start",
                json!({"dateTime": "half past nine", "timeZone": "Europe/Berlin"}),
            ),
            "invalid",
        ),
        (with("summary", json!(5)), "parseError"),
        (with("colorId", json!("12")), "invalid"),
        (with("transparency", json!("glassy")), "invalid"),
        (with("status", json!("done")), "invalid"),
        (with("source", json!({"url": "roundtrip://x"})), "invalid"),
        (with("eventType", json!("fromGmail")), "invalid"),
        (with("recurrence", json!(["DTSTART:20261123T090000Z"])), "invalid"),
        (with("recurrence", json!(["RRULE:FREQ=SOMETIMES"])), "invalid"),
        (with("attendees", json!([{"email": "nobody"}])), "invalid"),
        (
            with(
                "reminders",
                json!({"useDefault": false, "overrides": [{"method": "sms", "minutes": 5}]}),
            ),
            "invalid",
        ),
        (
            with("extendedProperties", json!({"private": {"k": 5}})),
            "parseError",
        ),
    ];
    for (body, reason) in cases {
        let reply = world.insert(&body).await;
        assert_eq!(reply.refusal(), (400, reason.to_owned()), "{body}");
    }
    let bearer = format!("Bearer {}", world.token);
    let broken = world
        .send(
            "POST",
            EVENTS,
            &[("authorization", &bearer)],
            b"{\"summary\":".to_vec(),
        )
        .await;
    broken.refused(400, "parseError");
    assert_eq!(
        world.google.list_all(MARA, "primary").expect("a calendar").len(),
        0,
        "nothing was made"
    );
}

#[tokio::test]
async fn the_error_body_has_the_documented_shape() {
    let world = World::new();
    let reply = world.read("nosuchevent").await;
    assert_eq!(
        reply.json(),
        json!({"error": {"errors": [{"domain": "global", "reason": "notFound", "message": "Not Found"}],
            "code": 404, "message": "Not Found"}})
    );
}

#[tokio::test]
async fn ids_are_checked_and_stay_taken() {
    let world = World::new();
    for bad in [
        "abcd",
        "ABCDE1",
        "abc-def1",
        "wxyzw12",
        "a_b_c_d",
        &"a".repeat(1025),
    ] {
        let reply = world.insert(&event(bad, "2026-11-23T09:00:00")).await;
        reply.refused(400, "invalid");
        assert_eq!(reply.json()["error"]["message"], "Invalid resource id value.");
    }
    let id = "0123456789abcdef0123456789abcdef";
    world.insert(&event(id, "2026-11-23T09:00:00")).await.ok();
    world
        .insert(&event(id, "2026-11-24T09:00:00"))
        .await
        .refused(409, "duplicate");
    assert_eq!(world.delete(id).await.status, 204);
    world
        .insert(&event(id, "2026-11-24T09:00:00"))
        .await
        .refused(409, "duplicate");
    let made_without = world
        .insert(&json!({"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}))
        .await
        .ok();
    let fresh = made_without["id"].as_str().expect("an id");
    assert!(
        fresh.len() == 26 && fresh.bytes().all(|b| matches!(b, b'a'..=b'v' | b'0'..=b'9')),
        "{fresh}"
    );
}

#[tokio::test]
async fn preconditions_hold_for_patch_put_and_delete() {
    let world = World::new();
    let made = world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    let old = made["etag"].as_str().expect("an etag").to_owned();
    let path = format!("{EVENTS}/visit00001");
    let newer = world
        .call(
            "PATCH",
            &path,
            &[("if-match", &old)],
            Some(&json!({"summary": "New"})),
        )
        .await
        .ok();
    assert_ne!(
        newer["etag"], made["etag"],
        "an etag is never used twice, even if the clock stands still"
    );
    for (method, body) in [
        ("PATCH", Some(json!({"summary": "Newer"}))),
        ("PUT", Some(event("visit00001", "2026-11-24T09:00:00"))),
        ("DELETE", None),
    ] {
        let reply = world
            .call(method, &path, &[("if-match", &old)], body.as_ref())
            .await;
        reply.refused(412, "conditionNotMet");
        assert_eq!(reply.json()["error"]["errors"][0]["location"], "If-Match");
    }
    assert_eq!(world.read("visit00001").await.ok(), newer, "nothing was changed");
    let etag = newer["etag"].as_str().expect("an etag");
    assert_eq!(
        world
            .call("DELETE", &path, &[("if-match", etag)], None)
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn a_read_that_has_not_changed_is_answered_304() {
    let world = World::new();
    let made = world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    let etag = made["etag"].as_str().expect("an etag");
    let path = format!("{EVENTS}/visit00001");
    let same = world.call("GET", &path, &[("if-none-match", etag)], None).await;
    assert_eq!(
        (same.status, same.bytes.len(), same.header("etag")),
        (304, 0, etag)
    );
    world.patch("visit00001", &json!({"summary": "x"})).await.ok();
    assert_eq!(
        world
            .call("GET", &path, &[("if-none-match", etag)], None)
            .await
            .status,
        200
    );

    let list = world.list("").await;
    let etag = list.header("etag").to_owned();
    assert_eq!(
        world
            .call("GET", EVENTS, &[("if-none-match", &etag)], None)
            .await
            .status,
        304
    );
    world.patch("visit00001", &json!({"summary": "y"})).await.ok();
    assert_eq!(
        world
            .call("GET", EVENTS, &[("if-none-match", &etag)], None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_patch_merges_clears_and_replaces() {
    let world = World::new();
    let mut sent = event("visit00001", "2026-11-23T09:00:00");
    sent["location"] = json!("Nauen");
    sent["extendedProperties"] = json!({"private": {"a": "1", "b": "2"}, "shared": {"s": "x"}});
    sent["reminders"] = json!({"useDefault": false,
        "overrides": [{"method": "popup", "minutes": 5}, {"method": "email", "minutes": 60}]});
    world.insert(&sent).await.ok();
    let patch = json!({"location": null, "extendedProperties": {"private": {"a": null, "c": "3"}},
        "reminders": {"overrides": [{"method": "popup", "minutes": 10}]}});
    let after = world.patch("visit00001", &patch).await.ok();
    assert!(after.get("location").is_none());
    assert_eq!(after["summary"], "Visit");
    assert_eq!(
        after["extendedProperties"],
        json!({"private": {"b": "2", "c": "3"}, "shared": {"s": "x"}})
    );
    assert_eq!(
        after["reminders"],
        json!({"useDefault": false, "overrides": [{"method": "popup", "minutes": 10}]})
    );
    let cleared = world
        .patch(
            "visit00001",
            &json!({"extendedProperties": {"private": null, "shared": null}}),
        )
        .await
        .ok();
    assert!(cleared.get("extendedProperties").is_none());
}

#[tokio::test]
async fn the_kind_of_time_changes_only_if_the_other_field_is_cleared() {
    let world = World::new();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    let half = json!({"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}});
    world.patch("visit00001", &half).await.refused(400, "invalid");
    let whole = json!({"start": {"date": "2026-11-23", "dateTime": null, "timeZone": null},
        "end": {"date": "2026-11-24", "dateTime": null, "timeZone": null}});
    let after = world.patch("visit00001", &whole).await.ok();
    assert_eq!(
        (&after["start"], &after["end"]),
        (&json!({"date": "2026-11-23"}), &json!({"date": "2026-11-24"}))
    );
}

#[tokio::test]
async fn a_put_clears_what_it_leaves_out() {
    let world = World::new();
    let mut sent = event("visit00001", "2026-11-23T09:00:00");
    sent["location"] = json!("Nauen");
    sent["status"] = json!("tentative");
    sent["extendedProperties"] = json!({"private": {"a": "1"}});
    assert_eq!(world.insert(&sent).await.ok()["status"], "tentative");
    let path = format!("{EVENTS}/visit00001");
    let after = world
        .call(
            "PUT",
            &path,
            &[],
            Some(&event("visit00001", "2026-11-23T09:00:00")),
        )
        .await
        .ok();
    assert!(
        after.get("location").is_none() && after.get("extendedProperties").is_none(),
        "{after}"
    );
    assert_eq!(after["status"], "confirmed");
    world
        .call("PUT", &path, &[], Some(&json!({"summary": "no times"})))
        .await
        .refused(400, "required");
}

#[tokio::test]
async fn extended_properties_that_are_too_long_are_dropped_or_cut_without_a_word() {
    let world = World::new();
    let mut sent = event("visit00001", "2026-11-23T09:00:00");
    let (fits, too_long) = ("k".repeat(44), "k".repeat(45));
    sent["extendedProperties"] =
        json!({"private": {(fits.as_str()): "ü".repeat(1025), (too_long.as_str()): "x"}});
    let made = world.insert(&sent).await.ok();
    let kept = made["extendedProperties"]["private"]
        .as_object()
        .expect("properties");
    assert_eq!(kept.keys().collect::<Vec<_>>(), [&fits]);
    assert_eq!(
        kept[&fits].as_str().map(|value| value.chars().count()),
        Some(1024)
    );
}

#[tokio::test]
async fn the_sequence_counts_moves_and_may_not_go_back() {
    let world = World::new();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    assert_eq!(
        world.patch("visit00001", &json!({"summary": "x"})).await.ok()["sequence"],
        0
    );
    let moved = event("visit00001", "2026-11-23T10:00:00");
    let moved = json!({"start": moved["start"], "end": moved["end"]});
    assert_eq!(world.patch("visit00001", &moved).await.ok()["sequence"], 1);
    world
        .patch("visit00001", &json!({"sequence": 0}))
        .await
        .refused(400, "invalid");
    assert_eq!(
        world.patch("visit00001", &json!({"sequence": 7})).await.ok()["sequence"],
        7
    );
}

#[tokio::test]
async fn reminders_alone_change_the_etag_but_not_updated() {
    let world = World::new();
    let made = world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    world.advance(60);
    let reminders = json!({"reminders": {"useDefault": false}});
    let after = world.patch("visit00001", &reminders).await.ok();
    assert_eq!(after["updated"], made["updated"]);
    assert_ne!(after["etag"], made["etag"]);
    let titled = world.patch("visit00001", &json!({"summary": "x"})).await.ok();
    assert_eq!(titled["updated"], "2026-11-21T08:01:00.000Z");
}
