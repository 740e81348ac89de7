//! What may be said now: every appointment with its badge, and what the overall state is made from.

use crate::cycle::still_waits;
use crate::engine::{Engine, Live};
use crate::execute::TRIES;
use crate::ledger::{LedgerError, SyncState};
use crate::ports::PortError;
use chrono::{DateTime, Utc};
use roundtrip_core::badge::{self, Badge, Facts};
use roundtrip_core::conflict::Conflict;
use roundtrip_core::filter::{self, CHECKS, Check};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::marked::perhaps_created;
use roundtrip_core::outbox::{OutboxRow, OutboxState, Side};
use roundtrip_core::pen;
use roundtrip_core::question::{Question, QuestionKind};
use roundtrip_core::reconcile::{self, Context, Standing};
use roundtrip_core::record::Record;
use roundtrip_core::settings::SyncSettings;
use roundtrip_core::silence::Watch;
use roundtrip_core::text::Rendered;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A hint is looked after within so long, with the wait for the end of its burst and a reading that takes its time.
const LOOKED_AT_WITHIN: Duration = Duration::from_secs(30);

/// One appointment with everything the window says about it.
#[derive(Clone, Debug)]
pub struct AppointmentStatus {
    /// What is known.
    pub record: Record,
    /// Where it stands.
    pub standing: Standing,
    /// Badge.
    pub badge: Badge,
    /// Its reason, a stable code.
    pub reason: Option<String>,
    /// When a waiting write becomes due.
    pub due_at: Option<DateTime<Utc>>,
    /// The steps of the why-not inspector.
    pub checks: [Check; CHECKS],
    /// How its event is to look.
    pub rendered: Rendered,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Appointments that are known, by start.
    pub appointments: Vec<AppointmentStatus>,
    /// Open conflicts, oldest first.
    pub conflicts: Vec<Conflict>,
    /// Open questions.
    pub questions: Vec<Question>,
    /// Deletions that are held and that no question is about, by the time of their events.
    pub held: Vec<pen::Shown>,
    /// The outbox.
    pub outbox: Vec<OutboxRow>,
    /// Sync state.
    pub state: SyncState,
    /// Settings.
    pub settings: SyncSettings,
    /// What is remembered between cycles.
    pub live: Live,
    /// Why nothing is written now, if so.
    pub held_back: Option<&'static str>,
    /// How long both sides have been without a success.
    pub watch: Watch,
    /// The services' time.
    pub now: DateTime<Utc>,
}

impl Snapshot {
    /// How many appointments pass the trainer's rules, of how many that are not over. Both as
    /// [`Preview`](crate::Preview) counts them.
    pub fn matching(&self) -> (u32, u32) {
        let mut counts = (0, 0);
        for status in &self.appointments {
            if let Some(passes) = passes(status.standing, &status.checks) {
                counts = (counts.0 + u32::from(passes), counts.1 + 1);
            }
        }
        counts
    }
}

/// Whether an appointment passes the trainer's rules, by these [`filter::checks`] of it, whatever else became of it. What fails
/// them and was kept counts as passing. None if it is over or gone, or nothing can be said of it yet.
pub(crate) fn passes(standing: Standing, checks: &[Check]) -> Option<bool> {
    match standing {
        Standing::Ended | Standing::Gone | Standing::Unknown => None,
        Standing::Kept => Some(true),
        _ => Some(checks.iter().all(|check| check.passed)),
    }
}

impl Engine {
    /// Everything at this moment, from the ledger. Reads nothing from the services.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn snapshot(&self) -> Result<Snapshot, LedgerError> {
        let settings = self.ledger.settings().await?;
        let state = self.sync_state().await?;
        let outbox = self.ledger.outbox().await?;
        let records = self.ledger.records().await?;
        let conflicts = self.ledger.open_conflicts().await?;
        let questions: Vec<Question> = self
            .ledger
            .questions(self.now())
            .await?
            .into_iter()
            .filter(|q| q.answer.is_none())
            .collect();
        // Before the first run of a process, what an earlier one heard.
        self.recall_policy(&state);
        let live = self.live();
        let ctx = self.context(settings.clone(), &state);
        let held_back = self.held_back(&settings, &state, &live);
        let fresh = live.platform.problem.is_none()
            && live.calendar.problem.is_none()
            && state.platform_read_at.is_some()
            && state.calendar_read_at.is_some()
            && !waits(&state, ctx.now)
            && !self.is_behind(&live, &settings, &state);
        // Of two, one at each side, the one that goes wrong is told.
        let mut rows: BTreeMap<&AppointmentId, &OutboxRow> = BTreeMap::new();
        for row in &outbox {
            let shown = rows.entry(&row.appointment_id).or_insert(row);
            if trouble_of(shown).is_none() {
                *shown = row;
            }
        }
        let asked: BTreeMap<&AppointmentId, QuestionKind> = questions
            .iter()
            .flat_map(|question| question.appointments.iter().map(move |id| (id, question.kind)))
            .collect();
        let open: BTreeSet<&AppointmentId> = conflicts
            .iter()
            .map(|conflict| &conflict.appointment_id)
            .collect();
        let kept_back = perhaps_created(
            records.iter(),
            self.ledger.marked().await?.iter(),
            &outbox,
            ctx.now,
        );
        let mut held = Vec::new();
        let mut appointments: Vec<AppointmentStatus> = records
            .into_iter()
            .filter_map(|record| {
                let decision = reconcile::unless_settled(&record, &ctx);
                let question = asked.get(&record.appointment_id).copied();
                held.extend(
                    decision
                        .as_ref()
                        .and_then(pen::shown)
                        .filter(|_| question.is_none()),
                );
                let row = rows.get(&record.appointment_id).copied();
                let facts = Facts {
                    perhaps_created: kept_back.contains(&record.appointment_id),
                    outbox: row.map(|row| row.state),
                    problem: row.and_then(trouble_of),
                    question,
                    fresh,
                    held_back,
                };
                let has_conflict = open.contains(&record.appointment_id);
                let (standing, due_at) = decision.map_or((Standing::InSync, None), |decision| {
                    (decision.standing, decision.due_at)
                });
                status_of(record, standing, due_at, row, facts, has_conflict, &ctx)
            })
            .collect();
        held.sort_by_key(|shown| shown.time.map(|time| time.start));
        // They are large: their keys are sorted, and each of them is moved once.
        appointments
            .sort_by_cached_key(|status| (status.rendered.time.start, status.record.appointment_id.clone()));
        Ok(Snapshot {
            appointments,
            conflicts,
            questions,
            held,
            outbox,
            state,
            settings,
            live,
            held_back,
            watch: self.watch().await,
            now: ctx.now,
        })
    }

    /// A side said that it has changed, and was not read since, nor is it about to be. A driver that is not paused reads it
    /// within seconds: until then nothing else is shown for each hint, whose cause is as likely a write of ours, or nothing
    /// that matters here. For the same reason a look that was put off counts only if it does not come: it is owed for a
    /// notice that is most likely of our own write, of which the answer is known.
    fn is_behind(&self, live: &Live, settings: &SyncSettings, state: &SyncState) -> bool {
        let paused = self.rests_until(settings, state).is_some();
        let now = self.clock.monotonic();
        let overdue = |since: &Duration| paused || now.saturating_sub(*since) > LOOKED_AT_WITHIN;
        let put_off = self.put_off_for();
        live.hinted_at.iter().flatten().any(overdue) || put_off.is_some_and(|left| paused || left.is_zero())
    }

    /// A side was read since then. What it hinted at meanwhile may not be in the answer.
    pub(crate) fn was_looked_at(&self, side: Side, since: Duration) {
        let mut live = self.lock();
        let place = usize::from(side == Side::Calendar);
        live.hinted_at[place] = live.hinted[place].then_some(since);
    }

    fn held_back(&self, settings: &SyncSettings, state: &SyncState, live: &Live) -> Option<&'static str> {
        let offline = |problem: &Option<PortError>| {
            matches!(
                problem,
                Some(PortError::Unreachable { .. } | PortError::WrongCertificate)
            )
        };
        if !state.started {
            Some("not_started")
        } else if live.policy.as_ref().is_some_and(|policy| !policy.enabled) {
            Some("sync_disabled")
        } else if self.rests_until(settings, state).is_some() {
            Some("paused")
        } else if offline(&live.calendar.problem) || offline(&live.platform.problem) {
            Some("offline")
        } else if live.calendar.problem == Some(PortError::QuotaGone)
            || still_waits(state.calendar_writes_wait_until, self.now())
        {
            Some("quota_gone")
        } else if live.calendar.problem.is_some()
            || live.platform.problem.is_some()
            || waits(state, self.now())
        {
            Some("retrying")
        } else if self.other_writer().is_some() {
            Some("not_the_writer")
        } else {
            None
        }
    }
}

/// What goes wrong with a write, once it is tired or parked.
fn trouble_of(row: &OutboxRow) -> Option<&str> {
    let tired = row.attempts >= TRIES || row.state == OutboxState::Parked;
    row.last_problem.as_deref().filter(|_| tired)
}

/// A side asked to be left alone, perhaps before a restart: what it says now is not known.
fn waits(state: &SyncState, now: DateTime<Utc>) -> bool {
    let waits = |until| still_waits(until, now);
    waits(state.platform_wait_until) || waits(state.calendar_wait_until)
}

fn status_of(
    mut record: Record,
    standing: Standing,
    decided_due_at: Option<DateTime<Utc>>,
    row: Option<&OutboxRow>,
    facts: Facts<'_>,
    has_conflict: bool,
    ctx: &Context,
) -> Option<AppointmentStatus> {
    if standing == Standing::Gone {
        return None;
    }
    let appointment = record.appointment.as_ref()?;
    let rendered = reconcile::rendered(appointment, ctx);
    let checks = filter::checks(appointment, &ctx.settings.filters, ctx.connected_at);
    if !has_conflict {
        // A conflict that the record still names but that is not open any more is not shown as one.
        record.conflict = None;
    }
    let (badge, reason) = badge::badge(&record, standing, facts);
    let due_at = match row {
        Some(row) if row.state == OutboxState::Parked => None,
        Some(row) => Some(row.due_at),
        None => decided_due_at,
    };
    Some(AppointmentStatus {
        standing,
        badge,
        reason,
        due_at: due_at.filter(|_| badge == Badge::Waiting),
        checks,
        rendered,
        record,
    })
}
