//! The hub of several nodes: hints lie in NATS JetStream, and each node mirrors the last hour of them, so that a stream may
//! resume at any node and a node that dies takes nothing with it.

use crate::backlog::Backlog;
use crate::channel::{LIFETIME, Mailbox};
use crate::hub::{Hint, Hub, HubError, MEMORY, Opened};
use crate::ring::Ring;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use async_nats::jetstream::{self, stream};
use async_trait::async_trait;
use chrono::Utc;
use futures::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
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
}

/// Keeps hints in JetStream.
pub struct NatsHub {
    client: async_nats::Client,
    jetstream: jetstream::Context,
    prefix: String,
    ring: Ring,
    caught_up: Arc<AtomicBool>,
    _feeding: DropGuard,
}

/// One of the two feeds.
#[derive(Clone)]
struct Feed {
    jetstream: jetstream::Context,
    client: async_nats::Client,
    config: stream::Config,
    ring: Ring,
}

impl NatsHub {
    /// Connects, makes the streams if they are missing, and begins to mirror them.
    ///
    /// # Errors
    /// If NATS cannot be reached within seconds or refuses the streams: look at the address and at JetStream's limits.
    pub async fn connect(options: NatsOptions) -> Result<Self, HubError> {
        let servers: Vec<String> = options
            .servers
            .split(',')
            .map(|server| server.trim().to_owned())
            .collect();
        let mut connecting = async_nats::ConnectOptions::new()
            .name("roundtrip-relay")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .ping_interval(PATIENCE);
        if let Some(token) = &options.token {
            connecting = connecting.token(token.expose_secret().to_owned());
        }
        let client = connecting.connect(servers).await.map_err(told)?;
        let jetstream = jetstream::new(client.clone());
        let ring = Ring::new(String::new(), 0);
        let feed = |name: &str, max_age: Duration| Feed {
            jetstream: jetstream.clone(),
            client: client.clone(),
            config: stream::Config {
                name: format!("{}_{name}", options.prefix),
                subjects: vec![format!("{}.{}.*", options.prefix, name)],
                max_age,
                // One trainer's flood pushes out that trainer's own hints only.
                max_messages_per_subject: MOST_EACH.into(),
                num_replicas: options.replicas,
                storage: stream::StorageType::File,
                discard: stream::DiscardPolicy::Old,
                ..stream::Config::default()
            },
            ring: ring.clone(),
        };
        let hints = feed("hints", MEMORY);
        let closed = feed("closed", LIFETIME.to_std().unwrap_or(MEMORY));
        let end = CancellationToken::new();
        let caught_up = Arc::new(AtomicBool::new(false));
        // Both are there before anything is served; later troubles are mended by the feeders themselves.
        closed.stream().await?;
        hints.stream().await?;
        tokio::spawn(end.clone().run_until_cancelled_owned(closed.mirror_closed()));
        tokio::spawn(
            end.clone()
                .run_until_cancelled_owned(hints.mirror_hints(caught_up.clone())),
        );
        Ok(Self {
            client,
            jetstream,
            prefix: options.prefix,
            ring,
            caught_up,
            _feeding: end.drop_guard(),
        })
    }

    async fn publish(&self, subject: String, payload: Vec<u8>) -> Result<(), HubError> {
        // The client would keep it for later; the caller is better told at once, and tries another node.
        self.connected()?;
        let send = async {
            let ack = self
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
        self.publish(format!("{}.hints.{}", self.prefix, to.word()), payload)
            .await
    }

    fn open(&self, mailboxes: &[Mailbox], last_id: Option<&str>) -> Opened {
        self.ring.open(Utc::now(), mailboxes, last_id)
    }

    async fn close_channel(&self, id: &str) -> Result<(), HubError> {
        self.publish(format!("{}.closed.{id}", self.prefix), Vec::new())
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
    fn connected(&self) -> Result<(), HubError> {
        if self.client.connection_state() == State::Connected {
            Ok(())
        } else {
            Err(HubError("NATS does not answer".into()))
        }
    }
}

impl Feed {
    async fn stream(&self) -> Result<stream::Stream, HubError> {
        self.jetstream
            .get_or_create_stream(self.config.clone())
            .await
            .map_err(told)
    }

    async fn read_from(&self, first: u64) -> Result<push::Ordered, HubError> {
        let consumer: jetstream::consumer::Consumer<push::OrderedConfig> = self
            .stream()
            .await?
            .create_consumer(push::OrderedConfig {
                deliver_subject: self.client.new_inbox(),
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
        let info = self.stream().await?.get_info().await.map_err(told)?;
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

fn told(error: impl std::fmt::Display) -> HubError {
    HubError(error.to_string())
}
