//! What is wrong with a document, told to its author.

use serde::Serialize;

/// One thing that is wrong, at its place in the author's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where, as a JSON Pointer (RFC 6901). Of a missing field: where it should be.
    pub pointer: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// What kind of fault, one of [`crate::FAULT_CODES`] or [`crate::WARNING_CODES`].
    pub code: &'static str,
    /// A sentence that says what is wrong and what would be right.
    pub detail: String,
    /// What stands there, cut to a readable length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Everything that is wrong, and everything that is odd.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Whether the document can be published: there are no faults.
    pub valid: bool,
    /// What must be put right, in the order of the text.
    pub faults: Vec<Fault>,
    /// What is allowed but probably not meant, in the order of the text.
    pub warnings: Vec<Fault>,
}
