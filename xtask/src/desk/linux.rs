//! The desk on Linux: Xvfb, dbus-daemon, gnome-keyring-daemon, dunst.

use super::{SIZE, notifications, screen::Screen};
use crate::process::{self, MARK, Process, guarded};
use crate::wait;
use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use tempfile::TempDir;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A virtual desktop.
pub struct Desk {
    mark: String,
    display: String,
    bus: String,
    logs: PathBuf,
    // The order matters: processes end before their folder goes.
    processes: Vec<Process>,
    folder: TempDir,
}

impl Desk {
    /// Opens one; what its services say lands in `logs`.
    pub fn open(logs: &Path) -> Result<Desk> {
        fs::create_dir_all(logs)?;
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let folder = tempfile::Builder::new().prefix("roundtrip-desk-").tempdir()?;
        process::remember_desk(&mark, folder.path());
        for name in ["home", "run", "config", "data", "state", "cache"] {
            make_private(&folder.path().join(name))?;
        }
        let mut desk = Desk {
            mark,
            display: String::new(),
            bus: String::new(),
            logs: logs.to_path_buf(),
            processes: Vec::new(),
            folder,
        };
        desk.start_display()?;
        desk.start_bus()?;
        desk.start_keychain()?;
        desk.start_notifications()?;
        Ok(desk)
    }

    /// A command that runs on this desk and ends with it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = guarded(program);
        let path = |name: &str| self.folder.path().join(name);
        command
            .stdin(Stdio::null())
            .env(MARK, &self.mark)
            .env("HOME", path("home"))
            .env("XDG_RUNTIME_DIR", path("run"))
            .env("XDG_CONFIG_HOME", path("config"))
            .env("XDG_DATA_HOME", path("data"))
            .env("XDG_STATE_HOME", path("state"))
            .env("XDG_CACHE_HOME", path("cache"))
            .env("XDG_CURRENT_DESKTOP", "X-Roundtrip-Desk")
            .env("XDG_SESSION_TYPE", "x11")
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("GDK_BACKEND", "x11")
            // Without an accessibility bus the driver's session call hangs.
            .env("NO_AT_BRIDGE", "1")
            // There is no GPU: the web view would stay blank.
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("LANG", "C.UTF-8")
            .env("LANGUAGE", "en")
            .env("TZ", "Europe/Berlin");
        for name in [
            "WAYLAND_DISPLAY",
            "LC_ALL",
            "SSH_AUTH_SOCK",
            "XAUTHORITY",
            "DBUS_STARTER_ADDRESS",
        ] {
            command.env_remove(name);
        }
        for name in [
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
        ] {
            // Everything is on this machine; a proxy would only be in the way of 127.0.0.1.
            command.env_remove(name);
        }
        command
    }

    /// Starts something that lives as long as the caller keeps it.
    pub fn start(&self, name: &str, command: Command) -> Result<Process> {
        Process::start(name, command, &self.logs.join(format!("{name}.log")))
    }

    /// The desk's own folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where logs land.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// The mark that all its processes carry.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// A look at the display.
    pub fn screen(&self) -> Result<Screen> {
        Screen::open(&self.display)
    }

    /// Saves a picture of the whole display. (The browser's own screenshot call was seen to hang.)
    pub fn screenshot(&self, file: &Path) -> Result<()> {
        crate::run::read(self.command("import").args(["-window", "root"]).arg(file)).map(drop)
    }

    /// Saves a picture of one window.
    pub fn screenshot_of(&self, window: u32, file: &Path) -> Result<()> {
        crate::run::read(
            self.command("import")
                .args(["-window", &window.to_string()])
                .arg(file),
        )
        .map(drop)
    }

    /// True if somebody owns this name on the session bus.
    pub fn on_bus(&self, name: &str) -> Result<bool> {
        let answer = crate::run::read(
            self.command("gdbus")
                .args([
                    "call",
                    "--session",
                    "--dest",
                    "org.freedesktop.DBus",
                    "--object-path",
                    "/",
                ])
                .args(["--method", "org.freedesktop.DBus.NameHasOwner", name]),
        )?;
        Ok(answer.contains("true"))
    }

    fn start_display(&mut self) -> Result<()> {
        let mut command = self.command("Xvfb");
        let screen = format!("{}x{}x24", SIZE.0, SIZE.1);
        command
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                &screen,
                "-dpi",
                "96",
                "-nolisten",
                "tcp",
                "-noreset",
            ])
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.logs.join("display.log"))?);
        let number = self.start_and_read_line("Xvfb", command)?;
        self.display = format!(":{}", number.trim());
        self.screen()?.paint_ground()
    }

    fn start_bus(&mut self) -> Result<()> {
        let mut command = self.command("dbus-daemon");
        command
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.logs.join("bus.log"))?);
        let address = self.start_and_read_line("dbus-daemon", command)?;
        self.bus = address.trim().to_owned();
        Ok(())
    }

    fn start_keychain(&mut self) -> Result<()> {
        let mut command = self.command("gnome-keyring-daemon");
        command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped());
        let mut keyring = self.start("keychain", command)?;
        if let Some(mut input) = keyring.child().stdin.take() {
            // The password of the new keyring: an empty line.
            input.write_all(b"\n")?;
        }
        self.processes.push(keyring);
        wait::until_true("the keychain on the bus", wait::seconds(20), || {
            self.on_bus("org.freedesktop.secrets")
        })
    }

    fn start_notifications(&mut self) -> Result<()> {
        let config = notifications::write_config(self.folder.path())?;
        let mut command = self.command("dunst");
        command.arg("-config").arg(config);
        let dunst = self.start("notifications", command)?;
        self.processes.push(dunst);
        wait::until_true("the notification service on the bus", wait::seconds(20), || {
            self.on_bus("org.freedesktop.Notifications")
        })
    }

    fn start_and_read_line(&mut self, name: &str, command: Command) -> Result<String> {
        let mut started = Process::start_with_output(name, command)?;
        let out = started.child().stdout.take().context("no output to read")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let mut reader = BufReader::new(out);
            if reader.read_line(&mut line).is_ok() {
                let _ = sender.send(line);
            }
            // Keep the pipe open and empty, or a later message would end the service.
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
        });
        self.processes.push(started);
        let line = receiver
            .recv_timeout(wait::seconds(20))
            .with_context(|| format!("{name} did not start; see {}", self.logs.display()))?;
        anyhow::ensure!(
            !line.trim().is_empty(),
            "{name} did not start; see {}",
            self.logs.display()
        );
        Ok(line)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Last started, first ended: the display goes last, so nothing dies loudly.
        while let Some(mut process) = self.processes.pop() {
            process.stop();
        }
        process::sweep(&self.mark);
    }
}

fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    Ok(())
}
