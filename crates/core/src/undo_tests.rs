//! Undo and restore: each rule as one case.

use super::*;
use crate::appointment::RemovalReason;
use crate::settings::Direction;
use crate::testing::{Case, all_day, another_time, span};

const PLATFORM: &str = "12-02 09:00-10:30";
const CALENDAR: &str = "12-03 09:00-10:30";

fn both_moved() -> Case {
    Case::linked().platform_moves(PLATFORM).calendar_moves(CALENDAR)
}

fn both_renamed() -> Case {
    Case::linked()
        .platform(|a| a.place.as_mut().unwrap().name = Some("Rosen-Apotheke".into()))
        .calendar(|e| e.title = "Mine".into())
}

/// Answers the question of a case; the conflict comes back as it is kept.
fn answered(mut case: Case, resolution: Resolution) -> (Case, Wish) {
    let question = case.question();
    case.answer(&resolution).expect("an answer that can be taken");
    let state = ConflictState::Resolved {
        resolution,
        at: case.ctx.now,
        by_policy: false,
    };
    (case, Wish::Answer(Box::new(Conflict { state, ..question })))
}

fn undone(case: &mut Case, wish: &Wish) -> Result<Effect, Why> {
    bring_back(&mut case.record, wish, &case.ctx)
}

fn moves(from: &str, to: &str, tells_admin: bool) -> Result<Effect, Why> {
    Ok(Effect {
        from: Some(span(from)),
        to: Some(span(to)),
        tells_admin,
    })
}

#[test]
fn keep_platform_undone_reports_the_calendars_time() {
    let (case, wish) = answered(both_moved(), Resolution::KeepPlatform);
    let mut case = case.carried_out().expect("InSync").later(90);
    assert_eq!(undone(&mut case, &wish), moves(PLATFORM, CALENDAR, true));
    let case = case.expect("move 12-03 09:00-10:30 v8").carried_out();
    let mut case = case.expect("patch time").carried_out().expect("InSync");
    assert_eq!(undone(&mut case, &wish), Err(Why::Same));
}

#[test]
fn keep_calendar_undone_asks_the_platform_to_go_back() {
    let (case, wish) = answered(both_moved(), Resolution::KeepCalendar);
    let mut case = case.carried_out().expect("InSync").later(90);
    assert_eq!(undone(&mut case, &wish), moves(CALENDAR, PLATFORM, true));
    case.expect("move 12-02 09:00-10:30 v9")
        .carried_out()
        .expect("patch time")
        .carried_out()
        .expect("InSync");
}

#[test]
fn undone_before_it_was_carried_out_nobody_is_told() {
    let (mut case, wish) = answered(both_moved(), Resolution::KeepCalendar);
    assert_eq!(undone(&mut case, &wish), moves(CALENDAR, PLATFORM, false));
    assert_eq!(undone(&mut case.clone(), &wish), Err(Why::Same));
    case.expect("patch time").carried_out().expect("InSync");
}

#[test]
fn keep_platform_undone_before_it_was_written_leaves_the_event_where_it_is() {
    let (mut case, wish) = answered(both_moved(), Resolution::KeepPlatform);
    assert_eq!(undone(&mut case, &wish), moves(PLATFORM, CALENDAR, true));
    case.expect("move 12-03 09:00-10:30 v8")
        .carried_out()
        .expect("InSync");
}

#[test]
fn most_recent_is_undone_by_what_it_kept() {
    for (kept, other, seconds) in [(PLATFORM, CALENDAR, -600), (CALENDAR, PLATFORM, 600)] {
        let mut case = both_moved().later(2_000);
        let said = case.ctx.now - Duration::seconds(1_000);
        case.record.appointment.as_mut().unwrap().updated_at = said;
        case.record.calendar_moved_at = Some(said + Duration::seconds(seconds));
        let (case, wish) = answered(case, Resolution::MostRecent);
        let mut case = case.carried_out();
        assert_eq!(undone(&mut case, &wish), moves(kept, other, true));
    }
}

#[test]
fn a_chosen_time_is_undone_to_the_platforms() {
    let (case, wish) = answered(both_moved(), another_time("12-04 09:00-10:30"));
    let mut case = case.carried_out().carried_out().expect("InSync");
    assert_eq!(
        undone(&mut case, &wish),
        moves("12-04 09:00-10:30", PLATFORM, true)
    );
}

#[test]
fn a_report_that_is_still_under_way_does_not_swallow_the_undo() {
    let (case, wish) = answered(both_moved(), Resolution::KeepCalendar);
    let sent = case.decide();
    let mut case = case;
    undone(&mut case, &wish).expect("not carried out yet");
    let answer = crate::testing::taken(
        case.record.appointment.as_ref().unwrap(),
        &sent.intents[0],
        case.ctx.now,
    );
    let sent = crate::absorb::Sent::Time(span(CALENDAR));
    crate::absorb::reported(&mut case.record, answer, sent, &case.ctx);
    case.expect("move 12-02 09:00-10:30 v9")
        .carried_out()
        .expect("patch time")
        .carried_out()
        .expect("InSync");
}

/// The calendar never showed the time that was chosen.
#[test]
fn a_chosen_time_that_is_still_being_reported_does_not_swallow_the_undo() {
    let (mut case, wish) = answered(both_moved(), another_time("12-04 09:00-10:30"));
    let sent = case.decide();
    undone(&mut case, &wish).expect("not carried out yet");
    case.record.requested_time = Some(span(PLATFORM));
    let known = case.record.appointment.clone().expect("known");
    let answer = crate::testing::taken(&known, &sent.intents[0], case.ctx.now);
    let sent = crate::absorb::Sent::Time(span("12-04 09:00-10:30"));
    crate::absorb::reported(&mut case.record, answer, sent, &case.ctx);
    case.clone()
        .expect("move 12-02 09:00-10:30 v9")
        .carried_out()
        .expect("patch time")
        .carried_out()
        .expect("InSync");
    // What an admin says in between is not overwritten by what was wanted in place of another time.
    case.platform_moves("12-09 09:00-10:30")
        .later(120)
        .expect("ask TimeChange BothChanged [Time]");
}

#[test]
fn own_words_come_back_as_own_words() {
    let (case, wish) = answered(both_renamed(), Resolution::KeepPlatform);
    let mut case = case.carried_out().expect("InSync");
    assert_eq!(undone(&mut case, &wish), Ok(Effect::default()));
    let mut case = case.expect("patch title").carried_out();
    assert_eq!(case.record.event.as_ref().unwrap().title, "Mine");
    assert_eq!(undone(&mut case, &wish), Err(Why::Same));
    // As own words they stay, and what the platform says next is asked about.
    case.expect("InSync; note OwnWording")
        .platform(|a| a.place.as_mut().unwrap().name = Some("Adler-Apotheke".into()))
        .later(120)
        .expect("ask DataMismatch BothChanged [Title]");
}

#[test]
fn the_platforms_words_come_back_too() {
    let (mut case, wish) = answered(both_renamed(), Resolution::KeepCalendar);
    assert_eq!(undone(&mut case, &wish), Ok(Effect::default()));
    let case = case.expect("patch title").carried_out().expect("InSync");
    assert_eq!(case.record.event.as_ref().unwrap().title, "Rosen-Apotheke");
}

#[test]
fn own_words_that_still_stand_are_not_written_again() {
    let (mut case, wish) = answered(both_renamed(), Resolution::KeepPlatform);
    assert_eq!(undone(&mut case, &wish), Ok(Effect::default()));
    case.expect("InSync; note OwnWording");
}

#[test]
fn words_wanted_back_give_way_to_what_is_said_meanwhile() {
    let (case, wish) = answered(both_renamed(), Resolution::KeepPlatform);
    let mut case = case.carried_out();
    undone(&mut case, &wish).expect("both are as they were");
    case.clone()
        .calendar(|e| e.title = "Something else".into())
        .expect("InSync; note OwnWording");
    case.platform(|a| a.place.as_mut().unwrap().name = Some("Adler-Apotheke".into()))
        .expect("patch title")
        .carried_out()
        .expect("InSync");
}

#[test]
fn edited_notes_come_back_and_are_reported_where_the_platform_takes_notes() {
    let case = Case::linked_as(|a| a.editable.notes = true)
        .platform(|a| a.notes = Some("Bring the posters.".into()))
        .calendar(|e| e.description = e.description.replace("handouts", "samples"));
    let (case, wish) = answered(case, Resolution::KeepPlatform);
    let mut case = case.carried_out().expect("InSync");
    let told = Effect {
        tells_admin: true,
        ..Effect::default()
    };
    assert_eq!(undone(&mut case, &wish), Ok(told));
    let case = case.expect("patch notes").carried_out().later(120).carried_out();
    let notes = case.record.appointment.as_ref().unwrap().notes.as_deref();
    assert_eq!(notes, Some("Bring the samples."));
    case.expect("InSync");
}

#[test]
fn notes_beside_another_link_are_not_written_back() {
    let case = Case::linked()
        .platform(|a| a.notes = Some("Bring the posters.".into()))
        .calendar(|e| e.description = e.description.replace("↗ https", "↗ http"));
    let (case, wish) = answered(case, Resolution::KeepPlatform);
    let mut case = case.carried_out();
    assert_eq!(undone(&mut case, &wish), Err(Why::TextNotKept));
}

#[test]
fn a_time_and_a_title_come_back_together_or_not_at_all() {
    let both = both_moved()
        .platform(|a| a.place.as_mut().unwrap().name = Some("Rosen-Apotheke".into()))
        .calendar(|e| e.title = "Mine".into());
    let (case, wish) = answered(both, Resolution::KeepPlatform);
    let case = case.carried_out().expect("InSync");
    let mut changed = case.clone().calendar(|e| e.title = "Something else".into());
    let before = changed.record.clone();
    assert_eq!(undone(&mut changed, &wish), Err(Why::ChangedSince));
    assert_eq!(changed.record, before);
    let mut case = case;
    assert_eq!(undone(&mut case, &wish), moves(PLATFORM, CALENDAR, true));
    case.expect("patch title; move 12-03 09:00-10:30 v9");
}

#[test]
fn stop_syncing_is_undone_by_going_on() {
    let (mut case, wish) = answered(both_moved(), Resolution::StopSyncing);
    case = case.expect("Stopped");
    assert_eq!(undone(&mut case, &wish), Ok(Effect::default()));
    let mut case = case.later(90).expect("ask TimeChange BothChanged [Time]");
    assert_eq!(undone(&mut case, &wish), Err(Why::Same));
}

#[test]
fn what_cannot_be_undone_says_why() {
    let kept = |resolution| {
        let (case, wish) = answered(both_moved(), resolution);
        (case.carried_out().expect("InSync").later(90), wish)
    };
    let why = |change: &dyn Fn(Case) -> Case| {
        let (case, wish) = kept(Resolution::KeepPlatform);
        let mut case = change(case);
        let before = case.record.clone();
        let why = undone(&mut case, &wish).expect_err("it cannot be undone");
        assert_eq!(case.record, before, "nothing is changed");
        why
    };
    assert_eq!(why(&|c| c.platform_removes(RemovalReason::Cancelled)), Why::Gone);
    assert_eq!(why(&|c| c.calendar_deletes()), Why::Gone);
    assert_eq!(why(&|c| c.platform_moves("12-07 09:00-10:30")), Why::ChangedSince);
    assert_eq!(why(&|c| c.calendar_moves("12-07 09:00-10:30")), Why::ChangedSince);
    assert_eq!(
        why(&|c| c.platform(|a| a.editable.time = false)),
        Why::NotEditable
    );
    assert_eq!(
        why(&|c| c.settings(|s| s.direction = Direction::Push)),
        Why::NotEditable
    );
    assert_eq!(why(&|c| c.now("2026-12-08T09:00:00Z")), Why::Over);
    let excluded = |c: Case| {
        let id = c.record.appointment_id.clone();
        c.settings(|s| _ = s.filters.excluded.insert(id))
    };
    assert_eq!(why(&excluded), Why::LeftOut);
    // The appointment is still to come, but the time wanted back has passed.
    let (case, wish) = kept(Resolution::KeepCalendar);
    let mut case = case.now("2026-12-02T12:00:00Z");
    assert_eq!(undone(&mut case, &wish), Err(Why::Over));
}

#[test]
fn a_start_that_has_passed_is_not_asked_for_again_but_an_end_is() {
    let back = |from: &str| Wish::Back {
        from: span(from),
        to: span("12-01 09:00-10:30"),
    };
    // Half past nine in Berlin: the first appointment could have begun, the second has.
    let moved = Case::linked().platform_moves("12-01 11:00-12:30").carried_out();
    let mut case = moved.now("2026-12-01T08:30:00Z");
    assert_eq!(undone(&mut case, &back("12-01 11:00-12:30")), Err(Why::Over));
    let longer = Case::linked().platform_moves("12-01 09:00-11:30").carried_out();
    let mut case = longer.now("2026-12-01T08:30:00Z");
    assert_eq!(
        undone(&mut case, &back("12-01 09:00-11:30")),
        moves("12-01 09:00-11:30", "12-01 09:00-10:30", true)
    );
}

#[test]
fn letting_in_again_says_where_the_event_will_be() {
    let case = Case::linked().with(|record| record.event = None);
    let id = case.record.appointment_id.clone();
    let mut case = case.settings(|s| _ = s.filters.excluded.insert(id));
    let effect = undone(&mut case, &Wish::LetIn).expect("it was left out");
    assert_eq!((effect.from, effect.to), (None, Some(span("12-01 09:00-10:30"))));
}

#[test]
fn whole_days_cannot_be_asked_of_the_platform() {
    let case = Case::linked().calendar(|e| e.time = all_day(3));
    let (case, wish) = answered(case, Resolution::KeepPlatform);
    let mut case = case.carried_out();
    assert_eq!(undone(&mut case, &wish), Err(Why::NotEditable));
}

#[test]
fn a_chain_of_moves_goes_back_step_by_step() {
    let mut case = Case::linked().platform_moves(PLATFORM).carried_out();
    case = case.platform_moves(CALENDAR).carried_out().expect("InSync");
    let step = |from: &str, to: &str| Wish::Back {
        from: span(from),
        to: span(to),
    };
    let (first, second) = (step(PLATFORM, "12-01 09:00-10:30"), step(CALENDAR, PLATFORM));
    assert_eq!(undone(&mut case, &first), Err(Why::ChangedSince));
    undone(&mut case, &second).expect("it is there");
    undone(&mut case, &first).expect("it is on its way there");
    case.expect("move 12-01 09:00-10:30 v9");
}

#[test]
fn a_removed_event_is_put_back_and_a_living_one_is_there_already() {
    let mut case = Case::linked();
    assert_eq!(undone(&mut case, &Wish::PutBack), Err(Why::Same));
    let mut case = case.calendar_deletes().carried_out();
    let effect = undone(&mut case, &Wish::PutBack).expect("it was removed");
    assert_eq!((effect.from, effect.to), (None, Some(span("12-01 09:00-10:30"))));
    assert!(
        case.decide()
            .intents
            .iter()
            .any(|intent| intent.word() == "insert")
    );
}

#[test]
fn leaving_out_says_which_event_goes() {
    let mut case = Case::linked();
    let effect = undone(&mut case, &Wish::LeaveOut).expect("it is in the calendar");
    assert_eq!((effect.from, effect.to), (Some(span("12-01 09:00-10:30")), None));
    let mut kept = case.settings(|s| s.filters.left_out = LeftOutPolicy::Keep);
    assert_eq!(undone(&mut kept, &Wish::LeaveOut), Err(Why::Nothing));
}

#[test]
fn an_event_that_the_trainer_changed_since_is_not_left_out() {
    let mut moved = Case::linked().calendar_moves("12-03 09:00-10:30");
    let mut renamed = Case::linked().calendar(|e| e.title = "Meine Apotheke".into());
    let mut noted = Case::linked().calendar(|e| e.description.push_str("\nParkplatz im Hof."));
    for case in [&mut moved, &mut renamed, &mut noted] {
        assert_eq!(undone(case, &Wish::LeaveOut), Err(Why::ChangedSince));
    }
}

#[test]
fn what_waits_for_an_answer_is_not_moved_back() {
    let (case, wish) = answered(both_moved(), Resolution::KeepPlatform);
    let mut case = case.carried_out().expect("InSync").later(90);
    case = case
        .platform_moves("12-04 09:00-10:30")
        .calendar_moves("12-05 09:00-10:30");
    let question = case.question();
    case.record.conflict = Some(question.id.clone());
    assert_eq!(undone(&mut case, &wish), Err(Why::ChangedSince));
}

#[test]
fn an_event_of_a_series_is_not_moved_back() {
    let (case, wish) = answered(both_moved(), Resolution::KeepPlatform);
    let mut case = case.carried_out().expect("InSync").later(90);
    case.record.event.as_mut().expect("an event").recurring = true;
    assert_eq!(undone(&mut case, &wish), Err(Why::ChangedSince));
}

#[test]
fn after_an_undo_the_question_is_not_asked_again_at_once() {
    let (case, wish) = answered(both_moved(), Resolution::KeepPlatform);
    let mut case = case.carried_out().expect("InSync").later(90);
    undone(&mut case, &wish).expect("it can be undone");
    assert!(
        case.record
            .cool_down_until
            .is_some_and(|until| until > case.ctx.now)
    );
}
