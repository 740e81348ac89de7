//! Typed events from the app to the window.

use super::dto::{Progress, SignInView};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri_specta::Event;

/// Something the window shows has changed: ask again for these topics (`overview`, `appointments`, `conflicts`,
/// `history`, `settings`). `run` shows nothing: a run has ended, and who waits for that looks again.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct StateChanged {
    /// Topics.
    pub topics: Vec<String>,
}

impl StateChanged {
    /// Everything that the window shows.
    pub const ALL: &[&str] = &["overview", "appointments", "conflicts", "history", "settings"];

    /// One run has ended. Who waits for the one after the next counts these, so they are not gathered like what is to be read anew.
    pub fn of_a_run() -> Self {
        Self {
            topics: vec!["run".to_owned()],
        }
    }

    /// Anything may have changed: all topics.
    pub fn all() -> Self {
        Self {
            topics: Self::ALL.iter().map(|topic| (*topic).to_owned()).collect(),
        }
    }
}

/// The run goes on.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct SyncProgress(pub Progress);

/// A sign-in went on.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct SignInChanged(pub SignInView);

/// Show this place: `/`, `/appointments/apt_1`, `/conflicts/…`, `/settings`, `/connect/google`.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct Navigate {
    /// Route.
    pub route: String,
}

/// The desktop is light or dark now.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct AppearanceChanged {
    /// `light` or `dark`, as the system says.
    pub system_theme: String,
}
