//! The planted violations of what was wanted back, and of the platform's switch.

use super::*;
use crate::witness::{Switch, Wanted, Wish};

impl World {
    /// The trainer is promised this of an appointment whose state the laptop knows.
    fn promises(&mut self, appointment: &str, wanted: Wanted) {
        self.clock.advance(TimeDelta::seconds(1));
        let known = |record: &&Record| record.appointment_id.as_str() == appointment;
        let record = self.laptop.records.iter().find(known).expect("known");
        self.witnessed.wishes.push(Wish {
            laptop: 0,
            at: self.sandbox.shared.now(),
            appointment: AppointmentId::new(appointment),
            wanted,
            version: record.appointment.as_ref().map(|known| known.version),
            etag: record.event.as_ref().map(|event| event.etag.0.clone()),
        });
        self.clock.advance(TimeDelta::seconds(1));
    }
}

fn time(hour: i64) -> Wanted {
    let wanted = span(hour);
    Wanted::Time(wanted.start, wanted.end)
}

#[test]
fn undo_a_time_that_does_not_come_back() {
    let mut world = World::new();
    let id = world.agreed(15);
    world.promises(&id, time(9));
    world.finds("undo");
    // A refusal says why not.
    let what = HistoryWhat::Refused {
        field: roundtrip_core::record::Field::Time,
        reason: "past".into(),
        detail: None,
    };
    world.told(&id, what);
    world.laptop.history.last_mut().expect("just told").at = world.sandbox.shared.now();
    world.is_in_order();
}

#[test]
fn undo_a_time_that_came_back_is_in_order() {
    let mut world = World::new();
    let id = world.agreed(15);
    world.promises(&id, time(9));
    let what = HistoryWhat::Restored {
        from: Some(span(15)),
        to: Some(span(9)),
    };
    world.told(&id, what);
    world.reported(&id, 9, 1);
    world.wrote(&id, 1, Some(event_at(15)), Some(event_at(9)));
    world.know(&id);
    world.is_in_order();
}

#[test]
fn undo_an_event_that_does_not_come_or_go() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.promises(&id, Wanted::NoEvent);
    world.finds("undo");
    // A later hand explains it.
    world.hand(
        &id,
        1,
        Some(event_at(9)),
        Some(EventState {
            title: Some("mine".into()),
            ..event_at(9)
        }),
    );
    world.is_in_order();

    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    world.laptop.records[0].event = None;
    world.laptop.statuses.clear();
    world.promises(&id, Wanted::Event);
    world.finds("undo");
    world.wrote(&id, 2, None, Some(event_at(9)));
    assert!(world.found().iter().all(|found| found.invariant != "undo"));
}

#[test]
fn undo_over_a_newer_change_by_hand() {
    // The trainer drags the event after the wish, and it is written over.
    let mut world = World::new();
    let id = world.agreed(15);
    world.promises(&id, time(9));
    world.hand(&id, 1, Some(event_at(15)), Some(event_at(20)));
    world.wrote(&id, 1, Some(event_at(20)), Some(event_at(9)));
    world.finds("undo");

    // The admin moves the appointment after the wish, and the report takes no notice.
    let mut world = World::new();
    let id = world.agreed(15);
    world.promises(&id, time(9));
    let platform = world.sandbox.platform.clone();
    platform
        .move_appointment(&id, at("2026-12-01T18:00:00Z"), None, None)
        .expect("there");
    world.clock.advance(TimeDelta::seconds(1));
    world.reported(&id, 9, 1);
    world.finds("undo");

    // An answer by a clock that was set back is older than its question, and excuses it; without the question it is an old answer.
    let now = world.sandbox.shared.now();
    let conflict = roundtrip_core::ids::ConflictId::new("asked");
    let resolved = HistoryWhat::ConflictResolved {
        conflict: conflict.clone(),
        resolution: "keep_calendar".into(),
        by_policy: false,
    };
    world.told(&id, resolved);
    world.laptop.history.last_mut().expect("just told").at = now - TimeDelta::days(2);
    world.finds("undo");
    let raised = HistoryWhat::ConflictRaised {
        kind: roundtrip_core::conflict::ConflictKind::TimeChange,
        fields: Vec::new(),
        conflict,
    };
    world.told(&id, raised);
    world.laptop.history.last_mut().expect("just told").at = now;
    assert!(world.found().iter().all(|found| found.invariant != "undo"));
}

/// What a laptop heard and sent, one after the other.
fn switched(lines: &[Switch]) -> World {
    let mut world = World::new();
    world.agreed(9);
    let now = world.sandbox.shared.now();
    world.witnessed.switch = lines.iter().map(|line| (0, now, line.clone())).collect();
    world
}

fn hears(enabled: bool, run: &str) -> Switch {
    Switch::Hears {
        enabled,
        run: Some(run.into()),
        of_write: false,
    }
}

fn asks(run: &str) -> Switch {
    Switch::Asks {
        run: Some(run.into()),
    }
}

fn writes(run: &str) -> Switch {
    Switch::Writes {
        run: Some(run.into()),
        what: "PATCH /calendar/v3/calendars/primary/events/one".into(),
    }
}

#[test]
fn switch_a_write_after_the_platform_said_no() {
    switched(&[hears(true, "a"), writes("a"), hears(false, "b"), writes("b")]).finds("switch");
    switched(&[hears(false, "a"), hears(true, "b"), writes("b")]).is_in_order();
    // Beside a report that is refused, others are on their way; not without end.
    let refused = Switch::Hears {
        enabled: false,
        run: Some("a".into()),
        of_write: true,
    };
    let mut lines = vec![refused, writes("a")];
    switched(&lines).is_in_order();
    lines.extend(vec![writes("a"); 7]);
    switched(&lines).finds("switch");
}

#[test]
fn switch_a_write_after_a_restart_that_forgot_it() {
    let (start, fresh) = (Switch::Starts { fresh: false }, Switch::Starts { fresh: true });
    let heard = [hears(false, "a"), asks("b")];
    let after = |start: &Switch| [&heard[..], &[start.clone(), writes("c")]].concat();
    switched(&after(&start)).finds("switch");
    // A lost database knows nothing; nor does a run that crashed before its end.
    switched(&after(&fresh)).is_in_order();
    switched(&[hears(false, "a"), start, writes("c")]).is_in_order();
}
