//! Whether a full listing that lost much of what is known may be believed.

/// So few absent ones are always looked into, one by one.
pub const SHRANK_MIN: usize = 3;
/// Seen so many times in a row, a listing that shrank is looked into after all.
pub const LOOKED_INTO_AT: u32 = 3;

/// What is made of a full listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belief {
    /// False: nothing of it counts as absent, and the next reading is a full one again.
    pub believed: bool,
    /// Listings of this side that shrank, in a row, with this one.
    pub in_a_row: u32,
}

/// A listing that lost more than half of what is known (`absent` of `known`, and more than [`SHRANK_MIN`]) is not believed
/// at once. Seen [`LOOKED_INTO_AT`] times in a row it is looked into; that an appointment or event is gone is then still
/// only believed where a direct question says so. `before` is how many listings in a row shrank before this one.
pub fn belief(absent: usize, known: usize, before: u32) -> Belief {
    let shrank = absent > SHRANK_MIN && absent * 2 > known;
    let in_a_row = if shrank { before.saturating_add(1) } else { 0 };
    Belief {
        believed: !shrank || in_a_row >= LOOKED_INTO_AT,
        in_a_row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_that_lost_more_than_half_is_not_believed() {
        assert!(!belief(5, 9, 0).believed);
        assert!(belief(5, 10, 0).believed, "half is not more than half");
    }

    #[test]
    fn three_absent_are_always_looked_into() {
        assert!(belief(3, 3, 0).believed);
        assert!(!belief(4, 4, 0).believed);
    }

    #[test]
    fn the_third_in_a_row_is_looked_into() {
        let mut in_a_row = 0;
        let mut believed = Vec::new();
        for _ in 0..4 {
            let belief = belief(8, 8, in_a_row);
            in_a_row = belief.in_a_row;
            believed.push(belief.believed);
        }
        assert_eq!(believed, [false, false, true, true]);
    }

    #[test]
    fn one_whole_listing_in_between_starts_the_count_again() {
        let Belief { in_a_row, .. } = belief(0, 8, 2);
        assert_eq!(in_a_row, 0);
        assert!(!belief(8, 8, in_a_row).believed);
    }
}
