//! Hints: what the platform's event stream says. They carry no content and may be lost or repeated.

use crate::wire;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use roundtrip_engine::ports::{Heard, Hint, HintStream, PortError};
use roundtrip_http::Pieces;
use roundtrip_http::answer::is_opaque;
use serde_json::Value;

/// Longest line and longest event that are kept; a longer one is dropped as a whole.
const LONGEST: usize = 64 * 1024;

/// Reads server-sent events from pieces of a stream, wherever they are cut.
#[derive(Debug, Default)]
pub struct HintParser {
    line: Vec<u8>,
    after_return: bool,
    dropping: bool,
    event: String,
    data: String,
    /// Of the event that is not yet whole.
    id: Option<String>,
    last_id: Option<String>,
    nonsense: u32,
    alive: bool,
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

    /// Takes the next piece; gives all that was heard in it.
    pub fn hear(&mut self, piece: &[u8]) -> Heard {
        let hints = self.push(piece);
        Heard {
            hints,
            bytes: piece.len(),
            nonsense: std::mem::take(&mut self.nonsense),
            alive: std::mem::take(&mut self.alive),
        }
    }

    fn end_of_line(&mut self) -> Option<Hint> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let data = std::mem::take(&mut self.data);
            let dropped = std::mem::take(&mut self.dropping);
            // Only with its last line is an event one that was seen: cut before, it comes again.
            let id = self.id.take();
            // An id alone says where the stream is, and so that it lives.
            self.alive |= (!event.is_empty() || id.is_some()) && !dropped;
            if id.is_some() {
                self.last_id = id;
            }
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
            // What could not be sent back in a header is no place to go on from.
            "id" if is_opaque(value) => self.id = Some(value.to_owned()),
            "id" | "retry" => {}
            // A comment: the stream lives.
            "" => self.alive = true,
            _ => self.nonsense = self.nonsense.saturating_add(1),
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

/// The open stream of a platform.
pub(crate) struct Stream {
    pieces: Pieces,
    parser: HintParser,
}

impl Stream {
    pub(crate) fn new(pieces: Pieces) -> Self {
        Self {
            pieces,
            parser: HintParser::new(),
        }
    }
}

#[async_trait]
impl HintStream for Stream {
    async fn next(&mut self) -> Result<Option<Heard>, PortError> {
        match self.pieces.next().await {
            None => Ok(None),
            Some(piece) => {
                let piece: Bytes = piece?;
                Ok(Some(self.parser.hear(&piece)))
            }
        }
    }

    fn last_id(&self) -> Option<String> {
        self.parser.last_id().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roundtrip_engine::ports::SyncPolicy;

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

    #[test]
    fn an_event_that_was_cut_is_not_one_that_was_seen() {
        let mut parser = HintParser::new();
        parser.push(b"id: 7\nevent: appointments\ndata: {}\n\nid: 8\nevent: appointments\n");
        assert_eq!(parser.last_id(), Some("7"));
        parser.push(b"data: {}\n\n");
        assert_eq!(parser.last_id(), Some("8"));
    }

    #[test]
    fn what_is_no_stream_is_told_from_one_that_is_quiet() {
        let mut parser = HintParser::new();
        let quiet = parser.hear(b": quiet\n\n");
        assert_eq!((quiet.alive, quiet.nonsense, quiet.hints.len()), (true, 0, 0));
        let grown = parser.hear(b"event: weather\ndata: {}\nretry: 5\n\n");
        assert_eq!((grown.alive, grown.nonsense, grown.hints.len()), (true, 0, 0));
        let page = parser.hear(b"<html>\n<p>Sign in\n\n</html>\n");
        assert_eq!((page.alive, page.nonsense), (false, 3));
        assert!(!parser.hear(b"\n\n\n").alive);
        assert!(parser.hear(b"id: 9\n\n").alive);
    }
}
