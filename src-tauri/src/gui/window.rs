//! The window: made when it is wanted, destroyed when it is closed, so that the tray keeps a small process.

use super::Gui;
use crate::ipc::events::Navigate;
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindowBuilder};
use tauri_specta::Event;

/// The one window's label.
pub const MAIN: &str = "main";

/// Shows the window, making it if need be, and goes to a place in it.
pub fn show(app: &AppHandle, route: Option<String>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        if let Some(route) = route
            && let Err(error) = (Navigate { route }).emit(app)
        {
            tracing::warn!(%error, "the window could not be told where to go");
        }
        // Each may be refused by a window manager; the window is there all the same.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
        return;
    }
    if let Some(route) = route {
        app.state::<Gui>().set_route(route);
    }
    // On some systems a window must not be made inside an event handler of the main thread.
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let built = WebviewWindowBuilder::new(&app, MAIN, WebviewUrl::App("index.html".into()))
            .title("Roundtrip")
            .inner_size(1120.0, 800.0)
            .min_inner_size(380.0, 480.0)
            .on_navigation(may_show)
            .on_new_window(|_, _| NewWindowResponse::Deny)
            .build();
        match built {
            // Not every window manager says that a new window has the focus.
            Ok(_) => super::in_use_changed(&app, true),
            Err(error) => tracing::error!(%error, "the window could not be made"),
        }
    });
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
    match app
        .get_webview_window(MAIN)
        .and_then(|window| window.theme().ok())
    {
        Some(tauri::Theme::Dark) => "dark",
        _ => "light",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
