//! `xtask bench`: the figures of the project, as counts and ratios.
//!
//! Requests are counted by the sandbox's log, not by the app; time and memory are read from the system.

mod cli;
mod lines;
mod memory;
mod ui;
mod window;

use crate::building;
use crate::project::{self, Profile};
use crate::run::say;
use crate::setup::{self, Need};
use anyhow::Result;
use serde_json::{Value, json};

/// What can be chosen.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Measure the app as shipped (takes much longer to build).
    #[arg(long)]
    pub release: bool,
    /// Appointments of the large first sync.
    #[arg(long, default_value_t = 1000)]
    pub appointments: usize,
    /// Latency added to each request of the large first sync.
    #[arg(long, default_value_t = 50)]
    pub latency_ms: u64,
    /// How often the start is measured.
    #[arg(long, default_value_t = 5)]
    pub starts: usize,
    /// Only this part, e.g. `cargo xtask bench ui`.
    pub part: Option<String>,
    /// Only the figures whose name contains this (requests, large, window, ui, lines); `ui` alone needs no app.
    #[arg(long)]
    pub only: Option<String>,
}

/// One line of the table: what it is, its value, and what it should be, if the project says so.
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) goal: Option<&'static str>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure {
            name: name.into(),
            value,
            unit,
            goal: None,
        }
    }

    pub(crate) fn goal(mut self, goal: &'static str) -> Figure {
        self.goal = Some(goal);
        self
    }
}

/// Measures and writes `target/bench/figures.{json,txt}`.
pub fn bench(options: &Options) -> Result<()> {
    setup::setup(Need::Everything)?;
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    let only = options.part.as_ref().or(options.only.as_ref());
    if only.is_none_or(|part| part != "ui") {
        building::build_to_measure(profile)?;
    }
    let folder = project::target().join("bench");
    std::fs::create_dir_all(&folder)?;
    let wanted = |name: &str| only.is_none_or(|part| name.contains(part.as_str()));
    let mut figures = Vec::new();
    if wanted("requests") {
        say("requests of a first sync of 200, and of a cycle with nothing to do");
        figures.extend(cli::requests(&folder, profile)?);
    }
    if wanted("large") {
        say(&format!(
            "a first sync of {} with {} ms latency",
            options.appointments, options.latency_ms
        ));
        figures.extend(cli::large(
            &folder,
            profile,
            options.appointments,
            options.latency_ms,
        )?);
    }
    if wanted("window") {
        say("start to first painted window, and memory with the window closed");
        figures.extend(window::measure(&folder, profile, options.starts)?);
    }
    if wanted("ui") {
        say(
            "the page: 500 interactions with 2,000 appointments and 10,000 history lines while a run goes on",
        );
        figures.extend(ui::measure(&folder)?);
    }
    if wanted("lines") {
        figures.extend(lines::count(&project::root())?);
    }
    write(&folder, profile, &figures)
}

fn write(folder: &std::path::Path, profile: Profile, figures: &[Figure]) -> Result<()> {
    let mut table = format!("Roundtrip figures ({} build)\n", profile.folder());
    for figure in figures {
        let value = if figure.value.fract().abs() < 1e-9 {
            format!("{:.0}", figure.value)
        } else {
            format!("{:.2}", figure.value)
        };
        let goal = figure
            .goal
            .map(|goal| format!("  (goal: {goal})"))
            .unwrap_or_default();
        table.push_str(&format!(
            "{:<66} {value:>10} {}{goal}\n",
            figure.name, figure.unit
        ));
    }
    println!("\n{table}");
    std::fs::write(folder.join("figures.txt"), &table)?;
    let list: Vec<Value> = figures
        .iter()
        .map(|one| json!({"name": one.name, "value": one.value, "unit": one.unit, "goal": one.goal}))
        .collect();
    let all = json!({"profile": profile.folder(), "figures": list});
    std::fs::write(folder.join("figures.json"), serde_json::to_string_pretty(&all)?)?;
    println!("Also in {}", folder.join("figures.json").display());
    Ok(())
}
