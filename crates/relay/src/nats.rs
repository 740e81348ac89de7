//! The hub of several nodes: hints lie in NATS JetStream, and each node mirrors the last hour of them, so that a stream may
//! resume at any node and a node that dies takes nothing with it.

use crate::backlog::Backlog;
use crate::channel::{LIFETIME, Mailbox};
use crate::hub::{Hint, Hub, HubError, MEMORY, Opened};
use crate::ring::Ring;
use async_nats::ConnectErrorKind;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::{self, stream};
use async_trait::async_trait;
use chrono::Utc;
use futures::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

/// An answer of NATS that takes longer than this is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Hints that JetStream keeps of one trainer.
const MOST_EACH: u32 = 512;
/// Between two tries to read the feed again.
const PAUSE: Duration = Duration::from_millis(500);

/// How the nodes find each other.
#[derive(Clone)]
pub struct NatsOptions {
    /// `nats://…`, several separated by commas.
    pub servers: String,
    /// What NATS asks for, if it asks for a token.
    pub token: Option<SecretString>,
    /// In how many NATS servers each hint lies: 1 for a single server, 3 for a cluster.
    pub replicas: usize,
    /// Begins the names of streams and subjects, so that several relays can share one NATS.
    pub prefix: String,
    /// How long NATS may be missing when the relay starts.
    pub patience: Duration,
}

/// Keeps hints in JetStream.
pub struct NatsHub {
    options: NatsOptions,
    link: OnceLock<Link>,
    ring: Ring,
    caught_up: Arc<AtomicBool>,
    end: CancellationToken,
    _feeding: DropGuard,
}

/// A connection, which from then on is mended by itself.
#[derive(Clone)]
struct Link {
    client: async_nats::Client,
    jetstream: jetstream::Context,
}

/// One of the two feeds.
#[derive(Clone)]
struct Feed {
    link: Link,
    config: stream::Config,
    ring: Ring,
}

/// Why the relay cannot begin.
enum Obstacle {
    /// It may be gone in a moment.
    Passing(HubError),
    /// Somebody has to do something.
    Lasting(HubError),
}

impl NatsHub {
    /// Not ready until [`begin`](Self::begin) has been awaited.
    pub fn new(options: NatsOptions) -> Self {
        let end = CancellationToken::new();
        Self {
            options,
            link: OnceLock::new(),
            ring: Ring::new(String::new(), 0),
            caught_up: Arc::default(),
            _feeding: end.clone().drop_guard(),
            end,
        }
    }

    /// Connects, makes the streams if they are missing, gives them our settings, and begins to mirror them.
    ///
    /// # Errors
    /// If NATS cannot be used within [`NatsOptions::patience`], or at once if it refuses us or the settings: look at the address,
    /// the token and at JetStream's limits; for the streams the error says what to do.
    pub async fn begin(&self) -> Result<(), HubError> {
        let start = Instant::now();
        let mut said = None;
        loop {
            let error = match self.try_to_begin().await {
                Ok(()) if said.is_none() => return Ok(()),
                Ok(()) => {
                    tracing::info!("NATS can be used now");
                    return Ok(());
                }
                Err(Obstacle::Lasting(error)) => return Err(error),
                Err(Obstacle::Passing(error)) => error,
            };
            if start.elapsed() >= self.options.patience {
                return Err(error);
            }
            if said.as_ref() != Some(&error) {
                tracing::warn!(%error, "NATS cannot be used yet: trying again");
                said = Some(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_to_begin(&self) -> Result<(), Obstacle> {
        let link = match self.link.get() {
            Some(link) => link,
            None => {
                let link = self.options.connect().await?;
                self.link.get_or_init(|| link)
            }
        };
        let prefix = &self.options.prefix;
        let feed = |name: &str, max_age: Duration| Feed {
            link: link.clone(),
            config: stream::Config {
                name: format!("{prefix}_{name}"),
                subjects: vec![format!("{prefix}.{name}.*")],
                max_age,
                // One trainer's flood pushes out that trainer's own hints only.
                max_messages_per_subject: MOST_EACH.into(),
                num_replicas: self.options.replicas,
                storage: stream::StorageType::File,
                discard: stream::DiscardPolicy::Old,
                ..stream::Config::default()
            },
            ring: self.ring.clone(),
        };
        let hints = feed("hints", MEMORY);
        let closed = feed("closed", LIFETIME.to_std().unwrap_or(MEMORY));
        // Both are there before anything is read; later troubles are mended by the feeders themselves.
        closed.settle().await?;
        hints.settle().await?;
        let end = || self.end.clone();
        tokio::spawn(end().run_until_cancelled_owned(closed.mirror_closed()));
        tokio::spawn(end().run_until_cancelled_owned(hints.mirror_hints(self.caught_up.clone())));
        Ok(())
    }

    async fn publish(&self, subject: String, payload: Vec<u8>) -> Result<(), HubError> {
        // The client would keep it for later; the caller is better told at once, and tries another node.
        let link = self.connected()?;
        let send = async {
            let ack = link
                .jetstream
                .publish(subject, payload.into())
                .await
                .map_err(told)?;
            ack.await.map_err(told)
        };
        tokio::time::timeout(PATIENCE, send)
            .await
            .map_err(|_| HubError("timed out".into()))?
            .map(|_| ())
    }
}

#[async_trait]
impl Hub for NatsHub {
    async fn send(&self, to: Mailbox, hint: Hint) -> Result<(), HubError> {
        let payload = serde_json::to_vec(&hint).map_err(told)?;
        self.publish(format!("{}.hints.{}", self.options.prefix, to.word()), payload)
            .await
    }

    fn open(&self, mailboxes: &[Mailbox], last_id: Option<&str>) -> Opened {
        self.ring.open(Utc::now(), mailboxes, last_id)
    }

    async fn close_channel(&self, id: &str) -> Result<(), HubError> {
        self.publish(format!("{}.closed.{id}", self.options.prefix), Vec::new())
            .await?;
        let now = Utc::now();
        self.ring.close_channel(id, now, now);
        Ok(())
    }

    fn is_closed(&self, id: &str) -> bool {
        self.ring.is_closed(id)
    }

    fn ready(&self) -> Result<(), HubError> {
        self.connected()?;
        if self.caught_up.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(HubError(
                "the last hour of hints was not read from NATS yet".into(),
            ))
        }
    }

    fn end_streams(&self) {
        self.ring.end_streams();
    }
}

impl NatsHub {
    fn connected(&self) -> Result<&Link, HubError> {
        self.link
            .get()
            .filter(|link| link.client.connection_state() == State::Connected)
            .ok_or_else(|| HubError("NATS does not answer".into()))
    }
}

impl NatsOptions {
    async fn connect(&self) -> Result<Link, Obstacle> {
        let servers: Vec<String> = self
            .servers
            .split(',')
            .map(|server| server.trim().to_owned())
            .collect();
        let mut connecting = async_nats::ConnectOptions::new()
            .name("roundtrip-relay")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .ping_interval(PATIENCE);
        if let Some(token) = &self.token {
            connecting = connecting.token(token.expose_secret().to_owned());
        }
        let client = connecting
            .connect(servers)
            .await
            .map_err(|error| match error.kind() {
                ConnectErrorKind::ServerParse
                | ConnectErrorKind::Authentication
                | ConnectErrorKind::AuthorizationViolation
                | ConnectErrorKind::Tls => Obstacle::Lasting(told(error)),
                _ => Obstacle::Passing(told(error)),
            })?;
        let jetstream = jetstream::new(client.clone());
        Ok(Link { client, jetstream })
    }
}

impl Feed {
    async fn stream(&self) -> Result<stream::Stream, CreateStreamError> {
        self.link
            .jetstream
            .get_or_create_stream(self.config.clone())
            .await
    }

    /// Makes the stream if it is missing, else gives it the settings that are ours to decide.
    async fn settle(&self) -> Result<(), Obstacle> {
        let stream = self.stream().await.map_err(|error| {
            if lasting(&error) {
                Obstacle::Lasting(told(error))
            } else {
                Obstacle::Passing(told(error))
            }
        })?;
        let present = stream.cached_info();
        let wanted = wanted(&present.config, &self.config);
        if wanted == present.config {
            self.warn_of_fewer(copies(present.cluster.as_ref()));
            return Ok(());
        }
        let name = &self.config.name;
        match self.link.jetstream.update_stream(&wanted).await {
            Ok(updated) => {
                tracing::info!(
                    service = name,
                    "the stream in NATS got the settings of this relay"
                );
                // Not as it was before: the number of copies may be what was changed.
                self.warn_of_fewer(copies(updated.cluster.as_ref()));
                Ok(())
            }
            Err(error) if lasting(&error) => Err(Obstacle::Lasting(HubError(format!(
                "the stream {name} in NATS has other settings than this relay's, and NATS does not change them ({error}). Undo \
                 what was changed by hand or take back --nats-replicas; or remove the stream while no relay runs (`nats stream \
                 rm {name}`): what it keeps is forgotten; or give all nodes another --nats-prefix"
            )))),
            Err(error) => Err(Obstacle::Passing(told(error))),
        }
    }

    /// A server that stands alone takes the number and keeps one copy all the same.
    fn warn_of_fewer(&self, copies: usize) {
        if copies < self.config.num_replicas {
            tracing::warn!(
                service = self.config.name,
                count = copies,
                "each hint lies in fewer NATS servers than --nats-replicas asks for: losing one of them loses hints"
            );
        }
    }

    async fn read_from(&self, first: u64) -> Result<push::Ordered, HubError> {
        let consumer: jetstream::consumer::Consumer<push::OrderedConfig> = self
            .stream()
            .await
            .map_err(told)?
            .create_consumer(push::OrderedConfig {
                deliver_subject: self.link.client.new_inbox(),
                deliver_policy: DeliverPolicy::ByStartSequence {
                    start_sequence: first.max(1),
                },
                ..push::OrderedConfig::default()
            })
            .await
            .map_err(told)?;
        consumer.messages().await.map_err(told)
    }

    /// Follows the hints for ever.
    async fn mirror_hints(self, caught_up: Arc<AtomicBool>) {
        let mut epoch = String::new();
        loop {
            if let Err(error) = self.follow_hints(&mut epoch, &caught_up).await {
                tracing::warn!(%error, "the feed of hints broke off");
            }
            caught_up.store(false, Ordering::Release);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow_hints(&self, epoch: &mut String, caught_up: &AtomicBool) -> Result<(), HubError> {
        let stream = self.stream().await.map_err(told)?;
        let info = stream.get_info().await.map_err(told)?;
        let present = format!("{:x}", info.created.timestamp_micros());
        let oldest = info.state.first_sequence.max(1);
        // Another stream than before, or hints that went by while nobody listened: what streams have seen is no guide.
        if *epoch != present || self.ring.last() + 1 < oldest {
            self.ring.start_over(present.clone(), oldest - 1);
            *epoch = present;
        }
        let goal = info.state.last_sequence;
        let mut backlog = Backlog::new(MOST_EACH, goal);
        let mut messages = self.read_from(self.ring.last() + 1).await?;
        let note = || {
            if self.ring.last() >= goal {
                caught_up.store(true, Ordering::Release);
            }
        };
        note();
        while let Some(message) = messages.next().await {
            let message = message.map_err(told)?;
            let about = message.info().map_err(told)?;
            let number = about.stream_sequence;
            let mailbox = message.subject.rsplit('.').next().and_then(Mailbox::from_word);
            let gap = backlog.gap_before(mailbox, number, about.pending);
            let (at, now) = (about.published, Utc::now());
            match (mailbox, serde_json::from_slice::<Hint>(&message.payload)) {
                (Some(mailbox), Ok(hint)) if gap => {
                    self.ring.push_after_gap(number, at, now, mailbox, hint);
                }
                (Some(mailbox), Ok(hint)) => self.ring.push(number, at, now, mailbox, hint),
                // Somebody else's message under our subject: it takes its number and nothing more.
                _ => self.ring.skip(number),
            }
            note();
        }
        Err(HubError("the feed ended".into()))
    }

    /// Follows the closed channels for ever.
    async fn mirror_closed(self) {
        loop {
            if let Err(error) = self.follow_closed().await {
                tracing::warn!(%error, "the feed of closed channels broke off");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow_closed(&self) -> Result<(), HubError> {
        let mut messages = self.read_from(1).await?;
        while let Some(message) = messages.next().await {
            let message = message.map_err(told)?;
            if let Some(id) = message.subject.rsplit('.').next() {
                let published = message.info().map_err(told)?.published;
                self.ring.close_channel(id, published, Utc::now());
            }
        }
        Err(HubError("the feed ended".into()))
    }
}

/// What is to be changed of a stream that is there. What we have no word in stays, and copies beyond those asked for: a node that
/// was started without the number must not take safety from the others.
fn wanted(present: &stream::Config, ours: &stream::Config) -> stream::Config {
    stream::Config {
        subjects: ours.subjects.clone(),
        max_age: ours.max_age,
        max_messages_per_subject: ours.max_messages_per_subject,
        num_replicas: present.num_replicas.max(ours.num_replicas),
        storage: ours.storage,
        discard: ours.discard,
        retention: ours.retention,
        ..present.clone()
    }
}

/// In how many servers a stream lies: the one that leads it and those that follow. Without a cluster it is one.
fn copies(cluster: Option<&stream::ClusterInfo>) -> usize {
    cluster.map_or(1, |cluster| 1 + cluster.replicas.len())
}

/// JetStream answered, and not just that it cannot now (503: it is off, starts, or has no leader).
fn lasting(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error) if error.code() != 503)
}

fn told(error: impl std::fmt::Display) -> HubError {
    HubError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_stands_alone_keeps_one_copy() {
        assert_eq!(copies(None), 1);
        let cluster = serde_json::json!({"name": "c", "leader": "a", "replicas": [
            {"name": "b", "current": true, "active": 1, "offline": false, "lag": 0},
            {"name": "c", "current": false, "active": 1, "offline": true, "lag": 9},
        ]});
        let cluster: stream::ClusterInfo = serde_json::from_value(cluster).expect("as NATS says it");
        assert_eq!(copies(Some(&cluster)), 3);
        let alone: stream::ClusterInfo =
            serde_json::from_value(serde_json::json!({"leader": "a"})).expect("as NATS says it");
        assert_eq!(copies(Some(&alone)), 1);
    }

    #[test]
    fn a_stream_keeps_its_copies_and_what_is_not_ours() {
        let present = stream::Config {
            num_replicas: 3,
            max_age: Duration::from_secs(60),
            max_bytes: 1_000,
            ..stream::Config::default()
        };
        let ours = |num_replicas| stream::Config {
            num_replicas,
            max_age: MEMORY,
            ..stream::Config::default()
        };
        let less = wanted(&present, &ours(1));
        assert_eq!(
            (less.num_replicas, less.max_age, less.max_bytes),
            (3, MEMORY, 1_000)
        );
        assert_eq!(wanted(&present, &ours(5)).num_replicas, 5);
        assert_eq!(wanted(&less, &ours(3)), less, "nothing is left to change");
    }
}
