//! A week offline, then back: 200 changes at once over a line of 50 ms.
//!
//! What a week does to the app is that both services have forgotten where it was: cursor and sync token are refused, so both
//! sides are read in full. The clock of the machine is not moved.

use super::cli::{Verbs, number};
use super::{Bench, Figure};
use crate::pages::TRAINER;
use crate::play::Requests;
use anyhow::{Context, Result, ensure};
use serde_json::json;

const LATENCY_MS: u64 = 50;

/// Changes while nothing runs, then one sync.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let changes = bench.times(200, 20);
    let verbs = Verbs::connected(&bench.folder, bench.profile, 2 * changes)?;
    verbs.sync()?;
    let (mut took, mut writes) = (Vec::new(), Vec::new());
    for round in 0..bench.times(3, 1) {
        // The minute before this one counts against the quota as well.
        let quota = json!({"per_user_per_minute": null, "per_project_per_minute": null});
        verbs.sandbox.put("/google/quota", &quota)?;
        change(&verbs, changes, round)?;
        verbs.sandbox.post("/platform/cursors/expire", &json!({}))?;
        verbs.sandbox.post("/google/sync-tokens/expire", &json!({}))?;
        for service in ["platform", "google"] {
            let rule =
                json!({"service": service, "times": 0, "fault": {"kind": "latency", "ms": LATENCY_MS}});
            verbs.sandbox.post("/faults", &rule)?;
        }
        let mark = Requests::mark(&verbs.sandbox)?;
        let ran = verbs.sync()?;
        let changed = number(&ran.json["changed"])?;
        ensure!(
            changed >= changes as f64,
            "only {changed} of {changes} changes: {}",
            ran.json
        );
        took.push(ran.took.as_secs_f64());
        writes.push(verbs.requests_since(mark)?.event_writes() as f64 / changes as f64);
        verbs.sandbox.delete("/faults")?;
    }
    Ok(vec![
        Figure::of(
            format!("{changes} changes while away, {LATENCY_MS} ms latency: until all is written"),
            took,
            "s",
        )
        .at_most(5.0)
        .note("`sync --once`, from the start of the process to its end")
        .simulated(),
        Figure::of("  writes per change", writes, "requests")
            .at_most(1.0)
            .simulated(),
    ])
}

/// The places of the first so many appointments get another name.
fn change(verbs: &Verbs, changes: usize, round: usize) -> Result<()> {
    let all = verbs
        .sandbox
        .get(&format!("/platform/appointments?assignee={}", TRAINER.user))?;
    let mut open = all
        .as_array()
        .context("no appointments")?
        .iter()
        .filter_map(|one| {
            let appointment = &one["appointment"];
            let coming = appointment["status"] != "cancelled"
                && appointment["start"]
                    .as_str()
                    .is_some_and(|start| start > now().as_str());
            let id = appointment["id"].as_str()?;
            // Private ones are left out of the calendar by the rules of a new installation.
            let shown = coming && appointment["private"] != true;
            (shown && appointment["location"].is_object()).then(|| (id, appointment["location"].clone()))
        });
    for _ in 0..changes {
        let (id, mut location) = open.next().context("too few appointments")?;
        // The event's title is the name of the place.
        location["name"] = json!(format!("Apotheke der Runde {round}"));
        let edit = json!({"location": location});
        verbs
            .sandbox
            .patch(&format!("/platform/appointments/{id}"), &edit)?;
    }
    Ok(())
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339()
}
