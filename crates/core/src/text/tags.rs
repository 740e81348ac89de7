//! What of a text is HTML, and what only looks like it. Notes out of e-mail are full of `<ada@example.org>`, `<mailto:...>` and
//! `<TBC>`: taken for tags they would vanish from the event, and an edit of the rest would delete them on the platform.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// Elements that mail programs, office programs and the editors of calendars write. Names that are rather somebody's placeholder
/// (`<time>`, `<address>`) are text.
const NAMES: &[&str] = &[
    "a",
    "abbr",
    "article",
    "aside",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "html-blob",
    "i",
    "iframe",
    "img",
    "ins",
    "kbd",
    "li",
    "link",
    "main",
    "mark",
    "meta",
    "nav",
    "nobr",
    "o:p",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "script",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];
/// Attributes that stand without a value.
const BARE: &[&str] = &["compact", "hidden", "noshade", "nowrap", "reversed"];
/// Elements whose tags say nothing that the text made of them does not: line breaks, points of lists, how words look.
const SAID_BY_TEXT: &[&str] = &["br", "div", "h1", "h2", "h3", "h4", "li", "p", "ul"];
/// Likewise, but one that is not closed is no element: it may be somebody's `<b>`.
const SAID_IN_PAIRS: &[&str] = &[
    "a",
    "b",
    "em",
    "font",
    "html-blob",
    "i",
    "o:p",
    "small",
    "span",
    "strong",
    "u",
];
/// Attributes that say how something looks.
const LOOKS: &[&str] = &[
    "align", "class", "color", "dir", "face", "id", "lang", "rel", "size", "style", "target",
];

/// One tag of a text.
pub(super) struct Tag<'a> {
    /// Where it begins, in bytes.
    pub(super) at: usize,
    /// Where what follows begins, in bytes.
    pub(super) end: usize,
    /// In small letters; empty for comments and what a document begins with.
    pub(super) name: String,
    /// `</name>`.
    pub(super) closing: bool,
    attributes: Vec<(&'a str, &'a str)>,
}

/// The first tag of a text. Whatever its length, each sign is looked at a few times only: no tag holds a `<`.
pub(super) fn first(text: &str) -> Option<Tag<'_>> {
    text.match_indices('<').find_map(|(at, _)| {
        let rest = &text[at + 1..];
        let inside = &rest[..rest.find(['<', '>'])?];
        let (name, closing, attributes) = read(inside).filter(|_| rest[inside.len()..].starts_with('>'))?;
        Some(Tag {
            at,
            end: at + inside.len() + 2,
            name,
            closing,
            attributes,
        })
    })
}

type Read<'a> = (String, bool, Vec<(&'a str, &'a str)>);

/// Name, whether it is a closing one, and attributes of what stands between `<` and `>`.
fn read(inside: &str) -> Option<Read<'_>> {
    let head = inside.get(..8).unwrap_or_default();
    if inside.starts_with("!--") || inside.starts_with("![") || head.eq_ignore_ascii_case("!doctype") {
        return Some((String::new(), false, Vec::new()));
    }
    let opened = inside.strip_prefix('/');
    let rest = opened.unwrap_or(inside);
    let named = rest
        .find(|c: char| c.is_whitespace() || c == '/')
        .unwrap_or(rest.len());
    let (name, rest) = (rest[..named].to_ascii_lowercase(), rest[named..].trim());
    if !NAMES.contains(&name.as_str()) {
        return None;
    }
    let attributes = attributes(rest.strip_suffix('/').unwrap_or(rest))?;
    let closing = opened.is_some();
    (attributes.is_empty() || !closing).then_some((name, closing, attributes))
}

/// Names and values; `None` if these are other words: `a <b and c> d` holds no tag.
fn attributes(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let named = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(named);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            if !BARE.contains(&name) {
                return None;
            }
            rest = after.trim_start();
            continue;
        };
        let value = value.trim_start();
        let (value, after) = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split_once(quote)?,
            _ => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        if name.is_empty() {
            return None;
        }
        found.push((name, value));
        rest = after.trim_start();
    }
    Some(found)
}

/// Where a link of Google's leads that takes a detour over its own pages: its calendar writes them in place of what was typed,
/// `https://www.google.com/url?q=https%3A%2F%2Fx.example&sa=D&source=calendar`.
fn led_to(address: &str) -> Option<String> {
    let (_, query) = address.split_once("://www.google.com/url?")?;
    let target = query.split('&').find_map(|part| part.strip_prefix("q="))?;
    let target = percent_decode_str(target).decode_utf8().ok()?;
    // Nothing is said by every text.
    (!target.is_empty()).then(|| target.into_owned())
}

/// True if the text made of some HTML does not say all of it: a link behind other words, a picture, a comment, a table. Whoever
/// puts that text in its place deletes this.
pub(super) fn say_more_than(html: &str, text: &str) -> bool {
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    let mut rest = html;
    while let Some(tag) = first(rest) {
        let name = tag.name.as_str();
        let told = |(attribute, value): &(&str, &str)| match attribute.to_ascii_lowercase().as_str() {
            "href" => {
                let address = html_escape::decode_html_entities(value);
                let address = address.strip_prefix("mailto:").unwrap_or(&address);
                let address = address.strip_prefix("tel:").unwrap_or(address);
                let said = |address: &str| text.contains(address.trim_end_matches('/'));
                said(address) || led_to(address).is_some_and(|address| said(&address))
            }
            other => LOOKS.contains(&other),
        };
        let in_pairs = SAID_IN_PAIRS.contains(&name);
        if !(in_pairs || SAID_BY_TEXT.contains(&name)) || !tag.attributes.iter().all(told) {
            return true;
        }
        if in_pairs {
            *open.entry(tag.name).or_default() += if tag.closing { -1 } else { 1 };
        }
        rest = &rest[tag.end..];
    }
    open.values().any(|open| *open != 0)
}
