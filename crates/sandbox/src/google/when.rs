//! Times as the service reads and renders them: a day, or an instant with a zone.

use super::error::GoogleError;
use chrono::{
    DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

/// The start or end of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A whole day (an `end` is exclusive).
    Day(NaiveDate),
    /// An instant, with the zone the writer named, if any.
    Moment {
        /// The instant.
        at: DateTime<Utc>,
        /// The IANA zone that was sent with it.
        zone: Option<Tz>,
    },
}

impl When {
    /// Reads an `EventDateTime`; `which` is `start` or `end` and only used in messages.
    pub fn read(value: Option<&Value>, which: &str) -> Result<Self, GoogleError> {
        let Some(value) = value else {
            return Err(GoogleError::required(format!("Missing {which} time.")));
        };
        let object = value.as_object().ok_or_else(GoogleError::parse_error)?;
        let zone = match text(object, "timeZone")? {
            None => None,
            Some(name) => Some(name.parse::<Tz>().map_err(|_| {
                GoogleError::invalid(format!("Invalid time zone definition for {which} time."))
            })?),
        };
        let invalid = || GoogleError::invalid(format!("Invalid {which} time."));
        match (text(object, "date")?, text(object, "dateTime")?) {
            (Some(_), Some(_)) => Err(invalid()),
            (None, None) => Err(GoogleError::required(format!("Missing {which} time."))),
            (Some(day), None) => Ok(Self::Day(
                NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| invalid())?,
            )),
            (None, Some(stamp)) => {
                if let Ok(at) = DateTime::parse_from_rfc3339(stamp) {
                    return Ok(Self::Moment {
                        at: at.with_timezone(&Utc),
                        zone,
                    });
                }
                let wall =
                    NaiveDateTime::parse_from_str(stamp, "%Y-%m-%dT%H:%M:%S%.f").map_err(|_| invalid())?;
                let zone = zone.ok_or_else(|| {
                    GoogleError::required(format!("Missing time zone definition for {which} time."))
                })?;
                Ok(Self::Moment {
                    at: instant_of(wall, zone),
                    zone: Some(zone),
                })
            }
        }
    }

    /// The form kept in a stored body: instants in UTC, so that equal times are equal text.
    pub fn stored(&self) -> Value {
        match self {
            Self::Day(day) => json!({"date": day.to_string()}),
            Self::Moment { at, zone: None } => json!({"dateTime": seconds(*at)}),
            Self::Moment { at, zone: Some(zone) } => {
                json!({"dateTime": seconds(*at), "timeZone": zone.name()})
            }
        }
    }

    /// The form sent to clients: the offset is that of the zone shown, the zone that of the event.
    pub fn rendered(&self, shown: Tz, calendar: Tz) -> Value {
        match self {
            Self::Day(day) => json!({"date": day.to_string()}),
            Self::Moment { at, zone } => json!({
                "dateTime": at.with_timezone(&shown).to_rfc3339_opts(SecondsFormat::Secs, true),
                "timeZone": zone.unwrap_or(calendar).name(),
            }),
        }
    }

    /// The instant, with days beginning at midnight in the calendar's zone.
    pub fn instant(&self, calendar: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => instant_of(day.and_hms_opt(0, 0, 0).unwrap_or_default(), calendar),
            Self::Moment { at, .. } => *at,
        }
    }

    /// True for a whole day.
    pub fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// The suffix of an instance's id: `20261121T090000Z` or `20261121`.
    pub fn slot(&self) -> String {
        match self {
            Self::Day(day) => day.format("%Y%m%d").to_string(),
            Self::Moment { at, .. } => at.format("%Y%m%dT%H%M%SZ").to_string(),
        }
    }

    /// The same kind of time, `length` later.
    pub fn plus(&self, length: TimeDelta) -> Self {
        match self {
            Self::Day(day) => {
                let days = u64::try_from(length.num_days()).unwrap_or(0);
                Self::Day(day.checked_add_days(Days::new(days)).unwrap_or(*day))
            }
            Self::Moment { at, zone } => Self::Moment {
                at: *at + length,
                zone: *zone,
            },
        }
    }

    /// How long it is from here to `end`.
    pub fn until(&self, end: &Self) -> TimeDelta {
        match (self, end) {
            (Self::Day(a), Self::Day(b)) => *b - *a,
            (a, b) => b.instant(Tz::UTC) - a.instant(Tz::UTC),
        }
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, GoogleError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(GoogleError::parse_error()),
    }
}

/// The instant of a wall-clock time. A time skipped in spring is read as that much after the gap began;
/// of a time that happens twice in autumn the first is meant.
pub fn instant_of(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
        LocalResult::None => {
            // Reading the hour before and adding it back crosses the gap with the old offset.
            let before = zone.from_local_datetime(&(wall - TimeDelta::hours(3))).earliest();
            before.map_or_else(
                || wall.and_utc(),
                |at| at.with_timezone(&Utc) + TimeDelta::hours(3),
            )
        }
    }
}

/// `2026-11-21T09:00:00.000Z`.
pub fn millis(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2026-11-21T09:00:00Z`.
pub fn seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
