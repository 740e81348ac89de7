//! One node, hints in memory, over real HTTP on this machine.

use crate::support;

use roundtrip_relay::{Config, Given, MemoryHub, Running, serve};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::{Event, KEY, Node, PLATFORM_KEY, Stream, json_of, text};
use tokio::io::AsyncWriteExt as _;

fn config() -> Config {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let given = Given {
        public: any,
        internal: any,
        address: "https://relay.linden.example".to_owned(),
        keys: KEY.into(),
        platform_key: PLATFORM_KEY.into(),
        streams: 100,
        streams_per_trainer: 8,
        forwarded_for: true,
    };
    Config::new(given).expect("a fit configuration")
}

async fn node() -> (Running, Node) {
    node_with(config()).await
}

async fn node_with(config: Config) -> (Running, Node) {
    let running = serve(config, Arc::new(MemoryHub::new()))
        .await
        .expect("free ports");
    let node = Node::at(running.public, running.internal);
    (running, node)
}

fn said(event: Option<Event>) -> (String, serde_json::Value) {
    let event = event.expect("an event");
    (event.event, event.data)
}

#[tokio::test]
async fn a_notification_reaches_the_laptop_of_its_channel_alone() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "google").await;
    assert_eq!(
        text(&channel, "address"),
        "https://relay.linden.example/v1/hooks/google"
    );
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    let mut mara = Stream::open(&node, "usr_7", None).await;
    let mut ben = Stream::open(&node, "usr_8", None).await;
    assert_eq!(node.google(id, token, "exists").await, 200);
    let hint = json!({"channel_id": id, "state": "exists"});
    assert_eq!(said(mara.next().await), ("calendar".to_owned(), hint));
    node.policy_hint("usr_8", "maintenance").await;
    assert_eq!(said(ben.next().await).0, "policy", "nothing of Mara's before it");
}

#[tokio::test]
async fn strangers_change_nothing() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "google").await;
    let other = node.channel("usr_7", "google").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    let mut stream = Stream::open(&node, "usr_7", None).await;
    assert_eq!(node.google(id, "wrong", "exists").await, 404);
    assert_eq!(node.google(id, "", "exists").await, 404);
    assert_eq!(node.google("chn-unknown", token, "exists").await, 404);
    assert_eq!(
        node.google(text(&other, "channel_id"), token, "exists").await,
        404
    );
    // Outlook's door does not open with Google's token.
    let outlook = node.client.post(format!("{}/v1/hooks/outlook", node.public));
    let body = json!({"value": [{"clientState": token}]}).to_string();
    assert_eq!(outlook.body(body).send().await.expect("an answer").status(), 404);
    // The platform's doors are not where strangers call.
    let channels = node
        .client
        .post(format!("{}/v1/calendar-relay/channels", node.public));
    assert_eq!(channels.send().await.expect("an answer").status(), 404);
    // A word of a stranger's is never passed on.
    assert_eq!(node.google(id, token, "<script>").await, 200);
    assert_eq!(said(stream.next().await).1["state"], "exists");
}

#[tokio::test]
async fn what_is_huge_costs_little() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "outlook").await;
    let hook = format!("{}/v1/hooks/google", node.public);
    let outlook = format!("{}/v1/hooks/outlook", node.public);
    // Refused while it is still being sent: with that status, or by a connection that is closed.
    let refused = |answer: Result<reqwest::Response, reqwest::Error>, status: u16| {
        if let Ok(answer) = answer {
            assert_eq!(answer.status(), status);
        }
    };
    let long = node
        .client
        .post(&hook)
        .header("x-goog-channel-token", "x".repeat(50_000));
    refused(long.send().await, 431);
    let mut many = node.client.post(&hook);
    for number in 0..80 {
        many = many.header(format!("x-{number}"), "x");
    }
    refused(many.send().await, 431);
    // A batch that would be right, were it not for its size.
    let mut batch = json!({"value": [{"clientState": text(&channel, "token")}], "more": ""});
    let good = node.client.post(&outlook).body(batch.to_string()).send().await;
    assert_eq!(good.expect("an answer").status(), 202);
    batch["more"] = json!("x".repeat(300_000));
    refused(
        node.client.post(&outlook).body(batch.to_string()).send().await,
        404,
    );
    refused(
        node.client
            .post(&outlook)
            .body(vec![b'['; 10_000_000])
            .send()
            .await,
        404,
    );
    let nested = node.client.post(&outlook).body("[".repeat(200_000)).send().await;
    assert_eq!(nested.expect("an answer").status(), 404);
    for _ in 0..2_000 {
        assert_eq!(node.google("chn-x", "wrong", "exists").await, 404);
    }
    assert!(node.ready().await);
}

#[tokio::test]
async fn the_platform_proves_itself_and_keeps_tokens_to_itself() {
    let (_running, node) = node().await;
    let channels = format!("{}/v1/calendar-relay/channels", node.internal);
    let body = json!({"provider": "google"}).to_string();
    for key in [None, Some(""), Some("wrong"), Some(&PLATFORM_KEY[1..])] {
        let mut request = node
            .client
            .post(&channels)
            .header("x-relay-trainer", "usr_7")
            .body(body.clone());
        if let Some(key) = key {
            request = request.header("x-relay-key", key);
        }
        assert_eq!(request.send().await.expect("an answer").status(), 401, "{key:?}");
    }
    let with_token = node
        .ask("POST", "/v1/calendar-relay/channels", "usr_7")
        .header("authorization", "Bearer a-trainers-token")
        .body(body.clone());
    let refused = with_token.send().await.expect("an answer");
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem = json_of(refused).await;
    assert_eq!(problem["code"], "strip_authorization");
    assert!(!problem.to_string().contains("a-trainers-token"));
    let nobody = node.ask("POST", "/v1/calendar-relay/channels", "").body(body);
    assert_eq!(
        json_of(nobody.send().await.expect("an answer")).await["code"],
        "no_trainer"
    );
    for wrong in ["", "{}", "[]", r#"{"provider":"icloud"}"#] {
        let request = node
            .ask("POST", "/v1/calendar-relay/channels", "usr_7")
            .body(wrong);
        assert_eq!(request.send().await.expect("an answer").status(), 422, "{wrong}");
    }
}

#[tokio::test]
async fn a_closed_channel_is_nobodys() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "google").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    let path = format!("/v1/calendar-relay/channels/{id}");
    let close = |trainer: &'static str| node.ask("DELETE", &path, trainer).send();
    assert_eq!(
        close("usr_8").await.expect("an answer").status(),
        404,
        "not Ben's"
    );
    assert_eq!(node.google(id, token, "exists").await, 200);
    assert_eq!(close("usr_7").await.expect("an answer").status(), 204);
    assert_eq!(close("usr_7").await.expect("an answer").status(), 404);
    assert_eq!(node.google(id, token, "exists").await, 404);
}

#[tokio::test]
async fn a_stream_resumes_or_is_told_to_look_at_everything() {
    let (_running, node) = node().await;
    let mut stream = Stream::open(&node, "usr_7", None).await;
    node.policy_hint("usr_7", "one").await;
    let seen = stream.next().await.expect("an event").id;
    drop(stream);
    node.policy_hint("usr_7", "two").await;
    let mut resumed = Stream::open(&node, "usr_7", Some(&seen)).await;
    assert_eq!(said(resumed.next().await).1["reason"], "two");
    for stale in ["nonsense", "other-1", ""] {
        let mut stream = Stream::open(&node, "usr_7", Some(stale)).await;
        assert_eq!(said(stream.next().await).0, "resync", "{stale}");
    }
}

#[tokio::test]
async fn a_burst_becomes_two_hints() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "google").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    let mut stream = Stream::open(&node, "usr_7", None).await;
    // At once, so that a slow machine cannot stretch the burst beyond its quiet time.
    let burst = futures::future::join_all((0..20).map(|_| node.google(id, token, "exists")));
    assert_eq!(burst.await, vec![200; 20]);
    assert_eq!(said(stream.next().await).0, "calendar");
    assert_eq!(
        said(stream.next().await).0,
        "calendar",
        "the last of a burst is never lost"
    );
    let metrics = node.metrics().await;
    assert!(
        metrics.contains(r#"roundtrip_relay_hooks_total{provider="google",outcome="passed"}"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn outlook_is_answered_and_passed_on() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "outlook").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    assert!(token.len() <= 128, "Graph's longest clientState");
    let hook = format!("{}/v1/hooks/outlook", node.public);
    let question = format!("{hook}?validationToken=Validation%3A%20Testing%20%3Cb%3E");
    let answer = node.client.post(question).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.text().await.expect("a text"), "Validation: Testing <b>");
    let mut stream = Stream::open(&node, "usr_7", None).await;
    let batch =
        json!({"value": [{"clientState": "wrong"}, {"clientState": token, "resource": "Users/x/Events/y"}]});
    let answer = node
        .client
        .post(&hook)
        .body(batch.to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 202);
    assert_eq!(
        said(stream.next().await).1,
        json!({"channel_id": id, "state": "exists"})
    );
}

#[tokio::test]
async fn a_batch_of_graph_says_each_thing_once() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "outlook").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    let mut stream = Stream::open(&node, "usr_7", None).await;
    let mut batch = vec![json!({"clientState": token}); 300];
    batch.push(json!({"clientState": token, "lifecycleEvent": "reauthorizationRequired"}));
    batch.push(json!({"clientState": token, "lifecycleEvent": "<script>"}));
    let hook = format!("{}/v1/hooks/outlook", node.public);
    let body = json!({ "value": batch }).to_string();
    let answer = node
        .client
        .post(&hook)
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.bytes().await.expect("a body").len(), 0);
    let mut states = Vec::new();
    for _ in 0..3 {
        let (_, data) = said(stream.next().await);
        assert_eq!(data["channel_id"], id);
        states.push(text(&data, "state").to_owned());
    }
    states.sort();
    assert_eq!(states, ["exists", "lifecycle", "reauthorizationRequired"]);
    for wrong in [
        "",
        "null",
        "{}",
        r#"{"value":null}"#,
        r#"{"value":[{}]}"#,
        "\u{0}",
    ] {
        let answer = node
            .client
            .post(&hook)
            .body(wrong)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 404, "{wrong}");
    }
    let twice = format!("{hook}?validationToken=a&validationToken=b");
    assert_eq!(
        node.client.post(twice).send().await.expect("an answer").status(),
        404
    );
}

/// A stranger behind the proxy, seen at this address.
async fn stranger(node: &Node, path: &str, from: &str, token: &str) -> u16 {
    let request = node.client.post(format!("{}{path}", node.public));
    let request = request
        .header("x-forwarded-for", format!("198.51.100.1, {from}"))
        .header("x-goog-channel-id", "chn-x")
        .header("x-goog-channel-token", token);
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_stranger_who_keeps_calling_is_no_longer_read_and_nobody_else_suffers() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "google").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    let mut refused = 0;
    for _ in 0..2_000 {
        match stranger(&node, "/v1/hooks/google", "203.0.113.9", "wrong").await {
            404 => {}
            429 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused > 0);
    assert_eq!(
        stranger(&node, "/v1/hooks/outlook", "203.0.113.9", "wrong").await,
        429
    );
    assert_eq!(
        stranger(&node, "/v1/hooks/google", "203.0.113.10", "wrong").await,
        404
    );
    // What proves itself passes from the same address, too: who else calls from there is not ours to know.
    let request = node.client.post(format!("{}/v1/hooks/google", node.public));
    let request = request
        .header("x-forwarded-for", "203.0.113.9")
        .header("x-goog-channel-id", id)
        .header("x-goog-channel-token", token);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let metrics = node.metrics().await;
    assert!(
        metrics.contains(r#"roundtrip_relay_hooks_total{provider="google",outcome="too_often"}"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_trainer_opens_only_so_many_channels() {
    let (_running, node) = node().await;
    let body = json!({"provider": "google"}).to_string();
    let mut last = None;
    for _ in 0..60 {
        let request = node
            .ask("POST", "/v1/calendar-relay/channels", "usr_7")
            .body(body.clone());
        let answer = request.send().await.expect("an answer");
        if answer.status() == 429 {
            last = Some(answer);
            break;
        }
    }
    let refused = last.expect("refused at some time");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(json_of(refused).await["code"], "too_many");
    node.channel("usr_8", "google").await;
}

#[tokio::test]
async fn a_laptop_that_does_not_read_is_cut_off() {
    let mut config = config();
    config.stalled = Duration::from_millis(200);
    let (_running, node) = node_with(config).await;
    let address = node.internal.strip_prefix("http://").expect("an address");
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut deaf = socket
        .connect(address.parse().expect("an address"))
        .await
        .expect("a connection");
    let request = format!(
        "GET /v1/stream HTTP/1.1\r\nhost: x\r\nx-relay-key: {PLATFORM_KEY}\r\nx-relay-trainer: usr_7\r\n\r\n"
    );
    deaf.write_all(request.as_bytes()).await.expect("written");
    while !node.metrics().await.contains("roundtrip_relay_streams_open 1\n") {
        tokio::task::yield_now().await;
    }
    // What it does not read is not gathered: different hints until the line is full, and then nothing happens any more.
    let mut number = 0;
    while !node.metrics().await.contains("roundtrip_relay_streams_open 0\n") {
        for _ in 0..100 {
            number += 1;
            node.policy_hint("usr_7", &format!("reason {number}")).await;
        }
        assert!(number < 10_000, "it is still open");
    }
    assert!(node.ready().await);
}

#[tokio::test]
async fn an_ending_node_answers_what_is_on_its_way() {
    let (running, node) = node().await;
    let channel = node.channel("usr_7", "google").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    // The first passes at once, the second waits for the end of the burst; then the node ends.
    assert_eq!(node.google(id, token, "exists").await, 200);
    let second = tokio::spawn({
        let (node, id, token) = (node.clone(), id.to_owned(), token.to_owned());
        async move { node.google(&id, &token, "exists").await }
    });
    while !second.is_finished() && !node.metrics().await.contains("roundtrip_relay_hooks_waiting 1\n") {
        tokio::task::yield_now().await;
    }
    running.end().await;
    assert_eq!(second.await.expect("an answer"), 200);
}

#[tokio::test]
async fn nobody_holds_more_streams_than_allowed() {
    let (_running, node) = node().await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(Stream::open(&node, "usr_7", None).await);
    }
    let refused = node
        .ask("GET", "/v1/stream", "usr_7")
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "30");
    let _ben = Stream::open(&node, "usr_8", None).await;
    assert!(node.metrics().await.contains("roundtrip_relay_streams_open 9"));
}

/// A laptop that goes to another network leaves its stream behind half open, often several times before anybody notices.
#[tokio::test]
async fn a_stream_too_many_ends_the_oldest_of_its_trainer() {
    let mut config = config();
    config.settled = Duration::ZERO;
    let (_running, node) = node_with(config).await;
    let mut ben = Stream::open(&node, "usr_8", None).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(Stream::open(&node, "usr_7", None).await);
    }
    assert_eq!(held.remove(0).next().await, None);
    for trainer in ["usr_7", "usr_8"] {
        assert_eq!(node.policy_hint(trainer, "still here").await, Some(202));
    }
    for stream in held.iter_mut().chain([&mut ben]) {
        assert_eq!(said(stream.next().await).0, "policy");
    }
}

#[tokio::test]
async fn an_ending_node_ends_its_streams() {
    let (running, node) = node().await;
    let mut stream = Stream::open(&node, "usr_7", None).await;
    let (_, end) = tokio::join!(running.end(), stream.next());
    assert_eq!(end, None);
    assert!(!node.ready().await);
}

#[tokio::test]
async fn metrics_name_nobody() {
    let (_running, node) = node().await;
    let channel = node.channel("usr_7", "google").await;
    let _stream = Stream::open(&node, "usr_7", None).await;
    node.google(text(&channel, "channel_id"), text(&channel, "token"), "exists")
        .await;
    let metrics = node.metrics().await;
    for secret in ["usr_7", text(&channel, "channel_id"), text(&channel, "token")] {
        assert!(!metrics.contains(secret));
    }
    assert!(metrics.contains("roundtrip_relay_ready 1"), "{metrics}");
    assert!(
        metrics.contains("roundtrip_relay_channels_opened_total 1"),
        "{metrics}"
    );
}
