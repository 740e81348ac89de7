//! Our mark: the private extended properties on each of our events.
//!
//! Google drops a key of more than 44 characters and cuts a value of more than 1,024 without a word, so both are
//! checked here.

use chrono::{DateTime, SecondsFormat, Utc};
use roundtrip_core::event::{FieldHashes, Mark};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::time::{TimeSpan, zone_named};
use roundtrip_engine::ports::PortError;
use roundtrip_http::answer::{self, LARGEST_NUMBER};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const APPOINTMENT: &str = "rt_appointment";
const PLATFORM: &str = "rt_platform";
const SCHEMA: &str = "rt_schema";
const GENERATION: &str = "rt_generation";
const VERSION: &str = "rt_version";
const START: &str = "rt_start";
const END: &str = "rt_end";
const ZONE: &str = "rt_zone";
const PLATFORM_HASHES: &str = "rt_platform_hashes";
const WRITTEN_HASHES: &str = "rt_written_hashes";
/// "1" where our last write hid the event from people who share the calendar.
const PRIVATE: &str = "rt_private";
/// Only on events that the trainer made; never taken off again, so it is written only where there is something to say.
const ORIGIN: &str = "rt_origin";
const LONGEST_VALUE: usize = 1024;
/// An event is made anew when its id was given up, which happens a few times at most. A mark that says more is not one
/// of ours, and counting up to it would take hours.
const MOST_GENERATIONS: u32 = 1000;

/// The properties of a mark. What it does not say is `null`, which removes an earlier value in a patch.
pub(crate) fn properties(mark: &Mark) -> Result<Map<String, Value>, PortError> {
    let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let time = mark.time.as_ref();
    let values = [
        (APPOINTMENT, Some(mark.appointment.as_str().to_owned())),
        (PLATFORM, Some(mark.platform.clone())),
        (SCHEMA, Some(mark.schema.to_string())),
        (GENERATION, Some(mark.generation.to_string())),
        (VERSION, Some(mark.version.to_string())),
        (START, time.map(|time| instant(time.start))),
        (END, time.map(|time| instant(time.end))),
        (ZONE, time.map(|time| time.zone.name().to_owned())),
        (PLATFORM_HASHES, mark.platform_hashes.as_ref().map(hashes)),
        (WRITTEN_HASHES, mark.written_hashes.as_ref().map(hashes)),
        (PRIVATE, mark.private.then(|| "1".to_owned())),
    ];
    let origin = mark.origin.clone().map(|origin| (ORIGIN, Some(origin)));
    let mut properties = Map::new();
    for (key, value) in values.into_iter().chain(origin) {
        if value
            .as_ref()
            .is_some_and(|value| value.chars().count() > LONGEST_VALUE)
        {
            return Err(PortError::Rejected {
                reason: "mark_too_long".into(),
            });
        }
        properties.insert(key.to_owned(), value.map_or(Value::Null, Value::String));
    }
    Ok(properties)
}

/// Reads a mark. `None` if the event carries none, or one too broken to say which appointment it stands for: such an
/// event counts as foreign and is never touched.
pub(crate) fn read(properties: &BTreeMap<String, String>) -> Option<Mark> {
    let text = |key: &str| properties.get(key).filter(|value| !value.is_empty()).cloned();
    let instant = |key: &str| answer::planned(properties.get(key)?);
    let time = match (
        instant(START),
        instant(END),
        text(ZONE).as_deref().and_then(zone_named),
    ) {
        (Some(start), Some(end), Some(zone)) => Some(TimeSpan { start, end, zone }),
        _ => None,
    };
    Some(Mark {
        appointment: AppointmentId(text(APPOINTMENT)?),
        platform: text(PLATFORM)?,
        schema: text(SCHEMA).and_then(|value| value.parse().ok()).unwrap_or(1),
        generation: text(GENERATION)?
            .parse()
            .ok()
            .filter(|nth| (1..=MOST_GENERATIONS).contains(nth))?,
        version: text(VERSION)
            .and_then(|value| value.parse().ok())
            .filter(|version| *version <= LARGEST_NUMBER)
            .unwrap_or(0),
        time,
        platform_hashes: text(PLATFORM_HASHES).as_deref().and_then(read_hashes),
        written_hashes: text(WRITTEN_HASHES).as_deref().and_then(read_hashes),
        private: text(PRIVATE).as_deref() == Some("1"),
        origin: text(ORIGIN),
    })
}

fn hashes(hashes: &FieldHashes) -> String {
    format!("{}.{}.{}", hashes.title, hashes.location, hashes.notes)
}

fn read_hashes(text: &str) -> Option<FieldHashes> {
    let mut parts = text.split('.').map(str::to_owned);
    let (title, location, notes) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(FieldHashes {
        title,
        location,
        notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        let start = DateTime::from_timestamp(1_796_115_600, 0).expect("a test's own time");
        let hashes = |n: u8| FieldHashes {
            title: format!("{n}a"),
            location: format!("{n}b"),
            notes: format!("{n}c"),
        };
        Mark {
            appointment: AppointmentId::new("apt_41"),
            platform: "f00d".into(),
            schema: 1,
            generation: 3,
            version: 7,
            time: Some(TimeSpan::new(start, None, chrono_tz::Europe::Berlin)),
            platform_hashes: Some(hashes(1)),
            written_hashes: Some(hashes(2)),
            private: true,
            origin: None,
        }
    }

    fn stored(properties: Map<String, Value>) -> BTreeMap<String, String> {
        properties
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect()
    }

    #[test]
    fn a_mark_comes_back_as_it_was_written() {
        let properties = properties(&mark()).expect("short enough");
        assert!(
            properties
                .keys()
                .all(|key| key.len() <= 44 && key.starts_with("rt_"))
        );
        assert_eq!(properties.len(), 11);
        let back = read(&stored(properties)).expect("a mark");
        assert_eq!(back, mark());
        assert_eq!(back.time.map(|time| time.zone), Some(chrono_tz::Europe::Berlin));
    }

    #[test]
    fn an_event_that_the_trainer_made_says_so() {
        let own = Mark {
            origin: Some("c0ffee".into()),
            ..mark()
        };
        let properties = properties(&own).expect("short enough");
        assert_eq!(properties.get(ORIGIN), Some(&Value::String("c0ffee".into())));
        assert_eq!(read(&stored(properties)), Some(own));
    }

    #[test]
    fn what_a_mark_no_longer_says_is_removed() {
        let silent = Mark {
            time: None,
            platform_hashes: None,
            written_hashes: None,
            ..mark()
        };
        let properties = properties(&silent).expect("short enough");
        for key in [START, END, ZONE, PLATFORM_HASHES, WRITTEN_HASHES] {
            assert_eq!(properties.get(key), Some(&Value::Null), "{key}");
        }
        assert_eq!(read(&stored(properties)), Some(silent));
    }

    #[test]
    fn a_mark_that_says_not_whose_it_is_is_none() {
        let whole = stored(properties(&mark()).expect("short enough"));
        for key in [APPOINTMENT, PLATFORM, GENERATION] {
            let mut broken = whole.clone();
            broken.remove(key);
            assert_eq!(read(&broken), None, "{key}");
        }
        let mut odd = whole.clone();
        for generation in ["third", "0", "-1", "1001", "4294967295"] {
            odd.insert(GENERATION.into(), generation.into());
            assert_eq!(read(&odd), None, "{generation}");
        }
        assert_eq!(read(&BTreeMap::new()), None);
    }

    #[test]
    fn what_google_would_cut_is_refused() {
        let long = Mark {
            appointment: AppointmentId::new("x".repeat(1025)),
            ..mark()
        };
        assert_eq!(
            properties(&long),
            Err(PortError::Rejected {
                reason: "mark_too_long".into()
            })
        );
    }
}
