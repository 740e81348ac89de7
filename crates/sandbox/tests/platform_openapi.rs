//! The committed OpenAPI document is current, and real answers are as it says.

use crate::platform_support;

use platform_support::{Answer, MARA, World, move_body};
use roundtrip_sandbox::faults::{Fault, FaultRule, Service};
use roundtrip_sandbox::platform::{AdminEdit, openapi_json};
use serde_json::{Value, json};

#[test]
fn the_committed_document_is_current() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/platform-api.openapi.json"
    );
    let committed = std::fs::read_to_string(path).expect("docs/platform-api.openapi.json");
    let hint = "run: cargo run -p roundtrip-sandbox -- --print-openapi > docs/platform-api.openapi.json";
    assert!(
        committed == openapi_json(),
        "the committed document is not current; {hint}"
    );
}

fn document() -> Value {
    serde_json::from_str(&openapi_json()).expect("JSON")
}

#[test]
fn the_document_is_openapi_3_1_and_asks_for_sign_in() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), 15, "{:?}", paths.keys());
    assert!(document["paths"]["/v1/me"]["get"]["security"].is_array());
    assert!(document["paths"]["/v1/hooks/google"]["post"]["security"].is_null());
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text
        .split("\"$ref\":\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

/// Checks an answer against the schema of its operation and status.
fn check(document: &Value, method: &str, path: &str, answer: &Answer) {
    let status = answer.status.to_string();
    let response = &document["paths"][path][method]["responses"][&status];
    assert!(
        response.is_object(),
        "{method} {path} {status} is not documented: {}",
        answer.text
    );
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.text, "", "{method} {path} {status}");
        return;
    };
    let kind = answer
        .header("content-type")
        .split(';')
        .next()
        .unwrap_or_default();
    let described = content
        .get(kind)
        .unwrap_or_else(|| panic!("{method} {path} {status} as {kind}"));
    let schema = json!({"allOf": [described["schema"]], "components": document["components"]});
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let errors: Vec<_> = validator
        .iter_errors(&answer.json)
        .map(|error| error.to_string())
        .collect();
    assert!(
        errors.is_empty(),
        "{method} {path} {status}: {errors:?}\n{}",
        answer.text
    );
}

#[tokio::test]
async fn real_answers_are_as_documented() {
    let document = document();
    let world = World::with(40);
    let free = world.appointment("2027-02-02T09:00:00+01:00").id;
    let platform = world.sandbox.platform.clone();
    let check = |method: &str, path: &str, answer: &Answer| check(&document, method, path, answer);

    check(
        "get",
        "/.well-known/oauth-authorization-server",
        &world.get("/.well-known/oauth-authorization-server").await,
    );
    let refresh_token = platform.sign_in_directly(MARA).refresh_token.expect("a token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.as_str()),
        ("client_id", "roundtrip-desktop"),
    ];
    check("post", "/oauth/token", &world.form("/oauth/token", &form).await);
    check(
        "post",
        "/oauth/token",
        &world.form("/oauth/token", &form[..1]).await,
    );
    let stranger = [
        ("grant_type", "refresh_token"),
        ("client_id", "x"),
        ("refresh_token", "x"),
    ];
    check(
        "post",
        "/oauth/token",
        &world.form("/oauth/token", &stranger).await,
    );
    check(
        "post",
        "/oauth/revoke",
        &world.form("/oauth/revoke", &[("token", "x")]).await,
    );
    check("get", "/v1/me", &world.get("/v1/me").await);
    check(
        "get",
        "/v1/me",
        &world
            .request("GET", "/v1/me", &[("authorization", "Bearer x")], None)
            .await,
    );

    // Every kind of appointment and change.
    let page = world.get("/v1/appointments?limit=500").await;
    check("get", "/v1/appointments", &page);
    let cursor = page.json["next_cursor"].as_str().expect("a cursor").to_owned();
    let etag = page.header("etag").to_owned();
    let same = world
        .request(
            "GET",
            "/v1/appointments?limit=500",
            &[("if-none-match", &etag)],
            None,
        )
        .await;
    check("get", "/v1/appointments", &same);
    platform.cancel_appointment("apt_5").expect("cancel");
    check(
        "get",
        "/v1/appointments",
        &world.get(&format!("/v1/appointments?cursor={cursor}")).await,
    );
    check(
        "get",
        "/v1/appointments",
        &world.get("/v1/appointments?limit=0").await,
    );
    check(
        "get",
        "/v1/appointments",
        &world.get("/v1/appointments?cursor=x").await,
    );
    world
        .sandbox
        .shared
        .faults()
        .add(FaultRule::new(Service::Platform, Fault::RateLimited));
    check("get", "/v1/appointments", &world.get("/v1/appointments").await);
    for id in [free.as_str(), "apt_5", "apt_1", "apt_999"] {
        check(
            "get",
            "/v1/appointments/{id}",
            &world.get(&format!("/v1/appointments/{id}")).await,
        );
    }

    // Moves, accepted and refused.
    let path = "/v1/appointments/{id}/move";
    let to = |day: &str, from: u32| {
        (
            format!("{day}T{from:02}:00:00+01:00"),
            format!("{day}T{:02}:00:00+01:00", from + 1),
        )
    };
    let other = world.appointment("2027-02-03T09:00:00+01:00").id;
    for (id, version, key, (start, end)) in [
        (&free, 1, "key-00001", to("2027-02-02", 12)),
        (&free, 1, "key-00002", to("2027-02-02", 14)),
        (&free, 2, "key-00001", to("2027-02-02", 15)),
        (&free, 2, "key-00003", to("2027-02-02", 3)),
        (&other, 1, "key-00004", to("2027-02-02", 12)),
        (&free, 2, "short", to("2027-02-02", 15)),
        (&"apt_1".to_owned(), 1, "key-00005", to("2027-02-02", 15)),
        (&"apt_999".to_owned(), 1, "key-00006", to("2027-02-02", 15)),
    ] {
        check("post", path, &world.move_to(id, version, key, &start, &end).await);
    }
    let (start, end) = to("2027-02-02", 15);
    let body = move_body(&start, &end).to_string();
    let headers = [("idempotency-key", "key-00007")];
    let bare = world
        .request(
            "POST",
            &format!("/v1/appointments/{free}/move"),
            &headers,
            Some(&body),
        )
        .await;
    check("post", path, &bare);

    let one = "/v1/appointments/{id}";
    let notes = json!({"notes": "Neu"});
    let edit = AdminEdit {
        editable: Some(serde_json::from_value(json!(["notes"])).expect("fields")),
        ..AdminEdit::default()
    };
    check(
        "patch",
        one,
        &world
            .write(
                "PATCH",
                &format!("/v1/appointments/{free}"),
                2,
                "key-00008",
                &notes,
            )
            .await,
    );
    platform.edit_appointment(&free, edit).expect("edit");
    check(
        "patch",
        one,
        &world
            .write(
                "PATCH",
                &format!("/v1/appointments/{free}"),
                3,
                "key-00008",
                &notes,
            )
            .await,
    );
    let mut new = move_body("2027-02-04T09:00:00+01:00", "2027-02-04T10:00:00+01:00");
    new["title"] = json!("Neu");
    for key in ["key-00009", "key-00010"] {
        let headers = [("idempotency-key", key)];
        let answer = world
            .request("POST", "/v1/appointments", &headers, Some(&new.to_string()))
            .await;
        check("post", "/v1/appointments", &answer);
    }

    // The rest.
    let report = json!({"status": "active", "device": "Laptop", "device_id": "d1"});
    let integration = "/v1/me/integrations/{provider}";
    check(
        "put",
        integration,
        &world.send("PUT", "/v1/me/integrations/google", &report).await,
    );
    check(
        "put",
        integration,
        &world.send("PUT", "/v1/me/integrations/google", &json!({})).await,
    );
    check(
        "delete",
        integration,
        &world
            .request("DELETE", "/v1/me/integrations/google", &[], None)
            .await,
    );
    let window = json!({"start": "2026-12-01T00:00:00Z", "end": "2026-12-02T00:00:00Z"});
    let blocks = json!({"window": window, "blocks": [window]});
    let busy = "/v1/me/busy-blocks/{source}";
    check(
        "put",
        busy,
        &world.send("PUT", "/v1/me/busy-blocks/google", &blocks).await,
    );
    check(
        "delete",
        busy,
        &world
            .request("DELETE", "/v1/me/busy-blocks/google", &[], None)
            .await,
    );
    check(
        "delete",
        "/v1/me/synced-data",
        &world.request("DELETE", "/v1/me/synced-data", &[], None).await,
    );
    let channels = "/v1/calendar-relay/channels";
    check(
        "post",
        channels,
        &world.send("POST", channels, &json!({"provider": "google"})).await,
    );
    check(
        "post",
        channels,
        &world.send("POST", channels, &json!({"provider": "x"})).await,
    );
    let channel = "/v1/calendar-relay/channels/{channel_id}";
    check(
        "delete",
        channel,
        &world
            .request("DELETE", "/v1/calendar-relay/channels/x", &[], None)
            .await,
    );
    check(
        "post",
        "/v1/hooks/google",
        &world.request("POST", "/v1/hooks/google", &[], None).await,
    );
}
