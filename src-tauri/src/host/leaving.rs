//! Disconnecting and changing the calendar. Events stay unless their deletion was chosen.

use super::accounts::Leaving;
use super::departure::{DELETION_OFF, is_turned_off};
use super::problem::code_of;
use super::snapshots::Snapshots;
use super::{Host, Running};
use crate::ipc::dto::AppError;
use roundtrip_core::outbox::Side;
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::ledger::Change;
use roundtrip_engine::ports::{CalendarPort, PortError};
use roundtrip_engine::{Engine, Removals};
use roundtrip_store::{IntegrationStatus, Provider};
use std::sync::{Arc, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// What a disconnect did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// Events deleted.
    pub deleted: u32,
    /// Events that could not be deleted.
    pub remaining: u32,
    /// The service confirmed that the grant is revoked.
    pub revoked: bool,
    /// The grant was to be revoked, and nobody confirmed it: it may live on, and the trainer can end it there.
    pub grant_left: bool,
}

/// A disconnect that an earlier process began.
pub(super) struct Finished {
    service: Provider,
    /// Our events were deleted first.
    events: bool,
    left: Left,
}

impl Host {
    /// Disconnects a service: deletes our events if that was chosen, revokes the grant (unless other laptops shall keep
    /// it), tells the platform, and forgets the tokens. The links stay, so that a reconnect finds its events.
    /// Once the events are gone it goes through: what a crash interrupts then, the next start finishes.
    ///
    /// # Errors
    /// `events_remain` if events were to be deleted and some could not be: then nothing is disconnected, and syncing is
    /// paused until it is resumed, so that what was deleted stays deleted. `not_now` while the engine is just being put together anew.
    /// `moves_waiting` if moves would be lost by it.
    pub async fn disconnect(
        self: &Arc<Self>,
        service: Provider,
        delete_events: bool,
        only_this_laptop: bool,
        even_so: bool,
    ) -> Result<Left, AppError> {
        // Asked for again after a crash, it is done already.
        let finished = self.finished().take();
        if let Some(finished) = finished
            && (finished.service, finished.events) == (service, delete_events)
            && self.accounts().await.of(service).is_none()
        {
            return Ok(finished.left);
        }
        let mut left = Left::default();
        let running = self.running_soon().await?;
        if let Some(running) = &running
            && delete_events
        {
            // No cycle comes between the deletion and the end: it would write again what was just deleted.
            running.stop.cancel();
            running.engine.cancel_cycle();
            let deleted = running.engine.delete_events(even_so).await;
            let (counts, remaining) = match deleted {
                Ok(deleted) => deleted,
                Err(error) => {
                    let other = running.engine.other_writer();
                    let is_off = is_turned_off(running);
                    self.rebuild().await;
                    let mut error = AppError::from(error);
                    if error.code == "not_possible" && other.is_some() {
                        error.code = "not_the_writer".into();
                    } else if error.code == "not_possible" && is_off {
                        error.code = DELETION_OFF.into();
                    }
                    return Err(error);
                }
            };
            left.deleted = counts.removed;
            left.remaining = remaining;
            self.write_down_deletion(left.deleted, Some(remaining), None)
                .await;
            if remaining > 0 {
                self.rebuild().await;
                return Err(AppError {
                    code: "events_remain".into(),
                    detail: Some(remaining.to_string()),
                    field: None,
                    retryable: true,
                });
            }
        }
        if delete_events && running.is_none() {
            // Without both accounts nothing is known of the events; saying "deleted" would be a lie.
            return Err(AppError::not_connected());
        }
        let leaving = Leaving {
            deleted: delete_events.then_some(left.deleted),
            revoke: !only_this_laptop,
            everything: false,
        };
        let done = match self.keep_leaving(service, &leaving).await {
            Ok(()) => self.take_leave(service, &leaving, running.as_ref()).await,
            Err(error) => Err(error),
        };
        self.rebuild().await;
        done
    }

    /// From here on there is no way back: the next start goes on where this one may end.
    pub(super) async fn keep_leaving(&self, service: Provider, leaving: &Leaving) -> Result<(), AppError> {
        let account = self.accounts().await.with_leaving(service, leaving);
        let account = account.ok_or_else(AppError::not_connected)?;
        let now = self.clock.now();
        Ok(self.database.integrations().put(&account, now).await?)
    }

    /// Revokes the grant (unless other laptops shall keep it), tells the platform, and forgets the account. Each step can
    /// be done twice, and the last one takes the intent to leave with it.
    async fn take_leave(
        &self,
        service: Provider,
        leaving: &Leaving,
        running: Option<&Running>,
    ) -> Result<Left, AppError> {
        let mut left = Left {
            deleted: leaving.deleted.unwrap_or_default(),
            ..Left::default()
        };
        if let Some(running) = running {
            // Nothing is made again meanwhile, nor does a cycle under way say after the goodbye that this laptop is active and
            // take the lease back; then both services forget the way to this laptop.
            running.stop.cancel();
            running.engine.cancel_cycle();
            running.engine.idle().await;
            running.engine.stop_channels().await;
            if let Err(error) = running.engine.say_goodbye().await {
                tracing::info!(
                    code = roundtrip_engine::error_code(&error),
                    "the platform could not be told"
                );
            }
        }
        if leaving.revoke {
            left.revoked = self.revoke(service).await.is_ok();
            left.grant_left = !left.revoked;
        }
        self.stop_and_wait().await;
        let now = self.clock.now();
        let accounts = self.accounts().await;
        let account = accounts.of(service).ok_or_else(AppError::not_connected)?;
        let account = account.account_id.as_str();
        let integrations = self.database.integrations();
        // Erases the tokens first: should the next step fail, nothing usable is left.
        integrations
            .update_status(service, account, IntegrationStatus::Revoked, now)
            .await
            .map_err(|_| AppError::from(roundtrip_engine::ledger::LedgerError::Unavailable(String::new())))?;
        // Only now: with the sign-in gone no cycle can write again what was just deleted.
        if leaving.deleted.is_some()
            && let Some(running) = running
        {
            running.engine.forget_pause().await?;
        }
        let details = serde_json::json!({
            "service": service.as_str(), "events_deleted": left.deleted, "revoked": left.revoked,
            "grant_left": left.grant_left,
        });
        self.database.audit(None, "disconnect", &details, now).await?;
        integrations.delete(service, account).await?;
        Ok(left)
    }

    /// Revokes the grant of a service, also where the other one is not signed in and nothing runs.
    ///
    /// # Errors
    /// [`PortError::NotConnected`] if no tokens were there to give back: the grant may live on.
    pub(super) async fn revoke(&self, service: Provider) -> Result<(), PortError> {
        let accounts = self.accounts().await;
        match service {
            Provider::Google => {
                let (account, _) = accounts.google.as_ref().ok_or(PortError::NotConnected)?;
                self.google_client(account).revoke().await
            }
            Provider::Platform => {
                let account = accounts.platform.as_ref().ok_or(PortError::NotConnected)?;
                self.platform_client(account).revoke().await
            }
        }
    }

    /// Finishes a disconnect that an earlier process began and did not live to end. It needs nobody: all that could be
    /// refused had been done. What does not work now is tried at the next start.
    pub(super) async fn finish_leaving(self: &Arc<Self>) {
        for service in [Provider::Google, Provider::Platform] {
            let accounts = self.accounts().await;
            let Some(leaving) = accounts.leaving(service).cloned() else {
                continue;
            };
            let running = match accounts.connection() {
                Some(connection) => {
                    let (engine, platform, google) = self.assemble(&connection, self.device().await);
                    Some(Running {
                        engine,
                        platform,
                        google,
                        snapshots: Snapshots::new(Arc::clone(&self.clock)),
                        stop: CancellationToken::new(),
                    })
                }
                None => None,
            };
            if leaving.everything {
                return self.finish_everything(running).await;
            }
            match self.take_leave(service, &leaving, running.as_ref()).await {
                Ok(left) => {
                    *self.finished() = Some(Finished {
                        service,
                        events: leaving.deleted.is_some(),
                        left,
                    });
                }
                Err(error) => tracing::warn!(code = error.code, "a disconnect could not be finished"),
            }
        }
    }

    fn finished(&self) -> MutexGuard<'_, Option<Finished>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says in the audit log that events of ours were deleted at the trainer's wish. What is done is done: a log that cannot
    /// be written stops nothing.
    pub(super) async fn write_down_deletion(&self, events: u32, left: Option<u32>, problem: Option<&str>) {
        let details = serde_json::json!({ "events": events, "left": left, "problem": problem });
        let written = self
            .database
            .audit(None, "deletion", &details, self.clock.now())
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "audit log could not be written");
        }
    }

    /// Stops cycles before another calendar or account takes the place of this one, unless moves, notes or open conflicts of the
    /// trainer's would stay behind with it: then syncing goes on as before.
    ///
    /// # Errors
    /// `moves_waiting` with their number, if it is not to happen `even_so`; the database's.
    pub(super) async fn stop_to_change(
        self: &Arc<Self>,
        running: &Running,
        even_so: bool,
    ) -> Result<(), AppError> {
        // The old calendar is left as it is now: no cycle comes between that would write to it.
        running.stop.cancel();
        running.engine.cancel_cycle();
        running.engine.idle().await;
        if let Err(error) = running.engine.look_before_changing(even_so).await {
            self.rebuild().await;
            return Err(error.into());
        }
        Ok(())
    }

    /// Uses another calendar of the same account, under the settings of today with this change. Events already written
    /// stay where they are.
    ///
    /// # Errors
    /// `calendar_not_found` or `calendar_read_only` if the account cannot use it, `moves_waiting` if moves would be lost by it and it
    /// is not to happen `even_so`; then nothing changes.
    pub async fn choose_calendar(
        self: &Arc<Self>,
        id: &str,
        even_so: bool,
        change: impl FnOnce(SyncSettings) -> SyncSettings + Send,
    ) -> Result<(), AppError> {
        let id = id.trim();
        let running = self.running_soon().await?.ok_or_else(AppError::not_connected)?;
        self.writable_calendar(id).await?;
        self.stop_to_change(&running, even_so).await?;
        running.engine.stop_channels().await;
        let chosen = self.keep_calendar(&running, id, change).await;
        self.rebuild().await;
        chosen
    }

    async fn keep_calendar(
        &self,
        running: &Running,
        id: &str,
        change: impl FnOnce(SyncSettings) -> SyncSettings + Send,
    ) -> Result<(), AppError> {
        let settings = change(running.engine.ledger().settings().await?);
        let accounts = self.accounts().await.with_calendar(id);
        let connection = accounts.connection().ok_or_else(AppError::not_connected)?;
        let mut account = connection.google.0.clone();
        account.extra =
            serde_json::to_value(&connection.google.1).map_err(|_| AppError::input("calendar_id"))?;
        // Links of another calendar lie in a ledger of their own. It has the settings before anything drives it.
        let (engine, ..) = self.assemble(&connection, self.device().await);
        engine
            .change_settings(|_| settings, Removals::Unconfirmed)
            .await?;
        go_on_as(running, &engine).await?;
        let now = self.clock.now();
        self.database.integrations().put(&account, now).await?;
        let details = serde_json::json!({ "changed": ["calendar"] });
        Ok(self.database.audit(None, "settings", &details, now).await?)
    }

    /// Makes sure that the account can write to this calendar. Once chosen, one that never could be written to would count as one
    /// whose right to write was taken away.
    ///
    /// # Errors
    /// `calendar_not_found`, `calendar_read_only` or what else is wrong, with the field named.
    pub async fn writable_calendar(&self, id: &str) -> Result<(), AppError> {
        let running = self.running().await.ok_or_else(AppError::not_connected)?;
        let calendar = roundtrip_core::ids::CalendarId::new(id.trim());
        let refused = |code: &str| AppError {
            code: code.into(),
            detail: None,
            field: Some("calendar_id".into()),
            retryable: false,
        };
        match running.google.may_write(&calendar).await {
            Ok(Some(false)) => Err(refused("calendar_read_only")),
            // Where Google does not say, the first write does.
            Ok(Some(true) | None) => Ok(()),
            Err(error) => Err(refused(code_of(Side::Calendar, &error))),
        }
    }

    /// True if this is not the calendar in use. The main calendar also goes by the account's address.
    pub async fn other_calendar(&self, id: &str) -> bool {
        let Some((account, extra)) = self.accounts().await.google else {
            return false;
        };
        let address = account.email.unwrap_or_default();
        let name = |id: &str| {
            if id.eq_ignore_ascii_case(&address) {
                "primary".to_owned()
            } else {
                id.to_owned()
            }
        };
        name(id.trim()) != name(extra.calendar.as_deref().unwrap_or("primary"))
    }
}

/// Whoever chose another calendar had syncing started, or paused, and said nothing of an end of that: it goes on in the new one.
async fn go_on_as(before: &Running, after: &Engine) -> Result<(), AppError> {
    let known = before.engine.ledger().sync_state().await?;
    let mut state = after.ledger().sync_state().await?;
    state.started |= known.started;
    // A ledger that was used before may still know a pause of then.
    state.paused_until = known.paused_until;
    let change = Change::PutSyncState(Box::new(state));
    Ok(after.ledger().commit(vec![change]).await?)
}

#[cfg(test)]
#[path = "leaving_tests.rs"]
pub(crate) mod tests;
