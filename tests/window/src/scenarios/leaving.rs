//! Disconnecting and coming back, and leaving without a trace.

use super::our_events;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use xtask::pages::TRAINER;
use xtask::pages::window::hook;
use xtask::play::Stage;
use xtask::wait;

fn ids(stage: &Stage) -> Result<BTreeSet<String>> {
    Ok(our_events(stage)?
        .iter()
        .filter_map(|event| event["id"].as_str().map(str::to_owned))
        .collect())
}

/// Disconnected with the events kept, then connected again: the same events, none twice.
pub fn disconnect_and_back(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    let before = ids(stage)?;
    let window = stage.window()?;
    window.go("settings")?;
    let page = window.session();
    page.click(&hook("section-accounts"))?;
    page.click(&hook("disconnect-google"))?;
    page.find(&hook("disconnect-dialog"))?;
    page.click(&hook("disconnect-confirm"))?;
    page.until_gone(&hook("disconnect-dialog"))?;
    wait::until_true("the calendar disconnected", Duration::from_secs(40), || {
        let sessions = stage.sandbox.get("/google/sessions")?;
        let live = sessions
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["live"] == true)
            .count();
        Ok(live == 0)
    })?;
    ensure!(ids(stage)? == before, "events went although they were to be kept");
    let window = stage.window()?;
    window.session().click(&hook("nav-today")).ok();
    if window.session().has(&hook("connect-google"))? {
        window.begin_google_sign_in()?;
    } else {
        window.go("settings")?;
        window.session().click(&hook("section-accounts"))?;
        window.session().click(&hook("settings-connect-google"))?;
        window.session().click(&hook("connect-google"))?;
    }
    stage.finish_google_sign_in()?;
    let window = stage.window()?;
    wait::until_true("up to date, or a preview", Duration::from_secs(60), || {
        Ok(window.session().has(&hook("start-syncing"))? || window.state()?.as_deref() == Some("up_to_date"))
    })?;
    if window.session().has(&hook("start-syncing"))? {
        window.start_syncing()?;
    }
    window.until_state("up_to_date", Duration::from_secs(90))?;
    ensure!(ids(stage)? == before, "after coming back the events differ");
    Ok(())
}

/// Everything is deleted: our events that are still to come, tokens, data; the trainer's own events stay, and the proof says so.
pub fn delete_everything(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    let account = TRAINER.google_account;
    let path = format!("/google/accounts/{account}/calendars/{account}/events");
    let foreign = |stage: &Stage| -> Result<usize> {
        let all = stage.sandbox.get(&path)?;
        let ours = our_events(stage)?.len();
        let live = all
            .as_array()
            .context("no events")?
            .iter()
            .filter(|event| event["status"] != "cancelled")
            .count();
        Ok(live - ours)
    };
    let own = foreign(stage)?;
    ensure!(own > 0, "the trainer has no events of their own");
    let events = our_events(stage)?.len();
    let window = stage.window()?;
    window.go("settings")?;
    let page = window.session();
    page.click(&hook("section-advanced"))?;
    page.click(&hook("delete-everything"))?;
    page.find(&hook("delete-plan"))?;
    // Without the word nothing can be deleted.
    let confirm = page.find(&hook("delete-confirm"))?;
    ensure!(!page.enabled(&confirm)?, "it can be confirmed without a word");
    page.fill(&hook("delete-word"), "DELETE")?;
    page.click(&hook("delete-confirm"))?;
    page.find_within(&hook("proof"), Duration::from_secs(120))?;
    ensure!(our_events(stage)?.is_empty(), "events of ours are left");
    ensure!(foreign(stage)? == own, "the trainer's own events were touched");
    let text = page.text_at(&hook("proof"))?;
    ensure!(
        text.contains(&events.to_string()),
        "the proof does not say {events}: {text}"
    );
    for service in ["google", "platform"] {
        let sessions = stage.sandbox.get(&format!("/{service}/sessions"))?;
        let live = sessions
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["live"] == true)
            .count();
        ensure!(live == 0, "{live} sessions are alive at {service}");
    }
    page.click(&hook("proof-close"))?;
    stage.window()?.until_step(1)?;
    // The next start begins from nothing, too.
    stage.app = None;
    stage.open_app()?;
    stage.window()?.until_step(1)?;
    let mark = stage.mark()?;
    let writes = stage.requests_since(mark)?.event_writes();
    ensure!(writes == 0, "{writes} writes after everything was deleted");
    ensure!(
        stage.sandbox.get("/google/audit")? != json!([]),
        "the calendar service saw nothing at all"
    );
    Ok(())
}
