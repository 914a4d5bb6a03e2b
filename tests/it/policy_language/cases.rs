//! A policy for CircleCI's tools, and calls that it refuses.

use serde_json::{Value, json};
use tests::WORKFLOW;

/// Its arguments sit under `args.params`; `workflowURL` is an alias of `workflowId`, and values are
/// pasted into URLs unescaped.
fn document() -> Value {
    json!({
        "version": "1",
        "description": "CI agents",
        "default": "deny",
        "hide": ["run_rollback_pipeline"],
        "classes": {
            "read": { "max_result_bytes": 2048 },
            "write": { "action": "deny", "reason": "Exports are made by people." }
        },
        "tools": {
            "config_helper": { "validate": "schema" },
            "rerun_workflow": {
                "validate": "schema",
                "require": [{
                    "conditions": [{ "path": "args.params.workflowId", "op": "regex",
                        "value": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" }],
                    "on_deny": "workflowId must be a UUID."
                }],
                "deny_if": [
                    {
                        "conditions": [{ "path": "args.params.workflowURL", "op": "exists", "value": true }],
                        "on_deny": "Name the workflow by workflowId, not by URL."
                    },
                    {
                        "conditions": [{ "path": "args.params.fromFailed", "op": "neq", "value": true }],
                        "on_deny": "Rerun from the jobs that failed.",
                        "mode": "shadow"
                    }
                ],
                "limits": [
                    { "counter": "reruns", "window": "minute", "max": 3 },
                    { "counter": "reruns_tried", "window": "hour", "max": 1, "mode": "shadow" }
                ]
            },
            "run_pipeline": {
                "deny_if": [{
                    "conditions": [{ "path": "args.params.configContent", "op": "exists", "value": true }],
                    "on_deny": "Run the configuration that is in the repository."
                }],
                "approval": { "reason": "Starts a build.", "mode": "shadow" }
            }
        }
    })
}

/// One call that is refused, and how.
pub(super) struct Refused {
    pub(super) tool: &'static str,
    pub(super) args: Value,
    pub(super) code: &'static str,
    pub(super) rule: Option<&'static str>,
    pub(super) says: &'static str,
}

impl Refused {
    /// Whether the answer is that of a tool which does not exist.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self.code, "hidden" | "unknown_tool")
    }
}

pub(super) fn refused() -> Vec<Refused> {
    let case = |tool, args, code, rule, says| Refused {
        tool,
        args,
        code,
        rule: Some(rule),
        says,
    };
    let url = format!("https://app.circleci.com/pipelines/gh/acme/app/7/workflows/{WORKFLOW}");
    let require = "/tools/rerun_workflow/require/0";
    let uuid = "workflowId must be a UUID.";
    let mut all: Vec<Refused> = [
        format!("x/../{WORKFLOW}"),
        format!("{WORKFLOW}/../x"),
        format!("{WORKFLOW}\n"),
        WORKFLOW.to_uppercase(),
        String::new(),
    ]
    .into_iter()
    .map(|id| {
        let args = json!({ "params": { "workflowId": id } });
        case("rerun_workflow", args, "require_failed", require, uuid)
    })
    .collect();
    all.extend([
        case("rerun_workflow", json!({}), "require_failed", require, uuid),
        case(
            "rerun_workflow",
            json!({ "params": { "workflowURL": url } }),
            "require_failed",
            require,
            uuid,
        ),
        case(
            "rerun_workflow",
            json!({ "params": { "workflowId": WORKFLOW, "workflowURL": url } }),
            "deny_if",
            "/tools/rerun_workflow/deny_if/0",
            "Name the workflow by workflowId, not by URL.",
        ),
        case(
            "rerun_workflow",
            json!({ "workflowId": WORKFLOW }),
            "invalid_arguments",
            "/tools/rerun_workflow/validate",
            "rerun_workflow",
        ),
        case(
            "rerun_workflow",
            json!({ "params": { "workflowId": WORKFLOW, "fromFailed": "true" } }),
            "invalid_arguments",
            "/tools/rerun_workflow/validate",
            "rerun_workflow",
        ),
        case(
            "run_pipeline",
            json!({ "params": { "projectSlug": "gh/acme/app", "branch": "main", "configContent": "version: 2.1" } }),
            "deny_if",
            "/tools/run_pipeline/deny_if/0",
            "Run the configuration that is in the repository.",
        ),
        case(
            "config_helper",
            json!({ "params": { "configFile": "version: 2.1", "configContent": "version: 2.1" } }),
            "invalid_arguments",
            "/tools/config_helper/validate",
            "config_helper",
        ),
        case(
            "config_helper",
            json!({ "params": {} }),
            "invalid_arguments",
            "/tools/config_helper/validate",
            "config_helper",
        ),
        case(
            "download_usage_api_data",
            json!({ "params": { "orgId": "o", "outputDir": "/tmp" } }),
            "denied",
            "/classes/write/action",
            "Exports are made by people.",
        ),
        case(
            "run_rollback_pipeline",
            json!({ "params": { "environmentName": "production" } }),
            "hidden",
            "/hide/0",
            "Unknown tool: run_rollback_pipeline",
        ),
        Refused {
            tool: "analyze_diff",
            args: json!({}),
            code: "unknown_tool",
            rule: None,
            says: "Unknown tool: analyze_diff",
        },
    ]);
    all
}

/// The document with every expectation above, and a few of what goes through, as its own tests.
pub(super) fn with_tests() -> Value {
    let mut tests: Vec<Value> = refused()
        .iter()
        .enumerate()
        .map(|(n, case)| {
            let expect = if case.is_unknown() { "hide" } else { "deny" };
            let mut test = json!({ "name": format!("{n}: {} {}", case.tool, case.code),
                "tool": case.tool, "args": case.args, "expect": expect });
            if let Some(rule) = case.rule {
                test["rule"] = rule.into();
            }
            test
        })
        .collect();
    let good = json!({ "params": { "workflowId": WORKFLOW } });
    tests.extend([
        json!({ "name": "the third rerun goes through", "tool": "rerun_workflow", "args": good,
            "repeat": 3, "expect": "allow" }),
        json!({ "name": "the fourth does not", "tool": "rerun_workflow", "args": good, "repeat": 4,
            "expect": "deny", "rule": "/tools/rerun_workflow/limits/reruns" }),
        json!({ "name": "an approval in shadow holds nothing", "tool": "run_pipeline",
            "args": { "params": { "projectSlug": "gh/acme/app", "branch": "main" } }, "expect": "allow" }),
        json!({ "name": "what only reads is let through", "tool": "list_followed_projects",
            "args": { "params": {} }, "expect": "allow" }),
    ]);
    let mut document = document();
    document["tests"] = tests.into();
    document
}
