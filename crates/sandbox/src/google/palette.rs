//! The classic colours, as `colors.get` answers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

const CALENDAR: [&str; 24] = [
    "#ac725e", "#d06b64", "#f83a22", "#fa573c", "#ff7537", "#ffad46", "#42d692", "#16a765", "#7bd148",
    "#b3dc6c", "#fbe983", "#fad165", "#92e1c0", "#9fe1e7", "#9fc6e7", "#4986e7", "#9a9cff", "#b99aff",
    "#c2c2c2", "#cabdbf", "#cca6ac", "#f691b2", "#cd74e6", "#a47ae2",
];
const EVENT: [&str; 11] = [
    "#a4bdfc", "#7ae7bf", "#dbadff", "#ff887c", "#fbd75b", "#ffb878", "#46d6db", "#e1e1e1", "#5484ed",
    "#51b749", "#dc2127",
];
const TEXT: &str = "#1d1d1d";

/// Background and foreground of a calendar colour; unknown ids show the first.
pub fn calendar_color(id: u8) -> (&'static str, &'static str) {
    let index = usize::from(id.saturating_sub(1));
    (CALENDAR.get(index).unwrap_or(&CALENDAR[0]), TEXT)
}

/// The whole answer of `colors.get`.
pub fn colors(updated: DateTime<Utc>) -> Value {
    let table = |colors: &[&str]| -> Value {
        let rows = colors.iter().enumerate();
        Value::Object(
            rows.map(|(index, color)| {
                (
                    (index + 1).to_string(),
                    json!({"background": color, "foreground": TEXT}),
                )
            })
            .collect::<Map<_, _>>(),
        )
    };
    json!({
        "kind": "calendar#colors",
        "updated": super::when::millis(updated),
        "calendar": table(&CALENDAR),
        "event": table(&EVENT),
    })
}
