//! Hints: what the platform's event stream says. They carry no content and may be lost or repeated.

use crate::wire;
use roundtrip_engine::ports::SyncPolicy;
use serde_json::Value;

/// Longest line and longest event that are kept; a longer one is dropped as a whole.
const LONGEST: usize = 64 * 1024;

/// "Look now".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// At the platform's feed.
    Appointments,
    /// At a calendar.
    Calendar {
        /// Which push subscription.
        channel_id: String,
        /// What the service said, for example `exists`.
        state: String,
    },
    /// The policy changed.
    Policy(SyncPolicy),
    /// Hints were missed: look at everything.
    Resync,
}

/// Reads server-sent events from pieces of a stream, wherever they are cut.
#[derive(Debug, Default)]
pub struct HintParser {
    line: Vec<u8>,
    after_return: bool,
    dropping: bool,
    event: String,
    data: String,
    last_id: Option<String>,
}

impl HintParser {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// For `Last-Event-ID` when the stream is opened again.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Takes the next piece; gives the hints that are complete with it. Unknown events are ignored.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Hint> {
        let mut hints = Vec::new();
        for &byte in piece {
            // A line ends with LF, CR or CR LF.
            let second_half = std::mem::replace(&mut self.after_return, byte == b'\r') && byte == b'\n';
            match byte {
                b'\n' if second_half => {}
                b'\n' | b'\r' => hints.extend(self.end_of_line()),
                _ if self.line.len() >= LONGEST => self.dropping = true,
                _ => self.line.push(byte),
            }
        }
        hints
    }

    fn end_of_line(&mut self) -> Option<Hint> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let data = std::mem::take(&mut self.data);
            let dropped = std::mem::take(&mut self.dropping);
            return if dropped { None } else { hint(&event, &data) };
        }
        let line = String::from_utf8_lossy(&line);
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.event = value.to_owned(),
            "data" if self.data.len() + value.len() > LONGEST => self.dropping = true,
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

fn hint(event: &str, data: &str) -> Option<Hint> {
    let json = || serde_json::from_str::<Value>(data).ok();
    match event {
        "appointments" => Some(Hint::Appointments),
        "resync" => Some(Hint::Resync),
        "calendar" => {
            let json = json()?;
            let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(Hint::Calendar {
                channel_id: text("channel_id")?,
                state: text("state").unwrap_or_default(),
            })
        }
        "policy" => wire::policy_value(&json()?).map(Hint::Policy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nid: 7\nevent: appointments\ndata: {}\n\n:\r\n\r\nid: 8\revent: policy\rdata: \
        {\"enabled\":false,\rdata: \"reason\":\"maintenance\"}\r\revent: calendar\r\ndata: \
        {\"channel_id\":\"ch_1\",\"state\":\"exists\"}\r\n\r\nevent: weather\ndata: {}\n\nevent: resync\ndata: {}\n\n";

    fn expected() -> Vec<Hint> {
        vec![
            Hint::Appointments,
            Hint::Policy(SyncPolicy {
                enabled: false,
                reason: Some("maintenance".into()),
            }),
            Hint::Calendar {
                channel_id: "ch_1".into(),
                state: "exists".into(),
            },
            Hint::Resync,
        ]
    }

    #[test]
    fn hints_are_read_wherever_the_stream_is_cut() {
        for size in 1..STREAM.len() {
            let mut parser = HintParser::new();
            let hints: Vec<_> = STREAM
                .as_bytes()
                .chunks(size)
                .flat_map(|piece| parser.push(piece))
                .collect();
            assert_eq!(hints, expected(), "pieces of {size}");
            assert_eq!(parser.last_id(), Some("8"));
        }
    }

    #[test]
    fn an_endless_event_is_dropped_and_the_next_one_is_read() {
        let mut parser = HintParser::new();
        let endless = format!("event: appointments\ndata: {}\n\n", "x".repeat(LONGEST * 2));
        assert_eq!(parser.push(endless.as_bytes()), vec![]);
        assert_eq!(
            parser.push(b"event: appointments\ndata: {}\n\n"),
            vec![Hint::Appointments]
        );
    }

    #[test]
    fn an_unfinished_event_is_no_hint() {
        assert_eq!(HintParser::new().push(b"event: appointments\ndata: {}\n"), vec![]);
    }
}
