//! The walk back from the present, line by line.

use super::*;
use crate::ledger::{HistoryResult, HistorySource};
use roundtrip_core::event::Event;
use roundtrip_core::ids::{Etag, EventId};
use roundtrip_core::time::EventTime;

fn hour(hour: u32) -> DateTime<Utc> {
    format!("2026-12-01T{hour:02}:00:00Z")
        .parse()
        .expect("a test's own time")
}

fn span(from: u32) -> TimeSpan {
    TimeSpan {
        start: hour(from),
        end: hour(from + 1),
        zone: chrono_tz::UTC,
    }
}

fn present(id: &str, time: Option<TimeSpan>) -> Record {
    let mut record = Record::new(AppointmentId::new(id));
    record.event = time.map(|time| Event {
        id: EventId::new(id),
        etag: Etag::new("1"),
        updated: None,
        time: EventTime::Timed(time),
        title: String::new(),
        location: String::new(),
        description: String::new(),
        recurring: false,
        free: false,
        declined: false,
        organised_by_me: true,
        mark: None,
        html_link: None,
    });
    record
}

/// A line of minute `minute` past eight, by its number.
fn line(minute: u32, id: &str, what: HistoryWhat) -> HistoryItem {
    HistoryItem {
        id: format!("line{minute}"),
        run_id: None,
        at: hour(8) + Duration::minutes(i64::from(minute)),
        appointment_id: Some(AppointmentId::new(id)),
        title: Some("Linden".into()),
        what,
        source: HistorySource::Platform,
        result: HistoryResult::Ok,
        problem: None,
        request_id: None,
        took: None,
    }
}

fn moved(from: u32, to: u32) -> HistoryWhat {
    HistoryWhat::MovedBack {
        from: span(from),
        to: span(to),
        admin_notified: true,
    }
}

/// The events at minute `minute` past eight: id, hour, what became of it, line that brings it back.
fn told(records: &[Record], lines: &[HistoryItem], minute: u32) -> Vec<String> {
    let at = hour(8) + Duration::minutes(i64::from(minute));
    events_at(records, lines, at)
        .iter()
        .map(|event| {
            let since = match event.since {
                Since::Same => "same".to_owned(),
                Since::Moved { now } => format!("now {}", now.format("%H")),
                Since::Gone => "gone".to_owned(),
            };
            let way = event.history_id.as_deref().unwrap_or("-");
            format!(
                "{} {} {since} {way}",
                event.appointment_id,
                event.time.start.format("%H")
            )
        })
        .collect()
}

#[test]
fn now_is_what_is_in_the_calendar() {
    let records = [
        present("a", Some(span(9))),
        present("b", None),
        present("c", Some(span(11))),
    ];
    let lines = [
        line(2, "a", moved(8, 9)),
        line(1, "a", HistoryWhat::Added { time: span(8) }),
    ];
    assert_eq!(told(&records, &lines, 30), ["a 09 same -", "c 11 same -"]);
}

#[test]
fn an_event_was_not_there_before_it_was_added() {
    let records = [present("a", Some(span(9)))];
    let lines = [line(5, "a", HistoryWhat::Added { time: span(9) })];
    assert_eq!(told(&records, &lines, 4), [""; 0]);
    assert_eq!(told(&records, &lines, 5), ["a 09 same -"]);
}

#[test]
fn each_move_is_walked_back() {
    let records = [present("a", Some(span(15)))];
    let changed = HistoryWhat::Changed {
        fields: vec![roundtrip_core::record::Field::Time],
        from: Some(span(12)),
        to: Some(span(15)),
    };
    let lines = [
        line(9, "a", changed),
        line(5, "a", moved(9, 12)),
        line(1, "a", HistoryWhat::Added { time: span(9) }),
    ];
    assert_eq!(told(&records, &lines, 10), ["a 15 same -"]);
    assert_eq!(told(&records, &lines, 6), ["a 12 now 15 line9"]);
    // Two steps back: no single line leads there.
    assert_eq!(told(&records, &lines, 2), ["a 09 now 15 -"]);
}

#[test]
fn what_is_gone_stood_where_it_was_last() {
    let removed = HistoryWhat::RemovedInCalendar { by_trainer: true };
    let deleted = HistoryWhat::Deleted {
        reason: DeleteReason::Cancelled,
        edit_lost: false,
        inferred: false,
        time: Some(span(14)),
    };
    let records = [present("a", None)];
    let lines = [
        line(9, "b", deleted),
        line(7, "a", removed),
        line(5, "a", moved(9, 12)),
    ];
    assert_eq!(told(&records, &lines, 6), ["a 12 gone line7", "b 14 gone -"]);
    assert_eq!(told(&records, &lines, 4), ["a 09 gone line7", "b 14 gone -"]);
    assert_eq!(told(&records, &lines, 8), ["b 14 gone -"]);
}

#[test]
fn one_too_many_that_was_deleted_changes_nothing() {
    let duplicate = HistoryWhat::Deleted {
        reason: DeleteReason::Duplicate,
        edit_lost: false,
        inferred: false,
        time: Some(span(9)),
    };
    let records = [present("a", Some(span(12)))];
    assert_eq!(told(&records, &[line(5, "a", duplicate)], 2), ["a 12 same -"]);
}
