//! Carrying out the outbox: one write at a time per appointment and side, each outcome in one transaction.

use crate::cycle::still_waits;
use crate::engine::{Engine, EngineEvent};
use crate::ledger::{
    Change, Counts, HistoryItem, HistoryResult, HistorySource, HistoryWhat, LedgerError, SyncState,
};
use crate::outcome::{
    REJECTED, changed, error_code, found_deleted, found_otherwise, heard, is_own_trouble, is_unexplained,
    keeps, last_time, leaves_unknown, nearness, on_refusal, perhaps_under_way, says, stops_side,
};
use crate::ports::{Accepted, PortError};
use crate::read::Records;
use crate::unanswered::Looked;
use crate::watch::took;
use chrono::{DateTime, Duration, Utc};
use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use roundtrip_core::appointment::Appointment;
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::event::{Event, PatchMask};
use roundtrip_core::ids::{IdempotencyKey, OutboxId, RunId};
use roundtrip_core::marked::Found;
use roundtrip_core::outbox::{Intent, OutboxRow, OutboxState, Side};
use roundtrip_core::reconcile::Context;
use roundtrip_core::record::{Field, FieldValues, LinkState, Record, Value};
use roundtrip_core::time::EventTime;
use roundtrip_core::unanswered;
use roundtrip_core::{absorb, former};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// Writes in flight at a time. At 600 a minute eight keep the quota busy up to journeys of 0.8 s; how many go in one second
/// is for the pace of the service to say.
pub(crate) const IN_FLIGHT: usize = 8;
/// Sendings before a write waits for the next run and is shown: the first, and five tries more after 1, 2, 4, 8 and 16 s.
pub(crate) const TRIES: u32 = 6;
/// A write for which the tokens could not be read is tried again after so long.
const OWN_TROUBLE_MINUTES: i64 = 1;

/// What a write brought about.
pub(crate) enum Outcome {
    /// The calendar stored it and answered this.
    Stored(Event),
    /// Something lives under the id, or the event changed meanwhile.
    FoundLive {
        event: Event,
        created: Option<DateTime<Utc>>,
    },
    /// The id is dead.
    FoundDeleted { updated: Option<DateTime<Utc>> },
    /// Not there, and no tombstone either.
    FoundNothing,
    /// Deleted, or gone already.
    Gone,
    /// The platform took it.
    Accepted(Accepted),
    /// The platform made an appointment of a marked event, which was looked at then.
    Created {
        appointment: Box<Appointment>,
        found: Found,
    },
    /// What became of a creation cannot be learned any more.
    Unknowable {
        /// Appointments were made since that may be it.
        doubtful: bool,
        /// Those of them that look like it.
        perhaps: Vec<roundtrip_core::ids::AppointmentId>,
    },
    /// It did not work.
    Failed(PortError),
    /// Not sent: its side is blocked, or the run was cancelled.
    Skipped,
}

/// Why no more writes of a side are sent in this cycle.
#[derive(Default)]
struct Blocked {
    platform: AtomicBool,
    calendar: AtomicBool,
}

impl Blocked {
    fn side(&self, side: Side) -> &AtomicBool {
        match side {
            Side::Platform => &self.platform,
            Side::Calendar => &self.calendar,
        }
    }
}

/// What executing brought.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Executed {
    /// A side changed under a write: decide again.
    pub(crate) plan_again: bool,
    /// Writes that went through.
    pub(crate) done: u32,
}

/// Which rows are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All that are due.
    Due,
    /// Of these none that is looked into: the calendar could not be read.
    DueUnread,
    /// Nothing but writes whose outcome is not known yet.
    Unanswered,
    /// Of these none that is looked into: the calendar was not read.
    UnansweredUnread,
}

impl Engine {
    /// Sends what is due, nearest appointments first.
    #[allow(clippy::too_many_arguments)] // one call site, the cycle; a struct would only rename the list
    pub(crate) async fn execute(
        &self,
        records: &mut Records,
        state: &mut SyncState,
        ctx: &Context,
        which: Which,
        retry_parked: bool,
        run: &RunId,
        counts: &mut Counts,
        cancel: &CancellationToken,
    ) -> Result<Executed, LedgerError> {
        let now = self.now();
        let only_unknown = matches!(which, Which::Unanswered | Which::UnansweredUnread);
        let unread = matches!(which, Which::DueUnread | Which::UnansweredUnread);
        let later = |row: &OutboxRow| unread && unanswered::is_looked_into(row, now);
        let mut rows: Vec<OutboxRow> = self
            .ledger
            .outbox()
            .await?
            .into_iter()
            .filter(|row| {
                // Once in a run is enough of what does not wait for its time.
                let at_once = retry_parked && !self.was_tried(run, &row.id);
                match row.state {
                    OutboxState::Sent if later(row) => false,
                    OutboxState::Sent => !still_waits(Some(row.due_at), now) || at_once,
                    OutboxState::Waiting => !only_unknown && !still_waits(Some(row.due_at), now),
                    // Where both sides tell their changes by themselves the next run of another kind may be hours away.
                    OutboxState::Parked => !only_unknown && (at_once || !still_waits(Some(row.due_at), now)),
                }
            })
            .collect();
        rows.sort_by_key(|row| {
            (
                row.state != OutboxState::Sent,
                nearness(records, row, now),
                row.created_at,
            )
        });
        let total = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let mut executed = Executed::default();
        if total == 0 {
            return Ok(executed);
        }
        let blocked = Blocked::default();
        let waits = |side| still_waits(state.writes_wait_until(side), now);
        blocked.platform.store(waits(Side::Platform), Ordering::Relaxed);
        blocked.calendar.store(waits(Side::Calendar), Ordering::Relaxed);
        // A side that could not even be read is not written to: without the calendar itself, a 404 says nothing of an event.
        for side in [Side::Platform, Side::Calendar] {
            if self.is_stopped(side) {
                blocked.side(side).store(true, Ordering::Relaxed);
            }
        }
        let stopped = blocked.platform.load(Ordering::Relaxed) || cancel.is_cancelled();
        let looked = match stopped {
            true => Looked::nothing(rows),
            false => {
                let no_more = blocked.side(Side::Platform);
                self.look_into_old_reports(rows, records, ctx, run, (no_more, cancel))
                    .await?
            }
        };
        executed.plan_again |= looked.given_up;
        self.progress(0, total);
        let mut finished = 0;
        let mut failure = None;
        {
            let mut rows = looked.rows.into_iter();
            let mut under_way = FuturesUnordered::new();
            // What came back while an earlier outcome was being recorded; it counts as in flight until it is recorded too.
            let mut early: VecDeque<_> = looked.failed.into_iter().map(Ok).collect();
            loop {
                while under_way.len() + early.len() < IN_FLIGHT {
                    let Some(row) = rows.next() else { break };
                    under_way.push(self.send(row, &blocked, run, cancel));
                }
                let answer = match early.pop_front() {
                    Some(answer) => answer,
                    None => match under_way.next().await {
                        Some(answer) => answer,
                        None => break,
                    },
                };
                let (row, outcome, sent_at) = answer?;
                if let Outcome::Failed(error) = &outcome {
                    self.count_error(row.side, error);
                    if keeps(error) {
                        self.tally().day.retries += 1;
                    }
                    if stops_side(error) {
                        self.note_stopped(row.side, error);
                    }
                    let until = state.wait_of_write(row.side, error);
                    let before = *until;
                    // A run may take minutes: by its beginning the wait would be over already, and nothing would become due.
                    self.wait_after(row.side, true, error, until, self.now());
                    if *until != before {
                        failure = Some(());
                    }
                }
                let recorded =
                    self.record_outcome(row, (outcome, sent_at), records, ctx, run, counts, &mut executed);
                alongside(recorded, &mut under_way, &mut early).await?;
                finished += 1;
                self.progress(finished, total);
            }
        }
        let policy = self.lock().policy.clone();
        if failure.is_some() || state.policy != policy {
            state.policy = policy;
            self.ledger
                .commit(vec![Change::PutSyncState(Box::new(state.clone()))])
                .await?;
        }
        Ok(executed)
    }

    fn progress(&self, done: u32, total: u32) {
        self.lock().progress = Some((done, total));
        self.tell(EngineEvent::Progress { done, total });
    }

    /// Records the intent as sent, then sends it. The lease is checked by wall clock before every write.
    async fn send(
        &self,
        mut row: OutboxRow,
        blocked: &Blocked,
        run: &RunId,
        cancel: &CancellationToken,
    ) -> Result<(OutboxRow, Outcome, DateTime<Utc>), LedgerError> {
        // What was planned before a sleep is planned anew, from a reading after it.
        self.look_meanwhile();
        let stop =
            blocked.side(row.side).load(Ordering::Relaxed) || cancel.is_cancelled() || !self.holds_lease();
        if stop || self.is_turned_off() {
            return Ok((row, Outcome::Skipped, self.now()));
        }
        // One that may have arrived and is only said no to since is looked for as well: to send it on and on would end nothing.
        let no_use = row.is_a_creation_sent()
            && row.attempts >= TRIES
            && row.last_problem.as_deref() == Some(REJECTED);
        let forgotten = no_use || row.may_be_forgotten(self.now());
        // A leaving deletes whatever the platform says.
        let only_looked_for = row.is_a_deletion_sent() && !self.live().leaving;
        row.attempts += 1;
        self.is_tried(run, &row.id);
        let (was, left_before) = (row.state, row.left_at);
        row.state = OutboxState::Sent;
        if !forgotten && !only_looked_for {
            row.left_at = Some(self.now());
        }
        if bug::is_on(Bug::KeyPerTry) && row.attempts > 1 {
            row.key = IdempotencyKey(self.fresh_id());
        }
        // Of a report that is sent again it is kept when: until it cannot be on its way any more nobody judges that it never arrived.
        if was != OutboxState::Sent || unanswered::is_report(&row) {
            self.ledger
                .commit(vec![Change::PutOutbox(Box::new(row.clone()))])
                .await?;
        }
        let sent_at = self.now();
        let is_written = row.side == Side::Calendar && !only_looked_for;
        if is_written {
            self.calendar_write_sent();
        }
        let outcome = match (forgotten, only_looked_for) {
            (true, _) => self.look_for_created(&row, run).await?,
            (false, true) => self.look_for_deleted(&row).await,
            (false, false) => {
                let outcome = self.transmit(&row).await;
                self.explained(&row, outcome).await
            }
        };
        let error = match &outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        };
        self.hear_policy(error);
        if let Some(PortError::SyncDisabled { .. }) = error {
            // The platform's word is about both sides.
            blocked.platform.store(true, Ordering::Relaxed);
            blocked.calendar.store(true, Ordering::Relaxed);
        }
        if is_written && !matches!(outcome, Outcome::Stored(_) | Outcome::Gone) {
            self.calendar_write_failed();
        }
        if let Outcome::Failed(error) = &outcome {
            // Whether an earlier try went through is as unknown as before.
            row.state = was;
            if !perhaps_under_way(&row, error) {
                row.left_at = left_before;
            }
        } else if matches!(outcome, Outcome::FoundLive { .. }) && !only_looked_for {
            // Its own try was answered.
            (row.state, row.left_at) = (was, left_before);
        }
        if let Outcome::Failed(error) = &outcome
            && stops_side(error)
        {
            blocked.side(row.side).store(true, Ordering::Relaxed);
        }
        Ok((row, outcome, sent_at))
    }

    pub(crate) fn is_tried(&self, run: &RunId, row: &OutboxId) {
        let mut live = self.lock();
        let of = live.tried.take().filter(|(of, _)| of == run);
        let (of, mut rows) = of.unwrap_or_else(|| (run.clone(), BTreeSet::new()));
        rows.insert(row.clone());
        live.tried = Some((of, rows));
    }

    fn was_tried(&self, run: &RunId, row: &OutboxId) -> bool {
        let live = self.lock();
        let tried = live.tried.as_ref().filter(|(of, _)| of == run);
        tried.is_some_and(|(_, rows)| rows.contains(row))
    }

    /// Writes one outcome: record, outbox row and history in one transaction.
    #[allow(clippy::too_many_arguments)] // one call site, in `execute`
    async fn record_outcome(
        &self,
        mut row: OutboxRow,
        (outcome, sent_at): (Outcome, DateTime<Utc>),
        records: &mut Records,
        ctx: &Context,
        run: &RunId,
        counts: &mut Counts,
        executed: &mut Executed,
    ) -> Result<(), LedgerError> {
        let ctx = Context {
            now: self.now(),
            ..ctx.clone()
        };
        if let Intent::Create { event_id, event } = row.intent.clone() {
            let what = (&event_id, &*event);
            return self
                .record_created(row, what, outcome, records, &ctx, run, counts, executed)
                .await;
        }
        let outcome = heard(&row, outcome);
        let mut items: Vec<HistoryItem> = Vec::new();
        let mut done = true;
        if !matches!(outcome, Outcome::Failed(_) | Outcome::Skipped) {
            self.wrote(row.side);
        }
        let id = row.appointment_id.clone();
        let mut record = records
            .get(&id)
            .cloned()
            .unwrap_or_else(|| Record::new(id.clone()));
        let mut told = |record: &Record, what: HistoryWhat, source: HistorySource| {
            items.push(self.write_item(run, record, what, source));
        };
        match (outcome, &row.intent) {
            (Outcome::Skipped, _) => return Ok(()),
            (Outcome::Stored(event), Intent::Insert { body, .. }) => {
                counts.added += 1;
                let time = body.time;
                absorb::written(&mut record, event, body, PatchMask::ALL, &ctx);
                told(&record, HistoryWhat::Added { time }, HistorySource::Platform);
            }
            (Outcome::Stored(event), Intent::Patch { body, mask, .. }) => {
                counts.changed += 1;
                told(&record, changed(&record, body, *mask), HistorySource::Platform);
                // Words that were wanted back are own words from now on, and perhaps to be reported.
                executed.plan_again |= record.requested_text != FieldValues::default();
                absorb::written(&mut record, event, body, *mask, &ctx);
            }
            (Outcome::FoundLive { event, created }, Intent::Insert { body, generation, .. }) => {
                // An earlier try went through, or another laptop was first: either way it is ours.
                if says(&event, body, PatchMask::ALL) && row.comes_after(&event, created) {
                    absorb::written(&mut record, event, body, PatchMask::ALL, &ctx);
                    told(&record, HistoryWhat::Adopted, HistorySource::Roundtrip);
                } else if says(&event, body, PatchMask::ALL) {
                    counts.added += 1;
                    let time = body.time;
                    absorb::written(&mut record, event, body, PatchMask::ALL, &ctx);
                    told(&record, HistoryWhat::Added { time }, HistorySource::Platform);
                } else {
                    former::adopt_here(&mut record, event.clone(), &ctx.identity, ctx.now);
                    record.generation = *generation;
                    record.event_id = Some(event.id.clone());
                    record.link = LinkState::Linked;
                    absorb::event(&mut record, event, ctx.now);
                    told(&record, HistoryWhat::Adopted, HistorySource::Roundtrip);
                    executed.plan_again = true;
                }
            }
            (Outcome::FoundLive { event, .. }, Intent::Patch { body, mask, .. }) => {
                // What it looks like cannot be read: that is written once more, upon what is there now.
                let read = PatchMask {
                    looks: false,
                    ..*mask
                };
                executed.plan_again |= mask.looks;
                if !read.is_empty() && says(&event, body, read) {
                    // Another laptop was faster if this one had not tried before; then it has told of it.
                    if row.attempts > 1 {
                        counts.changed += 1;
                        told(&record, changed(&record, body, *mask), HistorySource::Platform);
                    }
                    absorb::written(&mut record, event, body, read, &ctx);
                } else {
                    found_otherwise(&mut record, &row, event, ctx.now);
                    executed.plan_again = true;
                }
            }
            (Outcome::FoundLive { event, .. }, Intent::Delete { .. }) => {
                absorb::event(&mut record, event, ctx.now);
                executed.plan_again = true;
                done = !row.is_decided_again();
                if !done && row.state != OutboxState::Sent {
                    // The calendar answered its own try so: that was one, and each makes the next one wait longer.
                    let error = PortError::PreconditionFailed { current: None };
                    let failed = self.failed_row(row, &error);
                    self.record_failure(failed, &error, record, records, items, run, counts)
                        .await?;
                    return Ok(());
                }
            }
            (
                Outcome::FoundDeleted { updated },
                Intent::Insert {
                    event_id, generation, ..
                },
            ) => {
                found_deleted(&mut record, event_id, *generation, updated, ctx.now);
                executed.plan_again = true;
            }
            (Outcome::FoundDeleted { updated }, Intent::Patch { event_id, .. }) => {
                absorb::tombstone(&mut record, event_id, updated, ctx.now);
                executed.plan_again = true;
            }
            // It never arrived, and the visit is over: nothing is left to be made.
            (Outcome::FoundNothing, Intent::Insert { body, .. }) if body.time.end <= ctx.now => {
                executed.plan_again = true;
            }
            (
                Outcome::FoundNothing,
                Intent::Insert {
                    event_id, generation, ..
                },
            ) => {
                record.event_id = Some(event_id.clone());
                record.generation = *generation;
                record.link = LinkState::Linked;
                // An older generation's grave is none of this one, and nothing was missed before it was looked for.
                record.tombstone_at = None;
                record.missing_since.get_or_insert(ctx.now);
                record.missing_id_taken = true;
            }
            (Outcome::FoundNothing, Intent::Patch { .. }) => {
                record.event = None;
                record.missing_since.get_or_insert(ctx.now);
            }
            (Outcome::Gone, Intent::Delete { event_id, reason, .. }) => {
                counts.removed += 1;
                // An older duplicate is not the event that the record knows.
                let edit_lost = record.event_id.as_ref() == Some(event_id) && record.is_edited();
                let what = HistoryWhat::Deleted {
                    reason: *reason,
                    edit_lost,
                    inferred: record.removal.is_some_and(|removal| removal.inferred),
                    time: last_time(&record),
                };
                told(&record, what, HistorySource::Platform);
                absorb::deleted(&mut record, event_id, ctx.now);
                // The record itself may now be of no further use.
                executed.plan_again = true;
            }
            (Outcome::Accepted(answer), Intent::Move { time, from, .. }) => {
                counts.moved_back += 1;
                let what = HistoryWhat::MovedBack {
                    from: *from,
                    to: *time,
                    admin_notified: answer.admin_notified,
                };
                told(&record, what, HistorySource::You);
                absorb::reported(&mut record, answer.appointment, absorb::Sent::Time(*time), &ctx);
                executed.plan_again = true;
            }
            (Outcome::Accepted(answer), Intent::Notes { notes, .. }) => {
                counts.notes_back += 1;
                let what = HistoryWhat::NotesBack {
                    admin_notified: answer.admin_notified,
                };
                told(&record, what, HistorySource::You);
                absorb::reported(&mut record, answer.appointment, absorb::Sent::Notes(notes), &ctx);
                executed.plan_again = true;
            }
            (Outcome::Failed(error), Intent::Move { time, .. })
                if bug::is_on(Bug::FailureIsSuccess) && keeps(&error) =>
            {
                let value = Value::Time(EventTime::Timed(*time));
                record.base.calendar.set(Field::Time, Some(value));
            }
            (Outcome::Failed(error), intent) => {
                executed.plan_again |= on_refusal(
                    &mut record,
                    &error,
                    intent,
                    &mut |record, what, source| {
                        items.push(self.write_item(run, record, what, source));
                    },
                    &ctx,
                    sent_at,
                );
                done = !keeps(&error) && !is_unexplained(&error);
                if !done {
                    let failed = self.failed_row(row.clone(), &error);
                    self.record_failure(failed, &error, record, records, items, run, counts)
                        .await?;
                    return Ok(());
                }
            }
            // Recorded above.
            (_, Intent::Create { .. }) | (Outcome::Created { .. } | Outcome::Unknowable { .. }, _) => {}
            // A write cannot have another's outcome; the pair is named so that a new one must be decided.
            (
                Outcome::Stored(_)
                | Outcome::FoundLive { .. }
                | Outcome::FoundDeleted { .. }
                | Outcome::FoundNothing,
                Intent::Move { .. } | Intent::Notes { .. },
            )
            | (
                Outcome::Stored(_) | Outcome::FoundDeleted { .. } | Outcome::FoundNothing,
                Intent::Delete { .. },
            )
            | (
                Outcome::Gone,
                Intent::Insert { .. } | Intent::Patch { .. } | Intent::Move { .. } | Intent::Notes { .. },
            )
            | (Outcome::Accepted(_), Intent::Insert { .. } | Intent::Patch { .. } | Intent::Delete { .. }) => {
            }
        }
        if done {
            executed.done += 1;
            // The row goes, and with it what went wrong before.
            record.problem = None;
        }
        for item in items.iter_mut().filter(|item| item.what.is_write()) {
            item.took = took(&row, sent_at, ctx.now, ctx.settings.every_minutes);
        }
        records.put(record);
        let mut changes = records.take_changes();
        if bug::is_on(Bug::OutcomeApartFromBase) {
            let outcome = vec![Change::DeleteOutbox(row.id.clone())];
            self.ledger.commit(outcome).await?;
        }
        changes.push(match done {
            true => Change::DeleteOutbox(row.id),
            false => {
                // To look was no try, and the wait for the next one was for it.
                row.attempts = row.attempts.saturating_sub(1);
                let until = unanswered::may_arrive_until(&row, ctx.now);
                // In a leaving a late arrival is what is wanted.
                match until.filter(|_| !self.live().leaving) {
                    // Decided without it, its effect would be taken for the trainer's.
                    Some(until) => row.due_at = until,
                    None => (row.state, row.due_at) = (OutboxState::Waiting, ctx.now),
                }
                Change::PutOutbox(Box::new(row))
            }
        });
        changes.extend(items.into_iter().map(|item| Change::AddItem(Box::new(item))));
        self.commit(changes).await
    }

    #[allow(clippy::too_many_arguments)] // one call site, just above
    async fn record_failure(
        &self,
        row: OutboxRow,
        error: &PortError,
        mut record: Record,
        records: &mut Records,
        mut items: Vec<HistoryItem>,
        run: &RunId,
        counts: &mut Counts,
    ) -> Result<(), LedgerError> {
        let tired = row.attempts >= TRIES || row.state == OutboxState::Parked;
        if tired {
            counts.problems += 1;
            let code = error_code(error).to_owned();
            if record.problem.as_ref() != Some(&code) {
                let what = HistoryWhat::WriteFailed {
                    intent: row.intent.word().into(),
                };
                let mut item = self.write_item(run, &record, what, HistorySource::Roundtrip);
                // What is parked waits for somebody; the rest goes on by itself.
                item.result = if row.state == OutboxState::Parked {
                    HistoryResult::Problem
                } else {
                    HistoryResult::Waiting
                };
                item.problem = Some(code.clone());
                items.push(item);
            }
            record.problem = Some(code);
        }
        records.put(record);
        let mut changes = records.take_changes();
        changes.push(Change::PutOutbox(Box::new(row)));
        changes.extend(items.into_iter().map(|item| Change::AddItem(Box::new(item))));
        self.commit(changes).await
    }

    /// The row after a try that did not work: when it is due again, and whether its outcome is known.
    pub(crate) fn failed_row(&self, mut row: OutboxRow, error: &PortError) -> OutboxRow {
        let now = self.now();
        row.last_problem = Some(error_code(error).into());
        let blocked = matches!(
            error,
            PortError::NotConnected
                | PortError::SignInExpired
                | PortError::RightMissing { .. }
                | PortError::SyncDisabled { .. }
                | PortError::Throttled { .. }
                | PortError::QuotaGone
                | PortError::CalendarNotFound
        ) || is_own_trouble(error);
        if blocked {
            // Not the write's fault: the try does not count, and it goes on when its side does.
            row.attempts = row.attempts.saturating_sub(1);
            if row.state != OutboxState::Sent {
                row.state = OutboxState::Waiting;
            }
            // What is ours is no side's trouble, so that no side is waited for.
            row.due_at = match is_own_trouble(error) {
                true => now + Duration::minutes(OWN_TROUBLE_MINUTES),
                false => now,
            };
        } else if matches!(error, PortError::Rejected { .. }) && row.may_be_set_aside() {
            row.state = OutboxState::Parked;
            row.due_at = now + self.backoff(TRIES);
        } else if leaves_unknown(error) {
            // Sent, outcome unknown: it is learned, with the same body and key, before anything else is sent.
            row.state = OutboxState::Sent;
            row.due_at = now + self.backoff(row.attempts);
        } else {
            row.state = if row.state == OutboxState::Sent {
                OutboxState::Sent
            } else if row.attempts >= TRIES {
                OutboxState::Parked
            } else {
                OutboxState::Waiting
            };
            row.due_at = now + self.backoff(row.attempts);
        }
        row
    }

    /// 1, 2, 4, 8, 16 seconds, ±25 %; then with the next run.
    fn backoff(&self, attempts: u32) -> Duration {
        if attempts >= TRIES {
            return Duration::minutes(15);
        }
        let base = 1_000i64 << attempts.saturating_sub(1).min(4);
        let jitter = i64::try_from(self.clock.random() % 501).unwrap_or(0) - 250;
        Duration::milliseconds(base + base * jitter / 1_000)
    }
}

/// Waits for `work` while the writes under way go on; what they bring is kept in `early`. One of them may hold what `work`
/// waits for (the ledger writes one transaction at a time), so that none may stand still meanwhile.
async fn alongside<T, F: Future>(
    work: impl Future<Output = T>,
    others: &mut FuturesUnordered<F>,
    early: &mut VecDeque<F::Output>,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        match select(work.as_mut(), others.next()).await {
            Either::Left((result, _)) => return result,
            Either::Right((Some(output), _)) => early.push_back(output),
            Either::Right((None, _)) => return work.await,
        }
    }
}
