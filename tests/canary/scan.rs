//! Looks for marked texts in bytes, in every form in which they could have been written down.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::path::Path;

/// A text that must not be found, in all its forms.
pub struct Scan {
    finder: AhoCorasick,
    names: Vec<(String, &'static str)>,
}

/// What was found: the mark's name, the form, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub mark: String,
    pub form: &'static str,
    pub place: String,
}

/// The forms of a text: as it is, in JSON, in base64 (three alignments, two alphabets), percent-encoded, as hexadecimal
/// digits, and in UTF-16.
pub fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex = |upper: bool| -> Vec<u8> {
        let digits = bytes.iter().map(|byte| match upper {
            true => format!("{byte:02X}"),
            false => format!("{byte:02x}"),
        });
        digits.collect::<String>().into_bytes()
    };
    let percent = |upper: bool, all: bool| -> Vec<u8> {
        let signs = bytes.iter().map(|byte| {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            match (plain && !all, upper) {
                (true, _) => char::from(*byte).to_string(),
                (false, true) => format!("%{byte:02X}"),
                (false, false) => format!("%{byte:02x}"),
            }
        });
        signs.collect::<String>().into_bytes()
    };
    let json = serde_json::to_string(text).unwrap_or_default();
    let mut forms = vec![
        ("raw", bytes.to_vec()),
        ("json", json.trim_matches('"').as_bytes().to_vec()),
        ("json, ascii", ascii_json(text)),
        ("hex, lower", hex(false)),
        ("hex, upper", hex(true)),
        ("percent", percent(true, false)),
        ("percent, lower", percent(false, false)),
        ("percent, every byte", percent(true, true)),
        (
            "utf-16le",
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
    ];
    for shift in 0..3 {
        // Inside a longer text the first and the last sign depend on the neighbours: only what lies between is sure.
        let padded: Vec<u8> = std::iter::repeat_n(0, shift)
            .chain(bytes.iter().copied())
            .collect();
        let (first, last) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
        for (form, encoded) in [
            ("base64", STANDARD_NO_PAD.encode(&padded)),
            ("base64url", URL_SAFE_NO_PAD.encode(&padded)),
        ] {
            forms.push((form, encoded.as_bytes()[first..last].to_vec()));
        }
    }
    forms
}

fn ascii_json(text: &str) -> Vec<u8> {
    let signs = text.encode_utf16().map(|unit| match u8::try_from(unit) {
        Ok(byte @ b' '..=b'~') => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    });
    signs.collect::<String>().into_bytes()
}

impl Scan {
    /// Looks for these marks, each with a name. Short ones would be found by chance and are refused.
    pub fn of<'a>(marks: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        for (name, mark) in marks {
            assert!(mark.len() >= 8, "{name} is too short to be a mark");
            for (form, pattern) in forms(mark) {
                names.push((name.to_owned(), form));
                patterns.push(pattern);
            }
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(patterns)
            .expect("patterns fit");
        Self { finder, names }
    }

    /// What is in these bytes; each mark and form once.
    pub fn bytes(&self, place: &str, bytes: &[u8]) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self
            .finder
            .find_overlapping_iter(bytes)
            .filter_map(|found| self.names.get(found.pattern().as_usize()))
            .map(|(mark, form)| Hit {
                mark: mark.clone(),
                form,
                place: place.to_owned(),
            })
            .collect();
        hits.sort();
        hits.dedup();
        hits
    }

    /// What is in the files of this folder and below it, and in their names.
    pub fn folder(&self, folder: &Path) -> Vec<Hit> {
        let mut hits = Vec::new();
        for found in std::fs::read_dir(folder).expect("a folder") {
            let path = found.expect("an entry").path();
            let name = path.display().to_string();
            hits.extend(self.bytes(&format!("the name {name}"), name.as_bytes()));
            if path.is_dir() {
                hits.extend(self.folder(&path));
            } else if let Ok(bytes) = std::fs::read(&path) {
                hits.extend(self.bytes(&name, &bytes));
            }
        }
        hits
    }
}
