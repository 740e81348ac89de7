//! Where things are.

use std::path::{Path, PathBuf};

/// The top folder of the project.
pub fn root() -> PathBuf {
    // xtask lies directly below it; cargo says where xtask is, also when it runs from elsewhere.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target folder, where everything that is made lands.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The folder of the window's sources.
pub fn ui() -> PathBuf {
    root().join("ui")
}

/// Tools that are installed for this project only.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// Which profile the app is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build; what demo and tests use.
    Debug,
    /// As shipped.
    Release,
}

impl Profile {
    /// Name of its folder below target.
    pub fn folder(self) -> &'static str {
        match self {
            Profile::Debug => "debug",
            Profile::Release => "release",
        }
    }
}

/// Names a folder with ready-made programs, e.g. of an installed package; then nothing is built.
pub const BINARIES: &str = "ROUNDTRIP_BIN_DIR";

/// A program of the project.
pub fn binary(name: &str, profile: Profile) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    match std::env::var_os(BINARIES) {
        Some(dir) => root().join(dir).join(file),
        None => target().join(profile.folder()).join(file),
    }
}
