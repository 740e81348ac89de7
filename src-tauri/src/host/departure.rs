//! "Delete everything": our events, both grants, and all data of this laptop, with a report that can be checked.

use super::accounts::Leaving;
use super::problem::code_of;
use super::{Host, HostEvent, Running};
use crate::ipc::dto::{AppError, DeletePlan, DeleteReport};
use roundtrip_core::ids::ConnectionId;
use roundtrip_core::leaving::lies_ahead;
use roundtrip_core::outbox::Side;
use roundtrip_engine::Departure;
use roundtrip_engine::ledger::{HistoryFilter, Ledger};
use roundtrip_engine::ports::{CalendarPort, PlatformPort, PortError};
use roundtrip_store::Provider;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Telling a service that it is over is tried so often …
const TRIES: u32 = 3;
/// … with so long in between.
const BETWEEN: Duration = Duration::from_secs(2);

/// Where a trainer takes a grant back that could not be given back from here.
pub const GOOGLE_GRANTS: &str = "https://myaccount.google.com/connections";

/// While the platform has sync turned off nothing is written, so nothing is deleted either. It may stay so for good; the way out
/// is to disconnect and keep the events, which the words of this code say.
pub(super) const DELETION_OFF: &str = "deletion_off";

/// By what the platform last said.
pub(super) fn is_turned_off(running: &Running) -> bool {
    let policy = running.engine.live().policy;
    policy.is_some_and(|policy| !policy.enabled)
}

impl Host {
    /// What "delete everything" would take. Its number of events is also the one of a disconnect with deletion. Without
    /// both accounts nothing is known of events, and only this laptop can be emptied.
    ///
    /// # Errors
    /// The database's.
    pub async fn deletion_plan(&self) -> Result<DeletePlan, AppError> {
        let accounts = self.accounts().await;
        let calendar = accounts.google.and_then(|(account, _)| account.email);
        let platform = accounts.platform.map(|(_, extra)| extra.me.platform_name);
        let Some(running) = self.running().await else {
            return Ok(DeletePlan {
                events: 0,
                kept: 0,
                unreported: 0,
                elsewhere: self.elsewhere(None).await?,
                local_only: true,
                calendar,
                platform,
                history: self.lines(None).await?,
            });
        };
        let plan = running.engine.leaving_plan().await?;
        let here = self.here().await;
        Ok(DeletePlan {
            events: plan.events,
            kept: plan.kept,
            unreported: plan.unreported,
            elsewhere: self.elsewhere(here.as_ref()).await?,
            local_only: false,
            calendar,
            platform,
            history: self.lines(here.as_ref()).await?,
        })
    }

    /// The connection in use.
    async fn here(&self) -> Option<ConnectionId> {
        let connection = self.accounts().await.connection();
        connection.map(|connection| connection.id)
    }

    /// Events ahead in calendars used earlier, by their ledgers. Nothing of them is deleted.
    async fn elsewhere(&self, here: Option<&ConnectionId>) -> Result<u32, AppError> {
        let now = self.clock.now();
        let mut count = 0;
        for connection in self.database.connections().await? {
            if Some(&connection) != here {
                let records = self.database.ledger(connection).records().await?;
                count += records.iter().filter(|record| lies_ahead(record, now)).count();
            }
        }
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Lines of the history, of one connection or of all.
    async fn lines(&self, only: Option<&ConnectionId>) -> Result<u32, AppError> {
        let everything = HistoryFilter {
            limit: u32::MAX,
            ..HistoryFilter::default()
        };
        let connections = match only {
            Some(only) => vec![only.clone()],
            None => self.database.connections().await?,
        };
        let mut count = 0;
        for connection in connections {
            count += self.database.ledger(connection).history(&everything).await?.len();
        }
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Deletes our events, proves by a fresh reading that none is left, tells both services that it is over, and empties
    /// the data folder. If events are left, or it cannot be read whether some are, nothing further is deleted and the
    /// report says so; syncing then stays paused. Without both accounts only the data folder is emptied, and the report
    /// says that events were not looked at.
    ///
    /// # Errors
    /// `not_now` while the engine is just being put together anew, `stale` if the number of events is not the one that was confirmed, `moves_waiting` if moves would be lost and it is
    /// not to happen `even_so`; the database's.
    pub async fn delete_everything(
        self: &Arc<Self>,
        confirmed: u32,
        even_so: bool,
    ) -> Result<DeleteReport, AppError> {
        let Some(running) = self.running_soon().await? else {
            let mut report = self.begin_report(&Departure::default(), self.elsewhere(None).await?);
            report.local_only = true;
            self.empty_laptop(&mut report).await;
            return Ok(self.finish_report(report));
        };
        let elsewhere = self.elsewhere(self.here().await.as_ref()).await?;
        // No cycle comes in between: it would write again what was just deleted.
        running.stop.cancel();
        running.engine.cancel_cycle();
        running.engine.idle().await;
        let departure = {
            let _progress = self.pass_on_progress(&running);
            running.engine.depart(confirmed, even_so).await
        };
        let departure = match departure {
            Ok(departure) => departure,
            Err(error) => {
                self.rebuild().await;
                return Err(error.into());
            }
        };
        let mut report = self.begin_report(&departure, elsewhere);
        if departure.left != Some(0) {
            let is_off = is_turned_off(&running);
            report.problem = Some(match (&departure.problem, running.engine.other_writer()) {
                (Some(error), _) => code_of(Side::Calendar, error).to_owned(),
                (None, Some(_)) => "not_the_writer".to_owned(),
                (None, None) if is_off => DELETION_OFF.to_owned(),
                (None, None) => "events_remain".to_owned(),
            });
            let deleted = u32::try_from(report.deleted.len()).unwrap_or(u32::MAX);
            self.write_down_deletion(deleted, report.left, report.problem.as_deref())
                .await;
            self.rebuild().await;
            return Ok(self.finish_report(report));
        }
        // With the grants gone no calendar can be read again: from here on the next start goes on where this one may end.
        let leaving = Leaving {
            deleted: Some(u32::try_from(report.deleted.len()).unwrap_or(u32::MAX)),
            revoke: true,
            everything: true,
        };
        if let Err(error) = self.keep_leaving(Provider::Google, &leaving).await {
            self.rebuild().await;
            return Err(error);
        }
        running.engine.stop_channels().await;
        report.platform_told = self.insist(|| running.platform.end_integration("google")).await;
        report.calendar_revoked = self.insist(|| running.google.revoke()).await;
        report.platform_revoked = self.insist(|| running.platform.revoke()).await;
        drop(running);
        self.empty_laptop(&mut report).await;
        Ok(self.finish_report(report))
    }

    /// Finishes what an earlier process began and did not live to end: the events are gone, by a fresh reading. Each service
    /// is told once, so that a start without network does not wait; what was told already does no harm.
    pub(super) async fn finish_everything(self: &Arc<Self>, running: Option<Running>) {
        let mut report = self.begin_report(&Departure::default(), 0);
        if let Some(running) = running {
            let done = [
                running.platform.end_integration("google").await.is_ok(),
                running.google.revoke().await.is_ok(),
                running.platform.revoke().await.is_ok(),
            ];
            let count = done.into_iter().filter(|done| *done).count();
            tracing::info!(count, "deleting everything goes on: so many of three were told");
        }
        self.empty_laptop(&mut report).await;
    }

    /// Ends what goes on and removes all data of this laptop.
    async fn empty_laptop(self: &Arc<Self>, report: &mut DeleteReport) {
        self.cancel_sign_in();
        let kept = self.keeping.lock().await;
        // A sign-in that was kept until now may have put a fresh one together: its cycle would write into what is emptied.
        self.stop_and_wait().await;
        // Before and after: once the database is empty nothing tells the next start of a log that is left.
        crate::log::empty();
        match self.database.wipe().await {
            Ok(wiped) => {
                report.local_data_removed = true;
                report.key_removed = wiped.key_removed;
                report.file_compacted = wiped.compacted;
                report.paused = false;
            }
            Err(error) => {
                tracing::warn!(%error, "the data folder could not be emptied");
                report.problem = Some(AppError::from(error).code);
            }
        }
        self.forget_device();
        crate::log::empty();
        drop(kept);
        self.rebuild().await;
    }

    /// The text of the last report, for saving, and how many lines it has.
    pub fn delete_report(&self) -> Option<String> {
        let report = self
            .departed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        report.map(|report| report_text(&report))
    }

    /// The engine's own forwarding ended with its cycles; progress is passed on until the guard is dropped.
    fn pass_on_progress(self: &Arc<Self>, running: &Running) -> impl Drop + use<> {
        let (mut events, host) = (running.engine.events(), Arc::clone(self));
        let task = tokio::spawn(async move {
            while let Ok(event) = events.recv().await {
                host.tell(HostEvent::Engine(event));
            }
        });
        AbortOnDrop(task)
    }

    /// Best effort: asked a few times, and answered truly.
    async fn insist<F: Future<Output = Result<(), PortError>>>(&self, ask: impl Fn() -> F) -> bool {
        for attempt in 1..=TRIES {
            match ask().await {
                Ok(()) => return true,
                // What is over already needs no telling.
                Err(PortError::NotConnected | PortError::SignInExpired) => return false,
                Err(error) => {
                    tracing::info!(
                        code = roundtrip_engine::error_code(&error),
                        "a service could not be told"
                    );
                }
            }
            if attempt < TRIES {
                self.clock.sleep(BETWEEN).await;
            }
        }
        false
    }

    fn begin_report(&self, departure: &Departure, elsewhere: u32) -> DeleteReport {
        DeleteReport {
            at: self.clock.now(),
            deleted: departure.deleted.clone(),
            kept: departure.kept,
            elsewhere,
            local_only: false,
            left: departure.left,
            calendar_revoked: false,
            platform_revoked: false,
            platform_told: false,
            local_data_removed: false,
            file_compacted: false,
            key_removed: false,
            paused: departure.paused,
            problem: None,
            checksum: String::new(),
        }
    }

    fn finish_report(&self, mut report: DeleteReport) -> DeleteReport {
        report.at = self.clock.now();
        report.checksum = checksum(&report);
        *self.departed.lock().unwrap_or_else(PoisonError::into_inner) = Some(report.clone());
        report
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The lines of a report that the checksum is over.
fn report_lines(report: &DeleteReport) -> String {
    let yes = |done: bool| if done { "yes" } else { "no" };
    let number = |count: Option<u32>| count.map_or("unknown".to_owned(), |count| count.to_string());
    let mut text = String::new();
    // Writing into a text cannot fail.
    let _ = writeln!(text, "Roundtrip: report of deleting everything");
    let _ = writeln!(text, "at: {}", report.at.to_rfc3339());
    let _ = writeln!(text, "events deleted: {}", report.deleted.len());
    let _ = writeln!(
        text,
        "events left, by a fresh reading of the whole calendar: {}",
        number(report.left)
    );
    if report.local_only {
        let _ = writeln!(
            text,
            "events were not looked at: not both accounts were signed in"
        );
    }
    let _ = writeln!(
        text,
        "events that stay, of past visits or made by yourself: {}",
        report.kept
    );
    let _ = writeln!(
        text,
        "events in other calendars, not deleted: {}",
        report.elsewhere
    );
    let _ = writeln!(text, "calendar grant revoked: {}", yes(report.calendar_revoked));
    if !report.calendar_revoked {
        let _ = writeln!(text, "take it back yourself at {GOOGLE_GRANTS}");
    }
    let _ = writeln!(text, "platform grant revoked: {}", yes(report.platform_revoked));
    let _ = writeln!(text, "platform told: {}", yes(report.platform_told));
    let _ = writeln!(text, "local data removed: {}", yes(report.local_data_removed));
    let _ = writeln!(
        text,
        "database file written anew without them: {}",
        yes(report.file_compacted)
    );
    let _ = writeln!(text, "key removed from the keychain: {}", yes(report.key_removed));
    if report.paused {
        let _ = writeln!(
            text,
            "syncing is paused; what was deleted stays deleted until you resume"
        );
    }
    let _ = writeln!(text, "problem: {}", report.problem.as_deref().unwrap_or("none"));
    for id in &report.deleted {
        let _ = writeln!(text, "deleted event: {id}");
    }
    text
}

fn checksum(report: &DeleteReport) -> String {
    Sha256::digest(report_lines(report))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The report as it is saved: the checksum is over everything before its own line.
fn report_text(report: &DeleteReport) -> String {
    format!("{}sha256: {}\n", report_lines(report), report.checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_over_everything_before_its_own_line() {
        let mut report = DeleteReport {
            at: "2026-12-01T08:00:00Z".parse().expect("a time"),
            deleted: vec!["abc".into(), "def".into()],
            kept: 2,
            elsewhere: 0,
            local_only: false,
            left: Some(0),
            calendar_revoked: true,
            platform_revoked: true,
            platform_told: false,
            local_data_removed: true,
            file_compacted: true,
            key_removed: true,
            paused: false,
            problem: None,
            checksum: String::new(),
        };
        report.checksum = checksum(&report);
        let text = report_text(&report);
        let (lines, last) = text.trim_end().rsplit_once('\n').expect("lines");
        let digest: String = Sha256::digest(format!("{lines}\n"))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(last, format!("sha256: {digest}"));
        assert!(text.contains("deleted event: abc\ndeleted event: def\n"));
        report.deleted.pop();
        assert_ne!(checksum(&report), report.checksum);
        for said in ["not looked at", "syncing is paused"] {
            assert!(!text.contains(said));
        }
        (report.local_only, report.paused, report.elsewhere) = (true, true, 3);
        let text = report_text(&report);
        for said in [
            "not looked at",
            "syncing is paused",
            "in other calendars, not deleted: 3",
        ] {
            assert!(text.contains(said), "{text}");
        }
    }
}
