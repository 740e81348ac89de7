//! Waiting for a condition, always with an end.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(60);

/// Looks until `look` answers something, or says what was awaited and what was seen last.
///
/// An error of `look` is no end: pages come and go while they load. The last one is part of the message.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        let last_error = match look() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if crate::process::ending() {
            bail!("stopped while waiting for {what}");
        }
        if start.elapsed() >= limit {
            let seen = last_error
                .map(|error| format!(" (last: {error:#})"))
                .unwrap_or_default();
            bail!("{what}: not within {} s{seen}", limit.as_secs());
        }
        std::thread::sleep(PAUSE);
    }
}

/// The same for a plain yes or no.
pub fn until_true(what: &str, limit: Duration, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
    until(what, limit, || Ok(look()?.then_some(())))
}

/// Seconds, for readable calls.
pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
