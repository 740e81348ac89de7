use super::*;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A writer that remembers.
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

/// What is logged while `work` runs, as text and line by line.
fn logged(work: impl FnOnce()) -> (String, Vec<Value>) {
    let memory = Memory::default();
    let subscriber = Registry::default().with(JsonLines {
        writer: memory.clone(),
    });
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(memory.0.lock().expect("the test's own").clone()).expect("text");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect();
    (text, lines)
}

#[test]
fn each_line_of_a_run_carries_its_id() {
    let (_, lines) = logged(|| {
        tracing::info!("before");
        let span = tracing::info_span!("run", run = %"rt-019ab3c4d5e60123456789abcdef");
        span.in_scope(|| {
            tracing::info!(result = "success", added = 3_u32, "run ended");
            tracing::info_span!("inner").in_scope(|| tracing::warn!(code = "unreachable", "inside"));
        });
    });
    assert_eq!(lines[0].get("run"), None);
    assert_eq!(lines[1]["run"], "rt-019ab3c4d5e60123456789abcdef");
    assert_eq!(
        (&lines[1]["result"], &lines[1]["added"]),
        (&"success".into(), &3.into())
    );
    assert_eq!(lines[1]["message"], "run ended");
    assert_eq!(lines[2]["run"], lines[1]["run"]);
    assert_eq!(
        (&lines[2]["level"], &lines[2]["code"]),
        (&"WARN".into(), &"unreachable".into())
    );
}

#[test]
fn a_planted_leak_does_not_reach_the_log() {
    let secrets = [
        "Rosen-Apotheke",
        "mara.vogt@example.org",
        "Ada Lovelace",
        "Lindenstr. 12, 10969 Berlin",
        "ya29.a0AfH6SMBx-secret_token",
        "https://linden.example/v1/x?code=4%2F0Aeaa",
        "please bring the samples for shelf",
        "apt_0a1b2c3d4e5f",
        // Put together here, because no file of ours names a machine's folder.
        concat!("/ho", "me/mara/.local/share"),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
    ];
    for secret in secrets {
        let (text, lines) = logged(|| {
            let span = tracing::info_span!("run", run = %secret, title = secret);
            let _inside = span.enter();
            tracing::info!(title = secret, notes = %secret, token = ?secret, "a field that is not known");
            tracing::info!(code = secret, side = %secret, result = ?secret, "a known field misused");
            tracing::info!(status = secret, count = %secret, "a number that is none");
            tracing::warn!(error = %secret, "an error that tells content");
            tracing::warn!(error = %format!("constraint failed: {secret} is not unique"), "half of it is ours");
            tracing::error!("a text that was put together: {secret} {}", 4711);
            tracing::error!(target: "reqwest::connect", url = secret, "{secret}");
        });
        assert_eq!(lines.len(), 7);
        for part in secret
            .split([' ', '.', ',', '/', '@', '?', '='])
            .filter(|part| part.len() > 3)
        {
            // The name of a field of ours.
            if part != "code" {
                assert!(!text.contains(part), "{part} of {secret}: {text}");
            }
        }
        assert!(!text.contains(secret), "{secret}");
        let error = lines[4]["error"].as_str().unwrap_or_default();
        assert!(
            error.starts_with("constraint failed: ") && error.ends_with(" is not unique"),
            "{error}"
        );
        assert_eq!(
            lines[6].get("message"),
            None,
            "others' libraries are not vouched for"
        );
    }
}

#[test]
fn the_log_is_bounded_whatever_is_written() {
    let dir = std::env::temp_dir().join(format!("roundtrip-log-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a folder");
    fs::write(dir.join("roundtrip.2026-11-01.log"), "of an earlier version").expect("a file");
    let limit = 2_000;
    let mut log = file::Bounded::with_limit(&dir, limit).expect("a log");
    for number in 0..1_000 {
        log.write_all(format!("{{\"number\":{number},\"filler\":\"{}\"}}\n", "x".repeat(80)).as_bytes())
            .expect("written");
    }
    log.write_all(&[b'x'; 50_000])
        .expect("a line without end is left out");
    let files: Vec<_> = fs::read_dir(&dir).expect("the folder").flatten().collect();
    assert_eq!(files.len(), 5);
    for file in &files {
        assert!(file.metadata().expect("a file").len() <= limit);
    }
    let newest = newest_lines(&dir, 30);
    assert_eq!(newest.len(), 30);
    assert!(newest[29].contains("\"number\":999") && newest[0].contains("\"number\":970"));
    fs::remove_dir_all(&dir).expect("removed");
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let found = fs::symlink_metadata(path).expect("it is there");
    found.permissions().mode() & 0o7777
}

#[cfg(unix)]
fn give(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("rights");
}

#[cfg(unix)]
#[test]
fn the_log_is_its_owner_s_alone() {
    let data = tempfile::tempdir().expect("a folder");
    let logs = data.path().join(file::FOLDER);
    // As an earlier version left them, under a common umask.
    fs::create_dir(&logs).expect("a folder");
    fs::write(logs.join("roundtrip.log"), "before\n").expect("a file");
    for (path, mode) in [
        (data.path(), 0o755),
        (&logs, 0o775),
        (&logs.join("roundtrip.log"), 0o664),
    ] {
        give(path, mode);
    }
    let mut log = file::Bounded::open(data.path()).expect("a log");
    assert_eq!((mode(data.path()), mode(&logs)), (0o700, 0o700));
    let line = [b'x'; 400_000];
    for _ in 0..6 {
        log.write_all(&line).expect("written");
    }
    for name in ["roundtrip.log", "roundtrip.1.log", "roundtrip.2.log"] {
        assert_eq!(mode(&logs.join(name)), 0o600, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_log_is_refused_and_its_target_stays() {
    use roundtrip_store::OpenError;
    use std::os::unix::fs::symlink;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let target = elsewhere.path().join("roundtrip.log");
    let untouched = |what: &str| {
        assert_eq!(
            fs::read(&target).expect("it stays"),
            b"{\"of\":\"another\"}\n",
            "{what}"
        );
        assert_eq!((mode(&target), mode(elsewhere.path())), (0o644, 0o755), "{what}");
        let names = fs::read_dir(elsewhere.path()).expect("the folder").count();
        assert_eq!(names, 2, "{what}");
    };
    fs::write(&target, "{\"of\":\"another\"}\n").expect("a file");
    fs::write(elsewhere.path().join("roundtrip.2026-11-01.log"), "of another").expect("a file");
    give(&target, 0o644);
    give(elsewhere.path(), 0o755);

    // The file is one …
    let data = tempfile::tempdir().expect("a folder");
    let logs = data.path().join(file::FOLDER);
    fs::create_dir(&logs).expect("a folder");
    symlink(&target, logs.join("roundtrip.log")).expect("a link");
    symlink(&target, logs.join("roundtrip.2026-11-02.log")).expect("a link");
    let refused = file::Bounded::open(data.path()).map(drop);
    assert!(
        matches!(refused, Err(OpenError::SymbolicLink { .. })),
        "{refused:?}"
    );
    untouched("opened");
    assert!(newest_lines(&logs, 10).is_empty());
    file::empty(&logs);
    untouched("emptied");

    // … or the folder.
    let data = tempfile::tempdir().expect("a folder");
    let logs = data.path().join(file::FOLDER);
    symlink(elsewhere.path(), &logs).expect("a link");
    let refused = file::Bounded::open(data.path()).map(drop);
    assert!(
        matches!(refused, Err(OpenError::SymbolicLink { .. })),
        "{refused:?}"
    );
    untouched("a folder opened");
    assert!(newest_lines(&logs, 10).is_empty());
    file::empty(&logs);
    untouched("a folder emptied");
}

#[cfg(unix)]
#[test]
fn a_second_name_of_another_file_in_the_place_of_the_log_is_refused_and_that_file_stays() {
    use roundtrip_store::OpenError;
    let data = tempfile::tempdir().expect("a folder");
    let logs = data.path().join(file::FOLDER);
    fs::create_dir(&logs).expect("a folder");
    let target = data.path().join("of another");
    fs::write(&target, "{\"of\":\"another\"}\n").expect("a file");
    give(&target, 0o644);
    for name in ["roundtrip.log", "roundtrip.1.log"] {
        fs::hard_link(&target, logs.join(name)).expect("a second name");
    }
    let refused = file::Bounded::open(data.path()).map(drop);
    assert!(matches!(refused, Err(OpenError::HardLink { .. })), "{refused:?}");
    assert!(newest_lines(&logs, 10).is_empty());
    file::empty(&logs);
    assert_eq!(fs::read(&target).expect("it stays"), b"{\"of\":\"another\"}\n");
    assert_eq!(mode(&target), 0o644);

    // With its second name gone it is the log's own.
    fs::remove_file(logs.join("roundtrip.1.log")).expect("removed");
    fs::remove_file(&target).expect("removed");
    file::Bounded::open(data.path()).map(drop).expect("a log");
}

#[cfg(unix)]
#[test]
fn in_a_folder_that_others_share_nothing_is_touched() {
    use roundtrip_store::OpenError;
    let shared = tempfile::tempdir().expect("a folder");
    let logs = shared.path().join(file::FOLDER);
    fs::create_dir(&logs).expect("a folder");
    fs::write(logs.join("roundtrip.2026-11-01.log"), "of another").expect("a file");
    give(shared.path(), 0o1777);
    give(&logs, 0o755);
    let refused = file::Bounded::open(shared.path()).map(drop);
    assert!(
        matches!(refused, Err(OpenError::SharedDirectory { .. })),
        "{refused:?}"
    );
    assert_eq!((mode(shared.path()), mode(&logs)), (0o1777, 0o755));
    let names: Vec<_> = fs::read_dir(&logs).expect("the folder").flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(fs::read(names[0].path()).expect("it stays"), b"of another");
}

#[test]
fn only_files_of_our_own_name_are_deleted_or_emptied() {
    let data = tempfile::tempdir().expect("a folder");
    let logs = data.path().join(file::FOLDER);
    fs::create_dir(&logs).expect("a folder");
    let foreign = [
        "other.log",
        "roundtrip-notes.log",
        "my.roundtrip.log",
        "roundtrip.txt",
    ];
    let ours = ["roundtrip.log", "roundtrip.3.log"];
    for name in foreign.iter().chain(&ours).chain(&["roundtrip.2026-11-01.log"]) {
        fs::write(logs.join(name), "before\n").expect("a file");
    }
    let mut log = file::Bounded::open(data.path()).expect("a log");
    assert!(!logs.join("roundtrip.2026-11-01.log").exists());
    log.write_all(b"{}\n").expect("written");
    assert_eq!(newest_lines(&logs, 10), ["before", "before", "{}"]);

    file::empty(&logs);

    for name in foreign {
        assert_eq!(
            fs::read(logs.join(name)).expect("it stays"),
            b"before\n",
            "{name}"
        );
    }
    for name in ours {
        assert_eq!(fs::read(logs.join(name)).expect("it stays"), b"", "{name}");
    }
    log.write_all(b"{}\n").expect("it goes on from its beginning");
    assert_eq!(newest_lines(&logs, 10), ["{}"]);
}

/// Files with Rust sources that may log.
fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).expect("a folder of the workspace").flatten() {
        let path = entry.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "tests" | "sandbox" | "node_modules") {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("a source");
            found.push((path.to_string_lossy().into_owned(), text));
        }
    }
}

#[test]
fn messages_are_fixed_texts_and_fields_are_known_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&root.join("crates"), &mut found);
    sources(&root.join("src-tauri/src"), &mut found);
    let known: Vec<&str> = redact::names().collect();
    let mut calls = 0;
    for (path, text) in &found {
        for macro_name in ["trace!(", "debug!(", "info!(", "warn!(", "error!(", "info_span!("] {
            for (start, _) in text.match_indices(&format!("tracing::{macro_name}")) {
                let rest = &text[start + 9 + macro_name.len()..];
                let mut depth = 1;
                let end = rest.find(|sign| {
                    depth += i32::from(sign == '(') - i32::from(sign == ')');
                    depth == 0
                });
                let end = end.unwrap_or(rest.len());
                let call = &rest[..end];
                calls += 1;
                // The message is the last literal; before it come the fields.
                let literals: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
                for literal in &literals {
                    assert!(!literal.contains('{'), "{path}: put together: {literal}");
                }
                for field in call
                    .split([',', '\n'])
                    .filter_map(|part| part.split_once('=').map(|(name, _)| name))
                {
                    let name = field.trim();
                    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                    assert!(
                        !word || known.contains(&name),
                        "{path}: field {name} is not known to the log"
                    );
                }
                for part in call.split(',') {
                    let part = part.trim();
                    let is_bare =
                        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                    if let Some(name) = part.strip_prefix(['%', '?']).or(is_bare.then_some(part)) {
                        assert!(
                            known.contains(&name),
                            "{path}: field {name} is not known to the log"
                        );
                    }
                }
            }
        }
    }
    assert!(calls > 30, "the sources were looked at: {calls}");
}
