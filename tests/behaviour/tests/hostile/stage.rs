//! A world whose services are impersonated for a while, and what must hold meanwhile and afterwards.

use super::wire::{Script, play};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Method, Request, Response};
use roundtrip_behaviour_tests::World;
use roundtrip_core::badge::Badge;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_engine::{CycleReport, error_code};
use roundtrip_http::{HttpError, HttpOptions, HttpPort, ReqwestHttp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is asked for, as far as a hostile answer cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A listing of events.
    Events,
    /// One event, read or written.
    Event,
    /// The platform's feed.
    Feed,
    /// One appointment, read or written.
    Appointment,
    /// The status report.
    Status,
    /// A token endpoint.
    Token,
}

impl Place {
    pub fn is_list(self) -> bool {
        matches!(self, Self::Events | Self::Feed)
    }

    pub fn is_calendar(self) -> bool {
        matches!(self, Self::Events | Self::Event)
    }

    fn of(request: &Request<Bytes>) -> Option<Self> {
        let path = request.uri().path();
        let reads = request.method() == Method::GET;
        Some(match path {
            path if path.ends_with("/token") => Self::Token,
            path if path.starts_with("/calendar/v3/") && path.ends_with("/events") && reads => Self::Events,
            path if path.starts_with("/calendar/v3/") => Self::Event,
            "/v1/appointments" if reads => Self::Feed,
            path if path.starts_with("/v1/appointments") => Self::Appointment,
            path if path.starts_with("/v1/me") => Self::Status,
            _ => return None,
        })
    }
}

/// What a hostile answer is made from.
pub struct Asked<'a> {
    pub place: Place,
    /// What the service really says.
    pub truth: &'a Response<Bytes>,
    pub seed: u64,
    /// How many answers were spoiled before this one.
    pub nth: u64,
}

/// How an answer is spoiled.
#[derive(Clone, Copy)]
pub enum Answer {
    /// Bytes on a socket of this machine, read by the real network adapter.
    Wire(fn(&Asked<'_>) -> Script),
    /// A whole answer: only its content matters.
    Whole(fn(&Asked<'_>) -> Response<Bytes>),
}

/// Where a class strikes in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The listings, from where the last ones ended.
    Lists,
    /// The listings, in full.
    FullLists,
    /// Everything, and writes are not carried out.
    Everything,
    /// Everything but the listings; writes are carried out, only their answers are spoiled.
    Single,
}

pub const SEEDS: [When; 4] = [When::Lists, When::FullLists, When::Everything, When::Single];

/// Answers in place of the services.
pub struct Impostor {
    services: Arc<dyn HttpPort>,
    patient: ReqwestHttp,
    impatient: ReqwestHttp,
    answer: Answer,
    when: When,
    seed: u64,
    tokens: bool,
    asked: Mutex<Vec<(Method, String)>>,
    spoiled: Mutex<u64>,
}

impl Impostor {
    pub fn new(world: &World, answer: Answer, when: When, seed: u64) -> Arc<Self> {
        Arc::new(Self::build(world, answer, when, seed, false))
    }

    /// Impersonates the token endpoints alone.
    pub fn of_tokens(world: &World, answer: Answer, seed: u64) -> Arc<Self> {
        Arc::new(Self::build(world, answer, When::Everything, seed, true))
    }

    fn build(world: &World, answer: Answer, when: When, seed: u64, tokens: bool) -> Self {
        // The limits are as in life, but for what would have to be waited for.
        let client = |total_timeout| {
            let options = HttpOptions {
                total_timeout,
                body_limit: 1 << 20,
                ..HttpOptions::default()
            };
            ReqwestHttp::new(options).expect("a network client")
        };
        Self {
            services: world.wire.services(),
            patient: client(HttpOptions::default().total_timeout),
            impatient: client(Duration::from_millis(200)),
            answer,
            when,
            seed,
            tokens,
            asked: Mutex::default(),
            spoiled: Mutex::default(),
        }
    }

    fn strikes(&self, place: Place) -> bool {
        match (self.tokens, place) {
            (tokens, Place::Token) => tokens,
            (true, _) => false,
            (false, place) => match self.when {
                When::Lists | When::FullLists => place.is_list(),
                When::Everything => true,
                When::Single => !place.is_list(),
            },
        }
    }

    pub fn requests(&self) -> usize {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn struck(&self) -> u64 {
        *self.spoiled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever is answered: nothing is deleted because of it, and nothing is reported as moved.
    pub fn check_nothing_was_broken(&self, class: &str) {
        for (method, path) in &*self.asked.lock().unwrap_or_else(PoisonError::into_inner) {
            assert_ne!(method, Method::DELETE, "{class} {:?}: {path}", self.when);
            assert!(!path.ends_with("/move"), "{class} {:?}: {path}", self.when);
        }
    }
}

#[async_trait]
impl HttpPort for Impostor {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let path = request.uri().path().to_owned();
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((request.method().clone(), path));
        assert!(
            !request.headers().contains_key("cookie"),
            "no cookie is ever sent back"
        );
        let Some(place) = Place::of(&request).filter(|place| self.strikes(*place)) else {
            return self.services.send(request).await;
        };
        let nth = {
            let mut spoiled = self.spoiled.lock().unwrap_or_else(PoisonError::into_inner);
            *spoiled += 1;
            *spoiled - 1
        };
        let carried_out = request.method() == Method::GET || self.when == When::Single;
        let truth = if carried_out {
            self.services.send(request.clone()).await?
        } else {
            Response::new(Bytes::from_static(b"{}"))
        };
        let asked = Asked {
            place,
            truth: &truth,
            seed: self.seed,
            nth,
        };
        match self.answer {
            Answer::Whole(answer) => Ok(answer(&asked)),
            Answer::Wire(script) => {
                let script = script(&asked);
                let client = match script.takes_for_ever() {
                    true => &self.impatient,
                    false => &self.patient,
                };
                play(script, request, client).await
            }
        }
    }
}

/// Twelve visits, in agreement on both sides.
pub struct Stage {
    pub world: World,
    pub visits: Vec<String>,
    ids: BTreeMap<String, String>,
    round: usize,
}

/// More requests than this in two cycles would be a loop: both listings have 200 pages at most.
const MOST_REQUESTS: usize = 900;

impl Stage {
    pub async fn new() -> Self {
        let world = World::new().await;
        // So far ahead that none is over when the last day of a test has passed.
        let visits: Vec<String> = (1..=12)
            .map(|day| {
                world
                    .admin()
                    .visit(&format!("Apotheke {day}"), &format!("2027-06-{day:02} 09:00"))
            })
            .collect();
        world.settle().await;
        let ids = visits
            .iter()
            .map(|visit| (visit.clone(), world.trainer().event_id(visit)))
            .collect();
        Self {
            world,
            visits,
            ids,
            round: 0,
        }
    }

    /// More than a day: the next cycle takes full listings, and no wait lasts longer.
    pub fn a_day_passes(&self) {
        self.world.set_time(self.world.now() + TimeDelta::hours(25));
    }

    /// Something is under way on the platform, so that a cycle has events to write.
    pub fn something_is_under_way(&mut self) {
        self.round += 1;
        let visit = &self.visits[self.round % self.visits.len()];
        self.world
            .admin()
            .rename(visit, &format!("Apotheke Nr. {}", 100 + self.round));
    }

    /// Two cycles with an impostor; what the first one said.
    pub async fn two_cycles(&self, class: &str, impostor: &Arc<Impostor>) -> CycleReport {
        self.world.wire.divert(Some(impostor.clone()));
        self.world.advance(60);
        let report = self.world.sync().await;
        self.world.advance(60);
        self.world.sync().await;
        self.world.wire.divert(None);
        impostor.check_nothing_was_broken(class);
        assert!(
            impostor.requests() <= MOST_REQUESTS,
            "{class}: {} requests in two cycles",
            impostor.requests()
        );
        self.world.check_safety();
        report
    }

    /// The services are well again, a day later at the latest everything is right.
    pub async fn well_again(&self, class: &str) {
        self.a_day_passes();
        self.world.settle().await;
        self.a_day_passes();
        self.world.settle().await;
        for visit in &self.visits {
            let said = self.world.admin().appointment(visit);
            let trainer = self.world.trainer();
            assert_eq!(trainer.events(visit).len(), 1, "{class}: {visit}");
            assert_eq!(&trainer.event_id(visit), &self.ids[visit], "{class}: {visit}");
            assert_eq!(trainer.start(visit), said.start.to_utc(), "{class}: {visit}");
            let name = said.location.and_then(|place| place.name).unwrap_or_default();
            assert_eq!(trainer.title(visit), name, "{class}: {visit}");
            assert_eq!(
                self.world.badge(visit).await,
                (Badge::Synced, None),
                "{class}: {visit}"
            );
        }
        let lost: Vec<_> = self
            .world
            .history()
            .await
            .into_iter()
            .filter(|item| matches!(item.what, HistoryWhat::Deleted { .. }))
            .collect();
        assert!(lost.is_empty(), "{class}: {lost:?}");
        assert_eq!(self.world.admin().writes(), [], "{class}: nothing was reported");
        assert_eq!(self.world.outbox().await, [], "{class}");
    }
}

/// The codes of both sides' problems.
pub fn codes(report: &CycleReport) -> (&'static str, &'static str) {
    let code = |problem: &Option<_>| problem.as_ref().map_or("", error_code);
    (code(&report.platform), code(&report.calendar))
}
