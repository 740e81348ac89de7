//! What falls between two steps: a wait that comes late, an item that nobody could read, a write that is not wanted any more.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Method, Request, Response};
use roundtrip_behaviour_tests::{BEN, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::outbox::OutboxState;
use roundtrip_engine::Engine;
use roundtrip_engine::ledger::{HistoryWhat, Trigger};
use roundtrip_engine::ports::{Hinted, PlatformFeed, PlatformPort};
use roundtrip_http::{HttpError, HttpPort};
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::PauseReason;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn status(status: u16) -> Fault {
    Fault::Status {
        status,
        body: None,
        headers: Vec::new(),
    }
}

/// A "no" to a report because of a change, which does not say what it is.
fn unexplained() -> Fault {
    changed(version_mismatch())
}

fn version_mismatch() -> serde_json::Value {
    serde_json::json!({"type": "about:blank", "title": "Changed", "status": 412, "code": "version_mismatch"})
}

fn changed(body: serde_json::Value) -> Fault {
    Fault::Status {
        status: 412,
        body: Some(body),
        headers: vec![("Content-Type".into(), "application/problem+json".into())],
    }
}

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    // What was written is read back.
    world.advance(60);
    world.sync().await;
    (world, visit)
}

#[tokio::test]
async fn a_wait_that_is_asked_for_late_in_a_long_run_counts_from_then() {
    let world = World::new().await;
    world.admin().visits(300);
    let wait = Fault::Status {
        status: 429,
        body: None,
        headers: vec![("Retry-After".into(), "2".into())],
    };
    world.spoil_google(wait, |rule| {
        rule.method("POST").path("/events").after(250).times(0)
    });
    let began = world.now();
    let report = world.sync().await;
    assert!(world.now() - began > TimeDelta::seconds(4), "a long run");
    let until = world.state().await.calendar_wait_until;
    assert!(until.is_some_and(|until| until > world.now()), "{until:?}");
    assert_eq!(report.next_due_at, until, "it goes on then");
    world.repair();
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 300);
}

/// The feed tells of the visit in a way that cannot be read, and its cursor leads past it.
async fn an_item_that_cannot_be_read(world: &World, visit: &str) {
    world.admin().move_to(visit, "2026-12-02 14:00");
    unread_items(world, visit, &[]).await;
}

/// Nor can it be read when it is asked for by itself.
fn not_to_be_read(world: &World, visit: &str) {
    let alone = format!("/v1/appointments/{visit}");
    let nonsense = Fault::RawBody {
        body: serde_json::json!({"id": visit, "version": 2, "start": "whenever"}).to_string(),
        content_type: "application/json".into(),
    };
    world.spoil_platform(nonsense, |rule| rule.method("GET").path(&alone).times(0));
}

/// Such an item, and others behind it.
async fn unread_items(world: &World, visit: &str, others: &[serde_json::Value]) {
    let Ok(PlatformFeed::Listing(now)) = world.platform.changes(None, None).await else {
        panic!("a listing")
    };
    let unread = serde_json::json!(
        {"change": "upsert", "appointment": {"id": visit, "version": 2, "start": "whenever"}}
    );
    let items: Vec<_> = [&unread].into_iter().chain(others).collect();
    let page = serde_json::json!({"items": items, "next_cursor": now.next_cursor.as_str(), "has_more": false, "snapshot": false});
    world.spoil_platform(
        Fault::RawBody {
            body: page.to_string(),
            content_type: "application/json".into(),
        },
        |rule| rule.method("GET").path("/v1/appointments?"),
    );
}

#[tokio::test]
async fn a_known_visit_whose_change_cannot_be_read_is_asked_for_by_itself() {
    let (world, visit) = with_visit().await;
    an_item_that_cannot_be_read(&world, &visit).await;
    world.sync().await;
    world.repair();
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 14:00"));
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_known_visit_whose_change_cannot_be_read_at_all_is_a_problem_until_it_can() {
    let (mut world, visit) = with_visit().await;
    let other = world.admin().visit("Rosen-Apotheke", "2026-12-02 09:00");
    world.settle().await;
    an_item_that_cannot_be_read(&world, &visit).await;
    not_to_be_read(&world, &visit);
    world.sync().await;
    let unreadable = (Badge::Problem, Some("unreadable".into()));
    assert_eq!(world.badge(&visit).await, unreadable);
    assert_eq!(world.badge(&other).await, (Badge::Synced, None));
    world.restart().await;
    world.sync().await;
    assert_eq!(world.badge(&visit).await, unreadable, "a restart changes nothing");

    world.repair();
    world.sync().await;
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 14:00"));
    world.settle().await;
    assert_eq!(world.badge(&visit).await, (Badge::Synced, None));
    world.check_invariants().await;
}

/// That it was given back came in words that cannot be read: its event, changed meanwhile, does not go by the older ones.
#[tokio::test]
async fn an_event_changed_since_a_cancellation_waits_for_a_word_that_can_be_read() {
    let (world, visit) = with_visit().await;
    let id = world.trainer().event_id(&visit);
    world.admin().cancel(&visit);
    world.hear_the_platform_alone().await;
    world.advance(1_800);
    world.admin().restore(&visit);
    world.trainer().drag_end(&visit, "2026-12-01 11:00");
    world.advance(600);
    unread_items(&world, &visit, &[]).await;
    not_to_be_read(&world, &visit);
    world.sync().await;
    assert!(world.trainer().has(&visit), "its giving back may be in it");
    let hinted = world.engine.live().hinted;
    assert_eq!(hinted, [false, false], "one more reading tells nothing new");

    world.repair();
    world.advance(60);
    world.settle().await;
    assert_eq!(world.trainer().event_id(&visit), id);
    assert_eq!(world.trainer().end(&visit), at("2026-12-01 11:00"));
    world.check_invariants().await;
}

/// The visit is over by the time that is known, and was moved ahead by a word that nobody could read.
#[tokio::test]
async fn a_visit_that_is_over_is_asked_for_too_where_its_change_cannot_be_read() {
    let (world, visit) = with_visit().await;
    world.set_time(at("2026-12-01 12:00"));
    world.sync().await;
    assert_eq!(world.badge(&visit).await.0, Badge::Ended);
    an_item_that_cannot_be_read(&world, &visit).await;
    world.sync().await;
    world.repair();
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 14:00"));
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

/// The feed repeats an older removal behind what could not be read.
#[tokio::test]
async fn a_removal_beside_what_cannot_be_read_is_asked_about_singly() {
    let removed = |visit: &str| {
        serde_json::json!({"change": "removed", "id": visit, "version": 2, "reason": "cancelled",
            "at": "2026-11-20T09:00:00Z"})
    };
    let (world, visit) = with_visit().await;
    let event = world.trainer().event_id(&visit);
    world.admin().move_to(&visit, "2026-12-02 14:00");
    unread_items(&world, &visit, &[removed(&visit)]).await;
    world.sync().await;
    world.repair();
    assert_eq!(world.trainer().event_id(&visit), event);
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 14:00"));
    world.check_invariants().await;

    // Where nobody can say, it is held like what is inferred: not forgotten, and not carried out either.
    let (world, visit) = with_visit().await;
    world.admin().cancel(&visit);
    unread_items(&world, &visit, &[removed(&visit)]).await;
    let alone = format!("/v1/appointments/{visit}");
    world.spoil_platform(status(500), |rule| rule.method("GET").path(&alone).times(0));
    world.sync().await;
    assert!(world.trainer().has(&visit));
    assert_eq!(world.held().await.len(), 1);
    world.repair();

    // Where the answer bears it out it is the platform's word: its event goes at once.
    let (world, visit) = with_visit().await;
    world.admin().delete(&visit);
    unread_items(&world, &visit, &[removed(&visit)]).await;
    world.sync().await;
    world.repair();
    assert!(!world.trainer().has(&visit));
}

#[tokio::test]
async fn a_deletion_that_was_never_heard_of_is_not_made_once_the_visit_was_given_back() {
    let (world, visit) = with_visit().await;
    world.trainer().rename(&visit, "Meine Linde");
    world.settle().await;
    let event = world.trainer().event_id(&visit);
    world.admin().cancel(&visit);
    world.spoil_google(Fault::DropBefore, |rule| rule.method("DELETE").times(0));
    world.sync().await;
    world.repair();
    assert_eq!(world.outbox().await[0].state, OutboxState::Sent);

    world.admin().restore(&visit);
    world.advance(60);
    let mark = world.mark();
    world.settle().await;
    let deleted = world.writes_since(mark);
    assert!(
        deleted.iter().all(|request| request.method != "DELETE"),
        "{deleted:?}"
    );
    assert_eq!(world.trainer().event_id(&visit), event);
    assert_eq!(world.trainer().title(&visit), "Meine Linde");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_deletion_that_arrives_late_is_not_taken_for_the_trainers() {
    let (world, visit) = with_visit().await;
    world.admin().cancel(&visit);
    world.spoil_google(Fault::DropBefore, |rule| rule.method("DELETE"));
    world.sync().await;
    world.admin().restore(&visit);
    for _ in 0..3 {
        world.advance(60);
        world.sync().await;
        assert_eq!(world.outbox().await[0].state, OutboxState::Sent, "on its way");
    }
    // Somebody in between held it so long.
    world.trainer().delete(&visit);
    world.settle().await;
    assert!(world.trainer().has(&visit), "it was nobody's wish");
    let story = world.story(&visit).await;
    let removed = |what: &HistoryWhat| matches!(what, HistoryWhat::RemovedInCalendar { .. });
    assert!(!story.iter().any(removed), "{story:?}");
    world.check_invariants().await;
}

#[tokio::test]
async fn one_denial_of_a_look_does_not_prove_that_a_deletion_arrived() {
    let (world, visit) = with_visit().await;
    world.admin().cancel(&visit);
    world.spoil_google(Fault::DropBefore, |rule| rule.method("DELETE"));
    world.sync().await;
    let denied = serde_json::json!({"error": {"errors": [{"domain": "global", "reason": "notFound", "message": "Not Found"}],
        "code": 404, "message": "Not Found"}});
    let denied = Fault::Status {
        status: 404,
        body: Some(denied),
        headers: vec![("Content-Type".into(), "application/json".into())],
    };
    world.spoil_google(denied, |rule| rule.method("GET").path("/events/"));
    world.advance(60);
    world.sync().await;
    let story = world.story(&visit).await;
    let deleted = |what: &&HistoryWhat| matches!(what, HistoryWhat::Deleted { .. });
    assert!(world.trainer().has(&visit));
    assert_eq!(story.iter().filter(deleted).count(), 0, "{story:?}");
    world.repair();
    world.settle().await;
    assert!(!world.trainer().has(&visit));
    assert_eq!(world.story(&visit).await.iter().filter(deleted).count(), 1);
}

#[tokio::test]
async fn a_deletion_that_the_calendar_does_not_take_is_tired_one_day() {
    let (world, visit) = with_visit().await;
    world.admin().cancel(&visit);
    world.spoil_google(status(412), |rule| rule.method("DELETE").times(0));
    let mark = world.mark();
    world.settle().await;
    let tries = world.calendar_writes_since(mark);
    assert!((4..=8).contains(&tries), "{tries}");
    assert_eq!(world.outbox().await[0].state, OutboxState::Parked);
    assert_eq!(world.badge(&visit).await.0, Badge::Problem);
    world.repair();
    world.sync().await;
    assert!(!world.trainer().has(&visit));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_deletion_that_fails_again_and_again_waits_longer_each_time_and_is_shown() {
    let (world, visit) = with_visit().await;
    world.admin().cancel(&visit);
    world.spoil_google(status(500), |rule| rule.method("DELETE").times(0));
    let mark = world.mark();
    world.settle().await;
    let tries = world.calendar_writes_since(mark);
    assert!((4..=8).contains(&tries), "{tries}");
    assert_eq!(
        world.outbox().await[0].last_problem.as_deref(),
        Some("server_trouble")
    );
    assert_eq!(world.badge(&visit).await.0, Badge::Problem);
    world.repair();
    world.sync().await;
    world.settle().await;
    assert!(!world.trainer().has(&visit));
    world.check_invariants().await;
}

/// Where the trainer presses "Stop" while the sixth event is made.
struct Stopping {
    inner: Arc<dyn HttpPort>,
    engine: Arc<Engine>,
    made: AtomicU32,
}

#[async_trait]
impl HttpPort for Stopping {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let makes = *request.method() == Method::POST && request.uri().path().ends_with("/events");
        if makes && self.made.fetch_add(1, Ordering::Relaxed) == 5 {
            self.engine.stop_run();
        }
        self.inner.send(request).await
    }
}

#[tokio::test]
async fn what_the_trainer_stopped_goes_on_with_the_next_check_or_at_their_word() {
    for again in [
        Trigger::Timer,
        Trigger::Manual,
        Trigger::Changed,
        Trigger::Due,
        Trigger::Hint,
    ] {
        let world = World::new().await;
        let visits = world.admin().visits(40);
        world.wire.divert(Some(Arc::new(Stopping {
            inner: world.wire.services(),
            engine: world.engine.clone(),
            made: AtomicU32::new(0),
        })));
        let report = world.sync().await;
        world.wire.divert(None);
        let made = world.trainer().marked().len();
        assert!((5..=14).contains(&made), "{made}");
        let goes_on_at = report.next_due_at.expect("not without end");
        assert!(goes_on_at - world.now() > TimeDelta::minutes(14), "{goes_on_at}");
        let mark = world.mark();
        for trigger in [Trigger::Due, Trigger::Hint, Trigger::NetworkBack] {
            world.advance(60);
            let report = world.cycle(trigger).await;
            let due = report.next_due_at.expect("not without end");
            assert!((due - goes_on_at).abs() < TimeDelta::seconds(1), "{due}");
        }
        assert_eq!(world.calendar_writes_since(mark), 0, "no hint goes on with it");
        if !again.ends_a_stop() {
            world.advance((goes_on_at - world.now()).num_seconds() + 1);
        }
        world.cycle(again).await;
        assert!(visits.iter().all(|visit| world.trainer().has(visit)), "{again:?}");
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn a_write_that_nobody_wants_any_more_does_not_wait_for_writing_to_be_allowed_again() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    let wait = Fault::Status {
        status: 429,
        body: None,
        headers: vec![("Retry-After".into(), "60".into())],
    };
    world.spoil_platform(wait, |rule| rule.method("POST").path("/move"));
    world.sync().await;
    world.repair();
    assert_eq!(world.outbox().await[0].state, OutboxState::Waiting);
    let (platform, user) = (world.admin().platform().clone(), world.person().user);
    platform
        .pause(user, Some(PauseReason::Maintenance))
        .expect("Mara is known");
    world.trainer().drag(&visit, "2026-12-01 09:00");
    world.advance(120);
    let mark = world.mark();
    world.sync().await;
    assert_eq!(world.outbox().await, [], "they put it back themselves");
    assert!(world.writes_since(mark).is_empty());
    // What is wanted is not recorded before it may be written.
    world.trainer().drag(&visit, "2026-12-01 16:00");
    world.advance(120);
    world.sync().await;
    assert_eq!(world.outbox().await, []);
    platform.pause(user, None).expect("Mara is known");
    world.settle().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 16:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_report_that_was_turned_away_without_a_word_is_followed_by_a_question() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    world.spoil_platform(unexplained(), |rule| rule.method("POST").path("/move").times(0));
    let alone = format!("/v1/appointments/{visit}");
    world.spoil_platform(status(503), |rule| rule.method("GET").path(&alone).times(0));
    let mark = world.mark();
    world.sync().await;
    let count = |method: &str| {
        let requests = world.requests_since(mark);
        let of = requests
            .iter()
            .filter(|request| request.method == method && request.path.contains(&visit));
        of.count()
    };
    assert_eq!((count("POST"), count("GET")), (1, 1));
    let row = &world.outbox().await[0];
    assert_eq!(row.last_problem.as_deref(), Some("changed_meanwhile"));
    assert!(row.due_at > world.now());
    assert!(world.engine.live().hinted[0], "the platform is read soon");

    world.repair();
    world.settle().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_report_that_is_turned_away_without_a_word_for_good_is_not_sent_every_few_seconds() {
    let (world, visit) = with_visit().await;
    turned_away_for_good(&world, &visit, unexplained()).await;
}

/// A platform that came back from a copy of yesterday, or somebody in between who spoils the condition.
#[tokio::test]
async fn a_report_that_is_turned_away_because_of_no_newer_change_is_not_sent_every_few_seconds_unseen() {
    let (world, visit) = with_visit().await;
    let mut body = version_mismatch();
    body["current"] = serde_json::to_value(world.admin().appointment(&visit)).expect("JSON");
    turned_away_for_good(&world, &visit, changed(body)).await;
}

async fn turned_away_for_good(world: &World, visit: &str, fault: Fault) {
    world.spoil_platform(fault, |rule| rule.method("POST").path("/move").times(0));
    let mut driving = world.drive().await;
    world.trainer().drag(visit, "2026-12-01 15:00");
    world.engine.hint(Hinted::Calendar);
    driving.let_pass(100).await;
    let mark = world.mark();
    for _ in 0..10 {
        driving.let_pass(60).await;
        // Somebody else's change: such a look does not try it again, either.
        world.engine.hint(Hinted::Platform);
    }
    let requests = world.requests_since(mark);
    let reports = requests.iter().filter(|request| request.method == "POST").count();
    assert!(reports <= 2, "{reports}");
    assert!(requests.len() < 120, "{}", requests.len());
    assert_eq!(world.badge(visit).await.0, Badge::Problem);
    world.repair();
    driving.let_pass(1_800).await;
    driving.stop().await;
    assert_eq!(world.admin().start(visit), at("2026-12-01 15:00"));
}

#[tokio::test]
async fn what_a_report_met_is_asked_for_where_the_answer_does_not_tell() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    // The feed is a step behind: it says that nothing changed.
    world.admin().move_to(&visit, "2026-12-02 10:00");
    world.spoil_platform(Fault::EmptyPage, |rule| {
        rule.method("GET").path("/v1/appointments?").times(0)
    });
    world.spoil_platform(unexplained(), |rule| rule.method("POST").path("/move"));
    let mark = world.mark();
    world.sync().await;
    world.repair();
    let reports = world.writes_since(mark);
    assert_eq!(reports.len(), 1, "once: {reports:?}");
    assert_eq!(world.outbox().await, []);
    assert_eq!(world.conflicts().await.len(), 1, "both moved it");
    assert_eq!(world.admin().start(&visit), at("2026-12-02 10:00"));
}

#[tokio::test]
async fn the_admin_sees_a_platform_that_refuses_what_this_laptop_writes() {
    let (world, visit) = with_visit().await;
    let seen = || {
        let all = world.admin().platform().integrations();
        let report = serde_json::to_value(&all[0].report).expect("a report");
        let word = |name: &str| report[name].as_str().map(str::to_owned);
        (word("status"), word("problem"))
    };
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    world.spoil_platform(Fault::ScopeMissing, |rule| {
        rule.method("POST").path("/move").times(0)
    });
    world.sync().await;
    assert_eq!(seen(), (Some("error".into()), Some("right_missing".into())));
    world.repair();
    world.settle().await;
    assert_eq!(seen(), (Some("active".into()), None));
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
}

/// Paths that were asked for since a mark and contain this.
fn paths(world: &World, mark: u64, part: &str) -> BTreeSet<String> {
    let requests = world.requests_since(mark);
    let of = requests
        .iter()
        .filter(|request| request.method == "GET" && request.path.contains(part));
    of.map(|request| request.path.clone()).collect()
}

#[tokio::test]
async fn more_that_are_absent_than_are_asked_for_at_once_take_turns() {
    let world = World::new().await;
    let visits = world.admin().visits(62);
    world.sync().await;
    world.advance(3_700);
    for visit in &visits[..30] {
        world.admin().reassign(visit, BEN);
        world.trainer().delete(visit);
    }
    world.admin().platform().expire_cursors();
    world.running.sandbox.google.expire_sync_tokens();
    world.spoil_platform(status(503), |rule| {
        rule.method("GET").path("/v1/appointments/").times(0)
    });
    world.spoil_google(status(503), |rule| rule.method("GET").path("/events/").times(0));
    let mark = world.mark();
    for _ in 0..2 {
        world.advance(120);
        world.sync().await;
    }
    assert_eq!(paths(&world, mark, "/v1/appointments/").len(), 30);
    assert_eq!(paths(&world, mark, "/events/").len(), 30);
}

#[tokio::test]
async fn a_new_question_is_asked_again_at_once_whatever_was_never_answered_before() {
    let world = World::new().await;
    let visits = world.admin().visits(6);
    world.sync().await;
    world.advance(3_700);
    let trouble = |visit: &String| {
        let event = world.trainer().delete(visit);
        world.running.sandbox.google.expire_sync_tokens();
        let asked = format!("/events/{event}");
        world.spoil_google(status(503), |rule| rule.method("GET").path(&asked).times(0));
    };
    trouble(&visits[0]);
    for _ in 0..20 {
        world.advance(120);
        world.sync().await;
    }
    assert!(
        !world.sync().await.full,
        "that one waits for the readings that come anyway"
    );
    trouble(&visits[1]);
    world.advance(120);
    world.sync().await;
    assert_eq!(
        world.state().await.full_at,
        None,
        "the new one is asked for again"
    );
}
