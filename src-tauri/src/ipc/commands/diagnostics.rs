//! Checks one by one, the audit log, and the report for support.

use super::Answered;
use crate::gui::Gui;
use crate::ipc::dto::{AppError, AuditRow, CheckView, OwnRuleView, RuleCheck, SavedFile};
use tauri::State;

/// One check of diagnostics, by its name.
#[tauri::command]
#[specta::specta]
pub async fn run_check(gui: State<'_, Gui>, check: String) -> Answered<CheckView> {
    let _ = (gui, check);
    Err(AppError::not_connected())
}

/// The audit log, newest first.
#[tauri::command]
#[specta::specta]
pub async fn list_audit(gui: State<'_, Gui>, limit: u32) -> Answered<Vec<AuditRow>> {
    let _ = (gui, limit);
    Err(AppError::not_connected())
}

/// Saves the audit log in the folder for downloads.
#[tauri::command]
#[specta::specta]
pub async fn export_audit(gui: State<'_, Gui>) -> Answered<SavedFile> {
    let _ = gui;
    Err(AppError::not_connected())
}

/// The report for support, as it would be saved: nothing personal in it.
#[tauri::command]
#[specta::specta]
pub async fn preview_report(gui: State<'_, Gui>) -> Answered<String> {
    let _ = gui;
    Err(AppError::not_connected())
}

/// Saves that report in the folder for downloads.
#[tauri::command]
#[specta::specta]
pub async fn save_report(gui: State<'_, Gui>) -> Answered<SavedFile> {
    let _ = gui;
    Err(AppError::not_connected())
}

/// Shows the file that was saved last in the system's file manager.
#[tauri::command]
#[specta::specta]
pub async fn show_saved_file(gui: State<'_, Gui>) -> Answered<()> {
    let _ = gui;
    Err(AppError::not_connected())
}

/// What a rule that is being typed would do.
#[tauri::command]
#[specta::specta]
pub async fn check_rule(gui: State<'_, Gui>, rule: OwnRuleView) -> Answered<RuleCheck> {
    let _ = (gui, rule);
    Err(AppError::not_connected())
}
