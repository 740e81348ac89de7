//! Errors as RFC 9457 tells them, for the platform's own callers. Calendar services get a status and nothing else.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The platform did not prove itself.
    Unauthorized,
    /// A trainer's token came along: the proxy must strip it.
    StripAuthorization,
    /// No trainer was named.
    NoTrainer,
    /// A field cannot be used.
    Invalid(&'static str),
    /// No such channel of this trainer.
    NotFound,
    /// Too many of these.
    TooMany(&'static str),
    /// The hub is not available.
    Unavailable,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "X-Relay-Key is missing or not the configured one.",
            ),
            Self::StripAuthorization => (
                StatusCode::BAD_REQUEST,
                "strip_authorization",
                "The request carries an Authorization header. Trainers' tokens must not reach the relay: remove it in the proxy.",
            ),
            Self::NoTrainer => (
                StatusCode::BAD_REQUEST,
                "no_trainer",
                "X-Relay-Trainer must name the trainer in 1 to 256 characters.",
            ),
            Self::Invalid(field) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", field),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not_found",
                "This trainer has no such channel.",
            ),
            Self::TooMany(what) => (StatusCode::TOO_MANY_REQUESTS, "too_many", what),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Hints cannot be kept right now. Try again.",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, detail) = self.parts();
        let title = status.canonical_reason().unwrap_or("Problem");
        let body = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail});
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if matches!(self, Self::TooMany(_) | Self::Unavailable) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        }
        response
    }
}
