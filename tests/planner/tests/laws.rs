//! A fixed share of the planner check, and that it bites.

use roundtrip_planner_check::campaign::{Plan, Told, run};
#[cfg(not(feature = "deliberate-bugs"))]
use roundtrip_planner_check::campaign::{describe, table};

/// Enough to meet every row of the rules, and little enough for a build without optimisation.
const CASES: u64 = 6_000;

/// Fewer by choice (`PLANNER_CASES`), where it runs once for each of many mutants.
fn cases() -> u64 {
    let chosen = std::env::var("PLANNER_CASES").ok();
    chosen.and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

fn told(first: u64, cases: u64) -> Told {
    let plan = Plan {
        first,
        cases,
        threads: 2,
        to_the_end: false,
    };
    run(plan, || false, |_| {})
}

#[cfg(not(feature = "deliberate-bugs"))]
#[test]
fn every_law_holds_and_every_row_of_the_rules_is_met() {
    let told = told(0, cases());
    println!("{}", table(&told));
    if let Some((law, seed)) = told.broken.first_key_value() {
        panic!("{law:?}\n{}", describe(*seed));
    }
    // Laws that are never put to the test prove nothing; few histories need not meet all rows.
    if cases() < CASES {
        return;
    }
    for (row, hits) in told.rows.iter().enumerate() {
        assert!(*hits > 0, "never met: row R{}", row + 1);
    }
}

#[cfg(not(feature = "deliberate-bugs"))]
#[test]
fn the_same_seed_is_the_same_story() {
    let (one, other) = (told(77, 200), told(77, 200));
    assert_eq!(one.rows, other.rows);
    assert_eq!(one.stories, other.stories);
    assert!(describe(77) == describe(77));
}

/// One bug at a time is switched on for the whole process, so that this is one test.
#[cfg(feature = "deliberate-bugs")]
#[test]
fn every_bug_of_the_core_is_found() {
    use roundtrip_core::bug::{self, Bug};
    let mut missed = Vec::new();
    for bug in OF_THE_CORE {
        bug::switch_on(Some(*bug));
        let told = told(0, cases());
        match told.broken.first_key_value() {
            Some((law, _)) => println!("{:<24} {:>6} histories, {law:?}", bug.name(), told.cases),
            None => missed.push(bug.name()),
        }
    }
    bug::switch_on(None);
    assert!(
        missed.is_empty(),
        "not found in {} histories: {missed:?}",
        cases()
    );
    assert!(Bug::ALL.len() > OF_THE_CORE.len());
}

#[cfg(feature = "deliberate-bugs")]
const OF_THE_CORE: &[roundtrip_core::bug::Bug] = {
    use roundtrip_core::bug::Bug::*;
    &[
        VersionNotCompared,
        StaleReadingTaken,
        TombstonesIgnored,
        CopyIsOurs,
        OtherPlatformIsOurs,
        BaseSkipped,
        ConflictNotAsked,
        EchoIsMove,
        NoSettleTime,
        RefusedIsRepeated,
        OwnTextOverwritten,
        AllFieldsPatched,
        SeriesIsWritten,
        DeletionIsUndone,
        DeadIdRevived,
        OwnDeletionForgotten,
        DuplicatesKept,
        EndedIsDeleted,
        PastIsWritten,
        DirectionIgnored,
        NoGuard,
        RemovalsNotAsked,
        NoPen,
        AnswerForgotten,
    ]
};
