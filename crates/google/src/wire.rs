//! The shapes of Google's answers, and the one door from them to the types of the domain.

use crate::mark;
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::event::{Event, EventChange};
use roundtrip_core::event_id::may_be_chosen;
use roundtrip_core::ids::{Etag, EventId, SyncToken};
use roundtrip_core::text::normalise;
use roundtrip_core::time::{EventTime, TimeSpan, resolve_local, zone_named};
use roundtrip_engine::ports::Watched;
use roundtrip_http::answer::{self, is_opaque, is_planned_year, is_text, is_web_address};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields of an event that are asked for. No guests, no conference data, nobody's address.
macro_rules! event_fields {
    () => {
        "id,etag,status,updated,start,end,summary,location,description,recurrence,recurringEventId,transparency,\
         organizer/self,extendedProperties/private,htmlLink"
    };
}
pub(crate) const EVENT_FIELDS: &str = event_fields!();
pub(crate) const LIST_FIELDS: &str = concat!(
    "nextPageToken,nextSyncToken,timeZone,items(",
    event_fields!(),
    ")"
);
/// Of one event that is asked for by its id.
pub(crate) const LOOKUP_FIELDS: &str = concat!(event_fields!(), ",created");
pub(crate) const CALENDAR_FIELDS: &str = "summary,timeZone,accessRole";

/// Events per page that are asked for at first. Google gives 2,500 at most; with the long texts of invitations so many would pass
/// what is taken as one answer, and 10,000 events are ten requests like this.
pub(crate) const PAGE_SIZE: usize = 1000;
/// As small as a page becomes if larger ones are too large: each event would have to be 300 kB of text then.
pub(crate) const SMALLEST_PAGE: usize = 50;

/// What could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub &'static str);

/// One page of a listing: its frame. Items are read one by one, so that a bad one does not hide the others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    #[serde(default)]
    items: Vec<Value>,
    time_zone: Option<String>,
    next_page_token: Option<String>,
    next_sync_token: Option<SyncToken>,
}

/// Answer to a watch call. Times come as text, in milliseconds since 1970.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Watch {
    id: String,
    resource_id: String,
    expiration: Option<Value>,
}

/// Reads that Google sends notices to this channel.
pub(crate) fn watched(body: &[u8], channel: &str) -> Result<Watched, Unreadable> {
    let watch: Watch = answer::json(body).ok_or(Unreadable("channel"))?;
    if watch.id != channel {
        return Err(Unreadable("id"));
    }
    if !is_opaque(&watch.resource_id) {
        return Err(Unreadable("resourceId"));
    }
    let expires_at = match &watch.expiration {
        None => None,
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_i64(),
    };
    Ok(Watched {
        resource: watch.resource_id,
        expires_at: expires_at
            .and_then(DateTime::from_timestamp_millis)
            .filter(|at| is_planned_year(at.year())),
    })
}

/// Where a page leads.
pub(crate) enum Next {
    Page(String),
    End(SyncToken),
}

impl Page {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let page: Self = answer::json(body).ok_or(Unreadable("page"))?;
        // More than was asked for is not Google's.
        if page.items.len() > PAGE_SIZE {
            return Err(Unreadable("items"));
        }
        Ok(page)
    }

    /// The calendar's own zone.
    pub(crate) fn zone(&self) -> Option<Tz> {
        self.time_zone.as_deref().and_then(zone_named)
    }

    /// Exactly one of the two tokens is there. Both or none: the answer was cut or made up, and nothing in it counts.
    pub(crate) fn next(&self) -> Result<Next, Unreadable> {
        let page = self.next_page_token.clone().filter(|token| !token.is_empty());
        let sync = self
            .next_sync_token
            .clone()
            .filter(|token| !token.as_str().is_empty());
        match (page, sync) {
            (Some(page), None) if is_opaque(&page) => Ok(Next::Page(page)),
            (Some(_), None) => Err(Unreadable("nextPageToken")),
            (None, Some(sync)) if is_opaque(sync.as_str()) => Ok(Next::End(sync)),
            (None, Some(_)) => Err(Unreadable("nextSyncToken")),
            (None, None) => Err(Unreadable("nextSyncToken")),
            (Some(_), Some(_)) => Err(Unreadable("nextPageToken")),
        }
    }

    /// What the items say. `None` of [`change`] is left out, and so are place and text of events that are nobody's business.
    pub(crate) fn changes(self, zone: Tz) -> impl Iterator<Item = EventChange> {
        let items = self.items.into_iter();
        items
            .filter_map(move |item| change(item, zone))
            .map(without_foreign_texts)
    }
}

/// A calendar as a listing of its events tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Calendar {
    #[serde(default)]
    pub summary: String,
    pub time_zone: Option<String>,
    pub access_role: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEvent {
    id: Option<String>,
    etag: Option<String>,
    status: Option<String>,
    updated: Option<String>,
    start: Option<When>,
    end: Option<When>,
    summary: Option<String>,
    location: Option<String>,
    description: Option<String>,
    recurrence: Option<Vec<String>>,
    recurring_event_id: Option<String>,
    transparency: Option<String>,
    extended_properties: Option<Properties>,
    html_link: Option<String>,
    organizer: Option<Organizer>,
}

/// Only whether it is the calendar itself; nobody's address is asked for.
#[derive(Deserialize)]
struct Organizer {
    #[serde(default, rename = "self")]
    own: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct When {
    date: Option<String>,
    date_time: Option<String>,
    time_zone: Option<String>,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(default)]
    private: BTreeMap<String, String>,
}

/// A tag begins with `#`, an event of ours has our mark or, should that have been taken away, an id that we chose.
fn without_foreign_texts(change: EventChange) -> EventChange {
    let foreign = |event: &Event| {
        let tagged = event.title.contains('#') || normalise(&event.title).contains('#');
        event.mark.is_none() && !tagged && !may_be_chosen(&event.id)
    };
    match change {
        EventChange::Live(event) if foreign(&event) => EventChange::Foreign(Box::new(Event {
            location: String::new(),
            description: String::new(),
            html_link: None,
            ..*event
        })),
        change => change,
    }
}

/// What an item costs in memory while a listing is put together, about. Bytes.
pub(crate) fn kept(change: &EventChange) -> usize {
    let texts = match change {
        EventChange::Live(event) | EventChange::Foreign(event) => {
            let link = event.html_link.as_deref().unwrap_or_default();
            let own = [
                event.id.as_str(),
                event.etag.as_str(),
                &event.title,
                &event.location,
                link,
            ];
            own.iter().map(|text| text.len()).sum::<usize>() + event.description.len() + size_of::<Event>()
        }
        EventChange::Deleted { id, .. } => id.as_str().len(),
        EventChange::Unreadable { id, field } => id.as_ref().map_or(0, |id| id.as_str().len()) + field.len(),
    };
    texts + size_of::<EventChange>()
}

/// One event, from an answer that holds nothing else.
pub(crate) fn event(body: &[u8], zone: Tz) -> Result<EventChange, Unreadable> {
    let value: Value = answer::json(body).ok_or(Unreadable("event"))?;
    match change(value, zone) {
        Some(EventChange::Unreadable { field, .. }) => Err(Unreadable(known_field(&field))),
        Some(change) => Ok(change),
        // An occurrence of a series never has an id that we chose.
        None => Err(Unreadable("recurringEventId")),
    }
}

/// When an event was made, from an answer that holds nothing else. Google gives whole seconds.
pub(crate) fn created(body: &[u8]) -> Option<DateTime<Utc>> {
    let value: Value = answer::json(body)?;
    answer::planned(value.get("created")?.as_str()?)
}

fn known_field(field: &str) -> &'static str {
    ["id", "etag", "start", "end", "summary", "location", "description"]
        .into_iter()
        .find(|known| *known == field)
        .unwrap_or("event")
}

/// What one item says. Occurrences of a series (changed or cancelled ones have an item of their own) are left out: the
/// master tells that there is a series, and a cancelled occurrence is no tombstone of an event of ours.
fn change(item: Value, zone: Tz) -> Option<EventChange> {
    let id = item
        .get("id")
        .and_then(Value::as_str)
        .filter(|id| is_opaque(id))
        .map(EventId::new);
    let unreadable = |field: &str| {
        Some(EventChange::Unreadable {
            id: id.clone(),
            field: field.to_owned(),
        })
    };
    let Ok(wire) = serde_json::from_value::<WireEvent>(item) else {
        return unreadable("event");
    };
    if wire.recurring_event_id.is_some() {
        return None;
    }
    let updated = wire
        .updated
        .as_deref()
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let updated = updated.map(|at| at.with_timezone(&Utc));
    // Of a deleted event only the id is certain.
    if wire.status.as_deref() == Some("cancelled") {
        return match id {
            Some(id) => Some(EventChange::Deleted { id, updated }),
            None => unreadable("id"),
        };
    }
    match live(wire, updated, zone) {
        Ok(event) => Some(EventChange::Live(Box::new(event))),
        Err(Unreadable(field)) => unreadable(field),
    }
}

fn live(wire: WireEvent, updated: Option<DateTime<Utc>>, zone: Tz) -> Result<Event, Unreadable> {
    let id = wire.id.filter(|id| is_opaque(id)).ok_or(Unreadable("id"))?;
    let text = |text: Option<String>, name: &'static str| match text.unwrap_or_default() {
        text if is_text(&text) => Ok(text),
        _ => Err(Unreadable(name)),
    };
    Ok(Event {
        id: EventId(id),
        etag: Etag(
            wire.etag
                .filter(|etag| is_opaque(etag))
                .ok_or(Unreadable("etag"))?,
        ),
        updated,
        time: time(wire.start.as_ref(), wire.end.as_ref(), zone)?,
        title: text(wire.summary, "summary")?,
        location: text(wire.location, "location")?,
        description: text(wire.description, "description")?,
        recurring: wire.recurrence.is_some_and(|lines| !lines.is_empty()),
        free: wire.transparency.as_deref() == Some("transparent"),
        // Would need the guest list, which is not asked for.
        declined: false,
        organised_by_me: wire.organizer.is_some_and(|organizer| organizer.own),
        mark: wire
            .extended_properties
            .and_then(|properties| mark::read(&properties.private)),
        html_link: wire.html_link.filter(|link| is_web_address(link)),
    })
}

fn time(start: Option<&When>, end: Option<&When>, zone: Tz) -> Result<EventTime, Unreadable> {
    let start = start.ok_or(Unreadable("start"))?;
    let end = end.ok_or(Unreadable("end"))?;
    if let Some(first) = &start.date {
        let day = |text: &str| {
            let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            day.filter(|day| is_planned_year(day.year()))
        };
        let first = day(first).ok_or(Unreadable("start"))?;
        let last = end.date.as_deref().and_then(day);
        let last = last.filter(|last| first <= *last).ok_or(Unreadable("end"))?;
        if bug::is_on(Bug::AllDayIsMidnight) {
            let begins = resolve_local(first.and_time(chrono::NaiveTime::MIN), zone);
            return Ok(EventTime::Timed(TimeSpan::new(begins, None, zone)));
        }
        return Ok(EventTime::AllDay {
            start: first,
            end: last,
        });
    }
    let own_zone = start.time_zone.as_deref().and_then(zone_named).unwrap_or(zone);
    let begins = instant(start, own_zone).ok_or(Unreadable("start"))?;
    // An end before the start would be read as another length, and be reported as a move.
    let ends = instant(end, own_zone).filter(|ends| begins <= *ends);
    let ends = ends.ok_or(Unreadable("end"))?;
    // Literally, also where both are the same: an hour that nobody said would be reported as a move.
    Ok(EventTime::Timed(TimeSpan {
        start: begins,
        end: ends,
        zone: own_zone,
    }))
}

/// The instant. The offset may be missing where a zone is told.
fn instant(when: &When, zone: Tz) -> Option<DateTime<Utc>> {
    let text = when.date_time.as_deref()?;
    if bug::is_on(Bug::OffsetDropped)
        && let Ok(at) = DateTime::parse_from_rfc3339(text)
    {
        return Some(at.naive_local().and_utc());
    }
    if let Some(at) = answer::planned(text) {
        return Some(at);
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    if !is_planned_year(local.year()) {
        return None;
    }
    let zone = when.time_zone.as_deref().and_then(zone_named).unwrap_or(zone);
    Some(resolve_local(local, zone))
}
