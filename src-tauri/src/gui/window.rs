//! The window: made when it is wanted, destroyed when it is closed, so that the tray keeps a small process.

use super::Gui;
use crate::ipc::events::{AppearanceChanged, Navigate};
use std::sync::{Mutex, PoisonError};
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};
use tauri_specta::Event;

/// The one window's label.
pub const MAIN: &str = "main";

/// A window that was asked for while the data folder was being opened, with its place. There is no [`Gui`] yet by then.
#[derive(Default)]
pub struct AskedEarly(Mutex<Option<Option<String>>>);

impl AskedEarly {
    fn ask(&self, route: Option<String>) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asks again without a place does not take back the one that was asked for.
        let place = route.or_else(|| asked.take().flatten());
        *asked = Some(place);
    }

    /// What was asked for, once.
    pub fn take(&self) -> Option<Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Shows the window, making it if need be, and goes to a place in it.
pub fn show(app: &AppHandle, route: Option<String>) {
    let Some(gui) = app.try_state::<Gui>() else {
        app.state::<AskedEarly>().ask(route);
        // It may have come just now, and nobody asks for what was asked early a second time.
        if app.try_state::<Gui>().is_some()
            && let Some(route) = app.state::<AskedEarly>().take()
        {
            show(app, route);
        }
        return;
    };
    let listens = gui.listens();
    if let Some(window) = app.get_webview_window(MAIN) {
        match route {
            Some(route) if listens => {
                if let Err(error) = (Navigate { route }).emit(app) {
                    tracing::warn!(%error, "the window could not be told where to go");
                }
            }
            // It asks for it as soon as it is there.
            Some(route) => gui.set_route(route),
            None => {}
        }
        // Each may be refused by a window manager; the window is there all the same.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
        return;
    }
    if let Some(route) = route {
        gui.set_route(route);
    }
    #[cfg(target_os = "linux")]
    super::appearance::ask_if_unknown(app);
    // On some systems a window must not be made inside an event handler of the main thread.
    let app = app.clone();
    tauri::async_runtime::spawn(async move { made(&app, make(&app)) });
}

/// What follows from [`make`]: it is shown. Without a window the tray goes on.
pub(super) fn made(app: &AppHandle, window: tauri::Result<WebviewWindow>) {
    match window.and_then(|window| window.show()) {
        // Not every window manager says that a new window has the focus.
        Ok(()) => super::in_use_changed(app, true),
        Err(error) => tracing::error!(%error, "the window could not be made"),
    }
}

/// Makes the window, whose page begins to load, and does not show it yet.
///
/// Access to the clipboard stays off: "Copy" works in a click without it, and with it WebKit would let the page write at any
/// time and read, unasked, what other programs have put there.
///
/// # Errors
/// If the system has no display, or no web view.
pub(super) fn make(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Roundtrip")
        .inner_size(1120.0, 800.0)
        .min_inner_size(380.0, 480.0)
        .visible(false)
        .on_navigation(may_show)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()
}

/// After the window: on Linux WebKit keeps a process for the network although no web view is left. It is ours to end, and
/// WebKit starts another one with the next window. A window that was opened again meanwhile keeps it.
pub fn tidy_after(app: &AppHandle) {
    #[cfg(target_os = "linux")]
    {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            tokio::time::sleep(REOPENED_WITHIN).await;
            let on_main = app.clone();
            // Windows are made on the main thread: none can come between the look and the end.
            let asked = app.run_on_main_thread(move || {
                if on_main.webview_windows().is_empty() {
                    leftover::end();
                }
            });
            if let Err(error) = asked {
                tracing::debug!(%error, "WebKit's process was left");
            }
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = app;
}

/// A window that was closed by mistake is opened again within this time, and nothing has to start for it.
#[cfg(target_os = "linux")]
const REOPENED_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// What WebKit leaves behind.
#[cfg(target_os = "linux")]
mod leftover {
    use rustix::process::{Pid, Signal, getpid, kill_process};

    /// Its name as the system shows it, which is cut.
    const NAME: &str = "WebKitNetworkPr";

    pub fn end() {
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return;
        };
        for process in processes.flatten() {
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            if is_ours(&stat, getpid().as_raw_nonzero().get())
                && let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok())
                && let Some(pid) = Pid::from_raw(pid)
                && let Err(error) = kill_process(pid, Signal::TERM)
            {
                tracing::debug!(%error, "WebKit's process could not be ended");
            }
        }
    }

    /// Whether this line of `/proc/…/stat` (`pid (name) state parent …`) is of that process and a child of ours.
    pub fn is_ours(stat: &str, ours: i32) -> bool {
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else {
            return false;
        };
        let parent = rest
            .split_whitespace()
            .nth(1)
            .and_then(|parent| parent.parse().ok());
        name == NAME && parent == Some(ours)
    }
}

/// The window shows the pages that the binary carries and nothing else: no sign-in page, no web page, no file that is
/// dropped on it. Links go to the system's browser by a command.
fn may_show(url: &Url) -> bool {
    let ours = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Where a system knows no schemes of an app's own (Windows), Tauri serves them under this name.
        "http" | "https" => url.host_str() == Some("tauri.localhost") && url.port().is_none(),
        "about" => url.as_str() == "about:blank",
        _ => false,
    };
    let developing = tauri::is_dev() && url.host_str() == Some("localhost");
    if !ours && !developing {
        tracing::warn!("the window was to show a foreign page; refused");
    }
    ours || developing
}

/// `dark` or `light`, as the system says.
pub fn system_theme(app: &AppHandle) -> &'static str {
    #[cfg(target_os = "linux")]
    let theme = super::appearance::theme(app);
    #[cfg(not(target_os = "linux"))]
    let theme = app
        .get_webview_window(MAIN)
        .and_then(|window| window.theme().ok());
    match theme {
        Some(tauri::Theme::Dark) => "dark",
        _ => "light",
    }
}

/// Tells the window whether the desktop is light or dark now.
pub fn tell_appearance(app: &AppHandle) {
    let system_theme = system_theme(app).to_owned();
    super::emit(app, &AppearanceChanged { system_theme });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn only_our_own_process_of_webkit_is_ended() {
        assert!(leftover::is_ours("4711 (WebKitNetworkPr) S 42 42 42 0", 42));
        assert!(!leftover::is_ours("4711 (WebKitNetworkPr) S 43 42 42 0", 42));
        assert!(!leftover::is_ours("4711 (WebKitWebProces) S 42 42 42 0", 42));
        assert!(!leftover::is_ours("4711 (bash) (WebKitNetworkPr) S 42 4 4 0", 42));
        assert!(!leftover::is_ours("", 42));
    }

    #[test]
    fn a_window_that_is_asked_for_early_is_asked_for_once_and_keeps_its_place() {
        let asked = AskedEarly::default();
        assert_eq!(asked.take(), None);
        asked.ask(None);
        assert_eq!(asked.take(), Some(None));
        assert_eq!(asked.take(), None);
        asked.ask(Some("/history".into()));
        asked.ask(None);
        assert_eq!(asked.take(), Some(Some("/history".into())));
    }

    #[test]
    fn the_window_shows_our_own_pages_only() {
        let may = |url: &str| may_show(&Url::parse(url).expect("a test's own address"));
        for ours in [
            "tauri://localhost/",
            "tauri://localhost/index.html#/history",
            "http://tauri.localhost/",
            "about:blank",
        ] {
            assert!(may(ours), "{ours}");
        }
        for foreign in [
            "https://accounts.google.com/o/oauth2/v2/auth",
            "http://127.0.0.1:8080/",
            "http://tauri.localhost:8080/",
            "http://tauri.localhost.evil.example/",
            "tauri://evil/",
            "file:///etc/hostname",
            "data:text/html,x",
            "javascript:alert(1)",
            "roundtrip://appointment/apt_1",
            "about:srcdoc",
        ] {
            assert!(!may(foreign), "{foreign}");
        }
    }
}
