//! The report for support: what state the app is in, without anything personal. What is shown is what is saved.

use super::Host;
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
            "system": {
                "os": std::env::consts::OS, "architecture": std::env::consts::ARCH,
                "tauri": tauri::VERSION, "web_view": tauri::webview_version().ok(),
            },
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
            report["figures"] = serde_json::to_value(self.figures().await?).unwrap_or_default();
            let since = running.engine.now() - chrono::Duration::days(30);
            let runs = running.engine.runs(since, RUNS).await?;
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

/// The end of the log, as it was written: without content, one JSON object a line. Anything else is left out.
fn log_tail() -> Vec<Value> {
    let folder = crate::log::folder();
    let lines = folder.map(|folder| crate::log::newest_lines(&folder, LOG_LINES));
    told_lines(&lines.unwrap_or_default())
}

fn told_lines(lines: &[String]) -> Vec<Value> {
    let objects = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
    objects.filter(Value::is_object).collect()
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
    fn only_lines_that_our_log_wrote_are_told() {
        let lines = [
            r#"{"at":"2026-12-01T08:00:00.123Z","level":"INFO","run":"rt-019a","message":"run ended"}"#
                .to_owned(),
            "2026-12-01T08:00:00Z INFO of an earlier version: mara@example.org".to_owned(),
            r#"{"at":"2026-12-01T08:00:00.123Z","level":"INF"#.to_owned(),
        ];
        let told = told_lines(&lines);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["run"], "rt-019a");
    }

    #[tokio::test]
    async fn what_is_shown_is_saved_byte_for_byte_and_tells_no_content() {
        let (host, folder) = crate::host::leaving::tests::connected("report").await;
        let checks = vec![CheckView {
            check: "network".into(),
            result: "problem".into(),
            problem: Some("unreachable".into()),
            detail: Some("secret detail".into()),
        }];
        let shown = host.report(checks).await.expect("a report");
        let saved = host
            .save(
                &folder.0,
                ("roundtrip-report", "json"),
                &shown,
                shown.lines().count(),
            )
            .expect("saved");
        assert_eq!(
            std::fs::read(folder.0.join(saved.name)).expect("the file"),
            shown.as_bytes()
        );

        let told: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(told["app"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(told["figures"]["days"].as_array().map(Vec::len), Some(30));
        for part in ["runs_of", "to_event", "to_report", "errors", "platform", "google"] {
            assert!(!told["figures"][part].is_null(), "{part}");
        }
        assert_eq!(told["checks"][0]["problem"], "unreachable");
        for content in ["secret", "@", "example.com", "https://"] {
            assert!(!shown.contains(content), "{content}: {shown}");
        }
    }
}
