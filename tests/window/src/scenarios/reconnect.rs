//! Access that was taken away, and the notification that gives it back.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::time::Duration;
use xtask::desk::notifications;
use xtask::pages::TRAINER;
use xtask::play::Stage;
use xtask::wait;

/// Google takes the tokens away: the window says so, one notification appears, and its button opens the sign-in.
pub fn revoked(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    // In the foreground the window's own banner takes the notification's place.
    let screen = stage.desk.screen()?;
    let browser = screen.window("MiniBrowser")?.context("no browser on the desk")?;
    screen.focus(&browser)?;
    stage.sandbox.post(
        "/google/revoke-tokens",
        &json!({"account": TRAINER.google_account}),
    )?;
    stage.sandbox.post("/google/expire-access-tokens", &json!({}))?;
    let window = stage.window()?;
    window.sync_now()?;
    window.until_state("needs_attention", Duration::from_secs(60))?;
    window
        .session()
        .find("[data-test=problem-card][data-code=google_reauth]")?;

    let shown = notifications::wait_for(&stage.desk, "sign in")?;
    ensure!(
        shown.summary.contains("Google"),
        "the notification says: {}",
        shown.summary
    );
    ensure!(
        notifications::displayed(&stage.desk)? == 1,
        "more than one notification"
    );
    let opened = stage.installation.opened.all().len();
    notifications::press(&stage.desk, "Reconnect")?;
    wait::until_true("the sign-in opening in the browser", wait::seconds(30), || {
        Ok(stage.installation.opened.all().len() == opened + 1)
    })?;
    let url = stage
        .installation
        .opened
        .all()
        .pop()
        .context("no address was opened")?;
    let wanted = stage.sandbox.value("ROUNDTRIP_GOOGLE_AUTH_URL")?;
    ensure!(url.starts_with(wanted), "the notification opened another address");

    stage.finish_google_sign_in()?;
    stage
        .window()?
        .until_state("up_to_date", Duration::from_secs(60))?;
    wait::until_true("the notification withdrawn", wait::seconds(20), || {
        Ok(notifications::displayed(&stage.desk)? == 0)
    })?;
    let asked = notifications::shown(&stage.desk)?;
    let asked = asked.iter().filter(|one| one.summary.contains("sign in")).count();
    ensure!(asked == 1, "the notification came {asked} times");
    Ok(())
}
