//! Looking up single appointments and events: what a listing does not say, a direct question does.

use crate::cycle::is_looked_for;
use crate::engine::Engine;
use crate::ports::{EventLookup, PortError};
use crate::read::Records;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::absorb;
use roundtrip_core::appointment::{Removal, RemovalReason};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::ids::{AppointmentId, EventId};
use roundtrip_core::outbox::Side;
use roundtrip_core::pen;
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::turns::{self, Question};
use std::collections::BTreeSet;

/// Absent appointments or events that are asked for singly in one cycle.
pub(crate) const LOOKUPS_MAX: usize = 25;
/// An event that answers 404 is looked at again after so long …
pub(crate) const MISSING_WAIT_SECONDS: i64 = 60;
/// … and its id is given up after so long if it is taken but cannot be seen.
pub(crate) const MISSING_TAKEN_MINUTES: i64 = 10;
/// A look that was not answered is followed by the next after 1, 2, 4 … minutes, at most these.
const UNANSWERED_MINUTES_MAX: i64 = 15;

/// What is asked for singly, each with turns of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Waiting {
    /// Appointments of which nothing is known, or not what was said last.
    Unknown,
    /// Appointments of which a deletion is held.
    Held,
    /// Appointments that a feed may be wrong about.
    Doubtful,
    /// Appointments that a snapshot does not tell of.
    Absent,
    /// Events that a listing shows though they were buried.
    Buried,
    /// Events that a full listing does not tell of.
    Missed,
    /// Events beside another of the same appointment.
    Doubled,
    /// Events of the trainer's that a full listing does not tell of.
    Marked,
}

pub(crate) fn questions(side: Side, ids: &[AppointmentId]) -> BTreeSet<Question> {
    ids.iter().map(|id| question(side, id.as_str())).collect()
}

fn question(side: Side, id: &str) -> Question {
    (side, id.to_owned())
}

impl Engine {
    /// Of those that wait to be asked about, those whose turn it is.
    pub(crate) fn in_turn<T>(&self, of: Waiting, waiting: Vec<T>, id: impl Fn(&T) -> &str) -> Vec<T> {
        let mut last = self.lock().asked_last.get(&of).cloned();
        let turn = turns::take(waiting, id, &mut last, LOOKUPS_MAX);
        if let Some(last) = last {
            self.lock().asked_last.insert(of, last);
        }
        turn
    }

    /// Events of ours whose appointments the feed did not tell of: after a rebuild from the calendar, or taken out of its
    /// bin after their appointments were forgotten; what is over needs no asking. And where the feed was `read`, appointments of which it
    /// told in a way that could not be read.
    pub(crate) async fn ask_for_unknown_appointments(&self, records: &mut Records, read: bool) {
        let now = self.now();
        let unread = |record: &&Record| read && absorb::is_asked_for_unread(record, now);
        let mut unknown: Vec<AppointmentId> = records
            .iter()
            .filter(|record| {
                let known = record.appointment.as_ref().map(|known| known.version);
                let told = record.mark().map(|mark| mark.version);
                // Nothing is known, or another laptop wrote from a newer version than ours.
                (known.is_none() && record.removal.is_none()) || (known.is_some() && told > known)
            })
            .filter(|record| {
                // The trainer kept what is not theirs any more: the answer is known, and changes nothing.
                let kept = record.link == LinkState::Kept && absorb::asks_before_believing(record);
                let marked = record.mark().and_then(|mark| mark.time);
                !kept && record.event.is_some() && marked.is_none_or(|time| time.end > now)
            })
            .chain(records.iter().filter(unread))
            .map(|record| record.appointment_id.clone())
            .collect();
        unknown.sort();
        unknown.dedup();
        self.ask_for_absent_appointments(Waiting::Unknown, unknown, records)
            .await;
    }

    /// What was absent is asked for once more before its event goes: it may have been the platform's bad day.
    pub(crate) async fn ask_again_about_held(&self, records: &mut Records) {
        let now = self.now();
        let due: Vec<AppointmentId> = records
            .iter()
            .filter(|record| pen::is_to_be_asked_again(record, now))
            .map(|record| record.appointment_id.clone())
            .collect();
        self.ask_for_absent_appointments(Waiting::Held, due, records)
            .await;
    }

    /// Absence from a snapshot proves nothing: each is asked for singly, and only 404 or `not_assigned` counts. Answers
    /// what was not answered.
    pub(crate) async fn ask_for_absent_appointments(
        &self,
        of: Waiting,
        absent: Vec<AppointmentId>,
        records: &mut Records,
    ) -> BTreeSet<Question> {
        let mut open = questions(Side::Platform, &absent);
        for id in &self.in_turn(of, absent, AppointmentId::as_str) {
            let now = self.now();
            if bug::is_on(Bug::EmptySnapshotIsTruth) {
                let gone = Removal {
                    reason: RemovalReason::Deleted,
                    inferred: false,
                    at: now,
                };
                records.edit(id, |record| absorb::removed(record, None, gone));
                open.remove(&question(Side::Platform, id.as_str()));
                continue;
            }
            let reason = match self.platform.appointment(id).await {
                Ok(appointment) => {
                    records.edit(id, |record| absorb::appointment(record, appointment, now));
                    open.remove(&question(Side::Platform, id.as_str()));
                    continue;
                }
                Err(PortError::NotFound) => RemovalReason::Deleted,
                Err(PortError::NotAssigned) => RemovalReason::Unassigned,
                // Anything else says nothing about the appointment; the next snapshot asks again.
                Err(_) => continue,
            };
            open.remove(&question(Side::Platform, id.as_str()));
            records.edit(id, |record| {
                absorb::removed(
                    record,
                    None,
                    Removal {
                        reason,
                        inferred: true,
                        at: now,
                    },
                )
            });
        }
        open
    }

    /// A listing proves nothing by what it leaves out, nor by what it shows of a deleted event: each is asked for directly.
    /// Answers what was not answered.
    pub(crate) async fn ask_for_events(
        &self,
        of: Waiting,
        doubtful: Vec<AppointmentId>,
        records: &mut Records,
    ) -> BTreeSet<Question> {
        let mut open = questions(Side::Calendar, &doubtful);
        for owner in &self.in_turn(of, doubtful, AppointmentId::as_str) {
            let Some(id) = records.get(owner).and_then(|record| record.event_id.clone()) else {
                open.remove(&question(Side::Calendar, owner.as_str()));
                continue;
            };
            if bug::is_on(Bug::AbsenceIsDeletion) {
                let now = self.now();
                records.edit(owner, |record| absorb::tombstone(record, &id, None, now));
                open.remove(&question(Side::Calendar, owner.as_str()));
                continue;
            }
            if self.look_at_event(owner, &id, records).await {
                open.remove(&question(Side::Calendar, owner.as_str()));
            }
        }
        open
    }

    /// An older event beside the known one is one too many only if the known one is still there: a listing may be behind, and
    /// not show yet that the trainer deleted it and took the older one back. Answers of whom that is not known: then everything
    /// is read again, and the older one is found once more.
    pub(crate) async fn ask_before_duplicates(
        &self,
        doubled: Vec<(AppointmentId, EventId)>,
        records: &mut Records,
    ) -> BTreeSet<Question> {
        let mut open: BTreeSet<Question> = doubled
            .iter()
            .map(|(_, older)| question(Side::Calendar, older.as_str()))
            .collect();
        for (owner, older) in &self.in_turn(Waiting::Doubled, doubled, |(_, older)| older.as_str()) {
            let known = records.get(owner).filter(|record| record.event.is_some());
            let answered = match known.and_then(|record| record.event_id.clone()) {
                Some(known) => self.look_at_event(owner, &known, records).await,
                None => false,
            };
            let stays = records.get(owner).is_some_and(|record| record.event.is_some());
            if answered && stays {
                open.remove(&question(Side::Calendar, older.as_str()));
                records.edit(owner, |record| {
                    // Further on in the same listing the newer one may have gone, and this one has come in its place.
                    let is_it = record.event_id.as_ref() == Some(older);
                    if !is_it && !record.duplicates.contains(older) {
                        record.duplicates.push(older.clone());
                    }
                });
            }
        }
        open
    }

    /// Asks for one event and writes the answer into its record. False if there was none.
    async fn look_at_event(&self, owner: &AppointmentId, id: &EventId, records: &mut Records) -> bool {
        let answer = self.calendar.get(&self.config.identity.calendar, id).await;
        let now = self.now();
        match answer {
            Ok(EventLookup::Live { event, .. }) => {
                records.edit(owner, |record| absorb::found(record, *event, now))
            }
            Ok(EventLookup::Deleted { updated }) => {
                records.edit(owner, |record| absorb::tombstone(record, id, updated, now));
            }
            Ok(EventLookup::NotFound) if bug::is_on(Bug::NotFoundIsDeletion) => {
                records.edit(owner, |record| absorb::tombstone(record, id, None, now));
            }
            Ok(EventLookup::NotFound) => records.edit(owner, |record| {
                record.event = None;
                record.missing_since.get_or_insert(now);
            }),
            Err(_) => return false,
        }
        true
    }

    /// Events that answered 404 without a tombstone: the calendar itself is asked, time passes, they are asked again;
    /// then the same id is inserted, and only an id that is taken but stays unseen is given up.
    pub(crate) async fn look_at_missing(&self, records: &mut Records) {
        let now = self.now();
        let missing: BTreeSet<&AppointmentId> = records
            .iter()
            .filter(|record| is_looked_for(record) && record.missing_since.is_some())
            .map(|record| &record.appointment_id)
            .collect();
        self.lock().unanswered.retain(|id, _| missing.contains(id));
        let due: Vec<(AppointmentId, EventId, bool, DateTime<Utc>)> = records
            .iter()
            .filter(|record| is_looked_for(record))
            .filter(|record| self.left_alone_until(&record.appointment_id).is_none())
            .filter_map(|record| {
                let since = record.missing_since?;
                let id = record.event_id.clone()?;
                Some((record.appointment_id.clone(), id, record.missing_id_taken, since))
            })
            .filter(|(_, _, _, since)| now - *since >= Duration::seconds(MISSING_WAIT_SECONDS))
            .take(LOOKUPS_MAX)
            .collect();
        if due.is_empty() {
            return;
        }
        if self
            .calendar
            .calendar(&self.config.identity.calendar)
            .await
            .is_err()
        {
            for (owner, ..) in &due {
                self.was_unanswered(owner);
            }
            return;
        }
        for (owner, id, taken, since) in due {
            let answer = self.calendar.get(&self.config.identity.calendar, &id).await;
            match answer {
                Err(_) => self.was_unanswered(&owner),
                Ok(_) => {
                    self.lock().unanswered.remove(&owner);
                }
            }
            match answer {
                Ok(EventLookup::NotFound) if !taken => {
                    records.edit(&owner, |record| record.missing_since = None)
                }
                Ok(EventLookup::NotFound) if now - since >= Duration::minutes(MISSING_TAKEN_MINUTES) => {
                    records.edit(&owner, |record| {
                        let generation = record.generation;
                        record.deleted_by_us.push(generation);
                        record.missing_since = None;
                        record.missing_id_taken = false;
                    });
                }
                Ok(EventLookup::NotFound) | Err(_) => {}
                Ok(EventLookup::Live { event, .. }) => {
                    records.edit(&owner, |record| absorb::event(record, *event, now))
                }
                Ok(EventLookup::Deleted { updated }) => {
                    records.edit(&owner, |record| absorb::tombstone(record, &id, updated, now));
                }
            }
        }
    }
    /// It goes on missing, and is asked for less and less often.
    fn was_unanswered(&self, owner: &AppointmentId) {
        let now = self.now();
        let mut live = self.lock();
        let (looks, until) = live.unanswered.entry(owner.clone()).or_insert((0, now));
        let minutes = (1_i64 << (*looks).min(4)).min(UNANSWERED_MINUTES_MAX);
        (*looks, *until) = (looks.saturating_add(1), now + Duration::minutes(minutes));
    }

    /// Not before this the missing event is looked at again; none: nothing stands against it. A wait that would be longer than
    /// any of ours was noted by a clock that has been set back since.
    pub(crate) fn left_alone_until(&self, owner: &AppointmentId) -> Option<DateTime<Utc>> {
        let now = self.now();
        let until = self.lock().unanswered.get(owner).map(|(_, until)| *until)?;
        (until > now && until - now <= Duration::minutes(UNANSWERED_MINUTES_MAX)).then_some(until)
    }
}
