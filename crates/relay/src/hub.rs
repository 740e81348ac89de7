//! The hub: keeps hints for an hour and hands them to the streams that are open.

use crate::channel::Mailbox;
use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a hint is kept for a stream that resumes.
pub const MEMORY: Duration = Duration::from_secs(3600);

/// What a hint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The platform's feed.
    Appointments,
    /// A calendar.
    Calendar,
    /// The platform's policy.
    Policy,
    /// Hints may have been missed: look at everything.
    Resync,
}

impl Kind {
    /// The word on the stream.
    pub fn word(self) -> &'static str {
        match self {
            Self::Appointments => "appointments",
            Self::Calendar => "calendar",
            Self::Policy => "policy",
            Self::Resync => "resync",
        }
    }
}

/// "Look now". Carries no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// What it is about.
    pub kind: Kind,
    /// The contract's data of it, as JSON text: the same on the way between nodes and to the laptop.
    pub data: Box<str>,
}

impl Hint {
    /// Look at the platform's feed.
    pub fn appointments() -> Self {
        Self::of(Kind::Appointments, &json!({}))
    }

    /// Look at the calendar of this channel. `state` is a word of ours, never what somebody wrote.
    pub fn calendar(channel_id: &str, state: &'static str) -> Self {
        Self::of(
            Kind::Calendar,
            &json!({ "channel_id": channel_id, "state": state }),
        )
    }

    /// The platform's `calendar_sync`.
    pub fn policy(enabled: bool, reason: Option<&str>) -> Self {
        Self::of(Kind::Policy, &json!({ "enabled": enabled, "reason": reason }))
    }

    /// Look at everything.
    pub fn resync() -> Self {
        Self::of(Kind::Resync, &json!({}))
    }

    fn of(kind: Kind, data: &Value) -> Self {
        let data = data.to_string().into_boxed_str();
        Self { kind, data }
    }
}

/// A hint on its way to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// For `Last-Event-ID`; good at every node.
    pub id: String,
    /// The hint.
    pub hint: Hint,
}

/// The hub cannot do it now. What the caller can do: answer 503, so that the sender tries again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub is not available: {0}")]
pub struct HubError(pub String);

/// Keeps hints and hands them out.
#[async_trait]
pub trait Hub: Send + Sync + 'static {
    /// Keeps a hint and gives it to every open stream of that mailbox, at every node. When this returns without an error, the
    /// hint outlives the node.
    async fn send(&self, to: Mailbox, hint: Hint) -> Result<(), HubError>;
    /// What came after `last_id` and what comes from now on; [`Kind::Resync`] first if something may be missing between.
    fn open(&self, mailboxes: &[Mailbox], last_id: Option<&str>) -> BoxStream<'static, Delivery>;
    /// From now on notifications of this channel are nobody's.
    async fn close_channel(&self, id: &str) -> Result<(), HubError>;
    /// Was it closed?
    fn is_closed(&self, id: &str) -> bool;
    /// May requests be sent here? If not: why.
    fn ready(&self) -> Result<(), HubError>;
    /// Ends every open stream, so that laptops go on at another node.
    fn end_streams(&self);
}
