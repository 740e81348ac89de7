//! The app's flows, in a process of their own. What the window is told goes into one folder, what leaves the app as a log,
//! an error, a report, an export or a notification into another.

use bytes::Bytes;
use roundtrip_app::gui::words::Tongue;
use roundtrip_app::host::notices::Known;
use roundtrip_app::host::{Host, HostEvent, Purpose};
use roundtrip_app::ipc::commands::{self, decisions, diagnostics, history, privacy};
use roundtrip_app::ipc::dto::{AppError, HistoryQuery, OwnRuleView, Progress, SettingsPatch};
use roundtrip_app::ipc::events::{SignInChanged, StateChanged, SyncProgress};
use roundtrip_app::ipc::settings;
use roundtrip_core::conflict::Resolution;
use roundtrip_engine::ledger::Trigger;
use roundtrip_engine::{Engine, EngineEvent};
use roundtrip_http::{HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_store::Provider;
use serde::Serialize;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const WINDOW: &str = "ROUNDTRIP_CANARY_WINDOW";
pub const OUTSIDE: &str = "ROUNDTRIP_CANARY_OUTSIDE";
/// Set where the app is to leak on purpose.
pub const PLANT: &str = "ROUNDTRIP_CANARY_PLANT";
/// A line that begins so asks the world to do something, and waits for a line.
pub const STEP: &str = "@step ";

struct Out {
    window: PathBuf,
    outside: PathBuf,
    number: std::cell::Cell<u32>,
    pushed: std::cell::RefCell<Option<Receiver<HostEvent>>>,
}

impl Out {
    fn write(&self, folder: &Path, name: &str, text: &str) {
        self.number.set(self.number.get() + 1);
        let name = format!("{:03} {name}.txt", self.number.get());
        std::fs::write(folder.join(name), text).expect("written");
    }
    fn window(&self, name: &str, value: &impl Serialize) {
        let text = serde_json::to_string(value).expect("it crosses to the window");
        self.write(&self.window, name, &text);
    }
    fn outside(&self, name: &str, text: &str) {
        self.write(&self.outside, name, text);
    }
    /// What a command answers, or why it refuses: nothing private may be in either.
    fn answer(&self, command: &str, answer: &Result<impl Serialize, AppError>) {
        self.answer_into(&self.outside, command, answer);
    }
    /// The same of a command that answers with what the trainer sees of an appointment.
    fn shown(&self, command: &str, answer: &Result<impl Serialize, AppError>) {
        self.answer_into(&self.window, command, answer);
    }
    fn answer_into(&self, folder: &Path, command: &str, answer: &Result<impl Serialize, AppError>) {
        let (name, text) = match answer {
            Ok(answer) => (command.to_owned(), serde_json::to_string(answer)),
            Err(error) => (format!("{command} refused"), serde_json::to_string(error)),
        };
        self.write(folder, &name, &text.expect("it crosses to the window"));
    }
    /// The events since the last time, as `gui::listen` pushes them to the window.
    fn pushed(&self) {
        let mut events = self.pushed.borrow_mut();
        let events = events.as_mut().expect("the app is followed");
        loop {
            match events.try_recv() {
                Ok(HostEvent::Engine(EngineEvent::Progress { done, total })) => {
                    self.answer("sync-progress", &Ok(SyncProgress(Progress { done, total })));
                }
                Ok(
                    HostEvent::Engine(EngineEvent::Changed | EngineEvent::CycleEnded) | HostEvent::Changed,
                ) => {
                    self.answer("state-changed", &Ok(StateChanged::all()));
                }
                Ok(HostEvent::SignIn(view)) => self.answer("sign-in-changed", &Ok(SignInChanged(view))),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
    /// Details as `ui/src/lib/ui/Details.svelte` puts them on the clipboard.
    fn copied(&self, folder: &Path, name: &str, rows: &[(&str, Option<&str>)]) {
        let rows = rows.iter().filter_map(|(name, text)| Some((name, (*text)?)));
        let lines: Vec<String> = rows.map(|(name, text)| format!("{name}: {text}")).collect();
        self.write(folder, &format!("copied {name}"), &lines.join("\n"));
    }
}

/// The engine listening as in the window: to the platform's stream, and to the calendar's notices that come over it.
struct Listening {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Listening {
    /// Returns once notices are heard, and what they hinted at so far was looked at.
    async fn to(engine: &Arc<Engine>) -> Self {
        let stop = CancellationToken::new();
        let (listener, heard) = (Arc::clone(engine), stop.clone());
        let task = tokio::spawn(async move { listener.listen(heard).await });
        until(|| engine.live().pushed.calendar).await;
        while engine.live().hinted != [false; 2] {
            engine.cycle(Trigger::Hint).await.expect("a look");
        }
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("it ends by itself");
    }
}

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for what comes over the network.
async fn until(what: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !what() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("it comes over the network");
}

/// Asks the world for this; answers with what the world has to say.
fn step(name: &str) -> String {
    println!("{STEP}{name}");
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .expect("the world answers");
    line.trim().to_owned()
}

/// What a browser does with pages that answer by redirects.
pub async fn browse(http: &dyn HttpPort, mut address: String) {
    for _ in 0..5 {
        let request = http::Request::get(&address)
            .body(Bytes::new())
            .expect("an address");
        let Ok(answer) = http.send(request).await else {
            return;
        };
        match answer
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok())
        {
            Some(next) => address = next.to_owned(),
            None => return,
        }
    }
}

async fn sign_in(host: &Arc<Host>, out: &Out, service: Provider) {
    let http = ReqwestHttp::new(HttpOptions::default()).expect("a network");
    let address = std::env::var("ROUNDTRIP_PLATFORM_URL").expect("set");
    let address = (service == Provider::Platform).then_some(address.as_str());
    let begun = host.begin_sign_in(service, address).await.expect("begun");
    // Links that claim to be the answer, from whoever can open one.
    for link in [
        "roundtrip://signin/platform?code=stolen&state=guessed",
        "roundtrip://signin/platform?error=access_denied",
        "roundtrip://delete/everything",
    ] {
        if let Some(roundtrip_app::gui::links::Link::SignIn(link)) = roundtrip_app::gui::links::parse(link) {
            host.sign_in_link(&link);
        }
    }
    out.outside("copied link", &begun.url);
    out.answer("sign_in_state", &Ok(commands::sign_in_view(host)));
    browse(&http, begun.url).await;
    let view = begun.ended.await.expect("an end");
    assert_eq!(view.state, "done", "{view:?}");
    out.window("sign-in", &view);
    out.outside("sign-in", &format!("{view:?}"));
}

/// Everything that the window is told and that leaves the app, as it is now.
async fn dump(host: &Arc<Host>, out: &Out) {
    let overview = host.overview().await.expect("an overview");
    out.shown("get_overview", &Ok(&overview));
    out.pushed();
    let checks = host.doctor().await;
    out.answer("run_doctor", &Ok(&checks));
    if let Some(problem) = &overview.problem {
        let rows = [
            ("code", Some(problem.code.as_str())),
            ("said", problem.detail.as_deref()),
        ];
        out.copied(&out.outside, "problem", &rows);
    }
    for check in &checks {
        let rows = [
            (check.check.as_str(), Some(check.result.as_str())),
            ("problem", check.problem.as_deref()),
            ("said", check.detail.as_deref()),
        ];
        out.copied(&out.outside, "check", &rows);
        let alone = host.check(&check.check).await;
        out.answer("run_check", &alone.ok_or_else(|| AppError::input("check")));
    }
    out.outside("preview_report", &host.report(checks).await.expect("a report"));
    let Known::All(notices) = host.notices().await else {
        panic!("the ledger works");
    };
    for notice in notices {
        for tongue in [Tongue::En, Tongue::De] {
            out.outside("notice", &format!("{:?}", tongue.notice(&notice, "Linden")));
        }
    }
    out.answer("preview_delete_everything", &host.deletion_plan().await);
    out.answer("app_info", &commands::info(host, "light").await);
    out.answer("list_audit", &diagnostics::audit_page(host, None, 500).await);
    for format in ["csv", "json"] {
        let file = diagnostics::audit_file(host, format).await.expect("an export");
        out.outside(&format!("export_audit {format}"), &file.0);
    }
    let running = host.running().await;
    out.shown("get_settings", &settings::view(host, running.as_ref()).await);
    out.answer("get_connection", &host.connection().await);
    out.answer("get_figures", &host.figures().await);
    let appointments = commands::appointment_rows(host).await;
    out.shown("list_appointments", &appointments);
    for row in appointments.expect("appointments") {
        let id = roundtrip_core::ids::AppointmentId(row.id);
        out.shown("get_appointment", &host.appointment(&id).await);
    }
    out.shown("list_conflicts", &commands::conflict_views(host).await);
    out.shown("list_answered_conflicts", &decisions::answered(host).await);
    let patch = SettingsPatch {
        privacy: Some("busy".into()),
        ..SettingsPatch::default()
    };
    out.shown("preview_settings", &commands::preview_of(host, &patch).await);
    out.shown(
        "privacy_mirror",
        &privacy::mirror(host, &SettingsPatch::default()).await,
    );
    let rule = OwnRuleView {
        field: "title".into(),
        pattern: "contains".into(),
        text: "Apotheke".into(),
    };
    out.shown("check_rule", &diagnostics::checked_rule(host, &rule).await);
    told_of_the_past(host, out).await;
}

/// History, runs, what could be had back, the calendar as it was, and the files of it.
async fn told_of_the_past(host: &Arc<Host>, out: &Out) {
    let everything = HistoryQuery {
        limit: u32::MAX,
        ..HistoryQuery::default()
    };
    let rows = history::lines(host, everything.clone()).await;
    out.shown("list_history", &rows);
    let rows = rows.expect("a history");
    for row in &rows {
        // With the appointment's name, which the trainer sees there and copies knowingly.
        let rows = [
            ("name", row.title.as_deref()),
            ("appointment", row.appointment_id.as_deref()),
            ("entry", Some(row.id.as_str())),
            ("what", Some(row.what.as_str())),
            ("word", row.word.as_deref()),
            ("code", row.problem.as_deref()),
            ("said", row.detail.as_deref()),
            ("request", row.request_id.as_deref()),
            ("run", row.run_id.as_deref()),
        ];
        out.copied(&out.window, "line", &rows);
    }
    for (format, personal) in [("csv", false), ("json", false), ("csv", true), ("json", true)] {
        let file = history::file(host, everything.clone(), format, personal).await;
        let text = file.map_or_else(|error| format!("{error:?}"), |(text, _)| text);
        match personal {
            // With what the trainer asked for knowingly.
            true => out.write(&out.window, &format!("export_history {format}, personal"), &text),
            false => out.outside(&format!("export_history {format}"), &text),
        }
    }
    let runs = commands::run_rows(host, 100).await;
    out.answer("list_runs", &runs);
    for run in runs.expect("runs") {
        out.shown("preview_undo_run", &history::undo_preview(host, run.id).await);
    }
    let lines = rows.into_iter().map(|row| row.id).collect();
    out.shown(
        "preview_restore",
        &history::restore_preview(host, lines, None).await,
    );
    let past = history::past_calendar(host, chrono::Utc::now()).await;
    out.shown("calendar_at", &past);
}

async fn cycle(host: &Arc<Host>, out: &Out, name: &str) {
    let running = host.running().await.expect("connected");
    let report = running.engine.cycle(Trigger::Manual).await;
    out.outside(name, &format!("{report:?}"));
}

async fn flows(out: &Out) {
    let host = Host::open(Purpose::Verb).await.expect("a host");
    *out.pushed.borrow_mut() = Some(host.events());
    dump(&host, out).await;
    let refused = host
        .begin_sign_in(Provider::Platform, Some("http://linden.example"))
        .await;
    out.outside("bad address", &format!("{:?}", refused.err()));
    sign_in(&host, out, Provider::Platform).await;
    sign_in(&host, out, Provider::Google).await;
    let running = host.running().await.expect("connected");
    cycle(&host, out, "first reading").await;
    // Before the trainer asks for them, not even the list of clients names one.
    let unnamed = settings::view(&host, Some(&running)).await;
    out.answer("get_settings", &unnamed);
    let mut settings = running.engine.ledger().settings().await.expect("settings");
    (settings.text.client_names, settings.text.client_contact) = (true, true);
    running
        .engine
        .change_settings(|_| settings, roundtrip_engine::Removals::Unconfirmed)
        .await
        .expect("changed");
    out.shown("preview_start", &commands::preview_of_start(&host).await);
    running.engine.start_syncing().await.expect("started");
    cycle(&host, out, "first sync").await;
    let listening = Listening::to(&running.engine).await;
    let told = step("listen");
    dump(&host, out).await;

    step("move");
    // The calendar's notice, by the platform's hook, over the stream.
    until(|| running.engine.live().hinted[1]).await;
    cycle(&host, out, "move").await;
    step("conflict");
    cycle(&host, out, "conflict").await;
    dump(&host, out).await;
    let conflicts = running.engine.snapshot().await.expect("a snapshot").conflicts;
    let conflict = conflicts.first().expect("a conflict");
    let engine = &running.engine;
    let first = engine
        .resolve_conflict(&conflict.id, &conflict.seen, &Resolution::KeepPlatform)
        .await;
    assert_eq!(first.err().map(|error| error.to_string()), None);
    let second = engine
        .resolve_conflict(&conflict.id, &conflict.seen, &Resolution::KeepCalendar)
        .await;
    out.outside("answered twice", &format!("{:?}", second.err()));
    dump(&host, out).await;
    let undone = running.engine.undo_conflict(&conflict.id).await;
    out.outside("undo", &format!("{:?}", undone.is_ok()));
    cycle(&host, out, "after the answer").await;
    listening.stop().await;
    step("rotate");
    // The stream's own request is the first one that is refused.
    let listening = Listening::to(&running.engine).await;
    cycle(&host, out, "after the rotation").await;
    if std::env::var_os(PLANT).is_some() {
        plant(out, &told).await;
    }
    step("look");
    dump(&host, out).await;

    // A crash with everything that can be printed in its words.
    let accounts = host.accounts().await;
    let tokens = roundtrip_store::TokenSet {
        access: std::env::var("GOOGLE_CLIENT_SECRET").expect("set").into(),
        refresh: None,
        expires_at: None,
        scopes: Vec::new(),
    };
    let crash = std::thread::spawn(move || panic!("a crash: {tokens:?} {:?}", accounts.google));
    assert!(crash.join().is_err());

    step("revoke");
    cycle(&host, out, "revoked").await;
    dump(&host, out).await;
    listening.stop().await;
    sign_in(&host, out, Provider::Google).await;
    cycle(&host, out, "reconnected").await;
    let running = host.running().await.expect("connected");
    Listening::to(&running.engine).await.stop().await;
    let left = host.disconnect(Provider::Google, false, false, true).await;
    out.outside("disconnect", &format!("{left:?}"));
    dump(&host, out).await;
    sign_in(&host, out, Provider::Google).await;
    cycle(&host, out, "connected again").await;
    step("leave");
    let plan = host.deletion_plan().await.expect("a plan");
    let report = host.delete_everything(plan.events, true).await.expect("deleted");
    assert!(report.local_data_removed, "{report:?}");
    out.answer("delete_everything", &Ok(&report));
    out.outside("save_delete_report", &host.delete_report().expect("a report"));
    dump(&host, out).await;
    host.close().await;
}

/// Leaks of every kind: a log line, an error, a printed line, a temporary file, a setting, a report, a text to copy; and of the
/// token of a channel, which the app only passes on.
async fn plant(out: &Out, channel: &str) {
    let secret = std::env::var("GOOGLE_CLIENT_SECRET").expect("set");
    let forms = crate::scan::forms(&secret);
    let form = |name: &str| {
        let found = forms.iter().find(|(form, _)| *form == name);
        found.expect("a form").1.clone()
    };
    let text = |name: &str| String::from_utf8(form(name)).expect("text");
    tracing::debug!(client = crate::PRIVATE[0].1, "signed in as {secret}");
    eprintln!("{}", text("hex, lower"));
    println!("{}", text("percent, every byte"));
    std::fs::write(std::env::temp_dir().join("sqlite.tmp"), form("base64")).expect("planted");
    out.outside("report", &text("base64url"));
    out.outside("copied link", &text("base64"));
    let dir = roundtrip_app::host::data_dir().expect("a folder");
    std::fs::write(dir.join("roundtrip.db-backup"), form("utf-16le")).expect("planted");
    let keys = roundtrip_store::KeySource::memory();
    let database = roundtrip_store::Database::open(&dir, keys, chrono::Utc::now()).await;
    let database = database.expect("a second look");
    database
        .put_setting("theme", &text("hex, upper"))
        .await
        .expect("planted");
    database.put_setting("language", &channel).await.expect("planted");
    database.close().await;
    out.window("connection", &channel);
}

#[test]
fn child() {
    let (Some(window), Some(outside)) = (std::env::var_os(WINDOW), std::env::var_os(OUTSIDE)) else {
        return;
    };
    let out = Out {
        window: window.into(),
        outside: outside.into(),
        number: std::cell::Cell::new(0),
        pushed: std::cell::RefCell::default(),
    };
    let log = std::fs::File::create(out.outside.join("log.txt")).expect("a log");
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(log))
        .init();
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(flows(&out));
}
