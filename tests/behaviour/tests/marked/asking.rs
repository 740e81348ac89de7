//! What is asked about, what is not, and how long an answer lasts.

use super::*;

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
