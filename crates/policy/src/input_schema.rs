//! A tool's `inputSchema`, as far as a policy asks for it.

mod argument;
mod patterns;
mod survey;
mod words;

use std::sync::OnceLock;

use domain::Tool;
use json::{Bounds, Document, Kind, Value};
use jsonschema::{PatternOptions, ValidationError, Validator};

pub(crate) use self::patterns::Patterns;
use self::{
    argument::{Argument, Arguments},
    survey::{PRICE, Unusable},
};
use crate::{
    effort::{Effort, STEP},
    evaluate::{self, Operand},
    fold::Key,
    path::Segment,
    plan::DEFINITION_BOUNDS,
    rules::Validate,
};

/// 256 KiB, 64 levels.
const BOUNDS: Bounds = Bounds {
    bytes_max: 256 * 1024,
    depth_max: 64,
};
/// How deep a check may stand in itself: levels of the arguments times the schemas that stand in
/// one another for one value. Each takes about a kilobyte of stack.
const NESTED_MAX: usize = 512;
/// What finding words for a fault may cost.
const FAULT_EFFORT_MAX: u64 = 4 << 20;

/// A schema that arguments can be checked against, or why it cannot be used.
#[derive(Debug)]
pub(crate) struct InputSchema {
    text: Result<Box<str>, Unusable>,
    whole: OnceLock<Result<Whole, Unusable>>,
}

/// All of a schema, compiled.
#[derive(Debug)]
struct Whole {
    validator: Validator<Arguments>,
    /// How deep its schemas stand in one another for one value.
    nested: usize,
    /// What looking at a byte of a text costs, see [`survey::Surveyed`].
    pattern: usize,
}

/// Why arguments are refused.
pub(crate) enum Unsound {
    /// There is nothing to check them against.
    Unavailable(Unusable),
    /// What is wrong with them, as the end of a sentence.
    Invalid(String),
}

impl InputSchema {
    /// The tool's schema. Nothing of it is compiled yet.
    pub(crate) fn of(tool: &Tool) -> Self {
        Self {
            text: text(tool),
            whole: OnceLock::new(),
        }
    }

    /// The answer for a tool that no inventory has.
    pub(crate) const fn absent() -> Unsound {
        Unsound::Unavailable("the server's inventory does not have it")
    }

    /// Compiles all of the schema, once.
    pub(crate) fn compile(&self, patterns: &mut Patterns) {
        self.whole.get_or_init(|| {
            let text = self.text.as_ref().map_err(|why| *why)?;
            Whole::compile(text, patterns)
        });
    }

    /// Whether the arguments satisfy what a rule asks. A call without arguments has none of them.
    pub(crate) fn check(
        &self,
        what: Validate,
        arguments: Option<Value<'_>>,
    ) -> Result<(), Unsound> {
        let none = Document::parse(b"{}", BOUNDS).expect("is JSON");
        let arguments = arguments.unwrap_or_else(|| none.root());
        match what {
            Validate::RequiredArguments => self.required(arguments),
            Validate::Schema => {
                self.compile(&mut Patterns::default());
                match self.whole.get() {
                    Some(Ok(whole)) => whole.check(arguments),
                    Some(Err(why)) => Err(Unsound::Unavailable(why)),
                    None => Err(Self::absent()),
                }
            }
        }
    }

    /// Whether what the schema requires is there. Null is as absent here as everywhere in a policy,
    /// and a key that could be taken for another is neither.
    fn required(&self, arguments: Value<'_>) -> Result<(), Unsound> {
        let text = self
            .text
            .as_ref()
            .map_err(|why| Unsound::Unavailable(why))?;
        let schema = Document::parse(text.as_bytes(), BOUNDS).map_err(|_| Self::absent())?;
        let Some(required) = schema.root().get("required") else {
            return Ok(());
        };
        let effort = Effort::default();
        for name in required.elements() {
            let Some(name) = name.as_str() else {
                return Err(Unsound::Unavailable(
                    "its `required` is not a list of names",
                ));
            };
            let step = [Segment::Key(Key::new(&name))];
            let what = match evaluate::find(Some(arguments), &step, &effort) {
                Operand::Missing => "is missing",
                Operand::Wrong => "cannot be told from another that is like it",
                _ => continue,
            };
            return Err(Unsound::Invalid(format!("{} {what}", words::named(&name))));
        }
        match required.kind() {
            Kind::Array => Ok(()),
            _ => Err(Unsound::Unavailable(
                "its `required` is not a list of names",
            )),
        }
    }
}

/// The text of the schema in the upstream's definition.
fn text(tool: &Tool) -> Result<Box<str>, Unusable> {
    let definition = Document::parse(tool.definition.as_bytes(), DEFINITION_BOUNDS)
        .map_err(|_| "the tool's definition cannot be read for certain")?;
    let schema = definition.root().get("inputSchema");
    let schema = schema.ok_or("the tool has none")?;
    if schema.kind() != Kind::Object {
        return Err("it is not an object");
    }
    match Document::parse(schema.raw().as_bytes(), BOUNDS) {
        Ok(_) => Ok(schema.raw().into()),
        Err(_) => Err("it is over 256 KiB or nested deeper than 64"),
    }
}

impl Whole {
    fn compile(text: &str, patterns: &mut Patterns) -> Result<Self, Unusable> {
        let mut schema: serde_json::Value =
            serde_json::from_str(text).map_err(|_| "it has a number that cannot be read")?;
        let surveyed = survey::price(&mut schema, patterns)?;
        let regex = PatternOptions::regex()
            .size_limit(patterns::SIZE_MAX)
            .dfa_size_limit(patterns::SIZE_MAX);
        let validator = jsonschema::options_for::<Arguments>()
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(regex)
            .with_pattern_cache(patterns.compiled.clone())
            .with_keyword(PRICE, |_, price, _| {
                let price = price.as_u64().and_then(|price| usize::try_from(price).ok());
                Ok(Box::new(Price(price.unwrap_or(usize::MAX))))
            })
            .build(&schema)
            .map_err(|_| "it is not a JSON Schema, or has a pattern without a linear time")?;
        Ok(Self {
            validator,
            nested: surveyed.nested as usize,
            pattern: surveyed.pattern,
        })
    }

    fn check(&self, arguments: Value<'_>) -> Result<(), Unsound> {
        let depth = words::exact(arguments)?;
        if depth.saturating_mul(self.nested) > NESTED_MAX {
            let what = "are nested too deep to be checked against it";
            return Err(Unsound::Invalid(format!("the arguments {what}")));
        }
        let effort = Effort::default().with_pattern(self.pattern);
        let valid = self.validator.is_valid(Argument::Value(arguments, &effort));
        if effort.is_spent() {
            let what = "the arguments are too large to be checked against it";
            return Err(Unsound::Invalid(what.to_owned()));
        }
        match valid {
            true => Ok(()),
            false => Err(Unsound::Invalid(self.fault(arguments))),
        }
    }

    /// What is wrong, where that is quickly told.
    fn fault(&self, arguments: Value<'_>) -> String {
        let effort = Effort::of(FAULT_EFFORT_MAX).with_pattern(self.pattern);
        match self.validator.validate(Argument::Value(arguments, &effort)) {
            Err(error) if !effort.is_spent() => words::fault(arguments, &error),
            _ => "the arguments do not satisfy it".to_owned(),
        }
    }
}

/// What an application of a schema costs beside a few steps, told by [`survey::price`].
struct Price(usize);

impl<'i> jsonschema::Keyword<'i, Arguments> for Price {
    fn validate(&self, argument: Argument<'i>) -> Result<(), ValidationError<'i>> {
        match self.is_valid(argument) {
            true => Ok(()),
            false => Err(ValidationError::custom("the effort is spent")),
        }
    }

    fn is_valid(&self, argument: Argument<'i>) -> bool {
        argument.spend((4 * STEP).saturating_add(self.0))
    }
}
