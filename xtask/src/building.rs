//! `xtask build`: the window, then the app and the sandbox.

use crate::project::{self, Profile};
use crate::run::{cargo, npm, run, say};
use anyhow::Result;
use std::sync::{Mutex, PoisonError};

/// The feature that makes the app carry its window instead of asking a development server for it.
///
/// All cargo calls use it, tests too, or the heavy crates would be built twice.
pub const FEATURES: [&str; 2] = ["--features", "roundtrip/custom-protocol"];

/// The same for a bench, which looks into the memory of a release build: what ships cannot be asked for that.
const MEASURED: [&str; 2] = ["--features", "roundtrip/custom-protocol,roundtrip/traceable"];

/// Builds what the person's and the tests' window needs.
pub fn build(profile: Profile) -> Result<()> {
    build_with(profile, FEATURES)
}

/// Builds what a bench measures.
pub fn build_to_measure(profile: Profile) -> Result<()> {
    match profile {
        // A debug build is open as it is.
        Profile::Debug => build(profile),
        Profile::Release => build_with(profile, MEASURED),
    }
}

fn build_with(profile: Profile, features: [&str; 2]) -> Result<()> {
    if std::env::var_os(project::BINARIES).is_some() {
        println!("Using the programs in {}: nothing is built.", project::BINARIES);
        return Ok(());
    }
    window_once()?;
    say("building the app and the sandbox (the first time takes some minutes)");
    let mut command = cargo();
    command
        .args(["build", "--locked", "-p", "roundtrip", "-p", "roundtrip-sandbox"])
        .args(features);
    if profile == Profile::Release {
        command.arg("--release");
        crate::reproduce::say_nothing_of_here(&mut command, &project::root(), &project::target())?;
    }
    run(&mut command)?;
    crate::rules::bugs::not_in(&project::binary("roundtrip", profile))?;
    if profile == Profile::Release {
        // The sandbox is a tool: its debug build is the one that is started.
        run(cargo().args(["build", "--locked", "-p", "roundtrip-sandbox"]))?;
    }
    Ok(())
}

/// Builds the window into `ui/dist`, once in our life: the app embeds it, so it has to be there before anything of the app
/// compiles.
pub fn window_once() -> Result<()> {
    static BUILT: Mutex<bool> = Mutex::new(false);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !*built {
        say("building the window");
        run(npm(&project::ui()).args(["run", "--silent", "build"]))?;
        *built = true;
    }
    Ok(())
}

/// Builds the window with the stand-in for the app inside into `ui/dist-mock`, once in our life.
pub fn stand_in_once() -> Result<()> {
    static BUILT: Mutex<bool> = Mutex::new(false);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !*built {
        say("building the window with a stand-in for the app");
        run(npm(&project::ui())
            .env("VITE_MOCK", "1")
            .args(["run", "--silent", "build:mock"]))?;
        *built = true;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bench_can_look_into_a_release_build() {
        assert!(!FEATURES.concat().contains("traceable"));
        assert!(MEASURED.concat().contains("traceable"));
    }
}
