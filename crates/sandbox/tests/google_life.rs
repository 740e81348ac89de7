//! The life of events in the Google stand-in: deleted, revived, moved away, in series, and the record of writes.

use crate::google_support;

use google_support::*;
use roundtrip_sandbox::google::{TombstoneDetail, Via};
use serde_json::json;

#[tokio::test]
async fn a_deleted_event_is_a_tombstone_and_can_be_revived() {
    let world = World::new();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    assert_eq!(world.delete("visit00001").await.status, 204);
    world.delete("visit00001").await.refused(410, "deleted");
    let tombstone = world.read("visit00001").await.ok();
    assert_eq!(
        (tombstone["status"].as_str(), tombstone["summary"].as_str()),
        (Some("cancelled"), Some("Visit"))
    );
    let listed = world.list("showDeleted=true").await.ok();
    let mut fields: Vec<&str> = listed["items"][0]
        .as_object()
        .expect("an item")
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["etag", "id", "kind", "status"],
        "lists tell no more than they must"
    );
    world
        .google
        .set_tombstones(TombstoneDetail::Full, TombstoneDetail::Minimal);
    assert_eq!(
        world.list("showDeleted=true").await.ok()["items"][0]["summary"],
        "Visit"
    );
    assert!(world.read("visit00001").await.ok().get("summary").is_none());
    assert_eq!(ids(&world.list("").await.ok()), Vec::<String>::new());

    let unrelated = world.patch("visit00001", &json!({"summary": "Late"})).await.ok();
    assert_eq!(
        unrelated["status"], "cancelled",
        "a patch without a status does not bring it back"
    );
    let revived = world
        .patch("visit00001", &json!({"status": "confirmed"}))
        .await
        .ok();
    assert_eq!(
        (revived["status"].as_str(), revived["summary"].as_str()),
        (Some("confirmed"), Some("Late"))
    );
    assert_eq!(ids(&world.list("").await.ok()), ["visit00001"]);
}

#[tokio::test]
async fn a_purged_tombstone_cannot_be_read_and_its_id_stays_taken() {
    let world = World::new();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    world.delete("visit00001").await;
    world
        .google
        .purge_event(MARA, "primary", "visit00001")
        .expect("a tombstone");
    world.read("visit00001").await.refused(404, "notFound");
    assert_eq!(
        ids(&world.list("showDeleted=true").await.ok()),
        Vec::<String>::new()
    );
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .refused(409, "duplicate");
}

#[tokio::test]
async fn moving_to_another_calendar_leaves_a_shell() {
    let world = World::new();
    let second = world
        .google
        .add_calendar(MARA, "Second", chrono_tz::Europe::Berlin)
        .expect("an account");
    let mut sent = event("visit00001", "2026-11-23T09:00:00");
    sent["extendedProperties"] = json!({"private": {"a": "1"}});
    world.insert(&sent).await.ok();
    world
        .call("POST", &format!("{EVENTS}/visit00001/move"), &[], None)
        .await
        .refused(400, "required");
    let path = format!(
        "{EVENTS}/visit00001/move?destination={}&sendUpdates=none",
        encoded(&second)
    );
    let moved = world.call("POST", &path, &[], None).await.ok();
    assert_eq!(
        (moved["id"].as_str(), &moved["organizer"]["email"]),
        (Some("visit00001"), &json!(second))
    );
    assert_eq!(moved["extendedProperties"]["private"]["a"], "1");
    let shell = world.read("visit00001").await.ok();
    assert_eq!(
        (shell["status"].as_str(), shell.get("summary")),
        (Some("cancelled"), None)
    );
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .refused(409, "duplicate");
    let back = world
        .google
        .move_event_to_calendar(MARA, &second, "visit00001", "primary")
        .expect("moves back");
    assert_eq!(back["status"], "confirmed");
    assert_eq!(world.read("visit00001").await.ok()["summary"], "Visit");
}

#[tokio::test]
async fn every_write_is_on_record_with_send_updates_and_attendees() {
    let world = World::new();
    let path = format!("{EVENTS}?sendUpdates=none");
    world
        .call(
            "POST",
            &path,
            &[],
            Some(&event("visit00001", "2026-11-23T09:00:00")),
        )
        .await
        .ok();
    let guests = json!({"attendees": [{"email": "guest@example.net"}]});
    let answered = world
        .call(
            "PATCH",
            &format!("{EVENTS}/visit00001?sendUpdates=all"),
            &[],
            Some(&guests),
        )
        .await
        .ok();
    assert_eq!(answered["attendees"][0]["responseStatus"], "needsAction");
    world
        .google
        .delete_event(MARA, "primary", "visit00001")
        .expect("deletes");
    world.delete("visit00001").await.refused(410, "deleted");
    let audit = world.google.audit();
    let seen: Vec<_> = audit
        .iter()
        .map(|e| {
            (
                e.method,
                e.via,
                e.send_updates.as_deref(),
                e.attendees_sent,
                e.mailed.len(),
                e.status,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("insert", Via::Api, Some("none"), false, 0, 200),
            ("patch", Via::Api, Some("all"), true, 1, 200),
            ("delete", Via::Person, None, false, 0, 204),
            ("delete", Via::Api, None, false, 0, 410),
        ]
    );
    assert_eq!(audit[1].attendees, ["guest@example.net"]);
    world
        .call("POST", &format!("{EVENTS}?sendUpdates=some"), &[], Some(&guests))
        .await
        .refused(400, "invalid");
}

#[tokio::test]
async fn somebody_elses_event_can_only_be_answered() {
    let world = World::with(true);
    let all = world.list("q=Quartalsgespräch").await.ok();
    let id = all["items"][0]["id"].as_str().expect("the invitation").to_owned();
    world
        .patch(&id, &json!({"summary": "Mine"}))
        .await
        .refused(403, "forbiddenForNonOrganizer");
    world.patch(&id, &json!({"colorId": "3"})).await.ok();
}

#[tokio::test]
async fn a_series_has_exceptions_and_cancelled_occurrences() {
    let world = World::new();
    let mut sent = event("serie00001", "2027-03-22T09:00:00");
    sent["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=3"]);
    world.insert(&sent).await.ok();
    let instances = world.get(&format!("{EVENTS}/serie00001/instances")).await.ok();
    let starts: Vec<&str> = instances["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|i| i["start"]["dateTime"].as_str())
        .collect();
    assert_eq!(
        starts,
        [
            "2027-03-22T09:00:00+01:00",
            "2027-03-29T09:00:00+02:00",
            "2027-04-05T09:00:00+02:00"
        ],
        "the wall clock is kept across the change to summer time"
    );
    assert_eq!(ids(&instances)[1], "serie00001_20270329T070000Z");
    let second = world.read("serie00001_20270329T070000Z").await.ok();
    assert_eq!(second["recurringEventId"], "serie00001");
    assert!(second.get("recurrence").is_none());
    let moved = json!({"start": {"dateTime": "2027-03-30T11:00:00+02:00"}, "end": {"dateTime": "2027-03-30T12:00:00+02:00"}});
    let exception = world.patch("serie00001_20270329T070000Z", &moved).await.ok();
    assert_eq!(
        exception["originalStartTime"]["dateTime"],
        "2027-03-29T09:00:00+02:00"
    );
    assert_eq!(world.delete("serie00001_20270405T070000Z").await.status, 204);

    let masters = world.list("").await.ok();
    assert_eq!(
        ids(&masters),
        [
            "serie00001",
            "serie00001_20270329T070000Z",
            "serie00001_20270405T070000Z"
        ]
    );
    let cancelled = masters["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|item| item["status"] == "cancelled");
    let cancelled = cancelled.expect("told even without showDeleted");
    assert_eq!(cancelled["recurringEventId"], "serie00001");
    assert_eq!(
        cancelled["originalStartTime"]["dateTime"],
        "2027-04-05T09:00:00+02:00"
    );

    let singles = world.list("singleEvents=true&orderBy=startTime").await.ok();
    let starts: Vec<&str> = singles["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|i| i["start"]["dateTime"].as_str())
        .collect();
    assert_eq!(starts, ["2027-03-22T09:00:00+01:00", "2027-03-30T11:00:00+02:00"]);
    world
        .read("serie00001_20270330T070000Z")
        .await
        .refused(404, "notFound");
    let mut no_zone = json!({"id": "serie00002", "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"],
        "start": {"dateTime": "2026-11-23T09:00:00Z"}, "end": {"dateTime": "2026-11-23T10:00:00Z"}});
    world.insert(&no_zone).await.refused(400, "required");
    no_zone["start"] = json!({"date": "2027-03-27"});
    no_zone["end"] = json!({"date": "2027-03-28"});
    world.insert(&no_zone).await.ok();
    let days = world.get(&format!("{EVENTS}/serie00002/instances")).await.ok();
    assert_eq!(ids(&days), ["serie00002_20270327", "serie00002_20270328"]);
}

#[tokio::test]
async fn a_calendar_one_may_only_read_is_not_written_to() {
    let world = World::new();
    let path = format!("/calendar/v3/calendars/{HOLIDAYS}/events");
    assert_eq!(world.get(&path).await.ok()["accessRole"], "reader");
    let reply = world
        .call(
            "POST",
            &path,
            &[],
            Some(&event("visit00001", "2026-11-23T09:00:00")),
        )
        .await;
    reply.refused(403, "requiredAccessLevel");
    world
        .get("/calendar/v3/calendars/ben.adler%40gmail.example/events")
        .await
        .refused(404, "notFound");
}
