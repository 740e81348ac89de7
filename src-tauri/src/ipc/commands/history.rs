//! Restoring, trying a run again, the calendar as it was, and exports.

use super::Answered;
use crate::gui::Gui;
use crate::gui::downloads;
use crate::host::export;
use crate::ipc::convert;
use crate::ipc::dto::{AppError, HistoryQuery, Outcome, PastCalendar, RestorePreview, SavedFile};
use chrono::{DateTime, Utc};
use roundtrip_engine::ledger::HistoryFilter;
use tauri::{AppHandle, State};

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
    app: AppHandle,
    gui: State<'_, Gui>,
    query: HistoryQuery,
    format: String,
    personal: bool,
) -> Answered<SavedFile> {
    if !["csv", "json"].contains(&format.as_str()) {
        return Err(AppError::input("format"));
    }
    let running = super::running(&gui).await?;
    // One reading finds all that is kept: the history holds 30 days.
    let everything = HistoryFilter {
        limit: u32::MAX,
        ..HistoryFilter::default()
    };
    let items = running.engine.ledger().history(&everything).await?;
    let rows: Vec<_> = items
        .into_iter()
        .map(convert::history)
        .filter(|row| export::found(row, &query))
        .map(|row| if personal { row } else { export::masked(row) })
        .collect();
    let text = if format == "csv" {
        export::csv(&rows)
    } else {
        serde_json::to_string_pretty(&rows).map_err(|_| AppError::input("format"))?
    };
    gui.host.save(
        &downloads(&app)?,
        ("roundtrip-history", &format),
        &text,
        rows.len(),
    )
}
