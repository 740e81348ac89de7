//! What is older than its time goes: history, closed conflicts, answered questions and audit entries.
//!
//! What is deleted never comes back, and what is old is said by a clock. So no single clock is believed: both services must
//! have told the time and agree, and the laptop's own clock must not be far behind them.

use super::vault::Asks;
use super::{Host, Running};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_engine::EngineEvent;
use roundtrip_engine::ports::{CalendarPort, PlatformPort};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::broadcast;

/// Once in so much running time of a process is enough.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// The two services' clocks may differ by so much.
const AGREED_WITHIN: TimeDelta = TimeDelta::days(1);
/// The services' time may be so far ahead of the laptop's.
const AHEAD_AT_MOST: TimeDelta = TimeDelta::days(60);

impl Host {
    /// After each cycle until this engine stops: see [`Host::tidy`] and [`Host::ask_for_key`].
    pub(super) async fn tidy_after_cycles(&self, running: &Running) {
        let mut events = running.engine.events();
        loop {
            let event = tokio::select! {
                () = running.stop.cancelled() => return,
                event = events.recv() => event,
            };
            match event {
                Ok(EngineEvent::CycleEnded) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.keep_me(running).await;
                    self.tidy(running).await;
                    self.ask_for_key(Asks::Cycle).await;
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// After a cycle: what is older than its time goes, at most once a day, and a damaged database that was replaced is no
    /// longer said once both sides were read.
    pub async fn tidy(&self, running: &Running) {
        self.delete_what_is_old(running).await;
        let read = match running.engine.ledger().sync_state().await {
            Ok(state) => state.platform_read_at.is_some() && state.calendar_read_at.is_some(),
            Err(_) => false,
        };
        let said = matches!(self.database.put_aside().await, Ok(Some(_)));
        if read
            && said
            && let Err(error) = self.database.is_rebuilt().await
        {
            tracing::warn!(%error, "that the database is rebuilt could not be kept");
        }
    }

    async fn delete_what_is_old(&self, running: &Running) {
        let offsets = [running.platform.clock_offset(), running.google.clock_offset()];
        let Some(now) = agreed_time(offsets, self.clock.now()) else {
            return;
        };
        {
            let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
            let running = self.clock.monotonic();
            if !is_due(*tidied, running) {
                return;
            }
            *tidied = Some(running);
        }
        if let Err(error) = self.database.retention(now).await {
            tracing::warn!(%error, "old history could not be deleted");
        }
    }
}

fn is_due(last: Option<Duration>, running: Duration) -> bool {
    last.is_none_or(|last| running.saturating_sub(last) >= EVERY)
}

/// The time by which something may be deleted for good: the earlier one of the services', if both told theirs, agree, and
/// are not far ahead of the laptop's. Lines of the history are no measure: they bear the services' time themselves.
fn agreed_time(offsets: [Option<TimeDelta>; 2], laptop: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let [Some(one), Some(other)] = offsets else {
        return None;
    };
    let apart = one.max(other).checked_sub(&one.min(other))?;
    let ahead = one.min(other);
    if apart > AGREED_WITHIN || ahead > AHEAD_AT_MOST {
        return None;
    }
    laptop.checked_add_signed(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laptop() -> DateTime<Utc> {
        "2026-11-21T09:00:00Z".parse().expect("a time")
    }

    fn from(time: &str) -> Option<TimeDelta> {
        Some(time.parse::<DateTime<Utc>>().expect("a time") - laptop())
    }

    #[test]
    fn one_service_at_the_end_of_time_deletes_nothing() {
        let (far, right) = (from("9999-12-31T23:59:59Z"), from("2026-11-21T09:00:01Z"));
        for offsets in [[far, right], [right, far], [far, None], [None, far], [far, far]] {
            assert_eq!(agreed_time(offsets, laptop()), None, "{offsets:?}");
        }
    }

    #[test]
    fn both_services_must_have_told_the_time() {
        let right = from("2026-11-21T09:00:01Z");
        for offsets in [[None, None], [right, None], [None, right]] {
            assert_eq!(agreed_time(offsets, laptop()), None, "{offsets:?}");
        }
    }

    #[test]
    fn services_that_agree_are_believed_by_the_earlier_one() {
        let (early, late) = (from("2026-11-21T08:00:00Z"), from("2026-11-21T10:00:00Z"));
        let agreed = laptop() - TimeDelta::hours(1);
        assert_eq!(agreed_time([early, late], laptop()), Some(agreed));
        assert_eq!(agreed_time([late, early], laptop()), Some(agreed));
        // A laptop that is ten years ahead: by the services' time.
        let behind = from("2016-11-21T09:00:00Z");
        let then = laptop() + behind.expect("told");
        assert_eq!(agreed_time([behind, behind], laptop()), Some(then));
    }

    #[test]
    fn once_a_day_of_running_is_enough() {
        let hour = Duration::from_secs(60 * 60);
        assert!(is_due(None, hour));
        assert!(!is_due(Some(hour), 24 * hour));
        assert!(is_due(Some(hour), 25 * hour));
    }
}
