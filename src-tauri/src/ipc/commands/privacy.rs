//! Who sees what, and leaving without a trace.

use super::Answered;
use crate::gui::Gui;
use crate::gui::downloads;
use crate::host::Host;
use crate::ipc::dto::{AppError, DeletePlan, DeleteReport, MirrorRow, SavedFile, SettingsPatch};
use crate::ipc::{convert, settings};
use tauri::{AppHandle, State};

/// So far ahead the mirror looks.
const MIRROR_DAYS: i64 = 7;

/// The next seven days as three people see them, under the settings after this patch.
#[tauri::command]
#[specta::specta]
pub async fn privacy_mirror(gui: State<'_, Gui>, patch: SettingsPatch) -> Answered<Vec<MirrorRow>> {
    mirror(&gui.host, &patch).await
}

/// The answer of [`privacy_mirror`].
///
/// # Errors
/// `bad_input` with the field, `not_connected`, or the engine's.
pub async fn mirror(host: &Host, patch: &SettingsPatch) -> Answered<Vec<MirrorRow>> {
    let running = super::shown_by(host).await?;
    let before = running.engine.ledger().settings().await?;
    let after = settings::patched(&before, patch)?;
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
    gui.host.deletion_plan().await
}

/// Deletes our events, revokes both grants, tells the platform, and removes all data of this laptop. `confirmed` is the
/// number of events that was shown; another number now is refused as `stale`. Moves that the platform does not have yet
/// are refused as `moves_waiting`, with their number, unless `even_so`.
#[tauri::command]
#[specta::specta]
pub async fn delete_everything(
    app: AppHandle,
    gui: State<'_, Gui>,
    confirmed: u32,
    even_so: bool,
) -> Answered<DeleteReport> {
    let report = gui.host.delete_everything(confirmed, even_so).await?;
    if report.local_data_removed {
        gui.forget(&app);
    }
    Ok(report)
}

/// Saves the proof of the last "delete everything" in the folder for downloads.
#[tauri::command]
#[specta::specta]
pub async fn save_delete_report(app: AppHandle, gui: State<'_, Gui>) -> Answered<SavedFile> {
    let text = gui
        .host
        .delete_report()
        .ok_or_else(|| AppError::input("report"))?;
    let lines = text.lines().count();
    gui.host
        .save(&downloads(&app)?, ("roundtrip-deleted", "txt"), &text, lines)
}
