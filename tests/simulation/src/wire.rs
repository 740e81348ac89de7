//! The way from one laptop to both services, on which everything can go wrong.

use crate::clock::LaptopClock;
use crate::ended::WireRecord;
use crate::executor::{lock, step_aside};
use crate::faults::{Asked, Kind};
use crate::people::typed_among_the_notes;
use crate::stage::{Parcel, Stage};
use crate::witness::{Switch, run_of};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use http::header::{AGE, DATE};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use roundtrip_http::{HttpError, HttpErrorKind, HttpPort};
use roundtrip_sandbox::faults::FaultRule;
use roundtrip_sandbox::shared::SeededRandom;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// After so long nobody waits for an answer any more.
const PATIENCE_SECONDS: i64 = 30;
/// So many earlier answers to the same question can come back.
const REMEMBERED: usize = 5;

type Answer = Result<Response<Bytes>, HttpError>;

/// Both services, asked in this process.
#[derive(Clone)]
pub struct Services {
    /// The platform.
    pub platform: Arc<dyn HttpPort>,
    /// Google.
    pub google: Arc<dyn HttpPort>,
}

/// One laptop's way to the services.
pub struct Wire {
    boot: u64,
    laptop: usize,
    account: &'static str,
    stage: Arc<Stage>,
    services: Services,
    clock: Arc<LaptopClock>,
    state: Mutex<State>,
}

struct State {
    random: SeededRandom,
    answers: BTreeMap<String, VecDeque<Response<Bytes>>>,
}

/// A request on its way. It is noted when it ends, also where a crash ends it: what it did is done, and whose it was must be
/// known (seed 10762).
struct Sending<'a> {
    stage: &'a Stage,
    record: WireRecord,
}

impl<'a> Sending<'a> {
    fn new(stage: &'a Stage, record: WireRecord) -> Self {
        Self { stage, record }
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.stage.request(self.record.clone());
    }
}

/// The port that Google's address has in the simulation.
pub const GOOGLE_PORT: u16 = 4801;

impl Wire {
    /// The wire of this laptop and this start of the app, and the account at Google of who uses it.
    pub fn new(
        (laptop, boot, account): (usize, u64, &'static str),
        stage: Arc<Stage>,
        services: Services,
        clock: Arc<LaptopClock>,
        seed: u64,
    ) -> Self {
        Self {
            boot,
            laptop,
            account,
            stage,
            services,
            clock,
            state: Mutex::new(State {
                random: SeededRandom::new(seed),
                answers: BTreeMap::new(),
            }),
        }
    }

    fn draw(&self, bound: usize) -> usize {
        lock(&self.state).random.below(bound)
    }

    async fn wait(&self, milliseconds: i64) {
        let until = self.stage.now() + TimeDelta::milliseconds(milliseconds);
        self.stage.time.until(until).await;
    }

    /// Which fault this request meets.
    fn fate(&self, asked: &Asked) -> Option<Kind> {
        if self.stage.is_calm() {
            return None;
        }
        if self.stage.platform_is_out() && !asked.google {
            return Some(Kind::NoConnection);
        }
        let mut state = lock(&self.state);
        if state.random.below(1_000) >= self.stage.weather.wire {
            return None;
        }
        let fitting: Vec<Kind> = self
            .stage
            .weather
            .kinds
            .iter()
            .copied()
            .filter(|kind| kind.fits(asked))
            .collect();
        let kind = state.random.pick(&fitting).copied()?;
        // The grave ones are rarer: the trainer has to sign in again.
        let rare = matches!(kind, Kind::Revoked) && state.random.below(4) != 0;
        (!rare).then_some(kind)
    }

    async fn deliver(&self, asked: &Asked, request: Request<Bytes>) -> Answer {
        if asked.google {
            self.services.google.send(request).await
        } else {
            self.services.platform.send(request).await
        }
    }

    fn post(&self, asked: &Asked, request: Request<Bytes>, seconds: i64) {
        lock(&self.stage.late).push(Parcel {
            at: self.stage.now() + TimeDelta::seconds(seconds),
            laptop: self.laptop,
            google: asked.google,
            request,
        });
        self.stage.late_told.notify_one();
    }

    async fn carry(&self, asked: &Asked, kind: Option<Kind>, key: &str, request: Request<Bytes>) -> Answer {
        match kind {
            Some(Kind::Portal) => {
                let mut page = Response::new(Bytes::from_static(
                    b"<!doctype html><title>Sign in to the hotel's network</title>",
                ));
                *page.status_mut() =
                    [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::FORBIDDEN][self.draw(3)];
                page.headers_mut()
                    .insert("content-type", http::HeaderValue::from_static("text/html"));
                return Ok(page);
            }
            Some(Kind::NoConnection) => return Err(HttpError::not_sent(HttpErrorKind::Connect)),
            Some(Kind::Late) => {
                let after = PATIENCE_SECONDS - 5 + self.draw(120) as i64;
                self.post(asked, request, after);
                self.wait(PATIENCE_SECONDS * 1_000).await;
                return Err(HttpError::maybe_sent(HttpErrorKind::Timeout));
            }
            Some(Kind::Slow) => self.wait(2_000 + self.draw(25_000) as i64).await,
            Some(Kind::Duplicate) => {
                let first = self.deliver(asked, request.clone()).await;
                self.note_delivery(asked, &request, &first);
                step_aside(self.draw(4)).await;
            }
            Some(Kind::DuplicateLater) => {
                let after = 1 + self.draw(200) as i64;
                self.post(asked, request.clone(), after);
            }
            Some(Kind::Stale) => {
                let mut state = lock(&self.state);
                let known = state.answers.get(key).map_or(0, VecDeque::len);
                let chosen = state.random.below(known);
                if let Some(answer) = state.answers.get(key).and_then(|known| known.get(chosen)) {
                    return Ok(aged(answer.clone(), self.stage.now()));
                }
            }
            Some(Kind::ExpiredToken) if asked.google => {
                self.stage.sandbox.google.oauth().expire_access_tokens()
            }
            Some(Kind::ExpiredToken) => self.stage.sandbox.platform.oauth().expire_access_tokens(),
            _ => {}
        }
        let rule = kind.and_then(|kind| kind.rule(&mut lock(&self.state).random));
        if let Some(fault) = rule {
            // The service looks at its rules the moment it is asked, and nothing comes between this line and that.
            self.stage
                .sandbox
                .shared
                .faults()
                .add(FaultRule::new(asked.service(), fault));
        }
        self.meddle(&request, false);
        let answer = self.deliver(asked, request.clone()).await;
        self.note_delivery(asked, &request, &answer);
        if matches!(kind, Some(Kind::LostReply | Kind::ErrorAfter)) {
            self.meddle(&request, true);
        }
        match (kind, answer) {
            (Some(Kind::ErrorAfter), Ok(answer)) if answer.status().is_success() => {
                let mut spoiled = Response::new(Bytes::from_static(b"upstream"));
                *spoiled.status_mut() = StatusCode::BAD_GATEWAY;
                Ok(spoiled)
            }
            (None | Some(Kind::Slow), Ok(answer)) if asked.read && answer.status() == StatusCode::OK => {
                let mut state = lock(&self.state);
                let known = state.answers.entry(key.to_owned()).or_default();
                known.push_back(answer.clone());
                if known.len() > REMEMBERED {
                    known.pop_front();
                }
                Ok(answer)
            }
            (_, answer) => answer,
        }
    }

    /// Now and then the other side is changed in the very moment in which a write goes there: between what was read and what
    /// is written, or between an answer that is lost and the next try.
    fn meddle(&self, request: &Request<Bytes>, often: bool) {
        let path = request.uri().path();
        let of_words = request.method() == http::Method::PATCH && path.starts_with("/v1/appointments/");
        let one_in = if often || of_words { 2 } else { 12 };
        if self.stage.is_calm() || request.method() == http::Method::GET || self.draw(one_in) != 0 {
            return;
        }
        let day = TimeDelta::days(10 + self.draw(20) as i64);
        // Whole minutes, as people and services have them.
        let midnight = (self.stage.now() + day)
            .date_naive()
            .and_time(NaiveTime::MIN)
            .and_utc();
        let start = midnight + TimeDelta::hours(8) + TimeDelta::minutes(15 * self.draw(40) as i64);
        let end = start + TimeDelta::minutes(45);
        if let Some(id) = path
            .strip_prefix("/v1/appointments/")
            .and_then(|rest| rest.strip_suffix("/move"))
        {
            let platform = &self.stage.sandbox.platform;
            if platform.move_appointment(id, start, Some(end), None).is_ok() {
                self.stage
                    .action("admin moves at that moment", format_args!("{id}"));
            }
        } else if let Some(id) = path.strip_prefix("/v1/appointments/").filter(|_| of_words) {
            let google = &self.stage.sandbox.google;
            let all = google.list_all(self.account, "primary").unwrap_or_default();
            let event = all.iter().find(|event| {
                event["status"] != "cancelled"
                    && event["extendedProperties"]["private"]["rt_appointment"] == id
            });
            let typed = event.and_then(|event| {
                let text = event["description"].as_str().unwrap_or_default();
                let text = typed_among_the_notes(text, 1_000 + self.draw(1_000))?;
                Some((event["id"].as_str()?, json!({ "description": text })))
            });
            let typed = typed
                .filter(|(event, text)| google.patch_event(self.account, "primary", event, text).is_ok());
            if typed.is_some() {
                self.stage
                    .action("trainer types at that moment", format_args!("{id}"));
            }
        } else if let Some(id) = path.strip_prefix("/calendar/v3/calendars/primary/events/") {
            let side = |at: DateTime<Utc>| json!({"dateTime": at.to_rfc3339(), "timeZone": "Europe/Berlin"});
            let moved = json!({"start": side(start), "end": side(end)});
            let google = &self.stage.sandbox.google;
            let live = google
                .list_all(self.account, "primary")
                .unwrap_or_default()
                .iter()
                .any(|event| event["id"] == id && event["status"] != "cancelled");
            if live && google.patch_event(self.account, "primary", id, &moved).is_ok() {
                self.stage
                    .action("trainer drags at that moment", format_args!("{id}"));
            }
        }
    }

    fn note_delivery(&self, asked: &Asked, request: &Request<Bytes>, answer: &Answer) {
        let service = if asked.google { "google" } else { "platform" };
        match answer {
            Ok(said) => self.stage.note(format_args!(
                "{service} {} {} -> {} ({} bytes)",
                request.method(),
                request.uri().path(),
                said.status().as_u16(),
                said.body().len()
            )),
            Err(error) => self.stage.note(format_args!(
                "{service} {} {} -> {:?}",
                request.method(),
                request.uri().path(),
                error.kind
            )),
        }
    }

    /// A service may give smaller pages than it is asked for.
    fn with_small_pages(&self, asked: &Asked, request: &mut Request<Bytes>) {
        let Some(size) = self.stage.weather.page_size.filter(|_| asked.list) else {
            return;
        };
        let (name, size) = if asked.google {
            ("maxResults=", size + 2)
        } else {
            ("limit=", size)
        };
        let whole = request.uri().to_string();
        let Some(at) = whole.find(name) else { return };
        let rest = &whole[at + name.len()..];
        let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        if let Ok(uri) = format!("{}{name}{size}{rest}", &whole[..at]).parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
}

/// Whether a request changes an event or reports something; what a laptop says of itself is neither.
fn is_write(google: bool, method: &str, path: &str) -> bool {
    let place = if google {
        path.starts_with("/calendar/v3/calendars/") && !path.ends_with("/watch")
    } else {
        path.starts_with("/v1/appointments")
    };
    method != "GET" && place
}

fn header(headers: &http::HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[async_trait]
impl HttpPort for Wire {
    async fn send(&self, mut request: Request<Bytes>) -> Answer {
        let google = request.uri().port_u16() == Some(GOOGLE_PORT);
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let asked = Asked::of(google, request.method(), &path, &query);
        self.with_small_pages(&asked, &mut request);
        let key = format!("{google} {path}?{query}");
        let kind = self.fate(&asked);
        if let Some(kind) = kind {
            self.stage.fault(
                kind.name(),
                format_args!("L{} {} {path}", self.laptop, request.method()),
            );
        }
        let mut sending = Sending::new(
            &self.stage,
            WireRecord {
                laptop: self.laptop,
                era: self.boot * 1_000 + self.clock.settings(),
                at: self.stage.now(),
                google,
                method: request.method().to_string(),
                path: format!("{path}?{query}"),
                request_id: header(request.headers(), "x-request-id"),
                idempotency_key: header(request.headers(), "idempotency-key"),
                faults: kind.map(Kind::name).into_iter().collect(),
                status: None,
                retry_after: None,
                told_ahead: TimeDelta::zero(),
            },
        );
        let record = &mut sending.record;
        self.stage.note(format_args!(
            "L{} asks {} {path}?{query} {}",
            self.laptop,
            record.method,
            String::from_utf8_lossy(if asked.sign_in { b"" } else { request.body() })
        ));
        let run = run_of(record.request_id.as_deref());
        let writes = is_write(google, &record.method, &path);
        self.stage.switch(
            self.laptop,
            match writes {
                true => Switch::Writes {
                    run: run.clone(),
                    what: format!("{} {path}", record.method),
                },
                false => Switch::Asks { run: run.clone() },
            },
        );
        let slept = self.clock.slept();
        match self.draw(10) {
            0..=4 => step_aside(self.draw(4)).await,
            5..=8 => self.wait(5 + self.draw(300) as i64).await,
            _ => self.wait(300 + self.draw(3_000) as i64).await,
        }
        let mut answer = self.carry(&asked, kind, &key, request).await;
        if !self.stage.is_calm() && self.draw(3) == 0 {
            self.wait(1 + self.draw(200) as i64).await;
        }
        if self.clock.slept() != slept {
            // No connection survives a closed lid.
            answer = Err(HttpError::maybe_sent(HttpErrorKind::Cut));
        }
        if let Ok(answer) = &answer {
            record.status = Some(answer.status().as_u16());
            record.retry_after = header(answer.headers(), "retry-after").and_then(|text| text.parse().ok());
            if let Some(told) = date_of(answer).filter(|_| kind == Some(Kind::ServiceClock)) {
                record.told_ahead = told - self.stage.now();
            }
            if let Some(enabled) = header(answer.headers(), "calendar-sync").filter(|_| !google) {
                let enabled = !enabled.starts_with("disabled");
                let of_write = writes;
                self.stage.switch(
                    self.laptop,
                    Switch::Hears {
                        enabled,
                        run,
                        of_write,
                    },
                );
            }
        }
        self.stage.note(format_args!(
            "L{} hears {:?} of {} {path}",
            self.laptop, record.status, record.method
        ));
        answer
    }
}

/// What time the service told.
fn date_of(answer: &Response<Bytes>) -> Option<DateTime<Utc>> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(date).ok()?.to_utc())
}

/// An answer as a cache gives it again: it says for how long it was kept (RFC 9111, section 4.2.3).
fn aged(mut answer: Response<Bytes>, now: DateTime<Utc>) -> Response<Bytes> {
    let age = date_of(&answer).map_or(0, |date| (now - date).num_seconds().max(0));
    answer.headers_mut().insert(AGE, HeaderValue::from(age));
    answer
}
