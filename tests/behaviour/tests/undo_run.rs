//! A whole run undone: what Roundtrip wrote in it on either side, each line with what becomes of it or why it cannot be.

use roundtrip_behaviour_tests::{Cut, World, at};
use roundtrip_core::ids::{AppointmentId, RunId};
use roundtrip_core::undo::Why;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_engine::{AnswerError, Confirmed, Restoring};

async fn with_visits(count: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    let visits = world.admin().visits(count);
    world.sync().await;
    world.advance(3_700);
    (world, visits)
}

/// The newest run in which this happened.
async fn run_of(world: &World, which: impl Fn(&HistoryWhat) -> bool) -> RunId {
    let history = world.history().await;
    let item = history.into_iter().rev().find(|item| which(&item.what));
    item.and_then(|item| item.run_id).expect("a run that did it")
}

async fn preview(world: &World, run: &RunId) -> Vec<Restoring> {
    world
        .engine
        .preview_undo_run(run)
        .await
        .expect("the ledger works")
}

/// Undoes a run as the window does: what it would do is looked at first, and confirmed.
async fn undo(world: &World, run: &RunId) -> Vec<Restoring> {
    let confirmed = Confirmed::of(&preview(world, run).await);
    let done = world.engine.undo_run(run, confirmed).await;
    done.expect("nothing has changed since")
}

fn added(what: &HistoryWhat) -> bool {
    matches!(what, HistoryWhat::Added { .. })
}

fn moved_back(what: &HistoryWhat) -> bool {
    matches!(what, HistoryWhat::MovedBack { .. })
}

#[tokio::test]
async fn a_run_that_added_many_is_undone_without_a_second_question() {
    let (world, visits) = with_visits(20).await;
    let run = run_of(&world, added).await;
    let lines = preview(&world, &run).await;
    assert_eq!(lines.len(), 20);
    assert!(
        lines
            .iter()
            .all(|line| line.action == "leave_out" && line.outcome.is_ok())
    );
    assert_eq!(
        Confirmed::of(&lines),
        Confirmed {
            done: 20,
            tells_admin: 0
        }
    );

    undo(&world, &run).await;
    world.settle().await;

    assert_eq!(world.trainer().marked().len(), 0);
    assert_eq!(world.questions().await, [], "its number was confirmed");
    assert_eq!(world.held().await, [""; 0]);
    assert_eq!(world.admin().writes(), []);
    assert_eq!(world.badge(&visits[0]).await.1.as_deref(), Some("excluded"));
    world.check_invariants().await;

    // And the run that took them out is undone in its turn.
    let run = run_of(&world, |what| matches!(what, HistoryWhat::Deleted { .. })).await;
    let lines = undo(&world, &run).await;
    assert!(
        lines
            .iter()
            .all(|line| line.action == "let_in" && line.outcome.is_ok()),
        "{lines:?}"
    );
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 20);
    world.check_invariants().await;
}

#[tokio::test]
async fn moves_that_were_reported_go_back_as_new_moves_and_the_admin_is_told_again() {
    let (world, visits) = with_visits(4).await;
    let before: Vec<_> = visits[..3]
        .iter()
        .map(|visit| world.admin().start(visit))
        .collect();
    for (index, visit) in visits[..3].iter().enumerate() {
        world
            .trainer()
            .drag(visit, &format!("2026-12-{:02} 15:00", 7 + index));
    }
    world.settle().await;
    let run = run_of(&world, moved_back).await;
    let lines = preview(&world, &run).await;
    let told = lines
        .iter()
        .filter(|line| line.outcome.is_ok_and(|effect| effect.tells_admin));
    assert_eq!(told.count(), 3);
    world.advance(120);

    undo(&world, &run).await;
    world.settle().await;

    for (visit, before) in visits[..3].iter().zip(before) {
        assert_eq!(
            (world.admin().start(visit), world.trainer().start(visit)),
            (before, before)
        );
        assert_eq!(world.admin().told_of(visit).len(), 2, "there and back");
    }
    assert_eq!(world.questions().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn what_cannot_be_had_back_says_why() {
    let (world, visits) = with_visits(5).await;
    // One run: a new text, a cancellation, a move of the admin's that the trainer changes again, and one that is undone.
    world.admin().rename(&visits[0], "Rosen-Apotheke");
    world.admin().cancel(&visits[1]);
    world.admin().move_to(&visits[2], "2026-12-03 15:00");
    world.admin().move_to(&visits[3], "2026-12-04 15:00");
    world.sync().await;
    let run = run_of(&world, |what| matches!(what, HistoryWhat::Changed { .. })).await;
    world.trainer().drag(&visits[2], "2026-12-05 16:00");
    world.advance(60);
    world.settle().await;

    let lines = preview(&world, &run).await;
    let of = |visit: &str| {
        let id = AppointmentId::new(visit);
        let found = lines
            .iter()
            .find(|line| line.appointment_id.as_ref() == Some(&id));
        found.expect("its line").outcome.map(|_| ())
    };
    assert_eq!(of(&visits[0]), Err(Why::TextNotKept));
    assert_eq!(of(&visits[1]), Err(Why::Gone));
    assert_eq!(of(&visits[2]), Err(Why::ChangedSince));
    assert_eq!(of(&visits[3]), Ok(()));

    undo(&world, &run).await;
    world.settle().await;
    assert_eq!(
        world.admin().start(&visits[2]),
        at("2026-12-05 16:00"),
        "left alone"
    );
    assert_ne!(world.admin().start(&visits[3]), at("2026-12-04 15:00"));
    assert!(
        !world.trainer().has(&visits[1]),
        "a cancelled one never comes back"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn what_changed_since_the_preview_undoes_nothing() {
    let (world, visits) = with_visits(3).await;
    let run = run_of(&world, added).await;
    let seen = Confirmed::of(&preview(&world, &run).await);
    world.admin().cancel(&visits[0]);
    world.settle().await;
    let refused = world.engine.undo_run(&run, seen).await.map(|_| ());
    assert_eq!(refused, Err(AnswerError::Stale));
    world.settle().await;
    assert_eq!(world.trainer().marked().len(), 2);
    world.check_invariants().await;
}

#[tokio::test]
async fn after_thirty_days_nothing_of_a_run_is_offered() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2027-02-01 09:00");
    world.sync().await;
    let run = run_of(&world, added).await;
    assert!(preview(&world, &run).await[0].outcome.is_ok());
    world.advance(31 * 24 * 3_600);
    world.settle().await;
    assert!(
        preview(&world, &run)
            .await
            .iter()
            .all(|line| line.outcome.is_err())
    );
    undo(&world, &run).await;
    world.settle().await;
    assert!(world.trainer().has(&visit));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_power_cut_in_the_middle_of_an_undo_leaves_nothing_half_done() {
    for cut in [Cut::Before, Cut::After] {
        let (mut world, visits) = with_visits(6).await;
        let run = run_of(&world, added).await;
        undo(&world, &run).await;
        world.lose_power(3, cut).await;
        world.settle().await;
        assert_eq!(world.trainer().marked().len(), 0, "{cut:?}");
        assert_eq!(world.questions().await, []);
        assert_eq!(visits.len(), 6);
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn an_edit_that_was_not_read_yet_keeps_its_event_from_an_undo() {
    let (world, visits) = with_visits(3).await;
    let run = run_of(&world, added).await;
    world.trainer().drag(&visits[0], "2026-12-01 19:00");
    undo(&world, &run).await;
    world.sync().await;

    assert_eq!(world.trainer().marked().len(), 1);
    assert_eq!(world.trainer().start(&visits[0]), at("2026-12-01 19:00"));
    assert_eq!(world.held().await, visits[..1]);
    let told = world.story(&visits[0]).await;
    assert!(
        matches!(told.last(), Some(HistoryWhat::Held { .. })),
        "the trainer is told that it waits: {told:?}"
    );
    world.check_invariants().await;
}
