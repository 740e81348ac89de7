//! Which appointments go into the calendar, and why not.

use crate::appointment::Appointment;
use crate::settings::{Filters, OwnRule, RuleField, RulePattern};
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

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

/// All checks in the order in which they are shown. The first that fails is the reason.
pub fn checks(appointment: &Appointment, filters: &Filters, connected_at: DateTime<Utc>) -> Vec<Check> {
    let local = appointment.start.with_timezone(&appointment.zone);
    let weekday = local.weekday().num_days_from_monday() as u8;
    let client = appointment.client.as_ref();
    let check = |reason, passed| Check { reason, passed };
    vec![
        check(LeftOut::BeforeConnection, appointment.start >= connected_at),
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
            filters.from.is_none_or(|from| appointment.start >= from)
                && filters.until.is_none_or(|until| appointment.start < until),
        ),
        check(LeftOut::WeekdayOff, !filters.weekdays_off.contains(&weekday)),
        check(LeftOut::Private, filters.include_private || !appointment.private),
        check(LeftOut::Excluded, !filters.excluded.contains(&appointment.id)),
        check(
            LeftOut::OwnRule,
            !filters
                .own_rules
                .iter()
                .any(|rule| matches_rule(rule, appointment)),
        ),
    ]
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

/// Is this pattern one that can be used? The message names what is wrong with it.
pub fn check_rule(rule: &OwnRule) -> Result<(), String> {
    match rule.pattern {
        RulePattern::Contains | RulePattern::StartsWith if rule.text.trim().is_empty() => Err("empty".into()),
        RulePattern::Contains | RulePattern::StartsWith => Ok(()),
        RulePattern::Regex => expression(&rule.text)
            .map(|_| ())
            .map_err(|error| error.to_string()),
    }
}

fn expression(text: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(text)
        .case_insensitive(true)
        .size_limit(1 << 20)
        .build()
}

fn matches_rule(rule: &OwnRule, appointment: &Appointment) -> bool {
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
        RulePattern::Regex => {
            expression(&rule.text).is_ok_and(|expression| texts.iter().any(|text| expression.is_match(text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{appointment, at};

    fn reason(change: impl FnOnce(&mut Filters)) -> Option<LeftOut> {
        let mut filters = Filters::default();
        change(&mut filters);
        left_out(&appointment(), &filters, at("2026-11-01T00:00:00Z"))
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
            reason(|f| f.from = Some(at("2026-12-02T00:00:00Z"))),
            Some(LeftOut::OutsideDates)
        );
        assert_eq!(
            reason(|f| f.until = Some(at("2026-12-01T08:00:00Z"))),
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
        assert!(check_rule(&rule(RulePattern::Regex, "a(")).is_err());
        assert_eq!(reason(|f| f.own_rules.push(rule(RulePattern::Regex, "a("))), None);
    }
}
