//! Leaving without a trace: deleting our events, and proving by a fresh reading that none is left.

use crate::engine::{Engine, EngineEvent};
use crate::ledger::{Change, Counts, LedgerError};
use crate::ports::PortError;
use crate::read::Records;
use chrono::{DateTime, Utc};
use roundtrip_core::absorb::{self, Adoption};
use roundtrip_core::event::{Event, EventChange};
use roundtrip_core::ids::RunId;
use roundtrip_core::mirror::{self, Mirror};
use roundtrip_core::outbox::{DeleteReason, Intent, OutboxState};
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::time::EventTime;

/// What deleting all our events would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeavingPlan {
    /// Events that would be deleted.
    pub events: u32,
    /// Events of visits that are over: they stay, as the trainer's record.
    pub kept: u32,
}

/// What deleting all our events did.
#[derive(Clone, Debug, Default)]
pub struct Departure {
    /// Ids of the events that were in the calendar before and are not any more, by the fresh reading.
    pub deleted: Vec<String>,
    /// Events of visits that are over; they stay.
    pub kept: u32,
    /// Events of ours that the fresh full reading still found, beside those that stay; none if it could not be read.
    pub left: Option<u32>,
    /// Why it could not be read, or not be deleted.
    pub problem: Option<PortError>,
}

impl Engine {
    /// What [`Self::delete_events`] would take, from what is known now.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn leaving_plan(&self) -> Result<LeavingPlan, LedgerError> {
        let now = self.now();
        let mut plan = LeavingPlan::default();
        for record in self.ledger.records().await? {
            match (&record.event, may_be_asked_away(&record, now)) {
                (None, _) => {}
                (Some(_), true) => plan.events += 1,
                (Some(_), false) => plan.kept += 1,
            }
        }
        Ok(plan)
    }

    /// Deletes every event of ours that is not over, then reads the whole calendar anew and counts what is left. What the
    /// ledger did not know of (another laptop wrote it a moment ago) is found by that reading and deleted, too. Events
    /// without our mark, or under an id that is not ours, are never touched.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn depart(&self) -> Result<Departure, LedgerError> {
        let before = match self.our_events().await {
            Ok(before) => before,
            Err(problem) => {
                // Nothing has been deleted, so nothing is claimed.
                return Ok(Departure {
                    problem: Some(problem),
                    ..Departure::default()
                });
            }
        };
        self.delete_events().await?;
        let mut after = self.our_events().await;
        if let Ok((going, _)) = &after
            && self.delete_unknown(going).await?
        {
            after = self.our_events().await;
        }
        let (left, problem) = match after {
            Ok(left) => (Some(left), None),
            Err(problem) => (None, Some(problem)),
        };
        let (going, kept) = left.clone().unwrap_or_default();
        let still = |event: &Event| going.iter().chain(&kept).any(|other| other.id == event.id);
        Ok(Departure {
            deleted: match &left {
                Some(_) => before
                    .0
                    .iter()
                    .filter(|event| !still(event))
                    .map(|event| event.id.to_string())
                    .collect(),
                None => Vec::new(),
            },
            kept: u32::try_from(kept.len()).unwrap_or(u32::MAX),
            left: left.map(|(going, _)| u32::try_from(going.len()).unwrap_or(u32::MAX)),
            problem: problem.or_else(|| self.live().calendar.problem),
        })
    }

    /// Deletes those of our events that the ledger knows nothing of; the others were tried through the outbox. Answers
    /// whether there were any.
    async fn delete_unknown(&self, found: &[Event]) -> Result<bool, LedgerError> {
        let off = self.lock().policy.as_ref().is_some_and(|policy| !policy.enabled);
        if off || !self.holds_lease() {
            return Ok(false);
        }
        let records = self.ledger.records().await?;
        let known = |event: &Event| {
            let is_its = |record: &Record| record.event_id.as_ref() == Some(&event.id);
            records.iter().any(is_its)
        };
        let mut any = false;
        for event in found.iter().filter(|event| !known(event)) {
            any = true;
            let calendar = &self.config.identity.calendar;
            if let Err(error) = self.calendar.delete(calendar, &event.id, Some(&event.etag)).await {
                tracing::info!(code = crate::error_code(&error), "an event could not be deleted");
            }
        }
        Ok(any)
    }

    /// Our events by a fresh reading of the whole calendar: those that would go, and those that are over and stay.
    async fn our_events(&self) -> Result<(Vec<Event>, Vec<Event>), PortError> {
        let identity = &self.config.identity;
        let listing = self.calendar.changes(&identity.calendar, None).await?;
        let now = self.now();
        let mut ours = std::collections::BTreeMap::new();
        for item in listing.items {
            match item {
                EventChange::Live(event) => {
                    let foreign = absorb::recognise(&event, identity, |_| None) == Adoption::Foreign;
                    if foreign {
                        ours.remove(&event.id);
                    } else {
                        ours.insert(event.id.clone(), *event);
                    }
                }
                // Of one id the last item counts.
                EventChange::Deleted { id, .. } => {
                    ours.remove(&id);
                }
                // It cannot be said whose it is, so the reading proves nothing.
                EventChange::Unreadable { id, field } => {
                    let known = match &id {
                        Some(id) => self.knows_event(id).await,
                        None => false,
                    };
                    if known {
                        return Err(PortError::BadAnswer { what: field });
                    }
                }
            }
        }
        let known = self.ledger.records().await.map_err(|_| PortError::BadAnswer {
            what: "ledger".into(),
        })?;
        let stays = |event: &Event| match known
            .iter()
            .find(|record| record.event_id.as_ref() == Some(&event.id))
        {
            Some(record) => !may_be_asked_away(record, now),
            None => is_over(event, now),
        };
        Ok(ours.into_values().partition(|event| !stays(event)))
    }

    async fn knows_event(&self, id: &roundtrip_core::ids::EventId) -> bool {
        match self.ledger.records().await {
            Ok(records) => records.iter().any(|record| record.event_id.as_ref() == Some(id)),
            // Rather one question too many than a proof that is none.
            Err(_) => true,
        }
    }

    /// Appointments of the next days as three people see them, under these settings, nearest first.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn mirror(
        &self,
        settings: SyncSettings,
        days: i64,
    ) -> Result<Vec<(Record, Mirror)>, LedgerError> {
        let state = self.ledger.sync_state().await?;
        let ctx = self.context(settings, &state);
        let end = ctx.now + chrono::Duration::days(days);
        let mut rows: Vec<(Record, Mirror)> = self
            .ledger
            .records()
            .await?
            .into_iter()
            .filter_map(|record| mirror::mirror(&record, &ctx).map(|mirror| (record, mirror)))
            .filter(|(_, mirror)| mirror.time.end > ctx.now && mirror.time.start < end)
            .collect();
        rows.sort_by_key(|(_, mirror)| mirror.time.start);
        Ok(rows)
    }

    /// Deletes every event of ours that is in the calendar, through the outbox, and says how many are left. The trainer
    /// asked for it with its number, so the guard does not.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn delete_events(&self) -> Result<(Counts, u32), LedgerError> {
        let _turn = self.turn.lock().await;
        let cancel = self.fresh_cancel();
        let settings = self.ledger.settings().await?;
        let mut state = self.ledger.sync_state().await?;
        // After a pause or a start without a cycle this laptop may not hold the lease, and nothing would be deleted.
        if let Err(error) = self.keep_lease(&settings, &state).await {
            tracing::info!(code = crate::error_code(&error), "the lease could not be renewed");
        }
        let mut records = Records::new(self.ledger.records().await?);
        let mut counts = Counts::default();
        let run = RunId(self.fresh_id());
        self.name_requests(Some(&run));
        let ctx = self.context(settings, &state);
        // What was sent and not yet answered is learned first: an event may come of it.
        self.execute(
            &mut records,
            &mut state,
            &ctx,
            true,
            true,
            &run,
            &mut counts,
            &cancel,
        )
        .await?;
        let waiting = self.ledger.outbox().await?;
        let unknown = waiting
            .iter()
            .filter(|row| row.state == OutboxState::Sent)
            .count();
        if unknown > 0 {
            self.name_requests(None);
            return Ok((counts, u32::try_from(unknown).unwrap_or(u32::MAX)));
        }
        let mut changes: Vec<Change> = waiting
            .into_iter()
            .map(|row| Change::DeleteOutbox(row.id))
            .collect();
        for record in records.iter().filter(|record| may_be_asked_away(record, ctx.now)) {
            if let Some(event) = &record.event {
                let intent = Intent::Delete {
                    event_id: event.id.clone(),
                    generation: record.generation,
                    expected: None,
                    reason: DeleteReason::Asked,
                };
                let row = self.row(&record.appointment_id, intent, OutboxState::Waiting);
                changes.push(Change::PutOutbox(Box::new(row)));
            }
        }
        self.ledger.commit(changes).await?;
        self.execute(
            &mut records,
            &mut state,
            &ctx,
            false,
            true,
            &run,
            &mut counts,
            &cancel,
        )
        .await?;
        let rest = self.ledger.outbox().await?;
        let left = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        // What could not be deleted now is not deleted behind the trainer's back later: it was asked for now.
        let sent = |row: &roundtrip_core::outbox::OutboxRow| row.state == OutboxState::Sent;
        let dropped = rest
            .into_iter()
            .filter(|row| !sent(row))
            .map(|row| Change::DeleteOutbox(row.id));
        self.ledger.commit(dropped.collect()).await?;
        self.name_requests(None);
        self.lock().progress = None;
        self.tell(EngineEvent::Changed);
        Ok((counts, left))
    }
}

/// Events of visits that are over stay: they are the trainer's record of what took place.
fn may_be_asked_away(record: &Record, now: DateTime<Utc>) -> bool {
    let over = record
        .appointment
        .as_ref()
        .is_some_and(|appointment| appointment.span().end <= now);
    record.link != LinkState::Closed && !over
}

/// For an event that the ledger does not know.
fn is_over(event: &Event, now: DateTime<Utc>) -> bool {
    match event.time {
        EventTime::Timed(time) => time.end <= now,
        EventTime::AllDay { end, .. } => end.and_time(chrono::NaiveTime::MIN).and_utc() <= now,
    }
}
