//! What a write leaves in the history: every event it touched, before and after.

use super::audit::Via;
use super::model::{Calendar, Entry, Life};
use super::service::{Op, State, Writer};
use crate::faults::Service;
use crate::history::{self, Actor, EventLife, EventState, Subject};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events by calendar and id, as they were.
pub type Before = BTreeMap<(String, String), history::State>;

impl State {
    /// The events that a write may touch, as they are now.
    pub(super) fn before(&self, account: &str, calendar: &str, op: Op<'_>) -> Before {
        let Some(event) = op.event() else {
            return Before::new();
        };
        let places = match op {
            Op::Move(_, destination) => vec![calendar, destination],
            Op::Insert(_) | Op::Patch(..) | Op::Update(..) | Op::Delete(_) => vec![calendar],
        };
        let mut before = Before::new();
        for place in places {
            if let Ok((calendar, _)) = self.calendar(account, place) {
                for entry in calendar.related(event) {
                    before.insert((calendar.id.clone(), entry.id.clone()), state_of(calendar, entry));
                }
            }
        }
        before
    }

    /// Records what a write changed.
    pub(super) fn record(
        &self,
        writer: &Writer<'_>,
        mut before: Before,
        (calendar, event): (&str, &str),
        attendees_sent: bool,
    ) {
        let actor = match (writer.via, writer.said) {
            (Via::Person, _) => Actor::Trainer,
            (Via::Api, said) => Actor::App(history::AppRequest {
                send_updates: writer.send_updates.map(str::to_owned),
                attendees_sent,
                ..said.cloned().unwrap_or_default()
            }),
        };
        let mut after = Before::new();
        let places: Vec<&str> = before
            .keys()
            .map(|(place, _)| place.as_str())
            .chain([calendar])
            .collect();
        for place in places {
            for entry in self
                .calendars
                .get(place)
                .into_iter()
                .flat_map(|there| there.related(event))
            {
                if let Some(there) = self.calendars.get(place) {
                    after.insert((place.to_owned(), entry.id.clone()), state_of(there, entry));
                }
            }
        }
        for ((calendar, id), now) in after {
            let was = before.remove(&(calendar.clone(), id.clone()));
            self.history.add(
                (Service::Google, writer.now),
                actor.clone(),
                Subject::Event { calendar, id },
                was,
                Some(now),
            );
        }
    }
}

impl Calendar {
    /// An event and the exceptions of it.
    fn related<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.values().filter(move |entry| {
            entry.id == event || entry.series.as_ref().is_some_and(|series| series.master == event)
        })
    }
}

/// An event for the history.
pub fn state_of(calendar: &Calendar, entry: &Entry) -> history::State {
    let text = |name: &str| entry.body.get(name).and_then(Value::as_str).map(str::to_owned);
    let span = entry.span();
    let properties = entry
        .body
        .get("extendedProperties")
        .and_then(|sides| sides.get("private"));
    let mark = properties
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    history::State::Event(Arc::new(EventState {
        life: match entry.life {
            Life::Live => EventLife::Live,
            Life::Deleted => EventLife::Deleted,
            Life::MovedAway => EventLife::MovedAway,
            Life::Purged => EventLife::Purged,
        },
        tentative: entry.tentative,
        start: span.start.instant(calendar.zone),
        end: span.end.instant(calendar.zone),
        all_day: span.start.is_day(),
        series: entry.is_series(),
        title: text("summary"),
        location: text("location"),
        description: text("description"),
        etag: entry.etag(),
        updated: entry.updated,
        mark: mark.collect(),
        attendees: entry
            .body
            .get("attendees")
            .and_then(Value::as_array)
            .map_or(0, Vec::len),
    }))
}
