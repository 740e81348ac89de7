//! Listings: what belongs in one, in which order, page by page, and where the next one goes on.

use super::error::GoogleError;
use super::model::{Calendar, Entry, HORIZON, Life};
use super::query::{ListQuery, OrderBy};
use super::tokens::{self, PageToken, Position, SyncToken};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// `updatedMin` further back than this is refused.
const UPDATED_MIN_REACH: TimeDelta = TimeDelta::days(30);

/// How an answer is spoiled on purpose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spoiling {
    /// No items, and yet the end of the list.
    pub empty: bool,
    /// Half of the items, and yet the end of the list.
    pub short: bool,
    /// The page before again.
    pub repeat: bool,
}

/// One page of a listing.
pub struct Page<'a> {
    /// The items.
    pub items: Vec<Cow<'a, Entry>>,
    /// Where the next page begins.
    pub next_page_token: Option<String>,
    /// Where the next incremental listing begins.
    pub next_sync_token: Option<String>,
}

/// The position that a page token carries, so that all pages of one listing come from one state.
pub fn seen_by(page_token: &str) -> Option<u64> {
    let token: PageToken = tokens::decode(page_token, "pageToken").ok()?;
    Some(token.seen)
}

/// The position from which an incremental listing goes on.
pub fn since_of(sync_token: &str) -> Option<u64> {
    let token: SyncToken = tokens::decode(sync_token, "syncToken").ok()?;
    Some(token.since)
}

/// Who asks, and when.
pub struct Asked<'a> {
    /// Address of the account.
    pub account: &'a str,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The position of the latest change.
    pub latest_change: u64,
    /// Whether something is told again that was told before.
    pub again: bool,
    /// Faults to act out.
    pub spoiling: Spoiling,
}

/// One page of the events of a calendar.
pub fn page<'a>(
    calendar: &'a Calendar,
    query: &ListQuery,
    asked: &Asked<'_>,
) -> Result<Page<'a>, GoogleError> {
    let source = format!("{} {}", calendar.id, asked.account);
    let since = match &query.sync_token {
        None => None,
        // Told again: what the listing before this one told last.
        Some(text) => {
            Some(since(text, calendar, query, &source)?.saturating_sub(if asked.again { 2 } else { 0 }))
        }
    };
    if query
        .updated_min
        .is_some_and(|min| min < asked.now - UPDATED_MIN_REACH)
    {
        return Err(GoogleError::updated_min_too_long_ago());
    }
    let listing = digest(&format!("{source} {}", query.page_parameters()));
    let token = match &query.page_token {
        None => None,
        Some(text) => {
            let token: PageToken = tokens::decode(text, "pageToken")?;
            if token.listing != listing {
                return Err(GoogleError::invalid_value("pageToken"));
            }
            Some(token)
        }
    };
    let after = match &token {
        Some(token) if asked.spoiling.repeat => token.page_before_after,
        Some(token) => Some(token.after),
        None => None,
    };
    let seen = token.as_ref().map_or(asked.latest_change, |token| token.seen);

    let mut items = match since {
        Some(since) => changed(calendar, query, since, asked.now),
        None => whole(calendar, query, asked.now),
    };
    items.retain(|item| passes(item, query));
    let mut items: Vec<(Position, Cow<'a, Entry>)> = items
        .into_iter()
        .map(|item| (position(&item, query, calendar.zone), item))
        .collect();
    items.sort_by_key(|(position, _)| *position);
    items.retain(|(position, _)| {
        after.is_none_or(|after| *position > after || (asked.again && *position == after))
    });

    let size = query.max_results + usize::from(asked.again && after.is_some());
    let more = items.len() > size;
    items.truncate(size);
    let last = items.last().map(|(position, _)| *position);
    let mut items: Vec<Cow<'a, Entry>> = items.into_iter().map(|(_, item)| item).collect();
    let mut next_page_token = last.filter(|_| more).map(|last| {
        tokens::encode(&PageToken {
            listing,
            after: last,
            page_before_after: after,
            seen,
        })
    });
    if asked.spoiling.empty || asked.spoiling.short {
        let kept = if asked.spoiling.empty { 0 } else { items.len() / 2 };
        items.truncate(kept);
        next_page_token = None;
    }
    let next_sync_token = (next_page_token.is_none() && query.gives_sync_token()).then(|| {
        let parameters = query.sync_parameters();
        tokens::encode(&SyncToken {
            source,
            parameters,
            since: seen,
            epoch: calendar.sync_epoch,
        })
    });
    Ok(Page {
        items,
        next_page_token,
        next_sync_token,
    })
}

fn since(text: &str, calendar: &Calendar, query: &ListQuery, source: &str) -> Result<u64, GoogleError> {
    let token: SyncToken = tokens::decode(text, "syncToken")?;
    if token.source != source || token.epoch != calendar.sync_epoch {
        return Err(GoogleError::full_sync_required());
    }
    if token.parameters != query.sync_parameters() {
        return Err(GoogleError::bad_request(
            "The parameters must be the same as in the request that gave the sync token.",
        ));
    }
    Ok(token.since)
}

/// What a listing without a sync token holds.
fn whole<'a>(calendar: &'a Calendar, query: &ListQuery, now: DateTime<Utc>) -> Vec<Cow<'a, Entry>> {
    let tombstones = query.show_deleted.unwrap_or(false) || query.updated_min.is_some();
    let until = query.time_max.map_or(now + HORIZON, |max| max.min(now + HORIZON));
    let mut items = Vec::new();
    for entry in calendar
        .entries
        .values()
        .filter(|entry| entry.hidden_until.is_none())
    {
        let shown = match entry.life {
            Life::Live => true,
            Life::Deleted if tombstones => true,
            // A cancelled occurrence of a living series is part of the series, so it is told even then.
            Life::Deleted => !query.single_events && has_living_series(calendar, entry),
            Life::MovedAway => tombstones,
            Life::Purged => false,
        };
        if !shown {
            continue;
        }
        if query.single_events && entry.is_series() {
            if entry.life == Life::Live {
                items.extend(unchanged_occurrences(calendar, entry, until).map(Cow::Owned));
            }
        } else {
            items.push(Cow::Borrowed(entry));
        }
    }
    items.retain(|item| in_window(item, query, calendar.zone, now));
    items
}

/// What has changed after a position. The window of the first listing is not applied: the service may tell of
/// events outside of it, so a client has to look itself.
fn changed<'a>(
    calendar: &'a Calendar,
    query: &ListQuery,
    since: u64,
    now: DateTime<Utc>,
) -> Vec<Cow<'a, Entry>> {
    let is_new = |entry: &Entry| entry.mark.change > since;
    let mut items = Vec::new();
    for entry in calendar
        .entries
        .values()
        .filter(|entry| entry.life != Life::Purged && entry.hidden_until.is_none())
    {
        if !query.single_events {
            if is_new(entry) {
                items.push(Cow::Borrowed(entry));
            }
            continue;
        }
        let with_series = entry
            .series
            .as_ref()
            .and_then(|series| calendar.entries.get(&series.master));
        if !entry.is_series() {
            if is_new(entry) || with_series.is_some_and(is_new) {
                items.push(Cow::Borrowed(entry));
            }
        } else if is_new(entry) {
            items.extend(unchanged_occurrences(calendar, entry, now + HORIZON).map(Cow::Owned));
        }
        // What this entry used to show as single events and shows no more.
        for (_, slot) in entry.lost_slots.iter().filter(|(change, _)| *change > since) {
            let id = entry.instance_id(slot);
            if !calendar.entries.contains_key(&id) {
                let gone = Entry {
                    life: Life::Deleted,
                    ..Calendar::occurrence(entry, slot)
                };
                items.push(Cow::Owned(gone));
            }
        }
        if entry.became_series.is_some_and(|change| change > since) {
            items.push(Cow::Owned(Entry {
                life: Life::Deleted,
                ..entry.clone()
            }));
        }
    }
    items
}

/// The occurrences of a series that are not exceptions; cancelled ones if the series is.
pub fn unchanged_occurrences<'a>(
    calendar: &'a Calendar,
    master: &'a Entry,
    until: DateTime<Utc>,
) -> impl Iterator<Item = Entry> + 'a {
    let occurrences = master
        .slots(until)
        .into_iter()
        .map(|slot| Calendar::occurrence(master, &slot));
    occurrences.filter(|occurrence| !calendar.entries.contains_key(&occurrence.id))
}

fn has_living_series(calendar: &Calendar, entry: &Entry) -> bool {
    let series = entry
        .series
        .as_ref()
        .and_then(|series| calendar.entries.get(&series.master));
    series.is_some_and(|master| master.life == Life::Live)
}

fn in_window(entry: &Entry, query: &ListQuery, zone: Tz, now: DateTime<Utc>) -> bool {
    if query.time_min.is_none() && query.time_max.is_none() {
        return true;
    }
    let span = entry.span();
    let length = span.start.until(&span.end);
    let fits = |start: DateTime<Utc>, end: DateTime<Utc>| {
        query
            .time_min
            .is_none_or(|min| end > min || (start == end && start >= min))
            && query.time_max.is_none_or(|max| start < max)
    };
    if entry.is_series() {
        let until = query.time_max.unwrap_or(now + HORIZON);
        return entry
            .slots(until)
            .iter()
            .any(|slot| fits(slot.instant(zone), slot.plus(length).instant(zone)));
    }
    fits(span.start.instant(zone), span.end.instant(zone))
}

fn passes(entry: &Entry, query: &ListQuery) -> bool {
    let body = &entry.body;
    let of_series = |wanted: &String| {
        entry
            .series
            .as_ref()
            .is_some_and(|series| series.master == *wanted)
    };
    let has_property = |side: &str, (key, value): &(String, String)| {
        let found = body
            .get("extendedProperties")
            .and_then(|sides| sides.get(side)?.get(key)?.as_str());
        found == Some(value)
    };
    query.only_series.as_ref().is_none_or(of_series)
        && query.updated_min.is_none_or(|min| entry.updated >= min)
        && query.ical_uid.as_ref().is_none_or(|uid| *uid == entry.ical_uid)
        && query
            .private_properties
            .iter()
            .all(|wanted| has_property("private", wanted))
        && query
            .shared_properties
            .iter()
            .all(|wanted| has_property("shared", wanted))
        && (query.event_types.is_empty()
            || body
                .get("eventType")
                .and_then(Value::as_str)
                .is_some_and(|t| query.event_types.iter().any(|w| w == t)))
        && query
            .text
            .as_ref()
            .is_none_or(|words| contains_words(entry, words))
}

fn contains_words(entry: &Entry, words: &str) -> bool {
    let mut text = String::new();
    for name in ["summary", "description", "location"] {
        text.push_str(entry.body.get(name).and_then(Value::as_str).unwrap_or_default());
        text.push('\n');
    }
    for guest in entry
        .body
        .get("attendees")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        for name in ["email", "displayName"] {
            text.push_str(guest.get(name).and_then(Value::as_str).unwrap_or_default());
            text.push('\n');
        }
    }
    let text = text.to_lowercase();
    words.split_whitespace().all(|word| text.contains(word))
}

fn position(entry: &Entry, query: &ListQuery, zone: Tz) -> Position {
    let start = entry.span().start.instant(zone).timestamp_millis();
    let slot = entry
        .series
        .as_ref()
        .map_or(0, |series| series.original.instant(zone).timestamp_millis());
    match query.order_by {
        OrderBy::Unspecified => (0, entry.order, slot),
        OrderBy::StartTime => (start, entry.order, slot),
        OrderBy::Updated => (entry.updated.timestamp_millis(), entry.order, slot),
    }
}

/// A short fingerprint.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
