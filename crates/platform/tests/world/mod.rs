//! A sandbox over HTTP, and an app that has signed in to its platform.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Berlin;
use roundtrip_core::ids::{AppointmentId, Cursor, EventId, IdempotencyKey};
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::ports::{
    Accepted, MoveReport, PlatformFeed, PlatformListing, PlatformPort as _, PortError,
};
use roundtrip_http::oauth::LoopbackSignIn;
use roundtrip_http::testing::{HandClock, MemoryVault};
use roundtrip_http::{HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_platform::{PlatformClient, PlatformMetadata, SCOPES, discover};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::platform::{NewAppointment, Platform};
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_sandbox::{Config, Running, serve};
use std::sync::Arc;

pub const MARA: &str = "usr_7";

/// A Monday, 9:00 in Berlin.
pub fn start() -> DateTime<Utc> {
    at("2026-11-23T08:00:00Z")
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own time")
}

pub struct World {
    pub running: Running,
    pub http: Arc<dyn HttpPort>,
    pub clock: Arc<HandClock>,
    pub metadata: PlatformMetadata,
    pub vault: Arc<MemoryVault>,
    pub client: PlatformClient,
}

pub fn get(url: &str) -> http::Request<Bytes> {
    http::Request::get(url).body(Bytes::new()).expect("an address")
}

pub async fn redirect_of(http: &dyn HttpPort, url: &str) -> String {
    let page = http.send(get(url)).await.expect("the sign-in page");
    page.headers()
        .get("location")
        .expect("an immediate redirect")
        .to_str()
        .expect("text")
        .to_owned()
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
        let http: Arc<dyn HttpPort> = Arc::new(ReqwestHttp::new(HttpOptions::default()).expect("TLS starts"));
        let (clock, vault) = (HandClock::without_end(start()), MemoryVault::empty());
        let typed = running.platform_url.trim_start_matches("http://").to_owned();
        let metadata = discover(&*http, &typed).await.expect("a platform");
        let client = PlatformClient::new(http.clone(), clock.clone(), metadata.clone(), vault.clone());
        let world = Self {
            running,
            http,
            clock,
            metadata,
            vault,
            client,
        };
        world.sign_in().await;
        world
    }

    pub async fn sign_in(&self) {
        let sign_in = LoopbackSignIn::begin(self.metadata.sign_in(), self.clock.clone())
            .await
            .expect("a port");
        let to = redirect_of(&*self.http, sign_in.authorize_url().as_str()).await;
        let (tokens, page) = tokio::join!(sign_in.wait(&*self.http), self.http.send(get(&to)));
        assert!(page.is_ok_and(|page| page.status() == 200));
        let tokens = tokens.expect("signed in");
        assert_eq!(tokens.scopes, SCOPES.map(str::to_owned).into());
        self.client.keeper().adopt(tokens).await.expect("kept");
    }

    pub fn platform(&self) -> &Platform {
        &self.running.sandbox.platform
    }

    pub fn fault(&self, part: &str, fault: Fault) {
        let rule = FaultRule::new(Service::Platform, fault).path(part);
        self.running.sandbox.shared.faults().add(rule);
    }

    pub fn requests(&self, part: &str) -> usize {
        let log = self.running.sandbox.shared.log().since(0);
        log.iter().filter(|request| request.path.contains(part)).count()
    }

    /// Plans an appointment of Mara on that day and hour (Berlin time, winter), an hour long.
    pub fn plan(&self, begins: &str, change: impl FnOnce(&mut NewAppointment)) -> AppointmentId {
        let mut new = NewAppointment::new(MARA, "Linden-Apotheke", at(begins), 60, Berlin);
        change(&mut new);
        AppointmentId::new(self.platform().create_appointment(new).id)
    }

    pub async fn listing(&self, cursor: Option<&Cursor>) -> PlatformListing {
        match self.client.changes(cursor, None).await {
            Ok(PlatformFeed::Listing(listing)) => listing,
            other => panic!("no listing: {other:?}"),
        }
    }

    pub async fn report(
        &self,
        id: &AppointmentId,
        version: u64,
        key: &str,
        begins: &str,
    ) -> Result<Accepted, PortError> {
        let report = MoveReport {
            appointment: id,
            version,
            key: &IdempotencyKey::new(key),
            time: TimeSpan::new(at(begins), None, Berlin),
            provider: "google",
            event: &EventId::new("ev1"),
            moved_at: start(),
            device: "Mara's laptop",
        };
        self.client.report_move(&report).await
    }
}
