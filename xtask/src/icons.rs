//! `xtask icons`: all pictures from their drawings (`icons/*.svg`, `icons/tray/*.svg`) by rsvg-convert.
//!
//! The pictures are committed, so that building needs no renderer.

mod containers;

use crate::project;
use crate::run::{read, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Up to this size the simplified drawing is used.
const SMALL: u32 = 32;

/// The app icon's files.
const FILES: [(&str, u32); 6] = [
    ("32x32.png", 32),
    ("64x64.png", 64),
    ("128x128.png", 128),
    ("128x128@2x.png", 256),
    ("256x256.png", 256),
    ("512x512.png", 512),
];

/// Sizes inside the Windows icon.
const ICO: [u32; 7] = [16, 20, 24, 32, 48, 64, 256];

/// Sizes inside the macOS icon, with their type codes.
const ICNS: [(&str, u32); 8] = [
    ("icp4", 16),
    ("ic11", 32),
    ("ic12", 64),
    ("ic07", 128),
    ("ic13", 256),
    ("ic08", 256),
    ("ic09", 512),
    ("ic10", 1024),
];

/// The tray's states; each has its own shape, so that colour is never alone.
const STATES: [&str; 5] = ["ok", "syncing", "paused", "attention", "offline"];

/// A set of tray pictures: folder, ink, signal colour, size in pixels.
struct TraySet {
    folder: &'static str,
    ink: &'static str,
    signal: &'static str,
    pixels: u32,
}

const TRAY: [TraySet; 4] = [
    // Where nobody tells the colour of the panel: readable on dark and on light ones.
    TraySet {
        folder: "",
        ink: "#1d978d",
        signal: "#d97706",
        pixels: 48,
    },
    TraySet {
        folder: "for-dark-panel",
        ink: "#f4f4ef",
        signal: "#ffb020",
        pixels: 48,
    },
    TraySet {
        folder: "for-light-panel",
        ink: "#24272c",
        signal: "#b45f06",
        pixels: 48,
    },
    // macOS colours it itself: black and alpha, 22 points at double density.
    TraySet {
        folder: "template",
        ink: "#000000",
        signal: "#000000",
        pixels: 44,
    },
];

/// Renders everything.
pub fn render() -> Result<()> {
    let icons = project::root().join("icons");
    say("rendering the app icon");
    for (file, pixels) in FILES {
        fs::write(icons.join(file), app_icon(&icons, pixels)?)?;
    }
    fs::write(icons.join("icon.png"), app_icon(&icons, 1024)?)?;
    let mut entries = Vec::new();
    for pixels in ICO {
        entries.push((pixels, app_icon(&icons, pixels)?));
    }
    fs::write(icons.join("icon.ico"), containers::ico(&entries)?)?;
    let mut entries = Vec::new();
    for (code, pixels) in ICNS {
        entries.push((code, app_icon(&icons, pixels)?));
    }
    fs::write(icons.join("icon.icns"), containers::icns(&entries)?)?;

    say("rendering the tray's states");
    let work = tempfile::tempdir()?;
    for set in TRAY {
        let folder = icons.join("tray").join(set.folder);
        fs::create_dir_all(&folder)?;
        for state in STATES {
            let drawing = icons.join("tray").join(format!("{state}.svg"));
            let text =
                fs::read_to_string(&drawing).with_context(|| format!("{} is missing", drawing.display()))?;
            let coloured = work.path().join("coloured.svg");
            fs::write(
                &coloured,
                text.replace("currentColor", set.ink)
                    .replace("signalColor", set.signal),
            )?;
            fs::write(folder.join(format!("{state}.png")), png(&coloured, set.pixels)?)?;
        }
    }
    Ok(())
}

fn app_icon(icons: &Path, pixels: u32) -> Result<Vec<u8>> {
    let drawing = if pixels <= SMALL {
        "icon-small.svg"
    } else {
        "icon.svg"
    };
    png(&icons.join(drawing), pixels)
}

fn png(drawing: &Path, pixels: u32) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let file: PathBuf = folder.path().join("picture.png");
    let size = pixels.to_string();
    read(
        Command::new("rsvg-convert")
            .args(["-w", &size, "-h", &size, "-o"])
            .arg(&file)
            .arg(drawing),
    )
    .context("rsvg-convert is needed (Debian: librsvg2-bin)")?;
    Ok(fs::read(file)?)
}
