//! How inserted JSON is laid out: on one line where it fits, else a line for each item, indented as
//! the document is.

use json::{Kind, Value};

/// Longer lines are broken, in characters.
pub(super) const LINE_CHARS_MAX: usize = 100;

/// How a document is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Style {
    /// One level of indentation.
    pub(super) unit: String,
    /// What ends a line; none in a document that stands on one line.
    pub(super) line_end: Option<&'static str>,
}

impl Style {
    /// The style of a text: its first indented line tells the indentation.
    pub(super) fn of(text: &str) -> Self {
        let line_end = match text.trim().contains('\n') {
            false => None,
            true if text.contains("\r\n") => Some("\r\n"),
            true => Some("\n"),
        };
        let unit = text.lines().find_map(|line| {
            let blanks = indent(line);
            (!blanks.is_empty() && blanks.len() < line.len() && blanks.len() <= 8).then_some(blanks)
        });
        Self {
            unit: unit.unwrap_or("  ").to_owned(),
            line_end,
        }
    }

    /// The value as text that begins in this column of a line with this indentation. Scalars keep
    /// their spelling.
    pub(super) fn lay_out(&self, value: Value<'_>, indent: &str, column: usize) -> String {
        let line = one_line(value);
        let Some(line_end) = self.line_end else {
            return line;
        };
        if value.is_empty() || column + line.chars().count() <= LINE_CHARS_MAX {
            return line;
        }
        let inner = format!("{indent}{}", self.unit);
        let column = inner.chars().count();
        let (open, items, close) = if value.kind() == Kind::Object {
            let member = |(key, value): (Value<'_>, Value<'_>)| {
                let key = format!("{}: ", key.raw());
                let column = column + key.chars().count();
                format!("{key}{}", self.lay_out(value, &inner, column))
            };
            ('{', value.entries().map(member).collect::<Vec<_>>(), '}')
        } else {
            let element = |value| self.lay_out(value, &inner, column);
            ('[', value.elements().map(element).collect(), ']')
        };
        let items = items.join(&format!(",{line_end}{inner}"));
        format!("{open}{line_end}{inner}{items}{line_end}{indent}{close}")
    }
}

/// The value on one line: `{ "a": [1, 2] }`.
pub(super) fn one_line(value: Value<'_>) -> String {
    if value.is_empty() {
        return match value.kind() {
            Kind::Object => "{}".to_owned(),
            Kind::Array => "[]".to_owned(),
            _ => value.raw().to_owned(),
        };
    }
    if value.kind() == Kind::Object {
        let member =
            |(key, value): (Value<'_>, Value<'_>)| format!("{}: {}", key.raw(), one_line(value));
        let members: Vec<_> = value.entries().map(member).collect();
        format!("{{ {} }}", members.join(", "))
    } else {
        let elements: Vec<_> = value.elements().map(one_line).collect();
        format!("[{}]", elements.join(", "))
    }
}

/// The blanks that a line begins with.
pub(super) fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::BOUNDS;

    fn laid_out(style: &Style, text: &str, indent: &str) -> String {
        let document = json::Document::parse(text.as_bytes(), BOUNDS).expect("JSON");
        style.lay_out(document.root(), indent, indent.len())
    }

    #[test]
    fn the_style_is_the_documents_own() {
        for (text, unit, line_end) in [
            ("{}", "  ", None),
            ("{ \"a\": 1 }\n", "  ", None),
            ("{\n    \"a\": 1\n}", "    ", Some("\n")),
            ("{\r\n\t\"a\": 1\r\n}", "\t", Some("\r\n")),
            ("{\n\n   \n \"a\": 1\n}", " ", Some("\n")),
            ("{\n\"a\": 1\n}", "  ", Some("\n")),
        ] {
            let unit = unit.to_owned();
            assert_eq!(Style::of(text), Style { unit, line_end }, "{text:?}");
        }
    }

    #[test]
    fn what_fits_stands_on_one_line_and_numbers_keep_their_spelling() {
        let style = Style::of("{\n \"a\": 1\n}");
        let short = laid_out(&style, "{\"a\":[1.50,2e3],\"b\":{},\"c\":[]}", "");
        assert_eq!(short, "{ \"a\": [1.50, 2e3], \"b\": {}, \"c\": [] }");
        let (long, word) = ("x".repeat(70), "y".repeat(20));
        let text = format!("{{\"a\":\"{long}\",\"b\":[\"{word}\"]}}");
        let broken = format!("{{\n    \"a\": \"{long}\",\n    \"b\": [\"{word}\"]\n   }}");
        assert_eq!(laid_out(&style, &text, "   "), broken);
        let one_line = Style::of("{}");
        assert!(!laid_out(&one_line, &text, "").contains('\n'));
    }
}
