//! Operators and the values they take.

use std::{cmp::Ordering, collections::HashSet};

use json::{Kind, Value};

use super::{At, Reader, check::Sense};
use crate::{
    cidr,
    codes::{
        BAD_CIDR, BAD_HOST, BAD_VALUE, COMPARES_WITH_NULL, EMPTY_LIST, OUT_OF_RANGE,
        UNKNOWN_OPERATOR,
    },
    host::Host,
    language::{ELSEWHERE, LENGTH_MAX, OPERATORS, Operator, VALUES_MAX},
    literal::Literal,
    nearest::nearest,
    number::Number,
    path::Path,
    rules::Op,
};

/// The operator, if the language has it.
pub(super) fn operator(reader: &mut Reader<'_>, at: &At<'_>) -> Option<&'static Operator> {
    let text = reader.string(at)?;
    let found = OPERATORS.iter().find(|operator| operator.name == text);
    if found.is_none() {
        let names = OPERATORS.iter().map(|operator| operator.name);
        let near = ELSEWHERE
            .iter()
            .find(|(other, _)| *other == text)
            .map(|(_, ours)| *ours)
            .or_else(|| nearest(&text, names.clone()));
        let names: Vec<&str> = names.collect();
        let detail = format!("there is no such operator; there are {}", names.join(", "));
        reader
            .fault(UNKNOWN_OPERATOR, at, detail)
            .got(at.value)
            .hint(near);
    }
    found
}

/// The operator with its value. The path may forbid values that it can never have.
pub(super) fn read(
    reader: &mut Reader<'_>,
    operator: &Operator,
    at: &At<'_>,
    path: Option<&Path>,
    sense: Sense,
) -> Option<Op> {
    let name = operator.name;
    Some(match name {
        "eq" | "neq" => {
            possible(reader, at, path);
            one_of([literal(reader, at)?], name == "neq")
        }
        "in" | "not_in" => {
            let list = filled(reader, at)?;
            let read: Vec<_> = list
                .iter()
                .map(|at| {
                    possible(reader, at, path);
                    literal(reader, at)
                })
                .collect();
            one_of(
                read.into_iter().collect::<Option<Vec<_>>>()?,
                name == "not_in",
            )
        }
        "lt" => order(reader, at, Ordering::is_lt)?,
        "lte" => order(reader, at, Ordering::is_le)?,
        "gt" => order(reader, at, Ordering::is_gt)?,
        "gte" => order(reader, at, Ordering::is_ge)?,
        "exists" => Op::Exists(reader.boolean(at)?),
        "regex" | "not_regex" => {
            let pattern = super::pattern::read(reader, at, sense)?;
            Op::Matches {
                pattern,
                negate: name == "not_regex",
            }
        }
        "contains" => Op::Contains(literal(reader, at)?),
        "starts_with" => Op::StartsWith(reader.string(at)?.into()),
        "ends_with" => Op::EndsWith(reader.string(at)?.into()),
        "length_lte" => Op::LengthAtMost(reader.whole_at(at, 0, LENGTH_MAX)?),
        "cidr" => Op::Cidr(each(reader, at, BAD_CIDR, cidr::parse)?),
        _ => Op::HostIn(each(reader, at, BAD_HOST, |text| {
            Host::parse(text).map_err(|detail| (detail.to_owned(), None))
        })?),
    })
}

fn one_of(values: impl IntoIterator<Item = Literal>, negate: bool) -> Op {
    let mut texts = HashSet::default();
    let mut others = Vec::new();
    for value in values {
        match value {
            Literal::Text(text) => drop(texts.insert(text)),
            other => others.push(other),
        }
    }
    Op::OneOf {
        texts,
        others: others.into(),
        negate,
    }
}

fn order(reader: &mut Reader<'_>, at: &At<'_>, holds: fn(Ordering) -> bool) -> Option<Op> {
    reader.expect(at, Kind::Number)?;
    let Literal::Number(than) = literal(reader, at)? else {
        return None;
    };
    Some(Op::Order { than, holds })
}

fn literal(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Literal> {
    let read = Literal::read(at.value);
    match read {
        None => {
            let detail = "a number has at most 400 digits and an exponent from -400 to 400";
            reader.fault(OUT_OF_RANGE, at, detail).got(at.value);
        }
        Some(Literal::Null) => {
            let detail = "a value that is null is never equal to anything, also not to null; \
                          ask with `exists`";
            reader.warn(COMPARES_WITH_NULL, at, detail);
        }
        Some(_) => {}
    }
    read
}

/// A list that has entries.
fn filled<'d>(reader: &mut Reader<'_>, at: &At<'d>) -> Option<Vec<At<'d>>> {
    reader.expect(at, Kind::Array)?;
    let list = reader.list_at(at, VALUES_MAX);
    if list.is_empty() {
        reader.fault(EMPTY_LIST, at, "must have at least one entry");
        return None;
    }
    Some(list)
}

/// A filled list of texts, each understood.
fn each<T>(
    reader: &mut Reader<'_>,
    at: &At<'_>,
    code: &'static str,
    parse: impl Fn(&str) -> Result<T, (String, Option<String>)>,
) -> Option<Box<[T]>> {
    let list = filled(reader, at)?;
    let read: Vec<Option<T>> = list
        .iter()
        .map(|at| {
            let text = reader.string(at)?;
            match parse(&text) {
                Ok(one) => Some(one),
                Err((detail, hint)) => {
                    reader.fault(code, at, detail).got(at.value).hint(hint);
                    None
                }
            }
        })
        .collect();
    read.into_iter().collect()
}

/// A weekday spelt `monday` would never be equal to anything, so a rule on it would be idle.
fn possible(reader: &mut Reader<'_>, at: &At<'_>, path: Option<&Path>) {
    let Some(path) = path else { return };
    if let Some(words) = path.words() {
        let text = at.value.as_str();
        if !text.as_deref().is_some_and(|text| words.contains(&text)) {
            let near = text.as_deref().and_then(|text| {
                let short = text.to_lowercase();
                words
                    .iter()
                    .copied()
                    .find(|word| short.starts_with(word))
                    .or_else(|| nearest(text, words.iter().copied()))
            });
            let detail = format!("this is always one of {}", words.join(", "));
            reader.fault(BAD_VALUE, at, detail).got(at.value).hint(near);
        }
        return;
    }
    let (kind, right) = match path {
        Path::UtcHour => (Kind::Number, is_hour(at.value)),
        Path::GrantLabel | Path::GrantIdentity | Path::GrantLabels(_) | Path::ToolName => {
            (Kind::String, at.value.kind() == Kind::String)
        }
        _ => return,
    };
    if !right {
        let detail = match kind {
            Kind::Number => "this is always a whole number from 0 to 23",
            _ => "this is always a string",
        };
        reader.fault(BAD_VALUE, at, detail).got(at.value);
    }
}

fn is_hour(value: Value<'_>) -> bool {
    let hour = |hour: u8| {
        Number::new(value.raw()).is_some_and(|n| {
            n.test(&hour.to_string(), Ordering::is_eq) == crate::truth::Truth::True
        })
    };
    value.kind() == Kind::Number && (0..24).any(hour)
}
