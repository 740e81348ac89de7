//! The figures as the window, the command line and the report tell them.

use super::Host;
use crate::ipc::dto::{AppError, DayView, ErrorCount, FiguresView, LatencyView, SideView};
use roundtrip_core::silence::Quiet;
use roundtrip_engine::figures::{DayCount, Figures, Latency};

impl Host {
    /// The figures of the last 30 days; none before both sides are connected.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn figures(&self) -> Result<Option<FiguresView>, AppError> {
        match self.running().await {
            Some(running) => Ok(Some(view(&running.engine.figures().await?))),
            None => Ok(None),
        }
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// As told outside.
pub(crate) fn view(figures: &Figures) -> FiguresView {
    FiguresView {
        runs_ok: small(figures.runs.ok),
        runs_of: small(figures.runs.of),
        writes_ok: small(figures.writes.ok),
        writes_of: small(figures.writes.of),
        to_event: latency(&figures.to_event),
        to_report: latency(&figures.to_report),
        retries: small(figures.retries),
        questions: small(figures.questions),
        missed: small(figures.missed),
        errors: figures.errors.iter().map(error).collect(),
        days: figures.days.iter().map(day).collect(),
        platform: side(&figures.watch.platform),
        google: side(&figures.watch.calendar),
    }
}

fn latency(latency: &Latency) -> LatencyView {
    LatencyView {
        count: small(latency.count),
        p50_ms: latency.p50_ms.map(small),
        p95_ms: latency.p95_ms.map(small),
        p99_ms: latency.p99_ms.map(small),
        poll_p50_ms: latency.poll_p50_ms.map(small),
        wait_p50_ms: latency.wait_p50_ms.map(small),
        service_p50_ms: latency.service_p50_ms.map(small),
        away: small(latency.away),
    }
}

fn error((kind, count): &(String, u64)) -> ErrorCount {
    let (side, code) = kind.split_once('.').unwrap_or(("other", kind));
    ErrorCount {
        service: if side == "calendar" { "google" } else { side }.into(),
        code: code.into(),
        count: small(*count),
    }
}

fn day(count: &DayCount) -> DayView {
    DayView {
        day: count.day,
        runs: count.runs,
        runs_ok: count.runs_ok,
        runs_offline: count.runs_offline,
        writes: count.writes,
        writes_failed: count.writes_failed,
        retries: count.retries,
        platform_requests: small(count.platform_requests),
        google_requests: small(count.calendar_requests),
    }
}

fn side(quiet: &Quiet) -> SideView {
    SideView {
        last_success_at: quiet.succeeded_at,
        awake_minutes: u32::try_from(quiet.awake_ms / 60_000).unwrap_or(0),
        silent_since: quiet.silent_since,
    }
}
