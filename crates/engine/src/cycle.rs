//! One cycle, as the list of its steps.

use crate::checks::Ended;
use crate::engine::{Engine, EngineEvent};
use crate::figures::DayCount;
use crate::ledger::{Change, Counts, LedgerError, Run, RunResult, SyncState, Trigger};
use crate::look_up::{MISSING_TAKEN_MINUTES, MISSING_WAIT_SECONDS};
use crate::marked::perhaps_created;
use crate::outcome::{error_code, stops_side};
use crate::plan::{Beside, Plan};
use crate::ports::{LaptopStatus, PortError, request_id};
use crate::read::Records;
use crate::undo::KEPT_DAYS;
use crate::watch::Task;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::ids::RunId;
use roundtrip_core::outbox::{OutboxRow, OutboxState, Side};
use roundtrip_core::reconcile::Standing;
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::schedule::{self, Chance};
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::{self, Watch};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// A side that changes under a write is decided again so many times in one cycle; then the next cycle goes on.
const ROUNDS_MAX: usize = 4;
/// The status is told again after so long even if nothing changed, and the lease is renewed with it.
const REPORT_MINUTES: i64 = 30;
/// The longest `Retry-After` that is believed is a day.
const LONGEST_WAIT_HOURS: i64 = 25;
/// A lease is renewed when it runs out within this time.
const RENEW_MINUTES: i64 = 60;

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
        let lease = self.keep_lease(&settings, &state).await;
        if lease.is_ok() {
            self.forget_no_lease();
        }
        let at_once = lease.is_ok() && self.may_write(&state, settings.enabled);
        if at_once {
            self.learn_outcomes(
                &mut records,
                &mut state,
                &settings,
                trigger,
                &run.id,
                &mut counts,
                &cancel,
            )
            .await?;
        }

        // 2. Both sides, and the facts into the ledger.
        let full = self.needs_full(&state, trigger);
        let sides = self.sides_to_read(trigger, full, &state);
        if sides[1] {
            self.calendar_is_looked_at();
        }
        let reading = self.read(&mut records, &mut state, full, sides, &run.id).await?;
        if reading.read[0] {
            self.ask_what_is_allowed().await;
        }
        if lease.is_ok() && !at_once && self.may_write(&state, settings.enabled) && !cancel.is_cancelled() {
            self.learn_outcomes(
                &mut records,
                &mut state,
                &settings,
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
            self.record_plan(plan, &mut records, &ctx, may_write, &run.id, &mut counts)
                .await?;
            if !may_write {
                break;
            }
            let retry_parked = round == 0 && trigger != Trigger::Due;
            let executed = self
                .execute(
                    &mut records,
                    &mut state,
                    &ctx,
                    false,
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
        self.sum_up(&mut report, &standing, &state, &records, may_write)
            .await?;
        let watched = self.watch_cycle(read).await;
        self.report_if_changed(&settings, &mut state, platform_read, &report, &records)
            .await;
        // Without the lease nothing was written, and nobody else is known who would have: that is no success.
        if let Err(error) = lease
            && report.platform.is_none()
            && self.is_to_write(&state, settings.enabled)
            && !self.holds_lease()
            && self.other_writer().is_none()
        {
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
        trigger: Trigger,
        run: &RunId,
        counts: &mut Counts,
        cancel: &CancellationToken,
    ) -> Result<(), LedgerError> {
        let ctx = self.context(settings.clone(), state);
        let retry_parked = trigger != Trigger::Due;
        self.execute(records, state, &ctx, true, retry_parked, run, counts, cancel)
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
        let mut unknown = perhaps_created(records, &rows);
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
        may_write: bool,
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
            .filter(|row| may_write && row.state != OutboxState::Parked && healthy(row.side));
        due.extend(rows.map(|row| self.row_due(row, state)));
        let waits = [state.platform_wait_until, state.calendar_wait_until];
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
                    .filter_map(looked_at_again),
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
        let wait = match row.side {
            Side::Platform => state.platform_wait_until,
            Side::Calendar => state.calendar_wait_until,
        };
        let wait = wait.filter(|until| still_waits(Some(*until), now));
        if !still_waits(Some(row.due_at), now) {
            return wait.unwrap_or(now);
        }
        wait.map_or(row.due_at, |until| until.max(row.due_at))
    }

    /// Takes or renews the writer lease where the platform has one. After a lapse this comes before any write, and the
    /// reading that follows it makes the plan anew.
    pub(crate) async fn keep_lease(
        &self,
        settings: &SyncSettings,
        state: &SyncState,
    ) -> Result<(), PortError> {
        let now = self.now();
        // A platform that asked to be left alone is: without its word no write is sent either.
        let waits = still_waits(state.platform_wait_until, now);
        if !self.offers("writer_lease") || !state.started || waits {
            return Ok(());
        }
        let live = self.live();
        let ours = live
            .writer
            .as_ref()
            .filter(|writer| writer.device_id == self.config.device_id);
        let fresh = ours.is_some_and(|writer| writer.expires_at - now > Duration::minutes(RENEW_MINUTES));
        if fresh && !live.take_over {
            return Ok(());
        }
        let known = live.plainly.or(live.reported.map(|(_, status)| plain(status)));
        let status = LaptopStatus {
            take_over: live.take_over,
            ..known.unwrap_or_else(|| self.status_word(settings, state, 0, 0, 0, None))
        };
        self.report_with_silence(status).await
    }

    /// Tells the platform that this laptop is disconnected, which frees its writer lease and nobody else's.
    ///
    /// # Errors
    /// The platform's. Nothing depends on it: a lease runs out by itself.
    pub async fn say_goodbye(&self) -> Result<(), PortError> {
        let settings = self.ledger.settings().await.unwrap_or_default();
        let state = self.ledger.sync_state().await.unwrap_or_default();
        let status = self.status_word(&settings, &state, 0, 0, 0, None);
        self.report(LaptopStatus {
            status: "disconnected".into(),
            ..status
        })
        .await?;
        // Should the trainer connect again, the next report is a new one.
        let mut live = self.lock();
        (live.reported, live.plainly) = (None, None);
        Ok(())
    }

    /// Reports this, or the silence that lasts instead. One that is over and that the platform could not hear of is told first.
    async fn report_with_silence(&self, status: LaptopStatus) -> Result<(), PortError> {
        let watch = self.watch().await;
        let lasts = watch.silence().is_some();
        if watch.owed && !lasts {
            self.report(silent(status.clone())).await?;
            self.silence_told(&watch).await;
        }
        self.report(with_silence(status.clone(), &watch)).await?;
        self.lock().plainly = Some(LaptopStatus {
            take_over: false,
            ..status
        });
        if lasts {
            self.silence_told(&watch).await;
        }
        Ok(())
    }

    async fn report(&self, status: LaptopStatus) -> Result<(), PortError> {
        match self
            .platform
            .report_status(self.calendar.provider(), &status)
            .await
        {
            Ok(answer) => {
                self.hear_policy(None);
                let mut live = self.lock();
                live.policy = Some(answer.policy);
                live.policy_heard = true;
                live.writer = answer.writer;
                // Asked for while this report was on its way, it goes with the next one.
                live.take_over &= !status.take_over;
                let now = self.clock.now();
                live.reported = Some((
                    now,
                    LaptopStatus {
                        take_over: false,
                        ..status
                    },
                ));
                Ok(())
            }
            Err(error) => {
                self.hear_policy(Some(&error));
                Err(error)
            }
        }
    }

    /// When the platform is to be told again, though nothing is new.
    pub(crate) fn told_again_at(&self) -> DateTime<Utc> {
        let reported = self.lock().reported.as_ref().map(|(at, _)| *at);
        // Noted by the laptop's own clock.
        let at = reported.unwrap_or_else(|| self.clock.now()) + Duration::minutes(REPORT_MINUTES);
        at.min(self.clock.now() + Duration::minutes(REPORT_MINUTES)) + self.clock_offset()
    }

    /// Says once more what was said last, or the silence that has begun since: the admin sees how this laptop does, the lease is
    /// renewed, and a word on client names reaches a laptop that reads nothing for hours because everything is told to it.
    pub(crate) async fn tell_again(&self) {
        let _turn = self.turn.lock().await;
        let Ok(state) = self.sync_state().await else {
            return;
        };
        let waits = still_waits(state.platform_wait_until, self.now());
        let live = self.live();
        let Some((_, reported)) = live.reported else {
            return;
        };
        let status = live.plainly.unwrap_or_else(|| plain(reported));
        if !state.started || waits || self.problem_of(Side::Platform).is_some() {
            return;
        }
        let status = LaptopStatus {
            last_success_at: state.last_success_at,
            ..status
        };
        let told = self.report_with_silence(status).await;
        self.keep_policy().await;
        if let Err(error) = told {
            tracing::debug!(code = error_code(&error), "status could not be told again");
            return;
        }
        self.ask_what_is_allowed().await;
    }

    /// Tells the platform how this laptop does, if that is news or half an hour has passed. The platform sees it with the
    /// next one if it cannot be told now; nothing depends on it.
    async fn report_if_changed(
        &self,
        settings: &SyncSettings,
        state: &mut SyncState,
        platform_read: bool,
        report: &CycleReport,
        records: &Records,
    ) {
        let waits = still_waits(state.platform_wait_until, self.now());
        if platform_read && state.started && !waits {
            let linked = u32::try_from(records.links()).unwrap_or(u32::MAX);
            let problem = report.calendar.as_ref();
            let status = self.status_word(settings, state, linked, report.waiting, report.conflicts, problem);
            let watch = self.watch().await;
            let said = with_silence(status.clone(), &watch);
            let known = self.live().reported;
            let same = known.as_ref().is_some_and(|(at, known)| {
                // The time of the last success alone is no news.
                let known = LaptopStatus {
                    last_success_at: said.last_success_at,
                    ..known.clone()
                };
                known == said && self.clock.now() - *at < Duration::minutes(REPORT_MINUTES)
            });
            if same && !watch.owed {
                self.lock().plainly = Some(status);
            } else if let Err(error) = self.report_with_silence(status).await {
                tracing::debug!(code = error_code(&error), "status could not be told");
            }
        }
        if self.other_writer().is_some() {
            state.other_writer_at = Some(self.now());
        }
        let live = self.live();
        state.writer = live.writer;
        state.reported = live.reported;
        state.policy = live.policy;
    }

    fn status_word(
        &self,
        settings: &SyncSettings,
        state: &SyncState,
        linked: u32,
        waiting: u32,
        conflicts: u32,
        problem: Option<&PortError>,
    ) -> LaptopStatus {
        let paused = !settings.enabled || state.paused_until.is_some_and(|until| until > self.now());
        let status = match problem {
            Some(PortError::SignInExpired | PortError::NotConnected) => "needs_reauth",
            Some(_) => "error",
            None if paused => "paused",
            None => "active",
        };
        LaptopStatus {
            status: status.into(),
            last_success_at: state.last_success_at,
            linked,
            waiting,
            conflicts,
            problem: problem.map(|error| error_code(error).into()),
            app_version: self.config.app_version.clone(),
            device: self.config.device_name.clone(),
            device_id: self.config.device_id.clone(),
            take_over: false,
        }
    }
}

/// Whether a wait goes on. One that would end further ahead than any wait of ours was noted by a wrong clock.
pub(crate) fn still_waits(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    until.is_some_and(|until| until > now && until - now <= Duration::hours(LONGEST_WAIT_HOURS))
}

/// A lost sign-in and a pause are known causes, and said as such; everything else is silence while one lasts.
fn with_silence(status: LaptopStatus, watch: &Watch) -> LaptopStatus {
    if watch.silence().is_some() && matches!(status.status.as_str(), "active" | "error") {
        silent(status)
    } else {
        status
    }
}

/// What was said before this process began, without a silence that need not last any more.
fn plain(status: LaptopStatus) -> LaptopStatus {
    if status.problem.as_deref() != Some(silence::CODE) {
        return status;
    }
    LaptopStatus {
        status: "active".into(),
        problem: None,
        ..status
    }
}

fn silent(status: LaptopStatus) -> LaptopStatus {
    LaptopStatus {
        status: "error".into(),
        problem: Some(silence::CODE.into()),
        ..status
    }
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
