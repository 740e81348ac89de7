//! A laptop's, a platform's and a calendar service's side of the relay.
#![allow(dead_code, reason = "each test file uses its part")]

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::time::Duration;

pub const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
pub const PLATFORM_KEY: &str = "the platform's key, 32 characters or more";
/// Nothing here takes this long; it only ends a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A node, seen from outside.
#[derive(Clone)]
pub struct Node {
    pub public: String,
    pub internal: String,
    pub client: Client,
}

impl Node {
    pub fn at(public: impl std::fmt::Display, internal: impl std::fmt::Display) -> Self {
        Self {
            public: format!("http://{public}"),
            internal: format!("http://{internal}"),
            client: Client::builder().no_proxy().build().expect("a client"),
        }
    }

    /// A request of the platform for a trainer.
    pub fn ask(&self, method: &str, path: &str, trainer: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.client
            .request(method, format!("{}{path}", self.internal))
            .header("x-relay-key", PLATFORM_KEY)
            .header("x-relay-trainer", trainer)
    }

    pub async fn channel(&self, trainer: &str, provider: &str) -> Value {
        let answer = self
            .ask("POST", "/v1/calendar-relay/channels", trainer)
            .body(json!({ "provider": provider }).to_string())
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 201);
        json_of(answer).await
    }

    /// A notification as Google sends it.
    pub async fn google(&self, id: &str, token: &str, state: &str) -> u16 {
        self.try_google(id, token, state).await.expect("an answer")
    }

    /// `None` if the node was gone before it answered.
    pub async fn try_google(&self, id: &str, token: &str, state: &str) -> Option<u16> {
        let request = self
            .client
            .post(format!("{}/v1/hooks/google", self.public))
            .header("x-goog-channel-id", id)
            .header("x-goog-channel-token", token)
            .header("x-goog-resource-state", state)
            .header("x-goog-message-number", "1");
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        assert_eq!(answer.bytes().await.expect("a body").len(), 0, "never a body");
        Some(status)
    }

    /// A hint of the platform's own; the reason tells one from another.
    pub async fn policy_hint(&self, trainer: &str, reason: &str) -> Option<u16> {
        let body =
            json!({"trainer": trainer, "event": "policy", "data": {"enabled": false, "reason": reason}});
        let request = self
            .client
            .post(format!("{}/internal/hints", self.internal))
            .header("x-relay-key", PLATFORM_KEY)
            .timeout(Duration::from_secs(10))
            .body(body.to_string());
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }

    pub async fn metrics(&self) -> String {
        let answer = self.client.get(format!("{}/metrics", self.internal)).send().await;
        answer.expect("an answer").text().await.expect("a text")
    }

    pub async fn ready(&self) -> bool {
        let answer = self.client.get(format!("{}/ready", self.internal)).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }
}

pub async fn json_of(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: String,
    pub event: String,
    pub data: Value,
}

/// What a laptop holds open.
pub struct Stream {
    answer: Response,
    buffer: String,
}

impl Stream {
    pub async fn open(node: &Node, trainer: &str, last_id: Option<&str>) -> Self {
        Self::try_open(node, trainer, last_id).await.expect("a stream")
    }

    pub async fn try_open(node: &Node, trainer: &str, last_id: Option<&str>) -> Option<Self> {
        let mut request = node.ask("GET", "/v1/stream", trainer);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let answer = request
            .send()
            .await
            .ok()
            .filter(|answer| answer.status() == 200)?;
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut stream = Self {
            answer,
            buffer: String::new(),
        };
        stream.block().await?.starts_with(": connected").then_some(stream)
    }

    /// The next event; `None` when the stream has ended or broke.
    pub async fn next(&mut self) -> Option<Event> {
        // Not for each piece: comments that keep the stream alive are no event.
        tokio::time::timeout(PATIENCE, self.event())
            .await
            .expect("an event comes")
    }

    async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let line = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::to_owned)
            };
            if let (Some(id), Some(event), Some(data)) = (line("id: "), line("event: "), line("data: ")) {
                let data = serde_json::from_str(&data).expect("JSON");
                return Some(Event { id, event, data });
            }
        }
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(block);
            }
            let piece = tokio::time::timeout(PATIENCE, self.answer.chunk())
                .await
                .expect("something comes");
            self.buffer.push_str(&String::from_utf8_lossy(&piece.ok()??));
        }
    }
}
