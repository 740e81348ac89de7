//! The canary scan: every flow of the app with marked secrets and marked private content, at the most verbose level of
//! the log, and then a search of everything that was written, in every form. A leak that is planted must be found.
//!
//! The flows run in a child process (this program again), because the app reads its addresses from the environment. The
//! parent is the world around it: sandbox, admin and trainer. Their log is everything as it is said, before the app's wall
//! against leaks; what lies behind that wall, the log file of the real program with its window, is searched in [`window`].

mod commands;
mod flows;
mod scan;
#[cfg(target_os = "linux")]
mod window;

use chrono::{TimeDelta, Utc};
use roundtrip_sandbox::platform::{Client, Location, NewAppointment};
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_sandbox::{Config, Running, serve};
use scan::{Hit, Scan, forms};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// The trainer as the sandbox signs them in.
const USER: &str = "usr_7";
const GOOGLE: &str = "mara.vogt@gmail.example";
/// The key of the sealed tokens.
const KEY: &str = "Y2FuYXJ5LWtleS1jYW5hcnkta2V5LWNhbmFyeS1rZXk=";
/// Content that belongs into the calendar and the window, and nowhere else.
const PRIVATE: [(&str, &str); 5] = [
    ("client's name", "Kornelia Kanarienvogel-Öhm"),
    ("client's address", "kornelia.kanari@privat.example"),
    ("client's phone", "+49 30 5550174 4711"),
    ("notes", "Kanari-Notiz: braucht den \"leisen\" Raum"),
    (
        "notes of a private appointment",
        "Kanari-Privat: Termin in der Klinik",
    ),
];

fn client() -> Client {
    Client {
        id: "cli_canary".into(),
        name: Some(PRIVATE[0].1.into()),
        email: Some(PRIVATE[1].1.into()),
        phone: Some(PRIVATE[2].1.into()),
    }
}

fn plan(running: &Running, name: &str, days: i64, notes: &str, private: bool) -> String {
    let start = Utc::now() + TimeDelta::days(days);
    let new = NewAppointment {
        location: Some(Location {
            name: Some(name.to_owned()),
            address: Some("Lindenstr. 5, 10969 Berlin".to_owned()),
        }),
        notes: Some(notes.to_owned()),
        client: Some(client()),
        private,
        ..NewAppointment::new(USER, name, start, 90, chrono_tz::Europe::Berlin)
    };
    running.sandbox.platform.create_appointment(new).id
}

/// What the trainer and the admin do at each step, while the app waits.
fn world(running: &Running, clock: &ManualClock, step: &str, id: &str) {
    let (google, platform) = (&running.sandbox.google, &running.sandbox.platform);
    let drag = |hours: i64| {
        let event = google
            .list_all(GOOGLE, "primary")
            .expect("events")
            .into_iter()
            .find(|event| event["extendedProperties"]["private"].to_string().contains(id))
            .expect("the appointment's event");
        let side = |name: &str| {
            let at: chrono::DateTime<chrono::FixedOffset> = event[name]["dateTime"]
                .as_str()
                .expect("a time")
                .parse()
                .expect("a time");
            json!({ "dateTime": (at + TimeDelta::hours(hours)).to_rfc3339(), "timeZone": "Europe/Berlin" })
        };
        let patch = json!({ "start": side("start"), "end": side("end") });
        let event = event["id"].as_str().expect("an id");
        google
            .patch_event(GOOGLE, "primary", event, &patch)
            .expect("dragged");
    };
    match step {
        "move" => drag(1),
        "conflict" => {
            drag(2);
            let known = platform.appointment(id).expect("planned").appointment;
            platform
                .move_appointment(id, known.start.to_utc() - TimeDelta::hours(3), None, None)
                .expect("moved");
        }
        "rotate" => {
            google.oauth().expire_access_tokens();
            platform.oauth().expire_access_tokens();
        }
        "revoke" => {
            google.oauth().revoke_all();
            google.oauth().expire_access_tokens();
        }
        other => assert!(
            ["listen", "look", "leave"].contains(&other),
            "a step that nobody knows"
        ),
    }
    // Older than the settle time, so that nobody waits for it.
    clock.advance(TimeDelta::seconds(40));
}

/// The verbs that only look, beside the app that runs.
async fn look(environment: &[(String, String)], out: &Path) {
    for arguments in [
        &["status", "--json"][..],
        &["status"],
        &["doctor"],
        &["sync", "--once"],
    ] {
        let said = Command::new(env!("CARGO_BIN_EXE_roundtrip"))
            .args(arguments)
            .envs(environment.iter().cloned())
            .env("ROUNDTRIP_LOG", "trace")
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .output()
            .await
            .expect("the app runs");
        let name = arguments.join("");
        std::fs::write(out.join(format!("{name}.out")), &said.stdout).expect("kept");
        std::fs::write(out.join(format!("{name}.err")), &said.stderr).expect("kept");
    }
}

/// What the flows are asked by the world, in order.
const STEPS: [&str; 7] = ["listen", "move", "conflict", "rotate", "look", "revoke", "leave"];

/// Everything that was written in one run of all flows, and what must not be in it.
struct Played {
    stage: Stage,
    /// Tokens of the channels of the calendar's notices. Who has one can send the laptop hints.
    channels: BTreeSet<String>,
}

/// The world before the app begins: the services with two appointments, and the folders.
struct Stage {
    dir: tempfile::TempDir,
    running: Running,
    clock: Arc<ManualClock>,
    /// The first appointment.
    appointment: String,
    environment: Vec<(String, String)>,
}

impl Stage {
    async fn set() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        for folder in ["window", "outside", "temporary"] {
            std::fs::create_dir_all(path(folder)).expect("a folder");
        }
        let clock = Arc::new(ManualClock::new(Utc::now()));
        let config = Config {
            seed: 33,
            appointments: 0,
            auto_consent: true,
            ..Config::default()
        };
        let running = serve(config, clock.clone(), 0).await.expect("a sandbox");
        let appointment = plan(&running, "Linden-Apotheke", 3, PRIVATE[3].1, false);
        plan(&running, "Rosen-Apotheke", 4, PRIVATE[4].1, true);
        let mut environment: Vec<(String, String)> = running
            .environment()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        environment.extend([
            (
                "ROUNDTRIP_DATA_DIR".to_owned(),
                path("data").display().to_string(),
            ),
            ("TOKEN_ENCRYPTION_KEY".to_owned(), KEY.to_owned()),
            ("TMPDIR".to_owned(), path("temporary").display().to_string()),
        ]);
        Self {
            dir,
            running,
            clock,
            appointment,
            environment,
        }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Every code, verifier and token of both services so far.
    fn handed_out(&self) -> Vec<String> {
        let sandbox = &self.running.sandbox;
        let mut secrets: Vec<String> = sandbox.google.oauth().secrets();
        secrets.extend(sandbox.platform.oauth().secrets());
        secrets
    }

    /// Every secret so far: what the services handed out (the stream is opened with one of the platform's), what the app was
    /// given, and these tokens of channels.
    fn secrets(&self, channels: &BTreeSet<String>) -> Scan {
        let sandbox = &self.running.sandbox;
        let mut secrets = self.handed_out();
        secrets.push(sandbox.google_client.client_secret.clone());
        secrets.push(KEY.trim_end_matches('=').to_owned());
        secrets.push("canary-key-canary-key-canary-key".to_owned());
        assert!(!channels.is_empty(), "the calendar sent notices");
        let secrets = secrets.iter().map(|secret| ("a secret", secret.as_str()));
        let channels = channels.iter().map(|token| ("a channel's token", token.as_str()));
        Scan::of(secrets.chain(channels))
    }

    /// The tokens of all channels that are open now.
    fn channels(&self) -> Vec<String> {
        let known = self.running.sandbox.google.channels();
        known.into_iter().filter_map(|channel| channel.token).collect()
    }
}

/// Plays all flows; with `planted`, the app leaks on purpose.
async fn play(planted: bool) -> Played {
    let stage = Stage::set().await;
    let (data, outside) = (stage.folder("data"), stage.folder("outside"));
    let (running, clock, id) = (&stage.running, &stage.clock, &stage.appointment);
    let mut environment = stage.environment.clone();
    environment.extend([
        (
            flows::WINDOW.to_owned(),
            stage.folder("window").display().to_string(),
        ),
        (flows::OUTSIDE.to_owned(), outside.display().to_string()),
    ]);
    if planted {
        environment.push((flows::PLANT.to_owned(), "1".to_owned()));
    }
    let mut app = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "flows::child", "--nocapture"])
        .envs(environment.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(outside.join("errors.txt")).expect("a file"))
        .spawn()
        .expect("a child");
    let mut lines = BufReader::new(app.stdout.take().expect("a pipe")).lines();
    let mut answer = app.stdin.take().expect("a pipe");
    let mut said = String::new();
    let (mut steps, mut tokens) = (Vec::new(), BTreeSet::new());
    while let Some(line) = lines.next_line().await.expect("a line") {
        if let Some(step) = line.strip_prefix(flows::STEP) {
            if step == "look" {
                look(&environment, &outside).await;
                // While the app runs: database, write-ahead log and shared memory are all there.
                copy(&data, &stage.folder("data, running"));
            }
            let open = stage.channels();
            world(running, clock, step, id);
            steps.push(step.to_owned());
            let word = format!("{}\n", open.first().map(String::as_str).unwrap_or_default());
            answer.write_all(word.as_bytes()).await.expect("heard");
            tokens.extend(open);
        } else {
            said.push_str(&line);
            said.push('\n');
        }
    }
    let ended = app.wait().await.expect("it ends");
    std::fs::write(outside.join("said.txt"), &said).expect("kept");
    let errors = std::fs::read_to_string(outside.join("errors.txt")).unwrap_or_default();
    assert!(ended.success(), "{said}\n{errors}");
    assert_eq!(steps, STEPS);

    Played {
        stage,
        channels: tokens,
    }
}

/// Nothing is where it must not be, and what was looked through is what was to be looked through.
fn is_clean(Played { stage, channels }: &Played) {
    let count = stage.handed_out().len();
    assert!(count > 15, "{count} secrets were used");
    assert_eq!(stage.secrets(channels).folder(stage.dir.path()), []);

    let private = Scan::of(PRIVATE);
    assert_eq!(private.folder(&stage.folder("outside")), []);
    assert_eq!(private.folder(&stage.folder("temporary")), []);
    // The scan saw what it was to see: the window shows the client, and the database keeps it.
    for place in ["window", "data, running"] {
        let hits = private.folder(&stage.folder(place));
        assert!(hits.iter().any(|hit| hit.mark == "client's name"), "{place}");
    }
    let events = stage.running.sandbox.google.list_all(GOOGLE, "primary");
    let events = format!("{:?}", events.expect("events"));
    assert!(
        !events.contains("Kanari-Privat"),
        "a private appointment is left out"
    );
    for (place, text, least) in [
        ("outside", "copied link", 4),
        ("outside", "copied problem", 1),
        ("outside", "copied check", 8),
        ("window", "copied line", 4),
    ] {
        let files = std::fs::read_dir(stage.folder(place))
            .expect("a folder")
            .flatten();
        let count = files.filter(|file| file.file_name().to_string_lossy().contains(text));
        assert!(count.count() >= least, "{text}");
    }
    commands::were_all_dumped(&[stage.folder("window"), stage.folder("outside")]);
    let clients = private.folder(&stage.folder("window"));
    let named = |place: &str| found(&clients, "client's name", place, "raw");
    assert!(named("get_settings"), "once the trainer asked for it");
    // After "delete everything" nothing of it is left in the data folder, nor who it was.
    assert_eq!(private.folder(&stage.folder("data")), []);
    let gone = Scan::of([("the account", GOOGLE)]);
    assert_eq!(gone.folder(&stage.folder("data")), []);
    assert!(holds(&stage.folder("data, running"), &stage.appointment));
    assert!(!holds(&stage.folder("data"), &stage.appointment));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_nothing_private_is_where_it_must_not_be() {
    let played = play(false).await;
    is_clean(&played);
    let log = std::fs::read_to_string(played.stage.folder("outside").join("log.txt")).expect("a log");
    assert!(
        log.contains("TRACE") && log.lines().count() > 200,
        "the log was verbose"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leak_that_is_planted_in_the_flows_is_found() {
    let Played { stage, channels } = play(true).await;
    let hits = stage.secrets(&channels).folder(stage.dir.path());
    for (place, form) in [
        ("log.txt", "raw"),
        ("errors.txt", "hex, lower"),
        ("said.txt", "percent, every byte"),
        ("temporary", "base64"),
        ("data, running/roundtrip.db-backup", "utf-16le"),
        ("data, running/roundtrip.db", "hex, upper"),
        ("report", "base64url"),
        ("copied link", "base64"),
    ] {
        assert!(found(&hits, "a secret", place, form), "{place} {form}: {hits:#?}");
    }
    for place in ["window/", "data, running/roundtrip.db"] {
        let token = found(&hits, "a channel's token", place, "raw");
        assert!(token, "{place}: {hits:#?}");
    }
    let private = Scan::of(PRIVATE).folder(&stage.folder("outside"));
    assert!(
        private.iter().any(|hit| hit.place.contains("log.txt")),
        "{private:#?}"
    );
}

/// True if a file of this folder holds this text, which is too short for a scan, as it is.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .any(|found| {
            let path = found.path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            let here = bytes.windows(text.len()).any(|part| part == text.as_bytes());
            here || (path.is_dir() && holds(&path, text))
        })
}

/// True if this mark was found in this form in such a place.
fn found(hits: &[Hit], mark: &str, place: &str, form: &str) -> bool {
    hits.iter()
        .any(|hit| hit.mark == mark && hit.place.contains(place) && hit.form == form)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for found in std::fs::read_dir(from).expect("a folder") {
        let path = found.expect("an entry").path();
        let name = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &name),
            false => drop(std::fs::copy(&path, name).expect("copied")),
        }
    }
}

#[tokio::test]
async fn a_leak_that_is_planted_is_found_in_every_place_and_form() {
    const SECRET: &str = "ya29.a0Planted/Canary+\"Ü\"_4711";
    let scan = Scan::of([("planted", SECRET)]);
    let dir = tempfile::tempdir().expect("a folder");
    // In every form, between other bytes, at every alignment.
    for (form, bytes) in forms(SECRET) {
        for before in 0..4 {
            let mut file = vec![b'x'; before];
            file.extend(&bytes);
            file.extend(b"yyy");
            let path = dir.path().join("planted.bin");
            std::fs::write(&path, &file).expect("planted");
            let hits = scan.folder(dir.path());
            assert!(
                hits.iter().any(|hit| hit.form == form),
                "{form} after {before} bytes"
            );
            std::fs::remove_file(&path).expect("removed");
        }
    }
    use base64::Engine as _;
    for before in 0..3 {
        let whole = format!("{}{SECRET}{{}}", "k".repeat(before));
        let encoded = base64::engine::general_purpose::STANDARD.encode(whole);
        assert!(
            !scan.bytes("blob", encoded.as_bytes()).is_empty(),
            "inside base64, {before}"
        );
    }
    assert_eq!(scan.bytes("clean", b"ya29.a0Planted"), Vec::<Hit>::new());
    assert_eq!(scan.folder(dir.path()), []);

    // In the database: first in its write-ahead log, then in the file; and in a file's name.
    let keys = roundtrip_store::KeySource::memory();
    let database = roundtrip_store::Database::open(dir.path(), keys, Utc::now())
        .await
        .expect("a database");
    database.put_setting("theme", &SECRET).await.expect("planted");
    let found = |ending: &str| {
        scan.folder(dir.path())
            .iter()
            .any(|hit| hit.place.ends_with(ending))
    };
    assert!(found("roundtrip.db-wal"));
    database.close().await;
    assert!(found("roundtrip.db"));
    std::fs::write(dir.path().join("named ya29.a0Planted"), "").expect("written");
    let name = Scan::of([("name", "ya29.a0Planted")]);
    assert!(
        name.folder(dir.path())
            .iter()
            .any(|hit| hit.place.starts_with("the name"))
    );
}
