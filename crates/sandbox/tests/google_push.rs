//! `events.watch`, `channels.stop` and the notices of Google.

use crate::google_support;

use chrono::TimeDelta;
use google_support::{EVENTS, MARA, Reply, World};
use roundtrip_sandbox::google::{Notice, NoticeWeather};
use serde_json::{Value, json};

fn channel(id: &str) -> Value {
    json!({"id": id, "type": "web_hook", "address": "https://relay.example/hook", "token": "secret", "params": {"ttl": "3600"}})
}

fn said<'a>(notice: &'a Notice, name: &str) -> &'a str {
    let value = notice.headers.get(format!("x-goog-{name}"));
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn numbers(notices: &[Notice]) -> Vec<u64> {
    let number = |notice| said(notice, "message-number").parse().expect("a number");
    notices.iter().map(number).collect()
}

trait Watching {
    async fn watch(&self, body: &Value) -> Reply;
    fn change(&self);
}

impl Watching for World {
    async fn watch(&self, body: &Value) -> Reply {
        self.call("POST", &format!("{EVENTS}/watch"), &[], Some(body))
            .await
    }

    fn change(&self) {
        let event = json!({"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}});
        self.google
            .insert_event(MARA, "primary", &event)
            .expect("an event");
    }
}

#[tokio::test]
async fn a_channel_says_sync_and_then_that_something_exists() {
    let world = World::new();
    let answer = world.watch(&channel("one")).await.ok();
    assert_eq!(
        (&answer["kind"], &answer["id"]),
        (&json!("api#channel"), &json!("one"))
    );
    let ends = world.google.channels()[0].expires_at;
    assert_eq!(answer["expiration"], json!(ends.timestamp_millis().to_string()));
    let sync = world.google.take_notices();
    assert_eq!(
        (said(&sync[0], "resource-state"), numbers(&sync)),
        ("sync", vec![1])
    );

    world.change();
    let notices = world.google.take_notices();
    assert_eq!(notices.len(), 1);
    let notice = &notices[0];
    assert_eq!(notice.address, "https://relay.example/hook");
    assert_eq!(said(notice, "channel-id"), "one");
    assert_eq!(said(notice, "resource-id"), answer["resourceId"]);
    assert_eq!(said(notice, "resource-uri"), answer["resourceUri"]);
    assert_eq!(said(notice, "resource-state"), "exists");
    assert_eq!(said(notice, "channel-token"), "secret");
    assert!(said(notice, "channel-expiration").ends_with(" GMT"));
    world.change();
    assert!(numbers(&world.google.take_notices())[0] > numbers(&notices)[0]);
}

#[tokio::test]
async fn channels_end_by_themselves_when_stopped_and_without_a_word() {
    let world = World::new();
    let answer = world.watch(&channel("one")).await.ok();
    world.watch(&channel("two")).await.ok();
    world.watch(&json!({"id": "long", "type": "web_hook", "address": "https://relay.example/", "params": {"ttl": "99999999"}})).await.ok();
    let longest = world
        .google
        .channels()
        .into_iter()
        .map(|channel| channel.expires_at)
        .max();
    assert_eq!(
        longest,
        Some(world.google.channels()[0].expires_at + TimeDelta::days(7) - TimeDelta::hours(1))
    );
    let stop = json!({"id": "one", "resourceId": answer["resourceId"]});
    let wrong = json!({"id": "two", "resourceId": "other"});
    let stopped = async |body: &Value| {
        world
            .call("POST", "/calendar/v3/channels/stop", &[], Some(body))
            .await
    };
    stopped(&wrong).await.refused(404, "notFound");
    assert_eq!(stopped(&stop).await.status, 204);
    stopped(&stop).await.refused(404, "notFound");
    world.clock.advance(TimeDelta::minutes(61));
    let living: Vec<String> = world
        .google
        .channels()
        .into_iter()
        .map(|channel| channel.id)
        .collect();
    assert_eq!(living, ["long"]);
    world.google.take_notices();
    world.google.forget_channels();
    world.change();
    assert_eq!(world.google.take_notices(), []);
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused() {
    let world = World::new();
    world.watch(&channel("one")).await.ok();
    world
        .watch(&channel("one"))
        .await
        .refused(400, "channelIdNotUnique");
    let with = |name: &str, value: Value| {
        let mut body = channel("two");
        body[name] = value;
        body
    };
    for (body, reason) in [
        (
            with("address", json!("http://relay.example/")),
            "push.webhookUrlNotHttps",
        ),
        (with("params", json!({"ttl": "soon"})), "pushInvalidTtl"),
        (with("id", json!("no spaces")), "required"),
        (with("type", json!("pigeon")), "invalidParameter"),
    ] {
        world.watch(&body).await.refused(400, reason);
    }
}

#[tokio::test]
async fn notices_are_lost_repeated_held_and_out_of_order() {
    let world = World::new();
    world.watch(&channel("one")).await.ok();
    world.google.take_notices();
    world.google.set_notice_weather(NoticeWeather {
        lose: 1,
        repeat: 1,
        hold: true,
        reverse: true,
    });
    for _ in 0..3 {
        world.change();
    }
    assert_eq!(world.google.take_notices(), []);
    let weather = world.google.notice_weather();
    assert_eq!(weather.lose, 0);
    world.google.set_notice_weather(NoticeWeather {
        hold: false,
        ..weather
    });
    let came = numbers(&world.google.take_notices());
    assert_eq!(came.len(), 4);
    assert!(
        came[0] == came[1] && came[1] > came[2] && came[2] == came[3],
        "{came:?}"
    );
    assert_eq!(world.google.notices_sent(), 4);
}
