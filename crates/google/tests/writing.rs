//! What is written to Google, and who it says it is, against a script.

use crate::script;

use roundtrip_core::event::{EventBody, PatchMask};
use roundtrip_core::ids::{Etag, SyncToken};
use roundtrip_engine::ports::{CalendarPort as _, PortError};
use roundtrip_google::{Account, CALENDAR_SCOPE, GoogleConfig};
use script::*;
use serde_json::{Value, json};

#[tokio::test]
async fn an_insert_says_all_and_nothing_more() {
    let (http, client) = client();
    http.then(200, &stored(|_| ()).to_string());
    let event = client
        .insert(&primary(), &event_id(), &body())
        .await
        .expect("made");
    assert_eq!(event.etag.as_str(), "\"31\"");
    let asked = http.asked().remove(0);
    assert_eq!(
        (asked.method().as_str(), asked.uri().path()),
        ("POST", "/calendar/v3/calendars/primary/events")
    );
    assert!(!asked.headers().contains_key("if-match"));
    let expected = json!({"id":"rt0abc","status":"confirmed","summary":"Linden-Apotheke 💊","location":"Lindenstr. 5",
        "description":"","start":{"dateTime":"2026-12-01T09:00:00+01:00","timeZone":"Europe/Berlin"},
        "end":{"dateTime":"2026-12-01T10:30:00+01:00","timeZone":"Europe/Berlin"},
        "transparency":"opaque",
        "source":{"url":"https://linden.example/appointments/apt_41","title":"Linden Akademie"},
        "extendedProperties":{"private":{"rt_appointment":"apt_41","rt_platform":"f00d","rt_schema":"1",
            "rt_generation":"2","rt_version":"7"}}});
    assert_eq!(sent(&asked), expected);
}

#[tokio::test]
async fn looks_are_said_as_the_trainer_chose() {
    let (http, client) = client();
    http.then(200, &stored(|_| ()).to_string())
        .then(200, &stored(|_| ()).to_string());
    let looks = EventBody {
        tentative: true,
        private: true,
        color: Some("7".into()),
        ..body()
    };
    let odd = EventBody {
        source_url: Some("roundtrip://appointment/apt_41".into()),
        ..looks
    };
    assert!(client.insert(&primary(), &event_id(), &odd).await.is_ok());
    let insert = sent(&http.asked()[0]);
    assert_eq!(
        (&insert["status"], &insert["visibility"], &insert["colorId"]),
        (&json!("tentative"), &json!("private"), &json!("7"))
    );
    assert_eq!(insert.get("source"), None, "Google takes web addresses only");
    let mask = PatchMask {
        looks: true,
        ..PatchMask::default()
    };
    assert!(
        client
            .patch(&primary(), &event_id(), &Etag::new("\"31\""), &body(), mask)
            .await
            .is_ok()
    );
    let patch = sent(&http.asked()[1]);
    let names: Vec<_> = patch
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        ["extendedProperties", "source", "status"],
        "a colour that was not chosen stays, and so does what the trainer hid"
    );
}

#[tokio::test]
async fn only_what_was_hidden_by_us_is_shown_again() {
    let (http, client) = client();
    let mask = PatchMask {
        looks: true,
        ..PatchMask::default()
    };
    for (private, was_private, said) in [
        (true, false, Some("private")),
        (true, true, Some("private")),
        (false, true, Some("default")),
        (false, false, None),
    ] {
        http.then(200, &stored(|_| ()).to_string());
        let body = EventBody {
            private,
            was_private,
            ..body()
        };
        let etag = Etag::new("\"31\"");
        let patched = client.patch(&primary(), &event_id(), &etag, &body, mask).await;
        assert!(patched.is_ok());
        let patch = sent(http.asked().last().expect("it asked"));
        assert_eq!(patch.get("visibility").and_then(|said| said.as_str()), said);
    }
}

#[tokio::test]
async fn a_patch_names_only_what_it_changes_and_its_precondition() {
    let (http, client) = client();
    let none = PatchMask::default();
    for (mask, expected) in [
        (none, vec![]),
        (PatchMask { time: true, ..none }, vec!["end", "start"]),
        (PatchMask { title: true, ..none }, vec!["summary"]),
        (
            PatchMask {
                location: true,
                description: true,
                ..none
            },
            vec!["description", "location"],
        ),
    ] {
        http.then(200, &stored(|_| ()).to_string());
        assert!(
            client
                .patch(&primary(), &event_id(), &Etag::new("\"30\""), &body(), mask)
                .await
                .is_ok()
        );
        let asked = http.asked().pop().expect("asked");
        assert_eq!(
            (asked.method().as_str(), asked.uri().path()),
            ("PATCH", "/calendar/v3/calendars/primary/events/rt0abc")
        );
        assert_eq!(asked.headers()["if-match"], "\"30\"");
        let patch = sent(&asked);
        let names = patch.as_object().expect("an object").keys().map(String::as_str);
        let names: Vec<_> = names.filter(|name| *name != "extendedProperties").collect();
        assert_eq!(names, expected);
        assert_eq!(
            patch["extendedProperties"]["private"]["rt_version"],
            json!("7"),
            "the mark goes with every write"
        );
        if mask.time {
            // An event that was made all-day becomes timed again only if its date is cleared.
            assert_eq!(
                patch["start"],
                json!({"dateTime":"2026-12-01T09:00:00+01:00","timeZone":"Europe/Berlin","date":null})
            );
            assert_eq!(patch["end"]["date"], Value::Null);
        }
    }
}

/// P12: nobody else is ever mailed, and nothing of the trainer's own is written.
#[tokio::test]
async fn every_write_tells_nobody_and_names_no_guests() {
    let (http, client) = client();
    let (id, etag) = (event_id(), Etag::new("\"31\""));
    let bodies = [
        body(),
        EventBody {
            tentative: true,
            private: true,
            color: Some("1".into()),
            source_url: None,
            ..body()
        },
    ];
    let flags = [false, true];
    for body in &bodies {
        http.then(200, &stored(|_| ()).to_string());
        assert!(client.insert(&primary(), &id, body).await.is_ok());
        for n in 0..32 {
            let bit = |k: usize| flags[(n >> k) & 1];
            let mask = PatchMask {
                time: bit(0),
                title: bit(1),
                location: bit(2),
                description: bit(3),
                looks: bit(4),
            };
            http.then(200, &stored(|_| ()).to_string());
            assert!(client.patch(&primary(), &id, &etag, body, mask).await.is_ok());
        }
    }
    http.then(204, "").then(204, "");
    assert_eq!(client.delete(&primary(), &id, Some(&etag)).await, Ok(()));
    assert_eq!(client.delete(&primary(), &id, None).await, Ok(()));
    let asked = http.asked();
    assert_eq!(asked.len(), 2 * 33 + 2);
    for request in &asked {
        assert!(has(request, "sendUpdates", "none"), "{}", request.uri());
        let names: Vec<_> = query(request).into_iter().map(|(name, _)| name).collect();
        assert!(
            !names
                .iter()
                .any(|name| name == "conferenceDataVersion" || name == "supportsAttachments")
        );
        let text = std::str::from_utf8(request.body()).expect("text");
        for theirs in [
            "attendees",
            "reminders",
            "conferenceData",
            "guests",
            "organizer",
            "recurrence",
            "sendNotifications",
        ] {
            assert!(!text.contains(&format!("\"{theirs}")), "{theirs} in {text}");
        }
        if request.method() == "PATCH" {
            assert!(!text.contains("transparency"), "marked as free is left alone");
        }
    }
    let conditions: Vec<_> = asked[66..]
        .iter()
        .map(|request| request.headers().get("if-match").cloned())
        .collect();
    assert_eq!(
        conditions[0].as_ref().and_then(|value| value.to_str().ok()),
        Some("\"31\"")
    );
    assert_eq!(conditions[1], None);
}

#[tokio::test]
async fn the_errors_of_writes_and_listings() {
    let (http, client) = client();
    let etag = Etag::new("\"31\"");
    http.then(409, &google_error(409, "duplicate"));
    assert_eq!(
        client.insert(&primary(), &event_id(), &body()).await,
        Err(PortError::AlreadyExists)
    );
    http.then(404, &google_error(404, "notFound"));
    assert_eq!(
        client.insert(&primary(), &event_id(), &body()).await,
        Err(PortError::CalendarNotFound)
    );
    http.then(403, &google_error(403, "quotaExceeded"));
    assert_eq!(
        client.insert(&primary(), &event_id(), &body()).await,
        Err(PortError::QuotaGone)
    );
    http.then(412, &google_error(412, "conditionNotMet"));
    let patched = client
        .patch(&primary(), &event_id(), &etag, &body(), PatchMask::ALL)
        .await;
    assert_eq!(patched, Err(PortError::PreconditionFailed { current: None }));
    http.then(200, r#"{"id":"rt0abc","status":"cancelled"}"#);
    let patched = client
        .patch(&primary(), &event_id(), &etag, &body(), PatchMask::ALL)
        .await;
    assert_eq!(patched, Err(PortError::AlreadyDeleted));
    http.then(410, &google_error(410, "deleted"))
        .then(404, &google_error(404, "notFound"));
    assert_eq!(
        client.delete(&primary(), &event_id(), Some(&etag)).await,
        Err(PortError::AlreadyDeleted)
    );
    assert_eq!(
        client.delete(&primary(), &event_id(), Some(&etag)).await,
        Err(PortError::NotFound)
    );
    let token = SyncToken::new("old");
    http.then(410, &google_error(410, "fullSyncRequired"))
        .then(400, &google_error(400, "invalid"));
    assert_eq!(
        client.changes(&primary(), Some(&token)).await,
        Err(PortError::FeedExpired)
    );
    assert_eq!(
        client.changes(&primary(), Some(&token)).await,
        Err(PortError::FeedExpired)
    );
    http.then(404, &google_error(404, "notFound"));
    assert_eq!(
        client.changes(&primary(), Some(&token)).await,
        Err(PortError::CalendarNotFound)
    );
    http.then(503, "<html>");
    let trouble = PortError::ServerTrouble {
        status: 503,
        retry_after: None,
    };
    assert_eq!(client.changes(&primary(), None).await, Err(trouble));
    http.then_with(
        403,
        &[("retry-after", "9")],
        &google_error(403, "rateLimitExceeded"),
    );
    let throttled = Err(PortError::Throttled {
        retry_after: Some(std::time::Duration::from_secs(9)),
    });
    assert_eq!(client.changes(&primary(), None).await, throttled);
    let before = http.asked().len();
    assert_eq!(
        client.changes(&primary(), None).await,
        throttled,
        "and nothing is sent meanwhile"
    );
    assert_eq!(http.asked().len(), before);
}

#[test]
fn who_signed_in_is_read_from_the_id_token() {
    let claims =
        |iss: &str, aud: &str| json!({"iss": iss, "aud": aud, "sub": "1057", "email": "mara@gmail.example"});
    let account = Account {
        subject: "1057".into(),
        email: Some("mara@gmail.example".into()),
    };
    for iss in ["https://accounts.google.com", "accounts.google.com"] {
        assert_eq!(
            Account::of(&tokens(Some(claims(iss, "client-1")), &[]), &config()),
            Ok(account.clone())
        );
    }
    for wrong in [
        None,
        Some(claims("https://evil.example", "client-1")),
        Some(claims("https://accounts.google.com", "another-client")),
        Some(json!({"iss": "accounts.google.com", "aud": "client-1"})),
        Some(json!({"iss": "accounts.google.com", "aud": "client-1", "sub": ""})),
        Some(json!("nonsense")),
    ] {
        let refused = Account::of(&tokens(wrong.clone(), &[]), &config());
        assert!(matches!(refused, Err(PortError::BadAnswer { .. })), "{wrong:?}");
    }
}

#[test]
fn an_unticked_right_is_noticed() {
    let email = "https://www.googleapis.com/auth/userinfo.email";
    assert_eq!(
        Account::missing_rights(&tokens(None, &["openid", email])),
        [CALENDAR_SCOPE]
    );
    assert!(Account::missing_rights(&tokens(None, &[CALENDAR_SCOPE, "openid", email])).is_empty());
}

#[test]
fn google_itself_is_the_default_and_every_address_can_be_replaced() {
    let google = config();
    assert_eq!(
        google.auth_url.as_str(),
        "https://accounts.google.com/o/oauth2/v2/auth"
    );
    let sign_in = google.sign_in_again("mara@gmail.example");
    assert_eq!(
        sign_in.scopes,
        [
            "openid",
            "email",
            "https://www.googleapis.com/auth/calendar.events"
        ]
    );
    assert_eq!(
        sign_in.issuer.map(|issuer| issuer.name).as_deref(),
        Some("https://accounts.google.com")
    );
    assert!(
        sign_in
            .extra
            .contains(&("login_hint".into(), "mara@gmail.example".into()))
    );
    let only = |wanted: &'static str, value: &'static str| {
        GoogleConfig::from_settings(move |name| (name == wanted).then(|| value.to_owned()))
    };
    let stand_in = only("ROUNDTRIP_GOOGLE_AUTH_URL", "http://127.0.0.1:9/auth").expect("this machine");
    assert_eq!(stand_in.sign_in().issuer, None);
    assert!(!stand_in.has_client());
    for name in [
        "ROUNDTRIP_GOOGLE_TOKEN_URL",
        "ROUNDTRIP_GOOGLE_REVOKE_URL",
        "ROUNDTRIP_GOOGLE_API_URL",
    ] {
        assert!(only(name, "https://stand-in.example").is_ok());
        for wrong in ["http://stand-in.example", "nonsense", "file:///x"] {
            assert_eq!(
                only(name, wrong).err().map(|error| error.name),
                Some(name),
                "{wrong}"
            );
        }
    }
}
