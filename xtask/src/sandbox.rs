//! The sandbox as a process: its addresses, and its control API for what tests arrange and count.

use crate::process::Process;
use crate::project::{self, Profile};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How the sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything in it follows from this.
    pub seed: u64,
    /// How many appointments the trainer has.
    pub appointments: usize,
    /// Sign-in pages answer by themselves.
    pub auto_consent: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 7,
            appointments: 24,
            auto_consent: false,
        }
    }
}

/// A running sandbox.
pub struct Sandbox {
    values: BTreeMap<String, String>,
    agent: ureq::Agent,
    _process: Process,
}

/// How long the sandbox may take to start.
const START: Duration = Duration::from_secs(30);

impl Sandbox {
    /// Starts it on free ports. `command` makes the command from the binary's path (a desk's, or a plain one).
    pub fn start(options: &Options, log: &Path, command: impl FnOnce(&Path) -> Command) -> Result<Sandbox> {
        let binary = project::binary("roundtrip-sandbox", Profile::Debug);
        if !binary.exists() {
            bail!("{} is missing: run `cargo xtask build`", binary.display());
        }
        let mut command = command(&binary);
        command
            .args(["--port", "0", "--seed", &options.seed.to_string()])
            .args(["--appointments", &options.appointments.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log).with_context(|| format!("couldn't write {}", log.display()))?);
        if options.auto_consent {
            command.arg("--auto-consent");
        }
        let mut process = Process::start_with_output("roundtrip-sandbox", command)?;
        let out = process.child().stdout.take().context("no output to read")?;
        let mut copy = std::fs::OpenOptions::new().append(true).open(log)?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = writeln!(copy, "{line}");
                let _ = sender.send(line);
            }
        });
        let mut values = BTreeMap::new();
        loop {
            let line = receiver
                .recv_timeout(START)
                .with_context(|| format!("the sandbox did not start; see {}", log.display()))?;
            if line.trim() == "READY" {
                break;
            }
            if let Some((key, value)) = line.split_once('=') {
                values.insert(key.trim().to_owned(), value.trim().to_owned());
            }
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Ok(Sandbox {
            values,
            agent: config.into(),
            _process: process,
        })
    }

    /// What it printed: the environment for the app.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// One of the values it printed.
    pub fn value(&self, key: &str) -> Result<&str> {
        self.values
            .get(key)
            .map(String::as_str)
            .with_context(|| format!("the sandbox printed no {key}"))
    }

    /// The platform's address.
    pub fn platform_url(&self) -> Result<&str> {
        Ok(self.value("ROUNDTRIP_PLATFORM_URL")?.trim_end_matches('/'))
    }

    /// The calendar service's address.
    pub fn google_url(&self) -> Result<&str> {
        Ok(self.value("ROUNDTRIP_GOOGLE_API_URL")?.trim_end_matches('/'))
    }

    fn control_url(&self, path: &str) -> Result<String> {
        let base = self.value("SANDBOX_CONTROL_URL")?.trim_end_matches('/');
        Ok(format!("{base}{path}"))
    }

    /// Reads from the control API.
    pub fn get(&self, path: &str) -> Result<Value> {
        read(path, self.agent.get(self.control_url(path)?).call()?)
    }

    /// Sends to the control API.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self
            .agent
            .post(self.control_url(path)?)
            .header("Content-Type", "application/json");
        read(path, request.send(body.to_string())?)
    }

    /// Changes something at the control API.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self
            .agent
            .patch(self.control_url(path)?)
            .header("Content-Type", "application/json");
        read(path, request.send(body.to_string())?)
    }

    /// Sets something at the control API.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self
            .agent
            .put(self.control_url(path)?)
            .header("Content-Type", "application/json");
        read(path, request.send(body.to_string())?)
    }

    /// Deletes at the control API.
    pub fn delete(&self, path: &str) -> Result<Value> {
        read(path, self.agent.delete(self.control_url(path)?).call()?)
    }
}

/// A request log of thousands of lines is a few megabytes.
const LARGEST_ANSWER: u64 = 256 * 1024 * 1024;

fn read(path: &str, mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let status = answer.status();
    let text = answer
        .body_mut()
        .with_config()
        .limit(LARGEST_ANSWER)
        .read_to_string()?;
    if !status.is_success() {
        bail!(
            "the sandbox answered {status} to {path}: {}",
            text.chars().take(300).collect::<String>()
        );
    }
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).with_context(|| format!("no JSON from {path}"))
}
