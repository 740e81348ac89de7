//! What was shown as a desktop notification, and pressing its buttons.
//!
//! dunst runs a script for each notification; its buttons are pressed through `dunstctl`, which sends the same
//! `ActionInvoked` signal as a click does.

use super::Desk;
use crate::wait;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// A notification as dunst got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number on the bus.
    pub id: String,
    /// Heading.
    pub summary: String,
    /// Text.
    pub body: String,
}

/// Writes the service's settings and its scripts; the file to start it with.
pub fn write_config(folder: &Path) -> Result<PathBuf> {
    let script = folder.join("note-notification");
    let list = list_file(folder);
    // One line each, fields parted by the unit separator; line breaks of the text become blanks.
    write_script(
        &script,
        &format!(
            "#!/bin/sh\nflat() {{ printf '%s' \"$1\" | tr '\\n' ' '; }}\n\
             printf '%s\\037%s\\037%s\\n' \"$DUNST_ID\" \"$(flat \"$DUNST_SUMMARY\")\" \"$(flat \"$DUNST_BODY\")\" >> '{}'\n",
            list.display()
        ),
    )?;
    // The menu of a notification's buttons: takes the one whose name is in the file `button`.
    let menu = folder.join("choose-button");
    write_script(
        &menu,
        &format!(
            "#!/bin/sh\nexec grep -F -m 1 -e \"$(cat '{}')\"\n",
            folder.join("button").display()
        ),
    )?;
    let config = folder.join("dunstrc");
    fs::write(
        &config,
        format!(
            "[global]\n    monitor = 0\n    follow = none\n    origin = top-right\n    offset = 24x24\n    width = 380\n    \
             timeout = 0\n    idle_threshold = 0\n    font = Sans 10\n    frame_width = 1\n    frame_color = \"#c8c8c0\"\n    \
             corner_radius = 8\n    background = \"#fafaf6\"\n    foreground = \"#1b1d22\"\n    markup = full\n    \
             show_indicators = yes\n    dmenu = {menu}\n\n\
             [urgency_low]\n    timeout = 0\n\n[urgency_normal]\n    timeout = 0\n\n[urgency_critical]\n    timeout = 0\n\n\
             [note]\n    summary = \"*\"\n    script = {script}\n",
            menu = menu.display(),
            script = script.display(),
        ),
    )?;
    Ok(config)
}

/// All notifications so far, oldest first.
pub fn shown(desk: &Desk) -> Result<Vec<Shown>> {
    let text = match fs::read_to_string(list_file(desk.folder())) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    text.lines()
        .map(|line| {
            let mut fields = line.split('\u{1f}').map(str::to_owned);
            match (fields.next(), fields.next(), fields.next()) {
                (Some(id), Some(summary), Some(body)) => Ok(Shown { id, summary, body }),
                _ => bail!("unreadable notification line"),
            }
        })
        .collect()
}

/// How many are on the screen now.
pub fn displayed(desk: &Desk) -> Result<usize> {
    let count = crate::run::read(desk.command("dunstctl").args(["count", "displayed"]))?;
    count.trim().parse().context("dunstctl sent no number")
}

/// Waits for a notification whose heading or text contains `part`.
pub fn wait_for(desk: &Desk, part: &str) -> Result<Shown> {
    wait::until(
        &format!("a notification with “{part}”"),
        wait::seconds(60),
        || {
            Ok(shown(desk)?
                .into_iter()
                .find(|one| one.summary.contains(part) || one.body.contains(part)))
        },
    )
}

/// Presses the button of this name on a notification that is on the screen.
pub fn press(desk: &Desk, button: &str) -> Result<()> {
    // In dunst's menu a button reads "#name (summary) [id]"; the number sign keeps other lines out.
    fs::write(desk.folder().join("button"), format!("#{button} "))?;
    crate::run::read(desk.command("dunstctl").arg("context")).map(drop)
}

fn list_file(folder: &Path) -> PathBuf {
    folder.join("notifications")
}

fn write_script(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(file, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
