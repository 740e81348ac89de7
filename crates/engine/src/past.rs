//! The calendar as it was: walked back from the present, line by line of the history.

use crate::engine::Engine;
use crate::ledger::{HistoryFilter, HistoryItem, HistoryWhat, LedgerError};
use crate::plan::title_of;
use crate::undo::KEPT_DAYS;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::outbox::DeleteReason;
use roundtrip_core::record::Record;
use roundtrip_core::time::TimeSpan;
use std::collections::BTreeMap;

/// More lines than 30 days bring.
const LINES_MAX: u32 = 200_000;

/// The events of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCalendar {
    /// The moment; never before `earliest`, never after now.
    pub at: DateTime<Utc>,
    /// The earliest moment the history can tell.
    pub earliest: DateTime<Utc>,
    /// Events then, by start.
    pub events: Vec<PastEvent>,
}

/// One event of that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEvent {
    /// Whose.
    pub appointment_id: AppointmentId,
    /// Shown name.
    pub title: String,
    /// When it was.
    pub time: TimeSpan,
    /// What became of it.
    pub since: Since,
    /// The line whose restoring brings it back.
    pub history_id: Option<String>,
}

/// What became of an event since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It is as it was.
    Same,
    /// It has another time now.
    Moved {
        /// Start now.
        now: DateTime<Utc>,
    },
    /// It is not in the calendar any more.
    Gone,
}

impl Engine {
    /// The calendar as it was at a moment of the last 30 days.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn calendar_at(&self, at: DateTime<Utc>) -> Result<PastCalendar, LedgerError> {
        let now = self.now();
        let kept = now - Duration::days(KEPT_DAYS);
        let connected = self.ledger.sync_state().await?.connected_at.unwrap_or(now);
        let earliest = kept.max(connected).min(now);
        let at = at.clamp(earliest, now);
        let filter = HistoryFilter {
            since: Some(kept),
            limit: LINES_MAX,
            ..HistoryFilter::default()
        };
        let lines = self.ledger.history(&filter).await?;
        let records = self.ledger.records().await?;
        Ok(PastCalendar {
            at,
            earliest,
            events: events_at(&records, &lines, at),
        })
    }
}

/// The events that stood at `at`. `lines` are newest first.
fn events_at(records: &[Record], lines: &[HistoryItem], at: DateTime<Utc>) -> Vec<PastEvent> {
    let shown = |record: &Record| record.event.as_ref().and_then(|event| event.time.timed());
    let present: BTreeMap<&AppointmentId, TimeSpan> = records
        .iter()
        .filter_map(|record| Some((&record.appointment_id, shown(record)?)))
        .collect();
    let known: BTreeMap<&AppointmentId, &Record> = records
        .iter()
        .map(|record| (&record.appointment_id, record))
        .collect();
    let mut then = present.clone();
    let mut titles: BTreeMap<&AppointmentId, &String> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(id) = &line.appointment_id else { continue };
        if let Some(title) = &line.title {
            titles.entry(id).or_insert(title);
        }
        if line.at <= at {
            continue;
        }
        // Before this line, the event …
        match &line.what {
            // … was not there,
            HistoryWhat::Added { .. } => _ = then.remove(id),
            // … was at another time,
            HistoryWhat::Changed { from: Some(from), .. } | HistoryWhat::MovedBack { from, .. } => {
                // What is gone by now and was moved before that is told by the line of its end.
                then.entry(id).and_modify(|time| *time = *from);
            }
            // … or was still there.
            HistoryWhat::Deleted { reason, time, .. } if *reason != DeleteReason::Duplicate => {
                let before = time.or_else(|| time_before(&lines[index + 1..], id));
                if let Some(time) = before {
                    then.insert(id, time);
                }
            }
            HistoryWhat::RemovedInCalendar { .. } => {
                let said = || {
                    let appointment = known.get(id)?.appointment.as_ref()?;
                    Some(appointment.span())
                };
                if let Some(time) = time_before(&lines[index + 1..], id).or_else(said) {
                    then.insert(id, time);
                }
            }
            _ => {}
        }
    }
    let mut events: Vec<PastEvent> = then
        .into_iter()
        .map(|(id, time)| {
            let since = match present.get(id) {
                Some(now) if *now == time => Since::Same,
                Some(now) => Since::Moved { now: now.start },
                None => Since::Gone,
            };
            let title = known.get(id).and_then(|record| title_of(record));
            PastEvent {
                appointment_id: id.clone(),
                title: title
                    .or_else(|| titles.get(id).map(|title| (*title).clone()))
                    .unwrap_or_default(),
                time,
                since,
                history_id: way_back(lines, id, time, present.get(id).copied(), at),
            }
        })
        .collect();
    events.sort_by(|one, other| {
        (one.time.start, &one.appointment_id).cmp(&(other.time.start, &other.appointment_id))
    });
    events
}

/// The time that the next older line about an event tells.
fn time_before(older: &[HistoryItem], id: &AppointmentId) -> Option<TimeSpan> {
    older
        .iter()
        .filter(|line| line.appointment_id.as_ref() == Some(id))
        .find_map(|line| match &line.what {
            HistoryWhat::Added { time } => Some(*time),
            HistoryWhat::Changed { to, .. } => *to,
            HistoryWhat::MovedBack { to, .. } => Some(*to),
            _ => None,
        })
}

/// The line whose restoring leads from how an event is now to how it was.
fn way_back(
    lines: &[HistoryItem],
    id: &AppointmentId,
    then: TimeSpan,
    now: Option<TimeSpan>,
    at: DateTime<Utc>,
) -> Option<String> {
    let mut since = lines
        .iter()
        .filter(|line| line.at > at && line.appointment_id.as_ref() == Some(id));
    let found = match now {
        Some(now) if now == then => None,
        Some(now) => since.find(|line| match &line.what {
            HistoryWhat::MovedBack { from, to, .. } => (*from, *to) == (then, now),
            HistoryWhat::Changed {
                from: Some(from),
                to: Some(to),
                ..
            } => (*from, *to) == (then, now),
            _ => false,
        }),
        None => since
            .find(|line| {
                matches!(
                    line.what,
                    HistoryWhat::RemovedInCalendar { .. } | HistoryWhat::Deleted { .. }
                )
            })
            .filter(|line| matches!(line.what, HistoryWhat::RemovedInCalendar { .. })),
    };
    found.map(|line| line.id.clone())
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
