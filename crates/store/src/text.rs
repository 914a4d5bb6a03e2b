//! Between columns and domain types.

use std::{error::Error, fmt::Display, str::FromStr};

use crate::{Result, StoreError};

/// Parses a column that held something valid when it was written.
pub(crate) fn parse<T>(table: &'static str, row: impl Display, text: &str) -> Result<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    text.parse().map_err(|source| corrupt(table, row, source))
}

pub(crate) fn parse_option<T>(
    table: &'static str,
    row: impl Display,
    text: Option<&str>,
) -> Result<Option<T>>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    text.map(|text| parse(table, row, text)).transpose()
}

pub(crate) fn corrupt(
    table: &'static str,
    row: impl Display,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> StoreError {
    StoreError::Corrupt {
        table,
        row: row.to_string(),
        source: source.into(),
    }
}

/// Text as Postgres can hold it: NUL becomes U+FFFD. Taking it out instead could turn one name into
/// another that somebody trusts.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

pub(crate) fn storable_option(text: Option<&str>) -> Option<String> {
    text.map(storable)
}

/// Says `Taken` where the error is a violation of that constraint.
pub(crate) fn taken(error: sqlx::Error, constraint: &str, field: &'static str) -> StoreError {
    match &error {
        sqlx::Error::Database(refused) if refused.constraint() == Some(constraint) => {
            StoreError::Taken { field }
        }
        _ => StoreError::Database(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_never_vanishes_into_another_name() {
        assert_eq!(storable("re\0run"), "re\u{FFFD}run");
        assert_eq!(storable("rerun"), "rerun");
    }
}
