//! Events that the trainer marked with a tag become appointments, once each, and nothing else of theirs is looked at.

use roundtrip_behaviour_tests::{Cut, World, at, start_of};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{Conflict, ConflictCause, ConflictKind, ConflictState, Resolution, Seen};
use roundtrip_core::record::{Field, Value as Shown};
use roundtrip_core::settings::Direction;
use roundtrip_engine::AnswerError;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::platform::{Notification, NotificationKind, PauseReason, Record};
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

#[tokio::test]
async fn a_marked_event_is_asked_about_once_and_tells_what_it_would_make() {
    let world = world().await;
    let mark = world.mark();
    make(&world, TITLE, "2026-12-02 10:00");
    for _ in 0..3 {
        world.settle().await;
    }
    let asked = question(&world).await;
    assert_eq!(asked.cause, ConflictCause::Marked);
    let told: Vec<Field> = asked.fields.iter().map(|field| field.field).collect();
    assert_eq!(told, Field::ALL);
    assert!(
        asked
            .fields
            .iter()
            .all(|field| matches!(field.platform, Shown::Hash(_)))
    );
    assert_eq!(asked.fields[1].calendar, Shown::Text("Rosen-Apotheke".into()));
    let raised = world.story(asked.appointment_id.as_str()).await;
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert!(world.writes_since(mark).is_empty(), "nothing before the answer");
    world.check_invariants().await;
}

#[tokio::test]
async fn create_makes_one_appointment_of_that_very_event_and_the_admin_is_told() {
    let (world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    let told = told(&world);
    let source = told[0].source.as_ref().expect("where it was made");
    assert_eq!(
        (source.provider.as_str(), source.event_id.as_deref()),
        ("google", Some(id.as_str()))
    );
    let story = world.story(&appointment).await;
    assert!(
        matches!(story[0], HistoryWhat::CreatedFromEvent { .. }),
        "{story:?}"
    );
}

#[tokio::test]
async fn afterwards_it_is_an_appointment_like_any_other() {
    let (mut world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    world.trainer().drag(&appointment, "2026-12-02 14:00");
    world.settle().await;
    assert_eq!(world.admin().start(&appointment), at("2026-12-02 14:00"));
    world.advance(120);
    world.admin().move_to(&appointment, "2026-12-03 09:00");
    world.settle().await;
    assert_eq!(world.trainer().start(&appointment), at("2026-12-03 09:00"));
    world.check_invariants().await;

    // A lost database finds it again by its mark.
    world.lose_database().await;
    world.start().await;
    world.settle().await;
    assert_eq!(world.trainer().event_id(&appointment), id);
    assert_eq!(world.badge(&appointment).await.0, Badge::Synced);
    world.admin().cancel(&appointment);
    world.settle().await;
    assert!(!world.trainer().has(&appointment));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_deleted_one_stays_deleted_until_it_is_put_back() {
    let (world, id) = confirmed().await;
    world.settle().await;
    let appointment = made_once(&world, &id).await;
    world.trainer().delete(&appointment);
    world.settle().await;
    assert_eq!(world.badge(&appointment).await.0, Badge::Removed);
    world.put_back(&appointment).await.expect("it was removed");
    world.settle().await;
    assert_ne!(
        world.trainer().event_id(&appointment),
        id,
        "a dead id is never used again"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_copy_of_it_is_the_trainers_own() {
    let (world, id) = confirmed().await;
    world.settle().await;
    made_once(&world, &id).await;
    let trainer = world.trainer();
    let copy = trainer.google().copy_event(trainer.address(), "primary", &id);
    let copy = copy.expect("the trainer may")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.settle().await;
    assert_eq!(event(&world, &copy)["status"], "confirmed");
    assert_eq!(world.conflicts().await, []);
    let mark = world.mark();
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());
}

#[tokio::test]
async fn a_lost_reply_makes_no_second_one() {
    for fault in [Fault::DropAfter, Fault::DropBefore, Fault::CutPage] {
        let (world, id) = confirmed().await;
        world.spoil_platform(fault.clone(), |rule| {
            rule.method("POST").path("/v1/appointments").times(1)
        });
        world.settle().await;
        world.repair();
        world.settle().await;
        made_once(&world, &id).await;
    }
}

#[tokio::test]
async fn while_the_reply_is_missing_the_feed_makes_no_second_event() {
    let (world, id) = confirmed().await;
    // The platform has made it and says so over its feed, but no answer to the creation comes through.
    world.spoil_platform(Fault::DropAfter, |rule| {
        rule.method("POST").path("/v1/appointments").times(0)
    });
    for _ in 0..3 {
        world.sync().await;
        world.advance(30);
    }
    assert_eq!(appointments(&world).len(), 1);
    let own: Vec<Value> = world
        .trainer()
        .everything()
        .into_iter()
        .filter(|event| event["start"] == hours("2026-12-02 10:00").0 || event["summary"] == "Rosen-Apotheke")
        .collect();
    assert!(own.len() <= 1, "{own:#?}");
    assert_eq!(world.trainer().marked(), Vec::<Value>::new());
    world.repair();
    world.settle().await;
    made_once(&world, &id).await;
}

#[tokio::test]
async fn wherever_the_power_goes_there_is_one() {
    // The first write makes the appointment, the second one marks the event.
    for writes in 0..2 {
        for cut in [Cut::Before, Cut::After] {
            let (mut world, id) = confirmed().await;
            world.lose_power(writes, cut).await;
            let platform_knows = !appointments(&world).is_empty();
            assert_eq!(platform_knows, (writes, cut) != (0, Cut::Before));
            world.settle().await;
            made_once(&world, &id).await;
        }
    }
}

#[tokio::test]
async fn an_edit_between_the_two_writes_is_not_overwritten() {
    let (mut world, id) = confirmed().await;
    world.lose_power(1, Cut::Before).await;
    let (start, end) = hours("2026-12-02 15:00");
    edit(&world, &id, &json!({"start": start, "end": end}));
    world.advance(60);
    world.settle().await;
    let made = appointments(&world);
    assert_eq!(made.len(), 1);
    assert_eq!(
        made[0].appointment.start.to_utc(),
        at("2026-12-02 15:00"),
        "the move is reported"
    );
    assert_eq!(start_of(&event(&world, &id)), at("2026-12-02 15:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn deleted_between_the_two_writes_it_does_not_come_back() {
    let (mut world, id) = confirmed().await;
    world.lose_power(0, Cut::After).await;
    delete(&world, &id);
    world.settle().await;
    let made = appointments(&world);
    assert_eq!(made.len(), 1, "deleting an event cancels nothing");
    assert_eq!(world.badge(&made[0].appointment.id).await.0, Badge::Removed);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_dismissal_is_remembered_over_edits_restarts_and_full_listings() {
    let mut world = world().await;
    let id = make(&world, TITLE, "2026-12-02 10:00");
    world.sync().await;
    answer(&world, Resolution::Dismiss)
        .await
        .expect("an open question");
    edit(
        &world,
        &id,
        &json!({"summary": "#linden Something else", "location": "Elsewhere"}),
    );
    world.settle().await;
    world.restart().await;
    world.settle().await;
    edit(&world, &id, &json!({"summary": "Untitled"}));
    world.settle().await;
    edit(&world, &id, &json!({"summary": TITLE}));
    world.advance(25 * 3_600);
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    assert_eq!(appointments(&world), []);
    assert!(
        !on_the_disk(&world, "Elsewhere"),
        "nothing is kept of a dismissed event"
    );
    assert_eq!(
        world
            .engine
            .ledger()
            .marked()
            .await
            .expect("the ledger works")
            .len(),
        1
    );

    delete(&world, &id);
    world.settle().await;
    assert_eq!(
        world.engine.ledger().marked().await.expect("the ledger works"),
        []
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn other_events_are_never_touched_nor_stored() {
    let world = world().await;
    let foreign = make(&world, "Zahnarzt Dr. Quendel", "2026-12-02 10:00");
    let near = make(&world, "#lindenplatz Quendelgasse", "2026-12-02 12:00");
    let before = [event(&world, &foreign), event(&world, &near)];
    world.settle().await;
    edit(&world, &foreign, &json!({"description": "Quendelsalbe"}));
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    assert!(!on_the_disk(&world, "Quendel"));
    assert!(!on_the_disk(&world, &foreign));
    assert_eq!(event(&world, &near)["etag"], before[1]["etag"]);
    world.check_invariants().await;
}

#[tokio::test]
async fn off_by_default_and_found_once_it_is_turned_on() {
    let world = World::new().await;
    make(&world, TITLE, "2026-12-02 10:00");
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    assert!(!on_the_disk(&world, "Rosen-Apotheke"));

    world.set(|settings| settings.created_externally = true).await;
    world.settle().await;
    question(&world).await;

    // Another tag, and off again: the question is taken back.
    world
        .set(|settings| settings.mark_tag = Some("#termin".into()))
        .await;
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    world.set(|settings| settings.mark_tag = None).await;
    world.settle().await;
    let asked = question(&world).await;
    world.set(|settings| settings.created_externally = false).await;
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    let closed = world
        .engine
        .ledger()
        .conflict(&asked.id)
        .await
        .expect("the ledger works");
    assert!(matches!(
        closed.expect("it is remembered").state,
        ConflictState::Superseded { .. }
    ));
    assert_eq!(
        world.engine.ledger().marked().await.expect("the ledger works"),
        []
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn not_offered_to_push_only_nor_without_the_feature() {
    let mut world = world().await;
    world.set(|settings| settings.direction = Direction::Push).await;
    make(&world, TITLE, "2026-12-02 10:00");
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    world.set(|settings| settings.direction = Direction::Both).await;
    world.laptop = world.laptop.without_feature("create_appointments").await;
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    assert!(!on_the_disk(&world, "Rosen-Apotheke"));
    world.check_invariants().await;
}

#[tokio::test]
async fn series_whole_days_and_what_is_over_are_not_offered() {
    let world = world().await;
    let (start, end) = hours("2026-12-02 10:00");
    insert(
        &world,
        &json!({"summary": TITLE, "start": start, "end": end, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}),
    );
    insert(
        &world,
        &json!({"summary": TITLE, "start": {"date": "2026-12-03"}, "end": {"date": "2026-12-04"}}),
    );
    make(&world, TITLE, "2026-11-20 10:00");
    make(&world, TITLE, "2026-11-21 08:30");
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    assert!(!on_the_disk(&world, "Rosen-Apotheke"));
}

#[tokio::test]
async fn an_invitation_of_somebody_else_is_not_offered() {
    let world = world().await;
    let invitations = |event: &&Value| event["organizer"]["email"] == "office@partner.example";
    let everything = world.trainer().everything();
    let invited = everything
        .iter()
        .find(invitations)
        .expect("the sample calendar has an invitation");
    // The stand-in does not let a guest rename it, so its own word is the tag.
    let title = invited["summary"].as_str().expect("a title").to_owned();
    world
        .set(|settings| settings.mark_tag = Some(title.clone()))
        .await;
    world.settle().await;
    assert_eq!(world.conflicts().await, []);
    // The same title on an event of one's own is.
    make(&world, &title, "2026-12-02 10:00");
    world.settle().await;
    question(&world).await;
}

#[tokio::test]
async fn what_is_edited_deleted_untagged_or_begun_before_the_answer_is_asked_no_more() {
    let world = world().await;
    let id = make(&world, TITLE, "2026-12-02 10:00");
    world.sync().await;
    let shown = question(&world).await;
    edit(&world, &id, &json!({"summary": "Adler-Apotheke #linden"}));
    world.sync().await;
    let stale = world
        .engine
        .resolve_conflict(&shown.id, &shown.seen, &Resolution::Create)
        .await;
    assert_eq!(stale, Err(AnswerError::Stale));
    let now = question(&world).await;
    assert_eq!(now.id, shown.id, "the same question, with what is new");
    assert_eq!(now.fields[1].calendar, Shown::Text("Adler-Apotheke".into()));

    edit(&world, &id, &json!({"summary": "Adler-Apotheke"}));
    world.sync().await;
    assert_eq!(world.conflicts().await, []);
    let gone = world
        .engine
        .resolve_conflict(&now.id, &now.seen, &Resolution::Create)
        .await;
    assert_eq!(gone, Err(AnswerError::Gone));

    edit(&world, &id, &json!({"summary": TITLE}));
    world.sync().await;
    question(&world).await;
    delete(&world, &id);
    world.sync().await;
    assert_eq!(world.conflicts().await, []);

    make(&world, TITLE, "2026-11-21 10:00");
    world.sync().await;
    question(&world).await;
    world.set_time(at("2026-11-21 10:01"));
    world.sync().await;
    assert_eq!(world.conflicts().await, []);
    assert_eq!(appointments(&world), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_event_changed_after_the_yes_is_asked_about_anew() {
    let (world, id) = confirmed().await;
    edit(&world, &id, &json!({"summary": "#linden Adler-Apotheke"}));
    world.settle().await;
    assert_eq!(appointments(&world), [], "not what was confirmed");
    assert_eq!(
        question(&world).await.fields[1].calendar,
        Shown::Text("Adler-Apotheke".into())
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_refusal_says_why_and_can_be_answered_again() {
    let world = world().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-02 10:00");
    let id = make(&world, TITLE, "2026-12-02 10:30");
    world.settle().await;
    answer(&world, Resolution::Create)
        .await
        .expect("an open question");
    world.settle().await;
    let asked = question(&world).await;
    let ConflictCause::Refused(refusal) = &asked.cause else {
        panic!("the platform said no: {asked:?}")
    };
    assert_eq!(refusal.reason, "overlap");
    assert!(refusal.detail.is_some());
    assert_eq!(told(&world), []);

    // Outside the platform's hours.
    let (start, end) = hours("2026-12-02 05:00");
    edit(&world, &id, &json!({"start": start, "end": end}));
    world.settle().await;
    assert_eq!(
        question(&world).await.cause,
        ConflictCause::Marked,
        "a new proposal"
    );
    answer(&world, Resolution::Create)
        .await
        .expect("an open question");
    world.settle().await;
    let asked = question(&world).await;
    let ConflictCause::Refused(refusal) = &asked.cause else {
        panic!("the platform said no: {asked:?}")
    };
    assert_eq!(refusal.reason, "invalid");
    assert!(refusal.detail.is_some());

    // Not allowed to this trainer at all.
    let (start, end) = hours("2026-12-02 10:30");
    edit(&world, &id, &json!({"start": start, "end": end}));
    world.admin().cancel(&visit);
    let platform = world.admin().platform().clone();
    let may = |may: bool| {
        platform
            .change_person(world.person().user, |person| person.may_create = may)
            .expect("Mara is known");
    };
    may(false);
    world.settle().await;
    answer(&world, Resolution::Create)
        .await
        .expect("an open question");
    world.settle().await;
    let asked = question(&world).await;
    assert!(
        matches!(&asked.cause, ConflictCause::Refused(refusal) if refusal.reason == "not_allowed"),
        "{asked:?}"
    );
    may(true);
    answer(&world, Resolution::Create).await.expect("tried again");
    world.settle().await;
    assert_eq!(told(&world).len(), 1);
    assert_eq!(event(&world, &id)["summary"], "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn turned_off_before_it_was_sent_nothing_is() {
    let (world, _) = confirmed().await;
    let (platform, user) = (world.admin().platform().clone(), world.person().user);
    platform
        .pause(user, Some(PauseReason::Maintenance))
        .expect("Mara is known");
    let mark = world.mark();
    world.settle().await;
    world.set(|settings| settings.created_externally = false).await;
    platform.pause(user, None).expect("Mara is known");
    world.settle().await;
    assert!(world.writes_since(mark).is_empty());
    assert_eq!(appointments(&world), []);
    assert_eq!(world.outbox().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn offline_the_yes_waits_and_is_carried_out_later() {
    let (mut world, id) = confirmed().await;
    world.wire.unplug(&world.running.platform_url);
    world.sync().await;
    assert_eq!(appointments(&world), []);
    world.restart().await;
    world.settle().await;
    made_once(&world, &id).await;
}

#[tokio::test]
async fn pull_links_it_and_leaves_the_calendar_alone() {
    let world = world().await;
    world.set(|settings| settings.direction = Direction::Pull).await;
    let id = make(&world, TITLE, "2026-12-02 10:00");
    let before = event(&world, &id);
    world.settle().await;
    answer(&world, Resolution::Create)
        .await
        .expect("an open question");
    world.settle().await;
    assert_eq!(appointments(&world).len(), 1);
    assert_eq!(event(&world, &id)["etag"], before["etag"]);
    for _ in 0..2 {
        world.advance(25 * 3_600);
        world.settle().await;
    }
    assert_eq!(world.conflicts().await, [], "not asked again");
    assert_eq!(appointments(&world).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn the_answers_of_other_conflicts_are_not_taken() {
    let (world, shown) = {
        let world = world().await;
        make(&world, TITLE, "2026-12-02 10:00");
        world.sync().await;
        let shown = question(&world).await;
        (world, shown)
    };
    for wrong in [
        Resolution::KeepPlatform,
        Resolution::KeepCalendar,
        Resolution::StopSyncing,
    ] {
        let taken = world
            .engine
            .resolve_conflict(&shown.id, &shown.seen, &wrong)
            .await;
        assert_eq!(taken, Err(AnswerError::NotPossible), "{wrong:?}");
    }
    let blind = world
        .engine
        .resolve_conflict(&shown.id, &Seen::default(), &Resolution::Create)
        .await;
    assert_eq!(blind, Err(AnswerError::Stale));
    world.check_invariants().await;
}

#[tokio::test]
async fn two_laptops_that_both_say_yes_make_one() {
    let world = world().await;
    let other = world.second_laptop().await;
    other.set(|settings| settings.created_externally = true).await;
    other.start().await;
    let id = make(&world, TITLE, "2026-12-02 10:00");
    world.sync().await;
    other.sync().await;
    answer(&world, Resolution::Create)
        .await
        .expect("an open question");
    let asked = other.conflicts().await;
    assert_eq!(asked.len(), 1);
    other
        .engine
        .resolve_conflict(&asked[0].id, &asked[0].seen, &Resolution::Create)
        .await
        .expect("an open question there, too");
    for _ in 0..2 {
        world.settle().await;
        other.settle().await;
    }
    other.engine.take_over();
    other.settle().await;
    let made = appointments(&world);
    assert_eq!(made.len(), 1, "{made:#?}");
    assert_eq!(world.trainer().event_id(&made[0].appointment.id), id);
    assert_eq!(told(&world).len(), 1);
    world.check_invariants_with(&[&other]).await;
}
