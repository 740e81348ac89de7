//! How one decided write is carried out by the two services, and what is checked at each.

use crate::law::Law;
use crate::things::{patched, stored, taken};
use crate::world::{Unsettled, World};
use chrono::{DateTime, Timelike, Utc};
use roundtrip_core::absorb;
use roundtrip_core::appointment::Appointment;
use roundtrip_core::conflict::Refusal;
use roundtrip_core::event::{Event, EventBody, PatchMask};
use roundtrip_core::ids::{AppointmentId, EventId};
use roundtrip_core::outbox::{DeleteReason, Intent, Side};
use roundtrip_core::reconcile::{SETTLE_SECONDS, reconcile};
use roundtrip_core::record::{Field, LinkState, Value};
use roundtrip_core::settings::Direction;
use roundtrip_core::text::{normalise, observed, split};
use roundtrip_core::time::{EventTime, TimeSpan};
use std::rc::Rc;

impl World {
    pub fn carry_out(&mut self, id: &AppointmentId, intent: &Intent) {
        self.may_be_written(id, intent);
        if let Intent::Delete { reason, .. } = intent {
            self.may_go(id, *reason);
        }
        self.remember(id, intent);
        self.writes += 1;
        let lost = !self.lost.is_empty() && self.lost[self.writes % self.lost.len()];
        match intent {
            Intent::Insert {
                event_id,
                generation,
                body,
            } => {
                if self.gone_by_trainer.contains(id) {
                    self.broken(Law::DeletionRespected, format!("{id}: made again"));
                }
                if !self.live(id).is_empty() {
                    self.broken(Law::ExactlyOne, format!("a second event for {id}"));
                }
                if let Some(buried) = self.calendar.get(event_id).and_then(|entry| entry.buried_at) {
                    return self.id_is_dead(id, event_id, *generation, buried);
                }
                self.put(stored(
                    event_id,
                    body,
                    &format!("\"{}\"", self.writes),
                    self.ctx.now,
                ));
                self.time_written(id, body.time);
                if lost {
                    self.unanswered.push((id.clone(), None, intent.clone()));
                } else {
                    let event = Event::clone(&self.calendar[event_id].event);
                    let record = self.records.get_mut(id).expect("its record");
                    absorb::written(record, event, body, PatchMask::ALL, &self.ctx);
                }
            }
            Intent::Patch {
                event_id,
                expected,
                body,
                mask,
            } => {
                let Some(entry) = self.calendar.get_mut(event_id) else {
                    return;
                };
                if entry.event.etag != *expected || entry.buried_at.is_some() {
                    return;
                }
                let ours = entry.ours;
                let lost_text: Vec<String> = entry
                    .own_text
                    .iter()
                    .filter(|own| mask.description && !body.description.contains(*own))
                    .cloned()
                    .collect();
                let series = entry.event.recurring;
                let marked = entry.event.mark.as_ref().and_then(|mark| mark.time);
                entry.event = Rc::new(patched(&entry.event, body, *mask, self.ctx.now));
                entry.moved_by_trainer &= !mask.time;
                let event = Event::clone(&entry.event);
                if series {
                    self.broken(Law::SeriesUntouched, format!("patched {event_id}"));
                }
                if !ours {
                    self.broken(Law::ForeignUntouched, format!("patched {event_id}"));
                }
                if !lost_text.is_empty() {
                    self.broken(
                        Law::OwnTextSurvives,
                        format!("{lost_text:?} not in {:?}", body.description),
                    );
                }
                if mask.time {
                    // What was chosen in the window is not in the event, so nothing is written over it (seed 365945).
                    // Nor over one that the platform's later word took the place of: that is told (seed 1143463).
                    let record = self.records.get(id);
                    let chosen = record.map(|record| [record.requested_time, record.promised_time]);
                    let chosen = chosen.unwrap_or_default().map(|time| time.map(EventTime::Timed));
                    // Nor is it a move for whoever has nothing but the event's mark, and this told no later report: the trainer moved
                    // the event back to where the mark says that it was written (seeds 5553136, 13915384).
                    let marked = marked.map(EventTime::Timed);
                    let unsettled = self.unsettled.get(id);
                    let as_marked = unsettled.is_some_and(|unsettled| {
                        unsettled.mark_is_stale && marked.is_some() && unsettled.trainer == marked
                    });
                    let owed = unsettled.and_then(|unsettled| unsettled.trainer);
                    let owed = owed.filter(|owed| !as_marked && !chosen.contains(&Some(*owed)));
                    // The platform may have come to the same time by itself.
                    if owed.is_some_and(|owed| owed != EventTime::Timed(body.time)) {
                        self.broken(Law::NoMoveLost, format!("{id}: {owed:?} was overwritten"));
                    }
                    self.time_written(id, body.time);
                }
                if lost {
                    self.unanswered.push((id.clone(), None, intent.clone()));
                } else {
                    let record = self.records.get_mut(id).expect("its record");
                    absorb::written(record, event, body, *mask, &self.ctx);
                }
            }
            Intent::Delete {
                event_id,
                expected,
                reason,
                ..
            } => {
                let Some(entry) = self.calendar.get_mut(event_id) else {
                    return;
                };
                let buried = entry.buried_at.is_some();
                if !buried
                    && expected
                        .as_ref()
                        .is_some_and(|expected| *expected != entry.event.etag)
                {
                    return; // 412: it is read again
                }
                entry.buried_at.get_or_insert(self.ctx.now);
                if !entry.ours && !buried {
                    self.broken(Law::ForeignUntouched, format!("deleted {event_id}"));
                }
                if *reason != DeleteReason::Duplicate {
                    self.unsettled.remove(id);
                }
                if lost {
                    return self.unanswered.push((id.clone(), None, intent.clone()));
                }
                absorb::deleted(
                    self.records.get_mut(id).expect("its record"),
                    event_id,
                    self.ctx.now,
                );
            }
            Intent::Move { .. } | Intent::Notes { .. } => self.report(id, intent, lost),
            Intent::Create { .. } => unreachable!("no decision about an appointment"),
        }
        let echo = self
            .records
            .get(id)
            .map(|record| reconcile(record, &self.ctx).intents)
            .unwrap_or_default();
        for intent in echo {
            self.is_no_echo(id, &intent);
        }
    }

    /// The rules of the engine for an id that turns out to be dead.
    fn id_is_dead(&mut self, id: &AppointmentId, event_id: &EventId, generation: u32, buried: DateTime<Utc>) {
        let record = self.records.get_mut(id).expect("its record");
        let newer = record
            .appointment
            .as_ref()
            .is_some_and(|appointment| appointment.updated_at > buried);
        (record.generation, record.event_id, record.event) = (generation, Some(event_id.clone()), None);
        if newer || record.deleted_by_us.contains(&generation) {
            record.deleted_by_us.push(generation);
        } else {
            (record.link, record.tombstone_at) = (LinkState::Linked, Some(buried));
        }
    }

    fn report(&mut self, id: &AppointmentId, intent: &Intent, lost: bool) {
        self.is_no_echo(id, intent);
        let now = self.ctx.now;
        let on_platform = self.platform[id].clone();
        let said = on_platform.said.clone();
        if let Intent::Move { version, time, .. } = intent {
            let key = (id.clone(), time.start.timestamp(), time.end.timestamp(), *version);
            if self.refused.contains(&key) {
                self.broken(Law::NothingTwice, format!("{id}: reported again though refused"));
            }
            if said.version != *version || on_platform.removal.is_some() {
                return; // 412: it is read again
            }
            self.settles(id, intent);
            if said.span() == *time {
                self.broken(Law::NothingTwice, format!("{id}: reported what is there already"));
            }
            let unsettled = self.unsettled.entry(id.clone()).or_default();
            unsettled.trainer = None;
            let at_night = at_night(*time);
            if at_night || !said.editable.time {
                self.refused.insert(key);
                let reason = "outside_hours".to_owned();
                let record = self.records.get_mut(id).expect("its record");
                record.refusal = Some(Refusal {
                    field: Field::Time,
                    time: Some(*time),
                    notes: None,
                    version: *version,
                    reason,
                    detail: None,
                    at: now,
                });
                return;
            }
            let knows = !unsettled.mark_is_stale;
            let overwritten = unsettled
                .admin
                .take()
                .filter(|admin| knows && *admin == said.span());
            unsettled.settled = Some(EventTime::Timed(*time));
            if let Some(admin) = overwritten {
                self.broken(
                    Law::NoAdminChangeLost,
                    format!("{id}: {admin:?} was overwritten by {time:?}"),
                );
            }
        } else if let Intent::Notes { version, notes } = intent {
            if said.version != *version || on_platform.removal.is_some() {
                return;
            }
            if said.notes.as_ref() == Some(notes) {
                self.broken(
                    Law::NothingTwice,
                    format!("{id}: reported notes that are there already"),
                );
            }
        }
        let answer = taken(&said, intent, now);
        self.platform.get_mut(id).expect("its appointment").said = Rc::new(answer.clone());
        if let Intent::Move { time, .. } = intent {
            self.moved.insert(id.clone(), (said.span(), *time));
        }
        if lost {
            self.unanswered.push((id.clone(), Some(answer), intent.clone()));
        } else {
            self.learn(id, answer, intent);
        }
    }

    /// What became of a deletion is learned before both sides are read, as the engine does it: else an old page might show once more
    /// what it deleted, and it would count as the last event's (seed 14065406).
    pub fn learn_deletions(&mut self) {
        let unanswered = std::mem::take(&mut self.unanswered).into_iter();
        let (deletions, others): (Vec<_>, Vec<_>) =
            unanswered.partition(|(.., intent)| matches!(intent, Intent::Delete { .. }));
        self.unanswered = others;
        for (id, _, intent) in deletions {
            self.look(&id, &intent);
        }
    }

    /// A deletion whose answer was lost finds nothing at the second try, a patch finds another etag, an insert its id taken. If the
    /// event says what was written, it went through.
    pub fn look(&mut self, id: &AppointmentId, intent: &Intent) {
        let (Some(record), now) = (self.records.get_mut(id), self.ctx.now) else {
            return;
        };
        if let Intent::Delete { event_id, .. } = intent {
            if self.calendar[event_id].buried_at.is_some() {
                absorb::deleted(record, event_id, now);
            }
            return;
        }
        if let Intent::Insert {
            event_id,
            generation,
            body,
        } = intent
        {
            return self.look_for_made(id, event_id, *generation, body);
        }
        let Intent::Patch {
            event_id, body, mask, ..
        } = intent
        else {
            return;
        };
        let Some(entry) = self
            .calendar
            .get(event_id)
            .filter(|entry| entry.buried_at.is_none())
        else {
            return;
        };
        let event = Event::clone(&entry.event);
        if says(&event, body, *mask) && record.event.is_some() {
            absorb::written(record, event, body, *mask, &self.ctx);
        } else {
            absorb::perhaps_written(record, intent, now);
        }
    }

    /// The same insert is sent again, and its id is taken: what lives or lies there tells the rest (seeds 14588196, 14065406).
    fn look_for_made(&mut self, id: &AppointmentId, event_id: &EventId, generation: u32, body: &EventBody) {
        let entry = &self.calendar[event_id];
        if let Some(buried) = entry.buried_at {
            return self.id_is_dead(id, event_id, generation, buried);
        }
        let event = Event::clone(&entry.event);
        let record = self.records.get_mut(id).expect("its record");
        if says(&event, body, PatchMask::ALL) {
            return absorb::written(record, event, body, PatchMask::ALL, &self.ctx);
        }
        record.generation = generation;
        absorb::adopt(record, event.clone(), self.ctx.now);
        record.event_id = Some(event_id.clone());
        record.link = LinkState::Linked;
        absorb::event(record, event, self.ctx.now);
    }

    pub fn learn(&mut self, id: &AppointmentId, answer: Appointment, intent: &Intent) {
        let Some(record) = self.records.get_mut(id) else {
            return;
        };
        match intent {
            Intent::Move { time, .. } => {
                absorb::reported(record, answer, absorb::Sent::Time(*time), &self.ctx)
            }
            Intent::Notes { notes, .. } => {
                absorb::reported(record, answer, absorb::Sent::Notes(notes), &self.ctx)
            }
            Intent::Insert { .. } | Intent::Patch { .. } | Intent::Delete { .. } | Intent::Create { .. } => {
                unreachable!("not for the platform")
            }
        }
    }

    fn time_written(&mut self, id: &AppointmentId, time: TimeSpan) {
        *self.unsettled.entry(id.clone()).or_default() = Unsettled {
            settled: Some(EventTime::Timed(time)),
            ..Unsettled::default()
        };
    }

    /// The time that both agree on from now on.
    pub fn time_agreed(&mut self, id: &AppointmentId, time: TimeSpan) {
        self.time_written(id, time);
    }

    /// The platform of this world refuses everything at half past two in the night.
    pub fn is_at_night(&self, time: TimeSpan) -> bool {
        at_night(time)
    }

    /// A drag is often two drags: the first is not reported before the trainer has come to rest.
    fn settles(&mut self, id: &AppointmentId, intent: &Intent) {
        let Intent::Move { event_id, time, .. } = intent else {
            return;
        };
        let record = &self.records[id];
        let chosen = record.requested_time.is_some() || record.confirmed_time == Some(*time);
        let moved_at = self.calendar.get(event_id).and_then(|entry| entry.moved_at);
        let rested = moved_at.is_none_or(|at| self.ctx.now - at >= chrono::Duration::seconds(SETTLE_SECONDS));
        if !chosen && !rested {
            self.broken(
                Law::Settles,
                format!("{id}: reported while the trainer was moving it"),
            );
        }
    }

    /// P11, R10, R9 and R11 for each single write.
    fn may_be_written(&mut self, id: &AppointmentId, intent: &Intent) {
        let record = &self.records[id];
        let mark = record.mark().and_then(|mark| mark.time);
        let span = record.appointment.as_ref().map(Appointment::span).or(mark);
        // One that stands ahead is brought back, or goes.
        let ahead = record.event.as_ref().is_some_and(|event| match event.time {
            EventTime::Timed(time) => time.end > self.ctx.now,
            // Whose midnight it is matters to none of the laws.
            EventTime::AllDay { end, .. } => end >= self.ctx.now.date_naive(),
        });
        let (side, word) = (intent.side(), intent.word());
        // Its event may go where it stands after that: the platform moved the visit to before.
        let since = record.event.as_ref().is_some_and(|event| match event.time {
            EventTime::Timed(time) => time.start >= self.ctx.connected_at,
            EventTime::AllDay { start, .. } => start >= self.ctx.connected_at.date_naive(),
        });
        let goes = ahead && since && matches!(intent, Intent::Delete { .. });
        if !goes && span.is_some_and(|span| span.start < self.ctx.connected_at) {
            self.broken(Law::BeforeConnection, format!("{word} for {id}"));
        }
        if side == Side::Calendar && !ahead && span.is_some_and(|span| span.end <= self.ctx.now) {
            self.broken(Law::EndedIsClosed, format!("{word} for {id}"));
        }
        match (self.ctx.settings.direction, side) {
            (Direction::Push, Side::Platform) | (Direction::Pull, Side::Calendar) => {
                self.broken(Law::DirectionHolds, format!("{word} for {id}"));
            }
            (Direction::Both, _) | (Direction::Push, Side::Calendar) | (Direction::Pull, Side::Platform) => {}
        }
    }

    /// A time that we wrote ourselves never comes back as a move.
    fn is_no_echo(&mut self, id: &AppointmentId, intent: &Intent) {
        let record = &self.records[id];
        let chosen = record.requested_time.is_some() || record.confirmed_time.is_some();
        let Intent::Move { event_id, time, .. } = intent else {
            return;
        };
        if !chosen
            && self
                .calendar
                .get(event_id)
                .is_some_and(|entry| !entry.moved_by_trainer)
        {
            self.broken(Law::NoEcho, format!("{id}: {time:?} is our own"));
        }
    }
}

/// The event says what was written.
fn says(event: &Event, body: &EventBody, mask: PatchMask) -> bool {
    let (shown, block) = (
        observed(event),
        split(&body.description).block.unwrap_or_default(),
    );
    let text = |text: &str| Some(Value::Text(normalise(text)));
    (!mask.time || shown.time == Some(Value::Time(EventTime::Timed(body.time))))
        && (!mask.title || shown.title == text(&body.title))
        && (!mask.location || shown.location == text(&body.location))
        && (!mask.description || shown.notes == text(block))
}

fn at_night(time: TimeSpan) -> bool {
    time.start.with_timezone(&chrono_tz::Europe::Berlin).hour() == 2
}
