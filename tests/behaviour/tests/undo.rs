//! What was decided can be undone, what happened can be restored: each by a new edit, and the admin is told again.

use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{Conflict, Resolution, Seen};
use roundtrip_core::ids::{ConflictId, Etag, RunId};
use roundtrip_core::offer::{self, About};
use roundtrip_core::outbox::OutboxState;
use roundtrip_core::settings::{ConflictPolicy, SyncSettings};
use roundtrip_core::undo::{Effect, Why};
use roundtrip_engine::ledger::{HistoryItem, HistoryResult, HistoryWhat, Trigger};
use roundtrip_engine::{AnswerError, Confirmed, PastCalendar, Restoring, Since};
use roundtrip_sandbox::faults::Fault;
use serde_json::json;

const BEFORE: &str = "2026-12-01 09:00";
const PLATFORM: &str = "2026-12-02 11:00";
const CALENDAR: &str = "2026-12-03 15:00";

/// Visits that both sides moved, with their conflicts.
async fn both_moved(count: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    let visits: Vec<String> = (0..count)
        .map(|number| world.admin().visit(&format!("Apotheke {number}"), BEFORE))
        .collect();
    world.sync().await;
    world.advance(3_700);
    for visit in &visits {
        world.trainer().drag(visit, CALENDAR);
        world.admin().move_to(visit, PLATFORM);
    }
    world.advance(60);
    world.settle().await;
    assert_eq!(world.conflicts().await.len(), count);
    (world, visits)
}

async fn one_moved() -> (World, String, Conflict) {
    let (world, visits) = both_moved(1).await;
    let conflict = world.conflict(&visits[0]).await;
    (world, visits[0].clone(), conflict)
}

async fn undo(world: &World, conflict: &Conflict) -> Result<(), AnswerError> {
    world.engine.undo_conflict(&conflict.id).await.map(|_| ())
}

/// Why an answered conflict cannot be undone, as it is listed.
async fn why_not(world: &World, conflict: &Conflict) -> Option<Why> {
    let answered = world.engine.answered_conflicts().await.expect("the ledger works");
    let mut listed = answered.into_iter().filter(|one| one.conflict.id == conflict.id);
    listed.next().expect("it was answered").undo.err()
}

async fn agreed_at(world: &World, visit: &str, start: &str) {
    assert_eq!(world.admin().start(visit), at(start), "on the platform");
    assert_eq!(world.trainer().start(visit), at(start), "in the calendar");
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
    assert_eq!(world.badge(visit).await.0, Badge::Synced);
}

async fn lines(world: &World, which: impl Fn(&HistoryItem) -> bool) -> Vec<HistoryItem> {
    world
        .history()
        .await
        .into_iter()
        .filter(|item| which(item))
        .collect()
}

fn is_move(item: &HistoryItem) -> bool {
    matches!(item.what, HistoryWhat::MovedBack { .. })
}

/// Restores lines as the window does: what it would do is looked at first, and confirmed.
async fn restore_ids(world: &World, ids: &[String]) -> Vec<Restoring> {
    let preview = world.engine.preview_restore(ids, None).await;
    let confirmed = Confirmed::of(&preview.expect("the ledger works"));
    let restored = world.engine.restore(ids, confirmed).await;
    restored.expect("nothing has changed since")
}

async fn restore(world: &World, lines: &[HistoryItem]) -> Vec<Result<(), Why>> {
    let ids: Vec<String> = lines.iter().map(|line| line.id.clone()).collect();
    let restored = restore_ids(world, &ids).await;
    restored.into_iter().map(|one| one.outcome.map(|_| ())).collect()
}

/// What undoing an answered conflict would do, as it is listed.
async fn effect_of(world: &World, conflict: &Conflict) -> Effect {
    let answered = world.engine.answered_conflicts().await.expect("the ledger works");
    let mut listed = answered.into_iter().filter(|one| one.conflict.id == conflict.id);
    let undo = listed.next().expect("it was answered").undo;
    undo.expect("it can be undone")
}

async fn calendar_at(world: &World, when: &str) -> PastCalendar {
    world
        .engine
        .calendar_at(at(when))
        .await
        .expect("the ledger works")
}

#[tokio::test]
async fn keep_calendar_undone_tells_the_admin_again() {
    let (world, visit, conflict) = one_moved().await;
    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;
    agreed_at(&world, &visit, CALENDAR).await;
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    assert_eq!(why_not(&world, &conflict).await, None);

    undo(&world, &conflict).await.expect("nothing has changed since");
    world.settle().await;

    agreed_at(&world, &visit, PLATFORM).await;
    assert_eq!(world.admin().told_of(&visit).len(), 2);
    let story = world.story(&visit).await;
    assert!(
        story
            .iter()
            .any(|what| matches!(what, HistoryWhat::Undone { .. }))
    );
    assert_eq!(why_not(&world, &conflict).await, Some(Why::Same));
    assert_eq!(undo(&world, &conflict).await, Err(AnswerError::Undo(Why::Same)));
}

#[tokio::test]
async fn keep_platform_undone_moves_it_on_both_sides() {
    let (world, visit, conflict) = one_moved().await;
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;
    agreed_at(&world, &visit, PLATFORM).await;
    assert_eq!(world.admin().told_of(&visit).len(), 0);

    undo(&world, &conflict).await.expect("nothing has changed since");
    world.settle().await;

    agreed_at(&world, &visit, CALENDAR).await;
    assert_eq!(world.admin().told_of(&visit).len(), 1);
}

#[tokio::test]
async fn undone_at_once_nothing_was_ever_written() {
    let (world, visit, conflict) = one_moved().await;
    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    undo(&world, &conflict).await.expect("it was not carried out yet");
    world.settle().await;

    agreed_at(&world, &visit, PLATFORM).await;
    assert_eq!(world.admin().told_of(&visit).len(), 0);
}

#[tokio::test]
async fn undone_while_the_report_is_on_its_way_the_admin_is_told_twice_and_that_is_said() {
    let (world, visit, conflict) = one_moved().await;
    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    assert!(
        !effect_of(&world, &conflict).await.tells_admin,
        "nothing was sent yet"
    );
    world.spoil_platform(Fault::DropAfter, |rule| {
        rule.method("POST").path("/move").times(1)
    });
    world.cycle(Trigger::Due).await;
    let sent = world.outbox().await;
    assert!(
        sent.iter().any(|row| row.state == OutboxState::Sent),
        "its outcome is not known: {sent:?}"
    );

    assert!(effect_of(&world, &conflict).await.tells_admin);
    let undone = world.engine.undo_conflict(&conflict.id).await;
    assert!(undone.expect("nothing has changed since").tells_admin);
    world.repair();
    world.advance(600);
    world.settle().await;

    agreed_at(&world, &visit, PLATFORM).await;
    assert_eq!(world.admin().told_of(&visit).len(), 2);
}

#[tokio::test]
async fn what_was_not_confirmed_is_not_restored() {
    let world = World::new().await;
    let visits = world.admin().visits(2);
    world.sync().await;
    world.advance(3_700);
    for (visit, time) in visits.iter().zip(["2026-12-08 19:00", "2026-12-09 19:00"]) {
        world.trainer().drag(visit, time);
    }
    world.settle().await;
    let ids: Vec<String> = lines(&world, is_move)
        .await
        .into_iter()
        .map(|line| line.id)
        .collect();
    let preview = world
        .engine
        .preview_restore(&ids, None)
        .await
        .expect("the ledger works");
    let confirmed = Confirmed::of(&preview);
    assert_eq!(
        confirmed,
        Confirmed {
            done: 2,
            tells_admin: 2
        }
    );
    // Between the preview and the yes the admin moves one of them.
    world.admin().move_to(&visits[0], PLATFORM);
    world.settle().await;
    let mark = world.mark();

    let restored = world.engine.restore(&ids, confirmed).await;
    assert!(matches!(restored, Err(AnswerError::Stale)), "{restored:?}");
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());
    assert_eq!(world.admin().start(&visits[1]), at("2026-12-09 19:00"));

    assert_eq!(
        restore_ids(&world, &ids)
            .await
            .iter()
            .filter(|one| one.outcome.is_ok())
            .count(),
        1
    );
    world.settle().await;
    world.check_invariants().await;
}

#[tokio::test]
async fn an_own_title_comes_back() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", BEFORE);
    world.sync().await;
    world.trainer().rename(&visit, "Meine Apotheke");
    world.sync().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;
    let conflict = world.conflict(&visit).await;
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");

    undo(&world, &conflict).await.expect("both titles were kept");
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Meine Apotheke");
    let reason = Some("own_wording".to_owned());
    assert_eq!(world.badge(&visit).await, (Badge::Synced, reason));

    // And it stays, whatever else the platform changes.
    world.admin().note(&visit, "Hintereingang.");
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Meine Apotheke");
    assert!(world.trainer().description(&visit).contains("Hintereingang."));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_answer_is_not_undone_over_what_somebody_did_since() {
    let (world, visit, conflict) = one_moved().await;
    world
        .resolve(&visit, Resolution::KeepCalendar)
        .await
        .expect("it is as shown");
    world.settle().await;
    world.admin().move_to(&visit, "2026-12-08 09:00");
    world.settle().await;
    let mark = world.mark();

    assert_eq!(why_not(&world, &conflict).await, Some(Why::ChangedSince));
    assert_eq!(
        undo(&world, &conflict).await,
        Err(AnswerError::Undo(Why::ChangedSince))
    );
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());

    world.admin().cancel(&visit);
    world.settle().await;
    assert_eq!(why_not(&world, &conflict).await, Some(Why::Gone));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_run_of_five_moves_is_restored_without_a_question() {
    let world = World::new().await;
    let visits = world.admin().visits(5);
    world.sync().await;
    world.advance(3_700);
    let before: Vec<_> = visits.iter().map(|visit| world.admin().start(visit)).collect();
    for (index, visit) in visits.iter().enumerate() {
        world
            .trainer()
            .drag(visit, &format!("2026-12-{:02} 19:00", 7 + index));
    }
    world.settle().await;
    let moves = lines(&world, is_move).await;
    assert_eq!(moves.len(), 5);
    let run = moves[0].run_id.clone();

    let preview = world
        .engine
        .preview_restore(&[], run.as_ref())
        .await
        .expect("the ledger works");
    let possible = preview
        .iter()
        .filter(|line| line.outcome.is_ok_and(|effect| effect.tells_admin));
    assert_eq!(possible.count(), 5);
    assert_eq!(world.admin().writes().len(), 5, "a preview writes nothing");

    assert_eq!(restore(&world, &moves).await, [Ok(()); 5]);
    world.settle().await;

    assert_eq!(world.questions().await, []);
    for (visit, before) in visits.iter().zip(before) {
        assert_eq!(
            (world.admin().start(visit), world.trainer().start(visit)),
            (before, before)
        );
        assert_eq!(world.admin().told_of(visit).len(), 2);
    }
    // What was restored does not make the next move by hand one too many.
    world.trainer().drag(&visits[0], "2026-12-07 18:30");
    world.settle().await;
    assert_eq!(world.questions().await, []);
    assert_eq!(world.admin().start(&visits[0]), at("2026-12-07 18:30"));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_removed_event_is_restored_and_an_added_one_left_out() {
    let world = World::new().await;
    let (kept, extra) = (
        world.admin().visit("Linden", BEFORE),
        world.admin().visit("Rosen", PLATFORM),
    );
    world.sync().await;
    world.trainer().delete(&kept);
    world.settle().await;
    assert!(!world.trainer().has(&kept));
    let of = |id: &str, item: &HistoryItem| {
        item.appointment_id
            .as_ref()
            .is_some_and(|known| known.as_str() == id)
    };
    let removed = lines(&world, |item| {
        of(&kept, item) && matches!(item.what, HistoryWhat::RemovedInCalendar { .. })
    })
    .await;
    let added = lines(&world, |item| {
        of(&extra, item) && matches!(item.what, HistoryWhat::Added { .. })
    })
    .await;

    assert_eq!(
        restore(&world, &[removed, added.clone()].concat()).await,
        [Ok(()); 2]
    );
    world.settle().await;

    assert!(world.trainer().has(&kept), "put back");
    assert!(!world.trainer().has(&extra), "left out");
    assert_eq!(
        world.badge(&extra).await,
        (Badge::LeftOut, Some("excluded".into()))
    );
    assert_eq!(restore(&world, &added).await, [Err(Why::LeftOut)]);
    assert_eq!(world.questions().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn fifty_conflicts_are_answered_at_once_and_stale_ones_are_not() {
    let (world, visits) = both_moved(50).await;
    let mut answers: Vec<_> = world
        .conflicts()
        .await
        .into_iter()
        .map(|conflict| (conflict.id, conflict.seen, Resolution::KeepPlatform))
        .collect();
    // One was shown in another state, one is not there.
    let outdated = Seen {
        etag: Some(Etag::new("\"another\"")),
        ..answers[49].1.clone()
    };
    let current = std::mem::replace(&mut answers[49].1, outdated);
    answers.push((ConflictId::new("con_unknown"), current, Resolution::KeepPlatform));

    let outcomes = world.engine.resolve_conflicts(&answers).await;

    assert!(outcomes[..49].iter().all(Result::is_ok));
    assert_eq!(outcomes[49..], [Err(AnswerError::Stale), Err(AnswerError::Gone)]);
    world.settle().await;
    let open = world.conflicts().await;
    assert_eq!(
        open.iter().map(|conflict| &conflict.id).collect::<Vec<_>>(),
        [&answers[49].0]
    );
    let moved = visits
        .iter()
        .filter(|visit| world.trainer().start(visit) == at(PLATFORM));
    assert_eq!(moved.count(), 49);
    assert_eq!(world.questions().await, []);
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn times_and_texts_have_a_policy_each() {
    let world = World::new().await;
    world
        .set(|settings| {
            (settings.time_policy, settings.text_policy) =
                (ConflictPolicy::KeepPlatform, ConflictPolicy::Ask);
        })
        .await;
    let (moved, renamed) = (
        world.admin().visit("Linden", BEFORE),
        world.admin().visit("Rosen", BEFORE),
    );
    world.sync().await;
    world.trainer().drag(&moved, CALENDAR);
    world.trainer().rename(&renamed, "Meine Apotheke");
    world.advance(600);
    world.admin().move_to(&moved, PLATFORM);
    world.admin().rename(&renamed, "Adler-Apotheke");
    world.settle().await;

    assert_eq!(
        world.trainer().start(&moved),
        at(PLATFORM),
        "the time was answered"
    );
    let open = world.conflicts().await;
    assert_eq!(open.len(), 1, "the title is asked about: {open:?}");
    assert_eq!(open[0].appointment_id.as_str(), renamed);

    world
        .set(|settings| settings.text_policy = ConflictPolicy::KeepCalendar)
        .await;
    world.settle().await;
    assert_eq!(world.trainer().title(&renamed), "Meine Apotheke");
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn the_third_equal_answer_offers_a_rule() {
    let (world, visits) = both_moved(3).await;
    let offered = async || {
        let answered = world.engine.standing_answers().await.expect("the ledger works");
        offer::offer(&answered, &SyncSettings::default(), |_| None)
    };
    for visit in &visits {
        assert_eq!(offered().await, None);
        world
            .resolve(visit, Resolution::KeepPlatform)
            .await
            .expect("it is as shown");
        world.advance(60);
        world.settle().await;
    }
    let offer = offered().await.expect("three equal answers");
    assert_eq!(
        (offer.about, offer.policy),
        (About::Time, ConflictPolicy::KeepPlatform)
    );
    assert_eq!(offer.cases.len(), 3);

    // What was taken back is no habit.
    undo(&world, &offer.cases[0])
        .await
        .expect("nothing has changed since");
    assert_eq!(offered().await, None);
}

#[tokio::test]
async fn the_calendar_is_told_as_it_was() {
    let world = World::new().await;
    let (moved, removed) = (
        world.admin().visit("Linden", BEFORE),
        world.admin().visit("Rosen", "2026-12-01 14:00"),
    );
    world.sync().await;
    world.set_time(at("2026-11-22 09:00"));
    world.trainer().drag(&moved, CALENDAR);
    world.trainer().delete(&removed);
    world.settle().await;
    world.set_time(at("2026-11-23 09:00"));
    let added = world.admin().visit("Adler", PLATFORM);
    world.settle().await;

    let now = calendar_at(&world, "2026-11-23 10:00").await;
    let told: Vec<_> = now
        .events
        .iter()
        .map(|event| (event.appointment_id.as_str(), event.since))
        .collect();
    let mut live: Vec<_> = [&moved, &added]
        .map(|id| (world.trainer().start(id), id.as_str()))
        .to_vec();
    live.sort_unstable();
    let live: Vec<_> = live.into_iter().map(|(_, id)| (id, Since::Same)).collect();
    assert_eq!(told, live, "now it is what is in the calendar");

    let then = calendar_at(&world, "2026-11-21 20:00").await;
    assert_eq!(then.events.len(), 2);
    let times = [at(BEFORE), at("2026-12-01 14:00")];
    for (event, time) in then.events.iter().zip(times) {
        assert_eq!(event.time.start, time);
        assert!(event.history_id.is_some(), "{event:?}");
    }
    // What the lines beside it say they can do, they do.
    let ids: Vec<String> = then
        .events
        .into_iter()
        .filter_map(|event| event.history_id)
        .collect();
    let restored = restore_ids(&world, &ids).await;
    assert!(restored.iter().all(|line| line.outcome.is_ok()), "{restored:?}");
    world.settle().await;
    agreed_at(&world, &moved, BEFORE).await;
    agreed_at(&world, &removed, "2026-12-01 14:00").await;
}

#[tokio::test]
async fn a_run_with_trouble_is_tried_again() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden", BEFORE);
    let refused = Fault::Status {
        status: 400,
        body: Some(json!({"error": {"errors": [{"reason": "invalid"}], "code": 400, "message": "Invalid"}})),
        headers: Vec::new(),
    };
    world.spoil_google(refused, |rule| rule.method("POST").path("/events").times(0));
    world.settle().await;
    let troubled = lines(&world, |item| item.result != HistoryResult::Ok).await;
    let [line] = troubled.as_slice() else {
        panic!("one line says so: {troubled:?}")
    };
    world.repair();
    // What is parked waits for somebody, and another run's trouble is not this one's.
    world
        .engine
        .retry_run(&RunId::new("another"))
        .await
        .expect("the ledger works");
    world.cycle(Trigger::Due).await;
    assert!(!world.trainer().has(&visit));

    let run = line.run_id.clone().expect("it was in a run");
    world.engine.retry_run(&run).await.expect("the ledger works");
    world.cycle(Trigger::Due).await;
    assert!(world.trainer().has(&visit));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_line_about_a_write_names_its_requests() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden", BEFORE);
    let mark = world.mark();
    world.sync().await;
    let added = lines(&world, |item| matches!(item.what, HistoryWhat::Added { .. })).await;
    let named = added[0].request_id.clone().expect("a write has one");
    let writes = world.writes_since(mark);
    assert!(!writes.is_empty());
    for request in &writes {
        let id = request.request_id.as_deref().unwrap_or_default();
        assert!(id.starts_with(&named), "{id} and {named}");
    }

    world.trainer().drag(&visit, CALENDAR);
    world.settle().await;
    let moved = lines(&world, is_move).await;
    assert_ne!(moved[0].request_id, added[0].request_id, "another run");
    let ids: Vec<_> = world
        .requests_since(mark)
        .into_iter()
        .map(|request| (request.service, request.request_id))
        .collect();
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "each request has an id of its own");
}
