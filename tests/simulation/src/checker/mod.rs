//! The oracle: what must be true when the faults have stopped (I1 to I15, the promises P5, P8, P10, P11, P13, undoing, the switch).
//!
//! It reads the services' own histories, request log and audit, and the laptops' ledgers. It never asks the engine
//! what to do: where the ledger says why something was left as it is, the services' histories must bear that out.
//!
//! | file | invariants |
//! |---|---|
//! | `agreement` | I1 converges, I2 quiescent, I11 instants kept, P13 badges are true |
//! | `events` | I3 one event each, I4 nothing foreign, I15 nobody mailed, P10 own text, P11 nothing from before |
//! | `moves` | I5 no move lost, I6 no echo, I7 one notification each |
//! | `deletions` | I10 no deletion without a reason, P5 disconnecting leaves events |
//! | `mass` | P8 no mass change unasked, none before its answer, nothing asked twice |
//! | `pen` | P8 what is only inferred is held before it goes |
//! | `ledger` | I8 rows have causes, versions grow; I13 nothing secret on the disk |
//! | `switch` | nothing is written once the platform said no |
//! | `undone` | what the trainer wanted back is there, or it is said why not |
//! | `wire` | I12 pace and `Retry-After` |
//! | `words` | P10 what the trainer types among the notes is there, on the platform, or something says why not |

mod agreement;
mod deletions;
mod events;
mod facts;
mod ledger;
mod mass;
mod moves;
mod pen;
mod switch;
#[cfg(test)]
mod tests;
mod undone;
mod wire;
mod words;

use crate::ended::{Ended, Violation};
use facts::Facts;

/// Every promise that the end of this seed breaks; empty if it keeps them all.
pub fn check(ended: &Ended<'_>) -> Vec<Violation> {
    let facts = Facts::of(ended);
    let mut found = Vec::new();
    for group in [
        events::check,
        moves::check,
        deletions::check,
        agreement::check,
        ledger::check,
        mass::check,
        pen::check,
        switch::check,
        undone::check,
        wire::check,
        words::check,
    ] {
        group(&facts, &mut found);
    }
    found
}
