//! Policies for a whole class, and for what has a risk.

use catalog::Starter;
use domain::tools::{Risk, ToolClass};

/// A policy that a class or risk page shows.
pub(crate) struct ClassRule {
    /// What it does, in a sentence or two.
    pub(crate) explanation: &'static str,
    /// The whole document, with tests that pass.
    pub(crate) document: &'static str,
}

macro_rules! document {
    ($body:literal) => {
        concat!(
            "{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n",
            $body,
            "}\n"
        )
    };
}

pub(super) const fn for_class(class: ToolClass) -> ClassRule {
    match class {
        ToolClass::Read => ClassRule {
            explanation: "Lets every reading tool through, each 60 times a minute, and refuses the rest.",
            document: document!(
                r#"  "classes": {
    "read": { "rate_limit": { "max": 60, "window": "minute" } }
  },
  "tests": [
    { "name": "reads are let through", "tool": "get_issue", "class": "read", "expect": "allow" },
    { "name": "but not without end", "tool": "get_issue", "class": "read", "repeat": 61,
      "expect": "deny", "rule": "/classes/read/rate_limit" }
  ]
"#
            ),
        },
        ToolClass::Write => ClassRule {
            explanation: "Lets every writing tool through, each 30 times a minute, beside the reading ones.",
            document: document!(
                r#"  "classes": {
    "read": { "rate_limit": { "max": 60, "window": "minute" } },
    "write": { "rate_limit": { "max": 30, "window": "minute" } }
  },
  "tests": [
    { "name": "writes are let through", "tool": "update_issue", "class": "write", "expect": "allow" },
    { "name": "but not without end", "tool": "update_issue", "class": "write", "repeat": 31,
      "expect": "deny", "rule": "/classes/write/rate_limit" }
  ]
"#
            ),
        },
        ToolClass::Execute => ClassRule {
            explanation: "Lets a tool that executes through ten times a minute, and only with arguments \
                          that its own schema allows; without a schema every call is refused.",
            document: document!(
                r#"  "classes": {
    "read": { "rate_limit": { "max": 60, "window": "minute" } },
    "execute": { "validate": "schema", "rate_limit": { "max": 10, "window": "minute" } }
  },
  "tests": [
    { "name": "reads are let through", "tool": "get_pipeline", "class": "read", "expect": "allow" },
    { "name": "what has no schema is not run", "tool": "no_schema", "class": "execute",
      "expect": "deny" }
  ]
"#
            ),
        },
        ToolClass::Destructive => ClassRule {
            explanation: "Refuses every tool that deletes for good, and tells the agent why. A tool that an \
                          agent must have gets an entry of its own in \"tools\", which goes before the class.",
            document: document!(
                r#"  "classes": {
    "read": { "rate_limit": { "max": 60, "window": "minute" } },
    "destructive": { "action": "deny", "reason": "Deletes are done by people." }
  },
  "tests": [
    { "name": "deletes are refused", "tool": "delete_repo", "class": "destructive",
      "expect": "deny", "rule": "/classes/destructive/action" }
  ]
"#
            ),
        },
        ToolClass::Financial => ClassRule {
            explanation: "Refuses every tool that moves money, and tells the agent why. A tool that an agent \
                          must have gets an entry of its own in \"tools\", with bounds on the amount.",
            document: document!(
                r#"  "classes": {
    "read": { "rate_limit": { "max": 60, "window": "minute" } },
    "financial": { "action": "deny", "reason": "Payments are made by people." }
  },
  "tests": [
    { "name": "payments are refused", "tool": "create_payout", "class": "financial",
      "expect": "deny", "rule": "/classes/financial/action" }
  ]
"#
            ),
        },
    }
}

/// Above so many tools a policy goes by class: nobody reads so long a list, and making one takes
/// longer than a page may.
pub(super) const LISTED_MAX: usize = 100;

/// For all tools of a large server.
pub(super) fn for_many() -> Starter {
    let document = document!(
        r#"  "classes": {
    "read": { "rate_limit": { "max": 60, "window": "minute" } },
    "write": { "rate_limit": { "max": 30, "window": "minute" } },
    "execute": { "validate": "schema", "rate_limit": { "max": 10, "window": "minute" } },
    "destructive": { "action": "deny", "reason": "What this tool removes cannot be brought back." },
    "financial": { "action": "deny", "reason": "This tool moves money or makes an obligation to pay." }
  },
  "tests": [
    { "name": "reads are let through", "tool": "some_read", "class": "read", "expect": "allow" },
    { "name": "the 31st write in a minute is refused", "tool": "some_write", "class": "write",
      "repeat": 31, "expect": "deny", "rule": "/classes/write/rate_limit" },
    { "name": "deletes are refused", "tool": "some_delete", "class": "destructive",
      "expect": "deny", "rule": "/classes/destructive/action" },
    { "name": "payments are refused", "tool": "some_payment", "class": "financial",
      "expect": "deny", "rule": "/classes/financial/action" }
  ]
"#
    );
    Starter {
        id: "recommended",
        name: "Recommended",
        explanation: "There are too many tools to list here, so the rules go by class, also for tools that \
                      the server adds later: reading, writing and executing at a pace that suits an agent at \
                      work, executing only with arguments that the tool's own schema allows; nothing that \
                      deletes for good or moves money."
            .to_owned(),
        document: document.to_owned(),
    }
}

/// The class that most tools of the risk are of; policies know classes, since those are what tools do.
pub(super) const fn for_risk(risk: Risk) -> ClassRule {
    match risk {
        Risk::Low => for_class(ToolClass::Read),
        Risk::Medium => for_class(ToolClass::Write),
        Risk::High => for_class(ToolClass::Execute),
        Risk::Critical => ClassRule {
            explanation: "Refuses every tool that deletes for good or moves money. Tools that run commands \
                          or code of the caller’s choice are refused by the default, since no block opens \
                          the class that they are of.",
            document: document!(
                r#"  "classes": {
    "read": { "rate_limit": { "max": 60, "window": "minute" } },
    "write": { "rate_limit": { "max": 30, "window": "minute" } },
    "destructive": { "action": "deny", "reason": "Deletes are done by people." },
    "financial": { "action": "deny", "reason": "Payments are made by people." }
  },
  "tests": [
    { "name": "deletes are refused", "tool": "delete_repo", "class": "destructive", "expect": "deny" },
    { "name": "payments are refused", "tool": "create_payout", "class": "financial", "expect": "deny" },
    { "name": "commands are refused", "tool": "run_command", "class": "execute", "expect": "deny" },
    { "name": "reads are let through", "tool": "get_issue", "class": "read", "expect": "allow" }
  ]
"#
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use policy::{Policy, check};

    use super::{super::counts::RISKS, *};

    #[test]
    fn every_rule_is_valid_and_keeps_its_promise() {
        let all = ToolClass::ALL
            .map(for_class)
            .into_iter()
            .chain(RISKS.map(for_risk));
        let all = all.map(|rule| rule.document.to_owned());
        for document in all.chain([for_many().document]) {
            let report = check(&document, None);
            assert!(report.valid, "{document}\n{:#?}", report.faults);
            let policy = Policy::parse(&document).expect("it is valid");
            assert_eq!(policy.not_available(), []);
            let outcomes = policy.run_tests(None);
            assert!(!outcomes.is_empty());
            for outcome in outcomes {
                assert!(outcome.passed, "{outcome:#?}\n{document}");
            }
        }
    }
}
