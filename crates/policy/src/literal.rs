//! Values that a policy compares with.

use std::{cmp::Ordering, collections::BTreeMap};

use json::{Kind, Value};

use crate::{number::Number, truth::Truth};

/// A JSON value of the policy.
#[derive(Debug, Clone)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(Number),
    Text(Box<str>),
    Array(Box<[Literal]>),
    Object(BTreeMap<Box<str>, Literal>),
}

impl Literal {
    /// None where a number in it cannot be compared.
    pub(crate) fn read(value: Value<'_>) -> Option<Self> {
        Some(match value.kind() {
            Kind::Null => Self::Null,
            Kind::Bool => Self::Bool(value.as_bool()?),
            Kind::Number => Self::Number(Number::new(value.raw())?),
            Kind::String => Self::Text(value.as_str()?.into()),
            Kind::Array => Self::Array(value.elements().map(Self::read).collect::<Option<_>>()?),
            Kind::Object => Self::Object(
                value
                    .members()
                    .map(|(key, value)| Some((key.into(), Self::read(value)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::String,
            Self::Array(_) => Kind::Array,
            Self::Object(_) => Kind::Object,
        }
    }

    /// Equal by JSON type and value, at every depth. Undecided where it hangs on a number that is
    /// (see [`Number::test`]).
    pub(crate) fn equals(&self, value: Value<'_>) -> Truth {
        match self {
            _ if self.kind() != value.kind() => Truth::False,
            Self::Null => Truth::True,
            Self::Bool(known) => (value.as_bool() == Some(*known)).into(),
            Self::Number(number) => number.test(value.raw(), Ordering::is_eq),
            Self::Text(text) => value.is(text).into(),
            Self::Array(items) => {
                if items.len() != value.len() {
                    return Truth::False;
                }
                Truth::all(
                    items
                        .iter()
                        .zip(value.elements())
                        .map(|(item, v)| item.equals(v)),
                )
            }
            Self::Object(members) => {
                if members.len() != value.len() {
                    return Truth::False;
                }
                // No object has a key twice, so of as many members none is left over.
                Truth::all(value.members().map(|(key, v)| {
                    let item = members.get(&*key);
                    item.map_or(Truth::False, |item| item.equals(v))
                }))
            }
        }
    }
}
