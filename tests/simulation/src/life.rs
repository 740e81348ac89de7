//! What happens on a laptop: cycles, what the trainer does in the window, and what fate does to it.

use crate::crowd;
use crate::laptop::{Laptop, Running, Surroundings};
use chrono::TimeDelta;
use roundtrip_core::conflict::{ConflictKind, Resolution};
use roundtrip_core::question::Answer;
use roundtrip_core::settings::{ConflictPolicy, PrivacyLevel, SyncSettings};
use roundtrip_engine::ledger::{HistoryFilter, RunResult, Trigger};
use roundtrip_engine::ports::{CalendarPort as _, Clock as _, Hinted, PortError};
use roundtrip_engine::{Confirmed, CycleReport, Removals};
use roundtrip_sandbox::platform::PauseReason;
use roundtrip_sandbox::shared::SeededRandom;
use std::rc::Rc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Each seed goes on until it has met so many faults …
const FEWEST_FAULTS: u64 = 20;
/// … and for so many more steps of fate at most.
const MOST_MORE_STEPS: usize = 60;

/// Gives a laptop that has just started its tasks.
pub fn begin(laptop: &Rc<Laptop>, around: &Rc<Surroundings>, running: &Rc<Running>, driven: bool) {
    let seed = around
        .seed
        .wrapping_mul(131)
        .wrapping_add(running.boot * 17 + laptop.index as u64);
    let engine = running.engine.clone();
    if driven {
        laptop.start(async move { engine.drive(CancellationToken::new()).await });
    } else {
        laptop.start(cycles(
            laptop.clone(),
            around.clone(),
            running.clone(),
            SeededRandom::new(seed),
        ));
    }
    laptop.start(window(
        laptop.clone(),
        around.clone(),
        running.clone(),
        SeededRandom::new(seed ^ 0x31D0),
        driven,
    ));
    // The watcher outlives the app: it is what starts it again.
    let (laptop, around, disk) = (laptop.clone(), around.clone(), running.disk.clone());
    around.clone().handle.start(0, async move {
        disk.power_gone.notified().await;
        crash(&laptop, &around, driven, SeededRandom::new(seed ^ 0xC4A5)).await;
    });
}

/// The app ends at the await it is at, and is started again after a while.
pub async fn crash(laptop: &Rc<Laptop>, around: &Rc<Surroundings>, driven: bool, mut random: SeededRandom) {
    laptop.crash();
    let pause = TimeDelta::seconds(1 + random.below(400) as i64);
    around.stage.time.until(around.stage.now() + pause).await;
    if around.stage.is_calm() || laptop.running().is_some() || laptop.is_disconnected() {
        return;
    }
    if random.below(6) == 0
        && let Err(error) = laptop.reopen_database()
    {
        around
            .stage
            .note(format_args!("L{} could not open: {error}", laptop.index));
    }
    let running = laptop.boot();
    begin(laptop, around, &running, driven);
}

/// Notes how a cycle ended.
pub fn note_cycle(
    around: &Surroundings,
    laptop: &Laptop,
    outcome: &Result<CycleReport, roundtrip_engine::ledger::LedgerError>,
) {
    let word = match outcome {
        Ok(report) => match report.result {
            Some(RunResult::Success) => "cycle: success",
            Some(RunResult::Partial) => "cycle: partial",
            Some(RunResult::Failed) => "cycle: failed",
            Some(RunResult::Running) | None => "cycle: unsaid",
        },
        Err(_) => "cycle: no ledger",
    };
    around.stage.ending(word);
    match outcome {
        Ok(report) => around.stage.note(format_args!(
            "L{} {word} {:?} waiting {} conflicts {} questions {} due {:?}",
            laptop.index,
            report.counts,
            report.waiting,
            report.conflicts,
            report.questions,
            report.next_due_at
        )),
        Err(error) => around
            .stage
            .note(format_args!("L{} {word} {error}", laptop.index)),
    }
}

async fn cycles(
    laptop: Rc<Laptop>,
    around: Rc<Surroundings>,
    running: Rc<Running>,
    mut random: SeededRandom,
) {
    let mut trigger = Trigger::Start;
    loop {
        if trigger == Trigger::Hint {
            // A hint that is right, late, or about nothing: which side it speaks of has nothing to do with what changed.
            let side = hinted(running.engine.now().timestamp_millis());
            running.engine.hint(side);
        }
        let outcome = running.engine.cycle(trigger).await;
        note_cycle(&around, &laptop, &outcome);
        let mut pause = match random.below(4) {
            0 => 1 + random.below(20),
            1 | 2 => 30 + random.below(300),
            _ => 300 + random.below(900),
        } as i64;
        trigger = [
            Trigger::Timer,
            Trigger::Manual,
            Trigger::WakeUp,
            Trigger::NetworkBack,
            Trigger::Hint,
        ][random.below(5)];
        let due = outcome.ok().and_then(|report| report.next_due_at);
        if let Some(due) = due
            && random.below(3) != 0
        {
            let left = (due - running.engine.now()).num_seconds().max(1);
            if left < pause {
                pause = left;
                trigger = Trigger::Due;
            }
        }
        laptop
            .clock
            .sleep(Duration::from_secs(pause.unsigned_abs()))
            .await;
    }
}

/// What the trainer does in the window now and then.
async fn window(
    laptop: Rc<Laptop>,
    around: Rc<Surroundings>,
    running: Rc<Running>,
    mut random: SeededRandom,
    driven: bool,
) {
    let started = running
        .engine
        .ledger()
        .sync_state()
        .await
        .is_ok_and(|state| state.started);
    if !started {
        laptop
            .clock
            .sleep(Duration::from_secs(random.below(90) as u64))
            .await;
        let _ = running.engine.start_syncing().await;
    }
    loop {
        let pause = 30 + random.below(700) as u64;
        laptop.clock.sleep(Duration::from_secs(pause)).await;
        let live = running.engine.live();
        let signed_out = [&live.platform.problem, &live.calendar.problem]
            .into_iter()
            .flatten()
            .any(|problem| matches!(problem, PortError::SignInExpired | PortError::NotConnected));
        if signed_out && random.below(3) != 0 {
            let done = laptop.sign_in_again(&running).await.is_ok();
            around
                .stage
                .action("trainer signs in again", format_args!("L{} {done}", laptop.index));
            continue;
        }
        if crowd::answers(&laptop, &around, &running, &mut random).await {
            continue;
        }
        act(&laptop, &around, &running, &mut random, driven).await;
    }
}

async fn act(
    laptop: &Laptop,
    around: &Surroundings,
    running: &Running,
    random: &mut SeededRandom,
    driven: bool,
) {
    let (engine, stage) = (&running.engine, &around.stage);
    let index = laptop.index;
    let said = |kind: &'static str, what: String| stage.action(kind, format_args!("L{index} {what}"));
    match random.below(16) {
        0..=3 => {
            let Ok(open) = engine.ledger().open_conflicts().await else {
                return;
            };
            let Some(conflict) = random.pick(&open) else {
                return;
            };
            let all = if conflict.kind == ConflictKind::CreatedExternally {
                [Resolution::Create, Resolution::Dismiss, Resolution::Dismiss]
            } else {
                [
                    Resolution::KeepPlatform,
                    Resolution::KeepCalendar,
                    Resolution::MostRecent,
                ]
            };
            let resolution = random.pick(&all).cloned().unwrap_or(Resolution::KeepPlatform);
            let outcome = engine
                .resolve_conflict(&conflict.id, &conflict.seen, &resolution)
                .await;
            said(
                "window answers a conflict",
                format!("{} {resolution:?} {outcome:?}", conflict.appointment_id),
            );
        }
        // A trainer with many appointments answers after a while, or not at all.
        4 | 5 if around.crowd.is_some() => undo_run(running, random, &said).await,
        4 | 5 => {
            let Ok(known) = engine.ledger().questions(engine.now()).await else {
                return;
            };
            let open: Vec<_> = known.iter().filter(|one| one.answer.is_none()).collect();
            let Some(question) = random.pick(&open) else {
                return;
            };
            let answer = if random.below(3) == 0 {
                Answer::Leave
            } else {
                Answer::GoOn
            };
            let outcome = engine.answer_question(&question.id, answer).await;
            said("window answers a question", format!("{answer:?} {outcome:?}"));
        }
        6 => {
            let Ok(records) = engine.ledger().records().await else {
                return;
            };
            let Some(record) = random.pick(&records) else {
                return;
            };
            if engine.put_back(&record.appointment_id).await.is_ok() {
                said("window puts back", record.appointment_id.to_string());
            }
        }
        7 => {
            if engine.retry(None).await.is_ok() {
                said("window retries", String::new());
            }
        }
        8 => {
            let Ok(answered) = engine.standing_answers().await else {
                return;
            };
            let Some(conflict) = random.pick(&answered) else {
                return;
            };
            let outcome = engine.undo_conflict(&conflict.id).await;
            said(
                "window undoes an answer",
                format!("{} {outcome:?}", conflict.appointment_id),
            );
        }
        9 => restore(running, random, &said).await,
        10 => {
            let Ok(mut settings) = engine.ledger().settings().await else {
                return;
            };
            change(&mut settings, random);
            if engine
                .change_settings(|_| settings, Removals::Unconfirmed)
                .await
                .is_ok()
            {
                said("window changes settings", String::new());
            }
        }
        11 => {
            let until = engine.now() + TimeDelta::minutes(1 + random.below(20) as i64);
            let until = (random.below(2) == 0).then_some(until);
            if engine.pause_until(until).await.is_ok() {
                said("window pauses or resumes", format!("{until:?}"));
            }
        }
        12 => {
            engine.take_over();
            said("window takes the lease over", String::new());
        }
        13 => answer_held(running, random, &said).await,
        14 => undo_run(running, random, &said).await,
        _ if driven => {
            match random.below(2) {
                0 => engine.ask_for(Trigger::Manual),
                _ => engine.hint(hinted(engine.now().timestamp_millis())),
            }
            said("window asks for a cycle", String::new());
        }
        _ => {
            engine.cancel_cycle();
            said("window cancels the cycle", String::new());
        }
    }
}

/// Draws nothing: what chance decides elsewhere stays as it is.
fn hinted(moment: i64) -> Hinted {
    match moment.rem_euclid(3) {
        0 => Hinted::Platform,
        1 => Hinted::Calendar,
        _ => Hinted::Everything,
    }
}

async fn restore(running: &Running, random: &mut SeededRandom, said: &impl Fn(&'static str, String)) {
    let engine = &running.engine;
    let filter = HistoryFilter {
        limit: 20,
        ..HistoryFilter::default()
    };
    let Ok(items) = engine.ledger().history(&filter).await else {
        return;
    };
    let lines: Vec<String> = items
        .iter()
        .filter(|item| roundtrip_engine::is_restorable(item, engine.now()))
        .map(|item| item.id.clone())
        .collect();
    let Some(line) = random.pick(&lines).cloned() else {
        return;
    };
    let Ok(preview) = engine.preview_restore(std::slice::from_ref(&line), None).await else {
        return;
    };
    let outcome = engine.restore(&[line], Confirmed::of(&preview)).await;
    said("window restores a line", format!("{}", outcome.is_ok()));
}

/// Keeps or removes what is held.
async fn answer_held(running: &Running, random: &mut SeededRandom, said: &impl Fn(&'static str, String)) {
    let engine = &running.engine;
    let Ok(snapshot) = engine.snapshot().await else {
        return;
    };
    let Some(held) = random.pick(&snapshot.held) else {
        return;
    };
    let (word, answer) = if random.below(2) == 0 {
        ("window keeps what is held", Answer::Leave)
    } else {
        ("window removes what is held", Answer::GoOn)
    };
    let outcome = engine
        .answer_held(std::slice::from_ref(&held.appointment), answer)
        .await;
    said(word, format!("{} {outcome:?}", held.appointment));
}

/// Undoes one of the last runs that wrote something.
async fn undo_run(running: &Running, random: &mut SeededRandom, said: &impl Fn(&'static str, String)) {
    let engine = &running.engine;
    let Ok(mut runs) = engine.ledger().runs(chrono::DateTime::UNIX_EPOCH, 40).await else {
        return;
    };
    runs.retain(|run| {
        let counts = &run.counts;
        counts.added + counts.changed + counts.removed + counts.moved_back > 0
    });
    let Some(run) = random.pick(&runs) else {
        return;
    };
    let Ok(preview) = engine.preview_undo_run(&run.id).await else {
        return;
    };
    let outcome = engine.undo_run(&run.id, Confirmed::of(&preview)).await;
    said(
        "window undoes a run",
        format!("{} lines {}", preview.len(), outcome.is_ok()),
    );
}

/// Settings of a trainer who tries things.
pub fn change(settings: &mut SyncSettings, random: &mut SeededRandom) {
    match random.below(7) {
        0 => settings.text.notes = !settings.text.notes,
        1 => {
            settings.text.privacy =
                [PrivacyLevel::Full, PrivacyLevel::TypeOnly, PrivacyLevel::Busy][random.below(3)]
        }
        2 => {
            settings.time_policy = [
                ConflictPolicy::Ask,
                ConflictPolicy::KeepPlatform,
                ConflictPolicy::KeepCalendar,
                ConflictPolicy::MostRecent,
            ][random.below(4)]
        }
        3 => {
            settings.text_policy = [
                ConflictPolicy::Ask,
                ConflictPolicy::KeepPlatform,
                ConflictPolicy::KeepCalendar,
            ][random.below(3)]
        }
        4 => settings.filters.include_private = !settings.filters.include_private,
        5 => {
            let day = random.below(5) as u8;
            if !settings.filters.weekdays_off.remove(&day) {
                settings.filters.weekdays_off.insert(day);
            }
        }
        _ => settings.every_minutes = [5, 15, 30][random.below(3)],
    }
}

/// What nobody chose: crashes, sleep, clocks, lost databases, places that expire, policies, leases.
pub async fn fate(
    laptops: Vec<Rc<Laptop>>,
    around: Rc<Surroundings>,
    mut random: SeededRandom,
    steps: usize,
    driven: bool,
) {
    let stage = around.stage.clone();
    let mut slept_a_week = false;
    for step in 0..steps + MOST_MORE_STEPS {
        if step >= steps && stage.faults() >= FEWEST_FAULTS {
            break;
        }
        let pause = 20 + random.below(600) as i64;
        stage.time.until(stage.now() + TimeDelta::seconds(pause)).await;
        let Some(laptop) = random.pick(&laptops).cloned() else {
            return;
        };
        let index = laptop.index;
        let chance = SeededRandom::new(random.next_u64());
        let hit = |kind: &'static str| stage.fault(kind, format_args!("L{index}"));
        match random.below(20) {
            0..=5 => {
                if laptop.running().is_some() {
                    hit("crash and restart");
                    crash(&laptop, &around, driven, chance).await;
                }
            }
            6 | 7 => {
                hit("sleep");
                let minutes = 1 + random.below(150) as i64;
                laptop.sleep(TimeDelta::minutes(minutes)).await;
            }
            8 if !slept_a_week && random.below(3) == 0 => {
                slept_a_week = true;
                hit("sleep for a week");
                let week = TimeDelta::days(7) + TimeDelta::minutes(random.below(600) as i64);
                futures::future::join_all(laptops.iter().map(|laptop| laptop.sleep(week))).await;
            }
            9 | 10 => {
                hit("clock jump");
                let minutes = match random.below(4) {
                    0 => 0,
                    1 => random.below(60) as i64 - 30,
                    2 => random.below(3_000) as i64 - 1_500,
                    _ => random.below(100_000) as i64 - 50_000,
                };
                laptop.clock.set_skew(TimeDelta::minutes(minutes));
            }
            11 => {
                if laptop.running().is_some() && random.below(2) == 0 {
                    hit("database lost");
                    laptop.crash();
                    stage.time.until(stage.now() + TimeDelta::seconds(30)).await;
                    laptop.lose_database();
                    let running = laptop.boot();
                    if within(&around, laptop.sign_in(&running)).await.is_some() {
                        stage.note(format_args!("L{index} signs in with an empty database"));
                    }
                    begin(&laptop, &around, &running, driven);
                }
            }
            12 | 13 => {
                hit("places in the feeds forgotten");
                stage.sandbox.google.expire_sync_tokens();
                if random.below(2) == 0 {
                    stage.sandbox.platform.expire_cursors();
                }
            }
            14 => {
                hit("platform turns sync off");
                let reason = [PauseReason::DisabledByAdmin, PauseReason::Maintenance][random.below(2)];
                let user = around.person.user;
                let _ = stage.sandbox.platform.pause(user, Some(reason));
                let seconds = 60 + random.below(1_500) as i64;
                let until = stage.now() + TimeDelta::seconds(seconds);
                let mut chance = chance;
                if chance.below(2) == 0 {
                    // Once it has heard so, it starts anew and cannot ask again.
                    stage
                        .time
                        .until(stage.now() + TimeDelta::seconds(seconds / 3))
                        .await;
                    if laptop.running().is_some() {
                        hit("restart and outage while sync is off");
                        stage.set_platform_out(true);
                        crash(&laptop, &around, driven, chance).await;
                    }
                }
                stage.time.until(until).await;
                stage.set_platform_out(false);
                let _ = stage.sandbox.platform.pause(user, None);
            }
            15 | 16 => {
                hit("writer lease lost");
                stage.sandbox.platform.end_lease(around.person.user, "google");
            }
            17 if random.below(3) == 0 => {
                if let Some(running) = laptop.running() {
                    hit("disconnect and reconnect");
                    within(&around, disconnect(&laptop, &around, &running)).await;
                    let seconds = 30 + random.below(900) as i64;
                    stage.time.until(stage.now() + TimeDelta::seconds(seconds)).await;
                    laptop.set_disconnected(false);
                    let running = laptop.boot();
                    if within(&around, laptop.sign_in(&running)).await.is_none() {
                        stage.note(format_args!("L{index} could not sign in"));
                    }
                    begin(&laptop, &around, &running, driven);
                }
            }
            _ => {
                // All sign-ins of Google at once, as after a change of password.
                if random.below(3) == 0 {
                    hit("all grants revoked");
                    stage.sandbox.google.revoke_all_tokens();
                }
            }
        }
    }
}

/// Waits for something that a lost power may keep from ending.
async fn within<T>(around: &Surroundings, work: impl Future<Output = T>) -> Option<T> {
    let patience = around
        .stage
        .time
        .until(around.stage.now() + TimeDelta::minutes(10));
    let work = std::pin::pin!(work);
    match futures::future::select(work, patience).await {
        futures::future::Either::Left((outcome, _)) => Some(outcome),
        futures::future::Either::Right(_) => None,
    }
}

async fn disconnect(laptop: &Laptop, around: &Surroundings, running: &Running) {
    laptop.set_disconnected(true);
    laptop.crash();
    // What the app does then is tried once, and whatever comes of it the trainer is gone.
    let said = running.engine.say_goodbye().await.is_ok();
    let revoked = running.google.revoke().await.is_ok();
    let ended = running.platform.revoke().await.is_ok();
    around.stage.note(format_args!(
        "L{} disconnects: told {said}, revoked {revoked} and {ended}",
        laptop.index
    ));
}
