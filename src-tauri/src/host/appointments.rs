//! A few appointments out of many: one that was opened, and those of the next days.

use super::Host;
use super::overview::moved_back;
use crate::ipc::convert;
use crate::ipc::dto::{AppError, AppointmentDetails, AppointmentRow, GlanceDay};
use chrono::{DateTime, Days, Duration, Utc};
use chrono_tz::Tz;
use roundtrip_core::ids::AppointmentId;
use roundtrip_engine::AppointmentStatus;
use std::collections::BTreeMap;

/// Seven days, and the one that joins them at midnight.
const DAYS: u64 = 8;
/// More blocks than can be told apart in a column as wide as a finger.
const ROWS_A_DAY: usize = 36;

/// What is over for a day is in no list, and cannot be opened.
pub fn is_listed(status: &AppointmentStatus, now: DateTime<Utc>) -> bool {
    status.rendered.time.end > now - Duration::hours(24)
}

/// The days from today on in the trainer's zone, each with what begins on it. `row` is asked only for what is shown.
pub fn week<'a>(
    appointments: impl IntoIterator<Item = &'a AppointmentStatus>,
    zone: Tz,
    now: DateTime<Utc>,
    row: impl Fn(&AppointmentStatus) -> AppointmentRow,
) -> Vec<GlanceDay> {
    let today = now.with_timezone(&zone).date_naive();
    let mut days: BTreeMap<_, _> = (0..DAYS)
        .filter_map(|ahead| today.checked_add_days(Days::new(ahead)))
        .map(|day| (day, (0, Vec::new())))
        .collect();
    for status in appointments {
        let day = status.rendered.time.start.with_timezone(&zone).date_naive();
        if let Some((count, rows)) = days.get_mut(&day) {
            *count += 1;
            if rows.len() < ROWS_A_DAY {
                rows.push(row(status));
            }
        }
    }
    days.into_iter()
        .map(|(day, (count, rows))| GlanceDay { day, count, rows })
        .collect()
}

impl Host {
    /// One appointment with what its inspector shows; none if no list has it any more.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn appointment(&self, id: &AppointmentId) -> Result<Option<AppointmentDetails>, AppError> {
        let Some(running) = self.running().await else {
            return Ok(None);
        };
        let snapshot = running.snapshot().await?;
        let found = snapshot
            .appointments
            .iter()
            .find(|status| status.record.appointment_id == *id && is_listed(status, snapshot.now));
        let Some(status) = found else { return Ok(None) };
        let moved = moved_back(&running).await?;
        Ok(Some(convert::details(status, moved.get(id), &snapshot.settings)))
    }
}

#[cfg(test)]
#[path = "appointments_tests.rs"]
mod tests;
