//! The first minutes.

use super::{nobody_was_mailed, our_events};
use anyhow::{Result, ensure};
use std::time::Duration;
use xtask::play::Stage;

/// Both sign-ins on their pages, the preview, the first sync; and the preview told the truth.
pub fn by_clicks(stage: &mut Stage) -> Result<()> {
    stage.open_app()?;
    stage.connect_platform()?;
    stage.connect_google()?;
    let before = our_events(stage)?.len();
    ensure!(
        before == 0,
        "{before} events were written before anybody said start"
    );
    let window = stage.window()?;
    let announced = window.open_preview()?;
    ensure!(announced > 0, "the preview announces nothing");
    ensure!(our_events(stage)?.is_empty(), "the preview wrote something");
    window.start_syncing()?;
    window.until_state("up_to_date", Duration::from_secs(120))?;
    let written = our_events(stage)?.len();
    ensure!(
        written == announced as usize,
        "announced {announced}, written {written}"
    );
    window.expect_no_problem()?;
    nobody_was_mailed(stage)
}

/// An address that is no platform: one clear sentence, and the field keeps what was typed.
pub fn wrong_address(stage: &mut Stage) -> Result<()> {
    stage.open_app()?;
    let elsewhere = stage.sandbox.google_url()?.to_owned();
    let window = stage.window()?;
    window.until_step(1)?;
    window.begin_platform_sign_in(&elsewhere)?;
    let said = window.session().find("[role=alert]")?;
    let text = window.session().text(&said)?;
    ensure!(text.split_whitespace().count() >= 4, "not a sentence: {text}");
    for word in ["404", "panicked", "Error", "invalid", "failed to"] {
        ensure!(!text.contains(word), "the window says “{word}”: {text}");
    }
    ensure!(
        stage.installation.opened.all().is_empty(),
        "the browser was opened for an address that is no platform"
    );
    stage.connect_platform()
}

/// On a German system: the address, then three clicks beside the two consent pages, and the window says in German that
/// all is right.
pub fn in_german(stage: &mut Stage) -> Result<()> {
    stage.installation.set("LANG", "de_DE.UTF-8");
    stage.open_app()?;
    let window = stage.window()?;
    window.until_text("Ihre Termine und Ihr Kalender", Duration::from_secs(20))?;
    stage.connect_platform()?;
    stage.connect_google()?;
    let window = stage.window()?;
    window.start_syncing()?;
    window.until_state("up_to_date", Duration::from_secs(120))?;
    window.until_text("Ihr Kalender stimmt.", Duration::from_secs(20))?;
    window.expect_no_problem()?;
    let text = window.text()?;
    for word in ["Synced", "Sync now", "Appointments", "Settings"] {
        ensure!(!text.contains(word), "“{word}” in a German window: {text}");
    }
    Ok(())
}
