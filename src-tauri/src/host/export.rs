//! The history and the audit log as files: CSV for a spreadsheet, JSON for a program.

use crate::ipc::dto::{AuditRow, HistoryQuery, HistoryRow, ValueView};
use chrono::{DateTime, SecondsFormat, Utc};

/// A spreadsheet on Windows takes a file without this mark for one in the local code page, and breaks every umlaut.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// True if the query finds this line.
pub fn found(row: &HistoryRow, query: &HistoryQuery) -> bool {
    let same = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
    };
    same(&query.result, Some(&row.result))
        && same(&query.source, Some(&row.source))
        && same(&query.appointment_id, row.appointment_id.as_deref())
        && same(&query.run_id, row.run_id.as_deref())
        && query.since.is_none_or(|since| row.at >= since)
        && query.before.is_none_or(|before| row.at < before)
}

/// Takes titles and the platform's words out. Ids of appointments stay: they mean something only on the platform.
pub fn masked(mut row: HistoryRow) -> HistoryRow {
    row.title = None;
    // The other details are words of a closed list.
    let closed = matches!(row.what.as_str(), "conflict_resolved" | "answered");
    row.detail = row.detail.filter(|_| closed);
    let mask = |value: Option<ValueView>| {
        value.map(|value| match value {
            ValueView::Text { .. } => ValueView::Unknown,
            other => other,
        })
    };
    row.from = mask(row.from);
    row.to = mask(row.to);
    row
}

/// A CSV file of these lines.
pub fn csv(rows: &[HistoryRow]) -> String {
    let mut text = String::from(BYTE_ORDER_MARK);
    line(
        &mut text,
        &[
            "at",
            "what",
            "appointment_id",
            "title",
            "from_start",
            "from_end",
            "to_start",
            "to_end",
            "zone",
            "fields",
            "word",
            "detail",
            "admin_notified",
            "count",
            "source",
            "result",
            "problem",
            "request_id",
            "run_id",
        ],
    );
    for row in rows {
        let (from_start, from_end, from_zone) = value(row.from.as_ref());
        let (to_start, to_end, to_zone) = value(row.to.as_ref());
        let zone = if to_zone.is_empty() { from_zone } else { to_zone };
        let told = row.admin_notified.map(|told| told.to_string());
        let count = row.count.map(|count| count.to_string());
        let filled = |text: &Option<String>| text.clone().unwrap_or_default();
        line(
            &mut text,
            &[
                &instant(row.at),
                &row.what,
                &filled(&row.appointment_id),
                &filled(&row.title),
                &from_start,
                &from_end,
                &to_start,
                &to_end,
                &zone,
                &row.fields.join(" "),
                &filled(&row.word),
                &filled(&row.detail),
                &told.unwrap_or_default(),
                &count.unwrap_or_default(),
                &row.source,
                &row.result,
                &filled(&row.problem),
                &filled(&row.request_id),
                &filled(&row.run_id),
            ],
        );
    }
    text
}

/// The audit log as `csv` or `json`; none for another word.
pub fn audit(rows: &[AuditRow], format: &str) -> Option<String> {
    match format {
        "csv" => Some(audit_csv(rows)),
        "json" => serde_json::to_string_pretty(rows).ok(),
        _ => None,
    }
}

fn audit_csv(rows: &[AuditRow]) -> String {
    let mut text = String::from(BYTE_ORDER_MARK);
    line(&mut text, &["sequence", "at", "event", "details"]);
    for row in rows {
        line(
            &mut text,
            &[
                &row.sequence.to_string(),
                &instant(row.at),
                &row.event,
                &row.details,
            ],
        );
    }
    text
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Start, end and zone of a time; a text stands where the start would.
fn value(value: Option<&ValueView>) -> (String, String, String) {
    match value {
        Some(ValueView::Time { start, end, zone }) => (instant(*start), instant(*end), zone.clone()),
        Some(ValueView::AllDay { start, end }) => (start.to_string(), end.to_string(), String::new()),
        Some(ValueView::Text { text }) => (text.clone(), String::new(), String::new()),
        Some(ValueView::Unknown) | None => Default::default(),
    }
}

fn line(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// One cell by RFC 4180. What a spreadsheet would run as a formula gets an apostrophe in front, and is text: also inside,
/// where one that splits at semicolons or tabs begins a cell.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    let mut at_start = true;
    for sign in text.chars() {
        if at_start && matches!(sign, '=' | '+' | '-' | '@' | '\t' | '\r') {
            safe.push('\'');
        }
        safe.push(sign);
        at_start = matches!(sign, ';' | ',' | '\t' | '\n' | '\r') || at_start && matches!(sign, ' ' | '"');
    }
    let text = safe;
    if text.contains([',', ';', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(title: &str) -> HistoryRow {
        HistoryRow {
            id: "1".into(),
            run_id: Some("r".into()),
            at: "2026-12-01T08:00:00Z".parse().expect("a time"),
            appointment_id: Some("apt_41".into()),
            title: Some(title.into()),
            what: "refused".into(),
            from: Some(ValueView::Text {
                text: "Lindenstr. 5".into(),
            }),
            to: Some(ValueView::Time {
                start: "2026-12-01T08:00:00Z".parse().expect("a time"),
                end: "2026-12-01T09:00:00Z".parse().expect("a time"),
                zone: "Europe/Berlin".into(),
            }),
            fields: vec!["time".into()],
            word: Some("overlap".into()),
            detail: Some("Frau Klein is there".into()),
            admin_notified: None,
            count: None,
            source: "you".into(),
            result: "problem".into(),
            problem: None,
            request_id: None,
            retry_at: None,
            restorable: false,
            edit_lost: false,
        }
    }

    #[test]
    fn formulas_are_harmless_and_signs_stay_in_their_cell() {
        for (text, expected) in [
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM", "'@SUM"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            ("plain – ü 🙂", "plain – ü 🙂"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
        let file = csv(&[row("=cmd|' /C calc'!A0")]);
        assert!(file.starts_with("\u{feff}at,what,"));
        assert!(file.contains(",'=cmd|' /C calc'!A0,"), "{file}");
    }

    /// Splits a file as a spreadsheet does that takes this sign for the end of a cell, quotes or not.
    fn cells(file: &str, sign: char) -> Vec<&str> {
        file.split(['\r', '\n'])
            .flat_map(|line| line.split(sign))
            .map(|cell| cell.trim_start_matches([' ', '"', '\u{feff}']))
            .collect()
    }

    #[test]
    fn wherever_a_spreadsheet_splits_no_cell_begins_a_formula() {
        for hostile in [
            "x;=HYPERLINK(\"http://x\")",
            "x,=1+1",
            "x;\"=1+1\"",
            "x; +1",
            "x\t=1+1",
            "x\n=1+1",
            "x\r\n@SUM(A1)",
            " =1+1",
            "\"=1+1",
            ";-1",
        ] {
            let file = csv(&[row(hostile)]);
            for sign in [';', ',', '\t'] {
                for cell in cells(&file, sign) {
                    assert!(
                        !cell.starts_with(['=', '+', '-', '@']),
                        "{hostile:?} at {sign:?}: {cell}"
                    );
                }
            }
        }
        assert_eq!(
            cell("Müller-Apotheke + Co; a = b"),
            "\"Müller-Apotheke + Co; a = b\""
        );
    }

    #[test]
    fn without_personal_data_there_are_ids_and_no_words_of_anybody() {
        for text in [
            csv(&[masked(row("Linden-Apotheke"))]),
            serde_json::to_string(&[masked(row("Linden-Apotheke"))]).expect("JSON"),
        ] {
            for secret in ["Linden", "Frau Klein", "Lindenstr"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
            assert!(text.contains("apt_41") && text.contains("overlap"));
        }
        assert!(csv(&[row("Linden-Apotheke")]).contains("Frau Klein is there"));
    }

    #[test]
    fn every_column_has_its_cell() {
        let file = csv(&[row("x")]);
        let counts: Vec<usize> = file.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(counts, [19, 19]);
    }

    #[test]
    fn the_query_is_the_one_of_the_window() {
        let row = row("x");
        let query = |change: fn(&mut HistoryQuery)| {
            let mut query = HistoryQuery::default();
            change(&mut query);
            query
        };
        assert!(found(&row, &query(|_| {})));
        assert!(found(&row, &query(|q| q.source = Some("you".into()))));
        assert!(!found(&row, &query(|q| q.source = Some("platform".into()))));
        assert!(!found(&row, &query(|q| q.result = Some("ok".into()))));
        assert!(!found(&row, &query(|q| q.appointment_id = Some("apt_4".into()))));
        assert!(!found(&row, &query(|q| q.run_id = Some("other".into()))));
        assert!(found(
            &row,
            &query(|q| q.since = "2026-12-01T08:00:00Z".parse().ok())
        ));
        assert!(!found(
            &row,
            &query(|q| q.before = "2026-12-01T08:00:00Z".parse().ok())
        ));
    }
}
