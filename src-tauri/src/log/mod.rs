//! The log of the app: in the data folder, one JSON object a line, bounded in size. It holds codes and counts. What comes from
//! outside (titles, names, addresses, notes, tokens, e-mail, URLs) is never passed to it, and [`redact`] is the wall behind
//! that rule: only fields that are known pass, only in the form that is known of them.
//!
//! `ROUNDTRIP_LOG` sets the level (`debug`, `roundtrip_engine=trace` …).

mod file;
mod redact;

pub use file::newest_lines;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use std::io::Write;
use std::path::PathBuf;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

/// The folder of the log.
pub fn folder() -> Option<PathBuf> {
    crate::host::data_dir().map(|dir| dir.join(file::FOLDER))
}

/// Empties what was logged. It holds no content, but it tells when somebody used the app.
pub fn empty() {
    if let Some(folder) = folder() {
        file::empty(&folder);
    }
}

/// Logs into the data folder until the guard is dropped. It is the first to write there, so it prepares the folder as the database
/// does. Without a folder that is ours alone nothing is logged, which is said on standard error.
pub fn to_file() -> Option<WorkerGuard> {
    let file = match file::Bounded::open(&crate::host::data_dir()?) {
        Ok(file) => file,
        Err(error) => {
            // Where nobody hears it, the window still says that the folder cannot be used.
            let _ = writeln!(std::io::stderr(), "Roundtrip: no log is written: {error}");
            return None;
        }
    };
    let (writer, guard) = tracing_appender::non_blocking(file);
    let filter =
        EnvFilter::try_from_env("ROUNDTRIP_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let started = Registry::default()
        .with(filter)
        .with(JsonLines { writer })
        .try_init();
    started.is_ok().then_some(guard)
}

/// Writes each event as one line, with what its spans say (the run).
struct JsonLines<W> {
    writer: W,
}

/// What a span says, in its extensions.
struct Said(Map<String, Value>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = redact::Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Said(fields.into_map()));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = redact::Fields::default();
        values.record(&mut fields);
        if let Some(span) = context.span(id)
            && let Some(Said(said)) = span.extensions_mut().get_mut()
        {
            said.extend(fields.into_map());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Map::new();
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        line.insert("at".into(), at.into());
        line.insert("level".into(), metadata.level().as_str().into());
        line.insert("from".into(), metadata.target().into());
        // Of other people's libraries only who speaks is told: what they say is not ours to vouch for.
        if redact::is_ours(metadata.target()) {
            for span in context.event_scope(event).into_iter().flatten() {
                if let Some(Said(said)) = span.extensions().get() {
                    line.extend(said.clone());
                }
            }
            let mut fields = redact::Fields::default();
            event.record(&mut fields);
            line.extend(fields.into_map());
        }
        let Ok(mut text) = serde_json::to_string(&line) else {
            return;
        };
        text.push('\n');
        // A log that cannot be written is no reason to stop.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
