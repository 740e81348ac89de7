//! The change feed: snapshot, cursor, pages, 304, 410, and what it never does.

use crate::platform_support;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use platform_support::{Answer, BEN, JANA, MARA, World, at};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::platform::AdminEdit;
use serde_json::{Value, json};

const START: &str = "2026-12-01T09:00:00+01:00";

fn cursor(answer: &Answer) -> String {
    answer.json["next_cursor"]
        .as_str()
        .unwrap_or_else(|| panic!("no cursor: {}", answer.text))
        .to_owned()
}

fn items(answer: &Answer) -> &[Value] {
    answer.json["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// Reads on until nothing is left; the highest version of each appointment counts.
async fn follow(world: &World, mut path: String, limit: usize) -> (BTreeMap<String, u64>, String) {
    let mut known = BTreeMap::new();
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = world.get(&format!("{path}{separator}limit={limit}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(items(&page).len() <= limit);
        for item in items(&page) {
            let (id, version) = match item["change"].as_str() {
                Some("upsert") => (&item["appointment"]["id"], &item["appointment"]["version"]),
                _ => (&item["id"], &item["version"]),
            };
            let version = version.as_u64().expect("a version");
            let known = known.entry(id.as_str().expect("an id").to_owned()).or_insert(0);
            *known = version.max(*known);
        }
        path = format!("/v1/appointments?cursor={}", cursor(&page));
        if page.json["has_more"] == json!(false) {
            return (known, path);
        }
    }
}

#[tokio::test]
async fn a_snapshot_holds_what_ends_in_the_future_and_is_mine() {
    let world = World::empty();
    let over = world.appointment("2026-11-20T09:00:00+01:00").id;
    let running = world.appointment("2026-11-21T08:00:00+01:00").id;
    let coming = world.appointment(START).id;
    let cancelled = world.appointment("2026-12-02T09:00:00+01:00").id;
    world
        .sandbox
        .platform
        .cancel_appointment(&cancelled)
        .expect("cancel");
    let bens = world.appointment("2026-12-03T09:00:00+01:00").id;
    world
        .sandbox
        .platform
        .reassign_appointment(&bens, Some(BEN))
        .expect("reassign");
    let page = world.get("/v1/appointments").await;
    let ids: Vec<_> = items(&page)
        .iter()
        .map(|item| item["appointment"]["id"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(ids, [&running, &coming]);
    assert_eq!(
        (&page.json["snapshot"], &page.json["has_more"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(world.get(&format!("/v1/appointments/{over}")).await.status, 200);
    // An admin is served like a trainer.
    assert_eq!(items(&world.seen_by(JANA).get("/v1/appointments").await).len(), 3);
}

#[tokio::test]
async fn an_idle_check_is_one_304() {
    let world = World::with(5);
    let snapshot = world.get("/v1/appointments").await;
    let path = format!("/v1/appointments?cursor={}", cursor(&snapshot));
    let first = world.get(&path).await;
    assert_eq!(items(&first).len(), 0);
    let tag = first.header("etag").to_owned();
    // Somebody else's changes are not Mara's.
    world.sandbox.platform.seed(BEN, 3).expect("seed");
    let idle = world
        .request("GET", &path, &[("if-none-match", &tag)], None)
        .await;
    assert_eq!((idle.status, idle.text.as_str()), (304, ""));
    assert_eq!(
        (idle.header("etag"), idle.header("calendar-sync")),
        (tag.as_str(), "enabled")
    );
    assert_eq!(idle.header("date"), "Sat, 21 Nov 2026 08:00:00 GMT");
    world.appointment(START);
    let news = world
        .request("GET", &path, &[("if-none-match", &tag)], None)
        .await;
    assert_eq!((news.status, items(&news).len()), (200, 1));
    // The pages of a snapshot have their etags too.
    let again = world
        .request(
            "GET",
            "/v1/appointments",
            &[("if-none-match", snapshot.header("etag"))],
            None,
        )
        .await;
    assert_eq!(again.status, 200);
    let again = world
        .request(
            "GET",
            "/v1/appointments",
            &[("if-none-match", again.header("etag"))],
            None,
        )
        .await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn removals_say_why() {
    let world = World::empty();
    let platform = &world.sandbox.platform;
    let ids: Vec<String> = (1..=4)
        .map(|day| world.appointment(&format!("2026-12-0{day}T09:00:00+01:00")).id)
        .collect();
    let path = format!(
        "/v1/appointments?cursor={}",
        cursor(&world.get("/v1/appointments").await)
    );
    platform.cancel_appointment(&ids[0]).expect("cancel");
    platform
        .reassign_appointment(&ids[1], Some(BEN))
        .expect("reassign");
    platform.reassign_appointment(&ids[2], None).expect("unassign");
    platform.delete_appointment(&ids[3]).expect("delete");
    let page = world.get(&path).await;
    let told: Vec<_> = items(&page)
        .iter()
        .map(|item| (item["id"].clone(), item["reason"].clone()))
        .collect();
    let wanted = [
        ("cancelled", 0),
        ("unassigned", 1),
        ("unassigned", 2),
        ("deleted", 3),
    ];
    let wanted = wanted.map(|(reason, index)| (json!(ids[index]), json!(reason)));
    assert_eq!(told, wanted);
    assert!(
        items(&page)
            .iter()
            .all(|item| item["version"] == 2 && item["at"] == "2026-11-21T08:00:00Z")
    );
    // Ben has got it.
    let bens = world.seen_by(BEN).get("/v1/appointments").await;
    assert!(
        items(&bens)
            .iter()
            .any(|item| item["appointment"]["id"] == json!(ids[1]))
    );
    // Taken back, it is there again.
    platform.restore_appointment(&ids[0]).expect("restore");
    let back = world
        .get(&format!("/v1/appointments?cursor={}", cursor(&page)))
        .await;
    assert_eq!(items(&back)[0]["change"], "upsert");
}

#[tokio::test]
async fn pages_never_skip_a_change_made_while_reading() {
    for limit in [1, 2, 7, 500] {
        let world = World::with(20);
        let first = world.get(&format!("/v1/appointments?limit={limit}")).await;
        // Changed on a page already read, on one not yet read, and new.
        let records = world.sandbox.platform.appointments();
        let maras: Vec<_> = records
            .iter()
            .filter(|record| record.assignee.as_deref() == Some(MARA))
            .collect();
        let (early, late) = (&maras[2].appointment.id, &maras[21].appointment.id);
        for id in [early, late] {
            let edit = AdminEdit {
                private: Some(true),
                ..AdminEdit::default()
            };
            world.sandbox.platform.edit_appointment(id, edit).expect("edit");
        }
        let new = world.appointment(START).id;
        let path = format!("/v1/appointments?cursor={}", cursor(&first));
        let (mut known, path) = follow(&world, path, limit).await;
        let (feed, _) = follow(&world, path, limit).await;
        for (id, version) in feed {
            let known = known.entry(id).or_insert(0);
            *known = version.max(*known);
        }
        for item in items(&first) {
            known
                .entry(item["appointment"]["id"].as_str().expect("an id").to_owned())
                .or_insert(1);
        }
        assert_eq!(
            (known[early], known[late], known[&new]),
            (2, 2, 1),
            "limit {limit}"
        );
        assert_eq!(known.len(), 21, "limit {limit}");
    }
}

#[tokio::test]
async fn a_burst_is_told_edit_by_edit_in_order() {
    let world = World::empty();
    let id = world.appointment(START).id;
    let path = format!(
        "/v1/appointments?cursor={}",
        cursor(&world.get("/v1/appointments").await)
    );
    for number in 1..=10 {
        let edit = AdminEdit {
            title: Some(Some(format!("Edit {number}"))),
            ..AdminEdit::default()
        };
        world.sandbox.platform.edit_appointment(&id, edit).expect("edit");
    }
    let page = world.get(&path).await;
    let versions: Vec<_> = items(&page)
        .iter()
        .filter_map(|item| item["appointment"]["version"].as_u64())
        .collect();
    assert_eq!(versions, (2..=11).collect::<Vec<u64>>());
    let limited = world.get(&format!("{path}&limit=4")).await;
    assert_eq!(
        (items(&limited).len(), &limited.json["has_more"]),
        (4, &json!(true))
    );
}

#[tokio::test]
async fn old_and_unknown_cursors_have_expired() {
    let world = World::with(3);
    let old = cursor(&world.get("/v1/appointments").await);
    world.sandbox.platform.expire_cursors();
    for cursor in [old.as_str(), "c_999999", "c_x", "nonsense", "s_1"] {
        let answer = world.get(&format!("/v1/appointments?cursor={cursor}")).await;
        assert_eq!(answer.refusal(), (410, "cursor_expired"), "{cursor}");
    }
    let fresh = cursor(&world.get("/v1/appointments").await);
    assert_eq!(
        world
            .get(&format!("/v1/appointments?cursor={fresh}"))
            .await
            .status,
        200
    );
    // A month later the feed has forgotten.
    let id = world.appointment(START).id;
    let before = fresh;
    world.advance(TimeDelta::days(31));
    let world = world.seen_by(MARA);
    assert_eq!(
        world
            .get(&format!("/v1/appointments?cursor={before}"))
            .await
            .refusal(),
        (410, "cursor_expired")
    );
    assert_eq!(world.get(&format!("/v1/appointments/{id}")).await.status, 200);
}

#[tokio::test]
async fn limits_are_from_1_to_500() {
    let world = World::with(3);
    for limit in ["0", "501", "-1", "x"] {
        let answer = world.get(&format!("/v1/appointments?limit={limit}")).await;
        assert_eq!(answer.refusal(), (400, "invalid"), "{limit}");
    }
    let big = World::with(600);
    assert_eq!(items(&big.get("/v1/appointments").await).len(), 200);
    assert_eq!(items(&big.get("/v1/appointments?limit=500").await).len(), 500);
    let (known, _) = follow(&big, "/v1/appointments".to_owned(), 500).await;
    assert_eq!(known.len(), 600);
}

#[tokio::test]
async fn broken_pages_lose_nothing() {
    for fault in [Fault::EmptyPage, Fault::ShortList, Fault::RepeatPage] {
        let world = World::with(20);
        world
            .sandbox
            .shared
            .faults()
            .add(FaultRule::new(Service::Platform, fault.clone()).path("/v1/appointments"));
        let (mut known, path) = follow(&world, "/v1/appointments".to_owned(), 500).await;
        let expected = match fault {
            Fault::EmptyPage => 0,
            Fault::ShortList => 10,
            _ => 20,
        };
        assert_eq!(known.len(), expected, "{fault:?}");
        known.extend(follow(&world, path, 500).await.0);
        assert_eq!(known.len(), 20, "{fault:?}");
    }
    let world = World::with(20);
    let faults = world.sandbox.shared.faults();
    faults.add(FaultRule::new(Service::Platform, Fault::CutPage));
    let cut = world.get("/v1/appointments").await;
    assert_eq!((cut.status, &cut.json), (200, &Value::Null));
    assert!(cut.text.starts_with("{\"items\":[{"));
    faults.add(FaultRule::new(Service::Platform, Fault::ExpiredSyncToken));
    assert_eq!(
        world.get("/v1/appointments?cursor=c_1").await.refusal(),
        (410, "cursor_expired")
    );
}

#[tokio::test]
async fn one_appointment_has_its_version_as_etag() {
    let world = World::empty();
    let appointment = world.appointment(START);
    let path = format!("/v1/appointments/{}", appointment.id);
    let answer = world.get(&path).await;
    assert_eq!(
        (answer.header("etag"), &answer.json),
        ("\"1\"", &json!(appointment))
    );
    assert_eq!(
        world
            .request("GET", &path, &[("if-none-match", "\"1\"")], None)
            .await
            .status,
        304
    );
    let platform = &world.sandbox.platform;
    platform
        .move_appointment(&appointment.id, at("2026-12-02T08:00:00Z"), None, None)
        .expect("move");
    let moved = world
        .request("GET", &path, &[("if-none-match", "\"1\"")], None)
        .await;
    assert_eq!(
        (moved.status, &moved.json["start"]),
        (200, &json!("2026-12-02T09:00:00+01:00"))
    );
    assert_eq!(moved.json["end"], Value::Null);
}
