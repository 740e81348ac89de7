//! Reading what every HTTP service says in the same way.

use bytes::Bytes;
use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use http::header::{AsHeaderName, CONTENT_TYPE, DATE, RETRY_AFTER, WWW_AUTHENTICATE};
use roundtrip_engine::ports::PortError;
use serde::de::DeserializeOwned;
use std::time::Duration;
use url::Url;

/// Longest opaque text (cursor, sync token, page token, etag, id) that is taken: it is sent back in an address or a
/// header, and servers refuse longer ones. Bytes.
const LONGEST_OPAQUE: usize = 4 * 1024;
/// Longest title, place, description or note that is taken. Google stores 8,192 characters. Bytes.
const LONGEST_TEXT: usize = 64 * 1024;
/// Longest address that is taken. Bytes.
const LONGEST_ADDRESS: usize = 2 * 1024;
/// Largest number that every JSON reader reads alike (RFC 8259 section 6).
pub const LARGEST_NUMBER: u64 = (1 << 53) - 1;
/// What the values of one answer may cost in memory, in units of 32 bytes: 64 MiB. A full page of events costs a tenth.
const MOST_VALUES: usize = 2 * 1024 * 1024;
/// Largest listing over all of its pages, bytes: of JSON, or of what is kept of it.
pub const LARGEST_LISTING: usize = 64 * 1024 * 1024;

/// A header as text, if it is there and is text.
pub fn header(response: &http::Response<Bytes>, name: impl AsHeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok().map(str::trim)
}

/// `Retry-After`, as seconds or as a date. A date is one by the service's clock (RFC 9110 section 10.2.3): it is measured from the
/// answer's own `Date`, and from `now` only if there is none, for a laptop's clock may be hours off.
pub fn retry_after(response: &http::Response<Bytes>, now: DateTime<Utc>) -> Option<Duration> {
    let text = header(response, RETRY_AFTER)?;
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text| Some(DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc));
    let said = header(response, DATE).and_then(date).unwrap_or(now);
    Some((date(text)? - said).to_std().unwrap_or_default())
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

/// True for a 401 that is the service's own word, and not that of a gateway or a portal in between: it asks for a token (RFC 6750), or
/// says why in JSON, in Google's envelope or as a problem with a `code`.
pub(crate) fn refuses_token(response: &http::Response<Bytes>) -> bool {
    let why = || {
        let body: serde_json::Value = json(response.body())?;
        let google = body.get("error").is_some_and(serde_json::Value::is_object);
        Some(google || body.get("code").is_some_and(serde_json::Value::is_string))
    };
    asks_for_token(response) || why().unwrap_or(false)
}

/// The same by the head alone, of an answer whose body is a stream.
pub(crate) fn head_refuses_token(head: &http::Response<Bytes>) -> bool {
    asks_for_token(head)
        || header(head, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
}

fn asks_for_token(response: &http::Response<Bytes>) -> bool {
    let mut challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
    challenges.any(|value| {
        let scheme = value.as_bytes().get(..6);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
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

/// Reads JSON. `None` if it is none, or if it would take far more memory than bytes: an empty object is two bytes on the
/// wire and hundreds once it is read. Depth is limited by serde_json itself (128).
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    (cost(body) <= MOST_VALUES)
        .then(|| serde_json::from_slice(body).ok())
        .flatten()
}

/// What the values in a JSON text cost at most, in units of 32 bytes.
fn cost(body: &[u8]) -> usize {
    let (mut sum, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (true, _) => {}
            // A map reserves room for eleven fields, a list for four.
            (false, b'{') => sum += 20,
            (false, b'[') => sum += 4,
            (false, b',' | b':') => sum += 2,
            (false, _) => {}
        }
    }
    sum
}

/// True for an opaque text that can be sent back as it came: printable ASCII of bounded length.
pub fn is_opaque(text: &str) -> bool {
    (1..=LONGEST_OPAQUE).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// True for a text that a person may have written into a field.
pub fn is_text(text: &str) -> bool {
    text.len() <= LONGEST_TEXT
}

/// True for an address that a browser may be sent to: no answer can make the app open a file or another program.
pub fn is_web_address(text: &str) -> bool {
    text.len() <= LONGEST_ADDRESS
        && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

/// The instant of something that a person plans (RFC 3339). Years that nobody plans for are none: they come from broken
/// software, would be shown as a move, and lie where arithmetic with times ends. A leap second is the second before it.
///
/// Cut to whole seconds: calendars store no less, and what was planned to the millisecond would come back as moved.
pub fn planned(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    let at = at.with_nanosecond(0)?;
    is_planned_year(at.year()).then_some(at)
}

/// True for a year in which something can be planned.
pub fn is_planned_year(year: i32) -> bool {
    (1900..=2200).contains(&year)
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
    fn retry_after_as_a_date_is_one_of_the_services_clock() {
        let now = DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time");
        let service = now + chrono::Duration::hours(2);
        let until = (service + chrono::Duration::seconds(30)).to_rfc2822();
        let mut told = answer(503, Some(&until));
        let date = |date: &str| date.parse::<http::HeaderValue>().expect("a test's own header");
        told.headers_mut().insert(DATE, date(&service.to_rfc2822()));
        assert_eq!(retry_after(&told, now), Some(Duration::from_secs(30)));
        told.headers_mut().insert(DATE, date("no date"));
        assert_eq!(retry_after(&told, now), Some(Duration::from_secs(7_230)));
    }

    #[test]
    fn years_that_nobody_plans_for_are_no_times() {
        for good in [
            "1900-01-01T00:00:00Z",
            "2026-12-01T09:00:00+01:00",
            "2200-12-31T23:59:59Z",
        ] {
            assert!(planned(good).is_some(), "{good}");
        }
        for bad in [
            "0000-01-01T00:00:00Z",
            "1899-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-23:59",
            "10000-01-01T00:00:00Z",
            "+262142-12-31T23:59:59Z",
            "-0001-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-12-01T09:00:00",
            "",
        ] {
            assert_eq!(planned(bad), None, "{bad}");
        }
        assert_eq!(planned("2026-12-31T23:59:60Z"), planned("2026-12-31T23:59:59Z"));
        assert_eq!(
            planned("2026-12-31T23:59:59.999Z"),
            planned("2026-12-31T23:59:59Z")
        );
    }

    #[test]
    fn json_that_would_fill_the_memory_is_not_read() {
        let many = |piece: &str| format!("[{}0]", piece.repeat(4 * 1024 * 1024 / piece.len()));
        for piece in ["0,", "{},", "[],", "{\"a\":0},", "[[]],", "\"\","] {
            assert_eq!(json::<serde_json::Value>(many(piece).as_bytes()), None, "{piece}");
        }
        // Punctuation inside of texts costs nothing.
        let text = format!("[\"{}\"]", "{,[\\\"".repeat(1024 * 1024));
        assert!(json::<serde_json::Value>(text.as_bytes()).is_some());
        assert_eq!(json::<serde_json::Value>("[".repeat(100_000).as_bytes()), None);
    }

    #[test]
    fn only_what_can_be_sent_back_is_opaque() {
        assert!(
            is_opaque("\"3181161784712000\"")
                && is_opaque("CPDAlvWDx70CEPDAlvWDx70CGAU=")
                && is_opaque("p 2")
        );
        for bad in ["", "a\r\nX: y", "\u{202e}", &"x".repeat(4097)] {
            assert!(!is_opaque(bad), "{bad}");
        }
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
