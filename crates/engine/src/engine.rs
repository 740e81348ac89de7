//! The engine of one connection: its ports, what it remembers between cycles, and its events.

use crate::channels::Channels;
use crate::checks::Checks;
use crate::cycle::still_waits;
use crate::ledger::{Change, Ledger, LedgerError, Run, RunResult, SyncState, Trigger};
use crate::live::Connection;
use crate::look_up::Waiting;
use crate::marked::Listed;
use crate::outcome::stops_side;
use crate::ports::{CalendarPort, Clock, Hinted, Me, PlatformPort, PortError, Pushed, SyncPolicy, Writer};
use crate::watch::{Tally, Task, Watching};
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::awake;
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::{AppointmentId, DeviceId, OutboxId, RunId};
use roundtrip_core::outbox::{OutboxState, Side};
use roundtrip_core::reconcile::Context;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::turns::Unanswered;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// What the platform allows is asked again after so long.
pub const ME_MINUTES: i64 = 29;
/// More runs than can have been cut off since a cycle last began.
const INTERRUPTED_MAX: u32 = 10;

/// What does not change while a connection lives.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose appointments, whose calendar.
    pub identity: Identity,
    /// Shown name of the platform.
    pub platform_name: String,
    /// The platform allowed client names in calendars when it was last asked.
    pub client_names_allowed: bool,
    /// Feature words of the platform when it was last asked; what an engine heard itself counts before these.
    pub features: Vec<String>,
    /// This installation.
    pub device_id: DeviceId,
    /// Its name, as the admin sees it.
    pub device_name: String,
    /// Version of the app.
    pub app_version: String,
}

impl Config {
    /// True if the platform has this feature.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known == feature)
    }
}

/// What the window is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// Something that is shown may have changed.
    Changed,
    /// A run goes on.
    Progress {
        /// Writes done.
        done: u32,
        /// Of so many; 0 while reading.
        total: u32,
    },
    /// A cycle has ended.
    CycleEnded,
}

/// How one side is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What is wrong, if something is.
    pub problem: Option<PortError>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// Readings in a row that did not work.
    pub failures: u32,
}

/// Whether the problem of a side is that nothing may be written for want of a right or of the lease, which no reading disproves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not.
    #[default]
    None,
    /// One was refused, and the side was not read since.
    Fresh,
    /// One was refused before the last reading: now they are tried again.
    Before,
    /// The lease could not be asked for.
    NoLease,
}

/// What is remembered between cycles, in memory only.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The platform's side.
    pub platform: Health,
    /// The calendar's side.
    pub calendar: Health,
    /// The platform's word on sync, as last heard.
    pub policy: Option<SyncPolicy>,
    /// Who is signed in at the platform and what it allows, as last heard, and when that was.
    pub me: Option<(DateTime<Utc>, Me)>,
    /// The platform has said in this process whether sync may run. Another process's word may forbid, but not permit.
    pub(crate) policy_heard: bool,
    /// Who writes, as last heard.
    pub writer: Option<Writer>,
    /// Another laptop's lease is to be taken at the next report.
    pub take_over: bool,
    /// The current run.
    pub progress: Option<(u32, u32)>,
    /// When the trainer stopped a run, by the running clock, if none that goes on with it has begun since.
    pub(crate) stopped: Option<std::time::Duration>,
    /// All our events are being deleted, because the trainer asked for it now.
    pub(crate) leaving: bool,
    /// The ledger could not be read or written.
    pub ledger_problem: Option<LedgerError>,
    /// When the status was last reported, and what.
    pub reported: Option<(DateTime<Utc>, crate::ports::LaptopStatus)>,
    /// What it would have been without a silence, so that one that begins or ends later is said of it, too.
    pub(crate) plainly: Option<crate::ports::LaptopStatus>,
    /// Snapshots of a side that shrank, in a row.
    pub shrunk: [u32; 2],
    /// A cycle has ended since the start of the process.
    pub settled: bool,
    /// For which sides hints come by themselves now.
    pub pushed: Pushed,
    /// Where the platform's stream is.
    pub connection: Connection,
    /// Platform, calendar: a hint came that no cycle has looked after yet.
    pub hinted: [bool; 2],
    /// Platform, calendar: the first hint that no reading has followed yet, by the running clock.
    pub(crate) hinted_at: [Option<std::time::Duration>; 2],
    /// Is there anything to succeed at? None: look it up.
    pub(crate) task: Option<Task>,
    /// Platform, calendar: a write went through since the last cycle ended.
    pub(crate) wrote: [bool; 2],
    /// Of those that are asked for singly, where they are too many at once: the last one that was.
    pub(crate) asked_last: BTreeMap<Waiting, String>,
    /// Missing events whose last look was not answered: how often in a row, and not before when they are looked at again.
    pub(crate) unanswered: BTreeMap<AppointmentId, (u32, DateTime<Utc>)>,
    /// The writes that were sent in this run already.
    pub(crate) tried: Option<(RunId, BTreeSet<OutboxId>)>,
    /// What readings in a row left unanswered.
    pub(crate) unanswered_in_readings: Unanswered,
    /// The last reading of the platform before the current run.
    pub(crate) read_before: Option<DateTime<Utc>>,
    /// Platform, calendar: what it is time for, if the timer begins the next run.
    pub(crate) due: Option<[bool; 2]>,
    /// Platform, calendar: how often in a row a quota for writing was gone for hours.
    pub(crate) gone: [u32; 2],
    /// The same for reading.
    pub(crate) gone_reading: [u32; 2],
    /// When the driver looks next.
    pub(crate) next_check_at: Option<DateTime<Utc>>,
    /// When the driver started or the laptop woke up last, by the running clock.
    pub(crate) woken: Option<std::time::Duration>,
    /// The last look at the clocks, and the shell's last one in the run under way.
    pub(crate) looked: Option<awake::Look>,
    pub(crate) looked_in_run: Option<awake::Look>,
    /// The laptop slept, and the driver has not looked after it yet.
    pub(crate) slept: bool,
    /// When the system last said that there is a network.
    pub(crate) network_back_at: Option<DateTime<Utc>>,
    /// When somebody last came back to the laptop.
    pub(crate) came_back_at: Option<DateTime<Utc>>,
    /// Platform, calendar.
    refusals: [Refusal; 2],
}

impl Live {
    fn side(&mut self, side: Side) -> (&mut Health, &mut Refusal) {
        match side {
            Side::Platform => (&mut self.platform, &mut self.refusals[0]),
            Side::Calendar => (&mut self.calendar, &mut self.refusals[1]),
        }
    }
}

/// The engine of one connection.
pub struct Engine {
    pub(crate) platform: Arc<dyn PlatformPort>,
    pub(crate) calendar: Arc<dyn CalendarPort>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    /// One cycle, answer or change of settings at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    live: Mutex<Live>,
    cancel: Mutex<CancellationToken>,
    events: broadcast::Sender<EngineEvent>,
    /// How often a listener was told something.
    revision: std::sync::atomic::AtomicU64,
    names_allowed: std::sync::atomic::AtomicBool,
    pub(crate) wake: tokio::sync::Notify,
    /// Somebody looks at the window.
    pub(crate) in_use: std::sync::atomic::AtomicBool,
    pub(crate) asked: Mutex<Option<Trigger>>,
    /// The run under way, until the ledger has it.
    begun: Mutex<Option<Run>>,
    pub(crate) watching: tokio::sync::Mutex<Watching>,
    tally: Mutex<Tally>,
    channels: Mutex<Channels>,
    /// The channels are to be looked at.
    pub(crate) channel_wake: tokio::sync::Notify,
    /// The stream is to be opened anew, at once.
    pub(crate) stream_again: tokio::sync::Notify,
    /// Somebody looks at the window from now on: what was put off is brought forward.
    pub(crate) stream_hurry: tokio::sync::Notify,
    pub(crate) checks: Mutex<Checks>,
    /// What one run has read to look for creations, until it ends.
    pub(crate) listed: tokio::sync::Mutex<Option<(RunId, Listed)>>,
}

impl Engine {
    /// An engine over its ports. Nothing happens until [`Engine::cycle`] or [`Engine::drive`].
    pub fn new(
        platform: Arc<dyn PlatformPort>,
        calendar: Arc<dyn CalendarPort>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        config: Config,
    ) -> Self {
        let (events, _) = broadcast::channel(256);
        let names_allowed = std::sync::atomic::AtomicBool::new(config.client_names_allowed);
        Self {
            names_allowed,
            platform,
            calendar,
            ledger,
            clock,
            config,
            turn: tokio::sync::Mutex::new(()),
            live: Mutex::new(Live::default()),
            cancel: Mutex::new(CancellationToken::new()),
            events,
            revision: std::sync::atomic::AtomicU64::new(0),
            wake: tokio::sync::Notify::new(),
            in_use: std::sync::atomic::AtomicBool::new(false),
            asked: Mutex::new(None),
            begun: Mutex::new(None),
            watching: tokio::sync::Mutex::default(),
            tally: Mutex::default(),
            channels: Mutex::default(),
            channel_wake: tokio::sync::Notify::new(),
            stream_again: tokio::sync::Notify::new(),
            stream_hurry: tokio::sync::Notify::new(),
            checks: Mutex::default(),
            listed: tokio::sync::Mutex::default(),
        }
    }

    /// The platform's word on client names in calendars, as last heard.
    pub fn client_names_allowed(&self) -> bool {
        self.names_allowed.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Asks the platform what it allows, if that was not heard lately: the admin's word on client names must reach an
    /// engine that is never restarted. From then on names are written, or taken out again. What cannot be asked now is
    /// asked with the next cycle.
    pub(crate) async fn ask_what_is_allowed(&self) {
        let now = self.clock.now();
        let heard = self.lock().me.as_ref().map(|(at, _)| *at);
        if heard.is_some_and(|at| at <= now && now - at < Duration::minutes(ME_MINUTES)) {
            return;
        }
        let answer = self.platform.me().await;
        self.hear_policy(answer.as_ref().err());
        let Ok(me) = answer else {
            return;
        };
        self.names_allowed
            .store(me.client_names_allowed, std::sync::atomic::Ordering::Relaxed);
        self.lock().me = Some((now, me));
    }

    /// What a sign-in was told long ago may not hold any more, above all whether there is a writer lease: a process that has
    /// writes to find out about asks before it sends the first of them again. The others come after a reading, which asks.
    pub(crate) async fn ask_before_unknown_writes(&self, state: &SyncState) -> Result<(), LedgerError> {
        let waits = still_waits(state.platform_wait_until, self.now());
        if waits || !state.started || self.lock().me.is_some() {
            return Ok(());
        }
        let rows = self.ledger.outbox().await?;
        if rows.iter().any(|row| row.state == OutboxState::Sent) {
            self.ask_what_is_allowed().await;
        }
        Ok(())
    }

    /// Waits until no cycle and no answer is under way.
    pub async fn idle(&self) {
        drop(self.turn.lock().await);
    }

    /// What does not change.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The ledger, for reading.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// The calendar port, for the choice of another calendar and for revoking.
    pub fn calendar(&self) -> &Arc<dyn CalendarPort> {
        &self.calendar
    }

    /// The platform port.
    pub fn platform(&self) -> &Arc<dyn PlatformPort> {
        &self.platform
    }

    /// Events from now on. A slow listener loses the oldest ones, never blocks the engine.
    pub fn events(&self) -> broadcast::Receiver<EngineEvent> {
        self.events.subscribe()
    }

    /// What is remembered between cycles.
    pub fn live(&self) -> Live {
        self.lock().clone()
    }

    /// Something has changed at a side. Hints of a burst are one cycle, and a cycle that begins because of them reads only
    /// the sides that were hinted at.
    pub fn hint(&self, side: Hinted) {
        let now = (self.now(), self.clock.monotonic());
        let is_shown = {
            let mut live = self.lock();
            let sides = [side != Hinted::Calendar, side != Hinted::Platform];
            let mut first = false;
            for place in [0, 1].into_iter().filter(|place| sides[*place]) {
                live.hinted[place] = true;
                first |= live.hinted_at[place].is_none();
                live.hinted_at[place].get_or_insert(now.1);
            }
            // Else a run shows what it finds within seconds.
            first && live.task.is_none_or(|task| task.is_paused(now.0))
        };
        if is_shown {
            self.tell(EngineEvent::Changed);
        }
        self.ask_for(Trigger::Hint);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Live> {
        // A panic while holding it cannot leave it half changed: every change is one assignment.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never held together with [`Engine::lock`].
    pub(crate) fn channels(&self) -> MutexGuard<'_, Channels> {
        // Each change is one assignment, or one row put in or taken out.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        // Only numbers: each is right by itself.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Platform, calendar: the sides that a run reads. One that begins because of hints leaves alone what nobody hinted at,
    /// and one that follows something up leaves alone what would have hinted, unless it was never read or the last reading of
    /// it did not work. The timer says what it is time for.
    pub(crate) fn sides_to_read(&self, trigger: Trigger, full: bool, state: &SyncState) -> [bool; 2] {
        let mut live = self.lock();
        let hinted = std::mem::take(&mut live.hinted);
        let due = live.due.take();
        let unread = [state.platform_read_at.is_none(), state.calendar_read_at.is_none()];
        let troubled = [live.platform.problem.is_some(), live.calendar.problem.is_some()];
        let pushed = [live.pushed.stream, live.pushed.calendar];
        match (trigger, due) {
            _ if full => [true; 2],
            (Trigger::Hint, _) if hinted != [false; 2] => {
                [0, 1].map(|side| hinted[side] || unread[side] || troubled[side])
            }
            (Trigger::Due, _) => {
                [0, 1].map(|side| hinted[side] || !pushed[side] || unread[side] || troubled[side])
            }
            (Trigger::Timer | Trigger::NetworkBack, Some(due)) => {
                [0, 1].map(|side| due[side] || hinted[side])
            }
            _ => [true; 2],
        }
    }

    /// Grows whenever something that is shown may have changed, so that what was made of it can be used again until then. What
    /// changes by the passing of time alone is not counted.
    pub fn revision(&self) -> u64 {
        self.revision.load(std::sync::atomic::Ordering::Acquire)
    }

    pub(crate) fn tell(&self, event: EngineEvent) {
        // Before anybody hears of it.
        self.revision.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        // Nobody listening is fine.
        let _ = self.events.send(event);
    }

    /// The services' time: the laptop's clock may be wrong, and it must not decide what is "future".
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now() + self.clock_offset()
    }

    /// How far the services' clocks are ahead of the laptop's. Up to two seconds count as none.
    pub fn clock_offset(&self) -> Duration {
        let offset = self
            .platform
            .clock_offset()
            .or_else(|| self.calendar.clock_offset())
            .unwrap_or_default();
        if offset.num_milliseconds().abs() <= 2_000 {
            Duration::zero()
        } else {
            offset
        }
    }

    /// True once a service has told the time: until then [`Engine::now`] is the laptop's own clock, which may be years off.
    pub fn time_is_told(&self) -> bool {
        let told = self
            .platform
            .clock_offset()
            .or_else(|| self.calendar.clock_offset());
        told.is_some()
    }

    /// The current cycle finishes the item it is at and ends.
    pub fn cancel_cycle(&self) {
        self.cancel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .cancel();
    }

    /// The trainer stops the run under way: it finishes the item it is at and ends, and what it has not written waits for the next
    /// check, or for their word.
    pub fn stop_run(&self) {
        let now = self.clock.monotonic();
        {
            let mut live = self.lock();
            if live.progress.is_none() {
                return;
            }
            live.stopped = Some(now);
        }
        self.cancel_cycle();
    }

    /// A run begins. True if it may only read, because the trainer stopped the one before and it merely follows that up.
    pub(crate) fn begins_stopped(&self, trigger: Trigger, settings: &SyncSettings) -> bool {
        let goes_on = trigger.ends_a_stop() || self.stop_lasts(settings).is_none_or(|left| left.is_zero());
        let mut live = self.lock();
        live.stopped = live.stopped.filter(|_| !goes_on);
        live.stopped.is_some()
    }

    /// How long what the trainer stopped still waits, if they did: as long as between two checks of theirs. Where both sides tell
    /// their changes by themselves the next check may be hours away.
    pub(crate) fn stop_lasts(&self, settings: &SyncSettings) -> Option<std::time::Duration> {
        let since = self.clock.monotonic().saturating_sub(self.lock().stopped?);
        let whole = std::time::Duration::from_secs(u64::from(settings.every_minutes) * 60);
        Some(whole.saturating_sub(since))
    }

    pub(crate) fn fresh_cancel(&self) -> CancellationToken {
        let token = CancellationToken::new();
        *self.cancel.lock().unwrap_or_else(PoisonError::into_inner) = token.clone();
        token
    }

    /// A run is under way. Its row comes with its first line of the history, see [`Engine::commit`].
    pub(crate) fn begin_run(&self, run: Run) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }

    /// Nothing of the run under way is in the ledger yet.
    pub(crate) fn is_begun(&self) -> bool {
        self.begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// The run under way has ended; should it never have come into the ledger, it does not any more.
    pub(crate) fn forget_begun(&self) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Writes changes of a run. The first line that a run has in the history brings the run with it: should the power go
    /// before its end, the window still shows what it did.
    pub(crate) async fn commit(&self, mut changes: Vec<Change>) -> Result<(), LedgerError> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let told = begun.filter(|run| {
            changes.iter().any(
                |change| matches!(change, Change::AddItem(item) if item.run_id.as_ref() == Some(&run.id)),
            )
        });
        let brings_run = told.is_some();
        changes.extend(told.map(Change::PutRun));
        self.ledger.commit(changes).await?;
        if brings_run {
            *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(())
    }

    /// Runs that were cut off do not go on: they are told as what they were, done in part.
    pub(crate) async fn end_interrupted_runs(&self) -> Result<(), LedgerError> {
        let perhaps = {
            let live = self.lock();
            !live.settled || live.ledger_problem.is_some()
        };
        if !perhaps {
            return Ok(());
        }
        let known = self.ledger.runs(DateTime::UNIX_EPOCH, INTERRUPTED_MAX).await?;
        let cut_off = known.into_iter().filter(|run| run.result == RunResult::Running);
        let ended: Vec<Change> = cut_off
            .map(|run| {
                Change::PutRun(Run {
                    result: RunResult::Partial,
                    ended_at: Some(run.started_at),
                    ..run
                })
            })
            .collect();
        if ended.is_empty() {
            return Ok(());
        }
        self.ledger.commit(ended).await
    }

    pub(crate) fn name_requests(&self, run: Option<&RunId>) {
        self.platform.name_requests(run);
        self.calendar.name_requests(run);
    }

    /// A fresh id: time first, so that ids sort by age.
    pub(crate) fn fresh_id(&self) -> String {
        format!(
            "{:012x}{:016x}",
            self.clock.now().timestamp_millis().max(0),
            self.clock.random()
        )
    }

    pub(crate) fn context(&self, settings: SyncSettings, state: &SyncState) -> Context {
        let now = self.now();
        Context {
            now,
            settings,
            identity: self.config.identity.clone(),
            connected_at: state.connected_at.unwrap_or(now),
            platform_name: self.config.platform_name.clone(),
            client_names_allowed: self.client_names_allowed(),
            other_writer_at: state.other_writer_at,
            one_writes: self.offers("writer_lease"),
            awake_since: self.awake_since(now),
            // From the beginning of that reading: its other half, the calendar's, may end minutes later and tell of a change since.
            platform_asked_at: state.platform_asked_at,
            calendar_ahead: self.calendar_ahead(),
        }
    }

    /// By the running clock, so that a laptop's clock that is set does not change it.
    pub(crate) fn awake_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let awake = self.clock.monotonic().saturating_sub(self.lock().woken?);
        now.checked_sub_signed(Duration::from_std(awake).ok()?)
    }

    pub(crate) fn note_health(&self, side: Side, result: Result<(), &PortError>) {
        let now = self.now();
        let mut live = self.lock();
        let (health, refusal) = live.side(side);
        match result {
            Ok(()) => match *refusal {
                Refusal::None => *health = Health::default(),
                Refusal::Fresh | Refusal::Before => *refusal = Refusal::Before,
                Refusal::NoLease => {}
            },
            Err(problem) => {
                *refusal = Refusal::None;
                let same = health
                    .problem
                    .as_ref()
                    .is_some_and(|known| std::mem::discriminant(known) == std::mem::discriminant(problem));
                if !same {
                    health.since = Some(now);
                }
                health.failures += 1;
                health.problem = Some(problem.clone());
            }
        }
    }

    /// A side was read. That its writes wait because their quota is gone stays its problem until they are tried again.
    pub(crate) fn note_read(&self, side: Side, writes_wait: bool) {
        self.lock().gone_reading[usize::from(side == Side::Calendar)] = 0;
        match (writes_wait, self.problem_of(side)) {
            (true, Some(PortError::QuotaGone)) => {}
            (true, _) => self.note_health(side, Err(&PortError::QuotaGone)),
            (false, _) => self.note_health(side, Ok(())),
        }
    }

    /// A write was answered so, and further ones to its side are of no use in this run.
    pub(crate) fn note_stopped(&self, side: Side, error: &PortError) {
        self.note_health(side, Err(error));
        if matches!(error, PortError::RightMissing { .. }) {
            *self.lock().side(side).1 = Refusal::Fresh;
        }
    }

    /// The lease could not be asked for, and nothing else keeps this laptop from writing.
    pub(crate) fn note_no_lease(&self, error: &PortError) {
        self.note_health(Side::Platform, Err(error));
        *self.lock().side(Side::Platform).1 = Refusal::NoLease;
    }

    /// The lease is held, or the platform has said whose it is.
    pub(crate) fn forget_no_lease(&self) {
        let mut live = self.lock();
        let (health, refusal) = live.side(Side::Platform);
        if *refusal == Refusal::NoLease {
            (*health, *refusal) = Default::default();
        }
    }

    /// Writes are of no use for as long as this lasts. One that was refused for want of a right is tried again with each
    /// reading.
    pub(crate) fn is_stopped(&self, side: Side) -> bool {
        let mut live = self.lock();
        let (health, refusal) = live.side(side);
        *refusal != Refusal::Before && health.problem.as_ref().is_some_and(stops_side)
    }

    /// The writes of this run are over: what was refused before and is not any more is no problem now.
    pub(crate) fn forget_refusals(&self) {
        let mut live = self.lock();
        for side in [Side::Platform, Side::Calendar] {
            let (health, refusal) = live.side(side);
            if *refusal == Refusal::Before {
                (*health, *refusal) = Default::default();
            }
        }
    }

    /// True if a side is in a trouble that passes by itself: what it would say is worth waiting for. Where it needs the trainer, that
    /// may take days.
    pub(crate) fn comes_back_soon(&self, side: Side) -> bool {
        self.problem_of(side).is_some_and(|error| {
            !matches!(
                error,
                PortError::NotConnected
                    | PortError::SignInExpired
                    | PortError::RightMissing { .. }
                    | PortError::CalendarNotFound
            )
        })
    }

    /// What is wrong with one side now, as last seen.
    pub(crate) fn problem_of(&self, side: Side) -> Option<PortError> {
        let live = self.lock();
        match side {
            Side::Platform => live.platform.problem.clone(),
            Side::Calendar => live.calendar.problem.clone(),
        }
    }

    /// True if this laptop may write: nobody else holds the lease, and ours has not run out.
    pub fn holds_lease(&self) -> bool {
        if !self.offers("writer_lease") || bug::is_on(Bug::LeaseNotChecked) {
            return true;
        }
        let now = self.now();
        self.lock()
            .writer
            .as_ref()
            .is_some_and(|writer| writer.device_id == self.config.device_id && writer.expires_at > now)
    }

    /// The other laptop that writes, if there is one.
    pub fn other_writer(&self) -> Option<Writer> {
        let now = self.now();
        let writer = self.lock().writer.clone()?;
        (writer.device_id != self.config.device_id && writer.expires_at > now).then_some(writer)
    }
}
