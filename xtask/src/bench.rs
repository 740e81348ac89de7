//! `xtask bench`: the figures of the project, group by group, each beside its goal and the best seen elsewhere.
//!
//! Requests are counted by the sandbox's log, not by the app; time and memory are read from the system. Each group is a
//! module of its own and keeps its figures in `target/bench/<group>.json` until it is measured again.

mod away;
mod cli;
mod figure;
mod first_sync;
mod fleet;
mod idle;
mod lines;
mod live;
mod machine;
mod memory;
mod pure;
mod relay;
mod report;
mod size;
mod ui;
mod window;

use crate::building;
use crate::project::{self, Profile};
use crate::run::say;
use crate::setup::{self, Need};
use anyhow::{Result, ensure};
pub(crate) use figure::{Figure, percentile};
use std::path::PathBuf;

/// What can be chosen.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Measure the app as shipped (takes much longer to build).
    #[arg(long)]
    pub release: bool,
    /// Fewer repetitions, smaller amounts, shorter watching: to see that it works.
    #[arg(long)]
    pub quick: bool,
    /// Write what was measured so far into docs/benchmarks.md; with `--only none` nothing is measured anew.
    #[arg(long)]
    pub docs: bool,
    /// Appointments of the large first sync.
    #[arg(long, default_value_t = 1000)]
    pub appointments: usize,
    /// Latency added to each request of the large first sync.
    #[arg(long, default_value_t = 100)]
    pub latency_ms: u64,
    /// How often the start is measured.
    #[arg(long, default_value_t = 5)]
    pub starts: usize,
    /// Only this group, e.g. `cargo xtask bench ui`.
    pub part: Option<String>,
    /// Only the groups whose name contains this; `ui` and `lines` need no app.
    #[arg(long)]
    pub only: Option<String>,
}

/// What a group has to measure with.
pub(crate) struct Bench {
    /// Its own folder, for logs and data; emptied before it begins.
    pub(crate) folder: PathBuf,
    /// Which build of the app.
    pub(crate) profile: Profile,
    /// What was asked for.
    pub(crate) options: Options,
}

impl Bench {
    /// How often something is done: the second number with `--quick`.
    pub(crate) fn times(&self, full: usize, quick: usize) -> usize {
        if self.options.quick { quick } else { full }
    }
}

/// Some figures that are measured together.
struct Group {
    name: &'static str,
    title: &'static str,
    /// It measures the app's own program.
    needs_app: bool,
    measure: fn(&Bench) -> Result<Vec<Figure>>,
}

/// All of them, in the order of the document.
const GROUPS: [Group; 13] = [
    Group {
        name: "core",
        title: "Ten thousand appointments",
        needs_app: false,
        measure: pure::core,
    },
    Group {
        name: "day",
        title: "Requests of a trainer's day",
        needs_app: false,
        measure: pure::day,
    },
    Group {
        name: "requests",
        title: "Requests of a sync, and of a cycle with nothing to do",
        needs_app: true,
        measure: cli::requests,
    },
    Group {
        name: "first-sync",
        title: "A large first sync over a slow line, with Google's limit per minute in force",
        needs_app: true,
        measure: first_sync::measure,
    },
    Group {
        name: "away",
        title: "A week offline, then back",
        needs_app: true,
        measure: away::measure,
    },
    Group {
        name: "idle",
        title: "Idle in the tray",
        needs_app: true,
        measure: idle::measure,
    },
    Group {
        name: "live",
        title: "How soon a change is on the other side, with the live connection",
        needs_app: true,
        measure: live::measure,
    },
    Group {
        name: "fleet",
        title: "Ten thousand trainers in one project",
        needs_app: false,
        measure: fleet::measure,
    },
    Group {
        name: "relay",
        title: "What a node of the relay takes",
        needs_app: false,
        measure: relay::measure,
    },
    Group {
        name: "window",
        title: "The window: how soon it is there",
        needs_app: true,
        measure: window::measure,
    },
    Group {
        name: "size",
        title: "What is shipped",
        needs_app: true,
        measure: size::measure,
    },
    Group {
        name: "ui",
        title: "The page: how soon it answers",
        needs_app: false,
        measure: ui::measure,
    },
    Group {
        name: "lines",
        title: "Lines of code",
        needs_app: false,
        measure: lines::measure,
    },
];

/// Measures what was asked for, and writes `target/bench/figures.{json,txt}`.
///
/// # Errors
/// What could not be built, started or measured.
pub fn bench(options: &Options) -> Result<()> {
    let profile = match options.release {
        true => Profile::Release,
        false => Profile::Debug,
    };
    let only = options.part.as_ref().or(options.only.as_ref());
    let nothing = only.is_some_and(|part| part == "none");
    let wanted: Vec<&Group> = GROUPS
        .iter()
        .filter(|group| only.is_none_or(|part| group.name.contains(part.as_str())))
        .collect();
    let names: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    ensure!(nothing || !wanted.is_empty(), "there are: {}", names.join(", "));
    let folder = project::target().join("bench");
    std::fs::create_dir_all(&folder)?;
    if !nothing {
        setup::setup(Need::Everything)?;
        if wanted.iter().any(|group| group.needs_app) {
            building::build_to_measure(profile)?;
        }
        measure(&wanted, &folder, profile, options)?;
    }
    let all = report::kept(&folder, &names)?;
    report::tell(&folder, &all)?;
    if options.docs {
        report::document(&all)?;
    }
    Ok(())
}

fn measure(wanted: &[&Group], folder: &std::path::Path, profile: Profile, options: &Options) -> Result<()> {
    let machine = machine::describe();
    let mut failed = Vec::new();
    for group in wanted {
        say(group.title);
        let own = folder.join(group.name);
        if own.exists() {
            std::fs::remove_dir_all(&own)?;
        }
        std::fs::create_dir_all(&own)?;
        let bench = Bench {
            folder: own,
            profile,
            options: options.clone(),
        };
        // One group that cannot be measured does not cost the figures of the others.
        match (group.measure)(&bench) {
            Ok(figures) => {
                let measured = report::Measured {
                    group: group.name,
                    title: group.title,
                    build: profile.folder(),
                    quick: options.quick,
                    figures: figures.iter().map(Figure::json).collect(),
                };
                report::keep(folder, &measured, &machine)?;
            }
            Err(error) => {
                println!("        not measured: {error:#}");
                failed.push(group.name);
            }
        }
    }
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}
