//! Listings that are behind, repeat themselves, or tell of deletions late: the service's copies as a reader meets them.

use super::list;
use super::model::Entry;
use super::query::ListQuery;
use super::service::{Op, State, Writer};
use super::wire::Call;
use crate::realism::{chance, happens};
use crate::shared::Shared;
use chrono::TimeDelta;

/// So long the same copy answers a reader.
const TURN_MS: i64 = 5_000;
/// Copies that answer in turn: fresh, half behind, as far behind as they may be.
const COPIES: u64 = 3;

/// What a listing is answered from.
pub struct Replica {
    /// The position in the order of changes up to which it knows.
    pub change: u64,
    /// Whether that may be less than all.
    pub behind: bool,
    /// Something is told again.
    pub again: bool,
    /// The page before is told again.
    pub repeat: bool,
}

impl State {
    /// The copy that answers this listing. Deletions whose time has come are told from now on.
    pub fn replica(&mut self, shared: &Shared, call: &Call, calendar: &str, query: &ListQuery) -> Replica {
        let (now, realism) = (shared.now(), shared.realism());
        let id = self
            .calendar(&call.account, calendar)
            .map(|(calendar, _)| calendar.id.clone());
        if let Some(calendar) = id.ok().and_then(|id| self.calendars.get_mut(&id)) {
            calendar.ripen(&mut self.marks, now);
        }
        self.lists += 1;
        let draw = |word| chance(shared.seed(), &[word], &[self.lists]);
        let again = happens(realism.repeated_items_percent, draw("items"));
        let repeat = query.page_token.is_some() && happens(realism.repeated_pages_percent, draw("page"));
        let page = query.page_token.as_deref().and_then(list::seen_by);
        if realism.list_lag_ms == 0 {
            return Replica {
                change: self.marks.latest_change(),
                behind: false,
                again,
                repeat,
            };
        }
        let turn = u64::try_from(now.timestamp_millis() / TURN_MS).unwrap_or(0);
        let reader = call.said.session.unwrap_or(0);
        let copy = chance(shared.seed(), &["copy", &call.account], &[reader, turn]) % COPIES;
        let lag = i64::from(realism.list_lag_ms) * i64::try_from(copy).unwrap_or(0) / 2;
        let known = self.marks.change_at(now - TimeDelta::milliseconds(lag));
        // A copy that is behind the reader's token has nothing to tell; it never gives back a place before it.
        let token = query.sync_token.as_deref().and_then(list::since_of).unwrap_or(0);
        Replica {
            change: page.unwrap_or(known.max(token)),
            behind: true,
            again,
            repeat,
        }
    }

    /// What a write is about to change, if listings may be behind.
    pub(super) fn old_versions(
        &self,
        writer: &Writer<'_>,
        calendar: &str,
        op: Op<'_>,
    ) -> Vec<(String, Entry)> {
        let (Some(event), true) = (op.event(), writer.realism.list_lag_ms > 0) else {
            return Vec::new();
        };
        let places = match op {
            Op::Move(_, destination) => vec![calendar, destination],
            Op::Insert(_) | Op::Patch(..) | Op::Update(..) | Op::Delete(_) => vec![calendar],
        };
        let there = places
            .iter()
            .filter_map(|place| Some(self.calendar(writer.account, place).ok()?.0));
        there
            .flat_map(|calendar| {
                calendar
                    .related(event)
                    .map(|entry| (calendar.id.clone(), entry.clone()))
            })
            .collect()
    }

    /// Keeps of those what has changed.
    pub(super) fn keep_old(&mut self, old: Vec<(String, Entry)>) {
        for (place, entry) in old {
            if let Some(calendar) = self.calendars.get_mut(&place) {
                let now = calendar.entries.get(&entry.id).map(|now| now.mark.change);
                if now != Some(entry.mark.change) {
                    calendar.remember(entry);
                }
            }
        }
    }
}

/// How much later listings tell of a deletion made now.
pub fn tombstone_after(writer: &Writer<'_>) -> TimeDelta {
    let longest = u64::from(writer.realism.late_tombstones_ms);
    if longest == 0 {
        return TimeDelta::zero();
    }
    TimeDelta::milliseconds(i64::try_from(writer.draw % longest + 1).unwrap_or(1))
}
