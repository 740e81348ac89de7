//! Ten thousand appointments: how long deciding, storing and being ready takes.

use crate::tell;
use chrono::TimeDelta;
use roundtrip_behaviour_tests::{Setup, World};
use roundtrip_core::reconcile::{self, Context};
use roundtrip_core::record::Record;
use roundtrip_engine::ledger::Change;
use roundtrip_sandbox::google::QuotaLimits;
use std::time::Instant;

/// Measures each so many times.
pub async fn measure(appointments: usize, times: usize) {
    let mut world = synced(appointments).await;
    let records = world.engine.ledger().records().await.expect("the ledger works");
    tell("records", "", &[records.len() as f64]);
    plan(&world, &records, times).await;
    apply(&world, &records, times).await;
    ready(&mut world, times).await;
    cycle(&world, times).await;
}

/// A laptop after its first sync of so many.
async fn synced(appointments: usize) -> World {
    let world = World::of(Setup {
        appointments,
        started: false,
        ..Setup::default()
    })
    .await;
    // What the services allow is measured elsewhere.
    world.running.sandbox.google.set_quota(QuotaLimits {
        per_user_per_minute: None,
        per_project_per_minute: None,
        new_events_per_day: None,
        ..QuotaLimits::default()
    });
    world.running.sandbox.platform.set_requests_per_minute(usize::MAX);
    world.laptop.start().await;
    for _ in 0..5 {
        world.advance(120);
        world.sync().await;
        if world.outbox().await.is_empty() {
            break;
        }
    }
    world
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// One of a hundred has moved on the platform; every record is looked at anew, as in each cycle.
async fn plan(world: &World, records: &[Record], times: usize) {
    let state = world.state().await;
    let ctx = Context {
        now: world.now(),
        settings: world.snapshot().await.settings,
        identity: world.config.identity.clone(),
        connected_at: state.connected_at.unwrap_or_default(),
        platform_name: world.config.platform_name.clone(),
        client_names_allowed: false,
        other_writer_at: None,
        one_writes: false,
        awake_since: None,
        platform_asked_at: None,
        calendar_ahead: TimeDelta::zero(),
    };
    let mut changed = records.to_vec();
    let mut expected = 0_u32;
    for record in changed.iter_mut().step_by(100) {
        if let Some(appointment) = record.appointment.as_mut() {
            appointment.start += TimeDelta::minutes(15);
            appointment.end = appointment.end.map(|end| end + TimeDelta::minutes(15));
            appointment.version += 1;
            expected += 1;
        }
    }
    let mut took = Vec::new();
    let mut intents = 0;
    for _ in 0..times {
        let begin = Instant::now();
        let decisions: Vec<_> = changed
            .iter()
            .filter_map(|record| reconcile::unless_settled(record, &ctx))
            .collect();
        took.push(milliseconds(begin));
        intents = decisions
            .iter()
            .filter(|decision| !decision.intents.is_empty())
            .count();
    }
    tell("plan", "ms", &took);
    tell("plan: changed", "", &[f64::from(expected)]);
    tell("plan: decided to write", "", &[intents as f64]);
}

/// All records in one transaction, as after a first reading.
async fn apply(world: &World, records: &[Record], times: usize) {
    let ledger = world.engine.ledger();
    let mut took = Vec::new();
    for round in 0..times {
        let changes = records
            .iter()
            .map(|record| {
                let mut record = record.clone();
                // Each time other bytes, so that every row is really written.
                record.event_seen_at = record
                    .event_seen_at
                    .map(|at| at + TimeDelta::seconds(round as i64 + 1));
                Change::PutRecord(Box::new(record))
            })
            .collect();
        let begin = Instant::now();
        ledger.commit(changes).await.expect("a disk");
        took.push(milliseconds(begin));
    }
    tell("apply", "ms", &took);
}

/// From nothing but the disk to everything that the window shows.
async fn ready(world: &mut World, times: usize) {
    let (mut took, mut open) = (Vec::new(), Vec::new());
    for _ in 0..times {
        world.laptop.database.close().await;
        let begin = Instant::now();
        world.restart().await;
        open.push(milliseconds(begin));
        let snapshot = world.snapshot().await;
        took.push(milliseconds(begin));
        assert!(!snapshot.appointments.is_empty());
    }
    tell("ready: database and engine", "ms", &open);
    tell("ready", "ms", &took);
}

/// A cycle with nothing to do, with the answers of both services.
async fn cycle(world: &World, times: usize) {
    let mut took = Vec::new();
    for _ in 0..times {
        world.advance(60);
        let begin = Instant::now();
        world.sync().await;
        took.push(milliseconds(begin));
    }
    tell("idle cycle", "ms", &took);
}
