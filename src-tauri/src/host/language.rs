//! The language of the texts in events: the app's own, as long as nothing has been written.

use super::Host;
use crate::ipc::dto::AppError;
use crate::ipc::settings::{keys, language_of, system_language};
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::Engine;

impl Host {
    /// Lets the texts of a connection that has not begun to sync follow the app's language. The texts that are in a calendar
    /// already stay as they are: to rewrite all of them is for the settings, which show a preview, and not for a start whose
    /// environment names another language than the one before.
    pub(super) async fn follow_language(&self, engine: &Engine) {
        // Who only looks writes nothing.
        if self.lock.is_none() {
            return;
        }
        if let Err(error) = self.take_language(engine, system_language()).await {
            tracing::warn!(code = error.code, "the language of the texts was left as it is");
        }
    }

    pub(super) async fn take_language(&self, engine: &Engine, system: &str) -> Result<(), AppError> {
        let ledger = engine.ledger();
        if ledger.sync_state().await?.started {
            return Ok(());
        }
        let choice = self.database.setting::<String>(keys::LANGUAGE).await?;
        let language = language_of(choice.as_deref().unwrap_or("system"), system)?;
        let before = ledger.settings().await?;
        if before.language != language {
            let after = SyncSettings { language, ..before };
            engine.change_settings(after, Vec::new()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "language_tests.rs"]
mod tests;
