//! Keeping watch: time without a success, what is counted per day, and how long changes took.

use crate::engine::{Engine, EngineEvent};
use crate::figures::{DayCount, Figures, Took, figures};
use crate::ledger::{
    Change, HistoryFilter, HistoryItem, HistoryResult, HistorySource, HistoryWhat, LedgerError, SyncState,
    Trigger,
};
use crate::outcome::error_code;
use crate::ports::PortError;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::event::Event;
use roundtrip_core::outbox::{Intent, Noticed, OutboxRow, Side};
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::{Passed, Watch};

/// Time without a success is written down this often, so that a crash forgets little of it.
const KEPT_EVERY_MS: i64 = 5 * 60 * 1000;
/// Where nothing is wrong it is only the time between two checks, which a crash may forget.
const KEPT_AT_LEAST_EVERY_MS: i64 = 60 * 60 * 1000;
/// A move is sent when it has settled; one that is sent much later than it was seen waited for somebody's decision.
const SETTLED_MINUTES: i64 = 10;
/// So many lines of the history are looked at for the times that changes took.
const LINES_MAX: u32 = 20_000;

/// The watch as it is in memory, and what of it is on the disk.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    watch: Option<Watch>,
    kept: Watch,
    looked: Option<(DateTime<Utc>, std::time::Duration)>,
    /// Lines that could not be written down yet.
    unsaved: Vec<HistoryItem>,
}

/// Is there anything to succeed at?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    on: bool,
    paused_until: Option<DateTime<Utc>>,
}

impl Task {
    pub(crate) fn of(settings: &SyncSettings, state: &SyncState) -> Self {
        Self {
            on: settings.enabled && state.started,
            paused_until: state.paused_until,
        }
    }

    pub(crate) fn is_paused(&self, now: DateTime<Utc>) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }
}

/// What was counted since the last commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) day: DayCount,
    requests: (u64, u64),
}

/// What a cycle showed, to be committed with its run.
pub(crate) struct Watched {
    lines: Vec<HistoryItem>,
    watch: Option<Watch>,
    unlike_the_kept: bool,
}

impl Watched {
    /// There is more to tell than that both sides were looked at again.
    pub(crate) fn has_news(&self) -> bool {
        !self.lines.is_empty() || self.unlike_the_kept
    }

    pub(crate) fn changes(&self) -> Vec<Change> {
        let lines = self.lines.iter().cloned();
        let mut changes: Vec<Change> = lines.map(|item| Change::AddItem(Box::new(item))).collect();
        changes.extend(self.watch.clone().map(|watch| Change::PutWatch(Box::new(watch))));
        changes
    }
}

impl Engine {
    /// The watch as it stands.
    pub async fn watch(&self) -> Watch {
        let mut watching = self.watching.lock().await;
        self.load(&mut watching).await.clone()
    }

    /// The figures of the last days.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn figures(&self) -> Result<Figures, LedgerError> {
        let now = self.now();
        let since = now - Duration::days(crate::figures::DAYS_TOLD);
        let filter = HistoryFilter {
            since: Some(since),
            limit: LINES_MAX,
            ..HistoryFilter::default()
        };
        let mut days = self.ledger.days(since.date_naive()).await?;
        if let Some(gathered) = self.gathered_day() {
            match days.iter_mut().find(|count| count.day == gathered.day) {
                Some(count) => count.add(&gathered),
                None => days.push(gathered),
            }
        }
        let items = self.ledger.history(&filter).await?;
        Ok(figures(&days, &items, &self.watch().await, now))
    }

    /// The trainer was notified of the silence that lasts.
    pub async fn silence_notified(&self) {
        let mut watching = self.watching.lock().await;
        self.load(&mut watching).await.notified = true;
        self.keep(&mut watching).await;
    }

    /// Looks at the clocks: how much awake time has passed, and whether a side has fallen silent with it. Called by the
    /// driver whenever it thinks, and by the shell, because a run that never ends must be noticed too.
    pub async fn keep_watch(&self) {
        let counts = self.has_a_task().await;
        let mut watching = self.watching.lock().await;
        self.load(&mut watching).await;
        // A side that tells its changes by itself has nothing to say while nothing changes, and a quota that is gone for hours
        // has words of its own: neither is silence. A run that lasts, or whose facts cannot be written down, is none of that:
        // what is told to it changes nothing.
        let listened_to = {
            let live = self.lock();
            let idle = live.progress.is_none() && live.ledger_problem.is_none();
            let heard = |pushed: bool, problem: &Option<PortError>| match problem {
                None => pushed && idle,
                Some(problem) => *problem == PortError::QuotaGone,
            };
            [
                heard(live.pushed.stream, &live.platform.problem),
                heard(live.pushed.calendar, &live.calendar.problem),
            ]
        };
        let fresh = self.time_passes(&mut watching, counts, listened_to);
        if fresh.is_empty() {
            let Watching { watch, kept, .. } = &*watching;
            let troubled = [Side::Platform, Side::Calendar].map(|side| self.problem_of(side).is_some());
            let far = watch.as_ref().is_some_and(|watch| {
                let ahead = |side: Side, troubled| {
                    let ahead = watch.side(side).awake_ms - kept.side(side).awake_ms;
                    ahead
                        >= if troubled {
                            KEPT_EVERY_MS
                        } else {
                            KEPT_AT_LEAST_EVERY_MS
                        }
                };
                ahead(Side::Platform, troubled[0]) || ahead(Side::Calendar, troubled[1])
            });
            if far || !watching.unsaved.is_empty() {
                self.keep(&mut watching).await;
            }
            return;
        }
        for side in fresh {
            tracing::warn!(side = side_word(side), "nothing has succeeded for two hours");
            let mut item = self.line(HistoryWhat::SilenceBegan { side });
            item.result = HistoryResult::Problem;
            item.problem = Some(roundtrip_core::silence::CODE.into());
            watching.unsaved.push(item);
        }
        self.keep(&mut watching).await;
        drop(watching);
        self.tell(EngineEvent::Changed);
        // One more try at once; it tells the platform, too.
        self.ask_for(Trigger::Timer);
    }

    /// Adds the time since the last look. Time of a side that has just succeeded does not count.
    fn time_passes(&self, watching: &mut Watching, counts: bool, succeeded: [bool; 2]) -> Vec<Side> {
        let seen = (self.clock.now(), self.clock.monotonic());
        let before = watching.looked.replace(seen);
        let (Some((wall, running)), Some(watch)) = (before, watching.watch.as_mut()) else {
            return Vec::new();
        };
        let passed = Passed {
            wall: seen.0 - wall,
            running: Duration::from_std(seen.1.saturating_sub(running)).unwrap_or(Duration::MAX),
        };
        let fresh = watch.look(passed, counts, self.now());
        if succeeded[0] {
            watch.platform.awake_ms = 0;
        }
        if succeeded[1] {
            watch.calendar.awake_ms = 0;
        }
        fresh
    }

    async fn load<'a>(&self, watching: &'a mut Watching) -> &'a mut Watch {
        if watching.watch.is_none() {
            // A database that cannot be read is itself a reason to keep watch, from now on.
            let known = self.ledger.watch().await.unwrap_or_default();
            watching.kept = known.clone();
            watching.watch = Some(known);
        }
        watching.watch.get_or_insert_default()
    }

    async fn keep(&self, watching: &mut Watching) {
        let Some(watch) = watching.watch.clone() else {
            return;
        };
        let mut changes = vec![Change::PutWatch(Box::new(watch.clone()))];
        let lines = watching.unsaved.iter().cloned();
        changes.extend(lines.map(|item| Change::AddItem(Box::new(item))));
        match self.ledger.commit(changes).await {
            Ok(()) => {
                watching.kept = watch;
                watching.unsaved.clear();
            }
            Err(error) => tracing::warn!(%error, "the watch could not be written down"),
        }
    }

    /// Something is to be done: syncing was started, is not paused, and is not turned off by the platform, which has words of
    /// its own for that.
    async fn has_a_task(&self) -> bool {
        let task = self.lock().task;
        let task = match task {
            Some(task) => task,
            None => {
                let (Ok(settings), Ok(state)) =
                    (self.ledger.settings().await, self.ledger.sync_state().await)
                else {
                    // Not known: a silence that is said wrongly is better than one that is not said.
                    return true;
                };
                let task = Task::of(&settings, &state);
                self.lock().task = Some(task);
                task
            }
        };
        let now = self.now();
        let live = self.lock();
        let said = matches!(live.platform.problem, Some(PortError::SyncDisabled { .. }));
        // A platform that cannot be reached may have turned it on again since: that nothing is heard is said.
        let heard_of = said || live.platform.problem.is_none();
        let off = heard_of && (said || live.policy.as_ref().is_some_and(|policy| !policy.enabled));
        task.on && !off && !task.is_paused(now)
    }

    /// What a cycle showed: sides that were `read` in it (platform, calendar), or that took a write, have succeeded. Trouble
    /// of single writes, a quota that is gone too, has words of its own. Answers what is to be committed with the run.
    pub(crate) async fn watch_cycle(&self, read: [bool; 2]) -> Watched {
        let counts = self.has_a_task().await;
        let wrote = std::mem::take(&mut self.lock().wrote);
        let succeeded = [wrote[0] || read[0], wrote[1] || read[1]];
        let now = self.now();
        let mut watching = self.watching.lock().await;
        let watch = self.load(&mut watching).await;
        let mut lines = Vec::new();
        for (side, done) in [Side::Platform, Side::Calendar].into_iter().zip(succeeded) {
            if done && let Some(since) = watch.succeeded(side, now) {
                tracing::info!(side = side_word(side), "a silence has ended");
                lines.push(self.line(HistoryWhat::SilenceEnded { side, since }));
            }
        }
        let fresh = self.time_passes(&mut watching, counts, succeeded);
        for side in fresh {
            let mut item = self.line(HistoryWhat::SilenceBegan { side });
            item.result = HistoryResult::Problem;
            item.problem = Some(roundtrip_core::silence::CODE.into());
            lines.push(item);
        }
        lines.splice(0..0, watching.unsaved.drain(..));
        let watch = watching.watch.clone().filter(|watch| *watch != watching.kept);
        let unlike_the_kept = watch.as_ref().is_some_and(|watch| differs(watch, &watching.kept));
        Watched {
            lines,
            watch,
            unlike_the_kept,
        }
    }

    /// What a cycle showed is on the disk; or it is not, and is written down with the next look.
    pub(crate) async fn watched(&self, watched: Watched, on_disk: bool) {
        let mut watching = self.watching.lock().await;
        if on_disk {
            watching.kept = watched.watch.unwrap_or_else(|| watching.kept.clone());
        } else {
            watching.unsaved.splice(0..0, watched.lines);
        }
    }

    /// The watch, if the disk does not know it as it is.
    pub(crate) async fn watch_to_keep(&self) -> Option<Change> {
        let mut watching = self.watching.lock().await;
        let watch = self.load(&mut watching).await.clone();
        (watch != watching.kept).then(|| Change::PutWatch(Box::new(watch)))
    }

    /// The disk knows it.
    pub(crate) async fn watch_kept(&self, kept: Option<Change>) {
        if let Some(Change::PutWatch(watch)) = kept {
            self.watching.lock().await.kept = *watch;
        }
    }

    /// The platform has heard of the silence.
    pub(crate) async fn silence_told(&self, told: &Watch) {
        if !told.owed {
            return;
        }
        let mut watching = self.watching.lock().await;
        self.load(&mut watching).await.owed = false;
        self.keep(&mut watching).await;
    }

    fn line(&self, what: HistoryWhat) -> HistoryItem {
        HistoryItem {
            id: self.fresh_id(),
            run_id: None,
            at: self.now(),
            appointment_id: None,
            title: None,
            what,
            source: HistorySource::Roundtrip,
            result: HistoryResult::Ok,
            problem: None,
            request_id: None,
            took: None,
        }
    }

    /// A write went through.
    pub(crate) fn wrote(&self, side: Side) {
        let mut live = self.lock();
        let side = usize::from(side == Side::Calendar);
        live.wrote[side] = true;
        live.gone[side] = 0;
    }

    pub(crate) fn count_error(&self, side: Side, error: &PortError) {
        self.tally().day.error(side, error_code(error));
    }

    /// What was counted up to now, as one day of today.
    pub(crate) fn counted(&self) -> DayCount {
        let sent = (self.platform.requests_sent(), self.calendar.requests_sent());
        let tally = self.tally().clone();
        DayCount {
            day: self.now().date_naive(),
            platform_requests: sent.0.saturating_sub(tally.requests.0),
            calendar_requests: sent.1.saturating_sub(tally.requests.1),
            ..tally.day
        }
    }

    /// It is on the disk.
    pub(crate) fn count_anew(&self, committed: &DayCount) {
        let mut tally = self.tally();
        // What was counted meanwhile is committed with the next run.
        tally.day.subtract(committed);
        tally.requests.0 += committed.platform_requests;
        tally.requests.1 += committed.calendar_requests;
    }

    /// The change that a new row carries on, if it was noticed as it happened: not what a setting, an answer or the first
    /// contact brought about.
    pub(crate) fn noticed(&self, record: &Record, intent: &Intent) -> Option<Noticed> {
        let now = self.now();
        match intent {
            Intent::Insert { .. } | Intent::Patch { .. } | Intent::Delete { .. } => {
                let appointment = record.appointment.as_ref()?;
                let written = |event: &Event| event.mark.as_ref().map(|mark| mark.version);
                let known = record.event.as_ref().and_then(written);
                let newer = known.is_none_or(|known| known < appointment.version);
                // Before the last reading but one it was there already: something else is the reason.
                let read_before = self.lock().read_before?;
                (newer && appointment.updated_at > read_before).then_some(Noticed {
                    changed_at: appointment.updated_at,
                    seen_at: now,
                })
            }
            Intent::Move { moved_at, .. } => {
                let seen_at = record.event_seen_at?.max(*moved_at);
                (now - seen_at <= Duration::minutes(SETTLED_MINUTES)).then_some(Noticed {
                    changed_at: *moved_at,
                    seen_at,
                })
            }
            Intent::Notes { .. } => {
                let changed_at = record.calendar_edited_at?;
                let seen_at = record.event_seen_at?.max(changed_at);
                (now - seen_at <= Duration::minutes(SETTLED_MINUTES))
                    .then_some(Noticed { changed_at, seen_at })
            }
            Intent::Create { .. } => None,
        }
    }
}

/// How long the change of a row took, if it is known when it was made.
pub(crate) fn took(
    row: &OutboxRow,
    sent_at: DateTime<Utc>,
    ctx_now: DateTime<Utc>,
    every: u32,
) -> Option<(Side, Took)> {
    let noticed = row.noticed.as_ref()?;
    Some((row.side, Took::of(noticed, sent_at, ctx_now, every)))
}

/// Whether a crash would forget more than a check without changes: that a silence began, ended, was told or is owed, or that
/// it is over what counted as one for a while.
fn differs(watch: &Watch, kept: &Watch) -> bool {
    let sides = [Side::Platform, Side::Calendar].map(|side| (watch.side(side), kept.side(side)));
    watch.notified != kept.notified
        || watch.owed != kept.owed
        || sides.into_iter().any(|(watch, kept)| {
            watch.silent_since != kept.silent_since
                || (kept.awake_ms >= KEPT_EVERY_MS && watch.awake_ms < kept.awake_ms)
        })
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Platform => "platform",
        Side::Calendar => "calendar",
    }
}
