//! What is said of an appointment that was opened, and in no list.

use super::super::dto::{AppointmentDetails, FilterCheck, MovedBack};
use super::super::settings::HOUR;
use super::{client_name, row};
use chrono::Datelike as _;
use roundtrip_core::appointment::Appointment;
use roundtrip_core::filter::{self, LeftOut};
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::AppointmentStatus;

/// One appointment that was opened.
pub fn details(
    status: &AppointmentStatus,
    moved: Option<&MovedBack>,
    settings: &SyncSettings,
) -> AppointmentDetails {
    AppointmentDetails {
        row: row(status, moved, settings),
        checks: checks(status, settings),
    }
}

/// The steps of the why-not inspector, each with the value that was looked at.
fn checks(status: &AppointmentStatus, settings: &SyncSettings) -> Vec<FilterCheck> {
    let appointment = status.record.appointment.as_ref();
    let assigned = FilterCheck {
        check: "assigned".into(),
        passed: status.record.removal.is_none(),
        value: None,
    };
    std::iter::once(assigned)
        .chain(status.checks.iter().map(|check| FilterCheck {
            check: check_word(check.reason).into(),
            passed: check.passed,
            value: appointment.and_then(|appointment| check_value(check.reason, appointment, settings)),
        }))
        .collect()
}

fn check_word(reason: LeftOut) -> &'static str {
    match reason {
        LeftOut::BeforeConnection => "connection",
        LeftOut::TypeOff => "type",
        LeftOut::ClientOff => "client",
        LeftOut::OutsideDates => "dates",
        LeftOut::WeekdayOff => "weekday",
        LeftOut::OutsideHours => "hours",
        LeftOut::Private => "private",
        LeftOut::Excluded => "excluded",
        LeftOut::OwnRule => "own_rule",
    }
}

fn check_value(reason: LeftOut, appointment: &Appointment, settings: &SyncSettings) -> Option<String> {
    let filters = &settings.filters;
    let start = appointment.start.with_timezone(&appointment.zone);
    let window = |from: Option<String>, until: Option<String>| {
        (from.is_some() || until.is_some())
            .then(|| format!("{}/{}", from.unwrap_or_default(), until.unwrap_or_default()))
    };
    match reason {
        LeftOut::TypeOff => Some(appointment.kind.name.clone()),
        LeftOut::ClientOff => client_name(appointment, settings),
        LeftOut::OutsideDates => window(
            filters.first_day.map(|day| day.to_string()),
            filters.last_day.map(|day| day.to_string()),
        ),
        LeftOut::OutsideHours => window(
            filters.earliest.map(|time| time.format(HOUR).to_string()),
            filters.latest.map(|time| time.format(HOUR).to_string()),
        ),
        LeftOut::WeekdayOff => Some(start.weekday().num_days_from_monday().to_string()),
        LeftOut::OwnRule => filter::matching_rule(appointment, filters).map(|rule| rule.text.clone()),
        LeftOut::BeforeConnection | LeftOut::Private | LeftOut::Excluded => None,
    }
}
