//! What is written to the platform and what its answers mean, against a script.

use crate::script;

use roundtrip_core::ids::{AppointmentId, DeviceId, Etag, EventId, IdempotencyKey};
use roundtrip_core::marked::MarkedEvent;
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::ports::{LaptopStatus, NewFromEvent, PlatformPort as _, PortError};
use roundtrip_http::testing::ScriptedHttp;
use roundtrip_platform::PlatformClient;
use script::*;
use serde_json::{Value, json};

#[tokio::test]
async fn a_move_is_told_in_the_appointments_own_zone_with_its_preconditions() {
    let moved = with(|value| (value["id"], value["version"]) = (json!("apt/41"), json!(8)));
    let body = json!({"appointment": moved, "admin_notified": true}).to_string();
    let (asked, answer) = move_answered(200, &[], &body).await;
    assert_eq!(answer, Ok(8));
    assert_eq!(asked.method(), "POST");
    assert_eq!(
        asked.uri(),
        "https://linden.example/v1/appointments/apt%2F41/move"
    );
    assert_eq!(asked.headers()["if-match"], "\"7\"");
    assert_eq!(asked.headers()["idempotency-key"], "move-key-1");
    assert_eq!(asked.headers()["authorization"], "Bearer access-1");
    assert!(asked.headers().contains_key("x-request-id"));
    let expected = json!({"start":"2026-12-01T11:00:00-08:00","end":"2026-12-01T12:30:00-08:00",
        "time_zone":"America/Los_Angeles","notify_admin":true,
        "source":{"provider":"google","event_id":"ev1","moved_at":"2026-11-21T07:59:12Z","device":"Mara's laptop"}});
    assert_eq!(serde_json::from_slice::<Value>(asked.body()).ok(), Some(expected));
}

#[tokio::test]
async fn each_problem_has_its_meaning() {
    let refused = |reason: &str| PortError::Refused {
        reason: reason.into(),
        detail: Some("Not on Sundays.".into()),
        current: None,
    };
    let rejected = |reason: &str| PortError::Rejected {
        reason: reason.into(),
    };
    let none = || json!({});
    for (status, code, more, expected) in [
        (403, "not_assigned", none(), PortError::NotAssigned),
        (
            403,
            "sync_disabled",
            json!({"reason":"kill_switch"}),
            PortError::SyncDisabled {
                reason: "kill_switch".into(),
            },
        ),
        (403, "not_editable", none(), refused("not_editable")),
        (
            403,
            "insufficient_scope",
            none(),
            PortError::RightMissing {
                right: "insufficient_scope".into(),
            },
        ),
        (403, "not_allowed", none(), rejected("not_allowed")),
        (404, "not_found", none(), PortError::NotFound),
        (409, "overlap", none(), refused("overlap")),
        (
            412,
            "version_mismatch",
            none(),
            PortError::PreconditionFailed { current: None },
        ),
        (
            422,
            "move_refused",
            json!({"reason":"outside_hours"}),
            refused("outside_hours"),
        ),
        (422, "move_refused", json!({"reason":"locked"}), refused("locked")),
        (
            422,
            "move_refused",
            json!({"reason":"in_past"}),
            refused("in_past"),
        ),
        (
            422,
            "move_refused",
            json!({"reason":"holiday"}),
            refused("holiday"),
        ),
        (
            422,
            "move_refused",
            json!({"reason":"full_moon"}),
            refused("other"),
        ),
        (422, "move_refused", none(), refused("other")),
        (422, "key_reused", none(), refused("key_reused")),
        (422, "invalid", none(), rejected("invalid")),
        (
            428,
            "precondition_required",
            none(),
            rejected("precondition_required"),
        ),
        (400, "Ada Klein!", none(), rejected("unknown")),
    ] {
        let kind = [("content-type", "application/problem+json; charset=utf-8")];
        let (_, answer) = move_answered(status, &kind, &problem(status, code, more)).await;
        assert_eq!(answer, Err(expected), "{status} {code}");
    }
    let (_, answer) = move_answered(429, &[("retry-after", "12")], "").await;
    let wait = Some(std::time::Duration::from_secs(12));
    assert_eq!(answer, Err(PortError::Throttled { retry_after: wait }));
    let (_, answer) = move_answered(503, &[("retry-after", "12")], "").await;
    assert_eq!(
        answer,
        Err(PortError::ServerTrouble {
            status: 503,
            retry_after: wait
        })
    );
}

#[tokio::test]
async fn the_state_that_was_in_the_way_comes_with_the_problem() {
    let current = with(|value| value["version"] = json!(9));
    for (status, code) in [(412, "version_mismatch"), (409, "overlap")] {
        let body = problem(
            status,
            code,
            json!({"current": current, "conflicting": {"id": "apt_2"}}),
        );
        let (_, answer) = move_answered(status, &[], &body).await;
        let (Err(PortError::PreconditionFailed { current: found })
        | Err(PortError::Refused { current: found, .. })) = answer
        else {
            panic!("{answer:?}")
        };
        assert_eq!(found.map(|appointment| appointment.version), Some(9), "{code}");
    }
}

/// A proxy's page, a portal, a wrong route: none of them says that an appointment is gone.
#[tokio::test]
async fn only_the_platforms_own_word_counts() {
    for status in [302, 400, 403, 404, 409, 410] {
        for (kind, body) in [
            ("text/html", "<h1>Not Found</h1>"),
            ("application/json", "{}"),
            ("application/json", ""),
        ] {
            let (http, client) = client();
            http.then_with(status, &[("content-type", kind)], body);
            let answer = client.appointment(&AppointmentId::new("apt_41")).await;
            assert!(
                matches!(answer, Err(PortError::BadAnswer { .. })),
                "{status} {body}: {answer:?}"
            );
        }
    }
    let (http, client) = client();
    http.then(404, &problem(404, "not_found", json!({})));
    assert_eq!(
        client.appointment(&AppointmentId::new("apt_41")).await.err(),
        Some(PortError::NotFound)
    );
    http.then(200, &with(|value| value["id"] = json!("apt_1")).to_string());
    let another = Some(PortError::BadAnswer {
        what: "another appointment".into(),
    });
    assert_eq!(
        client.appointment(&AppointmentId::new("apt_41")).await.err(),
        another
    );
    for id in ["", ".", ".."] {
        let refused = Some(PortError::Rejected {
            reason: "bad_id".into(),
        });
        assert_eq!(client.appointment(&AppointmentId::new(id)).await.err(), refused);
    }
    assert_eq!(http.asked().len(), 2);
}

#[tokio::test]
async fn notes_status_and_me() {
    let (http, client) = client();
    http.then(
        200,
        &json!({"appointment": example(), "admin_notified": false}).to_string(),
    );
    let key = IdempotencyKey::new("notes-key-1");
    let accepted = client
        .report_notes(&AppointmentId::new("apt_41"), 6, &key, "x\n\"y\"")
        .await
        .expect("taken");
    assert_eq!(
        (accepted.appointment.version, accepted.admin_notified),
        (7, false)
    );
    let asked = http.asked().remove(0);
    assert_eq!(
        (asked.method().as_str(), asked.uri().path()),
        ("PATCH", "/v1/appointments/apt_41")
    );
    assert_eq!(asked.headers()["if-match"], "\"6\"");
    assert_eq!(
        serde_json::from_slice::<Value>(asked.body()).ok(),
        Some(json!({"notes": "x\n\"y\""}))
    );

    let status = LaptopStatus {
        status: "active".into(),
        last_success_at: None,
        linked: 3,
        waiting: 1,
        conflicts: 0,
        problem: None,
        app_version: "0.1.0".into(),
        device: "Mara's laptop".into(),
        device_id: DeviceId::new("d1"),
        take_over: false,
    };
    let writer = json!({"device_id":"d2","device":"Desk","since":"2026-11-21T07:00:00Z","expires_at":"2026-11-21T09:00:00Z"});
    let sync = json!({"enabled": false, "reason": "disabled_by_admin"});
    http.then(200, &json!({"calendar_sync": sync, "writer": writer}).to_string());
    let answer = client.report_status("google", &status).await.expect("taken");
    assert_eq!(
        answer.writer.map(|writer| writer.device_id),
        Some(DeviceId::new("d2"))
    );
    assert_eq!(answer.policy.reason.as_deref(), Some("disabled_by_admin"));
    assert!(!client.last_policy().enabled);
    let asked = http.asked().remove(1);
    assert_eq!(
        (asked.method().as_str(), asked.uri().path()),
        ("PUT", "/v1/me/integrations/google")
    );
    let body: Value = serde_json::from_slice(asked.body()).expect("JSON");
    assert_eq!(
        (&body["linked"], &body["last_success_at"], body.get("take_over")),
        (&json!(3), &Value::Null, None)
    );
    http.then(
        200,
        &json!({"calendar_sync": {"enabled": true, "reason": null}}).to_string(),
    );
    assert!(
        client
            .report_status(
                "google",
                &LaptopStatus {
                    take_over: true,
                    ..status
                }
            )
            .await
            .is_ok()
    );
    let body: Value = serde_json::from_slice(http.asked()[2].body()).expect("JSON");
    assert_eq!(body["take_over"], json!(true));

    http.then(204, "")
        .then(404, &problem(404, "not_found", json!({})));
    assert_eq!(client.end_integration("google").await, Ok(()));
    assert_eq!(client.end_integration("google").await, Ok(()), "ended already");

    http.then(
        200,
        &json!({"id":"usr_7","name":"Mara Vogt","email":"mara@example.org","role":"trainer",
        "time_zone":"Europe/Berlin","calendar_sync":{"enabled":true,"reason":null,"client_names_allowed":true,
        "min_poll_seconds":60},"features":["stream","writer_lease",7]})
        .to_string(),
    );
    let me = client.me().await.expect("read");
    assert_eq!(
        (me.id.as_str(), me.time_zone),
        ("usr_7", chrono_tz::Europe::Berlin)
    );
    assert_eq!(
        me.platform_name, "Linden Akademie",
        "from the metadata, as the answer names none"
    );
    assert_eq!(me.features, ["stream", "writer_lease"]);
    assert!(me.client_names_allowed && me.policy.enabled);
    // From now on an unknown zone is replaced by hers.
    assert_eq!(read_on_mars(&http, &client).await, chrono_tz::Europe::Berlin);
}

/// The zone in which an appointment is read whose own nobody knows.
async fn read_on_mars(http: &ScriptedHttp, client: &PlatformClient) -> chrono_tz::Tz {
    http.then(
        200,
        &with(|value| value["time_zone"] = json!("Mars/Olympus")).to_string(),
    );
    let read = client.appointment(&AppointmentId::new("apt_41")).await;
    read.expect("read").zone
}

/// By UTC a rule about hours would leave out, and delete, what passes it.
#[tokio::test]
async fn the_first_reading_of_a_process_knows_the_trainers_zone_from_before() {
    let (http, client) = client();
    let client = client.in_zone(chrono_tz::America::New_York);
    assert_eq!(read_on_mars(&http, &client).await, chrono_tz::America::New_York);
}

#[tokio::test]
async fn an_appointment_is_made_of_an_event_and_a_no_keeps_its_words() {
    let (http, client) = client();
    let start = "2026-12-02T09:00:00Z".parse().expect("an instant");
    let event = MarkedEvent {
        etag: Etag::new("e1"),
        title: "Rosen-Apotheke".into(),
        time: TimeSpan::new(start, None, chrono_tz::Europe::Berlin),
        location: "Rosenstr. 1".into(),
        notes: String::new(),
        changed_at: None,
        stored: None,
    };
    let (key, id) = (IdempotencyKey::new("create-key-1"), EventId::new("ev1"));
    let new = NewFromEvent {
        key: &key,
        content: &event,
        provider: "google",
        event: &id,
        device: "Mara's laptop",
    };
    http.then(201, &example().to_string());
    let made = client.create_appointment(&new).await.expect("taken");
    assert_eq!(made.id.as_str(), "apt_41");
    let asked = http.asked().remove(0);
    assert_eq!(
        (asked.method().as_str(), asked.uri().path()),
        ("POST", "/v1/appointments")
    );
    assert_eq!(asked.headers()["idempotency-key"], "create-key-1");
    assert!(!asked.headers().contains_key("if-match"));
    let expected = json!({"title": "Rosen-Apotheke", "start": "2026-12-02T10:00:00+01:00",
        "end": "2026-12-02T11:00:00+01:00", "time_zone": "Europe/Berlin",
        "location": {"name": null, "address": "Rosenstr. 1"}, "notes": null, "notify_admin": true,
        "source": {"provider": "google", "event_id": "ev1", "moved_at": null, "device": "Mara's laptop"}});
    assert_eq!(serde_json::from_slice::<Value>(asked.body()).ok(), Some(expected));

    for (status, code, reason) in [
        (403, "not_allowed", "not_allowed"),
        (409, "overlap", "overlap"),
        (422, "invalid", "invalid"),
        (422, "something_new", "other"),
        (422, "key_reused", "key_reused"),
    ] {
        let problem = json!({"status": status, "code": code, "detail": "Not on Sundays."});
        http.then(status, &problem.to_string());
        let refused = PortError::Refused {
            reason: reason.into(),
            detail: Some("Not on Sundays.".into()),
            current: None,
        };
        assert_eq!(client.create_appointment(&new).await, Err(refused), "{code}");
    }
    http.then(
        403,
        &json!({"code": "sync_disabled", "reason": "maintenance"}).to_string(),
    );
    let off = client.create_appointment(&new).await;
    assert!(matches!(off, Err(PortError::SyncDisabled { .. })), "{off:?}");
    http.then(400, &json!({"code": "invalid"}).to_string());
    let ours = client.create_appointment(&new).await;
    assert!(
        matches!(ours, Err(PortError::Rejected { .. })),
        "our own mistake: {ours:?}"
    );
}

/// A gateway that mixes answers up: what became of the report is unknown, and no other visit's words are taken for this one's.
#[tokio::test]
async fn a_write_answered_with_another_appointment_is_no_answer() {
    let (http, client) = client();
    let id = AppointmentId::new("apt_41");
    http.then(200, &with(|value| value["id"] = json!("apt_1")).to_string());
    let answer = client
        .report_notes(&id, 7, &IdempotencyKey::new("key_1"), "At the back door.")
        .await;
    let another = PortError::BadAnswer {
        what: "another appointment".into(),
    };
    assert_eq!(answer.err(), Some(another));
}
