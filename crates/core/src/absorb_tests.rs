//! Facts: in any order, repeated, late; and events found by their marks.

use super::*;
use crate::event::Mark;
use crate::testing::{Case, all_day, appointment, at, identity, linked, span, tell, touched};
use chrono::Duration;

fn moved(event: &Event, to: &str, now: DateTime<Utc>) -> Event {
    Event {
        time: EventTime::Timed(span(to)),
        ..touched(event, now)
    }
}

/// What a lost database finds: the event alone, then what the platform says.
fn found(event: &Event, said: Appointment, now: DateTime<Utc>) -> Case {
    let mut case = Case::unlinked();
    case.ctx.now = now;
    case.record = Record::new(said.id.clone());
    adopt(&mut case.record, event.clone(), now);
    super::appointment(&mut case.record, said, now);
    case
}

fn said(case: &Case) -> Appointment {
    case.record.appointment.clone().unwrap()
}

fn shown(case: &Case) -> Event {
    case.record.event.clone().unwrap()
}

// The platform's side.

#[test]
fn a_word_about_another_appointment_is_ignored() {
    let mut case = Case::linked();
    let mut other = appointment();
    (other.id, other.version) = (AppointmentId::new("apt_1"), 9);
    let before = case.record.clone();
    super::appointment(&mut case.record, other, case.ctx.now);
    assert_eq!(case.record, before);
}

#[test]
fn an_older_version_is_ignored() {
    let mut case = Case::linked().platform_moves("12-02 09:00-10:30");
    super::appointment(&mut case.record, appointment(), case.ctx.now);
    assert_eq!(case.record.appointment.as_ref().unwrap().version, 8);
    let old = Removal {
        reason: RemovalReason::Cancelled,
        inferred: false,
        at: case.ctx.now,
    };
    removed(&mut case.record, Some(7), old);
    assert_eq!(case.record.removal, None);
}

#[test]
fn only_a_newer_version_takes_a_removal_back() {
    let mut case = Case::linked().platform_removes(RemovalReason::Unassigned);
    super::appointment(&mut case.record, appointment(), case.ctx.now);
    assert!(
        case.record.removal.is_some(),
        "the feed may repeat what it said before"
    );
    let given_back = Appointment {
        version: 9,
        ..appointment()
    };
    super::appointment(&mut case.record, given_back, case.ctx.now);
    assert_eq!(case.record.removal, None);
    // Some platforms don't count a removal as a version of its own.
    let gone = Removal {
        reason: RemovalReason::Unassigned,
        inferred: false,
        at: at("2026-11-21T08:00:00Z"),
    };
    let mut case = Case::linked().with(|r| removed(r, Some(7), gone));
    super::appointment(&mut case.record, appointment(), case.ctx.now);
    assert_eq!(
        case.record.removal,
        Some(gone),
        "the same version again is no news"
    );
}

#[test]
fn the_platforms_own_word_takes_the_place_of_an_inference() {
    let inferred = Removal {
        reason: RemovalReason::Deleted,
        inferred: true,
        at: at("2026-11-21T08:00:00Z"),
    };
    let missing = || Case::linked().with(|r| removed(r, None, inferred));
    let said = missing()
        .platform_removes(RemovalReason::Unassigned)
        .record
        .removal
        .unwrap();
    assert_eq!((said.reason, said.inferred), (RemovalReason::Unassigned, false));
    let cancelled = missing()
        .platform(|a| a.status = AppointmentStatus::Cancelled)
        .record
        .removal
        .unwrap();
    assert_eq!(
        (cancelled.reason, cancelled.inferred),
        (RemovalReason::Cancelled, false)
    );
    // The reverse is no news.
    let known = Case::linked()
        .platform_removes(RemovalReason::Cancelled)
        .with(|r| removed(r, None, inferred));
    assert_eq!(
        known.record.removal.map(|removal| removal.reason),
        Some(RemovalReason::Cancelled)
    );
}

#[test]
fn a_replayed_answer_to_a_report_does_not_lower_what_is_known() {
    let case = Case::linked().calendar_moves("12-01 14:00-15:30").later(20);
    let sent = case.decide().intents.remove(0);
    let answer = crate::testing::taken(&said(&case), &sent, case.ctx.now);
    // The report went through; its answer was lost, and the admin moved it once more.
    let mut case = case
        .platform_moves("12-01 14:00-15:30")
        .platform_moves("12-01 16:00-17:30");
    let sent = Sent::Time(span("12-01 14:00-15:30"));
    reported(&mut case.record, answer, sent, &case.ctx);
    assert_eq!(said(&case).version, 9);
    case.expect("patch time");
}

#[test]
fn a_report_that_the_platform_took_in_another_form_comes_back_to_the_calendar() {
    let case = Case::linked().calendar_moves("12-01 14:01-15:31").later(20);
    let mut case = case.expect("move 12-01 14:01-15:31 v7");
    let rounded = span("12-01 14:00-15:30");
    let answer = Appointment {
        version: 8,
        start: rounded.start,
        end: Some(rounded.end),
        ..said(&case)
    };
    let sent = Sent::Time(span("12-01 14:01-15:31"));
    reported(&mut case.record, answer, sent, &case.ctx);
    case.expect("patch time").carried_out().expect("InSync");
}

#[test]
fn a_drag_while_the_report_is_under_way_is_the_next_move() {
    let case = Case::linked().calendar_moves("12-01 14:00-15:30").later(20);
    let sent = case.decide().intents.remove(0);
    let mut case = case.calendar_moves("12-01 16:00-17:30");
    let answer = crate::testing::taken(&said(&case), &sent, case.ctx.now);
    let sent = Sent::Time(span("12-01 14:00-15:30"));
    reported(&mut case.record, answer, sent, &case.ctx);
    case.expect("Settling; until 09:00:40")
        .later(20)
        .expect("move 12-01 16:00-17:30 v8");
}

#[test]
fn our_own_report_is_no_reason_to_repeat_another_that_was_refused() {
    let edit = |e: &mut Event| e.description = e.description.replace("handouts", "two handouts");
    let case = Case::linked_as(|a| a.editable.notes = true)
        .calendar_moves("12-01 14:00-15:30")
        .later(20);
    let refused = case.refused("overlap").calendar(edit).later(20);
    let asked = "ask Refused Refused(overlap) [Time]";
    let reported = refused
        .expect(&format!(r#"notes "Bring the two handouts." v7; {asked}"#))
        .carried_out();
    reported
        .expect(asked)
        .platform(|a| a.topic = None)
        .expect("move 12-01 14:00-15:30 v9");
}

// The calendar's side.

#[test]
fn an_older_reading_is_ignored() {
    let case = Case::linked();
    let old = shown(&case);
    let mut case = case.later(60).calendar_moves("12-01 14:00-15:30");
    event(&mut case.record, old, case.ctx.now);
    assert_eq!(shown(&case).time, EventTime::Timed(span("12-01 14:00-15:30")));
}

#[test]
fn an_event_under_another_id_is_not_taken_in() {
    let mut case = Case::linked();
    let before = case.record.clone();
    let other = Event {
        id: EventId::new("other"),
        ..moved(&shown(&case), "12-01 14:00-15:30", case.ctx.now)
    };
    event(&mut case.record, other, case.ctx.now);
    tombstone(&mut case.record, &EventId::new("other"), None, case.ctx.now);
    assert_eq!(case.record, before);
}

#[test]
fn a_tombstone_older_than_the_event_is_ignored_and_a_late_reading_does_not_undo_one() {
    let case = Case::linked().later(60).calendar(|e| e.free = true);
    let (id, live) = (case.record.event_id.clone().unwrap(), shown(&case));
    let mut early = case.clone();
    tombstone(
        &mut early.record,
        &id,
        Some(at("2026-11-21T09:00:30Z")),
        early.ctx.now,
    );
    assert!(early.record.event.is_some());
    let mut late = case.later(60).calendar_deletes();
    event(&mut late.record, live.clone(), late.ctx.now);
    assert!(late.record.event.is_none(), "a page that lags behind");
    let restored = touched(&live, late.ctx.now + Duration::seconds(60));
    event(&mut late.record, restored, late.ctx.now + Duration::seconds(60));
    assert!(late.record.event.is_some() && late.record.tombstone_at.is_none());
}

#[test]
fn what_a_listing_shows_of_a_deleted_event_is_for_the_calendar_itself_to_settle() {
    let mut case = Case::linked();
    let event = shown(&case);
    let id = event.id.clone();
    assert!(!is_buried(&case.record, &event), "it was never deleted");
    // A tombstone without a time of its own, told while the clock was ten minutes ahead.
    let ahead = case.ctx.now + Duration::minutes(10);
    tombstone(&mut case.record, &id, None, ahead);
    let restored = touched(&event, case.ctx.now + Duration::minutes(1));
    assert!(is_buried(&case.record, &restored), "by the wrong clock");
    super::event(&mut case.record, restored.clone(), case.ctx.now);
    assert_eq!(case.record.event, None, "a listing alone may be late");
    super::found(&mut case.record, restored.clone(), case.ctx.now);
    assert_eq!(case.record.event, Some(restored), "the direct answer counts");
    assert_eq!(case.record.tombstone_at, None);
}

#[test]
fn what_the_last_reading_would_have_told_is_old_news_only_of_what_is_unknown() {
    let (case, said) = (Case::linked(), crate::testing::appointment());
    let read = |seconds| Some(said.updated_at + Duration::seconds(seconds));
    assert!(is_old_news(None, &said, read(1)));
    assert!(!is_old_news(None, &said, read(0)), "it may have changed since");
    assert!(!is_old_news(None, &said, None), "nothing was read before");
    assert!(!is_old_news(Some(&case.record), &said, read(1)));
}

#[test]
fn a_feed_is_believed_only_after_asking_where_the_platform_itself_denied_the_appointment() {
    let mut case = Case::linked();
    assert!(!asks_before_believing(&case.record));
    let mut gone = Removal {
        reason: RemovalReason::Unassigned,
        inferred: true,
        at: case.ctx.now,
    };
    removed(&mut case.record, None, gone);
    assert!(asks_before_believing(&case.record), "its version is not known");
    gone.inferred = false;
    removed(&mut case.record, Some(9), gone);
    assert!(
        !asks_before_believing(&case.record),
        "versions tell which is newer"
    );
}

#[test]
fn of_two_tombstones_the_newer_one_counts_whichever_is_told_first() {
    // Deleted, taken out of the bin and deleted again, and a page tells the first deletion once more.
    let case = Case::linked();
    let id = case.record.event_id.clone().unwrap();
    let (first, second) = (at("2026-11-21T09:10:00Z"), at("2026-11-21T09:20:00Z"));
    for order in [[first, second], [second, first]] {
        let mut record = case.record.clone();
        for buried in order {
            tombstone(&mut record, &id, Some(buried), case.ctx.now);
        }
        assert_eq!(record.tombstone_at, Some(second), "told as {order:?}");
    }
    // One without a time of its own is taken as of now once, and does not grow younger with each reading.
    let mut record = case.record.clone();
    tombstone(&mut record, &id, None, first);
    tombstone(&mut record, &id, None, second);
    assert_eq!(record.tombstone_at, Some(first));
}

#[test]
fn a_late_reading_does_not_undo_our_own_deletion_either() {
    let case = Case::linked();
    let live = shown(&case);
    let mut case = case
        .later(60)
        .platform_removes(RemovalReason::Unassigned)
        .carried_out();
    event(&mut case.record, live.clone(), case.ctx.now);
    assert!(case.record.event.is_none());
    // Out of the bin it is alive again, and has to go again.
    event(
        &mut case.record,
        touched(&live, case.ctx.now + Duration::seconds(1)),
        case.ctx.now,
    );
    case.expect("delete Unassigned g1");
}

#[test]
fn our_own_write_is_no_edit() {
    let case = Case::linked().platform_moves("12-02 09:00-10:30").carried_out();
    assert_eq!(
        (case.record.calendar_moved_at, case.record.calendar_edited_at),
        (None, None)
    );
    // Listed again, with another etag: still nothing.
    case.later(60).calendar(|_| {}).expect("InSync");
}

#[test]
fn what_the_calendar_made_of_our_text_is_the_base_for_the_next_comparison() {
    let mut case = Case::linked().platform(|a| a.notes = Some("First\n\nSecond".into()));
    let crate::outbox::Intent::Patch { body, mask, .. } = case.decide().intents.remove(0) else {
        panic!("a patch")
    };
    let answer = crate::testing::patched(&shown(&case), &body, mask, case.ctx.now);
    // The service keeps it as HTML and cuts it.
    let cut = answer
        .description
        .replace("First\n\nSecond", "First<br>")
        .replace('\n', "<br>");
    written(
        &mut case.record,
        Event {
            description: cut,
            ..answer
        },
        &body,
        mask,
        &case.ctx,
    );
    case.expect("InSync").later(60).calendar(|_| {}).expect("InSync");
}

#[test]
fn a_write_that_is_older_than_what_the_platform_says_now_is_written_again() {
    let case = Case::linked().platform(|a| {
        a.start = at("2026-12-02T08:00:00Z");
        a.place.as_mut().unwrap().name = Some("Rosen".into());
        a.status = AppointmentStatus::Tentative;
    });
    let crate::outbox::Intent::Patch { body, mask, .. } = case.decide().intents.remove(0) else {
        panic!("a patch")
    };
    let mut case = case.platform(|a| {
        a.start = at("2026-12-03T08:00:00Z");
        a.place.as_mut().unwrap().name = Some("Tulpen".into());
        a.status = AppointmentStatus::Scheduled;
    });
    let answer = crate::testing::patched(&shown(&case), &body, mask, case.ctx.now);
    written(&mut case.record, answer, &body, mask, &case.ctx);
    case.expect("patch time title looks")
        .carried_out()
        .expect("InSync");
}

/// A patch that went through though its answer was lost, and what the trainer made of the event then.
fn patched_unheard(case: &mut Case, edit: impl FnOnce(&mut Event)) {
    let crate::outbox::Intent::Patch { body, mask, .. } = case.decide().intents.remove(0) else {
        panic!("a patch")
    };
    let mut event = crate::testing::patched(&shown(case), &body, mask, case.ctx.now);
    edit(&mut event);
    super::event(&mut case.record, event, case.ctx.now);
}

#[test]
fn moved_back_after_a_write_whose_answer_was_lost_is_a_move() {
    let mut case = Case::linked().platform_moves("12-02 09:00-10:30");
    patched_unheard(&mut case, |e| {
        e.time = EventTime::Timed(span("12-01 09:00-10:30"))
    });
    case.later(20).expect("move 12-01 09:00-10:30 v8");
    let mut case = Case::linked().platform(|a| a.place.as_mut().unwrap().name = Some("Rosen".into()));
    patched_unheard(&mut case, |e| e.title = "Linden-Apotheke".into());
    case.expect("InSync; note OwnWording");
    let mut case = Case::linked().platform_moves("12-02 09:00-10:30");
    patched_unheard(&mut case, |_| {});
    case.expect("InSync")
        .platform_moves("12-01 09:00-10:30")
        .expect("patch time");
}

#[test]
fn a_mark_that_knows_more_of_the_platform_than_we_do_decides_nothing_yet() {
    // The other laptop has already written what the platform will tell us with its next answer.
    let mut case = Case::linked();
    let mut event = moved(&shown(&case), "12-02 09:00-10:30", case.ctx.now);
    let mark = event.mark.as_mut().unwrap();
    (mark.version, mark.time) = (8, Some(span("12-02 09:00-10:30")));
    super::event(&mut case.record, event, case.ctx.now);
    // Until then nothing is decided: it would be decided from what is no longer true.
    case.expect("Unknown")
        .platform_moves("12-02 09:00-10:30")
        .expect("InSync");
}

#[test]
fn what_another_laptop_wrote_is_no_move_though_the_platform_has_gone_back_meanwhile() {
    let mut case = Case::linked();
    let mut event = moved(&shown(&case), "12-02 09:00-10:30", case.ctx.now);
    let mark = event.mark.as_mut().unwrap();
    (mark.version, mark.time) = (8, Some(span("12-02 09:00-10:30")));
    super::event(&mut case.record, event, case.ctx.now);
    case.platform_moves("12-02 09:00-10:30")
        .platform_moves("12-01 09:00-10:30")
        .later(20)
        .expect("patch time");
}

#[test]
fn old_writes_are_forgotten() {
    let mut case = Case::linked();
    for _ in 0..30 {
        case = case
            .later(240)
            .platform(|a| a.notes = Some(format!("v{}", a.version)))
            .carried_out();
    }
    assert!(
        case.record.recent_writes.len() <= 3,
        "{:?}",
        case.record.recent_writes
    );
}

// Events found by their marks.

#[test]
fn recognised_are_only_our_own_ids_for_this_platform_and_trainer() {
    let ctx = crate::testing::context("2026-11-21T09:00:00Z");
    let record = linked(&ctx);
    let ours = record.event.clone().unwrap();
    let mark = |change: &dyn Fn(&mut Mark)| {
        let mut event = ours.clone();
        change(event.mark.as_mut().unwrap());
        event
    };
    let told = |event: &Event| {
        recognise(event, &identity(), |id| {
            (*id == record.appointment_id).then_some(&record)
        })
    };
    assert_eq!(told(&ours), Adoption::Known(appointment().id));
    assert_eq!(
        told(&Event {
            mark: None,
            ..ours.clone()
        }),
        Adoption::Foreign
    );
    assert_eq!(
        told(&Event {
            id: EventId::new("a copy"),
            ..ours.clone()
        }),
        Adoption::Foreign
    );
    assert_eq!(
        told(&mark(&|mark| mark.platform = "another".into())),
        Adoption::Foreign
    );
    assert_eq!(told(&mark(&|mark| mark.generation = 2)), Adoption::Foreign);
    assert_eq!(
        told(&mark(&|mark| mark.appointment = AppointmentId::new("apt_42"))),
        Adoption::Foreign
    );
}

#[test]
fn of_two_live_events_the_highest_generation_stays() {
    let ctx = crate::testing::context("2026-11-21T09:00:00Z");
    let first = linked(&ctx);
    let body = crate::reconcile::body(&first, &ctx, 2).unwrap();
    let newer = crate::testing::stored(
        &ctx.identity.event_id(&first.appointment_id, 2),
        &body,
        "\"1\"",
        ctx.now,
    );
    let id = appointment().id;
    let told = |event: &Event, record: Option<&Record>| recognise(event, &ctx.identity, |_| record);

    assert_eq!(told(&newer, None), Adoption::Adopt(id.clone()));
    assert_eq!(told(&newer, Some(&first)), Adoption::Adopt(id.clone()));
    let mut second = first.clone();
    adopt(&mut second, newer, ctx.now);
    assert_eq!(
        told(first.event.as_ref().unwrap(), Some(&second)),
        Adoption::Duplicate(id.clone())
    );
    // The older one goes, and only that one.
    let mut case = Case::linked();
    case.record = second.clone();
    case = case.expect("delete Duplicate g2");
    let crate::outbox::Intent::Delete { event_id, .. } = &case.decide().intents[0] else {
        panic!("a deletion")
    };
    assert_eq!(Some(event_id), first.event_id.as_ref());
    case.carried_out().expect("InSync");
    // Without a live newer one the older is the one to keep.
    second.event = None;
    assert_eq!(
        told(first.event.as_ref().unwrap(), Some(&second)),
        Adoption::Adopt(id)
    );
}

#[test]
fn what_the_trainer_made_is_never_one_too_many() {
    let ctx = crate::testing::context("2026-11-21T09:00:00Z");
    let known = linked(&ctx);
    let mut made = known.event.clone().unwrap();
    made.id = EventId::new("made-by-hand");
    made.mark.as_mut().unwrap().origin = Some(ctx.identity.origin(&made.id));
    assert_eq!(
        recognise(&made, &ctx.identity, |_| Some(&known)),
        Adoption::Foreign
    );
}

#[test]
fn a_duplicate_is_the_one_to_keep_once_the_newer_event_is_gone() {
    let older = Case::linked();
    let event = touched(&shown(&older), older.ctx.now);
    // The newer one is live, the older came out of the bin …
    let mut case = older.calendar_deletes().later(60);
    case = case.expect("Removed { by_trainer: true, changed_since: false }; tell RemovedInCalendar");
    assert!(crate::resolve::put_back(&mut case.record));
    let restored = Event {
        updated: Some(case.ctx.now),
        ..event
    };
    case = case
        .carried_out()
        .with(|r| r.duplicates.push(restored.id.clone()));
    case.clone().expect("delete Duplicate g2");
    case.clone()
        .platform_removes(RemovalReason::Cancelled)
        .expect("delete Duplicate g2");
    // … and then the newer one was deleted.
    case = case.calendar_deletes();
    case = case.expect("Removed { by_trainer: true, changed_since: false }; tell RemovedInCalendar");
    adopt(&mut case.record, restored, case.ctx.now);
    case.expect("InSync");
}

#[test]
fn a_duplicate_of_what_has_ended_or_began_before_the_connection_is_left_alone() {
    let with_duplicate = || Case::linked().with(|r| r.duplicates.push(EventId::new("older")));
    with_duplicate().expect("delete Duplicate g1");
    with_duplicate()
        .settings(|s| s.direction = crate::settings::Direction::Pull)
        .expect("InSync");
    for over in ["2026-12-01T09:30:00Z", "2026-12-01T10:00:00Z"] {
        with_duplicate().now(over).expect("Ended");
    }
    let mut before = with_duplicate();
    before.ctx.connected_at = at("2026-12-01T08:30:00Z");
    before.expect("LeftOut(BeforeConnection)");
}

#[test]
fn after_a_lost_database_unchanged_sides_need_no_write() {
    let case = Case::linked();
    let found = found(&shown(&case), said(&case), case.ctx.now + Duration::seconds(600));
    found.expect("InSync").expect("InSync");
}

#[test]
fn after_a_lost_database_each_side_is_compared_with_the_mark() {
    let case = Case::linked();
    let later = case.ctx.now + Duration::seconds(600);
    let (event, said) = (shown(&case), said(&case));
    let elsewhere = span("12-02 09:00-10:30");
    let platform_moved = Appointment {
        version: 8,
        start: elsewhere.start,
        end: Some(elsewhere.end),
        ..said.clone()
    };
    let calendar_moved = moved(&event, "12-03 09:00-10:30", case.ctx.now);
    found(&event, platform_moved.clone(), later).expect("patch time");
    found(&calendar_moved, said.clone(), later).expect("move 12-03 09:00-10:30 v7");
    found(&calendar_moved, platform_moved, later).expect("ask TimeChange BothChanged [Time]");
    let renamed = Event {
        title: "Mine".into(),
        ..touched(&event, case.ctx.now)
    };
    found(&renamed, said.clone(), later).expect("InSync; note OwnWording");
    let address_gone = case
        .clone()
        .platform(|a| a.place.as_mut().unwrap().address = None);
    found(&event, super::tests::said(&address_gone), later).expect("patch location");
    let both = case.platform(|a| a.place.as_mut().unwrap().name = Some("Rosen".into()));
    found(&renamed, super::tests::said(&both), later).expect("ask DataMismatch BothChanged [Title]");
}

#[test]
fn where_the_mark_tells_nothing_a_difference_is_asked_about_and_never_overwritten() {
    let case = Case::linked();
    let mut event = shown(&case);
    let mark = event.mark.as_mut().unwrap();
    (mark.time, mark.platform_hashes, mark.written_hashes) = (None, None, None);
    let later = case.ctx.now + Duration::seconds(600);
    found(&event, said(&case), later).expect("InSync"); // they agree, whatever was before
    let other = Event {
        title: "Mine".into(),
        ..moved(&event, "12-03 09:00-10:30", case.ctx.now)
    };
    found(&other, said(&case), later).expect("ask TimeChange NoBase [Time Title]");
}

#[test]
fn the_mark_keeps_the_base_of_a_field_that_is_in_dispute() {
    // While both have moved it, the title is written; the mark goes with it.
    let case = Case::linked()
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-03 09:00-10:30")
        .platform(|a| a.place.as_mut().unwrap().name = Some("Rosen".into()))
        .expect("patch title; ask TimeChange BothChanged [Time]")
        .carried_out();
    let (event, said) = (shown(&case), said(&case));
    // With the platform's time as its base, the calendar's would be reported over the admin's head.
    found(&event, said, case.ctx.now + Duration::seconds(600)).expect("ask TimeChange BothChanged [Time]");
}

#[test]
fn after_a_lost_database_a_change_of_looks_is_still_noticed() {
    let case = Case::linked();
    let found = found(&shown(&case), said(&case), case.ctx.now).expect("InSync");
    found
        .platform(|a| a.status = AppointmentStatus::Tentative)
        .expect("patch looks");
}

#[test]
fn adopting_asks_for_a_time_where_an_event_was_made_all_day() {
    let case = Case::linked();
    let event = Event {
        time: all_day(3),
        ..touched(&shown(&case), case.ctx.now)
    };
    found(&event, said(&case), case.ctx.now).expect("ask UnusualMove MadeAllDay [Time]");
}

#[test]
fn an_event_without_a_mark_is_never_adopted() {
    let mut record = Record::new(appointment().id);
    let event = Event {
        mark: None,
        ..shown(&Case::linked())
    };
    adopt(&mut record, event, at("2026-11-21T09:00:00Z"));
    assert_eq!(record, Record::new(appointment().id));
}

#[test]
fn an_unknown_base_differs_from_everything() {
    let text = Value::Text("Linden".into());
    assert!(!same(None, Some(&text)) && !same(Some(&text), None) && !same(None, None));
    assert!(same(
        Some(&Value::Hash(crate::text::short_hash("Linden"))),
        Some(&text)
    ));
    assert!(!same(
        Some(&Value::Hash(crate::text::short_hash("Rosen"))),
        Some(&text)
    ));
    assert_eq!(tell(&Case::linked().decide()), "InSync");
}
