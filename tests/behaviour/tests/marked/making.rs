//! From the answer to one appointment on one event, whatever happens in between.

use super::*;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use roundtrip_http::{HttpError, HttpPort};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn a_marked_event_is_asked_about_once_and_tells_what_it_would_make() {
    let world = world().await;
    let mark = world.mark();
    make(&world, TITLE, "2026-12-02 10:00");
    for _ in 0..3 {
        world.settle().await;
    }
    let asked = question(&world).await;
    assert_eq!(asked.cause, ConflictCause::Marked);
    let told: Vec<Field> = asked.fields.iter().map(|field| field.field).collect();
    assert_eq!(told, Field::ALL);
    assert!(
        asked
            .fields
            .iter()
            .all(|field| matches!(field.platform, Shown::Hash(_)))
    );
    assert_eq!(asked.fields[1].calendar, Shown::Text("Rosen-Apotheke".into()));
    let raised = world.story(asked.appointment_id.as_str()).await;
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert!(world.writes_since(mark).is_empty(), "nothing before the answer");
    world.check_invariants().await;
}

#[tokio::test]
async fn create_makes_one_appointment_of_that_very_event_and_the_admin_is_told() {
    let (world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    let told = told(&world);
    let source = told[0].source.as_ref().expect("where it was made");
    assert_eq!(
        (source.provider.as_str(), source.event_id.as_deref()),
        ("google", Some(id.as_str()))
    );
    let story = world.story(&appointment).await;
    assert!(
        matches!(story[0], HistoryWhat::CreatedFromEvent { .. }),
        "{story:?}"
    );
}

#[tokio::test]
async fn afterwards_it_is_an_appointment_like_any_other() {
    let (mut world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    world.trainer().drag(&appointment, "2026-12-02 14:00");
    world.settle().await;
    assert_eq!(world.admin().start(&appointment), at("2026-12-02 14:00"));
    world.advance(120);
    world.admin().move_to(&appointment, "2026-12-03 09:00");
    world.settle().await;
    assert_eq!(world.trainer().start(&appointment), at("2026-12-03 09:00"));
    world.check_invariants().await;

    // A lost database finds it again by its mark.
    world.lose_database().await;
    world.start().await;
    world.settle().await;
    assert_eq!(world.trainer().event_id(&appointment), id);
    assert_eq!(world.badge(&appointment).await.0, Badge::Synced);
    world.admin().cancel(&appointment);
    world.settle().await;
    assert!(!world.trainer().has(&appointment));
    world.check_invariants().await;
}

#[tokio::test]
async fn leaving_without_a_trace_leaves_the_event_that_the_trainer_made() {
    let (mut world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    let ours = world.admin().visit("Adler-Apotheke", "2026-12-03 09:00");
    world.settle().await;
    let plan = world.engine.leaving_plan().await.expect("the ledger works");
    assert_eq!((plan.events, plan.kept), (1, 1));

    let gone = world
        .engine
        .depart(1, false)
        .await
        .expect("nothing stands against it");

    assert_eq!((gone.left, gone.kept, gone.deleted.len()), (Some(0), 1, 1));
    assert_eq!(event(&world, &id)["status"], "confirmed");
    assert!(!world.trainer().has(&ours));

    // Nor is it deleted where only its mark tells of it, or by a disconnect with deletion.
    world.lose_database().await;
    let gone = world
        .engine
        .depart(0, false)
        .await
        .expect("nothing stands against it");
    assert_eq!((gone.left, gone.kept), (Some(0), 1));
    let (counts, left) = world
        .engine
        .delete_events(false)
        .await
        .expect("nothing stands against it");
    assert_eq!((counts.removed, left), (0, 0));
    assert_eq!(world.trainer().event_id(&appointment), id);
}

#[tokio::test]
async fn a_deleted_one_stays_deleted_until_it_is_put_back() {
    let (world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    world.trainer().delete(&appointment);
    world.settle().await;
    assert_eq!(world.badge(&appointment).await.0, Badge::Removed);
    world.put_back(&appointment).await.expect("it was removed");
    world.settle().await;
    assert_ne!(
        world.trainer().event_id(&appointment),
        id,
        "a dead id is never used again"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_copy_of_it_is_the_trainers_own() {
    let (world, id) = confirmed().await;
    world.settle().await;
    made_once(&world, &id).await;
    let trainer = world.trainer();
    let copy = trainer.google().copy_event(trainer.address(), "primary", &id);
    let copy = copy.expect("the trainer may")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.settle().await;
    assert_eq!(event(&world, &copy)["status"], "confirmed");
    assert_eq!(world.conflicts().await, []);
    let mark = world.mark();
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());
}

#[tokio::test]
async fn a_lost_reply_makes_no_second_one() {
    for fault in [Fault::DropAfter, Fault::DropBefore, Fault::CutPage] {
        let (world, id) = confirmed().await;
        world.spoil_platform(fault.clone(), |rule| {
            rule.method("POST").path("/v1/appointments").times(1)
        });
        world.settle().await;
        world.repair();
        world.settle().await;
        made_once(&world, &id).await;
    }
}

#[tokio::test]
async fn while_the_reply_is_missing_the_feed_makes_no_second_event() {
    let (world, id) = confirmed().await;
    // The platform has made it and says so over its feed, but no answer to the creation comes through.
    world.spoil_platform(Fault::DropAfter, |rule| {
        rule.method("POST").path("/v1/appointments").times(0)
    });
    for _ in 0..3 {
        world.sync().await;
        world.advance(30);
    }
    assert_eq!(appointments(&world).len(), 1);
    let own: Vec<Value> = world
        .trainer()
        .everything()
        .into_iter()
        .filter(|event| event["start"] == hours("2026-12-02 10:00").0 || event["summary"] == "Rosen-Apotheke")
        .collect();
    assert!(own.len() <= 1, "{own:#?}");
    assert_eq!(world.trainer().marked(), Vec::<Value>::new());
    world.repair();
    world.settle().await;
    made_once(&world, &id).await;
}

#[tokio::test]
async fn a_platform_that_rounds_the_time_makes_no_second_event_either() {
    let (world, id) = confirmed().await;
    world.spoil_platform(Fault::DropAfter, |rule| {
        rule.method("POST").path("/v1/appointments").times(0)
    });
    world.sync().await;
    let made = appointments(&world)
        .into_iter()
        .map(|record| record.appointment.id)
        .next()
        .expect("it was made, and the answer lost");
    world.admin().move_to(&made, "2026-12-02 10:15");
    let another = world.admin().visit("Linden", "2026-12-05 09:00");
    for _ in 0..3 {
        world.sync().await;
        world.advance(30);
    }
    assert!(
        !world.trainer().has(&made),
        "it may be the one that was asked for"
    );
    assert!(world.trainer().has(&another), "it cannot be");
    world.repair();
    world.advance(600);
    world.settle().await;
    assert_eq!(world.trainer().event_id(&made), id);
    assert_eq!(world.trainer().marked().len(), 2);
    world.check_invariants().await;
}

#[tokio::test]
async fn wherever_the_power_goes_there_is_one() {
    // The first write makes the appointment, the second one marks the event.
    for writes in 0..2 {
        for cut in [Cut::Before, Cut::After] {
            let (mut world, id) = confirmed().await;
            world.lose_power(writes, cut).await;
            let platform_knows = !appointments(&world).is_empty();
            assert_eq!(platform_knows, (writes, cut) != (0, Cut::Before));
            world.settle().await;
            made_once(&world, &id).await;
        }
    }
}

#[tokio::test]
async fn an_edit_between_the_two_writes_is_not_overwritten() {
    let (mut world, id) = confirmed().await;
    world.lose_power(1, Cut::Before).await;
    let (start, end) = hours("2026-12-02 15:00");
    edit(&world, &id, &json!({"start": start, "end": end}));
    world.advance(60);
    world.settle().await;
    let made = appointments(&world);
    assert_eq!(made.len(), 1);
    assert_eq!(
        made[0].appointment.start.to_utc(),
        at("2026-12-02 15:00"),
        "the move is reported"
    );
    assert_eq!(start_of(&event(&world, &id)), at("2026-12-02 15:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn deleted_between_the_two_writes_it_does_not_come_back() {
    let (mut world, id) = confirmed().await;
    world.lose_power(0, Cut::After).await;
    delete(&world, &id);
    world.settle().await;
    let made = appointments(&world);
    assert_eq!(made.len(), 1, "deleting an event cancels nothing");
    assert_eq!(world.badge(&made[0].appointment.id).await.0, Badge::Removed);
    world.check_invariants().await;
}

/// The platform has forgotten the key by then: sent again, it would be another appointment, or a refusal for the first one.
#[tokio::test]
async fn a_reply_that_is_lost_for_a_week_makes_no_second_one() {
    let (mut world, id) = confirmed().await;
    world.lose_power(0, Cut::After).await;
    assert_eq!(appointments(&world).len(), 1);
    world.advance(8 * 86_400);
    let mark = world.mark();
    world.settle().await;

    let creations = world.writes_since(mark).into_iter();
    assert_eq!(creations.filter(|request| request.method == "POST").count(), 0);
    let appointment = made_once(&world, &id).await;
    let story = world.story(&appointment).await;
    assert!(
        matches!(story[0], HistoryWhat::CreatedFromEvent { .. }),
        "{story:?}"
    );
}

/// Refuses each listing but the second of a run, which is the run's own reading: before and after it the creation is looked for.
struct RefusesLooks {
    services: Arc<dyn HttpPort>,
    answer: (u16, &'static str),
    listings: AtomicUsize,
}

#[async_trait]
impl HttpPort for RefusesLooks {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let is_listing = request.method() == http::Method::GET && request.uri().path() == "/v1/appointments";
        if !is_listing || self.listings.fetch_add(1, Ordering::Relaxed) == 1 {
            return self.services.send(request).await;
        }
        let (status, code) = self.answer;
        let answer = Response::builder()
            .status(status)
            .header("content-type", "application/problem+json")
            .body(json!({"code": code, "title": "No"}).to_string().into());
        Ok(answer.expect("an answer"))
    }
}

/// A "no" to the listing in which the creation is looked for is none to the creation: parked, it would be sent once more.
#[tokio::test]
async fn a_look_for_a_forgotten_creation_that_is_refused_leaves_it_as_it_was() {
    for answer in [
        (400, "invalid"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "overlap"),
    ] {
        let (mut world, id) = confirmed().await;
        world.lose_power(0, Cut::After).await;
        world.advance(8 * 86_400);
        let before = world.outbox().await;
        let mark = world.mark();
        let of = |rows: &[OutboxRow]| {
            let one = |row: &OutboxRow| (row.id.clone(), row.key.clone(), row.intent.clone(), row.state);
            rows.iter().map(one).collect::<Vec<_>>()
        };
        let mut results = Vec::new();
        for _ in 0..5 {
            world.wire.divert(Some(Arc::new(RefusesLooks {
                services: world.wire.services(),
                answer,
                listings: AtomicUsize::new(0),
            })));
            let report = world.sync().await;
            world.wire.divert(None);
            assert_eq!((report.platform, report.calendar), (None, None), "{answer:?}");
            results.push(report.result);
            let after = world.outbox().await;
            assert_eq!(of(&after), of(&before), "{answer:?}");
            assert_eq!(after[0].last_problem.as_deref(), Some("bad_answer"));
            assert_eq!(world.conflicts().await, [], "{answer:?}: nobody is asked anew");
            world.advance(60);
        }
        // Like any write, it is nobody's trouble until it is tired.
        let (success, partial) = (Some(RunResult::Success), Some(RunResult::Partial));
        assert_eq!(results[..4], [success; 4], "{answer:?}");
        assert_eq!(results[4], partial, "{answer:?}");

        world.advance(1_200);
        world.settle().await;
        let creations = world.writes_since(mark).into_iter();
        let creations = creations.filter(|request| request.method == "POST");
        assert_eq!(creations.count(), 0, "{answer:?}");
        made_once(&world, &id).await;
    }
}

#[tokio::test]
async fn what_became_of_nobody_knows_is_asked_about_again() {
    let (mut world, id) = confirmed().await;
    world.lose_power(0, Cut::Before).await;
    world.advance(8 * 86_400);
    world.settle().await;
    assert_eq!(appointments(&world), []);
    assert_eq!(question(&world).await.cause, ConflictCause::Marked);
    assert_eq!(world.outbox().await, []);

    answer(&world, Resolution::Create)
        .await
        .expect("an open question");
    world.settle().await;
    made_once(&world, &id).await;
}

/// The platform has forgotten the key, and the admin has moved the appointment meanwhile.
#[tokio::test]
async fn one_that_the_admin_moved_while_its_reply_was_lost_is_found_again() {
    let (mut world, id) = confirmed().await;
    world.lose_power(0, Cut::After).await;
    let made = appointments(&world)[0].appointment.id.clone();
    world.admin().move_to(&made, "2026-12-02 10:15");
    world.advance(8 * 86_400);
    let mark = world.mark();
    world.settle().await;

    let creations = world.writes_since(mark).into_iter();
    assert_eq!(creations.filter(|request| request.method == "POST").count(), 0);
    assert_eq!(world.trainer().event_id(&made), id);
    assert_eq!(world.trainer().events(&made).len(), 1);
    world.check_invariants().await;
}

/// The reply to a creation was lost, and the admin has moved and renamed what it made.
async fn made_and_changed() -> (World, String) {
    let (mut world, _) = confirmed().await;
    world.lose_power(0, Cut::After).await;
    let made = appointments(&world)[0].appointment.id.clone();
    world.admin().move_to(&made, "2026-12-02 10:15");
    world.admin().edit(
        &made,
        AdminEdit {
            title: Some(Some("Something else".into())),
            ..AdminEdit::default()
        },
    );
    (world, made)
}

#[tokio::test]
async fn where_one_may_be_what_came_of_it_the_question_says_so_and_no_event_is_made() {
    let (world, made) = made_and_changed().await;
    world.advance(8 * 86_400);
    let mark = world.mark();
    for _ in 0..3 {
        world.settle().await;
    }

    let asked = question(&world).await;
    assert!(
        matches!(&asked.cause, ConflictCause::Refused(refusal) if refusal.reason == "outcome_unknown"),
        "{asked:?}"
    );
    assert!(
        !world.trainer().has(&made),
        "it may be the one that was asked for"
    );
    assert_eq!(world.calendar_writes_since(mark), 0);

    answer(&world, Resolution::Dismiss)
        .await
        .expect("an open question");
    world.settle().await;
    assert!(world.trainer().has(&made), "it is an appointment like any other");
    assert_eq!(appointments(&world).len(), 1);
}

/// What the platform says to a later try says nothing about the first.
#[tokio::test]
async fn a_creation_that_may_have_arrived_stays_one_whatever_a_later_try_is_told() {
    let (world, id) = confirmed().await;
    world.spoil_platform(Fault::DropAfter, |rule| {
        rule.method("POST").path("/v1/appointments").times(1)
    });
    world.sync().await;
    let turned_away = Fault::Status {
        status: 400,
        body: Some(json!({"code": "bad_request", "title": "Not now"})),
        headers: Vec::new(),
    };
    world.spoil_platform(turned_away, |rule| {
        rule.method("POST").path("/v1/appointments").times(0)
    });
    world.advance(1_800);
    world.sync().await;
    let rows = world.outbox().await;
    assert!(
        matches!(rows.as_slice(), [row] if row.state == OutboxState::Sent),
        "{rows:?}"
    );
    // That it goes on being turned away leads nowhere: it is looked for.
    for _ in 0..8 {
        world.advance(1_800);
        world.sync().await;
    }
    assert_eq!(world.outbox().await, []);
    made_once(&world, &id).await;
}

/// Of those that were made since only one can be what was asked for; the others do not wait for an answer.
#[tokio::test]
async fn visits_that_only_lie_near_get_their_events_while_it_is_asked_about() {
    let (world, made) = made_and_changed().await;
    let near = world.admin().visit("Rosen-Apotheke", "2026-12-02 16:00");
    world.advance(8 * 86_400);
    world.settle().await;

    assert!(world.trainer().has(&near));
    assert!(!world.trainer().has(&made));
    let waiting = world.status(&made).await;
    assert_eq!(
        (waiting.badge, waiting.reason),
        (Badge::Waiting, Some("perhaps_created".into()))
    );
    // Moved away, it is what the admin says it is.
    world.admin().move_to(&made, "2026-12-10 10:00");
    world.settle().await;
    assert!(world.trainer().has(&made));
}

#[tokio::test]
async fn however_many_are_looked_for_the_platform_is_listed_once() {
    let world = world().await;
    for day in ["2026-12-02 10:00", "2026-12-03 10:00", "2026-12-04 10:00"] {
        make(&world, TITLE, day);
    }
    world.sync().await;
    for asked in world.conflicts().await {
        let answered = world
            .engine
            .resolve_conflict(&asked.id, &asked.seen, &Resolution::Create);
        answered.await.expect("an open question");
    }
    // All three are made, and no answer comes through.
    world.spoil_platform(Fault::DropAfter, |rule| {
        rule.method("POST").path("/v1/appointments").times(0)
    });
    world.sync().await;
    world.repair();
    assert_eq!(appointments(&world).len(), 3);
    world.advance(8 * 86_400);
    let mark = world.mark();
    world.sync().await;

    let asked = world.requests_since(mark).into_iter();
    let listed = asked.filter(|request| request.method == "GET" && request.path == "/v1/appointments");
    assert_eq!(listed.count(), 2, "for all three, and the run's own reading");
    let story = world.history().await;
    let made = story
        .iter()
        .filter(|item| matches!(item.what, HistoryWhat::CreatedFromEvent { .. }));
    assert_eq!(made.count(), 3);
    assert_eq!(world.trainer().marked().len(), 3);
    assert_eq!(world.outbox().await, []);
    world.check_invariants().await;
}

/// Without a mark and a tag it looks like anybody's event, of which a listing keeps no text.
#[tokio::test]
async fn an_event_whose_mark_somebody_took_away_is_read_whole_and_loses_no_word() {
    let (world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    let own = format!(
        "Parkplatz im Hof.\n\n{}",
        event(&world, &id)["description"].as_str().expect("text")
    );
    edit(&world, &id, &json!({"description": own}));
    world.settle().await;
    world.advance(120);
    let notes = world.admin().appointment(&appointment).notes;
    let (start, end) = hours("2026-12-02 14:00");
    let stripped = json!({"extendedProperties": null, "start": start, "end": end});
    edit(&world, &id, &stripped);
    assert!(event(&world, &id)["extendedProperties"]["private"].is_null());
    world.settle().await;

    assert_eq!(world.admin().start(&appointment), at("2026-12-02 14:00"));
    assert_eq!(world.admin().appointment(&appointment).notes, notes);
    let shown = event(&world, &id);
    assert_eq!(
        (&shown["summary"], &shown["location"]),
        (&json!("Rosen-Apotheke"), &json!(PLACE))
    );
    let description = shown["description"].as_str().expect("a description");
    for words in [NOTES, "Parkplatz im Hof."] {
        assert_eq!(description.matches(words).count(), 1, "{description}");
    }
    assert_eq!(world.conflicts().await, []);
    world.check_safety();
}
