//! `xtask demo`: the main job, by the real app against a sandbox on this machine.

mod headless;
mod report;
mod windowed;

use crate::building;
use crate::project::{self, Profile};
use crate::setup::{self, Need};
use anyhow::Result;
use std::path::PathBuf;

/// What can be chosen.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Sign in by itself instead of on the sign-in pages.
    #[arg(long)]
    pub auto: bool,
    /// How many appointments the trainer has.
    #[arg(long, default_value_t = 24)]
    pub appointments: usize,
    /// Play it in a virtual display and report, even if there is a display.
    #[arg(long)]
    pub headless: bool,
}

/// Sets up, builds, and shows; true if all went well.
pub fn demo(options: &Options) -> Result<bool> {
    let headless = options.headless || !has_display();
    setup::setup(if headless { Need::Everything } else { Need::Build })?;
    building::build(Profile::Debug)?;
    std::fs::create_dir_all(folder())?;
    if headless {
        headless::play(options)
    } else {
        windowed::show(options).map(|()| true)
    }
}

/// Where pictures and the report land.
fn folder() -> PathBuf {
    project::target().join("demo")
}

fn has_display() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    ["WAYLAND_DISPLAY", "DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
