//! Figures of the sync itself, by the verbs of the command line.

use super::{Bench, Figure, memory};
use crate::app::Installation;
use crate::browse;
use crate::desk::Desk;
use crate::play::Requests;
use crate::process::Process;
use crate::project::Profile;
use crate::sandbox::{Options, Sandbox};
use crate::wait;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The app by its verbs, against its own sandbox.
pub(super) struct Verbs {
    pub(super) installation: Installation,
    pub(super) sandbox: Sandbox,
    pub(super) desk: Desk,
}

/// What one run of a verb took.
pub(super) struct Ran {
    pub(super) json: Value,
    pub(super) took: Duration,
    pub(super) peak_mb: f64,
}

impl Verbs {
    /// Starts desk and sandbox, and connects both services.
    pub(super) fn connected(folder: &Path, profile: Profile, appointments: usize) -> Result<Verbs> {
        let desk = Desk::open(folder)?;
        let options = Options {
            appointments,
            auto_consent: true,
            ..Options::default()
        };
        let sandbox = Sandbox::start(&options, &folder.join("sandbox.log"), |binary| {
            desk.command(binary)
        })?;
        let installation = Installation::new(&desk, &sandbox, "laptop")?.with_profile(profile);
        let verbs = Verbs {
            installation,
            sandbox,
            desk,
        };
        verbs.connect("platform")?;
        verbs.connect("google")?;
        Ok(verbs)
    }

    /// `connect … --print-url`, with the address followed as a browser would.
    fn connect(&self, service: &str) -> Result<()> {
        let mut command = self
            .installation
            .command(&self.desk, &["connect", service, "--print-url"])?;
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn()?;
        let out = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(out).lines();
        let url = lines
            .next()
            .with_context(|| format!("`connect {service}` printed no address"))??;
        browse::follow(url.trim())?;
        // The rest of its output, so that it never waits for a reader.
        for line in lines.map_while(std::result::Result::ok) {
            println!("  {line}");
        }
        let status = wait::until(
            "the end of `connect`",
            wait::seconds(60),
            || Ok(child.try_wait()?),
        )?;
        ensure!(status.success(), "`connect {service}` ended with {status}");
        Ok(())
    }

    /// `sync --once --json`, with its peak memory.
    pub(super) fn sync(&self) -> Result<Ran> {
        self.run(&["sync", "--once", "--json"])
    }

    fn run(&self, verb: &[&str]) -> Result<Ran> {
        let mut command = self.installation.command(&self.desk, verb)?;
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let start = Instant::now();
        let mut child = command.spawn()?;
        let pid = child.id();
        let reading = std::thread::spawn({
            let out = child.stdout.take().context("no output")?;
            move || std::io::read_to_string(out)
        });
        let mut peak_mb = 0.0_f64;
        let status = wait::until("the end of `sync`", wait::seconds(1800), || {
            peak_mb = peak_mb.max(memory::peak_mb(pid).unwrap_or_default());
            Ok(child.try_wait()?)
        })?;
        let took = start.elapsed();
        let text = reading.join().unwrap_or_else(|_| Ok(String::new()))?;
        ensure!(status.success(), "`sync` ended with {status}: {text}");
        let json =
            serde_json::from_str(text.trim()).with_context(|| format!("`sync` sent no JSON: {text}"))?;
        Ok(Ran { json, took, peak_mb })
    }

    /// Reads what the platform assigns, and nothing is written: a sync that is ended with its first write, and a platform that
    /// allows no further one. Ten thousand writes would take a quarter of an hour, since Google takes 600 a minute.
    pub(super) fn read_only(&self) -> Result<()> {
        let mark = Requests::mark(&self.sandbox)?;
        let command = self
            .installation
            .command(&self.desk, &["sync", "--once", "--json"])?;
        let mut sync = Process::start("sync", command, &self.desk.logs().join("sync.log"))?;
        wait::until_true("the first write", wait::seconds(120), || {
            Ok(self.requests_since(mark)?.event_writes() > 0)
        })?;
        sync.stop();
        let off = serde_json::json!({"reason": "maintenance"});
        self.sandbox.put("/platform/policy", &off)?;
        Ok(())
    }

    pub(super) fn requests_since(&self, mark: u64) -> Result<Requests> {
        Requests::since(&self.sandbox, mark)
    }
}

/// Requests per added appointment and of a cycle with nothing to do.
pub(super) fn requests(bench: &Bench) -> Result<Vec<Figure>> {
    let verbs = Verbs::connected(&bench.folder, bench.profile, 200)?;
    let mark = Requests::mark(&verbs.sandbox)?;
    let first = verbs.sync()?;
    let asked = verbs.requests_since(mark)?;
    let added = number(&first.json["added"])?;
    ensure!(added > 0.0, "the first sync added nothing: {}", first.json);
    let mut figures = vec![
        Figure::new("first sync of 200: events added", added, ""),
        Figure::new(
            "writes per added appointment",
            asked.event_writes() as f64 / added,
            "requests",
        )
        .at_most(1.0)
        .anchor("a list and a write")
        .simulated(),
        Figure::new(
            "all Google requests per added appointment",
            asked.count("google", "", "") as f64 / added,
            "requests",
        ),
        Figure::new(
            "all platform requests of that first sync",
            asked.count("platform", "", "") as f64,
            "requests",
        ),
        Figure::new("time of that first sync", first.took.as_secs_f64(), "s"),
    ];
    // The cycle after the first one may still read back what was written; the one after that is idle.
    verbs.sync()?;
    let mark = Requests::mark(&verbs.sandbox)?;
    let idle = verbs.sync()?;
    let asked = verbs.requests_since(mark)?;
    for line in asked.lines() {
        println!("  idle cycle: {line}");
    }
    figures.extend([
        Figure::new(
            "idle cycle: platform requests",
            asked.count("platform", "", "/v1/appointments") as f64,
            "requests",
        )
        .at_most(1.0)
        .anchor("the full window")
        .simulated(),
        Figure::new(
            "  beside it, once in a process and then every 30 minutes: what the platform allows",
            asked.count("platform", "", "/v1/me") as f64,
            "requests",
        )
        .simulated(),
        Figure::new(
            "idle cycle: Google requests",
            asked.count("google", "", "") as f64,
            "requests",
        )
        .at_most(1.0)
        .anchor("the full window")
        .simulated(),
        Figure::new("idle cycle: writes", asked.event_writes() as f64, "requests")
            .at_most(0.0)
            .simulated(),
        Figure::new(
            "idle cycle as the app itself counts it: platform",
            number(&idle.json["requests"]["platform"])?,
            "requests",
        ),
        Figure::new(
            "idle cycle as the app itself counts it: Google",
            number(&idle.json["requests"]["google"])?,
            "requests",
        ),
    ]);
    Ok(figures)
}

/// A number of a JSON answer.
pub(super) fn number(value: &Value) -> Result<f64> {
    value
        .as_f64()
        .with_context(|| format!("expected a number, got {value}"))
}
