//! The calendars as data: accounts, calendars, events, and the marks that order every change.

use super::body::{self, Object};
use super::error::GoogleError;
use super::recur;
use super::when::When;
use crate::realism::{self, Realism};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How far ahead a series without an end is expanded.
pub const HORIZON: TimeDelta = TimeDelta::days(730);

/// The counters from which etags and the order of changes come. One for the whole service, as an etag is never
/// reused anywhere.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    etag: u64,
    change: u64,
    order: u64,
    /// When each change was made: the first one at index 0.
    times: Vec<DateTime<Utc>>,
}

/// The mark one change leaves on what it touched.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Number in the etag.
    pub etag: u64,
    /// Position in the order of all changes: what sync tokens count.
    pub change: u64,
}

impl Marks {
    /// A mark for a change made at `now`. Etags follow the clock as the real ones do, but stay unique when it stands.
    pub fn next(&mut self, now: DateTime<Utc>) -> Mark {
        let from_clock = u64::try_from(now.timestamp_millis()).unwrap_or(0) * 2_000;
        self.etag = from_clock.max(self.etag + 2);
        self.change += 1;
        self.times.push(now);
        Mark {
            etag: self.etag,
            change: self.change,
        }
    }

    /// A further place in the order of changes, for something that is told again: the etag stays.
    pub fn again(&mut self, now: DateTime<Utc>) -> u64 {
        self.change += 1;
        self.times.push(now);
        self.change
    }

    /// The position of the latest change made at `until` or before.
    pub fn change_at(&self, until: DateTime<Utc>) -> u64 {
        let found = self.times.iter().rposition(|at| *at <= until);
        found.map_or(0, |index| index as u64 + 1)
    }

    /// The position of the latest change.
    pub fn latest_change(&self) -> u64 {
        self.change
    }

    pub(super) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }
}

/// A person's account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Address; also the id of the primary calendar.
    pub email: String,
    /// The stable identifier in the id token.
    pub sub: String,
    /// Full name.
    pub name: String,
    /// The `timezone` setting.
    pub zone: Tz,
    /// The calendars shown to this person.
    pub list: BTreeMap<String, ListEntry>,
}

/// A calendar in a person's list.
#[derive(Debug, Clone)]
pub struct ListEntry {
    /// What the person may do there.
    pub role: Role,
    /// Key of the calendar palette.
    pub color_id: u8,
    /// Taken off the list.
    pub deleted: bool,
    /// The latest change of this entry.
    pub mark: Mark,
}

/// What a person may do in a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees events.
    Reader,
    /// Changes events.
    Writer,
    /// Owns the calendar.
    Owner,
}

impl Role {
    /// The name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is there.
    Live,
    /// Deleted: a tombstone, in the bin. For an occurrence: cancelled.
    Deleted,
    /// Moved to another calendar: a shell that keeps the id.
    MovedAway,
    /// Gone from listings and reads; only the id stays taken.
    Purged,
}

/// The place of an exception in its series.
#[derive(Debug, Clone)]
pub struct InSeries {
    /// Id of the series.
    pub master: String,
    /// The slot it stands for.
    pub original: When,
}

/// One stored event, series or exception.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id in this calendar.
    pub id: String,
    /// Position in listings that ask for no order.
    pub order: u64,
    /// RFC 5545 UID.
    pub ical_uid: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was last changed (reminders do not count).
    pub updated: DateTime<Utc>,
    /// Its latest change.
    pub mark: Mark,
    /// iCalendar sequence.
    pub sequence: i64,
    /// Live, deleted, moved away.
    pub life: Life,
    /// `status: tentative`.
    pub tentative: bool,
    /// Address of who made it.
    pub creator: String,
    /// Somebody else's event to which the owner of the calendar is invited: address and name.
    pub invited_by: Option<(String, String)>,
    /// The slot, if this is an exception.
    pub series: Option<InSeries>,
    /// Slots that a change of the series took away, each with the position of that change.
    pub lost_slots: Vec<(u64, When)>,
    /// Position of the change that made a single event a series.
    pub became_series: Option<u64>,
    /// Listings do not tell of its deletion before this time.
    pub hidden_until: Option<DateTime<Utc>>,
    /// The writable fields, normalised.
    pub body: Object,
}

impl Entry {
    /// The etag with its quotes.
    pub fn etag(&self) -> String {
        quoted(self.mark.etag)
    }

    /// Its recurrence lines; empty for what is no series.
    pub fn recurrence(&self) -> Vec<String> {
        self.body
            .get("recurrence")
            .and_then(|lines| recur::lines(lines).ok())
            .unwrap_or_default()
    }

    /// True for a series.
    pub fn is_series(&self) -> bool {
        self.body.contains_key("recurrence")
    }

    /// Its times. Stored bodies are normalised, so they always have some.
    pub fn span(&self) -> body::Span {
        body::span(&self.body).unwrap_or_else(|_| {
            let at = When::Moment {
                at: self.created,
                zone: None,
            };
            body::Span { start: at, end: at }
        })
    }

    /// The original starts of a series up to `until`.
    pub fn slots(&self, until: DateTime<Utc>) -> Vec<When> {
        recur::occurrences(&self.recurrence(), &self.span().start, until)
    }

    /// The id of the occurrence in a slot.
    pub fn instance_id(&self, slot: &When) -> String {
        format!("{}_{}", self.id, slot.slot())
    }
}

/// A calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Its id: an address.
    pub id: String,
    /// Address of the owner.
    pub owner: String,
    /// Name.
    pub summary: String,
    /// Description.
    pub description: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Its zone.
    pub zone: Tz,
    /// The client that made it, for `calendar.app.created`.
    pub made_by_client: Option<String>,
    /// The latest change of its properties.
    pub mark: Mark,
    /// Sync tokens of another epoch are dead.
    pub sync_epoch: u64,
    /// All events ever, by id.
    pub entries: BTreeMap<String, Entry>,
    /// What entries were before their latest changes, for listings that are behind; empty unless such are wanted.
    pub past: BTreeMap<String, Vec<Entry>>,
}

/// How one write is made.
pub struct Write<'a> {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// Where its mark comes from.
    pub marks: &'a mut Marks,
    /// Address of who writes.
    pub actor: &'a str,
    /// The `If-Match` header.
    pub if_match: Option<&'a str>,
    /// What the query allows.
    pub options: body::WriteOptions,
    /// The id of an event made without one.
    pub fresh_id: String,
    /// What the service does beyond the happy path.
    pub realism: Realism,
    /// How much later listings may tell of a deletion, drawn for this write.
    pub tombstone_after: TimeDelta,
}

impl Write<'_> {
    /// What `updated` says of this write.
    fn updated(&self) -> DateTime<Utc> {
        let grain = i64::from(self.realism.updated_granularity_ms).max(1);
        let millis = self.now.timestamp_millis();
        DateTime::from_timestamp_millis(millis - millis.rem_euclid(grain)).unwrap_or(self.now)
    }

    /// Brings the description into the form in which it is stored.
    fn store(&self, body: &mut Object) {
        if let Some(Value::String(text)) = body
            .get_mut("description")
            .filter(|_| self.realism.html_descriptions)
        {
            *text = realism::as_html(text);
        }
    }
}

/// An event found by id.
pub enum Found<'a> {
    /// A stored one.
    Stored(&'a Entry),
    /// An unchanged occurrence of a series.
    Occurrence(&'a Entry, When),
}

impl Calendar {
    /// Whether this is its owner's main calendar.
    pub fn is_primary(&self) -> bool {
        self.id == self.owner
    }

    /// Finds what an id names; purged events are not found.
    pub fn find(&self, id: &str) -> Option<Found<'_>> {
        if let Some(entry) = self.entries.get(id) {
            return (entry.life != Life::Purged).then_some(Found::Stored(entry));
        }
        let (master, slot) = id.split_once('_')?;
        let master = self
            .entries
            .get(master)
            .filter(|entry| entry.life == Life::Live && entry.is_series())?;
        let slot = recur::slot(slot, &master.span().start)?;
        let known = master.slots(slot.instant(Tz::UTC)).contains(&slot);
        known.then_some(Found::Occurrence(master, slot))
    }

    /// An unchanged occurrence as an entry of its own.
    pub fn occurrence(master: &Entry, slot: &When) -> Entry {
        let span = master.span();
        let mut body = master.body.clone();
        body.remove("recurrence");
        body.insert("start".into(), slot.stored());
        body.insert("end".into(), slot.plus(span.start.until(&span.end)).stored());
        Entry {
            id: master.instance_id(slot),
            series: Some(InSeries {
                master: master.id.clone(),
                original: *slot,
            }),
            lost_slots: Vec::new(),
            became_series: None,
            body,
            ..master.clone()
        }
    }

    fn writable_entry(&mut self, id: &str) -> Result<&mut Entry, GoogleError> {
        if let Some(Found::Occurrence(master, slot)) = self.find(id) {
            let entry = Self::occurrence(master, &slot);
            return Ok(self.entries.entry(entry.id.clone()).or_insert(entry));
        }
        let entry = self
            .entries
            .get_mut(id)
            .filter(|entry| entry.life != Life::Purged);
        entry.ok_or_else(GoogleError::not_found)
    }

    /// Checks, without touching anything, that `id` is there and matches the precondition.
    fn check_precondition(&self, id: &str, write: &Write<'_>) -> Result<(), GoogleError> {
        let etag = match self.find(id).ok_or_else(GoogleError::not_found)? {
            Found::Stored(entry) => entry.etag(),
            Found::Occurrence(master, _) => master.etag(),
        };
        match write.if_match {
            Some(wanted) if !etag_matches(wanted, &etag) => Err(GoogleError::condition_not_met()),
            _ => Ok(()),
        }
    }

    /// Makes an event and returns its id.
    pub fn insert(&mut self, write: &mut Write<'_>, sent: &Object) -> Result<String, GoogleError> {
        let id = match sent.get("id").filter(|id| !id.is_null()) {
            None => write.fresh_id.clone(),
            Some(Value::String(id)) if is_valid_id(id) => id.clone(),
            Some(_) => return Err(GoogleError::invalid("Invalid resource id value.")),
        };
        let tentative = match status(sent)? {
            None | Some("confirmed") => false,
            Some("tentative") => true,
            Some(_) => return Err(GoogleError::invalid("Invalid value for status.")),
        };
        let mut body = Object::new();
        body::merge(&mut body, &body::writable(sent, write.options)?);
        body::normalise(&mut body)?;
        body::check_new_type(&body)?;
        let derived = format!("{id}@google.com");
        let ical_uid = match sent.get("iCalUID").and_then(Value::as_str) {
            Some(uid) if sent.contains_key("id") && uid != derived => {
                return Err(GoogleError::invalid("The iCalUID does not fit the id."));
            }
            Some(uid) => uid.to_owned(),
            None => derived,
        };
        write.store(&mut body);
        let blind = TimeDelta::milliseconds(write.realism.unnoticed_collisions_ms.into());
        if let Some(there) = self.entries.get_mut(&id) {
            let unnoticed = there.life == Life::Live && write.now - there.created < blind;
            if !unnoticed {
                return Err(GoogleError::duplicate());
            }
            there.body = body;
            there.tentative = tentative;
            there.updated = write.updated();
            there.mark = write.marks.next(write.now);
            return Ok(id);
        }
        let mark = write.marks.next(write.now);
        let entry = Entry {
            id: id.clone(),
            order: write.marks.next_order(),
            ical_uid,
            created: write.now,
            updated: write.updated(),
            mark,
            sequence: sequence(sent)?.unwrap_or(0),
            life: Life::Live,
            tentative,
            creator: write.actor.to_owned(),
            invited_by: None,
            series: None,
            lost_slots: Vec::new(),
            became_series: None,
            hidden_until: None,
            body,
        };
        self.entries.insert(id.clone(), entry);
        Ok(id)
    }

    /// Merges `sent` into an event.
    pub fn patch(&mut self, write: &mut Write<'_>, id: &str, sent: &Object) -> Result<(), GoogleError> {
        self.check_precondition(id, write)?;
        let patch = body::writable(sent, write.options)?;
        self.rewrite(write, id, sent, |body| body::merge(body, &patch))
    }

    /// Replaces an event: what `sent` leaves out is cleared.
    pub fn update(&mut self, write: &mut Write<'_>, id: &str, sent: &Object) -> Result<(), GoogleError> {
        self.check_precondition(id, write)?;
        let fresh = body::writable(sent, write.options)?;
        let options = write.options;
        let mut with_status = sent.clone();
        with_status.entry("status").or_insert_with(|| "confirmed".into());
        self.rewrite(write, id, &with_status, |body| {
            let old = std::mem::take(body);
            body::merge(body, &fresh);
            // Not written in this version of the call, so not cleared by it either.
            let kept = [
                ("conferenceData", !options.conference),
                ("attachments", !options.attachments),
                ("eventType", true),
            ];
            for (name, keep) in kept {
                if let Some(value) = old.get(name).filter(|_| keep && !body.contains_key(name)) {
                    body.insert(name.to_owned(), value.clone());
                }
            }
        })
    }

    fn rewrite(
        &mut self,
        write: &mut Write<'_>,
        id: &str,
        sent: &Object,
        change: impl FnOnce(&mut Object),
    ) -> Result<(), GoogleError> {
        let status = status(sent)?;
        if status == Some("cancelled") {
            return match self.find(id) {
                Some(Found::Stored(entry)) if entry.life != Life::Live => Ok(()),
                _ => self.delete(write, id),
            };
        }
        // All checks come before the occurrence becomes an entry of its own.
        let before = match self.find(id).ok_or_else(GoogleError::not_found)? {
            Found::Stored(entry) => entry.clone(),
            Found::Occurrence(master, slot) => Self::occurrence(master, &slot),
        };
        let wanted_sequence = sequence(sent)?;
        if wanted_sequence.is_some_and(|wanted| wanted < before.sequence) {
            return Err(GoogleError::invalid(
                "Invalid sequence value. The specified sequence number is below the current sequence number of \
                 the resource. Re-fetch the resource and use its sequence number on the following request.",
            ));
        }
        if before.life == Life::MovedAway {
            return Err(GoogleError::forbidden());
        }
        let mut body = before.body.clone();
        change(&mut body);
        if before.series.is_some() {
            body.remove("recurrence");
        }
        body::normalise(&mut body)?;
        write.store(&mut body);
        if body.get("eventType") != before.body.get("eventType") {
            return Err(GoogleError::invalid("The event type cannot be changed."));
        }
        let guest_may = before
            .body
            .get("guestsCanModify")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        if before.invited_by.is_some() && !guest_may && shared_fields_differ(&before.body, &body) {
            return Err(GoogleError::forbidden_for_non_organizer());
        }
        let moved = ["start", "end", "recurrence"]
            .iter()
            .any(|name| body.get(*name) != before.body.get(*name));
        let mut after = before.clone();
        after.body = body;
        if let Some(status) = status {
            after.tentative = status == "tentative";
            after.life = Life::Live;
            after.hidden_until = None;
        }
        after.sequence = (before.sequence + i64::from(moved)).max(wanted_sequence.unwrap_or(0));
        after.mark = write.marks.next(write.now);
        if !only_reminders_differ(&before, &after) {
            after.updated = write.updated();
        }
        if moved && before.series.is_none() {
            self.note_slots(&before, &mut after, write.now);
        }
        *self.writable_entry(id)? = after;
        Ok(())
    }

    /// Keeps what listings of single occurrences must still report after a series changed its slots, and cancels
    /// the exceptions that have lost theirs.
    fn note_slots(&mut self, before: &Entry, after: &mut Entry, now: DateTime<Utc>) {
        let change = after.mark.change;
        if !before.is_series() {
            after.became_series = after.is_series().then_some(change);
            return;
        }
        let until = now + HORIZON;
        let old = before.slots(until);
        let new = if after.is_series() {
            after.slots(until)
        } else {
            Vec::new()
        };
        if !after.is_series() {
            after.became_series = None;
        }
        after.lost_slots.retain(|(_, slot)| !new.contains(slot));
        after.lost_slots.extend(
            old.into_iter()
                .filter(|slot| !new.contains(slot))
                .map(|slot| (change, slot)),
        );
        let mark = after.mark;
        for entry in self.entries.values_mut() {
            let lost = entry
                .series
                .as_ref()
                .is_some_and(|s| s.master == after.id && !new.contains(&s.original));
            if lost && entry.life == Life::Live {
                entry.life = Life::Deleted;
                entry.mark = mark;
                entry.updated = now;
            }
        }
    }

    /// Deletes an event; for an occurrence that is a cancelled exception, for a series all of it.
    pub fn delete(&mut self, write: &mut Write<'_>, id: &str) -> Result<(), GoogleError> {
        match self.find(id).ok_or_else(GoogleError::not_found)? {
            Found::Stored(entry) if entry.life != Life::Live => return Err(GoogleError::deleted()),
            _ => self.check_precondition(id, write)?,
        }
        let (now, mark) = (write.updated(), write.marks.next(write.now));
        let hidden = (!write.tombstone_after.is_zero()).then_some(write.now + write.tombstone_after);
        let entry = self.writable_entry(id)?;
        entry.life = Life::Deleted;
        entry.hidden_until = hidden;
        entry.mark = mark;
        entry.updated = now;
        for exception in self.entries.values_mut() {
            let belongs = exception
                .series
                .as_ref()
                .is_some_and(|series| series.master == id);
            if belongs && exception.life == Life::Live {
                exception.life = Life::Deleted;
                exception.hidden_until = hidden;
                exception.mark = mark;
                exception.updated = now;
            }
        }
        Ok(())
    }

    /// Keeps what an entry was, for listings that are behind.
    pub fn remember(&mut self, entry: Entry) {
        /// Behind by more changes of one event than this is behind by none.
        const KEPT: usize = 16;
        let past = self.past.entry(entry.id.clone()).or_default();
        past.push(entry);
        if past.len() > KEPT {
            past.remove(0);
        }
    }

    /// The calendar as it was at a position in the order of changes.
    pub fn as_of(&self, change: u64) -> Self {
        let mut there = Self {
            entries: BTreeMap::new(),
            past: BTreeMap::new(),
            ..self.clone()
        };
        for (id, entry) in &self.entries {
            let mut versions = self.past.get(id).into_iter().flatten().chain([entry]);
            if let Some(then) = versions.rfind(|version| version.mark.change <= change) {
                there.entries.insert(id.clone(), then.clone());
            }
        }
        there
    }

    /// Tells of the deletions whose time has come, as something new.
    pub fn ripen(&mut self, marks: &mut Marks, now: DateTime<Utc>) {
        let due: Vec<(String, DateTime<Utc>)> = self
            .entries
            .values()
            .filter_map(|entry| {
                Some((
                    entry.id.clone(),
                    entry.hidden_until.filter(|until| *until <= now)?,
                ))
            })
            .collect();
        for (id, since) in due {
            if let Some(entry) = self.entries.get_mut(&id) {
                let hidden = entry.clone();
                entry.hidden_until = None;
                entry.mark.change = marks.again(since);
                self.remember(hidden);
            }
        }
    }

    /// The ids that travel together when an event is moved to another calendar.
    pub fn family(&self, id: &str) -> BTreeSet<String> {
        let members = self.entries.values().filter(|entry| {
            entry.id == id || entry.series.as_ref().is_some_and(|series| series.master == id)
        });
        members.map(|entry| entry.id.clone()).collect()
    }
}

/// `"3181161784712000"` with its quotes.
pub fn quoted(etag: u64) -> String {
    format!("\"{etag}\"")
}

/// Whether a precondition header names this etag.
pub fn etag_matches(header: &str, etag: &str) -> bool {
    header
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one == etag)
}

/// 5 to 1,024 characters of `a`–`v` and `0`–`9`.
pub fn is_valid_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'a'..=b'v' | b'0'..=b'9'))
}

fn status(sent: &Object) -> Result<Option<&str>, GoogleError> {
    match sent.get("status") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(status)) if ["confirmed", "tentative", "cancelled"].contains(&status.as_str()) => {
            Ok(Some(status))
        }
        Some(_) => Err(GoogleError::invalid("Invalid value for status.")),
    }
}

fn sequence(sent: &Object) -> Result<Option<i64>, GoogleError> {
    match sent.get("sequence") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(number) if (0..=i64::from(i32::MAX)).contains(&number) => Ok(Some(number)),
            Some(_) => Err(GoogleError::invalid("Invalid sequence value.")),
            None => Err(GoogleError::parse_error()),
        },
    }
}

fn only_reminders_differ(before: &Entry, after: &Entry) -> bool {
    let without = |entry: &Entry| {
        let mut body = entry.body.clone();
        body.remove("reminders");
        (body, entry.tentative, entry.life)
    };
    before.body.get("reminders") != after.body.get("reminders") && without(before) == without(after)
}

/// What belongs to the event itself rather than to one person's copy of it.
fn shared_fields_differ(before: &Object, after: &Object) -> bool {
    let shared = ["start", "end", "recurrence", "summary", "description", "location"];
    shared.iter().any(|name| before.get(*name) != after.get(*name))
}
