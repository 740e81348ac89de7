//! The scenarios, by topic.

mod background;
mod closed;
mod decisions;
mod keyboard;
mod leaving;
mod mocked;
mod onboarding;
mod reconnect;
mod settled;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use serde_json::Value;
use std::time::Duration;
use xtask::gallery::Gallery;
use xtask::pages::TRAINER;
use xtask::play::{self, SignIn, Stage};

/// From the last edit in the calendar to the report: 20 s of settling, and a cycle that notices.
const REPORTED: Duration = Duration::from_secs(120);

/// One test.
pub struct Scenario {
    /// Also the name of its folder.
    pub name: &'static str,
    /// How many appointments the trainer has.
    pub appointments: usize,
    /// How sign-in pages are answered.
    pub sign_in: SignIn,
    /// What happens.
    pub act: Act,
}

/// On which stage it is played.
#[derive(Clone, Copy)]
pub enum Act {
    /// The real app against the sandbox.
    Real(fn(&mut Stage) -> Result<()>),
    /// The window alone, with a stand-in for the app.
    Alone(fn(&Gallery) -> Result<()>),
}

/// All of them.
pub fn all() -> Vec<Scenario> {
    let usual = |name, act| Scenario {
        name,
        appointments: 12,
        sign_in: SignIn::ByItself,
        act: Act::Real(act),
    };
    let alone = |name, act| Scenario {
        name,
        appointments: 0,
        sign_in: SignIn::ByItself,
        act: Act::Alone(act),
    };
    vec![
        Scenario {
            name: "onboarding_by_clicks",
            appointments: 24,
            sign_in: SignIn::ByClicks,
            act: Act::Real(onboarding::by_clicks),
        },
        usual("the_first_start_on_a_german_system", onboarding::in_german),
        usual("a_wrong_address_is_said_in_words", onboarding::wrong_address),
        usual(
            "a_move_in_the_calendar_is_reported_and_shown",
            decisions::move_is_reported,
        ),
        usual(
            "a_conflict_resolved_with_the_platforms_time",
            decisions::keep_platform,
        ),
        usual(
            "a_conflict_resolved_with_the_calendars_time",
            decisions::keep_calendar,
        ),
        usual("revoked_access_notifies_and_reconnects", reconnect::revoked),
        usual("a_link_navigates_the_first_window", background::link),
        usual("closing_goes_on_and_a_second_start_reopens", background::closing),
        usual("a_start_that_fails_says_why_and_ends_with_1", background::failed),
        Scenario {
            name: "killed_in_mid_first_sync_finishes_right",
            appointments: 200,
            sign_in: SignIn::ByItself,
            act: Act::Real(background::killed),
        },
        Scenario {
            name: "fifty_conflicts_with_one_decision",
            appointments: 75,
            sign_in: SignIn::ByItself,
            act: Act::Real(settled::bulk_of_50),
        },
        Scenario {
            name: "a_filter_says_first_what_it_does",
            appointments: 24,
            sign_in: SignIn::ByItself,
            act: Act::Real(settled::filter_with_dry_run),
        },
        usual("a_refused_write_is_tried_again_by_hand", settled::tried_again),
        usual(
            "disconnected_and_back_without_doubles",
            leaving::disconnect_and_back,
        ),
        usual("everything_deleted_with_proof", leaving::delete_everything),
        usual("the_window_is_closed_to_the_outside", closed::to_the_outside),
        alone("every_screen_is_accessible_in_light", mocked::accessible_light),
        alone("every_screen_is_accessible_in_dark", mocked::accessible_dark),
        alone(
            "every_screen_is_accessible_with_text_twice_as_large",
            mocked::accessible_large,
        ),
        alone("longer_words_are_not_cut_off", mocked::longer_words),
        alone("right_to_left_keeps_the_layout", mocked::right_to_left),
        alone("every_stop_of_the_keyboard_is_seen", keyboard::every_stop),
        alone("the_first_start_by_keyboard_alone", keyboard::first_start),
        alone("every_day_by_keyboard_alone", keyboard::every_day),
    ]
}

/// An appointment at six in the evening of a day that is free, made by the admin; its id and day.
fn appointment(stage: &Stage, title: &str) -> Result<(String, NaiveDate)> {
    let admin = stage.admin()?;
    let day = *play::free_evenings(&admin.rows()?, 1)?
        .first()
        .context("no free evening")?;
    let id = admin.create(TRAINER.user, title, &day.to_string(), "18:00", "19:00")?;
    Ok((id, day))
}

/// The trainer's events that Roundtrip wrote and that are alive, as the calendar service holds them.
fn our_events(stage: &Stage) -> Result<Vec<Value>> {
    let account = TRAINER.google_account;
    let path = format!("/google/accounts/{account}/calendars/{account}/events");
    let events = stage.sandbox.get(&path)?;
    let events = events.as_array().context("no events")?;
    Ok(events
        .iter()
        .filter(|event| event["status"] != "cancelled")
        .filter(|event| {
            event["extendedProperties"]["private"]
                .as_object()
                .is_some_and(|mark| !mark.is_empty())
        })
        .cloned()
        .collect())
}

/// Nobody else is ever mailed: no write named guests, and each asked for silence.
fn nobody_was_mailed(stage: &Stage) -> Result<()> {
    let audit = stage.sandbox.get("/google/audit")?;
    // What the trainer does on the calendar's own page is theirs.
    let writes: Vec<&Value> = audit
        .as_array()
        .context("no audit")?
        .iter()
        .filter(|one| one["via"] == "api")
        .collect();
    anyhow::ensure!(!writes.is_empty(), "the calendar service saw no write");
    for write in writes {
        anyhow::ensure!(write["attendees_sent"] == false, "a write named guests: {write}");
        anyhow::ensure!(
            write["send_updates"] == "none",
            "a write did not ask for silence: {write}"
        );
    }
    Ok(())
}
