//! How soon a change is on the other side when both services say so by themselves: the real app in the background, real
//! HTTP, times from what the sandbox wrote down.
//!
//! More than five moves within an hour are asked about, so each round is a new laptop with a new sandbox.

use super::cli::Verbs;
use super::{Bench, Figure, percentile};
use crate::pages::TRAINER;
use crate::process::Process;
use crate::wait;
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// Moves of one laptop that nobody is asked about.
const MOVES: usize = 5;
/// From the last drag to the report: the trainer may still be dragging.
const SETTLE: TimeDelta = TimeDelta::seconds(20);
/// From a hint to the look: there may be more to come.
const DEBOUNCE: TimeDelta = TimeDelta::seconds(2);

/// Milliseconds, one of each change.
#[derive(Default)]
struct Times {
    reported: Vec<f64>,
    written: Vec<f64>,
}

/// On this machine, and with a line of 200 ms there and back.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for rtt_ms in [0, 200] {
        let mut times = Times::default();
        for _ in 0..bench.times(5, 2) {
            round(bench, rtt_ms, &mut times)?;
        }
        figures.extend(told(rtt_ms, times));
    }
    Ok(figures)
}

fn told(rtt_ms: u64, times: Times) -> Vec<Figure> {
    let name = |what: &str, share: &str, count: usize| match rtt_ms {
        0 => format!("{what}: {share} of {count}"),
        _ => format!("{what}, {rtt_ms} ms there and back: {share} of {count}"),
    };
    let mut figures = Vec::new();
    for (what, values, note, goals) in [
        (
            "move in the calendar → reported, admin notified",
            times.reported,
            "after the notice, or after the 20 s in which more drags may follow, whichever is later",
            // At localhost the 95th, over a line the 99th.
            if rtt_ms == 0 {
                [Some(1_000.0), None]
            } else {
                [None, Some(3_000.0)]
            },
        ),
        (
            "platform change → event written",
            times.written,
            "after the 2 s in which more changes may follow",
            if rtt_ms == 0 {
                [Some(500.0), None]
            } else {
                [None, None]
            },
        ),
    ] {
        for (share, at, goal) in [("p95", 0.95, goals[0]), ("p99", 0.99, goals[1])] {
            let value = percentile(&values, at);
            let figure = Figure::new(name(what, share, values.len()), value, "ms")
                .note(note)
                .simulated();
            figures.push(match goal {
                Some(goal) => figure.at_most(goal),
                None => figure,
            });
        }
        let median = name(what, "median", values.len());
        let anchor = match what.starts_with("move") {
            true => "< 3 s and ~4 s claimed by two push products; 15 min polling",
            false => "1–2 min",
        };
        figures.push(Figure::of(median, values, "ms").anchor(anchor).simulated());
    }
    figures
}

fn round(bench: &Bench, rtt_ms: u64, times: &mut Times) -> Result<()> {
    let verbs = Verbs::connected(&bench.folder, bench.profile, 24)?;
    let measured = laptop(&verbs, rtt_ms, times);
    if measured.is_err() {
        // What the services saw says why; afterwards they are gone.
        for (name, path) in [("requests", "/requests"), ("audit", "/google/audit")] {
            let seen = verbs.sandbox.get(path)?;
            std::fs::write(bench.folder.join(format!("{name}.json")), format!("{seen:#}"))?;
        }
    }
    measured
}

fn laptop(verbs: &Verbs, rtt_ms: u64, times: &mut Times) -> Result<()> {
    // The moves are about how soon, not about where to.
    let rules = json!({"opens": "00:00:00", "closes": "23:59:59", "sundays": true, "holidays": false, "past": false, "overlap": false});
    verbs.sandbox.put("/platform/rules", &rules)?;
    verbs.sync()?;
    if rtt_ms > 0 {
        for service in ["platform", "google"] {
            let fault = json!({"kind": "latency", "ms": rtt_ms, "real": true});
            let rule = json!({"service": service, "path_contains": "", "times": 0, "fault": fault});
            verbs.sandbox.post("/faults", &rule)?;
        }
    }
    let command = verbs.installation.command(&verbs.desk, &["--hidden"])?;
    let mut app = Process::start("roundtrip", command, &verbs.desk.logs().join("app.log"))?;
    let live = wait::until_true("the live connection", wait::seconds(60), || {
        let channels = verbs.sandbox.get("/google/channels")?;
        let streams = verbs.sandbox.get("/platform/streams")?;
        Ok(channels.as_array().is_some_and(|all| !all.is_empty()) && streams["open"].as_u64() >= Some(1))
    });
    if let Err(error) = live {
        app.expect_alive()?;
        return Err(error);
    }
    quiet(verbs)?;
    let events = linked(verbs)?;
    ensure!(
        events.len() >= 2 * MOVES,
        "only {} events are linked",
        events.len()
    );
    let (changed, moved) = events.split_at(MOVES);
    for event in changed {
        times.written.push(change(verbs, event)?);
    }
    quiet(verbs)?;
    times.reported.extend(moves(verbs, &moved[..MOVES])?);
    app.stop();
    Ok(())
}

/// One of our events.
struct Linked {
    event: Value,
    appointment: String,
}

fn calendar() -> String {
    format!(
        "/google/accounts/{}/calendars/primary/events",
        TRAINER.google_account
    )
}

fn linked(verbs: &Verbs) -> Result<Vec<Linked>> {
    let all = verbs.sandbox.get(&calendar())?;
    let ours = all.as_array().context("no events")?.iter().filter_map(|event| {
        let appointment = event["extendedProperties"]["private"]["rt_appointment"].as_str()?;
        // What is over is not written any more.
        let start = DateTime::parse_from_rfc3339(event["start"]["dateTime"].as_str()?).ok()?;
        let ahead = start > Utc::now() + TimeDelta::hours(2);
        (event["status"] != "cancelled" && ahead).then(|| Linked {
            event: event.clone(),
            appointment: appointment.to_owned(),
        })
    });
    Ok(ours.collect())
}

/// Waits until the app has asked nothing for some seconds: what it did before is no part of what comes.
fn quiet(verbs: &Verbs) -> Result<()> {
    let mut last = (
        crate::play::Requests::mark(&verbs.sandbox)?,
        std::time::Instant::now(),
    );
    wait::until_true("the app to be quiet", wait::seconds(120), || {
        let mark = crate::play::Requests::mark(&verbs.sandbox)?;
        if mark != last.0 {
            last = (mark, std::time::Instant::now());
        }
        Ok(last.1.elapsed() > Duration::from_secs(5))
    })
}

/// Renames an appointment and waits for its event; milliseconds beyond the debounce.
fn change(verbs: &Verbs, linked: &Linked) -> Result<f64> {
    let id = linked.event["id"].as_str().context("no id")?;
    let path = format!("/platform/appointments/{}", linked.appointment);
    let mut location = verbs.sandbox.get(&path)?["appointment"]["location"].clone();
    if !location.is_object() {
        location = json!({"address": "Bahnhofstr. 2, 10115 Berlin"});
    }
    // The event's title is the name of the place.
    location["name"] = json!("Renamed for the bench");
    let changed = verbs.sandbox.patch(&path, &json!({"location": location}))?;
    let changed_at = time(&changed["updated_at"])?;
    let written_at = wait::until("the event", wait::seconds(60), || {
        let audit = verbs.sandbox.get("/google/audit")?;
        let writes = audit.as_array().context("no audit")?.iter();
        let mut ours = writes.filter(|write| write["via"] == "api" && write["event"] == id);
        let written = ours.find_map(|write| time(&write["at"]).ok().filter(|at| *at > changed_at));
        Ok(written)
    })?;
    Ok(beyond(written_at, changed_at + DEBOUNCE))
}

/// Drags these events a quarter of an hour, one after the other, and waits for the reports.
fn moves(verbs: &Verbs, moved: &[Linked]) -> Result<Vec<f64>> {
    let mark = crate::play::Requests::mark(&verbs.sandbox)?;
    let mut dragged = Vec::new();
    for one in moved {
        let id = one.event["id"].as_str().context("no id")?;
        let later = |end: &str| -> Result<Value> {
            let at = DateTime::parse_from_rfc3339(one.event[end]["dateTime"].as_str().context("no time")?)?;
            let at = at + TimeDelta::minutes(15);
            Ok(json!({"dateTime": at.to_rfc3339(), "timeZone": one.event[end]["timeZone"]}))
        };
        let body = json!({"start": later("start")?, "end": later("end")?});
        let event = verbs.sandbox.patch(&format!("{}/{id}", calendar()), &body)?;
        dragged.push((one.appointment.as_str(), time(&event["updated"])?));
        std::thread::sleep(Duration::from_millis(500));
    }
    let told = wait::until("all moves to be reported", wait::seconds(180), || {
        let all = verbs.sandbox.get("/platform/notifications")?;
        let all = all.as_array().context("no notifications")?.clone();
        let of = |id: &str| all.iter().find(|one| one["appointment_id"] == id).cloned();
        Ok(dragged.iter().map(|(id, _)| of(id)).collect::<Option<Vec<_>>>())
    })?;
    let log = verbs.sandbox.get(&format!("/requests?since={mark}"))?;
    let notices: Vec<DateTime<Utc>> = log["requests"]
        .as_array()
        .context("no requests")?
        .iter()
        .filter(|one| {
            one["path"]
                .as_str()
                .unwrap_or_default()
                .contains("/v1/hooks/google")
        })
        .map(|one| time(&one["at"]))
        .collect::<Result<_>>()?;
    let mut times = Vec::new();
    for ((_, dragged_at), notification) in dragged.into_iter().zip(told) {
        let notice = notices
            .iter()
            .find(|at| **at >= dragged_at)
            .context("no notice")?;
        times.push(beyond(
            time(&notification["at"])?,
            (*notice).max(dragged_at + SETTLE),
        ));
    }
    Ok(times)
}

fn beyond(at: DateTime<Utc>, due: DateTime<Utc>) -> f64 {
    (at - due).as_seconds_f64() * 1000.0
}

fn time(text: &Value) -> Result<DateTime<Utc>> {
    let text = text.as_str().context("no time")?;
    Ok(DateTime::parse_from_rfc3339(text)?.to_utc())
}
