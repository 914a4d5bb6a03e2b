//! Running the tests inside a policy: `policy.md`, section 6.

use domain::{
    Tool,
    audit::{Code, Outcome},
};
use json::Document;
use serde::Serialize;

use crate::{
    case::{Case, Expect},
    codes::TEST_FAILED,
    counters::Counters,
    decision::Decision,
    engine::{Call, Engine, GrantFacts},
    fault::Fault,
    policy::Policy,
    read::BOUNDS,
};

/// When a test's call is made, where its author does not say: 2026-01-05T12:00:00Z, a Monday.
const NOON_UNIX_MS: u64 = 1_767_614_400_000;
/// Who makes it, where its author does not say.
const LABEL: &str = "test";

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
    /// What came out, in the same words, with the code in brackets.
    pub got: String,
    /// The decision on the last of its calls.
    pub decision: Decision,
}

impl Policy {
    /// Runs every test of the document against fresh counters and a clock that stands still, in
    /// the order of the document. A tool that the inventory does not have is unknown, as it is to
    /// the gateway; without an inventory every tool is known.
    ///
    /// The work is bounded: a document whose tests would look at too much is not read (`too_many`),
    /// and `repeat` costs nothing.
    #[must_use]
    pub fn run_tests(&self, inventory: Option<&[Tool]>) -> Vec<TestOutcome> {
        let cases = &self.rules.tests;
        if cases.is_empty() {
            return Vec::new();
        }
        self.run_tests_on(&Engine::compile(self, inventory))
    }

    /// Runs them against another policy's rules.
    pub(crate) fn run_tests_on(&self, engine: &Engine) -> Vec<TestOutcome> {
        let cases = self.rules.tests.iter();
        cases.map(|case| case.run(engine)).collect()
    }

    /// The tests that fail, as faults at their places.
    pub(crate) fn failing_tests(&self, inventory: Option<&[Tool]>) -> Vec<Fault> {
        let outcomes = self.run_tests(inventory);
        let failed: Vec<(&Case, TestOutcome)> = self
            .rules
            .tests
            .iter()
            .zip(outcomes)
            .filter(|(_, outcome)| !outcome.passed)
            .collect();
        let offsets: Vec<usize> = failed.iter().map(|(case, _)| case.offset).collect();
        failed
            .into_iter()
            .zip(json::positions(self.text(), &offsets))
            .map(|((_, outcome), place)| Fault {
                line: place.line,
                column: place.column,
                code: TEST_FAILED,
                detail: outcome.sentence(),
                pointer: outcome.pointer,
                got: Some(outcome.got),
                hint: None,
            })
            .collect()
    }
}

impl TestOutcome {
    /// Which test, what was expected and what came out.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self {
            name,
            expected,
            got,
            ..
        } = self;
        match self.passed {
            true => format!("the test \"{name}\" came out as expected: {got}"),
            false => format!("the test \"{name}\" expects {expected}, and what came out is {got}"),
        }
    }
}

impl Case {
    fn run(&self, engine: &Engine) -> TestOutcome {
        let decision = self.decide(engine);
        let right_rule = self.rule.is_none() || self.rule == decision.rule;
        TestOutcome {
            pointer: self.pointer.clone(),
            name: self.name.clone(),
            passed: right_rule && self.expect.is_met_by(&decision),
            expected: self.expected(),
            got: told(&decision),
            decision,
        }
    }

    fn decide(&self, engine: &Engine) -> Decision {
        let document = self.args.as_ref().map(|text| {
            Document::parse(text.as_bytes(), BOUNDS)
                .expect("it is part of a document that was read")
        });
        let call = Call {
            tool: &self.tool,
            arguments: document.as_ref().map(Document::root),
            grant: GrantFacts {
                label: self.grant.label.as_deref().unwrap_or(LABEL),
                identity: self.grant.identity.as_deref(),
                labels: &self.grant.labels,
            },
            class: self.class,
            now_unix_ms: self.at_unix_ms.unwrap_or(NOON_UNIX_MS),
        };
        Counters::new().decide_repeated(engine, &call, self.repeat)
    }

    fn expected(&self) -> String {
        let word = self.expect.word();
        match &self.rule {
            Some(rule) => format!("{word} by {rule}"),
            None => word.to_owned(),
        }
    }
}

impl Expect {
    /// `deny` is met by every refusal, also by one that hides the tool: under `default: deny` an
    /// author who writes that a tool is refused means just that, whichever answer the agent gets.
    /// `hide` is met only where the answer is that of a tool which does not exist.
    fn is_met_by(self, decision: &Decision) -> bool {
        match self {
            Self::Allow => decision.outcome == Outcome::Allow,
            Self::Approval => decision.outcome == Outcome::Approval,
            Self::Deny => decision.outcome == Outcome::Deny,
            Self::Hide => hides(decision.code),
        }
    }

    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, expect)| *expect == self);
        found.map_or("", |(word, _)| word)
    }
}

/// Whether the agent is answered as if there were no such tool.
const fn hides(code: Code) -> bool {
    matches!(code, Code::Hidden | Code::UnknownTool | Code::DefaultDeny)
}

/// `deny by /tools/x/action (denied)`.
fn told(decision: &Decision) -> String {
    let word = match decision.outcome {
        Outcome::Deny if hides(decision.code) => "hide",
        outcome => outcome.as_str(),
    };
    match (&decision.rule, decision.outcome) {
        (_, Outcome::Allow) => word.to_owned(),
        (Some(rule), _) => format!("{word} by {rule} ({})", decision.code),
        (None, _) => format!("{word} ({})", decision.code),
    }
}
