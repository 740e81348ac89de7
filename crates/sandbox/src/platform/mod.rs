//! The booking platform "Linden Akademie": the whole contract of the platform API, with a page for its admin.
//!
//! [`Platform`] is the handle. Its methods are what an admin can do; the API for trainers is [`Platform::router`].
//! Both change appointments through the same model (`model`, `writes`).

mod admin;
mod api;
mod auth;
mod calendar_rules;
mod feed;
mod guard;
mod hints;
mod hooks;
mod me;
mod model;
mod openapi;
mod problem;
mod sample;
mod state;
mod stream;
mod types;
mod writes;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;

pub use self::calendar_rules::{Rules, berlin_holiday};
pub(crate) use self::guard::JsonBody;
pub use self::model::{AdminEdit, NewAppointment};
pub use self::openapi::openapi_json;
pub use self::problem::{Code, Problem, ProblemDetails, RefusalReason};
pub use self::state::{Integration, Notification, NotificationKind, Person, Record, Write};
pub use self::types::*;

use self::state::{By, State, in_zone};
use crate::faults::Service;
use crate::history::{self, Change};
use crate::oauth;
use crate::shared::{SeededRandom, Shared, lock};

/// The client id the contract gives to Roundtrip.
pub const CLIENT_ID: &str = "roundtrip-desktop";
/// The scopes of the contract.
pub const SCOPES: [&str; 3] = ["appointments.read", "appointments.write", "calendar_sync"];
/// The features this platform has.
pub const FEATURES: [&str; 5] = [
    "stream",
    "calendar_relay",
    "create_appointments",
    "busy_blocks",
    "writer_lease",
];
/// What the platform calls itself.
pub const NAME: &str = "Linden Akademie";

/// Requests a person may make in a minute.
const REQUESTS_PER_MINUTE: usize = 600;

/// How the platform starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its own address, without a slash at the end.
    pub base_url: String,
    /// Sample appointments assigned to Mara Vogt. The other people always get a few.
    pub appointments: usize,
    /// Whether its sign-in page is answered by an immediate redirect.
    pub auto_consent: bool,
}

struct Inner {
    shared: Shared,
    config: Config,
    oauth: oauth::Server,
    state: Mutex<State>,
}

/// A copy of all the platform knows.
#[derive(Debug, Clone)]
pub(crate) struct Kept(State);

/// The platform. Cloning shares the same state.
#[derive(Clone)]
pub struct Platform {
    inner: Arc<Inner>,
}

impl Platform {
    /// A platform with its people and sample appointments.
    pub fn new(shared: Shared, config: Config) -> Self {
        let oauth = oauth::Server::new(shared.clone(), auth::server_config(config.auto_consent));
        let state = Mutex::new(Self::first_state(&shared, &config));
        Self {
            inner: Arc::new(Inner {
                shared,
                config,
                oauth,
                state,
            }),
        }
    }

    fn first_state(shared: &Shared, config: &Config) -> State {
        let mut state = State {
            requests_per_minute: REQUESTS_PER_MINUTE,
            history: shared.history().clone(),
            ..State::default()
        };
        state.people = sample::people()
            .into_iter()
            .map(|person| (person.id.clone(), person))
            .collect();
        // A sequence of its own, so that sample data and tokens do not depend on each other.
        let mut random = SeededRandom::new(shared.seed() ^ 0x5A4D_504C_4544_4154);
        sample::fill(&mut state, &mut random, config, millis(shared.now()));
        state
    }

    /// The platform as HTTP: the API, sign-in, and the admin's page.
    pub fn router(&self) -> Router {
        api::router(self.clone())
    }

    /// The JSON routes behind the admin's page; the control API serves the same ones.
    pub fn admin_router(&self) -> Router {
        admin::router(self.clone())
    }

    /// Back to the state at the start, everybody signed out.
    pub fn reset(&self) {
        self.inner.oauth.reset();
        *self.state() = Self::first_state(&self.inner.shared, &self.inner.config);
    }

    /// A copy of all it knows, sign-ins left out.
    pub(crate) fn kept(&self) -> Kept {
        Kept(self.state().clone())
    }

    /// Knows again what it knew then.
    pub(crate) fn put_back(&self, kept: &Kept) {
        *self.state() = kept.0.clone();
    }

    /// From now on it says that it has one of its [`FEATURES`], or that it has not. What it does stays the same, except that
    /// it hands no writer lease out that it does not have.
    pub fn offer(&self, feature: &'static str, offered: bool) {
        let mut state = self.state();
        if offered {
            state.withheld.remove(feature);
        } else {
            state.withheld.insert(feature);
        }
    }

    /// Its authorization server.
    pub fn oauth(&self) -> &oauth::Server {
        &self.inner.oauth
    }

    /// Its own address.
    pub fn base_url(&self) -> &str {
        &self.inner.config.base_url
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.inner.state)
    }

    fn feed_repeats(&self) -> (u64, u8) {
        let shared = &self.inner.shared;
        (shared.seed(), shared.realism().feed_repeats_percent)
    }

    fn now(&self) -> DateTime<Utc> {
        millis(self.inner.shared.now())
    }

    fn admin_actor(&self) -> By {
        By::admin(sample::ADMIN_NAME)
    }

    // What an admin sees.

    /// Everybody.
    pub fn people(&self) -> Vec<Person> {
        self.state().people.values().cloned().collect()
    }

    /// All appointments that have not been deleted, in order of their numbers.
    pub fn appointments(&self) -> Vec<Record> {
        self.state()
            .records
            .values()
            .filter(|record| !record.deleted)
            .cloned()
            .collect()
    }

    /// One appointment.
    pub fn appointment(&self, id: &str) -> Option<Record> {
        self.state().record(id).cloned()
    }

    /// What the admins were told, oldest first.
    pub fn notifications(&self) -> Vec<Notification> {
        self.state().notifications.clone()
    }

    /// Forgets what the admins were told.
    pub fn clear_notifications(&self) {
        let mut state = self.state();
        state.notifications.clear();
        state.revision += 1;
    }

    /// Everything that changed here, in order, and by whose hand.
    pub fn history(&self) -> Vec<Change> {
        self.inner.shared.history().of(Service::Platform)
    }

    /// The writes that took effect through the API, oldest first.
    pub fn writes(&self) -> Vec<Write> {
        self.state().writes.clone()
    }

    /// What the laptops reported.
    pub fn integrations(&self) -> Vec<Integration> {
        let (state, now) = (self.state(), self.now());
        let all = state.integrations.values().cloned().map(|integration| {
            let writer = state.writer(&integration.user, &integration.provider, now);
            let writer = writer.is_some_and(|writer| writer.device_id == integration.report.device_id);
            Integration {
                writer,
                ..integration
            }
        });
        all.collect()
    }

    /// The laptop that may write to this person's calendar now.
    pub fn writer(&self, user: &str, provider: &str) -> Option<Writer> {
        self.state().writer(user, provider, self.now()).cloned()
    }

    /// Busy blocks by user and source.
    pub fn busy_blocks(&self) -> Vec<(String, String, Vec<Block>)> {
        let state = self.state();
        state
            .busy_blocks
            .iter()
            .map(|((user, source), blocks)| (user.clone(), source.clone(), blocks.clone()))
            .collect()
    }

    /// The policy on calendar sync for one person.
    pub fn policy(&self, user: &str) -> CalendarSync {
        self.state().policy(user)
    }

    /// The number of open streams.
    pub fn open_streams(&self) -> usize {
        self.state().hints.open_streams()
    }

    // What an admin does.

    /// Plans an appointment.
    pub fn create_appointment(&self, new: NewAppointment) -> Appointment {
        let now = self.now();
        self.state()
            .create(new, &self.inner.config.base_url, self.admin_actor(), now)
    }

    /// Adds sample appointments for one person, after those there are.
    pub fn seed(&self, assignee: &str, count: usize) -> Result<(), Problem> {
        let mut random = SeededRandom::new(self.inner.shared.random_u64());
        let mut state = self.state();
        let person = state
            .people
            .get(assignee)
            .cloned()
            .ok_or_else(|| Problem::not_found("person"))?;
        let base_url = &self.inner.config.base_url;
        sample::fill_for(&mut state, &mut random, &person, count, base_url, self.now());
        Ok(())
    }

    /// Moves an appointment. The admin may choose any time; without `zone` it keeps its own.
    pub fn move_appointment(
        &self,
        id: &str,
        start: DateTime<Utc>,
        end: Option<DateTime<Utc>>,
        zone: Option<Tz>,
    ) -> Result<Appointment, Problem> {
        if end.is_some_and(|end| end <= start) {
            return Err(Problem::invalid(
                422,
                &["start", "end"],
                "An appointment must end after it begins.",
            ));
        }
        self.state().change(id, self.admin_actor(), self.now(), |record| {
            let appointment = &mut record.appointment;
            let zone = zone
                .or_else(|| appointment.time_zone.parse().ok())
                .unwrap_or(Tz::UTC);
            appointment.start = in_zone(start, zone);
            appointment.end = end.map(|end| in_zone(end, zone));
            appointment.time_zone = zone.name().to_owned();
        })
    }

    /// Edits an appointment.
    pub fn edit_appointment(&self, id: &str, edit: AdminEdit) -> Result<Appointment, Problem> {
        self.state().change(id, self.admin_actor(), self.now(), |record| {
            let appointment = &mut record.appointment;
            appointment.title = edit.title.unwrap_or_else(|| appointment.title.take());
            appointment.topic = edit.topic.unwrap_or_else(|| appointment.topic.take());
            appointment.notes = edit.notes.unwrap_or_else(|| appointment.notes.take());
            appointment.location = edit.location.unwrap_or_else(|| appointment.location.take());
            appointment.client = edit.client.unwrap_or_else(|| appointment.client.take());
            appointment.status = edit.status.unwrap_or(appointment.status);
            appointment.private = edit.private.unwrap_or(appointment.private);
            if let Some(kind) = edit.kind {
                appointment.kind = kind;
            }
            if let Some(editable) = edit.editable {
                appointment.editable = editable;
            }
            record.locked = edit.locked.unwrap_or(record.locked);
        })
    }

    /// Calls an appointment off.
    pub fn cancel_appointment(&self, id: &str) -> Result<Appointment, Problem> {
        self.set_status(id, AppointmentStatus::Cancelled)
    }

    /// Takes a cancellation back.
    pub fn restore_appointment(&self, id: &str) -> Result<Appointment, Problem> {
        self.set_status(id, AppointmentStatus::Scheduled)
    }

    fn set_status(&self, id: &str, status: AppointmentStatus) -> Result<Appointment, Problem> {
        let (by, now) = (self.admin_actor(), self.now());
        self.state()
            .change(id, by, now, |record| record.appointment.status = status)
    }

    /// Gives an appointment to somebody else, or to nobody.
    pub fn reassign_appointment(&self, id: &str, assignee: Option<&str>) -> Result<Appointment, Problem> {
        let mut state = self.state();
        if assignee.is_some_and(|assignee| !state.people.contains_key(assignee)) {
            return Err(Problem::not_found("person"));
        }
        state.reassign(id, assignee.map(str::to_owned), self.admin_actor(), self.now())
    }

    /// Deletes an appointment for good.
    pub fn delete_appointment(&self, id: &str) -> Result<(), Problem> {
        self.state().delete(id, self.admin_actor(), self.now())
    }

    /// Turns calendar sync off for one person (with a reason) or on again (`None`).
    pub fn pause(&self, user: &str, reason: Option<PauseReason>) -> Result<CalendarSync, Problem> {
        self.change_person(user, |person| person.paused = reason)
    }

    /// Changes what an admin may set of one person; the person's streams hear of the policy.
    pub fn change_person(
        &self,
        user: &str,
        change: impl FnOnce(&mut Person),
    ) -> Result<CalendarSync, Problem> {
        let mut state = self.state();
        change(
            state
                .people
                .get_mut(user)
                .ok_or_else(|| Problem::not_found("person"))?,
        );
        self.announce_policy(&mut state, user);
        Ok(state.policy(user))
    }

    /// Turns calendar sync off for everybody, or on again.
    pub fn pause_everybody(&self, reason: Option<PauseReason>) {
        let mut state = self.state();
        state.paused = reason;
        let everybody: Vec<String> = state.people.keys().cloned().collect();
        for user in everybody {
            self.announce_policy(&mut state, &user);
        }
    }

    fn announce_policy(&self, state: &mut State, user: &str) {
        state.revision += 1;
        state.record_policy(user, self.now());
        let policy = json!(state.policy(user));
        state.hints.send(self.now(), user, "policy", policy);
    }

    // What only tests do.

    /// Which times are accepted for a move.
    pub fn set_rules(&self, rules: Rules) {
        self.state().rules = rules;
    }

    /// Requests a person may make in a minute.
    pub fn set_requests_per_minute(&self, limit: usize) {
        let mut state = self.state();
        state.requests_per_minute = limit;
        state.requests.clear();
    }

    /// Makes every cursor of the change feed expire.
    pub fn expire_cursors(&self) {
        let now = self.now();
        let mut state = self.state();
        state.feed.expire_cursors();
        let word = Some(history::State::Word("expired"));
        let at = (Service::Platform, now);
        state
            .history
            .add(at, history::Actor::Service, history::Subject::Cursors, None, word);
    }

    /// Takes the writer lease away, as if it had lapsed.
    pub fn end_lease(&self, user: &str, provider: &str) -> bool {
        let now = self.now();
        let mut state = self.state();
        let before = state.lease_state(user, provider);
        let there = state
            .leases
            .remove(&(user.to_owned(), provider.to_owned()))
            .is_some();
        state.record_lease((user, provider), before, history::Actor::Service, now);
        there
    }

    /// Ends every open stream, as a restart of the platform would.
    pub fn close_streams(&self) {
        self.state().hints.close_streams();
    }

    /// Sends a hint that has no cause.
    pub fn send_hint(&self, user: &str) {
        self.state()
            .hints
            .send(self.now(), user, "appointments", json!({}));
    }

    /// A number that grows with everything the admin page shows.
    pub fn revision(&self) -> u64 {
        self.state().revision
    }

    /// Signs somebody in without any page and returns the access token.
    pub fn sign_in_directly(&self, user: &str) -> oauth::TokenGrant {
        self.inner.oauth.sign_in_directly(CLIENT_ID, user, &SCOPES)
    }
}

/// The contract's times need no more than milliseconds.
fn millis(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}
