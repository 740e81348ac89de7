//! What was mended once and must not break again: questions that go by themselves, readings that are not finished, the
//! platform's word on client names, deletions that were left over.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{BEN, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::question::QuestionKind;
use roundtrip_engine::ledger::{HistoryWhat, RunResult};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::platform::Client;
use roundtrip_sandbox::realism::Realism;
use serde_json::json;

async fn with_visits(count: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    let visits = world.admin().visits(count);
    world.sync().await;
    // Long enough ago for the guard to have forgotten.
    world.advance(3_700);
    (world, visits)
}

/// Appointments that the open question names; none if nothing is asked.
async fn asked(world: &World) -> usize {
    let questions = world.questions().await;
    questions.iter().map(|question| question.appointments.len()).sum()
}

#[tokio::test]
async fn a_question_shrinks_with_its_cause_and_goes_with_it() {
    let (world, visits) = with_visits(8).await;
    let before: Vec<String> = visits
        .iter()
        .map(|visit| world.admin().start(visit).to_rfc3339())
        .collect();
    for (index, visit) in visits[..7].iter().enumerate() {
        let to = format!("2026-12-{:02} 19:00", 7 + index);
        world.trainer().drag(visit, &to);
    }
    world.settle().await;
    assert_eq!(world.questions().await[0].kind, QuestionKind::Moves);
    assert_eq!(asked(&world).await, 7);

    let back = |index: usize| world.trainer().drag(&visits[index], &before[index]);
    back(0);
    back(1);
    world.settle().await;
    assert_eq!(asked(&world).await, 5, "asked about what is left");

    (2..7).for_each(back);
    world.settle().await;
    assert_eq!(asked(&world).await, 0, "nothing is left to ask about");
    let answered = |what: &HistoryWhat| matches!(what, HistoryWhat::Answered { .. });
    assert!(!world.history().await.iter().any(|item| answered(&item.what)));
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_reading_that_left_something_open_is_repeated_with_the_next_cycle() {
    let (world, visits) = with_visits(62).await;
    // The feed forgot to say so, and more are absent than are asked for in one cycle.
    for visit in &visits[..30] {
        world.admin().reassign(visit, BEN);
    }
    world.admin().platform().expire_cursors();
    let gone = async |world: &World| {
        let records = world.engine.ledger().records().await.expect("the ledger works");
        records.iter().filter(|record| record.removal.is_some()).count()
    };
    world.sync().await;
    assert_eq!(gone(&world).await, 25);
    assert_eq!(world.state().await.full_at, None, "it is not done");
    world.sync().await;
    assert_eq!(gone(&world).await, 30);
    assert!(world.state().await.full_at.is_some());
    world.check_safety();
}

#[tokio::test]
async fn the_platforms_word_on_client_names_reaches_an_engine_that_keeps_running() {
    let world = World::new().await;
    let mut draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    draft.client = Some(Client {
        id: "cli_3".into(),
        name: Some("Ada Klein".into()),
        email: None,
        phone: None,
    });
    let visit = world.admin().plan(draft);
    world.set(|settings| settings.text.client_names = true).await;
    world.settle().await;
    let said = |world: &World| world.trainer().event(&visit).to_string().contains("Ada");
    assert!(said(&world));

    for allowed in [false, true] {
        world
            .admin()
            .platform()
            .change_person(world.person().user, |person| {
                person.client_names_allowed = allowed
            })
            .expect("Mara is known");
        world.advance(60 * roundtrip_engine::ME_MINUTES);
        world.sync().await;
        assert_eq!(said(&world), allowed, "in the same cycle that hears of it");
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn a_platform_that_does_not_say_what_it_allows_is_asked_with_the_next_cycle() {
    let world = World::new().await;
    world.advance(60 * roundtrip_engine::ME_MINUTES);
    let trouble = Fault::Status {
        status: 503,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_platform(trouble, |rule| rule.method("GET").path("/v1/me").times(0));
    let asked = |world: &World, mark| {
        let requests = world.requests_since(mark);
        requests.iter().filter(|request| request.path == "/v1/me").count()
    };
    let mark = world.mark();
    world.sync().await;
    world.sync().await;
    assert!(asked(&world, mark) >= 2);
    world.repair();
    world.sync().await;
    let mark = world.mark();
    world.sync().await;
    assert_eq!(asked(&world, mark), 0, "and then not again for a while");
    world.check_invariants().await;
}

/// Twelve visits to come and one that is over.
async fn with_one_over() -> (World, Vec<String>, String) {
    let world = World::new().await;
    let over = world.admin().visit("Alte Apotheke", "2026-11-30 09:00");
    let visits = world.admin().visits(12);
    world.sync().await;
    world.set_time(at("2026-11-30 12:00"));
    world.settle().await;
    (world, visits, over)
}

#[tokio::test]
async fn a_disconnect_with_deletion_keeps_the_events_of_visits_that_are_over() {
    let (world, visits, over) = with_one_over().await;
    let (counts, left) = world.engine.delete_events(false).await.expect("tried");
    assert_eq!((counts.removed, left), (12, 0));
    assert!(visits.iter().all(|visit| !world.trainer().has(visit)));
    assert!(world.trainer().has(&over), "the record of what took place");
    world.check_safety();
}

#[tokio::test]
async fn deletions_that_were_left_over_are_not_made_behind_the_trainers_back() {
    let (mut world, visits, _) = with_one_over().await;
    let kept = world.trainer().event_id(&visits[0]);
    let refused = json!({"error": {"errors": [{"domain": "global", "reason": "forbidden", "message": "Forbidden"}],
        "code": 403, "message": "Forbidden"}});
    let trouble = Fault::Status {
        status: 403,
        body: Some(refused),
        headers: Vec::new(),
    };
    let path = format!("/calendar/v3/calendars/primary/events/{kept}");
    world.spoil_google(trouble, |rule| rule.method("DELETE").path(&path).times(0));
    let (_, left) = world.engine.delete_events(false).await.expect("tried");
    assert!(left >= 1);
    world.repair();

    let waiting = world.outbox().await;
    let unsent =
        |row: &&roundtrip_core::outbox::OutboxRow| row.state != roundtrip_core::outbox::OutboxState::Sent;
    assert_eq!(waiting.iter().filter(unsent).count(), 0);
    world.restart().await;
    let mark = world.mark();
    for _ in 0..3 {
        world.set_time(world.now() + TimeDelta::hours(2));
        world.settle().await;
    }
    assert_eq!(world.calendar_writes_since(mark), 0);
    assert!(world.trainer().has(&visits[0]));
}

#[tokio::test]
async fn a_side_that_still_waits_after_a_restart_is_left_alone_and_nothing_is_called_synced() {
    for service in [Service::Google, Service::Platform] {
        let (mut world, visits) = with_visits(2).await;
        let wait = Fault::Status {
            status: 429,
            body: None,
            headers: vec![("Retry-After".into(), "600".into())],
        };
        let rule = FaultRule::new(service, wait).method("GET");
        world.running.sandbox.shared.faults().add(rule);
        world.sync().await;
        world.repair();
        world.restart().await;
        assert_ne!(world.badge(&visits[0]).await.0, Badge::Synced, "{service:?}");

        let mark = world.mark();
        let report = world.sync().await;
        assert_eq!(report.result, Some(RunResult::Partial), "{service:?}");
        let asked = world.requests_since(mark);
        let early = asked.iter().filter(|request| request.service == service);
        assert_eq!(early.count(), 0, "{service:?}");
        assert_ne!(world.badge(&visits[0]).await.0, Badge::Synced, "{service:?}");

        world.advance(601);
        world.settle().await;
        assert_eq!(world.badge(&visits[0]).await.0, Badge::Synced, "{service:?}");
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn a_question_that_shrinks_and_grows_at_once_is_about_what_is_there_now() {
    let (world, visits) = with_visits(8).await;
    let drag = |index: usize, hour: u32| {
        let to = format!("2026-12-{:02} {hour}:00", 7 + index);
        world.trainer().drag(&visits[index], &to);
    };
    (0..6).for_each(|index| drag(index, 19));
    world.settle().await;
    assert_eq!(asked(&world).await, 6);
    let before = world.admin().start(&visits[0]).to_rfc3339();
    world.trainer().drag(&visits[0], &before);
    drag(6, 19);
    world.settle().await;
    let question = &world.questions().await[0];
    assert!(!question.appointments.iter().any(|id| id.as_str() == visits[0]));
    assert_eq!(asked(&world).await, 6, "one has gone and one has come");
    world.check_safety();
}

#[tokio::test]
async fn a_feed_that_repeats_old_items_does_not_bring_back_what_the_platform_denied() {
    let (world, visits) = with_visits(6).await;
    // The laptop learns from a snapshot that one is gone: nothing tells it the version at which that happened.
    world.admin().reassign(&visits[0], BEN);
    world.admin().platform().expire_cursors();
    world.settle().await;
    assert_eq!(world.held().await, visits[..1]);
    let shared = &world.running.sandbox.shared;
    shared.set_realism(Realism {
        feed_repeats_percent: 100,
        ..shared.realism()
    });
    for number in 0..6 {
        // Something new, so that the feed goes on and repeats other items.
        world.admin().rename(&visits[1], &format!("Apotheke {number}"));
        world.advance(600);
        world.settle().await;
        assert_eq!(world.held().await, visits[..1], "it is still somebody else's");
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn an_event_restored_while_the_clock_was_wrong_is_found_again() {
    let (world, visits) = with_visits(1).await;
    let event = world.trainer().delete(&visits[0]);
    // For a while the services' clock, and with it the laptop's, is ten minutes ahead.
    let ahead = |service| FaultRule::new(service, Fault::ClockSkew { seconds: 600 }).times(40);
    for service in [Service::Platform, Service::Google] {
        world.running.sandbox.shared.faults().add(ahead(service));
    }
    world.settle().await;
    assert_eq!(world.badge(&visits[0]).await.0, Badge::Removed);
    world.running.sandbox.shared.faults().clear();
    world.advance(60);
    world.trainer().restore(&event);
    for _ in 0..3 {
        world.set_time(world.now() + TimeDelta::hours(25));
        world.settle().await;
    }
    assert_eq!(
        world.badge(&visits[0]).await.0,
        Badge::Synced,
        "it is there again"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn what_was_cancelled_stays_away_when_the_feed_repeats_older_words_of_it() {
    let (world, visits) = with_visits(3).await;
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.settle().await;
    world.admin().cancel(&visits[0]);
    world.settle().await;
    assert!(!world.trainer().has(&visits[0]));
    let shared = &world.running.sandbox.shared;
    shared.set_realism(Realism {
        feed_repeats_percent: 100,
        ..shared.realism()
    });
    // Until it is over, the version of its removal is remembered.
    for number in 0..8 {
        world.admin().rename(&visits[1], &format!("Apotheke {number}"));
        world.advance(600);
        world.settle().await;
        assert!(!world.trainer().has(&visits[0]), "after {number} further changes");
    }
    world.check_invariants().await;
}

/// Found by simulation seed 16829: the trainer takes the older event back and deletes the newer one, and the calendar tells of
/// the deletion late.
#[tokio::test]
async fn an_older_event_is_not_one_too_many_because_a_listing_is_behind() {
    let (world, visits) = with_visits(1).await;
    let older = world.trainer().delete(&visits[0]);
    world.settle().await;
    world.put_back(&visits[0]).await.expect("it was removed");
    world.settle().await;
    assert_ne!(world.trainer().event_id(&visits[0]), older);

    let shared = &world.running.sandbox.shared;
    shared.set_realism(Realism {
        late_tombstones_ms: 3_600_000,
        ..shared.realism()
    });
    world.advance(60);
    world.trainer().delete(&visits[0]);
    world.trainer().restore(&older);
    world.advance(60);
    world.settle().await;
    shared.set_realism(Realism::default());

    assert_eq!(world.trainer().event_id(&visits[0]), older, "it stays");
    world.advance(7_200);
    world.settle().await;
    assert_eq!(world.badge(&visits[0]).await.0, Badge::Synced);
    world.check_invariants().await;
}

/// Of one id a listing's last item counts: between two of the older event it tells that the newer one is gone.
#[tokio::test]
async fn an_event_that_a_listing_shows_before_and_after_the_newer_one_went_is_not_its_own_second_one() {
    let (world, visits) = with_visits(1).await;
    let older = world.trainer().delete(&visits[0]);
    world.settle().await;
    world.put_back(&visits[0]).await.expect("it was removed");
    world.settle().await;
    world.advance(60);
    let newer = world.trainer().delete(&visits[0]);
    world.trainer().restore(&older);
    let older_one = world.trainer().event(&visits[0]);
    let gone = json!({"id": newer, "status": "cancelled", "updated": older_one["updated"]});
    let items = [&older_one, &gone, &older_one];
    let token = world.state().await.sync_token.expect("it was read");
    let page = json!({"items": items, "nextSyncToken": token.as_str()});
    let page = Fault::RawBody {
        body: page.to_string(),
        content_type: "application/json".into(),
    };
    world.spoil_google(page, |rule| rule.method("GET").path("/events"));
    world.sync().await;
    world.repair();
    assert_eq!(world.trainer().event_id(&visits[0]), older, "it stays");
    world.advance(60);
    world.settle().await;
    assert_eq!(world.trainer().event_id(&visits[0]), older);
    world.check_invariants().await;
}

/// The platform's feed repeats older items and tells an older version after a newer one, as it may.
fn repeat_everything(world: &World) {
    let shared = &world.running.sandbox.shared;
    shared.set_realism(Realism {
        feed_repeats_percent: 100,
        ..shared.realism()
    });
}

/// Found by simulation seed 33069.
#[tokio::test]
async fn nothing_is_made_of_an_appointment_that_came_and_went_unseen() {
    let (world, visits) = with_visits(1).await;
    repeat_everything(&world);
    for number in 0..6 {
        let gone = world.admin().visits(3);
        gone.iter().for_each(|visit| world.admin().cancel(visit));
        // The next day begins with a snapshot, and none of them is in it; then the feed goes on, and repeats them.
        world.set_time(world.now() + TimeDelta::hours(25));
        world.settle().await;
        world.admin().rename(&visits[0], &format!("Apotheke {number}"));
        world.advance(600);
        world.settle().await;
        let made: Vec<&String> = gone.iter().filter(|visit| world.trainer().has(visit)).collect();
        assert!(made.is_empty(), "{made:?} on day {number}");
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn nothing_is_made_of_an_appointment_whose_removal_is_told_before_it() {
    let (world, _) = with_visits(1).await;
    repeat_everything(&world);
    let visits = world.admin().visits(6);
    world.advance(60);
    visits.iter().for_each(|visit| world.admin().cancel(visit));
    world.settle().await;
    let made: Vec<&String> = visits.iter().filter(|visit| world.trainer().has(visit)).collect();
    assert!(made.is_empty(), "{made:?}");
    world.check_invariants().await;
}

/// What is made while a reading goes on is not in its answer, and is no old news for the next one.
#[tokio::test]
async fn an_appointment_that_is_made_during_a_reading_is_not_lost_to_one_late_answer() {
    let (world, _) = with_visits(1).await;
    // The platform answers at once, the calendar half a minute later.
    world.spoil_google(
        Fault::Latency {
            ms: 30_000,
            real: false,
        },
        |rule| rule.method("GET").path("/events"),
    );
    let begun = world.now();
    world.sync().await;
    world.repair();
    let ended = world.now();
    assert!(ended - begun >= TimeDelta::seconds(30));
    world.set_time(begun + TimeDelta::seconds(1));
    let visit = world.admin().visit("Neue Apotheke", "2026-12-20 09:00");
    world.set_time(ended + TimeDelta::seconds(60));

    // A server that is behind does not know it yet.
    let body = json!({"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found"});
    let shared = &world.running.sandbox.shared;
    let fault = Fault::Status {
        status: 404,
        body: Some(body),
        headers: vec![("Content-Type".into(), "application/problem+json".into())],
    };
    let path = format!("/v1/appointments/{visit}");
    shared
        .faults()
        .add(FaultRule::new(Service::Platform, fault).method("GET").path(&path));
    world.settle().await;
    shared.faults().clear();
    assert!(world.trainer().has(&visit));
    world.check_invariants().await;
}

/// Appointments of long ago are given to the trainer in bulk, and their times of change are left as they were: each is asked
/// about, so many in one reading, and the next reading brings the others.
#[tokio::test]
async fn more_old_news_than_is_asked_about_at_once_is_not_lost() {
    let (world, _) = with_visits(1).await;
    let made = world.now();
    world.advance(600);
    world.sync().await;
    let now = world.now();
    world.set_time(made);
    let visits = world.admin().visits(60);
    world.set_time(now + TimeDelta::seconds(60));
    let mark = world.mark();
    world.sync().await;
    let asked = world.requests_since(mark);
    let asked = asked
        .iter()
        .filter(|request| request.method == "GET" && request.path.contains("/v1/appointments/apt_"));
    assert_eq!(asked.count(), 25);
    world.advance(60);
    world.settle().await;
    let missing: Vec<&String> = visits
        .iter()
        .filter(|visit| !world.trainer().has(visit))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    world.check_invariants().await;
}
