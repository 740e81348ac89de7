//! Before a report of long ago is sent again: what the platform knows of it, and whether it is still wanted.

use crate::engine::Engine;
use crate::execute::{IN_FLIGHT, Outcome};
use crate::ledger::{Change, LedgerError};
use crate::outcome::stops_side;
use crate::ports::PortError;
use crate::read::Records;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use roundtrip_core::absorb;
use roundtrip_core::ids::RunId;
use roundtrip_core::outbox::OutboxRow;
use roundtrip_core::reconcile::Context;
use roundtrip_core::unanswered;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// What looking brought.
#[derive(Default)]
pub(crate) struct Looked {
    /// To be sent, with all that was not looked into.
    pub(crate) rows: Vec<OutboxRow>,
    /// The platform could not say, or said no: as if that had been the answer to the report.
    pub(crate) failed: Vec<(OutboxRow, Outcome, DateTime<Utc>)>,
    /// One was given up: its appointment is to be decided again.
    pub(crate) given_up: bool,
}

impl Looked {
    /// Where nothing may be asked now.
    pub(crate) fn nothing(rows: Vec<OutboxRow>) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }
}

impl Engine {
    /// True if a report of long ago waits for its answer: what the trainer wants now is read before it is sent again.
    pub(crate) async fn has_old_reports(&self) -> Result<bool, LedgerError> {
        let now = self.now();
        let rows = self.ledger.outbox().await?;
        Ok(rows.iter().any(|row| unanswered::is_looked_into(row, now)))
    }

    /// Asks the platform about each report of long ago, and gives up what never arrived and is not wanted any more. Once an answer
    /// says that more are of no use, which `no_more` then tells, or the run is cancelled, the rest stays as it is.
    pub(crate) async fn look_into_old_reports(
        &self,
        rows: Vec<OutboxRow>,
        records: &mut Records,
        ctx: &Context,
        run: &RunId,
        (no_more, cancel): (&AtomicBool, &CancellationToken),
    ) -> Result<Looked, LedgerError> {
        // What cannot be sent now need not be asked about.
        let stopped = !self.holds_lease() || self.is_turned_off();
        let is_old = |row: &OutboxRow| !stopped && unanswered::is_looked_into(row, ctx.now);
        let (old, rest): (Vec<OutboxRow>, _) = rows.into_iter().partition(is_old);
        // All of them before anything is recorded: one that stands still meanwhile may hold what the ledger waits for.
        let answers: Vec<_> = futures::stream::iter(old)
            .map(|row| async move {
                if no_more.load(Ordering::Relaxed) || cancel.is_cancelled() {
                    return None;
                }
                let answer = self.platform.appointment(&row.appointment_id).await;
                if answer.as_ref().is_err_and(stops_side) {
                    no_more.store(true, Ordering::Relaxed);
                }
                Some((answer, row))
            })
            .buffered(IN_FLIGHT)
            .collect()
            .await;
        let mut looked = Looked::default();
        for (answer, mut row) in answers.into_iter().flatten() {
            let id = row.appointment_id.clone();
            self.hear_policy(answer.as_ref().err());
            let now = self.now();
            match answer {
                Ok(said) => {
                    records.edit(&id, |record| absorb::appointment(record, said, now));
                    let record = records.get(&id);
                    if record.is_none_or(|record| unanswered::is_sent_again(&row, record, ctx)) {
                        looked.rows.push(row);
                        continue;
                    }
                    // What went wrong with it is over, too.
                    records.edit(&id, |record| record.problem = None);
                    let mut changes = records.take_changes();
                    changes.push(Change::DeleteOutbox(row.id));
                    self.commit(changes).await?;
                    looked.given_up = true;
                }
                // It may have arrived before that: the key tells, and what is not ours any more is not moved by it.
                Err(PortError::NotFound | PortError::NotAssigned) => looked.rows.push(row),
                Err(error) => {
                    row.attempts += 1;
                    self.is_tried(run, &row.id);
                    looked.failed.push((row, Outcome::Failed(error), now));
                }
            }
        }
        looked.rows.extend(rest);
        Ok(looked)
    }
}
