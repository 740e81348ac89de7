//! The trainer in the calendar and the admin on the platform: they act while cycles are under way.

use crate::stage::Stage;
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use roundtrip_behaviour_tests::{BEN, Person};
use roundtrip_core::text;
use roundtrip_sandbox::platform::{AdminEdit, Location, NewAppointment};
use roundtrip_sandbox::shared::SeededRandom;
use serde_json::{Value, json};
use std::sync::Arc;

/// How a line begins that the trainer types among an appointment's notes; a number follows.
pub const TYPED: &str = "Wort ";

/// Somebody who does something now and then.
pub struct Somebody {
    stage: Arc<Stage>,
    person: Person,
    random: SeededRandom,
    /// The first day on which appointments are planned.
    first_day: NaiveDate,
}

impl Somebody {
    /// Acts on behalf of this person's appointments.
    pub fn new(stage: Arc<Stage>, person: Person, seed: u64, first_day: NaiveDate) -> Self {
        Self {
            stage,
            person,
            random: SeededRandom::new(seed),
            first_day,
        }
    }

    fn any(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    /// Acts so often, with pauses, until the faults stop.
    pub async fn live(mut self, steps: usize, trainer: bool) {
        for _ in 0..steps {
            let pause = match self.any(4) {
                0 => 1 + self.any(10),
                1 => 10 + self.any(80),
                _ => 60 + self.any(600),
            };
            let until = self.stage.now() + TimeDelta::seconds(pause as i64);
            self.stage.time.until(until).await;
            if self.stage.is_calm() {
                return;
            }
            if trainer {
                self.act_in_calendar();
            } else {
                self.act_on_platform();
            }
        }
    }

    /// A time on one of the days of the appointments: most moves are taken, some overlap or fall outside the hours.
    fn any_time(&mut self) -> DateTime<Utc> {
        let day = self.first_day + TimeDelta::days(self.any(12) as i64);
        let hour = 6 + self.any(14) as u32;
        let minute = 15 * self.any(4) as u32;
        let local = day.and_hms_opt(hour, minute, 0).unwrap_or_default();
        roundtrip_core::time::resolve_local(local, chrono_tz::Europe::Berlin)
    }

    /// Plans a visit and gives its id.
    pub fn plan(&mut self) -> String {
        let start = self.any_time();
        self.plan_at(start)
    }

    /// Plans a visit at this time and gives its id.
    pub fn plan_at(&mut self, start: DateTime<Utc>) -> String {
        let number = self.any(1_000);
        let name = format!("Apotheke {number}");
        let zone = match self.any(8) {
            0 => chrono_tz::America::New_York,
            _ => chrono_tz::Europe::Berlin,
        };
        let minutes = [30, 45, 60, 90, 120][self.any(5)];
        let mut new = NewAppointment {
            topic: (self.any(2) == 0).then(|| "Auffrischung Impfen".to_owned()),
            location: (self.any(3) != 0).then(|| Location {
                name: Some(name.clone()),
                address: Some("Lindenstr. 5, 10969 Berlin".to_owned()),
            }),
            notes: (self.any(2) == 0).then(|| format!("Bitte {number} Handouts <mitbringen> & mehr.")),
            private: self.any(12) == 0,
            locked: self.any(12) == 0,
            ..NewAppointment::new(self.person.user, &name, start, minutes, zone)
        };
        if self.any(10) == 0 {
            new.end = None;
        }
        if self.any(3) == 0 {
            new.editable
                .push(roundtrip_sandbox::platform::EditableField::Notes);
        }
        self.stage.sandbox.platform.create_appointment(new).id
    }

    fn did(&self, kind: &'static str, id: &str) {
        self.stage.action(kind, format_args!("{id}"));
    }

    fn act_on_platform(&mut self) {
        let platform = self.stage.sandbox.platform.clone();
        let records: Vec<_> = platform
            .appointments()
            .into_iter()
            .filter(|record| {
                record.assignee.as_deref() == Some(self.person.user)
                    || record.assignee.as_deref() == Some(BEN.user)
            })
            .collect();
        let chosen = self.any(records.len());
        let Some(record) = records.get(chosen) else { return };
        let id = record.appointment.id.clone();
        let number = self.any(1_000);
        let edit = |edit: AdminEdit| platform.edit_appointment(&id, edit).is_ok();
        match self.any(15) {
            0 | 1 => {
                let id = self.plan();
                self.did("admin plans", &id);
            }
            2..=4 => {
                let start = self.any_time();
                let minutes = [30, 60, 90][self.any(3)];
                let end = record
                    .appointment
                    .end
                    .map(|_| start + TimeDelta::minutes(minutes));
                if platform.move_appointment(&id, start, end, None).is_ok() {
                    self.did("admin moves", &id);
                }
            }
            5 => {
                let mut place = record.appointment.location.clone().unwrap_or(Location {
                    name: None,
                    address: None,
                });
                place.name = Some(format!("Apotheke {number}"));
                if edit(AdminEdit {
                    title: Some(Some(format!("Besuch {number}"))),
                    location: Some(Some(place)),
                    ..AdminEdit::default()
                }) {
                    self.did("admin renames", &id);
                }
            }
            6 => {
                if edit(AdminEdit {
                    notes: Some((!number.is_multiple_of(4)).then(|| format!("Notiz {number}"))),
                    ..AdminEdit::default()
                }) {
                    self.did("admin edits notes", &id);
                }
            }
            7 => {
                if platform.cancel_appointment(&id).is_ok() {
                    self.did("admin cancels", &id);
                }
            }
            8 | 9 => {
                if platform.restore_appointment(&id).is_ok() {
                    self.did("admin restores", &id);
                }
            }
            10 => {
                if platform.reassign_appointment(&id, Some(BEN.user)).is_ok() {
                    self.did("admin reassigns", &id);
                }
            }
            11 | 12 => {
                if platform.reassign_appointment(&id, Some(self.person.user)).is_ok() {
                    self.did("admin assigns back", &id);
                }
            }
            13 => {
                if edit(AdminEdit {
                    private: Some(number.is_multiple_of(2)),
                    locked: Some(number.is_multiple_of(3)),
                    ..AdminEdit::default()
                }) {
                    self.did("admin sets private or locked", &id);
                }
            }
            _ => {
                if number.is_multiple_of(3) && platform.delete_appointment(&id).is_ok() {
                    self.did("admin deletes", &id);
                }
            }
        }
    }

    fn act_in_calendar(&mut self) {
        let google = self.stage.sandbox.google.clone();
        let account = self.person.google;
        let all = google.list_all(account, "primary").unwrap_or_default();
        let ours = |event: &&Value| event["extendedProperties"]["private"]["rt_appointment"].is_string();
        let live: Vec<&Value> = all
            .iter()
            .filter(ours)
            .filter(|event| event["status"] != "cancelled")
            .collect();
        let binned: Vec<&Value> = all
            .iter()
            .filter(|event| event["status"] == "cancelled" && !event["id"].is_null())
            .collect();
        let number = self.any(1_000);
        let chosen = self.any(live.len());
        let event = live.get(chosen).copied();
        let id = event
            .and_then(|event| event["id"].as_str())
            .unwrap_or_default()
            .to_owned();
        let patch = |patch: Value| google.patch_event(account, "primary", &id, &patch).is_ok();
        let choice = self.any(22);
        if event.is_none() && !(15..=18).contains(&choice) {
            return;
        }
        let side = |at: DateTime<Utc>| {
            let zone = event.and_then(|event| event["start"]["timeZone"].as_str());
            json!({"dateTime": at.to_rfc3339_opts(SecondsFormat::Secs, true), "date": null,
                "timeZone": zone.unwrap_or("Europe/Berlin")})
        };
        let (kind, done): (&'static str, bool) = match choice {
            0..=4 => {
                let start = self.any_time();
                let end = start + TimeDelta::minutes([30, 60, 90][self.any(3)]);
                (
                    "trainer drags",
                    patch(json!({"start": side(start), "end": side(end)})),
                )
            }
            5 => {
                let end = event.and_then(|event| instant(&event["end"]));
                match end {
                    Some(end) => (
                        "trainer pulls the end",
                        patch(json!({"end": side(end + TimeDelta::minutes(30))})),
                    ),
                    None => return,
                }
            }
            6 => (
                "trainer renames",
                patch(json!({ "summary": format!("Mein Termin {number}") })),
            ),
            7 => {
                let text = event.and_then(|event| event["description"].as_str());
                let text = text.unwrap_or_default();
                match typed_among_the_notes(text, number).filter(|_| !number.is_multiple_of(3)) {
                    Some(text) => (
                        "trainer types among the notes",
                        patch(json!({ "description": text })),
                    ),
                    None => (
                        "trainer writes",
                        patch(json!({ "description": format!("Eigenes {number}\n{text}") })),
                    ),
                }
            }
            8 => (
                "trainer clears the text",
                patch(json!({ "description": "", "location": "Zu Hause" })),
            ),
            9 | 10 => (
                "trainer deletes",
                google.delete_event(account, "primary", &id).is_ok(),
            ),
            11 => (
                "trainer copies",
                google.copy_event(account, "primary", &id).is_ok(),
            ),
            12 => {
                let start = self.any_time();
                let day = start.date_naive();
                let all_day =
                    |day: NaiveDate| json!({"date": day.to_string(), "dateTime": null, "timeZone": null});
                (
                    "trainer makes it all-day",
                    patch(json!({"start": all_day(day), "end": all_day(day + TimeDelta::days(1))})),
                )
            }
            13 => (
                "trainer makes a series",
                patch(json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})),
            ),
            14 => {
                let Some((start, end)) =
                    event.and_then(|event| instant(&event["start"]).zip(instant(&event["end"])))
                else {
                    return;
                };
                let side = |at: DateTime<Utc>| json!({"dateTime": at.to_rfc3339_opts(SecondsFormat::Secs, true), "timeZone": "Asia/Tokyo"});
                (
                    "trainer changes the zone",
                    patch(json!({"start": side(start), "end": side(end)})),
                )
            }
            15 | 16 => {
                let Some(id) = binned
                    .get(self.any(binned.len()))
                    .and_then(|event| event["id"].as_str())
                else {
                    return;
                };
                (
                    "trainer restores from the bin",
                    google.restore_event(account, "primary", id).is_ok(),
                )
            }
            17 => {
                let start = self.any_time();
                let event = json!({"summary": format!("Zahnarzt {number}"), "start": side(start),
                    "end": side(start + TimeDelta::hours(1))});
                (
                    "trainer makes an own event",
                    google.insert_event(account, "primary", &event).is_ok(),
                )
            }
            18 => {
                let foreign: Vec<&Value> = all
                    .iter()
                    .filter(|event| !ours(event) && event["status"] != "cancelled")
                    .collect();
                let Some(id) = foreign
                    .get(self.any(foreign.len()))
                    .and_then(|event| event["id"].as_str())
                else {
                    return;
                };
                let start = self.any_time();
                let moved = json!({"start": side(start), "end": side(start + TimeDelta::hours(1))});
                (
                    "trainer moves an own event",
                    google.patch_event(account, "primary", id, &moved).is_ok(),
                )
            }
            19 => (
                "trainer invites guests",
                patch(json!({"attendees": [{"email": "gast@example.org"}]})),
            ),
            20 => {
                let purged = number.is_multiple_of(2)
                    && google.delete_event(account, "primary", &id).is_ok()
                    && google.purge_event(account, "primary", &id).is_ok();
                ("trainer deletes for good", purged)
            }
            _ => (
                "trainer recolours",
                patch(json!({ "colorId": (1 + number % 11).to_string() })),
            ),
        };
        if done {
            self.did(kind, &id);
        }
    }
}

/// The description with a line of the trainer's own at the top of what stands between the marker lines.
pub fn typed_among_the_notes(description: &str, number: usize) -> Option<String> {
    let inside = text::split(description).block?;
    let at = inside.as_ptr() as usize - description.as_ptr() as usize;
    let (before, rest) = description.split_at(at);
    let newline = ["<br>", "\n"].into_iter().find(|one| rest.starts_with(one))?;
    Some(format!("{before}{newline}{TYPED}{number}{rest}"))
}

fn instant(side: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(side["dateTime"].as_str()?)
        .ok()
        .map(|at| at.to_utc())
}
