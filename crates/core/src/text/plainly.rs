//! What an event says of an appointment, found out without making any text. The short way for nearly all of them; whatever is
//! in the least unusual takes the long one, over [`super::render`] and [`super::observed`].

use super::{DASHES, LINK_PREFIX, NOTES_MAX_CHARS, is_normal, split, web_link};
use crate::appointment::Appointment;
use crate::event::Event;
use crate::settings::{PrivacyLevel, TextSettings};

/// The words of an event that says just what is said of the appointment.
pub(crate) struct Plainly<'a> {
    /// Title, both as the platform is told by it and as the calendar shows it.
    pub(crate) title: &'a str,
    /// Place, likewise.
    pub(crate) location: &'a str,
    /// Inside of the block, likewise.
    pub(crate) notes: &'a str,
    /// Link back to the appointment.
    pub(crate) source_url: Option<&'a str>,
}

/// The words of both sides, if they are the same, letter for letter and in the form in which they are compared. `None` proves
/// nothing.
pub(crate) fn plainly<'a>(
    appointment: &'a Appointment,
    event: &'a Event,
    settings: &TextSettings,
    client_names_allowed: bool,
) -> Option<Plainly<'a>> {
    let with_client = client_names_allowed && (settings.client_names || settings.client_contact);
    if appointment.private || settings.privacy != PrivacyLevel::Full || with_client {
        return None;
    }
    let place = appointment.place.as_ref();
    let title = place
        .and_then(|place| place.name.as_deref())
        .or(appointment.title.as_deref())
        .or(appointment.topic.as_deref())?;
    let location = place
        .and_then(|place| place.address.as_deref())
        .unwrap_or_default();
    let one_line = |text: &str| is_normal(text) && !text.contains('\n');
    if title.is_empty() || title != event.title || location != event.location {
        return None;
    }
    let notes = split(&event.description).block?.trim_matches('\n');
    let source_url = web_link(&appointment.url);
    let told = if settings.notes {
        appointment.notes.as_deref().unwrap_or_default()
    } else {
        ""
    };
    let said = one_line(title) && one_line(location) && is_normal(notes) && is_block(notes, told, source_url);
    said.then_some(Plainly {
        title,
        location,
        notes,
        source_url,
    })
}

/// True if the inside of a block, in the form in which it is compared, is made of these notes and this link.
fn is_block(inside: &str, notes: &str, link: Option<&str>) -> bool {
    // Notes that end with a space or a line break are not in that form, and nor is what they are the beginning of. Nor are dashes
    // written as they are told.
    if notes.len() > NOTES_MAX_CHARS || notes.contains(DASHES) {
        return false;
    }
    let rest = match inside.strip_prefix(notes) {
        Some("") => return link.is_none(),
        Some(rest) if notes.is_empty() => Some(rest),
        Some(rest) => rest.strip_prefix("\n\n"),
        None => None,
    };
    rest.and_then(|rest| rest.strip_prefix(LINK_PREFIX))
        .is_some_and(|rest| Some(rest) == link)
}
