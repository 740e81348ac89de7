//! What may stand in the log: known fields, each in a known form. Everything else is withheld, and a line shows that it was.

use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};

/// Stands where something was withheld.
pub const WITHHELD: &str = "…";

/// In what form a field may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Our own fixed text. That it is fixed is held by a test over the sources.
    Message,
    /// The id of a run or request: `rt-` and hexadecimal digits.
    Run,
    /// A stable word of ours: lower-case letters and `_`, from a value that only ever is one.
    Word,
    /// Text of an error: only words of [`VOCABULARY`].
    Error,
    /// A number or yes and no.
    Number,
}

/// The fields that exist, with their form. A new one is added here, or it is withheld.
const FIELDS: [(&str, Form); 33] = [
    ("message", Form::Message),
    ("run", Form::Run),
    ("request", Form::Run),
    ("code", Form::Word),
    ("side", Form::Word),
    ("service", Form::Word),
    ("provider", Form::Word),
    ("trigger", Form::Word),
    ("result", Form::Word),
    ("platform", Form::Word),
    ("calendar", Form::Word),
    ("method", Form::Word),
    ("error", Form::Error),
    ("reason", Form::Error),
    ("text", Form::Error),
    ("status", Form::Number),
    ("millis", Form::Number),
    ("seconds", Form::Number),
    ("added", Form::Number),
    ("changed", Form::Number),
    ("removed", Form::Number),
    ("moved_back", Form::Number),
    ("problems", Form::Number),
    ("count", Form::Number),
    ("events", Form::Number),
    ("deleted", Form::Number),
    ("kept", Form::Number),
    ("remaining", Form::Number),
    ("before", Form::Number),
    ("now", Form::Number),
    ("attempts", Form::Number),
    ("failures", Form::Number),
    ("version", Form::Number),
];

/// The words that the text of an error may consist of. They are those of our own errors, of SQLite's and of the system's; a
/// name or a title that happens to be made of nothing else tells nobody anything.
const VOCABULARY: &str = "a about above access account accounts address after again aborted already an and another answer \
    any app are argument as asked at attempt audit available bad be because been before broken bus busy but by cannot \
    certificate channel check closed code column commit connect connected connection constraint contain corrupt could \
    created damaged data database date dbus deadline decode decrypted deleted denied device did directory disk does door \
    empty encrypted end ended entry environment error exceeded exclusive exist exists expected expired failed field file \
    files folder for foreign found from full future gone has have held high host id in index input integrity interface \
    internal interrupted into invalid io is it item its json key keychain keys keyring kind know known large last ledger \
    length limit link locked log long longer low malformed means memory message method migration missing mode more name \
    named network new newer no not notification null number of offline on one only open opened operation option or os other \
    out own page permission permitted pipe pool port possible presented process property protocol provided provider query \
    reached read reading readonly refused reply request reset resource response result right row rows running schema secret \
    service session set setting sign signed size some something space stale start started state statement still stopped store \
    stored such supported system table taken terminated text than that the there they this thread time timed to token tokens \
    too transaction transport tray tried try trying type unable unavailable unexpected unique unknown unreachable \
    unreadable unsupported until up use used value version volatile wait waited waiting was were while window with without \
    word write writer written wrong";

/// True for events of our own crates.
pub fn is_ours(target: &str) -> bool {
    let room = target.split("::").next().unwrap_or(target);
    room == "roundtrip" || room.starts_with("roundtrip_")
}

/// Takes the fields of an event or a span and keeps what may be written.
#[derive(Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// What may be written.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    fn number(&mut self, field: &Field, value: Value) {
        let known = form_of(field.name()).is_some();
        let value = if known { value } else { WITHHELD.into() };
        self.0.insert(field.name().to_owned(), value);
    }

    fn text(&mut self, field: &Field, value: &str) {
        let told = match form_of(field.name()) {
            Some(Form::Message) => message(value),
            Some(Form::Run) => only(value, is_run),
            Some(Form::Word) => only(value, is_word),
            Some(Form::Error) => error(value),
            Some(Form::Number) | None => WITHHELD.to_owned(),
        };
        self.0.insert(field.name().to_owned(), told.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

fn form_of(name: &str) -> Option<Form> {
    FIELDS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, form)| *form)
}

/// The names of all fields that may be written.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

fn only(value: &str, good: fn(&str) -> bool) -> String {
    if good(value) { value } else { WITHHELD }.to_owned()
}

fn is_run(value: &str) -> bool {
    value.strip_prefix("rt-").is_some_and(|id| {
        id.len() <= 48
            && id
                .chars()
                .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase() || c == '-')
    })
}

fn is_word(value: &str) -> bool {
    (1..=32).contains(&value.len()) && value.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// Fixed texts have neither digits nor anything that an address is made of: if one has, it was put together.
fn message(value: &str) -> String {
    let fixed = |c: char| c.is_ascii_alphabetic() || " ,.;:'()-…_\"".contains(c);
    if value.len() <= 160 && value.chars().all(fixed) {
        value.to_owned()
    } else if value == "roundtrip:// links could not be registered" {
        // The one fixed text with an address in it: that of our own scheme.
        value.to_owned()
    } else {
        WITHHELD.to_owned()
    }
}

/// The text of an error, word by word; what is not of the vocabulary is withheld.
fn error(value: &str) -> String {
    let mut told: Vec<&str> = Vec::new();
    for word in value.split_whitespace().take(60) {
        let bare = word.trim_matches(|c: char| ",.;:'()\"".contains(c));
        let number = (1..=4).contains(&bare.len()) && bare.chars().all(|c| c.is_ascii_digit());
        let known = number || bare.is_empty() || VOCABULARY.split_whitespace().any(|word| word == bare);
        match (known, told.last()) {
            (true, _) => told.push(word),
            (false, Some(&WITHHELD)) => {}
            (false, _) => told.push(WITHHELD),
        }
    }
    told.join(" ")
}
