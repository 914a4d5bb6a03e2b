//! Fields of objects, and the plain values they take, as the tables of the language have them.

use json::{Kind, Value};

use super::{At, Reader, note};
use crate::{
    codes::{
        BAD_VALUE, MISSING_FIELD, OUT_OF_RANGE, TEXT_TOO_LONG, TOO_MANY, UNKNOWN_FIELD, WRONG_TYPE,
    },
    language::{Object, TEXT_CHARS_MAX, Takes, Words, words},
    nearest::nearest,
};

/// The fields of one object that are there and known.
pub(super) struct Fields<'d> {
    object: At<'d>,
    spec: &'static Object,
    found: Vec<(&'static str, At<'d>)>,
}

impl<'d> Fields<'d> {
    /// The field, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&At<'d>> {
        debug_assert!(self.spec.field(name).is_some(), "{name} is in the tables");
        self.found
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, at)| at)
    }

    /// The field with what it takes, if it is there.
    fn taking(&self, name: &str) -> Option<(&At<'d>, Takes)> {
        let at = self.get(name)?;
        Some((at, self.spec.field(name)?.takes))
    }

    /// The object itself.
    pub(super) fn object(&self) -> &At<'d> {
        &self.object
    }
}

impl Reader<'_> {
    /// The fields of an object. Those that the language does not have are faults, and so are
    /// required ones that are not there.
    pub(super) fn object<'d>(&mut self, at: &At<'d>, spec: &'static Object) -> Option<Fields<'d>> {
        self.expect(at, Kind::Object)?;
        let mut found: Vec<(&'static str, At<'d>)> = Vec::new();
        for (key, value) in at.value.entries() {
            let name = key.as_str().unwrap_or_default();
            let child = at.child(&name, value);
            match spec.field(&name) {
                // A second one is a fault already.
                Some(field) => found.push((field.name, child)),
                None => self.unknown_field(key, &child.pointer, spec),
            }
        }
        for field in spec.fields.iter().filter(|field| field.required) {
            if !found.iter().any(|(name, _)| *name == field.name) {
                let pointer = format!("{}/{}", at.pointer, field.name);
                let detail = format!("`{}` is required", field.name);
                let start = at.value.span().start;
                note(&mut self.faults, MISSING_FIELD, &pointer, start, detail);
            }
        }
        Some(Fields {
            object: at.clone(),
            spec,
            found,
        })
    }

    fn unknown_field(&mut self, key: Value<'_>, pointer: &str, spec: &'static Object) {
        let name = key.as_str().unwrap_or_default();
        let known: Vec<&str> = spec.names().collect();
        let detail = match known[..] {
            [only] => format!("there is no such field here; there is `{only}` alone"),
            _ => format!("there is no such field here; there are {}", list(&known)),
        };
        note(
            &mut self.faults,
            UNKNOWN_FIELD,
            pointer,
            key.span().start,
            detail,
        )
        .got(key)
        .hint(nearest(&name, known));
    }

    /// Whether the value is of this kind; if not, that is a fault.
    pub(super) fn expect(&mut self, at: &At<'_>, kind: Kind) -> Option<()> {
        if at.value.kind() == kind {
            return Some(());
        }
        let detail = format!("must be {}, not {}", kind.a(), at.value.kind().a());
        self.fault(WRONG_TYPE, at, detail).got(at.value);
        None
    }

    /// A string.
    pub(super) fn string(&mut self, at: &At<'_>) -> Option<String> {
        self.expect(at, Kind::String)?;
        at.value.as_str().map(Into::into)
    }

    /// A text of at most [`TEXT_CHARS_MAX`] characters.
    pub(super) fn text(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.string(at)?;
        let length = text.chars().count();
        if length > TEXT_CHARS_MAX {
            let detail = format!("has {length} characters; at most {TEXT_CHARS_MAX} are allowed");
            self.fault(TEXT_TOO_LONG, at, detail);
            return None;
        }
        Some(text)
    }

    /// A text that someone refused will read, so it must say something.
    pub(super) fn told(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.text(at)?;
        if text.trim().is_empty() {
            self.fault(BAD_VALUE, at, "must say something; leave it out otherwise")
                .got(at.value);
            return None;
        }
        Some(text)
    }

    pub(super) fn boolean(&mut self, at: &At<'_>) -> Option<bool> {
        self.expect(at, Kind::Bool)?;
        at.value.as_bool()
    }

    /// One of a closed list of words, if the field is there.
    pub(super) fn word<T: Words>(&mut self, fields: &Fields<'_>, name: &str) -> Option<T> {
        let (at, takes) = fields.taking(name)?;
        debug_assert!(
            matches!(takes, Takes::Word(known) if known() == words::<T>()),
            "{name} takes these words"
        );
        self.word_at(at)
    }

    /// One of a closed list of words.
    pub(super) fn word_at<T: Words>(&mut self, at: &At<'_>) -> Option<T> {
        let text = self.string(at)?;
        self.among(at, &text, T::WORDS)
    }

    /// What the text means, of a closed list.
    pub(super) fn among<T: Copy>(
        &mut self,
        at: &At<'_>,
        text: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let detail = match known[..] {
                [only] => format!("must be `{only}`"),
                _ => format!("must be one of {}", list(&known)),
            };
            self.fault(BAD_VALUE, at, detail)
                .got(at.value)
                .hint(nearest(text, known));
        }
        found.map(|(_, meant)| *meant)
    }

    /// A whole number within the field's bounds, if the field is there.
    pub(super) fn whole(&mut self, fields: &Fields<'_>, name: &str) -> Option<u64> {
        let (at, takes) = fields.taking(name)?;
        let Takes::Whole { min, max } = takes else {
            unreachable!("{name} takes a whole number")
        };
        self.whole_at(at, min, max)
    }

    /// A whole number, written without point or exponent.
    pub(super) fn whole_at(&mut self, at: &At<'_>, min: u64, max: u64) -> Option<u64> {
        self.expect(at, Kind::Number)?;
        let number = at.value.raw().parse();
        let number = number.ok().filter(|number| (min..=max).contains(number));
        if number.is_none() {
            let detail = format!("must be a whole number from {min} to {max}");
            self.fault(OUT_OF_RANGE, at, detail).got(at.value);
        }
        number
    }

    /// The elements of a list; those beyond the field's bound are not read. Empty where the field
    /// is not there.
    pub(super) fn list<'d>(&mut self, fields: &Fields<'d>, name: &str) -> Vec<At<'d>> {
        let Some((at, takes)) = fields.taking(name) else {
            return Vec::new();
        };
        let Takes::List { max, .. } = takes else {
            unreachable!("{name} takes a list")
        };
        self.list_at(at, max)
    }

    /// The elements of a list of at most `max`; those beyond are not read.
    pub(super) fn list_at<'d>(&mut self, at: &At<'d>, max: usize) -> Vec<At<'d>> {
        if self.expect(at, Kind::Array).is_none() {
            return Vec::new();
        }
        self.bounded(at, max);
        at.value
            .elements()
            .take(max)
            .enumerate()
            .map(|(index, value)| at.child(&index.to_string(), value))
            .collect()
    }

    /// That a list or an object has at most `max` entries.
    pub(super) fn bounded(&mut self, at: &At<'_>, max: usize) {
        let entries = at.value.len();
        if entries > max {
            let detail = format!("has {entries} entries; at most {max} are allowed");
            self.fault(TOO_MANY, at, detail);
        }
    }
}

/// Words as a sentence lists them.
fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
