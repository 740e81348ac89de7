//! From an HTTP request to a call with a known caller, and from a value to an answer.

use super::Google;
use super::body::{Object, WriteOptions};
use super::error::GoogleError;
use super::fields::Selection;
use super::list::Spoiling;
use super::model::etag_matches;
use super::query::Pairs;
use super::scopes;
use crate::faults::{ActiveFaults, Fault};
use crate::history::AppRequest;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// The content type of every answer.
pub const JSON: &str = "application/json; charset=UTF-8";

/// An authorised call of the public API.
pub struct Call {
    /// Address of the account.
    pub account: String,
    /// The OAuth client.
    pub client: String,
    /// The query.
    pub pairs: Pairs,
    /// What the request said about itself.
    pub said: AppRequest,
    scopes: Vec<String>,
    faults: ActiveFaults,
    if_match: Option<String>,
    if_none_match: Option<String>,
    reading: bool,
}

impl FromRequestParts<Google> for Call {
    type Rejection = GoogleError;

    async fn from_request_parts(parts: &mut Parts, google: &Google) -> Result<Self, GoogleError> {
        let faults = parts
            .extensions
            .get::<ActiveFaults>()
            .cloned()
            .unwrap_or_default();
        let token = bearer(&parts.headers).ok_or_else(GoogleError::login_required)?;
        if faults.has(&Fault::TokenRevoked) {
            google.oauth().revoke(token);
        }
        let access = google.oauth().verify(token).map_err(|_| GoogleError::auth())?;
        {
            let mut state = google.state();
            if faults.has(&Fault::RateLimited) {
                let limits = &state.quota.limits;
                return Err(GoogleError::rate_limit(limits.status).retry_after(limits.retry_after));
            }
            state.quota.request(&access.account, google.now())?;
        }
        if faults.has(&Fault::QuotaExceeded) {
            return Err(GoogleError::quota_exceeded());
        }
        if faults.has(&Fault::ScopeMissing) {
            return Err(GoogleError::insufficient_permissions());
        }
        if faults.has(&Fault::CalendarGone) && parts.uri.path().contains("/calendars/") {
            return Err(GoogleError::not_found());
        }
        let said = AppRequest {
            session: Some(access.session),
            ..parts.extensions.get::<AppRequest>().cloned().unwrap_or_default()
        };
        let text = |name| Some(parts.headers.get::<HeaderName>(name)?.to_str().ok()?.to_owned());
        Ok(Self {
            account: access.account,
            client: access.client_id,
            scopes: access.scopes,
            pairs: Pairs::read(parts.uri.query()),
            said,
            faults,
            if_match: text(header::IF_MATCH),
            if_none_match: text(header::IF_NONE_MATCH),
            reading: parts.method == Method::GET,
        })
    }
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl Call {
    /// Refuses a token that opens none of these scopes.
    pub fn need(&self, accepted: &[&str]) -> Result<(), GoogleError> {
        if scopes::opens(&self.scopes, accepted) {
            Ok(())
        } else {
            Err(GoogleError::insufficient_permissions())
        }
    }

    /// Refuses a token whose scopes do not reach this calendar. A calendar that is not there is refused as such.
    pub fn need_for(&self, google: &Google, accepted: &[&str], calendar: &str) -> Result<(), GoogleError> {
        self.need(accepted)?;
        let state = google.state();
        let (calendar, role) = state.calendar(&self.account, calendar)?;
        if scopes::opens_calendar(&self.scopes, accepted, calendar, role, &self.client) {
            Ok(())
        } else {
            Err(GoogleError::insufficient_permissions())
        }
    }

    /// The precondition of a write.
    pub fn if_match(&self) -> Option<&str> {
        self.if_match.as_deref()
    }

    /// What the query allows in a body.
    pub fn options(&self) -> WriteOptions {
        WriteOptions {
            conference: self.pairs.get("conferenceDataVersion") == Some("1"),
            attachments: self.pairs.get("supportsAttachments") == Some("true"),
        }
    }

    /// Whether sync tokens are refused on purpose.
    pub fn sync_token_expired(&self) -> bool {
        self.faults.has(&Fault::ExpiredSyncToken)
    }

    /// How a listing is spoiled on purpose.
    pub fn spoiling(&self) -> Spoiling {
        Spoiling {
            empty: self.faults.has(&Fault::EmptyPage),
            short: self.faults.has(&Fault::ShortList),
            repeat: self.faults.has(&Fault::RepeatPage),
        }
    }

    /// The answer with `value`, cut down to the fields asked for; 304 if the caller has it already.
    pub fn answer(&self, value: &Value, shape: &str) -> Result<Response, GoogleError> {
        let selection = match self.pairs.get("fields") {
            None => None,
            Some(fields) => Some(Selection::parse_for(fields, shape)?),
        };
        let etag = value.get("etag").and_then(Value::as_str);
        let known = match (&self.if_none_match, etag) {
            (Some(wanted), Some(etag)) => self.reading && etag_matches(wanted, etag),
            _ => false,
        };
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let shown = selection.map_or_else(|| value.clone(), |selection| selection.apply(value));
            let pretty = self.pairs.get("prettyPrint") == Some("true");
            let text = if pretty {
                serde_json::to_vec_pretty(&shown)
            } else {
                serde_json::to_vec(&shown)
            };
            let mut response = Response::new(Body::from(text.unwrap_or_default()));
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
            response
        };
        let headers = response.headers_mut();
        if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(header::ETAG, etag);
        }
        let cache = "no-cache, no-store, max-age=0, must-revalidate";
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        for value in ["Origin", "X-Origin", "Referer"] {
            headers.append(header::VARY, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

/// Checks `fields` before anything is written: a selection that is no good must not leave a half-said write.
pub fn check_fields(call: &Call, shape: &str) -> Result<(), GoogleError> {
    match call.pairs.get("fields") {
        None => Ok(()),
        Some(fields) => Selection::parse_for(fields, shape).map(|_| ()),
    }
}

/// Reads the body of a write; none counts as an empty object.
pub fn object(body: &[u8]) -> Result<Object, GoogleError> {
    if body.is_empty() {
        return Ok(Object::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(GoogleError::parse_error()),
    }
}
