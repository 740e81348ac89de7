//! With a display: the app's window and the sandbox's pages are the person's to play with.

use super::{Options, folder};
use crate::process::{self, Process};
use crate::project::{self, Profile};
use crate::sandbox::{self, Sandbox};
use crate::wait;
use anyhow::Result;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

/// 32 bytes in base64: "roundtrip-demo-key-not-a-secret!".
const DEMO_KEY: &str = "cm91bmR0cmlwLWRlbW8ta2V5LW5vdC1hLXNlY3JldCE=";

pub(super) fn show(options: &Options) -> Result<()> {
    let folder = folder();
    let data = folder.join("data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::create_dir_all(&data)?;
    let sandbox_options = sandbox::Options {
        appointments: options.appointments,
        auto_consent: options.auto,
        ..sandbox::Options::default()
    };
    let sandbox = Sandbox::start(&sandbox_options, &folder.join("sandbox.log"), |binary| {
        process::guarded(binary)
    })?;
    let mut app = process::guarded(project::binary("roundtrip", Profile::Debug));
    app.envs(sandbox.environment())
        .env("ROUNDTRIP_DATA_DIR", &data)
        .env("ROUNDTRIP_TRACEABLE", "1")
        .stdin(Stdio::null())
        // Nothing of a demo stays in the person's own keychain or desktop: its tokens are good for this sandbox only,
        // and its links are not registered.
        .env("TOKEN_ENCRYPTION_KEY", DEMO_KEY)
        .env("ROUNDTRIP_NO_REGISTER", "1");
    if options.auto {
        app.env("ROUNDTRIP_BROWSER", follower(&folder)?);
    }
    let mut app = Process::start("roundtrip", app, &folder.join("app.log"))?;
    println!(
        "\nRoundtrip is open. Things to try:\n\
         \x20 1. In the window: the platform's address is {platform} ; sign in as {trainer}, then connect Google Calendar.\n\
         \x20 2. The trainer's calendar: {google}/\n\
         \x20    Drag one of the new events: 20 seconds later the platform's admin is told.\n\
         \x20 3. The platform's admin: {platform}/admin\n\
         \x20    Create, move or cancel an appointment, then “Sync now” in the window.\n\
         \x20 4. Move the same appointment on both pages: a conflict, to be decided in the window.\n\n\
         Data: {data} (fresh). Closing the window goes on syncing; Quit is in the tray's menu. Enter ends the demo.",
        platform = sandbox.platform_url()?,
        google = sandbox.google_url()?,
        trainer = crate::pages::TRAINER.name,
        data = data.display(),
    );
    let enter = wait_for_enter();
    loop {
        if let Some(status) = app.ended()? {
            if !status.success() {
                anyhow::bail!("the app ended with {status}{}", app.last_words());
            }
            println!("The app was quit.");
            return Ok(());
        }
        if enter.recv_timeout(Duration::from_millis(300)).is_ok() {
            println!("Ending the demo.");
            return Ok(());
        }
        if process::ending() {
            // The signal's own thread ends everything and then us.
            wait::until_true("the end", wait::seconds(10), || Ok(false))?;
        }
    }
}

/// A program for `ROUNDTRIP_BROWSER` that follows sign-in addresses to their end.
fn follower(folder: &std::path::Path) -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let script = folder.join("browse");
        fs::write(
            &script,
            format!("#!/bin/sh\nexec '{}' browse \"$1\"\n", this.display()),
        )?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
        Ok(script)
    }
    #[cfg(not(unix))]
    {
        let script = folder.join("browse.cmd");
        fs::write(&script, format!("@\"{}\" browse %1\r\n", this.display()))?;
        Ok(script)
    }
}

/// Tells when Enter was pressed. At the end of the input (no terminal) it never does.
fn wait_for_enter() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(count) if count > 0 => {
                let _ = sender.send(());
            }
            // Keeps the sender, so that the other side goes on waiting instead of seeing it gone.
            _ => loop {
                std::thread::park();
            },
        }
    });
    receiver
}
