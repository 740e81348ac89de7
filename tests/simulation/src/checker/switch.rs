//! The switch: once the platform has said that sync is off, nothing is written until it says that it is on again; a restart and an outage
//! do not make a laptop forget it.

use super::facts::Facts;
use crate::ended::Violation;
use crate::witness::Switch;

/// So many other writes are on their way when the answer to one says that sync is off.
const BESIDE: usize = 7;

/// What one laptop knows of the switch.
#[derive(Default)]
struct Known {
    /// By this process: it was the last to be said.
    now: Option<bool>,
    /// By the next one: the run that heard it has ended.
    kept: Option<bool>,
    /// The run that heard it.
    run: Option<String>,
    /// Writes that may have been on their way.
    beside: usize,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for laptop in 0..facts.ended.laptops.len() {
        let mut known = Known::default();
        let seen = facts.ended.witnessed.switch.iter();
        for (_, at, what) in seen.filter(|(by, ..)| *by == laptop) {
            if let Switch::Asks { run } | Switch::Writes { run, .. } = what
                && run.is_some()
                && known.run.is_some()
                && known.run != *run
            {
                known.kept = known.now;
            }
            match what {
                Switch::Starts { fresh: true } => known = Known::default(),
                Switch::Starts { fresh: false } => {
                    // What was heard and perhaps not kept is no longer said of this laptop.
                    let now = known.kept.filter(|_| known.kept == known.now);
                    known = Known {
                        now,
                        kept: now,
                        ..Known::default()
                    };
                }
                Switch::Hears {
                    enabled,
                    run,
                    of_write,
                } => {
                    if known.now != Some(*enabled) {
                        known.beside = if *of_write { BESIDE } else { 0 };
                        known.run.clone_from(run);
                    }
                    known.now = Some(*enabled);
                }
                Switch::Writes { what, .. } if known.now == Some(false) => {
                    if known.beside == 0 {
                        found.push(Violation {
                            invariant: "switch",
                            what: format!(
                                "laptop {laptop} sent {what} at {at} though the platform had told it that sync is off"
                            ),
                        });
                        break;
                    }
                    known.beside -= 1;
                }
                Switch::Asks { .. } | Switch::Writes { .. } => {}
            }
        }
    }
}
