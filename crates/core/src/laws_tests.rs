//! The laws of the core, attacked by generated histories of a tiny world with two sides.
//!
//! Every history starts from one agreed state and perturbs both sides of it: states drawn independently of each other
//! hardly ever disagree in the interesting ways. `PROPTEST_CASES` sets how many histories each test lives through.

mod back;
mod facts;
mod hands;
mod live;
mod rows;
mod steps;
mod world;

use crate::reconcile::Decision;
use live::live;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use steps::{Mix, Story, story};
use world::World;

fn config() -> Config {
    let default = Config {
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        default
    } else {
        Config { cases: 48, ..default }
    }
}

fn every_law_holds(story: &Story) -> Result<(), TestCaseError> {
    assert_lawful(&live(story))
}

fn assert_lawful(world: &World) -> Result<(), TestCaseError> {
    let broken: Vec<String> = world
        .violations
        .iter()
        .map(|(law, what)| format!("{law:?}: {what}"))
        .collect();
    prop_assert!(
        broken.is_empty(),
        "{}\nHow it came:\n{}",
        broken.join("\n"),
        world.log.join("\n")
    );
    Ok(())
}

/// A decision in the log of a failure.
fn brief(decision: &Decision) -> String {
    let intents: Vec<String> = decision
        .intents
        .iter()
        .map(|intent| match intent {
            crate::outbox::Intent::Patch { mask, .. } => format!("patch {mask:?}"),
            crate::outbox::Intent::Move { time, version, .. } => {
                format!("move to {} - {} v{version}", time.start, time.end)
            }
            other => other.word().to_owned(),
        })
        .collect();
    let cause = decision
        .conflict
        .as_ref()
        .map(|draft| format!("{:?}", draft.cause))
        .unwrap_or_default();
    format!("{:?} {} {cause}", decision.standing, intents.join(", "))
}

const EDITS: Mix = Mix {
    settings: 0,
    answers: 6,
    lost_databases: 0,
    lost_answers: false,
};
const SETTINGS: Mix = Mix {
    settings: 10,
    answers: 6,
    ..EDITS
};
const LOSSES: Mix = Mix {
    lost_databases: 4,
    lost_answers: true,
    ..EDITS
};
const EVERYTHING: Mix = Mix {
    settings: 8,
    answers: 6,
    lost_databases: 1,
    lost_answers: true,
};

// Each checks all laws of `world::Law`; the broken one is named first in the failure.
proptest! {
    #![proptest_config(config())]

    #[test]
    fn laws_hold_when_both_sides_are_edited(story in story(EDITS)) { every_law_holds(&story)?; }

    #[test]
    fn laws_hold_while_settings_change(story in story(SETTINGS)) { every_law_holds(&story)?; }

    #[test]
    fn laws_hold_when_answers_and_databases_are_lost(story in story(LOSSES)) { every_law_holds(&story)?; }

    #[test]
    fn laws_hold_when_everything_happens(story in story(EVERYTHING)) { every_law_holds(&story)?; }
}

/// Laws that are never put to the test prove nothing: every row of the table must be met.
#[test]
fn every_row_of_the_rules_is_met() {
    let mut runner = TestRunner::deterministic();
    let (mut decisions, mut worlds) = ([0; 11], [0; 11]);
    let stories = 200;
    for _ in 0..stories {
        let story = story(EVERYTHING)
            .new_tree(&mut runner)
            .expect("a story")
            .current();
        let world = live(&story);
        assert_lawful(&world).expect("every law holds");
        for (row, hits) in world.rows.into_iter().enumerate() {
            decisions[row] += hits;
            worlds[row] += usize::from(hits > 0);
        }
    }
    println!("{:<46} {:>9} {:>16}", "row", "decisions", "share of stories");
    for (row, name) in rows::NAMES.iter().enumerate() {
        println!(
            "{name:<46} {:>9} {:>14} %",
            decisions[row],
            100 * worlds[row] / stories
        );
    }
    for (row, name) in rows::NAMES.iter().enumerate() {
        assert!(decisions[row] > 0, "never met: {name}");
    }
}
