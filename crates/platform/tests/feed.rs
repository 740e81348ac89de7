//! How the feed is read, against a script.

use crate::script;

use roundtrip_core::appointment::{AppointmentStatus, RemovalReason};
use roundtrip_core::ids::{AppointmentId, Cursor};
use roundtrip_engine::ports::{PlatformChange, PlatformFeed, PlatformPort as _, PortError, SyncPolicy};
use script::*;
use serde_json::{Value, json};

#[tokio::test]
async fn an_appointment_is_read_whole_and_unknown_fields_do_no_harm() {
    let PlatformChange::Upsert(read) = read(example()).await else {
        panic!("not read")
    };
    assert_eq!(
        (read.id.as_str(), read.version, read.status),
        ("apt_41", 7, AppointmentStatus::Scheduled)
    );
    assert_eq!(read.kind.id, "pharmacy_visit");
    assert_eq!(
        read.place.as_ref().and_then(|place| place.address.as_deref()),
        Some("Lindenstr. 5, 10969 Berlin")
    );
    assert_eq!(
        (read.start, read.end),
        (at("2026-12-01T08:00:00Z"), Some(at("2026-12-01T09:30:00Z")))
    );
    assert_eq!(read.zone, chrono_tz::Europe::Berlin);
    let client = read.client.expect("a client");
    assert_eq!((client.name.as_deref(), client.phone), (Some("Ada Klein"), None));
    assert!(read.editable.time && !read.editable.notes);
    assert_eq!(read.updated_by.map(|actor| actor.kind).as_deref(), Some("admin"));
}

#[tokio::test]
async fn what_may_be_missing_may_be_missing() {
    for name in [
        "title",
        "topic",
        "location",
        "end",
        "notes",
        "client",
        "updated_by",
        "editable",
        "private",
        "type",
    ] {
        for gone in [false, true] {
            let read = read(with(|value| {
                value[name] = Value::Null;
                if gone {
                    value.as_object_mut().expect("an object").remove(name);
                }
            }))
            .await;
            assert!(matches!(read, PlatformChange::Upsert(_)), "{name}: {read:?}");
        }
    }
}

#[tokio::test]
async fn a_platform_may_grow() {
    let PlatformChange::Upsert(read) = read(with(|value| {
        value["status"] = json!("postponed");
        value["time_zone"] = json!("Mars/Olympus");
        value["url"] = json!("file:///etc/passwd");
    }))
    .await
    else {
        panic!("not read")
    };
    assert_eq!(read.status, AppointmentStatus::Other);
    assert_eq!(read.zone, chrono_tz::Tz::UTC);
    assert_eq!(read.url, "", "only web addresses are ever opened");
}

#[tokio::test]
async fn one_unreadable_item_is_named_and_the_others_come() {
    let (http, client) = client();
    let unreadable = [
        (
            upsert(with(|value| value["start"] = json!("tomorrow"))),
            Some("apt_41"),
            "start",
        ),
        (
            upsert(with(|value| value["end"] = json!(7))),
            Some("apt_41"),
            "end",
        ),
        (
            upsert(with(|value| value["version"] = json!("seven"))),
            Some("apt_41"),
            "version",
        ),
        (
            upsert(with(|value| value["title"] = json!({"de": "x"}))),
            Some("apt_41"),
            "title",
        ),
        (
            upsert(with(|value| value["private"] = json!("no"))),
            Some("apt_41"),
            "private",
        ),
        (upsert(with(|value| value["id"] = json!(41))), None, "id"),
        (
            json!({"change": "merged", "id": "apt_9"}),
            Some("apt_9"),
            "change",
        ),
        (
            json!({"change": "removed", "id": "apt_9", "version": 8, "reason": "cancelled"}),
            Some("apt_9"),
            "at",
        ),
        (
            json!({"change": "upsert", "appointment": null}),
            None,
            "appointment",
        ),
        (json!("nonsense"), None, "item"),
    ];
    let mut items: Vec<_> = unreadable.iter().map(|(item, ..)| item.clone()).collect();
    items.push(upsert(example()));
    items.push(json!({"change":"removed","id":"apt_12","version":8,"reason":"given_away","at":"2026-11-20T10:00:00Z"}));
    http.then(200, &page(items, "c_1", false));
    let items = listing(client.changes(None, None).await).items;
    for ((_, id, field), read) in unreadable.iter().zip(&items) {
        let expected = PlatformChange::Unreadable {
            id: id.map(AppointmentId::new),
            field: (*field).to_owned(),
        };
        assert_eq!(*read, expected);
    }
    assert!(matches!(&items[10], PlatformChange::Upsert(read) if read.id.as_str() == "apt_41"));
    let removed = PlatformChange::Removed {
        id: AppointmentId::new("apt_12"),
        version: 8,
        reason: RemovalReason::Other,
        at: at("2026-11-20T10:00:00Z"),
    };
    assert_eq!(items[11], removed);
}

#[tokio::test]
async fn all_pages_are_read_before_it_answers() {
    let (http, client) = client();
    http.then(200, &page(vec![upsert(example())], "c 2&x", true))
        .then(200, &page(vec![], "c_3", true))
        .then_with(
            200,
            &[("etag", "\"e3\""), ("calendar-sync", "enabled")],
            &page(
                vec![upsert(with(|value| value["version"] = json!(8)))],
                "c_4",
                false,
            ),
        );
    let read = listing(client.changes(Some(&Cursor::new("c_1")), Some("\"e1\"")).await);
    assert_eq!(
        (read.items.len(), read.next_cursor.as_str(), read.snapshot),
        (2, "c_4", false)
    );
    assert_eq!(
        read.etag, None,
        "that etag speaks of another cursor than the next one"
    );
    let asked: Vec<_> = http
        .asked()
        .iter()
        .map(|request| request.uri().to_string())
        .collect();
    let base = "https://linden.example/v1/appointments?cursor";
    let expected = ["c_1", "c+2%26x", "c_3"].map(|cursor| format!("{base}={cursor}&limit=500"));
    assert_eq!(asked, expected);
    let conditions: Vec<_> = http
        .asked()
        .iter()
        .map(|request| request.headers().contains_key("if-none-match"))
        .collect();
    assert_eq!(
        conditions,
        [true, false, false],
        "the condition is for the first page alone"
    );
}

#[tokio::test]
async fn nothing_new_costs_one_request() {
    let (http, client) = client();
    http.then_with(200, &[("etag", "\"e4\"")], &page(vec![], "c_4", false))
        .then_with(304, &[("calendar-sync", "disabled; reason=maintenance")], "");
    let cursor = Cursor::new("c_4");
    let read = listing(client.changes(Some(&cursor), None).await);
    assert_eq!(read.etag.as_deref(), Some("\"e4\""));
    let policy = SyncPolicy {
        enabled: false,
        reason: Some("maintenance".into()),
    };
    let again = client.changes(Some(&cursor), read.etag.as_deref()).await;
    assert_eq!(
        again,
        Ok(PlatformFeed::Unchanged {
            policy: policy.clone()
        })
    );
    assert_eq!(client.last_policy(), policy);
    assert_eq!(http.asked()[1].headers()["if-none-match"], "\"e4\"");
    assert_eq!(client.requests_sent(), 2);
}

#[tokio::test]
async fn the_word_on_sync_is_taken_once_from_whatever_answer_it_came_with() {
    let (http, client) = client();
    http.then_with(503, &[("calendar-sync", "disabled; reason=maintenance")], "")
        .then(200, &page(vec![], "c_5", false))
        .then_with(200, &[("calendar-sync", "enabled")], &page(vec![], "c_5", false));
    assert_eq!(client.take_policy(), None, "nothing was said yet");
    let refused = client.changes(None, None).await;
    assert!(
        matches!(refused, Err(PortError::ServerTrouble { .. })),
        "{refused:?}"
    );
    let off = client.take_policy().expect("an error says it, too");
    assert_eq!((off.enabled, off.reason.as_deref()), (false, Some("maintenance")));
    listing(client.changes(None, None).await);
    assert_eq!(
        client.take_policy(),
        None,
        "an answer without a word says nothing new"
    );
    listing(client.changes(None, None).await);
    assert!(client.take_policy().expect("it was said").enabled);
    assert_eq!(client.take_policy(), None);
}

#[tokio::test]
async fn an_etag_without_its_cursor_is_not_sent() {
    let (http, client) = client();
    http.then(200, &page(vec![], "c_1", false)).then(304, "");
    assert!(listing(client.changes(None, Some("\"e\"")).await).snapshot);
    assert!(!http.asked()[0].headers().contains_key("if-none-match"));
    let odd = client.changes(None, None).await;
    assert_eq!(
        odd,
        Err(PortError::BadAnswer {
            what: "304 without a condition".into()
        })
    );
}

#[tokio::test]
async fn a_feed_that_is_cut_or_goes_in_circles_is_no_answer() {
    let bad = |what: &str| Err(PortError::BadAnswer { what: what.into() });
    for (body, what) in [
        (r#"{"items":[],"next_cursor":"c"#.to_owned(), "page"),
        (String::new(), "page"),
        ("<html>".to_owned(), "page"),
        ("[]".to_owned(), "page"),
        (json!({"next_cursor":"c","has_more":false}).to_string(), "items"),
        (json!({"items":[],"has_more":false}).to_string(), "next_cursor"),
        (
            json!({"items":[],"next_cursor":"","has_more":false}).to_string(),
            "next_cursor",
        ),
        (json!({"items":[],"next_cursor":"c"}).to_string(), "has_more"),
        ("[".repeat(100_000), "page"),
    ] {
        let (http, client) = client();
        http.then(200, &body);
        assert_eq!(client.changes(None, None).await, bad(what), "{body:.60}");
    }
    let cursor = Cursor::new("c_1");
    for circle in [vec!["c_1"], vec!["c_2", "c_1"], vec!["c_2", "c_3", "c_2"]] {
        let (http, client) = client();
        for next in &circle {
            http.then(200, &page(vec![], next, true));
        }
        assert_eq!(
            client.changes(Some(&cursor), None).await,
            bad("a page came twice"),
            "{circle:?}"
        );
        assert_eq!(http.left(), 0);
    }
    let (http, client) = client();
    for n in 0..250 {
        http.then(200, &page(vec![], &format!("c_{n}"), true));
    }
    assert_eq!(client.changes(None, None).await, bad("too many pages"));
    assert_eq!(http.asked().len(), 200);
}

#[tokio::test]
async fn an_expired_cursor_is_said() {
    let (http, client) = client();
    http.then(410, &problem(410, "cursor_expired", json!({})));
    let answer = client.changes(Some(&Cursor::new("c_1")), None).await;
    assert_eq!(answer, Err(PortError::FeedExpired));
}

#[tokio::test]
async fn a_spent_quota_is_waited_out() {
    for text in ["\"default\";r=0;t=20", "limit=600, remaining=0, reset=20"] {
        let (http, client) = client();
        http.then_with(200, &[("ratelimit", text)], &page(vec![], "c_1", false));
        assert!(client.changes(None, None).await.is_ok());
        let wait = Some(std::time::Duration::from_secs(20));
        assert_eq!(
            client.changes(None, None).await,
            Err(PortError::Throttled { retry_after: wait }),
            "{text}"
        );
        assert_eq!(http.asked().len(), 1);
    }
}
