//! One seed from its beginning to the checker.

use crate::checker;
use crate::crowd::{self, Crowd};
use crate::desk::{Desk, LAPTOPS};
use crate::ended::{Ended, EndedLaptop, Violation};
use crate::executor::{Executor, Handle, Stopped, TimeClock, lock};
use crate::laptop::{Laptop, Surroundings};
use crate::life;
use crate::people::Somebody;
use crate::quiet;
use crate::stage::{Counts, Stage, Weather};
use crate::trace::Trace;
use crate::wire::{GOOGLE_PORT, Services};
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_behaviour_tests::MARA;
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::{CalendarId, DeviceId, TrainerId};
use roundtrip_engine::ledger::Ledger as _;
use roundtrip_engine::{Config, Removals};
use roundtrip_google::GoogleConfig;
use roundtrip_http::in_process::RouterHttp;
use roundtrip_platform::PlatformMetadata;
use roundtrip_sandbox::Sandbox;
use roundtrip_sandbox::realism::Realism;
use roundtrip_sandbox::shared::SeededRandom;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// More polls than any seed needs; beyond it something goes round in circles.
const MOST_POLLS: u64 = 3_000_000;

/// What came of one seed.
#[derive(Debug)]
pub struct Outcome {
    /// The hash of its trace.
    pub hash: String,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What happened how often.
    pub counts: Counts,
    /// Its readable trace, if asked for.
    pub lines: Vec<String>,
}

/// What the story leaves for the checker.
pub(crate) struct End {
    pub(crate) laptops: Vec<EndedLaptop>,
    pub(crate) faults_until: u64,
    pub(crate) quiet_from: u64,
    pub(crate) quiet_audit: usize,
    pub(crate) quiet_writes: usize,
    pub(crate) violations: Vec<Violation>,
}

/// When a seed begins: before the two changes of the clocks, and on a plain day.
fn beginning(random: &mut SeededRandom) -> DateTime<Utc> {
    let text = [
        "2026-11-21T08:00:00Z",
        "2026-10-12T08:00:00Z",
        "2027-03-16T08:00:00Z",
    ][random.below(3)];
    text.parse().unwrap_or_default()
}

/// How the services behave beyond the happy path: plainly in every third seed, else one or all of it, at some strength.
fn realism(seed: u64) -> Realism {
    // Numbers of its own, so that what else a seed tells does not hang on it.
    let mut random = SeededRandom::new(seed ^ 0x5EA1_1570);
    let all = Realism::all(1 + random.below(3) as u32);
    let plain = Realism::default();
    match random.below(9) {
        0..=2 => plain,
        3 | 4 => all,
        5 => Realism {
            list_lag_ms: all.list_lag_ms,
            ..plain
        },
        6 => Realism {
            late_tombstones_ms: all.late_tombstones_ms,
            ..plain
        },
        7 => Realism {
            html_descriptions: true,
            updated_granularity_ms: all.updated_granularity_ms,
            ..plain
        },
        _ => Realism {
            repeated_items_percent: all.repeated_items_percent,
            repeated_pages_percent: all.repeated_pages_percent,
            feed_repeats_percent: all.feed_repeats_percent,
            ..plain
        },
    }
}

/// Runs one seed on this desk.
///
/// # Errors
/// If there is no place for the databases; never for what the seed finds.
pub fn run(seed: u64, desk: &Rc<Desk>, shown: bool) -> Result<Outcome> {
    desk.begin_seed()?;
    let mut random = SeededRandom::new(seed);
    let trace = Arc::new(Trace::new(shown));
    let now = beginning(&mut random);
    let mut executor = Executor::new(now, random.next_u64(), trace.clone());
    let handle = executor.handle();
    let config = roundtrip_sandbox::Config {
        seed: random.next_u64(),
        appointments: 0,
        sample_events: false,
        realism: realism(seed),
        ..roundtrip_sandbox::Config::default()
    };
    let sandbox = Sandbox::new(&config, Arc::new(TimeClock(handle.time.clone())));
    let services = Services {
        platform: Arc::new(RouterHttp::new(sandbox.platform_router())),
        google: Arc::new(RouterHttp::new(sandbox.google_router())),
    };
    let weather = Weather::of(&mut random);
    let stage = Arc::new(Stage::new(
        handle.time.clone(),
        trace.clone(),
        sandbox.clone(),
        weather,
    ));
    let around = Rc::new(Surroundings {
        stage: stage.clone(),
        handle,
        desk: desk.clone(),
        services: services.clone(),
        metadata: metadata(desk, &services, &config.platform_url)?,
        google: google_config(&sandbox, &config.google_url)?,
        person: MARA,
        seed,
        crowd: Crowd::of(seed),
    });
    own_events(&sandbox, now)?;
    let before = everything(&sandbox);
    let end: Rc<RefCell<Option<Result<End>>>> = Rc::default();
    let told = end.clone();
    let stopped = executor.run(
        async move {
            let outcome = story(around, random).await;
            *told.borrow_mut() = Some(outcome);
        },
        MOST_POLLS,
    );
    let mut violations = Vec::new();
    let requests = stage.requests();
    match end.borrow_mut().take() {
        Some(Ok(end)) => {
            violations.extend(end.violations);
            violations.extend(checker::check(&Ended {
                seed,
                sandbox: &sandbox,
                user: MARA.user,
                account: MARA.google,
                before: &before,
                faults_until: end.faults_until,
                quiet_from: end.quiet_from,
                quiet_audit: end.quiet_audit,
                quiet_writes: end.quiet_writes,
                laptops: end.laptops,
                requests: &requests,
                witnessed: stage.witnessed(),
            }));
        }
        Some(Err(error)) => violations.push(Violation {
            invariant: "I1",
            what: format!("the story broke off: {error:#}"),
        }),
        None => violations.push(Violation {
            invariant: "I1",
            what: match stopped {
                Stopped::Stuck => "nothing could ever go on".to_owned(),
                Stopped::Endless => "it goes round in circles".to_owned(),
                Stopped::Done => "the story ended without an end".to_owned(),
            },
        }),
    }
    stage.ending(if violations.is_empty() {
        "seed: kept every promise"
    } else {
        "seed: broke a promise"
    });
    Ok(Outcome {
        hash: trace.hash(),
        violations,
        counts: stage.counts(),
        lines: trace.lines(),
    })
}

fn metadata(desk: &Desk, services: &Services, url: &str) -> Result<PlatformMetadata> {
    let asked = roundtrip_platform::discover(&*services.platform, url);
    Ok(desk.runtime.block_on(asked)?)
}

fn google_config(sandbox: &Sandbox, url: &str) -> Result<GoogleConfig> {
    debug_assert!(url.ends_with(&GOOGLE_PORT.to_string()));
    let client = &sandbox.google_client;
    Ok(GoogleConfig::from_settings(|name| match name {
        "ROUNDTRIP_GOOGLE_AUTH_URL" => Some(format!("{url}/o/oauth2/v2/auth")),
        "ROUNDTRIP_GOOGLE_TOKEN_URL" => Some(format!("{url}/token")),
        "ROUNDTRIP_GOOGLE_REVOKE_URL" => Some(format!("{url}/revoke")),
        "ROUNDTRIP_GOOGLE_API_URL" => Some(url.to_owned()),
        "GOOGLE_CLIENT_ID" => Some(client.client_id.clone()),
        "GOOGLE_CLIENT_SECRET" => Some(client.client_secret.clone()),
        _ => None,
    })?)
}

/// Events that the trainer had before Roundtrip came.
fn own_events(sandbox: &Sandbox, now: DateTime<Utc>) -> Result<()> {
    for (day, title) in [(11, "Zahnarzt"), (14, "Mittagessen"), (16, "Konzert")] {
        let start = now + TimeDelta::days(day);
        let side = |at: DateTime<Utc>| json!({"dateTime": at.to_rfc3339(), "timeZone": "Europe/Berlin"});
        let event = json!({"summary": title, "start": side(start), "end": side(start + TimeDelta::hours(1))});
        sandbox
            .google
            .insert_event(MARA.google, "primary", &event)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    }
    Ok(())
}

fn everything(sandbox: &Sandbox) -> BTreeMap<(String, String, String), Value> {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let mut all = BTreeMap::new();
    for account in sandbox.google.accounts() {
        let account = text(&account, "email");
        for calendar in sandbox.google.calendars(&account).unwrap_or_default() {
            let calendar = text(&calendar, "id");
            for event in sandbox.google.list_all(&account, &calendar).unwrap_or_default() {
                all.insert((account.clone(), calendar.clone(), text(&event, "id")), event);
            }
        }
    }
    all
}

fn config_of(sandbox: &Sandbox, metadata: &PlatformMetadata, index: usize) -> Result<Config> {
    let accounts = sandbox.google.accounts();
    let account = accounts
        .iter()
        .find(|account| account["email"] == MARA.google)
        .context("the trainer's account")?;
    Ok(Config {
        identity: Identity {
            platform: metadata.issuer.clone(),
            trainer: TrainerId::new(MARA.user),
            account: account["sub"].as_str().unwrap_or_default().to_owned(),
            account_email: MARA.google.to_owned(),
            calendar: CalendarId::new("primary"),
            former: Vec::new(),
        },
        platform_name: roundtrip_sandbox::platform::NAME.to_owned(),
        client_names_allowed: true,
        features: roundtrip_sandbox::platform::FEATURES.map(str::to_owned).to_vec(),
        device_id: DeviceId::new(format!("laptop-{}", index + 1)),
        device_name: format!("Laptop {}", index + 1),
        app_version: "0.1.0".to_owned(),
    })
}

/// Requests that arrive when nobody waits for them any more.
async fn postman(stage: Arc<Stage>, handle: Handle, services: Services) {
    loop {
        stage.late_told.notified().await;
        for parcel in std::mem::take(&mut *lock(&stage.late)) {
            let (stage, services) = (stage.clone(), services.clone());
            handle.start(0, async move {
                stage.time.until(parcel.at).await;
                let service = if parcel.google {
                    services.google
                } else {
                    services.platform
                };
                let what = format!("{} {}", parcel.request.method(), parcel.request.uri().path());
                let status = service.send(parcel.request).await.map(|answer| answer.status());
                stage.note(format_args!("late from L{}: {what} -> {status:?}", parcel.laptop));
            });
        }
    }
}

async fn story(around: Rc<Surroundings>, mut random: SeededRandom) -> Result<End> {
    let stage = around.stage.clone();
    around.handle.start(
        0,
        postman(stage.clone(), around.handle.clone(), around.services.clone()),
    );
    let first_day = (stage.now() + TimeDelta::days(10)).date_naive();
    let mut admin = Somebody::new(stage.clone(), around.person, random.next_u64(), first_day);
    match around.crowd {
        Some(crowd) => (0..crowd.appointments).for_each(|number| {
            admin.plan_at(Crowd::slot(number, first_day));
        }),
        None => (0..3 + random.below(4)).for_each(|_| {
            admin.plan();
        }),
    }
    if random.below(4) == 0 {
        // One that begins, and perhaps ends, while everything goes on.
        let soon = stage.now() + TimeDelta::minutes(20 + random.below(3_000) as i64);
        admin.plan_at(soon);
    }
    let count = 1 + usize::from(random.below(3) == 0);
    let driven = random.below(3) == 0;
    let rough_start = random.below(3) == 0;
    stage.note(format_args!(
        "{count} laptops, driven {driven}, rough start {rough_start}, {:?}",
        stage.weather
    ));
    if let Some(crowd) = &around.crowd {
        stage.note(format_args!("{crowd:?}"));
    }
    let mut laptops = Vec::new();
    for index in 0..count.min(LAPTOPS) {
        let config = config_of(&stage.sandbox, &around.metadata, index)?;
        let laptop = Rc::new(Laptop::new(index, config, around.clone()));
        let running = laptop.boot();
        laptop.sign_in(&running).await?;
        if random.below(3) == 0 || index > 0 {
            let mut settings = running.engine.ledger().settings().await?;
            life::change(&mut settings, &mut random);
            running
                .engine
                .change_settings(|_| settings, Removals::Unconfirmed)
                .await?;
        }
        if !rough_start {
            running.engine.start_syncing().await?;
            quiet::cycle(
                &around,
                &laptop,
                &running,
                roundtrip_engine::ledger::Trigger::Start,
            )
            .await?;
        }
        laptops.push(laptop);
    }

    stage.set_calm(false);
    for laptop in &laptops {
        if let Some(running) = laptop.running() {
            life::begin(laptop, &around, &running, driven);
        }
    }
    if let Some(crowd) = around.crowd {
        let masses = crowd::masses(around.clone(), laptops.clone(), crowd, first_day);
        around.handle.start(0, masses);
    }
    around.handle.start(0, admin.live(6 + random.below(10), false));
    let trainer = Somebody::new(stage.clone(), around.person, random.next_u64(), first_day);
    around.handle.start(0, trainer.live(6 + random.below(14), true));
    let fate_random = SeededRandom::new(random.next_u64());
    life::fate(
        laptops.clone(),
        around.clone(),
        fate_random,
        5 + random.below(9),
        driven,
    )
    .await;
    stage.set_calm(true);
    quiet::end(&around, &laptops, &mut random).await
}

/// What one laptop knows at the end.
///
/// # Errors
/// If its ledger cannot be read.
pub(crate) async fn ended_laptop(around: &Surroundings, laptop: &Laptop) -> Result<EndedLaptop> {
    let running = laptop.running().context("a laptop that runs")?;
    let ledger = running.engine.ledger();
    let snapshot = running.engine.snapshot().await?;
    let filter = roundtrip_engine::ledger::HistoryFilter {
        limit: 10_000,
        ..Default::default()
    };
    // What a lost database said was said all the same: it is the reason of what was done then.
    let (mut history, mut runs) = (Vec::new(), Vec::new());
    for lost in laptop.lost_ledgers() {
        history.extend(
            around
                .desk
                .runtime
                .block_on(lost.history(&filter))?
                .into_iter()
                .rev(),
        );
        let lost = around
            .desk
            .runtime
            .block_on(lost.runs(DateTime::UNIX_EPOCH, 10_000))?;
        runs.extend(lost.into_iter().rev());
    }
    history.extend(ledger.history(&filter).await?.into_iter().rev());
    runs.extend(ledger.runs(DateTime::UNIX_EPOCH, 10_000).await?.into_iter().rev());
    Ok(EndedLaptop {
        device: laptop.config.device_id.clone(),
        identity: laptop.config.identity.clone(),
        folder: if around.desk.is_searched() {
            around.desk.folder(laptop.index)
        } else {
            std::path::PathBuf::new()
        },
        database_was_lost: laptop.database_was_lost(),
        writes: running.engine.holds_lease(),
        disconnected: laptop.is_disconnected(),
        settings: snapshot.settings,
        state: snapshot.state,
        records: ledger.records().await?,
        statuses: snapshot.appointments,
        outbox: snapshot.outbox,
        conflicts: snapshot.conflicts,
        answered: ledger.answered_conflicts(DateTime::UNIX_EPOCH).await?,
        questions: snapshot.questions,
        history,
        runs,
    })
}
