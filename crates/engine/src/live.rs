//! The platform's stream of hints, beside the cycles: opened, listened to, opened again; and what is said of it.
//!
//! The stream replaces nothing. It makes the timer's next run come early; while it cannot be had, or makes no sense, the
//! timer is all there is, and that is said.

use crate::engine::{Engine, EngineEvent};
use crate::ledger::Trigger;
use crate::outcome::error_code;
use crate::ports::{Heard, Hint, HintStream, Hinted, PortError, SyncPolicy};
use chrono::{DateTime, Utc};
use roundtrip_core::reconnect::{self, CatchUp, Flow, Gap, LONGEST_SILENCE, STOOD, Trouble};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where the stream of hints is, for Diagnostics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// The platform has none, or syncing has not begun.
    #[default]
    None,
    /// It is being opened.
    Opening,
    /// Hints come.
    Open {
        /// Since when, in the services' time.
        since: DateTime<Utc>,
    },
    /// None come: changes are found by looking.
    Broken {
        /// Stable code: `lost`, `silent`, `not_found`, `not_a_stream`, `garbage`, `endless`, or one of a service's problems.
        reason: &'static str,
        /// Since when, in the services' time.
        since: DateTime<Utc>,
        /// When it is tried again.
        again_at: DateTime<Utc>,
    },
}

/// How a stream ended.
struct Ended {
    reason: &'static str,
    trouble: Trouble,
    /// Up to its last sign of life; none: it was never open.
    stood: Option<Duration>,
}

/// What is kept from stream to stream.
#[derive(Default)]
struct Thread {
    /// Id of the last event, for going on from there.
    last_id: Option<String>,
    /// One stream of this process was open.
    had_one: bool,
    catch_up: CatchUp,
}

impl Engine {
    /// Listens to the platform and keeps the calendar's notices coming, until cancelled. Runs beside [`Engine::drive`],
    /// which makes cycles of the hints.
    pub async fn listen(&self, stop: CancellationToken) {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = async {
                self.load_channels().await;
                futures::future::join(self.keep_stream(), self.keep_channels()).await;
            } => {}
        }
        self.is_connected(Connection::None);
    }

    async fn keep_stream(&self) {
        let mut thread = Thread::default();
        let mut failures = 0_u32;
        loop {
            self.until_streaming_is_wanted().await;
            let ended = self.listen_once(&mut thread).await;
            let stood = ended.stood.is_some_and(|stood| stood >= STOOD);
            failures = if stood { 1 } else { failures.saturating_add(1) };
            let wait = reconnect::wait(ended.trouble, failures, self.clock.random());
            tracing::info!(
                reason = ended.reason,
                failures,
                seconds = wait.as_secs(),
                "no stream of hints"
            );
            let now = self.now();
            let since = match self.lock().connection {
                Connection::Broken { since, .. } => since,
                _ => now,
            };
            self.is_connected(Connection::Broken {
                reason: ended.reason,
                since,
                again_at: now + chrono::Duration::from_std(wait).unwrap_or_default(),
            });
            tokio::select! {
                biased;
                () = self.stream_again.notified() => {}
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// Waits until the platform has a stream and the trainer has started syncing.
    async fn until_streaming_is_wanted(&self) {
        let mut events = self.events();
        loop {
            let started = self.ledger.sync_state().await.is_ok_and(|state| state.started);
            if started && self.offers("stream") {
                return;
            }
            self.is_connected(Connection::None);
            // What was missed of the events is looked at all the same.
            if let Err(tokio::sync::broadcast::error::RecvError::Closed) = events.recv().await {
                return std::future::pending().await;
            }
        }
    }

    /// One stream from its opening to its end.
    async fn listen_once(&self, thread: &mut Thread) -> Ended {
        if !matches!(self.lock().connection, Connection::Broken { .. }) {
            self.is_connected(Connection::Opening);
        }
        let opened = tokio::select! {
            biased;
            opened = self.platform.hints(thread.last_id.as_deref()) => opened,
            () = self.clock.sleep(LONGEST_SILENCE) => Err(PortError::Unreachable { nothing_sent: false }),
        };
        self.hear_policy(opened.as_ref().err());
        let mut stream = match opened {
            Ok(stream) => stream,
            Err(error) => {
                return Ended {
                    reason: reason_of(&error),
                    trouble: trouble_of(&error),
                    stood: None,
                };
            }
        };
        let mut flow = Flow::new(self.clock.monotonic());
        let (reason, trouble) = self.hear(stream.as_mut(), &mut flow, thread).await;
        Ended {
            reason,
            trouble,
            stood: flow.stood(),
        }
    }

    async fn hear(
        &self,
        stream: &mut dyn HintStream,
        flow: &mut Flow,
        thread: &mut Thread,
    ) -> (&'static str, Trouble) {
        let goes_on = thread.last_id.is_some();
        let mut is_open = false;
        loop {
            let now = self.clock.monotonic();
            if is_open && thread.catch_up.is_due(now) {
                self.hint(Hinted::Everything);
            }
            let mut left = flow.silence_left(now);
            if left.is_zero() {
                return ("silent", Trouble::Lost);
            }
            if is_open && let Some(soon) = thread.catch_up.left(now) {
                left = left.min(soon);
            }
            let heard = tokio::select! {
                biased;
                // After a wake-up nobody knows what became of a connection of before.
                () = self.stream_again.notified() => return ("lost", Trouble::Lost),
                () = self.stream_hurry.notified() => {
                    thread.catch_up.hurry();
                    continue;
                }
                heard = stream.next() => heard,
                () = self.clock.sleep(left) => continue,
            };
            let Heard {
                hints,
                bytes,
                nonsense,
                alive,
            } = match heard {
                Ok(Some(heard)) => heard,
                Ok(None) => return ("lost", Trouble::Lost),
                Err(error) => return (reason_of(&error), trouble_of(&error)),
            };
            let now = self.clock.monotonic();
            if !flow.came(now, bytes, nonsense, alive) {
                let reason = if nonsense > 0 { "garbage" } else { "endless" };
                return (reason, Trouble::Nonsense);
            }
            // Headers alone are no stream: a proxy may send them and keep all that follows.
            if alive && !is_open {
                is_open = true;
                self.is_connected(Connection::Open { since: self.now() });
                let first = !std::mem::replace(&mut thread.had_one, true);
                if !goes_on {
                    // What happened since the last look was told to nobody.
                    let gap = if first { Gap::First } else { Gap::Back };
                    self.missed(gap, &mut thread.catch_up);
                }
            }
            let said = hints.iter().any(|hint| matches!(hint, Hint::Policy(_)));
            for hint in hints {
                self.take_hint(hint, &mut thread.catch_up);
            }
            // While the trainer pauses no run follows that would write it down. One under way does so with its end.
            if said && let Ok(_turn) = self.turn.try_lock() {
                self.keep_policy().await;
            }
            thread.last_id = stream.last_id().or(thread.last_id.take());
        }
    }

    fn missed(&self, gap: Gap, catch_up: &mut CatchUp) {
        let in_use = self.in_use.load(Ordering::Relaxed);
        catch_up.missed(gap, self.clock.monotonic(), in_use, self.clock.random());
    }

    fn take_hint(&self, hint: Hint, catch_up: &mut CatchUp) {
        match hint {
            Hint::Appointments => self.hint(Hinted::Platform),
            Hint::Resync => self.missed(Gap::Told, catch_up),
            Hint::Calendar { channel_id, state } => self.notice(&channel_id, &state),
            Hint::Policy(policy) => self.take_policy(policy),
        }
    }

    /// The platform's word counts from this moment: what is under way ends with the write it is at.
    fn take_policy(&self, policy: SyncPolicy) {
        let enabled = policy.enabled;
        // What came with an answer and nobody has taken yet is older.
        let _ = self.platform.take_policy();
        let before = {
            let mut live = self.lock();
            live.policy_heard = true;
            live.policy.replace(policy.clone())
        };
        if !enabled && before.as_ref() != Some(&policy) {
            self.cancel_cycle();
        }
        // A list that is under way may have been answered before this was said, and would have the last word.
        self.hint(Hinted::Platform);
        if before.as_ref() == Some(&policy) {
            return;
        }
        self.tell(EngineEvent::Changed);
    }

    /// Says where the stream is, and so for which sides hints come.
    fn is_connected(&self, connection: Connection) {
        let opened = {
            let mut live = self.lock();
            if live.connection == connection {
                return;
            }
            live.pushed.stream = matches!(connection, Connection::Open { .. });
            live.connection = connection;
            live.pushed.stream
        };
        self.reckon_pushed();
        if opened {
            self.channel_wake.notify_one();
        }
        self.tell(EngineEvent::Changed);
    }

    /// What a run that begins means for the stream: no connection outlives a lid that was closed.
    pub(crate) fn stream_before(&self, trigger: Trigger) {
        if trigger == Trigger::WakeUp && self.lock().connection != Connection::None {
            self.stream_again.notify_one();
            self.channel_wake.notify_one();
        }
    }

    /// What a run that has ended means for it: with the network back, or at the trainer's wish, it is tried at once.
    pub(crate) fn stream_after(&self, trigger: Trigger) {
        let asked = matches!(trigger, Trigger::NetworkBack | Trigger::Manual);
        let live = self.lock();
        if asked && live.platform.problem.is_none() && matches!(live.connection, Connection::Broken { .. }) {
            drop(live);
            self.stream_again.notify_one();
        }
    }

    /// True if the platform has this feature, as last heard.
    pub(crate) fn offers(&self, feature: &str) -> bool {
        match &self.lock().me {
            Some((_, me)) => me.features.iter().any(|known| known == feature),
            None => self.config.has(feature),
        }
    }
}

fn reason_of(error: &PortError) -> &'static str {
    match error {
        PortError::NotFound => "not_found",
        PortError::BadAnswer { .. } => "not_a_stream",
        PortError::Unreachable { .. } => "lost",
        other => error_code(other),
    }
}

fn trouble_of(error: &PortError) -> Trouble {
    match error {
        PortError::Throttled { retry_after } | PortError::ServerTrouble { retry_after, .. } => {
            retry_after.map_or(Trouble::Lost, Trouble::Wait)
        }
        PortError::Unreachable { .. } | PortError::WrongCertificate => Trouble::Lost,
        // Said again within seconds it would be the same.
        _ => Trouble::Nonsense,
    }
}
