//! Which times the platform accepts for a move: office hours and public holidays.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::problem::{Problem, RefusalReason};

/// The rules; tests may loosen them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Nothing begins earlier (local time).
    pub opens: NaiveTime,
    /// Nothing ends later (local time).
    pub closes: NaiveTime,
    /// Whether Sundays are working days.
    pub sundays: bool,
    /// Whether public holidays are refused (where the trainer's region has them).
    pub holidays: bool,
    /// Whether the times that have passed are refused.
    pub past: bool,
    /// Whether two appointments of one trainer may not overlap.
    pub overlap: bool,
}

impl Default for Rules {
    fn default() -> Self {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self {
            opens: hour(7),
            closes: hour(21),
            sundays: false,
            holidays: true,
            past: true,
            overlap: true,
        }
    }
}

impl Rules {
    /// Whether an appointment may take place at that time.
    pub fn check(
        &self,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        zone: Tz,
        region_has_german_holidays: bool,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        if self.past && start < now {
            return Err(Problem::move_refused(
                RefusalReason::InPast,
                "That time has already passed.",
            ));
        }
        let (from, to) = (start.with_timezone(&zone), end.with_timezone(&zone));
        if self.holidays
            && region_has_german_holidays
            && let Some(name) = berlin_holiday(from.date_naive())
        {
            let detail = format!("{} is a public holiday ({name}).", from.format("%d.%m.%Y"));
            return Err(Problem::move_refused(RefusalReason::Holiday, detail));
        }
        let hours = format!(
            "Appointments take place from {} to {}.",
            self.opens.format("%H:%M"),
            self.closes.format("%H:%M")
        );
        let one_day = from.date_naive() == to.date_naive();
        if !one_day || from.time() < self.opens || to.time() > self.closes {
            return Err(Problem::move_refused(RefusalReason::OutsideHours, hours));
        }
        if !self.sundays && from.weekday() == Weekday::Sun {
            let detail = "There are no appointments on Sundays.";
            return Err(Problem::move_refused(RefusalReason::OutsideHours, detail));
        }
        Ok(())
    }
}

/// The name of the public holiday in Berlin on that day.
pub fn berlin_holiday(day: NaiveDate) -> Option<&'static str> {
    let fixed = match (day.month(), day.day()) {
        (1, 1) => Some("Neujahr"),
        (3, 8) => Some("Frauentag"),
        (5, 1) => Some("Tag der Arbeit"),
        (10, 3) => Some("Tag der Deutschen Einheit"),
        (12, 25) => Some("1. Weihnachtstag"),
        (12, 26) => Some("2. Weihnachtstag"),
        _ => None,
    };
    fixed.or_else(|| match (day - easter(day.year())?).num_days() {
        -2 => Some("Karfreitag"),
        1 => Some("Ostermontag"),
        39 => Some("Christi Himmelfahrt"),
        50 => Some("Pfingstmontag"),
        _ => None,
    })
}

/// Easter Sunday by the Gauss/Lichtenberg formula.
fn easter(year: i32) -> Option<NaiveDate> {
    let k = year / 100;
    let m = 15 + (3 * k + 3) / 4 - (8 * k + 13) / 25;
    let s = 2 - (3 * k + 3) / 4;
    let a = year % 19;
    let d = (19 * a + m) % 30;
    let r = (d + a / 11) / 29;
    let full_moon = 21 + d - r;
    let first_sunday = 7 - (year + year / 4 + s) % 7;
    let distance = 7 - (full_moon - first_sunday).rem_euclid(7);
    let march_first = NaiveDate::from_ymd_opt(year, 3, 1)?;
    march_first.checked_add_signed(TimeDelta::days(i64::from(full_moon + distance - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn easter_of_known_years() {
        for (year, date) in [
            (2024, "2024-03-31"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
        ] {
            assert_eq!(easter(year), Some(day(date)));
        }
        assert_eq!(berlin_holiday(day("2027-05-06")), Some("Christi Himmelfahrt"));
        assert_eq!(berlin_holiday(day("2026-12-24")), None);
    }

    #[test]
    fn each_reason_is_given() {
        let rules = Rules::default();
        let zone = chrono_tz::Europe::Berlin;
        let now = "2026-11-21T08:00:00Z".parse().expect("an instant");
        let check = |start: &str, end: &str, german: bool| {
            let at = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
            rules
                .check(at(start), at(end), zone, german, now)
                .err()
                .and_then(|problem| problem.reason.clone())
        };
        assert_eq!(
            check("2026-12-01T09:00:00+01:00", "2026-12-01T10:00:00+01:00", true),
            None
        );
        assert_eq!(
            check("2026-11-21T08:59:00+01:00", "2026-11-21T10:00:00+01:00", true).as_deref(),
            Some("in_past")
        );
        assert_eq!(
            check("2026-12-25T09:00:00+01:00", "2026-12-25T10:00:00+01:00", true).as_deref(),
            Some("holiday")
        );
        assert_eq!(
            check("2026-12-25T09:00:00+01:00", "2026-12-25T10:00:00+01:00", false),
            None
        );
        for (start, end) in [
            ("2026-12-01T06:59:00+01:00", "2026-12-01T08:00:00+01:00"),
            ("2026-12-01T20:00:00+01:00", "2026-12-01T21:01:00+01:00"),
            ("2026-12-01T20:00:00+01:00", "2026-12-02T08:00:00+01:00"),
            ("2026-12-01T20:00:00+01:00", "2026-12-02T00:00:00+01:00"),
            ("2026-12-06T10:00:00+01:00", "2026-12-06T11:00:00+01:00"),
        ] {
            assert_eq!(
                check(start, end, true).as_deref(),
                Some("outside_hours"),
                "{start}"
            );
        }
    }
}
