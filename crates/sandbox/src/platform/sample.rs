//! Sample people and appointments: realistic German data, the same for the same seed and start.

use std::collections::BTreeSet;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;

use super::Config;
use super::calendar_rules::berlin_holiday;
use super::model::NewAppointment;
use super::state::{By, Person, State};
use super::types::{AppointmentStatus, AppointmentType, Client, EditableField, Location, Role};
use crate::shared::SeededRandom;

pub(super) const ADMIN_NAME: &str = "Jana Roth";
/// The trainer who gets the appointments that were asked for.
const MAIN_TRAINER: &str = "usr_7";

pub(super) fn people() -> Vec<Person> {
    let person = |id: &str, name: &str, email: &str, role, time_zone, german| Person {
        id: id.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
        role,
        locale: if german { "de-DE" } else { "en-US" }.to_owned(),
        time_zone,
        german_holidays: german,
        may_create: true,
        paused: None,
        client_names_allowed: true,
        min_poll_seconds: 60,
    };
    let berlin = chrono_tz::Europe::Berlin;
    vec![
        person("usr_1", ADMIN_NAME, "jana@example.org", Role::Admin, berlin, true),
        person(
            MAIN_TRAINER,
            "Mara Vogt",
            "mara@example.org",
            Role::Trainer,
            berlin,
            true,
        ),
        person(
            "usr_8",
            "Ben Adler",
            "ben@example.org",
            Role::Trainer,
            berlin,
            true,
        ),
        person(
            "usr_9",
            "Lena West",
            "lena@example.org",
            Role::Trainer,
            chrono_tz::America::Los_Angeles,
            false,
        ),
    ]
}

/// Name, street, postal code and town.
const PHARMACIES: [(&str, &str, &str); 24] = [
    ("Linden-Apotheke", "Lindenstr. 5", "10969 Berlin"),
    ("Adler-Apotheke", "Breite Str. 22", "13597 Berlin"),
    (
        "Apotheke am Nauener Tor",
        "Friedrich-Ebert-Str. 31",
        "14467 Potsdam",
    ),
    ("Löwen-Apotheke", "Mittelstr. 14", "14641 Nauen"),
    ("Bären-Apotheke", "Karl-Marx-Allee 84", "10243 Berlin"),
    ("Rosen-Apotheke", "Potsdamer Str. 7", "14513 Teltow"),
    ("Havel-Apotheke", "Bahnhofstr. 3", "14612 Falkensee"),
    ("Einhorn-Apotheke", "Kurfürstendamm 139", "10709 Berlin"),
    ("Schloss-Apotheke", "Spandauer Damm 19", "14059 Berlin"),
    (
        "Apotheke zum Goldenen Hirsch",
        "Hauptstr. 61",
        "14776 Brandenburg an der Havel",
    ),
    ("Stern-Apotheke", "Newtonstr. 2", "14480 Potsdam"),
    ("Wald-Apotheke", "Clayallee 340", "14169 Berlin"),
    ("Hubertus-Apotheke", "Berliner Str. 48", "14547 Beelitz"),
    ("Brunnen-Apotheke", "Brunnenstr. 171", "10119 Berlin"),
    ("Apotheke am Markt", "Am Markt 9", "14669 Ketzin/Havel"),
    ("Sonnen-Apotheke", "Sonnenallee 112", "12045 Berlin"),
    ("Nordend-Apotheke", "Seestr. 64", "13347 Berlin"),
    ("Germania-Apotheke", "Müllerstr. 138", "13353 Berlin"),
    ("Kloster-Apotheke", "Klosterstr. 12", "14797 Kloster Lehnin"),
    ("Park-Apotheke", "Allee nach Sanssouci 4", "14471 Potsdam"),
    ("Rathaus-Apotheke", "Rathausplatz 1", "16761 Hennigsdorf"),
    ("Kranich-Apotheke", "Dallgower Str. 10", "14624 Dallgow-Döberitz"),
    ("Spree-Apotheke", "Alt-Moabit 86", "10555 Berlin"),
    (
        "Apotheke im Ärztehaus Großbeeren",
        "Dorfaue 27",
        "14979 Großbeeren",
    ),
];

const TOPICS: [&str; 12] = [
    "Auffrischung Impfen in der Apotheke",
    "Medikationsanalyse in der Praxis",
    "Beratungsgespräch: Hochdruck und Inhalation",
    "Rezeptprüfung und Retaxation vermeiden",
    "Neue Arzneimittel im 4. Quartal",
    "Teamführung für Filialleitungen",
    "Umgang mit schwierigen Gesprächen",
    "E-Rezept: Abläufe am HV-Tisch",
    "Diabetes-Beratung und Messgeräte",
    "Hautpflege und Sonnenschutz",
    "Lieferengpässe gut erklären",
    "Datenschutz im Apothekenalltag",
];

const NOTES: [&str; 6] = [
    "Bitte die Handouts mitbringen.",
    "Parken im Hof, Klingel „Personal“.",
    "Beamer ist vorhanden, HDMI-Kabel fehlt.",
    "Gruppe von 6 Personen, zwei davon neu im Team.",
    "Im Anschluss kurze Rücksprache mit der Filialleitung.",
    "Impfzubehör liegt im Kühlschrank bereit.",
];

const HTML_NOTES: &str = "<p><b>Ablauf</b></p><ul><li>Begrüßung &amp; Vorstellung</li><li>Fallbeispiele \
    (<i>Inhalation</i>)</li><li>Fragen</li></ul><p>Unterlagen: <a href=\"https://example.org/unterlagen\">example.org\
    </a><br>Bitte &lt;leise&gt; klingeln.</p>";

const LIST_NOTES: &str = "Mitbringen:\n- Laptop\n- Moderationskoffer\n- 12 Namensschilder\n\n1. Einstieg\n2. Übung\n\
    3. Auswertung\n\nRückfragen an Jana Roth.";

const CLIENTS: [&str; 12] = [
    "Ada Klein",
    "Jürgen Weiß",
    "Sevgi Yılmaz",
    "Torben Krüger",
    "Annegret Lüdtke",
    "Piotr Nowak",
    "Miriam Öztürk",
    "Hans-Peter Schulze",
    "Linh Nguyễn",
    "Claudia von Berg",
    "Samuel Okafor",
    "Friederike Groß",
];

/// id, name
const TYPES: [(&str, &str); 4] = [
    ("pharmacy_visit", "Pharmacy visit"),
    ("coaching", "Coaching"),
    ("team_call", "Team call"),
    ("workshop", "Workshop"),
];

const LONG_TITLE: &str = "Intensiv-Workshop für Filialleitungen und stellvertretende Leitungen: Arzneimittelsicherheit, \
    Dokumentationspflichten und Gesprächsführung in anspruchsvollen Beratungssituationen (Teil 2 von 3)";

/// What is unusual about an appointment; the most telling ones first, as a small number does not reach the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    Tentative,
    NoEnd,
    NoTitle,
    HtmlNotes,
    Private,
    NoLocation,
    Emoji,
    LongTitle,
    NotEditable,
    NotesEditable,
    NeitherTitleNorTopic,
    Locked,
    PlaceWithoutName,
    ListNotes,
}

const SPECIALS: [Special; 14] = [
    Special::Tentative,
    Special::NoEnd,
    Special::NoTitle,
    Special::HtmlNotes,
    Special::Private,
    Special::NoLocation,
    Special::Emoji,
    Special::LongTitle,
    Special::NotEditable,
    Special::NotesEditable,
    Special::NeitherTitleNorTopic,
    Special::Locked,
    Special::PlaceWithoutName,
    Special::ListNotes,
];

/// Local starts of the five stretches of a working day, 2.5 hours each.
const STRETCHES: [(u32, u32); 5] = [(7, 30), (10, 0), (12, 30), (15, 0), (17, 30)];
/// At most so many appointments a week, so that a great number spreads over years.
const PER_WEEK: usize = 22;
/// From this many on, six of them lie around the next changes to and from summer time.
const DST_FROM: usize = 16;

/// The appointments of a fresh platform.
pub(super) fn fill(state: &mut State, random: &mut SeededRandom, config: &Config, now: DateTime<Utc>) {
    let people: Vec<Person> = state.people.values().cloned().collect();
    for person in people {
        let count = match person.id.as_str() {
            MAIN_TRAINER => config.appointments,
            "usr_1" => 3,
            "usr_8" => 6,
            _ => 4,
        };
        if person.id == MAIN_TRAINER && count > 0 {
            past(state, random, &person, &config.base_url, now);
        }
        fill_for(state, random, &person, count, &config.base_url, now);
    }
}

/// Adds `count` appointments of one person on days on which nothing is planned yet.
pub(super) fn fill_for(
    state: &mut State,
    random: &mut SeededRandom,
    person: &Person,
    count: usize,
    base_url: &str,
    now: DateTime<Utc>,
) {
    let zone = person.time_zone;
    let around_dst = if count >= DST_FROM {
        dst_days(now.with_timezone(&zone).date_naive())
    } else {
        Vec::new()
    };
    let mut taken: BTreeSet<NaiveDate> = state
        .records
        .values()
        .filter(|record| record.assignee.as_ref() == Some(&person.id))
        .map(|record| record.appointment.start.with_timezone(&zone).date_naive())
        .collect();
    taken.extend(around_dst.iter().map(|(day, _)| *day));
    let starts = regular_starts(random, count - around_dst.len(), now, zone, &taken);
    let mut specials = SPECIALS.iter().copied();
    for (index, start) in starts.into_iter().enumerate() {
        // Two of three are special until each kind has been there; the first is plain.
        let special = if index % 3 == 0 { None } else { specials.next() };
        add(state, random, person, start, special, base_url, now);
    }
    for (day, hour) in around_dst {
        let start = NaiveTime::from_hms_opt(hour, 0, 0).and_then(|time| instant(day.and_time(time), zone));
        if let Some(start) = start {
            add(state, random, person, start, None, base_url, now);
        }
    }
}

/// Two that are over: nothing from before a connection is ever written.
fn past(state: &mut State, random: &mut SeededRandom, person: &Person, base_url: &str, now: DateTime<Utc>) {
    let today = now.with_timezone(&person.time_zone).date_naive();
    for days in [2, 6] {
        let day = today.checked_sub_days(Days::new(days));
        let start = day.and_then(|day| instant(day.and_hms_opt(10, 0, 0)?, person.time_zone));
        if let Some(start) = start {
            add(state, random, person, start, None, base_url, now);
        }
    }
}

/// Starts on working days from tomorrow on, in order, at most one in each stretch.
fn regular_starts(
    random: &mut SeededRandom,
    count: usize,
    now: DateTime<Utc>,
    zone: Tz,
    taken: &BTreeSet<NaiveDate>,
) -> Vec<DateTime<Utc>> {
    let weeks = count.div_ceil(PER_WEEK).max(8);
    let today = now.with_timezone(&zone).date_naive();
    let mut free = Vec::new();
    let mut day = today;
    // Days that are taken or holidays are made up for at the end.
    while free.len() < weeks * 5 * STRETCHES.len() {
        let Some(next) = day.succ_opt() else { break };
        day = next;
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        if !weekend && berlin_holiday(day).is_none() && !taken.contains(&day) {
            free.extend(STRETCHES.iter().map(|stretch| (day, *stretch)));
        }
    }
    // The first `count` of a shuffle.
    for index in 0..count.min(free.len()) {
        let other = index + random.below(free.len() - index);
        free.swap(index, other);
    }
    free.truncate(count);
    free.sort_unstable();
    let local = free
        .into_iter()
        .filter_map(|(day, (hour, minute))| day.and_hms_opt(hour, minute, 0));
    local.filter_map(|local| instant(local, zone)).collect()
}

/// Days around the next two changes of the clocks in Europe, each with an hour.
fn dst_days(today: NaiveDate) -> Vec<(NaiveDate, u32)> {
    let next_change = |month| {
        let of_year = |year| last_sunday(year, month).filter(|sunday| *sunday > today);
        of_year(today.year()).or_else(|| of_year(today.year() + 1))
    };
    let around = |sunday: NaiveDate| {
        let after = sunday.checked_add_days(Days::new(1));
        // Easter Monday may follow the change in spring.
        let after = after
            .filter(|day| berlin_holiday(*day).is_none())
            .or(sunday.checked_add_days(Days::new(2)));
        [(sunday.pred_opt(), 9), (Some(sunday), 10), (after, 9)]
    };
    let changes = [next_change(3), next_change(10)].into_iter().flatten();
    changes
        .flat_map(around)
        .filter_map(|(day, hour)| Some((day?, hour)))
        .collect()
}

fn last_sunday(year: i32, month: u32) -> Option<NaiveDate> {
    let last = NaiveDate::from_ymd_opt(year, month, 31)?;
    last.checked_sub_days(Days::new(u64::from(last.weekday().num_days_from_sunday())))
}

fn instant(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    zone.from_local_datetime(&local).earliest().map(|at| at.to_utc())
}

fn add(
    state: &mut State,
    random: &mut SeededRandom,
    person: &Person,
    stretch_start: DateTime<Utc>,
    special: Option<Special>,
    base_url: &str,
    now: DateTime<Utc>,
) {
    let (pharmacy, street, town) = random.pick(&PHARMACIES).copied().unwrap_or(PHARMACIES[0]);
    let topic = random.pick(&TOPICS).copied().unwrap_or(TOPICS[0]);
    // Most are visits.
    let kind = if random.below(2) == 0 {
        TYPES[0]
    } else {
        random.pick(&TYPES).copied().unwrap_or(TYPES[0])
    };
    let minutes = [60, 75, 90, 90, 120, 150][random.below(6)];
    // 1 to 2.5 hours within a stretch of 2.5; the first of all stays at the full or half hour.
    let late = if minutes <= 120 {
        [0, 0, 15, 30][random.below(4)]
    } else {
        0
    };
    let start = stretch_start + TimeDelta::minutes(late);
    let title = match kind.0 {
        "coaching" => format!("Coaching {pharmacy}"),
        "team_call" => "Teamrunde Trainerinnen und Trainer".to_owned(),
        "workshop" => format!("Workshop: {topic}"),
        _ => pharmacy.to_owned(),
    };
    let place = Location {
        name: Some(pharmacy.to_owned()),
        address: Some(format!("{street}, {town}")),
    };
    let notes = if random.below(3) == 0 {
        None
    } else {
        random.pick(&NOTES).map(|note| (*note).to_owned())
    };
    let client = (kind.0 != "team_call").then(|| client(random));
    let mut new = NewAppointment {
        kind: AppointmentType {
            id: kind.0.to_owned(),
            name: kind.1.to_owned(),
        },
        topic: Some(topic.to_owned()),
        location: (kind.0 != "team_call").then_some(place),
        notes,
        client,
        ..NewAppointment::new(&person.id, &title, start, minutes, person.time_zone)
    };
    match special {
        None => {}
        Some(Special::Tentative) => new.status = AppointmentStatus::Tentative,
        Some(Special::NoEnd) => new.end = None,
        Some(Special::NoTitle) => {
            new.title = None;
            new.location = new.location.map(|place| Location { name: None, ..place });
        }
        Some(Special::HtmlNotes) => new.notes = Some(HTML_NOTES.to_owned()),
        Some(Special::Private) => {
            new.private = true;
            new.title = Some("Vertrauliches Gespräch".to_owned());
        }
        Some(Special::NoLocation) => new.location = None,
        Some(Special::Emoji) => new.title = Some(format!("💊 {pharmacy} 🌿 Grüße aus 東京")),
        Some(Special::LongTitle) => new.title = Some(LONG_TITLE.to_owned()),
        Some(Special::NotEditable) => new.editable = Vec::new(),
        Some(Special::NotesEditable) => new.editable = vec![EditableField::Time, EditableField::Notes],
        Some(Special::NeitherTitleNorTopic) => {
            new.title = None;
            new.topic = None;
            new.location = None;
        }
        Some(Special::Locked) => new.locked = true,
        Some(Special::PlaceWithoutName) => {
            new.location = new.location.map(|place| Location { name: None, ..place });
        }
        Some(Special::ListNotes) => new.notes = Some(LIST_NOTES.to_owned()),
    }
    state.create(new, base_url, By::admin(ADMIN_NAME), now);
}

fn client(random: &mut SeededRandom) -> Client {
    let index = random.below(CLIENTS.len());
    let first_name = CLIENTS[index].split(' ').next().unwrap_or("info").to_lowercase();
    let mailbox: String = first_name.chars().filter(char::is_ascii_alphanumeric).collect();
    Client {
        id: format!("cli_{}", index + 1),
        name: Some(CLIENTS[index].to_owned()),
        // Not everybody gave every detail.
        email: (index % 4 != 3).then(|| format!("{mailbox}@example.org")),
        phone: (index % 3 != 2).then(|| format!("+49 30 {}", 1_234_567 + index * 1111)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::model::end_of;
    use crate::platform::state::Record;

    fn filled(count: usize) -> State {
        let people = people()
            .into_iter()
            .map(|person| (person.id.clone(), person))
            .collect();
        let mut state = State {
            people,
            ..State::default()
        };
        let config = Config {
            base_url: "https://platform.example".to_owned(),
            appointments: count,
            auto_consent: false,
        };
        let now = "2026-11-21T08:00:00Z".parse().expect("an instant");
        fill(&mut state, &mut SeededRandom::new(7), &config, now);
        state
    }

    fn of<'a>(state: &'a State, user: &str) -> Vec<&'a Record> {
        let mut records: Vec<_> = state
            .records
            .values()
            .filter(|record| record.assignee.as_deref() == Some(user))
            .collect();
        records.sort_by_key(|record| record.appointment.start);
        records
    }

    #[test]
    fn as_many_as_asked_for_none_overlapping_and_the_same_again() {
        for count in [0, 1, 15, 16, 24, 1_000, 10_000] {
            let state = filled(count);
            let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().expect("an instant");
            let records = of(&state, MAIN_TRAINER);
            let coming = records
                .iter()
                .filter(|record| record.appointment.start > now)
                .count();
            assert_eq!(coming, count);
            for pair in records.windows(2) {
                let (one, next) = (&pair[0].appointment, &pair[1].appointment);
                assert!(end_of(one) <= next.start, "{} and {}", one.id, next.id);
            }
            if count <= 24 {
                let again = filled(count);
                assert!(state.records.values().eq(again.records.values()));
            }
        }
    }

    #[test]
    fn every_special_kind_is_there_from_the_start() {
        let state = filled(24);
        let records = of(&state, MAIN_TRAINER);
        let has = |what: fn(&Record) -> bool| assert!(records.iter().any(|record| what(record)));
        has(|record| record.appointment.status == AppointmentStatus::Tentative);
        has(|record| record.appointment.end.is_none());
        has(|record| record.appointment.title.is_none() && record.appointment.topic.is_some());
        has(|record| record.appointment.title.is_none() && record.appointment.topic.is_none());
        has(|record| record.appointment.location.is_none());
        has(|record| record.appointment.private);
        has(|record| record.appointment.editable.is_empty());
        has(|record| record.appointment.editable.len() == 2);
        has(|record| {
            record
                .appointment
                .notes
                .as_deref()
                .is_some_and(|notes| notes.contains("<ul>"))
        });
        has(|record| {
            record
                .appointment
                .title
                .as_deref()
                .is_some_and(|title| title.contains('💊'))
        });
        has(|record| {
            record
                .appointment
                .title
                .as_deref()
                .is_some_and(|title| title.chars().count() > 150)
        });
        has(|record| record.locked);
        let longest = records
            .iter()
            .filter_map(|record| record.appointment.title.as_deref());
        assert!(longest.map(|title| title.chars().count()).max() <= Some(200));
    }

    #[test]
    fn the_weeks_in_which_the_clocks_change_have_appointments() {
        let state = filled(24);
        let starts: Vec<String> = of(&state, MAIN_TRAINER)
            .iter()
            .map(|record| record.appointment.start.to_rfc3339())
            .collect();
        let around = |start: &str| {
            assert!(
                starts.iter().any(|known| known.starts_with(start)),
                "{start} in {starts:?}"
            )
        };
        // 28 March 2027 is Easter Sunday as well, so that the Monday is a holiday.
        for start in [
            "2027-03-27",
            "2027-03-28",
            "2027-03-30",
            "2027-10-30",
            "2027-10-31",
            "2027-11-01",
        ] {
            around(start);
        }
        let offset = |day: &str| {
            let start = starts
                .iter()
                .find(|start| start.starts_with(day))
                .expect("that day");
            start[start.len() - 6..].to_owned()
        };
        assert_eq!(
            (offset("2027-03-27"), offset("2027-03-28")),
            ("+01:00".to_owned(), "+02:00".to_owned())
        );
    }
}
