//! A valid document.

use std::sync::Arc;

use domain::Tool;

use crate::{
    fault::{Fault, Report},
    read::{self, BOUNDS},
    rules::Rules,
};

/// A valid document. Only [`Policy::parse`] makes one, so nobody can store or publish a document
/// that was not understood. Cheap to copy.
#[derive(Debug, Clone)]
pub struct Policy {
    text: Arc<str>,
    pub(crate) rules: Arc<Rules>,
}

impl Policy {
    /// Understands a document whole.
    ///
    /// # Errors
    /// Every fault, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let (rules, report) = read::document(text, None);
        match rules {
            Some(rules) => Ok(Self {
                text: text.into(),
                rules: Arc::new(rules),
            }),
            None => Err(report.faults),
        }
    }

    /// The document as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same document in one fixed spelling: RFC 8785 order and escaping, numbers as exact
    /// decimals.
    #[must_use]
    pub fn canonical(&self) -> String {
        json::Document::parse(self.text.as_bytes(), BOUNDS)
            .expect("the text was read when the policy was made")
            .root()
            .canonical()
    }
}

/// Checks a document whole; with an inventory, rules for tools that the server does not have are
/// warnings.
#[must_use]
pub fn check(text: &str, inventory: Option<&[Tool]>) -> Report {
    read::document(text, inventory).1
}
