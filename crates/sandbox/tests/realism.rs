//! What the services do beyond the happy path, switch by switch.

use crate::google_support;
use crate::platform_support;

use google_support::{EVENTS, MARA, World, event, ids};
use roundtrip_sandbox::google::QuotaLimits;
use roundtrip_sandbox::realism::Realism;
use serde_json::{Value, json};

fn with(realism: Realism) -> World {
    let world = World::new();
    world.shared.set_realism(realism);
    world
}

fn item<'a>(page: &'a Value, id: &str) -> Option<&'a Value> {
    page["items"].as_array()?.iter().find(|item| item["id"] == id)
}

#[tokio::test]
async fn listings_are_behind_and_reads_by_id_are_fresh_and_nothing_is_skipped() {
    let world = with(Realism {
        list_lag_ms: 8_000,
        ..Realism::default()
    });
    let mut token = world.sync_token("").await;
    let (mut behind, mut back, mut last) = (0, 0, 0);
    for second in 0..60 {
        world.advance(1);
        let id = format!("visit{second:05}");
        world.insert(&event(&id, "2026-11-23T09:00:00")).await.ok();
        assert_eq!(world.read(&id).await.status, 200);
        let page = world.list("").await.ok();
        let shown = ids(&page).len();
        behind += usize::from(shown < second + 1);
        // Another copy answers, which knows less than the one before.
        back += usize::from(shown < last);
        last = shown;
    }
    assert!(
        behind > 10 && back > 0,
        "{behind} listings behind, {back} steps back"
    );
    // An incremental reader hears of each event in the end, whichever copies answered in between.
    let mut heard = std::collections::BTreeSet::new();
    for _ in 0..30 {
        let page = world.changes(&token, "").await;
        heard.extend(ids(&page));
        token = page["nextSyncToken"].as_str().expect("a token").to_owned();
        world.advance(1);
    }
    assert_eq!(heard.len(), 60);
}

#[tokio::test]
async fn a_listing_that_is_behind_shows_the_state_of_that_time_on_all_its_pages() {
    let world = with(Realism {
        list_lag_ms: 8_000,
        ..Realism::default()
    });
    for number in 0..4 {
        world
            .insert(&event(&format!("visit{number:05}"), "2026-11-23T09:00:00"))
            .await
            .ok();
    }
    world.advance(60);
    let old = world.read("visit00003").await.ok()["etag"].clone();
    let mut seen_old = false;
    for second in 0..20 {
        let first = world.list("maxResults=2").await.ok();
        world
            .patch("visit00003", &json!({"summary": format!("{second}")}))
            .await
            .ok();
        let token = google_support::encoded(first["nextPageToken"].as_str().expect("a second page"));
        let next = world.list(&format!("maxResults=2&pageToken={token}")).await.ok();
        let shown = item(&next, "visit00003").expect("on the second page");
        let fresh = world.read("visit00003").await.ok();
        assert_ne!(
            shown["etag"], fresh["etag"],
            "the page is of the time of its listing"
        );
        seen_old |= second > 0 && shown["etag"] == old;
        world.advance(1);
    }
    assert!(seen_old);
}

#[tokio::test]
async fn a_tombstone_comes_late_and_then_comes() {
    let world = with(Realism {
        late_tombstones_ms: 20_000,
        ..Realism::default()
    });
    world
        .insert(&event("visit00001", "2026-11-23T09:00:00"))
        .await
        .ok();
    let token = world.sync_token("").await;
    world
        .google
        .delete_event(MARA, "primary", "visit00001")
        .expect("hers");
    // Gone by id, absent from both kinds of listing, and no tombstone yet.
    assert_eq!(world.read("visit00001").await.ok()["status"], "cancelled");
    assert!(item(&world.list("showDeleted=true").await.ok(), "visit00001").is_none());
    let page = world.changes(&token, "").await;
    assert!(item(&page, "visit00001").is_none());
    let token = page["nextSyncToken"].as_str().expect("a token").to_owned();
    world.advance(21);
    let page = world.changes(&token, "").await;
    assert_eq!(
        item(&page, "visit00001").expect("told now")["status"],
        "cancelled"
    );
    assert!(item(&world.list("showDeleted=true").await.ok(), "visit00001").is_some());
}

#[tokio::test]
async fn items_come_again_on_the_next_page_and_in_the_next_listing() {
    let world = with(Realism {
        repeated_items_percent: 100,
        ..Realism::default()
    });
    for number in 0..4 {
        world
            .insert(&event(&format!("visit{number:05}"), "2026-11-23T09:00:00"))
            .await
            .ok();
    }
    let mut seen = Vec::new();
    let mut query = "maxResults=2".to_owned();
    let token = loop {
        let page = world.list(&query).await.ok();
        seen.extend(ids(&page));
        match page["nextPageToken"].as_str() {
            Some(token) => query = format!("maxResults=2&pageToken={}", google_support::encoded(token)),
            None => break page["nextSyncToken"].as_str().expect("a token").to_owned(),
        }
    };
    let different: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert!(seen.len() > 4 && different.len() == 4, "{seen:?}");
    assert!(
        !ids(&world.changes(&token, "").await).is_empty(),
        "told again though nothing is new"
    );
}

#[tokio::test]
async fn a_page_comes_again_with_the_same_token() {
    let world = with(Realism {
        repeated_pages_percent: 100,
        ..Realism::default()
    });
    for number in 0..4 {
        world
            .insert(&event(&format!("visit{number:05}"), "2026-11-23T09:00:00"))
            .await
            .ok();
    }
    let first = world.list("maxResults=2").await.ok();
    let token = first["nextPageToken"].as_str().expect("a token");
    let again = world
        .list(&format!(
            "maxResults=2&pageToken={}",
            google_support::encoded(token)
        ))
        .await
        .ok();
    assert_eq!(
        (ids(&again), &again["nextPageToken"]),
        (ids(&first), &first["nextPageToken"])
    );
}

#[tokio::test]
async fn a_deleted_id_stays_taken_and_a_simultaneous_insert_may_go_unnoticed() {
    let world = World::new();
    let body = event("visit00001", "2026-11-23T09:00:00");
    world.insert(&body).await.ok();
    world.insert(&body).await.refused(409, "duplicate");
    world.delete("visit00001").await;
    world.insert(&body).await.refused(409, "duplicate");
    world
        .google
        .purge_event(MARA, "primary", "visit00001")
        .expect("a tombstone");
    world.insert(&body).await.refused(409, "duplicate");

    let world = with(Realism {
        unnoticed_collisions_ms: 1_000,
        ..Realism::default()
    });
    world.insert(&body).await.ok();
    let other = event("visit00001", "2026-11-23T11:00:00");
    world.insert(&other).await.ok();
    let stored = world.read("visit00001").await.ok();
    assert!(
        stored["start"]["dateTime"]
            .as_str()
            .expect("a time")
            .contains("T11:00")
    );
    world.advance(2);
    world.insert(&other).await.refused(409, "duplicate");
}

#[tokio::test]
async fn refusals_for_speed_come_in_every_form() {
    let world = with(Realism {
        varied_refusals: true,
        ..Realism::default()
    });
    world.google.set_quota(QuotaLimits {
        per_user_per_minute: Some(0),
        ..QuotaLimits::default()
    });
    let mut forms = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let reply = world.get(EVENTS).await;
        forms.insert((reply.status, !reply.header("retry-after").is_empty()));
    }
    assert_eq!(forms.len(), 4, "{forms:?}");
    // The whole project's minute counts, too.
    world.google.set_quota(QuotaLimits {
        per_project_per_minute: Some(0),
        ..QuotaLimits::default()
    });
    assert!([403, 429].contains(&world.get(EVENTS).await.status));
}

#[tokio::test]
async fn descriptions_become_html_and_updated_loses_its_milliseconds() {
    let world = with(Realism {
        html_descriptions: true,
        updated_granularity_ms: 1_000,
        ..Realism::default()
    });
    world.clock.advance(chrono::TimeDelta::milliseconds(321));
    let mut body = event("visit00001", "2026-11-23T09:00:00");
    body["description"] = json!("Tom & Ada\nhttps://platform.example/x");
    let made = world.insert(&body).await.ok();
    assert_eq!(
        made["description"],
        "Tom &amp; Ada<br><a href=\"https://platform.example/x\">https://platform.example/x</a>"
    );
    assert!(made["updated"].as_str().expect("a time").ends_with(".000Z"));
    let again = json!({"description": made["description"]});
    let patched = world.patch("visit00001", &again).await.ok();
    assert_eq!(
        (&patched["description"], &patched["updated"]),
        (&made["description"], &made["updated"])
    );
    assert_ne!(patched["etag"], made["etag"]);
}

#[tokio::test]
async fn the_feed_repeats_older_versions_after_newer_ones_and_skips_nothing() {
    let world = platform_support::World::empty();
    world.sandbox.shared.set_realism(Realism {
        feed_repeats_percent: 100,
        ..Realism::default()
    });
    let made: Vec<String> = (9..15)
        .map(|hour| world.appointment(&format!("2026-12-01T{hour:02}:00:00Z")).id)
        .collect();
    let first = world.get("/v1/appointments").await;
    let cursor = first.json["next_cursor"].as_str().expect("a cursor").to_owned();
    for id in &made {
        let edit = serde_json::from_value(json!({"topic": "Hygiene"})).expect("an edit");
        world.sandbox.platform.edit_appointment(id, edit).expect("there");
        world.sandbox.platform.cancel_appointment(id).expect("there");
    }
    let path = format!("/v1/appointments?cursor={cursor}");
    let page = world.get(&path).await;
    let versions: Vec<(String, u64)> = page.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| {
            let inner = if item["change"] == "upsert" {
                &item["appointment"]
            } else {
                item
            };
            (
                inner["id"].as_str().expect("an id").to_owned(),
                inner["version"].as_u64().expect("a version"),
            )
        })
        .collect();
    assert!(
        versions.len() > made.len() * 2,
        "something comes again: {versions:?}"
    );
    for id in &made {
        let of_one: Vec<u64> = versions
            .iter()
            .filter(|(of, _)| of == id)
            .map(|(_, version)| *version)
            .collect();
        assert_eq!(of_one.iter().max(), Some(&3), "{id}");
    }
    let falls = versions.iter().enumerate().any(|(at, (id, version))| {
        versions[at..]
            .iter()
            .any(|(other, later)| other == id && later < version)
    });
    assert!(falls, "an older version after a newer one: {versions:?}");
    // The same cursor gives the same page.
    assert_eq!(world.get(&path).await.text, page.text);
}
