//! The log of the app: in the data folder, one file a day, kept for a week. It holds codes and counts; titles, names,
//! addresses and tokens are never passed to it.

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// Logs into the data folder until the guard is dropped. Without a folder nothing is logged.
pub fn to_file() -> Option<WorkerGuard> {
    let dir = crate::host::data_dir()?.join("logs");
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("roundtrip")
        .filename_suffix("log")
        .max_log_files(7)
        .build(dir)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let filter =
        EnvFilter::try_from_env("ROUNDTRIP_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(writer)
        .try_init();
    started.is_ok().then_some(guard)
}
