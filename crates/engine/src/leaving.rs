//! Leaving without a trace: deleting our events, and proving by a fresh reading that none is left.

use crate::engine::{Engine, EngineEvent};
use crate::execute::Which;
use crate::ledger::{Change, Counts, HistorySource, HistoryWhat, LedgerError, SyncState, Trigger, for_ever};
use crate::ports::PortError;
use crate::read::Records;
use roundtrip_core::absorb::{self, Adoption};
use roundtrip_core::event::{Event, EventChange};
use roundtrip_core::former;
use roundtrip_core::ids::{AppointmentId, EventId, RunId};
use roundtrip_core::leaving::{asks_about_notes, may_be_asked_away, unknown_may_be_asked_away};
use roundtrip_core::mirror::{self, Mirror};
use roundtrip_core::outbox::{DeleteReason, Intent, OutboxRow, OutboxState, Side};
use roundtrip_core::reconcile::Standing;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use std::collections::BTreeSet;

/// What deleting all our events would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeavingPlan {
    /// Events that would be deleted.
    pub events: u32,
    /// Events that stay: those of visits that are over, as the trainer's record, and those that the trainer made.
    pub kept: u32,
    /// Appointments with a move or notes of the trainer's that the platform does not have yet. They would be lost.
    pub unreported: u32,
}

/// What deleting all our events did.
#[derive(Clone, Debug, Default)]
pub struct Departure {
    /// Ids of the events that were in the calendar before and are not any more, by the fresh reading.
    pub deleted: Vec<String>,
    /// Events that stay: of visits that are over, and those that the trainer made.
    pub kept: u32,
    /// Events of ours that the fresh full reading still found, beside those that stay; none if it could not be read.
    pub left: Option<u32>,
    /// Why it could not be read, or not be deleted.
    pub problem: Option<PortError>,
    /// Something was tried, so that syncing is paused until the trainer resumes it: nothing that was deleted comes back.
    pub paused: bool,
}

/// Why nothing was deleted at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DepartError {
    /// The fresh reading found another number of events than the one that was confirmed.
    Stale {
        /// So many.
        found: u32,
    },
    /// So many appointments have moves or notes that the platform does not have yet.
    MovesWaiting(u32),
    /// The calendar could not be read, or nothing may be written to it now.
    NotNow(Option<PortError>),
    /// The ledger's.
    Ledger(LedgerError),
}

impl From<LedgerError> for DepartError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// Our events by a fresh reading.
#[derive(Clone, Debug, Default)]
struct Ours {
    going: Vec<Event>,
    kept: Vec<Event>,
    /// Moved here by hand beside one that is known: neither counted nor deleted, also once the other is gone.
    beside: BTreeSet<EventId>,
}

impl Engine {
    /// What [`Self::depart`] would take, from what is known now.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn leaving_plan(&self) -> Result<LeavingPlan, LedgerError> {
        let records = Records::new(self.ledger.records().await?);
        let state = self.ledger.sync_state().await?;
        let settings = self.ledger.settings().await?;
        self.plan_of_leaving(&records, &state, settings).await
    }

    async fn plan_of_leaving(
        &self,
        records: &Records,
        state: &SyncState,
        settings: SyncSettings,
    ) -> Result<LeavingPlan, LedgerError> {
        let (now, identity) = (self.now(), &self.config.identity);
        let mut plan = LeavingPlan::default();
        for record in records.iter().filter(|record| record.event.is_some()) {
            if may_be_asked_away(record, identity, now) {
                plan.events += 1 + count(record.duplicates.len());
            } else {
                plan.kept += 1;
            }
        }
        plan.unreported = self.unreported(records, state, settings).await?;
        Ok(plan)
    }

    /// What the trainer did in the calendar or in the window and the platform does not have yet: reports that wait or are
    /// under way, moves that still settle or are asked about, and times that were chosen.
    async fn unreported(
        &self,
        records: &Records,
        state: &SyncState,
        settings: SyncSettings,
    ) -> Result<u32, LedgerError> {
        let waiting = self.unreported_ids(records, state, settings).await?;
        Ok(count(waiting.len()))
    }

    async fn unreported_ids(
        &self,
        records: &Records,
        state: &SyncState,
        settings: SyncSettings,
    ) -> Result<BTreeSet<AppointmentId>, LedgerError> {
        let ctx = self.context(settings, state);
        // Nothing is decided of an appointment while the outcome of a write to its event is unknown.
        let edited = |id: &AppointmentId| {
            records
                .get(id)
                .is_some_and(|record| record.calendar_moved_at.max(record.calendar_edited_at).is_some())
        };
        let mut waiting: BTreeSet<AppointmentId> = self
            .ledger
            .outbox()
            .await?
            .into_iter()
            .filter(|row| {
                row.side == Side::Platform || (row.state == OutboxState::Sent && edited(&row.appointment_id))
            })
            .map(|row| row.appointment_id)
            .collect();
        for decision in self.plan(records, state, &ctx).await?.decisions {
            let reports = |intent: &Intent| intent.side() == Side::Platform;
            let record = &decision.record;
            // A move that is asked about is on one side only, too, and so are notes that the platform could be told of.
            let asked = (decision.conflict.is_some() || record.conflict.is_some())
                && record.calendar_moved_at.is_some();
            let asked = asked || asks_about_notes(&decision, &ctx);
            if matches!(decision.standing, Standing::Settling | Standing::CoolDown)
                || decision.intents.iter().any(reports)
                || record.requested_time.is_some()
                || asked
            {
                waiting.insert(decision.record.appointment_id);
            }
        }
        Ok(waiting)
    }

    /// Before another calendar or account takes the place of this one, whose events and ledger stay behind: both sides are read
    /// in full, and what the platform does not have yet is reported if it can be. Where the calendar cannot be read, because it
    /// is gone perhaps, what is known of it counts. With `even_so` nothing is looked at.
    ///
    /// # Errors
    /// [`DepartError::MovesWaiting`] with the number of appointments of which something of the trainer's would stay behind: a
    /// move or notes that the platform does not have, or a conflict without an answer. The ledger's.
    pub async fn look_before_changing(&self, even_so: bool) -> Result<(), DepartError> {
        if even_so {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        let looked = self.look_before_leaving(false).await;
        self.end_leaving();
        match looked {
            // Counted below, together with conflicts.
            Ok(_) | Err(DepartError::MovesWaiting(_)) => {}
            Err(error) => return Err(error),
        }
        let records = Records::new(self.ledger.records().await?);
        let state = self.ledger.sync_state().await?;
        let settings = self.ledger.settings().await?;
        let mut waiting = self.unreported_ids(&records, &state, settings).await?;
        let open = records.iter().filter(|record| record.conflict.is_some());
        waiting.extend(open.map(|record| record.appointment_id.clone()));
        match count(waiting.len()) {
            0 => Ok(()),
            waiting => Err(DepartError::MovesWaiting(waiting)),
        }
    }

    /// Deletes every event of ours that is not over, then reads the whole calendar anew and counts what is left. Before
    /// the first deletion both sides are read in full, so that `confirmed` is compared with what is there, and not with
    /// what was known; what is found by its mark alone is taken into the ledger. Moves that the platform does not have yet
    /// are reported if they can be; if some are left, only `even_so` goes on. Nothing comes in between: the engine's turn
    /// is held from the first reading to the last.
    ///
    /// Events that the trainer made stay, and so do those without our mark or under an id that is not ours.
    ///
    /// # Errors
    /// Nothing was deleted then.
    pub async fn depart(&self, confirmed: u32, even_so: bool) -> Result<Departure, DepartError> {
        let _turn = self.turn.lock().await;
        let gone = self.depart_in_turn(confirmed, even_so).await;
        self.end_leaving();
        gone
    }

    async fn depart_in_turn(&self, confirmed: u32, even_so: bool) -> Result<Departure, DepartError> {
        if let Some(problem) = self.look_before_leaving(even_so).await? {
            // Nothing has been deleted, so nothing is claimed.
            return Ok(Departure {
                problem: Some(problem),
                ..Departure::default()
            });
        }
        let before = match self.our_events(&BTreeSet::new()).await {
            Ok(before) => before,
            Err(problem) => {
                return Ok(Departure {
                    problem: Some(problem),
                    ..Departure::default()
                });
            }
        };
        let found = count(before.going.len());
        if found != confirmed {
            return Err(DepartError::Stale { found });
        }
        self.delete_in_turn(even_so).await?;
        let mut after = self.our_events(&before.beside).await;
        if let Ok(ours) = &after
            && self.delete_unknown(&ours.going).await?
        {
            after = self.our_events(&before.beside).await;
        }
        let (left, problem) = match after {
            Ok(left) => (Some(left), None),
            Err(problem) => (None, Some(problem)),
        };
        let still = |event: &Event| {
            let found = left.iter().flat_map(|ours| ours.going.iter().chain(&ours.kept));
            found.into_iter().any(|other| other.id == event.id)
        };
        let gone = before.going.iter().filter(|event| !still(event));
        Ok(Departure {
            deleted: match &left {
                Some(_) => gone.map(|event| event.id.to_string()).collect(),
                None => Vec::new(),
            },
            kept: left.as_ref().map_or(0, |ours| count(ours.kept.len())),
            left: left.map(|ours| count(ours.going.len())),
            problem: problem.or_else(|| self.live().calendar.problem),
            paused: self.ledger.sync_state().await?.paused_until == Some(for_ever()),
        })
    }

    /// Reads both sides in full and reports what can be reported. Answers what is wrong with the calendar.
    async fn look_before_leaving(&self, even_so: bool) -> Result<Option<PortError>, DepartError> {
        let settings = self.ledger.settings().await?;
        let mut state = self.ledger.sync_state().await?;
        self.recall_policy(&state);
        let mut records = Records::new(self.ledger.records().await?);
        records.marked = self.marked_events(&settings).await?;
        let run = RunId(self.fresh_id());
        self.name_requests(Some(&run));
        let reading = self.read(&mut records, &mut state, true, [true; 2], &run).await?;
        if reading.calendar.is_some() || even_so {
            return Ok(reading.calendar);
        }
        let mut waiting = self.unreported(&records, &state, settings.clone()).await?;
        if waiting > 0 {
            self.cycle_in_turn(Trigger::Manual).await?;
            let records = Records::new(self.ledger.records().await?);
            let state = self.ledger.sync_state().await?;
            waiting = self.unreported(&records, &state, settings).await?;
        }
        match waiting {
            0 => Ok(None),
            waiting => Err(DepartError::MovesWaiting(waiting)),
        }
    }

    fn end_leaving(&self) {
        self.name_requests(None);
        {
            let mut live = self.lock();
            (live.progress, live.leaving) = (None, false);
        }
        self.tell(EngineEvent::Changed);
    }

    /// Deletes those of our events that the ledger knows nothing of; the others were tried through the outbox. Answers
    /// whether there were any.
    async fn delete_unknown(&self, found: &[Event]) -> Result<bool, LedgerError> {
        if !self.may_delete() {
            return Ok(false);
        }
        let records = self.ledger.records().await?;
        let known = |event: &Event| {
            let is_its = |record: &Record| record.event_id.as_ref() == Some(&event.id);
            records.iter().any(is_its)
        };
        let run = RunId(self.fresh_id());
        let mut told = Vec::new();
        let mut any = false;
        for event in found.iter().filter(|event| !known(event)) {
            if !self.may_delete() {
                break;
            }
            any = true;
            let calendar = &self.config.identity.calendar;
            match self.calendar.delete(calendar, &event.id, Some(&event.etag)).await {
                Ok(()) => {
                    let appointment = event.mark.as_ref().map(|mark| mark.appointment.clone());
                    let what = HistoryWhat::Deleted {
                        reason: DeleteReason::Asked,
                        edit_lost: false,
                        inferred: false,
                        time: event.time.timed(),
                    };
                    let item = self.item(&run, appointment, what, HistorySource::You);
                    told.push(Change::AddItem(Box::new(item)));
                }
                Err(error) => {
                    tracing::info!(code = crate::error_code(&error), "an event could not be deleted");
                }
            }
        }
        self.ledger.commit(told).await?;
        Ok(any)
    }

    /// The platform has not turned sync off, and no other laptop writes: both may change from one write to the next.
    fn may_delete(&self) -> bool {
        !self.is_turned_off() && self.holds_lease()
    }

    /// Our events by a fresh reading of the whole calendar: those that would go, and those that stay.
    async fn our_events(&self, beside: &BTreeSet<EventId>) -> Result<Ours, PortError> {
        let identity = &self.config.identity;
        let listing = self.calendar.changes(&identity.calendar, None).await?;
        let now = self.now();
        let records = self.ledger.records().await.map_err(|_| PortError::BadAnswer {
            what: "ledger".into(),
        })?;
        let mut beside = beside.clone();
        let owner = |id: &EventId| {
            records
                .iter()
                .find(|record| record.event.is_some() && record.event_id.as_ref() == Some(id))
        };
        let mut ours = std::collections::BTreeMap::new();
        for item in listing.items {
            match item {
                EventChange::Foreign(event) if owner(&event.id).is_none() => _ = ours.remove(&event.id),
                // Only its texts are left out, and nothing is decided by them here.
                EventChange::Foreign(event) => _ = ours.insert(event.id.clone(), *event),
                EventChange::Live(event) => {
                    let foreign = absorb::recognise(&event, identity, |_| None) == Adoption::Foreign;
                    let is_beside = former::is_left_beside(&event, identity, &records);
                    if is_beside && owner(&event.id).is_none() {
                        beside.insert(event.id.clone());
                    }
                    // Ours by its id, should the mark have been removed.
                    if (foreign || beside.contains(&event.id)) && owner(&event.id).is_none() {
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
                    let is_its = |record: &Record| record.event_id == id;
                    if id.is_some() && records.iter().any(is_its) {
                        return Err(PortError::BadAnswer { what: field });
                    }
                }
            }
        }
        let goes = |event: &Event| match owner(&event.id) {
            Some(record) => may_be_asked_away(record, identity, now),
            None => unknown_may_be_asked_away(event, identity, now),
        };
        let (going, kept) = ours.into_values().partition(goes);
        Ok(Ours { going, kept, beside })
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
    /// asked for it with its number, so the guard does not. If some are left, syncing stays paused.
    ///
    /// # Errors
    /// Nothing was deleted then, unless it is the ledger's.
    pub async fn delete_events(&self, even_so: bool) -> Result<(Counts, u32), DepartError> {
        let _turn = self.turn.lock().await;
        let deleted = match self.look_before_leaving(even_so).await {
            Ok(None) => self.delete_in_turn(even_so).await.map_err(DepartError::from),
            Ok(problem) => Err(DepartError::NotNow(problem)),
            Err(error) => Err(error),
        };
        self.end_leaving();
        deleted?.ok_or_else(|| DepartError::NotNow(self.live().calendar.problem))
    }

    /// Answers nothing if nothing could even be tried.
    async fn delete_in_turn(&self, even_so: bool) -> Result<Option<(Counts, u32)>, LedgerError> {
        let cancel = self.fresh_cancel();
        self.lock().leaving = true;
        let settings = self.ledger.settings().await?;
        let mut state = self.ledger.sync_state().await?;
        // After a pause, a start without a cycle or a lost database this laptop may not hold the lease, and nothing would
        // be deleted.
        let asking = SyncState {
            started: true,
            ..state.clone()
        };
        if let Err(error) = self.keep_lease(&settings, &asking).await {
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
            Which::Unanswered,
            true,
            &run,
            &mut counts,
            &cancel,
        )
        .await?;
        let waiting = self.ledger.outbox().await?;
        let sent = |row: &OutboxRow| row.state == OutboxState::Sent;
        // No event of ours comes of a report, whatever becomes of it, nor of a creation, which is still to be learned of.
        let stands_against = |row: &OutboxRow| sent(row) && !(even_so && row.side == Side::Platform);
        let identity = &self.config.identity;
        let mut changes = Vec::new();
        for record in records
            .iter()
            .filter(|record| may_be_asked_away(record, identity, ctx.now))
        {
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
        if changes.is_empty() && waiting.is_empty() {
            return Ok(Some((counts, 0)));
        }
        if waiting.iter().any(stands_against) || !self.may_delete() {
            return Ok(None);
        }
        // What waits goes first: a row's place must be free.
        let dropped = waiting.into_iter().filter(|row| !row.is_a_creation_sent());
        changes.splice(0..0, dropped.map(|row| Change::DeleteOutbox(row.id)));
        // Together with what is about to go: should this end half-way, no later cycle writes again what was deleted.
        state.paused_until = Some(for_ever());
        state.policy = self.lock().policy.clone();
        changes.push(Change::PutSyncState(Box::new(state.clone())));
        self.ledger.commit(changes).await?;
        self.execute(
            &mut records,
            &mut state,
            &ctx,
            Which::Due,
            true,
            &run,
            &mut counts,
            &cancel,
        )
        .await?;
        let rest = self.ledger.outbox().await?;
        let left = count(rest.iter().filter(|row| !row.is_a_creation_sent()).count());
        // What could not be deleted now is not deleted behind the trainer's back later: it was asked for now.
        let dropped = rest
            .into_iter()
            .filter(|row| !sent(row))
            .map(|row| Change::DeleteOutbox(row.id));
        self.ledger.commit(dropped.collect()).await?;
        Ok(Some((counts, left)))
    }

    /// After a leaving that went through nothing is left to be paused for: whoever connects again starts afresh.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn forget_pause(&self) -> Result<(), LedgerError> {
        let _turn = self.turn.lock().await;
        let mut state = self.ledger.sync_state().await?;
        state.paused_until = None;
        state.full_at = None;
        self.ledger
            .commit(vec![Change::PutSyncState(Box::new(state))])
            .await
    }
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
