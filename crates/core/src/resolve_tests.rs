//! Answers, standing policies, "put back": an answer edits the base, and the ordinary rules do the rest.

use super::*;
use crate::event::Event;
use crate::record::Value;
use crate::settings::ConflictPolicy;
use crate::testing::{Case, all_day, another_time, at, span, tell, touched};
use crate::time::EventTime;

fn both_moved() -> Case {
    Case::linked()
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-03 09:00-10:30")
}

fn both_moved_and_renamed() -> Case {
    let case = both_moved().platform(|a| a.place.as_mut().unwrap().name = Some("Rosen-Apotheke".into()));
    case.calendar(|e| e.title = "Mine".into())
        .expect("ask TimeChange BothChanged [Time Title]")
}

#[test]
fn keep_platform_writes_its_value_to_the_calendar() {
    both_moved()
        .answered(&Resolution::KeepPlatform)
        .expect("patch time")
        .carried_out()
        .expect("InSync");
    both_moved_and_renamed()
        .answered(&Resolution::KeepPlatform)
        .expect("patch time title");
}

#[test]
fn keep_calendar_reports_a_time_and_keeps_a_text() {
    both_moved()
        .answered(&Resolution::KeepCalendar)
        .expect("move 12-03 09:00-10:30 v8")
        .carried_out()
        .expect("InSync");
    let kept = both_moved_and_renamed().answered(&Resolution::KeepCalendar);
    kept.expect("move 12-03 09:00-10:30 v9; note OwnWording")
        .carried_out()
        .later(120)
        .expect("InSync; note OwnWording");
}

#[test]
fn merge_takes_a_choice_per_field() {
    let choices = vec![(Field::Time, Choice::Calendar), (Field::Title, Choice::Platform)];
    let merged = both_moved_and_renamed().answered(&Resolution::Merge { choices });
    merged
        .expect("patch title; move 12-03 09:00-10:30 v9; tell Merged")
        .carried_out()
        .expect("InSync");
}

#[test]
fn merge_needs_a_choice_for_every_field() {
    let mut case = both_moved_and_renamed();
    let choices = vec![(Field::Time, Choice::Platform)];
    assert_eq!(
        case.answer(&Resolution::Merge { choices }),
        Err(ResolveError::NotPossible)
    );
    case.expect("ask TimeChange BothChanged [Time Title]");
}

#[test]
fn another_time_is_reported_and_then_written_to_the_calendar() {
    both_moved()
        .answered(&another_time("12-04 09:00-10:30"))
        .expect("move 12-04 09:00-10:30 v8")
        .carried_out()
        .expect("patch time")
        .carried_out()
        .expect("InSync");
}

#[test]
fn another_time_that_is_refused_is_asked_about_and_can_be_given_up() {
    let refused = Case::linked()
        .calendar(|e| e.time = all_day(3))
        .answered(&another_time("12-03 11:00-12:00"));
    let refused = refused
        .refused("holiday")
        .later(60)
        .expect("ask Refused Refused(holiday) [Time]");
    refused
        .answered(&Resolution::KeepPlatform)
        .expect("patch time")
        .carried_out()
        .expect("InSync");
}

#[test]
fn another_time_counts_as_the_calendars_when_the_platform_moves_meanwhile() {
    Case::linked()
        .calendar(|e| e.time = all_day(3))
        .answered(&another_time("12-03 11:00-12:00"))
        .platform_moves("12-04 09:00-10:30")
        .later(120)
        .expect("ask TimeChange BothChanged [Time]");
}

#[test]
fn another_time_that_the_platform_says_by_itself_needs_no_report() {
    Case::linked()
        .calendar(|e| e.time = all_day(3))
        .answered(&another_time("12-03 11:00-12:00"))
        .platform_moves("12-03 11:00-12:00")
        .expect("patch time");
    both_moved()
        .answered(&another_time("12-02 09:00-10:30"))
        .expect("patch time");
}

#[test]
fn a_move_while_another_time_is_being_reported_is_the_next_move() {
    let case = Case::linked()
        .calendar(|e| e.time = all_day(3))
        .answered(&another_time("12-03 11:00-12:00"));
    let sent = case.decide();
    let mut case = case.later(5).calendar_moves("12-03 15:00-16:00");
    let answer = crate::testing::taken(
        case.record.appointment.as_ref().unwrap(),
        &sent.intents[0],
        case.ctx.now,
    );
    let sent = crate::absorb::Sent::Time(span("12-03 11:00-12:00"));
    crate::absorb::reported(&mut case.record, answer, sent, &case.ctx);
    case.later(60).expect("move 12-03 15:00-16:00 v8");
}

#[test]
fn another_time_under_push_is_no_longer_wanted() {
    Case::linked()
        .calendar(|e| e.time = all_day(3))
        .answered(&another_time("12-03 11:00-12:00"))
        .settings(|s| s.direction = crate::settings::Direction::Push)
        .expect("patch time");
}

#[test]
fn stop_syncing_writes_nothing_on_either_side() {
    both_moved()
        .answered(&Resolution::StopSyncing)
        .expect("Stopped")
        .platform_moves("12-05 09:00-10:30")
        .expect("Stopped");
}

#[test]
fn most_recent_takes_what_was_said_last_and_else_says_that_it_is_too_close() {
    let mut close = both_moved();
    assert_eq!(close.answer(&Resolution::MostRecent), Err(ResolveError::TooClose));
    let calendar = Case::linked()
        .platform_moves("12-02 09:00-10:30")
        .later(600)
        .calendar_moves("12-03 09:00-10:30");
    calendar
        .answered(&Resolution::MostRecent)
        .expect("move 12-03 09:00-10:30 v8");
    let platform = Case::linked()
        .calendar_moves("12-03 09:00-10:30")
        .later(600)
        .platform_moves("12-02 09:00-10:30");
    platform.answered(&Resolution::MostRecent).expect("patch time");
}

#[test]
fn an_answer_to_an_older_state_is_refused_and_changes_nothing() {
    let case = both_moved();
    let (conflict, shown) = (case.question(), seen(&case.record));
    for mut changed in [
        case.clone().platform(|a| a.topic = None),
        case.clone().calendar(|e| e.location = "Back door".into()),
        case.clone().calendar_deletes(),
    ] {
        let before = changed.record.clone();
        let answer = resolve(
            &mut changed.record,
            &conflict,
            &Resolution::KeepPlatform,
            &shown,
            &changed.ctx,
        );
        assert_eq!(answer, Err(ResolveError::Stale));
        assert_eq!(changed.record, before);
    }
}

#[test]
fn an_impossible_answer_changes_nothing() {
    let not_editable = Case::linked_as(|a| a.editable.time = false).calendar_moves("12-03 09:00-10:30");
    let made_all_day = Case::linked().calendar(|e: &mut Event| e.time = all_day(3));
    let series = Case::linked().calendar(|e: &mut Event| e.recurring = true);
    let backward = Resolution::Merge {
        choices: vec![(
            Field::Time,
            Choice::Time {
                time: crate::time::TimeSpan {
                    end: at("2026-12-01T07:00:00Z"),
                    ..span("12-03 11:00-12:00")
                },
            },
        )],
    };
    for (mut case, answer) in [
        (not_editable.clone(), Resolution::KeepCalendar),
        (not_editable, another_time("12-03 11:00-12:00")),
        (made_all_day.clone(), Resolution::KeepCalendar),
        (made_all_day, backward),
        (series.clone(), Resolution::KeepPlatform),
        (series, Resolution::KeepCalendar),
    ] {
        let before = case.record.clone();
        assert_eq!(case.answer(&answer), Err(ResolveError::NotPossible), "{answer:?}");
        assert_eq!(case.record, before);
    }
}

#[test]
fn a_field_that_is_not_asked_about_is_left_alone() {
    // The title is the trainer's own wording; an answer about the time says nothing about it.
    both_moved()
        .calendar(|e| e.title = "Mine".into())
        .answered(&Resolution::KeepPlatform)
        .expect("patch time; note OwnWording; tell Merged");
}

#[test]
fn an_answer_cools_down_for_a_minute() {
    let case = both_moved().answered(&Resolution::KeepPlatform);
    assert_eq!(case.record.cool_down_until, Some(at("2026-11-21T09:01:00Z")));
    assert_eq!(case.record.conflict, None);
}

#[test]
fn an_answer_about_the_time_and_a_move_after_it_are_two_things() {
    // Confirmed was one unusual time; another one is asked about again.
    let far = Case::linked()
        .calendar_moves("12-20 09:00-10:30")
        .later(20)
        .answered(&Resolution::KeepCalendar);
    far.calendar_moves("12-21 09:00-10:30")
        .later(120)
        .expect("ask UnusualMove MovedFar [Time]");
}

#[test]
fn put_back_is_for_what_was_removed_and_never_takes_the_same_id() {
    let mut linked = Case::linked();
    assert!(!put_back(&mut linked.record));
    let mut removed = Case::linked().calendar_deletes();
    removed = removed.expect("Removed { by_trainer: true, changed_since: false }; tell RemovedInCalendar");
    let dead = removed.record.event_id.clone().unwrap();
    assert!(put_back(&mut removed.record));
    let decision = removed.decide();
    let Some(crate::outbox::Intent::Insert { event_id, .. }) = decision.intents.first() else {
        panic!("{}", tell(&decision))
    };
    assert_ne!(*event_id, dead);
    // A listing that still shows the old tombstone changes nothing about it.
    removed.calendar_deletes().expect("insert g2");
}

#[test]
fn resumed_it_goes_on_from_the_base_it_had() {
    let stopped = Case::linked()
        .with(|r| r.link = LinkState::Stopped)
        .with(resume)
        .expect("InSync");
    assert_eq!(stopped.record.link, LinkState::Linked);
    let mut without = Case::unlinked().with(|r| r.link = LinkState::Stopped);
    resume(&mut without.record);
    without.expect("insert g1");
}

// Standing policies.

#[test]
fn a_policy_answers_what_both_changed() {
    use ConflictPolicy::{KeepCalendar, KeepPlatform};
    let both = |policy| {
        let case = Case::linked().settings(|s| s.time_policy = policy);
        case.platform_moves("12-02 09:00-10:30")
            .calendar_moves("12-03 09:00-10:30")
    };
    let platform = both(KeepPlatform).expect("policy KeepPlatform [Time]");
    platform.answered(&Resolution::KeepPlatform).expect("patch time");
    let calendar = both(KeepCalendar).expect("policy KeepCalendar [Time]");
    calendar
        .answered(&Resolution::KeepCalendar)
        .expect("move 12-03 09:00-10:30 v8");
}

#[test]
fn a_policy_answers_its_own_kind_of_field() {
    use ConflictPolicy::{Ask, KeepCalendar, KeepPlatform};
    let both = |time, text| {
        let case = Case::linked().settings(|s| (s.time_policy, s.text_policy) = (time, text));
        let case = case.platform(|a| a.place.as_mut().unwrap().name = Some("Rosen-Apotheke".into()));
        case.platform_moves("12-02 09:00-10:30")
            .calendar_moves("12-03 09:00-10:30")
            .calendar(|e| e.title = "Mine".into())
    };
    // Where one kind is to be asked about, the whole conflict is.
    both(KeepPlatform, Ask).expect("ask TimeChange BothChanged [Time Title]");
    both(Ask, KeepCalendar).expect("ask TimeChange BothChanged [Time Title]");
    both(KeepPlatform, KeepPlatform).expect("policy KeepPlatform [Time Title]");
    let mixed = both(KeepPlatform, KeepCalendar).decide().by_policy;
    let choices = vec![(Field::Time, Choice::Platform), (Field::Title, Choice::Calendar)];
    assert_eq!(
        mixed.map(|(_, resolution)| resolution),
        Some(Resolution::Merge { choices })
    );
}

#[test]
fn the_policy_of_earlier_versions_is_the_one_for_times_and_texts() {
    let stored: crate::settings::SyncSettings =
        serde_json::from_str(r#"{"policy":"keep_calendar"}"#).expect("settings of 0.1");
    assert_eq!(stored.time_policy, ConflictPolicy::KeepCalendar);
    assert_eq!(stored.text_policy, ConflictPolicy::KeepCalendar);
}

#[test]
fn a_policy_never_answers_an_unusual_move() {
    let case = Case::linked().settings(|s| {
        (s.time_policy, s.text_policy) = (ConflictPolicy::KeepCalendar, ConflictPolicy::KeepCalendar)
    });
    case.platform(|a| a.place.as_mut().unwrap().name = Some("Rosen".into()))
        .calendar(|e| (e.title, e.time) = ("Mine".into(), EventTime::Timed(span("11-20 09:00-10:30"))))
        .later(20)
        .expect("ask DataMismatch BothChanged [Title Time]");
}

#[test]
fn most_recent_takes_what_was_said_last_and_asks_within_two_minutes() {
    let said = |platform: i64, calendar: i64| {
        let base = Case::linked()
            .settings(|s| {
                (s.time_policy, s.text_policy) = (ConflictPolicy::MostRecent, ConflictPolicy::MostRecent)
            })
            .later(1000);
        let now = base.ctx.now;
        let mut case = base
            .platform_moves("12-02 09:00-10:30")
            .calendar_moves("12-03 09:00-10:30");
        case.record.appointment.as_mut().unwrap().updated_at = now - chrono::Duration::seconds(platform);
        case.record.calendar_moved_at = Some(now - chrono::Duration::seconds(calendar));
        tell(&case.decide())
    };
    assert_eq!(said(500, 379), "policy KeepCalendar [Time]");
    assert_eq!(said(379, 500), "policy KeepPlatform [Time]");
    assert_eq!(said(500, 381), "ask TimeChange BothChanged [Time]");
    assert_eq!(said(381, 500), "ask TimeChange BothChanged [Time]");
}

#[test]
fn most_recent_looks_at_the_field_in_question() {
    let case = Case::linked().settings(|s| {
        (s.time_policy, s.text_policy) = (ConflictPolicy::MostRecent, ConflictPolicy::MostRecent)
    });
    let case = case.calendar(|e| e.title = "Mine".into()).later(600);
    let case = case
        .platform(|a| a.place.as_mut().unwrap().name = Some("Rosen".into()))
        .later(600);
    // A move after that does not make the title any younger.
    case.calendar_moves("12-01 14:00-15:30")
        .later(20)
        .expect("move 12-01 14:00-15:30 v8; policy KeepPlatform [Title]");
}

#[test]
fn our_own_write_does_not_make_the_calendars_change_younger() {
    Case::linked()
        .calendar_moves("12-03 09:00-10:30")
        .later(600)
        .platform(|a| (a.start, a.end, a.notes) = (at("2026-12-02T08:00:00Z"), None, None))
        .expect("patch notes; ask TimeChange BothChanged [Time]")
        .later(600)
        .carried_out()
        .settings(|s| {
            (s.time_policy, s.text_policy) = (ConflictPolicy::MostRecent, ConflictPolicy::MostRecent)
        })
        .expect("policy KeepPlatform [Time]");
}

#[test]
fn a_policy_does_not_put_an_unusual_move_back_unasked_either() {
    let keep_theirs = |case: Case| {
        case.settings(|s| {
            (s.time_policy, s.text_policy) = (ConflictPolicy::KeepPlatform, ConflictPolicy::KeepPlatform)
        })
    };
    let past = keep_theirs(Case::linked())
        .calendar_moves("11-20 09:00-10:30")
        .later(20);
    past.expect("ask UnusualMove MovedIntoPast [Time]");
    let refused = keep_theirs(Case::linked())
        .calendar_moves("12-01 14:00-15:30")
        .later(20)
        .refused("overlap");
    refused.expect("ask Refused Refused(overlap) [Time]");
    let renamed =
        |a: &mut crate::appointment::Appointment| a.place.as_mut().unwrap().name = Some("Rosen".into());
    keep_theirs(Case::linked())
        .platform(renamed)
        .calendar(|e| (e.title, e.time) = ("Mine".into(), EventTime::Timed(span("11-20 09:00-10:30"))))
        .later(20)
        .expect("ask DataMismatch BothChanged [Title Time]");
}

#[test]
fn a_policy_asks_where_its_answer_could_not_be_taken() {
    let keep_mine = |case: Case| {
        case.settings(|s| {
            (s.time_policy, s.text_policy) = (ConflictPolicy::KeepCalendar, ConflictPolicy::KeepCalendar)
        })
    };
    let not_editable = keep_mine(Case::linked_as(|a| a.editable.time = false));
    not_editable
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-03 09:00-10:30")
        .expect("ask TimeChange BothChanged [Time]");
    let made_all_day = keep_mine(Case::linked())
        .platform_moves("12-02 09:00-10:30")
        .calendar(|e| e.time = all_day(3));
    made_all_day.expect("ask TimeChange BothChanged [Time]");
    let far = keep_mine(Case::linked())
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-30 09:00-10:30");
    far.expect("ask TimeChange BothChanged [Time]");
}

#[test]
fn a_reading_after_the_answer_is_still_the_event_that_was_answered_about() {
    let case = Case::linked()
        .calendar(|e| e.time = all_day(3))
        .answered(&another_time("12-03 11:00-12:00"));
    let same = case.record.event.clone().unwrap();
    let mut case = case.later(30);
    crate::absorb::event(&mut case.record, same.clone(), case.ctx.now);
    crate::absorb::event(&mut case.record, touched(&same, case.ctx.now), case.ctx.now);
    case.expect("move 12-03 11:00-12:00 v7")
        .carried_out()
        .expect("patch time");
}

#[test]
fn an_answer_about_one_field_does_not_repeat_what_was_refused_about_another() {
    let case = Case::linked()
        .calendar_moves("12-01 14:00-15:30")
        .calendar(|e| e.location = "Back door".into());
    let case = case
        .platform(|a| a.place.as_mut().unwrap().address = Some("Rosenweg 1".into()))
        .later(20);
    let refused = case
        .refused("overlap")
        .later(60)
        .expect("ask DataMismatch BothChanged [Location Time]");
    let choices = vec![
        (Field::Location, Choice::Platform),
        (Field::Time, Choice::Calendar),
    ];
    refused
        .clone()
        .answered(&Resolution::Merge { choices })
        .expect("patch location; move 12-01 14:00-15:30 v8; tell Merged");
    let mut answered = refused.clone();
    let conflict = crate::conflict::Conflict {
        fields: refused.question().fields[..1].to_vec(),
        ..refused.question()
    };
    let shown = seen(&answered.record);
    resolve(
        &mut answered.record,
        &conflict,
        &Resolution::KeepPlatform,
        &shown,
        &answered.ctx,
    )
    .expect("about the location");
    answered
        .later(60)
        .expect("patch location; ask Refused Refused(overlap) [Time]; tell Merged");
}

/// Found by simulation seeds 701490 and 701622.
#[test]
fn a_time_wanted_back_is_given_up_where_the_other_laptop_wrote_what_the_platform_has_said_since() {
    let mut case = Case::linked()
        .with(|record| {
            record.requested_time = Some(span("12-03 14:00-15:30"));
            record.promised_time = record.requested_time;
        })
        .platform_moves("12-02 09:00-10:30");
    let mut event = case.record.event.clone().expect("it is linked");
    event.time = EventTime::Timed(span("12-02 09:00-10:30"));
    event.updated = Some(case.ctx.now);
    let mark = event.mark.as_mut().expect("it is ours");
    (mark.version, mark.time) = (8, Some(span("12-02 09:00-10:30")));
    crate::absorb::event(&mut case.record, event, case.ctx.now);
    assert_eq!(case.record.requested_time, None);
    case.expect("InSync; tell Overtaken 12-03 14:00-15:30")
        .expect("InSync");
}

/// Simulation seed 734363: the other laptop reported its own move over the time that was wanted back here.
#[test]
fn a_time_wanted_back_that_a_later_word_took_the_place_of_is_told_once() {
    Case::linked()
        .with(|record| {
            record.requested_time = Some(span("12-03 14:00-15:30"));
            record.promised_time = record.requested_time;
        })
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-02 09:00-10:30")
        .expect("InSync; tell Overtaken 12-03 14:00-15:30")
        .expect("InSync");
}

/// Simulation seed 1006113: the trainer answered the other way on the other laptop, which writes, before this one's undo was
/// carried out.
#[test]
fn a_time_wanted_back_that_only_the_platform_had_is_told_where_the_other_laptop_reports_over_it() {
    let waiting = Case::linked().calendar_moves("12-03 14:00-15:30").with(|record| {
        let said = record.appointment.as_ref().map(|said| said.span());
        (record.requested_time, record.promised_time) = (said, said);
        (record.base.calendar.time, record.calendar_moved_at) = (None, None);
    });
    let said = waiting.record.promised_time.expect("it is promised");
    let not_yet = waiting.clone().expect("patch time");
    assert_eq!(not_yet.record.promised_time, Some(said), "it is not there yet");
    not_yet
        .platform_moves("12-03 14:00-15:30")
        .expect("InSync; tell Overtaken 12-01 09:00-10:30")
        .expect("InSync");
    let there = waiting.expect("patch time").carried_out().expect("InSync");
    assert_eq!(there.record.promised_time, None);
}

/// Simulation seed 801828: a 412 told of the admin's move, which went into the calendar, and then the wish was reported over it.
#[test]
fn a_time_wanted_back_is_given_up_once_the_platform_has_moved_on() {
    let case = Case::linked()
        .with(|record| {
            record.requested_time = Some(span("12-03 14:00-15:30"));
            record.promised_time = record.requested_time;
        })
        .platform_moves("12-02 09:00-10:30")
        .expect("patch time");
    assert_eq!(case.record.requested_time, None);
    assert!(case.record.promised_time.is_some(), "told once both sides agree");
}

/// Simulation seed 801363: what the other laptop wrote into the event is no move, also where its mark says the time of an older one.
#[test]
fn the_other_laptops_write_is_no_move_though_the_time_was_written_before() {
    let mut case = Case::linked().calendar_moves("12-04 11:00-12:30").with(|record| {
        record.requested_time = Some(span("12-03 14:00-15:30"));
        record.base.calendar.time = None;
        record.calendar_moved_at = None;
    });
    let mut event = case.record.event.clone().expect("it is linked");
    let mark = event.mark.as_mut().expect("it is ours");
    let time = mark.time.expect("it has one");
    mark.version += 1;
    event.time = EventTime::Timed(time);
    event.updated = Some(case.ctx.now);
    crate::absorb::event(&mut case.record, event, case.ctx.now);
    assert_eq!(case.record.calendar_moved_at, None);
    assert!(case.record.requested_time.is_some());
}

/// The time is in the window's answer alone: the event never showed it.
#[test]
fn a_time_wanted_back_that_was_refused_is_asked_for_again_if_the_trainer_says_so() {
    let wanted = span("12-03 14:00-15:30");
    let refused = Case::linked()
        .with(|r| {
            choose(
                r,
                Field::Time,
                &Choice::Time { time: wanted },
                &Case::linked().ctx,
            )
            .expect("it can be")
        })
        .refused("overlap")
        .later(60)
        .expect("ask Refused Refused(overlap) [Time]");
    let shown = &refused.question().fields[0];
    assert_eq!(
        shown.platform,
        Value::Time(EventTime::Timed(span("12-01 09:00-10:30")))
    );
    assert_eq!(shown.calendar, Value::Time(EventTime::Timed(wanted)));
    let again = refused.clone().answered(&Resolution::KeepCalendar);
    assert_eq!(again.record.promised_time, Some(wanted));
    again
        .expect("move 12-03 14:00-15:30 v7")
        .carried_out()
        .expect("patch time")
        .carried_out()
        .expect("InSync");
    refused
        .clone()
        .answered(&Resolution::KeepPlatform)
        .expect("InSync");
    // A move in the calendar since then is the later word.
    let moved = refused.calendar_moves("12-04 09:00-10:30").later(60);
    let shown = &moved.question().fields[0];
    assert_eq!(
        shown.calendar,
        Value::Time(EventTime::Timed(span("12-04 09:00-10:30")))
    );
    moved
        .answered(&Resolution::KeepCalendar)
        .expect("move 12-04 09:00-10:30 v7");
}

#[test]
fn what_the_platform_lets_a_trainer_change_is_reported_where_the_calendar_s_is_kept() {
    let edit = |e: &mut Event| e.description = e.description.replace("handouts", "two handouts");
    let reported = |case: &Case, direction| {
        let appointment = case.record.appointment.as_ref().expect("it is known");
        let rendered = rendered(appointment, &case.ctx);
        Field::ALL.map(|field| is_reported(&case.record, field, &rendered, direction))
    };
    let plain = Case::linked().calendar(edit);
    assert_eq!(reported(&plain, Direction::Both), [true, false, false, false]);
    let notes = Case::linked_as(|a| a.editable.notes = true).calendar(edit);
    assert_eq!(reported(&notes, Direction::Both), [true, false, false, true]);
    assert_eq!(reported(&notes, Direction::Push), [false; 4]);
}
