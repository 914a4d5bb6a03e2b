//! Where a rule stands in its author's text.

use json::{Bounds, Document, Value};

const BOUNDS: Bounds = Bounds {
    bytes_max: 256 * 1024,
    depth_max: 32,
};

/// A text whose rules can be asked for their lines, read once.
pub struct Lines<'t> {
    document: Option<Document<'t>>,
    /// Where each line but the first begins.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Reads it.
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        Self {
            document: Document::parse(text.as_bytes(), BOUNDS).ok(),
            starts: text.match_indices('\n').map(|(at, _)| at + 1).collect(),
        }
    }

    /// The first and last line of what a rule's pointer points at. A pointer names limits by their
    /// counters, and checks by their index.
    #[must_use]
    pub fn span(&self, pointer: &str) -> Option<(usize, usize)> {
        let span = find(self.document.as_ref()?.root(), pointer)?.span();
        let line = |offset| self.starts.partition_point(|start| *start <= offset) + 1;
        Some((line(span.start), line(span.end)))
    }

    /// The first of those lines.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<usize> {
        Some(self.span(pointer)?.0)
    }
}

fn find<'d>(root: Value<'d>, pointer: &str) -> Option<Value<'d>> {
    let mut value = root;
    for segment in pointer.strip_prefix('/')?.split('/') {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        let within = value;
        value = within
            .get(&segment)
            .or_else(|| {
                within
                    .elements()
                    .find(|e| e.get("counter").is_some_and(|name| name.is(&segment)))
            })
            .or_else(|| within.elements().nth(segment.parse().ok()?))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_in_the_text_that_was_written() {
        let text = "{\n  \"tools\": {\n    \"a/b\": {\n      \"limits\": [\n        { \"counter\": \"x\" },\n        {\n          \"counter\": \"y\"\n        }\n      ]\n    }\n  }\n}";
        let lines = Lines::of(text);
        assert_eq!(lines.span("/tools/a~1b/limits/y"), Some((6, 8)));
        assert_eq!(lines.span("/tools/a~1b/limits/0"), Some((5, 5)));
        assert_eq!(lines.at("/tools/a~1b"), Some(3));
        assert_eq!(lines.span("/tools/zz"), None);
        assert_eq!(lines.span("tools"), None);
        assert_eq!(Lines::of("nonsense").at("/a"), None);
    }
}
