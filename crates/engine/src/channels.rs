//! Channels of the calendar's notices: kept in the ledger, made, renewed and stopped as `core::channel` says.

use crate::engine::{Engine, EngineEvent};
use crate::ledger::{Change, LedgerError};
use crate::live::Connection;
use crate::outcome::error_code;
use crate::ports::{Hinted, PortError};
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::channel::{self, Channel, Step, Wanted};
use roundtrip_core::echo::{Echoes, Look};
use roundtrip_core::event::EventChange;
use roundtrip_core::ids::ChannelId;
use std::sync::atomic::Ordering;

/// The question what is to be done is asked again at least this often: a laptop's clock may be set.
const LONGEST_WAIT: Duration = Duration::hours(1);
/// A change counts as missed only if its notice has had so long to come.
const NOTICE_TAKES: Duration = Duration::seconds(60);
/// By so much the service's clock, as it is known here, may be behind or ahead.
const CLOCKS_DIFFER: Duration = Duration::seconds(5);

/// What is known of the channels, in memory.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// As in the ledger.
    all: Vec<Channel>,
    loaded: bool,
    /// When the last notice of a change came: what changed before is told.
    told_at: Option<DateTime<Utc>>,
    /// Own writes, whose notices need no look of their own at once.
    echoes: Echoes,
    /// Changes found without a notice, in a row. How many there were in a day is counted with its figures.
    missed: u32,
    /// Tries to make one that failed, in a row.
    failures: u32,
    not_before: Option<DateTime<Utc>>,
    /// Why the last try failed.
    problem: Option<&'static str>,
}

/// What Diagnostics tells of the channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelView {
    /// When the newest was made, in the services' time; none if there is none.
    pub renewed_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Its first notice has come.
    pub heard: bool,
    /// Why there is none, or no new one, by stable code.
    pub problem: Option<&'static str>,
}

impl Engine {
    /// How the calendar's notices come, for Diagnostics.
    pub fn channel_view(&self) -> ChannelView {
        let now = self.now();
        let channels = self.channels();
        let newest = newest(&channels.all, now);
        ChannelView {
            renewed_at: newest.map(|channel| channel.opened_at),
            expires_at: newest.map(|channel| channel.expires_at),
            heard: newest.is_some_and(|channel| channel.heard_at.is_some()),
            problem: channels.problem,
        }
    }

    /// A notice of a calendar came over the stream. One of a channel that is not known costs nothing more than this look.
    pub(crate) fn notice(&self, id: &str, state: &str) {
        let now = self.now();
        let mut channels = self.channels();
        let Some(place) = channels.all.iter().position(|channel| channel.id.as_str() == id) else {
            drop(channels);
            tracing::debug!("a notice of a channel that is not known");
            return;
        };
        let known = &channels.all[place];
        // One that has a successor and is not trusted is not trusted again: it missed something, or never spoke in time.
        let replaced = channels
            .all
            .iter()
            .any(|other| other.calendar == known.calendar && other.opened_at > known.opened_at);
        let first = known.heard_at.is_none() && !replaced;
        if first {
            channels.all[place].heard_at = Some(now);
        }
        // `sync` only says that the channel works.
        let change = state != "sync";
        let mut look = Look::PutOff;
        if change {
            channels.told_at = Some(now);
            channels.missed = 0;
            let in_use = self.in_use.load(Ordering::Relaxed);
            look = channels.echoes.heard(self.clock.monotonic(), in_use);
        }
        drop(channels);
        self.reckon_pushed();
        if first {
            // It is written down, and an older one is not needed any more.
            self.channel_wake.notify_one();
        }
        if look == Look::AtOnce {
            self.hint(Hinted::Calendar);
        }
    }

    /// A write to the calendar is sent. Where nobody listens its notice finds nobody, and none counts as its echo later.
    pub(crate) fn calendar_write_sent(&self) {
        if !self.lock().pushed.calendar {
            return;
        }
        let now = self.clock.monotonic();
        self.channels().echoes.sent(now);
    }

    /// It changed nothing, or nobody knows.
    pub(crate) fn calendar_write_failed(&self) {
        self.channels().echoes.failed();
    }

    /// The calendar is about to be read.
    pub(crate) fn calendar_is_looked_at(&self) {
        self.channels().echoes.looks();
    }

    /// How long until a look that was put off comes; none if none was.
    pub(crate) fn put_off_for(&self) -> Option<std::time::Duration> {
        self.channels().echoes.left(self.clock.monotonic())
    }

    /// A look that was put off because a notice may have been of our own write is asked for when its time has come, or when
    /// somebody looks at the window.
    pub(crate) fn ask_for_what_was_put_off(&self) {
        let in_use = self.in_use.load(Ordering::Relaxed);
        let now = self.clock.monotonic();
        let due = {
            let echoes = &mut self.channels().echoes;
            let due = echoes.left(now).is_some_and(|left| in_use || left.is_zero());
            if due {
                echoes.looks();
            }
            due
        };
        if due {
            self.hint(Hinted::Calendar);
        }
    }

    /// The calendar was read. What changed there without a notice, although one had time to come, was missed.
    pub(crate) fn calendar_was_read(&self, items: &[EventChange]) {
        let now = self.now();
        let listening_since = match self.lock().connection {
            Connection::Open { since } => since,
            _ => now,
        };
        let mut channels = self.channels();
        let Some(heard_since) = newest(&channels.all, now).and_then(|newest| newest.heard_at) else {
            return;
        };
        let mut since = listening_since.max(heard_since);
        if let Some(told_at) = channels.told_at {
            since = since.max(told_at + CLOCKS_DIFFER);
        }
        let missed = items
            .iter()
            .filter_map(updated)
            .any(|updated| updated > since && updated < now - NOTICE_TAKES);
        if missed {
            channels.missed = channels.missed.saturating_add(1);
            tracing::info!(count = channels.missed, "a change came without a notice");
            drop(channels);
            self.tally().day.missed += 1;
            self.reckon_pushed();
            self.channel_wake.notify_one();
        }
    }

    /// Whether the calendar's changes are hinted at.
    pub(crate) fn reckon_pushed(&self) {
        let now = self.now();
        let trusted = {
            let channels = self.channels();
            channels.missed == 0
                && channels
                    .all
                    .iter()
                    .any(|channel| channel.lives(now) && channel.heard_at.is_some())
        };
        let mut live = self.lock();
        live.pushed.calendar = trusted && live.pushed.stream;
    }

    pub(crate) async fn load_channels(&self) {
        if self.channels().loaded {
            return;
        }
        match self.ledger.channels().await {
            Ok(known) => {
                let mut channels = self.channels();
                (channels.all, channels.loaded) = (known, true);
            }
            Err(error) => tracing::warn!(%error, "the channels could not be read"),
        }
    }

    /// Makes, renews and stops channels as they become due.
    pub(crate) async fn keep_channels(&self) {
        // What was loaded is written down already.
        let mut heard_kept: Vec<ChannelId> = {
            let channels = self.channels();
            let heard = channels.all.iter().filter(|channel| channel.heard_at.is_some());
            heard.map(|channel| channel.id.clone()).collect()
        };
        loop {
            self.load_channels().await;
            if let Err(error) = self.keep_heard(&mut heard_kept).await {
                tracing::warn!(%error, "a channel could not be written down");
            }
            let wait = match self.next_channel_step().await {
                Step::Make => self.make_channel().await,
                Step::Stop(id) => self.stop_channel(&id).await,
                Step::Forget(id) => self.forget_channel(&id).await,
                Step::Wait(at) => {
                    let until = at.map_or(LONGEST_WAIT, |at| at - self.now());
                    Some(until.clamp(Duration::seconds(1), LONGEST_WAIT))
                }
            };
            self.reckon_pushed();
            let Some(wait) = wait else { continue };
            tokio::select! {
                biased;
                () = self.channel_wake.notified() => {}
                () = self.clock.sleep(wait.to_std().unwrap_or_default()) => {}
            }
        }
    }

    async fn next_channel_step(&self) -> Step {
        let state = self.ledger.sync_state().await;
        // Before a service has told the time nobody knows which channels have run out.
        let (Ok(state), true) = (state, self.time_is_told() && self.channels().loaded) else {
            return Step::Wait(None);
        };
        let now = self.now();
        let wants = state.started && self.offers("calendar_relay") && self.offers("stream");
        let listens = self.lock().pushed.stream;
        let channels = self.channels();
        let wanted = Wanted {
            calendar: wants.then_some(&self.config.identity.calendar),
            may_make: listens,
            not_before: channels.not_before,
            missed: channels.missed,
            now,
        };
        channel::next(&channels.all, &wanted)
    }

    /// Writes down which channels were heard of, so that the next start knows it.
    async fn keep_heard(&self, kept: &mut Vec<ChannelId>) -> Result<(), LedgerError> {
        let heard: Vec<Channel> = {
            let channels = self.channels();
            let heard = |id: &ChannelId| {
                let mut all = channels.all.iter();
                all.any(|channel| channel.id == *id && channel.heard_at.is_some())
            };
            kept.retain(heard);
            let heard = channels.all.iter();
            let heard = heard.filter(|channel| channel.heard_at.is_some() && !kept.contains(&channel.id));
            heard.cloned().collect()
        };
        for channel in heard {
            let id = channel.id.clone();
            self.ledger
                .commit(vec![Change::PutChannel(Box::new(channel))])
                .await?;
            kept.push(id);
        }
        Ok(())
    }

    /// One more channel. It is in the ledger before the calendar service hears of it, so that a crash leaves none that
    /// nobody knows. Answers how long to wait before the next step, if that is to wait.
    async fn make_channel(&self) -> Option<Duration> {
        match self.try_to_make_channel().await {
            Ok(()) => {
                self.distrust_older().await;
                let next_one = self.now() + channel::APART;
                let mut channels = self.channels();
                (channels.failures, channels.missed, channels.told_at) = (0, 0, None);
                (channels.not_before, channels.problem) = (Some(next_one), None);
                drop(channels);
                tracing::info!("the calendar sends notices");
                self.tell(EngineEvent::Changed);
                None
            }
            Err(error) => {
                let wait = self.wait_after_failure(&error);
                tracing::info!(
                    code = error_code(&error),
                    seconds = wait.num_seconds(),
                    "no notices of the calendar"
                );
                self.tell(EngineEvent::Changed);
                // Not at once: the ledger itself may be what fails.
                Some(wait.min(LONGEST_WAIT))
            }
        }
    }

    /// A successor was made because of what the channels so far missed: they count as never heard of, so that nothing but a
    /// notice of the successor brings the trust back.
    async fn distrust_older(&self) {
        let distrusted: Vec<Channel> = {
            let mut channels = self.channels();
            if channels.missed == 0 {
                return;
            }
            let newest = channels.all.iter().max_by_key(|channel| channel.opened_at);
            let newest = newest.map(|newest| newest.id.clone());
            let older = channels.all.iter_mut();
            let older = older.filter(|channel| Some(&channel.id) != newest.as_ref());
            let heard = older.filter(|channel| channel.heard_at.is_some());
            heard
                .map(|channel| {
                    channel.heard_at = None;
                    channel.clone()
                })
                .collect()
        };
        if distrusted.is_empty() {
            return;
        }
        let put = distrusted.into_iter().map(Box::new).map(Change::PutChannel);
        if let Err(error) = self.ledger.commit(put.collect()).await {
            tracing::warn!(%error, "a channel could not be written down");
        }
    }

    async fn try_to_make_channel(&self) -> Result<(), PortError> {
        let calendar = self.config.identity.calendar.clone();
        let relay = self.platform.open_channel(self.calendar.provider()).await?;
        let mut fresh = Channel {
            id: ChannelId::new(relay.id.clone()),
            calendar: calendar.clone(),
            resource: None,
            opened_at: self.now(),
            expires_at: relay.expires_at,
            heard_at: None,
        };
        if !channel::lasts(fresh.expires_at, fresh.opened_at) {
            self.close_at_relay(&fresh.id).await;
            return Err(too_short());
        }
        if let Err(error) = self.put_channel(fresh.clone()).await {
            tracing::warn!(%error, "a channel could not be written down");
            self.close_at_relay(&fresh.id).await;
            return Err(PortError::Unreachable { nothing_sent: true });
        }
        match self.calendar.watch(&calendar, &relay).await {
            Ok(watched) => {
                let resource = watched.resource;
                fresh.resource = Some(resource.clone());
                fresh.expires_at = watched
                    .expires_at
                    .map_or(relay.expires_at, |at| at.min(relay.expires_at));
                if !channel::lasts(fresh.expires_at, fresh.opened_at) {
                    // What is not reached runs out by itself, and soon.
                    if let Err(error) = self.calendar.stop_watch(fresh.id.as_str(), &resource).await {
                        tracing::debug!(code = error_code(&error), "a short channel was not stopped");
                    }
                    self.close_at_relay(&fresh.id).await;
                    self.forget_channel(&fresh.id).await;
                    return Err(too_short());
                }
                // Its first notice may have come before this answer.
                fresh.heard_at = self
                    .channels()
                    .all
                    .iter()
                    .find(|known| known.id == fresh.id)
                    .and_then(|known| known.heard_at);
                if let Err(error) = self.put_channel(fresh).await {
                    // In memory it is whole; after a restart it is stopped as one whose answer never came.
                    tracing::warn!(%error, "a channel could not be written down");
                }
                Ok(())
            }
            Err(error) => {
                self.close_at_relay(&fresh.id).await;
                self.forget_channel(&fresh.id).await;
                Err(error)
            }
        }
    }

    /// Nothing but the relay's side: the calendar service's notices find nobody then, which ends them.
    async fn close_at_relay(&self, id: &ChannelId) {
        if let Err(error) = self.platform.close_channel(id.as_str()).await {
            tracing::debug!(code = error_code(&error), "a channel of the relay was not closed");
        }
    }

    fn wait_after_failure(&self, error: &PortError) -> Duration {
        let asked = match error {
            PortError::Throttled { retry_after } | PortError::ServerTrouble { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        };
        let refused = !matches!(
            error,
            PortError::Throttled { .. }
                | PortError::ServerTrouble { .. }
                | PortError::Unreachable { .. }
                | PortError::WrongCertificate
                | PortError::BadAnswer { .. }
        );
        let (now, random) = (self.now(), self.clock.random());
        let mut channels = self.channels();
        channels.failures = channels.failures.saturating_add(1);
        let wait = channel::retry_after(refused, channels.failures, random);
        let asked = asked
            .and_then(|asked| Duration::from_std(asked).ok())
            .unwrap_or_default();
        let wait = wait.max(asked.min(Duration::hours(24)));
        channels.not_before = Some(now + wait);
        channels.problem = Some(error_code(error));
        wait
    }

    /// Ends a channel at both services. One that a service does not know any more has ended. Answers how long to wait
    /// before it is tried again.
    async fn stop_channel(&self, id: &ChannelId) -> Option<Duration> {
        match self.end_channel(id).await {
            Ok(()) => self.forget_channel(id).await,
            Err(error) => {
                tracing::info!(code = error_code(&error), "a channel could not be stopped yet");
                Some(channel::retry_after(false, 4, self.clock.random()))
            }
        }
    }

    async fn end_channel(&self, id: &ChannelId) -> Result<(), PortError> {
        let resource = {
            let channels = self.channels();
            let known = channels.all.iter().find(|channel| channel.id == *id);
            known.and_then(|channel| channel.resource.clone())
        };
        if let Some(resource) = resource {
            ended(self.calendar.stop_watch(id.as_str(), &resource).await)?;
        }
        ended(self.platform.close_channel(id.as_str()).await)
    }

    /// Stops every channel of this connection, as far as the services can be reached: it is left. What is not reached runs
    /// out by itself, and its notices find nobody.
    pub async fn stop_channels(&self) {
        self.load_channels().await;
        let known: Vec<ChannelId> = self
            .channels()
            .all
            .iter()
            .map(|channel| channel.id.clone())
            .collect();
        for id in known {
            if let Err(error) = self.end_channel(&id).await {
                tracing::info!(code = error_code(&error), "a channel could not be stopped");
            }
            self.forget_channel(&id).await;
        }
        self.reckon_pushed();
    }

    async fn put_channel(&self, channel: Channel) -> Result<(), LedgerError> {
        {
            let all = &mut self.channels().all;
            all.retain(|known| known.id != channel.id);
            all.push(channel.clone());
        }
        self.ledger
            .commit(vec![Change::PutChannel(Box::new(channel))])
            .await
    }

    async fn forget_channel(&self, id: &ChannelId) -> Option<Duration> {
        self.channels().all.retain(|channel| channel.id != *id);
        let gone = self.ledger.commit(vec![Change::DeleteChannel(id.clone())]).await;
        if let Err(error) = gone {
            tracing::warn!(%error, "a channel that has ended is still in the ledger");
        }
        self.tell(EngineEvent::Changed);
        None
    }
}

/// A channel that has ended when it begins would be made over and over.
fn too_short() -> PortError {
    PortError::BadAnswer {
        what: "channel".into(),
    }
}

fn newest(channels: &[Channel], now: DateTime<Utc>) -> Option<&Channel> {
    let living = channels.iter().filter(|channel| channel.lives(now));
    living.max_by_key(|channel| channel.opened_at)
}

fn updated(item: &EventChange) -> Option<DateTime<Utc>> {
    match item {
        EventChange::Live(event) | EventChange::Foreign(event) => event.updated,
        EventChange::Deleted { updated, .. } => *updated,
        EventChange::Unreadable { .. } => None,
    }
}

/// Only what may work later is an error: whatever else a service says to the wish to stop, it will say again.
fn ended(answer: Result<(), PortError>) -> Result<(), PortError> {
    match answer {
        Err(
            error @ (PortError::Unreachable { .. }
            | PortError::WrongCertificate
            | PortError::Throttled { .. }
            | PortError::ServerTrouble { .. }
            | PortError::BadAnswer { .. }
            | PortError::QuotaGone),
        ) => Err(error),
        _ => Ok(()),
    }
}
