//! Where in a document an edit goes.

use domain::ToolClass;

use crate::read::escape;

/// A rule block: there, or to be made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// `all_tools`.
    AllTools,
    /// An entry of `classes`.
    Class(ToolClass),
    /// An entry of `tools`: a name or a glob.
    Tool(String),
}

impl Place {
    /// The block as a JSON Pointer, such as `/tools/rerun_workflow`.
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            Self::AllTools => "/all_tools".to_owned(),
            Self::Class(class) => format!("/classes/{class}"),
            Self::Tool(name) => format!("/tools/{}", escape(name)),
        }
    }

    /// The block that a pointer leads to or into.
    #[must_use]
    pub fn of(pointer: &str) -> Option<Self> {
        let steps = steps(pointer)?;
        match (steps.first()?.as_str(), steps.get(1)) {
            ("all_tools", _) => Some(Self::AllTools),
            ("classes", Some(class)) => class.parse().ok().map(Self::Class),
            ("tools", Some(name)) => Some(Self::Tool(name.clone())),
            _ => None,
        }
    }

    pub(super) fn steps(&self) -> Vec<String> {
        match self {
            Self::AllTools => vec!["all_tools".to_owned()],
            Self::Class(class) => vec!["classes".to_owned(), class.to_string()],
            Self::Tool(name) => vec!["tools".to_owned(), name.clone()],
        }
    }
}

/// Something that stands in the text already: a rule or a test.
///
/// Between the moment it was shown and the moment it is edited the text may have been changed by
/// hand, and its index may be another's. So an edit can bring along the mark that the outline gave,
/// and is refused where something else stands there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// A JSON Pointer, such as `/tools/x/deny_if/0`.
    pub pointer: String,
    /// What stood there, as [`super::Shown::mark`] has it; none to edit whatever is there.
    pub mark: Option<String>,
}

impl At {
    /// Whatever is there.
    #[must_use]
    pub fn pointer(pointer: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            mark: None,
        }
    }
}

/// The steps of a JSON Pointer (RFC 6901); none where it is no pointer.
pub(super) fn steps(pointer: &str) -> Option<Vec<String>> {
    let rest = pointer.strip_prefix('/')?;
    let unescape = |step: &str| step.replace("~1", "/").replace("~0", "~");
    Some(rest.split('/').map(unescape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_pointers_agree() {
        for place in [
            Place::AllTools,
            Place::Class(ToolClass::Read),
            Place::Tool("a/b~c".to_owned()),
            Place::Tool("get_*".to_owned()),
            Place::Tool(String::new()),
        ] {
            assert_eq!(Place::of(&place.pointer()), Some(place.clone()));
            let within = format!("{}/limits/0", place.pointer());
            assert_eq!(Place::of(&within), Some(place));
        }
        for pointer in [
            "",
            "x",
            "/",
            "/classes",
            "/classes/other",
            "/tools",
            "/hide/0",
        ] {
            assert_eq!(Place::of(pointer), None, "{pointer}");
        }
    }
}
