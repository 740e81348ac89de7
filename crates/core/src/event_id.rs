//! Event ids chosen by us, so that a second laptop or a lost database finds the same ones.

use crate::ids::{AppointmentId, CalendarId, EventId, Generation, TrainerId};
use sha2::{Digest, Sha256};

/// Whose appointments go into whose calendar: everything an event id is made from but appointment and generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The platform's issuer address.
    pub platform: String,
    /// The trainer there.
    pub trainer: TrainerId,
    /// The account's subject at the calendar service.
    pub account: String,
    /// The account's e-mail address; its main calendar is reachable under it, too.
    pub account_email: String,
    /// The calendar.
    pub calendar: CalendarId,
    /// Calendars of the same account that were in use before, the main one as "primary"; never the present one. The trainer may have
    /// moved events out of them by hand, which keep their ids then.
    pub former: Vec<CalendarId>,
}

impl Identity {
    /// Fingerprint of platform and trainer for the mark: tells our own events from those of another platform.
    pub fn platform_fingerprint(&self) -> String {
        hex_prefix(&digest(&[&self.platform, self.trainer.as_str()]), 16)
    }

    /// The calendar under its one name. The main calendar has two; both must give the same ids, or choosing it by its
    /// address would double every event.
    pub(crate) fn calendar_name(&self) -> &str {
        self.name_of(&self.calendar)
    }

    fn name_of<'a>(&self, calendar: &'a CalendarId) -> &'a str {
        if calendar.as_str().eq_ignore_ascii_case(&self.account_email) {
            "primary"
        } else {
            calendar.as_str()
        }
    }

    /// True if the id is one that we chose for this appointment, up to this generation. Else the trainer made the event.
    pub fn chose(&self, event: &EventId, appointment: &AppointmentId, generation: Generation) -> bool {
        self.generation_of(event, appointment, generation).is_some()
    }

    /// Which generation of this appointment, up to this one, the id was chosen for, in this calendar or in a former one.
    pub fn generation_of(
        &self,
        event: &EventId,
        appointment: &AppointmentId,
        newest: Generation,
    ) -> Option<Generation> {
        let mut here = 1..=newest.max(1);
        let mut formerly = here.clone();
        here.find(|nth| self.event_id(appointment, *nth) == *event)
            .or_else(|| formerly.find(|nth| self.chose_formerly(event, appointment, *nth)))
    }

    /// True if the id is one that we chose for this generation of the appointment while a former calendar was in use: the
    /// trainer moved the event here by hand.
    pub(crate) fn chose_formerly(
        &self,
        event: &EventId,
        appointment: &AppointmentId,
        generation: Generation,
    ) -> bool {
        let mut names = self.former.iter().map(|calendar| self.name_of(calendar));
        names.any(|name| self.id_in(name, appointment, generation) == *event)
    }

    /// What an event that the trainer made carries once it belongs to an appointment: it ties our mark to this very event.
    pub fn origin(&self, event: &EventId) -> String {
        let parts = ["origin", &self.platform, self.trainer.as_str(), event.as_str()];
        hex_prefix(&digest(&parts), 32)
    }

    /// The event id for one generation of one appointment in this calendar. Former ones have no part in it.
    ///
    /// Base32hex in lower case: the alphabet that Google takes for client-chosen ids
    /// (developers.google.com/workspace/calendar/api/v3/reference/events, `id`). 32 bytes make 52 characters.
    pub fn event_id(&self, appointment: &AppointmentId, generation: Generation) -> EventId {
        self.id_in(self.calendar_name(), appointment, generation)
    }

    fn id_in(&self, calendar: &str, appointment: &AppointmentId, generation: Generation) -> EventId {
        let hash = digest(&[
            &self.platform,
            self.trainer.as_str(),
            appointment.as_str(),
            &self.account,
            calendar,
            &generation.to_string(),
        ]);
        EventId(data_encoding::BASE32HEX_NOPAD.encode(&hash).to_ascii_lowercase())
    }
}

/// False for an id that [`Identity::event_id`] never makes, whoever it is for.
pub fn may_be_chosen(id: &EventId) -> bool {
    let id = id.as_str();
    id.len() == 52 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v'))
}

/// SHA-256 over parts, each with its length, so that no two lists of parts give the same input.
pub(crate) fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// The first `length` hexadecimal digits.
pub(crate) fn hex_prefix(bytes: &[u8], length: usize) -> String {
    let mut text = data_encoding::HEXLOWER.encode(bytes);
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(calendar: &str) -> Identity {
        Identity {
            platform: "https://platform.example".into(),
            trainer: TrainerId::new("usr_7"),
            account: "1057".into(),
            account_email: "mara@gmail.example".into(),
            calendar: CalendarId::new(calendar),
            former: Vec::new(),
        }
    }

    #[test]
    fn what_we_choose_may_be_chosen_and_what_services_choose_may_not() {
        for generation in 1..50 {
            let id = identity("primary").event_id(&AppointmentId::new("apt_41"), generation);
            assert!(may_be_chosen(&id), "{id}");
        }
        for theirs in [
            "",
            "4bd0a1o2kk7r3vsd0h2hnlq8gc",
            "_60q30c1g60o30e1i60o4ac1g60rj8gpl88rj2c1h84s34h9g60s30c1g60o30c1g",
        ] {
            assert!(!may_be_chosen(&EventId::new(theirs)), "{theirs}");
        }
        assert!(!may_be_chosen(&EventId::new("w".repeat(52))));
    }

    #[test]
    fn ids_use_only_the_alphabet_google_takes() {
        let id = identity("primary").event_id(&AppointmentId::new("apt_1"), 1);
        assert_eq!(id.as_str().len(), 52);
        assert!(
            id.as_str()
                .chars()
                .all(|c| c.is_ascii_digit() || ('a'..='v').contains(&c))
        );
    }

    #[test]
    fn the_main_calendar_has_one_identity_under_both_names() {
        let appointment = AppointmentId::new("apt_1");
        assert_eq!(
            identity("primary").event_id(&appointment, 1),
            identity("Mara@gmail.example").event_id(&appointment, 1)
        );
    }

    #[test]
    fn each_generation_and_calendar_has_ids_of_its_own() {
        let appointment = AppointmentId::new("apt_1");
        let first = identity("primary").event_id(&appointment, 1);
        assert_ne!(first, identity("primary").event_id(&appointment, 2));
        assert_ne!(
            first,
            identity("other@group.calendar.google.com").event_id(&appointment, 1)
        );
    }
    #[test]
    fn former_calendars_have_no_part_in_new_ids() {
        let appointment = AppointmentId::new("apt_1");
        let mut moved = identity("other@group.calendar.google.com");
        let before = moved.event_id(&appointment, 1);
        moved.former = vec![CalendarId::new("primary")];
        assert_eq!(moved.event_id(&appointment, 1), before);
    }

    #[test]
    fn an_id_of_a_former_calendar_is_chosen_by_us_up_to_the_generation_asked_for() {
        let appointment = AppointmentId::new("apt_1");
        let id = identity("primary").event_id(&appointment, 2);
        let mut moved = identity("other@group.calendar.google.com");
        assert!(!moved.chose(&id, &appointment, 2));
        for name in ["primary", "Mara@gmail.example"] {
            moved.former = vec![CalendarId::new("third"), CalendarId::new(name)];
            assert_eq!(moved.generation_of(&id, &appointment, 3), Some(2), "{name}");
            assert!(!moved.chose(&id, &appointment, 1));
            assert!(!moved.chose(&id, &AppointmentId::new("apt_2"), 2));
        }
        let own = moved.event_id(&appointment, 1);
        assert_eq!(moved.generation_of(&own, &appointment, 3), Some(1));
    }
}
