//! How a story is lived through: the steps on either side, then rest, then the judgement.

use crate::law::Law;
use crate::steps::{CalendarEdit, MassEdit, PlatformEdit, SettingEdit, Slot, Step, Story};
use crate::things::{at, touched};
use crate::world::{InCalendar, World, id};
use chrono::Duration;
use roundtrip_core::appointment::{AppointmentStatus, Place, RemovalReason};
use roundtrip_core::event::Event;
use roundtrip_core::filter;
use roundtrip_core::ids::{AppointmentId, EventId};
use roundtrip_core::pen::HOLD_HOURS;
use roundtrip_core::question;
use roundtrip_core::reconcile::{Standing, reconcile, rendered};
use roundtrip_core::record::{EventNote, Field, LinkState, Value};
use roundtrip_core::resolve;
use roundtrip_core::settings::{Direction, Filters};
use roundtrip_core::text::{normalise, observed};
use roundtrip_core::time::{EventTime, TimeSpan};
use std::rc::Rc;

/// So many rounds at most until nothing is left to do.
const ROUNDS_MAX: usize = 50;
/// A trainer who gets the same question again after the same answer gives up at last.
const ANSWERS_MAX: usize = 8;

/// Lives a story to its end and judges it.
pub fn live(story: &Story) -> World {
    lived(story, false)
}

/// Lives it once more and tells how it came.
pub fn tell(story: &Story) -> World {
    lived(story, true)
}

fn lived(story: &Story, tells: bool) -> World {
    let mut world = World::agreed(story);
    world.tells = tells;
    for step in &story.steps {
        // No two things happen in the same second.
        world.ctx.now += Duration::seconds(1);
        if world.tells {
            let said = format!("{} {step:?}", world.ctx.now);
            world.log.push(said);
        }
        take(&mut world, step);
    }
    let assigned = assigned(&world);
    let (mut rounds, mut quiet) = (0, 0);
    loop {
        world.ctx.now += Duration::seconds(30);
        let busy = world.cycle();
        let open = world.conflicts.len();
        let mut asked = false;
        if let Some(answer) = story.at_last.as_ref().filter(|_| rounds < ANSWERS_MAX) {
            world.answer(answer);
            asked = world.answer_guard(question::Answer::GoOn);
        }
        rounds += 1;
        // An event that came back while a newer one went, or that a repeated page shows once more after its end, is told
        // right by the next full listing.
        let rests = !busy && !asked && world.conflicts.len() == open;
        quiet = if rests { quiet + 1 } else { 0 };
        if quiet == 2 {
            if !world.holds() {
                break;
            }
            // What is held goes by itself in the end.
            world.ctx.now += Duration::hours(HOLD_HOURS);
            quiet = 0;
        }
        if rounds == ROUNDS_MAX {
            world.broken(Law::Converges, "still busy after 50 rounds");
            return world;
        }
    }
    judge(&mut world);
    let after = self::assigned(&world);
    // What was made of a marked event came on top.
    let kept = after.iter().filter(|id| assigned.contains(id)).count();
    if kept != assigned.len()
        || after
            .iter()
            .any(|id| !assigned.contains(id) && !world.was_made(id))
    {
        world.broken(
            Law::NeverCancels,
            "what is assigned is for the platform alone to say",
        );
    }
    // Less than a day: so long the guard remembers an answer, and what it holds may go on afterwards.
    for seconds in [40, 80_000] {
        world.ctx.now += Duration::seconds(seconds);
        let since = Duration::seconds(seconds);
        if world.wish_ended(since) || world.held_move_began(since) {
            // The time that passed is a reason to write, once.
            world.cycle();
        }
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
        Step::Platform(which, edit) => on_platform(world, &world.nth(*which), edit),
        Step::Calendar(which, edit) => in_calendar(world, &world.nth(*which), edit),
        Step::Mass(edit) => mass(world, *edit),
        Step::Setting(edit) => setting(world, edit),
        Step::Pass(seconds) => world.ctx.now += Duration::seconds(*seconds),
        Step::PassToTheDoubleHour => world.ctx.now = world.ctx.now.max(at("2026-10-25T00:30:00Z")),
        Step::Cycle => _ = world.cycle(),
        Step::Answer(answer) => world.answer(answer),
        Step::AnswerGuard(answer) => _ = world.answer_guard(*answer),
        Step::Undo(which) => world.undo(&world.nth(*which)),
        Step::TakeBack(which) => world.take_back(&world.nth(*which)),
        Step::PutBack(which) => {
            let id = world.nth(*which);
            if world.records.get_mut(&id).is_some_and(resolve::put_back) {
                world.gone_by_trainer.remove(&id);
            }
        }
        Step::Resume(which) => {
            let id = world.nth(*which);
            if let Some(record) = world.records.get_mut(&id) {
                let stopped = record.link == LinkState::Stopped;
                resolve::resume(record);
                // "Sync it again" is said of what was deleted meanwhile, too.
                if stopped && record.link != LinkState::Stopped {
                    world.gone_by_trainer.remove(&id);
                }
            }
        }
        Step::Mark(slot) => world.mark(*slot),
        Step::AnswerMarked(yes) => world.answer_marked(*yes),
        Step::Remake(which) => {
            let steps = [
                Step::Calendar(*which, CalendarEdit::Delete),
                Step::Cycle,
                Step::PutBack(*which),
                Step::Cycle,
            ];
            for step in steps {
                world.ctx.now += Duration::seconds(1);
                take(world, &step);
            }
        }
        Step::Held(which, remove) => world.answer_held(&world.nth(*which), *remove),
        Step::UndoNth(nth) => world.undo_nth(*nth),
        Step::OtherWriter => world.ctx.other_writer_at = Some(world.ctx.now),
        Step::LoseDatabase => world.lose_database(),
    }
}

fn mass(world: &mut World, edit: MassEdit) {
    for which in 0..world.agreed {
        let id = id(which);
        match edit {
            MassEdit::TypeOff => {
                _ = world
                    .ctx
                    .settings
                    .filters
                    .types_off
                    .insert("pharmacy_visit".into())
            }
            MassEdit::VanishAll => on_platform(world, &id, &PlatformEdit::Vanish),
            MassEdit::CancelAll => on_platform(world, &id, &PlatformEdit::Cancel),
            MassEdit::MoveAll => {
                let slot = Slot {
                    day: 2 + (which % 6) as i64,
                    hour: if which < 6 { 14 } else { 8 },
                    minutes: 60,
                };
                in_calendar(world, &id, &CalendarEdit::Move(slot));
            }
            MassEdit::DeleteAll => in_calendar(world, &id, &CalendarEdit::Delete),
        }
    }
}

fn on_platform(world: &mut World, id: &AppointmentId, edit: &PlatformEdit) {
    let now = world.ctx.now;
    let on = world.platform.get_mut(id).expect("an appointment");
    let gone = on.removal.is_some() || on.said.status == AppointmentStatus::Cancelled;
    let said = Rc::make_mut(&mut on.said);
    match edit {
        PlatformEdit::GiveBack if gone => {
            (on.removal, on.silent, said.status) = (None, false, AppointmentStatus::Scheduled);
            world.gone_by_trainer.remove(id);
        }
        PlatformEdit::GiveBack => return,
        _ if gone => return,
        PlatformEdit::Move(slot) => {
            let span = slot.span();
            let moved = span != said.span();
            (said.start, said.end) = (span.start, Some(span.end));
            if moved {
                // Moved back to where both agreed is no change, nor is it to where the trainer wants it (seed 1276548).
                let record = world.records.get(id);
                let wanted = record.and_then(|record| record.requested_time);
                let read = record.and_then(|record| Some(record.appointment.as_ref()?.span()));
                let unsettled = world.unsettled.entry(id.clone()).or_default();
                // Nor away, and back to the time that the trainer answered over, before anybody read of it (seed 18644346).
                let as_answered = read == Some(span) && unsettled.answered_over == Some(span);
                unsettled.admin = Some(span).filter(|span| {
                    !as_answered
                        && wanted != Some(*span)
                        && unsettled.settled != Some(EventTime::Timed(*span))
                });
            }
        }
        PlatformEdit::Name(n) => place(&mut said.place).name = Some(format!("Pharmacy {n}")),
        PlatformEdit::Address(n) => place(&mut said.place).address = Some(format!("Street {n}")),
        PlatformEdit::Notes(n) => said.notes = Some(format!("Notes {n}")),
        PlatformEdit::Tentative(yes) => {
            said.status = if *yes {
                AppointmentStatus::Tentative
            } else {
                AppointmentStatus::Scheduled
            };
        }
        PlatformEdit::Private(yes) => said.private = *yes,
        PlatformEdit::EditableTime(yes) => said.editable.time = *yes,
        PlatformEdit::EditableNotes(yes) => said.editable.notes = *yes,
        PlatformEdit::Cancel => said.status = AppointmentStatus::Cancelled,
        PlatformEdit::Unassign => on.removal = Some(RemovalReason::Unassigned),
        PlatformEdit::Delete => on.removal = Some(RemovalReason::Deleted),
        PlatformEdit::Vanish => (on.removal, on.silent) = (Some(RemovalReason::Unassigned), true),
    }
    said.version += 1;
    said.updated_at = now;
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
    let other = world.ctx.identity.platform_fingerprint();
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
        CalendarEdit::Copy | CalendarEdit::OfOtherPlatform => {
            let mut copy = Event {
                id: EventId::new(format!("copy{number}")),
                ..event
            };
            if let (CalendarEdit::OfOtherPlatform, Some(mark)) = (edit, &mut copy.mark) {
                mark.platform = other.chars().rev().collect();
            }
            let entry = InCalendar {
                ours: false,
                moved_by_trainer: true,
                ..InCalendar::new(copy)
            };
            world.foreign.insert(entry.event.id.clone(), entry.event.clone());
            world.calendar.insert(entry.event.id.clone(), entry);
            return;
        }
        CalendarEdit::Delete => {
            entry.buried_at = Some(now);
            world.deleted_by_trainer(id, &event_id);
            world.account.deleted(id);
            world.unsettled.entry(id.clone()).or_default().trainer = None;
            return;
        }
        CalendarEdit::Restore => {}
    }
    let moved = event.time != entry.event.time;
    let time = event.time;
    entry.moved_by_trainer |= moved;
    if moved {
        // Away and back again between two readings cannot be told from no move at all.
        let read = entry.read.filter(|(read, _)| *read == time);
        entry.moved_at = read.map_or(Some(now), |(_, since)| since);
    }
    entry.event = Rc::new(event);
    if moved {
        let unsettled = world.unsettled.entry(id.clone()).or_default();
        unsettled.trainer = Some(time).filter(|time| unsettled.settled != Some(*time));
    }
}

/// The service's bin gives back the last event of ours that is in it.
fn restore(world: &mut World, id: &AppointmentId) {
    let now = world.ctx.now;
    let of = |entry: &&mut InCalendar| entry.is_of(id);
    let buried = world
        .calendar
        .values_mut()
        .filter(|entry| entry.ours && entry.buried_at.is_some())
        .filter(of);
    if let Some(entry) = buried.max_by_key(|entry| entry.buried_at) {
        entry.buried_at = None;
        entry.event = Rc::new(touched(&entry.event, now));
        world.gone_by_trainer.remove(id);
    }
}

fn setting(world: &mut World, edit: &SettingEdit) {
    let settings = &mut world.ctx.settings;
    match edit {
        SettingEdit::Direction(direction) => settings.direction = *direction,
        SettingEdit::TimePolicy(policy) => settings.time_policy = *policy,
        SettingEdit::TextPolicy(policy) => settings.text_policy = *policy,
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
    for id in world.platform.keys().cloned().collect::<Vec<_>>() {
        // What the guard holds waits for an answer.
        if world.guarding.held.contains(&id) {
            continue;
        }
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
            let Some(event) = world.newest(id) else {
                return Some("in sync without an event".to_owned());
            };
            let rendered = rendered(&on.said, &world.ctx);
            let (wanted, shown) = (rendered.written(), observed(event));
            let own_wording = decision.record.note == Some(EventNote::OwnWording);
            // Any wording of the title counts as the same one: in another language, or with less of it.
            let any_wording = |field: Field| {
                let mut wordings = rendered.title_wordings.iter().map(|wording| normalise(wording));
                field == Field::Title
                    && wordings.any(|wording| shown.get(field) == Some(&Value::Text(wording)))
            };
            let differs = |field: &Field| wanted.get(*field) != shown.get(*field) && !any_wording(*field);
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

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
