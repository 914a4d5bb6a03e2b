//! What somebody pasted: a whole document, or a part of one.

use json::{Document, Kind};

use super::MergeError;
use crate::{policy::Policy, read::BOUNDS};

/// The fields that make an object a document, or a part of one.
const FIELDS: [&str; 7] = [
    "version",
    "default",
    "hide",
    "all_tools",
    "classes",
    "tools",
    "tests",
];

/// A rule that was understood.
pub(super) struct Understood {
    /// As a whole document.
    pub(super) text: String,
    pub(super) policy: Policy,
    /// Whether its author said what becomes of other tools.
    pub(super) says_default: bool,
}

/// The text as a whole document.
pub(super) fn understood(text: &str) -> Result<Understood, MergeError> {
    let (text, says_default) = whole(text)?;
    let policy = Policy::parse(&text).map_err(MergeError::Rule)?;
    Ok(Understood {
        text,
        policy,
        says_default,
    })
}

/// The document, and whether `default` is its author's.
fn whole(text: &str) -> Result<(String, bool), MergeError> {
    let text = text.trim().trim_end_matches(',').trim_end();
    if text.is_empty() {
        return Err(MergeError::NoRule("There is no rule in the text."));
    }
    let braced = format!("{{{text}}}");
    let parse = |text: &str| Document::parse(text.as_bytes(), BOUNDS).map(|it| kind(it.root()));
    let (text, kind) = match (parse(text), parse(&braced)) {
        (Ok(Shape::Other), Ok(kind)) | (Err(_), Ok(kind)) => (braced, kind),
        (Ok(kind), _) => (text.to_owned(), kind),
        // Its faults are told as those of a document.
        (Err(_), Err(_)) => (text.to_owned(), Shape::Whole),
    };
    let says_default = matches!(kind, Shape::Whole | Shape::Default);
    let text = match kind {
        Shape::Whole => text,
        Shape::Part => {
            let inner = &text[1..];
            format!("{{\"version\":\"1\",\"default\":\"deny\",{inner}")
        }
        Shape::Version => {
            let inner = &text[1..];
            format!("{{\"default\":\"deny\",{inner}")
        }
        Shape::Default => {
            let inner = &text[1..];
            format!("{{\"version\":\"1\",{inner}")
        }
        Shape::Tools => format!("{{\"version\":\"1\",\"default\":\"deny\",\"tools\":{text}}}"),
        Shape::Other => {
            return Err(MergeError::NoRule(
                "This is no policy and no part of one: paste a whole policy, or entries of `tools` \
                 such as \"rerun_workflow\": { … }.",
            ));
        }
    };
    Ok((text, says_default))
}

enum Shape {
    /// A document.
    Whole,
    /// One that says neither `version` nor `default`.
    Part,
    /// One that says `version` alone.
    Version,
    /// One that says `default` alone.
    Default,
    /// Entries of `tools`.
    Tools,
    Other,
}

fn kind(root: json::Value<'_>) -> Shape {
    if root.kind() != Kind::Object || root.is_empty() {
        return Shape::Other;
    }
    let has = |field| root.get(field).is_some();
    let a_part = FIELDS.iter().any(|field| {
        let wanted = match *field {
            "version" | "default" => Kind::String,
            "hide" | "tests" => Kind::Array,
            _ => Kind::Object,
        };
        root.get(field).is_some_and(|value| value.kind() == wanted)
    });
    match (has("version"), has("default")) {
        (true, true) => Shape::Whole,
        _ if !a_part
            && root
                .members()
                .all(|(_, value)| value.kind() == Kind::Object) =>
        {
            Shape::Tools
        }
        (true, false) => Shape::Version,
        (false, true) => Shape::Default,
        _ if a_part => Shape::Part,
        _ => Shape::Other,
    }
}
