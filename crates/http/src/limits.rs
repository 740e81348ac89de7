//! `RateLimit` and `RateLimit-Policy` headers (IETF draft-ietf-httpapi-ratelimit-headers, from its version 8 on): what a
//! service says is left.

use http::HeaderMap;
use roundtrip_core::quota::{Limit, Told};
use std::time::Duration;

/// Longest window that is taken for one: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// Of several quotas the one of which least is left. `None` if nothing is said, or nothing that can be read.
pub(crate) fn told(headers: &HeaderMap) -> Option<Told> {
    let left = items(headers, "ratelimit")
        .filter_map(|(name, item)| Some((name, number(item, "r")?, number(item, "t")?)))
        .min_by_key(|(_, left, _)| *left)?;
    let (name, left, reset) = left;
    let limit = items(headers, "ratelimit-policy")
        .find(|(known, _)| *known == name)
        .and_then(|(_, item)| {
            let (requests, span) = (number(item, "q")?, number(item, "w")?);
            let requests = u32::try_from(requests).ok().filter(|requests| *requests > 0)?;
            (1..=LONGEST).contains(&span).then(|| Limit {
                requests,
                span: Duration::from_secs(span),
            })
        });
    Some(Told {
        limit,
        left: u32::try_from(left).unwrap_or(u32::MAX),
        // Whole seconds, rounded by the service as it likes.
        reset: Duration::from_secs(reset.min(LONGEST) + 1),
    })
}

/// `"name";a=1;b=2, "other";a=3`
fn items<'a>(headers: &'a HeaderMap, header: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
    headers
        .get_all(header)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|item| item.split_once(';'))
        .map(|(name, rest)| (name.trim(), rest))
}

fn number(item: &str, key: &str) -> Option<u64> {
    item.split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(known, _)| known.trim() == key)
        .and_then(|(_, value)| value.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(left: &str, policy: Option<&str>) -> Option<Told> {
        let mut headers = HeaderMap::new();
        headers.insert(
            "RateLimit",
            HeaderValue::from_str(left).expect("a test's own header"),
        );
        if let Some(policy) = policy {
            let policy = HeaderValue::from_str(policy).expect("a test's own header");
            headers.insert("RateLimit-Policy", policy);
        }
        told(&headers)
    }

    #[test]
    fn what_is_left_is_read_with_its_window() {
        let expected = Told {
            limit: Some(Limit::a_minute(600)),
            left: 598,
            reset: Duration::from_secs(60),
        };
        let found = read("\"default\";r=598;t=59", Some("\"default\";q=600;w=60"));
        assert_eq!(found, Some(expected));
        let without = read("\"default\"; r=598; t=59", Some("\"other\";q=1;w=1"));
        assert_eq!(
            without,
            Some(Told {
                limit: None,
                ..expected
            })
        );
    }

    #[test]
    fn of_several_the_scarcest_counts() {
        let found = read("\"day\";r=900;t=4000, \"minute\";r=3;t=20", None).expect("something");
        assert_eq!((found.left, found.reset), (3, Duration::from_secs(21)));
    }

    #[test]
    fn nonsense_says_nothing() {
        for nonsense in [
            "",
            "limit=100, remaining=50, reset=5",
            "\"a\";r=-1;t=5",
            "\"a\";r=x;t=y",
            ";;;=",
            "\"a\"",
        ] {
            assert_eq!(read(nonsense, Some("\"a\";q=0;w=0")), None, "{nonsense}");
        }
        let odd =
            read("\"a\";r=5;t=99999999999", Some("\"a\";q=99999999999999;w=60")).expect("what can be read");
        assert_eq!(
            (odd.limit, odd.left, odd.reset),
            (None, 5, Duration::from_secs(LONGEST + 1))
        );
    }
}
