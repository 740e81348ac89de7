//! After the faults: quiet rounds until nothing is left to do, and one more that must write nothing.

use crate::ended::Violation;
use crate::laptop::{Laptop, Running, Surroundings};
use crate::life;
use crate::world::{End, ended_laptop};
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_core::conflict::{ConflictKind, Resolution};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::question::Answer;
use roundtrip_engine::CycleReport;
use roundtrip_engine::ledger::{HistoryFilter, HistoryWhat, Trigger};
use roundtrip_sandbox::shared::SeededRandom;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Rounds, with both sides read, after which everything must be still …
const MOST_ROUNDS: usize = 14;
/// … and in all: a service that repeats its pages is not believed, and nothing can be done in a round in which it does so.
const MOST_ROUNDS_IN_ALL: usize = 80;
/// Cycles in one round: settle times, retries, waits.
const MOST_CYCLES: usize = 25;
/// So often the trainer insists on what the platform refused of one appointment: it refuses that again each time, and there would be no
/// rest (seed 36749).
const INSISTS: usize = 3;
/// In this round a day has passed, so that everything is read in full.
const NEXT_DAY: usize = 1;

/// One cycle, noted.
///
/// # Errors
/// If the ledger cannot be used.
pub async fn cycle(
    around: &Surroundings,
    laptop: &Laptop,
    running: &Running,
    trigger: Trigger,
) -> Result<CycleReport> {
    let outcome = running.engine.cycle(trigger).await;
    life::note_cycle(around, laptop, &outcome);
    Ok(outcome?)
}

/// A cycle, and every one that becomes due within a quarter of an hour.
async fn settle(around: &Surroundings, laptop: &Laptop, running: &Running) -> Result<(u32, bool)> {
    let mut report = cycle(around, laptop, running, Trigger::Manual).await?;
    let mut written = writes(&report);
    for _ in 0..MOST_CYCLES {
        let Some(due) = report.next_due_at else {
            return Ok((written, true));
        };
        let left = due - running.engine.now();
        if left > TimeDelta::minutes(15) {
            return Ok((written, true));
        }
        let left = left.max(TimeDelta::seconds(1));
        around.stage.time.until(around.stage.now() + left).await;
        report = cycle(around, laptop, running, Trigger::Due).await?;
        written += writes(&report);
    }
    Ok((written, false))
}

/// True if every listing since then was believed. One that lost much of what is known is read again with the next rounds, and
/// until then what is still to do is not known (seed 11737).
async fn has_believed(running: &Running, since: DateTime<Utc>) -> Result<bool> {
    let filter = HistoryFilter {
        since: Some(since),
        limit: 100,
        ..HistoryFilter::default()
    };
    let told = running.engine.ledger().history(&filter).await?;
    // A clock that was ahead once has told lines of a time that is still to come (seed 842676).
    let now = running.engine.now();
    let mut told = told.iter().filter(|item| item.at <= now);
    Ok(!told.any(|item| item.what == HistoryWhat::ReadingShrank))
}

/// True if the last reading of both sides went well. A service that repeats its pages is not read in such a round, and what is
/// still to do is not known: that is no quiet.
fn has_read(running: &Running) -> bool {
    let live = running.engine.live();
    live.platform.problem.is_none() && live.calendar.problem.is_none()
}

fn writes(report: &CycleReport) -> u32 {
    let counts = &report.counts;
    counts.added
        + counts.changed
        + counts.removed
        + counts.moved_back
        + counts.notes_back
        + counts.created
        + counts.conflicts
}

/// Starts every laptop as it is and lets it come to rest.
pub(crate) async fn end(
    around: &Rc<Surroundings>,
    laptops: &[Rc<Laptop>],
    random: &mut SeededRandom,
) -> Result<End> {
    let stage = &around.stage;
    // What is under way arrives, and apps that are still up finish or not.
    stage.time.until(stage.now() + TimeDelta::minutes(12)).await;
    stage.sandbox.shared.faults().clear();
    stage.set_platform_out(false);
    let _ = stage.sandbox.platform.pause(around.person.user, None);
    for laptop in laptops {
        laptop.crash();
    }
    stage.time.until(stage.now() + TimeDelta::minutes(1)).await;
    let faults_until = stage.sandbox.shared.log().last_seq();
    stage.note(format_args!("calm"));
    for laptop in laptops {
        laptop.clock.set_skew(TimeDelta::zero());
        let running = laptop.boot();
        laptop.sign_in(&running).await?;
        running.engine.start_syncing().await?;
        running.engine.pause_until(None).await?;
    }
    let answers_conflicts = random.below(2) == 0;
    let mut insisted = BTreeMap::new();
    let (mut still, mut unread) = (0, 0);
    let mut violations = Vec::new();
    for round in 0.. {
        let pause = if round == NEXT_DAY {
            TimeDelta::hours(25)
        } else {
            TimeDelta::minutes(31)
        };
        stage.time.until(stage.now() + pause).await;
        let (mut busy, mut read) = (false, true);
        for laptop in laptops {
            let running = laptop.running().context("a laptop that runs")?;
            let begun = running.engine.now();
            let (written, settled) = settle(around, laptop, &running).await?;
            if !settled {
                violations.push(Violation {
                    invariant: "I1",
                    what: format!("laptop {} always has something due", laptop.index),
                });
            }
            read &= has_read(&running) && has_believed(&running, begun).await?;
            busy |= written > 0 || !read;
            let insisted = answers_conflicts.then_some(&mut insisted);
            // In a crowd what is held goes by itself, if the guard lets it.
            let holds = around.crowd.is_none() || round > NEXT_DAY;
            busy |= answer(&running, holds, insisted, random).await?;
        }
        still = if busy || round <= NEXT_DAY { 0 } else { still + 1 };
        if still >= 1 || !violations.is_empty() {
            break;
        }
        unread += usize::from(!read);
        if round - unread.min(round) >= MOST_ROUNDS || round >= MOST_ROUNDS_IN_ALL {
            violations.push(Violation {
                invariant: "I1",
                what: format!("still busy after {MOST_ROUNDS} quiet rounds"),
            });
            break;
        }
    }
    let quiet_from = stage.sandbox.shared.log().last_seq();
    let quiet_audit = stage.sandbox.google.audit().len();
    let quiet_writes = stage.sandbox.platform.writes().len();
    stage.note(format_args!("quiet"));
    for laptop in laptops {
        let running = laptop.running().context("a laptop that runs")?;
        cycle(around, laptop, &running, Trigger::Manual).await?;
    }
    let mut ended = Vec::new();
    for laptop in laptops {
        ended.push(ended_laptop(around, laptop).await?);
    }
    Ok(End {
        laptops: ended,
        faults_until,
        quiet_from,
        quiet_audit,
        quiet_writes,
        violations,
    })
}

/// Answers what is asked, what is held if wanted, conflicts only where it is counted how often one was about a refusal; true if
/// anything was.
async fn answer(
    running: &Running,
    holds: bool,
    insisted: Option<&mut BTreeMap<AppointmentId, usize>>,
    random: &mut SeededRandom,
) -> Result<bool> {
    let engine = &running.engine;
    let mut answered = false;
    for question in engine.ledger().questions(engine.now()).await? {
        if question.answer.is_none() {
            answered |= engine.answer_question(&question.id, Answer::GoOn).await.is_ok();
        }
    }
    let held = engine.snapshot().await?.held.into_iter();
    let held: Vec<_> = held.map(|shown| shown.appointment).collect();
    if holds && !held.is_empty() {
        answered |= engine.answer_held(&held, Answer::GoOn).await.is_ok();
    }
    if let Some(insisted) = insisted {
        for conflict in engine.ledger().open_conflicts().await? {
            let often = insisted.entry(conflict.appointment_id.clone()).or_default();
            let gives_in = conflict.kind == ConflictKind::Refused && *often >= INSISTS;
            let resolution = match (conflict.kind, random.below(2)) {
                (ConflictKind::CreatedExternally, _) => Resolution::Dismiss,
                (_, 0) => Resolution::KeepPlatform,
                _ if gives_in => Resolution::KeepPlatform,
                _ => Resolution::KeepCalendar,
            };
            *often += usize::from(conflict.kind == ConflictKind::Refused);
            let outcome = engine
                .resolve_conflict(&conflict.id, &conflict.seen, &resolution)
                .await;
            answered |= outcome.is_ok();
        }
    }
    Ok(answered)
}
