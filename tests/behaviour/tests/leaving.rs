//! Leaving without a trace: our events go, those of past visits and the trainer's own stay, and a fresh reading proves it.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{World, at};
use roundtrip_engine::LeavingPlan;
use roundtrip_engine::ledger::Change;
use roundtrip_engine::ports::{CalendarPort, PlatformPort};
use roundtrip_sandbox::faults::Fault;
use serde_json::{Value, json};

/// Twelve visits to come and one that is over, all in the calendar.
async fn with_visits() -> (World, Vec<String>, String) {
    let world = World::new().await;
    let over = world.admin().visit("Alte Apotheke", "2026-11-30 09:00");
    let visits = world.admin().visits(12);
    world.sync().await;
    world.set_time(at("2026-11-30 12:00"));
    world.settle().await;
    assert!(world.trainer().has(&over));
    (world, visits, over)
}

fn refused() -> Fault {
    let body = json!({"error": {"errors": [{"domain": "global", "reason": "forbidden", "message": "Forbidden"}],
        "code": 403, "message": "Forbidden"}});
    Fault::Status {
        status: 403,
        body: Some(body),
        headers: Vec::new(),
    }
}

/// The trainer's own events: everything live without our mark.
fn own(world: &World) -> Vec<Value> {
    let marked: Vec<Value> = world.trainer().marked();
    let mut all = world.trainer().everything();
    all.retain(|event| !marked.contains(event));
    all
}

#[tokio::test]
async fn our_events_go_and_past_visits_and_the_trainer_s_own_stay() {
    let (world, visits, over) = with_visits().await;
    let own_before = own(&world);
    let ids: Vec<String> = visits
        .iter()
        .map(|visit| world.trainer().event_id(visit))
        .collect();
    let plan = world.engine.leaving_plan().await.expect("the ledger works");
    assert_eq!(plan, LeavingPlan { events: 12, kept: 1 });

    let departure = world.engine.depart().await.expect("the ledger works");

    assert_eq!(departure.left, Some(0));
    assert_eq!(departure.kept, 1);
    assert_eq!(departure.problem, None);
    let mut deleted = departure.deleted.clone();
    let mut expected = ids;
    deleted.sort();
    expected.sort();
    assert_eq!(deleted, expected, "every event is named");
    assert!(visits.iter().all(|visit| !world.trainer().has(visit)));
    assert!(world.trainer().has(&over), "the record of what took place stays");
    let gone = |events: Vec<Value>| -> Vec<Value> {
        events
            .into_iter()
            .filter(|event| event["status"] != "cancelled")
            .collect()
    };
    assert_eq!(gone(own(&world)), gone(own_before));

    // The services are told while the sign-ins still hold.
    world.platform.end_integration("google").await.expect("told");
    world.google.revoke().await.expect("revoked");
    world.platform.revoke().await.expect("revoked");
    let mine = |user: &str| user == world.person().user;
    assert!(
        !world
            .admin()
            .platform()
            .integrations()
            .iter()
            .any(|integration| mine(&integration.user))
    );
    world.check_safety();
}

#[tokio::test]
async fn a_copy_that_the_trainer_made_is_the_trainer_s() {
    let (world, visits, _) = with_visits().await;
    let mut copy = world.trainer().event(&visits[0]);
    let fields = copy.as_object_mut().expect("an event");
    for field in [
        "id", "iCalUID", "etag", "htmlLink", "created", "updated", "sequence",
    ] {
        fields.remove(field);
    }
    let copy = world
        .trainer()
        .google()
        .insert_event(world.trainer().address(), "primary", &copy)
        .expect("a copy");

    let departure = world.engine.depart().await.expect("the ledger works");

    assert_eq!(departure.left, Some(0));
    let left = world.trainer().events(&visits[0]);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], copy["id"]);
}

#[tokio::test]
async fn a_calendar_that_refuses_deletions_is_said_and_nothing_is_claimed() {
    let (world, visits, _) = with_visits().await;
    world.spoil_google(refused(), |rule| rule.method("DELETE").times(0));

    let departure = world.engine.depart().await.expect("the ledger works");

    assert_eq!(departure.left, Some(12));
    assert_eq!(departure.deleted, Vec::<String>::new());
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    world.repair();
    // It goes on as before: nothing is deleted behind the trainer's back later.
    world.advance(3_700);
    world.settle().await;
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_proves_nothing() {
    let (world, visits, _) = with_visits().await;
    let trouble = Fault::Status {
        status: 503,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_google(trouble, |rule| rule.method("GET").times(0));

    let departure = world.engine.depart().await.expect("the ledger works");

    assert_eq!(departure.left, None);
    assert!(departure.problem.is_some());
    assert_eq!(departure.deleted, Vec::<String>::new());
    assert!(
        visits.iter().all(|visit| world.trainer().has(visit)),
        "nothing is deleted that could not be proven"
    );
}

#[tokio::test]
async fn events_that_the_ledger_does_not_know_are_found_by_their_mark() {
    let (world, visits, over) = with_visits().await;
    let ledger = world.engine.ledger();
    let records = ledger.records().await.expect("the ledger works");
    let forgotten = records
        .into_iter()
        .map(|record| Change::DeleteRecord(record.appointment_id));
    ledger
        .commit(forgotten.collect())
        .await
        .expect("the ledger works");

    let departure = world.engine.depart().await.expect("the ledger works");

    assert_eq!(departure.left, Some(0));
    assert_eq!(departure.deleted.len(), 12);
    assert!(visits.iter().all(|visit| !world.trainer().has(visit)));
    assert!(world.trainer().has(&over));
    world.check_safety();
}

#[tokio::test]
async fn after_a_start_without_a_cycle_the_lease_is_taken_first() {
    let (mut world, visits, _) = with_visits().await;
    world.restart().await;

    let departure = world.engine.depart().await.expect("the ledger works");

    assert_eq!(departure.left, Some(0));
    assert_eq!(departure.deleted.len(), visits.len());
}

#[tokio::test]
async fn an_event_dragged_into_the_past_is_still_one_of_a_visit_to_come() {
    let (world, visits, _) = with_visits().await;
    world.trainer().drag(&visits[0], "2026-11-29 09:00");
    world.advance(5);
    world.sync().await;
    world.set_time(world.now() + TimeDelta::minutes(1));

    let departure = world.engine.depart().await.expect("the ledger works");

    assert_eq!(departure.left, Some(0));
    assert!(!world.trainer().has(&visits[0]));
}
