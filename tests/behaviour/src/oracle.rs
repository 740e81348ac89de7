//! What must hold at the end of every test (the oracle of the trust page, I1 to I8 and I13 to I15).

use crate::trainer::{appointment_of, is_live};
use crate::{Laptop, World, start_of};
use chrono::SubsecRound as _;
use roundtrip_core::badge::Badge;
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::time::EventTime;
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_sandbox::google::{Google, Via};
use roundtrip_sandbox::log::LoggedRequest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every calendar as it was before Roundtrip came.
pub(crate) struct Before {
    etags: BTreeMap<(String, String, String), String>,
}

impl Before {
    pub(crate) fn of(google: &Google) -> Self {
        Self { etags: etags(google) }
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Etags by account, calendar and event.
fn etags(google: &Google) -> BTreeMap<(String, String, String), String> {
    let mut etags = BTreeMap::new();
    for account in google.accounts() {
        let account = text(&account, "email");
        for calendar in google.calendars(&account).unwrap_or_default() {
            let calendar = text(&calendar, "id");
            for event in google.list_all(&account, &calendar).unwrap_or_default() {
                etags.insert(
                    (account.clone(), calendar.clone(), text(&event, "id")),
                    text(&event, "etag"),
                );
            }
        }
    }
    etags
}

/// How many generations of an appointment the oracle looks for.
const GENERATIONS: u32 = 12;

impl World {
    /// Lets everything that is due happen, and then asks the oracle.
    pub async fn check_invariants(&self) {
        self.check_invariants_with(&[]).await;
    }

    /// As [`World::check_invariants`], with further laptops of the same trainer.
    pub async fn check_invariants_with(&self, others: &[&Laptop]) {
        let mut laptops = vec![&self.laptop];
        laptops.extend(others);
        // What one laptop did the next one hears of; two rounds let everybody know everything.
        for _ in 0..2 {
            for laptop in &laptops {
                laptop.settle().await;
            }
        }
        self.nothing_more_to_write(&laptops).await;
        self.check_safety();
        for laptop in laptops {
            self.badges_are_true(laptop).await;
            self.versions_only_grow(laptop).await;
            nothing_secret_on_the_disk(laptop);
        }
    }

    /// What must hold at any moment, also while services are away or something waits.
    pub fn check_safety(&self) {
        self.at_most_one_event_each();
        self.check_nobody_was_disturbed();
    }

    /// The part of [`World::check_safety`] that holds even while the trainer has just made a second event by hand.
    pub fn check_nobody_was_disturbed(&self) {
        self.no_foreign_event_was_touched();
        self.nobody_was_mailed();
        self.no_admin_was_told_twice();
    }

    /// I2: the next cycle sends no write.
    async fn nothing_more_to_write(&self, laptops: &[&Laptop]) {
        let mark = self.mark();
        for laptop in laptops {
            laptop.sync().await;
        }
        let mut writes = self.requests_since(mark);
        // A laptop that does not hold the writer lease asks for it with every cycle.
        let asks =
            |request: &LoggedRequest| laptops.len() > 1 && request.path.starts_with("/v1/me/integrations/");
        writes.retain(|request| request.method != "GET" && !asks(request));
        assert!(
            writes.is_empty(),
            "a quiet cycle wrote: {writes:#?} {:#?}",
            self.trainer().marked()
        );
    }

    fn own_ids(&self, appointment: &str) -> BTreeSet<String> {
        let (identity, id) = (&self.laptop.config.identity, AppointmentId::new(appointment));
        (1..=GENERATIONS)
            .map(|generation| identity.event_id(&id, generation).0)
            .collect()
    }

    /// Events that the trainer made, and of which they had an appointment made: ours since then.
    fn made_appointments(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut made = BTreeMap::<String, BTreeSet<String>>::new();
        for write in self.admin().writes() {
            let event = write.source.and_then(|source| source.event_id);
            if let Some(event) = event.filter(|_| write.operation == "create") {
                made.entry(write.appointment_id).or_default().insert(event);
            }
        }
        made
    }

    fn all_own_ids(&self) -> BTreeSet<String> {
        // Also of appointments that the platform has deleted: numbers only grow.
        let number = |id: &str| {
            id.strip_prefix("apt_")
                .and_then(|number| number.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let platform = &self.running.sandbox.platform;
        let highest = platform
            .appointments()
            .iter()
            .map(|record| number(&record.appointment.id))
            .max()
            .unwrap_or(0);
        (1..=highest + 10)
            .flat_map(|number| self.own_ids(&format!("apt_{number}")))
            .chain(self.made_appointments().into_values().flatten())
            .collect()
    }

    /// I3: never two events for one appointment.
    fn at_most_one_event_each(&self) {
        let Ok(events) = self
            .running
            .sandbox
            .google
            .list_all(self.person().google, "primary")
        else {
            return;
        };
        let made = self.made_appointments();
        let mut live = BTreeMap::<String, Vec<String>>::new();
        for event in events.iter().filter(|event| is_live(event)) {
            let id = text(event, "id");
            if let Some(appointment) = appointment_of(event) {
                // A copy under an id of the service's own is the trainer's business.
                let marked = made.get(appointment).is_some_and(|events| events.contains(&id));
                if marked || self.own_ids(appointment).contains(&id) {
                    live.entry(appointment.to_owned()).or_default().push(id);
                }
            }
        }
        live.retain(|_, ids| ids.len() > 1);
        assert!(live.is_empty(), "appointments with more than one event: {live:?}");
    }

    /// I4: nothing that Roundtrip did not make was changed or deleted.
    fn no_foreign_event_was_touched(&self) {
        let google = &self.running.sandbox.google;
        let audit = google.audit();
        let foreign: Vec<_> = {
            let own = self.all_own_ids();
            let by_us = audit.iter().filter(|entry| entry.via == Via::Api);
            by_us
                .filter(|entry| entry.event.as_ref().is_none_or(|event| !own.contains(event)))
                .collect()
        };
        assert!(
            foreign.is_empty(),
            "writes to events that are not ours: {foreign:#?}"
        );
        let elsewhere: Vec<_> = audit
            .iter()
            .filter(|entry| entry.via == Via::Api)
            .filter(|entry| entry.account != self.person().google || entry.calendar != self.person().google)
            .collect();
        assert!(
            elsewhere.is_empty(),
            "writes to a calendar that was not chosen: {elsewhere:#?}"
        );

        let by_person: BTreeSet<&String> = audit
            .iter()
            .filter(|entry| entry.via == Via::Person)
            .filter_map(|entry| entry.event.as_ref())
            .collect();
        let now = etags(google);
        for (place, etag) in &self.before.etags {
            let there = google.calendars(&place.0).unwrap_or_default();
            let calendar_lives = there.iter().any(|calendar| text(calendar, "id") == place.1);
            if calendar_lives && !by_person.contains(&place.2) {
                assert_eq!(
                    now.get(place),
                    Some(etag),
                    "the trainer's own event {place:?} was changed"
                );
            }
        }
    }

    /// I15: no attendees, `sendUpdates=none`, nobody mailed.
    fn nobody_was_mailed(&self) {
        for entry in self
            .running
            .sandbox
            .google
            .audit()
            .iter()
            .filter(|entry| entry.via == Via::Api)
        {
            assert_eq!(entry.send_updates.as_deref(), Some("none"), "{entry:?}");
            assert!(!entry.attendees_sent, "{entry:?}");
            assert!(entry.mailed.is_empty(), "{entry:?}");
        }
    }

    /// I7: exactly one notification for each move or creation that took effect, and none took effect twice.
    fn no_admin_was_told_twice(&self) {
        let platform = &self.running.sandbox.platform;
        let moves: Vec<_> = platform
            .writes()
            .into_iter()
            .filter(|write| matches!(write.operation, "move" | "create") && write.admin_notified)
            .collect();
        let keys: BTreeSet<_> = moves.iter().map(|write| &write.idempotency_key).collect();
        assert_eq!(keys.len(), moves.len(), "a move took effect twice: {moves:#?}");
        let told = platform.notifications();
        assert_eq!(
            told.len(),
            moves.len(),
            "one notification for each move: {told:#?}"
        );
        let mut last = BTreeMap::new();
        for told in &told {
            let slot = (told.to.start, told.to.end);
            let before = last.insert(&told.appointment_id, slot);
            assert_ne!(
                before,
                Some(slot),
                "the admin was told twice of the same move: {told:?}"
            );
        }
    }

    /// I1 and P13: what the window calls synced is the same on both sides, and the laptop knows it.
    async fn badges_are_true(&self, laptop: &Laptop) {
        let trainer = self.trainer();
        for status in laptop.snapshot().await.appointments {
            if status.badge != Badge::Synced {
                continue;
            }
            let id = status.record.appointment_id.as_str();
            let said = self.admin().appointment(id);
            let event = trainer.events(id).into_iter().find(|event| {
                status
                    .record
                    .event_id
                    .as_ref()
                    .is_some_and(|known| known.as_str() == text(event, "id"))
            });
            let event = event.unwrap_or_else(|| panic!("{id} is called synced and has no event"));
            assert_eq!(
                start_of(&event),
                // A calendar stores whole seconds.
                said.start.to_utc().trunc_subsecs(0),
                "{id} is called synced: {event:#?}"
            );
            assert_eq!(
                status.record.event.as_ref().map(|known| known.etag.0.clone()),
                Some(text(&event, "etag"))
            );
            let known = status
                .record
                .appointment
                .as_ref()
                .expect("a synced appointment is known");
            assert_eq!(
                known.version, said.version,
                "{id} is called synced, but the platform has gone on"
            );
            let Some(EventTime::Timed(shown)) = status.record.event.as_ref().map(|event| event.time) else {
                panic!("{id} is called synced without hours");
            };
            assert_eq!(
                (shown.start, shown.end),
                (known.span().start, known.span().end),
                "{id}"
            );
        }
    }

    /// I8: no laptop knows a version that the platform does not, and each history row about a write names its appointment.
    async fn versions_only_grow(&self, laptop: &Laptop) {
        for record in laptop.engine.ledger().records().await.expect("the ledger works") {
            let Some(known) = &record.appointment else {
                continue;
            };
            if let Some(said) = self.running.sandbox.platform.appointment(known.id.as_str()) {
                assert!(
                    known.version <= said.appointment.version + 1,
                    "{known:?} against {said:?}"
                );
            }
        }
        for item in laptop.history().await {
            let about_one = matches!(
                item.what,
                HistoryWhat::Added { .. }
                    | HistoryWhat::Changed { .. }
                    | HistoryWhat::Deleted { .. }
                    | HistoryWhat::MovedBack { .. }
            );
            if about_one {
                assert!(item.appointment_id.is_some(), "a row without a cause: {item:?}");
            }
        }
    }
}

/// How the sandbox's tokens begin.
const TOKENS: [&str; 4] = ["ya29.a0", "1//0g", "laa_", "lar_"];

/// I13: no token on the disk.
fn nothing_secret_on_the_disk(laptop: &Laptop) {
    for found in std::fs::read_dir(laptop.folder()).expect("the laptop's folder") {
        let path = found.expect("a file of the laptop").path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(byte, b'y' | b'1' | b'l') {
                let found = TOKENS
                    .iter()
                    .find(|token| bytes[at..].starts_with(token.as_bytes()));
                assert!(found.is_none(), "{found:?} in {}", path.display());
            }
        }
    }
}
