//! Page tokens and sync tokens: opaque to clients, self-contained for us.

use super::error::GoogleError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A position in a listing: the sort value asked for, then the order of making, then the slot.
pub type Position = (i64, u64, i64);

/// Where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageToken {
    /// Calendar, account and all parameters of the listing.
    pub listing: String,
    /// The last item of the page before.
    pub after: Position,
    /// The last item before that page; `None` if that was the first one.
    pub page_before_after: Option<Position>,
    /// The position in the order of changes at the first page: where the sync token of the last page starts.
    pub seen: u64,
}

/// Where the next incremental listing begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncToken {
    /// Calendar and account.
    pub source: String,
    /// The parameters that must be the same in each listing of a series.
    pub parameters: String,
    /// Changes after this position are new.
    pub since: u64,
    /// Tokens of an earlier epoch are dead.
    pub epoch: u64,
}

/// Makes the opaque text.
pub fn encode<T: Serialize>(token: &T) -> String {
    URL_SAFE.encode(serde_json::to_vec(token).unwrap_or_default())
}

/// Reads the opaque text back; `parameter` is named in the refusal.
pub fn decode<T: DeserializeOwned>(text: &str, parameter: &'static str) -> Result<T, GoogleError> {
    let invalid = || GoogleError::invalid_value(parameter);
    let bytes = URL_SAFE.decode(text).map_err(|_| invalid())?;
    serde_json::from_slice(&bytes).map_err(|_| invalid())
}
