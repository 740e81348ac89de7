//! What Google's errors mean: status and `errors[0].reason` decide, never the message.

use crate::config::CALENDAR_SCOPE;
use bytes::Bytes;
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::quota::Refusal;
use roundtrip_engine::ports::PortError;
use roundtrip_http::answer::{bad, code_word};
use serde::Deserialize;

/// What was asked, as far as it changes what an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A listing, full or the check of a calendar.
    List,
    /// A listing since a token.
    ListSince,
    /// Making an event.
    Insert,
    /// Anything about one event.
    Event,
}

#[derive(Deserialize)]
struct Body {
    error: Details,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    errors: Vec<Single>,
    #[serde(default)]
    details: Vec<Single>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Single {
    reason: Option<String>,
}

/// The reason word, if the body is one of Google's own.
fn reason(body: &[u8]) -> Option<String> {
    let body: Body = roundtrip_http::answer::json(body)?;
    let first = |list: Vec<Single>| list.into_iter().find_map(|single| single.reason);
    let word = first(body.error.errors)
        .or_else(|| first(body.error.details))
        .or(body.error.status);
    Some(word.map_or_else(|| "unknown".to_owned(), |word| code_word(&word)))
}

/// Turns an answer that is no success into what the engine does about it. 401, 429 and 5xx are handled before.
///
/// A body that is not Google's own (HTML of a front end, of a proxy, of a hotel's portal) proves nothing, whatever its
/// status: above all no 404 or 410 of such a body counts as "gone".
pub(crate) fn error(response: &http::Response<Bytes>, asked: Asked) -> PortError {
    let status = response.status().as_u16();
    let reason = reason(response.body());
    // Conditions are answered by the front end, at times without a body.
    if status == 412 {
        return PortError::PreconditionFailed { current: None };
    }
    let portal = || bug::is_on(Bug::PortalIsBelieved).then(String::new);
    let Some(reason) = reason.or_else(portal) else {
        return bad(format!("status {status} without a reason"));
    };
    let rejected = || PortError::Rejected {
        reason: reason.clone(),
    };
    match (status, asked) {
        // A sync token that is malformed, or was made with other parameters, is answered by 400; one that is too old
        // by 410. Nothing else in that request can be at fault.
        (400 | 410, Asked::ListSince) => PortError::FeedExpired,
        (403, _) => forbidden(&reason),
        (404, Asked::List | Asked::ListSince | Asked::Insert) => PortError::CalendarNotFound,
        // Without a token only a page's own place can be too old; else it is the calendar itself that is gone.
        (410, Asked::List) if matches!(&*reason, "fullSyncRequired" | "updatedMinTooLongAgo") => {
            bad(format!("status {status}: {reason}"))
        }
        (410, Asked::List) => PortError::CalendarNotFound,
        (404, Asked::Event) => PortError::NotFound,
        (409, _) if reason == "duplicate" => PortError::AlreadyExists,
        // Two writes of one item met inside Google; the same one may be sent again.
        (409, _) => PortError::ServerTrouble {
            status,
            retry_after: None,
        },
        (410, Asked::Event) => PortError::AlreadyDeleted,
        (400..=499, _) => rejected(),
        _ => bad(format!("status {status}")),
    }
}

/// Who was too fast, of a refusal for speed. `rateLimitExceeded` is said of a whole project, and of one calendar that is
/// written too fast.
pub(crate) fn too_fast(response: &http::Response<Bytes>) -> Refusal {
    match reason(response.body()).as_deref() {
        Some("userRateLimitExceeded") => Refusal::User,
        _ => Refusal::Project,
    }
}

fn forbidden(reason: &str) -> PortError {
    match reason {
        "rateLimitExceeded" | "userRateLimitExceeded" | "RATE_LIMIT_EXCEEDED" => {
            PortError::Throttled { retry_after: None }
        }
        "quotaExceeded" | "dailyLimitExceeded" | "calendarUsageLimitsExceeded" => PortError::QuotaGone,
        "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => PortError::RightMissing {
            right: CALENDAR_SCOPE.to_owned(),
        },
        "requiredAccessLevel" => PortError::RightMissing {
            right: "writer".to_owned(),
        },
        other => PortError::Rejected {
            reason: other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> http::Response<Bytes> {
        http::Response::builder()
            .status(status)
            .body(Bytes::from(body.to_owned()))
            .expect("a test's own answer")
    }

    fn said(status: u16, reason: &str, asked: Asked) -> PortError {
        let body = format!(
            r#"{{"error":{{"errors":[{{"domain":"global","reason":"{reason}","message":"M"}}],"code":{status},"message":"M"}}}}"#
        );
        error(&answer(status, &body), asked)
    }

    #[test]
    fn each_line_of_the_table_has_its_meaning() {
        use Asked::{Event, Insert, List, ListSince};
        let throttled = PortError::Throttled { retry_after: None };
        let rejected = |reason: &str| PortError::Rejected {
            reason: reason.into(),
        };
        let right = |right: &str| PortError::RightMissing { right: right.into() };
        for (status, reason, asked, expected) in [
            (400, "timeRangeEmpty", Insert, rejected("timeRangeEmpty")),
            (400, "invalid", Insert, rejected("invalid")),
            (400, "invalid", ListSince, PortError::FeedExpired),
            (400, "invalidParameter", List, rejected("invalidParameter")),
            (403, "rateLimitExceeded", Event, throttled.clone()),
            (403, "userRateLimitExceeded", List, throttled),
            (403, "quotaExceeded", Insert, PortError::QuotaGone),
            (403, "dailyLimitExceeded", Insert, PortError::QuotaGone),
            (403, "calendarUsageLimitsExceeded", Event, PortError::QuotaGone),
            (403, "accessNotConfigured", List, rejected("accessNotConfigured")),
            (
                403,
                "forbiddenForNonOrganizer",
                Event,
                rejected("forbiddenForNonOrganizer"),
            ),
            (403, "requiredAccessLevel", Insert, right("writer")),
            (403, "insufficientPermissions", List, right(CALENDAR_SCOPE)),
            (403, "forbidden", Event, rejected("forbidden")),
            (403, "somethingNew", Event, rejected("somethingNew")),
            (404, "notFound", Event, PortError::NotFound),
            (404, "notFound", List, PortError::CalendarNotFound),
            (404, "notFound", ListSince, PortError::CalendarNotFound),
            (404, "notFound", Insert, PortError::CalendarNotFound),
            (409, "duplicate", Insert, PortError::AlreadyExists),
            (
                409,
                "conflict",
                Insert,
                PortError::ServerTrouble {
                    status: 409,
                    retry_after: None,
                },
            ),
            (410, "fullSyncRequired", ListSince, PortError::FeedExpired),
            (410, "updatedMinTooLongAgo", ListSince, PortError::FeedExpired),
            (410, "deleted", List, PortError::CalendarNotFound),
            (410, "deleted", Event, PortError::AlreadyDeleted),
            (
                412,
                "conditionNotMet",
                Event,
                PortError::PreconditionFailed { current: None },
            ),
        ] {
            assert_eq!(
                said(status, reason, asked),
                expected,
                "{status} {reason} {asked:?}"
            );
        }
    }

    #[test]
    fn a_body_that_is_not_googles_own_proves_nothing() {
        for asked in [Asked::List, Asked::ListSince, Asked::Insert, Asked::Event] {
            for status in [302, 400, 403, 404, 409, 410] {
                for body in [
                    "<html><title>Error 404 (Not Found)!!1</title></html>",
                    "",
                    "{}",
                    "[]",
                    "{\"error\":\"x\"}",
                ] {
                    let error = error(&answer(status, body), asked);
                    assert!(
                        matches!(error, PortError::BadAnswer { .. }),
                        "{status} {body} {asked:?}: {error:?}"
                    );
                }
            }
        }
        let html = error(&answer(412, "<html>"), Asked::Event);
        assert_eq!(html, PortError::PreconditionFailed { current: None });
    }

    #[test]
    fn a_newer_error_without_a_list_is_read_by_its_details() {
        let body = r#"{"error":{"code":403,"message":"M","status":"PERMISSION_DENIED",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#;
        let expected = PortError::RightMissing {
            right: CALENDAR_SCOPE.into(),
        };
        assert_eq!(error(&answer(403, body), Asked::List), expected);
    }
}
