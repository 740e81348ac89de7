//! The log of every request, for tests and benches that count.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::faults::Service;
use crate::shared::lock;

/// Query parameters whose values are credentials; they are logged as `…`.
const SECRET_PARAMETERS: [&str; 9] = [
    "access_token",
    "code",
    "code_challenge",
    "code_verifier",
    "key",
    "oauth_token",
    "refresh_token",
    "state",
    "token",
];

/// One request as the sandbox saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// Counts from 1 in order of arrival.
    pub seq: u64,
    /// When it arrived, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// The service that was asked.
    pub service: Service,
    /// HTTP method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The route it matched (`/v1/appointments/{id}`); the path if it matched none.
    pub route: String,
    /// The query, credentials removed.
    pub query: String,
    /// The status of the answer; `None` while under way, or if the client left before it.
    pub status: Option<u16>,
    /// Whether the connection was dropped in place of an answer.
    pub dropped: bool,
    /// Ids of the fault rules that applied.
    pub faults: Vec<String>,
    /// How long it took by the sandbox's clock.
    pub duration_ms: Option<i64>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The client's `X-Request-Id`.
    pub request_id: Option<String>,
}

/// How often one method and route of one service was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestCount {
    /// The service.
    pub service: Service,
    /// HTTP method.
    pub method: String,
    /// The route.
    pub route: String,
    /// Number of requests.
    pub count: u64,
}

#[derive(Debug, Default)]
struct Entries {
    last_seq: u64,
    requests: Vec<LoggedRequest>,
}

/// All requests since the start or the last clearing.
#[derive(Debug, Default)]
pub struct RequestLog {
    entries: Mutex<Entries>,
}

impl RequestLog {
    /// Notes a request that has arrived; `request.seq` is set here and returned.
    pub fn begin(&self, mut request: LoggedRequest) -> u64 {
        let mut entries = lock(&self.entries);
        entries.last_seq += 1;
        request.seq = entries.last_seq;
        request.query = without_credentials(&request.query);
        let seq = request.seq;
        entries.requests.push(request);
        seq
    }

    /// Notes how a request ended. Unknown numbers (cleared meanwhile) are ignored.
    pub fn finish(&self, seq: u64, status: Option<u16>, at: DateTime<Utc>) {
        let mut entries = lock(&self.entries);
        // Almost always among the last few.
        if let Some(request) = entries
            .requests
            .iter_mut()
            .rev()
            .find(|request| request.seq == seq)
        {
            request.status = status;
            request.dropped = status.is_none();
            request.duration_ms = Some((at - request.at).num_milliseconds());
        }
    }

    /// The requests with a higher number than `seq`, in order of arrival.
    pub fn since(&self, seq: u64) -> Vec<LoggedRequest> {
        lock(&self.entries)
            .requests
            .iter()
            .filter(|request| request.seq > seq)
            .cloned()
            .collect()
    }

    /// The number of the last request (0 if none). Not reset by [`RequestLog::clear`].
    pub fn last_seq(&self) -> u64 {
        lock(&self.entries).last_seq
    }

    /// Counts by service, method and route, of the requests after `seq`.
    pub fn counts(&self, seq: u64) -> Vec<RequestCount> {
        let mut counts = BTreeMap::<(Service, String, String), u64>::new();
        for request in lock(&self.entries)
            .requests
            .iter()
            .filter(|request| request.seq > seq)
        {
            let key = (request.service, request.method.clone(), request.route.clone());
            *counts.entry(key).or_default() += 1;
        }
        counts
            .into_iter()
            .map(|((service, method, route), count)| RequestCount {
                service,
                method,
                route,
                count,
            })
            .collect()
    }

    /// Forgets all requests; numbers go on.
    pub fn clear(&self) {
        lock(&self.entries).requests.clear();
    }
}

fn without_credentials(query: &str) -> String {
    let clean = query.split('&').map(|pair| {
        let name = pair.split('=').next().unwrap_or(pair);
        if SECRET_PARAMETERS.contains(&name) {
            format!("{name}=…")
        } else {
            pair.to_owned()
        }
    });
    clean.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_reach_the_log() {
        assert_eq!(
            without_credentials("code=4%2F0A&limit=5&access_token=ya29&syncToken=abc"),
            "code=…&limit=5&access_token=…&syncToken=abc"
        );
        assert_eq!(without_credentials(""), "");
    }
}
