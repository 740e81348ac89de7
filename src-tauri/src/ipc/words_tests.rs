//! The words that the page is sent, in one file: `ui/src/lib/words.json`. It follows from the Rust sources, and a test of the
//! page asserts that each word has its text there. Words come from three places: enums whose names serde sends, what the real
//! conversion makes of each variant, and the texts in the arms of a `match` that has to name every variant.

use super::file;
use crate::ipc::convert;
use roundtrip_core::conflict::ConflictKind;
use roundtrip_core::outbox::{DeleteReason, Side};
use roundtrip_core::question::{Answer, QuestionKind};
use roundtrip_engine::ledger::{HistoryItem, HistoryWhat, RunResult, Trigger};
use serde::Deserialize;
use serde::de::value::{MapDeserializer, StrDeserializer};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

type Words = BTreeSet<String>;

/// What serde says when it is given a word that no variant has: the words of all of them.
#[derive(Debug)]
struct Variants(&'static [&'static str]);

impl fmt::Display for Variants {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0)
    }
}

impl std::error::Error for Variants {}

impl serde::de::Error for Variants {
    fn custom<T: fmt::Display>(words: T) -> Self {
        panic!("this is no enum whose words serde sends: {words}");
    }
    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self(known)
    }
}

const NO_WORD: &str = "no such word";

fn all(known: Result<(), Variants>) -> Words {
    let known = known.expect_err("no variant has this word").0;
    assert!(!known.is_empty());
    known.iter().map(|word| (*word).to_owned()).collect()
}

/// The words of an enum without data.
fn words_of<T: for<'de> Deserialize<'de>>() -> Words {
    all(T::deserialize(StrDeserializer::new(NO_WORD)).map(drop))
}

/// The words of an enum that stand in a field of it.
fn tags_of<T: for<'de> Deserialize<'de>>(tag: &'static str) -> Words {
    all(T::deserialize(MapDeserializer::new([(tag, NO_WORD)].into_iter())).map(drop))
}

/// Every line of the history that can be: what the window is sent of it as `what`.
fn history_what() -> Words {
    let time =
        json!({ "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z", "zone": "Europe/Berlin" });
    let of = |word: &String| {
        // The fields of all variants: each takes its own.
        let what = json!({
            "what": word, "time": time, "wanted": time, "from": time, "to": time, "fields": ["time"], "reason": "cancelled", "edit_lost": false,
            "detail": null, "admin_notified": false, "by_trainer": true, "kind": word_in::<ConflictKind>(), "conflict": "c1",
            "resolution": "merge", "by_policy": false, "cause": word_in::<roundtrip_core::pen::Cause>(),
            "until": "2026-11-23T10:00:00Z", "answer": word_in::<Answer>(), "question": word_in::<QuestionKind>(), "count": 1,
            "service": "google", "intent": "move", "field": "time", "side": "platform", "since": "2026-11-23T09:00:00Z",
        });
        let item = json!({
            "id": "h1", "run_id": null, "at": "2026-11-23T09:00:00Z", "appointment_id": null, "title": null, "what": what,
            "source": "you", "result": "ok", "problem": null, "request_id": null,
        });
        let item: HistoryItem =
            serde_json::from_value(item).expect("a line, with the fields of every variant");
        let at = item.at;
        convert::history(item, at).what
    };
    tags_of::<HistoryWhat>("what").iter().map(of).collect()
}

fn word_in<T: for<'de> Deserialize<'de>>() -> String {
    words_of::<T>().into_iter().next().unwrap_or_default()
}

/// A part of a source file: from where this begins to where that does.
fn part(path: &str, from: &str, to: &str) -> String {
    let text = file(path);
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("{path} has no {from}"));
    let (part, _) = rest
        .split_once(to)
        .unwrap_or_else(|| panic!("{path} has no {to} after {from}"));
    part.to_owned()
}

/// The body of a function, up to the brace under its first letter.
fn body(path: &str, head: &str) -> String {
    let text = file(path);
    let (before, _) = text
        .split_once(head)
        .unwrap_or_else(|| panic!("{path} has no {head}"));
    let indent = before.rsplit('\n').next().unwrap_or_default();
    part(path, head, &format!("\n{indent}}}\n"))
}

/// The texts that are words, each with the code before it, without its spaces.
fn texts(source: &str) -> Vec<(String, String)> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let parts: Vec<&str> = code.split('"').collect();
    let words = parts.windows(2).enumerate().filter(|(at, _)| at % 2 == 0);
    let is_word = |text: &str| {
        let known = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || "_{}".contains(sign);
        text.starts_with(|sign: char| known(sign)) && text.chars().all(known)
    };
    words
        .filter(|(_, pair)| is_word(pair[1]))
        .map(|(_, pair)| {
            let before: String = pair[0].split_whitespace().collect();
            (before, pair[1].to_owned())
        })
        .collect()
}

/// All words in a part.
fn all_texts(source: &str) -> Words {
    let words: Words = texts(source).into_iter().map(|(_, word)| word).collect();
    assert!(!words.is_empty(), "no word in {source}");
    words
}

/// The words that stand after one of these.
fn after(source: &str, openings: &[&str]) -> Words {
    let opened = |before: &String| openings.iter().any(|opening| before.ends_with(opening));
    texts(source)
        .into_iter()
        .filter(|(before, _)| opened(before))
        .flat_map(|(_, word)| match word.contains("{service}") {
            true => ["platform", "google"]
                .map(|side| word.replace("{service}", side))
                .to_vec(),
            false => vec![word],
        })
        .filter(|word| !word.contains('{'))
        .collect()
}

/// The words in the arms of a match.
fn arms(source: &str) -> Words {
    let openings = [
        "=>",
        "=>(",
        "=>{(",
        "=>(format!(",
        "=>{(format!(",
        "wordformat!(",
        ";(format!(",
    ];
    let words = after(source, &openings);
    assert!(!words.is_empty(), "no arm in {source}");
    words
}

/// The sources under a folder, without their tests.
fn sources(folder: &str) -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of ours") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.contains("test") {
                let text = std::fs::read_to_string(&path).expect("a source of ours");
                // A module of tests is the last thing in a file.
                let code = text
                    .rsplit_once("#[cfg(test)]")
                    .map_or(text.as_str(), |(code, _)| code);
                found.push(code.to_owned());
            }
        }
    }
    found
}

fn said_in(folders: &[&str], openings: &[&str]) -> Words {
    let all = folders.iter().flat_map(|folder| sources(folder));
    all.flat_map(|source| after(&source, openings)).collect()
}

const SERVICE_ERROR: (&str, &str) = ("crates/engine/src/outcome.rs", "pub fn error_code(");

/// What a service's trouble is called.
fn errors() -> Words {
    arms(&body(SERVICE_ERROR.0, SERVICE_ERROR.1))
}

fn undo_why() -> Words {
    arms(&body("crates/core/src/undo.rs", "pub fn code("))
}

fn problems() -> Words {
    let host = "src-tauri/src/host";
    let mut words = errors();
    let problem = format!("{host}/problem.rs");
    for head in [
        "pub fn of_side(",
        "impl From<LedgerError> for AppError {",
        "impl From<DepartError> for AppError {",
        "impl From<AnswerError> for AppError {",
    ] {
        words.extend(arms(&body(&problem, head)));
    }
    let sign_in = format!("{host}/sign_in.rs");
    for head in ["fn discovery_problem(", "fn sign_in_problem(", "fn port_problem("] {
        words.extend(arms(&body(&sign_in, head)));
    }
    words.extend(said_in(
        &["src-tauri/src/host", "src-tauri/src/ipc", "src-tauri/src/gui"],
        &[
            "plain_problem(",
            "code:",
            "Err(problem(",
            "Err((",
            "ok_or(",
            "Err(",
            "\"failed\",None,Some(",
            "view.problem=Some(",
            "DELETION_OFF:&str=",
            "view_of(service,",
        ],
    ));
    // Given as the third text of a view.
    let shown = file(&sign_in);
    words.extend(after(&shown, &[",None,Some("]));
    // Why an undoing was refused crosses as a code of its own.
    words.extend(undo_why());
    words.insert(roundtrip_core::silence::CODE.to_owned());
    for side in words_of::<Side>() {
        let side: Side = serde_json::from_value(json!(side)).expect("a side");
        words.insert(format!(
            "{}_{}",
            roundtrip_core::silence::CODE,
            convert::service_of(side)
        ));
    }
    // The sides as such, and where a sign-in stands.
    for other in ["platform", "google", "waiting", "failed", "done", "cancelled"] {
        words.remove(other);
    }
    words
}

fn lists() -> BTreeMap<&'static str, Words> {
    let mut services: Words = words_of::<Side>()
        .iter()
        .map(|side| serde_json::from_value(json!(side)).expect("a side"))
        .map(|side| convert::service_of(side).to_owned())
        .collect();
    services.extend(after(
        &body("src-tauri/src/host/figures.rs", "fn error("),
        &["unwrap_or(("],
    ));
    let convert = "src-tauri/src/ipc/convert.rs";
    let badge = "crates/core/src/badge.rs";
    let mut reasons = all_texts(&body(badge, "pub fn badge("));
    reasons.extend(arms(&body(badge, "fn in_sync_reason(")));
    let mut held_back = all_texts(&body("crates/engine/src/status.rs", "fn held_back("));
    let left_out = arms(&part("crates/core/src/filter.rs", "impl LeftOut {", "\n}\n"));
    reasons.append(&mut held_back);
    reasons.extend(left_out.clone());
    reasons.extend(errors());
    let mut checks = all_texts(&part("src-tauri/src/host/doctor.rs", "const CHECKS", "];"));
    checks.extend(after(&file("src-tauri/src/gui/tray.rs"), &["check:"]));
    let audit = said_in(
        &["src-tauri/src", "crates/engine/src", "crates/store/src"],
        &[
            "audit(None,",
            "append(&muttx,None,",
            "append(db,None,",
            "event:",
            "IntegrationStatus::Active,",
            "IntegrationStatus::NeedsReauth,",
            "IntegrationStatus::Revoked,",
            "self.say(KEY_FINE,",
            "self.say(KEY_UNAVAILABLE,",
            "self.say(KEY_LOST,",
        ],
    );
    BTreeMap::from([
        ("answers", words_of::<Answer>()),
        ("audit", audit),
        (
            "audit_reasons",
            arms(&body("crates/store/src/tokens/key.rs", "pub fn word(")),
        ),
        ("badge_reasons", reasons),
        ("checks", checks),
        (
            "conflict_causes",
            all_texts(&part(convert, "let (cause, refusal) =", "};")),
        ),
        ("conflict_kinds", words_of::<ConflictKind>()),
        ("delete_reasons", words_of::<DeleteReason>()),
        ("figures_services", services),
        ("history_what", history_what()),
        (
            "intents",
            arms(&body("crates/core/src/outbox.rs", "pub fn word(")),
        ),
        ("left_out", left_out),
        (
            "preview_fields",
            all_texts(&part(convert, "let changed = [", "];")),
        ),
        ("problems", problems()),
        ("questions", words_of::<QuestionKind>()),
        (
            "resolutions",
            arms(&body("crates/engine/src/plan.rs", "pub fn resolution_word(")),
        ),
        (
            "rule_problems",
            arms(&part("crates/core/src/filter.rs", "impl RuleProblem {", "\n}\n")),
        ),
        ("run_results", arms(&body(convert, "pub fn run_result("))),
        ("triggers", words_of::<Trigger>()),
        ("undo_why", undo_why()),
    ])
}

const FILE: &str = "ui/src/lib/words.json";

#[test]
fn the_committed_words_are_current() {
    let fresh = serde_json::to_string_pretty(&lists()).expect("lists of words") + "\n";
    if std::env::var_os("ROUNDTRIP_WRITE_WORDS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        std::fs::write(path, &fresh).expect("a file of ours");
    }
    assert!(
        fresh == file(FILE),
        "run `cargo xtask bindings` and commit the result"
    );
}

#[test]
fn words_are_found_where_serde_and_the_sources_have_them() {
    assert_eq!(
        words_of::<RunResult>(),
        ["failed", "partial", "running", "success"]
            .map(String::from)
            .into()
    );
    let source = "match it {\n    // \"no\" => \"comment\"\n    A => \"one\",\n    B { .. } if x => {\n        (format!(\"{service}_two\"), \"not\")\n    }\n    C => f(\"neither\", \"Nor this\"),\n}";
    assert_eq!(
        arms(source),
        ["google_two", "one", "platform_two"].map(String::from).into()
    );
    assert_eq!(after(source, &["f("]), ["neither"].map(String::from).into());
}
