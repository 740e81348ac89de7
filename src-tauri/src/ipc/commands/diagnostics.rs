//! Checks one by one, the audit log, and the report for support.

use super::Answered;
use super::history::checked_format;
use crate::gui::{Gui, browser, downloads, tray};
use crate::host::{Host, export};
use crate::ipc::dto::{
    AppError, AuditRow, CheckView, ConnectionView, FiguresView, OwnRuleView, RuleCheck, SavedFile,
};
use crate::ipc::settings;
use roundtrip_core::filter::{self, RuleProblem};
use roundtrip_store::AuditEntry;
use tauri::{AppHandle, State};

/// So many entries of the audit log go over at once.
const AUDIT_PAGE: u32 = 500;
/// So many titles show what a rule matches.
const RULE_EXAMPLES: usize = 3;

/// One check of diagnostics, by its name.
#[tauri::command]
#[specta::specta]
pub async fn run_check(app: AppHandle, gui: State<'_, Gui>, check: String) -> Answered<CheckView> {
    if check == "tray" {
        return Ok(tray::check(&app));
    }
    gui.host
        .check(&check)
        .await
        .ok_or_else(|| AppError::input("check"))
}

/// The figures of the last 30 days; none before both sides are connected.
#[tauri::command]
#[specta::specta]
pub async fn get_figures(gui: State<'_, Gui>) -> Answered<Option<FiguresView>> {
    gui.host.figures().await
}

/// How changes come to this laptop; none before both sides are connected.
#[tauri::command]
#[specta::specta]
pub async fn get_connection(gui: State<'_, Gui>) -> Answered<Option<ConnectionView>> {
    gui.host.connection().await
}

/// A page of the audit log, newest first: the entries before the one of this sequence, or the newest.
#[tauri::command]
#[specta::specta]
pub async fn list_audit(gui: State<'_, Gui>, before: Option<u32>, limit: u32) -> Answered<Vec<AuditRow>> {
    audit_page(&gui.host, before, limit).await
}

/// The answer of [`list_audit`].
///
/// # Errors
/// If the database cannot be read.
pub async fn audit_page(host: &Host, before: Option<u32>, limit: u32) -> Answered<Vec<AuditRow>> {
    let (before, limit) = (before.map(i64::from), limit.clamp(1, AUDIT_PAGE));
    let entries = host.database.audit_page(before, limit).await?;
    Ok(entries.iter().map(audit_row).collect())
}

/// Saves the audit log as `csv` or `json` in the folder for downloads.
#[tauri::command]
#[specta::specta]
pub async fn export_audit(app: AppHandle, gui: State<'_, Gui>, format: String) -> Answered<SavedFile> {
    let format = checked_format(format)?;
    let (text, count) = audit_file(&gui.host, &format).await?;
    let saved = gui
        .host
        .save(&downloads(&app)?, ("roundtrip-audit", &format), &text, count)?;
    gui.host.write_down_export("audit_log", saved.lines, false).await;
    Ok(saved)
}

/// The file that [`export_audit`] saves, and the number of its entries.
///
/// # Errors
/// `bad_input` with `format`, or the database's.
pub async fn audit_file(host: &Host, format: &str) -> Answered<(String, usize)> {
    let entries = host.database.audit_log(u32::MAX).await?;
    let rows: Vec<AuditRow> = entries.iter().map(audit_row).collect();
    let text = export::audit(&rows, format).ok_or_else(|| AppError::input("format"))?;
    Ok((text, rows.len()))
}

fn audit_row(entry: &AuditEntry) -> AuditRow {
    AuditRow {
        sequence: u32::try_from(entry.sequence).unwrap_or(u32::MAX),
        at: entry.at,
        event: entry.event.clone(),
        details: entry.details.to_string(),
    }
}

/// The report for support, as it would be saved: nothing personal in it.
#[tauri::command]
#[specta::specta]
pub async fn preview_report(app: AppHandle, gui: State<'_, Gui>) -> Answered<String> {
    let mut checks = gui.host.doctor().await;
    checks.push(tray::check(&app));
    let report = gui.host.report(checks).await?;
    gui.keep_report(report.clone());
    Ok(report)
}

/// Saves that report in the folder for downloads.
#[tauri::command]
#[specta::specta]
pub async fn save_report(app: AppHandle, gui: State<'_, Gui>) -> Answered<SavedFile> {
    // What was shown, byte for byte: nothing is saved that was not seen.
    let text = gui.kept_report().ok_or_else(|| AppError::input("report"))?;
    let lines = text.lines().count();
    let saved = gui
        .host
        .save(&downloads(&app)?, ("roundtrip-report", "json"), &text, lines)?;
    gui.host.write_down_export("report", saved.lines, false).await;
    Ok(saved)
}

/// Shows the file that was saved last in the system's file manager.
#[tauri::command]
#[specta::specta]
pub async fn show_saved_file(gui: State<'_, Gui>) -> Answered<()> {
    let gone = || AppError {
        code: "gone".into(),
        detail: None,
        field: None,
        retryable: false,
    };
    let path = gui.host.saved_last().ok_or_else(gone)?;
    // Asking a file manager may block.
    tauri::async_runtime::spawn_blocking(move || browser::show_file(&path))
        .await
        .map_err(|_| gone())?
}

/// What a rule that is being typed would do.
#[tauri::command]
#[specta::specta]
pub async fn check_rule(gui: State<'_, Gui>, rule: OwnRuleView) -> Answered<RuleCheck> {
    checked_rule(&gui.host, &rule).await
}

/// The answer of [`check_rule`].
///
/// # Errors
/// `bad_input` with the field, or the database's.
pub async fn checked_rule(host: &Host, rule: &OwnRuleView) -> Answered<RuleCheck> {
    let rule = settings::rule_of(rule)?;
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
    let Some(running) = host.running().await else {
        return Ok(check);
    };
    let snapshot = running.snapshot().await?;
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
