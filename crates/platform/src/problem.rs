//! What the platform's errors mean (RFC 9457, `code` is stable).

use crate::wire;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use roundtrip_core::appointment::Appointment;
use roundtrip_engine::ports::{PortError, SyncPolicy};
use roundtrip_http::answer::{bad, code_word, header};
use serde_json::{Map, Value};

/// Longest sentence that is passed on for the trainer.
const LONGEST_DETAIL: usize = 500;

/// Turns an answer that is no success into what the engine does about it.
///
/// Only the platform's own word counts: a 404 or 403 without a `code` comes from something in between (a proxy, a
/// portal) and says nothing about an appointment.
pub(crate) fn error(response: &http::Response<Bytes>, policy: &SyncPolicy, zone: chrono_tz::Tz) -> PortError {
    let status = response.status().as_u16();
    let Some(problem) = Problem::read(response) else {
        return bad(format!("status {status} without a code"));
    };
    let current = || problem.current(zone).map(Box::new);
    let refused = |reason: String| PortError::Refused {
        reason,
        detail: problem.detail(),
        current: current(),
    };
    match (status, problem.code.as_str()) {
        (403, "not_assigned") => PortError::NotAssigned,
        (403, "sync_disabled") => PortError::SyncDisabled {
            reason: problem
                .reason()
                .or(policy.reason.clone())
                .unwrap_or_else(|| "other".to_owned()),
        },
        (403, "not_editable") => refused("not_editable".to_owned()),
        (403, "insufficient_scope") => PortError::RightMissing {
            right: problem
                .reason()
                .unwrap_or_else(|| "insufficient_scope".to_owned()),
        },
        (404, "not_found") => PortError::NotFound,
        (409, "overlap") => refused("overlap".to_owned()),
        (410, "cursor_expired") => PortError::FeedExpired,
        (412, "version_mismatch") => PortError::PreconditionFailed { current: current() },
        (422, "move_refused") => refused(match problem.reason().as_deref() {
            Some(known @ ("outside_hours" | "locked" | "in_past" | "holiday")) => known.to_owned(),
            _ => "other".to_owned(),
        }),
        (422, "key_reused") => refused("key_reused".to_owned()),
        (409, _) => refused("other".to_owned()),
        (412, _) => PortError::PreconditionFailed { current: current() },
        (400..=499, code) => PortError::Rejected {
            reason: code.to_owned(),
        },
        _ => bad(format!("status {status}")),
    }
}

/// The same for an appointment to be made: whatever is not in order about it is the platform's "no", with its words, for
/// the trainer chose what to send.
pub(crate) fn creation_error(
    response: &http::Response<Bytes>,
    policy: &SyncPolicy,
    zone: chrono_tz::Tz,
) -> PortError {
    match (error(response, policy, zone), Problem::read(response)) {
        (PortError::Rejected { reason }, Some(problem))
            if matches!(response.status().as_u16(), 403 | 409 | 422) =>
        {
            let known = matches!(reason.as_str(), "not_allowed" | "invalid");
            PortError::Refused {
                reason: if known { reason } else { "other".to_owned() },
                detail: problem.detail(),
                current: None,
            }
        }
        (error, _) => error,
    }
}

struct Problem {
    code: String,
    body: Map<String, Value>,
}

impl Problem {
    fn read(response: &http::Response<Bytes>) -> Option<Self> {
        header(response, CONTENT_TYPE).filter(|kind| kind.to_ascii_lowercase().contains("json"))?;
        let Some(Value::Object(body)) = roundtrip_http::answer::json(response.body()) else {
            return None;
        };
        let code = code_word(body.get("code")?.as_str()?);
        Some(Self { code, body })
    }

    fn reason(&self) -> Option<String> {
        Some(code_word(self.body.get("reason")?.as_str()?))
    }

    /// The platform's sentence for the trainer, as one line of bounded length.
    fn detail(&self) -> Option<String> {
        let text = self.body.get("detail")?.as_str()?;
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(LONGEST_DETAIL)
            .collect();
        Some(line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// The appointment as it is now; without it the engine reads it again.
    fn current(&self, zone: chrono_tz::Tz) -> Option<Appointment> {
        wire::appointment(self.body.get("current")?, zone).ok()
    }
}
