//! Histories that broke a law once, as short as they can be told.

use super::*;
use crate::steps::Answer;

/// Nothing is broken in this history, and this is how its world stands in the end.
fn holds(appointments: usize, steps: &[Step], lost: &[bool], at_last: Option<Answer>) -> World {
    let story = Story {
        appointments,
        steps: steps.to_vec(),
        at_last,
        lost: lost.to_vec(),
        seed: 1,
    };
    let world = tell(&story);
    assert!(
        world.violations.is_empty(),
        "{:?}\n{}",
        world.violations,
        world.log.join("\n")
    );
    world
}

fn slot(day: i64, hour: u32, minutes: i64) -> Slot {
    Slot { day, hour, minutes }
}

/// The question about a refused time stays open until that time is over. Then the event, which stands ahead, goes back to the
/// visit's time, and that is all (seed 11315077).
#[test]
fn a_refused_time_that_is_over_before_another_was_chosen_is_given_up_once() {
    let steps = [
        Step::Pass(400_000),
        Step::Calendar(0, CalendarEdit::Move(slot(5, 14, 60))),
        Step::Platform(0, PlatformEdit::Move(slot(2, 8, 90))),
    ];
    let at_night = Answer::AnotherTime(slot(3, 2, 60));
    let world = holds(1, &steps, &[false], Some(at_night));
    let event = &world.calendar[&world.live(&id(0))[0]].event;
    assert_eq!(event.time, EventTime::Timed(slot(2, 8, 90).span()));
}

/// With "pull" an older event from the bin stays beside the newer one: nothing is taken from the calendar. What is in sync is the
/// newer one (seed 11273897).
#[test]
fn with_pull_an_older_event_from_the_bin_says_nothing_of_the_newer_one() {
    let steps = [
        Step::Calendar(1, CalendarEdit::Move(slot(7, 8, 90))),
        Step::Remake(1),
        Step::Calendar(1, CalendarEdit::Restore),
        Step::Setting(SettingEdit::Direction(Direction::Pull)),
    ];
    let world = holds(2, &steps, &[false], None);
    assert_eq!(world.live(&id(1)).len(), 2);
}

/// Its own time is written back, nobody hears that it arrived, and the trainer makes it a whole day once more: that is asked about
/// (seed 11419399).
#[test]
fn a_whole_day_made_once_more_after_a_lost_answer_is_asked_about() {
    let steps = [
        Step::Calendar(0, CalendarEdit::AllDay),
        Step::Cycle,
        Step::Answer(Answer::KeepPlatform),
        Step::Cycle,
        Step::Calendar(0, CalendarEdit::AllDay),
    ];
    for lost in [[true, false], [false, true]] {
        let world = holds(1, &steps, &lost, None);
        assert!(world.conflicts.contains_key(&id(0)), "{}", world.log.join("\n"));
    }
}

/// The same with a drag so far that it is asked about each time.
#[test]
fn a_drag_made_once_more_after_a_lost_answer_is_asked_about() {
    let there = CalendarEdit::Move(slot(40, 14, 60));
    let steps = [
        Step::Calendar(0, there),
        Step::Pass(25),
        Step::Cycle,
        Step::Answer(Answer::KeepPlatform),
        Step::Cycle,
        Step::Calendar(0, there),
    ];
    for lost in [[true, false], [false, true]] {
        let world = holds(1, &steps, &lost, None);
        assert!(world.conflicts.contains_key(&id(0)), "{}", world.log.join("\n"));
    }
}

/// What became of an insert whose answer was lost is asked about: then it is known what was written, and that a setting which
/// changed since wants other words (seed 14588196).
#[test]
fn words_of_an_insert_whose_answer_was_lost_follow_a_setting_that_changed_since() {
    let steps = [
        Step::Setting(SettingEdit::ClientNames(true)),
        Step::Remake(0),
        Step::Setting(SettingEdit::ClientNames(false)),
    ];
    let world = holds(1, &steps, &[true, false], None);
    let event = &world.calendar[&world.live(&id(0))[0]].event;
    assert_eq!(event.title, "Linden-Apotheke");
}

/// A move that the guard asks about is in the past before the answer: it is asked about by itself then, and the new address, which
/// was held beside it, is written once (seed 17854102).
#[test]
fn what_is_held_beside_a_move_is_written_once_when_the_move_is_in_the_past() {
    let steps = [
        Step::Calendar(7, CalendarEdit::Move(slot(4, 8, 60))),
        Step::PassToTheDoubleHour,
        Step::Cycle,
        Step::Mass(MassEdit::MoveAll),
        Step::Platform(7, PlatformEdit::Address(2)),
    ];
    let world = holds(8, &steps, &[false], None);
    let event = &world.calendar[&world.live(&id(7))[0]].event;
    assert!(event.location.contains("Street 2"), "{}", event.location);
}

/// The database is lost after a report of which the event's mark does not tell, and the trainer moves the event back to where the
/// mark has it: for whoever has nothing but the mark the platform alone moved it (seeds 5553136, 13915384).
#[test]
fn a_move_back_to_what_the_mark_tells_cannot_be_known_after_a_lost_database() {
    let steps = [
        Step::Calendar(0, CalendarEdit::Move(slot(6, 8, 90))),
        Step::Pass(700),
        Step::Cycle,
        Step::LoseDatabase,
        Step::Calendar(0, CalendarEdit::Move(slot(1, 8, 60))),
    ];
    let world = holds(1, &steps, &[false], None);
    assert_eq!(world.platform[&id(0)].said.span(), slot(6, 8, 90).span());
}

/// A time wanted back, which a later word of the platform's took the place of, was known to nothing but the database (seed 6804692).
#[test]
fn a_time_wanted_back_and_overtaken_goes_with_the_database() {
    let steps = [
        Step::Platform(0, PlatformEdit::Move(slot(4, 14, 90))),
        Step::Cycle,
        Step::Platform(0, PlatformEdit::Move(slot(6, 8, 90))),
        Step::UndoNth(0),
        Step::Cycle,
        Step::LoseDatabase,
    ];
    holds(1, &steps, &[false], None);
}

/// The admin moves the visit away and back to the time that the trainer answered over, before anybody read of it: that is no change
/// (seed 18644346).
#[test]
fn away_and_back_to_the_time_answered_over_is_no_change_if_nobody_read_of_it() {
    let steps = [
        Step::Platform(0, PlatformEdit::Move(slot(0, 14, 90))),
        Step::Calendar(0, CalendarEdit::Move(slot(4, 8, 60))),
        Step::Cycle,
        Step::Answer(Answer::KeepCalendar),
        Step::Platform(0, PlatformEdit::Move(slot(-3, 8, 90))),
        Step::Platform(0, PlatformEdit::Move(slot(0, 14, 90))),
    ];
    let world = holds(1, &steps, &[false], None);
    assert_eq!(world.platform[&id(0)].said.span(), slot(4, 8, 60).span());
}

/// A visit was moved, and is left out by a changed rule before its event is told: the event goes at once, as row H5 of the pen has it
/// (seed 13863622).
#[test]
fn an_event_that_tells_an_old_time_is_not_held() {
    let steps = [
        Step::Remake(0),
        Step::Calendar(0, CalendarEdit::Restore),
        Step::Platform(0, PlatformEdit::Move(slot(5, 8, 60))),
        Step::Cycle,
        Step::Setting(SettingEdit::Exclude(0)),
    ];
    let world = holds(1, &steps, &[false], None);
    assert!(world.live(&id(0)).is_empty(), "{}", world.log.join("\n"));
}

/// With "pull" a time wanted back, which a later word of the platform's took the place of, is told as overtaken and owed no more
/// (seed 2395429).
#[test]
fn a_wish_that_is_told_as_overtaken_is_owed_no_more() {
    let steps = [
        Step::Platform(2, PlatformEdit::Move(slot(1, 8, 60))),
        Step::Cycle,
        Step::Setting(SettingEdit::Direction(Direction::Pull)),
        Step::UndoNth(0),
        Step::Platform(2, PlatformEdit::Move(slot(2, 14, 60))),
    ];
    for lost in [[false, false], [true, false], [false, true]] {
        holds(3, &steps, &lost, None);
    }
}
