//! What the checker excuses, each next to what is almost the same and no excuse.

use super::*;
use crate::faults::Kind;
use roundtrip_engine::ledger;

/// Five events removed in the calendar, and a sixth so many minutes later, respected without a question. In between each of these
/// laptops was told a time that was so many seconds ahead.
fn removed(minutes: i64, told: &[(usize, i64)]) -> World {
    let mut world = World::new();
    let ids: Vec<String> = (0..6).map(|hour| world.agreed(hour)).collect();
    for (hour, id) in (0..).zip(&ids) {
        world.hand(id, 1, Some(event_at(hour)), Some(deleted(event_at(hour))));
    }
    for (laptop, seconds) in told {
        let at = world.sandbox.shared.now();
        world.requests.push(WireRecord {
            laptop: *laptop,
            at,
            method: "PUT".into(),
            faults: vec![Kind::ServiceClock.name()],
            told_ahead: TimeDelta::seconds(*seconds),
            ..first_request(false, Some(200))
        });
    }
    let first = world.sandbox.shared.now();
    for (number, record) in world.laptop.records.iter_mut().enumerate() {
        let later = if number < 5 { 0 } else { minutes };
        let at = first + TimeDelta::minutes(later);
        record.link = LinkState::Removed {
            by_trainer: true,
            at,
            version: 1,
        };
        let put = ledger::Change::PutRecord(Box::new(record.clone()));
        world.witnessed.commits(0, at, &[put]);
    }
    world.clock.advance(TimeDelta::minutes(minutes));
    world.laptop.statuses.clear();
    world
}

/// Seed 4001140.
#[test]
fn p8_an_hour_is_over_sooner_by_as_much_as_a_service_told_another_time() {
    for (minutes, told) in [
        (60, vec![]),
        (56, vec![(0, -300)]),
        (56, vec![(0, 300)]),
        (51, vec![(0, -300), (0, 300)]),
    ] {
        removed(minutes, &told).is_in_order();
    }
    for (minutes, told) in [
        (56, vec![]),
        (54, vec![(0, -300)]),
        (54, vec![(0, 300)]),
        (54, vec![(0, -300), (0, -300)]),
        (56, vec![(0, -120)]),
        (56, vec![(1, -300)]),
    ] {
        removed(minutes, &told).finds("P8");
    }
}

/// A sending of a report with this key.
fn sending(id: &str, key: &str, fault: Option<Kind>, status: u16) -> WireRecord {
    WireRecord {
        method: "POST".into(),
        path: "/v1/appointments/apt_1/move?".into(),
        request_id: Some(id.into()),
        idempotency_key: Some(key.into()),
        faults: fault.map(Kind::name).into_iter().collect(),
        ..first_request(false, Some(status))
    }
}

/// A move that the platform took from the sending `run-2` with the key `k`, and of which no history tells; these were the sendings.
fn taken(sendings: Vec<WireRecord>) -> (World, String) {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    let by = Actor::App(AppRequest {
        request: 2,
        request_id: Some("run-2".into()),
        idempotency_key: Some("k".into()),
        ..AppRequest::default()
    });
    world.reported_by(by, &id, 15, 1);
    world.know(&id);
    world.requests.extend(sendings);
    (world, id)
}

/// Seed 4010771.
#[test]
fn i5_a_report_whose_second_copy_was_turned_away_need_not_be_told() {
    let turned_away = || sending("run-2", "k", Some(Kind::Duplicate), 401);
    taken(vec![turned_away()]).0.is_in_order();
    // What was turned away is not what was taken, it was not sent twice, or another sending was answered with yes.
    for sendings in [
        vec![],
        vec![sending("run-2", "k", None, 401)],
        vec![sending("run-2", "k", Some(Kind::Duplicate), 409)],
        vec![sending("run-2", "other", Some(Kind::Duplicate), 401)],
        vec![sending("run-1", "k", Some(Kind::Duplicate), 401)],
        vec![turned_away(), sending("run-3", "k", None, 200)],
    ] {
        taken(sendings).0.finds("I5");
    }
}

#[test]
fn i5_a_report_that_was_turned_away_and_taken_is_told_where_its_event_was_put_back() {
    let turned_away = || vec![sending("run-2", "k", Some(Kind::Duplicate), 401)];
    let (mut world, id) = taken(turned_away());
    world.wrote(&id, 1, Some(event_at(15)), Some(event_at(9)));
    world.know(&id);
    world.finds("I5");
    // The admin moved it on, and the event went with it.
    let (mut world, id) = taken(turned_away());
    let platform = world.sandbox.platform.clone();
    let (start, end) = (event_at(18).start, event_at(18).end);
    platform
        .move_appointment(&id, start, Some(end), None)
        .expect("there");
    world.wrote(&id, 1, Some(event_at(15)), Some(event_at(18)));
    world.know(&id);
    world.is_in_order();
}
