//! Restoring, trying a run again, the calendar as it was, and exports.

use super::Answered;
use crate::gui::Gui;
use crate::ipc::dto::{AppError, HistoryQuery, Outcome, PastCalendar, RestorePreview, SavedFile};
use chrono::{DateTime, Utc};
use tauri::State;

/// What restoring these history lines, or all of a run, would do. Nothing is written.
#[tauri::command]
#[specta::specta]
pub async fn preview_restore(
    gui: State<'_, Gui>,
    history_ids: Vec<String>,
    run_id: Option<String>,
) -> Answered<RestorePreview> {
    let _ = (gui, history_ids, run_id);
    Err(AppError::not_connected())
}

/// Restores these history lines, each by a new edit.
#[tauri::command]
#[specta::specta]
pub async fn restore(gui: State<'_, Gui>, history_ids: Vec<String>) -> Answered<Vec<Outcome>> {
    let _ = (gui, history_ids);
    Err(AppError::not_connected())
}

/// Tries the writes of one run again that did not succeed.
#[tauri::command]
#[specta::specta]
pub async fn retry_run(gui: State<'_, Gui>, run_id: String) -> Answered<()> {
    let _ = (gui, run_id);
    Err(AppError::not_connected())
}

/// The calendar as it was at a moment of the last 30 days.
#[tauri::command]
#[specta::specta]
pub async fn calendar_at(gui: State<'_, Gui>, at: DateTime<Utc>) -> Answered<PastCalendar> {
    let _ = (gui, at);
    Err(AppError::not_connected())
}

/// Saves what the query finds as `csv` or `json` in the folder for downloads, without personal data unless asked for.
#[tauri::command]
#[specta::specta]
pub async fn export_history(
    gui: State<'_, Gui>,
    query: HistoryQuery,
    format: String,
    personal: bool,
) -> Answered<SavedFile> {
    let _ = (gui, query, format, personal);
    Err(AppError::not_connected())
}
