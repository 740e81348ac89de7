//! What holds of the real process: no core file, one listener on this machine alone while a sign-in waits, none after.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The app while it waits for the answer to a sign-in, with its page's address.
fn waiting(dir: &Path) -> (Child, String) {
    let mut app = Command::new(env!("CARGO_BIN_EXE_roundtrip"))
        .args(["connect", "google", "--print-url"])
        .current_dir(dir)
        .env("ROUNDTRIP_DATA_DIR", dir.join("data"))
        .env(
            "TOKEN_ENCRYPTION_KEY",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        )
        .env("GOOGLE_CLIENT_ID", "process-test")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the app starts");
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
