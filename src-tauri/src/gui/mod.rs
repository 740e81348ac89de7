//! The shell around the host: window, tray, notifications, links, and what happens when they are used.

#[cfg(target_os = "linux")]
mod appearance;
mod autostart;
pub mod browser;
pub mod links;
pub mod notifications;
#[cfg(target_os = "linux")]
mod returning;
mod shipped;
#[cfg(all(test, target_os = "linux"))]
mod test_bus;
mod topics;
pub mod tray;
pub mod window;
pub mod words;

use crate::host::keep_up::go_on_after;
use crate::host::{Host, HostEvent, Purpose};
use crate::ipc::dto::{AppError, Progress, SettingsPatch, SettingsView, SignInView};
use crate::ipc::events::{SignInChanged, StateChanged, SyncProgress};
use crate::ipc::settings::{self, keys};
use links::Link;
use roundtrip_engine::EngineEvent;
use roundtrip_store::Provider;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tauri::menu::MenuItem;
use tauri::{AppHandle, Manager, RunEvent, WindowEvent, Wry};
use tauri_plugin_autostart::ManagerExt;
use tauri_plugin_deep_link::DeepLinkExt;
use tauri_specta::Event;
use words::Tongue;

/// Started by the system at log-in: no window until it is asked for.
const HIDDEN: &str = "--hidden";

/// The window asks again for what it shows at most this often.
const REFRESH_PAUSE_MS: u64 = 80;
/// A run shows in the tray once it takes longer.
const SYNCING_SHOWS_AFTER: Duration = Duration::from_secs(2);
/// Local data that could not be read is read again after this time, if nothing else leads to it before.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Whether it is time for the morning's summary is looked at this often.
const MORNING_LOOKED_FOR_EVERY: Duration = Duration::from_secs(15 * 60);

/// What the commands reach.
pub struct Gui {
    /// Everything but the window.
    pub host: Arc<Host>,
    route: Mutex<Option<String>>,
    /// The page of the window listens.
    listens: AtomicBool,
    pub(crate) shown: notifications::Shown,
    look: Mutex<tray::Look>,
    /// The first item of the menu that the tray has.
    first_line: Mutex<Option<MenuItem<Wry>>>,
    syncing_since: Mutex<Option<Instant>>,
    /// The local data could not be read for the tray.
    unread: AtomicBool,
    report: Mutex<Option<String>>,
}

impl Gui {
    fn new(host: Arc<Host>) -> Self {
        Self {
            host,
            route: Mutex::new(None),
            listens: AtomicBool::new(false),
            shown: notifications::Shown::default(),
            look: Mutex::new(tray::Look::default()),
            first_line: Mutex::default(),
            syncing_since: Mutex::default(),
            unread: AtomicBool::new(false),
            report: Mutex::default(),
        }
    }

    /// The place that the next window shows first.
    pub fn set_route(&self, route: String) {
        *self.route.lock().unwrap_or_else(PoisonError::into_inner) = Some(route);
    }

    /// Whether the page of the window hears of a place to go to. Before that it asks for one, when it is there.
    pub fn listens(&self) -> bool {
        self.listens.load(Ordering::Acquire)
    }

    /// That place, once: the page is there, and listens from now on.
    pub fn take_route(&self) -> Option<String> {
        self.listens.store(true, Ordering::Release);
        self.route.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps the report that is shown, so that just this one is saved.
    pub fn keep_report(&self, report: String) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    }

    /// The report that was shown last.
    pub fn kept_report(&self) -> Option<String> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// See [`autostart::renew`], where it was chosen.
    async fn renew_autostart(&self, app: &AppHandle) {
        let on = self.host.database.setting::<bool>(keys::AUTOSTART).await;
        if on.ok().flatten() == Some(true) {
            autostart::renew(app);
        }
    }

    /// The settings with what the system says of the start at log-in, which somebody may have changed there. Before it was chosen here
    /// nothing is said.
    pub fn as_the_system_says(app: &AppHandle, view: SettingsView) -> SettingsView {
        let system = autostart::is_on(app);
        SettingsView {
            autostart: settings::autostart_of(view.autostart, system),
            ..view
        }
    }

    /// Everything was deleted: what the shell itself knows or registered goes, too.
    pub fn forget(&self, app: &AppHandle) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Err(error) = app.autolaunch().disable() {
            // What was never on cannot be turned off.
            tracing::debug!(%error, "autostart was not turned off");
        }
    }

    /// A run shorter than two seconds does not show in the tray. Answers true if it is to be looked at again soon.
    fn without_flicker(&self, look: &mut tray::Look) -> bool {
        let mut since = self.syncing_since.lock().unwrap_or_else(PoisonError::into_inner);
        if !look.is_syncing() {
            *since = None;
            return false;
        }
        let began = *since.get_or_insert_with(Instant::now);
        let short = began.elapsed() < SYNCING_SHOWS_AFTER;
        if short {
            let known = self.look.lock().unwrap_or_else(PoisonError::into_inner);
            look.keep_state_of(&known);
        }
        short
    }

    /// A run is under way that does not show yet.
    fn might_flicker(&self) -> bool {
        let since = self.syncing_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some()
    }

    /// Begins a sign-in and opens the browser. A browser that cannot be started is no failure: the link can be copied.
    ///
    /// # Errors
    /// What is known to be wrong before the browser opens.
    pub async fn sign_in(&self, service: Provider, address: Option<&str>) -> Result<SignInView, AppError> {
        let begun = self.host.begin_sign_in(service, address).await?;
        let mut view = self.host.sign_in().view.clone().unwrap_or(SignInView {
            service: service.as_str().into(),
            state: "waiting".into(),
            url: Some(begun.url.clone()),
            problem: None,
            accounts: None,
        });
        if browser::open(&begun.url).is_err() {
            view = self.host.say_no_browser(&begun.url).unwrap_or(view);
        }
        Ok(view)
    }

    /// Settings that are the app's own: theme, language, autostart, notifications.
    ///
    /// # Errors
    /// `bad_input` with the field, or the database's.
    pub async fn change_app_settings(&self, app: &AppHandle, patch: &SettingsPatch) -> Result<(), AppError> {
        settings::check_app(patch)?;
        let database = &self.host.database;
        // What the system may refuse comes first: then nothing else is changed.
        if let Some(on) = patch.autostart {
            let manager = app.autolaunch();
            let done = if on { manager.enable() } else { manager.disable() };
            if let Err(error) = done {
                // Turning off what was never on is fine; turning on must be said.
                tracing::info!(%error, "autostart could not be changed");
                if on {
                    return Err(AppError {
                        code: "autostart".into(),
                        detail: None,
                        field: Some("autostart".into()),
                        retryable: true,
                    });
                }
            }
            database.put_setting(keys::AUTOSTART, &on).await?;
        }
        for (key, word) in [
            (keys::THEME, &patch.theme),
            (keys::LANGUAGE, &patch.language),
            (keys::MOTION, &patch.motion),
        ] {
            if let Some(word) = word {
                database.put_setting(key, word).await?;
            }
        }
        for (key, on) in [
            (keys::TITLES, patch.titles_in_notifications),
            (keys::LETTER_KEYS, patch.letter_keys),
            (keys::DAILY_SUMMARY, patch.daily_summary),
        ] {
            if let Some(on) = on {
                database.put_setting(key, &on).await?;
            }
        }
        if patch.daily_summary == Some(true) {
            // It begins tomorrow morning, not in the middle of the day.
            self.host.summary_said_today().await?;
        }
        Ok(())
    }

    /// Ends the process; the cycle under way finishes the item it is at.
    pub async fn quit(&self, app: &AppHandle) {
        self.host.close().await;
        app.exit(0);
    }
}

/// Runs the app with its window until it is quit.
pub fn run(arguments: &[String]) -> ExitCode {
    let hidden = arguments.iter().any(|argument| argument == HIDDEN);
    let first_link = arguments.iter().find_map(|argument| links::parse(argument));
    let builder = crate::ipc::builder();
    let app = tauri::Builder::default()
        .manage(window::AskedEarly::default())
        // First, so that a second start ends before it does anything.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
            second_start(app, &arguments)
        }))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_autostart::init(
            tauri_plugin_autostart::MacosLauncher::LaunchAgent,
            Some(vec![HIDDEN]),
        ))
        .plugin(
            tauri_plugin_window_state::Builder::default()
                .with_state_flags(
                    tauri_plugin_window_state::StateFlags::SIZE
                        | tauri_plugin_window_state::StateFlags::POSITION
                        | tauri_plugin_window_state::StateFlags::MAXIMIZED,
                )
                .build(),
        )
        .invoke_handler(builder.invoke_handler())
        .setup(move |app| {
            builder.mount_events(app);
            let route = match first_link {
                Some(Link::Route(route)) => Some(route),
                Some(Link::SignIn(_)) | None => None,
            };
            let with_window = !hidden || route.is_some();
            let purpose = if with_window {
                Purpose::Window
            } else {
                Purpose::AtLogIn
            };
            let opening = Host::open_saying(purpose, notifications::waits_for_another);
            let opening = tauri::async_runtime::spawn(opening);
            // The web view starts a process of its own, which takes longer than all else: it does so meanwhile. What its
            // page asks for is answered once this has returned.
            let window = with_window.then(|| window::make(app.handle()));
            let opened = match tauri::async_runtime::block_on(opening) {
                Ok(opened) => {
                    opened.map_err(|error| (error.to_string(), Tongue::of("system").why_not(&error)))
                }
                Err(error) => Err((error.to_string(), error.to_string())),
            };
            let host = match opened {
                Ok(host) => host,
                Err((text, shown)) => {
                    give_up(app.handle(), &text, &shown);
                    return Ok(());
                }
            };
            if !with_window {
                host.begin();
            }
            let gui = Gui::new(host);
            if let Some(route) = route {
                gui.set_route(route);
            }
            app.manage(gui);
            start(app.handle());
            if let Some(window) = window {
                window::made(app.handle(), window);
            }
            if let Some(route) = app.state::<window::AskedEarly>().take() {
                window::show(app.handle(), route);
            }
            Ok(())
        })
        .on_window_event(|window, event| match event {
            // Closing destroys the web view; sync goes on in the tray.
            WindowEvent::CloseRequested { .. } => tracing::debug!("window closed; syncing goes on"),
            WindowEvent::Focused(in_use) => in_use_changed(window.app_handle(), *in_use),
            // On Linux the portal says so, and GTK often does not.
            #[cfg(not(target_os = "linux"))]
            WindowEvent::ThemeChanged(_) => window::tell_appearance(window.app_handle()),
            WindowEvent::Destroyed => {
                if let Some(gui) = window.app_handle().try_state::<Gui>() {
                    gui.listens.store(false, Ordering::Release);
                }
                in_use_changed(window.app_handle(), false);
                window::tidy_after(window.app_handle());
            }
            _ => {}
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(|_, event| {
                // The last window closing is not the end; "Quit" is.
                if let RunEvent::ExitRequested { api, code: None, .. } = event {
                    api.prevent_exit();
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            let text = error.to_string();
            say_why_not(&text, &text);
            ExitCode::FAILURE
        }
    }
}

/// On stderr for a terminal, in the log, and as a notification, which says it as `shown`: whoever starts the app by a click sees neither
/// of the others.
fn say_why_not(text: &str, shown: &str) {
    tracing::error!(%text, "could not start");
    eprintln!("Roundtrip couldn't start: {text}");
    notifications::could_not_start(shown);
}

/// Ends the process with 1. An error in the set-up itself would be a panic.
fn give_up(app: &AppHandle, text: &str, shown: &str) {
    say_why_not(text, shown);
    app.exit(1);
}

fn start(app: &AppHandle) {
    if std::env::var_os("ROUNDTRIP_NO_TRAY").is_none()
        && let Err(error) = tray::create(app)
    {
        tracing::info!(%error, "no tray here; a second start opens the window");
    }
    // On macOS the scheme is registered by the bundle; elsewhere by the running app.
    #[cfg(any(target_os = "linux", target_os = "windows"))]
    if std::env::var_os("ROUNDTRIP_NO_REGISTER").is_none()
        && let Err(error) = app.deep_link().register_all()
    {
        tracing::info!(%error, "roundtrip:// links could not be registered");
    }
    let handle = app.clone();
    app.deep_link().on_open_url(move |event| {
        for url in event.urls() {
            follow(&handle, links::parse(url.as_str()));
        }
    });
    listen(app);
    let renewed = app.clone();
    tauri::async_runtime::spawn(async move { renewed.state::<Gui>().renew_autostart(&renewed).await });
    #[cfg(target_os = "linux")]
    {
        appearance::follow(app);
        returning::follow(app);
    }
}

/// A second start hands its arguments over, which are treated as hostile: they open the window or follow a link.
fn second_start(app: &AppHandle, arguments: &[String]) {
    let link = arguments
        .iter()
        .skip(1)
        .find_map(|argument| links::parse(argument));
    match link {
        Some(link) => follow(app, Some(link)),
        None => window::show(app, None),
    }
}

fn follow(app: &AppHandle, link: Option<Link>) {
    match link {
        Some(Link::Route(route)) => window::show(app, Some(route)),
        Some(Link::SignIn(url)) => match app.try_state::<Gui>() {
            Some(gui) => gui.host.sign_in_link(&url),
            // No sign-in of this process can be waiting for it yet.
            None => tracing::info!("a link came before the app was there"),
        },
        None => tracing::info!("a link that is not one of ours was refused"),
    }
}

/// Passes events on to window, tray and notifications. Bursts are gathered: while one refresh goes on, any number of
/// further changes lead to one more.
fn listen(app: &AppHandle) {
    let dirty = Arc::new(tokio::sync::Notify::new());
    let topics = Arc::new(Mutex::new(BTreeSet::from_iter(StateChanged::ALL.iter().copied())));
    dirty.notify_one();
    let (refresher, changed, gathered) = (app.clone(), Arc::clone(&dirty), Arc::clone(&topics));
    tauri::async_runtime::spawn(async move {
        let mut period = SYNCING_SHOWS_AFTER;
        // However much happens meanwhile: a morning comes, and with it another day.
        let mut morning = tokio::time::Instant::now();
        let mut day = chrono::Local::now().date_naive();
        loop {
            let next = morning.min(tokio::time::Instant::now() + period);
            let (app, gathered) = (refresher.clone(), Arc::clone(&gathered));
            let looked = tokio::select! {
                () = changed.notified() => go_on_after(async move { refresh(&app, &gathered).await }).await,
                // A run that was too short to be shown is not short for ever.
                () = tokio::time::sleep_until(next) => {
                    let today = chrono::Local::now().date_naive();
                    // "Checked 23:50" was yesterday.
                    let other_day = std::mem::replace(&mut day, today) != today;
                    go_on_after(async move { look_again(&app, other_day).await }).await
                }
            };
            period = looked.unwrap_or(READ_AGAIN_AFTER);
            if morning <= tokio::time::Instant::now() {
                let app = refresher.clone();
                go_on_after(async move { notifications::summary(&app).await }).await;
                morning = tokio::time::Instant::now() + MORNING_LOOKED_FOR_EVERY;
            }
            tokio::time::sleep(Duration::from_millis(REFRESH_PAUSE_MS)).await;
        }
    });
    let app = app.clone();
    let mut events = app.state::<Gui>().host.events();
    tauri::async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => HostEvent::Changed,
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            };
            topics
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(topics::of(&event));
            let told = app.clone();
            go_on_after(async move { pass_on(&told, event) }).await;
            dirty.notify_one();
        }
    });
}

fn pass_on(app: &AppHandle, event: HostEvent) {
    match event {
        HostEvent::Engine(EngineEvent::Progress { done, total }) => {
            emit(app, &SyncProgress(Progress { done, total }));
        }
        HostEvent::Engine(EngineEvent::CycleEnded) => emit(app, &StateChanged::of_a_run()),
        HostEvent::Engine(EngineEvent::Changed) | HostEvent::Changed => {}
        HostEvent::SignIn(view) => {
            let back = view.state == "done" || view.problem.is_some();
            emit(app, &SignInChanged(view));
            if back {
                // Back from the browser: the window comes to the front.
                window::show(app, None);
            }
        }
    }
}

fn emit(app: &AppHandle, event: &(impl Event + Clone + serde::Serialize)) {
    if let Err(error) = event.clone().emit(app) {
        tracing::debug!(%error, "the window could not be told");
    }
}

/// Answers after how long the tray wants to be looked at again.
async fn refresh(app: &AppHandle, gathered: &Mutex<BTreeSet<&'static str>>) -> Duration {
    let topics = std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner));
    let topics: Vec<_> = topics.into_iter().map(str::to_owned).collect();
    // The events of the last refresh may have been gathered by the one before it.
    if !topics.is_empty() {
        emit(app, &StateChanged { topics });
    }
    let period = refresh_tray(app).await;
    notifications::refresh(app).await;
    period
}

async fn refresh_tray(app: &AppHandle) -> Duration {
    let gui = app.state::<Gui>();
    let overview = gui.host.overview().await;
    let unread = overview.is_err();
    let mut look = match overview {
        Ok(overview) => tray::Look::of(&overview, notifications::tongue(&gui).await),
        Err(error) => {
            let known = gui.look.lock().unwrap_or_else(PoisonError::into_inner);
            known.unreadable(&error.code)
        }
    };
    gui.unread.store(unread, Ordering::Relaxed);
    let soon = gui.without_flicker(&mut look);
    let known = {
        let mut known = gui.look.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, look.clone())
    };
    if known != look {
        tray::refresh(app, look, known);
    }
    match (soon, unread) {
        (true, _) => SYNCING_SHOWS_AFTER,
        (false, true) => READ_AGAIN_AFTER,
        (false, false) => MORNING_LOOKED_FOR_EVERY,
    }
}

/// Nothing has happened but time: the tray says nothing that grows older within a day, so no look into the database is needed
/// for it.
async fn look_again(app: &AppHandle, other_day: bool) -> Duration {
    let gui = app.state::<Gui>();
    match other_day || gui.might_flicker() || gui.unread.load(Ordering::Relaxed) {
        true => refresh_tray(app).await,
        false => MORNING_LOOKED_FOR_EVERY,
    }
}

/// Where saved files go: the folder for downloads, or the one that `ROUNDTRIP_DOWNLOAD_DIR` names.
///
/// # Errors
/// `not_saved` if the system knows no such folder.
pub fn downloads(app: &AppHandle) -> Result<PathBuf, AppError> {
    match std::env::var_os("ROUNDTRIP_DOWNLOAD_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => Ok(folder.into()),
        // Not every Linux desktop names a folder for downloads; every one has a home.
        None => app
            .path()
            .download_dir()
            .or_else(|_| app.path().home_dir())
            .map_err(|_| AppError {
                code: "not_saved".into(),
                detail: None,
                field: None,
                retryable: true,
            }),
    }
}

/// Whether somebody looks at the window, so that it shows changes soon.
pub(crate) fn in_use_changed(app: &AppHandle, in_use: bool) {
    let Some(gui) = app.try_state::<Gui>() else { return };
    let host = Arc::clone(&gui.host);
    tauri::async_runtime::spawn(async move { host.window_is_in_use(in_use).await });
}
