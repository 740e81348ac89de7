//! A million messages as a window that was taken over could send them: each is refused with its field, or means something
//! that a person could have meant. Nothing panics.

use super::commands::{self, decisions, history};
use super::dto::{
    AppError, HistoryQuery, OwnRuleView, ResolutionInput, RestoreConfirmed, SeenView, SettingsPatch,
};
use super::settings;
use crate::host::export;
use crate::host::leaving::tests::connected;
use chrono::{DateTime, Datelike as _, Duration, Utc};
use roundtrip_core::conflict::{Choice, Resolution};
use roundtrip_core::filter::{self, RULES_MAX};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::marked;
use roundtrip_core::settings::{Filters, SyncSettings};
use roundtrip_engine::ledger::for_ever;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MESSAGES: usize = 1_000_000;

/// A small generator (xorshift): a failure is found again with the same number.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// Words that mean something somewhere, and texts that never should.
const WORDS: &[&str] = &[
    "both",
    "push",
    "pull",
    "full",
    "busy",
    "type_only",
    "ask",
    "keep_platform",
    "keep_calendar",
    "most_recent",
    "remove",
    "keep",
    "system",
    "de",
    "en",
    "dark",
    "reduce",
    "ok",
    "waiting",
    "problem",
    "you",
    "platform",
    "roundtrip",
    "google",
    "time",
    "title",
    "notes",
    "calendar",
    "contains",
    "starts_with",
    "regex",
    "1",
    "11",
    "12",
    "#termin",
    "08:00",
    "25:00",
    "2026-12-01T09:00:00Z",
    "2026-12-01T10:00:00Z",
    "+262142-12-31T23:59:59Z",
    "-262143-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-12-01",
    "+262142-12-31",
    "",
    " ",
    "\0",
    "../../x",
    "'; DROP TABLE outbox; --",
    "<img src=x onerror=alert(1)>",
    "\u{202e}",
    "(a{40}){40}{40}",
    "(",
    "e\u{301}",
    "ﷺ",
];
const NAMES: &[&str] = &[
    "enabled",
    "direction",
    "every_minutes",
    "calendar_id",
    "notes",
    "client_names",
    "privacy",
    "time_policy",
    "text_policy",
    "types_off",
    "clients_off",
    "excluded",
    "dates",
    "weekdays_off",
    "hours",
    "own_rules",
    "left_out",
    "color",
    "fallback_title",
    "mark_tag",
    "motion",
    "theme",
    "language",
    "confirmed_removals",
    "result",
    "source",
    "appointment_id",
    "run_id",
    "since",
    "before",
    "limit",
    "kind",
    "choices",
    "field",
    "choice",
    "start",
    "end",
    "version",
    "etag",
    "pattern",
    "text",
    "from",
    "until",
    "__proto__",
];

fn value(chance: &mut Chance, depth: usize) -> Value {
    match chance.below(if depth == 0 { 9 } else { 13 }) {
        0 => Value::Null,
        1 => json!(chance.below(2) == 1),
        2 => json!(chance.below(70)),
        3 => json!([-1.0, 1e300, 4_294_967_296.0, 0.5][chance.below(4)]),
        4 if chance.below(2_000) == 0 => json!("x".repeat(100_000)),
        4..=8 => json!(chance.of(WORDS)),
        9 | 10 => (0..chance.below(4)).map(|_| value(chance, depth - 1)).collect(),
        _ => {
            let mut fields = Map::new();
            for _ in 0..chance.below(4) {
                fields.insert(chance.of(NAMES).to_owned(), value(chance, depth - 1));
            }
            Value::Object(fields)
        }
    }
}

/// A message of these fields: most of them of a type that fits, so that more than the type is looked at.
fn message<T: DeserializeOwned>(chance: &mut Chance, fields: &[(&str, &str)]) -> Option<T> {
    let mut all = Map::new();
    for (name, kind) in fields {
        // A few of many: each could make the whole message be refused.
        if fields.len() > 3 && chance.below(fields.len()) >= 2 {
            continue;
        }
        let fitting = match (chance.below(12), *kind) {
            (0, _) => value(chance, 2),
            (1..=4, _) => continue,
            (_, "flag") => json!(chance.below(2) == 1),
            (_, "number") => json!([0, 1, 5, 60, 61, u32::MAX][chance.below(6)]),
            // Longer than any list may be.
            (_, "words") if chance.below(2_000) == 0 => (0..=settings::IDS_MAX).map(|n| json!(n.to_string())).collect(),
            (_, "words") => (0..chance.below(5)).map(|_| json!(chance.of(WORDS))).collect(),
            (_, "time") => json!(chance.of(&WORDS[37..42])),
            (_, "confirmed") => {
                let tells_admin = [0, 1, u32::MAX][chance.below(3)];
                json!({"done": chance.below(3), "tells_admin": tells_admin})
            }
            (_, "numbers") => (0..chance.below(5)).map(|_| json!(chance.below(256))).collect(),
            (_, "range") => json!({"from": chance.of(WORDS), "until": chance.of(WORDS)}),
            (_, "rules") => {
                let most = if chance.below(100) == 0 { RULES_MAX + 2 } else { 3 };
                (0..chance.below(most)).map(|_| rule(chance)).collect()
            }
            (_, "choices") => (0..chance.below(7))
                .map(|_| {
                    json!({"field": chance.of(WORDS), "choice": chance.of(&["time", "platform", "calendar", "x"]),
                           "start": chance.of(&WORDS[37..42]), "end": chance.of(&WORDS[37..42])})
                })
                .collect(),
            _ => json!(chance.of(WORDS)),
        };
        all.insert((*name).to_owned(), fitting);
    }
    serde_json::from_value(Value::Object(all)).ok()
}

/// One of the trainer's own rules: mostly of words that exist.
fn rule(chance: &mut Chance) -> Value {
    let field = ["title", "title", "notes", "client", "location", chance.of(WORDS)][chance.below(6)];
    let pattern = ["contains", "starts_with", "regex", chance.of(WORDS)][chance.below(4)];
    json!({"field": field, "pattern": pattern, "text": chance.of(WORDS)})
}

/// Every field of a patch, with what fits it; [`every_field_of_a_patch_is_sent`] holds it to that.
const PATCH: &[(&str, &str)] = &[
    ("enabled", "flag"),
    ("direction", "word"),
    ("every_minutes", "number"),
    ("calendar_id", "word"),
    ("notes", "flag"),
    ("client_names", "flag"),
    ("client_contact", "flag"),
    ("privacy", "word"),
    ("include_private", "flag"),
    ("time_policy", "word"),
    ("text_policy", "word"),
    ("types_off", "words"),
    ("clients_off", "words"),
    ("excluded", "words"),
    ("dates", "range"),
    ("weekdays_off", "numbers"),
    ("hours", "range"),
    ("own_rules", "rules"),
    ("left_out", "word"),
    ("color", "word"),
    ("fallback_title", "word"),
    ("created_externally", "flag"),
    ("mark_tag", "word"),
    ("letter_keys", "flag"),
    ("motion", "word"),
    ("daily_summary", "flag"),
    ("theme", "word"),
    ("language", "word"),
    ("autostart", "flag"),
    ("titles_in_notifications", "flag"),
    ("confirmed_removals", "number"),
    ("even_so", "flag"),
];

/// What a patch that is taken may lead to.
fn check(after: &SyncSettings) {
    assert!((5..=60).contains(&after.every_minutes));
    let filters = &after.filters;
    let excluded = filters.excluded.iter().map(AppointmentId::as_str);
    let off = filters.types_off.iter().chain(&filters.clients_off);
    for id in off.map(String::as_str).chain(excluded) {
        assert!(id.chars().count() <= 512);
    }
    let lists = [
        filters.types_off.len(),
        filters.clients_off.len(),
        filters.excluded.len(),
    ];
    assert!(lists.iter().all(|length| *length <= settings::IDS_MAX));
    assert!(filters.own_rules.len() <= RULES_MAX);
    let tag = after.mark_tag.as_deref();
    assert!(tag.is_none_or(|tag| marked::checked_tag(tag).as_deref() == Some(tag)));
    assert!(filters.weekdays_off.iter().all(|day| *day <= 6));
    assert!(
        filters
            .own_rules
            .iter()
            .all(|rule| filter::check_rule(rule).is_ok())
    );
    assert!(
        filters
            .earliest
            .zip(filters.latest)
            .is_none_or(|(from, until)| from < until)
    );
    assert!(
        filters
            .first_day
            .zip(filters.last_day)
            .is_none_or(|(from, until)| from <= until)
    );
    let title = after.text.fallback_title.as_deref().unwrap_or("x");
    assert!((1..=100).contains(&title.chars().count()));
}

/// The fields that a patch sets.
fn set_in(patch: &SettingsPatch) -> BTreeSet<String> {
    let all = serde_json::to_value(patch).expect("a patch crosses to the window");
    let all = all.as_object().expect("fields").clone();
    all.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn every_field_of_a_patch_is_sent() {
    // Serde names each field, also those that are none: one that is added to the patch is missed here.
    let all = serde_json::to_value(SettingsPatch::default()).expect("a patch crosses to the window");
    let all: BTreeSet<&str> = all
        .as_object()
        .expect("fields")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(PATCH.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), all);
}

/// The arguments of commands that take several, as the window names them.
#[derive(Deserialize)]
struct Pause {
    minutes: Option<u32>,
    until_tomorrow: bool,
}

#[derive(Deserialize)]
struct Moment {
    at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Held {
    appointment_ids: Vec<String>,
    remove: bool,
}

#[derive(Deserialize)]
struct Restore {
    history_ids: Vec<String>,
    confirmed: RestoreConfirmed,
}

#[derive(Deserialize)]
struct Undo {
    run_id: String,
    confirmed: RestoreConfirmed,
}

const HELD: &[(&str, &str)] = &[("appointment_ids", "words"), ("remove", "flag")];
const PAUSE: &[(&str, &str)] = &[("minutes", "number"), ("until_tomorrow", "flag")];
const RESTORE: &[(&str, &str)] = &[("history_ids", "words"), ("confirmed", "confirmed")];
const UNDO: &[(&str, &str)] = &[("run_id", "word"), ("confirmed", "confirmed")];

/// What is taken; a refusal names the field.
fn taken<T>(answer: Result<T, AppError>) -> Option<T> {
    answer
        .inspect_err(|error| {
            assert_eq!(error.code, "bad_input");
            assert!(
                error.field.as_deref().is_some_and(|field| !field.is_empty()),
                "{error:?}"
            );
        })
        .ok()
}

/// Taken, if it is one id and a short one; else refused with just this field.
fn id_is_checked(field: &str, id: &str) -> bool {
    let answer = commands::checked(field, id.to_owned());
    assert_eq!(answer.is_ok(), (1..=512).contains(&id.len()), "{field}");
    let named = answer.as_ref().err().and_then(|error| error.field.as_deref());
    assert!(named.is_none_or(|named| named == field));
    taken(answer).is_some()
}

#[test]
fn each_id_of_each_command_is_checked_before_it_is_used() {
    // Between one command and the next stands all of it, also what it is split into.
    let sources = [
        include_str!("commands.rs"),
        include_str!("commands/appointments.rs"),
        include_str!("commands/decisions.rs"),
        include_str!("commands/diagnostics.rs"),
        include_str!("commands/history.rs"),
        include_str!("commands/privacy.rs"),
    ];
    let (mut seen, mut commands) = (0, 0);
    for command in sources
        .iter()
        .flat_map(|source| source.split("#[tauri::command]").skip(1))
    {
        commands += 1;
        let (head, body) = command.split_once(") -> Answered<").expect("a command answers");
        let name = head
            .split_once("fn ")
            .and_then(|(_, rest)| rest.split('(').next());
        let name = name.expect("a name");
        for (id, checks) in [
            ("id", &["checked(\"id\"", "checked(\"calendar_id\""][..]),
            ("appointment_id", &["checked(\"appointment_id\""]),
            ("run_id", &["checked(\"run_id\""]),
            ("history_ids", &["checked_ids("]),
            ("appointment_ids", &["held_ids("]),
            ("answers", &["checked(\"id\""]),
            ("service", &["provider("]),
            ("format", &["checked_format("]),
        ] {
            let takes = [" ", "\n    ", "("]
                .iter()
                .any(|before| head.contains(&format!("{before}{id}: ")));
            seen += usize::from(takes);
            let checked = checks.iter().any(|check| body.contains(check));
            assert!(!takes || checked, "{name} uses {id} as it comes");
        }
    }
    let granted = include_str!("../../commands.txt")
        .lines()
        .filter(|line| !line.is_empty());
    assert_eq!(commands, granted.count());
    assert!(seen > 18, "{seen}");
}

#[tokio::test]
async fn what_a_hostile_window_may_say_to_the_engine_is_refused_or_does_nothing() {
    const EACH: usize = 150;
    let (host, _folder) = connected("hostile").await;
    let mut chance = Chance(0x5eed_0031);
    // There is nothing of that name, or it is something else by now.
    let harmless = |answer: Option<AppError>| {
        let word = answer.as_ref().map(|error| error.code.as_str());
        let named = answer.as_ref().is_some_and(|error| error.field.is_some());
        assert!(
            matches!(word, None | Some("gone" | "stale")) || named,
            "{answer:?}"
        );
    };
    for _ in 0..EACH {
        if let Some(Pause {
            minutes,
            until_tomorrow,
        }) = message(&mut chance, PAUSE)
        {
            harmless(commands::pause_for(&host, minutes, until_tomorrow).await.err());
        }
        if let Some(Moment { at }) = message(&mut chance, &[("at", "time")]) {
            let past = history::past_calendar(&host, at).await.expect("a calendar");
            assert!(past.earliest <= past.at && past.events.is_empty(), "{past:?}");
        }
        if let Some(Held {
            appointment_ids,
            remove,
        }) = message(&mut chance, HELD)
        {
            let answer = decisions::answer_all_held(&host, appointment_ids, remove).await;
            harmless(Some(answer.expect_err("nothing is held")));
        }
        if let Some(Restore {
            history_ids,
            confirmed,
        }) = message(&mut chance, RESTORE)
        {
            harmless(
                history::restore_lines(&host, history_ids.clone(), &confirmed)
                    .await
                    .err(),
            );
            let preview = history::restore_preview(&host, history_ids, None).await;
            assert!(taken(preview).is_none_or(|preview| preview.items.is_empty()));
        }
        if let Some(Undo { run_id, confirmed }) = message(&mut chance, UNDO) {
            harmless(history::undo_whole(&host, run_id.clone(), &confirmed).await.err());
            let preview = history::undo_preview(&host, run_id).await;
            assert!(taken(preview).is_none_or(|preview| preview.items.is_empty()));
        }
        // The calendar in use goes by two names; whatever else is another one, and is looked for before it is used.
        let other = chance.of(WORDS);
        let in_use = other == "primary";
        assert_eq!(host.other_calendar(other).await, !in_use, "{other:?}");
    }
    let running = host.running().await.expect("both are signed in");
    let state = running
        .engine
        .ledger()
        .sync_state()
        .await
        .expect("the ledger works");
    assert!(state.paused_until.is_none_or(|until| until <= for_ever()));
    host.close().await;
}

#[test]
fn a_million_messages_of_a_window_are_refused_or_make_sense() {
    let mut chance = Chance(0x5eed_0030);
    let mut counts = BTreeMap::<&str, usize>::new();
    let before = SyncSettings::default();
    let (mut fields_taken, mut filters, mut list_was_full) = (BTreeSet::new(), Filters::default(), false);
    let now: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().expect("a time");
    for nth in 0..MESSAGES {
        let kind = match nth % 50 {
            0 => "rule",
            11 => "exclude",
            22 => "format",
            8 => "pause",
            18 => "moment",
            28 => "held",
            38 => "restore",
            48 => "undo",
            33 => "id",
            nth => ["patch", "query", "answer", "seen", "ids"][nth % 5],
        };
        let fine = match kind {
            "patch" => message::<SettingsPatch>(&mut chance, PATCH).is_some_and(|patch| {
                let after = settings::patched(&before, &patch);
                after.iter().for_each(check);
                let fine = taken(after).is_some() && taken(settings::check_app(&patch)).is_some();
                if fine && fields_taken.len() < PATCH.len() {
                    fields_taken.extend(set_in(&patch));
                }
                fine
            }),
            "query" => {
                let fields = [
                    ("result", "word"),
                    ("source", "word"),
                    ("appointment_id", "word"),
                    ("run_id", "word"),
                    ("since", "word"),
                    ("before", "word"),
                    ("limit", "number"),
                ];
                message::<HistoryQuery>(&mut chance, &fields).is_some_and(|query| {
                    let filter = history::filter_of(query);
                    taken(filter).is_some_and(|filter| {
                        let id = filter.appointment_id.as_ref().map_or("x", |id| id.as_str());
                        assert!((1..=512).contains(&id.len()) && (1..=500).contains(&filter.limit));
                        true
                    })
                })
            }
            "answer" => {
                let kinds = ["merge", "merge", "merge", "keep_platform", "create", "x"];
                let mut input = json!({"kind": chance.of(&kinds)});
                let choices: Option<Value> = message(&mut chance, &[("choices", "choices")]);
                input["choices"] = choices.map_or(Value::Null, |all| all["choices"].clone());
                let input = serde_json::from_value::<ResolutionInput>(input).ok();
                let answer = input.and_then(|input| taken(commands::resolution_of(input, chrono_tz::UTC)));
                if let Some(Resolution::Merge { choices }) = &answer {
                    assert!(choices.len() <= 4);
                    for (_, choice) in choices {
                        if let Choice::Time { time } = choice {
                            assert!(time.start < time.end);
                            assert!((1900..=2200).contains(&time.start.year()) && time.end.year() <= 2200);
                        }
                    }
                }
                answer.is_some()
            }
            "seen" => message::<SeenView>(&mut chance, &[("version", "number"), ("etag", "word")])
                .is_some_and(|seen| taken(commands::shown(seen)).is_some()),
            "ids" => {
                let ids = value(&mut chance, 2);
                let provider = chance.of(WORDS);
                assert_eq!(
                    commands::provider(provider).is_ok(),
                    matches!(provider, "platform" | "google")
                );
                let ids = serde_json::from_value::<Vec<String>>(ids).ok();
                ids.is_some_and(|ids| taken(history::checked_ids(ids)).is_some())
            }
            "exclude" => {
                let id = match chance.below(3) {
                    0 => chance.of(WORDS).to_owned(),
                    1 if chance.below(100) == 0 => "x".repeat(100_000),
                    _ => format!("apt_{nth}"),
                };
                let (id, excluded) = (commands::checked("appointment_id", id), chance.below(9) > 0);
                id.is_ok_and(|id| {
                    assert!((1..=512).contains(&id.len()));
                    let (id, known) = (AppointmentId(id), filters.excluded.len());
                    let done = settings::exclude(&mut filters, id.clone(), excluded);
                    assert!(filters.excluded.len() <= settings::IDS_MAX);
                    // Letting back in always works; leaving out works, or the list is full.
                    let full = known >= settings::IDS_MAX;
                    assert!(done.is_ok() || (excluded && full), "{done:?}");
                    assert!(done.is_err() || filters.excluded.contains(&id) == excluded);
                    list_was_full |= full;
                    done.is_ok()
                })
            }
            "format" => {
                let format = ["csv", "json", chance.of(WORDS), chance.of(NAMES)][chance.below(4)];
                let fine = taken(history::checked_format(format.to_owned())).is_some();
                assert_eq!(fine, ["csv", "json"].contains(&format), "{format}");
                assert_eq!(export::audit(&[], format).is_some(), fine, "{format}");
                fine
            }
            "pause" => message(&mut chance, PAUSE).is_some_and(
                |Pause {
                     minutes,
                     until_tomorrow,
                 }| {
                    let end = commands::pause_end(now, minutes, until_tomorrow);
                    let month = minutes.is_none() || end - now <= Duration::days(30);
                    assert!(now < end && end <= for_ever() && month, "{minutes:?}");
                    true
                },
            ),
            "moment" => message::<Moment>(&mut chance, &[("at", "time")]).is_some(),
            "held" => message(&mut chance, HELD).is_some_and(|held: Held| {
                let ids = taken(decisions::held_ids(held.appointment_ids));
                ids.is_some_and(|ids| ids.iter().all(|id| (1..=512).contains(&id.as_str().len())))
            }),
            "restore" => message(&mut chance, RESTORE).is_some_and(|restore: Restore| {
                let confirmed = history::confirmed_of(&restore.confirmed);
                assert_eq!(confirmed.done as u64, u64::from(restore.confirmed.done));
                taken(history::checked_ids(restore.history_ids)).is_some()
            }),
            "undo" => message(&mut chance, UNDO).is_some_and(|undo: Undo| {
                let confirmed = history::confirmed_of(&undo.confirmed);
                assert_eq!(
                    confirmed.tells_admin as u64,
                    u64::from(undo.confirmed.tells_admin)
                );
                id_is_checked("run_id", &undo.run_id)
            }),
            "id" => {
                let fields = [
                    "id",
                    "appointment_id",
                    "calendar_id",
                    "run_id",
                    "history_ids",
                    "appointment_ids",
                ];
                let long = "x".repeat(510 + chance.below(5));
                let id = [chance.of(WORDS), long.as_str()][usize::from(chance.below(10) == 0)];
                id_is_checked(chance.of(&fields), id)
            }
            _ => {
                let fields = [("field", "word"), ("pattern", "word"), ("text", "word")];
                let view = match chance.below(2) {
                    0 => serde_json::from_value::<OwnRuleView>(rule(&mut chance)).ok(),
                    _ => message(&mut chance, &fields),
                };
                view.and_then(|view| taken(settings::rule_of(&view)))
                    .is_some_and(|rule| filter::check_rule(&rule).is_ok())
            }
        };
        *counts.entry(kind).or_default() += usize::from(fine);
    }
    println!("{MESSAGES} messages; taken: {counts:?}");
    // Else the generator would only have shown that rubbish is refused.
    for kind in [
        "patch", "query", "answer", "seen", "ids", "rule", "exclude", "format", "pause", "moment", "held",
        "restore", "undo", "id",
    ] {
        assert!(counts[kind] > 1_000, "{kind}: {counts:?}");
    }
    let never: Vec<_> = PATCH
        .iter()
        .filter(|(name, _)| !fields_taken.contains(*name))
        .collect();
    assert!(never.is_empty(), "never taken: {never:?}");
    assert!(list_was_full);
}

#[tokio::test]
async fn a_check_that_does_not_exist_is_not_run() {
    let (host, _folder) = connected("no-such-check").await;
    for word in WORDS
        .iter()
        .chain(NAMES)
        .chain(&["Database", "database ", "network\0", "tray"])
    {
        assert_eq!(host.check(word).await.map(|check| check.check), None, "{word}");
    }
    let known = host.check("database").await.map(|check| check.check);
    assert_eq!(known.as_deref(), Some("database"));
    host.close().await;
}
