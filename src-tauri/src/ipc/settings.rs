//! Settings between the window and the engine.

use super::dto::{AppError, DateWindow, DayHours, SettingsPatch, SettingsView, Toggle};
use crate::host::{Host, Running};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::marked;
use roundtrip_core::settings::{
    ConflictPolicy, Direction, Language, LeftOutPolicy, PrivacyLevel, SyncSettings,
};
use roundtrip_engine::{CREATE_APPOINTMENTS, Preview, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
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
    let filters = &mut after.filters;
    filters.include_private = patch.include_private.unwrap_or(filters.include_private);
    if let Some(off) = &patch.types_off {
        filters.types_off = off.iter().cloned().collect();
    }
    if let Some(off) = &patch.clients_off {
        filters.clients_off = off.iter().cloned().collect();
    }
    if let Some(excluded) = &patch.excluded {
        filters.excluded = excluded.iter().map(AppointmentId::new).collect();
    }
    if let Some(left_out) = &patch.left_out {
        filters.left_out = parse::<LeftOutPolicy>("left_out", left_out)?;
    }
    if let Some(policy) = &patch.time_policy {
        after.time_policy = parse::<ConflictPolicy>("time_policy", policy)?;
    }
    if let Some(policy) = &patch.text_policy {
        after.text_policy = parse::<ConflictPolicy>("text_policy", policy)?;
    }
    if let Some(language) = &patch.language {
        after.language = language_of(language)?;
    }
    after.created_externally = patch.created_externally.unwrap_or(after.created_externally);
    if let Some(tag) = &patch.mark_tag {
        after.mark_tag = Some(marked::checked_tag(tag).ok_or_else(|| AppError::input("mark_tag"))?);
    }
    Ok(after)
}

/// The language of texts written into events. `system` is resolved by the system's own word for it.
fn language_of(choice: &str) -> Result<Language, AppError> {
    match choice {
        "system" => Ok(if system_language() == "de" {
            Language::De
        } else {
            Language::En
        }),
        other => parse::<Language>("language", other),
    }
}

/// `de` or `en`, from the system's environment.
pub fn system_language() -> &'static str {
    let german = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("de"));
    if german { "de" } else { "en" }
}

/// Settings as the window shows them. Before both accounts are connected they are the defaults, beside the app's own.
///
/// # Errors
/// If the database cannot be read.
pub async fn view(host: &Arc<Host>, running: Option<&Running>) -> Result<SettingsView, AppError> {
    let (settings, preview, snapshot) = match running {
        Some(running) => {
            let snapshot = running.engine.snapshot().await?;
            let preview = running.engine.preview(snapshot.settings.clone()).await?;
            (snapshot.settings.clone(), preview, Some(snapshot))
        }
        None => (SyncSettings::default(), Preview::default(), None),
    };
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
        dates: DateWindow::default(),
        weekdays_off: Vec::new(),
        hours: DayHours::default(),
        own_rules: Vec::new(),
        color: settings.text.color.clone(),
        fallback_title: settings.text.fallback_title.clone(),
        created_externally: settings.created_externally,
        created_externally_allowed: creates,
        mark_tag: marked::tag(&settings, &platform_name),
        letter_keys: true,
        motion: "system".into(),
        daily_summary: false,
        types: snapshot.as_ref().map(types).unwrap_or_default(),
        clients: snapshot.as_ref().map(clients).unwrap_or_default(),
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
        titles_in_notifications: host
            .database
            .setting::<bool>(keys::TITLES)
            .await?
            .unwrap_or(false),
        matching: preview.matching,
        total: preview.total,
    })
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

fn toggles(all: BTreeMap<String, (String, u32)>, off: &std::collections::BTreeSet<String>) -> Vec<Toggle> {
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
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let before = SyncSettings {
            every_minutes: 30,
            ..SyncSettings::default()
        };
        let patch = SettingsPatch {
            direction: Some("push".into()),
            ..SettingsPatch::default()
        };
        let after = patched(&before, &patch).expect("a good patch");
        assert_eq!(
            after,
            SyncSettings {
                direction: Direction::Push,
                ..before
            }
        );
    }

    #[test]
    fn bad_input_names_its_field() {
        let field = |patch: SettingsPatch| {
            patched(&SyncSettings::default(), &patch)
                .expect_err("a bad patch")
                .field
                .unwrap_or_default()
        };
        assert_eq!(
            field(SettingsPatch {
                every_minutes: Some(4),
                ..Default::default()
            }),
            "every_minutes"
        );
        assert_eq!(
            field(SettingsPatch {
                every_minutes: Some(61),
                ..Default::default()
            }),
            "every_minutes"
        );
        assert_eq!(
            field(SettingsPatch {
                direction: Some("sideways".into()),
                ..Default::default()
            }),
            "direction"
        );
        assert_eq!(
            field(SettingsPatch {
                time_policy: Some(String::new()),
                ..Default::default()
            }),
            "time_policy"
        );
        assert_eq!(
            field(SettingsPatch {
                text_policy: Some("keep_both".into()),
                ..Default::default()
            }),
            "text_policy"
        );
        for tag in [
            "",
            "linden",
            "#",
            "#two words",
            "#a-tag-that-is-longer-than-thirty",
        ] {
            let patch = SettingsPatch {
                mark_tag: Some(tag.into()),
                ..Default::default()
            };
            assert_eq!(field(patch), "mark_tag", "{tag:?}");
        }
    }

    #[test]
    fn marked_events_are_turned_on_with_a_tag_of_ones_own() {
        let patch = SettingsPatch {
            created_externally: Some(true),
            mark_tag: Some(" #Termin ".into()),
            ..SettingsPatch::default()
        };
        let after = patched(&SyncSettings::default(), &patch).expect("a good patch");
        assert!(after.created_externally);
        assert_eq!(after.mark_tag.as_deref(), Some("#Termin"));
    }
}
