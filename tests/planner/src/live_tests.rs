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
