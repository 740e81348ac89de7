//! The holding pen: what is only inferred waits where it is seen, goes by itself in the end, and can be taken back.

use roundtrip_behaviour_tests::{BEN, Cut, World};
use roundtrip_core::badge::Badge;
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::question::{Answer, QuestionKind, Why};
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::AnswerError;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_sandbox::platform::{AdminEdit, AppointmentType};

const DAY: i64 = 24 * 3_600;

async fn with_visits(count: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    let visits = world.admin().visits(count);
    world.sync().await;
    // Long enough ago for the guard to have forgotten.
    world.advance(3_700);
    (world, visits)
}

fn leave_out(visits: &[String]) -> impl FnOnce(&mut SyncSettings) {
    let ids: Vec<AppointmentId> = visits.iter().map(AppointmentId::new).collect();
    move |settings| settings.filters.excluded.extend(ids)
}

/// Somebody else's now, and the feed forgets to say so.
fn vanish(world: &World, visits: &[String]) {
    for visit in visits {
        world.admin().reassign(visit, BEN);
    }
    world.admin().platform().expire_cursors();
}

fn there(world: &World, visits: &[String]) -> usize {
    visits.iter().filter(|visit| world.trainer().has(visit)).count()
}

async fn answer(world: &World, visits: &[String], answer: Answer) -> Result<usize, AnswerError> {
    let ids: Vec<AppointmentId> = visits.iter().map(AppointmentId::new).collect();
    world.engine.answer_held(&ids, answer).await
}

async fn told(world: &World, visit: &str) -> usize {
    let held = |what: &HistoryWhat| matches!(what, HistoryWhat::Held { .. });
    world.story(visit).await.iter().filter(|what| held(what)).count()
}

#[tokio::test]
async fn what_changed_rules_leave_out_is_held_a_day_and_then_goes() {
    let (world, visits) = with_visits(12).await;
    world.set_unconfirmed(leave_out(&visits[..2])).await;
    let mark = world.mark();
    world.settle().await;
    assert_eq!(world.held().await, visits[..2]);
    assert_eq!(
        world.badge(&visits[0]).await,
        (Badge::Waiting, Some("held".into()))
    );
    assert_eq!(world.questions().await, [], "few enough to go by themselves");
    world.advance(DAY - 3_600);
    world.settle().await;
    assert_eq!(
        (there(&world, &visits), world.calendar_writes_since(mark)),
        (12, 0)
    );
    assert_eq!(told(&world, &visits[0]).await, 1, "said once");

    world.advance(3_660);
    world.settle().await;
    assert_eq!(there(&world, &visits), 10);
    assert_eq!(world.held().await, [""; 0]);
    assert_eq!(world.badge(&visits[0]).await.0, Badge::LeftOut);
    world.check_invariants().await;
}

#[tokio::test]
async fn rules_changed_back_withdraw_it() {
    let (world, visits) = with_visits(12).await;
    world.set_unconfirmed(leave_out(&visits[..2])).await;
    world.settle().await;
    world.advance(DAY / 2);
    world.set(|settings| settings.filters.excluded.clear()).await;
    world.settle().await;
    assert_eq!(world.held().await, [""; 0]);
    world.advance(DAY);
    let mark = world.mark();
    world.settle().await;
    assert_eq!(
        (there(&world, &visits), world.calendar_writes_since(mark)),
        (12, 0)
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn kept_stays_and_removed_goes_at_once() {
    let (world, visits) = with_visits(12).await;
    world.set_unconfirmed(leave_out(&visits[..2])).await;
    world.settle().await;
    assert_eq!(answer(&world, &visits[..1], Answer::Leave).await, Ok(1));
    assert_eq!(answer(&world, &visits[1..2], Answer::GoOn).await, Ok(1));
    world.settle().await;
    assert!(world.trainer().has(&visits[0]) && !world.trainer().has(&visits[1]));
    assert_eq!(
        world.badge(&visits[0]).await,
        (Badge::LeftOut, Some("kept".into()))
    );
    assert_eq!(
        answer(&world, &visits[..2], Answer::GoOn).await,
        Err(AnswerError::Gone)
    );
    world.advance(2 * DAY);
    world.settle().await;
    assert!(world.trainer().has(&visits[0]), "the answer is remembered");

    // The rules let it in again: it is synced as before.
    world.set(|settings| settings.filters.excluded.clear()).await;
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.settle().await;
    assert_eq!(world.trainer().title(&visits[0]), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn what_is_absent_is_held_and_asked_for_once_more_before_it_goes() {
    let (world, visits) = with_visits(12).await;
    vanish(&world, &visits[..2]);
    world.settle().await;
    assert_eq!(world.held().await, visits[..2]);
    // One of them turns out to be there after all, without any news in the feed.
    world.advance(DAY + 60);
    let platform = world.admin();
    platform.reassign(&visits[0], world.person());
    let mark = world.mark();
    world.settle().await;
    let path = format!("/v1/appointments/{}", visits[1]);
    let asked = world.requests_since(mark);
    assert!(
        asked.iter().any(|request| request.path == path),
        "asked once more"
    );
    assert!(world.trainer().has(&visits[0]) && !world.trainer().has(&visits[1]));
    assert_eq!(world.held().await, [""; 0]);
    world.check_invariants().await;
}

#[tokio::test]
async fn while_the_platform_is_away_nothing_absent_goes() {
    let (world, visits) = with_visits(12).await;
    vanish(&world, &visits[..2]);
    world.settle().await;
    world.wire.unplug(&world.running.platform_url.to_string());
    world.advance(3 * DAY);
    world.settle().await;
    assert_eq!(there(&world, &visits), 12);
    world.wire.plug_in();
    world.settle().await;
    assert_eq!(there(&world, &visits), 10);
    world.check_invariants().await;
}

#[tokio::test]
async fn the_platforms_own_word_does_not_wait() {
    let (world, visits) = with_visits(12).await;
    world.set_unconfirmed(leave_out(&visits[..1])).await;
    world.settle().await;
    for visit in &visits[..2] {
        world.admin().cancel(visit);
    }
    world.settle().await;
    assert_eq!(there(&world, &visits), 10);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_appointment_that_changed_out_of_the_rules_does_not_wait() {
    let (world, visits) = with_visits(12).await;
    let off = |settings: &mut SyncSettings| _ = settings.filters.types_off.insert("team_call".into());
    world.set(off).await;
    world.settle().await;
    let kind = AppointmentType {
        id: "team_call".into(),
        name: "Team call".into(),
    };
    let edit = AdminEdit {
        kind: Some(kind),
        ..AdminEdit::default()
    };
    world.admin().edit(&visits[0], edit);
    world.settle().await;
    assert!(!world.trainer().has(&visits[0]));
    world.check_invariants().await;
}

#[tokio::test]
async fn too_many_wait_for_an_answer_however_long_they_are_held() {
    let (world, visits) = with_visits(12).await;
    world.set_unconfirmed(leave_out(&visits[..3])).await;
    world.settle().await;
    vanish(&world, &visits[3..5]);
    world.settle().await;
    let questions = world.questions().await;
    let [question] = questions.as_slice() else {
        panic!("one question: {questions:?}")
    };
    assert_eq!(
        (question.kind, question.appointments.len()),
        (QuestionKind::InferredDeletions, 5)
    );
    let why = |wanted| {
        question
            .causes
            .values()
            .filter(|cause| cause.why == wanted)
            .count()
    };
    assert_eq!((why(Why::RulesChanged), why(Why::Absent)), (3, 2));
    assert_eq!(world.held().await, [""; 0], "shown once: in the question");
    world.advance(3 * DAY);
    world.settle().await;
    assert_eq!(there(&world, &visits), 12);

    world.answer(Answer::GoOn).await;
    world.settle().await;
    assert_eq!(there(&world, &visits), 7, "at once, as it was said");
    world.check_invariants().await;
}

#[tokio::test]
async fn what_is_held_survives_a_restart_and_a_power_cut_in_the_middle_of_going() {
    let (mut world, visits) = with_visits(12).await;
    world.set_unconfirmed(leave_out(&visits[..3])).await;
    world.settle().await;
    world.advance(DAY / 2);
    world.restart().await;
    world.settle().await;
    assert_eq!(world.held().await, visits[..3]);

    // The day is counted from when it was first held, not from the restart.
    world.advance(DAY / 2 + 60);
    world.lose_power(1, Cut::After).await;
    world.settle().await;
    assert_eq!(there(&world, &visits), 9);
    let deleted = |what: &HistoryWhat| matches!(what, HistoryWhat::Deleted { .. });
    for visit in &visits[..3] {
        let story = world.story(visit).await;
        assert_eq!(story.iter().filter(|what| deleted(what)).count(), 1, "{story:?}");
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn a_lost_database_holds_anew_and_forgets_no_event() {
    let (mut world, visits) = with_visits(12).await;
    vanish(&world, &visits[..2]);
    world.settle().await;
    world.advance(DAY - 60);
    world.lose_database().await;
    world.laptop.start().await;
    world.advance(120);
    world.settle().await;
    assert_eq!(there(&world, &visits), 12);
    assert_eq!(world.held().await, visits[..2]);
    world.advance(DAY);
    world.settle().await;
    assert_eq!(there(&world, &visits), 10);
    world.check_invariants().await;
}

#[tokio::test]
async fn another_laptops_rules_do_not_take_events_away_at_once() {
    let (world, visits) = with_visits(12).await;
    let second = world.second_laptop().await;
    second.set_unconfirmed(leave_out(&visits[..2])).await;
    second.start().await;
    second.engine.take_over();
    second.settle().await;
    assert_eq!(there(&world, &visits), 12);
    assert_eq!(second.held().await, visits[..2]);
    // Back on the first one nothing is left of it.
    world.engine.take_over();
    world.settle().await;
    world.advance(DAY + 60);
    world.settle().await;
    second.settle().await;
    assert_eq!(there(&world, &visits), 12);
    world.check_safety();
}
