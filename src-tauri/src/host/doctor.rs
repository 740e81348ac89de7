//! Checks one by one, each with a next step: network, clock, sign-ins, rights, database, keychain.

use super::{Host, Running};
use crate::ipc::dto::CheckView;
use roundtrip_engine::error_code;
use roundtrip_engine::ports::{CalendarPort, PlatformPort, PortError};
use roundtrip_store::{KeyKind, Provider};

/// More than this many seconds off is said.
const CLOCK_SECONDS: i64 = 120;

fn line(check: &str, result: Result<Option<String>, (&str, Option<String>)>) -> CheckView {
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

impl Host {
    /// Runs all checks. Writes nothing to either side.
    pub async fn doctor(&self) -> Vec<CheckView> {
        let mut checks = Vec::new();
        let running = self.running().await;
        let accounts = self.accounts().await;
        match &running {
            Some(running) => self.check_services(running, &mut checks).await,
            None => {
                let platform = accounts.platform.is_some();
                checks.push(skipped("network"));
                checks.push(skipped("clock"));
                checks.push(if platform {
                    skipped("platform_sign_in")
                } else {
                    line("platform_sign_in", Err(("platform_not_connected", None)))
                });
                checks.push(if accounts.google.is_some() {
                    skipped("google_sign_in")
                } else {
                    line("google_sign_in", Err(("google_not_connected", None)))
                });
                checks.push(skipped("calendar_rights"));
            }
        }
        checks.push(line(
            "database",
            match self.database.connections().await {
                Ok(_) => Ok(None),
                Err(error) => Err(("database", Some(error.to_string()))),
            },
        ));
        checks.push(self.check_keychain().await);
        checks
    }

    async fn check_services(&self, running: &Running, checks: &mut Vec<CheckView>) {
        let me = running.platform.me().await;
        let google = running
            .google
            .calendar(&running.engine.config().identity.calendar)
            .await;
        let offline = |error: &PortError| matches!(error, PortError::Unreachable { .. });
        let both_offline =
            me.as_ref().err().is_some_and(offline) && google.as_ref().err().is_some_and(offline);
        checks.push(line(
            "network",
            if both_offline {
                Err(("offline", None))
            } else {
                Ok(None)
            },
        ));
        let offset = running
            .platform
            .clock_offset()
            .or_else(|| running.google.clock_offset());
        checks.push(match offset {
            None => skipped("clock"),
            Some(offset) if offset.num_seconds().abs() > CLOCK_SECONDS => line(
                "clock",
                Err(("clock_wrong", Some(format!("{} s", offset.num_seconds())))),
            ),
            Some(_) => line("clock", Ok(None)),
        });
        checks.push(line(
            "platform_sign_in",
            match &me {
                Ok(_) => Ok(None),
                Err(PortError::SignInExpired | PortError::NotConnected) => Err(("platform_reauth", None)),
                Err(error) => Err(("platform_unreachable", Some(error_code(error).into()))),
            },
        ));
        checks.push(line(
            "google_sign_in",
            match &google {
                Err(PortError::SignInExpired | PortError::NotConnected) => Err(("google_reauth", None)),
                Err(error) if offline(error) => Err(("google_unreachable", Some(error_code(error).into()))),
                Ok(_) | Err(_) => Ok(None),
            },
        ));
        checks.push(line(
            "calendar_rights",
            self.check_rights(running, google.err()).await,
        ));
    }

    async fn check_rights(
        &self,
        running: &Running,
        error: Option<PortError>,
    ) -> Result<Option<String>, (&'static str, Option<String>)> {
        match error {
            Some(PortError::CalendarNotFound) => Err(("calendar_not_found", None)),
            Some(PortError::RightMissing { right }) => Err(("right_missing", Some(right))),
            Some(error) => Err(("google_unreachable", Some(error_code(&error).into()))),
            None => match running
                .google
                .may_write(&running.engine.config().identity.calendar)
                .await
            {
                Ok(Some(false)) => Err(("right_missing", Some("writer".into()))),
                Ok(_) => Ok(None),
                Err(error) => Err(("google_unreachable", Some(error_code(&error).into()))),
            },
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
