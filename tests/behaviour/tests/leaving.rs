//! Leaving without a trace: our events go, those of past visits and the trainer's own stay, and a fresh reading proves it.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::conflict::Resolution;
use roundtrip_core::record::Field;
use roundtrip_core::settings::ConflictPolicy;
use roundtrip_engine::ledger::{Change, HistoryWhat};
use roundtrip_engine::ports::{CalendarPort, PlatformPort};
use roundtrip_engine::{DepartError, Departure, LeavingPlan};
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::{EditableField, NewAppointment};
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

async fn depart(world: &World, confirmed: u32) -> Departure {
    let gone = world.engine.depart(confirmed, false).await;
    gone.expect("nothing stands against it")
}

async fn plan(world: &World) -> LeavingPlan {
    world.engine.leaving_plan().await.expect("the ledger works")
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
    assert_eq!(
        plan,
        LeavingPlan {
            events: 12,
            kept: 1,
            unreported: 0
        }
    );

    let departure = depart(&world, 12).await;

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

    let departure = depart(&world, 12).await;

    assert_eq!(departure.left, Some(0));
    let left = world.trainer().events(&visits[0]);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], copy["id"]);
}

#[tokio::test]
async fn a_calendar_that_refuses_deletions_is_said_and_nothing_is_claimed() {
    let (world, visits, _) = with_visits().await;
    world.spoil_google(refused(), |rule| rule.method("DELETE").times(0));

    let departure = depart(&world, 12).await;

    assert_eq!(departure.left, Some(12));
    assert_eq!(departure.deleted, Vec::<String>::new());
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    assert!(departure.paused);
    world.repair();
    // Once resumed it goes on as before: nothing is deleted behind the trainer's back later.
    world.advance(3_700);
    world.engine.pause_until(None).await.expect("resumed");
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

    let departure = depart(&world, 12).await;

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

    assert_eq!(plan(&world).await.events, 0);

    // What was confirmed was wrong, so nothing goes; but from now on they are known.
    let refused = world.engine.depart(0, false).await.map(|_| ());
    assert_eq!(refused, Err(DepartError::Stale { found: 12 }));
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    assert_eq!(plan(&world).await.events, 12);

    let departure = depart(&world, 12).await;

    assert_eq!(departure.left, Some(0));
    assert_eq!(departure.deleted.len(), 12);
    assert!(visits.iter().all(|visit| !world.trainer().has(visit)));
    assert!(world.trainer().has(&over));
    for visit in &visits {
        let told = world.story(visit).await;
        let is_deletion = |what: &HistoryWhat| matches!(what, HistoryWhat::Deleted { .. });
        assert!(told.iter().any(is_deletion), "{told:?}");
    }
    world.check_safety();
}

#[tokio::test]
async fn after_a_start_without_a_cycle_the_lease_is_taken_first() {
    let (mut world, visits, _) = with_visits().await;
    world.restart().await;

    let departure = depart(&world, 12).await;

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

    // The move is one that the admin would never hear of.
    let refused = world.engine.depart(12, false).await.map(|_| ());
    assert_eq!(refused, Err(DepartError::MovesWaiting(1)));
    let departure = world.engine.depart(12, true).await.expect("said so");

    assert_eq!(departure.left, Some(0));
    assert!(!world.trainer().has(&visits[0]));
}

#[tokio::test]
async fn a_deletion_that_ends_half_way_stays_where_it_is_until_it_is_tried_again() {
    let (mut world, visits, _) = with_visits().await;
    let kept: Vec<String> = visits[..3]
        .iter()
        .map(|visit| world.trainer().event_id(visit))
        .collect();
    for id in &kept {
        let path = format!("/calendar/v3/calendars/primary/events/{id}");
        world.spoil_google(refused(), |rule| rule.method("DELETE").path(&path).times(0));
    }
    let there = |world: &World| visits.iter().filter(|visit| world.trainer().has(visit)).count();

    let departure = depart(&world, 12).await;
    assert_eq!((departure.left, departure.deleted.len()), (Some(3), 9));
    assert!(departure.paused);
    world.repair();
    let mark = world.mark();
    world.restart().await;
    for _ in 0..3 {
        world.advance(3_700);
        world.settle().await;
    }
    assert_eq!(
        there(&world),
        3,
        "nothing is written again, and nothing more deleted"
    );
    assert_eq!(world.calendar_writes_since(mark), 0);
    assert_eq!(plan(&world).await.events, 3);

    let departure = depart(&world, 3).await;
    assert_eq!((departure.left, departure.deleted.len()), (Some(0), 3));
    assert_eq!(there(&world), 0);
    // Whoever connects again starts afresh.
    world.engine.forget_pause().await.expect("the ledger works");
    world.settle().await;
    assert_eq!(there(&world), 12);
}

#[tokio::test]
async fn resuming_after_half_a_deletion_writes_everything_again_and_deletes_nothing_more() {
    let (world, visits, _) = with_visits().await;
    let id = world.trainer().event_id(&visits[0]);
    let path = format!("/calendar/v3/calendars/primary/events/{id}");
    world.spoil_google(refused(), |rule| rule.method("DELETE").path(&path).times(0));
    let (counts, left) = world.engine.delete_events(false).await.expect("tried");
    assert_eq!((counts.removed, left), (11, 1));
    world.repair();
    world.engine.pause_until(None).await.expect("resumed");
    world.settle().await;
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    assert_eq!(
        world.trainer().event_id(&visits[0]),
        id,
        "the one that was left is still the same"
    );
}

/// Google is in trouble: nobody knows which of the deletions went through.
#[tokio::test]
async fn resuming_after_a_deletion_whose_answers_never_came_deletes_nothing_more() {
    let (world, visits, _) = with_visits().await;
    let ids: Vec<String> = visits
        .iter()
        .map(|visit| world.trainer().event_id(visit))
        .collect();
    let trouble = Fault::Status {
        status: 503,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_google(trouble, |rule| rule.method("DELETE").times(0));
    let (counts, left) = world.engine.delete_events(false).await.expect("tried");
    assert_eq!((counts.removed, left), (0, 12));
    world.repair();
    world.trainer().drag(&visits[10], "2026-12-04 15:00");
    world.engine.pause_until(None).await.expect("resumed");
    world.advance(120);
    world.settle().await;

    let now: Vec<String> = visits
        .iter()
        .map(|visit| world.trainer().event_id(visit))
        .collect();
    assert_eq!(now, ids, "each is still the same");
    assert_eq!(world.admin().start(&visits[10]), at("2026-12-04 15:00"));
    world.check_invariants().await;
}

/// Its words would go with the event, though the answer to the question might still bring them to the platform.
#[tokio::test]
async fn notes_that_the_platform_refused_are_counted_as_long_as_they_are_asked_about() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let editable = vec![EditableField::Time, EditableField::Notes];
    let visit = world.admin().plan(NewAppointment { editable, ..draft });
    world.sync().await;
    let no = Fault::Status {
        status: 409,
        body: Some(json!({"type": "about:blank", "title": "No", "status": 409, "code": "other"})),
        headers: vec![("Content-Type".into(), "application/problem+json".into())],
    };
    world.spoil_platform(no, |rule| rule.method("PATCH").times(0));
    let text = world.trainer().description(&visit);
    let text = text.replace("die Handouts", "zwölf Handouts");
    world.trainer().edit(&visit, &json!({"description": text}));
    world.settle().await;
    world.repair();

    let told = world.story(&visit).await;
    let of_notes = |what: &HistoryWhat| match what {
        HistoryWhat::Refused { field, .. } => *field == Field::Notes,
        HistoryWhat::ConflictRaised { fields, .. } => *fields == [Field::Notes],
        _ => false,
    };
    let times = told.iter().filter(|what| of_notes(what)).count();
    assert_eq!(
        times, 2,
        "the refusal and the question are told of the notes: {told:?}"
    );
    assert_eq!(plan(&world).await.unreported, 1);
    let refused = world.engine.depart(1, false).await.map(|_| ());
    assert_eq!(refused, Err(DepartError::MovesWaiting(1)));
    let answered = world.resolve(&visit, Resolution::KeepPlatform).await;
    answered.expect("it can be answered");
    world.settle().await;
    assert_eq!(plan(&world).await.unreported, 0);
}

/// A report that can never be learned of is no reason to keep the events for ever.
#[tokio::test]
async fn even_so_deletes_also_where_a_report_has_no_answer() {
    let (world, visits, _) = with_visits().await;
    let trouble = Fault::Status {
        status: 500,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_platform(trouble, |rule| rule.method("POST").times(0));
    world.trainer().drag(&visits[10], "2026-12-04 15:00");
    world.advance(120);
    world.settle().await;
    assert_eq!(
        world.engine.delete_events(false).await.map(|_| ()),
        Err(DepartError::MovesWaiting(1))
    );
    let (counts, left) = world.engine.delete_events(true).await.expect("even so");
    assert_eq!((counts.removed, left), (12, 0));
}

#[tokio::test]
async fn another_number_than_the_confirmed_one_deletes_nothing() {
    let (world, visits, _) = with_visits().await;
    world.trainer().delete(&visits[0]);
    let refused = world.engine.depart(12, false).await.map(|_| ());
    assert_eq!(refused, Err(DepartError::Stale { found: 11 }));
    assert_eq!(plan(&world).await.events, 11);
    assert!(visits[1..].iter().all(|visit| world.trainer().has(visit)));
    assert_eq!(world.state().await.paused_until, None);
    assert_eq!(depart(&world, 11).await.left, Some(0));
}

#[tokio::test]
async fn a_move_that_the_platform_does_not_have_yet_is_counted_and_reported_first_if_it_can_be() {
    let (world, visits, _) = with_visits().await;
    let before = world.admin().start(&visits[10]);
    world.trainer().drag(&visits[10], "2026-12-04 15:00");
    world.advance(5);
    world.sync().await;
    assert_eq!(plan(&world).await.unreported, 1);
    let refused = world.engine.delete_events(false).await.map(|_| ());
    assert_eq!(refused, Err(DepartError::MovesWaiting(1)));
    assert_eq!(world.admin().start(&visits[10]), before);
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));

    // Settled by now, so it is reported before anything goes.
    world.advance(120);
    assert_eq!(depart(&world, 12).await.left, Some(0));
    assert_eq!(world.admin().start(&visits[10]), at("2026-12-04 15:00"));
}

#[tokio::test]
async fn before_another_calendar_takes_its_place_moves_are_reported_or_counted() {
    let (world, visits, _) = with_visits().await;
    let look = async |even_so| world.engine.look_before_changing(even_so).await;
    assert_eq!(look(false).await, Ok(()));
    // Not even read yet, and then still settling.
    world.trainer().drag(&visits[10], "2026-12-04 15:00");
    assert_eq!(look(false).await, Err(DepartError::MovesWaiting(1)));
    assert_eq!(look(true).await, Ok(()));
    // What is known counts where the calendar is gone.
    let gone = Fault::Status {
        status: 404,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_google(gone, |rule| rule.times(0));
    assert_eq!(look(false).await, Err(DepartError::MovesWaiting(1)));
    world.repair();
    world.advance(120);
    assert_eq!(look(false).await, Ok(()));
    assert_eq!(world.admin().start(&visits[10]), at("2026-12-04 15:00"));
}

#[tokio::test]
async fn a_move_that_waits_after_a_decision_or_beside_an_unknown_write_is_counted_too() {
    let (world, visits, _) = with_visits().await;
    let look = async || world.engine.look_before_changing(false).await;
    // Decided a moment ago: what is dragged then waits a little longer.
    world.admin().move_to(&visits[0], "2026-12-07 09:00");
    world.trainer().drag(&visits[0], "2026-12-07 15:00");
    world.settle().await;
    let resolution = Resolution::KeepPlatform;
    world
        .resolve(&visits[0], resolution)
        .await
        .expect("an open question");
    world.sync().await;
    world.trainer().drag(&visits[0], "2026-12-08 15:00");
    world.advance(25);
    assert_eq!(look().await, Err(DepartError::MovesWaiting(1)));
    world.settle().await;
    assert_eq!(look().await, Ok(()));

    // Nobody knows what became of a write to its event, and it is dragged.
    let trouble = Fault::Status {
        status: 500,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_google(trouble, |rule| rule.method("PATCH").times(0));
    world.admin().rename(&visits[1], "Neue Apotheke");
    world.sync().await;
    world.trainer().drag(&visits[1], "2026-12-09 15:00");
    world.advance(5);
    assert_eq!(look().await, Err(DepartError::MovesWaiting(1)));
}

#[tokio::test]
async fn a_conflict_without_an_answer_is_not_left_behind_silently() {
    let (world, visits, _) = with_visits().await;
    world
        .set(|settings| settings.text_policy = ConflictPolicy::Ask)
        .await;
    world.trainer().rename(&visits[0], "Bring the blue folder");
    world.admin().rename(&visits[0], "Neue Apotheke");
    world.settle().await;
    assert_eq!(world.conflicts().await.len(), 1);
    assert_eq!(plan(&world).await.unreported, 0, "it is no move");
    let looked = world.engine.look_before_changing(false).await;
    assert_eq!(looked, Err(DepartError::MovesWaiting(1)));
}

#[tokio::test]
async fn after_a_lost_database_the_reading_tells_the_number_and_not_the_ledger() {
    let (mut world, visits, over) = with_visits().await;
    world.lose_database().await;
    assert_eq!(plan(&world).await.events, 0);
    let refused = world.engine.depart(0, false).await.map(|_| ());
    assert_eq!(refused, Err(DepartError::Stale { found: 12 }));
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));

    let departure = depart(&world, plan(&world).await.events).await;

    assert_eq!((departure.left, departure.deleted.len()), (Some(0), 12));
    assert!(world.trainer().has(&over));
}

#[tokio::test]
async fn what_was_deleted_before_a_crash_is_no_loss_in_the_next_reading() {
    let (mut world, visits, _) = with_visits().await;
    // Carried out, and nobody hears of it.
    world.spoil_google(Fault::DropAfter, |rule| rule.method("DELETE").times(0));
    let (_, left) = world.engine.delete_events(false).await.expect("tried");
    assert!(left > 3, "{left} rows were sent and not answered");
    world.repair();
    world.restart().await;

    let (_, left) = world.engine.delete_events(false).await.expect("tried");

    assert_eq!(left, 0);
    assert!(visits.iter().all(|visit| !world.trainer().has(visit)));
    let history = world.history().await;
    let told = |wanted: fn(&HistoryWhat) -> bool| history.iter().filter(|item| wanted(&item.what)).count();
    assert_eq!(told(|what| matches!(what, HistoryWhat::ReadingShrank)), 0);
    assert_eq!(
        told(|what| matches!(what, HistoryWhat::Deleted { time: Some(_), .. })),
        12
    );
}
