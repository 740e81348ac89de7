//! The tray: state in its first line, and everything in its menu, because on Linux there are no clicks.

use super::Gui;
use super::words::Tongue;
use crate::ipc::dto::{CheckView, OverallState, Overview};
use chrono::{DateTime, Duration, Local, NaiveTime, TimeZone, Timelike, Utc};
use std::sync::PoisonError;
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItem, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Wry};

const ID: &str = "main";

/// Makes the tray icon. Where there is none (plain GNOME) the window and autostart are enough alone.
pub fn create(app: &AppHandle) -> tauri::Result<()> {
    let (menu, _) = menu(app, &Look::default())?;
    TrayIconBuilder::with_id(ID)
        .icon(icon(OverallState::Starting)?)
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip("Roundtrip")
        .menu(&menu)
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_menu_event(|app, event| chosen(app, event.id().as_ref()))
        .on_tray_icon_event(|tray, event| {
            use tauri::tray::{MouseButton, MouseButtonState, TrayIconEvent};
            let left = matches!(
                event,
                TrayIconEvent::Click {
                    button: MouseButton::Left,
                    button_state: MouseButtonState::Up,
                    ..
                }
            );
            if left && cfg!(target_os = "windows") {
                super::window::show(tray.app_handle(), None);
            }
        })
        .build(app)?;
    Ok(())
}

/// What the menu depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    tongue: Tongue,
    state: Option<OverallState>,
    as_of: Option<DateTime<Utc>>,
    decisions: u32,
    paused: bool,
    paused_until: Option<DateTime<Utc>>,
    problem: Option<String>,
}

impl Look {
    /// From the dashboard's truth.
    pub fn of(overview: &Overview, tongue: Tongue) -> Self {
        let decisions = overview.conflicts.len() + overview.questions.len();
        Self {
            tongue,
            state: Some(overview.state),
            // As it is said: a check in the same minute changes nothing.
            as_of: overview
                .as_of
                .and_then(|at| at.with_second(0)?.with_nanosecond(0)),
            decisions: u32::try_from(decisions).unwrap_or(u32::MAX),
            paused: overview.paused_until.is_some() || overview.paused_for_ever,
            // What is turned off does not go on when a pause ends.
            paused_until: overview.paused_until.filter(|_| overview.enabled),
            problem: overview.problem.as_ref().map(|problem| problem.code.clone()),
        }
    }

    /// As this, but that the local data cannot be read now: nothing else is known to have changed.
    #[must_use]
    pub fn unreadable(&self, code: &str) -> Self {
        Self {
            state: Some(OverallState::NeedsAttention),
            problem: Some(code.to_owned()),
            ..self.clone()
        }
    }

    /// A run goes on.
    pub fn is_syncing(&self) -> bool {
        self.state == Some(OverallState::Syncing)
    }

    /// Goes on showing what was shown.
    pub fn keep_state_of(&mut self, known: &Self) {
        self.state = known.state;
    }

    /// State and last sync, or the end of the pause. The sync is told by its time of day: "2 min ago" would have to be said anew
    /// again and again to a menu that nobody has open, which is what woke the idle process most.
    pub(crate) fn line(&self) -> String {
        let state = self.state.unwrap_or(OverallState::Starting);
        match self.paused_until {
            Some(until) if state == OverallState::Paused => {
                self.tongue.paused_until(until.with_timezone(&Local))
            }
            _ => {
                let at = self.as_of.map(|at| at.with_timezone(&Local));
                self.tongue.state(state, at, self.problem.as_deref())
            }
        }
    }

    /// Its menu has the same items, but for the words of the first.
    fn has_menu_of(&self, other: &Self) -> bool {
        (self.tongue, self.paused, self.decisions) == (other.tongue, other.paused, other.decisions)
    }
}

/// Brings icon and menu up to date. Called only when something in `look` changed since `known`.
pub fn refresh(app: &AppHandle, look: Look, known: Look) {
    let on_main = app.clone();
    // In one go: each call from another thread would wait for the main thread, some thirty times for a menu.
    let asked = app.run_on_main_thread(move || {
        if let Err(error) = refresh_here(&on_main, &look, &known) {
            tracing::debug!(%error, "tray could not be changed");
        }
    });
    if let Err(error) = asked {
        tracing::debug!(%error, "tray could not be changed");
    }
}

fn refresh_here(app: &AppHandle, look: &Look, known: &Look) -> tauri::Result<()> {
    let Some(tray) = app.tray_by_id(ID) else {
        return Ok(());
    };
    // On Linux each icon goes through a file.
    if look.state != known.state {
        tray.set_icon(Some(icon(look.state.unwrap_or(OverallState::Starting))?))?;
    }
    tray.set_tooltip(Some(format!("Roundtrip · {}", look.line())))?;
    let gui = app.state::<Gui>();
    let mut first = gui.first_line.lock().unwrap_or_else(PoisonError::into_inner);
    match &*first {
        Some(first) if look.has_menu_of(known) => first.set_text(look.line()),
        _ => {
            let (menu, line) = menu(app, look)?;
            *first = Some(line);
            tray.set_menu(Some(menu))
        }
    }
}

/// The menu, and the item that is its first line.
fn menu(app: &AppHandle, look: &Look) -> tauri::Result<(Menu<Wry>, MenuItem<Wry>)> {
    let tongue = look.tongue;
    let first = MenuItemBuilder::with_id("state", look.line())
        .enabled(false)
        .build(app)?;
    let pause = SubmenuBuilder::with_id(app, "pause", tongue.pause())
        .text("pause-30", tongue.pause_for(30))
        .text("pause-120", tongue.pause_for(120))
        .text("pause-tomorrow", tongue.pause_until_tomorrow())
        .text("pause-ever", tongue.pause_for_ever())
        .build()?;
    let mut builder = MenuBuilder::new(app)
        .item(&first)
        .separator()
        .text("open", tongue.open())
        .text("sync", tongue.sync_now());
    builder = if look.paused {
        builder.text("resume", tongue.resume())
    } else {
        builder.item(&pause)
    };
    if look.decisions > 0 {
        builder = builder.text("decisions", tongue.decisions(look.decisions));
    }
    let menu = builder
        .text("settings", tongue.settings())
        .separator()
        .text("quit", tongue.quit())
        .build()?;
    Ok((menu, first))
}

fn chosen(app: &AppHandle, id: &str) {
    match id {
        "open" => super::window::show(app, None),
        "decisions" => super::window::show(app, Some("/conflicts".into())),
        "settings" => super::window::show(app, Some("/settings".into())),
        other => {
            let (app, id) = (app.clone(), other.to_owned());
            tauri::async_runtime::spawn(async move { chosen_later(&app, &id).await });
        }
    }
}

async fn chosen_later(app: &AppHandle, id: &str) {
    let gui = app.state::<Gui>();
    if id == "quit" {
        gui.quit(app).await;
        return;
    }
    let running = match gui.host.running_soon().await {
        Ok(Some(running)) => running,
        Ok(None) => return,
        Err(error) => {
            // The engine is put together anew, and that lasts: the window says so, and lets it be chosen once more.
            tracing::warn!(code = error.code, "what was chosen in the tray could not be done");
            super::window::show(app, None);
            return;
        }
    };
    let now = running.engine.now();
    let until = match id {
        "sync" => {
            gui.host.sync_now(&running).await;
            return;
        }
        "pause-30" => Some(now + Duration::minutes(30)),
        "pause-120" => Some(now + Duration::minutes(120)),
        "pause-tomorrow" => Some(tomorrow(now)),
        "pause-ever" => Some(roundtrip_engine::ledger::for_ever()),
        "resume" => None,
        _ => return,
    };
    if let Err(error) = running.engine.pause_until(until).await {
        tracing::warn!(%error, "pause could not be kept");
    }
}

/// Six o'clock tomorrow morning, in the laptop's zone.
pub fn tomorrow(now: DateTime<Utc>) -> DateTime<Utc> {
    let day = now.with_timezone(&Local).date_naive() + Duration::days(1);
    let six = day
        .and_hms_opt(6, 0, 0)
        .unwrap_or_else(|| day.and_time(NaiveTime::MIN));
    Local
        .from_local_datetime(&six)
        .earliest()
        .map_or(now + Duration::hours(12), |at| at.with_timezone(&Utc))
}

/// Diagnostics: is there a tray icon? Without one the window and autostart are enough, but the state is not seen.
pub fn check(app: &AppHandle) -> CheckView {
    let there = app.tray_by_id(ID).is_some();
    let turned_off = std::env::var_os("ROUNDTRIP_NO_TRAY").is_some();
    let (result, problem) = match (there, turned_off) {
        (true, _) => ("ok", None),
        (false, true) => ("skipped", None),
        (false, false) => ("problem", Some("no_tray".to_owned())),
    };
    CheckView {
        check: "tray".into(),
        result: result.into(),
        problem,
        detail: None,
    }
}

/// Icons for the system's usual panel: template on macOS, light strokes elsewhere, where panels are dark by default.
macro_rules! tray_icon {
    ($name:literal) => {{
        #[cfg(target_os = "macos")]
        let bytes: &'static [u8] = include_bytes!(concat!("../../../icons/tray/template/", $name, ".png"));
        #[cfg(not(target_os = "macos"))]
        let bytes: &'static [u8] =
            include_bytes!(concat!("../../../icons/tray/for-dark-panel/", $name, ".png"));
        bytes
    }};
}

fn icon(state: OverallState) -> tauri::Result<Image<'static>> {
    Image::from_bytes(match state {
        OverallState::UpToDate => tray_icon!("ok"),
        OverallState::Starting | OverallState::Syncing => tray_icon!("syncing"),
        OverallState::Paused => tray_icon!("paused"),
        OverallState::NeedsAttention | OverallState::NotConnected => tray_icon!("attention"),
        OverallState::Offline => tray_icon!("offline"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_until_tomorrow_ends_in_the_morning_of_the_next_day() {
        let now: DateTime<Utc> = "2026-12-01T21:30:00Z".parse().expect("a time");
        let until = tomorrow(now).with_timezone(&Local);
        assert_eq!(until.time(), NaiveTime::from_hms_opt(6, 0, 0).expect("a time"));
        let days = until.date_naive() - now.with_timezone(&Local).date_naive();
        assert_eq!(days.num_days(), 1);
    }

    #[test]
    fn the_first_line_says_when_a_pause_ends() {
        let until: DateTime<Utc> = Utc::now() + Duration::days(3);
        let look = |tongue| Look {
            tongue,
            state: Some(OverallState::Paused),
            paused: true,
            paused_until: Some(until),
            ..Look::default()
        };
        let clock = until.with_timezone(&Local).format("%H:%M").to_string();
        assert!(look(Tongue::En).line().starts_with("Paused until "));
        let german = look(Tongue::De).line();
        assert!(german.starts_with("Pausiert bis ") && german.ends_with(&clock));
    }

    #[test]
    fn the_first_line_says_when_it_was_checked_and_so_never_grows_old() {
        let look = |at| Look {
            tongue: Tongue::En,
            state: Some(OverallState::UpToDate),
            as_of: Some(at),
            ..Look::default()
        };
        let now = Utc::now();
        let clock = |at: DateTime<Utc>| at.with_timezone(&Local).format("%H:%M").to_string();
        assert_eq!(look(now).line(), format!("Up to date · checked {}", clock(now)));
        // Another day is named.
        let before = now - Duration::days(3);
        let line = look(before).line();
        assert!(line.starts_with("Up to date · checked ") && line.ends_with(&clock(before)));
        assert!(line.len() > look(now).line().len());
    }

    #[test]
    fn another_time_alone_makes_no_new_menu() {
        let look = Look {
            state: Some(OverallState::UpToDate),
            as_of: Some(Utc::now()),
            ..Look::default()
        };
        let later = Look {
            as_of: Some(Utc::now() + Duration::minutes(15)),
            state: Some(OverallState::Offline),
            ..look.clone()
        };
        assert!(later.has_menu_of(&look));
        for other in [
            Look {
                paused: true,
                ..look.clone()
            },
            Look {
                decisions: 1,
                ..look.clone()
            },
            Look {
                tongue: Tongue::De,
                ..look.clone()
            },
        ] {
            assert!(!other.has_menu_of(&Look {
                tongue: Tongue::En,
                ..look.clone()
            }));
        }
    }

    #[test]
    fn a_short_run_leaves_what_was_shown() {
        let known = Look {
            state: Some(OverallState::NeedsAttention),
            ..Look::default()
        };
        let mut look = Look {
            state: Some(OverallState::Syncing),
            decisions: 2,
            ..Look::default()
        };
        assert!(look.is_syncing());
        look.keep_state_of(&known);
        assert_eq!((look.state, look.decisions), (known.state, 2));
    }
}
