//! Recurrence lines of a series, and where its occurrences fall.

use super::error::GoogleError;
use super::when::When;
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use rrule::{RRuleSet, Tz as RuleZone};
use serde_json::Value;

/// Most occurrences of one series that are ever computed.
const OCCURRENCES_MAX: u16 = 1_500;

/// The lines of a `recurrence` array.
pub fn lines(value: &Value) -> Result<Vec<String>, GoogleError> {
    let list = value.as_array().ok_or_else(GoogleError::parse_error)?;
    list.iter()
        .map(|line| {
            line.as_str()
                .map(str::to_owned)
                .ok_or_else(GoogleError::parse_error)
        })
        .collect()
}

/// Refuses lines the service would refuse.
pub fn check(lines: &[String], start: &When) -> Result<(), GoogleError> {
    let invalid = || GoogleError::invalid("Invalid recurrence rule.");
    for line in lines {
        let name = line
            .split([':', ';'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        if !matches!(name.as_str(), "RRULE" | "EXRULE" | "RDATE" | "EXDATE") {
            return Err(invalid());
        }
    }
    rules(lines, start).map(|_| ()).ok_or_else(invalid)
}

fn rules(lines: &[String], start: &When) -> Option<RRuleSet> {
    // Days are computed in UTC, so that no zone can shift them.
    let first = match start {
        When::Day(day) => format!("DTSTART:{}T000000Z", day.format("%Y%m%d")),
        When::Moment { at, zone } => match zone {
            None | Some(chrono_tz::Tz::UTC) => format!("DTSTART:{}", at.format("%Y%m%dT%H%M%SZ")),
            Some(zone) => {
                format!(
                    "DTSTART;TZID={}:{}",
                    zone.name(),
                    at.with_timezone(zone).format("%Y%m%dT%H%M%S")
                )
            }
        },
    };
    let mut text = first;
    for line in lines {
        text.push('\n');
        text.push_str(&if start.is_day() {
            day_line(line)
        } else {
            timed_line(line)
        });
    }
    text.parse().ok()
}

/// `UNTIL=20270101` and `EXDATE;VALUE=DATE:20270101` become midnights in UTC.
fn day_line(line: &str) -> String {
    let (head, values) = line.split_once(':').unwrap_or((line, ""));
    if head.to_ascii_uppercase().ends_with("RULE") {
        let parts = values.split(';').map(|part| match part.split_once('=') {
            Some((name, day)) if name.eq_ignore_ascii_case("UNTIL") && day.len() == 8 => {
                format!("UNTIL={day}T000000Z")
            }
            _ => part.to_owned(),
        });
        return format!("{head}:{}", parts.collect::<Vec<_>>().join(";"));
    }
    let name = head.split(';').next().unwrap_or(head);
    let days = values
        .split(',')
        .map(|day| format!("{}T000000Z", &day.get(..8).unwrap_or(day)));
    format!("{name}:{}", days.collect::<Vec<_>>().join(","))
}

/// A day as the end of a timed series means its last second, in UTC.
fn timed_line(line: &str) -> String {
    let (head, values) = line.split_once(':').unwrap_or((line, ""));
    if !head.to_ascii_uppercase().ends_with("RULE") {
        return line.to_owned();
    }
    let parts = values.split(';').map(|part| match part.split_once('=') {
        Some((name, day)) if name.eq_ignore_ascii_case("UNTIL") && day.len() == 8 => {
            format!("UNTIL={day}T235959Z")
        }
        _ => part.to_owned(),
    });
    format!("{head}:{}", parts.collect::<Vec<_>>().join(";"))
}

/// The original starts of a series, in order, up to `until`.
pub fn occurrences(lines: &[String], start: &When, until: DateTime<Utc>) -> Vec<When> {
    let Some(rules) = rules(lines, start) else {
        return vec![*start];
    };
    let last = RuleZone::UTC.from_utc_datetime(&(until + TimeDelta::days(1)).naive_utc());
    let found = rules.before(last).all(OCCURRENCES_MAX).dates;
    found
        .into_iter()
        .map(|date| match start {
            When::Day(_) => When::Day(date.date_naive()),
            When::Moment { zone, .. } => When::Moment {
                at: date.with_timezone(&Utc),
                zone: *zone,
            },
        })
        .filter(|when| when.instant(chrono_tz::Tz::UTC) <= until)
        .collect()
}

/// The original start named by an instance id's suffix.
pub fn slot(suffix: &str, start: &When) -> Option<When> {
    match start {
        When::Day(_) => NaiveDate::parse_from_str(suffix, "%Y%m%d").ok().map(When::Day),
        When::Moment { zone, .. } => {
            let at = chrono::NaiveDateTime::parse_from_str(suffix, "%Y%m%dT%H%M%SZ")
                .ok()?
                .and_utc();
            Some(When::Moment { at, zone: *zone })
        }
    }
}
