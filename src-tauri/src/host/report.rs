//! The report for support: what state the app is in, without anything personal. What is shown is what is saved.

use super::{Host, data_dir};
use crate::ipc::convert;
use crate::ipc::dto::{AppError, CheckView};
use roundtrip_core::settings::SyncSettings;
use serde_json::{Value, json};

/// Runs that are told.
const RUNS: u32 = 20;
/// Lines of the log that are told.
const LOG_LINES: usize = 60;

impl Host {
    /// The report as text. `checks` are those of diagnostics.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn report(&self, checks: Vec<CheckView>) -> Result<String, AppError> {
        let overview = self.overview().await?;
        let mut report = json!({
            "app": { "version": env!("CARGO_PKG_VERSION"), "at": self.clock.now() },
            "system": { "os": std::env::consts::OS, "architecture": std::env::consts::ARCH },
            "state": {
                "overall": overview.state,
                "problem": overview.problem.map(|problem| problem.code),
                "as_of": overview.as_of,
                "started": overview.started,
                "paused": overview.paused_until.is_some() || overview.paused_for_ever,
                "platform": overview.platform.map(|account| account.status),
                "calendar": overview.calendar.map(|account| account.status),
                "another_laptop_writes": overview.other_writer.is_some(),
                "tokens_volatile": overview.tokens_volatile,
            },
            "counts": overview.counts,
            "checks": checks
                .iter()
                .map(|check| json!({
                    "check": check.check, "result": check.result, "problem": check.problem,
                }))
                .collect::<Vec<_>>(),
            "log": log_tail(),
        });
        if let Some(running) = self.running().await {
            let settings = running.engine.ledger().settings().await?;
            report["settings"] = settings_told(&settings);
            let since = running.engine.now() - chrono::Duration::days(30);
            let runs = running.engine.ledger().runs(since, RUNS).await?;
            report["runs"] = runs
                .iter()
                .map(|run| {
                    let mut row = serde_json::to_value(convert::run(run)).unwrap_or_default();
                    if let Some(row) = row.as_object_mut() {
                        row.remove("id");
                    }
                    row
                })
                .collect();
        }
        serde_json::to_string_pretty(&report).map_err(|_| AppError::input("report"))
    }
}

/// Switches and numbers; no text that the trainer wrote, no id, no name.
fn settings_told(settings: &SyncSettings) -> Value {
    let (filters, text) = (&settings.filters, &settings.text);
    json!({
        "enabled": settings.enabled,
        "direction": settings.direction,
        "every_minutes": settings.every_minutes,
        "language": settings.language,
        "text": {
            "notes": text.notes,
            "client_names": text.client_names,
            "client_contact": text.client_contact,
            "privacy": text.privacy,
            "own_fallback_title": text.fallback_title.is_some(),
            "own_colour": text.color.is_some(),
        },
        "filters": {
            "types_off": filters.types_off.len(),
            "clients_off": filters.clients_off.len(),
            "excluded": filters.excluded.len(),
            "days": filters.first_day.is_some() || filters.last_day.is_some(),
            "hours": filters.earliest.is_some() || filters.latest.is_some(),
            "weekdays_off": filters.weekdays_off.len(),
            "include_private": filters.include_private,
            "own_rules": filters.own_rules.iter().map(|rule| json!({
                "field": rule.field, "pattern": rule.pattern,
            })).collect::<Vec<_>>(),
            "left_out": filters.left_out,
        },
    })
}

/// The end of the newest log file. The log is written without content; what could be an address, a path or an id is
/// taken out all the same.
fn log_tail() -> Vec<String> {
    let Some(folder) = data_dir().map(|dir| dir.join("logs")) else {
        return Vec::new();
    };
    let newest = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .max();
    let text = newest.and_then(|path| std::fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(LOG_LINES))
        .map(|line| redacted(line))
        .collect()
}

/// A line without words that could name somebody or something.
fn redacted(line: &str) -> String {
    let word = |word: &str| {
        let bare = word.rsplit('=').next().unwrap_or(word);
        let time = word.starts_with("20") && word.contains('T') && word.ends_with('Z');
        let module = word.contains("::");
        let telling = bare.contains('@')
            || bare.contains("//")
            || bare.contains('/')
            || bare.contains('\\')
            || (bare.len() >= 12 && bare.chars().any(|c| c.is_ascii_digit()));
        if telling && !time && !module {
            "…".to_owned()
        } else {
            word.to_owned()
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use roundtrip_core::settings::{OwnRule, RuleField, RulePattern};

    #[test]
    fn settings_are_told_without_a_word_of_the_trainer() {
        let mut settings = SyncSettings::default();
        settings.filters.clients_off.insert("cli_secret".into());
        settings.filters.types_off.insert("type_secret".into());
        settings.filters.own_rules.push(OwnRule {
            field: RuleField::Client,
            pattern: RulePattern::Contains,
            text: "Ada secret".into(),
        });
        settings.text.fallback_title = Some("secret title".into());
        let told = settings_told(&settings).to_string();
        assert!(!told.contains("secret"), "{told}");
        assert!(told.contains("\"clients_off\":1"));
    }

    #[test]
    fn lines_of_the_log_keep_their_sense_and_lose_what_could_name_somebody() {
        let line = "2026-12-01T08:00:00.123456Z  INFO roundtrip_app::host: not told code=unreachable to mara@example.org at https://a.example/x?y in /data/mara/x id=apt_0a1b2c3d4e5f";
        let told = redacted(line);
        for secret in ["mara", "example", "apt_"] {
            assert!(!told.contains(secret), "{told}");
        }
        assert!(
            told.starts_with(
                "2026-12-01T08:00:00.123456Z  INFO roundtrip_app::host: not told code=unreachable"
            )
        );
    }
}
