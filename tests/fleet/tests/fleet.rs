//! A small fleet in a smaller project: the shares are those of ten thousand trainers, with more noise.

use roundtrip_fleet::trainer::Habit;
use roundtrip_fleet::{Outcome, Plan, Story, play};

const TRAINERS: u32 = 1_000;

fn day(story: Story, habit: Habit) -> Outcome {
    let outcome = play(&Plan {
        trainers: TRAINERS,
        seed: 7,
        story,
        habit,
    });
    println!("{outcome:?}");
    outcome
}

#[test]
fn a_steady_day_uses_a_fifth_of_what_is_allowed() {
    let outcome = day(Story::Steady, Habit::Schedule);
    assert!(outcome.mean_percent <= 20.0, "{outcome:?}");
    // A single minute of a thousand trainers is three times as noisy as one of ten thousand.
    assert!(outcome.steady_percent <= 30.0, "{outcome:?}");
    assert_eq!(outcome.refused, 0);
    assert_eq!(outcome.settled, outcome.changes);
    assert!(outcome.a_trainer_and_day <= 160.0, "{outcome:?}");
}

#[test]
fn after_an_outage_of_an_hour_everybody_comes_back_without_a_rush_and_nothing_is_lost() {
    let outcome = day(Story::Outage, Habit::Schedule);
    assert!(outcome.after_percent <= 60.0, "{outcome:?}");
    assert_eq!(outcome.refused, 0);
    assert_eq!(outcome.settled, outcome.changes);
    assert!(outcome.back_p95_minutes <= 25.0, "{outcome:?}");
}

#[test]
fn a_restart_of_all_at_one_moment_is_no_rush() {
    let outcome = day(Story::Restart, Habit::Schedule);
    assert!(outcome.after_percent <= 60.0, "{outcome:?}");
    assert_eq!(outcome.refused, 0);
    assert_eq!(outcome.settled, outcome.changes);
}

#[test]
fn a_relay_that_goes_away_and_comes_back_makes_no_rush_and_nothing_is_lost() {
    let outcome = day(Story::RelayGone, Habit::Relay);
    // Within what the project may, with room for the noise of a small fleet.
    assert!(outcome.after_percent <= 85.0, "{outcome:?}");
    assert_eq!(outcome.refused, 0);
    assert_eq!(outcome.settled, outcome.changes);
    assert!(outcome.back_p95_minutes <= 15.0, "{outcome:?}");
}

#[test]
fn with_a_relay_a_day_costs_a_quarter() {
    let outcome = day(Story::Steady, Habit::Relay);
    assert!(outcome.a_trainer_and_day <= 30.0, "{outcome:?}");
    assert!(outcome.steady_percent <= 15.0, "{outcome:?}");
    assert_eq!(outcome.settled, outcome.changes);
}

#[test]
fn in_lock_step_the_same_fleet_is_too_much() {
    let outcome = play(&Plan {
        trainers: 100,
        seed: 7,
        story: Story::Outage,
        habit: Habit::LockStep,
    });
    let most = outcome.steady_percent.max(outcome.after_percent);
    assert!(most > 100.0 && outcome.refused > 0, "{outcome:?}");
}

#[test]
fn the_same_seed_tells_the_same_day() {
    let small = |seed| {
        play(&Plan {
            trainers: 50,
            seed,
            story: Story::Outage,
            habit: Habit::Schedule,
        })
    };
    assert_eq!(small(3), small(3));
    assert_ne!(small(3), small(4));
}
