//! What tests and the control API do: act as the trainer in their calendar, set limits, look at the record.
//!
//! `calendar` is an id or `primary`. Answers are events as the API would show them, tombstones in full.

use super::audit::{AuditEntry, Via};
use super::body::{Object, WriteOptions};
use super::error::GoogleError;
use super::model::{Calendar, Entry, Found, Life, Mark};
use super::quota::QuotaLimits;
use super::render::{self, TombstoneDetail};
use super::service::{Op, Writer};
use super::trail::state_of;
use super::{Google, seed};
use crate::faults::Service;
use crate::history::{self, Actor, Change, Subject};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Google {
    fn act(&self, account: &str, calendar: &str, op: Op<'_>) -> Result<Value, GoogleError> {
        let writer = Writer {
            account,
            via: Via::Person,
            client: None,
            if_match: None,
            send_updates: None,
            options: WriteOptions::ALL,
            now: self.now(),
            fresh_id: self.shared().random_id(""),
            said: None,
            realism: self.shared().realism(),
            draw: self.draw(),
        };
        let (calendar, event) = self.state().write(&writer, calendar, op)?;
        self.inner.notices_told.notify_one();
        self.event(account, &calendar, &event)
    }

    /// One event, also a deleted one.
    pub fn event(&self, account: &str, calendar: &str, event: &str) -> Result<Value, GoogleError> {
        let state = self.state();
        let (calendar, _) = state.calendar(account, calendar)?;
        let mut view = state.view(account, calendar, None)?;
        view.tombstones = TombstoneDetail::Full;
        match calendar.find(event).ok_or_else(GoogleError::not_found)? {
            Found::Stored(entry) => Ok(view.event(entry)),
            Found::Occurrence(master, slot) => Ok(view.event(&Calendar::occurrence(master, &slot))),
        }
    }

    /// The trainer makes an event.
    pub fn insert_event(&self, account: &str, calendar: &str, event: &Value) -> Result<Value, GoogleError> {
        self.act(account, calendar, Op::Insert(object(event)?))
    }

    /// The trainer edits an event; `patch` is merged as in the API.
    pub fn patch_event(
        &self,
        account: &str,
        calendar: &str,
        event: &str,
        patch: &Value,
    ) -> Result<Value, GoogleError> {
        self.act(account, calendar, Op::Patch(event, object(patch)?))
    }

    /// The trainer deletes an event: it goes to the bin.
    pub fn delete_event(&self, account: &str, calendar: &str, event: &str) -> Result<Value, GoogleError> {
        self.act(account, calendar, Op::Delete(event))
    }

    /// The trainer takes an event out of the bin: it lives on under its id.
    pub fn restore_event(&self, account: &str, calendar: &str, event: &str) -> Result<Value, GoogleError> {
        let patch = json!({"status": "confirmed"});
        self.act(account, calendar, Op::Patch(event, object(&patch)?))
    }

    /// The trainer moves an event to another of their calendars.
    pub fn move_event_to_calendar(
        &self,
        account: &str,
        calendar: &str,
        event: &str,
        destination: &str,
    ) -> Result<Value, GoogleError> {
        self.act(account, calendar, Op::Move(event, destination))
    }

    /// The trainer copies an event: a new id, everything else alike, private extended properties too.
    pub fn copy_event(&self, account: &str, calendar: &str, event: &str) -> Result<Value, GoogleError> {
        let copy = {
            let state = self.state();
            let (calendar, _) = state.calendar(account, calendar)?;
            let mut copy = match calendar.find(event).ok_or_else(GoogleError::not_found)? {
                Found::Stored(entry) => entry.body.clone(),
                Found::Occurrence(master, slot) => Calendar::occurrence(master, &slot).body,
            };
            if copy.get("eventType").and_then(Value::as_str) == Some("fromGmail") {
                copy.remove("eventType");
            }
            copy
        };
        self.act(account, calendar, Op::Insert(&copy))
    }

    /// The tombstone of an event vanishes, as they do after some weeks: reads say 404, the id stays taken.
    pub fn purge_event(&self, account: &str, calendar: &str, event: &str) -> Result<(), GoogleError> {
        let now = self.now();
        let mut state = self.state();
        let id = state.calendar(account, calendar)?.0.id.clone();
        let was = state
            .calendars
            .get(&id)
            .and_then(|calendar| Some(state_of(calendar, calendar.entries.get(event)?)));
        let entry = state
            .calendars
            .get_mut(&id)
            .and_then(|calendar| calendar.entries.get_mut(event));
        let entry = entry
            .filter(|entry| entry.life != Life::Live)
            .ok_or_else(GoogleError::not_found)?;
        entry.life = Life::Purged;
        if let Some((was, calendar)) = was.zip(state.calendars.get(&id)) {
            let entry = calendar.entries.get(event);
            let now_is = entry.map(|entry| state_of(calendar, entry));
            let subject = Subject::Event {
                calendar: id.clone(),
                id: event.to_owned(),
            };
            state
                .history
                .add((Service::Google, now), Actor::Service, subject, Some(was), now_is);
        }
        Ok(())
    }

    /// Every event of a calendar: series, exceptions, tombstones; in the order they were made.
    pub fn list_all(&self, account: &str, calendar: &str) -> Result<Vec<Value>, GoogleError> {
        let state = self.state();
        let (calendar, _) = state.calendar(account, calendar)?;
        let mut view = state.view(account, calendar, None)?;
        view.tombstones = TombstoneDetail::Full;
        let mut entries: Vec<&Entry> = calendar
            .entries
            .values()
            .filter(|entry| entry.life != Life::Purged)
            .collect();
        entries.sort_by_key(|entry| (entry.order, entry.id.clone()));
        Ok(entries.into_iter().map(|entry| view.event(entry)).collect())
    }

    /// The accounts: `email`, `sub`, `name`, `time_zone`.
    pub fn accounts(&self) -> Vec<Value> {
        let state = self.state();
        let shown = state.accounts.iter().map(|account| {
            json!({"email": account.email, "sub": account.sub, "name": account.name, "time_zone": account.zone.name()})
        });
        shown.collect()
    }

    /// The calendars in an account's list.
    pub fn calendars(&self, account: &str) -> Result<Vec<Value>, GoogleError> {
        let state = self.state();
        let account = state.account(account).ok_or_else(GoogleError::not_found)?;
        let present = account.list.iter().filter(|(_, entry)| !entry.deleted);
        Ok(present
            .map(|(id, entry)| render::list_entry(account, id, entry, state.calendars.get(id)))
            .collect())
    }

    /// The trainer makes a secondary calendar. Returns its id.
    pub fn add_calendar(&self, account: &str, summary: &str, zone: Tz) -> Result<String, GoogleError> {
        let id = format!("{}@group.calendar.google.com", self.shared().random_id("c_"));
        let now = self.now();
        let mut state = self.state();
        state.account(account).ok_or_else(GoogleError::not_found)?;
        let mark: Mark = state.marks.next(now);
        let calendar = Calendar {
            id: id.clone(),
            owner: account.to_owned(),
            summary: summary.to_owned(),
            description: None,
            location: None,
            zone,
            made_by_client: None,
            mark,
            sync_epoch: 0,
            entries: BTreeMap::new(),
            past: BTreeMap::new(),
        };
        state.add_calendar(calendar, 16);
        Ok(id)
    }

    /// The trainer deletes a calendar with everything in it, even the primary one (as when an account is closed).
    pub fn remove_calendar(&self, account: &str, calendar: &str) -> Result<(), GoogleError> {
        let now = self.now();
        let mut state = self.state();
        let id = state.calendar(account, calendar)?.0.id.clone();
        state.remove_calendar(&id, Actor::Trainer, now);
        Ok(())
    }

    /// All sync tokens handed out so far are dead: the next use answers 410 `fullSyncRequired`.
    pub fn expire_sync_tokens(&self) {
        let now = self.now();
        let mut state = self.state();
        for calendar in state.calendars.values_mut() {
            calendar.sync_epoch += 1;
        }
        let word = Some(history::State::Word("expired"));
        state.history.add(
            (Service::Google, now),
            Actor::Service,
            Subject::Cursors,
            None,
            word,
        );
    }

    /// Every grant is revoked. Returns how many were live.
    pub fn revoke_all_tokens(&self) -> usize {
        self.oauth().revoke_all()
    }

    /// Sets the limits; what was counted so far stays counted.
    pub fn set_quota(&self, limits: QuotaLimits) {
        self.state().quota.limits = limits;
    }

    /// The limits in force.
    pub fn quota(&self) -> QuotaLimits {
        self.state().quota.limits.clone()
    }

    /// Sets what listings and reads by id tell of deleted events (minimal and full at the start).
    pub fn set_tombstones(&self, in_lists: TombstoneDetail, in_reads: TombstoneDetail) {
        let mut state = self.state();
        state.tombstones_in_lists = in_lists;
        state.tombstones_in_reads = in_reads;
    }

    /// Scopes an immediate consent grants of those that are asked for; `None` = all of them.
    pub fn set_auto_grant(&self, scopes: Option<Vec<String>>) {
        self.state().auto_grant =
            scopes.map(|list| list.iter().map(|scope| super::scopes::canonical(scope)).collect());
    }

    /// Every write that was tried, refused ones too, oldest first.
    pub fn audit(&self) -> Vec<AuditEntry> {
        self.state().audit.clone()
    }

    /// Everything that changed here, in order, and by whose hand.
    pub fn history(&self) -> Vec<Change> {
        self.shared().history().of(Service::Google)
    }

    /// Where this stand-in can be reached; known only once its port is.
    pub fn set_public_url(&self, url: &str) {
        self.state().page_url = url.trim_end_matches('/').to_owned();
    }

    /// Root of the addresses in answers.
    pub fn public_url(&self) -> String {
        self.state().page_url.clone()
    }

    /// Back to the state right after the start; all sign-ins are forgotten. Its address stays.
    pub fn reset(&self) {
        self.oauth().reset();
        let fresh = seed::state(self.config(), self.now());
        let mut state = self.state();
        let (url, history) = (std::mem::take(&mut state.page_url), state.history.clone());
        *state = fresh;
        (state.page_url, state.history) = (url, history);
    }
}

fn object(value: &Value) -> Result<&Object, GoogleError> {
    value.as_object().ok_or_else(GoogleError::parse_error)
}
