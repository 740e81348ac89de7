//! Without a display: the same app in a virtual one, played by clicks in its window and in the sandbox's pages.

use super::report::Report;
use super::{Options, folder};
use crate::pages::TRAINER;
use crate::play::{self, SignIn, Stage, wall};
use crate::wait::seconds;
use anyhow::{Context, Result};
use chrono::NaiveDate;

/// From the last edit in the calendar to the report: 20 s of settling, and a cycle that notices.
const REPORTED: std::time::Duration = std::time::Duration::from_secs(120);

pub(super) fn play(options: &Options) -> Result<bool> {
    let folder = folder();
    remove_old_pictures(&folder)?;
    let mut report = Report::begin(&folder, "Roundtrip: the main job, played in a virtual display");
    let sign_in = if options.auto {
        SignIn::ByItself
    } else {
        SignIn::ByClicks
    };
    let mut stage = Stage::open(&folder.join("logs"), options.appointments, sign_in)?;
    let played = story(&mut report, &mut stage);
    if let Err(error) = &played {
        stage.keep_logs(stage.desk.logs());
        let _ = stage.desk.screenshot(&folder.join("failed-desk.png"));
        report.line(&format!(
            "\nThe demo stopped: {error:#}\nLogs: {}",
            stage.desk.logs().display()
        ));
    }
    let seconds = report.started.elapsed().as_secs();
    let file = report.save()?;
    println!(
        "\n{seconds} s in all. Report and pictures: {}",
        file.parent().unwrap_or(&folder).display()
    );
    Ok(played.is_ok())
}

fn story(report: &mut Report, stage: &mut Stage) -> Result<()> {
    let slots = {
        let admin = stage.admin()?;
        admin.show_all()?;
        play::free_evenings(&admin.rows()?, 3)?
    };
    let &[new_day, move_day, conflict_day] = slots.as_slice() else {
        anyhow::bail!("no free evenings")
    };
    let moved_id = create(stage, "Fasanen-Apotheke", move_day)?;
    let conflict_id = create(stage, "Pirol-Apotheke", conflict_day)?;

    report.step(stage, "Open the app for the first time", |stage| {
        stage.open_app()?;
        Ok(format!("The window says: “{}”", stage.window()?.headline()?))
    })?;
    report.step(stage, "Sign in at the platform", |stage| {
        stage.connect_platform()?;
        Ok("The browser opened the platform's sign-in; afterwards the window went on by itself.".into())
    })?;
    report.step(stage, "Connect Google Calendar", |stage| {
        stage.connect_google()?;
        Ok(format!("Consent was given for {}.", TRAINER.google_account))
    })?;
    let mut announced = 0;
    report.step(stage, "See what will be written before anything is", |stage| {
        let window = stage.window()?;
        announced = window.open_preview()?;
        Ok(format!("The window says: “{}”", window.headline()?))
    })?;
    let first = report.step(stage, "First sync", |stage| {
        let window = stage.window()?;
        window.start_syncing()?;
        window.until_state("up_to_date", seconds(300))?;
        Ok(format!("The window says: “{}”", window.headline()?))
    })?;
    let change = report.step(
        stage,
        "The admin creates an appointment, and it appears in the calendar",
        |stage| {
            create(stage, "Eisvogel-Apotheke", new_day)?;
            stage.sync_now()?;
            let week = stage.week(&new_day.to_string())?;
            let block = week.wait_for("Eisvogel-Apotheke", &wall(new_day, 18, 0))?;
            Ok(format!(
                "In the calendar: “{}”, {} to {}.",
                block.title, block.start, block.end
            ))
        },
    )?;
    report.step(
        stage,
        "The admin moves an appointment, and the event follows",
        |stage| {
            stage.admin()?.shift(&moved_id, -60)?;
            stage.sync_now()?;
            stage
                .week(&move_day.to_string())?
                .wait_for("Fasanen-Apotheke", &wall(move_day, 17, 0))?;
            Ok(format!(
                "Fasanen-Apotheke is now at {} in the calendar.",
                wall(move_day, 17, 0)
            ))
        },
    )?;
    let back = report.step(
        stage,
        "The trainer drags that event in the calendar, and the admin is told",
        |stage| {
            let block = {
                let week = stage.week(&move_day.to_string())?;
                let block = week.wait_for("Fasanen-Apotheke", &wall(move_day, 17, 0))?;
                week.drag(&block.id, 90, 0)?
            };
            stage.sync_now()?;
            let admin = stage.admin()?;
            admin.until_told_about(&moved_id, 1, REPORTED)?;
            let row = admin.row(&moved_id)?;
            let window = stage.window()?;
            window.until_state("up_to_date", seconds(60))?;
            window.until_badge(&moved_id, "Fasanen-Apotheke", "synced", seconds(60))?;
            Ok(format!(
                "Dragged to {}; on the platform: {}; one notification for the admin.",
                block.start, row.start
            ))
        },
    )?;
    report.step(stage, "Both sides move the same appointment", |stage| {
        stage.admin()?.shift(&conflict_id, -60)?;
        let week = stage.week(&conflict_day.to_string())?;
        let block = week.wait_for("Pirol-Apotheke", &wall(conflict_day, 18, 0))?;
        week.drag(&block.id, 60, 0)?;
        stage.sync_now()?;
        let window = stage.window()?;
        window.until_state("needs_attention", seconds(90))?;
        window.go("decisions")?;
        window.until_conflict_about("Pirol-Apotheke")?;
        Ok(format!("The window says: “{}”", window.headline()?))
    })?;
    report.step(
        stage,
        "The trainer decides in the window: keep the calendar's time",
        |stage| {
            let window = stage.window()?;
            window.decide("keep-calendar")?;
            window.until_state("up_to_date", REPORTED)?;
            let admin = stage.admin()?;
            admin.until_told_about(&conflict_id, 1, REPORTED)?;
            Ok(format!(
                "On the platform now: {}.",
                admin.row(&conflict_id)?.start
            ))
        },
    )?;
    let idle = report.step(stage, "A cycle with nothing to do", |stage| {
        stage.sync_now()?;
        Ok(format!("The window says: “{}”", stage.window()?.headline()?))
    })?;
    report.step(stage, "The history tells it again", |stage| {
        stage.window()?.go("history")?;
        stage.window()?.until_text("Fasanen-Apotheke", seconds(20))?;
        Ok(String::new())
    })?;

    let added = first.requests.count("google", "POST", "/events");
    report.line("\nFigures");
    report.line(&format!("  announced by the preview            {announced}"));
    report.line(&format!(
        "  events written by the first sync    {added} in {:.1} s",
        first.took.as_secs_f64()
    ));
    if added > 0 {
        let ratio = first.requests.event_writes() as f64 / added as f64;
        report.line(&format!("  writes per added appointment        {ratio:.2}"));
    }
    report.line(&format!(
        "  requests for one new appointment    platform {}, Google {}",
        change.requests.count("platform", "", ""),
        change.requests.count("google", "", "")
    ));
    report.line(&format!(
        "  requests for one move back          platform {}, Google {} in {:.0} s (20 s of it to let a drag settle)",
        back.requests.count("platform", "", ""),
        back.requests.count("google", "", ""),
        back.took.as_secs_f64()
    ));
    report.line(&format!(
        "  requests of a cycle with nothing    platform {}, Google {}, writes {}",
        idle.requests.count("platform", "", ""),
        idle.requests.count("google", "", ""),
        idle.requests.event_writes()
    ));
    for line in idle.requests.lines() {
        report.line(&format!("    {line}"));
    }
    Ok(())
}

/// An appointment at six in the evening, made by the admin.
fn create(stage: &Stage, title: &str, day: NaiveDate) -> Result<String> {
    stage
        .admin()?
        .create(TRAINER.user, title, &day.to_string(), "18:00", "19:00")
        .with_context(|| format!("creating “{title}”"))
}

fn remove_old_pictures(folder: &std::path::Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "png") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
