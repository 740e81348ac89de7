//! The platform's answers.

use crate::services::{Always, check_error, now, platform};
use bytes::Bytes;
use chrono::Datelike as _;
use futures::executor::block_on;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use roundtrip_core::appointment::Appointment;
use roundtrip_core::ids::{AppointmentId, Cursor, DeviceId};
use roundtrip_core::settings::{Language, TextSettings};
use roundtrip_core::text;
use roundtrip_engine::ports::Hint;
use roundtrip_engine::ports::{LaptopStatus, PlatformChange, PlatformFeed, PlatformPort as _, PortError};
use roundtrip_http::{is_allowed, is_loopback};
use roundtrip_platform::discover;
use roundtrip_platform::hints::HintParser;
use url::Url;

/// What must hold of an appointment that was read, and of what an event would say of it.
fn check(appointment: &Appointment, input: &[u8]) {
    assert!(!appointment.id.as_str().is_empty());
    assert!((1900..=2200).contains(&appointment.start.year()));
    let span = appointment.span();
    assert!(span.start < span.end, "{span:?}");
    assert!(appointment.url.is_empty() || appointment.url.to_ascii_lowercase().starts_with("http"));
    for language in [Language::En, Language::De] {
        let shown = text::render(appointment, &TextSettings::default(), language, true);
        assert!(!shown.title.contains(char::is_control), "{:?}", shown.title);
        assert!(!shown.location.contains(char::is_control));
        let size = shown.title.len() + shown.location.len() + shown.block.len();
        // Composed characters may take three times the room.
        assert!(size <= 4 * input.len() + 100, "{size} of {}", input.len());
    }
}

/// The feed, as a snapshot and since a cursor.
pub fn feed(input: &[u8]) {
    for cursor in [None, Some(Cursor("c_0".into()))] {
        let client = platform(Always::says(200, input));
        match block_on(client.changes(cursor.as_ref(), None)) {
            Ok(PlatformFeed::Listing(listing)) => {
                assert!(listing.items.len() <= input.len() / 2);
                assert!(!listing.next_cursor.as_str().is_empty());
                for item in &listing.items {
                    if let PlatformChange::Upsert(appointment) = item {
                        check(appointment, input);
                    }
                }
            }
            Ok(PlatformFeed::Unchanged { .. }) => panic!("nothing was asked under a condition"),
            Err(error) => check_error(&error),
        }
    }
}

/// One appointment.
pub fn appointment(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let told = text
        .split_once("\"id\":\"")
        .and_then(|(_, rest)| rest.split('"').next());
    let id = AppointmentId::new(told.filter(|id| !id.is_empty()).unwrap_or("apt_1"));
    match block_on(platform(Always::says(200, input)).appointment(&id)) {
        Ok(appointment) => {
            assert_eq!(appointment.id, id);
            check(&appointment, input);
        }
        Err(error) => check_error(&error),
    }
}

/// An answer that is no success: the first byte chooses the status.
pub fn problem(input: &[u8]) {
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let status = [302, 304, 400, 401, 403, 404, 409, 410, 412, 422, 429, 500][usize::from(first % 12)];
    let client = platform(Always::says(status, body));
    let error = block_on(client.appointment(&AppointmentId::new("apt_1"))).err();
    let error = error.unwrap_or_else(|| panic!("status {status} was taken for an appointment"));
    check_error(&error);
    match error {
        PortError::Refused {
            reason,
            detail,
            current,
        } => {
            assert!(reason.len() <= 64 && reason.is_ascii());
            let detail = detail.unwrap_or_default();
            assert!(detail.chars().count() <= 500 && !detail.contains(char::is_control));
            if let Some(current) = current {
                check(&current, body);
            }
        }
        PortError::PreconditionFailed {
            current: Some(current),
        } => check(&current, body),
        // Only the platform's own word says that something is gone.
        PortError::NotFound => assert!(body.windows(9).any(|word| word == b"not_found")),
        PortError::NotAssigned => assert!(body.windows(12).any(|word| word == b"not_assigned")),
        _ => {}
    }
}

/// Who signed in.
pub fn me(input: &[u8]) {
    match block_on(platform(Always::says(200, input)).me()) {
        Ok(me) => assert!(!me.id.as_str().is_empty()),
        Err(error) => check_error(&error),
    }
}

/// The answer to a status report: the policy, and which laptop writes.
pub fn status(input: &[u8]) {
    let status = LaptopStatus {
        status: "active".into(),
        last_success_at: Some(now()),
        linked: 12,
        waiting: 0,
        conflicts: 0,
        problem: None,
        app_version: "0.1.0".into(),
        device: "Laptop".into(),
        device_id: DeviceId("dev_1".into()),
        take_over: false,
    };
    match block_on(platform(Always::says(200, input)).report_status("google", &status)) {
        Ok(answer) => {
            let reason = answer.policy.reason.unwrap_or_default();
            assert!(reason.len() <= 64 && reason.is_ascii());
            if let Some(writer) = answer.writer {
                assert!(!writer.device_id.as_str().is_empty() && writer.device_id.as_str().is_ascii());
                assert!(writer.device.len() <= input.len());
                // How long it lasts is counted from these.
                for at in [writer.since, writer.expires_at] {
                    assert!((-1..=10_000).contains(&at.year()), "{at}");
                }
            }
        }
        Err(error) => check_error(&error),
    }
}

/// The address that is handed to a calendar service, with what its notices prove themselves with.
pub fn channel(input: &[u8]) {
    match block_on(platform(Always::says(200, input)).open_channel("google")) {
        Ok(channel) => {
            let plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            assert!((1..=64).contains(&channel.id.len()) && plain(&channel.id));
            let token = channel.token.reveal();
            assert!((1..=256).contains(&token.len()) && plain(token));
            let address =
                Url::parse(&channel.address).unwrap_or_else(|error| panic!("{error}: {}", channel.address));
            // The token goes there: over TLS, or to this machine.
            assert!(is_allowed(&address), "{address}");
            assert!((1900..=2200).contains(&channel.expires_at.year()));
            assert_eq!(format!("{:?}", channel.token), "ChannelToken(…)");
        }
        Err(error) => check_error(&error),
    }
}

/// Headers, one in each line, with a right body.
pub fn headers(input: &[u8]) {
    let body = Bytes::from_static(br#"{"items":[],"next_cursor":"c_1","has_more":false,"snapshot":true}"#);
    let names = [
        "calendar-sync",
        "ratelimit",
        "retry-after",
        "etag",
        "date",
        "content-type",
    ];
    for status in [
        StatusCode::OK,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ] {
        let mut answer = Response::new(body.clone());
        *answer.status_mut() = status;
        for (name, line) in names.iter().zip(input.split(|byte| *byte == b'\n')) {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                answer.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        let client = platform(Always::answer(answer));
        match block_on(client.changes(None, None)) {
            Ok(PlatformFeed::Listing(listing)) => {
                assert_eq!(status, StatusCode::OK);
                let reason = listing.policy.reason.unwrap_or_default();
                assert!(reason.len() <= 64 && reason.is_ascii());
            }
            Ok(PlatformFeed::Unchanged { .. }) => panic!("nothing was asked under a condition"),
            Err(error) => check_error(&error),
        }
        // A wait is over one day later at the latest, whatever was said.
        let offset = client.clock_offset().unwrap_or_default();
        assert!(now().checked_add_signed(offset).is_some());
    }
}

/// What a platform says of itself.
pub fn metadata(input: &[u8]) {
    let http = Always::says(200, input);
    if let Ok(metadata) = block_on(discover(&*http, "linden.example")) {
        assert_eq!(
            metadata.base.as_str().trim_end_matches('/'),
            "https://linden.example"
        );
        for url in [
            Some(&metadata.authorize_url),
            Some(&metadata.token_url),
            metadata.revoke_url.as_ref(),
        ] {
            assert!(
                url.is_none_or(|url| is_allowed(url) && !is_loopback(url)),
                "{url:?}"
            );
        }
        assert!(metadata.shown_name().chars().count() <= 100);
        assert!(!metadata.shown_name().contains(char::is_control));
    }
}

/// The event stream: the same hints wherever it is cut.
pub fn hints(input: &[u8]) {
    let mut whole = HintParser::new();
    let all = whole.push(input);
    assert!(all.len() <= input.len() / 8);
    for hint in &all {
        if let Hint::Calendar { channel_id, state } = hint {
            assert!(channel_id.len() + state.len() <= 4 * input.len());
        }
    }
    for size in [1, 7] {
        let mut parser = HintParser::new();
        let cut: Vec<Hint> = input.chunks(size).flat_map(|piece| parser.push(piece)).collect();
        assert_eq!(cut, all);
        assert_eq!(parser.last_id(), whole.last_id());
    }
}
