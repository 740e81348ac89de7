//! No answer from outside can hurt: whatever a service, or whoever stands in its place, says, nothing is deleted, nothing
//! is reported as moved, the cycle ends with one clear code, and once the service is well everything is right again.

mod classes;
mod items;
mod stage;
mod tokens;
mod wire;

use classes::{Class, IN_THE_BODY, ON_THE_WIRE};
use items::{IN_AN_ITEM, ItemClass, Tells};
use roundtrip_core::badge::Badge;
use roundtrip_core::question::{Answer as Reply, QuestionKind};
use roundtrip_engine::CycleReport;
use roundtrip_engine::ledger::HistoryWhat;
use stage::{Impostor, SEEDS, Stage, When, codes};

/// In so many of its variants each class meets each place.
const ROUNDS: usize = 2;

/// The codes that say why a single answer was of no use.
const CLEAR: &[&str] = &[
    "bad_answer",
    "unreachable",
    "server_trouble",
    "throttled",
    "rejected",
    "sign_in_expired",
];

/// All classes of a table, each at every place where an answer is waited for. All of them run, whatever one of them finds.
async fn strike(table: &'static [Class]) {
    let (first, second) = table.split_at(table.len() / 2);
    let (one, other) = tokio::join!(strike_one_by_one(first), strike_one_by_one(second));
    let failed: Vec<&str> = one.into_iter().chain(other).collect();
    println!(
        "{} classes of hostile answers, {} runs, {} failed",
        table.len(),
        table.len() * SEEDS.len() * ROUNDS,
        failed.len()
    );
    assert!(failed.is_empty(), "{failed:?}");
}

async fn strike_one_by_one(table: &'static [Class]) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for class in table {
        if tokio::spawn(strike_class(class)).await.is_err() {
            failed.push(class.name);
        }
    }
    failed
}

async fn strike_class(class: &'static Class) {
    let mut stage = Stage::new().await;
    for round in 0..ROUNDS {
        for (place, when) in SEEDS.into_iter().enumerate() {
            // A wait that an answer asked for is over by then, too.
            let again = round > 0 && matches!(when, When::Everything | When::Single);
            if again || matches!(when, When::FullLists | When::Single) {
                stage.a_day_passes();
            }
            // A laptop that has slept for a day must hear first that it still writes, and what spoils that answer keeps
            // it from writing. In the second round it has heard, and it is the writes whose answers are spoiled.
            if again {
                stage.world.sync().await;
            }
            stage.something_is_under_way();
            // Another variant of the class at each place, and at the same place in each round.
            let seed = (place + round) % SEEDS.len();
            let at = format!("{} {when:?} {seed}", class.name);
            let impostor = Impostor::new(&stage.world, class.answer, when, seed as u64);
            let before = titles(&stage);
            let report = stage.two_cycles(&at, &impostor).await;
            assert!(impostor.struck() > 0, "{at} never struck");
            if when == When::Single {
                told_or_unchanged(&at, &stage, &before, &report).await;
            } else if when != When::Everything || class.says != ("", "") {
                assert_eq!(codes(&report), class.says, "{at}: {report:?}");
            }
            // Getting well takes longer than all the rest of a run.
            if when == When::Single || (round == 0 && when == When::FullLists) {
                stage.well_again(&at).await;
            }
        }
    }
    stage.world.check_invariants().await;
}

fn titles(stage: &Stage) -> Vec<String> {
    let trainer = stage.world.trainer();
    stage.visits.iter().map(|visit| trainer.title(visit)).collect()
}

/// After single answers were spoiled: each event is as it was or as it is to be, what is not right is not shown as synced, and
/// what was written and is not shown as synced says by a code why.
async fn told_or_unchanged(at: &str, stage: &Stage, before: &[String], report: &CycleReport) {
    let outbox = stage.world.outbox().await;
    let (platform, calendar) = codes(report);
    let of_sides = [platform, calendar].into_iter().filter(|code| !code.is_empty());
    let of_writes = outbox.iter().filter_map(|row| row.last_problem.as_deref());
    let told: Vec<&str> = of_sides.chain(of_writes).collect();
    assert!(told.iter().all(|code| CLEAR.contains(code)), "{at}: {told:?}");
    for ((visit, title), before) in stage.visits.iter().zip(titles(stage)).zip(before) {
        let place = stage.world.admin().appointment(visit).location;
        let right = place.and_then(|place| place.name).as_ref() == Some(&title);
        let synced = stage.world.badge(visit).await.0 == Badge::Synced;
        assert!(right || &title == before, "{at}: {visit} is {title:?}");
        assert!(right || !synced, "{at}: {visit} is {title:?} and shown as synced");
        assert!(
            &title == before || synced || !told.is_empty(),
            "{at}: nothing says why: {report:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_on_the_wire_hurts() {
    strike(ON_THE_WIRE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_a_body_hurts() {
    strike(IN_THE_BODY).await;
}

async fn strike_item(class: &'static ItemClass) {
    let mut stage = Stage::new().await;
    for seed in 0..4 {
        stage.something_is_under_way();
        stage.a_day_passes();
        let before = stage.world.history().await.len();
        let impostor = Impostor::new(&stage.world, class.answer, When::FullLists, seed);
        let report = stage.two_cycles(class.name, &impostor).await;
        assert_eq!(codes(&report), ("", ""), "{} {seed}: {report:?}", class.name);
        let told = stage.world.history().await.split_off(before);
        let told = |wanted: fn(&HistoryWhat) -> bool| told.iter().any(|item| wanted(&item.what));
        let well = match class.tells {
            Tells::Nothing => true,
            Tells::Unreadable => told(|what| matches!(what, HistoryWhat::Unreadable { .. })),
            Tells::Shrank => told(|what| *what == HistoryWhat::ReadingShrank),
        };
        assert!(well, "{} {seed} is not told", class.name);
        stage.well_again(&format!("{} {seed}", class.name)).await;
    }
    stage.world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_an_item_hurts() {
    let mut failed = Vec::new();
    for class in IN_AN_ITEM {
        if tokio::spawn(strike_item(class)).await.is_err() {
            failed.push(class.name);
        }
    }
    println!(
        "{} classes of hostile items, {} runs",
        IN_AN_ITEM.len(),
        IN_AN_ITEM.len() * 4
    );
    assert!(failed.is_empty(), "{failed:?}");
}

/// A platform that says everything is gone is asked about once, and a "leave" keeps every event.
#[tokio::test]
async fn a_platform_that_removes_everything_is_asked_about() {
    let stage = Stage::new().await;
    stage.a_day_passes();
    let lie = stage::Answer::Whole(|asked| {
        classes::changed(asked, |body| {
            for item in body["items"].as_array_mut().into_iter().flatten() {
                if item.get("appointment").is_some() {
                    *item = serde_json::json!({
                        "change": "removed", "id": item["appointment"]["id"], "reason": "deleted",
                        "version": item["appointment"]["version"], "at": "2026-11-21T08:00:00Z",
                    });
                }
            }
        })
    });
    let impostor = Impostor::new(&stage.world, lie, When::FullLists, 0);
    stage.two_cycles("everything removed", &impostor).await;
    let questions = stage.world.questions().await;
    assert_eq!(questions.len(), 1, "{questions:?}");
    assert_eq!(questions[0].kind, QuestionKind::Cancellations);
    stage.world.answer(Reply::Leave).await;
    stage.a_day_passes();
    stage.world.settle().await;
    assert_eq!(stage.world.trainer().marked().len(), stage.visits.len());
    stage.world.check_invariants().await;
}

/// A calendar that says everything was deleted: nothing is cancelled, one question, and "put back" finds every event.
#[tokio::test]
async fn a_calendar_that_buries_everything_is_asked_about() {
    let stage = Stage::new().await;
    stage.a_day_passes();
    let lie = stage::Answer::Whole(|asked| {
        classes::changed(asked, |body| {
            for item in body["items"].as_array_mut().into_iter().flatten() {
                if item.get("etag").is_some() {
                    *item = serde_json::json!({"id": item["id"], "status": "cancelled"});
                }
            }
        })
    });
    let impostor = Impostor::new(&stage.world, lie, When::FullLists, 0);
    stage.two_cycles("everything buried", &impostor).await;
    let questions = stage.world.questions().await;
    assert_eq!(questions.len(), 1, "{questions:?}");
    assert_eq!(questions[0].kind, QuestionKind::RemovedInCalendar);
    stage.world.answer(Reply::GoOn).await;
    stage.world.settle().await;
    // What was put back beside an event that never went is found with the next full listing, and taken out again.
    stage.a_day_passes();
    stage.world.settle().await;
    assert_eq!(stage.world.admin().writes(), [], "nothing was reported");
    for visit in &stage.visits {
        assert_eq!(stage.world.trainer().events(visit).len(), 1, "{visit}");
        assert_eq!(stage.world.badge(visit).await.0, Badge::Synced, "{visit}");
    }
    stage.world.check_invariants().await;
}
