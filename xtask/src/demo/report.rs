//! The story of a demo: printed while it happens, and kept as a file.

use crate::play::{Requests, Stage};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The story so far.
pub struct Report {
    folder: PathBuf,
    text: String,
    step: u32,
    pub(super) started: Instant,
}

impl Report {
    pub(super) fn begin(folder: &Path, title: &str) -> Report {
        let mut report = Report {
            folder: folder.to_path_buf(),
            text: String::new(),
            step: 0,
            started: Instant::now(),
        };
        report.line(&format!("{title}\n"));
        report
    }

    /// A line of the story.
    pub(super) fn line(&mut self, text: &str) {
        println!("{text}");
        let _ = writeln!(self.text, "{text}");
    }

    /// A step: what it is, what it did (its answer), how long it took, what it asked of the services, and a picture.
    pub(super) fn step(
        &mut self,
        stage: &mut Stage,
        name: &str,
        act: impl FnOnce(&mut Stage) -> Result<String>,
    ) -> Result<Step> {
        self.step += 1;
        let mark = stage.mark()?;
        let start = Instant::now();
        let said = act(stage).with_context(|| format!("step {}: {name}", self.step));
        let took = start.elapsed();
        let file = format!("{:02}-{}", self.step, slug(name));
        let picture = stage.pictures(&self.folder, &file);
        let said = match said {
            Ok(said) => said,
            Err(error) => {
                self.line(&format!(" ✗ {name}\n     {error:#}"));
                return Err(error);
            }
        };
        picture?;
        let requests = stage.requests_since(mark)?;
        self.line(&format!(" ✓ {name} ({:.1} s)", took.as_secs_f64()));
        if !said.is_empty() {
            self.line(&format!("     {said}"));
        }
        self.line(&format!(
            "     requests: platform {}, Google {} (of them writes to events: {}) · picture: {file}.png",
            requests.count("platform", "", ""),
            requests.count("google", "", ""),
            requests.event_writes(),
        ));
        Ok(Step { took, requests })
    }

    /// Keeps the story beside the pictures.
    pub(super) fn save(&self) -> Result<PathBuf> {
        let file = self.folder.join("report.txt");
        std::fs::write(&file, &self.text)?;
        Ok(file)
    }
}

/// The figures of a step.
pub(super) struct Step {
    pub(super) took: Duration,
    pub(super) requests: Requests,
}

fn slug(name: &str) -> String {
    let words: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let parts: Vec<&str> = words.split('-').filter(|part| !part.is_empty()).collect();
    parts.into_iter().take(6).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(
            slug("Sign in at “Linden Akademie”, by clicks!"),
            "sign-in-at-linden-akademie-by"
        );
    }
}
