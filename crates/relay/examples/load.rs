//! How much a node takes: `cargo run --release -p roundtrip-relay --example load -- path/to/roundtrip-relay`. Says JSON.
//!
//! Starts that program, opens a stream for each of some trainers, lets a calendar service call as fast as it can, and strangers,
//! too. Load and relay share this machine's cores, so what it says is a lower bound.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

const PLATFORM_KEY: &str = "the platform's key, 32 characters or more";

/// What is to be carried.
#[derive(Parser)]
struct Arguments {
    /// The relay's program.
    relay: PathBuf,
    /// Trainers, each with one channel and one stream.
    #[arg(long, default_value_t = 5_000)]
    streams: usize,
    /// Callers at a time.
    #[arg(long, default_value_t = 32)]
    callers: usize,
    /// Notifications that are followed one by one from the call to the stream.
    #[arg(long, default_value_t = 500)]
    followed: usize,
    /// Several nodes' way: over this NATS.
    #[arg(long)]
    nats: Option<String>,
}

/// A connection that is kept.
struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Status and body of the answer.
    async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<(u16, String)> {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.stream.write_all(request.as_bytes()).await?;
        let (status, length) = self.head().await?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((status, String::from_utf8(body)?))
    }

    async fn head(&mut self) -> Result<(u16, usize)> {
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line).await? > 0, "the relay hung up");
            let text = line.trim_end().to_ascii_lowercase();
            if text.is_empty() {
                return Ok((status, length));
            }
            if let Some(rest) = text.strip_prefix("http/1.1 ") {
                status = rest.get(..3).context("a status")?.parse()?;
            } else if let Some(rest) = text.strip_prefix("content-length:") {
                length = rest.trim().parse()?;
            }
        }
    }

    /// Reads until a line begins like this.
    async fn until(&mut self, beginning: &str) -> Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line).await? > 0, "the stream ended");
            if line.starts_with(beginning) {
                return Ok(());
            }
        }
    }
}

#[derive(Clone)]
struct Channel {
    id: String,
    token: String,
}

impl Channel {
    async fn notify(&self, line: &mut Line) -> Result<u16> {
        let headers = format!(
            "x-goog-channel-id: {}\r\nx-goog-channel-token: {}\r\nx-goog-resource-state: exists\r\n",
            self.id, self.token
        );
        Ok(line.ask("POST", "/v1/hooks/google", &headers, "").await?.0)
    }
}

fn of_trainer(number: usize) -> String {
    format!("x-relay-key: {PLATFORM_KEY}\r\nx-relay-trainer: usr_{number}\r\n")
}

async fn start(arguments: &Arguments) -> Result<(Child, String, String)> {
    let mut command = Command::new(&arguments.relay);
    command
        .args(["--public", "127.0.0.1:0", "--internal", "127.0.0.1:0"])
        .args(["--address", "https://relay.linden.example"])
        .env("RELAY_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .env("RELAY_PLATFORM_KEY", PLATFORM_KEY)
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if let Some(nats) = &arguments.nats {
        command.args(["--nats", nats]);
    }
    let mut child = command.spawn().context("the relay")?;
    let mut line = String::new();
    let out = child.stdout.take().context("its output")?;
    BufReader::new(out).read_line(&mut line).await?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, public, _, internal] = words.as_slice() else {
        anyhow::bail!("the relay said {line:?}")
    };
    Ok((child, (*public).to_owned(), (*internal).to_owned()))
}

/// Pages of this process alone and its share of the others, in MiB.
fn pss(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// Does it for each number with so many callers at a time; how many a second.
async fn rate<F, Fut>(callers: usize, numbers: usize, each: F) -> Result<f64>
where
    F: Fn(Vec<usize>) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| tokio::spawn(each((caller..numbers).step_by(callers).collect())))
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(numbers as f64 / begin.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (child, public, internal) = start(&arguments).await?;
    let pid = child.id().context("its id")?;
    let mut line = Line::open(&internal).await?;
    while line.ask("GET", "/ready", "", "").await?.0 != 200 {
        tokio::task::yield_now().await;
    }
    let at_rest = pss(pid);

    let mut channels = Vec::new();
    for number in 0..arguments.streams {
        let body = json!({"provider": "google"}).to_string();
        let (status, answer) = line
            .ask("POST", "/v1/calendar-relay/channels", &of_trainer(number), &body)
            .await?;
        ensure!(status == 201, "a channel: {status}");
        let answer: Value = serde_json::from_str(&answer)?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned).context("a field");
        channels.push(Channel {
            id: text("channel_id")?,
            token: text("token")?,
        });
    }

    let begin = Instant::now();
    let mut streams = Vec::new();
    for number in 0..arguments.streams {
        let mut stream = Line::open(&internal).await?;
        let request = format!("GET /v1/stream HTTP/1.1\r\nhost: x\r\n{}\r\n", of_trainer(number));
        stream.stream.write_all(request.as_bytes()).await?;
        stream.until(": connected").await?;
        streams.push(stream);
    }
    let opened_per_second = arguments.streams as f64 / begin.elapsed().as_secs_f64();
    let with_streams = pss(pid);

    // One by one first: how long a hint takes when nothing else happens.
    let mut took = Vec::new();
    let mut caller = Line::open(&public).await?;
    for (channel, stream) in channels.iter().zip(&mut streams).take(arguments.followed) {
        let begin = Instant::now();
        ensure!(channel.notify(&mut caller).await? == 200, "a notification");
        stream.until("event: calendar").await?;
        took.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    // All at once; those that were just followed are quiet by now or wait for the end of their burst.
    let fresh = channels[arguments.followed.min(channels.len())..].to_vec();
    let hooks = rate(arguments.callers, fresh.len(), |numbers| {
        let (fresh, public) = (fresh.clone(), public.clone());
        async move {
            let mut line = Line::open(&public).await?;
            for number in numbers {
                ensure!(fresh[number].notify(&mut line).await? == 200, "a notification");
            }
            Ok(())
        }
    })
    .await?;
    for stream in &mut streams[arguments.followed.min(channels.len())..] {
        stream.until("event: calendar").await?;
    }
    let refused = rate(arguments.callers, 20_000, |numbers| {
        let public = public.clone();
        let wrong = Channel {
            id: "chn-x".into(),
            token: "A".repeat(78),
        };
        async move {
            let mut line = Line::open(&public).await?;
            for _ in numbers {
                ensure!(wrong.notify(&mut line).await? == 404, "a stranger's notification");
            }
            Ok(())
        }
    })
    .await?;
    let said = json!({
        "streams": arguments.streams, "nats": arguments.nats.is_some(),
        "pss_at_rest_mib": at_rest, "pss_with_streams_mib": with_streams, "pss_after_load_mib": pss(pid),
        "streams_opened_per_second": opened_per_second, "hooks_per_second": hooks,
        "refused_per_second": refused, "hook_to_stream_ms": took,
    });
    println!("{said}");
    Ok(())
}
