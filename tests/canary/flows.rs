//! The app's flows, in a process of their own. What the window is told goes into one folder, what leaves the app as a log,
//! an error, a report, an export or a notification into another.

use bytes::Bytes;
use roundtrip_app::gui::words::Tongue;
use roundtrip_app::host::notices::Known;
use roundtrip_app::host::{Host, Purpose, export};
use roundtrip_app::ipc::convert;
use roundtrip_core::conflict::Resolution;
use roundtrip_engine::Engine;
use roundtrip_engine::ledger::{HistoryFilter, Trigger};
use roundtrip_http::{HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_store::Provider;
use serde::Serialize;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
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
    browse(&http, begun.url).await;
    let view = begun.ended.await.expect("an end");
    assert_eq!(view.state, "done", "{view:?}");
    out.window("sign-in", &view);
    out.outside("sign-in", &format!("{view:?}"));
}

/// Everything that the window is told and that leaves the app, as it is now.
async fn dump(host: &Arc<Host>, out: &Out) {
    let overview = host.overview().await.expect("an overview");
    out.window("overview", &overview);
    let checks = host.doctor().await;
    out.outside("doctor", &format!("{checks:?}"));
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
    }
    out.outside("report", &host.report(checks).await.expect("a report"));
    let Known::All(notices) = host.notices().await else {
        panic!("the ledger works");
    };
    for notice in notices {
        for tongue in [Tongue::En, Tongue::De] {
            out.outside("notice", &format!("{:?}", tongue.notice(&notice, "Linden")));
        }
    }
    out.outside("plan", &format!("{:?}", host.deletion_plan().await));
    let Some(running) = host.running().await else {
        return;
    };
    out.window("connection", &host.connection().await.expect("a connection"));
    out.window("figures", &host.figures().await.expect("figures"));
    let snapshot = running.engine.snapshot().await.expect("a snapshot");
    let rows: Vec<_> = snapshot
        .appointments
        .iter()
        .map(|status| convert::row(status, None, &snapshot.settings))
        .collect();
    out.window("appointments", &rows);
    let conflicts: Vec<_> = snapshot
        .conflicts
        .iter()
        .map(|one| convert::conflict(one, &snapshot))
        .collect();
    out.window("conflicts", &conflicts);
    let mirror = running
        .engine
        .mirror(snapshot.settings.clone(), 7)
        .await
        .expect("a mirror");
    let mirror: Vec<_> = mirror
        .iter()
        .map(|(record, mirror)| convert::mirror(record, mirror))
        .collect();
    out.window("mirror", &mirror);
    let everything = HistoryFilter {
        limit: u32::MAX,
        ..HistoryFilter::default()
    };
    let items = running
        .engine
        .ledger()
        .history(&everything)
        .await
        .expect("a history");
    let rows: Vec<_> = items
        .into_iter()
        .map(|item| convert::history(item, snapshot.now))
        .collect();
    out.window("history", &rows);
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
    let masked: Vec<_> = rows.into_iter().map(export::masked).collect();
    out.outside("history.csv", &export::csv(&masked));
    out.outside(
        "history.json",
        &serde_json::to_string_pretty(&masked).expect("an export"),
    );
    let since = snapshot.now - chrono::Duration::days(30);
    let runs = running.engine.ledger().runs(since, 100).await.expect("runs");
    let runs: Vec<_> = runs.iter().map(convert::run).collect();
    out.window("runs", &runs);
    out.outside("runs", &serde_json::to_string(&runs).expect("an export"));
}

async fn cycle(host: &Arc<Host>, out: &Out, name: &str) {
    let running = host.running().await.expect("connected");
    let report = running.engine.cycle(Trigger::Manual).await;
    out.outside(name, &format!("{report:?}"));
}

async fn flows(out: &Out) {
    let host = Host::open(Purpose::Verb).await.expect("a host");
    dump(&host, out).await;
    let refused = host
        .begin_sign_in(Provider::Platform, Some("http://linden.example"))
        .await;
    out.outside("bad address", &format!("{:?}", refused.err()));
    sign_in(&host, out, Provider::Platform).await;
    sign_in(&host, out, Provider::Google).await;
    let running = host.running().await.expect("connected");
    let mut settings = running.engine.ledger().settings().await.expect("settings");
    (settings.text.client_names, settings.text.client_contact) = (true, true);
    running
        .engine
        .change_settings(|_| settings, roundtrip_engine::Removals::Unconfirmed)
        .await
        .expect("changed");
    cycle(&host, out, "first reading").await;
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
    out.window("deleted", &report);
    out.outside("deleted", &host.delete_report().expect("a report"));
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
