//! What a limit takes for one call, and whose bucket it is, where arguments say so.

use std::borrow::Cow;

use json::Kind;

use crate::{
    effort::Effort,
    evaluate::{self, Operand},
    limit::{Argument, Limit},
    number,
    path::Path,
};

/// No bucket holds more tokens.
const COST_MAX: f64 = 1e12;

/// What one limit takes for this call.
#[derive(Debug, Clone)]
pub(crate) struct Amount {
    pub(crate) cost: u64,
    pub(crate) per: Option<Box<str>>,
}

/// An argument that a limit cannot use.
pub(crate) struct Unusable<'l> {
    pub(crate) argument: &'l Argument,
    /// What it should have been, to finish the sentence "… must be".
    pub(crate) wanted: &'static str,
}

impl Amount {
    /// What a limit takes for a call with these arguments.
    pub(crate) fn of<'l>(
        limit: &'l Limit,
        arguments: Option<json::Value<'_>>,
        effort: &Effort,
    ) -> Result<Self, Unusable<'l>> {
        let cost = match &limit.cost {
            None => 1,
            Some(argument) => cost(find(argument, arguments, effort)).ok_or(Unusable {
                argument,
                wanted: "a whole number from 0 to 1000000000000",
            })?,
        };
        let per = match &limit.per {
            None => None,
            Some(argument) => Some(per(find(argument, arguments, effort)).ok_or(Unusable {
                argument,
                wanted: "a string, a boolean or a number that every reader takes for the same",
            })?),
        };
        Ok(Self { cost, per })
    }
}

fn find<'a>(
    argument: &Argument,
    arguments: Option<json::Value<'a>>,
    effort: &Effort,
) -> Operand<'a> {
    match &argument.path {
        Path::Args(steps) => evaluate::find(arguments, steps, effort),
        _ => Operand::Wrong,
    }
}

fn cost(operand: Operand<'_>) -> Option<u64> {
    let Operand::Json(value) = operand else {
        return None;
    };
    let (double, _) = number::agreed(value.as_number()?)?;
    let whole = double.fract() == 0.0 && (0.0..=COST_MAX).contains(&double);
    // The shortest text of a whole number in that range is its digits.
    whole
        .then(|| double.abs().to_string().parse().ok())
        .flatten()
}

/// The value as canonical JSON, so that each value has one spelling and no two share one.
fn per(operand: Operand<'_>) -> Option<Box<str>> {
    let Operand::Json(value) = operand else {
        return None;
    };
    let text = match value.kind() {
        Kind::String => {
            let mut quoted = String::new();
            json::quote(&value.as_str().unwrap_or(Cow::Borrowed("")), &mut quoted);
            quoted
        }
        Kind::Bool => value.raw().to_owned(),
        Kind::Number => number::agreed(value.raw())?.1.to_string(),
        _ => return None,
    };
    Some(text.into())
}
