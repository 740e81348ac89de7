//! What a trainer may do to appointments through the API, with every rule of the contract.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use crate::history::{self, AppRequest};

use super::model::{NewAppointment, end_of, slot_of};
use super::problem::{Problem, RefusalReason};
use super::state::{
    By, Fingerprint, KEY_MEMORY, NotificationKind, Person, Remembered, Reply, State, Write, in_zone,
};
use super::types::{
    ActorKind, Appointment, AppointmentStatus, AppointmentType, Changed, CreateRequest, EditRequest,
    EditableField, MoveRequest, Source,
};

const TITLE_MAX: usize = 200;
const NOTES_MAX: usize = 10_000;

/// Who asks, when, and under which conditions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub user: &'a str,
    pub idempotency_key: &'a str,
    pub if_match: Option<&'a str>,
    pub now: DateTime<Utc>,
    pub said: &'a AppRequest,
}

impl Ask<'_> {
    /// The hand for the history: this request, from the laptop it names.
    fn hand(&self, source: Option<&Source>) -> history::Actor {
        history::Actor::App(AppRequest {
            device: source.and_then(|source| source.device.clone()),
            ..self.said.clone()
        })
    }

    fn by(&self, person: &Person, source: Option<&Source>) -> By {
        By {
            actor: person.actor(ActorKind::Trainer),
            hand: self.hand(source),
        }
    }
}

impl State {
    /// `POST /v1/appointments/{id}/move`
    pub fn move_by_trainer(
        &mut self,
        ask: Ask<'_>,
        id: &str,
        request: &MoveRequest,
    ) -> Result<Reply, Problem> {
        let (start, end) = (request.start.to_utc(), request.end.to_utc());
        let fingerprint = Fingerprint {
            operation: "move",
            appointment_id: Some(id.to_owned()),
            start: Some(start),
            end: Some(end),
            text: None,
        };
        if let Some(reply) = self.replay(ask, &fingerprint)? {
            return Ok(reply);
        }
        let zone = checked_times(start, end, &request.time_zone)?;
        let before = self.may_write(ask, id)?;
        let stored = (
            before.appointment.start.to_utc(),
            before.appointment.end.map(|end| end.to_utc()),
        );
        if stored == (start, Some(end)) {
            return self.remember(ask, fingerprint, None, changed(&before.appointment, false)?);
        }
        if !before.appointment.editable.contains(&EditableField::Time) {
            return Err(Problem::not_editable("time"));
        }
        if before.locked {
            let detail = "The time of this appointment has been fixed by the admin.";
            return Err(Problem::move_refused(RefusalReason::Locked, detail));
        }
        if before.appointment.status == AppointmentStatus::Cancelled {
            return Err(Problem::move_refused(
                RefusalReason::Other,
                "This appointment has been cancelled.",
            ));
        }
        if self.rules.past && end_of(&before.appointment) <= ask.now {
            return Err(Problem::move_refused(
                RefusalReason::InPast,
                "This appointment has already taken place.",
            ));
        }
        let person = self
            .people
            .get(ask.user)
            .ok_or_else(Problem::not_assigned)?
            .clone();
        self.rules
            .check(start, end, zone, person.german_holidays, ask.now)?;
        if self.rules.overlap
            && let Some(conflicting) = self.overlapping(ask.user, Some(id), start, end)
        {
            return Err(Problem::overlap(Some(before.appointment), conflicting));
        }
        let from = slot_of(&before.appointment);
        let source = request.source.clone();
        let by = ask.by(&person, source.as_ref());
        let appointment = self.change(id, by, ask.now, |record| {
            record.appointment.start = in_zone(start, zone);
            record.appointment.end = Some(in_zone(end, zone));
            record.appointment.time_zone = zone.name().to_owned();
            record.source.clone_from(&source);
        })?;
        if request.notify_admin {
            let kind = NotificationKind::Moved;
            let hand = ask.hand(source.as_ref());
            let told = (hand, ask.now);
            self.notify_admins(kind, ask.user, &appointment, Some(from), source.clone(), told);
        }
        let write = Done {
            source,
            admin_notified: request.notify_admin,
        };
        self.remember(
            ask,
            fingerprint,
            Some(write),
            changed(&appointment, request.notify_admin)?,
        )
    }

    /// `PATCH /v1/appointments/{id}`
    pub fn edit_by_trainer(
        &mut self,
        ask: Ask<'_>,
        id: &str,
        request: &EditRequest,
    ) -> Result<Reply, Problem> {
        let fingerprint = Fingerprint {
            operation: "edit",
            appointment_id: Some(id.to_owned()),
            start: None,
            end: None,
            text: request.notes.clone().flatten(),
        };
        if let Some(reply) = self.replay(ask, &fingerprint)? {
            return Ok(reply);
        }
        let Some(notes) = request.notes.clone() else {
            return Err(Problem::invalid(422, &["notes"], "There is nothing to change."));
        };
        if notes
            .as_ref()
            .is_some_and(|notes| notes.chars().count() > NOTES_MAX)
        {
            return Err(Problem::invalid(
                422,
                &["notes"],
                "Notes may have up to 10,000 characters.",
            ));
        }
        let before = self.may_write(ask, id)?;
        if before.appointment.notes == notes {
            return self.remember(ask, fingerprint, None, changed(&before.appointment, false)?);
        }
        if !before.appointment.editable.contains(&EditableField::Notes) {
            return Err(Problem::not_editable("notes"));
        }
        let person = self
            .people
            .get(ask.user)
            .ok_or_else(Problem::not_assigned)?
            .clone();
        let by = ask.by(&person, None);
        let appointment = self.change(id, by, ask.now, |record| record.appointment.notes = notes)?;
        let write = Done {
            source: None,
            admin_notified: false,
        };
        self.remember(ask, fingerprint, Some(write), changed(&appointment, false)?)
    }

    /// `POST /v1/appointments`
    pub fn create_by_trainer(
        &mut self,
        ask: Ask<'_>,
        base_url: &str,
        request: &CreateRequest,
    ) -> Result<Reply, Problem> {
        let (start, end) = (request.start.to_utc(), request.end.to_utc());
        let fingerprint = Fingerprint {
            operation: "create",
            appointment_id: None,
            start: Some(start),
            end: Some(end),
            text: Some(request.title.clone()),
        };
        if let Some(reply) = self.replay(ask, &fingerprint)? {
            return Ok(reply);
        }
        let person = self
            .people
            .get(ask.user)
            .ok_or_else(Problem::not_assigned)?
            .clone();
        if let Some(reason) = self.policy(ask.user).reason {
            return Err(Problem::sync_disabled(reason));
        }
        if !person.may_create {
            let detail = "You may not create appointments from a calendar.";
            return Err(Problem::new(
                403,
                super::problem::Code::NotAllowed,
                "Not allowed",
                detail,
            ));
        }
        let zone = checked_times(start, end, &request.time_zone)?;
        if request.title.trim().is_empty() || request.title.chars().count() > TITLE_MAX {
            return Err(Problem::invalid(
                422,
                &["title"],
                "A title of 1 to 200 characters is needed.",
            ));
        }
        if request
            .notes
            .as_ref()
            .is_some_and(|notes| notes.chars().count() > NOTES_MAX)
        {
            return Err(Problem::invalid(
                422,
                &["notes"],
                "Notes may have up to 10,000 characters.",
            ));
        }
        if let Err(refused) = self
            .rules
            .check(start, end, zone, person.german_holidays, ask.now)
        {
            return Err(Problem::invalid(422, &["start", "end"], refused.detail.clone()));
        }
        if self.rules.overlap
            && let Some(conflicting) = self.overlapping(ask.user, None, start, end)
        {
            return Err(Problem::overlap(None, conflicting));
        }
        let new = NewAppointment {
            kind: AppointmentType {
                id: "from_calendar".to_owned(),
                name: "From the calendar".to_owned(),
            },
            location: request.location.clone(),
            end: Some(end),
            notes: request.notes.clone(),
            editable: vec![EditableField::Time, EditableField::Notes],
            ..NewAppointment::new(ask.user, &request.title, start, 0, zone)
        };
        let by = ask.by(&person, request.source.as_ref());
        let appointment = self.create(new, base_url, by, ask.now);
        let number = self.last_number;
        if let Some(record) = self.records.get_mut(&number) {
            record.source.clone_from(&request.source);
        }
        if request.notify_admin {
            let kind = NotificationKind::Created;
            self.notify_admins(
                kind,
                ask.user,
                &appointment,
                None,
                request.source.clone(),
                (ask.hand(request.source.as_ref()), ask.now),
            );
        }
        let write = Done {
            source: request.source.clone(),
            admin_notified: request.notify_admin,
        };
        let reply = Reply {
            status: 201,
            version: appointment.version,
            body: json(&appointment)?,
        };
        self.remember(ask, fingerprint, Some(write), (appointment.id, reply))
    }

    /// The checks before the rules: whose it is, whether sync is on, and `If-Match`.
    fn may_write(&self, ask: Ask<'_>, id: &str) -> Result<super::state::Record, Problem> {
        let record = self.assigned(ask.user, id)?;
        if let Some(reason) = self.policy(ask.user).reason {
            return Err(Problem::sync_disabled(reason));
        }
        let if_match = ask.if_match.ok_or_else(Problem::precondition_required)?;
        let current = format!("\"{}\"", record.appointment.version);
        let matches = if_match
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag == current);
        if matches {
            Ok(record.clone())
        } else {
            Err(Problem::version_mismatch(record.appointment.clone()))
        }
    }

    /// The answer already given under this key. Looked up before anything else about the request is judged.
    fn replay(&self, ask: Ask<'_>, fingerprint: &Fingerprint) -> Result<Option<Reply>, Problem> {
        match self.recall(ask.user, ask.idempotency_key, ask.now) {
            None => Ok(None),
            Some(found) if found.fingerprint == *fingerprint => Ok(Some(found.reply.clone())),
            Some(_) => Err(Problem::key_reused()),
        }
    }

    /// Remembers a successful answer, and what was done (`None`: nothing had to be).
    fn remember(
        &mut self,
        ask: Ask<'_>,
        fingerprint: Fingerprint,
        done: Option<Done>,
        (appointment_id, reply): (String, Reply),
    ) -> Result<Reply, Problem> {
        let now = ask.now;
        if let Some(Done {
            source,
            admin_notified,
        }) = done
        {
            self.writes.push(Write {
                at: now,
                operation: fingerprint.operation,
                user: ask.user.to_owned(),
                appointment_id,
                version: reply.version,
                idempotency_key: ask.idempotency_key.to_owned(),
                source,
                admin_notified,
            });
        }
        self.remembered
            .retain(|_, remembered| now - remembered.at < KEY_MEMORY);
        let key = (ask.user.to_owned(), ask.idempotency_key.to_owned());
        self.remembered.insert(
            key,
            Remembered {
                at: now,
                fingerprint,
                reply: reply.clone(),
            },
        );
        Ok(reply)
    }
}

struct Done {
    source: Option<Source>,
    admin_notified: bool,
}

fn checked_times(start: DateTime<Utc>, end: DateTime<Utc>, time_zone: &str) -> Result<Tz, Problem> {
    let zone: Tz = time_zone
        .parse()
        .map_err(|_| Problem::invalid(422, &["time_zone"], "The time zone must be an IANA name."))?;
    if end <= start {
        return Err(Problem::invalid(
            422,
            &["start", "end"],
            "An appointment must end after it begins.",
        ));
    }
    if end - start > TimeDelta::days(14) {
        return Err(Problem::invalid(
            422,
            &["start", "end"],
            "An appointment may last 14 days at most.",
        ));
    }
    Ok(zone)
}

fn changed(appointment: &Appointment, admin_notified: bool) -> Result<(String, Reply), Problem> {
    let body = json(&Changed {
        appointment: appointment.clone(),
        admin_notified,
    })?;
    Ok((
        appointment.id.clone(),
        Reply {
            status: 200,
            version: appointment.version,
            body,
        },
    ))
}

fn json(value: &impl Serialize) -> Result<Value, Problem> {
    let refused = |_| Problem::invalid(422, &[], "The answer cannot be written as JSON.");
    serde_json::to_value(value).map_err(refused)
}
