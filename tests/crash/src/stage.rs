//! Sandbox, clock, data folder and program.

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_sandbox::shared::Clock;
use roundtrip_sandbox::{Config, Running, Sandbox, Snapshot, serve};
use roundtrip_store::{Database, EnvKey, KeySource};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::runtime::Runtime;

/// The trainer's account at the calendar service.
pub const GOOGLE: &str = "mara.vogt@gmail.example";
/// The trainer on the platform.
pub const TRAINER: &str = "usr_7";
/// The key of the sealed tokens, as the environment gives it.
const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// A verb that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// The services' clock: it goes on by itself from wherever it is set.
struct StageClock {
    set: Mutex<(DateTime<Utc>, Instant)>,
}

impl StageClock {
    fn lock(&self) -> std::sync::MutexGuard<'_, (DateTime<Utc>, Instant)> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for StageClock {
    fn now(&self) -> DateTime<Utc> {
        let (at, since) = *self.lock();
        at + TimeDelta::from_std(since.elapsed()).unwrap_or_default()
    }
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
    fn set(&self, at: DateTime<Utc>) -> bool {
        *self.lock() = (at, Instant::now());
        true
    }
}

/// Where one run of the program is to die, and how its clock is off.
#[derive(Clone, Debug, Default)]
pub struct Hardship {
    /// The moment at which it dies.
    pub crash_at: Option<u64>,
    /// The laptop's clock minus the services'.
    pub clock_off: TimeDelta,
    /// From this moment on the laptop's clock is off by so much more.
    pub jump: Option<(u64, TimeDelta)>,
    /// What is wrong with the disk.
    pub disk: Option<Disk>,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug)]
pub enum Disk {
    /// The data folder lies on a disk with so many KiB beside what is there already.
    Full {
        /// KiB.
        room: u64,
    },
    /// The data folder may be read only.
    ReadOnlyFolder,
    /// The database's file may be read only.
    ReadOnlyFile,
}

impl Disk {
    /// Mounts in a namespace of its own, which ends with the program; `$@` is the program.
    fn script(self) -> &'static str {
        match self {
            Self::Full { .. } => {
                "mount -t tmpfs -o mode=700,size=\"${KIB}k\" none \"$SMALL\" && cp -a \"$FOLDER\"/. \"$SMALL\"/ || exit 99
                 ROUNDTRIP_DATA_DIR=\"$SMALL\" \"$@\"; ended=$?
                 rm -rf \"$FOLDER\"/* && cp -a \"$SMALL\"/. \"$FOLDER\"/ || exit 99
                 exit $ended"
            }
            Self::ReadOnlyFolder => {
                "mount --bind \"$FOLDER\" \"$FOLDER\" && mount -o remount,bind,ro \"$FOLDER\" || exit 99
                 exec \"$@\""
            }
            Self::ReadOnlyFile => {
                "mount --bind \"$FOLDER/roundtrip.db\" \"$FOLDER/roundtrip.db\" || exit 99
                 mount -o remount,bind,ro \"$FOLDER/roundtrip.db\" || exit 99
                 exec \"$@\""
            }
        }
    }
}

/// True if this machine lets a test mount something in a namespace of its own.
pub fn can_mount() -> bool {
    let tried = std::process::Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

impl Hardship {
    /// Death at this moment.
    pub fn crash(moment: u64) -> Self {
        Self {
            crash_at: Some(moment),
            ..Self::default()
        }
    }
}

/// What came of a verb.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The moments that it lived through, by name.
    pub moments: Vec<String>,
}

impl Ran {
    /// True if it was killed.
    pub fn was_killed(&self) -> bool {
        self.status.code().is_none()
    }
    /// True if it ended by itself and said that all is well.
    pub fn went_well(&self) -> bool {
        self.status.success()
    }
    /// Standard output as JSON.
    ///
    /// # Errors
    /// If it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("no JSON: {} {}", self.out, self.err))
    }
}

/// A moment in the life of a stage, to go back to.
pub struct Scene {
    services: Snapshot,
    data: PathBuf,
    at: DateTime<Utc>,
}

impl Scene {
    /// When it is.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

/// Sandbox, clock, data folder and program.
pub struct Stage {
    runtime: Runtime,
    running: Running,
    clock: Arc<StageClock>,
    folder: PathBuf,
    program: PathBuf,
}

impl Stage {
    /// An empty one: nobody is signed in, no appointments. `folder` is emptied first.
    ///
    /// # Errors
    /// If the folder cannot be used or the program is missing.
    pub fn open(folder: &Path, program: &Path, now: DateTime<Utc>) -> Result<Self> {
        if !program.exists() {
            bail!("{} is missing: run `cargo xtask crash`", program.display());
        }
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let clock = Arc::new(StageClock {
            set: Mutex::new((now, Instant::now())),
        });
        let config = Config {
            seed: 5,
            appointments: 0,
            auto_consent: true,
            sample_events: true,
            ..Config::default()
        };
        let running = runtime.block_on(serve(config, clock.clone(), 0))?;
        Ok(Self {
            runtime,
            running,
            clock,
            folder: folder.to_owned(),
            program: program.to_owned(),
        })
    }

    /// Both services.
    pub fn sandbox(&self) -> &Sandbox {
        &self.running.sandbox
    }

    /// The data folder of the program.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The services' time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sets the services' time, and with it the laptop's.
    pub fn set_time(&self, at: DateTime<Utc>) {
        self.clock.set(at);
    }

    /// Both services take none of the access tokens that they have handed out: whoever uses one has to renew the sign-in.
    pub fn expire_access_tokens(&self) {
        self.sandbox().platform.oauth().expire_access_tokens();
        self.sandbox().google.oauth().expire_access_tokens();
    }

    /// Remembers everything as it is now, under a name.
    ///
    /// # Errors
    /// If the data folder cannot be copied.
    pub fn keep(&self, name: &str) -> Result<Scene> {
        let data = self.folder.join(format!("scene-{name}"));
        copy(&self.data(), &data)?;
        Ok(Scene {
            services: self.sandbox().snapshot(),
            data,
            at: self.now(),
        })
    }

    /// Goes back to a scene: services, data folder, time.
    ///
    /// # Errors
    /// If the data folder cannot be copied.
    pub fn go_back(&self, scene: &Scene) -> Result<()> {
        copy(&scene.data, &self.data())?;
        self.sandbox().restore(&scene.services);
        self.set_time(scene.at);
        Ok(())
    }

    fn command(&self, verb: &[&str], hardship: &Hardship, lines: &Path) -> Command {
        let mut command = match hardship.disk {
            None => Command::new(&self.program),
            Some(disk) => {
                let mut inside = Command::new("unshare");
                inside
                    .args(["-rm", "sh", "-c", disk.script(), "sh"])
                    .arg(&self.program);
                inside
            }
        };
        let behind = Utc::now() - self.now() - hardship.clock_off;
        command
            .args(verb)
            .env_clear()
            .envs(self.running.environment())
            .env("HOME", &self.folder)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TZ", "Europe/Berlin")
            .env("ROUNDTRIP_DATA_DIR", self.data())
            .env(EnvKey::VARIABLE, KEY)
            .env("ROUNDTRIP_CRASH_COUNT_FILE", lines)
            .env(
                "ROUNDTRIP_CRASH_CLOCK_MS",
                (-behind.num_milliseconds()).to_string(),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(disk) = hardship.disk {
            let small = self.folder.join("small-disk");
            let _ = std::fs::create_dir_all(&small);
            command.env("FOLDER", self.data()).env("SMALL", small);
            if let Disk::Full { room } = disk {
                command.env("KIB", (size_of(&self.data()) + room).to_string());
            }
        }
        if let Some(moment) = hardship.crash_at {
            command.env("ROUNDTRIP_CRASH_AT", moment.to_string());
        }
        if let Some((moment, by)) = hardship.jump {
            command.env(
                "ROUNDTRIP_CRASH_JUMP",
                format!("{moment}:{}", by.num_milliseconds()),
            );
        }
        command
    }

    /// Runs a verb to its end, or to its death.
    ///
    /// # Errors
    /// If it could not be started, or hangs.
    pub fn run(&self, verb: &[&str], hardship: &Hardship) -> Result<Ran> {
        let lines = self.folder.join("moments");
        let _ = std::fs::remove_file(&lines);
        let mut command = self.command(verb, hardship, &lines);
        let signing_in = verb.contains(&"--print-url");
        let (status, out, err) = self.runtime.block_on(async {
            let mut child = command.spawn().context("the program could not be started")?;
            let mut out = BufReader::new(child.stdout.take().context("no output")?);
            let mut errors = child.stderr.take().context("no error output")?;
            let work = async {
                let mut text = String::new();
                if signing_in && out.read_line(&mut text).await? > 0 {
                    let page = text.trim().to_owned();
                    // The browser's trouble is the program's: it dies, or says that nobody answered.
                    let _ = tokio::task::spawn_blocking(move || xtask::browse::follow(&page)).await?;
                }
                let mut err = String::new();
                tokio::try_join!(out.read_to_string(&mut text), errors.read_to_string(&mut err))?;
                anyhow::Ok((child.wait().await?, text, err))
            };
            tokio::time::timeout(PATIENCE, work)
                .await
                .with_context(|| format!("{verb:?} hangs"))?
        })?;
        let moments = std::fs::read_to_string(&lines)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(_, name)| name.to_owned())
            .collect();
        Ok(Ran {
            status,
            out,
            err,
            moments,
        })
    }

    /// Runs a verb that has to go well.
    ///
    /// # Errors
    /// If it does not.
    pub fn run_well(&self, verb: &[&str]) -> Result<Ran> {
        let ran = self.run(verb, &Hardship::default())?;
        if !ran.went_well() {
            bail!("{verb:?} ended with {}: {}{}", ran.status, ran.out, ran.err);
        }
        Ok(ran)
    }

    /// Signs in on both sides.
    ///
    /// # Errors
    /// If that does not go well.
    pub fn sign_in(&self) -> Result<()> {
        self.run_well(&["connect", "platform", "--print-url"])?;
        self.run_well(&["connect", "google", "--print-url"])?;
        Ok(())
    }

    /// Looks at the program's database, which nobody may have open.
    ///
    /// # Errors
    /// What the look says, or that the database cannot be opened.
    pub fn look<T>(&self, look: impl AsyncFnOnce(Database) -> Result<T>) -> Result<T> {
        let (data, now) = (self.data(), self.now());
        self.runtime.block_on(async {
            let keys = KeySource::with_provider(EnvKey::parse(KEY)?);
            let database = Database::open(&data, keys, now).await?;
            let answer = look(database.clone()).await;
            database.close().await;
            answer
        })
    }

    /// How often each write was sent to the services since the scene began; sign-in and status reports are not writes.
    pub fn writes(&self) -> BTreeMap<String, usize> {
        let mut writes = BTreeMap::new();
        for request in self.sandbox().shared.log().since(0) {
            let content =
                request.path.starts_with("/calendar/v3/") || request.path.starts_with("/v1/appointments");
            if request.method != "GET" && content {
                *writes
                    .entry(format!("{} {}", request.method, request.path))
                    .or_insert(0) += 1;
            }
        }
        writes
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.sandbox().shared.log().clear();
    }
}

/// KiB that the files of a folder take, in whole pages.
fn size_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let pages = files
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len().div_ceil(4096));
    pages.sum::<u64>() * 4
}

/// Copies a folder of plain files; what was in `to` before is gone.
///
/// # Errors
/// The system's.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to).with_context(|| format!("couldn't empty {}", to.display()))?;
    }
    std::fs::create_dir_all(to)?;
    if !from.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
