//! Token endpoints that lie: no token that works is ever given up for one that does not.

use super::stage::{Answer, Asked, Impostor, Stage, codes};
use super::wire::Script;
use bytes::Bytes;
use http::Response;
use roundtrip_http::oauth::TokenStatus;

fn token(fields: &str) -> Response<Bytes> {
    Response::builder()
        .header("content-type", "application/json")
        .body(Bytes::from(format!("{{{fields}}}")))
        .expect("a test's own answer")
}

fn refused(status: u16, body: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
    *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    answer
}

type Class = (&'static str, &'static str, Answer);

const CLASSES: &[Class] = &[
    (
        "no token",
        "unreachable",
        Answer::Whole(|_| token(r#""token_type":"Bearer","expires_in":3600"#)),
    ),
    (
        "an empty token",
        "unreachable",
        Answer::Whole(|_| token(r#""access_token":"","token_type":"Bearer""#)),
    ),
    (
        "a token with a line break",
        "unreachable",
        Answer::Whole(|_| {
            token(r#""access_token":"a\r\nX-Evil: b","token_type":"Bearer","expires_in":3600"#)
        }),
    ),
    (
        "a token of a mebibyte",
        "unreachable",
        Answer::Whole(|_| {
            token(&format!(
                r#""access_token":"{}","token_type":"Bearer""#,
                "x".repeat(1 << 20)
            ))
        }),
    ),
    (
        "a hundred thousand rights",
        "unreachable",
        Answer::Whole(|_| {
            token(&format!(
                r#""access_token":"a","token_type":"Bearer","expires_in":3600,"scope":"{}""#,
                "a ".repeat(100_000)
            ))
        }),
    ),
    (
        "a hundred thousand fields",
        "unreachable",
        Answer::Whole(|_| {
            token(&format!(
                r#"{}"access_token":"a","token_type":"Bearer","expires_in":3600"#,
                r#""x":{},"#.repeat(100_000)
            ))
        }),
    ),
    (
        "a refresh token with a line break",
        "unreachable",
        Answer::Whole(|_| {
            token(r#""access_token":"a","refresh_token":"r\n","token_type":"Bearer","expires_in":3600"#)
        }),
    ),
    (
        "an empty refresh token",
        "unreachable",
        Answer::Whole(|_| {
            token(r#""access_token":"a","refresh_token":"","token_type":"Bearer","expires_in":3600"#)
        }),
    ),
    (
        "another type of token",
        "unreachable",
        Answer::Whole(|_| token(r#""access_token":"a","token_type":"mac","expires_in":3600"#)),
    ),
    (
        "fields of other types",
        "unreachable",
        Answer::Whole(|asked| {
            let odd = [
                r#""access_token":7,"token_type":"Bearer""#,
                r#""access_token":"a","token_type":7"#,
                r#""access_token":"a","token_type":"Bearer","expires_in":{}"#,
                r#""access_token":["a"],"token_type":"Bearer""#,
            ];
            token(odd[asked.seed as usize % 4])
        }),
    ),
    (
        "a life that is negative or endless",
        "unreachable",
        Answer::Whole(|asked| {
            let odd = ["-1", "1e18", "1e999", "\"soon\""];
            let life = odd[asked.seed as usize % 4];
            token(&format!(
                r#""access_token":"a","token_type":"Bearer","expires_in":{life}"#
            ))
        }),
    ),
    (
        "an error told with 200",
        "unreachable",
        Answer::Whole(|_| token(r#""error":"invalid_grant""#)),
    ),
    (
        "a portal's page",
        "unreachable",
        Answer::Whole(|asked| {
            refused(
                [200, 400, 401, 302][asked.seed as usize % 4],
                "<html>invalid_grant</html>",
            )
        }),
    ),
    (
        "500 that says invalid_grant",
        "unreachable",
        Answer::Whole(|_| refused(500, r#"{"error":"invalid_grant"}"#)),
    ),
    (
        "429 that says invalid_grant",
        "throttled",
        Answer::Whole(|_| refused(429, r#"{"error":"invalid_grant"}"#)),
    ),
    (
        "an error that is no word",
        "unreachable",
        Answer::Whole(|_| {
            refused(
                400,
                r#"{"error":"<script>Ada Klein</script>","error_description":"x"}"#,
            )
        }),
    ),
    (
        "hung up at once",
        "unreachable",
        Answer::Wire(|_| Script::bytes("")),
    ),
    (
        "a redirect",
        "unreachable",
        Answer::Wire(|_: &Asked<'_>| {
            Script::answer(
                &[
                    "HTTP/1.1 307 Temporary",
                    "Location: https://evil.example/token",
                    "Content-Length: 0",
                ],
                b"",
            )
        }),
    ),
    (
        "JSON a hundred thousand deep",
        "unreachable",
        Answer::Whole(|_| token(&format!("\"x\":{}", "[".repeat(100_000)))),
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_a_token_endpoint_says_loses_a_sign_in() {
    let mut stage = Stage::new().await;
    for (name, code, answer) in CLASSES {
        for seed in 0..4 {
            stage.something_is_under_way();
            // The access tokens have ended.
            stage.a_day_passes();
            let impostor = Impostor::of_tokens(&stage.world, *answer, seed);
            let report = stage.two_cycles(name, &impostor).await;
            assert!(impostor.struck() > 0, "{name} never struck");
            assert!(impostor.struck() <= 12, "{name}: {} requests", impostor.struck());
            assert_eq!(codes(&report), (*code, *code), "{name} {seed}: {report:?}");
            for vault in [&stage.world.google_vault, &stage.world.platform_vault] {
                assert!(
                    !vault.marks().contains(&TokenStatus::NeedsReauth),
                    "{name} {seed}"
                );
            }
        }
        stage.well_again(name).await;
    }
    stage.world.check_invariants().await;
    println!(
        "{} classes of hostile token endpoints, {} runs",
        CLASSES.len(),
        CLASSES.len() * 4
    );
}
