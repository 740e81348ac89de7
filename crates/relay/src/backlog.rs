//! Notices that hints were pushed out of NATS before this node read them.
//!
//! JetStream keeps so many messages of each mailbox and drops the oldest for a new one, silently. But whatever was dropped
//! unread, as many later ones of that mailbox as are kept lay there unread, too: they are counted while they are read.

use crate::channel::Mailbox;
use std::collections::HashMap;

/// Messages read of each mailbox since the last time that nothing was left to read.
pub(crate) struct Backlog {
    most_each: u32,
    /// The last message that was there when reading began.
    goal: u64,
    read: HashMap<Mailbox, u32>,
}

impl Backlog {
    /// Begins to read up to `goal`, and on from there. Of each mailbox `most_each` messages are kept.
    pub fn new(most_each: u32, goal: u64) -> Self {
        Self {
            most_each,
            goal,
            read: HashMap::new(),
        }
    }

    /// A message was read, with so many more to come that are there already. True if earlier ones of its mailbox may have been
    /// pushed out unread.
    pub fn gap_before(&mut self, mailbox: Option<Mailbox>, number: u64, to_come: u64) -> bool {
        let all_read = to_come == 0 && number >= self.goal;
        if all_read && self.read.is_empty() {
            return false;
        }
        let gap = mailbox.is_some_and(|mailbox| {
            let count = self.read.entry(mailbox).or_default();
            *count += 1;
            // Not of each from then on: it takes as many again until unread ones can have been pushed out again.
            count.is_multiple_of(self.most_each)
        });
        if all_read {
            self.read = HashMap::new();
        }
        gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Keys;

    fn mailbox(trainer: &str) -> Option<Mailbox> {
        let keys = Keys::from_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("a fit key");
        Some(keys.mailbox(trainer))
    }

    #[test]
    fn each_time_as_many_as_are_kept_is_a_gap_of_that_mailbox() {
        let (mara, ben) = (mailbox("mara"), mailbox("ben"));
        let mut backlog = Backlog::new(3, 20);
        let read = [mara, ben, mara, None, mara, mara, ben, mara, mara];
        let gaps: Vec<bool> = (0..9)
            .map(|index| backlog.gap_before(read[index], 12 + index as u64, 8 - index as u64))
            .collect();
        let mut wanted = [false; 9];
        (wanted[4], wanted[8]) = (true, true);
        assert_eq!(gaps, wanted);
    }

    #[test]
    fn who_reads_along_misses_nothing() {
        let mara = mailbox("mara");
        let mut backlog = Backlog::new(3, 0);
        for number in 1..10 {
            assert!(!backlog.gap_before(mara, number, 0), "{number}");
        }
        // It falls behind later on: the last of them is the third, and then all is read again.
        let gaps: Vec<bool> = [(10, 2), (11, 1), (12, 0), (13, 2), (14, 1), (15, 0)]
            .into_iter()
            .map(|(number, to_come)| backlog.gap_before(mara, number, to_come))
            .collect();
        assert_eq!(gaps, [false, false, true, false, false, true]);
    }

    #[test]
    fn nothing_is_read_before_the_goal_is() {
        let mara = mailbox("mara");
        let mut backlog = Backlog::new(3, 3);
        assert!(!backlog.gap_before(mara, 1, 0) && !backlog.gap_before(mara, 2, 0));
        assert!(backlog.gap_before(mara, 3, 0));
    }
}
