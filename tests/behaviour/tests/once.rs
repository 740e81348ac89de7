//! What happened is told once, by whoever did it, and counted; what was not answered is asked again.

use roundtrip_behaviour_tests::{BEN, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::outbox::OutboxState;
use roundtrip_core::question::Answer;
use roundtrip_core::question::QuestionKind;
use roundtrip_core::record::Field;
use roundtrip_engine::ledger::{Change, HistoryItem, HistoryResult, HistorySource, HistoryWhat};
use roundtrip_sandbox::faults::Fault;
use serde_json::json;

async fn with_visits(count: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    let visits = world.admin().visits(count);
    world.sync().await;
    world.advance(3_700);
    (world, visits)
}

fn is_added(what: &HistoryWhat) -> bool {
    matches!(what, HistoryWhat::Added { .. })
}

#[tokio::test]
async fn an_insert_whose_answer_was_lost_is_told_as_added_though_a_listing_shows_it_first() {
    let (world, _) = with_visits(1).await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.spoil_google(Fault::DropAfter, |rule| {
        rule.method("POST").path("/events").times(1)
    });
    world.sync().await;
    world.repair();
    // While nothing can be sent the calendar counts as away, and the next run begins with that belief: it reads first.
    world.wire.unplug(&world.running.google_url);
    world.sync().await;
    world.wire.plug_in();
    world.sync().await;
    world.settle().await;

    let told = world.story(&visit).await;
    assert_eq!(told.iter().filter(|what| is_added(what)).count(), 1, "{told:?}");
    assert!(!told.contains(&HistoryWhat::Adopted), "{told:?}");
    world.check_invariants().await;
}

#[tokio::test]
async fn an_insert_that_never_arrived_is_not_made_up_for_once_the_visit_is_over() {
    let (world, _) = with_visits(1).await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.spoil_google(Fault::DropBefore, |rule| {
        rule.method("POST").path("/events").times(0)
    });
    world.sync().await;
    assert!(
        world
            .outbox()
            .await
            .iter()
            .any(|row| row.state == OutboxState::Sent)
    );
    world.repair();
    world.admin().cancel(&visit);
    let over = world.admin().end(&visit).expect("it is known");
    world.set_time(over + chrono::TimeDelta::hours(1));
    world.sync().await;
    world.settle().await;

    assert_eq!(world.trainer().events(&visit).len(), 0);
    let told = world.story(&visit).await;
    assert!(!told.iter().any(is_added), "{told:?}");
    assert_eq!(world.outbox().await.len(), 0);
    world.check_safety();
}

/// The trainer deletes the first of three events. The full listing tells of no deletions, and the direct question is not answered.
async fn with_an_event_that_nobody_tells_of() -> (World, Vec<String>) {
    let (world, visits) = with_visits(3).await;
    let event = world.trainer().delete(&visits[0]);
    world.running.sandbox.google.expire_sync_tokens();
    let trouble = Fault::Status {
        status: 503,
        body: None,
        headers: Vec::new(),
    };
    let asked = format!("/events/{event}");
    world.spoil_google(trouble, |rule| rule.method("GET").path(&asked).times(0));
    (world, visits)
}

#[tokio::test]
async fn an_absent_event_that_could_not_be_asked_for_is_asked_for_with_the_next_cycle() {
    let (world, visits) = with_an_event_that_nobody_tells_of().await;
    world.sync().await;
    assert_eq!(world.state().await.full_at, None, "it is not done");
    world.repair();
    world.advance(120);
    world.sync().await;
    world.settle().await;
    assert_eq!(world.badge(&visits[0]).await.0, Badge::Removed);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_question_of_the_guard_is_counted_with_the_day() {
    let (world, visits) = with_visits(12).await;
    for visit in &visits[..8] {
        world.trainer().delete(visit);
    }
    world.settle().await;
    assert_eq!(world.questions().await.len(), 1);
    world.sync().await;
    let figures = world.engine.figures().await.expect("the ledger works");
    assert_eq!(figures.questions, 1);
}

#[tokio::test]
async fn moves_are_counted_within_the_hour_whatever_else_was_told_in_between() {
    let (world, visits) = with_visits(12).await;
    let drag = |visits: &[String], day: u32| {
        for (index, visit) in visits.iter().enumerate() {
            let to = format!("2026-12-{:02} 19:00", day as usize + index);
            world.trainer().drag(visit, &to);
        }
    };
    drag(&visits[..4], 7);
    world.settle().await;
    assert_eq!(world.questions().await, []);
    let title_changed = |number: usize| {
        Change::AddItem(Box::new(HistoryItem {
            id: format!("change-{number}"),
            run_id: None,
            at: world.now(),
            appointment_id: Some(AppointmentId::new(&visits[11])),
            title: None,
            what: HistoryWhat::Changed {
                fields: vec![Field::Title],
                from: None,
                to: None,
            },
            source: HistorySource::Platform,
            result: HistoryResult::Ok,
            problem: None,
            request_id: None,
            took: None,
        }))
    };
    let many = (0..2_500).map(title_changed).collect();
    world
        .engine
        .ledger()
        .commit(many)
        .await
        .expect("the ledger works");
    world.advance(60);
    drag(&visits[4..8], 11);
    world.settle().await;
    let asked = world.questions().await;
    assert_eq!(
        asked.iter().map(|question| question.kind).collect::<Vec<_>>(),
        [QuestionKind::Moves]
    );
    assert_eq!(asked[0].appointments.len(), 4);
}

/// Found by simulation seed 57.
#[tokio::test]
async fn a_cancellation_that_was_sent_and_not_answered_counts_in_the_hour() {
    let (world, visits) = with_visits(30).await;
    visits[..10].iter().for_each(|visit| world.admin().cancel(visit));
    // Of one nobody hears what became of it.
    let unheard = format!("/events/{}", world.trainer().event_id(&visits[0]));
    world.spoil_google(Fault::DropAfter, |rule| {
        rule.method("DELETE").path(&unheard).times(0)
    });
    world.sync().await;
    assert_eq!(world.questions().await, [], "ten are not too many");
    world.admin().cancel(&visits[10]);
    world.advance(60);
    world.sync().await;
    let asked = world.questions().await;
    let kinds: Vec<QuestionKind> = asked.iter().map(|question| question.kind).collect();
    assert_eq!(kinds, [QuestionKind::Cancellations]);
    assert!(world.trainer().has(&visits[10]));
}

#[tokio::test]
async fn trying_again_does_not_make_up_for_a_visit_that_is_over_either() {
    let (world, _) = with_visits(1).await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.spoil_google(Fault::DropBefore, |rule| {
        rule.method("POST").path("/events").times(0)
    });
    world.sync().await;
    world.repair();
    let over = world.admin().end(&visit).expect("it is known");
    world.set_time(over + chrono::TimeDelta::hours(1));
    world.engine.retry(None).await.expect("the ledger works");
    world.sync().await;
    world.settle().await;

    assert_eq!(world.trainer().events(&visit).len(), 0);
    assert_eq!(world.outbox().await.len(), 0);
    world.check_safety();
}

#[tokio::test]
async fn one_question_that_is_never_answered_does_not_make_each_reading_a_full_one() {
    let (world, visits) = with_an_event_that_nobody_tells_of().await;
    let mut full = 0;
    for _ in 0..20 {
        world.advance(120);
        full += usize::from(world.sync().await.full);
    }
    assert!((2..12).contains(&full), "{full}");
    world.repair();
    world.advance(86_400);
    world.sync().await;
    world.settle().await;
    assert_eq!(world.badge(&visits[0]).await.0, Badge::Removed);
    world.check_invariants().await;
}

#[tokio::test]
async fn what_was_not_answered_is_sent_once_in_a_run() {
    let (world, visits) = with_visits(1).await;
    for fault in [Fault::DropBefore, Fault::DropAfter] {
        world.spoil_google(fault, |rule| rule.method("PATCH").times(0));
        let name = format!("Rosen-Apotheke {}", world.mark());
        world.admin().rename(&visits[0], &name);
        world.sync().await;
        let rows = world.outbox().await;
        assert_eq!(rows.first().map(|row| row.state), Some(OutboxState::Sent));
        let mark = world.mark();
        // "Sync now" does not wait for the time of the next try.
        world.sync().await;
        assert_eq!(world.calendar_writes_since(mark), 1);
        world.repair();
        world.settle().await;
        assert_eq!(world.trainer().title(&visits[0]), name);
    }
    world.check_invariants().await;
}

/// A visit at 8:00, dragged to 15:00, whose report got no answer; then it is hours later.
async fn with_a_report_of_hours_ago(fault: Fault) -> (World, String) {
    let (world, visits) = with_visits(1).await;
    world.trainer().drag(&visits[0], "2026-12-01 15:00");
    world.spoil_platform(fault, |rule| rule.method("POST").path("/move").times(0));
    world.settle().await;
    let rows = world.outbox().await;
    assert_eq!(rows.first().map(|row| row.state), Some(OutboxState::Sent));
    world.repair();
    world.advance(10 * 3_600);
    (world, visits[0].clone())
}

#[tokio::test]
async fn a_report_of_hours_ago_that_never_arrived_is_given_up_where_the_trainer_took_the_move_back() {
    let (world, visit) = with_a_report_of_hours_ago(Fault::DropBefore).await;
    let (mark, before) = (world.mark(), world.admin().start(&visit));
    let told = world.story(&visit).await.len();
    world.trainer().drag(&visit, &before.to_rfc3339());
    world.advance(60);
    world.settle().await;

    assert_eq!(world.admin().start(&visit), before);
    assert_eq!(world.admin().told_of(&visit).len(), 0);
    assert_eq!(world.writes_since(mark).len(), 0);
    assert_eq!(world.outbox().await, []);
    assert_eq!(world.story(&visit).await.len(), told);
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_report_of_hours_ago_waits_for_a_calendar_that_cannot_be_read() {
    let (world, visit) = with_a_report_of_hours_ago(Fault::DropBefore).await;
    let (mark, before) = (world.mark(), world.admin().start(&visit));
    world.trainer().drag(&visit, &before.to_rfc3339());
    world.spoil_google(Fault::DropBefore, |rule| rule.times(0));
    for _ in 0..3 {
        let report = world.sync().await;
        let due = report.next_due_at.map(|at| at - world.now());
        assert!(due.is_none_or(|due| due.num_seconds() > 10), "{due:?}");
        world.advance(60);
    }
    assert_eq!(world.outbox().await.len(), 1);
    world.repair();
    world.settle().await;
    assert_eq!(world.writes_since(mark).len(), 0, "the trainer took it back");
    assert_eq!(world.outbox().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn what_became_of_many_reports_is_not_asked_on_once_the_platform_wants_no_more() {
    let (world, visits) = with_visits(30).await;
    world.spoil_platform(Fault::DropBefore, |rule| {
        rule.method("POST").path("/move").times(0)
    });
    for visit in &visits {
        let later = world.trainer().start(visit) + chrono::TimeDelta::minutes(30);
        world.trainer().drag(visit, &later.to_rfc3339());
    }
    world.settle().await;
    world.answer(Answer::GoOn).await;
    world.settle().await;
    let waiting = world.outbox().await.len();
    assert!(waiting > 16, "{waiting}");
    world.repair();
    world.advance(10 * 3_600);
    // After a 429 the adapter would hold back by itself; after this only the engine does.
    let no_right = Fault::Status {
        status: 403,
        body: Some(
            json!({"type": "about:blank", "title": "No", "status": 403, "code": "insufficient_scope"}),
        ),
        headers: vec![("Content-Type".into(), "application/problem+json".into())],
    };
    world.spoil_platform(no_right, |rule| {
        rule.method("GET").path("/v1/appointments/").times(0)
    });
    let mark = world.mark();
    world.sync().await;
    let requests = world.requests_since(mark);
    let asked = requests
        .iter()
        .filter(|request| request.path.contains("/v1/appointments/"))
        .count();
    assert!((1..=8).contains(&asked), "{asked}");
    assert!(world.writes_since(mark).is_empty());
    assert_eq!(world.outbox().await.len(), waiting, "the rest stays as it is");
}

#[tokio::test]
async fn of_two_drags_the_last_is_told_where_the_report_of_the_first_never_arrived() {
    let (world, visit) = with_a_report_of_hours_ago(Fault::DropBefore).await;
    world.trainer().drag(&visit, "2026-12-01 17:00");
    world.advance(60);
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 17:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_report_of_hours_ago_that_is_still_wanted_is_sent_again() {
    let (world, visit) = with_a_report_of_hours_ago(Fault::DropBefore).await;
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_report_of_hours_ago_that_arrived_is_told_once_and_so_is_the_way_back() {
    let (world, visit) = with_a_report_of_hours_ago(Fault::DropAfter).await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    world.trainer().drag(&visit, "2026-12-01 08:00");
    world.advance(60);
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 08:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 2);
    let told = world.story(&visit).await;
    let moved = |what: &&HistoryWhat| matches!(what, HistoryWhat::MovedBack { .. });
    assert_eq!(told.iter().filter(moved).count(), 2, "{told:?}");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_report_of_hours_ago_that_arrived_is_told_though_the_visit_is_somebody_elses_by_now() {
    let (world, visit) = with_a_report_of_hours_ago(Fault::DropAfter).await;
    world.admin().reassign(&visit, BEN);
    world.settle().await;
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    let told = world.story(&visit).await;
    let moved = |what: &&HistoryWhat| matches!(what, HistoryWhat::MovedBack { .. });
    assert_eq!(told.iter().filter(moved).count(), 1, "{told:?}");
    assert_eq!(world.outbox().await, []);
}
