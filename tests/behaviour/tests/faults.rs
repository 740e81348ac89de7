//! Answers that are lost, cut, short, repeated or refused: no duplicate, no deletion, nothing lost.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::ids::AppointmentId;
use roundtrip_engine::ledger::{HistoryWhat, RunResult, Trigger};
use roundtrip_engine::ports::PortError;
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::google::QuotaLimits;
use serde_json::json;

/// Ten visits in the calendar.
async fn with_visits() -> (World, Vec<String>) {
    let world = World::new().await;
    let visits = world.admin().visits(10);
    world.sync().await;
    world.advance(60);
    (world, visits)
}

/// More than a day passes, so that the next cycle takes full listings.
fn a_day_passes(world: &World) {
    world.set_time(world.now() + TimeDelta::hours(25));
}

/// The same ten events are there, known and quiet.
async fn all_is_well(world: &World, visits: &[String], ids: &[String]) {
    world.check_invariants().await;
    for (visit, id) in visits.iter().zip(ids) {
        assert_eq!(&world.trainer().event_id(visit), id);
        assert_eq!(world.badge(visit).await.0, Badge::Synced, "{visit}");
    }
    assert_eq!(world.trainer().marked().len(), visits.len());
    let deleted = world.history().await.into_iter().any(|item| {
        matches!(
            item.what,
            HistoryWhat::Deleted { .. } | HistoryWhat::RemovedInCalendar { .. }
        )
    });
    assert!(!deleted);
}

fn ids_of(world: &World, visits: &[String]) -> Vec<String> {
    visits
        .iter()
        .map(|visit| world.trainer().event_id(visit))
        .collect()
}

#[tokio::test]
async fn an_expired_sync_token_leads_to_a_full_listing_and_no_write() {
    let (world, visits) = with_visits().await;
    let ids = ids_of(&world, &visits);
    world.running.sandbox.google.expire_sync_tokens();
    let mark = world.mark();
    world.trainer().drag(&visits[3], "2026-12-01 19:00");
    world.settle().await;

    assert_eq!(
        world.admin().start(&visits[3]),
        at("2026-12-01 19:00"),
        "what changed meanwhile is found"
    );
    assert_eq!(world.calendar_writes_since(mark), 0);
    all_is_well(&world, &visits, &ids).await;
}

#[tokio::test]
async fn an_expired_cursor_leads_to_a_snapshot_and_no_write() {
    let (world, visits) = with_visits().await;
    let ids = ids_of(&world, &visits);
    world.admin().platform().expire_cursors();
    let mark = world.mark();
    world.sync().await;

    assert_eq!(world.calendar_writes_since(mark), 0);
    all_is_well(&world, &visits, &ids).await;
}

#[tokio::test]
async fn a_cancellation_that_only_a_snapshot_could_tell_is_asked_for_singly() {
    let (world, visits) = with_visits().await;
    world.admin().delete(&visits[0]);
    world.admin().reassign(&visits[1], roundtrip_behaviour_tests::BEN);
    world.admin().platform().expire_cursors();
    world.settle().await;
    assert_eq!(world.held().await, visits[..2], "nobody has said so");
    world.advance(24 * 3_600 + 60);
    world.settle().await;

    assert!(!world.trainer().has(&visits[0]) && !world.trainer().has(&visits[1]));
    assert_eq!(world.trainer().marked().len(), 8);
    world.check_invariants().await;
}

#[tokio::test]
async fn full_listings_that_come_empty_short_or_cut_delete_nothing() {
    let spoiled = [
        Fault::EmptyPage,
        Fault::ShortList,
        Fault::CutPage,
        Fault::DropDuring { bytes: 700 },
    ];
    for fault in spoiled {
        for service in [Service::Google, Service::Platform] {
            let (world, visits) = with_visits().await;
            let ids = ids_of(&world, &visits);
            a_day_passes(&world);
            let rule = FaultRule::new(service, fault.clone())
                .method("GET")
                .path("maxResults=1000");
            let rule = if service == Service::Platform {
                rule.path("/v1/appointments?")
            } else {
                rule
            };
            world.running.sandbox.shared.faults().add(rule);
            let mark = world.mark();
            world.sync().await;
            world.repair();
            if fault == Fault::EmptyPage {
                let said = world
                    .history()
                    .await
                    .into_iter()
                    .any(|item| item.what == HistoryWhat::ReadingShrank);
                assert!(
                    said,
                    "{service:?}: a reading without anything is not believed, and that is said"
                );
            }
            world.settle().await;
            assert_eq!(world.calendar_writes_since(mark), 0, "{fault:?} {service:?}");
            all_is_well(&world, &visits, &ids).await;
        }
    }
}

#[tokio::test]
async fn a_listing_that_stays_empty_is_looked_into_one_by_one_and_deletes_nothing() {
    let (world, visits) = with_visits().await;
    let ids = ids_of(&world, &visits);
    a_day_passes(&world);
    world.spoil_google(Fault::EmptyPage, |rule| {
        rule.method("GET").path("maxResults=1000").times(0)
    });
    world.spoil_platform(Fault::EmptyPage, |rule| {
        rule.method("GET").path("/v1/appointments?").times(0)
    });
    let mark = world.mark();
    for _ in 0..6 {
        world.sync().await;
        world.advance(900);
    }
    world.repair();
    a_day_passes(&world);
    world.settle().await;

    assert_eq!(world.calendar_writes_since(mark), 0);
    all_is_well(&world, &visits, &ids).await;
}

#[tokio::test]
async fn a_page_that_comes_twice_is_a_clear_error_and_nothing_is_lost() {
    let (world, visits) = with_visits().await;
    let ids = ids_of(&world, &visits);
    world.spoil_platform(Fault::RepeatPage, |rule| {
        rule.method("GET").path("/v1/appointments?").times(2)
    });
    let page = json!({"kind": "calendar#events", "timeZone": "Europe/Berlin", "items": [], "nextPageToken": "again"});
    let repeated = Fault::Status {
        status: 200,
        body: Some(page),
        headers: Vec::new(),
    };
    world.spoil_google(repeated, |rule| rule.method("GET").path("/events").times(2));
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    let report = world.sync().await;
    let twice = Some(PortError::BadAnswer {
        what: "a page came twice".into(),
    });
    assert_eq!((&report.platform, &report.calendar), (&twice, &twice));
    assert_eq!(report.result, Some(RunResult::Failed));
    world.repair();
    world.settle().await;

    assert_eq!(world.trainer().title(&visits[0]), "Rosen-Apotheke");
    all_is_well(&world, &visits, &ids).await;
}

#[tokio::test]
async fn first_contact_with_an_empty_listing_adopts_what_is_there() {
    let (mut world, visits) = with_visits().await;
    let ids = ids_of(&world, &visits);
    world.lose_database().await;
    world.spoil_google(Fault::EmptyPage, |rule| {
        rule.method("GET").path("maxResults=1000").times(2)
    });
    world.start().await;
    world.repair();
    world.settle().await;

    all_is_well(&world, &visits, &ids).await;
}

#[tokio::test]
async fn an_insert_whose_answer_is_lost_makes_one_event() {
    for fault in [
        Fault::DropAfter,
        Fault::DropBefore,
        Fault::DropDuring { bytes: 40 },
    ] {
        let world = World::new().await;
        world.spoil_google(fault.clone(), |rule| rule.method("POST").path("/events").times(3));
        let visits = world.admin().visits(10);
        world.settle().await;
        world.repair();

        let ids = ids_of(&world, &visits);
        all_is_well(&world, &visits, &ids).await;
        let added = world
            .history()
            .await
            .into_iter()
            .filter(|item| matches!(item.what, HistoryWhat::Added { .. }));
        assert_eq!(added.count(), 10, "{fault:?}: each is told once");
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_written_once_and_is_no_edit_of_the_trainers() {
    for fault in [Fault::DropAfter, Fault::DropBefore] {
        let (world, visits) = with_visits().await;
        let ids = ids_of(&world, &visits);
        world.admin().move_to(&visits[0], "2026-12-09 18:00");
        world.admin().rename(&visits[0], "Rosen-Apotheke");
        world.spoil_google(fault, |rule| rule.method("PATCH"));
        world.settle().await;
        world.repair();

        assert_eq!(world.trainer().start(&visits[0]), at("2026-12-09 18:00"));
        assert_eq!(
            world.admin().writes(),
            [],
            "an own write never comes back as a move"
        );
        assert_eq!(world.conflicts().await, []);
        all_is_well(&world, &visits, &ids).await;
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_while_the_platform_goes_on_ends_with_the_last_word() {
    let (world, visits) = with_visits().await;
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.spoil_google(Fault::DropAfter, |rule| rule.method("PATCH"));
    world.sync().await;
    world.repair();
    world.admin().rename(&visits[0], "Adler-Apotheke");
    world.settle().await;

    assert_eq!(world.trainer().title(&visits[0]), "Adler-Apotheke");
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_done_once() {
    for fault in [Fault::DropAfter, Fault::DropBefore] {
        let (world, visits) = with_visits().await;
        world.admin().cancel(&visits[0]);
        world.spoil_google(fault, |rule| rule.method("DELETE"));
        world.settle().await;
        world.repair();

        assert!(!world.trainer().has(&visits[0]));
        assert_eq!(world.trainer().marked().len(), 9);
        let told = world.story(&visits[0]).await;
        assert!(
            !told
                .iter()
                .any(|what| matches!(what, HistoryWhat::RemovedInCalendar { .. })),
            "{told:?}"
        );
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn google_not_reachable_leaves_the_platform_side_going() {
    let (world, visits) = with_visits().await;
    world.wire.unplug(&world.running.google_url);
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    let new = world.admin().visit("Adler-Apotheke", "2026-12-15 09:00");
    let report = world.sync().await;

    assert_eq!(
        (&report.platform, &report.calendar),
        (&None, &Some(PortError::Unreachable { nothing_sent: true }))
    );
    assert_eq!(report.result, Some(RunResult::Partial));
    // The window shows what the platform said, and why it is not in the calendar.
    assert_eq!(world.status(&new).await.rendered.title, "Adler-Apotheke");
    assert_eq!(world.badge(&new).await, (Badge::Waiting, Some("offline".into())));
    world.admin().rename(&visits[0], "Hirsch-Apotheke");
    world.sync().await;
    assert_eq!(world.status(&visits[0]).await.rendered.title, "Hirsch-Apotheke");

    world.wire.plug_in();
    world.settle().await;
    assert_eq!(world.trainer().title(&visits[0]), "Hirsch-Apotheke");
    assert!(world.trainer().has(&new));
    world.check_invariants().await;
}

#[tokio::test]
async fn the_platform_not_reachable_leaves_the_calendar_side_going() {
    let (world, visits) = with_visits().await;
    world.wire.unplug(&world.running.platform_url);
    world.trainer().drag(&visits[0], "2026-12-01 19:00");
    world.trainer().delete(&visits[1]);
    world.advance(60);
    let report = world.sync().await;
    assert_eq!(
        (&report.platform, &report.calendar),
        (&Some(PortError::Unreachable { nothing_sent: true }), &None)
    );
    assert_eq!(world.badge(&visits[1]).await.0, Badge::Removed);

    world.wire.plug_in();
    world.settle().await;
    assert_eq!(world.admin().start(&visits[0]), at("2026-12-01 19:00"));
    assert_eq!(world.admin().told_of(&visits[0]).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn everything_waiting_survives_a_restart_without_network() {
    let (mut world, visits) = with_visits().await;
    world.trainer().drag(&visits[0], "2026-12-01 19:00");
    world.admin().rename(&visits[1], "Rosen-Apotheke");
    world.sync().await;
    world.wire.unplug(&world.running.google_url);
    world.wire.unplug(&world.running.platform_url);
    world.advance(60);
    world.sync().await;
    world.restart().await;
    world.settle().await;

    assert_eq!(world.admin().start(&visits[0]), at("2026-12-01 19:00"));
    assert_eq!(world.trainer().title(&visits[1]), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_used_up_quota_queues_tells_until_when_and_goes_on() {
    let world = World::new().await;
    let google = world.running.sandbox.google.clone();
    google.set_quota(QuotaLimits {
        new_events_per_day: Some(4),
        ..google.quota()
    });
    let visits = world.admin().visits(12);
    world.sync().await;

    let made = world.trainer().marked().len();
    assert!((4..=8).contains(&made), "{made}");
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.held_back, Some("quota_gone"));
    let until = snapshot
        .state
        .calendar_writes_wait_until
        .expect("it says when it goes on");
    let wait = until - world.now();
    assert!((45..=75).contains(&wait.num_minutes()), "{wait}");
    assert_eq!(snapshot.outbox.len(), visits.len() - made);
    // Nothing is written before that.
    let mark = world.mark();
    world.advance(1_800);
    world.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);

    google.set_quota(QuotaLimits::default());
    world.set_time(until + TimeDelta::seconds(1));
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 12);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_quota_that_is_gone_is_remembered_over_a_restart() {
    let mut world = World::new().await;
    let google = world.running.sandbox.google.clone();
    google.set_quota(QuotaLimits {
        new_events_per_day: Some(0),
        ..google.quota()
    });
    world.admin().visits(3);
    world.sync().await;
    world.restart().await;
    let mark = world.mark();
    world.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0);

    google.set_quota(QuotaLimits::default());
    world.advance(75 * 60 + 1);
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 3);
    world.check_invariants().await;
}

#[tokio::test]
async fn retry_after_is_obeyed_by_both_sides() {
    for service in [Service::Google, Service::Platform] {
        for status in [429, 503] {
            let (world, visits) = with_visits().await;
            let wait = Fault::Status {
                status,
                body: None,
                headers: vec![("Retry-After".into(), "120".into())],
            };
            world
                .running
                .sandbox
                .shared
                .faults()
                .add(FaultRule::new(service, wait).method("GET"));
            world.admin().rename(&visits[0], "Rosen-Apotheke");
            world.trainer().drag(&visits[1], "2026-12-01 19:00");
            world.sync().await;
            world.repair();
            let mark = world.mark();
            for _ in 0..5 {
                world.advance(20);
                world.sync().await;
            }
            let early: Vec<_> = world
                .requests_since(mark)
                .into_iter()
                .filter(|request| request.service == service)
                .collect();
            assert!(early.is_empty(), "{service:?} {status}: {early:?}");
            world.settle().await;
            assert_eq!(world.trainer().title(&visits[0]), "Rosen-Apotheke");
            assert_eq!(world.admin().start(&visits[1]), at("2026-12-01 19:00"));
            world.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_write_is_tried_again_after_1_2_4_8_16_seconds_then_parked_shown_and_taken_up_by_the_next_run() {
    let (world, visits) = with_visits().await;
    let refused =
        json!({"error": {"errors": [{"reason": "backendError"}], "code": 500, "message": "Backend Error"}});
    world.spoil_google(
        Fault::Status {
            status: 500,
            body: Some(refused),
            headers: Vec::new(),
        },
        |rule| rule.method("PATCH").times(0),
    );
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    let mark = world.mark();
    world.settle().await;

    let tries: Vec<_> = world
        .writes_since(mark)
        .into_iter()
        .map(|request| request.at)
        .collect();
    let waits: Vec<i64> = tries
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).num_milliseconds())
        .collect();
    for (wait, expected) in waits.iter().zip([1_000, 2_000, 4_000, 8_000, 16_000]) {
        // A quarter of jitter either way.
        assert!((*wait - expected).abs() <= expected / 4 + 1_000, "{waits:?}");
    }
    assert_eq!(waits.len(), 5, "after that it waits for the next run: {waits:?}");
    assert_eq!(
        world.badge(&visits[0]).await,
        (Badge::Problem, Some("server_trouble".into()))
    );
    let failed: Vec<_> = world
        .story(&visits[0])
        .await
        .into_iter()
        .filter(|what| matches!(what, HistoryWhat::WriteFailed { .. }))
        .collect();
    assert_eq!(
        failed,
        [HistoryWhat::WriteFailed {
            intent: "patch".into()
        }],
        "said once"
    );
    // The others are not held up by it.
    world.admin().rename(&visits[1], "Adler-Apotheke");
    world.repair();
    world.cycle(Trigger::Timer).await;
    assert_eq!(world.trainer().title(&visits[0]), "Rosen-Apotheke");
    assert_eq!(world.badge(&visits[0]).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_write_that_a_service_will_never_take_is_parked_at_once_and_the_rest_goes_on() {
    let (world, visits) = with_visits().await;
    let refused = json!({"error": {"errors": [{"reason": "invalid"}], "code": 400, "message": "Invalid"}});
    let id = world.trainer().event_id(&visits[0]);
    world.spoil_google(
        Fault::Status {
            status: 400,
            body: Some(refused),
            headers: Vec::new(),
        },
        |rule| rule.method("PATCH").path(&id).times(0),
    );
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.admin().rename(&visits[1], "Adler-Apotheke");
    let mark = world.mark();
    world.settle().await;

    let tried = world
        .writes_since(mark)
        .into_iter()
        .filter(|request| request.path.contains(&id))
        .count();
    assert_eq!(tried, 1);
    assert_eq!(world.trainer().title(&visits[1]), "Adler-Apotheke");
    assert_eq!(
        world.badge(&visits[0]).await,
        (Badge::Problem, Some("rejected".into()))
    );
    world.repair();
    world.settle().await;
    assert_eq!(world.trainer().title(&visits[0]), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_write_that_is_given_up_is_no_problem_any_more() {
    let (world, visits) = with_visits().await;
    let refused = json!({"error": {"errors": [{"reason": "invalid"}], "code": 400, "message": "Invalid"}});
    world.spoil_google(
        Fault::Status {
            status: 400,
            body: Some(refused),
            headers: Vec::new(),
        },
        |rule| rule.method("POST").path("/events").times(0),
    );
    let new = world.admin().visit("Rosen-Apotheke", "2026-12-03 14:00");
    world.settle().await;
    assert_eq!(world.badge(&new).await, (Badge::Problem, Some("rejected".into())));

    let id = AppointmentId::new(&new);
    world
        .set(|settings| _ = settings.filters.excluded.insert(id.clone()))
        .await;
    world.settle().await;
    assert_eq!(world.badge(&new).await, (Badge::LeftOut, Some("excluded".into())));
    world.set_time(at("2026-12-03 18:00"));
    world.settle().await;
    assert_eq!(world.badge(&new).await, (Badge::Ended, None));
    world.repair();
    assert!(world.trainer().has(&visits[0]));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_event_deleted_while_its_write_goes_wrong_is_removed_and_no_problem() {
    let (world, visits) = with_visits().await;
    let trouble = Fault::Status {
        status: 503,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_google(trouble, |rule| rule.method("PATCH").times(0));
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.settle().await;
    assert_eq!(world.badge(&visits[0]).await.0, Badge::Problem);

    world.trainer().delete(&visits[0]);
    world.repair();
    world.settle().await;
    assert_eq!(world.badge(&visits[0]).await.0, Badge::Removed);
    assert_eq!(world.outbox().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_report_whose_answer_is_lost_is_told_even_if_the_next_try_is_turned_away() {
    let (world, visits) = with_visits().await;
    world.trainer().drag(&visits[0], "2026-12-09 18:00");
    world.advance(60);
    world.spoil_platform(Fault::DropAfter, |rule| rule.method("POST").path("/move"));
    world.spoil_platform(Fault::RateLimited, |rule| {
        rule.method("POST").path("/move").after(1)
    });
    world.sync().await;
    world.settle().await;
    world.repair();

    let told = world.story(&visits[0]).await;
    let told = told
        .iter()
        .filter(|what| matches!(what, HistoryWhat::MovedBack { .. }));
    assert_eq!(
        told.count(),
        1,
        "the first try took effect, so the history has to say so"
    );
    assert_eq!(world.admin().told_of(&visits[0]).len(), 1);
    world.check_invariants().await;
}

/// What the admin sees of this laptop: status and problem.
fn admin_sees(world: &World) -> (String, Option<String>) {
    let laptop = world.admin().platform().integrations().pop().expect("one laptop");
    let report = serde_json::to_value(&laptop.report).expect("a report");
    let word = |field: &str| report[field].as_str().map(str::to_owned);
    (word("status").unwrap_or_default(), word("problem"))
}

#[tokio::test]
async fn a_calendar_that_may_only_be_read_from_now_on_is_said_until_it_takes_writes_again() {
    let (world, visits) = with_visits().await;
    let refused = json!({"error": {"errors": [{"reason": "requiredAccessLevel"}], "code": 403, "message": "Forbidden"}});
    let read_only = Fault::Status {
        status: 403,
        body: Some(refused),
        headers: Vec::new(),
    };
    world.spoil_google(read_only, |rule| rule.method("PATCH").times(0));
    let succeeded = world.sync().await.result;
    assert_eq!(succeeded, Some(RunResult::Success), "it can be read");
    let last_success = world.state().await.last_success_at;
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    let began = world.now();
    let problem = PortError::RightMissing {
        right: "writer".into(),
    };
    for _ in 0..3 {
        let report = world.sync().await;
        assert_eq!(report.calendar.as_ref(), Some(&problem));
        assert_eq!(report.result, Some(RunResult::Partial));
        assert_eq!(admin_sees(&world), ("error".into(), Some("right_missing".into())));
        let health = world.snapshot().await.live.calendar;
        assert_eq!(
            (health.problem.as_ref(), health.since),
            (Some(&problem), Some(began))
        );
        world.advance(900);
    }
    assert_eq!(world.state().await.last_success_at, last_success);

    world.repair();
    let report = world.sync().await;
    assert_eq!((report.calendar, report.result), (None, Some(RunResult::Success)));
    assert_eq!(admin_sees(&world), ("active".into(), None));
    assert_eq!(world.snapshot().await.live.calendar.problem, None);
    assert_eq!(world.trainer().title(&visits[0]), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_right_that_nothing_needs_any_more_is_not_missed() {
    let (world, visits) = with_visits().await;
    let named = world.trainer().title(&visits[0]);
    let refused = json!({"error": {"errors": [{"reason": "requiredAccessLevel"}], "code": 403, "message": "Forbidden"}});
    let read_only = Fault::Status {
        status: 403,
        body: Some(refused),
        headers: Vec::new(),
    };
    world.spoil_google(read_only, |rule| rule.method("PATCH").times(0));
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.sync().await;
    world.admin().rename(&visits[0], &named);
    let report = world.sync().await;
    assert_eq!((report.calendar, report.result), (None, Some(RunResult::Success)));
    assert_eq!(world.snapshot().await.live.calendar.problem, None);
    world.repair();
    world.check_invariants().await;
}
