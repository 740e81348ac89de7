//! Checks one by one, each with a next step: network, clock, sign-ins, rights, database, keychain.

use super::{Host, Running};
use crate::ipc::dto::CheckView;
use roundtrip_engine::error_code;
use roundtrip_engine::ledger::LedgerError;
use roundtrip_engine::ports::{CalendarPort, PlatformPort, PortError};
use roundtrip_store::{KeyKind, Provider};

/// More than this many seconds off is said.
const CLOCK_SECONDS: i64 = 120;

/// Either of these lets events be read and written.
const CALENDAR_SCOPES: [&str; 2] = [
    roundtrip_google::CALENDAR_SCOPE,
    "https://www.googleapis.com/auth/calendar",
];

/// A detail, or the code of what is wrong with one.
type Checked = Result<Option<String>, (&'static str, Option<String>)>;

fn line(check: &str, result: Checked) -> CheckView {
    let (word, problem, detail) = match result {
        Ok(detail) => ("ok", None, detail),
        Err((problem, detail)) => ("problem", Some(problem.to_owned()), detail),
    };
    CheckView {
        check: check.into(),
        result: word.into(),
        problem,
        detail,
    }
}

fn skipped(check: &str) -> CheckView {
    CheckView {
        check: check.into(),
        result: "skipped".into(),
        problem: None,
        detail: None,
    }
}

/// The checks that need no window, in the order in which they are shown.
const CHECKS: [&str; 7] = [
    "network",
    "clock",
    "platform_sign_in",
    "google_sign_in",
    "calendar_rights",
    "database",
    "keychain",
];

fn offline(error: &PortError) -> bool {
    matches!(error, PortError::Unreachable { .. } | PortError::WrongCertificate)
}

impl Host {
    /// Runs all checks. Writes nothing to either side.
    pub async fn doctor(&self) -> Vec<CheckView> {
        let mut checks = Vec::new();
        for check in CHECKS {
            checks.extend(self.check(check).await);
        }
        checks
    }

    /// One check by its word; none if there is no such check.
    pub async fn check(&self, check: &str) -> Option<CheckView> {
        match check {
            "database" => return Some(self.check_database().await),
            "keychain" => return Some(self.check_keychain().await),
            _ if !CHECKS.contains(&check) => return None,
            _ => {}
        }
        let Some(running) = self.running().await else {
            let accounts = self.accounts().await;
            return Some(match check {
                "platform_sign_in" if accounts.platform.is_none() => {
                    line(check, Err(("platform_not_connected", None)))
                }
                "google_sign_in" if accounts.google.is_none() => {
                    line(check, Err(("google_not_connected", None)))
                }
                _ => skipped(check),
            });
        };
        Some(match check {
            "network" => line(check, check_network(&running).await),
            "clock" => check_clock(&running).await,
            "platform_sign_in" => line(check, check_platform(&running).await),
            "google_sign_in" => line(check, check_google(&running).await),
            _ => line(check, self.check_rights(&running).await),
        })
    }

    async fn check_database(&self) -> CheckView {
        let checked = async {
            if let Some(fault) = self.database.faults().await?.into_iter().next() {
                return Ok(Err(("database", Some(fault))));
            }
            // Sound, but not what it was: said until it is rebuilt.
            Ok(match self.database.put_aside().await? {
                Some(name) => Err(("database_rebuilt", Some(name))),
                None => Ok(None),
            })
        };
        let result: Result<Checked, LedgerError> = checked.await;
        line(
            "database",
            result.unwrap_or_else(|error| Err(("database", Some(error.to_string())))),
        )
    }

    /// Step by step: was the right granted, is the calendar there, can its events be read, may they be written. The detail
    /// names the step that did not work, or all of them.
    async fn check_rights(&self, running: &Running) -> Checked {
        let granted = self.accounts().await.google.map(|(account, _)| account.scopes);
        let granted = granted.unwrap_or_default();
        let may = |scope: &str| granted.iter().any(|granted| granted == scope);
        if !granted.is_empty() && !CALENDAR_SCOPES.iter().any(|scope| may(scope)) {
            return Err(("google_right_missing", Some("consent".into())));
        }
        let calendar = &running.engine.config().identity.calendar;
        match running.google.calendar(calendar).await {
            Ok(_) => {}
            Err(PortError::CalendarNotFound | PortError::NotFound) => {
                return Err(("calendar_not_found", Some("calendar".into())));
            }
            Err(PortError::RightMissing { .. }) => return Err(("google_right_missing", Some("read".into()))),
            Err(error) => return Err(("google_unreachable", Some(error_code(&error).into()))),
        }
        match running.google.may_write(calendar).await {
            // The sign-in has every right, so signing in again would be the wrong advice.
            Ok(Some(false)) => Err(("calendar_read_only", Some("write".into()))),
            Ok(_) => Ok(Some("consent, calendar, read, write".into())),
            Err(error) => Err(("google_unreachable", Some(error_code(&error).into()))),
        }
    }

    async fn check_keychain(&self) -> CheckView {
        let integrations = self.database.integrations();
        // The key is asked for with the first token; reading one makes sure that the answer is not a guess.
        for provider in [Provider::Platform, Provider::Google] {
            let accounts = self.accounts().await;
            let account = match provider {
                Provider::Platform => accounts.platform.map(|(account, _)| account.account_id),
                Provider::Google => accounts.google.map(|(account, _)| account.account_id),
            };
            if let Some(account) = account
                && let Err(error) = integrations.tokens(provider, &account).await
            {
                return line("keychain", Err(("keychain", Some(error.to_string()))));
            }
        }
        match (
            self.database.key_kind().await,
            self.database.tokens_are_volatile().await,
        ) {
            (_, Ok(Some(error))) => line("keychain", Err(("tokens_volatile", Some(error.to_string())))),
            (Ok(KeyKind::Environment), _) => line("keychain", Ok(Some("TOKEN_ENCRYPTION_KEY".into()))),
            (Ok(_), _) => line("keychain", Ok(None)),
            (Err(error), _) => line("keychain", Err(("keychain", Some(error.to_string())))),
        }
    }
}

async fn google_answer(running: &Running) -> Result<(), PortError> {
    let calendar = &running.engine.config().identity.calendar;
    running.google.calendar(calendar).await.map(|_| ())
}

/// One service that cannot be reached is its own trouble; both together are the network's.
async fn check_network(running: &Running) -> Checked {
    match running.platform.me().await {
        Err(error) if offline(&error) => of_both(&error, google_answer(running).await.err()),
        Ok(_) | Err(_) => Ok(None),
    }
}

fn of_both(platform: &PortError, google: Option<PortError>) -> Checked {
    match google {
        // Something answers for everybody, so the network is there.
        Some(PortError::WrongCertificate) if *platform == PortError::WrongCertificate => {
            Err(("nobody_proven", None))
        }
        Some(error) if offline(&error) => Err(("offline", None)),
        Some(_) | None => Ok(None),
    }
}

async fn check_clock(running: &Running) -> CheckView {
    let known = || {
        running
            .platform
            .clock_offset()
            .or_else(|| running.google.clock_offset())
    };
    if known().is_none() {
        // Any answer tells the time; whether it is a good one is the other checks' matter.
        let _ = running.platform.me().await;
    }
    match known() {
        None => skipped("clock"),
        Some(offset) if offset.num_seconds().abs() > CLOCK_SECONDS => line(
            "clock",
            Err(("clock_wrong", Some(format!("{} s", offset.num_seconds())))),
        ),
        Some(_) => line("clock", Ok(None)),
    }
}

async fn check_platform(running: &Running) -> Checked {
    match running.platform.me().await {
        Ok(_) => Ok(None),
        Err(PortError::SignInExpired | PortError::NotConnected) => Err(("platform_reauth", None)),
        Err(PortError::WrongCertificate) => Err(("platform_wrong_certificate", None)),
        Err(PortError::RightMissing { right }) => Err(("platform_right_missing", Some(right))),
        Err(error) => Err(("platform_unreachable", Some(error_code(&error).into()))),
    }
}

async fn check_google(running: &Running) -> Checked {
    match google_answer(running).await {
        Err(PortError::SignInExpired | PortError::NotConnected) => Err(("google_reauth", None)),
        Err(PortError::WrongCertificate) => Err(("google_wrong_certificate", None)),
        Err(error) if offline(&error) => Err(("google_unreachable", Some(error_code(&error).into()))),
        // A calendar that is not there or not allowed is another check's matter: the sign-in itself works.
        Ok(()) | Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_in_which_nobody_proves_who_they_are_is_there() {
        let lost = || PortError::Unreachable { nothing_sent: true };
        let wrong = || PortError::WrongCertificate;
        for (platform, google, said) in [
            (wrong(), Some(wrong()), Some("nobody_proven")),
            (wrong(), Some(lost()), Some("offline")),
            (lost(), Some(wrong()), Some("offline")),
            (lost(), Some(lost()), Some("offline")),
            (wrong(), None, None),
            (lost(), Some(PortError::SignInExpired), None),
        ] {
            assert_eq!(of_both(&platform, google).err().map(|(code, _)| code), said);
        }
    }
}
