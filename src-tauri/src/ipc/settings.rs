//! Settings between the window and the engine.

use super::dto::{AppError, DateWindow, DayHours, OwnRuleView, SettingsPatch, SettingsView, Toggle};
use crate::host::{Host, Running};
use chrono::NaiveTime;
use roundtrip_core::filter::{self, RULES_MAX};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::marked;
use roundtrip_core::settings::{
    ConflictPolicy, Direction, Filters, Language, LeftOutPolicy, OwnRule, PrivacyLevel, RuleField,
    RulePattern, SyncSettings,
};
use roundtrip_engine::{CREATE_APPOINTMENTS, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Keys of the app's own settings.
pub mod keys {
    /// `system`, `light`, `dark`.
    pub const THEME: &str = "theme";
    /// `system`, `en`, `de`.
    pub const LANGUAGE: &str = "language";
    /// Start with the laptop; missing while not asked.
    pub const AUTOSTART: &str = "autostart";
    /// Titles may appear on notifications.
    pub const TITLES: &str = "titles_in_notifications";
    /// Newest answers at which an offered rule was turned down, by what it was about.
    pub const RULES_DISMISSED: &str = "rules_dismissed";
    /// The line "closing keeps syncing" was shown.
    pub const HIDE_HINT: &str = "hide_hint_seen";
    /// Single-letter keys in the window.
    pub const LETTER_KEYS: &str = "letter_keys";
    /// `system`, `reduce`.
    pub const MOTION: &str = "motion";
    /// One notification each morning.
    pub const DAILY_SUMMARY: &str = "daily_summary";
    /// The day of the last one.
    pub const SUMMARY_DAY: &str = "daily_summary_day";
}

/// A word of a closed list as its value; an unknown one names the field.
fn parse<T: DeserializeOwned>(field: &str, word: &str) -> Result<T, AppError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| AppError::input(field))
}

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Longest title of the trainer's own choice for what has none.
const FALLBACK_MAX_CHARS: usize = 100;
/// Most types, clients or appointments that are left out one by one.
pub(super) const IDS_MAX: usize = 5_000;
/// Longest id of any of them.
const ID_MAX_CHARS: usize = 512;
/// How hours of the day cross to the window.
pub const HOUR: &str = "%H:%M";

/// The app's own settings in a patch: each a word of its list.
///
/// # Errors
/// `bad_input` with the field that cannot be used.
pub fn check_app(patch: &SettingsPatch) -> Result<(), AppError> {
    let one_of = |field: &str, value: &Option<String>, words: &[&str]| match value {
        Some(value) if !words.contains(&value.as_str()) => Err(AppError::input(field)),
        Some(_) | None => Ok(()),
    };
    one_of("theme", &patch.theme, &["system", "light", "dark"])?;
    one_of("language", &patch.language, &["system", "en", "de"])?;
    one_of("motion", &patch.motion, &["system", "reduce"])
}

/// The engine's settings after a patch.
///
/// # Errors
/// `bad_input` with the field that cannot be used.
pub fn patched(before: &SyncSettings, patch: &SettingsPatch) -> Result<SyncSettings, AppError> {
    let mut after = before.clone();
    if let Some(enabled) = patch.enabled {
        after.enabled = enabled;
    }
    if let Some(direction) = &patch.direction {
        after.direction = parse::<Direction>("direction", direction)?;
    }
    if let Some(minutes) = patch.every_minutes {
        if !(5..=60).contains(&minutes) {
            return Err(AppError::input("every_minutes"));
        }
        after.every_minutes = minutes;
    }
    let text = &mut after.text;
    text.notes = patch.notes.unwrap_or(text.notes);
    text.client_names = patch.client_names.unwrap_or(text.client_names);
    text.client_contact = patch.client_contact.unwrap_or(text.client_contact);
    if let Some(privacy) = &patch.privacy {
        text.privacy = parse::<PrivacyLevel>("privacy", privacy)?;
    }
    if let Some(color) = &patch.color {
        text.color = color_of(color)?;
    }
    if let Some(title) = &patch.fallback_title {
        text.fallback_title = fallback_title(title)?;
    }
    patch_filters(&mut after.filters, patch)?;
    if let Some(policy) = &patch.time_policy {
        after.time_policy = parse::<ConflictPolicy>("time_policy", policy)?;
    }
    if let Some(policy) = &patch.text_policy {
        after.text_policy = parse::<ConflictPolicy>("text_policy", policy)?;
    }
    if let Some(language) = &patch.language {
        after.language = language_of(language, system_language())?;
    }
    after.created_externally = patch.created_externally.unwrap_or(after.created_externally);
    if let Some(tag) = &patch.mark_tag {
        after.mark_tag = Some(marked::checked_tag(tag).ok_or_else(|| AppError::input("mark_tag"))?);
    }
    Ok(after)
}

/// True if a patch names nothing that the engine keeps: then nobody waits for a cycle to end.
pub fn is_of_app_alone(patch: &SettingsPatch) -> bool {
    let rest = SettingsPatch {
        letter_keys: None,
        motion: None,
        daily_summary: None,
        theme: None,
        autostart: None,
        titles_in_notifications: None,
        ..patch.clone()
    };
    rest == SettingsPatch::default()
}

/// A patch as a change of whatever the settings are when it comes to its turn; `before` are those of now.
///
/// # Errors
/// `bad_input` with the field that cannot be used.
pub fn change_of<'a>(
    before: &SyncSettings,
    patch: &'a SettingsPatch,
) -> Result<impl FnOnce(SyncSettings) -> SyncSettings + Send + use<'a>, AppError> {
    patched(before, patch)?;
    Ok(|settings| patched(&settings, patch).unwrap_or(settings))
}

fn patch_filters(filters: &mut Filters, patch: &SettingsPatch) -> Result<(), AppError> {
    filters.include_private = patch.include_private.unwrap_or(filters.include_private);
    if let Some(off) = &patch.types_off {
        filters.types_off = ids("types_off", off)?.iter().cloned().collect();
    }
    if let Some(off) = &patch.clients_off {
        filters.clients_off = ids("clients_off", off)?.iter().cloned().collect();
    }
    if let Some(excluded) = &patch.excluded {
        filters.excluded = excluded_of(&filters.excluded, excluded)?;
    }
    if let Some(dates) = &patch.dates {
        if dates
            .from
            .zip(dates.until)
            .is_some_and(|(from, until)| from > until)
        {
            return Err(AppError::input("dates"));
        }
        (filters.first_day, filters.last_day) = (dates.from, dates.until);
    }
    if let Some(off) = &patch.weekdays_off {
        if off.iter().any(|day| *day > 6) {
            return Err(AppError::input("weekdays_off"));
        }
        filters.weekdays_off = off.iter().copied().collect();
    }
    if let Some(hours) = &patch.hours {
        let (from, until) = (hour_of(&hours.from)?, hour_of(&hours.until)?);
        // A window over midnight, or one that nothing fits into, is a slip.
        let empty = until.is_some_and(|until| until <= from.unwrap_or(NaiveTime::MIN));
        if empty {
            return Err(AppError::input("hours"));
        }
        (filters.earliest, filters.latest) = (from, until);
    }
    if let Some(rules) = &patch.own_rules {
        if rules.len() > RULES_MAX {
            return Err(AppError::input("own_rules"));
        }
        filters.own_rules = rules.iter().map(usable_rule).collect::<Result<_, _>>()?;
    }
    if let Some(left_out) = &patch.left_out {
        filters.left_out = parse::<LeftOutPolicy>("left_out", left_out)?;
    }
    Ok(())
}

/// A list that is longer than any trainer's, or holds what is no id, is none of ours.
fn ids<'a>(field: &str, all: &'a [String]) -> Result<&'a [String], AppError> {
    let usable = all.len() <= IDS_MAX && all.iter().all(|id| id.chars().count() <= ID_MAX_CHARS);
    usable.then_some(all).ok_or_else(|| AppError::input(field))
}

/// A list that only became shorter is taken however long it still is: letting back in is always possible.
fn excluded_of(
    before: &BTreeSet<AppointmentId>,
    wanted: &[String],
) -> Result<BTreeSet<AppointmentId>, AppError> {
    if wanted.len() <= before.len() {
        let fewer: BTreeSet<AppointmentId> = wanted.iter().map(AppointmentId::new).collect();
        if fewer.is_subset(before) {
            return Ok(fewer);
        }
    }
    Ok(ids("excluded", wanted)?.iter().map(AppointmentId::new).collect())
}

/// Leaves a single appointment out, or lets it in again, which is always possible.
///
/// # Errors
/// `bad_input` with the field, and the limit as its detail, if the list is as long as it may become.
pub fn exclude(filters: &mut Filters, id: AppointmentId, excluded: bool) -> Result<(), AppError> {
    if !excluded {
        filters.excluded.remove(&id);
    } else if !filters.excluded.contains(&id) {
        if filters.excluded.len() >= IDS_MAX {
            return Err(AppError {
                detail: Some(IDS_MAX.to_string()),
                ..AppError::input("excluded")
            });
        }
        filters.excluded.insert(id);
    }
    Ok(())
}

fn hour_of(text: &Option<String>) -> Result<Option<NaiveTime>, AppError> {
    let time = |text: &String| match text.as_bytes() {
        [_, _, b':', _, _] => NaiveTime::parse_from_str(text, HOUR).map_err(|_| AppError::input("hours")),
        _ => Err(AppError::input("hours")),
    };
    text.as_ref().map(time).transpose()
}

/// `1` to `11`, the service's own numbers; empty means the calendar's colour.
fn color_of(text: &str) -> Result<Option<String>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let known = (1..=11).any(|number: u8| number.to_string() == text);
    known
        .then(|| Some(text.to_owned()))
        .ok_or_else(|| AppError::input("color"))
}

fn fallback_title(text: &str) -> Result<Option<String>, AppError> {
    let title = text.trim();
    if title.chars().count() > FALLBACK_MAX_CHARS {
        return Err(AppError::input("fallback_title"));
    }
    Ok((!title.is_empty()).then(|| title.to_owned()))
}

/// A rule as it was sent, whether it can be used or not.
///
/// # Errors
/// `bad_input` for a field or pattern that does not exist.
pub fn rule_of(view: &OwnRuleView) -> Result<OwnRule, AppError> {
    Ok(OwnRule {
        field: parse::<RuleField>("own_rules", &view.field)?,
        pattern: parse::<RulePattern>("own_rules", &view.pattern)?,
        text: view.text.clone(),
    })
}

fn usable_rule(view: &OwnRuleView) -> Result<OwnRule, AppError> {
    let rule = rule_of(view)?;
    filter::check_rule(&rule).map_err(|problem| AppError {
        detail: Some(problem.code().into()),
        ..AppError::input("own_rules")
    })?;
    Ok(rule)
}

fn rule_view(rule: &OwnRule) -> OwnRuleView {
    OwnRuleView {
        field: word(rule.field),
        pattern: word(rule.pattern),
        text: rule.text.clone(),
    }
}

/// The language of texts written into events: `de`, `en`, or `system`, which stands for the system's own.
///
/// # Errors
/// `bad_input` for any other word.
pub fn language_of(choice: &str, system: &str) -> Result<Language, AppError> {
    let word = if choice == "system" { system } else { choice };
    parse::<Language>("language", word)
}

/// `de` or `en`, as the environment says, else the system itself: Windows has no such variables, nor has what Finder starts on macOS.
pub fn system_language() -> &'static str {
    let environment = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    language_named(environment.or_else(sys_locale::get_locale).as_deref())
}

/// `de_DE.UTF-8`, `de-AT` and the like are German; whatever else there is, and none, is English here.
fn language_named(locale: Option<&str>) -> &'static str {
    let language = locale.and_then(|name| name.split(|letter: char| !letter.is_ascii_alphabetic()).next());
    match language.is_some_and(|language| language.eq_ignore_ascii_case("de")) {
        true => "de",
        false => "en",
    }
}

/// Settings as the window shows them. Before both accounts are connected they are the defaults, beside the app's own.
///
/// # Errors
/// If the database cannot be read.
pub async fn view(host: &Arc<Host>, running: Option<&Running>) -> Result<SettingsView, AppError> {
    let snapshot = match running {
        Some(running) => Some(running.snapshot().await?),
        None => None,
    };
    let snapshot = snapshot.as_deref();
    let settings = snapshot.map_or_else(SyncSettings::default, |snapshot| snapshot.settings.clone());
    let (matching, total) = snapshot.map_or((0, 0), Snapshot::matching);
    let accounts = host.accounts().await;
    let me = accounts.platform.as_ref().map(|(_, extra)| &extra.me);
    let allowed = me.is_none_or(|me| me.client_names_allowed);
    let creates = me.is_some_and(|me| me.features.iter().any(|known| known == CREATE_APPOINTMENTS));
    let platform_name = me.map(|me| me.platform_name.clone()).unwrap_or_default();
    let calendar = accounts
        .google
        .and_then(|(_, extra)| extra.calendar)
        .unwrap_or_else(|| "primary".into());
    let setting = async |key: &str, default: &str| -> Result<String, AppError> {
        Ok(host
            .database
            .setting::<String>(key)
            .await?
            .unwrap_or_else(|| default.to_owned()))
    };
    let switch = async |key: &str, default: bool| -> Result<bool, AppError> {
        Ok(host.database.setting::<bool>(key).await?.unwrap_or(default))
    };
    Ok(SettingsView {
        enabled: settings.enabled,
        direction: word(settings.direction),
        every_minutes: settings.every_minutes,
        calendar_id: calendar,
        notes: settings.text.notes,
        client_names: settings.text.client_names,
        client_contact: settings.text.client_contact,
        client_names_allowed: allowed,
        privacy: word(settings.text.privacy),
        include_private: settings.filters.include_private,
        time_policy: word(settings.time_policy),
        text_policy: word(settings.text_policy),
        dates: DateWindow {
            from: settings.filters.first_day,
            until: settings.filters.last_day,
        },
        weekdays_off: settings.filters.weekdays_off.iter().copied().collect(),
        hours: DayHours {
            from: settings
                .filters
                .earliest
                .map(|time| time.format(HOUR).to_string()),
            until: settings.filters.latest.map(|time| time.format(HOUR).to_string()),
        },
        own_rules: settings.filters.own_rules.iter().map(rule_view).collect(),
        color: settings.text.color.clone(),
        fallback_title: settings.text.fallback_title.clone(),
        created_externally: settings.created_externally,
        created_externally_allowed: creates,
        mark_tag: marked::tag(&settings, &platform_name),
        letter_keys: switch(keys::LETTER_KEYS, true).await?,
        motion: setting(keys::MOTION, "system").await?,
        daily_summary: switch(keys::DAILY_SUMMARY, false).await?,
        types: snapshot.map(types).unwrap_or_default(),
        clients: snapshot.map(clients).unwrap_or_default(),
        excluded: settings
            .filters
            .excluded
            .iter()
            .map(ToString::to_string)
            .collect(),
        left_out: word(settings.filters.left_out),
        theme: setting(keys::THEME, "system").await?,
        language: setting(keys::LANGUAGE, "system").await?,
        autostart: host.database.setting::<bool>(keys::AUTOSTART).await?,
        titles_in_notifications: switch(keys::TITLES, false).await?,
        matching,
        total,
    })
}

/// Whether it starts at log-in: what was chosen, unless the system says otherwise.
pub fn autostart_of(chosen: Option<bool>, system: Option<bool>) -> Option<bool> {
    chosen.map(|chosen| system.unwrap_or(chosen))
}

fn types(snapshot: &Snapshot) -> Vec<Toggle> {
    let mut types: BTreeMap<String, (String, u32)> = BTreeMap::new();
    for appointment in snapshot
        .appointments
        .iter()
        .filter_map(|status| status.record.appointment.as_ref())
    {
        let entry = types
            .entry(appointment.kind.id.clone())
            .or_insert((appointment.kind.name.clone(), 0));
        entry.1 += 1;
    }
    toggles(types, &snapshot.settings.filters.types_off)
}

/// Clients are named in the window only if the trainer turned names on; else they are numbered.
fn clients(snapshot: &Snapshot) -> Vec<Toggle> {
    let named = snapshot.settings.text.client_names;
    let mut clients: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let all = snapshot
        .appointments
        .iter()
        .filter_map(|status| status.record.appointment.as_ref());
    for client in all.filter_map(|appointment| appointment.client.as_ref()) {
        let name = client
            .name
            .clone()
            .filter(|_| named)
            .unwrap_or_else(|| client.id.clone());
        clients.entry(client.id.clone()).or_insert((name, 0)).1 += 1;
    }
    toggles(clients, &snapshot.settings.filters.clients_off)
}

/// One for each that an appointment has or that is off. The window sends back all that are off, so one that is not among them would
/// be turned on by the next change of another. What is not known any more has no name: its id would say nothing to the trainer.
fn toggles(mut all: BTreeMap<String, (String, u32)>, off: &BTreeSet<String>) -> Vec<Toggle> {
    for id in off {
        all.entry(id.clone()).or_default();
    }
    all.into_iter()
        .map(|(id, (name, count))| Toggle {
            on: !off.contains(&id),
            id,
            name,
            count,
        })
        .collect()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
