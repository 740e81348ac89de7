//! JSON over HTTP to the driver.

use anyhow::{Context, Result};
use serde_json::Value;
use std::time::Duration;

/// No command takes longer; a driver that hangs (an old trouble of screenshots) must not hang us.
const LIMIT: Duration = Duration::from_secs(60);

/// What the driver says went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebDriverError {
    /// WebDriver's own word, e.g. `stale element reference`.
    pub code: String,
    /// Its sentence.
    pub message: String,
}

impl std::fmt::Display for WebDriverError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{}: {}",
            self.code,
            self.message.lines().next().unwrap_or_default()
        )
    }
}

impl std::error::Error for WebDriverError {}

pub(super) struct Wire {
    base: String,
    agent: ureq::Agent,
}

impl Wire {
    pub(super) fn new(base: &str) -> Wire {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Wire {
            base: base.trim_end_matches('/').to_owned(),
            agent: config.into(),
        }
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Content-Type", "application/json")
            .send(body.to_string())
            .with_context(|| format!("no answer to POST {}", last_word(path)))?;
        read(answer)
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .call()
            .with_context(|| format!("no answer to GET {}", last_word(path)))?;
        read(answer)
    }

    pub(super) fn delete(&self, path: &str) -> Result<Value> {
        let answer = self
            .agent
            .delete(format!("{}{path}", self.base))
            .call()
            .context("no answer to DELETE")?;
        read(answer)
    }
}

/// Pictures of a large window are a few megabytes.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let good = answer.status().is_success();
    let text = answer
        .body_mut()
        .with_config()
        .limit(LARGEST_ANSWER)
        .read_to_string()?;
    let parsed: Value = serde_json::from_str(&text)
        .with_context(|| format!("the driver sent no JSON: {}", shorten(&text)))?;
    let value = parsed["value"].clone();
    if good {
        return Ok(value);
    }
    Err(WebDriverError {
        code: value["error"].as_str().unwrap_or("unknown error").to_owned(),
        message: value["message"].as_str().unwrap_or_default().to_owned(),
    }
    .into())
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

fn last_word(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
