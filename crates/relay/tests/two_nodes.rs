//! Two nodes over a real `nats-server`; one is killed under load, and NATS itself is stopped for a while. No hint is lost.
#![cfg(target_os = "linux")]

use crate::support;

use roundtrip_relay::{NatsHub, NatsOptions};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{KEY, Node, PLATFORM_KEY, Stream, text};

/// Ends with its value.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// The program, if this system has it: `cargo xtask setup` installs it wherever the distribution offers it.
fn nats_server() -> Option<PathBuf> {
    let found = ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
        .map(|folder| Path::new(folder).join("nats-server"))
        .into_iter()
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("LEFT OUT: there is no nats-server on this system");
    }
    found
}

fn nats(program: &Path, port: u16, folder: &Path) -> Program {
    nats_with(program, port, folder, &[])
}

fn nats_with(program: &Path, port: u16, folder: &Path, more: &[&str]) -> Program {
    let child = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
        .arg(folder)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Program(child.expect("nats-server starts"))
}

/// Waits until the server takes connections: the only sign of life it gives.
async fn listening(port: u16) {
    let wait = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, wait)
        .await
        .expect("nats-server listens");
}

fn program_of(nats: u16) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_roundtrip-relay"));
    program
        .args(["--public", "127.0.0.1:0", "--internal", "127.0.0.1:0"])
        .args(["--address", "https://relay.linden.example"])
        .args(["--nats", &format!("nats://127.0.0.1:{nats}")])
        .env("RELAY_KEYS", KEY)
        .env("RELAY_PLATFORM_KEY", PLATFORM_KEY);
    program
}

fn relay(nats: u16) -> (Program, Node) {
    let mut child = program_of(nats)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the relay");
    let mut line = String::new();
    let out = child.stdout.take().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, public, _, internal] = words.as_slice() else {
        panic!("where it listens: {line:?}")
    };
    let node = Node::at(public, internal);
    (Program(child), node)
}

/// What a relay says that does not begin; then it has ended with 1.
async fn last_words(program: &mut Command) -> String {
    let child = program.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = Program(child.expect("the relay"));
    let ends = async {
        loop {
            if let Some(status) = child.0.try_wait().expect("its state") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let status = tokio::time::timeout(support::PATIENCE, ends)
        .await
        .expect("it ends");
    let mut told = String::new();
    let mut out = child.0.stderr.take().expect("its log");
    out.read_to_string(&mut told).expect("text");
    assert_eq!(status.code(), Some(1), "{told}");
    told
}

async fn until_ready(node: &Node) {
    let wait = async {
        while !node.ready().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, wait)
        .await
        .expect("the node becomes ready");
}

/// Sends hints until the relay took each of them, at whichever node lives; counts them.
async fn send_all(nodes: Vec<Node>, trainer: &'static str, reasons: Vec<String>, sent: Arc<AtomicUsize>) {
    for reason in reasons {
        let mut turn = 0;
        while nodes[turn % nodes.len()].policy_hint(trainer, &reason).await != Some(202) {
            turn += 1;
            assert!(turn < 1_000, "no node takes a hint");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        sent.fetch_add(1, Ordering::SeqCst);
    }
}

/// Follows the stream as a laptop does: at the next node when one ends, from where it was. Stops when all were heard. It comes
/// back only after more hints were sent, so that there is something to resume.
async fn hear_all(
    nodes: Vec<Node>,
    trainer: &'static str,
    wanted: BTreeSet<String>,
    first: Stream,
    sent: Arc<AtomicUsize>,
) -> u32 {
    let (mut heard, mut last, mut turn, mut changes) = (BTreeSet::new(), None::<String>, 0, 0);
    let mut stream = Some(first);
    while heard != wanted {
        let Some(open) = stream.as_mut() else {
            stream = Stream::try_open(&nodes[turn % nodes.len()], trainer, last.as_deref()).await;
            turn += 1;
            if stream.is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            continue;
        };
        match open.next().await {
            Some(event) => {
                assert_ne!(event.event, "resync", "nothing was too old");
                heard.insert(event.data["reason"].as_str().expect("a reason").to_owned());
                last = Some(event.id);
            }
            None => {
                stream = None;
                changes += 1;
                let back = (sent.load(Ordering::SeqCst) + 10).min(wanted.len());
                while sent.load(Ordering::SeqCst) < back {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }
    changes
}

#[tokio::test]
async fn a_node_killed_under_load_takes_no_hint_with_it() {
    let Some(program) = nats_server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _nats = nats(&program, port, folder.path());
    listening(port).await;
    let (one, first) = relay(port);
    let (_two, second) = relay(port);
    until_ready(&first).await;
    until_ready(&second).await;

    let reasons: Vec<String> = (0..300).map(|number| format!("r{number}")).collect();
    let wanted: BTreeSet<String> = reasons.iter().cloned().collect();
    let stream = Stream::open(&first, "usr_7", None).await;
    let both = vec![first.clone(), second.clone()];
    let sent = Arc::new(AtomicUsize::new(0));
    let hearing = tokio::spawn(hear_all(both.clone(), "usr_7", wanted, stream, sent.clone()));
    let (half, rest) = reasons.split_at(150);
    send_all(both.clone(), "usr_7", half.to_vec(), sent.clone()).await;
    let sending = tokio::spawn(send_all(both, "usr_7", rest.to_vec(), sent));
    drop(one);
    sending.await.expect("all are taken");
    let heard = tokio::time::timeout(support::PATIENCE, hearing)
        .await
        .expect("all are heard");
    assert!(
        heard.expect("all are heard") >= 1,
        "the laptop went to the other node"
    );
}

/// A 200 means that the hint is kept, also for what waits for the end of a burst in a node that is killed meanwhile.
#[tokio::test]
async fn an_answered_notification_outlives_its_node() {
    let Some(program) = nats_server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _nats = nats(&program, port, folder.path());
    listening(port).await;
    let (one, first) = relay(port);
    let (_two, second) = relay(port);
    until_ready(&first).await;
    until_ready(&second).await;
    let channel = second.channel("usr_7", "google").await;
    let (id, token) = (
        text(&channel, "channel_id").to_owned(),
        text(&channel, "token").to_owned(),
    );
    let mut stream = Stream::open(&second, "usr_7", None).await;
    assert_eq!(first.google(&id, &token, "exists").await, 200);
    let seen = stream.next().await.expect("the first of the burst").id;

    let waiting = tokio::spawn({
        let (first, id, token) = (first.clone(), id.clone(), token.clone());
        async move { first.try_google(&id, &token, "exists").await }
    });
    // On a machine that is slow the burst is over before it, and it passes by itself.
    while !waiting.is_finished()
        && !first
            .metrics()
            .await
            .contains("roundtrip_relay_hooks_waiting 1\n")
    {
        tokio::task::yield_now().await;
    }
    drop(one);
    if waiting.await.expect("it ends") != Some(200) {
        // What Google does.
        assert_eq!(second.google(&id, &token, "exists").await, 200);
    }
    let mut resumed = Stream::open(&second, "usr_7", Some(&seen)).await;
    assert_eq!(resumed.next().await.expect("the second").event, "calendar");
}

#[tokio::test]
async fn channels_are_known_and_closed_at_every_node() {
    let Some(program) = nats_server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let nats_server = nats(&program, port, folder.path());
    listening(port).await;
    let (_one, first) = relay(port);
    let (_two, second) = relay(port);
    until_ready(&first).await;
    until_ready(&second).await;

    let channel = first.channel("usr_7", "google").await;
    let (id, token) = (text(&channel, "channel_id"), text(&channel, "token"));
    let mut stream = Stream::open(&first, "usr_7", None).await;
    assert_eq!(second.google(id, token, "exists").await, 200);
    let seen = stream.next().await.expect("a hint from the other node");
    assert_eq!(seen.event, "calendar");

    // NATS goes and comes back: a notification is refused meanwhile, so that Google repeats it, and nothing is forgotten.
    drop(nats_server);
    while second.ready().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(second.policy_hint("usr_7", "meanwhile").await, Some(503));
    let _nats = nats(&program, port, folder.path());
    listening(port).await;
    until_ready(&first).await;
    until_ready(&second).await;
    send_all(
        vec![second.clone()],
        "usr_7",
        vec!["after".to_owned()],
        Arc::default(),
    )
    .await;
    let mut resumed = Stream::open(&first, "usr_7", Some(&seen.id)).await;
    // The refused one may have been kept after all: hints may be repeated, never lost.
    let mut next = resumed.next().await.expect("a hint");
    if next.data["reason"] == "meanwhile" {
        next = resumed.next().await.expect("another hint");
    }
    assert_eq!(next.data["reason"], "after");

    let path = format!("/v1/calendar-relay/channels/{id}");
    let closed = first
        .ask("DELETE", &path, "usr_7")
        .send()
        .await
        .expect("an answer");
    assert_eq!(closed.status(), 204);
    let everywhere = async {
        while second.google(id, token, "exists").await != 404 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, everywhere)
        .await
        .expect("closed at the other node, too");
}

/// JetStream keeps the newest hints of a mailbox only. A node that starts sees no others, and must not act as if there were none.
#[tokio::test]
async fn a_restarted_node_knows_that_a_flood_pushed_hints_out() {
    let Some(program) = nats_server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _nats = nats(&program, port, folder.path());
    listening(port).await;
    let (one, first) = relay(port);
    until_ready(&first).await;
    let mut stream = Stream::open(&first, "usr_7", None).await;
    let mut quiet = Stream::open(&first, "usr_8", None).await;
    // Between the two trainers' first hints and the flood lies one that only JetStream's first 512 would tell.
    for (trainer, reason) in [("usr_7", "start"), ("usr_8", "start"), ("usr_7", "pushed out")] {
        assert_eq!(first.policy_hint(trainer, reason).await, Some(202));
    }
    let before = stream.next().await.expect("the first").id;
    let others = quiet.next().await.expect("another trainer's").id;
    for _ in 0..512 {
        assert_eq!(first.policy_hint("usr_7", "flood").await, Some(202));
    }
    drop(one);

    let (_two, second) = relay(port);
    until_ready(&second).await;
    let mut resumed = Stream::open(&second, "usr_7", Some(&before)).await;
    let told = resumed.next().await.expect("an event");
    assert_eq!(told.event, "resync", "{told:?}");
    // Who saw all of it, and who had no part in it, go on as if nothing had been.
    let mut seen = Stream::open(&second, "usr_7", Some(&told.id)).await;
    let mut quiet = Stream::open(&second, "usr_8", Some(&others)).await;
    for trainer in ["usr_7", "usr_8"] {
        assert_eq!(second.policy_hint(trainer, "after").await, Some(202));
    }
    for stream in [&mut resumed, &mut seen, &mut quiet] {
        assert_eq!(stream.next().await.expect("a hint").data["reason"], "after");
    }
}

#[tokio::test]
async fn a_node_waits_for_nats() {
    let Some(program) = nats_server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let (_relay, node) = relay(port);
    assert!(!node.ready().await);
    assert_eq!(node.policy_hint("usr_7", "too early").await, Some(503));
    let _nats = nats(&program, port, folder.path());
    until_ready(&node).await;
    assert_eq!(node.policy_hint("usr_7", "now").await, Some(202));
}

/// What somebody, or an older relay, made in NATS is no reason to keep less than is promised.
#[tokio::test]
async fn streams_that_are_there_get_the_settings_of_this_relay() {
    let Some(program) = nats_server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _nats = nats(&program, port, folder.path());
    listening(port).await;
    let client = async_nats::connect(format!("nats://127.0.0.1:{port}")).await;
    let jetstream = async_nats::jetstream::new(client.expect("a connection"));
    let settings = async_nats::jetstream::stream::Config {
        name: "roundtrip_hints".to_owned(),
        subjects: vec!["roundtrip.hints.*".to_owned()],
        max_age: Duration::from_secs(60),
        max_messages_per_subject: 3,
        max_bytes: 50_000_000,
        ..Default::default()
    };
    jetstream.create_stream(settings.clone()).await.expect("a stream");
    let (_relay, node) = relay(port);
    until_ready(&node).await;
    let mut stream = jetstream.get_stream("roundtrip_hints").await.expect("a stream");
    let now = stream.info().await.expect("its settings").config.clone();
    assert_eq!(now.max_age, Duration::from_secs(3600));
    assert_eq!(now.max_messages_per_subject, 512);
    assert_eq!(now.max_bytes, 50_000_000, "not ours to decide");

    // What NATS does not change is told, and what to do about it.
    let memory = async_nats::jetstream::stream::Config {
        name: "other_hints".to_owned(),
        subjects: vec!["other.hints.*".to_owned()],
        storage: async_nats::jetstream::stream::StorageType::Memory,
        ..settings
    };
    jetstream.create_stream(memory).await.expect("a stream");
    let told = last_words(program_of(port).args(["--nats-prefix", "other"])).await;
    assert!(told.contains("nats stream rm other_hints"), "{told}");
}

#[tokio::test]
async fn a_node_waits_neither_for_ever_nor_for_what_is_refused() {
    let port = free_port();
    let options = NatsOptions {
        servers: format!("nats://127.0.0.1:{port}"),
        token: None,
        replicas: 1,
        prefix: "roundtrip".to_owned(),
        patience: Duration::ZERO,
    };
    let hub = NatsHub::new(options);
    let begun = tokio::time::timeout(support::PATIENCE, hub.begin()).await;
    assert!(begun.expect("it ends").is_err(), "nothing listens there");

    let Some(program) = nats_server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let _nats = nats_with(&program, port, folder.path(), &["--auth", "a token"]);
    listening(port).await;
    let told = last_words(&mut program_of(port)).await;
    assert!(told.contains("authorization violation"), "{told}");
}
