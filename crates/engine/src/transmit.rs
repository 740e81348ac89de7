//! Sending one write, and what its answer is.

use crate::engine::Engine;
use crate::execute::Outcome;
use crate::outcome::is_unexplained;
use crate::ports::{Accepted, EventLookup, Hinted, MoveReport, PortError};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::ids::{Etag, EventId, IdempotencyKey};
use roundtrip_core::outbox::{DeleteReason, Intent, OutboxRow};
use roundtrip_core::unanswered;

impl Engine {
    pub(crate) async fn transmit(&self, row: &OutboxRow) -> Outcome {
        let calendar = &self.config.identity.calendar;
        match &row.intent {
            Intent::Insert { event_id, body, .. } => {
                // What may be there already, and is over: no event is made of a visit in the past.
                if row.attempts > 1 && body.time.end <= self.now() {
                    return self.look(event_id).await;
                }
                let by_chance = EventId::new(self.fresh_id());
                let event_id = match bug::is_on(Bug::RandomEventId) {
                    true => &by_chance,
                    false => event_id,
                };
                match self.calendar.insert(calendar, event_id, body).await {
                    Ok(event) => Outcome::Stored(event),
                    Err(PortError::AlreadyExists) if bug::is_on(Bug::NextIdAfterConflict) => {
                        let mut body = body.clone();
                        body.mark.generation += 1;
                        let identity = &self.config.identity;
                        let next = identity.event_id(&row.appointment_id, body.mark.generation);
                        let again = self.calendar.insert(calendar, &next, &body).await;
                        again.map_or_else(Outcome::Failed, Outcome::Stored)
                    }
                    Err(PortError::AlreadyExists) => self.look(event_id).await,
                    Err(error) => Outcome::Failed(error),
                }
            }
            Intent::Patch {
                event_id,
                expected,
                body,
                mask,
            } => {
                match self
                    .calendar
                    .patch(calendar, event_id, expected, body, *mask)
                    .await
                {
                    Ok(event) => Outcome::Stored(event),
                    Err(
                        PortError::PreconditionFailed { .. }
                        | PortError::AlreadyDeleted
                        | PortError::NotFound,
                    ) => self.look(event_id).await,
                    Err(error) => Outcome::Failed(error),
                }
            }
            // Asked for in a leaving that ended half-way: only what became of it is learned. It is not gone on with later.
            Intent::Delete {
                reason: DeleteReason::Asked,
                ..
            } if row.attempts > 1 && !self.live().leaving => self.look_for_deleted(row).await,
            Intent::Delete {
                event_id, expected, ..
            } => self.transmit_delete(event_id, expected.as_ref()).await,
            Intent::Move {
                version,
                time,
                moved_at,
                event_id,
                ..
            } => {
                let (mut version, mut key) = (*version, row.key.clone());
                if bug::is_on(Bug::ReportedTwice)
                    && row.attempts > 1
                    && let Ok(said) = self.platform.appointment(&row.appointment_id).await
                {
                    (version, key) = (said.version, IdempotencyKey(self.fresh_id()));
                }
                let report = MoveReport {
                    appointment: &row.appointment_id,
                    version,
                    key: &key,
                    time: *time,
                    provider: self.calendar.provider(),
                    event: event_id,
                    moved_at: *moved_at,
                    device: &self.config.device_name,
                };
                let answer = self.platform.report_move(&report).await;
                if let Err(PortError::PreconditionFailed { current: Some(said) }) = &answer
                    && bug::is_on(Bug::PreconditionOverridden)
                {
                    let key = IdempotencyKey(self.fresh_id());
                    let again = MoveReport {
                        version: said.version,
                        key: &key,
                        ..report
                    };
                    return accepted(self.platform.report_move(&again).await);
                }
                accepted(answer)
            }
            Intent::Create { event_id, event } => self.transmit_create(row, event_id, event).await,
            Intent::Notes { version, notes } => accepted(
                self.platform
                    .report_notes(&row.appointment_id, *version, &row.key, notes)
                    .await,
            ),
        }
    }

    /// The outcome of a report, with the appointment as it is now where the platform turned it away because of a change that it did
    /// not tell, or not so that it could be read. Where that cannot be learned now, the platform is read soon.
    pub(crate) async fn explained(&self, row: &OutboxRow, outcome: Outcome) -> Outcome {
        // A change that is no newer than what the report was planned upon explains nothing: the next try would be the same one.
        let outcome = match outcome {
            Outcome::Failed(PortError::PreconditionFailed { current: Some(said) })
                if unanswered::is_report(row) && !row.is_overtaken_by(&said) =>
            {
                Outcome::Failed(PortError::PreconditionFailed { current: None })
            }
            outcome => outcome,
        };
        let unexplained = matches!(&outcome, Outcome::Failed(error) if is_unexplained(error));
        if !unanswered::is_report(row) || !unexplained {
            return outcome;
        }
        match self.platform.appointment(&row.appointment_id).await {
            Ok(said) if row.is_overtaken_by(&said) => Outcome::Failed(PortError::PreconditionFailed {
                current: Some(Box::new(said)),
            }),
            Err(error @ (PortError::NotFound | PortError::NotAssigned)) => Outcome::Failed(error),
            Ok(_) | Err(_) => {
                // Once: what a reading did not explain no further one at once will, and each brings this report's next try.
                // A report keeps this code only where nobody could tell the change.
                if row.last_problem.as_deref() != Some("changed_meanwhile") {
                    self.hint(Hinted::Platform);
                }
                outcome
            }
        }
    }

    /// What became of a deletion that may have arrived. Nothing is sent.
    pub(crate) async fn look_for_deleted(&self, row: &OutboxRow) -> Outcome {
        let Intent::Delete { event_id, .. } = &row.intent else {
            return Outcome::Failed(PortError::NotFound);
        };
        match self.look(event_id).await {
            Outcome::FoundDeleted { .. } => Outcome::Gone,
            // Nor does one 404 of a look prove anything.
            Outcome::FoundNothing => self.after_delete(event_id, Err(PortError::NotFound)).await,
            found => found,
        }
    }

    async fn transmit_delete(&self, event_id: &EventId, expected: Option<&Etag>) -> Outcome {
        let calendar = &self.config.identity.calendar;
        let answer = self.calendar.delete(calendar, event_id, expected).await;
        let deleted = answer.is_ok();
        let outcome = self.after_delete(event_id, answer).await;
        if matches!(outcome, Outcome::Gone) && !deleted {
            // It was gone before: nothing changed, and no notice comes of it.
            self.calendar_write_failed();
        }
        outcome
    }

    async fn after_delete(&self, event_id: &EventId, answer: Result<(), PortError>) -> Outcome {
        let calendar = &self.config.identity.calendar;
        match answer {
            Ok(()) | Err(PortError::AlreadyDeleted) => Outcome::Gone,
            // One 404 proves nothing: it may have been the calendar, or somebody in between, that was not found.
            Err(error @ (PortError::PreconditionFailed { .. } | PortError::NotFound)) => {
                match self.look(event_id).await {
                    Outcome::FoundDeleted { .. } => Outcome::Gone,
                    Outcome::FoundNothing if error == PortError::NotFound => {
                        match self.calendar.calendar(calendar).await {
                            Ok(_) => Outcome::Gone,
                            Err(error) => Outcome::Failed(error),
                        }
                    }
                    // A moment ago the event was known to be another: not found is no word about it.
                    Outcome::FoundNothing => Outcome::Failed(PortError::NotFound),
                    found => found,
                }
            }
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn look(&self, event_id: &EventId) -> Outcome {
        match self.calendar.get(&self.config.identity.calendar, event_id).await {
            Ok(EventLookup::Live { event, created }) => Outcome::FoundLive {
                event: *event,
                created,
            },
            Ok(EventLookup::Deleted { updated }) => Outcome::FoundDeleted { updated },
            Ok(EventLookup::NotFound) => Outcome::FoundNothing,
            Err(error) => Outcome::Failed(error),
        }
    }
}

fn accepted(answer: Result<Accepted, PortError>) -> Outcome {
    match answer {
        Ok(accepted) => Outcome::Accepted(accepted),
        Err(error) => Outcome::Failed(error),
    }
}
