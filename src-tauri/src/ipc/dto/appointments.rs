//! What is asked about appointments one by one, or for a few days, so that nobody sends the whole list for it.

use super::{AppointmentRow, FilterCheck};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use specta::Type;

/// One appointment that was opened: its row as it is now, and why it is there or not.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct AppointmentDetails {
    /// The row of the agenda.
    pub row: AppointmentRow,
    /// The steps of the why-not inspector, in order.
    pub checks: Vec<FilterCheck>,
}

/// One day of the dashboard's week.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct GlanceDay {
    /// The day, in the trainer's zone.
    pub day: NaiveDate,
    /// How many appointments begin on it.
    pub count: u32,
    /// The first of them, by start; all, unless there are more than anybody could make out.
    pub rows: Vec<AppointmentRow>,
}
