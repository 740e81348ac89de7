//! Silence is a problem: two awake hours without a success at a side are said, in the history and to the platform.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::{Method, Request, Response};
use roundtrip_behaviour_tests::World;
use roundtrip_core::channel::Channel;
use roundtrip_core::conflict::Conflict;
use roundtrip_core::ids::{AppointmentId, ConflictId, QuestionId};
use roundtrip_core::marked::Marked;
use roundtrip_core::outbox::{OutboxRow, Side};
use roundtrip_core::question::Question;
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::{Silence, Watch};
use roundtrip_engine::Engine;
use roundtrip_engine::figures::DayCount;
use roundtrip_engine::ledger::{
    Change, HistoryFilter, HistoryItem, HistoryResult, HistoryWhat, Ledger, LedgerError, Run, SyncState,
    Trigger,
};
use roundtrip_engine::ports::Hinted;
use roundtrip_http::{HttpError, HttpPort, Pieces};
use roundtrip_sandbox::google::QuotaLimits;
use roundtrip_sandbox::platform::PauseReason;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const HOUR: i64 = 3_600;

async fn silence(world: &World) -> Option<Silence> {
    world.snapshot().await.watch.silence()
}

/// Lines about silence, oldest first: side, and whether it began.
async fn said(world: &World) -> Vec<(Side, bool)> {
    let lines = world.history().await;
    lines
        .into_iter()
        .filter_map(|item| match item.what {
            HistoryWhat::SilenceBegan { side } => {
                assert_eq!(item.result, HistoryResult::Problem);
                assert_eq!(item.problem.as_deref(), Some("no_success_2h"));
                Some((side, true))
            }
            HistoryWhat::SilenceEnded { side, .. } => {
                assert_eq!(item.result, HistoryResult::Ok);
                Some((side, false))
            }
            _ => None,
        })
        .collect()
}

/// What the platform's admin sees of this laptop.
fn admin_sees(world: &World) -> (String, Option<String>) {
    let all = world.admin().platform().integrations();
    let [one] = all.as_slice() else {
        panic!("one laptop: {all:?}")
    };
    let report = serde_json::to_value(&one.report).expect("a report");
    (
        report["status"].as_str().unwrap_or_default().to_owned(),
        report["problem"].as_str().map(str::to_owned),
    )
}

fn told_since(world: &World, mark: u64) -> usize {
    let requests = world.requests_since(mark);
    requests
        .iter()
        .filter(|request| request.method == "PUT" && request.path.starts_with("/v1/me/integrations/"))
        .count()
}

async fn connected() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

#[tokio::test]
async fn a_calendar_that_is_silent_for_two_hours_is_said_for_that_side_and_to_the_platform() {
    let (world, visit) = connected().await;
    let mut driving = world.drive().await;
    world.wire.unplug(&world.running.google_url);
    world.admin().rename(&visit, "Rosen-Apotheke");
    driving.let_pass(2 * HOUR - 300).await;
    assert_eq!(silence(&world).await, None);
    let (status, problem) = admin_sees(&world);
    assert_eq!(
        (status.as_str(), problem.as_deref()),
        ("error", Some("unreachable"))
    );

    driving.let_pass(HOUR / 2).await;
    let lasts = silence(&world).await.expect("a silence");
    assert_eq!(lasts.side, Some(Side::Calendar));
    assert_eq!(said(&world).await, [(Side::Calendar, true)]);
    let (status, problem) = admin_sees(&world);
    assert_eq!(
        (status.as_str(), problem.as_deref()),
        ("error", Some("no_success_2h"))
    );

    driving.let_pass(5 * HOUR).await;
    assert_eq!(said(&world).await.len(), 1, "said once");
    world.wire.plug_in();
    world.engine.network_is_back();
    driving.let_pass(60).await;
    assert_eq!(silence(&world).await, None);
    assert_eq!(
        said(&world).await,
        [(Side::Calendar, true), (Side::Calendar, false)]
    );
    assert_eq!(admin_sees(&world), ("active".into(), None));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    driving.stop().await;
}

#[tokio::test]
async fn a_platform_that_was_silent_hears_of_it_at_the_next_contact() {
    let (world, _) = connected().await;
    let mut driving = world.drive().await;
    world.wire.unplug(&world.running.platform_url);
    driving.let_pass(3 * HOUR).await;
    assert_eq!(
        silence(&world).await.expect("a silence").side,
        Some(Side::Platform)
    );
    assert_eq!(
        admin_sees(&world),
        ("active".into(), None),
        "it could not be told"
    );

    let mark = world.mark();
    world.wire.plug_in();
    world.engine.network_is_back();
    driving.let_pass(60).await;
    assert_eq!(
        said(&world).await,
        [(Side::Platform, true), (Side::Platform, false)]
    );
    assert_eq!(told_since(&world, mark), 2, "the silence, and that it is over");
    assert_eq!(admin_sees(&world), ("active".into(), None));
    let gap = world
        .history()
        .await
        .into_iter()
        .find_map(|item| match item.what {
            HistoryWhat::SilenceEnded { since, .. } => Some(item.at - since),
            _ => None,
        });
    assert!(gap.expect("the gap") >= TimeDelta::hours(3));

    driving.let_pass(2 * HOUR).await;
    assert_eq!(said(&world).await.len(), 2);
    driving.stop().await;
}

#[tokio::test]
async fn a_laptop_that_slept_for_a_week_has_a_chance_before_anything_is_said() {
    let (world, _) = connected().await;
    let mut driving = world.drive().await;
    world.wire.unplug(&world.running.google_url);
    world.wire.unplug(&world.running.platform_url);
    driving.let_pass(2 * HOUR - 120).await;
    world.clock.close_lid(TimeDelta::days(7));
    driving.let_pass(240).await;
    assert_eq!(said(&world).await, []);

    world.wire.plug_in();
    driving.let_pass(2 * HOUR).await;
    assert_eq!(said(&world).await, [], "the chance was used");

    // Another night, and the network stays away.
    world.engine.ask_for(Trigger::Manual);
    driving.let_pass(2).await;
    world.wire.unplug(&world.running.google_url);
    world.clock.close_lid(TimeDelta::days(7));
    driving.let_pass(2 * HOUR - 60).await;
    assert_eq!(said(&world).await, []);
    driving.let_pass(180).await;
    assert_eq!(said(&world).await, [(Side::Calendar, true)]);
    driving.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_says_nothing_and_hides_nothing() {
    a_clock_is_set(10).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_says_nothing_and_hides_nothing() {
    a_clock_is_set(-10).await;
}

async fn a_clock_is_set(years: i64) {
    let (world, _) = connected().await;
    let mut driving = world.drive().await;
    driving.let_pass(HOUR / 2).await;
    world.clock.set_skew(TimeDelta::days(365 * years));

    driving.let_pass(3 * HOUR).await;
    assert_eq!(said(&world).await, [], "{years} years: both services answer");

    world.wire.unplug(&world.running.google_url);
    driving.let_pass(HOUR).await;
    world.clock.set_skew(TimeDelta::zero());
    driving.let_pass(HOUR / 2).await;
    assert_eq!(said(&world).await, [], "{years} years: an hour and a half");
    driving.let_pass(HOUR).await;
    assert_eq!(said(&world).await, [(Side::Calendar, true)], "{years} years");
    driving.stop().await;
}

#[tokio::test]
async fn a_restart_neither_forgets_nor_repeats_a_silence() {
    let (mut world, _) = connected().await;
    world.wire.unplug(&world.running.google_url);
    let mut driving = world.drive().await;
    driving.let_pass(HOUR + HOUR / 2).await;
    driving.stop().await;
    world.restart().await;
    world.wire.unplug(&world.running.google_url);
    let mut driving = world.drive().await;
    driving.let_pass(HOUR / 2 + 300).await;
    assert_eq!(
        said(&world).await,
        [(Side::Calendar, true)],
        "the time before counts"
    );
    driving.stop().await;
    world.engine.silence_notified().await;

    world.restart().await;
    world.wire.unplug(&world.running.google_url);
    let watch = world.snapshot().await.watch;
    assert!(watch.silence().is_some() && watch.notified, "{watch:?}");
    let mut driving = world.drive().await;
    driving.let_pass(3 * HOUR).await;
    assert_eq!(said(&world).await.len(), 1, "not again");
    world.wire.plug_in();
    world.engine.network_is_back();
    driving.let_pass(60).await;
    let watch = world.snapshot().await.watch;
    assert!(watch.silence().is_none() && !watch.notified, "{watch:?}");
    assert_eq!(said(&world).await.last(), Some(&(Side::Calendar, false)));
    driving.stop().await;
}

#[tokio::test]
async fn a_pause_and_what_the_platform_turned_off_are_no_silence() {
    let (world, _) = connected().await;
    let mut driving = world.drive().await;
    let pause = |until| world.engine.pause_until(until);
    pause(Some(world.now() + TimeDelta::hours(5)))
        .await
        .expect("the ledger works");
    world.wire.unplug(&world.running.google_url);
    driving.let_pass(5 * HOUR + 60).await;
    assert_eq!(said(&world).await, [], "paused by the trainer");
    world.wire.plug_in();
    driving.let_pass(60).await;

    for reason in [PauseReason::Maintenance, PauseReason::KillSwitch] {
        world.admin().platform().pause_everybody(Some(reason));
        driving.let_pass(HOUR).await;
        world.wire.unplug(&world.running.google_url);
        driving.let_pass(4 * HOUR).await;
        assert_eq!(said(&world).await, [], "{reason:?} has words of its own");
        world.wire.plug_in();
        world.admin().platform().pause_everybody(None);
        driving.let_pass(HOUR).await;
    }
    driving.stop().await;
}

#[tokio::test]
async fn a_run_that_never_ends_is_noticed_without_it() {
    let (world, _) = connected().await;
    // Nothing but the shell's own look: no cycle ends, and none begins.
    for _ in 0..250 {
        world.advance(30);
        world.engine.keep_watch().await;
    }
    assert_eq!(silence(&world).await.expect("a silence").side, None);
    assert_eq!(said(&world).await.len(), 2);
    world.sync().await;
    assert_eq!(silence(&world).await, None);
}

/// Listings of the calendar are never answered, for as long as nobody lets them go.
struct Hung {
    services: Arc<dyn HttpPort>,
    asked: AtomicBool,
    let_go: tokio::sync::Notify,
}

#[async_trait]
impl HttpPort for Hung {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if request.method() == Method::GET && request.uri().path().ends_with("/events") {
            self.asked.store(true, Ordering::SeqCst);
            self.let_go.notified().await;
        }
        self.services.send(request).await
    }

    async fn open(&self, request: Request<Bytes>) -> Result<Response<Pieces>, HttpError> {
        self.services.open(request).await
    }
}

#[tokio::test]
async fn a_run_that_never_ends_is_noticed_also_where_both_sides_tell_their_changes() {
    let (world, _) = connected().await;
    let listening = world.listen();
    listening.ready().await;
    let look = async |times: u32| {
        for _ in 0..times {
            world.advance(30);
            world.engine.keep_watch().await;
        }
    };
    look(250).await;
    assert_eq!(said(&world).await, [], "nothing is to be read");

    let hung = Arc::new(Hung {
        services: world.wire.services(),
        asked: AtomicBool::new(false),
        let_go: tokio::sync::Notify::new(),
    });
    world.wire.divert(Some(hung.clone()));
    let engine = world.engine.clone();
    let run = tokio::spawn(async move { engine.cycle(Trigger::Manual).await.map(|_| ()) });
    listening.until(async || hung.asked.load(Ordering::SeqCst)).await;
    look(250).await;
    let pushed = world.engine.live().pushed;
    assert!(pushed.stream && pushed.calendar, "{pushed:?}");
    assert_eq!(silence(&world).await.expect("a silence").side, None);
    assert_eq!(said(&world).await.len(), 2);

    world.wire.divert(None);
    hung.let_go.notify_one();
    run.await.expect("no panic").expect("the ledger works");
    assert_eq!(silence(&world).await, None);
    listening.stop().await;
}

#[tokio::test]
async fn before_start_syncing_there_is_nothing_to_be_silent_about() {
    let world = World::of(roundtrip_behaviour_tests::Setup {
        started: false,
        ..roundtrip_behaviour_tests::Setup::default()
    })
    .await;
    let mut driving = world.drive().await;
    world.wire.unplug(&world.running.google_url);
    driving.let_pass(4 * HOUR).await;
    assert_eq!(said(&world).await, []);
    driving.stop().await;
}

#[tokio::test]
async fn a_quota_that_is_gone_is_no_silence_while_the_calendar_answers() {
    let (world, _) = connected().await;
    let google = world.running.sandbox.google.clone();
    google.set_quota(QuotaLimits {
        new_events_per_day: Some(0),
        ..google.quota()
    });
    world.admin().visit("Rosen-Apotheke", "2026-12-02 09:00");
    let mut driving = world.drive().await;
    driving.let_pass(5 * HOUR).await;
    assert_eq!(said(&world).await, [], "it has words of its own");
    driving.stop().await;
}

#[tokio::test]
async fn a_side_that_was_left_alone_has_not_succeeded() {
    let (world, _) = connected().await;
    let before = world.engine.watch().await.calendar.awake_ms;
    for _ in 0..20 {
        world.advance(30);
        world.engine.hint(Hinted::Platform);
        world.cycle(Trigger::Hint).await;
    }
    let watch = world.engine.watch().await;
    assert_eq!(watch.platform.awake_ms, 0);
    assert!(watch.calendar.awake_ms > before, "{watch:?}");
}

/// A disk that may become full: nothing is written any more, and everything can be read.
struct Disk {
    inner: Arc<dyn Ledger>,
    full: AtomicBool,
}

#[async_trait]
impl Ledger for Disk {
    async fn records(&self) -> Result<Vec<Record>, LedgerError> {
        self.inner.records().await
    }
    async fn record(&self, id: &AppointmentId) -> Result<Option<Record>, LedgerError> {
        self.inner.record(id).await
    }
    async fn outbox(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        self.inner.outbox().await
    }
    async fn open_conflicts(&self) -> Result<Vec<Conflict>, LedgerError> {
        self.inner.open_conflicts().await
    }
    async fn answered_conflicts(&self, since: DateTime<Utc>) -> Result<Vec<Conflict>, LedgerError> {
        self.inner.answered_conflicts(since).await
    }
    async fn marked(&self) -> Result<Vec<Marked>, LedgerError> {
        self.inner.marked().await
    }
    async fn channels(&self) -> Result<Vec<Channel>, LedgerError> {
        self.inner.channels().await
    }
    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, LedgerError> {
        self.inner.conflict(id).await
    }
    async fn questions(&self, since: DateTime<Utc>) -> Result<Vec<Question>, LedgerError> {
        self.inner.questions(since).await
    }
    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, LedgerError> {
        self.inner.question(id).await
    }
    async fn sync_state(&self) -> Result<SyncState, LedgerError> {
        self.inner.sync_state().await
    }
    async fn watch(&self) -> Result<Watch, LedgerError> {
        self.inner.watch().await
    }
    async fn days(&self, since: NaiveDate) -> Result<Vec<DayCount>, LedgerError> {
        self.inner.days(since).await
    }
    async fn settings(&self) -> Result<SyncSettings, LedgerError> {
        self.inner.settings().await
    }
    async fn runs(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Run>, LedgerError> {
        self.inner.runs(since, limit).await
    }
    async fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryItem>, LedgerError> {
        self.inner.history(filter).await
    }
    async fn history_items(&self, ids: &[String]) -> Result<Vec<HistoryItem>, LedgerError> {
        self.inner.history_items(ids).await
    }
    async fn commit(&self, changes: Vec<Change>) -> Result<(), LedgerError> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(LedgerError::Full),
            false => self.inner.commit(changes).await,
        }
    }
}

#[tokio::test]
async fn the_platform_hears_of_a_laptop_that_can_write_nothing_down() {
    let (mut world, visit) = connected().await;
    let disk = Arc::new(Disk {
        inner: world.engine.ledger().clone(),
        full: AtomicBool::new(false),
    });
    let (platform, google) = (world.platform.clone(), world.google.clone());
    let (clock, config) = (world.laptop.clock.clone(), world.config.clone());
    world.laptop.engine = Arc::new(Engine::new(platform, google, disk.clone(), clock, config));
    let mut driving = world.drive().await;
    driving.let_pass(60).await;
    assert_eq!(admin_sees(&world), ("active".into(), None));

    disk.full.store(true, Ordering::SeqCst);
    world.admin().rename(&visit, "Rosen-Apotheke");
    driving.let_pass(3 * HOUR).await;
    assert!(silence(&world).await.is_some());
    assert_eq!(admin_sees(&world), ("error".into(), Some("no_success_2h".into())));

    disk.full.store(false, Ordering::SeqCst);
    driving.let_pass(120).await;
    assert_eq!(silence(&world).await, None);
    assert_eq!(admin_sees(&world), ("active".into(), None));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    driving.stop().await;
}

#[tokio::test]
async fn a_platform_that_is_gone_after_it_turned_sync_off_is_silent() {
    let (world, _) = connected().await;
    let mut driving = world.drive().await;
    let everybody = world.admin().platform().clone();
    everybody.pause_everybody(Some(PauseReason::Maintenance));
    driving.let_pass(HOUR).await;
    world.wire.unplug(&world.running.platform_url);
    driving.let_pass(4 * HOUR).await;
    assert_eq!(said(&world).await, [(Side::Platform, true)]);
    world.wire.plug_in();
    everybody.pause_everybody(None);
    driving.stop().await;
}

#[tokio::test]
async fn what_a_side_hinted_at_is_read_again_where_it_could_not_be_written_down() {
    let (mut world, visit) = connected().await;
    let disk = Arc::new(Disk {
        inner: world.engine.ledger().clone(),
        full: AtomicBool::new(false),
    });
    let (platform, google) = (world.platform.clone(), world.google.clone());
    let (clock, config) = (world.laptop.clock.clone(), world.config.clone());
    world.laptop.engine = Arc::new(Engine::new(platform, google, disk.clone(), clock, config));
    world.sync().await;

    world.admin().rename(&visit, "Rosen-Apotheke");
    world.engine.hint(Hinted::Platform);
    disk.full.store(true, Ordering::SeqCst);
    assert!(world.engine.cycle(Trigger::Hint).await.is_err());
    disk.full.store(false, Ordering::SeqCst);
    // The other side speaks before the minute is over after which all is tried again.
    world.engine.hint(Hinted::Calendar);
    world.cycle(Trigger::Hint).await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
}
