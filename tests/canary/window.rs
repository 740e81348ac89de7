//! The real program, hidden in the tray of a display of its own, as it syncs by itself: it listens to the platform's stream,
//! and logs into its own file at the most verbose level. That is the one process that does both.

use crate::scan::Scan;
use crate::{GOOGLE, PRIVATE, Stage, copy, flows};
use roundtrip_http::{HttpOptions, ReqwestHttp};
use roundtrip_sandbox::log::LoggedRequest;
use roundtrip_sandbox::platform::{AdminEdit, Location};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const APP: &str = env!("CARGO_BIN_EXE_roundtrip");
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// Whether something has become true is asked this often.
const ASKED_EVERY: Duration = Duration::from_millis(20);

/// A display that nobody sees and a session bus: what GTK and the app's single instance need.
struct Desk {
    environment: Vec<(String, String)>,
    _display: (Child, Lines<BufReader<ChildStdout>>),
    _bus: (Child, Lines<BufReader<ChildStdout>>),
}

impl Desk {
    async fn open(folder: &Path) -> Self {
        for name in ["home", "run"] {
            let mut private = std::fs::DirBuilder::new();
            let private = private.mode(0o700).recursive(true);
            private.create(folder.join(name)).expect("a folder");
        }
        let path = |name: &str| folder.join(name).display().to_string();
        let home = vec![
            ("HOME".to_owned(), path("home")),
            ("XDG_RUNTIME_DIR".to_owned(), path("run")),
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
        ];
        let screen = [
            "-displayfd",
            "1",
            "-screen",
            "0",
            "800x600x24",
            "-nolisten",
            "tcp",
        ];
        let (display, number) = first_line(Command::new("Xvfb").args(screen).envs(home.clone())).await;
        let session = ["--session", "--nofork", "--nopidfile", "--print-address=1"];
        let (bus, address) = first_line(Command::new("dbus-daemon").args(session).envs(home.clone())).await;
        let mut environment = home;
        environment.extend([
            ("DISPLAY".to_owned(), format!(":{number}")),
            ("DBUS_SESSION_BUS_ADDRESS".to_owned(), address),
            ("GDK_BACKEND".to_owned(), "x11".to_owned()),
            ("NO_AT_BRIDGE".to_owned(), "1".to_owned()),
        ]);
        Self {
            environment,
            _display: display,
            _bus: bus,
        }
    }
}

/// Starts what says on its first line how it is reached.
async fn first_line(command: &mut Command) -> ((Child, Lines<BufReader<ChildStdout>>), String) {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let started = command.stderr(Stdio::null()).kill_on_drop(true).spawn();
    let mut child = started.expect("`cargo xtask setup` installs Xvfb and dbus-daemon");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.expect("it says a line").expect("a line");
    // The pipe stays open: a later word would end it.
    ((child, lines), line.expect("it starts").trim().to_owned())
}

/// The app, without anything of the machine it runs on.
fn app(stage: &Stage, desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = Command::new(APP);
    command
        .args(arguments)
        .env_clear()
        .envs(desk.environment.iter().cloned())
        .envs(stage.environment.iter().cloned())
        .env("ROUNDTRIP_LOG", "trace")
        .env("RUST_LOG", "trace")
        .env("ROUNDTRIP_NO_REGISTER", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs a verb; a sign-in goes through the pages like a browser. What it says is kept outside.
async fn verb(stage: &Stage, desk: &Desk, arguments: &[&str]) {
    let name = arguments.join(" ");
    let errors = File::create(stage.folder("outside").join(format!("{name}.err"))).expect("a file");
    let mut command = app(stage, desk, arguments);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .expect("the app runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    if arguments.contains(&"--print-url") {
        out.read_line(&mut said).await.expect("a link");
        let http = ReqwestHttp::new(HttpOptions::default()).expect("a network");
        flows::browse(&http, said.trim().to_owned()).await;
    }
    out.read_to_string(&mut said).await.expect("text");
    std::fs::write(stage.folder("outside").join(format!("{name}.out")), &said).expect("kept");
    assert!(child.wait().await.expect("it ends").success(), "{name}: {said}");
}

async fn until(what: &str, program: &mut Child, done: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !done() {
            let ended = program.try_wait().expect("a state");
            assert!(ended.is_none(), "it ended before {what}: {ended:?}");
            tokio::time::sleep(ASKED_EVERY).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("it never came to {what}"));
}

/// The admin renames the place, and the program carries it into the calendar: by a hint, for its timer comes much later.
async fn rename(stage: &Stage, program: &mut Child, name: &str) {
    let place = Location {
        name: Some(name.to_owned()),
        address: Some("Lindenstr. 5, 10969 Berlin".to_owned()),
    };
    let edit = AdminEdit {
        location: Some(Some(place)),
        ..AdminEdit::default()
    };
    let sandbox = &stage.running.sandbox;
    let edited = sandbox.platform.edit_appointment(&stage.appointment, edit);
    edited.expect("renamed");
    let carried = || {
        let events = sandbox.google.list_all(GOOGLE, "primary").expect("events");
        events.iter().any(|event| event.to_string().contains(name))
    };
    until(name, program, carried).await;
}

fn requests(stage: &Stage, wanted: impl Fn(&LoggedRequest) -> bool) -> usize {
    let all = stage.running.sandbox.shared.log().since(0);
    all.iter().filter(|request| wanted(request)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_programs_own_log_and_folder_hold_no_secret_while_it_listens_and_one_that_is_planted_is_found() {
    let stage = Stage::set().await;
    let desk = Desk::open(&stage.folder("desk")).await;
    for arguments in [
        &["connect", "platform", "--print-url"][..],
        &["connect", "google", "--print-url"],
        &["sync", "--once"],
    ] {
        verb(&stage, &desk, arguments).await;
    }
    let mut command = app(&stage, &desk, &["--hidden"]);
    let said = |name: &str| File::create(stage.folder("outside").join(name)).expect("a file");
    let mut program = command
        .stdout(said("window.out"))
        .stderr(said("window.err"))
        .spawn()
        .expect("the app runs");

    // The platform's stream, a channel of the calendar's notices, and its first notice.
    let notices = || requests(&stage, |request| request.path == "/v1/hooks/google");
    until("notices", &mut program, || notices() > 0).await;
    let streams = || requests(&stage, |request| request.path == "/v1/stream");
    assert!(streams() > 0, "it listens");
    let channels: BTreeSet<String> = stage.channels().into_iter().collect();
    rename(&stage, &mut program, "Tannen-Apotheke").await;
    // Both sign-ins are renewed in the middle of it.
    let sandbox = &stage.running.sandbox;
    sandbox.google.oauth().expire_access_tokens();
    sandbox.platform.oauth().expire_access_tokens();
    rename(&stage, &mut program, "Eichen-Apotheke").await;
    for arguments in [&["status", "--json"][..], &["doctor"]] {
        verb(&stage, &desk, arguments).await;
    }
    // While it runs: database, write-ahead log and shared memory are all there.
    copy(&stage.folder("data"), &stage.folder("data, running"));
    // One of them is lost.
    let refused = || {
        requests(&stage, |request| {
            request.path == "/token" && request.status == Some(400)
        })
    };
    sandbox.google.oauth().revoke_all();
    sandbox.google.oauth().expire_access_tokens();
    let edit = AdminEdit {
        notes: Some(Some(PRIVATE[4].1.to_owned())),
        ..AdminEdit::default()
    };
    let edited = sandbox.platform.edit_appointment(&stage.appointment, edit);
    edited.expect("edited");
    until("the end of a sign-in", &mut program, || refused() > 0).await;
    program.kill().await.expect("ended");

    let secrets = stage.secrets(&channels);
    assert_eq!(secrets.folder(stage.dir.path()), []);
    let logs = stage.folder("data").join("logs");
    // Not even what the trainer sees of an appointment in the window, nor whose it is.
    let shown = [
        ("the title", "Linden-Apotheke"),
        ("the place", "Lindenstr. 5"),
        ("the account", GOOGLE),
    ];
    assert_eq!(Scan::of(PRIVATE.into_iter().chain(shown)).folder(&logs), []);
    assert_eq!(Scan::of(PRIVATE).folder(&stage.folder("outside")), []);
    let newest = logs.join("roundtrip.log");
    let mut log = String::new();
    for file in std::fs::read_dir(&logs).expect("a folder").flatten() {
        log += &std::fs::read_to_string(file.path()).expect("text");
    }
    assert!(log.contains("\"level\":\"TRACE\""), "the log was verbose");
    assert!(log.contains("\"run\":\"rt-"), "the program's runs are in it");
    assert!(
        log.contains("the calendar sends notices"),
        "and what it listens to"
    );

    // Each is found there, and only there.
    let mut file = File::options().append(true).open(&newest).expect("the log");
    let token = channels.first().expect("a channel");
    let key = &sandbox.google_client.client_secret;
    writeln!(file, "{{\"token\":\"{token}\",\"key\":\"{key}\"}}").expect("planted");
    let found = secrets.folder(stage.dir.path());
    let marks: BTreeSet<&str> = found.iter().map(|hit| hit.mark.as_str()).collect();
    assert_eq!(marks, BTreeSet::from(["a channel's token", "a secret"]));
    let newest = newest.display().to_string();
    assert!(found.iter().all(|hit| hit.place == newest), "{found:#?}");
}
