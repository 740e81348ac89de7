//! Who sees what, and leaving without a trace.

use super::Answered;
use crate::gui::Gui;
use crate::ipc::dto::{AppError, DeletePlan, DeleteReport, MirrorRow, SavedFile, SettingsPatch};
use crate::ipc::{convert, settings};
use tauri::State;

/// So far ahead the mirror looks.
const MIRROR_DAYS: i64 = 7;

/// The next seven days as three people see them, under the settings after this patch.
#[tauri::command]
#[specta::specta]
pub async fn privacy_mirror(gui: State<'_, Gui>, patch: SettingsPatch) -> Answered<Vec<MirrorRow>> {
    let running = super::running(&gui).await?;
    let before = running.engine.ledger().settings().await?;
    let after = settings::patched(&before, &patch)?;
    let rows = running.engine.mirror(after, MIRROR_DAYS).await?;
    Ok(rows
        .iter()
        .map(|(record, mirror)| convert::mirror(record, mirror))
        .collect())
}

/// What "delete everything" would take.
#[tauri::command]
#[specta::specta]
pub async fn preview_delete_everything(gui: State<'_, Gui>) -> Answered<DeletePlan> {
    let _ = gui;
    Err(AppError::not_connected())
}

/// Deletes our events, revokes both grants, tells the platform, and removes all data of this laptop. `confirmed` is the
/// number of events that was shown; another number now is refused as `stale`.
#[tauri::command]
#[specta::specta]
pub async fn delete_everything(gui: State<'_, Gui>, confirmed: u32) -> Answered<DeleteReport> {
    let _ = (gui, confirmed);
    Err(AppError::not_connected())
}

/// Saves the proof of the last "delete everything" in the folder for downloads.
#[tauri::command]
#[specta::specta]
pub async fn save_delete_report(gui: State<'_, Gui>) -> Answered<SavedFile> {
    let _ = gui;
    Err(AppError::not_connected())
}
