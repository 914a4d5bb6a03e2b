//! The policy that the demonstration begins with, and calls to try on it.

/// For the tools of CircleCI's own server, which takes a workflow by id or by URL.
pub(super) const POLICY: &str = r#"{
  "version": "1",
  "default": "deny",
  "tools": {
    "get_*": {},
    "rerun_workflow": {
      "deny_if": [{
        "conditions": [{ "path": "args.params.workflowURL", "op": "exists", "value": true }],
        "on_deny": "Name the workflow by workflowId, not by URL."
      }],
      "limits": [{ "counter": "reruns", "window": "minute", "max": 10 }]
    },
    "run_pipeline": {
      "deny_if": [{
        "conditions": [{ "path": "args.params.branch", "op": "eq", "value": "main" }],
        "on_deny": "Pipelines on main are started by people."
      }]
    }
  }
}"#;

/// A call to try.
pub(crate) struct Example {
    /// What it shows.
    pub(crate) says: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) call: u32,
}

/// The call that a visitor sees decided first.
pub(super) const FIRST: &Example = &EXAMPLES[0];

pub(crate) const EXAMPLES: [Example; 6] = [
    Example {
        says: "The eleventh rerun in a minute",
        tool: "rerun_workflow",
        arguments: r#"{ "params": { "workflowId": "3f0a4c1e-6f0b-4b7e-9a35-0c8f5d2b7e11" } }"#,
        call: 11,
    },
    Example {
        says: "The first one",
        tool: "rerun_workflow",
        arguments: r#"{ "params": { "workflowId": "3f0a4c1e-6f0b-4b7e-9a35-0c8f5d2b7e11" } }"#,
        call: 1,
    },
    Example {
        says: "A workflow named by URL",
        tool: "rerun_workflow",
        arguments: r#"{ "params": { "workflowURL": "https://app.circleci.com/pipelines/gh/acme/web/7" } }"#,
        call: 1,
    },
    Example {
        says: "A pipeline on main",
        tool: "run_pipeline",
        arguments: r#"{ "params": { "branch": "main" } }"#,
        call: 1,
    },
    Example {
        says: "Reading a build's log",
        tool: "get_build_failure_logs",
        arguments: r#"{ "params": { "branch": "main" } }"#,
        call: 1,
    },
    Example {
        says: "A tool that no rule names",
        tool: "run_rollback_pipeline",
        arguments: r#"{ "params": {} }"#,
        call: 1,
    },
];

impl Example {
    /// The address that shows its decision.
    pub(crate) fn href(&self) -> String {
        let query = [
            ("tool", self.tool.to_owned()),
            ("arguments", self.arguments.to_owned()),
            ("call", self.call.to_string()),
        ];
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        format!("/?{query}#demo")
    }
}
