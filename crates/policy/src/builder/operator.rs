//! Operators in plain words, and values as a person types them.

use json::{Kind, Value};

use super::{layout::one_line, text::parse};

/// An operator of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// As it is written in a document.
    pub name: &'static str,
    /// Between path and value: "`args.branch` is `main`".
    pub words: &'static str,
    /// What it compares with.
    pub takes: Takes,
}

/// What an operator compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Any one value: JSON, or a text without quotes.
    One,
    /// Such values, one a line.
    Many,
    /// One text.
    Text,
    /// Texts, one a line.
    Texts,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// Every operator, in the order in which they are offered.
pub const OPERATORS: [Operator; 17] = {
    use Takes::{Boolean, Many, Number, One, Text, Texts};
    const fn op(name: &'static str, words: &'static str, takes: Takes) -> Operator {
        Operator { name, words, takes }
    }
    [
        op("eq", "is", One),
        op("neq", "is not", One),
        op("in", "is one of", Many),
        op("not_in", "is none of", Many),
        op("regex", "matches", Text),
        op("not_regex", "does not match", Text),
        op("starts_with", "starts with", Text),
        op("ends_with", "ends with", Text),
        op("contains", "contains", One),
        op("lt", "is below", Number),
        op("lte", "is at most", Number),
        op("gt", "is above", Number),
        op("gte", "is at least", Number),
        op("length_lte", "has a length of at most", Number),
        op("exists", "is present", Boolean),
        op("host_in", "is a URL with a host of", Texts),
        op("cidr", "is an address in", Texts),
    ]
};

/// Why what was typed is no value for an operator; a sentence that follows the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Nothing was typed.
    #[error("is missing; an empty text is written \"\"")]
    Missing,
    /// Not a number.
    #[error("must be a number")]
    Number,
    /// Neither `true` nor `false`.
    #[error("must be true or false")]
    Boolean,
    /// Not a text: a number or a list, say, where the operator takes a text only.
    #[error("must be a text")]
    Text,
}

impl Operator {
    /// The operator of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        OPERATORS.into_iter().find(|operator| operator.name == name)
    }

    /// The value that was meant, as JSON. Where any value is possible, what is JSON is taken as
    /// such and everything else as a text, so `main` and `"main"` are the same, `42` is a number
    /// and `"42"` a text.
    ///
    /// # Errors
    /// [`BadValue`] where the operator has no use for it.
    pub fn read(self, typed: &str) -> Result<String, BadValue> {
        let lines = || typed.lines().map(str::trim).filter(|line| !line.is_empty());
        let list = |read: fn(&str) -> Result<String, BadValue>| {
            let values = lines().map(read).collect::<Result<Vec<_>, _>>()?;
            match values.is_empty() {
                true => Err(BadValue::Missing),
                false => Ok(format!("[{}]", values.join(", "))),
            }
        };
        let typed = typed.trim();
        match self.takes {
            _ if typed.is_empty() => Err(BadValue::Missing),
            Takes::One => Ok(any(typed)),
            Takes::Many => list(|line| Ok(any(line))),
            Takes::Text => Ok(text(typed)),
            Takes::Texts => list(|line| Ok(text(line))),
            Takes::Number => of_kind(typed, Kind::Number).ok_or(BadValue::Number),
            Takes::Boolean => of_kind(typed, Kind::Bool).ok_or(BadValue::Boolean),
        }
    }

    /// The value as a person would type it; none where it is no value for this operator, or not one
    /// that can be typed.
    #[must_use]
    pub fn typed(self, value: &str) -> Option<String> {
        let document = parse(value).ok()?;
        let root = document.root();
        let typed = match self.takes {
            Takes::Many | Takes::Texts if root.kind() == Kind::Array => {
                let lines: Vec<String> = root.elements().map(|value| self.one(value)).collect();
                lines.join("\n")
            }
            Takes::Many | Takes::Texts => return None,
            _ => self.one(root),
        };
        let read = self.read(&typed).ok()?;
        (canonical(&read)? == root.canonical()).then_some(typed)
    }

    /// A text without its quotes, where it is understood without them.
    fn one(self, value: Value<'_>) -> String {
        let read = match self.takes {
            Takes::Text | Takes::Texts => text,
            _ => any,
        };
        let bare = value.as_str().filter(|bare| {
            let whole = !bare.is_empty() && bare.trim() == *bare && bare.lines().count() == 1;
            whole && canonical(&read(bare)) == Some(value.canonical())
        });
        bare.map_or_else(|| one_line(value), std::borrow::Cow::into_owned)
    }
}

fn any(typed: &str) -> String {
    match parse(typed) {
        Ok(document) => document.root().raw().to_owned(),
        Err(_) => quoted(typed),
    }
}

/// Quotes around a text are not part of it where what they hold is a JSON string.
fn text(typed: &str) -> String {
    of_kind(typed, Kind::String).unwrap_or_else(|| quoted(typed))
}

fn of_kind(typed: &str, kind: Kind) -> Option<String> {
    let document = parse(typed).ok()?;
    let value = document.root();
    (value.kind() == kind).then(|| value.raw().to_owned())
}

fn canonical(json: &str) -> Option<String> {
    Some(parse(json).ok()?.root().canonical())
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    json::quote(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(name: &str) -> Operator {
        Operator::named(name).expect("an operator")
    }

    #[test]
    fn what_is_typed_means_what_it_looks_like() {
        for (name, typed, json) in [
            ("eq", "main", "\"main\""),
            ("eq", " main ", "\"main\""),
            ("eq", "\"main\"", "\"main\""),
            ("eq", "42", "42"),
            ("eq", "\"42\"", "\"42\""),
            ("eq", "1.50", "1.50"),
            ("eq", "true", "true"),
            ("eq", "\"\"", "\"\""),
            ("contains", "[skip ci]", "\"[skip ci]\""),
            ("contains", "say \"hi\"", "\"say \\\"hi\\\"\""),
            ("in", "main\n\n dev \r\n7", "[\"main\", \"dev\", 7]"),
            ("regex", "^42$", "\"^42$\""),
            ("regex", "42", "\"42\""),
            ("regex", "\" a\"", "\" a\""),
            ("regex", "\\d+", "\"\\\\d+\""),
            ("lt", "1e3", "1e3"),
            ("exists", "false", "false"),
            (
                "cidr",
                "10.0.0.0/8\n::1/128",
                "[\"10.0.0.0/8\", \"::1/128\"]",
            ),
        ] {
            assert_eq!(
                op(name).read(typed).as_deref(),
                Ok(json),
                "{name} {typed:?}"
            );
        }
    }

    #[test]
    fn what_an_operator_has_no_use_for_is_refused() {
        for (name, typed, why) in [
            ("eq", " ", BadValue::Missing),
            ("in", "\n \n", BadValue::Missing),
            ("regex", "", BadValue::Missing),
            ("lt", "ten", BadValue::Number),
            ("lt", "\"10\"", BadValue::Number),
            ("exists", "yes", BadValue::Boolean),
        ] {
            assert_eq!(op(name).read(typed), Err(why), "{name} {typed:?}");
        }
        assert_eq!(Operator::named("matches"), None);
    }

    #[test]
    fn every_value_is_shown_so_that_it_is_read_again() {
        let values = [
            "\"main\"",
            "\"42\"",
            "42",
            "1.50",
            "\"\"",
            "\" a\"",
            "\"a\\nb\"",
            "\"\\\"q\\\"\"",
            "\"[1]\"",
            "true",
            "null",
            "{\"a\": [1,\n2]}",
            "[\"a\", 1, \"1\", \"x\\ny\", []]",
            "[]",
            "\"\\u2028\"",
            "\"\\u0000\"",
        ];
        for operator in OPERATORS {
            for value in values {
                let Some(typed) = operator.typed(value) else {
                    continue;
                };
                let read = operator.read(&typed).expect("it was shown");
                assert_eq!(
                    canonical(&read),
                    canonical(value),
                    "{} {typed:?}",
                    operator.name
                );
            }
        }
        for value in values {
            assert!(op("eq").typed(value).is_some(), "{value}");
        }
        assert_eq!(op("eq").typed("\"main\"").as_deref(), Some("main"));
        assert_eq!(op("eq").typed("\"42\"").as_deref(), Some("\"42\""));
        assert_eq!(op("in").typed("[\"a\", 7]").as_deref(), Some("a\n7"));
        assert_eq!(op("regex").typed("7"), None);
        assert_eq!(op("cidr").typed("[7]"), None);
    }

    #[test]
    fn the_list_is_the_languages_own() {
        for operator in OPERATORS {
            let text = format!(
                "{{\"version\":\"1\",\"default\":\"deny\",\"tools\":{{\"a\":{{\"deny_if\":[{{\
                 \"conditions\":[{{\"path\":\"args.a\",\"op\":\"{}\",\"value\":0}}]}}]}}}}}}",
                operator.name
            );
            let report = crate::check(&text, None);
            let unknown = |fault: &crate::Fault| fault.code == crate::codes::UNKNOWN_OPERATOR;
            assert!(!report.faults.iter().any(unknown), "{}", operator.name);
        }
    }
}
