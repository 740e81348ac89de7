//! The laptop's own client against the real relay: the calendar service calls the relay over HTTP, and the laptop hears of it
//! through the platform's proxy, which keeps the laptop's token to itself.

use async_trait::async_trait;
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri, header};
use roundtrip_behaviour_tests::World;
use roundtrip_engine::ledger::Trigger;
use roundtrip_http::{HttpError, HttpPort, Pieces};
use roundtrip_relay::{Config, Given, MemoryHub, Running, serve};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

const KEYS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PLATFORM_KEY: &str = "the platform's key, 32 characters or more";

/// What a platform puts before both: it knows whose laptop that is, and takes the token off.
struct Proxy {
    services: Arc<dyn HttpPort>,
    relay: SocketAddr,
    trainer: String,
}

impl Proxy {
    fn passed_on(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        let path = request.uri().path();
        if path != "/v1/stream" && !path.starts_with("/v1/calendar-relay/") {
            return request;
        }
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(Authority::try_from(self.relay.to_string()).expect("an address"));
        *request.uri_mut() = Uri::from_parts(parts).expect("an address");
        let headers = request.headers_mut();
        let token = headers.remove(header::AUTHORIZATION);
        assert!(token.is_some(), "the laptop proves itself to the platform");
        headers.insert("x-relay-key", PLATFORM_KEY.parse().expect("a header"));
        headers.insert("x-relay-trainer", self.trainer.parse().expect("a header"));
        request
    }
}

#[async_trait]
impl HttpPort for Proxy {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.services.send(self.passed_on(request)).await
    }

    async fn open(&self, request: Request<Bytes>) -> Result<Response<Pieces>, HttpError> {
        self.services.open(self.passed_on(request)).await
    }
}

async fn relay() -> Running {
    // The address goes into each channel, so the port has to be known before.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let public = free.expect("a free port");
    let config = Config::new(Given {
        public,
        internal: SocketAddr::from(([127, 0, 0, 1], 0)),
        address: format!("http://{public}"),
        keys: KEYS.into(),
        platform_key: PLATFORM_KEY.into(),
        streams: 10,
        streams_per_trainer: 2,
        forwarded_for: false,
    });
    let hub = Arc::new(MemoryHub::new());
    serve(config.expect("a fit configuration"), hub)
        .await
        .expect("free ports")
}

#[tokio::test]
async fn a_laptop_hears_of_both_sides_through_the_relay() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let relay = relay().await;
    world.wire.divert(Some(Arc::new(Proxy {
        services: world.wire.services(),
        relay: relay.internal,
        trainer: "usr_7".to_owned(),
    })));

    // The channel is made at the relay, and the calendar service's first notice comes back over the stream.
    let listening = world.listen();
    listening.ready().await;
    let channels = world.running.sandbox.google.channels();
    assert_eq!(channels.len(), 1);
    assert_eq!(
        channels[0].address,
        format!("http://{}/v1/hooks/google", relay.public)
    );
    assert!(channels[0].id.starts_with("chn-"), "the relay's own id");

    // A move in the calendar.
    world.trainer().drag(&visit, "2026-12-01 15:00");
    assert_eq!(listening.hinted().await, [false, true]);
    world.cycle(Trigger::Hint).await;

    // The platform's own hint.
    let hint = Request::post(format!("http://{}/internal/hints", relay.internal))
        .header("x-relay-key", PLATFORM_KEY)
        .body(Bytes::from(r#"{"trainer":"usr_7","event":"appointments"}"#));
    let answer = world.wire.services().send(hint.expect("a request")).await;
    assert_eq!(answer.expect("an answer").status(), 202);
    listening.until(async || world.engine.live().hinted[0]).await;
    listening.stop().await;
    relay.end().await;
}
