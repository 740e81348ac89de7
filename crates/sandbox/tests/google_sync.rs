//! Listings of the Google stand-in: pages, sync tokens, filters, partial answers, and lists spoiled on purpose.

use crate::google_support;

use google_support::*;
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use serde_json::{Value, json};

async fn world_with(count: usize) -> World {
    let world = World::new();
    for number in 0..count {
        world
            .insert(&event(
                &format!("visit{number:05}"),
                &format!("2026-11-{:02}T09:00:00", 23 + number),
            ))
            .await
            .ok();
    }
    world
}

#[tokio::test]
async fn pages_follow_each_other_and_only_the_last_has_a_sync_token() {
    let world = world_with(5).await;
    let mut seen = Vec::new();
    let mut query = "maxResults=2".to_owned();
    for page in 0..3 {
        let answer = world.list(&query).await.ok();
        seen.extend(ids(&answer));
        let (next, token) = (answer["nextPageToken"].as_str(), answer["nextSyncToken"].as_str());
        assert_eq!(
            (next.is_some(), token.is_some()),
            (page < 2, page == 2),
            "{answer}"
        );
        query = format!("maxResults=2&pageToken={}", encoded(next.unwrap_or_default()));
    }
    assert_eq!(
        seen,
        [
            "visit00000",
            "visit00001",
            "visit00002",
            "visit00003",
            "visit00004"
        ]
    );
    let first = world.list("maxResults=2").await.ok();
    let token = encoded(first["nextPageToken"].as_str().expect("a token"));
    world
        .list(&format!("maxResults=2&q=x&pageToken={token}"))
        .await
        .refused(400, "invalid");
    world.list("pageToken=rubbish").await.refused(400, "invalid");
}

#[tokio::test]
async fn a_page_holds_250_unless_asked_and_never_more_than_2500() {
    let world = World::new();
    for number in 0..251 {
        let day = json!({"id": format!("visit{number:05}"), "start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}});
        world
            .google
            .insert_event(MARA, "primary", &day)
            .expect("an event");
    }
    assert_eq!(ids(&world.list("").await.ok()).len(), 250);
    assert_eq!(ids(&world.list("maxResults=9999").await.ok()).len(), 251);
    world.list("maxResults=0").await.refused(400, "invalidParameter");
}

#[tokio::test]
async fn an_incremental_listing_tells_what_changed_and_nothing_else() {
    let world = world_with(3).await;
    let token = world.sync_token("").await;
    let nothing = world.changes(&token, "").await;
    assert_eq!(ids(&nothing), Vec::<String>::new());
    world.patch("visit00001", &json!({"summary": "x"})).await.ok();
    world.delete("visit00002").await;
    world
        .insert(&event("visit00009", "2026-11-23T09:00:00"))
        .await
        .ok();
    let changes = world.changes(&token, "").await;
    assert_eq!(ids(&changes), ["visit00001", "visit00002", "visit00009"]);
    let next = changes["nextSyncToken"].as_str().expect("a token").to_owned();
    assert_eq!(ids(&world.changes(&next, "").await), Vec::<String>::new());
    assert_eq!(
        ids(&world.changes(&token, "").await).len(),
        3,
        "an old token still works"
    );
}

#[tokio::test]
async fn incremental_listings_have_pages_too_and_what_changes_meanwhile_is_not_lost() {
    let world = world_with(1).await;
    let token = world.sync_token("").await;
    for number in 1..4 {
        world
            .insert(&event(&format!("visit{number:05}"), "2026-11-23T09:00:00"))
            .await
            .ok();
    }
    let first = world.changes(&token, "maxResults=2").await;
    assert_eq!(ids(&first), ["visit00001", "visit00002"]);
    assert!(first.get("nextSyncToken").is_none());
    world
        .patch("visit00001", &json!({"summary": "changed while paging"}))
        .await
        .ok();
    let page = encoded(first["nextPageToken"].as_str().expect("a token"));
    let second = world
        .changes(&token, &format!("maxResults=2&pageToken={page}"))
        .await;
    assert_eq!(ids(&second), ["visit00003"]);
    let next = second["nextSyncToken"].as_str().expect("a token").to_owned();
    assert_eq!(ids(&world.changes(&next, "").await), ["visit00001"]);
}

#[tokio::test]
async fn parameters_that_do_not_go_with_a_sync_token_are_refused() {
    let world = world_with(1).await;
    let token = encoded(&world.sync_token("").await);
    for query in [
        "iCalUID=x",
        "orderBy=updated",
        "privateExtendedProperty=a%3Db",
        "q=x",
        "sharedExtendedProperty=a%3Db",
        "timeMin=2026-11-23T09:00:00Z",
        "timeMax=2026-11-23T09:00:00Z",
        "updatedMin=2026-11-20T09:00:00Z",
        "showDeleted=false",
        "singleEvents=true",
    ] {
        world
            .list(&format!("syncToken={token}&{query}"))
            .await
            .refused(400, "badRequest");
    }
    for query in [
        "showDeleted=true",
        "maxResults=10",
        "timeZone=UTC",
        "fields=items/id",
    ] {
        world.list(&format!("syncToken={token}&{query}")).await.ok();
    }
    world.list("syncToken=rubbish").await.refused(400, "invalid");
}

#[tokio::test]
async fn a_sync_token_dies_with_its_epoch_and_belongs_to_one_calendar_and_account() {
    let world = world_with(1).await;
    let token = encoded(&world.sync_token("").await);
    let second = world
        .google
        .add_calendar(MARA, "Second", chrono_tz::Europe::Berlin)
        .expect("an account");
    let elsewhere = format!(
        "/calendar/v3/calendars/{}/events?syncToken={token}",
        encoded(&second)
    );
    world.get(&elsewhere).await.refused(410, "fullSyncRequired");
    world.google.expire_sync_tokens();
    let dead = world.list(&format!("syncToken={token}")).await;
    dead.refused(410, "fullSyncRequired");
    assert_eq!(dead.json()["error"]["errors"][0]["location"], "syncToken");
    world.sync_token("").await;
}

#[tokio::test]
async fn single_events_report_what_a_series_lost() {
    let world = World::new();
    let mut sent = event("serie00001", "2026-11-23T09:00:00");
    world.insert(&sent).await.ok();
    let single = world.sync_token("singleEvents=true").await;
    sent["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=3"]);
    let series = world
        .patch("serie00001", &json!({"recurrence": sent["recurrence"]}))
        .await
        .ok();
    assert_eq!(series["recurrence"], sent["recurrence"]);
    let changes = world.changes(&single, "singleEvents=true").await;
    assert_eq!(
        ids(&changes).len(),
        4,
        "three occurrences, and the single event as gone: {changes}"
    );
    let token = changes["nextSyncToken"].as_str().expect("a token").to_owned();
    world
        .patch(
            "serie00001",
            &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]}),
        )
        .await
        .ok();
    let changes = world.changes(&token, "singleEvents=true").await;
    let cancelled: Vec<&Value> = changes["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|item| item["status"] == "cancelled")
        .collect();
    assert_eq!(cancelled.len(), 1);
    assert_eq!(cancelled[0]["id"], "serie00001_20261207T080000Z");
    world.delete("serie00001").await;
    let gone = world.changes(&token, "singleEvents=true").await;
    assert!(
        gone["items"]
            .as_array()
            .expect("items")
            .iter()
            .all(|item| item["status"] == "cancelled"),
        "{gone}"
    );
}

#[tokio::test]
async fn filters_and_orders() {
    let world = world_with(4).await;
    let marked =
        json!({"summary": "Apotheke am Markt", "extendedProperties": {"private": {"appt": "apt_1"}}});
    world.patch("visit00002", &marked).await.ok();
    assert_eq!(
        ids(&world.list("privateExtendedProperty=appt%3Dapt_1").await.ok()),
        ["visit00002"]
    );
    assert_eq!(
        ids(&world.list("privateExtendedProperty=appt%3Dapt_2").await.ok()),
        Vec::<String>::new()
    );
    world
        .list("privateExtendedProperty=appt")
        .await
        .refused(400, "invalid");
    assert_eq!(ids(&world.list("q=markt%20APOTHEKE").await.ok()), ["visit00002"]);
    assert_eq!(
        ids(&world.list("iCalUID=visit00001%40google.com").await.ok()),
        ["visit00001"]
    );
    let window = "timeMin=2026-11-24T09:00:00%2B01:00&timeMax=2026-11-25T09:00:00%2B01:00";
    assert_eq!(
        ids(&world.list(window).await.ok()),
        ["visit00001"],
        "the end is after timeMin, the start before timeMax"
    );
    let empty = world
        .list("timeMin=2026-11-25T09:00:00Z&timeMax=2026-11-25T09:00:00Z")
        .await;
    empty.refused(400, "timeRangeEmpty");
    world
        .list("timeMin=2026-11-25T09:00:00")
        .await
        .refused(400, "badRequest");
    world.list("orderBy=startTime").await.refused(400, "badRequest");
    world.advance(5);
    world
        .patch("visit00000", &json!({"summary": "latest"}))
        .await
        .ok();
    let updated = world.list("orderBy=updated").await.ok();
    assert_eq!(updated["items"][3]["id"], "visit00000");
    assert!(
        updated.get("nextSyncToken").is_none(),
        "nothing is promised for an ordered listing"
    );
    world.delete("visit00003").await;
    let recent = world.list("updatedMin=2026-11-21T08:00:05Z").await.ok();
    assert_eq!(
        ids(&recent),
        ["visit00000", "visit00003"],
        "tombstones are told with updatedMin"
    );
    world
        .list("updatedMin=2026-01-01T00:00:00Z")
        .await
        .refused(410, "updatedMinTooLongAgo");
}

#[tokio::test]
async fn a_token_remembers_no_window() {
    let world = world_with(1).await;
    let token = world.sync_token("timeMin=2026-12-01T00:00:00Z").await;
    world
        .patch("visit00000", &json!({"summary": "outside of the window"}))
        .await
        .ok();
    assert_eq!(ids(&world.changes(&token, "").await), ["visit00000"]);
}

#[tokio::test]
async fn partial_answers() {
    let world = world_with(1).await;
    let page = world
        .list("fields=items(id,start/dateTime),nextSyncToken")
        .await
        .ok();
    assert_eq!(
        page["items"],
        json!([{"id": "visit00000", "start": {"dateTime": "2026-11-23T09:00:00+01:00"}}])
    );
    assert_eq!(page.as_object().map(serde_json::Map::len), Some(2));
    let reply = world.list("fields=items(ids)").await;
    reply.refused(400, "invalidParameter");
    assert_eq!(reply.json()["error"]["errors"][0]["location"], "fields");
    let path = format!("{EVENTS}?fields=nonsense");
    let refused = world
        .call(
            "POST",
            &path,
            &[],
            Some(&event("visit00007", "2026-11-23T09:00:00")),
        )
        .await;
    refused.refused(400, "invalidParameter");
    world.read("visit00007").await.refused(404, "notFound");
    let path = format!("{EVENTS}/visit00000?fields=id,etag");
    let patched = world
        .call("PATCH", &path, &[], Some(&json!({"summary": "x"})))
        .await
        .ok();
    assert_eq!(patched.as_object().map(serde_json::Map::len), Some(2));
}

#[tokio::test]
async fn gzip_only_if_asked_for() {
    let world = world_with(3).await;
    let plain = world.list("").await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = world
        .call("GET", EVENTS, &[("accept-encoding", "gzip")], None)
        .await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.bytes[..2], [0x1f, 0x8b]);
    assert!(packed.bytes.len() < plain.bytes.len());
}

#[tokio::test]
async fn lists_are_spoiled_as_the_fault_says() {
    let world = world_with(4).await;
    let token = world.sync_token("").await;
    world.fault(Fault::EmptyPage);
    let empty = world.list("maxResults=2").await.ok();
    assert_eq!(ids(&empty), Vec::<String>::new());
    assert!(empty["nextSyncToken"].is_string(), "it claims to be all there is");
    world.fault(Fault::ShortList);
    let short = world.list("").await.ok();
    assert_eq!((ids(&short).len(), short["nextSyncToken"].is_string()), (2, true));

    let first = world.list("maxResults=2").await.ok();
    let page = encoded(first["nextPageToken"].as_str().expect("a token"));
    world.fault(Fault::RepeatPage);
    let repeated = world.list(&format!("maxResults=2&pageToken={page}")).await.ok();
    assert_eq!(
        (&repeated["items"], &repeated["nextPageToken"]),
        (&first["items"], &first["nextPageToken"])
    );
    let second = world.list(&format!("maxResults=2&pageToken={page}")).await.ok();
    assert_eq!(ids(&second), ["visit00002", "visit00003"]);

    world.fault(Fault::ExpiredSyncToken);
    world
        .list(&format!("syncToken={}", encoded(&token)))
        .await
        .refused(410, "fullSyncRequired");
    world.list(&format!("syncToken={}", encoded(&token))).await.ok();
    world.fault(Fault::CutPage);
    let cut = world.list("").await;
    assert_eq!((cut.status, cut.json()), (200, Value::Null));
}

#[tokio::test]
async fn a_lost_answer_leaves_the_write_done_and_a_lost_request_does_not() {
    let world = World::new();
    let post = |fault| {
        FaultRule::new(Service::Google, fault)
            .method("POST")
            .path("/events")
    };
    world.shared.faults().add(post(Fault::DropAfter));
    assert!(
        world
            .insert(&event("visit00001", "2026-11-23T09:00:00"))
            .await
            .dropped
    );
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .refused(409, "duplicate");
    world.shared.faults().clear();
    world.shared.faults().add(post(Fault::DropBefore));
    assert!(
        world
            .insert(&event("visit00002", "2026-11-23T09:00:00"))
            .await
            .dropped
    );
    world
        .insert(&event("visit00002", "2026-11-23T09:00:00"))
        .await
        .ok();
}
