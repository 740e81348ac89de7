//! Events that the trainer marked, in a cycle: read, asked about, made into appointments. What they mean is decided by
//! [`roundtrip_core::marked`].

use crate::answers::AnswerError;
use crate::engine::Engine;
use crate::execute::{Executed, Outcome, TRIES};
use crate::ledger::{Change, Counts, HistoryItem, HistoryResult, HistorySource, HistoryWhat, LedgerError};
use crate::look_up::Waiting;
use crate::outcome::{error_code, keeps};
use crate::plan::resolution_word;
use crate::ports::{EventLookup, NewFromEvent, PlatformChange, PlatformFeed, PortError};
use crate::read::Records;
use chrono::{DateTime, Utc};
use roundtrip_core::appointment::Appointment;
use roundtrip_core::conflict::{Conflict, ConflictKind, ConflictState, Refusal, Resolution, Seen};
use roundtrip_core::event::Event;
use roundtrip_core::ids::{AppointmentId, EventId, RunId};
use roundtrip_core::marked::{self, Fit, Found, Marked, MarkedEvent, Rule, Step};
use roundtrip_core::outbox::{Intent, OutboxRow, OutboxState};
use roundtrip_core::reconcile::Context;
use roundtrip_core::record::{Field, Record};
use roundtrip_core::settings::SyncSettings;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The platform's word for "makes appointments of events".
pub const FEATURE: &str = "create_appointments";

/// All that the platform lists, or why it could not be read.
pub(crate) type Listed = Result<Arc<Vec<PlatformChange>>, PortError>;

/// What is remembered of marked events, and which of it changed since it was loaded.
#[derive(Default)]
pub(crate) struct MarkedEvents {
    all: BTreeMap<EventId, Marked>,
    touched: BTreeSet<EventId>,
    /// None while nothing is looked at.
    rule: Option<Rule>,
}

impl MarkedEvents {
    pub(crate) fn new(all: Vec<Marked>, rule: Option<Rule>) -> Self {
        let all = all
            .into_iter()
            .map(|marked| (marked.event_id.clone(), marked))
            .collect();
        Self {
            all,
            touched: BTreeSet::new(),
            rule,
        }
    }

    /// All that is remembered.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Marked> {
        self.all.values()
    }

    /// A foreign event was read. Without the tag nothing is kept of it.
    pub(crate) fn see(&mut self, event: &Event, now: DateTime<Utc>) {
        let Some(rule) = &self.rule else { return };
        match marked::follow(self.all.get(&event.id), event, rule, now) {
            Some(marked) => self.put(marked),
            None => self.forget(&event.id),
        }
    }

    /// The event is gone, or belongs to an appointment.
    pub(crate) fn forget(&mut self, id: &EventId) {
        if self.all.remove(id).is_some() {
            self.touched.insert(id.clone());
        }
    }

    /// As [`MarkedEvents::forget`], also where nothing was loaded.
    fn remove(&mut self, id: &EventId) {
        self.all.remove(id);
        self.touched.insert(id.clone());
    }

    fn put(&mut self, marked: Marked) {
        let id = marked.event_id.clone();
        if self.all.get(&id) != Some(&marked) {
            self.touched.insert(id.clone());
            self.all.insert(id, marked);
        }
    }

    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.touched)
            .into_iter()
            .map(|id| match self.all.get(&id) {
                Some(marked) => Change::PutMarked(Box::new(marked.clone())),
                None => Change::DeleteMarked(id),
            })
            .collect()
    }
}

impl Engine {
    /// True if the platform makes appointments of events.
    pub fn may_create(&self) -> bool {
        self.offers(FEATURE)
    }

    /// What is remembered, and the rule in force.
    pub(crate) async fn marked_events(&self, settings: &SyncSettings) -> Result<MarkedEvents, LedgerError> {
        let rule = Rule::of(settings, &self.config.platform_name).filter(|_| self.may_create());
        Ok(MarkedEvents::new(self.ledger.marked().await?, rule))
    }

    /// What is remembered but was absent from a full listing. Absence proves nothing: each is asked for directly.
    pub(crate) async fn look_at_absent_marked(&self, seen: &BTreeSet<EventId>, records: &mut Records) {
        let absent: Vec<EventId> = records
            .marked
            .all
            .keys()
            .filter(|id| !seen.contains(id))
            .cloned()
            .collect();
        for id in self.in_turn(Waiting::Marked, absent, EventId::as_str) {
            match self.calendar.get(&self.config.identity.calendar, &id).await {
                Ok(EventLookup::Live { event, .. }) => records.marked.see(&event, self.now()),
                Ok(EventLookup::Deleted { .. } | EventLookup::NotFound) => records.marked.forget(&id),
                Err(_) => {}
            }
        }
    }

    /// Raises, follows and withdraws the questions about marked events, and records what the trainer said yes to.
    #[allow(clippy::too_many_arguments)] // one call site, in `record_plan`
    pub(crate) async fn plan_marked(
        &self,
        mut open: BTreeMap<AppointmentId, Conflict>,
        records: &mut Records,
        ctx: &Context,
        may_write: bool,
        run: &RunId,
        counts: &mut Counts,
        changes: &mut Vec<Change>,
    ) -> Result<(), LedgerError> {
        if open.is_empty() && records.marked.all.is_empty() {
            return Ok(());
        }
        let rows = self.ledger.outbox().await?;
        let creations = rows
            .into_iter()
            .filter(|row| matches!(row.intent, Intent::Create { .. }));
        let (sent, waiting): (Vec<OutboxRow>, Vec<OutboxRow>) =
            creations.partition(|row| row.state == OutboxState::Sent);
        let mut waiting: BTreeMap<AppointmentId, OutboxRow> = waiting
            .into_iter()
            .map(|row| (row.appointment_id.clone(), row))
            .collect();
        let identity = &ctx.identity;
        let all: Vec<Marked> = records.marked.all.values().cloned().collect();
        for marked in all {
            let id = marked::stand_in(identity, &marked.event_id);
            // Its outcome is learned first.
            if sent.iter().any(|row| row.appointment_id == id) {
                continue;
            }
            match &marked.step {
                Step::Dismissed => {}
                Step::Asked { .. } | Step::Creating { .. } if records.marked.rule.is_none() => {
                    records.marked.forget(&marked.event_id);
                }
                Step::Asked { event, .. } if event.time.start <= ctx.now => {
                    records.marked.forget(&marked.event_id);
                }
                Step::Asked { event, refusal } => {
                    let asked =
                        marked::conflict(identity, &marked.event_id, event, refusal.as_ref(), ctx.now);
                    match open.remove(&id) {
                        Some(known) => {
                            let asked = Conflict {
                                raised_at: known.raised_at,
                                ..asked
                            };
                            if asked != known {
                                changes.push(Change::PutConflict(Box::new(asked)));
                            }
                        }
                        None => {
                            counts.conflicts += 1;
                            let what = HistoryWhat::ConflictRaised {
                                kind: asked.kind,
                                fields: asked.fields.iter().map(|field| field.field).collect(),
                                conflict: asked.id.clone(),
                            };
                            let item = self.marked_item(run, &id, event, what, HistorySource::Roundtrip);
                            changes.push(Change::AddItem(Box::new(item)));
                            changes.push(Change::PutConflict(Box::new(asked)));
                        }
                    }
                }
                Step::Creating { .. } => {
                    let Some(wanted) = marked::intent(&marked) else {
                        continue;
                    };
                    match waiting.remove(&id) {
                        Some(known) if known.intent == wanted => {}
                        known => {
                            changes.extend(known.map(|known| Change::DeleteOutbox(known.id)));
                            if may_write {
                                let row = self.row(&id, wanted, OutboxState::Waiting);
                                changes.push(Change::PutOutbox(Box::new(row)));
                            }
                        }
                    }
                }
            }
        }
        // The event changed, was deleted or lost its tag before the answer, or before it was carried out.
        let now = ctx.now;
        changes.extend(open.into_values().map(|conflict| {
            let state = ConflictState::Superseded { at: now };
            Change::PutConflict(Box::new(marked::closed(conflict, state)))
        }));
        changes.extend(waiting.into_values().map(|row| Change::DeleteOutbox(row.id)));
        Ok(())
    }

    /// Asks the platform for the appointment, and looks at the event once it is made.
    pub(crate) async fn transmit_create(
        &self,
        row: &OutboxRow,
        event_id: &EventId,
        event: &MarkedEvent,
    ) -> Outcome {
        let new = NewFromEvent {
            key: &row.key,
            content: event,
            provider: self.calendar.provider(),
            event: event_id,
            device: &self.config.device_name,
        };
        let appointment = match self.platform.create_appointment(&new).await {
            Ok(appointment) => Box::new(appointment),
            Err(error) => return Outcome::Failed(error),
        };
        let found = self.look_at_marked(event_id).await;
        Outcome::Created { appointment, found }
    }

    async fn look_at_marked(&self, event_id: &EventId) -> Found {
        match self.calendar.get(&self.config.identity.calendar, event_id).await {
            Ok(EventLookup::Live { event, .. }) => Found::Live(event),
            Ok(EventLookup::Deleted { updated }) => Found::Deleted { at: updated },
            // The write that follows is guarded by the etag and finds out.
            Ok(EventLookup::NotFound) | Err(_) => Found::Unknown,
        }
    }

    /// What became of a creation whose key the platform may have forgotten: it is not sent again but looked for among all
    /// appointments. Only one that can be no other counts as it.
    pub(crate) async fn look_for_created(
        &self,
        row: &OutboxRow,
        run: &RunId,
    ) -> Result<Outcome, LedgerError> {
        let Intent::Create { event_id, event } = &row.intent else {
            return Ok(Outcome::Skipped);
        };
        let listed = match self.all_listed(run).await {
            Ok(listed) => listed,
            Err(error) => return Ok(Outcome::Failed(error)),
        };
        let others = self.ledger.outbox().await?;
        // What another creation has brought about is not what this one has.
        let is_of_another = |appointment: &Appointment| {
            others.iter().any(|other| match &other.intent {
                Intent::Create { event, .. } if other.id != row.id && other.is_a_creation_sent() => {
                    marked::fit(appointment, event, other.created_at) == Some(Fit::Exact)
                }
                _ => false,
            })
        };
        let mut fitting: Vec<(Fit, Box<Appointment>)> = Vec::new();
        for item in listed.iter() {
            let PlatformChange::Upsert(appointment) = item else {
                continue;
            };
            let Some(fit) = marked::fit(appointment, event, row.created_at) else {
                continue;
            };
            let record = self.ledger.record(&appointment.id).await?;
            let other = record
                .and_then(|record| record.event_id)
                .is_some_and(|known| known != *event_id);
            fitting.retain(|(_, known)| known.id != appointment.id);
            if !other && (fit == Fit::Exact || !is_of_another(appointment)) {
                fitting.push((fit, appointment.clone()));
            }
        }
        let best = fitting.iter().map(|(fit, _)| *fit).max();
        let alone = fitting.iter().filter(|(fit, _)| Some(*fit) == best).count() == 1;
        let doubtful = !fitting.is_empty();
        let alike = fitting
            .iter()
            .filter(|(_, known)| marked::stands_there(known, event));
        let perhaps: Vec<AppointmentId> = alike.map(|(_, known)| known.id.clone()).collect();
        let certain = |fit: &Fit| alone && *fit >= Fit::Likely;
        let made = fitting
            .into_iter()
            .find(|(fit, _)| Some(*fit) == best && certain(fit));
        let Some((_, appointment)) = made else {
            return Ok(Outcome::Unknowable { doubtful, perhaps });
        };
        let found = self.look_at_marked(event_id).await;
        Ok(Outcome::Created { appointment, found })
    }

    /// All appointments. They are read once in a run, however many creations are looked for among them: these were sent long
    /// before it, so a second listing would say no more of them. Whoever asks meanwhile waits for the one reading.
    async fn all_listed(&self, run: &RunId) -> Listed {
        let mut listed = self.listed.lock().await;
        if let Some((of, known)) = &*listed
            && of == run
        {
            return known.clone();
        }
        let unreadable = || PortError::BadAnswer { what: "feed".into() };
        let fresh = match self.platform.changes(None, None).await {
            Ok(PlatformFeed::Listing(listing)) => Ok(Arc::new(listing.items)),
            Ok(PlatformFeed::Unchanged { .. }) => Err(unreadable()),
            // No word of the feed's is a "no" to the creation.
            Err(error) if !keeps(&error) || is_no_to_the_feed(&error) => Err(unreadable()),
            Err(error) => Err(error),
        };
        *listed = Some((run.clone(), fresh.clone()));
        fresh
    }

    /// Writes the outcome of a creation: link, outbox row and history in one transaction.
    #[allow(clippy::too_many_arguments)] // one call site, in `record_outcome`
    pub(crate) async fn record_created(
        &self,
        row: OutboxRow,
        (event_id, sent): (&EventId, &MarkedEvent),
        outcome: Outcome,
        records: &mut Records,
        ctx: &Context,
        run: &RunId,
        counts: &mut Counts,
        executed: &mut Executed,
    ) -> Result<(), LedgerError> {
        let mut changes = Vec::new();
        let error = match outcome {
            Outcome::Created { appointment, found } => {
                let id = appointment.id.clone();
                let known = records.get(&id).cloned();
                let mut record = known.unwrap_or_else(|| Record::new(id));
                if marked::link(&mut record, *appointment, event_id, sent, found, ctx) {
                    records.marked.remove(event_id);
                } else {
                    // Its appointment has another event: this one is the trainer's again, and not asked about any more.
                    records.marked.put(Marked {
                        event_id: event_id.clone(),
                        step: Step::Dismissed,
                        perhaps: Vec::new(),
                    });
                }
                counts.created += 1;
                executed.done += 1;
                let what = HistoryWhat::CreatedFromEvent { time: sent.time };
                changes.push(self.tell_item(run, &record, what, HistorySource::You));
                records.put(record);
                None
            }
            Outcome::Unknowable { doubtful, perhaps } => {
                let what = HistoryWhat::WriteFailed {
                    intent: row.intent.word().into(),
                };
                let stand_in = &row.appointment_id;
                let mut item = self.marked_item(run, stand_in, sent, what, HistorySource::Roundtrip);
                item.result = HistoryResult::Problem;
                // No answer to it ever came.
                item.problem = Some(row.last_problem.clone().unwrap_or_else(|| "unreachable".into()));
                changes.push(Change::AddItem(Box::new(item)));
                // One that is gone by now is not asked about.
                if let Some(known) = records.marked.all.get(event_id) {
                    let again = marked::ask_again(known, sent, doubtful, perhaps, ctx.now);
                    records.marked.put(again);
                }
                None
            }
            Outcome::Failed(error) => Some(error),
            // A creation has no other outcome; it is sent with the next run.
            Outcome::Skipped
            | Outcome::Stored(_)
            | Outcome::FoundLive { .. }
            | Outcome::FoundDeleted { .. }
            | Outcome::FoundNothing
            | Outcome::Gone
            | Outcome::Accepted(_) => return Ok(()),
        };
        let stand_in = row.appointment_id.clone();
        match error {
            Some(error) if keeps(&error) => {
                let before = (row.last_problem.clone(), row.attempts);
                let row = self.failed_row(row, &error);
                if row.attempts >= TRIES || row.state == OutboxState::Parked {
                    counts.problems += 1;
                    if before.0 != row.last_problem || before.1 <= TRIES {
                        let what = HistoryWhat::WriteFailed {
                            intent: row.intent.word().into(),
                        };
                        let mut item = self.marked_item(run, &stand_in, sent, what, HistorySource::Roundtrip);
                        item.result = HistoryResult::Problem;
                        item.problem = Some(error_code(&error).into());
                        changes.push(Change::AddItem(Box::new(item)));
                    }
                }
                changes.push(Change::PutOutbox(Box::new(row)));
            }
            Some(error) => {
                let refusal = refusal(&error, sent, ctx.now);
                let what = HistoryWhat::Refused {
                    field: Field::Time,
                    reason: refusal.reason.clone(),
                    detail: refusal.detail.clone(),
                };
                let item = self.marked_item(run, &stand_in, sent, what, HistorySource::Platform);
                changes.push(Change::AddItem(Box::new(item)));
                let known = records.marked.all.get(event_id);
                let again = marked::refused(known, event_id, sent, refusal);
                records.marked.put(again);
                changes.push(Change::DeleteOutbox(row.id));
                executed.plan_again = true;
            }
            None => {
                changes.push(Change::DeleteOutbox(row.id));
                executed.plan_again = true;
            }
        }
        changes.extend(records.take_changes());
        self.commit(changes).await
    }

    /// The trainer's answer about a marked event. The next cycle carries it out.
    pub(crate) async fn answer_marked(
        &self,
        conflict: Conflict,
        shown: &Seen,
        resolution: &Resolution,
    ) -> Result<(), AnswerError> {
        let settings = self.ledger.settings().await?;
        let mut known = self.marked_events(&settings).await?;
        let identity = &self.config.identity;
        let marked = known
            .all
            .values()
            .find(|marked| marked::stand_in(identity, &marked.event_id) == conflict.appointment_id)
            .cloned()
            .ok_or(AnswerError::Gone)?;
        if *resolution == Resolution::Create && known.rule.is_none() {
            return Err(AnswerError::NotPossible);
        }
        let answered = marked::answer(&marked, resolution, shown)?;
        let what = HistoryWhat::ConflictResolved {
            conflict: conflict.id.clone(),
            resolution: resolution_word(resolution).into(),
            by_policy: false,
        };
        let mut changes = Vec::new();
        if let Step::Asked { event, .. } = &marked.step {
            let id = &conflict.appointment_id;
            let mut item = self.marked_item(&RunId::new(""), id, event, what, HistorySource::You);
            item.run_id = None;
            changes.push(Change::AddItem(Box::new(item)));
        }
        let state = ConflictState::Resolved {
            resolution: resolution.clone(),
            at: self.now(),
            by_policy: false,
        };
        changes.push(Change::PutConflict(Box::new(marked::closed(conflict, state))));
        known.put(answered);
        changes.extend(known.take_changes());
        self.commit(changes).await?;
        self.after_answer();
        Ok(())
    }

    fn marked_item(
        &self,
        run: &RunId,
        id: &AppointmentId,
        event: &MarkedEvent,
        what: HistoryWhat,
        source: HistorySource,
    ) -> HistoryItem {
        let mut item = self.item(run, Some(id.clone()), what, source);
        item.title = Some(event.title.clone());
        item
    }
}

/// The open questions about marked events, taken out of all open ones.
pub(crate) fn take_questions(
    open: &mut BTreeMap<AppointmentId, Conflict>,
) -> BTreeMap<AppointmentId, Conflict> {
    let all = std::mem::take(open);
    let (marked, others) = all
        .into_iter()
        .partition(|(_, conflict)| conflict.kind == ConflictKind::CreatedExternally);
    *open = others;
    marked
}

/// A "no" to a creation, in whichever form it came.
fn refusal(error: &PortError, sent: &MarkedEvent, now: DateTime<Utc>) -> Refusal {
    let (reason, detail) = match error {
        PortError::Refused { reason, detail, .. } => (reason.clone(), detail.clone()),
        other => (error_code(other).to_owned(), None),
    };
    Refusal {
        field: Field::Time,
        time: Some(sent.time),
        notes: None,
        version: 0,
        reason,
        detail,
        at: now,
    }
}

/// A refusal by the service itself, about the listing that was asked for. Tokens that cannot be opened are none.
fn is_no_to_the_feed(error: &PortError) -> bool {
    matches!(error, PortError::Rejected { reason } if !reason.starts_with("vault_"))
}
