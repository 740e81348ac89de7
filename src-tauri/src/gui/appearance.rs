//! Light or dark, as the desktop says: on Linux through the portal for settings, whose signals arrive by GTK's own connection to
//! the session's bus. Nothing is asked for again and again, so an idle process sleeps.

use gio::glib::Variant;
use gio::prelude::*;
use std::sync::{Mutex, PoisonError};
use tauri::{AppHandle, Manager, Theme};

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const NAMESPACE: &str = "org.freedesktop.appearance";
const KEY: &str = "color-scheme";
/// The portal is started by the question, if need be.
const PATIENCE_MS: i32 = 5_000;

/// What the desktop said last, and the connection by which it says so.
#[derive(Default)]
struct Appearance {
    theme: Mutex<Option<Theme>>,
    bus: Mutex<Option<gio::DBusConnection>>,
}

/// What the desktop wants; none where no portal says so.
pub fn theme(app: &AppHandle) -> Option<Theme> {
    let appearance = app.try_state::<Appearance>()?;
    let theme = appearance.theme.lock().unwrap_or_else(PoisonError::into_inner);
    *theme
}

/// Asks once, and hears of every change from then on. To be called on the main thread, whose loop the answers need.
pub fn follow(app: &AppHandle) {
    app.manage(Appearance::default());
    let app = app.clone();
    gio::bus_get(
        gio::BusType::Session,
        gio::Cancellable::NONE,
        move |bus| match bus {
            Ok(bus) => {
                let hears = app.clone();
                listen(&bus, move |wanted| set(&hears, wanted));
                let appearance = app.state::<Appearance>();
                *appearance.bus.lock().unwrap_or_else(PoisonError::into_inner) = Some(bus);
            }
            Err(error) => {
                tracing::debug!(%error, "no session bus: the window is light unless it is set otherwise")
            }
        },
    );
}

/// Asks once more if nobody has answered yet: at log-in the portal may come up later than we do, and says nothing of itself.
pub fn ask_if_unknown(app: &AppHandle) {
    if theme(app).is_some() {
        return;
    }
    let handle = app.clone();
    let asked = app.run_on_main_thread(move || {
        let Some(appearance) = handle.try_state::<Appearance>() else {
            return;
        };
        let bus = appearance
            .bus
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(bus) = bus {
            let hears = handle.clone();
            ask(&bus, move |wanted| set(&hears, wanted));
        }
    });
    if let Err(error) = asked {
        tracing::debug!(%error, "the main thread is gone");
    }
}

fn listen(bus: &gio::DBusConnection, set: impl Fn(Theme) + Clone + 'static) {
    let changed = set.clone();
    bus.signal_subscribe(
        Some(PORTAL),
        Some(SETTINGS),
        Some("SettingChanged"),
        Some(PATH),
        Some(NAMESPACE),
        gio::DBusSignalFlags::NONE,
        move |_, _, _, _, _, said| {
            if said.n_children() == 3
                && said.child_value(1).str() == Some(KEY)
                && let Some(wanted) = wanted(&said.child_value(2))
            {
                changed(wanted);
            }
        },
    );
    ask(bus, set);
}

fn ask(bus: &gio::DBusConnection, set: impl Fn(Theme) + 'static) {
    bus.call(
        Some(PORTAL),
        PATH,
        SETTINGS,
        "Read",
        Some(&(NAMESPACE, KEY).to_variant()),
        None,
        gio::DBusCallFlags::NONE,
        PATIENCE_MS,
        gio::Cancellable::NONE,
        move |answer| match answer {
            Ok(answer) if answer.n_children() == 1 => {
                if let Some(wanted) = wanted(&answer.child_value(0)) {
                    set(wanted);
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "no portal says whether the desktop is light or dark"),
        },
    );
}

fn set(app: &AppHandle, wanted: Theme) {
    let appearance = app.state::<Appearance>();
    let before = {
        let mut theme = appearance.theme.lock().unwrap_or_else(PoisonError::into_inner);
        theme.replace(wanted)
    };
    if before == Some(wanted) {
        return;
    }
    // GTK's own parts of the window and the page's `prefers-color-scheme`.
    app.set_theme(Some(wanted));
    super::window::tell_appearance(app);
}

/// The value may be wrapped several times: older portals answer so. 1 is dark, 2 light, and all others no wish, which is light.
fn wanted(said: &Variant) -> Option<Theme> {
    let mut value = said.clone();
    while value.is::<Variant>()
        && let Some(inner) = value.as_variant()
    {
        value = inner;
    }
    Some(match value.get::<u32>()? {
        1 => Theme::Dark,
        _ => Theme::Light,
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_bus::{Bus, connected};
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A portal whose desktop is dark.
    fn portal(bus: &gio::DBusConnection) {
        let about = gio::DBusNodeInfo::for_xml(&format!(
            "<node><interface name='{SETTINGS}'><method name='Read'><arg type='s' direction='in'/>\
             <arg type='s' direction='in'/><arg type='v' direction='out'/></method></interface></node>"
        ))
        .expect("an interface");
        let settings = about.lookup_interface(SETTINGS).expect("its settings");
        bus.register_object(
            PATH,
            &settings,
            |_, _, _, _, _, asked, answer| {
                assert_eq!(
                    asked.get::<(String, String)>(),
                    Some((NAMESPACE.into(), KEY.into()))
                );
                // Twice, as the real one.
                let dark = Variant::from_variant(&1_u32.to_variant());
                answer.return_value(Some(&(Variant::from_variant(&dark),).to_variant()));
            },
            |_, _, _, _, _| 0.to_variant(),
            |_, _, _, _, _, _| false,
        )
        .expect("an object");
    }

    #[test]
    fn the_desktop_is_asked_once_and_heard_from_then_on() {
        let (_daemon, address) = Bus::start();
        let context = gio::glib::MainContext::new();
        context
            .with_thread_default(|| {
                let (theirs, ours) = (connected(&address), connected(&address));
                portal(&theirs);
                let owned = Arc::new(AtomicBool::new(false));
                let owns = Arc::clone(&owned);
                let _name = gio::bus_own_name_on_connection(
                    &theirs,
                    PORTAL,
                    gio::BusNameOwnerFlags::NONE,
                    move |_, _| owns.store(true, Ordering::SeqCst),
                    |_, _| {},
                );
                while !owned.load(Ordering::SeqCst) {
                    context.iteration(true);
                }
                let heard = Rc::new(RefCell::new(Vec::new()));
                let hears = Rc::clone(&heard);
                listen(&ours, move |theme| hears.borrow_mut().push(theme));
                while heard.borrow().is_empty() {
                    context.iteration(true);
                }
                let say = |namespace: &str, key: &str, value: u32| {
                    let said = (namespace, key, Variant::from_variant(&value.to_variant())).to_variant();
                    theirs
                        .emit_signal(None, PATH, SETTINGS, "SettingChanged", Some(&said))
                        .expect("a signal");
                };
                // What is not asked for, and then light and dark again.
                say("org.gnome.desktop.interface", KEY, 2);
                say(NAMESPACE, "accent-color", 2);
                say(NAMESPACE, KEY, 2);
                say(NAMESPACE, KEY, 1);
                while heard.borrow().len() < 3 {
                    context.iteration(true);
                }
                assert_eq!(*heard.borrow(), [Theme::Dark, Theme::Light, Theme::Dark]);
            })
            .expect("a loop of its own");
    }

    #[test]
    fn the_desktop_is_heard_however_it_wraps_its_answer() {
        assert_eq!(wanted(&1_u32.to_variant()), Some(Theme::Dark));
        let wrapped = Variant::from_variant(&Variant::from_variant(&1_u32.to_variant()));
        assert_eq!(wanted(&wrapped), Some(Theme::Dark));
        for other in [0_u32, 2, 7] {
            assert_eq!(
                wanted(&Variant::from_variant(&other.to_variant())),
                Some(Theme::Light)
            );
        }
        assert_eq!(wanted(&"dark".to_variant()), None);
    }
}
