//! What the two sides say, and how it is written into records, as the engine does it.

use crate::world::World;
use chrono::{DateTime, Utc};
use roundtrip_core::absorb::{self, Adoption};
use roundtrip_core::appointment::{Appointment, Removal, RemovalReason};
use roundtrip_core::event::Event;
use roundtrip_core::ids::{AppointmentId, EventId, Version};
use roundtrip_core::reconcile::{Context, Standing, reconcile};
use roundtrip_core::record::{LinkState, Record};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a side says when it is read.
#[derive(Clone)]
pub enum Fact {
    Upsert(Rc<Appointment>),
    Gone(AppointmentId, Version, RemovalReason),
    Live(Rc<Event>),
    Buried(EventId, DateTime<Utc>),
}

impl Fact {
    /// Word for word the same.
    pub fn is_same(&self, other: &Fact) -> bool {
        match (self, other) {
            (Self::Upsert(one), Self::Upsert(other)) => Rc::ptr_eq(one, other),
            (Self::Live(one), Self::Live(other)) => Rc::ptr_eq(one, other),
            (Self::Gone(one, version, _), Self::Gone(other, known, _)) => one == other && version == known,
            (Self::Buried(one, at), Self::Buried(other, known)) => one == other && at == known,
            (Self::Upsert(_) | Self::Live(_) | Self::Gone(..) | Self::Buried(..), _) => false,
        }
    }
}

/// Takes a batch in. Whose appointment the batch did not tell of is asked for singly afterwards, as the engine does it.
pub fn take_all(records: &mut BTreeMap<AppointmentId, Record>, facts: &[Fact], ctx: &Context) {
    // An older word of what was unknown and is gone makes nothing of it.
    let mut gone = BTreeMap::<&AppointmentId, Version>::new();
    for fact in facts {
        match fact {
            Fact::Upsert(said) if gone.get(&said.id).is_some_and(|gone| said.version <= *gone) => continue,
            Fact::Gone(id, version, _) if !records.contains_key(id) => {
                let newest = gone.entry(id).or_insert(*version);
                *newest = (*newest).max(*version);
            }
            Fact::Upsert(_) | Fact::Gone(..) | Fact::Live(_) | Fact::Buried(..) => {}
        }
        take_in(records, fact, ctx);
    }
    for fact in facts {
        if let Fact::Gone(id, ..) = fact
            && records
                .get(id)
                .is_some_and(|record| record.appointment.is_none() && record.removal.is_none())
        {
            take_in(records, fact, ctx);
        }
    }
}

/// One that the listing does not tell of is asked for singly after it was read, and cannot be found.
pub fn absent(records: &mut BTreeMap<AppointmentId, Record>, id: &AppointmentId, ctx: &Context) {
    if let Some(record) = records.get_mut(id) {
        let removal = Removal {
            reason: RemovalReason::Unassigned,
            inferred: true,
            at: ctx.now,
        };
        absorb::removed(record, None, removal);
    }
}

/// Takes one fact in.
fn take_in(records: &mut BTreeMap<AppointmentId, Record>, fact: &Fact, ctx: &Context) {
    match fact {
        Fact::Upsert(said) => {
            let record = records
                .entry(said.id.clone())
                .or_insert_with(|| Record::new(said.id.clone()));
            absorb::appointment(record, Appointment::clone(said), ctx.now);
        }
        Fact::Gone(id, version, reason) => {
            // Of what is not known, nothing is kept.
            if let Some(record) = records.get_mut(id) {
                let removal = Removal {
                    reason: *reason,
                    inferred: false,
                    at: ctx.now,
                };
                absorb::removed(record, Some(*version), removal);
            }
        }
        Fact::Live(event) => match absorb::recognise(event, &ctx.identity, |id| records.get(id)) {
            // An event whose mark is not there (yet) is ours by its id, as the engine has it.
            Adoption::Foreign => {
                let owner = records
                    .values_mut()
                    .find(|record| record.event_id.as_ref() == Some(&event.id));
                if let Some(record) = owner {
                    absorb::event(record, Event::clone(event), ctx.now);
                }
            }
            Adoption::Known(id) => {
                if let Some(record) = records.get_mut(&id) {
                    absorb::event(record, Event::clone(event), ctx.now);
                }
            }
            Adoption::Adopt(id) => {
                let record = records.entry(id.clone()).or_insert_with(|| Record::new(id));
                absorb::adopt(record, Event::clone(event), ctx.now);
            }
            Adoption::Duplicate(id) => {
                if let Some(record) = records
                    .get_mut(&id)
                    .filter(|record| !record.duplicates.contains(&event.id))
                {
                    record.duplicates.push(event.id.clone());
                }
            }
        },
        Fact::Buried(id, buried) => {
            for record in records.values_mut() {
                absorb::tombstone(record, id, Some(*buried), ctx.now);
            }
        }
    }
}

/// Gone on the platform and not in the calendar: as good as unknown.
pub fn is_gone(record: &Record, ctx: &Context) -> bool {
    reconcile(record, ctx).standing == Standing::Gone
}

/// A record without what may differ by the order of facts, but with what follows from it.
pub fn settled(mut record: Record, ctx: &Context) -> Record {
    record.duplicates.sort();
    if record.event.is_none() {
        // A repeated page may show an event once more before the tombstone; nothing may hang on that but how carefully it
        // is told who removed it.
        let decision = reconcile(&record, ctx);
        record = decision.record;
        record.event_seen_at = None;
        if matches!(decision.standing, Standing::Gone | Standing::Ended) {
            // Of what is over, or gone on both sides, nothing is decided any more.
            (
                record.calendar_moved_at,
                record.calendar_edited_at,
                record.own_text_at,
            ) = (None, None, None);
        }
    }
    if let LinkState::Removed { by_trainer, .. } = &mut record.link {
        *by_trainer = true;
    }
    record
}

impl World {
    /// Of an appointment of which an older event came back: true if the two records differ by what the next listing tells. What of
    /// `duplicates` is deleted already is left out: nothing happens when it goes (seed 6406421).
    pub fn next_listing_tells(&self, this: &mut Record, other: &mut Record) -> bool {
        let lives = |id: &EventId| {
            self.calendar
                .get(id)
                .is_some_and(|entry| entry.buried_at.is_none())
        };
        for record in [&mut *this, &mut *other] {
            record.duplicates.retain(lives);
        }
        // One that was one too many when its newest state was told, and is found again by an old page (seed 14390356).
        let is_stale = |record: &Record| {
            let entry = |event: &Event| self.calendar.get(&event.id).map(|entry| &entry.event.etag);
            record
                .event
                .as_ref()
                .is_some_and(|event| entry(event) != Some(&event.etag))
        };
        // Two that had both been deleted are back at once: one stays, and the other is one too many (seed 12229921).
        let besides = |one: &Record, other: &Record| {
            let event = other.event.as_ref();
            event.is_some_and(|event| one.duplicates.contains(&event.id) && lives(&event.id))
        };
        is_stale(this) || is_stale(other) || (besides(this, other) && besides(other, this))
    }
}
