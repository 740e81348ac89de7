//! Two installations of one trainer.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Request, Response};
use roundtrip_behaviour_tests::{BEN, Cut, Laptop, MARA, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_engine::Engine;
use roundtrip_engine::ledger::{HistoryWhat, RunResult, Trigger};
use roundtrip_engine::ports::{Hinted, PortError};
use roundtrip_http::{HttpError, HttpPort};
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::IntegrationStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

fn writer(world: &World) -> Option<String> {
    world
        .admin()
        .platform()
        .writer(world.person().user, "google")
        .map(|writer| writer.device_id)
}

#[tokio::test]
async fn a_second_installation_shows_everything_and_writes_nothing() {
    let (world, visit) = with_visit().await;
    let id = world.trainer().event_id(&visit);
    let mark = world.mark();
    let second = world.second_laptop().await;
    second.start().await;
    second.settle().await;

    assert!(world.writes_since(mark).is_empty());
    assert_eq!(world.trainer().event_id(&visit), id);
    let snapshot = second.snapshot().await;
    assert_eq!(snapshot.held_back, Some("not_the_writer"));
    assert_eq!(snapshot.appointments.len(), 1);
    assert_eq!(
        second.engine.other_writer().map(|writer| writer.device_id.0),
        Some("laptop-1".into())
    );
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn what_changes_is_written_by_the_holder_of_the_lease_alone() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    let new = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.admin().rename(&visit, "Rosen-Apotheke");
    world
        .admin()
        .cancel(&world.admin().visit("Stern-Apotheke", "2026-12-03 09:00"));
    let mark = world.mark();
    second.settle().await;
    assert!(world.writes_since(mark).is_empty());
    assert_eq!(
        second.badge(&new).await,
        (Badge::Waiting, Some("not_the_writer".into()))
    );

    world.settle().await;
    second.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert!(world.trainer().has(&new));
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn what_it_may_not_write_it_does_not_tell_at_each_reading() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    // Both sides changed, in fields that merge: a merge that only the other laptop may write.
    world.admin().move_to(&visit, "2026-12-02 14:00");
    world
        .trainer()
        .edit(&visit, &serde_json::json!({"location": "Hintereingang"}));
    world.advance(60);
    for _ in 0..3 {
        second.sync().await;
    }
    let told = second.history().await;
    let merges = told
        .iter()
        .filter(|item| item.what == roundtrip_engine::ledger::HistoryWhat::Merged);
    assert_eq!(merges.count(), 0, "{told:#?}");
}

#[tokio::test]
async fn a_move_seen_by_both_is_reported_once() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    second.settle().await;
    assert_eq!(world.admin().writes(), []);
    world.settle().await;
    second.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn sync_from_this_laptop_moves_the_lease() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    assert_eq!(writer(&world).as_deref(), Some("laptop-1"));

    second.engine.take_over();
    world.admin().rename(&visit, "Rosen-Apotheke");
    second.settle().await;
    assert_eq!(writer(&world).as_deref(), Some("laptop-2"));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");

    // The first one hears of it and keeps still.
    world.advance(3_600);
    world.sync().await;
    world.admin().rename(&visit, "Adler-Apotheke");
    let mark = world.mark();
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());
    assert_eq!(world.snapshot().await.held_back, Some("not_the_writer"));
    second.settle().await;
    assert_eq!(world.trainer().title(&visit), "Adler-Apotheke");
    world.check_invariants_with(&[&second]).await;
}

/// The trainer presses "Sync from this laptop" while a report of the laptop is on its way.
struct Presses {
    services: Arc<dyn HttpPort>,
    engine: Arc<Engine>,
}

#[async_trait]
impl HttpPort for Presses {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if request.uri().path().starts_with("/v1/me/integrations/") {
            self.engine.take_over();
        }
        self.services.send(request).await
    }
}

#[tokio::test]
async fn sync_from_this_laptop_is_not_lost_while_a_report_is_on_its_way() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    second.wire.divert(Some(Arc::new(Presses {
        services: second.wire.services(),
        engine: second.engine.clone(),
    })));
    let mark = world.mark();
    second.sync().await;
    second.wire.divert(None);
    let reports = world.requests_since(mark);
    assert!(
        reports.iter().any(|request| request.method == "PUT"),
        "{reports:?}"
    );
    assert_eq!(writer(&world).as_deref(), Some("laptop-1"), "it asked without it");

    world.admin().rename(&visit, "Rosen-Apotheke");
    second.settle().await;
    assert_eq!(writer(&world).as_deref(), Some("laptop-2"));
    assert!(!second.engine.live().take_over, "once is enough");
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
}

#[tokio::test]
async fn when_the_first_laptop_stays_closed_the_second_takes_up_the_work() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.set_time(world.now() + TimeDelta::minutes(121));
    second.settle().await;

    assert_eq!(writer(&world).as_deref(), Some("laptop-2"));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn a_laptop_that_wakes_up_without_its_lease_plans_anew_before_it_writes() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    // The first one saw a change, and was closed before it wrote.
    world.wire.unplug(&world.running.google_url);
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.sync().await;
    world.clock.close_lid(TimeDelta::hours(3));
    world.wire.plug_in();
    world.admin().rename(&visit, "Adler-Apotheke");
    second.settle().await;
    assert_eq!(world.trainer().title(&visit), "Adler-Apotheke");

    let mark = world.mark();
    world.settle().await;
    assert!(
        world.writes_since(mark).is_empty(),
        "the other one holds the lease now"
    );
    assert_eq!(world.trainer().title(&visit), "Adler-Apotheke");
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn a_lease_that_runs_out_in_the_middle_of_a_cycle_stops_the_writes() {
    let (world, _) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    world.admin().visits(5);
    // Three hours pass while the first one reads.
    world.spoil_google(
        roundtrip_sandbox::faults::Fault::Latency {
            ms: 3 * 3_600_000,
            real: false,
        },
        |rule| rule.method("GET").path("/events"),
    );
    let mark = world.mark();
    world.sync().await;
    world.repair();
    assert!(world.writes_since(mark).is_empty());

    // It is renewed with the report of that cycle, and everything is read and planned anew.
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 6);
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn a_deletion_by_the_other_laptop_is_not_called_the_trainers() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    second.settle().await;
    // The first one's filters leave it out: it deletes the event.
    world
        .set(|settings| _ = settings.filters.types_off.insert("pharmacy_visit".into()))
        .await;
    world.settle().await;
    assert!(!world.trainer().has(&visit));
    second.settle().await;

    assert_eq!(
        second.badge(&visit).await,
        (Badge::Removed, Some("removed".into()))
    );
    let told = second.story(&visit).await;
    assert!(
        told.contains(&HistoryWhat::RemovedInCalendar { by_trainer: false }),
        "{told:?}"
    );
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn without_the_lease_feature_both_may_write_and_still_nothing_doubles() {
    let (world, visit) = with_visit().await;
    world.admin().platform().offer("writer_lease", false);
    let first = world.laptop.without_feature("writer_lease").await;
    let second = world.second_laptop().await;
    second.start().await;
    let new = world.admin().visits(6);
    world.admin().rename(&visit, "Rosen-Apotheke");
    both(&first, &second).await;
    for id in &new {
        assert_eq!(world.trainer().events(id).len(), 1);
    }
    world.trainer().drag(&visit, "2026-12-09 15:00");
    world.advance(60);
    both(&first, &second).await;

    assert_eq!(world.admin().start(&visit), at("2026-12-09 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    for laptop in [&first, &second] {
        assert_eq!(laptop.conflicts().await, []);
        assert_eq!(laptop.badge(&visit).await.0, Badge::Synced);
    }
    world.check_safety();
}

/// A first laptop that signed in and runs since the platform knew of no lease, and a second one that has it now.
async fn lease_begins() -> (World, Laptop, Laptop, String) {
    let (world, visit) = with_visit().await;
    let platform = world.admin().platform().clone();
    platform.offer("writer_lease", false);
    let first = world.laptop.without_feature("writer_lease").await;
    // It tells how it does again, and hears that nobody writes alone.
    world.advance(1_860);
    first.sync().await;
    platform.offer("writer_lease", true);
    let second = world.second_laptop().await;
    second.start().await;
    assert_eq!(writer(&world).as_deref(), Some("laptop-2"));
    (world, first, second, visit)
}

#[tokio::test]
async fn a_lease_that_the_platform_begins_or_ceases_to_hand_out_counts_without_a_restart() {
    let (world, first, second, visit) = lease_begins().await;
    world.advance(1_800);
    second.sync().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let mark = world.mark();
    first.sync().await;
    first.settle().await;
    assert_eq!(world.calendar_writes_since(mark), 0, "the other one writes");
    assert!(!first.engine.holds_lease());

    world.admin().platform().offer("writer_lease", false);
    world.advance(1_800);
    first.settle().await;
    assert!(first.engine.holds_lease(), "nobody holds what there is not");
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_safety();
}

#[tokio::test]
async fn what_was_under_way_is_not_sent_again_before_it_is_asked_whether_there_is_a_lease() {
    let (world, first, second, visit) = lease_begins().await;
    second.sync().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let first = first.sync_or_lose_power(0, Cut::Before).await.expect("it writes");
    let mark = world.mark();
    first.sync().await;
    assert_eq!(world.calendar_writes_since(mark), 0, "the other one writes");
    second.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    first.settle().await;
    world.check_invariants_with(&[&first, &second]).await;
}

/// Found by simulation seeds 3704 and 9205: its list is short, so that it wants to make what the first laptop made long ago.
#[tokio::test]
async fn an_event_that_the_other_laptop_made_is_not_told_as_added() {
    let (world, visit) = with_visit().await;
    world.advance(600);
    world.admin().platform().offer("writer_lease", false);
    let second = world.second_laptop().await;
    world.spoil_google(Fault::ShortList, |rule| {
        rule.method("GET").path("/events").times(1)
    });
    second.start().await;
    second.settle().await;
    world.repair();

    let told = second.story(&visit).await;
    assert!(told.contains(&HistoryWhat::Adopted), "{told:?}");
    let added = told
        .iter()
        .filter(|what| matches!(what, HistoryWhat::Added { .. }));
    assert_eq!(added.count(), 0, "{told:?}");
    assert_eq!(second.badge(&visit).await.0, Badge::Synced);
    world.check_safety();
}

/// The other laptop checks and writes in the moment in which this one sends its change.
struct Overtaken {
    services: Arc<dyn HttpPort>,
    other: Arc<Engine>,
    done: AtomicBool,
}

#[async_trait]
impl HttpPort for Overtaken {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if request.method() == http::Method::PATCH && !self.done.swap(true, Ordering::Relaxed) {
            let report = self.other.cycle(Trigger::Manual).await;
            assert_eq!(report.expect("the ledger works").counts.changed, 1);
        }
        self.services.send(request).await
    }
}

#[tokio::test]
async fn a_change_that_the_other_laptop_wrote_a_moment_earlier_is_told_by_that_one_alone() {
    let (world, visit) = with_visit().await;
    world.admin().platform().offer("writer_lease", false);
    let first = world.laptop.without_feature("writer_lease").await;
    let second = world.second_laptop().await.without_feature("writer_lease").await;
    second.start().await;
    second.settle().await;
    world.advance(600);
    world.admin().rename(&visit, "Rosen-Apotheke");
    second.wire.divert(Some(Arc::new(Overtaken {
        services: second.wire.services(),
        other: first.engine.clone(),
        done: AtomicBool::new(false),
    })));
    let mark = world.mark();
    let report = second.sync().await;
    second.wire.divert(None);

    let patches = world.writes_since(mark);
    let answers: Vec<_> = patches.iter().map(|request| request.status).collect();
    assert_eq!(answers, [Some(200), Some(412)], "both sent it");
    assert_eq!(report.counts.changed, 0, "it changed nothing");
    first.settle().await;
    second.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(world.writes_since(mark).len(), 2);
    for (laptop, times) in [(&first, 1), (&second, 0)] {
        let story = laptop.story(&visit).await;
        let changed = |what: &&HistoryWhat| matches!(what, HistoryWhat::Changed { .. });
        assert_eq!(story.iter().filter(changed).count(), times, "{story:?}");
        assert_eq!(laptop.badge(&visit).await.0, Badge::Synced);
    }
    world.check_safety();
}

/// It heard that the visit was taken away, slept while it was given back and taken away again, and its snapshot tells neither.
#[tokio::test]
async fn an_event_of_a_visit_that_came_and_went_while_a_laptop_slept_does_not_stay() {
    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    world.admin().reassign(&visit, BEN);
    world.settle().await;
    second.settle().await;
    assert!(!world.trainer().has(&visit));

    world.advance(600);
    world.admin().reassign(&visit, MARA);
    world.settle().await;
    assert!(world.trainer().has(&visit), "the first one made it anew");
    world.advance(600);
    world.admin().reassign(&visit, BEN);
    world.set_time(world.now() + TimeDelta::hours(25));
    second.settle().await;
    assert_eq!(second.held().await, [visit.as_str()]);

    world.set_time(world.now() + TimeDelta::hours(24));
    second.settle().await;
    assert!(!world.trainer().has(&visit));
    let mark = world.mark();
    second.settle().await;
    let asked = world.requests_since(mark);
    let asked = asked.iter().filter(|request| request.path.contains(&visit));
    assert_eq!(asked.count(), 0);
    world.check_invariants_with(&[&second]).await;
}

/// Both run at the same time, until both are quiet.
async fn both(first: &Laptop, second: &Laptop) {
    for _ in 0..3 {
        tokio::join!(first.sync(), second.sync());
    }
    first.settle().await;
    second.settle().await;
    first.settle().await;
}

#[tokio::test]
async fn a_lease_that_cannot_be_asked_for_is_no_success_until_it_is_had_again() {
    without_a_lease("<html>maintenance</html>", "text/html").await;
}

#[tokio::test]
async fn an_answer_that_names_no_writer_is_no_success_either() {
    without_a_lease(r#"{"calendar_sync":{"enabled":true}}"#, "application/json").await;
}

async fn without_a_lease(said: &str, kind: &str) {
    let (world, visit) = with_visit().await;
    let last_success = world.state().await.last_success_at;
    let nonsense = Fault::RawBody {
        body: said.into(),
        content_type: kind.into(),
    };
    world.spoil_platform(nonsense, |rule| {
        rule.method("PUT").path("/v1/me/integrations").times(0)
    });
    // Long enough for the lease to run out: the platform can be read, and nobody says who writes.
    world.advance(5 * 3_600);
    world.admin().rename(&visit, "Rosen-Apotheke");
    let (mark, began) = (world.mark(), world.now());
    for _ in 0..3 {
        let report = world.sync().await;
        assert_eq!(report.result, Some(RunResult::Partial));
        let runs = world.engine.runs(world.now() - TimeDelta::hours(1), 1).await;
        let run = runs.expect("the ledger works").into_iter().next().expect("a run");
        assert_eq!(
            (run.result, run.problem.as_deref()),
            (RunResult::Partial, Some("bad_answer"))
        );
        let health = world.snapshot().await.live.platform;
        assert!(
            matches!(health.problem, Some(PortError::BadAnswer { .. })),
            "{health:?}"
        );
        assert_eq!(health.since, Some(began), "one trouble, from its beginning");
        assert_eq!(world.snapshot().await.held_back, Some("retrying"));
        world.advance(900);
    }
    assert_eq!(world.calendar_writes_since(mark), 0);
    assert_eq!(world.state().await.last_success_at, last_success);

    // While the trainer pauses, nothing is to be written, and nothing is missed.
    world.repair();
    let report = world.settle().await;
    assert_eq!((report.platform, report.result), (None, Some(RunResult::Success)));
    assert_eq!(world.snapshot().await.live.platform.problem, None);
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_laptop_that_is_turned_off_asks_nothing_and_lets_its_lease_run_out() {
    let (mut world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    world.set(|settings| settings.enabled = false).await;
    let mut driving = world.drive().await;
    let seen = world.admin().platform().integrations();
    let told = seen.iter().find(|laptop| laptop.report.device_id == "laptop-1");
    assert_eq!(
        told.map(|laptop| laptop.report.status),
        Some(IntegrationStatus::Paused)
    );
    world.admin().rename(&visit, "Rosen-Apotheke");
    let mark = world.mark();
    driving.let_pass(3 * 3_600).await;
    // Told is told, after a restart too.
    driving.stop().await;
    world.restart().await;
    let mut driving = world.drive().await;
    world.engine.hint(Hinted::Everything);
    driving.let_pass(3_600).await;
    assert_eq!(world.requests_since(mark), []);
    driving.stop().await;

    // "Sync now" reads, and keeps the others from nothing.
    world.sync().await;
    assert_eq!(writer(&world), None);
    second.settle().await;
    assert_eq!(writer(&world).as_deref(), Some("laptop-2"));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");

    world.set(|settings| settings.enabled = true).await;
    world.settle().await;
    assert_eq!(world.snapshot().await.held_back, Some("not_the_writer"));
    world.check_invariants_with(&[&second]).await;
}

#[tokio::test]
async fn a_lease_that_was_given_back_is_not_believed_in_after_connecting_again() {
    let (mut world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    world.engine.say_goodbye().await.expect("the platform takes it");
    second.sync().await;
    assert_eq!(writer(&world).as_deref(), Some("laptop-2"));

    world.restart().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let mark = world.mark();
    world.settle().await;
    assert_eq!(world.writes_since(mark), []);
    assert_eq!(world.snapshot().await.held_back, Some("not_the_writer"));
    second.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants_with(&[&second]).await;
}
