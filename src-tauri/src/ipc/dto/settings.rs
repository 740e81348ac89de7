//! Settings, a change of them, and what that change would do.

use super::{DateWindow, DayHours, OwnRuleView};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// Settings as shown.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct SettingsView {
    /// Sync on.
    pub enabled: bool,
    /// `both`, `push`, `pull`.
    pub direction: String,
    /// 5 to 60.
    pub every_minutes: u32,
    /// Calendar id.
    pub calendar_id: String,
    /// Notes in events.
    pub notes: bool,
    /// Client names in events.
    pub client_names: bool,
    /// Client contact in events.
    pub client_contact: bool,
    /// The platform allows client names.
    pub client_names_allowed: bool,
    /// `busy`, `type_only`, `full`.
    pub privacy: String,
    /// Private appointments as "Busy".
    pub include_private: bool,
    /// For times that both sides changed: `ask`, `keep_platform`, `keep_calendar`, `most_recent`.
    pub time_policy: String,
    /// The same for title, location and notes.
    pub text_policy: String,
    /// Types known, with on/off.
    pub types: Vec<Toggle>,
    /// Clients known, with on/off (names only if allowed and turned on).
    pub clients: Vec<Toggle>,
    /// Single appointments that are off.
    pub excluded: Vec<String>,
    /// Only these days.
    pub dates: DateWindow,
    /// Weekdays that are off: 0 is Monday.
    pub weekdays_off: Vec<u8>,
    /// Only these hours of the day.
    pub hours: DayHours,
    /// Rules of the trainer's own: what matches one is left out.
    pub own_rules: Vec<OwnRuleView>,
    /// `remove`, `keep`: events that a rule leaves out later.
    pub left_out: String,
    /// The calendar's colour for our events (`1` to `11`); none means the calendar's own.
    pub color: Option<String>,
    /// Title where an appointment has neither place, title nor topic.
    pub fallback_title: Option<String>,
    /// Events that the trainer marked may become appointments; each is asked about.
    pub created_externally: bool,
    /// The platform takes such appointments.
    pub created_externally_allowed: bool,
    /// The mark in the title.
    pub mark_tag: String,
    /// Single-letter keys in the window.
    pub letter_keys: bool,
    /// `system`, `reduce`.
    pub motion: String,
    /// One notification each morning that says what is on.
    pub daily_summary: bool,
    /// `system`, `light`, `dark`.
    pub theme: String,
    /// `system`, `en`, `de`.
    pub language: String,
    /// Start with the laptop; none while not asked yet.
    pub autostart: Option<bool>,
    /// Titles may appear on notifications.
    pub titles_in_notifications: bool,
    /// How many appointments pass.
    pub matching: u32,
    /// Of how many.
    pub total: u32,
}

/// Something that can be on or off.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Toggle {
    /// Id.
    pub id: String,
    /// Shown name; empty for what is off and not known any more.
    pub name: String,
    /// On.
    pub on: bool,
    /// How many appointments it concerns.
    pub count: u32,
}

/// Settings to change; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct SettingsPatch {
    /// Sync on.
    pub enabled: Option<bool>,
    /// `both`, `push`, `pull`.
    pub direction: Option<String>,
    /// 5 to 60.
    pub every_minutes: Option<u32>,
    /// Calendar id.
    pub calendar_id: Option<String>,
    /// Notes in events.
    pub notes: Option<bool>,
    /// Client names in events.
    pub client_names: Option<bool>,
    /// Client contact in events.
    pub client_contact: Option<bool>,
    /// Privacy level.
    pub privacy: Option<String>,
    /// Private appointments.
    pub include_private: Option<bool>,
    /// Policy for times.
    pub time_policy: Option<String>,
    /// Policy for texts.
    pub text_policy: Option<String>,
    /// Types that are off.
    pub types_off: Option<Vec<String>>,
    /// Clients that are off.
    pub clients_off: Option<Vec<String>>,
    /// Single appointments that are off.
    pub excluded: Option<Vec<String>>,
    /// Only these days.
    pub dates: Option<DateWindow>,
    /// Weekdays that are off.
    pub weekdays_off: Option<Vec<u8>>,
    /// Only these hours.
    pub hours: Option<DayHours>,
    /// Rules of the trainer's own, all of them.
    pub own_rules: Option<Vec<OwnRuleView>>,
    /// What happens to events that a rule leaves out.
    pub left_out: Option<String>,
    /// Colour; empty means the calendar's own.
    pub color: Option<String>,
    /// Fallback title; empty means the language's own wording.
    pub fallback_title: Option<String>,
    /// Marked events may become appointments.
    pub created_externally: Option<bool>,
    /// The mark in the title.
    pub mark_tag: Option<String>,
    /// Single-letter keys.
    pub letter_keys: Option<bool>,
    /// `system`, `reduce`.
    pub motion: Option<String>,
    /// Morning summary.
    pub daily_summary: Option<bool>,
    /// Theme.
    pub theme: Option<String>,
    /// Language.
    pub language: Option<String>,
    /// Start with the laptop.
    pub autostart: Option<bool>,
    /// Titles on notifications.
    pub titles_in_notifications: Option<bool>,
    /// The trainer confirmed that so many events are removed by this change: the guard does not ask again.
    pub confirmed_removals: Option<u32>,
    /// Another calendar is used although moves would stay behind with this one.
    pub even_so: Option<bool>,
}

/// What a first run, or a changed setting, would do. Nothing is written for it.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Preview {
    /// Events that would be made.
    pub added: u32,
    /// Changed.
    pub changed: u32,
    /// Removed.
    pub removed: u32,
    /// Moves that would be reported.
    pub moved_back: u32,
    /// Left out, by reason.
    pub left_out: Vec<LeftOutCount>,
    /// How many appointments would pass.
    pub matching: u32,
    /// Of how many.
    pub total: u32,
    /// The appointments concerned, nearest first.
    pub items: Vec<PreviewItem>,
}

/// How many are left out for one reason.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct LeftOutCount {
    /// Stable code.
    pub reason: String,
    /// How many.
    pub count: u32,
}

/// One line of a preview.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct PreviewItem {
    /// `added`, `changed`, `removed`, `moved_back`.
    pub action: String,
    /// Shown name.
    pub title: String,
    /// Start.
    pub start: DateTime<Utc>,
    /// End.
    pub end: DateTime<Utc>,
    /// Zone.
    pub zone: String,
    /// Start before, where the time changes.
    pub from: Option<DateTime<Utc>>,
    /// Title before, where it changes.
    pub title_before: Option<String>,
    /// What changes: `time`, `title`, `location`, `notes`, `looks` (colour, tentative, visibility, link).
    pub fields: Vec<String>,
}
