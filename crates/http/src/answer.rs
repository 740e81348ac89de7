//! Reading what every HTTP service says in the same way.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{AsHeaderName, RETRY_AFTER};
use roundtrip_engine::ports::PortError;
use std::time::Duration;

/// A header as text, if it is there and is text.
pub fn header(response: &http::Response<Bytes>, name: impl AsHeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok().map(str::trim)
}

/// `Retry-After`, as seconds or as a date.
pub fn retry_after(response: &http::Response<Bytes>, now: DateTime<Utc>) -> Option<Duration> {
    let text = header(response, RETRY_AFTER)?;
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

/// The answers that mean the same at every service: 429 and 5xx. `None` for all others.
pub fn trouble(response: &http::Response<Bytes>, now: DateTime<Utc>) -> Option<PortError> {
    let status = response.status();
    if status == http::StatusCode::TOO_MANY_REQUESTS {
        return Some(PortError::Throttled {
            retry_after: retry_after(response, now),
        });
    }
    status.is_server_error().then(|| PortError::ServerTrouble {
        status: status.as_u16(),
        retry_after: retry_after(response, now),
    })
}

/// A word that a service sent as a stable code. Anything that is not a plain word is replaced: such codes are logged
/// and shown, and must not carry content.
pub fn code_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(plain) {
        text.to_owned()
    } else {
        "unknown".into()
    }
}

/// An answer that could not be read.
pub fn bad(what: impl Into<String>) -> PortError {
    PortError::BadAnswer { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> http::Response<Bytes> {
        let mut builder = http::Response::builder().status(status);
        if let Some(value) = retry_after {
            builder = builder.header(RETRY_AFTER, value);
        }
        builder.body(Bytes::new()).expect("a test's own answer")
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time");
        let read = |text| retry_after(&answer(429, Some(text)), now);
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        let date = (now + chrono::Duration::seconds(90)).to_rfc2822();
        assert_eq!(read(&date), Some(Duration::from_secs(90)));
        let past = (now - chrono::Duration::seconds(90)).to_rfc2822();
        assert_eq!(read(&past), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-5"), None);
    }

    #[test]
    fn only_429_and_5xx_mean_the_same_everywhere() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(
            trouble(&answer(429, None), now),
            Some(PortError::Throttled { retry_after: None })
        );
        let expected = PortError::ServerTrouble {
            status: 503,
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(trouble(&answer(503, Some("7")), now), Some(expected));
        for status in [200, 304, 400, 401, 403, 404, 409, 410, 412] {
            assert_eq!(trouble(&answer(status, None), now), None);
        }
    }

    #[test]
    fn a_code_that_is_no_word_is_not_passed_on() {
        assert_eq!(code_word("rateLimitExceeded"), "rateLimitExceeded");
        assert_eq!(code_word("Ada Klein, Lindenstr. 5"), "unknown");
        assert_eq!(code_word(""), "unknown");
        assert_eq!(code_word(&"a".repeat(65)), "unknown");
    }
}
