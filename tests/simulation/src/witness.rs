//! What is seen in passing, at the boundary of a laptop, and cannot be read from any ledger afterwards: when, by the services'
//! time, it held a deletion back or took one for the trainer's wish, what it asked, what the trainer wanted back, which settings
//! it ever had, when the trainer signed in, and what it heard of the platform's switch.

use chrono::{DateTime, Utc};
use roundtrip_core::ids::{AppointmentId, Generation};
use roundtrip_core::question::Question;
use roundtrip_core::record::{LinkState, Record};
use roundtrip_core::settings::SyncSettings;
use roundtrip_engine::ledger::{Change, HistoryWhat};
use std::collections::{BTreeMap, BTreeSet};

/// What all laptops of a seed did, in order.
#[derive(Clone, Debug, Default)]
pub struct Witnessed {
    /// Settings that a laptop wrote.
    pub settings: Vec<(usize, DateTime<Utc>, SyncSettings)>,
    /// Deletions that a laptop began to hold, or (true) that the trainer answered.
    pub held: Vec<(usize, DateTime<Utc>, AppointmentId, bool)>,
    /// How many requests there were when the trainer signed in on a laptop.
    pub sign_ins: Vec<(usize, usize)>,
    /// Questions of the guard, each as often as a laptop wrote it.
    pub questions: Vec<(usize, DateTime<Utc>, Question)>,
    /// Events, by appointment and generation, whose deletion in the calendar a laptop began to respect.
    pub removed: Vec<(usize, DateTime<Utc>, AppointmentId, Generation)>,
    /// What the trainer wanted back, and was promised.
    pub wishes: Vec<Wish>,
    /// What a laptop heard of the platform's switch, and what it sent.
    pub switch: Vec<(usize, DateTime<Utc>, Switch)>,
    respected: BTreeSet<(usize, AppointmentId)>,
    /// Version of the appointment and etag of the event, as each laptop last wrote them down.
    known: BTreeMap<(usize, AppointmentId), (Option<u64>, Option<String>)>,
    lives: Vec<u32>,
}

/// A line of an undoing that was accepted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which laptop.
    pub laptop: usize,
    /// When, by the services' time.
    pub at: DateTime<Utc>,
    /// Whose.
    pub appointment: AppointmentId,
    /// What is wanted.
    pub wanted: Wanted,
    /// The version of the appointment that the laptop knew.
    pub version: Option<u64>,
    /// The etag of the event that the laptop knew.
    pub etag: Option<String>,
}

/// What is wanted back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This time.
    Time(DateTime<Utc>, DateTime<Utc>),
    /// An event.
    Event,
    /// No event.
    NoEvent,
}

/// What a laptop hears and does while the platform's switch matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Switch {
    /// The app starts; `fresh`: with a database that knows nothing.
    Starts {
        /// Nothing is known from before.
        fresh: bool,
    },
    /// An answer of the platform says whether sync may run.
    Hears {
        /// What it says.
        enabled: bool,
        /// The run that asked.
        run: Option<String>,
        /// It answers a write, beside which others may be on their way.
        of_write: bool,
    },
    /// A request that changes nothing leaves.
    Asks {
        /// The run that asks.
        run: Option<String>,
    },
    /// A write leaves: of an event, or a report.
    Writes {
        /// The run that writes.
        run: Option<String>,
        /// Method and path.
        what: String,
    },
}

impl Witnessed {
    /// A laptop has committed this.
    pub fn commits(&mut self, laptop: usize, at: DateTime<Utc>, changes: &[Change]) {
        for change in changes {
            match change {
                Change::PutSettings(settings) => self.settings.push((laptop, at, (**settings).clone())),
                Change::PutQuestion(question) => self.questions.push((laptop, at, question.clone())),
                Change::PutRecord(record) => self.keeps(laptop, at, record),
                Change::DeleteRecord(id) => {
                    self.respected.remove(&(laptop, id.clone()));
                }
                Change::AddItem(item) => {
                    let Some(appointment) = &item.appointment_id else {
                        continue;
                    };
                    match item.what {
                        HistoryWhat::Held { .. } => self.held.push((laptop, at, appointment.clone(), false)),
                        HistoryWhat::HeldAnswered { .. } => {
                            self.held.push((laptop, at, appointment.clone(), true));
                        }
                        _ => {}
                    }
                    let wanted = match item.what {
                        HistoryWhat::Restored { to: Some(to), .. }
                        | HistoryWhat::Undone { to: Some(to), .. } => Wanted::Time(to.start, to.end),
                        HistoryWhat::Restored { to: None, .. } => Wanted::NoEvent,
                        HistoryWhat::PutBack => Wanted::Event,
                        _ => continue,
                    };
                    let known = self.known.get(&(laptop, appointment.clone()));
                    self.wishes.push(Wish {
                        laptop,
                        at,
                        appointment: appointment.clone(),
                        wanted,
                        version: known.and_then(|(version, _)| *version),
                        etag: known.and_then(|(_, etag)| etag.clone()),
                    });
                }
                _ => {}
            }
        }
    }

    fn keeps(&mut self, laptop: usize, at: DateTime<Utc>, record: &Record) {
        let whose = (laptop, record.appointment_id.clone());
        let version = record.appointment.as_ref().map(|known| known.version);
        let etag = record.event.as_ref().map(|event| event.etag.0.clone());
        self.known.insert(whose.clone(), (version, etag));
        if !matches!(record.link, LinkState::Removed { .. }) {
            self.respected.remove(&whose);
        } else if self.respected.insert(whose) {
            let appointment = record.appointment_id.clone();
            self.removed.push((laptop, at, appointment, record.generation));
        }
    }

    /// The app starts on a laptop, with its database of this life.
    pub fn starts(&mut self, laptop: usize, at: DateTime<Utc>, life: u32) {
        if self.lives.len() <= laptop {
            self.lives.resize(laptop + 1, u32::MAX);
        }
        let fresh = self.lives[laptop] != life;
        self.lives[laptop] = life;
        self.switch.push((laptop, at, Switch::Starts { fresh }));
    }
}

/// The run in whose name a request was sent: its id ends with the number of the request.
pub fn run_of(request_id: Option<&str>) -> Option<String> {
    Some(request_id?.rsplit_once('-')?.0.to_owned()).filter(|run| run != "rt")
}
