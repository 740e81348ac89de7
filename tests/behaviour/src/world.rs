//! One sandbox, one clock, one laptop.

use crate::laptop::Services;
use crate::oracle::Before;
use crate::{Admin, Laptop, MARA, Person, Trainer, at};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_google::GoogleConfig;
use roundtrip_http::{HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::log::LoggedRequest;
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_sandbox::{Config, Running, serve};
use std::ops::Deref;
use std::sync::Arc;

/// How a world begins.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Who uses the laptop.
    pub person: Person,
    /// Sample appointments of Mara Vogt.
    pub appointments: usize,
    /// Seed of the sandbox.
    pub seed: u64,
    /// When it is.
    pub now: DateTime<Utc>,
    /// Whether the trainer has already said "Start syncing".
    pub started: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            person: MARA,
            appointments: 0,
            seed: 1,
            now: at("2026-11-21T08:00:00Z"),
            started: true,
        }
    }
}

/// A sandbox and a laptop. What the laptop can do can be said of the world.
pub struct World {
    /// The sandbox, listening on this machine.
    pub running: Running,
    /// Its laptop.
    pub laptop: Laptop,
    pub(crate) before: Before,
    clock: Arc<ManualClock>,
    person: Person,
    services: Services,
}

impl Deref for World {
    type Target = Laptop;

    fn deref(&self) -> &Laptop {
        &self.laptop
    }
}

impl World {
    /// Mara's laptop, connected and started, with no appointments yet. It is Saturday, 21 November 2026, 9:00 in Berlin.
    pub async fn new() -> Self {
        Self::of(Setup::default()).await
    }

    /// A world that begins as told.
    pub async fn of(setup: Setup) -> Self {
        let clock = Arc::new(ManualClock::new(setup.now));
        let config = Config {
            seed: setup.seed,
            appointments: setup.appointments,
            auto_consent: true,
            sample_events: true,
            ..Config::default()
        };
        let running = serve(config, clock.clone(), 0)
            .await
            .expect("free ports on this machine");
        let before = Before::of(&running.sandbox.google);
        let http: Arc<dyn HttpPort> =
            Arc::new(ReqwestHttp::new(HttpOptions::default()).expect("a network client"));
        let metadata = roundtrip_platform::discover(&*http, &running.platform_url)
            .await
            .expect("a platform");
        let environment = running.environment();
        let google = GoogleConfig::from_settings(|name| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
        });
        let google = google.expect("the sandbox's own addresses");
        let services = Services {
            http,
            clock: clock.clone(),
            metadata,
            google,
            person: setup.person,
        };
        let laptop = Laptop::set_up(&services, "laptop-1").await;
        if setup.started {
            laptop.start().await;
        }
        Self {
            running,
            laptop,
            before,
            clock,
            person: setup.person,
            services,
        }
    }

    /// The admin of the platform.
    pub fn admin(&self) -> Admin {
        Admin::new(self.running.sandbox.platform.clone(), self.person)
    }

    /// The trainer in the calendar.
    pub fn trainer(&self) -> Trainer {
        Trainer::new(self.running.sandbox.google.clone(), self.person)
    }

    /// Who uses the laptop.
    pub fn person(&self) -> Person {
        self.person
    }

    /// Another installation of the same trainer, with a database and a device id of its own. It has not started yet.
    pub async fn second_laptop(&self) -> Laptop {
        Laptop::set_up(&self.services, "laptop-2").await
    }

    /// The app is closed and started again.
    pub async fn restart(&mut self) {
        self.laptop = self.laptop.restarted().await;
    }

    /// The power goes at the write after the next `writes` ones, in a cycle that begins now; then the laptop is started
    /// again.
    ///
    /// # Panics
    /// If the cycle writes less than that.
    pub async fn lose_power(&mut self, writes: usize, cut: crate::Cut) {
        let again = self.laptop.sync_or_lose_power(writes, cut).await;
        self.laptop = again.expect("the cycle ended before the power went");
    }

    /// The power goes after the service answered a request to this path in a cycle that begins now, and before anything of the
    /// answer was kept; then the laptop is started again.
    ///
    /// # Panics
    /// If the cycle sends no such request.
    pub async fn lose_power_after(&mut self, path: &str) {
        let again = self.laptop.sync_or_lose_power_after(path).await;
        self.laptop = again.expect("the cycle ended before the power went");
    }

    /// The database is lost; the trainer signs in again and starts.
    pub async fn lose_database(&mut self) {
        self.laptop = self.laptop.without_database().await;
    }

    /// Time passes.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// A cycle that reaches the platform alone.
    pub async fn hear_the_platform_alone(&self) {
        self.wire.unplug(&self.running.google_url);
        self.sync().await;
        self.wire.plug_in();
    }

    /// The clock of the world itself.
    pub fn world_clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }

    /// Sets the time.
    pub fn set_time(&self, now: DateTime<Utc>) {
        self.clock.set(now);
    }

    /// Spoils requests to Google as the rule says.
    pub fn spoil_google(&self, fault: Fault, rule: impl FnOnce(FaultRule) -> FaultRule) {
        self.running
            .sandbox
            .shared
            .faults()
            .add(rule(FaultRule::new(Service::Google, fault)));
    }

    /// Spoils requests to the platform as the rule says.
    pub fn spoil_platform(&self, fault: Fault, rule: impl FnOnce(FaultRule) -> FaultRule) {
        self.running
            .sandbox
            .shared
            .faults()
            .add(rule(FaultRule::new(Service::Platform, fault)));
    }

    /// No request is spoiled any more.
    ///
    /// # Panics
    /// If a rule was never applied: then the test did not test what it says.
    pub fn repair(&self) {
        let faults = self.running.sandbox.shared.faults();
        for state in faults.list() {
            assert!(state.applied > 0, "a fault that never struck: {state:?}");
        }
        faults.clear();
    }

    /// The number of the last request so far.
    pub fn mark(&self) -> u64 {
        self.running.sandbox.shared.log().last_seq()
    }

    /// Requests since a mark.
    pub fn requests_since(&self, mark: u64) -> Vec<LoggedRequest> {
        self.running.sandbox.shared.log().since(mark)
    }

    /// Requests since a mark that would change something in a calendar or an appointment.
    pub fn writes_since(&self, mark: u64) -> Vec<LoggedRequest> {
        let mut writes = self.requests_since(mark);
        writes.retain(|request| {
            request.method != "GET"
                && (request.path.starts_with("/calendar/v3/") || request.path.starts_with("/v1/appointments"))
        });
        writes
    }

    /// Writes to the calendar since a mark.
    pub fn calendar_writes_since(&self, mark: u64) -> usize {
        self.writes_since(mark)
            .iter()
            .filter(|request| request.service == Service::Google)
            .count()
    }
}
