//! The language of the texts in events is the app's own.

use super::Host;
use crate::ipc::dto::AppError;
use crate::ipc::settings::{keys, language_of, system_language};
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::{Engine, Removals};

impl Host {
    /// Lets the texts of a connection follow the app's language. What is in a calendar already stays as it is: a title in any of
    /// the languages counts as ours (`core::text`), so nothing is written for it, and two laptops may differ.
    pub(super) async fn follow_language(&self, engine: &Engine) {
        // Who only looks writes nothing.
        if self.lock.is_none() {
            return;
        }
        // The environment of a verb (a timer, another machine's terminal) says nothing about the trainer's language.
        let system = self.drives.then(system_language);
        if let Err(error) = self.take_language(engine, system).await {
            tracing::warn!(code = error.code, "the language of the texts was left as it is");
        }
    }

    /// `system`: the language of the system, where that is known to be the trainer's.
    pub(super) async fn take_language(&self, engine: &Engine, system: Option<&str>) -> Result<(), AppError> {
        let choice = self.database.setting::<String>(keys::LANGUAGE).await?;
        let choice = choice.as_deref().unwrap_or("system");
        let language = match system {
            Some(system) => language_of(choice, system)?,
            None if choice == "system" => return Ok(()),
            None => language_of(choice, choice)?,
        };
        let change = |settings| SyncSettings { language, ..settings };
        Ok(engine.change_settings(change, Removals::Unconfirmed).await?)
    }
}

#[cfg(test)]
#[path = "language_tests.rs"]
mod tests;
