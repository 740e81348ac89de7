//! Many conflicts at once, undoing an answer, and the offer of a standing rule.

use super::Answered;
use crate::gui::Gui;
use crate::ipc::dto::{AnsweredConflict, AppError, ConflictAnswer, Outcome, RuleOffer};
use tauri::State;

/// Answers several conflicts; each succeeds or fails by itself.
#[tauri::command]
#[specta::specta]
pub async fn resolve_conflicts(gui: State<'_, Gui>, answers: Vec<ConflictAnswer>) -> Answered<Vec<Outcome>> {
    let _ = (gui, answers);
    Err(AppError::not_connected())
}

/// Conflicts answered in the last 30 days, newest first.
#[tauri::command]
#[specta::specta]
pub async fn list_answered_conflicts(gui: State<'_, Gui>) -> Answered<Vec<AnsweredConflict>> {
    let _ = gui;
    Err(AppError::not_connected())
}

/// Undoes an answer by a new edit the other way round.
#[tauri::command]
#[specta::specta]
pub async fn undo_conflict(gui: State<'_, Gui>, id: String) -> Answered<()> {
    let _ = (gui, id);
    Err(AppError::not_connected())
}

/// The standing rule that the last answers suggest, if they do.
#[tauri::command]
#[specta::specta]
pub async fn get_rule_offer(gui: State<'_, Gui>) -> Answered<Option<RuleOffer>> {
    let _ = gui;
    Err(AppError::not_connected())
}

/// Not this rule; it is not offered again for these answers.
#[tauri::command]
#[specta::specta]
pub async fn dismiss_rule_offer(gui: State<'_, Gui>) -> Answered<()> {
    let _ = gui;
    Err(AppError::not_connected())
}
