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
use roundtrip_engine::ledger::HistoryWhat;
use stage::{Impostor, SEEDS, Stage, When, codes};

/// All classes of a table, each at every place where an answer is waited for. All of them run, whatever one of them finds.
async fn strike(table: &'static [Class]) {
    let (first, second) = table.split_at(table.len() / 2);
    let (one, other) = tokio::join!(strike_one_by_one(first), strike_one_by_one(second));
    let failed: Vec<&str> = one.into_iter().chain(other).collect();
    println!(
        "{} classes of hostile answers, {} runs, {} failed",
        table.len(),
        table.len() * SEEDS.len(),
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
    for (seed, when) in SEEDS.into_iter().enumerate() {
        stage.something_is_under_way();
        // A wait that an answer asked for is over by then, too.
        if matches!(when, When::FullLists | When::Single) {
            stage.a_day_passes();
        }
        let impostor = Impostor::new(&stage.world, class.answer, when, seed as u64);
        let report = stage.two_cycles(class.name, &impostor).await;
        assert!(impostor.struck() > 0, "{} {when:?} never struck", class.name);
        if when != When::Single && (when != When::Everything || class.says != ("", "")) {
            assert_eq!(codes(&report), class.says, "{} {when:?}: {report:?}", class.name);
        }
        if matches!(when, When::FullLists | When::Single) {
            stage.well_again(&format!("{} {when:?}", class.name)).await;
        }
    }
    stage.world.check_invariants().await;
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
