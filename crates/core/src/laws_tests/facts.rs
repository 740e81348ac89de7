//! What the two sides say, and how it is written into records, as the engine does it.

use crate::absorb::{self, Adoption};
use crate::appointment::{Appointment, Removal, RemovalReason};
use crate::event::Event;
use crate::ids::{AppointmentId, EventId, Version};
use crate::reconcile::{Context, reconcile};
use crate::record::Record;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What a side says when it is read.
#[derive(Clone)]
pub enum Fact {
    Upsert(Box<Appointment>),
    Gone(AppointmentId, Version, RemovalReason),
    Live(Box<Event>),
    Buried(EventId, DateTime<Utc>),
}

/// Takes one fact in.
pub fn take_in(records: &mut BTreeMap<AppointmentId, Record>, fact: Fact, ctx: &Context) {
    match fact {
        Fact::Upsert(said) => {
            let record = records
                .entry(said.id.clone())
                .or_insert_with(|| Record::new(said.id.clone()));
            absorb::appointment(record, *said, ctx.now);
        }
        Fact::Gone(id, version, reason) => {
            let record = records.entry(id.clone()).or_insert_with(|| Record::new(id));
            absorb::removed(
                record,
                Some(version),
                Removal {
                    reason,
                    inferred: false,
                    at: ctx.now,
                },
            );
        }
        Fact::Live(event) => match absorb::recognise(&event, &ctx.identity, |id| records.get(id)) {
            Adoption::Foreign => {}
            Adoption::Known(id) => absorb::event(records.get_mut(&id).expect("known"), *event, ctx.now),
            Adoption::Adopt(id) => {
                let record = records.entry(id.clone()).or_insert_with(|| Record::new(id));
                absorb::adopt(record, *event, ctx.now);
            }
            Adoption::Duplicate(id) => {
                let record = records.get_mut(&id).expect("known");
                if !record.duplicates.contains(&event.id) {
                    record.duplicates.push(event.id.clone());
                }
            }
        },
        Fact::Buried(id, buried) => {
            for record in records.values_mut() {
                absorb::tombstone(record, &id, Some(buried), ctx.now);
            }
        }
    }
}

/// A record without what may differ by the order of facts, but with what follows from it.
pub fn settled(mut record: Record, ctx: &Context) -> Record {
    record.duplicates.sort();
    if record.event.is_none() {
        // A repeated page may show an event once more before the tombstone; nothing may hang on that.
        record = reconcile(&record, ctx).record;
        record.event_seen_at = None;
    }
    record
}

/// Fisher and Yates, with a small generator that needs no state but its seed.
pub fn shuffle<T>(items: &mut [T], seed: u64) -> u64 {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, (state >> 33) as usize % (last + 1));
    }
    state
}

pub fn shuffle_into(facts: &[Fact], seed: u64, mut each: impl FnMut(Fact)) -> u64 {
    let mut facts = facts.to_vec();
    let seed = shuffle(&mut facts, seed);
    facts.into_iter().for_each(&mut each);
    seed
}
