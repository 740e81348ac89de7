//! A platform, a calendar and the records between them, as small as can be, and a cycle over them.
//!
//! The interpreter here stands for the engine: it carries decisions out as two services would take them. It keeps its own
//! account of what each side last wanted, so that the laws are judged by what happened, not by what records say.

use super::back::Account;
use super::facts::{Fact, settled, shuffle, shuffle_into, take_in};
use super::steps::{Answer, Story};
use crate::appointment::{Appointment, Removal, RemovalReason};
use crate::conflict::{Choice, Conflict, ConflictState, Resolution};
use crate::event::Event;
use crate::ids::{AppointmentId, EventId, Version};
use crate::outbox::Intent;
use crate::reconcile::{Context, Decision, Standing, reconcile};
use crate::record::{Field, LinkState, Record};
use crate::resolve;
use crate::settings::Direction;
use crate::testing::{appointment, at, context, raised, stored};
use crate::time::{EventTime, TimeSpan};
use crate::undo::Wish;
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// The laws, each with a test of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    Converges,
    Quiescent,
    ExactlyOne,
    ForeignUntouched,
    NoMoveLost,
    NoAdminChangeLost,
    NeverCancels,
    OwnTextSurvives,
    BeforeConnection,
    EndedIsClosed,
    DirectionHolds,
    Idempotent,
    OrderDoesNotMatter,
    NoEcho,
    NothingTwice,
    /// A deletion that is only inferred is held first, and what the trainer keeps is kept.
    HeldFirst,
}

/// An appointment on the platform.
#[derive(Clone)]
pub struct OnPlatform {
    pub said: Appointment,
    pub removal: Option<RemovalReason>,
    /// It is gone, and the feed does not say so: it is only absent.
    pub silent: bool,
}

/// An event in the calendar, also a deleted one.
#[derive(Clone)]
pub struct InCalendar {
    pub event: Event,
    pub buried_at: Option<DateTime<Utc>>,
    /// Made by us; a copy is not.
    pub ours: bool,
    /// Its time was last set by the trainer.
    pub moved_by_trainer: bool,
    /// Own text that must survive.
    pub own_text: Vec<String>,
}

/// What each side last wanted and has not been settled yet.
#[derive(Clone, Debug, Default)]
pub struct Unsettled {
    pub trainer: Option<EventTime>,
    pub admin: Option<TimeSpan>,
    /// The calendar's time when both last agreed, or as we last wrote or reported it.
    pub settled: Option<EventTime>,
    /// The mark's base is older than the last agreement, and the records that knew better are gone.
    pub mark_is_stale: bool,
}

pub struct World {
    pub ctx: Context,
    pub platform: BTreeMap<AppointmentId, OnPlatform>,
    pub calendar: BTreeMap<EventId, InCalendar>,
    pub records: BTreeMap<AppointmentId, Record>,
    pub conflicts: BTreeMap<AppointmentId, Conflict>,
    pub unsettled: BTreeMap<AppointmentId, Unsettled>,
    pub foreign: BTreeMap<EventId, Event>,
    pub violations: Vec<(Law, String)>,
    /// How often each row of the rules table was hit.
    pub rows: [usize; 11],
    pub log: Vec<String>,
    pub counter: usize,
    pub refused: BTreeSet<(AppointmentId, i64, i64, Version)>,
    pub seen_before: Vec<Fact>,
    /// Writes whose answer was lost; the platform remembers what it answered.
    pub unanswered: Vec<(AppointmentId, Option<Appointment>, Intent)>,
    pub lost: Vec<bool>,
    pub writes: usize,
    pub seed: u64,
    pub account: Account,
}

pub fn id(which: usize) -> AppointmentId {
    AppointmentId::new(format!("apt_{which}"))
}

/// Began before the connection was made and is not over yet.
pub const OLD: usize = 9;

impl World {
    /// One agreed state: three appointments with their events, and one from before the connection.
    pub fn agreed(story: &Story) -> Self {
        let mut ctx = context("2026-10-20T06:00:00Z");
        ctx.connected_at = at("2026-10-01T00:00:00Z");
        let mut world = Self {
            ctx,
            platform: BTreeMap::new(),
            calendar: BTreeMap::new(),
            records: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            foreign: BTreeMap::new(),
            violations: Vec::new(),
            rows: [0; 11],
            log: Vec::new(),
            counter: 0,
            refused: BTreeSet::new(),
            seen_before: Vec::new(),
            unanswered: Vec::new(),
            lost: Vec::new(),
            writes: 0,
            seed: story.seed,
            account: Account::default(),
        };
        for which in 0..3 {
            let span = super::steps::Slot {
                day: 1 + which as i64,
                hour: 8,
                minutes: 60,
            }
            .span();
            world.begin(which, span.start, span.end);
        }
        world.begin(OLD, at("2026-09-30T08:00:00Z"), at("2026-12-31T08:00:00Z"));
        world.cycle();
        // An earlier connection had made an event for the old one.
        let mut old = Record::new(id(OLD));
        old.appointment = Some(world.platform[&id(OLD)].said.clone());
        let body = crate::reconcile::body(&old, &world.ctx, 1).expect("an appointment");
        let event = stored(
            &world.ctx.identity.event_id(&id(OLD), 1),
            &body,
            "\"1\"",
            at("2026-09-01T00:00:00Z"),
        );
        world.put(Event {
            title: "As it was".into(),
            ..event
        });
        world.ctx.now += Duration::seconds(700);
        world.cycle();
        assert!(world.violations.is_empty(), "{:?}", world.violations);
        assert_eq!(
            world
                .records
                .values()
                .filter(|record| record.link == LinkState::Linked)
                .count(),
            4
        );
        world.rows = [0; 11];
        world.lost = story.lost.clone();
        world
    }

    fn begin(&mut self, which: usize, start: DateTime<Utc>, end: DateTime<Utc>) {
        let said = Appointment {
            id: id(which),
            version: 1,
            start,
            end: Some(end),
            ..appointment()
        };
        self.platform.insert(
            id(which),
            OnPlatform {
                said,
                removal: None,
                silent: false,
            },
        );
    }

    pub fn put(&mut self, event: Event) {
        let entry = InCalendar {
            event,
            buried_at: None,
            ours: true,
            moved_by_trainer: false,
            own_text: Vec::new(),
        };
        self.calendar.insert(entry.event.id.clone(), entry);
    }

    pub fn broken(&mut self, law: Law, what: impl Into<String>) {
        self.violations.push((law, what.into()));
    }

    /// Live events of ours for one appointment.
    pub fn live(&self, id: &AppointmentId) -> Vec<EventId> {
        let of = |entry: &&InCalendar| {
            entry
                .event
                .mark
                .as_ref()
                .is_some_and(|mark| mark.appointment == *id)
        };
        let live = self
            .calendar
            .values()
            .filter(|entry| entry.ours && entry.buried_at.is_none())
            .filter(of);
        live.map(|entry| entry.event.id.clone()).collect()
    }

    /// One cycle: read both sides, decide, carry out. True if something was written or becomes due.
    pub fn cycle(&mut self) -> bool {
        self.read();
        self.keep_account();
        // The outbox learns the outcome of a write whose answer was lost before anything else is decided.
        for (id, answer, intent) in std::mem::take(&mut self.unanswered) {
            match answer {
                Some(answer) => self.learn(&id, answer, &intent),
                None => self.look(&id, &intent),
            }
        }
        let mut busy = false;
        for id in self.records.keys().cloned().collect::<Vec<_>>() {
            let decision = self.decide(&id);
            let waits = decision.due_at.is_some() && decision.standing != Standing::Held;
            busy |= !decision.intents.is_empty() || waits;
            self.log
                .push(format!("{} {id} {}", self.ctx.now, super::brief(&decision)));
            if decision.standing == Standing::Gone {
                self.records.remove(&id);
                self.conflicts.remove(&id);
                continue;
            }
            self.records.insert(id.clone(), decision.record);
            for intent in decision.intents {
                self.carry_out(&id, &intent);
            }
        }
        busy
    }

    /// Facts arrive in any order, and those of the last cycle once more.
    fn read(&mut self) {
        let mut fresh: Vec<Fact> = Vec::new();
        for (id, on_platform) in &self.platform {
            if on_platform.silent {
                continue;
            }
            fresh.push(match on_platform.removal {
                None => Fact::Upsert(Box::new(on_platform.said.clone())),
                Some(reason) => Fact::Gone(id.clone(), on_platform.said.version, reason),
            });
        }
        for (id, entry) in &self.calendar {
            fresh.push(match entry.buried_at {
                None => Fact::Live(Box::new(entry.event.clone())),
                Some(buried) => Fact::Buried(id.clone(), buried),
            });
        }
        let mut facts = std::mem::replace(&mut self.seen_before, fresh.clone());
        facts.extend(fresh);
        self.seed = shuffle(&mut facts, self.seed);
        let mut other_order = self.records.clone();
        self.seed = shuffle_into(&facts, self.seed, |fact| {
            take_in(&mut other_order, fact, &self.ctx)
        });
        for fact in facts {
            take_in(&mut self.records, fact, &self.ctx);
        }
        for on in self.platform.values().filter(|on| on.silent) {
            // Not in the listing: asked for singly, after it was read.
            for records in [&mut self.records, &mut other_order] {
                if let Some(record) = records.get_mut(&on.said.id) {
                    let reason = RemovalReason::Unassigned;
                    let removal = Removal {
                        reason,
                        inferred: true,
                        at: self.ctx.now,
                    };
                    crate::absorb::removed(record, None, removal);
                }
            }
        }
        for (id, record) in &self.records {
            let other = other_order
                .get(id)
                .cloned()
                .unwrap_or_else(|| Record::new(id.clone()));
            let (this, other) = (settled(record.clone(), &self.ctx), settled(other, &self.ctx));
            // An older event that came back while the newer one went is found again by the next listing.
            let one_came_back = !(this.duplicates.is_empty() && other.duplicates.is_empty());
            if one_came_back && (this.event.is_none() || other.event.is_none()) {
                continue;
            }
            if this != other {
                self.violations
                    .push((Law::OrderDoesNotMatter, format!("{this:#?}\nagainst\n{other:#?}")));
            }
        }
    }

    fn decide(&mut self, id: &AppointmentId) -> Decision {
        let before = self.records[id].clone();
        let mut decision = reconcile(&before, &self.ctx);
        let again = reconcile(&decision.record, &self.ctx);
        if !same_decision(&decision, &again) {
            self.broken(Law::Idempotent, format!("{decision:#?}\nthen\n{again:#?}"));
        }
        super::rows::count(&before, &decision, &self.ctx, &mut self.rows);
        self.settle_by_standing(id, &decision);
        if let Some((draft, resolution)) = decision.by_policy.take() {
            let conflict = raised(&decision.record, &draft, self.ctx.now);
            let mut record = decision.record.clone();
            let shown = resolve::seen(&record);
            match resolve::resolve(&mut record, &conflict, &resolution, &shown, &self.ctx) {
                Ok(()) => {
                    record.cool_down_until = None;
                    self.answered(id, &conflict, &resolution, &record);
                    decision = reconcile(&record, &self.ctx);
                }
                Err(error) => self.broken(
                    Law::NoMoveLost,
                    format!("a policy's answer was not taken: {error}"),
                ),
            }
        }
        match &decision.conflict {
            Some(draft) => {
                let known = self.conflicts.get(id);
                let same = known.is_some_and(|known| {
                    (known.kind, &known.cause, &known.fields) == (draft.kind, &draft.cause, &draft.fields)
                });
                let conflict = raised(&decision.record, draft, self.ctx.now);
                decision.record.conflict = Some(conflict.id.clone());
                if !same {
                    self.conflicts.insert(id.clone(), conflict);
                }
            }
            None => {
                decision.record.conflict = None;
                self.conflicts.remove(id);
            }
        }
        decision
    }

    /// What is agreed or superseded is no longer owed to anybody.
    fn settle_by_standing(&mut self, id: &AppointmentId, decision: &Decision) {
        let record = &decision.record;
        let unsettled = self.unsettled.entry(id.clone()).or_default();
        let superseded = match decision.standing {
            Standing::Ended
            | Standing::LeftOut(_)
            | Standing::Kept
            | Standing::Held
            | Standing::Stopped
            | Standing::Removed { .. }
            | Standing::Gone => true,
            Standing::InSync
            | Standing::ToWrite
            | Standing::Settling
            | Standing::CoolDown
            | Standing::Conflict
            | Standing::DirectionPull
            | Standing::Missing
            | Standing::Unknown => record.removal.is_some() || self.ctx.settings.direction == Direction::Push,
        };
        let deleting = decision
            .intents
            .iter()
            .any(|intent| matches!(intent, Intent::Delete { .. }));
        if superseded || deleting {
            unsettled.trainer = None;
        }
        let shown = record.event.as_ref().map(|event| event.time);
        let said = record
            .appointment
            .as_ref()
            .map(|appointment| EventTime::Timed(appointment.span()));
        if shown.is_some() && shown == said && record.requested_time.is_none() {
            *unsettled = Unsettled {
                settled: shown,
                ..Unsettled::default()
            };
        }
    }

    /// The trainer, or a policy, chose.
    fn answered(
        &mut self,
        id: &AppointmentId,
        conflict: &Conflict,
        resolution: &Resolution,
        record: &Record,
    ) {
        if !conflict.fields.iter().any(|field| field.field == Field::Time) {
            return;
        }
        self.refused.retain(|(refused, ..)| refused != id);
        let shown = record.event.as_ref().map(|event| event.time);
        let unsettled = self.unsettled.entry(id.clone()).or_default();
        match resolution {
            Resolution::KeepPlatform => unsettled.trainer = None,
            Resolution::KeepCalendar => (unsettled.admin, unsettled.trainer) = (None, shown),
            Resolution::Merge { .. } => {
                // The platform's own time, chosen again, is no move.
                let said = record.appointment.as_ref().map(Appointment::span);
                let requested = record
                    .requested_time
                    .filter(|time| said != Some(*time))
                    .map(EventTime::Timed);
                (unsettled.admin, unsettled.trainer) = (None, requested);
            }
            Resolution::MostRecent => {
                if record.confirmed_time.is_some() {
                    (unsettled.admin, unsettled.trainer) = (None, shown);
                } else {
                    unsettled.trainer = None;
                }
            }
            Resolution::StopSyncing => *unsettled = Unsettled::default(),
            Resolution::Create | Resolution::Dismiss => unreachable!("answers about marked events only"),
        }
    }

    /// Answers the open questions, as far as they can be answered so.
    pub fn answer(&mut self, answer: &Answer) {
        for (id, conflict) in self.conflicts.clone() {
            let Some(record) = self.records.get(&id) else {
                continue;
            };
            let mut record = record.clone();
            let resolution = match answer {
                Answer::KeepPlatform => Resolution::KeepPlatform,
                Answer::KeepCalendar => Resolution::KeepCalendar,
                Answer::MostRecent => Resolution::MostRecent,
                Answer::StopSyncing => Resolution::StopSyncing,
                Answer::AnotherTime(slot) => Resolution::Merge {
                    choices: conflict
                        .fields
                        .iter()
                        .map(|field| match field.field {
                            Field::Time => (Field::Time, Choice::Time { time: slot.span() }),
                            other => (other, Choice::Platform),
                        })
                        .collect(),
                },
            };
            let shown = resolve::seen(&record);
            if resolve::resolve(&mut record, &conflict, &resolution, &shown, &self.ctx).is_ok() {
                self.log
                    .push(format!("{} {id} answered {resolution:?}", self.ctx.now));
                let state = ConflictState::Resolved {
                    resolution: resolution.clone(),
                    at: self.ctx.now,
                    by_policy: false,
                };
                let decided = Conflict {
                    state,
                    ..conflict.clone()
                };
                self.account
                    .done
                    .push((id.clone(), Wish::Answer(Box::new(decided))));
                self.answered(&id, &conflict, &resolution, &record);
                self.conflicts.remove(&id);
                self.records.insert(id, record);
            }
        }
    }

    /// The database is gone; the trainer connects again.
    pub fn lose_database(&mut self) {
        for (id, record) in &self.records {
            // A time that was only chosen in the window is gone with it; what the calendar shows is not.
            if record.requested_time.is_some() {
                let unsettled = self.unsettled.entry(id.clone()).or_default();
                unsettled.trainer = record.event.as_ref().map(|event| event.time);
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
        self.records.clear();
        self.conflicts.clear();
        self.unanswered.clear();
        self.refused.clear();
        self.seen_before.clear();
        self.account = Account::default();
        self.ctx.connected_at = self.ctx.now;
    }
}

fn same_decision(one: &Decision, other: &Decision) -> bool {
    one.record == other.record
        && one.intents == other.intents
        && one.conflict == other.conflict
        && one.by_policy == other.by_policy
        && one.due_at == other.due_at
        && one.standing == other.standing
}
