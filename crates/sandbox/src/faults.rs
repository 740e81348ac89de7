//! Fault rules: which request goes wrong, how often, and in what way.
//!
//! Rules are matched for each request by [`crate::observe`]. Faults of transport (latency, status, dropped
//! connection, broken body) are carried out there. Faults with a meaning for one service (an expired sync token, a
//! short list) travel to its handlers as [`ActiveFaults`].

use std::convert::Infallible;
use std::sync::Mutex;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shared::lock;

/// A stand-in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The booking platform.
    Platform,
    /// Google: sign-in and Calendar.
    Google,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The answer comes later. By the sandbox's clock, so a manual clock jumps instead of waiting.
    Latency {
        /// How much later.
        ms: u64,
        /// Wait in real time even under a manual clock.
        #[serde(default)]
        real: bool,
    },
    /// This answer in place of the handler's; nothing is committed.
    Status {
        /// HTTP status.
        status: u16,
        /// A JSON string is sent as it is, anything else as JSON; absent = no body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        /// Further headers; they replace the usual ones of the same name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<(String, String)>,
    },
    /// The connection ends before the handler ran: nothing is committed.
    DropBefore,
    /// The handler runs and commits, then the connection ends without an answer.
    DropAfter,
    /// The handler runs, the answer's head and the first bytes of its body are sent, then the connection ends.
    DropDuring {
        /// Bytes of the body that still arrive.
        bytes: usize,
    },
    /// The handler runs; its answer keeps the status but carries this body (malformed JSON, a proxy's HTML…).
    RawBody {
        /// The body.
        body: String,
        /// Its `Content-Type`.
        #[serde(default = "json_type")]
        content_type: String,
    },
    /// The handler runs; its answer carries a JSON body of this size.
    BigBody {
        /// Size in bytes.
        bytes: usize,
    },
    /// The handler runs; the body of its answer is complete by its length but cut in the middle of the JSON.
    CutPage,
    /// The service's `Date` header and times of its own are off by this.
    ClockSkew {
        /// Seconds ahead (negative: behind).
        seconds: i64,
    },
    /// A list answers 200 with no items and a valid token.
    EmptyPage,
    /// A list answers 200 with only the first half of its items and a valid token.
    ShortList,
    /// A list answers the same page again, with the same token for the next one.
    RepeatPage,
    /// A sync token or cursor is refused as too old.
    ExpiredSyncToken,
    /// The access token of the request is refused as revoked, and its refresh token with it.
    TokenRevoked,
    /// The request is refused for want of a scope.
    ScopeMissing,
    /// The calendar of the request does not exist any more.
    CalendarGone,
    /// The usage quota is used up.
    QuotaExceeded,
    /// Too many requests in a short time.
    RateLimited,
}

impl Fault {
    /// Whether handlers carry it out themselves, told by [`ActiveFaults`].
    pub fn is_semantic(&self) -> bool {
        match self {
            Self::Latency { .. }
            | Self::Status { .. }
            | Self::DropBefore
            | Self::DropAfter
            | Self::DropDuring { .. }
            | Self::RawBody { .. }
            | Self::BigBody { .. }
            | Self::CutPage => false,
            // The Date header is set for all services alike; `server_time` is the handler's.
            Self::ClockSkew { .. }
            | Self::EmptyPage
            | Self::ShortList
            | Self::RepeatPage
            | Self::ExpiredSyncToken
            | Self::TokenRevoked
            | Self::ScopeMissing
            | Self::CalendarGone
            | Self::QuotaExceeded
            | Self::RateLimited => true,
        }
    }
}

fn json_type() -> String {
    "application/json".to_owned()
}

fn once() -> u32 {
    1
}

/// A rule as it is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The service it is for.
    pub service: Service,
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path (with query) contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
    /// Lets the first so many matching requests through.
    #[serde(default)]
    pub after: u32,
    /// How many requests it then applies to; 0 = until cleared.
    #[serde(default = "once")]
    pub times: u32,
    /// What goes wrong.
    pub fault: Fault,
}

impl FaultRule {
    /// `fault` once, for the next request to `service`.
    pub fn new(service: Service, fault: Fault) -> Self {
        Self {
            service,
            method: None,
            path_contains: None,
            after: 0,
            times: 1,
            fault,
        }
    }

    /// Only for requests with this method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only for requests whose path contains this text.
    pub fn path(mut self, part: &str) -> Self {
        self.path_contains = Some(part.to_owned());
        self
    }

    /// Lets the first `count` matching requests through.
    pub fn after(mut self, count: u32) -> Self {
        self.after = count;
        self
    }

    /// Applies to `count` requests; 0 = until cleared.
    pub fn times(mut self, count: u32) -> Self {
        self.times = count;
        self
    }

    fn matches(&self, service: Service, method: &str, path_and_query: &str) -> bool {
        self.service == service
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self
                .path_contains
                .as_deref()
                .is_none_or(|part| path_and_query.contains(part))
    }
}

/// A rule together with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultState {
    /// Its id, `flt_` and a number.
    pub id: String,
    /// The rule.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// Requests that matched so far.
    pub matched: u32,
    /// Requests it was applied to so far.
    pub applied: u32,
}

#[derive(Debug, Default)]
struct Rules {
    last_id: u64,
    states: Vec<FaultState>,
}

/// The rules of one sandbox.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Rules>,
}

impl Faults {
    /// Adds a rule and returns its id.
    pub fn add(&self, rule: FaultRule) -> String {
        let mut rules = lock(&self.rules);
        rules.last_id += 1;
        let id = format!("flt_{}", rules.last_id);
        rules.states.push(FaultState {
            id: id.clone(),
            rule,
            matched: 0,
            applied: 0,
        });
        id
    }

    /// All rules, used up ones too, so that a test can see how often each applied.
    pub fn list(&self) -> Vec<FaultState> {
        lock(&self.rules).states.clone()
    }

    /// Removes one rule; `false` if there is none of that id.
    pub fn remove(&self, id: &str) -> bool {
        let mut rules = lock(&self.rules);
        let before = rules.states.len();
        rules.states.retain(|state| state.id != id);
        rules.states.len() < before
    }

    /// Removes all rules; ids go on.
    pub fn clear(&self) {
        lock(&self.rules).states.clear();
    }

    /// The faults for one request, with the ids of their rules. Counts the request.
    pub fn take(&self, service: Service, method: &str, path_and_query: &str) -> Vec<(String, Fault)> {
        let mut taken = Vec::new();
        for state in &mut lock(&self.rules).states {
            if !state.rule.matches(service, method, path_and_query) {
                continue;
            }
            state.matched = state.matched.saturating_add(1);
            let due = state.matched > state.rule.after;
            if due && (state.rule.times == 0 || state.applied < state.rule.times) {
                state.applied = state.applied.saturating_add(1);
                taken.push((state.id.clone(), state.rule.fault.clone()));
            }
        }
        taken
    }
}

/// The semantic faults of the present request. An extractor that never fails: without a rule it is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ActiveFaults(pub Vec<Fault>);

impl ActiveFaults {
    /// Whether exactly this fault is active.
    pub fn has(&self, fault: &Fault) -> bool {
        self.0.contains(fault)
    }

    /// By how much the service's times are off.
    pub fn clock_skew(&self) -> chrono::TimeDelta {
        let seconds = self.0.iter().map(|fault| {
            if let Fault::ClockSkew { seconds } = fault {
                *seconds
            } else {
                0
            }
        });
        chrono::TimeDelta::try_seconds(seconds.sum()).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ActiveFaults {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Marks a response that stands for a connection that ended without an answer. The server closes the connection
/// for real; a caller in the same process finds this in the response's extensions (its status is 599).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionDropped;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_lets_some_through_applies_and_is_used_up() {
        let faults = Faults::default();
        faults.add(
            FaultRule::new(Service::Google, Fault::DropAfter)
                .method("POST")
                .path("/events")
                .after(1)
                .times(2),
        );
        let hits = || {
            faults
                .take(Service::Google, "POST", "/calendar/v3/calendars/primary/events")
                .len()
        };
        assert_eq!([hits(), hits(), hits(), hits()], [0, 1, 1, 0]);
        assert_eq!(faults.take(Service::Google, "GET", "/x/events").len(), 0);
        assert_eq!(faults.take(Service::Platform, "POST", "/x/events").len(), 0);
        assert_eq!((faults.list()[0].matched, faults.list()[0].applied), (4, 2));
    }

    #[test]
    fn rules_read_as_documented() {
        let rule: FaultRule = serde_json::from_value(serde_json::json!({
            "service": "platform", "fault": {"kind": "status", "status": 503, "headers": [["Retry-After", "3"]]}
        }))
        .expect("valid rule");
        assert_eq!(rule.times, 1);
        assert!(!rule.fault.is_semantic());
        let unknown = serde_json::json!({"service": "platform", "fault": {"kind": "earthquake"}});
        assert!(serde_json::from_value::<FaultRule>(unknown).is_err());
    }
}
