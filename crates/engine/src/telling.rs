//! What the platform is told of this laptop: its status, its silences, and with them the writer lease.

use crate::cycle::{CycleReport, still_waits};
use crate::engine::Engine;
use crate::ledger::{Change, SyncState};
use crate::outcome::error_code;
use crate::ports::{LaptopStatus, PortError};
use crate::read::Records;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::outbox::Side;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::{self, Watch};

/// The status is told again after so long even if nothing changed, and the lease is renewed with it.
const REPORT_MINUTES: i64 = 30;
/// A lease is renewed when it runs out within this time.
const RENEW_MINUTES: i64 = 60;
/// The status of a laptop whose trainer wants no syncing now.
const PAUSED: &str = "paused";

impl Engine {
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
        let _turn = self.turn.lock().await;
        let settings = self.ledger.settings().await.unwrap_or_default();
        let state = self.sync_state().await;
        // First: a process that ends here, or connects again, asks anew for the lease that is about to be given back.
        if let Ok(state) = state.clone() {
            let given_back = Box::new(SyncState {
                writer: None,
                reported: None,
                ..state
            });
            if let Err(error) = self.ledger.commit(vec![Change::PutSyncState(given_back)]).await {
                tracing::warn!(%error, "that the lease is given back could not be written down");
            }
        }
        let status = self.status_word(&settings, &state.unwrap_or_default(), 0, 0, 0, None);
        self.report(LaptopStatus {
            status: "disconnected".into(),
            ..status
        })
        .await?;
        // Should the trainer connect again, the next report is a new one.
        let mut live = self.lock();
        (live.reported, live.plainly, live.writer) = (None, None, None);
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

    /// Tells the platform once that the trainer wants no syncing now. Nothing more is said while that lasts: so the lease runs
    /// out, and another laptop can take up the work. What could not be told is tried again with the next call.
    pub(crate) async fn tell_of_rest(&self) {
        let _turn = self.turn.lock().await;
        let (Ok(settings), Ok(mut state)) = (self.ledger.settings().await, self.sync_state().await) else {
            return;
        };
        let waits = still_waits(state.platform_wait_until, self.now());
        let live = self.live();
        // Of a laptop that never said anything nobody expects anything.
        let Some((_, reported)) = live.reported.or_else(|| state.reported.clone()) else {
            return;
        };
        // A lost sign-in is known, and the rest with it.
        let told = matches!(reported.status.as_str(), PAUSED | "needs_reauth");
        let rests = self.rests_until(&settings, &state).is_some();
        if told || !rests || !state.started || waits || self.problem_of(Side::Platform).is_some() {
            return;
        }
        let known = live.plainly.unwrap_or_else(|| plain(reported));
        let status = LaptopStatus {
            status: PAUSED.into(),
            last_success_at: state.last_success_at,
            problem: None,
            ..known
        };
        if let Err(error) = self.report_with_silence(status).await {
            tracing::debug!(code = error_code(&error), "the rest could not be told");
            return;
        }
        // No run follows that would write it down, and a restart is not to tell it again.
        let live = self.live();
        (state.writer, state.reported, state.policy) = (live.writer, live.reported, live.policy);
        if let Err(error) = self
            .ledger
            .commit(vec![Change::PutSyncState(Box::new(state))])
            .await
        {
            tracing::warn!(%error, "what was told could not be written down");
        }
    }

    /// As [`SyncState::rests_until`], by the time it is.
    pub(crate) fn rests_until(&self, settings: &SyncSettings, state: &SyncState) -> Option<DateTime<Utc>> {
        state.rests_until(settings, self.now())
    }

    /// Tells the platform how this laptop does, if that is news or half an hour has passed. The platform sees it with the
    /// next one if it cannot be told now; nothing depends on it.
    pub(crate) async fn report_if_changed(
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
            // The platform itself was read; that it refuses what is written is news to its admins all the same. A pause is their own.
            let refused = |error: &&PortError| !matches!(error, PortError::SyncDisabled { .. });
            let problem = report
                .calendar
                .as_ref()
                .or(report.platform.as_ref().filter(refused));
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
                // While the trainer wants no syncing the word is said once: each report renews the lease.
                let rests = self.rests_until(settings, state).is_some() && known.status == said.status;
                rests || known == said && self.clock.now() - *at < Duration::minutes(REPORT_MINUTES)
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
        let paused = self.rests_until(settings, state).is_some();
        let status = match problem {
            Some(PortError::SignInExpired | PortError::NotConnected) => "needs_reauth",
            Some(_) => "error",
            None if paused => PAUSED,
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
