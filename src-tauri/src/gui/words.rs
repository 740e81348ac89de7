//! The few texts that are shown outside the window: tray and notifications, in both languages.

use crate::host::notices::{Cause, Notice, Summary};
use crate::ipc::dto::OverallState;
use crate::ipc::settings::system_language;
use chrono::{DateTime, Local};

/// Language of the texts outside the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    En,
    /// German.
    De,
}

impl Tongue {
    /// From the app's setting; `system` follows the system.
    pub fn of(setting: &str) -> Self {
        let word = if setting == "system" {
            system_language()
        } else {
            setting
        };
        if word == "de" { Self::De } else { Self::En }
    }

    fn pick(self, en: &str, de: &str) -> String {
        match self {
            Self::En => en,
            Self::De => de,
        }
        .to_owned()
    }

    /// First line of the tray menu.
    pub fn state(self, state: OverallState, minutes: Option<i64>) -> String {
        let ago = match (minutes, self) {
            (None, _) => String::new(),
            (Some(..=0), Self::En) => " · just now".into(),
            (Some(..=0), Self::De) => " · gerade eben".into(),
            (Some(minutes), Self::En) => format!(" · {minutes} min ago"),
            (Some(minutes), Self::De) => format!(" · vor {minutes} Min."),
        };
        match state {
            OverallState::Starting => self.pick("Starting…", "Startet…"),
            OverallState::NotConnected => self.pick("Not connected", "Nicht verbunden"),
            OverallState::NeedsAttention => self.pick("Needs attention", "Braucht dich"),
            OverallState::Offline => self.pick("Waiting (offline)", "Wartet (offline)"),
            OverallState::Paused => self.pick("Paused", "Pausiert"),
            OverallState::Syncing => self.pick("Syncing…", "Gleicht ab…"),
            OverallState::UpToDate => format!("{}{ago}", self.pick("Up to date", "Aktuell")),
        }
    }

    /// Menu items: open, sync now, pause, resume, conflicts, settings, quit.
    pub fn open(self) -> String {
        self.pick("Open Roundtrip", "Roundtrip öffnen")
    }
    /// "Sync now".
    pub fn sync_now(self) -> String {
        self.pick("Sync now", "Jetzt abgleichen")
    }
    /// "Pause".
    pub fn pause(self) -> String {
        self.pick("Pause", "Pause")
    }
    /// For so many minutes.
    pub fn pause_for(self, minutes: u32) -> String {
        match (minutes, self) {
            (120, Self::En) => "2 hours".into(),
            (120, Self::De) => "2 Stunden".into(),
            (_, Self::En) => format!("{minutes} minutes"),
            (_, Self::De) => format!("{minutes} Minuten"),
        }
    }
    /// Until tomorrow morning.
    pub fn pause_until_tomorrow(self) -> String {
        self.pick("Until tomorrow", "Bis morgen")
    }
    /// "Paused until 14:30"; with the day if that is another one.
    pub fn paused_until(self, until: DateTime<Local>) -> String {
        let day = match (until.date_naive() == Local::now().date_naive(), self) {
            (true, _) => String::new(),
            (false, Self::En) => until.format("%e/%m ").to_string(),
            (false, Self::De) => until.format("%e.%m. ").to_string(),
        };
        let when = format!("{}{}", day.trim_start(), until.format("%H:%M"));
        match self {
            Self::En => format!("Paused until {when}"),
            Self::De => format!("Pausiert bis {when}"),
        }
    }
    /// Until resumed.
    pub fn pause_for_ever(self) -> String {
        self.pick("Until I resume", "Bis ich fortsetze")
    }
    /// "Resume".
    pub fn resume(self) -> String {
        self.pick("Resume", "Fortsetzen")
    }
    /// "Decisions (2)".
    pub fn decisions(self, count: u32) -> String {
        match self {
            Self::En => format!("Decisions ({count})"),
            Self::De => format!("Entscheidungen ({count})"),
        }
    }
    /// "Settings".
    pub fn settings(self) -> String {
        self.pick("Settings…", "Einstellungen…")
    }
    /// "Quit".
    pub fn quit(self) -> String {
        self.pick("Quit Roundtrip", "Roundtrip beenden")
    }

    /// Title and text of the morning's summary.
    pub fn summary(self, summary: &Summary) -> (String, String) {
        let first = &summary.first;
        let title = match (self, summary.count) {
            (Self::En, 1) => format!("1 appointment today, at {first}"),
            (Self::De, 1) => format!("1 Termin heute, um {first}"),
            (Self::En, count) => format!("{count} appointments today, first at {first}"),
            (Self::De, count) => format!("{count} Termine heute, der erste um {first}"),
        };
        (title, summary.title.clone().unwrap_or_default())
    }

    /// Title, text and name of the one action of a notification. No client names, and no titles unless they were chosen.
    pub fn notice(self, notice: &Notice, platform: &str) -> (String, String, Option<(&'static str, String)>) {
        let reconnect = || Some(("reconnect", self.pick("Reconnect", "Neu verbinden")));
        let look = || Some(("show", self.pick("Look at it", "Ansehen")));
        match notice.cause {
            Cause::ReconnectGoogle => (
                self.pick(
                    "Google needs you to sign in again",
                    "Google braucht eine neue Anmeldung",
                ),
                self.pick(
                    "Your appointments wait until then. Nothing is lost.",
                    "Deine Termine warten so lange. Nichts geht verloren.",
                ),
                reconnect(),
            ),
            Cause::ReconnectPlatform => (
                match self {
                    Self::En => format!("{platform} needs you to sign in again"),
                    Self::De => format!("{platform} braucht eine neue Anmeldung"),
                },
                self.pick(
                    "Your calendar stays as it is until then.",
                    "Dein Kalender bleibt so lange, wie er ist.",
                ),
                reconnect(),
            ),
            Cause::Conflicts => (
                match (self, notice.count) {
                    (Self::En, 1) => "1 appointment waits for your decision".into(),
                    (Self::De, 1) => "1 Termin wartet auf deine Entscheidung".into(),
                    (Self::En, count) => format!("{count} appointments wait for your decision"),
                    (Self::De, count) => format!("{count} Termine warten auf deine Entscheidung"),
                },
                notice.title.clone().unwrap_or_else(|| {
                    self.pick(
                        "Both versions are kept until then.",
                        "Beide Fassungen bleiben so lange erhalten.",
                    )
                }),
                look(),
            ),
            Cause::Question => (
                self.pick(
                    "An unusually large change waits for your word",
                    "Eine ungewöhnlich große Änderung wartet",
                ),
                self.pick(
                    "Nothing is changed before you answer.",
                    "Bis zu deiner Antwort wird nichts geändert.",
                ),
                look(),
            ),
            Cause::WritesFailed => (
                match (self, notice.count) {
                    (Self::En, 1) => "1 appointment couldn't be written".into(),
                    (Self::De, 1) => "1 Termin konnte nicht geschrieben werden".into(),
                    (Self::En, count) => format!("{count} appointments couldn't be written"),
                    (Self::De, count) => format!("{count} Termine konnten nicht geschrieben werden"),
                },
                self.pick("It will be tried again.", "Es wird erneut versucht."),
                look(),
            ),
            Cause::CalendarNotFound => (
                self.pick("Calendar not found", "Kalender nicht gefunden"),
                self.pick(
                    "Choose another one to go on.",
                    "Wähle einen anderen, um fortzufahren.",
                ),
                look(),
            ),
        }
    }
}
