//! How the tests in the document come out.

use policy::TestOutcome;

use crate::actions::examine::Findings;
use site::lines::Lines;

/// The pane.
pub(crate) struct Tests {
    /// Whether the document can be read at all.
    pub(crate) readable: bool,
    pub(crate) rows: Vec<Row>,
}

/// One test.
pub(crate) struct Row {
    pub(crate) test: TestOutcome,
    /// Where the test stands in the text, and where the rule that decided does.
    pub(crate) line: Option<usize>,
    pub(crate) rule_line: Option<usize>,
}

impl Tests {
    pub(super) fn of(findings: &Findings, readable: bool, lines: &Lines<'_>) -> Self {
        let row = |test: &TestOutcome| Row {
            line: lines.at(&test.pointer),
            rule_line: test.decision.rule.as_ref().and_then(|rule| lines.at(rule)),
            test: test.clone(),
        };
        Self {
            readable,
            rows: findings.tests.iter().map(row).collect(),
        }
    }

    pub(crate) fn failed(&self) -> usize {
        self.rows.iter().filter(|row| !row.test.passed).count()
    }
}
