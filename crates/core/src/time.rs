//! Instants decide; wall-clock time and zone are kept so that people see what they expect.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A start and an end as instants, and the IANA zone in which people speak of them.
///
/// Equality is by instants: the same meeting told in another zone has not moved.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TimeSpan {
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after it (exclusive). In a calendar it may be the start itself: an event without a length.
    pub end: DateTime<Utc>,
    /// Where its wall-clock time is meant.
    pub zone: Tz,
}

impl PartialEq for TimeSpan {
    fn eq(&self, other: &Self) -> bool {
        self.start == other.start && self.end == other.end
    }
}
impl Eq for TimeSpan {}

impl TimeSpan {
    /// What a platform says: a missing end means one hour, and so does one that is not after the start.
    pub fn new(start: DateTime<Utc>, end: Option<DateTime<Utc>>, zone: Tz) -> Self {
        let end = end
            .filter(|end| *end > start)
            .unwrap_or(start + Duration::hours(1));
        Self { start, end, zone }
    }

    /// How long it lasts.
    pub fn length(&self) -> Duration {
        self.end - self.start
    }

    /// True if it has no length: no visit is such, and none is reported or written.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// The same instants, spoken of in another zone.
    pub fn in_zone(&self, zone: Tz) -> Self {
        Self { zone, ..*self }
    }

    /// True if the two share at least an instant. One without a length shares the instant at which it is, between the others' ends.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// When an event is, as a calendar may say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventTime {
    /// From an instant to an instant.
    Timed(TimeSpan),
    /// Whole days; `end` is the first day after it (exclusive), as all services say it.
    AllDay {
        /// First day.
        start: NaiveDate,
        /// First day after it.
        end: NaiveDate,
    },
}

impl EventTime {
    /// The span, if it has hours and minutes.
    pub fn timed(&self) -> Option<TimeSpan> {
        match self {
            Self::Timed(span) => Some(*span),
            Self::AllDay { .. } => None,
        }
    }
}

/// A wall-clock time in a zone as an instant, also on the two days a year on which it is not simple.
///
/// A time that happens twice (clocks go back) means the first; one that never happens (clocks go forward) means the
/// same distance after the last instant that did, which is what calendar services do.
pub fn resolve_local(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        chrono::LocalResult::Single(at) | chrono::LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
        chrono::LocalResult::None => {
            // No zone of the IANA database has a gap of more than a day; stepping back by quarters of an hour finds
            // its edge, and the offset before it places the missing time after it.
            let mut step = Duration::minutes(15);
            while step <= Duration::hours(25) {
                if let Some(before) = zone.from_local_datetime(&(local - step)).latest() {
                    return before.with_timezone(&Utc) + step;
                }
                step += Duration::minutes(15);
            }
            Utc.from_utc_datetime(&local)
        }
    }
}

/// An IANA zone by name. `None` for a name this build does not know, which the caller replaces by the trainer's own.
pub fn zone_named(name: &str) -> Option<Tz> {
    name.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a test's own time")
    }

    #[test]
    fn a_time_that_never_happens_lands_after_the_gap() {
        let at = resolve_local(local("2027-03-28 02:30"), chrono_tz::Europe::Berlin);
        assert_eq!(at.to_rfc3339(), "2027-03-28T01:30:00+00:00"); // 03:30 CEST
    }

    #[test]
    fn a_time_that_happens_twice_means_the_first() {
        let at = resolve_local(local("2026-10-25 02:30"), chrono_tz::Europe::Berlin);
        assert_eq!(at.to_rfc3339(), "2026-10-25T00:30:00+00:00"); // 02:30 CEST
    }

    #[test]
    fn a_missing_or_backward_end_means_one_hour() {
        let start = resolve_local(local("2026-12-01 09:00"), chrono_tz::Europe::Berlin);
        for end in [None, Some(start), Some(start - Duration::hours(2))] {
            let span = TimeSpan::new(start, end, chrono_tz::Europe::Berlin);
            assert_eq!(span.length(), Duration::hours(1));
        }
    }

    #[test]
    fn the_same_instants_in_another_zone_are_no_move() {
        let start = resolve_local(local("2026-12-01 09:00"), chrono_tz::America::Los_Angeles);
        let span = TimeSpan::new(start, None, chrono_tz::America::Los_Angeles);
        let told = span.in_zone(chrono_tz::America::New_York);
        assert_eq!((span, told.zone), (told, chrono_tz::America::New_York));
        let shown = span.start.with_timezone(&chrono_tz::America::New_York);
        assert_eq!(shown.format("%H:%M").to_string(), "12:00");
    }

    #[test]
    fn what_ends_when_the_next_begins_does_not_overlap() {
        let zone = chrono_tz::Europe::Berlin;
        let first = TimeSpan::new(resolve_local(local("2026-12-01 09:00"), zone), None, zone);
        let next = TimeSpan::new(first.end, None, zone);
        assert!(!first.overlaps(&next) && !next.overlaps(&first));
        assert!(first.overlaps(&first));
        let instant = |start| TimeSpan {
            start,
            end: start,
            zone,
        };
        let inside = instant(first.start + Duration::minutes(1));
        assert!(inside.is_empty() && inside.overlaps(&first) && first.overlaps(&inside));
        for edge in [first.start, first.end] {
            assert!(!instant(edge).overlaps(&first) && !first.overlaps(&instant(edge)));
        }
    }
}
