//! How a story is lived through: the steps on either side, then rest, then the judgement.

use super::steps::{CalendarEdit, PlatformEdit, SettingEdit, Step, Story};
use super::world::{InCalendar, Law, OLD, World, id};
use crate::appointment::{AppointmentStatus, Place, RemovalReason};
use crate::event::Event;
use crate::filter;
use crate::ids::{AppointmentId, EventId};
use crate::reconcile::{Standing, reconcile, rendered};
use crate::record::{EventNote, Field};
use crate::resolve;
use crate::settings::{Direction, Filters};
use crate::testing::{at, touched};
use crate::text::observed;
use crate::time::{EventTime, TimeSpan};
use chrono::Duration;

/// So many rounds at most until nothing is left to do.
const ROUNDS_MAX: usize = 50;
/// A trainer who gets the same question again after the same answer gives up at last.
const ANSWERS_MAX: usize = 8;

/// Lives a story to its end and judges it.
pub fn live(story: &Story) -> World {
    let mut world = World::agreed(story);
    for step in &story.steps {
        // No two things happen in the same second.
        world.ctx.now += Duration::seconds(1);
        let said = format!("{} {step:?}", world.ctx.now);
        world.log.push(said);
        take(&mut world, step);
    }
    let assigned = assigned(&world);
    let mut rounds = 0;
    loop {
        world.ctx.now += Duration::seconds(30);
        let busy = world.cycle();
        let open = world.conflicts.len();
        if let Some(answer) = story.at_last.as_ref().filter(|_| rounds < ANSWERS_MAX) {
            world.answer(answer);
        }
        rounds += 1;
        if !busy && world.conflicts.len() == open {
            if !world.holds() {
                break;
            }
            // What is held goes by itself in the end.
            world.ctx.now += Duration::hours(crate::pen::HOLD_HOURS);
        }
        if rounds == ROUNDS_MAX {
            world.broken(Law::Converges, "still busy after 50 rounds");
            return world;
        }
    }
    judge(&mut world);
    if assigned != self::assigned(&world) {
        world.broken(
            Law::NeverCancels,
            "what is assigned is for the platform alone to say",
        );
    }
    for seconds in [40, 3_600, 86_400] {
        world.ctx.now += Duration::seconds(seconds);
        let before = world.log.len();
        if world.cycle() {
            let what = world.log[before..].join("\n");
            world.broken(Law::Quiescent, format!("after another {seconds} s:\n{what}"));
        }
    }
    world
}

fn assigned(world: &World) -> Vec<AppointmentId> {
    let on = world.platform.iter().filter(|(_, on)| on.removal.is_none());
    on.filter(|(_, on)| on.said.status != AppointmentStatus::Cancelled)
        .map(|(id, _)| id.clone())
        .collect()
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Platform(which, edit) => on_platform(world, &id(*which), edit),
        Step::Calendar(which, edit) => in_calendar(world, &id(*which), edit),
        Step::Setting(edit) => setting(world, edit),
        Step::Pass(seconds) => world.ctx.now += Duration::seconds(*seconds),
        Step::PassToTheDoubleHour => world.ctx.now = world.ctx.now.max(at("2026-10-25T00:30:00Z")),
        Step::Cycle => _ = world.cycle(),
        Step::Answer(answer) => world.answer(answer),
        Step::PutBack(which) => _ = world.records.get_mut(&id(*which)).map(resolve::put_back),
        Step::Resume(which) => _ = world.records.get_mut(&id(*which)).map(resolve::resume),
        Step::LoseDatabase => world.lose_database(),
        Step::Held(which, remove) => world.answer_held(&id(*which), *remove),
        Step::Undo(nth) => world.undo(*nth),
    }
}

fn on_platform(world: &mut World, id: &AppointmentId, edit: &PlatformEdit) {
    let now = world.ctx.now;
    let on = world.platform.get_mut(id).expect("an appointment");
    let gone = on.removal.is_some() || on.said.status == AppointmentStatus::Cancelled;
    match edit {
        PlatformEdit::GiveBack if gone => {
            (on.removal, on.said.status, on.silent) = (None, AppointmentStatus::Scheduled, false);
        }
        PlatformEdit::GiveBack => return,
        _ if gone => return,
        PlatformEdit::Move(slot) => {
            let span = slot.span();
            let moved = span != on.said.span();
            (on.said.start, on.said.end) = (span.start, Some(span.end));
            if moved {
                // Moved back to where both agreed is no change.
                let unsettled = world.unsettled.entry(id.clone()).or_default();
                unsettled.admin =
                    Some(span).filter(|span| unsettled.settled != Some(EventTime::Timed(*span)));
            }
        }
        PlatformEdit::Name(n) => place(&mut on.said.place).name = Some(format!("Pharmacy {n}")),
        PlatformEdit::Address(n) => place(&mut on.said.place).address = Some(format!("Street {n}")),
        PlatformEdit::Notes(n) => on.said.notes = Some(format!("Notes {n}")),
        PlatformEdit::Tentative(yes) => {
            on.said.status = if *yes {
                AppointmentStatus::Tentative
            } else {
                AppointmentStatus::Scheduled
            };
        }
        PlatformEdit::Private(yes) => on.said.private = *yes,
        PlatformEdit::EditableTime(yes) => on.said.editable.time = *yes,
        PlatformEdit::EditableNotes(yes) => on.said.editable.notes = *yes,
        PlatformEdit::Cancel => on.said.status = AppointmentStatus::Cancelled,
        PlatformEdit::Unassign => on.removal = Some(RemovalReason::Unassigned),
        PlatformEdit::Delete => on.removal = Some(RemovalReason::Deleted),
        PlatformEdit::Vanish => (on.removal, on.silent) = (Some(RemovalReason::Unassigned), true),
    }
    on.said.version += 1;
    on.said.updated_at = now;
}

fn place(place: &mut Option<Place>) -> &mut Place {
    place.get_or_insert(Place {
        name: None,
        address: None,
    })
}

fn in_calendar(world: &mut World, id: &AppointmentId, edit: &CalendarEdit) {
    let now = world.ctx.now;
    world.counter += 1;
    let number = world.counter;
    if let CalendarEdit::Restore = edit {
        return restore(world, id);
    }
    let Some(event_id) = world.live(id).into_iter().next() else {
        return;
    };
    let entry = world.calendar.get_mut(&event_id).expect("a live event");
    let mut event = touched(&entry.event, now);
    match edit {
        CalendarEdit::Move(slot) => event.time = EventTime::Timed(slot.span()),
        CalendarEdit::Longer => {
            if let Some(time) = event.time.timed() {
                event.time = EventTime::Timed(TimeSpan {
                    end: time.end + Duration::minutes(15),
                    ..time
                });
            }
        }
        CalendarEdit::OtherZone => {
            if let Some(time) = event.time.timed() {
                event.time = EventTime::Timed(time.in_zone(chrono_tz::America::New_York));
            }
        }
        CalendarEdit::AllDay => {
            let start = event.time.timed().map_or(now, |time| time.start).date_naive();
            event.time = EventTime::AllDay {
                start,
                end: start + Duration::days(1),
            };
        }
        CalendarEdit::Series(yes) => event.recurring = *yes,
        CalendarEdit::Title(n) => event.title = format!("Pharmacy {n}"),
        CalendarEdit::Location(n) => event.location = format!("Street {n}"),
        CalendarEdit::OwnTextBefore => {
            event.description = format!("own {number};\n{}", event.description);
            entry.own_text.push(format!("own {number};"));
        }
        CalendarEdit::OwnTextAfter => {
            event.description.push_str(&format!("\nown {number};"));
            entry.own_text.push(format!("own {number};"));
        }
        CalendarEdit::EditNotes(n) => {
            for old in ["Bring the handouts.", "Notes 0", "Notes 1", "Notes 2"] {
                event.description = event.description.replace(old, &format!("Notes {n}"));
            }
        }
        CalendarEdit::DropBlock => event.description = entry.own_text.join("\n"),
        CalendarEdit::DamageBlock => {
            event.description = event.description.replacen("┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈", "┈┈", 1)
        }
        CalendarEdit::Free(yes) => event.free = *yes,
        CalendarEdit::Declined(yes) => event.declined = *yes,
        CalendarEdit::Copy => {
            let copy = Event {
                id: EventId::new(format!("copy{number}")),
                ..event
            };
            world.foreign.insert(copy.id.clone(), copy.clone());
            let entry = InCalendar {
                event: copy,
                buried_at: None,
                ours: false,
                moved_by_trainer: true,
                own_text: Vec::new(),
            };
            world.calendar.insert(entry.event.id.clone(), entry);
            return;
        }
        CalendarEdit::Delete => {
            entry.buried_at = Some(now);
            world.unsettled.entry(id.clone()).or_default().trainer = None;
            return;
        }
        CalendarEdit::Restore => {}
    }
    let moved = event.time != entry.event.time;
    let time = event.time;
    entry.moved_by_trainer |= moved;
    entry.event = event;
    if moved {
        let unsettled = world.unsettled.entry(id.clone()).or_default();
        unsettled.trainer = Some(time).filter(|time| unsettled.settled != Some(*time));
    }
}

/// The service's bin gives back the last event of ours that is in it.
fn restore(world: &mut World, id: &AppointmentId) {
    let now = world.ctx.now;
    let of = |entry: &&mut InCalendar| {
        entry
            .event
            .mark
            .as_ref()
            .is_some_and(|mark| mark.appointment == *id)
    };
    let buried = world
        .calendar
        .values_mut()
        .filter(|entry| entry.ours && entry.buried_at.is_some())
        .filter(of);
    if let Some(entry) = buried.max_by_key(|entry| entry.buried_at) {
        entry.buried_at = None;
        entry.event = touched(&entry.event, now);
    }
}

fn setting(world: &mut World, edit: &SettingEdit) {
    let settings = &mut world.ctx.settings;
    match edit {
        SettingEdit::Direction(direction) => settings.direction = *direction,
        SettingEdit::Policy(policy) => {
            (settings.time_policy, settings.text_policy) = (*policy, *policy);
        }
        SettingEdit::LeftOut(policy) => settings.filters.left_out = *policy,
        SettingEdit::Exclude(which) => _ = settings.filters.excluded.insert(id(*which)),
        SettingEdit::WeekdayOff(day) => _ = settings.filters.weekdays_off.insert(*day),
        SettingEdit::LetAllIn => {
            settings.filters = Filters {
                include_private: true,
                left_out: settings.filters.left_out,
                ..Filters::default()
            };
        }
        SettingEdit::Language(language) => settings.language = *language,
        SettingEdit::Notes(yes) => settings.text.notes = *yes,
        SettingEdit::ClientNames(yes) => settings.text.client_names = *yes,
        SettingEdit::Color(yes) => settings.text.color = yes.then(|| "7".to_owned()),
    }
}

/// What must be true once nothing is left to do.
fn judge(world: &mut World) {
    for id in [id(0), id(1), id(2), id(OLD)] {
        if let Some(what) = where_it_stands(world, &id) {
            world.broken(Law::Converges, format!("{id}: {what}"));
        }
        if let Some(what) = how_many(world, &id) {
            world.broken(Law::ExactlyOne, format!("{id}: {what}"));
        }
        let owed = world.unsettled.get(&id).and_then(|unsettled| unsettled.trainer);
        if let Some(owed) = owed.filter(|_| !world.conflicts.contains_key(&id) && !world.live(&id).is_empty())
        {
            world.broken(Law::NoMoveLost, format!("{id}: nobody heard of {owed:?}"));
        }
    }
    for (id, as_made) in world.foreign.clone() {
        if world
            .calendar
            .get(&id)
            .is_none_or(|entry| entry.buried_at.is_some() || entry.event != as_made)
        {
            world.broken(Law::ForeignUntouched, format!("{id} is not as it was"));
        }
    }
}

/// What is said of an appointment is true: in sync means that both sides say the same.
fn where_it_stands(world: &World, id: &AppointmentId) -> Option<String> {
    let on = &world.platform[id];
    let Some(record) = world.records.get(id) else {
        let forgotten = assigned(world).contains(id);
        return forgotten.then(|| "assigned, and nothing is known of it".to_owned());
    };
    let decision = reconcile(record, &world.ctx);
    match decision.standing {
        Standing::InSync => {
            let Some(event) = world.live(id).first().map(|event| &world.calendar[event].event) else {
                return Some("in sync without an event".to_owned());
            };
            let (wanted, shown) = (rendered(&on.said, &world.ctx).written(), observed(event));
            let own_wording = decision.record.note == Some(EventNote::OwnWording);
            let differs = |field: &Field| wanted.get(*field) != shown.get(*field);
            let wrong = Field::ALL
                .into_iter()
                .filter(differs)
                .find(|field| *field == Field::Time || !own_wording);
            wrong.map(|field| {
                format!(
                    "in sync, but {field:?} is {:?}, not {:?}",
                    shown.get(field),
                    wanted.get(field)
                )
            })
        }
        Standing::Conflict => {
            (!world.conflicts.contains_key(id)).then(|| "a conflict that nobody sees".to_owned())
        }
        standing @ (Standing::ToWrite
        | Standing::Settling
        | Standing::CoolDown
        | Standing::Missing
        | Standing::Held
        | Standing::Unknown
        | Standing::Gone) => Some(format!("came to rest as {standing:?}")),
        Standing::LeftOut(_)
        | Standing::Kept
        | Standing::Removed { .. }
        | Standing::Ended
        | Standing::Stopped
        | Standing::DirectionPull => None,
    }
}

/// P1.
fn how_many(world: &World, id: &AppointmentId) -> Option<String> {
    let (live, ctx) = (world.live(id).len(), &world.ctx);
    let said = &world.platform[id].said;
    let record = world.records.get(id)?;
    let standing = reconcile(record, ctx).standing;
    let exempt = match standing {
        Standing::Removed { .. } => return (live != 0).then(|| format!("removed, but {live} live")),
        Standing::Stopped | Standing::Conflict => true,
        _ => false,
    };
    let wanted = assigned(world).contains(id)
        && filter::left_out(said, &ctx.settings.filters, ctx.connected_at).is_none()
        && said.span().end > ctx.now
        && ctx.settings.direction != Direction::Pull
        && !exempt;
    (wanted && live != 1).then(|| format!("{live} live events, standing {standing:?}"))
}
