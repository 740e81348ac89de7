//! What Google's answers mean, against a script.

use crate::script;

use chrono::NaiveDate;
use roundtrip_core::event::EventChange;
use roundtrip_core::ids::{CalendarId, EventId, SyncToken};
use roundtrip_core::time::{EventTime, TimeSpan};
use roundtrip_engine::ports::{CalendarPort as _, EventLookup, PortError};
use roundtrip_http::testing::ScriptedHttp;
use roundtrip_http::{HttpError, HttpErrorKind};
use script::*;
use serde_json::{Value, json};

#[tokio::test]
async fn a_full_listing_reads_all_pages_with_the_same_parameters() {
    let (http, client) = client();
    http.then(200, &page(vec![stored(|_| ())], ("nextPageToken", "p 2")))
        .then(200, r#"{"nextPageToken":"p3"}"#)
        .then(
            200,
            &page(
                vec![stored(|event| event["id"] = json!("theirs"))],
                ("nextSyncToken", "s1"),
            ),
        );
    let calendar = CalendarId::new("mara#1@group.calendar.google.com");
    let listing = client.changes(&calendar, None).await.expect("a listing");
    assert_eq!(
        (listing.items.len(), listing.full, listing.next_token.as_str()),
        (2, true, "s1")
    );
    let asked = http.asked();
    let pages: Vec<_> = asked
        .iter()
        .map(|request| {
            assert_eq!(request.uri().host(), Some("www.googleapis.com"));
            assert_eq!(
                request.uri().path(),
                "/calendar/v3/calendars/mara%231%40group.calendar.google.com/events"
            );
            assert!(has(request, "maxResults", "1000") && has(request, "singleEvents", "false"));
            let names: Vec<_> = query(request).into_iter().map(|(name, _)| name).collect();
            for forbidden in [
                "timeMin",
                "timeMax",
                "updatedMin",
                "q",
                "orderBy",
                "privateExtendedProperty",
                "syncToken",
            ] {
                assert!(!names.iter().any(|name| name == forbidden), "{forbidden}");
            }
            let fields = query(request)
                .into_iter()
                .find(|(name, _)| name == "fields")
                .expect("a mask")
                .1;
            for name in ["nextPageToken", "nextSyncToken", "timeZone"] {
                assert!(fields.contains(name), "{name}");
            }
            // Whether it is the trainer's own; never whose else.
            assert!(fields.contains("organizer/self"));
            let fields = fields.replace("organizer/self", "");
            for nobody in [
                "attendee",
                "conference",
                "creator",
                "organizer",
                "hangout",
                "email",
            ] {
                assert!(!fields.contains(nobody), "{nobody}");
            }
            query(request)
                .into_iter()
                .find(|(name, _)| name == "pageToken")
                .map(|(_, token)| token)
        })
        .collect();
    assert_eq!(pages, [None, Some("p 2".to_owned()), Some("p3".to_owned())]);
    assert_eq!(client.requests_sent(), 3);
    assert!(
        asked[0].headers()["user-agent"]
            .to_str()
            .is_ok_and(|agent| agent.contains("gzip"))
    );
}

#[tokio::test]
async fn an_incremental_listing_sends_its_token_on_every_page() {
    let (http, client) = client();
    http.then(200, r#"{"nextPageToken":"p2"}"#)
        .then(200, r#"{"nextSyncToken":"s2"}"#);
    let listing = client
        .changes(&primary(), Some(&SyncToken::new("s=1")))
        .await
        .expect("a listing");
    assert_eq!(
        (listing.items.len(), listing.full, listing.next_token.as_str()),
        (0, false, "s2")
    );
    for request in http.asked() {
        assert!(has(&request, "syncToken", "s=1") && has(&request, "singleEvents", "false"));
        assert!(!query(&request).iter().any(|(name, _)| name == "showDeleted"));
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones_and_the_next_listing_knows() {
    let (http, client) = client();
    let too_large = || HttpError::maybe_sent(HttpErrorKind::TooLarge);
    http.then(200, &page(vec![stored(|_| ())], ("nextPageToken", "p2")))
        .then_fail(too_large())
        .then_fail(too_large())
        .then(200, &page(vec![stored(|_| ())], ("nextPageToken", "p2")))
        .then(200, &page(Vec::new(), ("nextSyncToken", "s1")))
        .then(200, &page(Vec::new(), ("nextSyncToken", "s2")));
    let listing = client.changes(&primary(), None).await.expect("a listing");
    assert_eq!(
        (listing.items.len(), listing.full),
        (1, true),
        "nothing comes twice"
    );
    let since = Some(&listing.next_token);
    client.changes(&primary(), since).await.expect("a listing");
    let asked = |request: &http::Request<bytes::Bytes>| {
        let query = query(request).into_iter();
        let wanted = query.filter(|(name, _)| name == "maxResults" || name == "pageToken");
        wanted.map(|(_, value)| value).collect::<Vec<_>>().join(" ")
    };
    let asked: Vec<String> = http.asked().iter().map(asked).collect();
    assert_eq!(asked, ["1000", "1000 p2", "250", "62", "62 p2", "62"]);

    // Smaller than the smallest there is none.
    http.then_fail(too_large()).then_fail(too_large());
    let refused = Err(PortError::BadAnswer {
        what: "answer too large".into(),
    });
    assert_eq!(client.changes(&primary(), None).await, refused);
    assert_eq!((http.asked().len(), http.left()), (8, 0));
}

#[tokio::test]
async fn a_page_that_does_not_come_in_time_is_asked_for_in_smaller_ones() {
    let (http, client) = client();
    let slow = || HttpError::maybe_sent(HttpErrorKind::Timeout);
    let sizes = |http: &ScriptedHttp| {
        let size = |request: &http::Request<bytes::Bytes>| {
            let query = query(request).into_iter();
            query
                .filter(|(name, _)| name == "maxResults")
                .map(|(_, value)| value)
                .collect::<String>()
        };
        http.asked().iter().map(size).collect::<Vec<_>>().join(" ")
    };
    // Nothing came at any size: it cannot be reached, and the next reading begins as before.
    http.then_fail(slow())
        .then_fail(slow())
        .then_fail(slow())
        .then_fail(slow());
    let unreachable = |nothing_sent| Err(PortError::Unreachable { nothing_sent });
    assert_eq!(client.changes(&primary(), None).await, unreachable(false));
    assert_eq!(sizes(&http), "1000 250 62 50");

    // Only what was on its way can have been too slow.
    http.then_fail(HttpError::not_sent(HttpErrorKind::Timeout));
    assert_eq!(client.changes(&primary(), None).await, unreachable(true));
    http.then_fail(HttpError::maybe_sent(HttpErrorKind::Cut));
    assert_eq!(client.changes(&primary(), None).await, unreachable(false));

    http.then(200, &page(vec![stored(|_| ())], ("nextPageToken", "p2")))
        .then_fail(slow())
        .then(200, &page(vec![stored(|_| ())], ("nextPageToken", "p2")))
        .then(200, &page(Vec::new(), ("nextSyncToken", "s1")))
        .then(200, &page(Vec::new(), ("nextSyncToken", "s2")));
    let listing = client.changes(&primary(), None).await.expect("a listing");
    assert_eq!(listing.items.len(), 1, "nothing comes twice");
    let since = Some(&listing.next_token);
    client.changes(&primary(), since).await.expect("a listing");
    assert_eq!(sizes(&http), "1000 250 62 50 1000 1000 1000 1000 250 250 250");

    // Not a listing: nothing smaller can be asked for.
    http.then_fail(slow());
    assert_eq!(
        client.calendar(&primary()).await.err(),
        Some(PortError::Unreachable { nothing_sent: false })
    );
    assert_eq!(http.left(), 0);
}

/// Nothing of a listing counts unless it is whole.
#[tokio::test]
async fn a_listing_that_is_cut_or_goes_in_circles_is_no_answer() {
    let bad = |what: &str| Err(PortError::BadAnswer { what: what.into() });
    let whole = page(vec![stored(|_| ())], ("nextSyncToken", "s"));
    for (body, what) in [
        (whole[..whole.len() / 2].to_owned(), "page"),
        (String::new(), "page"),
        ("<html>".into(), "page"),
        ("{}".into(), "nextSyncToken"),
        (r#"{"items":[]}"#.into(), "nextSyncToken"),
        (r#"{"items":[],"nextSyncToken":""}"#.into(), "nextSyncToken"),
        (
            r#"{"nextSyncToken":"s","nextPageToken":"p"}"#.into(),
            "nextPageToken",
        ),
        (r#"{"items":7,"nextSyncToken":"s"}"#.into(), "page"),
    ] {
        let (http, client) = client();
        http.then(200, &body);
        assert_eq!(client.changes(&primary(), None).await, bad(what), "{body:.80}");
    }
    let (http, client_one) = client();
    http.then(200, r#"{"nextPageToken":"p"}"#)
        .then(200, r#"{"nextPageToken":"p"}"#);
    assert_eq!(
        client_one.changes(&primary(), None).await,
        bad("a page came twice")
    );
    let (http, client_two) = client();
    for n in 0..250 {
        http.then(200, &json!({ "nextPageToken": format!("p{n}") }).to_string());
    }
    assert_eq!(client_two.changes(&primary(), None).await, bad("too many pages"));
    assert_eq!(http.asked().len(), 200);
}

#[tokio::test]
async fn an_event_is_read_whole() {
    let EventChange::Live(event) = read(stored(|_| ())).await.remove(0) else {
        panic!("not read")
    };
    assert_eq!((event.id.as_str(), event.etag.as_str()), ("rt0abc", "\"31\""));
    assert_eq!(event.updated, Some(at("2026-11-21T07:00:00Z")));
    assert_eq!(
        (
            event.title.as_str(),
            event.location.as_str(),
            event.description.as_str()
        ),
        ("Linden-Apotheke", "", "")
    );
    assert!(!event.recurring && !event.free);
    let mark = event.mark.expect("our mark");
    assert_eq!(
        (
            mark.appointment.as_str(),
            mark.generation,
            mark.version,
            mark.time
        ),
        ("apt_41", 2, 0, None)
    );
    let changed = stored(|event| {
        event["recurrence"] = json!(["RRULE:FREQ=WEEKLY"]);
        event["transparency"] = json!("transparent");
        event["extendedProperties"] = json!({"shared": {"rt_appointment": "apt_41"}});
        event["summary"] = json!("Linden-Apotheke #linden");
        event["eventType"] = json!("somethingNew");
        event["attendees"] = json!([{"email": "guest@example.org"}]);
    });
    let EventChange::Live(event) = read(changed).await.remove(0) else {
        panic!("not read")
    };
    assert!(event.recurring && event.free && event.mark.is_none());
    assert!(
        !format!("{event:?}").contains("guest"),
        "guests are not taken over even if they come"
    );
}

#[tokio::test]
async fn of_somebody_elses_event_neither_place_nor_text_is_kept_and_of_what_may_be_ours_all_is() {
    let own = |title: &str, id: &str| {
        stored(|event| {
            event["id"] = json!(id);
            event["summary"] = json!(title);
            event["location"] = json!("Lindenstr. 5");
            event["description"] = json!("Befund von Frau Krause");
            event["extendedProperties"] = json!({"private": {"theirs": "x"}});
        })
    };
    let read_one = async |item| read(item).await.remove(0);
    let EventChange::Foreign(event) = read_one(own("Zahnarzt", "theirs")).await else {
        panic!("its texts are kept")
    };
    assert_eq!((event.id.as_str(), event.etag.as_str()), ("theirs", "\"31\""));
    let told = format!("{event:?}");
    for text in ["Linden", "Krause", "google.com"] {
        assert!(!told.contains(text), "{told}");
    }
    // Tagged, or by its id one of ours whose mark was taken away.
    let chosen = "0123456789abcdefghijklmnopqrstuv0123456789abcdefghij";
    for item in [own("Besuch #linden", "theirs"), own("Zahnarzt", chosen)] {
        let EventChange::Live(event) = read_one(item).await else {
            panic!("it may be ours")
        };
        assert_eq!(event.description, "Befund von Frau Krause");
    }
}

#[tokio::test]
async fn a_listing_is_measured_by_what_is_kept_of_it() {
    let item = |title: &str, nth: usize| {
        stored(|event| {
            event["id"] = json!(format!("theirs{nth}"));
            event["summary"] = json!(title);
            event["description"] = json!("x".repeat(60_000));
            event["extendedProperties"] = Value::Null;
        })
    };
    // 72 MB of each.
    for (title, whole) in [("Zahnarzt", true), ("Besuch #linden", false)] {
        let (http, client) = client();
        for nth in 0..12 {
            let items = (0..100).map(|event| item(title, nth * 100 + event)).collect();
            let token = format!("p{nth}");
            let next = match nth {
                11 => ("nextSyncToken", "s"),
                _ => ("nextPageToken", token.as_str()),
            };
            http.then(200, &page(items, next));
        }
        let read = client
            .changes(&primary(), None)
            .await
            .map(|listing| listing.items.len());
        let too_large = Err(PortError::BadAnswer {
            what: "listing too large".into(),
        });
        assert_eq!(read, if whole { Ok(1_200) } else { too_large }, "{title}");
    }
}

#[tokio::test]
async fn times_are_instants_with_the_zone_people_mean() {
    let berlin = chrono_tz::Europe::Berlin;
    let expected = TimeSpan::new(
        at("2026-12-01T08:00:00Z"),
        Some(at("2026-12-01T09:30:00Z")),
        berlin,
    );
    for (start, end) in [
        ("2026-12-01T09:00:00+01:00", "2026-12-01T10:30:00+01:00"),
        ("2026-12-01T03:00:00-05:00", "2026-12-01T04:30:00-05:00"),
        ("2026-12-01T08:00:00Z", "2026-12-01T09:30:00.000Z"),
        ("2026-12-01T09:00:00", "2026-12-01T10:30:00"),
    ] {
        let told = |text| json!({"dateTime": text, "timeZone": "Europe/Berlin"});
        let time = read_time(told(start), told(end)).await.timed().expect("timed");
        assert_eq!((time, time.zone), (expected, berlin), "{start}");
    }
    // What has no length is not given one.
    let told = || json!({"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "Europe/Berlin"});
    let time = read_time(told(), told()).await.timed().expect("timed");
    assert_eq!((time.start, time.end), (expected.start, expected.start));
    // Without a zone of its own, the calendar's; also where the name is unknown.
    for zone in [Value::Null, json!("Mars/Olympus")] {
        let told = |text| json!({"dateTime": text, "timeZone": zone});
        let time = read_time(
            told("2026-12-01T09:00:00+01:00"),
            told("2026-12-01T10:30:00+01:00"),
        )
        .await;
        let time = time.timed().expect("timed");
        assert_eq!((time, time.zone), (expected, chrono_tz::America::New_York));
    }
    // Clocks go back: the offset tells the two apart.
    for (text, instant) in [("02:30:00+02:00", "00:30:00Z"), ("02:30:00+01:00", "01:30:00Z")] {
        let told =
            |text: &str| json!({"dateTime": format!("2026-10-25T{text}"), "timeZone": "Europe/Berlin"});
        let time = read_time(told(text), told("04:00:00+01:00"))
            .await
            .timed()
            .expect("timed");
        assert_eq!(time.start, at(&format!("2026-10-25T{instant}")));
    }
    let day = |text| NaiveDate::parse_from_str(text, "%Y-%m-%d").expect("a test's own day");
    let all_day = read_time(json!({"date": "2026-12-01"}), json!({"date": "2026-12-02"})).await;
    assert_eq!(
        all_day,
        EventTime::AllDay {
            start: day("2026-12-01"),
            end: day("2026-12-02")
        }
    );
}

#[tokio::test]
async fn a_tombstone_needs_nothing_but_its_id() {
    let deleted = |updated| EventChange::Deleted {
        id: event_id(),
        updated,
    };
    assert_eq!(
        read(json!({"id": "rt0abc", "status": "cancelled"})).await,
        [deleted(None)]
    );
    let whole = stored(|event| event["status"] = json!("cancelled"));
    assert_eq!(read(whole).await, [deleted(Some(at("2026-11-21T07:00:00Z")))]);
}

#[tokio::test]
async fn an_occurrence_of_a_series_is_neither_an_event_of_ours_nor_a_tombstone() {
    let slot = json!({"dateTime": "2026-12-08T09:00:00+01:00"});
    let cancelled = json!({"id": "rt0abc_20261208T080000Z", "status": "cancelled", "recurringEventId": "rt0abc",
        "originalStartTime": slot});
    assert_eq!(read(cancelled).await, []);
    let moved = stored(|event| event["recurringEventId"] = json!("rt0abc"));
    assert_eq!(read(moved).await, []);
}

#[tokio::test]
async fn one_unreadable_event_is_named_and_the_others_come() {
    let broken = [
        (json!({"id": "a", "etag": "1"}), Some("a"), "start"),
        (
            json!({"id": "b", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}),
            Some("b"),
            "etag",
        ),
        (
            stored(|event| event["start"] = json!({"dateTime": "soon"})),
            Some("rt0abc"),
            "start",
        ),
        (
            stored(|event| event["end"] = json!({"dateTime": "2026-13-41T00:00:00Z"})),
            Some("rt0abc"),
            "end",
        ),
        (
            stored(|event| event["end"] = json!({"date": "2026-12-01"})),
            Some("rt0abc"),
            "end",
        ),
        (
            stored(|event| event["summary"] = json!(7)),
            Some("rt0abc"),
            "event",
        ),
        (json!({"status": "cancelled"}), None, "id"),
        (json!(7), None, "event"),
    ];
    let (http, client) = client();
    let mut items: Vec<_> = broken.iter().map(|(item, ..)| item.clone()).collect();
    items.push(stored(|_| ()));
    http.then(200, &page(items, ("nextSyncToken", "s")));
    let read = client.changes(&primary(), None).await.expect("a listing").items;
    assert_eq!(read.len(), broken.len() + 1);
    for ((item, id, field), read) in broken.iter().zip(&read) {
        let expected = EventChange::Unreadable {
            id: id.map(EventId::new),
            field: (*field).to_owned(),
        };
        assert_eq!(*read, expected, "{item}");
    }
    assert!(matches!(read.last(), Some(EventChange::Live(_))));
}

/// A page whose place is too old says nothing of the calendar: nobody is to choose another one because of it.
#[tokio::test]
async fn a_listing_that_is_gone_is_a_calendar_that_is_gone_but_for_a_place_that_is_too_old() {
    for (reason, gone) in [
        ("deleted", true),
        ("gone", true),
        ("fullSyncRequired", false),
        ("updatedMinTooLongAgo", false),
    ] {
        let (http, client) = client();
        http.then(410, &google_error(410, reason));
        let answer = client.changes(&primary(), None).await;
        assert_eq!(answer == Err(PortError::CalendarNotFound), gone, "{answer:?}");
    }
}

#[tokio::test]
async fn one_event_is_looked_up() {
    let (http, client) = client();
    http.then(200, &stored(|_| ()).to_string())
        .then(
            200,
            r#"{"id":"rt0abc","status":"cancelled","updated":"2026-11-20T07:00:00.000Z"}"#,
        )
        .then(404, &google_error(404, "notFound"))
        .then(410, &google_error(410, "deleted"))
        .then_with(404, &[("content-type", "text/html")], "<html>")
        .then(200, &stored(|event| event["id"] = json!("another")).to_string())
        .then(200, "{\"id\":");
    let found = client.get(&primary(), &event_id()).await;
    assert!(matches!(found, Ok(EventLookup::Live { event, .. }) if event.id == event_id()));
    let deleted = EventLookup::Deleted {
        updated: Some(at("2026-11-20T07:00:00Z")),
    };
    assert_eq!(client.get(&primary(), &event_id()).await, Ok(deleted));
    assert_eq!(
        client.get(&primary(), &event_id()).await,
        Ok(EventLookup::NotFound)
    );
    assert_eq!(
        client.get(&primary(), &event_id()).await,
        Ok(EventLookup::Deleted { updated: None })
    );
    for _ in 0..3 {
        assert!(matches!(
            client.get(&primary(), &event_id()).await,
            Err(PortError::BadAnswer { .. })
        ));
    }
    for id in ["", ".", ".."] {
        let refused = Err(PortError::Rejected {
            reason: "bad_id".into(),
        });
        assert_eq!(client.get(&primary(), &EventId::new(id)).await, refused);
    }
    assert_eq!(http.asked().len(), 7);
}

#[tokio::test]
async fn a_calendar_is_checked_by_its_smallest_listing() {
    let (http, client) = client();
    let told = r#"{"summary":"Mara","timeZone":"Europe/Berlin","accessRole":"reader"}"#;
    http.then(200, told)
        .then(200, told)
        .then(404, &google_error(404, "notFound"));
    let info = client.calendar(&primary()).await.expect("there");
    assert_eq!(
        (info.id, info.name.as_str(), info.time_zone.as_deref()),
        (primary(), "Mara", Some("Europe/Berlin"))
    );
    assert_eq!(client.may_write(&primary()).await, Ok(Some(false)));
    assert_eq!(
        client.calendar(&primary()).await,
        Err(PortError::CalendarNotFound)
    );
    let asked = http.asked().remove(0);
    assert_eq!(asked.uri().path(), "/calendar/v3/calendars/primary/events");
    assert!(has(&asked, "maxResults", "1") && has(&asked, "fields", "summary,timeZone,accessRole"));
}
