//! What can happen in the two-sided world, and how it is drawn.
//!
//! Few values and few appointments on purpose: two sides that draw from a large world never touch the same thing.

use crate::chance::Chance;
use chrono::{Duration, NaiveDate};
use chrono_tz::Europe::Berlin;
use roundtrip_core::question;
use roundtrip_core::settings::{ConflictPolicy, Direction, Language, LeftOutPolicy};
use roundtrip_core::time::{TimeSpan, resolve_local};

/// A whole history, drawn at once.
#[derive(Clone, Debug)]
pub struct Story {
    /// So many appointments are agreed when it begins.
    pub appointments: usize,
    /// What happens, in this order.
    pub steps: Vec<Step>,
    /// How open questions are answered once nothing else happens; `None`: they stay open.
    pub at_last: Option<Answer>,
    /// Which answers of the services are lost, over and over; never all of them.
    pub lost: Vec<bool>,
    /// Orders the facts of each cycle.
    pub seed: u64,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// The admin changes an appointment.
    Platform(usize, PlatformEdit),
    /// The trainer changes an event.
    Calendar(usize, CalendarEdit),
    /// The trainer changes a setting.
    Setting(SettingEdit),
    /// Something happens to all appointments or events at once.
    Mass(MassEdit),
    /// Seconds pass.
    Pass(i64),
    /// Until the hour that happens twice, in the night of 25 October.
    PassToTheDoubleHour,
    /// Both sides are read, and what is decided is carried out.
    Cycle,
    /// All open conflicts are answered so.
    Answer(Answer),
    /// The guard's open questions are answered so.
    AnswerGuard(question::Answer),
    /// The last answer about an appointment is undone.
    Undo(usize),
    /// The last reported move of an appointment is taken back.
    TakeBack(usize),
    /// "Put back" what was removed.
    PutBack(usize),
    /// "Sync it again".
    Resume(usize),
    /// The trainer marks a new event of their own, and says yes or no to the question about it.
    Mark(Slot),
    /// The open questions about marked events are answered: yes or no.
    AnswerMarked(bool),
    /// An event is deleted, that is noticed, it is put back, and that is done: it is of the next generation now.
    Remake(usize),
    /// "Remove now", or "keep", for what is held.
    Held(usize, bool),
    /// The nth last thing that was done is taken back.
    UndoNth(usize),
    /// Another laptop was seen to write.
    OtherWriter,
    /// The database is gone; the trainer connects again.
    LoseDatabase,
}

/// What an admin does.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // each says itself
pub enum PlatformEdit {
    Move(Slot),
    Name(usize),
    Address(usize),
    Notes(usize),
    Tentative(bool),
    Private(bool),
    EditableTime(bool),
    EditableNotes(bool),
    Cancel,
    Unassign,
    Delete,
    /// As unassigned, but the feed forgets to say so.
    Vanish,
    GiveBack,
}

/// What a trainer does in the calendar.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // each says itself
pub enum CalendarEdit {
    Move(Slot),
    Longer,
    OtherZone,
    AllDay,
    Series(bool),
    Title(usize),
    Location(usize),
    OwnTextBefore,
    OwnTextAfter,
    EditNotes(usize),
    DropBlock,
    DamageBlock,
    Free(bool),
    Declined(bool),
    Copy,
    /// An event with the mark of another platform.
    OfOtherPlatform,
    Delete,
    Restore,
}

/// What a trainer sets.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // each says itself
pub enum SettingEdit {
    Direction(Direction),
    TimePolicy(ConflictPolicy),
    TextPolicy(ConflictPolicy),
    LeftOut(LeftOutPolicy),
    Exclude(usize),
    WeekdayOff(u8),
    LetAllIn,
    Language(Language),
    Notes(bool),
    ClientNames(bool),
    Color(bool),
}

/// What happens to many at once.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // each says itself
pub enum MassEdit {
    TypeOff,
    CancelAll,
    VanishAll,
    MoveAll,
    DeleteAll,
}

/// How questions are answered.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // each says itself
pub enum Answer {
    KeepPlatform,
    KeepCalendar,
    MostRecent,
    AnotherTime(Slot),
    StopSyncing,
}

/// A time on a small grid around the night in which the clocks go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Days after 22 October 2026.
    pub day: i64,
    /// The hour in Berlin; it begins at half past.
    pub hour: u32,
    /// How long it lasts.
    pub minutes: i64,
}

impl Slot {
    /// The instants.
    ///
    /// # Panics
    /// Never for what [`draw`] draws.
    pub fn span(self) -> TimeSpan {
        let day = NaiveDate::from_ymd_opt(2026, 10, 22).expect("a day") + Duration::days(self.day);
        let start = resolve_local(day.and_hms_opt(self.hour, 30, 0).expect("an hour"), Berlin);
        TimeSpan {
            start,
            end: start + Duration::minutes(self.minutes),
            zone: Berlin,
        }
    }
}

/// What kind of story a seed tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mix {
    Edits,
    Settings,
    Losses,
    Everything,
    Masses,
}

/// The story of a seed.
pub fn draw(seed: u64) -> Story {
    let chance = &mut Chance::new(seed);
    let mix = chance.weighted(&[
        (30, Mix::Edits),
        (22, Mix::Settings),
        (20, Mix::Losses),
        (25, Mix::Everything),
        (3, Mix::Masses),
    ]);
    let appointments = match mix {
        Mix::Masses => chance.one_of(&[6, 8, 12]),
        Mix::Edits | Mix::Settings | Mix::Losses | Mix::Everything => {
            chance.weighted(&[(6, 1), (3, 2), (1, 3)])
        }
    };
    let longest = if chance.once_in(8) { 20 } else { 9 };
    let length = 1 + chance.below(longest);
    let steps = (0..length).map(|_| step(chance, mix, appointments)).collect();
    let losing = matches!(mix, Mix::Losses | Mix::Everything);
    let mut lost: Vec<bool> = (0..chance.below(3))
        .map(|_| losing && chance.once_in(2))
        .collect();
    // One answer in so many arrives at least.
    lost.push(false);
    let at_last = chance.once_in(2).then(|| answer(chance));
    Story {
        appointments,
        steps,
        at_last,
        lost,
        seed: chance.next(),
    }
}

fn step(chance: &mut Chance, mix: Mix, appointments: usize) -> Step {
    let which = chance.below(appointments + 1);
    if mix == Mix::Masses && chance.once_in(3) {
        let guard = [question::Answer::GoOn, question::Answer::Leave];
        return match chance.below(3) {
            0 => Step::AnswerGuard(chance.one_of(&guard)),
            _ => Step::Mass(chance.one_of(&[
                MassEdit::TypeOff,
                MassEdit::CancelAll,
                MassEdit::VanishAll,
                MassEdit::MoveAll,
                MassEdit::MoveAll,
                MassEdit::DeleteAll,
            ])),
        };
    }
    let settings = usize::from(matches!(mix, Mix::Settings | Mix::Everything)) * 10;
    let losses = usize::from(mix == Mix::Losses) * 3 + usize::from(mix == Mix::Everything);
    match chance.weighted(&[
        (14, 0),
        (18, 1),
        (settings, 2),
        (9, 3),
        (1, 4),
        (17, 5),
        (6, 6),
        (2, 7),
        (1, 8),
        (losses, 9),
        (2, 10),
        (1, 11),
        (1, 12),
        (2, 13),
        (1, 14),
        (1, 15),
        (2, 16),
        (3, 17),
    ]) {
        0 => Step::Platform(which, platform_edit(chance)),
        1 => Step::Calendar(which, calendar_edit(chance)),
        2 => Step::Setting(setting_edit(chance)),
        3 => Step::Pass(chance.weighted(&[
            (3, 5),
            (3, 25),
            (2, 70),
            (2, 700),
            (1, 10_800),
            (1, 86_400),
            (1, 400_000),
        ])),
        4 => Step::PassToTheDoubleHour,
        5 => Step::Cycle,
        6 => Step::Answer(answer(chance)),
        7 => Step::PutBack(which),
        8 => Step::Resume(which),
        9 => Step::LoseDatabase,
        10 => Step::Undo(which),
        11 => Step::TakeBack(which),
        12 => Step::Mark(slot(chance)),
        13 => Step::AnswerMarked(!chance.once_in(4)),
        14 => Step::OtherWriter,
        15 => Step::Remake(which),
        16 => Step::Held(which, chance.once_in(2)),
        _ => Step::UndoNth(chance.below(4)),
    }
}

fn slot(chance: &mut Chance) -> Slot {
    Slot {
        day: match chance.below(10) {
            0 => -3,
            1 => 40,
            day => day as i64 - 2,
        },
        // The platform of this world refuses everything at half past two in the night.
        hour: chance.weighted(&[(1, 2), (3, 8), (3, 14)]),
        minutes: chance.one_of(&[60, 90]),
    }
}

fn platform_edit(chance: &mut Chance) -> PlatformEdit {
    use PlatformEdit::*;
    let (slot, n, yes) = (slot(chance), chance.below(3), chance.once_in(2));
    chance.weighted(&[
        (6, Move(slot)),
        (2, Name(n)),
        (2, Address(n)),
        (2, Notes(n)),
        (1, Tentative(yes)),
        (1, Private(yes)),
        (1, EditableTime(yes)),
        (1, EditableNotes(yes)),
        (1, Cancel),
        (1, Unassign),
        (1, Delete),
        (2, Vanish),
        (4, GiveBack),
    ])
}

fn calendar_edit(chance: &mut Chance) -> CalendarEdit {
    use CalendarEdit::*;
    let (slot, n, yes) = (slot(chance), chance.below(3), chance.once_in(2));
    chance.weighted(&[
        (8, Move(slot)),
        (1, Longer),
        (1, OtherZone),
        (1, AllDay),
        (2, Series(yes)),
        (2, Title(n)),
        (2, Location(n)),
        (1, OwnTextBefore),
        (1, OwnTextAfter),
        (2, EditNotes(n)),
        (1, DropBlock),
        (1, DamageBlock),
        (1, Free(yes)),
        (1, Declined(yes)),
        (1, Copy),
        (1, OfOtherPlatform),
        (2, Delete),
        (2, Restore),
    ])
}

fn setting_edit(chance: &mut Chance) -> SettingEdit {
    let policy = chance.weighted(&[
        (2, ConflictPolicy::Ask),
        (1, ConflictPolicy::KeepPlatform),
        (1, ConflictPolicy::KeepCalendar),
        (1, ConflictPolicy::MostRecent),
    ]);
    let yes = chance.once_in(2);
    let direction = chance.one_of(&[Direction::Both, Direction::Push, Direction::Pull]);
    let left_out = chance.one_of(&[LeftOutPolicy::Keep, LeftOutPolicy::Remove]);
    let language = chance.one_of(&[Language::De, Language::En]);
    let (which, day) = (chance.below(3), chance.below(7));
    chance.weighted(&[
        (4, SettingEdit::Direction(direction)),
        (2, SettingEdit::TimePolicy(policy)),
        (1, SettingEdit::TextPolicy(policy)),
        (1, SettingEdit::LeftOut(left_out)),
        (2, SettingEdit::Exclude(which)),
        (1, SettingEdit::WeekdayOff(u8::try_from(day).unwrap_or(0))),
        (3, SettingEdit::LetAllIn),
        (1, SettingEdit::Language(language)),
        (1, SettingEdit::Notes(yes)),
        (1, SettingEdit::ClientNames(yes)),
        (1, SettingEdit::Color(yes)),
    ])
}

fn answer(chance: &mut Chance) -> Answer {
    let slot = slot(chance);
    chance.weighted(&[
        (3, Answer::KeepPlatform),
        (3, Answer::KeepCalendar),
        (1, Answer::MostRecent),
        (2, Answer::AnotherTime(slot)),
        (1, Answer::StopSyncing),
    ])
}
