//! A valid document.

use std::sync::Arc;

use domain::Tool;

use crate::{
    codes::NOT_AVAILABLE,
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
    not_available: Arc<[Fault]>,
}

impl Policy {
    /// Understands a document whole.
    ///
    /// # Errors
    /// Every fault, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let (policy, report) = Self::read(text, None);
        policy.ok_or(report.faults)
    }

    /// The policy is there if and only if there is no fault.
    fn read(text: &str, inventory: Option<&[Tool]>) -> (Option<Self>, Report) {
        let (rules, report) = read::document(text, inventory);
        let warnings = report.warnings.iter();
        let not_available = warnings.filter(|warning| warning.code == NOT_AVAILABLE);
        let policy = rules.map(|rules| Self {
            text: text.into(),
            rules: Arc::new(rules),
            not_available: not_available.cloned().collect(),
        });
        (policy, report)
    }

    /// The document as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What of it the gateway does not enforce yet. A document with any of these must not be
    /// published: its rules would not be kept.
    #[must_use]
    pub fn not_available(&self) -> &[Fault] {
        &self.not_available
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

/// Checks a document whole, and where nothing is wrong with it, runs its tests: each that fails is
/// a fault. With an inventory, rules for tools that the server does not have are warnings.
#[must_use]
pub fn check(text: &str, inventory: Option<&[Tool]>) -> Report {
    let (policy, mut report) = Policy::read(text, inventory);
    if let Some(policy) = policy {
        report.faults = policy.failing_tests(inventory);
        report.valid = report.faults.is_empty();
    }
    report
}
