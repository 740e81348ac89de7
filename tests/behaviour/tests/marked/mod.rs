//! Events that the trainer marked with a tag become appointments, once each, and nothing else of theirs is looked at.

mod asking;
mod making;

use roundtrip_behaviour_tests::{Cut, World, at, start_of};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{Conflict, ConflictCause, ConflictKind, ConflictState, Resolution, Seen};
use roundtrip_core::outbox::{OutboxRow, OutboxState};
use roundtrip_core::record::{Field, Value as Shown};
use roundtrip_core::settings::Direction;
use roundtrip_engine::AnswerError;
use roundtrip_engine::ledger::{HistoryWhat, RunResult};
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::{AdminEdit, Notification, NotificationKind, PauseReason, Record};
use serde_json::{Value, json};

const TITLE: &str = "#linden Rosen-Apotheke";
const NOTES: &str = "Muster mitbringen.";
const PLACE: &str = "Rosenstr. 1, 10178 Berlin";

/// A world in which marked events are looked at.
async fn world() -> World {
    let world = World::new().await;
    world.set(|settings| settings.created_externally = true).await;
    world.settle().await;
    world
}

fn hours(start: &str) -> (Value, Value) {
    let side =
        |at: chrono::DateTime<chrono::Utc>| json!({"dateTime": at.to_rfc3339(), "timeZone": "Europe/Berlin"});
    (side(at(start)), side(at(start) + chrono::TimeDelta::minutes(90)))
}

/// The trainer makes an event in their calendar.
fn make(world: &World, title: &str, start: &str) -> String {
    let (start, end) = hours(start);
    insert(
        world,
        &json!({"summary": title, "description": NOTES, "location": PLACE, "start": start, "end": end}),
    )
}

fn insert(world: &World, event: &Value) -> String {
    let trainer = world.trainer();
    let made = trainer.google().insert_event(trainer.address(), "primary", event);
    made.expect("the trainer may")["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn edit(world: &World, id: &str, patch: &Value) {
    let trainer = world.trainer();
    trainer
        .google()
        .patch_event(trainer.address(), "primary", id, patch)
        .expect("the trainer may");
}

fn delete(world: &World, id: &str) {
    let trainer = world.trainer();
    trainer
        .google()
        .delete_event(trainer.address(), "primary", id)
        .expect("the trainer may");
}

fn event(world: &World, id: &str) -> Value {
    let trainer = world.trainer();
    trainer
        .google()
        .event(trainer.address(), "primary", id)
        .expect("an event of the trainer")
}

/// The one open question.
async fn question(world: &World) -> Conflict {
    let open = world.conflicts().await;
    let [question] = open.as_slice() else {
        panic!("one open question: {open:#?}")
    };
    assert_eq!(question.kind, ConflictKind::CreatedExternally);
    question.clone()
}

async fn answer(world: &World, resolution: Resolution) -> Result<(), AnswerError> {
    let asked = question(world).await;
    world
        .engine
        .resolve_conflict(&asked.id, &asked.seen, &resolution)
        .await
}

/// Marked, asked, and the answer given, but nothing sent yet.
async fn confirmed() -> (World, String) {
    let world = world().await;
    let id = make(&world, TITLE, "2026-12-02 10:00");
    world.sync().await;
    answer(&world, Resolution::Create)
        .await
        .expect("an open question");
    (world, id)
}

/// The trainer's appointments on the platform. It has others, of other people.
fn appointments(world: &World) -> Vec<Record> {
    let mut all = world.admin().platform().appointments();
    all.retain(|record| record.assignee.as_deref() == Some(world.person().user));
    all
}

fn told(world: &World) -> Vec<Notification> {
    let mut told = world.admin().platform().notifications();
    told.retain(|told| told.kind == NotificationKind::Created);
    told
}

/// Exactly one appointment was made, its one event is the marked one without the tag, and the admin was told once.
async fn made_once(world: &World, id: &str) -> String {
    let made = appointments(world);
    let [made] = made.as_slice() else {
        panic!("one appointment: {made:#?}")
    };
    let appointment = made.appointment.id.clone();
    assert_eq!(made.appointment.title.as_deref(), Some("Rosen-Apotheke"));
    assert_eq!(world.trainer().event_id(&appointment), id);
    let shown = event(world, id);
    assert_eq!(shown["summary"], "Rosen-Apotheke");
    assert_eq!(shown["location"], PLACE);
    let description = shown["description"].as_str().expect("a description");
    assert_eq!(description.matches(NOTES).count(), 1, "{description}");
    assert!(description.contains(&made.appointment.url), "{description}");
    assert_eq!(told(world).len(), 1);
    assert_eq!(world.conflicts().await, []);
    assert_eq!(world.badge(&appointment).await.0, Badge::Synced);
    world.check_invariants().await;
    appointment
}

/// Whatever the laptop's disk holds of this word.
fn on_the_disk(world: &World, word: &str) -> bool {
    std::fs::read_dir(world.folder())
        .expect("the laptop's folder")
        .filter_map(|found| std::fs::read(found.expect("a file").path()).ok())
        .any(|bytes| bytes.windows(word.len()).any(|part| part == word.as_bytes()))
}
