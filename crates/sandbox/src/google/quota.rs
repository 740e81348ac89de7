//! How fast and how much: sliding windows of requests, and the usage limit of new events.

use super::error::GoogleError;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

const WINDOW: TimeDelta = TimeDelta::minutes(1);
const USAGE_WINDOW: TimeDelta = TimeDelta::hours(24);

/// The limits in force. `None` = not limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaLimits {
    /// Requests per minute of one account.
    pub per_user_per_minute: Option<u32>,
    /// Requests per minute of all accounts.
    pub per_project_per_minute: Option<u32>,
    /// Writes per minute to one calendar.
    pub calendar_writes_per_minute: Option<u32>,
    /// New events of one account in 24 hours; beyond it every write is refused with `quotaExceeded`.
    pub new_events_per_day: Option<u32>,
    /// Status of a refusal for speed: 403 or 429.
    pub status: u16,
    /// `Retry-After` in seconds on such a refusal. The service documents none.
    pub retry_after: Option<u32>,
}

impl Default for QuotaLimits {
    fn default() -> Self {
        Self {
            per_user_per_minute: Some(600),
            per_project_per_minute: Some(10_000),
            calendar_writes_per_minute: None,
            new_events_per_day: Some(10_000),
            status: 403,
            retry_after: None,
        }
    }
}

/// The requests of the recent past.
#[derive(Debug, Clone, Default)]
pub struct Quota {
    /// The limits in force.
    pub limits: QuotaLimits,
    /// Refusals for speed come in turn as 403 and 429, with and without `Retry-After`.
    pub varied: bool,
    refused: u32,
    project: VecDeque<DateTime<Utc>>,
    users: BTreeMap<String, VecDeque<DateTime<Utc>>>,
    calendars: BTreeMap<String, VecDeque<DateTime<Utc>>>,
    new_events: BTreeMap<String, VecDeque<DateTime<Utc>>>,
}

impl Quota {
    /// Counts a request of `account`, or refuses it. A refused request does not count.
    pub fn request(&mut self, account: &str, now: DateTime<Utc>) -> Result<(), GoogleError> {
        let (status, wait) = self.refusal();
        let user = self.users.entry(account.to_owned()).or_default();
        if full(user, self.limits.per_user_per_minute, WINDOW, now) {
            self.refused += 1;
            return Err(GoogleError::user_rate_limit(status).retry_after(wait));
        }
        if full(&mut self.project, self.limits.per_project_per_minute, WINDOW, now) {
            self.refused += 1;
            return Err(GoogleError::rate_limit(status).retry_after(wait));
        }
        user.push_back(now);
        self.project.push_back(now);
        Ok(())
    }

    /// Counts a write to a calendar, or refuses it.
    pub fn write(&mut self, account: &str, calendar: &str, now: DateTime<Utc>) -> Result<(), GoogleError> {
        let made = self.new_events.entry(account.to_owned()).or_default();
        if full(made, self.limits.new_events_per_day, USAGE_WINDOW, now) {
            return Err(GoogleError::quota_exceeded());
        }
        let (status, wait) = self.refusal();
        let writes = self.calendars.entry(calendar.to_owned()).or_default();
        if full(writes, self.limits.calendar_writes_per_minute, WINDOW, now) {
            self.refused += 1;
            return Err(GoogleError::rate_limit(status).retry_after(wait));
        }
        writes.push_back(now);
        Ok(())
    }

    /// Status and `Retry-After` of the next refusal for speed.
    pub fn refusal(&self) -> (u16, Option<u32>) {
        if !self.varied {
            return (self.limits.status, self.limits.retry_after);
        }
        let status = if self.refused.is_multiple_of(2) { 403 } else { 429 };
        let wait = (self.refused / 2 % 2 == 1).then_some(20 + self.refused % 40);
        (status, wait)
    }

    /// Counts a new event.
    pub fn made_event(&mut self, account: &str, now: DateTime<Utc>) {
        self.new_events
            .entry(account.to_owned())
            .or_default()
            .push_back(now);
    }
}

fn full(
    stamps: &mut VecDeque<DateTime<Utc>>,
    limit: Option<u32>,
    window: TimeDelta,
    now: DateTime<Utc>,
) -> bool {
    // A clock set back must not keep stamps of the future for ever.
    while stamps.front().is_some_and(|at| *at <= now - window || *at > now) {
        stamps.pop_front();
    }
    limit.is_some_and(|limit| stamps.len() >= limit as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides_and_refusals_do_not_count() {
        let start = DateTime::UNIX_EPOCH;
        let limits = QuotaLimits {
            per_user_per_minute: Some(2),
            ..QuotaLimits::default()
        };
        let mut quota = Quota {
            limits,
            ..Quota::default()
        };
        let mut ask = |seconds| quota.request("mara", start + TimeDelta::seconds(seconds)).is_ok();
        assert_eq!(
            [ask(0), ask(30), ask(59), ask(60), ask(61), ask(90)],
            [true, true, false, true, false, true]
        );
    }
}
