//! An engine that is stopped, and one whose laptop slept where nobody told it so.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, Response};
use roundtrip_behaviour_tests::{LaptopClock, World};
use roundtrip_core::ids::AppointmentId;
use roundtrip_engine::Engine;
use roundtrip_engine::ledger::{Run, Trigger};
use roundtrip_http::{HttpError, HttpPort};
use roundtrip_sandbox::shared::ManualClock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const HOUR: i64 = 3_600;

/// Runs since an instant, oldest first.
async fn runs(world: &World, since: DateTime<Utc>) -> Vec<Run> {
    let runs = world.engine.runs(since, 100).await;
    let mut runs = runs.expect("the ledger works");
    runs.sort_by_key(|run| run.started_at);
    runs
}

/// Answers nothing until it is let go.
struct Holds {
    services: Arc<dyn HttpPort>,
    held: watch::Sender<bool>,
    asked: watch::Sender<usize>,
}

#[async_trait]
impl HttpPort for Holds {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.asked.send_modify(|asked| *asked += 1);
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held).await.expect("the test holds it");
        self.services.send(request).await
    }
}

#[tokio::test]
async fn no_cycle_begins_once_the_engine_is_stopped_though_it_was_waiting_for_its_turn() {
    let world = World::new().await;
    let mark = world.mark();
    let holds = Arc::new(Holds {
        services: world.wire.services(),
        held: watch::Sender::new(true),
        asked: watch::Sender::new(0),
    });
    world.wire.divert(Some(holds.clone()));
    let engine = world.engine.clone();
    let first = tokio::spawn(async move { engine.cycle(Trigger::Manual).await.map(|_| ()) });
    let mut asked = holds.asked.subscribe();
    asked.wait_for(|asked| *asked >= 2).await.expect("it asks");
    world.engine.ask_for(Trigger::Manual);
    let driving = world.drive_as_it_is();
    // The database answers from a thread of its own.
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    let stopped = driving.stop();
    tokio::join!(stopped, async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        holds.held.send_replace(false);
    });
    first.await.expect("it ends").expect("the ledger works");
    let asked = world.requests_since(mark).into_iter();
    let lists = asked.filter(|request| request.path.ends_with("/events")).count();
    assert_eq!(lists, 1, "of the first one");
}

#[tokio::test]
async fn a_sleep_that_the_running_clock_does_not_show_is_a_wake_up_too() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let mut driving = world.drive().await;
    driving.let_pass(60).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let closed = world.now();
    // Both clocks go on; nobody was woken meanwhile.
    world.advance(9 * HOUR);
    driving.let_pass(1).await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    let triggers: Vec<Trigger> = runs(&world, closed).await.iter().map(|run| run.trigger).collect();
    assert_eq!(triggers, [Trigger::WakeUp]);
    driving.stop().await;
}

#[tokio::test]
async fn what_was_held_over_a_weekend_is_seen_before_it_goes_though_the_running_clock_went_on() {
    let world = World::new().await;
    let visits = world.admin().visits(3);
    world.sync().await;
    world.advance(2 * HOUR);
    let mut driving = world.drive().await;
    let left_out = AppointmentId::new(&visits[0]);
    world
        .set_unconfirmed(|settings| {
            settings.filters.excluded.insert(left_out);
        })
        .await;
    driving.let_pass(60).await;
    assert_eq!(world.held().await, visits[..1]);

    world.advance(60 * HOUR);
    driving.let_pass(25 * 60).await;
    assert!(world.trainer().has(&visits[0]), "nobody could see it yet");
    driving.let_pass(HOUR).await;
    assert!(!world.trainer().has(&visits[0]));
    driving.stop().await;
}

/// The lid is closed for a while when the first event of a run was made.
struct Lid {
    services: Arc<dyn HttpPort>,
    clock: Arc<LaptopClock>,
    world: Arc<ManualClock>,
    engine: Arc<Engine>,
    running_clock_goes_on: bool,
    closed: AtomicBool,
}

#[async_trait]
impl HttpPort for Lid {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let makes = request.method() == Method::POST && request.uri().path().ends_with("/events");
        let answer = self.services.send(request).await;
        if makes && !self.closed.swap(true, Ordering::SeqCst) {
            // Not so long that the lease would have run out.
            let away = TimeDelta::minutes(90);
            if self.running_clock_goes_on {
                self.engine.look_in_run(Some(Duration::from_secs(60)));
                self.world.advance(away);
            } else {
                self.clock.close_lid(away);
            }
        }
        answer
    }
}

#[tokio::test]
async fn a_lid_that_was_closed_in_a_cycle_stops_its_writes_until_both_sides_were_read_again() {
    for running_clock_goes_on in [false, true] {
        let world = World::new().await;
        world.sync().await;
        let mut driving = world.drive().await;
        driving.let_pass(60).await;
        let began = world.now();
        let visits = world.admin().visits(40);
        world.wire.divert(Some(Arc::new(Lid {
            services: world.wire.services(),
            clock: world.clock.clone(),
            world: world.world_clock(),
            engine: world.engine.clone(),
            running_clock_goes_on,
            closed: AtomicBool::new(false),
        })));
        let mark = world.mark();
        world.engine.ask_for(Trigger::Manual);
        driving.let_pass(60).await;
        world.engine.look_in_run(None);
        let runs = runs(&world, began).await;
        let triggers: Vec<Trigger> = runs.iter().map(|run| run.trigger).take(2).collect();
        assert_eq!(
            triggers,
            [Trigger::Manual, Trigger::WakeUp],
            "{running_clock_goes_on}"
        );

        let asked = world.requests_since(mark).into_iter();
        let mut asked = asked.filter(|request| request.path.starts_with("/calendar/v3/"));
        let before = asked
            .by_ref()
            .skip(1)
            .take_while(|request| request.method == "POST");
        // One on its way meanwhile finds its token run out, and is asked once more.
        let before = before.filter(|request| request.status == Some(200)).count();
        assert!(
            (1..=8).contains(&before),
            "{before} written of a plan from before the sleep"
        );
        driving.let_pass(600).await;
        for visit in &visits {
            assert!(world.trainer().has(visit));
        }
        driving.stop().await;
        world.wire.divert(None);
        world.check_safety();
    }
}

/// Who leaves deletes with an engine that nothing drives any more, however long the reading before it takes.
#[tokio::test]
async fn what_is_deleted_after_the_driver_has_ended_is_not_taken_for_late() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    assert!(world.trainer().has(&visit));
    let mut driving = world.drive().await;
    driving.let_pass(60).await;
    world.engine.look_in_run(Some(Duration::from_secs(60)));
    driving.stop().await;
    world.advance(600);
    let (counts, remaining) = world.engine.delete_events(true).await.expect("both answer");
    assert_eq!((counts.removed, remaining), (1, 0));
    assert!(!world.trainer().has(&visit));
}
