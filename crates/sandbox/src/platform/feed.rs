//! The change feed: what happened to each person's appointments, in order, and the cursors into it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::realism::{chance, happens};

use super::problem::Problem;
use super::state::State;
use super::types::{AppointmentStatus, FeedItem, FeedPage};

/// Older entries are forgotten; a cursor from before them has expired.
const FEED_MEMORY: TimeDelta = TimeDelta::days(30);

#[derive(Debug, Clone)]
struct Entry {
    at: DateTime<Utc>,
    user: String,
    item: FeedItem,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Feed {
    last_seq: u64,
    /// A cursor below this has expired.
    floor: u64,
    entries: BTreeMap<u64, Entry>,
    /// The last entry of each person, so that other people's changes do not move a person's cursor.
    last_of: BTreeMap<String, u64>,
}

/// Where a listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// After this entry of the feed.
    Feed { seq: u64 },
    /// In a snapshot that began at `seq`: after this appointment number.
    Snapshot { seq: u64, number: u64 },
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        if let Some(seq) = text.strip_prefix("c_") {
            return Some(Self::Feed {
                seq: seq.parse().ok()?,
            });
        }
        let (seq, number) = text.strip_prefix("s_")?.split_once('_')?;
        Some(Self::Snapshot {
            seq: seq.parse().ok()?,
            number: number.parse().ok()?,
        })
    }

    fn text(self) -> String {
        match self {
            Self::Feed { seq } => format!("c_{seq}"),
            Self::Snapshot { seq, number } => format!("s_{seq}_{number}"),
        }
    }

    fn seq(self) -> u64 {
        match self {
            Self::Feed { seq } | Self::Snapshot { seq, .. } => seq,
        }
    }
}

/// How a page is to go wrong. None of these ever skips a change: the next cursor leads to what was held back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PageFault {
    pub empty: bool,
    pub short: bool,
    pub repeat: bool,
}

impl Feed {
    pub fn push(&mut self, at: DateTime<Utc>, user: &str, item: FeedItem) {
        self.last_seq += 1;
        self.entries.insert(
            self.last_seq,
            Entry {
                at,
                user: user.to_owned(),
                item,
            },
        );
        self.last_of.insert(user.to_owned(), self.last_seq);
    }

    /// Makes every cursor handed out so far expire.
    pub fn expire_cursors(&mut self) {
        self.last_seq += 1;
        self.floor = self.last_seq;
        self.entries.clear();
    }

    fn forget_old(&mut self, now: DateTime<Utc>) {
        while let Some(first) = self.entries.first_entry() {
            if now - first.get().at < FEED_MEMORY {
                return;
            }
            self.floor = *first.key();
            first.remove();
        }
    }
}

impl State {
    /// One page of what is assigned to `user`.
    pub fn feed_page(
        &mut self,
        user: &str,
        cursor: Option<&str>,
        limit: usize,
        fault: PageFault,
        now: DateTime<Utc>,
    ) -> Result<FeedPage, Problem> {
        self.feed.forget_old(now);
        let cursor = match cursor {
            None => {
                let last = self.feed.last_of.get(user).copied().unwrap_or_default();
                Cursor::Snapshot {
                    seq: last.max(self.feed.floor),
                    number: 0,
                }
            }
            Some(text) => Cursor::parse(text).ok_or_else(Problem::cursor_expired)?,
        };
        if cursor.seq() < self.feed.floor || cursor.seq() > self.feed.last_seq {
            return Err(Problem::cursor_expired());
        }
        let mut found = match cursor {
            Cursor::Feed { seq } => self.changes_after(user, seq, limit + 1),
            Cursor::Snapshot { seq, number } => self.snapshot_after(user, seq, number, limit + 1, now),
        };
        let mut has_more = found.len() > limit;
        found.truncate(limit);
        if fault.empty || fault.short {
            has_more = false;
            found.truncate(if fault.empty { 0 } else { found.len() / 2 });
        }
        let held_back = fault.empty || fault.short;
        let last = found.last().map(|(position, _)| *position);
        let next = match (cursor, last) {
            _ if fault.repeat => cursor,
            // A snapshot that is complete hands over to the feed from where it began, so that nothing is skipped.
            (Cursor::Snapshot { seq, .. }, _) if !has_more && !held_back => Cursor::Feed { seq },
            (_, Some(position)) => position,
            (_, None) => cursor,
        };
        let mut items: Vec<FeedItem> = found.into_iter().map(|(_, item)| item).collect();
        if let Cursor::Feed { seq } = cursor {
            self.repeat_and_shuffle(user, seq, &mut items);
        }
        Ok(FeedPage {
            items,
            next_cursor: next.text(),
            has_more: has_more || fault.repeat,
            snapshot: matches!(cursor, Cursor::Snapshot { .. }),
        })
    }

    /// Puts older items of the same person into a page, and another order: the same ones for the same cursor, so that a
    /// page's etag stays while nothing is new.
    fn repeat_and_shuffle(&self, user: &str, seq: u64, items: &mut Vec<FeedItem>) {
        let (seed, percent) = self.feed_repeats;
        let draw = |number| chance(seed, &["feed", user], &[seq, number]);
        if !happens(percent, draw(0)) {
            return;
        }
        let older: Vec<&FeedItem> = self
            .feed
            .entries
            .range(..=seq)
            .rev()
            .filter(|(_, entry)| entry.user == user)
            .map(|(_, entry)| &entry.item)
            .take(6)
            .collect();
        for number in 1..=2 {
            if let Some(item) = usize::try_from(draw(number))
                .ok()
                .and_then(|n| older.get(n % older.len().max(1)))
            {
                items.push((*item).clone());
            }
        }
        for at in (1..items.len()).rev() {
            let other = draw(100 + at as u64) % (at as u64 + 1);
            items.swap(at, usize::try_from(other).unwrap_or(0));
        }
    }

    fn changes_after(&self, user: &str, seq: u64, count: usize) -> Vec<(Cursor, FeedItem)> {
        let later = self
            .feed
            .entries
            .range(seq + 1..)
            .filter(|(_, entry)| entry.user == user);
        later
            .take(count)
            .map(|(seq, entry)| (Cursor::Feed { seq: *seq }, entry.item.clone()))
            .collect()
    }

    fn snapshot_after(
        &self,
        user: &str,
        seq: u64,
        number: u64,
        count: usize,
        now: DateTime<Utc>,
    ) -> Vec<(Cursor, FeedItem)> {
        let current = self.records.range(number + 1..).filter(|(_, record)| {
            let appointment = &record.appointment;
            // One without an end is taken to last until something says otherwise: never leave out too much.
            let ends = appointment.end.unwrap_or(appointment.start + TimeDelta::days(1));
            record.assignee.as_deref() == Some(user)
                && !record.deleted
                && appointment.status != AppointmentStatus::Cancelled
                && ends > now
        });
        let items = current.take(count).map(|(number, record)| {
            let appointment = Box::new(record.appointment.clone());
            (
                Cursor::Snapshot { seq, number: *number },
                FeedItem::Upsert { appointment },
            )
        });
        items.collect()
    }
}
