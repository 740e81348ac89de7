//! Which scope opens which method.

use super::model::{Calendar, Role};

/// What every Calendar scope begins with.
pub const PREFIX: &str = "https://www.googleapis.com/auth/";

/// All scopes that may be asked for.
pub const KNOWN: &[&str] = &[
    "openid",
    "email",
    "profile",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/calendar.readonly",
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.events.readonly",
    "https://www.googleapis.com/auth/calendar.events.owned",
    "https://www.googleapis.com/auth/calendar.events.owned.readonly",
    "https://www.googleapis.com/auth/calendar.app.created",
    "https://www.googleapis.com/auth/calendar.calendarlist",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
    "https://www.googleapis.com/auth/calendar.calendars",
    "https://www.googleapis.com/auth/calendar.calendars.readonly",
    "https://www.googleapis.com/auth/calendar.freebusy",
    "https://www.googleapis.com/auth/calendar.events.freebusy",
    "https://www.googleapis.com/auth/calendar.settings.readonly",
];

/// Scopes of `calendarList.list` and `.get`.
pub const CALENDAR_LIST: &[&str] = &[
    "calendar",
    "calendar.readonly",
    "calendar.calendarlist",
    "calendar.calendarlist.readonly",
];
/// Scopes of `calendars.get`.
pub const CALENDARS_READ: &[&str] = &[
    "calendar",
    "calendar.readonly",
    "calendar.calendars",
    "calendar.calendars.readonly",
    "calendar.app.created",
];
/// Scopes of `calendars.insert`.
pub const CALENDARS_INSERT: &[&str] = &["calendar", "calendar.calendars", "calendar.app.created"];
/// Scopes of `calendars.patch`, `.update` and `.delete`.
pub const CALENDARS_WRITE: &[&str] = &["calendar", "calendar.calendars", "calendar.app.created"];
/// Scopes of events.list, `.get` and `.instances`.
pub const EVENTS_READ: &[&str] = &[
    "calendar",
    "calendar.readonly",
    "calendar.events",
    "calendar.events.readonly",
    "calendar.events.owned",
    "calendar.events.owned.readonly",
    "calendar.app.created",
];
/// Scopes of events.insert, `.patch`, `.update` and `.delete`.
pub const EVENTS_WRITE: &[&str] = &[
    "calendar",
    "calendar.events",
    "calendar.events.owned",
    "calendar.app.created",
];
/// Scopes of `events.move`.
pub const EVENTS_MOVE: &[&str] = &["calendar", "calendar.events", "calendar.events.owned"];
/// Scopes of `freebusy.query`.
pub const FREE_BUSY: &[&str] = &[
    "calendar",
    "calendar.readonly",
    "calendar.freebusy",
    "calendar.events.freebusy",
];
/// Scopes of the settings.
pub const SETTINGS: &[&str] = &["calendar", "calendar.readonly", "calendar.settings.readonly"];

/// What the redirect and the token answer call a scope.
pub fn canonical(scope: &str) -> String {
    match scope {
        "email" | "profile" => format!("{PREFIX}userinfo.{scope}"),
        other => other.to_owned(),
    }
}

/// Whether one of the granted scopes opens a method at all.
pub fn opens(granted: &[String], accepted: &[&str]) -> bool {
    accepted.iter().any(|scope| has(granted, scope))
}

/// Whether one of them opens it for this very calendar.
pub fn opens_calendar(
    granted: &[String],
    accepted: &[&str],
    calendar: &Calendar,
    role: Role,
    client: &str,
) -> bool {
    accepted
        .iter()
        .filter(|scope| has(granted, scope))
        .any(|scope| match *scope {
            "calendar.app.created" => calendar.made_by_client.as_deref() == Some(client),
            "calendar.events.owned" | "calendar.events.owned.readonly" => role == Role::Owner,
            _ => true,
        })
}

fn has(granted: &[String], scope: &str) -> bool {
    granted.iter().any(|one| one.strip_prefix(PREFIX) == Some(scope))
}

/// What a consent page says about a scope.
pub fn describe(scope: &str) -> &'static str {
    match scope.strip_prefix(PREFIX).unwrap_or(scope) {
        "calendar" => "See, edit, share and permanently delete all your calendars",
        "calendar.readonly" => "See and download any calendar you can access",
        "calendar.events" => "View and edit events on all your calendars",
        "calendar.events.readonly" => "View events on all your calendars",
        "calendar.events.owned" => "View and edit events on calendars you own",
        "calendar.events.owned.readonly" => "View events on calendars you own",
        "calendar.app.created" => "Make secondary calendars, and view and edit events on them",
        "calendar.calendarlist" => "View, add and remove calendars you are subscribed to",
        "calendar.calendarlist.readonly" => "View the list of calendars you are subscribed to",
        "calendar.calendars" => "View and change the properties of your calendars, and create calendars",
        "calendar.calendars.readonly" => "View the title, description and time zone of your calendars",
        "calendar.freebusy" | "calendar.events.freebusy" => "View your availability in your calendars",
        "calendar.settings.readonly" => "View your calendar settings",
        "openid" => "Associate you with your personal info",
        "email" | "userinfo.email" => "View your email address",
        "profile" | "userinfo.profile" => "View your name and picture",
        _ => "Something else",
    }
}

/// Whether it only says who one is: granted without asking.
pub fn is_identity(scope: &str) -> bool {
    matches!(
        scope.strip_prefix(PREFIX).unwrap_or(scope),
        "openid" | "email" | "profile" | "userinfo.email" | "userinfo.profile"
    )
}
