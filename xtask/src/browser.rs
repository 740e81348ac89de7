//! The system browser of a desk: WebKitGTK's MiniBrowser under WebDriver.
//!
//! The app opens addresses by running the program in `ROUNDTRIP_BROWSER`: a script that notes the address. Whoever plays
//! the person takes it from there and opens it here.

use crate::desk::Desk;
use crate::process::Process;
use crate::wait;
use crate::webdriver::Session;
use anyhow::{Context, Result};
use serde_json::json;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A browser with its driver.
pub struct Browser {
    /// What can be done in it.
    pub session: Session,
    _driver: Process,
}

impl Browser {
    /// Opens an empty one, to the right of the app.
    pub fn open(desk: &Desk) -> Result<Browser> {
        let port = free_port()?;
        let mut command = desk.command("WebKitWebDriver");
        command.arg(format!("--port={port}"));
        let mut driver = desk.start("browser-driver", command)?;
        wait_for_port(port, &mut driver)?;
        let capabilities = json!({
            "webkitgtk:browserOptions": {"binary": mini_browser()?, "args": ["--automation"]}
        });
        let before = desk.screen()?.windows()?;
        let session = Session::open(&format!("http://127.0.0.1:{port}"), capabilities)?;
        let screen = desk.screen()?;
        let window = wait::until("the browser's window", wait::seconds(20), || {
            Ok(screen
                .windows()?
                .into_iter()
                .find(|window| before.iter().all(|old| old.id != window.id)))
        })?;
        screen.place(&window, 1180, 0, (1580, 1000))?;
        Ok(Browser {
            session,
            _driver: driver,
        })
    }
}

/// Where the app's requests to open an address are noted.
pub struct Opened {
    file: PathBuf,
    taken: usize,
}

impl Opened {
    /// Makes the script for `ROUNDTRIP_BROWSER`; its path and the list it writes.
    pub fn script(folder: &Path, name: &str) -> Result<(PathBuf, Opened)> {
        let file = folder.join(format!("{name}.opened"));
        let script = folder.join(name);
        fs::write(
            &script,
            format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}'\n", file.display()),
        )?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
        }
        Ok((script, Opened { file, taken: 0 }))
    }

    /// All addresses so far.
    pub fn all(&self) -> Vec<String> {
        fs::read_to_string(&self.file)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Waits for the next address that was not taken yet.
    pub fn take_next(&mut self) -> Result<String> {
        let url = wait::until("the app opening an address", wait::seconds(30), || {
            Ok(self.all().get(self.taken).cloned())
        })?;
        self.taken += 1;
        Ok(url)
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until something listens there.
pub fn wait_for_port(port: u16, process: &mut Process) -> Result<()> {
    wait::until_true("the driver listening", wait::seconds(20), || {
        Ok(
            TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_millis(200))
                .is_ok(),
        )
    })
    .or_else(|error| {
        process.expect_alive()?;
        Err(error)
    })
}

fn mini_browser() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib").context("no /usr/lib")?;
    folders
        .flatten()
        .map(|entry| entry.path().join("webkit2gtk-4.1/MiniBrowser"))
        .find(|path| path.exists())
        .context("WebKitGTK's MiniBrowser is missing (Debian: package libwebkit2gtk-4.1-0)")
}
