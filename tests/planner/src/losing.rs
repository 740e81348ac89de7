//! What is left when the database is lost.

use crate::back::Account;
use crate::guarding::Guarding;
use crate::world::World;
use roundtrip_core::record::Record;
use roundtrip_core::time::EventTime;

impl World {
    /// The database is gone; the trainer connects again.
    pub fn lose_database(&mut self) {
        for (id, record) in &self.records {
            // A time that was only chosen in the window is gone with it, also one that a later word of the platform's took the place
            // of (seed 6804692); what the calendar shows is not.
            if record.requested_time.or(record.promised_time).is_some() {
                let unsettled = self.unsettled.entry(id.clone()).or_default();
                let shown = record.event.as_ref().map(|event| event.time);
                // What we wrote there is no move (seed 1175454).
                let shown_in = record
                    .event_id
                    .as_ref()
                    .and_then(|event| self.calendar.get(event));
                let by_hand = shown_in.is_some_and(|entry| entry.moved_by_trainer);
                unsettled.trainer = shown.filter(|_| by_hand && shown != unsettled.settled);
            }
        }
        for (id, unsettled) in &mut self.unsettled {
            let record = self.records.get(id);
            let marked = record
                .and_then(Record::mark)
                .and_then(|mark| mark.time)
                .map(EventTime::Timed);
            unsettled.mark_is_stale |= marked != unsettled.settled;
        }
        // An event that does not carry our mark yet is the trainer's again: nothing but the records told whose it was.
        for entry in self
            .calendar
            .values_mut()
            .filter(|entry| entry.event.mark.is_none())
        {
            entry.ours &= entry.made_for.take().is_none();
        }
        self.records.clear();
        self.conflicts.clear();
        self.unanswered.clear();
        self.refused.clear();
        self.seen_before.clear();
        self.guarding = Guarding::default();
        self.marked.clear();
        self.answered.clear();
        self.moved.clear();
        self.account = Account::default();
        self.gone_by_trainer.clear();
        self.database_lost = true;
        self.ctx.connected_at = self.ctx.now;
    }
}
