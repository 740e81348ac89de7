//! What is counted, how long changes took, and one id per run in both services' logs, in ours and in the history.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::World;
use roundtrip_engine::figures::Share;
use roundtrip_engine::ledger::{HistoryWhat, Trigger};
use roundtrip_sandbox::faults::{Fault, Service};
use roundtrip_sandbox::google::NoticeWeather;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

#[tokio::test]
async fn a_change_is_timed_from_the_platform_s_word_to_our_success_and_split_by_cause() {
    let world = World::new().await;
    world.advance(1);
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let first = world.engine.figures().await.expect("the ledger works");
    assert_eq!(first.to_event.count, 1, "it came after the connection was made");

    let mut driving = world.drive().await;
    driving.let_pass(60).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    driving.let_pass(1_130).await;
    let figures = world.engine.figures().await.expect("the ledger works");
    assert_eq!((figures.to_event.count, figures.to_event.away), (2, 0));
    let slowest = figures.to_event.p99_ms.expect("measured");
    assert!(
        (600_000..=1_190_000).contains(&slowest),
        "most of a quarter of an hour: {slowest}"
    );

    // A move: seen at once, settled for twenty seconds.
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.engine.ask_for(Trigger::Hint);
    driving.let_pass(60).await;
    let figures = world.engine.figures().await.expect("the ledger works");
    assert_eq!(figures.to_report.count, 1);
    let wait = figures.to_report.wait_p50_ms.expect("measured");
    let all = figures.to_report.p50_ms.expect("measured");
    assert!((15_000..=21_000).contains(&wait) && all >= 20_000, "{figures:#?}");

    // The lid is closed for a night: the change waited for the laptop, not for Roundtrip.
    world.admin().rename(&visit, "Adler-Apotheke");
    world.clock.close_lid(TimeDelta::hours(9));
    driving.let_pass(60).await;
    let figures = world.engine.figures().await.expect("the ledger works");
    assert_eq!((figures.to_event.count, figures.to_event.away), (3, 1));
    assert!(
        figures.to_event.p99_ms.expect("measured") <= 1_190_000,
        "{figures:#?}"
    );
    driving.stop().await;
}

#[tokio::test]
async fn a_setting_or_an_answer_is_no_change_that_took_long() {
    let world = World::new().await;
    world.advance(1);
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    world.advance(86_400);
    world.sync().await;
    world
        .set(|settings| settings.filters.types_off.extend(["pharmacy_visit".into()]))
        .await;
    world.sync().await;
    world.set(|settings| settings.filters.types_off.clear()).await;
    world.sync().await;
    assert!(world.trainer().has(&visit));
    let figures = world.engine.figures().await.expect("the ledger works");
    assert_eq!(
        figures.to_event.count, 1,
        "only the first writing was of the platform's making"
    );
}

#[tokio::test]
async fn runs_writes_errors_and_requests_are_counted_and_outlive_the_process() {
    let mut world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    let mark = world.mark();
    let before = world.engine.figures().await.expect("the ledger works");
    world.sync().await;
    world.spoil_google(Fault::DropBefore, |rule| rule.method("PATCH").times(1));
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;
    world.repair();
    world.wire.unplug(&world.running.google_url);
    world.wire.unplug(&world.running.platform_url);
    world.sync().await;
    world.wire.plug_in();
    world.sync().await;

    let figures = world.engine.figures().await.expect("the ledger works");
    let today = figures.days.last().expect("thirty days");
    let was = before.days.last().expect("thirty days");
    assert_eq!(today.runs_offline - was.runs_offline, 1);
    assert_eq!(today.writes - was.writes, 2);
    assert!(today.retries > was.retries, "{today:?}");
    let expected = Share {
        ok: figures.runs.of,
        of: figures.runs.of,
    };
    assert_eq!(figures.runs, expected, "no network is nobody's failure");
    assert_eq!(figures.writes.ok, figures.writes.of);
    assert_eq!(today.errors.get("calendar.unreachable").copied(), Some(2));
    let asked = world.requests_since(mark);
    let of = |service| asked.iter().filter(|request| request.service == service).count() as u64;
    // Two of each never left this machine.
    assert!(today.platform_requests - was.platform_requests >= of(Service::Platform));
    assert!(today.calendar_requests - was.calendar_requests >= of(Service::Google));

    world.restart().await;
    let again = world.engine.figures().await.expect("the ledger works");
    assert_eq!(again.days, figures.days);
    assert_eq!(again.to_event, figures.to_event);
}

#[tokio::test]
async fn a_notice_that_never_came_is_counted_with_the_day_and_outlives_the_process() {
    let mut world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let listening = world.listen();
    listening.ready().await;
    world.running.sandbox.google.set_notice_weather(NoticeWeather {
        lose: 1,
        ..NoticeWeather::default()
    });
    world.advance(1);
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(120);
    world.cycle(Trigger::Timer).await;
    listening.stop().await;
    let figures = world.engine.figures().await.expect("the ledger works");
    assert_eq!(figures.missed, 1);

    // It was written down with the run that found it, and with nothing later.
    world.restart().await;
    let again = world.engine.figures().await.expect("the ledger works");
    assert_eq!((again.missed, &again.days), (1, &figures.days));
    world.sync().await;
    let again = world.engine.figures().await.expect("the ledger works");
    assert_eq!(again.missed, 1, "it is counted once");
}

/// A log that remembers.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the test's own").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Memory {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn one_id_of_a_run_is_in_both_services_logs_in_ours_and_in_the_history() {
    let world = World::new().await;
    world.advance(1);
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let memory = Memory::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(memory.clone())
        .finish();
    let mark = world.mark();
    {
        // Who is the only one in its process decides alone, and by the thread that comes by first, which places log at all:
        // with tests beside this one that is a thread of theirs, which logs nothing. Of two, both are asked.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
        let subscriber = tracing::Dispatch::new(subscriber);
        let _logged = tracing::dispatcher::set_default(&subscriber);
        world.sync().await;
    }
    let runs = world.engine.runs(chrono::DateTime::UNIX_EPOCH, 1).await;
    let id = format!("rt-{}", runs.expect("the ledger works")[0].id);

    let requests = world.requests_since(mark);
    for service in [Service::Platform, Service::Google] {
        let of: Vec<_> = requests
            .iter()
            .filter(|request| request.service == service)
            .collect();
        assert!(!of.is_empty(), "{service:?} was asked");
        for request in of {
            let named = request.request_id.as_deref().unwrap_or_default();
            assert!(named.starts_with(&format!("{id}-")), "{service:?}: {named}");
        }
    }
    let different: BTreeSet<_> = requests
        .iter()
        .map(|request| (request.service, &request.request_id))
        .collect();
    assert_eq!(
        different.len(),
        requests.len(),
        "each request has an id of its own"
    );

    let log = String::from_utf8(memory.0.lock().expect("the test's own").clone()).expect("text");
    let ours: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("roundtrip_") && !line.contains("sandbox"))
        .collect();
    assert!(
        ours.len() > requests.len(),
        "one line for each request, and the run's own: {log}"
    );
    for line in ours {
        assert!(line.contains(&id), "{line}");
    }
    assert!(!log.contains("Apotheke") && !log.contains("Bearer"), "{log}");

    let history = world.history().await;
    let changed = history
        .iter()
        .rev()
        .find(|item| matches!(item.what, HistoryWhat::Changed { .. }));
    assert_eq!(
        changed.and_then(|item| item.request_id.as_deref()),
        Some(id.as_str())
    );
}
