//! What holds of the real process: no core file, one listener on this machine alone while a sign-in waits, none after, one writer
//! in a data folder, and no log in a folder that others share.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The app in the data folder inside `dir`.
fn app(dir: &Path) -> Command {
    let mut app = Command::new(env!("CARGO_BIN_EXE_roundtrip"));
    app.current_dir(dir)
        .env("ROUNDTRIP_DATA_DIR", dir.join("data"))
        .env(
            "TOKEN_ENCRYPTION_KEY",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        )
        .env("GOOGLE_CLIENT_ID", "process-test")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    app
}

/// A sign-in, which writes and so takes the data folder's lock before it waits for its answer.
fn sign_in(dir: &Path) -> Command {
    let mut sign_in = app(dir);
    sign_in.args(["connect", "google", "--print-url"]);
    sign_in
}

/// The app while it waits for the answer to a sign-in, with its page's address.
fn waiting(dir: &Path) -> (Child, String) {
    let mut app = sign_in(dir).spawn().expect("the app starts");
    let mut line = String::new();
    let mut out = BufReader::new(app.stdout.take().expect("a pipe"));
    out.read_line(&mut line).expect("a line");
    if !line.starts_with("http") {
        let mut said = String::new();
        let _ = app.stderr.take().expect("a pipe").read_to_string(&mut said);
        let _ = app.kill();
        panic!("no address: {line} {said}");
    }
    (app, line.trim().to_owned())
}

#[test]
fn no_core_file_is_ever_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut app, _) = waiting(dir.path());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", app.id())).expect("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.expect("a limit").split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");

    let killed = Command::new("kill")
        .args(["-ABRT", &app.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let end = app.wait().expect("it ends");
    assert_eq!((end.signal(), end.core_dumped()), (Some(6), false));
    for found in std::fs::read_dir(dir.path()).expect("the folder") {
        let name = found.expect("an entry").file_name();
        assert_eq!(name, "data", "nothing but its data is left");
    }
}

/// Addresses on which this process listens for TCP, in the kernel's hexadecimal form.
fn listening(pid: u32) -> Vec<String> {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("its files")
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
        .filter_map(|link| {
            let link = link.to_string_lossy().into_owned();
            Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let mut found = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.get(3) == Some(&"0A")
                && sockets
                    .iter()
                    .any(|socket| Some(&socket.as_str()) == words.get(9))
            {
                found.push(words[1].to_owned());
            }
        }
    }
    found
}

#[test]
fn a_sign_in_listens_on_this_machine_alone_and_on_another_port_each_time() {
    let mut ports = Vec::new();
    for _ in 0..2 {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut app, url) = waiting(dir.path());
        let open = listening(app.id());
        // 127.0.0.1 or ::1, as the kernel writes them.
        let loopback = ["0100007F:", "00000000000000000000000001000000:"];
        assert_eq!(open.len(), 1, "{open:?}");
        let port = loopback.iter().find_map(|prefix| open[0].strip_prefix(prefix));
        let port = u32::from_str_radix(port.unwrap_or_else(|| panic!("{open:?}")), 16).expect("a port");
        assert!(url.contains(&format!("%3A{port}%2F")), "{port} in {url}");
        ports.push(port);
        // No secret in its arguments, which every user of the machine can read.
        let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", app.id())).expect("arguments");
        assert!(!arguments.contains("state") && !arguments.contains("challenge"));
        app.kill().expect("ended");
        app.wait().expect("ended");
    }
    assert_ne!(ports[0], ports[1]);
}

/// The second barrier beside "single instance": whoever holds the data folder's lock is the one that syncs.
#[test]
fn of_fifty_starts_at_once_none_writes_beside_the_one_that_runs() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut app, _) = waiting(dir.path());
    let starts: Vec<Child> = (0..50)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_roundtrip"))
                .args(["sync", "--once"])
                .env("ROUNDTRIP_DATA_DIR", dir.path().join("data"))
                .env(
                    "TOKEN_ENCRYPTION_KEY",
                    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                )
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the app starts")
        })
        .collect();
    for start in starts {
        let said = start.wait_with_output().expect("it ends");
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(1), "{words}");
        assert!(words.contains("already open for this data folder"), "{words}");
    }
    app.kill().expect("ended");
    app.wait().expect("ended");
}

/// Ends what it holds when a test ends, also by failing.
struct Ended(Vec<Child>);

impl Drop for Ended {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Most have ended by themselves.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The race itself: nobody was here before, so all of them make the folder, the database, its schema and the ids.
#[test]
fn of_fifty_starts_at_once_in_an_empty_folder_one_gets_through_and_nothing_is_damaged() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut starts = Ended(Vec::new());
    for _ in 0..50 {
        starts
            .0
            .push(sign_in(dir.path()).spawn().expect("the app starts"));
    }
    // Each says one line: the address of its page, or why it ends.
    let (say, said) = std::sync::mpsc::channel();
    for (index, start) in starts.0.iter_mut().enumerate() {
        let mut out = BufReader::new(start.stdout.take().expect("a pipe"));
        let mut err = start.stderr.take().expect("a pipe");
        let say = say.clone();
        std::thread::spawn(move || {
            let (mut line, mut why) = (String::new(), String::new());
            let _ = out.read_line(&mut line);
            if line.is_empty() {
                let _ = err.read_to_string(&mut why);
            }
            let _ = say.send((index, line, why));
        });
    }
    let mut through = Vec::new();
    for number in 0..starts.0.len() {
        // Nothing is measured by this: it only bounds the test, should one of them neither speak nor end.
        let (index, line, why) = said
            .recv_timeout(std::time::Duration::from_secs(240))
            .unwrap_or_else(|_| panic!("only {number} of fifty have said anything"));
        if line.starts_with("http") {
            through.push(index);
        } else {
            let end = starts.0[index].wait().expect("it ends");
            assert_eq!(end.code(), Some(1), "{why}");
            assert!(why.contains("already open for this data folder"), "{why}");
        }
    }
    assert_eq!(through.len(), 1, "{through:?}");
    let winner = &mut starts.0[through[0]];
    assert!(winner.try_wait().expect("a state").is_none(), "it waits");
    winner.kill().expect("ended");
    winner.wait().expect("ended");

    // One database, whole, and nothing that was put aside.
    let data = dir.path().join("data");
    for found in std::fs::read_dir(&data).expect("the folder") {
        let name = found
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        assert!(!name.contains("damaged"), "{name}");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let keys = roundtrip_store::KeySource::memory();
        let now = chrono::DateTime::UNIX_EPOCH;
        let database = roundtrip_store::Database::open(&data, keys, now).await;
        let database = database.expect("it opens");
        assert_eq!(database.recovered(), None);
        assert_eq!(database.faults().await, Ok(Vec::new()));
        assert!(database.try_sync_lock().await.expect("a lock").is_some());
        database.close().await;
    });
    // It is asked for when somebody signs in, not at a start.
    assert!(!data.join("device-id").exists(), "nobody has signed in");
}

/// `ROUNDTRIP_DATA_DIR` names a folder such as the one for temporary files, in which somebody has prepared a link.
#[test]
fn a_start_in_a_shared_folder_touches_nothing_there() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempfile::tempdir().expect("a folder");
    let (shared, victim) = (dir.path().join("data"), dir.path().join("victim"));
    let rights = std::fs::Permissions::from_mode;
    std::fs::write(&victim, "of somebody else").expect("a file");
    std::fs::set_permissions(&victim, rights(0o644)).expect("rights");
    std::fs::create_dir_all(shared.join("logs")).expect("a folder");
    std::fs::set_permissions(&shared, rights(0o1777)).expect("rights");
    symlink(&victim, shared.join("logs/roundtrip.log")).expect("a link");
    std::fs::write(shared.join("logs/other.log"), "of a third").expect("a file");

    // Without a display the window cannot come, but what is done before it has been done.
    let said = app(dir.path())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("XDG_RUNTIME_DIR", dir.path())
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        .output()
        .expect("it ends");
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(!said.status.success(), "{words}");
    assert!(words.contains("no log is written"), "{words}");
    assert!(words.contains("shared with other users"), "{words}");
    assert_eq!(std::fs::read(&victim).expect("it stays"), b"of somebody else");
    let mode = std::fs::metadata(&victim).expect("it stays").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    assert_eq!(
        std::fs::read(shared.join("logs/other.log")).expect("it stays"),
        b"of a third"
    );
    let there = std::fs::read_dir(&shared).expect("the folder").count();
    assert_eq!(there, 1, "only what was there");
}
