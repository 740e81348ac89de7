//! The histories, sorted by event and appointment, and what is asked of them again and again.

use crate::ended::{Ended, EndedLaptop, Violation};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::{AppointmentId, Generation};
use roundtrip_engine::ledger::HistoryItem;
use roundtrip_sandbox::history::{AppointmentState, Change, EventState, State, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// So many generations of each appointment are looked for.
const GENERATIONS: Generation = 16;
/// Lines of history in a reason.
const LINES: usize = 24;
/// What a laptop's ledger says may be so much older than what it is about: its clock may have been set back by as much
/// (`life.rs` sets it by up to 25 hours).
const SLACK: TimeDelta = TimeDelta::hours(26);

/// A time: start and end.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// Everything that the groups of invariants look at.
pub struct Facts<'a> {
    /// The end of the seed.
    pub ended: &'a Ended<'a>,
    /// All changes of both services, in order.
    pub history: Vec<Change>,
    /// The services' time now.
    pub now: DateTime<Utc>,
    /// Ids of our events, with appointment and generation (0: the trainer made it).
    own: BTreeMap<String, (String, Generation)>,
    by_event: BTreeMap<String, Vec<usize>>,
    by_appointment: BTreeMap<String, Vec<usize>>,
    laptop_of: BTreeMap<&'a str, usize>,
}

impl<'a> Facts<'a> {
    pub fn of(ended: &'a Ended<'a>) -> Self {
        let history = ended.sandbox.shared.history().all();
        let mut by_event = BTreeMap::<String, Vec<usize>>::new();
        let mut by_appointment = BTreeMap::<String, Vec<usize>>::new();
        for (index, change) in history.iter().enumerate() {
            match &change.subject {
                Subject::Event { calendar, id } if calendar == ended.account => {
                    by_event.entry(id.clone()).or_default().push(index);
                }
                Subject::Appointment { id } | Subject::Notification { appointment: id, .. } => {
                    by_appointment.entry(id.clone()).or_default().push(index);
                }
                _ => {}
            }
        }
        let mut own = BTreeMap::new();
        for write in ended.sandbox.platform.writes() {
            let event = write.source.and_then(|source| source.event_id);
            if let Some(event) = event.filter(|_| write.operation == "create") {
                own.insert(event, (write.appointment_id, 0));
            }
        }
        let mut identities: Vec<&Identity> = Vec::new();
        for laptop in &ended.laptops {
            if !identities.contains(&&laptop.identity) {
                identities.push(&laptop.identity);
            }
        }
        for identity in identities {
            for appointment in by_appointment.keys() {
                let id = AppointmentId::new(appointment.as_str());
                for generation in 1..=GENERATIONS {
                    let event = identity.event_id(&id, generation).0;
                    own.insert(event, (appointment.clone(), generation));
                }
            }
        }
        let laptop_of = ended
            .requests
            .iter()
            .filter_map(|request| Some((request.request_id.as_deref()?, request.laptop)));
        Self {
            ended,
            now: ended.sandbox.shared.now(),
            own,
            by_event,
            by_appointment,
            laptop_of: laptop_of.collect(),
            history,
        }
    }

    /// The appointment and generation of an event in the chosen calendar, if it is ours. Generation 0: the trainer made
    /// it, and an appointment was made of it.
    pub fn own(&self, event: &str) -> Option<(&str, Generation)> {
        let (appointment, generation) = self.own.get(event)?;
        Some((appointment, *generation))
    }

    /// The changes of one event in the chosen calendar.
    pub fn event(&self, event: &str) -> impl DoubleEndedIterator<Item = &Change> + Clone {
        let indexes = self.by_event.get(event).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().map(|index| &self.history[*index])
    }

    /// The changes of one appointment.
    pub fn appointment(&self, appointment: &str) -> impl DoubleEndedIterator<Item = &Change> + Clone {
        let indexes = self
            .by_appointment
            .get(appointment)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let changes = indexes.iter().map(|index| &self.history[*index]);
        changes.filter(|change| matches!(change.subject, Subject::Appointment { .. }))
    }

    /// What the admins were told of one appointment.
    pub fn told(&self, appointment: &str) -> impl Iterator<Item = &Change> {
        let indexes = self
            .by_appointment
            .get(appointment)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let changes = indexes.iter().map(|index| &self.history[*index]);
        changes.filter(|change| matches!(change.subject, Subject::Notification { .. }))
    }

    /// All appointments that ever were.
    pub fn appointments(&self) -> impl Iterator<Item = &str> {
        self.by_appointment.keys().map(String::as_str)
    }

    /// Our events of one appointment that ever were, in the order of their generations.
    pub fn events_of(&self, appointment: &str) -> Vec<&str> {
        let mut events: Vec<(Generation, &str)> = self
            .by_event
            .keys()
            .filter_map(|event| {
                let (of, generation) = self.own(event)?;
                (of == appointment).then_some((generation, event.as_str()))
            })
            .collect();
        events.sort_unstable();
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// Our events that ever were, with their appointment.
    pub fn own_events(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.by_event.keys();
        known.filter_map(|event| Some((event.as_str(), self.own(event)?.0)))
    }

    /// An event as it is at the end.
    pub fn event_now(&self, event: &str) -> Option<&EventState> {
        self.event(event).next_back().and_then(Change::event_after)
    }

    /// An event as it was before the change of this number.
    pub fn event_at(&self, event: &str, seq: u64) -> Option<&EventState> {
        let before = self.event(event).take_while(|change| change.seq < seq);
        before.last().and_then(Change::event_after)
    }

    /// Whether another event of the appointment was alive before the change of this number.
    pub fn has_other_live(&self, appointment: &str, event: &str, seq: u64) -> bool {
        let mut others = self.events_of(appointment).into_iter();
        others.any(|other| other != event && self.event_at(other, seq).is_some_and(EventState::is_live))
    }

    /// An appointment as it is at the end.
    pub fn appointment_now(&self, appointment: &str) -> Option<&AppointmentState> {
        self.appointment(appointment)
            .next_back()
            .and_then(Change::appointment_after)
    }

    /// Everything that an appointment was up to the change of this number, oldest first.
    pub fn appointment_until(
        &self,
        appointment: &str,
        seq: u64,
    ) -> impl Iterator<Item = (u64, &AppointmentState)> {
        let before = self
            .appointment(appointment)
            .take_while(move |change| change.seq < seq);
        before.filter_map(|change| Some((change.seq, change.appointment_after()?)))
    }

    /// Whether the trainer had to be there at some time between two changes (the state at the first one counts).
    pub fn was_free_of(&self, appointment: &str, from: u64, until: u64) -> bool {
        let states: Vec<(u64, &AppointmentState)> = self.appointment_until(appointment, until).collect();
        let first = states.iter().rposition(|(seq, _)| *seq <= from).unwrap_or(0);
        states[first..]
            .iter()
            .any(|(_, state)| !state.is_assigned_to(self.ended.user))
    }

    /// The laptop that sent the request behind a change, if that can be told.
    pub fn laptop_of(&self, change: &Change) -> Option<usize> {
        match &change.actor {
            roundtrip_sandbox::history::Actor::App(app) => {
                self.laptop_of.get(app.request_id.as_deref()?).copied()
            }
            _ => None,
        }
    }

    /// Whether the laptop heard that the service did this.
    pub fn was_heard(&self, change: &Change) -> bool {
        let roundtrip_sandbox::history::Actor::App(app) = &change.actor else {
            return false;
        };
        // Each service's requests of a run are counted from one, so that two of them may bear the same id (seed 38761).
        let google = matches!(change.subject, Subject::Event { .. });
        self.ended.requests.iter().any(|request| {
            request.request_id.is_some()
                && request.request_id == app.request_id
                && request.google == google
                && request.faults.is_empty()
                && request.status.is_some_and(|status| (200..300).contains(&status))
        })
    }

    /// Whether the calendar told this laptop more than once, until then, that this event is not there: what it does or tells
    /// then follows what a service said, be it true or not.
    pub fn was_said_to_be_gone(&self, laptop: usize, event: &str, until: DateTime<Utc>) -> bool {
        let of_event = |path: &str| path.split('?').next().is_some_and(|path| path.ends_with(event));
        let denials = self.ended.requests.iter().filter(|request| {
            request.laptop == laptop
                && request.google
                && request.at <= until
                && of_event(&request.path)
                && matches!(request.status, Some(404 | 410))
        });
        denials.count() > 1
    }

    /// Whether some laptop's history says this of an appointment, not long before `since`.
    pub fn is_told(
        &self,
        appointment: &str,
        since: DateTime<Utc>,
        what: impl Fn(&HistoryItem) -> bool,
    ) -> bool {
        self.ended
            .laptops
            .iter()
            .flat_map(|laptop| &laptop.history)
            .any(|item| {
                let about = item
                    .appointment_id
                    .as_ref()
                    .is_some_and(|id| id.as_str() == appointment);
                about && item.at >= since - SLACK && what(item)
            })
    }

    /// Whether some laptop's ledger lost what it knew.
    pub fn a_database_was_lost(&self) -> bool {
        self.ended.laptops.iter().any(|laptop| laptop.database_was_lost)
    }

    /// The laptops of which something may be expected at the end.
    pub fn working(&self) -> impl Iterator<Item = &'a EndedLaptop> {
        let now = self.now;
        self.ended.laptops.iter().filter(move |laptop| {
            !laptop.disconnected
                && laptop.settings.enabled
                && laptop.state.started
                && laptop.state.paused_until.is_none_or(|until| until <= now)
        })
    }

    /// Adds a violation with the part of both histories that is about the appointment.
    pub fn violates(
        &self,
        found: &mut Vec<Violation>,
        invariant: &'static str,
        appointment: &str,
        reason: &str,
    ) {
        found.push(Violation {
            invariant,
            what: format!("{appointment}: {reason}\n{}", self.slice(appointment)),
        });
    }

    /// Both histories of one appointment, the last lines of them.
    pub fn slice(&self, appointment: &str) -> String {
        let events: BTreeSet<&str> = self.events_of(appointment).into_iter().collect();
        let lines: Vec<String> = self
            .history
            .iter()
            .filter(|change| match &change.subject {
                Subject::Event { id, .. } => events.contains(id.as_str()),
                Subject::Appointment { id } | Subject::Notification { appointment: id, .. } => {
                    id == appointment
                }
                Subject::Lease { .. } => false,
                _ => false,
            })
            .map(|change| match self.laptop_of(change) {
                Some(laptop) => format!("    {change} (laptop {laptop})"),
                None => format!("    {change}"),
            })
            .collect();
        let skipped = lines.len().saturating_sub(LINES);
        let mut text = lines[skipped..].join("\n");
        for (number, laptop) in self.ended.laptops.iter().enumerate() {
            let items = laptop.history.iter().filter(|item| {
                item.appointment_id
                    .as_ref()
                    .is_some_and(|id| id.as_str() == appointment)
            });
            let items: Vec<&HistoryItem> = items.collect();
            for item in items.iter().rev().take(LINES / 2).rev() {
                let what = format!("{:?}", item.what);
                let short: String = what.chars().take(120).collect();
                text.push_str(&format!(
                    "\n    laptop {number} {} {short}",
                    item.at.format("%m-%d %H:%M:%S%.3f")
                ));
            }
            let record = laptop
                .records
                .iter()
                .find(|record| record.appointment_id.as_str() == appointment);
            if let Some(record) = record {
                text.push_str(&format!(
                    "\n    laptop {number} knows: {:?} generation {} version {:?} conflict {:?} problem {:?} outbox {}",
                    record.link,
                    record.generation,
                    record.appointment.as_ref().map(|known| known.version),
                    record.conflict.is_some(),
                    record.problem,
                    laptop
                        .outbox
                        .iter()
                        .filter(|row| row.appointment_id == record.appointment_id)
                        .count(),
                ));
            }
        }
        text
    }
}

/// The time an appointment takes.
pub fn span_of(appointment: &AppointmentState) -> Span {
    let end = appointment.end.filter(|end| *end > appointment.start);
    (
        appointment.start,
        end.unwrap_or(appointment.start + TimeDelta::hours(1)),
    )
}

/// The time of an event, if it has hours.
pub fn hours_of(event: &EventState) -> Option<Span> {
    (!event.all_day).then_some((event.start, event.end))
}

/// Whether a change moved an event that was and is there: the new time, `None` inside for one without hours.
pub fn moved_to(change: &Change) -> Option<Option<Span>> {
    let (before, after) = (change.event_before()?, change.event_after()?);
    let moved = (before.start, before.end, before.all_day) != (after.start, after.end, after.all_day);
    (before.is_live() && after.is_live() && moved).then(|| hours_of(after))
}

/// A notification.
pub fn told_time(change: &Change) -> Option<(&'static str, Span)> {
    match &change.after {
        Some(State::Notification(told)) => Some((told.kind, told.to)),
        _ => None,
    }
}
