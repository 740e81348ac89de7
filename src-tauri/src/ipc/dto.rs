//! What crosses between the app and the window. The TypeScript twin (`ui/src/lib/bindings.ts`) is generated from here.
//!
//! No token ever appears in these types. Texts of problems come as stable codes; the window has the sentences, in each
//! language, once.

mod appointments;
mod connection;
mod decisions;
mod diagnostics;
mod figures;
mod history;
mod privacy;
mod settings;

pub use appointments::{AppointmentDetails, GlanceDay};
pub use connection::ConnectionView;
pub use decisions::{
    AnsweredConflict, ConflictAnswer, HeldView, Outcome, QuestionGroup, QuestionItem, QuestionView, RuleCase,
    RuleOffer, UndoView,
};
pub use diagnostics::{AuditRow, DateWindow, DayHours, OwnRuleView, RuleCheck};
pub use figures::{DayView, ErrorCount, FiguresView, LatencyView, SideView};
pub use history::{PastCalendar, PastEvent, RestoreConfirmed, RestoreItem, RestorePreview, SavedFile};
pub use privacy::{DeletePlan, DeleteReport, MirrorRow, Sight};
pub use settings::{LeftOutCount, Preview, PreviewItem, SettingsPatch, SettingsView, Toggle};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

/// A command that did not work: what, why if known, and whether trying again can help.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct AppError {
    /// Stable code; the window has the sentence.
    pub code: String,
    /// The platform's own words, if it sent some for the trainer.
    pub detail: Option<String>,
    /// Which input was wrong, if one was.
    pub field: Option<String>,
    /// True if the same command may work later.
    pub retryable: bool,
}

/// Exactly one at a time, by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum OverallState {
    /// First seconds after launch.
    Starting,
    /// No account yet, or signed out.
    NotConnected,
    /// A conflict, a question, a lost sign-in, a problem that lasts.
    NeedsAttention,
    /// No network.
    Offline,
    /// By the trainer, or turned off by the platform.
    Paused,
    /// A run is going on.
    Syncing,
    /// Everything right, as of `as_of`.
    UpToDate,
}

/// The one thing that is wrong, with its next step. One cause, one message, everywhere the same.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Problem {
    /// Stable code: `google_reauth`, `platform_reauth`, `google_unreachable`, `platform_unreachable`,
    /// `google_wrong_certificate`, `platform_wrong_certificate`, `nobody_proven` (both), `google_right_missing`,
    /// `platform_right_missing`,
    /// `calendar_read_only`, `calendar_not_found`, `quota_gone`, `clock_wrong`, `sync_disabled`, `disk_full`, `database_unavailable`,
    /// `database_damaged`, `database_unreadable`, `keychain`, `writes_failed`,
    /// `not_the_writer`, `reading_shrank`, `database_rebuilt` (the damaged file's name is the detail), `no_success_2h` (both
    /// sides), `no_success_2h_google`, `no_success_2h_platform`.
    pub code: String,
    /// `google`, `platform` or none.
    pub service: Option<String>,
    /// What the service or platform said (a reason word or its sentence).
    pub detail: Option<String>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// When it goes on by itself.
    pub retry_at: Option<DateTime<Utc>>,
    /// The one next step: `reconnect_google`, `reconnect_platform`, `choose_calendar`, `try_again`, `take_over`, `none`.
    pub action: String,
}

/// Everything the dashboard shows.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Overview {
    /// Overall state.
    pub state: OverallState,
    /// What the state is true for: the older of the last two good readings.
    pub as_of: Option<DateTime<Utc>>,
    /// Next scheduled run.
    pub next_sync_at: Option<DateTime<Utc>>,
    /// Pause end, if paused by the trainer; none with `paused_for_ever` means until resumed.
    pub paused_until: Option<DateTime<Utc>>,
    /// Paused until the trainer resumes.
    pub paused_for_ever: bool,
    /// Syncing is turned on in the settings. Where it is off, something else may come first in `state`.
    pub enabled: bool,
    /// Both services tell their changes by themselves now, so a time without checks is a quiet one.
    pub pushed: bool,
    /// The problem with the highest severity, if any.
    pub problem: Option<Problem>,
    /// Platform account.
    pub platform: Option<Account>,
    /// Calendar account.
    pub calendar: Option<Account>,
    /// True once "Start syncing" was pressed.
    pub started: bool,
    /// When the first run ever was: before it there is nothing to explain.
    pub first_run_at: Option<DateTime<Utc>>,
    /// The trainer's zone (IANA).
    pub time_zone: String,
    /// Numbers.
    pub counts: OverviewCounts,
    /// Progress of the current run.
    pub progress: Option<Progress>,
    /// Runs of the last 24 hours and a little longer, oldest first.
    pub heartbeat: Vec<Beat>,
    /// The next visits, at most 8.
    pub next: Vec<AppointmentRow>,
    /// The week from today on in the trainer's zone, each day with at most 36 rows, and one day more: an overview stays on
    /// screen over midnight.
    pub week: Vec<GlanceDay>,
    /// Open questions of the guard.
    pub questions: Vec<QuestionView>,
    /// Deletions that are held before they go by themselves, the nearest event first.
    pub held: Vec<HeldView>,
    /// Open conflicts, short.
    pub conflicts: Vec<ConflictView>,
    /// Which laptop writes, if it is not this one.
    pub other_writer: Option<OtherWriter>,
    /// The newest thing that happened, for the line under the headline.
    pub latest: Option<HistoryRow>,
    /// Tokens are kept in memory only because there is no keychain.
    pub tokens_volatile: bool,
}

/// Another laptop that writes.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct OtherWriter {
    /// Its name.
    pub device: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Numbers of the dashboard.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Type)]
pub struct OverviewCounts {
    /// Future appointments.
    pub appointments: u32,
    /// Of them synced.
    pub synced: u32,
    /// Waiting to be written.
    pub waiting: u32,
    /// Left out by the trainer's rules.
    pub left_out: u32,
    /// Open conflicts.
    pub conflicts: u32,
    /// Problems.
    pub problems: u32,
    /// Of the problems those that could not be read; the others could not be written.
    pub unreadable: u32,
}

/// An account card.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Account {
    /// `platform`, `google`.
    pub service: String,
    /// Shown name ("Linden Akademie", "Google Calendar").
    pub name: String,
    /// Address of the account.
    pub email: String,
    /// `active`, `needs_reauth`, `error`, `revoked`.
    pub status: String,
    /// Granted rights, in the service's words.
    pub scopes: Vec<String>,
    /// Last good reading.
    pub last_read_at: Option<DateTime<Utc>>,
    /// Calendar in use, for a calendar account.
    pub calendar_id: Option<String>,
    /// Address of the platform.
    pub url: Option<String>,
}

/// Progress of a run; never goes back within one run.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Progress {
    /// Done.
    pub done: u32,
    /// Of so many; 0 while still reading.
    pub total: u32,
}

/// One dot of the heartbeat.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct Beat {
    /// Run id.
    pub run_id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// When the second check in a row after it is missed, unless both sides tell their changes.
    pub missed_at: DateTime<Utc>,
    /// `running`, `success`, `partial`, `failed`.
    pub result: String,
    /// How much it changed.
    pub changes: u32,
    /// Stable code of its problem.
    pub problem: Option<String>,
}

/// A badge is true, or it is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    /// In the calendar as it should be, as of the last readings.
    Synced,
    /// A write waits (settling, cool-down, retry, offline, not the writer).
    Waiting,
    /// Being written now.
    Syncing,
    /// By the trainer's rules, or because it began before the connection.
    LeftOut,
    /// Waits for a decision.
    Conflict,
    /// Could not be written.
    Problem,
    /// The event was deleted in the calendar; "Put back".
    Removed,
    /// The appointment is over.
    Ended,
}

/// One appointment in the agenda.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct AppointmentRow {
    /// Platform id.
    pub id: String,
    /// Title as the event shows it.
    pub title: String,
    /// Address line.
    pub location: Option<String>,
    /// Name of the type.
    pub kind: String,
    /// Start.
    pub start: DateTime<Utc>,
    /// End.
    pub end: DateTime<Utc>,
    /// The appointment's own zone (IANA).
    pub zone: String,
    /// Tentative on the platform.
    pub tentative: bool,
    /// Private on the platform.
    pub private: bool,
    /// Badge.
    pub badge: Badge,
    /// Why: stable code, e.g. `type_off`, `client_off`, `excluded`, `outside_dates`, `weekday_off`, `outside_hours`,
    /// `private`, `own_rule`, `before_connection`, `settling`, `cool_down`, `retrying`, `offline`, `not_the_writer`,
    /// `question`, `paused`, `not_started`, `moved_by_you`, `own_wording`, `marked_free`, `declined`, `removed_by_you`,
    /// `removed`, `changed_since_removed`, `kept`, `stopped`, `direction_pull`, or a problem code.
    pub reason: Option<String>,
    /// When a waiting write becomes due.
    pub due_at: Option<DateTime<Utc>>,
    /// Last admin told about a move, for "Moved by you · Jana was told".
    pub moved_back: Option<MovedBack>,
    /// Open conflict, if any.
    pub conflict_id: Option<String>,
    /// The client's name, where the trainer wants to see clients.
    pub client: Option<String>,
    /// There is an event in the calendar that can be opened.
    pub has_event: bool,
}

/// A recent move that was reported and taken.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct MovedBack {
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The admin was told.
    pub admin_notified: bool,
}

/// One step of the why-not inspector.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct FilterCheck {
    /// `assigned`, `type`, `client`, `dates`, `weekday`, `hours`, `private`, `excluded`, `own_rule`, `connection`.
    pub check: String,
    /// Passed.
    pub passed: bool,
    /// Value looked at: name of the type or client, `from/until` as days or hours (either may be empty), weekday (0 is
    /// Monday), text of the rule.
    pub value: Option<String>,
}

/// A value of a field in a conflict.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ValueView {
    /// Start and end.
    Time {
        /// Start.
        start: DateTime<Utc>,
        /// End.
        end: DateTime<Utc>,
        /// Zone (IANA).
        zone: String,
    },
    /// Whole days.
    AllDay {
        /// First day.
        start: NaiveDate,
        /// First day after it.
        end: NaiveDate,
    },
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// Not known.
    Unknown,
}

/// A field with both sides.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct FieldView {
    /// `time`, `title`, `location`, `notes`.
    pub field: String,
    /// Before.
    pub before: ValueView,
    /// On the platform.
    pub platform: ValueView,
    /// In the calendar.
    pub calendar: ValueView,
    /// The calendar's value goes to the platform where it is kept; else it stays in the calendar only.
    pub reported: bool,
}

/// What a person saw when deciding.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Type)]
pub struct SeenView {
    /// Platform version.
    pub version: Option<u32>,
    /// Event etag.
    pub etag: Option<String>,
}

/// A conflict as shown.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct ConflictView {
    /// Its id.
    pub id: String,
    /// Whose.
    pub appointment_id: String,
    /// Shown name.
    pub title: String,
    /// `time_change`, `data_mismatch`, `deleted`, `created_externally`, `refused`, `unusual_move`.
    pub kind: String,
    /// `both_changed`, `no_base`, `moved_into_past`, `moved_far`, `many_moves`, `made_all_day`,
    /// `made_series`, `series_cancelled`, `refused`, `ping_pong`, `not_editable`, `marked`.
    pub cause: String,
    /// For `refused`: the platform's reason word (`overlap`, `outside_hours`, `locked` …).
    pub refusal_reason: Option<String>,
    /// For `refused`: the platform's own words.
    pub refusal_detail: Option<String>,
    /// Fields that differ.
    pub fields: Vec<FieldView>,
    /// Fields that are the same.
    pub same_fields: Vec<String>,
    /// State it is about; sent back with the answer.
    pub seen: SeenView,
    /// When the platform's value was said.
    pub platform_changed_at: Option<DateTime<Utc>>,
    /// Who said it.
    pub platform_changed_by: Option<String>,
    /// When the calendar's value was said.
    pub calendar_changed_at: Option<DateTime<Utc>>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// Which answers make sense here: `keep_platform`, `keep_calendar`, `most_recent`, `merge`, `set_time`, `stop_syncing`,
    /// `create`, `dismiss`.
    pub choices: Vec<String>,
}

/// Which value a field gets.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct FieldChoice {
    /// Which field.
    pub field: String,
    /// `platform`, `calendar` or `time`.
    pub choice: String,
    /// With `time`: start.
    pub start: Option<DateTime<Utc>>,
    /// With `time`: end.
    pub end: Option<DateTime<Utc>>,
}

/// The answer to a conflict.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ResolutionInput {
    /// The platform's.
    KeepPlatform,
    /// The calendar's.
    KeepCalendar,
    /// Whichever was said last.
    MostRecent,
    /// Per field.
    Merge {
        /// Choices.
        choices: Vec<FieldChoice>,
    },
    /// Leave both sides alone from now on.
    StopSyncing,
    /// Make an appointment of the marked event.
    Create,
    /// Not an appointment; not asked again about this event.
    Dismiss,
}

/// Which part of the history is wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Type)]
pub struct HistoryQuery {
    /// `ok`, `waiting`, `problem`.
    pub result: Option<String>,
    /// Only this appointment.
    pub appointment_id: Option<String>,
    /// Only this run.
    pub run_id: Option<String>,
    /// Only what this side began: `you`, `platform`, `roundtrip`.
    pub source: Option<String>,
    /// Only from then on.
    pub since: Option<DateTime<Utc>>,
    /// Only before.
    pub before: Option<DateTime<Utc>>,
    /// At most so many.
    pub limit: u32,
}

/// A line of the history. The window makes the sentence from `what` and its values.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct HistoryRow {
    /// Its id.
    pub id: String,
    /// Its run.
    pub run_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Whose.
    pub appointment_id: Option<String>,
    /// Shown name.
    pub title: Option<String>,
    /// `added`, `changed`, `deleted`, `adopted`, `moved_back`, `notes_back`, `created_from_event`, `refused`,
    /// `removed_in_calendar`, `changed_since_removed`, `put_back`, `conflict_raised`, `conflict_resolved`, `merged`,
    /// `asked`, `answered`, `connected`, `disconnected`, `write_failed`, `unreadable`, `rebuilt`, `reading_shrank`,
    /// `silence_began`, `silence_ended` (after `count` hours), `held` (a deletion, for the cause `word`), `held_answered`,
    /// `undone` (an answer), `restored` (a line of the history; without `to` the appointment was left out),
    /// `overtaken` (the time `from`, wanted in the window, no longer counts).
    pub what: String,
    /// Time before, where it moved.
    pub from: Option<ValueView>,
    /// Time now.
    pub to: Option<ValueView>,
    /// Fields concerned.
    pub fields: Vec<String>,
    /// Further word: delete reason, resolution, service, question kind, refusal reason, intent.
    pub word: Option<String>,
    /// Platform's own words, for `refused`.
    pub detail: Option<String>,
    /// The admin was told.
    pub admin_notified: Option<bool>,
    /// How many, where it counts something.
    pub count: Option<u32>,
    /// `you`, `platform`, `roundtrip`.
    pub source: String,
    /// `ok`, `waiting`, `problem`.
    pub result: String,
    /// Stable code of the problem.
    pub problem: Option<String>,
    /// Request id.
    pub request_id: Option<String>,
    /// When it is tried again by itself, for what waits.
    pub retry_at: Option<DateTime<Utc>>,
    /// It can be restored; what that would do is told by `preview_restore`.
    pub restorable: bool,
    /// Of `deleted`: what the trainer had changed or written in the event, and the platform does not know, went with it.
    pub edit_lost: bool,
}

/// A run with its items folded.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct RunRow {
    /// Its id.
    pub id: String,
    /// `timer`, `manual`, `changed`, `wake_up`, `network_back`, `start`, `hint`, `due`.
    pub trigger: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// `running`, `success`, `partial`, `failed`.
    pub result: String,
    /// Events made.
    pub added: u32,
    /// Events changed.
    pub changed: u32,
    /// Events deleted.
    pub removed: u32,
    /// Moves taken.
    pub moved_back: u32,
    /// Conflicts raised.
    pub conflicts: u32,
    /// Writes that failed.
    pub problems: u32,
    /// Requests to the platform.
    pub platform_requests: u32,
    /// Requests to the calendar.
    pub calendar_requests: u32,
    /// Stable code of what stopped it.
    pub problem: Option<String>,
    /// For how many checks the row stands: those without changes are gathered into one.
    pub checks: u32,
}

/// Where a sign-in stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SignInView {
    /// `platform` or `google`.
    pub service: String,
    /// `waiting`, `done`, `cancelled`, `timed_out`, `failed`.
    pub state: String,
    /// The URL that was opened, for "Copy link".
    pub url: Option<String>,
    /// Stable code if it failed: `access_denied`, `calendar_right_missing`, `other_account`, `wrong_answer`, `unreachable`,
    /// `no_platform`, `wrong_certificate` …
    pub problem: Option<String>,
    /// For `other_account`: the two addresses.
    pub accounts: Option<(String, String)>,
}

/// One line of diagnostics.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct CheckView {
    /// `network`, `clock`, `platform_sign_in`, `google_sign_in`, `calendar_rights`, `database`, `keychain`, `tray`.
    pub check: String,
    /// `ok`, `problem`, `skipped`.
    pub result: String,
    /// Stable code of what is wrong.
    pub problem: Option<String>,
    /// Technical detail, without content.
    pub detail: Option<String>,
}

/// What the window needs to know of the app.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
pub struct AppInfo {
    /// Version.
    pub version: String,
    /// `de` or `en`, as the system says.
    pub system_language: String,
    /// `system`, `en`, `de`.
    pub language: String,
    /// `system`, `light`, `dark`.
    pub theme: String,
    /// `light` or `dark`, as the system says.
    pub system_theme: String,
    /// The line "closing keeps syncing" was shown already.
    pub hide_hint_seen: bool,
    /// Address of a platform to propose (`ROUNDTRIP_PLATFORM_URL`).
    pub platform_url: Option<String>,
    /// A Google client is built in or given, so that signing in to Google can work.
    pub google_client: bool,
}
