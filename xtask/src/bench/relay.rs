//! What one node of the relay takes. The load is made on the same cores, so each figure is a lower bound.

use super::{Bench, Figure, percentile};
use crate::process::{Process, guarded};
use crate::project::{self, Profile};
use crate::run::{cargo, read, run};
use crate::wait;
use anyhow::{Context, Result};
use serde_json::Value;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

/// In memory, and over NATS where there is one.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    // Ready-made programs are taken as they are.
    let ready_made = std::env::var_os(project::BINARIES).is_some();
    let targets = [["--bin", "roundtrip-relay"], ["--example", "load"]];
    for target in targets.into_iter().filter(|_| !ready_made) {
        let mut command = cargo();
        command
            .args(["build", "--locked", "-p", "roundtrip-relay"])
            .args(target);
        if bench.profile == Profile::Release {
            command.arg("--release");
        }
        run(&mut command)?;
    }
    let mut figures = figures("one node, in memory", &load(bench, None)?)?;
    let Some(program) = crate::setup::system::nats_server() else {
        println!("  There is no nats-server here: only the node without it is measured.");
        return Ok(figures);
    };
    // A port that was free a moment ago: nats-server cannot tell which one it took.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = guarded(program);
    command
        .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
        .arg(bench.folder.join("nats"));
    let _nats = Process::start("nats-server", command, &bench.folder.join("nats.log"))?;
    wait::until_true("nats-server", wait::seconds(30), || {
        Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
    })?;
    let said = load(bench, Some(port))?;
    figures.extend(self::figures("one node of several, over NATS JetStream", &said)?);
    Ok(figures)
}

fn load(bench: &Bench, nats: Option<u16>) -> Result<Value> {
    let mut command = Command::new(project::binary("examples/load", bench.profile));
    command
        .arg(project::binary("roundtrip-relay", bench.profile))
        .args(["--streams", &bench.times(5_000, 300).to_string()])
        .args(["--followed", &bench.times(500, 100).to_string()]);
    if let Some(port) = nats {
        command.args(["--nats", &format!("nats://127.0.0.1:{port}")]);
    }
    let text = read(&mut command)?;
    serde_json::from_str(text.trim()).with_context(|| format!("the load said {text:?}"))
}

fn figures(how: &str, said: &Value) -> Result<Vec<Figure>> {
    let number = |name: &str| {
        said[name]
            .as_f64()
            .with_context(|| format!("no {name} in {said}"))
    };
    let name = |what: &str| format!("relay, {how}: {what}");
    let took: Vec<f64> = said["hook_to_stream_ms"]
        .as_array()
        .context("no times")?
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    let streams = number("streams")?;
    let mut figures = vec![
        Figure::new(name("notifications taken"), number("hooks_per_second")?, "/s")
            .note("each of another trainer, kept and put onto that trainer's open stream")
            .simulated(),
        Figure::new(
            name("strangers' requests refused"),
            number("refused_per_second")?,
            "/s",
        )
        .simulated(),
        Figure::new(name("streams opened"), number("streams_opened_per_second")?, "/s").simulated(),
        Figure::new(
            name(&format!("notification to stream, p95 of {}", took.len())),
            percentile(&took, 0.95),
            "ms",
        )
        .simulated(),
        Figure::of(name("notification to stream"), took, "ms").simulated(),
    ];
    // Only Linux tells.
    if let (Ok(rest), Ok(held)) = (number("pss_at_rest_mib"), number("pss_with_streams_mib")) {
        figures.push(Figure::new(name("memory at rest (PSS)"), rest, "MB"));
        figures.push(Figure::new(
            name(&format!("memory with {streams} streams held (PSS)")),
            held,
            "MB",
        ));
        let each = (held - rest) * 1024.0 / streams;
        figures.push(Figure::new(name("memory of a stream"), each, "KiB"));
    }
    Ok(figures)
}
