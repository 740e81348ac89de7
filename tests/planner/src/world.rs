//! A platform, a calendar and the records between them, as small as can be, and a cycle over them.
//!
//! The interpreter here stands for the engine: it carries decisions out as two services would take them. It keeps its own
//! account of what each side last wanted, so that the laws are judged by what happened, not by what records say.

use crate::back::Account;
use crate::chance::Chance;
use crate::facts::{Fact, absent, is_gone, settled, take_all};
use crate::guarding::Guarding;
use crate::law::Law;
use crate::steps::{Answer, Story};
use crate::things::{appointment, at, context, raised, stored};
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::appointment::{Appointment, RemovalReason};
use roundtrip_core::conflict::{Choice, Conflict, ConflictState, Resolution};
use roundtrip_core::event::Event;
use roundtrip_core::ids::{AppointmentId, EventId, Version};
use roundtrip_core::marked::Marked;
use roundtrip_core::outbox::Intent;
use roundtrip_core::reconcile::{Context, Decision, Remark, Standing, follow_policy, is_settled, reconcile};
use roundtrip_core::record::{Field, LinkState, Record};
use roundtrip_core::resolve;
use roundtrip_core::settings::Direction;
use roundtrip_core::time::{EventTime, TimeSpan};
use roundtrip_core::undo::Wish;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// An appointment on the platform.
#[derive(Clone)]
pub struct OnPlatform {
    pub said: Rc<Appointment>,
    pub removal: Option<RemovalReason>,
    /// It is gone, and the feed does not say so: it is only absent.
    pub silent: bool,
}

/// An event in the calendar, also a deleted one.
#[derive(Clone)]
pub struct InCalendar {
    pub event: Rc<Event>,
    pub buried_at: Option<DateTime<Utc>>,
    /// Made by us; a copy is not.
    pub ours: bool,
    /// Its time was last set by the trainer.
    pub moved_by_trainer: bool,
    /// When they did.
    pub moved_at: Option<DateTime<Utc>>,
    /// The time at the last reading, and since when it was that.
    pub read: Option<(EventTime, Option<DateTime<Utc>>)>,
    /// Own text that must survive.
    pub own_text: Vec<String>,
    /// Made by the trainer, who asked for an appointment of it.
    pub made_for: Option<AppointmentId>,
}

impl InCalendar {
    /// Stands for this appointment.
    pub fn is_of(&self, id: &AppointmentId) -> bool {
        let marked = self
            .event
            .mark
            .as_ref()
            .is_some_and(|mark| mark.appointment == *id);
        marked || self.made_for.as_ref() == Some(id)
    }

    /// A live one of ours.
    pub fn new(event: Event) -> Self {
        Self {
            event: Rc::new(event),
            buried_at: None,
            ours: true,
            moved_by_trainer: false,
            moved_at: None,
            read: None,
            own_text: Vec::new(),
            made_for: None,
        }
    }
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
    /// The platform's time, as it was read, that the trainer's last answer was given over.
    pub answered_over: Option<TimeSpan>,
}

#[derive(Clone)]
pub struct World {
    pub ctx: Context,
    pub platform: BTreeMap<AppointmentId, OnPlatform>,
    pub calendar: BTreeMap<EventId, InCalendar>,
    pub records: BTreeMap<AppointmentId, Record>,
    pub conflicts: BTreeMap<AppointmentId, Conflict>,
    pub unsettled: BTreeMap<AppointmentId, Unsettled>,
    pub foreign: BTreeMap<EventId, Rc<Event>>,
    pub violations: Vec<(Law, String)>,
    /// How often each row of the rules table was hit.
    pub rows: [usize; 11],
    /// A story that is told, not only judged.
    pub tells: bool,
    pub log: Vec<String>,
    pub counter: usize,
    pub refused: BTreeSet<(AppointmentId, i64, i64, Version)>,
    pub seen_before: Vec<Fact>,
    /// Writes whose answer was lost; the platform remembers what it answered.
    pub unanswered: Vec<(AppointmentId, Option<Appointment>, Intent)>,
    pub lost: Vec<bool>,
    pub writes: usize,
    /// Orders the facts.
    pub chance: Chance,
    pub guarding: Guarding,
    /// Events that the trainer marked.
    pub marked: BTreeMap<EventId, Marked>,
    /// Conflicts as they were last answered, for undoing.
    pub answered: BTreeMap<AppointmentId, Conflict>,
    /// Moves as they were last taken, for taking back.
    pub moved: BTreeMap<AppointmentId, (TimeSpan, TimeSpan)>,
    /// Their event was deleted by the trainer, and nothing happened since that brings one back.
    pub gone_by_trainer: BTreeSet<AppointmentId>,
    /// Their event was deleted by the trainer at some time.
    pub ever_gone: BTreeSet<AppointmentId>,
    /// The records were lost at some time: our own deletions may look like the trainer's then.
    pub database_lost: bool,
    /// So many appointments were agreed when it began.
    pub agreed: usize,
    /// What may go, and what can be taken back.
    pub account: Account,
}

pub fn id(which: usize) -> AppointmentId {
    AppointmentId::new(format!("apt_{which}"))
}

/// Began before the connection was made and is not over yet.
pub const OLD: usize = 99;

impl World {
    /// One agreed state: appointments with their events, and at times one from before the connection.
    pub fn agreed(story: &Story) -> Self {
        thread_local! {
            static BEGUN: RefCell<BTreeMap<(usize, bool), World>> = const { RefCell::new(BTreeMap::new()) };
        }
        let with_old = story.seed.is_multiple_of(4);
        let mut world = BEGUN.with_borrow_mut(|begun| {
            let world = begun.entry((story.appointments, with_old));
            world
                .or_insert_with(|| Self::begun(story.appointments, with_old))
                .clone()
        });
        world.chance = Chance::new(story.seed);
        world.lost = story.lost.clone();
        world
    }

    fn begun(appointments: usize, with_old: bool) -> Self {
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
            tells: false,
            log: Vec::new(),
            counter: 0,
            refused: BTreeSet::new(),
            seen_before: Vec::new(),
            unanswered: Vec::new(),
            lost: Vec::new(),
            writes: 0,
            chance: Chance::new(0),
            guarding: Guarding::default(),
            marked: BTreeMap::new(),
            answered: BTreeMap::new(),
            moved: BTreeMap::new(),
            gone_by_trainer: BTreeSet::new(),
            ever_gone: BTreeSet::new(),
            database_lost: false,
            agreed: appointments,
            account: Account::default(),
        };
        for which in 0..appointments {
            let span = super::steps::Slot {
                day: 1 + (which % 6) as i64,
                hour: if which < 6 { 8 } else { 14 },
                minutes: 60,
            }
            .span();
            world.begin(which, span.start, span.end);
        }
        world.cycle();
        if with_old {
            world.begin(OLD, at("2026-09-30T08:00:00Z"), at("2026-12-31T08:00:00Z"));
            world.cycle();
            world.made_before();
        }
        world.ctx.now += Duration::seconds(700);
        world.cycle();
        let linked = world
            .records
            .values()
            .filter(|record| record.link == LinkState::Linked);
        if linked.count() != appointments + usize::from(with_old) {
            world.broken(Law::Converges, "not even the beginning is agreed");
        }
        world.rows = [0; 11];
        world.log.clear();
        world
    }

    /// An earlier connection had made an event for the old one.
    fn made_before(&mut self) {
        let world = self;
        let mut old = Record::new(id(OLD));
        old.appointment = Some(Appointment::clone(&world.platform[&id(OLD)].said));
        let body = roundtrip_core::reconcile::body(&old, &world.ctx, 1).expect("an appointment");
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
                said: Rc::new(said),
                removal: None,
                silent: false,
            },
        );
    }

    pub fn put(&mut self, event: Event) {
        self.calendar.insert(event.id.clone(), InCalendar::new(event));
    }

    pub fn broken(&mut self, law: Law, what: impl Into<String>) {
        self.violations.push((law, what.into()));
    }

    /// Live events of ours for one appointment.
    pub fn live(&self, id: &AppointmentId) -> Vec<EventId> {
        let of = |entry: &&InCalendar| entry.is_of(id);
        let live = self
            .calendar
            .values()
            .filter(|entry| entry.ours && entry.buried_at.is_none())
            .filter(of);
        live.map(|entry| entry.event.id.clone()).collect()
    }

    /// The newest of them. Where the calendar is not written, an older one that came back stays beside it (seed 11273897).
    pub fn newest(&self, id: &AppointmentId) -> Option<&Event> {
        let live = self
            .live(id)
            .into_iter()
            .map(|event| &self.calendar[&event].event);
        live.max_by_key(|event| event.mark.as_ref().map(|mark| mark.generation))
            .map(Rc::as_ref)
    }

    /// One cycle: read both sides, decide, carry out. True if something was written or becomes due.
    pub fn cycle(&mut self) -> bool {
        self.learn_deletions();
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
        let ids: Vec<AppointmentId> = self.records.keys().cloned().collect();
        let judged: Vec<Decision> = ids.iter().map(|id| self.judged(id)).collect();
        // Standing policies answer before the guard looks: what they lead to counts, too.
        let decisions: Vec<Decision> = judged.iter().map(|decision| self.followed(decision)).collect();
        let verdict = self.guard(&decisions);
        for ((id, judged), decision) in ids.into_iter().zip(judged).zip(decisions) {
            if verdict.held.contains_key(&id) {
                // Since when it is held is remembered while it is asked about, too.
                if let Some(record) = self.records.get_mut(&id) {
                    record.held = decision.record.held;
                }
                continue;
            }
            let decision = self.decide(&id, &judged, decision);
            let waits = decision.due_at.is_some() && decision.standing != Standing::Held;
            busy |= !decision.intents.is_empty() || waits;
            if self.tells {
                self.log
                    .push(format!("{} {id} {}", self.ctx.now, brief(&decision)));
            }
            self.count_for_guard(&decision);
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
        busy |= self.create_marked();
        busy
    }

    /// Facts arrive in any order, and those of the last cycle once more.
    fn read(&mut self) {
        let mut fresh: Vec<Fact> = Vec::new();
        for (id, on_platform) in self.platform.iter().filter(|(_, on)| !on.silent) {
            fresh.push(match on_platform.removal {
                None => Fact::Upsert(on_platform.said.clone()),
                Some(reason) => Fact::Gone(id.clone(), on_platform.said.version, reason),
            });
        }
        for (id, entry) in &mut self.calendar {
            entry.read = Some((entry.event.time, entry.moved_at));
            fresh.push(match entry.buried_at {
                None => Fact::Live(entry.event.clone()),
                Some(buried) => Fact::Buried(id.clone(), buried),
            });
        }
        let mut facts = std::mem::replace(&mut self.seen_before, fresh.clone());
        // What is said a second time, unchanged, hardly ever tells anything: it is repeated now and then.
        let (repeated, compared) = (self.chance.once_in(4), self.chance.once_in(2));
        facts.retain(|fact| repeated || !fresh.iter().any(|fresh| fresh.is_same(fact)));
        let compared = compared || !facts.is_empty();
        facts.extend(fresh);
        self.see_marked();
        self.chance.shuffle(&mut facts);
        let mut other_order = BTreeMap::new();
        if compared {
            other_order.clone_from(&self.records);
            take_all(&mut other_order, &facts, &self.ctx);
        }
        self.chance.shuffle(&mut facts);
        take_all(&mut self.records, &facts, &self.ctx);
        for (id, _) in self.platform.iter().filter(|(_, on)| on.silent) {
            absent(&mut self.records, id, &self.ctx);
            absent(&mut other_order, id, &self.ctx);
        }
        for (id, record) in self.records.iter().filter(|_| compared) {
            let other = match other_order.get(id) {
                Some(other) => other.clone(),
                None if is_gone(record, &self.ctx) => continue,
                None => Record::new(id.clone()),
            };
            if *record == other {
                continue;
            }
            let (mut this, mut other) = (settled(record.clone(), &self.ctx), settled(other, &self.ctx));
            // An older event that came back while the newer one went is found again by the next listing.
            let one_came_back = !(this.duplicates.is_empty() && other.duplicates.is_empty());
            if one_came_back && (this.event.is_none() || other.event.is_none()) {
                continue;
            }
            // Old pages show events once more of which two or more are deleted, and a record remembers the deletion of one: which
            // of them it takes for alive is for the order to say. Writing to it, or the next listing, tells better (seeds 203334,
            // 293551).
            let is_buried = |record: &Record| {
                let event = record.event_id.as_ref().and_then(|id| self.calendar.get(id));
                event.is_some_and(|entry| entry.buried_at.is_some())
            };
            let buried = self.calendar.values().filter(|entry| entry.buried_at.is_some());
            let several = buried.filter(|entry| entry.is_of(id)).count() > 1;
            if several && is_buried(&this) && is_buried(&other) {
                continue;
            }
            if one_came_back && self.next_listing_tells(&mut this, &mut other) {
                continue;
            }
            // Of what is over neither event is written, and neither is one too many (seed 1157383).
            let is_over = |record: &Record| {
                let said = record.appointment.as_ref();
                said.is_some_and(|said| said.span().end <= self.ctx.now)
            };
            if one_came_back && is_over(&this) && is_over(&other) {
                continue;
            }
            // What an old page still tells of an appointment that is gone is kept or not, as it came; it goes all the same (seed 1313809).
            let gone = |record: &Record| record.removal.is_some_and(|removal| !removal.inferred);
            if gone(&this) && gone(&other) && (&this.event, &this.link) == (&other.event, &other.link) {
                continue;
            }
            if this != other {
                self.violations
                    .push((Law::OrderDoesNotMatter, difference(&this, &other)));
            }
        }
    }

    /// What is decided about one appointment, and whether it is so twice.
    fn judged(&mut self, id: &AppointmentId) -> Decision {
        let before = &self.records[id];
        let decision = reconcile(before, &self.ctx);
        // Decided about the same record again it would be the same decision anyway.
        let again = (decision.record != *before).then(|| reconcile(&decision.record, &self.ctx));
        crate::rows::count(before, &decision, &self.ctx, &mut self.rows);
        let skipped = is_settled(before, &self.ctx) && !in_sync_as_it_is(before, &decision);
        if let Some(again) = again.filter(|again| !same_decision(&decision, again)) {
            self.broken(Law::Idempotent, difference(&decision, &again));
        }
        if skipped {
            self.broken(Law::SkippingIsDeciding, brief(&decision));
        }
        let removed = matches!(decision.standing, Standing::Removed { .. });
        if removed && !self.database_lost && !self.ever_gone.contains(id) {
            self.broken(
                Law::DeletionRespected,
                format!("{id} counts as removed, and nobody did it"),
            );
        }
        decision
    }

    /// What a standing policy's answer leads to, if one is given.
    fn followed(&mut self, decision: &Decision) -> Decision {
        let Some((draft, _)) = &decision.by_policy else {
            return decision.clone();
        };
        let conflict = raised(&decision.record, draft, self.ctx.now);
        follow_policy(decision, &conflict, &self.ctx).unwrap_or_else(|| {
            self.broken(Law::NoMoveLost, "a policy's answer was not taken");
            decision.clone()
        })
    }

    /// What follows from a decision that is not held: a policy's answer, and the question that is open. `judged` is the
    /// decision before a policy answered.
    fn decide(&mut self, id: &AppointmentId, judged: &Decision, mut decision: Decision) -> Decision {
        self.settle_by_standing(id, judged);
        if let Some((draft, resolution)) = decision.by_policy.take() {
            let conflict = raised(&judged.record, &draft, self.ctx.now);
            let mut record = judged.record.clone();
            let shown = resolve::seen(&record);
            if resolve::resolve(&mut record, &conflict, &resolution, &shown, &self.ctx).is_ok() {
                self.answered(id, &conflict, &resolution, &record);
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
        if decision.standing == Standing::Ended {
            // What is over was tidied away; moved into the future it is another matter.
            self.gone_by_trainer.remove(id);
        }
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
        // A choice that was over before it could be reported is given up and told; a later drag ahead is not.
        let now = self.ctx.now;
        let is_over = |time: EventTime| time.timed().is_some_and(|time| time.end <= now);
        let told = decision.remarks.contains(&Remark::MoveTooLate) && unsettled.trainer.is_some_and(is_over);
        // A wish that a later word of the platform's took the place of is told, too, where the calendar is not written (seed 2395429).
        let overtaken = decision.remarks.iter().any(|remark| match remark {
            Remark::Overtaken { wanted } => unsettled.trainer == Some(EventTime::Timed(*wanted)),
            _ => false,
        });
        if superseded || deleting || told || overtaken {
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
        unsettled.answered_over = record.appointment.as_ref().map(Appointment::span);
        match resolution {
            Resolution::KeepPlatform => unsettled.trainer = None,
            Resolution::KeepCalendar => {
                let kept = record.requested_time.map(EventTime::Timed).or(shown);
                (unsettled.admin, unsettled.trainer) = (None, kept);
            }
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
                self.answered(&id, &conflict, &resolution, &record);
                self.guarding.decided(&id, self.ctx.now);
                let state = ConflictState::Resolved {
                    resolution: resolution.clone(),
                    at: self.ctx.now,
                    by_policy: false,
                };
                let decided = Conflict { state, ..conflict };
                let wish = Wish::Answer(Box::new(decided.clone()));
                self.account.done.push((id.clone(), wish));
                self.answered.insert(id.clone(), decided);
                self.conflicts.remove(&id);
                self.records.insert(id, record);
            }
        }
    }
}

/// A decision after which all is as it was.
fn in_sync_as_it_is(before: &Record, decision: &Decision) -> bool {
    decision.standing == Standing::InSync
        && decision.record == *before
        && decision.intents.is_empty()
        && decision.conflict.is_none()
        && decision.by_policy.is_none()
        && decision.remarks.is_empty()
        && decision.due_at.is_none()
}

fn same_decision(one: &Decision, other: &Decision) -> bool {
    one.record == other.record
        && one.intents == other.intents
        && one.conflict == other.conflict
        && one.by_policy == other.by_policy
        && one.due_at == other.due_at
        && one.standing == other.standing
}

/// A decision in the log of a failure.
fn brief(decision: &Decision) -> String {
    let intents: Vec<String> = decision
        .intents
        .iter()
        .map(|intent| match intent {
            Intent::Patch { mask, .. } => format!("patch {mask:?}"),
            Intent::Move { time, version, .. } => {
                format!("move to {} - {} v{version}", time.start, time.end)
            }
            other => other.word().to_owned(),
        })
        .collect();
    let cause = decision
        .conflict
        .as_ref()
        .map(|draft| format!("{:?}", draft.cause))
        .unwrap_or_default();
    format!("{:?} {} {cause}", decision.standing, intents.join(", "))
}

/// The lines in which two values differ.
fn difference(one: &impl std::fmt::Debug, other: &impl std::fmt::Debug) -> String {
    let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
    let pairs = one.lines().zip(other.lines());
    let differ: Vec<String> = pairs
        .filter(|(one, other)| one != other)
        .map(|(one, other)| format!("{} against {}", one.trim(), other.trim()))
        .take(12)
        .collect();
    differ.join("; ")
}
