//! Links, a second start, a closed window, a killed process.

use super::decisions::both_move;
use super::{REPORTED, appointment, our_events};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::time::Duration;
use xtask::app::{TITLE, app_processes};
use xtask::desk::notifications;
use xtask::play::{Stage, wall};
use xtask::process::Process;
use xtask::wait;

/// A link given to a second start shows its place in the first one's window; the second one ends.
pub fn link(stage: &mut Stage) -> Result<()> {
    let (appointment, _) = both_move(stage)?;
    let window = stage.window()?;
    let (conflict, _) = window.conflict()?;
    window.go("today")?;
    second_start(stage, &[&format!("roundtrip://conflict/{conflict}")])?;
    let window = stage.window()?;
    window
        .session()
        .find(&format!("[data-test=conflict][data-id=\"{conflict}\"]"))?;
    second_start(stage, &[&format!("roundtrip://appointment/{appointment}")])?;
    stage.window()?.session().find("main[data-place=appointments]")?;
    // What is no link of ours changes nothing.
    second_start(stage, &["roundtrip://delete/everything"])?;
    stage
        .window()?
        .session()
        .find("main[data-place=appointments]")
        .map(drop)
}

/// The window closed: the page's process goes, a move is still reported; a second start opens the window again.
pub fn closing(stage: &mut Stage) -> Result<()> {
    let (id, day) = appointment(stage, "Fasanen-Apotheke")?;
    stage.onboard()?;
    // From here on without WebDriver: it would hold the page open.
    stage.app = None;
    let binary = stage.installation.binary()?;
    wait::until_true("the driven app's end", wait::seconds(20), || {
        Ok(app_processes(stage.desk.mark(), &binary).is_empty())
    })?;
    let week = stage.week(&day.to_string())?;
    let block = week.wait_for("Fasanen-Apotheke", &wall(day, 18, 0))?;
    week.drag(&block.id, 60, 0)?;

    let app = stage.installation.command(&stage.desk, &[])?;
    let mut app = Process::start("roundtrip", app, &stage.desk.logs().join("closing.log"))?;
    let screen = stage.desk.screen()?;
    let painted = |what: &str| {
        wait::until(what, wait::seconds(40), || {
            let window = screen.window(TITLE)?;
            Ok(match window {
                Some(window) if screen.has_painted(&window)? => Some(window),
                _ => None,
            })
        })
    };
    let window = painted("the app's window")?;
    let pages = web_processes(app.id());
    ensure!(pages > 0, "no web process while the window is open");
    screen.close(&window)?;
    wait::until_true("the window gone", wait::seconds(20), || {
        Ok(screen.window(TITLE)?.is_none())
    })?;
    wait::until_true("the page's process gone", wait::seconds(20), || {
        Ok(web_processes(app.id()) == 0)
    })?;
    app.expect_alive()?;

    stage.admin()?.until_told_about(&id, 1, REPORTED)?;

    second_start(stage, &[])?;
    painted("the window again")?;
    app.expect_alive()?;
    let running = app_processes(stage.desk.mark(), &binary).len();
    ensure!(running == 1, "{running} apps are running");
    Ok(())
}

/// No data folder can be made where a file lies: the start says so in one line and one notification, and ends with 1, with no
/// window left behind.
pub fn failed(stage: &mut Stage) -> Result<()> {
    let place = stage.desk.logs().join("a-file");
    std::fs::write(&place, "in the way")?;
    let mut command = stage.installation.command(&stage.desk, &[])?;
    command.env("ROUNDTRIP_DATA_DIR", &place);
    let log = stage.desk.logs().join("failed-start.log");
    let mut app = Process::start("roundtrip", command, &log)?;
    let status = wait::until("the start's end", wait::seconds(60), || app.ended())?;
    let said = std::fs::read_to_string(&log)?;
    ensure!(
        status.code() == Some(1),
        "it ended with {status}, not with 1: {said}"
    );
    ensure!(
        said.contains("Roundtrip couldn't start:") && !said.contains("panicked"),
        "it does not say why: {said}"
    );
    ensure!(stage.desk.screen()?.window(TITLE)?.is_none(), "a window is left");
    let why = said
        .lines()
        .find_map(|line| line.strip_prefix("Roundtrip couldn't start: "))
        .context("it says why in a line of its own")?;
    // The heading comes in the desk's language; the text is that of the line.
    notifications::wait_for(&stage.desk, why)?;
    let told = notifications::shown(&stage.desk)?;
    ensure!(told.len() == 1, "{told:?}");
    Ok(())
}

/// Killed while the first sync writes 200 events; started again it finishes, and each appointment has one event.
pub fn killed(stage: &mut Stage) -> Result<()> {
    stage.open_app()?;
    stage.connect_platform()?;
    stage.connect_google()?;
    let window = stage.window()?;
    let announced = window.open_preview()? as usize;
    ensure!(announced >= 150, "the preview announces only {announced}");
    window.start_syncing()?;
    wait::until_true("a third of the events written", Duration::from_secs(120), || {
        Ok(our_events(stage)?.len() >= announced / 3)
    })?;
    stage.app.take().context("the app is not open")?.kill_app()?;
    let midway = our_events(stage)?.len();
    ensure!(
        midway < announced,
        "it was killed too late: all {midway} events were written"
    );

    stage.open_app()?;
    stage
        .window()?
        .until_state("up_to_date", Duration::from_secs(240))?;
    let events = our_events(stage)?;
    let appointments: BTreeSet<String> = events
        .iter()
        .map(|event| event["source"]["url"].as_str().unwrap_or_default().to_owned())
        .collect();
    ensure!(
        events.len() == announced,
        "announced {announced}, there are {}",
        events.len()
    );
    ensure!(
        appointments.len() == announced,
        "{} appointments have {} events",
        appointments.len(),
        events.len()
    );
    Ok(())
}

/// Starts the app once more with these arguments; it hands over to the first one and ends well.
fn second_start(stage: &Stage, arguments: &[&str]) -> Result<()> {
    let command = stage.installation.command(&stage.desk, arguments)?;
    let mut second = stage.desk.start("second-start", command)?;
    let status = wait::until("the second start's end", wait::seconds(30), || second.ended())?;
    ensure!(
        status.success(),
        "the second start ended with {status}{}",
        second.last_words()
    );
    Ok(())
}

/// The web view's page processes below an app.
fn web_processes(app: u32) -> usize {
    xtask::process::descendants(app)
        .into_iter()
        .filter(|pid| xtask::process::name_of(*pid).contains("WebKitWeb"))
        .count()
}
