//! One module per table: its statements and how its rows become values. SQL does not appear elsewhere, but for opening
//! the file.

pub(crate) mod audit_log;
pub(crate) mod calendar_sync_configs;
pub(crate) mod calendar_sync_conflicts;
pub(crate) mod calendar_sync_filters;
pub(crate) mod calendar_sync_history;
pub(crate) mod calendar_sync_mappings;
pub(crate) mod calendar_sync_marked;
pub(crate) mod calendar_sync_questions;
pub(crate) mod calendar_sync_runs;
pub(crate) mod daily_counts;
pub(crate) mod external_calendars;
pub(crate) mod outbox;
pub(crate) mod push_channels;
pub(crate) mod settings;
pub(crate) mod silence_watch;
pub(crate) mod sync_state;
pub(crate) mod user_integrations;
