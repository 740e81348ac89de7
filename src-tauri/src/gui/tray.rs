//! The tray: state in its first line, and everything in its menu, because on Linux there are no clicks.

use super::Gui;
use super::words::Tongue;
use crate::ipc::dto::{CheckView, OverallState, Overview};
use crate::ipc::settings::keys;
use chrono::{DateTime, Duration, Local, NaiveTime, TimeZone, Utc};
use roundtrip_engine::ledger::Trigger;
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Wry};

const ID: &str = "main";

/// Makes the tray icon. Where there is none (plain GNOME) the window and autostart are enough alone.
pub fn create(app: &AppHandle) -> tauri::Result<()> {
    let menu = menu(app, Tongue::of("system"), &Look::default())?;
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

/// So many minutes are told one by one.
const FEW_MINUTES: i64 = 5;
/// A tray that says nothing of time is looked at this often all the same.
const LOOKED_AT_MINUTES: i64 = 15;

/// What the menu depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    state: Option<OverallState>,
    as_of: Option<DateTime<Utc>>,
    minutes: Option<i64>,
    decisions: u32,
    paused: bool,
    paused_until: Option<DateTime<Utc>>,
    problem: Option<String>,
}

impl Look {
    /// From the dashboard's truth.
    pub fn of(overview: &Overview) -> Self {
        let decisions = overview.conflicts.len() + overview.questions.len();
        Self {
            state: Some(overview.state),
            as_of: overview.as_of,
            minutes: overview.as_of.map(|at| minutes_said(Utc::now() - at)),
            decisions: u32::try_from(decisions).unwrap_or(u32::MAX),
            paused: overview.paused_until.is_some() || overview.paused_for_ever,
            paused_until: overview.paused_until,
            problem: overview.problem.as_ref().map(|problem| problem.code.clone()),
        }
    }

    /// The same some time later: how long ago it was grows by itself, nothing else does.
    pub fn at(&self, now: DateTime<Utc>) -> Self {
        Self {
            minutes: self.as_of.map(|at| minutes_said(now - at)),
            ..self.clone()
        }
    }

    /// When what it says is no longer right, if nothing happens until then.
    pub fn changes_in(&self, now: DateTime<Utc>) -> std::time::Duration {
        let age = self.as_of.map(|at| (now - at).num_seconds().max(0));
        let seconds = match (self.state, age) {
            (Some(OverallState::UpToDate), Some(age)) if age < FEW_MINUTES * 60 => 60 - age % 60,
            (Some(OverallState::UpToDate), Some(age)) => FEW_MINUTES * 60 - age % (FEW_MINUTES * 60),
            // No other state says how long ago. The morning's summary wants a look now and then.
            _ => LOOKED_AT_MINUTES * 60,
        };
        std::time::Duration::from_secs(seconds.unsigned_abs())
    }

    /// A run goes on.
    pub fn is_syncing(&self) -> bool {
        self.state == Some(OverallState::Syncing)
    }

    /// Goes on showing what was shown.
    pub fn keep_state_of(&mut self, known: &Self) {
        self.state = known.state;
    }

    /// State and last sync, or the end of the pause.
    fn line(&self, tongue: Tongue) -> String {
        let state = self.state.unwrap_or(OverallState::Starting);
        match self.paused_until {
            Some(until) if state == OverallState::Paused => tongue.paused_until(until.with_timezone(&Local)),
            _ => tongue.state(state, self.minutes, self.problem.as_deref()),
        }
    }
}

/// Minutes as the first line says them: every one of the first few, then in fives. The tray so has to be woken seldom, and
/// nobody acts upon eleven minutes otherwise than upon ten.
fn minutes_said(age: Duration) -> i64 {
    let minutes = age.num_minutes().max(0);
    match minutes < FEW_MINUTES {
        true => minutes,
        false => minutes - minutes % FEW_MINUTES,
    }
}

/// Brings icon and menu up to date. Called only when something in `look` changed since `known`.
pub async fn refresh(app: &AppHandle, look: &Look, known: &Look) {
    let Some(tray) = app.tray_by_id(ID) else { return };
    let setting = app
        .state::<Gui>()
        .host
        .database
        .setting::<String>(keys::LANGUAGE)
        .await
        .ok()
        .flatten();
    let tongue = Tongue::of(setting.as_deref().unwrap_or("system"));
    let state = look.state.unwrap_or(OverallState::Starting);
    let done = (|| -> tauri::Result<()> {
        // On Linux each icon goes through a file.
        if look.state != known.state {
            tray.set_icon(Some(icon(state)?))?;
        }
        tray.set_tooltip(Some(format!("Roundtrip · {}", look.line(tongue))))?;
        tray.set_menu(Some(menu(app, tongue, look)?))
    })();
    if let Err(error) = done {
        tracing::debug!(%error, "tray could not be changed");
    }
}

fn menu(app: &AppHandle, tongue: Tongue, look: &Look) -> tauri::Result<Menu<Wry>> {
    let first = MenuItemBuilder::with_id("state", look.line(tongue))
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
    builder
        .text("settings", tongue.settings())
        .separator()
        .text("quit", tongue.quit())
        .build()
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
    let Some(running) = gui.host.running().await else {
        return;
    };
    let now = running.engine.now();
    let until = match id {
        "sync" => {
            running.engine.ask_for(Trigger::Manual);
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
        let look = Look {
            state: Some(OverallState::Paused),
            paused: true,
            paused_until: Some(until),
            ..Look::default()
        };
        let clock = until.with_timezone(&Local).format("%H:%M").to_string();
        assert!(look.line(Tongue::En).starts_with("Paused until "));
        assert!(
            look.line(Tongue::De).starts_with("Pausiert bis ") && look.line(Tongue::De).ends_with(&clock)
        );
        let synced = Look {
            state: Some(OverallState::UpToDate),
            minutes: Some(2),
            ..Look::default()
        };
        assert_eq!(synced.line(Tongue::En), "Up to date · 2 min ago");
    }

    #[test]
    fn the_first_line_ages_in_steps_that_wake_nobody_often() {
        let at: DateTime<Utc> = "2026-12-01T21:30:00Z".parse().expect("a time");
        let look = Look {
            state: Some(OverallState::UpToDate),
            as_of: Some(at),
            ..Look::default()
        };
        let said = |seconds| look.at(at + Duration::seconds(seconds)).minutes;
        assert_eq!(
            [59, 60, 299, 300, 599, 600].map(said),
            [0, 1, 4, 5, 5, 10].map(Some)
        );
        // Each step comes just when the words change, fifteen minutes take seven of them.
        let mut now = at;
        let mut steps = Vec::new();
        while now - at < Duration::minutes(15) {
            let before = look.at(now).minutes;
            now += Duration::from_std(look.changes_in(now)).expect("a step");
            assert!(look.at(now).minutes > before);
            steps.push((now - at).num_minutes());
        }
        assert_eq!(steps, [1, 2, 3, 4, 5, 10, 15]);
        let paused = Look {
            state: Some(OverallState::Paused),
            ..look
        };
        assert_eq!(paused.changes_in(at).as_secs(), 15 * 60);
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
