//! As fast as a service allows and no faster: a first sync, a quota that others use up, one that is gone for hours.

use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::badge::Badge;
use roundtrip_engine::ports::PortError;
use roundtrip_sandbox::faults::{Fault, Service};
use roundtrip_sandbox::google::QuotaLimits;
use serde_json::json;

/// When Google was written to, and what it answered.
fn writes(world: &World, mark: u64) -> Vec<(DateTime<Utc>, Option<u16>, String)> {
    world
        .requests_since(mark)
        .into_iter()
        .filter(|request| request.path.starts_with("/calendar/v3/") && request.method != "GET")
        .map(|request| (request.at, request.status, request.method))
        .collect()
}

#[tokio::test]
async fn a_first_sync_of_a_thousand_uses_the_quota_and_begins_with_the_nearest() {
    let world = World::new().await;
    let visits = world.admin().visits(1_000);
    let (mark, began) = (world.mark(), world.now());
    world.sync().await;

    let writes = writes(&world, mark);
    assert_eq!(writes.len(), 1_000);
    assert!(
        writes.iter().all(|(_, status, _)| *status == Some(200)),
        "no refusal"
    );
    let took = writes[999].0 - began;
    assert!(took <= TimeDelta::seconds(105), "{took}");
    let within = |from: usize, span: TimeDelta| {
        let until = writes[from].0 + span;
        writes[from..].iter().take_while(|(at, _, _)| *at < until).count()
    };
    let busiest = (0..1_000).map(|from| within(from, TimeDelta::seconds(1))).max();
    assert!(
        busiest.is_some_and(|most| (20..=50).contains(&most)),
        "{busiest:?}"
    );
    let minute = within(0, TimeDelta::seconds(60));
    assert!((570..=600).contains(&minute), "{minute}");
    // The coming week has 28 of them.
    assert!(writes[27].0 - began <= TimeDelta::seconds(5));
    for id in &visits[..28] {
        assert!(world.trainer().has(id));
    }
}

#[tokio::test]
async fn a_quota_that_others_use_is_shared_with_them() {
    let world = World::new().await;
    let google = world.running.sandbox.google.clone();
    google.set_quota(QuotaLimits {
        per_user_per_minute: Some(60),
        ..google.quota()
    });
    let visits = world.admin().visits(150);
    let mark = world.mark();
    let mut rounds = 0;
    while !world.trainer().has(&visits[149]) {
        world.settle().await;
        rounds += 1;
        assert!(rounds < 20, "it goes on by itself");
    }
    let refused = writes(&world, mark)
        .iter()
        .filter(|(_, status, _)| *status == Some(403))
        .count();
    // At once what had left already, up to eight; then it is slower, and asks for more only now and then.
    assert!((1..=60).contains(&refused), "{refused}");
    for visit in &visits {
        assert_eq!(world.trainer().events(visit).len(), 1);
    }
}

#[tokio::test]
async fn a_quota_that_is_gone_is_asked_about_less_and_less_often() {
    let world = World::new().await;
    let google = world.running.sandbox.google.clone();
    google.set_quota(QuotaLimits {
        new_events_per_day: Some(0),
        ..google.quota()
    });
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-09 09:00");
    let mark = world.mark();
    let mut driving = world.drive().await;
    driving.let_pass(12 * 3_600).await;
    let tries: Vec<DateTime<Utc>> = writes(&world, mark).into_iter().map(|(at, _, _)| at).collect();
    let apart: Vec<f64> = tries
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_seconds_f64() / 3_600.0)
        .collect();
    assert!((3..=5).contains(&tries.len()), "{apart:?}");
    assert!(apart.windows(2).all(|pair| pair[1] > pair[0]), "{apart:?}");
    // The window says when it goes on, and the queue is still there.
    let snapshot = world.snapshot().await;
    assert!(
        snapshot
            .state
            .calendar_writes_wait_until
            .is_some_and(|until| until > world.now())
    );
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Waiting, Some("quota_gone".into()))
    );

    google.set_quota(QuotaLimits::default());
    driving.let_pass(8 * 3_600).await;
    assert!(world.trainer().has(&visit));
    driving.stop().await;
}

#[tokio::test]
async fn a_quota_for_writing_that_is_gone_stops_no_reading_and_what_is_read_is_reported() {
    let mut world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let google = world.running.sandbox.google.clone();
    google.set_quota(QuotaLimits {
        new_events_per_day: Some(0),
        ..google.quota()
    });
    world.admin().visit("Rosen-Apotheke", "2026-12-02 09:00");
    world.sync().await;
    let mark = world.mark();
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    world.sync().await;
    world.advance(60);
    world.sync().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));

    // No reading disproves it, and a restart forgets neither the wait nor what it is for.
    assert_eq!(world.engine.live().calendar.problem, Some(PortError::QuotaGone));
    world.restart().await;
    assert_eq!(world.snapshot().await.held_back, Some("quota_gone"));
    world.sync().await;
    assert_eq!(world.engine.live().calendar.problem, Some(PortError::QuotaGone));
    assert_eq!(world.calendar_writes_since(mark), 0);

    google.set_quota(QuotaLimits::default());
    world.advance(75 * 60);
    world.settle().await;
    assert_eq!(world.engine.live().calendar.problem, None);
    assert_eq!(world.trainer().marked().len(), 2);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_quota_for_reading_that_is_gone_is_asked_about_within_the_hour_again_once_reading_worked() {
    let world = World::new().await;
    let waits = async || {
        let gone =
            json!({"error": {"errors": [{"reason": "dailyLimitExceeded"}], "code": 403, "message": "M"}});
        let gone = Fault::Status {
            status: 403,
            body: Some(gone),
            headers: Vec::new(),
        };
        world.spoil_google(gone, |rule| rule.method("GET").path("/events"));
        world.sync().await;
        world.repair();
        let mark = world.mark();
        world.advance(60);
        world.sync().await;
        let asked = world.requests_since(mark);
        assert!(asked.iter().all(|request| request.service == Service::Platform));
        let until = world.state().await.calendar_wait_until.expect("it waits");
        let wait = until - world.now();
        world.set_time(until + TimeDelta::seconds(1));
        world.sync().await;
        assert_eq!(world.engine.live().calendar.problem, None);
        wait
    };
    for _ in 0..3 {
        let wait = waits().await;
        assert!(wait < TimeDelta::minutes(76), "{wait}");
    }
}
