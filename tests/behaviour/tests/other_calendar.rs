//! Another calendar is chosen after the trainer moved events into it by hand.

use roundtrip_behaviour_tests::{Laptop, World, at, start_of};
use roundtrip_core::ids::AppointmentId;
use serde_json::Value;

/// Mara's second calendar.
const OTHER: &str = "c_maravogtfamilie7m2k@group.calendar.google.com";

async fn with_visits(count: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    let visits = world.admin().visits(count);
    world.settle().await;
    (world, visits)
}

fn events_there(world: &World, visit: &str) -> Vec<Value> {
    let trainer = world.trainer();
    let all = trainer.google().list_all(trainer.address(), OTHER);
    let mut all = all.expect("the trainer's own calendar");
    all.retain(|event| {
        event["status"] != "cancelled" && event["extendedProperties"]["private"]["rt_appointment"] == visit
    });
    all
}

fn event_there(world: &World, visit: &str) -> Value {
    let mut found = events_there(world, visit);
    assert_eq!(found.len(), 1, "events of {visit}: {found:#?}");
    found.remove(0)
}

fn move_there(world: &World, visit: &str) -> String {
    let trainer = world.trainer();
    let id = trainer.event_id(visit);
    let moved = trainer
        .google()
        .move_event_to_calendar(trainer.address(), "primary", &id, OTHER);
    moved.expect("the trainer may move it");
    assert!(!trainer.has(visit));
    id
}

/// The ledger of the newly chosen calendar is empty, as in the app.
async fn choose(world: &World, former: &[&str]) -> Laptop {
    let laptop = world.laptop.without_database_in(OTHER, former).await;
    laptop.start().await;
    laptop.settle().await;
    laptop
}

#[tokio::test]
async fn events_moved_by_hand_are_adopted_and_followed_in_the_calendar_chosen_next() {
    let (world, visits) = with_visits(3).await;
    let moved = [move_there(&world, &visits[0]), move_there(&world, &visits[1])];
    let stays = world.trainer().event_id(&visits[2]);

    let laptop = choose(&world, &["primary"]).await;
    for (visit, id) in visits.iter().zip(&moved) {
        assert_eq!(event_there(&world, visit)["id"], **id);
    }
    let own = laptop
        .config
        .identity
        .event_id(&AppointmentId::new(&*visits[2]), 1);
    assert_eq!(event_there(&world, &visits[2])["id"], own.0);
    assert_eq!(world.trainer().event_id(&visits[2]), stays);

    world.admin().move_to(&visits[0], "2026-12-20 14:00");
    world.admin().cancel(&visits[1]);
    laptop.settle().await;
    let followed = event_there(&world, &visits[0]);
    assert_eq!(followed["id"], moved[0]);
    assert_eq!(start_of(&followed), at("2026-12-20 14:00"));
    assert!(events_there(&world, &visits[1]).is_empty());

    // And without a ledger once more: the mark still tells whose it is.
    let laptop = choose(&world, &["primary"]).await;
    assert_eq!(event_there(&world, &visits[0])["id"], moved[0]);
    let mark = world.mark();
    laptop.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);
}

#[tokio::test]
async fn leaving_takes_what_was_moved_by_hand_too() {
    let (world, visits) = with_visits(3).await;
    let moved = [move_there(&world, &visits[0]), move_there(&world, &visits[1])];
    let laptop = choose(&world, &["primary"]).await;

    let departure = laptop.engine.depart(3, false).await;
    let departure = departure.expect("nothing stands against it");
    assert_eq!((departure.left, departure.kept), (Some(0), 0));
    assert!(moved.iter().all(|id| departure.deleted.contains(id)));
    assert!(visits.iter().all(|visit| events_there(&world, visit).is_empty()));
    assert!(world.trainer().has(&visits[2]), "what was not moved stays behind");
}

#[tokio::test]
async fn beside_the_calendar_s_own_event_a_moved_one_is_neither_taken_for_it_nor_deleted() {
    let (world, visits) = with_visits(6).await;
    let moved: Vec<String> = visits.iter().map(|visit| move_there(&world, visit)).collect();
    // As it was made before moved ones were known.
    let before = choose(&world, &[]).await;
    let own = |visit: &str| before.config.identity.event_id(&AppointmentId::new(visit), 1).0;

    let laptop = choose(&world, &["primary"]).await;
    for (visit, moved) in visits.iter().zip(&moved) {
        let ids: Vec<Value> = events_there(&world, visit)
            .iter()
            .map(|event| event["id"].clone())
            .collect();
        assert_eq!(ids.len(), 2, "{ids:?}");
        assert!(ids.contains(&own(visit).into()) && ids.contains(&moved.as_str().into()));
    }
    for visit in &visits {
        let known = laptop.record(visit).await.and_then(|record| record.event_id);
        assert_eq!(known.map(|id| id.0), Some(own(visit)));
    }

    // "Delete everything" takes what it counted, and leaves what sync leaves.
    let departure = laptop
        .engine
        .depart(6, false)
        .await
        .expect("six are known, and six are found");
    assert_eq!(departure.left, Some(0));
    for (visit, moved) in visits.iter().zip(&moved) {
        assert_eq!(event_there(&world, visit)["id"], **moved);
    }
}

/// One laptop knows of the calendar before, the other does not and makes its own events.
#[tokio::test]
async fn two_laptops_that_know_of_different_calendars_take_no_event_from_each_other() {
    let (world, visits) = with_visits(3).await;
    let moved: Vec<String> = visits.iter().map(|visit| move_there(&world, visit)).collect();
    let knows = choose(&world, &["primary"]).await;
    let other = choose(&world, &[]).await;
    knows.settle().await;
    other.settle().await;
    for (visit, moved) in visits.iter().zip(&moved) {
        let own = other.config.identity.event_id(&AppointmentId::new(visit), 1);
        let there = events_there(&world, visit);
        assert_eq!(there.len(), 2, "{there:#?}");
        assert!(there.iter().any(|event| event["id"] == **moved));
        let followed = knows.record(visit).await.and_then(|record| record.event_id);
        assert_eq!(followed, Some(own), "both follow the same one");
    }
}
