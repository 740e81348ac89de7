//! How domain values become columns, and back.

use crate::error::Stored;
use chrono::{DateTime, Utc};
use roundtrip_engine::ledger::LedgerError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An instant as it is compared in SQL. The document beside it keeps all its digits.
pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// An instant of a column. `None` if it lies outside of what a calendar can say.
pub(crate) fn instant(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

/// The JSON of a domain value.
pub(crate) fn to_document<T: Serialize>(what: &'static str, value: &T) -> Stored<String> {
    serde_json::to_string(value).map_err(|error| unreadable(what, &error).into())
}

/// A domain value from its JSON.
pub(crate) fn from_document<T: DeserializeOwned>(what: &'static str, document: &str) -> Stored<T> {
    serde_json::from_str(document).map_err(|error| unreadable(what, &error).into())
}

/// Adds the values of several documents, one after the other with white space between, to `values`.
pub(crate) fn to_values<T: DeserializeOwned>(
    what: &'static str,
    documents: &str,
    rows: i64,
    values: &mut Vec<T>,
) -> Stored<()> {
    let before = values.len();
    for value in serde_json::Deserializer::from_str(documents).into_iter() {
        values.push(value.map_err(|error| unreadable(what, &error))?);
    }
    // A row without a document would vanish among the others.
    let read = i64::try_from(values.len() - before).unwrap_or(i64::MAX);
    if read != rows {
        return Err(LedgerError::Unreadable(format!("{what} ({read} of {rows} rows)")).into());
    }
    Ok(())
}

/// All values of a listing. One that cannot be read fails the whole: the engine must not take a part for everything.
pub(crate) fn from_documents<T: DeserializeOwned>(
    what: &'static str,
    documents: Vec<String>,
) -> Stored<Vec<T>> {
    documents
        .iter()
        .map(|document| from_document(what, document))
        .collect()
}

/// Says where, never what: serde's own text would quote the value.
fn unreadable(what: &'static str, error: &serde_json::Error) -> LedgerError {
    LedgerError::Unreadable(format!(
        "{what} ({:?} at {}:{})",
        error.classify(),
        error.line(),
        error.column()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_yields_no_value_fails_the_whole_listing() {
        let mut values: Vec<u32> = vec![7];
        assert!(to_values("numbers", "1\n2", 2, &mut values).is_ok());
        assert_eq!(values, [7, 1, 2]);
        assert!(to_values("numbers", "1\n\n3", 3, &mut values).is_err());
    }
}
