//! What anybody on the internet can send to the relay: the hooks of the calendar services, tokens of channels, and the place
//! where a stream goes on.

use crate::services::now;
use chrono::TimeDelta;
use futures::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use roundtrip_relay::MemoryHub;
use roundtrip_relay::channel::{Channel, Issued, Keys, Mailbox, Provider};
use roundtrip_relay::hooks::{forwarded_for, is_fit_to_return, said_by_google, said_by_graph};
use roundtrip_relay::hub::{Hint, Hub as _, Kind};

const TRAINER: &str = "usr_7";

fn keys() -> Keys {
    let key = format!("{}=", "A".repeat(43));
    Keys::from_text(&key).unwrap_or_else(|error| panic!("the target's own: {error}"))
}

/// The one channel of this service: always the same, so that the corpus can have its token.
fn ours(keys: &Keys, provider: Provider) -> Issued {
    keys.issue(provider, TRAINER, [9; 16], now() - TimeDelta::days(1))
}

/// A token that is taken is the one that was made: no change of it means another channel, mailbox or time.
fn check(keys: &Keys, provider: Provider, channel: &Channel) {
    let ours = ours(keys, provider);
    assert_eq!((&channel.id, channel.expires_at), (&ours.id, ours.expires_at));
    assert_eq!(channel.mailbox, keys.mailbox(TRAINER));
}

/// A request: lines of headers, an empty line, and the body.
pub fn request(input: &[u8]) {
    let keys = keys();
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |end| (&input[..end], &input[end + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }

    if let Some((channel, state)) = said_by_google(&keys, &headers, now()) {
        check(&keys, Provider::Google, &channel);
        assert!(["sync", "exists", "not_exists"].contains(&state), "{state}");
    }
    let said = said_by_graph(&keys, body, now());
    // Each of five states once, however often it was said.
    assert!(said.len() <= 5, "{}", said.len());
    for (channel, state) in &said {
        check(&keys, Provider::Outlook, channel);
        assert!(state.bytes().all(|byte| byte.is_ascii_alphabetic()), "{state}");
    }
    if let Some(address) = forwarded_for(&headers) {
        assert!(!address.to_string().is_empty());
    }
    let text = String::from_utf8_lossy(body);
    for line in text.lines() {
        if is_fit_to_return(line) {
            assert!(
                line.len() <= 2048 && HeaderValue::from_str(line).is_ok(),
                "{line:?}"
            );
        }
        if keys.made(TRAINER, line) {
            assert_eq!(line, ours(&keys, Provider::Google).id);
        }
        if let Some(mailbox) = Mailbox::from_word(line) {
            assert_eq!(mailbox.word(), line.to_ascii_lowercase());
        }
    }
    let last = headers.get("last-event-id");
    resume(&keys, last.map(|id| id.to_str().unwrap_or_default().trim()));
}

/// A stream that goes on from this place misses nothing: it is told to look at everything, or it goes on behind hints that
/// there were. `EPOCH` stands for the name of the hub's own sequence, which is drawn.
fn resume(keys: &Keys, last: Option<&str>) {
    let (hub, mailbox) = (MemoryHub::new(), keys.mailbox(TRAINER));
    for _ in 0..2 {
        let kept = hub.send(mailbox, Hint::appointments()).now_or_never();
        assert!(kept.is_some_and(|kept| kept.is_ok()));
    }
    let newest = hub.open(&[mailbox], None).id.unwrap_or_default();
    let epoch = newest.strip_suffix("-2").unwrap_or_else(|| panic!("{newest}"));
    let last = last.map(|last| last.replace("EPOCH", epoch));
    let mut opened = hub.open(&[mailbox], last.as_deref());
    let first = opened.hints.next().now_or_never().flatten();
    match (last, opened.id) {
        (None, id) => assert_eq!((id, first.is_none()), (Some(newest), true)),
        (Some(_), None) => {
            let first = first.unwrap_or_else(|| panic!("a resync comes at once"));
            assert!(first.hint.kind == Kind::Resync);
        }
        (Some(last), Some(id)) => {
            assert!(last.starts_with(epoch) && id.starts_with(epoch), "{last}");
            let number: u64 = id[epoch.len() + 1..].parse().unwrap_or_else(|_| panic!("{id}"));
            assert_eq!(first.is_some(), number < 2, "{id}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_begins_with_requests_that_are_taken() {
        let keys = keys();
        for (provider, file) in [
            (
                Provider::Google,
                include_str!("../../../fuzz/corpus/relay/google"),
            ),
            (
                Provider::Outlook,
                include_str!("../../../fuzz/corpus/relay/graph"),
            ),
        ] {
            let token = ours(&keys, provider).token;
            assert!(file.contains(&token), "{provider:?}: {token}");
            let taken = keys.read(provider, &token, now());
            check(&keys, provider, &taken.expect("it has not ended"));
        }
    }
}
