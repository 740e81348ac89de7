//! Figures of the last 30 days: numbers only, nothing of content.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// The figures of the last 30 days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct FiguresView {
    /// Runs without a problem …
    pub runs_ok: u32,
    /// … of so many that had a network.
    pub runs_of: u32,
    /// Writes that went through …
    pub writes_ok: u32,
    /// … of so many that were tried to the end.
    pub writes_of: u32,
    /// From a change on the platform to the event.
    pub to_event: LatencyView,
    /// From a move or edit in the calendar to the platform.
    pub to_report: LatencyView,
    /// Tries that were repeated.
    pub retries: u32,
    /// Questions that the guard asked.
    pub questions: u32,
    /// Looks that found a change in the calendar of which Google had sent no notice.
    pub missed: u32,
    /// Errors by kind, most frequent first.
    pub errors: Vec<ErrorCount>,
    /// The 30 days, oldest first, without a gap.
    pub days: Vec<DayView>,
    /// The platform.
    pub platform: SideView,
    /// The calendar.
    pub google: SideView,
}

/// How long changes took, in milliseconds. The time in which the laptop was asleep, closed, offline or paused is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct LatencyView {
    /// Changes measured.
    pub count: u32,
    /// Half of them took no longer; none without a change.
    pub p50_ms: Option<u32>,
    /// 95 of 100.
    pub p95_ms: Option<u32>,
    /// 99 of 100.
    pub p99_ms: Option<u32>,
    /// Of it waiting for the next look, in the middle.
    pub poll_p50_ms: Option<u32>,
    /// Of it settling, waiting for others, and repeated tries, in the middle.
    pub wait_p50_ms: Option<u32>,
    /// Of it with the service, in the middle.
    pub service_p50_ms: Option<u32>,
    /// How many came while the laptop was not there.
    pub away: u32,
}

/// How often one kind of error came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ErrorCount {
    /// `platform` or `google`; `other` where there were too many kinds.
    pub service: String,
    /// Stable code.
    pub code: String,
    /// How often.
    pub count: u32,
}

/// One day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DayView {
    /// Which.
    pub day: NaiveDate,
    /// Runs.
    pub runs: u32,
    /// Of them without a problem.
    pub runs_ok: u32,
    /// Of them without a network.
    pub runs_offline: u32,
    /// Writes that went through.
    pub writes: u32,
    /// Writes that were given up for a run.
    pub writes_failed: u32,
    /// Tries that were repeated.
    pub retries: u32,
    /// Requests to the platform.
    pub platform_requests: u32,
    /// Requests to the calendar.
    pub google_requests: u32,
}

/// How one side is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SideView {
    /// Last time that something succeeded there.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Minutes since then in which the laptop was awake.
    pub awake_minutes: u32,
    /// Since when its silence is said; none while it is not silent.
    pub silent_since: Option<DateTime<Utc>>,
}
