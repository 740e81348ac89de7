//! Bad input ends in one clear answer, and nothing is lost.

use bytes::Bytes;
use roundtrip_behaviour_tests::{World, at};
use roundtrip_core::badge::Badge;
use roundtrip_engine::ledger::{HistoryResult, HistoryWhat};
use roundtrip_engine::ports::PortError;
use roundtrip_http::oauth::{SignInAttempt, SignInError};
use roundtrip_http::{HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_platform::{DiscoveryError, discover};
use roundtrip_sandbox::faults::Fault;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

fn network() -> ReqwestHttp {
    ReqwestHttp::new(HttpOptions::default()).expect("a network client")
}

#[tokio::test]
async fn an_address_that_is_no_platform_is_told_from_one_that_cannot_be_reached() {
    let world = World::new().await;
    let http = network();
    // Google answers there, and it is no booking platform.
    assert_eq!(
        discover(&http, &world.running.google_url).await,
        Err(DiscoveryError::NotAPlatform)
    );
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port")
        .local_addr()
        .expect("bound");
    assert_eq!(
        discover(&http, &format!("http://{free}")).await,
        Err(DiscoveryError::NotReachable)
    );
    for typed in [
        "",
        "two words",
        "ftp://linden.example",
        "http://linden.example",
        "https://user:pass@linden.example",
    ] {
        assert_eq!(
            discover(&http, typed).await,
            Err(DiscoveryError::BadAddress),
            "{typed}"
        );
    }
    let address = world.running.platform_url.trim_start_matches("http://");
    let found = discover(&http, &format!("  {address}/ "))
        .await
        .expect("the platform, as a person types it");
    assert_eq!(found.shown_name(), "Linden Akademie");
}

#[tokio::test]
async fn a_platform_with_a_wrong_certificate_is_refused_as_such() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let made = made.expect("a certificate of the test's own");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a server of the test's own")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The client refuses it; what becomes of the connection does not matter.
            let _ = acceptor.accept(stream).await;
        }
    });

    let found = discover(&network(), &format!("https://{address}")).await;

    assert_eq!(found, Err(DiscoveryError::WrongCertificate));
}

#[tokio::test]
async fn a_platform_whose_words_cannot_be_read_is_said() {
    let world = World::new().await;
    let html = Fault::RawBody {
        body: "<html>Welcome</html>".into(),
        content_type: "text/html".into(),
    };
    world.spoil_platform(html, |rule| rule.path(".well-known"));
    assert_eq!(
        discover(&network(), &world.running.platform_url).await,
        Err(DiscoveryError::NotAPlatform)
    );
    let broken = Fault::RawBody {
        body: "{\"issuer\":".into(),
        content_type: "application/json".into(),
    };
    world.spoil_platform(broken, |rule| rule.path(".well-known"));
    let found = discover(&network(), &world.running.platform_url).await;
    assert!(
        matches!(
            found,
            Err(DiscoveryError::BadAnswer { .. } | DiscoveryError::NotAPlatform)
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_the_old_sign_in_stays() {
    let world = World::new().await;
    let config = world.google.keeper().config().clone();
    let mut attempt =
        SignInAttempt::begin(config, "http://127.0.0.1:4999/callback", world.now()).expect("an attempt");
    let state = attempt
        .authorize_url()
        .query_pairs()
        .find(|(name, _)| name == "state")
        .expect("a state")
        .1
        .into_owned();
    let answer = format!("http://127.0.0.1:4999/callback?code=4%2F0Amadeup&state={state}");
    let code = attempt
        .complete_from_url(&answer, world.now())
        .expect("an answer of this attempt");

    let tokens = attempt.exchange(code, &*world.wire, &*world.clock).await;

    assert!(
        matches!(tokens, Err(SignInError::CodeNotAccepted)),
        "{:?}",
        tokens.err()
    );
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    assert!(world.trainer().has(&visit));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_state_is_good_for_one_answer_of_its_own_attempt() {
    let world = World::new().await;
    let redirect = "http://127.0.0.1:4999/callback";
    let begin = || {
        let config = world.google.keeper().config().clone();
        SignInAttempt::begin(config, redirect, world.now()).expect("an attempt")
    };
    // The browser's way, up to the redirect back.
    let mut first = begin();
    let page = http::Request::get(first.authorize_url().as_str())
        .body(Bytes::new())
        .expect("an address");
    let answer = network().send(page).await.expect("the consent page");
    let back = answer.headers()[http::header::LOCATION]
        .to_str()
        .expect("an address")
        .to_owned();

    let mut second = begin();
    assert!(matches!(
        second.complete_from_url(&back, world.now()),
        Err(SignInError::StateMismatch)
    ));
    let code = first
        .complete_from_url(&back, world.now())
        .expect("its own answer");
    assert!(matches!(
        first.complete_from_url(&back, world.now()),
        Err(SignInError::AlreadyAnswered)
    ));
    first
        .exchange(code, &*world.wire, &*world.clock)
        .await
        .expect("tokens");

    let mut late = begin();
    let state = late
        .authorize_url()
        .query_pairs()
        .find(|(name, _)| name == "state")
        .expect("a state")
        .1
        .into_owned();
    world.advance(301);
    let own = format!("{redirect}?code=4%2F0Alate&state={state}");
    assert!(matches!(
        late.complete_from_url(&own, world.now()),
        Err(SignInError::Expired)
    ));
}

#[tokio::test]
async fn a_code_is_good_once() {
    let world = World::new().await;
    let redirect = "http://127.0.0.1:4999/callback";
    let config = world.google.keeper().config().clone();
    let mut attempt = SignInAttempt::begin(config, redirect, world.now()).expect("an attempt");
    let page = http::Request::get(attempt.authorize_url().as_str())
        .body(Bytes::new())
        .expect("an address");
    let answer = network().send(page).await.expect("the consent page");
    let back = answer.headers()[http::header::LOCATION]
        .to_str()
        .expect("an address")
        .to_owned();
    // Somebody else on this machine saw the code: without the verifier it is of no use.
    let code = url::Url::parse(&back).expect("an address");
    let code = code
        .query_pairs()
        .find(|(name, _)| name == "code")
        .expect("a code")
        .1
        .into_owned();
    let client = &world.running.sandbox.google_client;
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &code)
        .append_pair("redirect_uri", redirect)
        .append_pair("client_id", &client.client_id)
        .append_pair("client_secret", &client.client_secret)
        .append_pair("code_verifier", &"x".repeat(43))
        .finish();
    let stolen = http::Request::post(format!("{}/token", world.running.google_url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .expect("a request");
    assert_eq!(network().send(stolen).await.expect("an answer").status(), 400);
    let own = attempt
        .complete_from_url(&back, world.now())
        .expect("an answer of this attempt");
    // Whether the code still works after a theft was tried is the service's choice; the app gets a clear answer.
    let tokens = attempt.exchange(own, &*world.wire, &*world.clock).await;
    assert!(matches!(tokens, Ok(_) | Err(SignInError::CodeNotAccepted)));
}

#[tokio::test]
async fn malformed_json_is_a_clear_error_and_nothing_is_lost() {
    for body in [
        "{\"items\":[{\"id\":",
        "[]",
        "null",
        "{\"items\":7}",
        "not json at all",
        "",
    ] {
        let world = World::new().await;
        let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
        world.sync().await;
        world.admin().rename(&visit, "Rosen-Apotheke");
        world.trainer().drag(&visit, "2026-12-01 15:00");
        world.advance(60);
        let broken = || Fault::RawBody {
            body: body.into(),
            content_type: "application/json".into(),
        };
        world.spoil_google(broken(), |rule| rule.method("GET").path("/calendar/"));
        world.spoil_platform(broken(), |rule| rule.method("GET").path("/v1/appointments"));

        let report = world.sync().await;
        assert!(
            matches!(report.calendar, Some(PortError::BadAnswer { .. })),
            "{body}: {report:?}"
        );
        assert!(
            matches!(report.platform, Some(PortError::BadAnswer { .. })),
            "{body}: {report:?}"
        );
        assert_ne!(world.badge(&visit).await.0, Badge::Synced);
        world.repair();
        world.settle().await;

        assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
        assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn an_answer_of_fifty_megabytes_is_a_clear_error_and_nothing_is_lost() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.spoil_google(Fault::BigBody { bytes: 50 << 20 }, |rule| {
        // The smallest pages there are, too.
        rule.method("GET").path("/calendar/").times(4)
    });
    world.spoil_platform(Fault::BigBody { bytes: 50 << 20 }, |rule| {
        rule.path("/v1/appointments")
    });

    let report = world.sync().await;
    for problem in [report.calendar, report.platform] {
        assert_eq!(
            problem,
            Some(PortError::BadAnswer {
                what: "answer too large".into()
            })
        );
    }
    world.repair();
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn an_answer_to_a_write_that_cannot_be_read_is_learned_and_not_written_twice() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.spoil_google(
        Fault::RawBody {
            body: "{\"id\":".into(),
            content_type: "application/json".into(),
        },
        |rule| rule.method("POST").path("/events"),
    );
    world.settle().await;
    world.repair();
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);

    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.spoil_platform(Fault::BigBody { bytes: 50 << 20 }, |rule| {
        rule.method("POST").path("/move")
    });
    world.settle().await;
    world.repair();
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn one_appointment_that_cannot_be_read_marks_itself_and_the_rest_syncs() {
    let world = World::new().await;
    let good = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    let page = serde_json::json!({"items": [
        {"change": "upsert", "appointment": serde_json::to_value(world.admin().appointment(&good)).expect("JSON")},
        {"change": "upsert", "appointment": {"id": "apt_999", "version": 1, "start": "whenever"}},
        {"change": "something_new", "id": "apt_998"},
    ], "next_cursor": "c_0", "has_more": false, "snapshot": false});
    world.spoil_platform(
        Fault::RawBody {
            body: page.to_string(),
            content_type: "application/json".into(),
        },
        |rule| rule.method("GET").path("/v1/appointments?"),
    );
    world.sync().await;
    world.repair();

    assert!(world.trainer().has(&good));
    world.settle().await;
    world.check_invariants().await;
}

#[tokio::test]
async fn one_event_of_ours_that_cannot_be_read_is_a_problem_until_it_can() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    let other = world.admin().visit("Rosen-Apotheke", "2026-12-02 09:00");
    world.sync().await;
    // What was written is read back, so that nothing is new beyond this token.
    world.sync().await;
    let mut event = world.trainer().event(&visit);
    event["start"] = serde_json::json!({"dateTime": "whenever"});
    let token = world.state().await.sync_token.expect("it was read");
    let page = serde_json::json!({"items": [event], "nextSyncToken": token.as_str()});
    world.spoil_google(
        Fault::RawBody {
            body: page.to_string(),
            content_type: "application/json".into(),
        },
        |rule| rule.method("GET").path("/events"),
    );
    world.sync().await;
    world.repair();

    let unreadable = (Badge::Problem, Some("unreadable".into()));
    assert_eq!(world.badge(&visit).await, unreadable);
    let told = world.history().await;
    let mut told = told
        .iter()
        .filter(|item| matches!(item.what, HistoryWhat::Unreadable { .. }));
    let result = told.next().map(|item| item.result);
    assert_eq!(result, Some(HistoryResult::Problem), "it is told as one");
    assert_eq!(world.badge(&other).await, (Badge::Synced, None));
    world.sync().await;
    assert_eq!(
        world.badge(&visit).await,
        unreadable,
        "nothing was read of it since"
    );

    world.trainer().rename(&visit, "Meine Linde");
    world.settle().await;
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}
