//! No mass change goes unasked, and nothing is asked twice.

use roundtrip_behaviour_tests::{BEN, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{ConflictCause, Resolution};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::question::{Answer, QuestionKind, Why};
use roundtrip_core::settings::{ConflictPolicy, LeftOutPolicy};
use roundtrip_engine::Removals;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::{AdminEdit, AppointmentType};

async fn with_visits(count: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    let visits = world.admin().visits(count);
    world.sync().await;
    // Long enough ago for the guard to have forgotten.
    world.advance(3_700);
    (world, visits)
}

/// The one open question is of this kind and about so many, and stays the same however often it is looked at.
async fn asked_once(world: &World, kind: QuestionKind, count: usize) {
    let mark = world.mark();
    for _ in 0..3 {
        world.settle().await;
        world.advance(60);
    }
    assert!(
        world.writes_since(mark).is_empty(),
        "nothing of it happens while it is asked"
    );
    let questions = world.questions().await;
    let [question] = questions.as_slice() else {
        panic!("one question: {questions:?}")
    };
    assert_eq!((question.kind, question.appointments.len()), (kind, count));
    let asked = world
        .history()
        .await
        .into_iter()
        .filter(|item| matches!(item.what, HistoryWhat::Asked { .. }))
        .count();
    assert_eq!(asked, 1);
    for id in &question.appointments {
        assert_eq!(
            world.badge(id.as_str()).await,
            (Badge::Waiting, Some("question".into()))
        );
    }
}

#[tokio::test]
async fn five_moves_go_without_a_question() {
    let (world, visits) = with_visits(8).await;
    for (index, visit) in visits[..5].iter().enumerate() {
        world
            .trainer()
            .drag(visit, &format!("2026-12-{:02} 19:00", 7 + index));
    }
    world.settle().await;
    assert_eq!(world.admin().writes().len(), 5);
    assert_eq!(world.questions().await, []);
    world.check_invariants().await;
}

async fn six_moved() -> (World, Vec<String>) {
    let (world, visits) = with_visits(8).await;
    for (index, visit) in visits[..6].iter().enumerate() {
        world
            .trainer()
            .drag(visit, &format!("2026-12-{:02} 19:00", 7 + index));
    }
    world.settle().await;
    asked_once(&world, QuestionKind::Moves, 6).await;
    (world, visits)
}

#[tokio::test]
async fn six_moves_at_once_are_asked_about_and_go_on() {
    let (world, visits) = six_moved().await;
    // One of the six is a Sunday and will be refused; the question was about moving, not about that.
    world.answer(Answer::GoOn).await;
    world.settle().await;
    let moved = visits[..6]
        .iter()
        .filter(|visit| !world.admin().told_of(visit).is_empty())
        .count();
    let refused = world.conflicts().await.len();
    assert_eq!((moved, refused, world.questions().await.len()), (6, 0, 0));
    world.check_invariants().await;
}

#[tokio::test]
async fn six_moves_that_are_left_are_asked_about_one_by_one() {
    let (world, visits) = six_moved().await;
    world.answer(Answer::Leave).await;
    world.settle().await;
    assert_eq!(world.admin().writes(), []);
    let conflicts = world.conflicts().await;
    assert_eq!(conflicts.len(), 6);
    assert!(
        conflicts
            .iter()
            .all(|conflict| conflict.cause == ConflictCause::ManyMoves),
        "{conflicts:?}"
    );
    world
        .resolve(&visits[0], Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world
        .resolve(&visits[1], Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;
    assert_eq!(world.admin().told_of(&visits[0]).len(), 1);
    assert_eq!(world.trainer().start(&visits[1]), world.admin().start(&visits[1]));
    assert_eq!(world.questions().await, [], "an answer is remembered");
    world.check_invariants().await;
}

/// Simulation seed 840522: by a clock that was days ahead some of them looked over, and what was answered had no effect on them.
#[tokio::test]
async fn six_moves_that_are_left_while_the_clock_is_wrong_are_each_asked_about_all_the_same() {
    let (world, _) = six_moved().await;
    world.clock.set_skew(chrono::TimeDelta::days(20));
    world.answer(Answer::Leave).await;
    world.clock.set_skew(chrono::TimeDelta::zero());
    world.settle().await;
    assert_eq!(world.admin().writes(), []);
    assert_eq!(world.conflicts().await.len(), 6);
    world.check_invariants().await;
}

#[tokio::test]
async fn moves_are_counted_over_an_hour_not_per_run() {
    let (world, visits) = with_visits(8).await;
    for (index, visit) in visits[..6].iter().enumerate() {
        world
            .trainer()
            .drag(visit, &format!("2026-12-{:02} 19:00", 7 + index));
        world.settle().await;
        world.advance(300);
    }
    assert_eq!(world.admin().writes().len(), 5, "the sixth is asked about");
    assert_eq!(world.questions().await.len(), 1);
    world.answer(Answer::GoOn).await;
    world.settle().await;
    assert_eq!(world.admin().writes().len(), 6);
    world.check_invariants().await;
}

#[tokio::test]
async fn five_events_deleted_in_the_calendar_are_five_notes_and_six_are_one_question() {
    let (world, visits) = with_visits(12).await;
    for visit in &visits[..5] {
        world.trainer().delete(visit);
    }
    world.settle().await;
    assert_eq!(world.questions().await, []);
    for visit in &visits[..5] {
        assert_eq!(world.badge(visit).await.0, Badge::Removed);
    }
    world.check_invariants().await;

    let (world, visits) = with_visits(12).await;
    for visit in &visits[..6] {
        world.trainer().delete(visit);
    }
    asked_once(&world, QuestionKind::RemovedInCalendar, 6).await;
    world.check_safety();
}

#[tokio::test]
async fn many_deleted_in_the_calendar_are_put_back_or_left_as_the_trainer_says() {
    for answer in [Answer::GoOn, Answer::Leave] {
        let (world, visits) = with_visits(12).await;
        for visit in &visits[..8] {
            world.trainer().delete(visit);
        }
        asked_once(&world, QuestionKind::RemovedInCalendar, 8).await;
        world.answer(answer).await;
        world.settle().await;

        for visit in &visits[..8] {
            let expected = if answer == Answer::GoOn {
                Badge::Synced
            } else {
                Badge::Removed
            };
            assert_eq!(world.badge(visit).await.0, expected, "{answer:?}");
        }
        assert_eq!(world.admin().writes(), []);
        assert_eq!(world.questions().await, []);
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn the_history_names_each_of_many_that_were_deleted_and_they_are_not_counted_again() {
    for answer in [Answer::GoOn, Answer::Leave] {
        let (world, visits) = with_visits(12).await;
        let before = world.now();
        world.advance(24 * 3_600);
        for visit in &visits[..6] {
            world.trainer().delete(visit);
        }
        asked_once(&world, QuestionKind::RemovedInCalendar, 6).await;
        world.answer(answer).await;
        world.settle().await;

        for visit in &visits[..6] {
            let mut told = world.story(visit).await.into_iter().skip(1);
            let removed = HistoryWhat::RemovedInCalendar { by_trainer: true };
            assert_eq!(told.next(), Some(removed), "{answer:?}");
            match answer {
                Answer::GoOn => {
                    assert_eq!(told.next(), Some(HistoryWhat::PutBack));
                    assert!(matches!(told.next(), Some(HistoryWhat::Added { .. })));
                }
                Answer::Leave => assert_eq!(told.next(), None),
            }
        }
        let yesterday = world.engine.calendar_at(before).await.expect("the ledger works");
        assert_eq!(yesterday.events.len(), 12, "{answer:?}");
        let restorable = yesterday.events.iter().filter(|event| event.history_id.is_some());
        assert_eq!(restorable.count(), if answer == Answer::Leave { 6 } else { 0 });

        // One more is one, and not the seventh.
        world.trainer().delete(&visits[6]);
        world.settle().await;
        assert_eq!(world.questions().await, [], "{answer:?}");
        assert_eq!(world.badge(&visits[6]).await.0, Badge::Removed);
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn the_whole_calendar_emptied_is_one_question_and_can_be_put_back() {
    let (world, visits) = with_visits(38).await;
    for visit in &visits {
        world.trainer().delete(visit);
    }
    asked_once(&world, QuestionKind::RemovedInCalendar, 38).await;
    world.answer(Answer::GoOn).await;
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 38);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_few_cancellations_go_without_a_question_and_many_are_asked_about() {
    let (world, visits) = with_visits(30).await;
    for visit in &visits[..10] {
        world.admin().cancel(visit);
    }
    world.settle().await;
    assert_eq!(world.questions().await, []);
    assert_eq!(world.trainer().marked().len(), 20);
    world.check_invariants().await;

    for answer in [Answer::GoOn, Answer::Leave] {
        let (world, visits) = with_visits(20).await;
        for visit in &visits[..14] {
            world.admin().cancel(visit);
        }
        asked_once(&world, QuestionKind::Cancellations, 14).await;
        world.answer(answer).await;
        world.settle().await;
        let left = world.trainer().marked().len();
        assert_eq!(left, if answer == Answer::GoOn { 6 } else { 20 }, "{answer:?}");
        assert_eq!(world.questions().await, []);
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn the_visits_of_years_do_not_make_many_cancellations_few() {
    let (world, visits) = with_visits(80).await;
    world.set_time(at("2026-12-15 23:30"));
    world.sync().await;
    let ahead: Vec<&String> = visits[60..].iter().collect();
    for visit in &ahead[..14] {
        world.admin().cancel(visit);
    }
    asked_once(&world, QuestionKind::Cancellations, 14).await;
    assert_eq!(world.trainer().marked().len(), 80);
    world.check_invariants().await;
}

/// A deletion that waits for the platform is asked about like the others, and what is kept then is kept.
#[tokio::test]
async fn what_the_trainer_touches_while_many_cancellations_are_asked_about_stays_part_of_the_question() {
    let (world, visits) = with_visits(20).await;
    for visit in &visits[..12] {
        world.admin().cancel(visit);
    }
    world.settle().await;
    asked_once(&world, QuestionKind::Cancellations, 12).await;
    world.wire.unplug(&world.running.platform_url);
    world.advance(1_800);
    world.trainer().rename(&visits[3], "Bring the keys");
    world.advance(60);
    world.sync().await;
    let known = world.record(&visits[3]).await.and_then(|record| record.event);
    assert_eq!(known.map(|event| event.title), Some("Bring the keys".into()));
    asked_once(&world, QuestionKind::Cancellations, 12).await;
    world.answer(Answer::Leave).await;
    world.wire.plug_in();
    world.advance(60);
    world.settle().await;
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
}

/// What was kept once is given back, and then one of the visits is cancelled after all.
#[tokio::test]
async fn what_was_kept_and_given_back_can_be_cancelled_again() {
    let (world, visits) = with_visits(20).await;
    for visit in &visits[..14] {
        world.admin().cancel(visit);
    }
    asked_once(&world, QuestionKind::Cancellations, 14).await;
    world.answer(Answer::Leave).await;
    world.settle().await;
    for visit in &visits[..14] {
        world.admin().restore(visit);
    }
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 20);
    // Synced again in both directions.
    world.trainer().drag(&visits[0], "2026-12-01 19:00");
    world.advance(60);
    world.settle().await;
    assert_eq!(world.admin().start(&visits[0]), at("2026-12-01 19:00"));

    world.admin().cancel(&visits[1]);
    world.settle().await;
    assert!(!world.trainer().has(&visits[1]));
    assert_eq!(world.questions().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn deletions_that_are_inferred_are_asked_about_earlier() {
    for answer in [Answer::GoOn, Answer::Leave] {
        let (world, visits) = with_visits(10).await;
        // The feed forgot to say so: only single questions tell that they are somebody else's now.
        for visit in &visits[..4] {
            world.admin().reassign(visit, BEN);
        }
        world.admin().platform().expire_cursors();
        asked_once(&world, QuestionKind::InferredDeletions, 4).await;
        world.answer(answer).await;
        world.settle().await;
        let left = world.trainer().marked().len();
        assert_eq!(left, if answer == Answer::GoOn { 6 } else { 10 }, "{answer:?}");
        assert_eq!(world.questions().await, []);
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn moves_that_a_standing_rule_makes_count_as_moves() {
    let (world, visits) = with_visits(8).await;
    world
        .set(|settings| settings.time_policy = ConflictPolicy::KeepCalendar)
        .await;
    for (index, visit) in visits[..6].iter().enumerate() {
        world
            .admin()
            .move_to(visit, &format!("2026-12-{:02} 06:00", 7 + index));
        world
            .trainer()
            .drag(visit, &format!("2026-12-{:02} 19:00", 7 + index));
    }
    world.advance(60);
    asked_once(&world, QuestionKind::Moves, 6).await;
    let causes = world.questions().await[0].causes.clone();
    assert!(
        causes.values().all(|cause| cause.why == Why::MovedByRule),
        "{causes:?}"
    );

    world.answer(Answer::Leave).await;
    world.settle().await;
    assert_eq!(
        world.admin().writes(),
        [],
        "the rule does not go on behind the answer"
    );
    assert_eq!(world.conflicts().await.len(), 6);
    world.check_invariants().await;
}

#[tokio::test]
async fn moves_by_a_standing_rule_count_also_while_their_answers_are_missing() {
    let (world, visits) = with_visits(12).await;
    world
        .set(|settings| settings.time_policy = ConflictPolicy::KeepCalendar)
        .await;
    let both = |visits: &[String], hours: (u32, u32)| {
        for (index, visit) in visits.iter().enumerate() {
            let on = |hour| format!("2026-12-{:02} {hour:02}:00", 7 + index);
            world.admin().move_to(visit, &on(hours.0));
            world.trainer().drag(visit, &on(hours.1));
        }
    };
    both(&visits[..5], (6, 19));
    world.advance(60);
    world.spoil_platform(Fault::DropAfter, |rule| rule.method("POST").path("/v1/").times(5));
    let unreachable = Fault::Status {
        status: 503,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_platform(unreachable, |rule| rule.method("POST").path("/v1/").times(0));
    world.sync().await;
    both(&visits[5..10], (5, 20));
    world.advance(60);
    world.sync().await;
    let asked = world.questions().await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(
        (asked[0].kind, asked[0].appointments.len()),
        (QuestionKind::Moves, 5)
    );
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_cause_and_a_new_one_is_asked_about() {
    let (mut world, visits) = six_moved().await;
    world.answer(Answer::GoOn).await;
    world.settle().await;
    let told = world.admin().writes().len();
    world.restart().await;
    world.settle().await;
    assert_eq!(
        (world.admin().writes().len(), world.questions().await.len()),
        (told, 0)
    );

    // Long after, the same six are moved once more.
    world.advance(2 * 24 * 3_600);
    for (index, visit) in visits[..6].iter().enumerate() {
        world
            .trainer()
            .drag(visit, &format!("2026-12-{:02} 17:00", 7 + index));
    }
    world.advance(60);
    world.settle().await;
    let questions = world.questions().await;
    assert_eq!(questions.len(), 1, "another time is another cause");
    assert!(questions[0].appointments.len() >= 6);
    world.check_safety();
}

fn make_calls(world: &World, visits: &[String]) {
    for visit in visits {
        let kind = AppointmentType {
            id: "team_call".into(),
            name: "Team call".into(),
        };
        world.admin().edit(
            visit,
            AdminEdit {
                kind: Some(kind),
                ..AdminEdit::default()
            },
        );
    }
}

#[tokio::test]
async fn a_filter_that_takes_out_many_is_asked_about_unless_it_was_confirmed_with_its_number() {
    let (world, visits) = with_visits(12).await;
    make_calls(&world, &visits[..6]);
    world.sync().await;
    world
        .set_unconfirmed(|settings| _ = settings.filters.types_off.insert("team_call".into()))
        .await;
    asked_once(&world, QuestionKind::InferredDeletions, 6).await;
    world.answer(Answer::GoOn).await;
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 6);
    assert_eq!(
        world.badge(&visits[0]).await,
        (Badge::LeftOut, Some("type_off".into()))
    );
    world.check_invariants().await;

    let (world, visits) = with_visits(12).await;
    make_calls(&world, &visits[..6]);
    world.sync().await;
    let mut settings = world.snapshot().await.settings;
    settings.filters.types_off.insert("team_call".into());
    let confirmed = visits[..6].iter().map(AppointmentId::new).collect();
    world
        .engine
        .change_settings(|_| settings, Removals::Of(confirmed))
        .await
        .expect("the ledger works");
    world.settle().await;
    assert_eq!(world.questions().await, []);
    assert_eq!(world.trainer().marked().len(), 6);
    world.check_invariants().await;
}

#[tokio::test]
async fn what_a_filter_leaves_out_is_kept_if_the_trainer_chose_so_and_comes_back_with_the_filter() {
    let (world, visits) = with_visits(6).await;
    make_calls(&world, &visits[..2]);
    world.sync().await;
    world
        .set(|settings| {
            settings.filters.left_out = LeftOutPolicy::Keep;
            settings.filters.types_off.insert("team_call".into());
        })
        .await;
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 6);
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.settle().await;
    assert_eq!(world.trainer().title(&visits[0]), "Apotheke 1", "kept as it is");

    world.set(|settings| settings.filters.types_off.clear()).await;
    world.settle().await;
    assert_eq!(world.trainer().title(&visits[0]), "Rosen-Apotheke");
    world.check_invariants().await;
}
