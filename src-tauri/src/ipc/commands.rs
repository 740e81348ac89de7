//! The commands of the window. Each checks its input, asks the host, and decides nothing about sync.

pub mod appointments;
pub mod decisions;
pub mod diagnostics;
pub mod history;
pub mod privacy;

use super::convert;
use super::dto::{
    AppError, AppInfo, AppointmentRow, CheckView, ConflictView, HistoryQuery, HistoryRow, Overview, Preview,
    ResolutionInput, RunRow, SeenView, SettingsPatch, SettingsView, SignInView,
};
use super::settings::{self, keys};
use crate::gui::Gui;
use crate::gui::browser;
use crate::host::appointments::is_listed;
use crate::host::overview::moved_back;
use crate::host::problem::code_of;
use crate::host::{Host, Running};
use chrono::{DateTime, Datelike as _, Duration, Utc};
use roundtrip_core::conflict::{Choice, Resolution, Seen};
use roundtrip_core::ids::{AppointmentId, ConflictId, Etag, QuestionId};
use roundtrip_core::outbox::Side;
use roundtrip_core::question::Answer;
use roundtrip_core::record::Field;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::ledger::Trigger;
use roundtrip_engine::ports::PortError;
use roundtrip_engine::{AnswerError, Removals};
use roundtrip_http::answer::is_planned_year;
use roundtrip_store::Provider;
use tauri::{AppHandle, State};

pub(super) type Answered<T> = Result<T, AppError>;

/// Ids come from the window as texts: longer ones are none of ours.
pub(super) fn checked(field: &str, text: String) -> Answered<String> {
    if text.is_empty() || text.len() > 512 {
        Err(AppError::input(field))
    } else {
        Ok(text)
    }
}

pub(super) async fn running(gui: &Gui) -> Answered<Running> {
    connected(&gui.host).await
}

/// The engine for what is to be done.
///
/// # Errors
/// See [`Host::running_soon`]; `not_connected` where it answers none.
pub async fn connected(host: &Host) -> Answered<Running> {
    host.running_soon().await?.ok_or_else(AppError::not_connected)
}

/// The engine for what is only shown: also the one that another takes the place of.
pub(super) async fn shown_by(host: &Host) -> Answered<Running> {
    host.running().await.ok_or_else(AppError::not_connected)
}

/// Everything the dashboard shows.
#[tauri::command]
#[specta::specta]
pub async fn get_overview(gui: State<'_, Gui>) -> Answered<Overview> {
    gui.host.overview().await
}

/// Appointments that are not over, by start.
#[tauri::command]
#[specta::specta]
pub async fn list_appointments(gui: State<'_, Gui>) -> Answered<Vec<AppointmentRow>> {
    appointment_rows(&gui.host).await
}

/// The answer of [`list_appointments`].
///
/// # Errors
/// If the database cannot be read.
pub async fn appointment_rows(host: &Host) -> Answered<Vec<AppointmentRow>> {
    let Some(running) = host.running().await else {
        return Ok(Vec::new());
    };
    let snapshot = running.snapshot().await?;
    let moved = moved_back(&running).await?;
    Ok(snapshot
        .appointments
        .iter()
        .filter(|status| is_listed(status, snapshot.now))
        .map(|status| {
            convert::row(
                status,
                moved.get(&status.record.appointment_id),
                &snapshot.settings,
            )
        })
        .collect())
}

/// Open conflicts, oldest first.
#[tauri::command]
#[specta::specta]
pub async fn list_conflicts(gui: State<'_, Gui>) -> Answered<Vec<ConflictView>> {
    conflict_views(&gui.host).await
}

/// The answer of [`list_conflicts`].
///
/// # Errors
/// If the database cannot be read.
pub async fn conflict_views(host: &Host) -> Answered<Vec<ConflictView>> {
    let Some(running) = host.running().await else {
        return Ok(Vec::new());
    };
    let snapshot = running.snapshot().await?;
    Ok(snapshot
        .conflicts
        .iter()
        .map(|conflict| convert::conflict(conflict, &snapshot))
        .collect())
}

/// Answers a conflict. If it changed since it was shown nothing is done, and the new state comes back.
#[tauri::command]
#[specta::specta]
pub async fn resolve_conflict(
    gui: State<'_, Gui>,
    id: String,
    seen: SeenView,
    resolution: ResolutionInput,
) -> Answered<Option<ConflictView>> {
    let running = running(&gui).await?;
    let id = ConflictId(checked("id", id)?);
    let shown = shown(seen)?;
    let zone = zone(&gui.host).await;
    let resolution = resolution_of(resolution, zone)?;
    match running.engine.resolve_conflict(&id, &shown, &resolution).await {
        Ok(()) => Ok(None),
        Err(AnswerError::Stale) => {
            // Not a shared one: that may be the very state that is stale.
            let snapshot = running.engine.snapshot().await?;
            let now = snapshot.conflicts.iter().find(|conflict| conflict.id == id);
            now.map(|conflict| Some(convert::conflict(conflict, &snapshot)))
                .ok_or_else(|| AppError::from(AnswerError::Gone))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn shown(seen: SeenView) -> Answered<Seen> {
    Ok(Seen {
        version: seen.version.map(u64::from),
        etag: seen.etag.map(|etag| checked("etag", etag)).transpose()?.map(Etag),
    })
}

pub(super) async fn zone(host: &Host) -> chrono_tz::Tz {
    host.accounts()
        .await
        .platform
        .map_or(chrono_tz::UTC, |(_, extra)| extra.me.time_zone)
}

pub(super) fn resolution_of(input: ResolutionInput, zone: chrono_tz::Tz) -> Answered<Resolution> {
    Ok(match input {
        ResolutionInput::KeepPlatform => Resolution::KeepPlatform,
        ResolutionInput::KeepCalendar => Resolution::KeepCalendar,
        ResolutionInput::MostRecent => Resolution::MostRecent,
        ResolutionInput::StopSyncing => Resolution::StopSyncing,
        ResolutionInput::Create => Resolution::Create,
        ResolutionInput::Dismiss => Resolution::Dismiss,
        ResolutionInput::Merge { choices } => {
            if choices.len() > Field::ALL.len() {
                return Err(AppError::input("choices"));
            }
            let planned = |at: DateTime<Utc>| is_planned_year(at.year());
            let mut chosen = Vec::new();
            for choice in choices {
                let field = convert::field_named(&choice.field).ok_or_else(|| AppError::input("field"))?;
                let choice = match (choice.choice.as_str(), choice.start, choice.end) {
                    ("platform", _, _) => Choice::Platform,
                    ("calendar", _, _) => Choice::Calendar,
                    ("time", Some(start), Some(end)) if start < end && planned(start) && planned(end) => {
                        Choice::Time {
                            time: TimeSpan { start, end, zone },
                        }
                    }
                    ("time", _, _) => return Err(AppError::input("time")),
                    _ => return Err(AppError::input("choice")),
                };
                chosen.push((field, choice));
            }
            Resolution::Merge { choices: chosen }
        }
    })
}

/// Answers a question of the guard: go on (or put back), or leave as it is.
#[tauri::command]
#[specta::specta]
pub async fn answer_question(gui: State<'_, Gui>, id: String, go_on: bool) -> Answered<()> {
    let running = running(&gui).await?;
    let answer = if go_on { Answer::GoOn } else { Answer::Leave };
    Ok(running
        .engine
        .answer_question(&QuestionId(checked("id", id)?), answer)
        .await?)
}

/// The history, newest first.
#[tauri::command]
#[specta::specta]
pub async fn list_history(gui: State<'_, Gui>, query: HistoryQuery) -> Answered<Vec<HistoryRow>> {
    history::lines(&gui.host, query).await
}

/// Runs of the last 30 days, newest first.
#[tauri::command]
#[specta::specta]
pub async fn list_runs(gui: State<'_, Gui>, limit: u32) -> Answered<Vec<RunRow>> {
    run_rows(&gui.host, limit).await
}

/// The answer of [`list_runs`].
///
/// # Errors
/// If the database cannot be read.
pub async fn run_rows(host: &Host, limit: u32) -> Answered<Vec<RunRow>> {
    let Some(running) = host.running().await else {
        return Ok(Vec::new());
    };
    let since = running.engine.now() - Duration::days(30);
    let runs = running.engine.runs(since, limit.clamp(1, 500)).await?;
    Ok(runs.iter().map(convert::run).collect())
}

/// Settings.
#[tauri::command]
#[specta::specta]
pub async fn get_settings(app: AppHandle, gui: State<'_, Gui>) -> Answered<SettingsView> {
    let view = settings::view(&gui.host, gui.host.running().await.as_ref()).await;
    Ok(Gui::as_the_system_says(&app, view?))
}

/// Changes settings; what is none stays.
#[tauri::command]
#[specta::specta]
pub async fn change_settings(
    app: AppHandle,
    gui: State<'_, Gui>,
    patch: SettingsPatch,
) -> Answered<SettingsView> {
    // All of it is checked before any of it is kept.
    settings::check_app(&patch)?;
    let Some(running) = gui.host.running_soon().await? else {
        // Before both accounts are connected there are only the app's own settings.
        gui.change_app_settings(&app, &patch).await?;
        let view = settings::view(&gui.host, None).await;
        return Ok(Gui::as_the_system_says(&app, view?));
    };
    let before = running.engine.ledger().settings().await.map_err(AppError::from)?;
    let change = settings::change_of(&before, &patch)?;
    newly_excluded_are_known(&running, &before, &patch).await?;
    let elsewhere = another_calendar(&gui.host, &patch).await?;
    if let Some(calendar) = &elsewhere {
        gui.host.writable_calendar(calendar).await?;
    }
    gui.change_app_settings(&app, &patch).await?;
    if let Some(calendar) = elsewhere {
        // What was changed together with the calendar is meant for the new one: the old one's events stay as they are.
        let even_so = patch.even_so.unwrap_or(false);
        gui.host.choose_calendar(&calendar, even_so, change).await?;
    } else {
        change_running(&running, &patch).await?;
    }
    let view = settings::view(&gui.host, gui.host.running().await.as_ref()).await;
    Ok(Gui::as_the_system_says(&app, view?))
}

/// What a patch newly leaves out one by one is an appointment of the ledger, as for [`exclude`].
async fn newly_excluded_are_known(
    running: &Running,
    before: &SyncSettings,
    patch: &SettingsPatch,
) -> Answered<()> {
    for id in patch.excluded.iter().flatten().map(AppointmentId::new) {
        if !before.filters.excluded.contains(&id) && running.engine.ledger().record(&id).await?.is_none() {
            return Err(AppError::input("excluded"));
        }
    }
    Ok(())
}

pub(super) async fn change_running(running: &Running, patch: &SettingsPatch) -> Answered<()> {
    if settings::is_of_app_alone(patch) {
        return Ok(());
    }
    let before = running.engine.ledger().settings().await?;
    let change = settings::change_of(&before, patch)?;
    let confirmed = patch
        .confirmed_removals
        .map_or_else(Removals::default, Removals::Counted);
    Ok(running.engine.change_settings(change, confirmed).await?)
}

/// The calendar that a patch names, if it is not the one in use.
async fn another_calendar(host: &Host, patch: &SettingsPatch) -> Answered<Option<String>> {
    let Some(id) = &patch.calendar_id else {
        return Ok(None);
    };
    let id = checked("calendar_id", id.clone())?;
    Ok(host.other_calendar(&id).await.then_some(id))
}

/// What a change of settings would do. Nothing is written.
#[tauri::command]
#[specta::specta]
pub async fn preview_settings(gui: State<'_, Gui>, patch: SettingsPatch) -> Answered<Preview> {
    preview_of(&gui.host, &patch).await
}

/// The answer of [`preview_settings`].
///
/// # Errors
/// `bad_input` with the field, `not_connected`, or the engine's.
pub async fn preview_of(host: &Host, patch: &SettingsPatch) -> Answered<Preview> {
    let running = connected(host).await?;
    let before = running.engine.ledger().settings().await.map_err(AppError::from)?;
    let after = settings::patched(&before, patch)?;
    let preview = if another_calendar(host, patch).await?.is_some() {
        running.engine.preview_elsewhere(after).await?
    } else {
        running.engine.preview_change(&before, after).await?
    };
    Ok(convert::preview(&preview))
}

/// What the first run would do. Reads both sides, writes to neither.
#[tauri::command]
#[specta::specta]
pub async fn preview_start(gui: State<'_, Gui>) -> Answered<Preview> {
    preview_of_start(&gui.host).await
}

/// The answer of [`preview_start`].
///
/// # Errors
/// `not_connected`, the problem of the side that could not be read, or the database's.
pub async fn preview_of_start(host: &Host) -> Answered<Preview> {
    let running = connected(host).await?;
    let report = running.engine.cycle(Trigger::Start).await?;
    let of = |side, error: Option<PortError>| error.map(|error| code_of(side, &error));
    let problem = of(Side::Platform, report.platform).or(of(Side::Calendar, report.calendar));
    if let Some(code) = problem {
        return Err(AppError {
            code: code.into(),
            detail: None,
            field: None,
            retryable: true,
        });
    }
    let settings = running.engine.ledger().settings().await.map_err(AppError::from)?;
    Ok(convert::preview(&running.engine.preview(settings).await?))
}

/// From now on it may write.
#[tauri::command]
#[specta::specta]
pub async fn start_syncing(gui: State<'_, Gui>) -> Answered<()> {
    Ok(running(&gui).await?.engine.start_syncing().await?)
}

/// Runs a cycle soon.
#[tauri::command]
#[specta::specta]
pub async fn sync_now(gui: State<'_, Gui>) -> Answered<()> {
    gui.host.sync_now(&running(&gui).await?).await;
    Ok(())
}

/// The system says that there is a network again.
#[tauri::command]
#[specta::specta]
pub async fn network_is_back(gui: State<'_, Gui>) -> Answered<()> {
    if let Some(running) = gui.host.running().await {
        running.engine.network_is_back();
    }
    Ok(())
}

/// The current run finishes the item it is at and ends.
#[tauri::command]
#[specta::specta]
pub async fn cancel_sync(gui: State<'_, Gui>) -> Answered<()> {
    // Also the one that another takes the place of: its run is the one that is seen.
    shown_by(&gui.host).await?.engine.stop_run();
    Ok(())
}

/// Pauses for so many minutes, until tomorrow morning, or until resumed.
#[tauri::command]
#[specta::specta]
pub async fn pause(gui: State<'_, Gui>, minutes: Option<u32>, until_tomorrow: bool) -> Answered<()> {
    pause_for(&gui.host, minutes, until_tomorrow).await
}

/// What [`pause`] does.
pub(super) async fn pause_for(host: &Host, minutes: Option<u32>, until_tomorrow: bool) -> Answered<()> {
    let running = connected(host).await?;
    let until = pause_end(running.engine.now(), minutes, until_tomorrow);
    Ok(running.engine.pause_until(Some(until)).await?)
}

/// When such a pause ends: after 30 days at most, or never by itself.
pub(super) fn pause_end(now: DateTime<Utc>, minutes: Option<u32>, until_tomorrow: bool) -> DateTime<Utc> {
    match (minutes, until_tomorrow) {
        (Some(minutes), _) => now + Duration::minutes(i64::from(minutes.clamp(1, 60 * 24 * 30))),
        (None, true) => crate::gui::tray::tomorrow(now),
        (None, false) => roundtrip_engine::ledger::for_ever(),
    }
}

/// Ends a pause; a full check follows.
#[tauri::command]
#[specta::specta]
pub async fn resume(gui: State<'_, Gui>) -> Answered<()> {
    Ok(running(&gui).await?.engine.pause_until(None).await?)
}

/// Puts back an event that was deleted in the calendar.
#[tauri::command]
#[specta::specta]
pub async fn put_back(gui: State<'_, Gui>, appointment_id: String) -> Answered<()> {
    let id = AppointmentId(checked("appointment_id", appointment_id)?);
    Ok(running(&gui).await?.engine.put_back(&id).await?)
}

/// Tries waiting writes again at once: of one appointment, or all.
#[tauri::command]
#[specta::specta]
pub async fn retry(gui: State<'_, Gui>, appointment_id: Option<String>) -> Answered<()> {
    let id = appointment_id
        .map(|id| checked("appointment_id", id))
        .transpose()?
        .map(AppointmentId);
    Ok(running(&gui).await?.engine.retry(id.as_ref()).await?)
}

/// Leaves a single appointment out, or lets it in again.
#[tauri::command]
#[specta::specta]
pub async fn exclude(gui: State<'_, Gui>, appointment_id: String, excluded: bool) -> Answered<()> {
    let id = AppointmentId(checked("appointment_id", appointment_id)?);
    leave_out(&running(&gui).await?, id, excluded).await
}

/// Only an appointment that the ledger knows is left out: any other text would fill the list for nothing. One that is on
/// the list is let in again, whether it is still known or not.
pub(super) async fn leave_out(running: &Running, id: AppointmentId, excluded: bool) -> Answered<()> {
    let ledger = running.engine.ledger();
    if excluded && ledger.record(&id).await?.is_none() {
        return Err(AppError {
            field: Some("appointment_id".into()),
            ..AppError::from(AnswerError::Gone)
        });
    }
    settings::exclude(&mut ledger.settings().await?.filters, id.clone(), excluded)?;
    let confirmed = match excluded {
        // Said of this one: its event goes at once.
        true => Removals::Of(vec![id.clone()]),
        false => Removals::Unconfirmed,
    };
    let change = |mut settings: SyncSettings| {
        // A list that was filled up meanwhile stays as it is.
        _ = settings::exclude(&mut settings.filters, id, excluded);
        settings
    };
    Ok(running.engine.change_settings(change, confirmed).await?)
}

pub(super) fn provider(word: &str) -> Answered<Provider> {
    match word {
        "platform" => Ok(Provider::Platform),
        "google" => Ok(Provider::Google),
        _ => Err(AppError::input("service")),
    }
}

/// Begins a sign-in and opens the system's browser.
#[tauri::command]
#[specta::specta]
pub async fn begin_sign_in(
    gui: State<'_, Gui>,
    service: String,
    address: Option<String>,
) -> Answered<SignInView> {
    gui.sign_in(provider(&service)?, address.as_deref()).await
}

/// Where the sign-in stands.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_state(gui: State<'_, Gui>) -> Answered<Option<SignInView>> {
    Ok(sign_in_view(&gui.host))
}

/// The answer of [`sign_in_state`].
pub fn sign_in_view(host: &Host) -> Option<SignInView> {
    host.sign_in().view.clone()
}

/// Ends the sign-in; its port closes.
#[tauri::command]
#[specta::specta]
pub async fn cancel_sign_in(gui: State<'_, Gui>) -> Answered<()> {
    gui.host.cancel_sign_in();
    Ok(())
}

/// Opens the page of the sign-in in the browser once more.
#[tauri::command]
#[specta::specta]
pub async fn open_sign_in_again(gui: State<'_, Gui>) -> Answered<()> {
    let url = gui.host.sign_in().view.clone().and_then(|view| view.url);
    browser::open(&url.ok_or_else(|| AppError::input("url"))?)?;
    gui.host.browser_opened();
    Ok(())
}

/// The trainer's word on signing in with another account than before. Moves that would stay behind with that one are refused as
/// `moves_waiting`, with their number, unless `even_so`.
#[tauri::command]
#[specta::specta]
pub async fn confirm_other_account(gui: State<'_, Gui>, accept: bool, even_so: bool) -> Answered<()> {
    gui.host.confirm_other_account(accept, even_so).await.map(|_| ())
}

/// Disconnects a service. Events stay unless their deletion was chosen; then moves that the platform does not have yet are
/// refused as `moves_waiting`, with their number, unless `even_so`. True if the permission was to be given back at the service
/// and may live on there: the trainer can end it by hand.
#[tauri::command]
#[specta::specta]
pub async fn disconnect(
    gui: State<'_, Gui>,
    service: String,
    delete_events: bool,
    only_this_laptop: bool,
    even_so: bool,
) -> Answered<bool> {
    gui.host
        .disconnect(provider(&service)?, delete_events, only_this_laptop, even_so)
        .await
        .map(|left| left.grant_left)
}

/// Makes this laptop the one that writes.
#[tauri::command]
#[specta::specta]
pub async fn take_over(gui: State<'_, Gui>) -> Answered<()> {
    running(&gui).await?.engine.take_over();
    Ok(())
}

/// Uses another calendar of the account, by its id. Moves that would stay behind with this one are refused as `moves_waiting`, with
/// their number, unless `even_so`.
#[tauri::command]
#[specta::specta]
pub async fn choose_calendar(gui: State<'_, Gui>, id: String, even_so: bool) -> Answered<()> {
    gui.host
        .choose_calendar(&checked("calendar_id", id)?, even_so, |settings| settings)
        .await
}

/// Opens an event or an appointment in the system's browser. Only addresses that the app itself knows are opened.
#[tauri::command]
#[specta::specta]
pub async fn open_link(gui: State<'_, Gui>, kind: String, appointment_id: String) -> Answered<()> {
    let running = running(&gui).await?;
    let id = AppointmentId(checked("appointment_id", appointment_id)?);
    let record = running
        .engine
        .ledger()
        .record(&id)
        .await
        .map_err(AppError::from)?;
    let record = record.ok_or_else(|| AppError::from(AnswerError::Gone))?;
    let url = match kind.as_str() {
        "event" => record.event.and_then(|event| event.html_link),
        "appointment" => record.appointment.map(|appointment| appointment.url),
        _ => return Err(AppError::input("kind")),
    };
    browser::open(&url.ok_or_else(|| AppError::from(AnswerError::Gone))?)
}

/// Diagnostics, one by one.
#[tauri::command]
#[specta::specta]
pub async fn run_doctor(app: AppHandle, gui: State<'_, Gui>) -> Answered<Vec<CheckView>> {
    let mut checks = gui.host.doctor().await;
    checks.push(crate::gui::tray::check(&app));
    Ok(checks)
}

/// The page is there; answers the place it should show, if a link asked for one.
#[tauri::command]
#[specta::specta]
pub async fn window_ready(gui: State<'_, Gui>) -> Answered<Option<String>> {
    gui.host.begin();
    Ok(gui.take_route())
}

/// "Closing keeps syncing" was read.
#[tauri::command]
#[specta::specta]
pub async fn hide_hint_seen(gui: State<'_, Gui>) -> Answered<()> {
    Ok(gui.host.database.put_setting(keys::HIDE_HINT, &true).await?)
}

/// Ends Roundtrip.
#[tauri::command]
#[specta::specta]
pub async fn quit(app: AppHandle, gui: State<'_, Gui>) -> Answered<()> {
    gui.quit(&app).await;
    Ok(())
}

/// What the window needs to know of the app.
#[tauri::command]
#[specta::specta]
pub async fn app_info(app: AppHandle, gui: State<'_, Gui>) -> Answered<AppInfo> {
    info(&gui.host, crate::gui::window::system_theme(&app)).await
}

/// The answer of [`app_info`]; `system_theme` is `light` or `dark`.
///
/// # Errors
/// If the database cannot be read.
pub async fn info(host: &Host, system_theme: &str) -> Answered<AppInfo> {
    let text = async |key: &str| -> Answered<String> {
        Ok(host
            .database
            .setting::<String>(key)
            .await?
            .unwrap_or_else(|| "system".into()))
    };
    Ok(AppInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        system_language: settings::system_language().into(),
        language: text(keys::LANGUAGE).await?,
        theme: text(keys::THEME).await?,
        system_theme: system_theme.into(),
        hide_hint_seen: host
            .database
            .setting::<bool>(keys::HIDE_HINT)
            .await?
            .unwrap_or(false),
        platform_url: std::env::var("ROUNDTRIP_PLATFORM_URL")
            .ok()
            .filter(|url| !url.is_empty()),
        google_client: host.google.has_client(),
    })
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;
