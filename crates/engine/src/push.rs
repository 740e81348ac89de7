//! Words of what services say by themselves: hints over the platform's stream, and channels of the calendar's notices.

use crate::ports::{PortError, SyncPolicy};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Of which side a hint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hinted {
    /// The platform's feed has something new.
    Platform,
    /// The calendar has.
    Calendar,
    /// Hints were missed: both may have.
    Everything,
}

/// For which sides hints come now, so that the timer can be slower there. In memory only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// The platform's stream is open and makes sense: the feed's changes are hinted at.
    pub stream: bool,
    /// A channel is open, has been heard of, and has missed nothing: the calendar's changes are hinted at, too. Never
    /// true without `stream`.
    pub calendar: bool,
}

/// One hint of the platform's stream. It carries no content and may be lost or repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Look at the platform's feed.
    Appointments,
    /// Look at a calendar.
    Calendar {
        /// Which channel the calendar service wrote to.
        channel_id: String,
        /// What it said: `sync` when the channel was opened, `exists` or `not_exists` for a change.
        state: String,
    },
    /// What the platform says on sync from now on.
    Policy(SyncPolicy),
    /// Hints were missed: look at everything.
    Resync,
}

/// What came over a stream since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Hints in order; none for a comment that only says that the stream is alive.
    pub hints: Vec<Hint>,
    /// Bytes that came.
    pub bytes: usize,
    /// Lines that are no part of any event.
    pub nonsense: u32,
    /// Something that belongs to such a stream came: an event, known or not, or a comment.
    pub alive: bool,
}

/// An open stream of hints. Dropping it closes it. It has no timeouts of its own: who listens owns the clock.
#[async_trait]
pub trait HintStream: Send {
    /// Waits for what comes next; `None` when the platform has ended the stream. Whoever stops waiting loses nothing.
    ///
    /// # Errors
    /// The connection was cut.
    async fn next(&mut self) -> Result<Option<Heard>, PortError>;
    /// Id of the last whole event, for going on from there.
    fn last_id(&self) -> Option<String>;
}

/// What proves that a notice comes from the calendar service. Known to the platform and to that service only; it is
/// handed from one to the other and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelToken(String);

impl ChannelToken {
    /// As the platform gave it.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// For the watch call alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ChannelToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ChannelToken(…)")
    }
}

/// An address of the platform's relay to which a calendar service may send its notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayChannel {
    /// Id of the channel, chosen by the platform and used at the calendar service too.
    pub id: String,
    /// Where notices go (https).
    pub address: String,
    /// What they prove themselves with.
    pub token: ChannelToken,
    /// The platform takes none afterwards.
    pub expires_at: DateTime<Utc>,
}

/// A calendar service sends notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The service's name of what is watched; needed to stop it.
    pub resource: String,
    /// Until when, by the service's clock, if it says.
    pub expires_at: Option<DateTime<Utc>>,
}
