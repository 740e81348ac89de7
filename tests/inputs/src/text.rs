//! The text of events: the managed block inside of the trainer's own words, and HTML.

use roundtrip_core::text::{compose, normalise, split};

/// A description and a block, divided by the first NUL.
pub fn event_text(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (description, block) = text
        .split_once('\0')
        .unwrap_or((&text, "Notiz\n\n↗ https://linden.example/a/1"));
    let parts = split(description);
    match &parts.block {
        None => assert_eq!((parts.before, parts.after), (description, "")),
        Some(inside) => {
            let size = parts.before.len() + inside.len() + parts.after.len();
            assert!(size < description.len() && description.starts_with(parts.before));
            assert!(description.ends_with(parts.after));
        }
    }
    // The block as the app makes it: normalised, and without marker lines of its own.
    let block = normalise(block);
    if block.contains('┈') || block != normalise_again(&block) {
        return;
    }
    let written = compose(Some(description), &block);
    assert!(written.len() <= description.len() + 8 * block.len() + 300);
    // Marker lines that somebody copied around a whole block are the trainer's own riddle.
    let plain = !parts.before.contains('┈') && !parts.after.contains('┈');
    if plain || parts.block.is_none() {
        assert_eq!(
            compose(Some(&written), &block),
            written,
            "writing twice is writing once"
        );
    }
    if !block.is_empty() && plain {
        let back = split(&written);
        assert_eq!(
            normalise(back.block.unwrap_or_default()),
            block,
            "what was written is read"
        );
        assert!(
            back.before.trim_end().starts_with(parts.before.trim_end()) || parts.before.trim().is_empty()
        );
        if parts.block.is_some() {
            assert_eq!(back.after, parts.after, "own words after the block stay");
        }
    }
}

/// A block whose text would be read as markup is written in escaped form; this is what is then read.
fn normalise_again(block: &str) -> String {
    let escaped = block
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let escaped = escaped.replace('\n', "<br>");
    normalise(&format!("<p>{escaped}</p>"))
}

/// HTML to text, and the form that is compared.
pub fn html(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let plain = normalise(&text);
    // Composing characters may take three times the room, a list item gains its point.
    assert!(
        plain.len() <= 4 * text.len() + 16,
        "{} of {}",
        plain.len(),
        text.len()
    );
    assert!(!plain.contains(|c: char| c.is_control() && c != '\n'));
    assert!(!plain.contains("\n\n\n") && plain.trim_end() == plain);
}
