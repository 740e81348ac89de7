//! I3 one event each, I4 nothing foreign touched, I15 nobody mailed, P10 own text kept, P11 nothing from before.

use super::facts::{Facts, span_of};
use crate::ended::{Violation, WireRecord};
use roundtrip_core::text;
use roundtrip_sandbox::google::Via;
use roundtrip_sandbox::history::{Actor, Change, EventState, State, Subject};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    one_event_each(facts, found);
    nothing_foreign(facts, found);
    nobody_mailed(facts, found);
    own_text_survives(facts, found);
    nothing_from_before(facts, found);
}

/// Whether this change made an event appear.
fn appears(change: &Change) -> bool {
    change.event_after().is_some_and(EventState::is_live)
        && !change.event_before().is_some_and(EventState::is_live)
}

/// Whose hand last made an event appear, before the change of this number.
fn brought_by<'a>(facts: &'a Facts<'_>, event: &str, seq: u64) -> Option<&'a Actor> {
    let before = facts.event(event).take_while(|change| change.seq < seq);
    before
        .filter(|change| appears(change))
        .last()
        .map(|change| &change.actor)
}

/// I3.
fn one_event_each(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for appointment in facts.appointments() {
        let events = facts.events_of(appointment);
        let live = events
            .iter()
            .filter(|event| facts.event_now(event).is_some_and(EventState::is_live));
        // A laptop that is switched off cannot take the second one away that the trainer took from the bin.
        let excused = live
            .clone()
            .any(|event| nobody_could_tidy(facts, appointment, event));
        if live.clone().count() > 1 && facts.working().any(|laptop| laptop.writes) && !excused {
            let what = format!("has {} live events at the end", live.count());
            facts.violates(found, "I3", appointment, &what);
        }
        for event in &events {
            for change in facts
                .event(event)
                .filter(|change| change.actor.is_app() && appears(change))
            {
                if change.before.is_some() {
                    let what = format!("its deleted event was brought back by the app (#{})", change.seq);
                    facts.violates(found, "I3", appointment, &what);
                }
                let other = events.iter().find(|other| {
                    *other != event
                        && facts.event_at(other, change.seq).is_some_and(EventState::is_live)
                        // Taken from the bin by the trainer, which nobody could know yet.
                        && brought_by(facts, other, change.seq).is_some_and(Actor::is_app)
                        // Denied by the calendar, and then by a second look (seed 15130).
                        && !facts
                            .laptop_of(change)
                            .is_some_and(|laptop| facts.was_said_to_be_gone(laptop, other, change.at))
                });
                if other.is_some() {
                    let what = format!("a second event was made while one was there (#{})", change.seq);
                    facts.violates(found, "I3", appointment, &what);
                }
            }
        }
    }
}

/// Taken from the bin by the trainer's hand, and no laptop asked the calendar anything before the appointment was over: what
/// is over is written no more (seed 732212).
fn nobody_could_tidy(facts: &Facts<'_>, appointment: &str, event: &str) -> bool {
    let Some(brought) = facts.event(event).rfind(|change| appears(change)) else {
        return false;
    };
    let end = facts.appointment_now(appointment).map(|now| span_of(now).1);
    let (from, app) = (brought.at, brought.actor.is_app());
    let asked =
        |record: &WireRecord| record.google && record.at >= from && end.is_some_and(|end| record.at < end);
    !app && end.is_some_and(|end| from < end && end <= facts.now) && !facts.ended.requests.iter().any(asked)
}

/// When an event of the trainer's own became one of ours.
fn is_ours(facts: &Facts<'_>, event: &str, seq: u64) -> bool {
    match facts.own(event) {
        None => false,
        // An event that the trainer made is ours from the moment the platform made an appointment of it.
        Some((appointment, 0)) => facts
            .appointment(appointment)
            .next()
            .is_some_and(|change| change.seq < seq),
        Some(_) => true,
    }
}

/// I4.
fn nothing_foreign(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for change in facts.history.iter().filter(|change| change.actor.is_app()) {
        let (place, event) = match &change.subject {
            Subject::Event { calendar, id } => (calendar, id),
            Subject::Calendar { id } => {
                found.push(Violation {
                    invariant: "I4",
                    what: format!("the app deleted the calendar {id}"),
                });
                continue;
            }
            _ => continue,
        };
        if place != facts.ended.account || !is_ours(facts, event, change.seq) {
            found.push(Violation {
                invariant: "I4",
                what: format!("the app wrote to an event that is not ours: {change}"),
            });
        }
    }
    for tried in facts.ended.sandbox.google.audit() {
        let foreign = tried.calendar != facts.ended.account
            || tried
                .event
                .as_deref()
                .is_none_or(|event| facts.own(event).is_none());
        if tried.via == Via::Api && tried.status >= 300 && foreign {
            found.push(Violation {
                invariant: "I4",
                what: format!(
                    "the app tried to {} an event that is not ours ({:?}, answered {})",
                    tried.method, tried.event, tried.status
                ),
            });
        }
    }
    // What was there before is as it was, unless its owner changed it.
    for ((account, calendar, event), before) in facts.ended.before {
        let Ok(now) = facts.ended.sandbox.google.event(account, calendar, event) else {
            continue;
        };
        let touched = facts.history.iter().any(|change| {
            change.actor == Actor::Trainer
                && matches!(&change.subject, Subject::Event { id, .. } if id == event)
        });
        if !touched && now["etag"] != before["etag"] {
            found.push(Violation {
                invariant: "I4",
                what: format!(
                    "the trainer's own event {event} in {calendar} was changed by nobody that we know"
                ),
            });
        }
    }
}

/// I15.
fn nobody_mailed(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut say = |what: String| {
        found.push(Violation {
            invariant: "I15",
            what,
        });
    };
    for change in &facts.history {
        let (Actor::App(app), Subject::Event { .. }) = (&change.actor, &change.subject) else {
            continue;
        };
        if app.send_updates.as_deref() != Some("none") || app.attendees_sent {
            say(format!(
                "sendUpdates={:?}, attendees in the body: {}: {change}",
                app.send_updates, app.attendees_sent
            ));
        }
    }
    for tried in facts.ended.sandbox.google.audit() {
        let quiet = tried.send_updates.as_deref() == Some("none") && !tried.attendees_sent;
        if tried.via == Via::Api && (!quiet || !tried.mailed.is_empty()) {
            say(format!(
                "a {} of {:?}, answered {}, with sendUpdates={:?}, attendees {}",
                tried.method, tried.event, tried.status, tried.send_updates, tried.attendees_sent
            ));
        }
    }
}

/// What of a description is the trainer's, free of spelling.
pub(super) fn own_text(event: &EventState) -> String {
    let parts = text::split(event.description.as_deref().unwrap_or_default());
    let whole = format!("{}\n{}", parts.before, parts.after);
    text::normalise(&whole)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// P10.
fn own_text_survives(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (event, appointment) in facts.own_events() {
        for change in facts.event(event).filter(|change| change.actor.is_app()) {
            let (Some(before), Some(after)) = (change.event_before(), change.event_after()) else {
                continue;
            };
            let both = before.is_live() && after.is_live();
            // Half a marker line is taken out with the block: the trainer's words around it are what counts.
            let words = own_text(before);
            if both && !words.contains("┈┈") && words != own_text(after) {
                let what = format!(
                    "the trainer's own text in the event was changed (#{})",
                    change.seq
                );
                facts.violates(found, "P10", appointment, &what);
            }
        }
    }
}

/// P11.
fn nothing_from_before(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let first_sign_in = facts.history.iter().find_map(|change| match &change.after {
        Some(State::Session {
            what: "signed_in", ..
        }) => Some(change.at),
        _ => None,
    });
    let Some(connected) = first_sign_in else {
        return;
    };
    for (event, appointment) in facts.own_events() {
        let made = facts
            .event(event)
            .find(|change| change.actor.is_app() && change.before.is_none());
        let Some((made, event)) = made.and_then(|made| Some((made, made.event_after()?))) else {
            continue;
        };
        if event.start < connected {
            let what = format!(
                "an event was made of what began before the connection (#{})",
                made.seq
            );
            facts.violates(found, "P11", appointment, &what);
        }
    }
}
