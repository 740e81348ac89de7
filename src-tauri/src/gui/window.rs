//! The window: made when it is wanted, destroyed when it is closed, so that the tray keeps a small process.

use super::Gui;
use crate::ipc::events::Navigate;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};
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
            .build();
        if let Err(error) = built {
            tracing::error!(%error, "the window could not be made");
        }
    });
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
