//! What a trainer wants back, and the account of what they removed.

use crate::world::{OLD, World, id};
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::appointment::Appointment;
use roundtrip_core::ids::{AppointmentId, EventId};
use roundtrip_core::question::QuestionKind;
use roundtrip_core::record::{Field, LinkState, Record};
use roundtrip_core::time::EventTime;
use roundtrip_core::undo::{Wish, bring_back};

impl World {
    /// The nth appointment; one more than were agreed is the one made last of a marked event.
    pub fn nth(&self, which: usize) -> AppointmentId {
        let made = self.platform.keys().rfind(|made| **made > id(OLD));
        match made.filter(|_| which >= self.agreed) {
            Some(made) => made.clone(),
            None => id(which % self.agreed),
        }
    }

    /// The last answer about an appointment is undone, as the engine does it.
    pub fn undo(&mut self, id: &AppointmentId) {
        let Some(conflict) = self.answered.remove(id) else {
            return;
        };
        let about_time = conflict.fields.iter().any(|field| field.field == Field::Time);
        self.want_back(id, Wish::Answer(Box::new(conflict)), about_time);
    }

    /// The last reported move is taken back.
    pub fn take_back(&mut self, id: &AppointmentId) {
        let Some((from, to)) = self.moved.remove(id) else {
            return;
        };
        self.want_back(id, Wish::Back { from: to, to: from }, true);
    }

    /// True if it can be had back.
    pub fn want_back(&mut self, id: &AppointmentId, wish: Wish, about_time: bool) -> bool {
        let Some(record) = self.records.get_mut(id) else {
            return false;
        };
        let stopped = record.link == LinkState::Stopped;
        let Ok(effect) = bring_back(record, &wish, &self.ctx) else {
            return false;
        };
        if stopped && record.link != LinkState::Stopped {
            // Who takes "stop syncing" back wants it synced, though its event was deleted meanwhile.
            self.gone_by_trainer.remove(id);
        }
        self.log
            .push(format!("{} {id} wanted back: {effect:?}", self.ctx.now));
        self.guarding.decided(id, self.ctx.now);
        if !about_time {
            return true;
        }
        self.refused.retain(|(refused, ..)| refused != id);
        let record = &self.records[id];
        let said = record.appointment.as_ref().map(Appointment::span);
        let wanted = record.requested_time.filter(|time| said != Some(*time));
        let unsettled = self.unsettled.entry(id.clone()).or_default();
        (unsettled.admin, unsettled.trainer) = (None, wanted.map(EventTime::Timed));
        true
    }

    /// A time that was chosen in place of the platform's can be reported no more since so long, as both are over: it is given up
    /// then, and an event that stands ahead comes back (seed 11315077).
    pub fn wish_ended(&self, since: Duration) -> bool {
        let now = self.ctx.now;
        let ended = |record: &Record| {
            let said = record.appointment.as_ref()?.span().end;
            let over = said.max(record.requested_time?.end);
            Some(now - since < over && over <= now)
        };
        self.records.values().filter_map(ended).any(|ended| ended)
    }

    /// The guard asks about a move since then, which is in the past by now: it is asked about by itself, and what was held beside it
    /// is written (seed 17854102).
    pub fn held_move_began(&self, since: Duration) -> bool {
        let now = self.ctx.now;
        let passed = |at: DateTime<Utc>| now - since < at && at <= now;
        let moved = |id: &AppointmentId| {
            let record = self.records.get(id)?;
            let shown = record.event.as_ref()?.time.timed()?;
            Some(record.calendar_moved_at.is_some() && (passed(shown.start) || passed(shown.end)))
        };
        let questions = self.guarding.questions.iter();
        let mut open = questions
            .filter(|question| question.kind == QuestionKind::Moves && question.answer.is_none())
            .flat_map(|question| &question.appointments);
        open.any(|id| moved(id) == Some(true))
    }

    /// The trainer deleted this event.
    pub fn deleted_by_trainer(&mut self, id: &AppointmentId, event: &EventId) {
        self.ever_gone.insert(id.clone());
        let linked = self.records.get(id).is_some_and(|record| {
            let known = record.event_id.as_ref() == Some(event) && record.event.is_some();
            known && record.removal.is_none() && record.link == LinkState::Linked
        });
        let on_platform = self.platform.get(id).is_some_and(|on| on.removal.is_none());
        if linked && on_platform && self.live(id).is_empty() {
            self.gone_by_trainer.insert(id.clone());
        }
    }
}
