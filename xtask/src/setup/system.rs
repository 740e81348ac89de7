//! System packages.

use super::Need;
use crate::run::{run, say};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// To build the app, and to run it on a person's own desktop.
const BUILD: &[&str] = &[
    "build-essential",
    "ca-certificates",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "libxdo-dev",
    "pkg-config",
    "python3-venv",
];

/// To drive the window in a virtual desktop, and for all tests.
const EVERYTHING: &[&str] = &[
    "dbus",
    "dbus-x11",
    "dunst",
    "fonts-dejavu-core",
    "fonts-noto-color-emoji",
    "gnome-keyring",
    "imagemagick",
    "libglib2.0-bin",
    "librsvg2-bin",
    "util-linux",
    "webkit2gtk-driver",
    "xauth",
    "xvfb",
];

/// For tests that say so and leave themselves out without it: older Ubuntus do not have it.
const WHERE_OFFERED: &[&str] = &["nats-server"];

/// Checks what is installed, and installs the rest through apt as root or with sudo.
pub fn install(need: Need) -> Result<()> {
    if cfg!(target_os = "macos") {
        return check_commands(&[("cc", "the Xcode command line tools: xcode-select --install")]);
    }
    if cfg!(windows) {
        println!(
            "On Windows the app needs the Visual Studio C++ build tools and WebView2 (part of Windows 11): \
             https://tauri.app/start/prerequisites/"
        );
        return Ok(());
    }
    if !is_debian() {
        println!(
            "This is neither Debian nor Ubuntu, so nothing is installed for you. The build needs the development files of \
             WebKitGTK 4.1, librsvg 2, ayatana-appindicator 3, OpenSSL and libxdo; the window tests also need \
             WebKitWebDriver, Xvfb, dbus-daemon, gnome-keyring, dunst, ImageMagick and nats-server."
        );
        return Ok(());
    }
    let mut missing: Vec<&str> = wanted(need).filter(|package| !is_installed(package)).collect();
    let perhaps: Vec<&str> = match need {
        Need::Build => Vec::new(),
        Need::Everything => WHERE_OFFERED
            .iter()
            .copied()
            .filter(|package| !is_installed(package))
            .collect(),
    };
    if missing.is_empty() && !perhaps.iter().any(|package| is_offered(package)) {
        return Ok(());
    }
    apt(&["update", "-q"])?;
    missing.extend(perhaps.iter().filter(|package| is_offered(package)));
    say(&format!(
        "installing {} system packages with apt: {}",
        missing.len(),
        missing.join(" ")
    ));
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend(&missing);
    apt(&arguments)
}

fn wanted(need: Need) -> impl Iterator<Item = &'static str> {
    let more: &[&str] = if need == Need::Everything { EVERYTHING } else { &[] };
    BUILD.iter().chain(more).copied()
}

fn apt(arguments: &[&str]) -> Result<()> {
    let by_hand = format!("apt-get {}", arguments.join(" "));
    let mut command = if is_root() {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    } else if in_path("sudo") {
        let mut command = Command::new("sudo");
        command.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    } else {
        bail!("system packages are missing and there is no sudo. As root: {by_hand}");
    };
    run(command.args(arguments))
        .with_context(|| format!("apt couldn't install everything. By hand, as root: {by_hand}"))
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| {
        let Some((key, value)) = line.split_once('=') else {
            return false;
        };
        matches!(key, "ID" | "ID_LIKE")
            && value
                .trim_matches('"')
                .split(' ')
                .any(|id| id == "debian" || id == "ubuntu")
    })
}

fn is_installed(package: &str) -> bool {
    let mut command = Command::new("dpkg-query");
    command.args(["-W", "-f", "${db:Status-Status}\n", package]);
    // The same package may be known for several architectures; one that is installed is enough.
    command.output().is_ok_and(|out| {
        String::from_utf8_lossy(&out.stdout)
            .lines()
            .any(|line| line == "installed")
    })
}

fn is_offered(package: &str) -> bool {
    let mut command = Command::new("apt-cache");
    command.args(["--quiet", "show", package]);
    command
        .output()
        .is_ok_and(|out| out.status.success() && !out.stdout.is_empty())
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// True if a program of this name is in the search path.
pub fn in_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

fn check_commands(commands: &[(&str, &str)]) -> Result<()> {
    for (command, advice) in commands {
        if !in_path(command) && !Path::new("/usr/bin").join(command).exists() {
            bail!("`{command}` is missing: install {advice}");
        }
    }
    Ok(())
}
