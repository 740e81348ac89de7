//! Checks one by one, the audit log, and the report for support.

use super::Answered;
use crate::gui::Gui;
use crate::ipc::dto::{AppError, AuditRow, CheckView, OwnRuleView, RuleCheck, SavedFile};
use crate::ipc::settings;
use roundtrip_core::filter::{self, RuleProblem};
use tauri::State;

/// So many titles show what a rule matches.
const RULE_EXAMPLES: usize = 3;

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
    let rule = settings::rule_of(&rule)?;
    let mut check = RuleCheck {
        problem: None,
        detail: None,
        matches: 0,
        examples: Vec::new(),
    };
    if let Err(problem) = filter::check_rule(&rule) {
        check.problem = Some(problem.code().into());
        if let RuleProblem::BadExpression(words) = problem {
            check.detail = Some(words);
        }
        return Ok(check);
    }
    let Some(running) = gui.host.running().await else {
        return Ok(check);
    };
    let snapshot = running.engine.snapshot().await?;
    let future = snapshot
        .appointments
        .iter()
        .filter(|status| status.rendered.time.end > snapshot.now);
    for status in future {
        let appointment = status.record.appointment.as_ref();
        if appointment.is_some_and(|appointment| filter::matches_rule(&rule, appointment)) {
            check.matches += 1;
            if check.examples.len() < RULE_EXAMPLES {
                check.examples.push(status.rendered.title.clone());
            }
        }
    }
    Ok(check)
}
