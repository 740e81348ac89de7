//! For unit tests of connectors: a port that answers from a script, a clock that is moved by hand, a vault in memory.

use crate::oauth::{StoredTokens, TokenStatus, TokenVault, VaultError};
use crate::port::{HttpError, HttpErrorKind, HttpPort};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use http::{Request, Response};
use roundtrip_engine::ports::Clock;
use secrecy::SecretString;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Answer = Result<Response<Bytes>, HttpError>;

/// Answers in the order of a script, and keeps what was asked. Without a script left it cannot be reached.
#[derive(Default)]
pub struct ScriptedHttp {
    script: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Request<Bytes>>>,
}

impl ScriptedHttp {
    /// Nothing scripted yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// The next answer: a status and a body.
    pub fn then(&self, status: u16, body: &str) -> &Self {
        self.then_with(status, &[], body)
    }

    /// The next answer, with headers.
    pub fn then_with(&self, status: u16, headers: &[(&str, &str)], body: &str) -> &Self {
        let mut builder = Response::builder().status(status);
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            builder = builder.header("content-type", "application/json");
        }
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let answer = builder.body(Bytes::from(body.to_owned()));
        lock(&self.script).push_back(answer.map_err(|_| HttpError::not_sent(HttpErrorKind::Other)));
        self
    }

    /// The next request gets no answer.
    pub fn then_fail(&self, error: HttpError) -> &Self {
        lock(&self.script).push_back(Err(error));
        self
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Request<Bytes>> {
        lock(&self.asked).clone()
    }

    /// How many answers are left.
    pub fn left(&self) -> usize {
        lock(&self.script).len()
    }
}

#[async_trait]
impl HttpPort for ScriptedHttp {
    async fn send(&self, request: Request<Bytes>) -> Answer {
        lock(&self.asked).push(request);
        // Lets other tasks run in between, as a network would.
        tokio::task::yield_now().await;
        let next = lock(&self.script).pop_front();
        next.unwrap_or(Err(HttpError::not_sent(HttpErrorKind::Connect)))
    }
}

/// A clock that stands still until it is moved; waiting moves it.
pub struct HandClock {
    state: Mutex<(DateTime<Utc>, std::time::Duration, u64)>,
    waits_forever: bool,
}

impl HandClock {
    /// Shows `at`.
    pub fn at(at: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self::new(at, false))
    }

    /// Shows `at`; waiting on it never ends, so that no time-out comes.
    pub fn without_end(at: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self::new(at, true))
    }

    fn new(at: DateTime<Utc>, waits_forever: bool) -> Self {
        Self {
            state: Mutex::new((at, std::time::Duration::ZERO, 0)),
            waits_forever,
        }
    }

    /// Moves both the wall clock and the monotonic one.
    pub fn advance(&self, by: std::time::Duration) {
        let mut state = lock(&self.state);
        state.0 += Duration::from_std(by).unwrap_or(Duration::zero());
        state.1 += by;
    }

    /// Sets the wall clock alone.
    pub fn set(&self, at: DateTime<Utc>) {
        lock(&self.state).0 = at;
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        lock(&self.state).0
    }

    fn monotonic(&self) -> std::time::Duration {
        lock(&self.state).1
    }

    async fn sleep(&self, time: std::time::Duration) {
        if self.waits_forever {
            std::future::pending::<()>().await;
        }
        self.advance(time);
        tokio::task::yield_now().await;
    }

    fn random(&self) -> u64 {
        let mut state = lock(&self.state);
        state.2 = state
            .2
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.2 >> 16
    }
}

/// A vault in memory that can be told to fail.
#[derive(Default)]
pub struct MemoryVault {
    kept: Mutex<Option<StoredTokens>>,
    failing: Mutex<bool>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl MemoryVault {
    /// An empty one.
    pub fn empty() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// One that holds a token good for an hour from `now`, and the refresh token `refresh-1`.
    pub fn signed_in(now: DateTime<Utc>, scopes: &[&str]) -> Arc<Self> {
        let vault = Self::default();
        *lock(&vault.kept) = Some(StoredTokens {
            access_token: SecretString::from("access-1"),
            refresh_token: Some(SecretString::from("refresh-1")),
            issued_at: now,
            expires_at: now + Duration::hours(1),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            status: TokenStatus::Active,
        });
        Arc::new(vault)
    }

    /// What is kept.
    pub fn kept(&self) -> Option<StoredTokens> {
        lock(&self.kept).clone()
    }

    /// Puts something in, as another process would.
    pub fn put(&self, tokens: StoredTokens) {
        *lock(&self.kept) = Some(tokens);
    }

    /// Takes out what is kept, as whoever erases it does.
    pub fn erase(&self) {
        *lock(&self.kept) = None;
    }

    /// Whether writing fails from now on.
    pub fn fail_writes(&self, failing: bool) {
        *lock(&self.failing) = failing;
    }

    fn writable(&self) -> Result<(), VaultError> {
        if *lock(&self.failing) {
            Err(VaultError {
                reason: "full".into(),
            })
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl TokenVault for MemoryVault {
    async fn load(&self) -> Result<Option<StoredTokens>, VaultError> {
        Ok(self.kept())
    }

    async fn save(&self, tokens: &StoredTokens) -> Result<(), VaultError> {
        self.writable()?;
        self.put(tokens.clone());
        Ok(())
    }

    async fn mark(&self, status: TokenStatus) -> Result<(), VaultError> {
        self.writable()?;
        if let Some(kept) = lock(&self.kept).as_mut() {
            kept.status = status;
        }
        Ok(())
    }

    async fn refresh_lock(&self) -> Result<Box<dyn Any + Send>, VaultError> {
        Ok(Box::new(self.lock.clone().lock_owned().await))
    }
}
