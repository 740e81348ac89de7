//! `roundtrip-relay`: see `roundtrip-relay --help`.

#![forbid(unsafe_code)]

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use clap::builder::BoolishValueParser;
use roundtrip_relay::hub::Hub;
use roundtrip_relay::{Config, Given, MemoryHub, NatsHub, NatsOptions, serve};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// So long a relay that starts tries to use NATS: machines of one site may start in any order.
const NATS_PATIENCE: Duration = Duration::from_mins(5);

/// Passes push notifications of calendar services on to trainers' laptops.
///
/// Two secrets are needed, each from a file or from the environment: RELAY_KEYS seals channels (base64 of 32 bytes or more, the
/// newest first, separated by commas), RELAY_PLATFORM_KEY is what the platform sends as X-Relay-Key (32 characters or more).
/// Both as from `openssl rand -base64 32`, the same at every node.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where calendar services call (behind your TLS proxy).
    #[arg(long, env = "RELAY_PUBLIC", default_value = "127.0.0.1:8480")]
    public: SocketAddr,
    /// Where the platform calls, and whoever watches the relay; never open to the internet.
    #[arg(long, env = "RELAY_INTERNAL", default_value = "127.0.0.1:8481")]
    internal: SocketAddr,
    /// The public address as calendar services see it, for example https://relay.linden.example
    #[arg(long, env = "RELAY_ADDRESS")]
    address: String,
    /// File with the keys that seal channels.
    #[arg(long, env = "RELAY_KEYS_FILE")]
    keys_file: Option<PathBuf>,
    /// File with the key of the platform.
    #[arg(long, env = "RELAY_PLATFORM_KEY_FILE")]
    platform_key_file: Option<PathBuf>,
    /// Streams that this node holds open.
    #[arg(long, env = "RELAY_STREAMS", default_value_t = 20_000)]
    streams: u32,
    /// Streams that one trainer may hold open here.
    #[arg(long, env = "RELAY_STREAMS_PER_TRAINER", default_value_t = 8)]
    streams_per_trainer: u32,
    /// The caller's address is the last one in X-Forwarded-For: only behind a proxy that writes it. Who is refused too often
    /// is then no longer read.
    #[arg(long, env = "RELAY_FORWARDED_FOR", value_parser = BoolishValueParser::new())]
    forwarded_for: bool,
    /// NATS servers with JetStream, for more than one node (nats://…, separated by commas). Without it hints are kept in memory.
    #[arg(long, env = "RELAY_NATS", hide_env_values = true)]
    nats: Option<String>,
    /// File with the token for NATS.
    #[arg(long, env = "RELAY_NATS_TOKEN_FILE")]
    nats_token_file: Option<PathBuf>,
    /// In how many NATS servers each hint lies.
    #[arg(long, env = "RELAY_NATS_REPLICAS", default_value_t = 1)]
    nats_replicas: usize,
    /// Begins the names of NATS streams and subjects.
    #[arg(long, env = "RELAY_NATS_PREFIX", default_value = "roundtrip")]
    nats_prefix: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RELAY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let config = Config::new(Given {
        public: arguments.public,
        internal: arguments.internal,
        address: arguments.address,
        keys: secret("RELAY_KEYS", "--keys-file", arguments.keys_file.as_deref())?,
        platform_key: secret(
            "RELAY_PLATFORM_KEY",
            "--platform-key-file",
            arguments.platform_key_file.as_deref(),
        )?,
        streams: arguments.streams,
        streams_per_trainer: arguments.streams_per_trainer,
        forwarded_for: arguments.forwarded_for,
    })?;
    let nats = match arguments.nats {
        None => None,
        Some(servers) => Some(Arc::new(NatsHub::new(NatsOptions {
            servers,
            token: arguments.nats_token_file.as_deref().map(read).transpose()?,
            replicas: arguments.nats_replicas,
            prefix: arguments.nats_prefix,
            patience: NATS_PATIENCE,
        }))),
    };
    let hub: Arc<dyn Hub> = match &nats {
        None => Arc::new(MemoryHub::new()),
        Some(nats) => nats.clone(),
    };
    let running = serve(config, hub)
        .await
        .context("RELAY_PUBLIC or RELAY_INTERNAL")?;
    // On one line, so that whoever starts it with port 0 knows where it is.
    println!("public {} internal {}", running.public, running.internal);
    let begun = async {
        match &nats {
            None => Ok(()),
            Some(nats) => nats.begin().await,
        }
    };
    let why = tokio::select! {
        asked = asked_to_end() => asked,
        // Once it has begun, only the other one ends this.
        Err(error) = begun => Err(error).context("RELAY_NATS (--nats)"),
    };
    running.end().await;
    why
}

/// From a file, or else from the environment; never from the command line, which every process can read.
fn secret(name: &str, flag: &str, file: Option<&Path>) -> Result<SecretString> {
    match file {
        Some(file) => read(file).with_context(|| flag.to_owned()),
        None => std::env::var(name)
            .map(SecretString::from)
            .map_err(|_| anyhow!("{name} is not set; set it, or name a file with {flag}")),
    }
}

fn read(file: &Path) -> Result<SecretString> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    Ok(text.trim().to_owned().into())
}

#[cfg(unix)]
async fn asked_to_end() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn asked_to_end() -> Result<()> {
    tokio::signal::ctrl_c().await?;
    Ok(())
}
