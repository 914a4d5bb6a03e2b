//! What stands in a document, as the builder shows it.
//!
//! Read from the text alone, faults or none: whatever is no rule that a form can hold is kept as
//! written, and said.

mod reader;

use std::hash::{DefaultHasher, Hash, Hasher};

use domain::{Tool, ToolClass};
use json::Value;
use reader::Reader;

use super::{
    edit::EditError,
    place::Place,
    rule::{Rule, TestForm},
    text::parse,
};
use crate::limit::Mode;

/// A document as the builder shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Whether a tool that no block matches is allowed; none where the document does not say, or
    /// not in the language's words.
    pub default_allow: Option<bool>,
    /// The document's own text about itself.
    pub description: Option<String>,
    /// What is added to every call.
    pub all_tools: Entry,
    /// One for each class, mildest first, written or not.
    pub classes: Vec<Entry>,
    /// The inventory's tools, then the entries of `tools` that it does not have: globs, and names.
    pub tools: Vec<Entry>,
    /// The entries of `hide` that are no row of `tools`.
    pub hidden: Vec<String>,
    /// The tests.
    pub tests: Vec<TestShown>,
    /// What the builder has no form for.
    pub kept: Vec<Kept>,
}

/// A row: a tool, a glob, a class or `all_tools`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The block, which may have to be made yet.
    pub place: Place,
    /// The name, glob or class.
    pub name: String,
    /// The tool's class, where the inventory has one.
    pub class: Option<ToolClass>,
    /// Whether the inventory has a tool of this name.
    pub in_inventory: bool,
    /// How many of the inventory's tools the block decides for; of a glob or class.
    pub tools: usize,
    /// Whether the document has the block.
    pub written: bool,
    /// What it comes to.
    pub state: State,
    /// What the agent is told where the block refuses.
    pub reason: Option<String>,
    /// What of `hide` takes the tool away.
    pub hidden_by: Option<HiddenBy>,
    /// The block's rules, in the order of evaluation.
    pub rules: Vec<Shown>,
}

/// What a row comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The document has no block of its own for it.
    Left {
        /// What decides instead.
        to: LeftTo,
        /// Whether that lets calls through, perhaps by rules.
        allowed: bool,
    },
    /// Every call passes.
    Allow,
    /// Every call is refused.
    Deny,
    /// It is taken out of the list.
    Hide,
    /// Every call is held for a person.
    Approval,
    /// Rules decide.
    Custom,
    /// What stands there is at fault.
    Unclear,
}

/// What decides for a tool without a block of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftTo {
    /// A glob in `tools`.
    Glob(String),
    /// The block of its class.
    Class(ToolClass),
    /// Every class block together, since the tool has no class.
    EveryClass,
    /// `default`.
    Default,
}

/// What takes a tool away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HiddenBy {
    /// Its name.
    Name,
    /// A glob that matches it.
    Glob(String),
}

/// A rule as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Where it stands, a JSON Pointer: `/tools/x/limits/0`.
    pub pointer: String,
    /// Its line in the text, from 1.
    pub line: usize,
    /// Names what stands there now, for [`super::At`].
    pub mark: String,
    /// The rule in words.
    pub sentence: String,
    /// What the agent is told, where the rule says so itself.
    pub told: Option<String>,
    /// Whether it refuses; none of a rule that has no shadow mode.
    pub mode: Option<Mode>,
    /// What a form holds of it; none where it is kept as written.
    pub rule: Option<Rule>,
    /// Its index and how many there are, where it stands in a list.
    pub listed: Option<(usize, usize)>,
}

/// A test as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestShown {
    /// Where it stands: `/tests/0`.
    pub pointer: String,
    /// Its line in the text, from 1.
    pub line: usize,
    /// Names what stands there now, for [`super::At`].
    pub mark: String,
    /// What it shows, as its author says.
    pub name: String,
    /// What it expects, in words.
    pub sentence: String,
    /// What a form holds of it; none where it is kept as written.
    pub test: Option<TestForm>,
}

/// Something that the builder has no form for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it stands.
    pub pointer: String,
    /// Its line in the text, from 1.
    pub line: usize,
    /// What it is, in words.
    pub sentence: String,
}

/// Everything that the builder shows of a document, as far as it can be read.
///
/// # Errors
/// Where the text is not JSON, or is longer or deeper than a policy may be: the builder waits until
/// it is mended.
pub fn outline(text: &str, inventory: Option<&[Tool]>) -> Result<Outline, EditError> {
    let document = parse(text)?;
    Ok(Reader::new(text, document.root(), inventory.unwrap_or_default()).outline())
}

/// Names a value by what it says, so that an edit finds out whether it is still the one that was
/// shown. Equal in all processes of one release.
pub(super) fn mark(value: Value<'_>) -> String {
    let mut hasher = DefaultHasher::new();
    value.canonical().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
