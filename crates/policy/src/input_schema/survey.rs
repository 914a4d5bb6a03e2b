//! What a schema could make a check do, told before it is compiled.
//!
//! Upstreams write schemas, and the library that reads them has no budget. So a schema is looked
//! through first: it refers to itself alone, no value is led round in a circle, and what is applied
//! to one value is bounded in number and in depth. Beyond that each application has a price, which
//! the arguments collect (see `argument.rs`).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::patterns::Patterns;
use crate::effort::PATTERN;

/// Subschemas that can be applied to one value, references followed.
const APPLIED_MAX: u32 = 4096;
/// How many of these may stand in one another.
const NESTED_MAX: u32 = 32;
/// A keyword of our own, whose value is what an application of the schema beside it costs.
pub(super) const PRICE: &str = "tollgate:price";

/// Keywords whose value is a schema for the same value.
const SAME: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose value is a list of such.
const SAME_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value is an object of such.
const SAME_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords whose value is a schema, or a list of schemas, for something inside the value.
const INSIDE: [&str; 9] = [
    "additionalProperties",
    "additionalItems",
    "items",
    "prefixItems",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value is an object of such.
const INSIDE_MAPS: [&str; 2] = ["properties", "patternProperties"];

/// Why a schema is not used.
pub(super) type Unusable = &'static str;

/// What is applied to a value to which this schema is.
#[derive(Clone, Copy)]
struct Applied {
    count: u32,
    nested: u32,
}

struct Survey<'s> {
    root: &'s Value,
    anchors: HashMap<&'s str, &'s Value>,
    /// None while a schema is being looked at, so that a circle is noticed.
    applied: HashMap<*const Value, Option<Applied>>,
    prices: HashMap<*const Value, u64>,
    deepest: u32,
    pattern: usize,
}

/// What a schema makes of a check.
pub(super) struct Surveyed {
    /// How deep schemas stand in one another for one value.
    pub(super) nested: u32,
    /// What looking at a byte costs with the dearest of its patterns, or with all of those for
    /// names that stand together.
    pub(super) pattern: usize,
}

/// Looks a schema through and puts the prices into it.
pub(super) fn price(schema: &mut Value, patterns: &mut Patterns) -> Result<Surveyed, Unusable> {
    let mut survey = Survey {
        root: schema,
        anchors: HashMap::new(),
        applied: HashMap::new(),
        prices: HashMap::new(),
        deepest: 0,
        pattern: PATTERN,
    };
    survey.references(schema, true)?;
    survey.schemas(patterns)?;
    let surveyed = Surveyed {
        nested: survey.deepest,
        pattern: survey.pattern,
    };
    let prices = survey.prices;
    put(schema, &prices);
    Ok(surveyed)
}

/// Inner ones first, since adding a member moves the others.
fn put(value: &mut Value, prices: &HashMap<*const Value, u64>) {
    let price = prices.get(&std::ptr::from_ref(&*value)).copied();
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|value| put(value, prices));
            if let Some(price) = price {
                members.insert(PRICE.to_owned(), price.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|value| put(value, prices)),
        _ => {}
    }
}

impl<'s> Survey<'s> {
    /// References stay inside the schema, wherever they stand. At most 64 levels of recursion.
    fn references(&mut self, value: &'s Value, root: bool) -> Result<(), Unusable> {
        match value {
            Value::Object(members) => {
                for (key, inner) in members {
                    match (key.as_str(), inner) {
                        ("$ref", Value::String(target)) if !target.starts_with('#') => {
                            return Err("it refers to another document");
                        }
                        ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                            return Err("it has a reference whose target depends on the way there");
                        }
                        ("$id", Value::String(_)) if !root => {
                            return Err("it holds another document");
                        }
                        ("$schema", Value::String(dialect)) if dialect.contains("draft-0") => {
                            let old = ["draft-03", "draft-04"];
                            if !root || old.iter().any(|old| dialect.contains(old)) {
                                return Err("its dialect is too old to be read for certain");
                            }
                        }
                        ("$anchor", Value::String(name)) => self.name(name, value)?,
                        _ => {}
                    }
                    self.references(inner, false)?;
                }
                Ok(())
            }
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| self.references(item, false)),
            _ => Ok(()),
        }
    }

    fn name(&mut self, name: &'s str, schema: &'s Value) -> Result<(), Unusable> {
        match self.anchors.insert(name, schema) {
            Some(_) => Err("two of its parts have one name"),
            None => Ok(()),
        }
    }

    /// Each schema that can be applied to anything.
    fn schemas(&mut self, patterns: &mut Patterns) -> Result<(), Unusable> {
        let mut seen = HashSet::new();
        let mut left = vec![self.root];
        while let Some(schema) = left.pop() {
            let Value::Object(members) = schema else {
                continue;
            };
            if !seen.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            let applied = self.applied(schema, 0)?;
            self.deepest = self.deepest.max(applied.nested);
            let inner: Vec<&Value> = self
                .same(members)?
                .into_iter()
                .chain(inside(members))
                .collect();
            self.prices
                .insert(std::ptr::from_ref(schema), own_values(members, &inner));
            if let Some(Value::String(pattern)) = members.get("pattern") {
                self.pattern = self.pattern.max(patterns.take(pattern)?);
            }
            if let Some(Value::Object(named)) = members.get("patternProperties") {
                // Each member's name is tried against each of these.
                patterns.of_names(named.len())?;
                let prices = named.keys().map(|pattern| patterns.take(pattern));
                self.pattern = self.pattern.max(prices.sum::<Result<usize, _>>()?);
            }
            left.extend(inner);
        }
        Ok(())
    }

    /// What is applied to a value, this schema included.
    fn applied(&mut self, schema: &'s Value, depth: u32) -> Result<Applied, Unusable> {
        let Value::Object(members) = schema else {
            return Ok(Applied {
                count: 1,
                nested: 1,
            });
        };
        if depth >= NESTED_MAX {
            return Err("too many of its parts stand in one another");
        }
        let key = std::ptr::from_ref(schema);
        match self.applied.get(&key) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => return Err("it leads round in a circle"),
            None => self.applied.insert(key, None),
        };
        let mut all = Applied {
            count: 1,
            nested: 1,
        };
        for part in self.same(members)? {
            let part = self.applied(part, depth + 1)?;
            all.count = all.count.saturating_add(part.count);
            all.nested = all.nested.max(part.nested + 1);
        }
        if all.count > APPLIED_MAX {
            return Err("too many of its parts apply to one value");
        }
        if all.nested > NESTED_MAX {
            return Err("too many of its parts stand in one another");
        }
        self.applied.insert(key, Some(all));
        Ok(all)
    }

    /// The schemas that are applied to the same value as the one with these members.
    fn same(&self, members: &'s Map<String, Value>) -> Result<Vec<&'s Value>, Unusable> {
        let mut same: Vec<&Value> = SAME.iter().filter_map(|key| members.get(*key)).collect();
        let lists = SAME_LISTS
            .iter()
            .filter_map(|key| members.get(*key)?.as_array());
        same.extend(lists.flatten());
        let maps = SAME_MAPS
            .iter()
            .filter_map(|key| members.get(*key)?.as_object());
        same.extend(maps.flat_map(Map::values));
        if let Some(Value::String(target)) = members.get("$ref") {
            same.push(self.target(target)?);
        }
        Ok(same)
    }

    fn target(&self, reference: &str) -> Result<&'s Value, Unusable> {
        let fragment = reference.strip_prefix('#').unwrap_or(reference);
        let fragment = percent_encoding::percent_decode_str(fragment).decode_utf8();
        let found = fragment.ok().and_then(|fragment| {
            if fragment.is_empty() || fragment.starts_with('/') {
                return self.root.pointer(&fragment);
            }
            self.anchors.get(&*fragment).copied()
        });
        found.ok_or("it refers to a part that it does not have")
    }
}

/// The schemas that are applied to what is inside a value.
fn inside(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let one = INSIDE.iter().filter_map(|key| members.get(*key));
    let listed = one.flat_map(|value| match value {
        Value::Array(items) => items.iter().collect(),
        schema => vec![schema],
    });
    let maps = INSIDE_MAPS
        .iter()
        .filter_map(|key| members.get(*key)?.as_object());
    listed.chain(maps.flat_map(Map::values))
}

/// How many values a schema holds that are in none of the schemas inside it: entries of `enum`, of
/// `required`, and whatever else has to be gone through.
fn own_values(members: &Map<String, Value>, inner: &[&Value]) -> u64 {
    let inner: HashSet<*const Value> = inner
        .iter()
        .filter(|schema| schema.is_object())
        .map(|schema| std::ptr::from_ref(*schema))
        .collect();
    members.values().map(|value| values(value, &inner)).sum()
}

fn values(value: &Value, except: &HashSet<*const Value>) -> u64 {
    if except.contains(&std::ptr::from_ref(value)) {
        return 1;
    }
    1 + match value {
        Value::Array(items) => items.iter().map(|item| values(item, except)).sum(),
        Value::Object(members) => members.values().map(|value| values(value, except)).sum(),
        _ => 0,
    }
}
