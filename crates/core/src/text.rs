//! What an event says, and how texts are compared.
//!
//! A description is the trainer's own text with, somewhere in it, one *managed block* between two quiet marker lines.
//! Only the block is ours; everything outside survives every update (P10). The block holds no words of any language,
//! so that changing the language of the app is no reason to write.

mod plainly;
mod tags;

use crate::appointment::{Appointment, AppointmentStatus};
use crate::event::{Event, EventBody, FieldHashes};
use crate::event_id::{digest, hex_prefix};
use crate::record::{Field, FieldValues, Value};
use crate::settings::{Language, PrivacyLevel, TextSettings};
use crate::time::{EventTime, TimeSpan};
pub(crate) use plainly::plainly;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

const MARK_START: &str = "┈┈ Roundtrip ┈┈";
const MARK_LINE: &str = "┈┈ Roundtrip ┈┈┈┈┈┈┈┈";
const MARK_END: &str = "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈";
/// So many of its dashes end a block, however many a service leaves.
const RUN: &str = "┈┈┈┈┈┈┈┈";
/// Without two of them side by side there is no marker line.
const DASHES: &str = "┈┈";
const LINK_PREFIX: &str = "↗ ";
const CONTACT_PREFIX: &str = "☎ ";
/// Google stores descriptions to 8,192 characters; room is left for the trainer's own text.
const NOTES_MAX_CHARS: usize = 6_000;

/// What one appointment's event should say under the trainer's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// When.
    pub time: TimeSpan,
    /// Title in the trainer's language.
    pub title: String,
    /// All wordings of the title that count as the same one.
    pub title_wordings: Vec<String>,
    /// Place.
    pub location: String,
    /// Inside of the managed block; empty means no block.
    pub block: String,
    /// True if the notes in the block are all of the platform's notes, so that an edit of them can be reported: neither cut nor
    /// made of HTML that says more than its text, nor with dashes that are drawn otherwise.
    pub notes_whole: bool,
    /// Shown as tentative.
    pub tentative: bool,
    /// Hidden from people who share the calendar.
    pub private: bool,
    /// Colour.
    pub color: Option<String>,
    /// Link back.
    pub source_url: Option<String>,
}

impl Rendered {
    /// Values for comparing with what the platform said before: the canonical wording, free of language.
    pub fn canonical(&self) -> FieldValues {
        FieldValues {
            time: Some(Value::Time(EventTime::Timed(self.time))),
            title: self
                .title_wordings
                .first()
                .map(|title| Value::Text(normalise(title))),
            location: Some(Value::Text(normalise(&self.location))),
            // Already plain text: read as HTML a second time, an angle bracket in it would be lost.
            notes: Some(Value::Text(self.block.clone())),
        }
    }

    /// Values for comparing with the calendar: the wording that is written.
    pub fn written(&self) -> FieldValues {
        FieldValues {
            title: Some(Value::Text(normalise(&self.title))),
            ..self.canonical()
        }
    }

    /// Short hash of what is neither time nor text.
    pub fn looks(&self) -> String {
        looks_hash(
            self.tentative,
            self.private,
            self.color.as_deref(),
            self.source_url.as_deref(),
        )
    }
}

/// The same hash of what a body writes.
pub(crate) fn looks_of(body: &EventBody) -> String {
    looks_hash(
        body.tentative,
        body.private,
        body.color.as_deref(),
        body.source_url.as_deref(),
    )
}

pub(crate) fn looks_hash(
    tentative: bool,
    private: bool,
    color: Option<&str>,
    source_url: Option<&str>,
) -> String {
    let (color, source) = (color.unwrap_or_default(), source_url.unwrap_or_default());
    short_hash(&format!("{tentative}|{private}|{color}|{source}"))
}

/// Renders an appointment. `client_names_allowed` is the platform's word and wins over the trainer's settings.
pub fn render(
    appointment: &Appointment,
    settings: &TextSettings,
    language: Language,
    client_names_allowed: bool,
) -> Rendered {
    let busy_only = appointment.private || settings.privacy == PrivacyLevel::Busy;
    let place = appointment.place.as_ref();
    let filled = |text: Option<&String>| text.map(|t| plain(t)).filter(|t| !t.is_empty());
    let own_title = filled(place.and_then(|p| p.name.as_ref()))
        .or_else(|| filled(appointment.title.as_ref()))
        .or_else(|| filled(appointment.topic.as_ref()));
    let type_name = plain(&appointment.kind.name);

    let wordings = if busy_only {
        vec!["Busy".to_owned(), "Beschäftigt".to_owned()]
    } else if settings.privacy == PrivacyLevel::TypeOnly && !type_name.is_empty() {
        vec![type_name]
    } else if let Some(title) = own_title {
        vec![title]
    } else if let Some(fallback) = filled(settings.fallback_title.as_ref()) {
        vec![fallback]
    } else {
        vec!["Coaching Session".to_owned(), "Coaching-Termin".to_owned()]
    };
    let wordings: Vec<String> = wordings
        .into_iter()
        .map(|title| with_client(title, appointment, settings, client_names_allowed, busy_only))
        .collect();
    let title = match language {
        Language::En => wordings.first(),
        Language::De => wordings.last(),
    }
    .cloned()
    .unwrap_or_default();

    let full = !busy_only && settings.privacy == PrivacyLevel::Full;
    let location = if full {
        location_line(appointment)
    } else {
        String::new()
    };
    let (block, notes_whole) = if full {
        block(appointment, settings, client_names_allowed)
    } else {
        (String::new(), false)
    };
    Rendered {
        time: appointment.span(),
        title,
        title_wordings: wordings,
        location,
        block,
        notes_whole,
        tentative: appointment.status == AppointmentStatus::Tentative,
        private: appointment.private,
        color: settings.color.clone(),
        source_url: full
            .then(|| web_link(&appointment.url))
            .flatten()
            .map(str::to_owned),
    }
}

fn with_client(
    title: String,
    appointment: &Appointment,
    settings: &TextSettings,
    allowed: bool,
    busy_only: bool,
) -> String {
    let name = appointment
        .client
        .as_ref()
        .and_then(|client| client.name.as_ref());
    match name {
        Some(name) if allowed && settings.client_names && !busy_only => format!("{title} · {}", plain(name)),
        _ => title,
    }
}

fn location_line(appointment: &Appointment) -> String {
    appointment
        .place
        .as_ref()
        .and_then(|place| place.address.as_ref())
        .map(|a| plain(a))
        .unwrap_or_default()
}

fn block(appointment: &Appointment, settings: &TextSettings, client_names_allowed: bool) -> (String, bool) {
    let mut parts = Vec::new();
    let mut notes_whole = settings.notes;
    if settings.notes {
        let told = appointment.notes.as_deref().unwrap_or_default();
        let notes = normalise(told);
        notes_whole = !tags::say_more_than(told, &notes) && !notes.contains(DASHES);
        let notes = without_dashes(notes);
        if notes.chars().count() > NOTES_MAX_CHARS {
            notes_whole = false;
            let cut: String = notes.chars().take(NOTES_MAX_CHARS).collect();
            parts.push(format!("{cut}…"));
        } else if !notes.is_empty() {
            parts.push(notes);
        }
    }
    let mut lines = Vec::new();
    let client = appointment
        .client
        .as_ref()
        .filter(|_| settings.client_contact && client_names_allowed);
    if let Some(client) = client {
        let contact: Vec<String> = [&client.name, &client.phone, &client.email]
            .into_iter()
            .flatten()
            .map(|text| without_dashes(plain(text)))
            .filter(|text| !text.is_empty())
            .collect();
        if !contact.is_empty() {
            lines.push(format!("{CONTACT_PREFIX}{}", contact.join(", ")));
        }
    }
    if let Some(url) = web_link(&appointment.url) {
        lines.push(format!("{LINK_PREFIX}{url}"));
    }
    if !lines.is_empty() {
        parts.push(lines.join("\n"));
    }
    (parts.join("\n\n"), notes_whole)
}

/// What somebody pasted out of another event, or a platform's own lines, must not look like one of our marker lines: the block
/// would be taken apart there. Such dashes are drawn otherwise.
fn without_dashes(text: String) -> String {
    if text.contains(DASHES) {
        text.replace('┈', "─")
    } else {
        text
    }
}

/// A link is written only if it is one that a browser opens; a platform cannot smuggle in another scheme.
fn web_link(url: &str) -> Option<&str> {
    let url = url.trim();
    let known = url.starts_with("https://") || url.starts_with("http://");
    let refused = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '┈');
    (known && !url.contains(refused)).then_some(url)
}

/// What the calendar shows now, field by field, normalised.
pub fn observed(event: &Event) -> FieldValues {
    let inside = split(&event.description).block.unwrap_or_default();
    FieldValues {
        time: Some(Value::Time(event.time)),
        title: Some(Value::Text(normalise(&event.title))),
        location: Some(Value::Text(normalise(&event.location))),
        notes: Some(Value::Text(normalise(inside))),
    }
}

/// The notes inside an event's block without contact and link, or `None` if the block is not whole any more (then an
/// edit of it is never reported: a deleted block must not empty the platform's notes). `block` is what the inside is to be
/// ([`Rendered::block`]): its contact and link are left out wherever they stand, for the trainer may have typed below them.
pub fn notes_in(event: &Event, block: &str) -> Option<String> {
    let inside = split(&event.description).block?;
    let text = normalise(inside);
    let lines: Vec<&str> = text.lines().collect();
    let is_link = |line: &str| line.starts_with(LINK_PREFIX.trim_end());
    let is_contact = |line: &str| line.starts_with(CONTACT_PREFIX.trim_end());
    if !lines.iter().any(|line| is_link(line)) {
        return None;
    }
    let ours = written_tail(block);
    // What is left of a line once ours is taken off its beginning.
    let typed = |line: &str| -> Option<usize> {
        ours.iter()
            .find(|own| {
                line.strip_prefix(**own)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
            .map(|own| own.len())
    };
    let known = lines.iter().any(|line| is_link(line) && typed(line).is_some());
    let mut notes: Vec<&str> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let before_link = lines
            .get(index + 1)
            .is_some_and(|next| is_link(next) && typed(next).is_some());
        let begins = index == 0 || lines[index - 1].is_empty();
        let kept = match typed(line) {
            Some(ours) => line[ours..].trim_start(),
            // Another contact in the place of ours was written under other settings.
            None if is_contact(line) && before_link && begins => "",
            None => line,
        };
        let gone = kept.is_empty() && !line.is_empty();
        let second_blank = kept.is_empty() && notes.last().is_none_or(|last| last.is_empty());
        if !gone && !second_blank {
            notes.push(kept);
        }
    }
    while let Some(last) = notes.last() {
        // A link that is not the present one is known by its place, at the end.
        let old = !known && (is_link(last) || is_contact(last));
        if !old && !last.is_empty() {
            break;
        }
        notes.pop();
    }
    Some(notes.join("\n"))
}

/// The lines at the end of a block that are ours: contact and link, as they are written. Notes may have lines that look alike.
fn written_tail(block: &str) -> Vec<&str> {
    let tail = block.rsplit_once("\n\n").map_or(block, |(_, tail)| tail);
    let ours = |line: &str| line.starts_with(LINK_PREFIX) || line.starts_with(CONTACT_PREFIX);
    match tail.lines().last() {
        Some(last) if last.starts_with(LINK_PREFIX) && tail.lines().all(ours) => tail.lines().collect(),
        Some(_) | None => Vec::new(),
    }
}

/// The lines of a block that are not notes: contact and link.
pub(crate) fn tail_of(block: &str) -> Vec<&str> {
    block
        .lines()
        .filter(|line| {
            line.starts_with(LINK_PREFIX.trim_end()) || line.starts_with(CONTACT_PREFIX.trim_end())
        })
        .collect()
}

/// A description taken apart. `before` and `after` are the trainer's, exactly as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description<'a> {
    /// Own text before the block.
    pub before: &'a str,
    /// Inside of the block as stored, if both marker lines are there.
    pub block: Option<&'a str>,
    /// Own text after the block.
    pub after: &'a str,
}

/// True if the text made of a description says all of it, so that the one may stand for the other: no link behind other words.
pub(crate) fn is_told_by_text(description: &str) -> bool {
    !tags::say_more_than(description, &normalise(description))
}

/// What of a description is the trainer's, as text: what stands outside the block, without what is left of marker lines.
pub(crate) fn own_text(description: &str) -> String {
    let parts = split(description);
    let of = |part: &str| match part {
        "" => String::new(),
        part => normalise(&without_marker_lines(part)),
    };
    let (before, after) = (of(parts.before), of(parts.after));
    let between = if before.is_empty() || after.is_empty() {
        ""
    } else {
        "\n\n"
    };
    format!("{before}{between}{after}")
}

/// Takes a stored description apart at the marker lines. Works on the stored text, so that the trainer's own HTML stays
/// as it is.
pub fn split(description: &str) -> Description<'_> {
    let inside = description
        .strip_prefix(MARK_LINE)
        .and_then(|rest| rest.strip_suffix(MARK_END));
    // As we wrote it and nothing else: most events are so.
    if let Some(inside) = inside.filter(|inside| !inside.is_empty() && !inside.contains('┈')) {
        return Description {
            before: "",
            block: Some(inside),
            after: "",
        };
    }
    let whole = || Description {
        before: description,
        block: None,
        after: "",
    };
    let Some(mut start) = description.find(MARK_START) else {
        return whole();
    };
    let (inside, end) = loop {
        let rest = &description[start + MARK_START.len()..];
        let inside_at = rest.find(|c| c != '┈').unwrap_or(rest.len());
        let inside = &rest[inside_at..];
        let Some(end) = inside.find(RUN) else {
            return whole();
        };
        // A block that begins again before it ends: what stands between is the trainer's.
        match inside.find(MARK_START).filter(|again| *again < end) {
            Some(again) => start += MARK_START.len() + inside_at + again,
            None => break (inside, end),
        }
    };
    let tail = &inside[end..];
    let after_at = tail.find(|c| c != '┈').unwrap_or(tail.len());
    Description {
        before: &description[..start],
        block: Some(&inside[..end]),
        after: &tail[after_at..],
    }
}

/// Puts a block into a description, in place of the old one, and leaves everything else as it is.
///
/// If one of the marker lines was damaged, what is left of them is taken out and the new block is put at the end; the
/// trainer's own words are never touched.
pub fn compose(existing: Option<&str>, block: &str) -> String {
    let parts = split(existing.unwrap_or_default());
    let html = looks_like_html(parts.before) || looks_like_html(parts.after);
    let (mut before, after) = match parts.block {
        Some(_) => (parts.before.to_owned(), parts.after),
        None => (without_marker_lines(parts.before), ""),
    };
    if block.is_empty() {
        return format!("{before}{after}").trim_end().to_owned();
    }
    let newline = if html { "<br>" } else { "\n" };
    let inside = if html || may_be_read_as_html(block) {
        escape(block)
    } else {
        block.to_owned()
    };
    let managed = format!("{MARK_LINE}\n{inside}\n{MARK_END}").replace('\n', newline);
    let blank = before.trim().is_empty();
    if blank {
        before.clear();
    } else if !ends_with_break(&before) {
        before.push_str(newline);
        before.push_str(newline);
    }
    format!("{before}{managed}{after}")
}

fn ends_with_break(text: &str) -> bool {
    ["\n", "<br>", "<br/>", "<br />", "</p>", "</div>"]
        .iter()
        .any(|end| text.ends_with(end))
}

fn without_marker_lines(text: &str) -> String {
    if !text.contains(DASHES) {
        return text.to_owned();
    }
    // What is left of a first line would be found before the new one, and the words between be taken for the block. What
    // is taken out may leave another one.
    let mut text = text.to_owned();
    loop {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find(MARK_START) {
            out.push_str(&rest[..at]);
            rest = rest[at + MARK_START.len()..].trim_start_matches('┈');
        }
        out.push_str(rest);
        let out = out.replace(MARK_END, "");
        if !out.contains(MARK_START) {
            return out;
        }
        text = out;
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// True if the text is HTML: a tag or an entity occurs in it.
fn looks_like_html(text: &str) -> bool {
    tags::first(text).is_some() || has_entity(text, 8)
}

/// True if a service could read the text as HTML. It may know more tags and entities than we do, and a tag that is not closed
/// may be closed by what stands after the block.
fn may_be_read_as_html(text: &str) -> bool {
    let opens = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
    text.split('<').skip(1).any(|rest| rest.starts_with(opens)) || has_entity(text, 40)
}

fn has_entity(text: &str, most: usize) -> bool {
    text.split('&').skip(1).any(|rest| {
        rest.split_once(';').is_some_and(|(name, _)| {
            (1..=most).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#')
        })
    })
}

/// Text for comparison and for the window: HTML to text, NFC, spaces collapsed, at most one blank line in a row, nothing
/// invisible at the ends. Services rewrite white space and HTML, so only this form is ever compared.
pub fn normalise(text: &str) -> String {
    let bare = text.trim_matches('\n');
    if is_normal(bare) {
        bare.to_owned()
    } else {
        rebuilt(text)
    }
}

/// The long way of [`normalise`].
fn rebuilt(text: &str) -> String {
    let text = if looks_like_html(text) {
        html_to_text(text)
    } else {
        text.to_owned()
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text.replace("\r\n", "\n").replace('\r', "\n").split('\n') {
        let cleaned: String = line
            .nfc()
            .filter(|c| !is_invisible(*c))
            .map(|c| {
                if c.is_whitespace() || c.is_control() {
                    ' '
                } else {
                    c
                }
            })
            .collect();
        let collapsed = cleaned
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if !(collapsed.is_empty() && lines.last().is_none_or(String::is_empty)) {
            lines.push(collapsed);
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

/// True if [`normalise`] would change nothing; most texts are like that, and looking costs far less than rebuilding them.
/// False where only the long way can tell.
fn is_normal(text: &str) -> bool {
    let mut before = '\n';
    let (mut empty_lines, mut composed) = (1, true);
    for c in text.chars() {
        let fine = match c {
            ' ' => before != ' ' && before != '\n',
            '\n' => before != ' ' && empty_lines == 0,
            '<' | '&' => false,
            '!'..='~' => true,
            _ => !c.is_whitespace() && !c.is_control() && !is_invisible(c),
        };
        if !fine {
            return false;
        }
        // Nothing below the first combining mark, and none of the signs that we write, can be composed any further.
        composed &= matches!(c, ..'\u{300}' | '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{26ff}');
        empty_lines = usize::from(c == '\n' && before == '\n');
        before = c;
    }
    let ends_well = text.is_empty() || !matches!(before, ' ' | '\n');
    ends_well && (composed || is_nfc_quick(text.chars()) == IsNormalized::Yes)
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{0}')
}

/// One line of plain text, for titles and places.
fn plain(text: &str) -> String {
    normalise(text).replace('\n', " ")
}

fn html_to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(tag) = tags::first(rest) {
        out.push_str(&rest[..tag.at]);
        match (tag.name.as_str(), tag.closing) {
            ("br", _) => out.push('\n'),
            ("p" | "div" | "ul" | "ol" | "tr" | "h1" | "h2" | "h3" | "h4", _)
                if !out.is_empty() && !out.ends_with('\n') =>
            {
                out.push('\n');
            }
            ("li", false) => {
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
                out.push_str("• ");
            }
            _ => {}
        }
        rest = &rest[tag.end..];
    }
    out.push_str(rest);
    html_escape::decode_html_entities(&out).into_owned()
}

/// Eight hexadecimal digits of a text's hash: enough to tell whether a field still says what was written, and nothing of
/// the text can be read from it.
pub fn short_hash(text: &str) -> String {
    hex_prefix(&digest(&[text]), 8)
}

/// Short hashes of the three text fields.
pub fn hashes(values: &FieldValues) -> FieldHashes {
    let hash = |field| match values.get(field) {
        Some(Value::Text(text)) => short_hash(text),
        Some(Value::Hash(hash)) => hash.clone(),
        Some(Value::Time(_)) | None => String::new(),
    };
    FieldHashes {
        title: hash(Field::Title),
        location: hash(Field::Location),
        notes: hash(Field::Notes),
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
