//! From what went wrong to the one thing that is said about it: a stable code and one next step. The window has the
//! sentences; the command line has its own, shorter ones.

use crate::ipc::dto::{AppError, Problem};
use chrono::{DateTime, Utc};
use roundtrip_core::outbox::Side;
use roundtrip_engine::ledger::LedgerError;
use roundtrip_engine::ports::PortError;
use roundtrip_engine::{AnswerError, DepartError, Health, error_code};

/// The right that is missing for a calendar that may only be read.
const READ_ONLY: &str = "writer";

/// What a side's trouble is called where its code is all that is said. Of a right that is missing it names the service, for
/// the next step is another one at each; of a calendar that may only be read it does not advise to sign in again.
pub fn code_of(side: Side, error: &PortError) -> &'static str {
    match (side, error) {
        (Side::Calendar, PortError::RightMissing { right }) if right == READ_ONLY => "calendar_read_only",
        (Side::Calendar, PortError::RightMissing { .. }) => "google_right_missing",
        (Side::Platform, PortError::RightMissing { .. }) => "platform_right_missing",
        (_, error) => error_code(error),
    }
}

/// What a side's trouble is called, and what the trainer can do about it.
pub fn of_side(side: Side, health: &Health, retry_at: Option<DateTime<Utc>>) -> Option<Problem> {
    let error = health.problem.as_ref()?;
    let service = match side {
        Side::Platform => "platform",
        Side::Calendar => "google",
    };
    let (code, action, detail) = match error {
        PortError::NotConnected | PortError::SignInExpired => {
            (format!("{service}_reauth"), format!("reconnect_{service}"), None)
        }
        // The sign-in has every right, and this calendar gives none to write: signing in again would be the wrong advice.
        PortError::RightMissing { right } if right == READ_ONLY && side == Side::Calendar => (
            "calendar_read_only".into(),
            "choose_calendar".into(),
            Some(right.clone()),
        ),
        PortError::RightMissing { right } => (
            format!("{service}_right_missing"),
            format!("reconnect_{service}"),
            Some(right.clone()),
        ),
        // The key to the sign-ins is locked away: they may be fine, and signing in again would be the wrong advice.
        PortError::Rejected { reason } if reason == super::vault::KEYCHAIN_PROBLEM => {
            ("keychain".into(), "try_again".into(), None)
        }
        PortError::CalendarNotFound => ("calendar_not_found".into(), "choose_calendar".into(), None),
        PortError::QuotaGone => ("quota_gone".into(), "none".into(), None),
        PortError::SyncDisabled { reason } => ("sync_disabled".into(), "none".into(), Some(reason.clone())),
        PortError::Throttled { .. } => (format!("{service}_busy"), "none".into(), None),
        PortError::WrongCertificate => (format!("{service}_wrong_certificate"), "try_again".into(), None),
        PortError::Unreachable { .. }
        | PortError::ServerTrouble { .. }
        | PortError::FeedExpired
        | PortError::NotFound
        | PortError::AlreadyDeleted
        | PortError::AlreadyExists
        | PortError::PreconditionFailed { .. }
        | PortError::Refused { .. }
        | PortError::NotAssigned
        | PortError::Rejected { .. }
        | PortError::BadAnswer { .. } => {
            let word = error_code(error);
            (
                format!("{service}_unreachable"),
                "try_again".into(),
                Some(word.to_owned()),
            )
        }
    };
    Some(Problem {
        code,
        service: Some(service.into()),
        detail,
        since: health.since,
        retry_at,
        action,
    })
}

impl From<LedgerError> for AppError {
    fn from(error: LedgerError) -> Self {
        let code = match error {
            LedgerError::Full => "disk_full",
            LedgerError::Unavailable(_) => "database_unavailable",
            LedgerError::Damaged => "database_damaged",
            LedgerError::Unreadable(_) => "database_unreadable",
        };
        Self {
            code: code.into(),
            detail: None,
            field: None,
            retryable: true,
        }
    }
}

impl From<DepartError> for AppError {
    fn from(error: DepartError) -> Self {
        let (code, detail, field) = match error {
            DepartError::Stale { .. } => ("stale", None, Some("confirmed".into())),
            DepartError::MovesWaiting(count) => ("moves_waiting", Some(count.to_string()), None),
            DepartError::NotNow(Some(problem)) => (code_of(Side::Calendar, &problem), None, None),
            DepartError::NotNow(None) => ("not_possible", None, None),
            DepartError::Ledger(error) => return error.into(),
        };
        Self {
            code: code.into(),
            detail,
            field,
            retryable: true,
        }
    }
}

impl From<AnswerError> for AppError {
    fn from(error: AnswerError) -> Self {
        let code = match error {
            AnswerError::Gone => "gone",
            AnswerError::Stale => "stale",
            AnswerError::NotPossible => "not_possible",
            AnswerError::TooClose => "too_close",
            AnswerError::Undo(why) => why.code(),
            AnswerError::Ledger(error) => return error.into(),
        };
        Self {
            code: code.into(),
            detail: None,
            field: None,
            retryable: false,
        }
    }
}

impl AppError {
    /// An input that cannot be used, with the field named.
    pub fn input(field: &str) -> Self {
        Self {
            code: "bad_input".into(),
            detail: None,
            field: Some(field.into()),
            retryable: false,
        }
    }
    /// The engine is just being put together anew.
    pub fn not_now() -> Self {
        Self {
            code: "not_now".into(),
            detail: None,
            field: None,
            retryable: true,
        }
    }
    /// Needs both accounts first.
    pub fn not_connected() -> Self {
        Self {
            code: "not_connected".into(),
            detail: None,
            field: None,
            retryable: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_a_calendar_that_may_only_be_read_another_one_is_to_be_chosen() {
        let lacks = |right: &str| Health {
            problem: Some(PortError::RightMissing { right: right.into() }),
            ..Health::default()
        };
        let advice = |side: Side, right: &str| {
            let said = of_side(side, &lacks(right), None).expect("a problem");
            (said.code, said.action)
        };
        let said = |code: &str, action: &str| (code.to_owned(), action.to_owned());
        assert_eq!(
            advice(Side::Calendar, "writer"),
            said("calendar_read_only", "choose_calendar")
        );
        assert_eq!(
            advice(Side::Calendar, "calendar.events"),
            said("google_right_missing", "reconnect_google")
        );
        assert_eq!(
            advice(Side::Platform, "writer"),
            said("platform_right_missing", "reconnect_platform")
        );
    }

    #[test]
    fn a_code_that_stands_alone_advises_what_helps() {
        let lacks = |right: &str| PortError::RightMissing { right: right.into() };
        for (side, error, code) in [
            (Side::Calendar, lacks("writer"), "calendar_read_only"),
            (Side::Calendar, lacks("calendar.events"), "google_right_missing"),
            (Side::Platform, lacks("writer"), "platform_right_missing"),
            (Side::Calendar, PortError::SignInExpired, "sign_in_expired"),
        ] {
            assert_eq!(code_of(side, &error), code);
        }
        // What a deletion could not do, it could not do in the calendar.
        let refused = AppError::from(DepartError::NotNow(Some(lacks("writer"))));
        assert_eq!(refused.code, "calendar_read_only");
    }

    #[test]
    fn a_locked_keychain_is_no_lost_sign_in() {
        let health = |reason: &str| Health {
            problem: Some(PortError::Rejected {
                reason: reason.into(),
            }),
            ..Health::default()
        };
        for side in [Side::Platform, Side::Calendar] {
            let said = of_side(side, &health("vault_keychain"), None).expect("a problem");
            assert_eq!(
                (said.code.as_str(), said.action.as_str()),
                ("keychain", "try_again")
            );
            // What comes from a service stays what it is.
            let said = of_side(side, &health("keychain"), None).expect("a problem");
            assert!(said.code.ends_with("_unreachable"), "{}", said.code);
        }
    }
}
