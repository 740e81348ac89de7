use super::*;
use crate::ipc::dto::{Account, DayView, ErrorCount, OverviewCounts, Problem};
use std::collections::{BTreeMap, BTreeSet};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own time")
}

fn account(status: &str) -> Account {
    Account {
        service: "platform".into(),
        name: "Secret Academy".into(),
        email: "secret@example.org".into(),
        status: status.into(),
        scopes: Vec::new(),
        last_read_at: None,
        calendar_id: None,
        url: Some("https://secret.example".into()),
    }
}

/// Everything that can be said is said.
fn full() -> (Overview, FiguresView) {
    let latency = LatencyView {
        count: 12,
        p50_ms: Some(4_200),
        p95_ms: Some(95_000),
        p99_ms: Some(600_000),
        poll_p50_ms: Some(4_000),
        wait_p50_ms: Some(0),
        service_p50_ms: Some(200),
        away: 1,
    };
    let side = SideView {
        last_success_at: Some(at("2026-11-21T08:00:00Z")),
        awake_minutes: 130,
        silent_since: Some(at("2026-11-21T10:00:00Z")),
    };
    let figures = FiguresView {
        runs_ok: 99,
        runs_of: 100,
        writes_ok: 20,
        writes_of: 21,
        to_event: latency.clone(),
        to_report: latency,
        retries: 3,
        questions: 1,
        missed: 1,
        errors: vec![ErrorCount {
            service: "google".into(),
            code: "throttled".into(),
            count: 2,
        }],
        days: vec![DayView {
            day: "2026-11-21".parse().expect("a day"),
            runs: 1,
            runs_ok: 1,
            runs_offline: 0,
            writes: 1,
            writes_failed: 0,
            retries: 0,
            platform_requests: 1,
            google_requests: 1,
        }],
        platform: side.clone(),
        google: side,
    };
    let overview = Overview {
        state: OverallState::NeedsAttention,
        as_of: Some(at("2026-11-21T08:00:00Z")),
        next_sync_at: None,
        paused_until: None,
        paused_for_ever: false,
        enabled: true,
        pushed: false,
        problem: Some(Problem {
            code: "no_success_2h_google".into(),
            service: Some("google".into()),
            detail: Some("secret detail".into()),
            since: Some(at("2026-11-21T08:00:00Z")),
            retry_at: None,
            action: "try_again".into(),
        }),
        platform: Some(account("active")),
        calendar: Some(account("active")),
        started: true,
        first_run_at: None,
        time_zone: "Europe/Berlin".into(),
        counts: OverviewCounts::default(),
        progress: None,
        heartbeat: Vec::new(),
        next: Vec::new(),
        week: Vec::new(),
        questions: Vec::new(),
        held: Vec::new(),
        conflicts: Vec::new(),
        other_writer: None,
        latest: None,
        tokens_volatile: false,
    };
    (overview, figures)
}

/// Each key with the kind of its value, as `figures.errors[].code` and `text`.
fn keys(value: &Value, path: &str, found: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "number",
        Value::String(text) if text.parse::<DateTime<Utc>>().is_ok() => "time",
        Value::String(text) if text.parse::<chrono::NaiveDate>().is_ok() => "day",
        Value::String(_) => "text",
        Value::Array(items) => {
            for item in items {
                keys(item, &format!("{path}[]"), found);
            }
            "list"
        }
        Value::Object(parts) => {
            for (name, part) in parts {
                let name = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                keys(part, &name, found);
            }
            "object"
        }
    };
    if kind != "object" && !path.ends_with("[]") {
        found.insert(path.to_owned(), kind);
    }
}

#[test]
fn the_document_is_what_its_page_says() {
    let page = include_str!("../../../docs/status.md");
    let documented: BTreeMap<String, String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split_once("` | "))
        .filter_map(|(key, rest)| {
            rest.split_once(" | ")
                .map(|(kind, _)| (key.to_owned(), kind.to_owned()))
        })
        .collect();
    let (overview, figures) = full();
    let mut found = BTreeMap::new();
    keys(
        &document(&overview, Some(&figures), Some("aside")),
        "",
        &mut found,
    );
    let names = |map: BTreeSet<String>| map;
    assert_eq!(
        names(found.keys().cloned().collect()),
        names(documented.keys().cloned().collect()),
        "left: said, right: documented"
    );
    for (key, kind) in &found {
        let told = &documented[key];
        assert_eq!(told.trim_end_matches(" or null"), *kind, "{key}");
    }
    // What may be missing is documented as such.
    let empty = Overview {
        as_of: None,
        problem: None,
        platform: None,
        calendar: None,
        ..overview
    };
    let mut found = BTreeMap::new();
    keys(
        &document(&empty, Some(&FiguresView::default()), None),
        "",
        &mut found,
    );
    for (key, _) in found.iter().filter(|(_, kind)| **kind == "null") {
        assert!(documented[key].ends_with(" or null"), "{key}");
    }
    assert!(page.contains(&format!("`schema` {SCHEMA}")));
}

#[test]
fn neither_the_document_nor_the_lines_tell_content() {
    let (overview, figures) = full();
    let mut said = document(&overview, Some(&figures), Some("aside")).to_string();
    let now = at("2026-11-21T12:00:00Z");
    said.push_str(&lines(&overview, Some(&figures), now).join("\n"));
    assert!(!said.to_lowercase().contains("secret"), "{said}");
}

#[test]
fn the_lines_can_be_read() {
    let (overview, figures) = full();
    let told = lines(&overview, Some(&figures), at("2026-11-21T12:00:00Z"));
    assert_eq!(told[0], "state          needs attention");
    assert!(told[1].starts_with("problem        nothing has come through from Google for two hours"));
    assert!(
        told.iter()
            .any(|line| line.ends_with("silent for 130 min of awake time")),
        "{told:#?}"
    );
    let expected = "to the event   half of 12 changes within 4.2 s, 95 % within 95 s, 99 % within 10 min";
    assert!(told.iter().any(|line| line == expected), "{told:#?}");
}
