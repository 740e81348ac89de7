//! Who is asked about next, where more wait for it than are asked about at once; and how often, where no answer comes.

use crate::outbox::Side;
use std::collections::BTreeSet;

/// At most `most` of `waiting`: all of them, or those that come after the one that was taken last (`after`, by their keys), from the
/// beginning again after the end. So those whose answer never comes do not keep the others from being asked about.
pub fn take<T>(
    mut waiting: Vec<T>,
    key: impl Fn(&T) -> &str,
    after: &mut Option<String>,
    most: usize,
) -> Vec<T> {
    if waiting.len() <= most {
        return waiting;
    }
    waiting.sort_by(|one, other| key(one).cmp(key(other)));
    let from = after
        .as_deref()
        .map_or(0, |after| waiting.partition_point(|one| key(one) <= after));
    waiting.rotate_left(from);
    waiting.truncate(most);
    *after = waiting.last().map(|one| key(one).to_owned());
    waiting
}

/// So many full readings in a row are made because of questions of which not one more was answered.
const FULL_AGAIN_MAX: u32 = 8;

/// Of which side something is asked singly, and the id of what.
pub type Question = (Side, String);

/// What was asked singly and not answered, in readings in a row.
#[derive(Clone, Debug, Default)]
pub struct Unanswered {
    readings: u32,
    open: usize,
    known: BTreeSet<Question>,
}

impl Unanswered {
    /// Notes what a reading left unanswered. True if the next one is to be a full one because of it, which asks again. But one question
    /// that is never answered makes not each reading a full one: after some in which nothing became less, and nothing was asked that
    /// was not before, the rest waits for the full readings that come anyway.
    pub fn is_asked_again(&mut self, open: BTreeSet<Question>) -> bool {
        let moves = open.len() < self.open || !open.is_subset(&self.known);
        self.readings = if moves { 1 } else { self.readings.saturating_add(1) };
        self.open = open.len();
        self.known.extend(open);
        self.readings <= FULL_AGAIN_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(ids: &[&str]) -> BTreeSet<Question> {
        ids.iter().map(|id| (Side::Calendar, (*id).to_owned())).collect()
    }

    #[test]
    fn one_question_that_is_never_answered_ends_the_full_readings_and_a_new_one_begins_them_again() {
        let mut unanswered = Unanswered::default();
        let mut times = |ids: &[&str]| (0..20).filter(|_| unanswered.is_asked_again(asked(ids))).count();
        assert_eq!(times(&["a"]), 8);
        assert_eq!(times(&["a", "b"]), 8);
        // One of another side is another one, one that was known comes back as none.
        assert_eq!(times(&["a"]), 8, "one less");
        assert_eq!(times(&["b"]), 0);
        let mut other = asked(&["b"]);
        other.insert((Side::Platform, "b".to_owned()));
        assert!(unanswered.is_asked_again(other));
    }

    fn taken(waiting: &[&'static str], after: &mut Option<String>) -> Vec<&'static str> {
        take(waiting.to_vec(), |one| one, after, 2)
    }

    #[test]
    fn all_are_taken_where_they_are_not_too_many() {
        let mut after = Some("a".to_owned());
        assert_eq!(taken(&["b", "a"], &mut after), ["b", "a"]);
        assert_eq!(after.as_deref(), Some("a"));
    }

    #[test]
    fn where_they_are_each_comes_to_its_turn() {
        let mut after = None;
        let five = ["e", "a", "d", "b", "c"];
        assert_eq!(taken(&five, &mut after), ["a", "b"]);
        assert_eq!(taken(&five, &mut after), ["c", "d"]);
        assert_eq!(taken(&five, &mut after), ["e", "a"]);
        // Who was answered is not among them any more.
        assert_eq!(taken(&["c", "d", "e"], &mut after), ["c", "d"]);
        assert_eq!(taken(&["a", "b", "c"], &mut after), ["a", "b"]);
    }
}
