//! Values inside a document.

use std::{borrow::Cow, ops::Range};

use crate::{
    parse::{Document, Node},
    string,
};

/// The six kinds of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind with its article, to finish the sentence "this is …".
    #[must_use]
    pub const fn a(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// One value inside a document: two words, copied freely.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    at: u32,
}

/// Says what the value is and where, not what it says: arguments have no place in a log.
impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {:?}", self.kind(), self.span())
    }
}

impl<'d> Value<'d> {
    pub(crate) const fn new(document: &'d Document<'d>, at: u32) -> Self {
        Self { document, at }
    }

    fn node(self) -> &'d Node {
        &self.document.tape[self.at as usize]
    }

    /// What the value is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The value's bytes exactly as they stand in the input.
    #[must_use]
    pub fn raw(self) -> &'d str {
        &self.document.text[self.span()]
    }

    /// Where the value stands in the input, in bytes.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// The decoded string; borrowed where it has no escapes. None of another kind.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'d, str>> {
        let node = self.node();
        (node.kind == Kind::String).then(|| {
            let inner = &self.document.text[node.start as usize + 1..node.end as usize - 1];
            string::decode(inner, node.escaped)
        })
    }

    /// The boolean. None of another kind.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// A number's text as it was written. None of another kind.
    #[must_use]
    pub fn as_number(self) -> Option<&'d str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// A member of an object by its decoded key. Looks at each key in turn.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'d>> {
        self.entries()
            .find(|(name, _)| name.is(key))
            .map(|(_, value)| value)
    }

    /// Members in order, keys decoded. Empty for what is no object.
    pub fn members(self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> {
        self.entries()
            .map(|(key, value)| (key.as_str().expect("keys are strings"), value))
    }

    /// Members in order, keys as the strings they are, with their place. Empty for what is no
    /// object.
    pub fn entries(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> {
        let mut children = self.children(Kind::Object);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// Elements in order. Empty for what is no array.
    pub fn elements(self) -> impl Iterator<Item = Value<'d>> {
        self.children(Kind::Array)
    }

    /// How many members or elements there are; none of a scalar.
    #[must_use]
    pub fn len(self) -> usize {
        self.node().len as usize
    }

    /// Whether there are no members or elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether the value is this string.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        let node = self.node();
        if node.kind != Kind::String {
            return false;
        }
        let inner = &self.document.text[node.start as usize + 1..node.end as usize - 1];
        if node.escaped {
            string::decode(inner, true) == text
        } else {
            inner == text
        }
    }

    fn children(self, of: Kind) -> impl Iterator<Item = Value<'d>> {
        let node = self.node();
        let document = self.document;
        let end = if node.kind == of { node.next } else { 0 };
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            let child = (at < end).then(|| Value::new(document, at))?;
            at = document.tape[at as usize].next;
            Some(child)
        })
    }
}
