//! A JSON text that is edited in place: everything outside the edited value, and the comma and
//! blanks that go with it, stays as it is, byte for byte.

use std::ops::Range;

use json::{Document, Kind, Value};

use super::{
    edit::EditError,
    layout::{LINE_CHARS_MAX, Style, indent, one_line},
};
use crate::read::BOUNDS;

/// The text, which is JSON within a policy's bounds.
#[derive(Debug, Clone)]
pub(super) struct Text {
    text: String,
    style: Style,
}

impl Text {
    pub(super) fn new(text: &str) -> Result<Self, EditError> {
        parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            style: Style::of(text),
        })
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// What `read` makes of the value there, if one is there.
    pub(super) fn get<T>(
        &self,
        at: &[String],
        read: impl FnOnce(Value<'_>) -> T,
    ) -> Result<Option<T>, EditError> {
        let document = parse(&self.text)?;
        Ok(walk(document.root(), at).map(read))
    }

    /// The kind of the value there.
    pub(super) fn kind(&self, at: &[String]) -> Result<Option<Kind>, EditError> {
        let document = parse(&self.text)?;
        Ok(walk(document.root(), at).map(Value::kind))
    }

    /// The value there in its one spelling.
    pub(super) fn canonical(&self, at: &[String]) -> Result<Option<String>, EditError> {
        let document = parse(&self.text)?;
        Ok(walk(document.root(), at).map(Value::canonical))
    }

    /// How many items the container there has.
    pub(super) fn len(&self, at: &[String]) -> Result<usize, EditError> {
        let document = parse(&self.text)?;
        Ok(walk(document.root(), at).map_or(0, Value::len))
    }

    /// Sets a member of the object at `at`: in place where there is one, else behind the last.
    pub(super) fn set(&mut self, at: &[String], key: &str, json: &str) -> Result<(), EditError> {
        let fresh = parse(json)?;
        let document = parse(&self.text)?;
        let object = expect(document.root(), at, Kind::Object)?;
        let next = if let Some(old) = object.get(key) {
            let (line, column) = self.line_before(old.span().start);
            let value = self.style.lay_out(fresh.root(), indent(line), column);
            splice(&self.text, old.span(), &value)
        } else {
            let mut name = String::new();
            json::quote(key, &mut name);
            let lead = format!("{name}: ");
            let spans = spans(object);
            self.inserted(object, &spans, spans.len(), &lead, fresh.root())
        };
        self.take(next)
    }

    /// Puts an element into the list at `at`, before the one that has this index, or last.
    pub(super) fn insert(
        &mut self,
        at: &[String],
        index: usize,
        json: &str,
    ) -> Result<(), EditError> {
        let fresh = parse(json)?;
        let document = parse(&self.text)?;
        let list = expect(document.root(), at, Kind::Array)?;
        let spans = spans(list);
        let next = self.inserted(list, &spans, index.min(spans.len()), "", fresh.root());
        self.take(next)
    }

    /// Puts an element at the end of a list that is a member of the object at `at`; the list is
    /// made where there is none.
    pub(super) fn push(&mut self, at: &[String], key: &str, json: &str) -> Result<(), EditError> {
        let list: Vec<String> = at.iter().cloned().chain([key.to_owned()]).collect();
        if self.get(&list, |_| ())?.is_none() {
            return self.set(at, key, &format!("[{json}]"));
        }
        self.insert(&list, usize::MAX, json)
    }

    /// Makes sure that objects lead there.
    pub(super) fn ensure(&mut self, at: &[String]) -> Result<(), EditError> {
        for end in 1..=at.len() {
            if self.get(&at[..end], |_| ())?.is_none() {
                self.set(&at[..end - 1], &at[end - 1], "{}")?;
            }
        }
        let document = parse(&self.text)?;
        expect(document.root(), at, Kind::Object).map(drop)
    }

    /// Takes a member or an element out, with the comma that belonged to it; says whether it was
    /// there.
    pub(super) fn remove(&mut self, at: &[String]) -> Result<bool, EditError> {
        let Some((last, outer)) = at.split_last() else {
            return Ok(false);
        };
        let document = parse(&self.text)?;
        let Some(container) = walk(document.root(), outer) else {
            return Ok(false);
        };
        let index = match container.kind() {
            Kind::Array => last.parse().ok().filter(|&at| at < container.len()),
            _ => container.members().position(|(name, _)| name == *last),
        };
        let Some(index) = index else {
            return Ok(false);
        };
        let spans = spans(container);
        let inside = container.span().start + 1..container.span().end - 1;
        let range = match (index.checked_sub(1), spans.get(index + 1)) {
            (Some(before), _) => spans[before].end..spans[index].end,
            (None, Some(next)) => spans[index].start..next.start,
            (None, None) => inside,
        };
        self.take(splice(&self.text, range, ""))?;
        Ok(true)
    }

    /// The same, and the list goes with its last element.
    pub(super) fn remove_element(&mut self, at: &[String]) -> Result<bool, EditError> {
        let removed = self.remove(at)?;
        let emptied = |list: Value<'_>| list.kind() == Kind::Array && list.is_empty();
        if let (true, Some((_, list))) = (removed, at.split_last())
            && self.get(list, emptied)? == Some(true)
        {
            self.remove(list)?;
        }
        Ok(removed)
    }

    /// An element and the next one change places; what stands between them stays.
    pub(super) fn swap(&mut self, list: &[String], first: usize) -> Result<(), EditError> {
        let document = parse(&self.text)?;
        let list = expect(document.root(), list, Kind::Array)?;
        let spans = spans(list);
        let (Some(a), Some(b)) = (spans.get(first), spans.get(first + 1)) else {
            return Err(EditError::Changed);
        };
        let text = &self.text;
        let swapped = format!(
            "{}{}{}",
            &text[b.clone()],
            &text[a.end..b.start],
            &text[a.clone()]
        );
        let next = splice(text, a.start..b.end, &swapped);
        self.take(next)
    }

    fn take(&mut self, text: String) -> Result<(), EditError> {
        parse(&text)?;
        self.text = text;
        Ok(())
    }

    /// The text with an item in a container, laid out as its neighbours are. `lead` is an object
    /// member's key and colon.
    fn inserted(
        &self,
        container: Value<'_>,
        spans: &[Range<usize>],
        index: usize,
        lead: &str,
        item: Value<'_>,
    ) -> String {
        let text = &self.text;
        let span = container.span();
        let whole = format!("{lead}{}", one_line(item));
        let (line, column) = self.line_before(span.start);
        let line_indent = indent(line);
        let inner = format!("{line_indent}{}", self.style.unit);
        let laid_out = |indent: &str| {
            let column = indent.chars().count() + lead.chars().count();
            format!("{lead}{}", self.style.lay_out(item, indent, column))
        };
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
            let (open, close) = (
                &text[span.start..=span.start],
                &text[span.end - 1..span.end],
            );
            let filled = match self.style.line_end {
                None if open == "{" => format!("{open} {whole} {close}"),
                Some(end) if open == "{" || column + whole.chars().count() + 2 > LINE_CHARS_MAX => {
                    format!(
                        "{open}{end}{inner}{}{end}{line_indent}{close}",
                        laid_out(&inner)
                    )
                }
                _ => format!("{open}{whole}{close}"),
            };
            return splice(text, span, &filled);
        };
        let before = &text[span.start + 1..first.start];
        let (separator, item) = match (before.rfind('\n'), self.style.line_end) {
            (Some(at), Some(end)) => {
                let indent = &before[at + 1..];
                (format!("{end}{indent}"), laid_out(indent))
            }
            (None, Some(end))
                if self.line_before(last.end).1 + whole.chars().count() + 2 > LINE_CHARS_MAX =>
            {
                (format!("{end}{inner}"), laid_out(&inner))
            }
            _ => (" ".to_owned(), whole),
        };
        match spans.get(index) {
            Some(next) => splice(text, next.start..next.start, &format!("{item},{separator}")),
            None => splice(text, last.end..last.end, &format!(",{separator}{item}")),
        }
    }

    /// What stands before a place on its line, and how many characters that is.
    fn line_before(&self, at: usize) -> (&str, usize) {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = &self.text[start..at];
        (line, line.chars().count())
    }
}

pub(super) fn parse(text: &str) -> Result<Document<'_>, EditError> {
    Document::parse(text.as_bytes(), BOUNDS).map_err(|fault| EditError::unreadable(text, fault))
}

/// The value that these steps lead to.
pub(super) fn walk<'d>(root: Value<'d>, at: &[String]) -> Option<Value<'d>> {
    at.iter().try_fold(root, |value, step| match value.kind() {
        Kind::Array => value.elements().nth(step.parse().ok()?),
        _ => value.get(step),
    })
}

fn expect<'d>(root: Value<'d>, at: &[String], kind: Kind) -> Result<Value<'d>, EditError> {
    let value = walk(root, at).ok_or(EditError::Changed)?;
    if value.kind() == kind {
        return Ok(value);
    }
    let place = match at.last() {
        None => "The document".to_owned(),
        Some(name) => format!("`{name}`"),
    };
    Err(EditError::Shape {
        place,
        found: value.kind().a(),
        wanted: kind.a(),
    })
}

/// Where the items of a container stand; a member's with its key.
fn spans(container: Value<'_>) -> Vec<Range<usize>> {
    let members = container
        .entries()
        .map(|(key, value)| key.span().start..value.span().end);
    members
        .chain(container.elements().map(Value::span))
        .collect()
}

fn splice(text: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(steps: &[&str]) -> Vec<String> {
        steps.iter().map(|step| (*step).to_owned()).collect()
    }

    fn edited(text: &str, edit: impl FnOnce(&mut Text) -> Result<(), EditError>) -> String {
        let mut text = Text::new(text).expect("JSON");
        edit(&mut text).expect("can be edited");
        text.into_string()
    }

    #[test]
    fn a_member_is_set_in_place_or_behind_the_last() {
        let text = "{ \"a\":1.50 ,\t\"b\" : [ 2e1 ] }";
        let set = |key: &'static str| move |text: &mut Text| text.set(&[], key, "{\"x\":0}");
        assert_eq!(
            edited(text, set("a")),
            "{ \"a\":{ \"x\": 0 } ,\t\"b\" : [ 2e1 ] }"
        );
        assert_eq!(
            edited(text, set("c")),
            "{ \"a\":1.50 ,\t\"b\" : [ 2e1 ], \"c\": { \"x\": 0 } }"
        );
        assert_eq!(edited("{}", set("a")), "{ \"a\": { \"x\": 0 } }");
        assert_eq!(
            edited("{\r\n\t\"a\": 1\r\n}", set("b")),
            "{\r\n\t\"a\": 1,\r\n\t\"b\": { \"x\": 0 }\r\n}"
        );
        assert_eq!(
            edited("{\n    \"a\": {}\n}\n", |text| text.set(
                &at(&["a"]),
                "b",
                "1"
            )),
            "{\n    \"a\": {\n        \"b\": 1\n    }\n}\n"
        );
    }

    #[test]
    fn a_list_grows_on_its_line_while_there_is_room() {
        let text = "{\n  \"hide\": [\"a\"]\n}";
        let more = edited(text, |text| text.push(&[], "hide", "\"b\""));
        assert_eq!(more, "{\n  \"hide\": [\"a\", \"b\"]\n}");
        let long = format!("\"{}\"", "x".repeat(90));
        let more = edited(text, |text| text.push(&[], "hide", &long));
        assert_eq!(more, format!("{{\n  \"hide\": [\"a\",\n    {long}]\n}}"));
        let first = edited(text, |text| text.insert(&at(&["hide"]), 0, "\"b\""));
        assert_eq!(first, "{\n  \"hide\": [\"b\", \"a\"]\n}");
        let made = edited("{}", |text| text.push(&[], "hide", "\"b\""));
        assert_eq!(made, "{ \"hide\": [\"b\"] }");
    }

    #[test]
    fn what_is_removed_takes_its_comma_and_nothing_else() {
        let text = "{ \"a\": 1,\n  \"b\": [1 , 2,3],\n  \"c\": {  } }";
        for (steps, left) in [
            (vec!["a"], "{ \"b\": [1 , 2,3],\n  \"c\": {  } }"),
            (vec!["b"], "{ \"a\": 1,\n  \"c\": {  } }"),
            (vec!["c"], "{ \"a\": 1,\n  \"b\": [1 , 2,3] }"),
            (
                vec!["b", "0"],
                "{ \"a\": 1,\n  \"b\": [2,3],\n  \"c\": {  } }",
            ),
            (
                vec!["b", "2"],
                "{ \"a\": 1,\n  \"b\": [1 , 2],\n  \"c\": {  } }",
            ),
            (vec!["b", "3"], text),
            (vec!["b", "x"], text),
            (vec!["d"], text),
            (vec!["d", "e"], text),
        ] {
            let found = edited(text, |text| text.remove(&at(&steps)).map(drop));
            assert_eq!(found, left, "{steps:?}");
        }
        let emptied = edited("{\"a\":[ 1 ],\"b\":2}", |text| {
            text.remove_element(&at(&["a", "0"])).map(drop)
        });
        assert_eq!(emptied, "{\"b\":2}");
    }

    #[test]
    fn neighbours_change_places_and_the_blanks_between_them_stay() {
        let text = "[ 1.0 ,\n\t\"b\",3]";
        assert_eq!(
            edited(text, |text| text.swap(&[], 0)),
            "[ \"b\" ,\n\t1.0,3]"
        );
        let mut text = Text::new(text).expect("JSON");
        assert!(text.swap(&[], 2).is_err());
    }

    #[test]
    fn what_is_not_shaped_for_an_edit_is_left_alone() {
        let mut text = Text::new("{\"a\": [], \"b\": 1}").expect("JSON");
        assert!(text.set(&at(&["a"]), "x", "1").is_err());
        assert!(text.ensure(&at(&["b", "c"])).is_err());
        assert!(text.insert(&at(&["b"]), 0, "1").is_err());
        assert!(text.set(&[], "x", "{").is_err());
        let deep = format!("{}{}", "[".repeat(32), "]".repeat(32));
        assert!(
            text.set(&[], "x", &deep).is_err(),
            "deeper than a policy may be"
        );
        assert_eq!(text.into_string(), "{\"a\": [], \"b\": 1}");
        assert!(Text::new("{\"a\":1,\"a\":2}").is_err());
    }
}
