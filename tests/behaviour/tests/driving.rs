//! The engine by itself: when its cycles run, and when they do not.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{Driving, Listening, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_engine::ledger::{Run, RunResult, Trigger};
use roundtrip_engine::ports::Hinted;
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::google::QuotaLimits;
use roundtrip_sandbox::platform::PauseReason;
use serde_json::json;

/// Runs since an instant, oldest first; each check without changes is one, also where a row stands for many.
async fn runs(world: &World, since: chrono::DateTime<chrono::Utc>) -> Vec<Run> {
    let rows = world.engine.runs(chrono::DateTime::UNIX_EPOCH, 1_000).await;
    let mut runs: Vec<Run> = rows
        .expect("the ledger works")
        .into_iter()
        .flat_map(|run| {
            let looks = run.looks();
            looks.into_iter().map(move |look| Run {
                started_at: look.at,
                trigger: look.trigger,
                ..run.clone()
            })
        })
        .filter(|run| run.started_at >= since)
        .collect();
    runs.sort_by_key(|run| run.started_at);
    runs
}

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

#[tokio::test]
async fn a_report_that_is_due_does_not_wait_for_a_burst_of_hints_and_the_burst_is_not_forgotten() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    let began = world.now();
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.engine.hint(Hinted::Calendar);
    driving.let_pass(19).await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 09:00"), "it settles");

    // The burst would last until two seconds after this, one second after the report is due.
    world.engine.hint(Hinted::Platform);
    driving.let_pass(1).await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    let mark = world.mark();
    driving.let_pass(2).await;
    // Who had hinted is known at the end: a look that forgot would be at both sides.
    assert_eq!(looks_since(&world, mark), [1, 0]);
    let runs = runs(&world, began).await;
    let triggers: Vec<Trigger> = runs.iter().map(|run| run.trigger).collect();
    assert_eq!(
        triggers,
        [Trigger::Hint, Trigger::Due, Trigger::Hint],
        "{runs:#?}"
    );
    let later = runs[2].started_at - runs[0].started_at;
    assert!(later < TimeDelta::seconds(20), "no later for it: {later}");
    driving.stop().await;
}

/// How often the platform's feed and the calendar's list were asked for since a mark.
fn looks_since(world: &World, mark: u64) -> [usize; 2] {
    let requests = world.requests_since(mark);
    let count = |path: &str| {
        let looks = requests.iter().filter(|request| request.method == "GET");
        looks.filter(|request| request.path.ends_with(path)).count()
    };
    [count("/v1/appointments"), count("/events")]
}

/// An engine that runs by itself, hears of changes at both sides, and has looked at what happened before it did.
async fn heard(world: &World) -> (Driving<'_>, Listening<'_>) {
    let start = world.now();
    let mut driving = world.drive().await;
    let listening = world.listen();
    listening
        .until(async || world.engine.live().pushed.calendar)
        .await;
    driving.let_pass(12).await;
    let looked = async || {
        let runs = runs(world, start).await;
        let mut hints = runs.iter().filter(|run| run.trigger == Trigger::Hint);
        !world.engine.live().hinted[1] && hints.any(|run| run.ended_at.is_some())
    };
    driving.until(looked).await;
    (driving, listening)
}

/// Some seconds pass for an engine that listens, one after the other: two sleep then, and neither may jump over what the other
/// waits for. What becomes due meanwhile takes its time on the network: who asks has to wait for it ([`Driving::until`]).
async fn step(driving: &mut Driving<'_>, seconds: i64) {
    for _ in 0..seconds {
        driving.let_pass(1).await;
    }
}

#[tokio::test]
async fn a_report_that_is_due_goes_by_the_drag_that_was_just_hinted_at() {
    let (world, visit) = with_visit().await;
    let (mut driving, listening) = heard(&world).await;
    let ended = async |since, trigger| {
        let runs = runs(&world, since).await;
        let mut ended = runs.iter().filter(|run| run.ended_at.is_some());
        ended.any(|run| run.trigger == trigger)
    };
    let began = world.now();
    world.trainer().drag(&visit, "2026-12-01 15:00");
    listening.until(async || world.engine.live().hinted[1]).await;
    step(&mut driving, 3).await;
    driving.until(async || ended(began, Trigger::Hint).await).await;
    let left = began + TimeDelta::seconds(19) - world.now();
    step(&mut driving, left.num_seconds()).await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 09:00"), "it settles");

    // Less than two seconds before the report is due, so that it is due within the burst.
    world.trainer().drag(&visit, "2026-12-01 16:00");
    listening.until(async || world.engine.live().hinted[1]).await;
    let dragged_again = world.now();
    step(&mut driving, 1).await;
    driving
        .until(async || ended(dragged_again, Trigger::Due).await)
        .await;
    assert_eq!(
        world.admin().start(&visit),
        at("2026-12-01 09:00"),
        "it settles anew"
    );

    step(&mut driving, 20).await;
    let reported = at("2026-12-01 16:00");
    driving
        .until(async || world.admin().start(&visit) == reported)
        .await;
    assert_eq!(world.admin().told_of(&visit).len(), 1, "and was told once");
    listening.stop().await;
    driving.stop().await;
}

#[tokio::test]
async fn cycles_run_at_the_start_and_then_about_every_quarter_of_an_hour() {
    let (mut world, visit) = with_visit().await;
    world.restart().await;
    let began = world.now() + TimeDelta::seconds(1);
    world.advance(5);
    let mut driving = world.drive().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    driving.let_pass(3_600).await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    let runs = runs(&world, began).await;
    let triggers: Vec<Trigger> = runs.iter().map(|run| run.trigger).collect();
    assert_eq!(triggers[0], Trigger::Start);
    assert!(
        triggers[1..].iter().all(|trigger| *trigger == Trigger::Timer),
        "{runs:#?}"
    );
    assert!((4..=6).contains(&triggers.len()), "{runs:#?}");
    for pair in runs.windows(2) {
        let minutes = (pair[1].started_at - pair[0].started_at).as_seconds_f64() / 60.0;
        assert!((11.25..=18.8).contains(&minutes), "{minutes}");
    }
    let apart: std::collections::BTreeSet<i64> = runs
        .windows(2)
        .map(|pair| (pair[1].started_at - pair[0].started_at).num_seconds())
        .collect();
    assert!(apart.len() > 1, "no two laptops stay in step: {apart:?}");
    driving.stop().await;
}

#[tokio::test]
async fn the_timer_can_be_set() {
    let (world, _) = with_visit().await;
    world.set(|settings| settings.every_minutes = 5).await;
    let mut driving = world.drive().await;
    let began = world.now() + TimeDelta::seconds(1);
    driving.let_pass(3_600).await;

    let timed = runs(&world, began)
        .await
        .into_iter()
        .filter(|run| run.trigger == Trigger::Timer)
        .count();
    assert!((9..=16).contains(&timed), "{timed}");
    driving.stop().await;
}

#[tokio::test]
async fn a_move_is_followed_by_itself_until_it_is_reported() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.engine.ask_for(Trigger::Hint);
    driving.let_pass(10).await;
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Waiting, Some("settling".into()))
    );
    driving.let_pass(15).await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    driving.stop().await;
}

#[tokio::test]
async fn a_changed_setting_and_sync_now_are_carried_out_at_once() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    world
        .set(|settings| settings.text.fallback_title = Some("Termin".into()))
        .await;
    world
        .set(|settings| settings.filters.types_off.extend(["pharmacy_visit".into()]))
        .await;
    driving.let_pass(2).await;
    assert!(!world.trainer().has(&visit));

    let new = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.set(|settings| settings.filters.types_off.clear()).await;
    world.engine.ask_for(Trigger::Manual);
    driving.let_pass(2).await;
    assert!(world.trainer().has(&visit) && world.trainer().has(&new));
    driving.stop().await;
}

#[tokio::test]
async fn a_wake_up_runs_a_cycle_at_once() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    driving.let_pass(60).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.clock.close_lid(TimeDelta::minutes(10));
    let woke = world.now();
    driving.let_pass(31).await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    let first = runs(&world, woke).await.into_iter().next().expect("a run");
    assert_eq!(first.trigger, Trigger::WakeUp);
    driving.stop().await;
}

#[tokio::test]
async fn a_wake_up_of_which_the_system_tells_is_not_waited_for() {
    let (world, visit) = with_visit().await;
    world.clock.tell_jumps();
    let mut driving = world.drive().await;
    driving.let_pass(60).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    // Not so long that the look which is there as a net would be over with it.
    world.clock.close_lid(TimeDelta::minutes(2));
    let woke = world.now();
    driving.let_pass(1).await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    let first = runs(&world, woke).await.into_iter().next().expect("a run");
    assert_eq!(first.trigger, Trigger::WakeUp);

    // Nor does anything else wake it in the next minutes but what there is to do.
    let waits = world.clock.waits().len();
    driving.let_pass(200).await;
    let woken = world.clock.waits().len() - waits;
    assert!(woken <= 1, "woken {woken} times: {:?}", world.clock.waits());
    driving.stop().await;
}

#[tokio::test]
async fn the_network_back_is_noticed_within_a_third_of_the_time_it_was_gone() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    world.wire.unplug(&world.running.google_url);
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.engine.ask_for(Trigger::Manual);
    driving.let_pass(300).await;
    assert_eq!(world.trainer().title(&visit), "Linden-Apotheke");

    world.wire.plug_in();
    driving.let_pass(130).await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    driving.stop().await;
}

#[tokio::test]
async fn the_network_back_is_noticed_at_once_where_the_system_says_so_or_somebody_looks() {
    for said in [true, false] {
        let (world, visit) = with_visit().await;
        let mut driving = world.drive().await;
        world.wire.unplug(&world.running.google_url);
        world.admin().rename(&visit, "Rosen-Apotheke");
        world.engine.ask_for(Trigger::Manual);
        driving.let_pass(3_000).await;
        world.wire.plug_in();
        if said {
            world.engine.network_is_back();
        } else {
            world.engine.window_is_in_use(true);
        }
        driving.let_pass(2).await;
        assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke", "{said}");
        driving.stop().await;
    }
}

#[tokio::test]
async fn whoever_unlocks_the_screen_finds_the_calendar_as_it_is_now() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    driving.let_pass(300).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.engine.somebody_is_back();
    driving.let_pass(2).await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");

    // Unlocking it again and again asks no more often than looking at the window does, and leaves nothing behind.
    let mark = world.mark();
    for _ in 0..100 {
        world.engine.somebody_is_back();
        driving.let_pass(1).await;
    }
    let asked = world.requests_since(mark).len();
    assert!(asked <= 4, "{asked} requests");
    let mark = world.mark();
    driving.let_pass(500).await;
    assert!(world.requests_since(mark).len() <= 2);
    driving.stop().await;
}

#[tokio::test]
async fn while_the_window_is_in_use_changes_show_within_a_minute_or_so() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    world.engine.window_is_in_use(true);
    world.admin().rename(&visit, "Rosen-Apotheke");
    driving.let_pass(76).await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");

    // An hour of looking is no hour of asking every minute.
    let mark = world.mark();
    driving.let_pass(3_600).await;
    let lists = world
        .requests_since(mark)
        .into_iter()
        .filter(|request| request.path.ends_with("/events"))
        .count();
    assert!((8..=16).contains(&lists), "{lists}");
    driving.stop().await;
}

/// Whether an engine that starts now looks at once; it does within ten minutes.
async fn starts_at_once(world: &World) -> bool {
    world.advance(1);
    let began = world.now();
    let mut driving = world.drive_as_it_is();
    driving.let_pass(1).await;
    let at_once = !runs(world, began).await.is_empty();
    driving.let_pass(600).await;
    assert!(!runs(world, began).await.is_empty(), "within ten minutes");
    driving.stop().await;
    at_once
}

#[tokio::test]
async fn a_start_is_put_off_only_while_nothing_is_owed_and_nobody_looks() {
    let (mut world, visit) = with_visit().await;
    world.restart().await;
    assert!(!starts_at_once(&world).await, "it looked a moment ago");

    world.restart().await;
    world.engine.window_is_in_use(true);
    assert!(starts_at_once(&world).await, "somebody looks");

    world.spoil_google(Fault::DropBefore, |rule| rule.method("PATCH"));
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.sync().await;
    world.restart().await;
    assert!(starts_at_once(&world).await, "a write waits");

    world.restart().await;
    world.advance(11 * 3_600);
    assert!(starts_at_once(&world).await, "it has not looked for hours");
}

#[tokio::test]
async fn what_a_change_costs_at_google() {
    let (world, visit) = with_visit().await;
    let cost = |mark| {
        let requests = world.requests_since(mark).into_iter();
        let (reads, writes): (Vec<_>, Vec<_>) = requests
            .filter(|request| request.path.starts_with("/calendar/v3/"))
            .partition(|request| request.method == "GET");
        (reads.len(), writes.len())
    };
    // One reading that finds it, and one write.
    let mark = world.mark();
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.sync().await;
    assert_eq!(cost(mark), (1, 1));
    // One reading that finds it, one when it has settled, and no write: the event says it already.
    let mark = world.mark();
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(cost(mark), (2, 0));
}

#[tokio::test]
async fn a_pause_lets_nothing_run_and_ends_by_itself() {
    let (world, visit) = with_visit().await;
    world
        .engine
        .pause_until(Some(world.now() + TimeDelta::hours(2)))
        .await
        .expect("the ledger works");
    let mut driving = world.drive().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let mark = world.mark();
    driving.let_pass(7_000).await;
    assert!(world.requests_since(mark).is_empty());

    driving.let_pass(300).await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    driving.stop().await;
}

#[tokio::test]
async fn a_full_reconcile_runs_once_a_night() {
    let (world, _) = with_visit().await;
    let mut driving = world.drive().await;
    let mark = world.mark();
    driving.let_pass(49 * 3_600).await;

    let full = world
        .requests_since(mark)
        .into_iter()
        .filter(|request| request.path.ends_with("/events") && !request.query.contains("syncToken"))
        .count();
    assert!((2..=3).contains(&full), "{full}");
    driving.stop().await;
}

/// What waits for somebody else is not asked about every second.
async fn stays_calm(world: &World, name: &str) {
    let mut driving = world.drive().await;
    let mark = world.mark();
    driving.let_pass(3_600).await;
    let requests = world.requests_since(mark);
    assert!(
        requests.len() <= 20,
        "{name}: {} requests in an hour: {:#?}",
        requests.len(),
        &requests[..8]
    );
    driving.stop().await;
}

#[tokio::test]
async fn a_write_for_which_the_tokens_cannot_be_read_causes_no_storm() {
    let (world, visit) = with_visit().await;
    let reason = json!({"error": {"errors": [{"reason": "vault_busy"}], "code": 400, "message": "-"}});
    let trouble = Fault::Status {
        status: 400,
        body: Some(reason),
        headers: Vec::new(),
    };
    world.spoil_google(trouble, |rule| rule.method("PATCH").times(0));
    world.admin().rename(&visit, "Rosen-Apotheke");
    let mut driving = world.drive().await;
    let mark = world.mark();
    driving.let_pass(600).await;
    let tries = world.calendar_writes_since(mark);
    assert!((5..=11).contains(&tries), "{tries}");
    world.repair();
    driving.let_pass(61).await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    driving.stop().await;
}

#[tokio::test]
async fn writes_that_wait_for_somebody_else_cause_no_storm() {
    let waiting = |world: &World, visit: &str| {
        world.admin().rename(visit, "Rosen-Apotheke");
        world.admin().visits(3);
        world.trainer().drag(visit, "2026-12-09 15:00");
    };

    let (world, visit) = with_visit().await;
    world.spoil_google(Fault::DropBefore, |rule| rule.method("PATCH"));
    waiting(&world, &visit);
    world.sync().await;
    world.running.sandbox.google.revoke_all_tokens();
    stays_calm(&world, "signed out of Google").await;

    let (world, visit) = with_visit().await;
    waiting(&world, &visit);
    world.sync().await;
    world
        .admin()
        .platform()
        .pause(world.person().user, Some(PauseReason::DisabledByAdmin))
        .expect("Mara is known");
    stays_calm(&world, "turned off by the admin").await;

    let (world, visit) = with_visit().await;
    waiting(&world, &visit);
    world
        .trainer()
        .google()
        .remove_calendar(world.person().google, "primary")
        .expect("it is there");
    stays_calm(&world, "the calendar is gone").await;

    let (world, visit) = with_visit().await;
    let google = world.running.sandbox.google.clone();
    google.set_quota(QuotaLimits {
        new_events_per_day: Some(0),
        ..google.quota()
    });
    waiting(&world, &visit);
    stays_calm(&world, "the quota is gone").await;

    let (world, visit) = with_visit().await;
    world.admin().platform().oauth().revoke_all();
    waiting(&world, &visit);
    stays_calm(&world, "signed out of the platform").await;

    let (world, visit) = with_visit().await;
    let refused = json!({"error": {"errors": [{"reason": "requiredAccessLevel"}], "code": 403, "message": "Forbidden"}});
    world.spoil_google(
        Fault::Status {
            status: 403,
            body: Some(refused),
            headers: Vec::new(),
        },
        |rule| rule.method("PATCH").times(0),
    );
    world.admin().rename(&visit, "Rosen-Apotheke");
    stays_calm(&world, "the calendar may only be read").await;

    let (world, visit) = with_visit().await;
    let second = world.second_laptop().await;
    second.start().await;
    second.engine.take_over();
    second.sync().await;
    waiting(&world, &visit);
    stays_calm(&world, "another laptop writes").await;
}

#[tokio::test]
async fn a_burst_of_hints_is_one_write() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    let mark = world.mark();
    for edit in 0..10 {
        world.admin().rename(&visit, &format!("Apotheke {edit}"));
        world.engine.ask_for(Trigger::Hint);
        driving.let_pass(0).await;
        world.set_time(world.now() + TimeDelta::milliseconds(200));
    }
    driving.let_pass(10).await;

    assert_eq!(world.calendar_writes_since(mark), 1);
    assert_eq!(world.trainer().title(&visit), "Apotheke 9");
    driving.stop().await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_stop_the_timer() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    driving.let_pass(60).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.clock.set_skew(TimeDelta::days(-30));
    driving.let_pass(16 * 60).await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    driving.stop().await;
}

/// An evening on which a rename was written to the calendar and its notice, which may be of somebody else's change too, put
/// off the look that it asks for. From then on the stream is gone: no hint brings a look forward.
async fn put_off<'a>(world: &'a World, visit: &str) -> Driving<'a> {
    world.set_time(at("2026-11-24 20:00"));
    world.sync().await;
    let (driving, listening) = heard(world).await;
    let (began, mark) = (world.now(), world.mark());
    world.admin().rename(visit, "Rosen-Apotheke");
    world.engine.ask_for(Trigger::Manual);
    let written = async || {
        let runs = runs(world, began).await;
        let manual = runs.iter().find(|run| run.trigger == Trigger::Manual);
        manual.is_some_and(|run| run.result == RunResult::Success)
    };
    listening.until(written).await;
    assert_eq!(world.trainer().title(visit), "Rosen-Apotheke");
    let told = || {
        let requests = world.requests_since(mark).into_iter();
        requests
            .filter(|request| request.path == "/v1/hooks/google")
            .count()
    };
    listening.until(async || told() == 1).await;
    // What the platform says after the notice is heard after it.
    for reason in [Some(PauseReason::KillSwitch), None] {
        let platform = world.admin().platform().clone();
        platform
            .pause(world.person().user, reason)
            .expect("Mara is known");
        let heard = async || {
            let policy = world.engine.live().policy;
            policy.is_some_and(|policy| policy.enabled == reason.is_none())
        };
        listening.until(heard).await;
    }
    assert!(!world.engine.live().hinted[1], "it is not asked for");
    listening.stop().await;
    driving
}

/// Lists of the calendar in so many seconds of an engine that runs by itself.
async fn lists_in(world: &World, driving: &mut Driving<'_>, seconds: i64) -> usize {
    let mark = world.mark();
    driving.let_pass(seconds).await;
    let requests = world.requests_since(mark).into_iter();
    requests
        .filter(|request| request.method == "GET" && request.path.ends_with("/events"))
        .count()
}

#[tokio::test]
async fn a_look_that_was_put_off_comes_within_half_an_hour() {
    let (world, visit) = with_visit().await;
    let mut driving = put_off(&world, &visit).await;
    assert_eq!(lists_in(&world, &mut driving, 29 * 60).await, 0);
    assert_eq!(lists_in(&world, &mut driving, 2 * 60).await, 1);
    driving.stop().await;
}

#[tokio::test]
async fn a_look_that_was_put_off_comes_at_once_when_the_window_is_opened() {
    let (world, visit) = with_visit().await;
    let mut driving = put_off(&world, &visit).await;
    // So soon after the last look the window alone would bring none.
    assert_eq!(lists_in(&world, &mut driving, 20).await, 0);
    world.engine.window_is_in_use(true);
    assert_eq!(lists_in(&world, &mut driving, 5).await, 1);
    driving.stop().await;
}

#[tokio::test]
async fn the_awake_time_begins_with_the_process() {
    let (mut world, _) = with_visit().await;
    world.set_time(at("2026-11-24 22:30"));
    world.sync().await;
    world.restart().await;
    // The night was slept through: what it owes is caught up within an hour, at a time of the device's own.
    world.set_time(at("2026-11-25 07:30"));
    let mark = world.mark();
    let lists = |full: bool| {
        let requests = world.requests_since(mark).into_iter();
        let lists = requests.filter(|request| request.path.ends_with("/events"));
        lists
            .filter(|request| request.query.contains("syncToken") != full)
            .count()
    };
    let mut driving = world.drive_as_it_is();
    world.engine.ask_for(Trigger::Manual);
    driving.let_pass(1).await;
    assert_eq!((lists(false), lists(true)), (1, 0));
    driving.let_pass(3_600).await;
    assert_eq!(lists(true), 1);
    driving.stop().await;
}
