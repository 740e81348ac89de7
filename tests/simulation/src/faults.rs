//! Every way in which a request can go wrong.

use roundtrip_sandbox::faults::{Fault, Service};
use roundtrip_sandbox::shared::SeededRandom;
use serde_json::json;
use std::collections::BTreeMap;

/// What a laptop's disk does wrong (`disk.rs`).
pub const DISK: [&str; 5] = [
    "disk full",
    "database locked",
    "slow disk",
    "power gone after a commit",
    "power gone within a commit",
];

/// What nobody chose (`life.rs`).
pub const FATE: [&str; 11] = [
    "crash and restart",
    "sleep",
    "sleep for a week",
    "clock jump",
    "database lost",
    "places in the feeds forgotten",
    "platform turns sync off",
    "restart and outage while sync is off",
    "writer lease lost",
    "disconnect and reconnect",
    "all grants revoked",
];

/// In so many seeds every kind of fault comes, or the simulation has lost one.
pub const ENOUGH_SEEDS: u64 = 500;

/// The names of all kinds: on the wire, of the disk, of fate.
pub fn names() -> impl Iterator<Item = &'static str> {
    let wire = Kind::ALL.into_iter().map(Kind::name);
    wire.chain(DISK).chain(FATE)
}

/// The kinds that never came, of these counts by name.
pub fn missing(counts: &BTreeMap<&'static str, u64>) -> Vec<&'static str> {
    names()
        .filter(|name| counts.get(name).is_none_or(|count| *count == 0))
        .collect()
}

/// What is wrong with the faults of so many seeds: nothing while they are too few to tell.
pub fn complaint(seeds: u64, counts: &BTreeMap<&'static str, u64>) -> Option<String> {
    let missing = missing(counts);
    let is_wrong = seeds >= ENOUGH_SEEDS && !missing.is_empty();
    is_wrong.then(|| format!("in {seeds} seeds there was never: {}", missing.join(", ")))
}

/// A kind of fault on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// No connection: surely nothing was sent.
    NoConnection,
    /// The request is lost on its way.
    LostRequest,
    /// The service carries it out, its answer is lost.
    LostReply,
    /// Nobody waits any more when the service carries it out.
    Late,
    /// It arrives twice, the second answer is heard.
    Duplicate,
    /// It arrives a second time some time later.
    DuplicateLater,
    /// It takes long.
    Slow,
    /// The answer's body ends in the middle, and with it the connection.
    CutBody,
    /// The answer's body is complete by its length but ends in the middle of the JSON.
    CutPage,
    /// A list without items.
    EmptyPage,
    /// The first half of a list.
    ShortList,
    /// The same page again.
    RepeatPage,
    /// An empty body with status 200.
    EmptyBody,
    /// An answer of some time ago.
    Stale,
    /// 410 to a sync token or cursor.
    ExpiredPlace,
    /// 401: the access token has ended.
    ExpiredToken,
    /// The whole grant was revoked.
    Revoked,
    /// A right is missing.
    ScopeMissing,
    /// The calendar is said not to exist.
    CalendarGone,
    /// The quota is used up.
    Quota,
    /// 429 without a word on when.
    Throttled,
    /// 429 with `Retry-After`.
    ThrottledUntil,
    /// 5xx before anything was done.
    ServerError,
    /// 503 with `Retry-After`.
    Unavailable,
    /// 5xx although it was done.
    ErrorAfter,
    /// A page of HTML with status 200.
    Html,
    /// A portal in between answers in the service's place, with a status of its own.
    Portal,
    /// JSON of another shape.
    WrongShape,
    /// The service's clock is wrong.
    ServiceClock,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::NoConnection,
        Self::LostRequest,
        Self::LostReply,
        Self::Late,
        Self::Duplicate,
        Self::DuplicateLater,
        Self::Slow,
        Self::CutBody,
        Self::CutPage,
        Self::EmptyPage,
        Self::ShortList,
        Self::RepeatPage,
        Self::EmptyBody,
        Self::Stale,
        Self::ExpiredPlace,
        Self::ExpiredToken,
        Self::Revoked,
        Self::ScopeMissing,
        Self::CalendarGone,
        Self::Quota,
        Self::Throttled,
        Self::ThrottledUntil,
        Self::ServerError,
        Self::Unavailable,
        Self::ErrorAfter,
        Self::Html,
        Self::Portal,
        Self::WrongShape,
        Self::ServiceClock,
    ];

    /// Its name in the distribution.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoConnection => "no connection",
            Self::LostRequest => "lost request",
            Self::LostReply => "lost reply after commit",
            Self::Late => "carried out after giving up",
            Self::Duplicate => "delivered twice",
            Self::DuplicateLater => "delivered again later",
            Self::Slow => "slow answer",
            Self::CutBody => "connection cut in the body",
            Self::CutPage => "cut page",
            Self::EmptyPage => "empty page",
            Self::ShortList => "short list",
            Self::RepeatPage => "repeated page",
            Self::EmptyBody => "empty body",
            Self::Stale => "stale answer",
            Self::ExpiredPlace => "410 for the place in a feed",
            Self::ExpiredToken => "401 access token ended",
            Self::Revoked => "grant revoked",
            Self::ScopeMissing => "right missing",
            Self::CalendarGone => "calendar said to be gone",
            Self::Quota => "quota gone",
            Self::Throttled => "429",
            Self::ThrottledUntil => "429 with Retry-After",
            Self::ServerError => "5xx before",
            Self::Unavailable => "503 with Retry-After",
            Self::ErrorAfter => "5xx after commit",
            Self::Html => "HTML instead of JSON",
            Self::Portal => "a portal answers",
            Self::WrongShape => "JSON of another shape",
            Self::ServiceClock => "service clock wrong",
        }
    }

    /// True if it can happen to such a request.
    pub fn fits(self, asked: &Asked) -> bool {
        match self {
            Self::EmptyPage | Self::ShortList => asked.list,
            Self::RepeatPage => asked.list && asked.paged,
            Self::Stale => asked.read,
            Self::ExpiredPlace => asked.list && asked.since,
            Self::ScopeMissing | Self::ExpiredToken => !asked.sign_in,
            Self::Revoked => !asked.sign_in,
            Self::CalendarGone | Self::Quota => asked.google && !asked.sign_in,
            // A delete has no body that could be broken.
            Self::CutPage | Self::EmptyBody => asked.answers,
            _ => true,
        }
    }

    /// The rule by which the sandbox carries it out, for the kinds that are its own.
    pub fn rule(self, random: &mut SeededRandom) -> Option<Fault> {
        let status = |status: u16, headers: &[(&str, String)]| Fault::Status {
            status,
            body: Some(json!({"error": "spoiled"})),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        };
        Some(match self {
            Self::LostRequest => Fault::DropBefore,
            Self::LostReply => Fault::DropAfter,
            Self::CutBody => Fault::DropDuring {
                bytes: random.below(200),
            },
            Self::CutPage => Fault::CutPage,
            Self::EmptyPage => Fault::EmptyPage,
            Self::ShortList => Fault::ShortList,
            Self::RepeatPage => Fault::RepeatPage,
            Self::EmptyBody => Fault::RawBody {
                body: String::new(),
                content_type: "application/json".to_owned(),
            },
            Self::ExpiredPlace => Fault::ExpiredSyncToken,
            Self::Revoked => Fault::TokenRevoked,
            Self::ScopeMissing => Fault::ScopeMissing,
            Self::CalendarGone => Fault::CalendarGone,
            Self::Quota => Fault::QuotaExceeded,
            Self::Throttled => Fault::RateLimited,
            Self::ThrottledUntil => status(429, &[("Retry-After", (1 + random.below(900)).to_string())]),
            Self::ServerError => status([500, 502, 503, 504][random.below(4)], &[]),
            Self::Unavailable => status(503, &[("Retry-After", (1 + random.below(600)).to_string())]),
            Self::Html => Fault::RawBody {
                body: "<!doctype html><title>Sign in to the hotel's network</title>".to_owned(),
                content_type: "text/html".to_owned(),
            },
            Self::WrongShape => Fault::RawBody {
                body: ["[]", "null", "{}", "{\"items\":7}", "{\"items\":[{}]}", "\"ok\""][random.below(6)]
                    .to_owned(),
                content_type: "application/json".to_owned(),
            },
            Self::ServiceClock => Fault::ClockSkew {
                seconds: 600 - random.below(1_200) as i64,
            },
            Self::NoConnection
            | Self::Late
            | Self::Duplicate
            | Self::DuplicateLater
            | Self::Slow
            | Self::Stale
            | Self::Portal
            | Self::ExpiredToken
            | Self::ErrorAfter => return None,
        })
    }
}

/// What is asked of which service.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Google, else the platform.
    pub google: bool,
    /// A reading.
    pub read: bool,
    /// A listing.
    pub list: bool,
    /// A listing from a place on.
    pub since: bool,
    /// A further page.
    pub paged: bool,
    /// The token endpoint.
    pub sign_in: bool,
    /// It is answered with a body.
    pub answers: bool,
}

impl Asked {
    /// What a request asks.
    pub fn of(google: bool, method: &http::Method, path: &str, query: &str) -> Self {
        let read = method == http::Method::GET;
        let list = read
            && if google {
                path.ends_with("/events")
            } else {
                path == "/v1/appointments"
            };
        Self {
            google,
            read,
            list,
            since: query.contains("syncToken=") || query.contains("cursor="),
            paged: query.contains("pageToken=") || query.contains("cursor="),
            sign_in: !path.starts_with("/v1/") && !path.starts_with("/calendar/v3/"),
            answers: method != http::Method::DELETE,
        }
    }

    /// As the sandbox names the service.
    pub fn service(&self) -> Service {
        if self.google {
            Service::Google
        } else {
            Service::Platform
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn each(count: u64) -> BTreeMap<&'static str, u64> {
        names().map(|name| (name, count)).collect()
    }

    #[test]
    fn enough_seeds_without_a_kind_of_the_wire_the_disk_or_fate_are_complained_about() {
        assert_eq!(complaint(ENOUGH_SEEDS, &each(1)), None);
        for lost in ["429", "database locked", "all grants revoked"] {
            let mut counts = each(3);
            counts.remove(lost);
            assert_eq!(complaint(ENOUGH_SEEDS - 1, &counts), None, "too few to tell");
            let expected = Some(format!("in 500 seeds there was never: {lost}"));
            assert_eq!(complaint(ENOUGH_SEEDS, &counts), expected);
            counts.insert(lost, 0);
            assert_eq!(complaint(ENOUGH_SEEDS, &counts), expected);
        }
        assert_eq!(missing(&BTreeMap::new()).len(), Kind::ALL.len() + 16);
    }

    #[test]
    fn no_two_kinds_have_one_name() {
        let once: BTreeSet<_> = names().collect();
        assert_eq!(once.len(), names().count());
    }
}
