//! Partial answers: the grammar of `fields` and what it leaves of an answer.
//!
//! `a,b` names fields, `a/b` goes into an object, `a(b,c)` selects inside one, `*` stands for all.

use super::error::GoogleError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A parsed selection; an empty node takes everything below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    children: BTreeMap<String, Selection>,
}

impl Selection {
    /// Parses the value of `fields`.
    pub fn parse(text: &str) -> Result<Self, GoogleError> {
        let mut parser = Parser { text, rest: text };
        let selection = parser.list()?;
        if parser.rest.is_empty() {
            Ok(selection)
        } else {
            Err(parser.invalid())
        }
    }

    /// Parses and checks that every name exists in an answer of this shape (itself written in the same grammar).
    pub fn parse_for(text: &str, shape: &str) -> Result<Self, GoogleError> {
        let selection = Self::parse(text)?;
        match selection.unknown_in(&Self::parse(shape)?) {
            None => Ok(selection),
            Some(name) => Err(invalid(&name)),
        }
    }

    fn unknown_in(&self, shape: &Self) -> Option<String> {
        for (name, inner) in &self.children {
            let known: Vec<&Self> = if name == "*" {
                shape.children.values().collect()
            } else {
                shape
                    .children
                    .get(name)
                    .or_else(|| shape.children.get("*"))
                    .into_iter()
                    .collect()
            };
            if known.is_empty() {
                return Some(name.clone());
            }
            // Under `*` a name only has to exist in one of the fields.
            let unknown: Vec<Option<String>> = known.iter().map(|shape| inner.unknown_in(shape)).collect();
            if let Some(Some(name)) = unknown.iter().min() {
                return Some(name.clone());
            }
        }
        None
    }

    /// What the selection leaves of `value`. Arrays are selected item by item.
    pub fn apply(&self, value: &Value) -> Value {
        if self.children.is_empty() {
            return value.clone();
        }
        match value {
            Value::Array(items) => Value::Array(items.iter().map(|item| self.apply(item)).collect()),
            Value::Object(object) => {
                let mut kept = Map::new();
                for (name, inner) in object {
                    if let Some(selection) = self.children.get(name).or_else(|| self.children.get("*")) {
                        kept.insert(name.clone(), selection.apply(inner));
                    }
                }
                Value::Object(kept)
            }
            other => other.clone(),
        }
    }

    fn add(&mut self, name: &str, inner: Self) {
        match self.children.get_mut(name) {
            None => {
                self.children.insert(name.to_owned(), inner);
            }
            // `a,a/b` means all of a.
            Some(existing) if existing.children.is_empty() || inner.children.is_empty() => {
                *existing = Self::default();
            }
            Some(existing) => {
                for (name, inner) in inner.children {
                    existing.add(&name, inner);
                }
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Parser<'_> {
    fn invalid(&self) -> GoogleError {
        invalid(self.text)
    }

    fn list(&mut self) -> Result<Selection, GoogleError> {
        let mut selection = Selection::default();
        loop {
            let (name, inner) = self.path()?;
            selection.add(&name, inner);
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => return Ok(selection),
            }
        }
    }

    fn path(&mut self) -> Result<(String, Selection), GoogleError> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '*' | '_' | '-' | '@' | '.')));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if name.is_empty() {
            return Err(self.invalid());
        }
        self.rest = rest;
        if let Some(rest) = self.rest.strip_prefix('/') {
            self.rest = rest;
            let (child, inner) = self.path()?;
            let mut selection = Selection::default();
            selection.add(&child, inner);
            return Ok((name.to_owned(), selection));
        }
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            let selection = self.list()?;
            self.rest = self.rest.strip_prefix(')').ok_or_else(|| self.invalid())?;
            return Ok((name.to_owned(), selection));
        }
        Ok((name.to_owned(), Selection::default()))
    }
}

fn invalid(what: &str) -> GoogleError {
    GoogleError::invalid_parameter("fields", format!("Invalid field selection {what}"))
}

/// The fields of one event.
macro_rules! event_fields {
    () => {
        "kind,etag,id,status,htmlLink,created,updated,summary,description,location,colorId,\
         creator(id,email,displayName,self),organizer(id,email,displayName,self),\
         start(date,dateTime,timeZone),end(date,dateTime,timeZone),endTimeUnspecified,recurrence,\
         recurringEventId,originalStartTime(date,dateTime,timeZone),transparency,visibility,iCalUID,sequence,\
         attendees(id,email,displayName,organizer,self,resource,optional,responseStatus,comment,additionalGuests),\
         attendeesOmitted,extendedProperties(private(*),shared(*)),hangoutLink,conferenceData(*),\
         gadget(*),anyoneCanAddSelf,guestsCanInviteOthers,guestsCanModify,guestsCanSeeOtherGuests,privateCopy,\
         locked,reminders(useDefault,overrides(method,minutes)),source(url,title),\
         attachments(fileUrl,title,mimeType,iconLink,fileId),eventType,eventLabelId,workingLocationProperties(*),\
         outOfOfficeProperties(*),focusTimeProperties(*),birthdayProperties(*)"
    };
}

/// The shape of one event.
pub const EVENT: &str = event_fields!();
/// The shape of a page of events.
pub const EVENTS: &str = concat!(
    "kind,etag,summary,description,updated,timeZone,accessRole,defaultReminders(method,minutes),\
     nextPageToken,nextSyncToken,items(",
    event_fields!(),
    ")"
);
/// The shape of a calendar.
pub const CALENDAR: &str = "kind,etag,id,summary,description,location,timeZone,dataOwner,labelProperties(*),workingHours(*),\
     conferenceProperties(allowedConferenceSolutionTypes),autoAcceptInvitations";
/// The fields of an entry of the calendar list.
macro_rules! list_fields {
    () => {
        "kind,etag,id,summary,description,location,timeZone,summaryOverride,colorId,backgroundColor,\
         foregroundColor,hidden,selected,accessRole,defaultReminders(method,minutes),\
         notificationSettings(notifications(type,method)),primary,deleted,dataOwner,\
         conferenceProperties(allowedConferenceSolutionTypes),autoAcceptInvitations"
    };
}
/// The shape of an entry of the calendar list.
pub const LIST_ENTRY: &str = list_fields!();
/// The shape of the calendar list.
pub const LIST: &str = concat!(
    "kind,etag,nextPageToken,nextSyncToken,items(",
    list_fields!(),
    ")"
);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn select(fields: &str, value: &Value) -> Value {
        Selection::parse(fields)
            .map(|selection| selection.apply(value))
            .unwrap_or(Value::Null)
    }

    #[test]
    fn the_grammar_selects() {
        let page = json!({"items": [{"id": "a", "start": {"date": "d", "timeZone": "z"}, "etag": "e"}],
            "nextSyncToken": "t", "kind": "k"});
        assert_eq!(
            select("items(id,start/date),nextSyncToken", &page),
            json!({"items": [{"id": "a", "start": {"date": "d"}}], "nextSyncToken": "t"})
        );
        assert_eq!(select("items/id", &page), json!({"items": [{"id": "a"}]}));
        assert_eq!(
            select("items/*/date", &page),
            json!({"items": [{"id": "a", "start": {"date": "d"}, "etag": "e"}]})
        );
        assert_eq!(select("*", &page), page);
        assert_eq!(
            select("items(id),items(etag)", &page),
            json!({"items": [{"id": "a", "etag": "e"}]})
        );
        assert_eq!(select("items,items/id", &page)["items"], page["items"]);
    }

    #[test]
    fn broken_and_unknown_selections_are_refused() {
        for broken in ["", "a(", "a(b", "a)", "a//b", ",a", "a,", "a b", "a()"] {
            assert_eq!(
                Selection::parse(broken).map_err(|e| e.reason),
                Err("invalidParameter"),
                "{broken}"
            );
        }
        for unknown in ["itmes", "items/idd", "items(start/when)", "items/summary/x"] {
            assert!(Selection::parse_for(unknown, EVENTS).is_err(), "{unknown}");
        }
        for known in [
            "items(extendedProperties/private/apptId,start)",
            "*",
            "items/start/*",
            "items/*",
        ] {
            assert!(Selection::parse_for(known, EVENTS).is_ok(), "{known}");
        }
    }
}
