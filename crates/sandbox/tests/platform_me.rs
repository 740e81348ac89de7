//! The caller: policy, integrations, writer lease, busy blocks, pace and the headers of each answer.

use crate::platform_support;

use chrono::TimeDelta;
use platform_support::{MARA, World};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::platform::PauseReason;
use serde_json::{Value, json};

fn report(device: &str, status: &str) -> Value {
    json!({
        "status": status, "last_success_at": "2026-11-21T07:55:00Z", "linked": 24, "waiting": 0, "conflicts": 1,
        "problem": null, "app_version": "0.1.0", "device": format!("{device} laptop"), "device_id": device
    })
}

async fn put(world: &World, body: &Value) -> Value {
    let answer = world.send("PUT", "/v1/me/integrations/google", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["writer"]["device_id"].clone()
}

#[tokio::test]
async fn me_says_who_and_what_is_possible() {
    let me = World::empty().get("/v1/me").await.json;
    assert_eq!(
        (&me["id"], &me["role"], &me["time_zone"]),
        (&json!(MARA), &json!("trainer"), &json!("Europe/Berlin"))
    );
    assert_eq!(
        me["features"],
        json!([
            "stream",
            "calendar_relay",
            "create_appointments",
            "busy_blocks",
            "writer_lease"
        ])
    );
    let policy =
        json!({"enabled": true, "reason": null, "client_names_allowed": true, "min_poll_seconds": 60});
    assert_eq!(me["calendar_sync"], policy);
    assert_eq!(me["server_time"], "2026-11-21T08:00:00Z");
    assert_eq!(me["platform"]["name"], "Linden Akademie");
}

#[tokio::test]
async fn the_policy_is_on_every_answer() {
    let world = World::empty();
    let platform = &world.sandbox.platform;
    assert_eq!(world.get("/v1/me").await.header("calendar-sync"), "enabled");
    platform
        .pause(MARA, Some(PauseReason::DisabledByAdmin))
        .expect("Mara");
    for path in [
        "/v1/me",
        "/v1/appointments",
        "/v1/appointments/apt_999",
        "/v1/nonsense",
    ] {
        let header = world.get(path).await.header("calendar-sync").to_owned();
        assert_eq!(header, "disabled; reason=disabled_by_admin", "{path}");
    }
    platform.pause_everybody(Some(PauseReason::Maintenance));
    let anonymous = world
        .request("GET", "/v1/me", &[("authorization", "Bearer x")], None)
        .await;
    assert_eq!(
        (anonymous.status, anonymous.header("calendar-sync")),
        (401, "disabled; reason=maintenance")
    );
    platform.pause_everybody(None);
    platform.pause(MARA, None).expect("Mara");
    assert_eq!(world.get("/v1/me").await.header("calendar-sync"), "enabled");
}

#[tokio::test]
async fn one_laptop_writes_and_the_lease_lapses_by_itself() {
    let world = World::empty();
    let (first, second) = (report("first", "active"), report("second", "active"));
    assert_eq!(put(&world, &first).await, "first");
    assert_eq!(put(&world, &second).await, "first");
    // Each report of the holder renews it for two hours.
    world.advance(TimeDelta::minutes(119));
    let world = world.seen_by(MARA);
    assert_eq!(put(&world, &first).await, "first");
    world.advance(TimeDelta::minutes(119));
    let world = world.seen_by(MARA);
    assert_eq!(put(&world, &second).await, "first");
    let held = world.sandbox.platform.writer(MARA, "google").expect("a writer");
    assert_eq!(held.since.to_rfc3339(), "2026-11-21T08:00:00+00:00");
    world.advance(TimeDelta::minutes(1));
    let world = world.seen_by(MARA);
    assert_eq!(put(&world, &second).await, "second");
    // Taken over, and freed by the holder only.
    let mut take_over = first.clone();
    take_over["take_over"] = json!(true);
    assert_eq!(put(&world, &take_over).await, "first");
    assert_eq!(put(&world, &report("second", "disconnected")).await, "first");
    assert_eq!(put(&world, &report("first", "disconnected")).await, Value::Null);
    assert_eq!(put(&world, &second).await, "second");
    let reports = world.sandbox.platform.integrations();
    let writers: Vec<_> = reports
        .iter()
        .map(|one| (one.report.device_id.as_str(), one.writer))
        .collect();
    assert_eq!(writers, [("first", false), ("second", true)]);
    // Another person's laptop has a lease of its own.
    assert_eq!(
        put(&world.seen_by("usr_8"), &report("bens", "active")).await,
        "bens"
    );
}

#[tokio::test]
async fn an_integration_ends() {
    let world = World::empty();
    put(&world, &report("first", "active")).await;
    put(&world, &report("second", "active")).await;
    let gone = world
        .request("DELETE", "/v1/me/integrations/google?device_id=first", &[], None)
        .await;
    assert_eq!(gone.status, 204);
    assert_eq!(world.sandbox.platform.integrations().len(), 1);
    assert_eq!(put(&world, &report("second", "active")).await, "second");
    assert_eq!(
        world
            .request("DELETE", "/v1/me/integrations/google", &[], None)
            .await
            .status,
        204
    );
    assert!(world.sandbox.platform.integrations().is_empty());
    let unknown = world
        .send("PUT", "/v1/me/integrations/google", &report("first", "dancing"))
        .await;
    assert_eq!(unknown.refusal(), (422, "invalid"));
}

#[tokio::test]
async fn busy_blocks_replace_their_window_and_hold_only_times() {
    let world = World::empty();
    let block = |from: u32, to: u32| json!({"start": format!("2026-12-01T{from:02}:00:00Z"), "end": format!("2026-12-01T{to:02}:00:00Z")});
    let path = "/v1/me/busy-blocks/google";
    let all = json!({"window": block(0, 23), "blocks": [block(8, 9), block(12, 13), block(20, 21)]});
    assert_eq!(world.send("PUT", path, &all).await.status, 204);
    let noon = json!({"window": block(10, 15), "blocks": [block(14, 15)]});
    assert_eq!(world.send("PUT", path, &noon).await.status, 204);
    let kept: Vec<_> = world.sandbox.platform.busy_blocks()[0]
        .2
        .iter()
        .map(|block| block.start.to_rfc3339())
        .collect();
    assert_eq!(
        kept,
        [
            "2026-12-01T08:00:00+00:00",
            "2026-12-01T14:00:00+00:00",
            "2026-12-01T20:00:00+00:00"
        ]
    );

    let mut titled = all.clone();
    titled["blocks"][0]["title"] = json!("Dentist");
    for refused in [
        titled,
        json!({"window": block(10, 15), "blocks": [block(16, 17)]}),
        json!({"blocks": []}),
    ] {
        assert_eq!(
            world.send("PUT", path, &refused).await.refusal(),
            (422, "invalid"),
            "{refused}"
        );
    }
    assert_eq!(world.request("DELETE", path, &[], None).await.status, 204);
    assert!(world.sandbox.platform.busy_blocks().is_empty());
}

#[tokio::test]
async fn synced_data_can_be_removed() {
    let world = World::empty();
    let id = world.appointment("2026-12-01T09:00:00+01:00").id;
    put(&world, &report("first", "active")).await;
    let moved = world
        .move_to(
            &id,
            1,
            "key-00001",
            "2026-12-01T11:00:00+01:00",
            "2026-12-01T12:00:00+01:00",
        )
        .await;
    assert_eq!(moved.status, 200);
    let window = json!({"start": "2026-12-01T00:00:00Z", "end": "2026-12-02T00:00:00Z"});
    world
        .send(
            "PUT",
            "/v1/me/busy-blocks/google",
            &json!({"window": window, "blocks": [window]}),
        )
        .await;
    let platform = &world.sandbox.platform;
    assert!(platform.notifications()[0].source.is_some());
    assert_eq!(
        world
            .request("DELETE", "/v1/me/synced-data", &[], None)
            .await
            .status,
        204
    );
    assert!(platform.busy_blocks().is_empty() && platform.integrations().is_empty());
    assert!(platform.notifications()[0].source.is_none());
    let record = platform.appointment(&id).expect("still there");
    assert_eq!((record.appointment.version, record.source), (2, None));
}

#[tokio::test]
async fn six_hundred_requests_a_minute() {
    let world = World::empty();
    for _ in 0..600 {
        assert_eq!(world.get("/v1/me").await.status, 200);
    }
    world.advance(TimeDelta::seconds(50));
    let refused = world.get("/v1/me").await;
    assert_eq!(refused.refusal(), (429, "rate_limited"));
    assert_eq!(refused.header("retry-after"), "10");
    assert_eq!(refused.header("ratelimit-policy"), "\"default\";q=600;w=60");
    assert_eq!(refused.header("ratelimit"), "\"default\";r=0;t=10");
    assert_eq!(world.seen_by("usr_8").get("/v1/me").await.status, 200);
    world.advance(TimeDelta::seconds(10));
    let fine = world.get("/v1/me").await;
    assert_eq!(
        (fine.status, fine.header("ratelimit")),
        (200, "\"default\";r=599;t=60")
    );
}

#[tokio::test]
async fn answers_carry_request_id_and_date() {
    let world = World::empty();
    let headers = [("x-request-id", "req-1")];
    for path in ["/v1/me", "/v1/nonsense", "/nonsense"] {
        assert_eq!(
            world
                .request("GET", path, &headers, None)
                .await
                .header("x-request-id"),
            "req-1",
            "{path}"
        );
    }
    world
        .sandbox
        .shared
        .faults()
        .add(FaultRule::new(Service::Platform, Fault::ClockSkew { seconds: 3600 }).times(0));
    let skewed = world.get("/v1/me").await;
    assert_eq!(skewed.header("date"), "Sat, 21 Nov 2026 09:00:00 GMT");
    assert_eq!(skewed.json["server_time"], "2026-11-21T09:00:00Z");
    assert_eq!(
        world.sandbox.shared.log().since(0)[0].request_id.as_deref(),
        Some("req-1")
    );
    // What answers in place of a handler is the client's to bear.
    let fault = Fault::Status {
        status: 503,
        body: Some(json!("<html>busy")),
        headers: vec![("Retry-After".into(), "7".into())],
    };
    world
        .sandbox
        .shared
        .faults()
        .add(FaultRule::new(Service::Platform, fault));
    let busy = world.get("/v1/me").await;
    assert_eq!(
        (busy.status, busy.header("retry-after"), busy.text.as_str()),
        (503, "7", "<html>busy")
    );
    let wrong_method = world.request("DELETE", "/v1/me", &[], None).await;
    assert_eq!(wrong_method.refusal(), (405, "method_not_allowed"));
}

#[tokio::test]
async fn big_and_broken_bodies() {
    let world = World::empty();
    let faults = world.sandbox.shared.faults();
    faults.add(FaultRule::new(
        Service::Platform,
        Fault::BigBody { bytes: 1_000_000 },
    ));
    let big = world.get("/v1/me").await;
    assert_eq!(big.json["padding"].as_str().map(str::len), Some(1_000_000));
    let raw = Fault::RawBody {
        body: "{\"id\":".to_owned(),
        content_type: "application/json".to_owned(),
    };
    faults.add(FaultRule::new(Service::Platform, raw));
    let raw = world.get("/v1/me").await;
    assert_eq!((raw.status, raw.text.as_str()), (200, "{\"id\":"));
}
