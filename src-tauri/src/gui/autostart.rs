//! The start at log-in as the system has it: somebody may have turned it off there, or moved the app.

#[cfg(target_os = "linux")]
use super::HIDDEN;
use tauri::AppHandle;
use tauri_plugin_autostart::ManagerExt;

/// Whether the system starts the app at log-in; none if it does not say.
#[cfg(not(target_os = "linux"))]
pub fn is_on(app: &AppHandle) -> Option<bool> {
    app.autolaunch().is_enabled().ok()
}

/// Whether the desktop starts the app at log-in; none if its entry cannot be read.
#[cfg(target_os = "linux")]
pub fn is_on(app: &AppHandle) -> Option<bool> {
    match std::fs::read_to_string(entry(app)?) {
        Ok(text) => Some(is_on_in(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Registers the start at log-in anew where the system has it on: the app may have been moved or installed elsewhere since, and the
/// system would start nothing, without a word. Who turned it off there is not overruled.
pub fn renew(app: &AppHandle) {
    if std::env::var_os("ROUNDTRIP_NO_REGISTER").is_some() || is_on(app) != Some(true) {
        return;
    }
    // Written where it is another one only: the plugin empties the file first, and an end in between would leave it so.
    #[cfg(target_os = "linux")]
    if entry(app)
        .and_then(|path| std::fs::read_to_string(path).ok())
        .is_some_and(|text| exec_in(&text).map(str::to_owned) == command(app))
    {
        return;
    }
    if let Err(error) = app.autolaunch().enable() {
        tracing::info!(%error, "autostart could not be renewed");
    }
}

/// Where the plugin keeps the entry.
#[cfg(target_os = "linux")]
fn entry(app: &AppHandle) -> Option<std::path::PathBuf> {
    let home = directories::BaseDirs::new()?.home_dir().to_owned();
    let name = format!("{}.desktop", app.package_info().name);
    Some(home.join(".config/autostart").join(name))
}

/// What the plugin would write as the command.
#[cfg(target_os = "linux")]
fn command(app: &AppHandle) -> Option<String> {
    use tauri::Manager;
    let image = app
        .env()
        .appimage
        .and_then(|path| path.to_str().map(str::to_owned));
    let program = match image {
        Some(image) => image,
        None => std::env::current_exe().ok()?.display().to_string(),
    };
    Some(format!("{program} {HIDDEN}"))
}

/// The value of a key of the entry itself, not of one of its actions.
#[cfg(target_os = "linux")]
fn value<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != "[Desktop Entry]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim_end() == key).then(|| value.trim_start())
        })
}

/// Desktops turn an entry off by a key in it and leave the file: `Hidden` by the standard, the other one by GNOME.
#[cfg(target_os = "linux")]
fn is_on_in(text: &str) -> bool {
    let says = |key: &str, word: &str| value(text, key).is_some_and(|value| value.eq_ignore_ascii_case(word));
    !says("Hidden", "true") && !says("X-GNOME-Autostart-enabled", "false")
}

#[cfg(target_os = "linux")]
fn exec_in(text: &str) -> Option<&str> {
    value(text, "Exec")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// As the plugin writes it.
    const WRITTEN: &str = "[Desktop Entry]\nType=Application\nVersion=1.0\nName=Roundtrip\n\
        Comment=Roundtrip startup script\nExec=/opt/roundtrip --hidden\nStartupNotify=false\nTerminal=false";

    #[test]
    fn who_turned_the_start_off_in_the_desktop_s_settings_is_not_overruled() {
        assert!(is_on_in(WRITTEN));
        for off in ["Hidden=true", "Hidden = True", "X-GNOME-Autostart-enabled=false"] {
            assert!(!is_on_in(&format!("{WRITTEN}\n{off}\n")), "{off}");
        }
        for on in [
            "Hidden=false",
            "X-GNOME-Autostart-enabled=true",
            "# Hidden=true",
            "[Desktop Action Quiet]\nHidden=true",
        ] {
            assert!(is_on_in(&format!("{WRITTEN}\n{on}\n")), "{on}");
        }
    }

    #[test]
    fn an_entry_is_the_same_as_long_as_its_command_is() {
        assert_eq!(exec_in(WRITTEN), Some("/opt/roundtrip --hidden"));
        let with_action = WRITTEN.replace("Exec=", "Icon=") + "\n[Desktop Action A]\nExec=/bin/other\n";
        assert_eq!(exec_in(&with_action), None);
        assert_eq!(exec_in(""), None, "an end in the middle of writing it");
    }
}
