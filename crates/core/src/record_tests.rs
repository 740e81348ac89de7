use super::*;
use crate::testing::{context, linked};
use chrono_tz::{America, Europe};

fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("text")
}

/// Of a version that wrote down what is usual, too.
const OLDER: &str = r#"{"appointment_id":"apt_1","appointment":{"id":"apt_1","version":1,"status":"scheduled",
"kind":{"id":"visit","name":"Visit"},"title":"Linden","topic":null,"place":{"name":null,"address":"Lindenstr. 5"},
"start":"2027-10-13T11:00:00Z","end":null,"zone":"Europe/Berlin","notes":null,
"client":{"id":"cli_9","name":"Linh","email":null,"phone":null},"private":false,"editable":{"time":true,"notes":false},
"url":"https://x.example/1","created_at":"2026-11-21T08:00:00Z","updated_at":"2026-11-21T08:00:00Z","updated_by":null},
"removal":null,"link":{"kind":"linked"},"generation":1,"event_id":"e1","event":{"id":"e1","etag":"\"1\"","updated":null,
"time":{"kind":"timed","start":"2027-10-13T11:00:00Z","end":"2027-10-13T12:00:00Z","zone":"Europe/Berlin"},"title":"Linden",
"location":"Lindenstr. 5","description":"","recurring":false,"free":false,"declined":false,"organised_by_me":true,
"mark":null,"html_link":null},"base":{"platform":{"time":null,"title":{"kind":"text","value":"Linden"},"location":null,
"notes":null},"calendar":{"time":null,"title":null,"location":null,"notes":null}},"deleted_by_us":[],
"calendar_moved_at":null,"calendar_edited_at":null,"confirmed_time":null,"requested_time":null,
"requested_text":{"time":null,"title":null,"location":null,"notes":null},"delete_confirmed":false,"held":null,"passed":1,
"policy_time":null,"ask_moves":false,"tombstone_at":null,"change_told":false,"missing_id_taken":false,"duplicates":[],
"looks":"edb43d4b","refusal":null,"conflict":null,"cool_down_until":null,"recent_writes":[],"missing_since":null,
"event_seen_at":null,"problem":null,"note":null}"#;

#[test]
fn a_record_of_an_older_version_is_read_and_shorter_from_then_on() {
    let record: Record = serde_json::from_str(OLDER).expect("a record");
    assert_eq!(record.base.platform.title, Some(Value::Text("Linden".into())));
    assert_eq!(
        record.base.calendar,
        FieldValues::default(),
        "unknown stays unknown"
    );
    let text = written(&record);
    assert!(text.len() < OLDER.len() / 2, "{text}");
    assert!(!text.contains("null"), "{text}");
    assert_eq!(serde_json::from_str::<Record>(&text).expect("a record"), record);
}

#[test]
fn a_base_that_is_the_same_on_both_sides_is_written_down_once() {
    let record = linked(&context("2026-11-21T08:00:00Z"));
    let same = record.base;
    assert_eq!(same.platform, same.calendar);
    assert!(!written(&same).contains("calendar"));

    let mut moved = same.clone();
    moved.calendar.time = None;
    let mut travelled = same.clone();
    let zone_of = |base: &Base| match base.calendar.time {
        Some(Value::Time(EventTime::Timed(span))) => Some(span.zone),
        _ => None,
    };
    if let Some(Value::Time(EventTime::Timed(span))) = &mut travelled.calendar.time {
        span.zone = America::New_York;
    }
    assert_eq!(travelled, same, "no move");
    for (base, zone) in [
        (&same, Some(Europe::Berlin)),
        (&moved, None),
        (&travelled, Some(America::New_York)),
        (&Base::default(), None),
    ] {
        let back: Base = serde_json::from_str(&written(base)).expect("a base");
        assert_eq!((&back, zone_of(&back)), (base, zone));
    }
}
