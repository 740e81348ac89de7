//! The real app on a desk: under WebDriver through `tauri-driver`, or plainly.

use crate::browser::{Opened, free_port, wait_for_port};
use crate::desk::Desk;
use crate::process::Process;
use crate::project::{self, Profile};
use crate::sandbox::Sandbox;
use crate::wait;
use crate::webdriver::Session;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an installation of the app is made of; outlives its processes.
pub struct Installation {
    /// Its data folder.
    pub data: PathBuf,
    /// The addresses it asked to open.
    pub opened: Opened,
    profile: Profile,
    environment: Vec<(String, String)>,
}

impl Installation {
    /// A fresh one on this desk, pointed at the sandbox.
    pub fn new(desk: &Desk, sandbox: &Sandbox, name: &str) -> Result<Installation> {
        let data = desk.folder().join(name);
        std::fs::create_dir_all(&data)?;
        let (browser, opened) = Opened::script(desk.folder(), &format!("{name}-browser"))?;
        let mut environment: Vec<(String, String)> = sandbox
            .environment()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        environment.push(("ROUNDTRIP_DATA_DIR".into(), data.display().to_string()));
        // A release build closes its memory to others; tests and benches measure it.
        environment.push(("ROUNDTRIP_TRACEABLE".into(), "1".into()));
        environment.push(("ROUNDTRIP_BROWSER".into(), browser.display().to_string()));
        Ok(Installation {
            data,
            opened,
            profile: Profile::Debug,
            environment,
        })
    }

    /// Uses another build of the app.
    pub fn with_profile(mut self, profile: Profile) -> Installation {
        self.profile = profile;
        self
    }

    /// Sets a further variable for the app.
    pub fn set(&mut self, key: &str, value: &str) {
        self.environment.push((key.to_owned(), value.to_owned()));
    }

    /// The app's binary, or what to do if it is missing.
    pub fn binary(&self) -> Result<PathBuf> {
        let binary = project::binary("roundtrip", self.profile);
        if !binary.exists() {
            bail!("{} is missing: run `cargo xtask build`", binary.display());
        }
        Ok(binary)
    }

    /// A command for the app itself, with these arguments.
    pub fn command(&self, desk: &Desk, arguments: &[&str]) -> Result<Command> {
        let mut command = desk.command(self.binary()?);
        command.args(arguments);
        self.fill(&mut command);
        Ok(command)
    }

    fn fill(&self, command: &mut Command) {
        for (key, value) in &self.environment {
            command.env(key, value);
        }
        command.env(
            "ROUNDTRIP_LOG",
            std::env::var("ROUNDTRIP_LOG").unwrap_or_else(|_| "debug,sqlx=warn".into()),
        );
    }
}

/// The app's window under WebDriver.
pub struct AppWindow {
    /// What can be done in it.
    pub session: Session,
    driver: Process,
    binary: PathBuf,
    mark: String,
}

/// What the app's window is called on the display.
pub const TITLE: &str = "roundtrip";

/// Size of the app's window on the desk.
const WINDOW: (u32, u32) = (1160, 860);

impl AppWindow {
    /// Starts the app through `tauri-driver` and waits for its window.
    ///
    /// On a busy machine the driver was seen to hang up before it had read the first request; that is tried once more.
    pub fn open(desk: &Desk, installation: &Installation, log: &str) -> Result<AppWindow> {
        Self::open_once(desk, installation, log).or_else(|first| {
            println!("        the driver is started once more: {first:#}");
            let binary = installation.binary()?;
            for pid in app_processes(desk.mark(), &binary) {
                kill(pid);
            }
            wait::until_true("the end of the first try", wait::seconds(10), || {
                Ok(app_processes(desk.mark(), &binary).is_empty())
            })?;
            Self::open_once(desk, installation, &format!("{log}-again"))
        })
    }

    fn open_once(desk: &Desk, installation: &Installation, log: &str) -> Result<AppWindow> {
        let tauri_driver = tauri_driver();
        if !tauri_driver.exists() {
            bail!("{} is missing: run `cargo xtask setup`", tauri_driver.display());
        }
        let (port, native_port) = (free_port()?, free_port()?);
        let mut command = desk.command(&tauri_driver);
        command.args([
            "--port",
            &port.to_string(),
            "--native-port",
            &native_port.to_string(),
        ]);
        installation.fill(&mut command);
        let mut driver = desk.start(log, command)?;
        wait_for_port(port, &mut driver)?;
        // Its native driver comes up a moment later, and until then a session is refused.
        wait_for_port(native_port, &mut driver)?;
        let binary = installation.binary()?;
        // No browserName: with one ("wry" in older guides) the capabilities do not match.
        let capabilities = json!({"tauri:options": {"application": &binary}});
        let session = Session::open(&format!("http://127.0.0.1:{port}"), capabilities)
            .with_context(|| format!("the app's window did not come{}", driver.last_words()))?;
        let window = AppWindow {
            session,
            driver,
            binary,
            mark: desk.mark().to_owned(),
        };
        let screen = desk.screen()?;
        if let Some(on_screen) = screen.window(TITLE)? {
            screen.place(&on_screen, 0, 0, WINDOW)?;
        }
        Ok(window)
    }

    /// The app's process.
    pub fn pid(&self) -> Result<u32> {
        wait::until("the app's process", wait::seconds(10), || {
            Ok(app_processes(&self.mark, &self.binary).first().copied())
        })
    }

    /// Kills the app as a power cut would: nothing is tidied up. The session is lost with it.
    pub fn kill_app(mut self) -> Result<()> {
        let pid = self.pid()?;
        kill(pid);
        wait::until_true("the app's end", wait::seconds(10), || {
            Ok(!app_processes(&self.mark, &self.binary).contains(&pid))
        })?;
        self.driver.kill();
        Ok(())
    }
}

/// The processes of this binary on a desk (the app itself, not its web view's).
pub fn app_processes(mark: &str, binary: &Path) -> Vec<u32> {
    let wanted = binary.canonicalize().unwrap_or_else(|_| binary.to_path_buf());
    crate::process::marked(mark)
        .into_iter()
        .filter(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == wanted))
        .collect()
}

/// The driver that setup installed.
pub fn tauri_driver() -> PathBuf {
    project::tools()
        .join("bin")
        .join(format!("tauri-driver{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(unix)]
fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_pid: u32) {}
