//! `roundtrip status`: how things stand, in lines to read or as the document that `docs/status.md` describes.

use super::{Trouble, words};
use crate::host::{Host, Purpose};
use crate::ipc::dto::{Badge, FiguresView, LatencyView, OverallState, Overview, SideView};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Grows when a key changes its meaning or goes. New keys may come at any time.
const SCHEMA: u32 = 1;

pub(super) async fn say(json: bool) -> Result<ExitCode, Trouble> {
    let host = Host::open(Purpose::Look).await?;
    let overview = host.overview().await?;
    let figures = host.figures().await?;
    let put_aside = host.database.put_aside().await?;
    if json {
        println!("{}", document(&overview, figures.as_ref(), put_aside.as_deref()));
    } else {
        if let Some(name) = &put_aside {
            println!("{}", words::of_code("database_rebuilt", Some(name)));
        }
        for line in lines(&overview, figures.as_ref(), Utc::now()) {
            println!("{line}");
        }
    }
    host.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Names and titles stay out: support asks for this text.
fn document(overview: &Overview, figures: Option<&FiguresView>, put_aside: Option<&str>) -> Value {
    let count = |badge| overview.next.iter().filter(|row| row.badge == badge).count();
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "state": overview.state,
        "as_of": overview.as_of,
        "started": overview.started,
        "platform": overview.platform.as_ref().map(|account| &account.status),
        "google": overview.calendar.as_ref().map(|account| &account.status),
        "counts": overview.counts,
        "questions": overview.questions.len(),
        "held": overview.held.len(),
        "next_with_conflict": count(Badge::Conflict),
        "problem": overview.problem.as_ref().map(|problem| &problem.code),
        "problem_since": overview.problem.as_ref().and_then(|problem| problem.since),
        "tokens_volatile": overview.tokens_volatile,
        "put_aside": put_aside,
        "figures": figures,
    })
}

fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&chrono::Local)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}

fn lines(overview: &Overview, figures: Option<&FiguresView>, now: DateTime<Utc>) -> Vec<String> {
    let counts = &overview.counts;
    let state = match overview.state {
        OverallState::Starting => "starting",
        OverallState::NotConnected => "not connected",
        OverallState::NeedsAttention => "needs attention",
        OverallState::Offline => "waiting (offline)",
        OverallState::Paused => "paused",
        OverallState::Syncing => "syncing",
        OverallState::UpToDate => "up to date",
    };
    let mut told = vec![format!("state          {state}")];
    if let Some(problem) = &overview.problem {
        told.push(format!("problem        {}", words::of_code(&problem.code, None)));
    }
    told.push(format!(
        "appointments   {} of {} appointments are in the calendar",
        counts.synced, counts.appointments
    ));
    if let Some(at) = overview.as_of {
        told.push(format!("as of          {}", local(at)));
    }
    let Some(figures) = figures else { return told };
    for (name, side) in [("platform", &figures.platform), ("Google", &figures.google)] {
        told.push(format!("{name:<15}{}", side_line(side, now)));
    }
    told.push(format!(
        "30 days        {} of {} runs and {} of {} writes went well, {} tries were repeated, {} questions",
        figures.runs_ok,
        figures.runs_of,
        figures.writes_ok,
        figures.writes_of,
        figures.retries,
        figures.questions
    ));
    for (name, latency) in [
        ("to the event", &figures.to_event),
        ("to the platform", &figures.to_report),
    ] {
        if let Some(line) = latency_line(latency) {
            told.push(format!("{name:<15}{line}"));
        }
    }
    for error in figures.errors.iter().take(5) {
        told.push(format!(
            "error          {} times {} ({})",
            error.count, error.code, error.service
        ));
    }
    told
}

fn side_line(side: &SideView, now: DateTime<Utc>) -> String {
    let last = match side.last_success_at {
        Some(at) if at <= now => format!("last success {}", local(at)),
        Some(_) | None => "no success yet".to_owned(),
    };
    match side.silent_since {
        Some(_) => format!("{last}; silent for {} min of awake time", side.awake_minutes),
        None => last,
    }
}

fn latency_line(latency: &LatencyView) -> Option<String> {
    let (half, most, all) = (latency.p50_ms?, latency.p95_ms?, latency.p99_ms?);
    Some(format!(
        "half of {} changes within {}, 95 % within {}, 99 % within {}",
        latency.count,
        time(half),
        time(most),
        time(all)
    ))
}

/// With two digits that matter, in the largest unit that says it.
fn time(millis: u32) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..10_000 => format!("{:.1} s", f64::from(millis) / 1_000.0),
        10_000..120_000 => format!("{} s", millis / 1_000),
        _ => format!("{} min", millis / 60_000),
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
