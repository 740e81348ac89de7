//! What the trainer chose: direction, filters, text and privacy, policies.

use crate::bug::{self, Bug};
use crate::ids::AppointmentId;
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;

/// Which way changes go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Platform to calendar and moves back.
    #[default]
    Both,
    /// Platform to calendar only; edits in the calendar are put back.
    Push,
    /// Calendar to platform only; the calendar is never written.
    Pull,
}

impl Direction {
    /// True if Roundtrip may write to the calendar.
    pub fn writes_calendar(self) -> bool {
        !matches!(self, Self::Pull) || bug::is_on(Bug::DirectionIgnored)
    }
    /// True if moves are reported to the platform.
    pub fn reports(self) -> bool {
        !matches!(self, Self::Push)
    }
}

/// What happens when both sides changed the same field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// Ask the trainer.
    #[default]
    Ask,
    /// The platform's value.
    KeepPlatform,
    /// The calendar's value.
    KeepCalendar,
    /// Whichever was said last; within two minutes it asks.
    MostRecent,
}

/// What happens to events that a filter no longer lets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutPolicy {
    /// They are removed from the calendar (guarded).
    #[default]
    Remove,
    /// They stay as they are, unlinked from further changes.
    Keep,
}

/// A field that an own rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleField {
    /// Title, place name or topic.
    Title,
    /// Name or address of the place.
    Location,
    /// Notes.
    Notes,
    /// Name of the type.
    Type,
    /// Name of the client.
    Client,
}

/// How an own rule compares. All compare without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulePattern {
    /// The text occurs anywhere.
    Contains,
    /// The field begins with the text.
    StartsWith,
    /// A regular expression matches anywhere.
    Regex,
}

/// "Leave out what …", an own rule of the trainer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRule {
    /// Where to look.
    pub field: RuleField,
    /// How.
    pub pattern: RulePattern,
    /// For what.
    pub text: String,
}

/// Which appointments go into the calendar. Everything is let through by default but private ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Types that are off, by id.
    pub types_off: BTreeSet<String>,
    /// Clients that are off, by id.
    pub clients_off: BTreeSet<String>,
    /// Nothing that starts before this day, in the appointment's own zone.
    pub first_day: Option<NaiveDate>,
    /// Nothing that starts after this day, in the appointment's own zone.
    pub last_day: Option<NaiveDate>,
    /// Weekdays that are off: 0 is Monday, 6 is Sunday, in the appointment's own zone.
    pub weekdays_off: BTreeSet<u8>,
    /// Nothing that begins before this time of day, in the appointment's own zone.
    pub earliest: Option<NaiveTime>,
    /// Nothing that ends after this time of day.
    pub latest: Option<NaiveTime>,
    /// Private appointments are let through, as "Busy" only.
    pub include_private: bool,
    /// Single appointments that are off.
    pub excluded: BTreeSet<AppointmentId>,
    /// What matches any of these is left out.
    pub own_rules: Vec<OwnRule>,
    /// What happens to events already written.
    pub left_out: LeftOutPolicy,
}

/// What an event says. Client names and contact are off until the trainer turns them on after a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextSettings {
    /// Notes go into the event.
    pub notes: bool,
    /// The client's name goes into the event.
    pub client_names: bool,
    /// The client's telephone number and e-mail address go into the event.
    pub client_contact: bool,
    /// Title where there is neither place, title nor topic; none means the language's own wording.
    pub fallback_title: Option<String>,
    /// The service's colour id for our events.
    pub color: Option<String>,
    /// How much of an event is told.
    pub privacy: PrivacyLevel,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self {
            notes: true,
            client_names: false,
            client_contact: false,
            fallback_title: None,
            color: None,
            privacy: PrivacyLevel::Full,
        }
    }
}

/// How much an event tells those who see the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyLevel {
    /// Only that the time is taken.
    Busy,
    /// The type of the appointment.
    TypeOnly,
    /// Place, address, notes and link.
    #[default]
    Full,
}

/// Everything the trainer can set about one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, remote = "Self")]
pub struct SyncSettings {
    /// The trainer's own switch.
    pub enabled: bool,
    /// Which way.
    pub direction: Direction,
    /// Minutes between scheduled runs, 5 to 60.
    pub every_minutes: u32,
    /// What is let through.
    pub filters: Filters,
    /// What events say.
    pub text: TextSettings,
    /// What happens when both sides changed the time.
    pub time_policy: ConflictPolicy,
    /// What happens when both sides changed title, location or notes.
    pub text_policy: ConflictPolicy,
    /// Language of the texts written into events: `de` or `en`.
    pub language: Language,
    /// Events that the trainer marked may become appointments; each is asked about.
    pub created_externally: bool,
    /// The mark in the title; none means `#` and a word of the platform's name.
    pub mark_tag: Option<String>,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            direction: Direction::Both,
            every_minutes: 15,
            filters: Filters::default(),
            text: TextSettings::default(),
            time_policy: ConflictPolicy::Ask,
            text_policy: ConflictPolicy::Ask,
            language: Language::En,
            created_externally: false,
            mark_tag: None,
        }
    }
}

/// Settings as they may be kept: times and texts once had one policy.
#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    policy: Option<ConflictPolicy>,
    #[serde(flatten, with = "SyncSettings")]
    settings: SyncSettings,
}

impl<'de> Deserialize<'de> for SyncSettings {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Kept { policy, mut settings } = Kept::deserialize(from)?;
        if let Some(policy) = policy {
            (settings.time_policy, settings.text_policy) = (policy, policy);
        }
        Ok(settings)
    }
}

impl Serialize for SyncSettings {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

/// Languages of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_policy_of_an_older_database_stands_for_times_and_texts() {
        let old = r#"{"every_minutes": 30, "policy": "keep_platform", "filters": {"types_off": ["visit"]}}"#;
        let settings: SyncSettings = serde_json::from_str(old).expect("old settings are read");
        let policies = (settings.time_policy, settings.text_policy);
        assert_eq!(
            policies,
            (ConflictPolicy::KeepPlatform, ConflictPolicy::KeepPlatform)
        );
        assert_eq!(settings.every_minutes, 30);
        assert!(settings.filters.types_off.contains("visit"));
    }

    #[test]
    fn settings_are_read_as_they_were_written() {
        let settings = SyncSettings {
            text_policy: ConflictPolicy::KeepCalendar,
            filters: Filters {
                weekdays_off: BTreeSet::from([5, 6]),
                ..Filters::default()
            },
            mark_tag: Some("#linden".into()),
            ..SyncSettings::default()
        };
        let text = serde_json::to_string(&settings).expect("settings can be written");
        assert_eq!(
            serde_json::from_str::<SyncSettings>(&text).expect("they are read"),
            settings
        );
        assert_eq!(
            serde_json::from_str::<SyncSettings>("{}").expect("defaults"),
            SyncSettings::default()
        );
    }
}
