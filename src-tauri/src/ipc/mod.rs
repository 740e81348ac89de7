//! What crosses between the app and the window: commands, events and their types.

pub mod commands;
pub mod convert;
#[cfg(test)]
mod convert_tests;
pub mod dto;
pub mod events;
#[cfg(test)]
mod hostile_tests;
pub mod settings;
#[cfg(test)]
mod tests;

use tauri_specta::{Builder, collect_commands, collect_events};

/// All commands and events; the TypeScript bindings are generated from it.
pub fn builder() -> Builder<tauri::Wry> {
    Builder::<tauri::Wry>::new()
        // One shape for both directions: the window sends back what it was sent.
        .disable_serde_phases()
        .commands(collect_commands![
            commands::get_overview,
            commands::list_appointments,
            commands::appointments::get_appointment,
            commands::list_conflicts,
            commands::resolve_conflict,
            commands::answer_question,
            commands::list_history,
            commands::list_runs,
            commands::get_settings,
            commands::change_settings,
            commands::preview_settings,
            commands::preview_start,
            commands::start_syncing,
            commands::sync_now,
            commands::network_is_back,
            commands::cancel_sync,
            commands::pause,
            commands::resume,
            commands::put_back,
            commands::retry,
            commands::exclude,
            commands::begin_sign_in,
            commands::sign_in_state,
            commands::cancel_sign_in,
            commands::open_sign_in_again,
            commands::confirm_other_account,
            commands::disconnect,
            commands::take_over,
            commands::choose_calendar,
            commands::open_link,
            commands::run_doctor,
            commands::window_ready,
            commands::hide_hint_seen,
            commands::quit,
            commands::app_info,
            commands::decisions::resolve_conflicts,
            commands::decisions::answer_held,
            commands::decisions::list_answered_conflicts,
            commands::decisions::undo_conflict,
            commands::decisions::get_rule_offer,
            commands::decisions::dismiss_rule_offer,
            commands::history::preview_restore,
            commands::history::restore,
            commands::history::preview_undo_run,
            commands::history::undo_run,
            commands::history::retry_run,
            commands::history::calendar_at,
            commands::history::export_history,
            commands::privacy::privacy_mirror,
            commands::privacy::preview_delete_everything,
            commands::privacy::delete_everything,
            commands::privacy::save_delete_report,
            commands::diagnostics::run_check,
            commands::diagnostics::get_figures,
            commands::diagnostics::get_connection,
            commands::diagnostics::list_audit,
            commands::diagnostics::export_audit,
            commands::diagnostics::preview_report,
            commands::diagnostics::save_report,
            commands::diagnostics::show_saved_file,
            commands::diagnostics::check_rule,
        ])
        .events(collect_events![
            events::StateChanged,
            events::SyncProgress,
            events::SignInChanged,
            events::Navigate,
            events::AppearanceChanged,
        ])
}

/// Writes the TypeScript bindings.
///
/// # Errors
/// If a type cannot be written in TypeScript, or the file cannot be written.
pub fn write_bindings(path: &std::path::Path) -> Result<(), String> {
    let language = specta_typescript::Typescript::default();
    builder()
        .export(language, path)
        .map_err(|error| error.to_string())
}
