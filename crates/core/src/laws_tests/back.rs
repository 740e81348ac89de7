//! What the trainer keeps, removes and takes back, and the account of what may go: kept apart from the records.

use super::world::{Law, World};
use crate::appointment::AppointmentStatus;
use crate::filter;
use crate::ids::{AppointmentId, Version};
use crate::outbox::{DeleteReason, Intent};
use crate::pen::{self, Cause, HOLD_HOURS};
use crate::reconcile::Standing;
use crate::time::EventTime;
use crate::undo::{self, Wish};
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Since when which deletions follow from something that nobody said.
#[derive(Default)]
pub struct Account {
    passed: BTreeMap<AppointmentId, Version>,
    inferred: BTreeMap<AppointmentId, (Cause, DateTime<Utc>)>,
    /// The trainer said yes to a deletion, or no.
    confirmed: BTreeSet<AppointmentId>,
    kept: BTreeSet<AppointmentId>,
    /// What was done and may be taken back, oldest first.
    pub done: Vec<(AppointmentId, Wish)>,
}

impl World {
    /// Follows what both sides and the rules say, before anything is decided.
    pub fn keep_account(&mut self) {
        let (ctx, account) = (&self.ctx, &mut self.account);
        for (id, on) in &self.platform {
            let said_gone =
                on.said.status == AppointmentStatus::Cancelled || (on.removal.is_some() && !on.silent);
            let left_out = filter::left_out(&on.said, &ctx.settings.filters, ctx.connected_at).is_some();
            let unchanged = account
                .passed
                .get(id)
                .is_none_or(|passed| *passed == on.said.version);
            let cause = match (said_gone, on.silent, left_out) {
                (true, _, _) => None,
                (false, true, _) => Some(Cause::Absent),
                (false, false, true) => unchanged.then_some(Cause::RulesChanged),
                (false, false, false) => {
                    account.passed.insert(id.clone(), on.said.version);
                    None
                }
            };
            match cause {
                Some(cause) if account.inferred.get(id).is_some_and(|(known, _)| *known == cause) => {}
                Some(cause) => {
                    account.confirmed.remove(id);
                    account.kept.remove(id);
                    account.inferred.insert(id.clone(), (cause, ctx.now));
                }
                None => {
                    account.confirmed.remove(id);
                    account.kept.remove(id);
                    account.inferred.remove(id);
                }
            }
        }
    }

    /// Nothing goes that is only inferred and was not held, and nothing that the trainer kept.
    pub fn may_go(&mut self, id: &AppointmentId, reason: DeleteReason) {
        if reason == DeleteReason::Duplicate {
            return;
        }
        let account = &self.account;
        let early = account.inferred.get(id).is_some_and(|(_, since)| {
            self.ctx.now - *since < Duration::hours(HOLD_HOURS) && !account.confirmed.contains(id)
        });
        let kept = account.kept.contains(id);
        if early {
            self.broken(Law::HeldFirst, format!("{id} went without having been held"));
        }
        if kept {
            self.broken(Law::HeldFirst, format!("{id} was to be kept"));
        }
    }

    pub fn answer_held(&mut self, which: &AppointmentId, remove: bool) {
        let Some(record) = self.records.get_mut(which) else {
            return;
        };
        if pen::answer(record, remove) {
            let set = if remove {
                &mut self.account.confirmed
            } else {
                &mut self.account.kept
            };
            set.insert(which.clone());
        }
    }

    /// True while something waits in the pen.
    pub fn holds(&self) -> bool {
        let held = |id: &AppointmentId| {
            let record = &self.records[id];
            crate::reconcile::reconcile(record, &self.ctx).standing == Standing::Held
        };
        self.records.keys().any(held)
    }

    /// Remembers what can be taken back.
    pub fn remember(&mut self, id: &AppointmentId, intent: &Intent) {
        let wish = match intent {
            Intent::Insert { .. } => Wish::LeaveOut,
            Intent::Move { time, from, .. } => Wish::Back {
                from: *time,
                to: *from,
            },
            Intent::Patch {
                event_id, body, mask, ..
            } if mask.time => {
                let before = self
                    .calendar
                    .get(event_id)
                    .and_then(|entry| entry.event.time.timed());
                let Some(before) = before else { return };
                Wish::Back {
                    from: body.time,
                    to: before,
                }
            }
            Intent::Delete {
                reason: DeleteReason::LeftOut,
                ..
            } => Wish::LetIn,
            Intent::Patch { .. } | Intent::Delete { .. } | Intent::Notes { .. } | Intent::Create { .. } => {
                return;
            }
        };
        self.account.done.push((id.clone(), wish));
    }

    /// The trainer takes the nth last thing back, as the history offers it.
    pub fn undo(&mut self, nth: usize) {
        let count = self.account.done.len();
        let Some((id, wish)) = (count > 0).then(|| self.account.done[count - 1 - nth % count].clone()) else {
            return;
        };
        let Some(mut record) = self.records.get(&id).cloned() else {
            return;
        };
        let Ok(effect) = undo::bring_back(&mut record, &wish, &self.ctx) else {
            return;
        };
        self.log.push(format!("{} {id} took back {wish:?}", self.ctx.now));
        if wish == Wish::LeaveOut {
            self.ctx.settings.filters.excluded.insert(id.clone());
            pen::confirm_left_out(&mut record, self.ctx.now);
            self.keep_account();
            self.account.confirmed.insert(id.clone());
        }
        if wish == Wish::LetIn {
            self.ctx.settings.filters.excluded.remove(&id);
        }
        if effect.to.is_some() && !matches!(wish, Wish::LeaveOut | Wish::LetIn) {
            let said = record.appointment.as_ref().map(|appointment| appointment.span());
            let wanted = record.requested_time.filter(|time| said != Some(*time));
            let unsettled = self.unsettled.entry(id.clone()).or_default();
            (unsettled.admin, unsettled.trainer) = (None, wanted.map(EventTime::Timed));
            self.refused.retain(|(refused, ..)| *refused != id);
        }
        self.records.insert(id, record);
    }
}
