//! I1 both sides and the database agree, I2 the next cycle writes nothing, I11 instants are kept, P13 "Synced" is true.

use super::deletions::leaves_out;
use super::facts::{Facts, Span, hours_of, moved_to, span_of};
use crate::ended::{EndedLaptop, Violation};
use roundtrip_core::badge::Badge;
use roundtrip_core::filter::LeftOut;
use roundtrip_core::question::Answer;
use roundtrip_core::record::{LinkState, Record};
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_sandbox::history::{Actor, AppointmentState, Change, EventState, State};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    nothing_more_is_written(facts, found);
    every_time_was_said(facts, found);
    for (number, laptop) in facts.ended.laptops.iter().enumerate() {
        badges_are_true(facts, number, laptop, found);
    }
    let policy = facts.ended.sandbox.platform.policy(facts.ended.user);
    let writer = facts.working().find(|laptop| laptop.writes);
    let Some(writer) = writer.filter(|laptop| policy.enabled && laptop.settings.direction.writes_calendar())
    else {
        return;
    };
    for appointment in facts.appointments() {
        if let Some(now) = facts.appointment_now(appointment) {
            agrees(facts, writer, appointment, now, found);
        }
    }
}

/// I2.
fn nothing_more_is_written(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let writes = facts.ended.sandbox.shared.log().since(facts.ended.quiet_from);
    for request in writes {
        let writes = request.method != "GET"
            && ((request.path.starts_with("/calendar/v3/calendars/") && !request.path.ends_with("/watch"))
                || request.path.starts_with("/v1/appointments"));
        if writes {
            found.push(Violation {
                invariant: "I2",
                what: format!(
                    "a quiet cycle wrote: {} {} answered {:?}",
                    request.method, request.path, request.status
                ),
            });
        }
    }
}

/// I11: each time that the app wrote into an event is one that the platform or the trainer said before.
fn every_time_was_said(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (event, appointment) in facts.own_events() {
        for change in facts.event(event).filter(|change| change.actor.is_app()) {
            let made = change.before.is_none();
            let Some(written) = change.event_after().filter(|after| after.is_live()) else {
                continue;
            };
            if !made && moved_to(change).is_none() {
                continue;
            }
            let by_platform = facts
                .appointment_until(appointment, change.seq)
                .any(|(_, state)| Some(span_of(state)) == hours_of(written));
            let by_trainer = facts
                .event(event)
                .filter(|earlier| earlier.seq < change.seq && earlier.actor == Actor::Trainer)
                .any(|earlier| earlier.event_after().and_then(hours_of) == hours_of(written));
            if !by_platform && !by_trainer {
                let what = format!("the app wrote a time that nobody said (#{})", change.seq);
                facts.violates(found, "I11", appointment, &what);
            }
        }
    }
}

/// P13, for the laptop's own window.
fn badges_are_true(facts: &Facts<'_>, number: usize, laptop: &EndedLaptop, found: &mut Vec<Violation>) {
    if laptop.disconnected {
        return;
    }
    for status in laptop
        .statuses
        .iter()
        .filter(|status| status.badge == Badge::Synced)
    {
        let record = &status.record;
        let appointment = record.appointment_id.as_str();
        let mut untrue = |reason: &str| {
            let what = format!("laptop {number} calls it synced, but {reason}");
            facts.violates(found, "P13", appointment, &what);
        };
        let Some(said) = facts.appointment_now(appointment) else {
            untrue("the platform never had it");
            continue;
        };
        if !said.is_assigned_to(facts.ended.user) {
            untrue("the platform no longer assigns it");
            continue;
        }
        if record.appointment.as_ref().map(|known| known.version) != Some(said.version) {
            untrue("the platform has gone on");
        }
        let event = record
            .event_id
            .as_ref()
            .and_then(|id| facts.event_now(id.as_str()));
        match event.filter(|event| event.is_live()) {
            None => untrue("its event is not there"),
            Some(event) if hours_of(event) != Some(span_of(said)) => untrue("the two times differ"),
            Some(event) => {
                if record.event.as_ref().map(|known| known.etag.0.as_str()) != Some(event.etag.as_str()) {
                    untrue("its event has gone on");
                }
            }
        }
        let waits = laptop
            .outbox
            .iter()
            .any(|row| row.appointment_id.as_str() == appointment);
        let conflict = laptop
            .conflicts
            .iter()
            .any(|conflict| conflict.appointment_id.as_str() == appointment);
        if waits || conflict {
            untrue("something waits");
        }
    }
}

/// Whether a person is asked about it, or chose to leave it alone.
fn is_left_to_a_person(laptop: &EndedLaptop, record: Option<&Record>, appointment: &str) -> bool {
    let conflict = laptop
        .conflicts
        .iter()
        .any(|conflict| conflict.appointment_id.as_str() == appointment);
    let question = laptop
        .questions
        .iter()
        .any(|question| question.appointments.iter().any(|id| id.as_str() == appointment));
    let chosen = record.is_some_and(|record| matches!(record.link, LinkState::Stopped | LinkState::Kept));
    conflict || question || chosen
}

/// When the trainer last signed in anywhere: a lost database begins a connection anew, and none is made later than that.
fn last_sign_in(facts: &Facts<'_>) -> chrono::DateTime<chrono::Utc> {
    let signed_in = facts.history.iter().rev().filter(|change| {
        matches!(
            &change.after,
            Some(State::Session {
                what: "signed_in",
                ..
            })
        )
    });
    signed_in.map(|change| change.at).next().unwrap_or_default()
}

/// I1 for one appointment.
fn agrees(
    facts: &Facts<'_>,
    laptop: &EndedLaptop,
    appointment: &str,
    said: &AppointmentState,
    found: &mut Vec<Violation>,
) {
    let mut differs = |what: &str| facts.violates(found, "I1", appointment, what);
    let events = facts.events_of(appointment);
    let live: Vec<(&str, &EventState)> = events
        .iter()
        .filter_map(|event| Some((*event, facts.event_now(event)?)))
        .filter(|(_, event)| event.is_live())
        .collect();
    let record = laptop
        .records
        .iter()
        .find(|record| record.appointment_id.as_str() == appointment);
    let left_alone = laptop.history.iter().any(|item| {
        let of_all = matches!(
            &item.what,
            HistoryWhat::Answered {
                answer: Answer::Leave,
                ..
            }
        );
        // "Keep", said to what was held; where the appointment is over since, the record no longer says so (seed 11573).
        let of_this = matches!(
            &item.what,
            HistoryWhat::HeldAnswered {
                answer: Answer::Leave,
            }
        ) && item
            .appointment_id
            .as_ref()
            .is_some_and(|id| id.as_str() == appointment);
        of_all || of_this
    });
    let over = |(_, end): Span| end <= facts.now;
    let asked = is_left_to_a_person(laptop, record, appointment);

    if !said.is_assigned_to(facts.ended.user) {
        let still = live.iter().find(|(_, event)| !over((event.start, event.end)));
        // What the admin did with it just before and since, nobody tells this trainer. What was over by all that the laptop
        // was told keeps its event (seeds 10173, 11573).
        let told = record.and_then(|record| {
            let marked = || record.event.as_ref()?.mark.as_ref().map(|mark| mark.version);
            record
                .appointment
                .as_ref()
                .map(|known| known.version)
                .or_else(marked)
        });
        let mut states = facts.appointment_until(appointment, u64::MAX);
        let was_over = states.any(|(_, state)| Some(state.version) == told && over(span_of(state)));
        if still.is_some() && !asked && !left_alone && !over(span_of(said)) && !was_over {
            differs("it is not the trainer's any more, and its event is still there");
        }
        return;
    }
    if over(span_of(said)) {
        let by_trainer = |change: &Change| change.actor == Actor::Trainer && moved_to(change).is_some();
        let mut ahead = live
            .iter()
            .filter(|(_, event)| !over((event.start, event.end)) && !event.all_day && !event.series);
        let knows = record.and_then(|record| record.appointment.as_ref());
        let knows = knows.is_some_and(|known| known.version == said.version);
        let stands = ahead.any(|(event, _)| !facts.event(event).any(by_trainer));
        if stands && knows && !asked && !left_alone && laptop.settings.direction.writes_calendar() {
            differs("it is over, and its event stands ahead at a time that nobody says any more");
        }
        return;
    }
    let Some(record) = record else {
        differs("the laptop does not know it");
        return;
    };
    match &record.appointment {
        None => differs("the laptop does not know what the platform says of it"),
        Some(known) if known.version != said.version => {
            differs(&format!(
                "the laptop knows version {}, the platform is at {}",
                known.version, said.version
            ));
        }
        Some(known) => {
            let span = known.span();
            if (span.start, span.end) != span_of(said) {
                differs("the laptop has the right version with another time");
            }
        }
    }
    if asked || left_alone {
        return;
    }
    if let Some(reason) = leaves_out(laptop, appointment) {
        if reason == LeftOut::BeforeConnection && span_of(said).0 >= last_sign_in(facts) {
            differs("it began after the connection was made and is left out as if it had been before");
            return;
        }
        let made_by_trainer = live
            .iter()
            .any(|(event, _)| facts.own(event).is_some_and(|(_, nth)| nth == 0));
        // A series is never written to, and deleting it would take more than was made.
        let still = live
            .iter()
            .any(|(_, event)| !over((event.start, event.end)) && !event.series);
        let removes = laptop.settings.filters.left_out == roundtrip_core::settings::LeftOutPolicy::Remove;
        // What lies before the connection stays as it is.
        let untouched = reason == LeftOut::BeforeConnection;
        if still && removes && !untouched && !made_by_trainer && record.link != LinkState::Closed {
            differs("a filter leaves it out, and its event is still there");
        }
        return;
    }
    match live.as_slice() {
        [] => {
            // By hand, or by another laptop, whose filters may leave it out.
            let by_us = |change: &Change| {
                let device = |number: usize| &facts.ended.laptops[number].device;
                let one = facts
                    .laptop_of(change)
                    .is_none_or(|number| *device(number) == laptop.device);
                change.actor.is_app() && one
            };
            let removed = |change: &Change| {
                change.event_before().is_some_and(EventState::is_live)
                    && !change.event_after().is_some_and(EventState::is_live)
                    // A laptop that lost its database may find its own deletion.
                    && (!by_us(change) || laptop.database_was_lost)
            };
            let by_somebody = events.iter().any(|event| facts.event(event).any(removed));
            let says_so = matches!(record.link, LinkState::Removed { .. });
            match (says_so, by_somebody) {
                (true, true) => {}
                (true, false) => differs("the laptop calls its event removed, and nobody removed one"),
                (false, _) => differs("it has no event"),
            }
        }
        [(event, state)] => {
            if hours_of(state) != Some(span_of(said)) {
                differs("the two times differ and nobody is asked");
            }
            let known = record
                .event
                .as_ref()
                .filter(|_| record.event_id.as_ref().is_some_and(|id| id.as_str() == *event));
            match known {
                None => differs("the laptop does not know its live event"),
                Some(known) if known.etag.0 != state.etag => {
                    differs("the laptop knows another state of its event")
                }
                Some(_) => {}
            }
        }
        // I3 says it.
        _ => {}
    }
    if laptop
        .outbox
        .iter()
        .any(|row| row.appointment_id.as_str() == appointment)
    {
        differs("something still waits in the outbox");
    }
}
