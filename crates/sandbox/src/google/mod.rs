//! The stand-in of Google: sign-in with granular consent, Calendar v3, and a week calendar to act as the trainer in.
//!
//! Words: an *entry* is a stored event, series or exception; a *tombstone* is what is left of a deleted one; a *mark*
//! is the number a change leaves in the etag and in the order of changes that sync tokens count; a *slot* is the
//! original start of an occurrence; a *person's action* is an edit made in the page or over the control API, as
//! opposed to a write by a client of the public API. Where the service's behaviour is not documented, the harder
//! choice for a client is made and said at its place.

mod actions;
mod api;
mod audit;
mod body;
mod calendars;
mod error;
mod fields;
mod list;
mod model;
mod palette;
mod push;
mod query;
mod quota;
mod recur;
mod render;
mod replica;
mod scopes;
mod seed;
mod service;
mod signin;
mod tokens;
mod trail;
mod ui;
mod when;
mod wire;

pub use audit::{AuditEntry, Via};
pub use error::GoogleError;
pub use fields::Selection;
pub use push::{Notice, NoticeWeather, WatchedChannel};
pub use quota::QuotaLimits;
pub use render::TombstoneDetail;

use crate::faults::Service;
use crate::oauth;
use crate::shared::{Shared, lock};
use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use service::State;
use std::sync::{Arc, Mutex, MutexGuard};

/// The account an immediate consent signs in: the first in the picker.
pub const FIRST_ACCOUNT: &str = "mara.vogt@gmail.example";

/// How the stand-in is set up.
#[derive(Debug, Clone)]
pub struct GoogleConfig {
    /// The registered client of the app.
    pub client_id: String,
    /// Its secret: required at the token endpoint, and the key of id tokens.
    pub client_secret: String,
    /// Root of the addresses in discovery documents and `htmlLink`; see also [`Google::set_public_url`].
    pub public_url: String,
    /// Whether the calendars start with events of the trainers' own.
    pub sample_events: bool,
}

impl Default for GoogleConfig {
    fn default() -> Self {
        Self {
            client_id: "482913370021-roundtripsandbox.apps.googleusercontent.com".to_owned(),
            client_secret: "GOCSPX-sandbox-not-a-secret".to_owned(),
            public_url: "http://127.0.0.1:4801".to_owned(),
            sample_events: true,
        }
    }
}

impl GoogleConfig {
    /// How the shared authorization server has to behave to stand for Google's.
    pub fn oauth(&self, auto_consent: bool) -> oauth::Config {
        oauth::Config {
            service: Service::Google,
            clients: vec![oauth::Client {
                id: self.client_id.clone(),
                secret: Some(self.client_secret.clone()),
                loopback: oauth::Loopback::AnyPath,
                redirects: Vec::new(),
            }],
            scopes: scopes::KNOWN.iter().map(|scope| (*scope).to_owned()).collect(),
            rotation: false,
            revoke_whole_grant: true,
            auto_consent,
            max_sessions: Some(100),
            code_ttl: TimeDelta::minutes(10),
            access_ttl: TimeDelta::seconds(3_599),
            code_prefix: "4/0A".to_owned(),
            access_prefix: "ya29.a0".to_owned(),
            refresh_prefix: "1//0g".to_owned(),
        }
    }
}

struct Inner {
    shared: Shared,
    oauth: oauth::Server,
    config: GoogleConfig,
    started_at: DateTime<Utc>,
    state: Mutex<State>,
    notices_told: tokio::sync::Notify,
}

/// A copy of all the calendar service knows.
#[derive(Debug, Clone)]
pub(crate) struct Kept(State);

/// The stand-in of Google. Cloning shares the same state.
#[derive(Clone)]
pub struct Google {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Google {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Google").finish_non_exhaustive()
    }
}

impl Google {
    /// A stand-in with its seeded accounts and calendars.
    pub fn new(shared: Shared, oauth: oauth::Server, config: GoogleConfig) -> Self {
        let started_at = shared.now();
        let mut state = seed::state(&config, started_at);
        state.history = shared.history().clone();
        let state = Mutex::new(state);
        Self {
            inner: Arc::new(Inner {
                shared,
                oauth,
                config,
                started_at,
                state,
                notices_told: tokio::sync::Notify::new(),
            }),
        }
    }

    /// All routes: sign-in, `/calendar/v3`, discovery, and the page with its private `/ui` routes.
    pub fn router(&self) -> Router {
        Router::new()
            .nest("/calendar/v3", api::router())
            .merge(signin::router())
            .merge(ui::router())
            .fallback(unknown_route)
            .with_state(self.clone())
    }

    /// A copy of all it knows, sign-ins left out.
    pub(crate) fn kept(&self) -> Kept {
        Kept(self.state().clone())
    }

    /// Knows again what it knew then.
    pub(crate) fn put_back(&self, kept: &Kept) {
        *self.state() = kept.0.clone();
    }

    /// The authorization server.
    pub fn oauth(&self) -> &oauth::Server {
        &self.inner.oauth
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    fn config(&self) -> &GoogleConfig {
        &self.inner.config
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.inner.state)
    }

    /// A number for the next write. Drawn only where something hangs on it, so that ids stay the same otherwise.
    fn draw(&self) -> u64 {
        if self.shared().realism().late_tombstones_ms == 0 {
            0
        } else {
            self.shared().random_u64()
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.inner.shared.now()
    }

    fn started_at(&self) -> DateTime<Utc> {
        self.inner.started_at
    }
}

/// Answers in gzip where the client asks for it. To be put around everything else, so that a body cut on purpose is
/// cut JSON and not a broken archive.
pub fn compressed(router: Router) -> Router {
    router.layer(tower_http::compression::CompressionLayer::new().gzip(true))
}

async fn unknown_route() -> GoogleError {
    GoogleError::not_found()
}
