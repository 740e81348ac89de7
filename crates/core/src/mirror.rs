//! The privacy mirror: what a stranger, somebody with whom the calendar is shared, and the trainer see of an appointment
//! under some settings.

use crate::appointment::Appointment;
use crate::event::Event;
use crate::outbox::Intent;
use crate::reconcile::{self, Context, Standing};
use crate::record::Record;
use crate::settings::{PrivacyLevel, TextSettings};
use crate::text;
use crate::time::TimeSpan;

/// What somebody sees of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Title; none where only "busy" is seen.
    pub title: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Notes, without the marker lines.
    pub notes: Option<String>,
}

/// One appointment as three people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// When it is in the calendar, or would be.
    pub time: TimeSpan,
    /// There is an event at all: else nobody sees anything in the calendar.
    pub in_calendar: bool,
    /// The event takes the trainer's time. One that the trainer marked as free does not: a stranger sees nothing of it.
    pub busy: bool,
    /// Somebody who only sees free and busy.
    pub stranger: Sight,
    /// Somebody with whom the calendar is shared in full.
    pub shared: Sight,
    /// The trainer: everything the platform knows.
    pub you: Sight,
}

/// Looks at an appointment under the context's settings, as if what they decide had been written already. `None` for one
/// that is not the trainer's any more.
pub fn mirror(record: &Record, ctx: &Context) -> Option<Mirror> {
    let appointment = record.appointment.as_ref().filter(|_| record.removal.is_none())?;
    let decision = reconcile::wanted(record, ctx);
    if decision.standing == Standing::Gone {
        return None;
    }
    let now = record.event.as_ref();
    let mut mirror = Mirror {
        time: appointment.span(),
        in_calendar: now.is_some(),
        busy: now.is_some_and(|event| !event.free && !event.declined),
        stranger: Sight::default(),
        shared: now.map(sight_of).unwrap_or_default(),
        you: everything(appointment, ctx),
    };
    for intent in &decision.intents {
        match intent {
            Intent::Insert { body, .. } => {
                mirror.in_calendar = true;
                mirror.busy = true;
                mirror.shared = Sight {
                    title: filled(&body.title),
                    location: filled(&body.location),
                    notes: notes_of(&body.description),
                };
            }
            Intent::Patch { body, mask, .. } => {
                if mask.title {
                    mirror.shared.title = filled(&body.title);
                }
                if mask.location {
                    mirror.shared.location = filled(&body.location);
                }
                if mask.description {
                    mirror.shared.notes = notes_of(&body.description);
                }
            }
            // A second event of the same appointment goes; the one that is looked at stays.
            Intent::Delete { event_id, .. } if now.is_some_and(|event| event.id != *event_id) => {}
            Intent::Delete { .. } => {
                mirror.in_calendar = false;
                mirror.busy = false;
                mirror.shared = Sight::default();
            }
            Intent::Move { .. } | Intent::Notes { .. } | Intent::Create { .. } => {}
        }
    }
    Some(mirror)
}

fn sight_of(event: &Event) -> Sight {
    Sight {
        title: filled(&event.title),
        location: filled(&event.location),
        notes: notes_of(&event.description),
    }
}

fn filled(text: &str) -> Option<String> {
    let text = text::normalise(text);
    (!text.is_empty()).then_some(text)
}

/// The trainer's own text and ours: whoever sees the event sees both.
fn notes_of(description: &str) -> Option<String> {
    let parts = text::split(description);
    let whole = [parts.before, parts.block.unwrap_or_default(), parts.after];
    let whole: Vec<String> = whole.iter().filter_map(|part| filled(part)).collect();
    (!whole.is_empty()).then(|| whole.join("\n\n"))
}

/// What the platform itself shows the trainer, client and contact included.
fn everything(appointment: &Appointment, ctx: &Context) -> Sight {
    let open = Appointment {
        private: false,
        ..appointment.clone()
    };
    let settings = TextSettings {
        notes: true,
        client_names: true,
        client_contact: true,
        privacy: PrivacyLevel::Full,
        ..ctx.settings.text.clone()
    };
    let rendered = text::render(&open, &settings, ctx.settings.language, true);
    Sight {
        title: filled(&rendered.title),
        location: filled(&rendered.location),
        notes: filled(&rendered.block),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{appointment, context, linked, linked_with};

    const NOW: &str = "2026-11-21T10:00:00Z";

    fn unlinked(appointment: Appointment) -> Record {
        let mut record = Record::new(appointment.id.clone());
        record.appointment = Some(appointment);
        record
    }

    fn text(sight: &Sight) -> String {
        [&sight.title, &sight.location, &sight.notes]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_stranger_sees_busy_and_the_trainer_everything() {
        let ctx = context(NOW);
        for record in [linked(&ctx), unlinked(appointment())] {
            let seen = mirror(&record, &ctx).expect("it is the trainer's");
            assert!(seen.in_calendar && seen.busy);
            assert_eq!(seen.stranger, Sight::default());
            assert_eq!(seen.shared.title.as_deref(), Some("Linden-Apotheke"));
            assert!(text(&seen.shared).contains("Bring the handouts."));
            for secret in ["Ada Klein", "ada@example.org", "+49 30 1234567"] {
                assert!(!text(&seen.shared).contains(secret), "{secret}");
                assert!(text(&seen.you).contains(secret), "{secret}");
            }
            assert!(!text(&seen.shared).contains('┈'));
        }
    }

    #[test]
    fn the_trainer_sees_everything_whatever_events_tell() {
        let mut ctx = context(NOW);
        ctx.settings.text = TextSettings {
            notes: false,
            privacy: PrivacyLevel::Busy,
            ..TextSettings::default()
        };
        let seen = mirror(&linked(&ctx), &ctx).expect("it is the trainer's");
        assert_eq!(seen.you.title.as_deref(), Some("Linden-Apotheke · Ada Klein"));
        assert!(text(&seen.you).contains("Bring the handouts."));
    }

    #[test]
    fn it_shows_what_the_settings_will_write_not_what_is_there() {
        let mut ctx = context(NOW);
        let record = linked(&ctx);
        ctx.settings.text.privacy = PrivacyLevel::Busy;
        let seen = mirror(&record, &ctx).expect("it is the trainer's");
        assert_eq!(text(&seen.shared), "Busy");
        ctx.settings.text.privacy = PrivacyLevel::TypeOnly;
        let seen = mirror(&record, &ctx).expect("it is the trainer's");
        assert_eq!(text(&seen.shared), "Pharmacy visit");
        ctx.settings.text = TextSettings {
            client_names: true,
            notes: false,
            ..TextSettings::default()
        };
        let seen = mirror(&record, &ctx).expect("it is the trainer's");
        assert_eq!(seen.shared.title.as_deref(), Some("Linden-Apotheke · Ada Klein"));
        assert!(!text(&seen.shared).contains("handouts"));
    }

    #[test]
    fn private_ones_are_busy_for_everybody_but_the_trainer() {
        let mut ctx = context(NOW);
        ctx.settings.filters.include_private = true;
        let private = Appointment {
            private: true,
            ..appointment()
        };
        let seen = mirror(&linked_with(&ctx, private), &ctx).expect("it is the trainer's");
        assert_eq!(text(&seen.shared), "Busy");
        assert!(text(&seen.you).contains("Linden-Apotheke"));
    }

    #[test]
    fn what_is_left_out_nobody_sees_and_what_is_kept_stays_visible() {
        let mut ctx = context(NOW);
        let record = linked(&ctx);
        ctx.settings.filters.types_off.insert("pharmacy_visit".into());
        let seen = mirror(&record, &ctx).expect("it is the trainer's");
        assert!(!seen.in_calendar && !seen.busy);
        assert_eq!(seen.shared, Sight::default());
        ctx.settings.filters.left_out = crate::settings::LeftOutPolicy::Keep;
        let seen = mirror(&record, &ctx).expect("it is the trainer's");
        assert!(seen.in_calendar);
        assert_eq!(seen.shared.title.as_deref(), Some("Linden-Apotheke"));
    }

    #[test]
    fn the_trainer_s_own_words_are_seen_too_and_a_free_event_takes_no_time() {
        let ctx = context(NOW);
        let mut record = linked(&ctx);
        let event = record.event.as_mut().expect("linked");
        event.description = format!("Ring the bell twice\n\n{}", event.description);
        event.free = true;
        let seen = mirror(&record, &ctx).expect("it is the trainer's");
        let notes = seen.shared.notes.expect("notes");
        assert!(notes.starts_with("Ring the bell twice\n\nBring the handouts."));
        assert!(seen.in_calendar && !seen.busy);
    }
}
