//! What the outcome of a write means: for the record, for its row, and for the rest of the cycle.

use crate::execute::Outcome;
use crate::ledger::{HistorySource, HistoryWhat};
use crate::ports::{Accepted, PortError};
use crate::read::Records;
use chrono::{DateTime, Utc};
use roundtrip_core::absorb;
use roundtrip_core::appointment::{Removal, RemovalReason};
use roundtrip_core::conflict::Refusal;
use roundtrip_core::event::{Event, EventBody, PatchMask};
use roundtrip_core::ids::EventId;
use roundtrip_core::outbox::{Intent, OutboxRow, OutboxState, Side};
use roundtrip_core::reconcile::Context;
use roundtrip_core::record::{Field, LinkState, Record, Value};
use roundtrip_core::text;
use roundtrip_core::time::{EventTime, TimeSpan};

/// The code of [`PortError::Rejected`].
pub(crate) const REJECTED: &str = "rejected";

/// The nearest future appointment first; what is over comes last.
pub(crate) fn nearness(records: &Records, row: &OutboxRow, now: DateTime<Utc>) -> i64 {
    records
        .get(&row.appointment_id)
        .and_then(|record| record.appointment.as_ref())
        .map_or(i64::MAX, |appointment| {
            let away = (appointment.start - now).num_seconds();
            if away < 0 { i64::MAX / 2 - away } else { away }
        })
}

/// When the event was, also if it is known to be gone already: after a crash its tombstone is read before the outcome.
pub(crate) fn last_time(record: &Record) -> Option<TimeSpan> {
    let agreed = || match record.base.calendar.get(Field::Time)? {
        Value::Time(time) => time.timed(),
        Value::Text(_) | Value::Hash(_) => None,
    };
    match &record.event {
        Some(event) => event.time.timed(),
        None => agreed(),
    }
}

/// True if the event already says what was to be written.
pub(crate) fn says(event: &Event, body: &EventBody, mask: PatchMask) -> bool {
    let shown = text::observed(event);
    let written = |part: &str| Some(Value::Text(text::normalise(part)));
    let block = |description: &str| text::normalise(text::split(description).block.unwrap_or_default());
    (!mask.time || shown.time == Some(Value::Time(EventTime::Timed(body.time))))
        && (!mask.title || shown.title == written(&body.title))
        && (!mask.location || shown.location == written(&body.location))
        && (!mask.description || shown.notes == Some(Value::Text(block(&body.description))))
        && event
            .mark
            .as_ref()
            .is_none_or(|mark| mark.version == body.mark.version)
}

pub(crate) fn changed(record: &Record, body: &EventBody, mask: PatchMask) -> HistoryWhat {
    let before = record.event.as_ref().and_then(|event| event.time.timed());
    let fields = [
        (mask.time, Field::Time),
        (mask.title, Field::Title),
        (mask.location, Field::Location),
        (mask.description, Field::Notes),
    ];
    HistoryWhat::Changed {
        fields: fields
            .into_iter()
            .filter(|(wrote, _)| *wrote)
            .map(|(_, field)| field)
            .collect(),
        from: before.filter(|_| mask.time),
        to: mask.time.then_some(body.time),
    }
}

/// Our id turned out to be dead. Killed by us: the next generation. By somebody unknown: the next one only if the
/// appointment changed after the deletion; else it was the trainer's wish.
pub(crate) fn found_deleted(
    record: &mut Record,
    event_id: &EventId,
    generation: u32,
    updated: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) {
    let by_us = record.deleted_by_us.contains(&generation);
    let newer = record
        .appointment
        .as_ref()
        .zip(updated)
        .is_some_and(|(appointment, updated)| appointment.updated_at > updated);
    record.generation = generation;
    record.event_id = Some(event_id.clone());
    record.event = None;
    if by_us || newer {
        if !by_us {
            record.deleted_by_us.push(generation);
        }
    } else {
        record.link = LinkState::Linked;
        record.tombstone_at = Some(updated.unwrap_or(now));
    }
}

/// The event is there, and does not say what a patch was to write into it. An earlier try may have arrived all the same.
pub(crate) fn found_otherwise(record: &mut Record, row: &OutboxRow, event: Event, now: DateTime<Utc>) {
    absorb::event(record, event, now);
    if row.state == OutboxState::Sent {
        absorb::perhaps_written(record, &row.intent, now);
    }
}

/// A report that arrived, though its answer never did, counts as taken: the platform turns the next try away once it has
/// forgotten the key.
pub(crate) fn heard(row: &OutboxRow, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed(PortError::PreconditionFailed {
            current: Some(current),
        }) if row.has_arrived(&current) => Outcome::Accepted(Accepted {
            appointment: *current,
            // Each move asks for it, and the answer that said so is the one that was lost. Notes ask for nothing.
            admin_notified: matches!(row.intent, Intent::Move { .. }),
        }),
        outcome => outcome,
    }
}

/// What a "no" of the platform to what was sent then means for the record. True if it must be decided again.
pub(crate) fn on_refusal(
    record: &mut Record,
    error: &PortError,
    intent: &Intent,
    told: &mut dyn FnMut(&Record, HistoryWhat, HistorySource),
    ctx: &Context,
    sent_at: DateTime<Utc>,
) -> bool {
    match error {
        PortError::Refused {
            reason,
            detail,
            current,
        } => {
            if let Some(current) = current {
                absorb::appointment(record, (**current).clone(), sent_at);
            }
            let (field, time, notes) = match intent {
                Intent::Move { time, .. } => (Field::Time, Some(*time), None),
                Intent::Notes { notes, .. } => (Field::Notes, None, Some(notes.clone())),
                // A creation's outcome is recorded in `marked`.
                Intent::Insert { .. }
                | Intent::Patch { .. }
                | Intent::Delete { .. }
                | Intent::Create { .. } => return false,
            };
            // The refusal is told, and takes the promise's place.
            record.promised_time = record.promised_time.filter(|promised| Some(*promised) != time);
            record.refusal = Some(Refusal {
                field,
                time,
                notes,
                version: record
                    .appointment
                    .as_ref()
                    .map_or(0, |appointment| appointment.version),
                reason: reason.clone(),
                detail: detail.clone(),
                at: ctx.now,
            });
            let what = HistoryWhat::Refused {
                field,
                reason: reason.clone(),
                detail: detail.clone(),
            };
            told(record, what, HistorySource::Platform);
            true
        }
        PortError::PreconditionFailed {
            current: Some(current),
        } => {
            absorb::appointment(record, (**current).clone(), sent_at);
            true
        }
        PortError::NotAssigned | PortError::NotFound if intent.side() == Side::Platform => {
            let reason = match error {
                PortError::NotAssigned => RemovalReason::Unassigned,
                _ => RemovalReason::Deleted,
            };
            absorb::removed(
                record,
                None,
                Removal {
                    reason,
                    inferred: true,
                    at: sent_at,
                },
            );
            true
        }
        _ => false,
    }
}

/// True for a "no" because of a change that nobody could tell: to plan the same report again at once would end nothing, and to drop
/// it would keep it from everybody. It is tried again like one that did not arrive.
pub(crate) fn is_unexplained(error: &PortError) -> bool {
    matches!(error, PortError::PreconditionFailed { current: None })
}

/// True if the row stays in the outbox after this error.
pub(crate) fn keeps(error: &PortError) -> bool {
    !matches!(
        error,
        PortError::Refused { .. }
            | PortError::PreconditionFailed { .. }
            | PortError::NotAssigned
            | PortError::NotFound
            | PortError::AlreadyDeleted
            | PortError::AlreadyExists
    )
}

/// True if further writes to this side are of no use in this cycle.
pub(crate) fn stops_side(error: &PortError) -> bool {
    match error {
        PortError::NotConnected
        | PortError::SignInExpired
        | PortError::RightMissing { .. }
        | PortError::SyncDisabled { .. }
        | PortError::Throttled { .. }
        | PortError::QuotaGone
        | PortError::CalendarNotFound
        | PortError::WrongCertificate
        | PortError::Unreachable { nothing_sent: true } => true,
        PortError::Unreachable { nothing_sent: false }
        | PortError::ServerTrouble { .. }
        | PortError::FeedExpired
        | PortError::NotFound
        | PortError::AlreadyDeleted
        | PortError::AlreadyExists
        | PortError::PreconditionFailed { .. }
        | PortError::Refused { .. }
        | PortError::NotAssigned
        | PortError::Rejected { .. }
        | PortError::BadAnswer { .. } => false,
    }
}

/// The write may have gone through all the same.
pub(crate) fn leaves_unknown(error: &PortError) -> bool {
    matches!(
        error,
        PortError::Unreachable { nothing_sent: false }
            | PortError::ServerTrouble { .. }
            | PortError::BadAnswer { .. }
    )
}

/// A try that ended so may still take effect. Of a deletion any answer tells that it is over, but one of somebody in between who
/// had none: what became of it is looked for.
pub(crate) fn perhaps_under_way(row: &OutboxRow, error: &PortError) -> bool {
    match (&row.intent, error) {
        (Intent::Delete { .. }, PortError::ServerTrouble { status, .. }) => matches!(status, 502 | 504),
        (Intent::Delete { .. }, PortError::BadAnswer { .. }) => false,
        _ => leaves_unknown(error),
    }
}

/// The tokens could not be read: nobody was asked.
pub(crate) fn is_own_trouble(error: &PortError) -> bool {
    matches!(error, PortError::Rejected { reason } if reason.starts_with("vault_"))
}

/// Stable code of an error, for history, window and logs.
pub fn error_code(error: &PortError) -> &'static str {
    match error {
        PortError::NotConnected => "not_connected",
        PortError::SignInExpired => "sign_in_expired",
        PortError::RightMissing { .. } => "right_missing",
        PortError::SyncDisabled { .. } => "sync_disabled",
        PortError::Throttled { .. } => "throttled",
        PortError::QuotaGone => "quota_gone",
        PortError::Unreachable { .. } => "unreachable",
        PortError::WrongCertificate => "wrong_certificate",
        PortError::ServerTrouble { .. } => "server_trouble",
        PortError::FeedExpired => "feed_expired",
        PortError::NotFound => "not_found",
        PortError::CalendarNotFound => "calendar_not_found",
        PortError::AlreadyDeleted => "already_deleted",
        PortError::AlreadyExists => "already_exists",
        PortError::PreconditionFailed { .. } => "changed_meanwhile",
        PortError::Refused { .. } => "refused",
        PortError::NotAssigned => "not_assigned",
        PortError::Rejected { .. } => REJECTED,
        PortError::BadAnswer { .. } => "bad_answer",
    }
}
