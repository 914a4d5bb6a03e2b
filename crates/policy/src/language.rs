//! The language as tables: each object with its fields, whether they are required, what they take
//! and what they mean.
//!
//! The reader asks these tables what is known, required and allowed, and [`crate::json_schema`]
//! prints them, so the two cannot say different things. Source: `policy.md`, sections 1 to 6.

mod block;
mod document;
mod operators;
mod words;

pub(crate) use block::{
    APPROVAL, BLOCK, CONCURRENT, CONDITION, DENY_IF, LIMIT, RATE_LIMIT, REQUIRE, REQUIRED_ARGS,
};
pub(crate) use document::{CLASSES, DOCUMENT, TEST, TEST_GRANT};
pub(crate) use operators::{ELSEWHERE, OPERATORS, Operand, Operator};
pub(crate) use words::{Action, Default, Missing, WINDOWS, Whole, Words, words};

/// Free text for people and agents, in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 1000;
/// A pattern, in characters.
pub(crate) const PATTERN_CHARS_MAX: usize = 1000;
/// A counter's name, in characters.
pub(crate) const COUNTER_CHARS_MAX: usize = 64;
/// 31 days: the longest window, and the longest an approval waits, in seconds.
pub(crate) const WINDOW_SECONDS_MAX: u64 = 2_678_400;
/// Entries of a list of values, ranges or hosts.
pub(crate) const VALUES_MAX: usize = 10_000;
/// The length that `length_lte` compares with.
pub(crate) const LENGTH_MAX: u64 = u32::MAX as u64;
/// Rule blocks in `tools`, and entries of `hide`.
pub(crate) const TOOLS_MAX: usize = 2000;
const CHECKS_MAX: usize = 64;
const CONDITIONS_MAX: usize = 32;
const LIMITS_MAX: usize = 32;
const TESTS_MAX: usize = 500;
const REPEAT_MAX: u64 = 10_000;
const TOKENS_MAX: u64 = 1_000_000_000_000;
const CONCURRENT_MAX: u64 = 1_000_000;
const QUORUM_MAX: u64 = 10;
const RESULT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Every object of the language, the document first.
pub(crate) static OBJECTS: [&Object; 13] = [
    &DOCUMENT,
    &CLASSES,
    &BLOCK,
    &REQUIRE,
    &DENY_IF,
    &CONDITION,
    &LIMIT,
    &RATE_LIMIT,
    &REQUIRED_ARGS,
    &CONCURRENT,
    &APPROVAL,
    &TEST,
    &TEST_GRANT,
];

/// An object of the language. It has no other fields than these.
pub(crate) struct Object {
    /// What people call it; also its name in the JSON Schema.
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    /// In the order in which people write them.
    pub(crate) fields: &'static [Field],
}

/// A field of an object.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) takes: Takes,
    pub(crate) doc: &'static str,
}

/// What may stand at a place.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// The string `"1"`.
    Version,
    /// Text of at most [`TEXT_CHARS_MAX`] characters.
    Text,
    /// The same, and not blank, because someone refused reads it.
    Told,
    /// A string of any length.
    String,
    Bool,
    /// `true` alone.
    True,
    /// A whole number, written without point or exponent.
    Whole {
        min: u64,
        max: u64,
    },
    /// One of a closed list of words.
    Word(fn() -> Vec<&'static str>),
    /// A word of [`WINDOWS`] or whole seconds, at most [`WINDOW_SECONDS_MAX`].
    Window,
    /// A whole number and its unit, such as `30m`; at most [`WINDOW_SECONDS_MAX`].
    Duration,
    /// A counter's name.
    Counter,
    /// Where a condition looks.
    Path,
    /// A path that leads to one argument.
    Argument,
    /// One of [`OPERATORS`].
    Operator,
    /// What the operator takes.
    Operand,
    /// The name of one tool.
    ToolName,
    /// A tool's name, or a pattern over such.
    Glob,
    /// A time as RFC 3339 has it.
    Instant,
    /// A pointer to a rule.
    Pointer,
    /// Any JSON object.
    Arguments,
    /// An object of strings.
    Labels,
    /// `"schema"`, or an object.
    Validate,
    Object(&'static Object),
    /// A rule block whose `action` is not `allow`.
    AllTools,
    /// Rule blocks by tool name or glob, at most [`TOOLS_MAX`].
    Tools,
    /// At most `max` elements.
    List {
        of: &'static Takes,
        max: usize,
    },
}

impl Object {
    /// The field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The names of all fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}

const fn required(name: &'static str, takes: Takes, doc: &'static str) -> Field {
    Field {
        name,
        required: true,
        takes,
        doc,
    }
}

const fn optional(name: &'static str, takes: Takes, doc: &'static str) -> Field {
    Field {
        name,
        required: false,
        takes,
        doc,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_told_apart() {
        for object in OBJECTS {
            let names: HashSet<_> = object.names().collect();
            assert_eq!(names.len(), object.fields.len(), "{}", object.name);
        }
        let objects: HashSet<_> = OBJECTS.iter().map(|object| object.name).collect();
        assert_eq!(objects.len(), OBJECTS.len());
        let operators: HashSet<_> = OPERATORS.iter().map(|operator| operator.name).collect();
        assert_eq!(operators.len(), OPERATORS.len());
        for (_, ours) in ELSEWHERE {
            assert!(operators.contains(ours), "{ours}");
        }
    }

    #[test]
    fn every_class_has_a_block() {
        let classes: Vec<_> = CLASSES.names().collect();
        assert_eq!(classes, words::<domain::ToolClass>());
        assert_eq!(
            classes,
            domain::ToolClass::ALL.map(domain::ToolClass::as_str)
        );
    }
}
