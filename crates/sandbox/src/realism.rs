//! What the real services do beyond their documentation's happy path, each a switch. Everything is off at the start; the
//! simulation turns things on by its seed.
//!
//! All choices hang on the seed, on what is asked and on the clock, so that a run can be told again.

use crate::shared::SeededRandom;

/// The switches. Zero and `false` mean off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Realism {
    /// Calendar listings, full and incremental, may be so many milliseconds behind; a read by id is always fresh. How
    /// far behind depends on the reader and the moment, as if several copies answered in turn: a later listing may show
    /// an older state than an earlier one. Nothing is ever skipped.
    pub list_lag_ms: u32,
    /// A deleted event is told as a tombstone only up to so many milliseconds later. Until then listings do not hold it at
    /// all, though a read by id says that it is gone.
    pub late_tombstones_ms: u32,
    /// So many of 100 calendar listings tell things again: the last item of the page before, or changes that an earlier
    /// incremental listing told already.
    pub repeated_items_percent: u8,
    /// So many of 100 further pages of a calendar listing are the page before again, with the same token for the next.
    pub repeated_pages_percent: u8,
    /// So many of 100 pages of the platform's feed repeat older items and come in another order, an older version after
    /// a newer one.
    pub feed_repeats_percent: u8,
    /// Refusals for speed come in turn as 403 and 429, with and without `Retry-After`.
    pub varied_refusals: bool,
    /// Descriptions are stored as HTML: line breaks as `<br>`, addresses as links, `&`, `<` and `>` escaped.
    pub html_descriptions: bool,
    /// `updated` is cut to so many milliseconds, so that two quick edits carry the same one.
    pub updated_granularity_ms: u32,
    /// An insert under an id that another insert took less than so many milliseconds ago is not noticed: it answers 200
    /// and the later one stays ("not guaranteed to be detected at creation time").
    pub unnoticed_collisions_ms: u32,
}

impl Realism {
    /// Everything that is safe to have on together, at a strength between 1 (weak) and 3 (strong).
    pub fn all(strength: u32) -> Self {
        let percent = u8::try_from(strength * 10).unwrap_or(30);
        Self {
            list_lag_ms: strength * 4_000,
            late_tombstones_ms: strength * 10_000,
            repeated_items_percent: percent,
            repeated_pages_percent: percent,
            feed_repeats_percent: percent,
            varied_refusals: true,
            html_descriptions: true,
            updated_granularity_ms: 1_000,
            unnoticed_collisions_ms: strength * 500,
        }
    }
}

/// A number that hangs on the seed and these parts alone.
pub fn chance(seed: u64, parts: &[&str], numbers: &[u64]) -> u64 {
    let mut state = seed ^ 0xA076_1D64_78BD_642F;
    let bytes = parts
        .iter()
        .flat_map(|part| part.bytes().map(u64::from).chain([256]));
    for number in bytes.chain(numbers.iter().copied()) {
        state = SeededRandom::new(state ^ number.wrapping_mul(0xE703_7ED1_A0B4_28DB)).next_u64();
    }
    state
}

/// Whether something happens that happens so often in 100.
pub fn happens(percent: u8, draw: u64) -> bool {
    draw % 100 < u64::from(percent)
}

/// A text as the service stores a description once a person's page had it in hands.
pub fn as_html(text: &str) -> String {
    let is_html = ["<br", "<a ", "<p>", "<ul", "<b>", "<i>", "&amp;", "&lt;"]
        .iter()
        .any(|sign| text.contains(sign));
    if is_html {
        return text.replace("\r\n", "<br>").replace('\n', "<br>");
    }
    let escaped = text
        .replace("\r\n", "\n")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let lines: Vec<String> = escaped.split('\n').map(linked).collect();
    lines.join("<br>")
}

fn linked(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        if word.starts_with("https://") || word.starts_with("http://") {
            format!("<a href=\"{word}\">{word}</a>")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_becomes_html_once() {
        let once = as_html("Tom & Ada\n↗ https://platform.example/a?b=1&c=2");
        assert_eq!(
            once,
            "Tom &amp; Ada<br>↗ <a href=\"https://platform.example/a?b=1&amp;c=2\">https://platform.example/a?b=1&amp;c=2</a>"
        );
        assert_eq!(as_html(&once), once);
        assert_eq!(as_html("plain"), "plain");
    }

    #[test]
    fn chances_hang_on_every_part() {
        let one = chance(1, &["a", "b"], &[3]);
        assert_eq!(one, chance(1, &["a", "b"], &[3]));
        for other in [
            chance(2, &["a", "b"], &[3]),
            chance(1, &["ab"], &[3]),
            chance(1, &["a", "b"], &[4]),
        ] {
            assert_ne!(one, other);
        }
        let hits = (0..1000)
            .filter(|n| happens(30, chance(7, &["x"], &[*n])))
            .count();
        assert!((250..350).contains(&hits), "{hits}");
    }
}
