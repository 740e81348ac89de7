//! One cycle, as the list of its steps.

use crate::checks::Ended;
use crate::engine::{Engine, EngineEvent};
use crate::execute::Which;
use crate::figures::DayCount;
use crate::ledger::{Change, Counts, LedgerError, Run, RunResult, SyncState, Trigger};
use crate::look_up::{MISSING_TAKEN_MINUTES, MISSING_WAIT_SECONDS};
use crate::outcome::{error_code, keeps, stops_side};
use crate::plan::{Beside, Plan};
use crate::ports::{PortError, request_id};
use crate::push::Hinted;
use crate::read::Records;
use crate::undo::KEPT_DAYS;
use crate::watch::Task;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::ids::RunId;
use roundtrip_core::marked::perhaps_created;
use roundtrip_core::outbox::{OutboxRow, OutboxState, Side};
use roundtrip_core::reconcile::Standing;
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::schedule::{self, Chance};
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::unanswered;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// A side that changes under a write is decided again so many times in one cycle; then the next cycle goes on.
const ROUNDS_MAX: usize = 4;
/// The longest `Retry-After` that is believed is a day.
const LONGEST_WAIT_HOURS: i64 = 25;

/// What a cycle did and what it left.
#[derive(Clone, Debug, Default)]
pub struct CycleReport {
    /// What it did.
    pub counts: Counts,
    /// What stopped a side, if something did: platform, calendar.
    pub platform: Option<PortError>,
    /// The same for the calendar.
    pub calendar: Option<PortError>,
    /// How it ended.
    pub result: Option<RunResult>,
    /// Where appointments stand, by stable code.
    pub left_out: BTreeMap<&'static str, u32>,
    /// Writes and reports that wait.
    pub waiting: u32,
    /// Open conflicts.
    pub conflicts: u32,
    /// Open questions of the guard.
    pub questions: u32,
    /// When something becomes due.
    pub next_due_at: Option<DateTime<Utc>>,
    /// Platform, calendar: it was to be read.
    pub tried: [bool; 2],
    /// Everything was to be read, without cursors.
    pub full: bool,
}

impl CycleReport {
    /// Neither side could be reached.
    fn has_no_network(&self) -> bool {
        let unreached = |error: &Option<PortError>| {
            matches!(
                error,
                Some(PortError::Unreachable { .. } | PortError::WrongCertificate)
            )
        };
        unreached(&self.platform) && unreached(&self.calendar)
    }
}

impl Engine {
    /// Runs one cycle. Cycles never overlap: a second caller waits for its turn.
    ///
    /// # Errors
    /// Only if the ledger cannot be read or written. What went wrong at a service is in the report.
    pub async fn cycle(&self, trigger: Trigger) -> Result<CycleReport, LedgerError> {
        let _turn = self.turn.lock().await;
        self.whole_cycle(trigger).await
    }

    /// As [`Engine::cycle`], unless `stop` came before its turn: whoever stopped the engine and waited for it to be idle has
    /// waited for all of it. None if it was stopped.
    pub(crate) async fn cycle_unless(
        &self,
        trigger: Trigger,
        stop: &CancellationToken,
    ) -> Option<Result<CycleReport, LedgerError>> {
        let _turn = self.turn.lock().await;
        if stop.is_cancelled() {
            return None;
        }
        Some(self.whole_cycle(trigger).await)
    }

    async fn whole_cycle(&self, trigger: Trigger) -> Result<CycleReport, LedgerError> {
        // What was slept up to here is no reason to stop it.
        self.look_meanwhile();
        if matches!(trigger, Trigger::Start | Trigger::WakeUp) {
            let now = self.clock.monotonic();
            self.lock().woken = Some(now);
        }
        self.stream_before(trigger);
        self.lock().progress = Some((0, 0));
        self.tell(EngineEvent::Progress { done: 0, total: 0 });
        let result = self.cycle_in_turn(trigger).await;
        self.name_requests(None);
        {
            let mut live = self.lock();
            live.progress = None;
            live.settled = true;
            live.ledger_problem = result.as_ref().err().cloned();
            if result.is_err() {
                // What was hinted at may have been read and not kept: whatever begins the next run, it reads both sides.
                live.hinted = [true; 2];
            }
        }
        self.stream_after(trigger);
        self.tell(EngineEvent::CycleEnded);
        self.tell(EngineEvent::Changed);
        result
    }

    pub(crate) async fn cycle_in_turn(&self, trigger: Trigger) -> Result<CycleReport, LedgerError> {
        let id = RunId(self.fresh_id());
        // Each line of the log that this run leads to carries the id that both services see.
        let span = tracing::info_span!("run", run = %request_id(&id));
        let result = self.run(trigger, id).instrument(span).await;
        *self.listed.lock().await = None;
        result
    }

    async fn run(&self, trigger: Trigger, id: RunId) -> Result<CycleReport, LedgerError> {
        let cancel = self.fresh_cancel();
        let settings = self.ledger.settings().await?;
        // Stopped meanwhile, it is for the next run to ask.
        if !cancel.is_cancelled() && self.begins_stopped(trigger, &settings) {
            cancel.cancel();
        }
        let mut state = self.sync_state().await?;
        let before = state.clone();
        self.recall_policy(&state);
        {
            let mut live = self.lock();
            live.task = Some(Task::of(&settings, &state));
            live.read_before = state.platform_read_at;
            if live.writer.is_none() {
                live.writer = state.writer.clone();
                live.reported = state.reported.clone();
            }
        }
        let mut records = Records::new(self.ledger.records().await?);
        records.marked = self.marked_events(&settings).await?;
        let requests_before = (self.platform.requests_sent(), self.calendar.requests_sent());
        let mut run = Run {
            id,
            trigger,
            started_at: self.now(),
            ended_at: None,
            result: RunResult::Running,
            counts: Counts::default(),
            problem: None,
            checks: Vec::new(),
        };
        self.name_requests(Some(&run.id));
        self.end_interrupted_runs().await?;
        self.begin_run(run.clone());
        let mut counts = Counts::default();
        let mut report = CycleReport::default();

        if bug::is_on(Bug::SentRowsForgotten) {
            let rows = self.ledger.outbox().await?.into_iter();
            let sent = rows.filter(|row| row.state == OutboxState::Sent);
            let forgotten = sent.map(|row| Change::DeleteOutbox(row.id)).collect();
            self.ledger.commit(forgotten).await?;
        }
        // 1. Outcomes of writes that were under way when the last cycle or the process ended; after the reading, where the
        // platform has not said yet whether anything may be written.
        self.ask_before_unknown_writes(&state).await?;
        // One that writes nothing keeps no other laptop from it; only leaving deletes in a pause, and asks by itself.
        let lease = match self.rests_until(&settings, &state) {
            Some(_) => Ok(()),
            None => self.keep_lease(&settings, &state).await,
        };
        if lease.is_ok() && (self.holds_lease() || self.other_writer().is_some()) {
            self.forget_no_lease();
        }
        let at_once = lease.is_ok() && self.may_write(&state, settings.enabled);
        if at_once {
            self.learn_outcomes(
                &mut records,
                &mut state,
                &settings,
                Which::UnansweredUnread,
                trigger,
                &run.id,
                &mut counts,
                &cancel,
            )
            .await?;
        }

        // 2. Both sides, and the facts into the ledger.
        let full = self.needs_full(&state, trigger);
        let mut sides = self.sides_to_read(trigger, full, &state);
        if self.has_old_reports().await? {
            sides = [true; 2];
        }
        if sides[1] {
            self.calendar_is_looked_at();
        }
        let reading = self.read(&mut records, &mut state, full, sides, &run.id).await?;
        if reading.read[0] {
            self.ask_what_is_allowed().await;
        }
        // Without the calendar nobody knows what the trainer wants of a report of long ago.
        let (unknown, all_due) = match !reading.read[1] && self.comes_back_soon(Side::Calendar) {
            false => (Which::Unanswered, Which::Due),
            true => (Which::UnansweredUnread, Which::DueUnread),
        };
        if lease.is_ok() && !at_once && self.may_write(&state, settings.enabled) && !cancel.is_cancelled() {
            self.learn_outcomes(
                &mut records,
                &mut state,
                &settings,
                unknown,
                trigger,
                &run.id,
                &mut counts,
                &cancel,
            )
            .await?;
        }
        self.tell(EngineEvent::Changed);
        let (read, kept) = (reading.read, reading.kept);
        // A side that was left alone is as it was.
        let as_before = |side: usize, of| (!sides[side]).then(|| self.problem_of(of)).flatten();
        report.platform = reading.platform.or_else(|| as_before(0, Side::Platform));
        report.calendar = reading.calendar.or_else(|| as_before(1, Side::Calendar));
        (report.tried, report.full) = (sides, full);

        // 3. Decide, record, carry out; again if a side changed under a write.
        let both_known = state.platform_read_at.is_some() && state.calendar_read_at.is_some();
        let may_write = self.may_write(&state, settings.enabled) && both_known && !cancel.is_cancelled();
        let mut standing = Vec::new();
        // Before any service has told the time, the laptop's clock may be years off: nothing is decided by it.
        let rounds = match reading.answered || self.time_is_told() {
            true => ROUNDS_MAX,
            false => 0,
        };
        for round in 0..rounds {
            let ctx = self.context(settings.clone(), &state);
            let plan = self.plan(&records, &state, &ctx).await?;
            standing = plan_standing(&plan);
            // Where hints say when the platform has something, it may not be read for hours.
            if plan.unheard && may_write && self.problem_of(Side::Platform).is_none() {
                self.hint(Hinted::Platform);
            }
            self.record_plan(plan, &mut records, &ctx, may_write, &run.id, &mut counts)
                .await?;
            if !may_write {
                break;
            }
            let retry_parked = round == 0 && trigger.retries_at_once();
            let executed = self
                .execute(
                    &mut records,
                    &mut state,
                    &ctx,
                    all_due,
                    retry_parked,
                    &run.id,
                    &mut counts,
                    &cancel,
                )
                .await?;
            if !executed.plan_again || cancel.is_cancelled() {
                break;
            }
        }

        // 4. The record of the run, and what the platform is told. A side that could be read and takes no writes is in trouble.
        let may_write = self.may_write(&state, settings.enabled);
        if may_write {
            self.forget_refusals();
        }
        let stopped = |side| self.problem_of(side).filter(stops_side);
        let platform_read = report.platform.is_none();
        report.platform = report.platform.take().or_else(|| stopped(Side::Platform));
        report.calendar = report.calendar.take().or_else(|| stopped(Side::Calendar));
        // What the trainer stopped does not go on by itself within a second.
        let stop_lasts = self.stop_lasts(&settings).filter(|_| may_write);
        let goes_on = may_write && stop_lasts.is_none();
        self.sum_up(&mut report, &standing, &state, &records, goes_on)
            .await?;
        if let Some(left) = stop_lasts {
            let then = self.now() + Duration::from_std(left).unwrap_or_default();
            report.next_due_at = Some(report.next_due_at.map_or(then, |due| due.min(then)));
        }
        let watched = self.watch_cycle(read).await;
        self.report_if_changed(&settings, &mut state, platform_read, &report, &records)
            .await;
        // Without the lease nothing was written, and nobody else is known who would have: that is no success.
        let nobody_writes = self.lock().writer.is_none();
        if !self.is_to_write(&state, settings.enabled) {
            self.forget_no_lease();
        }
        if report.platform.is_none()
            && (lease.is_err() || nobody_writes)
            && self.is_to_write(&state, settings.enabled)
            && !self.holds_lease()
            && self.other_writer().is_none()
        {
            // A "no" that is not about the lease, or a word on nobody's, is an answer that cannot be read.
            let error = match lease {
                Err(error) if keeps(&error) && error != PortError::FeedExpired => error,
                Ok(()) | Err(_) => PortError::BadAnswer { what: "lease".into() },
            };
            self.note_no_lease(&error);
            report.platform = Some(error);
        }
        counts.platform_requests = self.platform.requests_sent() - requests_before.0;
        counts.calendar_requests = self.calendar.requests_sent() - requests_before.1;
        let failed = report.platform.is_some() && report.calendar.is_some();
        let partial = report.platform.is_some() || report.calendar.is_some() || counts.problems > 0;
        run.result = match (failed, partial) {
            (true, _) => RunResult::Failed,
            (false, true) => RunResult::Partial,
            (false, false) => RunResult::Success,
        };
        run.problem = report
            .platform
            .as_ref()
            .or(report.calendar.as_ref())
            .map(|error| error_code(error).into());
        run.ended_at = Some(self.now());
        run.counts = counts;
        if run.result == RunResult::Success {
            state.last_success_at = run.ended_at;
        }
        let counted = DayCount {
            runs: 1,
            runs_ok: u32::from(run.result == RunResult::Success),
            runs_offline: u32::from(report.has_no_network()),
            writes: counts.written(),
            writes_failed: counts.problems,
            ..self.counted()
        };
        let ended = Ended {
            run: &run,
            kept,
            before: &before,
            state: &state,
            counted: &counted,
            watched: &watched,
        };
        if !self.gather(&ended).await? {
            let mut changes = self.gathered_changes();
            changes.extend([
                Change::PutRun(run.clone()),
                Change::PutSyncState(Box::new(state.clone())),
                Change::CountDay(Box::new(counted.clone())),
            ]);
            changes.extend(watched.changes());
            let kept = self.ledger.commit(changes).await;
            self.watched(watched, kept.is_ok()).await;
            kept?;
            self.gathered_stored(&run);
            self.count_anew(&counted);
            tell_end(&run, &report);
        }
        if !may_write && self.may_write(&state, settings.enabled) {
            // The lease came with the report: what could not be written goes on at once, after another reading.
            report.next_due_at = Some(self.now() + Duration::seconds(1));
        }
        report.counts = counts;
        report.result = Some(run.result);
        Ok(report)
    }

    /// Sends what was sent before and not answered once more, to learn what became of it.
    #[allow(clippy::too_many_arguments)] // a part of `run`
    async fn learn_outcomes(
        &self,
        records: &mut Records,
        state: &mut SyncState,
        settings: &SyncSettings,
        which: Which,
        trigger: Trigger,
        run: &RunId,
        counts: &mut Counts,
        cancel: &CancellationToken,
    ) -> Result<(), LedgerError> {
        let ctx = self.context(settings.clone(), state);
        let retry_parked = trigger.retries_at_once();
        self.execute(records, state, &ctx, which, retry_parked, run, counts, cancel)
            .await?;
        Ok(())
    }

    /// Decides all records as they are now.
    pub(crate) async fn plan(
        &self,
        records: &Records,
        state: &SyncState,
        ctx: &roundtrip_core::reconcile::Context,
    ) -> Result<Plan, LedgerError> {
        let questions = self
            .ledger
            .questions(self.now() - Duration::days(KEPT_DAYS))
            .await?;
        let rows = self.ledger.outbox().await?;
        let recent = self.recent(&questions, &rows, records).await?;
        let conflicts = self.ledger.open_conflicts().await?;
        let waiting = rows.iter().map(|row| &row.appointment_id);
        let asked = conflicts.iter().map(|conflict| &conflict.appointment_id);
        let open = waiting.chain(asked).cloned().collect();
        let mut unknown = perhaps_created(records.iter(), records.marked.known(), &rows, ctx.now);
        let sent = rows
            .into_iter()
            .filter(|row| row.state == OutboxState::Sent)
            .map(|row| row.appointment_id);
        unknown.extend(sent);
        let (beside, frozen) = (Beside { unknown, open }, state.deletions_frozen);
        Ok(self.decide(records, ctx, &beside, recent, &questions, frozen))
    }

    /// A full reconcile without cursors: at first contact, each night, and after a night that was slept through. What is
    /// only followed up does not wait for it.
    fn needs_full(&self, state: &SyncState, trigger: Trigger) -> bool {
        let now = self.now();
        let zone = self
            .lock()
            .me
            .as_ref()
            .map_or(chrono_tz::Tz::UTC, |(_, me)| me.time_zone);
        let chance = Chance {
            random: 0,
            device: self.device_number(),
        };
        let due = schedule::full_is_due(state.full_at, now, zone, self.awake_since(now), chance);
        due && !matches!(trigger, Trigger::Due | Trigger::Hint)
    }

    async fn sum_up(
        &self,
        report: &mut CycleReport,
        standing: &[(Standing, Option<DateTime<Utc>>)],
        state: &SyncState,
        records: &Records,
        goes_on: bool,
    ) -> Result<(), LedgerError> {
        let outbox = self.ledger.outbox().await?;
        let mut due: Vec<DateTime<Utc>> = standing.iter().filter_map(|(_, due)| *due).collect();
        for (standing, _) in standing {
            if let Standing::LeftOut(reason) = standing {
                *report.left_out.entry(reason.code()).or_default() += 1;
            }
        }
        let settling = standing
            .iter()
            .filter(|(standing, _)| matches!(standing, Standing::Settling | Standing::CoolDown))
            .count();
        report.waiting = u32::try_from(outbox.len() + settling).unwrap_or(u32::MAX);
        // What a side in trouble holds up is not due: that side is looked at again with the next run, or when it said.
        let now = self.now();
        let healthy = |side| self.problem_of(side).is_none();
        let rows = outbox
            .iter()
            .filter(|row| goes_on && row.state != OutboxState::Parked && healthy(row.side))
            .filter(|row| !self.comes_back_soon(Side::Calendar) || !unanswered::is_looked_into(row, now));
        due.extend(rows.map(|row| self.row_due(row, state)));
        let waits = [
            state.platform_wait_until,
            state.calendar_wait_until,
            state.calendar_writes_wait_until,
        ];
        due.extend(
            waits
                .into_iter()
                .flatten()
                .filter(|until| still_waits(Some(*until), now)),
        );
        if healthy(Side::Calendar) {
            due.extend(
                records
                    .iter()
                    .filter(|record| is_looked_for(record))
                    .filter_map(|record| {
                        let at = looked_at_again(record)?;
                        let later = self.left_alone_until(&record.appointment_id);
                        Some(later.map_or(at, |later| later.max(at)))
                    }),
            );
        }
        report.conflicts = u32::try_from(self.ledger.open_conflicts().await?.len()).unwrap_or(u32::MAX);
        let questions = self.ledger.questions(self.now()).await?;
        report.questions = u32::try_from(
            questions
                .iter()
                .filter(|question| question.answer.is_none())
                .count(),
        )
        .unwrap_or(u32::MAX);
        report.next_due_at = due.into_iter().map(|at| at.max(now + Duration::seconds(1))).min();
        Ok(())
    }

    fn row_due(&self, row: &OutboxRow, state: &SyncState) -> DateTime<Utc> {
        let now = self.now();
        let wait = state.writes_wait_until(row.side);
        let wait = wait.filter(|until| still_waits(Some(*until), now));
        if !still_waits(Some(row.due_at), now) {
            return wait.unwrap_or(now);
        }
        wait.map_or(row.due_at, |until| until.max(row.due_at))
    }
}

/// Whether a wait goes on. One that would end further ahead than any wait of ours was noted by a wrong clock.
pub(crate) fn still_waits(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    until.is_some_and(|until| until > now && until - now <= Duration::hours(LONGEST_WAIT_HOURS))
}

/// As a stable word of the log.
fn tell_end(run: &Run, report: &CycleReport) {
    let counts = &run.counts;
    tracing::info!(
        result = %word(run.result), trigger = %word(run.trigger), added = counts.added, changed = counts.changed,
        removed = counts.removed, moved_back = counts.moved_back, problems = counts.problems,
        platform = report.platform.as_ref().map(error_code),
        calendar = report.calendar.as_ref().map(error_code),
        "run ended"
    );
}

fn word(value: impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

/// Whether a missing event is looked for. Nobody asks for one that was removed or given up since, so it makes no run due.
pub(crate) fn is_looked_for(record: &Record) -> bool {
    record.link == LinkState::Linked && record.event.is_none() && record.event_id.is_some()
}

/// When an event that answers 404 without a tombstone is looked at again.
fn looked_at_again(record: &Record) -> Option<DateTime<Utc>> {
    let wait = match record.missing_id_taken {
        true => Duration::minutes(MISSING_TAKEN_MINUTES),
        false => Duration::seconds(MISSING_WAIT_SECONDS),
    };
    record.missing_since.map(|since| since + wait)
}

fn plan_standing(plan: &Plan) -> Vec<(Standing, Option<DateTime<Utc>>)> {
    plan.decisions
        .iter()
        .map(|decision| (decision.standing, decision.due_at))
        .collect()
}
