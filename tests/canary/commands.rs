//! Which commands and events of the window the flows write down for the scan, and why not the others. Both lists are held
//! to `ui/src/lib/bindings.ts`: a new command is dumped, or has its reason here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Commands whose answers, and events that, are in a file of their name. Of one that saves a file it is that file.
const DUMPED: [&str; 31] = [
    "app_info",
    "calendar_at",
    "check_rule",
    "delete_everything",
    "export_audit",
    "export_history",
    "get_appointment",
    "get_connection",
    "get_figures",
    "get_overview",
    "get_settings",
    "list_answered_conflicts",
    "list_appointments",
    "list_audit",
    "list_conflicts",
    "list_history",
    "list_runs",
    "preview_delete_everything",
    "preview_report",
    "preview_restore",
    "preview_settings",
    "preview_start",
    "preview_undo_run",
    "privacy_mirror",
    "run_check",
    "run_doctor",
    "save_delete_report",
    "sign_in_state",
    "sign-in-changed",
    "state-changed",
    "sync-progress",
];
/// Commands that answer with what another one answers with, which is dumped.
const AS: [(&str, &str); 3] = [
    ("begin_sign_in", "sign_in_state"),
    ("change_settings", "get_settings"),
    ("resolve_conflict", "list_conflicts"),
];
/// The others that answer something, and why it need not be looked through.
const OTHERS: [(&str, &str); 9] = [
    ("appearance-changed", "light or dark"),
    ("disconnect", "whether the permission may live on, as yes or no"),
    (
        "get_rule_offer",
        "codes, and titles that list_answered_conflicts has; it takes three equal answers",
    ),
    (
        "navigate",
        "a place of the window, of a closed list (gui/links.rs)",
    ),
    ("resolve_conflicts", "ids that the window sent, each with a code"),
    ("restore", "ids that the window sent, each with a code"),
    (
        "save_report",
        "a file's name; the file is the answer of preview_report",
    ),
    ("undo_run", "ids of lines, each with a code"),
    (
        "window_ready",
        "a place of the window, of a closed list (gui/links.rs)",
    ),
];

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each command and event with the type that the window is given.
fn all() -> BTreeMap<String, String> {
    let bindings = file("ui/src/lib/bindings.ts");
    let mut all = BTreeMap::new();
    for line in bindings.lines() {
        let between = |from: &str, to: &str| {
            let rest = line.split_once(from)?.1;
            rest.split_once(to).map(|(text, _)| text.to_owned())
        };
        if let Some(command) = between("__TAURI_INVOKE(\"", "\"") {
            all.insert(command, between("typedError<", ", AppError>").expect("a type"));
        } else if let (Some(event), Some(of)) = (between(">(\"", "\"),"), between(": makeEvent<", ", ")) {
            all.insert(event, of);
        }
    }
    all
}

#[test]
fn every_command_and_event_of_the_window_is_dumped_or_has_a_reason() {
    let all = all();
    let commands: BTreeSet<String> = file("src-tauri/commands.txt")
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let known: BTreeSet<String> = all.keys().cloned().collect();
    assert!(commands.is_subset(&known) && known.len() > commands.len());

    let mut listed: Vec<&str> = DUMPED.to_vec();
    listed.extend(AS.iter().map(|(name, _)| *name));
    listed.extend(OTHERS.iter().map(|(name, _)| *name));
    let once: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(once.len(), listed.len(), "one stands twice");
    let gone: Vec<_> = once.iter().filter(|name| !known.contains(**name)).collect();
    assert!(gone.is_empty(), "not there any more: {gone:?}");
    // What answers nothing but "done" or a refusal needs no look.
    let answers = all.iter().filter(|(_, given)| *given != "null");
    let answers: BTreeSet<&str> = answers.map(|(name, _)| name.as_str()).collect();
    let forgotten: Vec<_> = answers.difference(&once).collect();
    assert!(
        forgotten.is_empty(),
        "neither dumped nor with a reason: {forgotten:?}"
    );
    for (name, other) in AS {
        let plain = |name: &str| {
            all[name]
                .trim_end_matches(" | null")
                .trim_end_matches("[]")
                .to_owned()
        };
        assert_eq!(plain(name), plain(other), "{name}");
        assert!(DUMPED.contains(&other), "{other}");
    }
}

/// Every command and event that is said to be dumped is in a file of these folders, with something in it.
pub fn were_all_dumped(folders: &[PathBuf]) {
    let mut seen = BTreeSet::new();
    for folder in folders {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let says = !["", "null", "[]"].contains(&text.as_str());
            let of = name.trim_end_matches(".txt").split(' ').nth(1);
            if let Some(of) = of.filter(|_| says && !name.contains(" refused")) {
                seen.insert(of.to_owned());
            }
        }
    }
    let missing: Vec<_> = DUMPED.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "never dumped: {missing:?}");
}
