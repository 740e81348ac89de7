//! Events that the trainer marks, and the appointments that are made of them.

use crate::law::Law;
use crate::steps::Slot;
use crate::things::appointment;
use crate::world::{InCalendar, OnPlatform, World};
use roundtrip_core::appointment::{Appointment, Editable, Place};
use roundtrip_core::conflict::{Refusal, Resolution, Seen};
use roundtrip_core::event::Event;
use roundtrip_core::ids::{AppointmentId, Etag, EventId};
use roundtrip_core::marked::{self, Found, Marked, MarkedEvent, Rule, Step};
use roundtrip_core::outbox::Intent;
use roundtrip_core::record::{Field, Record};
use roundtrip_core::time::EventTime;
use std::rc::Rc;

impl World {
    /// The trainer turns marking on and marks an event of their own.
    pub fn mark(&mut self, slot: Slot) {
        self.ctx.settings.created_externally = true;
        self.counter += 1;
        let tag = marked::tag(&self.ctx.settings, &self.ctx.platform_name);
        let id = EventId::new(format!("own{}", self.counter));
        let event = Event {
            id: id.clone(),
            etag: Etag::new("\"1\""),
            updated: Some(self.ctx.now),
            time: EventTime::Timed(slot.span()),
            title: format!("{tag} Visit {}", self.counter),
            location: "Street 9".into(),
            description: "Bring cake.".into(),
            recurring: false,
            free: false,
            declined: false,
            organised_by_me: true,
            mark: None,
            html_link: None,
        };
        let entry = InCalendar {
            ours: false,
            ..InCalendar::new(event)
        };
        self.calendar.insert(id, entry);
    }

    /// True for an appointment that was made of a marked event.
    pub fn was_made(&self, id: &AppointmentId) -> bool {
        self.calendar
            .values()
            .any(|entry| entry.made_for.as_ref() == Some(id))
    }

    /// What a reading means for marked events.
    pub fn see_marked(&mut self) {
        let Some(rule) = Rule::of(&self.ctx.settings, &self.ctx.platform_name) else {
            self.marked.clear();
            return;
        };
        let mut seen = std::collections::BTreeMap::new();
        for (id, entry) in &self.calendar {
            let linked = entry.ours || entry.made_for.is_some();
            if linked || entry.buried_at.is_some() || entry.event.mark.is_some() {
                continue;
            }
            if let Some(marked) = marked::follow(self.marked.get(id), &entry.event, &rule, self.ctx.now) {
                seen.insert(id.clone(), marked);
            }
        }
        self.marked = seen;
    }

    /// The trainer answers all open questions about marked events.
    pub fn answer_marked(&mut self, yes: bool) {
        let resolution = if yes {
            Resolution::Create
        } else {
            Resolution::Dismiss
        };
        for marked in self.marked.values_mut() {
            let Step::Asked { event, .. } = &marked.step else {
                continue;
            };
            let shown = Seen {
                version: None,
                etag: Some(event.etag.clone()),
            };
            if let Ok(answered) = marked::answer(marked, &resolution, &shown) {
                *marked = answered;
            }
        }
    }

    /// Appointments are made of what the trainer said yes to. True if something was done.
    pub fn create_marked(&mut self) -> bool {
        let wanted: Vec<(EventId, MarkedEvent)> = self
            .marked
            .values()
            .filter_map(|marked| match marked::intent(marked)? {
                Intent::Create { event_id, event } => Some((event_id, *event)),
                _ => None,
            })
            .collect();
        for (event_id, sent) in &wanted {
            self.log.push(format!("{} create of {event_id}", self.ctx.now));
            if self.is_at_night(sent.time) {
                let refusal = Refusal {
                    field: Field::Time,
                    time: Some(sent.time),
                    notes: None,
                    version: 0,
                    reason: "outside_hours".into(),
                    detail: None,
                    at: self.ctx.now,
                };
                let again = marked::refused(self.marked.get(event_id), event_id, sent, refusal);
                self.marked.insert(event_id.clone(), again);
            } else {
                self.make(event_id, sent);
            }
        }
        !wanted.is_empty()
    }

    fn make(&mut self, event_id: &EventId, sent: &MarkedEvent) {
        let id = AppointmentId::new(format!("apt_{event_id}"));
        if self.platform.contains_key(&id) {
            self.broken(Law::NothingTwice, format!("{id} was made twice"));
        }
        let made = Appointment {
            id: id.clone(),
            version: 1,
            title: Some(sent.title.clone()),
            topic: None,
            place: Some(Place {
                name: None,
                address: Some(sent.location.clone()),
            }),
            start: sent.time.start,
            end: Some(sent.time.end),
            notes: Some(sent.notes.clone()),
            client: None,
            editable: Editable {
                time: true,
                notes: true,
            },
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
            ..appointment()
        };
        let said = Rc::new(made);
        self.platform.insert(
            id.clone(),
            OnPlatform {
                said: said.clone(),
                removal: None,
                silent: false,
            },
        );
        let found = match self.calendar.get_mut(event_id) {
            Some(entry) => {
                (entry.ours, entry.made_for) = (true, Some(id.clone()));
                match entry.buried_at {
                    None => Found::Live(Box::new(Event::clone(&entry.event))),
                    Some(at) => Found::Deleted { at: Some(at) },
                }
            }
            None => Found::Unknown,
        };
        let mut record = Record::new(id.clone());
        if marked::link(
            &mut record,
            Appointment::clone(&said),
            event_id,
            sent,
            found,
            &self.ctx,
        ) {
            self.marked.remove(event_id);
        } else {
            let dismissed = Marked {
                event_id: event_id.clone(),
                step: Step::Dismissed,
                perhaps: Vec::new(),
            };
            self.marked.insert(event_id.clone(), dismissed);
        }
        self.time_agreed(&id, sent.time);
        self.records.insert(id, record);
    }
}
