//! The table: what is answered, and what the window then says.

use super::stage::{Answer, Asked};
use super::wire::Script;
use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use std::io::Write as _;

/// One kind of hostile answer.
pub struct Class {
    pub name: &'static str,
    pub answer: Answer,
    /// The code of the platform's problem and of the calendar's, while listings are answered so; empty for none.
    pub says: (&'static str, &'static str),
}

const BAD: (&str, &str) = ("bad_answer", "bad_answer");
const AWAY: (&str, &str) = ("unreachable", "unreachable");
const TROUBLE: (&str, &str) = ("server_trouble", "server_trouble");
const SLOW_DOWN: (&str, &str) = ("throttled", "throttled");
const FINE: (&str, &str) = ("", "");

const fn wire(
    name: &'static str,
    says: (&'static str, &'static str),
    answer: fn(&Asked<'_>) -> Script,
) -> Class {
    Class {
        name,
        answer: Answer::Wire(answer),
        says,
    }
}

const fn whole(
    name: &'static str,
    says: (&'static str, &'static str),
    answer: fn(&Asked<'_>) -> Response<Bytes>,
) -> Class {
    Class {
        name,
        answer: Answer::Whole(answer),
        says,
    }
}

fn said(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response<Bytes> {
    let mut builder = Response::builder().status(status);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        builder = builder.header("content-type", "application/json");
    }
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).expect("a test's own answer")
}

/// The truth with another body.
pub fn instead(asked: &Asked<'_>, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut answer = asked.truth.clone();
    *answer.body_mut() = body.into();
    answer
}

/// The truth with a further header.
fn with(asked: &Asked<'_>, name: &'static str, value: &str) -> Response<Bytes> {
    let mut answer = asked.truth.clone();
    let value = http::HeaderValue::from_bytes(value.as_bytes()).expect("a test's own header");
    answer.headers_mut().insert(name, value);
    answer
}

/// The truth as JSON, changed.
pub fn changed(asked: &Asked<'_>, change: impl FnOnce(&mut Value)) -> Response<Bytes> {
    let mut body: Value = serde_json::from_slice(asked.truth.body()).unwrap_or_default();
    change(&mut body);
    instead(asked, body.to_string())
}

/// A page that leads to another one, whatever the service says to a place it does not know.
fn page(asked: &Asked<'_>, change: impl FnOnce(&mut Value)) -> Response<Bytes> {
    let mut answer = changed(asked, |body| {
        if !body["items"].is_array() {
            *body = json!({"items": []});
        }
        change(body);
    });
    *answer.status_mut() = http::StatusCode::OK;
    answer
}

/// An error in the words of the service that was asked.
fn own_word(asked: &Asked<'_>, status: u16, google: &str, platform: &str) -> Response<Bytes> {
    if asked.place.is_calendar() {
        let body = json!({"error": {"errors": [{"domain": "global", "reason": google}], "code": status}});
        said(status, &[], body.to_string())
    } else {
        let body = json!({"type": "about:blank", "title": "t", "status": status, "code": platform});
        said(
            status,
            &[("content-type", "application/problem+json")],
            body.to_string(),
        )
    }
}

fn html(status: u16) -> Response<Bytes> {
    let page = "<html><title>Hotel Adler</title><form action=/login>Room <input name=room></form></html>";
    said(status, &[("content-type", "text/html")], page)
}

fn ok(asked: &Asked<'_>) -> Script {
    Script::plain("200 OK", "application/json", asked.truth.body())
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).expect("in memory");
    packer.finish().expect("in memory")
}

/// What goes wrong before there is an answer to look into.
pub const ON_THE_WIRE: &[Class] = &[
    wire("hung up at once", AWAY, |_| Script::bytes("")),
    wire("not HTTP at all", AWAY, |_| {
        Script::bytes("SSH-2.0-OpenSSH_9.6\r\n")
    }),
    wire("a body without a head", AWAY, |_| Script::bytes("{\"items\":[]}")),
    wire("an empty 200", BAD, |_| {
        Script::plain("200 OK", "application/json", b"")
    }),
    wire("content-length too large", AWAY, |asked| {
        let length = format!("Content-Length: {}", asked.truth.body().len() + 10);
        Script::answer(&["HTTP/1.1 200 OK", &length], asked.truth.body())
    }),
    wire("content-length too small", BAD, |asked| {
        let length = format!("Content-Length: {}", asked.truth.body().len() / 2);
        Script::answer(&["HTTP/1.1 200 OK", &length], asked.truth.body())
    }),
    wire("two content-lengths", AWAY, |asked| {
        let lines = ["HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 7"];
        Script::answer(&lines, asked.truth.body())
    }),
    wire("a negative content-length", AWAY, |asked| {
        Script::answer(&["HTTP/1.1 200 OK", "Content-Length: -5"], asked.truth.body())
    }),
    wire("a gibibyte announced", BAD, |_| {
        Script::answer(&["HTTP/1.1 200 OK", "Content-Length: 1073741824"], b"{").then_silence()
    }),
    wire("a chunked body that is cut", AWAY, |asked| {
        let mut body = b"fff\r\n".to_vec();
        body.extend_from_slice(&asked.truth.body()[..asked.truth.body().len().min(900)]);
        Script::answer(&["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"], &body)
    }),
    wire("a chunk of no length", AWAY, |_| {
        Script::answer(
            &["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"],
            b"zz\r\n{}\r\n0\r\n\r\n",
        )
    }),
    wire("cut in the middle of the JSON", BAD, |asked| {
        let body = asked.truth.body();
        let at = body.len() * (1 + asked.seed as usize) / 6;
        Script::plain("200 OK", "application/json", &body[..at])
    }),
    wire("a body that never ends", BAD, |_| {
        Script::answer(&["HTTP/1.1 200 OK"], b"").then_again(vec![b' '; 64 << 10], 1 << 14)
    }),
    wire("a body that drips", AWAY, |asked| {
        Script::answer(&["HTTP/1.1 200 OK"], b"").then_drip(asked.truth.body().to_vec())
    }),
    wire("silence", AWAY, |_| Script::bytes("").then_silence()),
    wire("silence after the head", AWAY, |_| {
        Script::answer(&["HTTP/1.1 200 OK", "Content-Length: 10"], b"").then_silence()
    }),
    wire("a header of a mebibyte", AWAY, |asked| {
        let long = format!("X-Long: {}", "x".repeat(1 << 20));
        Script::answer(
            &["HTTP/1.1 200 OK", &long, "Content-Length: 2"],
            asked.truth.body(),
        )
    }),
    wire("ten thousand headers", AWAY, |asked| {
        let many = vec!["X-Many: y"; 10_000].join("\r\n");
        Script::answer(&["HTTP/1.1 200 OK", &many], asked.truth.body())
    }),
    wire("a line in the head that is none", AWAY, |asked| {
        Script::answer(&["HTTP/1.1 200 OK", "no colon here"], asked.truth.body())
    }),
    wire("ninety cookies", FINE, |asked| {
        let cookies = vec!["Set-Cookie: a=b; Domain=example; Path=/"; 90].join("\r\n");
        let length = format!("Content-Length: {}", asked.truth.body().len());
        Script::answer(&["HTTP/1.1 200 OK", &cookies, &length], asked.truth.body())
    }),
    wire("a flood of 1xx", AWAY, |_| {
        Script::bytes("").then_again("HTTP/1.1 102 Processing\r\n\r\n".repeat(100), 1 << 14)
    }),
    wire("101 without being asked", BAD, |_| {
        Script::answer(
            &[
                "HTTP/1.1 101 Switching Protocols",
                "Upgrade: x",
                "Connection: upgrade",
            ],
            b"",
        )
    }),
    wire("a gzip bomb", BAD, |_| {
        let body = packed(&vec![b' '; 8 << 20]);
        let length = format!("Content-Length: {}", body.len());
        Script::answer(&["HTTP/1.1 200 OK", "Content-Encoding: gzip", &length], &body)
    }),
    wire("gzip that is none", AWAY, |asked| {
        let length = format!("Content-Length: {}", asked.truth.body().len());
        Script::answer(
            &["HTTP/1.1 200 OK", "Content-Encoding: gzip", &length],
            asked.truth.body(),
        )
    }),
    wire("a redirect elsewhere", BAD, |asked| {
        let to = [
            "https://evil.example/v1/appointments",
            "http://192.0.2.7/",
            "file:///etc/passwd",
            "/same?again=1",
        ];
        let status = ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"];
        let (status, to) = (status[asked.seed as usize % 4], to[asked.nth as usize % 4]);
        let lines = [
            format!("HTTP/1.1 {status}"),
            format!("Location: {to}"),
            "Content-Length: 0".into(),
        ];
        Script::answer(&[&lines[0], &lines[1], &lines[2]], b"")
    }),
    wire("a right answer under another type", FINE, |asked| {
        Script::plain("200 OK", "text/html", asked.truth.body())
    }),
    wire("a right answer with a pipelined second one", FINE, |asked| {
        let mut twice = Vec::new();
        for body in [asked.truth.body().as_ref(), b"{}"] {
            twice.extend_from_slice(
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
            );
            twice.extend_from_slice(body);
        }
        Script::bytes(twice)
    }),
    wire("a byte order mark", BAD, |asked| {
        Script::plain(
            "200 OK",
            "application/json",
            &[b"\xef\xbb\xbf", asked.truth.body().as_ref()].concat(),
        )
    }),
    wire("UTF-16", BAD, |asked| {
        let text = String::from_utf8_lossy(asked.truth.body());
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        Script::plain("200 OK", "application/json; charset=utf-16", &wide)
    }),
    wire("bytes that are no UTF-8", BAD, |asked| {
        let mut body = asked.truth.body().to_vec();
        let text = body.windows(4).position(|part| part == b"Apot").unwrap_or(0);
        body[text] = 0xff;
        Script::plain("200 OK", "application/json", &body)
    }),
    wire("NUL bytes", BAD, |asked| {
        let mut body = asked.truth.body().to_vec();
        let middle = body.len() / 2;
        body[middle] = 0;
        Script::plain("200 OK", "application/json", &body)
    }),
    wire("HTTP/1.0 until it hangs up", FINE, |asked| {
        Script::answer(&["HTTP/1.0 200 OK"], asked.truth.body())
    }),
    wire("HTTP/9.9", AWAY, |asked| {
        Script::answer(&["HTTP/9.9 200 OK"], asked.truth.body())
    }),
    wire("status 99999", AWAY, |asked| {
        Script::answer(&["HTTP/1.1 99999 OK"], asked.truth.body())
    }),
    wire("a 200 that answers twice as chunks and length", AWAY, |_| {
        let lines = [
            "HTTP/1.1 200 OK",
            "Content-Length: 2",
            "Transfer-Encoding: chunked",
        ];
        Script::answer(&lines, b"{}")
    }),
    wire("the truth", FINE, ok),
];

/// What the answer says as a whole.
pub const IN_THE_BODY: &[Class] = &[
    whole("{}", BAD, |asked| instead(asked, "{}")),
    whole("[]", BAD, |asked| instead(asked, "[]")),
    whole("null", BAD, |asked| instead(asked, "null")),
    whole("true, 7, a text", BAD, |asked| {
        instead(
            asked,
            ["true", "7", "\"items\"", "1e999"][asked.seed as usize % 4],
        )
    }),
    whole("items null", BAD, |asked| {
        changed(asked, |body| body["items"] = Value::Null)
    }),
    whole("items of another type", BAD, |asked| {
        let wrong = [json!({}), json!("x"), json!(7), json!(true)];
        changed(asked, |body| {
            body["items"] = wrong[asked.seed as usize % 4].clone()
        })
    }),
    whole("JSON a hundred thousand deep", BAD, |asked| {
        let deep = ["[", "{\"a\":"][asked.seed as usize % 2].repeat(100_000);
        instead(asked, format!("{{\"items\":{deep}"))
    }),
    whole("a hundred thousand items", BAD, |asked| {
        changed(asked, |body| {
            let item = json!({"id": "x", "change": "removed", "status": "cancelled"});
            body["items"] = vec![item; 100_000].into();
        })
    }),
    whole("a portal's page with 200", BAD, |_| html(200)),
    whole("a portal's page with 511", TROUBLE, |_| html(511)),
    whole("a portal's page with 403, 404 and 410", BAD, |asked| {
        html([403, 404, 410, 407][asked.seed as usize % 4])
    }),
    whole("500 with a right body", TROUBLE, |asked| {
        let mut answer = asked.truth.clone();
        *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        answer
    }),
    whole("an error told with 200", BAD, |asked| {
        let mut answer = own_word(asked, 200, "notFound", "not_found");
        *answer.status_mut() = http::StatusCode::OK;
        answer
    }),
    whole("304 without being asked", BAD, |_| said(304, &[], "")),
    whole("204", BAD, |_| said(204, &[], "")),
    whole("206", BAD, |_| {
        said(206, &[("content-range", "bytes 0-1/9")], "{}")
    }),
    whole("418, 451 and 999", BAD, |asked| {
        said([418, 451, 999, 600][asked.seed as usize % 4], &[], "{}")
    }),
    whole("410 in its own words, everywhere", BAD, |asked| {
        own_word(asked, 410, "fullSyncRequired", "cursor_expired")
    }),
    whole(
        "404 in its own words, everywhere",
        ("not_found", "calendar_not_found"),
        |asked| own_word(asked, 404, "notFound", "not_found"),
    ),
    whole("403 in words nobody knows", ("rejected", "rejected"), |asked| {
        own_word(
            asked,
            403,
            "<script>alert(1)</script>",
            "<script>alert(1)</script>",
        )
    }),
    whole(
        "401, also for the new token",
        ("sign_in_expired", "sign_in_expired"),
        |asked| own_word(asked, 401, "authError", "unauthorized"),
    ),
    whole("Retry-After of ten years", SLOW_DOWN, |_| {
        said(429, &[("retry-after", "315360000")], "{}")
    }),
    whole("Retry-After beyond all numbers", TROUBLE, |_| {
        said(503, &[("retry-after", "18446744073709551615")], "{}")
    }),
    whole("Retry-After negative, a word, long ago", SLOW_DOWN, |asked| {
        let odd = ["-1", "soon", "Thu, 01 Jan 1970 00:00:00 GMT", "1e9"];
        said(429, &[("retry-after", odd[asked.seed as usize % 4])], "{}")
    }),
    whole("a Date from nowhere", FINE, |asked| {
        let odd = [
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Mon, 01 Jan 0001 00:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "yesterday",
        ];
        with(asked, "date", odd[asked.seed as usize % 4])
    }),
    whole("a Calendar-Sync header of rubbish", FINE, |asked| {
        let odd = ["maybe", ";;;=", "enabledd", "\u{202e}"];
        with(asked, "calendar-sync", odd[asked.seed as usize % 4])
    }),
    whole("a RateLimit header of rubbish", FINE, |asked| {
        let odd = [
            "\"default\";r=x;t=y",
            "limit=, remaining=-1",
            "r=99999999999999999999",
            ";;;",
        ];
        with(asked, "ratelimit", odd[asked.seed as usize % 4])
    }),
    whole("an ETag of rubbish", FINE, |asked| {
        let odd = ["\"", "W/", "\"\"\"", "\u{fffd}"];
        with(asked, "etag", odd[asked.seed as usize % 4])
    }),
    whole("the same next page again and again", BAD, |asked| {
        page(asked, |body| {
            body["nextPageToken"] = "again".into();
            body["next_cursor"] = "again".into();
            body["has_more"] = true.into();
            remove(body, "nextSyncToken");
        })
    }),
    whole("pages without end", BAD, |asked| {
        page(asked, |body| {
            body["nextPageToken"] = format!("page-{}", asked.nth).into();
            body["next_cursor"] = format!("page-{}", asked.nth).into();
            body["has_more"] = true.into();
            remove(body, "nextSyncToken");
        })
    }),
    whole("no token for the next listing", BAD, |asked| {
        changed(asked, |body| {
            remove(body, "nextSyncToken");
            remove(body, "next_cursor");
        })
    }),
    whole("a token of no text", BAD, |asked| {
        let odd = [json!(7), json!(""), json!({}), json!(["x"])];
        changed(asked, |body| {
            body["nextSyncToken"] = odd[asked.seed as usize % 4].clone();
            body["next_cursor"] = odd[asked.seed as usize % 4].clone();
        })
    }),
    whole("a token of a hundred thousand letters", BAD, |asked| {
        changed(asked, |body| {
            body["nextSyncToken"] = "x".repeat(100_000).into();
            body["next_cursor"] = "x".repeat(100_000).into();
        })
    }),
    whole("a token with line breaks", BAD, |asked| {
        changed(asked, |body| {
            body["nextSyncToken"] = "a\r\nX-Evil: b".into();
            body["next_cursor"] = "a\r\nX-Evil: b".into();
        })
    }),
    whole("a token of another listing", FINE, |asked| {
        changed(asked, |body| {
            body["nextSyncToken"] = "CPDAlvWDx70CEPDAlvWDx70CGAU=".into();
            body["next_cursor"] = "c_987654321".into();
        })
    }),
    whole("both tokens, and more to come of no type", BAD, |asked| {
        changed(asked, |body| {
            body["nextPageToken"] = "p".into();
            body["has_more"] = "yes".into();
        })
    }),
    whole("a zone that does not exist", FINE, |asked| {
        changed(asked, |body| body["timeZone"] = "Mars/Olympus_Mons".into())
    }),
    whole("the other service's answer", BAD, |asked| {
        if asked.place.is_calendar() {
            instead(
                asked,
                r#"{"items":[],"next_cursor":"c_1","has_more":false,"snapshot":true}"#,
            )
        } else {
            instead(
                asked,
                r#"{"kind":"calendar#events","items":[],"nextSyncToken":"t"}"#,
            )
        }
    }),
];

pub fn remove(body: &mut Value, field: &str) {
    if let Some(fields) = body.as_object_mut() {
        fields.remove(field);
    }
}
