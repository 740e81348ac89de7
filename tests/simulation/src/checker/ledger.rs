//! I8 each history row has its cause and versions only grow, I13 nothing secret on the disk.

use super::facts::{Facts, hours_of, span_of};
use crate::ended::{EndedLaptop, Violation};
use roundtrip_engine::ledger::{HistoryResult, HistoryWhat};
use roundtrip_sandbox::history::EventState;
use std::collections::BTreeSet;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (number, laptop) in facts.ended.laptops.iter().enumerate() {
        rows_have_causes(facts, number, laptop, found);
        no_version_is_invented(facts, number, laptop, found);
        nothing_secret_on_the_disk(number, laptop, found);
    }
    marks_only_grow(facts, found);
}

/// I8: what the history says was done was done.
fn rows_have_causes(facts: &Facts<'_>, number: usize, laptop: &EndedLaptop, found: &mut Vec<Violation>) {
    let runs: BTreeSet<&str> = laptop.runs.iter().map(|run| run.id.as_str()).collect();
    for item in &laptop.history {
        let nameless = |word: &str| Violation {
            invariant: "I8",
            what: format!("laptop {number}: a row {word}: {item:?}"),
        };
        if item
            .run_id
            .as_ref()
            .is_some_and(|run| !runs.contains(run.as_str()))
        {
            found.push(nameless("of a run that never was"));
        }
        let about_one = matches!(
            item.what,
            HistoryWhat::Added { .. }
                | HistoryWhat::Changed { .. }
                | HistoryWhat::Deleted { .. }
                | HistoryWhat::MovedBack { .. }
                | HistoryWhat::NotesBack { .. }
                | HistoryWhat::ConflictRaised { .. }
                | HistoryWhat::Refused { .. }
        );
        let Some(appointment) = &item.appointment_id else {
            if about_one {
                found.push(nameless("about nothing"));
            }
            continue;
        };
        let appointment = appointment.as_str();
        let done = item.result == HistoryResult::Ok;
        let events = facts.events_of(appointment);
        let mut by_app = events
            .iter()
            .flat_map(|event| facts.event(event))
            .filter(|change| change.actor.is_app());
        let has_cause = match &item.what {
            HistoryWhat::Added { time } if done => by_app.any(|change| {
                // Without its database a laptop takes what it once wrote for what it has just made.
                // Where a try of its own is under way, nobody can tell whose it was that got there (seed 19060).
                let made = laptop.database_was_lost
                    || tried_in_vain(facts, number)
                    || !change.event_before().is_some_and(EventState::is_live);
                made && change.event_after().and_then(hours_of) == Some((time.start, time.end))
            }),
            HistoryWhat::Deleted { .. }
                if done
                    && events
                        .iter()
                        .any(|event| facts.was_said_to_be_gone(number, event, facts.now)) =>
            {
                true
            }
            HistoryWhat::Deleted { .. } if done => {
                events.iter().flat_map(|event| facts.event(event)).any(|change| {
                    // Deleted, or found gone: the same thing to a person.
                    change.event_before().is_some_and(EventState::is_live)
                        && !change.event_after().is_some_and(EventState::is_live)
                })
            }
            HistoryWhat::MovedBack { to, .. } if done => facts.appointment(appointment).any(|change| {
                change
                    .appointment_after()
                    .is_some_and(|state| span_of(state) == (to.start, to.end))
            }),
            _ => true,
        };
        if !has_cause {
            let what = format!("laptop {number} tells what never happened: {:?}", item.what);
            facts.violates(found, "I8", appointment, &what);
        }
    }
}

/// Whether this laptop ever wanted to make an event and heard neither yes nor that there is one.
fn tried_in_vain(facts: &Facts<'_>, number: usize) -> bool {
    facts.ended.requests.iter().any(|request| {
        let answered = request
            .status
            .is_some_and(|status| (200..300).contains(&status) || status == 409);
        let inserts = request.google && request.method == "POST" && request.path.contains("/events?");
        request.laptop == number && inserts && !answered
    })
}

/// I8: nobody knows a version that the platform has not said.
fn no_version_is_invented(
    facts: &Facts<'_>,
    number: usize,
    laptop: &EndedLaptop,
    found: &mut Vec<Violation>,
) {
    for record in &laptop.records {
        let appointment = record.appointment_id.as_str();
        let said = facts.appointment_now(appointment).map(|state| state.version);
        let known = record.appointment.as_ref().map(|known| known.version);
        if known.is_some() && known > said {
            let what = format!("laptop {number} knows version {known:?}, the platform is at {said:?}");
            facts.violates(found, "I8", appointment, &what);
        }
    }
}

/// I8: what is written into an event never comes from an older version than what was written there before.
fn marks_only_grow(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (event, appointment) in facts.own_events() {
        let mut highest = 0_u64;
        for change in facts.event(event).filter(|change| change.actor.is_app()) {
            let version = change
                .event_after()
                .and_then(|after| after.mark.get("rt_version")?.parse().ok());
            let Some(version) = version else { continue };
            if version < highest {
                let what = format!(
                    "version {version} was written over version {highest} (#{})",
                    change.seq
                );
                facts.violates(found, "I8", appointment, &what);
            }
            highest = highest.max(version);
        }
    }
}

/// How the sandbox's tokens begin.
const TOKENS: [&[u8]; 4] = [b"ya29.a0", b"1//0g", b"laa_", b"lar_"];

/// I13.
fn nothing_secret_on_the_disk(number: usize, laptop: &EndedLaptop, found: &mut Vec<Violation>) {
    let Ok(files) = std::fs::read_dir(&laptop.folder) else {
        return;
    };
    for file in files.flatten() {
        let Ok(bytes) = std::fs::read(file.path()) else {
            continue;
        };
        if let Some(token) = secret_in(&bytes) {
            let what = format!(
                "laptop {number}: a token that begins with {token:?} in {:?}",
                file.file_name()
            );
            found.push(Violation {
                invariant: "I13",
                what,
            });
        }
    }
}

fn secret_in(bytes: &[u8]) -> Option<String> {
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(byte, b'y' | b'1' | b'l') {
            let token = TOKENS.iter().find(|token| bytes[at..].starts_with(token));
            if let Some(token) = token {
                return Some(String::from_utf8_lossy(token).into_owned());
            }
        }
    }
    None
}
