//! What the window cannot do, whatever script would run in it: call what was not granted, run a script that was put into the
//! page, reach another address, or show a page of somebody else.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use xtask::pages::window::hook;
use xtask::play::Stage;

/// Commands of Tauri and its plugins, some of which are in the app for its own use.
const UNGRANTED: [&str; 22] = [
    "plugin:app|version",
    "plugin:autostart|disable",
    "plugin:autostart|enable",
    "plugin:deep-link|get_current",
    "plugin:deep-link|register",
    "plugin:event|emit",
    "plugin:event|emit_to",
    "plugin:fs|read_text_file",
    "plugin:fs|write_text_file",
    "plugin:http|fetch",
    "plugin:image|from_path",
    "plugin:menu|new",
    "plugin:opener|open_path",
    "plugin:opener|open_url",
    "plugin:opener|reveal_item_in_dir",
    "plugin:path|resolve_directory",
    "plugin:resources|close",
    "plugin:shell|execute",
    "plugin:tray|new",
    "plugin:webview|create_webview_window",
    "plugin:window|create",
    "plugin:window-state|save_window_state",
];

const CALL: &str = "const done = arguments[arguments.length - 1]; \
    Promise.all(arguments[0].map((name) => window.__TAURI_INTERNALS__.invoke(name, {}) \
      .then(() => 'allowed', (error) => String(error)))).then(done)";

const INJECT: &str = "const done = arguments[arguments.length - 1]; \
    const script = document.createElement('script'); script.textContent = 'window.injected = \"script\"'; \
    document.head.append(script); \
    const remote = document.createElement('script'); remote.src = arguments[0]; document.head.append(remote); \
    const image = document.createElement('img'); image.setAttribute('onerror', 'window.injected = \"handler\"'); \
    image.src = 'data:image/png,x'; document.body.append(image); \
    const frame = document.createElement('iframe'); frame.srcdoc = '<script>parent.injected = \"frame\"</script>'; \
    document.body.append(frame); \
    fetch(arguments[0]).then(() => 'reached', () => 'refused').then((fetched) => \
      requestAnimationFrame(() => requestAnimationFrame(() => { \
        for (const element of [script, remote, image, frame]) element.remove(); \
        done([window.injected ?? null, fetched, Object.isFrozen(Object.prototype)]); })))";

/// Holds against a script in the page.
pub fn to_the_outside(stage: &mut Stage) -> Result<()> {
    stage.onboard()?;
    let window = stage.window()?;
    let session = window.session();

    let answers = session.script_until_called(CALL, json!([UNGRANTED]))?;
    let answers = answers.as_array().context("no answers")?;
    ensure!(answers.len() == UNGRANTED.len(), "not all were answered");
    for (name, answer) in UNGRANTED.iter().zip(answers) {
        let answer = answer.as_str().unwrap_or_default();
        let refused = answer.contains("not allowed") || answer.contains("not found");
        ensure!(refused, "{name} was answered: {answer}");
    }

    let sandbox = stage.sandbox.google_url()?;
    let became = session.script_until_called(INJECT, json!([sandbox]))?;
    ensure!(
        became == json!([Value::Null, "refused", true]),
        "a script in the page became {became}"
    );

    let before = session.url()?;
    for foreign in [
        "https://accounts.google.com/o/oauth2/v2/auth",
        sandbox,
        "data:text/html,x",
    ] {
        session.script("window.location.href = arguments[0]", json!([foreign]))?;
        session.script("window.open(arguments[0])", json!([foreign]))?;
    }
    // Still there, and still at work.
    window.sync_now()?;
    window.until_state("up_to_date", Duration::from_secs(60))?;
    ensure!(session.url()? == before, "the window went to {}", session.url()?);

    // And what is ours is answered: a command that was not granted fails here alone, not before a stand-in of the app.
    window.go("settings")?;
    session.click(&hook("section-advanced"))?;
    session.find(&hook("live-platform"))?;
    session.find(&hook("figures"))?;
    let answer = session.script_until_called(CALL, json!([["network_is_back"]]))?;
    ensure!(
        answer == json!(["allowed"]),
        "our own command was answered {answer}"
    );
    Ok(())
}
