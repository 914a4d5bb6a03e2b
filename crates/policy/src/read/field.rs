//! Fields of objects, and the plain values they take.

use std::ops::RangeInclusive;

use json::{Kind, Value};

use super::{At, Reader, block::MODES, note};
use crate::{
    codes::{
        BAD_VALUE, MISSING_FIELD, OUT_OF_RANGE, TEXT_TOO_LONG, TOO_MANY, UNKNOWN_FIELD, WRONG_TYPE,
    },
    limit::Mode,
    nearest::nearest,
};

/// Free text for people and agents is at most this long, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 1000;

/// The known fields of one object.
pub(super) struct Fields<'d> {
    object: At<'d>,
    found: Vec<(String, At<'d>)>,
}

impl<'d> Fields<'d> {
    /// The field, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&At<'d>> {
        self.found
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, at)| at)
    }

    /// The object itself.
    pub(super) fn object(&self) -> &At<'d> {
        &self.object
    }
}

impl Reader<'_> {
    /// The fields of an object that has no others than these; all others are faults.
    pub(super) fn object<'d>(&mut self, at: &At<'d>, known: &[&str]) -> Option<Fields<'d>> {
        self.expect(at, Kind::Object)?;
        let mut found: Vec<(String, At<'d>)> = Vec::new();
        for (key, value) in at.value.entries() {
            let name = key.as_str().unwrap_or_default();
            let child = at.child(&name, value);
            if known.contains(&&*name) {
                // A second one is a fault already.
                found.push((name.into_owned(), child));
            } else {
                self.unknown_field(key, &child.pointer, known);
            }
        }
        Some(Fields {
            object: at.clone(),
            found,
        })
    }

    pub(super) fn unknown_field(&mut self, key: Value<'_>, pointer: &str, known: &[&str]) {
        let name = key.as_str().unwrap_or_default();
        let detail = format!("there is no such field here; there are {}", list(known));
        note(
            &mut self.faults,
            UNKNOWN_FIELD,
            pointer,
            key.span().start,
            detail,
        )
        .got(key)
        .hint(nearest(&name, known.iter().copied()));
    }

    /// A field that must be there.
    pub(super) fn required<'f, 'd>(
        &mut self,
        fields: &'f Fields<'d>,
        name: &str,
    ) -> Option<&'f At<'d>> {
        let found = fields.get(name);
        if found.is_none() {
            let object = fields.object();
            let pointer = format!("{}/{name}", object.pointer);
            let start = object.value.span().start;
            note(
                &mut self.faults,
                MISSING_FIELD,
                &pointer,
                start,
                format!("`{name}` is required"),
            );
        }
        found
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

    /// One of a closed list of words.
    pub(super) fn word<'w, T: Copy>(
        &mut self,
        at: &At<'_>,
        words: &'w [(&'w str, T)],
    ) -> Option<T> {
        let text = self.string(at)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let detail = format!("must be one of {}", list(&known));
            self.fault(BAD_VALUE, at, detail)
                .got(at.value)
                .hint(nearest(&text, known));
        }
        found.map(|(_, meant)| *meant)
    }

    /// Whether the rule refuses or only records; refusing is what an absent field means.
    pub(super) fn mode(&mut self, fields: &Fields<'_>) -> Mode {
        fields
            .get("mode")
            .and_then(|at| self.word(at, &MODES))
            .unwrap_or_default()
    }

    /// A whole number, written without point or exponent.
    pub(super) fn whole(&mut self, at: &At<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        self.expect(at, Kind::Number)?;
        let number = at.value.raw().parse().ok().filter(|n| range.contains(n));
        if number.is_none() {
            let detail = format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            );
            self.fault(OUT_OF_RANGE, at, detail).got(at.value);
        }
        number
    }

    /// The elements of a list of at most `max`; those beyond are not read.
    pub(super) fn list<'d>(&mut self, at: &At<'d>, max: usize) -> Vec<At<'d>> {
        if self.expect(at, Kind::Array).is_none() {
            return Vec::new();
        }
        if at.value.len() > max {
            let detail = format!("has {} entries; at most {max} are allowed", at.value.len());
            self.fault(TOO_MANY, at, detail);
        }
        at.value
            .elements()
            .take(max)
            .enumerate()
            .map(|(index, value)| at.child(&index.to_string(), value))
            .collect()
    }
}

fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
