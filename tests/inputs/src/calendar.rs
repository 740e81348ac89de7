//! Google's answers.

use crate::services::{Always, check_error, google, google_config, now};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Datelike as _, Duration};
use futures::executor::block_on;
use roundtrip_core::absorb::{self, Adoption};
use roundtrip_core::event::{Event, EventChange};
use roundtrip_core::event_id::Identity;
use roundtrip_core::ids::{AppointmentId, CalendarId, EventId, SyncToken, TrainerId};
use roundtrip_core::record::Record;
use roundtrip_core::text;
use roundtrip_core::time::EventTime;
use roundtrip_engine::ports::{CalendarPort as _, ChannelToken, RelayChannel};
use roundtrip_google::Account;
use roundtrip_http::oauth::{TokenKeeper, TokenSet};
use roundtrip_http::testing::{HandClock, MemoryVault};
use secrecy::{ExposeSecret as _, SecretString};

fn identity() -> Identity {
    Identity {
        platform: "https://linden.example".into(),
        trainer: TrainerId::new("usr_7"),
        account: "1057".into(),
        account_email: "mara@gmail.example".into(),
        calendar: CalendarId::new("primary"),
        former: Vec::new(),
    }
}

/// What must hold of an event that was read.
fn check(event: &Event, input: &[u8]) {
    assert!(!event.id.as_str().is_empty() && !event.etag.as_str().is_empty());
    assert!(event.title.len() + event.location.len() + event.description.len() <= 3 * input.len());
    let years = match event.time {
        EventTime::Timed(span) => {
            assert!(span.start <= span.end, "{span:?}");
            [span.start.year(), span.end.year()]
        }
        EventTime::AllDay { start, end } => {
            assert!(start <= end);
            [start.year(), end.year()]
        }
    };
    assert!(years.iter().all(|year| (1899..=2201).contains(year)), "{years:?}");
    let link = event.html_link.as_deref().unwrap_or("https:");
    assert!(
        link.get(..5).is_some_and(
            |scheme| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http:")
        ) || link.trim_start().to_ascii_lowercase().starts_with("http")
    );
    // Only an id that we chose, or a mark that carries the hash of its own id, makes an event ours.
    let identity = identity();
    if let Adoption::Adopt(appointment) = absorb::recognise(event, &identity, |_| None) {
        let mark = event
            .mark
            .as_ref()
            .unwrap_or_else(|| panic!("ours without a mark"));
        let chosen = identity.event_id(&appointment, mark.generation) == event.id;
        assert!(chosen || mark.origin.as_deref() == Some(&identity.origin(&event.id)));
    }
    let mut record = Record::new(AppointmentId::new("apt_1"));
    record.event_id = Some(event.id.clone());
    absorb::event(&mut record, event.clone(), now());
    assert!(record.event.is_some());
    let shown = text::observed(event);
    assert_eq!(shown, text::observed(event));
}

/// A listing, full and since a token.
pub fn list(input: &[u8]) {
    for token in [None, Some(SyncToken("t".into()))] {
        let client = google(Always::says(200, input));
        match block_on(client.changes(&CalendarId::new("primary"), token.as_ref())) {
            Ok(listing) => {
                assert!(listing.items.len() <= input.len() / 2);
                for item in &listing.items {
                    if let EventChange::Live(event) = item {
                        check(event, input);
                    }
                }
            }
            Err(error) => check_error(&error),
        }
    }
}

/// One event.
pub fn event(input: &[u8]) {
    let client = google(Always::says(200, input));
    // Its own id, if it tells one, so that more than the id is looked at.
    let text = String::from_utf8_lossy(input);
    let told = text
        .split_once("\"id\":\"")
        .and_then(|(_, rest)| rest.split('"').next());
    let id = EventId::new(told.filter(|id| !id.is_empty()).unwrap_or("x"));
    match block_on(client.get(&CalendarId::new("primary"), &id)) {
        Ok(roundtrip_engine::ports::EventLookup::Live { event, .. }) => {
            assert_eq!(event.id, id);
            check(&event, input);
        }
        Ok(_) => {}
        Err(error) => check_error(&error),
    }
}

/// The facts of a calendar, and whether it may be written to: two questions with one answer.
pub fn facts(input: &[u8]) {
    let calendar = CalendarId::new("primary");
    let facts = block_on(google(Always::says(200, input)).calendar(&calendar));
    let may_write = block_on(google(Always::says(200, input)).may_write(&calendar));
    assert_eq!(facts.is_ok(), may_write.is_ok(), "one of them read it");
    match facts {
        Ok(facts) => {
            assert_eq!(facts.id, calendar, "no answer chooses another calendar");
            assert!(facts.name.len() + facts.time_zone.unwrap_or_default().len() <= input.len());
        }
        Err(error) => check_error(&error),
    }
    if let Err(error) = may_write {
        check_error(&error);
    }
}

/// The answer to a channel that was asked for.
pub fn watch(input: &[u8]) {
    // Its own id, if it tells one, so that more than the id is looked at.
    let text = String::from_utf8_lossy(input);
    let told = text
        .split_once("\"id\":\"")
        .and_then(|(_, rest)| rest.split('"').next());
    let told = told.filter(|id| !id.is_empty()).unwrap_or("ch_1");
    let ask = |id: String| {
        let channel = RelayChannel {
            id,
            address: "https://linden.example/hooks/google".into(),
            token: ChannelToken::new("t".into()),
            expires_at: now() + Duration::days(7),
        };
        block_on(google(Always::says(200, input)).watch(&CalendarId::new("primary"), &channel))
    };
    let another = ask(format!("{told}-2"));
    match ask(told.to_owned()) {
        Ok(watched) => {
            assert!(another.is_err(), "one answer stood for two channels");
            // Both are sent back or counted with.
            assert!((1..=4 * 1024).contains(&watched.resource.len()));
            assert!(watched.resource.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let ends = watched.expires_at.map_or(2026, |at| at.year());
            assert!((1900..=2200).contains(&ends), "{ends}");
        }
        Err(error) => check_error(&error),
    }
}

/// An answer that is no success: the first byte chooses the status.
pub fn error(input: &[u8]) {
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let status = [
        300, 304, 400, 401, 403, 404, 407, 409, 410, 412, 418, 429, 500, 503,
    ][usize::from(first % 14)];
    let calendar = CalendarId::new("primary");
    let client = google(Always::says(status, body));
    let error = block_on(client.changes(&calendar, None)).err();
    check_error(&error.unwrap_or_else(|| panic!("status {status} was taken for a listing")));
    let client = google(Always::says(status, body));
    if let Err(error) = block_on(client.get(&calendar, &EventId::new("x"))) {
        check_error(&error);
    }
}

/// The token endpoint: the first byte chooses the status.
pub fn token(input: &[u8]) {
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let status = [200, 201, 302, 400, 401, 403, 429, 500][usize::from(first % 8)];
    let vault = MemoryVault::signed_in(now() - Duration::hours(2), &[]);
    let http = Always::says(status, body);
    let keeper = TokenKeeper::new(
        google_config().sign_in(),
        http,
        HandClock::at(now()),
        vault.clone(),
    );
    match block_on(keeper.access_token()) {
        Ok(token) => {
            let token = token.expose_secret();
            assert!(!token.is_empty() && token.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            assert!(status < 300, "status {status} was taken for tokens");
            let kept = vault.kept().unwrap_or_else(|| panic!("tokens were lost"));
            assert!(kept.refresh_token.is_some());
            assert!(kept.expires_at > now() && kept.expires_at <= now() + Duration::days(30));
        }
        Err(error) => {
            check_error(&error);
            let kept = vault.kept().unwrap_or_else(|| panic!("tokens were lost"));
            assert_eq!(
                kept.access_token.expose_secret(),
                "access-1",
                "what worked is kept"
            );
        }
    }
}

/// An id token, whole or only its claims.
pub fn id_token(input: &[u8]) {
    let whole = String::from_utf8_lossy(input).into_owned();
    let claims = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(input));
    for text in [whole, claims] {
        let tokens = TokenSet {
            access_token: SecretString::from("a"),
            refresh_token: None,
            issued_at: now(),
            expires_at: now(),
            scopes: Default::default(),
            id_token: Some(SecretString::from(text)),
        };
        match Account::of(&tokens, &google_config()) {
            Ok(account) => assert!((1..=255).contains(&account.subject.len())),
            Err(error) => check_error(&error),
        }
    }
}
