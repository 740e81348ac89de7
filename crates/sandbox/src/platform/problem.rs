//! Errors as RFC 9457 problem details.

use std::ops::Deref;

use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::types::{Appointment, PauseReason, Slot};

/// What went wrong, for programs. These never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 401: sign-in is missing or no longer accepted.
    Unauthorized,
    /// 403: the token lacks a scope.
    InsufficientScope,
    /// 403: the appointment is somebody else's.
    NotAssigned,
    /// 403: calendar sync is off.
    SyncDisabled,
    /// 403: the trainer may not change this field.
    NotEditable,
    /// 403: the caller may not create appointments.
    NotAllowed,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 409: another appointment of the trainer is at that time.
    Overlap,
    /// 410: take a new snapshot.
    CursorExpired,
    /// 412: the appointment is no longer at the version in `If-Match`.
    VersionMismatch,
    /// 422: the platform's rules do not allow that time.
    MoveRefused,
    /// 422: the idempotency key was used for something else.
    KeyReused,
    /// 400 or 422: the request is not in order.
    Invalid,
    /// 428: `If-Match` is missing.
    PreconditionRequired,
    /// 429.
    RateLimited,
}

/// Why a time is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// Outside the hours in which appointments take place.
    OutsideHours,
    /// The appointment is fixed.
    Locked,
    /// The time has passed.
    InPast,
    /// A public holiday.
    Holiday,
    /// Anything else.
    Other,
}

/// `application/problem+json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// One sentence that may be shown to the trainer as it is.
    pub detail: String,
    /// The kind for programs.
    pub code: Code,
    /// Why, of `move_refused` (a [`RefusalReason`]), `sync_disabled` (a [`PauseReason`]) and `insufficient_scope`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The appointment as it is now, of `version_mismatch` and `overlap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Appointment>,
    /// What is in the way, of `overlap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicting: Option<Slot>,
    /// What is not in order, of `invalid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// When to come back.
    #[serde(skip)]
    #[schema(ignore)]
    pub retry_after_seconds: Option<i64>,
}

/// An error as it is answered. Small, so that results stay so.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<ProblemDetails>);

impl Deref for Problem {
    type Target = ProblemDetails;

    fn deref(&self) -> &ProblemDetails {
        &self.0
    }
}

impl Problem {
    /// A problem without further members.
    pub fn new(status: u16, code: Code, title: &str, detail: impl Into<String>) -> Self {
        let name = serde_json::to_value(code).ok();
        let name = name.as_ref().and_then(|value| value.as_str()).unwrap_or("other");
        Self(Box::new(ProblemDetails {
            kind: format!("https://roundtrip.example/problems/{}", name.replace('_', "-")),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            code,
            reason: None,
            current: None,
            conflicting: None,
            fields: None,
            retry_after_seconds: None,
        }))
    }

    fn with(mut self, set: impl FnOnce(&mut ProblemDetails)) -> Self {
        set(&mut self.0);
        self
    }

    /// 401
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(401, Code::Unauthorized, "Not signed in", detail)
    }

    /// 403 for want of a scope
    pub fn insufficient_scope(scope: &str) -> Self {
        let detail = format!("This sign-in does not include the right {scope:?}.");
        let problem = Self::new(403, Code::InsufficientScope, "Right missing", detail);
        problem.with(|details| details.reason = Some(scope.to_owned()))
    }

    /// 403 for somebody else's appointment
    pub fn not_assigned() -> Self {
        Self::new(
            403,
            Code::NotAssigned,
            "Not assigned",
            "This appointment is assigned to somebody else.",
        )
    }

    /// 403 while calendar sync is off
    pub fn sync_disabled(reason: PauseReason) -> Self {
        let detail = match reason {
            PauseReason::DisabledByAdmin => "Calendar sync has been turned off for you by an admin.",
            PauseReason::Maintenance => "Calendar sync is paused while the platform is being worked on.",
            PauseReason::KillSwitch => "Calendar sync is turned off for everybody at the moment.",
        };
        let problem = Self::new(403, Code::SyncDisabled, "Calendar sync is off", detail);
        problem.with(|details| details.reason = Some(reason.as_str().to_owned()))
    }

    /// 403 for a field that is not the trainer's to change
    pub fn not_editable(what: &str) -> Self {
        let detail = format!("The {what} of this appointment cannot be changed by the trainer.");
        Self::new(403, Code::NotEditable, "Not editable", detail)
    }

    /// 404
    pub fn not_found(what: &str) -> Self {
        Self::new(
            404,
            Code::NotFound,
            "Not found",
            format!("There is no such {what}."),
        )
    }

    /// 409
    pub fn overlap(current: Option<Appointment>, conflicting: Slot) -> Self {
        let detail = format!(
            "Another appointment is planned from {} to {}.",
            conflicting.start.format("%d.%m.%Y %H:%M"),
            conflicting.end.format("%H:%M")
        );
        let problem = Self::new(409, Code::Overlap, "Overlaps another appointment", detail);
        problem.with(|details| {
            details.current = current;
            details.conflicting = Some(conflicting);
        })
    }

    /// 410
    pub fn cursor_expired() -> Self {
        let detail = "This position in the change feed is too old.";
        Self::new(410, Code::CursorExpired, "Cursor expired", detail)
    }

    /// 412
    pub fn version_mismatch(current: Appointment) -> Self {
        let detail = "The appointment has been changed in the meantime.";
        let problem = Self::new(412, Code::VersionMismatch, "Changed in the meantime", detail);
        problem.with(|details| details.current = Some(current))
    }

    /// 422 by the platform's rules
    pub fn move_refused(reason: RefusalReason, detail: impl Into<String>) -> Self {
        let name = match reason {
            RefusalReason::OutsideHours => "outside_hours",
            RefusalReason::Locked => "locked",
            RefusalReason::InPast => "in_past",
            RefusalReason::Holiday => "holiday",
            RefusalReason::Other => "other",
        };
        let problem = Self::new(422, Code::MoveRefused, "Move refused", detail);
        problem.with(|details| details.reason = Some(name.to_owned()))
    }

    /// 422 for a key that belongs to another request
    pub fn key_reused() -> Self {
        let detail = "This idempotency key was used for another change.";
        Self::new(422, Code::KeyReused, "Key used before", detail)
    }

    /// 422, or 400 where the request cannot even be read
    pub fn invalid(status: u16, fields: &[&str], detail: impl Into<String>) -> Self {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        Self::new(status, Code::Invalid, "Not in order", detail).with(|details| details.fields = Some(fields))
    }

    /// 428
    pub fn precondition_required() -> Self {
        let detail = "The header If-Match is missing.";
        Self::new(428, Code::PreconditionRequired, "Precondition required", detail)
    }

    /// 429
    pub fn rate_limited(wait: TimeDelta) -> Self {
        let detail = "Too many requests. Please wait a moment.";
        let problem = Self::new(429, Code::RateLimited, "Too many requests", detail);
        problem.with(|details| details.retry_after_seconds = Some(wait.num_seconds().max(1)))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (code, retry_after) = (self.code, self.retry_after_seconds);
        let mut response = (status, axum::Json(*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match code {
            Code::Unauthorized => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer error=\"invalid_token\""),
                );
            }
            Code::InsufficientScope => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer error=\"insufficient_scope\""),
                );
            }
            _ => {}
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
