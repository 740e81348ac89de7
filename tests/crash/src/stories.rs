//! The stories: each a scene to begin with and the verb that is killed in it.

use crate::stage::{GOOGLE, Scene, Stage, TRAINER};
use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use roundtrip_sandbox::platform::{AdminEdit, Location, NewAppointment, Platform};
use serde_json::{Value, json};

/// When every stage begins: a Monday morning, eight days before the first appointment.
pub fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).unwrap_or_default() // 2026-11-23 08:00
}

/// Appointments of a first sync.
pub const APPOINTMENTS: usize = 12;

/// One story.
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// Where it begins.
    pub scene: Scene,
    /// What is killed.
    pub verb: &'static [&'static str],
    /// What is run after the verb, once it went through, until nothing is left to do.
    pub then: &'static [&'static [&'static str]],
    /// Moments of the verb that no share leaves out, by name: it dies at each of them and at the next few.
    pub always: &'static [&'static str],
}

/// The answers to a renewal of each sign-in: what they say is kept nowhere yet.
const RENEWED: &[&str] = &["after POST oauth/token", "after POST token"];

/// One cycle, and whatever waits after it.
pub const SYNC: &[&str] = &["sync", "--once", "--wait", "--json"];

fn refused(error: impl std::fmt::Debug) -> anyhow::Error {
    anyhow!("the service refused it: {error:?}")
}

/// Plans the visits of a first sync and gives their ids.
pub fn plan_visits(stage: &Stage, count: usize) -> Vec<String> {
    (0..count)
        .map(|index| {
            let days = i64::try_from(index / 4).unwrap_or(0) + 8;
            let hours = 3 * i64::try_from(index % 4).unwrap_or(0) - 1;
            let start = beginning() + TimeDelta::days(days) + TimeDelta::hours(hours);
            visit(stage, &format!("Apotheke {}", index + 1), start)
        })
        .collect()
}

fn visit(stage: &Stage, name: &str, start: DateTime<Utc>) -> String {
    let new = NewAppointment {
        topic: Some("Auffrischung Impfen".to_owned()),
        location: place(name),
        notes: Some("Bitte die Handouts mitbringen.".to_owned()),
        ..NewAppointment::new(TRAINER, name, start, 90, chrono_tz::Europe::Berlin)
    };
    stage.sandbox().platform.create_appointment(new).id
}

fn place(name: &str) -> Option<Location> {
    Some(Location {
        name: Some(name.to_owned()),
        address: Some("Lindenstr. 5, 10969 Berlin".to_owned()),
    })
}

/// The one live event of an appointment.
///
/// # Errors
/// If there is none.
pub fn event_of(stage: &Stage, appointment: &str) -> Result<Value> {
    let events = stage
        .sandbox()
        .google
        .list_all(GOOGLE, "primary")
        .map_err(refused)?;
    let ours = |event: &Value| {
        event["status"] != "cancelled"
            && event["extendedProperties"]["private"]["rt_appointment"] == appointment
    };
    events
        .into_iter()
        .find(ours)
        .with_context(|| format!("no event of {appointment}"))
}

fn id_of(event: &Value) -> &str {
    event["id"].as_str().unwrap_or_default()
}

/// The trainer drags an event by so much.
///
/// # Errors
/// If there is no such event.
pub fn drag(stage: &Stage, appointment: &str, by: TimeDelta) -> Result<()> {
    let event = event_of(stage, appointment)?;
    let side = |name: &str| -> Result<Value> {
        let at: DateTime<Utc> = event[name]["dateTime"].as_str().context("no time")?.parse()?;
        let moved = (at + by).to_rfc3339_opts(SecondsFormat::Secs, true);
        Ok(json!({"dateTime": moved, "timeZone": event[name]["timeZone"]}))
    };
    let patch = json!({"start": side("start")?, "end": side("end")?});
    edit(stage, &event, &patch)
}

fn edit(stage: &Stage, event: &Value, patch: &Value) -> Result<()> {
    let google = &stage.sandbox().google;
    google
        .patch_event(GOOGLE, "primary", id_of(event), patch)
        .map_err(refused)?;
    Ok(())
}

/// The admin moves an appointment by so much.
///
/// # Errors
/// If the platform refuses it.
pub fn admin_moves(stage: &Stage, id: &str, by: TimeDelta) -> Result<()> {
    let platform = &stage.sandbox().platform;
    let known = platform
        .appointment(id)
        .context("no such appointment")?
        .appointment;
    let end = known.end.map(|end| end.to_utc() + by);
    platform
        .move_appointment(id, known.start.to_utc() + by, end, None)
        .map_err(refused)?;
    Ok(())
}

/// The sign-in at the platform in an empty folder: the database and the ids of the installation are made.
///
/// # Errors
/// If the scene cannot be set.
pub fn first_start(stage: &Stage) -> Result<Story> {
    plan_visits(stage, 2);
    Ok(Story {
        name: "first start",
        scene: stage.keep("start")?,
        verb: &["connect", "platform", "--print-url"],
        then: &[&["connect", "google", "--print-url"], SYNC],
        always: &[],
    })
}

/// The sign-in at the calendar service, then the first sync.
///
/// # Errors
/// If the scene cannot be set.
pub fn sign_in(stage: &Stage) -> Result<Story> {
    plan_visits(stage, 3);
    stage.run_well(&["connect", "platform", "--print-url"])?;
    Ok(Story {
        name: "sign-in",
        scene: stage.keep("sign-in")?,
        verb: &["connect", "google", "--print-url"],
        then: &[SYNC],
        always: &[],
    })
}

/// The first sync of twelve appointments.
///
/// # Errors
/// If the scene cannot be set.
pub fn first_sync(stage: &Stage) -> Result<Story> {
    plan_visits(stage, APPOINTMENTS);
    stage.sign_in()?;
    Ok(Story {
        name: "first sync",
        scene: stage.keep("first")?,
        verb: SYNC,
        then: &[],
        always: &[],
    })
}

/// Everything at once, two hours later: both sign-ins have to be renewed, the writer lease has run out.
///
/// # Errors
/// If the scene cannot be set.
pub fn mixed(stage: &Stage) -> Result<Story> {
    mixed_where(stage, |platform, visit| {
        platform.reassign_appointment(visit, None).map_err(refused)
    })
}

/// The same with a cancellation in place of the reassignment. A full reading, which a wrong clock brings early, can only infer
/// that an appointment is no longer the trainer's, and what is inferred is held for a day; a cancellation is said outright.
///
/// # Errors
/// If the scene cannot be set.
pub fn mixed_said_outright(stage: &Stage) -> Result<Story> {
    mixed_where(stage, |platform, visit| {
        platform.cancel_appointment(visit).map_err(refused)
    })
}

fn mixed_where<T>(stage: &Stage, take_away: impl FnOnce(&Platform, &str) -> Result<T>) -> Result<Story> {
    let visits = plan_visits(stage, APPOINTMENTS);
    stage.sign_in()?;
    stage.run_well(SYNC)?;
    stage.set_time(beginning() + TimeDelta::minutes(30));
    let platform = &stage.sandbox().platform;
    // The admin: moves, renames, cancels, gives away, adds.
    admin_moves(stage, &visits[0], TimeDelta::hours(26))?;
    let renamed = AdminEdit {
        location: Some(place("Rosen-Apotheke")),
        notes: Some(Some("Neue Notiz.".to_owned())),
        ..AdminEdit::default()
    };
    platform.edit_appointment(&visits[1], renamed).map_err(refused)?;
    platform.cancel_appointment(&visits[2]).map_err(refused)?;
    take_away(platform, &visits[3])?;
    visit(stage, "Adler-Apotheke", beginning() + TimeDelta::days(14));
    // The trainer: drags two, renames one, deletes one.
    drag(stage, &visits[4], TimeDelta::hours(25))?;
    drag(stage, &visits[5], TimeDelta::minutes(45))?;
    edit(
        stage,
        &event_of(stage, &visits[6])?,
        &json!({"summary": "Meine Apotheke"}),
    )?;
    let google = &stage.sandbox().google;
    let doomed = event_of(stage, &visits[7])?;
    google
        .delete_event(GOOGLE, "primary", id_of(&doomed))
        .map_err(refused)?;
    // Both at once: a conflict of times, and fields that merge.
    admin_moves(stage, &visits[8], TimeDelta::hours(2))?;
    drag(stage, &visits[8], TimeDelta::hours(5))?;
    admin_moves(stage, &visits[9], TimeDelta::hours(1))?;
    edit(
        stage,
        &event_of(stage, &visits[9])?,
        &json!({"location": "Hintereingang"}),
    )?;
    stage.set_time(beginning() + TimeDelta::hours(3));
    Ok(Story {
        name: "mixed run",
        scene: stage.keep("mixed")?,
        verb: SYNC,
        then: &[],
        always: &[],
    })
}

/// Both services end their access tokens before their time, so that each sign-in is renewed in the middle of a run which also
/// carries a move from either side. The platform rotates refresh tokens, and takes two uses of an old one for theft.
///
/// # Errors
/// If the scene cannot be set.
pub fn renewal(stage: &Stage) -> Result<Story> {
    let visits = plan_visits(stage, 2);
    stage.sign_in()?;
    stage.run_well(SYNC)?;
    stage.set_time(beginning() + TimeDelta::minutes(20));
    admin_moves(stage, &visits[0], TimeDelta::hours(26))?;
    drag(stage, &visits[1], TimeDelta::hours(25))?;
    stage.expire_access_tokens();
    // The drag has settled, and by the laptop's clock both tokens are still good.
    stage.set_time(beginning() + TimeDelta::minutes(25));
    Ok(Story {
        name: "renewal",
        scene: stage.keep("renewal")?,
        verb: SYNC,
        then: &[],
        always: RENEWED,
    })
}

/// Disconnecting with deletion of all events ahead.
///
/// # Errors
/// If the scene cannot be set.
pub fn leaving(stage: &Stage) -> Result<Story> {
    plan_visits(stage, 4);
    stage.sign_in()?;
    stage.run_well(SYNC)?;
    stage.set_time(beginning() + TimeDelta::minutes(30));
    Ok(Story {
        name: "leaving",
        scene: stage.keep("leaving")?,
        verb: &["disconnect", "google", "--delete-events"],
        then: &[],
        always: &[],
    })
}

/// A setting of one scene.
pub type Setting = fn(&Stage) -> Result<Story>;

/// All stories, in order.
pub const ALL: [(&str, Setting); 6] = [
    ("start", first_start),
    ("sign-in", sign_in),
    ("first", first_sync),
    ("mixed", mixed),
    ("renewal", renewal),
    ("leaving", leaving),
];
