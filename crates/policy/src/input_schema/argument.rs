//! A call's arguments as the schema library reads them: where they lie, and at a price.

use std::{borrow::Cow, ops::ControlFlow};

use json::{Decimal, Kind, Value};
use jsonschema::{
    JsonType,
    json::{Array, Json, JsonNumber, Node, NodeIdentity, Object},
};

use crate::effort::{Effort, PATTERN, STEP};

/// Arguments as they stand in the body. Each look costs effort, and once that is spent there is
/// nothing left to see, so that a check ends whatever schema and arguments ask for. Its result then
/// means nothing, and whoever asked for it refuses.
pub(super) struct Arguments;

/// One value, or the name of a member.
#[derive(Clone, Copy)]
pub(super) enum Argument<'a> {
    Value(Value<'a>, &'a Effort),
    Name(&'a str),
}

impl Json for Arguments {
    type Node<'a> = Argument<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    /// A look-up goes through the members, so a few look-ups cost as much as one pass.
    const KEYS_PER_LOOKUP: usize = 4;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), text: &str, f: impl FnOnce(Argument<'_>) -> T) -> T {
        f(Argument::Name(text))
    }
}

impl<'a> Argument<'a> {
    /// Charges for a look.
    pub(super) fn spend(self, cost: usize) -> bool {
        match self {
            Self::Value(_, effort) => effort.spend(cost),
            Self::Name(_) => true,
        }
    }

    fn of(self, kind: Kind) -> Option<Container<'a>> {
        match self {
            Self::Value(value, effort) if value.kind() == kind => {
                effort.spend(STEP);
                Some(Container { value, effort })
            }
            _ => None,
        }
    }
}

impl<'a> Node<'a, Arguments> for Argument<'a> {
    type Object = Container<'a>;
    type Array = Container<'a>;
    type Number = Digits<'a>;

    fn as_object(&self) -> Option<Container<'a>> {
        self.of(Kind::Object)
    }

    fn as_array(&self) -> Option<Container<'a>> {
        self.of(Kind::Array)
    }

    /// For a pattern, more often than not.
    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Value(value, effort) => {
                let text = value.as_str()?;
                let cost = STEP + text.len().saturating_mul(effort.pattern);
                Some(if effort.spend(cost) {
                    text
                } else {
                    Cow::Borrowed("")
                })
            }
            Self::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<Digits<'a>> {
        match self {
            Self::Value(value, _) => {
                let digits = value.as_number()?;
                self.spend(STEP + digits.len());
                Some(Digits(digits))
            }
            Self::Name(_) => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Value(value, _) => value.as_bool(),
            Self::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn is_number(&self) -> bool {
        self.json_type() == JsonType::Number
    }

    fn json_type(&self) -> JsonType {
        self.spend(STEP);
        match self {
            Self::Name(_) => JsonType::String,
            Self::Value(value, _) => match value.kind() {
                Kind::Null => JsonType::Null,
                Kind::Bool => JsonType::Boolean,
                Kind::Number => JsonType::Number,
                Kind::String => JsonType::String,
                Kind::Array => JsonType::Array,
                Kind::Object => JsonType::Object,
            },
        }
    }

    fn equals_value(&self, expected: &serde_json::Value) -> bool {
        match *self {
            Self::Value(value, effort) => equals(value, expected, effort),
            Self::Name(name) => expected.as_str() == Some(name),
        }
    }

    /// Only what errors quote, and ours quote no argument.
    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(serde_json::Value::Null)
    }

    /// Where it begins: no two values of one text begin at one place.
    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Self::Value(value, _) => Some(NodeIdentity::new(value.span().start)),
            Self::Name(_) => None,
        }
    }
}

/// An object or an array.
#[derive(Clone, Copy)]
pub(super) struct Container<'a> {
    value: Value<'a>,
    effort: &'a Effort,
}

impl<'a> Container<'a> {
    /// Members, as far as the effort goes.
    fn entries(self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + 'a {
        let Self { value, effort } = self;
        let paid = move |(key, _): &(Value<'a>, Value<'a>)| {
            effort.spend(STEP + key.span().len().saturating_mul(effort.pattern))
        };
        value.entries().take_while(paid)
    }
}

impl<'a> Object<'a, Arguments> for Container<'a> {
    type Node = Argument<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = Box<dyn Iterator<Item = (Cow<'a, str>, Argument<'a>)> + 'a>;

    fn len(&self) -> usize {
        self.value.len()
    }

    fn get(&self, key: &Box<str>) -> Option<Argument<'a>> {
        let Self { value, effort } = *self;
        value
            .entries()
            .take_while(|(name, _)| effort.spend(STEP + name.span().len()))
            .find(|(name, _)| name.is(key))
            .map(|(_, value)| Argument::Value(value, effort))
    }

    fn members(&self) -> Self::MembersIter {
        let effort = self.effort;
        let members = self.entries().map(move |(key, value)| {
            let name = key.as_str().unwrap_or_default();
            (name, Argument::Value(value, effort))
        });
        Box::new(members)
    }

    /// Names are values of the text already.
    fn try_for_each_name_node<B>(
        &self,
        (): &mut (),
        mut f: impl FnMut(Argument<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for (key, _) in self.entries() {
            f(Argument::Value(key, self.effort))?;
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Array<'a, Arguments> for Container<'a> {
    type Node = Argument<'a>;
    type ElementsIter = Box<dyn Iterator<Item = Argument<'a>> + 'a>;

    fn len(&self) -> usize {
        self.value.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        let Self { value, effort } = *self;
        let paid = value.elements().take_while(|_| effort.spend(STEP));
        Box::new(paid.map(|element| Argument::Value(element, effort)))
    }

    /// By canonical text, so that it takes as long as there is to read.
    fn is_unique(&self) -> bool {
        let cost = self.value.span().len().saturating_mul(PATTERN);
        if !self.effort.spend(cost) {
            return false;
        }
        let mut seen = std::collections::HashSet::new();
        let mut texts = self.value.elements().map(Value::canonical);
        texts.all(|text| seen.insert(text))
    }
}

/// A number as it was written. Only such are shown to a schema that it reads without loss.
pub(super) struct Digits<'a>(&'a str);

impl JsonNumber for Digits<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(self.0.parse().unwrap_or_else(|_| 0.into()))
    }

    fn is_integer(&self) -> bool {
        self.as_i64().is_some()
            || self.as_u64().is_some()
            || self.as_f64().is_some_and(|double| double.fract() == 0.0)
    }
}

/// Equal as JSON Schema has it, numbers by their value.
fn equals(value: Value<'_>, expected: &serde_json::Value, effort: &Effort) -> bool {
    use serde_json::Value as Expected;
    if !effort.spend(STEP) {
        return false;
    }
    match (value.kind(), expected) {
        (Kind::Null, Expected::Null) => true,
        (Kind::Bool, Expected::Bool(known)) => value.as_bool() == Some(*known),
        (Kind::Number, Expected::Number(known)) => {
            let known = known.to_string();
            match (Decimal::read(value.raw()), Decimal::read(&known)) {
                (Ok(a), Ok(b)) => a == b,
                _ => false,
            }
        }
        (Kind::String, Expected::String(text)) => {
            effort.spend(text.len().min(value.span().len())) && value.is(text)
        }
        (Kind::Array, Expected::Array(items)) => {
            items.len() == value.len()
                && value
                    .elements()
                    .zip(items)
                    .all(|(element, item)| equals(element, item, effort))
        }
        (Kind::Object, Expected::Object(members)) => {
            members.len() == value.len()
                && value.members().all(|(key, value)| {
                    effort.spend(STEP + key.len())
                        && members
                            .get(&*key)
                            .is_some_and(|member| equals(value, member, effort))
                })
        }
        _ => false,
    }
}
