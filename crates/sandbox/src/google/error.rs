//! The error bodies of the calendar service, one constructor per case a client can meet.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// One refusal, rendered as `{"error":{"errors":[…],"code":…,"message":…}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleError {
    /// HTTP status.
    pub code: u16,
    /// `global`, `calendar` or `usageLimits`.
    pub domain: &'static str,
    /// What clients branch on, for example `fullSyncRequired`.
    pub reason: &'static str,
    /// Text for people.
    pub message: String,
    /// `parameter` or `header`, with the name of it.
    pub location: Option<(&'static str, String)>,
    /// True for a token whose scopes do not cover the method: adds details and a challenge header.
    pub scope_missing: bool,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
}

impl GoogleError {
    fn new(code: u16, domain: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            domain,
            reason,
            message: message.into(),
            location: None,
            scope_missing: false,
            retry_after: None,
        }
    }

    fn at(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.location = Some((kind, name.into()));
        self
    }

    /// The same refusal with a `Retry-After`.
    pub fn retry_after(mut self, seconds: Option<u32>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// 400 `invalid`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "global", "invalid", message)
    }

    /// 400 `invalid`, said of one query parameter.
    pub fn invalid_value(parameter: &str) -> Self {
        Self::invalid("Invalid Value").at("parameter", parameter)
    }

    /// 400 `required`.
    pub fn required(message: impl Into<String>) -> Self {
        Self::new(400, "global", "required", message)
    }

    /// 400 `badRequest`.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "global", "badRequest", message)
    }

    /// 400 `badRequest` for a parameter that may not stand beside a sync token.
    pub fn not_with_sync_token(parameter: &str) -> Self {
        Self::bad_request(format!(
            "The {parameter} parameter cannot be used together with syncToken."
        ))
        .at("parameter", parameter)
    }

    /// 400 `parseError`: the body is no JSON of the expected shape.
    pub fn parse_error() -> Self {
        Self::new(400, "global", "parseError", "Parse Error")
    }

    /// 400 `invalidParameter`.
    pub fn invalid_parameter(parameter: &str, message: impl Into<String>) -> Self {
        Self::new(400, "global", "invalidParameter", message).at("parameter", parameter)
    }

    /// 400 `timeRangeEmpty`.
    pub fn time_range_empty(parameter: Option<&str>) -> Self {
        let error = Self::new(
            400,
            "calendar",
            "timeRangeEmpty",
            "The specified time range is empty.",
        );
        match parameter {
            Some(name) => error.at("parameter", name),
            None => error,
        }
    }

    /// 400 `timeRangeTooLong`.
    pub fn time_range_too_long() -> Self {
        Self::new(
            400,
            "calendar",
            "timeRangeTooLong",
            "The requested time range is too long.",
        )
        .at("parameter", "timeMax")
    }

    /// 400 of a watch call.
    pub fn push(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, "global", reason, message)
    }

    /// 401 `authError`.
    pub fn auth() -> Self {
        Self::new(401, "global", "authError", "Invalid Credentials").at("header", "Authorization")
    }

    /// 401 `required`: no credentials were sent at all.
    pub fn login_required() -> Self {
        Self::new(401, "global", "required", "Login Required.").at("header", "Authorization")
    }

    /// 403 `insufficientPermissions`.
    pub fn insufficient_permissions() -> Self {
        let mut error = Self::new(
            403,
            "global",
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
        );
        error.scope_missing = true;
        error
    }

    /// 403 or 429 `rateLimitExceeded`: the project or one calendar is written to or read too fast.
    pub fn rate_limit(code: u16) -> Self {
        Self::new(code, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded")
    }

    /// 403 `userRateLimitExceeded` (429 is always said as `rateLimitExceeded`).
    pub fn user_rate_limit(code: u16) -> Self {
        if code == 429 {
            return Self::rate_limit(429);
        }
        Self::new(
            code,
            "usageLimits",
            "userRateLimitExceeded",
            "User Rate Limit Exceeded",
        )
    }

    /// 403 `quotaExceeded`: writing stops for hours.
    pub fn quota_exceeded() -> Self {
        Self::new(
            403,
            "usageLimits",
            "quotaExceeded",
            "Calendar usage limits exceeded.",
        )
    }

    /// 403 `requiredAccessLevel`: a calendar one may only read.
    pub fn writer_access_required() -> Self {
        Self::new(
            403,
            "calendar",
            "requiredAccessLevel",
            "You need to have writer access to this calendar.",
        )
    }

    /// 403 `forbiddenForNonOrganizer`.
    pub fn forbidden_for_non_organizer() -> Self {
        Self::new(
            403,
            "calendar",
            "forbiddenForNonOrganizer",
            "Shared properties can only be changed by the organizer of the event.",
        )
    }

    /// 403 `forbidden`.
    pub fn forbidden() -> Self {
        Self::new(403, "global", "forbidden", "Forbidden")
    }

    /// 404 `notFound`.
    pub fn not_found() -> Self {
        Self::new(404, "global", "notFound", "Not Found")
    }

    /// 409 `duplicate`.
    pub fn duplicate() -> Self {
        Self::new(
            409,
            "global",
            "duplicate",
            "The requested identifier already exists.",
        )
    }

    /// 410 `deleted`.
    pub fn deleted() -> Self {
        Self::new(410, "global", "deleted", "Resource has been deleted")
    }

    /// 410 `fullSyncRequired`.
    pub fn full_sync_required() -> Self {
        Self::new(
            410,
            "calendar",
            "fullSyncRequired",
            "Sync token is no longer valid, a full sync is required.",
        )
        .at("parameter", "syncToken")
    }

    /// 410 `updatedMinTooLongAgo`.
    pub fn updated_min_too_long_ago() -> Self {
        Self::new(
            410,
            "calendar",
            "updatedMinTooLongAgo",
            "The requested minimum modification time lies too far in the past.",
        )
        .at("parameter", "updatedMin")
    }

    /// 412 `conditionNotMet`.
    pub fn condition_not_met() -> Self {
        Self::new(412, "global", "conditionNotMet", "Precondition Failed").at("header", "If-Match")
    }

    /// The body as JSON.
    pub fn body(&self) -> Value {
        let mut first = json!({"domain": self.domain, "reason": self.reason, "message": self.message});
        if let Some((kind, name)) = &self.location {
            first["locationType"] = json!(kind);
            first["location"] = json!(name);
        }
        let mut error = json!({"errors": [first], "code": self.code, "message": self.message});
        if self.scope_missing {
            error["status"] = json!("PERMISSION_DENIED");
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
                "metadata": {"service": "calendar-json.googleapis.com"},
            }]);
        }
        json!({ "error": error })
    }
}

impl IntoResponse for GoogleError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.body())).into_response();
        let challenge = match (self.code, self.scope_missing) {
            (_, true) => Some(r#"Bearer realm="https://accounts.google.com/", error="insufficient_scope""#),
            (401, _) => Some(r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#),
            _ => None,
        };
        if let Some(challenge) = challenge {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(super::wire::JSON));
        response
    }
}
