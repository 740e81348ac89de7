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
