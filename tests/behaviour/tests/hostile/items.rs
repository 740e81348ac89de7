//! Single items of a listing that lie. The rest of the listing is true.

use super::classes::{changed, remove};
use super::stage::{Answer, Asked};
use serde_json::{Value, json};

/// One kind of hostile item.
pub struct ItemClass {
    pub name: &'static str,
    pub answer: Answer,
    pub tells: Tells,
}

/// What the history or the window says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// Nothing: what is odd about it does not matter.
    Nothing,
    /// Which field of an item could not be read.
    Unreadable,
    /// A listing that lost most of what is known is not believed.
    Shrank,
}

/// The fields of both services' items that Roundtrip reads.
const EVENT_FIELDS: [&str; 12] = [
    "id",
    "etag",
    "start",
    "end",
    "status",
    "updated",
    "summary",
    "location",
    "description",
    "extendedProperties",
    "organizer",
    "htmlLink",
];
const APPOINTMENT_FIELDS: [&str; 19] = [
    "id",
    "version",
    "status",
    "start",
    "time_zone",
    "created_at",
    "updated_at",
    "type",
    "title",
    "topic",
    "location",
    "end",
    "notes",
    "client",
    "private",
    "editable",
    "url",
    "updated_by",
    "none",
];

/// Our own items of a page: what the service holds of us, each as the object that carries the fields.
fn own(body: &mut Value) -> Vec<&mut Value> {
    let items = body["items"].as_array_mut();
    items
        .into_iter()
        .flatten()
        .filter_map(|item| {
            if item["extendedProperties"]["private"]["rt_appointment"].is_string() {
                return Some(item);
            }
            item.get_mut("appointment")
        })
        .collect()
}

/// Changes each of our items; `nth` runs with the seed, so that each seed meets each item in another way.
fn each(asked: &Asked<'_>, change: impl Fn(usize, &mut Value, bool)) -> http::Response<bytes::Bytes> {
    let calendar = asked.place.is_calendar();
    changed(asked, |body| {
        for (nth, item) in own(body).into_iter().enumerate() {
            change(nth + 5 * asked.seed as usize, item, calendar);
        }
    })
}

/// Changes one of our items: the first, one in the middle, or the last.
fn one(asked: &Asked<'_>, change: impl Fn(usize, &mut Value, bool)) -> http::Response<bytes::Bytes> {
    let calendar = asked.place.is_calendar();
    changed(asked, |body| {
        let mut items = own(body);
        let count = items.len();
        let at = [0, count / 2, count.saturating_sub(1)][asked.seed as usize % 3];
        if let Some(item) = items.get_mut(at) {
            change(asked.seed as usize, item, calendar);
        }
    })
}

fn field(nth: usize, calendar: bool) -> &'static str {
    match calendar {
        true => EVENT_FIELDS[nth % EVENT_FIELDS.len()],
        false => APPOINTMENT_FIELDS[nth % APPOINTMENT_FIELDS.len()],
    }
}

fn set_time(item: &mut Value, side: &str, calendar: bool, text: &str) {
    match calendar {
        true => item[side] = json!({"dateTime": text, "timeZone": "Europe/Berlin"}),
        false => item[side] = text.into(),
    }
}

const fn class(
    name: &'static str,
    tells: Tells,
    answer: fn(&Asked<'_>) -> http::Response<bytes::Bytes>,
) -> ItemClass {
    ItemClass {
        name,
        answer: Answer::Whole(answer),
        tells,
    }
}

pub const IN_AN_ITEM: &[ItemClass] = &[
    class("each field missing", Tells::Unreadable, |asked| {
        each(asked, |nth, item, calendar| remove(item, field(nth, calendar)))
    }),
    class("each field of another type", Tells::Unreadable, |asked| {
        each(asked, |nth, item, calendar| {
            let wrong = [json!(-7), json!([]), json!({}), json!(true), json!(-1.5)];
            item[field(nth, calendar)] = wrong[nth % wrong.len()].clone();
        })
    }),
    class(
        "each field a text of a hundred thousand letters",
        Tells::Unreadable,
        |asked| {
            each(asked, |nth, item, calendar| {
                item[field(nth, calendar)] = "x".repeat(100_000).into()
            })
        },
    ),
    class("numbers no computer counts with", Tells::Unreadable, |asked| {
        one(asked, |nth, item, _| {
            let odd = [json!(1e300), json!(-1), json!(u64::MAX), json!(0.5)];
            item["version"] = odd[nth % 4].clone();
            item["etag"] = odd[nth % 4].clone();
        })
    }),
    class("years that nobody plans for", Tells::Unreadable, |asked| {
        each(asked, |nth, item, calendar| {
            let odd = [
                "0000-01-01T00:00:00Z",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-23:59",
                "10000-01-01T00:00:00Z",
                "+262142-12-31T23:59:59",
                "-262143-01-01T00:00:00",
                "1601-01-01T00:00:00Z",
                "2026-13-45T99:99:99Z",
                "yesterday",
            ];
            set_time(item, "start", calendar, odd[nth % odd.len()]);
            set_time(item, "end", calendar, odd[nth % odd.len()]);
        })
    }),
    class(
        "whole days in years that nobody plans for",
        Tells::Unreadable,
        |asked| {
            one(asked, |nth, item, _| {
                let odd = ["0000-01-01", "+262142-12-31", "9999-12-31"];
                item["start"] = json!({"date": odd[nth % 3]});
                item["end"] = json!({"date": odd[(nth + 1) % 3]});
            })
        },
    ),
    class("an end before the start", Tells::Unreadable, |asked| {
        one(asked, |_, item, calendar| {
            set_time(item, "end", calendar, "2026-11-01T08:00:00Z")
        })
    }),
    class("a zone that does not exist", Tells::Nothing, |asked| {
        one(asked, |_, item, calendar| match calendar {
            true => item["start"]["timeZone"] = "Mars/Olympus_Mons".into(),
            false => item["time_zone"] = "Mars/Olympus_Mons".into(),
        })
    }),
    class("an etag that cannot be sent back", Tells::Unreadable, |asked| {
        one(asked, |nth, item, _| {
            let odd = ["", "a\r\nX-Evil: b", "\u{202e}\"7\"", "\0"];
            item["etag"] = odd[nth % 4].into();
            // The platform's versions stand for its etags.
            item["version"] = odd[nth % 4].into();
        })
    }),
    class("each item twice", Tells::Nothing, |asked| {
        changed(asked, |body| {
            if let Some(items) = body["items"].as_array_mut() {
                let again = items.clone();
                items.extend(again);
            }
        })
    }),
    class(
        "items that are none, between the true ones",
        Tells::Nothing,
        |asked| {
            changed(asked, |body| {
                if let Some(items) = body["items"].as_array_mut() {
                    for odd in [json!(null), json!([]), json!(7), json!("x"), json!({})] {
                        items.insert(items.len() / 2, odd);
                    }
                }
            })
        },
    ),
    class("the items of another calendar", Tells::Shrank, |asked| {
        changed(asked, |body| {
            for (nth, item) in own(body).into_iter().enumerate() {
                item["id"] = format!("foreign{nth}").into();
                remove(item, "extendedProperties");
                // Of another trainer, and over: not one of ours appears.
                if item.get("version").is_some() {
                    item["start"] = "2020-01-01T08:00:00Z".into();
                    item["end"] = "2020-01-01T09:00:00Z".into();
                }
            }
        })
    }),
    class("no items, and a right token", Tells::Shrank, |asked| {
        changed(asked, |body| body["items"] = json!([]))
    }),
    class("three of many items", Tells::Shrank, |asked| {
        changed(asked, |body| {
            if let Some(items) = body["items"].as_array_mut() {
                items.truncate(3);
            }
        })
    }),
    class("the marks of the others", Tells::Nothing, |asked| {
        changed(asked, |body| {
            let mut items = own(body);
            let marks: Vec<Value> = items
                .iter()
                .map(|item| item["extendedProperties"].clone())
                .collect();
            for (nth, item) in items.iter_mut().enumerate() {
                if item.get("extendedProperties").is_some() {
                    item["extendedProperties"] = marks[(nth + 1) % marks.len()].clone();
                }
            }
        })
    }),
    class("our marks on events that are not ours", Tells::Nothing, |asked| {
        changed(asked, |body| {
            let mark = own(body).first().map(|item| item["extendedProperties"].clone());
            for item in body["items"].as_array_mut().into_iter().flatten() {
                if item.get("extendedProperties").is_none() && item.get("etag").is_some() {
                    item["extendedProperties"] = mark.clone().unwrap_or_default();
                }
            }
        })
    }),
    class("marks of rubbish", Tells::Nothing, |asked| {
        one(asked, |nth, item, calendar| {
            if calendar {
                let odd = ["4294967295", "-1", "0", "NaN"];
                for key in [
                    "rt_generation",
                    "rt_version",
                    "rt_schema",
                    "rt_start",
                    "rt_zone",
                    "rt_written_hashes",
                ] {
                    item["extendedProperties"]["private"][key] = odd[nth % 4].into();
                }
            }
        })
    }),
    class("versions that go down", Tells::Nothing, |asked| {
        each(asked, |_, item, calendar| {
            if !calendar {
                item["version"] = 0.into();
                item["title"] = "An old title".into();
                item["status"] = "cancelled".into();
            }
        })
    }),
    class("changes of a kind nobody knows", Tells::Nothing, |asked| {
        changed(asked, |body| {
            if let Some(items) = body["items"].as_array_mut() {
                items.push(json!({"change": "exploded", "id": "apt_1"}));
                items
                    .push(json!({"kind": "calendar#bomb", "id": "x", "etag": "\"1\"", "status": "exploded"}));
            }
        })
    }),
    class("links that are no web addresses", Tells::Nothing, |asked| {
        each(asked, |nth, item, _| {
            let odd = [
                "javascript:alert(1)",
                "file:///etc/passwd",
                "roundtrip://x",
                "\\\\host\\share",
            ];
            item["htmlLink"] = odd[nth % 4].into();
        })
    }),
];
