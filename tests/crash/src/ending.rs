//! How a story ends: what both services, the admins and the ledger know when nothing is left to do.

use crate::stage::{GOOGLE, Stage};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_engine::ledger::{HistoryFilter, Ledger};
use roundtrip_sandbox::google::Via;
use roundtrip_store::Provider;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names of what differs between two runs that are otherwise the same: chance, and the order of writes sent side by side.
const CHANCE: [&str; 14] = [
    "etag",
    "feed_etag",
    "id",
    "run_id",
    "request_id",
    "took",
    "conflict",
    "htmlLink",
    "html_link",
    "iCalUID",
    "expected",
    "cursor",
    "seq",
    "if_match",
];
/// Nothing is compared to the second that happened while the story ran.
const STORY: TimeDelta = TimeDelta::hours(1);

/// An ending, as parts with a name each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending(BTreeMap<String, Vec<String>>);

impl Ending {
    /// Reads it from the services and the database, and checks what must hold in every ending: the file is sound, each
    /// appointment has at most one event, each move was told at most once. `from` is when the story began.
    ///
    /// # Errors
    /// What does not hold.
    pub fn of(stage: &Stage, from: DateTime<Utc>) -> Result<Self> {
        let scrub = |value: Value| scrubbed(value, from, &CHANCE);
        let mut parts = BTreeMap::new();
        let sandbox = stage.sandbox();

        let appointments = sandbox.platform.appointments();
        parts.insert(
            "appointments on the platform".into(),
            lines(appointments, |value| scrubbed(value, from, &["seq"])),
        );
        let told = sandbox.platform.notifications();
        let mut once = BTreeMap::new();
        for one in &told {
            *once
                .entry((one.appointment_id.clone(), json!(one.to).to_string()))
                .or_insert(0) += 1;
        }
        ensure!(
            once.values().all(|count| *count == 1),
            "the admin was told twice: {told:#?}"
        );
        parts.insert("told to the admins".into(), lines(told, scrub));
        parts.insert(
            "writes that took effect on the platform".into(),
            lines(sandbox.platform.writes(), |value| {
                scrubbed(value, from, &["etag"])
            }),
        );

        let events = sandbox
            .google
            .list_all(GOOGLE, "primary")
            .map_err(|error| anyhow::anyhow!("no calendar: {error:?}"))?;
        at_most_one_event_each(&events)?;
        parts.insert(
            "events in the calendar".into(),
            lines(events, |value| {
                scrubbed(value, from, &["etag", "htmlLink", "iCalUID"])
            }),
        );
        let audit = sandbox.google.audit();
        ensure!(
            audit
                .iter()
                .all(|entry| entry.mailed.is_empty() && !entry.attendees_sent),
            "somebody was mailed"
        );
        let done = audit
            .into_iter()
            .filter(|entry| entry.via == Via::Api && entry.status < 300);
        parts.insert(
            "writes that took effect in the calendar".into(),
            lines(done, scrub),
        );

        parts.extend(of_database(stage, from)?);
        Ok(Self(parts))
    }

    /// What this ending has that `other` has not, and the other way round.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let mut text = String::new();
        let none = Vec::new();
        for name in self
            .0
            .keys()
            .chain(other.0.keys().filter(|name| !self.0.contains_key(*name)))
        {
            let (mine, theirs) = (
                self.0.get(name).unwrap_or(&none),
                other.0.get(name).unwrap_or(&none),
            );
            if mine == theirs {
                continue;
            }
            text.push_str(&format!("\n  {name}:"));
            for line in without(mine, theirs) {
                text.push_str(&format!("\n    only here:    {line}"));
            }
            for line in without(theirs, mine) {
                text.push_str(&format!("\n    only without: {line}"));
            }
        }
        (!text.is_empty()).then_some(text)
    }

    /// Only some of its parts.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| names.contains(&name.as_str()));
        self
    }

    /// With each line of one part changed.
    #[must_use]
    pub fn with(mut self, part: &str, change: impl Fn(&mut Value)) -> Self {
        if let Some(lines) = self.0.get_mut(part) {
            for line in lines.iter_mut() {
                // Each was made from JSON a moment ago.
                let mut value: Value = serde_json::from_str(line).unwrap_or_default();
                change(&mut value);
                *line = value.to_string();
            }
            lines.sort();
        }
        self
    }

    /// How many lines are compared.
    pub fn size(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

/// What the first has more often than the second.
fn without<'a>(first: &'a [String], second: &[String]) -> Vec<&'a String> {
    let mut left: Vec<&String> = second.iter().collect();
    first
        .iter()
        .filter(|line| match left.iter().position(|other| other == line) {
            Some(place) => {
                left.swap_remove(place);
                false
            }
            None => true,
        })
        .collect()
}

fn at_most_one_event_each(events: &[Value]) -> Result<()> {
    let mut live: BTreeMap<&str, u32> = BTreeMap::new();
    for event in events.iter().filter(|event| event["status"] != "cancelled") {
        if let Some(appointment) = event["extendedProperties"]["private"]["rt_appointment"].as_str() {
            *live.entry(appointment).or_default() += 1;
        }
    }
    ensure!(
        live.values().all(|count| *count == 1),
        "an appointment has two events: {live:?}"
    );
    Ok(())
}

fn of_database(stage: &Stage, from: DateTime<Utc>) -> Result<BTreeMap<String, Vec<String>>> {
    stage.look(async |database| {
        let mut parts = BTreeMap::new();
        let faults = database.faults().await?;
        ensure!(faults.is_empty(), "the database is not sound: {faults:?}");
        let scrub = |value: Value| scrubbed(value, from, &CHANCE);
        let mut accounts = Vec::new();
        for account in database.integrations().list().await? {
            let tokens = database
                .integrations()
                .tokens(account.provider, &account.account_id)
                .await?;
            let kept = tokens.is_some();
            accounts.push(json!({
                "service": account.provider.as_str(), "account": account.account_id,
                "status": account.status.as_str(), "errors": account.error_count, "tokens": kept,
                "renewable": tokens.is_some_and(|tokens| tokens.refresh.is_some()),
            }));
        }
        ensure!(
            accounts.len() <= [Provider::Platform, Provider::Google].len(),
            "an account is there twice: {accounts:?}"
        );
        parts.insert("accounts".into(), lines(accounts, |value| value));
        for connection in database.connections().await? {
            let ledger = database.ledger(connection);
            let everything = HistoryFilter {
                limit: u32::MAX,
                ..HistoryFilter::default()
            };
            // The event's id is what links; it is kept where chance is taken out of the rest.
            let records = ledger.records().await?;
            let links: Vec<Value> = records
                .iter()
                .map(|record| json!({"appointment": record.appointment_id, "event": record.event_id}))
                .collect();
            let state = ledger.sync_state().await?;
            let state = json!({
                "started": state.started, "paused": state.paused_until, "frozen": state.deletions_frozen,
                "calendar": state.calendar, "connected": state.connected_at,
                "calendar_waits": state.calendar_wait_until, "platform_waits": state.platform_wait_until,
                "calendar_writes_wait": state.calendar_writes_wait_until,
            });
            let conflicts = ledger.open_conflicts().await?;
            let questions = ledger.questions(from - TimeDelta::days(30)).await?;
            let history = ledger.history(&everything).await?;
            parts.insert("links".into(), lines(links, |value| value));
            parts.insert("records".into(), lines(records, scrub));
            parts.insert("outbox".into(), lines(ledger.outbox().await?, scrub));
            parts.insert("open conflicts".into(), lines(conflicts, scrub));
            parts.insert("questions".into(), lines(questions, scrub));
            parts.insert("marked events".into(), lines(ledger.marked().await?, scrub));
            parts.insert("history".into(), lines(history, scrub));
            parts.insert("settings".into(), lines([ledger.settings().await?], scrub));
            parts.insert("state".into(), lines([state], scrub));
        }
        Ok(parts)
    })
}

/// Sorted, one JSON each.
fn lines<T: Serialize>(values: impl IntoIterator<Item = T>, scrub: impl Fn(Value) -> Value) -> Vec<String> {
    let mut lines: Vec<String> = values
        .into_iter()
        .map(|value| scrub(serde_json::to_value(value).unwrap_or_default()).to_string())
        .collect();
    lines.sort();
    lines
}

/// Without the fields named, and with "now" for every instant of the story itself.
fn scrubbed(value: Value, from: DateTime<Utc>, names: &[&str]) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(name, _)| !names.contains(&name.as_str()))
                .map(|(name, value)| match name.as_str() {
                    "removal" => (name, without_its_time(value)),
                    _ => (name, scrubbed(value, from, names)),
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| scrubbed(item, from, names))
                .collect(),
        ),
        Value::String(text) => match text.parse::<DateTime<Utc>>() {
            Ok(at) if at >= from - TimeDelta::seconds(2) && at < from + STORY => "now".into(),
            _ => text.into(),
        },
        other => other,
    }
}

/// A removal counts from when its reading began, or earlier: years, if the clock was set while it was read.
fn without_its_time(mut removal: Value) -> Value {
    if let Some(fields) = removal.as_object_mut() {
        fields.remove("at");
    }
    removal
}

/// A quiet cycle after the story: it must write nothing.
///
/// # Errors
/// What it wrote.
pub fn is_quiet(stage: &Stage) -> Result<()> {
    stage.forget_requests();
    stage.run_well(&["sync", "--once"]).context("a quiet cycle")?;
    let writes = stage.writes();
    ensure!(writes.is_empty(), "a quiet cycle wrote {writes:?}");
    Ok(())
}
