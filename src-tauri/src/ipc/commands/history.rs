//! Restoring, trying a run again, the calendar as it was, and exports.

use super::{Answered, checked, connected, running, shown_by};
use crate::gui::Gui;
use crate::gui::downloads;
use crate::host::export;
use crate::host::{Host, Running};
use crate::ipc::convert;
use crate::ipc::dto::{
    AppError, HistoryQuery, HistoryRow, Outcome, PastCalendar, PastEvent, RestoreConfirmed, RestoreItem,
    RestorePreview, SavedFile,
};
use chrono::{DateTime, Utc};
use roundtrip_core::ids::{AppointmentId, RunId};
use roundtrip_core::outbox::OutboxState;
use roundtrip_engine::ledger::{HistoryFilter, HistoryItem, HistoryResult, HistorySource};
use roundtrip_engine::{Confirmed, Restoring, Since};
use std::collections::BTreeSet;
use tauri::{AppHandle, State};

/// More lines than are ever restored at once.
const LINES_MAX: usize = 5_000;

/// What a query of the window asks for.
///
/// # Errors
/// `bad_input` with the field that cannot be used.
pub fn filter_of(query: HistoryQuery) -> Answered<HistoryFilter> {
    let result = match query.result.as_deref() {
        None => None,
        Some("ok") => Some(HistoryResult::Ok),
        Some("waiting") => Some(HistoryResult::Waiting),
        Some("problem") => Some(HistoryResult::Problem),
        Some(_) => return Err(AppError::input("result")),
    };
    let source = match query.source.as_deref() {
        None => None,
        Some("you") => Some(HistorySource::You),
        Some("platform") => Some(HistorySource::Platform),
        Some("roundtrip") => Some(HistorySource::Roundtrip),
        Some(_) => return Err(AppError::input("source")),
    };
    let id = |field: &str, id: Option<String>| id.map(|id| checked(field, id)).transpose();
    Ok(HistoryFilter {
        kinds: &[],
        result,
        source,
        appointment_id: id("appointment_id", query.appointment_id)?.map(AppointmentId),
        run_id: id("run_id", query.run_id)?.map(RunId),
        since: query.since,
        before: query.before,
        limit: query.limit.clamp(1, 500),
    })
}

/// The lines that a query asks for, newest first: the answer of `list_history`.
///
/// # Errors
/// `bad_input` with the field that cannot be used, or the database's.
pub async fn lines(host: &Host, query: HistoryQuery) -> Answered<Vec<HistoryRow>> {
    let Some(running) = host.running().await else {
        return Ok(Vec::new());
    };
    let running = &running;
    let filter = filter_of(query)?;
    let now = running.engine.now();
    let items = running.engine.ledger().history(&filter).await?;
    let retries = retries(running, &items).await?;
    Ok(items
        .into_iter()
        .map(|item| {
            let retry_at = retries.iter().find(|(id, _)| *id == item.id).map(|(_, at)| *at);
            HistoryRow {
                retry_at,
                ..convert::history(item, now)
            }
        })
        .collect())
}

/// When what waits is tried again, by line: only the newest line about an appointment is about its waiting write.
async fn retries(running: &Running, items: &[HistoryItem]) -> Answered<Vec<(String, DateTime<Utc>)>> {
    let ledger = running.engine.ledger();
    let mut retries = Vec::new();
    let waiting: Vec<&HistoryItem> = items
        .iter()
        .filter(|item| item.result == HistoryResult::Waiting)
        .collect();
    if waiting.is_empty() {
        return Ok(retries);
    }
    let outbox = ledger.outbox().await?;
    let mut seen = BTreeSet::new();
    for item in waiting {
        let Some(id) = item
            .appointment_id
            .as_ref()
            .filter(|id| seen.insert((*id).clone()))
        else {
            continue;
        };
        let of_it = HistoryFilter {
            appointment_id: Some(id.clone()),
            limit: 1,
            ..HistoryFilter::default()
        };
        let newest = ledger.history(&of_it).await?.into_iter().next();
        let due = outbox
            .iter()
            .filter(|row| row.appointment_id == *id && row.state != OutboxState::Parked)
            .map(|row| row.due_at)
            .min();
        if let (Some(due), true) = (due, newest.is_some_and(|newest| newest.id == item.id)) {
            retries.push((item.id.clone(), due));
        }
    }
    Ok(retries)
}

pub(in crate::ipc) fn checked_ids(ids: Vec<String>) -> Answered<Vec<String>> {
    if ids.len() > LINES_MAX {
        return Err(AppError::input("history_ids"));
    }
    ids.into_iter().map(|id| checked("history_ids", id)).collect()
}

/// Exports are written as `csv` or `json`; the word also ends the file's name, so no other one gets so far.
pub(in crate::ipc) fn checked_format(format: String) -> Answered<String> {
    match format.as_str() {
        "csv" | "json" => Ok(format),
        _ => Err(AppError::input("format")),
    }
}

/// What restoring these history lines, or all of a run, would do. Nothing is written.
#[tauri::command]
#[specta::specta]
pub async fn preview_restore(
    gui: State<'_, Gui>,
    history_ids: Vec<String>,
    run_id: Option<String>,
) -> Answered<RestorePreview> {
    restore_preview(&gui.host, history_ids, run_id).await
}

/// The answer of [`preview_restore`].
///
/// # Errors
/// `bad_input` with the field, `not_connected`, or the engine's.
pub async fn restore_preview(
    host: &Host,
    history_ids: Vec<String>,
    run_id: Option<String>,
) -> Answered<RestorePreview> {
    let running = connected(host).await?;
    let ids = checked_ids(history_ids)?;
    let run = run_id.map(|id| checked("run_id", id)).transpose()?.map(RunId);
    let lines = running.engine.preview_restore(&ids, run.as_ref()).await?;
    Ok(preview_of(&lines))
}

fn preview_of(lines: &[Restoring]) -> RestorePreview {
    RestorePreview {
        items: lines.iter().map(restore_item).collect(),
        tells_admin: u32::try_from(Confirmed::of(lines).tells_admin).unwrap_or(u32::MAX),
    }
}

/// What undoing a whole run would do, with each of its writes and why one cannot be had back. Nothing is written.
#[tauri::command]
#[specta::specta]
pub async fn preview_undo_run(gui: State<'_, Gui>, run_id: String) -> Answered<RestorePreview> {
    undo_preview(&gui.host, run_id).await
}

/// The answer of [`preview_undo_run`].
///
/// # Errors
/// `bad_input` with the field, `not_connected`, or the engine's.
pub async fn undo_preview(host: &Host, run_id: String) -> Answered<RestorePreview> {
    let run = RunId(checked("run_id", run_id)?);
    let lines = connected(host).await?.engine.preview_undo_run(&run).await?;
    Ok(preview_of(&lines))
}

/// Undoes a whole run as far as it can be, each write by a new edit. If that does something else by now than was
/// confirmed, nothing is done, and the answer is `stale`.
#[tauri::command]
#[specta::specta]
pub async fn undo_run(
    gui: State<'_, Gui>,
    run_id: String,
    confirmed: RestoreConfirmed,
) -> Answered<Vec<Outcome>> {
    undo_whole(&gui.host, run_id, &confirmed).await
}

/// What [`undo_run`] does.
pub(in crate::ipc) async fn undo_whole(
    host: &Host,
    run_id: String,
    confirmed: &RestoreConfirmed,
) -> Answered<Vec<Outcome>> {
    let run = RunId(checked("run_id", run_id)?);
    let confirmed = confirmed_of(confirmed);
    let lines = connected(host).await?.engine.undo_run(&run, confirmed).await?;
    Ok(lines
        .into_iter()
        .map(|line| Outcome {
            id: line.history_id,
            result: match line.outcome {
                Ok(_) => "done".into(),
                Err(why) => why.code().into(),
            },
        })
        .collect())
}

pub(in crate::ipc) fn confirmed_of(confirmed: &RestoreConfirmed) -> Confirmed {
    Confirmed {
        done: usize::try_from(confirmed.done).unwrap_or(usize::MAX),
        tells_admin: usize::try_from(confirmed.tells_admin).unwrap_or(usize::MAX),
    }
}

fn restore_item(line: &Restoring) -> RestoreItem {
    let effect = line.outcome.unwrap_or_default();
    RestoreItem {
        history_id: line.history_id.clone(),
        appointment_id: line
            .appointment_id
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        title: line.title.clone().unwrap_or_default(),
        action: line.action.into(),
        from: effect.from.as_ref().map(convert::time_view),
        to: effect.to.as_ref().map(convert::time_view),
        tells_admin: effect.tells_admin,
        not_possible: line.outcome.err().map(|why| why.code().into()),
    }
}

/// Restores these history lines, each by a new edit. If that does something else by now than was confirmed, nothing is
/// done, and the answer is `stale`.
#[tauri::command]
#[specta::specta]
pub async fn restore(
    gui: State<'_, Gui>,
    history_ids: Vec<String>,
    confirmed: RestoreConfirmed,
) -> Answered<Vec<Outcome>> {
    restore_lines(&gui.host, history_ids, &confirmed).await
}

/// What [`restore`] does.
pub(in crate::ipc) async fn restore_lines(
    host: &Host,
    history_ids: Vec<String>,
    confirmed: &RestoreConfirmed,
) -> Answered<Vec<Outcome>> {
    let running = connected(host).await?;
    let ids = checked_ids(history_ids)?;
    let restored = running.engine.restore(&ids, confirmed_of(confirmed)).await?;
    // In the order in which they were asked for; a line that is not kept any more is gone.
    Ok(ids
        .into_iter()
        .map(|id| {
            let outcome = restored.iter().find(|line| line.history_id == id);
            let result = outcome.map_or("gone", |line| match line.outcome {
                Ok(_) => "done",
                Err(why) => why.code(),
            });
            Outcome {
                id,
                result: result.into(),
            }
        })
        .collect())
}

/// Tries the writes of one run again that did not succeed.
#[tauri::command]
#[specta::specta]
pub async fn retry_run(gui: State<'_, Gui>, run_id: String) -> Answered<()> {
    let run = RunId(checked("run_id", run_id)?);
    Ok(running(&gui).await?.engine.retry_run(&run).await?)
}

/// The calendar as it was at a moment of the last 30 days.
#[tauri::command]
#[specta::specta]
pub async fn calendar_at(gui: State<'_, Gui>, at: DateTime<Utc>) -> Answered<PastCalendar> {
    past_calendar(&gui.host, at).await
}

/// The answer of [`calendar_at`].
///
/// # Errors
/// `not_connected`, or the engine's.
pub async fn past_calendar(host: &Host, at: DateTime<Utc>) -> Answered<PastCalendar> {
    let past = shown_by(host).await?.engine.calendar_at(at).await?;
    Ok(PastCalendar {
        at: past.at,
        earliest: past.earliest,
        events: past
            .events
            .into_iter()
            .map(|event| {
                let (since, now_start) = match event.since {
                    Since::Same => ("same", None),
                    Since::Moved { now } => ("moved", Some(now)),
                    Since::Gone => ("gone", None),
                };
                PastEvent {
                    appointment_id: event.appointment_id.to_string(),
                    title: event.title,
                    start: event.time.start,
                    end: event.time.end,
                    zone: event.time.zone.name().into(),
                    since: since.into(),
                    now_start,
                    history_id: event.history_id,
                }
            })
            .collect(),
    })
}

/// Saves what the query finds as `csv` or `json` in the folder for downloads, without personal data unless asked for.
#[tauri::command]
#[specta::specta]
pub async fn export_history(
    app: AppHandle,
    gui: State<'_, Gui>,
    query: HistoryQuery,
    format: String,
    personal: bool,
) -> Answered<SavedFile> {
    let format = checked_format(format)?;
    let (text, count) = file(&gui.host, query, &format, personal).await?;
    let saved = gui
        .host
        .save(&downloads(&app)?, ("roundtrip-history", &format), &text, count)?;
    gui.host.write_down_export("history", saved.lines, personal).await;
    Ok(saved)
}

/// The file that [`export_history`] saves, and the number of its lines.
///
/// # Errors
/// `bad_input` with the field, `not_connected`, or the database's.
pub async fn file(
    host: &Host,
    query: HistoryQuery,
    format: &str,
    personal: bool,
) -> Answered<(String, usize)> {
    filter_of(query.clone())?;
    let running = shown_by(host).await?;
    // One reading finds all that is kept: the history holds 30 days.
    let everything = HistoryFilter {
        limit: u32::MAX,
        ..HistoryFilter::default()
    };
    let items = running.engine.ledger().history(&everything).await?;
    let now = running.engine.now();
    let rows: Vec<_> = items
        .into_iter()
        .map(|item| convert::history(item, now))
        .filter(|row| export::found(row, &query))
        .map(|row| if personal { row } else { export::masked(row) })
        .collect();
    let text = if format == "csv" {
        export::csv(&rows)
    } else {
        serde_json::to_string_pretty(&rows).map_err(|_| AppError::input("format"))?
    };
    Ok((text, rows.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_not_known_names_its_field() {
        let field = |query: HistoryQuery| filter_of(query).err().and_then(|error| error.field);
        let unknown = || Some("nobody".to_owned());
        let query = HistoryQuery {
            source: unknown(),
            ..HistoryQuery::default()
        };
        assert_eq!(field(query).as_deref(), Some("source"));
        let query = HistoryQuery {
            result: unknown(),
            ..HistoryQuery::default()
        };
        assert_eq!(field(query).as_deref(), Some("result"));
    }

    #[test]
    fn a_query_is_asked_as_it_is_meant() {
        let since = "2026-12-01T08:00:00Z".parse().expect("a test's own time");
        let query = HistoryQuery {
            source: Some("you".into()),
            since: Some(since),
            limit: 9_000,
            ..HistoryQuery::default()
        };
        let filter = filter_of(query).expect("known words");
        assert_eq!(filter.source, Some(HistorySource::You));
        assert_eq!((filter.since, filter.limit), (Some(since), 500));
    }
}
