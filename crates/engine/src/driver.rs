//! When cycles run: on a timer, when asked, when something becomes due, on wake-up and when the network is back.

use crate::cycle::CycleReport;
use crate::engine::Engine;
use crate::ledger::Trigger;
use crate::ports::PortError;
use chrono::{DateTime, Duration, Utc};
use std::sync::PoisonError;
use tokio_util::sync::CancellationToken;

/// The clocks are compared this often; a gap between them is a wake-up.
const TICK_SECONDS: u64 = 30;
/// While a side cannot be reached it is tried again this often: that is how "network back" is noticed.
const OFFLINE_SECONDS: i64 = 20;
/// So much more wall-clock time than running time means that the laptop slept.
const SLEPT_SECONDS: i64 = 60;
/// A burst of hints is one cycle (P6): it begins when none has come for so long …
const HINT_QUIET_SECONDS: u64 = 3;
/// … or at the latest after so long.
const HINT_PATIENCE_SECONDS: i64 = 20;

impl Engine {
    /// Asks for a cycle soon. Several askings before it starts are one.
    pub fn ask_for(&self, trigger: Trigger) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // "Sync now" is not hidden by a lesser reason, and nothing by a hint, which waits for its burst to end.
        let lesser = trigger == Trigger::Hint && asked.is_some();
        if *asked != Some(Trigger::Manual) && !lesser {
            *asked = Some(trigger);
        }
        drop(asked);
        self.wake.notify_one();
    }

    fn take_asked(&self) -> Option<Trigger> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Runs cycles until cancelled. A cycle under way finishes the item it is at.
    pub async fn drive(&self, stop: CancellationToken) {
        let mut next: Option<(DateTime<Utc>, Trigger)> = Some((self.clock.now(), Trigger::Start));
        loop {
            let trigger = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                trigger = self.wait_for_trigger(next) => trigger,
            };
            if trigger != Trigger::Manual && self.is_paused().await {
                next = self.end_of_pause().await;
                continue;
            }
            let report = tokio::select! {
                biased;
                report = self.cycle(trigger) => report,
                () = async { stop.cancelled().await; self.cancel_cycle(); std::future::pending::<()>().await } => break,
            };
            let minutes = match self.ledger.settings().await {
                Ok(settings) => settings.every_minutes.clamp(5, 60),
                Err(_) => 15,
            };
            let timer = self.clock.now() + Duration::minutes(i64::from(minutes));
            next = Some(match report {
                Ok(report) => self.next_after(&report, timer),
                Err(error) => {
                    tracing::warn!(%error, "the ledger could not be used; trying again in a minute");
                    (self.clock.now() + Duration::minutes(1), Trigger::Timer)
                }
            });
        }
    }

    fn next_after(&self, report: &CycleReport, timer: DateTime<Utc>) -> (DateTime<Utc>, Trigger) {
        let mut next = (timer, Trigger::Timer);
        if let Some(due) = report.next_due_at {
            // Due times are in the services' time.
            let due = due - self.clock_offset();
            if due < next.0 {
                next = (due, Trigger::Due);
            }
        }
        let offline = [&report.platform, &report.calendar]
            .into_iter()
            .flatten()
            .any(|error| {
                matches!(
                    error,
                    PortError::Unreachable { .. }
                        | PortError::ServerTrouble {
                            retry_after: None,
                            ..
                        }
                )
            });
        let again = self.clock.now() + Duration::seconds(OFFLINE_SECONDS);
        if offline && again < next.0 {
            next = (again, Trigger::NetworkBack);
        }
        next
    }

    async fn wait_for_trigger(&self, next: Option<(DateTime<Utc>, Trigger)>) -> Trigger {
        loop {
            match self.take_asked() {
                Some(Trigger::Hint) => return self.after_hints().await,
                Some(trigger) => return trigger,
                None => {}
            }
            let (wall, running) = (self.clock.now(), self.clock.monotonic());
            let until = next.map_or(std::time::Duration::from_secs(TICK_SECONDS), |(at, _)| {
                (at - wall)
                    .to_std()
                    .unwrap_or_default()
                    .min(std::time::Duration::from_secs(TICK_SECONDS))
            });
            tokio::select! {
                biased;
                () = self.wake.notified() => {}
                () = self.clock.sleep(until) => {}
            }
            let slept = (self.clock.now() - wall)
                - Duration::from_std(self.clock.monotonic().saturating_sub(running)).unwrap_or_default();
            if slept > Duration::seconds(SLEPT_SECONDS) {
                return Trigger::WakeUp;
            }
            if let Some((at, trigger)) = next
                && self.clock.now() >= at
            {
                return trigger;
            }
        }
    }

    /// Waits until a burst of hints is over. Whatever else is asked for meanwhile does not wait.
    async fn after_hints(&self) -> Trigger {
        let latest = self.clock.now() + Duration::seconds(HINT_PATIENCE_SECONDS);
        loop {
            let woken = tokio::select! {
                biased;
                () = self.wake.notified() => true,
                () = self.clock.sleep(std::time::Duration::from_secs(HINT_QUIET_SECONDS)) => false,
            };
            match self.take_asked() {
                Some(Trigger::Hint) if self.clock.now() < latest => {}
                Some(trigger) => return trigger,
                // A wake-up left over from what was taken already.
                None if woken => {}
                None => return Trigger::Hint,
            }
        }
    }

    async fn is_paused(&self) -> bool {
        match self.ledger.sync_state().await {
            Ok(state) => state.paused_until.is_some_and(|until| until > self.now()),
            Err(_) => false,
        }
    }

    async fn end_of_pause(&self) -> Option<(DateTime<Utc>, Trigger)> {
        let state = self.ledger.sync_state().await.ok()?;
        state
            .paused_until
            .map(|until| (until - self.clock_offset(), Trigger::Changed))
    }
}
