//! Over real sockets: the control API, dropped connections, and the binary itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::DateTime;
use roundtrip_sandbox::shared::ManualClock;
use roundtrip_sandbox::{Config, Running, serve};
use serde_json::{Value, json};

/// One request over a connection of its own; the raw answer, empty if the connection just ended.
fn exchange(url: &str, method: &str, path: &str, token: &str, body: Option<&Value>) -> String {
    let address: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nIf-Match: \"1\"\r\nIdempotency-Key: key-00001\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // A connection that breaks off still gives what had arrived.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn json_of(answer: &str) -> Value {
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body)
        .unwrap_or_default();
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn status_of(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_default()
}

async fn started() -> Running {
    let now = DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z")
        .expect("an instant")
        .to_utc();
    let config = Config {
        appointments: 0,
        ..Config::default()
    };
    serve(config, Arc::new(ManualClock::new(now)), 0)
        .await
        .expect("free ports")
}

struct Control(String);

impl Control {
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let root = self.0.trim_end_matches("/control").to_owned();
        let answer = exchange(&root, method, &format!("/control{path}"), "", body);
        (status_of(&answer), json_of(&answer))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_dropped_for_real() {
    let running = started().await;
    let control = Control(running.control_url.clone());
    let (url, platform) = (running.platform_url.clone(), running.sandbox.platform.clone());
    let outcome = tokio::task::spawn_blocking(move || {
        let new = json!({"assignee": "usr_7", "title": "Linden-Apotheke", "start": "2026-12-01T09:00", "end": "2026-12-01T10:00"});
        let (status, created) = control.call("POST", "/platform/appointments", Some(&new));
        assert_eq!(
            (status, &created["start"]),
            (201, &json!("2026-12-01T09:00:00+01:00"))
        );
        let id = created["id"].as_str().expect("an id").to_owned();
        let (_, grant) = control.call("POST", "/platform/sign-in", Some(&json!({"user": "usr_7"})));
        let token = grant["access_token"].as_str().expect("a token").to_owned();
        let path = format!("/v1/appointments/{id}/move");
        let body = json!({"start": "2026-12-01T11:00:00+01:00", "end": "2026-12-01T12:00:00+01:00", "time_zone": "Europe/Berlin"});
        let moved = || exchange(&url, "POST", &path, &token, Some(&body));

        let rule = json!({"service": "platform", "path_contains": "/move", "fault": {"kind": "drop_before"}});
        assert_eq!(control.call("POST", "/faults", Some(&rule)).0, 201);
        assert_eq!(moved(), "");
        assert_eq!(
            platform.appointment(&id).map(|record| record.appointment.version),
            Some(1)
        );

        let rule = json!({"service": "platform", "path_contains": "/move", "fault": {"kind": "drop_after"}});
        control.call("POST", "/faults", Some(&rule));
        assert_eq!(moved(), "");
        assert_eq!(
            platform.appointment(&id).map(|record| record.appointment.version),
            Some(2)
        );

        let rule = json!({"service": "platform", "path_contains": "/move", "fault": {"kind": "drop_during", "bytes": 20}});
        control.call("POST", "/faults", Some(&rule));
        let cut = moved();
        assert_eq!((status_of(&cut), json_of(&cut)), (200, Value::Null));
        assert_eq!(cut.split_once("\r\n\r\n").map(|(_, body)| body.len()), Some(20));

        let whole = moved();
        assert_eq!(
            (status_of(&whole), &json_of(&whole)["admin_notified"]),
            (200, &json!(true))
        );
        let (_, told) = control.call("GET", "/platform/notifications", None);
        assert_eq!(told.as_array().map(Vec::len), Some(1));
        let (_, log) = control.call("GET", "/requests?since=0", None);
        let statuses: Vec<_> = log["requests"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| &one["status"])
            .collect();
        assert_eq!(statuses, [&Value::Null, &Value::Null, &json!(200), &json!(200)]);
        assert_eq!(log["counts"][0]["count"], 4);
        assert_eq!(log["counts"][0]["route"], "/v1/appointments/{id}/move");
    });
    outcome.await.expect("no panic");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_api_acts_counts_and_starts_over() {
    let running = started().await;
    let control = Control(running.control_url.clone());
    let url = running.platform_url.clone();
    let outcome = tokio::task::spawn_blocking(move || {
        let (_, about) = control.call("GET", "", None);
        assert_eq!(about["platform_url"], json!(url));
        // Time.
        let (_, clock) = control.call("POST", "/clock", Some(&json!({"advance_seconds": 3600})));
        assert_eq!(clock["now"], "2026-11-21T09:00:00Z");
        control.call("POST", "/clock", Some(&json!({"set": "2026-11-21T08:00:00Z"})));
        // Everything an admin does.
        let new = json!({"assignee": "usr_7", "title": "A", "start": "2027-03-28T02:30", "time_zone": "Europe/Berlin"});
        let (_, created) = control.call("POST", "/platform/appointments", Some(&new));
        assert_eq!(
            (&created["start"], &created["end"]),
            (&json!("2027-03-28T03:30:00+02:00"), &Value::Null)
        );
        let path = format!(
            "/platform/appointments/{}",
            created["id"].as_str().expect("an id")
        );
        let steps = [
            (
                "PATCH",
                "",
                json!({"title": null, "locked": true, "editable": ["notes"]}),
            ),
            (
                "POST",
                "/move",
                json!({"start": "2026-12-01T09:00:00+01:00", "end": "2026-12-01T10:00:00+01:00"}),
            ),
            ("POST", "/move", json!({"start": "2026-12-02T09:00"})),
            ("POST", "/cancel", Value::Null),
            ("POST", "/restore", Value::Null),
            ("POST", "/reassign", json!({"assignee": "usr_8"})),
            ("POST", "/reassign", json!({"assignee": null})),
        ];
        for (version, (method, action, body)) in (2..).zip(steps) {
            let (status, answer) = control.call(method, &format!("{path}{action}"), Some(&body));
            assert_eq!(
                (status, &answer["version"]),
                (200, &json!(version)),
                "{action}: {answer}"
            );
        }
        let (_, record) = control.call("GET", &path, None);
        assert_eq!(record["appointment"]["end"], "2026-12-02T10:00:00+01:00");
        assert_eq!(
            (&record["assignee"], &record["locked"]),
            (&Value::Null, &json!(true))
        );
        assert_eq!(
            control
                .call(
                    "POST",
                    &format!("{path}/reassign"),
                    Some(&json!({"assignee": "usr_99"}))
                )
                .0,
            404
        );
        assert_eq!(control.call("DELETE", &path, None).0, 204);
        assert_eq!(control.call("GET", &path, None).0, 404);
        let (_, policy) = control.call(
            "PATCH",
            "/platform/people/usr_7",
            Some(&json!({"paused": "maintenance"})),
        );
        assert_eq!(policy["enabled"], false);
        // The trainer in their calendar.
        let calendar = "/google/accounts/mara.vogt@gmail.example/calendars/primary";
        let event = json!({"summary": "Zahnarzt", "start": {"dateTime": "2026-12-01T09:00:00+01:00"}, "end": {"dateTime": "2026-12-01T10:00:00+01:00"}});
        let (status, made) = control.call("POST", &format!("{calendar}/events"), Some(&event));
        assert_eq!((status, &made["summary"]), (200, &json!("Zahnarzt")), "{made}");
        let one = format!("{calendar}/events/{}", made["id"].as_str().expect("an id"));
        assert_eq!(
            control.call("PATCH", &one, Some(&json!({"summary": "Arzt"}))).1["summary"],
            "Arzt"
        );
        assert_eq!(control.call("DELETE", &one, None).1["status"], "cancelled");
        assert_eq!(
            control.call("POST", &format!("{one}/restore"), None).1["status"],
            "confirmed"
        );
        let (_, audit) = control.call("GET", "/google/audit", None);
        assert_eq!(audit.as_array().map(Vec::len), Some(4));
        // Mistakes are told.
        assert_eq!(
            control
                .call(
                    "POST",
                    "/faults",
                    Some(&json!({"service": "platform", "fault": {"kind": "x"}}))
                )
                .0,
            422
        );
        assert_eq!(control.call("DELETE", "/faults/flt_9", None).0, 404);
        // Over again.
        assert_eq!(control.call("POST", "/reset", None).0, 204);
        assert_eq!(control.call("GET", "/google/audit", None).1, json!([]));
        assert_eq!(
            control.call("GET", "/platform/people", None).1[1]["paused"],
            Value::Null
        );
    });
    outcome.await.expect("no panic");
    running.shutdown().await;
}

/// Ends the process with the test, also a failing one.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_binary_says_where_it_is_and_serves() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roundtrip-sandbox"));
    command
        .args([
            "--port",
            "0",
            "--seed",
            "7",
            "--appointments",
            "3",
            "--auto-consent",
        ])
        .stdout(Stdio::piped());
    let mut child = Ended(command.spawn().expect("started"));
    let out = child.0.stdout.take().expect("piped");
    let lines: Vec<String> = BufReader::new(out)
        .lines()
        .map(|line| line.expect("text"))
        .take_while(|line| line != "READY")
        .collect();
    let value = |key: &str| {
        let line = lines
            .iter()
            .find_map(|line| line.strip_prefix(&format!("{key}=")));
        line.unwrap_or_else(|| panic!("{key} is missing in {lines:?}"))
            .to_owned()
    };
    let (platform, google) = (value("ROUNDTRIP_PLATFORM_URL"), value("ROUNDTRIP_GOOGLE_API_URL"));
    assert_eq!(
        value("ROUNDTRIP_GOOGLE_AUTH_URL"),
        format!("{google}/o/oauth2/v2/auth")
    );
    assert_eq!(value("ROUNDTRIP_GOOGLE_TOKEN_URL"), format!("{google}/token"));
    assert_eq!(value("ROUNDTRIP_GOOGLE_REVOKE_URL"), format!("{google}/revoke"));
    assert!(!value("GOOGLE_CLIENT_ID").is_empty() && !value("GOOGLE_CLIENT_SECRET").is_empty());
    assert_eq!(lines.len(), 8);
    let control = Control(value("SANDBOX_CONTROL_URL"));
    let (_, appointments) = control.call("GET", "/platform/appointments?assignee=usr_7", None);
    // Three, and two that are over.
    assert_eq!(appointments.as_array().map(Vec::len), Some(5));
    assert_eq!(
        control
            .call("POST", "/clock", Some(&json!({"advance_seconds": 1})))
            .0,
        409
    );
    let page = exchange(&platform, "GET", "/admin", "", None);
    assert!(page.contains("Linden Akademie"));
    let home = exchange(&platform, "GET", "/", "", None);
    assert!(home.to_lowercase().contains("location: /admin"), "{home}");
    let document = exchange(&platform, "GET", "/openapi.json", "", None);
    assert_eq!(json_of(&document)["openapi"], "3.1.0");
}

#[test]
fn the_binary_prints_the_openapi_document() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roundtrip-sandbox"));
    let output = command.arg("--print-openapi").output().expect("run");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        roundtrip_sandbox::platform::openapi_json()
    );
}
