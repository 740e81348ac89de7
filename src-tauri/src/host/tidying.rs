//! What is older than its time goes: history, closed conflicts, answered questions and audit entries.
//!
//! What is deleted never comes back, and what is old is said by a clock. So no single clock is believed: both services must
//! have told the time and agree, and the laptop's own clock must not be far behind them. Where they cannot be asked (paused,
//! signed out, one sign-in lost), the last time they agreed on is gone on from: see [`Reached`].

use super::keep_up::{AGAIN_AFTER, keep_up};
use super::vault::Asks;
use super::{Host, Running};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_engine::EngineEvent;
use roundtrip_engine::ports::{CalendarPort, PlatformPort};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Once in so much running time of a process is enough.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// The two services' clocks may differ by so much.
const AGREED_WITHIN: TimeDelta = TimeDelta::days(1);
/// The services' time may be so far ahead of the laptop's.
const AHEAD_AT_MOST: TimeDelta = TimeDelta::days(60);

/// It is looked so often whether the day is over, also where nothing syncs. A start has so long to hear both services first.
const LOOKED_EVERY: Duration = Duration::from_secs(60 * 60);
/// The setting that keeps the time that has certainly been reached.
const REACHED: &str = "time_reached";

/// A time that has certainly been reached, and what the running clock of this process said then. More time has passed since
/// than that clock says, for it stands still in a sleep and while the app is closed: what is deleted by it goes too late, if
/// anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    at: DateTime<Utc>,
    running: Duration,
}

impl Reached {
    /// By now, and not later than the laptop's own clock says.
    fn by_now(self, running: Duration, laptop: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let since = TimeDelta::from_std(running.saturating_sub(self.running)).ok()?;
        Some(self.at.checked_add_signed(since)?.min(laptop))
    }
}

impl Host {
    /// What is old goes, whether anything syncs or not, as long as the app runs.
    pub(super) fn tidy_daily(self: &Arc<Self>) {
        let host = Arc::downgrade(self);
        let tidying = move || {
            let host = Weak::clone(&host);
            async move {
                loop {
                    tokio::time::sleep(LOOKED_EVERY).await;
                    let Some(host) = host.upgrade() else {
                        return;
                    };
                    let running = host.running().await;
                    host.delete_what_is_old(running.as_ref().and_then(|it| host.agreed(it)), true)
                        .await;
                }
            }
        };
        tokio::spawn(keep_up(
            CancellationToken::new(),
            AGAIN_AFTER,
            tidying,
            || (),
            std::future::pending,
        ));
    }

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
                    self.tell_keychain().await;
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// After a cycle: what is older than its time goes, at most once a day, and a damaged database that was replaced is no
    /// longer said once both sides were read.
    pub async fn tidy(&self, running: &Running) {
        self.delete_what_is_old(self.agreed(running), false).await;
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

    fn agreed(&self, running: &Running) -> Option<DateTime<Utc>> {
        let offsets = [running.platform.clock_offset(), running.google.clock_offset()];
        agreed_time(offsets, self.clock.now())
    }

    /// At most once a day, by the time that the services agree on, else, if that is not to be waited for, by one that has
    /// certainly been reached.
    async fn delete_what_is_old(&self, agreed: Option<DateTime<Utc>>, even_alone: bool) {
        if agreed.is_none() && !even_alone {
            return;
        }
        let running = self.clock.monotonic();
        let last = *self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_due(last, running) {
            return;
        }
        let known = match agreed {
            Some(_) => None,
            None => self.reached().await,
        };
        let alone = known.and_then(|known| known.by_now(running, self.clock.now()));
        let Some(now) = agreed.or(alone) else {
            return;
        };
        *self.tidied.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        // A clock that was set back takes nothing of it away.
        if known.is_none_or(|known| known.at < now) {
            self.keep_reached(Reached { at: now, running }).await;
        }
        if let Err(error) = self.database.retention(now).await {
            tracing::warn!(%error, "old history could not be deleted");
        }
    }
}

impl Host {
    async fn reached(&self) -> Option<Reached> {
        let known = *self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() {
            return known;
        }
        // By an earlier process: this one's running clock began after it.
        let at = self.database.setting::<DateTime<Utc>>(REACHED).await.ok()??;
        Some(Reached {
            at,
            running: Duration::ZERO,
        })
    }

    async fn keep_reached(&self, reached: Reached) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(reached);
        if let Err(error) = self.database.put_setting(REACHED, &reached.at).await {
            tracing::warn!(%error, "the time that was reached could not be kept");
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
    use crate::host::leaving::tests::connected;
    use roundtrip_core::ids::ConnectionId;
    use roundtrip_engine::ledger::{Change, HistoryFilter, Ledger};

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
    fn a_time_that_was_reached_is_gone_on_from_by_the_running_clock_and_never_past_the_laptop_s() {
        let hour = Duration::from_secs(60 * 60);
        let reached = Reached {
            at: laptop() - TimeDelta::days(3),
            running: hour,
        };
        let by = |running, laptop| reached.by_now(running, laptop).expect("a time");
        assert_eq!(by(hour, laptop()), laptop() - TimeDelta::days(3));
        assert_eq!(by(25 * hour, laptop()), laptop() - TimeDelta::days(2));
        // A laptop that is ten years ahead says nothing, and one that is behind holds back.
        let ahead = laptop() + TimeDelta::days(3_650);
        assert_eq!(by(25 * hour, ahead), laptop() - TimeDelta::days(2));
        let behind = laptop() - TimeDelta::days(9);
        assert_eq!(by(25 * hour, behind), behind);
    }

    /// An old line of the history, and how many there are.
    async fn lines(host: &Host, add: Option<DateTime<Utc>>) -> usize {
        let ledger = host.database.ledger(ConnectionId::new("google:kim"));
        if let Some(at) = add {
            let item = serde_json::json!({
                "id": at.to_rfc3339(), "run_id": null, "at": at, "appointment_id": null, "title": null,
                "what": { "what": "silence_began", "side": "platform" }, "source": "you", "result": "ok",
                "problem": null, "request_id": null,
            });
            let item = serde_json::from_value(item).expect("a line");
            let kept = ledger.commit(vec![Change::AddItem(Box::new(item))]).await;
            kept.expect("the ledger works");
        }
        let all = HistoryFilter {
            limit: 100,
            ..HistoryFilter::default()
        };
        ledger.history(&all).await.expect("the ledger works").len()
    }

    #[tokio::test]
    async fn what_is_old_goes_while_nobody_is_signed_in_by_the_last_time_that_was_agreed_on() {
        let (host, _folder) = connected("signed-out").await;
        let now = host.clock.now();
        host.delete_what_is_old(None, true).await;
        assert_eq!(lines(&host, Some(now - TimeDelta::days(40))).await, 1);
        host.delete_what_is_old(None, true).await;
        assert_eq!(lines(&host, None).await, 1, "no time was ever agreed on");

        // An earlier process: the history of its time, and more of it than today's.
        let agreed = now - TimeDelta::days(5);
        host.keep_reached(Reached {
            at: agreed,
            running: Duration::ZERO,
        })
        .await;
        *host.reached.lock().expect("whole") = None;
        assert_eq!(lines(&host, Some(now - TimeDelta::days(33))).await, 2);
        host.delete_what_is_old(None, false).await;
        assert_eq!(lines(&host, None).await, 2, "a cycle waits for both services");
        host.delete_what_is_old(None, true).await;
        assert_eq!(lines(&host, None).await, 1, "of 33 days ago it may be 28");

        // Once both services agree, that counts, and is kept for times in which they cannot be asked.
        *host.tidied.lock().expect("whole") = None;
        host.delete_what_is_old(Some(now), false).await;
        assert_eq!(lines(&host, None).await, 0);
        let kept = host.database.setting::<DateTime<Utc>>(REACHED).await;
        assert_eq!(kept, Ok(Some(now)));
        host.close().await;
    }

    #[test]
    fn once_a_day_of_running_is_enough() {
        let hour = Duration::from_secs(60 * 60);
        assert!(is_due(None, hour));
        assert!(!is_due(Some(hour), 24 * hour));
        assert!(is_due(Some(hour), 25 * hour));
    }
}
