//! Local stand-ins of the booking platform and of Google (sign-in and Calendar), for tests, demo and benches.
//!
//! One model serves them all: each service is an axum `Router` over state in memory, with injected clock and seed,
//! so that it answers in-process as a `tower::Service` just as it does over HTTP. Same seed and same requests, same
//! answers.
//!
//! Words: a *fault* is a rule that makes a request go wrong ([`faults`]); a *session* is what one sign-in started
//! ([`oauth`]); a *hint* is a server-sent event that says "look now"; the *control API* ([`control`]) is what tests
//! use to act as the admin or as the trainer in their calendar, to set faults and to read the request log.
//!
//! It must not be used by the app's own code, and nothing outside [`shared`] reads the machine's clock or
//! randomness.

#![forbid(unsafe_code)]

pub mod control;
pub mod faults;
pub mod google;
pub mod history;
pub mod log;
pub mod oauth;
pub mod observe;
pub mod platform;
pub mod realism;
mod serve;
pub mod shared;
mod snapshot;

use std::sync::Arc;

use axum::Router;

pub use self::serve::{Running, serve};
pub use self::snapshot::Snapshot;

use self::faults::Service;
use self::google::{Google, GoogleConfig};
use self::observe::observed;
use self::platform::Platform;
use self::realism::Realism;
use self::shared::{Clock, Shared};

/// A notice that nobody takes is tried so often.
const NOTICE_TRIES: usize = 4;

/// How a sandbox starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Decides ids, tokens and sample data.
    pub seed: u64,
    /// Sample appointments of Mara Vogt; the other people always get a few.
    pub appointments: usize,
    /// Whether sign-in pages are answered by an immediate redirect.
    pub auto_consent: bool,
    /// Whether the calendars start with events of the trainers' own.
    pub sample_events: bool,
    /// What the services do beyond the happy path; see [`realism`].
    pub realism: Realism,
    /// Where the platform is reached, without a slash at the end. [`serve`] sets it.
    pub platform_url: String,
    /// Where Google is reached, without a slash at the end. [`serve`] sets it.
    pub google_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            appointments: 24,
            auto_consent: false,
            sample_events: true,
            realism: Realism::default(),
            platform_url: "http://127.0.0.1:4800".to_owned(),
            google_url: "http://127.0.0.1:4801".to_owned(),
        }
    }
}

/// Both services over one clock, one seed, one set of fault rules and one request log. Cloning shares the state.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Clock, randomness, faults, log.
    pub shared: Shared,
    /// The booking platform.
    pub platform: Platform,
    /// Google.
    pub google: Google,
    /// The client the app must use at Google.
    pub google_client: GoogleConfig,
}

impl Sandbox {
    /// A sandbox with its people, appointments and calendars.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared::new(clock, config.seed);
        shared.set_realism(config.realism);
        let platform = Platform::new(
            shared.clone(),
            platform::Config {
                base_url: config.platform_url.clone(),
                appointments: config.appointments,
                auto_consent: config.auto_consent,
            },
        );
        let google_client = GoogleConfig {
            public_url: config.google_url.clone(),
            sample_events: config.sample_events,
            ..GoogleConfig::default()
        };
        let sign_in = oauth::Server::new(shared.clone(), google_client.oauth(config.auto_consent));
        let google = Google::new(shared.clone(), sign_in, google_client.clone());
        Self {
            shared,
            platform,
            google,
            google_client,
        }
    }

    /// Carries what Google has to tell to where it goes, until dropped. `deliver` answers with the HTTP status, or nothing if
    /// nobody was reached.
    pub async fn carry_notices(&self, deliver: impl AsyncFn(&google::Notice) -> Option<u16>) {
        loop {
            for notice in self.google.take_notices() {
                // As the service does: some statuses are tried again, everything else is the end of this notice.
                for _ in 0..NOTICE_TRIES {
                    match deliver(&notice).await {
                        None | Some(500 | 502 | 503 | 504) => tokio::task::yield_now().await,
                        Some(_) => break,
                    }
                }
            }
            self.google.notices_told().await;
        }
    }

    /// The platform, logged and with faults.
    pub fn platform_router(&self) -> Router {
        observed(self.platform.router(), &self.shared, Service::Platform)
    }

    /// Google, logged and with faults.
    pub fn google_router(&self) -> Router {
        google::compressed(observed(self.google.router(), &self.shared, Service::Google))
    }

    /// The control API, below `/control`.
    pub fn control_router(&self) -> Router {
        control::router(self.clone())
    }

    /// Back to the start: sample data, no faults, empty log, everybody signed out. The clock keeps its time.
    pub fn reset(&self) {
        self.shared.reset();
        self.platform.reset();
        self.google.reset();
    }
}
