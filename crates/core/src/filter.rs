//! Which appointments go into the calendar, and why not.

use crate::appointment::Appointment;
use crate::bug::{self, Bug};
use crate::settings::{Filters, OwnRule, RuleField, RulePattern};
use chrono::{DateTime, Datelike, Duration, NaiveTime, Utc};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::HashMap;

/// A rule's text is at most so long.
pub const RULE_MAX_CHARS: usize = 200;
/// So many rules of their own a trainer can have.
pub const RULES_MAX: usize = 50;

/// A connection that was made so far ahead was noted by a wrong clock: it was set while the first answer was on its way.
const SURELY_AHEAD: Duration = Duration::hours(1);

/// When the connection was made, by what is noted of it and by the services' time now: now if nothing is noted, or if what is
/// noted cannot be. All that begins before it is left out (P11), so that a wrong one would leave out everything.
pub fn connected_at(noted: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    noted.filter(|noted| *noted <= now + SURELY_AHEAD).unwrap_or(now)
}

/// Why an appointment is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// It began before the connection was made (P11).
    BeforeConnection,
    /// Its type is off.
    TypeOff,
    /// Its client is off.
    ClientOff,
    /// Outside the chosen dates.
    OutsideDates,
    /// On a weekday that is off.
    WeekdayOff,
    /// Not wholly within the chosen hours of the day.
    OutsideHours,
    /// Private, and private ones are not chosen.
    Private,
    /// Excluded one by one.
    Excluded,
    /// An own rule matches.
    OwnRule,
}

impl LeftOut {
    /// Stable code for the window.
    pub fn code(self) -> &'static str {
        match self {
            Self::BeforeConnection => "before_connection",
            Self::TypeOff => "type_off",
            Self::ClientOff => "client_off",
            Self::OutsideDates => "outside_dates",
            Self::WeekdayOff => "weekday_off",
            Self::OutsideHours => "outside_hours",
            Self::Private => "private",
            Self::Excluded => "excluded",
            Self::OwnRule => "own_rule",
        }
    }
}

/// One step of the why-not inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// What would leave it out here.
    pub reason: LeftOut,
    /// It passed.
    pub passed: bool,
}

/// So many checks there are.
pub const CHECKS: usize = 9;

/// All checks in the order in which they are shown. The first that fails is the reason.
pub fn checks(appointment: &Appointment, filters: &Filters, connected_at: DateTime<Utc>) -> [Check; CHECKS] {
    let local = appointment.start.with_timezone(&appointment.zone);
    let weekday = local.weekday().num_days_from_monday() as u8;
    let client = appointment.client.as_ref();
    let check = |reason, passed| Check { reason, passed };
    [
        check(
            LeftOut::BeforeConnection,
            appointment.start >= connected_at || bug::is_on(Bug::PastIsWritten),
        ),
        check(
            LeftOut::TypeOff,
            !filters.types_off.contains(&appointment.kind.id),
        ),
        check(
            LeftOut::ClientOff,
            !client.is_some_and(|client| filters.clients_off.contains(&client.id)),
        ),
        check(
            LeftOut::OutsideDates,
            filters.first_day.is_none_or(|first| local.date_naive() >= first)
                && filters.last_day.is_none_or(|last| local.date_naive() <= last),
        ),
        check(LeftOut::WeekdayOff, !filters.weekdays_off.contains(&weekday)),
        check(LeftOut::OutsideHours, within_hours(appointment, filters)),
        check(LeftOut::Private, filters.include_private || !appointment.private),
        check(LeftOut::Excluded, !filters.excluded.contains(&appointment.id)),
        check(LeftOut::OwnRule, matching_rule(appointment, filters).is_none()),
    ]
}

/// True if the appointment lies wholly within the chosen hours of one day, in its own zone.
fn within_hours(appointment: &Appointment, filters: &Filters) -> bool {
    if filters.earliest.is_none() && filters.latest.is_none() {
        return true;
    }
    let start = appointment.start.with_timezone(&appointment.zone).naive_local();
    let end = appointment
        .span()
        .end
        .with_timezone(&appointment.zone)
        .naive_local();
    // Ending at midnight is ending with the day, not after it.
    let midnight = start.date().succ_opt().map(|next| next.and_time(NaiveTime::MIN));
    let until_midnight = midnight == Some(end);
    let one_day = start.date() == end.date() || until_midnight;
    one_day
        && filters.earliest.is_none_or(|earliest| start.time() >= earliest)
        && filters
            .latest
            .is_none_or(|latest| !until_midnight && end.time() <= latest)
}

/// The first rule of the trainer's own that matches.
pub fn matching_rule<'a>(appointment: &Appointment, filters: &'a Filters) -> Option<&'a OwnRule> {
    filters
        .own_rules
        .iter()
        .find(|rule| matches_rule(rule, appointment))
}

/// The reason why an appointment is left out, or `None` if it passes.
pub fn left_out(
    appointment: &Appointment,
    filters: &Filters,
    connected_at: DateTime<Utc>,
) -> Option<LeftOut> {
    checks(appointment, filters, connected_at)
        .into_iter()
        .find(|check| !check.passed)
        .map(|check| check.reason)
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleProblem {
    /// It has no text: it would match everything.
    Empty,
    /// Its text is longer than [`RULE_MAX_CHARS`].
    TooLong,
    /// It is no regular expression, in the library's words.
    BadExpression(String),
}

impl RuleProblem {
    /// Stable code for the window.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::BadExpression(_) => "bad_expression",
        }
    }
}

/// Is this rule one that can be used?
///
/// # Errors
/// What is wrong with it.
pub fn check_rule(rule: &OwnRule) -> Result<(), RuleProblem> {
    if rule.text.trim().is_empty() {
        return Err(RuleProblem::Empty);
    }
    if rule.text.chars().count() > RULE_MAX_CHARS {
        return Err(RuleProblem::TooLong);
    }
    match rule.pattern {
        RulePattern::Contains | RulePattern::StartsWith => Ok(()),
        RulePattern::Regex => expression(&rule.text)
            .map(|_| ())
            .map_err(|error| RuleProblem::BadExpression(error.to_string())),
    }
}

fn expression(text: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(text)
        .case_insensitive(true)
        .size_limit(64 << 10)
        .dfa_size_limit(256 << 10)
        .build()
}

/// Compiled expressions that are remembered; more than a trainer can have rules.
const REMEMBERED: usize = 2 * RULES_MAX;

thread_local! {
    /// Compiling takes far longer than matching, and one list of rules is asked about thousands of appointments. The
    /// answer is the same with and without it.
    static EXPRESSIONS: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
}

fn expression_matches(text: &str, texts: &[&String]) -> bool {
    EXPRESSIONS.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED && !known.contains_key(text) {
            known.clear();
        }
        known
            .entry(text.to_owned())
            .or_insert_with(|| expression(text).ok())
            .as_ref()
            .is_some_and(|expression| texts.iter().any(|text| expression.is_match(text)))
    })
}

/// True if the rule leaves the appointment out. A rule that cannot be used matches nothing.
pub fn matches_rule(rule: &OwnRule, appointment: &Appointment) -> bool {
    let place = appointment.place.as_ref();
    let texts: Vec<&String> = match rule.field {
        RuleField::Title => [
            appointment.title.as_ref(),
            appointment.topic.as_ref(),
            place.and_then(|p| p.name.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect(),
        RuleField::Location => place
            .map(|p| [&p.name, &p.address].into_iter().flatten().collect())
            .unwrap_or_default(),
        RuleField::Notes => appointment.notes.iter().collect(),
        RuleField::Type => vec![&appointment.kind.name],
        RuleField::Client => appointment
            .client
            .iter()
            .filter_map(|client| client.name.as_ref())
            .collect(),
    };
    let wanted = rule.text.to_lowercase();
    match rule.pattern {
        // An empty text would match everything: such a rule is not in force.
        RulePattern::Contains => {
            !wanted.is_empty() && texts.iter().any(|text| text.to_lowercase().contains(&wanted))
        }
        RulePattern::StartsWith => {
            !wanted.is_empty() && texts.iter().any(|text| text.to_lowercase().starts_with(&wanted))
        }
        RulePattern::Regex => !wanted.is_empty() && expression_matches(&rule.text, &texts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{appointment, at};
    use chrono::NaiveDate;

    fn reason(change: impl FnOnce(&mut Filters)) -> Option<LeftOut> {
        let mut filters = Filters::default();
        change(&mut filters);
        left_out(&appointment(), &filters, at("2026-11-01T00:00:00Z"))
    }

    /// Simulation seed 22013.
    #[test]
    fn a_connection_is_never_made_in_the_future() {
        let now = at("2026-11-21T08:00:00Z");
        assert_eq!(connected_at(None, now), now);
        let noted = |text: &str| connected_at(Some(at(text)), now);
        assert_eq!(noted("2026-10-01T08:00:00Z"), at("2026-10-01T08:00:00Z"));
        assert_eq!(noted("2026-11-21T09:00:00Z"), at("2026-11-21T09:00:00Z"));
        assert_eq!(noted("2026-11-21T09:00:01Z"), now);
    }

    #[test]
    fn everything_passes_by_default() {
        assert_eq!(reason(|_| {}), None);
    }

    #[test]
    fn what_began_before_the_connection_is_left_out() {
        let later = left_out(&appointment(), &Filters::default(), at("2027-01-01T00:00:00Z"));
        assert_eq!(later, Some(LeftOut::BeforeConnection));
    }

    #[test]
    fn each_filter_gives_its_own_reason() {
        assert_eq!(
            reason(|f| _ = f.types_off.insert("pharmacy_visit".into())),
            Some(LeftOut::TypeOff)
        );
        assert_eq!(
            reason(|f| _ = f.clients_off.insert("cli_3".into())),
            Some(LeftOut::ClientOff)
        );
        assert_eq!(
            reason(|f| f.first_day = NaiveDate::from_ymd_opt(2026, 12, 2)),
            Some(LeftOut::OutsideDates)
        );
        assert_eq!(
            reason(|f| f.last_day = NaiveDate::from_ymd_opt(2026, 11, 30)),
            Some(LeftOut::OutsideDates)
        );
        assert_eq!(
            reason(|f| _ = f.weekdays_off.insert(1)),
            Some(LeftOut::WeekdayOff)
        ); // a Tuesday
        assert_eq!(
            reason(|f| _ = f.excluded.insert(appointment().id)),
            Some(LeftOut::Excluded)
        );
    }

    #[test]
    fn the_days_of_a_window_are_inclusive_and_in_the_appointment_s_own_zone() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1);
        let within = |start: &str, zone: chrono_tz::Tz| {
            let mut visit = appointment();
            visit.zone = zone;
            visit.start = at(start);
            visit.end = Some(visit.start + chrono::Duration::hours(1));
            let filters = Filters {
                first_day: day,
                last_day: day,
                ..Filters::default()
            };
            left_out(&visit, &filters, at("2026-11-01T00:00:00Z")).is_none()
        };
        assert!(within("2026-11-30T23:00:00Z", chrono_tz::Europe::Berlin));
        assert!(!within("2026-11-30T23:00:00Z", chrono_tz::UTC));
        assert!(within("2026-12-01T22:59:00Z", chrono_tz::Europe::Berlin));
        assert!(!within("2026-12-01T23:00:00Z", chrono_tz::Europe::Berlin));
    }

    #[test]
    fn hours_let_through_what_lies_wholly_within_them() {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").expect("a time");
        let passes = |hours: (Option<&str>, Option<&str>), start: &str, end: &str| {
            let mut visit = appointment();
            visit.zone = chrono_tz::Europe::Berlin;
            (visit.start, visit.end) = (at(start), Some(at(end)));
            let filters = Filters {
                earliest: hours.0.map(time),
                latest: hours.1.map(time),
                ..Filters::default()
            };
            let left_out = left_out(&visit, &filters, at("2026-03-01T00:00:00Z"));
            assert!(left_out.is_none_or(|reason| reason == LeftOut::OutsideHours));
            left_out.is_none()
        };
        let day = (Some("08:00"), Some("18:00"));
        // 08:00 to 18:00 in Berlin in winter.
        assert!(passes(day, "2026-12-01T07:00:00Z", "2026-12-01T17:00:00Z"));
        assert!(!passes(day, "2026-12-01T06:59:00Z", "2026-12-01T09:00:00Z"));
        assert!(!passes(day, "2026-12-01T16:00:00Z", "2026-12-01T17:01:00Z"));
        // The same wall-clock times in summer are an hour earlier.
        assert!(passes(day, "2026-07-01T06:00:00Z", "2026-07-01T16:00:00Z"));
        assert!(!passes(day, "2026-07-01T07:00:00Z", "2026-07-01T17:00:00Z"));
        // Over midnight nothing lies wholly within the hours of one day; until midnight it may.
        let late = (Some("20:00"), None);
        assert!(passes(late, "2026-12-01T20:00:00Z", "2026-12-01T23:00:00Z"));
        assert!(!passes(late, "2026-12-01T20:00:00Z", "2026-12-01T23:30:00Z"));
        assert!(!passes(
            (None, Some("18:00")),
            "2026-12-01T20:00:00Z",
            "2026-12-01T23:00:00Z"
        ));
        assert!(!passes(
            (None, Some("18:00")),
            "2026-12-01T10:00:00Z",
            "2026-12-02T10:00:00Z"
        ));
        assert!(passes(
            (None, None),
            "2026-12-01T10:00:00Z",
            "2026-12-02T10:00:00Z"
        ));
    }

    #[test]
    fn private_ones_are_left_out_unless_chosen() {
        let mut private = appointment();
        private.private = true;
        let connected = at("2026-11-01T00:00:00Z");
        assert_eq!(
            left_out(&private, &Filters::default(), connected),
            Some(LeftOut::Private)
        );
        let chosen = Filters {
            include_private: true,
            ..Filters::default()
        };
        assert_eq!(left_out(&private, &chosen, connected), None);
    }

    #[test]
    fn own_rules_match_by_text_and_expression_and_a_bad_one_is_named() {
        let rule = |pattern, text: &str| OwnRule {
            field: RuleField::Title,
            pattern,
            text: text.into(),
        };
        for (pattern, text, hit) in [
            (RulePattern::Contains, "linden", true),
            (RulePattern::StartsWith, "apotheke", false),
            (RulePattern::Regex, "^linden-.*ke$", true),
            (RulePattern::Contains, "", false),
        ] {
            assert_eq!(
                reason(|f| f.own_rules.push(rule(pattern, text))).is_some(),
                hit,
                "{text}"
            );
        }
        let problem = |pattern, text: &str| check_rule(&rule(pattern, text)).err();
        assert!(matches!(
            problem(RulePattern::Regex, "a("),
            Some(RuleProblem::BadExpression(words)) if words.contains("unclosed group")
        ));
        assert_eq!(problem(RulePattern::Contains, " "), Some(RuleProblem::Empty));
        assert_eq!(problem(RulePattern::Regex, ""), Some(RuleProblem::Empty));
        assert_eq!(problem(RulePattern::Contains, &"ä".repeat(200)), None);
        assert_eq!(
            problem(RulePattern::StartsWith, &"ä".repeat(201)),
            Some(RuleProblem::TooLong)
        );
        // Small to write, far too large to run.
        assert!(matches!(
            problem(RulePattern::Regex, r"(\w{200}){200}"),
            Some(RuleProblem::BadExpression(_))
        ));
        assert_eq!(reason(|f| f.own_rules.push(rule(RulePattern::Regex, "a("))), None);
    }

    #[test]
    fn an_expression_that_grows_out_of_hand_is_none_and_everyday_ones_are() {
        for huge in ["(a{40}){40}{40}", r"\w{200}", r"\pL{100}"] {
            assert!(expression(huge).is_err(), "{huge}");
        }
        for everyday in [
            "^(Team|Büro)",
            r"\bintern\b",
            r"^\d{1,2}\.\d{1,2}\.",
            r"\w+\s+#\d+",
            r"(?:Prof|Dr)\.?\s+\w+",
            "straße.*(hof|platz)$",
            r"[A-ZÄÖÜ]\w+-Apotheke",
        ] {
            assert!(expression(everyday).is_ok(), "{everyday}");
        }
    }
}
