//! How changes come to this laptop.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// The live connection, as Diagnostics tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ConnectionView {
    /// `none` (not offered, or syncing has not begun), `opening`, `open`, `broken`.
    pub state: String,
    /// Open or broken since.
    pub since: Option<DateTime<Utc>>,
    /// Why it is broken: `lost`, `silent`, `not_found`, `not_a_stream`, `garbage`, `endless`, or a problem's code.
    pub reason: Option<String>,
    /// When it is tried again.
    pub again_at: Option<DateTime<Utc>>,
    /// Google sends notices, and they come through.
    pub notices: bool,
    /// When the channel of Google's notices was last made or renewed.
    pub channel_renewed_at: Option<DateTime<Utc>>,
    /// When it runs out; a new one is made two days before.
    pub channel_expires_at: Option<DateTime<Utc>>,
    /// Why there is none, or no new one, by stable code.
    pub channel_problem: Option<String>,
    /// Roundtrip looks by itself every so many minutes.
    pub every_minutes: u32,
}
