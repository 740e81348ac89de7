//! What needs the trainer, as causes for desktop notifications. One notification per cause, never repeated while it is
//! unsolved, withdrawn when it is solved elsewhere.

use super::Host;
use super::overview::problem_of;
use roundtrip_core::conflict::Conflict;

/// A cause that is worth a notification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Google no longer takes the sign-in.
    ReconnectGoogle,
    /// The platform no longer takes the sign-in.
    ReconnectPlatform,
    /// Conflicts wait for a decision.
    Conflicts,
    /// The guard asks.
    Question,
    /// Writes did not go through after all tries.
    WritesFailed,
    /// The calendar is not there.
    CalendarNotFound,
}

/// A notification to show: cause, how many, and the place in the window that shows the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Cause.
    pub cause: Cause,
    /// How many, where it counts something.
    pub count: usize,
    /// Route in the window.
    pub route: String,
}

impl Host {
    /// What needs the trainer now.
    pub async fn notices(&self) -> Vec<Notice> {
        let Some(running) = self.running().await else {
            return Vec::new();
        };
        let Ok(snapshot) = running.engine.snapshot().await else {
            return Vec::new();
        };
        let mut notices = Vec::new();
        let mut add =
            |cause: Cause, count: usize, route: String| notices.push(Notice { cause, count, route });
        let problem = problem_of(&running, &snapshot);
        match problem.as_ref().map(|problem| problem.code.as_str()) {
            Some("google_reauth") => add(Cause::ReconnectGoogle, 1, "/connect/google".into()),
            Some("platform_reauth") => add(Cause::ReconnectPlatform, 1, "/connect/platform".into()),
            Some("calendar_not_found") => add(Cause::CalendarNotFound, 1, "/settings".into()),
            Some("writes_failed") => {
                let count = problem
                    .and_then(|problem| problem.detail)
                    .and_then(|text| text.parse().ok());
                add(
                    Cause::WritesFailed,
                    count.unwrap_or(1),
                    "/history?result=problem".into(),
                );
            }
            _ => {}
        }
        match snapshot.conflicts.as_slice() {
            [] => {}
            [Conflict { id, .. }] => add(Cause::Conflicts, 1, format!("/conflicts/{id}")),
            many => add(Cause::Conflicts, many.len(), "/conflicts".into()),
        }
        if !snapshot.questions.is_empty() {
            add(Cause::Question, snapshot.questions.len(), "/".into());
        }
        notices
    }
}
