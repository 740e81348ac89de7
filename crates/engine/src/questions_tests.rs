use super::*;
use roundtrip_core::question::Why;

const HOUR: i64 = 3_600;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
}

fn cancelled(seconds: i64) -> HistoryItem {
    HistoryItem {
        id: "1".into(),
        run_id: None,
        at: at(seconds),
        appointment_id: Some(AppointmentId::new("a")),
        title: None,
        what: HistoryWhat::Deleted {
            reason: DeleteReason::Cancelled,
            edit_lost: false,
            inferred: false,
            time: None,
        },
        source: HistorySource::Platform,
        result: HistoryResult::Ok,
        problem: None,
        request_id: None,
        took: None,
    }
}

fn went_on(kind: QuestionKind, why: Why) -> Question {
    let id = AppointmentId::new("a");
    let mark = "g1".into();
    Question {
        id: QuestionId("q".into()),
        kind,
        appointments: vec![id.clone()],
        causes: BTreeMap::from([(id, Cause { why, mark })]),
        asked_at: at(0),
        answer: Some(Answer::GoOn),
        answered_at: Some(at(10)),
    }
}

#[test]
fn a_go_on_confirms_the_change_it_was_about() {
    let question = [went_on(QuestionKind::Cancellations, Why::Cancelled)];
    assert!(confirmed(&question, &cancelled(20), Some(1)));
    assert!(
        confirmed(&question, &cancelled(20), None),
        "the record is gone by now"
    );
    assert!(!confirmed(&question, &cancelled(5), Some(1)), "before the answer");
}

#[test]
fn a_go_on_to_something_else_leaves_a_later_deletion_in_the_count() {
    let moved = [went_on(QuestionKind::Moves, Why::Moved)];
    assert!(!confirmed(&moved, &cancelled(24 * HOUR), Some(1)));
    let inferred = [went_on(QuestionKind::InferredDeletions, Why::Absent)];
    assert!(!confirmed(&inferred, &cancelled(24 * HOUR), Some(1)));
    let earlier = [went_on(QuestionKind::Cancellations, Why::Cancelled)];
    assert!(
        !confirmed(&earlier, &cancelled(24 * HOUR), Some(2)),
        "of a later event"
    );
}

#[test]
fn every_line_that_is_part_of_a_mass_is_among_those_that_are_read() {
    let span = roundtrip_core::time::TimeSpan {
        start: at(0),
        end: at(HOUR),
        zone: chrono_tz::Tz::UTC,
    };
    let lines = [
        cancelled(0).what,
        HistoryWhat::MovedBack {
            from: span,
            to: span,
            admin_notified: true,
        },
        HistoryWhat::RemovedInCalendar { by_trainer: true },
        HistoryWhat::Adopted,
        HistoryWhat::Added { time: span },
    ];
    for what in lines {
        let stored = serde_json::to_value(&what).expect("it can be stored");
        let name = stored["what"].as_str().expect("it has a name");
        assert_eq!(kind_of(&what).is_some(), COUNTED.contains(&name), "{name}");
    }
}
