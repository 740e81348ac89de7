//! What trainers really do in a calendar.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{Choice, ConflictCause, ConflictKind, Resolution};
use roundtrip_core::record::Field;
use roundtrip_core::time::TimeSpan;
use roundtrip_sandbox::faults::Fault;
use serde_json::{Value, json};

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    world.advance(60);
    (world, visit)
}

fn all_day(day: &str, next: &str) -> Value {
    json!({"start": {"date": day, "dateTime": null, "timeZone": null}, "end": {"date": next, "dateTime": null, "timeZone": null}})
}

#[tokio::test]
async fn made_all_day_asks_for_a_time_and_takes_the_answer_to_both_sides() {
    let (world, visit) = with_visit().await;
    world.trainer().edit(&visit, &all_day("2026-12-02", "2026-12-03"));
    world.settle().await;

    let conflict = world.conflict(&visit).await;
    assert_eq!(
        (conflict.kind, conflict.cause),
        (ConflictKind::UnusualMove, ConflictCause::MadeAllDay)
    );
    assert_eq!(world.admin().start(&visit), at("2026-12-01 09:00"));
    let start = at("2026-12-02 10:00");
    let time = TimeSpan {
        start,
        end: start + TimeDelta::minutes(90),
        zone: chrono_tz::Europe::Berlin,
    };
    let choices = vec![(Field::Time, Choice::Time { time })];
    world
        .resolve(&visit, Resolution::Merge { choices })
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), start);
    assert_eq!(world.trainer().start(&visit), start);
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn dragged_to_no_length_asks_for_a_time_and_reports_none() {
    let (world, visit) = with_visit().await;
    world.trainer().drag_end(&visit, "2026-12-01 09:00");
    world.settle().await;

    let conflict = world.conflict(&visit).await;
    assert_eq!(
        (conflict.kind, conflict.cause),
        (ConflictKind::UnusualMove, ConflictCause::MadeAllDay)
    );
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.trainer().end(&visit), at("2026-12-01 10:30"));
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn made_all_day_and_put_back() {
    let (world, visit) = with_visit().await;
    world.trainer().edit(&visit, &all_day("2026-12-02", "2026-12-03"));
    world.settle().await;

    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    assert_eq!(world.trainer().end(&visit), at("2026-12-01 10:30"));
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn made_all_day_once_more_while_nobody_heard_that_it_was_put_back() {
    let (world, visit) = with_visit().await;
    let whole_day = all_day("2026-12-02", "2026-12-03");
    world.trainer().edit(&visit, &whole_day);
    world.settle().await;

    world.spoil_google(Fault::DropAfter, |rule| rule.method("PATCH"));
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.sync().await;
    world.repair();
    assert_eq!(
        world.trainer().start(&visit),
        at("2026-12-01 09:00"),
        "it arrived"
    );
    world.trainer().edit(&visit, &whole_day);
    world.settle().await;

    let conflict = world.conflict(&visit).await;
    assert_eq!(
        conflict.cause,
        ConflictCause::NoBase,
        "asked about, not written over"
    );
    assert_eq!(world.admin().writes(), []);
    // A time is what is offered for it.
    let start = at("2026-12-02 10:00");
    let time = TimeSpan {
        start,
        end: start + TimeDelta::minutes(90),
        zone: chrono_tz::Europe::Berlin,
    };
    let choices = vec![(Field::Time, Choice::Time { time })];
    world
        .resolve(&visit, Resolution::Merge { choices })
        .await
        .expect("it is as shown");
    world.settle().await;
    assert_eq!(
        (world.trainer().start(&visit), world.admin().start(&visit)),
        (start, start)
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn made_longer_is_a_move() {
    let (world, visit) = with_visit().await;
    world.trainer().drag_end(&visit, "2026-12-01 17:00");
    world.settle().await;

    assert_eq!(world.admin().end(&visit), Some(at("2026-12-01 17:00")));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn made_a_series_is_asked_about_and_nothing_is_written_to_it() {
    let (world, visit) = with_visit().await;
    world
        .trainer()
        .edit(&visit, &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}));
    let mark = world.mark();
    world.settle().await;
    let conflict = world.conflict(&visit).await;
    assert_eq!(
        (conflict.kind, conflict.cause),
        (ConflictKind::DataMismatch, ConflictCause::MadeSeries)
    );

    world.admin().rename(&visit, "Rosen-Apotheke");
    world.admin().move_to(&visit, "2026-12-02 09:00");
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());
    assert_eq!(world.trainer().title(&visit), "Linden-Apotheke");

    // The trainer makes it a single event again, and everything goes on.
    world.trainer().edit(&visit, &json!({"recurrence": null}));
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 09:00"));
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_series_whose_appointment_is_cancelled_is_asked_about() {
    let (world, visit) = with_visit().await;
    world
        .trainer()
        .edit(&visit, &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}));
    world.settle().await;
    world.admin().cancel(&visit);
    world.settle().await;

    assert_eq!(world.conflict(&visit).await.cause, ConflictCause::SeriesCancelled);
    assert!(world.trainer().has(&visit));
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;
    assert!(!world.trainer().has(&visit));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_series_whose_appointment_is_cancelled_stays_if_the_trainer_wants_it() {
    let (world, visit) = with_visit().await;
    world
        .trainer()
        .edit(&visit, &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}));
    world.settle().await;
    world.admin().cancel(&visit);
    world.settle().await;

    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert!(world.trainer().has(&visit));
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_copy_is_foreign_and_never_touched() {
    let (world, visit) = with_visit().await;
    let google = world.trainer();
    let original = google.event_id(&visit);
    let copy = google
        .google()
        .copy_event(world.person().google, "primary", &original)
        .expect("the trainer may copy");
    let copy_id = copy["id"].as_str().expect("an id").to_owned();
    google
        .google()
        .patch_event(
            world.person().google,
            "primary",
            &copy_id,
            &json!({"start": {"dateTime": "2026-12-08T09:00:00+01:00"}, "end": {"dateTime": "2026-12-08T10:30:00+01:00"}}),
        )
        .expect("the trainer may move a copy");
    world.settle().await;
    assert_eq!(world.admin().writes(), [], "the copy is not the appointment");

    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;
    world.admin().cancel(&visit);
    world.settle().await;

    let kept = google
        .google()
        .event(world.person().google, "primary", &copy_id)
        .expect("the copy is there");
    assert_eq!(
        (&kept["summary"], &kept["status"]),
        (&json!("Linden-Apotheke"), &json!("confirmed"))
    );
    let gone = google
        .google()
        .event(world.person().google, "primary", &original)
        .expect("a tombstone");
    assert_eq!(gone["status"], "cancelled");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_copy_of_a_deleted_event_does_not_take_its_place() {
    let (world, visit) = with_visit().await;
    let original = world.trainer().event_id(&visit);
    let google = world.trainer();
    google
        .google()
        .copy_event(world.person().google, "primary", &original)
        .expect("the trainer may copy");
    google
        .google()
        .delete_event(world.person().google, "primary", &original)
        .expect("the trainer may delete");
    world.settle().await;

    assert_eq!(
        world.badge(&visit).await,
        (Badge::Removed, Some("removed_by_you".into()))
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn moved_to_another_calendar_looks_deleted_and_can_be_put_back() {
    let (world, visit) = with_visit().await;
    let person = world.person().google;
    let google = world.running.sandbox.google.clone();
    let other = google
        .add_calendar(person, "Arbeit", chrono_tz::Europe::Berlin)
        .expect("a second calendar");
    let id = world.trainer().event_id(&visit);
    google
        .move_event_to_calendar(person, "primary", &id, &other)
        .expect("the trainer may move it there");
    let there = google.event(person, &other, &id).expect("it is there now");
    world.settle().await;

    assert_eq!(world.badge(&visit).await.0, Badge::Removed);
    assert_eq!(world.admin().writes(), []);
    world.put_back(&visit).await.expect("it was removed");
    world.settle().await;
    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    let still = google.event(person, &other, &id).expect("it is still there");
    assert_eq!(
        still["etag"], there["etag"],
        "the calendar that was not chosen is not written to"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn an_event_given_guests_still_syncs_and_nobody_is_mailed() {
    let (world, visit) = with_visit().await;
    world
        .trainer()
        .edit(&visit, &json!({"attendees": [{"email": "kollege@example.net"}]}));
    world.settle().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));

    world.admin().move_to(&visit, "2026-12-02 15:00");
    world.settle().await;

    assert_eq!(world.trainer().start(&visit), at("2026-12-02 15:00"));
    assert_eq!(
        world.trainer().event(&visit)["attendees"][0]["email"],
        "kollege@example.net"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn an_event_whose_mark_was_removed_is_still_known_by_its_id() {
    let (world, visit) = with_visit().await;
    let id = world.trainer().event_id(&visit);
    world.trainer().edit(
        &visit,
        &json!({"extendedProperties": {"private": {"rt_appointment": null, "rt_platform": null}}}),
    );
    world.settle().await;
    world.admin().move_to(&visit, "2026-12-02 09:00");
    world.settle().await;

    assert_eq!(
        world.trainer().event_id(&visit),
        id,
        "the next write marks it again"
    );
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 09:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn foreign_events_come_and_go_without_a_trace() {
    let (world, visit) = with_visit().await;
    let google = world.running.sandbox.google.clone();
    let person = world.person().google;
    let secret = "Termin beim Anwalt";
    let foreign = google
        .insert_event(
            person,
            "primary",
            &json!({"summary": secret, "start": {"dateTime": "2026-12-01T09:00:00+01:00"}, "end": {"dateTime": "2026-12-01T10:00:00+01:00"}}),
        )
        .expect("the trainer may plan");
    world.settle().await;
    google
        .delete_event(person, "primary", foreign["id"].as_str().expect("an id"))
        .expect("and delete");
    world.settle().await;

    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    for found in std::fs::read_dir(world.folder()).expect("the laptop's folder") {
        let bytes = std::fs::read(found.expect("a file").path()).expect("a readable file");
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
    world.check_invariants().await;
}
