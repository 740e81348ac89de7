//! The stream of hints and the calendar relay.

use crate::platform_support;

use chrono::TimeDelta;
use futures::StreamExt as _;
use platform_support::{BEN, MARA, World};
use roundtrip_sandbox::platform::PauseReason;
use serde_json::json;

const START: &str = "2026-12-01T09:00:00+01:00";

struct Stream {
    data: axum::body::BodyDataStream,
    buffer: String,
    place: Option<String>,
}

impl Stream {
    async fn open(world: &World, last_event_id: Option<&str>) -> Self {
        let headers: Vec<_> = last_event_id
            .map(|id| ("last-event-id", id))
            .into_iter()
            .collect();
        let response = world.raw("GET", "/v1/stream", &headers, None).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self {
            data: response.into_body().into_data_stream(),
            buffer: String::new(),
            place: None,
        };
        let greeting = stream.next().await.expect("a greeting");
        assert!(greeting.lines().any(|line| line == ": connected"), "{greeting}");
        // Where it is, unless a hint says so at once.
        stream.place = greeting
            .lines()
            .find_map(|line| line.strip_prefix("id: "))
            .map(str::to_owned);
        stream
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(event);
            }
            let bytes = self.data.next().await?.expect("no error");
            self.buffer.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}

fn id_of(event: &str) -> String {
    let id = event.lines().find_map(|line| line.strip_prefix("id: "));
    id.unwrap_or_else(|| panic!("no id in {event:?}")).to_owned()
}

fn content(event: Option<String>) -> String {
    let event = event.expect("an event");
    let id = format!("id: {}\n", id_of(&event));
    event.replace(&id, "")
}

#[tokio::test]
async fn hints_arrive_and_carry_no_content() {
    let world = World::empty();
    let mut stream = Stream::open(&world, None).await;
    let id = world.appointment(START).id;
    assert_eq!(content(stream.next().await), "event: appointments\ndata: {}");
    world
        .sandbox
        .platform
        .pause(BEN, Some(PauseReason::KillSwitch))
        .expect("Ben");
    world
        .sandbox
        .platform
        .pause(MARA, Some(PauseReason::DisabledByAdmin))
        .expect("Mara");
    let policy = content(stream.next().await);
    let data = policy.strip_prefix("event: policy\ndata: ").expect("a policy");
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(
        (&data["enabled"], &data["reason"]),
        (&json!(false), &json!("disabled_by_admin"))
    );
    world
        .sandbox
        .platform
        .reassign_appointment(&id, Some(BEN))
        .expect("reassign");
    assert_eq!(content(stream.next().await), "event: appointments\ndata: {}");
    assert_eq!(world.sandbox.platform.open_streams(), 1);
    world.sandbox.platform.close_streams();
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_stream_is_resumed_or_told_to_look_at_everything() {
    let world = World::empty();
    // One that was cut before its first hint goes on from where it began.
    let place = Stream::open(&world, None).await.place.expect("a place");
    let mut stream = Stream::open(&world, Some(&place)).await;
    world.appointment(START);
    let seen = id_of(&stream.next().await.expect("an event"));
    drop(stream);
    world.appointment("2026-12-02T09:00:00+01:00");
    let mut resumed = Stream::open(&world, Some(&seen)).await;
    let missed = resumed.next().await.expect("the missed one");
    assert!(id_of(&missed).parse::<u64>().expect("a number") > seen.parse().expect("a number"));
    // From then on it is live.
    world.sandbox.platform.send_hint(MARA);
    assert_eq!(content(resumed.next().await), "event: appointments\ndata: {}");

    world.advance(TimeDelta::minutes(61));
    let world = world.seen_by(MARA);
    world.sandbox.platform.send_hint(MARA);
    for stale in [seen.as_str(), "nonsense"] {
        let mut stream = Stream::open(&world, Some(stale)).await;
        assert_eq!(content(stream.next().await), "event: resync\ndata: {}", "{stale}");
    }
}

#[tokio::test]
async fn the_relay_passes_on_channel_and_state_only_with_the_right_token() {
    let world = World::empty();
    let channel = world
        .send(
            "POST",
            "/v1/calendar-relay/channels",
            &json!({"provider": "google"}),
        )
        .await;
    assert_eq!(channel.status, 201);
    let channel = channel.json;
    assert_eq!(channel["address"], "http://127.0.0.1:4800/v1/hooks/google");
    let (id, token) = (
        channel["channel_id"].as_str().expect("an id"),
        channel["token"].as_str().expect("a token"),
    );
    assert!(
        id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)),
        "{id}"
    );
    let mut stream = Stream::open(&world, None).await;
    let call = async |token: &str, state: &str| {
        let headers = [
            ("x-goog-channel-id", id),
            ("x-goog-channel-token", token),
            ("x-goog-resource-state", state),
            ("x-goog-resource-uri", "https://www.googleapis.com/secret"),
        ];
        let answer = world.request("POST", "/v1/hooks/google", &headers, None).await;
        assert_eq!(answer.text, "");
        answer.status
    };
    assert_eq!(call("wrong", "exists").await, 404);
    assert_eq!(call(token, "exists").await, 200);
    assert_eq!(call(token, "<img>").await, 200);
    let hint = format!("event: calendar\ndata: {{\"channel_id\":\"{id}\",\"state\":\"exists\"}}");
    assert_eq!(content(stream.next().await), hint);
    assert_eq!(content(stream.next().await), hint);

    let path = format!("/v1/calendar-relay/channels/{id}");
    assert_eq!(
        world
            .seen_by(BEN)
            .request("DELETE", &path, &[], None)
            .await
            .status,
        404
    );
    assert_eq!(world.request("DELETE", &path, &[], None).await.status, 204);
    assert_eq!(call(token, "exists").await, 404);
    let unknown = world
        .send(
            "POST",
            "/v1/calendar-relay/channels",
            &json!({"provider": "sundial"}),
        )
        .await;
    assert_eq!(unknown.refusal(), (422, "invalid"));
}

#[tokio::test]
async fn outlook_validates_and_notifies() {
    let world = World::empty();
    let echoed = world
        .request("POST", "/v1/hooks/outlook?validationToken=a%20b", &[], None)
        .await;
    assert_eq!((echoed.status, echoed.text.as_str()), (200, "a b"));
    assert!(echoed.header("content-type").starts_with("text/plain"));
    let channel = world
        .send(
            "POST",
            "/v1/calendar-relay/channels",
            &json!({"provider": "outlook"}),
        )
        .await
        .json;
    let mut stream = Stream::open(&world, None).await;
    let body =
        json!({"value": [{"clientState": channel["token"], "changeType": "updated", "resource": "secret"}]});
    assert_eq!(world.send("POST", "/v1/hooks/outlook", &body).await.status, 202);
    assert!(content(stream.next().await).contains("\"state\":\"exists\""));
    let stranger = json!({"value": [{"clientState": "x"}]});
    assert_eq!(
        world.send("POST", "/v1/hooks/outlook", &stranger).await.status,
        404
    );
}
