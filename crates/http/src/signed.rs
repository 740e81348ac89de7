//! What connectors send their requests through.

use crate::answer;
use crate::metered::Metered;
use crate::oauth::{TokenKeeper, is_of_vault};
use crate::pace::Pace;
use crate::port::{HttpError, HttpErrorKind, HttpPort, Pieces, TOO_SLOW};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use roundtrip_core::quota::{Refusal, Urgency};
use roundtrip_engine::ports::{Clock, PortError};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// Requests of one account: paced, counted, signed, and sent once more after a refresh if the token was not accepted.
pub struct SignedHttp {
    http: Arc<Metered>,
    keeper: Arc<TokenKeeper>,
    pace: Pace,
    clock: Arc<dyn Clock>,
}

impl SignedHttp {
    /// Joins the parts; `http` is the one the keeper uses too, so that all requests are counted.
    pub fn new(http: Arc<Metered>, keeper: Arc<TokenKeeper>, pace: Pace, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            keeper,
            pace,
            clock,
        }
    }

    /// The counter beneath.
    pub fn metered(&self) -> &Metered {
        &self.http
    }

    /// The tokens beneath.
    pub fn keeper(&self) -> &Arc<TokenKeeper> {
        &self.keeper
    }

    /// The pace of this account.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The time by this laptop's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sends a request as this account. 401, 429 and 5xx come back as errors, every other status as an answer.
    ///
    /// # Errors
    /// Where there is no token because the token endpoint has trouble, [`PortError::Unreachable`] with nothing sent, or
    /// [`PortError::Throttled`] if it said until when.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, PortError> {
        self.exchange(request, PortError::from).await
    }

    /// The same for a part of a listing: one that was asked for and did not come whole in time is [`PortError::BadAnswer`] with
    /// [`TOO_SLOW`], so that a smaller part can be asked for.
    pub async fn send_for_part(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, PortError> {
        let told_apart = |error: HttpError| match error.kind {
            HttpErrorKind::Timeout if !error.nothing_sent => answer::bad(TOO_SLOW),
            _ => error.into(),
        };
        self.exchange(request, told_apart).await
    }

    async fn exchange(
        &self,
        request: http::Request<Bytes>,
        unanswered: fn(HttpError) -> PortError,
    ) -> Result<http::Response<Bytes>, PortError> {
        let token = self.keeper.access_token().await.map_err(unsent)?;
        let mut response = self.send_with(request.clone(), &token, unanswered).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let token = self.keeper.replace(&token).await.map_err(unsent)?;
            response = self.send_with(request, &token, unanswered).await?;
            if response.status() == StatusCode::UNAUTHORIZED {
                return Err(unauthorized(answer::refuses_token(&response)));
            }
        }
        match answer::trouble(&response, self.clock.now()) {
            None => {
                self.pace.answered(&response);
                Ok(response)
            }
            Some(PortError::Throttled { retry_after }) => Err(self.pace.refused(Refusal::User, retry_after)),
            Some(error) => {
                if let PortError::ServerTrouble {
                    retry_after: Some(time),
                    ..
                } = &error
                {
                    self.pace.hold(*time);
                }
                Err(error)
            }
        }
    }

    /// Opens a stream as this account: the head of the answer, whatever its status is but 401, 429 and 5xx.
    pub async fn open(&self, request: http::Request<Bytes>) -> Result<http::Response<Pieces>, PortError> {
        let token = self.keeper.access_token().await?;
        let mut response = self.open_with(request.clone(), &token).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let token = self.keeper.replace(&token).await?;
            response = self.open_with(request, &token).await?;
            if response.status() == StatusCode::UNAUTHORIZED {
                let head = http::Response::from_parts(response.into_parts().0, Bytes::new());
                return Err(unauthorized(answer::head_refuses_token(&head)));
            }
        }
        let (parts, pieces) = response.into_parts();
        let head = http::Response::from_parts(parts, Bytes::new());
        match answer::trouble(&head, self.clock.now()) {
            // The stream has its own patience; what it is told does not hold up the requests of a run.
            Some(error) => Err(error),
            None => Ok(head.map(|_| pieces)),
        }
    }

    async fn open_with(
        &self,
        request: http::Request<Bytes>,
        token: &SecretString,
    ) -> Result<http::Response<Pieces>, PortError> {
        let request = self.signed(request, token)?;
        // A stream that is open is no request under way.
        let _until_answered = self.pace.turn(urgency(request.method())).await?;
        Ok(self.http.open(request).await?)
    }

    async fn send_with(
        &self,
        request: http::Request<Bytes>,
        token: &SecretString,
        unanswered: fn(HttpError) -> PortError,
    ) -> Result<http::Response<Bytes>, PortError> {
        let request = self.signed(request, token)?;
        let _until_answered = self.pace.turn(urgency(request.method())).await?;
        self.http.send(request).await.map_err(unanswered)
    }

    fn signed(
        &self,
        mut request: http::Request<Bytes>,
        token: &SecretString,
    ) -> Result<http::Request<Bytes>, PortError> {
        let value = header(bearer(token)).ok_or(PortError::SignInExpired)?;
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(request)
    }
}

/// What a request becomes for want of a token. It was not sent, or was refused for its token: whatever the token endpoint said is
/// no answer of the service to it, and none that leaves open whether it was carried out.
fn unsent(error: PortError) -> PortError {
    match error {
        // The vault's own words tell what can be done about it.
        error if is_of_vault(&error) => error,
        PortError::ServerTrouble {
            retry_after: Some(time),
            ..
        } => PortError::Throttled {
            retry_after: Some(time),
        },
        PortError::Unreachable { .. }
        | PortError::ServerTrouble { .. }
        | PortError::BadAnswer { .. }
        | PortError::Rejected { .. } => PortError::Unreachable { nothing_sent: true },
        other => other,
    }
}

/// A gateway's page says nothing about the sign-in: nobody is asked to sign in again for it.
fn unauthorized(by_the_service: bool) -> PortError {
    match by_the_service {
        true => PortError::SignInExpired,
        false => answer::bad("status 401 without a reason"),
    }
}

const BEARER: &str = "Bearer ";

/// In a buffer that is overwritten when it is dropped, and that never grew: growing leaves copies behind.
fn bearer(token: &SecretString) -> Zeroizing<String> {
    let token = token.expose_secret();
    let mut text = Zeroizing::new(String::with_capacity(BEARER.len() + token.len()));
    text.push_str(BEARER);
    text.push_str(token);
    text
}

/// The header over that very buffer, which is overwritten with its last copy. It is shown by nothing and kept in no table
/// of HTTP/2. `None` for what no header can carry.
fn header(text: Zeroizing<String>) -> Option<HeaderValue> {
    if !text.is_ascii() {
        return None;
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whoever reads waits for it, a person or a decision. Writes are many, and come in the order of their importance.
fn urgency(method: &Method) -> Urgency {
    match *method {
        Method::GET => Urgency::Interactive,
        _ => Urgency::Bulk,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_goes_before_what_is_written() {
        assert_eq!(urgency(&Method::GET), Urgency::Interactive);
        assert_eq!(urgency(&Method::PATCH), Urgency::Bulk);
    }

    /// The place in memory tells: what the request carries is the buffer that is overwritten in the end, and no copy of it.
    #[test]
    fn the_token_lies_in_one_buffer_alone_and_is_not_shown() {
        let token = SecretString::from("access-1");
        let text = bearer(&token);
        assert_eq!((text.as_str(), text.capacity()), ("Bearer access-1", text.len()));
        let place = text.as_ptr();
        let value = header(text).expect("a header");
        assert_eq!(value.as_bytes(), b"Bearer access-1");
        assert_eq!(value.as_bytes().as_ptr(), place);
        assert!(value.is_sensitive() && !format!("{value:?}").contains("access"));
    }

    #[test]
    fn what_no_header_can_carry_is_not_sent() {
        for token in ["a\nb", "a\u{7f}", "caf\u{e9}", "\0"] {
            assert!(header(bearer(&SecretString::from(token))).is_none(), "{token:?}");
        }
    }
}
