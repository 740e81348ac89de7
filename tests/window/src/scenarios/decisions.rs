//! Moves and conflicts.

use super::{REPORTED, appointment, nobody_was_mailed};
use anyhow::{Result, ensure};
use chrono::NaiveDate;
use std::time::Duration;
use xtask::play::{Stage, wall};

/// A drag in the week page reaches the platform once, the admin is told once, and the window shows it.
pub fn move_is_reported(stage: &mut Stage) -> Result<()> {
    let (id, day) = appointment(stage, "Fasanen-Apotheke")?;
    stage.onboard()?;
    let week = stage.week(&day.to_string())?;
    let block = week.wait_for("Fasanen-Apotheke", &wall(day, 18, 0))?;
    let moved = week.drag(&block.id, 60, 0)?;
    ensure!(moved.start == wall(day, 19, 0), "dragged to {}", moved.start);
    stage.sync_now()?;
    let window = stage.window()?;
    window.until_badge(&id, "Fasanen-Apotheke", "waiting", Duration::from_secs(15))?;
    let admin = stage.admin()?;
    admin.until_told_about(&id, 1, REPORTED)?;
    ensure!(
        admin.row(&id)?.start.starts_with(&wall(day, 19, 0)),
        "the platform says {}",
        admin.row(&id)?.start
    );
    window.until_badge(&id, "Fasanen-Apotheke", "synced", Duration::from_secs(60))?;
    window.until_state("up_to_date", Duration::from_secs(30))?;
    window.go("history")?;
    window
        .session()
        .find("[data-test=history-row][data-what=moved_back]")?;
    // A further cycle reports nothing again.
    stage.sync_now()?;
    let told = stage.admin()?.told_about(&id)?;
    ensure!(told == 1, "the admin was told {told} times");
    nobody_was_mailed(stage)
}

/// Both moved; the trainer takes the platform's time: the event follows, nobody is told.
pub fn keep_platform(stage: &mut Stage) -> Result<()> {
    let (id, day) = both_move(stage)?;
    stage.window()?.decide("keep-platform")?;
    let week = stage.week(&day.to_string())?;
    week.wait_for("Pirol-Apotheke", &wall(day, 17, 0))?;
    stage.window()?.until_state("up_to_date", REPORTED)?;
    let admin = stage.admin()?;
    ensure!(
        admin.told_about(&id)? == 0,
        "the admin was told of a move that was taken back"
    );
    ensure!(
        admin.row(&id)?.start.starts_with(&wall(day, 17, 0)),
        "the platform says {}",
        admin.row(&id)?.start
    );
    Ok(())
}

/// Both moved; the trainer takes the calendar's time: the platform follows, the admin is told once.
pub fn keep_calendar(stage: &mut Stage) -> Result<()> {
    let (id, day) = both_move(stage)?;
    stage.window()?.decide("keep-calendar")?;
    let admin = stage.admin()?;
    admin.until_told_about(&id, 1, REPORTED)?;
    ensure!(
        admin.row(&id)?.start.starts_with(&wall(day, 19, 0)),
        "the platform says {}",
        admin.row(&id)?.start
    );
    stage.window()?.until_state("up_to_date", REPORTED)?;
    let week = stage.week(&day.to_string())?;
    week.wait_for("Pirol-Apotheke", &wall(day, 19, 0)).map(drop)
}

/// The admin moves it an hour earlier, the trainer an hour later; the window shows the conflict.
pub(super) fn both_move(stage: &mut Stage) -> Result<(String, NaiveDate)> {
    let (id, day) = appointment(stage, "Pirol-Apotheke")?;
    stage.onboard()?;
    stage.admin()?.shift(&id, -60)?;
    let week = stage.week(&day.to_string())?;
    let block = week.wait_for("Pirol-Apotheke", &wall(day, 18, 0))?;
    week.drag(&block.id, 60, 0)?;
    stage.sync_now()?;
    let window = stage.window()?;
    window.until_state("needs_attention", Duration::from_secs(90))?;
    window.go("decisions")?;
    window.until_conflict_about("Pirol-Apotheke")?;
    let (_, kind) = window.conflict()?;
    ensure!(kind == "time_change", "the conflict is a {kind}");
    Ok((id, day))
}
