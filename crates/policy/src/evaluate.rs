//! What is true of one call.

use std::{borrow::Cow, cmp::Ordering};

use domain::ToolClass;
use json::{Kind, Value};

use crate::{
    cidr,
    effort::{ENTRY, Effort, STEP},
    engine::Call,
    fold::{self, Meeting},
    host,
    literal::Literal,
    path::{Path, Segment, WEEKDAYS},
    rules::{Condition, Op},
    truth::Truth,
};

/// How `[*]` joins what is true of each element: in `require` all must hold, elsewhere one is
/// enough to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    All,
    Any,
}

/// What the inventory says of the tool that is called.
#[derive(Debug, Default, Clone)]
pub(crate) struct ToolFacts {
    pub(crate) class: Option<ToolClass>,
    pub(crate) annotations: Vec<(Box<str>, Annotation)>,
}

/// One of the upstream's hints, resolved when the policy was compiled.
#[derive(Debug, Clone)]
pub(crate) enum Annotation {
    Bool(bool),
    Number(Box<str>),
    Text(Box<str>),
    /// Present and nothing that an operator but `exists` can use.
    Opaque,
    Missing,
    Wrong,
}

impl Annotation {
    /// The hint of a definition, by the same rules as a path into arguments.
    pub(crate) fn resolve(definition: Value<'_>, hint: &fold::Key) -> Self {
        let steps = [
            Segment::Key(fold::Key::new("annotations")),
            Segment::Key(hint.clone()),
        ];
        let mut found = Self::Missing;
        let effort = Effort::default();
        let truth = walk(definition, &steps, Join::All, &effort, &mut |operand| {
            found = match operand {
                Operand::Missing => Self::Missing,
                Operand::Wrong => Self::Wrong,
                Operand::Opaque => Self::Opaque,
                Operand::Bool(known) => Self::Bool(known),
                Operand::Number(text) => Self::Number(text.into()),
                Operand::Text(text) => Self::Text(text.into()),
                Operand::Json(value) => match value.kind() {
                    Kind::Bool => Self::Bool(value.as_bool() == Some(true)),
                    Kind::Number => Self::Number(value.raw().into()),
                    Kind::String => Self::Text(value.as_str().unwrap_or_default().into()),
                    _ => Self::Opaque,
                },
            };
            Truth::True
        });
        debug_assert_eq!(truth, Truth::True);
        found
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand<'a> {
    Json(Value<'a>),
    Bool(bool),
    Number(&'a str),
    Text(&'a str),
    Opaque,
    /// Nothing, or null.
    Missing,
    /// A wrong type on the way, or a key that another reader might take for the one meant.
    Wrong,
}

/// Whether conditions all hold.
pub(crate) fn all(
    conditions: &[Condition],
    join: Join,
    call: &Call<'_>,
    tool: &ToolFacts,
    effort: &Effort,
) -> Truth {
    Truth::all(
        conditions
            .iter()
            .map(|it| condition(it, join, call, tool, effort)),
    )
}

/// Whether a condition holds. What it asks of grant, tool and time is decided also where the effort
/// is spent, so that no argument can change it.
pub(crate) fn condition(
    condition: &Condition,
    join: Join,
    call: &Call<'_>,
    tool: &ToolFacts,
    effort: &Effort,
) -> Truth {
    let mut test = |operand: Operand<'_>| test(&condition.op, operand, effort);
    match (&condition.path, call.arguments) {
        (Path::Args(_), _) if effort.is_spent() => Truth::Wrong,
        (Path::Args(steps), Some(arguments)) => walk(arguments, steps, join, effort, &mut test),
        (path, _) => outside(path, call, tool, test),
    }
}

/// Tests what stands at a path outside the arguments, or into arguments that are not there.
pub(crate) fn outside<T>(
    path: &Path,
    call: &Call<'_>,
    tool: &ToolFacts,
    test: impl FnOnce(Operand<'_>) -> T,
) -> T {
    fn text(text: Option<&str>) -> Operand<'_> {
        text.map_or(Operand::Missing, Operand::Text)
    }
    test(match path {
        Path::Args(_) => Operand::Missing,
        Path::GrantLabel => Operand::Text(call.grant.label),
        Path::GrantIdentity => text(call.grant.identity),
        Path::GrantLabels(key) => {
            let found = call.grant.labels.iter().find(|(name, _)| **name == **key);
            text(found.map(|(_, value)| value.as_str()))
        }
        Path::ToolName => Operand::Text(call.tool),
        Path::ToolClass => text(call.class.or(tool.class).map(ToolClass::as_str)),
        Path::ToolAnnotation(hint) => {
            let found = tool.annotations.iter().find(|(name, _)| *name == hint.text);
            match found.map(|(_, annotation)| annotation) {
                Some(Annotation::Bool(known)) => Operand::Bool(*known),
                Some(Annotation::Number(number)) => Operand::Number(number),
                Some(Annotation::Text(text)) => Operand::Text(text),
                Some(Annotation::Opaque) => Operand::Opaque,
                Some(Annotation::Wrong) => Operand::Wrong,
                Some(Annotation::Missing) | None => Operand::Missing,
            }
        }
        Path::UtcHour => {
            let hour = call.now_unix_ms / 3_600_000 % 24;
            Operand::Number(HOURS[usize::try_from(hour).unwrap_or_default()])
        }
        Path::UtcWeekday => {
            // 1970-01-01 was a Thursday.
            let day = (call.now_unix_ms / 86_400_000 + 3) % 7;
            Operand::Text(WEEKDAYS[usize::try_from(day).unwrap_or_default()])
        }
    })
}

/// The hours as `time.utc.hour` gives them.
const HOURS: [&str; 24] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
    "17", "18", "19", "20", "21", "22", "23",
];

/// What stands at the one end of a path without `[*]`.
pub(crate) fn find<'a>(
    arguments: Option<Value<'a>>,
    steps: &[Segment],
    effort: &Effort,
) -> Operand<'a> {
    let Some(arguments) = arguments else {
        return Operand::Missing;
    };
    let mut found = Operand::Wrong;
    walk(arguments, steps, Join::All, effort, &mut |operand| {
        found = operand;
        Truth::True
    });
    found
}

/// Follows a path and tests what stands at its end, or at each of its ends.
fn walk<'a>(
    from: Value<'a>,
    steps: &[Segment],
    join: Join,
    effort: &Effort,
    test: &mut dyn FnMut(Operand<'a>) -> Truth,
) -> Truth {
    let mut here = from;
    for (at, step) in steps.iter().enumerate() {
        let next = match (step, here.kind()) {
            (_, Kind::Null) => return test(Operand::Missing),
            (Segment::Key(key), Kind::Object) => {
                let mut next = None;
                for (name, value) in here.members() {
                    if !effort.spend(STEP + name.len()) {
                        return Truth::Wrong;
                    }
                    match key.meets(&name) {
                        Meeting::Same => next = Some(value),
                        Meeting::Confusable => return test(Operand::Wrong),
                        Meeting::Other => {}
                    }
                }
                next
            }
            (Segment::Index(index), Kind::Array) => {
                let index = *index as usize;
                if !effort.spend(STEP + index.min(here.len())) {
                    return Truth::Wrong;
                }
                here.elements().nth(index)
            }
            (Segment::Each, Kind::Array) => {
                if here.is_empty() {
                    return test(Operand::Missing);
                }
                // Recursion is as deep as there are `[*]` in the path, at most 64.
                let each = here.elements().map(|item| match effort.spend(STEP) {
                    true => walk(item, &steps[at + 1..], join, effort, test),
                    false => Truth::Wrong,
                });
                return match join {
                    Join::All => Truth::all(each),
                    Join::Any => Truth::any(each),
                };
            }
            _ => return test(Operand::Wrong),
        };
        match next {
            Some(value) => here = value,
            None => return test(Operand::Missing),
        }
    }
    test(if here.kind() == Kind::Null {
        Operand::Missing
    } else {
        Operand::Json(here)
    })
}

fn test(op: &Op, operand: Operand<'_>, effort: &Effort) -> Truth {
    if let Op::Exists(wanted) = op {
        return match operand {
            Operand::Wrong => Truth::Wrong,
            Operand::Missing => (!wanted).into(),
            _ => (*wanted).into(),
        };
    }
    if let Operand::Json(value) = &operand
        && !effort.spend(cost(op, *value))
    {
        return Truth::Wrong;
    }
    let decoded;
    let operand = match operand {
        Operand::Missing => return Truth::Missing,
        Operand::Wrong | Operand::Opaque => return Truth::Wrong,
        Operand::Json(value) => match value.kind() {
            Kind::String => {
                decoded = value.as_str().unwrap_or(Cow::Borrowed(""));
                Operand::Text(&decoded)
            }
            Kind::Number => Operand::Number(value.raw()),
            Kind::Bool => Operand::Bool(value.as_bool() == Some(true)),
            _ => Operand::Json(value),
        },
        other => other,
    };
    match (op, operand) {
        (
            Op::OneOf {
                texts,
                others,
                negate,
            },
            operand,
        ) => {
            let found = match &operand {
                Operand::Text(_) if texts.is_empty() => Truth::Wrong,
                Operand::Text(text) => texts.contains(*text).into(),
                _ => one_of(others, &operand),
            };
            if *negate { found.not() } else { found }
        }
        (Op::Order { than, holds }, Operand::Number(number)) => than.test(number, holds),
        (Op::Matches { pattern, negate }, Operand::Text(text)) => {
            (pattern.regex.is_match(text) != *negate).into()
        }
        (Op::Contains(Literal::Text(part)), Operand::Text(text)) => text.contains(&**part).into(),
        (Op::Contains(item), Operand::Json(array)) if array.kind() == Kind::Array => {
            Truth::any(array.elements().map(|element| item.equals(element)))
        }
        (Op::StartsWith(part), Operand::Text(text)) => text.starts_with(&**part).into(),
        (Op::EndsWith(part), Operand::Text(text)) => text.ends_with(&**part).into(),
        (Op::LengthAtMost(most), Operand::Text(text)) => at_most(text.chars().count(), *most),
        (Op::LengthAtMost(most), Operand::Json(value)) => at_most(value.len(), *most),
        (Op::Cidr(ranges), Operand::Text(text)) => cidr::inside(ranges, text),
        (Op::HostIn(hosts), Operand::Text(text)) => host::is_one_of(hosts, text),
        _ => Truth::Wrong,
    }
}

/// What it takes to test this value.
fn cost(op: &Op, value: Value<'_>) -> usize {
    // Of what is counted, only a text has to be read for it.
    match (op, value.kind()) {
        (Op::LengthAtMost(_), Kind::Array | Kind::Object) => 0,
        _ => {
            let (times, entries) = op.work();
            let bytes = value.span().len().saturating_mul(times);
            bytes.saturating_add(entries.saturating_mul(ENTRY))
        }
    }
}

impl Op {
    /// How many times each byte of a value is looked at, and how many entries of a list of the
    /// policy's the value is held against whatever its length.
    pub(crate) fn work(&self) -> (usize, usize) {
        match self {
            Self::Matches { pattern, .. } => (pattern.price, 0),
            Self::OneOf { others, .. } => (others.len().max(1), 0),
            Self::Cidr(ranges) => (1, ranges.len()),
            Self::HostIn(hosts) => (1, hosts.len()),
            _ => (1, 0),
        }
    }
}

fn at_most(length: usize, most: u64) -> Truth {
    u64::try_from(length)
        .is_ok_and(|length| length <= most)
        .into()
}

/// Whether the operand, which is no text, is one of the values; undecided where none has its JSON
/// type.
fn one_of(values: &[Literal], operand: &Operand<'_>) -> Truth {
    let mut comparable = values
        .iter()
        .filter_map(|literal| match (literal, operand) {
            (Literal::Bool(a), Operand::Bool(b)) => Some((a == b).into()),
            (Literal::Number(a), Operand::Number(b)) => Some(a.test(b, Ordering::is_eq)),
            (_, Operand::Json(b)) if literal.kind() == b.kind() => Some(literal.equals(*b)),
            _ => None,
        });
    match comparable.next() {
        None => Truth::Wrong,
        Some(first) => Truth::any(std::iter::once(first).chain(comparable)),
    }
}
