//! A sandbox over HTTP, and an app that has signed in to its Google.

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::event::{Event, EventBody, Mark};
use roundtrip_core::ids::{AppointmentId, CalendarId, EventId};
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::ports::CalendarPort as _;
use roundtrip_google::{GoogleCalendar, GoogleConfig};
use roundtrip_http::oauth::{LoopbackSignIn, OAuthConfig, SignInError, TokenSet};
use roundtrip_http::testing::{HandClock, MemoryVault};
use roundtrip_http::{HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_sandbox::{Config, Running, serve};
use serde_json::Value;
use std::sync::Arc;

pub const MARA: &str = "mara.vogt@gmail.example";

pub fn start() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().expect("a test's own time")
}

/// A sandbox, and an app that has signed in to its Google.
pub struct World {
    pub running: Running,
    pub http: Arc<dyn HttpPort>,
    pub clock: Arc<HandClock>,
    pub config: GoogleConfig,
    pub vault: Arc<MemoryVault>,
    pub calendar: GoogleCalendar,
}

/// Opens the sign-in page and follows its redirect to the listener, as a browser would.
pub async fn browse(http: &dyn HttpPort, url: &str) {
    let page = http.send(get(url)).await.expect("the sign-in page");
    let to = page
        .headers()
        .get("location")
        .expect("an immediate redirect")
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(http.send(get(&to)).await.expect("the listener").status(), 200);
}

pub fn get(url: &str) -> http::Request<Bytes> {
    http::Request::get(url).body(Bytes::new()).expect("an address")
}

pub async fn sign_in(
    http: &dyn HttpPort,
    clock: Arc<HandClock>,
    config: OAuthConfig,
) -> Result<TokenSet, SignInError> {
    let sign_in = LoopbackSignIn::begin(config, clock).await?;
    let url = sign_in.authorize_url().to_string();
    tokio::join!(sign_in.wait(http), browse(http, &url)).0
}

impl World {
    pub async fn new() -> Self {
        let config = Config {
            auto_consent: true,
            sample_events: false,
            appointments: 0,
            ..Config::default()
        };
        let running = serve(config, Arc::new(ManualClock::new(start())), 0)
            .await
            .expect("free ports");
        let environment = running.environment();
        let setting = |name: &str| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
        };
        let config = GoogleConfig::from_settings(setting).expect("addresses of this machine");
        let http: Arc<dyn HttpPort> = Arc::new(ReqwestHttp::new(HttpOptions::default()).expect("TLS starts"));
        let (clock, vault) = (HandClock::without_end(start()), MemoryVault::empty());
        let calendar = GoogleCalendar::new(http.clone(), clock.clone(), config.clone(), vault.clone());
        let world = Self {
            running,
            http,
            clock,
            config,
            vault,
            calendar,
        };
        let tokens = world.sign_in(world.config.sign_in()).await.expect("signed in");
        world.calendar.keeper().adopt(tokens).await.expect("kept");
        world
    }

    pub async fn sign_in(&self, config: OAuthConfig) -> Result<TokenSet, SignInError> {
        sign_in(&*self.http, self.clock.clone(), config).await
    }

    pub fn google(&self) -> &roundtrip_sandbox::google::Google {
        &self.running.sandbox.google
    }

    pub fn fault(&self, method: &str, fault: Fault) {
        let rule = FaultRule::new(Service::Google, fault)
            .method(method)
            .path("/events");
        self.running.sandbox.shared.faults().add(rule);
    }

    pub fn requests(&self, method: &str, part: &str) -> usize {
        let log = self.running.sandbox.shared.log().since(0);
        log.iter()
            .filter(|request| request.method == method && request.path.contains(part))
            .count()
    }

    pub async fn insert(&self, id: &str) -> Event {
        self.calendar
            .insert(&primary(), &EventId::new(id), &body())
            .await
            .expect("made")
    }

    /// The trainer edits in their own calendar.
    pub fn edit(&self, id: &str, patch: &Value) {
        self.google()
            .patch_event(MARA, "primary", id, patch)
            .expect("edited");
    }
}

pub fn primary() -> CalendarId {
    CalendarId::new("primary")
}

pub fn body() -> EventBody {
    let begins = start() + Duration::days(8);
    let time = TimeSpan::new(
        begins,
        Some(begins + Duration::minutes(90)),
        chrono_tz::Europe::Berlin,
    );
    EventBody {
        time,
        title: "Linden-Apotheke 💊".into(),
        location: "Lindenstr. 5, 10969 Berlin".into(),
        description: "Handouts <mitbringen>".into(),
        tentative: false,
        private: false,
        was_private: false,
        color: Some("7".into()),
        source_url: Some("https://linden.example/appointments/apt_41".into()),
        source_title: "Linden Akademie".into(),
        mark: Mark {
            appointment: AppointmentId::new("apt_41"),
            platform: "f00d".into(),
            schema: 1,
            generation: 1,
            version: 7,
            time: Some(time),
            platform_hashes: None,
            written_hashes: None,
            private: false,
            origin: None,
        },
    }
}
