//! Who or what comes back: the network, and whoever unlocks the screen. On Linux both are told by GTK's own loop (GLib watches
//! the network through the kernel, NetworkManager or the portal), so they are heard with the window closed, too, and an idle
//! process sleeps.

use crate::host::vault::Asks;
use gio::prelude::*;
use tauri::{AppHandle, Manager};

/// The interfaces by which desktops say that the screen is locked (`true`) or unlocked. GNOME says it under a name of its own;
/// KDE and most others under the common one.
const SCREEN_SAVERS: [&str; 4] = [
    "org.freedesktop.ScreenSaver",
    "org.gnome.ScreenSaver",
    "org.cinnamon.ScreenSaver",
    "org.mate.ScreenSaver",
];
const CHANGED: &str = "ActiveChanged";

/// Kept as long as the app lives: with the last connection the signals would end. The monitor is GLib's own and stays.
struct Session(#[expect(dead_code, reason = "kept, not used")] gio::DBusConnection);

/// Hears of both from now on. To be called on the main thread, whose loop brings the signals.
pub fn follow(app: &AppHandle) {
    let told = app.clone();
    gio::NetworkMonitor::default().connect_network_changed(move |_, there| {
        if there {
            tell(&told, |engine| engine.network_is_back());
        }
    });
    let app = app.clone();
    gio::bus_get(
        gio::BusType::Session,
        gio::Cancellable::NONE,
        move |bus| match bus {
            Ok(bus) => {
                let told = app.clone();
                hear_unlocked(&bus, move || {
                    tell(&told, |engine| engine.somebody_is_back());
                    ask_for_key(&told);
                });
                app.manage(Session(bus));
            }
            Err(error) => tracing::debug!(%error, "no session bus: an unlocked screen is not heard of"),
        },
    );
}

fn tell(app: &AppHandle, what: impl FnOnce(&roundtrip_engine::Engine) + Send + 'static) {
    let Some(gui) = app.try_state::<super::Gui>() else {
        return;
    };
    let host = std::sync::Arc::clone(&gui.host);
    tauri::async_runtime::spawn(async move {
        if let Some(running) = host.running().await {
            what(&running.engine);
        }
    });
}

/// A keychain that is locked may open its dialog now: somebody is there to see it.
fn ask_for_key(app: &AppHandle) {
    let Some(gui) = app.try_state::<super::Gui>() else {
        return;
    };
    let host = std::sync::Arc::clone(&gui.host);
    tauri::async_runtime::spawn(async move { host.ask_for_key(Asks::SomebodyIsBack).await });
}

/// Any program of the session may say so: what follows from it is bounded by the engine.
fn hear_unlocked(bus: &gio::DBusConnection, unlocked: impl Fn() + Clone + 'static) {
    for interface in SCREEN_SAVERS {
        let unlocked = unlocked.clone();
        bus.signal_subscribe(
            None,
            Some(interface),
            Some(CHANGED),
            None,
            None,
            gio::DBusSignalFlags::NONE,
            move |_, _, _, _, _, said| {
                if said.n_children() == 1 && said.child_value(0).get::<bool>() == Some(false) {
                    unlocked();
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_bus::{Bus, connected};
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn an_unlocked_screen_is_heard_of_and_a_locked_one_is_not() {
        let (_daemon, address) = Bus::start();
        let context = gio::glib::MainContext::new();
        context
            .with_thread_default(|| {
                let (theirs, ours) = (connected(&address), connected(&address));
                let heard = Rc::new(Cell::new(0));
                let hears = Rc::clone(&heard);
                hear_unlocked(&ours, move || hears.set(hears.get() + 1));
                // The bus knows what to pass on once it has answered something that was asked after that.
                ours.call_sync(
                    Some("org.freedesktop.DBus"),
                    "/org/freedesktop/DBus",
                    "org.freedesktop.DBus",
                    "GetId",
                    None,
                    None,
                    gio::DBusCallFlags::NONE,
                    1_000,
                    gio::Cancellable::NONE,
                )
                .expect("an answer");
                let say = |interface: &str, said: gio::glib::Variant| {
                    theirs
                        .emit_signal(
                            None,
                            "/org/freedesktop/ScreenSaver",
                            interface,
                            CHANGED,
                            Some(&said),
                        )
                        .expect("a signal");
                };
                say(SCREEN_SAVERS[0], (true,).to_variant());
                say(SCREEN_SAVERS[0], ("no",).to_variant());
                say("org.example.ScreenSaver", (false,).to_variant());
                for interface in SCREEN_SAVERS {
                    say(interface, (false,).to_variant());
                }
                while heard.get() < SCREEN_SAVERS.len() {
                    context.iteration(true);
                }
                while context.iteration(false) {}
                assert_eq!(heard.get(), SCREEN_SAVERS.len());
            })
            .expect("a loop of its own");
    }
}
