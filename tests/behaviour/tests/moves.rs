//! What the trainer moves in the calendar reaches the platform, once.

use roundtrip_behaviour_tests::{BEN, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{ConflictCause, ConflictKind, Resolution};
use roundtrip_core::settings::Direction;
use roundtrip_engine::ledger::{HistoryResult, HistoryWhat};
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::{EditableField, NewAppointment, Rules};
use serde_json::json;

/// A world with one visit that is in the calendar: Tuesday, 1 December 2026, 9:00 to 10:30.
async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

#[tokio::test]
async fn a_move_reaches_the_platform_once_with_one_notification_and_a_history_row() {
    let (world, visit) = with_visit().await;
    world.advance(3_600);

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().end(&visit), Some(at("2026-12-01 16:30")));
    let told = world.admin().told_of(&visit);
    assert_eq!(told.len(), 1);
    let source = told[0].source.clone().expect("the move says where it was made");
    assert_eq!(
        (source.provider.as_str(), source.event_id),
        ("google", Some(world.trainer().event_id(&visit)))
    );
    assert_eq!(source.moved_at, Some(at("2026-11-21T09:00:00Z")));
    let moves: Vec<_> = world
        .story(&visit)
        .await
        .into_iter()
        .filter_map(|what| match what {
            HistoryWhat::MovedBack {
                from,
                to,
                admin_notified,
            } => Some((from.start, to.start, admin_notified)),
            _ => None,
        })
        .collect();
    assert_eq!(moves, [(at("2026-12-01 09:00"), at("2026-12-01 15:00"), true)]);
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
    assert_eq!(world.admin().told_of(&visit).len(), 1);
}

#[tokio::test]
async fn a_move_waits_for_the_settle_time_and_two_drags_are_one_move() {
    let (world, visit) = with_visit().await;

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.sync().await;
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Waiting, Some("settling".into()))
    );
    world.advance(15);
    world.trainer().drag(&visit, "2026-12-01 16:00");
    world.sync().await;
    world.advance(15);
    world.sync().await;
    assert_eq!(
        world.admin().writes(),
        [],
        "half a minute after the first drag, a quarter after the second"
    );
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 16:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_that_is_older_than_the_settle_time_need_not_wait() {
    let (world, visit) = with_visit().await;

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(21);
    world.sync().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_drag_that_is_taken_back_while_it_settles_is_no_move() {
    let (world, visit) = with_visit().await;

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.sync().await;
    world.advance(10);
    world.trainer().drag(&visit, "2026-12-01 09:00");
    world.settle().await;

    assert_eq!(world.admin().writes(), []);
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn only_the_end_changed_is_a_move_too() {
    let (world, visit) = with_visit().await;

    world.trainer().drag_end(&visit, "2026-12-01 12:00");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 09:00"));
    assert_eq!(world.admin().end(&visit), Some(at("2026-12-01 12:00")));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_missing_end_is_set_only_when_the_trainer_moves() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let visit = world.admin().plan(NewAppointment { end: None, ..draft });
    world.settle().await;
    assert_eq!(world.admin().writes(), []);

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.admin().end(&visit), Some(at("2026-12-01 16:00")));
    world.check_invariants().await;
}

#[tokio::test]
async fn another_zone_with_the_same_instants_is_no_move() {
    let (world, visit) = with_visit().await;

    world.trainer().edit(
        &visit,
        &json!({"start": {"dateTime": "2026-12-01T08:00:00Z", "timeZone": "Europe/London"},
            "end": {"dateTime": "2026-12-01T09:30:00Z", "timeZone": "Europe/London"}}),
    );
    world.settle().await;

    assert_eq!(world.admin().writes(), []);
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_is_reported_in_the_appointments_own_zone() {
    let (world, visit) = with_visit().await;

    world.trainer().edit(
        &visit,
        &json!({"start": {"dateTime": "2026-12-01T14:00:00Z", "timeZone": "Europe/London"},
            "end": {"dateTime": "2026-12-01T15:30:00Z", "timeZone": "Europe/London"}}),
    );
    world.settle().await;

    let moved = world.admin().appointment(&visit);
    assert_eq!(moved.time_zone, "Europe/Berlin");
    assert_eq!(moved.start.to_rfc3339(), "2026-12-01T15:00:00+01:00");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_refused_move_is_a_conflict_with_the_platforms_reason() {
    let (world, visit) = with_visit().await;
    world.admin().lock(&visit);
    world.sync().await;

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 09:00"));
    assert_eq!(world.admin().told_of(&visit), []);
    let conflict = world.conflict(&visit).await;
    assert_eq!(conflict.kind, ConflictKind::Refused);
    let ConflictCause::Refused(refusal) = conflict.cause else {
        panic!("{conflict:?}")
    };
    assert_eq!(refusal.reason, "locked");
    assert_eq!(
        refusal.detail.as_deref(),
        Some("The time of this appointment has been fixed by the admin.")
    );
    assert_eq!(world.badge(&visit).await.0, Badge::Conflict);
    // It is not asked again and again.
    world.check_invariants().await;
    assert_eq!(world.conflicts().await.len(), 1);
}

#[tokio::test]
async fn every_reason_of_a_refusal_is_said() {
    let world = World::new().await;
    let cases = [
        ("2026-12-01 09:00", "2026-12-01 05:00", "outside_hours"),
        ("2026-12-02 09:00", "2026-12-06 10:00", "outside_hours"),
        ("2026-12-18 09:00", "2026-12-25 10:00", "holiday"),
        ("2026-12-03 09:00", "2026-12-04 09:30", "overlap"),
    ];
    world.admin().visit("Rosen-Apotheke", "2026-12-04 09:00");
    let visits: Vec<String> = cases
        .iter()
        .map(|(start, _, _)| world.admin().visit("Linden-Apotheke", start))
        .collect();
    world.sync().await;

    for (visit, (_, to, _)) in visits.iter().zip(cases) {
        world.trainer().drag(visit, to);
    }
    world.settle().await;

    for (visit, (_, to, reason)) in visits.iter().zip(cases) {
        let ConflictCause::Refused(refusal) = world.conflict(visit).await.cause else {
            panic!("{to}")
        };
        assert_eq!(refusal.reason, reason, "{to}");
        assert!(refusal.detail.is_some_and(|detail| !detail.is_empty()), "{to}");
    }
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_refused_move_is_put_back_if_the_trainer_says_so() {
    let (world, visit) = with_visit().await;
    world.admin().lock(&visit);
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_refused_move_is_tried_again_if_the_trainer_says_so() {
    let (world, visit) = with_visit().await;
    world.admin().platform().set_rules(Rules {
        closes: "14:00:00".parse().expect("a time"),
        ..Rules::default()
    });
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;
    world.admin().platform().set_rules(Rules::default());

    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_refused_move_that_the_trainer_changes_is_reported_anew() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 05:00");
    world.settle().await;
    assert_eq!(world.conflicts().await.len(), 1);

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_time_that_may_not_be_moved_is_asked_about_and_never_sent() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let visit = world.admin().plan(NewAppointment {
        editable: Vec::new(),
        ..draft
    });
    world.sync().await;
    let mark = world.mark();

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.conflict(&visit).await.cause, ConflictCause::NotEditable);
    assert!(world.writes_since(mark).is_empty());
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;
    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_whose_answer_is_lost_is_reported_once() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.spoil_platform(Fault::DropAfter, |rule| rule.method("POST").path("/move"));
    world.settle().await;
    world.repair();

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    let moved = world
        .story(&visit)
        .await
        .into_iter()
        .filter(|what| matches!(what, HistoryWhat::MovedBack { .. }));
    assert_eq!(moved.count(), 1);
    world.check_invariants().await;
}

/// Found by simulation seeds 2832 and 4173: the power goes with the answer, and when the laptop wakes up the platform has
/// forgotten the key.
#[tokio::test]
async fn a_move_whose_answer_is_lost_for_a_week_is_told_in_the_history() {
    let (mut world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    world
        .lose_power_after(&format!("/v1/appointments/{visit}/move"))
        .await;
    world.advance(8 * 86_400);
    let mark = world.mark();
    world.settle().await;

    let reports = world.writes_since(mark);
    assert_eq!(
        reports.iter().map(|request| request.status).collect::<Vec<_>>(),
        [Some(412)]
    );
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    let moved = world.story(&visit).await.into_iter().filter(
        |what| matches!(what, HistoryWhat::MovedBack { to, .. } if to.start == at("2026-12-01 15:00")),
    );
    assert_eq!(moved.count(), 1);
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_that_never_arrived_is_sent_again() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.spoil_platform(Fault::DropBefore, |rule| {
        rule.method("POST").path("/move").times(2)
    });
    world.settle().await;
    world.repair();

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_unusually_far_move_is_asked_about_first() {
    let (world, visit) = with_visit().await;

    world.trainer().drag(&visit, "2026-12-17 09:00");
    world.settle().await;
    let conflict = world.conflict(&visit).await;
    assert_eq!(
        (conflict.kind, conflict.cause),
        (ConflictKind::UnusualMove, ConflictCause::MovedFar)
    );
    assert_eq!(world.admin().writes(), []);

    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;
    assert_eq!(world.admin().start(&visit), at("2026-12-17 09:00"));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_into_the_past_is_asked_about_first() {
    let (world, visit) = with_visit().await;

    world.trainer().drag(&visit, "2026-11-20 09:00");
    world.settle().await;

    let conflict = world.conflict(&visit).await;
    assert_eq!(
        (conflict.kind, conflict.cause),
        (ConflictKind::UnusualMove, ConflictCause::MovedIntoPast)
    );
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;
    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_and_a_change_of_another_field_meet_in_the_middle() {
    let (world, visit) = with_visit().await;

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.trainer().start(&visit), at("2026-12-01 15:00"));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_change_on_the_platform_after_the_last_reading_is_not_overwritten_by_a_move() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.sync().await;
    world.advance(30);
    // The feed does not tell of it yet: only `If-Match` protects it.
    world.spoil_platform(
        Fault::Status {
            status: 304,
            body: None,
            headers: Vec::new(),
        },
        |rule| rule.method("GET").path("/v1/appointments?"),
    );
    world.admin().move_to(&visit, "2026-12-03 11:00");
    world.settle().await;
    world.repair();

    assert_eq!(world.admin().start(&visit), at("2026-12-03 11:00"));
    assert_eq!(world.conflict(&visit).await.kind, ConflictKind::TimeChange);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_of_a_reassigned_appointment_reaches_nobody() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.admin().reassign(&visit, BEN);
    world.settle().await;

    assert_eq!(world.admin().start(&visit), at("2026-12-01 09:00"));
    assert!(!world.trainer().has(&visit));
    let lost = world
        .story(&visit)
        .await
        .into_iter()
        .any(|what| matches!(what, HistoryWhat::Deleted { edit_lost: true, .. }));
    assert!(lost, "the history says that an edit was lost with it");
    world.check_invariants().await;
}

#[tokio::test]
async fn edited_notes_go_back_where_they_may_be_edited() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let editable = vec![EditableField::Time, EditableField::Notes];
    let visit = world.admin().plan(NewAppointment { editable, ..draft });
    world.sync().await;

    let description = world
        .trainer()
        .description(&visit)
        .replace("die Handouts", "zwölf Handouts");
    world.trainer().edit(&visit, &json!({"description": description}));
    world.settle().await;

    assert_eq!(
        world.admin().appointment(&visit).notes.as_deref(),
        Some("Bitte zwölf Handouts mitbringen.")
    );
    assert!(
        world
            .story(&visit)
            .await
            .iter()
            .any(|what| matches!(what, HistoryWhat::NotesBack { .. }))
    );
    assert_eq!(world.badge(&visit).await, (Badge::Synced, None));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_edit_beside_a_word_in_angle_brackets_keeps_it_on_the_platform() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let editable = vec![EditableField::Time, EditableField::Notes];
    let visit = world.admin().plan(NewAppointment { editable, ..draft });
    world.admin().note(
        &visit,
        "Ada <ada@example.org> fragen.\n<https://zoom.us/j/1?a=1&b=2>",
    );
    world.sync().await;

    let description = world.trainer().description(&visit).replace("fragen", "anrufen");
    world.trainer().edit(&visit, &json!({"description": description}));
    world.settle().await;

    assert_eq!(
        world.admin().appointment(&visit).notes.as_deref(),
        Some("Ada <ada@example.org> anrufen.\n<https://zoom.us/j/1?a=1&b=2>")
    );
    assert_eq!(world.badge(&visit).await, (Badge::Synced, None));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_line_typed_below_the_link_goes_back_and_the_link_does_not() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let editable = vec![EditableField::Time, EditableField::Notes];
    let visit = world.admin().plan(NewAppointment { editable, ..draft });
    world.sync().await;

    let url = world.admin().appointment(&visit).url;
    let typed = format!("{url}\nVorher anrufen");
    let description = world.trainer().description(&visit).replace(&url, &typed);
    world.trainer().edit(&visit, &json!({"description": description}));
    world.settle().await;

    assert_eq!(
        world.admin().appointment(&visit).notes.as_deref(),
        Some("Bitte die Handouts mitbringen.\n\nVorher anrufen")
    );
    let shown = world.trainer().description(&visit);
    assert_eq!(shown.matches(&url).count(), 1, "{shown}");
    assert_eq!(world.badge(&visit).await, (Badge::Synced, None));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_deleted_block_never_empties_the_platforms_notes() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let editable = vec![EditableField::Time, EditableField::Notes];
    let visit = world.admin().plan(NewAppointment { editable, ..draft });
    world.sync().await;

    world
        .trainer()
        .edit(&visit, &json!({"description": "Nur meins."}));
    world.settle().await;

    assert_eq!(
        world.admin().appointment(&visit).notes.as_deref(),
        Some("Bitte die Handouts mitbringen.")
    );
    assert_eq!(world.trainer().description(&visit), "Nur meins.");
    world.check_invariants().await;
}

#[tokio::test]
async fn with_direction_push_an_edit_is_put_back() {
    let (world, visit) = with_visit().await;
    world.set(|settings| settings.direction = Direction::Push).await;

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.trainer().rename(&visit, "Meins");
    world.settle().await;

    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    assert_eq!(world.trainer().title(&visit), "Linden-Apotheke");
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn with_direction_pull_the_calendar_is_never_written_and_moves_go_back() {
    let (world, visit) = with_visit().await;
    world.set(|settings| settings.direction = Direction::Pull).await;
    let mark = world.mark();

    world.admin().rename(&visit, "Rosen-Apotheke");
    let unwritten = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.calendar_writes_since(mark), 0);
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    assert!(!world.trainer().has(&unwritten));
    assert_eq!(
        world.badge(&unwritten).await,
        (Badge::LeftOut, Some("direction_pull".into()))
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_that_was_over_before_the_laptop_woke_is_said_in_the_history_once() {
    let (world, visit) = with_visit().await;
    world.advance((at("2026-12-01 08:00") - world.now()).num_seconds());
    world.trainer().drag(&visit, "2026-12-01 11:00");
    world.advance(8 * 3_600);
    world.sync().await;
    world.settle().await;

    assert_eq!(world.admin().writes(), []);
    let said: Vec<_> = world
        .history()
        .await
        .into_iter()
        .filter(|item| matches!(&item.what, HistoryWhat::WriteFailed { intent } if intent == "move"))
        .map(|item| {
            (
                item.appointment_id.map(|id| id.to_string()),
                item.result,
                item.problem,
            )
        })
        .collect();
    let expected = (Some(visit), HistoryResult::Problem, Some("over".into()));
    assert_eq!(said, [expected]);
}

#[tokio::test]
async fn a_visit_moved_to_before_the_connection_takes_its_event_along() {
    let (world, visit) = with_visit().await;
    world.admin().move_to(&visit, "2026-11-18 09:00");
    world.settle().await;

    assert!(!world.trainer().has(&visit));
    assert_eq!(world.badge(&visit).await.0, Badge::Ended);
    world.check_invariants().await;
}
