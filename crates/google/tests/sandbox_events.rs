//! Events, against the stand-in of Google.

use crate::world;

use chrono::Duration;
use roundtrip_core::event::{EventBody, EventChange, PatchMask};
use roundtrip_core::ids::{CalendarId, Etag, EventId};
use roundtrip_core::time::EventTime;
use roundtrip_engine::ports::{CalendarPort as _, EventLookup, PortError};
use roundtrip_google::{CALENDAR_SCOPE, GoogleCalendar};
use roundtrip_http::HttpPort;
use roundtrip_http::in_process::RouterHttp;
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use serde_json::{Value, json};
use std::sync::Arc;
use world::*;

#[tokio::test]
async fn the_life_of_an_event() {
    let world = World::new().await;
    let (calendar, id) = (&world.calendar, EventId::new("rt0abc"));
    let listing = calendar.changes(&primary(), None).await.expect("a listing");
    assert!(listing.full && listing.items.is_empty());
    // Made: what comes back is what was written, mark and all.
    let made = world.insert("rt0abc").await;
    assert_eq!(made.time, EventTime::Timed(body().time));
    assert_eq!(
        (made.title.as_str(), made.mark.as_ref()),
        ("Linden-Apotheke 💊", Some(&body().mark))
    );
    // Our own write comes back with the etag we know.
    let echo = calendar
        .changes(&primary(), Some(&listing.next_token))
        .await
        .expect("a listing");
    assert_eq!(echo.items, [EventChange::Live(Box::new(made.clone()))]);
    assert_eq!(
        calendar.insert(&primary(), &id, &body()).await,
        Err(PortError::AlreadyExists)
    );
    assert_eq!(
        calendar.get(&primary(), &id).await,
        Ok(EventLookup::Live {
            event: Box::new(made.clone()),
            created: made.updated,
        })
    );
    // The trainer edits it: our old etag is refused, the new one taken, and what they added stays.
    world.edit(
        "rt0abc",
        &json!({"location": "Hinterhof", "attendees": [{"email": "guest@example.org"}]}),
    );
    let only_title = PatchMask {
        title: true,
        ..PatchMask::default()
    };
    let retitled = EventBody {
        title: "Neu".into(),
        ..body()
    };
    let stale = calendar
        .patch(&primary(), &id, &made.etag, &retitled, only_title)
        .await;
    assert_eq!(stale, Err(PortError::PreconditionFailed { current: None }));
    let Ok(EventLookup::Live { event: now, .. }) = calendar.get(&primary(), &id).await else {
        panic!("not there")
    };
    let patched = calendar
        .patch(&primary(), &id, &now.etag, &retitled, only_title)
        .await
        .expect("taken");
    assert_eq!(
        (patched.title.as_str(), patched.location.as_str()),
        ("Neu", "Hinterhof")
    );
    assert_ne!(patched.etag, now.etag);
    let stored = world.google().event(MARA, "primary", "rt0abc").expect("there");
    assert_eq!(stored["attendees"][0]["email"], "guest@example.org");
    assert_eq!(
        (&stored["colorId"], &stored["source"]["title"]),
        (&json!("7"), &json!("Linden Akademie"))
    );
    // Deleted: only at the right etag, and for good.
    assert!(matches!(
        calendar.delete(&primary(), &id, Some(&made.etag)).await,
        Err(PortError::PreconditionFailed { .. })
    ));
    assert_eq!(
        calendar.delete(&primary(), &id, Some(&patched.etag)).await,
        Ok(())
    );
    assert_eq!(
        calendar.delete(&primary(), &id, None).await,
        Err(PortError::AlreadyDeleted)
    );
    assert!(matches!(
        calendar.get(&primary(), &id).await,
        Ok(EventLookup::Deleted { .. })
    ));
    assert_eq!(
        calendar.insert(&primary(), &id, &body()).await,
        Err(PortError::AlreadyExists),
        "an id stays taken"
    );
    let gone = calendar
        .changes(&primary(), Some(&echo.next_token))
        .await
        .expect("a listing");
    assert!(matches!(gone.items.as_slice(), [EventChange::Deleted { id: gone, .. }] if *gone == id));
    let full = calendar.changes(&primary(), None).await.expect("a listing");
    assert!(full.items.is_empty(), "a full listing needs no tombstones");
    assert_eq!(
        calendar.get(&primary(), &EventId::new("rt0never")).await,
        Ok(EventLookup::NotFound)
    );
    let never = calendar.delete(&primary(), &EventId::new("rt0never"), None).await;
    assert_eq!(never, Err(PortError::NotFound));
    // P12: every write of ours told nobody, and named no guests.
    let writes: Vec<_> = world
        .google()
        .audit()
        .into_iter()
        .filter(|entry| entry.client.is_some())
        .collect();
    assert!(writes.len() >= 7);
    assert!(
        writes
            .iter()
            .all(|write| write.send_updates.as_deref() == Some("none") && !write.attendees_sent)
    );
}

#[tokio::test]
async fn an_all_day_event_becomes_timed_again_and_a_series_is_seen() {
    let world = World::new().await;
    world.insert("rt0abc").await;
    world.edit(
        "rt0abc",
        &json!({"start": {"date": "2026-12-02", "dateTime": null, "timeZone": null},
        "end": {"date": "2026-12-03", "dateTime": null, "timeZone": null}}),
    );
    let read = || async {
        match world.calendar.get(&primary(), &EventId::new("rt0abc")).await {
            Ok(EventLookup::Live { event, .. }) => *event,
            other => panic!("not there: {other:?}"),
        }
    };
    let all_day = read().await;
    assert!(
        matches!(all_day.time, EventTime::AllDay { .. }),
        "{:?}",
        all_day.time
    );
    let only_time = PatchMask {
        time: true,
        ..PatchMask::default()
    };
    let id = EventId::new("rt0abc");
    let timed = world
        .calendar
        .patch(&primary(), &id, &all_day.etag, &body(), only_time)
        .await
        .expect("taken");
    assert_eq!(timed.time, EventTime::Timed(body().time));
    world.edit("rt0abc", &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}));
    assert!(read().await.recurring);
    // One occurrence is taken out: the series is still there, and that is no tombstone of ours.
    let token = world
        .calendar
        .changes(&primary(), None)
        .await
        .expect("a listing")
        .next_token;
    let occurrence = format!(
        "rt0abc_{}",
        (body().time.start + Duration::days(7)).format("%Y%m%dT%H%M%SZ")
    );
    world
        .google()
        .delete_event(MARA, "primary", &occurrence)
        .expect("taken out");
    for token in [None, Some(&token)] {
        let items = world
            .calendar
            .changes(&primary(), token)
            .await
            .expect("a listing")
            .items;
        assert!(
            items
                .iter()
                .all(|item| matches!(item, EventChange::Live(event) if event.id == id)),
            "{items:?}"
        );
    }
}

#[tokio::test]
async fn a_listing_of_thousands_comes_whole_and_a_dead_token_is_said() {
    let world = World::new().await;
    let time = |day: i64| json!({"date": (start() + Duration::days(day)).format("%Y-%m-%d").to_string()});
    for n in 0..2_600 {
        let event = json!({"summary": format!("Own {n}"), "start": time(n), "end": time(n + 1)});
        world
            .google()
            .insert_event(MARA, "primary", &event)
            .expect("made");
    }
    let listing = world.calendar.changes(&primary(), None).await.expect("a listing");
    assert_eq!(listing.items.len(), 2_600);
    assert_eq!(world.requests("GET", "/events"), 3);
    assert!(
        listing
            .items
            .iter()
            .all(|item| matches!(item, EventChange::Foreign(event) if event.mark.is_none()))
    );
    // The first page again and again is no listing.
    let rule = FaultRule::new(Service::Google, Fault::RepeatPage)
        .method("GET")
        .path("/events")
        .times(0);
    let id = world.running.sandbox.shared.faults().add(rule);
    let circle = world.calendar.changes(&primary(), None).await;
    assert_eq!(
        circle,
        Err(PortError::BadAnswer {
            what: "a page came twice".into()
        })
    );
    world.running.sandbox.shared.faults().remove(&id);
    world.google().expire_sync_tokens();
    let expired = world
        .calendar
        .changes(&primary(), Some(&listing.next_token))
        .await;
    assert_eq!(expired, Err(PortError::FeedExpired));
    assert!(
        world
            .calendar
            .changes(&primary(), None)
            .await
            .is_ok_and(|listing| listing.full)
    );
}

#[tokio::test]
async fn a_lost_reply_leads_to_no_second_event() {
    let world = World::new().await;
    let id = EventId::new("rt0abc");
    world.fault("POST", Fault::DropAfter);
    let lost = world.calendar.insert(&primary(), &id, &body()).await;
    assert_eq!(lost, Err(PortError::Unreachable { nothing_sent: false }));
    assert_eq!(
        world.calendar.insert(&primary(), &id, &body()).await,
        Err(PortError::AlreadyExists)
    );
    assert!(
        matches!(world.calendar.get(&primary(), &id).await, Ok(EventLookup::Live { event, .. }) if event.mark == Some(body().mark))
    );
    assert_eq!(world.google().list_all(MARA, "primary").expect("there").len(), 1);
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart_and_passes() {
    let world = World::new().await;
    world.insert("rt0abc").await;
    let text = |body: &str| Fault::RawBody {
        body: body.into(),
        content_type: "text/html".into(),
    };
    let status = |status, body: Value| Fault::Status {
        status,
        body: Some(body),
        headers: vec![],
    };
    let bad = |what: &str| PortError::BadAnswer { what: what.into() };
    let trouble = |status| PortError::ServerTrouble {
        status,
        retry_after: None,
    };
    for (fault, expected) in [
        (Fault::DropBefore, PortError::Unreachable { nothing_sent: false }),
        (
            Fault::DropDuring { bytes: 20 },
            PortError::Unreachable { nothing_sent: false },
        ),
        (Fault::CutPage, bad("page")),
        (text("<html>Sign in to Hotel WiFi</html>"), bad("page")),
        (text("{\"items\":[]"), bad("page")),
        (
            status(404, json!("<html>Not Found</html>")),
            bad("status 404 without a reason"),
        ),
        (status(500, json!({"error": {"code": 500}})), trouble(500)),
        (status(503, json!("<html>")), trouble(503)),
        (Fault::ExpiredSyncToken, PortError::FeedExpired),
        (Fault::CalendarGone, PortError::CalendarNotFound),
        (
            Fault::ScopeMissing,
            PortError::RightMissing {
                right: CALENDAR_SCOPE.into(),
            },
        ),
    ] {
        let token = world
            .calendar
            .changes(&primary(), None)
            .await
            .expect("a listing")
            .next_token;
        world.fault("GET", fault.clone());
        let token = if matches!(fault, Fault::ExpiredSyncToken) {
            Some(&token)
        } else {
            None
        };
        assert_eq!(
            world.calendar.changes(&primary(), token).await,
            Err(expected),
            "{fault:?}"
        );
        let after = world.calendar.changes(&primary(), None).await.expect("it passes");
        assert_eq!(after.items.len(), 1, "{fault:?}");
    }
    world.fault("POST", Fault::QuotaExceeded);
    let quota = world
        .calendar
        .insert(&primary(), &EventId::new("rt0def"), &body())
        .await;
    assert_eq!(quota, Err(PortError::QuotaGone));
}

#[tokio::test]
async fn a_calendar_that_is_gone_is_told_from_an_event_that_is_gone() {
    let world = World::new().await;
    let id = world
        .google()
        .add_calendar(MARA, "Termine", chrono_tz::Europe::Berlin)
        .expect("made");
    let calendar = CalendarId::new(&id);
    let info = world.calendar.calendar(&calendar).await.expect("there");
    assert_eq!(
        (info.name.as_str(), info.time_zone.as_deref()),
        ("Termine", Some("Europe/Berlin"))
    );
    assert_eq!(world.calendar.may_write(&calendar).await, Ok(Some(true)));
    let token = world
        .calendar
        .changes(&calendar, None)
        .await
        .expect("a listing")
        .next_token;
    world
        .calendar
        .insert(&calendar, &EventId::new("rt0abc"), &body())
        .await
        .expect("made");
    world.google().remove_calendar(MARA, &id).expect("removed");
    assert_eq!(
        world.calendar.calendar(&calendar).await,
        Err(PortError::CalendarNotFound)
    );
    assert_eq!(
        world.calendar.changes(&calendar, None).await,
        Err(PortError::CalendarNotFound)
    );
    assert_eq!(
        world.calendar.changes(&calendar, Some(&token)).await,
        Err(PortError::CalendarNotFound)
    );
    let insert = world
        .calendar
        .insert(&calendar, &EventId::new("rt0def"), &body())
        .await;
    assert_eq!(insert, Err(PortError::CalendarNotFound));
    // Of one event it is said that it is not there; whether the calendar is has to be asked.
    assert_eq!(
        world.calendar.get(&calendar, &EventId::new("rt0abc")).await,
        Ok(EventLookup::NotFound)
    );
    let etag = Etag::new("\"1\"");
    let patch = world
        .calendar
        .patch(&calendar, &EventId::new("rt0abc"), &etag, &body(), PatchMask::ALL)
        .await;
    assert_eq!(patch, Err(PortError::NotFound));
}

#[tokio::test]
async fn the_same_model_answers_without_a_network() {
    let world = World::new().await;
    world.insert("rt0abc").await;
    let router: Arc<dyn HttpPort> = Arc::new(RouterHttp::new(world.running.sandbox.google_router()));
    let calendar = GoogleCalendar::new(
        router,
        world.clock.clone(),
        world.config.clone(),
        world.vault.clone(),
    );
    let over_http = world.calendar.changes(&primary(), None).await.expect("a listing");
    assert_eq!(
        calendar
            .changes(&primary(), None)
            .await
            .map(|listing| listing.items),
        Ok(over_http.items)
    );
    for fault in [Fault::DropBefore, Fault::DropAfter] {
        world.fault("POST", fault);
        let lost = calendar
            .insert(&primary(), &EventId::new("rt0def"), &body())
            .await;
        assert_eq!(lost, Err(PortError::Unreachable { nothing_sent: false }));
    }
    assert_eq!(
        calendar
            .insert(&primary(), &EventId::new("rt0def"), &body())
            .await,
        Err(PortError::AlreadyExists)
    );
    world.fault("GET", Fault::BigBody { bytes: 50_000_000 });
    let smaller = calendar.changes(&primary(), None).await;
    assert_eq!(smaller.expect("in smaller pages").items.len(), 2);
}
