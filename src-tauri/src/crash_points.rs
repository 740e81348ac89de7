//! For `cargo xtask crash` alone: the process dies at the k-th of all moments between two things that must both happen, and
//! lives on a clock that is off. Nothing that ships has this.
//!
//! - `ROUNDTRIP_CRASH_AT=k`: SIGKILL to itself at the k-th moment; nothing is tidied up, as when the power goes.
//! - `ROUNDTRIP_CRASH_COUNT_FILE`: each moment is a line of this file, its name without anything of the request.
//! - `ROUNDTRIP_CRASH_CLOCK_MS`: so much is added to the wall clock.
//! - `ROUNDTRIP_CRASH_JUMP=k:ms`: the wall clock jumps by so much at the k-th moment.

use async_trait::async_trait;
use bytes::Bytes;
use roundtrip_http::{HttpError, HttpPort};
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

#[cfg(not(debug_assertions))]
compile_error!("crash-points is for tests: nothing that ships may have it");

static COUNT: AtomicU64 = AtomicU64::new(0);
static SHIFT_MS: LazyLock<AtomicI64> =
    LazyLock::new(|| AtomicI64::new(number("ROUNDTRIP_CRASH_CLOCK_MS").unwrap_or(0)));
static AT: LazyLock<Option<u64>> = LazyLock::new(|| number("ROUNDTRIP_CRASH_AT"));
static JUMP: LazyLock<Option<(u64, i64)>> = LazyLock::new(|| {
    let text = std::env::var("ROUNDTRIP_CRASH_JUMP").ok()?;
    let (at, by) = text.split_once(':')?;
    Some((at.parse().ok()?, by.parse().ok()?))
});
static LINES: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let path = std::env::var_os("ROUNDTRIP_CRASH_COUNT_FILE")?;
    let file = File::options().create(true).append(true).open(path);
    file.ok().map(Mutex::new)
});

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Has the store tell of its moments. Before anything is opened.
pub fn begin() {
    roundtrip_store::visit_boundaries(at);
}

/// How far the wall clock is off now.
pub fn clock_shift() -> chrono::Duration {
    chrono::Duration::milliseconds(SHIFT_MS.load(Ordering::Relaxed))
}

/// One moment: counted, told, and perhaps the last one.
pub fn at(name: &str) {
    // One at a time, so that the number and the line of a moment belong together.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    if let Some(lines) = &*LINES {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        // A test that cannot read its lines fails by itself.
        let _ = writeln!(lines, "{count} {name}");
    }
    if let Some((when, by)) = *JUMP
        && when == count
    {
        SHIFT_MS.fetch_add(by, Ordering::Relaxed);
    }
    if *AT == Some(count) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal may take a moment; nothing more may happen until then.
        loop {
            std::thread::park();
        }
    }
}

/// The network, with a moment before each request and one after each answer.
pub struct WatchedHttp(pub Arc<dyn HttpPort>);

#[async_trait]
impl HttpPort for WatchedHttp {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        // The first words of the path tell requests apart; ids and queries stay out.
        let what: Vec<&str> = request.uri().path().split('/').skip(1).take(3).collect();
        let what = format!("{} {}", request.method(), what.join("/"));
        at(&format!("before {what}"));
        let answer = self.0.send(request).await;
        at(&format!("after {what}"));
        answer
    }

    /// A stream is no moment of its own: it comes and goes beside what a run does.
    async fn open(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<roundtrip_http::Pieces>, HttpError> {
        self.0.open(request).await
    }
}
