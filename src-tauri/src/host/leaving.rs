//! Disconnecting and changing the calendar. Events stay unless their deletion was chosen.

use super::{Host, Running};
use crate::ipc::dto::AppError;
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::ports::CalendarPort;
use roundtrip_store::{IntegrationStatus, Provider};
use std::sync::Arc;

/// What a disconnect did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// Events deleted.
    pub deleted: u32,
    /// Events that could not be deleted.
    pub remaining: u32,
    /// The service confirmed that the grant is revoked.
    pub revoked: bool,
}

impl Host {
    /// Disconnects a service: deletes our events if that was chosen, revokes the grant (unless other laptops shall keep
    /// it), tells the platform, and forgets the tokens. The links stay, so that a reconnect finds its events.
    ///
    /// # Errors
    /// `events_remain` if events were to be deleted and some could not be: then nothing is disconnected, and syncing is
    /// paused until it is resumed, so that what was deleted stays deleted. `moves_waiting` if moves would be lost by it.
    pub async fn disconnect(
        self: &Arc<Self>,
        service: Provider,
        delete_events: bool,
        only_this_laptop: bool,
        even_so: bool,
    ) -> Result<Left, AppError> {
        let mut left = Left::default();
        let running = self.running().await;
        if let Some(running) = &running {
            if delete_events {
                // No cycle comes between the deletion and the end: it would write again what was just deleted.
                running.stop.cancel();
                running.engine.cancel_cycle();
                let deleted = running.engine.delete_events(even_so).await;
                let (counts, remaining) = match deleted {
                    Ok(deleted) => deleted,
                    Err(error) => {
                        let other = running.engine.other_writer();
                        self.rebuild().await;
                        let mut error = AppError::from(error);
                        if error.code == "not_possible" && other.is_some() {
                            error.code = "not_the_writer".into();
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
            if let Err(error) = running.engine.say_goodbye().await {
                tracing::info!(
                    code = roundtrip_engine::error_code(&error),
                    "the platform could not be told"
                );
            }
            if !only_this_laptop {
                left.revoked = match service {
                    Provider::Google => running.google.revoke().await.is_ok(),
                    Provider::Platform => running.platform.revoke().await.is_ok(),
                };
            }
        }
        if delete_events && running.is_none() {
            // Without both accounts nothing is known of the events; saying "deleted" would be a lie.
            return Err(AppError::not_connected());
        }
        self.stop().await;
        let now = self.clock.now();
        let accounts = self.accounts().await;
        let account = match service {
            Provider::Google => accounts.google.map(|(account, _)| account.account_id),
            Provider::Platform => accounts.platform.map(|(account, _)| account.account_id),
        };
        let Some(account) = account else {
            return Err(AppError::not_connected());
        };
        let integrations = self.database.integrations();
        // Erases the tokens first: should the next step fail, nothing usable is left.
        integrations
            .update_status(service, &account, IntegrationStatus::Revoked, now)
            .await
            .map_err(|_| AppError::from(roundtrip_engine::ledger::LedgerError::Unavailable(String::new())))?;
        integrations.delete(service, &account).await?;
        let details = serde_json::json!({
            "service": service.as_str(), "events_deleted": left.deleted, "revoked": left.revoked,
        });
        self.database.audit(None, "disconnect", &details, now).await?;
        // Only now: with the sign-in gone no cycle can write again what was just deleted.
        if delete_events && let Some(running) = &running {
            running.engine.forget_pause().await?;
        }
        self.rebuild().await;
        Ok(left)
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

    /// Uses another calendar of the same account, under these settings, else under those of today. Events already written
    /// stay where they are.
    ///
    /// # Errors
    /// `calendar_not_found` if the account cannot read it; then nothing changes.
    pub async fn choose_calendar(
        self: &Arc<Self>,
        id: &str,
        settings: Option<SyncSettings>,
    ) -> Result<(), AppError> {
        let id = id.trim();
        let running = self.running().await.ok_or_else(AppError::not_connected)?;
        self.readable_calendar(id).await?;
        // The old calendar is left as it is now: no cycle comes between that would write to it.
        running.stop.cancel();
        running.engine.cancel_cycle();
        running.engine.idle().await;
        let chosen = self.keep_calendar(&running, id, settings).await;
        self.rebuild().await;
        chosen
    }

    async fn keep_calendar(
        &self,
        running: &Running,
        id: &str,
        settings: Option<SyncSettings>,
    ) -> Result<(), AppError> {
        let before = running.engine.ledger().settings().await?;
        let accounts = self.accounts().await.with_calendar(id);
        let connection = accounts.connection().ok_or_else(AppError::not_connected)?;
        let mut account = connection.google.0.clone();
        account.extra =
            serde_json::to_value(&connection.google.1).map_err(|_| AppError::input("calendar_id"))?;
        // Links of another calendar lie in a ledger of their own. It has the settings before anything drives it.
        let (engine, ..) = self.assemble(&connection, self.device().await);
        engine
            .change_settings(settings.unwrap_or(before), Vec::new())
            .await?;
        let now = self.clock.now();
        self.database.integrations().put(&account, now).await?;
        let details = serde_json::json!({ "changed": ["calendar"] });
        Ok(self.database.audit(None, "settings", &details, now).await?)
    }

    /// Makes sure that the account can read this calendar.
    ///
    /// # Errors
    /// `calendar_not_found` or what else is wrong, with the field named.
    pub async fn readable_calendar(&self, id: &str) -> Result<(), AppError> {
        let running = self.running().await.ok_or_else(AppError::not_connected)?;
        let calendar = roundtrip_core::ids::CalendarId::new(id.trim());
        match running.google.calendar(&calendar).await {
            Ok(_) => Ok(()),
            Err(error) => Err(AppError {
                code: roundtrip_engine::error_code(&error).into(),
                detail: None,
                field: Some("calendar_id".into()),
                retryable: false,
            }),
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

#[cfg(test)]
#[path = "leaving_tests.rs"]
pub(crate) mod tests;
