//! What the trainer keeps, removes and takes back, and the account of what may go: kept apart from the records.

use crate::law::Law;
use crate::world::World;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::appointment::AppointmentStatus;
use roundtrip_core::filter;
use roundtrip_core::ids::{AppointmentId, Version};
use roundtrip_core::outbox::{DeleteReason, Intent};
use roundtrip_core::pen::{self, Cause, HOLD_HOURS};
use roundtrip_core::reconcile::{Standing, reconcile};
use roundtrip_core::record::Field;
use roundtrip_core::time::EventTime;
use roundtrip_core::undo::Wish;
use std::collections::{BTreeMap, BTreeSet};

/// Since when which deletions follow from something that nobody said.
#[derive(Clone, Default)]
pub struct Account {
    passed: BTreeMap<AppointmentId, Version>,
    /// The last that the platform said of them is that they are gone.
    said_gone: BTreeSet<AppointmentId>,
    inferred: BTreeMap<AppointmentId, (Cause, DateTime<Utc>)>,
    /// The trainer said yes to a deletion, or no.
    confirmed: BTreeSet<AppointmentId>,
    kept: BTreeSet<AppointmentId>,
    /// What was done and may be taken back, oldest first.
    pub done: Vec<(AppointmentId, Wish)>,
}

impl Account {
    /// Nobody said that this one is to go.
    pub fn is_inferred(&self, id: &AppointmentId) -> bool {
        self.inferred.contains_key(id)
    }

    /// The trainer said yes to this deletion.
    pub fn is_confirmed(&self, id: &AppointmentId) -> bool {
        self.confirmed.contains(id)
    }

    /// The trainer deleted the event: what was said about keeping it is over. Taken from the bin later, it is a day's matter again.
    pub fn deleted(&mut self, id: &AppointmentId) {
        self.kept.remove(id);
    }

    /// The trainer answered about a deletion that is only inferred.
    pub fn answered(&mut self, id: &AppointmentId, remove: bool) {
        let set = if remove {
            &mut self.confirmed
        } else {
            &mut self.kept
        };
        set.insert(id.clone());
    }
}

impl World {
    /// Follows what both sides and the rules say, before anything is decided.
    pub fn keep_account(&mut self) {
        let (ctx, account) = (&self.ctx, &mut self.account);
        for (id, on) in &self.platform {
            if !on.silent {
                let gone = on.removal.is_some() || on.said.status == AppointmentStatus::Cancelled;
                match gone {
                    true => account.said_gone.insert(id.clone()),
                    false => account.said_gone.remove(id),
                };
            }
            let left_out = filter::left_out(&on.said, &ctx.settings.filters, ctx.connected_at).is_some();
            let passed = account.passed.get(id);
            let unchanged = passed.is_none_or(|passed| *passed == on.said.version);
            let cause = match (account.said_gone.contains(id), on.silent, left_out) {
                (true, _, _) => None,
                (false, true, _) => Some(Cause::Absent),
                (false, false, true) => unchanged.then_some(Cause::RulesChanged),
                (false, false, false) => {
                    account.passed.insert(id.clone(), on.said.version);
                    None
                }
            };
            let known = account.inferred.get(id).map(|(known, _)| *known);
            if cause.is_some() && cause == known {
                continue;
            }
            account.confirmed.remove(id);
            account.kept.remove(id);
            match cause {
                Some(cause) => _ = account.inferred.insert(id.clone(), (cause, ctx.now)),
                None => _ = account.inferred.remove(id),
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
        // H5: its event tells a time that the platform has taken back, and no write told it the new one yet (seed 13863622).
        let tells_old_time = reason == DeleteReason::LeftOut && self.tells_old_time(id);
        if early && !tells_old_time {
            self.broken(Law::HeldFirst, format!("{id} went without having been held"));
        }
        if kept {
            self.broken(Law::HeldFirst, format!("{id} was to be kept"));
        }
    }

    /// The visit was moved on the platform since its event was last written, and nothing but us set the event's time.
    fn tells_old_time(&self, id: &AppointmentId) -> bool {
        let said = &self.platform[id].said;
        let known = self.records.get(id).and_then(|record| record.event_id.as_ref());
        known
            .and_then(|event| self.calendar.get(event))
            .is_some_and(|entry| {
                let mark = entry.event.mark.as_ref();
                let written_before = mark.is_some_and(|mark| mark.version < said.version);
                written_before && !entry.moved_by_trainer && entry.event.time != EventTime::Timed(said.span())
            })
    }

    /// "Remove now", or "keep", for what is held, as the engine takes it.
    pub fn answer_held(&mut self, id: &AppointmentId, remove: bool) {
        let Some(record) = self.records.get_mut(id) else {
            return;
        };
        if !pen::answer(record, remove) {
            return;
        }
        // "Keep" is said of an event that is there: one that was deleted before is a day's matter again (seed 301139).
        if remove || !self.live(id).is_empty() {
            self.account.answered(id, remove);
        }
        if remove {
            self.confirmed_one_by_one(id);
        }
    }

    /// True while something waits in the pen, and for nothing but time.
    pub fn holds(&self) -> bool {
        let waits = |(id, record)| {
            !self.guarding.held.contains(id) && reconcile(record, &self.ctx).standing == Standing::Held
        };
        self.records.iter().any(waits)
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
                let entry = self.calendar.get(event_id);
                let Some(before) = entry.and_then(|entry| entry.event.time.timed()) else {
                    return;
                };
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
    pub fn undo_nth(&mut self, nth: usize) {
        let count = self.account.done.len();
        if count == 0 {
            return;
        }
        let (id, wish) = self.account.done[count - 1 - nth % count].clone();
        let about_time = match &wish {
            Wish::Back { .. } => true,
            Wish::Answer(conflict) => conflict.fields.iter().any(|field| field.field == Field::Time),
            Wish::PutBack | Wish::LeaveOut | Wish::LetIn => false,
        };
        if !self.want_back(&id, wish.clone(), about_time) {
            return;
        }
        match wish {
            Wish::LeaveOut => {
                self.ctx.settings.filters.excluded.insert(id.clone());
                if let Some(record) = self.records.get_mut(&id) {
                    pen::confirm_left_out(record, self.ctx.now);
                }
                // What has not been read yet is not to be taken account of.
                let left_out = (Cause::RulesChanged, self.ctx.now);
                self.account.inferred.insert(id.clone(), left_out);
                self.account.kept.remove(&id);
                self.account.answered(&id, true);
                self.confirmed_one_by_one(&id);
            }
            Wish::LetIn => {
                self.ctx.settings.filters.excluded.remove(&id);
                self.gone_by_trainer.remove(&id);
            }
            Wish::Back { .. } | Wish::PutBack | Wish::Answer(_) => {}
        }
    }
}
