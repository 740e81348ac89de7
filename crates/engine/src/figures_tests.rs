use super::*;
use crate::ledger::{HistoryResult, HistorySource, HistoryWhat};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own time")
}

fn line(text: &str, took: Option<(Side, Took)>) -> HistoryItem {
    HistoryItem {
        id: text.into(),
        run_id: None,
        at: at(text),
        appointment_id: None,
        title: None,
        what: HistoryWhat::Adopted,
        source: HistorySource::Roundtrip,
        result: HistoryResult::Ok,
        problem: None,
        request_id: None,
        took,
    }
}

fn service(millis: u64) -> Took {
    Took {
        service_ms: millis,
        ..Took::default()
    }
}

#[test]
fn a_percentile_is_a_value_that_was_measured() {
    assert_eq!(percentile(&[], 50), None);
    assert_eq!(percentile(&[7], 1), Some(7));
    assert_eq!(percentile(&[7], 99), Some(7));
    assert_eq!(percentile(&[3, 1, 2], 50), Some(2));
    assert_eq!(
        percentile(&[4, 1, 3, 2], 50),
        Some(2),
        "the nearest rank, no mean"
    );
    let hundred: Vec<u64> = (1..=100).rev().collect();
    assert_eq!(percentile(&hundred, 95), Some(95));
    assert_eq!(percentile(&hundred, 99), Some(99));
    assert_eq!(percentile(&hundred, 100), Some(100));
    let hundred_and_one: Vec<u64> = (1..=101).collect();
    assert_eq!(percentile(&hundred_and_one, 99), Some(100));
    assert_eq!(percentile(&hundred, 0), Some(1), "no percentile below the first");
}

#[test]
fn the_time_of_a_change_is_split_by_its_causes() {
    let noticed = Noticed {
        changed_at: at("2026-11-21T08:00:00Z"),
        seen_at: at("2026-11-21T08:10:00Z"),
    };
    let took = |noticed: &Noticed, every| {
        Took::of(
            noticed,
            at("2026-11-21T08:10:20Z"),
            at("2026-11-21T08:10:21.500Z"),
            every,
        )
    };
    let expected = Took {
        away_ms: 0,
        poll_ms: 600_000,
        wait_ms: 20_000,
        service_ms: 1_500,
    };
    assert_eq!(took(&noticed, 15), expected);
    assert_eq!(expected.total_ms(), 621_500);
    // A laptop that looks every five minutes, at most six and a quarter, was not there for the rest of the ten.
    let away = took(&noticed, 5);
    assert_eq!((away.away_ms, away.poll_ms), (165_000, 435_000));
    // The services' clocks disagree by a moment.
    let later = Noticed {
        changed_at: at("2026-11-21T08:10:30Z"),
        ..noticed
    };
    assert_eq!((took(&later, 15).poll_ms, took(&later, 15).away_ms), (0, 0));
}

#[test]
fn figures_tell_of_thirty_days_and_leave_no_day_out() {
    let mut old = DayCount {
        day: "2026-10-22".parse().expect("a day"),
        runs: 50,
        writes: 9,
        ..DayCount::default()
    };
    old.error(Side::Platform, "unreachable");
    let mut today = DayCount {
        day: "2026-11-21".parse().expect("a day"),
        runs: 10,
        runs_ok: 6,
        runs_offline: 3,
        writes: 19,
        writes_failed: 1,
        retries: 4,
        questions: 2,
        missed: 3,
        ..DayCount::default()
    };
    for _ in 0..3 {
        today.error(Side::Platform, "unreachable");
    }
    today.error(Side::Calendar, "throttled");
    let away = Took {
        away_ms: 5,
        ..service(40)
    };
    let items = [
        line("2026-10-22T10:00:00Z", Some((Side::Calendar, service(9_000)))),
        line("2026-11-20T10:00:00Z", Some((Side::Calendar, service(30)))),
        line("2026-11-20T10:00:01Z", Some((Side::Calendar, away))),
        line("2026-11-20T10:00:02Z", None),
        line("2026-11-21T10:00:00Z", Some((Side::Platform, service(70)))),
    ];
    let figures = figures(
        &[today, old],
        &items,
        &Watch::default(),
        at("2026-11-21T12:00:00Z"),
    );
    assert_eq!(
        figures.runs,
        Share { ok: 6, of: 7 },
        "no network is nobody's failure"
    );
    assert_eq!(figures.writes, Share { ok: 19, of: 20 });
    assert_eq!((figures.retries, figures.questions, figures.missed), (4, 2, 3));
    let expected = [
        ("platform.unreachable".to_owned(), 3),
        ("calendar.throttled".to_owned(), 1),
    ];
    assert_eq!(figures.errors, expected);
    assert_eq!(figures.days.len(), 30);
    assert_eq!(figures.days[0].day.to_string(), "2026-10-23");
    assert_eq!((figures.days[28].runs, figures.days[29].runs), (0, 10));
    assert_eq!((figures.to_event.count, figures.to_event.away), (2, 1));
    assert_eq!(
        (figures.to_event.p50_ms, figures.to_event.p99_ms),
        (Some(30), Some(40))
    );
    assert_eq!((figures.to_report.count, figures.to_report.p95_ms), (1, Some(70)));
}

#[test]
fn a_service_cannot_make_a_day_grow_without_end() {
    let mut day = DayCount::default();
    for number in 0..1_000 {
        day.error(Side::Calendar, &format!("kind_{number}"));
    }
    assert!(day.errors.len() <= KINDS_MAX + 1);
    assert_eq!(day.errors.values().sum::<u32>(), 1_000);
}

#[test]
fn what_is_counted_while_a_day_is_committed_is_kept_for_the_next_commit() {
    let mut tally = DayCount::default();
    tally.error(Side::Platform, "unreachable");
    tally.retries = 2;
    tally.missed = 1;
    let committed = DayCount {
        runs: 1,
        ..tally.clone()
    };
    tally.error(Side::Platform, "unreachable");
    tally.error(Side::Calendar, "throttled");
    tally.retries += 1;
    tally.missed += 1;
    tally.subtract(&committed);
    let left = [("calendar.throttled", 1), ("platform.unreachable", 1)];
    let left = left.map(|(kind, times)| (kind.to_owned(), times));
    assert_eq!((tally.retries, tally.missed, tally.errors), (1, 1, left.into()));
}
