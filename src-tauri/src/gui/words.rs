//! The few texts that are shown outside the window: tray and notifications, in both languages.

use crate::host::StartError;
use crate::host::notices::{Cause, Notice, Summary};
use crate::ipc::dto::OverallState;
use crate::ipc::settings::system_language;
use chrono::{DateTime, Local};
use roundtrip_core::silence;

/// Language of the texts outside the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    En,
    /// German.
    De,
}

impl Default for Tongue {
    fn default() -> Self {
        Self::of("system")
    }
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

    /// First line of the tray menu. `problem` is the code of what it waits for, where it waits.
    pub fn state(
        self,
        state: OverallState,
        checked: Option<DateTime<Local>>,
        problem: Option<&str>,
    ) -> String {
        let when = match (checked, self) {
            (None, _) => String::new(),
            (Some(at), Self::En) => format!(" · checked {}", self.when(at)),
            (Some(at), Self::De) => format!(" · geprüft {}", self.when(at)),
        };
        match state {
            OverallState::Starting => self.pick("Starting…", "Startet…"),
            OverallState::NotConnected => self.pick("Not connected", "Nicht verbunden"),
            // The tooltip says it, because the icon alone says only that something is wrong.
            OverallState::NeedsAttention if problem.is_some_and(|code| code.starts_with(silence::CODE)) => {
                self.pick(
                    "Needs attention · nothing came through for 2 hours",
                    "Braucht Sie · seit 2 Stunden kam nichts durch",
                )
            }
            OverallState::NeedsAttention => match problem {
                Some("disk_full") => self.pick(
                    "Needs attention · the disk is full",
                    "Braucht Sie · die Festplatte ist voll",
                ),
                Some("database_damaged") => self.pick(
                    "Needs attention · the local data is damaged",
                    "Braucht Sie · die lokalen Daten sind beschädigt",
                ),
                Some("database_unavailable" | "database_unreadable") => self.pick(
                    "Needs attention · the local data can’t be read",
                    "Braucht Sie · die lokalen Daten sind nicht lesbar",
                ),
                Some(_) | None => self.pick("Needs attention", "Braucht Sie"),
            },
            OverallState::Offline => match problem {
                // The network is there; one of the services does not answer.
                Some(code) if code != "offline" => self.pick("Waiting", "Wartet"),
                _ => self.pick("Waiting (offline)", "Wartet (offline)"),
            },
            OverallState::Paused => self.pick("Paused", "Pausiert"),
            OverallState::Syncing => self.pick("Syncing…", "Synchronisiert…"),
            OverallState::UpToDate => format!("{}{when}", self.pick("Up to date", "Aktuell")),
        }
    }

    /// Menu items: open, sync now, pause, resume, conflicts, settings, quit.
    pub fn open(self) -> String {
        self.pick("Open Roundtrip", "Roundtrip öffnen")
    }
    /// "Sync now".
    pub fn sync_now(self) -> String {
        self.pick("Sync now", "Jetzt synchronisieren")
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
    /// "14:30"; with the day if that is another one.
    fn when(self, at: DateTime<Local>) -> String {
        let day = match (at.date_naive() == Local::now().date_naive(), self) {
            (true, _) => String::new(),
            (false, Self::En) => at.format("%e/%m ").to_string(),
            (false, Self::De) => at.format("%e.%m. ").to_string(),
        };
        format!("{}{}", day.trim_start(), at.format("%H:%M"))
    }
    /// "Paused until 14:30".
    pub fn paused_until(self, until: DateTime<Local>) -> String {
        let when = self.when(until);
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

    /// Title of the notification that the app did not start.
    pub fn could_not_start(self) -> String {
        self.pick("Roundtrip couldn’t start", "Roundtrip konnte nicht starten")
    }

    /// Why the app did not start, where it has words of its own in both languages.
    pub fn why_not(self, error: &StartError) -> String {
        match error {
            StartError::InUse => self.pick(
                "Another Roundtrip is at work here: a command, or the window of another session. Wait for its end or end it, and open Roundtrip again.",
                "Ein anderes Roundtrip arbeitet hier: ein Befehl oder das Fenster einer anderen Sitzung. Warten Sie sein Ende ab oder beenden Sie es, und öffnen Sie Roundtrip erneut.",
            ),
            other => other.to_string(),
        }
    }

    /// Title and text of the notification that a start waits for another process.
    pub fn waits_for_another(self) -> (String, String) {
        (
            self.pick(
                "Another Roundtrip (a command) is at work here",
                "Ein anderes Roundtrip (ein Befehl) arbeitet hier",
            ),
            self.pick(
                "This one opens when it has ended.",
                "Dieses öffnet sich, wenn es fertig ist.",
            ),
        )
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
                    "Google asks you to sign in again",
                    "Google bittet um eine neue Anmeldung",
                ),
                self.pick(
                    "Your appointments wait until then. Nothing is lost.",
                    "Ihre Termine warten so lange. Nichts geht verloren.",
                ),
                reconnect(),
            ),
            Cause::ReconnectPlatform => (
                match self {
                    Self::En => format!("{platform} asks you to sign in again"),
                    Self::De => format!("{platform} bittet um eine neue Anmeldung"),
                },
                self.pick(
                    "Your calendar stays as it is until then.",
                    "Ihr Kalender bleibt so lange, wie er ist.",
                ),
                reconnect(),
            ),
            Cause::RightMissingGoogle => (
                self.pick(
                    "Google no longer lets Roundtrip into your calendar",
                    "Google lässt Roundtrip nicht mehr in Ihren Kalender",
                ),
                self.pick(
                    "Sign in again and allow everything it asks for. Nothing is lost.",
                    "Melden Sie sich neu an und erlauben Sie alles, worum es bittet. Nichts geht verloren.",
                ),
                reconnect(),
            ),
            Cause::RightMissingPlatform => (
                match self {
                    Self::En => format!("{platform} doesn’t allow everything that Roundtrip needs"),
                    Self::De => format!("{platform} erlaubt nicht alles, was Roundtrip braucht"),
                },
                self.pick(
                    "Sign in again and allow everything; if that doesn’t help, ask your academy. Nothing is lost.",
                    "Melden Sie sich neu an und erlauben Sie alles; hilft das nicht, fragen Sie Ihre Akademie. Nichts geht verloren.",
                ),
                reconnect(),
            ),
            Cause::Conflicts => (
                match (self, notice.count) {
                    (Self::En, 1) => "1 appointment waits for your decision".into(),
                    (Self::De, 1) => "1 Termin wartet auf Ihre Entscheidung".into(),
                    (Self::En, count) => format!("{count} appointments wait for your decision"),
                    (Self::De, count) => format!("{count} Termine warten auf Ihre Entscheidung"),
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
                    "Bis zu Ihrer Antwort wird nichts geändert.",
                ),
                look(),
            ),
            Cause::Held => (
                match (self, notice.count) {
                    (Self::En, 1) => "1 event is about to leave your calendar".into(),
                    (Self::De, 1) => "1 Eintrag soll aus Ihrem Kalender verschwinden".into(),
                    (Self::En, count) => format!("{count} events are about to leave your calendar"),
                    (Self::De, count) => format!("{count} Einträge sollen aus Ihrem Kalender verschwinden"),
                },
                self.pick(
                    "You can keep them. Without a word from you they go after a day.",
                    "Sie können sie behalten. Ohne Ihre Antwort gehen sie nach einem Tag.",
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
            Cause::Silence => (
                self.pick(
                    "Nothing has come through for 2 hours",
                    "Seit 2 Stunden kommt nichts mehr durch",
                ),
                self.pick(
                    "Your calendar may be out of date. Nothing is lost.",
                    "Ihr Kalender ist vielleicht nicht aktuell. Nichts geht verloren.",
                ),
                look(),
            ),
            Cause::DiskFull => (
                self.pick("The disk is full", "Die Festplatte ist voll"),
                self.pick(
                    "Make room on it. Your calendar stays as it is until then.",
                    "Schaffen Sie Platz darauf. Ihr Kalender bleibt so lange, wie er ist.",
                ),
                look(),
            ),
            Cause::DataDamaged => (
                self.pick(
                    "The local data is damaged",
                    "Die lokalen Daten sind beschädigt",
                ),
                self.pick(
                    "Quit Roundtrip and open it again. Your calendar stays as it is until then.",
                    "Beenden Sie Roundtrip und öffnen Sie es wieder. Ihr Kalender bleibt so lange, wie er ist.",
                ),
                look(),
            ),
            Cause::DataUnreadable => (
                self.pick(
                    "The local data can’t be read",
                    "Die lokalen Daten sind nicht lesbar",
                ),
                self.pick(
                    "Open Roundtrip and try again. Your calendar stays as it is until then.",
                    "Öffnen Sie Roundtrip und versuchen Sie es erneut. Ihr Kalender bleibt so lange, wie er ist.",
                ),
                look(),
            ),
            Cause::DataReplaced => (
                self.pick(
                    "The local data was damaged, and nothing syncs",
                    "Die lokalen Daten waren beschädigt, und nichts wird synchronisiert",
                ),
                self.pick(
                    "Sign in again at both services. Your calendar stays as it is until then.",
                    "Melden Sie sich bei beiden Diensten neu an. Ihr Kalender bleibt so lange, wie er ist.",
                ),
                look(),
            ),
            Cause::CalendarNotFound => (
                self.pick("Calendar not found", "Kalender nicht gefunden"),
                self.pick(
                    "Choose another one to go on.",
                    "Wählen Sie einen anderen, um fortzufahren.",
                ),
                look(),
            ),
            Cause::CalendarReadOnly => (
                self.pick(
                    "Your calendar may only be read now",
                    "Ihr Kalender darf nur noch gelesen werden",
                ),
                self.pick(
                    "Ask its owner for the right to write, or choose another one.",
                    "Bitten Sie um das Recht, darin zu schreiben, oder wählen Sie einen anderen.",
                ),
                look(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [OverallState; 7] = [
        OverallState::Starting,
        OverallState::NotConnected,
        OverallState::NeedsAttention,
        OverallState::Offline,
        OverallState::Paused,
        OverallState::Syncing,
        OverallState::UpToDate,
    ];
    const CAUSES: [Cause; 15] = [
        Cause::DataReplaced,
        Cause::RightMissingGoogle,
        Cause::RightMissingPlatform,
        Cause::DiskFull,
        Cause::DataDamaged,
        Cause::DataUnreadable,
        Cause::Held,
        Cause::Silence,
        Cause::ReconnectGoogle,
        Cause::ReconnectPlatform,
        Cause::Conflicts,
        Cause::Question,
        Cause::WritesFailed,
        Cause::CalendarNotFound,
        Cause::CalendarReadOnly,
    ];

    /// Everything that can be said.
    fn all(tongue: Tongue) -> Vec<String> {
        let summary = |count| Summary {
            count,
            first: "09:00".into(),
            title: None,
        };
        let mut said = vec![
            tongue.open(),
            tongue.sync_now(),
            tongue.pause(),
            tongue.pause_for(30),
            tongue.pause_for(120),
            tongue.pause_until_tomorrow(),
            tongue.pause_for_ever(),
            tongue.paused_until(Local::now()),
            tongue.resume(),
            tongue.decisions(2),
            tongue.settings(),
            tongue.quit(),
            tongue.could_not_start(),
            tongue.why_not(&StartError::InUse),
            tongue.waits_for_another().0,
            tongue.waits_for_another().1,
            tongue.summary(&summary(1)).0,
            tongue.summary(&summary(2)).0,
        ];
        for state in STATES {
            said.push(tongue.state(state, Some(Local::now()), None));
            said.push(tongue.state(state, None, Some("google_unreachable")));
            for code in [
                silence::CODE,
                "disk_full",
                "database_damaged",
                "database_unavailable",
            ] {
                said.push(tongue.state(state, None, Some(code)));
            }
        }
        for cause in CAUSES {
            for count in [1, 2] {
                let notice = Notice {
                    cause: cause.clone(),
                    count,
                    route: "/".into(),
                    told: false,
                    title: None,
                };
                let (title, text, action) = tongue.notice(&notice, "Linden Akademie");
                said.extend([title, text]);
                said.extend(action.map(|(_, label)| label));
            }
        }
        said
    }

    #[test]
    fn german_words_address_the_trainer_as_the_window_does() {
        for said in all(Tongue::De) {
            let familiar = said
                .to_lowercase()
                .split(|letter: char| !letter.is_alphabetic())
                .any(|word| ["du", "dich", "dir"].contains(&word) || word.starts_with("dein"));
            assert!(!familiar, "{said}");
            assert!(
                !said.contains("bgleich") && !said.contains("leicht ab"),
                "one word for syncing: {said}"
            );
        }
    }

    #[test]
    fn the_tray_says_silence_in_words() {
        let line = |code| Tongue::En.state(OverallState::NeedsAttention, None, Some(code));
        assert_eq!(
            line("no_success_2h_google"),
            "Needs attention · nothing came through for 2 hours"
        );
        assert_eq!(line("google_reauth"), "Needs attention");
    }

    #[test]
    fn offline_is_said_only_when_it_is_the_network() {
        let line = |code| Tongue::De.state(OverallState::Offline, None, code);
        assert_eq!(line(Some("offline")), "Wartet (offline)");
        assert_eq!(line(None), "Wartet (offline)");
        assert_eq!(line(Some("google_unreachable")), "Wartet");
    }
}
