//! What everything in one seed shares: time, trace, services, counts, and how rough it gets.

use crate::ended::WireRecord;
use crate::executor::{Time, lock};
use crate::trace::Trace;
use crate::witness::{Switch, Witnessed};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Request;
use roundtrip_engine::ledger::Change;
use roundtrip_sandbox::Sandbox;
use roundtrip_sandbox::shared::SeededRandom;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// How often each kind of thing happened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Faults, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What trainer, admin, window and fate did, by kind.
    pub actions: BTreeMap<&'static str, u64>,
    /// How cycles ended, and how the seed did.
    pub endings: BTreeMap<&'static str, u64>,
    /// Requests that left a laptop.
    pub requests: u64,
    /// Operations on the ledger.
    pub ledger: u64,
}

impl Counts {
    /// Adds another seed's.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.faults, &other.faults),
            (&mut self.actions, &other.actions),
            (&mut self.endings, &other.endings),
        ] {
            for (kind, count) in theirs {
                *mine.entry(kind).or_default() += count;
            }
        }
        self.requests += other.requests;
        self.ledger += other.ledger;
    }

    /// All faults.
    pub fn all_faults(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// A request that reaches its service later than anybody waits for it.
pub struct Parcel {
    /// When it arrives.
    pub at: DateTime<Utc>,
    /// From which laptop.
    pub laptop: usize,
    /// For Google, else for the platform.
    pub google: bool,
    /// The request.
    pub request: Request<Bytes>,
}

/// How rough one seed is. Each seed leaves some kinds of faults out altogether: rare combinations come up that way.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Faults on the wire, in a thousand requests.
    pub wire: usize,
    /// Faults of the disk, in a thousand operations.
    pub disk: usize,
    /// Kinds of faults on the wire that this seed has.
    pub kinds: Vec<crate::faults::Kind>,
    /// The services give pages of so many items, if not as many as asked for.
    pub page_size: Option<usize>,
}

impl Weather {
    /// The weather of a seed.
    pub fn of(random: &mut SeededRandom) -> Self {
        let mut kinds: Vec<_> = crate::faults::Kind::ALL
            .into_iter()
            .filter(|_| random.below(10) < 7)
            .collect();
        if kinds.is_empty() {
            kinds.push(crate::faults::Kind::LostReply);
        }
        Self {
            wire: 60 + random.below(340),
            disk: random.below(3) * random.below(25),
            kinds,
            page_size: (random.below(3) == 0).then(|| 1 + random.below(3)),
        }
    }
}

/// Shared by everything in one seed.
pub struct Stage {
    /// Virtual time.
    pub time: Arc<Time>,
    /// What happened.
    pub trace: Arc<Trace>,
    /// Both services.
    pub sandbox: Sandbox,
    /// How rough it is.
    pub weather: Weather,
    /// Requests under way to arrive late.
    pub late: Mutex<Vec<Parcel>>,
    /// Told of each late request.
    pub late_told: tokio::sync::Notify,
    counts: Mutex<Counts>,
    requests: Mutex<Vec<WireRecord>>,
    witnessed: Mutex<Witnessed>,
    calm: AtomicBool,
    platform_is_out: AtomicBool,
}

impl Stage {
    /// The stage of one seed.
    pub fn new(time: Arc<Time>, trace: Arc<Trace>, sandbox: Sandbox, weather: Weather) -> Self {
        Self {
            time,
            trace,
            sandbox,
            weather,
            late: Mutex::default(),
            late_told: tokio::sync::Notify::new(),
            counts: Mutex::default(),
            requests: Mutex::default(),
            witnessed: Mutex::default(),
            calm: AtomicBool::new(true),
            platform_is_out: AtomicBool::new(false),
        }
    }

    /// The services' time.
    pub fn now(&self) -> DateTime<Utc> {
        self.time.now()
    }

    /// True while nothing goes wrong by itself.
    pub fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Lets things go wrong, or no longer.
    pub fn set_calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::Relaxed);
    }

    /// True while no laptop reaches the platform.
    pub fn platform_is_out(&self) -> bool {
        self.platform_is_out.load(Ordering::Relaxed)
    }

    /// Takes the platform out of everybody's reach, or gives it back.
    pub fn set_platform_out(&self, out: bool) {
        self.platform_is_out.store(out, Ordering::Relaxed);
    }

    /// Notes a line of the story.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        self.trace.note(self.now(), what);
    }

    /// Notes and counts a fault, of the list of [`crate::faults::names`]: one that is not there could get lost unnoticed.
    pub fn fault(&self, kind: &'static str, who: fmt::Arguments<'_>) {
        assert!(
            crate::faults::names().any(|known| known == kind),
            "no such fault: {kind}"
        );
        *lock(&self.counts).faults.entry(kind).or_default() += 1;
        self.note(format_args!("fault {kind}: {who}"));
    }

    /// Notes and counts what somebody did.
    pub fn action(&self, kind: &'static str, what: fmt::Arguments<'_>) {
        *lock(&self.counts).actions.entry(kind).or_default() += 1;
        self.note(format_args!("{kind}: {what}"));
    }

    /// Counts how something ended.
    pub fn ending(&self, kind: &'static str) {
        *lock(&self.counts).endings.entry(kind).or_default() += 1;
    }

    /// Counts an operation on a ledger.
    pub fn ledger_operation(&self) {
        lock(&self.counts).ledger += 1;
    }

    /// Keeps a request for the checker.
    pub fn request(&self, record: WireRecord) {
        lock(&self.counts).requests += 1;
        lock(&self.requests).push(record);
    }

    /// A laptop commits this.
    pub fn commits(&self, laptop: usize, changes: &[Change]) {
        lock(&self.witnessed).commits(laptop, self.now(), changes);
    }

    /// The app starts on a laptop, with its database of this life.
    pub fn starts(&self, laptop: usize, life: u32) {
        lock(&self.witnessed).starts(laptop, self.now(), life);
    }

    /// A laptop hears of the platform's switch, or sends something.
    pub fn switch(&self, laptop: usize, what: Switch) {
        lock(&self.witnessed).switch.push((laptop, self.now(), what));
    }

    /// The trainer signs in on a laptop.
    pub fn signs_in(&self, laptop: usize) {
        let requests = lock(&self.requests).len();
        lock(&self.witnessed).sign_ins.push((laptop, requests));
    }

    /// What was seen so far.
    pub fn witnessed(&self) -> Witnessed {
        lock(&self.witnessed).clone()
    }

    /// How many faults there were so far.
    pub fn faults(&self) -> u64 {
        lock(&self.counts).all_faults()
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<WireRecord> {
        lock(&self.requests).clone()
    }
}
