//! Reading both sides and writing what they said into the ledger.

use crate::checks::with_checks;
use crate::cycle::still_waits;
use crate::engine::Engine;
use crate::ledger::{Change, HistoryItem, HistoryResult, HistorySource, HistoryWhat, LedgerError, SyncState};
use crate::look_up::{Waiting, questions};
use crate::marked::MarkedEvents;
use crate::ports::{EventListing, PlatformChange, PlatformFeed, PlatformListing, PortError};
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::absorb::{self, Adoption};
use roundtrip_core::appointment::Removal;
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::event::{Event, EventChange};
use roundtrip_core::filter;
use roundtrip_core::former;
use roundtrip_core::ids::{AppointmentId, EventId, RunId, SyncToken, Version};
use roundtrip_core::outbox::{Intent, OutboxState, Side};
use roundtrip_core::quota;
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::shrink;
use roundtrip_core::turns::{Question, Unanswered};
use std::collections::{BTreeMap, BTreeSet};

/// So far ours may be ahead of the platform's time: two seconds count as none, and it may tell its times in whole seconds.
const AHEAD_SECONDS: i64 = 3;

/// All records of a cycle, and which of them changed since they were loaded.
#[derive(Default)]
pub(crate) struct Records {
    all: BTreeMap<AppointmentId, Record>,
    by_event: BTreeMap<EventId, AppointmentId>,
    touched: BTreeSet<AppointmentId>,
    /// Events that the trainer marked.
    pub(crate) marked: MarkedEvents,
}

impl Records {
    pub(crate) fn new(records: Vec<Record>) -> Self {
        let mut this = Self::default();
        for record in records {
            if let Some(event) = &record.event_id {
                this.by_event.insert(event.clone(), record.appointment_id.clone());
            }
            this.all.insert(record.appointment_id.clone(), record);
        }
        this
    }
    pub(crate) fn get(&self, id: &AppointmentId) -> Option<&Record> {
        self.all.get(id)
    }
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.all.values()
    }
    /// Changes a record (a new one if need be); it counts as touched only if it really changed.
    pub(crate) fn edit(&mut self, id: &AppointmentId, edit: impl FnOnce(&mut Record)) {
        let record = self
            .all
            .entry(id.clone())
            .or_insert_with(|| Record::new(id.clone()));
        let before = record.clone();
        edit(record);
        if *record != before {
            self.touched.insert(id.clone());
        }
        if let Some(event) = &record.event_id {
            self.by_event.insert(event.clone(), id.clone());
        }
    }
    pub(crate) fn put(&mut self, record: Record) {
        let id = record.appointment_id.clone();
        if self.all.get(&id) != Some(&record) {
            self.edit(&id, |known| *known = record);
        }
    }
    pub(crate) fn forget(&mut self, id: &AppointmentId) {
        self.all.remove(id);
        self.touched.remove(id);
    }
    /// The changes to commit; nothing counts as touched afterwards.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let touched = std::mem::take(&mut self.touched);
        let records = touched.into_iter().filter_map(|id| {
            self.all
                .get(&id)
                .map(|record| Change::PutRecord(Box::new(record.clone())))
        });
        let mut changes: Vec<Change> = records.collect();
        changes.extend(self.marked.take_changes());
        changes
    }
    fn owner(&self, event: &EventId) -> Option<AppointmentId> {
        self.by_event.get(event).cloned()
    }
    /// Events that are there, also those of visits that are over.
    pub(crate) fn links(&self) -> usize {
        self.all.values().filter(|record| record.event.is_some()).count()
    }
    /// Events that are there, of visits that are not over: what a mass of changes is compared with. What is over grows for years.
    pub(crate) fn open_links(&self) -> usize {
        let open = |record: &&Record| record.event.is_some() && record.link != LinkState::Closed;
        self.all.values().filter(open).count()
    }
}

/// What reading both sides brought.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) platform: Option<PortError>,
    pub(crate) calendar: Option<PortError>,
    pub(crate) history: Vec<HistoryItem>,
    /// Something was absent that is not accounted for yet.
    pub(crate) incomplete: bool,
    /// What was asked singly and not answered, or would have been asked.
    pub(crate) open: BTreeSet<Question>,
    /// Platform, calendar: it was read in this run.
    pub(crate) read: [bool; 2],
    /// At least one service answered, and with its answer told the time.
    pub(crate) answered: bool,
    /// It brought something, which is committed.
    pub(crate) kept: bool,
}

impl Engine {
    /// Reads the sides (platform, calendar) in parallel, writes the facts into the records, and commits them with the
    /// places from which to go on, in one transaction.
    pub(crate) async fn read(
        &self,
        records: &mut Records,
        state: &mut SyncState,
        full: bool,
        sides: [bool; 2],
        run: &RunId,
    ) -> Result<Reading, LedgerError> {
        let before = state.clone();
        let now = self.now();
        let (platform_waits, calendar_waits) = (
            still_waits(state.platform_wait_until, now),
            still_waits(state.calendar_wait_until, now),
        );
        let begun = (self.clock.now(), self.clock.monotonic());
        let (feed, listing) = futures::join!(
            async {
                if platform_waits || !sides[0] {
                    None
                } else {
                    Some(self.list_platform(state, full).await)
                }
            },
            async {
                if calendar_waits || !sides[1] {
                    None
                } else {
                    Some(self.list_calendar(state, full).await)
                }
            },
        );
        // An error has its word on sync, too.
        self.hear_policy(feed.as_ref().and_then(|feed| feed.as_ref().err()));
        let read = [matches!(feed, Some(Ok(_))), matches!(listing, Some(Ok(_)))];
        let mut reading = Reading {
            read,
            answered: read[0] || read[1],
            kept: brought_something(feed.as_ref(), listing.as_ref()),
            ..Reading::default()
        };
        // The answers have told what time it is.
        let now = self.now();
        if reading.answered {
            // Not before: by a laptop's clock that is years ahead, every appointment would have begun before it (P11).
            state.connected_at = Some(filter::connected_at(state.connected_at, now));
        }
        match feed {
            None if !sides[0] => {}
            None => {
                reading.platform = Some(self.trouble_of_wait(Side::Platform, state.platform_wait_until, now))
            }
            Some(Err(error)) => {
                self.note_health(Side::Platform, Err(&error));
                self.count_error(Side::Platform, &error);
                self.wait_after(Side::Platform, false, &error, &mut state.platform_wait_until, now);
                reading.platform = Some(error);
            }
            Some(Ok(feed)) => {
                self.note_read(Side::Platform, false);
                self.was_looked_at(Side::Platform, begun.1);
                state.platform_wait_until = None;
                state.platform_read_at = Some(now);
                state.platform_asked_at = Some(self.began(begun, now));
                let (PlatformFeed::Unchanged { policy }
                | PlatformFeed::Listing(PlatformListing { policy, .. })) = &feed;
                // If this answer had a word, it was heard above; one without leaves what was said before.
                self.lock().policy.get_or_insert_with(|| policy.clone());
                match feed {
                    PlatformFeed::Unchanged { .. } => {}
                    PlatformFeed::Listing(listing) => {
                        let asked_before = before.platform_asked_at;
                        self.absorb_platform(listing, asked_before, records, state, run, &mut reading)
                            .await;
                    }
                }
            }
        }
        match listing {
            None if !sides[1] => {}
            None => {
                reading.calendar = Some(self.trouble_of_wait(Side::Calendar, state.calendar_wait_until, now))
            }
            Some(Err(error)) => {
                self.note_health(Side::Calendar, Err(&error));
                self.count_error(Side::Calendar, &error);
                self.wait_after(Side::Calendar, false, &error, &mut state.calendar_wait_until, now);
                reading.calendar = Some(error);
            }
            Some(Ok(listing)) => {
                self.note_read(Side::Calendar, still_waits(state.calendar_writes_wait_until, now));
                self.was_looked_at(Side::Calendar, begun.1);
                state.calendar_wait_until = None;
                state.calendar_read_at = Some(now);
                if !listing.full {
                    self.calendar_was_read(&listing.items);
                }
                self.absorb_calendar(listing, records, state, run, &mut reading)
                    .await;
            }
        }
        let complete = full && reading.platform.is_none() && reading.calendar.is_none();
        let open = std::mem::take(&mut reading.open);
        reading.incomplete |= !open.is_empty();
        if reading.incomplete && self.lock().unanswered_in_readings.is_asked_again(open) {
            // The rest is asked for with the next reading, which is a full one again.
            state.full_at = None;
        } else if complete {
            state.full_at = Some(now);
        }
        if complete && !reading.incomplete {
            self.lock().unanswered_in_readings = Unanswered::default();
        }
        if !platform_waits && reading.platform.is_none() {
            self.ask_for_unknown_appointments(records, reading.read[0]).await;
            self.ask_again_about_held(records).await;
        }
        if !still_waits(state.calendar_wait_until, self.now()) {
            self.look_at_missing(records).await;
        }
        // What was asked for singly was answered with a word on sync, too.
        self.hear_policy(None);
        state.policy = self.lock().policy.clone();
        if bug::is_on(Bug::CursorBeforeFacts) {
            let place = Change::PutSyncState(Box::new(state.clone()));
            self.ledger.commit(vec![place]).await?;
        }
        let mut changes = records.take_changes();
        changes.extend(
            reading
                .history
                .drain(..)
                .map(|item| Change::AddItem(Box::new(item))),
        );
        reading.kept |= !changes.is_empty() || with_checks(state, &before) != before;
        if reading.kept {
            changes.push(Change::PutSyncState(Box::new(state.clone())));
            self.commit(changes).await?;
        }
        Ok(reading)
    }

    /// When a reading that ended `now` began, or a little before. Told backwards from its end: at its beginning the laptop's clock
    /// may have been years off. One of its two clocks may stand still in a sleep, the other may be set.
    fn began(&self, begun: (DateTime<Utc>, std::time::Duration), now: DateTime<Utc>) -> DateTime<Utc> {
        let ran = self.clock.monotonic().saturating_sub(begun.1);
        let ran = Duration::from_std(ran).unwrap_or_default();
        let took = ran.max(self.clock.now() - begun.0) + Duration::seconds(AHEAD_SECONDS);
        now.checked_sub_signed(took).unwrap_or(now)
    }

    /// A side that is left alone was not read. What it said is not known any more after a restart; that it waits is.
    fn trouble_of_wait(&self, side: Side, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> PortError {
        self.problem_of(side).unwrap_or_else(|| {
            let retry_after = until.and_then(|until| (until - now).to_std().ok());
            let waits = PortError::Throttled { retry_after };
            self.note_health(side, Err(&waits));
            waits
        })
    }

    async fn list_platform(&self, state: &SyncState, full: bool) -> Result<PlatformFeed, PortError> {
        let cursor = if full { None } else { state.cursor.as_ref() };
        let etag = cursor.and(state.feed_etag.as_deref());
        match self.platform.changes(cursor, etag).await {
            // The cursor is too old: a snapshot follows, and nothing is deleted because of it.
            Err(PortError::FeedExpired) if cursor.is_some() => self.platform.changes(None, None).await,
            answer => answer,
        }
    }

    async fn list_calendar(&self, state: &SyncState, full: bool) -> Result<EventListing, PortError> {
        let calendar = &self.config.identity.calendar;
        let known = state.calendar.as_ref() == Some(calendar);
        let token = if full || !known {
            None
        } else {
            state.sync_token.as_ref()
        };
        match self.calendar.changes(calendar, token).await {
            Err(PortError::FeedExpired) if bug::is_on(Bug::DeadTokenIsNoChange) => {
                let unchanged = |token: &SyncToken| EventListing {
                    items: Vec::new(),
                    next_token: token.clone(),
                    full: false,
                };
                token.map(unchanged).ok_or(PortError::FeedExpired)
            }
            Err(PortError::FeedExpired) if token.is_some() => self.calendar.changes(calendar, None).await,
            answer => answer,
        }
    }

    async fn absorb_platform(
        &self,
        listing: PlatformListing,
        asked_before: Option<DateTime<Utc>>,
        records: &mut Records,
        state: &mut SyncState,
        run: &RunId,
        reading: &mut Reading,
    ) {
        let now = self.now();
        // What changed in the calendar while this was on its way is newer than this.
        let asked_at = state.platform_asked_at.unwrap_or(now);
        let mut seen = BTreeSet::new();
        let mut doubtful = BTreeSet::new();
        let mut told = BTreeMap::<AppointmentId, (Version, Removal)>::new();
        // Removals of what is not known: an older word of it may come after them in the same answer.
        let mut gone = BTreeMap::<AppointmentId, Version>::new();
        for item in listing.items {
            match item {
                PlatformChange::Upsert(appointment) => {
                    let id = appointment.id.clone();
                    seen.insert(id.clone());
                    if gone
                        .get(&id)
                        .is_some_and(|version| appointment.version <= *version)
                    {
                        continue;
                    }
                    let known = records.get(&id);
                    let doubted = known.is_some_and(absorb::asks_before_believing)
                        || absorb::is_old_news(known, &appointment, asked_before);
                    if doubted && !listing.snapshot {
                        doubtful.insert(id);
                        continue;
                    }
                    records.edit(&id, |record| absorb::appointment(record, *appointment, asked_at));
                }
                PlatformChange::Removed {
                    id, version, reason, ..
                } => {
                    seen.insert(id.clone());
                    let removal = Removal {
                        reason,
                        inferred: false,
                        at: asked_at,
                    };
                    if records.get(&id).is_some_and(absorb::is_unread) {
                        // Older or newer than what could not be read: only a direct question tells.
                        let newest = told.get(&id).map_or(version, |(known, _)| version.max(*known));
                        told.insert(id.clone(), (newest, removal));
                        doubtful.insert(id);
                    } else if records.get(&id).is_some() {
                        records.edit(&id, |record| absorb::removed(record, Some(version), removal));
                    } else {
                        let newest = gone.entry(id).or_insert(version);
                        *newest = version.max(*newest);
                    }
                }
                PlatformChange::Unreadable { id, field } => {
                    if let Some(id) = &id {
                        seen.insert(id.clone());
                        // The cursor leads past it: it is asked for by itself, until the platform says something of it that can be read.
                        if records.get(id).is_some() {
                            records.edit(id, |record| record.unread_on_platform = true);
                        }
                    }
                    reading.history.push(self.item(
                        run,
                        id,
                        HistoryWhat::Unreadable { field },
                        HistorySource::Platform,
                    ));
                }
            }
        }
        let doubtful: Vec<AppointmentId> = doubtful.into_iter().collect();
        let open = self
            .ask_for_absent_appointments(Waiting::Doubtful, doubtful, records)
            .await;
        reading.open.extend(open);
        for (id, (version, removal)) in told {
            let Some(record) = records.get(&id) else { continue };
            let unread = absorb::is_unread(record);
            if unread || record.removal.is_some() {
                // Borne out, it is the platform's own word. Where nobody could say, it is all that is known: held like what is inferred.
                let inferred = unread;
                let removal = Removal { inferred, ..removal };
                records.edit(&id, |record| absorb::removed(record, Some(version), removal));
            }
        }
        if listing.snapshot {
            let absent: Vec<AppointmentId> = records
                .iter()
                .filter(|record| !seen.contains(&record.appointment_id) && record.removal.is_none())
                .filter(|record| {
                    let over = |end: DateTime<Utc>| end <= now;
                    !record
                        .appointment
                        .as_ref()
                        .is_some_and(|appointment| over(appointment.span().end))
                })
                .map(|record| record.appointment_id.clone())
                .collect();
            if self.shrank(Side::Platform, absent.len(), seen.len() + absent.len()) {
                reading.open.extend(questions(Side::Platform, &absent));
                // Not believed, and not remembered: the next reading is a snapshot again.
                reading.incomplete = true;
                state.deletions_frozen = true;
                reading.history.push(self.item(
                    run,
                    None,
                    HistoryWhat::ReadingShrank,
                    HistorySource::Platform,
                ));
                return;
            }
            // One that was not answered is asked for again: the cursor will not tell of it a second time.
            let open = self
                .ask_for_absent_appointments(Waiting::Absent, absent, records)
                .await;
            reading.open.extend(open);
        }
        state.deletions_frozen = false;
        state.cursor = Some(listing.next_cursor);
        state.feed_etag = listing.etag;
    }

    async fn absorb_calendar(
        &self,
        mut listing: EventListing,
        records: &mut Records,
        state: &mut SyncState,
        run: &RunId,
        reading: &mut Reading,
    ) {
        let now = self.now();
        let identity = &self.config.identity;
        let first = state.sync_token.is_none() && records.links() == 0;
        let mut seen = BTreeSet::new();
        let mut buried = BTreeSet::new();
        let mut doubled = Vec::new();
        let mut adopted = 0u32;
        let inserted = match listing.items.is_empty() {
            true => BTreeSet::new(),
            false => self.inserts_sent().await,
        };
        former::moved_here_last(&mut listing.items, identity);
        for item in listing.items {
            match item {
                EventChange::Live(event) => {
                    seen.insert(event.id.clone());
                    match absorb::recognise(&event, identity, |id| records.get(id)) {
                        // An event whose mark was removed is still ours by its id, which we chose.
                        Adoption::Foreign => match records.owner(&event.id) {
                            Some(owner) if is_buried(records, &owner, &event) => _ = buried.insert(owner),
                            Some(owner) => records.edit(&owner, |record| absorb::event(record, *event, now)),
                            None => records.marked.see(&event, now),
                        },
                        Adoption::Known(id) if is_buried(records, &id, &event) => _ = buried.insert(id),
                        Adoption::Known(id) => records.edit(&id, |record| absorb::event(record, *event, now)),
                        Adoption::Adopt(id) => {
                            adopted += 1;
                            records.marked.forget(&event.id);
                            if !first && !inserted.contains(&event.id) {
                                reading.history.push(self.item(
                                    run,
                                    Some(id.clone()),
                                    HistoryWhat::Adopted,
                                    HistorySource::Roundtrip,
                                ));
                            }
                            records.edit(&id, |record| former::adopt_here(record, *event, identity, now));
                        }
                        Adoption::Duplicate(id) => doubled.push((id, event.id)),
                    }
                }
                EventChange::Foreign(event) => {
                    seen.insert(event.id.clone());
                    match records.owner(&event.id) {
                        // The trainer's own, of which an appointment was made: somebody took its mark and its tag away.
                        Some(owner) => _ = buried.insert(owner),
                        None => records.marked.see(&event, now),
                    }
                }
                EventChange::Deleted { id, updated } => {
                    seen.insert(id.clone());
                    records.marked.forget(&id);
                    if let Some(owner) = records.owner(&id) {
                        records.edit(&owner, |record| absorb::tombstone(record, &id, updated, now));
                    }
                }
                EventChange::Unreadable { id, field } => {
                    if let Some(id) = id {
                        seen.insert(id.clone());
                        // One unreadable event marks its own link; an unreadable foreign one is nobody's business.
                        if let Some(owner) = records.owner(&id) {
                            records.edit(&owner, |record| record.unreadable = true);
                            let what = HistoryWhat::Unreadable { field };
                            reading
                                .history
                                .push(self.item(run, Some(owner), what, HistorySource::Roundtrip));
                        }
                    }
                }
            }
        }
        let buried: Vec<AppointmentId> = buried.into_iter().collect();
        let open = self.ask_for_events(Waiting::Buried, buried, records).await;
        reading.open.extend(open);
        reading
            .open
            .extend(self.ask_before_duplicates(doubled, records).await);
        if first && adopted > 0 {
            let what = HistoryWhat::Rebuilt { count: adopted };
            reading
                .history
                .push(self.item(run, None, what, HistorySource::Roundtrip));
        }
        if listing.full {
            // What we may have deleted ourselves before a crash is no loss, and is asked for where its row is learned.
            let ours = self.deletions_sent().await;
            let absent: Vec<AppointmentId> = records
                .iter()
                .filter(|record| {
                    let gone = |id: &EventId| !seen.contains(id) && !ours.contains(id);
                    record.event.as_ref().is_some_and(|event| gone(&event.id))
                })
                .map(|record| record.appointment_id.clone())
                .collect();
            let linked = records.links();
            if self.shrank(Side::Calendar, absent.len(), linked) {
                reading.open.extend(questions(Side::Calendar, &absent));
                reading.incomplete = true;
                reading.history.push(self.item(
                    run,
                    None,
                    HistoryWhat::ReadingShrank,
                    HistorySource::Roundtrip,
                ));
                return;
            }
            let open = self.ask_for_events(Waiting::Missed, absent, records).await;
            reading.open.extend(open);
            self.look_at_absent_marked(&seen, records).await;
        }
        state.sync_token = Some(listing.next_token);
        state.calendar = Some(identity.calendar.clone());
    }

    /// Events of inserts that were sent and not yet answered: the outcome tells of them, and whether they were made or found.
    async fn inserts_sent(&self) -> BTreeSet<EventId> {
        let rows = self.ledger.outbox().await.unwrap_or_default();
        let sent = rows.into_iter().filter(|row| row.state == OutboxState::Sent);
        sent.filter_map(|row| match row.intent {
            Intent::Insert { event_id, .. } => Some(event_id),
            _ => None,
        })
        .collect()
    }

    /// Events whose deletion was sent and not yet answered.
    async fn deletions_sent(&self) -> BTreeSet<EventId> {
        let rows = self.ledger.outbox().await.unwrap_or_default();
        let sent = rows.into_iter().filter(|row| row.state == OutboxState::Sent);
        sent.filter_map(|row| match row.intent {
            Intent::Delete { event_id, .. } => Some(event_id),
            _ => None,
        })
        .collect()
    }

    /// A reading that lost much of what is known is not believed at once.
    fn shrank(&self, side: Side, absent: usize, known: usize) -> bool {
        let mut live = self.lock();
        let before = match side {
            Side::Platform => &mut live.shrunk[0],
            Side::Calendar => &mut live.shrunk[1],
        };
        let belief = shrink::belief(absent, known, *before);
        *before = belief.in_a_row;
        let ignored = match side {
            Side::Platform => bug::is_on(Bug::EmptySnapshotIsTruth),
            Side::Calendar => bug::is_on(Bug::AbsenceIsDeletion),
        };
        !belief.believed && !ignored
    }

    pub(crate) fn item(
        &self,
        run: &RunId,
        appointment_id: Option<AppointmentId>,
        what: HistoryWhat,
        source: HistorySource,
    ) -> HistoryItem {
        // What could not be read stays as it was at the other side until somebody mends it.
        let result = match what {
            HistoryWhat::Unreadable { .. } => HistoryResult::Problem,
            _ => HistoryResult::Ok,
        };
        HistoryItem {
            id: self.fresh_id(),
            run_id: Some(run.clone()),
            at: self.now(),
            appointment_id,
            title: None,
            what,
            source,
            result,
            problem: None,
            request_id: None,
            took: None,
        }
    }

    /// A service that said how long to wait, or whose quota is gone, is left alone until then, across restarts too. A write
    /// and a reading have quotas of their own.
    pub(crate) fn wait_after(
        &self,
        side: Side,
        of_write: bool,
        error: &PortError,
        until: &mut Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let wait = match error {
            _ if bug::is_on(Bug::RetryAfterIgnored) => return,
            PortError::Throttled { retry_after } => retry_after.unwrap_or(std::time::Duration::from_secs(30)),
            PortError::ServerTrouble {
                retry_after: Some(after),
                ..
            } => *after,
            // Those that were under way when the first of them was refused are no further refusals.
            PortError::QuotaGone if still_waits(*until, now) => return,
            PortError::QuotaGone => {
                let times = {
                    let mut live = self.lock();
                    let gone = match of_write {
                        true => &mut live.gone,
                        false => &mut live.gone_reading,
                    };
                    let gone = &mut gone[usize::from(side == Side::Calendar)];
                    *gone = gone.saturating_add(1);
                    *gone
                };
                quota::gone(times, self.clock.random())
            }
            _ => return,
        };
        // A service cannot make us wait for ever.
        let wait = wait.min(std::time::Duration::from_secs(6 * 3_600));
        *until = Some(now + Duration::from_std(wait).unwrap_or_default());
    }
}

/// Whether a reading had items, or was one of everything. If not, its cursor or sync token may stay in memory for a while:
/// going on from the older one lists the same nothing again.
fn brought_something(
    feed: Option<&Result<PlatformFeed, PortError>>,
    listing: Option<&Result<EventListing, PortError>>,
) -> bool {
    let platform = match feed {
        Some(Ok(PlatformFeed::Listing(listing))) => !listing.items.is_empty() || listing.snapshot,
        _ => false,
    };
    let calendar = match listing {
        Some(Ok(listing)) => !listing.items.is_empty() || listing.full,
        _ => false,
    };
    platform || calendar
}

fn is_buried(records: &Records, owner: &AppointmentId, seen: &Event) -> bool {
    records
        .get(owner)
        .is_some_and(|record| absorb::is_buried(record, seen))
        && !bug::is_on(Bug::StaleReadingTaken)
}
