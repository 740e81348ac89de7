//! Both sides changed the same thing: a person decides, and every answer is carried out.

use roundtrip_behaviour_tests::{World, at, local};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{Choice, ConflictCause, ConflictKind, ConflictState, Resolution};
use roundtrip_core::record::{Field, Value};
use roundtrip_core::settings::ConflictPolicy;
use roundtrip_core::time::{EventTime, TimeSpan};
use roundtrip_engine::AnswerError;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_sandbox::faults::Fault;
use serde_json::json;

const BEFORE: &str = "2026-12-01 09:00";
const PLATFORM: &str = "2026-12-02 11:00";
const CALENDAR: &str = "2026-12-03 15:00";

/// A visit that the trainer moved first, and the admin `later` seconds after it; both were read.
async fn both_moved(later: i64) -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;
    world.advance(600);
    if later >= 0 {
        world.trainer().drag(&visit, CALENDAR);
        world.advance(later);
        world.admin().move_to(&visit, PLATFORM);
    } else {
        world.admin().move_to(&visit, PLATFORM);
        world.advance(-later);
        world.trainer().drag(&visit, CALENDAR);
    }
    world.settle().await;
    (world, visit)
}

fn span(start: &str) -> Value {
    let start = at(start);
    Value::Time(EventTime::Timed(TimeSpan {
        start,
        end: start + chrono::TimeDelta::minutes(90),
        zone: chrono_tz::Europe::Berlin,
    }))
}

async fn agreed_at(world: &World, visit: &str, start: &str) {
    assert_eq!(world.admin().start(visit), at(start), "on the platform");
    assert_eq!(world.trainer().start(visit), at(start), "in the calendar");
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
    assert_eq!(world.badge(visit).await.0, Badge::Synced);
}

#[tokio::test]
async fn both_moved_is_a_conflict_that_shows_all_three_and_writes_nothing() {
    let (world, visit) = both_moved(60).await;

    let conflict = world.conflict(&visit).await;
    assert_eq!(
        (conflict.kind, &conflict.cause),
        (ConflictKind::TimeChange, &ConflictCause::BothChanged)
    );
    let [field] = conflict.fields.as_slice() else {
        panic!("{conflict:?}")
    };
    assert_eq!(field.field, Field::Time);
    assert_eq!(field.before, Some(span(BEFORE)));
    assert_eq!(
        (&field.platform, &field.calendar),
        (&span(PLATFORM), &span(CALENDAR))
    );
    assert_eq!(conflict.platform_changed_by.as_deref(), Some("Jana Roth"));
    assert_eq!(world.admin().start(&visit), at(PLATFORM));
    assert_eq!(world.trainer().start(&visit), at(CALENDAR));
    assert_eq!(world.badge(&visit).await.0, Badge::Conflict);
    world.check_invariants().await;
    assert_eq!(
        world.conflict(&visit).await.id,
        conflict.id,
        "one conflict, however often it is looked at"
    );
    assert_eq!(world.admin().writes(), []);
}

#[tokio::test]
async fn keep_platform_writes_the_platforms_time_into_the_calendar() {
    let (world, visit) = both_moved(60).await;
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.admin().writes(), []);
    agreed_at(&world, &visit, PLATFORM).await;
}

#[tokio::test]
async fn keep_calendar_reports_the_calendars_time_once() {
    let (world, visit) = both_moved(60).await;
    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.admin().told_of(&visit).len(), 1);
    agreed_at(&world, &visit, CALENDAR).await;
}

#[tokio::test]
async fn most_recent_takes_the_side_that_spoke_last() {
    let (world, visit) = both_moved(600).await;
    world
        .resolve(&visit, Resolution::MostRecent)
        .await
        .expect("ten minutes are enough to tell");
    world.settle().await;
    agreed_at(&world, &visit, PLATFORM).await;

    let (world, visit) = both_moved(-600).await;
    world
        .resolve(&visit, Resolution::MostRecent)
        .await
        .expect("ten minutes are enough to tell");
    world.settle().await;
    agreed_at(&world, &visit, CALENDAR).await;
}

#[tokio::test]
async fn most_recent_asks_when_both_spoke_within_two_minutes() {
    let (world, visit) = both_moved(100).await;

    assert_eq!(
        world.resolve(&visit, Resolution::MostRecent).await,
        Err(AnswerError::TooClose)
    );

    assert_eq!(world.conflicts().await.len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn merge_takes_each_field_from_the_side_chosen_for_it() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;
    world.trainer().drag(&visit, CALENDAR);
    world.trainer().rename(&visit, "Meine Apotheke");
    world.admin().move_to(&visit, PLATFORM);
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;
    assert_eq!(world.conflict(&visit).await.fields.len(), 2);

    let choices = vec![(Field::Time, Choice::Calendar), (Field::Title, Choice::Platform)];
    world
        .resolve(&visit, Resolution::Merge { choices })
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    agreed_at(&world, &visit, CALENDAR).await;
}

#[tokio::test]
async fn merge_with_a_third_time_writes_it_on_both_sides() {
    let (world, visit) = both_moved(60).await;
    let start = at("2026-12-04 13:00");
    let time = TimeSpan {
        start,
        end: start + chrono::TimeDelta::hours(1),
        zone: chrono_tz::Europe::Berlin,
    };
    let choices = vec![(Field::Time, Choice::Time { time })];
    world
        .resolve(&visit, Resolution::Merge { choices })
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.admin().end(&visit), Some(at("2026-12-04 14:00")));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    agreed_at(&world, &visit, "2026-12-04 13:00").await;
}

#[tokio::test]
async fn an_answer_given_to_an_older_state_of_the_platform_is_refused() {
    let (world, visit) = both_moved(60).await;
    let shown = world.conflict(&visit).await;
    world.admin().move_to(&visit, "2026-12-04 08:00");
    world.settle().await;

    let answer = world
        .engine
        .resolve_conflict(&shown.id, &shown.seen, &Resolution::KeepCalendar)
        .await;

    assert!(
        matches!(answer, Err(AnswerError::Stale | AnswerError::Gone)),
        "{answer:?}"
    );
    let now = world.conflict(&visit).await;
    assert_eq!(
        now.fields[0].platform,
        span("2026-12-04 08:00"),
        "the new state is shown instead"
    );
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_answer_given_to_an_older_state_of_the_calendar_is_refused() {
    let (world, visit) = both_moved(60).await;
    let shown = world.conflict(&visit).await;
    world.trainer().drag(&visit, "2026-12-04 08:00");
    world.settle().await;

    let answer = world
        .engine
        .resolve_conflict(&shown.id, &shown.seen, &Resolution::KeepPlatform)
        .await;

    assert!(
        matches!(answer, Err(AnswerError::Stale | AnswerError::Gone)),
        "{answer:?}"
    );
    assert_eq!(world.trainer().start(&visit), at("2026-12-04 08:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_answer_to_a_state_that_changed_unseen_never_overwrites_it() {
    let (world, visit) = both_moved(60).await;
    // The admin moves it once more, and no cycle has seen that yet.
    world.admin().move_to(&visit, "2026-12-04 08:00");
    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("as far as the laptop knows");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-04 08:00"));
    assert_eq!(world.conflict(&visit).await.kind, ConflictKind::TimeChange);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_edit_in_the_calendar_after_the_last_reading_is_not_overwritten() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;
    world.advance(600);
    world.admin().move_to(&visit, PLATFORM);
    world.trainer().drag(&visit, CALENDAR);
    // The listing does not tell of it: only the condition of the write protects it.
    world.spoil_google(Fault::EmptyPage, |rule| rule.method("GET").path("syncToken"));
    world.settle().await;
    world.repair();

    assert_eq!(world.trainer().start(&visit), at(CALENDAR));
    assert_eq!(world.admin().start(&visit), at(PLATFORM));
    assert_eq!(world.conflict(&visit).await.kind, ConflictKind::TimeChange);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_edit_in_the_calendar_just_before_a_deletion_is_told_in_the_history() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;
    world.advance(600);
    world.admin().cancel(&visit);
    world.trainer().drag(&visit, CALENDAR);
    world.spoil_google(Fault::EmptyPage, |rule| rule.method("GET").path("syncToken"));
    world.settle().await;
    world.repair();

    assert!(!world.trainer().has(&visit));
    let told = world.story(&visit).await;
    assert!(
        told.iter()
            .any(|what| matches!(what, HistoryWhat::Deleted { edit_lost: true, .. })),
        "{told:?}"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_conflict_that_the_sides_settle_by_themselves_is_closed() {
    let (world, visit) = both_moved(60).await;
    let conflict = world.conflict(&visit).await;

    world.admin().move_to(&visit, CALENDAR);
    world.settle().await;

    let closed = world
        .engine
        .ledger()
        .conflict(&conflict.id)
        .await
        .expect("the ledger works");
    assert!(matches!(
        closed.map(|conflict| conflict.state),
        Some(ConflictState::Superseded { .. })
    ));
    agreed_at(&world, &visit, CALENDAR).await;
}

#[tokio::test]
async fn stop_syncing_leaves_both_sides_alone_until_it_is_resumed() {
    let (world, visit) = both_moved(60).await;
    world
        .resolve(&visit, Resolution::StopSyncing)
        .await
        .expect("it is as shown");
    let mark = world.mark();
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;

    assert!(world.writes_since(mark).is_empty());
    assert_eq!(
        world.badge(&visit).await,
        (Badge::LeftOut, Some("stopped".into()))
    );
    world
        .engine
        .retry(Some(&roundtrip_core::ids::AppointmentId::new(&*visit)))
        .await
        .expect("the ledger works");
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_standing_policy_answers_without_asking_and_says_so() {
    for (policy, start) in [
        (ConflictPolicy::KeepPlatform, PLATFORM),
        (ConflictPolicy::KeepCalendar, CALENDAR),
        (ConflictPolicy::MostRecent, PLATFORM),
    ] {
        let world = World::new().await;
        world.set(|settings| settings.time_policy = policy).await;
        let visit = world.admin().visit("Linden-Apotheke", BEFORE);
        world.sync().await;
        world.trainer().drag(&visit, CALENDAR);
        world.advance(600);
        world.admin().move_to(&visit, PLATFORM);
        world.settle().await;

        let resolved: Vec<bool> = world
            .story(&visit)
            .await
            .into_iter()
            .filter_map(|what| match what {
                HistoryWhat::ConflictResolved { by_policy, .. } => Some(by_policy),
                _ => None,
            })
            .collect();
        assert_eq!(resolved, [true], "{policy:?}");
        agreed_at(&world, &visit, start).await;
    }
}

#[tokio::test]
async fn after_an_answer_a_further_change_waits_and_is_not_dropped() {
    let (world, visit) = both_moved(60).await;
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.sync().await;
    let written = world.admin().writes().len();
    world.advance(1);
    world.trainer().drag(&visit, "2026-12-04 16:00");
    world.advance(30);
    world.sync().await;
    assert_eq!(
        world.admin().writes().len(),
        written,
        "within a minute of the answer"
    );
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Waiting, Some("cool_down".into()))
    );

    world.settle().await;
    agreed_at(&world, &visit, "2026-12-04 16:00").await;
}

#[tokio::test]
async fn a_title_changed_on_both_sides_is_a_mismatch_and_mine_stays_in_the_calendar_only() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;
    world.trainer().rename(&visit, "Meine Apotheke");
    world.sync().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;
    assert_eq!(world.conflict(&visit).await.kind, ConflictKind::DataMismatch);
    assert_eq!(world.trainer().title(&visit), "Meine Apotheke");

    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.trainer().title(&visit), "Meine Apotheke");
    let place = world
        .admin()
        .appointment(&visit)
        .location
        .and_then(|place| place.name);
    assert_eq!(place.as_deref(), Some("Rosen-Apotheke"));
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Synced, Some("own_wording".into()))
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_conflict_on_one_field_does_not_hold_back_the_others() {
    let (world, visit) = both_moved(60).await;

    world.admin().note(&visit, "Hintereingang.");
    world.settle().await;

    assert!(world.trainer().description(&visit).contains("Hintereingang."));
    assert_eq!(world.trainer().start(&visit), at(CALENDAR));
    assert_eq!(world.conflicts().await.len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_conflict_survives_a_restart() {
    let (mut world, visit) = both_moved(60).await;
    let conflict = world.conflict(&visit).await;

    world.restart().await;
    world.settle().await;

    assert_eq!(world.conflict(&visit).await.id, conflict.id);
    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;
    agreed_at(&world, &visit, CALENDAR).await;
}

#[tokio::test]
async fn sides_that_chase_each_other_stop_and_become_a_conflict() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;
    // Another program sets the title back each time, and the admin changes it each time.
    for round in 0..8 {
        world.admin().rename(&visit, &format!("Apotheke {round}"));
        world.sync().await;
        world.advance(10);
    }

    assert_eq!(world.conflict(&visit).await.cause, ConflictCause::PingPong);
    let written = world.trainer().title(&visit);
    assert_ne!(written, "Apotheke 7");
    world.check_invariants().await;
    assert_eq!(
        world.trainer().title(&visit),
        written,
        "nothing more is written by itself"
    );
}

#[tokio::test]
async fn an_edit_of_the_time_and_of_the_text_in_one_go_is_understood() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;

    let start = local("2026-12-03 15:00", chrono_tz::Europe::Berlin);
    let end = start + chrono::TimeDelta::minutes(90);
    world.trainer().edit(
        &visit,
        &json!({"summary": "Meine Apotheke", "start": {"dateTime": start.to_rfc3339()}, "end": {"dateTime": end.to_rfc3339()}}),
    );
    world.settle().await;

    assert_eq!(world.admin().start(&visit), start);
    assert_eq!(world.trainer().title(&visit), "Meine Apotheke");
    world.check_invariants().await;
}
