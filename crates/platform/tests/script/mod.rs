//! A client of the platform over a script of answers.

use chrono::{DateTime, Utc};
use roundtrip_core::ids::{AppointmentId, EventId, IdempotencyKey};
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::ports::{
    MoveReport, PlatformChange, PlatformFeed, PlatformListing, PlatformPort as _, PortError,
};
use roundtrip_http::testing::{HandClock, MemoryVault, ScriptedHttp};
use roundtrip_platform::{PlatformClient, PlatformMetadata, SCOPES};
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;

pub fn now() -> DateTime<Utc> {
    at("2026-11-21T08:00:00Z")
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own time")
}

pub fn client() -> (Arc<ScriptedHttp>, PlatformClient) {
    let http = ScriptedHttp::new();
    let url =
        |path: &str| Url::parse(&format!("https://linden.example{path}")).expect("a test's own address");
    let metadata = PlatformMetadata {
        base: url(""),
        issuer: "https://linden.example".into(),
        authorize_url: url("/oauth/authorize"),
        token_url: url("/oauth/token"),
        revoke_url: None,
        names_itself: false,
        name: Some("Linden Akademie".into()),
    };
    let vault = MemoryVault::signed_in(now(), &SCOPES);
    let client = PlatformClient::new(http.clone(), HandClock::at(now()), metadata, vault);
    (http, client)
}

pub fn example() -> Value {
    json!({"id":"apt_41","version":7,"status":"scheduled","type":{"id":"pharmacy_visit","name":"Pharmacy visit"},
        "title":"Linden-Apotheke","topic":"Vaccination refresher",
        "location":{"name":"Linden-Apotheke","address":"Lindenstr. 5, 10969 Berlin"},
        "start":"2026-12-01T09:00:00+01:00","end":"2026-12-01T10:30:00+01:00","time_zone":"Europe/Berlin",
        "notes":"Bring the handouts.","client":{"id":"cli_3","name":"Ada Klein","email":"ada@example.org","phone":null},
        "private":false,"editable":["time","colour"],"url":"https://linden.example/appointments/apt_41",
        "created_at":"2026-11-02T12:00:00Z","updated_at":"2026-11-20T09:12:44Z",
        "updated_by":{"kind":"admin","name":"Jana Roth"},"brand_new":{"deep":[1]}})
}

pub fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut value = example();
    change(&mut value);
    value
}

pub fn page(items: Vec<Value>, next: &str, more: bool) -> String {
    json!({"items": items, "next_cursor": next, "has_more": more, "snapshot": false}).to_string()
}

pub fn upsert(appointment: Value) -> Value {
    json!({"change": "upsert", "appointment": appointment})
}

pub fn listing(feed: Result<PlatformFeed, PortError>) -> PlatformListing {
    match feed {
        Ok(PlatformFeed::Listing(listing)) => listing,
        other => panic!("no listing: {other:?}"),
    }
}

/// The one item of a feed that holds this appointment.
pub async fn read(appointment: Value) -> PlatformChange {
    let (http, client) = client();
    http.then(200, &page(vec![upsert(appointment)], "c_1", false));
    listing(client.changes(None, None).await).items.remove(0)
}

pub fn move_report<'a>(id: &'a AppointmentId, key: &'a IdempotencyKey, event: &'a EventId) -> MoveReport<'a> {
    MoveReport {
        appointment: id,
        version: 7,
        key,
        time: TimeSpan {
            start: at("2026-12-01T19:00:00Z"),
            end: at("2026-12-01T20:30:00Z"),
            zone: chrono_tz::America::Los_Angeles,
        },
        provider: "google",
        event,
        moved_at: at("2026-11-21T07:59:12Z"),
        device: "Mara's laptop",
    }
}

pub async fn move_answered(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> (http::Request<bytes::Bytes>, Result<u64, PortError>) {
    let (http, client) = client();
    http.then_with(status, headers, body);
    let (id, key, event) = (
        AppointmentId::new("apt/41"),
        IdempotencyKey::new("move-key-1"),
        EventId::new("ev1"),
    );
    let answer = client.report_move(&move_report(&id, &key, &event)).await;
    (
        http.asked().remove(0),
        answer.map(|accepted| accepted.appointment.version),
    )
}

pub fn problem(status: u16, code: &str, more: Value) -> String {
    let mut body =
        json!({"type":"about:blank","title":"t","status":status,"detail":" Not on\nSundays. ","code":code});
    body.as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    body.to_string()
}
