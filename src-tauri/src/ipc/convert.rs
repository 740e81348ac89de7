//! From the engine's values to what the window is sent.

use super::dto::{
    AppointmentRow, ConflictView, FieldView, HistoryRow, LeftOutCount, MirrorRow, MovedBack, Preview,
    PreviewItem, RunRow, SeenView, Sight, ValueView,
};
use chrono::{DateTime, Utc};
use roundtrip_core::appointment::Appointment;
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{Conflict, ConflictCause, ConflictKind, FieldConflict};
use roundtrip_core::mirror::{self, Mirror};
use roundtrip_core::outbox::Intent;
use roundtrip_core::outbox::Side;
use roundtrip_core::question::QuestionKind;
use roundtrip_core::record::{Field, Record, Value};
use roundtrip_core::resolve;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::time::{EventTime, TimeSpan};
use roundtrip_engine::ledger::{HistoryItem, HistoryWhat, Run, RunResult};
use roundtrip_engine::{AppointmentStatus, Snapshot};

#[path = "convert_details.rs"]
mod details;
#[path = "convert_questions.rs"]
mod questions;
pub use details::details;
pub use questions::{held, question};

fn badge(badge: Badge) -> super::dto::Badge {
    use super::dto::Badge as View;
    match badge {
        Badge::Synced => View::Synced,
        Badge::Waiting => View::Waiting,
        Badge::Syncing => View::Syncing,
        Badge::LeftOut => View::LeftOut,
        Badge::Conflict => View::Conflict,
        Badge::Problem => View::Problem,
        Badge::Removed => View::Removed,
        Badge::Ended => View::Ended,
    }
}

/// One appointment of the agenda.
pub fn row(status: &AppointmentStatus, moved: Option<&MovedBack>, settings: &SyncSettings) -> AppointmentRow {
    let record = &status.record;
    let appointment = record.appointment.as_ref();
    let time = status.rendered.time;
    let place = appointment.and_then(|appointment| appointment.place.as_ref());
    AppointmentRow {
        id: record.appointment_id.to_string(),
        title: status.rendered.title.clone(),
        location: place.and_then(|place| place.address.clone().or_else(|| place.name.clone())),
        kind: appointment
            .map(|appointment| appointment.kind.name.clone())
            .unwrap_or_default(),
        start: time.start,
        end: time.end,
        zone: time.zone.name().into(),
        tentative: status.rendered.tentative,
        private: status.rendered.private,
        badge: badge(status.badge),
        reason: status.reason.clone(),
        due_at: status.due_at,
        moved_back: moved.cloned(),
        conflict_id: record.conflict.as_ref().map(ToString::to_string),
        client: appointment.and_then(|appointment| client_name(appointment, settings)),
        has_event: record
            .event
            .as_ref()
            .is_some_and(|event| event.html_link.is_some()),
    }
}

/// The client's name, where the trainer wants to see clients.
fn client_name(appointment: &Appointment, settings: &SyncSettings) -> Option<String> {
    let client = appointment.client.as_ref().filter(|_| settings.text.client_names);
    client.and_then(|client| client.name.clone())
}

/// A time as the window shows it.
pub fn time_view(time: &TimeSpan) -> ValueView {
    ValueView::Time {
        start: time.start,
        end: time.end,
        zone: time.zone.name().into(),
    }
}

fn value(value: &Value) -> ValueView {
    match value {
        Value::Time(EventTime::Timed(time)) => time_view(time),
        Value::Time(EventTime::AllDay { start, end }) => ValueView::AllDay {
            start: *start,
            end: *end,
        },
        Value::Text(text) => ValueView::Text { text: text.clone() },
        Value::Hash(_) => ValueView::Unknown,
    }
}

/// Stable word of a field.
pub fn field_word(field: Field) -> &'static str {
    match field {
        Field::Time => "time",
        Field::Title => "title",
        Field::Location => "location",
        Field::Notes => "notes",
    }
}

/// Field by its stable word.
pub fn field_named(word: &str) -> Option<Field> {
    Field::ALL.into_iter().find(|field| field_word(*field) == word)
}

/// A snake-case word of a value whose JSON form is a plain text.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The title that a conflict without an appointment tells by itself.
fn told_title(conflict: &Conflict) -> Option<String> {
    let title = conflict.fields.iter().find(|field| field.field == Field::Title)?;
    match &title.calendar {
        Value::Text(text) => Some(text.clone()),
        Value::Time(_) | Value::Hash(_) => None,
    }
}

/// A conflict, with the answers that make sense for it.
pub fn conflict(conflict: &Conflict, snapshot: &Snapshot) -> ConflictView {
    let status = snapshot
        .appointments
        .iter()
        .find(|status| status.record.appointment_id == conflict.appointment_id);
    let seen = status
        .map(|status| resolve::seen(&status.record))
        .unwrap_or_else(|| conflict.seen.clone());
    let (cause, refusal) = match &conflict.cause {
        ConflictCause::BothChanged => ("both_changed", None),
        ConflictCause::NoBase => ("no_base", None),
        ConflictCause::MovedIntoPast => ("moved_into_past", None),
        ConflictCause::MovedFar => ("moved_far", None),
        ConflictCause::ManyMoves => ("many_moves", None),
        ConflictCause::MadeAllDay => ("made_all_day", None),
        ConflictCause::MadeSeries => ("made_series", None),
        ConflictCause::SeriesCancelled => ("series_cancelled", None),
        ConflictCause::Refused(refusal) => ("refused", Some(refusal)),
        ConflictCause::PingPong => ("ping_pong", None),
        ConflictCause::NotEditable => ("not_editable", None),
        ConflictCause::Marked => ("marked", None),
    };
    let marked = conflict.kind == ConflictKind::CreatedExternally;
    let choices: &[&str] = match &conflict.cause {
        _ if marked => &["create", "dismiss"],
        ConflictCause::Marked => &["create", "dismiss"],
        ConflictCause::BothChanged if conflict.fields.len() > 1 => &[
            "keep_platform",
            "keep_calendar",
            "most_recent",
            "merge",
            "stop_syncing",
        ],
        ConflictCause::BothChanged => &["keep_platform", "keep_calendar", "most_recent", "stop_syncing"],
        ConflictCause::NoBase if conflict.fields.len() > 1 => {
            &["keep_platform", "keep_calendar", "merge", "stop_syncing"]
        }
        // Whole days are no time that a platform could be told.
        ConflictCause::NoBase if conflict.fields.iter().any(is_whole_days) => {
            &["set_time", "keep_platform", "stop_syncing"]
        }
        ConflictCause::NoBase
        | ConflictCause::MovedIntoPast
        | ConflictCause::MovedFar
        | ConflictCause::ManyMoves
        | ConflictCause::PingPong
        | ConflictCause::SeriesCancelled => &["keep_platform", "keep_calendar", "stop_syncing"],
        // Another time is no answer to notes that were refused.
        ConflictCause::Refused(_) if !conflict.fields.iter().any(|field| field.field == Field::Time) => {
            &["keep_platform", "keep_calendar", "stop_syncing"]
        }
        ConflictCause::Refused(_) => &["keep_platform", "keep_calendar", "set_time", "stop_syncing"],
        ConflictCause::MadeAllDay => &["set_time", "keep_platform", "stop_syncing"],
        ConflictCause::MadeSeries => &["stop_syncing"],
        ConflictCause::NotEditable => &["keep_platform", "stop_syncing"],
    };
    let differing: Vec<Field> = conflict.fields.iter().map(|field| field.field).collect();
    ConflictView {
        id: conflict.id.to_string(),
        appointment_id: conflict.appointment_id.to_string(),
        title: status
            .map(|status| status.rendered.title.clone())
            .or_else(|| told_title(conflict))
            .unwrap_or_default(),
        kind: word(conflict.kind),
        cause: cause.into(),
        refusal_reason: refusal.map(|refusal| refusal.reason.clone()),
        refusal_detail: refusal.and_then(|refusal| refusal.detail.clone()),
        fields: conflict
            .fields
            .iter()
            .map(|field| FieldView {
                field: field_word(field.field).into(),
                before: field.before.as_ref().map_or(ValueView::Unknown, value),
                platform: value(&field.platform),
                calendar: value(&field.calendar),
                reported: status.is_some_and(|status| {
                    let direction = snapshot.settings.direction;
                    resolve::is_reported(&status.record, field.field, &status.rendered, direction)
                }),
            })
            .collect(),
        same_fields: Field::ALL
            .into_iter()
            // The platform knows nothing of a marked event, so nothing is the same there.
            .filter(|field| !marked && !differing.contains(field))
            .map(|field| field_word(field).to_owned())
            .collect(),
        seen: SeenView {
            version: seen
                .version
                .map(|version| u32::try_from(version).unwrap_or(u32::MAX)),
            etag: seen.etag.map(|etag| etag.to_string()),
        },
        platform_changed_at: conflict.platform_changed_at,
        platform_changed_by: conflict.platform_changed_by.clone(),
        calendar_changed_at: conflict.calendar_changed_at,
        raised_at: conflict.raised_at,
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
    }
}

fn question_word(kind: QuestionKind) -> String {
    word(kind)
}

/// Stable word of a run's result.
pub fn run_result(result: RunResult) -> &'static str {
    match result {
        RunResult::Running => "running",
        RunResult::Success => "success",
        RunResult::Partial => "partial",
        RunResult::Failed => "failed",
    }
}

/// A run.
pub fn run(run: &Run) -> RunRow {
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    RunRow {
        id: run.id.to_string(),
        trigger: word(run.trigger),
        started_at: run.started_at,
        ended_at: run.ended_at,
        result: run_result(run.result).into(),
        added: run.counts.added,
        changed: run.counts.changed,
        removed: run.counts.removed,
        moved_back: run.counts.moved_back,
        conflicts: run.counts.conflicts,
        problems: run.counts.problems,
        platform_requests: small(run.counts.platform_requests),
        calendar_requests: small(run.counts.calendar_requests),
        problem: run.problem.clone(),
        checks: u32::try_from(run.checks.len().max(1)).unwrap_or(u32::MAX),
    }
}

/// A line of the history, as of now.
pub fn history(item: HistoryItem, now: DateTime<Utc>) -> HistoryRow {
    let restorable = roundtrip_engine::is_restorable(&item, now);
    let mut row = HistoryRow {
        id: item.id,
        run_id: item.run_id.map(|run| run.to_string()),
        at: item.at,
        appointment_id: item.appointment_id.map(|id| id.to_string()),
        title: item.title,
        what: String::new(),
        from: None,
        to: None,
        fields: Vec::new(),
        word: None,
        detail: None,
        admin_notified: None,
        count: None,
        source: word(item.source),
        result: word(item.result),
        problem: item.problem,
        request_id: item.request_id,
        retry_at: None,
        restorable,
        edit_lost: false,
    };
    row.what = match item.what {
        HistoryWhat::Added { time } => {
            row.to = Some(time_view(&time));
            "added"
        }
        HistoryWhat::Changed { fields, from, to } => {
            row.fields = fields
                .into_iter()
                .map(|field| field_word(field).to_owned())
                .collect();
            row.from = from.as_ref().map(time_view);
            row.to = to.as_ref().map(time_view);
            "changed"
        }
        HistoryWhat::Deleted {
            reason,
            time,
            edit_lost,
            ..
        } => {
            row.from = time.as_ref().map(time_view);
            row.edit_lost = edit_lost;
            row.word = Some(word(reason));
            "deleted"
        }
        HistoryWhat::Adopted => "adopted",
        HistoryWhat::MovedBack {
            from,
            to,
            admin_notified,
        } => {
            row.from = Some(time_view(&from));
            row.to = Some(time_view(&to));
            row.admin_notified = Some(admin_notified);
            "moved_back"
        }
        HistoryWhat::NotesBack { admin_notified } => {
            row.admin_notified = Some(admin_notified);
            "notes_back"
        }
        HistoryWhat::CreatedFromEvent { time } => {
            row.to = Some(time_view(&time));
            "created_from_event"
        }
        HistoryWhat::Refused {
            field,
            reason,
            detail,
        } => {
            row.fields = vec![field_word(field).to_owned()];
            row.word = Some(reason);
            row.detail = detail;
            "refused"
        }
        HistoryWhat::RemovedInCalendar { by_trainer } => {
            row.word = Some(if by_trainer { "by_you" } else { "unknown" }.into());
            "removed_in_calendar"
        }
        HistoryWhat::ChangedSinceRemoved => "changed_since_removed",
        HistoryWhat::PutBack => "put_back",
        HistoryWhat::ConflictRaised { kind, fields, .. } => {
            row.fields = fields
                .into_iter()
                .map(|field| field_word(field).to_owned())
                .collect();
            row.word = Some(word(kind));
            "conflict_raised"
        }
        HistoryWhat::ConflictResolved {
            resolution,
            by_policy,
            ..
        } => {
            row.word = Some(resolution);
            row.detail = by_policy.then(|| "by_policy".to_owned());
            "conflict_resolved"
        }
        HistoryWhat::Undone { from, to, .. } => {
            row.from = from.as_ref().map(time_view);
            row.to = to.as_ref().map(time_view);
            "undone"
        }
        HistoryWhat::Restored { from, to } => {
            row.from = from.as_ref().map(time_view);
            row.to = to.as_ref().map(time_view);
            "restored"
        }
        HistoryWhat::Held { cause, .. } => {
            row.word = Some(word(cause));
            "held"
        }
        HistoryWhat::HeldAnswered { answer } => {
            row.word = Some(word(answer));
            "held_answered"
        }
        HistoryWhat::Merged => "merged",
        HistoryWhat::Overtaken { wanted } => {
            row.from = Some(time_view(&wanted));
            "overtaken"
        }
        HistoryWhat::Asked { question, count } => {
            row.word = Some(question_word(question));
            row.count = Some(count);
            "asked"
        }
        HistoryWhat::Answered { question, answer } => {
            row.word = Some(question_word(question));
            row.detail = Some(word(answer));
            "answered"
        }
        HistoryWhat::Connected { service } => {
            row.word = Some(service);
            "connected"
        }
        HistoryWhat::Disconnected { service } => {
            row.word = Some(service);
            "disconnected"
        }
        HistoryWhat::WriteFailed { intent } => {
            row.word = Some(intent);
            "write_failed"
        }
        HistoryWhat::Unreadable { field } => {
            row.word = Some(field);
            "unreadable"
        }
        HistoryWhat::Rebuilt { count } => {
            row.count = Some(count);
            "rebuilt"
        }
        HistoryWhat::ReadingShrank => "reading_shrank",
        HistoryWhat::SilenceBegan { side } => {
            row.word = Some(service_of(side).into());
            "silence_began"
        }
        HistoryWhat::SilenceEnded { side, since } => {
            row.word = Some(service_of(side).into());
            let hours = (item.at - since).num_hours();
            row.count = u32::try_from(hours).ok();
            "silence_ended"
        }
    }
    .into();
    row
}

/// How the window names a side.
pub fn service_of(side: Side) -> &'static str {
    match side {
        Side::Platform => "platform",
        Side::Calendar => "google",
    }
}

/// A preview, nearest first.
pub fn preview(preview: &roundtrip_engine::Preview) -> Preview {
    let mut view = Preview {
        added: 0,
        changed: 0,
        removed: 0,
        moved_back: 0,
        left_out: preview
            .left_out
            .iter()
            .map(|(reason, count)| LeftOutCount {
                reason: (*reason).into(),
                count: *count,
            })
            .collect(),
        matching: preview.matching,
        total: preview.total,
        items: Vec::new(),
    };
    for decision in &preview.decisions {
        for intent in &decision.intents {
            let (action, counter) = match intent {
                Intent::Insert { .. } => ("added", &mut view.added),
                Intent::Patch { .. } => ("changed", &mut view.changed),
                Intent::Delete { .. } => ("removed", &mut view.removed),
                Intent::Move { .. } | Intent::Notes { .. } => ("moved_back", &mut view.moved_back),
                // Decided by the trainer one by one, never part of a preview.
                Intent::Create { .. } => continue,
            };
            *counter += 1;
            let Some(appointment) = &decision.record.appointment else {
                continue;
            };
            view.items
                .push(preview_item(action, intent, &decision.record, appointment));
        }
    }
    view.items.sort_by_key(|item| item.start);
    view
}

/// What changes from what: the event as it is now beside the one that would be written.
fn preview_item(action: &str, intent: &Intent, record: &Record, appointment: &Appointment) -> PreviewItem {
    let event = record.event.as_ref();
    let title = roundtrip_engine::title_of(record).unwrap_or_default();
    let mut item = PreviewItem {
        action: action.into(),
        title,
        start: appointment.start,
        end: appointment.span().end,
        zone: appointment.zone.name().into(),
        from: None,
        title_before: None,
        fields: Vec::new(),
    };
    let mut at = |time: &TimeSpan| {
        (item.start, item.end) = (time.start, time.end);
        item.zone = time.zone.name().into();
    };
    match intent {
        Intent::Insert { body, .. } => {
            at(&body.time);
            item.title = body.title.clone();
        }
        Intent::Patch { body, mask, .. } => {
            let before = event.and_then(|event| match event.time {
                EventTime::Timed(time) => Some(time),
                EventTime::AllDay { .. } => None,
            });
            let now = if mask.time { Some(body.time) } else { before };
            at(&now.unwrap_or(body.time));
            item.from = before.map(|time| time.start).filter(|_| mask.time);
            let shown = event.map(|event| event.title.clone());
            if mask.title {
                item.title = body.title.clone();
                item.title_before = shown;
            } else if let Some(shown) = shown {
                item.title = shown;
            }
            let changed = [
                (mask.time, "time"),
                (mask.title, "title"),
                (mask.location, "location"),
                (mask.description, "notes"),
                (mask.looks, "looks"),
            ];
            item.fields = changed
                .into_iter()
                .filter(|(changed, _)| *changed)
                .map(|(_, field)| field.to_owned())
                .collect();
        }
        Intent::Delete { .. } => {
            if let Some(event) = event {
                item.title = event.title.clone();
            }
        }
        Intent::Move { time, from, .. } => {
            at(time);
            item.from = Some(from.start);
            item.fields = vec!["time".into()];
        }
        Intent::Notes { .. } => item.fields = vec!["notes".into()],
        // An answer, not what a cycle or a setting comes to: it is in no preview.
        Intent::Create { .. } => {}
    }
    item
}

/// An appointment as three people see it.
pub fn mirror(record: &Record, mirror: &Mirror) -> MirrorRow {
    let sight = |sight: &mirror::Sight| Sight {
        title: sight.title.clone(),
        location: sight.location.clone(),
        notes: sight.notes.clone(),
    };
    MirrorRow {
        appointment_id: record.appointment_id.to_string(),
        start: mirror.time.start,
        end: mirror.time.end,
        zone: mirror.time.zone.name().into(),
        left_out: !mirror.in_calendar,
        free: mirror.in_calendar && !mirror.busy,
        stranger: sight(&mirror.stranger),
        shared: sight(&mirror.shared),
        you: sight(&mirror.you),
    }
}

fn is_whole_days(field: &FieldConflict) -> bool {
    matches!(field.calendar, Value::Time(EventTime::AllDay { .. }))
}
