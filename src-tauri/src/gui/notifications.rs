//! Desktop notifications: one per cause, never repeated while it is unsolved, withdrawn when it is solved elsewhere.

use super::Gui;
use super::words::Tongue;
use crate::host::notices::{Cause, Known, Notice};
use crate::ipc::settings::keys;
use roundtrip_store::Provider;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tauri::{AppHandle, Manager};

/// A service for notifications that has not answered after this time does not hold up the end of the process.
const SHOWN_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// What is shown now, by cause, with the id under which the notification service knows it (0 until it is shown).
#[derive(Default)]
pub struct Shown {
    open: Mutex<BTreeMap<Cause, u32>>,
}

impl Shown {
    /// What is to be shown from now on, and the ids of what is not to be shown any more. What is not known now stays as it is:
    /// withdrawn, it would be shown once more as soon as it is known again.
    fn difference(&self, known: Known) -> (Vec<Notice>, Vec<u32>) {
        let (notices, is_known): (_, fn(&Cause) -> bool) = match known {
            Known::All(notices) => (notices, |_| true),
            Known::Beginning(notices) => (notices, |cause| !cause.is_of_a_side()),
            Known::LocalData(notice) => (vec![notice], Cause::is_of_local_data),
            Known::Nothing => return Default::default(),
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<Cause> = open
            .keys()
            .filter(|cause| is_known(cause))
            .filter(|cause| !notices.iter().any(|notice| notice.cause == **cause))
            .cloned()
            .collect();
        let solved = gone.iter().filter_map(|cause| open.remove(cause)).collect();
        let fresh: Vec<Notice> = notices
            .into_iter()
            .filter(|notice| !open.contains_key(&notice.cause))
            .collect();
        for notice in &fresh {
            open.insert(notice.cause.clone(), 0);
        }
        (fresh, solved)
    }
}

/// Compares what needs the trainer with what is shown, and shows or withdraws the difference.
pub async fn refresh(app: &AppHandle) {
    let gui = app.state::<Gui>();
    let notices = gui.host.notices().await;
    let focused = focused(app);
    let tongue = tongue(&gui).await;
    let platform = gui
        .host
        .accounts()
        .await
        .platform
        .map(|(_, extra)| extra.me.platform_name);
    let platform = platform.unwrap_or_default();
    let (fresh, solved) = gui.shown.difference(notices);
    for id in solved.into_iter().filter(|id| *id != 0) {
        withdraw(id);
    }
    for notice in fresh {
        if notice.cause == Cause::Silence
            && !notice.told
            && let Some(running) = gui.host.running().await
        {
            // One for each silence, across restarts too.
            running.engine.silence_notified().await;
        }
        // In the foreground the banner in the window takes its place.
        if !focused && !notice.told {
            show(app, notice, tongue, &platform);
        }
    }
}

/// Says why the app did not start. The process ends after this, so it is waited for, but not longer than [`SHOWN_WITHIN`].
pub fn could_not_start(text: &str) {
    let mut notification = notify_rust::Notification::new();
    // Without the hint that names the app: some desktops take down what an app has shown as soon as it has ended.
    notification
        .summary(&Tongue::of("system").could_not_start())
        .body(text)
        .appname("Roundtrip")
        .timeout(notify_rust::Timeout::Never);
    let (shown, is_shown) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        if let Err(error) = as_text(notification).show() {
            tracing::info!(%error, "notification could not be shown");
        }
        // Nobody waits any more, perhaps.
        let _ = shown.send(());
    });
    if is_shown.recv_timeout(SHOWN_WITHIN).is_err() {
        tracing::info!("nobody shows notifications");
    }
}

/// Says that the start waits for another process, which nobody sees otherwise: there is no window yet.
pub fn waits_for_another() {
    let tongue = Tongue::of("system");
    let (title, text) = tongue.waits_for_another();
    let mut notification = notify_rust::Notification::new();
    notification.summary(&title).body(&text).appname("Roundtrip");
    // Showing blocks.
    std::thread::spawn(move || {
        if let Err(error) = as_text(notification).show() {
            tracing::info!(%error, "notification could not be shown");
        }
    });
}

/// The morning's summary, if it is time for it. In the foreground the window says as much.
pub async fn summary(app: &AppHandle) {
    let gui = app.state::<Gui>();
    let Some(summary) = gui.host.morning_summary().await else {
        return;
    };
    if focused(app) {
        return;
    }
    let tongue = tongue(&gui).await;
    let (title, text) = tongue.summary(&summary);
    let notification = prepared((&title, &text), None, tongue);
    let app = app.clone();
    std::thread::spawn(move || match as_text(notification).show() {
        Ok(handle) => wait_for_click(handle, &app),
        Err(error) => tracing::info!(%error, "notification could not be shown"),
    });
}

#[cfg(all(unix, not(target_os = "macos")))]
fn wait_for_click(handle: notify_rust::NotificationHandle, app: &AppHandle) {
    handle.wait_for_action(|action| {
        if action == "default" {
            super::window::show(app, Some("/".into()));
        }
    });
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn wait_for_click(_handle: notify_rust::NotificationHandle, _app: &AppHandle) {}

fn focused(app: &AppHandle) -> bool {
    app.get_webview_window(super::window::MAIN)
        .is_some_and(|window| window.is_focused().unwrap_or(false))
}

/// The language of the texts outside the window.
pub(super) async fn tongue(gui: &Gui) -> Tongue {
    let setting = gui.host.database.setting::<String>(keys::LANGUAGE).await;
    Tongue::of(setting.ok().flatten().as_deref().unwrap_or("system"))
}

/// At most two actions: the one next step, and opening the window by a click.
fn prepared(
    (title, text): (&str, &str),
    action: Option<&(&'static str, String)>,
    tongue: Tongue,
) -> notify_rust::Notification {
    let mut notification = notify_rust::Notification::new();
    notification.summary(title).body(text).appname("Roundtrip");
    if let Some((key, label)) = action {
        notification.action(key, label);
    }
    #[cfg(all(unix, not(target_os = "macos")))]
    notification
        .action("default", &tongue.open())
        .hint(notify_rust::Hint::DesktopEntry("roundtrip".into()));
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    let _ = tongue;
    notification
}

/// A server that reads markup in the text gets it escaped: a title with an ampersand or a bracket stays what it is. The
/// first line is never markup. Asking the server blocks.
#[cfg(all(unix, not(target_os = "macos")))]
fn as_text(mut notification: notify_rust::Notification) -> notify_rust::Notification {
    let capabilities = notify_rust::get_capabilities().unwrap_or_default();
    notification.body = body_for(&notification.body, &capabilities);
    notification
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn as_text(notification: notify_rust::Notification) -> notify_rust::Notification {
    notification
}

#[cfg(all(unix, not(target_os = "macos")))]
fn body_for(text: &str, capabilities: &[String]) -> String {
    if capabilities.iter().any(|known| known == "body-markup") {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    } else {
        text.to_owned()
    }
}

fn show(app: &AppHandle, notice: Notice, tongue: Tongue, platform: &str) {
    let (title, text, action) = tongue.notice(&notice, platform);
    let mut notification = prepared((&title, &text), action.as_ref(), tongue);
    // It stays until it is solved.
    notification.timeout(notify_rust::Timeout::Never);
    let app = app.clone();
    // Showing and waiting for the action both block.
    std::thread::spawn(move || {
        let handle = match as_text(notification).show() {
            Ok(handle) => handle,
            Err(error) => {
                // Everything notified is also in the window: with notifications denied nothing is lost.
                tracing::info!(%error, "notification could not be shown");
                return;
            }
        };
        remember(&app, &notice.cause, &handle);
        wait(handle, &app, &notice);
    });
}

#[cfg(all(unix, not(target_os = "macos")))]
fn remember(app: &AppHandle, cause: &Cause, handle: &notify_rust::NotificationHandle) {
    let gui = app.state::<Gui>();
    let mut open = gui.shown.open.lock().unwrap_or_else(PoisonError::into_inner);
    match open.get_mut(cause) {
        Some(id) => *id = handle.id(),
        // Solved while it was being shown.
        None => withdraw(handle.id()),
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn remember(_app: &AppHandle, _cause: &Cause, _handle: &notify_rust::NotificationHandle) {}

#[cfg(all(unix, not(target_os = "macos")))]
fn wait(handle: notify_rust::NotificationHandle, app: &AppHandle, notice: &Notice) {
    handle.wait_for_action(|action| act(app, notice, action));
}

/// On Windows and macOS a click opens the app by itself; the place is the one the window shows for the cause anyway.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn wait(_handle: notify_rust::NotificationHandle, _app: &AppHandle, _notice: &Notice) {}

/// Withdraws a notification by showing an empty one in its place for a moment is not possible everywhere; the
/// notification service is asked to close it.
#[cfg(all(unix, not(target_os = "macos")))]
fn withdraw(id: u32) {
    std::thread::spawn(move || {
        // A fresh notification under the same id, closed at once, takes the old one away.
        if let Ok(handle) = notify_rust::Notification::new()
            .id(id)
            .summary("Roundtrip")
            .timeout(1)
            .show()
        {
            handle.close();
        }
    });
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn withdraw(_id: u32) {}

fn act(app: &AppHandle, notice: &Notice, action: &str) {
    match (action, &notice.cause) {
        ("reconnect", Cause::ReconnectGoogle | Cause::RightMissingGoogle) => {
            reconnect(app, Provider::Google, &notice.route);
        }
        ("reconnect", Cause::ReconnectPlatform | Cause::RightMissingPlatform) => {
            reconnect(app, Provider::Platform, &notice.route);
        }
        ("show" | "default", _) => super::window::show(app, Some(notice.route.clone())),
        _ => {}
    }
}

/// "Reconnect" starts the sign-in directly. What the trainer has to see first is in the window.
fn reconnect(app: &AppHandle, service: Provider, route: &str) {
    let (app, route) = (app.clone(), route.to_owned());
    tauri::async_runtime::spawn(async move {
        let gui = app.state::<Gui>();
        let begun = gui.sign_in(service, None).await;
        if begun.is_err() || begun.is_ok_and(|view| view.problem.is_some()) {
            super::window::show(&app, Some(route));
        }
    });
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_stays_while_it_is_not_known_what_needs_the_trainer() {
        let notice = |cause| Notice {
            cause,
            count: 1,
            route: "/".into(),
            told: false,
            title: None,
        };
        let causes = |fresh: Vec<Notice>| fresh.into_iter().map(|notice| notice.cause).collect::<Vec<_>>();
        let shown = Shown::default();
        let (fresh, solved) =
            shown.difference(Known::All(vec![notice(Cause::Conflicts), notice(Cause::Held)]));
        assert_eq!(
            (causes(fresh), solved),
            (vec![Cause::Conflicts, Cause::Held], vec![])
        );

        let (fresh, solved) = shown.difference(Known::Nothing);
        assert_eq!((causes(fresh), solved), (vec![], vec![]));

        let local = |cause| Known::LocalData(notice(cause));
        let (fresh, solved) = shown.difference(local(Cause::DataUnreadable));
        assert_eq!((causes(fresh), solved), (vec![Cause::DataUnreadable], vec![]));
        let (fresh, solved) = shown.difference(local(Cause::DataUnreadable));
        assert_eq!((causes(fresh), solved), (vec![], vec![]), "told once");
        let (fresh, solved) = shown.difference(local(Cause::DataDamaged));
        assert_eq!((causes(fresh), solved), (vec![Cause::DataDamaged], vec![0]));

        let (fresh, solved) = shown.difference(Known::All(vec![notice(Cause::Conflicts)]));
        assert_eq!(
            (causes(fresh), solved),
            (vec![], vec![0, 0]),
            "the local data can be read, and one of the others is solved"
        );
    }

    #[test]
    fn what_a_side_waits_for_is_not_solved_by_an_engine_that_has_not_looked_yet() {
        let notice = |cause| Notice {
            cause,
            count: 1,
            route: "/".into(),
            told: false,
            title: None,
        };
        let shown = Shown::default();
        shown.difference(Known::All(vec![
            notice(Cause::ReconnectGoogle),
            notice(Cause::Conflicts),
        ]));
        let (_, solved) = shown.difference(Known::Beginning(Vec::new()));
        assert_eq!(solved, [0], "the conflict was answered");
        let (fresh, solved) = shown.difference(Known::All(vec![notice(Cause::ReconnectGoogle)]));
        assert!(
            fresh.is_empty() && solved.is_empty(),
            "neither said again nor gone"
        );
        let (_, solved) = shown.difference(Known::All(Vec::new()));
        assert_eq!(solved, [0]);
    }

    #[test]
    fn a_title_is_no_markup() {
        let title = "Meier & Söhne <b>1</b> &lt;";
        let markup = ["actions".to_owned(), "body-markup".to_owned()];
        assert_eq!(
            body_for(title, &markup),
            "Meier &amp; Söhne &lt;b&gt;1&lt;/b&gt; &amp;lt;"
        );
        assert_eq!(body_for(title, &markup[..1]), title);
    }
}
