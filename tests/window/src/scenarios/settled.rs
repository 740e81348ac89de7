//! Many decisions at once, a filter that is looked at before it is applied, and a write that is tried again.

use super::{REPORTED, appointment, our_events};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration as Span};
use serde_json::{Value, json};
use std::time::Duration;
use xtask::pages::TRAINER;
use xtask::pages::window::hook;
use xtask::play::{Stage, wall};
use xtask::wait;

fn events_path(event: &str) -> String {
    let account = TRAINER.google_account;
    format!("/google/accounts/{account}/calendars/{account}/events/{event}")
}

/// An RFC 3339 time, so many minutes later.
fn later(time: &Value, minutes: i64) -> Result<String> {
    let time = time.as_str().context("no time")?;
    Ok((DateTime::parse_from_rfc3339(time)? + Span::minutes(minutes)).to_rfc3339())
}

/// Fifty appointments are moved on both sides; one decision gives all of them the platform's time, and nobody is told.
pub fn bulk_of_50(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    // Sunday evenings are fine for once: what is arranged is the disagreement, not its times.
    let rules = json!({"opens": "00:00:00", "closes": "23:59:00", "sundays": true, "holidays": true, "overlap": true});
    stage.sandbox.put("/platform/rules", &rules)?;
    let events = our_events(stage)?;
    let tomorrow = chrono::Utc::now() + Span::hours(30);
    let mut moved: Vec<(String, String)> = Vec::new();
    for event in &events {
        let start = &event["start"]["dateTime"];
        let far =
            DateTime::parse_from_rfc3339(start.as_str().context("an event without a time")?)? > tomorrow;
        if moved.len() == 50 || !far {
            continue;
        }
        let id = event["id"].as_str().context("an event without id")?;
        let url = event["source"]["url"].as_str().unwrap_or_default();
        let appointment = url.rsplit('/').next().unwrap_or_default();
        let platform = later(start, -30)?;
        stage.sandbox.post(
            &format!("/platform/appointments/{appointment}/move"),
            &json!({ "start": platform }),
        )?;
        stage.sandbox.patch(
            &events_path(id),
            &json!({
                "start": {"dateTime": later(start, 45)?}, "end": {"dateTime": later(&event["end"]["dateTime"], 45)?},
            }),
        )?;
        moved.push((id.to_owned(), platform));
    }
    ensure!(moved.len() == 50, "only {} events could be moved", moved.len());
    let told = told(stage)?;
    stage.sync_now()?;
    let window = stage.window()?;
    window.until_state("needs_attention", Duration::from_secs(90))?;
    window.go("decisions")?;
    let page = window.session();
    page.click(&hook("select-all"))?;
    let count = page.text_at(&hook("selected-count"))?;
    ensure!(count.contains("50"), "selected: {count}");
    page.click(&hook("bulk-keep-platform"))?;
    page.find(&hook("bulk-consequences"))?;
    page.click(&hook("bulk-apply"))?;
    page.find_within(&hook("no-conflicts"), Duration::from_secs(120))?;
    wait::until_true(
        "fifty events at the platform's time",
        Duration::from_secs(180),
        || {
            for (id, wanted) in &moved {
                let event = stage.sandbox.get(&events_path(id))?;
                let start = event["start"]["dateTime"].as_str().context("no start")?;
                if DateTime::parse_from_rfc3339(start)? != DateTime::parse_from_rfc3339(wanted)? {
                    return Ok(false);
                }
            }
            Ok(true)
        },
    )?;
    stage
        .window()?
        .until_state("up_to_date", Duration::from_secs(60))?;
    ensure!(
        self::told(stage)? == told,
        "the admin was told although the platform's times stay"
    );
    ensure!(our_events(stage)?.len() == events.len(), "events came or went");
    Ok(())
}

fn told(stage: &Stage) -> Result<usize> {
    let all = stage.sandbox.get("/platform/notifications")?;
    Ok(all.as_array().context("no notifications")?.len())
}

/// A type is turned off: the dry run says how many events go, exactly those go, and turning it on brings them back.
pub fn filter_with_dry_run(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    let before = our_events(stage)?.len();
    let window = stage.window()?;
    window.go("settings")?;
    let page = window.session();
    page.click(&hook("section-which"))?;
    page.click(&hook("type-team_call"))?;
    let totals = page.find(&hook("dry-run-totals"))?;
    let removed: usize = page
        .attribute(&totals, "data-removed")?
        .context("the dry run has no number")?
        .parse()?;
    ensure!(removed > 0, "the dry run says that nothing goes");
    ensure!(our_events(stage)?.len() == before, "the dry run wrote something");
    page.click(&hook("change-confirm"))?;
    wait::until_true("those events gone", REPORTED, || {
        Ok(our_events(stage)?.len() == before - removed)
    })?;
    // Let in again, they are added; that asks nothing, but is looked at first as well.
    page.click(&hook("type-team_call"))?;
    page.click(&hook("change-confirm"))?;
    wait::until_true("those events back", REPORTED, || {
        Ok(our_events(stage)?.len() == before)
    })?;
    stage.window()?.until_state("up_to_date", Duration::from_secs(60))
}

/// A write that the calendar refuses is shown as a problem; tried again by hand it goes through.
pub fn tried_again(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    stage.sandbox.post(
        "/faults",
        &json!({
            "service": "google", "method": "POST", "path_contains": "/events", "times": 0,
            "fault": {"kind": "status", "status": 400, "body": {"error": {"code": 400, "message": "Bad Request", "errors": [{"reason": "invalid"}]}}},
        }),
    )?;
    let (id, day) = appointment(stage, "Zeisig-Apotheke")?;
    stage.sync_now()?;
    let window = stage.window()?;
    window.until_badge(&id, "Zeisig-Apotheke", "problem", Duration::from_secs(120))?;
    stage.sandbox.delete("/faults")?;
    let page = window.session();
    page.click("[data-test=appointment-row] [data-test=appointment-menu]")?;
    page.click(&hook("act-retry"))?;
    window.until_badge(&id, "Zeisig-Apotheke", "synced", Duration::from_secs(60))?;
    stage
        .week(&day.to_string())?
        .wait_for("Zeisig-Apotheke", &wall(day, 18, 0))
        .map(drop)
}
