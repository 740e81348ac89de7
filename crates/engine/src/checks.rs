//! Checks without changes: cycles that read both sides, found nothing and wrote nothing.
//!
//! They are gathered in memory and written down as ONE row: with the next commit of a cycle, after an hour, or when the app
//! is quit. So an idle laptop leaves its disk alone. What a crash loses with them is when it was looked, never what was
//! found: a new cursor or sync token stays in memory only if the reading that brought it had no items, so going on from the
//! older one lists the same nothing again. All else that decides anything (facts, waits, who else writes, a full reading)
//! makes a cycle one that is committed at once.

use crate::engine::Engine;
use crate::figures::DayCount;
use crate::ledger::{Change, Check, Counts, LedgerError, Run, RunResult, SyncState};
use crate::watch::Watched;
use chrono::{DateTime, Utc};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

/// So long checks are gathered before they are written down.
const GATHERED_FOR: Duration = Duration::from_secs(60 * 60);
/// One row holds no more of them; a laptop that checks every half a minute makes 120 in an hour.
const GATHERED_MAX: usize = 1_000;

/// What is remembered of checks, in memory only.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    gathered: Option<Gathered>,
    /// How the last cycle ended: one that ends otherwise is news.
    last: Option<(RunResult, Option<String>)>,
}

/// Checks that are not written down yet.
#[derive(Clone, Debug)]
struct Gathered {
    /// One row for all of them.
    run: Run,
    day: DayCount,
    /// What is stored, and what is true by now.
    upon: SyncState,
    state: SyncState,
    /// When the first of them ended, by the running clock.
    since: Duration,
}

/// How a cycle ended, to be gathered or committed.
pub(crate) struct Ended<'a> {
    pub(crate) run: &'a Run,
    /// The reading brought something that was committed.
    pub(crate) kept: bool,
    /// The sync state when it began, and now.
    pub(crate) before: &'a SyncState,
    pub(crate) state: &'a SyncState,
    pub(crate) counted: &'a DayCount,
    pub(crate) watched: &'a Watched,
}

impl Engine {
    /// Where the next listings start, and when both sides were last read: what is stored, and what was gathered since.
    pub(crate) async fn sync_state(&self) -> Result<SyncState, LedgerError> {
        let stored = self.ledger.sync_state().await?;
        let checks = self.checks();
        let gathered = checks.gathered.as_ref();
        Ok(match gathered {
            // What is stored is not what the checks went on from: then it is newer.
            Some(gathered) if places(&stored) == places(&gathered.upon) => {
                with_checks(&stored, &gathered.state)
            }
            _ => stored,
        })
    }

    /// Runs that began at or after `since`, newest first, at most `limit`; those too that are not written down yet.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn runs(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Run>, LedgerError> {
        let stored = self.ledger.runs(since, limit).await?;
        let gathered = self
            .checks()
            .gathered
            .as_ref()
            .map(|gathered| gathered.run.clone());
        // Written down between the two looks, it would be here twice.
        let fresh =
            gathered.filter(|run| run.started_at >= since && stored.iter().all(|known| known.id != run.id));
        let mut runs: Vec<Run> = fresh.into_iter().chain(stored).collect();
        runs.truncate(limit as usize);
        Ok(runs)
    }

    /// Writes down what was gathered, e.g. because the app is quit. A cycle under way does it itself, with its end.
    ///
    /// # Errors
    /// Only the ledger's; then it stays gathered.
    pub async fn store_checks(&self) -> Result<(), LedgerError> {
        let Ok(_turn) = self.turn.try_lock() else {
            return Ok(());
        };
        self.store_gathered().await
    }

    /// A cycle has ended without anything to remember but itself: it is gathered, and answers true. False: it is to be
    /// committed, with [`Engine::gathered_changes`].
    pub(crate) async fn gather(&self, ended: &Ended<'_>) -> Result<bool, LedgerError> {
        let kind = (ended.run.result, ended.run.problem.clone());
        let now = self.clock.monotonic();
        {
            let mut checks = self.checks();
            let usual = match &checks.last {
                Some(last) => *last == kind,
                None => kind.0 == RunResult::Success,
            };
            let other_day =
                (checks.gathered.as_ref()).is_some_and(|gathered| gathered.day.day != ended.counted.day);
            let changes = ended.run.counts != only_requests(&ended.run.counts) || !self.is_begun();
            let places_only = with_checks(ended.state, ended.before) == *ended.before;
            if ended.kept || !usual || other_day || changes || !places_only || ended.watched.has_news() {
                return Ok(false);
            }
            checks.gathered = Some(match checks.gathered.take() {
                Some(gathered) => gathered.and(ended),
                None => Gathered::of(ended, now),
            });
            checks.last = Some(kind);
        }
        self.count_anew(ended.counted);
        self.forget_begun();
        let due = self.checks().gathered.as_ref().is_some_and(|gathered| {
            now.saturating_sub(gathered.since) >= GATHERED_FOR || gathered.run.checks.len() >= GATHERED_MAX
        });
        if due {
            self.store_gathered().await?;
        }
        Ok(true)
    }

    /// What goes with the commit of a cycle that did something.
    pub(crate) fn gathered_changes(&self) -> Vec<Change> {
        let checks = self.checks();
        let gathered = checks.gathered.iter();
        gathered
            .flat_map(|gathered| {
                [
                    Change::PutRun(gathered.run.clone()),
                    Change::CountDay(Box::new(gathered.day.clone())),
                ]
            })
            .collect()
    }

    /// They are on the disk, with this run.
    pub(crate) fn gathered_stored(&self, run: &Run) {
        *self.checks() = Checks {
            gathered: None,
            last: Some((run.result, run.problem.clone())),
        };
    }

    /// What was counted in checks that are not written down yet.
    pub(crate) fn gathered_day(&self) -> Option<DayCount> {
        self.checks()
            .gathered
            .as_ref()
            .map(|gathered| gathered.day.clone())
    }

    async fn store_gathered(&self) -> Result<(), LedgerError> {
        let state = self.sync_state().await?;
        let mut changes = self.gathered_changes();
        if changes.is_empty() {
            return Ok(());
        }
        changes.push(Change::PutSyncState(Box::new(state)));
        let watch = self.watch_to_keep().await;
        changes.extend(watch.clone());
        self.ledger.commit(changes).await?;
        self.checks().gathered = None;
        self.watch_kept(watch).await;
        Ok(())
    }

    fn checks(&self) -> MutexGuard<'_, Checks> {
        // Every change of it is one assignment.
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gathered {
    fn of(ended: &Ended<'_>, now: Duration) -> Self {
        let run = ended.run.clone();
        Self {
            run: Run {
                checks: vec![check(&run)],
                ..run
            },
            day: ended.counted.clone(),
            upon: ended.before.clone(),
            state: ended.state.clone(),
            since: now,
        }
    }

    /// With one more.
    fn and(mut self, ended: &Ended<'_>) -> Self {
        self.run.checks.push(check(ended.run));
        self.run.ended_at = ended.run.ended_at;
        self.run.counts.platform_requests += ended.run.counts.platform_requests;
        self.run.counts.calendar_requests += ended.run.counts.calendar_requests;
        self.day.add(ended.counted);
        self.state = ended.state.clone();
        self
    }
}

fn check(run: &Run) -> Check {
    Check {
        at: run.started_at,
        trigger: run.trigger,
    }
}

/// Counts of a run that did nothing but ask.
fn only_requests(counts: &Counts) -> Counts {
    Counts {
        platform_requests: counts.platform_requests,
        calendar_requests: counts.calendar_requests,
        ..Counts::default()
    }
}

/// What tells apart which listings a state has seen.
fn places(state: &SyncState) -> SyncState {
    with_checks(&SyncState::default(), state)
}

/// `state` with what a check without changes leaves different taken from `checked`.
pub(crate) fn with_checks(state: &SyncState, checked: &SyncState) -> SyncState {
    SyncState {
        cursor: checked.cursor.clone(),
        feed_etag: checked.feed_etag.clone(),
        sync_token: checked.sync_token.clone(),
        platform_read_at: checked.platform_read_at,
        platform_asked_at: checked.platform_asked_at,
        calendar_read_at: checked.calendar_read_at,
        last_success_at: checked.last_success_at,
        writer: checked.writer.clone(),
        reported: checked.reported.clone(),
        ..state.clone()
    }
}
