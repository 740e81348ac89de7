//! What can happen in the two-sided world, and how it is drawn.
//!
//! Few values and few appointments on purpose: two sides that draw from a large world never touch the same thing.

use crate::settings::{ConflictPolicy, Direction, Language, LeftOutPolicy};
use crate::time::{TimeSpan, resolve_local};
use chrono::{Duration, NaiveDate};
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

/// A whole history, drawn at once.
#[derive(Clone, Debug)]
pub struct Story {
    /// What happens, in this order.
    pub steps: Vec<Step>,
    /// How open questions are answered once nothing else happens; `None`: they stay open.
    pub at_last: Option<Answer>,
    /// Which answers of the services are lost, over and over; never all of them.
    pub lost: Vec<bool>,
    /// Orders the facts of each cycle.
    pub seed: u64,
}

#[derive(Clone, Debug)]
pub enum Step {
    Platform(usize, PlatformEdit),
    Calendar(usize, CalendarEdit),
    Setting(SettingEdit),
    /// Seconds pass.
    Pass(i64),
    /// Until the hour that happens twice, in the night of 25 October.
    PassToTheDoubleHour,
    Cycle,
    Answer(Answer),
    PutBack(usize),
    Resume(usize),
    /// The database is gone; the trainer connects again.
    LoseDatabase,
    /// "Remove now", or "keep", for what is held.
    Held(usize, bool),
    /// The nth last thing that was done is taken back.
    Undo(usize),
}

#[derive(Clone, Debug)]
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

#[derive(Clone, Debug)]
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
    Delete,
    Restore,
}

#[derive(Clone, Debug)]
pub enum SettingEdit {
    Direction(Direction),
    Policy(ConflictPolicy),
    LeftOut(LeftOutPolicy),
    Exclude(usize),
    WeekdayOff(u8),
    LetAllIn,
    Language(Language),
    Notes(bool),
    ClientNames(bool),
    Color(bool),
}

#[derive(Clone, Debug)]
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
    pub hour: u32,
    pub minutes: i64,
}

impl Slot {
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

fn slot() -> impl Strategy<Value = Slot> {
    let day = prop_oneof![8 => 0..8i64, 1 => Just(-3), 1 => Just(40)];
    // The platform of this world refuses everything at half past two in the night.
    let hour = prop_oneof![1 => Just(2u32), 3 => Just(8), 3 => Just(14)];
    (day, hour, prop_oneof![Just(60i64), Just(90)]).prop_map(|(day, hour, minutes)| Slot {
        day,
        hour,
        minutes,
    })
}

fn platform_edit() -> impl Strategy<Value = PlatformEdit> {
    use PlatformEdit::*;
    prop_oneof![
        6 => slot().prop_map(Move),
        2 => (0..3usize).prop_map(Name),
        2 => (0..3usize).prop_map(Address),
        2 => (0..3usize).prop_map(Notes),
        1 => any::<bool>().prop_map(Tentative),
        1 => any::<bool>().prop_map(Private),
        1 => any::<bool>().prop_map(EditableTime),
        1 => any::<bool>().prop_map(EditableNotes),
        1 => Just(Cancel),
        1 => Just(Unassign),
        1 => Just(Delete),
        2 => Just(Vanish),
        4 => Just(GiveBack),
    ]
}

fn calendar_edit() -> impl Strategy<Value = CalendarEdit> {
    use CalendarEdit::*;
    prop_oneof![
        8 => slot().prop_map(Move),
        1 => Just(Longer),
        1 => Just(OtherZone),
        1 => Just(AllDay),
        2 => any::<bool>().prop_map(Series),
        2 => (0..3usize).prop_map(Title),
        2 => (0..3usize).prop_map(Location),
        1 => Just(OwnTextBefore),
        1 => Just(OwnTextAfter),
        2 => (0..3usize).prop_map(EditNotes),
        1 => Just(DropBlock),
        1 => Just(DamageBlock),
        1 => any::<bool>().prop_map(Free),
        1 => any::<bool>().prop_map(Declined),
        1 => Just(Copy),
        2 => Just(Delete),
        2 => Just(Restore),
    ]
}

fn setting_edit() -> impl Strategy<Value = SettingEdit> {
    let direction = prop_oneof![
        Just(Direction::Both),
        Just(Direction::Push),
        Just(Direction::Pull)
    ];
    let policy = prop_oneof![
        2 => Just(ConflictPolicy::Ask),
        1 => Just(ConflictPolicy::KeepPlatform),
        1 => Just(ConflictPolicy::KeepCalendar),
        1 => Just(ConflictPolicy::MostRecent),
    ];
    let left_out = prop_oneof![Just(LeftOutPolicy::Keep), Just(LeftOutPolicy::Remove)];
    let language = prop_oneof![Just(Language::De), Just(Language::En)];
    prop_oneof![
        4 => direction.prop_map(SettingEdit::Direction),
        2 => policy.prop_map(SettingEdit::Policy),
        1 => left_out.prop_map(SettingEdit::LeftOut),
        2 => (0..3usize).prop_map(SettingEdit::Exclude),
        1 => (0..7u8).prop_map(SettingEdit::WeekdayOff),
        3 => Just(SettingEdit::LetAllIn),
        1 => language.prop_map(SettingEdit::Language),
        1 => any::<bool>().prop_map(SettingEdit::Notes),
        1 => any::<bool>().prop_map(SettingEdit::ClientNames),
        1 => any::<bool>().prop_map(SettingEdit::Color),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        3 => Just(Answer::KeepPlatform),
        3 => Just(Answer::KeepCalendar),
        1 => Just(Answer::MostRecent),
        2 => slot().prop_map(Answer::AnotherTime),
        1 => Just(Answer::StopSyncing),
    ]
}

/// How often what is drawn, beside the edits on both sides.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    pub settings: u32,
    pub answers: u32,
    pub lost_databases: u32,
    pub lost_answers: bool,
}

fn step(mix: Mix) -> impl Strategy<Value = Step> {
    let which = || 0..3usize;
    let seconds = prop_oneof![
        3 => Just(5i64),
        3 => Just(25),
        2 => Just(70),
        2 => Just(700),
        1 => Just(10_800),
        1 => Just(86_400),
        1 => Just(400_000),
    ];
    let options: Vec<(u32, BoxedStrategy<Step>)> = vec![
        (
            14,
            (which(), platform_edit())
                .prop_map(|(which, edit)| Step::Platform(which, edit))
                .boxed(),
        ),
        (
            16,
            (which(), calendar_edit())
                .prop_map(|(which, edit)| Step::Calendar(which, edit))
                .boxed(),
        ),
        (mix.settings, setting_edit().prop_map(Step::Setting).boxed()),
        (8, seconds.prop_map(Step::Pass).boxed()),
        (1, Just(Step::PassToTheDoubleHour).boxed()),
        (18, Just(Step::Cycle).boxed()),
        (mix.answers, answer().prop_map(Step::Answer).boxed()),
        (2, which().prop_map(Step::PutBack).boxed()),
        (1, which().prop_map(Step::Resume).boxed()),
        (mix.lost_databases, Just(Step::LoseDatabase).boxed()),
        (
            2,
            (which(), any::<bool>())
                .prop_map(|(which, remove)| Step::Held(which, remove))
                .boxed(),
        ),
        (3, (0..4usize).prop_map(Step::Undo).boxed()),
    ];
    prop::strategy::Union::new_weighted(options.into_iter().filter(|(weight, _)| *weight > 0).collect())
}

/// A history of up to 24 steps.
pub fn story(mix: Mix) -> impl Strategy<Value = Story> {
    // One answer in so many arrives at least.
    let lost = prop::collection::vec(any::<bool>(), 0..3).prop_map(move |lost| {
        lost.into_iter()
            .filter(|_| mix.lost_answers)
            .chain([false])
            .collect::<Vec<bool>>()
    });
    (
        prop::collection::vec(step(mix), 1..24),
        prop::option::of(answer()),
        lost,
        any::<u64>(),
    )
        .prop_map(|(steps, at_last, lost, seed)| Story {
            steps,
            at_last,
            lost,
            seed,
        })
}
