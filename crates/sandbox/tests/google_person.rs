//! What the trainer does in the calendar: the actions tests use, and the private routes of the page.

use crate::google_support;

use google_support::*;
use serde_json::{Value, json};

async fn act(world: &World, action: &Value) -> Reply {
    let body = action.to_string().into_bytes();
    world
        .send("POST", "/ui/act", &[("content-type", "application/json")], body)
        .await
}

async fn page_state(world: &World, query: &str) -> Value {
    world
        .send("GET", &format!("/ui/state?{query}"), &[], Vec::new())
        .await
        .ok()
}

#[tokio::test]
async fn the_page_and_its_parts_are_served() {
    let world = World::new();
    let page = world.send("GET", "/", &[], Vec::new()).await;
    assert!(page.text().contains("<title>Calendar (sandbox)</title>"));
    for part in ["/ui/calendar.css", "/ui/calendar.js"] {
        assert_eq!(
            world.send("GET", part, &[], Vec::new()).await.status,
            200,
            "{part}"
        );
    }
}

#[tokio::test]
async fn the_page_shows_a_week_in_wall_clock_time_and_knows_when_nothing_changed() {
    let world = World::new();
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    world
        .insert(&event("visit00002", "2026-11-30T09:00:00"))
        .await
        .ok();
    let query = format!("account={}&from=2026-11-23", encoded(MARA));
    let state = page_state(&world, &query).await;
    assert_eq!(
        (&state["now"], &state["zone"]),
        (&json!("2026-11-21T09:00"), &json!("Europe/Berlin"))
    );
    let events = state["events"].as_array().expect("events");
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["start"], &events[0]["end"]),
        (&json!("2026-11-23T09:00"), &json!("2026-11-23T10:00"))
    );
    let version = encoded(state["version"].as_str().expect("a version"));
    let same = format!("{query}&version={version}");
    assert_eq!(page_state(&world, &same).await["unchanged"], true);
    world.patch("visit00001", &json!({"summary": "x"})).await.ok();
    assert_eq!(page_state(&world, &same).await["events"][0]["title"], "x");
}

#[tokio::test]
async fn an_edit_in_the_page_changes_only_what_it_names() {
    let world = World::new();
    let mut sent = event("visit00001", "2026-11-23T09:00:00");
    sent["start"]["timeZone"] = json!("Europe/Zurich");
    sent["extendedProperties"] = json!({"private": {"appt": "apt_1"}});
    world.insert(&sent).await.ok();
    let edit = |fields: Value| json!({"action": "edit", "account": MARA, "calendar": "primary", "id": "visit00001", "fields": fields});
    act(
        &world,
        &edit(json!({"start": "2026-11-24T14:15", "end": "2026-11-24T15:15"})),
    )
    .await
    .ok();
    let moved = world.read("visit00001").await.ok();
    assert_eq!(
        moved["start"],
        json!({"dateTime": "2026-11-24T14:15:00+01:00", "timeZone": "Europe/Zurich"})
    );
    assert_eq!(
        (&moved["summary"], &moved["extendedProperties"]["private"]["appt"]),
        (&json!("Visit"), &json!("apt_1"))
    );

    act(
        &world,
        &edit(json!({"start": "2026-11-24T00:00", "end": "2026-11-25T00:00", "all_day": true})),
    )
    .await
    .ok();
    assert_eq!(
        world.read("visit00001").await.ok()["start"],
        json!({"date": "2026-11-24"})
    );
    act(
        &world,
        &edit(json!({"start": "2026-11-24T08:00", "end": "2026-11-24T09:00"})),
    )
    .await
    .ok();
    act(&world, &edit(json!({"weekly": 4}))).await.ok();
    assert_eq!(
        world.read("visit00001").await.ok()["recurrence"],
        json!(["RRULE:FREQ=WEEKLY;COUNT=4"])
    );
    act(
        &world,
        &edit(json!({"weekly": 0, "add_guest": "guest@example.net", "tentative": true, "free": true})),
    )
    .await
    .ok();
    let after = world.read("visit00001").await.ok();
    assert_eq!(
        (after.get("recurrence"), &after["attendees"][0]["email"]),
        (None, &json!("guest@example.net"))
    );
    assert_eq!(
        (&after["status"], &after["transparency"]),
        (&json!("tentative"), &json!("transparent"))
    );
    let refused = act(
        &world,
        &edit(json!({"start": "2026-11-24T08:00", "end": "2026-11-23T09:00"})),
    )
    .await;
    refused.refused(400, "timeRangeEmpty");
}

#[tokio::test]
async fn create_copy_move_delete_restore() {
    let world = World::new();
    let second = world
        .google
        .add_calendar(MARA, "Second", chrono_tz::Europe::Berlin)
        .expect("an account");
    let create = json!({"action": "create", "account": MARA, "calendar": "primary", "fields":
        {"title": "Mine", "start": "2027-03-28T09:00", "end": "2027-03-28T10:00"}});
    let id = act(&world, &create).await.ok()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(
        world.read(&id).await.ok()["start"]["dateTime"],
        "2027-03-28T09:00:00+02:00"
    );
    world
        .patch(
            &id,
            &json!({"extendedProperties": {"private": {"appt": "apt_1"}}}),
        )
        .await
        .ok();
    let with = |action: &str| json!({"action": action, "account": MARA, "calendar": "primary", "id": id});
    let copy = act(&world, &with("copy")).await.ok()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_ne!(copy, id);
    assert_eq!(
        world.read(&copy).await.ok()["extendedProperties"]["private"]["appt"],
        "apt_1",
        "the mark is copied too"
    );
    act(&world, &with("delete")).await.ok();
    let state = page_state(&world, &format!("account={}", encoded(MARA))).await;
    assert_eq!(
        (state["bin"].as_array().map(Vec::len), &state["bin"][0]["id"]),
        (Some(1), &json!(id))
    );
    act(&world, &with("restore")).await.ok();
    assert_eq!(world.read(&id).await.ok()["status"], "confirmed");
    let mut moving = with("move");
    moving["destination"] = json!(second);
    act(&world, &moving).await.ok();
    assert_eq!(world.read(&id).await.ok()["status"], "cancelled");
    let state = page_state(&world, &format!("account={}", encoded(MARA))).await;
    assert_eq!(state["bin"], json!([]), "what was moved away is not in the bin");
}

#[tokio::test]
async fn an_event_link_leads_to_its_week() {
    let world = World::new();
    world.google.set_public_url("http://127.0.0.1:9");
    let made = world
        .insert(&event("visit00001", "2026-12-02T09:00:00"))
        .await
        .ok();
    let link = made["htmlLink"].as_str().expect("a link");
    let path = link
        .strip_prefix("http://127.0.0.1:9")
        .expect("a link to the stand-in");
    let reply = world.send("GET", path, &[], Vec::new()).await;
    assert_eq!(reply.status, 303);
    assert!(
        reply
            .header("location")
            .contains("date=2026-12-02&event=visit00001"),
        "{}",
        reply.header("location")
    );
}

#[tokio::test]
async fn removing_a_calendar_and_reset() {
    let world = World::with(true);
    assert!(
        ids(&world.list("").await.ok()).len() >= 6,
        "trainers have a life of their own"
    );
    world.google.remove_calendar(MARA, "primary").expect("a calendar");
    world.list("").await.refused(404, "notFound");
    world.google.reset();
    world.list("").await.refused(401, "authError");
    assert_eq!(world.google.calendars(MARA).expect("an account").len(), 3);
    assert_eq!(world.google.accounts().len(), 4);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers() {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let world = World::with(true);
        world
            .google
            .insert_event(
                MARA,
                "primary",
                &json!({"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}),
            )
            .expect("an event");
        answers.push((world.token.clone(), world.list("").await.text()));
    }
    assert_eq!(answers[0], answers[1]);
}
