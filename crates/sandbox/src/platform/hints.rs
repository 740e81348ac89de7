//! Hints: server-sent events that say "look now", kept for an hour so that a stream can be resumed.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::broadcast;

/// How long a hint can be resumed from.
const HINT_MEMORY: TimeDelta = TimeDelta::hours(1);
/// A stream that lags further behind is told to look at everything.
const STREAM_BUFFER: usize = 256;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hint {
    pub id: u64,
    pub event: &'static str,
    pub data: Value,
}

#[derive(Debug, Clone)]
struct Kept {
    at: DateTime<Utc>,
    user: String,
    hint: Hint,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Hints {
    last_id: u64,
    /// The highest id that is no longer kept.
    forgotten: u64,
    kept: VecDeque<Kept>,
    streams: BTreeMap<String, broadcast::Sender<Hint>>,
}

impl Hints {
    /// Sends a hint to every stream of `user` and keeps it.
    pub fn send(&mut self, now: DateTime<Utc>, user: &str, event: &'static str, data: Value) {
        self.last_id += 1;
        let hint = Hint {
            id: self.last_id,
            event,
            data,
        };
        if let Some(stream) = self.streams.get(user) {
            // No receiver is no mistake: hints may be lost.
            let _ = stream.send(hint.clone());
        }
        self.kept.push_back(Kept {
            at: now,
            user: user.to_owned(),
            hint,
        });
        self.forget_old(now);
    }

    /// What a stream that resumes begins with, and what comes after. Taken together, so that no hint falls between.
    pub fn open(
        &mut self,
        now: DateTime<Utc>,
        user: &str,
        last_event_id: Option<u64>,
    ) -> (Vec<Hint>, broadcast::Receiver<Hint>) {
        self.forget_old(now);
        let missed = match last_event_id {
            None => Vec::new(),
            Some(id) if id < self.forgotten || id > self.last_id => vec![self.resync()],
            Some(id) => {
                let missed = self
                    .kept
                    .iter()
                    .filter(|kept| kept.hint.id > id && kept.user == user);
                missed.map(|kept| kept.hint.clone()).collect()
            }
        };
        let stream = self
            .streams
            .entry(user.to_owned())
            .or_insert_with(|| broadcast::channel(STREAM_BUFFER).0);
        (missed, stream.subscribe())
    }

    /// What a stream is told that has missed more than is kept.
    pub fn resync(&self) -> Hint {
        Hint {
            id: self.last_id,
            event: "resync",
            data: json!({}),
        }
    }

    /// Ends every open stream, as a restart of the platform would.
    pub fn close_streams(&mut self) {
        self.streams.clear();
    }

    /// The number of open streams.
    pub fn open_streams(&self) -> usize {
        self.streams.values().map(broadcast::Sender::receiver_count).sum()
    }

    fn forget_old(&mut self, now: DateTime<Utc>) {
        while let Some(first) = self.kept.front() {
            if now - first.at < HINT_MEMORY {
                return;
            }
            self.forgotten = first.hint.id;
            self.kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(hints: &[Hint]) -> Vec<(u64, &str)> {
        hints.iter().map(|hint| (hint.id, hint.event)).collect()
    }

    #[test]
    fn a_stream_resumes_where_it_was_for_an_hour() {
        let start = DateTime::UNIX_EPOCH;
        let mut hints = Hints::default();
        hints.send(start, "mara", "appointments", json!({}));
        hints.send(start, "ben", "appointments", json!({}));
        hints.send(start + TimeDelta::minutes(30), "mara", "policy", json!({}));
        let later = start + TimeDelta::minutes(59);
        assert_eq!(events(&hints.open(later, "mara", None).0), []);
        assert_eq!(events(&hints.open(later, "mara", Some(1)).0), [(3, "policy")]);
        // The first two are forgotten: whoever has seen them goes on, whoever has not looks at everything.
        let too_late = start + TimeDelta::minutes(61);
        assert_eq!(events(&hints.open(too_late, "mara", Some(2)).0), [(3, "policy")]);
        assert_eq!(events(&hints.open(too_late, "mara", Some(1)).0), [(3, "resync")]);
        assert_eq!(events(&hints.open(too_late, "mara", Some(99)).0), [(3, "resync")]);
    }

    #[test]
    fn an_open_stream_gets_only_its_own_hints_until_it_is_closed() {
        let mut hints = Hints::default();
        let (_, mut stream) = hints.open(DateTime::UNIX_EPOCH, "mara", None);
        hints.send(DateTime::UNIX_EPOCH, "ben", "appointments", json!({}));
        hints.send(DateTime::UNIX_EPOCH, "mara", "appointments", json!({}));
        assert_eq!(stream.try_recv().map(|hint| hint.id), Ok(2));
        hints.close_streams();
        assert_eq!(stream.try_recv(), Err(broadcast::error::TryRecvError::Closed));
    }
}
