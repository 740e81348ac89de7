//! The query of `events.list` and `events.instances`, read and checked.

use super::error::GoogleError;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// Most items of one page.
const PAGE_MAX: usize = 2_500;
const PAGE_DEFAULT: usize = 250;

/// The pairs of a query string, decoded.
#[derive(Debug, Clone, Default)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads a query string.
    pub fn read(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The last value of a parameter; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().rev().find(|(found, _)| found == name);
        value
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All values of a repeatable parameter.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// A boolean parameter.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, GoogleError> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(GoogleError::invalid_parameter(
                name,
                format!("Invalid boolean value: '{other}'."),
            )),
        }
    }

    /// A positive number.
    pub fn number(&self, name: &str) -> Result<Option<usize>, GoogleError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        match text.parse::<usize>() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(GoogleError::invalid_parameter(
                name,
                format!("Invalid integer value: '{text}'."),
            )),
        }
    }

    /// An instant; an offset is required.
    pub fn instant(&self, name: &str) -> Result<Option<DateTime<Utc>>, GoogleError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| GoogleError::bad_request("Bad Request"))?;
        Ok(Some(at.with_timezone(&Utc)))
    }

    /// A time zone.
    pub fn zone(&self, name: &str) -> Result<Option<Tz>, GoogleError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| GoogleError::invalid_value(name))
    }
}

/// The order of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderBy {
    /// A stable one of our own.
    Unspecified,
    /// By start; only of single occurrences.
    StartTime,
    /// By last change.
    Updated,
}

/// What is asked of a listing.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Items a page.
    pub max_results: usize,
    /// The page.
    pub page_token: Option<String>,
    /// The incremental listing.
    pub sync_token: Option<String>,
    /// Occurrences in place of series.
    pub single_events: bool,
    /// With tombstones; `None` if not said.
    pub show_deleted: Option<bool>,
    /// The order.
    pub order_by: OrderBy,
    /// Lower bound of the end.
    pub time_min: Option<DateTime<Utc>>,
    /// Upper bound of the start.
    pub time_max: Option<DateTime<Utc>>,
    /// Lower bound of the last change.
    pub updated_min: Option<DateTime<Utc>>,
    /// The zone to render in.
    pub zone: Option<Tz>,
    /// Words to look for.
    pub text: Option<String>,
    /// RFC 5545 UID.
    pub ical_uid: Option<String>,
    /// `key=value`, all must match.
    pub private_properties: Vec<(String, String)>,
    /// `key=value`, all must match.
    pub shared_properties: Vec<(String, String)>,
    /// Only these types.
    pub event_types: Vec<String>,
    /// Most guests shown.
    pub max_attendees: Option<usize>,
    /// Only the occurrences of this series (`events.instances`).
    pub only_series: Option<String>,
}

impl ListQuery {
    /// Reads and checks a query.
    pub fn read(pairs: &Pairs) -> Result<Self, GoogleError> {
        let order_by = match pairs.get("orderBy") {
            None => OrderBy::Unspecified,
            Some("startTime") => OrderBy::StartTime,
            Some("updated") => OrderBy::Updated,
            Some(_) => return Err(GoogleError::invalid_value("orderBy")),
        };
        let mut event_types = pairs.all("eventTypes");
        event_types.sort();
        let query = Self {
            max_results: pairs.number("maxResults")?.unwrap_or(PAGE_DEFAULT).min(PAGE_MAX),
            page_token: pairs.get("pageToken").map(str::to_owned),
            sync_token: pairs.get("syncToken").map(str::to_owned),
            single_events: pairs.flag("singleEvents")?.unwrap_or(false),
            show_deleted: pairs.flag("showDeleted")?,
            order_by,
            time_min: pairs.instant("timeMin")?,
            time_max: pairs.instant("timeMax")?,
            updated_min: pairs.instant("updatedMin")?,
            zone: pairs.zone("timeZone")?,
            text: pairs.get("q").map(str::to_lowercase),
            ical_uid: pairs.get("iCalUID").map(str::to_owned),
            private_properties: properties(pairs, "privateExtendedProperty")?,
            shared_properties: properties(pairs, "sharedExtendedProperty")?,
            event_types,
            max_attendees: pairs.number("maxAttendees")?,
            only_series: None,
        };
        if query.sync_token.is_some() {
            query.check_beside_sync_token(pairs)?;
        }
        if query.order_by == OrderBy::StartTime && !query.single_events {
            return Err(GoogleError::bad_request(
                "The requested ordering is not available for the particular query.",
            ));
        }
        if let (Some(min), Some(max)) = (query.time_min, query.time_max)
            && min >= max
        {
            return Err(GoogleError::time_range_empty(Some("timeMax")));
        }
        Ok(query)
    }

    fn check_beside_sync_token(&self, pairs: &Pairs) -> Result<(), GoogleError> {
        let forbidden = [
            "iCalUID",
            "orderBy",
            "privateExtendedProperty",
            "q",
            "sharedExtendedProperty",
            "timeMin",
            "timeMax",
            "updatedMin",
        ];
        match forbidden.iter().find(|name| pairs.get(name).is_some()) {
            Some(name) => Err(GoogleError::not_with_sync_token(name)),
            None if self.show_deleted == Some(false) => Err(GoogleError::not_with_sync_token("showDeleted")),
            None => Ok(()),
        }
    }

    /// Whether the last page of this listing carries a sync token. Narrowed and ordered listings get none: the
    /// service promises nothing there, so a client must not count on it.
    pub fn gives_sync_token(&self) -> bool {
        self.order_by == OrderBy::Unspecified
            && self.only_series.is_none()
            && self.updated_min.is_none()
            && self.text.is_none()
            && self.ical_uid.is_none()
            && self.private_properties.is_empty()
            && self.shared_properties.is_empty()
    }

    /// The parameters that all listings of one sync token have in common.
    pub fn sync_parameters(&self) -> String {
        format!("{}|{}", self.single_events, self.event_types.join(","))
    }

    /// All parameters that the pages of one listing have in common.
    pub fn page_parameters(&self) -> String {
        format!(
            "{:?}",
            Self {
                max_results: 0,
                page_token: None,
                ..self.clone()
            }
        )
    }
}

fn properties(pairs: &Pairs, name: &'static str) -> Result<Vec<(String, String)>, GoogleError> {
    let read = |text: String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(GoogleError::invalid_value(name)),
    };
    pairs.all(name).into_iter().map(read).collect()
}
