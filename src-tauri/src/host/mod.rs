//! The composition root: data folder, keychain, network, accounts and the engine of the connection. It has no window, so
//! the command line and the window share it.

pub mod accounts;
pub mod appointments;
pub mod clock;
pub mod connection;
pub mod departure;
pub mod doctor;
pub mod export;
pub mod figures;
pub(crate) mod keep_up;
pub mod language;
pub mod leaving;
pub mod notices;
mod opening;
pub mod overview;
pub mod problem;
pub mod report;
pub mod saved;
pub mod sign_in;
pub mod snapshots;
pub mod tidying;
pub mod vault;

use crate::ipc::dto::{AppError, DeleteReport, SignInView};
use accounts::Accounts;
use clock::SystemClock;
use keep_up::{AGAIN_AFTER, keep_up};
use roundtrip_core::ids::DeviceId;
use roundtrip_engine::ledger::LedgerError;
use roundtrip_engine::ports::Clock;
use roundtrip_engine::{Engine, EngineEvent, Snapshot};
use roundtrip_google::{GoogleCalendar, GoogleConfig};
use roundtrip_http::{HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_platform::PlatformClient;
use roundtrip_store::{Database, DirectoryLock, EnvKey, KeySource};
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{RwLock, broadcast};
use tokio_util::sync::CancellationToken;

/// The clocks are looked at this often.
const WATCH_EVERY: std::time::Duration = std::time::Duration::from_secs(60);
/// Putting the engine together opens no connection and takes no time to speak of; the cycle before it may last until a request ends, for
/// which nobody who has clicked is let wait.
const ENGINE_IS_THERE_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);
/// Whoever quits does not wait longer for a service that does not answer.
const ENDS_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);
/// A page that has not shown anything after this time is not waited for.
const PAGE_IS_THERE_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// Why Roundtrip cannot start. Each has its sentence, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `TOKEN_ENCRYPTION_KEY` or an address in the environment cannot be used.
    #[error("{0}")]
    Environment(String),
    /// The data folder or the database.
    #[error("{0}")]
    Data(String),
    /// The network library.
    #[error("the network library could not be started")]
    Network,
    /// Another process of this data folder syncs: the window, or a verb.
    #[error(
        "Roundtrip is already open for this data folder: its window, which syncs by itself, or another command such as `roundtrip sync`; use the window, or wait for the command to end"
    )]
    AlreadyRunning,
    /// Another process of this data folder has not ended while the window waited for it.
    #[error(
        "another Roundtrip is at work in this data folder: a command such as `roundtrip sync` or `roundtrip connect`, or the window of another session; wait for its end or end it, and open Roundtrip again"
    )]
    InUse,
    /// The database is damaged, and another process has it open.
    #[error("the local data is damaged; quit Roundtrip and open it again, which puts it aside")]
    DamagedInUse,
}

/// What the shell is told.
#[derive(Clone, Debug)]
pub enum HostEvent {
    /// The engine of the current connection.
    Engine(EngineEvent),
    /// A sign-in went on.
    SignIn(SignInView),
    /// Accounts or settings of the app changed.
    Changed,
}

/// The engine that runs, and its two ports for what only they can do (revoke, adopt tokens).
#[derive(Clone)]
pub struct Running {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The platform's client.
    pub platform: Arc<PlatformClient>,
    /// Google's client.
    pub google: Arc<GoogleCalendar>,
    snapshots: snapshots::Snapshots,
    stop: CancellationToken,
}

impl Running {
    /// Everything that is known at this moment, shared with all who ask within it.
    ///
    /// # Errors
    /// Only the ledger's.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, LedgerError> {
        self.snapshots.of(&self.engine).await
    }
}

/// Everything but the window.
pub struct Host {
    pub(crate) database: Database,
    pub(crate) http: Arc<dyn HttpPort>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) google: GoogleConfig,
    keys: KeySource,
    data_dir: PathBuf,
    /// The keychain has it, too, or was told it as far as that can be.
    id_is_told: AtomicBool,
    /// None before anybody signs in and after everything was deleted, until the next connection asks for one.
    device_id: Mutex<Option<DeviceId>>,
    /// Never held while anything is waited for that takes long: the window, the tray and "Quit" ask for it.
    running: RwLock<Option<Running>>,
    /// Engines come and go one after the other: two never write to one ledger.
    rebuilding: tokio::sync::Mutex<()>,
    /// A sign-in is being kept: nobody empties the laptop meanwhile, and none is kept after that.
    keeping: tokio::sync::Mutex<()>,
    pub(crate) sign_in: Mutex<sign_in::Current>,
    events: broadcast::Sender<HostEvent>,
    saved: Mutex<Option<PathBuf>>,
    departed: Mutex<Option<DeleteReport>>,
    /// The disconnect that an earlier process began and this one finished.
    finished: Mutex<Option<leaving::Finished>>,
    pub(crate) drives: bool,
    /// Somebody looks at the window.
    in_use: AtomicBool,
    /// The database is about to be closed: that it cannot be read from then on is nothing to be told.
    closing: AtomicBool,
    /// Cycles may begin: the first one and the first painting of the page would only slow each other down.
    may_begin: CancellationToken,
    /// When old history was last deleted, by the running clock.
    tidied: Mutex<Option<std::time::Duration>>,
    /// The last time that both services agreed on, gone on from.
    reached: Mutex<Option<tidying::Reached>>,
    /// When a keychain that could not be used was last asked again, by the running clock.
    key_asked: Mutex<Option<std::time::Duration>>,
    /// Held as long as this process is the one that syncs in this data folder.
    lock: Option<DirectoryLock>,
}

/// What a process wants to do in the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The window: runs cycles by itself.
    Window,
    /// As [`Purpose::Window`], started by the system at log-in: nobody looks for a window yet.
    AtLogIn,
    /// A verb that writes or syncs.
    Verb,
    /// A verb that only looks.
    Look,
}

impl Host {
    /// Opens the data folder and puts everything together.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn open(purpose: Purpose) -> Result<Arc<Self>, StartError> {
        Self::open_saying(purpose, || ()).await
    }

    /// As [`Host::open`]. If the end of another process is waited for, `say` is called, once.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn open_saying(purpose: Purpose, say: impl FnOnce() + Send) -> Result<Arc<Self>, StartError> {
        let data_dir = data_dir().ok_or_else(|| {
            StartError::Data("no folder for the app's data is known; set ROUNDTRIP_DATA_DIR to one".into())
        })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let key = std::env::var(EnvKey::VARIABLE)
            .ok()
            .filter(|value| !value.is_empty());
        let keys = KeySource::choose(key.as_deref(), &data_dir)
            .map_err(|error| StartError::Environment(error.to_string()))?;
        let (database, lock) = opening::open_database(purpose, &data_dir, &keys, clock.now(), say).await?;
        if purpose != Purpose::Look {
            finish_wipe(&database).await;
        }
        let google = GoogleConfig::from_settings(google_setting)
            .map_err(|error| StartError::Environment(error.to_string()))?;
        let http: Arc<dyn HttpPort> =
            Arc::new(ReqwestHttp::new(HttpOptions::default()).map_err(|_| StartError::Network)?);
        #[cfg(feature = "crash-points")]
        let http: Arc<dyn HttpPort> = Arc::new(crate::crash_points::WatchedHttp(http));
        // With nobody signed in nobody asks for it yet; a fresh one may have to wait for a person to unlock a keychain, who sees
        // no window before this has ended.
        let connected = Accounts::load(&database)
            .await
            .is_ok_and(|known| known.connection().is_some());
        let device_id = match connected {
            true => Some(
                roundtrip_store::device_id(&data_dir, &keys)
                    .await
                    .map_err(|error| StartError::Data(error.to_string()))?,
            ),
            false => None,
        };
        let (events, _) = broadcast::channel(256);
        let host = Arc::new(Self {
            database,
            http,
            clock,
            google,
            keys,
            data_dir,
            id_is_told: AtomicBool::new(false),
            device_id: Mutex::new(device_id),
            running: RwLock::new(None),
            rebuilding: tokio::sync::Mutex::default(),
            keeping: tokio::sync::Mutex::default(),
            sign_in: Mutex::new(sign_in::Current::default()),
            events,
            saved: Mutex::default(),
            departed: Mutex::default(),
            finished: Mutex::default(),
            drives: matches!(purpose, Purpose::Window | Purpose::AtLogIn),
            in_use: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            may_begin: CancellationToken::new(),
            tidied: Mutex::default(),
            reached: Mutex::default(),
            key_asked: Mutex::default(),
            lock,
        });
        // Before anything is put together that could sync.
        if purpose != Purpose::Look {
            host.finish_leaving().await;
        }
        host.rebuild().await;
        if host.drives {
            host.tidy_daily();
        }
        Ok(host)
    }

    /// Events from now on.
    pub fn events(&self) -> broadcast::Receiver<HostEvent> {
        self.events.subscribe()
    }

    pub(crate) fn tell(&self, event: HostEvent) {
        // Nobody listening is fine.
        let _ = self.events.send(event);
    }

    /// The engine, once both sides are signed in. While another one takes its place it is the one before, stopped: good enough to be
    /// shown, and nothing is asked of it. Whoever wants something done takes [`Host::running_soon`].
    pub async fn running(&self) -> Option<Running> {
        self.running.read().await.clone()
    }

    /// The engine for what is to be done, waited for if both sides are signed in and it is just being put together: the window may
    /// ask in the moment in which it hears of the second sign-in. The one before, which ends, would lose what it is asked for, or do it
    /// beside the fresh one. None if not both are signed in.
    ///
    /// # Errors
    /// `not_now` if it is not there in time; the database's.
    pub async fn running_soon(&self) -> Result<Option<Running>, AppError> {
        let mut events = self.events();
        let until = tokio::time::Instant::now() + ENGINE_IS_THERE_WITHIN;
        loop {
            let running = self.running().await;
            if let Some(running) = running.filter(|running| !running.stop.is_cancelled()) {
                return Ok(Some(running));
            }
            if self.known_accounts().await?.connection().is_none() {
                return Ok(None);
            }
            // The end of putting it together is told.
            match tokio::time::timeout_at(until, events.recv()).await {
                Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) => {}
                Ok(Err(broadcast::error::RecvError::Closed)) | Err(_) => return Err(AppError::not_now()),
            }
        }
    }

    /// The accounts as they are kept. For where "cannot be read" leads to nothing else than "not signed in".
    pub async fn accounts(&self) -> Accounts {
        self.known_accounts().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "accounts could not be read");
            Accounts::default()
        })
    }

    /// The accounts as they are kept.
    ///
    /// # Errors
    /// The database's: nobody is signed out then.
    pub async fn known_accounts(&self) -> Result<Accounts, LedgerError> {
        Accounts::load(&self.database).await
    }

    pub(crate) fn sign_in(&self) -> MutexGuard<'_, sign_in::Current> {
        self.sign_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the engine together anew from the accounts as they are kept now, and starts it where this is the window.
    pub async fn rebuild(self: &Arc<Self>) {
        let _turn = self.rebuilding.lock().await;
        // The old one stays in its place, stopped: its cycle may last until a request of it ends, and what it knows is what there
        // is to be shown meanwhile.
        if let Some(old) = self.running().await {
            old.stop.cancel();
            old.engine.cancel_cycle();
            old.engine.idle().await;
        }
        let accounts = self.known_accounts().await;
        if let Err(error) = &accounts {
            tracing::error!(%error, "accounts could not be read; nothing syncs until they can");
            self.rebuild_later();
        }
        let Some(connection) = accounts.unwrap_or_default().connection() else {
            *self.running.write().await = None;
            self.tell(HostEvent::Changed);
            return;
        };
        let device_id = self.device().await;
        let (engine, platform, google) = self.assemble(&connection, device_id);
        // Before anything drives it.
        self.follow_language(&engine).await;
        let stop = CancellationToken::new();
        let fresh = Running {
            engine,
            platform,
            google,
            snapshots: snapshots::Snapshots::new(Arc::clone(&self.clock)),
            stop: stop.clone(),
        };
        fresh.engine.window_is_in_use(self.in_use.load(Ordering::Relaxed));
        *self.running.write().await = Some(fresh.clone());
        self.forward_events(&fresh);
        if self.drives {
            let engine = Arc::clone(&fresh.engine);
            let host = Arc::clone(self);
            let (watcher, watched) = (Arc::clone(self), fresh.clone());
            let watching = move || {
                let (watcher, watched) = (Arc::clone(&watcher), watched.clone());
                async move { watcher.keep_watch(&watched).await }
            };
            tokio::spawn(keep_up(stop.clone(), AGAIN_AFTER, watching, || (), pending));
            let tidying = move || {
                let (host, fresh) = (Arc::clone(&host), fresh.clone());
                async move { host.tidy_after_cycles(&fresh).await }
            };
            tokio::spawn(keep_up(stop.clone(), AGAIN_AFTER, tidying, || (), pending));
            let (listener, heard) = (Arc::clone(&engine), stop.clone());
            let listening = move || {
                let (listener, heard) = (Arc::clone(&listener), heard.clone());
                async move { listener.listen(heard).await }
            };
            tokio::spawn(keep_up(stop.clone(), AGAIN_AFTER, listening, || (), pending));
            let may_begin = self.may_begin.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = may_begin.cancelled() => {}
                    () = tokio::time::sleep(PAGE_IS_THERE_WITHIN) => {}
                }
                let (driven, ends) = (Arc::clone(&engine), stop.clone());
                let driving = move || {
                    let (engine, stop) = (Arc::clone(&driven), ends.clone());
                    async move { engine.drive(stop).await }
                };
                let (broke, asked) = (|| engine.has_broken(), || engine.asked_for());
                keep_up(stop, AGAIN_AFTER, driving, broke, asked).await;
            });
        }
        self.tell(HostEvent::Changed);
    }

    /// What could not be read may be read again, and nobody may be there to ask for it.
    fn rebuild_later(self: &Arc<Self>) {
        if !self.drives || self.closing.load(Ordering::Relaxed) {
            return;
        }
        let host = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN_AFTER).await;
            if let Some(host) = host.upgrade()
                && host.running().await.is_none()
            {
                host.rebuild().await;
            }
        });
    }

    fn forward_events(&self, running: &Running) {
        let (mut events, stop, out) = (running.engine.events(), running.stop.clone(), self.events.clone());
        tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    () = stop.cancelled() => return,
                    event = events.recv() => event,
                };
                match event {
                    Ok(event) => drop(out.send(HostEvent::Engine(event))),
                    // Missed some: everything may have changed.
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        drop(out.send(HostEvent::Engine(EngineEvent::Changed)));
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
    }

    /// This installation as the platform knows it.
    async fn device(&self) -> DeviceId {
        let known = self
            .device_id
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(known) = known {
            return known;
        }
        let fresh = match roundtrip_store::device_id(&self.data_dir, &self.keys).await {
            Ok(fresh) => fresh,
            Err(error) => {
                tracing::warn!(%error, "this installation has a name for this session only");
                DeviceId::new(format!("session-{:016x}", self.clock.random()))
            }
        };
        *self.device_id.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        fresh
    }

    /// The next connection is one of another installation.
    fn forget_device(&self) {
        *self.device_id.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.id_is_told.store(false, Ordering::Relaxed);
    }

    /// Once in a process, and never at its start: a keychain that was locked when this installation was named may answer by now, and is
    /// known to where the tokens came out of it.
    async fn tell_keychain(&self) {
        if self.id_is_told.load(Ordering::Relaxed)
            || !matches!(self.database.tokens_are_volatile().await, Ok(None))
        {
            return;
        }
        self.id_is_told.store(true, Ordering::Relaxed);
        if let Err(error) = roundtrip_store::keep_device_id(&self.data_dir, &self.keys).await {
            tracing::debug!(%error, "device id is kept in a file only");
        }
    }

    /// Looks at the clocks while a run goes on, so that one that never ends is noticed too, and one in which the lid was
    /// closed. Between runs the engine's own driver does it, and this sleeps without a timer.
    async fn keep_watch(&self, running: &Running) {
        let mut events = running.engine.events();
        loop {
            while running.engine.live().progress.is_some() {
                running.engine.look_in_run(Some(WATCH_EVERY));
                tokio::select! {
                    () = running.stop.cancelled() => {
                        running.engine.look_in_run(None);
                        return;
                    }
                    () = tokio::time::sleep(WATCH_EVERY) => running.engine.keep_watch().await,
                    () = ended(&mut events) => {}
                }
            }
            running.engine.look_in_run(None);
            tokio::select! {
                () = running.stop.cancelled() => return,
                event = events.recv() => if let Err(broadcast::error::RecvError::Closed) = event {
                    return;
                },
            }
        }
    }

    /// Somebody looks at the window, or does no longer: changes show sooner while one does.
    pub async fn window_is_in_use(&self, in_use: bool) {
        self.in_use.store(in_use, Ordering::Relaxed);
        if let Some(running) = self.running().await {
            running.engine.window_is_in_use(in_use);
        }
    }

    /// The page shows what is known, or there is none: cycles begin.
    pub fn begin(&self) {
        self.may_begin.cancel();
    }

    /// Stops cycles; the one under way finishes the item it is at.
    pub async fn stop(&self) {
        self.take_out().await;
    }

    /// The engine that ran until now, stopped.
    async fn take_out(&self) -> Option<Running> {
        let running = self.running.write().await.take()?;
        running.stop.cancel();
        running.engine.cancel_cycle();
        Some(running)
    }

    /// As [`Host::stop`], and the one under way has come to its end.
    pub(super) async fn stop_and_wait(&self) {
        let _turn = self.rebuilding.lock().await;
        if let Some(running) = self.take_out().await {
            running.engine.idle().await;
        }
    }

    /// Stops, and waits a little for the answers of writes under way: one that is not written down is asked for again at the next
    /// start. Then it writes down what was only gathered, folds the write-ahead log into the database and closes it.
    pub async fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        let running = self.running().await;
        if let Some(running) = &running {
            running.stop.cancel();
            running.engine.cancel_cycle();
        }
        if tokio::time::timeout(ENDS_WITHIN, self.stop_and_wait())
            .await
            .is_err()
        {
            tracing::info!("a cycle did not come to its end before the app was closed");
        }
        if let Some(running) = running
            && let Err(error) = running.engine.store_checks().await
        {
            tracing::warn!(%error, "the last checks could not be written down");
        }
        self.database.close().await;
    }
}

/// Until a run ends, or events were missed: it may have been its end.
async fn ended(events: &mut broadcast::Receiver<EngineEvent>) {
    loop {
        match events.recv().await {
            Ok(EngineEvent::CycleEnded) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// Finishes "delete everything" where an earlier process died in it. Before this installation has a new id, and anybody signs in.
async fn finish_wipe(database: &Database) {
    match database.finish_wipe().await {
        Ok(true) => crate::log::empty(),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "whether the data folder was being emptied is not known"),
    }
}

/// `ROUNDTRIP_DATA_DIR`, else the system's folder for the data of this app.
pub fn data_dir() -> Option<PathBuf> {
    match std::env::var_os("ROUNDTRIP_DATA_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => Some(Path::new(&dir).to_owned()),
        None => directories::ProjectDirs::from("org", "Roundtrip", "roundtrip")
            .map(|dirs| dirs.data_local_dir().to_owned()),
    }
}

/// From the environment at run time, else what was built in.
fn google_setting(name: &str) -> Option<String> {
    let built_in = match name {
        "GOOGLE_CLIENT_ID" => option_env!("GOOGLE_CLIENT_ID"),
        "GOOGLE_CLIENT_SECRET" => option_env!("GOOGLE_CLIENT_SECRET"),
        _ => None,
    };
    std::env::var(name).ok().or_else(|| built_in.map(str::to_owned))
}
