//! The accounts and calendars at the start: the trainers' own lives, so that there is something not to touch.

use super::GoogleConfig;
use super::body::{self, Object, WriteOptions};
use super::model::{Account, Calendar, ListEntry, Mark, Marks, Role, Write};
use super::quota::Quota;
use super::render::TombstoneDetail;
use super::service::State;
use crate::history::History;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOLIDAYS: &str = "de.german#holiday@group.v.calendar.google.com";

struct Person {
    email: &'static str,
    sub: &'static str,
    name: &'static str,
    zone: Tz,
    calendar_zone: Tz,
    second: &'static str,
    second_id: &'static str,
}

const PEOPLE: [Person; 4] = [
    Person {
        email: super::FIRST_ACCOUNT,
        sub: "105716223340981175602",
        name: "Mara Vogt",
        zone: Tz::Europe__Berlin,
        calendar_zone: Tz::Europe__Berlin,
        second: "Familie",
        second_id: "c_maravogtfamilie7m2k@group.calendar.google.com",
    },
    Person {
        email: "ben.adler@gmail.example",
        sub: "108330914475520091186",
        name: "Ben Adler",
        zone: Tz::Europe__Berlin,
        calendar_zone: Tz::Europe__Berlin,
        second: "Verein",
        second_id: "c_benadlerverein4q9t@group.calendar.google.com",
    },
    // Lives in Los Angeles, keeps the calendar in New York's time: 9:00 at home shows as 12:00.
    Person {
        email: "lena.west@gmail.example",
        sub: "112904871166203397745",
        name: "Lena West",
        zone: Tz::America__Los_Angeles,
        calendar_zone: Tz::America__New_York,
        second: "Trips",
        second_id: "c_lenawesttrips0d5h@group.calendar.google.com",
    },
    Person {
        email: "jana.roth@gmail.example",
        sub: "101188240957713006421",
        name: "Jana Roth",
        zone: Tz::Europe__Berlin,
        calendar_zone: Tz::Europe__Berlin,
        second: "Privat",
        second_id: "c_janarothprivat8s1f@group.calendar.google.com",
    },
];

/// The state at the start.
pub fn state(config: &GoogleConfig, now: DateTime<Utc>) -> State {
    let mut state = State {
        accounts: Vec::new(),
        calendars: BTreeMap::new(),
        marks: Marks::default(),
        audit: Vec::new(),
        quota: Quota::default(),
        tombstones_in_lists: TombstoneDetail::Minimal,
        tombstones_in_reads: TombstoneDetail::Full,
        page_url: config.public_url.trim_end_matches('/').to_owned(),
        auto_grant: None,
        history: History::default(),
        lists: 0,
        watches: super::push::Watches::default(),
    };
    for person in &PEOPLE {
        state.accounts.push(Account {
            email: person.email.to_owned(),
            sub: person.sub.to_owned(),
            name: person.name.to_owned(),
            zone: person.zone,
            list: BTreeMap::new(),
        });
        let mark = state.marks.next(now);
        state.add_calendar(
            calendar(
                person.email,
                person.email,
                person.email,
                person.calendar_zone,
                mark,
            ),
            16,
        );
        let mark = state.marks.next(now);
        state.add_calendar(
            calendar(
                person.second_id,
                person.email,
                person.second,
                person.calendar_zone,
                mark,
            ),
            8,
        );
    }
    add_holidays(&mut state, config, now);
    if config.sample_events {
        for person in &PEOPLE {
            add_samples(&mut state, person, now);
        }
    }
    state
}

fn calendar(id: &str, owner: &str, summary: &str, zone: Tz, mark: Mark) -> Calendar {
    Calendar {
        id: id.to_owned(),
        owner: owner.to_owned(),
        summary: summary.to_owned(),
        description: None,
        location: None,
        zone,
        made_by_client: None,
        mark,
        sync_epoch: 0,
        entries: BTreeMap::new(),
        past: BTreeMap::new(),
    }
}

/// A calendar everybody sees and nobody may change.
fn add_holidays(state: &mut State, config: &GoogleConfig, now: DateTime<Utc>) {
    let mark = state.marks.next(now);
    let owner = "holidays@calendar.example";
    state.calendars.insert(
        HOLIDAYS.to_owned(),
        calendar(
            HOLIDAYS,
            owner,
            "Feiertage in Deutschland",
            Tz::Europe__Berlin,
            mark,
        ),
    );
    for account in &mut state.accounts {
        let entry = ListEntry {
            role: Role::Reader,
            color_id: 9,
            deleted: false,
            mark,
        };
        account.list.insert(HOLIDAYS.to_owned(), entry);
    }
    if !config.sample_events {
        return;
    }
    for year in [now.year(), now.year() + 1] {
        let days = [
            (1, 1, "Neujahr"),
            (5, 1, "Tag der Arbeit"),
            (10, 3, "Tag der Deutschen Einheit"),
            (12, 25, "Erster Weihnachtstag"),
            (12, 26, "Zweiter Weihnachtstag"),
        ];
        for (month, day, name) in days {
            let Some(date) = NaiveDate::from_ymd_opt(year, month, day) else {
                continue;
            };
            let event = json!({"id": format!("feiertag{year}{month:02}{day:02}"), "summary": name,
                "transparency": "transparent", "visibility": "public",
                "start": {"date": date.to_string()}, "end": {"date": (date + Days::new(1)).to_string()}});
            put(state, HOLIDAYS, owner, &event, now);
        }
    }
}

/// A short life: appointments that are nobody's business but the trainer's.
fn add_samples(state: &mut State, person: &Person, now: DateTime<Utc>) {
    let zone = person.calendar_zone.name();
    let today = now.with_timezone(&person.calendar_zone).date_naive();
    let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
    let at = |week: u64, day: u64, clock: &str| json!({"dateTime": format!("{}T{clock}:00", monday + Days::new(7 * week + day)), "timeZone": zone});
    let key: String = person.sub.chars().take(12).collect();
    let mut number = 0;
    let mut add = |state: &mut State, calendar: &str, mut event: Value| {
        number += 1;
        event["id"] = json!(format!("privat{key}{number:02}"));
        put(state, calendar, person.email, &event, now);
    };
    let main = person.email;
    add(
        state,
        main,
        json!({"summary": "Zahnarzt Dr. Lindner", "location": "Breite Str. 14, 14467 Potsdam",
        "start": at(0, 3, "07:30"), "end": at(0, 3, "08:15")}),
    );
    add(
        state,
        main,
        json!({"summary": "Yoga 🧘", "colorId": "2", "start": at(0, 1, "18:30"), "end": at(0, 1, "19:45"),
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=20"]}),
    );
    add(
        state,
        main,
        json!({"summary": "Mittagessen mit Anke", "location": "Café Heider, Potsdam",
        "start": at(0, 4, "12:30"), "end": at(0, 4, "13:30"),
        "attendees": [{"email": "anke@example.net", "displayName": "Anke Sommer", "responseStatus": "accepted"}]}),
    );
    add(
        state,
        main,
        json!({"summary": "Steuererklärung abgeben", "transparency": "transparent",
        "start": {"date": (monday + Days::new(9)).to_string()}, "end": {"date": (monday + Days::new(10)).to_string()}}),
    );
    add(
        state,
        main,
        json!({"summary": "Werkstatt: Reifenwechsel", "location": "Autohaus Krüger, Nauen",
        "start": at(1, 2, "07:45"), "end": at(1, 2, "08:30"),
        "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 60}]}}),
    );
    add(
        state,
        main,
        json!({"summary": "Fokuszeit: Schulungsunterlagen", "visibility": "private",
        "start": at(1, 0, "14:00"), "end": at(1, 0, "16:00")}),
    );
    add(
        state,
        person.second_id,
        json!({"summary": "Elternabend", "location": "Grundschule am Park",
        "start": at(1, 1, "19:00"), "end": at(1, 1, "20:30")}),
    );
    add(
        state,
        person.second_id,
        json!({"summary": "Urlaub", "start": {"date": (monday + Days::new(32)).to_string()},
        "end": {"date": (monday + Days::new(37)).to_string()}}),
    );
    let invitation = json!({"summary": "Quartalsgespräch", "location": "Videokonferenz",
        "start": at(2, 3, "10:00"), "end": at(2, 3, "11:00"),
        "attendees": [{"email": "office@partner.example", "displayName": "Partnerbüro", "responseStatus": "accepted"},
            {"email": main}]});
    add(state, main, invitation);
    let id = format!("privat{key}{number:02}");
    if let Some(entry) = state
        .calendars
        .get_mut(main)
        .and_then(|calendar| calendar.entries.get_mut(&id))
    {
        entry.invited_by = Some(("office@partner.example".to_owned(), "Partnerbüro".to_owned()));
        entry.creator = "office@partner.example".to_owned();
    }
}

fn put(state: &mut State, calendar: &str, actor: &str, event: &Value, now: DateTime<Utc>) {
    let mut sent = Object::new();
    if let Some(event) = event.as_object() {
        body::merge(&mut sent, event);
    }
    let mut write = Write {
        now,
        marks: &mut state.marks,
        actor,
        if_match: None,
        options: WriteOptions::ALL,
        fresh_id: String::new(),
        realism: crate::realism::Realism::default(),
        tombstone_after: chrono::TimeDelta::zero(),
    };
    let made = state
        .calendars
        .get_mut(calendar)
        .map(|calendar| calendar.insert(&mut write, &sent));
    debug_assert!(
        matches!(made, Some(Ok(_))),
        "sample event refused: {made:?} {event}"
    );
}
