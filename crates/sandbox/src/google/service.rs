//! All state behind one lock, and the one way an event is written.

use super::audit::{AuditEntry, Via};
use super::body::{Object, WriteOptions};
use super::error::GoogleError;
use super::model::{Account, Calendar, Life, ListEntry, Marks, Role, Write};
use super::push::Watches;
use super::quota::Quota;
use super::render::{TombstoneDetail, View};
use super::replica;
use crate::faults::Service;
use crate::history::{self, Actor, AppRequest, History, Subject};
use crate::realism::Realism;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything the calendar service remembers.
#[derive(Debug, Clone)]
pub struct State {
    /// The accounts, in the order of the account picker.
    pub accounts: Vec<Account>,
    /// All calendars by id.
    pub calendars: BTreeMap<String, Calendar>,
    /// Etags and the order of changes.
    pub marks: Marks,
    /// Every write that was tried.
    pub audit: Vec<AuditEntry>,
    /// How fast and how much.
    pub quota: Quota,
    /// What listings tell of deleted events.
    pub tombstones_in_lists: TombstoneDetail,
    /// What a read by id tells of a deleted event.
    pub tombstones_in_reads: TombstoneDetail,
    /// Where the page of this sandbox is.
    pub page_url: String,
    /// Scopes an immediate consent grants; `None` = all that are asked for.
    pub auto_grant: Option<Vec<String>>,
    /// What changed, and by whose hand.
    pub history: History,
    /// Listings answered so far.
    pub lists: u64,
    /// Channels of notices.
    pub(super) watches: Watches,
}

/// Who writes, and with which request.
#[derive(Debug, Clone)]
pub struct Writer<'a> {
    /// Address of the account.
    pub account: &'a str,
    /// API or person.
    pub via: Via,
    /// The OAuth client.
    pub client: Option<&'a str>,
    /// The `If-Match` header.
    pub if_match: Option<&'a str>,
    /// The `sendUpdates` parameter.
    pub send_updates: Option<&'a str>,
    /// What the query allows in the body.
    pub options: WriteOptions,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The id of an event made without one.
    pub fresh_id: String,
    /// What the request said about itself, for API writes.
    pub said: Option<&'a AppRequest>,
    /// What the service does beyond the happy path.
    pub realism: Realism,
    /// A number drawn for this write.
    pub draw: u64,
}

/// One write.
#[derive(Debug, Clone, Copy)]
pub enum Op<'a> {
    /// A new event.
    Insert(&'a Object),
    /// Merge into an event.
    Patch(&'a str, &'a Object),
    /// Replace an event.
    Update(&'a str, &'a Object),
    /// Delete an event.
    Delete(&'a str),
    /// Move an event to another calendar.
    Move(&'a str, &'a str),
}

impl<'a> Op<'a> {
    fn method(self) -> &'static str {
        match self {
            Self::Insert(_) => "insert",
            Self::Patch(..) => "patch",
            Self::Update(..) => "update",
            Self::Delete(_) => "delete",
            Self::Move(..) => "move",
        }
    }

    fn sent(self) -> Option<&'a Object> {
        match self {
            Self::Insert(sent) | Self::Patch(_, sent) | Self::Update(_, sent) => Some(sent),
            Self::Delete(_) | Self::Move(..) => None,
        }
    }

    pub(super) fn event(self) -> Option<&'a str> {
        match self {
            Self::Insert(sent) => sent.get("id").and_then(Value::as_str),
            Self::Patch(id, _) | Self::Update(id, _) | Self::Delete(id) | Self::Move(id, _) => Some(id),
        }
    }
}

impl State {
    /// The account of this address.
    pub fn account(&self, email: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.email == email)
    }

    /// The calendar an account means by an id (`primary` is its own), with what it may do there.
    pub fn calendar(&self, account: &str, id: &str) -> Result<(&Calendar, Role), GoogleError> {
        let id = if id == "primary" { account } else { id };
        let entry = self.account(account).and_then(|account| account.list.get(id));
        let entry = entry
            .filter(|entry| !entry.deleted)
            .ok_or_else(GoogleError::not_found)?;
        let calendar = self.calendars.get(id).ok_or_else(GoogleError::not_found)?;
        Ok((calendar, entry.role))
    }

    /// How an account sees a calendar.
    pub fn view<'a>(
        &'a self,
        account: &str,
        calendar: &'a Calendar,
        zone: Option<Tz>,
    ) -> Result<View<'a>, GoogleError> {
        Ok(View {
            calendar,
            viewer: self.account(account).ok_or_else(GoogleError::not_found)?,
            shown: zone.unwrap_or(calendar.zone),
            max_attendees: None,
            tombstones: self.tombstones_in_reads,
            page_url: &self.page_url,
        })
    }

    /// Carries out a write and records it, refused or not. Returns the calendar and the event it ended in.
    pub fn write(
        &mut self,
        writer: &Writer<'_>,
        calendar: &str,
        op: Op<'_>,
    ) -> Result<(String, String), GoogleError> {
        let guests_before = op
            .event()
            .map(|id| self.guests(writer.account, calendar, id))
            .unwrap_or_default();
        let before = self.before(writer.account, calendar, op);
        let old = self.old_versions(writer, calendar, op);
        let outcome = self.try_write(writer, calendar, op);
        if let Ok((into, _)) = &outcome {
            self.keep_old(old);
            let out_of = self
                .calendar(writer.account, calendar)
                .map(|(calendar, _)| calendar.id.clone());
            self.watches.changed(into, "exists", writer.now);
            if let Ok(out_of) = out_of
                && out_of != *into
            {
                self.watches.changed(&out_of, "exists", writer.now);
            }
        }
        let sent = op.sent();
        let attendees_sent = sent.is_some_and(|sent| sent.contains_key("attendees"));
        if let Ok((calendar, event)) = &outcome {
            self.record(writer, before, (calendar, event), attendees_sent);
        }
        let attendees = sent
            .map(|sent| addresses(sent.get("attendees")))
            .unwrap_or_default();
        let mut mailed = Vec::new();
        if let (Ok((calendar, id)), Some("all" | "externalOnly")) = (&outcome, writer.send_updates) {
            mailed = self.guests(writer.account, calendar, id);
            mailed.extend(guests_before);
            mailed.sort();
            mailed.dedup();
            mailed.retain(|address| address != writer.account);
        }
        let event = match &outcome {
            Ok((_, id)) => Some(id.clone()),
            Err(_) => op.event().map(str::to_owned),
        };
        self.audit.push(AuditEntry {
            seq: self.audit.last().map_or(0, |entry| entry.seq) + 1,
            at: writer.now,
            via: writer.via,
            account: writer.account.to_owned(),
            client: writer.client.map(str::to_owned),
            method: op.method(),
            calendar: if calendar == "primary" {
                writer.account.to_owned()
            } else {
                calendar.to_owned()
            },
            event,
            send_updates: writer.send_updates.map(str::to_owned),
            attendees_sent,
            attendees,
            if_match: writer.if_match.map(str::to_owned),
            fields: sent
                .map(|sent| sent.keys().cloned().collect())
                .unwrap_or_default(),
            mailed,
            status: match (&outcome, op) {
                (Err(error), _) => error.code,
                (Ok(_), Op::Delete(_)) => 204,
                (Ok(_), _) => 200,
            },
        });
        outcome
    }

    fn try_write(
        &mut self,
        writer: &Writer<'_>,
        calendar: &str,
        op: Op<'_>,
    ) -> Result<(String, String), GoogleError> {
        let id = self.writable_calendar(writer.account, calendar)?;
        if writer.via == Via::Api {
            self.quota.write(writer.account, &id, writer.now)?;
        }
        if let Op::Move(event, destination) = op {
            let destination = self.writable_calendar(writer.account, destination)?;
            return self.move_event(writer, &id, event, &destination);
        }
        let calendar = self.calendars.get_mut(&id).ok_or_else(GoogleError::not_found)?;
        let mut write = Write {
            now: writer.now,
            marks: &mut self.marks,
            actor: writer.account,
            if_match: writer.if_match,
            options: writer.options,
            fresh_id: writer.fresh_id.clone(),
            realism: writer.realism,
            tombstone_after: replica::tombstone_after(writer),
        };
        let event = match op {
            Op::Insert(sent) => {
                let event = calendar.insert(&mut write, sent)?;
                if writer.via == Via::Api {
                    self.quota.made_event(writer.account, writer.now);
                }
                event
            }
            Op::Patch(event, sent) => calendar
                .patch(&mut write, event, sent)
                .map(|()| event.to_owned())?,
            Op::Update(event, sent) => calendar
                .update(&mut write, event, sent)
                .map(|()| event.to_owned())?,
            Op::Delete(event) | Op::Move(event, _) => {
                calendar.delete(&mut write, event).map(|()| event.to_owned())?
            }
        };
        Ok((id, event))
    }

    fn writable_calendar(&self, account: &str, id: &str) -> Result<String, GoogleError> {
        let (calendar, role) = self.calendar(account, id)?;
        if role < Role::Writer {
            return Err(GoogleError::writer_access_required());
        }
        Ok(calendar.id.clone())
    }

    fn move_event(
        &mut self,
        writer: &Writer<'_>,
        from: &str,
        event: &str,
        to: &str,
    ) -> Result<(String, String), GoogleError> {
        let source = self.calendars.get(from).ok_or_else(GoogleError::not_found)?;
        let target = self.calendars.get(to).ok_or_else(GoogleError::not_found)?;
        let entry = match source.find(event).ok_or_else(GoogleError::not_found)? {
            super::model::Found::Stored(entry) => entry,
            super::model::Found::Occurrence(..) => return Err(cannot_move()),
        };
        if entry.life != Life::Live {
            return Err(GoogleError::deleted());
        }
        let default_type = entry.body.get("eventType").and_then(Value::as_str) == Some("default");
        if entry.series.is_some() || !default_type || from == to {
            return Err(cannot_move());
        }
        let family = source.family(event);
        // A shell left by an earlier move gives way when the event comes back; anything else keeps its id.
        let taken = |id: &String| {
            target
                .entries
                .get(id)
                .is_some_and(|there| there.life != Life::MovedAway)
        };
        if family.iter().any(taken) {
            return Err(GoogleError::duplicate());
        }
        let mark = self.marks.next(writer.now);
        let mut moved = Vec::new();
        if let Some(source) = self.calendars.get_mut(from) {
            for entry in source
                .entries
                .values_mut()
                .filter(|entry| family.contains(&entry.id))
            {
                moved.push(entry.clone());
                entry.life = Life::MovedAway;
                entry.mark = mark;
                entry.updated = writer.now;
            }
        }
        let target = self.calendars.get_mut(to).ok_or_else(GoogleError::not_found)?;
        for mut entry in moved {
            entry.mark = mark;
            entry.updated = writer.now;
            target.entries.insert(entry.id.clone(), entry);
        }
        Ok((to.to_owned(), event.to_owned()))
    }

    fn guests(&self, account: &str, calendar: &str, event: &str) -> Vec<String> {
        let Ok((calendar, _)) = self.calendar(account, calendar) else {
            return Vec::new();
        };
        calendar
            .entries
            .get(event)
            .map(|entry| addresses(entry.body.get("attendees")))
            .unwrap_or_default()
    }

    /// Adds a calendar owned by `owner` and shows it in their list.
    pub fn add_calendar(&mut self, calendar: Calendar, color_id: u8) {
        let entry = ListEntry {
            role: Role::Owner,
            color_id,
            deleted: false,
            mark: calendar.mark,
        };
        if let Some(owner) = self
            .accounts
            .iter_mut()
            .find(|account| account.email == calendar.owner)
        {
            owner.list.insert(calendar.id.clone(), entry);
        }
        self.calendars.insert(calendar.id.clone(), calendar);
    }

    /// Removes a calendar from the world and from every list.
    pub fn remove_calendar(&mut self, id: &str, by: Actor, now: DateTime<Utc>) -> bool {
        let mark = self.marks.next(now);
        if self.calendars.contains_key(id) {
            let subject = Subject::Calendar { id: id.to_owned() };
            let before = Some(history::State::Word("there"));
            self.history
                .add((Service::Google, now), by, subject, before, None);
        }
        for account in &mut self.accounts {
            if let Some(entry) = account.list.get_mut(id) {
                entry.deleted = true;
                entry.mark = mark;
            }
        }
        self.watches.changed(id, "not_exists", now);
        self.calendars.remove(id).is_some()
    }
}

fn cannot_move() -> GoogleError {
    GoogleError::invalid("This event cannot be moved.")
}

fn addresses(attendees: Option<&Value>) -> Vec<String> {
    let guests = attendees.and_then(Value::as_array).into_iter().flatten();
    guests
        .filter_map(|guest| Some(guest.get("email")?.as_str()?.to_owned()))
        .collect()
}
