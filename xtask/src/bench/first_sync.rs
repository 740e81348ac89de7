//! A large first sync over a slow line, with Google's limit per minute in force.
//!
//! The floor is the quota's own: 600 requests in any minute. What may be better or worse is how fully it is used, whether
//! it is ever overstepped, and how soon the appointments of the coming week are there.

use super::cli::{Verbs, number};
use super::{Bench, Figure};
use crate::pages::TRAINER;
use crate::play::Requests;
use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Google's published limit per user.
const PER_MINUTE: usize = 600;

/// Runs it once.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let appointments = bench.times(bench.options.appointments, 100);
    let latency_ms = bench.options.latency_ms;
    let verbs = Verbs::connected(&bench.folder, bench.profile, appointments)?;
    for service in ["platform", "google"] {
        let rule = json!({"service": service, "times": 0, "fault": {"kind": "latency", "ms": latency_ms}});
        verbs.sandbox.post("/faults", &rule)?;
    }
    let quota = json!({"per_user_per_minute": PER_MINUTE, "status": 429});
    verbs.sandbox.put("/google/quota", &quota)?;
    let mark = Requests::mark(&verbs.sandbox)?;
    let begun = Utc::now();
    let ran = verbs.sync()?;
    let asked = verbs.requests_since(mark)?;
    let log = verbs.sandbox.get(&format!("/requests?since={mark}"))?;
    let log: Vec<&Value> = log["requests"]
        .as_array()
        .context("no requests")?
        .iter()
        .filter(|one| one["service"] == "google")
        .collect();
    let mut at: Vec<DateTime<Utc>> = log.iter().map(|one| time(&one["at"])).collect::<Result<_>>()?;
    at.sort();
    let refused = log.iter().filter(|one| one["status"] == 429).count();
    let added = number(&ran.json["added"])?;
    let name = |what: &str| format!("first sync of {appointments}, {latency_ms} ms latency: {what}");
    let mut figures = vec![
        Figure::new(name("events added"), added, "").simulated(),
        Figure::new(name("refused for speed"), refused as f64, "requests")
            .at_most(0.0)
            .simulated(),
        timed(
            Figure::new(name("time"), ran.took.as_secs_f64(), "s").simulated(),
            appointments,
        ),
        Figure::new(
            name("most requests in one second"),
            most_within(&at, 1) as f64,
            "requests",
        )
        .at_most(50.0)
        .simulated(),
        Figure::new(
            name("most requests in one minute"),
            most_within(&at, 60) as f64,
            "requests",
        )
        .at_most(PER_MINUTE as f64)
        .simulated(),
        Figure::new(
            name("the coming week is there after"),
            coming_week(&verbs, begun)?,
            "s",
        )
        .at_most(5.0)
        .simulated(),
        Figure::new(name("peak memory"), ran.peak_mb, "MB").simulated(),
        Figure::new(
            name("requests to Google"),
            asked.count("google", "", "") as f64,
            "requests",
        )
        .simulated(),
        Figure::new(
            name("requests to the platform"),
            asked.count("platform", "", "") as f64,
            "requests",
        )
        .simulated(),
    ];
    if let Some(used) = share_used(&at) {
        figures.push(
            Figure::new(name("use of the allowed rate while a queue waits"), used, "%")
                .at_least(95.0)
                .note("median of the minutes that end at each request, after the first minute")
                .simulated(),
        );
    }
    Ok(figures)
}

/// The goal is set for a thousand.
fn timed(figure: Figure, appointments: usize) -> Figure {
    match appointments {
        1000 => figure
            .at_most(105.0)
            .note("the floor at an even rate is 95 to 100 s; the first minute's share goes at once"),
        _ => figure,
    }
}

/// Seconds from the start to the last new event of the coming seven days.
fn coming_week(verbs: &Verbs, begun: DateTime<Utc>) -> Result<f64> {
    let path = format!(
        "/google/accounts/{}/calendars/primary/events",
        TRAINER.google_account
    );
    let events = verbs.sandbox.get(&path)?;
    let soon: BTreeMap<&str, ()> = events
        .as_array()
        .context("no events")?
        .iter()
        .filter(|event| {
            let start = event["start"]["dateTime"].as_str().unwrap_or_default();
            DateTime::parse_from_rfc3339(start).is_ok_and(|start| start < begun + TimeDelta::days(7))
        })
        .filter_map(|event| Some((event["id"].as_str()?, ())))
        .collect();
    let audit = verbs.sandbox.get("/google/audit")?;
    let mut last = begun;
    for write in audit.as_array().context("no audit")? {
        let ours = write["via"] == "api" && write["event"].as_str().is_some_and(|id| soon.contains_key(id));
        if ours {
            last = last.max(time(&write["at"])?);
        }
    }
    Ok((last - begun).as_seconds_f64())
}

fn time(text: &Value) -> Result<DateTime<Utc>> {
    let text = text.as_str().context("no time")?;
    Ok(DateTime::parse_from_rfc3339(text)?.to_utc())
}

/// The most requests that any so many seconds saw; `at` is sorted.
fn most_within(at: &[DateTime<Utc>], seconds: i64) -> usize {
    ending_at_each(at, seconds).into_iter().max().unwrap_or(0)
}

/// How many requests lie in the time that ends with each of them.
fn ending_at_each(at: &[DateTime<Utc>], seconds: i64) -> Vec<usize> {
    let window = TimeDelta::seconds(seconds);
    let mut first = 0;
    at.iter()
        .enumerate()
        .map(|(last, now)| {
            while at[first] <= *now - window {
                first += 1;
            }
            last - first + 1
        })
        .collect()
}

/// How much of the allowed rate is used, in percent; none if it was over before a minute had passed.
fn share_used(at: &[DateTime<Utc>]) -> Option<f64> {
    let begun = *at.first()?;
    let counts: Vec<f64> = at
        .iter()
        .zip(ending_at_each(at, 60))
        .filter(|(at, _)| **at - begun >= TimeDelta::seconds(60))
        .map(|(_, count)| count as f64)
        .collect();
    (!counts.is_empty()).then(|| super::figure::percentile(&counts, 0.5) / PER_MINUTE as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_what_is_younger_than_it() {
        let start = DateTime::UNIX_EPOCH;
        let at: Vec<_> = [0, 500, 999, 1000, 5000]
            .map(|ms| start + TimeDelta::milliseconds(ms))
            .to_vec();
        assert_eq!(ending_at_each(&at, 1), [1, 2, 3, 3, 1]);
        assert_eq!(most_within(&at, 1), 3);
        assert_eq!(share_used(&at), None);
        let steady: Vec<_> = (0..1200)
            .map(|n| start + TimeDelta::milliseconds(n * 100))
            .collect();
        assert_eq!(share_used(&steady), Some(100.0));
    }
}
