use super::*;
use crate::event::Mark;
use crate::reconcile::reconcile;
use crate::settings::Direction;
use crate::testing::{appointment, at, context, event_saying, stored};

const NOW: &str = "2026-11-21T08:00:00Z";

fn rule() -> Rule {
    Rule {
        tag: "#linden".into(),
        fallback_title: "Coaching Session".into(),
    }
}

/// Rosen-Apotheke, marked, with a place and a note.
fn event() -> Event {
    Event {
        id: EventId::new("own-event"),
        title: "#Linden Rosen-Apotheke".into(),
        location: "Rosenstr. 1, 10178 Berlin".into(),
        ..event_saying("Bring the <b>samples</b>.")
    }
}

fn offered(event: &Event) -> Option<MarkedEvent> {
    candidate(event, &rule(), at(NOW))
}

fn asked() -> Marked {
    follow(None, &event(), &rule(), at(NOW)).expect("a candidate")
}

/// What the platform makes of it.
fn made() -> Appointment {
    Appointment {
        id: AppointmentId::new("apt_77"),
        version: 1,
        title: Some("Rosen-Apotheke".into()),
        topic: None,
        place: Some(crate::appointment::Place {
            name: None,
            address: Some("Rosenstr. 1, 10178 Berlin".into()),
        }),
        notes: Some("Bring the samples.".into()),
        client: None,
        url: "https://platform.example/appointments/apt_77".into(),
        ..appointment()
    }
}

fn sent() -> MarkedEvent {
    offered(&event()).expect("a candidate")
}

fn linked_with(found: Found, said: Appointment) -> (Record, Context) {
    let ctx = context(NOW);
    let mut record = Record::new(said.id.clone());
    assert!(link(&mut record, said, &event().id, &sent(), found, &ctx));
    (record, ctx)
}

fn patch_of(record: &Record, ctx: &Context) -> (Etag, crate::event::EventBody, crate::event::PatchMask) {
    match reconcile(record, ctx).intents.as_slice() {
        [
            Intent::Patch {
                event_id,
                expected,
                body,
                mask,
            },
        ] => {
            assert_eq!(*event_id, event().id);
            (expected.clone(), (**body).clone(), *mask)
        }
        other => panic!("one patch of the trainer's own event: {other:?}"),
    }
}

#[test]
fn the_tag_is_found_as_a_whole_word_in_any_case() {
    for (title, rest) in [
        ("#linden Rosen-Apotheke", Some("Rosen-Apotheke")),
        ("Rosen-Apotheke #LINDEN", Some("Rosen-Apotheke")),
        ("Rosen #Linden Apotheke", Some("Rosen Apotheke")),
        ("(#linden) Rosen", Some("() Rosen")),
        ("#linden #linden A", Some("A")),
        ("#linden", Some("")),
        ("#lindenplatz Rosen", None),
        ("#linden-2 Rosen", None),
        ("x#linden Rosen", None),
        ("##linden Rosen", None),
        ("linden Rosen", None),
        ("", None),
    ] {
        assert_eq!(without_tag(title, "#linden").as_deref(), rest, "{title:?}");
    }
    assert_eq!(without_tag("Besuch #ÜBUNG", "#übung").as_deref(), Some("Besuch"));
}

#[test]
fn a_tag_is_one_short_word_after_a_hash() {
    assert_eq!(checked_tag(" #linden ").as_deref(), Some("#linden"));
    assert_eq!(checked_tag("#übung_2-b").as_deref(), Some("#übung_2-b"));
    let longest = format!("#{}", "a".repeat(29));
    assert_eq!(checked_tag(&longest).as_deref(), Some(longest.as_str()));
    for bad in [
        "",
        "#",
        "linden",
        "#two words",
        "#a.b",
        &format!("#{}", "a".repeat(30)),
    ] {
        assert_eq!(checked_tag(bad), None, "{bad:?}");
    }
}

#[test]
fn the_default_tag_is_a_word_of_the_platforms_name() {
    assert_eq!(default_tag("Linden Akademie"), "#linden");
    assert_eq!(default_tag("Die Übungs-Akademie"), "#übungs");
    assert_eq!(default_tag("A-Z"), "#a");
    assert_eq!(default_tag("  "), "#roundtrip");
    assert!(checked_tag(&default_tag(&"x".repeat(90))).is_some());
}

#[test]
fn off_by_default_and_never_where_nothing_is_reported() {
    let mut settings = SyncSettings::default();
    assert_eq!(Rule::of(&settings, "Linden Akademie"), None);
    settings.created_externally = true;
    assert_eq!(Rule::of(&settings, "Linden Akademie"), Some(rule()));
    settings.direction = Direction::Push;
    assert_eq!(Rule::of(&settings, "Linden Akademie"), None);
    settings.direction = Direction::Pull;
    assert!(Rule::of(&settings, "Linden Akademie").is_some());
}

#[test]
fn only_a_future_event_of_ones_own_with_hours_is_offered() {
    assert_eq!(sent().title, "Rosen-Apotheke");
    assert_eq!(sent().notes, "Bring the samples.");
    let span = event().time.timed().expect("hours");
    let all_day = EventTime::AllDay {
        start: span.start.date_naive(),
        end: span.start.date_naive(),
    };
    let mark = Mark {
        private: false,
        origin: None,
        ..patch_of(&linked_with(Found::Live(event().into()), made()).0, &context(NOW))
            .1
            .mark
    };
    for (why, other) in [
        (
            "no tag",
            Event {
                title: "Rosen-Apotheke".into(),
                ..event()
            },
        ),
        (
            "all-day",
            Event {
                time: all_day,
                ..event()
            },
        ),
        (
            "without a length",
            Event {
                time: EventTime::Timed(TimeSpan {
                    end: span.start,
                    ..span
                }),
                ..event()
            },
        ),
        (
            "a series",
            Event {
                recurring: true,
                ..event()
            },
        ),
        (
            "invited",
            Event {
                organised_by_me: false,
                ..event()
            },
        ),
        (
            "a copy of ours",
            Event {
                mark: Some(mark),
                ..event()
            },
        ),
    ] {
        assert_eq!(offered(&other), None, "{why}");
    }
    assert_eq!(candidate(&event(), &rule(), span.start), None, "begun");
}

#[test]
fn nothing_but_a_tag_gets_the_words_for_an_untitled_one() {
    let bare = Event {
        title: "#linden".into(),
        ..event()
    };
    assert_eq!(offered(&bare).expect("a candidate").title, "Coaching Session");
}

#[test]
fn an_event_has_one_question_however_often_it_is_read() {
    let identity = context(NOW).identity;
    let raise = |marked: &Marked| match &marked.step {
        Step::Asked { event, refusal } => {
            conflict(&identity, &marked.event_id, event, refusal.as_ref(), at(NOW))
        }
        other => panic!("asked: {other:?}"),
    };
    let first = asked();
    let again = follow(Some(&first), &event(), &rule(), at(NOW)).expect("still one");
    assert_eq!(raise(&first), raise(&again));
    let renamed = Event {
        title: "#linden Adler".into(),
        etag: Etag::new("\"2\""),
        ..event()
    };
    let renamed = follow(Some(&first), &renamed, &rule(), at(NOW)).expect("still one");
    assert_eq!(raise(&renamed).id, raise(&first).id);
    assert_ne!(raise(&renamed).seen, raise(&first).seen);
    assert!(is_stand_in(&raise(&first).appointment_id));
    assert!(!is_stand_in(&made().id));
}

#[test]
fn an_answer_to_another_state_is_stale() {
    let seen = |etag: &str| Seen {
        version: None,
        etag: Some(Etag::new(etag)),
    };
    let answered = answer(&asked(), &Resolution::Create, &seen("\"1\"")).expect("taken");
    assert!(matches!(answered.step, Step::Creating { .. }));
    assert_eq!(
        answer(&asked(), &Resolution::Create, &seen("\"2\"")),
        Err(ResolveError::Stale)
    );
    assert_eq!(
        answer(&asked(), &Resolution::KeepCalendar, &seen("\"1\"")),
        Err(ResolveError::NotPossible)
    );
}

#[test]
fn a_dismissal_outlives_every_edit_and_keeps_nothing() {
    let seen = Seen {
        version: None,
        etag: Some(Etag::new("\"1\"")),
    };
    let dismissed = answer(&asked(), &Resolution::Dismiss, &seen).expect("taken");
    let edited = Event {
        title: "#linden Anything else".into(),
        etag: Etag::new("\"9\""),
        ..event()
    };
    let after = follow(Some(&dismissed), &edited, &rule(), at(NOW));
    assert_eq!(after.as_ref(), Some(&dismissed));
    let kept = serde_json::to_string(&dismissed).expect("JSON");
    assert!(!kept.contains("Rosen") && !kept.contains("2026"), "{kept}");
    let untagged = Event {
        title: "Rosen".into(),
        ..event()
    };
    assert_eq!(
        follow(Some(&dismissed), &untagged, &rule(), at(NOW)),
        Some(dismissed)
    );
}

#[test]
fn a_change_after_the_answer_is_asked_about_anew() {
    let creating = Marked {
        step: Step::Creating { event: sent() },
        ..asked()
    };
    let recoloured = Event {
        etag: Etag::new("\"2\""),
        ..event()
    };
    let same = follow(Some(&creating), &recoloured, &rule(), at(NOW)).expect("still one");
    assert!(matches!(same.step, Step::Creating { .. }));
    let renamed = Event {
        title: "#linden Adler".into(),
        ..recoloured
    };
    let other = follow(Some(&creating), &renamed, &rule(), at(NOW)).expect("still one");
    assert!(matches!(other.step, Step::Asked { refusal: None, .. }));
    let untagged = Event {
        title: "Adler".into(),
        ..renamed
    };
    assert_eq!(follow(Some(&creating), &untagged, &rule(), at(NOW)), None);
}

#[test]
fn a_closed_question_forgets_place_and_notes() {
    let identity = context(NOW).identity;
    let open = conflict(&identity, &event().id, &sent(), None, at(NOW));
    assert_eq!(open.fields.len(), 4);
    let closed = closed(open, ConflictState::Superseded { at: at(NOW) });
    let told = serde_json::to_string(&closed).expect("JSON");
    assert!(told.contains("Rosen-Apotheke"), "{told}");
    assert!(!told.contains("Rosenstr") && !told.contains("samples"), "{told}");
}

#[test]
fn the_appointment_is_linked_to_the_very_event_which_loses_its_tag() {
    let (mut record, ctx) = linked_with(Found::Live(event().into()), made());
    let (expected, body, mask) = patch_of(&record, &ctx);
    assert_eq!(expected, Etag::new("\"1\""));
    assert_eq!(body.title, "Rosen-Apotheke");
    assert!(mask.title && mask.description && !mask.time && !mask.location);
    assert_eq!(
        body.description.matches("samples").count(),
        1,
        "its text has become the notes: {}",
        body.description
    );
    // Written: our mark is tied to this event, a copy of it is foreign, and both sides agree.
    let written = stored(&event().id, &body, "\"2\"", ctx.now);
    absorb::written(&mut record, written.clone(), &body, mask, &ctx);
    assert!(reconcile(&record, &ctx).intents.is_empty());
    let known = |id: &AppointmentId| (*id == record.appointment_id).then_some(&record);
    assert_eq!(
        absorb::recognise(&written, &ctx.identity, known),
        absorb::Adoption::Known(made().id)
    );
    assert_eq!(
        absorb::recognise(&written, &ctx.identity, |_| None),
        absorb::Adoption::Adopt(made().id),
        "found again after a lost database"
    );
    let copy = Event {
        id: EventId::new("copy"),
        ..written
    };
    assert_eq!(
        absorb::recognise(&copy, &ctx.identity, known),
        absorb::Adoption::Foreign
    );
}

#[test]
fn a_link_behind_words_stays_in_the_event_also_where_it_could_not_be_looked_at() {
    let with_link = Event {
        description: "<a href=\"https://zoom.us/j/1\">Join</a>".into(),
        ..event()
    };
    assert_eq!(sent().stored, None, "what text says is kept once");
    let sent = offered(&with_link).expect("a candidate");
    assert_eq!(sent.notes, "Join");
    let said = Appointment {
        notes: Some("Join".into()),
        ..made()
    };
    for found in [Found::Live(with_link.clone().into()), Found::Unknown] {
        let ctx = context(NOW);
        let mut record = Record::new(said.id.clone());
        assert!(link(&mut record, said.clone(), &with_link.id, &sent, found, &ctx));
        let (_, body, _) = patch_of(&record, &ctx);
        let start = format!("{}<br>", with_link.description);
        assert!(body.description.starts_with(&start), "{}", body.description);
    }
}

#[test]
fn a_block_that_was_pasted_out_of_another_event_becomes_no_notes() {
    let other = crate::testing::linked(&context(NOW))
        .event
        .expect("an event")
        .description;
    let pasted = Event {
        description: format!(
            "<b>Bring</b> the samples.<br>{}<br>Ring twice.",
            other.replace('\n', "<br>")
        ),
        ..event()
    };
    let sent = offered(&pasted).expect("a candidate");
    assert_eq!(sent.notes, "Bring the samples.\n\nRing twice.");
}

#[test]
fn own_text_stays_where_the_notes_are_not_shown() {
    let (record, mut ctx) = linked_with(Found::Live(event().into()), made());
    ctx.settings.text.notes = false;
    let (_, body, _) = patch_of(&record, &ctx);
    assert!(
        body.description.contains("Bring the <b>samples</b>."),
        "{}",
        body.description
    );
}

#[test]
fn a_move_while_it_was_made_is_reported_not_overwritten() {
    let mut moved = event();
    if let EventTime::Timed(span) = &mut moved.time {
        span.start += chrono::Duration::hours(2);
        span.end += chrono::Duration::hours(2);
    }
    let (record, mut ctx) = linked_with(Found::Live(moved.into()), made());
    ctx.now += chrono::Duration::minutes(1);
    let intents = reconcile(&record, &ctx).intents;
    assert!(
        intents.iter().any(|intent| matches!(intent, Intent::Move { .. })),
        "{intents:?}"
    );
}

#[test]
fn deleted_while_it_was_made_it_is_removed_and_never_made_again() {
    let (record, ctx) = linked_with(Found::Deleted { at: Some(at(NOW)) }, made());
    let decision = reconcile(&record, &ctx);
    assert!(decision.intents.is_empty());
    assert!(matches!(decision.record.link, LinkState::Removed { .. }));
}

#[test]
fn an_unseen_event_is_written_under_the_etag_it_was_shown_with() {
    let (record, ctx) = linked_with(Found::Unknown, made());
    let (expected, body, _) = patch_of(&record, &ctx);
    assert_eq!((expected, body.title.as_str()), (sent().etag, "Rosen-Apotheke"));
}

#[test]
fn a_field_that_the_platform_took_in_another_form_is_a_difference() {
    let (record, _) = linked_with(Found::Live(event().into()), made());
    let sent = Some(Value::Text("Rosenstr. 1, 10178 Berlin".into()));
    assert_eq!(record.base.platform.location, sent);
    let mut said = made();
    said.place.as_mut().expect("a place").address = Some("Rosenstrasse 1".into());
    let (record, _) = linked_with(Found::Live(event().into()), said);
    assert_eq!(record.base.platform.location, None);
    assert_eq!(record.base.calendar.location, sent);
}

#[test]
fn an_appointment_that_has_an_event_gets_no_other_one() {
    let ctx = context(NOW);
    let mut record = crate::testing::linked(&ctx);
    let before = record.event_id.clone();
    let said = record.appointment.clone().expect("an appointment");
    assert!(!link(
        &mut record,
        said,
        &event().id,
        &sent(),
        Found::Unknown,
        &ctx
    ));
    assert_eq!(record.event_id, before);
}

#[test]
fn a_rule_that_leaves_it_out_does_not_delete_what_the_trainer_made() {
    let (record, mut ctx) = linked_with(Found::Live(event().into()), made());
    ctx.settings.filters.excluded.insert(made().id);
    assert!(reconcile(&record, &ctx).intents.is_empty());
}

#[test]
fn two_laptops_ask_for_one_appointment_under_one_key() {
    let identity = context(NOW).identity;
    let key = |event: &MarkedEvent| {
        let intent = Intent::Create {
            event_id: EventId::new("own-event"),
            event: Box::new(event.clone()),
        };
        intent.shared_key(&stand_in(&identity, &EventId::new("own-event")))
    };
    let recoloured = MarkedEvent {
        etag: Etag::new("\"5\""),
        ..sent()
    };
    assert_eq!(key(&sent()), key(&recoloured));
    assert_ne!(
        key(&sent()),
        key(&MarkedEvent {
            title: "Adler".into(),
            ..sent()
        })
    );
}

#[test]
fn a_refusal_is_asked_about_with_its_words_unless_the_event_went_on() {
    let refusal = Refusal {
        field: Field::Time,
        time: Some(sent().time),
        notes: None,
        version: 0,
        reason: "overlap".into(),
        detail: None,
        at: at(NOW),
    };
    let creating = Marked {
        step: Step::Creating { event: sent() },
        ..asked()
    };
    let again = refused(Some(&creating), &event().id, &sent(), refusal.clone());
    assert_eq!(
        again.step,
        Step::Asked {
            event: sent(),
            refusal: Some(refusal.clone())
        }
    );
    let newer = Marked {
        step: Step::Asked {
            event: MarkedEvent {
                title: "Adler".into(),
                ..sent()
            },
            refusal: None,
        },
        ..asked()
    };
    assert_eq!(refused(Some(&newer), &event().id, &sent(), refusal), newer);
}

#[test]
fn how_well_an_appointment_fits_what_was_asked_for_is_told_by_its_time_its_title_and_its_age() {
    let since = at(NOW);
    let fits = |change: fn(&mut Appointment)| {
        let mut said = Appointment {
            created_at: since,
            ..made()
        };
        change(&mut said);
        fit(&said, &sent(), since)
    };
    assert_eq!(fits(|_| {}), Some(Fit::Exact));
    let other = fits(|said| said.title = Some("Adler".into()));
    assert_eq!(other, Some(Fit::Near), "anybody may have taken the free hour");
    assert_eq!(
        fits(|said| said.start -= Duration::minutes(15)),
        Some(Fit::Likely)
    );
    let moved_far = |said: &mut Appointment| {
        said.start += Duration::hours(5);
        said.end = said.end.map(|end| end + Duration::hours(5));
    };
    assert_eq!(fits(moved_far), Some(Fit::Near), "many have this title");
    assert_eq!(
        fits(|said| {
            said.title = Some("Adler".into());
            said.start -= Duration::minutes(15);
        }),
        Some(Fit::Near)
    );
    let next_week = |said: &mut Appointment| {
        said.start += Duration::days(7);
        said.end = said.end.map(|end| end + Duration::days(7));
    };
    assert_eq!(fits(next_week), None);
    assert_eq!(fits(|said| said.created_at -= Duration::minutes(61)), None);
    assert_eq!(fits(|said| said.status = AppointmentStatus::Cancelled), None);
}

#[test]
fn what_became_of_nobody_knows_is_asked_about_and_says_so_where_one_may_be_it() {
    let creating = Marked {
        step: Step::Creating { event: sent() },
        ..asked()
    };
    let again = Step::Asked {
        event: sent(),
        refusal: None,
    };
    assert_eq!(
        ask_again(&creating, &sent(), false, Vec::new(), at(NOW)).step,
        again
    );
    let perhaps = ask_again(
        &creating,
        &sent(),
        true,
        vec![AppointmentId::new("apt_77")],
        at(NOW),
    );
    assert_eq!(perhaps.perhaps, [AppointmentId::new("apt_77")]);
    assert!(
        matches!(&perhaps.step, Step::Asked { refusal: Some(refusal), .. }
            if refusal.reason == OUTCOME_UNKNOWN && refusal.at == at(NOW)),
        "{perhaps:?}"
    );
    let dismissed = Marked {
        step: Step::Dismissed,
        ..asked()
    };
    assert_eq!(
        ask_again(&dismissed, &sent(), false, Vec::new(), at(NOW)),
        dismissed
    );
}

/// A creation of the event that was sent at [`NOW`] and not answered.
fn creation_sent() -> OutboxRow {
    let intent = Intent::Create {
        event_id: event().id,
        event: Box::new(sent()),
    };
    OutboxRow {
        id: crate::ids::OutboxId::new("row_1"),
        appointment_id: AppointmentId::new("stand-in"),
        side: intent.side(),
        intent,
        key: crate::ids::IdempotencyKey::new("key_1"),
        state: OutboxState::Sent,
        attempts: 1,
        due_at: at(NOW),
        created_at: at(NOW),
        last_problem: None,
        noticed: None,
        left_at: None,
    }
}

/// A visit without an event that was made just after, so many hours after the marked event.
fn made_later(hours: i64) -> Record {
    let time = sent().time;
    let mut record = Record::new(made().id);
    record.appointment = Some(Appointment {
        start: time.start + Duration::hours(hours),
        end: Some(time.end + Duration::hours(hours)),
        created_at: at(NOW) + Duration::minutes(1),
        ..made()
    });
    record
}

#[test]
fn for_an_hour_all_that_was_made_near_it_may_be_what_was_not_answered_and_then_what_stands_there() {
    let row = creation_sent();
    let is_kept_back = |record: &Record, rows: &[OutboxRow], minutes: i64| {
        let now = at(NOW) + Duration::minutes(minutes);
        !perhaps_created([record].into_iter(), [].into_iter(), rows, now).is_empty()
    };
    let rows = std::slice::from_ref(&row);
    let (there, elsewhere, far) = (made_later(0), made_later(5), made_later(72));
    for (record, in_the_hour, later) in [
        (&there, true, true),
        (&elsewhere, true, false),
        (&far, false, false),
    ] {
        assert_eq!(is_kept_back(record, rows, 59), in_the_hour, "{record:?}");
        assert_eq!(is_kept_back(record, rows, 60), later, "{record:?}");
    }
    // One that has an event gets no other, and what was not sent made nothing.
    let mut has_one = there.clone();
    has_one.event_id = Some(event().id);
    assert!(!is_kept_back(&has_one, rows, 1));
    let waits = OutboxRow {
        state: OutboxState::Waiting,
        ..row
    };
    assert!(!is_kept_back(&there, &[waits], 1));
}

#[test]
fn one_that_was_asked_about_is_kept_back_where_the_event_is_and_no_other() {
    let mut question = asked();
    question.perhaps = vec![made().id];
    let kept_back = |record: &Record| {
        let marked = [&question];
        perhaps_created([record].into_iter(), marked.into_iter(), &[], at(NOW)).len()
    };
    assert_eq!(kept_back(&made_later(0)), 1);
    assert_eq!(kept_back(&made_later(5)), 0);
    let mut other = made_later(0);
    other.appointment_id = AppointmentId::new("apt_78");
    assert_eq!(kept_back(&other), 0);
}
