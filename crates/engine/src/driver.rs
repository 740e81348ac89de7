//! When cycles run: when it is time for a check, when asked, when something becomes due, on wake-up and when the network is
//! back. When it is time is decided in [`roundtrip_core::schedule`].

use crate::cycle::CycleReport;
use crate::engine::{Engine, EngineEvent};
use crate::ledger::{RunResult, Trigger};
use crate::ports::PortError;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use roundtrip_core::awake::{self, Clocks, Look};
use roundtrip_core::schedule::{self, Allowance, Burst, Chance, Check, Known, Sides, Situation};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;

/// The clocks are compared this often; what [`roundtrip_core::awake`] says of it is a wake-up.
const TICK_SECONDS: u64 = 30;
/// The same where the system tells of each jump of the clock: an idle laptop is not woken for it. Less than what
/// `core::silence` takes for slept through.
const QUIET_TICK_SECONDS: u64 = 4 * 60;

/// What the driver remembers from check to check. Times are the services'.
struct Looks {
    every_minutes: u32,
    full_at: Option<DateTime<Utc>>,
    /// Platform, calendar.
    tried_at: [Option<DateTime<Utc>>; 2],
    lost_since: [Option<DateTime<Utc>>; 2],
    /// Whether each told its changes by itself when that was last looked at, and since when it does no longer.
    pushed: [bool; 2],
    unpushed_at: [Option<DateTime<Utc>>; 2],
    /// The last try of a full reconcile.
    full_tried_at: Option<DateTime<Utc>>,
    /// Not before this the platform is told again how this laptop does.
    told_at: Option<DateTime<Utc>>,
    edited_at: Option<DateTime<Utc>>,
    allowance: Allowance,
    /// Drawn once per check, so that thinking again does not draw until it is soon.
    random: u64,
    due_at: Option<DateTime<Utc>>,
    /// A burst of hints that something due came before, and whether the platform hinted in it.
    burst: Option<(Burst, bool)>,
    /// Not before this, whatever is due; with the reason for which it goes on then.
    instead: Option<(DateTime<Utc>, Trigger)>,
}

/// What comes next.
#[derive(Clone, Copy)]
struct Next {
    at: DateTime<Utc>,
    trigger: Trigger,
    check: Option<Check>,
}

impl Engine {
    /// Asks for a cycle soon. Several askings before it starts are one.
    pub fn ask_for(&self, trigger: Trigger) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // "Sync now" is not hidden by a lesser reason, and nothing by a hint, which waits for its burst to end.
        let lesser = trigger == Trigger::Hint && asked.is_some();
        if *asked != Some(Trigger::Manual) && !lesser {
            *asked = Some(trigger);
        }
        drop(asked);
        self.wake.notify_one();
    }

    /// Somebody looks at the window, or does no longer. While one does, changes show soon.
    pub fn window_is_in_use(&self, in_use: bool) {
        if self.in_use.swap(in_use, Ordering::Relaxed) != in_use {
            self.wake.notify_one();
            if in_use {
                self.stream_hurry.notify_one();
            }
        }
    }

    /// The system says that there is a network, perhaps again and again. A side that could not be reached is tried, at once
    /// unless that was just done.
    pub fn network_is_back(&self) {
        let now = self.now();
        let missed = {
            let mut live = self.lock();
            let lost = |problem: &Option<PortError>| problem.as_ref().is_some_and(is_lost);
            let missed = lost(&live.platform.problem) || lost(&live.calendar.problem);
            if missed {
                live.network_back_at = Some(now);
            }
            missed
        };
        if missed {
            self.wake.notify_one();
        }
    }

    /// Somebody came back to the laptop, by unlocking its screen. The calendar is to be fresh when they open it: it counts as a
    /// moment's look at the window.
    pub fn somebody_is_back(&self) {
        let now = self.now();
        let news = {
            let mut live = self.lock();
            let news = !schedule::counts_as_looking(live.came_back_at, now);
            if news {
                live.came_back_at = Some(now);
            }
            news
        };
        // Any program of the session may say so, as often as it likes.
        if news {
            self.wake.notify_one();
        }
    }

    /// When the driver looks next, by the services' time; none while it does not run.
    pub fn next_check_at(&self) -> Option<DateTime<Utc>> {
        self.lock().next_check_at
    }

    fn take_asked(&self) -> Option<Trigger> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A mistake of ours ended what drove this engine in the middle of something: no run goes on, and one that the history shows
    /// as running is ended by the next.
    pub fn has_broken(&self) {
        let mut live = self.lock();
        (live.progress, live.settled, live.next_check_at) = (None, false, None);
        drop(live);
        self.tell(EngineEvent::Changed);
    }

    /// Until the trainer asks for something that needs a cycle, while nothing drives this engine. What was asked for is still there
    /// for whoever drives it next.
    pub async fn asked_for(&self) {
        loop {
            // Waited for first: what was asked for before and is still there has woken somebody already.
            self.wake.notified().await;
            let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(asked, Some(Trigger::Manual | Trigger::Changed)) {
                return;
            }
        }
    }

    /// Runs cycles until cancelled. A cycle under way finishes the item it is at.
    pub async fn drive(&self, stop: CancellationToken) {
        let mut looks = self.first_looks().await;
        self.note_wake_up();
        loop {
            let mut next = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                next = self.wait_for_next(&mut looks) => next,
            };
            // Wherever it slept, in a cycle too: the next one looks at both sides before anything is written.
            self.look_at_clocks(None);
            // "Sync now" reads both as well, and is not put off by a pause: the wake-up comes after it.
            if next.trigger != Trigger::Manual && std::mem::take(&mut self.lock().slept) {
                next.trigger = Trigger::WakeUp;
                next.check = None;
            }
            if next.trigger != Trigger::Manual
                && let Some(end) = self.end_of_rest().await
            {
                looks.instead = Some((end, Trigger::Changed));
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    () = self.tell_of_rest() => {}
                }
                continue;
            }
            self.lock().due = next
                .check
                .map(|check| [check.sides.platform, check.sides.calendar]);
            if next.check.is_some_and(|check| check.fast) {
                looks.allowance = looks.allowance.after_one(self.now());
            }
            let report = tokio::select! {
                biased;
                report = self.cycle_unless(next.trigger, &stop) => match report {
                    Some(report) => report,
                    None => break,
                },
                () = async { stop.cancelled().await; self.cancel_cycle(); std::future::pending::<()>().await } => break,
            };
            if next.trigger == Trigger::WakeUp {
                // What it could not reach before it slept says nothing about now, and a network often takes some seconds.
                looks.lost_since = [None; 2];
            }
            if looks.burst.is_some() {
                self.ask_for(Trigger::Hint);
            }
            match report {
                Ok(report) => self.look_back(&mut looks, &report).await,
                Err(error) => {
                    tracing::warn!(%error, "the ledger could not be used; trying again in a minute");
                    looks.instead = Some((self.now() + Duration::minutes(1), Trigger::Timer));
                }
            }
        }
        self.lock().next_check_at = None;
        // Whoever uses the engine from now on looks at the clocks for itself, and no look of ours is late.
        let mut live = self.lock();
        (live.looked, live.looked_in_run) = (None, None);
    }

    async fn first_looks(&self) -> Looks {
        let mut looks = Looks {
            every_minutes: 15,
            full_at: None,
            tried_at: [None; 2],
            lost_since: [None; 2],
            pushed: [false; 2],
            unpushed_at: [None; 2],
            full_tried_at: None,
            told_at: None,
            edited_at: None,
            allowance: Allowance::default(),
            random: self.clock.random(),
            due_at: None,
            burst: None,
            instead: None,
        };
        self.look_up(&mut looks).await;
        let cut_off = match self.ledger.runs(DateTime::UNIX_EPOCH, 1).await {
            Ok(runs) => runs.iter().any(|run| run.result == RunResult::Running),
            Err(_) => true,
        };
        let waits = self.ledger.outbox().await.map_or(true, |rows| !rows.is_empty());
        let first = schedule::first(&self.situation(&looks), cut_off || waits, self.chance(&looks));
        looks.instead = Some((first, Trigger::Start));
        looks
    }

    /// What the ledger says about the last readings.
    async fn look_up(&self, looks: &mut Looks) {
        if let Ok(settings) = self.ledger.settings().await {
            looks.every_minutes = settings.every_minutes;
        }
        if let Ok(state) = self.sync_state().await {
            looks.full_at = state.full_at;
            for (tried, read) in looks
                .tried_at
                .iter_mut()
                .zip([state.platform_read_at, state.calendar_read_at])
            {
                *tried = (*tried).max(read);
            }
        }
    }

    /// After a cycle.
    async fn look_back(&self, looks: &mut Looks, report: &CycleReport) {
        self.look_up(looks).await;
        let now = self.now();
        // Also where only a write did not arrive, or the side was left alone this time.
        let problems = {
            let live = self.lock();
            [&live.platform.problem, &live.calendar.problem].map(|problem| problem.as_ref().map(is_lost))
        };
        let errors = [report.platform.is_some(), report.calendar.is_some()];
        for side in 0..2 {
            if errors[side] && report.tried[side] {
                looks.tried_at[side] = Some(now);
            }
            looks.lost_since[side] = match problems[side] {
                Some(true) => Some(looks.lost_since[side].unwrap_or(now)),
                Some(false) | None => None,
            };
        }
        if report.full {
            looks.full_tried_at = Some(now);
        }
        // A cycle of a clock that was ahead leaves times of the future behind.
        for tried in &mut looks.tried_at {
            *tried = tried.map(|at| at.min(now));
        }
        if report.counts.moved_back + report.counts.notes_back > 0 {
            looks.edited_at = Some(now);
        }
        looks.random = self.clock.random();
        looks.due_at = report.next_due_at;
        looks.instead = None;
    }

    fn situation(&self, looks: &Looks) -> Situation {
        let now = self.now();
        let live = self.lock();
        let me = live.me.as_ref().map(|(_, me)| me);
        let (zone, min_poll_seconds) = me.map_or((Tz::UTC, 0), |me| (me.time_zone, me.min_poll_seconds));
        let network_back_at = live.network_back_at;
        let came_back_at = live.came_back_at;
        drop(live);
        // One look is what they came for; a side that tells its changes by itself needs none.
        let looked = (0..2).all(|side| looks.pushed[side] || looks.tried_at[side] > came_back_at);
        let came_back = schedule::counts_as_looking(came_back_at, now) && !looked;
        let known = |side: usize| Known {
            tried_at: looks.tried_at[side],
            lost_since: looks.lost_since[side],
            pushed: looks.pushed[side],
            unpushed_at: looks.unpushed_at[side],
            network_back_at,
        };
        Situation {
            now,
            zone,
            every_minutes: looks.every_minutes,
            min_poll_seconds,
            in_use: came_back || self.in_use.load(Ordering::Relaxed),
            edited_at: looks.edited_at,
            sides: Sides {
                platform: known(0),
                calendar: known(1),
            },
            full_at: looks.full_at,
            full_tried_at: looks.full_tried_at,
            awake_since: self.awake_since(now),
            allowance: looks.allowance,
        }
    }

    fn chance(&self, looks: &Looks) -> Chance {
        Chance {
            random: looks.random,
            device: self.device_number(),
        }
    }

    /// Always the same on this installation.
    pub fn device_number(&self) -> u64 {
        schedule::device_number(self.config.device_id.as_str())
    }

    fn next(&self, looks: &Looks) -> Next {
        let situation = self.situation(looks);
        if let Some((at, trigger)) = looks.instead {
            // A start that was put off is not, once somebody looks.
            let at = if trigger == Trigger::Start && situation.in_use {
                situation.now
            } else {
                at
            };
            return Next {
                at,
                trigger,
                check: None,
            };
        }
        let check = schedule::next(&situation, self.chance(looks));
        let lost = looks.lost_since.iter().any(Option::is_some);
        let timer = Next {
            at: check.at,
            trigger: if lost {
                Trigger::NetworkBack
            } else {
                Trigger::Timer
            },
            check: Some(check),
        };
        match looks.due_at {
            Some(due) if due < check.at => Next {
                at: due,
                trigger: Trigger::Due,
                check: None,
            },
            _ => timer,
        }
    }

    /// Which side is left to its hints now.
    fn look_at_pushes(&self, looks: &mut Looks) {
        let now = self.now();
        let pushed = {
            let live = self.lock();
            [
                schedule::is_left_to_hints(live.pushed.stream, live.platform.problem.is_some()),
                schedule::is_left_to_hints(live.pushed.calendar, live.calendar.problem.is_some()),
            ]
        };
        for (side, still) in pushed.into_iter().enumerate() {
            if looks.pushed[side] && !still {
                looks.unpushed_at[side] = Some(now);
            }
        }
        looks.pushed = pushed;
    }

    /// Looks at both clocks; the driver looks again within this time, if that is known. If the laptop slept since the last look,
    /// it is awake from now on, a cycle under way ends with the writes it is at, and one that reads both sides follows. True if
    /// it slept.
    fn look_at_clocks(&self, again_within: Option<std::time::Duration>) -> bool {
        self.look_at_both(|_| again_within)
    }

    /// The same, between two looks of the driver.
    pub(crate) fn look_meanwhile(&self) {
        self.look_at_both(|known| known);
    }

    /// The same, by the shell while a run goes on: it looks again within this time, however long the run waits for an answer.
    /// None: the run is over.
    pub fn look_in_run(&self, again_within: Option<std::time::Duration>) {
        self.look_meanwhile();
        let clocks = self.clocks();
        self.lock().looked_in_run = again_within.map(|within| Look {
            clocks,
            next_within: Some(within),
        });
    }

    fn look_at_both(
        &self,
        again_within: impl FnOnce(Option<std::time::Duration>) -> Option<std::time::Duration>,
    ) -> bool {
        let clocks = self.clocks();
        {
            let mut live = self.lock();
            let before = live.looked;
            live.looked = Some(Look {
                clocks,
                next_within: again_within(before.and_then(|look| look.next_within)),
            });
            let mut looks = [before, live.looked_in_run].into_iter().flatten();
            if !looks.any(|look| awake::slept(&look, clocks)) {
                return false;
            }
            if let Some(look) = &mut live.looked_in_run {
                look.clocks = clocks;
            }
            live.woken = Some(clocks.running);
            live.slept = true;
        }
        tracing::info!("the laptop slept, or its clock was set");
        self.cancel_cycle();
        true
    }

    fn clocks(&self) -> Clocks {
        Clocks {
            wall: self.clock.now(),
            running: self.clock.monotonic(),
        }
    }

    /// The laptop is awake from now on.
    fn note_wake_up(&self) {
        let now = self.clock.monotonic();
        self.lock().woken = Some(now);
    }

    /// Tells the platform how this laptop does if half an hour has passed without a run that did, which also renews the
    /// lease, and asks what is allowed. Answers when that is to be thought of again.
    async fn tell_in_time(&self, looks: &mut Looks) -> DateTime<Utc> {
        let now = self.now();
        let at = self
            .told_again_at()
            .max(looks.told_at.unwrap_or(now - Duration::days(1)));
        if at > now {
            return at.max(now + Duration::minutes(1));
        }
        let again = now + schedule::TOLD_AGAIN;
        looks.told_at = Some(again);
        match self.end_of_rest().await {
            Some(_) => self.tell_of_rest().await,
            None => self.tell_again().await,
        }
        again
    }

    async fn wait_for_next(&self, looks: &mut Looks) -> Next {
        let asked = |trigger| Next {
            at: self.now(),
            trigger,
            check: None,
        };
        loop {
            self.keep_watch().await;
            self.ask_for_what_was_put_off();
            match self.take_asked() {
                Some(Trigger::Hint) => {
                    let trigger = self.after_hints(looks).await;
                    self.look_at_pushes(looks);
                    let next = self.next(looks);
                    // A platform that hints without end keeps nothing from its time; what was hinted at is read with it.
                    let is_time = trigger == Trigger::Hint && next.check.is_some() && next.at <= self.now();
                    return if is_time { next } else { asked(trigger) };
                }
                Some(trigger) => return asked(trigger),
                None => {}
            }
            self.look_at_pushes(looks);
            let tell_at = self.tell_in_time(looks).await;
            // Thought through anew each time: the window, the clocks and what the platform wants may have changed.
            let next = self.next(looks);
            self.tell_next(next.at);
            let tick = std::time::Duration::from_secs(match self.clock.tells_jumps() {
                true => QUIET_TICK_SECONDS,
                false => TICK_SECONDS,
            });
            let until = (next.at - self.now()).to_std().unwrap_or_default().min(tick);
            if until.is_zero() {
                return next;
            }
            let until = until.min((tell_at - self.now()).to_std().unwrap_or_default());
            let until = self.put_off_for().map_or(until, |left| until.min(left));
            // A clock that was set back would leave the next time far ahead: it is a reason to look at once, too.
            if self.look_at_clocks(Some(until)) || self.lock().slept {
                return asked(Trigger::WakeUp);
            }
            tokio::select! {
                biased;
                () = self.wake.notified() => {}
                () = self.clock.jump() => {}
                () = self.clock.sleep(until) => {}
            }
            if self.look_at_clocks(None) {
                return asked(Trigger::WakeUp);
            }
        }
    }

    fn tell_next(&self, at: DateTime<Utc>) {
        let known = self.lock().next_check_at.replace(at);
        if known.is_none_or(|known| (known - at).abs() > Duration::seconds(1)) {
            self.tell(EngineEvent::Changed);
        }
    }

    /// Waits until a burst of hints is over (P6). Whatever else is asked for meanwhile does not wait, nor does what becomes
    /// due: a report goes on its way while the answers to the last one still come in. What the platform hinted at is then left
    /// for the end of the burst, which is no later for it. A hint of the calendar is looked after at once: it may be another
    /// drag of what is about to be reported.
    async fn after_hints(&self, looks: &mut Looks) -> Trigger {
        let mut burst = match looks.burst.take() {
            Some((burst, platform)) => {
                self.lock().hinted[0] |= platform;
                burst
            }
            None => Burst::begin(self.clock.monotonic()),
        };
        loop {
            let left = burst.ends_at().saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return Trigger::Hint;
            }
            let due = looks
                .due_at
                .filter(|_| looks.instead.is_none())
                .map(|due| (due - self.now()).to_std().unwrap_or_default());
            if due.is_some_and(|due| due.is_zero()) {
                looks.burst = Some((burst, std::mem::take(&mut self.lock().hinted[0])));
                return Trigger::Due;
            }
            tokio::select! {
                biased;
                () = self.wake.notified() => {}
                () = self.clock.sleep(due.map_or(left, |due| due.min(left))) => {}
            }
            match self.take_asked() {
                Some(Trigger::Hint) => burst.more(self.clock.monotonic()),
                Some(trigger) => return trigger,
                // Over, or a wake-up left over from what was taken already.
                None => {}
            }
        }
    }

    /// When the pause that lasts ends, or the switch that is off; none if syncing is wanted.
    async fn end_of_rest(&self) -> Option<DateTime<Utc>> {
        let settings = self.ledger.settings().await.ok()?;
        self.rests_until(&settings, &self.sync_state().await.ok()?)
    }
}

/// Nobody answered, or somebody who cannot now and does not say until when.
fn is_lost(error: &PortError) -> bool {
    matches!(
        error,
        PortError::Unreachable { .. }
            | PortError::WrongCertificate
            | PortError::ServerTrouble {
                retry_after: None,
                ..
            }
    )
}
