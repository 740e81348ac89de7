//! Masses: one seed in eight has many appointments, and somebody changes many of them at once. That is what the guard is for (P8).

use crate::laptop::{Laptop, Running, Surroundings};
use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use roundtrip_core::question::Answer;
use roundtrip_engine::Removals;
use roundtrip_sandbox::platform::AdminEdit;
use roundtrip_sandbox::shared::SeededRandom;
use serde_json::{Value, json};
use std::rc::Rc;

/// How big it is, and how soon the trainer answers.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Appointments at the beginning.
    pub appointments: usize,
    /// A question is answered so long after it was asked; `None`: not before the faults have stopped.
    pub patience: Option<TimeDelta>,
    chance: u64,
}

impl Crowd {
    /// Whether a seed is such a one. Numbers of its own, so that what other seeds tell stays as it is.
    pub fn of(seed: u64) -> Option<Self> {
        let mut random = SeededRandom::new(seed ^ 0x0C40_0D5E);
        (random.below(8) == 0).then(|| Self {
            appointments: 15 + random.below(11),
            patience: (random.below(3) != 0).then(|| TimeDelta::minutes(2 + random.below(30) as i64)),
            chance: random.next_u64(),
        })
    }

    /// The time of the nth of them: every other one is on the same weekday, and none overlap.
    pub fn slot(number: usize, first_day: NaiveDate) -> DateTime<Utc> {
        let place = number / 2;
        let (day, hour) = match number % 2 {
            0 => (7 * (place % 2), place / 2),
            _ => ([1, 2, 3, 4, 8, 9][place % 6], place / 6),
        };
        at(first_day + TimeDelta::days(day as i64), hour)
    }
}

/// The nth appointment of a day.
fn at(day: NaiveDate, nth: usize) -> DateTime<Utc> {
    let hour = 7 + 2 * nth as u32;
    let local = day.and_hms_opt(hour.min(22), 0, 0).unwrap_or_default();
    roundtrip_core::time::resolve_local(local, Berlin)
}

/// Changes many at once, once or more, until the faults stop.
pub async fn masses(around: Rc<Surroundings>, laptops: Vec<Rc<Laptop>>, crowd: Crowd, first_day: NaiveDate) {
    let mut random = SeededRandom::new(crowd.chance);
    let stage = around.stage.clone();
    for _ in 0..1 + random.below(3) {
        let pause = TimeDelta::seconds(120 + random.below(1_200) as i64);
        stage.time.until(stage.now() + pause).await;
        if stage.is_calm() {
            return;
        }
        let (kind, done) = match random.below(5) {
            0 => ("admin cancels many", cancel(&around, &mut random)),
            1 => ("trainer moves many", drag(&around, &mut random)),
            2 => ("trainer deletes many", delete(&around, &mut random)),
            3 => ("admin makes many private", hide(&around, &mut random)),
            _ => {
                let running = random.pick(&laptops).and_then(|laptop| laptop.running());
                let left_out = match running {
                    Some(running) => leave_a_weekday_out(&running, first_day).await,
                    None => 0,
                };
                ("window leaves a weekday out", left_out)
            }
        };
        stage.action(kind, format_args!("{done}"));
    }
}

/// The trainer's appointments, in no order.
fn appointments(around: &Surroundings, random: &mut SeededRandom) -> Vec<String> {
    let records = around.stage.sandbox.platform.appointments().into_iter();
    let theirs = records.filter(|record| record.assignee.as_deref() == Some(around.person.user));
    shuffled(
        theirs.map(|record| record.appointment.id.clone()).collect(),
        random,
    )
}

/// Our events that are there, in no order.
fn events(around: &Surroundings, random: &mut SeededRandom) -> Vec<String> {
    let google = &around.stage.sandbox.google;
    let all = google
        .list_all(around.person.google, "primary")
        .unwrap_or_default();
    let ours = |event: &&Value| {
        event["extendedProperties"]["private"]["rt_appointment"].is_string() && event["status"] != "cancelled"
    };
    let ids = all.iter().filter(ours).filter_map(|event| event["id"].as_str());
    shuffled(ids.map(str::to_owned).collect(), random)
}

fn shuffled(mut ids: Vec<String>, random: &mut SeededRandom) -> Vec<String> {
    for last in (1..ids.len()).rev() {
        ids.swap(last, random.below(last + 1));
    }
    ids
}

/// More than ten, and more than half of them, also where some answers are lost.
fn cancel(around: &Surroundings, random: &mut SeededRandom) -> usize {
    let ids = appointments(around, random);
    let many = (ids.len() * 3 / 4).max(12);
    let platform = &around.stage.sandbox.platform;
    ids.iter()
        .take(many)
        .filter(|id| platform.cancel_appointment(id).is_ok())
        .count()
}

/// Private ones are left out, as long as the trainer has not let them in.
fn hide(around: &Surroundings, random: &mut SeededRandom) -> usize {
    let platform = &around.stage.sandbox.platform;
    let hidden = || AdminEdit {
        private: Some(true),
        ..AdminEdit::default()
    };
    let ids = appointments(around, random);
    let many = 7 + random.below(3);
    ids.iter()
        .take(many)
        .filter(|id| platform.edit_appointment(id, hidden()).is_ok())
        .count()
}

/// Each a little later on its day: nothing unusual by itself, and in the way of no other. Some are refused all the same.
fn drag(around: &Surroundings, random: &mut SeededRandom) -> usize {
    let google = &around.stage.sandbox.google;
    let account = around.person.google;
    let all = google.list_all(account, "primary").unwrap_or_default();
    let many = 11 + random.below(4);
    let later = TimeDelta::minutes(15 * (1 + random.below(3) as i64));
    let ids = events(around, random);
    let start_of = |id: &str| {
        let event = all.iter().find(|event| event["id"] == id)?;
        DateTime::parse_from_rfc3339(event["start"]["dateTime"].as_str()?).ok()
    };
    let moves = ids
        .iter()
        .filter_map(|id| Some((id, start_of(id)?.to_utc() + later)));
    let side = |at: DateTime<Utc>| {
        json!({"dateTime": at.to_rfc3339_opts(SecondsFormat::Secs, true), "date": null,
            "timeZone": "Europe/Berlin"})
    };
    moves
        .take(many)
        .filter(|(id, start)| {
            let moved = json!({"start": side(*start), "end": side(*start + TimeDelta::minutes(60))});
            google.patch_event(account, "primary", id, &moved).is_ok()
        })
        .count()
}

fn delete(around: &Surroundings, random: &mut SeededRandom) -> usize {
    let google = &around.stage.sandbox.google;
    let ids = events(around, random);
    ids.iter()
        .take(7 + random.below(3))
        .filter(|id| google.delete_event(around.person.google, "primary", id).is_ok())
        .count()
}

async fn leave_a_weekday_out(running: &Running, first_day: NaiveDate) -> usize {
    let Ok(mut settings) = running.engine.ledger().settings().await else {
        return 0;
    };
    let day = first_day.weekday().num_days_from_monday() as u8;
    if !settings.filters.weekdays_off.insert(day) {
        settings.filters.weekdays_off.remove(&day);
    }
    usize::from(
        running
            .engine
            .change_settings(|_| settings, Removals::Unconfirmed)
            .await
            .is_ok(),
    )
}

/// The trainer of a crowd answers what was asked long enough ago; true if there was something.
pub async fn answers(
    laptop: &Laptop,
    around: &Surroundings,
    running: &Running,
    random: &mut SeededRandom,
) -> bool {
    let Some(patience) = around.crowd.and_then(|crowd| crowd.patience) else {
        return false;
    };
    let engine = &running.engine;
    let now = engine.now();
    let Ok(known) = engine.ledger().questions(now).await else {
        return false;
    };
    let due = |asked_at: DateTime<Utc>| now - asked_at >= patience;
    let mut open = known.iter().filter(|one| one.answer.is_none());
    let Some(question) = open.find(|one| due(one.asked_at)) else {
        return false;
    };
    let answer = match random.below(3) {
        0 => Answer::Leave,
        _ => Answer::GoOn,
    };
    let outcome = engine.answer_question(&question.id, answer).await;
    let (index, kind, count) = (laptop.index, question.kind, question.appointments.len());
    around.stage.action(
        "window answers a question",
        format_args!("L{index} {kind:?} about {count}: {answer:?} {outcome:?}"),
    );
    true
}
