//! Which tools no rule names, and which rules name no tool.

use policy::{IdleRule, UnruledTool};

use crate::actions::subject::Subject;
use site::lines::Lines;

/// The pane.
pub(crate) struct Coverage {
    /// Whether there are tools to compare with.
    pub(crate) tools_known: bool,
    /// None where the document cannot be read.
    pub(crate) found: Option<Found>,
}

/// What was found, with the lines of the rules.
pub(crate) struct Found {
    pub(crate) tools: Vec<UnruledTool>,
    pub(crate) rules: Vec<(IdleRule, Option<usize>)>,
}

impl Coverage {
    pub(super) fn of(
        coverage: Option<policy::Coverage>,
        subject: &Subject,
        lines: &Lines<'_>,
    ) -> Self {
        let found = |coverage: policy::Coverage| Found {
            rules: coverage
                .rules_without_tool
                .into_iter()
                .map(|rule| {
                    let line = lines.at(&rule.pointer);
                    (rule, line)
                })
                .collect(),
            tools: coverage.tools_without_rule,
        };
        Self {
            tools_known: subject.tools.is_some(),
            found: coverage.map(found),
        }
    }

    /// How much there is to look at.
    pub(crate) fn count(&self) -> usize {
        self.found
            .as_ref()
            .map_or(0, |found| found.tools.len() + found.rules.len())
    }
}
