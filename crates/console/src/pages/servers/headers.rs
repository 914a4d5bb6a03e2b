//! The rows of header names and values with which a server is authenticated to.

use secrecy::SecretString;

use crate::{actions::headers::UpstreamHeaders, pages::fields::Faults};

/// A form's fields in their order, repeated ones included.
pub(in crate::pages) type Fields = Vec<(String, String)>;

/// The value of a field; empty where it is absent.
pub(in crate::pages) fn field<'f>(fields: &'f [(String, String)], name: &str) -> &'f str {
    fields
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value.as_str())
}

/// The names typed so far, to be shown again. Values are never sent back.
pub(in crate::pages) fn names(fields: &[(String, String)]) -> Vec<String> {
    fields
        .iter()
        .filter(|(key, _)| key == "header_name")
        .map(|(_, value)| value.clone())
        .collect()
}

/// The headers of the rows that are not empty; `None` where all are.
pub(in crate::pages) fn parse(
    fields: &[(String, String)],
    faults: &mut Faults,
) -> Option<UpstreamHeaders> {
    let of = |name: &'static str| {
        fields
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.trim())
    };
    let rows: Vec<(String, SecretString)> = of("header_name")
        .zip(of("header_value"))
        .filter(|(name, value)| !name.is_empty() || !value.is_empty())
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    match UpstreamHeaders::parse("/headers", rows) {
        Ok(headers) => Some(headers),
        Err(list) => {
            faults.extend(list);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn rows_pair_up_and_empty_ones_do_not_count() {
        let mut faults = Faults::default();
        let none = fields(&[("header_name", ""), ("header_value", "")]);
        assert!(parse(&none, &mut faults).is_none() && faults.is_empty());
        let one = fields(&[
            ("header_name", ""),
            ("header_value", " "),
            ("header_name", "Circle-Token "),
            ("header_value", "abc"),
        ]);
        assert!(parse(&one, &mut faults).is_some() && faults.is_empty());
        let half = fields(&[("header_name", "Circle-Token"), ("header_value", "")]);
        assert!(parse(&half, &mut faults).is_none());
        assert!(faults.of("headers").is_some());
    }
}
