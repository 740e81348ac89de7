//! I5 no move is lost, I6 no echo, I7 exactly one notification for each.

use super::deletions::leaves_out;
use super::facts::{Facts, Span, hours_of, moved_to, span_of, told_time};
use crate::ended::{Violation, WireRecord};
use crate::faults::Kind;
use chrono::TimeDelta;
use roundtrip_core::outbox::Intent;
use roundtrip_core::record::LinkState;
use roundtrip_core::settings::{ConflictPolicy, Direction};
use roundtrip_engine::ledger::{HistoryItem, HistoryWhat};
use roundtrip_sandbox::history::{Actor, Change, EventState};
use std::collections::BTreeSet;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for appointment in facts.appointments() {
        let reports = reports(facts, appointment);
        each_report_has_a_move(facts, appointment, &reports, found);
        one_notification_each(facts, appointment, &reports, found);
        for event in facts.events_of(appointment) {
            no_move_is_lost(facts, appointment, event, &reports, found);
        }
    }
}

/// A move that the app told the platform and the platform took.
struct Report<'a> {
    change: &'a Change,
    to: Span,
}

fn reports<'a>(facts: &'a Facts<'_>, appointment: &'a str) -> Vec<Report<'a>> {
    let by_app = facts
        .appointment(appointment)
        .filter(|change| change.actor.is_app());
    let moved = by_app.filter_map(|change| {
        let (before, after) = (change.appointment_before()?, change.appointment_after()?);
        let to = span_of(after);
        (span_of(before) != to).then_some(Report { change, to })
    });
    moved.collect()
}

/// What the trainer did to an event's time: a move, or an event taken from the bin, which has a time of its own.
fn hand_moves<'a>(facts: &'a Facts<'_>, event: &'a str) -> impl Iterator<Item = (&'a Change, Option<Span>)> {
    let by_trainer = facts.event(event).filter(|change| change.actor == Actor::Trainer);
    by_trainer.filter_map(|change| {
        let after = change.event_after().filter(|after| after.is_live())?;
        let back = !change.event_before().is_some_and(EventState::is_live);
        match moved_to(change) {
            Some(to) => Some((change, to)),
            None => back.then(|| (change, hours_of(after))),
        }
    })
}

/// The trainer chose a time in the window: an answer to a conflict, an undo, a restored line.
fn is_wish(item: &HistoryItem) -> bool {
    matches!(
        item.what,
        HistoryWhat::Restored { .. } | HistoryWhat::Undone { .. } | HistoryWhat::ConflictResolved { .. }
    )
}

/// I6 and the first half of I7: each report stands for one move of the trainer, and none for two.
fn each_report_has_a_move(
    facts: &Facts<'_>,
    appointment: &str,
    reports: &[Report<'_>],
    found: &mut Vec<Violation>,
) {
    let mut used = BTreeSet::new();
    for report in reports {
        let seq = report.change.seq;
        // The line bears the laptop's own time where nothing had vouched for another one: up to a month behind (seed 2012552).
        let wished = facts.is_told(appointment, report.change.at - TimeDelta::days(60), is_wish);
        let moves = facts
            .events_of(appointment)
            .into_iter()
            .flat_map(|event| hand_moves(facts, event).map(move |(change, to)| (event, change, to)));
        let latest = moves
            .filter(|(_, change, to)| change.seq < seq && *to == Some(report.to))
            .max_by_key(|(_, change, _)| change.seq);
        let Some((event, moved, _)) = latest else {
            if !wished {
                let what = format!("a move was reported that nobody made (#{seq})");
                facts.violates(found, "I6", appointment, &what);
            }
            continue;
        };
        if !used.insert(moved.seq) && !wished {
            let what = format!("one move (#{}) was reported twice, again in #{seq}", moved.seq);
            facts.violates(found, "I7", appointment, &what);
            continue;
        }
        if overwrites_the_admin(facts, appointment, moved, report) && !wished {
            let what = format!(
                "the trainer's move #{} was reported (#{seq}) over a later one of the admin, and nobody was asked",
                moved.seq
            );
            facts.violates(found, "I5", appointment, &what);
        }
        // Since that move the app itself wrote another time: what came back was old.
        let between = facts
            .event(event)
            .filter(|change| change.seq > moved.seq && change.seq < seq && change.actor.is_app());
        let overwritten = between.filter_map(moved_to).any(|to| to != Some(report.to));
        if overwritten && !wished {
            let what = format!(
                "an own write came back as a move: #{} told again in #{seq}",
                moved.seq
            );
            facts.violates(found, "I6", appointment, &what);
        }
    }
}

/// Whether the admin moved the appointment after the trainer's move and before the report of it, and no policy says that the
/// calendar wins.
fn overwrites_the_admin(facts: &Facts<'_>, appointment: &str, moved: &Change, report: &Report<'_>) -> bool {
    let before = report.change.appointment_before().map(span_of);
    let then = facts
        .appointment_until(appointment, moved.seq)
        .last()
        .map(|(_, state)| span_of(state));
    let by_admin = facts
        .appointment(appointment)
        .filter(|change| change.seq > moved.seq && change.seq < report.change.seq && !change.actor.is_app())
        .filter_map(|change| Some((change.appointment_before()?, change.appointment_after()?)))
        .any(|(before, after)| span_of(before) != span_of(after));
    let calendar_wins = facts.ended.witnessed.settings.iter().any(|(_, _, settings)| {
        matches!(
            settings.time_policy,
            ConflictPolicy::KeepCalendar | ConflictPolicy::MostRecent
        )
    });
    by_admin && before != then && !calendar_wins && !facts.a_database_was_lost()
}

/// I7.
fn one_notification_each(
    facts: &Facts<'_>,
    appointment: &str,
    reports: &[Report<'_>],
    found: &mut Vec<Violation>,
) {
    let told: Vec<Span> = facts
        .told(appointment)
        .filter_map(told_time)
        .filter_map(|(kind, to)| (kind == "moved").then_some(to))
        .collect();
    let moved: Vec<Span> = reports.iter().map(|report| report.to).collect();
    if told != moved {
        let what = format!(
            "{} moves were taken and {} notifications sent",
            moved.len(),
            told.len()
        );
        facts.violates(found, "I7", appointment, &what);
    }
}

/// A platform remembers the key of a report for seven days.
const KEY_MEMORY: TimeDelta = TimeDelta::days(7);

/// Whether nothing can show any more what became of a report whose answer was lost: its key is forgotten, and the admin changed
/// what it brought about (docs/simulation.md, seed 15051).
fn is_forgotten(facts: &Facts<'_>, appointment: &str, report: &Report<'_>) -> bool {
    let mut later = facts
        .appointment(appointment)
        .filter(|change| change.seq > report.change.seq && !change.actor.is_app());
    let gone_on = later.any(|change| {
        change
            .appointment_after()
            .is_none_or(|state| span_of(state) != report.to || !state.is_assigned_to(facts.ended.user))
    });
    !facts.was_heard(report.change) && gone_on && facts.now - report.change.at > KEY_MEMORY
}

/// Whether the platform said no to a report, told so, and took a copy of the same request that the network brought once more later:
/// then the platform says it, and nobody sent it (seed 840053).
fn came_once_more(facts: &Facts<'_>, appointment: &str, report: &Report<'_>) -> bool {
    let again = Kind::DuplicateLater.name();
    let Actor::App(app) = &report.change.actor else {
        return false;
    };
    let sent_once = facts.ended.requests.iter().any(|request| {
        !request.google && request.idempotency_key == app.idempotency_key && request.faults.contains(&again)
    });
    sent_once
        && facts.is_told(appointment, report.change.at - KEY_MEMORY, |item| {
            matches!(&item.what, HistoryWhat::Refused { .. })
        })
}

/// Whether the platform took the first of two copies of one sending, and its answer to the second, for which the sign-in had ended
/// meanwhile, is the one that came: the laptop was turned away, and finds its time there when it reads (seed 4010771). That is none
/// where a sending of the same key was answered with yes, nor where the app put the event back without anybody having moved the
/// appointment on.
fn was_turned_away(facts: &Facts<'_>, appointment: &str, event: &str, report: &Report<'_>) -> bool {
    let twice = Kind::Duplicate.name();
    let Actor::App(app) = &report.change.actor else {
        return false;
    };
    let (Some(key), Some(taken)) = (&app.idempotency_key, &app.request_id) else {
        return false;
    };
    let requests = facts.ended.requests.iter();
    let sendings =
        requests.filter(|request| !request.google && request.idempotency_key.as_ref() == Some(key));
    let answered = |request: &WireRecord| request.status.is_some_and(|status| (200..300).contains(&status));
    let turned_away = |request: &WireRecord| {
        request.request_id.as_ref() == Some(taken)
            && request.faults.contains(&twice)
            && request.status == Some(401)
    };
    let there = |change: &Change| change.appointment_after().map(span_of) == Some(report.to);
    let mut since = facts
        .appointment(appointment)
        .filter(|change| change.seq > report.change.seq);
    let gone_on = since.find(|change| !there(change));
    let put_back = facts
        .event(event)
        .filter(|change| change.seq > report.change.seq && change.actor.is_app())
        .filter(|change| gone_on.is_none_or(|gone_on| change.seq < gone_on.seq))
        .filter_map(moved_to)
        .any(|to| to != Some(report.to));
    sendings.clone().any(turned_away) && !sendings.clone().any(answered) && !put_back
}

/// I5, for each move of one event.
fn no_move_is_lost(
    facts: &Facts<'_>,
    appointment: &str,
    event: &str,
    reports: &[Report<'_>],
    found: &mut Vec<Violation>,
) {
    let mut moves = facts
        .event(event)
        .filter(|change| change.actor == Actor::Trainer)
        .filter_map(|change| Some((change, moved_to(change)?)));
    // A burst ends in one write with the final state (P6): only the last one has to be told.
    let Some((moved, to)) = moves.by_ref().last() else {
        return;
    };
    let removed_later = facts
        .event(event)
        .any(|change| change.seq > moved.seq && !change.event_after().is_some_and(EventState::is_live));
    let Some(now) = facts.appointment_now(appointment) else {
        return;
    };
    let writer = facts.working().find(|laptop| laptop.writes);
    let Some(writer) = writer else {
        // Nobody is there to tell it; it waits in the calendar.
        return;
    };
    let record = writer
        .records
        .iter()
        .find(|record| record.appointment_id.as_str() == appointment);
    let waits = facts
        .ended
        .laptops
        .iter()
        .flat_map(|laptop| &laptop.outbox)
        .any(|row| row.appointment_id.as_str() == appointment && matches!(row.intent, Intent::Move { .. }));
    let reported = reports
        .iter()
        .find(|report| report.change.seq > moved.seq && Some(report.to) == to);
    if let Some(report) = reported {
        let told = facts.is_told(
            appointment,
            moved.at,
            |item| matches!(&item.what, HistoryWhat::MovedBack { to, .. } if (to.start, to.end) == report.to),
        );
        // A laptop that never heard the answer, and no longer writes, has it in its outbox still.
        let forgotten =
            is_forgotten(facts, appointment, report) || came_once_more(facts, appointment, report);
        let forgotten = forgotten || was_turned_away(facts, appointment, event, report);
        if !told && !waits && !forgotten && !facts.a_database_was_lost() {
            let what = format!(
                "the move #{} was reported (#{}) and no history says so",
                moved.seq, report.change.seq
            );
            facts.violates(found, "I5", appointment, &what);
        }
        return;
    }
    let agreed = Some(span_of(now)) == to
        || facts
            .appointment(appointment)
            .filter(|change| change.seq > moved.seq)
            .any(|change| {
                change
                    .appointment_after()
                    .is_some_and(|state| Some(span_of(state)) == to)
            });
    let said = facts.is_told(appointment, moved.at, |item| {
        matches!(
            item.what,
            HistoryWhat::Refused { .. }
                | HistoryWhat::ConflictRaised { .. }
                | HistoryWhat::ConflictResolved { .. }
                | HistoryWhat::Undone { .. }
                | HistoryWhat::Restored { .. }
        )
    });
    let asked = facts.ended.laptops.iter().any(|laptop| {
        let question = laptop
            .questions
            .iter()
            .any(|question| question.appointments.iter().any(|id| id.as_str() == appointment));
        let conflict = laptop
            .conflicts
            .iter()
            .any(|conflict| conflict.appointment_id.as_str() == appointment);
        question || conflict
    });
    let left = record.is_some_and(|record| {
        matches!(
            record.link,
            LinkState::Stopped | LinkState::Kept | LinkState::Closed
        )
    });
    // A filter leaves it out, and the event would have gone with its move: only a series is never deleted.
    let left_out_series =
        leaves_out(writer, appointment).is_some() && facts.event_now(event).is_some_and(|state| state.series);
    let over = span_of(now).1 <= facts.now || to.is_some_and(|to| to.1 <= facts.now);
    let put_back = facts
        .ended
        .laptops
        .iter()
        .any(|laptop| laptop.settings.direction == Direction::Push);
    // Dragged back to where the app had written it last, before anything was told: no move (seed 19311).
    let written = facts
        .event(event)
        .rfind(|change| change.seq < moved.seq && change.actor.is_app());
    let taken_back = written.is_some_and(|written| {
        let told_since =
            |report: &Report<'_>| report.change.seq > written.seq && report.change.seq < moved.seq;
        written.event_after().map(hours_of) == Some(to) && !reports.iter().any(told_since)
    });
    let excused = removed_later
        || taken_back
        || agreed
        || said
        || asked
        || waits
        || left
        || left_out_series
        || over
        || put_back
        || !now.is_assigned_to(facts.ended.user);
    if !excused {
        let what = format!(
            "the trainer's move #{} is neither told, refused, superseded nor asked about",
            moved.seq
        );
        facts.violates(found, "I5", appointment, &what);
    }
}
