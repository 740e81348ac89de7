//! P10 for the notes: what the trainer types among them stays in the event or reaches the platform, unless something says why not.

use super::facts::Facts;
use crate::ended::Violation;
use crate::people::TYPED;
use chrono::{DateTime, Utc};
use roundtrip_core::conflict::{Conflict, ConflictKind};
use roundtrip_core::record::Field;
use roundtrip_core::settings::{ConflictPolicy, Direction, PrivacyLevel};
use roundtrip_core::text;
use roundtrip_engine::ledger::{HistoryItem, HistoryWhat};
use roundtrip_sandbox::history::EventState;
use std::collections::{BTreeMap, BTreeSet};

/// The lines of the trainer's between the marker lines.
fn typed(event: &EventState) -> BTreeSet<String> {
    let description = event.description.as_deref().unwrap_or_default();
    let inside = text::normalise(text::split(description).block.unwrap_or_default());
    let lines = inside.lines().filter(|line| line.starts_with(TYPED));
    lines.map(str::to_owned).collect()
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    // Other settings write the block anew, or let one side win without a question.
    let settings = facts
        .ended
        .witnessed
        .settings
        .iter()
        .map(|(_, _, settings)| settings);
    let rewritten = settings.clone().any(|settings| {
        !settings.text.notes
            || settings.text.privacy != PrivacyLevel::Full
            || settings.text_policy != ConflictPolicy::Ask
            || settings.direction == Direction::Push
    });
    if rewritten || facts.a_database_was_lost() {
        return;
    }
    for (event, appointment) in facts.own_events() {
        // Each word with the time at which it was typed.
        let mut there: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
        for change in facts.event(event) {
            let Some(after) = change.event_after().filter(|after| after.is_live()) else {
                there.clear();
                continue;
            };
            let now = typed(after);
            if change.actor.is_app() {
                for (word, since) in there.iter().filter(|(word, _)| !now.contains(*word)) {
                    let reached = facts.appointment(appointment).any(|said| {
                        said.appointment_after()
                            .and_then(|said| said.notes.as_deref())
                            .is_some_and(|notes| notes.lines().any(|line| line == word))
                    });
                    if !reached && !facts.is_told(appointment, *since, |item| says_why(facts, item)) {
                        let what = format!(
                            "what the trainer typed among the notes ({word}) was overwritten (#{})",
                            change.seq
                        );
                        facts.violates(found, "P10", appointment, &what);
                    }
                }
            }
            let since = |word: &String| there.get(word).copied().unwrap_or(change.at);
            there = now.into_iter().map(|word| (word.clone(), since(&word))).collect();
        }
    }
}

/// The trainer was asked about words, or wanted an older text back. A question about the time says nothing about them, unless they are
/// among its fields (seed 1003137).
fn says_why(facts: &Facts<'_>, item: &HistoryItem) -> bool {
    match &item.what {
        HistoryWhat::ConflictRaised { kind, conflict, .. } => {
            let about_time = matches!(kind, ConflictKind::TimeChange | ConflictKind::UnusualMove);
            let asked = |one: &Conflict| {
                one.id == *conflict && one.fields.iter().any(|field| field.field == Field::Notes)
            };
            let laptops = &facts.ended.laptops;
            let mut known = laptops
                .iter()
                .flat_map(|laptop| laptop.conflicts.iter().chain(&laptop.answered));
            !about_time || known.any(asked)
        }
        HistoryWhat::Undone { .. } | HistoryWhat::Restored { .. } => true,
        _ => false,
    }
}
